"""Envelope fields of the MIME writer ([MS-OXCMAIL] 2.1.3.2), each as it is on the wire and as it is read back."""

from __future__ import annotations

import pytest

from conversion.oxcmail.headers import TABLE
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, PropertyType, Value, filetime_from_unix
from tests.support.mime_writing import DATE, SENT, TOKEN, file, headers, note, notes, parsed, reread, written

UNICODE = {tags.PidTagSubject: "Zażółć gęślą jaźń"}


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        # [MS-OXCMAIL] 2.1.3.2.3: what telephones leave.
        (tags.PidTagSenderTelephoneNumber, "+1 555 0100", "X-CallingTelephoneNumber: +1 555 0100"),
        (tags.PidTagVoiceMessageDuration, 12, "X-VoiceMessageDuration: 12"),
        (tags.PidTagVoiceMessageSenderName, "Ann", "X-VoiceMessageSenderName: Ann"),
        (tags.PidTagFaxNumberOfPages, 3, "X-FaxNumberOfPages: 3"),
        (tags.PidTagVoiceMessageAttachmentOrder, "a;b", "X-AttachmentOrder: a;b"),
        (tags.PidTagCallId, "c-1", "X-CallID: c-1"),
        # [MS-OXCMAIL] 2.1.3.2.6: sensitivity.
        (tags.PidTagSensitivity, 1, "Sensitivity: Personal"),
        (tags.PidTagSensitivity, 2, "Sensitivity: Private"),
        (tags.PidTagSensitivity, 3, "Sensitivity: Company-Confidential"),
        # [MS-OXCMAIL] 2.1.3.2.7, 2.1.3.2.8, 2.1.3.2.9: time, subject, topic.
        (tags.PidTagClientSubmitTime, SENT, f"Date: {DATE}"),
        (tags.PidTagSubject, "Re: x", "Subject: Re: x"),
        (tags.PidTagConversationTopic, "x", "Thread-Topic: x"),
        # [MS-OXCMAIL] 2.1.3.2.10: the index.
        (tags.PidTagConversationIndex, b"\x01" + bytes(21), "Thread-Index: AQAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="),
        # [MS-OXCMAIL] 2.1.3.2.11, 2.1.3.2.12, 2.1.3.2.14: identifiers, as they are.
        (tags.PidTagInternetMessageId, "<a@b>", "Message-ID: <a@b>"),
        (tags.PidTagInternetReferences, "<a@b> <c@d>", "References: <a@b> <c@d>"),
        (tags.PidTagInReplyToId, "<a@b>", "In-Reply-To: <a@b>"),
        # [MS-OXCMAIL] 2.1.3.2.13: categories.
        (tags.PidNameKeywords, ("Red", "Größe"), "Keywords: Red, =?utf-8?B?R3LDtsOfZQ==?="),
        # [MS-OXCMAIL] 2.1.3.2.15: the standard spelling of what lists say.
        (tags.PidTagListHelp, "<mailto:h@x>", "List-Help: <mailto:h@x>"),
        (tags.PidTagListSubscribe, "<mailto:s@x>", "List-Subscribe: <mailto:s@x>"),
        (tags.PidTagListUnsubscribe, "<mailto:u@x>, <http://x>", "List-Unsubscribe: <mailto:u@x>, <http://x>"),
        # [MS-OXCMAIL] 2.1.3.2.16: languages.
        (tags.PidTagMessageLocaleId, 0x0407, "Content-Language: de-DE"),
        (tags.PidTagMessageLocaleId, 0x0009, "Content-Language: en"),
        (tags.PidNameAcceptLanguage, "de, en", "Accept-Language: de, en"),
        # [MS-OXCMAIL] 2.1.3.2.18: payload.
        (tags.PidTagAttachPayloadClass, "P.Q", "X-Payload-Class: P.Q"),
        # [MS-OXCMAIL] 2.1.3.2.20: who shall not answer.
        (tags.PidTagAutoResponseSuppress, 0, "X-Auto-Response-Suppress: None"),
        (tags.PidTagAutoResponseSuppress, -1, "X-Auto-Response-Suppress: All"),
        (tags.PidTagAutoResponseSuppress, 0x1C, "X-Auto-Response-Suppress: RN, NRN, OOF"),
        (tags.PidTagAutoResponseSuppress, 0x3F, "X-Auto-Response-Suppress: DR, NDR, RN, NRN, OOF, AutoReply"),
        # [MS-OXCMAIL] 2.1.3.2.25: a flag.
        (tags.PidLidFlagRequest, "Call back", "X-Message-Flag: Call back"),
        # [MS-OXCMAIL] 2.1.3.2.29, 2.1.3.2.30: the body's own name and place.
        (tags.PidTagBodyContentId, "b@x", "Content-ID: <b@x>"),
        (tags.PidTagBodyContentLocation, "http://x/y", "Content-Location: http://x/y"),
        (tags.PidNameContentBase, "http://x/", "Content-Base: http://x/"),
        # [MS-OXCMAIL] 2.1.3.2.31: cross references of news.
        (tags.PidNameCrossReference, "news g:1", "Xref: news g:1"),
        (tags.PidTagExpiryTime, SENT, f"Expires: {DATE}"),
        (tags.PidNameContentClass, "urn:x", "Content-Class: urn:x"),
        # [MS-OXCMAIL] 2.1.3.2.4: any other field.
        (tags.internet_header("X-Mailer"), "oxgate", "X-Mailer: oxgate"),
        (tags.internet_header("list-id"), "<l.x>", "List-Id: <l.x>"),
        (tags.internet_header("x-own-thing"), "ä", "X-Own-Thing: =?utf-8?B?w6Q=?="),
        (PropertyName(tags.PS_INTERNET_HEADERS, "X-camelCase", PropertyType.STRING), "1", "X-camelCase: 1"),
    ],
)
def test_rows(key: PropertyKey, value: Value, line: str) -> None:
    """[MS-OXCMAIL] 2.1.3.2: before rows stands the section that they are of; each is read back as it was."""
    receipt = Receipt()
    raw = written(note({key: value}), receipt)
    assert line in headers(raw)
    assert not notes(receipt)
    if not isinstance(key, PropertyName) or key.key not in ("x-own-thing", "X-camelCase"):
        assert reread(raw).properties[key] == value


