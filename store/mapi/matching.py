"""Restrictions over one property bag, as a function compiled once ([MS-OXCDATA] 2.12).

Knows nothing of folders and of MIME: store.search asks those first and brings what is left here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, cast
from unicodedata import normalize

from store.mapi.restriction import (
    And,
    Bitmask,
    Comment,
    CompareProperties,
    Content,
    Exist,
    Fuzzy,
    Not,
    Or,
    PidTagMessageRecipients,
    Property,
    RelOp,
    Restriction,
    RestrictionError,
    Size,
    SubObject,
)
from store.mapi.types import MULTIPLE_FLAG, Value
from store.mapi.values import encode_value

Bag = Mapping[int, Value]


class Subject(Protocol):
    """What a restriction is asked of: a message's properties, and those of its recipients and attachments on demand."""

    @property
    def bag(self) -> Bag:
        """The properties by numeric tag."""
        ...

    def recipients(self) -> Sequence[Bag]:
        """The recipients' properties."""
        ...

    def attachments(self) -> Sequence[Bag]:
        """The attachments' properties."""
        ...


class Row:
    """A bag by itself, without recipients and attachments."""

    __slots__ = ("bag",)

    def __init__(self, bag: Bag) -> None:
        self.bag = bag

    def recipients(self) -> Sequence[Bag]:
        """Return none."""
        return ()

    def attachments(self) -> Sequence[Bag]:
        """Return none."""
        return ()


Predicate = Callable[[Subject], bool]

COMPARISONS: Final[dict[RelOp, Callable[[Any, Any], bool]]] = {
    RelOp.LESS: operator.lt,
    RelOp.LESS_OR_EQUAL: operator.le,
    RelOp.GREATER: operator.gt,
    RelOp.GREATER_OR_EQUAL: operator.ge,
    RelOp.EQUAL: operator.eq,
    RelOp.NOT_EQUAL: operator.ne,
}


def fold(text: str) -> str:
    """Fold a string for a comparison that ignores case and the ways to compose a character."""
    folded = text.casefold()
    return folded if text.isascii() else normalize("NFKC", folded)


def compile_predicate(restriction: Restriction) -> Predicate:
    """Compile a restriction over numeric tags. RestrictionError for a form that is no question about properties."""
    match restriction:
        case And(parts):
            return _all([compile_predicate(part) for part in parts])
        case Or(parts):
            return _any([compile_predicate(part) for part in parts])
        case Not(part):
            inner = compile_predicate(part)
            return lambda subject: not inner(subject)
        case Comment(_, part):
            return _all([]) if part is None else compile_predicate(part)
        case Content():
            return _content(restriction)
        case Property(relop, tag, value):
            return _property(relop, _number(tag), value)
        case CompareProperties(relop, tag, other):
            return _compare(relop, _number(tag), _number(other))
        case Bitmask(tag, mask, zero):
            return _bitmask(_number(tag), mask, zero)
        case Size(relop, tag, size):
            return _size(relop, _number(tag), size)
        case Exist(tag):
            number = _number(tag)
            return lambda subject: number in subject.bag
        case SubObject(tag, part):
            return _sub_object(tag == PidTagMessageRecipients, compile_predicate(part))
        case _:
            raise RestrictionError(f"{type(restriction).__name__} is no question about properties")


def _number(tag: object) -> int:
    if not isinstance(tag, int):
        raise RestrictionError(f"a named property without a number: {tag!r}")
    return int(tag)


def _all(parts: list[Predicate]) -> Predicate:
    return lambda subject: all(part(subject) for part in parts)


def _any(parts: list[Predicate]) -> Predicate:
    return lambda subject: any(part(subject) for part in parts)


def _values(value: Value | None) -> tuple[Any, ...]:
    """Spread a multiple value; none for an absent one."""
    if value is None:
        return ()
    return value if isinstance(value, tuple) else (value,)


def text_test(wanted: str | bytes, fuzzy: Fuzzy, ignore_case: bool) -> Callable[[Any], bool]:
    """Make the test of one string or binary value ([MS-OXCDATA] 2.12.4.1)."""
    if isinstance(wanted, str) and ignore_case:
        folded = fold(wanted)
        match fuzzy:
            case Fuzzy.FULL:
                return lambda value: fold(value) == folded
            case Fuzzy.PREFIX:
                return lambda value: fold(value).startswith(folded)
            case _:
                return lambda value: folded in fold(value)
    match fuzzy:
        case Fuzzy.FULL:
            return lambda value: bool(value == wanted)
        case Fuzzy.PREFIX:
            return lambda value: bool(value.startswith(wanted))
        case _:
            return lambda value: wanted in value


def _content(restriction: Content) -> Predicate:
    tag = _number(restriction.tag)
    test = text_test(restriction.value, restriction.fuzzy, restriction.ignore_case)
    return lambda subject: any(test(value) for value in _values(subject.bag.get(tag)))


def _comparable(value: Any) -> Any:
    return fold(value) if isinstance(value, str) else value


def _property(relop: RelOp, tag: int, wanted: Value) -> Predicate:
    compare = COMPARISONS[relop]
    if isinstance(wanted, tuple):
        target = tuple(map(_comparable, wanted))
        return lambda subject: (
            tag in subject.bag and compare(tuple(map(_comparable, _values(subject.bag[tag]))), target)
        )
    single = _comparable(wanted)
    return lambda subject: any(compare(_comparable(value), single) for value in _values(subject.bag.get(tag)))


def _compare(relop: RelOp, tag: int, other: int) -> Predicate:
    compare = COMPARISONS[relop]

    def predicate(subject: Subject) -> bool:
        left, right = subject.bag.get(tag), subject.bag.get(other)
        return left is not None and right is not None and compare(_comparable(left), _comparable(right))

    return predicate


def _bitmask(tag: int, mask: int, zero: bool) -> Predicate:
    def predicate(subject: Subject) -> bool:
        value = subject.bag.get(tag)
        return value is not None and (cast(int, value) & mask == 0) is zero

    return predicate


def _size(relop: RelOp, tag: int, size: int) -> Predicate:
    compare = COMPARISONS[relop]

    def predicate(subject: Subject) -> bool:
        value = subject.bag.get(tag)
        return value is not None and compare(value_size(tag, value), size)

    return predicate


def value_size(tag: int, value: Value) -> int:
    """Return the octets of a value as MAPI counts them, strings in UTF-16 with a terminator ([MS-OXCDATA] 2.12.8)."""
    if tag & MULTIPLE_FLAG:
        return sum(value_size(tag & ~MULTIPLE_FLAG, one) for one in cast("tuple[Any, ...]", value))
    if isinstance(value, str):
        return len(value.encode("utf-16-le", "surrogatepass")) + 2
    return len(encode_value(tag, value))


def _sub_object(recipients: bool, inner: Predicate) -> Predicate:
    if recipients:
        return lambda subject: any(inner(Row(bag)) for bag in subject.recipients())
    return lambda subject: any(inner(Row(bag)) for bag in subject.attachments())
