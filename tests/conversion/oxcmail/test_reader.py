"""The MIME reader as a whole ([MS-OXCMAIL] 2.2)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.attachmentdata import read_attachment_data
from conversion.mime.rendition import render
from conversion.oxcmail.addressing import SENDER, SENT_REPRESENTING, Resolved
from conversion.oxcmail.attachments import MAX_EMBEDDED
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.bag import encode_bag
from store.mapi.entryid import AddressBookEntryId, OneOffEntryId, decode, decode_flat_entry_list
from store.mapi.message import MessageContent, MimeSlice, RecipientType
from store.mapi.types import filetime_from_unix
from tests.support.examples import examples

RECEIVED = 1_700_000_000


def read(text: str | bytes, **options: Any) -> MessageContent:
    raw = text.replace("\n", "\r\n").encode() if isinstance(text, str) else text
    return read_mime(render(raw), received=options.pop("received", RECEIVED), **options)


def prop(text: str, tag: Any, **options: Any) -> Any:
    return read(text, **options).properties.get(tag)


PLAIN = """Received: from a by b; Mon, 1 Jan 2024 11:00:00 +0000
From: "Doe, Jane" <jane@x.test>
To: Bob <bob@y.test>, carol@y.test
Cc: =?utf-8?Q?D=C3=A4ve?= <dave@z.test>
Subject: RE: the plan
Date: Mon, 1 Jan 2024 12:00:00 +0200
Message-ID: <1@x.test>
In-Reply-To: <0@y.test>
References: <a@y.test>
 <0@y.test>

