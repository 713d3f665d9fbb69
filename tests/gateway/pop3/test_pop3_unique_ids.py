"""Unique-ids ([RFC1939] 7 UIDL): for ever, over restarts, moves, copies and imports, on SQLite and on PostgreSQL."""

from __future__ import annotations

from itertools import count
from uuid import UUID

import pytest

from conversion.mime.rendition import render
from store import epoch
from store.ids import MailboxRef, MessageFlag

from .support import INBOX, SEED, client, put, serving

NUMBERS = count(7000)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request):
    """Where the mailbox is: the same for every server of a test."""
    url = request.getfixturevalue("postgres_database") if request.param == "postgresql" else None
    number = next(NUMBERS)
    return {"url": url, "ref": MailboxRef(number, UUID(int=number))}


async def ids(server):
    async with client(server.port) as one:
        await one.log_on()
        listed = [line.split() for line in await one.ask(b"UIDL")]
        for number, name in listed:
            assert await one.say(b"UIDL " + number) == b"+OK " + number + b" " + name
        assert [int(number) for number, _ in listed] == list(range(1, len(listed) + 1))
    names = [name for _, name in listed]
    assert len(set(names)) == len(names)
    assert all(1 <= len(name) <= 70 and all(0x21 <= octet <= 0x7E for octet in name) for name in names)
    return names


async def test_a_restart_and_an_expunge(tmp_path, place):
    async with serving(tmp_path, **place) as server:
        first = await ids(server)
        server.mailbox.remove_messages(INBOX, [2])
        assert await ids(server) == [first[0], first[2]]
    async with serving(tmp_path, seed=(), **place) as server:
        put(server.mailbox, SEED[1])
        again = await ids(server)
        assert again[:2] == [first[0], first[2]]
        assert again[2] not in first
        server.mailbox.remove_messages(INBOX, [4])
        put(server.mailbox, SEED[1])
        assert (await ids(server))[2] not in (*first, *again)


async def test_to_another_folder_and_back(tmp_path, place):
    """The client that has the message already does not fetch it again."""
    async with serving(tmp_path, **place) as server:
        first = await ids(server)
        other = server.mailbox.create_folder(("Elsewhere",)).id
        moved = server.mailbox.move(INBOX, [1, 3], other)
        assert await ids(server) == [first[1]]
        put(server.mailbox, SEED[0])
        third = (await ids(server))[1]
        assert third not in first
    async with serving(tmp_path, seed=(), **place) as server:
        server.mailbox.move(other, moved.destination, INBOX)
        assert await ids(server) == [first[1], third, first[0], first[2]]
        copied = server.mailbox.copy(INBOX, [2], other)
        server.mailbox.remove_messages(INBOX, [2])
        server.mailbox.copy(other, copied.destination, INBOX)
        assert await ids(server) == [third, first[0], first[2], first[1]]


async def test_copies_and_equal_messages_differ(tmp_path, place):
    """Two deliveries of the same octets are two messages; so are a message and its copy beside it."""
    async with serving(tmp_path, seed=(SEED[0], SEED[0]), **place) as server:
        first = await ids(server)
        server.mailbox.copy(INBOX, [1, 1, 2], INBOX)
        server.mailbox.copy(INBOX, [1], INBOX)
        names = await ids(server)
        assert names[:2] == first
        server.mailbox.remove_messages(INBOX, [2])
        server.mailbox.copy(INBOX, [1], INBOX)
        assert (await ids(server))[0] == first[0]


async def test_copies_keep_theirs_when_the_first_goes(tmp_path, place):
    """[RFC1939] 7: the unique-id of a message never changes, whatever becomes of those beside it."""
    async with serving(tmp_path, seed=(SEED[0],), **place) as server:
        server.mailbox.copy(INBOX, [1], INBOX)
        server.mailbox.copy(INBOX, [1, 2], INBOX)
        first = await ids(server)
        server.mailbox.remove_messages(INBOX, [1])
        assert await ids(server) == first[1:]
        server.mailbox.set_flags(INBOX, [2, 3], add=MessageFlag.SEEN, replace=True)
        server.mailbox.remove_messages(INBOX, [2])
        assert await ids(server) == first[2:]
        server.mailbox.copy(INBOX, [3], INBOX)
        server.mailbox.remove_messages(INBOX, [4])
        assert (await ids(server))[0] == first[2]
    async with serving(tmp_path, seed=(), **place) as server:
        assert (await ids(server))[0] == first[2]


async def test_copies_that_come_from_elsewhere(tmp_path, place):
    """Two of one content that come together, to where it is already; one that comes when the others have gone."""
    async with serving(tmp_path, seed=(SEED[0],), **place) as server:
        first = await ids(server)
        other = server.mailbox.create_folder(("Elsewhere",)).id
        server.mailbox.copy(INBOX, [1], other)
        server.mailbox.copy(INBOX, [1], other)
        server.mailbox.move(other, [1, 2], INBOX)
        names = await ids(server)
        assert names[0] == first[0]
        server.mailbox.remove_messages(INBOX, [1])
        assert await ids(server) == names[1:]
        moved = server.mailbox.move(INBOX, [2, 3], other)
        assert await ids(server) == []
        server.mailbox.move(other, moved.destination[:1], INBOX)
        assert await ids(server) == first
        names = await ids(server)
        server.mailbox.move(INBOX, [4], INBOX)
        assert await ids(server) == names


async def test_an_import_of_old_messages(tmp_path, place):
    """Imported later, older by date: new unique-ids, and those that were there stay."""
    async with serving(tmp_path, **place) as server:
        first = await ids(server)
        for raw in SEED:
            server.mailbox.deliver(INBOX, None, mime=render(raw), internal_date=1_000_000)
        names = await ids(server)
        assert names[:3] == first
        assert len(set(names)) == 6


async def test_a_mailbox_made_anew(tmp_path, place):
    """Contents are numbered from the beginning again, but it is another mailbox."""
    async with serving(tmp_path, **place) as server:
        first = await ids(server)
        server.store.remove(server.mailbox.ref)
    async with serving(tmp_path, **place) as server:
        assert not set(first) & set(await ids(server))


async def test_a_backup_that_is_put_back(tmp_path, place):
    """It begins a new epoch, in which the Inbox has another UIDVALIDITY; unique-ids stay, and none is given twice."""
    async with serving(tmp_path, **place) as server:
        first = await ids(server)
        validity = server.mailbox.folder(INBOX).uidvalidity
        epoch.bump(server.mailbox._shard)
        assert server.mailbox.folder(INBOX).uidvalidity > validity
        assert await ids(server) == first
        put(server.mailbox, SEED[0])
        assert (await ids(server))[:3] == first
