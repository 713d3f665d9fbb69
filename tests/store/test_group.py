"""The unit of work: group commit, savepoints, hints after the commit, a mailbox's lock (docs/decisions/0007, 0011)."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from store import changelog
from store.errors import NotFound, QuotaExceeded, StoreError, TooLarge, Unavailable
from store.ids import MailboxKind, MessageFlag, SpecialFolder
from store.messages import Delivery
from store.postgres import PostgresWork
from store.sqliteconnection import SqliteWork
from tests.store.conftest import World
from tests.support.storemail import deliver, fill, rendition

INBOX = SpecialFolder.INBOX


def test_results_come_in_order(world: World) -> None:
    mailbox = world.mailbox()
    rows = world.store.group(mailbox.ref, [lambda n=n: deliver(mailbox, INBOX, f"{n}").uid for n in range(5)])
    assert rows == [1, 2, 3, 4, 5]
    assert world.store.group(mailbox.ref, []) == []


def test_what_fails_is_undone_alone(world: World) -> None:
    mailbox = world.mailbox()
    mailbox.set_quota(receive=2500)
    world.hints.clear()

    def half() -> None:
        deliver(mailbox, INBOX, "half", size=500)
        mailbox.create_folder(("Half",))
        raise TooLarge("after some of it was done")

    results = world.store.group(
        mailbox.ref,
        [
            lambda: deliver(mailbox, INBOX, "a", size=1000).uid,
            lambda: deliver(mailbox, INBOX, "b", size=9000).uid,
            half,
            lambda: deliver(mailbox, 4711).uid,
            lambda: deliver(mailbox, INBOX, "c", size=1000).uid,
            lambda: len(mailbox.set_flags(INBOX, [1], add=MessageFlag.SEEN).rows),
        ],
    )
    assert results[0] == 1
    assert isinstance(results[1], QuotaExceeded)
    assert isinstance(results[2], TooLarge)
    assert isinstance(results[3], NotFound)
    assert results[4:] == [2, 1]
    assert [row.uid for row in mailbox.rows(INBOX)] == [1, 2]
    assert mailbox.quota().used == 2000
    with pytest.raises(NotFound):
        mailbox.folder(("Half",))
    assert {hint.folder_id for hint in world.hints} == {INBOX}, "what was undone is not published"


def test_one_operation_alone_fails_the_same_way(world: World) -> None:
    mailbox = world.mailbox()
    (result,) = world.store.group(mailbox.ref, [lambda: deliver(mailbox, 4711)])
    assert isinstance(result, NotFound)
    assert mailbox.quota().used == 0


def test_hints_leave_after_the_commit(world: World) -> None:
    mailbox = world.mailbox()
    other = world.other_process()
    theirs = other.open(mailbox.ref)
    world.hints.clear()
    seen: list[tuple[int, int]] = []

    def look() -> None:
        deliver(mailbox, INBOX)
        seen.append((len(world.hints), theirs.folder(INBOX).total))

    world.store.group(mailbox.ref, [look, look, look])
    assert seen == [(0, 0)] * 3, "neither hints nor messages are visible before"
    assert theirs.folder(INBOX).total == 3
    assert world.hints == [(mailbox.ref.id, INBOX, theirs.folder(INBOX).modseq)], "one for the group"
    other.close()


def test_a_bug_in_one_operation_spares_the_others(world: World) -> None:
    mailbox = world.mailbox()

    def broken() -> None:
        deliver(mailbox, INBOX, "broken")
        raise ZeroDivisionError

    one, bug, two = world.store.group(
        mailbox.ref, [lambda: deliver(mailbox, INBOX, "a").uid, broken, lambda: deliver(mailbox, INBOX).uid]
    )
    assert (one, two) == (1, 2), "what is committed is not told as failed"
    assert isinstance(bug, ZeroDivisionError)
    (alone,) = world.store.group(mailbox.ref, [broken])
    assert isinstance(alone, ZeroDivisionError)
    assert [row.uid for row in mailbox.rows(INBOX)] == [1, 2]


def test_unavailable_undoes_all(world: World) -> None:
    mailbox = world.mailbox()

    def trouble() -> None:
        raise Unavailable("the disk is full")

    with pytest.raises(Unavailable):
        world.store.group(mailbox.ref, [lambda: deliver(mailbox, INBOX), trouble])
    assert mailbox.folder(INBOX).total == 0


def test_reads_inside_see_what_was_done(world: World) -> None:
    mailbox = world.mailbox()

    def check() -> tuple[int, int, str]:
        folder = mailbox.create_folder(("New",))
        deliver(mailbox, folder.id)
        return mailbox.folder(("New",)).total, len(mailbox.rows(folder.id)), mailbox.folder(folder.id).name

    assert world.store.group(mailbox.ref, [check, lambda: mailbox.folder(("New",)).total]) == [(1, 1, "New"), 1]


def test_a_tree_that_was_undone_is_not_remembered(world: World) -> None:
    """Change numbers of what was undone are handed out again, so a cache must not know them."""
    mailbox = world.mailbox()

    def undone() -> None:
        mailbox.create_folder(("Ghost",))
        assert ("Ghost",) in [row.path for row in mailbox.folders()]
        raise TooLarge("never mind")

    world.store.group(mailbox.ref, [undone, lambda: None])
    real = mailbox.create_folder(("Real",))
    assert mailbox.folder(("real",)).id == real.id
    with pytest.raises(NotFound):
        mailbox.folder(("Ghost",))


def test_threads_take_turns(world: World) -> None:
    """Writers to one mailbox wait for each other: no UID, MID or change number is given twice."""
    mailbox = world.mailbox()
    errors: list[Exception] = []

    def work(name: int) -> None:
        try:
            for number in range(8):
                deliver(mailbox, INBOX, f"{name}.{number}")
                mailbox.set_flags(INBOX, [1 + number], add_keywords=[f"k{name}"])
                assert len(mailbox.index(INBOX)) > 0
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    rows = mailbox.rows(INBOX)
    assert [row.uid for row in rows] == list(range(1, 33))
    assert len({row.save_modseq for row in rows}) == len({row.mid for row in rows}) == 32
    assert len(set(mailbox.keyword_names().values())) == 4
    index = mailbox.index(INBOX)
    assert [index.at(place) for place in range(32)] == rows


def test_change_numbers_become_visible_in_order(world: World) -> None:
    """A reader's watermark never passes a change that is not committed yet (docs/decisions/0011)."""
    mailbox = world.mailbox()
    other = world.other_process()
    theirs = other.open(mailbox.ref)
    seen: set[int] = set()
    mark = 0
    writer = threading.Thread(target=lambda: fill(mailbox, INBOX, 40))
    writer.start()
    while len(seen) < 40:
        alive = writer.is_alive()
        mark, changes = theirs.changes_since(INBOX, mark)
        seen.update(change.row.uid for change in changes if hasattr(change, "row"))
        if not alive and not changes:
            break
    writer.join()
    other.close()
    assert seen == set(range(1, 41))


