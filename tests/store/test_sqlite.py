"""What is particular to mailbox files: bounds on open ones, trouble with the disk, forks, damage."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from store import sqliteconnection
from store.errors import NotFound, Unavailable
from store.ids import MailboxKind, MailboxRef, MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from store.sqlite import SqliteShard
from store.sqlitefiles import PAGE_SIZE
from store.store import Store
from tests.store.conftest import World
from tests.support.storemail import deliver, fill

INBOX = SpecialFolder.INBOX


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world(max_open=4)


def shard(mailbox: Mailbox) -> SqliteShard:
    assert isinstance(mailbox._shard, SqliteShard)
    return mailbox._shard


def is_open(mailbox: Mailbox) -> bool:
    return shard(mailbox).reader is not None or shard(mailbox).work is not None


def test_only_so_many_files_are_open(world: World) -> None:
    mailboxes = [world.mailbox() for _ in range(10)]
    for mailbox in mailboxes:
        deliver(mailbox, INBOX)
        assert mailbox.folder(INBOX).total == 1
    assert sum(map(is_open, mailboxes)) == 4
    assert [is_open(mailbox) for mailbox in mailboxes[-4:]] == [True] * 4, "those used last"
    for mailbox in mailboxes:
        assert deliver(mailbox, INBOX).uid == 2, "a closed one opens itself"
    assert sum(map(is_open, mailboxes)) == 4


def test_a_file_in_use_is_not_closed(world: World) -> None:
    first = world.mailbox()
    with first._shard.write() as work:
        for _ in range(8):
            deliver(world.mailbox(), INBOX)
        assert work.allocate(cns=1).cn > 0
        assert is_open(first)
    assert world.store.close_idle(0) >= 4
    assert not is_open(first)


def test_idle_files_are_closed(world: World) -> None:
    mailboxes = [world.mailbox() for _ in range(3)]
    for mailbox in mailboxes:
        deliver(mailbox, INBOX)
    assert world.store.close_idle(3600) == 0
    assert world.store.close_idle(0) == 3
    assert not any(map(is_open, mailboxes))
    folder = shard(mailboxes[0]).path.parent
    assert [path.suffix for path in folder.iterdir()] == [".sqlite"] * len(list(folder.iterdir())), "no WAL is left"
    assert mailboxes[0].folder(INBOX).total == 1


def test_two_handles_share_one_file(world: World) -> None:
    mailbox = world.mailbox()
    assert world.store.open(mailbox.ref)._shard is mailbox._shard


def test_a_locked_mailbox_is_unavailable(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqliteconnection, "BUSY_SECONDS", 0.05)
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 1)
    with closing(sqlite3.connect(shard(mailbox).path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="locked"):
            deliver(mailbox, INBOX)
        with pytest.raises(Unavailable):
            world.store.group(mailbox.ref, [lambda: deliver(mailbox, INBOX)] * 2)
        assert mailbox.folder(INBOX).total == 1, "readers do not wait for a writer"
    assert deliver(mailbox, INBOX).uid == 2


def test_a_full_disk_is_unavailable_and_nothing_is_half_written(world: World) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 2)
    work = shard(mailbox).work
    assert work is not None
    pages = work.connection.execute("PRAGMA page_count").fetchone()[0]
    work.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    used = mailbox.quota().used
    with pytest.raises(Unavailable, match="full"):
        deliver(mailbox, INBOX, size=200_000)
    with pytest.raises(Unavailable, match="full"):
        world.store.group(mailbox.ref, [lambda: deliver(mailbox, INBOX), lambda: deliver(mailbox, INBOX, size=200_000)])
    assert mailbox.folder(INBOX).total == 2
    assert mailbox.quota().used == used
    assert mailbox.set_flags(INBOX, [1], add=MessageFlag.SEEN).rows[0].flags & MessageFlag.SEEN
    work.connection.execute(f"PRAGMA max_page_count = {pages + 1000}")
    assert deliver(mailbox, INBOX, size=200_000).uid == 3
    assert world.store.fsck(mailbox.ref) == []


def test_content_that_cannot_be_kept_is_unavailable(world: World) -> None:
    mailbox = world.mailbox()
    blocker = world.settings.root / "blobs"
    blocker.write_text("a file where a folder should be")
    with pytest.raises(Unavailable):
        deliver(mailbox, INBOX, size=300_000)
    blocker.unlink()
    assert deliver(mailbox, INBOX, size=300_000).uid == 1


def test_a_lost_content_file_is_unavailable(world: World) -> None:
    mailbox = world.mailbox()
    row = deliver(mailbox, INBOX, size=300_000)
    blobs = mailbox._parts.blobs
    blobs.remove(list(blobs.keys()))
    with pytest.raises(Unavailable):
        mailbox.raw(row.item_id)


@pytest.mark.parametrize("damage", [b"", b"no database" * 1000])
def test_a_damaged_file_is_unavailable(world: World, damage: bytes) -> None:
    mailbox = world.mailbox()
    shard(mailbox).path.write_bytes(damage)
    with pytest.raises(Unavailable):
        mailbox.folder(INBOX)
    with pytest.raises(Unavailable):
        deliver(mailbox, INBOX)


def test_a_file_that_went_away(world: World) -> None:
    mailbox = world.mailbox()
    shard(mailbox).path.unlink()
    with pytest.raises(NotFound):
        mailbox.folder(INBOX)
    with pytest.raises(NotFound):
        deliver(mailbox, INBOX)


def test_content_of_a_refused_message_is_not_left_behind(world: World) -> None:
    mailbox = world.mailbox()
    with pytest.raises(NotFound):
        deliver(mailbox, 4711, size=300_000)
    assert list(mailbox._parts.blobs.keys()) == []


def test_orphaned_content_is_found_once_it_is_old(world: World) -> None:
    mailbox = world.mailbox()
    blobs = mailbox._parts.blobs
    deliver(mailbox, INBOX, size=300_000)
    (known,) = blobs.keys()
    lost = blobs.put(b"nobody names this")
    assert blobs.orphans({known}) == []
    assert blobs.orphans({known}, age=-1) == [lost]
    blobs.remove([lost])
    assert list(blobs.keys()) == [known]


def test_making_a_mailbox_is_all_or_nothing(world: World) -> None:
    ref = world.new_ref()
    world.store.create(ref, MailboxKind.ROOM)
    (path,) = world.settings.root.glob("mbx/??/*")
    assert not path.name.startswith("."), "no temporary file stays"
    before = path.read_bytes()
    with pytest.raises(Exception, match="already"):
        world.store.create(ref, MailboxKind.PRIVATE)
    assert path.read_bytes() == before


def test_shards_have_folders_of_their_own(world: World) -> None:
    ref = MailboxRef(1, world.new_ref().guid, "cold")
    world.store.create(ref, MailboxKind.PRIVATE)
    deliver(world.store.open(ref), INBOX, size=300_000)
    assert (world.settings.root / "cold" / "mbx").is_dir()
    assert (world.settings.root / "cold" / "blobs").is_dir()
    assert world.store.guids() == [ref.guid]


def test_a_forked_process_opens_its_own(world: World) -> None:
    """Connections opened before a fork are not used after it, nor closed, which would drop the parent's locks."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 2)
    mailbox.index(INBOX)
    before = (shard(mailbox).reader, shard(mailbox).work)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        outcome = b"-"
        try:
            assert shard(mailbox).reader is None
            assert shard(mailbox).work is None
            deliver(mailbox, INBOX)
            assert len(mailbox.index(INBOX)) == 3
            outcome = b"+"
        finally:
            os.write(write_end, outcome)
            os._exit(0)
    os.close(write_end)
    assert os.read(read_end, 1) == b"+"
    os.close(read_end)
    os.waitpid(child, 0)
    assert (shard(mailbox).reader, shard(mailbox).work) == before
    assert deliver(mailbox, INBOX).uid == 4
    assert len(mailbox.index(INBOX)) == 4


