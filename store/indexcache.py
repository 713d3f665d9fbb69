"""IndexCache: the folder indexes of a process, and the snapshots of large ones (store.index, store.indexfile)."""

from __future__ import annotations

import sys
import threading
from array import array
from collections import OrderedDict
from collections.abc import Sequence

from store import indexfile
from store.changelog import STATE
from store.engine import Reader, Shard
from store.errors import NotFound
from store.findings import Finding
from store.ids import MailboxRef
from store.index import FolderIndex, load, refresh, resume
from store.indexfile import TYPES, Damaged, IndexFiles, Snapshot

BYTES_A_MESSAGE = 68
DEFAULT_MEMORY = 192 << 20
LONG = 5_000
"""Messages, or changes, whose reading is not short any more: it takes some 10 ms."""
LARGE = 20_000
"""Messages from which a folder has a snapshot: reading its rows takes some 30 ms."""


def _is_stale(index: FolderIndex, saved: int) -> bool:
    """Whether more has happened since a snapshot, of modseq `saved`, than is quickly read."""
    return abs(index.modseq - saved) > max(LONG, len(index) // 16)


def _references(index: FolderIndex) -> tuple[int, int]:
    """Count who has an index, and who has most of its arrays."""
    columns = index.columns()
    return sys.getrefcount(index), max(sys.getrefcount(columns[place]) for place in range(len(columns)))


class _LongWork(Exception):
    """Bringing an index up to date would take long."""


class _Entry:
    """One folder's index, and the lock under which it is brought up to date."""

    __slots__ = ("dropped", "index", "lock", "saved", "weight")

    def __init__(self) -> None:
        self.index: FolderIndex | None = None
        self.lock = threading.Lock()
        self.dropped = False
        """What it holds is not to be written any more."""
        self.saved = 0
        """The modseq of the snapshot that there is or will be, 0 for none."""
        self.weight = 0


def _alone() -> tuple[int, int]:
    entry = _Entry()
    entry.index = FolderIndex([array(kind) for kind in TYPES], 0, 0, 0)
    index = entry.index
    return _references(index)


_ALONE = _alone()
"""What `_references` gives where nobody has an index but its entry and one variable of the caller.

A session in the middle of a command has it too, and keeps its older view. While an entry is locked nobody new gets hold
of its index.
"""


class IndexCache:
    """The indexes of a process, least recently used dropped first when they pass `memory` bytes.

    Snapshots of large ones are read from `files`, and written there by a thread.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY, files: IndexFiles | None = None) -> None:
        self._memory = memory
        self._files = files
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
            # Before the database shows a state, so that it shows none that is older.
            snapshot = self._snapshot(shard, folder_id) if index is None and is_long else None
            with shard.aside() if is_long else shard.committed_snapshot() as db:
                if index is None:
                    made = self._load(db, shard, folder_id, entry, snapshot)
                else:
                    shared = _references(index) != _ALONE
                    made = refresh(db, folder_id, index, shared=shared)
        except NotFound:
            self.forget(shard, folder_id)
            raise
        entry.index = made
        self._weigh(key, entry, 1024 + BYTES_A_MESSAGE * len(made))
        self._keep(shard, key, entry, made)
        return made

    # ---------------------------------------------------------------------------------------------------- snapshots

    def _snapshot(self, shard: Shard, folder_id: int) -> Snapshot | None:
        return None if self._files is None else self._files.read(shard.ref, folder_id)

    def _load(self, db: Reader, shard: Shard, folder_id: int, entry: _Entry, snapshot: Snapshot | None) -> FolderIndex:
        """Read a folder by its snapshot, or whole where there is none that fits."""
        if snapshot is None or self._files is None:
            return load(db, folder_id)
        made = resume(db, folder_id, snapshot)
        if made is not None:
            entry.saved = snapshot.head.modseq
            return made
        self._files.discard(shard.ref, folder_id)
        return load(db, folder_id)

    def _keep(self, shard: Shard, key: tuple[int, int], entry: _Entry, index: FolderIndex) -> None:
        """Have a snapshot written of a large folder whose last one is old; see that a small one has none."""
        files = self._files
        if files is None:
            return
        ref = shard.ref
        if len(index) < LARGE // 2 and entry.saved:
            entry.saved = 0
            files.discard(ref, key[1])
        elif len(index) >= LARGE and (not entry.saved or _is_stale(index, entry.saved)):
            entry.saved = index.modseq
            files.later(key, lambda: self._write(files, ref, key[1], entry))

    def _write(self, files: IndexFiles, ref: MailboxRef, folder_id: int, entry: _Entry) -> None:
        """Write the snapshot of a folder, unless another process has just done so."""
        there = files.head(ref, folder_id)
        with entry.lock:
            index = entry.index
            if index is None:
                return
            if there is not None and there.uidvalidity == index.uidvalidity and not _is_stale(index, there.modseq):
                entry.saved = there.modseq
                return
            state = (index.uidvalidity, index.modseq, index.uidnext)
            columns = [column[:] for column in index.columns()]
        del index
        files.write(ref, indexfile.take(ref, folder_id, state, columns), lambda: not entry.dropped)

    def forget(self, shard: Shard, folder_id: int) -> None:
        """Forget the index of a folder that is gone, and its snapshot."""
        self._drop((shard.mailbox_id, folder_id))
        if self._files is not None:
            self._files.discard(shard.ref, folder_id)

    def standing(self, shard: Shard, folder_id: int, modseq: int, uidvalidity: int) -> FolderIndex | None:
        """Give the index if it is in memory and stands at just that state of the folder, and no thread is at it."""
        key = (shard.mailbox_id, folder_id)
        with self._lock:
            entry = self._kept.get(key)
            if entry is not None:
                self._kept.move_to_end(key)
        if entry is None or not entry.lock.acquire(blocking=False):
            return None
        try:
            index = entry.index
            return index if index is not None and (index.modseq, index.uidvalidity) == (modseq, uidvalidity) else None
        finally:
            entry.lock.release()

    def advance(
        self, shard: Shard, folder_id: int, before: tuple[int, int], modseq: int, changed: Sequence[Sequence[int]]
    ) -> None:
        """Take over committed changes of flags: `changed` are all that happened in the folder after `before`.

        They are columns as FolderIndex.change takes them; other messages may be among them. `before` is the folder's
        modseq and UIDVALIDITY until then, `modseq` the one since. An index that stands elsewhere stays, and so does one
        that a thread is reading: it will be brought up to date when it is asked for.
        """
        with self._lock:
            entry = self._kept.get((shard.mailbox_id, folder_id))
        if entry is None or not entry.lock.acquire(blocking=False):
            return
        try:
            index = entry.index
            if index is not None and (index.modseq, index.uidvalidity) == before:
                index.change(*changed)
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
        if self._files is not None:
            self._files.after_fork()

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
                entry.dropped = True
                self._used -= entry.weight


def check(shard: Shard, files: IndexFiles, ref: MailboxRef, *, repair: bool) -> list[Finding]:
    """Compare the snapshots of a mailbox with its rows; `repair` throws away those that are wrong. Raises Unavailable.

    One that does not fit any more is no fault: its reader sees that, and reads the rows.
    """
    found: list[Finding] = []
    for folder_id in files.folders(ref):
        problem = ""
        try:
            snapshot = indexfile.read(files.path(ref, folder_id))
            with shard.aside() as db:
                made = resume(db, folder_id, snapshot)
                if made is not None and made.columns() != load(db, folder_id).columns():
                    problem = "it says other than the rows"
        except NotFound:
            problem = "its folder is gone"
        except FileNotFoundError:
            continue
        except (Damaged, OSError) as error:
            problem = str(error)
        if problem:
            if repair:
                files.discard(ref, folder_id)
            text = f"the snapshot of folder {folder_id} cannot be used: {problem}"
            remedy = "a repair throws it away; the server reads the rows and writes another"
            found.append(Finding("index-snapshot", 0, text, remedy, repaired=repair))
    return found
