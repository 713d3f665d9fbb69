"""TNEF streams put together octet by octet, from the grammar of [MS-OXTNEF] 2.1.3.2 and 2.1.3.4, without our writer."""

from __future__ import annotations

import struct
from uuid import UUID

from tests.support.corpora import CORPORA

SAMPLES = CORPORA / "tnef" / "mimekit" / "UnitTests" / "TestData" / "tnef"

HEADER = bytes.fromhex("789F3E22 0100")
VERSION_DATA = bytes.fromhex("00000100")


def attribute(level: int, identifier: int, data: bytes, *, checksum: int | None = None) -> bytes:
    total = sum(data) & 0xFFFF if checksum is None else checksum
    return struct.pack("<BII", level, identifier, len(data)) + data + struct.pack("<H", total)


def message(identifier: int, data: bytes) -> bytes:
    return attribute(1, identifier, data)


def attachment(identifier: int, data: bytes) -> bytes:
    return attribute(2, identifier, data)


def stream(*attributes: bytes, page: int | None = 1252) -> bytes:
    codepage = b"" if page is None else message(0x00069007, struct.pack("<II", page, 0))
    return HEADER + message(0x00089006, VERSION_DATA) + codepage + b"".join(attributes)


def rendering(kind: int = 1, position: int = -1, flags: int = 0) -> bytes:
    return attachment(0x00069002, struct.pack("<HihhI", kind, position, 32, 32, flags))


def padded(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)


def wide(text: str) -> bytes:
    return padded((text + "\0").encode("utf-16-le"))


def tag(kind: int, identifier: int) -> bytes:
    return struct.pack("<HH", kind, identifier)


def numbered(kind: int, space: UUID, lid: int, identifier: int = 0x8000) -> bytes:
    return tag(kind, identifier) + space.bytes_le + struct.pack("<II", 0, lid)


def named(kind: int, space: UUID, name: str, identifier: int = 0x8001) -> bytes:
    return tag(kind, identifier) + space.bytes_le + struct.pack("<I", 1) + wide(name)


def one(value: bytes) -> bytes:
    """A value of variable length, alone."""
    return struct.pack("<I", 1) + padded(value)


def properties(*items: bytes) -> bytes:
    return struct.pack("<I", len(items)) + b"".join(items)


def date(*parts: int) -> bytes:
    return struct.pack("<7H", *parts)


def nested(depth: int) -> bytes:
    """Messages within messages."""
    data = stream(message(0x00018004, b"innermost\0"))
    for _ in range(depth):
        item = tag(0x0D, 0x3701) + one(UUID("00020307-0000-0000-C000-000000000046").bytes_le + data)
        data = stream(rendering(), attachment(0x00069005, properties(item)))
    return data


def hostile() -> list[bytes]:
    """Counts and lengths that promise what does not come: each is a few dozen octets."""
    huge = b"\xff\xff\xff\xff"
    return [
        HEADER + struct.pack("<BII", 1, 0x00069003, 0xFFFFFFFF),
        HEADER + struct.pack("<BII", 1, 0x00069003, 0x7FFFFFF0) + huge + tag(0x1003, 0x1234) + huge + bytes(22),
        stream(message(0x00069003, huge + tag(0x1003, 1) + huge)),
        stream(message(0x00069003, huge + tag(0x101F, 1) + huge + huge)),
        stream(message(0x00069003, huge + tag(0x0102, 1) + huge + bytes(8))),
        stream(message(0x00069003, huge + tag(0x0001, 1) * 9)),
        stream(message(0x00069004, huge + bytes(40))),
        stream(message(0x00069003, properties(named(0x1F, UUID(int=0), "x")[:-8] + huge))),
        stream(rendering(), attachment(0x00069005, properties(tag(0x0D, 0x3701) + struct.pack("<II", 1, 3) + b"abc"))),
        stream(attachment(0x0006800F, b"data")),
        stream(message(0x00008000, struct.pack("<4H", 4, 0xFFFF, 0xFFFF, 0xFFFF))),
        stream(message(0x00060000, b"\xff\xff")),
        stream(message(0x00038005, b"\xff" * 14), message(0x00038006, bytes(14))),
        nested(40),
    ]
