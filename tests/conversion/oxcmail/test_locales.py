"""Language tags and locale identifiers ([MS-LCID] 2.2)."""

from __future__ import annotations

import pytest

from conversion.oxcmail.locales import locale_of, tag_of


@pytest.mark.parametrize(
    ("tag", "number"),
    [
        ("en-US", 0x0409),
        ("EN-us", 0x0409),
        ("de", 0x0007),
        ("de-AT", 0x0C07),
        ("de-XX", 0x0007),
        ("es-ES", 0x0C0A),
        ("zh-TW", 0x0404),
        ("no", 0x0014),
        ("x-klingon", None),
        ("", None),
    ],
)
def test_tags(tag: str, number: int | None) -> None:
    assert locale_of(tag) == number


def test_there_and_back() -> None:
    for number in (0x0409, 0x0407, 0x0411, 0x0C0A, 0x0804, 0x0009, 0x0014):
        tag = tag_of(number)
        assert tag is not None
        assert locale_of(tag) == number
    assert tag_of(0x7FFF) is None
