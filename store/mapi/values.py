"""One property value as octets, by property type ([MS-OXCDATA] 2.11.1); what store.mapi.bag is made of.

Strings are UTF-8 without a terminator; a multiple-valued string or binary is a u32 count, u32 lengths and the elements.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any, cast
from uuid import UUID

from store.mapi.types import PropertyType, ScalarValue, Value


class BagError(ValueError):
    """A bag that cannot be written (a value that does not fit its type) or read (octets that are not a bag)."""


Encoder = Callable[[Any], bytes]
Decoder = Callable[[bytes], Value]


def _integer(letter: str, width: int) -> tuple[Encoder, Decoder]:
    pack, unpack, unsigned = struct.Struct("<" + letter).pack, struct.Struct("<" + letter).unpack, "<" + letter.upper()

    def encode(value: int) -> bytes:
        try:
            return pack(value)
        except struct.error:
            if not isinstance(value, int) or not 0 <= value < 1 << (8 * width):
                raise
            return struct.pack(unsigned, value)

    def decode(data: bytes) -> int:
        return cast(int, unpack(data)[0])

    return encode, decode


def _float(letter: str) -> tuple[Encoder, Decoder]:
    packer = struct.Struct("<" + letter)
    return packer.pack, lambda data: cast(float, packer.unpack(data)[0])


def _encode_string(value: str) -> bytes:
    # A lone surrogate can come out of a UTF-16 string of MAPI; it must survive.
    return value.encode("utf-8", "surrogatepass")


def _decode_string(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _encode_boolean(value: bool) -> bytes:
    if value is True:
        return b"\x01"
    if value is False:
        return b"\x00"
    raise BagError(f"not a boolean: {value!r}")


def _decode_boolean(data: bytes) -> bool:
    if len(data) != 1:
        raise BagError("a boolean that is not one octet")
    return data != b"\x00"


def _encode_binary(value: bytes) -> bytes:
    if type(value) is bytes:
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise BagError(f"not octets: {type(value).__name__}")


def _decode_binary(data: bytes) -> bytes:
    return data


def _encode_guid(value: UUID) -> bytes:
    return value.bytes_le


def _decode_guid(data: bytes) -> UUID:
    return UUID(bytes_le=data)


def _fixed_array(encode: Encoder, decode: Decoder, width: int) -> tuple[Encoder, Decoder]:
    def encode_all(values: Sequence[ScalarValue]) -> bytes:
        return b"".join([encode(value) for value in values])

    def decode_all(data: bytes) -> tuple[ScalarValue, ...]:
        if len(data) % width:
            raise BagError("a multiple value whose length is no multiple of its element's")
        return tuple([cast(ScalarValue, decode(data[at : at + width])) for at in range(0, len(data), width)])

    return encode_all, decode_all


def _variable_array(encode: Encoder, decode: Decoder) -> tuple[Encoder, Decoder]:
    def encode_all(values: Sequence[ScalarValue]) -> bytes:
        if isinstance(values, str | bytes):
            raise BagError("a single value where a tuple belongs")
        items = [encode(value) for value in values]
        return struct.pack(f"<I{len(items)}I", len(items), *map(len, items)) + b"".join(items)

    def decode_all(data: bytes) -> tuple[ScalarValue, ...]:
        (count,) = struct.unpack_from("<I", data)
        start = 4 + 4 * count
        if start > len(data):
            raise BagError("a multiple value with more elements than octets")
        ends = list(accumulate(struct.unpack_from(f"<{count}I", data, 4), initial=start))
        if ends[-1] != len(data):
            raise BagError("a multiple value whose lengths do not add up")
        return tuple([cast(ScalarValue, decode(data[a:b])) for a, b in pairwise(ends)])

    return encode_all, decode_all


def _codecs() -> dict[int, tuple[Encoder, Decoder]]:
    kinds = PropertyType
    i2, i4, i8 = _integer("h", 2), _integer("i", 4), _integer("q", 8)
    r4, r8 = _float("f"), _float("d")
    text, octets, guid = (
        (_encode_string, _decode_string),
        (_encode_binary, _decode_binary),
        (_encode_guid, _decode_guid),
    )
    table: dict[int, tuple[Encoder, Decoder]] = {
        kinds.INTEGER16: i2,
        kinds.INTEGER32: i4,
        kinds.FLOATING32: r4,
        kinds.FLOATING64: r8,
        kinds.CURRENCY: i8,
        kinds.FLOATING_TIME: r8,
        kinds.ERROR_CODE: i4,
        kinds.BOOLEAN: (_encode_boolean, _decode_boolean),
        kinds.OBJECT: octets,
        kinds.INTEGER64: i8,
        kinds.STRING8: text,
        kinds.STRING: text,
        kinds.TIME: i8,
        kinds.GUID: guid,
        kinds.SERVER_ID: octets,
        kinds.RESTRICTION: octets,
        kinds.RULE_ACTION: octets,
        kinds.BINARY: octets,
        kinds.MULTIPLE_STRING8: _variable_array(*text),
        kinds.MULTIPLE_STRING: _variable_array(*text),
        kinds.MULTIPLE_BINARY: _variable_array(*octets),
    }
    arrays: list[tuple[int, tuple[Encoder, Decoder], int]] = [
        (kinds.MULTIPLE_INTEGER16, i2, 2),
        (kinds.MULTIPLE_INTEGER32, i4, 4),
        (kinds.MULTIPLE_FLOATING32, r4, 4),
        (kinds.MULTIPLE_FLOATING64, r8, 8),
        (kinds.MULTIPLE_CURRENCY, i8, 8),
        (kinds.MULTIPLE_FLOATING_TIME, r8, 8),
        (kinds.MULTIPLE_INTEGER64, i8, 8),
        (kinds.MULTIPLE_TIME, i8, 8),
        (kinds.MULTIPLE_GUID, guid, 16),
    ]
    table |= {kind: _fixed_array(*codec, width) for kind, codec, width in arrays}
    return {int(kind): codec for kind, codec in table.items()}


CODECS = _codecs()
ERRORS = (struct.error, UnicodeError, AttributeError, TypeError, OverflowError, ValueError)


def encode_value(tag: int, value: Value) -> bytes:
    """Encode one value of the type in `tag`; BagError if it does not fit the type."""
    try:
        return CODECS[tag & 0xFFFF][0](value)
    except KeyError:
        raise BagError(f"no property type {tag & 0xFFFF:#06x}") from None
    except ERRORS as error:
        raise BagError(f"{tag:#010x}: {error}") from None


def decode_value(tag: int, data: bytes) -> Value:
    """Decode one value of the type in `tag`; BagError if the octets are not one."""
    try:
        return CODECS[tag & 0xFFFF][1](data)
    except KeyError:
        raise BagError(f"no property type {tag & 0xFFFF:#06x}") from None
    except ERRORS as error:
        raise BagError(f"{tag:#010x}: {error}") from None
