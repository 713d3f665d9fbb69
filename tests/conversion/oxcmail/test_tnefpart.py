"""TNEF inside MIME ([MS-OXCMAIL] 2.2.3.8, 2.2.3.4.1.2, 2.1.3.2.26)."""

from __future__ import annotations

from base64 import encodebytes
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from conversion.receipt import Receipt
from conversion.rtf.lzfu import store
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyName, PropertyType
from tests.support.examples import examples
from tests.support.mime_writing import file, note, notes, recipient, written

HEADER = (
    b"From: Ann <ann@example.net>\r\nTo: bob@example.org\r\nSubject: of the header\r\n"
    b"Date: Mon, 1 Jan 2024 12:00:00 +0000\r\nMessage-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"
)


def leaf(data: bytes, kind: bytes = b"application/ms-tnef; name=winmail.dat") -> bytes:
    encoded = encodebytes(data).replace(b"\n", b"\r\n")
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b" % (kind, encoded)


def legacy(data: bytes, header: bytes = HEADER, kind: bytes = b"application/ms-tnef", more: bytes = b"") -> bytes:
    """A text with a stream beside it."""
    return (
        header + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nthe text\r\n"
        b"--b\r\n" + leaf(data, kind) + more + b"--b--\r\n"
    )


def stream(properties: Any = (), attachments: tuple[AttachmentContent, ...] = (), key: bytes = b"") -> bytes:
    bag = {tags.PidTagMessageClass: "IPM.Note", **dict(properties)}
    return write_tnef(MessageContent(bag, (), attachments), correlator=key)


def read(raw: bytes, receipt: Receipt | None = None) -> MessageContent:
    return read_mime(render(raw), received=0, receipt=receipt)


RTF = store(b"{\\rtf1 formatted}")
BAG: Any = {
    tags.PidTagMessageClass: "IPM.Schedule.Meeting.Request",
    tags.PidTagSubject: "of the stream",
    tags.PidTagImportance: 2,
    tags.PidTagSensitivity: 3,
    tags.PidTagRtfCompressed: RTF,
    tags.PidLidLocation: "Room 1",
    tags.PidTagConversationIndex: b"\x01" + bytes(21),
    tags.PidTagContentFilterSpamConfidenceLevel: -1,
}


def test_legacy_tnef() -> None:
    """What the header says is right, what it does not say is in the stream; the text is that of the part beside it."""
    content = read(legacy(stream(BAG, (file("a.txt", b"data"),))))
    got = content.properties
    assert got[tags.PidTagMessageClass] == "IPM.Schedule.Meeting.Request"
    assert got[tags.PidTagSubject] == "of the header"
    assert got[tags.PidTagSentRepresentingSmtpAddress] == "ann@example.net"
    assert got[tags.PidTagImportance] == 2
    assert got[tags.PidTagSensitivity] == 3
    assert got[tags.PidLidLocation] == "Room 1"
    assert got[tags.PidTagConversationIndex] == b"\x01" + bytes(21)
    assert got[tags.PidTagRtfCompressed] == RTF
    assert got[tags.PidTagBody] == "the text"
    assert got[tags.PidTagNativeBody] == 2
    assert tags.PidTagContentFilterSpamConfidenceLevel not in got
    assert got[tags.PidTagHasAttachments] is True
    assert [row.properties[tags.PidTagSmtpAddress] for row in content.recipients] == ["bob@example.org"]
    assert [item.properties[tags.PidTagAttachLongFilename] for item in content.attachments] == ["a.txt"]
    assert content.attachments[0].data == b"data"


def test_fields_of_the_header_win() -> None:
    header = HEADER + b"Importance: low\r\nThread-Index: " + b"AQ" + b"A" * 26 + b"IAAAAA\r\n"
    got = read(legacy(stream(BAG), header)).properties
    assert got[tags.PidTagImportance] == 0
    assert got[tags.PidTagConversationIndex] != b"\x01" + bytes(21)


def test_summary_tnef() -> None:
    """The stream is all of the message: its bodies are the bodies."""
    content = read(HEADER + leaf(stream({tags.PidTagBody: "inside", tags.PidTagHtml: b"<p>inside</p>"})))
    assert content.properties[tags.PidTagHtml] == b"<p>inside</p>"
    assert content.properties[tags.PidTagNativeBody] == 3
    assert content.attachments == ()
    plain = read(HEADER + leaf(stream({tags.PidTagBody: "inside"}))).properties
    assert plain[tags.PidTagBody] == "inside"
    assert plain[tags.PidTagNativeBody] == 1


