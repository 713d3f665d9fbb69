"""FolderIndex: the placements of a folder as parallel arrays, shared by the sessions of a process (store.indexcache).

An index is brought up to date from the change log: one read of `folder.modseq` when nothing happened, else the rows and
tombstones since. New messages and changed flags are written into the arrays in place, so positions stay; once messages
vanish a new FolderIndex takes the old one's place, and whoever still holds the old one keeps a consistent, older view.
It shows committed messages only, also inside a unit of work.

The first index of a large folder comes from a snapshot (store.indexfile) and the changes since, where one fits.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import itemgetter

from sqlalchemy import bindparam, select

from store import changelog
from store.changelog import CHANGED, IN_FOLDER, MESSAGE_COLUMNS, VANISHED
from store.changes import Columns, MessageRow
from store.engine import Reader, Row, Statement
from store.indexfile import TYPES, Snapshot
from store.schema import folder, message

_LOAD = Statement(select(*MESSAGE_COLUMNS).where(*IN_FOLDER).order_by(message.c.uid), "m", "f")
_TOTAL = Statement(
    select(folder.c.total).where(folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f")), "m", "f"
)
_CHUNK = 500
"""Rows turned into array elements at a time: few enough to stay in the processor's cache."""
_FEW = 8
"""Runs of messages up to which those between them are taken out of the arrays themselves."""


