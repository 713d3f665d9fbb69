"""The TNEF writer ([MS-OXTNEF] 2.2.3): what stands where, what is left out, and that reading gives it back."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.receipt import Receipt
from conversion.tnef.attributes import read_attributes
from conversion.tnef.reader import MAC_BINARY, MAX_DEPTH, OLE_STORAGE, read_tnef
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.entryid import AddressBookEntryId, OneOffEntryId
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.types import (
    PropertyBag,
    PropertyKey,
    PropertyName,
    PropertyTag,
    PropertyType,
    Value,
    filetime_from_unix,
)
from tests.support.examples import examples
from tests.support.tnef import HEADER, attribute, date, message, rendering, stream

SENT = filetime_from_unix(1077017135)  # 2004-02-17 11:25:35, a Tuesday


def attributes(content: MessageContent, *, recipients: bool = False, page: int = 1252) -> dict[str, bytes]:
    """The attributes of what is written, by name."""
    data = memoryview(write_tnef(content, recipients=recipients, page=page))
    return {frame.name: bytes(frame.data) for frame in read_attributes(data, Receipt())}


def of(properties: PropertyBag) -> MessageContent:
    return MessageContent(properties)


def test_a_whole_stream() -> None:
    """[MS-OXTNEF] 2.1.3, 2.1.3.1, 2.1.3.3.21, 2.2.3.14: octet for octet, the list last."""
    list_of_two = struct.pack("<IHHI", 2, 0x001F, 0x001A, 1) + struct.pack("<I", 18) + "IPM.Note\0".encode("utf-16-le")
    list_of_two += b"\0\0" + struct.pack("<HHi", 0x0003, 0x0017, 1)
    expected = stream(
        message(0x00078008, b"IPM.Microsoft Mail.Note\0"),
        message(0x0004800D, b"\2\0"),
        message(0x00069003, list_of_two),
    )
    assert write_tnef(of({tags.PidTagMessageClass: "IPM.Note", tags.PidTagImportance: 1})) == expected
    assert write_tnef(of({}), key=0x1234) == (
        HEADER[:4] + b"\x34\x12" + stream(message(0x00069003, bytes(4)))[len(HEADER) :]
    )


@pytest.mark.parametrize(
    ("properties", "name", "data"),
    [
        ({tags.PidTagSubject: "L\xf6we \u20ac \u65e5"}, "attSubject", b"L\xf6we \x80 ?\0"),
        ({tags.PidTagClientSubmitTime: SENT}, "attDateSent", date(2004, 2, 17, 11, 25, 35, 2)),
        ({tags.PidTagMessageDeliveryTime: SENT}, "attDateRecd", date(2004, 2, 17, 11, 25, 35, 2)),
        ({tags.PidTagLastModificationTime: SENT}, "attDateModified", date(2004, 2, 17, 11, 25, 35, 2)),
        ({tags.PidTagStartDate: SENT}, "attDateStart", date(2004, 2, 17, 11, 25, 35, 2)),
        ({tags.PidTagEndDate: SENT}, "attDateEnd", date(2004, 2, 17, 11, 25, 35, 2)),
        ({tags.PidTagSearchKey: b"\x75\x7b"}, "attMessageID", b"757B\0"),
        ({tags.PidTagParentKey: b"\x01"}, "attParentID", b"01\0"),
        ({tags.PidTagConversationKey: b"\xff"}, "attConversationID", b"FF\0"),
        ({tags.PidTagImportance: 2}, "attPriority", b"\1\0"),
        ({tags.PidTagImportance: 0}, "attPriority", b"\3\0"),
        ({tags.PidTagOwnerAppointmentId: -2}, "attAidOwner", b"\xfe\xff\xff\xff"),
        ({tags.PidTagResponseRequested: True}, "attRequestRes", b"\1\0"),
        (
            {tags.PidTagOriginalMessageClass: "IPM.Schedule.Meeting.Request"},
            "attOriginalMessageClass",
            b"IPM.Microsoft Schedule.MtgReq\0",
        ),
        ({tags.PidTagMessageClass: "REPORT.IPM.Note.NDR"}, "attMessageClass", b"IPM.Microsoft Mail.Non-Delivery\0"),
        ({tags.PidTagMessageClass: "IPM.Contact"}, "attMessageClass", b"IPM.Contact\0"),
    ],
)
def test_attributes(properties: PropertyBag, name: str, data: bytes) -> None:
    """[MS-OXTNEF] 2.1.3.3, 2.1.3.3.4, 2.1.3.3.5: what stands outside the list too."""
    assert attributes(of(properties))[name] == data


def test_code_page() -> None:
    """[MS-OXTNEF] 2.1.3.3.2."""
    found = attributes(of({tags.PidTagSubject: "тест"}), page=1251)
    assert found["attSubject"] == "тест".encode("cp1251") + b"\0"
    assert found["attOemCodepage"] == struct.pack("<II", 1251, 0)


ANN = {
    tags.PidTagSentRepresentingName: "Ann",
    tags.PidTagSentRepresentingAddressType: "SMTP",
    tags.PidTagSentRepresentingEmailAddress: "ann@a.b",
}
BOB = {tags.PidTagReceivedRepresentingEntryId: OneOffEntryId("Bob", "SMTP", "bob@a.b").encode()}
CAROL = {tags.PidTagSentRepresentingEntryId: AddressBookEntryId("/o=x/cn=carol").encode()}
ANN_COUNTED = b"\4\0Ann\0\x0d\0SMTP:ann@a.b\0"
BOB_COUNTED = b"\4\0Bob\0\x0d\0SMTP:bob@a.b\0"
CAROL_COUNTED = b"\x0e\0/o=x/cn=carol\0\x11\0EX:/o=x/cn=carol\0"


@pytest.mark.parametrize(
    ("kind", "people", "owner", "sent_for"),
    [
        ("Request", {**ANN, **BOB}, ANN_COUNTED, ANN_COUNTED),
        ("Canceled", {**ANN, **BOB}, ANN_COUNTED, ANN_COUNTED),
        ("Resp.Pos", {**ANN, **BOB}, BOB_COUNTED, ANN_COUNTED),
        ("Request", CAROL, CAROL_COUNTED, CAROL_COUNTED),
        ("Resp.Neg", CAROL, None, CAROL_COUNTED),
    ],
)
def test_meetings(kind: str, people: PropertyBag, owner: bytes | None, sent_for: bytes) -> None:
    """[MS-OXTNEF] 2.2.3.11, 2.2.3.12, 2.2.3.13: who invites, who answers, by properties or EntryIDs."""
    found = attributes(of({tags.PidTagMessageClass: f"IPM.Schedule.Meeting.{kind}", **people}))
    assert found.get("attOwner") == owner
    assert found["attSentFor"] == sent_for
    assert found.get("attDelegate") == people.get(tags.PidTagReceivedRepresentingEntryId)
    assert "attOwner" not in attributes(of({tags.PidTagMessageClass: "IPM.Note", **people}))


def test_messages_within() -> None:
    """[MS-OXTNEF] 2.2.3.3, 2.2.3.5: with attFrom and attRecipTable, without attSubject."""
    content = MessageContent(
        {
            tags.PidTagSubject: "s",
            tags.PidTagSenderName: "Ann",
            tags.PidTagSenderAddressType: "SMTP",
            tags.PidTagSenderEmailAddress: "ann@a.b",
            tags.PidTagMessageFlags: 3,
        },
        (RecipientRow(RecipientType.CC, {tags.PidTagDisplayName: "B"}), RecipientRow(RecipientType.BCC, {})),
    )
    found = attributes(content, recipients=True)
    assert found["attFrom"] == bytes.fromhex("0400 2100 0400 0d00") + b"Ann\0SMTP:ann@a.b\0" + bytes(8)
    assert found["attMessageStatus"] == b"\x20"
    assert "attSubject" not in found
    row = struct.pack("<IHHi", 2, 0x0003, 0x0C15, 2) + struct.pack("<HHII", 0x001F, 0x3001, 1, 4) + b"B\0\0\0"
    assert found["attRecipTable"] == struct.pack("<I", 1) + row
    plain = attributes(content)
    assert not plain.keys() & {"attFrom", "attRecipTable", "attMessageStatus"}
    assert plain["attSubject"] == b"s\0"


def test_blind_copies_are_noted() -> None:
    receipt = Receipt()
    write_tnef(MessageContent({}, (RecipientRow(RecipientType.BCC, {}),)), recipients=True, receipt=receipt)
    assert [str(note) for note in receipt] == ["dropped: recipients: 1 who got a blind copy"]


def test_attachments() -> None:
    """[MS-OXTNEF] 2.1.3.3.15, 2.2.3.10, 2.2.3.15: attAttachRendData first, attAttachment last."""
    item = AttachmentContent(
        {
            tags.PidTagAttachLongFilename: "Bücher.xls",
            tags.PidTagAttachTransportName: "T",
            tags.PidTagRenderingPosition: 0xFFFFFFFE,
            tags.PidTagAttachEncoding: MAC_BINARY,
            tags.PidTagAttachRendering: b"picture",
            tags.PidTagCreationTime: SENT,
            tags.PidTagLastModificationTime: SENT,
        },
        b"data",
    )
    frames = list(read_attributes(memoryview(write_tnef(MessageContent({}, (), (item,)))), Receipt()))[3:]
    when = date(2004, 2, 17, 11, 25, 35, 2)
    assert [(frame.name, bytes(frame.data)) for frame in frames[:-1]] == [
        ("attAttachRendData", struct.pack("<HihhI", 1, -2, 0, 0, 1)),
        ("attAttachData", b"data"),
        ("attAttachTitle", b"B\xfccher.xls\0"),
        ("attAttachTransportFilename", b"T\0"),
        ("attAttachMetaFile", b"picture"),
        ("attAttachCreateDate", when),
        ("attAttachModifyDate", when),
    ]
    assert frames[-1].name == "attAttachment"
    assert b"picture" not in bytes(frames[-1].data)


def test_correlator() -> None:
    """[MS-OXCMSG] 2.2.1.29."""
    content = read_tnef(write_tnef(of({tags.PidTagTnefCorrelationKey: b"old"}), correlator=b"<1@a.b>"))
    assert content.properties == {tags.PidTagTnefCorrelationKey: b"<1@a.b>\0"}


def test_slices() -> None:
    raw = b"header\r\n\r\nZGF0YQ=="
    item = AttachmentContent({}, MimeSlice(10, 8, "base64"))
    content = MessageContent({}, (), (item,))
    assert read_tnef(write_tnef(content, raw=raw)).attachments[0].data == b"data"
    receipt = Receipt()
    assert read_tnef(write_tnef(content, receipt=receipt)).attachments[0].data is None
    assert receipt.count == 1


def test_what_does_not_travel() -> None:
    """[MS-OXTNEF] 2.2.3.14 with [MS-OXPROPS] 1.3.3: what belongs to the store that holds the object stays there."""
    organisation = tags.internet_header("X-MS-Exchange-Organization-SCL")
    stays: dict[PropertyKey, Value] = {
        tags.PidTagDisplayBcc: "secret",
        tags.PidTagParentEntryId: b"x",
        tags.PidTagEntryId: b"x",
        tags.PidTagMessageSize: 1,
        tags.PidTagMid: 1,
        tags.PidTagChangeKey: b"x",
        organisation: "-1",
    }
    goes: dict[PropertyKey, Value] = {
        tags.PidTagNormalizedSubject: "s",
        tags.PidTagBody: "b",
        tags.PidTagRtfInSync: True,
    }
    item = AttachmentContent({tags.PidTagAttachSize: 9, tags.PidTagAttachmentHidden: True}, b"")
    receipt = Receipt()
    content = read_tnef(write_tnef(MessageContent({**stays, **goes}, (), (item,)), receipt=receipt))
    assert content.properties == goes
    assert content.attachments[0].properties == {
        tags.PidTagAttachmentHidden: True,
        tags.PidTagAttachMethod: 1,
        tags.PidTagRenderingPosition: -1,
    }
    assert receipt.count == 0
    assert read_tnef(write_tnef(MessageContent(goes), without=[tags.PidTagBody])).properties.keys() == goes.keys() - {
        tags.PidTagBody
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (PropertyTag(0x12340003), 1 << 40),
        (PropertyTag(0x12340003), "high"),
        (tags.PidTagSubject, 5),
        (tags.PidTagHtml, "text"),
        (tags.PidTagClientSubmitTime, None),
        (PropertyTag(0x1234000D), b"object"),
        (PropertyTag(0x123400FB), b"server"),
        (PropertyTag(0x80010003), 5),
        (PropertyTag(0x12341003), 5),
        (PropertyTag(0x12340048), 5),
        (PropertyName(tags.PSETID_Common, 5, 0x1234), 5),
    ],
)
def test_what_cannot_be_written(key: PropertyKey, value: Value) -> None:
    """It is left out and noted; everything else is written."""
    receipt = Receipt()
    content = read_tnef(write_tnef(of({key: value, tags.PidTagBody: "kept"}), receipt=receipt))
    assert content.properties == {tags.PidTagBody: "kept"}
    assert receipt.count == 1


def test_depth() -> None:
    content = MessageContent({tags.PidTagSubject: "innermost"})
    for _ in range(MAX_DEPTH + 2):
        content = MessageContent({}, (), (AttachmentContent({}, content),))
    receipt = Receipt()
    content = read_tnef(write_tnef(content, receipt=receipt))
    assert receipt.count == 1
    depth = 0
    while isinstance(content.attachments[0].data, MessageContent):
        content = content.attachments[0].data
        depth += 1
    assert depth == MAX_DEPTH
    (kept,) = content.attachments
    assert isinstance(kept.data, bytes)
    assert kept.properties[tags.PidTagAttachMethod] == 1
    assert kept.properties[tags.PidTagAttachLongFilename] == "message.tnef"
    assert len(read_tnef(kept.data).attachments) == 1


def test_long_addresses() -> None:
    """Lengths of 16 bits that do not suffice: the attribute is left out, the list has it all."""
    properties = {
        **ANN,
        tags.PidTagSentRepresentingName: "x" * 70_000,
        tags.PidTagMessageClass: "IPM.Schedule.Meeting.Request",
    }
    assert "attSentFor" not in attributes(of(properties))
    assert read_tnef(write_tnef(of(properties))).properties == properties


# ------------------------------------------------------------------------------------------------ round trips

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_VALUES: dict[int, st.SearchStrategy[object]] = {
    PropertyType.INTEGER16: st.integers(-(1 << 15), (1 << 15) - 1),
    PropertyType.INTEGER32: st.integers(-(1 << 31), (1 << 31) - 1),
    PropertyType.FLOATING32: st.floats(width=32, allow_nan=False),
    PropertyType.FLOATING64: st.floats(allow_nan=False),
    PropertyType.CURRENCY: st.integers(-(1 << 63), (1 << 63) - 1),
    PropertyType.FLOATING_TIME: st.floats(allow_nan=False),
    PropertyType.BOOLEAN: st.booleans(),
    PropertyType.INTEGER64: st.integers(-(1 << 63), (1 << 63) - 1),
    PropertyType.STRING: _TEXT,
    PropertyType.TIME: st.integers(0, (1 << 63) - 1),
    PropertyType.GUID: st.uuids(),
    PropertyType.BINARY: st.binary(max_size=12),
}
_MULTIPLE = [kind for kind in _VALUES if kind != PropertyType.BOOLEAN]
_SPACES = st.sampled_from([tags.PSETID_Common, tags.PS_PUBLIC_STRINGS, UUID(int=7)])


@st.composite
def _property(draw: st.DrawFn) -> tuple[PropertyKey, object]:
    kind = draw(st.sampled_from(sorted(_VALUES)))
    value = draw(_VALUES[kind])
    if kind in _MULTIPLE and draw(st.booleans()):
        value = tuple(draw(st.lists(_VALUES[kind], max_size=3)))
        kind |= 0x1000
    if draw(st.booleans()):
        return PropertyName(draw(_SPACES), draw(st.integers(0, 0xFFFFFFFF) | _TEXT), kind), value
    # Identifiers that travel and stand in no attribute besides the list.
    return PropertyTag.of(draw(st.integers(0x1100, 0x2FFF)), kind), value


_BAGS = st.lists(_property(), max_size=5).map(dict)
_KNOWN = st.fixed_dictionaries(
    {},
    optional={
        tags.PidTagMessageClass: st.sampled_from(["IPM.Note", "IPM", "IPM.Schedule.Meeting.Resp.Pos", "IPM.Contact"]),
        tags.PidTagSubject: _TEXT,
        tags.PidTagImportance: st.integers(0, 2),
        tags.PidTagClientSubmitTime: st.integers(0, 1 << 58),
        tags.PidTagSearchKey: st.binary(max_size=16),
        tags.PidTagResponseRequested: st.booleans(),
        tags.PidTagOwnerAppointmentId: st.integers(-(1 << 31), (1 << 31) - 1),
        tags.PidTagSentRepresentingName: _TEXT,
        tags.PidTagSentRepresentingAddressType: st.sampled_from(["SMTP", "EX", ""]),
        tags.PidTagSentRepresentingEmailAddress: _TEXT,
        tags.PidTagReceivedRepresentingEntryId: st.binary(max_size=30),
    },
)
_FILES = st.fixed_dictionaries(
    {tags.PidTagAttachMethod: st.just(1), tags.PidTagRenderingPosition: st.integers(-1, 1 << 20)},
    optional={
        tags.PidTagAttachFilename: _TEXT,
        tags.PidTagAttachLongFilename: _TEXT,
        tags.PidTagAttachTransportName: _TEXT,
        tags.PidTagAttachRendering: st.binary(max_size=9),
        tags.PidTagAttachEncoding: st.sampled_from([MAC_BINARY, b""]),
        tags.PidTagLastModificationTime: st.integers(0, 1 << 58),
        tags.PidTagAttachmentHidden: st.booleans(),
    },
)


def _joined(*parts: PropertyBag) -> dict[PropertyKey, Value]:
    return {key: value for part in parts for key, value in part.items()}


_PLAIN = st.builds(AttachmentContent, st.builds(_joined, _FILES, _BAGS), st.none() | st.binary(max_size=20))
_OLE = st.builds(
    lambda bag, data: AttachmentContent(
        {**bag, tags.PidTagAttachMethod: 6, tags.PidTagAttachTag: OLE_STORAGE},
        data,
    ),
    _FILES,
    st.binary(max_size=9) | st.binary(max_size=9).map(bytes.fromhex("D0CF11E0A1B11AE1").__add__),
)


def _messages(inner: st.SearchStrategy[MessageContent]) -> st.SearchStrategy[MessageContent]:
    embedded = st.builds(
        lambda bag, data: AttachmentContent({**bag, tags.PidTagAttachMethod: 5}, data),
        _FILES,
        inner,
    )
    rows = st.builds(
        lambda kind, bag: RecipientRow(kind, {**bag, tags.PidTagRecipientType: int(kind)}),
        st.sampled_from([RecipientType.ORIGINATOR, RecipientType.TO, RecipientType.CC]),
        _BAGS,
    )
    return st.builds(
        MessageContent,
        st.builds(_joined, _KNOWN, _BAGS),
        st.lists(rows, max_size=2).map(tuple),
        st.lists(_PLAIN | _OLE | embedded, max_size=2).map(tuple),
    )


CONTENTS = st.recursive(st.builds(MessageContent, _BAGS), _messages, max_leaves=4)


@given(CONTENTS)
def test_round_trip(content: MessageContent) -> None:
    """[MS-OXTNEF] 2.2.3: what is written is read as what it was."""
    receipt = Receipt()
    assert read_tnef(write_tnef(content, recipients=True, receipt=receipt), receipt=receipt) == content
    assert list(receipt) == []


@settings(max_examples=examples(30))
@given(CONTENTS, st.sampled_from([1252, 932, 65001, 20866]))
def test_round_trip_in_other_pages(content: MessageContent, page: int) -> None:
    outer = read_tnef(write_tnef(content, page=page))
    assert outer.properties == content.properties
    assert outer.attachments == content.attachments
    assert outer.recipients == ()


def test_the_first_attribute_of_ours_is_that_of_the_document() -> None:
    assert write_tnef(of({})).startswith(HEADER + attribute(1, 0x00089006, b"\0\0\1\0"))
    assert rendering()[:9] == attribute(2, 0x00069002, bytes(14))[:9]
