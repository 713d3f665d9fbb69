"""Files of a Macintosh: the MacBinary stream that an attachment holds, and the AppleDouble header that MIME has
([MS-OXCMAIL] 2.1.3.4.3, [RFC1740])."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MACBINARY_ENCODING = bytes.fromhex("2A864886F714030B01")
"""PidTagAttachEncoding of an attachment whose data are a MacBinary stream ([MS-OXCMSG] 2.2.2.20)."""

_HEADER = 128
_DOUBLE_MAGIC, _DOUBLE_VERSION = 0x00051607, 0x00020000
_RESOURCE, _NAME, _FINDER = 2, 3, 9  # entries of AppleDouble ([RFC1740] B)


@dataclass(frozen=True, slots=True)
class MacFile:
    """A file with its two forks."""

    name: bytes
    """In the script of the machine, at most 63 octets."""
    finder: bytes
    """Finder information, 32 octets: type, creator, flags, place, and zeros."""
    data: bytes
    resource: bytes


def read_macbinary(stream: bytes) -> MacFile | None:
    """Take a MacBinary stream apart; None for what is none. Lengths beyond the stream are cut."""
    if len(stream) < _HEADER or stream[0] or stream[74] or stream[82] or not 1 <= stream[1] <= 63:
        return None
    data_length, resource_length = struct.unpack_from(">II", stream, 83)
    data_end = _HEADER + data_length
    if data_end > len(stream):
        return None
    resource_start = data_end + -data_length % _HEADER
    finder = stream[65:73] + stream[73:74] + stream[101:102] + stream[75:81]
    return MacFile(
        stream[2 : 2 + stream[1]],
        finder.ljust(32, b"\0"),
        stream[_HEADER:data_end],
        stream[resource_start : resource_start + resource_length],
    )


def apple_double_header(file: MacFile) -> bytes:
    """Make the application/applefile part: name, Finder information and resource fork ([RFC1740] 4, B)."""
    entries = [(_NAME, file.name), (_FINDER, file.finder), (_RESOURCE, file.resource)]
    at = 26 + 12 * len(entries)
    out = [struct.pack(">II16sH", _DOUBLE_MAGIC, _DOUBLE_VERSION, b"", len(entries))]
    for kind, content in entries:
        out.append(struct.pack(">III", kind, at, len(content)))
        at += len(content)
    return b"".join([*out, *(content for _, content in entries)])
