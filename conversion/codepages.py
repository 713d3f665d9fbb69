"""Windows code pages by number ([MS-OXCMSG] 2.2.1.58.6): the 8-bit strings of TNEF, of .msg files and of RTF.

Decoding never fails, and a page that nobody knows is read as an unlabelled text is: UTF-8 if it is that, else
windows-1252.
"""

from __future__ import annotations

import codecs
from functools import lru_cache

from conversion.mime.charset import decode_text

WINDOWS_LATIN = 1252

_LABELS = {
    0: "cp1252",  # the system's own page, whichever that was
    708: "iso8859-6",
    720: "cp720",
    936: "gb18030",
    1200: "utf-16-le",
    1201: "utf-16-be",
    1361: "johab",
    10000: "mac-roman",
    10006: "mac-greek",
    10007: "mac-cyrillic",
    10029: "mac-latin2",
    10079: "mac-iceland",
    10081: "mac-turkish",
    20127: "ascii",
    20866: "koi8-r",
    20932: "euc_jp",
    20936: "gb18030",
    20949: "cp949",
    21866: "koi8-u",
    38598: "iso8859-8",
    50220: "iso-2022-jp",
    50221: "iso-2022-jp",
    50222: "iso-2022-jp",
    50225: "iso2022_kr",
    50227: "gb18030",
    51932: "euc_jp",
    51936: "gb18030",
    51949: "cp949",
    52936: "hz",
    54936: "gb18030",
    65000: "utf-7",
    65001: "utf-8",
    **{28590 + part: f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
}


@lru_cache(maxsize=256)
def label_of(page: int) -> str | None:
    """Give the name of a code page that `conversion.mime.charset` and Python know; None for an unknown page."""
    label = _LABELS.get(page) or (f"cp{page:03d}" if 0 < page < 10_000 else "")
    try:
        codecs.lookup(label)
    except LookupError:
        return None
    return label


def decode_page(data: bytes, page: int) -> str:
    """Decode octets of a code page. Never raises; the cost is linear."""
    return decode_text(data, label_of(page))


def encode_page(text: str, page: int) -> bytes:
    """Encode text in a code page, windows-1252 for an unknown one; what it has no octets for becomes `?`."""
    return text.encode(label_of(page) or "cp1252", "replace")
