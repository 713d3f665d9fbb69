"""Values of the FETCH grammar: items, sections, the command ([RFC3501] 6.4.5, 7.4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.imap.protocol.types import SequenceSet


class FetchAttribute(Enum):
    """FETCH items without argument, by their name in the reply ([RFC3501] 6.4.5, [RFC7162] 3.1.4.2).

    They are the message attributes of [RFC3501] 2.3.1.1, 2.3.2, 2.3.3, 2.3.4, 2.3.5 and 2.3.6.
    """

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    RFC822_SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    """BODYSTRUCTURE without extension data."""
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"
    SAVEDATE = b"SAVEDATE"
    """When the message came into this mailbox ([RFC8514] 4.2)."""
    EMAILID = b"EMAILID"
    """[RFC8474] 5.1."""
    THREADID = b"THREADID"
    """[RFC8474] 5.2."""


class SectionKind(Enum):
    """What of a part is wanted ([RFC3501] 6.4.5)."""

    WHOLE = b""
    """`BODY[]`, or with part numbers the body of that part."""
    HEADER = b"HEADER"
    HEADER_FIELDS = b"HEADER.FIELDS"
    HEADER_FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """A section specification: part numbers, what of the part, and for HEADER_FIELDS(_NOT) the field names."""

    numbers: tuple[int, ...] = ()
    kind: SectionKind = SectionKind.WHOLE
    fields: tuple[bytes, ...] = ()
    """Upper case."""


@dataclass(frozen=True, slots=True)
class BodySection:
    """`BODY[...]`, `BODY.PEEK[...]`, `RFC822`, `RFC822.HEADER` or `RFC822.TEXT` ([RFC3501] 6.4.5)."""

    section: Section
    peek: bool
    """False: fetching it sets \\Seen."""
    partial: tuple[int, int] | None
    """(first octet, most octets) of `<0.2048>`."""
    label: bytes
    """The name of the item in the reply, such as `BODY[1.MIME]<0>` or `RFC822.HEADER` ([RFC3501] 7.4.2)."""


@dataclass(frozen=True, slots=True)
class BinarySection:
    """`BINARY[...]` or `BINARY.PEEK[...]`: a part without its transfer encoding ([RFC3516] 4.1, 4.2)."""

    numbers: tuple[int, ...]
    peek: bool
    """False: fetching it sets \\Seen."""
    partial: tuple[int, int] | None
    """(first octet, most octets) of what is decoded."""
    label: bytes
    """The name of the item in the reply, such as `BINARY[1.2]<0>`."""


@dataclass(frozen=True, slots=True)
class BinarySize:
    """`BINARY.SIZE[...]`: the octets of what BINARY gives ([RFC3516] 4.2)."""

    numbers: tuple[int, ...]
    label: bytes
    """`BINARY.SIZE[1.2]`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """`PREVIEW`: the beginning of the text ([RFC8970] 3.1)."""

    lazy: bool = False
    """Only one that was made before ([RFC8970] 4.1)."""
    fuzzy: bool = False
    """In the form of the draft, `PREVIEW (FUZZY "...")`, which Dovecot 2.3 has."""

    @property
    def label(self) -> bytes:
        """The name of the item in the reply."""
        return b"PREVIEW"


FetchItem = FetchAttribute | BodySection | BinarySection | BinarySize | Preview


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH or UID FETCH ([RFC3501] 6.4.5, 6.4.8).

    Macros are expanded, doubles removed. The items that a command implies are in `items`: UID for UID FETCH, MODSEQ for
    CHANGEDSINCE ([RFC7162] 3.1.4.1).
    """

    messages: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool = False
    changed_since: int | None = None
    vanished: bool = False
    """Tell what went since, too; only beside `changed_since` and with `uid` ([RFC7162] 3.2.6)."""
    partial: tuple[int, int] | None = None
    """Of the messages these alone, first and last, counted from 1, or by negative numbers from the end
    ([RFC9394] 3.3)."""
