"""Items: the content of messages, written once at delivery and freed when no placement names it.

The MIME of a message is kept as it came. Up to INLINE octets stand in the item's own row; more are a `content` row, one
for equal octets of a mailbox; more than EXTERNAL octets are a file (store.blob). Nothing is compressed: zlib at level 1
costs 75 microseconds of CPU for 4 KB and 2 ms for 100 KB, several times what writing the octets costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Integer, bindparam, delete, exists, func, select, update

from store import attachments, namedprops, origins, previews
from store.blob import BlobStore
from store.engine import Reader, Statement, Work, insert_statement, one_of
from store.errors import NotFound
from store.mapi import tags
from store.mapi.bag import encode_bag, encode_recipients
from store.mapi.message import MessageContent, MimeRendition, RecipientRow
from store.mapi.types import PropertyBag, Value
from store.schema import content, content_ref, item, message

INLINE = 8 << 10
EXTERNAL = 256 << 10

ROLE_RAW = 0
ROLE_ATTACHMENT = 16
"""Plus the number of the attachment whose data the content is."""

MIME_ORIGINAL = 0
"""`item.mime_state`: the MIME is what arrived, and is served unchanged for ever (docs/decisions/0009)."""
MIME_ONLY = 1
"""The same, and its properties were not asked for yet: they are made by store.reading (docs/decisions/0013)."""

_KEY_LENGTH = 255
_ORDINARY_CLASS = "IPM.Note"
_CODEC_PLAIN = 0

_READ_COLUMNS = (
    *("class", "delivery_time", "submit_time", "search_key", "subject_key", "sender_key", "to_key"),
    *("conv_id", "msgid_hash", "mapi_flags", "has_attach", "props", "recips", "atts"),
)
"""What is made of a message's properties, recipients and attachments."""
_MIME_COLUMNS = (
    *("raw_id", "raw_len", "mime_state", "header_length"),
    *("envelope", "bodystructure", "common_header", "parts", "raw"),
)
_ADD_READ = insert_statement(item, "mailbox_id", "item_id", *_READ_COLUMNS, *_MIME_COLUMNS)
_ADD_MIME_ONLY = insert_statement(
    item,
    *("mailbox_id", "item_id", "class", "delivery_time", "mapi_flags", "has_attach", "props"),
    *_MIME_COLUMNS,
)
_FILL = Statement(
    update(item)
    .where(item.c.mailbox_id == bindparam("m"), item.c.item_id == bindparam("i"))
    .values({name: bindparam(f"{name}_") for name in _READ_COLUMNS} | {"mime_state": MIME_ORIGINAL}),
    "m",
    "i",
    *(f"{name}_" for name in _READ_COLUMNS),
)
_ADD_CONTENT = insert_statement(content, "mailbox_id", "content_id", "sha256", "size", "codec", "extern", "data")
_ADD_REF = insert_statement(content_ref, "mailbox_id", "item_id", "content_id", "role")
_FIND_CONTENT = Statement(
    select(content.c.content_id).where(content.c.mailbox_id == bindparam("m"), content.c.sha256 == bindparam("digest")),
    "m",
    "digest",
)
_RAW = Statement(
    select(item.c.raw, item.c.raw_id, item.c.raw_len).where(
        item.c.mailbox_id == bindparam("m"), item.c.item_id == bindparam("i")
    ),
    "m",
    "i",
)
_CONTENT = Statement(
    select(content.c.data, content.c.extern).where(
        content.c.mailbox_id == bindparam("m"), content.c.content_id == bindparam("c")
    ),
    "m",
    "c",
)
_CONTENT_PART = Statement(
    select(
        func.substr(content.c.data, bindparam("start", type_=Integer), bindparam("length", type_=Integer)),
        content.c.extern,
    ).where(content.c.mailbox_id == bindparam("m"), content.c.content_id == bindparam("c")),
    "m",
    "c",
    "start",
    "length",
)
_UNPLACED = Statement(
    select(item.c.item_id).where(
        item.c.mailbox_id == bindparam("m"),
        one_of(item.c.item_id, "items"),
        ~exists().where(
            message.c.mailbox_id == bindparam("m"),
            message.c.mid == item.c.item_id,
            message.c.item_id == item.c.item_id,
        ),
        ~exists().where(
            message.c.mailbox_id == bindparam("m"),
            message.c.item_id == item.c.item_id,
            message.c.mid != message.c.item_id,
        ),
    ),
    "m",
    "items",
)
_REFERENCES = Statement(
    select(content_ref.c.content_id)
    .distinct()
    .where(content_ref.c.mailbox_id == bindparam("m"), one_of(content_ref.c.item_id, "items")),
    "m",
    "items",
)
_DELETE_REFERENCES = Statement(
    delete(content_ref).where(content_ref.c.mailbox_id == bindparam("m"), one_of(content_ref.c.item_id, "items")),
    "m",
    "items",
)
_DELETE_ITEMS = Statement(
    delete(item).where(item.c.mailbox_id == bindparam("m"), one_of(item.c.item_id, "items")), "m", "items"
)
_DELETE_CONTENT = Statement(
    delete(content)
    .where(
        content.c.mailbox_id == bindparam("m"),
        one_of(content.c.content_id, "contents"),
        ~exists().where(content_ref.c.mailbox_id == bindparam("m"), content_ref.c.content_id == content.c.content_id),
    )
    .returning(content.c.extern),
    "m",
    "contents",
)