def test_the_mailboxes_of_a_database_do_not_meet(world: World) -> None:
    one, two = world.mailbox(), world.mailbox()
    fill(one, INBOX, 2)
    deliver(two, INBOX, "two")
    one.set_flags(INBOX, [1], add=MessageFlag.DELETED, add_keywords=["mine"])
    assert one.expunge(INBOX) == [1]
    assert [row.uid for row in two.rows(INBOX)] == [1]
    assert two.keyword_names() == {}
    assert two.quota().used != one.quota().used or one.quota().used > 0
    world.store.remove(one.ref)
    assert [row.uid for row in two.rows(INBOX)] == [1]


def test_create_remove_exists(world: World) -> None:
    ref = world.new_ref()
    assert not world.store.exists(ref)
    for call in (lambda: world.store.open(ref), lambda: world.store.remove(ref), lambda: world.store.group(ref, [])):
        with pytest.raises(NotFound):
            call()
    world.store.create(ref, MailboxKind.PRIVATE, owner="S-1-5-21")
    assert world.store.exists(ref)
    assert ref.guid in world.store.guids()
    with pytest.raises(StoreError):
        world.store.create(ref, MailboxKind.PRIVATE)
    mailbox = world.store.open(ref)
    deliver(mailbox, INBOX, size=300_000)
    blobs = mailbox._parts.blobs
    world.store.remove(ref)
    assert not world.store.exists(ref)
    assert list(blobs.keys()) == []
    with pytest.raises(NotFound):
        mailbox.folder(INBOX)
    with pytest.raises(NotFound):
        deliver(mailbox, INBOX)
    world.store.create(ref, MailboxKind.PRIVATE)
    assert world.store.open(ref).folder(INBOX).total == 0


