"""Delivery status and disposition notifications, read ([MS-OXCMAIL] 2.2.3.7)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.reportfields import (
    Status,
    TypedAddress,
    action_of,
    diagnosis,
    read_status,
    status_for,
    status_of,
    typed_address,
)
from conversion.oxcmail.reports import supplementary_info
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import filetime_from_unix
from tests.conversion.oxcmail.reportmail import DATE, FIELDS, MDN, ORIGINAL, dsn, mdn
from tests.support.corpora import CORPORA


def test_what_a_report_has_no_property_for_is_noted() -> None:
    """[MS-OXCMAIL] 2.2.3.7.1: the object is about the recipients with the worst action alone."""
    receipt = Receipt()
    dsn(FIELDS, ORIGINAL, receipt=receipt)
    assert [str(note) for note in receipt] == [
        "altered: part 2, Original-Recipient: of two addresses one is kept, the other at most as a name"
    ]
    receipt = Receipt()
    dsn(
        "Reporting-MTA: dns; mx\nX-Postfix-Queue-ID: 1\n\nFinal-Recipient: rfc822; a@x.test\nAction: delivered\n"
        "Status: 2.0.0\nX-Other: 1\n\nFinal-Recipient: rfc822; b@x.test\nAction: delayed\nStatus: 4.0.0\n"
        "Will-Retry-Until: Mon, 1 Jun 2020 10:00:00 +0000\n",
        receipt=receipt,
    )
    assert [str(note) for note in receipt] == [
        "dropped: part 2: 1 of the recipients, with the action delivered: the report is delayed",
        "dropped: part 2, Will-Retry-Until: it has no property",
        "dropped: part 2, X-Postfix-Queue-Id: it has no property",
    ]
    receipt = Receipt()
    dsn("Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; a@x.test\nAction: failed\nStatus: 5.0.0\n", receipt=receipt)
    assert not list(receipt)


def test_a_delivery_report() -> None:
    """[MS-OXCMAIL] 2.2.3.7.1, 2.2.3.7.1.1, 2.2.3.7.1.2: what it is about, not whom it came to, is in its table."""
    content = dsn(FIELDS, ORIGINAL)
    got = content.properties
    assert got[tags.PidTagMessageClass] == "REPORT.IPM.Note.NDR"
    assert got[tags.PidTagReportingMessageTransferAgent] == "mx.example"
    assert got[tags.PidTagReportTime] == DATE
    assert got[tags.PidTagBody] == "It could not be delivered."
    assert got[tags.PidTagReceivedBySmtpAddress] == got[tags.PidTagReceivedRepresentingSmtpAddress] == "ann@example.net"
    assert got[tags.PidTagDisplayTo] == "Bob@example.org"
    (row,) = content.recipients
    assert row.properties[tags.PidTagRecipientType] == 1
    assert row.properties[tags.PidTagSmtpAddress] == "bob@inside.example.org"
    assert row.properties[tags.PidTagDisplayName] == "Bob@example.org"
    assert row.properties[tags.PidTagRemoteMessageTransferAgent] == "relay.example.org"
    assert row.properties[tags.PidTagNonDeliveryReportStatusCode] == 570
    assert row.properties[tags.PidTagNonDeliveryReportDiagCode] == 46
    assert row.properties[tags.PidTagNonDeliveryReportReasonCode] == 0
    assert (
        row.properties[tags.PidTagSupplementaryInfo] == "<relay.example.org #5.7.54 smtp; 550 5.7.54 Unable to relay>"
    )


def test_what_is_said_of_the_original() -> None:
    """[MS-OXOMSG] 2.2.1: the original group, from the enclosed message; its part stays an attachment."""
    content = dsn(FIELDS, ORIGINAL)
    got = content.properties
    assert got[tags.PidTagOriginalSubject] == "Grüße"
    assert got[tags.PidTagOriginalMessageId] == "<1@example.net>"
    assert got[tags.PidTagOriginalSubmitTime] == filetime_from_unix(1_704_103_200 + 3600)
    assert got[tags.PidTagOriginalDisplayTo] == "Bob"
    assert got[tags.PidTagOriginalDisplayCc] == "Cat"
    assert got[tags.PidTagOriginalSentRepresentingName] == "Ann"
    assert got[tags.PidTagOriginalSentRepresentingEmailAddress] == "ann@example.net"
    assert got[tags.PidTagOriginalSenderName] == "Sec"
    (attachment,) = content.attachments
    assert isinstance(attachment.data, MessageContent)
    headers = dsn(FIELDS, ORIGINAL.replace("message/rfc822", "text/rfc822-headers"))
    assert headers.properties[tags.PidTagOriginalSubject] == "Grüße"
    assert headers.attachments[0].properties[tags.PidTagAttachMimeTag] == "text/rfc822-headers"


def test_the_worst_action_alone() -> None:
    """[MS-OXCMAIL] 2.2.3.7.1, step 3: recipients with any other action are passed over."""
    groups = "".join(
        f"\nFinal-Recipient: rfc822;{name}@x\nAction: {action}\nStatus: {status}\n"
        for name, action, status in (("a", "delivered", "2.1.5"), ("b", "Failed", "5.1.1"), ("c", "failed", "5.2.2"))
    )
    content = dsn("Reporting-MTA: dns;x\n" + groups)
    assert content.properties[tags.PidTagMessageClass] == "REPORT.IPM.Note.NDR"
    assert [row.properties[tags.PidTagSmtpAddress] for row in content.recipients] == ["b@x", "c@x"]
    assert [row.properties[tags.PidTagNonDeliveryReportStatusCode] for row in content.recipients] == [511, 522]


@pytest.mark.parametrize(
    "fields",
    [
        (
            "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.1.1\n\n"
            "Final-Recipient: rfc822;b@x\nAction: failed\nStatus: 5.1.1\n"
        ),
        (
            "Reporting-MTA: dns;x\nFinal-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.1.1\n"
            "Final-Recipient: rfc822;b@x\nAction: failed\nStatus: 5.1.1\n"
        ),
        (
            "\n\nReporting-MTA: dns;x\n\n\nFinal-Recipient: rfc822;a@x\n\nAction: failed\nStatus: 5.1.1\n \n"
            "Final-Recipient: RFC822 ; <b@x>\nAction: failed (gone)\nStatus: 5.1.1 (gone)\n\n\n"
        ),
        (
            "Final-Recipient: a@x (Ann)\nAction: failure\nDiagnostic-Code: smtp; 550 5.1.1 no\n\n"
            "Original-Recipient: rfc822;b@x\nStatus: 5.1.1\n"
        ),
    ],
)
def test_groups(fields: str) -> None:
    """[RFC3464] 2.1, 2.3: blank lines between the groups, where they are and where they are not."""
    content = dsn(fields)
    assert [row.properties[tags.PidTagSmtpAddress] for row in content.recipients] == ["a@x", "b@x"]
    assert {row.properties[tags.PidTagNonDeliveryReportStatusCode] for row in content.recipients} == {511}


def test_a_report_about_nobody() -> None:
    """The part says nothing that the object could: it stays a file, and the recipients stay those of the header."""
    content = dsn("X-Odd: 1\n")
    assert content.properties[tags.PidTagMessageClass] == "REPORT.IPM.Note.NDR"
    assert [row.properties[tags.PidTagSmtpAddress] for row in content.recipients] == ["ann@example.net"]
    (attachment,) = content.attachments
    assert attachment.properties[tags.PidTagAttachMimeTag] == "message/delivery-status"


def test_a_report_that_is_sent_as_mixed() -> None:
    """Some servers call their reports multipart/mixed; a part that somebody attached makes no report."""
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\nX: y\r\n\r\n"
        b"Final-Recipient: rfc822;a@x\r\nAction: delayed\r\nStatus: 4.4.7\r\n\r\n--b--\r\n"
    )
    name = tags.PidTagMessageClass
    assert read_mime(render(raw)).properties[name] == "REPORT.IPM.Note.Delayed.DR"
    attached = raw.replace(b"X: y", b"Content-Disposition: attachment")
    assert read_mime(render(attached)).properties[name] == "IPM.Note"
    assert read_mime(render(raw.replace(b"Final-", b"Odd-"))).properties[name] == "IPM.Note"


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("rfc822;a@x", TypedAddress("SMTP", "a@x")),
        ("RFC822; <a@x> (Ann)", TypedAddress("SMTP", "a@x")),
        ("a@x", TypedAddress("SMTP", "a@x")),
        ("x-local; root", TypedAddress("X-LOCAL", "root")),
        ("rfc822;", None),
        ("utf-8; \\x{FC}@\\x{F6}.example", TypedAddress("SMTP", "ü@ö.example")),
        ("utf-8; \\x{D800}@x", TypedAddress("SMTP", "\\x{D800}@x")),
        ('rfc822;"a b"@x', TypedAddress("SMTP", "a b@x")),
        ("unknown; a@x", TypedAddress("SMTP", "a@x")),
    ],
)
def test_addresses(value: str, address: TypedAddress | None) -> None:
    """[RFC3464] 2.1.2, [RFC6533] 3"""
    assert typed_address(value) == address


def test_actions_and_statuses() -> None:
    """[RFC3464] 2.3.3, 2.3.4: what says no action is told by its status, what has no status by its action."""
    assert action_of({"action": "expired", "status": "4.4.7"}) == "failed"
    assert action_of({"action": "deliverable", "status": "2.1.5"}) == "delivered"
    assert action_of({"status": "4.4.1"}) == "delayed"
    assert action_of({}) == "failed"
    assert status_of({"action": "delayed"}) == Status(4, 0, 0)
    assert status_of({"action": "relayed"}) == Status(2, 0, 0)
    assert read_status("smtp; 550 10.2.3.4 is listed") is None
    assert read_status("smtp; 550-5.7.1 no") == Status(5, 7, 1)
    assert read_status("5.1000.1") is None


@pytest.mark.parametrize(
    ("status", "code", "diagnostic", "reason"),
    [
        ("5.1.1", 511, 35, 1), ("5.1.2", 512, 48, 0), ("5.1.3", 513, 32, 0), ("5.1.4", 514, 1, 0),
        ("5.1.6", 516, 40, 0), ("5.1.0", 510, 0, 0), ("5.1.5", 515, 0, 0),
        ("4.2.2", 422, 13, 0), ("5.2.3", 523, 13, 0), ("5.2.4", 524, 30, 0), ("5.2.0", 520, 38, 0),
        ("5.3.2", 532, -1, 0), ("5.3.3", 533, 18, 0), ("5.3.5", 535, 18, 0), ("5.3.4", 534, 13, 0),
        ("5.3.0", 530, 38, 0), ("4.4.0", 440, -1, 0), ("4.4.4", 444, -1, 0), ("4.4.3", 443, -1, 6),
        ("5.4.6", 546, 3, 0), ("5.4.8", 548, 3, 0), ("4.4.7", 447, 5, 0), ("4.4.1", 441, 2, 0),
        ("5.5.3", 553, 16, 0), ("5.5.4", 554, 11, 0), ("5.5.0", 550, 17, 0), ("5.6.2", 562, 9, 0),
        ("5.6.3", 563, 8, 0), ("5.6.4", 564, 25, 0), ("5.6.5", 565, -1, 2), ("5.6.0", 560, 15, 0),
        ("5.7.1", 571, 29, 0), ("5.7.2", 572, 28, 0), ("5.7.3", 573, 26, 0), ("5.7.0", 570, 46, 0),
        ("5.0.0", 500, -1, 0), ("2.8.1", 281, -1, 0), ("5.7.26", 570, 46, 0), ("5.1.10", 510, 0, 0),
        ("5.11.1", 501, -1, 0),
    ],
)  # fmt: skip
def test_status_codes(status: str, code: int, diagnostic: int, reason: int) -> None:
    """[MS-OXCMAIL] 2.2.3.7.1.3: the table, whole; numbers of several digits count as 0."""
    found = read_status(status)
    assert found is not None
    assert (found.code, *diagnosis(found)) == (code, diagnostic, reason)


def test_status_from_codes() -> None:
    """[MS-OXCMAIL] 2.1.3.6.1.2: by the diagnostic code; by the reason code where that says nothing."""
    assert [cast(Status, status_for(code, None)).text for code in (0, 1, 5, 29, 35, 48)] == [
        "5.1.0", "5.1.4", "4.4.7", "5.7.1", "5.1.1", "5.1.2",
    ]  # fmt: skip
    assert [cast(Status, status_for(-1, reason)).text for reason in range(7)] == [
        "5.4.0", "5.1.0", "5.6.5", "5.6.5", "5.2.0", "5.3.0", "4.4.3",
    ]  # fmt: skip
    assert status_for(-1, 9) is None
    assert status_for(None, None) is None


def test_supplementary_info() -> None:
    """[MS-OXCMAIL] 2.2.3.7.1.2: its parts are left out with the blank beside them."""
    assert supplementary_info("mx.x", "5.1.1", "smtp;550") == "<mx.x #5.1.1 smtp;550>"
    assert supplementary_info("", "5.1.1", "") == "<#5.1.1>"
    fields = (
        "Final-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.1.1\nX-Supplementary-Info: <own>\nX-Display-Name: A B"
    )
    (row,) = dsn(fields).recipients
    assert row.properties[tags.PidTagSupplementaryInfo] == "<own>"
    assert row.properties[tags.PidTagDisplayName] == "A B"


# --- Disposition ------------------------------------------------------------------------------------------------------


def test_a_disposition_notification() -> None:
    """[MS-OXCMAIL] 2.2.3.7.2"""
    content = mdn()
    got = content.properties
    assert got[tags.PidTagMessageClass] == "REPORT.IPM.Note.IPNRN"
    assert got[tags.PidTagOriginalDisplayTo] == "Bob B."
    assert got[tags.PidTagOriginalMessageId] == got[tags.PidTagInternetReferences] == "<1@example.net>"
    assert got[tags.PidTagParentKey] == b"\0\1\2\3"
    assert got[tags.PidTagReportText] == "manual-action/MDN-sent-manually; displayed"
    assert got[tags.PidTagReportDisposition] == "displayed"
    assert got[tags.PidTagReportDispositionMode] == "manual-action/MDN-sent-manually"
    assert got[tags.PidTagReceiptTime] == got[tags.PidTagOriginalDeliveryTime] == got[tags.PidTagReportTime] == DATE
    assert [row.properties[tags.PidTagSmtpAddress] for row in content.recipients] == ["ann@example.net"]
    assert content.attachments == ()
    assert tags.PidTagParentKey not in mdn(MDN.replace("AAECAw==", "?")).properties


def test_a_disposition_notification_alone() -> None:
    """[MS-OXCMAIL] 2.2.3.7.2: the part may be all of the message."""
    text = "Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;b@x\nDisposition: a/b; deleted\n"
    got = mdn(text).properties
    assert got[tags.PidTagMessageClass] == "REPORT.IPM.Note.IPNNRN"
    assert got[tags.PidTagOriginalDisplayTo] == "b@x"


# --- Bounces of many servers ------------------------------------------------------------------------------------------


def test_bounces_of_many_servers() -> None:
    """Every report of the corpus: whom it is about, and with what status."""
    files = sorted(Path(os.fspath(CORPORA / "dsn")).rglob("*.eml"))
    if not files:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    seen = 0
    for path in files:
        raw = normalise_newlines(path.read_bytes())
        if b"\nFinal-Recipient:" not in raw or b"message/delivery-status" not in raw.partition(b"\nFinal-R")[0]:
            continue
        content = read_mime(render(raw), received=0)
        name = cast(str, content.properties[tags.PidTagMessageClass])
        if not name.startswith("REPORT."):
            continue
        seen += 1
        for row in content.recipients:
            assert cast(str, row.properties[tags.PidTagEmailAddress]).encode() in raw, path
            assert 200 <= cast(int, row.properties[tags.PidTagNonDeliveryReportStatusCode]) < 600, path
            assert cast(str, row.properties[tags.PidTagSupplementaryInfo]).startswith("<"), path
    assert seen > 200
