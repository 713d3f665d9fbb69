"""SASLprep ([RFC4013]): how names are made alike before they are compared.

Code points that Unicode 3.2 did not know pass, as in any string that is only looked for ([RFC4013] 2.5).
"""

from __future__ import annotations

import stringprep
import unicodedata

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)
"""[RFC4013] 2.3."""


def saslprep(text: str) -> str | None:
    """Prepare a string; None: it has characters that are not allowed."""
    if text.isascii():
        return text if text.isprintable() else None
    mapped = "".join(" " if stringprep.in_table_c12(c) else c for c in text if not stringprep.in_table_b1(c))
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if any(prohibited(c) for c in prepared for prohibited in _PROHIBITED) or not _is_bidirectional(prepared):
        return None
    return prepared


def _is_bidirectional(text: str) -> bool:
    """Tell whether a string has one direction, and where that is right to left, at both of its ends ([RFC3454] 6)."""
    if not any(map(stringprep.in_table_d1, text)):
        return True
    return (
        stringprep.in_table_d1(text[0])
        and stringprep.in_table_d1(text[-1])
        and not any(map(stringprep.in_table_d2, text))
    )
