"""Calendars in mail, both ways ([MS-OXCMAIL] 2.2.3.6, 2.1.3.3.8, [RFC6047])."""

from __future__ import annotations

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.reader import CalendarSettings, read_mime
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import filetime_from_unix
from tests.support.mime_losses import there_and_back
from tests.support.mime_writing import headers, notes, shape, written

HEADER = (
    "From: Ann <ann@example.net>\nTo: Bob <bob@example.org>\nSubject: Lunch\n"
    "Date: Mon, 1 Jan 2024 12:00:00 +0000\nMessage-ID: <1@example.net>\nMIME-Version: 1.0\n"
)


def calendar(method: str = "REQUEST", more: str = "") -> str:
    return (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:{method}\nBEGIN:VEVENT\nUID:abc\nDTSTAMP:20240101T000000Z\n"
        "DTSTART:20240105T100000Z\nDTEND:20240105T110000Z\nSUMMARY:Lunch\nLOCATION:Room 1\nDESCRIPTION:said inside\n"
        f"ORGANIZER:mailto:ann@example.net\nATTENDEE;RSVP=TRUE{more}:mailto:bob@example.org\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    )


def part(text: str, method: str = "REQUEST", more: str = "") -> str:
    return f"Content-Type: text/calendar; charset=utf-8; method={method}\n{more}\n{text}"


def alternative(text: str, method: str = "REQUEST", more: str = "") -> bytes:
    raw = (
        f"{HEADER}Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\ncome\n"
        f"--b\n{part(text, method, more)}\n--b--\n"
    )
    return raw.replace("\n", "\r\n").encode()


def read(raw: bytes | str, receipt: Receipt | None = None) -> MessageContent:
    raw = raw.replace("\n", "\r\n").encode() if isinstance(raw, str) else raw
    return read_mime(render(raw), received=0, receipt=receipt)


def test_a_request() -> None:
    """[MS-OXCMAIL] 2.2.3.6: the class is the calendar's, and so are its properties; the text is the mail's."""
    content = read(alternative(calendar()))
    got = content.properties
    assert got[tags.PidTagMessageClass] == "IPM.Schedule.Meeting.Request"
    assert got[tags.PidLidLocation] == "Room 1"
    assert got[tags.PidTagBody] == "come"
    assert got[tags.PidTagSentRepresentingSmtpAddress] == "ann@example.net"
    assert content.attachments == ()
    assert got[tags.PidTagHasAttachments] is False


@pytest.mark.parametrize(
    ("method", "more", "name"),
    [
        ("REPLY", ";PARTSTAT=ACCEPTED", "IPM.Schedule.Meeting.Resp.Pos"),
        ("REPLY", ";PARTSTAT=DECLINED", "IPM.Schedule.Meeting.Resp.Neg"),
        ("REPLY", ";PARTSTAT=TENTATIVE", "IPM.Schedule.Meeting.Resp.Tent"),
        ("CANCEL", "", "IPM.Schedule.Meeting.Canceled"),
    ],
)
def test_other_methods(method: str, more: str, name: str) -> None:
    """[MS-OXCICAL] 2.1.3.1.1.1"""
    assert read(alternative(calendar(method, more), method)).properties[tags.PidTagMessageClass] == name


def test_whose_calendar_it_is() -> None:
    """Times without a zone are by the clock of the mailbox's owner, who received what somebody else organised."""
    text = calendar("PUBLISH").replace("T100000Z", "T100000").replace("T110000Z", "T110000")
    mail = render(alternative(text, "PUBLISH"))
    asked: list[str] = []

    def bob() -> CalendarSettings:
        asked.append("bob")
        return CalendarSettings(("robert@example.org", "Bob@example.org"), "Europe/Berlin")

    got = read_mime(mail, received=0, calendars=bob).properties
    assert asked == ["bob"]
    assert got[tags.PidLidAppointmentStartWhole] == filetime_from_unix(1704445200)  # 09:00 UTC
    assert got[tags.PidLidAppointmentStateFlags] == 3  # a meeting, received ([MS-OXOCAL] 2.2.1.10)
    got = read_mime(mail, received=0, calendars=lambda: CalendarSettings(("ann@example.net",))).properties
    assert got[tags.PidLidAppointmentStartWhole] == filetime_from_unix(1704448800)
    assert got[tags.PidLidAppointmentStateFlags] == 1  # a meeting of their own
    read_mime(render(HEADER.encode() + b"\n\nno calendar"), received=0, calendars=bob)
    assert asked == ["bob"]


def test_a_calendar_alone() -> None:
    """What the calendar says is the body where the mail has none."""
    got = read(HEADER + part(calendar())).properties
    assert got[tags.PidTagMessageClass] == "IPM.Schedule.Meeting.Request"
    assert str(got[tags.PidTagBody]).strip() == "said inside"


def test_a_calendar_beside_a_text() -> None:
    """One with a method is what the message is about; one without is a file, and so is one that is attached."""
    start = f"{HEADER}Content-Type: multipart/mixed; boundary=b\n\n--b\n\ncome\n--b\n"
    content = read(f"{start}{part(calendar())}--b--\n")
    assert content.properties[tags.PidTagMessageClass] == "IPM.Schedule.Meeting.Request"
    for text in (
        part(calendar(), more="Content-Disposition: attachment; filename=a.ics\n"),
        part(calendar()).replace("; method=REQUEST", ""),
    ):
        content = read(f"{start}{text}--b--\n")
        assert content.properties[tags.PidTagMessageClass] == "IPM.Note"
        assert content.attachments[0].properties[tags.PidTagAttachMimeTag] == "text/calendar"


@pytest.mark.parametrize("text", ["nothing", "BEGIN:VCALENDAR\nMETHOD:REFRESH\nEND:VCALENDAR\n", calendar("REPLY")])
def test_what_cannot_be_read_stays_a_file(text: str) -> None:
    receipt = Receipt()
    content = read(alternative(text), receipt)
    assert content.properties[tags.PidTagMessageClass] == "IPM.Note"
    assert content.properties[tags.PidTagBody] == "come"
    assert content.attachments[0].properties[tags.PidTagAttachMimeTag] == "text/calendar"
    assert receipt.count


def test_a_nul_in_a_calendar() -> None:
    """[RFC5545] 3.1: it is no character of one, and passed over."""
    content = read(alternative(calendar().replace("bob@", "b\0ob@")))
    assert content.properties[tags.PidTagMessageClass] == "IPM.Schedule.Meeting.Request"
    assert "bob@example.org" in [row.properties[tags.PidTagSmtpAddress] for row in content.recipients]


def test_there_and_back() -> None:
    """Who invited is in the calendar and not among those it goes to ([MS-OXCMAIL] 2.1.3.3.8)."""
    raw = alternative(calendar())
    receipt = Receipt()
    again = written(read(raw), receipt)
    assert shape(again) == "alternative(text/plain, text/calendar)"
    assert "To: Bob <bob@example.org>" in headers(again) or "To: <bob@example.org>" in headers(again)
    assert not any("MIME has no place" in one for one in notes(receipt))
    assert there_and_back(raw) == []
