"""iCalendar to calendar objects, and what other programs write.

[MS-OXCICAL] 2.1.3, 2.1.3.1, 2.1.3.1.1, 2.1.3.1.1.20.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from conversion.errors import ConversionError
from conversion.oxcical.globalobjectid import decode_global_object_id
from conversion.oxcical.importer import read_calendar
from conversion.oxcical.texts import KEPT_LINES
from conversion.oxcical.timezones import decode_time_zone_definition
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.types import PropertyKey
from tests.conversion.oxcical.calendars import START, calendar, event, read_one, utc

ORGANIZER = "ORGANIZER;CN=Boss:mailto:boss@example.org"
ATTENDEE = "ATTENDEE;CN=Ann;PARTSTAT={}:mailto:ann@example.org"
WHOLE = tags.PidLidAppointmentStartWhole


@pytest.mark.parametrize(
    ("method", "said", "name"),
    [
        ("", "", "IPM.Appointment"),
        ("PUBLISH", "", "IPM.Appointment"),
        ("REQUEST", "NEEDS-ACTION", "IPM.Schedule.Meeting.Request"),
        ("request", "NEEDS-ACTION", "IPM.Schedule.Meeting.Request"),
        ("CANCEL", "NEEDS-ACTION", "IPM.Schedule.Meeting.Canceled"),
        ("REPLY", "ACCEPTED", "IPM.Schedule.Meeting.Resp.Pos"),
        ("REPLY", "tentative", "IPM.Schedule.Meeting.Resp.Tent"),
        ("REPLY", "DECLINED", "IPM.Schedule.Meeting.Resp.Neg"),
        ("COUNTER", "TENTATIVE", "IPM.Schedule.Meeting.Resp.Tent"),
        ("COUNTER", "DECLINED", "IPM.Schedule.Meeting.Resp.Neg"),
    ],
)
def test_method(method: str, said: str, name: str) -> None:
    """[MS-OXCICAL] 2.1.3.1.1.1; a counter proposal that declines is none of gromox's appointments."""
    lines = (*START, ORGANIZER, ATTENDEE.format(said)) if said else START
    assert read_one(*lines, method=method).properties[tags.PidTagMessageClass] == name


