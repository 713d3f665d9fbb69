"""Transfer encodings taken off piece by piece, in bounded memory ([RFC2045] 6, [RFC3516] 4).

A Decoder is fed octets as they come and gives those that are decoded; however the input is cut, the output is the same.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Protocol

from conversion.mime.transfer import NOT_BASE64, PADDING, UUENCODE, decode_piece, decode_uu_line

IDENTITIES = frozenset(("7bit", "8bit", "binary", ""))
"""Encodings that change nothing ([RFC2045] 6.2)."""
_LONGEST_LINE = 8192
"""Octets without a line end after which a quoted-printable line is decoded although it goes on."""
_PREAMBLE = 64 << 10
"""Octets within which the `begin` line of uuencode must come; without it all of it is data."""
# The look-behind keeps the cost linear: a run of blanks is tried at its first one only.
_BLANKS_AT_END = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.M)


class Decoder(Protocol):
    """Takes a transfer encoding off."""

    def feed(self, data: bytes) -> bytes:
        """Take octets, and give what can be decoded by now."""
        ...

    def finish(self) -> bytes:
        """Give what is left at the end."""
        ...


class _Identity:
    """7bit, 8bit and binary."""

    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class _Base64:
    """base64, passing over what is not of its alphabet ([RFC2045] 6.8); padding ends a piece, not the data."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        clean = self._rest + data.translate(None, NOT_BASE64)
        out = []
        if b"=" in clean:
            *pieces, clean = PADDING.split(clean)
            out = [decode_piece(piece) for piece in pieces]
        whole = len(clean) & ~3
        self._rest = clean[whole:]
        out.append(binascii.a2b_base64(clean[:whole]))
        return b"".join(out)

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return decode_piece(rest)


class _QuotedPrintable:
    """quoted-printable; blanks at the end of a line were added on the way and go ([RFC2045] 6.7, rule 3)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        data = self._rest + data
        cut = data.rfind(b"\n") + 1
        if not cut and len(data) > _LONGEST_LINE:
            # A line without an end: leave back what may belong to what follows.
            cut = len(data.rstrip(b" \t\r")) or len(data)
            equals = data.rfind(b"=", max(0, cut - 2), cut)
            if equals > 0:
                cut = equals
            if len(data) - cut > _LONGEST_LINE:
                cut = len(data)
        self._rest = data[cut:]
        return _decode_qp(data[:cut])

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return _decode_qp(rest)


def _decode_qp(data: bytes) -> bytes:
    return binascii.a2b_qp(_BLANKS_AT_END.sub(b"", data))


class _Uuencode:
    """uuencode, with or without its `begin` line; lines that cannot be decoded are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        if self._ended:
            return b""
        self._rest += data
        if not self._begun and not self._begin():
            return b""
        return self._lines(final=False)

    def finish(self) -> bytes:
        if self._ended:
            return b""
        if not self._begun:
            self._begin()
        return self._lines(final=True)

    def _begin(self) -> bool:
        """Look for the `begin` line; whether decoding can start."""
        found = _UU_BEGIN.search(self._rest, 0, _PREAMBLE)
        if found is not None:
            self._rest = self._rest[found.end() :]
        elif len(self._rest) < _PREAMBLE:
            return False
        self._begun = True
        return True

    def _lines(self, *, final: bool) -> bytes:
        data = self._rest
        cut = len(data) if final or len(data) - data.rfind(b"\n") > _LONGEST_LINE else data.rfind(b"\n") + 1
        self._rest = data[cut:]
        out = []
        for line in data[:cut].splitlines():
            if line == b"end":
                self._ended = True
                break
            if line:
                out.append(decode_uu_line(line))
        return b"".join(out)


def decoder(encoding: str) -> Decoder | None:
    """Give a decoder for a transfer encoding in lower case, None for one that is not known ([RFC2045] 6.4)."""
    if encoding in IDENTITIES:
        return _Identity()
    if encoding == "base64":
        return _Base64()
    if encoding == "quoted-printable":
        return _QuotedPrintable()
    if encoding in UUENCODE:
        return _Uuencode()
    return None


def decode(data: bytes, encoding: str) -> bytes | None:
    """Decode octets that are all at hand; None for an unknown encoding."""
    if encoding in IDENTITIES:
        return data
    made = decoder(encoding)
    return None if made is None else made.feed(data) + made.finish()


def decode_pieces(pieces: Iterable[bytes], made: Decoder) -> Iterator[bytes]:
    """Decode what comes in pieces, empty results left out."""
    for piece in pieces:
        if out := made.feed(piece):
            yield out
    if out := made.finish():
        yield out
