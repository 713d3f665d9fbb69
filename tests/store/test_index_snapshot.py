"""Snapshots of folder indexes: an index made from one is what the rows say, whatever the file and the folder met."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import epoch, index, indexcache, indexfile
from store.engine import Reader
from store.ids import MailboxKind, MessageFlag, SpecialFolder
from store.index import FolderIndex
from store.indexfile import IndexFiles
from store.mailbox import Mailbox
from store.store import Store
from tests.store.conftest import World
from tests.support.examples import examples
from tests.support.storemail import deliver, fill

INBOX, ARCHIVE = SpecialFolder.INBOX, SpecialFolder.ARCHIVE


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexcache, "LONG", 2)
    monkeypatch.setattr(indexcache, "LARGE", 6)


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The folders that were read whole, one entry for each time."""
    loaded: list[int] = []
    real = index.load

    def load(db: Reader, folder_id: int) -> FolderIndex:
        loaded.append(folder_id)
        return real(db, folder_id)

    monkeypatch.setattr(indexcache, "load", load)
    monkeypatch.setattr(index, "load", load)
    return loaded


@contextmanager
def cold(world: World, mailbox: Mailbox) -> Iterator[tuple[Store, Mailbox]]:
    """A process that has nothing in memory; what it writes is written at the end."""
    store = world.other_process()
    try:
        yield store, store.open(mailbox.ref)
    finally:
        store.close()


def check(world: World, mailbox: Mailbox) -> None:
    """A cold index is what the rows say."""
    with cold(world, mailbox) as (_, other):
        made = other.index(INBOX)
        folder = other.folder(INBOX)
        assert [made.at(place) for place in range(len(made))] == other.rows(INBOX)
        assert (made.modseq, made.uidvalidity, made.uidnext) == (folder.modseq, folder.uidvalidity, folder.uidnext)
        assert [column.typecode for column in made.columns()] == list(indexfile.TYPES)


def file_of(world: World, mailbox: Mailbox, folder_id: int = INBOX) -> Path:
    return IndexFiles(world.settings.root).path(mailbox.ref, folder_id)


def messages_in(path: Path) -> int:
    return indexfile.read_head(path).messages


def snapshot_faults(world: World, mailbox: Mailbox, *, repair: bool = False) -> list[bool]:
    """What a thorough check says of snapshots: of each that is wrong, whether it was repaired."""
    found = world.store.fsck(mailbox.ref, thorough=True, repair=repair)
    return [each.repaired for each in found if each.code == "index-snapshot"]


def test_a_cold_index_is_made_from_the_snapshot(world: World, whole: list[int]) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 12)
    mailbox.set_flags(INBOX, [3], add=MessageFlag.FLAGGED, add_keywords=["x"])
    check(world, mailbox)
    assert whole == [INBOX]
    assert messages_in(file_of(world, mailbox)) == 12
    check(world, mailbox)
    assert whole == [INBOX], "nothing has happened since"
    mailbox.set_flags(INBOX, [1, 9], add=MessageFlag.SEEN)
    mailbox.remove_messages(INBOX, [2, 12])
    deliver(mailbox, INBOX)
    check(world, mailbox)
    assert whole == [INBOX], "what happened since is read from the log"
    check(world, mailbox)
    assert messages_in(file_of(world, mailbox)) == 11, "much had happened, so it is written anew"


def test_small_folders_have_none(world: World, whole: list[int]) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 5)
    check(world, mailbox)
    assert not file_of(world, mailbox).exists()
    fill(mailbox, INBOX, 3)
    with cold(world, mailbox) as (store, other):
        other.index(INBOX)
        store._index_files.settle()
        assert file_of(world, mailbox).exists()
        mailbox.remove_messages(INBOX, range(1, 8))
        other.index(INBOX)
        assert not file_of(world, mailbox).exists(), "it became small"


def test_an_index_that_stays_in_memory_is_written_now_and_then(world: World) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)
    files = world.store._index_files
    mailbox.index(INBOX)
    files.settle()
    path = file_of(world, mailbox)
    assert messages_in(path) == 7
    deliver(mailbox, INBOX)
    mailbox.index(INBOX)
    files.settle()
    assert messages_in(path) == 7, "one change is quickly read"
    fill(mailbox, INBOX, 2)
    mailbox.index(INBOX)
    files.settle()
    assert messages_in(path) == 10
    state = path.stat().st_ino
    check(world, mailbox)
    assert path.stat().st_ino == state, "another process has no need to write the same"
    path.unlink()
    entry = world.store._indexes._kept[mailbox.ref.id, INBOX]
    entry.dropped = True
    fill(mailbox, INBOX, 3)
    mailbox.index(INBOX)
    files.settle()
    assert not any(path.parent.iterdir()), "what was dropped meanwhile is not put in its place"


