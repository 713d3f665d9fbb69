"""What is believed of a stream that came in somebody else's mail."""

from __future__ import annotations

import pytest

from conversion.tnef.merging import SAID_BY_HEADERS, correlates, correlation_key, encapsulated
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, Value


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


def test_headers_that_win() -> None:
    assert {tags.PidTagSubject, tags.PidTagSenderName, tags.PidTagInternetMessageId} <= SAID_BY_HEADERS
    assert not SAID_BY_HEADERS & {tags.PidTagMessageClass, tags.PidTagRtfCompressed, tags.PidTagBody}
