"""A writer of BinHex 4.0 for tests: there is none in the product."""

from __future__ import annotations

import struct
from binascii import crc_hqx

from conversion.mac.file import MacFile

LETTERS = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"


def binhex(file: MacFile, *, spoil: bool = False) -> bytes:
    """Write BinHex 4.0, by the words of [RFC1741] A and without runs but for the octet that marks them."""
    name = file.name.encode("mac-roman")
    head = bytes((len(name),)) + name + b"\0"
    head += struct.pack(">4s4sHII", file.type, file.creator, file.flags, len(file.data), len(file.resource))
    plain = b"".join(part + struct.pack(">H", crc_hqx(part, 0) ^ spoil) for part in (head, file.data, file.resource))
    plain = plain.replace(b"\x90", b"\x90\0")
    bits = "".join(f"{octet:08b}" for octet in plain)
    bits += "0" * (-len(bits) % 6)
    text = bytes(LETTERS[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))
    lines = b"\r\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return b"(This file must be converted with BinHex 4.0)\r\n\r\n:" + lines + b":\r\n"
