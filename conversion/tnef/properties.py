"""Property lists in TNEF: attMsgProps, attAttachment, and each row of attRecipTable ([MS-OXTNEF] 2.1.3.4).

    u32      count
    each:    u16 type, u16 identifier
             from 0x8000 on: GUID, u32 kind, u32 LID (kind 0) or u32 octets and UTF-16 (kind 1), padded
             multiple-valued or of variable length: u32 count
             each value: u32 octets where the length varies; the value; padded

Everything is padded to four octets. A string ends with a NUL that counts. An object begins with the GUID of its
interface, which counts too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from conversion.codepages import decode_page, encode_page
from conversion.receipt import Receipt
from store.mapi.types import MULTIPLE_FLAG, PropertyKey, PropertyName, PropertyTag, PropertyType, ScalarValue, Value

IID_IMessage: Final = UUID("00020307-0000-0000-C000-000000000046")
IID_IStorage: Final = UUID("0000000B-0000-0000-C000-000000000046")
IID_IStream: Final = UUID("0000000C-0000-0000-C000-000000000046")

MAX_PROPERTIES: Final = 10_000
"""Properties of one list; no message has as many, and no bag of the store takes 65,536."""
MAX_VALUES: Final = 100_000
"""Values of one property."""

_FIRST_NAMED = 0x8000
_NUMBER, _STRING = 0, 1
_U32 = struct.Struct("<I")
_TAG = struct.Struct("<HH")

# Types of a fixed length: how a value is packed, and the octets it takes with its padding.
_FIXED: dict[int, tuple[struct.Struct, int]] = {
    PropertyType.UNSPECIFIED: (struct.Struct("<i"), 4),
    PropertyType.NULL: (struct.Struct("<i"), 4),
    PropertyType.INTEGER16: (struct.Struct("<h"), 4),
    PropertyType.INTEGER32: (struct.Struct("<i"), 4),
    PropertyType.FLOATING32: (struct.Struct("<f"), 4),
    PropertyType.FLOATING64: (struct.Struct("<d"), 8),
    PropertyType.CURRENCY: (struct.Struct("<q"), 8),
    PropertyType.FLOATING_TIME: (struct.Struct("<d"), 8),
    PropertyType.ERROR_CODE: (struct.Struct("<i"), 4),
    PropertyType.BOOLEAN: (struct.Struct("<H"), 4),
    PropertyType.INTEGER64: (struct.Struct("<q"), 8),
    PropertyType.TIME: (struct.Struct("<q"), 8),
    PropertyType.GUID: (struct.Struct("<16s"), 16),
}
_VARIABLE = frozenset((PropertyType.STRING8, PropertyType.STRING, PropertyType.OBJECT, PropertyType.BINARY))
_WITHOUT_VALUE = frozenset((PropertyType.UNSPECIFIED, PropertyType.NULL, PropertyType.ERROR_CODE))
_ONLY_SINGLE = _WITHOUT_VALUE | {PropertyType.OBJECT, PropertyType.BOOLEAN}


class OleObject(NamedTuple):
    """The value of a property of type OBJECT: what interface it has, and its octets."""

    interface: UUID
    data: memoryview


class PropertyList(NamedTuple):
    """What one list gives; objects stand apart, for no bag holds them."""

    values: dict[PropertyKey, Value]
    objects: dict[PropertyKey, OleObject]


class _CutShort(Exception):
    """A length or a count runs past the end; the message says of what."""


class PropertyReader:
    """Reads property lists off the front of an attribute's data."""

    def __init__(self, data: memoryview, page: int, receipt: Receipt, place: str) -> None:
        """`page`: the code page of 8-bit strings. `place`: the attribute, for notes."""
        self._data = data
        self._page = page
        self._receipt = receipt
        self._place = place
        self._at = 0
        self.broken = False
        """Whether reading stopped before its time; nothing more comes out then."""

    def rows(self, most: int) -> Iterable[PropertyList]:
        """Yield the lists of attRecipTable, which begins with their number. `most`: rows that are read at most."""
        try:
            count = self._number("the number of rows")
        except _CutShort as error:
            self._stop(error)
            return
        for done in range(count):
            if done == most:
                self._receipt.dropped(self._place, f"rows beyond {most}")
                return
            row = self.read()
            if not self.broken or row.values:
                yield row
            if self.broken:
                return

    def read(self) -> PropertyList:
        """Read one list. What cannot be read ends it, with a note; what came before is kept."""
        found = PropertyList({}, {})
        try:
            count = self._number("the number of properties")
            for _ in range(min(count, MAX_PROPERTIES)):
                self._property(found)
            if count > MAX_PROPERTIES:
                raise _CutShort(f"more than {MAX_PROPERTIES} properties")
        except _CutShort as error:
            self._stop(error)
        return found

    def _stop(self, error: _CutShort) -> None:
        self.broken = True
        self._receipt.dropped(self._place, f"what follows octet {self._at}: {error}")

    def _take(self, size: int, of: str) -> memoryview:
        end = self._at + size
        if end > len(self._data):
            raise _CutShort(f"{of} runs past the end")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def _number(self, of: str) -> int:
        number: int = _U32.unpack(self._take(4, of))[0]
        return number

    def _counted(self, of: str) -> memoryview:
        """Take octets that stand behind their number, and the padding, which may be missing at the very end."""
        piece = self._take(self._number(of), of)
        self._at = min(len(self._data), self._at + -len(piece) % 4)
        return piece

    def _property(self, found: PropertyList) -> None:
        kind, identifier = _TAG.unpack(self._take(4, "a property tag"))
        element = kind & ~MULTIPLE_FLAG
        multiple = kind != element
        key_kind = kind + 1 if element == PropertyType.STRING8 else kind  # 8-bit strings become Unicode
        key: PropertyKey
        key = self._name(key_kind) if identifier >= _FIRST_NAMED else PropertyTag.of(identifier, key_kind)
        if (element not in _FIXED and element not in _VARIABLE) or (multiple and element in _ONLY_SINGLE):
            raise _CutShort(f"property {identifier:#06x} is of the unknown type {kind:#06x}")
        count = self._number("a number of values") if multiple or element in _VARIABLE else 1
        if count > MAX_VALUES:
            raise _CutShort(f"{count} values of property {identifier:#06x}")
        values = self._values(element, count)
        if element in _WITHOUT_VALUE:
            return
        if multiple:
            # The same property in 8 bits and in Unicode: the second says more.
            if element != PropertyType.STRING8 or key not in found.values:
                found.values[key] = tuple(values)
        elif not values:
            self._receipt.dropped(self._place, f"property {identifier:#06x}, which has no value")
        elif isinstance(values[0], OleObject):
            found.objects[key] = values[0]
        elif element != PropertyType.STRING8 or key not in found.values:
            found.values[key] = values[0]

    def _name(self, kind: int) -> PropertyName:
        """Read the name of a named property (NamedPropSpec)."""
        space = UUID(bytes_le=bytes(self._take(16, "a property set")))
        form = self._number("a kind of name")
        if form == _NUMBER:
            return PropertyName(space, self._number("a LID"), kind)
        if form != _STRING:
            raise _CutShort(f"a name of the unknown kind {form}")
        return PropertyName(space, _text(self._counted("a name")), kind)

    def _values(self, element: int, count: int) -> list[Any]:
        if element in _VARIABLE:
            return [self._variable(element) for _ in range(count)]
        packer, width = _FIXED[element]
        size = packer.size
        # The last value may lack its padding.
        data = self._take(min(width * count, len(self._data) - self._at), "a value") if count else memoryview(b"")
        if count and len(data) < width * (count - 1) + size:
            raise _CutShort("a value runs past the end")
        values = [packer.unpack_from(data, place * width)[0] for place in range(count)]
        if element == PropertyType.BOOLEAN:
            return [bool(value) for value in values]
        if element == PropertyType.GUID:
            return [UUID(bytes_le=value) for value in values]
        return values

    def _variable(self, element: int) -> ScalarValue | OleObject:
        data = self._counted("a value")
        if element == PropertyType.STRING:
            return _text(data)
        if element == PropertyType.STRING8:
            return decode_page(bytes(data), self._page).partition("\0")[0]
        if element == PropertyType.OBJECT:
            if len(data) < 16:
                raise _CutShort("an object without interface")
            return OleObject(UUID(bytes_le=bytes(data[:16])), data[16:])
        return bytes(data)


