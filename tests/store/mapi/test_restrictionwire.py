"""Restrictions as octets: layouts, inverses, limits, broken octets ([MS-OXCDATA] 2.12, [MS-OXORULE] 2.2.4)."""

from __future__ import annotations

import random
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.mapi import restriction as r
from store.mapi import restrictionwire as wire
from store.mapi.restriction import RestrictionError
from store.mapi.types import PropertyName, PropertyTag, Value
from tests.support.examples import examples

LAYOUTS = (wire.ROP, wire.RULE, wire.EXTENDED_RULE, wire.SEARCH_FOLDER)
SUBJECT = PropertyTag(0x0037001F)
SUBJECT_8 = PropertyTag(0x0037001E)
SIZE = PropertyTag(0x0E080003)

_TEXT = st.text(st.characters(exclude_characters="\0"), max_size=12)
_VALUES: dict[int, st.SearchStrategy[Value]] = {
    0x0002: st.integers(-(1 << 15), (1 << 15) - 1),
    0x0003: st.integers(-(1 << 31), (1 << 31) - 1),
    0x0005: st.floats(allow_nan=False),
    0x000B: st.booleans(),
    0x0014: st.integers(-(1 << 63), (1 << 63) - 1),
    0x001E: st.text("abcÄß €", max_size=12),
    0x001F: _TEXT,
    0x0040: st.integers(0, (1 << 63) - 1),
    0x0048: st.uuids(),
    0x0102: st.binary(max_size=12),
}
_VALUES |= {kind | 0x1000: st.lists(values, max_size=3).map(tuple) for kind, values in list(_VALUES.items())}
_IDS = st.integers(1, 0xFEFF)
_TAGS = st.builds(lambda number, kind: PropertyTag(number << 16 | kind), _IDS, st.sampled_from(sorted(_VALUES)))
_TAGGED = _TAGS.flatmap(lambda tag: st.tuples(st.just(tag), _VALUES[tag.type]))
_RELOPS = st.sampled_from(r.RelOp)
_LEVEL = st.integers(0, 0xFFFFFFFF)
_CONTENT = st.sampled_from((0x1E, 0x1F, 0x102)).flatmap(
    lambda kind: st.builds(
        r.Content,
        _IDS.map(lambda number: PropertyTag(number << 16 | kind)),
        _VALUES[kind],
        st.sampled_from(r.Fuzzy),
        st.booleans(),
    )
)
_LEAVES = st.one_of(
    _CONTENT,
    st.builds(lambda relop, pair: r.Property(relop, *pair), _RELOPS, _TAGGED),
    st.builds(r.CompareProperties, _RELOPS, _TAGS, _TAGS),
    st.builds(r.Bitmask, _TAGS, _LEVEL, st.booleans()),
    st.builds(r.Size, _RELOPS, _TAGS, _LEVEL),
    st.builds(r.Exist, _TAGS),
)
RESTRICTIONS: st.SearchStrategy[r.Restriction] = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(r.And, st.lists(inner, max_size=3).map(tuple)),
        st.builds(r.Or, st.lists(inner, max_size=3).map(tuple)),
        st.builds(r.Not, inner),
        st.builds(r.SubObject, _TAGS, inner),
        st.builds(r.Count, _LEVEL, inner),
        st.builds(r.Comment, st.lists(_TAGGED, max_size=2).map(tuple), st.none() | inner),
    ),
    max_leaves=6,
)


