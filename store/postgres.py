"""Mailboxes in PostgreSQL: the tables of all mailboxes side by side, every key led by `mailbox_id`.

The lock of a mailbox is its row, taken first in every unit of work; folders come after it, so units of work never wait
for each other in a circle. Connections are held by the call that uses them and kept for the next one. A connection that
failed is thrown away with the others that rest, so that after a restart of the server one call fails, not many.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from threading import get_ident
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.numeric import Int8BinaryDumper
from sqlalchemy import bindparam, delete, select

from store import migrate
from store.changes import Touched
from store.engine import Backend, Busy, Joined, Parameters, Publish, Reader, Row, Shard, Statement, Work
from store.errors import AlreadyExists, NotFound, Unavailable
from store.ids import MailboxRef
from store.schema import mailbox, metadata

_WAIT_SECONDS = 30.0
_LOCK_MILLISECONDS = 30_000

_Connection = psycopg.Connection[Row]
_CURSORS = count()

_GUID = Statement(select(mailbox.c.guid).where(mailbox.c.mailbox_id == bindparam("m")), "m")
_GUIDS = Statement(select(mailbox.c.guid))
_DELETE_ALL = [
    Statement(delete(table).where(table.c.mailbox_id == bindparam("m")), "m")
    for table in sorted(metadata.sorted_tables, key=lambda table: table.name == "mailbox")
]


class Pool:
    """The connections of a process, made as they are needed, at most `size` at a time."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._idle: list[tuple[_Connection, float]] = []
        self._count = 0
        self._free = threading.Condition()

    def take(self) -> _Connection:
        """Give a connection, the one used last if one rests. Raises psycopg.Error, Unavailable."""
        with self._free:
            if not self._free.wait_for(lambda: self._idle or self._count < self._size, _WAIT_SECONDS):
                raise Unavailable("all connections to the database are in use")
            if self._idle:
                return self._idle.pop()[0]
            self._count += 1
        try:
            return self._connect()
        except BaseException:
            with self._free:
                self._count -= 1
                self._free.notify()
            raise

    def give(self, connection: _Connection) -> None:
        """Take a connection back; one that is broken or inside a transaction is thrown away."""
        sound = not connection.closed and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        stale: list[tuple[_Connection, float]] = []
        with self._free:
            if sound:
                self._idle.append((connection, monotonic()))
            else:
                stale, self._idle = self._idle, []
                self._count -= 1 + len(stale)
            self._free.notify()
        if not sound:
            connection.close()
        for other, _ in stale:
            other.close()

    def close(self, rested: float = 0) -> int:
        """Close the connections that rested for so many seconds; return how many."""
        limit = monotonic() - rested
        with self._free:
            old = [one for one in self._idle if one[1] <= limit]
            self._idle = [one for one in self._idle if one[1] > limit]
            self._count -= len(old)
            self._free.notify_all()
        for connection, _ in old:
            connection.close()
        return len(old)

    def forget(self) -> list[object]:
        """Give up the connections of the process that forked this one."""
        kept: list[object] = list(self._idle)
        self._idle = []
        self._count = 0
        self._free = threading.Condition()
        return kept

    def _connect(self) -> _Connection:
        connection: _Connection = psycopg.connect(
            self._url,
            autocommit=True,
            prepare_threshold=2,
            cursor_factory=psycopg.RawCursor,
        )
        connection.execute(f"SET lock_timeout = {_LOCK_MILLISECONDS}".encode())
        # One type for all integers: else a statement is prepared anew for every mixture of small and large ones.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        return connection


