"""The TNEF reader ([MS-OXTNEF] 2.3.3) on streams made by hand."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest

from conversion.errors import ConversionError
from conversion.receipt import Receipt
from conversion.tnef import attributes as tnef_attributes
from conversion.tnef import properties as tnef_properties
from conversion.tnef import reader as tnef_reader
from conversion.tnef.attributes import checksum
from conversion.tnef.reader import MAX_DEPTH, is_tnef, read_tnef
from store.mapi import tags
from store.mapi.entryid import OneOffEntryId
from store.mapi.message import MessageContent, RecipientType
from store.mapi.types import PropertyName, PropertyTag, Value, filetime_from_unix
from tests.support.tnef import (
    HEADER,
    attachment,
    attribute,
    date,
    hostile,
    message,
    named,
    nested,
    numbered,
    one,
    properties,
    rendering,
    stream,
    tag,
    wide,
)

PROPS, RECIPIENTS, ATTACHMENT = 0x00069003, 0x00069004, 0x00069005
IMESSAGE = UUID("00020307-0000-0000-C000-000000000046").bytes_le
ISTORAGE = UUID("0000000B-0000-0000-C000-000000000046").bytes_le
SPACE = UUID("00062008-0000-0000-C000-000000000046")


def read(data: bytes) -> tuple[MessageContent, list[str]]:
    receipt = Receipt()
    content = read_tnef(data, receipt=receipt)
    return content, [str(note) for note in receipt]


def cleanly(data: bytes) -> MessageContent:
    content, notes = read(data)
    assert notes == []
    return content


def listed(*items: bytes, page: int = 1252) -> dict[object, Value]:
    return dict(cleanly(stream(message(PROPS, properties(*items)), page=page)).properties)


# The octets and the checksums that [MS-OXTNEF] 3.1 states for the sample message's attributes.
SAMPLE = [
    (0x00089006, bytes.fromhex("00000100"), 0x0001),
    (0x00069007, struct.pack("<II", 1252, 0), 0x00E8),
    (0x00078008, b"IPM.Microsoft Mail.Note\0", 0x0831),
    (0x0004800D, b"\x02\0", 0x0002),
    (0x00018004, b"Simple subject\0", 0x057A),
    (0x00038005, date(2004, 2, 17, 11, 25, 35, 2), 0x0137),
    (0x00038020, date(2004, 2, 17, 12, 26, 9, 2), 0x011F),
    (0x00018009, b"757BB19CDE936A4087D90BB784C58E3B\0", 0x0751),
]


def test_sample() -> None:
    """[MS-OXTNEF] 3.1: the attributes, and two of the properties that win over them."""
    assert [checksum(data) for _, data, _ in SAMPLE] == [total for _, _, total in SAMPLE]
    sent = struct.pack("<q", filetime_from_unix(1077045935))
    data = HEADER + b"".join(attribute(1, name, octets, checksum=total) for name, octets, total in SAMPLE)
    data += message(PROPS, properties(tag(0x0B, 2) + b"\1\0\0\0", tag(0x40, 0x39) + sent))
    content, notes = read(data)
    assert content.properties == {
        tags.PidTagMessageClass: "IPM.Note",
        tags.PidTagImportance: 1,
        tags.PidTagSubject: "Simple subject",
        tags.PidTagClientSubmitTime: filetime_from_unix(1077045935),
        tags.PidTagLastModificationTime: filetime_from_unix(1077020769),
        tags.PidTagSearchKey: bytes.fromhex("757BB19CDE936A4087D90BB784C58E3B"),
        tags.PidTagAlternateRecipientAllowed: True,
    }
    # The date of the property is the sender's 11:25:35 in UTC; the one without a property has no zone.
    assert notes == ["guessed: attDateModified: it has no time zone; it was taken as UTC"]


@pytest.mark.parametrize(
    ("identifier", "data", "expected"),
    [
        (0x0002800C, b"Zeile 1\r\nL\xf6we \x80\0", {tags.PidTagBody: "Zeile 1\r\nLöwe €"}),
        (0x00068007, b"\x21", {tags.PidTagMessageFlags: 1}),
        (0x00068007, b"\x86", {tags.PidTagMessageFlags: 0x1E}),
        (0x0001800A, b"00ff\0", {tags.PidTagParentKey: b"\0\xff"}),
        (0x0001800B, b"00FF\0", {tags.PidTagConversationKey: b"\0\xff"}),
        (0x0004800D, b"\x01\0", {tags.PidTagImportance: 2}),
        (0x0004800D, b"\x03\0", {tags.PidTagImportance: 0}),
        (0x00050008, b"\xfe\xff\xff\xff", {tags.PidTagOwnerAppointmentId: -2}),
        (0x00040009, b"\x01\0", {tags.PidTagResponseRequested: True}),
        (0x00040009, b"\0\0", {tags.PidTagResponseRequested: False}),
        (0x00060002, b"\1\2\3", {tags.PidTagReceivedRepresentingEntryId: b"\1\2\3"}),
        # Both ways in which this identifier is met.
        (0x00070006, b"IPM.Microsoft Mail.Note\0", {tags.PidTagOriginalMessageClass: "IPM.Note"}),
        (0x00070600, b"IPM.Other\0", {tags.PidTagOriginalMessageClass: "IPM.Other"}),
    ],
)
def test_attributes(identifier: int, data: bytes, expected: dict[PropertyTag, Value]) -> None:
    """[MS-OXTNEF] 2.1.3.3, 2.1.3.3.9, 2.1.3.3.18, 2.3.3.12: what each attribute of a message stands for."""
    assert cleanly(stream(message(identifier, data))).properties == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IPM.Microsoft Mail.Note", "IPM.Note"),
        ("IPM.Microsoft Mail.Read Receipt", "Report.IPM.Note.IPNRN"),
        ("IPM.Microsoft Mail.Non-Delivery", "Report.IPM.Note.NDR"),
        ("IPM.Microsoft Schedule.MtgRespP", "IPM.Schedule.Meeting.Resp.Pos"),
        ("IPM.Microsoft Schedule.MtgRespN", "IPM.Schedule.Meeting.Resp.Neg"),
        ("IPM.Microsoft Schedule.MtgRespA", "IPM.Schedule.Meeting.Resp.Tent"),
        ("IPM.Microsoft Schedule.MtgReq", "IPM.Schedule.Meeting.Request"),
        ("IPM.Microsoft Schedule.MtgCncl", "IPM.Schedule.Meeting.Canceled"),
        ("Microsoft Mail v3.0 IPM.Microsoft Mail.Note", "IPM.Note"),
        ("IPM.Contact", "IPM.Contact"),
    ],
)
def test_classes(name: str, expected: str) -> None:
    """[MS-OXTNEF] 2.1.3.3.5, 2.3.3.4: old classes, a prefix, and a checksum that is not looked at."""
    data = HEADER + attribute(1, 0x00078008, name.encode() + b"\0", checksum=0xDEAD)
    assert cleanly(data).properties == {tags.PidTagMessageClass: expected}


def one_off(name: str, kind: str, address: str) -> bytes:
    return OneOffEntryId(name, kind, address).encode()


def test_sender() -> None:
    """[MS-OXTNEF] 2.1.3.3.3, as written by a real program: a triple, and one of zeros behind it."""
    data = bytes.fromhex("0400 1f00 0700 0800") + b"Martin\0a:b@c.d\0" + bytes(8)
    assert cleanly(stream(message(0x00008000, data))).properties == {
        tags.PidTagSenderName: "Martin",
        tags.PidTagSenderAddressType: "A",
        tags.PidTagSenderEmailAddress: "b@c.d",
        tags.PidTagSenderEntryId: one_off("Martin", "A", "b@c.d"),
    }


OWNER = struct.pack("<H", 4) + b"Ann\0" + struct.pack("<H", 13) + b"SMTP:ann@a.b\0"
SENT_FOR = struct.pack("<H", 4) + b"Bob\0" + struct.pack("<H", 13) + b"SMTP:bob@a.b\0"


@pytest.mark.parametrize("kind", ["MtgReq", "MtgCncl"])
def test_owner_of_a_request(kind: str) -> None:
    """[MS-OXTNEF] 2.1.3.3.16, 2.3.3.10: in a request attOwner is who invites."""
    classes = message(0x00078008, f"IPM.Microsoft Schedule.{kind}\0".encode())
    found = cleanly(stream(classes, message(0x00060000, SENT_FOR))).properties
    assert found[tags.PidTagSentRepresentingName] == "Bob"
    assert found[tags.PidTagSentRepresentingAddressType] == "SMTP"
    assert found[tags.PidTagSentRepresentingEmailAddress] == "bob@a.b"
    assert found[tags.PidTagSentRepresentingEntryId] == one_off("Bob", "SMTP", "bob@a.b")
    assert tags.PidTagReceivedRepresentingName not in found


def test_owner_of_a_response() -> None:
    """[MS-OXTNEF] 2.1.3.3.17, 2.3.3.10, 2.3.3.11: in a response attOwner is who invited, attSentFor who answers."""
    classes = message(0x00078008, b"IPM.Microsoft Schedule.MtgRespP\0")
    found = cleanly(stream(message(0x00060001, SENT_FOR), message(0x00060000, OWNER), classes)).properties
    assert found[tags.PidTagReceivedRepresentingName] == "Ann"
    assert found[tags.PidTagReceivedRepresentingEmailAddress] == "ann@a.b"
    assert found[tags.PidTagSentRepresentingName] == "Bob"


def test_the_list_wins_with_whole_addresses() -> None:
    """[MS-OXTNEF] 2.1.3, 2.1.3.1.1, 2.3.3: lists win; no name of one with another's address."""
    name = tag(0x1F, 0x0042) + struct.pack("<I", 1) + wide("Carol")
    subject = tag(0x1F, 0x0037) + struct.pack("<I", 1) + wide("right")
    data = stream(
        message(0x00060001, SENT_FOR), message(0x00018004, b"wrong\0"), message(PROPS, properties(name, subject))
    )
    assert cleanly(data).properties == {tags.PidTagSentRepresentingName: "Carol", tags.PidTagSubject: "right"}


