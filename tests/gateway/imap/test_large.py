"""Commands on many messages: others have the loop in time, and nothing of a large folder is held for a session."""

from __future__ import annotations

import asyncio
import threading
from typing import NoReturn

import pytest

from gateway.imap import connection, updates
from gateway.imap.commands import bodies, fetch, store
from gateway.imap.commands.bodies import Messages
from store import indexcache
from store.changes import Change
from store.errors import Unavailable
from store.ids import MessageFlag
from store.index import FolderIndex
from store.mailbox import Mailbox
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
    monkeypatch.setattr(updates, "PORTION", 2)
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


async def test_a_session_takes_over_what_it_appends(server: Server) -> None:
    """It tells of it without looking at the log, unless something else has happened ([RFC3501] 6.3.11, 5.2)."""
    looks: list[int] = []
    first, second = await server.client(), await server.client()
    changes_since = Mailbox.changes_since

    def look(mailbox: Mailbox, folder_id: int, cn: int, *, most: int | None = None) -> tuple[int, list[Change]]:
        looks.append(cn)
        return changes_since(mailbox, folder_id, cn, most=most)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Mailbox, "changes_since", look)
        lines = await first.ok("APPEND INBOX (\\Seen) {3+}\r\na:b")
        assert lines == [b"* 1 EXISTS", b"* 1 RECENT"]
        assert looks == []
        assert await first.ok("NOOP") == []
        assert looks == []
        assert await second.ok("NOOP") == [b"* 1 EXISTS", b"* 0 RECENT"]
        assert len(looks) == 1
        await second.ok("STORE 1 +FLAGS (\\Flagged)")
        lines = await first.ok("APPEND INBOX {3+}\r\na:b")
        assert lines == [b"* 2 EXISTS", b"* 2 RECENT", b"* 1 FETCH (FLAGS (\\Recent \\Flagged \\Seen))"]
        assert len(looks) == 2, "what somebody else did came between"
        assert await first.ok("FETCH 1:* (UID FLAGS)") == [
            b"* 1 FETCH (UID 1 FLAGS (\\Recent \\Flagged \\Seen))",
            b"* 2 FETCH (UID 2 FLAGS (\\Recent))",
        ]
    reader = await server.client(None)
    await reader.ok("EXAMINE INBOX")
    assert await reader.ok("APPEND INBOX {3+}\r\na:b") == [b"* 3 EXISTS", b"* 1 RECENT"]
    assert await first.ok("NOOP") == [b"* 3 EXISTS", b"* 3 RECENT"]


async def test_status_reads_a_large_folder_in_a_thread(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """RECENT and DELETED-STORAGE look into the messages ([RFC3501] 6.3.10, [RFC9208] 4.1.4)."""
    monkeypatch.setattr(indexcache, "LONG", 2)
    looked: list[bool] = []
    index = Mailbox.index

    def look(mailbox: Mailbox, folder_id: int) -> FolderIndex:
        looked.append(threading.current_thread() is threading.main_thread())
        return index(mailbox, folder_id)

    monkeypatch.setattr(Mailbox, "index", look)
    for _ in range(5):
        server.deliver()
    inbox = server.mailbox.folder(("INBOX",)).id
    sizes = [row.size for row in server.mailbox.rows(inbox)]
    await (await server.client()).ok("STORE 2,4 +FLAGS.SILENT (\\Deleted)")
    server.deliver()
    looked.clear()
    client = await server.client(None)
    for item, value in ((b"RECENT", 1), (b"DELETED-STORAGE", sizes[1] + sizes[3])):
        server.store._indexes.clear()
        assert await client.ok(b"STATUS INBOX (%b)" % item) == [b"* STATUS INBOX (%b %d)" % (item, value)]
    assert looked == [False, False]


@pytest.mark.parametrize("error", [Unavailable("disk"), ValueError("a bug")])
@pytest.mark.parametrize("raw", [b"Subject: x\r\n\r\n" + b"x" * 400, "Subject: ü\r\n\r\n".encode() + b"x" * 400])
async def test_a_response_that_breaks_off(
    server: Server, monkeypatch: pytest.MonkeyPatch, error: Exception, raw: bytes
) -> None:
    """Whatever fails in the middle of a FETCH response, no tagged reply stands in a literal: the connection ends.

    The second message is told as a surrogate ([RFC6858] 3), which is sent item by item too.
    """
    monkeypatch.setattr(fetch, "LARGE", 100)
    monkeypatch.setattr(bodies, "SHORT", 100)
    server.deliver(raw)
    client = await server.client()

    def broken(*args: object) -> NoReturn:
        raise error

    monkeypatch.setattr(bodies, "_pieces", broken)
    monkeypatch.setattr(Messages, "column", broken)
    client.connection.dataReceived(b"f FETCH 1 (UID BODY.PEEK[])\r\n")
    await client.settle()
    assert b"f NO" not in client.transport.output
    assert client.transport.lost


async def test_holes_in_the_uids_cost_no_reading(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client's own STORE is not read back, wherever UIDs are missing, and others' changes still are told."""
    for _ in range(12):
        server.deliver()
    inbox = server.mailbox.folder(("INBOX",)).id
    server.mailbox.remove_messages(inbox, [2, 5, 6])
    read: list[int] = []
    original = Mailbox.changes_since

    def counted(mailbox: Mailbox, folder: int, since: int, **options: int) -> tuple[int, list[Change]]:
        read.append(since)
        return original(mailbox, folder, since, **options)

    monkeypatch.setattr(Mailbox, "changes_since", counted)
    monkeypatch.setattr(store, "BATCH", 4)
    client = await server.client()
    assert await client.ok("STORE 1:* +FLAGS.SILENT (\\Seen)") == []
    assert len(await client.ok("STORE 1:* +FLAGS (\\Flagged)")) == 9
    assert await client.ok("STORE 1,2,9 -FLAGS.SILENT (\\Seen)") == []
    assert read == []
    server.mailbox.set_flags(inbox, [4], add=MessageFlag.ANSWERED)
    told = await client.ok("STORE 1:* +FLAGS.SILENT (\\Draft)")
    assert told == [b"* 3 FETCH (FLAGS (\\Recent \\Answered \\Flagged \\Seen \\Draft))"]
    assert len(read) == 1


async def test_a_client_that_goes_away_ends_no_change(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the messages that one STORE names all are changed, however many transactions it takes."""
    monkeypatch.setattr(store, "BATCH", 2)
    for _ in range(6):
        server.deliver()
    client = await server.client()
    client.connection.dataReceived(b"s STORE 1:* +FLAGS (\\Flagged)\r\nt STORE 1:* +FLAGS (\\Deleted)\r\n")
    client.transport.lose()
    await client.settle()
    flags = server.mailbox.index(server.mailbox.folder(("INBOX",)).id).flags
    assert [each & MessageFlag.FLAGGED for each in flags] == [MessageFlag.FLAGGED] * 6
    assert not any(each & MessageFlag.DELETED for each in flags)
    assert client.connection.session.wire is None
