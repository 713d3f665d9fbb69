"""FolderIndex: the placements of a folder as parallel arrays, shared by the sessions of a process.

An index is brought up to date from the change log: one read of `folder.modseq` when nothing happened, else the rows and
tombstones since. New messages and changed flags are written into the arrays in place, so positions stay; once messages
vanish a new FolderIndex takes the old one's place, and whoever still holds the old one keeps a consistent, older view.
It shows committed messages only, also inside a unit of work.
"""

from __future__ import annotations

import sys
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from itertools import compress
from operator import itemgetter

from sqlalchemy import select

from store import changelog
from store.changelog import CHANGED, IN_FOLDER, MESSAGE_COLUMNS, STATE, VANISHED
from store.changes import MessageRow
from store.engine import Reader, Row, Shard, Statement
from store.errors import NotFound
from store.schema import message

BYTES_A_MESSAGE = 68
DEFAULT_MEMORY = 192 << 20

_LOAD = Statement(select(*MESSAGE_COLUMNS).where(*IN_FOLDER).order_by(message.c.uid), "m", "f")
_TYPES = "IQQQLQqQQ"
"""The UIDs are typed as the sessions' views of them are: what is of one type is copied and compared as a block."""
_CHUNK = 500
"""Rows turned into array elements at a time: few enough to stay in the processor's cache."""
_FEW = 8
"""Runs of messages up to which those between them are taken out of the arrays themselves."""
LONG = 5_000
"""Messages, or changes, whose reading is not short any more: it takes some 10 ms."""


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

    def flagged(self, flag: int) -> list[int]:
        """Give the UIDs of the messages with a flag, one bit of MessageFlag."""
        octet, bit = divmod(flag.bit_length() - 1, 8)
        column = self.flags
        if sys.byteorder == "big":
            octet = column.itemsize - 1 - octet
        have = column.tobytes()[octet :: column.itemsize].translate(bytes(each >> bit & 1 for each in range(256)))
        count = have.count(1)
        if count > len(have) // 16:
            return list(compress(self.uids, have))
        found: list[int] = []
        place = -1
        for _ in range(count):
            place = have.find(1, place + 1)
            found.append(self.uids[place])
        return found

    def apply(self, rows: list[Row]) -> None:
        """Write changed and new rows, ascending by UID, into the arrays; `uids` grows last."""
        columns = self.columns()
        last = self.uids[-1] if self.uids else 0
        known = bisect_right(rows, last, key=itemgetter(0))
        self._change(rows[:known])
        fresh = rows[known:]
        if fresh:
            for column, values in reversed(list(zip(columns, zip(*fresh, strict=True), strict=True))):
                column.extend(values)

    def _change(self, rows: Sequence[Row]) -> None:
        """Write flags, keywords and mod-sequences of messages that are here; neighbours all at once."""
        if not rows:
            return
        start, stop = self.position(rows[0][0]), self.position(rows[-1][0]) + 1
        if start >= 0 and stop - start == len(rows):
            uids, _, _, modseqs, flags, keywords, *_ = zip(*rows, strict=True)
            if self.uids[start:stop] == array(self.uids.typecode, uids):
                for column, values in ((self.modseqs, modseqs), (self.flags, flags), (self.keywords, keywords)):
                    column[start:stop] = array(column.typecode, values)
                return
        for row in rows:
            place = self.position(row[0])
            if place >= 0:
                self.modseqs[place], self.flags[place], self.keywords[place] = row[3], row[4], row[5]

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
    columns = [array(kind) for kind in _TYPES]
    for rows in db.chunks(_LOAD, (db.mailbox_id, folder_id), _CHUNK):
        for column, kind, values in zip(columns, _TYPES, zip(*rows, strict=True), strict=True):
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


def _references(index: FolderIndex) -> tuple[int, int]:
    """Count who has an index, and who has most of its arrays."""
    columns = index.columns()
    return sys.getrefcount(index), max(sys.getrefcount(columns[place]) for place in range(len(columns)))


class _LongWork(Exception):
    """Bringing an index up to date would take long."""


class _Entry:
    """One folder's index, and the lock under which it is brought up to date."""

    __slots__ = ("index", "lock", "weight")

    def __init__(self) -> None:
        self.index: FolderIndex | None = None
        self.lock = threading.Lock()
        self.weight = 0


def _alone() -> tuple[int, int]:
    entry = _Entry()
    entry.index = FolderIndex([array(kind) for kind in _TYPES], 0, 0, 0)
    index = entry.index
    return _references(index)


_ALONE = _alone()
"""What `_references` gives where nobody has an index but its entry and one variable of the caller.

A session in the middle of a command has it too, and keeps its older view. While an entry is locked nobody new gets hold
of its index, save a unit of work that sees just the state that the index is at: then nothing newer can be committed.
"""


