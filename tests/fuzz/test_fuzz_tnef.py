"""Damaged TNEF and compressed RTF: nothing but ConversionError, bounded output, what is read can be written again."""

from __future__ import annotations

import struct

from conversion.errors import ConversionError
from conversion.receipt import Receipt
from conversion.rtf.lzfu import compress, decompress
from conversion.tnef.merging import encapsulated
from conversion.tnef.reader import read_tnef
from conversion.tnef.transmittable import Part, carried
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.bag import encode_bag
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyTag
from tests.fuzz.damage import try_damaged
from tests.support.tnef import (
    SAMPLES,
    attachment,
    date,
    hostile,
    message,
    named,
    nested,
    one,
    properties,
    rendering,
    tag,
    wide,
)
from tests.support.tnef import stream as made

_LONGEST = 20_000
_RTF = compress(rb"{\rtf1\ansi\deff0 " + b"Times New Roman " * 20 + bytes(range(256)) + b"}")
_LISTED = properties(
    tag(0x1F, 0x0037) + struct.pack("<I", 1) + wide("subject"),
    tag(0x1E, 0x1000) + one(b"b\xf6dy\0"),
    tag(0x0102, 0x1009) + one(_RTF),
    tag(0x101F, 0x1234) + struct.pack("<I", 2) + wide("a") + wide("bc"),
    tag(0x1002, 0x1235) + struct.pack("<I", 2) + bytes(8),
    named(0x101F, tags.PS_PUBLIC_STRINGS, "Keywords") + struct.pack("<I", 1) + wide("k"),
    tag(0x48, 0x1236) + bytes(16),
)
SEEDS = [
    made(
        message(0x00078008, b"IPM.Microsoft Schedule.MtgReq\0"),
        message(0x00008000, struct.pack("<4H", 4, 31, 4, 11) + b"Ann\0SMTP:a@b.c\0" + bytes(8)),
        message(0x00060000, struct.pack("<H4sH11s", 4, b"Ann\0", 11, b"SMTP:a@b.c\0")),
        message(0x00038005, date(2004, 2, 17, 11, 25, 35, 2)),
        message(0x00069004, struct.pack("<I", 1) + properties(tag(3, 0x0C15) + b"\1\0\0\0")),
        message(0x00069003, _LISTED),
        rendering(),
        attachment(0x0006800F, b"data"),
        attachment(0x00018010, b"name.txt\0"),
        attachment(0x00069005, properties(tag(3, 0x3705) + b"\1\0\0\0")),
    ),
    nested(3),
    nested(33),
    _RTF,
    *hostile(),
]


def seeds() -> list[bytes]:
    """The seeds, and the samples that are short enough."""
    return SEEDS + [data for path in sorted(SAMPLES.glob("*.tnef")) if len(data := path.read_bytes()) <= _LONGEST]


def numbered(bag: PropertyBag) -> dict[int, object]:
    """Give named properties the identifiers that a mailbox would."""
    return {
        key if isinstance(key, PropertyTag) else PropertyTag.of(0x8000 + number % 0x7FFF, key.type): value
        for number, (key, value) in enumerate(bag.items())
    }


def check_content(content: MessageContent, depth: int = 0) -> None:
    """Every value fits its type; the depth has an end."""
    assert depth <= 30
    for bag in (content.properties, *(item.properties for item in (*content.recipients, *content.attachments))):
        encode_bag(numbered(bag))
    for item in content.attachments:
        if isinstance(item.data, MessageContent):
            check_content(item.data, depth + 1)


def check(data: bytes) -> object:
    """Try one input, as a stream and as compressed RTF."""
    try:
        rtf = decompress(data, limit=100_000)
    except ConversionError:
        pass
    else:
        assert len(rtf) <= min(100_000, 8 * len(data) + 17)
        assert decompress(compress(rtf)) == rtf
    receipt = Receipt()
    try:
        content = read_tnef(data, receipt=receipt)
    except ConversionError:
        return None
    check_content(content)
    encapsulated(content)
    written = Receipt()
    again = read_tnef(write_tnef(content, receipt=written, recipients=True))
    if not written.count:
        kept = carried(content.properties, Part.EMBEDDED)
        assert {key: repr(again.properties.get(key)) for key in kept} == {key: repr(kept[key]) for key in kept}
        assert len(again.attachments) == len(content.attachments)
    return tuple(sorted({str(note).partition(":")[2][:30] for note in receipt}))[:4]


def test_damaged_streams() -> None:
    try_damaged(check, SEEDS, 250)
