"""The mailbox files of the embedded store: made from a template, found by GUID, kept open within bounds.

Pages of 4 KiB cost a delivery least, because it dirties eight pages and each is written whole: its CPU without the sync
at 4, 8 and 16 KiB is as 1 to 1.2 to 1.3. They also keep an empty mailbox, of some forty B-trees, at 168 KiB.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from threading import get_ident
from time import monotonic
from uuid import UUID

from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.schema import CreateIndex, CreateTable

from store import migrate
from store.engine import Backend, Parameters, Publish, Shard, Statement
from store.errors import AlreadyExists, NotFound, Unavailable
from store.ids import MailboxRef
from store.schema import POSTGRESQL_ONLY, metadata
from store.sqlite import SqliteShard

PAGE_SIZE = 4096
_OLDEST = (3, 38, 0)  # RETURNING, and JSON built in
_GUID = re.compile("[0-9a-f]{32}")


class SqliteFiles(Backend):
    """One file a mailbox: `root/<shard>/mbx/<2 hex>/<GUID>.sqlite`. At most about `max_open` are open at a time."""

    inline = True

    def __init__(self, root: Path, *, publish: Publish, max_open: int, durable: bool, commit_delay: float) -> None:
        if sqlite3.sqlite_version_info < _OLDEST:
            raise Unavailable(f"SQLite {sqlite3.sqlite_version} is too old: {'.'.join(map(str, _OLDEST))} is needed")
        self._root = root
        self._publish = publish
        self._max_open = max_open
        self._durable = durable
        self._commit_delay = commit_delay
        self._lock = threading.RLock()
        self._shards: weakref.WeakValueDictionary[tuple[int, UUID], SqliteShard] = weakref.WeakValueDictionary()
        self._open: set[SqliteShard] = set()

    def path(self, ref: MailboxRef) -> Path:
        """Give the file of a mailbox."""
        name = ref.guid.hex
        return self._root / ref.shard / "mbx" / name[:2] / f"{name}.sqlite"

    def create(self, ref: MailboxRef, rows: Sequence[tuple[Statement, Sequence[Parameters]]]) -> None:
        """See `Backend.create`."""
        try:
            create_file(self.path(ref), rows, durable=self._durable)
        except FileExistsError as error:
            raise AlreadyExists(f"the mailbox {ref.guid} is there already") from error
        except OSError as error:
            raise Unavailable(f"cannot make the mailbox {ref.guid}: {error}") from error

    def remove(self, ref: MailboxRef) -> None:
        """See `Backend.remove`."""
        with self._lock:
            shard = self._shards.pop((ref.id, ref.guid), None)
            if shard is not None:
                self._open.discard(shard)
        if shard is not None:
            shard.close()
        try:
            remove_file(self.path(ref))
        except FileNotFoundError as error:
            raise NotFound(f"there is no mailbox {ref.guid}") from error

    def exists(self, ref: MailboxRef) -> bool:
        """See `Backend.exists`."""
        return self.path(ref).exists()

    def guids(self) -> list[UUID]:
        """See `Backend.guids`: those of all shards."""
        names = {path.stem for pattern in ("mbx", "*/mbx") for path in self._root.glob(f"{pattern}/??/*.sqlite")}
        return sorted(UUID(name) for name in names if _GUID.fullmatch(name))

    def shard(self, ref: MailboxRef) -> Shard:
        """See `Backend.shard`."""
        key = (ref.id, ref.guid)
        with self._lock:
            shard = self._shards.get(key)
            if shard is None:
                path = self.path(ref)
                if not path.exists():
                    raise NotFound(f"there is no mailbox {ref.guid}")
                shard = self._shards[key] = SqliteShard(
                    path,
                    ref,
                    publish=self._publish,
                    opened=self._opened,
                    durable=self._durable,
                    commit_delay=self._commit_delay,
                    prepare=migrate.upgrade_file,
                )
        return shard

    def close(self) -> None:
        """See `Backend.close`."""
        with self._lock:
            shards = list(self._open)
            self._open.clear()
        for shard in shards:
            shard.close()

    def close_idle(self, seconds: float) -> int:
        """See `Backend.close_idle`."""
        limit = monotonic() - seconds
        with self._lock:
            idle = [shard for shard in self._open if shard.used <= limit]
        return sum(1 for shard in idle if self._close_free(shard))

    def forget(self) -> list[object]:
        """See `Backend.forget`."""
        self._lock = threading.RLock()
        kept = [one for shard in list(self._shards.values()) for one in shard.abandon()]
        self._open.clear()
        return kept

    def _opened(self, shard: SqliteShard) -> None:
        """Note that a shard opened a connection; close those that rest longest when there are too many."""
        with self._lock:
            self._open.add(shard)
            surplus = len(self._open) - self._max_open
            if surplus <= 0:
                return
            others = sorted((one for one in self._open if one is not shard), key=lambda one: one.used)
        for one in others:
            if surplus <= 0:
                break
            surplus -= self._close_free(one)

    def _close_free(self, shard: SqliteShard) -> bool:
        with self._lock:
            if shard not in self._open:
                return True
            self._open.remove(shard)
        if shard.close_if_free():
            return True
        with self._lock:
            self._open.add(shard)
        return False


_template: bytes | None = None


def schema_ddl() -> list[str]:
    """The statements that make the tables and indices of an empty mailbox file."""
    dialect = sqlite_dialect.dialect()
    made: list[str] = []
    for table in metadata.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made.extend(
            str(CreateIndex(index).compile(dialect=dialect))
            for index in sorted(table.indexes, key=str)
            if index.name not in POSTGRESQL_ONLY
        )
    return [" ".join(text.split()) for text in made]


# Rows that the planner is to expect: table, index, rows in all, then rows for each longer prefix of the key. A file
# holds one mailbox, so `mailbox_id` selects nothing; without these SQLite takes any first column to select well.
_STATISTICS = (
    ("mailbox", "mailbox", "1 1"),
    ("folder", "folder", "100 100 1"),
    ("folder", "sqlite_autoindex_folder_2", "100 100 10 1"),
    ("folder", "folder_cn", "100 100 1"),
    ("message", "message", "100000 100000 5000 5000 1"),
    ("message", "message_item", "20000 20000 1"),
    ("message", "message_mid", "100000 100000 1"),
    ("message", "message_modseq", "20000 20000 1000 1"),
    ("content", "sqlite_autoindex_content_1", "20000 20000 1"),
    ("content_ref", "content_ref", "20000 20000 1 1 1"),
    ("content_ref", "content_ref_content", "20000 20000 1"),
    ("expunge", "expunge", "20000 20000 1000 1 1 1"),
    ("cal_index", "cal_index", "1000 1000 100 1 1"),
    ("cal_index", "cal_index_remind", "1000 1000 1"),
    ("search_hit", "search_hit", "10000 10000 1000 1"),
    ("search_hit", "search_hit_mid", "10000 10000 2"),
    ("permission", "permission", "100 100 5 1"),
    ("permission", "sqlite_autoindex_permission_2", "100 100 5 1"),
    ("permission", "permission_principal", "100 100 5"),
    ("named_prop", "named_prop", "100 100 1"),
    ("named_prop", "sqlite_autoindex_named_prop_2", "100 100 20 2 1"),
    ("keyword", "keyword", "20 20 1"),
    ("keyword", "sqlite_autoindex_keyword_2", "20 20 1"),
    ("sync_state", "sync_state", "100 100 20 2 1"),
    ("outbox", "outbox", "100 100 1"),
)


def template() -> bytes:
    """The image of a mailbox file with all tables and no rows; made once per process."""
    global _template
    if _template is None:
        with _memory() as connection:
            connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
            connection.execute("BEGIN")
            for statement in schema_ddl():
                connection.execute(statement)
            connection.execute("ANALYZE")
            connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", _STATISTICS)
            connection.execute("COMMIT")
            _template = connection.serialize()
    return _template


def _memory() -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(":memory:", isolation_level=None))


def create_file(path: Path, rows: Sequence[tuple[Statement, Sequence[Parameters]]], *, durable: bool = True) -> None:
    """Make a mailbox file that holds `rows`, whole or not at all. Raises FileExistsError, OSError."""
    with _memory() as connection:
        connection.deserialize(template())
        connection.execute("BEGIN")
        for statement, parameters in rows:
            connection.executemany(statement.sqlite, parameters)
        connection.execute("COMMIT")
        image = bytearray(connection.serialize())
    image[18:20] = b"\2\2"  # file format version 2: the file is in WAL mode from its first opening
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{get_ident()}")
    try:
        with open(temporary, "xb") as file:
            file.write(image)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.link(temporary, path)  # unlike a rename, refuses to replace
    finally:
        temporary.unlink(missing_ok=True)
    if durable:
        sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_file(path: Path) -> None:
    """Remove a mailbox file and what SQLite keeps beside it. Raises FileNotFoundError."""
    path.unlink()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