def _text(data: memoryview) -> str:
    return bytes(data[: len(data) & ~1]).decode("utf-16-le", "replace").partition("\0")[0]


class ObjectValue(NamedTuple):
    """An object to write: its interface and its octets."""

    interface: UUID
    data: bytes


class PropertyWriter:
    """Writes property lists; the named properties of all lists of a stream share their identifiers."""

    def __init__(self, page: int) -> None:
        self._page = page
        self._names: dict[tuple[UUID, int | str], int] = {}

    def write(
        self,
        properties: Mapping[PropertyKey, Value],
        receipt: Receipt,
        place: str,
        objects: Mapping[PropertyTag, ObjectValue] | None = None,
    ) -> bytes:
        """Write one list. What does not fit its type, or has none that TNEF carries, is left out with a note."""
        parts: list[bytes] = []
        for key, value in properties.items():
            try:
                parts.append(self._tag(key) + self._encode(key.type, value))
            except (struct.error, ValueError, TypeError, AttributeError, OverflowError, KeyError) as error:
                receipt.dropped(f"{place}, {key!r}", f"it cannot be written: {type(error).__name__}")
        for tag, item in (objects or {}).items():
            parts.append(self._tag(tag) + _U32.pack(1) + _padded(item.interface.bytes_le + item.data))
        return _U32.pack(len(parts)) + b"".join(parts)

    def _tag(self, key: PropertyKey) -> bytes:
        if isinstance(key, PropertyTag):
            if key.id >= _FIRST_NAMED:
                raise ValueError("the identifier of a named property without its name")
            return _TAG.pack(key.type, key.id)
        number = self._names.setdefault((key.set, key.key), _FIRST_NAMED + len(self._names))
        head = _TAG.pack(key.type, number) + key.set.bytes_le
        if isinstance(key.key, int):
            return head + _U32.pack(_NUMBER) + _U32.pack(key.key)
        return head + _U32.pack(_STRING) + _padded(_wide(key.key))

    def _encode(self, kind: int, value: Any) -> bytes:
        element = kind & ~MULTIPLE_FLAG
        if element in _WITHOUT_VALUE or element == PropertyType.OBJECT or (kind != element and element in _ONLY_SINGLE):
            raise KeyError(kind)
        if kind != element:
            if not isinstance(value, tuple | list):
                raise TypeError("a single value where a tuple belongs")
            return _U32.pack(len(value)) + b"".join([self._one(element, item) for item in value])
        one = self._one(element, value)
        return _U32.pack(1) + one if element in _VARIABLE else one

    def _one(self, element: int, value: Any) -> bytes:
        if element == PropertyType.STRING:
            return _padded(_wide(value))
        if element == PropertyType.STRING8:
            return _padded(encode_page(value.partition("\0")[0], self._page) + b"\0")
        if element == PropertyType.BINARY:
            if not isinstance(value, bytes | bytearray | memoryview):
                raise TypeError("not octets")
            return _padded(bytes(value))
        packer, width = _FIXED[element]
        if element == PropertyType.GUID:
            value = value.bytes_le
        elif element == PropertyType.BOOLEAN:
            value = bool(value)
        elif element not in _FLOATING:
            value = _signed(value, packer.size)
        return packer.pack(value).ljust(width, b"\0")


_FLOATING = frozenset((PropertyType.FLOATING32, PropertyType.FLOATING64, PropertyType.FLOATING_TIME))


def _signed(value: int, size: int) -> int:
    """Take a number of the unsigned range, as the store does."""
    return value - (1 << 8 * size) if value >> (8 * size - 1) == 1 else value


def _wide(text: str) -> bytes:
    return text.partition("\0")[0].encode("utf-16-le", "surrogatepass") + b"\0\0"


def _padded(data: bytes) -> bytes:
    return _U32.pack(len(data)) + data + bytes(-len(data) % 4)
