"""Who is invited, who answers and whose calendar it is: iCalendar to calendar objects ([MS-OXCICAL] 2.1.3.1.1.20)."""

from __future__ import annotations

import datetime as dt

from store.mapi import tags
from store.mapi.message import MessageContent, RecipientType
from tests.conversion.oxcical.calendars import START, read_one, utc

ORGANIZER = "ORGANIZER;CN=Boss:mailto:boss@example.org"
ATTENDEE = "ATTENDEE;CN=Ann;PARTSTAT={}:mailto:ann@example.org"
WHOLE = tags.PidLidAppointmentStartWhole


def rows(content: MessageContent) -> list[tuple[object, RecipientType, object, object]]:
    keys = (tags.PidTagRecipientFlags, tags.PidTagRecipientTrackStatus)
    return [
        (row.properties[tags.PidTagSmtpAddress], row.type, *(row.properties.get(key) for key in keys))
        for row in content.recipients
    ]


def test_people() -> None:
    """Recipient rows with who answered what.

    [MS-OXCICAL] 2.1.3.1.1.20.2, 2.1.3.1.1.20.2.1 to 2.1.3.1.1.20.2.6, 2.1.3.1.1.20.16, 2.1.3.1.1.20.16.1.
    """
    content = read_one(
        *START,
        ORGANIZER,
        "ATTENDEE;RSVP=TRUE;ROLE=REQ-PARTICIPANT;CN=Ann:MAILTO: ann@example.org",
        "ATTENDEE;PARTSTAT=ACCEPTED;ROLE=OPT-PARTICIPANT;X-MS-OLK-RESPTIME=20260101T000000Z:mailto:bob%40example.org",
        "ATTENDEE;PARTSTAT=DECLINED;CUTYPE=RESOURCE:room@example.org",
        "ATTENDEE;PARTSTAT=TENTATIVE;CUTYPE=GROUP:mailto:all@example.org",
        "ATTENDEE;EMAIL=eve@example.org:/principals/eve",
        'ATTENDEE;CN="Dan; x":invalid:nomail',
        "ATTENDEE;CN=Fay;ROLE=OPT-PARTICIPANT:invalid:nomail",
        method="REQUEST",
    )
    assert rows(content) == [
        ("boss@example.org", RecipientType.TO, 3, None),
        ("ann@example.org", RecipientType.TO, 1, None),
        ("bob@example.org", RecipientType.CC, 1, 3),
        ("room@example.org", RecipientType.BCC, 1, 4),
        ("all@example.org", RecipientType.TO, 1, 2),
        ("eve@example.org", RecipientType.TO, 1, None),
    ]
    found = content.properties
    assert content.recipients[2].properties[tags.PidTagRecipientTrackStatusTime] == 134116992000000000
    assert content.recipients[4].properties[tags.PidTagObjectType] == 8
    assert found[tags.PidLidNonSendableTo] == "Dan, x"
    assert found[tags.PidLidNonSendableCc] == "Fay"
    assert found[tags.PidLidToAttendeesString] == "Ann; all@example.org; eve@example.org"
    assert found[tags.PidTagSentRepresentingSmtpAddress] == "boss@example.org"
    assert found[tags.PidTagResponseRequested] is True
    assert found[tags.PidLidAppointmentStateFlags] == 3
    assert found[tags.PidLidResponseStatus] == 5
    assert found[tags.PidLidIntendedBusyStatus] == 2
    assert found[tags.PidLidBusyStatus] == 1


def test_delegates() -> None:
    """Who sent it for the organizer ([MS-OXCICAL] 2.1.3.1.1.20.61), or for who answers."""
    found = read_one(*START, ORGANIZER, "X-MS-OLK-SENDER:mailto:del@example.org", method="REQUEST").properties
    assert found[tags.PidTagSenderSmtpAddress] == "del@example.org"
    assert found[tags.PidTagSentRepresentingSmtpAddress] == "boss@example.org"
    line = 'ATTENDEE;PARTSTAT=ACCEPTED;SENT-BY="mailto:del@example.org":mailto:ann@example.org'
    found = read_one(*START, ORGANIZER, line, "COMMENT:gladly", "DESCRIPTION:x", method="REPLY").properties
    assert found[tags.PidTagSenderSmtpAddress] == "del@example.org"
    assert found[tags.PidTagSentRepresentingSmtpAddress] == "ann@example.org"
    assert found[tags.PidTagBody] == "gladly"
    assert tags.PidLidAttendeeCriticalChange not in found


def test_whose_calendar() -> None:
    """With the owner known, what he answered is the object's own status ([MS-OXOCAL] 2.2.1.11)."""
    lines = (*START, ORGANIZER, ATTENDEE.format("DECLINED"))
    found = read_one(*lines, user=["Ann@Example.org"]).properties
    assert (found[tags.PidLidResponseStatus], found[tags.PidLidAppointmentStateFlags]) == (4, 3)
    found = read_one(*lines, user=["boss@example.org"]).properties
    assert (found[tags.PidLidResponseStatus], found[tags.PidLidAppointmentStateFlags]) == (1, 1)


def test_counter() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.10, 2.1.3.1.1.20.59, 2.1.3.1.1.20.60."""
    original = ("X-MS-OLK-ORIGINALSTART:20260105T070000Z", "X-MS-OLK-ORIGINALEND:20260105T080000Z")
    found = read_one(*START, ORGANIZER, ATTENDEE.format("TENTATIVE"), *original, method="COUNTER").properties
    assert found[tags.PidLidAppointmentCounterProposal] is True
    assert utc(found, tags.PidLidAppointmentProposedStartWhole) == dt.datetime(2026, 1, 5, 9)
    assert utc(found, tags.PidLidAppointmentProposedEndWhole) == dt.datetime(2026, 1, 5, 10)
    assert utc(found, WHOLE) == dt.datetime(2026, 1, 5, 7)
    found = read_one(*START, ORGANIZER, ATTENDEE.format("TENTATIVE"), method="COUNTER").properties
    assert utc(found, WHOLE) == dt.datetime(2026, 1, 5, 9)
