"""What runs on one connection to an SQLite file: statements, a unit of work, its savepoints."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

from store.engine import Busy, Parameters, Reader, Row, Statement, Work
from store.errors import Unavailable

BUSY_SECONDS = 10.0
_RETRY_SECONDS = 0.001
"""How often it is tried to get the lock from another process: whoever takes it again and again must let others in."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a file that exists; statements run as they are given, with no transaction opened unasked."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )


class SqliteReader(Reader):
    """Statements on the reading connection."""

    dialect = "sqlite"

    def __init__(self, connection: sqlite3.Connection, mailbox_id: int) -> None:
        self.mailbox_id = mailbox_id
        self.connection = connection
        cursor = connection.cursor()
        self._execute = cursor.execute
        self._cursor = cursor

    def one(self, statement: Statement, parameters: Parameters = ()) -> Row | None:
        """See `Reader.one`."""
        rows = self._execute(statement.sqlite, parameters).fetchall()
        return rows[0] if rows else None

    def all(self, statement: Statement, parameters: Parameters = ()) -> list[Row]:
        """See `Reader.all`."""
        return self._execute(statement.sqlite, parameters).fetchall()

    def chunks(self, statement: Statement, parameters: Parameters, size: int) -> Iterator[list[Row]]:
        """See `Reader.chunks`."""
        cursor = self.connection.execute(statement.sqlite, parameters)
        while rows := cursor.fetchmany(size):
            yield rows

    def array(self, numbers: Iterable[int]) -> str:
        """See `Reader.array`: a JSON array."""
        return repr(list(numbers))


class SqliteWork(SqliteReader, Work):
    """The unit of work of the writing connection."""

    def __init__(self, connection: sqlite3.Connection, mailbox_id: int) -> None:
        super().__init__(connection, mailbox_id)
        self.touched = {}
        self.actions: list[Callable[[], None]] = []

    def run(self, statement: Statement, parameters: Parameters = ()) -> int:
        """See `Work.run`."""
        return self._execute(statement.sqlite, parameters).rowcount

    def many(self, statement: Statement, rows: Iterable[Parameters]) -> None:
        """See `Work.many`."""
        self._cursor.executemany(statement.sqlite, rows)

    def savepoint(self) -> AbstractContextManager[None]:
        """See `Work.savepoint`."""
        return _Savepoint(self)

    def after_commit(self, action: Callable[[], None]) -> None:
        """See `Work.after_commit`."""
        self.actions.append(action)

    def command(self, text: str) -> None:
        """Run a transaction command."""
        self._execute(text)

    def begin(self, *, wait: bool) -> None:
        """Begin under the lock that is between processes; without `wait` raise Busy when another has it."""
        limit = 0.0
        while True:
            try:
                self._execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if not wait:
                    raise Busy(f"mailbox {self.mailbox_id}: another process writes") from error
                now = monotonic()
                limit = limit or now + BUSY_SECONDS
                if now >= limit:
                    raise
            else:
                return
            sleep(_RETRY_SECONDS)


class _Savepoint:
    __slots__ = ("_actions", "_touched", "_work")

    def __init__(self, work: SqliteWork) -> None:
        self._work = work

    def __enter__(self) -> None:
        self._touched = dict(self._work.touched)
        self._actions = len(self._work.actions)
        self._work.command("SAVEPOINT operation")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        work = self._work
        if error is None:
            work.command("RELEASE operation")
            return
        work.touched = self._touched
        del work.actions[self._actions :]
        if not work.connection.in_transaction:
            raise Unavailable(f"mailbox {work.mailbox_id}: the database ended the transaction: {error}") from error
        work.command("ROLLBACK TO operation")
        work.command("RELEASE operation")
