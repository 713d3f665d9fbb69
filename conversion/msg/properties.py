"""The properties of one object in a .msg file: a stream of rows, a stream for each longer value ([MS-OXMSG] 2.4)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import cast
from uuid import UUID

from conversion.codepages import decode_page, encode_page
from conversion.msg.compound import Storage
from conversion.msg.names import FIRST, Name, NameWriter
from conversion.receipt import Receipt
from store.mapi.types import (
    MULTIPLE_FLAG,
    PropertyBag,
    PropertyKey,
    PropertyName,
    PropertyTag,
    PropertyType,
    ScalarValue,
    Value,
)

STREAM = "__properties_version1.0"
MAX_PROPERTIES = 0xFFFF
_ROW = struct.Struct("<II8s")
_LENGTHS = struct.Struct("<II")
_READABLE_AND_WRITABLE = 6  # flags of a row ([MS-OXMSG] 2.4.2)

_FIXED: dict[int, struct.Struct] = {
    PropertyType.INTEGER16: struct.Struct("<h"),
    PropertyType.INTEGER32: struct.Struct("<i"),
    PropertyType.FLOATING32: struct.Struct("<f"),
    PropertyType.FLOATING64: struct.Struct("<d"),
    PropertyType.CURRENCY: struct.Struct("<q"),
    PropertyType.FLOATING_TIME: struct.Struct("<d"),
    PropertyType.BOOLEAN: struct.Struct("<H"),
    PropertyType.INTEGER64: struct.Struct("<q"),
    PropertyType.TIME: struct.Struct("<q"),
}
_VARIABLE = frozenset((PropertyType.STRING8, PropertyType.STRING, PropertyType.BINARY, PropertyType.GUID))
_STRINGS = (PropertyType.STRING8, PropertyType.STRING)


def stream_name(property_id: int, kind: int) -> str:
    """Name the stream of a value ([MS-OXMSG] 2.1.3, 2.1.4)."""
    return f"__substg1.0_{property_id:04X}{kind:04X}"


def read_code_page(storage: Storage, header: int, tags: tuple[PropertyTag, ...]) -> int:
    """Give the first of some properties that say a code page, 0 where none does."""
    rows = {tag: value for tag, _, value in _rows(storage, header)}
    for tag in tags:
        if tag in rows and (page := int.from_bytes(rows[tag][:4], "little")):
            return page
    return 0


def read_properties(
    storage: Storage, header: int, page: int, names: Mapping[int, Name], receipt: Receipt
) -> dict[PropertyKey, Value]:
    """Read the properties of an object, whose rows begin behind `header` octets; 8-bit strings are in `page`."""
    found: dict[PropertyKey, Value] = {}
    for tag, _, row in _rows(storage, header):
        kind = tag & 0xFFFF
        text_kind = kind + 1 if kind & ~MULTIPLE_FLAG == PropertyType.STRING8 else kind
        if kind in (PropertyType.OBJECT, PropertyType.NULL, PropertyType.ERROR_CODE):
            continue
        key = _key(tag >> 16, text_kind, names)
        if key is None:
            receipt.dropped(f"property {tag:#010x}", "it has no name")
            continue
        value = _read_value(storage, tag, row, page)
        if value is None:
            receipt.dropped(f"property {tag:#010x}", "its value cannot be read")
        elif text_kind == kind or key not in found:
            found[key] = value
    return found


def _rows(storage: Storage, header: int) -> list[tuple[int, int, bytes]]:
    """Give tag, flags and the eight octets of each row ([MS-OXMSG] 2.4.2.1, 2.4.2.2)."""
    stream = (storage.stream(STREAM) or b"")[header:]
    return list(_ROW.iter_unpack(stream[: min(len(stream), MAX_PROPERTIES * _ROW.size) // _ROW.size * _ROW.size]))


def _key(property_id: int, kind: int, names: Mapping[int, Name]) -> PropertyKey | None:
    if property_id < FIRST:
        return PropertyTag.of(property_id, kind)
    name = names.get(property_id)
    return None if name is None else PropertyName(*name, kind)


def _read_value(storage: Storage, tag: int, row: bytes, page: int) -> Value | None:
    """Read a value from its row ([MS-OXMSG] 2.1.2, 2.4.2.1.1) or its stream ([MS-OXMSG] 2.1.3, 2.1.4.1)."""
    property_id, kind = tag >> 16, tag & 0xFFFF
    fixed = _FIXED.get(kind)
    if fixed is not None:
        number = cast("int | float", fixed.unpack_from(row)[0])
        return bool(number) if kind == PropertyType.BOOLEAN else number
    stream = storage.stream(stream_name(property_id, kind))
    if stream is None:
        return None
    if kind in _VARIABLE:
        return _decoded(stream, kind, page)
    element = kind & ~MULTIPLE_FLAG
    if element == kind:
        return None
    if element in _FIXED:
        fixed = _FIXED[element]
        return tuple([value for (value,) in fixed.iter_unpack(stream[: len(stream) // fixed.size * fixed.size])])
    if element == PropertyType.GUID:
        return tuple([UUID(bytes_le=stream[at : at + 16]) for at in range(0, len(stream) - 15, 16)])
    if element in _VARIABLE:
        return _read_many(storage, tag, stream, element, page)
    return None


def _read_many(storage: Storage, tag: int, lengths: bytes, element: int, page: int) -> Value | None:
    """Read several strings or binaries: lengths in one stream, each in its own ([MS-OXMSG] 2.1.4.2.1, 2.1.4.2.2)."""
    count = len(lengths) // (8 if element == PropertyType.BINARY else 4)
    values: list[ScalarValue] = []
    for number in range(count):
        stream = storage.stream(f"__substg1.0_{tag:08X}-{number:08X}")
        if stream is None:
            return None  # so a file of a few octets cannot claim to have very many
        value = _decoded(stream, element, page)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def _decoded(stream: bytes, kind: int, page: int) -> str | bytes | UUID | None:
    """Decode a string, a binary or a GUID; None for what is none."""
    if kind == PropertyType.BINARY:
        return stream
    if kind == PropertyType.GUID:
        return UUID(bytes_le=stream) if len(stream) == 16 else None
    text = stream[: len(stream) & ~1].decode("utf-16-le", "replace") if kind == PropertyType.STRING else None
    if text is None:
        text = decode_page(stream, page)
    return text.rstrip("\0")


# ------------------------------------------------------------------------------------------------------- writing


class PropertyWriter:
    """Writes the properties of one object into its storage."""

    def __init__(self, names: NameWriter, page: int | None, receipt: Receipt) -> None:
        """`page`: the code page for an ANSI file; None for strings in Unicode."""
        self._names = names
        self._page = page
        self._receipt = receipt

    def write(self, storage: Storage, header: bytes, properties: PropertyBag, *, objects: Mapping[int, int]) -> None:
        """Write the rows behind `header`, and the streams.

        `objects`: tags of objects, whose storages or streams the caller puts there, and the reserved word of each row.
        """
        rows: dict[int, bytes] = {}
        for key, value in properties.items():
            tag = self._tag(key)
            if tag is None or tag in objects:
                continue
            kind = tag & 0xFFFF
            if self._page is not None and kind & ~MULTIPLE_FLAG == PropertyType.STRING:
                tag -= 1
                kind -= 1
            try:
                rows[tag] = self._value(storage, tag, kind, value)
            except (struct.error, TypeError, ValueError, OverflowError, AttributeError):
                self._receipt.dropped(f"property {key!r}", "its value is none of its type")
        for tag, reserved in objects.items():
            rows[tag] = _LENGTHS.pack(0xFFFFFFFF, reserved)
        ordered = sorted(rows.items())[:MAX_PROPERTIES]
        if len(rows) > MAX_PROPERTIES:
            self._receipt.dropped("properties", f"those beyond {MAX_PROPERTIES}")
        storage.entries[STREAM] = header + b"".join(
            [_ROW.pack(tag, _READABLE_AND_WRITABLE, row) for tag, row in ordered]
        )

    def _tag(self, key: PropertyKey) -> int | None:
        if isinstance(key, PropertyName):
            property_id = self._names.identifier(key)
            if property_id is None:
                self._receipt.dropped(f"property {key!r}", "there are too many named properties")
                return None
            return property_id << 16 | key.type
        if key.id >= FIRST:
            self._receipt.dropped(f"property {key!r}", "its identifier stands for a name that is not known")
            return None
        return int(key)

    def _value(self, storage: Storage, tag: int, kind: int, value: Value) -> bytes:
        fixed = _FIXED.get(kind)
        if fixed is not None:
            return _wrapped(fixed, value).ljust(8, b"\0")
        name = f"__substg1.0_{tag:08X}"
        if kind in _VARIABLE:
            data, size = self._encoded(kind, value)
            storage.entries[name] = data
            return _LENGTHS.pack(size, 0)
        element = kind & ~MULTIPLE_FLAG
        if element == kind or not isinstance(value, tuple):
            raise ValueError(kind)
        if element in _FIXED:
            data = b"".join([_wrapped(_FIXED[element], one) for one in value])
        elif element == PropertyType.GUID:
            data = b"".join([self._encoded(element, one)[0] for one in value])
        else:
            pieces = [self._encoded(element, one) for one in value]
            for number, (piece, size) in enumerate(pieces):
                # A string that is one of several has its end in its stream, as Outlook writes it.
                storage.entries[f"{name}-{number:08X}"] = piece.ljust(size, b"\0")
            lengths: Callable[[int], bytes] = (
                (lambda size: _LENGTHS.pack(size, 0))
                if element == PropertyType.BINARY
                else (lambda size: struct.pack("<I", size))
            )
            data = b"".join([lengths(size) for _, size in pieces])
        storage.entries[name] = data
        return _LENGTHS.pack(len(data), 0)

    def _encoded(self, kind: int, value: object) -> tuple[bytes, int]:
        """Encode a value; its octets, and the size that the row says, in which a string's end counts."""
        if kind == PropertyType.GUID and isinstance(value, UUID):
            return value.bytes_le, 16
        if kind == PropertyType.BINARY and isinstance(value, bytes):
            return value, len(value)
        if kind in _STRINGS and isinstance(value, str):
            if kind == PropertyType.STRING:
                data = value.encode("utf-16-le", "surrogatepass")
                return data, len(data) + 2
            data = encode_page(value, self._page or 0)
            if decode_page(data, self._page or 0) != value:
                self._receipt.altered("a string", f"characters that code page {self._page} does not have")
            return data, len(data) + 1
        raise ValueError(kind)


def _wrapped(fixed: struct.Struct, value: object) -> bytes:
    """Pack a number; one in the unsigned range of its type is taken as what it is in 32 or 64 bits."""
    if fixed.format in ("<i", "<h", "<q") and isinstance(value, int):
        bits = 8 * fixed.size
        if 1 << (bits - 1) <= value < 1 << bits:
            value -= 1 << bits
    return fixed.pack(value)
