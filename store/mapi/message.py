"""A Message object as a value: properties, recipients, attachments, and the MIME that it came as ([MS-OXCMSG])."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from store.mapi.types import PropertyBag


class RecipientType(IntEnum):
    """PidTagRecipientType without its flag bits ([MS-OXOMSG] 2.2.3.1)."""

    ORIGINATOR = 0
    TO = 1
    CC = 2
    BCC = 3


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One recipient of a message, in message order."""

    type: RecipientType
    properties: PropertyBag


@dataclass(frozen=True, slots=True)
class MimeSlice:
    """Attachment data that is a slice of the original MIME: octets [offset, offset+length), still transfer-encoded."""

    offset: int
    length: int
    encoding: str
    """Content-Transfer-Encoding, lower case; an unknown word stays as it is."""


@dataclass(frozen=True, slots=True)
class AttachmentContent:
    """One attachment: its properties, and its data as bytes, as a slice of the original, or as an embedded message."""

    properties: PropertyBag
    data: bytes | MimeSlice | MessageContent | None = None


@dataclass(frozen=True, slots=True)
class MessageContent:
    """The content of one Message object, free of any mailbox."""

    properties: PropertyBag
    recipients: tuple[RecipientRow, ...] = ()
    attachments: tuple[AttachmentContent, ...] = ()


@dataclass(frozen=True, slots=True)
class MimeRendition:
    """A message as MIME with what IMAP shows of it, computed once at delivery (docs/architecture.md, decision 8).

    The store keeps these bytes as they are and looks into none of them.
    """

    raw: bytes = field(repr=False)
    """The message, CRLF line ends, served unchanged for ever."""
    header_length: int
    """Octets of the header including the blank line that ends it."""
    envelope: bytes = field(repr=False)
    """ENVELOPE as on the wire, from `(` to `)` ([RFC3501] 7.4.2)."""
    bodystructure: bytes = field(repr=False)
    """BODYSTRUCTURE as on the wire, with extension data ([RFC3501] 7.4.2)."""
    parts: bytes = field(repr=False)
    """The part table of conversion.mime.structure, packed."""
    common_header: bytes = field(repr=False)
    """The header lines that clients ask for most, original bytes in original order, no blank line at the end."""
