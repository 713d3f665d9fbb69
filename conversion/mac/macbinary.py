"""MacBinary: both forks of a file in one stream behind a header of 128 octets.

It is what Exchange keeps of a file of the Macintosh, however that came ([MS-OXCMAIL] 2.1.3.4.3, 2.2.3.4.2).
Read are versions I, II and III; written is II, which all readers take.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx

from conversion.errors import ConversionError
from conversion.mac.file import MacFile, four

MACBINARY_ENCODING = bytes.fromhex("2A864886F714030B01")
"""PidTagAttachEncoding of an attachment whose data are a MacBinary stream ([MS-OXCMSG] 2.2.2.20)."""

_BLOCK = 128
_MAX_NAME = 63
_VERSION_II = 129


def read_macbinary(data: bytes) -> MacFile:
    """Take a stream apart that is said to be one; a resource fork beyond its end is cut.

    Raises ConversionError where its header cannot be that of MacBinary, or its data fork is not there.
    """
    if len(data) < _BLOCK or data[0] or data[74] or data[82] or not 1 <= data[1] <= _MAX_NAME:
        raise ConversionError("this is no MacBinary stream")
    length, resource = struct.unpack_from(">II", data, 83)
    # Before version II these octets say nothing.
    (more,) = struct.unpack_from(">H", data, 120) if data[122] >= _VERSION_II else (0,)
    start = _BLOCK + _padded(more)
    if start + length > len(data):
        raise ConversionError("this is no MacBinary stream: its data fork is not there")
    behind = start + _padded(length)
    return MacFile(
        data[2 : 2 + data[1]].decode("mac-roman"),
        data[65:69],
        data[69:73],
        data[start : start + length],
        data[behind : behind + resource],
        data[73] << 8 | data[101],
        data[75:81],
    )


def write_macbinary(file: MacFile) -> bytes:
    """Put both forks into one stream."""
    name = file.name.encode("mac-roman", "replace")[:_MAX_NAME] or b"untitled"
    header = bytearray(_BLOCK)
    header[1] = len(name)
    header[2 : 2 + len(name)] = name
    header[65:69], header[69:73] = four(file.type), four(file.creator)
    header[73], header[101] = file.flags >> 8 & 0xFF, file.flags & 0xFF
    header[75:81] = file.place[:6].ljust(6, b"\0")
    struct.pack_into(">II", header, 83, len(file.data), len(file.resource))
    header[122] = header[123] = _VERSION_II
    struct.pack_into(">H", header, 124, crc_hqx(bytes(header[:124]), 0))
    return bytes(header) + _filled(file.data) + _filled(file.resource)


def _padded(length: int) -> int:
    return -(-length // _BLOCK) * _BLOCK


def _filled(fork: bytes) -> bytes:
    return fork + bytes(_padded(len(fork)) - len(fork))