class Prepared(NamedTuple):
    """Large octets made ready before the mailbox is locked: a file is durable already, if one is needed."""

    data: bytes
    digest: bytes
    key: str | None


def prepare(blobs: BlobStore, data: bytes) -> Prepared | None:
    """Make octets ready to be kept apart from the item's row; None when they are few. Raises Unavailable."""
    if len(data) <= INLINE:
        return None
    return Prepared(data, sha256(data).digest(), blobs.put(data) if len(data) > EXTERNAL else None)


def keep(work: Work, blobs: BlobStore, prepared: Prepared) -> int:
    """Find or make the content row of some octets; return its identifier. The caller adds the reference."""
    found = work.one(_FIND_CONTENT, (work.mailbox_id, prepared.digest))
    key = prepared.key
    if found is not None:
        if key is not None:
            blobs.remove([key])
        return int(found[0])
    content_id = work.allocate(items=1).item
    data = prepared.data if key is None else None
    work.run(
        _ADD_CONTENT,
        (work.mailbox_id, content_id, prepared.digest, len(prepared.data), _CODEC_PLAIN, key, data),
    )
    return content_id


def add(
    work: Work,
    blobs: BlobStore,
    item_id: int,
    message_content: MessageContent | None,
    mime: MimeRendition,
    prepared: Prepared | None,
    delivered: int,
) -> None:
    """Write an item: its MIME, and its properties, recipients and attachments unless they are left for later.

    `delivered` is the FILETIME of a message whose properties do not say when it came.
    """
    m = work.mailbox_id
    raw_id = None if prepared is None else keep(work, blobs, prepared)
    stored = (
        raw_id,
        len(mime.raw),
        MIME_ONLY if message_content is None else MIME_ORIGINAL,
        mime.header_length,
        mime.envelope,
        mime.bodystructure,
        mime.common_header,
        mime.parts,
        mime.raw if prepared is None else None,
    )
    if message_content is None:
        work.run(_ADD_MIME_ONLY, (m, item_id, _ORDINARY_CLASS, delivered, 0, 0, b"", *stored))
    else:
        values, large = _read_values(work, message_content)
        work.run(_ADD_READ, (m, item_id, *values, *stored))
        _keep_attachments(work, blobs, item_id, large)
    if raw_id is not None:
        work.run(_ADD_REF, (m, item_id, raw_id, ROLE_RAW))


def fill(work: Work, blobs: BlobStore, item_id: int, message_content: MessageContent) -> None:
    """Write the properties, recipients and attachments of an item that has none yet."""
    values, large = _read_values(work, message_content)
    work.run(_FILL, (work.mailbox_id, item_id, *values))
    _keep_attachments(work, blobs, item_id, large)


def _read_values(work: Work, message_content: MessageContent) -> tuple[tuple[Any, ...], list[tuple[int, bytes]]]:
    """Give the values of _READ_COLUMNS, and by number the data of attachments that need a content row."""
    bag = message_content.properties
    properties = namedprops.number(work, bag)
    recipients = [
        RecipientRow(row.type, attachments.number(work, row.properties)) for row in message_content.recipients
    ]
    encoded, large = attachments.encode(work, message_content.attachments)
    get = bag.get
    values = (
        _text(get(tags.PidTagMessageClass)) or _ORDINARY_CLASS,
        _number(get(tags.PidTagMessageDeliveryTime)),
        _number(get(tags.PidTagClientSubmitTime)),
        _octets(get(tags.PidTagSearchKey)),
        _key(get(tags.PidTagNormalizedSubject)),
        _key(get(tags.PidTagSentRepresentingName) or get(tags.PidTagSenderName)),
        _key(get(tags.PidTagDisplayTo)),
        conversation(bag),
        message_id_hash(get(tags.PidTagInternetMessageId)),
        _number(get(tags.PidTagMessageFlags)) or 0,
        1 if message_content.attachments else 0,
        encode_bag(properties),
        encode_recipients(recipients) if recipients else None,
        encoded,
    )
    return values, large


