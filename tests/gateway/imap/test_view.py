"""The session's numbering against a naive list ([RFC3501] 2.3.1.2, 5.5, 7.4.1)."""

from __future__ import annotations

import time

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.imap.protocol.numset import BadNumber, parse_set
from gateway.imap.view import Exists, Expunged, FlagsOf, FolderView, Untagged
from store.changes import Change, FlagsChanged, MessageCreated, MessageDeleted, MessageRow
from tests.support.examples import examples


def row(uid: int, flags: int = 0) -> MessageRow:
    return MessageRow(uid, uid, uid, 1, flags, 0, 0, 100, 1)


class Client:
    """What a client knows: a list that it changes only as it is told."""

    def __init__(self, count: int) -> None:
        self.messages: list[int | None] = [None] * count  # flags, None before they are known

    def take(self, updates: list[Untagged]) -> None:
        for update in updates:
            if isinstance(update, Expunged):
                del self.messages[update.sequence - 1]
            elif isinstance(update, Exists):
                assert update.count > len(self.messages), "EXISTS never shrinks a mailbox"
                self.messages += [None] * (update.count - len(self.messages))
            else:
                self.messages[update.sequence - 1] = update.row.flags


class ViewMachine(RuleBasedStateMachine):
    """A folder that others change, a view that is told of it in batches, a client that hears what the view says."""

    def __init__(self) -> None:
        super().__init__()
        self.next_uid = 4
        self.folder = {1: 0, 2: 0, 3: 0}  # UID -> flags
        self.view = FolderView(self.folder)
        self.client = Client(3)
        self.known = [1, 2, 3]  # UIDs by the client's numbers
        self.changes: list[Change] = []

    @rule(flags=st.integers(1, 9))
    def arrive(self, flags: int) -> None:
        self.folder[self.next_uid] = flags
        self.changes.append(MessageCreated(row(self.next_uid, flags)))
        self.next_uid += 1

    @rule(data=st.data())
    def expunge(self, data: st.DataObject) -> None:
        if self.folder:
            uid = data.draw(st.sampled_from(sorted(self.folder)))
            del self.folder[uid]
            self.changes.append(MessageDeleted(uid, 1))

    @rule(data=st.data(), flags=st.integers(1, 9), as_created=st.booleans())
    def flag(self, data: st.DataObject, flags: int, as_created: bool) -> None:
        if self.folder:
            uid = data.draw(st.sampled_from(sorted(self.folder)))
            self.folder[uid] = flags
            self.changes.append((MessageCreated if as_created else FlagsChanged)(row(uid, flags)))

    @rule(allowed=st.booleans())
    def tell(self, allowed: bool) -> None:
        # The store's list says for each message what is true now, in the order of the changes.
        current: list[Change] = []
        told: set[int] = set()
        for change in reversed(self.changes):
            uid = change.uid if isinstance(change, MessageDeleted) else change.row.uid
            if uid in told:
                continue
            told.add(uid)
            if uid not in self.folder:
                current.append(MessageDeleted(uid, 1))
            elif any(isinstance(c, MessageCreated) and c.row.uid == uid for c in self.changes):
                current.append(MessageCreated(row(uid, self.folder[uid])))
            else:
                current.append(FlagsChanged(row(uid, self.folder[uid])))
        self.changes = []
        before = list(self.known)
        updates = self.view.apply(current, allow_expunge=allowed)
        kinds = [(Expunged, Exists, FlagsOf).index(type(update)) for update in updates]
        assert kinds == sorted(kinds)
        assert kinds.count(1) <= 1
        if not allowed:
            assert 0 not in kinds
        self.client.take(updates)
        # The naive model: take out what is gone if that may be said, add what is new at the end.
        if allowed:
            self.known = [uid for uid in before if uid in self.folder]
        self.known += [uid for uid in sorted(self.folder) if uid not in self.known]
        for change in current:
            if isinstance(change, (FlagsChanged, MessageCreated)) and change.row.uid in before:
                number = self.known.index(change.row.uid)
                assert self.client.messages[number] == change.row.flags

    @invariant()
    def the_client_counts_as_the_view_does(self) -> None:
        assert len(self.client.messages) == len(self.view) == len(self.known)
        assert list(self.view.uids) == self.known
        for number, uid in enumerate(self.known, start=1):
            assert self.view.sequence(uid) == number
            assert self.view.uid(number) == uid
        assert self.view.pending == (not self.view._gone.isdisjoint(self.known))
        if not self.changes:
            assert self.view._gone == set(self.known) - set(self.folder)