@pytest.mark.parametrize(
    ("item", "key", "value"),
    [
        (tag(0x0002, 0x1234) + b"\xff\xff\0\0", PropertyTag(0x12340002), -1),
        (tag(0x0003, 0x1234) + b"\xff\xff\xff\xff", PropertyTag(0x12340003), -1),
        (tag(0x0004, 0x1234) + struct.pack("<f", 1.5), PropertyTag(0x12340004), 1.5),
        (tag(0x0005, 0x1234) + struct.pack("<d", 1.25), PropertyTag(0x12340005), 1.25),
        (tag(0x0006, 0x1234) + struct.pack("<q", 12345), PropertyTag(0x12340006), 12345),
        (tag(0x0007, 0x1234) + struct.pack("<d", 0.5), PropertyTag(0x12340007), 0.5),
        (tag(0x000B, 0x1234) + b"\1\0\xff\xff", PropertyTag(0x1234000B), True),
        (tag(0x0014, 0x1234) + struct.pack("<q", -2), PropertyTag(0x12340014), -2),
        (tag(0x0040, 0x1234) + struct.pack("<q", 7), PropertyTag(0x12340040), 7),
        (tag(0x0048, 0x1234) + SPACE.bytes_le, PropertyTag(0x12340048), SPACE),
        (tag(0x001E, 0x1234) + one(b"L\xf6we\0"), PropertyTag(0x1234001F), "Löwe"),
        (tag(0x001F, 0x1234) + struct.pack("<I", 1) + wide("Löwe\U0001f981"), PropertyTag(0x1234001F), "Löwe🦁"),
        (tag(0x0102, 0x1234) + one(b"abcde"), PropertyTag(0x12340102), b"abcde"),
        (tag(0x0102, 0x1234) + one(b""), PropertyTag(0x12340102), b""),
        (tag(0x1002, 0x1234) + struct.pack("<I", 2) + b"\1\0\0\0\2\0\0\0", PropertyTag(0x12341002), (1, 2)),
        (tag(0x1003, 0x1234) + struct.pack("<3I", 2, 1, 2), PropertyTag(0x12341003), (1, 2)),
        (tag(0x1014, 0x1234) + struct.pack("<IQ", 1, 9), PropertyTag(0x12341014), (9,)),
        (tag(0x1048, 0x1234) + struct.pack("<I", 1) + SPACE.bytes_le, PropertyTag(0x12341048), (SPACE,)),
        (tag(0x101E, 0x1234) + struct.pack("<IIII", 2, 2, 0x0061, 2) + b"b\0\0\0", PropertyTag(0x1234101F), ("a", "b")),
        (tag(0x101F, 0x1234) + struct.pack("<I", 2) + wide("a") + wide("bc"), PropertyTag(0x1234101F), ("a", "bc")),
        (tag(0x1102, 0x1234) + struct.pack("<III", 2, 0, 1) + b"x\0\0\0", PropertyTag(0x12341102), (b"", b"x")),
        (tag(0x1102, 0x1234) + struct.pack("<I", 0), PropertyTag(0x12341102), ()),
        (numbered(0x0003, SPACE, 0x8503) + b"\5\0\0\0", PropertyName(SPACE, 0x8503, 3), 5),
        (named(0x001E, SPACE, "Keyw") + one(b"x\0"), PropertyName(SPACE, "Keyw", 0x1F), "x"),
        (named(0x000B, SPACE, "") + b"\0\0\0\0", PropertyName(SPACE, "", 0x0B), False),
    ],
)
def test_properties(item: bytes, key: object, value: Value) -> None:
    """[MS-OXTNEF] 2.1.3.4: types, padding, names, many values; another property behind shows that nothing slipped."""
    after = tag(0x0003, 0x0017) + b"\2\0\0\0"
    found = listed(item, after)
    assert found == {key: value, tags.PidTagImportance: 2}
    assert type(found[key]) is type(value)


