"""Restrictions as octets: in ROPs, in rules, in search folder definitions ([MS-OXCDATA] 2.12).

The forms are the same everywhere, the widths are not ([MS-OXCDATA] 2.11.1.1): a `Layout` holds them. Identifiers of
named properties are those of whoever wrote the octets; a rule's condition brings their names along ([MS-OXORULE]
2.2.4.2).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from store.mapi import restriction as r
from store.mapi.restriction import RestrictionError
from store.mapi.types import MULTIPLE_FLAG, PropertyKey, PropertyTag, PropertyType, ScalarValue, Value
from store.mapi.values import BagError, decode_value, encode_value

MAX_LENGTH = 1 << 22
"""Octets that are looked at."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How wide the fields are, in octets."""

    kind: int
    """RestrictType, RelOp and BitmapRelOp."""
    parts: int
    """The number of parts of And and Or."""
    values: int
    """The number of values of a Comment."""
    sizes: int
    """The size of a binary value."""
    boolean: int
    terminated: bool
    """Strings end with a NUL; else they have a 16-bit size in octets, which counts their NUL."""


ROP: Final = Layout(1, 2, 1, 2, 1, True)
"""In the buffers of ROPs ([MS-OXCDATA] 2.12)."""
RULE: Final = Layout(1, 2, 1, 4, 1, True)
"""In the condition of a rule that is kept as a message; its counts have 16 bits, its sizes 32."""
EXTENDED_RULE: Final = Layout(1, 4, 1, 4, 1, True)
"""In the condition of an extended rule ([MS-OXORULE] 2.2.4.1.10)."""
SEARCH_FOLDER: Final = Layout(4, 4, 4, 2, 2, False)
"""In PidTagSearchFolderDefinition ([MS-OXOSRCH] 2.2.1.2.8.2)."""

_AND, _OR, _NOT, _CONTENT, _PROPERTY, _COMPARE, _BITMASK, _SIZE, _EXIST, _SUB_OBJECT, _COMMENT, _COUNT = range(12)

_INSTANCE_FLAG = 0x2000
"""In a tag's type: each value of a multiple-valued property is a row of its own; the values are as without it."""
_FIRST_PSEUDO = 0xFF00
"""Identifiers from here up are the store's own words and stand in no octets (store.mapi.restriction)."""
_FULL_LEVEL = 0xF
_IGNORE_CASE = 0x10000
_LOOSE = 0x40000

_WIDTHS: Final[dict[int, int]] = {
    PropertyType.INTEGER16: 2,
    PropertyType.INTEGER32: 4,
    PropertyType.FLOATING32: 4,
    PropertyType.FLOATING64: 8,
    PropertyType.CURRENCY: 8,
    PropertyType.FLOATING_TIME: 8,
    PropertyType.ERROR_CODE: 4,
    PropertyType.INTEGER64: 8,
    PropertyType.TIME: 8,
    PropertyType.GUID: 16,
}
_BINARY: Final = frozenset((PropertyType.BINARY, PropertyType.SERVER_ID))
_TOO_MUCH: Final = f"more than {r.MAX_NODES} restrictions, or nested deeper than {r.MAX_DEPTH}"
_LIMITS: Final = {1: 0xFF, 2: 0xFFFF, 4: 0xFFFFFFFF}


@dataclass(frozen=True, slots=True)
class NamedProperty:
    """What a named property's identifier stands for in one rule's condition ([MS-OXORULE] 2.2.4.2)."""

    id: int
    set: UUID
    key: int | str


@dataclass(frozen=True, slots=True)
class RuleCondition:
    """The condition of a rule, with the names of the properties that it asks for ([MS-OXORULE] 2.2.4.1.10)."""

    names: tuple[NamedProperty, ...]
    restriction: r.Restriction


def decode(data: bytes, layout: Layout = ROP, *, charset: str = "cp1252") -> r.Restriction:
    """Read a restriction that fills `data`; `charset` is for 8-bit strings. RestrictionError on anything else."""
    found, end = decode_at(data, 0, layout, charset=charset)
    if end != len(data):
        raise RestrictionError(f"{len(data) - end} octets behind a restriction")
    return found


def decode_at(data: bytes, at: int, layout: Layout = ROP, *, charset: str = "cp1252") -> tuple[r.Restriction, int]:
    """Read the restriction that begins at `at`; give it and the offset behind it. RestrictionError where none does."""
    if len(data) > MAX_LENGTH:
        raise RestrictionError(f"a restriction of {len(data)} octets")
    reader = _Reader(data, at, layout, charset)
    return reader.restriction(1), reader.at