TestView = ViewMachine.TestCase
TestView.settings = settings(max_examples=examples(40), stateful_step_count=30, deadline=None)


def test_expunges_come_highest_first_so_that_each_number_is_right() -> None:
    """[RFC3501] 7.4.1: every EXPUNGE renumbers what is above it at once"""
    view = FolderView([11, 12, 13, 14, 15])
    assert view.apply([MessageDeleted(12, 1), MessageDeleted(15, 1)], allow_expunge=True) == [
        Expunged(5, 15),
        Expunged(2, 12),
    ]
    assert list(view.uids) == [11, 13, 14]


def test_an_expunge_is_held_back_until_it_may_be_told() -> None:
    """[RFC3501] 5.5, 7.4.1: not while FETCH, STORE or SEARCH is in progress"""
    view = FolderView([1, 2, 3])
    assert view.apply([MessageDeleted(1, 1)], allow_expunge=False) == []
    assert view.pending
    assert view._gone == {1}
    assert view.sequence(3) == 3
    updates = view.apply([MessageCreated(row(4)), FlagsChanged(row(3, 8))], allow_expunge=False)
    assert updates == [Exists(4), FlagsOf(3, row(3, 8))]
    assert view.apply([], allow_expunge=True) == [Expunged(1, 1)]
    assert view.sequence(3) == 2
    assert not view.pending


def test_what_came_and_went_is_not_told() -> None:
    view = FolderView([1])
    assert view.apply([MessageCreated(row(2)), MessageDeleted(2, 1)], allow_expunge=True) == []
    assert view.apply([MessageDeleted(7, 1)], allow_expunge=False) == []
    assert not view.pending


def test_flags_of_what_is_gone_are_not_told() -> None:
    view = FolderView([1, 2])
    assert view.apply([FlagsChanged(row(2)), MessageDeleted(2, 1)], allow_expunge=False) == []


def test_absent_messages_have_no_number() -> None:
    view = FolderView([5, 9])
    assert [view.sequence(uid) for uid in (1, 5, 7, 9, 10)] == [0, 1, 0, 2, 0]
    assert FolderView([]).sequence(1) == 0


def test_select_by_number_and_by_uid() -> None:
    """[RFC3501] 6.4.8"""
    view = FolderView([5, 9, 12])
    assert view.select(parse_set(b"2:*"), uid=False) == [(1, 3)]
    assert view.select(parse_set(b"9,100:*,6:8"), uid=True) == [(1, 3)]
    assert view.select(parse_set(b"1:4"), uid=True) == []
    with pytest.raises(BadNumber):
        view.select(parse_set(b"4"), uid=False)


def test_a_large_view_is_cheap() -> None:
    view = FolderView(range(1, 100_001))
    start = time.process_time()
    updates = view.apply([MessageDeleted(uid, 1) for uid in range(1, 100_001, 2)], allow_expunge=True)
    assert time.process_time() - start < 2
    assert len(updates) == 50_000
    assert updates[0] == Expunged(99_999, 99_999)
    assert list(view.uids[:3]) == [2, 4, 6]
    assert len(view) == 50_000


def test_the_view_keeps_its_own_list() -> None:
    uids = [1, 2]
    view = FolderView(uids)
    uids.append(3)
    assert len(view) == 2


@pytest.mark.parametrize("uids", [[], [1], [3, 4, 5], [3, 5, 9], [2, 3, 4], [9, 10], [1, 3, 4, 5, 9, 12]])
def test_numbers_of_many(uids: list[int]) -> None:
    """The numbers of many messages are those of each ([RFC3501] 2.3.1.2)."""
    view = FolderView([1, 3, 4, 5, 9])
    assert list(view.sequences(uids)) == [view.sequence(uid) for uid in uids]