@pytest.mark.parametrize("kind", [b"application/vnd.ms-tnef", b"application/octet-stream; name=WINMAIL.DAT"])
def test_other_types(kind: bytes) -> None:
    got = read(legacy(stream(BAG), kind=kind)).properties
    assert got[tags.PidLidLocation] == "Room 1"


def test_what_stands_beside() -> None:
    """Other parts are attachments behind those of the stream."""
    more = b"--b\r\nContent-Type: image/png; name=p.png\r\n\r\nx\r\n"
    content = read(legacy(stream(BAG, (file("a.txt", b"data"),)), more=more))
    assert [item.properties[tags.PidTagAttachLongFilename] for item in content.attachments] == ["a.txt", "p.png"]


def test_a_text_without_formatting() -> None:
    """Without a formatted body in the stream the text part stays the body."""
    got = read(legacy(stream())).properties
    assert got[tags.PidTagBody] == "the text"
    assert got[tags.PidTagNativeBody] == 1


def test_correlation() -> None:
    """[MS-OXCMAIL] 2.1.3.2.26: a stream of another message stays a file; one whose key got lost is believed."""
    data = stream(BAG, key=b"<1@example.net>")
    for value, kept in ((b"<1@example.net>", True), (b"", True), (b"<2@example.net>", False)):
        header = HEADER + (b"X-MS-TNEF-Correlator: %b\r\n" % value if value else b"")
        receipt = Receipt()
        content = read(legacy(data, header), receipt)
        assert (tags.PidLidLocation in content.properties) is kept
        assert len(content.attachments) == (not kept)
    assert content.properties[tags.PidTagMessageClass] == "IPM.Note"
    left = content.attachments[0].properties
    assert left[tags.PidTagAttachMimeTag] == "application/octet-stream"
    assert left[tags.PidTagAttachLongFilename] == "ATT00001.dat"
    assert any("belongs to another message" in one for one in notes(receipt))


def test_names_that_only_the_sender_knows() -> None:
    """Strangers spend none of a mailbox's numbers for names, however long, and at no depth."""
    own = PropertyName(tags.PS_PUBLIC_STRINGS, "x" * 300, PropertyType.STRING)
    inner = AttachmentContent(
        {tags.PidTagAttachMethod: 5, own: "a"}, MessageContent({own: "b", tags.PidLidBilling: "c"})
    )
    raw = legacy(stream({own: "d", tags.PidLidBilling: "e"}, (inner,)))
    receipt = Receipt()
    content = read(raw, receipt)
    assert own not in content.properties
    assert content.properties[tags.PidLidBilling] == "e"
    (attachment,) = content.attachments
    assert own not in attachment.properties
    assert isinstance(attachment.data, MessageContent)
    assert own not in attachment.data.properties
    assert attachment.data.properties[tags.PidLidBilling] == "c"
    assert any("only its sender knows" in one for one in notes(receipt))
    assert read_mime(render(raw), trusted=True).properties[own] == "d"


def test_what_is_no_stream_stays_a_file() -> None:
    content = read(legacy(b"no TNEF"))
    assert content.attachments[0].properties[tags.PidTagAttachLongFilename] == "ATT00001.dat"
    assert content.properties[tags.PidTagMessageClass] == "IPM.Note"


def test_there_and_back() -> None:
    """What MIME has no place for comes back by TNEF."""
    content = note(
        {
            tags.PidTagMessageClass: "IPM.Task",
            tags.PidLidTaskStatus: 2,
            tags.PidLidBilling: "x",
            tags.PidTagImportance: 2,
        },
        (recipient("bob@example.org"),),
        (file("a.txt", b"data"),),
    )
    back = read(written(content, rich=True))
    for tag in (tags.PidTagMessageClass, tags.PidLidTaskStatus, tags.PidLidBilling, tags.PidTagImportance):
        assert back.properties[tag] == content.properties[tag]
    assert [item.data for item in back.attachments] == [b"data"]


@given(st.binary(max_size=300), st.integers(0, 200))
@settings(max_examples=examples(40))
def test_any_stream(data: bytes, cut: int) -> None:
    whole = stream(BAG, (file("a.txt", b"data"),))
    for broken in (whole[:cut], whole[:40] + data, data):
        assert read(legacy(broken)).properties[tags.PidTagSubject] == "of the header"
