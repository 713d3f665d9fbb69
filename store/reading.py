"""Reading MIME into properties, when somebody first asks for them (docs/decisions/0013).

Mail that comes in over a mail protocol is written as MIME alone. What speaks MAPI's language (properties, recipients,
attachments, a search by properties) has the items that it looks at read first; what was read is kept. IMAP and POP3
never need it. That an item was read is no change of the message: it takes no change number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import bindparam, select, update

from store import items
from store.blob import BlobStore
from store.engine import Row, Shard, Statement, Work, one_of
from store.ids import MailboxRef, MessageFlag
from store.mapi.message import MessageContent, MimeRendition
from store.mapi.types import unix_from_filetime
from store.schema import item, message

CHUNK = 64
"""Items read in one transaction, so that many of them do not lock the mailbox for long."""

MimeReader = Callable[[MimeRendition, int | None, MailboxRef], MessageContent]
"""Turns a message into a Message object: its MIME, when it was delivered (Unix seconds, if known), and the mailbox that
it is in. Never raises."""

_WAITING = Statement(
    select(item.c.item_id)
    .where(
        item.c.mailbox_id == bindparam("m"),
        one_of(item.c.item_id, "items"),
        item.c.mime_state == bindparam("state", items.MIME_ONLY),
    )
    .order_by(item.c.item_id),
    "m",
    "items",
)
_OF_MESSAGE = Statement(
    select(message.c.item_id).where(message.c.mailbox_id == bindparam("m"), message.c.mid == bindparam("mid")),
    "m",
    "mid",
)
_MIME = Statement(
    select(
        item.c.item_id,
        item.c.raw,
        item.c.raw_id,
        item.c.header_length,
        item.c.envelope,
        item.c.bodystructure,
        item.c.parts,
        item.c.common_header,
        item.c.delivery_time,
    )
    .where(
        item.c.mailbox_id == bindparam("m"),
        one_of(item.c.item_id, "items"),
        item.c.mime_state == bindparam("state", items.MIME_ONLY),
    )
    .order_by(item.c.item_id),
    "m",
    "items",
)
# Two statements, for the index by item holds only copied and moved messages.
_MARK = tuple(
    Statement(
        update(message)
        .where(message.c.mailbox_id == bindparam("m"), message.c.item_id == bindparam("i"), which)
        .values(flags=message.c.flags.op("|")(bindparam("flag", int(MessageFlag.HAS_ATTACHMENT)))),
        "m",
        "i",
    )
    for which in (message.c.mid == bindparam("i"), message.c.mid != message.c.item_id)
)


def read_items(shard: Shard, blobs: BlobStore, reader: MimeReader | None, item_ids: Iterable[int]) -> None:
    """See to it that the properties of items are there; items that are gone are left out.

    Not to be called inside `shard.read()`, for it may write. Raises Unavailable.
    """
    with shard.read() as db:
        waiting = [row[0] for row in db.all(_WAITING, (db.mailbox_id, db.array(item_ids)))]
    if not waiting:
        return
    if reader is None:
        raise RuntimeError("this store was opened without a MIME reader")
    for start in range(0, len(waiting), CHUNK):
        with shard.write() as work:
            # Those that are gone by now, or that another session has read, are not among the rows.
            for row in work.all(_MIME, (work.mailbox_id, work.array(waiting[start : start + CHUNK]))):
                _read_item(work, blobs, reader, row, shard.ref)


def read_message(shard: Shard, blobs: BlobStore, reader: MimeReader | None, mid: int) -> None:
    """See to it that the properties of the message with a MID are there; nothing happens when there is no such one."""
    with shard.read() as db:
        row = db.one(_OF_MESSAGE, (db.mailbox_id, mid))
    if row is not None:
        read_items(shard, blobs, reader, row)


def _read_item(work: Work, blobs: BlobStore, reader: MimeReader, row: Row, mailbox: MailboxRef) -> None:
    item_id, data, raw_id, header_length, envelope, bodystructure, parts, common_header, delivered = row
    mime = MimeRendition(
        raw=data if raw_id is None else items.read_content(work, blobs, raw_id),
        header_length=header_length,
        envelope=envelope,
        bodystructure=bodystructure,
        parts=parts,
        common_header=common_header,
    )
    content = reader(mime, None if delivered is None else int(unix_from_filetime(delivered)), mailbox)
    items.fill(work, blobs, item_id, content)
    if content.attachments:
        for statement in _MARK:
            work.run(statement, (work.mailbox_id, item_id))