class PostgresReader(Reader):
    """Statements on a connection of the pool."""

    dialect = "postgresql"

    def __init__(self, connection: _Connection, mailbox_id: int) -> None:
        self.mailbox_id = mailbox_id
        self.connection = connection
        self._cursor: Any = connection.cursor(binary=True)

    def one(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        """See `Reader.one`."""
        row: Row | None = self._cursor.execute(statement.postgresql, parameters).fetchone()
        return row

    def all(self, statement: Statement, parameters: Parameters = ()) -> list[Row]:
        """See `Reader.all`."""
        rows: list[Row] = self._cursor.execute(statement.postgresql, parameters).fetchall()
        return rows

    def chunks(self, statement: Statement, parameters: Parameters, size: int) -> Iterator[list[Row]]:
        """See `Reader.chunks`: a cursor of the server's, else the driver would take in all rows with the answer."""
        alone = self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        name = f"chunks_{next(_CURSORS)}"
        cursor: Any = psycopg.RawServerCursor(self.connection, name, withhold=alone)
        with cursor:
            cursor.execute(statement.postgresql, parameters, binary=True)
            rows: list[Row] = cursor.fetchmany(size)
            while rows:
                yield rows
                rows = cursor.fetchmany(size) if len(rows) == size else []

    def array(self, numbers: Iterable[int]) -> str:
        """See `Reader.array`: an array as text, whose element type the driver cannot guess too small."""
        return "{" + ",".join(map(str, numbers)) + "}"


class PostgresWork(PostgresReader, Work):
    """A unit of work: a transaction that holds the lock of the mailbox's row."""

    def __init__(self, connection: _Connection, mailbox_id: int) -> None:
        super().__init__(connection, mailbox_id)
        self.touched = {}
        self.actions: list[Callable[[], None]] = []
        self.depth = 1

    def begin(self, *, wait: bool) -> None:
        """Begin, and lock the mailbox in the same round trip. Raises NotFound; Busy, unless it is to `wait`."""
        cursor = self.connection.cursor()
        lock = f"SELECT 1 FROM mailbox WHERE mailbox_id = {int(self.mailbox_id)} FOR UPDATE"  # noqa: S608  # a number
        try:
            cursor.execute(f"BEGIN; {lock}{'' if wait else ' NOWAIT'}".encode())
        except psycopg.errors.LockNotAvailable as error:
            if wait:
                raise
            self.command("ROLLBACK")
            raise Busy(f"mailbox {self.mailbox_id}: another writes") from error
        cursor.nextset()
        if cursor.fetchone() is None:
            self.command("ROLLBACK")
            raise NotFound(f"there is no mailbox {self.mailbox_id}")

    def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        """See `Work.run`."""
        return int(self._cursor.execute(statement.postgresql, parameters).rowcount)

    def many(self, statement: Statement, rows: Iterable[Parameters]) -> None:
        """See `Work.many`."""
        self._cursor.executemany(statement.postgresql, rows)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """See `Work.savepoint`."""
        touched, actions = dict(self.touched), len(self.actions)
        self.command("SAVEPOINT operation")
        try:
            yield
        except BaseException:
            self.touched = touched
            del self.actions[actions:]
            self.command("ROLLBACK TO SAVEPOINT operation; RELEASE SAVEPOINT operation")
            raise
        self.command("RELEASE SAVEPOINT operation")

    def after_commit(self, action: Callable[[], None]) -> None:
        """See `Work.after_commit`."""
        self.actions.append(action)

    def command(self, text: str) -> None:
        """Run a transaction command."""
        self.connection.execute(text.encode())


class PostgresShard(Shard):
    """The rows of one mailbox."""

    dialect = "postgresql"

    def __init__(self, pool: Pool, ref: MailboxRef, *, publish: Publish, commit_delay: float = 0) -> None:
        self.mailbox_id = ref.id
        self.ref = ref
        self._pool = pool
        self._publish = publish
        self._commit_delay = commit_delay
        self._works: dict[int, PostgresWork] = {}

    def read(self) -> AbstractContextManager[Reader]:
        """See `Shard.read`."""
        work = self._works.get(get_ident())
        return self.committed() if work is None else Joined(work)

    def snapshot(self) -> AbstractContextManager[Reader]:
        """See `Shard.snapshot`."""
        work = self._works.get(get_ident())
        return self.committed_snapshot() if work is None else Joined(work)

    def inside(self) -> bool:
        """See `Shard.inside`."""
        return get_ident() in self._works

    @contextmanager
    def committed(self) -> Iterator[Reader]:
        """See `Shard.committed`."""
        with self._connection() as connection:
            yield PostgresReader(connection, self.mailbox_id)

    @contextmanager
    def committed_snapshot(self) -> Iterator[Reader]:
        """See `Shard.committed_snapshot`."""
        with self._connection() as connection:
            connection.execute(b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            try:
                yield PostgresReader(connection, self.mailbox_id)
            finally:
                if not connection.closed:
                    connection.execute(b"ROLLBACK")

    def aside(self) -> AbstractContextManager[Reader]:
        """See `Shard.aside`: every reading has a connection to itself."""
        return self.committed_snapshot()

    @contextmanager
    def write(self, *, wait: bool = True) -> Iterator[Work]:
        """See `Shard.write`."""
        thread = get_ident()
        work = self._works.get(thread)
        if work is not None:
            yield work
            return
        with self._connection() as connection:
            work = PostgresWork(connection, self.mailbox_id)
            work.begin(wait=wait)
            self._works[thread] = work
            try:
                yield work
            except BaseException:
                del self._works[thread]
                if not connection.closed:
                    work.command("ROLLBACK")
                raise
            del self._works[thread]
            work.command("COMMIT")
        if self._commit_delay:
            sleep(self._commit_delay)
        for action in work.actions:
            action()
        for folder_id, cn in work.touched.items():
            self._publish(Touched(self.mailbox_id, folder_id, cn))

    def close(self) -> None:
        """See `Shard.close`: the connections belong to all mailboxes."""

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        with translated(self.mailbox_id):
            connection = self._pool.take()
            try:
                yield connection
            finally:
                self._pool.give(connection)


@contextmanager
def translated(mailbox_id: int) -> Iterator[None]:
    """Raise trouble with the server as Unavailable."""
    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise Unavailable(f"mailbox {mailbox_id}: {error}") from error


class PostgresDatabase(Backend):
    """A PostgreSQL database (or schema, by the `options` of the URL) that holds many mailboxes."""

    inline = False

    def __init__(self, url: str, *, publish: Publish, max_open: int, commit_delay: float) -> None:
        self._url = url
        self._pool = Pool(url, max_open)
        self._publish = publish
        self._commit_delay = commit_delay
        self._lock = threading.RLock()
        self._shards: weakref.WeakValueDictionary[tuple[int, UUID], PostgresShard] = weakref.WeakValueDictionary()
        self._current = False

    def create(self, ref: MailboxRef, rows: Sequence[tuple[Statement, Sequence[Parameters]]]) -> None:
        """See `Backend.create`."""
        self._migrate()
        with translated(ref.id), self._taken() as connection, connection.transaction():
            cursor: Any = connection.cursor()
            try:
                for statement, parameters in rows:
                    cursor.executemany(statement.postgresql, parameters)
            except psycopg.errors.UniqueViolation as error:
                raise AlreadyExists(f"the mailbox {ref.id} is there already") from error

    def remove(self, ref: MailboxRef) -> None:
        """See `Backend.remove`."""
        shard = self.shard(ref)
        with shard.write() as work:
            for statement in _DELETE_ALL:
                work.run(statement, (ref.id,))
        with self._lock:
            self._shards.pop((ref.id, ref.guid), None)

    def exists(self, ref: MailboxRef) -> bool:
        """See `Backend.exists`."""
        self._migrate()
        with translated(ref.id), self._taken() as connection:
            row = PostgresReader(connection, ref.id).one(_GUID, (ref.id,))
        return row is not None and bytes(row[0]) == ref.guid.bytes_le

    def guids(self) -> list[UUID]:
        """See `Backend.guids`."""
        self._migrate()
        with translated(0), self._taken() as connection:
            return sorted(UUID(bytes_le=bytes(row[0])) for row in PostgresReader(connection, 0).all(_GUIDS))

    def shard(self, ref: MailboxRef) -> Shard:
        """See `Backend.shard`."""
        key = (ref.id, ref.guid)
        with self._lock:
            shard = self._shards.get(key)
        if shard is None:
            if not self.exists(ref):
                raise NotFound(f"there is no mailbox {ref.guid}")
            with self._lock:
                shard = self._shards.get(key)
                if shard is None:
                    shard = self._shards[key] = PostgresShard(
                        self._pool, ref, publish=self._publish, commit_delay=self._commit_delay
                    )
        return shard

    def close(self) -> None:
        """See `Backend.close`."""
        self._pool.close()

    def close_idle(self, seconds: float) -> int:
        """See `Backend.close_idle`."""
        return self._pool.close(seconds)

    def forget(self) -> list[object]:
        """See `Backend.forget`."""
        self._lock = threading.RLock()
        self._shards.clear()
        return self._pool.forget()

    def _migrate(self) -> None:
        if self._current:
            return
        with self._lock:
            if not self._current:
                with translated(0):
                    with self._taken() as connection:
                        current = migrate.server_is_current(connection)
                    if not current:
                        migrate.upgrade_server(self._url)
                self._current = True

    @contextmanager
    def _taken(self) -> Iterator[_Connection]:
        connection = self._pool.take()
        try:
            yield connection
        finally:
            self._pool.give(connection)
