"""What conversions take beside their input and their output: a few times its length, whatever it is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from conversion.contentlines import read_components
from conversion.rtf.encapsulated import encapsulate_html, encapsulate_text

SIZE = 60_000
_CARD = b"BEGIN:VCARD\r\nFN;ENCODING=QUOTED-PRINTABLE:"

CASES: dict[str, tuple[Callable[[], object], int]] = {
    "quoted-printable": (lambda: read_components(_CARD + b"=41=\r\n" * (SIZE // 6)), 10),
    "html to rtf": (lambda: encapsulate_html("<div>" * (SIZE // 5)), 20),
    "text to rtf": (lambda: encapsulate_text("\n" * SIZE), 20),
}


@pytest.mark.parametrize("name", CASES)
def test_memory(name: str) -> None:
    """The peak, in multiples of the input."""
    convert, most = CASES[name]
    convert()  # what is made once is there now
    tracemalloc.start()
    try:
        convert()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most * SIZE + 1_000_000
