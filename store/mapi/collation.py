"""How texts compare: the collations of the registry of [RFC4790] that this server knows.

Each is a function that makes of a text what is compared in its place: two texts are equal, one is contained in the
other, or comes before it, as the prepared texts are, octet by octet in UTF-8 or, which is the same, character by
character. All three give an order and find parts of strings ([RFC4790] 4.2.2 to 4.2.4, as [RFC5255] 4.4 asks).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from unicodedata import decomposition

UNICODE_CASEMAP: Final = "i;unicode-casemap"
ASCII_CASEMAP: Final = "i;ascii-casemap"
OCTET: Final = "i;octet"

_DEPTH = 20
"""Steps of decomposition: far more than any character needs."""


class _Prepared(dict[int, str]):
    """What each character becomes, worked out when it is first met ([RFC5051] 2, step 2)."""

    def __missing__(self, character: int) -> str:
        title = chr(character).title()
        # Titles of several characters are not in UnicodeData.txt, which knows one for one alone.
        made = _decompose(title if len(title) == 1 else chr(character), _DEPTH)
        self[character] = made
        return made


def _decompose(character: str, depth: int) -> str:
    """Replace a character by its decomposition of any kind, and those again."""
    parts = [part for part in decomposition(character).split() if not part.startswith("<")]
    if not parts or not depth:
        return character
    return "".join([_decompose(chr(int(part, 16)), depth - 1) for part in parts])


_prepared = _Prepared()
_LOWER_TO_UPPER = {ord(lower): lower.upper() for lower in "abcdefghijklmnopqrstuvwxyz"}


def unicode_casemap(text: str) -> str:
    """Prepare a text for i;unicode-casemap ([RFC5051] 2): titlecase, then compatibility decomposition."""
    return text.upper() if text.isascii() else text.translate(_prepared)


def ascii_casemap(text: str) -> str:
    """Prepare a text for i;ascii-casemap ([RFC4790] 9.2): the 26 letters in upper case."""
    return text.upper() if text.isascii() else text.translate(_LOWER_TO_UPPER)


def octet(text: str) -> str:
    """Prepare a text for i;octet ([RFC4790] 9.3): as it is."""
    return text


COLLATIONS: Final[dict[str, Callable[[str], str]]] = {
    UNICODE_CASEMAP: unicode_casemap,
    ASCII_CASEMAP: ascii_casemap,
    OCTET: octet,
}
"""By name; the widely useful first ([RFC4790] 3.2). Whatever two texts match by one matches by those before it."""
