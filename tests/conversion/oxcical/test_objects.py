"""What objects made of iCalendar have, so that clients show them ([MS-OXOCAL] 2.2.2, 2.2.3, 2.2.4, 2.2.6)."""

from __future__ import annotations

import datetime as dt

import pytest

from conversion.oxcical.times import filetime
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyKey, Value
from tests.conversion.oxcical.calendars import START, event, read_one

PEOPLE = (
    "ORGANIZER;CN=Boss:mailto:boss@example.org",
    "ATTENDEE;CN=Ann;PARTSTAT=ACCEPTED;RSVP=TRUE;X-MS-OLK-RESPTIME=20260105T090000Z:mailto:ann@example.org",
    "ATTENDEE;CN=Bob;ROLE=OPT-PARTICIPANT:mailto:bob@example.org",
    "ATTENDEE;CN=No:invalid:nomail",
    "ATTENDEE;CN=Mail;ROLE=OPT-PARTICIPANT:invalid:nomail",
    "RESOURCES:Beamer",
)
NINE, TEN = (filetime(dt.datetime(2026, 1, 5, hour)) for hour in (9, 10))


def check(content: MessageContent, expected: dict[PropertyKey, Value]) -> None:
    assert {key: content.properties.get(key) for key in expected} == expected


def test_times() -> None:
    """[MS-OXOCAL] 2.2.1.5 to 2.2.1.7, 2.2.1.9, 2.2.1.14, 2.2.1.15, 2.2.1.30 to 2.2.1.33."""
    expected: dict[PropertyKey, Value] = dict.fromkeys(
        (
            tags.PidLidAppointmentStartWhole,
            tags.PidLidCommonStart,
            tags.PidTagStartDate,
            tags.PidLidClipStart,
        ),
        NINE,
    )
    expected |= dict.fromkeys(
        (tags.PidLidAppointmentEndWhole, tags.PidLidCommonEnd, tags.PidTagEndDate, tags.PidLidClipEnd), TEN
    )
    check(read_one(*START), {**expected, tags.PidLidAppointmentDuration: 60, tags.PidLidAppointmentSubType: False})


def test_appointment() -> None:
    """[MS-OXOCAL] 2.2.1.10 to 2.2.1.13, 2.2.1.35, 2.2.1.49, 2.2.2, 2.2.2.1, 2.2.2.2, 2.2.3; no single one recurs."""
    check(
        read_one(*START),
        {
            tags.PidTagMessageClass: "IPM.Appointment",
            tags.PidLidAppointmentStateFlags: 0,
            tags.PidLidResponseStatus: 0,
            tags.PidLidRecurring: False,
            tags.PidLidIsRecurring: False,
            tags.PidLidIsException: False,
            tags.PidTagIconIndex: 0x400,
            tags.PidLidSideEffects: 0x171,
            tags.PidLidAppointmentSequence: 0,
            tags.PidLidBusyStatus: 2,
        },
    )