def test_properties_without_a_value() -> None:
    items = [tag(0x0001, 0x1001) + bytes(4), tag(0x000A, 0x1002) + bytes(4), tag(0x0000, 0x1003) + bytes(4)]
    assert listed(*items, tag(0x0003, 0x0017) + b"\2\0\0\0") == {tags.PidTagImportance: 2}


def test_unicode_is_preferred() -> None:
    wide_one = tag(0x001F, 0x0037) + struct.pack("<I", 1) + wide("日本")
    narrow = tag(0x001E, 0x0037) + one(b"??\0")
    assert listed(wide_one, narrow) == listed(narrow, wide_one) == {tags.PidTagSubject: "日本"}


def test_code_pages() -> None:
    """[MS-OXTNEF] 2.1.3.3.2, 2.3.3.2: attOemCodepage, else PidTagInternetCodepage, else windows-1252."""
    subject = tag(0x001E, 0x0037) + one("тест".encode("cp1251") + b"\0")
    page = tag(0x0003, 0x3FDE) + struct.pack("<I", 1251)
    assert listed(subject, page=1251)[tags.PidTagSubject] == "тест"
    assert listed(tag(0x001E, 0x0037) + one("日本".encode("cp932") + b"\0"), page=932)[tags.PidTagSubject] == "日本"
    for unknown in (None, 0):
        content = cleanly(stream(message(PROPS, properties(subject, page)), page=unknown))
        assert content.properties[tags.PidTagSubject] == "тест"
        content = cleanly(stream(message(PROPS, properties(subject)), page=unknown))
        assert content.properties[tags.PidTagSubject] == "тест".encode("cp1251").decode("cp1252")


