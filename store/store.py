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

from store import fsck, indexcache, special, textindexbuild
from store.blob import BlobStore
from store.engine import Backend, Busy, Parameters, Publish, Shard, Statement, ignore, insert_statement
from store.errors import Unavailable
from store.folders import ADD, COLUMNS
from store.fsck import Finding
from store.ids import FIRST_DYNAMIC_ID, MailboxKind, MailboxRef
from store.indexcache import DEFAULT_MEMORY, IndexCache
from store.indexfile import IndexFiles
from store.mailbox import Mailbox, Parts
from store.permissions import Who
from store.readagain import MEMORY, ReadAgain
from store.reading import MimeReader
from store.schema import SCHEMA_VERSION, mailbox, replica
from store.sqlitefiles import SqliteFiles
from store.textindex import BATCH, SEARCHED, UNUSED, TextIndex, TextIndexes

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
    metadata_memory: int = MEMORY
    """Octets of ready ENVELOPE and BODYSTRUCTURE kept in memory by a process."""
    text_index: str = SEARCHED
    """Which mailboxes have a full-text index: "searched", "always", "never"."""
    index_after: int = BATCH
    """Messages that come in before a full-text index is brought up to date."""
    index_unused: float = UNUSED
    """Seconds without a search of texts after which a mailbox has a full-text index no more."""