def encode(restriction: r.Restriction, layout: Layout = ROP, *, charset: str = "cp1252") -> bytes:
    """Give the octets; `charset` is for 8-bit strings.

    RestrictionError for what has no octets (conditions of IMAP, properties that are known by name) or does not fit.
    """
    for nodes, (_, depth) in enumerate(r.walk(restriction), 1):
        if depth > r.MAX_DEPTH or nodes > r.MAX_NODES:
            raise RestrictionError(_TOO_MUCH)
    return b"".join(_Writer(layout, charset).restriction(restriction))


def decode_rule_condition(data: bytes, layout: Layout = EXTENDED_RULE, *, charset: str = "cp1252") -> RuleCondition:
    """Read the condition of a rule ([MS-OXORULE] 2.2.4.1.10, 2.2.4.2). RestrictionError on anything else."""
    if len(data) > MAX_LENGTH:
        raise RestrictionError(f"a condition of {len(data)} octets")
    reader = _Reader(data, 0, layout, charset)
    ids = [reader.number(2) for _ in range(reader.count(2, 2))]
    names: list[NamedProperty] = []
    if ids:
        end = reader.number(4) + reader.at
        names = [reader.name(identifier) for identifier in ids]
        if reader.at != end:
            raise RestrictionError("names of properties that are longer or shorter than they say")
    return RuleCondition(tuple(names), decode(data[reader.at :], layout, charset=charset))


def encode_rule_condition(
    condition: RuleCondition, layout: Layout = EXTENDED_RULE, *, charset: str = "cp1252"
) -> bytes:
    """Give the octets of a rule's condition. RestrictionError for what has none."""
    head = _number(len(condition.names), 2)
    if condition.names:
        names = b"".join(_name(one) for one in condition.names)
        head += b"".join(_number(one.id, 2) for one in condition.names) + _number(len(names), 4) + names
    return head + encode(condition.restriction, layout, charset=charset)