def test_recipients() -> None:
    """[MS-OXTNEF] 2.1.3.4: attRecipTable is a counted list of lists; flags of the type are not the type."""
    name = tag(0x1F, 0x3001) + struct.pack("<I", 1) + wide("Ann")
    rows = [
        properties(tag(3, 0x0C15) + struct.pack("<I", 2), name),
        properties(tag(3, 0x0C15) + struct.pack("<I", 0x10000001)),
        properties(name),
    ]
    content, notes = read(stream(message(RECIPIENTS, struct.pack("<I", 3) + b"".join(rows))))
    assert [row.type for row in content.recipients] == [RecipientType.CC, RecipientType.TO, RecipientType.TO]
    assert content.recipients[0].properties == {tags.PidTagRecipientType: 2, tags.PidTagDisplayName: "Ann"}
    assert notes == ["guessed: recipient 3: no known type; taken as To"]


def test_attachments() -> None:
    """[MS-OXTNEF] 2.1.3.3, 2.1.3.3.15, 2.1.3.3.23, 2.3.3.9: attAttachRendData begins each."""
    content = cleanly(
        stream(
            rendering(1, 77, 1),
            attachment(0x00018010, b"B\xfccher.xls\0"),
            attachment(0x00069001, b"MSG00001.FIL\0"),
            attachment(0x00038012, date(2004, 2, 17, 11, 25, 35, 2)),
            attachment(0x00038013, date(2004, 2, 17, 12, 26, 9, 2)),
            attachment(0x00068011, b"picture"),
            attachment(0x0006800F, b"data"),
            rendering(1, -1),
            attachment(0x0006800F, b""),
            attachment(ATTACHMENT, properties(tag(0x1E, 0x3704) + one(b"a.txt\0"), tag(3, 0x3705) + b"\1\0\0\0")),
            attachment(0x00018010, b"A~1.TXT\0"),
        )
    )
    first, second = content.attachments
    assert first.data == b"data"
    assert first.properties == {
        tags.PidTagRenderingPosition: 77,
        tags.PidTagAttachEncoding: bytes.fromhex("2A864886F714030B01"),
        tags.PidTagAttachTransportName: "MSG00001.FIL",
        tags.PidTagCreationTime: filetime_from_unix(1077017135),
        tags.PidTagLastModificationTime: filetime_from_unix(1077020769),
        tags.PidTagAttachRendering: b"picture",
        tags.PidTagAttachLongFilename: "Bücher.xls",
        tags.PidTagAttachMethod: 1,
    }
    assert second.data == b""
    assert second.properties == {
        tags.PidTagRenderingPosition: -1,
        tags.PidTagAttachFilename: "a.txt",
        tags.PidTagAttachMethod: 1,
    }