class FolderIndex:
    """The messages of one folder in the order of their UIDs. The arrays are read, never written, by callers."""

    __slots__ = (
        "dates",
        "flags",
        "item_ids",
        "keywords",
        "mids",
        "modseq",
        "modseqs",
        "save_modseqs",
        "sizes",
        "uidnext",
        "uids",
        "uidvalidity",
    )

    uids: array[int]
    mids: array[int]
    item_ids: array[int]
    modseqs: array[int]
    flags: array[int]
    """MessageFlag bits."""
    keywords: array[int]
    dates: array[int]
    """Internal dates, seconds since 1970-01-01 UTC."""
    sizes: array[int]
    save_modseqs: array[int]
    modseq: int
    """Everything up to this change number is in here."""
    uidvalidity: int
    uidnext: int

    def __init__(self, columns: Sequence[array[int]], modseq: int, uidvalidity: int, uidnext: int) -> None:
        (
            self.uids,
            self.mids,
            self.item_ids,
            self.modseqs,
            self.flags,
            self.keywords,
            self.dates,
            self.sizes,
            self.save_modseqs,
        ) = columns
        self.modseq = modseq
        self.uidvalidity = uidvalidity
        self.uidnext = uidnext

    def __len__(self) -> int:
        return len(self.uids)

    def columns(self) -> tuple[array[int], ...]:
        """Give the arrays in the order of MessageRow."""
        return (
            self.uids,
            self.mids,
            self.item_ids,
            self.modseqs,
            self.flags,
            self.keywords,
            self.dates,
            self.sizes,
            self.save_modseqs,
        )

    def position(self, uid: int) -> int:
        """Give the place of a UID in the arrays, -1 when it is not there."""
        uids = self.uids
        place = bisect_left(uids, uid)
        return place if place < len(uids) and uids[place] == uid else -1

    def at(self, place: int) -> MessageRow:
        """Give the row at a place."""
        return MessageRow(*(column[place] for column in self.columns()))

    def row(self, uid: int) -> MessageRow | None:
        """Give the row of a UID, None when it is not there."""
        place = self.position(uid)
        return None if place < 0 else self.at(place)

    def rows(self, uids: Sequence[int]) -> list[Row]:
        """Give the rows of UIDs as tuples with the columns of a MessageRow, ascending; those not there are left out."""
        if not uids:
            return []
        start, stop = bisect_left(self.uids, min(uids)), bisect_right(self.uids, max(uids))
        rows = list(zip(*(column[start:stop] for column in self.columns()), strict=True))
        if len(rows) == len(uids):
            return rows
        wanted = set(uids)
        return [row for row in rows if row[0] in wanted]

    def chosen(self, uids: Sequence[int]) -> Columns:
        """Give the columns of UIDs, in the order of MessageRow, ascending; those not there are left out."""
        if uids:
            start = bisect_left(self.uids, uids[0])
            if self.uids[start : start + len(uids)] == array(self.uids.typecode, uids):
                return tuple([column[start : start + len(uids)] for column in self.columns()])
        rows = self.rows(uids)
        return tuple(zip(*rows, strict=True)) if rows else ((),) * len(TYPES)

    def flagged(self, flag: int) -> list[int]:
        """Give the UIDs of the messages with a flag, one bit of MessageFlag."""
        have = self._having(flag)
        count = have.count(1)
        if count > len(have) // 16:
            return list(compress(self.uids, have))
        found: list[int] = []
        place = -1
        for _ in range(count):
            place = have.find(1, place + 1)
            found.append(self.uids[place])
        return found

    def octets(self, flag: int) -> int:
        """Give the octets of the messages with a flag, one bit of MessageFlag."""
        return sum(compress(self.sizes, self._having(flag)))

    def _having(self, flag: int) -> bytes:
        """Give for each message 1 or 0: whether it has a flag."""
        octet, bit = divmod(flag.bit_length() - 1, 8)
        column = self.flags
        if sys.byteorder == "big":
            octet = column.itemsize - 1 - octet
        return column.tobytes()[octet :: column.itemsize].translate(bytes(each >> bit & 1 for each in range(256)))

    def apply(self, rows: list[Row]) -> None:
        """Write changed and new rows, ascending by UID, into the arrays; `uids` grows last."""
        columns = self.columns()
        last = self.uids[-1] if self.uids else 0
        known = bisect_right(rows, last, key=itemgetter(0))
        if known:
            uids, _, _, modseqs, flags, keywords, _, sizes, _ = zip(*rows[:known], strict=True)
            self.change(uids, modseqs, flags, keywords, sizes)
        fresh = rows[known:]
        if fresh:
            for column, values in reversed(list(zip(columns, zip(*fresh, strict=True), strict=True))):
                column.extend(values)

    def change(
        self,
        uids: Sequence[int],
        modseqs: Sequence[int],
        flags: Sequence[int],
        keywords: Sequence[int],
        sizes: Sequence[int] = (),
    ) -> None:
        """Write what has changed of messages, ascending by UID; those not here are left out. Neighbours all at once.

        Sizes change only where a repair puts them right; none given: they are as they were.
        """
        if not uids:
            return
        written = [(self.modseqs, modseqs), (self.flags, flags), (self.keywords, keywords)]
        if sizes:
            written.append((self.sizes, sizes))
        start = bisect_left(self.uids, uids[0])
        stop = start + len(uids)
        if self.uids[start:stop] == array(self.uids.typecode, uids):
            for column, values in written:
                column[start:stop] = array(column.typecode, values)
            return
        places = list(map(self.position, uids))
        for column, values in written:
            for place, value in zip(places, values, strict=True):
                if place >= 0:
                    column[place] = value

    def without(self, gone: Iterable[int], *, shared: bool = True) -> FolderIndex:
        """Give an index that lacks some UIDs: another, or unless it is `shared` this one, where that costs less."""
        places = sorted(place for place in map(self.position, gone) if place >= 0)
        kept: list[tuple[int, int]] = []  # runs of what stays, between those that go
        start = 0
        for place in places:
            if start < place:
                kept.append((start, place))
            start = place + 1
        if start < len(self):
            kept.append((start, len(self)))
        if not shared and len(kept) <= _FEW:
            self._keep(kept)
            return self
        if len(kept) == 1:
            start, stop = kept[0]
            made = [column[start:stop] for column in self.columns()]
        elif len(kept) > len(self) // 16:
            marks = bytearray(b"\1") * len(self)
            for place in places:
                marks[place] = 0
            made = [array(column.typecode, compress(column, marks)) for column in self.columns()]
        else:
            made = []
            for column in self.columns():
                rest = array(column.typecode)
                for start, stop in kept:
                    rest += column[start:stop]
                made.append(rest)
        return FolderIndex(made, self.modseq, self.uidvalidity, self.uidnext)

    def _keep(self, runs: list[tuple[int, int]]) -> None:
        """Take out of the arrays what is in none of some ascending runs of places."""
        for column in self.columns():
            end = len(column)
            for start, stop in reversed(runs):
                del column[stop:end]
                end = start
            del column[:end]