class Store:
    """All mailboxes of a shard map. Safe for several threads. `publish` runs after a commit, in the thread of it.

    `reader` makes properties of MIME; without one only messages that bring their properties can be delivered.
    """

    def __init__(self, settings: StoreSettings, *, publish: Publish = ignore, reader: MimeReader | None = None) -> None:
        self.settings = settings
        self._reader = reader
        self._backend = _backend(settings, publish)
        self.inline = self._backend.inline
        """True: calls are short and local, and may run on an event loop. False: use threads."""
        self._lock = threading.RLock()
        self._parts: weakref.WeakValueDictionary[tuple[int, UUID], Parts] = weakref.WeakValueDictionary()
        self._index_files = IndexFiles(settings.root)
        self._indexes = IndexCache(settings.index_memory, self._index_files)
        self._read_again = ReadAgain(settings.metadata_memory)
        self.texts = TextIndexes(
            settings.root,
            policy=settings.text_index,
            unused=settings.index_unused,
            durable=settings.durable,
            batch=settings.index_after,
        )
        """The full-text indexes, and which of them are behind."""
        _stores.add(self)

    # ---------------------------------------------------------------------------------------- making and finding

    def create(self, ref: MailboxRef, kind: MailboxKind, *, owner: str = "") -> None:
        """Make a mailbox and its special folders. Raises AlreadyExists, Unavailable."""
        self._backend.create(ref, _first_rows(ref, kind, owner))

    def remove(self, ref: MailboxRef) -> None:
        """Remove a mailbox with all that is in it. Raises NotFound, Unavailable."""
        with self._lock:
            self._parts.pop((ref.id, ref.guid), None)
        self._backend.remove(ref)
        self._indexes.drop(ref.id)
        self._read_again.drop(ref.guid)
        self._index_files.remove(ref)
        self.texts.remove(ref)
        self._blobs(ref).clear()

    def exists(self, ref: MailboxRef) -> bool:
        """Tell whether there is such a mailbox."""
        return self._backend.exists(ref)

    def open(self, ref: MailboxRef, *, as_user: Who = None) -> Mailbox:
        """Give a handle of a mailbox for a principal, alone or with the groups that it belongs to. Raises NotFound.

        None is the owner, who has all rights.
        """
        return Mailbox(self._get(ref), as_user)

    def shard(self, ref: MailboxRef) -> Shard:
        """Give the database of a mailbox. Raises NotFound."""
        return self._get(ref).shard

    # ------------------------------------------------------------------------------------------------ group commit

    def group(
        self, ref: MailboxRef, operations: Sequence[Callable[[], T]], *, wait: bool = True
    ) -> list[T | Exception]:
        """Run operations on one mailbox in one transaction, each in a savepoint, and commit once (decision 0007).

        Gives the results in order; in place of a result, the exception of an operation that was undone alone, be it a
        StoreError or a defect: what is raised is about the operations all together. Raises Unavailable when nothing
        could be committed, and NotFound when there is no such mailbox; without `wait` Busy, before anything was run,
        when another is changing the mailbox.
        """
        shard = self._get(ref).shard
        if len(operations) == 1:
            try:
                with shard.write(wait=wait):
                    return [operations[0]()]
            except Unavailable:
                raise
            except Exception as error:
                return [error]
        results: list[T | Exception] = []
        with shard.write(wait=wait) as work:
            for operation in operations:
                try:
                    with work.savepoint():
                        results.append(operation())
                except Unavailable:
                    raise
                except Exception as error:
                    results.append(error)
        return results

    def attempt(self, ref: MailboxRef, operations: Sequence[Callable[[], T]]) -> list[T | Exception] | None:
        """Do as `group` does, or give None at once, with nothing done, when another is changing the mailbox."""
        try:
            return self.group(ref, operations, wait=False)
        except Busy:
            return None

    # --------------------------------------------------------------------------------------------------- resources

    def close(self) -> None:
        """Close every database, once the snapshots asked for are written; the store may be used again."""
        self._index_files.settle()
        self._read_again.clear()
        self._backend.close()

    def close_idle(self, seconds: float) -> int:
        """Close the databases that were not used for some seconds, and forget such metadata; return how many."""
        self._read_again.rest(seconds)
        return self._backend.close_idle(seconds)

    def fsck(self, ref: MailboxRef, *, repair: bool = False, thorough: bool = False) -> list[Finding]:
        """Check the invariants of a mailbox; `repair` mends what can be, `thorough` reads all content too.

        Raises NotFound, Unavailable.
        """
        parts = self._get(ref)
        try:
            found = fsck.check(parts.shard, parts.blobs, repair=repair, thorough=thorough)
            if thorough:
                found += textindexbuild.check(parts.text_index, repair=repair)
                found += indexcache.check(parts.shard, self._index_files, ref, repair=repair)
            return found
        finally:
            if repair:
                self._indexes.drop(ref.id)
                self._index_files.remove(ref)
                self._read_again.drop(ref.guid)

    def text_index(self, ref: MailboxRef) -> TextIndex:
        """Give the full-text index of a mailbox. Raises NotFound."""
        return self._get(ref).text_index

    def guids(self) -> list[UUID]:
        """Give the GUIDs of the mailboxes that are there, whoever owns them. Raises Unavailable."""
        return self._backend.guids()

    def _get(self, ref: MailboxRef) -> Parts:
        key = (ref.id, ref.guid)
        parts = self._parts.get(key)
        if parts is not None:
            return parts
        shard = self._backend.shard(ref)
        with self._lock:
            parts = self._parts.get(key)
            if parts is None:
                parts = self._parts[key] = Parts(
                    ref,
                    shard,
                    self._blobs(ref),
                    self._indexes,
                    max_message=self.settings.max_message,
                    reader=self._reader,
                    texts=self.texts,
                    read_again=self._read_again,
                )
                shard.keep(parts)
        return parts

    def _blobs(self, ref: MailboxRef) -> BlobStore:
        return BlobStore(self.settings.root / ref.shard / "blobs", ref.guid, durable=self.settings.durable)

    def _after_fork(self) -> None:
        self._lock = threading.RLock()
        _abandoned.extend(self._backend.forget())
        self._indexes.clear()
        self._read_again.clear()
        self.texts.after_fork()


def _backend(settings: StoreSettings, publish: Publish) -> Backend:
    if settings.url is None:
        return SqliteFiles(
            settings.root,
            publish=publish,
            max_open=settings.max_open,
            durable=settings.durable,
            commit_delay=settings.fsync_delay,
        )
    from store.postgres import PostgresDatabase  # the driver is loaded only where it is used

    return PostgresDatabase(
        settings.url, publish=publish, max_open=settings.max_open, commit_delay=settings.fsync_delay
    )


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
