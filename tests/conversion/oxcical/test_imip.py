"""Calendars in mail ([RFC6047], [MS-OXCMAIL] 2.1.3.3.8, 2.2.3.3.2)."""

from __future__ import annotations

import pytest

from conversion.oxcical.imip import calendar_part, calendar_properties, is_exception, merged
from conversion.oxcmail.addressing import Mailbox, recipient_row
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientType
from tests.conversion.oxcical.calendars import NOW, START, calendar, event, read_one, written

PEOPLE = ("ORGANIZER;CN=Boss:mailto:boss@example.org", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.org")
SERIES = (
    *event(*START, *PEOPLE, "RRULE:FREQ=DAILY;COUNT=3"),
    *event("RECURRENCE-ID:20260106T090000Z", "DTSTART:20260106T110000Z", *PEOPLE),
)


@pytest.mark.parametrize("method", ["PUBLISH", "REQUEST", "REPLY", "CANCEL"])
def test_both_ways(method: str) -> None:
    """[MS-OXCICAL] 2.1.3: each METHOD is an object of its own, and that object is written with it."""
    content = calendar_properties(calendar(*START, *PEOPLE, method=method))
    assert content is not None
    part = calendar_part(content, now=NOW)
    assert part is not None
    assert part[1] == method
    assert written(part[0]).value("METHOD") == method


@pytest.mark.parametrize(
    "data",
    [
        calendar(*START, method="ADD"),
        calendar(*START, method="REFRESH"),
        calendar(*START, method="DECLINECOUNTER"),
        calendar(*START, *PEOPLE[:1], "ATTENDEE;PARTSTAT=DELEGATED:mailto:ann@example.org", method="REPLY"),
        calendar(*START, method="REPLY"),
        calendar(*event("SUMMARY:x", name="VTODO"), method="REQUEST"),
        b"no calendar",
    ],
)
def test_what_stays_a_file(data: bytes) -> None:
    receipt = Receipt()
    assert calendar_properties(data, receipt=receipt) is None
    assert receipt.count


def test_several_events() -> None:
    """Each is attached to a note."""
    content = calendar_properties(calendar(*event(*START), *event(*START, "UID:two")))
    assert content is not None
    assert content.properties == {tags.PidTagMessageClass: "IPM.Note"}
    assert len(content.attachments) == 2
    assert not any(is_exception(item) for item in content.attachments)


def test_merging() -> None:
    """Sender, subject, body of the mail; class, times, attendees of the calendar."""
    request = calendar_properties(calendar(*SERIES, method="REQUEST"))
    assert request is not None
    rows = tuple(
        recipient_row(RecipientType.TO, Mailbox(name, name)) for name in ("ann@example.org", "list@example.org")
    )
    file = AttachmentContent({tags.PidTagAttachMethod: 1}, b"x")
    mail = MessageContent(
        {
            tags.PidTagMessageClass: "IPM.Note",
            tags.PidTagSubject: "mail",
            tags.PidTagBody: "text",
            tags.PidTagImportance: 2,
            tags.PidTagSenderSmtpAddress: "robot@example.org",
        },
        rows,
        (file,),
    )
    found = merged(mail, request)
    properties = found.properties
    assert properties[tags.PidTagMessageClass] == "IPM.Schedule.Meeting.Request"
    assert (properties[tags.PidTagSubject], properties[tags.PidTagBody]) == ("mail", "text")
    assert properties[tags.PidTagImportance] == 2
    assert properties[tags.PidTagSenderSmtpAddress] == "robot@example.org"
    assert tags.PidLidAppointmentRecur in properties
    addresses = [row.properties[tags.PidTagSmtpAddress] for row in found.recipients]
    assert addresses == ["boss@example.org", "ann@example.org", "list@example.org"]
    assert [is_exception(item) for item in found.attachments] == [False, True]
    answer = calendar_properties(calendar(*START, *PEOPLE, "COMMENT:yes", method="REPLY"))
    assert answer is not None
    to = (recipient_row(RecipientType.TO, Mailbox("boss", "boss@example.org")),)
    found = merged(MessageContent({tags.PidTagMessageClass: "IPM.Note", tags.PidTagSubject: "Accepted: x"}, to), answer)
    assert found.properties[tags.PidTagBody] == "yes"
    assert [row.properties[tags.PidTagRecipientFlags] for row in found.recipients] == [3]


def test_part() -> None:
    """Files stay with the mail, exceptions are in the part."""
    content = calendar_properties(calendar(*SERIES, method="REQUEST"))
    assert content is not None
    file = AttachmentContent({tags.PidTagAttachMethod: 1}, b"x")
    part = calendar_part(MessageContent(content.properties, content.recipients, (file, *content.attachments)), now=NOW)
    assert part is not None
    master, exception = written(part[0]).inner("VEVENT")
    assert master.first("ATTACH") is None
    assert exception.value("RECURRENCE-ID") == "20260106T090000"
    assert calendar_part(MessageContent({tags.PidTagMessageClass: "IPM.Note"})) is None
    assert calendar_part(read_one(*event("SUMMARY:x", name="VTODO"))) is None