class _Reader:
    """A place in the octets that only moves on."""

    def __init__(self, data: bytes, at: int, layout: Layout, charset: str) -> None:
        self.data = data
        self.at = at
        self.layout = layout
        self.charset = charset
        self.nodes = 0

    def octets(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise RestrictionError("a restriction cut short")
        found = self.data[self.at : end]
        self.at = end
        return found

    def number(self, width: int) -> int:
        return int.from_bytes(self.octets(width), "little")

    def count(self, width: int, least: int) -> int:
        """Read how many follow; each takes `least` octets at least, so that a great number costs nothing."""
        found = self.number(width)
        if found * least > len(self.data) - self.at:
            raise RestrictionError("a restriction cut short")
        return found

    def tag(self) -> PropertyTag:
        tag = PropertyTag(self.number(4))
        if tag.id >= _FIRST_PSEUDO:
            raise RestrictionError(f"{tag!r} is the tag of no property")
        return tag

    def relop(self) -> r.RelOp:
        found = self.number(self.layout.kind)
        try:
            return r.RelOp(found)
        except ValueError:
            raise RestrictionError(f"a relational operator of {found}") from None

    def restriction(self, depth: int) -> r.Restriction:
        self.nodes += 1
        if depth > r.MAX_DEPTH or self.nodes > r.MAX_NODES:
            raise RestrictionError(_TOO_MUCH)
        kind = self.number(self.layout.kind)
        if kind in (_AND, _OR):
            count = self.count(self.layout.parts, self.layout.kind)
            parts = tuple([self.restriction(depth + 1) for _ in range(count)])
            return r.And(parts) if kind == _AND else r.Or(parts)
        if kind == _NOT:
            return r.Not(self.restriction(depth + 1))
        if kind == _SUB_OBJECT:
            return r.SubObject(self.tag(), self.restriction(depth + 1))
        if kind == _COUNT:
            return r.Count(self.number(4), self.restriction(depth + 1))
        if kind == _COMMENT:
            return self.comment(depth)
        return self.condition(kind)

    def comment(self, depth: int) -> r.Comment:
        count = self.count(self.layout.values, 4)
        values = tuple([(tag := self.tag(), self.value(tag)) for _ in range(count)])
        return r.Comment(values, self.restriction(depth + 1) if self.number(1) else None)

    def condition(self, kind: int) -> r.Restriction:
        if kind == _CONTENT:
            return self.content()
        if kind == _PROPERTY:
            relop, tag = self.relop(), self.tag()
            return r.Property(relop, tag, self.comparand(tag))
        if kind == _COMPARE:
            return r.CompareProperties(self.relop(), self.tag(), self.tag())
        if kind == _BITMASK:
            way = self.number(self.layout.kind)
            if way > 1:
                raise RestrictionError(f"a bit mask's operator of {way}")
            return r.Bitmask(self.tag(), self.number(4), way == 0)
        if kind == _SIZE:
            return r.Size(self.relop(), self.tag(), self.number(4))
        if kind == _EXIST:
            return r.Exist(self.tag())
        raise RestrictionError(f"a restriction of type {kind}")

    def content(self) -> r.Content:
        level, tag = self.number(4), self.tag()
        value = self.comparand(tag)
        if not isinstance(value, str | bytes) or level & _FULL_LEVEL > r.Fuzzy.PREFIX:
            raise RestrictionError(f"content of {tag!r} at level {level:#x}")
        fuzzy, ignore_case = r.Fuzzy(level & _FULL_LEVEL), bool(level & (_IGNORE_CASE | _LOOSE))
        plain = fuzzy | (_IGNORE_CASE if ignore_case else 0)
        return r.Content(tag, value, fuzzy, ignore_case, 0 if level == plain else level)

    def comparand(self, tag: PropertyTag) -> Value:
        """Read a tagged value. Of its own tag only the type counts, which is the property's or that of one value."""
        own = self.tag()
        if own.type not in (tag.type, tag.type & ~(MULTIPLE_FLAG | _INSTANCE_FLAG)):
            raise RestrictionError(f"{tag!r} cannot be compared with a value of {own!r}")
        return self.value(own)

    def value(self, tag: PropertyTag) -> Value:
        kind = tag.type & ~(MULTIPLE_FLAG | _INSTANCE_FLAG)
        if tag.type & MULTIPLE_FLAG and not tag.type & _INSTANCE_FLAG:
            return tuple([self.single(kind) for _ in range(self.count(4, 1))])
        return self.single(kind)

    def single(self, kind: int) -> ScalarValue:
        if kind == PropertyType.BOOLEAN:
            return self.number(self.layout.boolean) != 0
        if kind in (PropertyType.STRING, PropertyType.STRING8):
            return self.string(kind == PropertyType.STRING)
        if kind in _BINARY:
            return self.octets(self.number(self.layout.sizes))
        width = _WIDTHS.get(kind)
        if width is None:
            raise RestrictionError(f"a value of type {kind:#06x}")
        found = decode_value(kind, self.octets(width))
        assert not isinstance(found, tuple)  # kind has no MULTIPLE_FLAG
        return found

    def string(self, wide: bool) -> str:
        width = 2 if wide else 1
        if self.layout.terminated:
            found = self.octets(self.terminator(wide) - self.at)
            self.at += width
        else:
            # Some writers count no NUL, or an octet too many for whole characters.
            found = self.octets(self.number(2) // width * width).removesuffix(bytes(width))
        return found.decode("utf-16-le", "surrogatepass") if wide else found.decode(self.charset, "replace")

    def terminator(self, wide: bool) -> int:
        """Give the offset of the NUL that ends the string that begins here."""
        mark = b"\0\0" if wide else b"\0"
        found = self.data.find(mark, self.at)
        while wide and found >= 0 and (found - self.at) % 2:
            found = self.data.find(mark, found + 1)
        if found < 0:
            raise RestrictionError("a string without an end")
        return found

    def name(self, identifier: int) -> NamedProperty:
        kind, owner = self.number(1), UUID(bytes_le=self.octets(16))
        if kind == 0:
            return NamedProperty(identifier, owner, self.number(4))
        if kind != 1:
            raise RestrictionError(f"a property's name of kind {kind}")
        text = self.octets(self.number(1))
        return NamedProperty(
            identifier, owner, text[: len(text) & ~1].decode("utf-16-le", "surrogatepass").removesuffix("\0")
        )


class _Writer:
    def __init__(self, layout: Layout, charset: str) -> None:
        self.layout = layout
        self.charset = charset

    def restriction(self, one: r.Restriction) -> list[bytes]:
        layout = self.layout
        match one:
            case r.And(parts) | r.Or(parts):
                found = [self.kind(_AND if isinstance(one, r.And) else _OR), _number(len(parts), layout.parts)]
                for part in parts:
                    found += self.restriction(part)
                return found
            case r.Not(part):
                return [self.kind(_NOT), *self.restriction(part)]
            case r.SubObject(tag, part):
                return [self.kind(_SUB_OBJECT), _tag(tag), *self.restriction(part)]
            case r.Count(count, part):
                return [self.kind(_COUNT), _number(count, 4), *self.restriction(part)]
            case r.Comment(values, part):
                found = [self.kind(_COMMENT), _number(len(values), layout.values)]
                found += [_tag(tag) + self.value(tag, tag.type, value) for tag, value in values]
                return [*found, b"\0"] if part is None else [*found, b"\1", *self.restriction(part)]
            case _:
                return [self.condition(one)]

    def condition(self, one: r.Restriction) -> bytes:
        match one:
            case r.Content(tag, value, fuzzy, ignore_case, bits):
                level = bits or fuzzy | (_IGNORE_CASE if ignore_case else 0)
                return self.kind(_CONTENT) + _number(level, 4) + _tag(tag) + self.tagged(tag, value)
            case r.Property(relop, tag, value):
                return self.kind(_PROPERTY) + self.kind(relop) + _tag(tag) + self.tagged(tag, value)
            case r.CompareProperties(relop, tag, other):
                return self.kind(_COMPARE) + self.kind(relop) + _tag(tag) + _tag(other)
            case r.Bitmask(tag, mask, zero):
                return self.kind(_BITMASK) + self.kind(0 if zero else 1) + _tag(tag) + _number(mask, 4)
            case r.Size(relop, tag, size):
                return self.kind(_SIZE) + self.kind(relop) + _tag(tag) + _number(size, 4)
            case r.Exist(tag):
                return self.kind(_EXIST) + _tag(tag)
            case _:
                raise RestrictionError(f"{type(one).__name__} has no octets")

    def kind(self, number: int) -> bytes:
        return _number(number, self.layout.kind)

    def tagged(self, tag: PropertyKey, value: Value) -> bytes:
        """Give a value behind its tag; its type is that of one value where the property has many and `value` is one."""
        own = tag.type if isinstance(value, tuple) else tag.type & ~(MULTIPLE_FLAG | _INSTANCE_FLAG)
        _tag(tag)
        assert isinstance(tag, PropertyTag)  # _tag has seen to it
        return _number(tag.id << 16 | own, 4) + self.value(tag, own, value)

    def value(self, tag: PropertyTag, kind: int, value: Value) -> bytes:
        single = kind & ~(MULTIPLE_FLAG | _INSTANCE_FLAG)
        if not isinstance(value, tuple):
            if kind & MULTIPLE_FLAG and not kind & _INSTANCE_FLAG:
                raise RestrictionError(f"{tag!r} cannot have the value {value!r}")
            return self.single(single, value)
        if not kind & MULTIPLE_FLAG:
            raise RestrictionError(f"{tag!r} cannot have the value {value!r}")
        return _number(len(value), 4) + b"".join(self.single(single, one) for one in value)

    def single(self, kind: int, value: ScalarValue) -> bytes:
        if kind == PropertyType.BOOLEAN and isinstance(value, bool):
            return _number(int(value), self.layout.boolean)
        if kind in (PropertyType.STRING, PropertyType.STRING8) and isinstance(value, str):
            return self.string(value, kind == PropertyType.STRING)
        if kind in _BINARY and isinstance(value, bytes):
            return _number(len(value), self.layout.sizes) + value
        if kind not in _WIDTHS:
            raise RestrictionError(f"a value of type {kind:#06x} that is {type(value).__name__}")
        try:
            return encode_value(kind, value)
        except BagError as error:
            raise RestrictionError(str(error)) from None

    def string(self, value: str, wide: bool) -> bytes:
        text = value.encode("utf-16-le", "surrogatepass") if wide else value.encode(self.charset, "replace")
        text += b"\0\0" if wide else b"\0"
        if not self.layout.terminated:
            return _number(len(text), 2) + text
        if "\0" in value:
            raise RestrictionError("a NUL in a string")
        return text


def _number(value: int, width: int) -> bytes:
    if not 0 <= value <= _LIMITS[width]:
        raise RestrictionError(f"{value} does not fit {width} octets")
    return value.to_bytes(width, "little")


def _tag(tag: PropertyKey) -> bytes:
    if not isinstance(tag, PropertyTag) or tag.id >= _FIRST_PSEUDO:
        raise RestrictionError(f"{tag!r} is the tag of no property")
    return struct.pack("<I", tag)


def _name(one: NamedProperty) -> bytes:
    if isinstance(one.key, int):
        return b"\0" + one.set.bytes_le + _number(one.key, 4)
    text = (one.key + "\0").encode("utf-16-le", "surrogatepass")
    return b"\1" + one.set.bytes_le + _number(len(text), 1) + text
