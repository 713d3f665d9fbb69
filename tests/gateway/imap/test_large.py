"""Commands on many messages: others have the loop in time, and nothing of a large folder is held for a session."""

from __future__ import annotations

import asyncio

import pytest

from gateway.imap import connection, session
from tests.gateway.imap.harness import Server


async def test_others_have_the_loop_during_a_long_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes everything at once does not keep a long FETCH from letting others in."""
    monkeypatch.setattr(connection, "SLICE", -1.0)
    server.deliver()
    inbox = server.mailbox.folder(("INBOX",)).id
    for _ in range(10):
        server.mailbox.copy(inbox, server.mailbox.index(inbox).uids, inbox)
    large, other = await server.client(), await server.client()
    done: list[str] = []

    async def command(client: object, text: str) -> None:
        await client.ok(text)  # type: ignore[attr-defined]  # a Client
        done.append(text)

    await asyncio.gather(command(large, "FETCH 1:* (FLAGS ENVELOPE)"), command(other, "NOOP"))
    assert done == ["NOOP", "FETCH 1:* (FLAGS ENVELOPE)"]


async def test_many_changes_are_told_in_portions(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the client is told in the end is the same, and its own changes are not told again ([RFC3501] 5.2, 7.4.1)."""
    monkeypatch.setattr(session, "PORTION", 2)
    for _ in range(9):
        server.deliver()
    first, second = await server.client(), await server.client()
    await second.ok("STORE 1:2 +FLAGS.SILENT (\\Seen)")
    await second.ok("STORE 3:9 +FLAGS.SILENT (\\Deleted)")
    told = await first.ok("STORE 2 +FLAGS (\\Flagged)")
    assert [line for line in told if b"FETCH" in line] == [
        b"* 2 FETCH (FLAGS (\\Recent \\Flagged \\Seen))",
        b"* 1 FETCH (FLAGS (\\Recent \\Seen))",
        *(b"* %d FETCH (FLAGS (\\Recent \\Deleted))" % number for number in range(3, 10)),
    ]
    await second.ok("UID EXPUNGE 4,6:9")
    for _ in range(3):
        server.deliver()
    lines = await first.ok("NOOP")
    numbers = list(range(1, 10))
    for line in lines:
        if line.endswith(b" EXPUNGE"):
            del numbers[int(line.split()[1]) - 1]
    assert numbers == [1, 2, 3, 5]
    assert lines[-2:] == [b"* 7 EXISTS", b"* 7 RECENT"]
    assert [line for line in lines if b"FETCH" in line] == []
    assert await first.ok("NOOP") == []
    assert await second.ok("NOOP") == [b"* 6 EXISTS", b"* 0 RECENT", b"* 7 EXISTS", b"* 0 RECENT"]
