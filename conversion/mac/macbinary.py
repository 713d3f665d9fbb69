"""MacBinary: both forks of a file in one stream behind a header of 128 octets.

It is what Exchange keeps of a file of the Macintosh, however that came ([MS-OXCMAIL] 2.2.3.4.2).
Read are versions I, II and III; written is II, which all readers take.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx

from conversion.errors import ConversionError
from conversion.mac.file import MacFile, four

_BLOCK = 128
_MAX_NAME = 63


def is_macbinary(data: bytes) -> bool:
    """Tell whether octets begin with a header whose fields agree with one another and with the length."""
    if len(data) < _BLOCK or data[0] or data[74] or not 1 <= data[1] <= _MAX_NAME:
        return False
    is_sure = data[102:106] == b"mBIN" or crc_hqx(data[:124], 0) == int.from_bytes(data[124:126])
    if not is_sure and any(data[99:128]):
        return False
    length, resource = struct.unpack_from(">II", data, 83)
    needed = _padded(length) + resource if resource else length
    # Version I has nothing that a file of other octets could not have; there an empty file is none.
    return bool(needed <= len(data) - _BLOCK and (needed or is_sure))


def read_macbinary(data: bytes) -> MacFile:
    """Take a stream apart. Raises ConversionError for what is none."""
    if not is_macbinary(data):
        raise ConversionError("this is no MacBinary stream")
    length, resource = struct.unpack_from(">II", data, 83)
    (more,) = struct.unpack_from(">H", data, 120)
    start = _BLOCK + _padded(more)
    behind = start + _padded(length)
    return MacFile(
        data[2 : 2 + data[1]].decode("mac-roman"),
        data[65:69],
        data[69:73],
        data[start : start + length],
        data[behind : behind + resource],
        data[73] << 8 | data[101],
    )


def write_macbinary(file: MacFile) -> bytes:
    """Put both forks into one stream."""
    name = file.name.encode("mac-roman", "replace")[:_MAX_NAME] or b"untitled"
    header = bytearray(_BLOCK)
    header[1] = len(name)
    header[2 : 2 + len(name)] = name
    header[65:69], header[69:73] = four(file.type), four(file.creator)
    header[73], header[101] = file.flags >> 8 & 0xFF, file.flags & 0xFF
    struct.pack_into(">II", header, 83, len(file.data), len(file.resource))
    header[122] = header[123] = 129
    struct.pack_into(">H", header, 124, crc_hqx(bytes(header[:124]), 0))
    return bytes(header) + _filled(file.data) + _filled(file.resource)


def _padded(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK


def _filled(fork: bytes) -> bytes:
    return fork + bytes(_padded(len(fork)) - len(fork))
