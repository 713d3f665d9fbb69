"""AppleSingle and AppleDouble ([RFC1740]): entries of a file side by side, the data fork among them or apart."""

from __future__ import annotations

import struct

from conversion.errors import ConversionError
from conversion.mac.file import BLANK, MacFile, four

_SINGLE, _DOUBLE = 0x00051600, 0x00051607
_DATA_FORK, _RESOURCE_FORK, _REAL_NAME, _FINDER = 1, 2, 3, 9
_MAX_ENTRIES = 100
_FINDER_SIZE = 32
"""Octets of Finder information ([RFC1740] B)."""


def read_applefile(header: bytes, data: bytes | None = None) -> MacFile:
    """Read a file: AppleSingle, or the header of AppleDouble with its data fork ([RFC1740] A, B).

    Raises ConversionError for what is neither; entries that lie outside of the file are passed over.
    """
    if len(header) < 26 or int.from_bytes(header[:4]) not in (_SINGLE, _DOUBLE):
        raise ConversionError("this is no AppleSingle or AppleDouble file")
    entries: dict[int, bytes] = {}
    count = min(int.from_bytes(header[24:26]), _MAX_ENTRIES)
    for place in range(26, min(26 + 12 * count, len(header) - 11), 12):
        kind, start, length = struct.unpack_from(">III", header, place)
        if start + length <= len(header):
            entries.setdefault(kind, header[start : start + length])
    finder = entries.get(_FINDER, b"")
    return MacFile(
        entries.get(_REAL_NAME, b"").decode("mac-roman")[:255],
        finder[:4] if len(finder) >= 8 else BLANK,
        finder[4:8] if len(finder) >= 8 else BLANK,
        entries.get(_DATA_FORK, b"") if data is None else data,
        entries.get(_RESOURCE_FORK, b""),
        int.from_bytes(finder[8:10]) if len(finder) >= 10 else 0,
        finder[10:16].ljust(6, b"\0"),
    )


def write_appledouble_header(file: MacFile) -> bytes:
    """Write all but the data fork: the part application/applefile of multipart/appledouble ([RFC1740] 4, B)."""
    known = four(file.type) + four(file.creator) + struct.pack(">H", file.flags & 0xFFFF) + file.place
    entries = [
        (_REAL_NAME, file.name.encode("mac-roman", "replace")[:255]),
        (_FINDER, known[:_FINDER_SIZE].ljust(_FINDER_SIZE, b"\0")),
        (_RESOURCE_FORK, file.resource),
    ]
    table, body = b"", b""
    start = 26 + 12 * len(entries)
    for kind, value in entries:
        table += struct.pack(">III", kind, start + len(body), len(value))
        body += value
    return struct.pack(">II16xH", _DOUBLE, 0x00020000, len(entries)) + table + body
