"""Delivery status and disposition notifications, written ([MS-OXCMAIL] 2.1.3.6)."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.reportfields import (
    Status,
    action_of,
    field_groups,
    status_of,
    typed_address,
)
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcmail.reportmail import FIELDS, ORIGINAL, dsn, mdn
from tests.support.examples import examples
from tests.support.mime_writing import TOKEN, file, note, notes, parsed, recipient, shape, written


def part(raw: bytes, number: int) -> str:
    """The part of a report, as it stands."""
    payload = cast(list[EmailMessage], parsed(raw).get_payload())[number]
    return payload.as_string().partition("\n\n")[2].replace("\r\n", "\n").rstrip("\n")


def test_a_delivery_report_is_written() -> None:
    """[MS-OXCMAIL] 2.1.3.6.1: types of addresses, a blank line between groups, each group with its own values."""
    rows = []
    for address, bag in (
        ("a@x", {tags.PidTagNonDeliveryReportDiagCode: 35, tags.PidTagNonDeliveryReportReasonCode: 0}),
        (
            "b@x",
            {tags.PidTagNonDeliveryReportStatusCode: 570, tags.PidTagSupplementaryInfo: "<m #5.7.54 smtp; 550 no>"},
        ),
        ("ü@x", {tags.PidTagNonDeliveryReportReasonCode: 6, tags.PidTagRemoteMessageTransferAgent: "mx.y"}),
    ):
        row = recipient(address, name="Bob" if address == "b@x" else "")
        rows.append(type(row)(row.type, {**row.properties, **bag}))
    content = note(
        {tags.PidTagMessageClass: "REPORT.IPM.Note.NDR", tags.PidTagReportingMessageTransferAgent: "mx.x"}, tuple(rows)
    )
    raw = written(content)
    assert shape(raw) == "report(text/plain, message/delivery-status)"
    assert parsed(raw).get_param("report-type") == "delivery-status"
    assert parsed(raw)["Auto-Submitted"] == "auto-replied"
    text = raw.split(b"message/delivery-status\r\n\r\n")[1].split(b"\r\n\r\n--")[0].decode().replace("\r\n", "\n")
    assert text == (
        "Reporting-MTA: dns; mx.x\n\n"
        "Final-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.1.1\n\n"
        "Final-Recipient: rfc822;b@x\nAction: failed\nStatus: 5.7.54\nDiagnostic-Code: smtp; 550 no\n"
        "X-Supplementary-Info: <m #5.7.54 smtp; 550 no>\nX-Display-Name: Bob\n\n"
        "Final-Recipient: utf-8;\\x{FC}@x\nAction: failed\nStatus: 4.4.3\nRemote-MTA: dns; mx.y"
    )


@pytest.mark.parametrize(
    ("name", "action", "status"),
    [
        ("REPORT.IPM.Note.NDR", "failed", "5.1.1"),
        ("REPORT.IPM.Note.DR", "delivered", "2.0.0"),
        ("REPORT.IPM.Schedule.Meeting.Request.Delayed.DR", "delayed", "4.1.1"),
        ("report.ipm.note.relayed.dr", "relayed", "2.0.0"),
        ("REPORT.IPM.Note.Expanded.DR", "expanded", "2.0.0"),
    ],
)
def test_actions_by_class(name: str, action: str, status: str) -> None:
    """[MS-OXCMAIL] 2.1.3.6.1.1: the class says the action; the kind of a status that had to be made goes with it."""
    row = recipient("a@x")
    row = type(row)(row.type, {**row.properties, tags.PidTagNonDeliveryReportDiagCode: 35})
    raw = written(note({tags.PidTagMessageClass: name}, (row,)))
    assert f"Action: {action}\r\nStatus: {status}\r\n".encode() in raw


def test_the_original_of_a_report() -> None:
    """[RFC6522] 3: the original comes third, or its header; other files follow."""
    original = type(file("", b""))({tags.PidTagAttachMethod: 5}, note())
    name = {tags.PidTagMessageClass: "REPORT.IPM.Note.NDR"}
    raw = written(note(name, (recipient("a@x"),), (file("x.txt", b"x"), original)))
    assert shape(raw) == "report(text/plain, message/delivery-status, message(text/plain), text/plain)"
    bag = {**name, tags.PidTagOriginalSubject: "Hello", tags.PidTagOriginalMessageId: "<1@x>"}
    raw = written(note(bag, (recipient("a@x"),)))
    assert shape(raw) == "report(text/plain, message/delivery-status, text/rfc822-headers)"
    assert b"Subject: Hello\r\nMessage-ID: <1@x>\r\n" in raw


def test_a_report_about_nobody_is_a_note() -> None:
    receipt = Receipt()
    raw = written(note({tags.PidTagMessageClass: "REPORT.IPM.Note.NDR"}), receipt)
    assert shape(raw) == "text/plain"
    assert any("has no form in MIME here" in one for one in notes(receipt))


def test_a_disposition_notification_is_written() -> None:
    """[MS-OXCMAIL] 2.1.3.6.2, 2.1.3.6.2.1"""
    bag: Any = {
        tags.PidTagMessageClass: "REPORT.IPM.Note.IPNNRN",
        tags.PidTagParentKey: b"\0\1\2\3",
        tags.PidTagOriginalMessageId: "<1@x>",
    }
    raw = written(note(bag))
    assert shape(raw) == "report(text/plain, message/disposition-notification)"
    expected = (
        b"Final-Recipient: rfc822;ann@example.net\r\nDisposition: manual-action/MDN-sent-automatically; deleted\r\n"
        b"X-MSExch-Correlation-Key: AAECAw==\r\nOriginal-Message-ID: <1@x>\r\nX-Display-Name: Ann\r\n"
    )
    assert expected in raw
    bag[tags.PidTagMessageClass] = "REPORT.IPM.Schedule.Meeting.Request.IPNRN"
    assert b"; displayed\r\n" in written(note(bag))
    nobody = MessageContent({tags.PidTagMessageClass: "REPORT.IPM.Note.IPNRN", tags.PidTagBody: ""})
    assert b"Final-Recipient: rfc822;\r\n" in written(nobody)


@pytest.mark.parametrize("address", ["x" * 1000, "x" * 892 + "@x", "ü" * 200 + "@x", "a\r\nX: y@x"])
def test_an_address_that_no_line_has_room_for(address: str) -> None:
    """[RFC5322] 2.1.1: an address cannot be folded; who has such a one is not named, and the receipt says so."""
    receipt = Receipt()
    rows = (recipient("a@x"), recipient(address))
    raw = written(note({tags.PidTagMessageClass: "REPORT.IPM.Note.NDR"}, rows), receipt)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.count(b"Final-Recipient:") == 1
    assert any("no address that a report could name" in one for one in notes(receipt))
    assert b"\nX:" not in raw
    receipt = Receipt()
    bag: Any = {tags.PidTagMessageClass: "REPORT.IPM.Note.IPNRN", tags.PidTagSenderSmtpAddress: address}
    raw = written(note(bag), receipt)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert b"Final-Recipient: rfc822;\r\n" in raw
    assert any("cannot stand in a report" in one for one in notes(receipt))


def test_an_address_of_another_kind_that_no_line_has_room_for() -> None:
    """[MS-OXCMAIL] 2.1.3.1.8: an escaped name is three times as long as the name."""
    receipt = Receipt()
    row = recipient("")
    bag: Any = {**row.properties, tags.PidTagAddressType: "EX", tags.PidTagEmailAddress: "/o=" + "é" * 300}
    del bag[tags.PidTagSmtpAddress]
    raw = written(note({tags.PidTagMessageClass: "REPORT.IPM.Note.NDR"}, (type(row)(row.type, bag),)), receipt)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert any("no address that a report could name" in one for one in notes(receipt))


def test_long_texts_are_cut_and_that_is_said() -> None:
    receipt = Receipt()
    row = recipient("a@x", name="n" * 4000)
    bag: Any = {tags.PidTagSupplementaryInfo: "i" * 4000, tags.PidTagRemoteMessageTransferAgent: "m" * 4000}
    head: Any = {
        tags.PidTagMessageClass: "REPORT.IPM.Note.NDR",
        tags.PidTagReportingMessageTransferAgent: "a" * 4000,
        tags.PidTagOriginalSubject: "s" * 4000,
    }
    raw = written(note(head, (type(row)(row.type, {**row.properties, **bag}),)), receipt)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    cut = [one.place for one in receipt if "cut to" in str(one)]
    assert cut == [
        "PidTagReportingMessageTransferAgent",
        "recipient 1, PidTagRemoteMessageTransferAgent",
        "recipient 1, PidTagSupplementaryInfo",
        "recipient 1, PidTagDisplayName",
        "PidTagOriginalSubject",
    ]


# --- There and back ---------------------------------------------------------------------------------------------------


def again(content: MessageContent, raw: bytes = b"") -> MessageContent:
    return read_mime(render(written(content, audience=Audience.OWNER, raw=raw, token=TOKEN)), received=0)


@pytest.mark.parametrize("content", [dsn(FIELDS, ORIGINAL), mdn()])
def test_there_and_back(content: MessageContent) -> None:
    """[MS-OXCMAIL] 2.1.3.6, 2.2.3.7: a report is a report again, with the properties and rows that it had."""
    back = again(content)
    for key, value in content.properties.items():
        if key != tags.PidTagTransportMessageHeaders and "ReceivedB" not in str(key):
            assert back.properties.get(key) == value, key
    assert [row.properties for row in back.recipients] == [row.properties for row in content.recipients]


@given(
    st.lists(
        st.tuples(
            st.from_regex(r"[a-z]{1,8}@[a-z]{1,8}\.example", fullmatch=True),
            st.builds(Status, st.sampled_from([2, 4, 5]), st.integers(0, 99), st.integers(0, 999)),
            st.text(st.characters(exclude_categories=("Cs", "Cc", "Z")), max_size=30),
            st.sampled_from(["", "mx.example", "mx 1"]),
        ),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=examples(40))
def test_any_statuses_come_back(rows: list[tuple[str, Status, str, str]]) -> None:
    groups = [
        f"\nFinal-Recipient: rfc822;{address}\nAction: failed\nStatus: {status.text}\nRemote-MTA: dns; {remote}\n"
        f"Diagnostic-Code: smtp; 550 {text}\n"
        for address, status, text, remote in rows
    ]
    content = dsn("Reporting-MTA: dns; x\n" + "".join(groups))
    assert len(content.recipients) == len(rows)
    assert [row.properties for row in again(content).recipients] == [row.properties for row in content.recipients]


@given(st.binary(max_size=400))
@settings(max_examples=examples(50))
def test_any_fields(data: bytes) -> None:
    for group in field_groups(data):
        status_of(group)
        assert action_of(group)
        typed_address(group.get("final-recipient", ""))