@pytest.mark.parametrize(
    ("properties", "lines"),
    [
        ({tags.PidTagImportance: 0}, ["Importance: Low", "X-Priority: 5"]),
        ({tags.PidTagImportance: 1}, []),
        ({tags.PidTagImportance: 2}, ["Importance: High", "X-Priority: 1"]),
        ({tags.PidTagPriority: 1}, ["Importance: High", "X-Priority: 1"]),
        ({tags.PidTagImportance: 7}, []),
        ({}, []),
    ],
)
def test_importance(properties: PropertyBag, lines: list[str]) -> None:
    """[MS-OXCMAIL] 2.1.3.2.5"""
    found = headers(written(note(properties)))
    assert [line for line in found if line.startswith(("Importance", "X-Priority"))] == lines


def test_classification_is_said_only_of_what_is_classified() -> None:
    """[MS-OXCMAIL] 2.1.3.2.17"""
    bag: PropertyBag = {
        tags.PidLidClassification: "Secret",
        tags.PidLidClassificationDescription: "For few",
        tags.PidLidClassificationGuid: "{1}",
        tags.PidLidClassificationKeep: False,
    }
    receipt = Receipt()
    assert not [line for line in headers(written(note(bag), receipt)) if line.startswith("X-Microsoft")]
    assert len(notes(receipt)) == 4
    raw = written(note({tags.PidLidClassified: True, **bag}))
    assert [line for line in headers(raw) if line.startswith("X-Microsoft")] == [
        "X-Microsoft-Classified: true",
        "X-Microsoft-Classification: Secret",
        "X-Microsoft-ClassDesc: For few",
        "X-Microsoft-ClassID: {1}",
        "X-Microsoft-ClassKeep: false",
    ]
    again = reread(raw).properties
    assert all(again[key] == value for key, value in bag.items())


def test_has_attachments() -> None:
    """[MS-OXCMAIL] 2.1.3.2.19"""
    assert "X-MS-Has-Attach: yes" in headers(written(note({}, (), (file("a", b"x"),))))
    assert not any("Has-Attach" in line for line in headers(written(note())))


def test_a_time_to_answer_by_needs_a_flag() -> None:
    """[MS-OXCMAIL] 2.1.3.2.25, 2.1.3.2.28"""
    raw = written(note({tags.PidTagReplyTime: SENT, tags.PidLidFlagRequest: "Reply"}))
    assert f"Reply-By: {DATE}" in headers(raw)
    assert reread(raw).properties[tags.PidTagReplyTime] == SENT
    receipt = Receipt()
    assert not any(
        line.startswith("Reply-By") for line in headers(written(note({tags.PidTagReplyTime: SENT}), receipt))
    )
    assert notes(receipt) == ["dropped: PidTagReplyTime: a time to answer by needs a flag"]


