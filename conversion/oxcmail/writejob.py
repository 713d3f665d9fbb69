"""What the parts of the MIME writer share: the caller's wishes, the receipt, and small readers of properties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import lru_cache
from itertools import count

from conversion.attachmentdata import read_attachment_data
from conversion.oxcmail.hooks import Hooks
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MimeSlice
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, PropertyTag

DirectoryLookup = Callable[[str], str | None]
"""Gives the primary SMTP address of an X500 DN, None for one that is nobody's ([MS-OXCMAIL] 2.1.3.1.7)."""


class Audience(Enum):
    """Who will read what is written."""

    TRANSPORT = "transport"
    """Everybody whom SMTP brings it to: no Bcc ([MS-OXCMAIL] 2.1.3.1.1.2), no trace of an earlier delivery."""
    OWNER = "owner"
    """Who owns the message, by IMAP4 or POP3 or in a file."""


@dataclass(frozen=True, slots=True)
class Job:
    """One message being written, the outermost or an embedded one."""

    resolve: DirectoryLookup | None
    audience: Audience
    raw: bytes
    """The original MIME, which attachments may be slices of."""
    domain: str
    """The domain for encapsulated addresses and for message identifiers that have to be made."""
    now: int
    """Unix seconds."""
    token: str
    """What boundaries are made of: nobody who wrote any of the content can know it."""
    hooks: Hooks
    receipt: Receipt
    depth: int = 0
    numbers: count[int] = field(default_factory=lambda: count(1))

    def boundary(self) -> str:
        """Make a boundary. `=_` is in no quoted-printable and in no base64 ([RFC2045] 6.7)."""
        return f"----=_{next(self.numbers)}_{self.token}"

    def within(self, place: str) -> Job:
        """Give the job of the message embedded at a place."""
        return replace(self, receipt=self.receipt.within(place), depth=self.depth + 1)

    def data(self, attachment: AttachmentContent) -> bytes | None:
        """Return the decoded data of an attachment by value; None where it has none."""
        if isinstance(attachment.data, (bytes, MimeSlice)):
            return read_attachment_data(self.raw, attachment)
        kept = attachment.properties.get(tags.PidTagAttachDataBinary)
        return kept if isinstance(kept, bytes) else None


def text_of(properties: PropertyBag, key: PropertyKey) -> str:
    """Return a string property; empty for one that is missing or of another type."""
    value = properties.get(key)
    return value if isinstance(value, str) else ""


def number_of(properties: PropertyBag, key: PropertyKey) -> int | None:
    """Return a number; None for one that is missing or of another type."""
    value = properties.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def binary_of(properties: PropertyBag, key: PropertyKey) -> bytes:
    """Return a binary property; empty for one that is missing or of another type."""
    value = properties.get(key)
    return value if isinstance(value, bytes) else b""


@lru_cache(maxsize=1)
def _names() -> Mapping[PropertyKey, str]:
    return {value: name for name, value in vars(tags).items() if isinstance(value, (PropertyTag, PropertyName))}


def property_name(key: PropertyKey) -> str:
    """Name a property as the specification does, for a receipt."""
    name = _names().get(key)
    if name is not None:
        return name
    if isinstance(key, PropertyTag):
        return f"property 0x{int(key):08X}"
    return f"property {key.key if isinstance(key.key, str) else f'0x{key.key:04X}'} of {key.set}"
