"""SELECT, EXAMINE, CLOSE, UNSELECT, EXPUNGE over a real store."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.imap.session import Session
from store.ids import MessageFlag
from tests.gateway.imap.harness import Server


async def test_select_tells_what_the_client_must_know(server: Server) -> None:
    """[RFC3501] 6.3.1: FLAGS, EXISTS, RECENT, UNSEEN, PERMANENTFLAGS, UIDNEXT, UIDVALIDITY; [RFC7162] 3.1.2.1."""
    server.deliver(flags=MessageFlag.SEEN)
    server.deliver()
    client = await server.client(None)
    lines = await client("SELECT inbox")
    text = b"\n".join(lines)
    assert rb"* FLAGS (\Answered \Flagged \Deleted \Seen \Draft" in text
    assert re.search(rb"\* OK \[PERMANENTFLAGS \([^)]*\\\*\)\]", text)
    assert b"* 2 EXISTS" in lines
    assert b"* 2 RECENT" in lines
    assert re.search(rb"\* OK \[UNSEEN 2\]", text)
    assert re.search(rb"\* OK \[UIDNEXT 3\]", text)
    assert re.search(rb"\* OK \[UIDVALIDITY [1-9]\d*\]", text)
    assert re.search(rb"\* OK \[HIGHESTMODSEQ [1-9]\d*\]", text)
    assert lines[-1].startswith(b"OK [READ-WRITE]")


async def test_recent_belongs_to_the_first_session(server: Server) -> None:
    """[RFC3501] 2.3.2: a message is recent in the first session that is told of it, and in no other."""
    server.deliver()
    first, second = await server.client(None), await server.client(None)
    assert b"* 1 RECENT" in await first.ok("SELECT INBOX")
    assert b"* 0 RECENT" in await second.ok("SELECT INBOX")
    assert await first.ok("FETCH 1 FLAGS") == [rb"* 1 FETCH (FLAGS (\Recent))"]
    assert await second.ok("FETCH 1 FLAGS") == [b"* 1 FETCH (FLAGS ())"]


async def test_examine_changes_nothing(server: Server) -> None:
    """[RFC3501] 6.3.2: EXAMINE is read-only, and does not take \\Recent away."""
    server.deliver()
    client = await server.client(None)
    lines = await client("EXAMINE INBOX")
    assert b"* 1 RECENT" in lines
    assert lines[-1].startswith(b"OK [READ-ONLY]")
    await client.ok("FETCH 1 BODY[]")
    assert (await client(r"STORE 1 +FLAGS (\Deleted)"))[-1].startswith(b"NO")
    assert (await client("EXPUNGE"))[-1].startswith(b"NO")
    await client.ok("CLOSE")
    assert b"* 1 RECENT" in await client.ok("SELECT INBOX")
    assert await client.ok("FETCH 1 FLAGS") == [rb"* 1 FETCH (FLAGS (\Recent))"]


@pytest.mark.parametrize("enable", ["CONDSTORE", "QRESYNC"])
async def test_what_goes_while_a_mailbox_is_selected_is_told_later(
    server: Server, monkeypatch: pytest.MonkeyPatch, enable: str
) -> None:
    """A client does not expect EXPUNGE or VANISHED among the answers to SELECT: its next command brings them."""
    for _ in range(3):
        server.deliver()
    inbox = server.mailbox.folder(("INBOX",)).id
    client = await server.client(None)
    await client.ok(f"ENABLE {enable}")
    honest = Session.select

    async def select(session: Session, *args: Any, **kwargs: Any) -> Any:
        made = await honest(session, *args, **kwargs)
        server.mailbox.remove_messages(inbox, [2])
        session.forget_index()  # as in the loop's next turn
        return made

    monkeypatch.setattr(Session, "select", select)
    lines = await client.ok("SELECT INBOX")
    assert b"* 3 EXISTS" in lines
    assert not any(b"EXPUNGE" in line or b"VANISHED" in line for line in lines)
    told = await client.ok("NOOP")
    assert (b"* 2 EXPUNGE" if enable == "CONDSTORE" else b"* VANISHED 2") in told