def _keep_attachments(work: Work, blobs: BlobStore, item_id: int, large: list[tuple[int, bytes]]) -> None:
    for number, data in large:
        ready = Prepared(data, sha256(data).digest(), blobs.put(data) if len(data) > EXTERNAL else None)
        work.run(_ADD_REF, (work.mailbox_id, item_id, keep(work, blobs, ready), ROLE_ATTACHMENT + number))


def raw(db: Reader, blobs: BlobStore, item_id: int, start: int = 0, length: int | None = None) -> bytes:
    """Read octets [start, start+length) of the MIME of an item, to its end without a length. Raises NotFound."""
    row = db.one(_RAW, (db.mailbox_id, item_id))
    if row is None:
        raise NotFound(f"there is no item {item_id}")
    data, raw_id, size = row
    if raw_id is None:
        kept: bytes = data
        if start == 0 and (length is None or length >= size):
            return kept
        return kept[start:] if length is None else kept[start : start + length]
    return read_content(db, blobs, raw_id, start, length)


def read_content(db: Reader, blobs: BlobStore, content_id: int, start: int = 0, length: int | None = None) -> bytes:
    """Read octets [start, start+length) of a content row, to its end without a length. Raises NotFound, Unavailable."""
    if start == 0 and length is None:
        row = db.one(_CONTENT, (db.mailbox_id, content_id))
    else:
        wanted = (1 << 30) if length is None else length
        row = db.one(_CONTENT_PART, (db.mailbox_id, content_id, start + 1, wanted))
    if row is None:
        raise NotFound(f"there is no content {content_id}")
    data, extern = row
    if extern is not None:
        return blobs.get(extern, start, length)
    return bytes(data)


def free(work: Work, blobs: BlobStore, item_ids: Sequence[int]) -> None:
    """Remove those of the items that no placement names, and the content that nothing refers to any more.

    Files go after the commit: until then the rows that name them are there.
    """
    m = work.mailbox_id
    items = [row[0] for row in work.all(_UNPLACED, (m, work.array(item_ids)))]
    if not items:
        return
    chosen = work.array(items)
    contents = [row[0] for row in work.all(_REFERENCES, (m, chosen))]
    work.run(_DELETE_ITEMS, (m, chosen))
    previews.forget(work, items)
    origins.forget(work, items)
    if not contents:
        return
    work.run(_DELETE_REFERENCES, (m, chosen))
    files = [row[0] for row in work.all(_DELETE_CONTENT, (m, work.array(contents))) if row[0] is not None]
    if files:
        work.after_commit(lambda: blobs.remove(files))


def conversation(bag: PropertyBag) -> bytes | None:
    """Derive PidTagConversationId: the conversation index, else the topic ([MS-OXOMSG] 2.2.1.2)."""
    given = bag.get(tags.PidTagConversationId)
    if isinstance(given, bytes) and len(given) == 16:
        return given
    index = bag.get(tags.PidTagConversationIndex)
    if isinstance(index, bytes) and len(index) >= 22:
        return index[6:22]
    topic = bag.get(tags.PidTagConversationTopic)
    if isinstance(topic, str) and topic:
        return sha256(topic.upper().encode("utf-16-le", "surrogatepass")).digest()[:16]
    return None


def message_id_hash(value: Value | None) -> int | None:
    """Give the number under which a Message-ID is found: 64 bits of its SHA-256, signed."""
    if not isinstance(value, str) or not value:
        return None
    return int.from_bytes(sha256(value.encode("utf-8", "surrogatepass")).digest()[:8], "big", signed=True)


def _key(value: Value | None) -> str | None:
    return _storable(value[:_KEY_LENGTH].casefold()[:_KEY_LENGTH]) if isinstance(value, str) else None


def _text(value: Value | None) -> str | None:
    return _storable(value) if isinstance(value, str) else None


def _storable(text: str) -> str:
    """Replace what a text column cannot hold: NUL (PostgreSQL) and lone surrogates."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd")


def _number(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None


def _octets(value: Value | None) -> bytes | None:
    return value if isinstance(value, bytes) else None
