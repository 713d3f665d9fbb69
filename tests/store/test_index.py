"""FolderIndex and its cache: what is read at once, what is left to a thread, and what an index lacks afterwards."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store import indexcache
from store.errors import NotFound
from store.ids import MessageFlag, SpecialFolder
from store.index import FolderIndex
from store.mailbox import Mailbox
from tests.store.conftest import World
from tests.support.storemail import deliver, fill

INBOX = SpecialFolder.INBOX


def same(mailbox: Mailbox) -> bool:
    """Whether the shared index says what the rows say."""
    made = mailbox.index(INBOX)
    return [made.at(place) for place in range(len(made))] == mailbox.rows(INBOX)


def test_long_reading_is_left_to_a_thread(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder not read yet, or in which much has happened since, is not at hand; the others are."""
    monkeypatch.setattr(indexcache, "LONG", 4)
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 3)
    store = world.other_process()
    other = store.open(mailbox.ref)
    assert mailbox.index_at_hand(INBOX) is not None, "a few messages"
    assert fill(other, INBOX, 5)
    assert mailbox.index_at_hand(INBOX) is None, "five changes"
    assert same(mailbox)
    at_hand = mailbox.index_at_hand(INBOX)
    assert at_hand is not None
    assert list(at_hand.uids) == list(range(1, 9))
    other.set_flags(INBOX, [2], add=MessageFlag.DELETED)
    assert mailbox.index_at_hand(INBOX) is not None, "one change"
    store.close()
    store = world.other_process()
    cold = store.open(mailbox.ref)
    assert cold.index_at_hand(INBOX) is None
    assert same(cold)
    store.close()
    with pytest.raises(NotFound):
        mailbox.index_at_hand(4711)


def test_an_index_that_is_being_read_is_not_waited_for(world: World) -> None:
    """Neither by who would read it, nor by who has changed the folder."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 30)
    before = mailbox.index(INBOX).modseq
    entry = mailbox._parts.indexes._kept[mailbox.ref.id, INBOX]
    with entry.lock:
        assert mailbox.index_at_hand(INBOX) is None
        mailbox.set_flags(INBOX, range(1, 31), add=MessageFlag.FLAGGED)
    assert entry.index is not None
    assert entry.index.modseq == before
    assert same(mailbox)


def test_an_index_that_is_being_changed_is_not_handed_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are taken out of an index that nobody holds: nobody may get hold of it meanwhile."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 10)
    row = mailbox.folder(INBOX)
    assert mailbox.index(INBOX) is mailbox.index_standing(row)
    store = world.other_process()
    store.open(mailbox.ref).remove_messages(INBOX, [4])
    store.close()
    keep = FolderIndex._keep
    got: list[FolderIndex | None] = []

    def in_the_middle(index: FolderIndex, runs: list[tuple[int, int]]) -> None:
        got.append(mailbox.index_standing(row))
        keep(index, runs)

    monkeypatch.setattr(FolderIndex, "_keep", in_the_middle)
    assert same(mailbox)
    assert got == [None]
    assert mailbox.index_standing(mailbox.folder(INBOX)) is mailbox.index(INBOX)


@pytest.mark.parametrize("gone", [[1], [40], [7, 8, 9], list(range(1, 41, 2)), list(range(1, 41)), [3, 30]])
def test_messages_that_vanish_leave_the_index(world: World, gone: list[int]) -> None:
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 40)
    older = mailbox.index(INBOX)
    mailbox.remove_messages(INBOX, gone)
    deliver(mailbox, INBOX)
    assert same(mailbox)
    assert list(older.uids) == list(range(1, 41)), "who held the older one keeps it"


def test_who_holds_a_column_keeps_it(world: World) -> None:
    """An index that nobody holds is changed itself; an array of it counts as the whole."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 10)
    first = id(mailbox.index(INBOX))
    mailbox.remove_messages(INBOX, [4])
    assert id(mailbox.index(INBOX)) == first
    assert same(mailbox)
    flags = mailbox.index(INBOX).flags
    mailbox.remove_messages(INBOX, [5, 9])
    assert id(mailbox.index(INBOX)) != first
    assert len(flags) == 9
    assert same(mailbox)


@given(st.sets(st.integers(1, 400)), st.sets(st.integers(1, 400)), st.integers(0, 3))
def test_without(present: set[int], gone: set[int], thin: int) -> None:
    uids = sorted(present)
    columns = [array("I", uids), *(array("Q", [uid * n for uid in uids]) for n in range(2, 10))]
    made = FolderIndex(columns, 5, 6, 401)
    if thin:
        gone = {uid for uid in gone if uid % (thin * 10) == 0}
    copies = [column[:] for column in columns]
    alone = FolderIndex(copies, 5, 6, 401).without(gone, shared=False)
    rest = made.without(gone)
    assert alone.columns() == rest.columns()
    assert list(rest.uids) == [uid for uid in uids if uid not in gone]
    assert list(rest.save_modseqs) == [uid * 9 for uid in rest.uids]
    assert [column.typecode for column in rest.columns()] == [column.typecode for column in columns]
    assert (rest.modseq, rest.uidvalidity, rest.uidnext) == (5, 6, 401)
    assert list(made.uids) == uids
    for column, other in zip(rest.columns(), made.columns(), strict=True):
        assert column is not other


@given(
    st.lists(st.sampled_from([int(each) for each in MessageFlag] + [0, 1 << 8 | 1 << 19, (1 << 32) - 1])),
    st.integers(0, 200),
)
def test_flagged(flags: list[int], unflagged: int) -> None:
    flags = flags + [0] * unflagged + flags[:2]
    uids = array("I", range(1, len(flags) + 1))
    columns = [uids, *(array("Q", uids) for _ in range(3)), array("L", flags), *(array("Q", uids) for _ in range(4))]
    made = FolderIndex(columns, 5, 6, 401)
    for flag in (MessageFlag.SEEN, MessageFlag.DELETED, MessageFlag.ANSWERED):
        flagged = [uid for uid, bits in zip(uids, flags, strict=True) if bits & flag]
        assert made.flagged(int(flag)) == flagged
        assert made.octets(int(flag)) == sum(flagged)