def test_times() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.8, 2.1.3.1.1.20.8.1, 2.1.3.1.1.20.10."""
    content = read_one("DTSTART;TZID=Europe/Berlin:20260105T100000", "DTEND;TZID=America/New_York:20260105T060000")
    found = content.properties
    assert utc(found, WHOLE) == dt.datetime(2026, 1, 5, 9)
    assert utc(found, tags.PidLidAppointmentEndWhole) == dt.datetime(2026, 1, 5, 11)
    assert found[tags.PidLidCommonStart] == found[tags.PidTagStartDate] == found[tags.PidLidClipStart] == found[WHOLE]
    assert found[tags.PidLidAppointmentDuration] == 120
    assert found[tags.PidLidAppointmentSubType] is False
    assert found[tags.PidLidRecurring] is False
    names = []
    for key in (
        tags.PidLidAppointmentTimeZoneDefinitionStartDisplay,
        tags.PidLidAppointmentTimeZoneDefinitionEndDisplay,
    ):
        octets = found[key]
        assert isinstance(octets, bytes)
        names.append(decode_time_zone_definition(octets).key_name)
    assert names == ["W. Europe Standard Time", "Eastern Standard Time"]


@pytest.mark.parametrize(
    ("lines", "end", "all_day", "notes"),
    [
        (("DTSTART;VALUE=DATE:20260105",), dt.datetime(2026, 1, 6), True, 0),
        (("DTSTART:20260105",), dt.datetime(2026, 1, 6), True, 0),
        (("DTSTART;VALUE=DATE:20260105T000000",), dt.datetime(2026, 1, 6), True, 0),
        (("DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260105"), dt.datetime(2026, 1, 6), True, 0),
        (("DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260101"), dt.datetime(2026, 1, 6), True, 1),
        (("DTSTART:20260105T000000", "DTEND:20260107T000000"), dt.datetime(2026, 1, 7), True, 0),
        (("DTSTART;VALUE=DATE:20260105", "DURATION:P2D"), dt.datetime(2026, 1, 7), True, 0),
        (("DTSTART:20260105T000000Z",), dt.datetime(2026, 1, 5), False, 0),
        (("DTSTART:20260105T000000Z", "DURATION:PT1H30M"), dt.datetime(2026, 1, 5, 1, 30), False, 0),
        (("DTSTART:20260105T000000Z", "DURATION:PT"), dt.datetime(2026, 1, 5), False, 0),
        (("DTSTART:20260105T000000Z", "DURATION:P1W2D"), dt.datetime(2026, 1, 14), False, 0),
        (("DTSTART:20260105T000000Z", "DTEND:20260104T000000Z"), dt.datetime(2026, 1, 5), False, 1),
        (("DTSTART:20260105T000000Z", "DTEND:2026717"), dt.datetime(2026, 1, 5), False, 1),
        (("DTEND:20260105T000000Z",), dt.datetime(2026, 1, 5), False, 0),
        (("DTEND:20260105T010000Z", "DURATION:PT1H"), dt.datetime(2026, 1, 5, 1), False, 0),
    ],
)
def test_ends(lines: tuple[str, ...], end: dt.datetime, all_day: bool, notes: int) -> None:
    """No end: a day for a date, nothing for a time; floating midnights are whole days.

    [MS-OXCICAL] 2.1.3.1.1.20.8, 2.1.3.1.1.20.12.
    """
    found = read_one(*lines, notes=notes).properties
    assert utc(found, WHOLE) == dt.datetime(2026, 1, 5)
    assert utc(found, tags.PidLidAppointmentEndWhole) == end
    assert found[tags.PidLidAppointmentSubType] is all_day


@pytest.mark.parametrize("name", ["X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT"])
def test_all_day_by_word(name: str) -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.28, 2.1.3.1.1.20.41: at midnight of their zone."""
    zone = ";TZID=Europe/Berlin:"
    lines = (f"DTSTART{zone}20260105T000000", f"DTEND{zone}20260106T000000", f"{name}:TRUE")
    found = read_one(*lines).properties
    assert found[tags.PidLidAppointmentSubType] is True
    assert utc(found, WHOLE) == dt.datetime(2026, 1, 4, 23)
    lines = (f"DTSTART{zone}20260105T010000", f"DTEND{zone}20260106T000000", f"{name}:TRUE")
    assert read_one(*lines, notes=1).properties[tags.PidLidAppointmentSubType] is False


def test_floating() -> None:
    """Times without a zone are in the owner's, or what the calendar says of itself ([MS-OXCICAL] 2.1.3.1.1.20.10)."""
    for zone in ("Europe/Berlin", "W. Europe Standard Time", ZoneInfo("Europe/Berlin")):
        found = read_one("DTSTART:20260105T100000", notes=1, zone=zone).properties
        assert utc(found, WHOLE) == dt.datetime(2026, 1, 5, 9)
    data = calendar("DTSTART:20260105T100000", heading=("X-WR-TIMEZONE:Asia/Tokyo",))
    (content,) = read_calendar(data, zone="Europe/Berlin")
    assert utc(content.properties, WHOLE) == dt.datetime(2026, 1, 5, 1)
    found = read_one("DTSTART;VALUE=DATE:20260105", zone="Europe/Berlin").properties
    assert utc(found, WHOLE) == dt.datetime(2026, 1, 4, 23)


ZONE = (
    "BEGIN:VTIMEZONE",
    "TZID:{}",
    "BEGIN:STANDARD",
    "DTSTART:16010101T000000",
    "TZOFFSETFROM:{}",
    "TZOFFSETTO:{}",
    "END:STANDARD",
    "END:VTIMEZONE",
)


