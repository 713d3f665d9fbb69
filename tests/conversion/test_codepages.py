"""Code pages by number: what Windows and Outlook write into TNEF, .msg and RTF."""

from __future__ import annotations

import pytest

from conversion.codepages import decode_page, encode_page, label_of


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (0, "Löwe €"),
        (437, "Löwe ½"),
        (850, "Löwe ¾"),
        (874, "ไทย"),
        (932, "日本ソ"),
        (936, "中文€"),
        (949, "한국어"),
        (950, "繁體"),
        (1250, "Žluťoučký"),
        (1251, "тест"),
        (1252, "Löwe €"),
        (1253, "Ελλάδα"),
        (1255, "עברית"),
        (1361, "한국"),
        (10000, "Löwe"),
        (20127, "plain"),
        (20866, "тест"),
        (28592, "Žluťoučký"),
        (28605, "Löwe €"),
        (50220, "日本"),
        (51932, "日本"),
        (54936, "中文🦁"),
        (65001, "日本🦁"),
    ],
)
def test_round_trip(page: int, text: str) -> None:
    assert decode_page(encode_page(text, page), page) == text


@pytest.mark.parametrize("page", [1, 2, 9999, 65535, -1, 1 << 31])
def test_unknown(page: int) -> None:
    """Read as UTF-8 or windows-1252, written as windows-1252."""
    assert label_of(page) is None
    assert decode_page("Löwe".encode(), page) == "Löwe"
    assert decode_page(b"L\xf6we\x81", page) == "Löwe\x81"
    assert encode_page("Löwe日", page) == b"L\xf6we?"


def test_octets() -> None:
    assert decode_page(b"\x83\x5c\x93\xfa", 932) == "ソ日"
    assert decode_page(b"\x80", 936) != ""
    assert encode_page("日", 1252) == b"?"