def test_every_mailbox_is_clean(world: World) -> None:
    """The invariants of docs/decisions/0011, checked by fsck after a bit of everything."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 12)
    deliver(mailbox, INBOX, size=400_000)
    deliver(mailbox, INBOX, size=40_000)
    mailbox.set_flags(INBOX, [1, 2, 3], add=MessageFlag.SEEN | MessageFlag.DELETED, add_keywords=["k"])
    mailbox.copy(INBOX, [1, 4], SpecialFolder.ARCHIVE)
    mailbox.move(INBOX, [5, 13], SpecialFolder.ARCHIVE)
    mailbox.expunge(INBOX)
    made = mailbox.create_folder(("A", "B"))
    mailbox.rename_folder(made.id, ("C",))
    mailbox.move(SpecialFolder.ARCHIVE, [1], made.id)
    mailbox.delete_folder(mailbox.folder(("A",)).id)
    mailbox.rename_folder(INBOX, ("Old",))
    findings = world.store.fsck(mailbox.ref, thorough=True)
    assert [one for one in findings if one.code != "no-sync"] == [], "only the tests' server syncs nothing"


def test_snapshots_nest(world: World) -> None:
    """All that is read inside a snapshot is of one state, also by what opens a snapshot of its own."""
    mailbox = world.mailbox()
    other = world.other_process()
    row = deliver(mailbox, INBOX)
    with mailbox._shard.snapshot() as outer:
        assert len(changelog.changes_since(outer, INBOX, 0)[1]) == 1
        deliver(other.open(mailbox.ref), INBOX)
        assert mailbox.content(row.mid).recipients
        assert len(changelog.changes_since(outer, INBOX, 0)[1]) == 1
    assert len(mailbox.changes_since(INBOX, 0)[1]) == 2
    other.close()


@pytest.mark.parametrize("elsewhere", [False, True], ids=["thread", "process"])
def test_an_attempt_does_not_wait_for_another(world: World, elsewhere: bool) -> None:
    """docs/architecture.md, decision 7: whoever serves many clients cannot stand still for one mailbox."""
    mailbox = world.mailbox()
    store = world.other_process() if elsewhere else world.store
    other = store.open(mailbox.ref)
    begun, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with other._shard.write() as work:
            work.allocate(cns=1)
            begun.set()
            assert go_on.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert begun.wait(20)
    ran: list[int] = []
    assert world.store.attempt(mailbox.ref, [lambda: ran.append(1), lambda: ran.append(2)]) is None
    assert ran == [], "nothing was done"
    assert mailbox.folder(INBOX).total == 0, "reading goes on"
    go_on.set()
    holder.join()
    assert world.store.attempt(mailbox.ref, [lambda: deliver(mailbox, INBOX).uid]) == [1]
    with pytest.raises(NotFound):
        world.store.attempt(world.new_ref(), [lambda: 1])
    if elsewhere:
        store.close()


def test_the_lock_is_waited_for(world: World) -> None:
    """A unit of work of another process is waited for, however many follow each other."""
    mailbox = world.mailbox()
    store = world.other_process()
    other = store.open(mailbox.ref)
    begun = threading.Event()
    result: list[int] = []

    def deliver_there() -> None:
        begun.set()
        result.append(deliver(other, INBOX).uid)

    waiting = threading.Thread(target=deliver_there)
    with mailbox._shard.write() as work:
        waiting.start()
        assert begun.wait(20)
        work.allocate(cns=1)
    waiting.join()
    assert result == [1]
    store.close()


def test_reading_aside_keeps_nobody_waiting(world: World) -> None:
    """It sees one state from its beginning, while others read and write."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 3)
    with mailbox._shard.aside() as db:
        assert changelog.state(db, INBOX)[2] == 4
        deliver(mailbox, INBOX)
        thread = threading.Thread(target=lambda: deliver(mailbox, INBOX))
        thread.start()
        thread.join()
        assert mailbox.folder(INBOX).total == 5
        assert changelog.state(db, INBOX)[2] == 4


@pytest.mark.parametrize("how", ["one", "all", "group"])
def test_the_octets_of_a_commit_without_an_answer_stay(
    reading_world: World, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Who asked is told of trouble, yet the message may be there: then it is there whole."""
    mailbox = reading_world.mailbox()
    large = rendition(size=300_000)
    calls: dict[str, Callable[[], object]] = {
        "one": lambda: mailbox.deliver(INBOX, None, mime=large),
        "all": lambda: mailbox.deliver_all(INBOX, [Delivery(large)]),
        "group": lambda: reading_world.store.group(mailbox.ref, [lambda: mailbox.deliver(INBOX, None, mime=large)]),
    }
    _lose_commits(monkeypatch)
    with pytest.raises(Unavailable):
        calls[how]()
    monkeypatch.undo()
    assert [mailbox.raw(row.item_id) for row in mailbox.rows(INBOX)] == [large.raw]


@pytest.mark.parametrize("how", ["one", "all"])
def test_what_fails_before_the_commit_leaves_no_file(reading_world: World, how: str) -> None:
    mailbox = reading_world.mailbox()
    large = rendition(size=300_000)
    calls: dict[str, Callable[[], object]] = {
        "one": lambda: mailbox.deliver(4711, None, mime=large),
        "all": lambda: mailbox.deliver_all(4711, [Delivery(large)]),
    }
    with pytest.raises(NotFound):
        calls[how]()
    assert list(mailbox._parts.blobs.keys()) == []


def _lose_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every COMMIT succeed and its answer be lost, as when the connection breaks just then."""

    def losing(kind: type[Any], trouble: type[Exception]) -> None:
        command = kind.command

        def lose(work: Any, text: str) -> None:
            command(work, text)
            if text == "COMMIT":
                raise trouble("the answer is lost")

        monkeypatch.setattr(kind, "command", lose)

    losing(PostgresWork, psycopg.OperationalError)
    losing(SqliteWork, sqlite3.OperationalError)
