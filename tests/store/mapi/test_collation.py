"""Collations: [RFC5051], [RFC4790] 4.2.2 to 4.2.4, 9.2 and 9.3."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.mapi.collation import COLLATIONS, ascii_casemap, octet, unicode_casemap


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("\u01c4", "Dz\u030c"),  # the example of [RFC5051] 2
        ("Grün", "GRU\u0308N"),
        ("straße", "STRAßE"),  # its title is two characters, which UnicodeData.txt does not list
        ("ﬁn", "fiN"),
        ("\u1f80", "\u0391\u0313\u0345"),
        ("ａ", "A"),
        ("É", "E\u0301"),
        ("e\u0301", "E\u0301"),
        ("ა", "ა"),
        ("ħ", "Ħ"),
        ("\U00010428", "\U00010400"),
        ("", ""),
    ],
)
def test_unicode_casemap(text: str, prepared: str) -> None:
    """[RFC5051] 2: titlecase, then decomposition of any kind, character by character."""
    assert unicode_casemap(text) == prepared


def test_the_others() -> None:
    """[RFC4790] 9.2, 9.3: only the 26 letters; nothing."""
    assert ascii_casemap("Grün") == "GRüN"
    assert octet("Grün") == "Grün"
    assert ascii_casemap(string.printable) == string.printable.upper()


@given(st.text(max_size=8), st.text(max_size=8))
def test_octets_in_utf8_and_characters_have_one_order(one: str, other: str) -> None:
    """[RFC5051] 2: the prepared strings compare as octets do."""
    for prepare in COLLATIONS.values():
        first, second = prepare(one), prepare(other)
        left, right = (text.encode("utf-8", "surrogatepass") for text in (first, second))
        assert (first < second) == (left < right)


@given(st.text(max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_what_matches_by_a_strict_collation_matches_by_the_wide_one(text: str, start: int, length: int) -> None:
    part = text[start : start + length]
    for prepare in COLLATIONS.values():
        assert prepare(part) in prepare(text)
    swapped = "".join(c.swapcase() if c.isascii() else c for c in text)
    assert ascii_casemap(swapped) == ascii_casemap(text)
    assert unicode_casemap(swapped) == unicode_casemap(text)
