"""The delivery spool: messages that were accepted and still have to reach a mailbox.

A row is one message for one mailbox. `add` is durable when it returns (SQLite with synchronous FULL, PostgreSQL with
its commit), so the sender may be told 250. A worker leases the rows whose time has come; when it dies the lease runs
out and another worker takes them. A row leaves only by `done`, so a delivery may happen twice after a crash, and never
not at all.

The octets of a message stand once, however many mailboxes wait for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Engine,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    delete,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from store.errors import NotFound, Unavailable

MAX_LEASED: Final = 64 << 20
"""Octets of messages that one `due` hands out, so that a worker's memory stays bounded; one message at least."""
MAX_ERROR: Final = 1000
NEVER: Final = 253_402_300_799.0
"""When a row is due that was given up: the end of the year 9999. It is kept for the administrator."""
_BUSY_MILLISECONDS: Final = 10_000

_metadata = MetaData()
_content = Table(
    "spool_content",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)
_row = Table(
    "spool_row",
    _metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("reverse_path", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created", Double, nullable=False),
    Column("due", Double, nullable=False),
    Column("lease", Double, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
)
Index("spool_row_due", _row.c.due)
Index("spool_row_digest", _row.c.digest)


@dataclass(frozen=True, slots=True)
class SpoolRow:
    """One message for one mailbox, leased to the caller."""

    id: int
    reverse_path: str
    recipient: str
    raw: bytes
    attempts: int
    created: float
    """Unix seconds."""


class SpoolEntry(NamedTuple):
    """One message for one mailbox as an administrator sees it."""

    id: int
    reverse_path: str
    recipient: str
    size: int
    created: float
    """Unix seconds, as are the next two."""
    due: float
    leased_until: float
    attempts: int
    error: str
    """Why the last attempt failed; empty before the first."""


class Spool:
    """The spool of an installation: an SQLite file, or tables in a PostgreSQL database. Safe for several threads.

    Made after a fork, never carried over one. Every call raises Unavailable when the database is locked, full or gone.
    """

    def __init__(self, location: Path | str) -> None:
        """Open the spool at a file's path, or at a `postgresql://` URL, and make its tables. Raises Unavailable."""
        self._engine = _engine(location)
        with _translated():
            self._create()

    def _create(self) -> None:
        # Workers that start together may both find no tables; one of them then finds them made.
        try:
            _metadata.create_all(self._engine)
        except (IntegrityError, ProgrammingError, OperationalError):
            _metadata.create_all(self._engine)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def add(self, reverse_path: str, recipient: str, raw: bytes, due: float, *, now: float | None = None) -> int:
        """Keep a message for a mailbox until it is `done`; to be tried at `due` (Unix seconds). Return its number."""
        digest = sha256(raw).digest()
        with self._transaction() as connection:
            self._keep(connection, digest, raw)
            values = {
                "reverse_path": _text(reverse_path),
                "recipient": _text(recipient),
                "digest": digest,
                "size": len(raw),
                "created": due if now is None else now,
                "due": due,
                "lease": 0.0,
                "attempts": 0,
                "error": "",
            }
            made = connection.execute(insert(_row).values(values).returning(_row.c.id)).scalar_one()
        return int(made)

    def _keep(self, connection: Connection, digest: bytes, raw: bytes) -> None:
        """Write the octets unless they are there; either way their row is locked until the commit (see `done`)."""
        values = {"digest": digest, "size": len(raw), "raw": raw}
        if connection.dialect.name == "sqlite":
            connection.execute(sqlite.insert(_content).values(values).on_conflict_do_nothing())
        else:
            added = postgresql.insert(_content).values(values)
            connection.execute(added.on_conflict_do_update(index_elements=["digest"], set_={"size": len(raw)}))

    def due(self, now: float, limit: int, lease: float) -> list[SpoolRow]:
        """Take up to `limit` rows whose time has come, oldest first, hidden from others for `lease` seconds."""
        waiting = (
            select(_row.c.id, _row.c.size)
            .where(_row.c.due <= now, _row.c.lease <= now)
            .order_by(_row.c.due, _row.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self._transaction() as connection:
            chosen: list[int] = []
            total = 0
            for number, size in connection.execute(waiting):
                total += size
                if chosen and total > MAX_LEASED:
                    break
                chosen.append(number)
            if not chosen:
                return []
            connection.execute(update(_row).where(_row.c.id.in_(chosen)).values(lease=now + lease))
            leased = (
                select(
                    *(_row.c.id, _row.c.reverse_path, _row.c.recipient, _content.c.raw),
                    *(_row.c.attempts, _row.c.created),
                )
                .join_from(_row, _content, _row.c.digest == _content.c.digest)
                .where(_row.c.id.in_(chosen))
                .order_by(_row.c.due, _row.c.id)
            )
            return [
                SpoolRow(number, path, to, bytes(raw), tries, created)
                for number, path, to, raw, tries, created in connection.execute(leased)
            ]

    def done(self, row_id: int) -> None:
        """Forget a row, and the octets when no other row needs them. Nothing happens when it is gone already."""
        with self._transaction() as connection:
            digest = connection.execute(delete(_row).where(_row.c.id == row_id).returning(_row.c.digest)).scalar()
            if digest is None:
                return
            # The lock comes first and the look for other rows after it, in a statement of its own: an `add` of the
            # same octets is then either seen, or waits and writes them anew.
            connection.execute(select(_content.c.digest).where(_content.c.digest == digest).with_for_update())
            others = select(_row.c.id).where(_row.c.digest == digest).exists()
            connection.execute(delete(_content).where(_content.c.digest == digest, ~others))

    def retry(self, row_id: int, due: float, error: str) -> None:
        """End the lease of a row and try it again at `due`. Nothing happens when it is gone already."""
        with self._transaction() as connection:
            connection.execute(
                update(_row)
                .where(_row.c.id == row_id)
                .values(due=due, lease=0.0, attempts=_row.c.attempts + 1, error=_text(error)[:MAX_ERROR])
            )

    def list(self, limit: int = 1000) -> list[SpoolEntry]:
        """Give the rows, the next due first."""
        columns = (
            *(_row.c.id, _row.c.reverse_path, _row.c.recipient, _row.c.size, _row.c.created),
            *(_row.c.due, _row.c.lease, _row.c.attempts, _row.c.error),
        )
        with self._transaction() as connection:
            found = connection.execute(select(*columns).order_by(_row.c.due, _row.c.id).limit(limit))
            return [SpoolEntry(*row) for row in found]

    def read(self, row_id: int) -> bytes:
        """Give the octets of a row. Raises NotFound."""
        with self._transaction() as connection:
            raw = connection.execute(
                select(_content.c.raw)
                .join_from(_row, _content, _row.c.digest == _content.c.digest)
                .where(_row.c.id == row_id)
            ).scalar()
        if raw is None:
            raise NotFound(f"there is no spool row {row_id}")
        return bytes(raw)

    def count(self) -> int:
        """Give the number of rows."""
        with self._transaction() as connection:
            return int(connection.execute(select(func.count()).select_from(_row)).scalar_one())

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with _translated(), self._engine.begin() as connection:
            yield connection


def _text(value: str) -> str:
    """Make a text that every database takes: no NUL, no lone surrogate."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        raise Unavailable(f"the spool: {error}") from error


def _engine(location: Path | str) -> Engine:
    if isinstance(location, str) and location.startswith(("postgresql:", "postgres:")):
        url = "postgresql+psycopg:" + location.split(":", 1)[1]
        return create_engine(url, pool_size=1, max_overflow=4, pool_pre_ping=True)
    engine = create_engine(f"sqlite:///{Path(location)}", poolclass=NullPool, connect_args={"timeout": 10})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says
    for setting in (
        f"busy_timeout = {_BUSY_MILLISECONDS}",
        "journal_mode = WAL",
        "synchronous = FULL",
    ):
        connection.execute(f"PRAGMA {setting}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
