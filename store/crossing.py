"""Messages on their way from one mailbox to another, whose databases know nothing of each other.

A parcel is all that a message is: its MIME with what was computed of it, its properties if they were ever asked for,
its flags, the names of its keywords, and its date. `pack` makes parcels one after another, so that a transfer holds one
message in memory at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import select

from store import items, keywords, messages, origins
from store.blob import BlobStore
from store.changelog import IN_FOLDER
from store.engine import Reader, Row, Shard, Statement, one_of
from store.errors import Conflict, NotFound
from store.ids import MailboxRef
from store.items import MIME_ONLY
from store.mapi.message import MessageContent, MimeRendition
from store.schema import item, message

CHUNK = 64
"""Messages whose rows are read by one query."""

_ROWS = Statement(
    select(
        *(message.c.uid, message.c.mid, message.c.item_id, message.c.flags, message.c.kw, message.c.idate),
        *(item.c.mime_state, item.c.header_length, item.c.envelope, item.c.bodystructure, item.c.common_header),
        *(item.c.parts, item.c.raw, item.c.raw_id),
    )
    .select_from(
        message.join(item, (item.c.mailbox_id == message.c.mailbox_id) & (item.c.item_id == message.c.item_id))
    )
    .where(*IN_FOLDER, one_of(message.c.uid, "uids"))
    .order_by(message.c.uid),
    "m",
    "f",
    "uids",
)


class Parcel(NamedTuple):
    """A message without a place."""

    uid: int
    """Its UID where it comes from."""
    name: str
    """Of its item ([RFC8474] 5.1)."""
    content: MessageContent | None
    """None: its properties are read from the MIME when they are first asked for."""
    mime: MimeRendition
    flags: int
    keywords: tuple[str, ...]
    internal_date: int


def size(db: Reader, folder_id: int, uids: Sequence[int]) -> tuple[list[int], int]:
    """Give those of some messages that are there, ascending, and their octets together."""
    rows = messages.raw_rows(db, folder_id, uids)
    return [row[0] for row in rows], sum(row[7] for row in rows)


def pack(
    ref: MailboxRef, shard: Shard, blobs: BlobStore, folder_id: int, uids: Sequence[int], *, whole: bool
) -> Iterator[Parcel]:
    """Give the parcels of messages in the order of their UIDs; those that have gone meanwhile are left out.

    With `whole` it is all of them: Conflict when one is not there.
    """
    with shard.read() as db:
        names = keywords.names(db)
    for start in range(0, len(uids), CHUNK):
        chunk = uids[start : start + CHUNK]
        with shard.read() as db:
            rows = db.all(_ROWS, (db.mailbox_id, folder_id, db.array(chunk)))
            kept = origins.read(db, [row[2] for row in rows])
        if whole and len(rows) < len(chunk):
            raise Conflict("a message is there no more")
        for row in rows:
            parcel = _parcel(shard, blobs, row, names, kept.get(row[2]) or origins.name(ref, row[2]))
            if parcel is not None:
                yield parcel
            elif whole:
                raise Conflict(f"message {row[0]} is there no more")


def _parcel(shard: Shard, blobs: BlobStore, row: Row, names: dict[int, str], name: str) -> Parcel | None:
    """Make a parcel of a row; None if the message has gone since the row was read."""
    uid, mid, _, flags, bits, date, state, header_length, envelope, structure, common, parts, raw, raw_id = row
    try:
        with shard.snapshot() as db:
            octets = items.read_content(db, blobs, raw_id) if raw_id is not None else raw
            content = None if state == MIME_ONLY else messages.content(db, blobs, mid)
    except NotFound:
        return None
    mime = MimeRendition(
        raw=octets,
        header_length=header_length,
        envelope=envelope,
        bodystructure=structure,
        parts=parts or b"",
        common_header=common,
    )
    kept = tuple(word for bit, word in names.items() if bits >> bit & 1)
    return Parcel(uid, name, content, mime, flags, kept, date)
