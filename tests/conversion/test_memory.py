"""What conversions take beside their input and their output: a few times its length, whatever it is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from conversion.contentlines import read_components
from conversion.mime.charset import decode_text
from conversion.mime.transfer import decode_transfer
from conversion.rtf.encapsulated import encapsulate_html, encapsulate_text
from conversion.rtf.tohtml import rtf_to_html

SIZE = 60_000
_CARD = b"BEGIN:VCARD\r\nFN;ENCODING=QUOTED-PRINTABLE:"

CASES: dict[str, tuple[Callable[[], object], int]] = {
    "quoted-printable": (lambda: read_components(_CARD + b"=41=\r\n" * (SIZE // 6)), 10),
    "base64": (lambda: decode_transfer(b"QQ==" * (SIZE // 4), "base64"), 10),
    "iso-2022-jp": (lambda: decode_text(b"\x1b$B\x1b(B" * (SIZE // 6), "iso-2022-jp"), 10),
    "rtf to html": (lambda: rtf_to_html(b"{\\rtf1 " + b"\\'82" * (SIZE // 4)), 10),
    "rtf to html, characters": (lambda: rtf_to_html(b"{\\rtf1 " + b"\\u8364?" * (SIZE // 8)), 25),
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