def test_the_next_of_two_writers_finds_it_done(world: World) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)
    with cold(world, mailbox) as (store, other):
        real = store._index_files.later
        store._index_files.later = lambda key, job: None  # type: ignore[method-assign]  # nothing is written
        other.index(INBOX)
        mailbox.index(INBOX)
        world.store._index_files.settle()
        made = file_of(world, mailbox).stat().st_ino
        entry = store._indexes._kept[other.ref.id, INBOX]
        real((0, 0), lambda: store._indexes._write(store._index_files, other.ref, INBOX, entry))
        store._index_files.settle()
    assert file_of(world, mailbox).stat().st_ino == made


ACTION = st.one_of(
    st.tuples(st.sampled_from(["deliver", "cold", "prune", "epoch"]), st.just(0)),
    st.tuples(st.sampled_from(["seen", "flag", "remove", "move", "copy", "look"]), st.integers(1, 12)),
    st.tuples(st.sampled_from(["cut", "flip"]), st.integers(0, 2_000)),
)


def _actions(world: World, mailbox: Mailbox) -> dict[str, Callable[[int], object]]:
    path = file_of(world, mailbox)

    def damage(place: int, *, cut: bool) -> None:
        if path.exists() and path.stat().st_size:
            data = bytearray(path.read_bytes())
            place %= len(data)
            data[place] ^= 1 << place % 8
            path.write_bytes(data[:place] if cut else data)

    return {
        "deliver": lambda _: deliver(mailbox, INBOX),
        "seen": lambda uid: mailbox.set_flags(INBOX, [uid, uid + 1], add=MessageFlag.SEEN),
        "flag": lambda uid: mailbox.set_flags(INBOX, [uid], add=MessageFlag.DELETED, add_keywords=["k"]),
        "remove": lambda uid: mailbox.remove_messages(INBOX, [uid]),
        "move": lambda uid: mailbox.move(INBOX, [uid], ARCHIVE),
        "copy": lambda uid: mailbox.copy(INBOX, [uid], INBOX),
        "look": lambda _: mailbox.index(INBOX),
        "prune": lambda _: mailbox.prune(INBOX, before=time.time() + 10),
        "cold": lambda _: check(world, mailbox),
        "epoch": lambda _: epoch.bump(mailbox._shard),
        "cut": lambda place: damage(place, cut=True),
        "flip": lambda place: damage(place, cut=False),
    }


@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(actions=st.lists(ACTION, max_size=12))
def test_whatever_happens(world: World, actions: list[tuple[str, int]]) -> None:
    """Changes, new epochs, forgotten tombstones, files cut off and with another bit: the index is exact."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 8)
    check(world, mailbox)
    do = _actions(world, mailbox)
    for name, number in actions:
        do[name](number)
    check(world, mailbox)
    check(world, mailbox)


@settings(max_examples=examples(20), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    past=st.lists(ACTION, max_size=4),
    lost=st.lists(ACTION, min_size=1, max_size=6),
    since=st.lists(ACTION, max_size=10),
)
def test_put_back_without_a_new_epoch(
    world: World, past: list[tuple[str, int]], lost: list[tuple[str, int]], since: list[tuple[str, int]]
) -> None:
    """A mailbox put back to an older state by hand meets a snapshot of what it has lost: the index is exact.

    Two mailboxes with the same past stand for it, the file of the one being given to the other.
    """
    both = [world.mailbox(), world.mailbox()]
    for mailbox, later in zip(both, (lost, since), strict=True):
        fill(mailbox, INBOX, 8, internal_date=5)
        do = _actions(world, mailbox)
        for name, number in past + later:
            if name not in ("cut", "flip", "cold", "epoch"):
                do[name](number)
    check(world, both[0])
    path = file_of(world, both[0])
    if path.exists():
        head, tail, columns = indexfile.read(path)
        head = head._replace(guid=both[1].ref.guid, uidvalidity=both[1].folder(INBOX).uidvalidity)
        files = IndexFiles(world.settings.root)
        files.write(both[1].ref, indexfile.Snapshot(head, tail, columns), lambda: True)
    check(world, both[1])


def test_only_the_end_of_the_past_is_compared(world: World, whole: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexfile, "TAIL", 3)
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 12)
    check(world, mailbox)
    head, tail, _ = indexfile.read(file_of(world, mailbox))
    assert sorted(tail) == [10, 11, 12]
    assert head.since == mailbox.rows(INBOX, [9])[0].modseq
    mailbox.set_flags(INBOX, [11], add=MessageFlag.SEEN)
    mailbox.remove_messages(INBOX, [12])
    check(world, mailbox)
    assert whole == [INBOX]
    mailbox.remove_messages(INBOX, [10, 11])
    check(world, mailbox)
    assert whole == [INBOX, INBOX], "nothing proves any more that it is this folder's past"


@pytest.mark.parametrize("column", [0, 4])
def test_fsck_compares_with_the_rows(world: World, column: int) -> None:
    """A file that is whole and wrong, which nothing but a fault of the server's makes."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 9)
    mailbox.set_flags(INBOX, [9], add=MessageFlag.SEEN)
    check(world, mailbox)
    path = file_of(world, mailbox)
    assert snapshot_faults(world, mailbox) == []
    head, tail, columns = indexfile.read(path)
    columns[column][0] ^= 64
    proof = tail[:1]
    assert list(proof) == [9]
    since = head._replace(since=head.modseq - 1)
    IndexFiles(world.settings.root).write(mailbox.ref, indexfile.Snapshot(since, proof, columns), lambda: True)
    assert snapshot_faults(world, mailbox) == [False]
    path.write_bytes(path.read_bytes()[:-1])
    assert snapshot_faults(world, mailbox, repair=True) == [True]
    assert not path.exists()
    assert snapshot_faults(world, mailbox) == []