def test_a_long_conversation_index() -> None:
    """[MS-OXCMAIL] 2.1.3.2.10"""
    index = b"\x01" + bytes(range(21)) + bytes(5 * 200)
    assert (
        reread(written(note({tags.PidTagConversationIndex: index}))).properties[tags.PidTagConversationIndex] == index
    )


def test_the_subject_of_two_halves() -> None:
    """[MS-OXCMAIL] 2.1.3.2.8"""
    bag = {key: value for key, value in note().properties.items() if key != tags.PidTagSubject}
    bag |= {tags.PidTagSubjectPrefix: "RE: ", tags.PidTagNormalizedSubject: "x"}
    assert "Subject: RE: x" in headers(written(MessageContent(bag)))


def test_a_date_is_made_where_there_is_none() -> None:
    """[MS-OXCMAIL] 2.1.3.2.7: now for what is sent; for its owner, when it was last changed."""
    bag = {key: value for key, value in note().properties.items() if key != tags.PidTagClientSubmitTime}
    receipt = Receipt()
    assert "Date: Thu, 1 Jan 1970 00:00:00 +0000" in headers(written(MessageContent(bag), receipt))
    assert any(one.startswith("guessed: PidTagClientSubmitTime") for one in notes(receipt))
    bag[tags.PidTagLastModificationTime] = SENT
    assert f"Date: {DATE}" in headers(written(MessageContent(bag), audience=Audience.OWNER))


def test_what_is_sent_gets_an_identifier() -> None:
    """[MS-OXCMAIL] 2.1.3.2.11"""
    bag = {key: value for key, value in note().properties.items() if key != tags.PidTagInternetMessageId}
    raw = written(MessageContent(bag), domain="example.net")
    assert f"Message-ID: <{TOKEN}@example.net>" in headers(raw)
    assert not any(
        line.startswith("Message-ID") for line in headers(written(MessageContent(bag), audience=Audience.OWNER))
    )


@pytest.mark.parametrize("name", ["auto-forwarded", "scl"])
def test_what_the_organisation_says_to_itself_is_never_written(name: str) -> None:
    """[MS-OXCMAIL] 2.1.3.2.4: neither from properties that mean it, nor from names of headers."""
    bag: dict[PropertyKey, Value] = {rule.property: 1 for rule in TABLE if rule.trusted}
    for prefix in ("X-MS-Exchange-Organization-", "X-MS-Exchange-Forest-", "X-Microsoft-Exchange-Organization-"):
        bag[tags.internet_header(prefix + name)] = "1"
    for audience in Audience:
        receipt = Receipt()
        content = note({**bag, tags.PidTagTransportMessageHeaders: "X-MS-Exchange-CrossTenant-Id: 1\r\n"})
        assert b"exchange" not in written(content, receipt, audience=audience).lower()
        assert len(notes(receipt)) == len(bag)


@pytest.mark.parametrize(
    "name",
    [
        "From",
        "bcc",
        "Content-Type",
        "content-transfer-encoding",
        "MIME-Version",
        "X Y",
        "X:Y",
        "X\r\nBcc",
        "",
        "ä",
        "Received",
    ],
)
def test_names_that_cannot_be_headers_of_their_own(name: str) -> None:
    """[MS-OXCMAIL] 2.1.3.2.4: no name breaks out, none takes the place of what other properties make."""
    plain = headers(written(note()))
    key = PropertyName(tags.PS_INTERNET_HEADERS, name, PropertyType.STRING)
    receipt = Receipt()
    assert headers(written(note({key: "evil@example.net"}), receipt)) == plain
    assert len(notes(receipt)) == (key != tags.PidNameContentType)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("X-CallingTelephoneNumber", tags.PidTagSenderTelephoneNumber),
        ("X-VoiceMessageSenderName", tags.PidTagVoiceMessageSenderName),
        ("X-AttachmentOrder", tags.PidTagVoiceMessageAttachmentOrder),
        ("X-CallID", tags.PidTagCallId),
    ],
)
def test_telephones_that_a_named_property_tells_of(name: str, key: PropertyKey) -> None:
    """[MS-OXCMAIL] 2.1.3.2.3: a name of the header stands in, and gives way."""
    assert f"{name}: 1" in headers(written(note({tags.internet_header(name): "1"})))
    found = headers(written(note({tags.internet_header(name): "1", key: "2"})))
    assert [line for line in found if line.startswith(name)] == [f"{name}: 2"]


