"""What of a mailbox is read: placements, messages, changes, searches. The half of `Mailbox` that changes nothing."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from store import (
    changelog,
    folders,
    identity,
    items,
    keywords,
    messages,
    reading,
    savedates,
    search,
    sortkeys,
)
from store.changes import Change, FolderRow, MessageRow
from store.foldertree import Remembered
from store.index import FolderIndex
from store.logon import MailboxLogon
from store.mapi.message import MessageContent
from store.mapi.restriction import Restriction
from store.mapi.types import PropertyKey, Value
from store.messages import StaticRow
from store.permissions import Rights
from store.search import Progress, TextReader


class MailboxReading(MailboxLogon):
    """A mailbox as one user reads it; the rights to read are checked here."""

    __slots__ = ()

    def remembered(self, path: tuple[str, ...]) -> Remembered | None:
        """Give a folder as it was a while ago, for what is confirmed by the version of the tree.

        None where nothing is known of it, and where rights have to be asked for.
        """
        return self._trees.remembered(path) if self._who is None else None

    def index(self, folder_id: int) -> FolderIndex:
        """Give the up-to-date arrays of a folder, shared by the sessions of the process. Raises NotFound."""
        self._check(folder_id, Rights.READ_ANY)
        return self._parts.indexes.get(self._shard, folder_id)

    def index_at_hand(self, folder_id: int) -> FolderIndex | None:
        """Give the index if it takes no long reading, else None. Raises NotFound."""
        self._check(folder_id, Rights.READ_ANY)
        return self._parts.indexes.at_hand(self._shard, folder_id)

    def index_standing(self, row: FolderRow) -> FolderIndex | None:
        """Give the index if it is in memory and stands where the folder did when `row` was read. Raises NotFound."""
        self._check(row.id, Rights.READ_ANY)
        return self._parts.indexes.standing(self._shard, row.id, row.modseq, row.uidvalidity)

    def standing(self, folder_id: int) -> tuple[int, int]:
        """Read the modseq and the UIDVALIDITY of a folder, inside a unit of work as it sees them. Raises NotFound."""
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return changelog.state(db, folder_id)[:2]

    def recent_from(self, folder_id: int) -> int:
        """Give the UID from which messages are \\Recent, and leave them to others (EXAMINE, STATUS)."""
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return folders.recent(db, folder_id)[0]

    def rows(self, folder_id: int, uids: Sequence[int] | None = None) -> list[MessageRow]:
        """Read placements in the order of their UIDs; UIDs that are not there are left out."""
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return messages.rows(db, folder_id, uids)

    def statics(self, folder_id: int, uids: Sequence[int]) -> Iterator[StaticRow]:
        """Read what IMAP shows of messages, in the order of their UIDs, one query a chunk."""
        self._check(folder_id, Rights.READ_ANY)
        return messages.statics(self._shard, folder_id, uids)

    def parts(self, item_id: int) -> bytes:
        """Read the packed part table of an item. Raises NotFound."""
        with self._shard.read() as db:
            return messages.parts(db, item_id)

    def raw(self, item_id: int, start: int = 0, length: int | None = None) -> bytes:
        """Read octets [start, start+length) of the MIME of an item. Raises NotFound, Unavailable."""
        with self._shard.read() as db:
            return items.raw(db, self._blobs, item_id, start, length)

    def metadata(self, folder_id: int, uids: Sequence[int], item_ids: Sequence[int] = ()) -> messages.Metadata:
        """Read columns of UID, ENVELOPE and BODYSTRUCTURE of messages, in the order of their UIDs: pass chunks.

        `item_ids` are the items of `uids`, ascending UIDs then, where the caller has them from the folder's index; what
        is read of items side by side for the second time is kept for the next (store.readagain).
        """
        known, guid = self._parts.read_again, self.ref.guid
        if item_ids and isinstance(item_ids, array):
            run = known.get(guid, item_ids)
            if run is not None:
                self._check(folder_id, Rights.READ_ANY)
                return uids, run.envelopes, run.structures
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return messages.metadata(db, folder_id, uids, item_ids, lambda run: known.offer(guid, run))

    def common_headers(self, folder_id: int, uids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Read UID and common header lines of messages, in the order of their UIDs, by one query: pass chunks."""
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return cast("list[tuple[int, bytes]]", messages.common_headers(db, folder_id, uids))

    def save_dates(self, folder_id: int, uids: Sequence[int]) -> list[tuple[int, int]]:
        """Read UID and when it came into the folder (Unix seconds) of messages, in the order of their UIDs."""
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return messages.save_dates(db, folder_id, uids)

    def saved_between(self, folder_id: int, first: int, end: int) -> list[int]:
        """Read the UIDs of messages saved in a folder from `first` up to `end`, not included, in Unix seconds."""
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return savedates.saved_between(db, folder_id, first, end)

    def item_headers(self, item_ids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Read item and common header lines of items with ascending numbers, by one query: pass chunks."""
        with self._shard.read() as db:
            return sortkeys.headers(db, item_ids)

    def raw_many(self, folder_id: int, uids: Sequence[int]) -> Iterator[tuple[int, int, bytes]]:
        """Read the MIME of messages, in the order of their UIDs: UID, item and octets."""
        return (row[:3] for row in self.raw_with_parts(folder_id, uids))

    def raw_with_parts(self, folder_id: int, uids: Sequence[int]) -> Iterator[tuple[int, int, bytes, bytes]]:
        """Read the MIME and the part tables of messages, in the order of their UIDs: UID, item, octets, table."""
        self._check(folder_id, Rights.READ_ANY)
        return messages.raw_many(self._shard, self._blobs, folder_id, uids)

    def replica_guid(self) -> bytes:
        """Read the 16 octets that name the mailbox for its life, also after a backup was put back."""
        with self._shard.read() as db:
            return identity.replica_guid(db)

    def changes_since(self, folder_id: int, cn: int, *, most: int | None = None) -> tuple[int, list[Change]]:
        """Give the folder's modseq and what happened after `cn`: the vanished first, then the others by UID.

        With `most` it is the first changes, that many of each kind, and the change number that they reach up to.
        """
        with self._shard.read() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            modseq = changelog.state(db, folder_id)[0]
        if modseq <= cn:
            return modseq, []
        with self._shard.snapshot() as db:
            return changelog.changes_since(db, folder_id, cn, most=most)

    def vanished_since(self, folder_id: int, modseq: int) -> list[range]:
        """Give the UIDs that vanished after `modseq` as runs, ascending ([RFC7162] 3.2.10.2)."""
        with self._shard.snapshot() as db:
            self._need(db, folder_id, Rights.READ_ANY)
            return changelog.vanished_since(db, folder_id, modseq)

    def keyword_names(self) -> dict[int, str]:
        """Read the keyword registry: bit number to name."""
        with self._shard.read() as db:
            return keywords.names(db)

    def properties(self, mid: int, tags: Iterable[PropertyKey] | None = None) -> dict[PropertyKey, Value]:
        """Read the properties of a message, all or those of `tags` that it has. Raises NotFound."""
        reading.read_message(self._shard, self._blobs, self._parts.reader, mid)
        with self._shard.read() as db:
            return messages.properties(db, mid, tags)

    def content(self, mid: int) -> MessageContent:
        """Read a message as a value; attachment data that are slices of the MIME stay slices. Raises NotFound."""
        reading.read_message(self._shard, self._blobs, self._parts.reader, mid)
        with self._shard.snapshot() as db:
            return messages.content(db, self._blobs, mid)

    def find(
        self,
        folder_id: int,
        restriction: Restriction,
        *,
        uids: Sequence[int] | None = None,
        text: TextReader,
        progress: Progress | None = None,
    ) -> list[int]:
        """Give the UIDs of the messages that meet a restriction, ascending; of `uids` only when given.

        `text` turns MIME into decoded header fields and text. `progress(done, total)` is called in this thread while
        messages are read, and ends the search by raising. Raises NotFound, TooLarge (the restriction).
        """
        index = self.index(folder_id)
        parts = self._parts
        return search.find(
            self._shard,
            self._blobs,
            index,
            restriction,
            uids=uids,
            text=text,
            reader=parts.reader,
            texts=parts.text_index if parts.texts.enabled else None,
            progress=progress,
        )