def test_a_reader_in_another_thread_sees_only_what_is_committed(world: World) -> None:
    mailbox = world.mailbox()
    seen: list[int] = []

    def look() -> None:
        deliver(mailbox, INBOX)
        reader = threading.Thread(target=lambda: seen.append(mailbox.folder(INBOX).total))
        reader.start()
        reader.join()

    world.store.group(mailbox.ref, [look, look])
    assert seen == [0, 0]


def test_hints_of_a_failed_commit_are_not_published(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 1)
    world.hints.clear()
    work = shard(mailbox).work
    assert work is not None
    run = work.command

    def command(text: str) -> None:
        if text == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        run(text)

    monkeypatch.setattr(work, "command", command)
    with pytest.raises(Unavailable, match="I/O"):
        deliver(mailbox, INBOX)
    monkeypatch.undo()
    assert world.hints == []
    assert mailbox.folder(INBOX).total == 1
    assert deliver(mailbox, INBOX).uid == 2


def test_a_store_on_a_path_with_odd_characters(make_world: Callable[..., World], tmp_path: Path) -> None:
    from store.store import Store, StoreSettings

    store = Store(StoreSettings(root=tmp_path / "a b?c#d%20é", durable=False))
    ref = MailboxRef(1, make_world().new_ref().guid)
    store.create(ref, MailboxKind.PRIVATE)
    assert deliver(store.open(ref), INBOX).uid == 1
    store.close()


