"""The frame of a TNEF stream: its attributes one behind the other ([MS-OXTNEF] 2.1.3, 2.1.3.1 and 2.1.3.2).

    u32      signature                  u8       level: 1 message, 2 attachment
    u16      key, any number            u32      identifier
    attributes, to the end              u32      length of the data
                                        octets   the data
                                        u16      checksum: the sum of the data's octets

All numbers are little-endian. The attributes have the names and numbers of [MS-OXTNEF] 2.1.3.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple
from zlib import adler32

from conversion.errors import ConversionError
from conversion.receipt import Receipt

SIGNATURE: Final = 0x223E9F78
VERSION: Final = 0x00010000
"""The value of attTnefVersion ([MS-OXTNEF] 2.1.3.3.1)."""

MESSAGE: Final = 1
ATTACHMENT: Final = 2

# Attributes of a message.
attTnefVersion: Final = 0x00089006
attOemCodepage: Final = 0x00069007
attFrom: Final = 0x00008000
attSubject: Final = 0x00018004
attDateSent: Final = 0x00038005
attDateRecd: Final = 0x00038006
attMessageStatus: Final = 0x00068007
attMessageClass: Final = 0x00078008
attMessageID: Final = 0x00018009
attParentID: Final = 0x0001800A
attConversationID: Final = 0x0001800B
attBody: Final = 0x0002800C
attPriority: Final = 0x0004800D
attDateModified: Final = 0x00038020
attOriginalMessageClass: Final = 0x00070006
attOwner: Final = 0x00060000
attSentFor: Final = 0x00060001
attDelegate: Final = 0x00060002
attDateStart: Final = 0x00030006
attDateEnd: Final = 0x00030007
attAidOwner: Final = 0x00050008
attRequestRes: Final = 0x00040009
attMsgProps: Final = 0x00069003
attRecipTable: Final = 0x00069004

# Attributes of an attachment.
attAttachRendData: Final = 0x00069002
attAttachData: Final = 0x0006800F
attAttachTitle: Final = 0x00018010
attAttachMetaFile: Final = 0x00068011
attAttachCreateDate: Final = 0x00038012
attAttachModifyDate: Final = 0x00038013
attAttachTransportFilename: Final = 0x00069001
attAttachment: Final = 0x00069005

NAMES: Final = {value: name for name, value in list(globals().items()) if name.startswith("att")}
_TWISTED = {0x00070600: attOriginalMessageClass}
"""An identifier that the document and some writers have with two octets exchanged."""
_UNRELIABLE = frozenset((attMessageClass, attOriginalMessageClass))
"""Attributes whose checksum old writers got wrong: it is not looked at ([MS-OXTNEF] 2.3.3.4)."""

MAX_ATTRIBUTES: Final = 100_000
"""Attributes of one stream: enough for ten thousand attachments."""

_HEADER = struct.Struct("<IH")
_FRAME = struct.Struct("<BII")
_SUM = struct.Struct("<H")
_PIECE = 256
"""Octets whose sum is below adler32's modulus, 65521, whatever they are."""


class Attribute(NamedTuple):
    """One attribute of a stream."""

    level: int
    id: int
    data: memoryview

    @property
    def name(self) -> str:
        """Its name in [MS-OXTNEF]; its number where it has none there."""
        return NAMES.get(self.id) or f"attribute {self.id:#010x}"


def checksum(data: bytes | memoryview) -> int:
    """Sum the octets of an attribute's data, modulo 65536 ([MS-OXTNEF] 2.1.3.2).

    The lower half of adler32 is one more than the sum of its input, as long as that is below its modulus. This is ten
    times as fast as `sum`, and with messages within messages all octets are summed once a level.
    """
    pieces = range(0, len(data), _PIECE)
    return (sum([adler32(data[at : at + _PIECE]) & 0xFFFF for at in pieces]) - len(pieces)) & 0xFFFF


def read_attributes(stream: memoryview, receipt: Receipt) -> Iterator[Attribute]:
    """Yield the attributes of a stream, up to its end or to what cannot be one.

    Checksums that are wrong, an attribute cut short (it is yielded with what there is) and what stands behind the last
    one are noted. ConversionError without a signature.
    """
    size = len(stream)
    if size < _HEADER.size or _HEADER.unpack_from(stream)[0] != SIGNATURE:
        raise ConversionError("not a TNEF stream")
    at = _HEADER.size
    count = 0
    while at < size:
        if count == MAX_ATTRIBUTES:
            receipt.dropped(f"octet {at}", f"what follows {MAX_ATTRIBUTES} attributes")
            return
        count += 1
        if size - at < _FRAME.size:
            if any(stream[at:]):
                receipt.dropped(f"octet {at}", f"{size - at} octets behind the last attribute")
            return
        level, identifier, length = _FRAME.unpack_from(stream, at)
        if level not in (MESSAGE, ATTACHMENT):
            receipt.dropped(f"octet {at}", f"{size - at} octets that are no attribute")
            return
        start = at + _FRAME.size
        data = stream[start : start + length]
        attribute = Attribute(level, _TWISTED.get(identifier, identifier), data)
        at = start + length
        if at + _SUM.size > size:
            receipt.altered(attribute.name, f"the stream ends within it: {len(data)} of {length} octets")
        elif attribute.id not in _UNRELIABLE and _SUM.unpack_from(stream, at)[0] != checksum(data):
            receipt.guessed(attribute.name, "its checksum is wrong; it was taken as it is")
        yield attribute
        at += _SUM.size


def stream_header(key: int) -> bytes:
    """Give what a stream begins with."""
    return _HEADER.pack(SIGNATURE, key & 0xFFFF)


def write_attribute(level: int, identifier: int, data: bytes) -> tuple[bytes, bytes, bytes]:
    """Frame an attribute: what stands before its data, the data, and the checksum."""
    return _FRAME.pack(level, identifier, len(data)), data, _SUM.pack(checksum(data))
