"""Property bags, recipients and attachments as compact octets: `item.props`, `item.recips`, `item.atts`.

A bag is read far more often than written, mostly for one or two properties, so its directory stands in front of its
values and is unpacked by two calls of `struct` whatever the number of properties:

    octet    version << 4 | width      width: octets of one length, 1, 2 or 4; the smallest that fits the longest value
    u16      count
    u32 * count                        property tags, strictly ascending
    width * count                      lengths
    octets                             the values, in the order of the tags

All numbers are little-endian. Values have the layout of [MS-OXCDATA] 2.11.1, except that strings are UTF-8 without a
terminator and that a multiple-valued string or binary is a u32 count, u32 lengths and the elements. A bag holds numeric
tags only: named properties have been given their identifiers by store.namedprops before.

Integers are stored with the width of their type. A value in the unsigned range is accepted and comes back signed, as
[MS-OXCDATA] 2.11.1 declares it (0xFFFFFFFF is -1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from operator import lt
from typing import cast

from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.types import PropertyBag, PropertyTag, Value
from store.mapi.values import CODECS, ERRORS, BagError, Decoder, Encoder, encode_value

__all__ = [
    "BagError",
    "BagView",
    "decode_attachments",
    "decode_bag",
    "decode_recipients",
    "encode_attachments",
    "encode_bag",
    "encode_recipients",
    "pick",
]

VERSION = 1
MAX_PROPERTIES = 0xFFFF
MAX_VALUE = 1 << 30
"""Octets of one value."""
MAX_DEPTH = 100
"""Messages within messages."""
MAX_ROWS = 1_000_000
"""Recipients or attachments of one message."""

_SHAPES = 2048


# --------------------------------------------------------------------------------------------------------- bags

# Messages come in few shapes (sets of tags), so what depends on the shape alone is worked out once. A table that has
# grown full is dropped: it is only a cache, and an attacker's shapes must not fill the memory.
_encode_shapes: dict[tuple[int, ...], tuple[bytes, list[tuple[int, Encoder]]]] = {}
_decode_shapes: dict[bytes, tuple[tuple[PropertyTag, ...], list[Decoder]]] = {}


def _encode_shape(tags: tuple[int, ...]) -> tuple[bytes, list[tuple[int, Encoder]]]:
    if len(tags) > MAX_PROPERTIES:
        raise BagError(f"{len(tags)} properties in one bag")
    try:
        shape = (
            struct.pack(f"<H{len(tags)}I", len(tags), *tags),
            [(int(tag), CODECS[tag & 0xFFFF][0]) for tag in tags],
        )
    except KeyError as error:
        raise BagError(f"no property type {error}") from None
    except (struct.error, TypeError) as error:
        raise BagError(f"a key that is no numeric tag: {error}") from None
    if len(_encode_shapes) >= _SHAPES:
        _encode_shapes.clear()
    _encode_shapes[tags] = shape
    return shape


def encode_bag(bag: Mapping[int, Value]) -> bytes:
    """Encode properties keyed by numeric tag. BagError if a key is no tag or a value does not fit its type."""
    try:
        tags = tuple(sorted(bag))
        header, encoders = _encode_shapes.get(tags) or _encode_shape(tags)
        values = [encode(bag[tag]) for tag, encode in encoders]
    except ERRORS as error:
        raise _blame(bag, error) from None
    lengths = list(map(len, values))
    longest = max(lengths, default=0)
    if longest < 0x100:
        return b"\x11" + header + bytes(lengths) + b"".join(values)
    if longest > MAX_VALUE:
        raise BagError(f"a value of {longest} octets")
    width, letter = (2, "H") if longest < 0x10000 else (4, "I")
    first = bytes((VERSION << 4 | width,))
    return first + header + struct.pack(f"<{len(lengths)}{letter}", *lengths) + b"".join(values)


def _blame(bag: Mapping[int, Value], error: Exception) -> BagError:
    """Say which property spoilt the bag: too dear to track while all goes well."""
    if isinstance(error, BagError):
        return error
    for tag, value in bag.items():
        if not isinstance(tag, int):
            return BagError(f"a key that is no numeric tag: {tag!r}")
        try:
            encode_value(tag, value)
        except BagError as culprit:
            return culprit
    return BagError(str(error))


def _directory(data: bytes) -> tuple[tuple[PropertyTag, ...], list[Decoder], Sequence[int], int]:
    """Unpack the directory of a bag: tags, their decoders, lengths, and where the values start."""
    if len(data) < 3 or data[0] >> 4 != VERSION:
        raise BagError("not a property bag of a known version")
    width = data[0] & 0x0F
    count = data[1] | data[2] << 8
    middle = 3 + 4 * count
    start = middle + width * count
    if start > len(data):
        raise BagError("a property bag cut short")
    packed = data[3:middle]
    shape = _decode_shapes.get(packed) or _decode_shape(packed, count)
    lengths: Sequence[int]
    if width == 1:
        lengths = data[middle:start]
    elif width in (2, 4):
        lengths = struct.unpack_from(f"<{count}{'H' if width == 2 else 'I'}", data, middle)
    else:
        raise BagError(f"lengths of {width} octets")
    if start + sum(lengths) != len(data):
        raise BagError("a property bag whose lengths do not add up")
    return shape[0], shape[1], lengths, start


def _decode_shape(packed: bytes, count: int) -> tuple[tuple[PropertyTag, ...], list[Decoder]]:
    tags = tuple([PropertyTag(tag) for tag in struct.unpack(f"<{count}I", packed)])
    if not all(map(lt, tags, tags[1:])):
        raise BagError("property tags out of order")
    try:
        decoders = [CODECS[tag & 0xFFFF][1] for tag in tags]
    except KeyError as error:
        raise BagError(f"no property type {error}") from None
    if len(_decode_shapes) >= _SHAPES:
        _decode_shapes.clear()
    _decode_shapes[packed] = tags, decoders
    return tags, decoders


def decode_bag(data: bytes) -> dict[PropertyTag, Value]:
    """Decode all properties of a bag. BagError on octets that are not one."""
    tags, decoders, lengths, at = _directory(data)
    values = []
    try:
        for decode, length in zip(decoders, lengths, strict=True):
            end = at + length
            values.append(decode(data[at:end]))
            at = end
    except BagError:
        raise
    except ERRORS as error:
        raise BagError(str(error)) from None
    return dict(zip(tags, values, strict=True))


class BagView(Mapping[PropertyTag, Value]):
    """A bag read in place: the directory is unpacked once, a value when it is asked for.

    A key of another type than the stored one is absent, as everywhere in MAPI a tag is identifier and type.
    """

    __slots__ = ("_data", "_decoders", "_places", "_starts", "_tags")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._tags, self._decoders, lengths, start = _directory(data)
        self._starts = list(accumulate(lengths, initial=start))
        self._places: dict[int, int] = {tag: place for place, tag in enumerate(self._tags)}

    def __getitem__(self, tag: int) -> Value:
        place = self._places[tag]
        try:
            return self._decoders[place](self._data[self._starts[place] : self._starts[place + 1]])
        except BagError:
            raise
        except ERRORS as error:
            raise BagError(f"{tag:#010x}: {error}") from None

    def __iter__(self) -> Iterator[PropertyTag]:
        return iter(self._tags)

    def __len__(self) -> int:
        return len(self._tags)

    def __contains__(self, tag: object) -> bool:
        return tag in self._places


def pick(data: bytes, tag: int) -> Value | None:
    """Read one property of a bag without touching the others; None if it is not there."""
    tags, decoders, lengths, at = _directory(data)
    try:
        place = tags.index(cast(PropertyTag, tag))
    except ValueError:
        return None
    at += sum(lengths[:place])
    try:
        return decoders[place](data[at : at + lengths[place]])
    except BagError:
        raise
    except ERRORS as error:
        raise BagError(f"{tag:#010x}: {error}") from None


# ------------------------------------------------------------------------------------ recipients and attachments


def encode_recipients(rows: Sequence[RecipientRow]) -> bytes:
    """Encode recipients in their order: u8 version, u32 count, then type octet, u32 length and bag of each."""
    parts = [struct.pack("<BI", VERSION, len(rows))]
    for row in rows:
        bag = encode_bag(cast("Mapping[int, Value]", row.properties))
        parts.append(struct.pack("<BI", row.type, len(bag)))
        parts.append(bag)
    return b"".join(parts)


def decode_recipients(data: bytes) -> tuple[RecipientRow, ...]:
    """Decode recipients. BagError on octets that are none."""
    reader = _Reader(data)
    rows = []
    for _ in range(reader.rows()):
        kind, length = reader.take("<BI", 5)
        try:
            recipient_type = RecipientType(kind)
        except ValueError:
            raise BagError(f"a recipient of type {kind}") from None
        rows.append(RecipientRow(recipient_type, _bag(reader.octets(length))))
    reader.end()
    return tuple(rows)


_NO_DATA, _BYTES, _SLICE, _EMBEDDED = range(4)


def encode_attachments(attachments: Sequence[AttachmentContent]) -> bytes:
    """Encode attachments in their order.

    u8 version, u32 count; each: u32 length and bag, u8 kind of data (none, octets, slice of the MIME, embedded
    message), then the data: octets and embedded messages with a u32 length; a slice as u64 offset, u64 length, u8
    length of the encoding's name and the name. BagError past MAX_DEPTH messages within messages.
    """
    return _encode_attachments(attachments, 0)


def _encode_attachments(attachments: Sequence[AttachmentContent], depth: int) -> bytes:
    parts = [struct.pack("<BI", VERSION, len(attachments))]
    for attachment in attachments:
        bag = encode_bag(cast("Mapping[int, Value]", attachment.properties))
        parts += (struct.pack("<I", len(bag)), bag)
        data = attachment.data
        if data is None:
            parts.append(bytes((_NO_DATA,)))
        elif isinstance(data, MimeSlice):
            name = data.encoding.encode("ascii", "replace")[:255]
            parts += (struct.pack("<BQQB", _SLICE, data.offset, data.length, len(name)), name)
        elif isinstance(data, MessageContent):
            message = _encode_content(data, depth + 1)
            parts += (struct.pack("<BI", _EMBEDDED, len(message)), message)
        else:
            parts += (struct.pack("<BI", _BYTES, len(data)), data)
    return b"".join(parts)


def _encode_content(content: MessageContent, depth: int) -> bytes:
    if depth > MAX_DEPTH:
        raise BagError(f"more than {MAX_DEPTH} messages within messages")
    parts = (
        encode_bag(cast("Mapping[int, Value]", content.properties)),
        encode_recipients(content.recipients),
        _encode_attachments(content.attachments, depth),
    )
    return struct.pack("<III", *map(len, parts)) + b"".join(parts)


def decode_attachments(data: bytes) -> tuple[AttachmentContent, ...]:
    """Decode attachments. BagError on octets that are none."""
    return _decode_attachments(data, 0)


def _decode_attachments(data: bytes, depth: int) -> tuple[AttachmentContent, ...]:
    reader = _Reader(data)
    attachments = []
    for _ in range(reader.rows()):
        (length,) = reader.take("<I", 4)
        bag = _bag(reader.octets(length))
        (kind,) = reader.take("<B", 1)
        content: bytes | MimeSlice | MessageContent | None = None
        if kind == _SLICE:
            offset, length, name = reader.take("<QQB", 17)
            content = MimeSlice(offset, length, reader.octets(name).decode("ascii", "replace"))
        elif kind in (_BYTES, _EMBEDDED):
            (length,) = reader.take("<I", 4)
            content = reader.octets(length)
            if kind == _EMBEDDED:
                content = _decode_content(content, depth + 1)
        elif kind != _NO_DATA:
            raise BagError(f"attachment data of kind {kind}")
        attachments.append(AttachmentContent(bag, content))
    reader.end()
    return tuple(attachments)


def _decode_content(data: bytes, depth: int) -> MessageContent:
    if depth > MAX_DEPTH:
        raise BagError(f"more than {MAX_DEPTH} messages within messages")
    reader = _Reader(data)
    lengths = reader.take("<III", 12)
    bag, recipients, attachments = (reader.octets(length) for length in lengths)
    reader.end()
    return MessageContent(_bag(bag), decode_recipients(recipients), _decode_attachments(attachments, depth))


def _bag(data: bytes) -> PropertyBag:
    return cast(PropertyBag, decode_bag(data))


class _Reader:
    """Takes octets off the front, never past the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, form: str, size: int) -> tuple[int, ...]:
        return struct.unpack(form, self.octets(size))

    def octets(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise BagError("cut short")
        data = self._data[self._at : end]
        self._at = end
        return data

    def rows(self) -> int:
        version, count = self.take("<BI", 5)
        if version != VERSION or count > MAX_ROWS:
            raise BagError("not recipients or attachments of a known version")
        return count

    def end(self) -> None:
        if self._at != len(self._data):
            raise BagError("octets left over")