def test_meeting() -> None:
    """[MS-OXOCAL] 2.2.1.16 to 2.2.1.21, 2.2.1.36, 2.2.1.37, 2.2.2.5, 2.2.4, 2.2.4.10.

    [MS-OXOCAL] 2.2.4.10.1 to 2.2.4.10.3, 2.2.4.10.7.
    """
    content = read_one(*START, *PEOPLE)
    check(
        content,
        {
            tags.PidLidAppointmentStateFlags: 1,
            tags.PidLidResponseStatus: 1,
            tags.PidTagIconIndex: 0x402,
            tags.PidLidAllAttendeesString: "Ann; Bob",
            tags.PidLidToAttendeesString: "Ann",
            tags.PidLidCcAttendeesString: "Bob",
            tags.PidLidNonSendableTo: "No",
            tags.PidLidNonSendableCc: "Mail",
            tags.PidLidNonSendableBcc: "Beamer",
            tags.PidTagResponseRequested: True,
            tags.PidTagReplyRequested: True,
            tags.PidTagSenderName: "Boss",
            tags.PidTagSentRepresentingEmailAddress: "boss@example.org",
        },
    )
    keys = (tags.PidTagRecipientType, tags.PidTagRecipientFlags, tags.PidTagRecipientTrackStatus)
    assert [tuple(row.properties.get(key) for key in keys) for row in content.recipients] == [
        (1, 3, None),
        (1, 1, 3),
        (2, 1, None),
    ]
    assert content.recipients[1].properties[tags.PidTagRecipientTrackStatusTime] == NINE


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (
            "REQUEST",
            {
                tags.PidTagMessageClass: "IPM.Schedule.Meeting.Request",
                tags.PidTagIconIndex: 0x404,
                tags.PidLidSideEffects: 0x1C61,
                tags.PidTagProcessed: False,
                tags.PidLidMeetingType: 1,
                tags.PidLidAppointmentMessageClass: "IPM.Appointment",
                tags.PidLidIntendedBusyStatus: 2,
                tags.PidLidAppointmentStateFlags: 3,
            },
        ),
        (
            "CANCEL",
            {
                tags.PidTagMessageClass: "IPM.Schedule.Meeting.Canceled",
                tags.PidTagIconIndex: 0x408,
                tags.PidLidAppointmentStateFlags: 7,
                tags.PidLidReminderSet: False,
            },
        ),
        (
            "REPLY",
            {tags.PidTagMessageClass: "IPM.Schedule.Meeting.Resp.Pos", tags.PidTagIconIndex: 0x405},
        ),
        (
            "COUNTER",
            {
                tags.PidTagMessageClass: "IPM.Schedule.Meeting.Resp.Tent",
                tags.PidLidAppointmentCounterProposal: True,
                tags.PidLidAppointmentProposedStartWhole: NINE,
                tags.PidLidAppointmentProposedEndWhole: TEN,
                tags.PidLidAppointmentProposedDuration: 60,
            },
        ),
    ],
)
def test_messages(method: str, expected: dict[PropertyKey, Value]) -> None:
    """[MS-OXOCAL] 2.2.4.7, 2.2.5.1, 2.2.5.7, 2.2.6, 2.2.6.1, 2.2.6.4 to 2.2.6.6, 2.2.7.1, 2.2.8.1.

    [MS-OXOCAL] 2.2.7.3 to 2.2.7.6.
    """
    check(read_one(*START, *PEOPLE[:2], method=method), expected)


def test_texts() -> None:
    """What is one property on both sides; test_importer.py has the values.

    [MS-OXOCAL] 2.2.1.1, 2.2.1.2, 2.2.1.4, 2.2.1.8, 2.2.1.26, 2.2.1.29, 2.2.1.34, 2.2.1.48, 2.2.1.51, 2.2.5.2;
    [MS-OXOCAL] 2.2.1.56.1 to 2.2.1.56.9, 2.2.4.1 to 2.2.4.4, 2.2.4.8.
    """
    content = read_one(
        *START,
        "LOCATION:l",
        "CATEGORIES:c",
        "X-MS-OLK-AUTOFILLLOCATION:TRUE",
        "X-MICROSOFT-ISDRAFT:FALSE",
        "X-MS-OLK-APPTLASTSEQUENCE:3",
    )
    check(
        content,
        {
            tags.PidLidLocation: "l",
            tags.PidNameKeywords: ("c",),
            tags.PidLidAutoFillLocation: True,
            tags.PidLidFInvited: True,
            tags.PidLidAppointmentLastSequence: 3,
        },
    )


def test_series() -> None:
    """[MS-OXOCAL] 2.2.1.40, 2.2.1.45, 2.2.2.3, 2.2.6.10, 2.2.10, 2.2.10.1, 2.2.10.2; test_series.py has the values.

    [MS-OXOCAL] 2.2.10.1.1 to 2.2.10.1.6, 2.2.10.2.1, 2.2.10.2.3 to 2.2.10.2.6.
    """
    lines = (
        *event(*START, *PEOPLE[:2], "RRULE:FREQ=DAILY;COUNT=3"),
        *event("RECURRENCE-ID:20260106T090000Z", "DTSTART:20260106T120000Z", *PEOPLE[:2], "DESCRIPTION:x"),
    )
    content = read_one(*lines)
    check(
        content,
        {
            tags.PidLidRecurring: True,
            tags.PidLidIsRecurring: True,
            tags.PidLidRecurrenceType: 1,
            tags.PidLidTimeZoneDescription: "UTC",
            tags.PidLidFExceptionalAttendees: True,
            tags.PidTagIconIndex: 0x403,
        },
    )
    (attachment,) = content.attachments
    assert isinstance(attachment.data, MessageContent)
    check(attachment.data, {tags.PidLidFExceptionalBody: True, tags.PidLidIsException: True})