@pytest.mark.parametrize(
    ("tzid", "hour"),
    [
        ("Europe/Berlin", 9),
        ("W. Europe Standard Time", 9),
        ("W. Europe Standard Time 1", 9),
        ("tzone://Microsoft/Utc", 10),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", 9),
        ("Central Standard Time (Mexico)", 16),
    ],
)
def test_undeclared_zones(tzid: str, hour: int) -> None:
    """No VTIMEZONE is needed for a zone that is known ([MS-OXCICAL] 2.1.3.1.1.19)."""
    assert utc(read_one(f"DTSTART;TZID={tzid}:20260105T100000").properties, WHOLE).hour == hour


@pytest.mark.parametrize(("offset", "hour"), [("-0800", 18), ("-0930", 19), ("+0900", 1), ("+0845", 1), ("-1200", 22)])
def test_declared_zones(offset: str, hour: int) -> None:
    """What a VTIMEZONE says counts, with offsets whose digits begin with 08 and 09 as well."""
    zone = tuple(line.format("Own" if "TZID" in line else offset, offset) for line in ZONE)
    (content,) = read_calendar(calendar(*zone, *event("DTSTART;TZID=Own:20260105T100000")))
    assert utc(content.properties, WHOLE).hour == hour


def test_unknown_zone() -> None:
    """An undeclared zone that nobody knows, and one without rules, lose no event."""
    found = read_one("DTSTART;TZID=Nowhere:20260105T100000", notes=1, zone="Asia/Tokyo").properties
    assert utc(found, WHOLE) == dt.datetime(2026, 1, 5, 1)
    data = calendar("BEGIN:VTIMEZONE", "TZID:Nowhere", "END:VTIMEZONE", *event("DTSTART;TZID=Nowhere:20260105T100000"))
    (content,) = read_calendar(data)
    assert utc(content.properties, WHOLE) == dt.datetime(2026, 1, 5, 10)


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("SUMMARY:a\\, b\\; c\\nd", tags.PidTagSubject, "a, b; c d"),  # [MS-OXCICAL] 2.1.3.1.1.20.24
        ("SUMMARY;LANGUAGE=de-DE:x", tags.PidTagMessageLocaleId, 0x407),
        ("SUMMARY:RE: x", tags.PidTagNormalizedSubject, "x"),
        ("DESCRIPTION:a\\nb\\\\n", tags.PidTagBody, "a\r\nb\\n"),  # [MS-OXCICAL] 2.1.3.1.1.20.11
        # [MS-OXCICAL] 2.1.3.1.1.20.27
        ("X-ALT-DESC;FMTTYPE=text/html:<b>ü\\, </b>", tags.PidTagHtml, "<b>ü, </b>".encode()),
        ("LOCATION:Room\\n5", tags.PidLidLocation, "Room 5"),  # [MS-OXCICAL] 2.1.3.1.1.20.15
        ('LOCATION;ALTREP="http://x.test/":y', tags.PidNameCalendarLocationUrl, "http://x.test/"),
        ("CATEGORIES:a,b\\,c,a", tags.PidNameKeywords, ("a", "b,c")),  # [MS-OXCICAL] 2.1.3.1.1.20.3
        ("CLASS:PRIVATE", tags.PidTagSensitivity, 2),  # [MS-OXCICAL] 2.1.3.1.1.20.4
        ("CLASS:PRIVATE", tags.PidLidPrivate, True),
        ("CLASS:public", tags.PidTagSensitivity, 0),
        ("CLASS:CONFIDENTIAL", tags.PidTagSensitivity, 3),
        ("CLASS:X-PERSONAL", tags.PidTagSensitivity, 1),
        ("PRIORITY:1", tags.PidTagImportance, 2),  # [MS-OXCICAL] 2.1.3.1.1.20.17
        ("PRIORITY:5", tags.PidTagImportance, 1),
        ("PRIORITY:9", tags.PidTagImportance, 0),
        ("PRIORITY:0", tags.PidTagImportance, 1),
        ("X-MICROSOFT-CDO-IMPORTANCE:2", tags.PidTagImportance, 2),  # [MS-OXCICAL] 2.1.3.1.1.20.32
        ("X-MICROSOFT-MSNCALENDAR-IMPORTANCE:0", tags.PidTagImportance, 0),  # [MS-OXCICAL] 2.1.3.1.1.20.43
        ("TRANSP:TRANSPARENT", tags.PidLidBusyStatus, 0),  # [MS-OXCICAL] 2.1.3.1.1.20.25
        ("TRANSP:OPAQUE", tags.PidLidBusyStatus, 2),
        ("STATUS:TENTATIVE", tags.PidLidBusyStatus, 1),  # [MS-OXCICAL] 2.1.3.1.1.20.23
        ("STATUS:CONFIRMED", tags.PidLidBusyStatus, 2),
        ("STATUS:CANCELLED", tags.PidLidAppointmentStateFlags, 4),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", tags.PidLidBusyStatus, 3),  # [MS-OXCICAL] 2.1.3.1.1.20.31
        ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", tags.PidLidBusyStatus, 4),
        ("X-MICROSOFT-MSNCALENDAR-BUSYSTATUS:FREE", tags.PidLidBusyStatus, 0),  # [MS-OXCICAL] 2.1.3.1.1.20.42
        ("X-MICROSOFT-CDO-INTENDEDSTATUS:OOF", tags.PidLidIntendedBusyStatus, 3),  # [MS-OXCICAL] 2.1.3.1.1.20.34
        # [MS-OXCICAL] 2.1.3.1.1.20.44
        ("X-MICROSOFT-MSNCALENDAR-INTENDEDSTATUS:FREE", tags.PidLidIntendedBusyStatus, 0),
        ("SEQUENCE:3", tags.PidLidAppointmentSequence, 3),  # [MS-OXCICAL] 2.1.3.1.1.20.22
        ("X-MICROSOFT-CDO-APPT-SEQUENCE:4", tags.PidLidAppointmentSequence, 4),  # [MS-OXCICAL] 2.1.3.1.1.20.29
        ("DTSTAMP:20260101T000000Z", tags.PidLidOwnerCriticalChange, 134116992000000000),  # [MS-OXCICAL] 2.1.3.1.1.20.9
        # [MS-OXCICAL] 2.1.3.1.1.20.36
        ("X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE:20260101T000000Z", tags.PidLidOwnerCriticalChange, 134116992000000000),
        (
            "X-MICROSOFT-CDO-ATTENDEE-CRITICAL-CHANGE:20260101T000000Z",  # [MS-OXCICAL] 2.1.3.1.1.20.30
            tags.PidLidAttendeeCriticalChange,
            134116992000000000,
        ),
        ("X-MICROSOFT-CDO-OWNERAPPTID:-5", tags.PidTagOwnerAppointmentId, -5),  # [MS-OXCICAL] 2.1.3.1.1.20.35
        # [MS-OXCICAL] 2.1.3.1.1.20.37
        ("X-MICROSOFT-CDO-REPLYTIME:20260101T000000Z", tags.PidLidAppointmentReplyTime, 134116992000000000),
        # [MS-OXCICAL] 2.1.3.1.1.20.38
        ("X-MICROSOFT-DISALLOW-COUNTER:TRUE", tags.PidLidAppointmentNotAllowPropose, True),
        ("X-MICROSOFT-ISDRAFT:TRUE", tags.PidLidFInvited, False),  # [MS-OXCICAL] 2.1.3.1.1.20.40
        ("X-MICROSOFT-DONOTFORWARDMEETING:TRUE", tags.PidNameDoNotForward, True),
        ("X-MS-OLK-ALLOWEXTERNCHECK:TRUE", tags.PidLidAllowExternalCheck, True),  # [MS-OXCICAL] 2.1.3.1.1.20.46
        ("X-MS-OLK-APPTLASTSEQUENCE:2", tags.PidLidAppointmentLastSequence, 2),  # [MS-OXCICAL] 2.1.3.1.1.20.47
        # [MS-OXCICAL] 2.1.3.1.1.20.48
        ("X-MS-OLK-APPTSEQTIME:20260101T000000Z", tags.PidLidAppointmentSequenceTime, 134116992000000000),
        ("X-MS-OLK-AUTOFILLLOCATION:FALSE", tags.PidLidAutoFillLocation, False),  # [MS-OXCICAL] 2.1.3.1.1.20.49
        ("X-MS-OLK-AUTOSTARTCHECK:TRUE", tags.PidLidAutoStartCheck, True),  # [MS-OXCICAL] 2.1.3.1.1.20.50
        ("X-MS-OLK-COLLABORATEDOC:doc", tags.PidLidCollaborateDoc, "doc"),  # [MS-OXCICAL] 2.1.3.1.1.20.51
        ("X-MS-OLK-CONFCHECK:TRUE", tags.PidLidConferencingCheck, True),  # [MS-OXCICAL] 2.1.3.1.1.20.52
        ("X-MS-OLK-CONFTYPE:1", tags.PidLidConferencingType, 1),  # [MS-OXCICAL] 2.1.3.1.1.20.53
        ("X-MS-OLK-DIRECTORY:dir", tags.PidLidDirectory, "dir"),  # [MS-OXCICAL] 2.1.3.1.1.20.54
        # [MS-OXCICAL] 2.1.3.1.1.20.55
        ("X-MS-OLK-MWSURL:http://x.test/", tags.PidLidMeetingWorkspaceUrl, "http://x.test/"),
        ("X-MS-OLK-NETSHOWURL:http://x.test/", tags.PidLidNetShowUrl, "http://x.test/"),  # [MS-OXCICAL] 2.1.3.1.1.20.56
        ("X-MS-OLK-ONLINEPASSWORD:pw", tags.PidLidOnlinePassword, "pw"),  # [MS-OXCICAL] 2.1.3.1.1.20.57
        ("X-MS-OLK-ORGALIAS:a@b.c", tags.PidLidOrganizerAlias, "a@b.c"),  # [MS-OXCICAL] 2.1.3.1.1.20.58
        ("CREATED:20260101T000000Z", tags.PidTagCreationTime, 134116992000000000),  # [MS-OXCICAL] 2.1.3.1.1.20.7
        # [MS-OXCICAL] 2.1.3.1.1.20.14
        ("LAST-MODIFIED:20260101T000000Z", tags.PidTagLastModificationTime, 134116992000000000),
        ("CONTACT:Ann\\, 5", tags.PidLidContacts, ("Ann, 5",)),  # [MS-OXCICAL] 2.1.3.1.1.20.6
        ("RESOURCES:Beamer,Room\\, 2", tags.PidLidNonSendableBcc, "Beamer; Room, 2"),  # [MS-OXCICAL] 2.1.3.1.1.20.21
        ("GEO:37.386013;-122.082932", tags.PidNameCalendarGeoLatitude, 37.386013),
        ("URL;VALUE=URI:http://x.test/a,b;c", KEPT_LINES, ("URL;VALUE=URI:http://x.test/a,b;c",)),
        ("X-GOOGLE-CONFERENCE:http://x.test/", KEPT_LINES, ("X-GOOGLE-CONFERENCE:http://x.test/",)),
        ("GROUP.SUMMARY:x", tags.PidTagSubject, "x"),
    ],
)
def test_properties(line: str, key: PropertyKey, value: object) -> None:
    """One by one; what stands behind a row is the section of that property."""
    assert read_one(*START, line).properties[key] == value


