"""UIDONLY ([RFC9586]): nothing is called by its number, neither way."""

from __future__ import annotations

import re

import pytest

from gateway.imap.commands.bodies import LARGE
from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server


async def start(server: Server, *more: str) -> Client:
    """UIDs 2, 3 and 4 in INBOX."""
    for _ in range(4):
        server.deliver()
    server.mailbox.remove_messages(inbox(server), [1])
    client = await server.client(None)
    words = " ".join(("UIDONLY", *more))
    assert (await client.ok(f"ENABLE {words}"))[0] == f"* ENABLED {words}".encode()
    return client


def inbox(server: Server) -> int:
    return server.mailbox.folder(("INBOX",)).id


async def test_capability_and_enable(server: Server) -> None:
    """[RFC9586] 3, 3.1"""
    client = await server.client(None)
    assert b"UIDONLY" in (await client("CAPABILITY"))[0].split()
    lines = await client.ok("SELECT INBOX")
    assert not any(b"UIDFETCH" in line for line in lines)


@pytest.mark.parametrize(
    "command",
    ["FETCH 1 FLAGS", "STORE 1 FLAGS ()", "SEARCH ALL", "COPY 1 Archive", "MOVE 1 Archive", "UID SEARCH 1:3 UNSEEN"],
)
async def test_numbers_are_refused(server: Server, command: str) -> None:
    """[RFC9586] 3.2, 3.4: BAD [UIDREQUIRED]"""
    client = await start(server)
    await client.ok("SELECT INBOX")
    assert (await client(command))[-1].startswith(b"BAD [UIDREQUIRED]")


async def test_select(server: Server) -> None:
    """[RFC9586] 3.6: no number in SELECT's responses, and none in what QRESYNC takes."""
    client = await start(server, "QRESYNC")
    row = server.mailbox.folder(inbox(server))
    lines = await client.ok(f"SELECT INBOX (QRESYNC ({row.uidvalidity} 1 1:9))")
    assert not any(b"[UNSEEN" in line for line in lines)
    assert b"* VANISHED (EARLIER) 1" in lines
    found = [line for line in lines if b"FETCH" in line]
    assert [re.sub(rb"MODSEQ \(\d+\)", b"", line) for line in found] == [
        b"* %d UIDFETCH (UID %d FLAGS (\\Recent) )" % (uid, uid) for uid in (2, 3, 4)
    ]
    command = f"SELECT INBOX (QRESYNC ({row.uidvalidity} 1 1:9 (1:2 2:3)))"
    assert (await client(command))[-1].startswith(b"BAD [UIDREQUIRED]")


async def test_fetch(server: Server) -> None:
    """[RFC9586] 3.3: UIDFETCH, of what is stored, of what must be read, of what is large, of what becomes \\Seen."""
    client = await start(server)
    server.deliver(b"Subject: x\r\n\r\n" + b"y" * (LARGE + 10))
    await client.ok("SELECT INBOX")
    assert await client.ok("UID FETCH 3 (FLAGS)") == [b"* 3 UIDFETCH (UID 3 FLAGS (\\Recent))"]
    lines = await client.ok("UID FETCH 2:3 (BODY.PEEK[TEXT])")
    assert [line.split(b" (")[0] for line in lines] == [b"* 2 UIDFETCH", b"* 3 UIDFETCH"]
    (line,) = await client.ok("UID FETCH 4 (BODY[TEXT])")
    assert line.startswith(b"* 4 UIDFETCH (")
    assert line.endswith(b"FLAGS (\\Recent \\Seen))")
    (line,) = await client.ok("UID FETCH 5 (BODY[])")
    assert line.startswith(b"* 5 UIDFETCH (")


async def test_store_and_updates(server: Server) -> None:
    """[RFC9586] 3.3, 3.5: VANISHED, whether QRESYNC is enabled or not; UIDFETCH for flags."""
    client = await start(server)
    await client.ok("SELECT INBOX")
    assert await client.ok(r"UID STORE 3 +FLAGS (\Seen)") == [b"* 3 UIDFETCH (FLAGS (\\Recent \\Seen))"]
    server.mailbox.set_flags(inbox(server), [4], add=MessageFlag.FLAGGED)
    server.mailbox.remove_messages(inbox(server), [2])
    assert await client.ok("NOOP") == [b"* VANISHED 2", b"* 4 UIDFETCH (FLAGS (\\Recent \\Flagged))"]
    assert await client.ok(r"UID STORE 3 +FLAGS.SILENT (\Deleted)") == []
    assert await client.ok("EXPUNGE") == [b"* VANISHED 3"]
    lines = await client.ok("UID MOVE 4 Archive")
    assert lines[1:] == [b"* VANISHED 4"]


async def test_silent_store_with_condstore(server: Server) -> None:
    """[RFC9586] 3.6: MODSEQ by UID."""
    client = await start(server, "CONDSTORE")
    await client.ok("SELECT INBOX")
    (line,) = await client.ok(r"UID STORE 3 +FLAGS.SILENT (\Seen)")
    assert re.fullmatch(rb"\* 3 UIDFETCH \(MODSEQ \(\d+\)\)", line)


async def test_search(server: Server) -> None:
    """[RFC9586] 3.4: by UID, and of what was saved."""
    client = await start(server)
    await client.ok("SELECT INBOX")
    assert await client.ok("UID SEARCH UID 3:*") == [b"* SEARCH 3 4"]
    await client.ok("UID SEARCH RETURN (SAVE) UID 3")
    assert await client.ok("UID FETCH $ (FLAGS)") == [b"* 3 UIDFETCH (UID 3 FLAGS (\\Recent))"]


async def test_notify(server: Server) -> None:
    """[RFC9586] 3.5, [RFC5465] 5.2: new messages are told by UID."""
    client = await start(server)
    await client.ok("SELECT INBOX")
    await client.ok("NOTIFY SET (selected (MessageNew (FLAGS) MessageExpunge))")
    server.deliver()
    await client.settle()
    assert client.take() == [b"* 4 EXISTS", b"* 4 RECENT", b"* 5 UIDFETCH (FLAGS (\\Recent))"]
