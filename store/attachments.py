"""Attachment data: a view into the message's MIME, or content of its own ([MS-OXCMSG] 2.2.2).

What came as MIME keeps no second copy: the data of its attachments are slices of the original, still in their transfer
encoding. Data that came as octets stand in `item.atts` when they are few, else in a content row whose reference bears
the number of the attachment.
"""

from __future__ import annotations

import binascii
import quopri
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from sqlalchemy import bindparam, select

from store import namedprops
from store.engine import Reader, Statement, Work
from store.mapi.bag import decode_attachments, encode_attachments
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow
from store.mapi.types import PropertyBag, PropertyTag, Value
from store.schema import content_ref

INLINE_DATA = 4 << 10
MAX_LARGE = 32_000
"""Attachments beyond this number keep their data in the row: the reference has no room for the number."""
_ROLE_ATTACHMENT = 16

_REFERENCES = Statement(
    select(content_ref.c.role, content_ref.c.content_id).where(
        content_ref.c.mailbox_id == bindparam("m"),
        content_ref.c.item_id == bindparam("i"),
        content_ref.c.role >= _ROLE_ATTACHMENT,
    ),
    "m",
    "i",
)


def number(work: Work, bag: PropertyBag) -> PropertyBag:
    """Give a bag whose named properties bear the mailbox's identifiers."""
    return cast("PropertyBag", namedprops.number(work, bag))


def encode(work: Work, attachments: Sequence[AttachmentContent]) -> tuple[bytes | None, list[tuple[int, bytes]]]:
    """Encode attachments for `item.atts`; give apart, by number, the data that need a content row."""
    if not attachments:
        return None, []
    large: list[tuple[int, bytes]] = []
    kept: list[AttachmentContent] = []
    for place, attachment in enumerate(attachments):
        data = attachment.data
        if isinstance(data, bytes) and len(data) > INLINE_DATA and place < MAX_LARGE:
            large.append((place, data))
            data = None
        elif isinstance(data, MessageContent):
            data = _numbered(work, data)
        kept.append(AttachmentContent(number(work, attachment.properties), data))
    return encode_attachments(kept), large


def _numbered(work: Work, content: MessageContent) -> MessageContent:
    return MessageContent(
        number(work, content.properties),
        tuple(RecipientRow(row.type, number(work, row.properties)) for row in content.recipients),
        tuple(
            AttachmentContent(
                number(work, one.properties),
                _numbered(work, one.data) if isinstance(one.data, MessageContent) else one.data,
            )
            for one in content.attachments
        ),
    )


def decode(db: Reader, item_id: int, data: bytes | None, read: Callable[[int], bytes]) -> tuple[AttachmentContent, ...]:
    """Decode `item.atts`; `read` gives the octets of a content row. Slices of the MIME stay slices."""
    if not data:
        return ()
    decoded = list(decode_attachments(data))
    for role, content_id in db.all(_REFERENCES, (db.mailbox_id, item_id)):
        place = role - _ROLE_ATTACHMENT
        decoded[place] = replace(decoded[place], data=read(content_id))
    return tuple(decoded)


def named(db: Reader, content: MessageContent) -> MessageContent:
    """Give a message whose named properties are under their names again, those of attachments and recipients too."""
    return MessageContent(
        _name(db, content.properties),
        tuple(RecipientRow(row.type, _name(db, row.properties)) for row in content.recipients),
        tuple(
            AttachmentContent(
                _name(db, one.properties), named(db, one.data) if isinstance(one.data, MessageContent) else one.data
            )
            for one in content.attachments
        ),
    )


def _name(db: Reader, bag: PropertyBag) -> PropertyBag:
    return namedprops.name(db, cast("Mapping[PropertyTag, Value]", bag))


def slice_data(raw: bytes, view: MimeSlice) -> bytes:
    """Decode the octets that a slice of the MIME stands for ([RFC2045] 6.7, 6.8); damaged base64 gives what it can."""
    data = raw[view.offset : view.offset + view.length]
    if view.encoding == "quoted-printable":
        return quopri.decodestring(data)
    if view.encoding != "base64":
        return data
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        clean = bytes(octet for octet in data if octet in _ALPHABET)
        return binascii.a2b_base64(clean[: len(clean) // 4 * 4])


_ALPHABET = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