@pytest.mark.parametrize("method", ["REPLY", "COUNTER"])
def test_stamp_of_an_answer(method: str) -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.9: DTSTAMP is the attendee's."""
    lines = (*START, ORGANIZER, ATTENDEE.format("ACCEPTED"), "DTSTAMP:20260101T000000Z")
    found = read_one(*lines, method=method).properties
    assert found[tags.PidLidAttendeeCriticalChange] == 134116992000000000
    assert tags.PidLidOwnerCriticalChange not in found


@pytest.mark.parametrize(
    "line",
    [
        *("PRIORITY:10", "PRIORITY:x", "CLASS:SECRET", "STATUS:MAYBE", "TRANSP:MAYBE", "GEO:x", "SEQUENCE:99999999999"),
        *("X-MICROSOFT-DISALLOW-COUNTER:MAYBE", "DTSTAMP:yesterday", "DURATION:long", "RRULE:FREQ=NEVER"),
        *("X-MICROSOFT-CDO-BUSYSTATUS:MAYBE", "X-MICROSOFT-CDO-IMPORTANCE:9", "ATTACH;VALUE=BINARY:QUJDR", "EXRULE:x"),
        "SUMMARY;LANGUAGE=tlh:x",
    ],
)
def test_bad_lines(line: str) -> None:
    """What cannot be read is noted; the event stays."""
    assert utc(read_one(*START, line, notes=1).properties, WHOLE) == dt.datetime(2026, 1, 5, 9)


