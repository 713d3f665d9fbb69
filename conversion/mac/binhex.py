"""BinHex 4.0, application/mac-binhex40 ([RFC1741] A): both forks of a file as text."""

from __future__ import annotations

import re
import struct
from binascii import crc_hqx

from conversion.errors import ConversionError
from conversion.mac.file import MacFile
from conversion.receipt import Receipt

MAX_SIZE = 64 * 1024 * 1024
"""Octets that a file may have."""
MAX_GAIN = 8
"""How many times as long as what it is made of a file may be, and _LEAST more: runs of one octet are written so short
that a small text could be a huge file."""
_LEAST = 1_000

_ALPHABET = b"!\"#$%&'()*" + b"+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64 = bytes.maketrans(_ALPHABET, _BASE64)
_OTHERS = bytes(set(range(256)) - set(_ALPHABET))
_BEGIN = re.compile(rb"(?:^|[\r\n])[ \t]*:")
_RUN = re.compile(rb"\x90")


def read_binhex(text: bytes, *, receipt: Receipt | None = None) -> MacFile:
    """Read a file. Raises ConversionError where there is none; a checksum that is wrong is noted."""
    receipt = receipt or Receipt()
    begin = _BEGIN.search(text)
    if begin is None:
        raise ConversionError("this is no BinHex file: no line begins with a colon")
    end = text.find(b":", begin.end())
    if end < 0:
        receipt.guessed("BinHex", "the end is missing; what is there was taken")
        end = len(text)
    content = _expanded(_octets(text[begin.end() : end]))
    length = content[0] if content else 0
    if not 1 <= length <= 63 or len(content) < length + 22:
        raise ConversionError("this is no BinHex file: its header is cut short")
    name = content[1 : 1 + length].decode("mac-roman")
    head = length + 2
    kind, creator, flags, data_length, resource_length = struct.unpack_from(">4s4sHII", content, head)
    header_end = head + 18
    _check(content[:header_end], content[header_end : header_end + 2], "header", receipt)
    start = header_end + 2
    data = content[start : start + data_length]
    _check(data, content[start + data_length : start + data_length + 2], "data fork", receipt)
    start += data_length + 2
    resource = content[start : start + resource_length]
    _check(resource, content[start + resource_length : start + resource_length + 2], "resource fork", receipt)
    if len(data) < data_length or len(resource) < resource_length:
        receipt.dropped("BinHex", "the file is cut short")
    return MacFile(name, kind, creator, data, resource, flags)


def _check(octets: bytes, crc: bytes, place: str, receipt: Receipt) -> None:
    if len(crc) < 2 or crc_hqx(octets, 0) != int.from_bytes(crc):
        receipt.guessed(f"BinHex, {place}", "the checksum is wrong or missing")


def _octets(text: bytes) -> bytes:
    """Turn the 6-bit characters into octets: it is base64 with other letters."""
    from base64 import b64decode

    plain = text.translate(_TO_BASE64, _OTHERS)
    cut = len(plain) % 4
    if cut == 1:
        plain, cut = plain[:-1], 0
    return b64decode(plain + b"A" * (-len(plain) % 4))[: len(plain) * 3 // 4]


def _expanded(octets: bytes) -> bytes:
    """Undo the runs: 0x90 and a count repeat the octet before, 0x90 and 0 are one octet 0x90 ([RFC1741] A)."""
    out = bytearray()
    at = 0
    most = min(MAX_SIZE, MAX_GAIN * len(octets) + _LEAST)
    for match in _RUN.finditer(octets):
        mark = match.start()
        if mark < at:
            continue
        out += octets[at:mark]
        at = mark + 2
        count = octets[mark + 1] if mark + 1 < len(octets) else 0
        if count == 0:
            out.append(0x90)
        elif out:
            out += out[-1:] * (count - 1)
        if len(out) > most:
            raise ConversionError("the BinHex file is larger than any that is read")
    out += octets[at:]
    return bytes(out)
