"""How values lie in a message file, looked at by olefile: not by what our own reader takes for the same."""

from __future__ import annotations

import io
import struct

import olefile
import pytest

from conversion.msg.writer import write_msg
from store.mapi import tags
from store.mapi.message import MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyBag, PropertyTag

LONGS = PropertyTag(0x66F01003)
STRINGS = PropertyTag(0x66F1101F)
BLOBS = PropertyTag(0x66F21102)


def streams(properties: PropertyBag, *recipients: RecipientRow) -> dict[str, bytes]:
    content = MessageContent({tags.PidTagMessageClass: "IPM.Note", **properties}, recipients)
    with olefile.OleFileIO(io.BytesIO(write_msg(content))) as file:
        return {"/".join(path): file.openstream(path).read() for path in file.listdir()}


def rows(stream: bytes, header: int) -> dict[int, tuple[int, bytes]]:
    """Tag -> flags and the 8 octets of the value."""
    assert (len(stream) - header) % 16 == 0
    return {tag: (flags, value) for tag, flags, value in struct.iter_unpack("<II8s", stream[header:])}


@pytest.mark.parametrize(
    ("tag", "value", "octets"),
    [
        (tags.PidTagImportance, 2, struct.pack("<q", 2)),
        (tags.PidTagReadReceiptRequested, True, struct.pack("<q", 1)),
        (tags.PidTagClientSubmitTime, 0x01D0_1234_5678_9ABC, struct.pack("<Q", 0x01D0_1234_5678_9ABC)),
    ],
)
def test_values_of_a_fixed_length_are_in_their_row(tag: PropertyTag, value: int, octets: bytes) -> None:
    """[MS-OXMSG] 2.1.2, 2.4.2.1, 2.4.2.1.1"""
    found = streams({tag: value})
    assert rows(found["__properties_version1.0"], 32)[tag][1] == octets
    assert f"__substg1.0_{tag:08X}" not in found


def test_other_values_have_a_stream_whose_length_is_in_the_row() -> None:
    """[MS-OXMSG] 2.4.2, 2.4.2.2: of a string with room for its NUL, which is not in the stream."""
    found = streams({tags.PidTagSubject: "Größe", tags.PidTagSearchKey: b"key"})
    table = rows(found["__properties_version1.0"], 32)
    for tag, octets, more in ((tags.PidTagSubject, "Größe".encode("utf-16-le"), 2), (tags.PidTagSearchKey, b"key", 0)):
        assert found[f"__substg1.0_{tag:08X}"] == octets
        assert struct.unpack("<I", table[tag][1][:4]) == (len(octets) + more,)
        assert table[tag][0] & 6 == 6  # readable and writable


def test_many_values() -> None:
    """[MS-OXMSG] 2.1.4, 2.1.4.1, 2.1.4.2.1: one stream of fixed ones, else lengths and a stream for each."""
    found = streams({LONGS: (1, 2, 3), STRINGS: ("a", "bc"), BLOBS: (b"x", b"yz")})
    assert found[f"__substg1.0_{LONGS:08X}"] == struct.pack("<3I", 1, 2, 3)
    assert found[f"__substg1.0_{STRINGS:08X}"] == struct.pack("<2I", 4, 6)
    assert found[f"__substg1.0_{STRINGS:08X}-00000000"].removesuffix(b"\0\0") == "a".encode("utf-16-le")
    assert found[f"__substg1.0_{STRINGS:08X}-00000001"].removesuffix(b"\0\0") == "bc".encode("utf-16-le")
    assert found[f"__substg1.0_{BLOBS:08X}"] == struct.pack("<IIII", 1, 0, 2, 0)
    assert found[f"__substg1.0_{BLOBS:08X}-00000001"] == b"yz"


def test_headers_of_the_rows() -> None:
    """[MS-OXMSG] 2.3, 2.4, 2.4.1.1, 2.4.1.3: next numbers and counts for the message, 8 octets for recipients."""
    row = RecipientRow(RecipientType.TO, {tags.PidTagRecipientType: 1, tags.PidTagDisplayName: "Ann"})
    found = streams({}, row, row)
    assert found["__properties_version1.0"][:32] == struct.pack("<8xIIII8x", 2, 0, 2, 0)
    inner = found["__recip_version1.0_#00000001/__properties_version1.0"]
    assert inner[:8] == bytes(8)
    assert rows(inner, 8)[tags.PidTagRecipientType][1][:4] == struct.pack("<I", 1)
