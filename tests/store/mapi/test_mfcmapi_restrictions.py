"""Restrictions against what MFCMAPI shows of the same octets ([MS-OXCDATA] 2.12, [MS-OXORULE] 2.2.4.2)."""

from __future__ import annotations

import re
from typing import Final

import pytest

from store.mapi import restriction as r
from store.mapi import restrictionwire as wire
from store.mapi.types import PropertyKey, Value
from tests.store.mapi.mfcmapi import Figure, figures, pairs

SAID: Final = frozenset(
    ("rt", "cRes", "FuzzyLevel", "PropTag", "PropString", "relop", "relBMR", "Mask", "SubObject", "cValues")
)
NOT_THE_SAME_OCTETS: Final = {
    "strings whose size leaves their NUL out, or has an octet too many": {"2", "4"},
}
KINDS: Final = {r.And: 0, r.Or: 1, r.Not: 2, r.Content: 3, r.Property: 4, r.CompareProperties: 5, r.Bitmask: 6}
KINDS_TOO: Final = {r.Size: 7, r.Exist: 8, r.SubObject: 9, r.Comment: 10, r.Count: 11}
_LAST = re.compile(r"0x([0-9A-F]+)$")


def number(tag: PropertyKey) -> int:
    assert isinstance(tag, int)
    return int(tag)


def of_value(tag: PropertyKey, value: Value) -> list[Figure]:
    found: list[Figure] = [("PropTag", number(tag))]
    if isinstance(value, bytes):
        return [*found, ("PropString", value.hex().upper())]
    if tag.type == 0x40:
        return [*found, ("PropString", "a time")]
    return [*found, ("PropString", str(value))] if value != "" else found


def of_restriction(one: r.Restriction) -> list[Figure]:
    found: list[Figure] = [("rt", (KINDS | KINDS_TOO)[type(one)])]
    match one:
        case r.And(parts) | r.Or(parts):
            found.append(("cRes", len(parts)))
        case r.Content(tag, value, fuzzy, ignore_case, bits):
            found += [("FuzzyLevel", bits or fuzzy | ignore_case << 16), ("PropTag", number(tag))]
            found += of_value(tag, value)
        case r.Property(relop, tag, value):
            found += [("relop", relop), ("PropTag", number(tag)), *of_value(tag, value)]
        case r.Bitmask(tag, mask, zero):
            found += [("relBMR", not zero), ("PropTag", number(tag)), ("Mask", mask)]
        case r.Exist(tag):
            found.append(("PropTag", number(tag)))
        case r.SubObject(tag, _):
            found.append(("SubObject", tag))
        case r.Comment(values, _):
            found.append(("cValues", len(values)))
            for tag, value in values:
                found += of_value(tag, value)
        case _:
            pass
    for part in r.parts_of(one):
        found += of_restriction(part)
    return found


def expected(shown: str) -> list[Figure]:
    found: list[Figure] = []
    for name, value in figures(shown):
        if name not in SAID:
            continue
        if isinstance(value, str) and (octets := re.match(r"cb: \d+ lpb: ?(.*)", value)):
            value = octets[1]
        elif isinstance(value, str) and name != "PropString" and (last := _LAST.search(value)):
            value = int(last[1], 16)
        elif isinstance(value, str) and re.search(r"[AP]M \d", value):
            value = "a time"
        found.append((name, value))
    return found


def test_restrictions_of_search_folders() -> None:
    """[MS-OXOSRCH] 2.2.1.2.8.2."""
    others = set()
    for which, octets, shown in pairs("RESTRICTION"):
        found = wire.decode(octets, wire.SEARCH_FOLDER)
        assert of_restriction(found) == expected(shown), which
        written = wire.encode(found, wire.SEARCH_FOLDER)
        assert wire.decode(written, wire.SEARCH_FOLDER) == found
        if written != octets:
            others.add(which)
    assert others == set().union(*NOT_THE_SAME_OCTETS.values())


@pytest.mark.parametrize(
    ("name", "layout"), [("RULECONDITION", wire.RULE), ("EXTENDEDRULECONDITION", wire.EXTENDED_RULE)]
)
def test_conditions_of_rules(name: str, layout: wire.Layout) -> None:
    """[MS-OXORULE] 2.2.4.1.10, 2.2.4.2."""
    for which, octets, shown in pairs(name):
        found = wire.decode_rule_condition(octets, layout)
        assert of_restriction(found.restriction) == expected(shown), which
        assert wire.encode_rule_condition(found, layout) == octets
        said = figures(shown)
        assert [one.id for one in found.names] == [value for field, value in said if field == "PropID"]
        assert [f"{{{one.set}}}".upper() for one in found.names] == [value for field, value in said if field == "Guid"]
        assert [one.key for one in found.names if isinstance(one.key, str)] == [
            v for f, v in said if f == "Name" and which == "4" and not str(v).startswith("PR")
        ]


def skip(octets: bytes, at: int) -> int:
    """Give the offset behind a block that its 32-bit size is in front of."""
    return at + 4 + int.from_bytes(octets[at : at + 4], "little")


def skip_text(octets: bytes, at: int) -> int:
    """Give the offset behind a text with a size of 8 bits, or of 16 where the 8 are full."""
    size, at = octets[at], at + 1
    if size == 0xFF:
        size, at = int.from_bytes(octets[at : at + 2], "little"), at + 2
    return at + 2 * size


def test_restrictions_within_search_folder_definitions() -> None:
    """[MS-OXOSRCH] 2.2.1.2.8: the restriction behind the fields that say where to search."""
    seen = []
    for which, octets, shown in pairs("SEARCHFOLDERDEFINITION"):
        # MFCMAPI itself loses its place in 6; 2, 3 and 7 hold no restriction.
        if "\trt = " not in shown or which == "6":
            continue
        assert int.from_bytes(octets[4:8], "little") & 0x08
        at = skip(octets, skip_text(octets, 12))
        at = skip_text(octets, at + 4)
        at = skip(octets, skip(octets, at))
        if which == "5":
            # A list of addresses comes first; behind it an empty block and a restriction of two parts.
            at = octets.index(bytes(8) + b"\2\0\0\0", at) + 4
        found, end = wire.decode_at(octets, at, wire.SEARCH_FOLDER)
        assert octets[end:] == bytes(4)
        said = expected(shown[shown.index("\trt = ") - 1 :])
        assert of_restriction(found) == said
        assert wire.encode(found, wire.SEARCH_FOLDER) == octets[at:end]
        seen.append(which)
    assert seen == ["1", "4", "5"]