def test_what_is_removed_takes_its_snapshot_along(world: World) -> None:
    mailbox = world.mailbox()
    folder = mailbox.create_folder(("Large",))
    fill(mailbox, folder.id, 7)
    fill(mailbox, INBOX, 7)
    mailbox.index(INBOX)
    mailbox.index(folder.id)
    files = world.store._index_files
    files.settle()
    assert files.folders(mailbox.ref) == [INBOX, folder.id]
    left = file_of(world, mailbox, folder.id).read_bytes()
    mailbox.delete_folder(folder.id)
    assert files.folders(mailbox.ref) == [INBOX]
    file_of(world, mailbox, folder.id).write_bytes(left)
    assert snapshot_faults(world, mailbox, repair=True) == [True]
    assert files.folders(mailbox.ref) == []
    mailbox.index(INBOX)
    files.settle()
    ref = mailbox.ref
    world.store.remove(ref)
    assert not files.folder(ref).exists()
    world.store.create(ref, MailboxKind.PRIVATE)


def test_a_file_that_was_never_finished(make_world: Callable[..., World]) -> None:
    """It is not read, and removed once nobody can be at it any more."""
    world = make_world()
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)
    folder = file_of(world, mailbox).parent
    folder.mkdir(parents=True)
    young, old = folder / ".5.index.0a", folder / ".5.index.0b"
    for each in (young, old):
        each.write_bytes(b"oxindx1\n")
    os.utime(old, (0, 0))
    check(world, mailbox)
    assert young.exists()
    assert not old.exists()


def test_a_disk_that_takes_nothing(make_world: Callable[..., World], whole: list[int]) -> None:
    world = make_world()
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)
    (world.settings.root / "index").write_text("a file where the folder should be")
    check(world, mailbox)
    check(world, mailbox)
    assert whole == [INBOX, INBOX]


def test_no_thread_to_be_had(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    """The index is there all the same, and the next that is asked for is written."""
    world = make_world()
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        check(world, mailbox)
    assert not file_of(world, mailbox).exists()
    check(world, mailbox)
    assert file_of(world, mailbox).exists()


def test_a_snapshot_of_another_folder_or_machine(make_world: Callable[..., World], whole: list[int]) -> None:
    world = make_world()
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 7)
    check(world, mailbox)
    path = file_of(world, mailbox)
    good = path.read_bytes()
    head, tail, columns = indexfile.read(path)
    files = IndexFiles(world.settings.root)
    files.write(mailbox.ref, indexfile.Snapshot(head._replace(folder_id=ARCHIVE), tail, columns), lambda: True)
    os.replace(files.path(mailbox.ref, ARCHIVE), path)
    check(world, mailbox)
    assert path.read_bytes()[:8] == good[:8]
    assert len(whole) == 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(indexfile, "_layout", lambda: 4711)
        with pytest.raises(indexfile.Damaged, match="layout"):
            indexfile.read(path)
