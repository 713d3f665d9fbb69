"""The numbering of one session: which message has which sequence number ([RFC3501] 2.3.1.2, 7.4.1, 5.5).

A session's numbers change only when it has told its client: what others expunge stays in the view until an EXPUNGE may
be sent, and keeps its number until then.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.imap.protocol.numset import resolve_uids, sequence_ranges
from gateway.imap.protocol.types import SequenceSet
from store.changes import Change, MessageCreated, MessageDeleted, MessageRow


@dataclass(frozen=True, slots=True)
class Exists:
    """`* count EXISTS`: the mailbox has grown ([RFC3501] 7.3.1)."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunged:
    """`* sequence EXPUNGE`, or `* VANISHED uid`: numbers above move down by one ([RFC3501] 7.4.1, [RFC7162] 3.2.10)."""

    sequence: int
    uid: int


@dataclass(frozen=True, slots=True)
class FlagsOf:
    """`* sequence FETCH (FLAGS ...)`: a message has the flags in `row` now ([RFC3501] 7.4.2)."""

    sequence: int
    row: MessageRow


Untagged = Exists | Expunged | FlagsOf


class FolderView:
    """The messages of the selected folder as this session counts them. 4 bytes a message."""

    __slots__ = ("_gone", "saved", "uids")

    def __init__(self, uids: Iterable[int]) -> None:
        self.uids = array("I", uids)
        """UIDs in order; the message at index i has the number i + 1. Includes what is gone but not yet announced."""
        self.saved: Sequence[int] = ()
        """UIDs, ascending, of the last SEARCH RETURN (SAVE). Those that have left the view count no more."""
        self._gone: set[int] = set()

    def __len__(self) -> int:
        return len(self.uids)

    @property
    def pending(self) -> bool:
        """Whether an expunge is held back."""
        return bool(self._gone)

    def sequence(self, uid: int) -> int:
        """The message's number; 0 if it is not in the view."""
        index = bisect_left(self.uids, uid)
        return index + 1 if index < len(self.uids) and self.uids[index] == uid else 0

    def sequences(self, uids: Sequence[int]) -> Sequence[int]:
        """The numbers of messages with ascending UIDs; 0 for one that is not in the view."""
        start = self.sequence(uids[0]) if uids else 0
        if start and self.uids[start - 1 : start - 1 + len(uids)] == array("I", uids):
            return range(start, start + len(uids))
        return list(map(self.sequence, uids))

    def uid(self, sequence: int) -> int:
        """The UID of message `sequence`, from 1 to len(view)."""
        return self.uids[sequence - 1]

    def select(self, numbers: SequenceSet, *, uid: bool) -> list[tuple[int, int]]:
        """The messages that a set names: index ranges (start, stop) into `uids`, ascending and disjoint.

        Raises BadNumber for a message number beyond the end; UIDs that are not there name nothing ([RFC3501] 6.4.8).
        """
        if not numbers.ranges:
            return self._saved()
        if uid:
            return resolve_uids(numbers, self.uids)
        return [(first - 1, last) for first, last in sequence_ranges(numbers, len(self.uids))]

    def _saved(self) -> list[tuple[int, int]]:
        """Where the messages are that `$` stands for ([RFC5182] 2.1)."""
        found: list[tuple[int, int]] = []
        for number in self.sequences(self.saved):
            if number and found and found[-1][1] == number - 1:
                found[-1] = (found[-1][0], number)
            elif number:
                found.append((number - 1, number))
        return found

    def apply(self, changes: Sequence[Change], *, allow_expunge: bool) -> list[Untagged]:
        """Bring the view up to date and return what the client is to be told, in the order to send it.

        First the Expunged, highest number first, each right at its place in the list; then at most one Exists; then
        FlagsOf of messages that were known before, numbered as after both. While `allow_expunge` is false nothing is
        renumbered and what is gone is kept for later ([RFC3501] 7.4.1, 5.5). Several changes of a message come out as
        its last state. The cost is linear in the view if anything is expunged, else in the changes.
        """
        flags: dict[int, MessageRow] = {}
        created: list[int] = []
        deleted: set[int] = set()
        newest = self.uids[-1] if self.uids else 0
        for change in changes:
            if isinstance(change, MessageDeleted):
                deleted.add(change.uid)
            else:
                flags[change.row.uid] = change.row
                if isinstance(change, MessageCreated) and change.row.uid > newest:
                    created.append(change.row.uid)
        # What came and went between two calls never was in the view.
        appeared = sorted({uid for uid in created if uid not in deleted})
        self._gone.update(uid for uid in deleted if self.sequence(uid))
        result: list[Untagged] = []
        if allow_expunge and self._gone:
            result.extend(self._expunge())
        if appeared:
            self.uids.extend(appeared)
            result.append(Exists(len(self.uids)))
        for uid in sorted(flags):
            sequence = self.sequence(uid)
            if sequence and uid <= newest and uid not in self._gone:
                result.append(FlagsOf(sequence, flags[uid]))
        return result

    def _expunge(self) -> list[Expunged]:
        """Take out what is gone."""
        indices = sorted((bisect_left(self.uids, uid) for uid in self._gone), reverse=True)
        self._gone.clear()
        uids = self.uids
        expunged = [Expunged(index + 1, uids[index]) for index in indices]
        if len(indices) <= 8:
            for index in indices:
                del uids[index]
        else:
            kept = array("I")
            start = 0
            for index in reversed(indices):
                kept.extend(uids[start:index])
                start = index + 1
            kept.extend(uids[start:])
            self.uids = kept
        return expunged
