"""What a message lost between two readings, other than what a receipt says: for round trips of the MIME writer."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.mime.transfer import decode_transfer
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writejob import property_name
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice
from store.mapi.types import PropertyBag, PropertyKey, Value
from tests.support.mime_writing import written

# Made again by the reader from what there is, or kept in the original MIME alone.
COMPUTED: frozenset[PropertyKey] = frozenset(
    (
        tags.PidTagTransportMessageHeaders,
        tags.PidTagPriority,
        tags.PidTagDisplayTo,
        tags.PidTagDisplayCc,
        tags.PidTagDisplayBcc,
    )
)
_WITH_ADDRESSES = re.compile(r"PidTag(?:Sender|SentRepresenting|ReadReceipt)[A-Z]")


def data_of(raw: bytes, item: AttachmentContent) -> bytes | None:
    """The decoded data of an attachment by value."""
    data = item.data
    if isinstance(data, MimeSlice):
        return decode_transfer(raw[data.offset : data.offset + data.length], data.encoding)
    return data if isinstance(data, bytes) else None


class Losses:
    """The differences between two Message objects that a receipt does not name."""

    def __init__(self, receipt: Receipt, before: bytes, after: bytes) -> None:
        """`before` and `after` are the original MIME of each, for attachments that are slices of it."""
        self.named = [note.place for note in receipt]
        self.before = before
        self.after = after
        self.found: list[str] = []

    def compare(self, old: MessageContent, new: MessageContent, prefix: str = "") -> list[str]:
        """Compare what the first has with what the second has."""
        self.bags(old.properties, new.properties, prefix)
        self.recipients(old, new, prefix)
        self.attachments(old, new, prefix)
        return self.found

    def is_named(self, place: str) -> bool:
        """Whether the receipt speaks of a place, or of what is around it."""
        return any(place == name or place.startswith(name + ", ") for name in self.named)

    def bags(self, old: PropertyBag, new: PropertyBag, prefix: str) -> None:
        for key, value in old.items():
            if key in COMPUTED or _same(key, value, new.get(key)) or _of_no_concern(key, old):
                continue
            name = property_name(key)
            group = _WITH_ADDRESSES.match(name)
            if not self.is_named(prefix + name) and not (group and self.is_named(prefix + group[0][:-1])):
                self.found.append(f"{prefix}{name}: {value!r:.120} became {new.get(key)!r:.120}")

    def recipients(self, old: MessageContent, new: MessageContent, prefix: str) -> None:
        # To before Cc before Bcc is the order in which they are read.
        rows = [
            (number, row)
            for number, row in enumerate(old.recipients, 1)
            if not self.is_named(f"{prefix}recipient {number}")
        ]
        rows.sort(key=lambda item: item[1].type)
        if self.is_named(f"{prefix}recipients"):
            return
        if len(rows) != len(new.recipients):
            self.found.append(f"{prefix}{len(rows)} recipients became {len(new.recipients)}")
        for (number, row), other in zip(rows, new.recipients, strict=False):
            for key, value in row.properties.items():
                new = other.properties.get(key)
                name = property_name(key)
                if new != value and not self.is_named(f"{prefix}recipients, {name}"):
                    self.found.append(f"{prefix}recipient {number}, {name}: {value!r:.120} became {new!r:.120}")

    def attachments(self, old: MessageContent, new: MessageContent, prefix: str) -> None:
        rest = list(new.attachments)
        for number, item in enumerate(old.attachments, 1):
            place = f"{prefix}attachment {number}"
            if self.is_named(place):
                rest = [other for other in rest if _name(other) != _name(item)]
                continue
            like = self.most_like(item, rest)
            if like is None:
                self.found.append(f"{place} is gone")
                continue
            rest.remove(like)
            self.bags(item.properties, like.properties, place + ", ")
            if isinstance(item.data, MessageContent) and isinstance(like.data, MessageContent):
                self.compare(item.data, like.data, place + ", ")
            elif data_of(self.before, item) != data_of(self.after, like):
                self.found.append(f"{place}: its data changed")

    def most_like(self, item: AttachmentContent, others: Iterable[AttachmentContent]) -> AttachmentContent | None:
        """Find the same attachment: inline ones come first after writing."""
        embedded = isinstance(item.data, MessageContent)
        same = [other for other in others if isinstance(other.data, MessageContent) == embedded]
        return max(same, key=lambda other: self.likeness(item, other), default=None)

    def likeness(self, item: AttachmentContent, other: AttachmentContent) -> tuple[bool, bool, int]:
        """How much two attachments have in common: name, data, other properties."""
        equal = sum(other.properties.get(key) == value for key, value in item.properties.items())
        return _name(other) == _name(item), data_of(self.after, other) == data_of(self.before, item), equal


def _name(item: AttachmentContent) -> tuple[Value | None, Value | None]:
    return item.properties.get(tags.PidTagAttachLongFilename), item.properties.get(tags.PidTagAttachContentId)


def _same(key: PropertyKey, old: Value, new: Value | None) -> bool:
    if old == new:
        return True
    # Headers have whole seconds.
    return key.type == 0x40 and isinstance(old, int) and isinstance(new, int) and old // 10_000_000 == new // 10_000_000


def _of_no_concern(key: PropertyKey, old: PropertyBag) -> bool:
    """What is the same as nothing, and the plain body beside HTML, which the reader leaves to the original."""
    value = old[key]
    if key in (tags.PidTagBody, tags.PidTagNativeBody) and tags.PidTagHtml in old:
        return True
    return (value in ("", b"", 0, False) and not isinstance(value, tuple)) or value == ()


def there_and_back(raw: bytes) -> list[str]:
    """MIME to object to MIME to object: the losses that no receipt names."""
    raw = normalise_newlines(raw)
    before = read_mime(render(raw))
    receipt = Receipt()
    again = written(before, receipt, audience=Audience.OWNER, raw=raw)
    after = read_mime(render(again))
    assert all(len(line) <= 998 for line in again.split(b"\r\n"))
    lost = Losses(receipt, raw, again).compare(before, after)
    # And once more: what is written is written the same again, but for the random parts and the times of delivery.
    second = written(after, Receipt(), audience=Audience.OWNER, raw=again)
    return (
        lost
        if second == written(read_mime(render(second)), Receipt(), audience=Audience.OWNER, raw=second)
        else ["unstable"]
    )
