"""Restrictions: the one search language of the store ([MS-OXCDATA] 2.12).

IMAP SEARCH, later rules, table restrictions and EWS searches all become these values; store.search compiles them. The
forms are those of [MS-OXCDATA] 2.12, plus three that IMAP needs and MAPI has no word for:

    MimeHeader   a header field of the original MIME contains a string ([RFC3501] 6.4.4, HEADER)
    MimeText     the text of the original MIME contains a string (BODY, TEXT)
    UidIn        the UID is in a set of ranges (UID, and a sequence set that a front end has turned into UIDs)

What belongs to a message's place in a folder, not to its content, is asked of pseudo tags (`TagPlacementFlags` and its
neighbours) by Property and Bitmask. Their identifiers lie above those that a named property can get.

String comparisons of Property ignore case, as Exchange's do; those of Content do so if it says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from store.mapi.collation import UNICODE_CASEMAP
from store.mapi.types import MULTIPLE_FLAG, PropertyKey, PropertyTag, PropertyType, Value

MAX_DEPTH = 200
MAX_NODES = 20_000
MAX_TEXT = 65_536
"""Octets of all the strings and binaries in one restriction."""


class RestrictionError(ValueError):
    """A restriction over a limit, or one that makes no sense: types that do not match, an empty bit mask."""


class RelOp(IntEnum):
    """Comparison operators ([MS-OXCDATA] 2.12.5.1)."""

    LESS = 0
    LESS_OR_EQUAL = 1
    GREATER = 2
    GREATER_OR_EQUAL = 3
    EQUAL = 4
    NOT_EQUAL = 5


class Fuzzy(IntEnum):
    """How much of a value a Content restriction must meet ([MS-OXCDATA] 2.12.4.1, FuzzyLevelLow)."""

    FULL = 0
    SUBSTRING = 1
    PREFIX = 2


TagPlacementFlags: Final = PropertyTag(0xFF000003)
"""MessageFlag bits; ask with Bitmask."""
TagPlacementKeywords: Final = PropertyTag(0xFF010014)
"""Keyword bits as Mailbox.keyword_names numbers them; ask with Bitmask, whose mask is `1 << bit`."""
TagPlacementUid: Final = PropertyTag(0xFF020014)
TagInternalDate: Final = PropertyTag(0xFF030014)
"""Seconds since 1970-01-01 UTC."""
TagMimeSize: Final = PropertyTag(0xFF040014)
"""Octets of the MIME rendition, exact."""
TagModseq: Final = PropertyTag(0xFF050014)
TagSentDate: Final = PropertyTag(0xFF060014)
"""The calendar date that the Date: field shows, whatever its zone, as days since 1970-01-01."""

PLACEMENT_TAGS: Final = frozenset(
    (TagPlacementFlags, TagPlacementKeywords, TagPlacementUid, TagInternalDate, TagMimeSize, TagModseq)
)

PidTagMessageRecipients: Final = PropertyTag(0x0E12000D)
PidTagMessageAttachments: Final = PropertyTag(0x0E13000D)
_SUB_OBJECTS: Final = frozenset((PidTagMessageRecipients, PidTagMessageAttachments))


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; none at all holds always ([MS-OXCDATA] 2.12.1)."""

    parts: tuple[Restriction, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One part holds at least; none at all holds never ([MS-OXCDATA] 2.12.2)."""

    parts: tuple[Restriction, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold ([MS-OXCDATA] 2.12.3)."""

    part: Restriction


@dataclass(frozen=True, slots=True)
class Content:
    """A string or binary property is, contains or begins with a value ([MS-OXCDATA] 2.12.4)."""

    tag: PropertyKey
    value: str | bytes
    fuzzy: Fuzzy = Fuzzy.SUBSTRING
    ignore_case: bool = True
    bits: int = 0
    """FuzzyLevelHigh and FuzzyLevelLow as they came, where they say more than the fields above; else 0."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property compares with a value ([MS-OXCDATA] 2.12.5). An absent property never does.

    A multiple-valued property holds if one of its values does.
    """

    relop: RelOp
    tag: PropertyKey
    value: Value


@dataclass(frozen=True, slots=True)
class CompareProperties:
    """Two properties of the message compare with each other ([MS-OXCDATA] 2.12.6)."""

    relop: RelOp
    tag: PropertyKey
    other: PropertyKey


@dataclass(frozen=True, slots=True)
class Bitmask:
    """The masked bits of an integer are all zero, or are not all zero ([MS-OXCDATA] 2.12.7)."""

    tag: PropertyKey
    mask: int
    zero: bool
    """True: BMR_EQZ, all masked bits are clear. False: BMR_NEZ, one at least is set."""


@dataclass(frozen=True, slots=True)
class Size:
    """The octets of a property's value compare with a number ([MS-OXCDATA] 2.12.8)."""

    relop: RelOp
    tag: PropertyKey
    size: int


@dataclass(frozen=True, slots=True)
class Exist:
    """The message has the property ([MS-OXCDATA] 2.12.9)."""

    tag: PropertyKey


@dataclass(frozen=True, slots=True)
class SubObject:
    """A recipient or an attachment meets a restriction ([MS-OXCDATA] 2.12.10).

    `tag` is PidTagMessageRecipients or PidTagMessageAttachments.
    """

    tag: PropertyTag
    part: Restriction


@dataclass(frozen=True, slots=True)
class Comment:
    """A restriction with properties that mean something to its author alone ([MS-OXCDATA] 2.12.11)."""

    values: tuple[tuple[PropertyTag, Value], ...] = ()
    part: Restriction | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """The first `count` messages that meet the part ([MS-OXCDATA] 2.12.12). Only as the outermost restriction."""

    count: int
    part: Restriction


@dataclass(frozen=True, slots=True)
class MimeHeader:
    """A field of the message's own header contains `value`, decoded and compared by a collation ([RFC5255] 4.2).

    An empty value asks whether the field is there ([RFC3501] 6.4.4, HEADER).
    """

    name: str
    value: str
    addresses: bool = False
    """The field lists addresses, and `value` may stand in one of them: comments, blanks and quoting left out."""
    collation: str = UNICODE_CASEMAP
    """A name in store.mapi.collation."""


@dataclass(frozen=True, slots=True)
class MimeText:
    """The decoded text of the body parts contains `value` by a collation; with `headers` also the headers.

    That is TEXT, and BODY without `headers` ([RFC3501] 6.4.4).
    """

    value: str
    headers: bool
    collation: str = UNICODE_CASEMAP
    """A name in store.mapi.collation."""


@dataclass(frozen=True, slots=True)
class UidIn:
    """The UID lies in one of the ranges: pairs (first, last), ascending and disjoint."""

    ranges: tuple[tuple[int, int], ...]


Restriction = (
    And
    | Or
    | Not
    | Content
    | Property
    | CompareProperties
    | Bitmask
    | Size
    | Exist
    | SubObject
    | Comment
    | Count
    | MimeHeader
    | MimeText
    | UidIn
)


def parts_of(restriction: Restriction) -> tuple[Restriction, ...]:
    """Return the restrictions that this one is made of, one level down."""
    match restriction:
        case And(parts) | Or(parts):
            return parts
        case Not(part) | SubObject(_, part) | Count(_, part):
            return (part,)
        case Comment(_, part):
            return () if part is None else (part,)
        case _:
            return ()


def tags_of(restriction: Restriction) -> tuple[PropertyKey, ...]:
    """Return the properties that this restriction itself asks for, its parts left aside."""
    match restriction:
        case CompareProperties(_, tag, other):
            return (tag, other)
        case Content(tag) | Property(_, tag) | Bitmask(tag) | Size(_, tag) | Exist(tag):
            return (tag,)
        case _:
            return ()


def walk(restriction: Restriction) -> Iterator[tuple[Restriction, int]]:
    """Yield every restriction in this one with its depth (1 for itself), without recursion."""
    waiting = [(restriction, 1)]
    while waiting:
        current, depth = waiting.pop()
        yield current, depth
        waiting.extend((part, depth + 1) for part in parts_of(current))


def validate(restriction: Restriction) -> None:
    """Check limits and types. RestrictionError says what is wrong."""
    octets = 0
    for nodes, (current, depth) in enumerate(walk(restriction), 1):
        if depth > MAX_DEPTH:
            raise RestrictionError(f"restrictions nest deeper than {MAX_DEPTH}")
        if nodes > MAX_NODES:
            raise RestrictionError(f"more than {MAX_NODES} restrictions in one")
        if isinstance(current, Count) and depth > 1:
            raise RestrictionError("a count restriction within another")
        octets += _check(current)
        if octets > MAX_TEXT:
            raise RestrictionError(f"more than {MAX_TEXT} octets of search text")


def _check(restriction: Restriction) -> int:
    """Check one restriction by itself; return the octets of its text."""
    match restriction:
        case Content(tag, value, _, _):
            return _check_content(tag, value)
        case Property(_, tag, value):
            _check_value(tag, value)
            return len(value) if isinstance(value, str | bytes) else 8
        case MimeHeader(name, value):
            return len(name) + len(value)
        case MimeText(value, _):
            return len(value)
        case UidIn(ranges):
            _check_ranges(ranges)
        case CompareProperties(_, tag, other):
            if tag.type != other.type:
                raise RestrictionError(f"{tag!r} and {other!r} have different types")
        case Bitmask(tag, mask, _):
            _check_mask(tag, mask)
        case Size(_, _, size) | Count(size, _):
            if not 0 <= size < 1 << 32:
                raise RestrictionError(f"a size or count of {size}")
        case SubObject(tag, _):
            if tag not in _SUB_OBJECTS:
                raise RestrictionError(f"{tag!r} has no sub-objects")
        case _:
            pass
    return 0


def _check_content(tag: PropertyKey, value: str | bytes) -> int:
    kind = _single(tag)
    expected: tuple[type, ...] = (str,) if kind in _STRINGS else (bytes,) if kind in _BINARY else ()
    if not isinstance(value, expected):
        raise RestrictionError(f"content of {tag!r} cannot be matched with {type(value).__name__}")
    return len(value)


def _check_mask(tag: PropertyKey, mask: int) -> None:
    if tag.type not in _INTEGERS:
        raise RestrictionError(f"a bit mask on {tag!r}, which is no integer")
    if not 0 < mask < 1 << 64:
        raise RestrictionError(f"a bit mask of {mask}")


def _check_ranges(ranges: tuple[tuple[int, int], ...]) -> None:
    last = 0
    for first, end in ranges:
        if not last < first <= end:
            raise RestrictionError("UID ranges that are not ascending and disjoint")
        last = end


_STRINGS: Final = frozenset((PropertyType.STRING, PropertyType.STRING8))
_BINARY: Final = frozenset((PropertyType.BINARY, PropertyType.OBJECT, PropertyType.SERVER_ID))
_INTEGERS: Final = frozenset((PropertyType.INTEGER16, PropertyType.INTEGER32, PropertyType.INTEGER64))
_NUMBERS: Final = _INTEGERS | {
    PropertyType.CURRENCY,
    PropertyType.TIME,
    PropertyType.ERROR_CODE,
    PropertyType.FLOATING32,
    PropertyType.FLOATING64,
    PropertyType.FLOATING_TIME,
}


def _single(tag: PropertyKey) -> int:
    return tag.type & ~MULTIPLE_FLAG


def _check_value(tag: PropertyKey, value: Value) -> None:
    """Check that a value is of the tag's type, or of one element of it ([MS-OXCDATA] 2.12.5)."""
    kind = _single(tag)
    expected: tuple[type, ...]
    if kind in _STRINGS:
        expected = (str,)
    elif kind in _BINARY:
        expected = (bytes,)
    elif kind == PropertyType.GUID:
        expected = (UUID,)
    elif kind == PropertyType.BOOLEAN:
        expected = (bool,)
    elif kind in _NUMBERS:
        expected = (int, float)
    else:
        raise RestrictionError(f"values of {tag!r} cannot be compared")
    values = value if isinstance(value, tuple) and tag.type & MULTIPLE_FLAG else (value,)
    if not all(isinstance(one, expected) for one in values):
        raise RestrictionError(f"{tag!r} cannot be compared with {value!r}")