Hello
"""


def test_a_plain_message() -> None:
    content = read(PLAIN)
    got = content.properties
    assert got[tags.PidTagMessageClass] == "IPM.Note"
    assert got[tags.PidTagSubject] == "RE: the plan"
    assert got[tags.PidTagSubjectPrefix] == "RE: "
    assert got[tags.PidTagNormalizedSubject] == "the plan"
    assert got[tags.PidTagConversationTopic] == "the plan"
    assert got[tags.PidTagInternetMessageId] == "<1@x.test>"
    assert got[tags.PidTagInReplyToId] == "<0@y.test>"
    assert got[tags.PidTagInternetReferences] == "<a@y.test> <0@y.test>"
    assert got[tags.PidTagClientSubmitTime] == filetime_from_unix(1_704_103_200)
    assert got[tags.PidTagMessageDeliveryTime] == filetime_from_unix(RECEIVED)
    assert got[tags.PidTagBody] == "Hello\r\n"
    assert got[tags.PidTagNativeBody] == 1
    assert tags.PidTagHtml not in got
    assert got[tags.PidTagImportance] == 1
    assert got[tags.PidTagSensitivity] == 0
    assert got[tags.PidTagHasAttachments] is False
    assert got[tags.PidTagDisplayTo] == "Bob; carol@y.test"
    assert got[tags.PidTagDisplayCc] == "Däve"
    assert got[tags.PidTagDisplayBcc] == ""


def test_originators() -> None:
    """[MS-OXCMAIL] 2.2.3.1.3, 2.6: From fills the SentRepresenting group, and Sender where there is no Sender field."""
    got = read(PLAIN).properties
    for name, kind, email, entry, smtp, key in (SENT_REPRESENTING, SENDER):
        assert got[name] == "Doe, Jane"
        assert got[kind] == "SMTP"
        assert got[email] == got[smtp] == "jane@x.test"
        assert got[key] == b"SMTP:JANE@X.TEST\0"
        entry_id = got[entry]
        assert isinstance(entry_id, bytes)
        assert decode(entry_id) == OneOffEntryId("Doe, Jane", "SMTP", "jane@x.test")


def test_sender_and_from_differ() -> None:
    """[MS-OXCMAIL] 2.2.3.1.4: Sender fills its own group; of several authors the first counts."""
    got = read("From: a@x, b@x\nSender: s@x\n\n").properties
    assert got[tags.PidTagSentRepresentingSmtpAddress] == "a@x"
    assert got[tags.PidTagSenderSmtpAddress] == "s@x"
    got = read("Sender: s@x\n\n").properties
    assert got[tags.PidTagSentRepresentingSmtpAddress] == "s@x"
    assert tags.PidTagSenderName not in read("Subject: x\n\n").properties


def test_recipients() -> None:
    """[MS-OXCMAIL] 2.2.3.1, [MS-OXCMSG] 2.2.3: a row each, To before Cc before Bcc."""
    rows = read(PLAIN).recipients
    assert [row.type for row in rows] == [RecipientType.TO, RecipientType.TO, RecipientType.CC]
    assert [row.properties[tags.PidTagDisplayName] for row in rows] == ["Bob", "carol@y.test", "Däve"]
    first = rows[0].properties
    assert first[tags.PidTagRecipientType] == 1
    assert first[tags.PidTagEmailAddress] == first[tags.PidTagSmtpAddress] == "bob@y.test"
    assert first[tags.PidTagSearchKey] == b"SMTP:BOB@Y.TEST\0"
    assert first[tags.PidTagObjectType] == 6
    assert first[tags.PidTagDisplayType] == 0
    entry_id = first[tags.PidTagEntryId]
    assert entry_id == first[tags.PidTagRecipientEntryId] == first[tags.PidTagRecordKey]
    assert isinstance(entry_id, bytes)
    assert decode(entry_id) == OneOffEntryId("Bob", "SMTP", "bob@y.test")


def test_groups_give_their_members() -> None:
    """[MS-OXCMAIL] 2.2.3.1: the members of a group are recipients, its name is none."""
    rows = read("To: Team: a@x, b@x;, c@x\nBcc: undisclosed-recipients:;\nTo: d@x\n\n").recipients
    assert [row.properties[tags.PidTagSmtpAddress] for row in rows] == ["a@x", "b@x", "c@x", "d@x"]


def test_known_recipients() -> None:
    """[MS-OXCDATA] 2.2.5.2: who is in the directory gets an address book EntryID."""
    known = {"bob@y.test": Resolved("Robert", "/o=X/cn=bob"), "carol@y.test": Resolved("List", "/o=X/cn=list", True)}
    rows = read(PLAIN, resolve=known.get).recipients
    first, second = rows[0].properties, rows[1].properties
    assert isinstance(first[tags.PidTagEntryId], bytes)
    assert decode(first[tags.PidTagEntryId]) == AddressBookEntryId("/o=X/cn=bob", 0)
    assert first[tags.PidTagSmtpAddress] == "bob@y.test"
    assert (second[tags.PidTagObjectType], second[tags.PidTagDisplayType]) == (8, 1)


def test_a_sender_is_looked_up_if_trusted() -> None:
    """[MS-OXCMAIL] 2.2.3.1.1: but whoever says to be of the own directory is not shown as such."""
    known = {"jane@x.test": Resolved("Jane", "/o=X/cn=jane")}
    asks = "Disposition-Notification-To: jane@x.test\n"
    fields = (tags.PidTagSenderEntryId, tags.PidTagSentRepresentingEntryId, tags.PidTagReadReceiptEntryId)
    for trusted, kind in ((True, AddressBookEntryId), (False, OneOffEntryId)):
        got = read(asks + PLAIN, resolve=known.get, trusted=trusted).properties
        assert [type(decode(got[tag])) for tag in fields] == [kind] * 3  # type: ignore[arg-type]


def test_reply_to() -> None:
    """[MS-OXOMSG] 2.2.1: Reply-To becomes a FlatEntryList and the names beside it."""
    got = read('Reply-To: A; <a@x>, "B; C" <b@x>\n\n').properties
    entries = got[tags.PidTagReplyRecipientEntries]
    assert isinstance(entries, bytes)
    found = [decode(entry) for entry in decode_flat_entry_list(entries)]
    assert OneOffEntryId("B; C", "SMTP", "b@x") in found
    assert str(got[tags.PidTagReplyRecipientNames]).endswith("B C")


@pytest.mark.parametrize(
    ("header", "importance"),
    [
        ("", 1),
        ("Importance: High", 2),
        ("importance: low", 0),
        ("X-Priority: 1 (Highest)", 2),
        ("X-Priority: 5", 0),
        ("X-Priority: 3", 1),
        ("Priority: urgent", 2),
        ("Priority: Non-Urgent", 0),
        ("X-MSMail-Priority: Low", 0),
        ("X-Priority: 1\nImportance: low", 0),
        ("Importance: low\nX-Priority: 1", 0),
        ("Priority: non-urgent\nX-Priority: 2", 2),
        ("Importance: odd", 1),
    ],
)
def test_importance(header: str, importance: int) -> None:
    """[MS-OXCMAIL] 2.2.3.2.5: the words of each field; Importance wins whatever the order."""
    assert prop(f"{header}\nSubject: x\n\n".lstrip("\n"), tags.PidTagImportance) == importance


@pytest.mark.parametrize(
    ("word", "value"), [("Personal", 1), ("private", 2), ("Company-Confidential", 3), ("Normal", 0), ("odd", 0)]
)
def test_sensitivity(word: str, value: int) -> None:
    assert prop(f"Sensitivity: {word}\n\n", tags.PidTagSensitivity) == value


def test_keywords() -> None:
    got = prop("Keywords: red, =?utf-8?Q?gr=C3=BCn?=; blue\nKeywords: red,\n\n", tags.PidNameKeywords)
    assert got == ("red", "grün", "blue")


def test_receipts() -> None:
    """[MS-OXCMAIL] 2.2.3.1: Disposition-Notification-To asks for a read receipt."""
    got = read("Disposition-Notification-To: A <a@x>\nReturn-Receipt-To: b@x\n\n").properties
    assert got[tags.PidTagReadReceiptRequested] is True
    assert got[tags.PidTagOriginatorDeliveryReportRequested] is True
    assert got[tags.PidTagReadReceiptSmtpAddress] == "a@x"
    got = read("Subject: x\n\n").properties
    assert tags.PidTagReadReceiptRequested not in got


def test_follow_up_flag() -> None:
    """[MS-OXCMAIL] 2.2.3.2: X-Message-Flag; Reply-By counts only beside it."""
    got = read("X-Message-Flag: Call\nReply-By: Mon, 1 Jan 2024 00:00:00 +0000\n\n").properties
    assert got[tags.PidLidFlagRequest] == "Call"
    assert got[tags.PidTagFlagStatus] == 2
    assert got[tags.PidTagReplyTime] == filetime_from_unix(1_704_067_200)
    assert prop("Reply-By: Mon, 1 Jan 2024 00:00:00 +0000\n\n", tags.PidTagReplyTime) is None


@pytest.mark.parametrize(
    ("header", "bits"),
    [
        ("X-Auto-Response-Suppress: DR, OOF, AutoReply", 0x31),
        ("X-Auto-Response-Suppress: All", -1),
        ("X-Auto-Response-Suppress: None\nPrecedence: bulk", 0),
        ("Precedence: bulk", 0x30),
        ("Auto-Submitted: auto-replied", 0x30),
        ("Auto-Submitted: no", None),
        ("Subject: x", None),
    ],
)
def test_reply_suppression(header: str, bits: int | None) -> None:
    assert prop(f"{header}\n\n", tags.PidTagAutoResponseSuppress) == bits


def test_headers_of_the_organisation_need_trust() -> None:
    """[MS-OXCMAIL] 2.2.3.2.28: the header firewall: nobody outside may set them, and they are kept nowhere."""
    text = "X-MS-Exchange-Organization-SCL: -1\nx-ms-exchange-organization-AuthAs: Internal\n more\nSubject: x\n\n"
    tag = tags.PidTagContentFilterSpamConfidenceLevel
    assert prop(text, tag) is None
    assert prop(text, tag, trusted=True) == -1
    assert prop(text, tags.PidTagTransportMessageHeaders) == "Subject: x\r\n\r\n"


def test_transport_headers() -> None:
    """[MS-OXCMAIL] 2.2.3.2.28: the header as it came."""
    assert prop("Subject: ä\nX: y\n\nbody", tags.PidTagTransportMessageHeaders) == "Subject: ä\r\nX: y\r\n\r\n"
    got = read(b"Subject: \xe4\r\n\r\n").properties
    assert got[tags.PidTagTransportMessageHeaders] == "Subject: ä\r\n\r\n"


def test_other_headers() -> None:
    got = read(
        "List-Unsubscribe: <mailto:u@x>\nX-Mailer: M 1\nContent-Class: urn:x\nContent-ID: <c@x>\nX-Odd: 1\n"
        "Expiry-Date: 1 Jan 2024 00:00:00 +0000\nAccept-Language: de\n\n"
    ).properties
    assert got[tags.PidTagListUnsubscribe] == "<mailto:u@x>"
    assert got[tags.internet_header("X-Mailer")] == "M 1"
    assert got[tags.PidNameContentClass] == "urn:x"
    assert got[tags.PidTagBodyContentId] == "c@x"
    assert got[tags.PidTagExpiryTime] == filetime_from_unix(1_704_067_200)
    assert got[tags.PidNameAcceptLanguage] == "de"
    assert tags.internet_header("X-Odd") not in got


def test_times() -> None:
    """Without a Date the time of delivery counts; without that, the newest Received field."""
    assert prop("Subject: x\n\n", tags.PidTagClientSubmitTime) == filetime_from_unix(RECEIVED)
    got = read(PLAIN, received=None).properties
    assert got[tags.PidTagMessageDeliveryTime] == filetime_from_unix(1_704_106_800)
    assert tags.PidTagMessageDeliveryTime not in read("Subject: x\n\n", received=None).properties


NESTED = """Subject: outer
Content-Type: multipart/mixed; boundary=b

