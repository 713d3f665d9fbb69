"""Property types, tags and names of MAPI objects ([MS-OXCDATA] 2.6, 2.9, 2.11)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple
from uuid import UUID


class PropertyType(IntEnum):
    """The wire value of a property's type ([MS-OXCDATA] 2.11.1)."""

    UNSPECIFIED = 0x0000
    NULL = 0x0001
    INTEGER16 = 0x0002
    INTEGER32 = 0x0003
    FLOATING32 = 0x0004
    FLOATING64 = 0x0005
    CURRENCY = 0x0006
    FLOATING_TIME = 0x0007
    ERROR_CODE = 0x000A
    BOOLEAN = 0x000B
    OBJECT = 0x000D
    INTEGER64 = 0x0014
    STRING8 = 0x001E
    STRING = 0x001F
    TIME = 0x0040
    GUID = 0x0048
    SERVER_ID = 0x00FB
    RESTRICTION = 0x00FD
    RULE_ACTION = 0x00FE
    BINARY = 0x0102
    MULTIPLE_INTEGER16 = 0x1002
    MULTIPLE_INTEGER32 = 0x1003
    MULTIPLE_FLOATING32 = 0x1004
    MULTIPLE_FLOATING64 = 0x1005
    MULTIPLE_CURRENCY = 0x1006
    MULTIPLE_FLOATING_TIME = 0x1007
    MULTIPLE_INTEGER64 = 0x1014
    MULTIPLE_STRING8 = 0x101E
    MULTIPLE_STRING = 0x101F
    MULTIPLE_TIME = 0x1040
    MULTIPLE_GUID = 0x1048
    MULTIPLE_BINARY = 0x1102


MULTIPLE_FLAG = 0x1000


class PropertyTag(int):
    """A property identifier and a property type in one unsigned 32-bit number, `id << 16 | type` ([MS-OXCDATA] 2.9)."""

    __slots__ = ()

    @classmethod
    def of(cls, property_id: int, property_type: int) -> PropertyTag:
        """Join an identifier (16 bits) and a type (16 bits)."""
        return cls(property_id << 16 | property_type)

    @property
    def id(self) -> int:
        """The property identifier, 16 bits; 0x8000 and above are named properties."""
        return int(self) >> 16

    @property
    def type(self) -> int:
        """The property type, one of PropertyType."""
        return int(self) & 0xFFFF

    def __repr__(self) -> str:
        return f"PropertyTag(0x{int(self):08X})"


class PropertyName(NamedTuple):
    """The name of a named property: a property set and a number (LID) or a string ([MS-OXCDATA] 2.6.1).

    The type belongs to the name here, because a bag is keyed by it before a mailbox has given it an identifier.
    """

    set: UUID
    key: int | str
    type: int


ScalarValue = bool | int | float | str | bytes | UUID
# One value of a property. TIME is an int, the FILETIME: 100-nanosecond steps since 1601-01-01 UTC. CURRENCY is an int,
# ten-thousandths. BOOLEAN is a bool. GUID is a UUID. Multiple-valued types are tuples of these.
Value = ScalarValue | tuple[ScalarValue, ...]
PropertyKey = PropertyTag | PropertyName
PropertyBag = Mapping[PropertyKey, Value]

FILETIME_UNIX_EPOCH = 116_444_736_000_000_000


def filetime_from_unix(seconds: float) -> int:
    """Turn seconds since 1970-01-01 UTC into a FILETIME (100 ns since 1601-01-01 UTC)."""
    return FILETIME_UNIX_EPOCH + round(seconds * 10_000_000)


def unix_from_filetime(filetime: int) -> float:
    """Turn a FILETIME into seconds since 1970-01-01 UTC."""
    return (filetime - FILETIME_UNIX_EPOCH) / 10_000_000
