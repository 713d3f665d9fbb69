"""Snapshots of large folders' indexes: files from which a process has an index without reading all rows.

A snapshot is a cache. It holds the arrays of a store.index.FolderIndex as they were at some modseq, in the order of
the columns and in this machine's own layout; what happened since is read from the change log. It may be removed at any
time, is not synced to disk, and a file that is not whole is thrown away. Whether it speaks of the folder as it is now
its reader decides (store.index). Layout:

    header      magic, layout of the arrays, mailbox, folder, UIDVALIDITY, modseq, next UID, messages, checksums;
                and for the reader's proof the UIDs of the messages that changed last, which is after `since`
    tail        these UIDs, 4 octets each
    arrays      one after the other
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import os
import secrets
import shutil
import struct
import sys
import threading
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID
from zlib import crc32

from store.ids import MailboxRef

log = logging.getLogger("oxgate.store")

TYPES: Final = "IQQQLQqQQ"
"""The arrays of an index. The UIDs are typed as the sessions' views are: one type is copied and compared as a block."""
UIDS: Final = 0
MODSEQS: Final = 3
"""Places among the columns."""
TAIL: Final = 100
"""Messages, those that changed last, by which a reader tells whether the folder went on from the snapshot."""
SUFFIX: Final = ".index"

_MAGIC: Final = b"oxindx2\n"
_HEADER: Final = struct.Struct("<8sI16s6QII")
_CRC: Final = struct.Struct("<I")
_ABANDONED: Final = 600
"""Seconds after which a file that was never finished is removed."""


class Damaged(Exception):
    """The file is no snapshot, or not all of it."""


class Head(NamedTuple):
    """What a snapshot is of."""

    guid: UUID
    folder_id: int
    uidvalidity: int
    modseq: int
    uidnext: int
    since: int
    """The messages of the tail are those with a higher modseq than this."""
    messages: int


class Snapshot(NamedTuple):
    """An index as it was at a modseq."""

    head: Head
    tail: array[int]
    columns: list[array[int]]


def take(ref: MailboxRef, folder_id: int, state: tuple[int, int, int], columns: list[array[int]]) -> Snapshot:
    """Make a snapshot of arrays that nobody changes; `state` are UIDVALIDITY, modseq and next UID."""
    # The newest first: seldom does one take the place of another then.
    last = heapq.nlargest(TAIL + 1, zip(reversed(columns[MODSEQS]), reversed(columns[UIDS]), strict=True))
    since = last[TAIL][0] if len(last) > TAIL else 0
    tail = array(TYPES[UIDS], [uid for modseq, uid in last if modseq > since])
    return Snapshot(Head(ref.guid, folder_id, *state, since, len(columns[UIDS])), tail, columns)


def _layout() -> int:
    sizes = [f"{kind}{array(kind).itemsize}" for kind in TYPES]
    return crc32(" ".join([sys.byteorder, *sizes]).encode())