--b

text
--b
Content-Type: message/rfc822

Subject: inner
From: i@x
Content-Type: multipart/mixed; boundary=c

--c

inner text
--c
Content-Type: application/octet-stream; name=f.bin
Content-Transfer-Encoding: base64

AAEC
--c--

--b--
"""


def test_embedded_messages() -> None:
    """[MS-OXCMAIL] 2.2.3.4, [MS-OXCMSG] 2.2.2.9: message/rfc822 is an embedded message, method 5."""
    raw = NESTED.replace("\n", "\r\n").encode()
    content = read(raw)
    (attachment,) = content.attachments
    assert attachment.properties[tags.PidTagAttachMethod] == 5
    assert attachment.properties[tags.PidTagDisplayName] == "inner"
    inner = attachment.data
    assert isinstance(inner, MessageContent)
    assert inner.properties[tags.PidTagSubject] == "inner"
    assert inner.properties[tags.PidTagBody] == "inner text"
    assert tags.PidTagTransportMessageHeaders not in inner.properties
    assert tags.PidTagMessageDeliveryTime not in inner.properties
    (file,) = inner.attachments
    assert isinstance(file.data, MimeSlice)
    assert raw[file.data.offset : file.data.offset + file.data.length] == b"AAEC"
    assert read_attachment_data(raw, file) == b"\0\1\2"
    assert read_attachment_data(raw, attachment) is None


def test_an_encoded_enclosed_message() -> None:
    """[RFC2046] 5.2.1 forbids it; it is read all the same, its attachments as octets."""
    import base64

    inner = base64.encodebytes(NESTED.replace("\n", "\r\n").encode()).decode()
    text = (
        "Content-Type: multipart/mixed; boundary=o\n\n--o\n\nx\n--o\nContent-Type: message/rfc822\n"
        f"Content-Transfer-Encoding: base64\n\n{inner}--o--\n"
    )
    data = read(text).attachments[0].data
    assert isinstance(data, MessageContent)
    assert data.properties[tags.PidTagSubject] == "outer"
    innermost = data.attachments[0].data
    assert isinstance(innermost, MessageContent)
    assert innermost.attachments[0].data == b"\0\1\2"


def test_messages_nested_too_deep_stay_files() -> None:
    level = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\n"
    content = read(level * 30)
    depth = 0
    while content.attachments and isinstance(content.attachments[-1].data, MessageContent):
        content = content.attachments[-1].data
        depth += 1
    assert depth == MAX_EMBEDDED == 7


FRAGMENTS = [
    b"From: a@b\r\n", b"To: x\r\n", b"Cc: <\r\n", b"Subject: =?utf-8?B?/w==?=\r\n", b"Date: 1\r\n", b"Keywords: ,\r\n",
    b"Thread-Index: AAAA\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: multipart/related; boundary=b\r\n", b"Content-Type: multipart/alternative; boundary=b\r\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
    b"Content-Type: message/delivery-status\r\n", b"Content-Type: message/rfc822\r\n", b"Content-Type: text/html\r\n",
    b"Content-Type: image/png; name*=x''%00\r\n", b"Content-Disposition: attachment; filename=\"a/b\"\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: x-uuencode\r\n", b"Content-ID: <i>\r\n",
    b"\r\n", b"\r\n", b"--b\r\n", b"--b\r\n", b"--b--\r\n", b"text\r\n", b"\xff\0", b"Reply-To: a, b;\r\n",
    b"X-Priority:\r\n",
    b"Disposition-Notification-To: (\r\n", b"Action: failed\r\n", b"Message-ID: \0\r\n",
]  # fmt: skip


def check(content: MessageContent) -> None:
    """Everything in a content can be written into bags."""

    def writable(bag: Any) -> None:
        encode_bag({key: value for key, value in bag.items() if isinstance(key, int)})
        assert all(isinstance(key.set, UUID) for key in bag if not isinstance(key, int))

    writable(content.properties)
    for row in content.recipients:
        writable(row.properties)
    for attachment in content.attachments:
        writable(attachment.properties)
        if isinstance(attachment.data, MessageContent):
            check(attachment.data)
        else:
            assert attachment.data is not None


@settings(max_examples=examples(60))
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map(b"".join), st.booleans())
def test_any_message_can_be_read(raw: bytes, delivered: bool) -> None:
    check(read(raw, received=RECEIVED if delivered else None))