def test_a_property_of_its_own_comes_before_a_named_one() -> None:
    """[MS-OXCMAIL] 2.1.3.2.4"""
    raw = written(note({tags.PidTagInReplyToId: "<a@b>", tags.internet_header("in-reply-to"): "<c@d>"}))
    assert [line for line in headers(raw) if line.startswith("In-Reply-To")] == ["In-Reply-To: <a@b>"]


@pytest.mark.parametrize(
    "tag",
    [
        tags.PidTagSubject,
        tags.PidTagConversationTopic,
        tags.PidTagInternetMessageId,
        tags.PidTagInternetReferences,
        tags.PidLidFlagRequest,
        tags.internet_header("x-mailer"),
        tags.PidTagListHelp,
        tags.PidTagBodyContentId,
        tags.PidTagSentRepresentingName,
    ],
)
def test_no_value_makes_a_field(tag: PropertyKey) -> None:
    """[RFC5322] 2.2: CR, LF and NUL end nothing."""
    for evil in ("x\r\nBcc: evil@example.net", "x\nBcc: evil@example.net", "x\rBcc: y", "\r\n\r\nbody", "\0", "\r\n"):
        raw = written(note({tag: evil}))
        assert not any(line.startswith("Bcc") for line in headers(raw))
        assert parsed(raw).get_content().splitlines() == ["Text"]
        assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")


def test_values_of_the_wrong_type_are_passed_over() -> None:
    bag: dict[PropertyKey, Value] = {rule.property: b"\xff" for rule in TABLE}
    assert "Subject: Hello" in headers(written(note(bag)))
    bag = {rule.property: (1, 2) for rule in TABLE}
    assert "Subject: Hello" in headers(written(note({**bag, tags.PidNameKeywords: (1, "", " ", "x")})))


def test_categories_with_commas() -> None:
    receipt = Receipt()
    written(note({tags.PidNameKeywords: ("a, b",)}), receipt)
    assert [one.split(":")[1] for one in notes(receipt)] == [" PidNameKeywords"]


def test_no_stray_categories() -> None:
    """[MS-OXCMAIL] 2.1.3.2.13: gromox once wrote an empty one."""
    raw = written(note({tags.PidNameKeywords: ("", "Red", " ", "Grün", "")}))
    assert [line for line in headers(raw) if line.startswith("Keywords")] == ["Keywords: Red, =?utf-8?B?R3LDvG4=?="]
    assert reread(raw).properties[tags.PidNameKeywords] == ("Red", "Grün")
    assert not any(line.startswith("Keywords") for line in headers(written(note({tags.PidNameKeywords: ("", " ")}))))


def test_the_receipt_says_what_has_no_place() -> None:
    receipt = Receipt()
    written(note({tags.PidTagOwnerAppointmentId: 1, tags.PidLidBilling: "x", tags.PidTagMessageSize: 5}), receipt)
    assert notes(receipt) == [
        "dropped: PidTagOwnerAppointmentId: MIME has no place for it",
        "dropped: PidLidBilling: MIME has no place for it",
    ]


# --- The header that a message came with ------------------------------------------------------------------------------

TRANSPORT = (
    "Return-Path: <x@y>\r\nReceived: from a\r\n\tby b; Mon, 1 Jan 2024 00:00:00 +0000\r\nX-Own: =?utf-8?Q?=C3=A4?=\r\n"
    "DKIM-Signature: v=1\r\nSubject: old\r\nContent-Type: text/html\r\nX-Priority: 1\r\nList-Archive: <http://x>\r\n"
)


def test_its_owner_sees_the_trace_and_what_has_no_property() -> None:
    """[MS-OXCMAIL] 2.1.3.2.27"""
    receipt = Receipt()
    content = note({tags.PidTagTransportMessageHeaders: TRANSPORT})
    raw = written(content, receipt, audience=Audience.OWNER)
    found = headers(raw)
    assert found[:2] == ["Return-Path: <x@y>", "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000"]
    assert "X-Own: =?utf-8?Q?=C3=A4?=" in found
    assert "List-Archive: <http://x>" in found
    assert [line for line in found if line.startswith(("Subject", "X-Priority", "DKIM"))] == ["Subject: Hello"]
    assert notes(receipt) == ["dropped: DKIM-Signature: a signature over the octets that the message had"]
    assert reread(raw).properties[tags.PidTagMessageDeliveryTime] == filetime_from_unix(1_704_067_200)


def test_others_do_not() -> None:
    """[MS-OXCMAIL] 2.1.3.2.27"""
    raw = written(note({tags.PidTagTransportMessageHeaders: TRANSPORT}), audience=Audience.TRANSPORT)
    assert b"Received" not in raw
    assert b"X-Own" not in raw
