"""Content-Transfer-Encoding: decoding that never fails ([RFC2045] 6)."""

from __future__ import annotations

import binascii
import re

NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
PADDING = re.compile(rb"=+")
_PIECE = re.compile(rb"[^=]+")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.M)
UUENCODE = frozenset(("x-uuencode", "uuencode", "x-uue", "uue"))


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Decode the body of a part; an unknown encoding leaves it as it is ([RFC2045] 6.4)."""
    if encoding == "base64":
        return decode_base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    if encoding in UUENCODE:
        return decode_uu(data)
    return data


def decode_base64(data: bytes) -> bytes:
    """Decode base64, passing over all that is not of its alphabet and mending the padding ([RFC2045] 6.8).

    Padding inside the data, as where two encoded pieces were joined, ends a piece and not the data.
    """
    clean = data.translate(None, NOT_BASE64)
    body = clean.rstrip(b"=")
    if b"=" in body:
        out = bytearray()
        for piece in _PIECE.finditer(body):
            out += decode_piece(piece[0])
        return bytes(out)
    return decode_piece(body)


def decode_piece(piece: bytes) -> bytes:
    """Decode base64 that is clean but for its padding, which is missing; an octet too many is passed over."""
    rest = len(piece) % 4
    if rest == 1:
        piece = piece[:-1]
    elif rest:
        piece += b"=" * (4 - rest)
    return binascii.a2b_base64(piece)


def decode_uu(data: bytes) -> bytes:
    """Decode a uuencoded body, with or without its `begin` line; lines that cannot be decoded are passed over."""
    begin = _UU_BEGIN.search(data)
    out: list[bytes] = []
    for line in data[begin.end() if begin else 0 :].splitlines():
        if line == b"end":
            break
        if line:
            out.append(decode_uu_line(line))
    return b"".join(out)


def decode_uu_line(line: bytes) -> bytes:
    """Decode one line of uuencode; empty if it cannot be."""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    # Some encoders write blanks after the data; the length octet tells how much counts.
    wanted = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[:wanted])
    except binascii.Error:
        return b""
