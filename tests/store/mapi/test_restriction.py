"""Restrictions: limits, types, and what they mean over a property bag ([MS-OXCDATA] 2.12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from store.mapi.matching import Bag, Row, compile_predicate
from store.mapi.restriction import (
    MAX_DEPTH,
    MAX_NODES,
    And,
    Bitmask,
    Comment,
    CompareProperties,
    Content,
    Count,
    Exist,
    Fuzzy,
    MimeHeader,
    MimeText,
    Not,
    Or,
    PidTagMessageAttachments,
    PidTagMessageRecipients,
    Property,
    RelOp,
    Restriction,
    RestrictionError,
    Size,
    SubObject,
    TagPlacementFlags,
    UidIn,
    validate,
)
from store.mapi.tags import (
    PidLidFlagRequest,
    PidNameKeywords,
    PidTagDisplayName,
    PidTagDisplayTo,
    PidTagHasAttachments,
    PidTagImportance,
    PidTagMessageFlags,
    PidTagSearchKey,
    PidTagSubject,
)
from store.mapi.types import PropertyTag

_KEYWORDS = PropertyTag(0x8000101F)
_BAG: dict[int, Any] = {
    PidTagSubject: "Re: Straße nach Köln",
    PidTagDisplayTo: "Anna",
    PidTagImportance: 2,
    PidTagMessageFlags: 0x11,
    PidTagHasAttachments: True,
    PidTagSearchKey: b"SMTP:A@B\0",
    _KEYWORDS: ("Red", "blue"),
}


class _Message:
    bag: Bag = _BAG

    def recipients(self) -> Sequence[Bag]:
        return ({PidTagDisplayName: "Anna"}, {PidTagDisplayName: "Ben"})

    def attachments(self) -> Sequence[Bag]:
        return ({PidTagDisplayName: "plan.pdf"},)


def _holds(restriction: Restriction) -> bool:
    validate(restriction)
    return compile_predicate(restriction)(_Message())


_YES: Restriction = Exist(PidTagSubject)
_NO: Restriction = Exist(PropertyTag(0x1000001F))


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        (And(()), True),
        (And((_YES, _YES)), True),
        (And((_YES, _NO)), False),
        (Or(()), False),
        (Or((_NO, _YES)), True),
        (Not(_NO), True),
        (Comment(), True),
        (Comment(((PidTagSubject, "x"),), _NO), False),
    ],
)
def test_boolean_forms(restriction: Restriction, expected: bool) -> None:
    """[MS-OXCDATA] 2.12.1, 2.12.2, 2.12.3, 2.12.11."""
    assert _holds(restriction) is expected


@pytest.mark.parametrize(
    ("restriction", "expected"),
    [
        (Content(PidTagSubject, "STRASSE", Fuzzy.SUBSTRING), True),
        (Content(PidTagSubject, "straße", Fuzzy.SUBSTRING, ignore_case=False), False),
        (Content(PidTagSubject, "re:", Fuzzy.PREFIX), True),
        (Content(PidTagSubject, "köln", Fuzzy.PREFIX), False),
        (Content(PidTagDisplayTo, "anna", Fuzzy.FULL), True),
        (Content(PidTagDisplayTo, "ann", Fuzzy.FULL), False),
        (Content(PidTagDisplayTo, "Anna", Fuzzy.FULL, ignore_case=False), True),
        (Content(PidTagSearchKey, b"SMTP:", Fuzzy.PREFIX), True),
        (Content(PidTagSearchKey, b"a@b", Fuzzy.SUBSTRING), False),
        (Content(_KEYWORDS, "BLUE", Fuzzy.FULL), True),
        (Content(PropertyTag(0x1000001F), "", Fuzzy.SUBSTRING), False),
    ],
)
def test_content(restriction: Restriction, expected: bool) -> None:
    """[MS-OXCDATA] 2.12.4."""
    assert _holds(restriction) is expected


@pytest.mark.parametrize(
    ("relop", "value", "expected"),
    [
        (RelOp.LESS, 3, True),
        (RelOp.LESS, 2, False),
        (RelOp.LESS_OR_EQUAL, 2, True),
        (RelOp.GREATER, 1, True),
        (RelOp.GREATER_OR_EQUAL, 3, False),
        (RelOp.EQUAL, 2, True),
        (RelOp.NOT_EQUAL, 2, False),
    ],
)
def test_property(relop: RelOp, value: int, expected: bool) -> None:
    """[MS-OXCDATA] 2.12.5."""
    assert _holds(Property(relop, PidTagImportance, value)) is expected


def test_property_of_other_types() -> None:
    """[MS-OXCDATA] 2.12.5: strings ignore case, a multiple value holds by one of its values, an absent one never."""
    assert _holds(Property(RelOp.EQUAL, PidTagDisplayTo, "ANNA"))
    assert _holds(Property(RelOp.EQUAL, _KEYWORDS, "red"))
    assert _holds(Property(RelOp.EQUAL, _KEYWORDS, ("red", "BLUE")))
    assert not _holds(Property(RelOp.EQUAL, _KEYWORDS, ("red",)))
    assert not _holds(Property(RelOp.NOT_EQUAL, PropertyTag(0x00260003), 1))


def test_compare_properties() -> None:
    """[MS-OXCDATA] 2.12.6."""
    assert _holds(CompareProperties(RelOp.LESS, PidTagImportance, PidTagMessageFlags))
    assert not _holds(CompareProperties(RelOp.EQUAL, PidTagImportance, PropertyTag(0x00260003)))


def test_bitmask() -> None:
    """[MS-OXCDATA] 2.12.7: BMR_EQZ and BMR_NEZ."""
    assert _holds(Bitmask(PidTagMessageFlags, 0x10, zero=False))
    assert _holds(Bitmask(PidTagMessageFlags, 0x02, zero=True))
    assert not _holds(Bitmask(PidTagMessageFlags, 0x11, zero=True))
    assert not _holds(Bitmask(PropertyTag(0x00260003), 1, zero=True))


def test_size() -> None:
    """[MS-OXCDATA] 2.12.8: octets of the value, strings as UTF-16 with a terminator."""
    assert _holds(Size(RelOp.EQUAL, PidTagDisplayTo, 10))
    assert _holds(Size(RelOp.EQUAL, PidTagSearchKey, 9))
    assert _holds(Size(RelOp.EQUAL, PidTagImportance, 4))
    assert _holds(Size(RelOp.EQUAL, _KEYWORDS, 18))
    assert not _holds(Size(RelOp.GREATER, PropertyTag(0x1000001F), 0))


def test_sub_objects() -> None:
    """[MS-OXCDATA] 2.12.10: one recipient, or one attachment, meets the whole part."""
    ben = Content(PidTagDisplayName, "ben", Fuzzy.FULL)
    anna = Content(PidTagDisplayName, "anna", Fuzzy.FULL)
    assert _holds(SubObject(PidTagMessageRecipients, ben))
    assert not _holds(SubObject(PidTagMessageRecipients, And((ben, anna))))
    assert _holds(SubObject(PidTagMessageAttachments, Content(PidTagDisplayName, ".pdf")))
    assert not compile_predicate(SubObject(PidTagMessageRecipients, ben))(Row(_BAG))


@pytest.mark.parametrize(
    "restriction",
    [
        Content(PidTagSubject, b"x"),
        Content(PidTagImportance, "x"),
        Content(PidTagSearchKey, "x"),
        Property(RelOp.EQUAL, PidTagSubject, 1),
        Property(RelOp.EQUAL, PidTagImportance, "1"),
        Property(RelOp.EQUAL, PropertyTag(0x003700FD), b""),
        Property(RelOp.EQUAL, PidTagImportance, (1,)),
        Property(RelOp.EQUAL, PropertyTag(0x00370048), UUID(int=0).bytes),
        CompareProperties(RelOp.EQUAL, PidTagSubject, PidTagImportance),
        Bitmask(PidTagSubject, 1, zero=True),
        Bitmask(PidTagImportance, 0, zero=True),
        Size(RelOp.EQUAL, PidTagSubject, -1),
        SubObject(PidTagSubject, _YES),
        Not(Count(1, _YES)),
        UidIn(((2, 1),)),
        UidIn(((1, 3), (3, 4))),
        UidIn(((0, 1),)),
        MimeText("x" * 70_000, headers=False),
    ],
)
def test_what_makes_no_sense_is_refused(restriction: Restriction) -> None:
    with pytest.raises(RestrictionError):
        validate(restriction)


def test_what_makes_sense_is_not() -> None:
    validate(
        And(
            (
                UidIn(((1, 3), (5, 5))),
                Bitmask(TagPlacementFlags, 1, zero=True),
                MimeHeader("Subject", "x"),
                MimeText("y", headers=True),
                Content(PidLidFlagRequest, "x"),
                Content(PidNameKeywords, "red"),
            )
        )
    )
    validate(Count(5, _YES))


def test_depth_and_count_are_limited_without_recursion() -> None:
    deep: Restriction = _YES
    for _ in range(100_000):
        deep = Not(deep)
    with pytest.raises(RestrictionError):
        validate(deep)
    with pytest.raises(RestrictionError):
        validate(And((_YES,) * MAX_NODES))
    fits: Restriction = _YES
    for _ in range(MAX_DEPTH - 1):
        fits = Not(fits)
    validate(fits)
    assert isinstance(compile_predicate(fits)(_Message()), bool)


@pytest.mark.parametrize("restriction", [MimeHeader("a", "b"), UidIn(()), Count(1, _YES), Exist(PidLidFlagRequest)])
def test_a_question_that_a_bag_cannot_answer(restriction: Restriction) -> None:
    with pytest.raises(RestrictionError):
        compile_predicate(restriction)
