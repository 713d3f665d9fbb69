"""Room in SQLite's write-ahead log, made ahead of the commits that fill it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LOG_STEP = 64 << 10
_LOG_BYTES = 4 << 20
"""About where SQLite moves the log into the file and begins it again: at 1,000 pages."""


class LogRoom:
    """Makes a write-ahead log grow by large steps, so that a commit seldom changes the length of the file.

    To sync octets that make a file longer costs twice the CPU and twice the wait of syncing octets in the middle: the
    file's new length is written too. So zeros are put behind the end once the log has reached it, as much again as is
    there. To SQLite they are what is left of an older log: frames whose checksums do not hold, where a recovery ends.

    The zeros are written in pieces, because Linux keeps together (as a large folio) what one call wrote, and each small
    write later goes through all blocks of its folio: without the pieces a commit's writes cost half as much again.
    """

    __slots__ = ("_file", "_known")

    def __init__(self, path: Path) -> None:
        """Raises OSError when there is no log."""
        self._file = os.open(f"{path}-wal", os.O_WRONLY | os.O_CLOEXEC)
        self._known = 0

    def make(self) -> None:
        """See to it; only inside a transaction that holds the write lock and has not written: nobody appends then."""
        if self._known >= _LOG_BYTES:  # nobody makes it shorter while a connection is open
            return
        with contextlib.suppress(OSError):  # a full disk is SQLite's to report
            size = os.fstat(self._file).st_size
            if size > self._known:
                self._known = size
                end = min(max(2 * size, size + _LOG_STEP), _LOG_BYTES)
                while self._known < end:
                    self._known += os.pwrite(self._file, bytes(min(end - self._known, _LOG_STEP)), self._known)

    def close(self) -> None:
        """Close the file; SQLite has no locks on it that could go with that."""
        os.close(self._file)
