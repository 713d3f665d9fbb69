"""What is believed of a stream that came in somebody else's mail."""

from __future__ import annotations

from base64 import encodebytes

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from conversion.tnef.merging import correlates, correlation_key, encapsulated
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, Value, filetime_from_unix


def keyed(key: bytes) -> MessageContent:
    return MessageContent({tags.PidTagTnefCorrelationKey: key})


@pytest.mark.parametrize(
    ("content", "header", "expected"),
    [
        (keyed(b"<1@a.b>\0"), "<1@a.b>", True),
        (keyed(b"<1@a.b>"), " <1@a.b>\r\n", True),
        (keyed(b"<1@a.b>\0"), "<2@a.b>", False),
        (keyed(b"<1@a.b>\0"), "", None),
        (keyed(b"\0"), "<1@a.b>", None),
        (MessageContent({}), "<1@a.b>", None),
    ],
)
def test_correlation(content: MessageContent, header: str, expected: bool | None) -> None:
    """[MS-OXCMSG] 2.2.1.29: a stream left over from another message is told by its key."""
    assert correlates(content, header) is expected


def test_correlation_key() -> None:
    assert correlation_key(keyed(b"<1@a.b>\0junk")) == "<1@a.b>"


FORGED: dict[PropertyKey, Value] = {
    tags.PidTagContentFilterSpamConfidenceLevel: -1,
    tags.PidTagMid: 1,
    tags.PidTagMessageFlags: 1,
    tags.PidTagRead: True,
    tags.PidTagChangeKey: b"x",
    tags.internet_header("X-MS-Exchange-Organization-AuthAs"): "Internal",
}


def test_what_a_sender_cannot_say() -> None:
    """A foreign stream sets nothing that the receiver's store or organisation says of a message."""
    inner = MessageContent({**FORGED, tags.PidTagSubject: "in"})
    content = encapsulated(
        MessageContent(
            {
                **FORGED,
                tags.PidTagTransportMessageHeaders: "Received: forged",
                tags.internet_header("Authentication-Results"): "forged",
                tags.PidTagSubject: "out",
            },
            (RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: "A", tags.PidTagInstanceKey: b"x"}),),
            (AttachmentContent({tags.PidTagAttachSize: 1, tags.PidTagAttachMethod: 5}, inner),),
        )
    )
    assert content.properties == {tags.PidTagSubject: "out"}
    assert content.recipients[0].properties == {tags.PidTagDisplayName: "A"}
    assert content.attachments[0].properties == {tags.PidTagAttachMethod: 5}
    embedded = content.attachments[0].data
    assert isinstance(embedded, MessageContent)
    assert embedded.properties == {
        tags.PidTagSubject: "in",
        tags.PidTagMessageFlags: 1,
        tags.PidTagContentFilterSpamConfidenceLevel: -1,
    }


HEADER = (
    b"From: Ann <ann@example.net>\r\nTo: bob@example.org\r\nSubject: of the header\r\n"
    b"Date: Mon, 1 Jan 2024 12:00:00 +0000\r\nMessage-ID: <1@example.net>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n"
)


def joined(message_class: str) -> MessageContent:
    """Mail with a stream that says other things than the header."""
    data = write_tnef(
        MessageContent(
            {
                tags.PidTagMessageClass: message_class,
                tags.PidTagSubject: "of the stream",
                tags.PidTagSenderName: "Eve",
                tags.PidTagInternetMessageId: "<2@example.net>",
                tags.PidTagClientSubmitTime: filetime_from_unix(1_000_000_000),
                tags.PidTagImportance: 2,
                tags.PidLidLocation: "Room 1",
            },
            (
                RecipientRow(
                    RecipientType.TO,
                    {
                        tags.PidTagDisplayName: "Carl",
                        tags.PidTagAddressType: "SMTP",
                        tags.PidTagEmailAddress: "carl@example.org",
                        tags.PidTagSupplementaryInfo: "550 no such user",
                    },
                ),
            ),
        ),
        recipients=True,
    )
    return read_mime(render(HEADER + encodebytes(data)), received=0)


def test_headers_that_win() -> None:
    """[MS-OXTNEF] 2.1.3.5.2: what a field says is so, what none says is in the stream."""
    content = joined("IPM.Appointment")
    found = content.properties
    assert found[tags.PidTagSubject] == "of the header"
    assert found[tags.PidTagSenderName] == "Ann"
    assert found[tags.PidTagInternetMessageId] == "<1@example.net>"
    assert found[tags.PidTagClientSubmitTime] == filetime_from_unix(1_704_110_400)
    assert (found[tags.PidTagImportance], found[tags.PidLidLocation]) == (2, "Room 1")
    assert [row.properties[tags.PidTagSmtpAddress] for row in content.recipients] == ["bob@example.org"]


def test_recipients_of_a_report() -> None:
    """[MS-OXTNEF] 2.1.3.5.2.2: those that it is about stand in the stream alone."""
    content = joined("REPORT.IPM.Note.NDR")
    assert content.properties[tags.PidTagSubject] == "of the header"
    (row,) = content.recipients
    assert row.properties[tags.PidTagEmailAddress] == "carl@example.org"
    assert row.properties[tags.PidTagSupplementaryInfo] == "550 no such user"