def load(db: Reader, folder_id: int) -> FolderIndex:
    """Read a whole folder. `db` must see one state throughout. Raises NotFound."""
    modseq, uidvalidity, uidnext, _ = changelog.state(db, folder_id)
    columns = [array(kind) for kind in TYPES]
    for rows in db.chunks(_LOAD, (db.mailbox_id, folder_id), _CHUNK):
        for column, kind, values in zip(columns, TYPES, zip(*rows, strict=True), strict=True):
            column.extend(array(kind, values))
    return FolderIndex(columns, modseq, uidvalidity, uidnext)


def refresh(db: Reader, folder_id: int, index: FolderIndex, *, shared: bool = True) -> FolderIndex:
    """Bring an index up to date; return it, or the one that takes its place. `db` must see one state throughout.

    When it is not `shared`, nobody else has it or any of its arrays.
    """
    modseq, uidvalidity, uidnext, floor = changelog.state(db, folder_id)
    if uidvalidity != index.uidvalidity or index.modseq < floor or modseq < index.modseq:
        return load(db, folder_id)
    key = (db.mailbox_id, folder_id, index.modseq)
    gone = {uid for uid, _ in db.all(VANISHED, key)}
    if gone:
        index = index.without(gone, shared=shared)
    index.apply(db.all(CHANGED, key))
    index.modseq, index.uidnext = modseq, uidnext
    return index


def resume(db: Reader, folder_id: int, snapshot: Snapshot) -> FolderIndex | None:
    """Make a snapshot's arrays an up-to-date index; None where the folder did not go on from it, or far.

    `db` must see one state throughout, not older than the snapshot. Raises NotFound.
    """
    head, tail, columns = snapshot
    modseq, uidvalidity, uidnext, floor = changelog.state(db, folder_id)
    if uidvalidity != head.uidvalidity or uidnext < head.uidnext or not floor <= head.modseq <= modseq:
        return None
    if modseq - head.modseq > head.messages:
        return None  # it may be quicker to read all
    index = FolderIndex(columns, head.modseq, uidvalidity, uidnext)
    key = (db.mailbox_id, folder_id, head.since)
    gone: dict[int, int] = dict(db.all(VANISHED, key))
    rows = db.all(CHANGED, key)
    if not _goes_on(index, head.since, set(tail), gone, rows):
        return None
    index = index.without([uid for uid, at in gone.items() if at > head.modseq], shared=False)
    index.apply(rows)
    index.modseq = modseq
    row = db.one(_TOTAL, key[:2])
    return index if row is not None and row[0] == len(index) else None


def _goes_on(index: FolderIndex, since: int, tail: set[int], gone: dict[int, int], rows: list[Row]) -> bool:
    """Whether a folder that changed by `gone` and `rows` after `since` had the index as one of its states.

    It had not, though every number fits, if the mailbox was put back to an older state and went on from there without
    a new epoch (store.epoch). The messages that changed last then, `tail`, changed in another way or not at all.
    """
    mark = index.modseq
    if any(at <= mark and index.position(uid) >= 0 for uid, at in gone.items()):
        return False
    now = {row[0]: row for row in rows if row[3] <= mark or row[0] in tail}
    proven = False
    for uid in tail | now.keys():
        old, row = index.row(uid), now.get(uid)
        if old is None:
            return False
        if row is None:
            if gone.get(uid, 0) <= mark:
                return False
        elif row[3] <= mark:
            if old != row:
                return False
            proven = True
        elif (*old[:3], *old[6:]) != (*row[:3], *row[6:]):
            return False
        elif old.save_modseq > since:
            proven = True
    return proven