def write(path: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot beside the place where it belongs; return where it is. Raises OSError."""
    head, tail, columns = snapshot
    sections = [tail, *columns]
    checksum = 0
    for section in sections:
        checksum = crc32(section, checksum)
    header = _HEADER.pack(_MAGIC, _layout(), head.guid.bytes, *head[1:], len(tail), checksum)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb", buffering=0) as file:
            file.write(header + _CRC.pack(crc32(header)))
            for section in sections:
                if file.write(section) != len(section) * section.itemsize:
                    raise OSError(f"{temporary}: no room for all of it")
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _read_head(file: BinaryIO, path: Path) -> tuple[Head, int, int]:
    """Read what a snapshot is of, the length of its tail, and the checksum of the rest."""
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or _CRC.pack(crc32(header)) != file.read(_CRC.size):
        raise Damaged(f"{path}: the header is damaged")
    magic, layout, guid, *numbers, tail, checksum = _HEADER.unpack(header)
    if magic != _MAGIC or layout != _layout():
        raise Damaged(f"{path}: not a snapshot of this machine's layout")
    return Head(UUID(bytes=guid), *numbers), tail, checksum


def read_head(path: Path) -> Head:
    """Read what a snapshot is of. Raises Damaged, OSError."""
    with open(path, "rb", buffering=0) as file:
        return _read_head(file, path)[0]


def read(path: Path) -> Snapshot:
    """Read a snapshot into arrays of its own. Raises Damaged, OSError."""
    with open(path, "rb", buffering=0) as file:
        head, length, expected = _read_head(file, path)
        size = _HEADER.size + _CRC.size + length * array(TYPES[UIDS]).itemsize
        size += head.messages * sum(array(kind).itemsize for kind in TYPES)
        if os.fstat(file.fileno()).st_size != size:
            raise Damaged(f"{path}: the file is cut off")
        checksum = 0
        made: list[array[int]] = []
        for kind, count in ((TYPES[UIDS], length), *((kind, head.messages) for kind in TYPES)):
            column = array(kind, (0,)) * count
            with memoryview(column) as view:
                if file.readinto(view) != view.nbytes:
                    raise Damaged(f"{path}: the file is cut off")
                checksum = crc32(view, checksum)
            made.append(column)
    if checksum != expected:
        raise Damaged(f"{path}: the arrays are damaged")
    return Snapshot(head, made[0], made[1:])


class IndexFiles:
    """Where the snapshots of a store are, and the thread that writes them. Safe for several threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.after_fork()

    def after_fork(self) -> None:
        """Forget what the parent was about to write: another of its threads may have held the lock."""
        self._lock = threading.Lock()
        self._waiting: dict[tuple[int, int], Callable[[], None]] = {}
        self._thread: threading.Thread | None = None

    def folder(self, ref: MailboxRef) -> Path:
        """Give the folder of a mailbox's snapshots."""
        return self._root / ref.shard / "index" / ref.guid.hex[:2] / ref.guid.hex

    def path(self, ref: MailboxRef, folder_id: int) -> Path:
        """Give the file of a folder's snapshot."""
        return self.folder(ref) / f"{folder_id}{SUFFIX}"

    def folders(self, ref: MailboxRef) -> list[int]:
        """Give the folders that have a snapshot."""
        try:
            names = os.listdir(self.folder(ref))
        except OSError:
            return []
        stems = [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
        return sorted(int(stem) for stem in stems if stem.isascii() and stem.isdigit())

    def read(self, ref: MailboxRef, folder_id: int) -> Snapshot | None:
        """Read the snapshot of a folder, None where there is none. A damaged one is thrown away."""
        path = self.path(ref, folder_id)
        try:
            snapshot = read(path)
            if (snapshot.head.guid, snapshot.head.folder_id) == (ref.guid, folder_id):
                return snapshot
            raise Damaged(f"{path}: of another folder")
        except FileNotFoundError:
            return None
        except Damaged as problem:
            log.warning("a folder's snapshot is thrown away: %s", problem)
            self.discard(ref, folder_id)
        except OSError as problem:
            log.warning("a folder's snapshot cannot be read: %s", problem)
        return None

    def head(self, ref: MailboxRef, folder_id: int) -> Head | None:
        """Read what the snapshot of a folder is of, None where there is none that can be read."""
        try:
            return read_head(self.path(ref, folder_id))
        except (Damaged, OSError):
            return None

    def write(self, ref: MailboxRef, snapshot: Snapshot, wanted: Callable[[], bool]) -> None:
        """Put a snapshot in its place, unless at the end it is not `wanted` any more."""
        path = self.path(ref, snapshot.head.folder_id)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep(path.parent)
            temporary = write(path, snapshot)
            if wanted():
                temporary.rename(path)
            else:
                temporary.unlink()
        except FileNotFoundError:  # the mailbox was removed meanwhile
            pass
        except OSError as problem:
            log.warning("a folder's snapshot cannot be written: %s", problem)

    def _sweep(self, folder: Path) -> None:
        """Remove what a process that was killed left behind."""
        for name in os.listdir(folder):
            if name.startswith("."):
                with contextlib.suppress(OSError):
                    if (folder / name).stat().st_mtime < time.time() - _ABANDONED:
                        (folder / name).unlink()

    def discard(self, ref: MailboxRef, folder_id: int) -> None:
        """Remove the snapshot of a folder."""
        with contextlib.suppress(OSError):
            self.path(ref, folder_id).unlink()

    def remove(self, ref: MailboxRef) -> None:
        """Remove the snapshots of a mailbox."""
        shutil.rmtree(self.folder(ref), ignore_errors=True)

    # -------------------------------------------------------------------------------------------------- the thread

    def later(self, key: tuple[int, int], job: Callable[[], None]) -> None:
        """Have a thread write something, one after the other; what waits under the same key gives way."""
        with self._lock:
            self._waiting[key] = job
            if self._thread is not None:
                return
            thread = threading.Thread(target=self._work, name="index files", daemon=True)
            try:
                thread.start()
            except RuntimeError as problem:  # there are too many; it waits for the next that is asked for
                log.warning("a folder's snapshot is not written: %s", problem)
            else:
                self._thread = thread

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                job = self._waiting.pop(next(iter(self._waiting)))
            try:
                job()
            except Exception:
                log.exception("a folder's snapshot was not written")
            del job

    def settle(self) -> None:
        """Wait until what was asked for is written."""
        thread = self._thread
        if thread is not None:
            thread.join()