def test_layout_in_rops() -> None:
    """[MS-OXCDATA] 2.12.1 to 2.12.12: a byte for the type, 16 bits for the parts, tags before values."""
    subject = r.Content(SUBJECT, "x", r.Fuzzy.PREFIX, True)
    assert wire.encode(subject) == bytes.fromhex("03 0200 0100 1F003700 1F003700 7800 0000")
    assert wire.encode(r.And((r.Exist(SIZE), r.Not(r.Exist(SIZE))))) == bytes.fromhex(
        "00 0200 08 0300080E 02 08 0300080E"
    )
    assert wire.encode(r.Bitmask(SIZE, 2, zero=False)) == bytes.fromhex("06 01 0300080E 02000000")
    assert wire.encode(r.Size(r.RelOp.GREATER, SIZE, 7)) == bytes.fromhex("07 02 0300080E 07000000")
    assert wire.encode(r.CompareProperties(r.RelOp.EQUAL, SIZE, SIZE)) == bytes.fromhex("05 04 0300080E 0300080E")
    assert wire.encode(r.Count(5, r.Exist(SIZE))) == bytes.fromhex("0B 05000000 08 0300080E")
    people = r.SubObject(r.PidTagMessageRecipients, r.Exist(SIZE))
    assert wire.encode(people) == bytes.fromhex("09 0D00120E 08 0300080E")
    assert wire.encode(r.Comment(((SIZE, 9),))) == bytes.fromhex("0A 01 0300080E 09000000 00")


def test_widths() -> None:
    """[MS-OXCDATA] 2.11.1.1: sizes and counts of 16 bits in ROPs, of 32 in extended rules."""
    key = r.Property(r.RelOp.EQUAL, PropertyTag(0x0C1D0102), b"\x07")
    both = r.Or((key,))
    assert wire.encode(both) == bytes.fromhex("01 0100 04 04 02011D0C 02011D0C 0100 07")
    assert wire.encode(both, wire.RULE) == bytes.fromhex("01 0100 04 04 02011D0C 02011D0C 01000000 07")
    assert wire.encode(both, wire.EXTENDED_RULE) == bytes.fromhex("01 01000000 04 04 02011D0C 02011D0C 01000000 07")
    wide = "01000000 01000000 04000000 04000000 02011D0C 02011D0C 0100 07"
    assert wire.encode(both, wire.SEARCH_FOLDER) == bytes.fromhex(wide)


@given(RESTRICTIONS, st.sampled_from(LAYOUTS))
@settings(max_examples=examples(60))
def test_inverse(one: r.Restriction, layout: wire.Layout) -> None:
    assert wire.decode(wire.encode(one, layout), layout) == one


def test_one_value_of_a_property_with_many() -> None:
    categories = r.Property(r.RelOp.EQUAL, PropertyTag(0x8001101F), "red")
    data = wire.encode(categories)
    assert data[2:10] == bytes.fromhex("1F100180 1F000180")
    assert wire.decode(data) == categories


def test_a_level_that_says_more_than_the_fields_is_kept() -> None:
    """[MS-OXCDATA] 2.12.4.1: LOOSE and IGNORENONSPACE, and what Outlook adds for phrases."""
    data = bytes.fromhex("03 2100 0600 1F003700 1F003700 7800 0000")
    found = wire.decode(data)
    assert found == r.Content(SUBJECT, "x", r.Fuzzy.SUBSTRING, True, 0x00060021)
    assert wire.encode(found) == data


def test_the_identifier_in_a_values_tag_does_not_count() -> None:
    assert wire.decode(bytes.fromhex("04 04 0300080E 03000000 09000000")) == r.Property(r.RelOp.EQUAL, SIZE, 9)


def test_eight_bit_strings_have_the_charset_of_the_client() -> None:
    data = bytes.fromhex("03 0100 0000 1E003700 1E003700 E0 00")
    assert wire.decode(data, charset="cp1251") == r.Content(SUBJECT_8, "\u0430", r.Fuzzy.SUBSTRING, False)
    assert wire.encode(wire.decode(data, charset="cp1251"), charset="cp1251") == data


def test_a_condition_brings_names_along() -> None:
    """[MS-OXORULE] 2.2.4.2: identifiers, then a size, then kind, set and number or string of each."""
    owner = UUID("00020329-0000-0000-c000-000000000046")
    names = (wire.NamedProperty(0x8001, owner, "ab"), wire.NamedProperty(0x8002, owner, 0x8233))
    condition = wire.RuleCondition(names, r.Exist(PropertyTag(0x8001101F)))
    data = wire.encode_rule_condition(condition)
    named = "2903020000000000C000000000000046"
    assert data == bytes.fromhex(f"0200 0180 0280 2D000000 01 {named} 06 610062000000 00 {named} 33820000 08 1F100180")
    assert wire.decode_rule_condition(data) == condition
    with pytest.raises(RestrictionError):
        wire.decode_rule_condition(data.replace(b"\x2d\0\0\0", b"\x2e\0\0\0"))