def test_all_lines_of_a_kind() -> None:
    """Not only the first line of CATEGORIES, as gromox has it."""
    found = read_one(*START, "CATEGORIES:a", "CATEGORIES:b,c").properties
    assert found[tags.PidNameKeywords] == ("a", "b", "c")


def test_precedence() -> None:
    """Microsoft's properties win wherever they stand ([MS-OXCICAL] 2.1.3.1.1.20.29, .31, .32)."""
    lines = ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-IMPORTANCE:0", "PRIORITY:1")
    found = read_one(*START, *lines, "X-MICROSOFT-CDO-APPT-SEQUENCE:9", "SEQUENCE:1").properties
    assert found[tags.PidLidBusyStatus] == 3
    assert found[tags.PidTagImportance] == 0
    assert found[tags.PidLidAppointmentSequence] == 9


@pytest.mark.parametrize(
    ("trigger", "delta", "notes"),
    [
        ("TRIGGER:-PT10M", 10, 0),
        ("TRIGGER:-P1DT2H", 1560, 0),
        ("TRIGGER;RELATED=START:P", 0, 0),
        ("TRIGGER:PT15M", 15, 1),
        ("TRIGGER;RELATED=END:-PT75M", 135, 1),
        ("TRIGGER;VALUE=DATE-TIME:20260105T083000Z", 30, 1),
        ("TRIGGER:soon", 15, 1),
    ],
)
def test_alarms(trigger: str, delta: int, notes: int) -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.62: any action, not only where it is the first component inside."""
    other = ("BEGIN:PARTICIPANT", "END:PARTICIPANT") if notes == 0 else ()
    alarm = ("BEGIN:VALARM", "ACTION:EMAIL", trigger, "END:VALARM")
    found = read_one(*START, *other, *alarm, notes=notes + bool(other)).properties
    assert found[tags.PidLidReminderSet] is True
    assert found[tags.PidLidReminderDelta] == delta
    assert utc(found, tags.PidLidReminderSignalTime) == dt.datetime(2026, 1, 5, 9) - dt.timedelta(minutes=delta)
    assert found[tags.PidLidReminderTime] == found[WHOLE]


def test_no_alarm() -> None:
    """[MS-STANOICAL] V0060: an alarm without a TRIGGER is none."""
    assert read_one(*START).properties[tags.PidLidReminderSet] is False
    found = read_one(*START, "BEGIN:VALARM", "ACTION:AUDIO", "END:VALARM", notes=1).properties
    assert found[tags.PidLidReminderSet] is False
    found = read_one("DTSTART:20260105", "BEGIN:VALARM", "TRIGGER:x", "END:VALARM", notes=1).properties
    assert found[tags.PidLidReminderDelta] == 1080


def test_attachments() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.1, 2.1.3.1.1.20.1.1 to 2.1.3.1.1.20.1.4."""
    content = read_one(
        *START,
        "ATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=a/b.txt:QUJD",
        "ATTACH;FMTTYPE=application/pdf:http://x.test/dir/file.pdf?q=1",
        "ATTACH:CID:part3",
    )
    first, second = content.attachments
    assert first.data == b"ABC"
    assert first.properties[tags.PidTagAttachLongFilename] == "a_b.txt"
    assert first.properties[tags.PidTagAttachMimeTag] == "text/plain"
    assert first.properties[tags.PidTagAttachExtension] == ".txt"
    assert second.properties[tags.PidTagAttachMethod] == 7
    assert second.properties[tags.PidTagAttachLongPathname] == "http://x.test/dir/file.pdf?q=1"
    assert second.properties[tags.PidTagAttachLongFilename] == "file.pdf"
    assert content.properties[KEPT_LINES] == ("ATTACH:CID:part3",)
    assert content.properties[tags.PidTagHasAttachments] is True


