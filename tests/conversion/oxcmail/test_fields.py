"""Every field of the header and the property that it becomes, as the tables say ([MS-OXCMAIL] 2.2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.entryid import OneOffEntryId, decode, decode_flat_entry_list
from store.mapi.types import PropertyBag, filetime_from_unix

DATE = "Mon, 1 Jan 2024 12:00:00 +0000"
TIME = filetime_from_unix(1_704_110_400)


def read(header: str, **wishes: Any) -> PropertyBag:
    raw = (header + "\n\ntext").replace("\n", "\r\n").encode()
    return read_mime(render(raw), received=0, **wishes).properties


FIELDS: list[tuple[str, Any, Any]] = [
    ("Message-ID: <1@x>", tags.PidTagInternetMessageId, "<1@x>"),  # [MS-OXCMAIL] 2.2.3.2.1
    (f"Date: {DATE}", tags.PidTagClientSubmitTime, TIME),  # [MS-OXCMAIL] 2.2.3.2.2
    ("References: <1@x>\n <2@x>", tags.PidTagInternetReferences, "<1@x> <2@x>"),  # [MS-OXCMAIL] 2.2.3.2.3
    ("Sensitivity: Personal", tags.PidTagSensitivity, 1),  # [MS-OXCMAIL] 2.2.3.2.4
    ("Sensitivity: private", tags.PidTagSensitivity, 2),
    ("Sensitivity: Company-Confidential", tags.PidTagSensitivity, 3),
    ("Sensitivity: odd", tags.PidTagSensitivity, 0),
    ("Subject: RE: hi", tags.PidTagSubject, "RE: hi"),  # [MS-OXCMAIL] 2.2.3.2.6
    ("Subject: RE: hi", tags.PidTagSubjectPrefix, "RE: "),
    ("Subject: RE: hi", tags.PidTagNormalizedSubject, "hi"),
    ("Subject: a\nThread-Topic: b", tags.PidTagConversationTopic, "b"),  # [MS-OXCMAIL] 2.2.3.2.7
    # [MS-OXCMAIL] 2.2.3.2.8
    ("Thread-Index: AQAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", tags.PidTagConversationIndex, b"\1" + bytes(21)),
    ("In-Reply-To: <1@x>", tags.PidTagInReplyToId, "<1@x>"),  # [MS-OXCMAIL] 2.2.3.2.9
    (f"X-Message-Flag: f\nReply-By: {DATE}", tags.PidTagReplyTime, TIME),  # [MS-OXCMAIL] 2.2.3.2.10
    ("Content-Language: de-DE", tags.PidTagMessageLocaleId, 0x0407),  # [MS-OXCMAIL] 2.2.3.2.11
    ("Accept-Language: de", tags.PidNameAcceptLanguage, "de"),
    ("X-Accept-Language: de", tags.PidNameAcceptLanguage, "de"),
    ("Keywords: a, b\nKeywords: c", tags.PidNameKeywords, ("a", "b", "c")),  # [MS-OXCMAIL] 2.2.3.2.12
    (f"Expires: {DATE}", tags.PidTagExpiryTime, TIME),  # [MS-OXCMAIL] 2.2.3.2.13
    (f"Expiry-Date: {DATE}", tags.PidTagExpiryTime, TIME),
    ("X-Auto-Response-Suppress: DR, OOF", tags.PidTagAutoResponseSuppress, 0x11),  # [MS-OXCMAIL] 2.2.3.2.14
    ("X-Auto-Response-Suppress: All", tags.PidTagAutoResponseSuppress, -1),
    ("X-Message-Flag: Follow up", tags.PidLidFlagRequest, "Follow up"),  # [MS-OXCMAIL] 2.2.3.2.16
    ("X-Message-Flag: Follow up", tags.PidTagFlagStatus, 2),
    ("List-Help: <mailto:h@x>", tags.PidTagListHelp, "<mailto:h@x>"),  # [MS-OXCMAIL] 2.2.3.2.17
    ("X-List-Help: <mailto:h@x>", tags.PidTagListHelp, "<mailto:h@x>"),
    ("List-Subscribe: <mailto:s@x>", tags.PidTagListSubscribe, "<mailto:s@x>"),
    ("X-List-Unsubscribe: <mailto:u@x>", tags.PidTagListUnsubscribe, "<mailto:u@x>"),
    ("X-Payload-Class: p", tags.PidTagAttachPayloadClass, "p"),  # [MS-OXCMAIL] 2.2.3.2.18
    ("X-Microsoft-Classified: true", tags.PidLidClassified, True),  # [MS-OXCMAIL] 2.2.3.2.22
    ("X-Microsoft-Classification: c", tags.PidLidClassification, "c"),
    ("X-Microsoft-ClassDesc: d", tags.PidLidClassificationDescription, "d"),
    ("X-Microsoft-ClassID: i", tags.PidLidClassificationGuid, "i"),
    ("X-Microsoft-ClassKeep: false", tags.PidLidClassificationKeep, False),
    ("X-CallingTelephoneNumber: 1", tags.PidTagSenderTelephoneNumber, "1"),  # [MS-OXCMAIL] 2.2.3.2.23
    ("X-VoiceMessageDuration: 5", tags.PidTagVoiceMessageDuration, 5),
    ("X-VoiceMessageSenderName: n", tags.PidTagVoiceMessageSenderName, "n"),
    ("X-FaxNumberOfPages: 2", tags.PidTagFaxNumberOfPages, 2),
    ("X-AttachmentOrder: a", tags.PidTagVoiceMessageAttachmentOrder, "a"),
    ("X-CallID: c", tags.PidTagCallId, "c"),
    ("Content-ID: <c@x>", tags.PidTagBodyContentId, "c@x"),  # [MS-OXCMAIL] 2.2.3.2.24
    ("Content-Base: http://x/", tags.PidNameContentBase, "http://x/"),  # [MS-OXCMAIL] 2.2.3.2.25
    ("Content-Location: http://x/a", tags.PidTagBodyContentLocation, "http://x/a"),  # [MS-OXCMAIL] 2.2.3.2.26
    ("Xref: x", tags.PidNameCrossReference, "x"),  # [MS-OXCMAIL] 2.2.3.2.27
    ("X-Mailer: m", tags.internet_header("X-Mailer"), "m"),  # [MS-OXCMAIL] 2.2.3.2.29
]


@pytest.mark.parametrize(("header", "tag", "value"), FIELDS)
def test_fields(header: str, tag: Any, value: Any) -> None:
    """What stands behind a row is the section of that field."""
    assert read(header)[tag] == value


@pytest.mark.parametrize(
    ("header", "tag", "value"),
    [
        ("PRD: x.example", tags.PidTagPurportedSenderDomain, "x.example"),
        ("SenderIdResult: Pass", tags.PidTagSenderIdStatus, 2),
        ("SenderIdResult: PermError", tags.PidTagSenderIdStatus, 0x80000007),
        ("SCL: 5", tags.PidTagContentFilterSpamConfidenceLevel, 5),
        ("PCL: 5", tags.PidTagContentFilterPhishingConfidenceLevel, 5),
        ("AutoForwarded: true", tags.PidTagAutoForwarded, True),
    ],
)
def test_fields_of_the_organisation(header: str, tag: Any, value: Any) -> None:
    """[MS-OXCMAIL] 2.2.3.2.19 to 2.2.3.2.21: from itself alone."""
    header = f"X-MS-Exchange-Organization-{header}"
    assert read(header, trusted=True)[tag] == value
    assert tag not in read(header)


def test_recipients() -> None:
    """[MS-OXCMAIL] 2.2.3.1.5: a row for each mailbox of To, Cc and Bcc."""
    raw = b"To: A <a@x>, b@x\r\nCc: c@x\r\nBcc: d@x\r\n\r\n"
    rows = read_mime(render(raw)).recipients
    assert [(row.type, row.properties[tags.PidTagDisplayName]) for row in rows] == [
        (1, "A"), (1, "b@x"), (2, "c@x"), (3, "d@x"),
    ]  # fmt: skip


def test_reply_to() -> None:
    """[MS-OXCMAIL] 2.2.3.1.6"""
    got = read("Reply-To: A <a@x>, b@x")
    assert got[tags.PidTagReplyRecipientNames] == "A;b@x"
    entries = got[tags.PidTagReplyRecipientEntries]
    assert isinstance(entries, bytes)
    assert [decode(entry) for entry in decode_flat_entry_list(entries)] == [
        OneOffEntryId("A", "SMTP", "a@x"),
        OneOffEntryId("b@x", "SMTP", "b@x"),
    ]


def test_receipts() -> None:
    """[MS-OXCMAIL] 2.2.3.1.7: who wants to hear of reading and of delivery; the first of the two names the address."""
    got = read("Disposition-Notification-To: A <a@x>\nReturn-Receipt-To: b@x")
    assert got[tags.PidTagReadReceiptRequested] is True
    assert got[tags.PidTagNonReceiptNotificationRequested] is True
    assert got[tags.PidTagOriginatorDeliveryReportRequested] is True
    assert got[tags.PidTagReadReceiptSmtpAddress] == "a@x"
    assert read("Return-Receipt-To: b@x")[tags.PidTagReadReceiptSmtpAddress] == "b@x"


def test_attachments() -> None:
    """[MS-OXCMAIL] 2.2.3.4.1, 2.2.3.4.1.3, 2.2.3.4.1.4, 2.2.3.4.3: files with what identifies them, and messages."""
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
        b"Content-Type: image/png; name=p.png\r\n"
        b"Content-Transfer-Encoding: base64\r\nContent-ID: <i@x>\r\nContent-Location: p.png\r\nContent-Base: http://x/\r\n\r\n"
        b"eA==\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n"
    )
    picture, message = read_mime(render(raw)).attachments
    got = picture.properties
    assert (got[tags.PidTagAttachMethod], got[tags.PidTagAttachLongFilename]) == (1, "p.png")
    assert (got[tags.PidTagAttachContentId], got[tags.PidTagAttachContentLocation]) == ("i@x", "p.png")
    assert got[tags.PidTagAttachContentBase] == "http://x/"
    assert message.properties[tags.PidTagAttachMethod] == 5
    assert message.properties[tags.PidTagDisplayName] == "inner"
