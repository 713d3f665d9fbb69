"""Store: mailboxes are made, found, opened and removed here; their databases are kept open within bounds.

A process makes its Store after it was forked. Should it fork with an open Store all the same, the child forgets the
parent's connections and opens its own.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from store import migrate, special, sqlite
from store.blob import BlobStore
from store.engine import Parameters, Publish, Shard, Statement, ignore, insert_statement
from store.errors import AlreadyExists, NotFound, StoreError, Unavailable
from store.folders import ADD, COLUMNS
from store.ids import FIRST_DYNAMIC_ID, MailboxKind, MailboxRef
from store.index import DEFAULT_MEMORY, IndexCache
from store.mailbox import Mailbox, Parts
from store.schema import SCHEMA_VERSION, mailbox, replica
from store.sqlite import SqliteShard

T = TypeVar("T")

_FIRST_DYNAMIC_PROPERTY = 0x9000
_ADD_MAILBOX = insert_statement(
    mailbox,
    "mailbox_id",
    "guid",
    "replguid",
    "mapping_sig",
    "kind",
    "owner_sid",
    "schema_ver",
    "next_id",
    "next_cn",
    "next_item",
    "next_propid",
    "next_uidvalidity",
    "hier_modseq",
    "size",
    "dumpster_size",
    "oof_state",
)
_ADD_REPLICA = insert_statement(replica, "mailbox_id", "replid", "replguid")


@dataclass(frozen=True)
class StoreSettings:
    """Where the store is and what bounds it."""

    root: Path
    """Data directory: mailbox files in `mbx`, large content in `blobs`."""
    url: str | None = None
    """`postgresql://...`; None: SQLite, one file a mailbox."""
    max_open: int = 128
    """Mailbox files (SQLite) or connections (PostgreSQL) open at a time."""
    durable: bool = True
    """False: nothing is synced to disk. For tests only."""
    fsync_delay: float = 0
    """Seconds to sleep at each commit, to imitate a slow disk in a benchmark."""
    max_message: int = 150 << 20
    """Octets of the largest message taken."""
    index_memory: int = DEFAULT_MEMORY
    """Octets of folder indexes kept in memory by a process."""


class Store:
    """All mailboxes of a shard map. Safe for several threads. `publish` runs after a commit, in the thread of it."""

    def __init__(self, settings: StoreSettings, *, publish: Publish = ignore) -> None:
        self.settings = settings
        self.inline = settings.url is None
        """True: calls are short and local, and may run on an event loop. False: use threads."""
        self._publish = publish
        self._lock = threading.RLock()
        self._parts: weakref.WeakValueDictionary[tuple[int, UUID], Parts] = weakref.WeakValueDictionary()
        self._open: dict[SqliteShard, Parts] = {}
        self._indexes = IndexCache(settings.index_memory)
        _stores.add(self)

    # ---------------------------------------------------------------------------------------- making and finding

    def create(self, ref: MailboxRef, kind: MailboxKind, *, owner: str = "") -> None:
        """Make a mailbox and its special folders. Raises AlreadyExists, Unavailable."""
        rows = _first_rows(ref, kind, owner)
        try:
            sqlite.create_file(self.path(ref), rows, durable=self.settings.durable)
        except FileExistsError as error:
            raise AlreadyExists(f"the mailbox {ref.guid} is there already") from error
        except OSError as error:
            raise Unavailable(f"cannot make the mailbox {ref.guid}: {error}") from error

    def remove(self, ref: MailboxRef) -> None:
        """Remove a mailbox with all that is in it. Raises NotFound."""
        with self._lock:
            parts = self._parts.pop((ref.id, ref.guid), None)
            self._indexes.drop(ref.id)
        if parts is not None:
            parts.shard.close()
        try:
            sqlite.remove_file(self.path(ref))
        except FileNotFoundError as error:
            raise NotFound(f"there is no mailbox {ref.guid}") from error
        self._blobs(ref).clear()

    def exists(self, ref: MailboxRef) -> bool:
        """Tell whether there is such a mailbox."""
        return self.path(ref).exists()

    def open(self, ref: MailboxRef, *, as_user: bytes | None = None) -> Mailbox:
        """Give a handle of a mailbox for a principal (None: the owner, with all rights). Raises NotFound."""
        return Mailbox(self._get(ref), as_user)

    def path(self, ref: MailboxRef) -> Path:
        """Give the file of a mailbox: `mbx/<2 hex>/<GUID>.sqlite` below the shard's folder."""
        name = ref.guid.hex
        return self.settings.root / ref.shard / "mbx" / name[:2] / f"{name}.sqlite"

    def shard(self, ref: MailboxRef) -> Shard:
        """Give the database of a mailbox. Raises NotFound."""
        return self._get(ref).shard

    # ------------------------------------------------------------------------------------------------ group commit

    def group(self, ref: MailboxRef, operations: Sequence[Callable[[], T]]) -> list[T | StoreError]:
        """Run operations on one mailbox in one transaction, each in a savepoint, and commit once (decision 0007).

        Gives the results in order; in place of a result, the StoreError of an operation that was undone alone. Any
        other exception of an operation undoes that operation, lets the rest be committed, and is then raised. Raises
        Unavailable when nothing could be committed, and NotFound when there is no such mailbox.
        """
        results: list[T | StoreError] = []
        failure: Exception | None = None
        with self._get(ref).shard.write() as work:
            for operation in operations:
                try:
                    with work.savepoint():
                        results.append(operation())
                except StoreError as error:
                    if isinstance(error, Unavailable):
                        raise
                    results.append(error)
                except Exception as error:
                    failure = error
        if failure is not None:
            raise failure
        return results

    # --------------------------------------------------------------------------------------------------- resources

    def close(self) -> None:
        """Close every database; the store may be used again."""
        with self._lock:
            shards = list(self._open)
            self._open.clear()
        for shard in shards:
            shard.close()

    def close_idle(self, seconds: float) -> int:
        """Close the databases that were not used for some seconds; return how many."""
        limit = time.monotonic() - seconds
        with self._lock:
            idle = [shard for shard in self._open if shard.used <= limit]
        return sum(1 for shard in idle if self._close_free(shard))

    def _close_free(self, shard: SqliteShard) -> bool:
        with self._lock:
            parts = self._open.pop(shard, None)
        if parts is None or shard.close_if_free():
            return True
        with self._lock:
            self._open[shard] = parts
        return False

    def _get(self, ref: MailboxRef) -> Parts:
        key = (ref.id, ref.guid)
        parts = self._parts.get(key)
        if parts is not None:
            return parts
        with self._lock:
            parts = self._parts.get(key)
            if parts is None:
                parts = Parts(
                    ref, self._shard(ref), self._blobs(ref), self._indexes, max_message=self.settings.max_message
                )
                self._parts[key] = parts
        return parts

    def _shard(self, ref: MailboxRef) -> SqliteShard:
        path = self.path(ref)
        if not path.exists():
            raise NotFound(f"there is no mailbox {ref.guid}")
        return SqliteShard(
            path,
            ref,
            publish=self._publish,
            opened=self._opened,
            durable=self.settings.durable,
            commit_delay=self.settings.fsync_delay,
            prepare=migrate.upgrade_file,
        )

    def _blobs(self, ref: MailboxRef) -> BlobStore:
        return BlobStore(self.settings.root / ref.shard / "blobs", ref.guid, durable=self.settings.durable)

    def _opened(self, shard: SqliteShard) -> None:
        """Note that a shard opened a connection, and close the ones that rest longest when there are too many."""
        with self._lock:
            if shard in self._open:
                return
            parts = self._parts.get((shard.ref.id, shard.ref.guid))
            if parts is not None:
                self._open[shard] = parts  # keeps the shard alive as long as it is open
            surplus = len(self._open) - self.settings.max_open
            rest = (
                sorted((one for one in self._open if one is not shard), key=lambda one: one.used) if surplus > 0 else []
            )
        for one in rest:
            if surplus <= 0:
                break
            surplus -= self._close_free(one)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        for shard in list(self._open):
            _abandoned.extend(shard.abandon())
        self._open.clear()
        self._indexes.clear()


def _first_rows(ref: MailboxRef, kind: MailboxKind, owner: str) -> list[tuple[Statement, list[Parameters]]]:
    """Give the rows of a new mailbox: itself, its own replica, its folders."""
    now = int(time.time())
    made = special.folders(ref.id, kind, now)
    replica_guid = secrets.token_bytes(16)
    first = FIRST_DYNAMIC_ID
    row: Parameters = (
        ref.id,
        ref.guid.bytes_le,
        replica_guid,
        secrets.token_bytes(16),
        int(kind),
        owner or None,
        SCHEMA_VERSION,
        first,
        first,
        1,
        _FIRST_DYNAMIC_PROPERTY,
        now + 1,
        first - 1,
        0,
        0,
        0,
    )
    return [
        (_ADD_MAILBOX, [row]),
        (_ADD_REPLICA, [(ref.id, 1, replica_guid)]),
        (ADD, [tuple(values[column] for column in COLUMNS) for values in made]),
    ]


_stores: weakref.WeakSet[Store] = weakref.WeakSet()
_abandoned: list[object] = []
"""Connections of the parent process: closing them here would take away the parent's locks."""


def _after_fork() -> None:
    for store in list(_stores):
        store._after_fork()


os.register_at_fork(after_in_child=_after_fork)
