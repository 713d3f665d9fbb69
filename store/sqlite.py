"""A mailbox in an SQLite file of its own: WAL, every commit synced, one connection that writes and one that reads.

The thread that committed last reads on the connection that writes; the other connection is for the other threads.

The connections are opened at the first use and closed when the process has too many of them or the mailbox rests; a
shard whose connections are closed opens them again. A transaction is opened with BEGIN IMMEDIATE, so it never fails
half way for want of the lock.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import get_ident
from time import monotonic, sleep
from types import TracebackType
from typing import NoReturn

from store.changes import Touched
from store.engine import Busy, Joined, Publish, Reader, Shard, Work
from store.errors import NotFound, Unavailable
from store.ids import MailboxRef
from store.logroom import LogRoom
from store.sqliteconnection import SqliteReader, SqliteWork, connect

_READER_CACHE_KB = 512
_WRITER_CACHE_KB = 1024
_MMAP_BYTES = 1 << 30


class _Reading:
    """`with shard.read()`: holds the reading connection for the time of some statements."""

    __slots__ = ("_begin", "_shard")

    def __init__(self, shard: SqliteShard, *, begin: bool) -> None:
        self._shard = shard
        self._begin = begin

    def __enter__(self) -> Reader:
        shard = self._shard
        shard.read_lock.acquire()
        shard.used = monotonic()
        try:
            reader = shard.reader or shard.open_reader()
            if self._begin:
                if not shard.snapshots:
                    reader.connection.execute("BEGIN")
                shard.snapshots += 1
        except BaseException as error:
            shard.read_lock.release()
            shard.raise_translated(error)
        return reader

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shard = self._shard
        try:
            if self._begin:
                shard.snapshots -= 1
                if not shard.snapshots and shard.reader is not None and shard.reader.connection.in_transaction:
                    shard.reader.connection.execute("COMMIT")
        finally:
            shard.read_lock.release()
        if isinstance(error, sqlite3.Error):
            shard.raise_translated(error)


class _Home:
    """Reading by the thread that committed last: on the writing connection, whose pages are those just written.

    The reading connection would have to let go of all it has cached and mapped, for nothing changed but by us. Where
    another thread writes at the moment, the reading connection serves all the same.
    """

    __slots__ = ("_begin", "_other", "_shard")

    def __init__(self, shard: SqliteShard, *, begin: bool) -> None:
        self._shard = shard
        self._begin = begin
        self._other: _Reading | None = None

    def __enter__(self) -> Reader:
        shard = self._shard
        if shard.write_lock.acquire(blocking=False):
            work = shard.work
            if work is not None and not shard.depth:
                shard.used = monotonic()
                if self._begin:
                    try:
                        if not shard.home_snapshots:
                            work.command("BEGIN")
                    except BaseException as error:
                        shard.write_lock.release()
                        shard.raise_translated(error)
                    shard.home_snapshots += 1
                return work
            shard.write_lock.release()
        self._other = shard.reading(begin=self._begin)
        return self._other.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._other is not None:
            self._other.__exit__(kind, error, trace)
            return
        shard = self._shard
        try:
            if self._begin:
                shard.home_snapshots -= 1
                work = shard.work
                if not shard.home_snapshots and work is not None and work.connection.in_transaction:
                    work.command("COMMIT")
        finally:
            shard.write_lock.release()
        if isinstance(error, sqlite3.Error):
            shard.raise_translated(error)


class _Writing:
    """`with shard.write()`: the outermost begins and commits; those inside join."""

    __slots__ = ("_shard", "_wait")

    def __init__(self, shard: SqliteShard, *, wait: bool) -> None:
        self._shard = shard
        self._wait = wait

    def __enter__(self) -> Work:
        shard = self._shard
        if not shard.write_lock.acquire(blocking=self._wait):
            raise Busy(f"mailbox {shard.mailbox_id}: another thread writes")
        if shard.depth:
            shard.depth += 1
            assert shard.work is not None
            return shard.work
        try:
            work = shard.work or shard.open_work()
            work.begin(wait=self._wait)
            if shard.room is not None:
                shard.room.make()
        except BaseException as error:
            shard.write_lock.release()
            shard.raise_translated(error)
        shard.depth = 1
        shard.owner = get_ident()
        shard.used = monotonic()
        return work

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shard = self._shard
        if shard.depth > 1:
            shard.depth -= 1
            shard.write_lock.release()
            if isinstance(error, sqlite3.Error):
                shard.raise_translated(error)
            return
        touched, actions = shard.end(error)
        for action in actions:
            action()
        for folder_id, cn in touched.items():
            shard.publish(Touched(shard.mailbox_id, folder_id, cn))


class SqliteShard(Shard):
    """One mailbox file. `opened` is told of each opening of connections, so that the store can bound their number."""

    dialect = "sqlite"

    def __init__(
        self,
        path: Path,
        ref: MailboxRef,
        *,
        publish: Publish,
        opened: Callable[[SqliteShard], None],
        durable: bool = True,
        commit_delay: float = 0,
        prepare: Callable[[sqlite3.Connection], None],
    ) -> None:
        self.mailbox_id = ref.id
        self.ref = ref
        self.path = path
        self.publish = publish
        self.reader: SqliteReader | None = None
        self.work: SqliteWork | None = None
        self.room: LogRoom | None = None
        self.read_lock = threading.RLock()
        self.write_lock = threading.RLock()
        self.snapshots = 0
        self.home = 0
        """The thread that committed last."""
        self.home_snapshots = 0
        self.depth = 0
        self.owner = 0
        self.used = 0.0
        self._companion: object = None
        self._opened = opened
        self._durable = durable
        self._commit_delay = commit_delay
        self._prepare = prepare
        self._prepared = False
        self._reading = _Reading(self, begin=False)
        self._snapshot = _Reading(self, begin=True)
        self._writing = _Writing(self, wait=True)
        self._trying = _Writing(self, wait=False)

    def read(self) -> AbstractContextManager[Reader]:
        """See `Shard.read`."""
        return self._read(begin=False)

    def snapshot(self) -> AbstractContextManager[Reader]:
        """See `Shard.snapshot`."""
        return self._read(begin=True)

    def committed(self) -> AbstractContextManager[Reader]:
        """See `Shard.committed`."""
        return self._committed(begin=False)

    def committed_snapshot(self) -> AbstractContextManager[Reader]:
        """See `Shard.committed_snapshot`."""
        return self._committed(begin=True)

    def inside(self) -> bool:
        """See `Shard.inside`."""
        return self.owner != 0 and self.owner == get_ident()

    def _read(self, *, begin: bool) -> AbstractContextManager[Reader]:
        if self.owner and self.owner == get_ident():
            assert self.work is not None
            return Joined(self.work)
        return self._committed(begin=begin)

    def _committed(self, *, begin: bool) -> AbstractContextManager[Reader]:
        # A reading that is under way on one connection goes on there: it may be a snapshot to be joined.
        if self.home == get_ident() and not self.owner and not self.snapshots:
            return _Home(self, begin=begin)
        return self.reading(begin=begin)

    def reading(self, *, begin: bool) -> _Reading:
        """Give the context of the reading connection."""
        return self._snapshot if begin else self._reading

    def write(self, *, wait: bool = True) -> AbstractContextManager[Work]:
        """See `Shard.write`."""
        return self._writing if wait else self._trying

    @contextmanager
    def aside(self) -> Iterator[Reader]:
        """See `Shard.aside`: a connection of its own."""
        try:
            with contextlib.closing(self._connect(_READER_CACHE_KB)) as connection:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("BEGIN")
                yield SqliteReader(connection, self.mailbox_id)
        except sqlite3.Error as error:
            self.raise_translated(error)

    def keep(self, companion: object) -> None:
        """See `Shard.keep`."""
        self._companion = companion

    def close(self) -> None:
        """See `Shard.close`."""
        with self.write_lock, self.read_lock:
            self._close()

    def close_if_free(self) -> bool:
        """Close the connections unless some thread is using them; tell whether they are closed."""
        if not self.write_lock.acquire(blocking=False):
            return False
        try:
            if self.depth or not self.read_lock.acquire(blocking=False):
                return False
            try:
                self._close()
                return True
            finally:
                self.read_lock.release()
        finally:
            self.write_lock.release()

    def _close(self) -> None:
        reader, work, room = self.reader, self.work, self.room
        self.reader = self.work = self.room = self._companion = None
        if room is not None:
            room.close()
        if reader is not None:
            reader.connection.close()
        if work is not None:  # the last connection to close moves the WAL into the file and removes it
            work.connection.close()

    def abandon(self) -> list[object]:
        """Forget the connections without closing them: they belong to the process that forked this one."""
        kept: list[object] = [self.reader, self.work, self.room]
        self.reader = self.work = self.room = None
        self.depth = self.owner = self.snapshots = self.home = self.home_snapshots = 0
        self.read_lock = threading.RLock()
        self.write_lock = threading.RLock()
        return kept

    def open_reader(self) -> SqliteReader:
        """Open the reading connection; the caller holds the reading lock."""
        connection = self._connect(_READER_CACHE_KB)
        connection.execute("PRAGMA query_only = ON")
        self.reader = SqliteReader(connection, self.mailbox_id)
        self._opened(self)
        return self.reader

    def open_work(self) -> SqliteWork:
        """Open the writing connection; the caller holds the writing lock."""
        connection = self._connect(_WRITER_CACHE_KB)
        # The first read takes its share of the file, which it may have to wait for; after that only BEGIN ever waits.
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
        connection.execute("PRAGMA busy_timeout = 0")
        self.work = SqliteWork(connection, self.mailbox_id)
        if self._durable:
            with contextlib.suppress(OSError):  # there is none before the first commit to a new file
                self.room = LogRoom(self.path)
        self._opened(self)
        return self.work

    def _connect(self, cache_kb: int) -> sqlite3.Connection:
        try:
            connection = connect(self.path)
        except sqlite3.OperationalError as error:
            if not self.path.exists():
                raise NotFound(f"there is no mailbox {self.mailbox_id}") from error
            raise
        try:
            connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
            connection.execute(f"PRAGMA cache_size = -{cache_kb}")
            connection.execute(f"PRAGMA mmap_size = {_MMAP_BYTES}")
            if not self._prepared:
                self._prepare(connection)
                self._prepared = True
        except BaseException:
            connection.close()
            raise
        return connection

    def end(self, error: BaseException | None) -> tuple[dict[int, int], list[Callable[[], None]]]:
        """Commit or roll back, and let go of the lock; return the hints and the actions that follow the commit."""
        work = self.work
        assert work is not None
        touched, actions = work.touched, work.actions
        work.touched, work.actions = {}, []
        failure = error
        try:
            if error is None:
                try:
                    work.command("COMMIT")
                    self.home = get_ident()
                    if self._commit_delay:
                        sleep(self._commit_delay)
                except sqlite3.Error as problem:
                    failure = problem
            if failure is not None and work.connection.in_transaction:
                work.connection.rollback()
        finally:
            self.depth = self.owner = 0
            self.write_lock.release()
        if failure is None:
            return touched, actions
        if failure is not error or isinstance(failure, sqlite3.Error):
            self.raise_translated(failure)
        return {}, []

    def raise_translated(self, error: BaseException) -> NoReturn:
        """Raise database trouble as Unavailable, anything else as it is."""
        if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError)):
            raise error
        if isinstance(error, sqlite3.Error | OSError):
            raise Unavailable(f"mailbox {self.mailbox_id} at {self.path}: {error}") from error
        raise error