@pytest.fixture
def synced(world: World) -> Iterator[Mailbox]:
    """A mailbox whose commits are synced."""
    mailbox = world.mailbox()
    store = Store(replace(world.settings, durable=True))
    yield store.open(mailbox.ref)
    store.close()


def test_the_log_grows_by_large_steps(synced: Mailbox) -> None:
    """A sync of octets that lengthen a file costs twice that of others."""
    mailbox = synced
    log = Path(f"{shard(mailbox).path}-wal")
    sizes = set()
    for _ in range(40):
        deliver(mailbox, INBOX)
        sizes.add(log.stat().st_size)
    assert len(sizes) < 12


def test_the_room_in_the_log_is_no_message(synced: Mailbox, tmp_path: Path) -> None:
    """What a crash leaves behind is read up to the last commit."""
    mailbox = synced
    path = shard(mailbox).path
    log, count = b"", 0
    while not log.endswith(bytes(2 * PAGE_SIZE)) and count < 50:
        deliver(mailbox, INBOX)
        log, count = Path(f"{path}-wal").read_bytes(), count + 1
    assert log.endswith(bytes(2 * PAGE_SIZE)), "there is room"
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(path.read_bytes())
    Path(f"{copy}-wal").write_bytes(log)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchall() == [(count,)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_who_committed_reads_on_the_same_connection(world: World) -> None:
    """The pages just written are there already; another connection would have to read them all again."""
    mailbox = world.mailbox()
    deliver(mailbox, INBOX)
    assert mailbox.folder(INBOX).total == 1
    assert mailbox.changes_since(INBOX, 0)[1]
    assert len(mailbox.index(INBOX).uids) == 1
    assert shard(mailbox).reader is None
    with mailbox._shard.snapshot() as outer, mailbox._shard.snapshot() as inner:
        assert outer is inner
    work = shard(mailbox).work
    assert work is not None
    assert not work.connection.in_transaction
    deliver(mailbox, INBOX)
    assert mailbox.folder(INBOX).total == 2


def test_other_threads_read_while_one_writes(world: World) -> None:
    """What is not committed is not seen, neither by them nor by the writer that asks for the committed state."""
    mailbox = world.mailbox()
    deliver(mailbox, INBOX)
    totals: list[int] = []
    with mailbox._shard.write():
        deliver(mailbox, INBOX)
        reading = threading.Thread(target=lambda: totals.append(mailbox.folder(INBOX).total))
        reading.start()
        reading.join()
        assert len(mailbox.index(INBOX).uids) == 1
        assert mailbox.folder(INBOX).total == 2
    assert totals == [1]
    assert len(mailbox.index(INBOX).uids) == 2