@pytest.mark.parametrize(
    "one",
    [
        r.MimeText("x", headers=True),
        r.UidIn(((1, 2),)),
        r.Exist(r.TagPlacementUid),
        r.Exist(PropertyName(UUID(int=1), 1, 3)),
        r.Content(SUBJECT, "a\0b"),
        r.Property(r.RelOp.EQUAL, SIZE, "x"),
        r.Property(r.RelOp.EQUAL, SIZE, (1, 2)),
        r.Property(r.RelOp.EQUAL, PropertyTag(0x0001000D), b""),
        r.Bitmask(SIZE, 1 << 32, zero=True),
        r.And((r.Exist(SIZE),) * 0x10000),
    ],
)
def test_what_has_no_octets(one: r.Restriction) -> None:
    with pytest.raises(RestrictionError):
        wire.encode(one)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "0C",
        "08 1400 02FF",
        "00 FFFF",
        "03 0300 0000 1F003700 1F003700 0000",
        "03 0000 0000 0300080E 0300080E 00000000",
        "04 06 0300080E 0300080E 00000000",
        "04 04 0300080E 1F000E0E 0000",
        "04 04 0D00120E 0D00120E 00000000",
        "03 0000 0000 1F003700 1F003700 7800",
        "06 02 0300080E 00000000",
        "08 0300080E 00",
        "02" * 300,
    ],
)
def test_what_is_no_restriction(data: str) -> None:
    with pytest.raises(RestrictionError):
        wire.decode(bytes.fromhex(data))


def test_depth_and_number_are_bounded() -> None:
    for layout in LAYOUTS:
        level = (2).to_bytes(layout.kind, "little")
        leaf = wire.encode(r.Exist(SIZE), layout)
        assert isinstance(wire.decode(level * (r.MAX_DEPTH - 1) + leaf, layout), r.Not)
        with pytest.raises(RestrictionError):
            wire.decode(level * r.MAX_DEPTH + leaf, layout)
    many = b"\0" + r.MAX_NODES.to_bytes(4, "little") + b"\x08\3\0\x08\x0e" * r.MAX_NODES
    with pytest.raises(RestrictionError):
        wire.decode(many, wire.EXTENDED_RULE)
    deep: r.Restriction = r.Exist(SIZE)
    for _ in range(r.MAX_DEPTH):
        deep = r.Not(deep)
    with pytest.raises(RestrictionError):
        wire.encode(deep)


@given(RESTRICTIONS, st.sampled_from(LAYOUTS), st.randoms(use_true_random=False))
@settings(max_examples=examples(80))
def test_damaged_octets_decode_or_are_refused(one: r.Restriction, layout: wire.Layout, chance: random.Random) -> None:
    data = bytearray(wire.encode(one, layout))
    for _ in range(chance.randint(1, 4)):
        data[chance.randrange(len(data))] = chance.choice(
            (0, 1, 4, 0x10, 0x1E, 0x1F, 0x80, 0xFF, chance.randrange(256))
        )
    del data[chance.choice((len(data), chance.randrange(len(data)))) :]
    check(bytes(data), layout)


@given(st.binary(max_size=80), st.sampled_from(LAYOUTS))
@settings(max_examples=examples(40))
def test_any_octets_decode_or_are_refused(data: bytes, layout: wire.Layout) -> None:
    check(data, layout)


def check(data: bytes, layout: wire.Layout) -> None:
    with suppress(RestrictionError):
        found = wire.decode(data, layout)
        again = wire.encode(found, layout)
        assert repr(wire.decode(again, layout)) == repr(found)
    with suppress(RestrictionError):
        wire.encode_rule_condition(wire.decode_rule_condition(data, layout), layout)