def test_objects() -> None:
    """[MS-OXTNEF] 2.1.3.4: an IMessage is a stream within, anything else is octets behind its interface."""
    inner = stream(message(0x00018004, b"inner\0"), rendering(), attachment(0x0006800F, b"deep"))
    embedded = properties(tag(0x0D, 0x3701) + one(IMESSAGE + inner), tag(3, 0x3705) + b"\5\0\0\0")
    storage = properties(tag(0x0D, 0x3701) + one(ISTORAGE + b"storage"))
    binary = properties(tag(0x0102, 0x3701) + one(b"in the list"))
    content = cleanly(
        stream(
            rendering(),
            attachment(0x0006800F, b"what programs show that cannot read the message"),
            attachment(ATTACHMENT, embedded),
            rendering(2),
            attachment(ATTACHMENT, storage),
            rendering(),
            attachment(ATTACHMENT, binary),
            rendering(2),
            attachment(0x0006800F, b"OLE 1"),
        )
    )
    data = [item.data for item in content.attachments]
    assert isinstance(data[0], MessageContent)
    assert data[0].properties == {tags.PidTagSubject: "inner"}
    assert data[0].attachments[0].data == b"deep"
    assert data[1:] == [b"storage", b"in the list", b"OLE 1"]
    assert [item.properties[tags.PidTagAttachMethod] for item in content.attachments] == [5, 6, 1, 6]
    assert not any(tags.PidTagAttachDataBinary in item.properties for item in content.attachments)


def test_depth() -> None:
    content, notes = read(nested(MAX_DEPTH + 3))
    levels = 0
    while isinstance(content.attachments[0].data, MessageContent):
        content = content.attachments[0].data
        levels += 1
    assert levels == MAX_DEPTH
    kept = content.attachments[0]
    assert isinstance(kept.data, bytes)
    assert is_tnef(kept.data)
    assert kept.properties[tags.PidTagAttachMethod] == 1
    assert len(notes) == 1


def test_an_object_that_is_no_stream() -> None:
    data = stream(rendering(), attachment(ATTACHMENT, properties(tag(0x0D, 0x3701) + one(IMESSAGE + b"junk"))))
    content, notes = read(data)
    assert content.attachments[0].data == b"junk"
    assert notes == ["altered: attachment 1, attAttachment: a message that is no TNEF stream is kept as its octets"]


