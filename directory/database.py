"""The directory's database: opening and upgrading it, transactions, and the generation counter."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from directory import schema
from directory.engines import BUSY_SECONDS, WRITES, postgres_engine, sqlite_engine
from directory.errors import DirectoryUnavailable, DuplicateAddress

_GENERATION = "SELECT value FROM directory_meta WHERE name = 'generation'"
_ADVISORY_LOCK = 0x6F78_6469  # "oxdi": one upgrade at a time


class _Local(threading.local):
    """What belongs to a thread."""

    connection: Connection | None = None
    """The one that it writes on."""


class Database:
    """One directory database, in one process; safe to use from many threads."""

    def __init__(self, location: Path | str, *, recheck: float = 0.5) -> None:
        """Open, create or upgrade it. `recheck`: seconds for which PostgreSQL's generation is always taken as known.

        Raises:
            DirectoryUnavailable: it cannot be opened, or a newer program wrote it.
        """
        self._local = _Local()
        self._recheck = 0.0 if isinstance(location, Path) else recheck
        self._known = -1
        self._known_at = -1e9
        self._reader: sqlite3.Connection | None = None
        self._reader_lock = threading.Lock()
        self.sqlite = isinstance(location, Path)
        self.engine = (
            _sqlite(location) if isinstance(location, Path) else postgres_engine(location, connections=4, more=12)
        )
        try:
            with _mapped():
                self._prepare()
                if isinstance(location, Path):
                    self._reader = sqlite3.connect(
                        location, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
                    )
        except DirectoryUnavailable:
            self.close()
            raise

    def _prepare(self) -> None:
        with self.engine.connect() as connection:
            if self._version(connection) == schema.VERSION:
                return
        with self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
            if not self.sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
            self._upgrade(connection)

    def _version(self, connection: Connection) -> int:
        """Read the version of the schema; 0: no tables yet."""
        if not sqlalchemy.inspect(connection).has_table(schema.meta.name):
            return 0
        row = connection.execute(sqlalchemy.select(schema.meta.c.value).where(schema.meta.c.name == "schema")).scalar()
        return int(row or 0)

    def _upgrade(self, connection: Connection) -> None:
        version = self._version(connection)
        if version > schema.VERSION:
            raise DirectoryUnavailable(
                f"the directory has schema {version}, this program knows {schema.VERSION}: use the newer oxgate"
            )
        if version == 0:
            schema.metadata.create_all(connection)
            start = {"schema": schema.VERSION, **schema.START}
            connection.execute(schema.meta.insert(), [{"name": name, "value": value} for name, value in start.items()])
            return
        for step in range(version + 1, schema.VERSION + 1):
            for statement in schema.STEPS[step]:
                connection.exec_driver_sql(statement.format_map(schema.SPELLED[connection.dialect.name]))
        changed = {"value": schema.VERSION}
        connection.execute(schema.meta.update().where(schema.meta.c.name == "schema").values(changed))

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection to read from; inside `write`, the connection that writes."""
        current = self._local.connection
        with _mapped():
            if current is not None:
                yield current
                return
            with self.engine.connect() as connection:
                yield connection

    @contextlib.contextmanager
    def write(self, *, quiet: bool = False) -> Iterator[Connection]:
        """Run a transaction that raises the generation; a `write` inside it joins in.

        `quiet` leaves the generation as it is: for what nobody remembers by it.

        Raises:
            DuplicateAddress: a unique key was taken by somebody else meanwhile.
            DirectoryUnavailable: the database is locked, full or gone.
        """
        current = self._local.connection
        with _mapped():
            if current is not None:
                with current.begin_nested():  # a failed change must leave nothing behind in the batch
                    yield current
                return
            with self.engine.connect().execution_options(**WRITES) as connection, connection.begin():
                if not quiet:
                    self.counter(connection, "generation")
                self._local.connection = connection
                try:
                    yield connection
                finally:
                    self._local.connection = None
            if not quiet:
                self._known_at = -1e9

    def counter(self, connection: Connection, name: str) -> int:
        """Raise a counter by one and give the value it had."""
        table = schema.meta
        update = table.update().where(table.c.name == name).values(value=table.c.value + 1).returning(table.c.value)
        return int(connection.execute(update).scalar_one()) - 1

    @property
    def writing(self) -> bool:
        """Whether this thread is inside `write`, where nothing may be cached."""
        return self._local.connection is not None

    def generation(self, within: float = 0.0) -> int:
        """Give the number of changes so far, or what it was at most `within` seconds ago (PostgreSQL: `recheck`).

        To ask costs a few microseconds on SQLite, and a round trip on PostgreSQL. A change that this process made is
        known at once.
        """
        now = time.monotonic()
        if now - self._known_at < max(within, self._recheck):
            return self._known
        self._known = self._read_generation()
        self._known_at = now
        return self._known

    def _read_generation(self) -> int:
        if self._reader is not None:
            try:
                with self._reader_lock:
                    return int(self._reader.execute(_GENERATION).fetchone()[0])
            except (sqlite3.Error, TypeError) as error:
                raise DirectoryUnavailable(f"the directory cannot be read: {error}") from error
        with self.read() as connection:
            select = sqlalchemy.select(schema.meta.c.value).where(schema.meta.c.name == "generation")
            return int(connection.execute(select).scalar_one())

    def close(self) -> None:
        """Let go of every connection."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self.engine.dispose()


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise DuplicateAddress(f"taken by another entry meanwhile: {error.orig}") from error
    except (DBAPIError, SQLAlchemyError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        raise DirectoryUnavailable(f"the directory database does not answer: {cause}") from error


def _sqlite(path: Path) -> Engine:
    if not path.parent.is_dir():
        raise DirectoryUnavailable(f"there is no folder {path.parent}; `oxgate init` makes it")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.R_OK | os.W_OK)):
        raise DirectoryUnavailable(f"{path} cannot be written; give its folder to the user that runs oxgate")
    return sqlite_engine(path)
