"""How values lie in a message file, looked at by olefile: not by what our own reader takes for the same."""

from __future__ import annotations

import io
import struct
from uuid import UUID

import olefile
import pytest

from conversion.msg.writer import write_msg
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyBag, PropertyName, PropertyTag, PropertyType

LONGS = PropertyTag(0x66F01003)
STRINGS = PropertyTag(0x66F1101F)
BLOBS = PropertyTag(0x66F21102)


TABLE = "__nameid_version1.0/__substg1.0_"
FIRST, SECOND = UUID("9b5093e0-5734-4a7f-b88f-b4d0220b5ada"), UUID("41f28f13-83f4-4114-a584-eedb5a6b0bff")


def streams(
    properties: PropertyBag, *recipients: RecipientRow, attachments: tuple[AttachmentContent, ...] = ()
) -> dict[str, bytes]:
    content = MessageContent({tags.PidTagMessageClass: "IPM.Note", **properties}, recipients, attachments)
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


def test_attachments() -> None:
    """[MS-OXMSG] 2.2.2, 2.4.1.3: numbers in hexadecimal; 8 octets before the rows; the message counts them."""
    found = streams({}, attachments=tuple(AttachmentContent({}, bytes([number])) for number in range(11)))
    assert struct.unpack_from("<IIII", found["__properties_version1.0"], 8) == (0, 11, 0, 11)
    for number in range(11):
        folder = f"__attach_version1.0_#{number:08X}/"
        assert found[f"{folder}__substg1.0_37010102"] == bytes([number])
        table = found[f"{folder}__properties_version1.0"]
        assert table[:8] == bytes(8)
        assert rows(table, 8)[tags.PidTagAttachMethod][1][:4] == struct.pack("<I", 1)


def test_a_message_within_the_message() -> None:
    """[MS-OXMSG] 2.4.1.2: 24 octets before its rows; its named properties are in the table of the outer one."""
    row = RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: "Ann"})
    named = PropertyName(FIRST, 0x8503, PropertyType.BOOLEAN)
    inner = MessageContent({named: True}, (row, row), (AttachmentContent({}, b"x"),))
    found = streams({}, attachments=(AttachmentContent({}, inner),))
    table = found["__attach_version1.0_#00000000/__substg1.0_3701000D/__properties_version1.0"]
    assert table[:24] == struct.pack("<8xIIII", 2, 1, 2, 1)
    assert rows(table, 24)[0x8000000B][1][:2] == b"\1\0"
    assert [name for name in found if name.endswith("__substg1.0_00030102")] == [f"{TABLE}00030102"]


NAMES = (
    PropertyName(tags.PS_MAPI, "a", PropertyType.STRING),
    PropertyName(tags.PS_PUBLIC_STRINGS, "Keywords", PropertyType.STRING),
    PropertyName(FIRST, 0x8503, PropertyType.STRING),
    PropertyName(SECOND, "odd", PropertyType.STRING),
    PropertyName(FIRST, 0x8504, PropertyType.STRING),
)


def entries() -> list[tuple[int, int, int]]:
    """Of each name: identifier or place, what it is, which set it is of."""
    found = streams(dict.fromkeys(NAMES, "x"))
    made = []
    for number, (value, kind, index) in enumerate(struct.iter_unpack("<IHH", found[f"{TABLE}00030102"])):
        assert index == number
        made.append((value, kind & 1, kind >> 1))
    return made


def test_sets_of_names() -> None:
    """[MS-OXMSG] 2.2.3.1.1: PS_MAPI is 1, PS_PUBLIC_STRINGS is 2, others count from 3 in their stream."""
    assert [index for _, _, index in entries()] == [1, 2, 3, 4, 3]
    assert streams(dict.fromkeys(NAMES, "x"))[f"{TABLE}00020102"] == FIRST.bytes_le + SECOND.bytes_le


def test_entries_of_names() -> None:
    """[MS-OXMSG] 2.2.3, 2.2.3.1, 2.2.3.1.2: a number, or where the string is; the properties are from 0x8000 on."""
    assert [(value, is_string) for value, is_string, _ in entries()] == [
        (0, 1),
        (8, 1),
        (0x8503, 0),
        (28, 1),
        (0x8504, 0),
    ]
    table = rows(streams(dict.fromkeys(NAMES, "x"))["__properties_version1.0"], 32)
    assert {tag >> 16 for tag in table if tag >> 16 >= 0x8000} == set(range(0x8000, 0x8005))


def test_strings_of_names() -> None:
    """[MS-OXMSG] 2.2.3.1.3: octets, UTF-16, filled up to four octets."""
    assert streams(dict.fromkeys(NAMES, "x"))[f"{TABLE}00040102"] == (
        struct.pack("<I", 2) + b"a\0" + bytes(2)
        + struct.pack("<I", 16) + "Keywords".encode("utf-16-le")
        + struct.pack("<I", 6) + "odd".encode("utf-16-le") + bytes(2)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hashed", "bucket"),
    [
        # As Outlook and Exchange have them, in files whose name is of the same set, the third or the fourth.
        (PropertyName(FIRST, "AttachmentWasSavedToCloud", PropertyType.STRING), 0x8E07C9D5, "100C"),
        (PropertyName(FIRST, "AttachmentOriginalUrl", PropertyType.STRING), 0xA1318EC8, "1012"),
        (PropertyName(FIRST, "EntityDocument", PropertyType.STRING), 0x35AB25DC, "1000"),
        (PropertyName(SECOND, "ClientInfo", PropertyType.STRING), 0x4BE2CC34, "101C"),
        (PropertyName(SECOND, "ComposeType", PropertyType.STRING), 0x5B0C83BD, "100B"),
        (PropertyName(FIRST, 0x8503, PropertyType.STRING), 0x8503, "100F"),  # (0x8503 ^ 3 << 1) % 31
    ],
)
def test_buckets_of_names(name: PropertyName, hashed: int, bucket: str) -> None:
    """[MS-OXMSG] 2.2.3.2, 2.2.3.2.2 to 2.2.3.2.4: the checksum of a string, or the number, and the set tell which."""
    found = streams({PropertyName(FIRST, 1, PropertyType.STRING): "x", name: "y"})
    kind = (3 if name.set == FIRST else 4) << 1 | isinstance(name.key, str)
    assert struct.pack("<IHH", hashed, kind, 1) in [
        found[f"{TABLE}{bucket}0102"][at : at + 8] for at in range(0, len(found[f"{TABLE}{bucket}0102"]), 8)
    ]


def test_sets_in_buckets() -> None:
    """[MS-OXMSG] 2.2.3.2.1: a bucket has the same index of a set as the entry of the name."""
    found = streams(dict.fromkeys(NAMES, "x"))
    kinds: dict[int, int] = {}
    for name, stream in found.items():
        if name.startswith(f"{TABLE}10"):
            kinds |= {index: kind for _, kind, index in struct.iter_unpack("<IHH", stream)}
    assert [kinds[number] >> 1 for number in range(5)] == [1, 2, 3, 4, 3]