SUBJECT = message(0x00018004, b"kept\0")
WRONG_SUM = "its checksum is wrong; it was taken as it is"
OTHER_VERSION = "an unknown version; read as the known one"


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (stream(SUBJECT) + b"\0" * 5, ""),
        (stream(SUBJECT) + b"\r\n", "dropped: octet 56: 2 octets behind the last attribute"),
        (stream(SUBJECT) + b"K" * 20, "dropped: octet 56: 20 octets that are no attribute"),
        (HEADER + attribute(1, 0x18004, b"kept\0", checksum=1), f"guessed: attSubject: {WRONG_SUM}"),
        (HEADER + SUBJECT[:-3], "altered: attSubject: the stream ends within it: 4 of 5 octets"),
        (HEADER + SUBJECT[:-1], "altered: attSubject: the stream ends within it: 5 of 5 octets"),
        (stream(SUBJECT, message(0x000A1234, b"x")), "dropped: attribute 0x000a1234: it has no place in a message"),
        (stream(SUBJECT, message(0x00038005, bytes(14))), "dropped: attDateSent: it has no value that can be read"),
        (stream(SUBJECT, message(0x00018009, b"xyz\0")), "dropped: attMessageID: it has no value that can be read"),
        (stream(SUBJECT, message(0x00089006, bytes(4))), f"guessed: attTnefVersion: {OTHER_VERSION}"),
    ],
)  # fmt: skip
def test_damage(data: bytes, note: str) -> None:
    """[MS-OXTNEF] 2.1.3.2, 2.1.3.3.1: what is wrong is noted, and the rest is read."""
    content, notes = read(data)
    assert content.properties == {tags.PidTagSubject: "kept"}
    assert notes == ([note] if note else [])


def test_a_list_cut_short() -> None:
    """What stands before the damage is kept."""
    items = properties(tag(3, 0x0017) + b"\2\0\0\0", tag(0x1F, 0x0037) + struct.pack("<II", 1, 99) + b"x")
    content, notes = read(stream(message(PROPS, items)))
    assert content.properties == {tags.PidTagImportance: 2}
    assert notes == ["dropped: attMsgProps: what follows octet 24: a value runs past the end"]


@pytest.mark.parametrize("data", hostile())
def test_hostile(data: bytes) -> None:
    """Counts and lengths that promise gigabytes cost nothing."""
    read(data)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than any message has is left out, with one note each."""
    for module, name in (
        (tnef_attributes, "MAX_ATTRIBUTES"),
        (tnef_reader, "MAX_ATTACHMENTS"),
        (tnef_reader, "MAX_RECIPIENTS"),
        (tnef_properties, "MAX_PROPERTIES"),
        (tnef_properties, "MAX_VALUES"),
    ):
        assert getattr(module, name) >= 10_000
        monkeypatch.setattr(module, name, 10)
    # The signature, the version and the code page are 40 octets; two attributes are read of them already.
    _, notes = read(stream(*[message(0x00018004, b"")] * 9))
    assert notes == [f"dropped: octet {40 + 8 * 11}: what follows 10 attributes"]
    monkeypatch.setattr(tnef_attributes, "MAX_ATTRIBUTES", 100)
    content, notes = read(stream(*[rendering()] * 11))
    assert len(content.attachments) == 10
    assert notes == ["dropped: attachments: those beyond 10"]
    row = properties(tag(3, 0x0C15) + b"\1\0\0\0")
    content, notes = read(stream(message(RECIPIENTS, struct.pack("<I", 11) + row * 11)))
    assert len(content.recipients) == 10
    assert notes == ["dropped: attRecipTable: rows beyond 10"]
    items = [tag(3, number) + bytes(4) for number in range(1, 12)]
    content, notes = read(stream(message(PROPS, properties(*items))))
    assert len(content.properties) == 10
    assert notes == ["dropped: attMsgProps: what follows octet 84: more than 10 properties"]
    content, notes = read(stream(message(PROPS, properties(tag(0x1102, 0x1234) + struct.pack("<I", 11)))))
    assert notes == ["dropped: attMsgProps: what follows octet 12: 11 values of property 0x1234"]


def test_an_attachment_without_its_first_attribute() -> None:
    content, notes = read(stream(attachment(0x0006800F, b"data")))
    assert content.attachments[0].data == b"data"
    assert notes == ["guessed: attAttachData: it stands before attAttachRendData; an attachment begins with it"]


@pytest.mark.parametrize("data", [b"", b"\x78\x9f\x3e", b"\x78\x9f\x3e\x22\1", b"PK\3\4" * 10])
def test_no_stream(data: bytes) -> None:
    with pytest.raises(ConversionError):
        read_tnef(data)


def test_checksum() -> None:
    for data in (b"", b"\xff" * 100_000, bytes(range(256)) * 3 + b"x"):
        assert checksum(data) == checksum(memoryview(data)) == sum(data) & 0xFFFF