class IndexCache:
    """The indexes of a process, least recently used dropped first when they pass `memory` bytes."""

    def __init__(self, memory: int = DEFAULT_MEMORY) -> None:
        self._memory = memory
        self._used = 0
        self._kept: OrderedDict[tuple[int, int], _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, shard: Shard, folder_id: int) -> FolderIndex:
        """Give the up-to-date index of a folder. Raises NotFound."""
        key, entry = self._entry(shard, folder_id)
        with entry.lock:
            return self._current(shard, key, entry, wait=True)

    def at_hand(self, shard: Shard, folder_id: int) -> FolderIndex | None:
        """Give it if that is short work, else None: then a thread had better `get` it. Raises NotFound."""
        key, entry = self._entry(shard, folder_id)
        if not entry.lock.acquire(blocking=False):
            return None  # a thread is reading it
        try:
            return self._current(shard, key, entry, wait=False)
        except _LongWork:
            return None
        finally:
            entry.lock.release()

    def _entry(self, shard: Shard, folder_id: int) -> tuple[tuple[int, int], _Entry]:
        key = (shard.mailbox_id, folder_id)
        with self._lock:
            entry = self._kept.get(key)
            if entry is None:
                entry = self._kept[key] = _Entry()
            else:
                self._kept.move_to_end(key)
        return key, entry

    def _current(self, shard: Shard, key: tuple[int, int], entry: _Entry, *, wait: bool) -> FolderIndex:
        """Bring an index up to date under its lock. Long work is done aside, or refused as _LongWork."""
        index = entry.index
        with shard.committed() as db:
            row = db.one(STATE, key)
        if row is not None and index is not None and row[0] == index.modseq and row[1] == index.uidvalidity:
            return index
        folder_id = key[1]
        try:
            if row is None:
                raise NotFound(f"there is no folder {folder_id}")
            if index is None or row[1] != index.uidvalidity or index.modseq < row[3]:
                is_long = row[2] > LONG
            else:
                is_long = row[0] - index.modseq > LONG
            if is_long and not wait:
                raise _LongWork
            with shard.aside() if is_long else shard.committed_snapshot() as db:
                shared = index is None or _references(index) != _ALONE
                made = load(db, folder_id) if index is None else refresh(db, folder_id, index, shared=shared)
        except NotFound:
            self._drop(key)
            raise
        entry.index = made
        self._weigh(key, entry, 1024 + BYTES_A_MESSAGE * len(made))
        return made

    def standing(self, shard: Shard, folder_id: int, modseq: int, uidvalidity: int) -> FolderIndex | None:
        """Give the index if it is in memory and stands at just that state of the folder."""
        with self._lock:
            entry = self._kept.get((shard.mailbox_id, folder_id))
        index = None if entry is None else entry.index
        return index if index is not None and (index.modseq, index.uidvalidity) == (modseq, uidvalidity) else None

    def advance(self, shard: Shard, folder_id: int, before: tuple[int, int], modseq: int, rows: Sequence[Row]) -> None:
        """Take over committed changes of flags: `rows` are all that happened in the folder after `before`.

        That is its modseq and UIDVALIDITY until then, `modseq` the one since. An index that stands elsewhere stays, and
        so does one that a thread is reading: it will be brought up to date when it is asked for.
        """
        with self._lock:
            entry = self._kept.get((shard.mailbox_id, folder_id))
        if entry is None or not entry.lock.acquire(blocking=False):
            return
        try:
            index = entry.index
            if index is not None and (index.modseq, index.uidvalidity) == before:
                index.apply(list(rows))
                index.modseq = modseq
        finally:
            entry.lock.release()

    def drop(self, mailbox_id: int) -> None:
        """Forget the indexes of a mailbox."""
        with self._lock:
            keys = [key for key in self._kept if key[0] == mailbox_id]
        for key in keys:
            self._drop(key)

    def clear(self) -> None:
        """Forget everything; also right after a fork, when another thread may have held the lock."""
        self._lock = threading.Lock()
        self._kept = OrderedDict()
        self._used = 0

    def _weigh(self, key: tuple[int, int], entry: _Entry, weight: int) -> None:
        with self._lock:
            if self._kept.get(key) is not entry:
                return
            self._used += weight - entry.weight
            entry.weight = weight
            while self._used > self._memory and len(self._kept) > 1:
                self._used -= self._kept.popitem(last=False)[1].weight

    def _drop(self, key: tuple[int, int]) -> None:
        with self._lock:
            entry = self._kept.pop(key, None)
            if entry is not None:
                self._used -= entry.weight
