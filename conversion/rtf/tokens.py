"""RTF as a stream of control words, groups and text ([MSFT-RTF]): tolerant, in linear time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

_TOKEN = re.compile(
    rb"\\(?:([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|'([0-9a-fA-F]{2})|([^a-zA-Z]))|([{}])|([^\\{}\r\n]+)|[\r\n]+", re.DOTALL
)


class Kind(Enum):
    """What a token is."""

    OPEN = "{"
    CLOSE = "}"
    WORD = "word"
    """A control word: its name, and its number if it has one."""
    SYMBOL = "symbol"
    """A control symbol: its character."""
    HEX = "hex"
    """One octet of text, written as two digits: in `number`."""
    TEXT = "text"
    BINARY = "binary"
    """What stands behind \\binN."""


class Token(NamedTuple):
    """One token; `number` is None for a control word without one."""

    kind: Kind
    data: bytes = b""
    number: int | None = None


_OPEN = Token(Kind.OPEN)
_CLOSE = Token(Kind.CLOSE)


def tokens(rtf: bytes) -> Iterator[Token]:
    """Read RTF. Line ends of the source mean nothing and are passed over, as is a backslash at the very end."""
    at, end = 0, len(rtf)
    match = _TOKEN.match
    while at < end:
        found = match(rtf, at)
        if found is None:
            at += 1
            continue
        at = found.end()
        word, number, octet, symbol, brace, text = found.groups()
        if text is not None:
            yield Token(Kind.TEXT, text)
        elif word is not None:
            value = None if number is None else int(number)
            if word == b"bin" and value is not None and value > 0:
                yield Token(Kind.BINARY, rtf[at : at + value])
                at += value
            else:
                yield Token(Kind.WORD, word, value)
        elif octet is not None:
            yield Token(Kind.HEX, number=int(octet, 16))
        elif brace is not None:
            yield _OPEN if brace == b"{" else _CLOSE
        elif symbol is not None:
            yield Token(Kind.SYMBOL, symbol)