def test_identity() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.26: the date of an instance without its series."""
    found = read_one(*START, "UID:a@b", "RECURRENCE-ID;TZID=Europe/Berlin:20260106T000000").properties
    octets, clean = found[tags.PidLidGlobalObjectId], found[tags.PidLidCleanGlobalObjectId]
    assert isinstance(octets, bytes)
    assert isinstance(clean, bytes)
    identity = decode_global_object_id(octets)
    assert (identity.uid, identity.date) == ("a@b", dt.date(2026, 1, 5))
    assert decode_global_object_id(clean) == identity.clean()
    assert found[tags.PidLidIsException] is True
    assert found[tags.PidLidIsRecurring] is True
    assert utc(found, tags.PidLidExceptionReplaceTime) == dt.datetime(2026, 1, 5, 23)


def test_no_uid() -> None:
    lines = ("UID:", *START)
    first, second = (read_one(*lines, notes=1).properties[tags.PidLidGlobalObjectId] for _ in range(2))
    assert first == second


def test_tasks_and_journals() -> None:
    """VTODO and VJOURNAL ([RFC5545] 3.6.2, 3.6.3)."""
    lines = ("SUMMARY:do", "DUE;VALUE=DATE:20260110", "STATUS:IN-PROCESS", "PERCENT-COMPLETE:50", "RRULE:FREQ=DAILY")
    task = read_one(*event(*lines, name="VTODO")).properties
    assert task[tags.PidTagMessageClass] == "IPM.Task"
    assert (task[tags.PidLidTaskStatus], task[tags.PidLidPercentComplete]) == (1, 0.5)
    assert utc(task, tags.PidLidTaskDueDate) == dt.datetime(2026, 1, 10)
    assert task[tags.PidLidTaskFRecurring] is True
    done = read_one(*event("COMPLETED:20260110T120000Z", name="VTODO")).properties
    assert (done[tags.PidLidTaskStatus], done[tags.PidLidTaskComplete]) == (2, True)
    journal = read_one(*event("DTSTART:20260110T120000Z", "DESCRIPTION:a", "DESCRIPTION:b", name="VJOURNAL")).properties
    assert journal[tags.PidTagMessageClass] == "IPM.Activity"
    assert journal[tags.PidTagBody] == "a\r\nb"
    assert utc(journal, tags.PidLidLogStart) == dt.datetime(2026, 1, 10, 12)


def test_free_busy() -> None:
    """[RFC5545] 3.6.4, [MS-OXOPFFB] 2.2.1.2: months, and minutes within them."""
    periods = "20260131T230000Z/PT2H,20260110T000000Z/20260110T010000Z"
    lines = (f"FREEBUSY:{periods}", "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260110T003000Z/PT1H", "FREEBUSY;FBTYPE=FREE:x")
    found = read_one(*event(*lines, "ORGANIZER:mailto:a@b.c", name="VFREEBUSY")).properties
    assert found[tags.PidTagScheduleInfoMonthsBusy] == (2026 * 16 + 1, 2026 * 16 + 2)
    blocks = found[tags.PidTagScheduleInfoFreeBusyBusy]
    assert isinstance(blocks, tuple)
    minute = 1440
    january = [9 * minute, 9 * minute + 60, 31 * minute - 60, 31 * minute]
    assert [list(memoryview(block).cast("H")) for block in blocks if isinstance(block, bytes)] == [january, [0, 60]]
    merged = found[tags.PidTagScheduleInfoFreeBusyMerged]
    assert isinstance(merged, tuple)
    assert isinstance(merged[0], bytes)
    assert list(memoryview(merged[0]).cast("H"))[:2] == [9 * minute, 9 * minute + 90]


def test_zone_that_begins_later() -> None:
    """The example of [RFC5545] 4: its VTIMEZONE begins after the event, which is in the winter of New York.

    It says what it says for a year (that there is no winter of 1999); long after that, what everybody knows counts.
    """
    zone = (
        *("BEGIN:VTIMEZONE", "TZID:America/New_York"),
        *("BEGIN:STANDARD", "DTSTART:19981025T020000", "TZOFFSETFROM:-0400", "TZOFFSETTO:-0500", "END:STANDARD"),
        *("BEGIN:DAYLIGHT", "DTSTART:19990404T020000", "TZOFFSETFROM:-0500", "TZOFFSETTO:-0400", "END:DAYLIGHT"),
        "END:VTIMEZONE",
    )
    for text, hour in (
        ("19980312T083000", 13),
        ("19990701T083000", 12),
        ("19991101T083000", 12),
        ("20230613T083000", 12),
    ):
        (content,) = read_calendar(calendar(*zone, *event(f"DTSTART;TZID=America/New_York:{text}")))
        assert utc(content.properties, WHOLE).hour == hour, text


@pytest.mark.parametrize("line", ["RDATE:", "RRULE: ", "EXDATE:"])
def test_empty_lines_of_a_series(line: str) -> None:
    """They make no series."""
    content = read_one(*START, line)
    assert tags.PidLidAppointmentRecur not in content.properties


def test_several_calendars() -> None:
    """Calendars one after the other, events outside of any, a missing END ([MS-OXCICAL] 2.1.3.1.1)."""
    data = calendar(*START, "SUMMARY:1") + calendar(*START, "SUMMARY:2", "UID:b").replace(b"END:VCALENDAR\r\n", b"")
    assert [one.properties[tags.PidTagSubject] for one in read_calendar(data)] == ["1", "2"]
    bare = "\n".join(event(*START, "SUMMARY:3")).encode()
    assert [one.properties[tags.PidTagSubject] for one in read_calendar(bare)] == ["3"]


def test_vcalendar() -> None:
    """vCalendar 1.0: TZ, QUOTED-PRINTABLE, DALARM."""
    receipt = Receipt()
    lines = ("DTSTART:20260105T100000", "SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Gr=C3=BCn", "CATEGORIES:A;B")
    data = calendar(*lines, "DALARM:20260105T095000;;;x", heading=("TZ:+01:00",)).replace(b"N:2.0", b"N:1.0")
    (content,) = read_calendar(data, receipt=receipt)
    assert content.properties[tags.PidTagSubject] == "Grün"
    assert utc(content.properties, WHOLE) == dt.datetime(2026, 1, 5, 9)
    assert content.properties[tags.PidLidReminderDelta] == 10


def test_no_calendar() -> None:
    for data in (b"", b"hello", b"BEGIN:VCARD\nEND:VCARD\n"):
        with pytest.raises(ConversionError):
            read_calendar(data)
    assert read_calendar(calendar(*ZONE[:1], "TZID:x", "END:VTIMEZONE")) == []
