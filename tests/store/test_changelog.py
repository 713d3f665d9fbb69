"""The change log and the index built on it ([RFC7162] 3.1, 3.2; docs/decisions/0011)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import changelog
from store.changes import FlagsChanged, MessageCreated, MessageDeleted, MessageRow
from store.engine import Work, insert_statement
from store.errors import NotFound
from store.ids import MessageFlag, SpecialFolder
from store.index import FolderIndex
from store.indexcache import IndexCache
from store.mailbox import Mailbox
from store.schema import expunge
from tests.store.conftest import World
from tests.support.examples import examples
from tests.support.storemail import deliver, fill

INBOX, ARCHIVE = SpecialFolder.INBOX, SpecialFolder.ARCHIVE
SEEN, FLAGGED = MessageFlag.SEEN, MessageFlag.FLAGGED


def rows_of(index: FolderIndex) -> list[MessageRow]:
    return [index.at(place) for place in range(len(index))]


def test_what_happened_since(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 4)
    mark = mailbox.folder(INBOX).modseq
    mailbox.set_flags(INBOX, [2], add=MessageFlag.SEEN)
    new = deliver(mailbox, INBOX)
    mailbox.remove_messages(INBOX, [1, 3])
    modseq, changes = mailbox.changes_since(INBOX, mark)
    assert modseq == mailbox.folder(INBOX).modseq
    assert changes[:2] == [MessageDeleted(1, modseq - 1), MessageDeleted(3, modseq)]
    assert [type(change) for change in changes[2:]] == [FlagsChanged, MessageCreated]
    assert isinstance(changes[2], FlagsChanged)
    assert changes[2].row == mailbox.rows(INBOX, [2])[0]
    assert changes[3] == MessageCreated(new)
    assert mailbox.changes_since(INBOX, modseq) == (modseq, [])


def test_created_and_changed_is_created(mailbox: Mailbox) -> None:
    mark = mailbox.folder(INBOX).modseq
    deliver(mailbox, INBOX)
    mailbox.set_flags(INBOX, [1], add=MessageFlag.SEEN)
    _, changes = mailbox.changes_since(INBOX, mark)
    assert changes == [MessageCreated(mailbox.rows(INBOX)[0])]


def test_created_and_removed_is_removed(mailbox: Mailbox) -> None:
    mark = mailbox.folder(INBOX).modseq
    deliver(mailbox, INBOX)
    mailbox.remove_messages(INBOX, [1])
    _, changes = mailbox.changes_since(INBOX, mark)
    assert [type(change) for change in changes] == [MessageDeleted]


def test_copies_and_moves_are_created(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 2)
    mailbox.set_flags(INBOX, [1, 2], add=MessageFlag.SEEN)
    mark = mailbox.folder(ARCHIVE).modseq
    mailbox.copy(INBOX, [1], ARCHIVE)
    mailbox.move(INBOX, [2], ARCHIVE)
    _, changes = mailbox.changes_since(ARCHIVE, mark)
    assert changes == [MessageCreated(row) for row in mailbox.rows(ARCHIVE)]


def test_vanished(mailbox: Mailbox) -> None:
    """[RFC7162] 3.2.10.2: the UIDs expunged since a mod-sequence."""
    fill(mailbox, INBOX, 5)
    start = mailbox.folder(INBOX).modseq
    mailbox.remove_messages(INBOX, [2])
    middle = mailbox.folder(INBOX).modseq
    mailbox.move(INBOX, [4], ARCHIVE)
    assert mailbox.vanished_since(INBOX, 0) == [range(2, 3), range(4, 5)]
    assert mailbox.vanished_since(INBOX, start) == [range(2, 3), range(4, 5)]
    assert mailbox.vanished_since(INBOX, middle) == [range(4, 5)]
    assert mailbox.vanished_since(INBOX, mailbox.folder(INBOX).modseq) == []


def test_below_the_floor_everything_missing_vanished(mailbox: Mailbox) -> None:
    """[RFC7162] 3.2.10.2: a server that forgot may report more UIDs than were expunged since."""
    fill(mailbox, INBOX, 6)
    mark = mailbox.folder(INBOX).modseq
    mailbox.remove_messages(INBOX, [2])
    later = mailbox.folder(INBOX).modseq
    mailbox.prune(INBOX, before=time.time() + 10)
    mailbox.remove_messages(INBOX, [5])
    assert mailbox.vanished_since(INBOX, mark) == [range(2, 3), range(5, 6)]
    assert mailbox.vanished_since(INBOX, later) == [range(5, 6)]
    _, changes = mailbox.changes_since(INBOX, mark)
    assert [change.uid for change in changes if isinstance(change, MessageDeleted)] == [2, 5]
    assert [change.uid for change in mailbox.changes_since(INBOX, later)[1] if isinstance(change, MessageDeleted)] == [
        5
    ]


def test_young_tombstones_stay(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 2)
    mark = mailbox.folder(INBOX).modseq
    mailbox.remove_messages(INBOX, [1])
    mailbox.prune(INBOX)
    with mailbox._shard.read() as db:
        assert changelog.state(db, INBOX)[3] == 0
    assert mailbox.vanished_since(INBOX, mark) == [range(1, 2)]


_BURY = insert_statement(expunge, "mailbox_id", "folder_id", "modseq", "assoc", "uid", "mid", "how", "ts")


def bury(work: Work, stamps: Iterable[int], *, first: int = 1) -> None:
    """Write tombstones of some times, modseq and UID counted from `first`."""
    rows = ((work.mailbox_id, int(INBOX), at, 0, at, 1_000_000 + at, 0, ts) for at, ts in enumerate(stamps, first))
    work.many(_BURY, rows)


def test_tombstones_go_up_to_the_first_young_one(mailbox: Mailbox) -> None:
    """The log is complete above its floor, so nothing is taken out of its middle."""

    def left(before: int) -> tuple[int, list[int]]:
        mailbox.prune(INBOX, before=before)
        with mailbox._shard.read() as db:
            gone = db.all(changelog.VANISHED, (db.mailbox_id, int(INBOX), 0))
            return changelog.state(db, INBOX)[3], [uid for uid, _ in gone]

    assert left(100) == (0, [])
    with mailbox._shard.write() as work:
        bury(work, [50, 60, 100, 70, 110])
    assert left(50) == (0, [1, 2, 3, 4, 5])
    assert left(60) == (1, [2, 3, 4, 5])
    assert left(100) == left(100) == (2, [3, 4, 5])
    assert left(110) == (4, [5])
    assert left(111) == (5, [])
    assert left(1000) == (5, [])


def test_young_tombstones_are_not_all_read(make_world: Callable[..., World]) -> None:
    """A folder is emptied in many parts, and each looks whether there is something to forget."""
    mailbox = make_world().mailbox()
    steps: list[int] = []
    for number in range(2):
        with mailbox._shard.write() as work:
            bury(work, [100] * 1000, first=1 + 1000 * number)
            changelog.prune(work, INBOX, before=100)
            steps.append(0)

            def count() -> None:
                steps[-1] += 1

            work.connection.set_progress_handler(count, 1)  # type: ignore[attr-defined]
            changelog.prune(work, INBOX, before=100)
            work.connection.set_progress_handler(None, 1)  # type: ignore[attr-defined]
    assert steps[1] <= steps[0] + 10, "instructions of SQLite's machine, with twice as many tombstones"
    assert steps[0]


def test_the_index_is_the_folder(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 5)
    mailbox.set_flags(INBOX, [2], add=MessageFlag.FLAGGED, add_keywords=["x"])
    index = mailbox.index(INBOX)
    assert rows_of(index) == mailbox.rows(INBOX)
    folder = mailbox.folder(INBOX)
    assert (index.modseq, index.uidvalidity, index.uidnext) == (folder.modseq, folder.uidvalidity, folder.uidnext)
    assert [index.position(uid) for uid in (0, 1, 5, 6, 99)] == [-1, 0, 4, -1, -1]
    assert index.row(2) == mailbox.rows(INBOX, [2])[0]
    assert index.row(9) is None


def test_the_index_follows(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 20)
    first = mailbox.index(INBOX)
    assert mailbox.index(INBOX) is first
    mailbox.set_flags(INBOX, [3, 4], add=MessageFlag.SEEN)
    deliver(mailbox, INBOX)
    assert mailbox.index(INBOX) is first, "positions stay as long as nothing vanishes"
    assert rows_of(first) == mailbox.rows(INBOX)
    kept = rows_of(first)
    mailbox.remove_messages(INBOX, [1, 5])
    second = mailbox.index(INBOX)
    assert second is not first
    assert rows_of(second) == mailbox.rows(INBOX)
    assert rows_of(first) == kept, "who holds the old one keeps a consistent view"
    mailbox.move(INBOX, list(range(6, 20)), ARCHIVE)
    assert rows_of(mailbox.index(INBOX)) == mailbox.rows(INBOX)
    mailbox.remove_messages(INBOX, list(range(1, 30)))
    assert len(mailbox.index(INBOX)) == 0


def test_the_index_shows_what_another_process_did(world: World) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 3)
    mailbox.index(INBOX)
    other = world.other_process()
    try:
        theirs = other.open(mailbox.ref)
        theirs.set_flags(INBOX, [1], add=MessageFlag.SEEN)
        deliver(theirs, INBOX)
        theirs.remove_messages(INBOX, [2])
    finally:
        other.close()
    assert rows_of(mailbox.index(INBOX)) == mailbox.rows(INBOX)


def test_the_index_of_a_new_epoch(mailbox: Mailbox) -> None:
    child = mailbox.create_folder(("Top", "Child"))
    top = mailbox.folder(("Top",))
    fill(mailbox, top.id, 3)
    assert len(mailbox.index(top.id)) == 3
    mailbox.delete_folder(top.id)
    mailbox.create_folder(("Top",))
    assert len(mailbox.index(top.id)) == 0
    deliver(mailbox, top.id)
    assert mailbox.index(top.id).uids.tolist() == [1]
    mailbox.index(child.id)
    mailbox.delete_folder(child.id)
    with pytest.raises(NotFound):
        mailbox.index(child.id)


def test_the_index_after_forgotten_tombstones(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 4)
    mailbox.index(INBOX)
    mailbox.remove_messages(INBOX, [2])
    mailbox.prune(INBOX, before=time.time() + 10)
    assert rows_of(mailbox.index(INBOX)) == mailbox.rows(INBOX)


def test_the_index_shows_committed_messages_only(world: World) -> None:
    mailbox = world.mailbox()
    lengths: list[int] = []

    def look() -> None:
        deliver(mailbox, INBOX)
        lengths.append(len(mailbox.index(INBOX)))

    world.store.group(mailbox.ref, [look, look])
    assert lengths == [0, 0]
    assert len(mailbox.index(INBOX)) == 2


def test_indexes_are_bounded(world: World) -> None:
    mailbox = world.mailbox()
    cache = IndexCache(memory=2500)
    fill(mailbox, INBOX, 2)
    first = cache.get(mailbox._shard, INBOX)
    cache.get(mailbox._shard, ARCHIVE)
    assert cache.get(mailbox._shard, INBOX) is first
    cache.get(mailbox._shard, SpecialFolder.DRAFTS)
    assert cache.get(mailbox._shard, INBOX) is first, "the least recently used goes"
    fill(mailbox, INBOX, 30)
    big = cache.get(mailbox._shard, INBOX)
    assert cache.get(mailbox._shard, INBOX) is big, "one alone may pass the bound"
    cache.drop(mailbox.ref.id)
    assert cache.get(mailbox._shard, INBOX) is not big


ACTION = st.one_of(
    st.tuples(st.just("deliver"), st.just(0)),
    st.tuples(st.sampled_from(["seen", "flag", "remove", "move", "copy", "look", "prune"]), st.integers(1, 12)),
)


@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(actions=st.lists(ACTION, max_size=16), known=st.integers(0, 16))
def test_replaying_the_log_gives_the_folder(world: World, actions: list[tuple[str, int]], known: int) -> None:
    """Whatever happened after a watermark, applying `changes_since` to what was known then gives what is there now."""
    mailbox = world.mailbox()
    do: dict[str, Callable[[int], object]] = {
        "deliver": lambda _: deliver(mailbox, INBOX),
        "seen": lambda uid: mailbox.set_flags(INBOX, [uid, uid + 1], add=MessageFlag.SEEN),
        "flag": lambda uid: mailbox.set_flags(INBOX, [uid], add=MessageFlag.DELETED, add_keywords=["k"]),
        "remove": lambda uid: mailbox.remove_messages(INBOX, [uid]),
        "move": lambda uid: mailbox.move(INBOX, [uid], ARCHIVE),
        "copy": lambda uid: mailbox.copy(INBOX, [uid], INBOX),
        "look": lambda _: mailbox.index(INBOX),
        "prune": lambda _: mailbox.prune(INBOX, before=time.time() + 10),
    }
    view: dict[int, MessageRow] = {}
    mark = 0
    for number, (name, uid) in enumerate(actions):
        if number == known:
            view = {row.uid: row for row in mailbox.rows(INBOX)}
            mark = mailbox.folder(INBOX).modseq
        do[name](uid)
    modseq, changes = mailbox.changes_since(INBOX, mark)
    for change in changes:
        if isinstance(change, MessageDeleted):
            view.pop(change.uid, None)
        else:
            assert isinstance(change, MessageCreated) == (change.row.uid not in view)
            view[change.row.uid] = change.row
    assert list(view.values()) == mailbox.rows(INBOX) or sorted(view.values()) == mailbox.rows(INBOX)
    assert rows_of(mailbox.index(INBOX)) == mailbox.rows(INBOX)
    folder = mailbox.folder(INBOX)
    rows = mailbox.rows(INBOX)
    assert modseq == folder.modseq >= max((row.modseq for row in rows), default=0)
    assert (folder.total, folder.size) == (len(rows), sum(row.size for row in rows))
    assert folder.unread == sum(1 for row in rows if not row.flags & MessageFlag.SEEN)


@given(data=st.data())
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_changes_come_in_portions(make_world: Callable[..., World], data: st.DataObject) -> None:
    """Portions one after the other bring a session to where all at once would have brought it."""
    mailbox = make_world().mailbox()
    fill(mailbox, INBOX, 6)
    start = mailbox.folder(INBOX).modseq
    have = {row.uid: row for row in mailbox.rows(INBOX)}
    for _ in range(data.draw(st.integers(1, 8))):
        uids = [row.uid for row in mailbox.rows(INBOX)]
        chosen = data.draw(st.lists(st.sampled_from(uids), unique=True, max_size=5)) if uids else []
        match data.draw(st.integers(0, 2)):
            case 0:
                fill(mailbox, INBOX, data.draw(st.integers(1, 3)))
            case 1:
                mailbox.remove_messages(INBOX, chosen)
            case _:
                mailbox.set_flags(INBOX, sorted(chosen), add=data.draw(st.sampled_from([SEEN, FLAGGED])))
    most = data.draw(st.integers(1, 7))
    reached, end = start, mailbox.folder(INBOX).modseq
    while reached < end:
        newest = max(have, default=0)
        before, (reached, changes) = reached, mailbox.changes_since(INBOX, reached, most=most)
        assert before < reached
        assert 0 < len(changes) <= 3 * most
        assert all(
            sum(isinstance(each, kind) for each in changes) <= most
            for kind in (MessageCreated, FlagsChanged, MessageDeleted)
        )
        for change in changes:
            if isinstance(change, MessageDeleted):
                assert before < change.modseq <= reached
                have.pop(change.uid, None)
            else:
                assert isinstance(change, MessageCreated) == (change.row.uid > newest)
                assert (change.row.uid in have) != isinstance(change, MessageCreated)
                have[change.row.uid] = change.row
    assert [have[uid] for uid in sorted(have)] == mailbox.rows(INBOX)
    assert mailbox.changes_since(INBOX, end, most=most) == (end, [])
