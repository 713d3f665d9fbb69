"""Modified UTF-7, the spelling of mailbox names on the wire ([RFC3501] 5.1.3)."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64

_PIECE = re.compile(rb"([\x20-\x25\x27-\x7e]+)|&([A-Za-z0-9+,]*)-")
_PLAIN = re.compile(r"[\x20-\x7e]*")
_RUN = re.compile(r"([\x20-\x25\x27-\x7e]+)|(&)|([^\x20-\x7e]+)")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PRINTABLE = re.compile(r"[\x20-\x7e]")


class Utf7Error(ValueError):
    """Octets that are not modified UTF-7; the text says why and is fit for the wire."""


def decode(name: bytes) -> str:
    """Decode strictly: every name has one spelling only ([RFC3501] 5.1.3).

    Raises Utf7Error for octets outside printable US-ASCII, an unfinished or malformed shift, printable US-ASCII inside
    a shift, two shifts side by side, unpaired surrogates, and padding bits that are not zero.
    """
    if b"&" not in name and name.isascii() and name.decode("ascii").isprintable():
        return name.decode("ascii")
    result: list[str] = []
    position = 0
    shifted = False
    while position < len(name):
        piece = _PIECE.match(name, position)
        if piece is None:
            if name[position] == 0x26:
                raise Utf7Error("unfinished or malformed & sequence")
            raise Utf7Error(f"octet 0x{name[position]:02X} is not allowed")
        position = piece.end()
        if piece[1] is not None:
            result.append(piece[1].decode("ascii"))
            shifted = False
        elif not piece[2]:
            result.append("&")
            shifted = False
        elif shifted:
            raise Utf7Error("two & sequences side by side")
        else:
            result.append(_unshift(piece[2]))
            shifted = True
    return "".join(result)


def _unshift(text: bytes) -> str:
    """Decode the inside of `&...-`."""
    if len(text) % 4 == 1:
        raise Utf7Error("& sequence of an impossible length")
    try:
        octets = a2b_base64(text.replace(b",", b"/") + b"=" * (-len(text) % 4), strict_mode=True)
        decoded = octets.decode("utf-16-be")
    except (Base64Error, UnicodeDecodeError) as error:
        raise Utf7Error("& sequence does not hold UTF-16") from error
    if _shift(decoded) != text:
        raise Utf7Error("& sequence ends in bits that are not zero")
    if _PRINTABLE.search(decoded):
        raise Utf7Error("printable US-ASCII inside an & sequence")
    return decoded


def encode(name: str) -> bytes:
    """Encode a name; unpaired surrogates, which have no spelling, become U+FFFD ([RFC3501] 5.1.3)."""
    if "&" not in name and _PLAIN.fullmatch(name):
        return name.encode("ascii")
    result: list[bytes] = []
    for plain, ampersand, other in _RUN.findall(name):
        if plain:
            result.append(plain.encode("ascii"))
        elif ampersand:
            result.append(b"&-")
        else:
            result.append(b"&" + _shift(_SURROGATE.sub("\ufffd", other)) + b"-")
    return b"".join(result)


def _shift(text: str) -> bytes:
    return b2a_base64(text.encode("utf-16-be"), newline=False).rstrip(b"=").replace(b"/", b",")
