"""Calendar objects to iCalendar ([MS-OXCICAL] 2.1.3.1)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from conversion.contentlines import Component, unescape
from conversion.errors import ConversionError
from conversion.oxcical.budget import Budget
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.globalobjectid import new_global_object_id
from conversion.oxcical.importer import read_calendar
from conversion.oxcical.recurrenceblob import decode_appointment_recurrence
from conversion.oxcical.times import filetime, known_zone
from conversion.oxcical.zones import read_zone
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, Value
from tests.conversion.oxcical.calendars import NOW, START, calendar, event, read_one, recurrence_of, written

BERLIN = ";TZID=Europe/Berlin:"
# The octets of [MS-OXOCAL] 4.1.1.2.
EXAMPLE = (
    "043004300B2001000000C0210000010000000000000032000000222000000C0000000000000001000000A096BC0C01000000A096BC0C"
    "8020BC0C20ADBC0C0630000009300000580200007602000001003499BC0C5299BC0CF898BC0C11002200210053696D706C652052656375"
    "7272656E6365207769746820657863657074696F6E730800070033342F34313431000000000400000000000000000000003499BC0C5299"
    "BC0CF898BC0C2100530069006D0070006C006500200052006500630075007200720065006E00630065002000770069007400680020006500"
    "7800630065007000740069006F006E0073000700330034002F0034003100340031000000000000000000"
)


def object_of(properties: dict[PropertyKey, Value], **more: object) -> MessageContent:
    base: dict[PropertyKey, Value] = {
        tags.PidTagMessageClass: "IPM.Appointment",
        tags.PidTagSubject: "s",
        tags.PidLidAppointmentStartWhole: filetime(dt.datetime(2026, 1, 5, 9)),
        tags.PidLidAppointmentEndWhole: filetime(dt.datetime(2026, 1, 5, 10)),
    }
    return MessageContent({**base, **properties}, **more)  # type: ignore[arg-type]


def export(content: MessageContent, notes: int = 0, **options: object) -> Component:
    receipt = Receipt()
    data = write_calendar(content, now=NOW, receipt=receipt, **options)  # type: ignore[arg-type]
    assert receipt.count == notes, [str(note) for note in receipt]
    return written(data)


def one(content: MessageContent, notes: int = 0, **options: object) -> Component:
    (found,) = export(content, notes, **options).inner("VEVENT")
    return found


def test_smallest() -> None:
    """An object that has hardly anything: DTSTAMP and UID are there all the same, as gromox forgets.

    [MS-OXCICAL] 2.1.3.1.1.3, 2.1.3.1.1.20.33.
    """
    found = export(object_of({}))
    assert found.value("METHOD") == "PUBLISH"
    assert found.value("VERSION") == "2.0"
    assert not found.inner("VTIMEZONE")
    (inner,) = found.inner("VEVENT")
    assert inner.value("DTSTAMP") == "20260101T000000Z"
    assert inner.value("UID")
    assert inner.value("DTSTART") == "20260105T090000Z"
    assert inner.value("DTEND") == "20260105T100000Z"
    assert inner.value("X-MICROSOFT-CDO-INSTTYPE") == "0"


@pytest.mark.parametrize(
    ("name", "counter", "method"),
    [
        ("IPM.Appointment", False, "PUBLISH"),
        ("IPM.Appointment.Custom", False, "PUBLISH"),
        ("IPM.Schedule.Meeting.Request", False, "REQUEST"),
        ("IPM.Schedule.Meeting.Canceled", False, "CANCEL"),
        ("IPM.Schedule.Meeting.Resp.Pos", False, "REPLY"),
        ("IPM.Schedule.Meeting.Resp.Tent", True, "COUNTER"),
    ],
)
def test_method(name: str, counter: bool, method: str) -> None:
    """[MS-OXCICAL] 2.1.3.1.1.1."""
    properties: dict[PropertyKey, Value] = {
        tags.PidTagMessageClass: name,
        tags.PidTagSentRepresentingSmtpAddress: "ann@example.org",
    }
    if counter:
        properties[tags.PidLidAppointmentCounterProposal] = True
        properties[tags.PidLidAppointmentProposedStartWhole] = filetime(dt.datetime(2026, 1, 6, 9))
        properties[tags.PidLidAppointmentProposedEndWhole] = filetime(dt.datetime(2026, 1, 6, 10))
    found = export(object_of(properties))
    assert found.value("METHOD") == method
    (inner,) = found.inner("VEVENT")
    attendee = inner.first("ATTENDEE")
    if method in ("REPLY", "COUNTER"):
        assert attendee is not None
        assert attendee.parameter("PARTSTAT") == {"REPLY": "ACCEPTED", "COUNTER": "TENTATIVE"}[method]
    if counter:
        assert inner.value("DTSTART") == "20260106T090000Z"
        assert inner.value("X-MS-OLK-ORIGINALSTART") == "20260105T090000Z"


def test_zones() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.19, 2.1.3.1.1.20.10.1: the start's zone without an end's counts as well."""
    zone = known_zone("Europe/Berlin")
    assert zone is not None
    properties: dict[PropertyKey, Value] = {
        tags.PidLidAppointmentTimeZoneDefinitionStartDisplay: zone.definition(2026, 2026, recurring=False)
    }
    found = export(object_of(properties))
    (inner,) = found.inner("VEVENT")
    start = inner.first("DTSTART")
    assert start is not None
    assert (start.parameter("TZID"), start.value) == ("W. Europe Standard Time", "20260105T100000")
    (component,) = found.inner("VTIMEZONE")
    assert read_zone(component, Receipt(), Budget()) is not None
    standard, daylight = component.components
    assert (standard.value("TZOFFSETFROM"), standard.value("TZOFFSETTO")) == ("+0200", "+0100")
    assert daylight.value("RRULE") == "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3"
    start = export(object_of(properties), iana=True).inner("VEVENT")[0].first("DTSTART")
    assert start is not None
    assert start.parameter("TZID") == "Europe/Berlin"


def test_default_zone_and_all_day() -> None:
    """Whole days are dates in their zone; what is off midnight is moved ([MS-OXCICAL] 2.1.3.1.1.20.10)."""
    start = one(object_of({}), zone="Asia/Tokyo").first("DTSTART")
    assert start is not None
    assert (start.parameter("TZID"), start.value) == ("Tokyo Standard Time", "20260105T180000")
    whole: dict[PropertyKey, Value] = {
        tags.PidLidAppointmentSubType: True,
        tags.PidLidAppointmentStartWhole: filetime(dt.datetime(2026, 1, 4, 23)),
        tags.PidLidAppointmentEndWhole: filetime(dt.datetime(2026, 1, 5, 23)),
    }
    for zone, notes in (("Europe/Berlin", 0), (None, 2)):
        inner = one(object_of(whole), notes, zone=zone)
        assert (inner.value("DTSTART"), inner.value("DTEND")) == ("20260105", "20260106")


def test_no_end() -> None:
    """The length in minutes stands in for the end: minutes, not seconds as in gromox."""
    content = object_of({tags.PidLidAppointmentDuration: 90})
    properties = {key: value for key, value in content.properties.items() if key != tags.PidLidAppointmentEndWhole}
    assert one(MessageContent(properties)).value("DTEND") == "20260105T103000Z"


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        (tags.PidNameKeywords, ("a", "b,c"), "CATEGORIES:a,b\\,c"),  # [MS-OXCICAL] 2.1.3.1.1.20.3
        (tags.PidLidLocation, "Room; 5", "LOCATION:Room\\; 5"),  # [MS-OXCICAL] 2.1.3.1.1.20.15
        (tags.PidTagSensitivity, 1, "CLASS:X-PERSONAL"),  # [MS-OXCICAL] 2.1.3.1.1.20.4
        (tags.PidTagSensitivity, 3, "CLASS:CONFIDENTIAL"),
        (tags.PidTagImportance, 2, "PRIORITY:1"),  # [MS-OXCICAL] 2.1.3.1.1.20.17
        (tags.PidTagImportance, 0, "PRIORITY:9"),
        (tags.PidLidBusyStatus, 0, "TRANSP:TRANSPARENT"),  # [MS-OXCICAL] 2.1.3.1.1.20.25
        (tags.PidLidBusyStatus, 4, "TRANSP:TRANSPARENT"),
        (tags.PidLidBusyStatus, 3, "TRANSP:OPAQUE"),
        (tags.PidLidBusyStatus, 3, "X-MICROSOFT-CDO-BUSYSTATUS:OOF"),
        (tags.PidLidBusyStatus, 1, "STATUS:TENTATIVE"),  # [MS-OXCICAL] 2.1.3.1.1.20.23
        (tags.PidLidIntendedBusyStatus, 2, "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY"),
        (tags.PidLidAppointmentStateFlags, 4, "STATUS:CANCELLED"),
        (tags.PidLidAppointmentSequence, 3, "SEQUENCE:3"),  # [MS-OXCICAL] 2.1.3.1.1.20.22
        (tags.PidLidOwnerCriticalChange, NOW, "DTSTAMP:20260101T000000Z"),  # [MS-OXCICAL] 2.1.3.1.1.20.9
        (tags.PidTagLastModificationTime, NOW, "LAST-MODIFIED:20260101T000000Z"),  # [MS-OXCICAL] 2.1.3.1.1.20.14
        (tags.PidTagCreationTime, NOW, "CREATED:20260101T000000Z"),  # [MS-OXCICAL] 2.1.3.1.1.20.7
        (tags.PidTagBody, "a\r\nb", "DESCRIPTION:a\\nb"),  # [MS-OXCICAL] 2.1.3.1.1.20.11
        (tags.PidTagHtml, b"<b>x</b>", "X-ALT-DESC;FMTTYPE=text/html:<b>x</b>"),
        (tags.PidTagHtml, b"<b>x</b>", "DESCRIPTION:x"),
        (tags.PidLidContacts, ("Ann",), "CONTACT:Ann"),  # [MS-OXCICAL] 2.1.3.1.1.20.6
        (tags.PidLidNonSendableBcc, "a; b", "RESOURCES:a,b"),  # [MS-OXCICAL] 2.1.3.1.1.20.21
        (tags.PidLidAppointmentNotAllowPropose, True, "X-MICROSOFT-DISALLOW-COUNTER:TRUE"),
        (tags.PidLidConferencingType, 2, "X-MS-OLK-CONFTYPE:2"),
    ],
)
def test_properties(key: PropertyKey, value: Value, line: str) -> None:
    """Each in the VEVENT, where gromox puts CATEGORIES on the calendar ([MS-OXCICAL] 2.1.3.1.1.20)."""
    found = one(object_of({key: value}))
    name, _, text = line.partition(":")
    assert text in [one.value for one in found.lines if one.name == name.partition(";")[0]]


@pytest.mark.parametrize(
    "line",
    [
        "X-MICROSOFT-CDO-IMPORTANCE:2",  # [MS-OXCICAL] 2.1.3.1.1.20.32
        "X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",  # [MS-OXCICAL] 2.1.3.1.1.20.31
        "X-MICROSOFT-CDO-INTENDEDSTATUS:OOF",  # [MS-OXCICAL] 2.1.3.1.1.20.34
        "X-MICROSOFT-CDO-APPT-SEQUENCE:4",  # [MS-OXCICAL] 2.1.3.1.1.20.29
        "X-MICROSOFT-CDO-OWNERAPPTID:-5",  # [MS-OXCICAL] 2.1.3.1.1.20.35
        "X-MICROSOFT-CDO-REPLYTIME:20260101T000000Z",  # [MS-OXCICAL] 2.1.3.1.1.20.37
        "X-MICROSOFT-DISALLOW-COUNTER:TRUE",  # [MS-OXCICAL] 2.1.3.1.1.20.38
        "X-MICROSOFT-ISDRAFT:TRUE",  # [MS-OXCICAL] 2.1.3.1.1.20.40
        "X-MS-OLK-ALLOWEXTERNCHECK:TRUE",  # [MS-OXCICAL] 2.1.3.1.1.20.46
        "X-MS-OLK-APPTLASTSEQUENCE:2",  # [MS-OXCICAL] 2.1.3.1.1.20.47
        "X-MS-OLK-APPTSEQTIME:20260101T000000Z",  # [MS-OXCICAL] 2.1.3.1.1.20.48
        "X-MS-OLK-AUTOFILLLOCATION:FALSE",  # [MS-OXCICAL] 2.1.3.1.1.20.49
        "X-MS-OLK-AUTOSTARTCHECK:TRUE",  # [MS-OXCICAL] 2.1.3.1.1.20.50
        "X-MS-OLK-COLLABORATEDOC:doc",  # [MS-OXCICAL] 2.1.3.1.1.20.51
        "X-MS-OLK-CONFCHECK:TRUE",  # [MS-OXCICAL] 2.1.3.1.1.20.52
        "X-MS-OLK-CONFTYPE:1",  # [MS-OXCICAL] 2.1.3.1.1.20.53
        "X-MS-OLK-DIRECTORY:dir",  # [MS-OXCICAL] 2.1.3.1.1.20.54
        "X-MS-OLK-MWSURL:http://x.test/",  # [MS-OXCICAL] 2.1.3.1.1.20.55
        "X-MS-OLK-NETSHOWURL:http://x.test/",  # [MS-OXCICAL] 2.1.3.1.1.20.56
        "X-MS-OLK-ONLINEPASSWORD:pw",  # [MS-OXCICAL] 2.1.3.1.1.20.57
        "X-MS-OLK-ORGALIAS:a@b.c",  # [MS-OXCICAL] 2.1.3.1.1.20.58
    ],
)
def test_written_as_they_were_read(line: str) -> None:
    """Microsoft's own properties, one by one."""
    name, _, value = line.partition(":")
    assert [found.value for found in one(read_one(*START, line)).every(name)] == [value]


def test_stamp_of_an_answer() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.9: the attendee's time in an answer, the organizer's elsewhere."""
    stamps: dict[PropertyKey, Value] = {
        tags.PidLidOwnerCriticalChange: NOW,
        tags.PidLidAttendeeCriticalChange: NOW + 10_000_000,
        tags.PidTagSenderSmtpAddress: "a@b.c",
    }
    assert one(object_of(stamps)).value("DTSTAMP") == "20260101T000000Z"
    answer: dict[PropertyKey, Value] = {**stamps, tags.PidTagMessageClass: "IPM.Schedule.Meeting.Resp.Pos"}
    assert one(object_of(answer)).value("DTSTAMP") == "20260101T000001Z"


def test_bodies() -> None:
    """HTML in its code page; the text of an answer is a COMMENT ([MS-OXCICAL] 2.1.3.1.1.20.5, 2.1.3.1.1.20.27)."""
    found = one(object_of({tags.PidTagHtml: "<p>ü".encode("cp1252"), tags.PidTagInternetCodepage: 1252}))
    assert found.value("X-ALT-DESC") == "<p>ü"
    answer: dict[PropertyKey, Value] = {
        tags.PidTagMessageClass: "IPM.Schedule.Meeting.Resp.Neg",
        tags.PidTagSenderSmtpAddress: "a@b.c",
        tags.PidTagBody: "no",
    }
    assert one(object_of(answer)).value("COMMENT") == "no"


def row(address: str, kind: RecipientType, **flags: int) -> RecipientRow:
    properties: dict[PropertyKey, Value] = {
        tags.PidTagDisplayName: address[:3],
        tags.PidTagSmtpAddress: address,
        tags.PidTagRecipientType: int(kind),
        tags.PidTagRecipientFlags: flags.get("flags", 1),
    }
    if "track" in flags:
        properties[tags.PidTagRecipientTrackStatus] = flags["track"]
    return RecipientRow(kind, properties)


def test_people() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.2, 2.1.3.1.1.20.2.2, 2.1.3.1.1.20.2.4, 2.1.3.1.1.20.16."""
    rows = (
        row("boss@example.org", RecipientType.TO, flags=3),
        row("ann@example.org", RecipientType.TO, track=3),
        row("bob@example.org", RecipientType.CC),
        row("room@example.org", RecipientType.BCC, track=4),
    )
    meeting: dict[PropertyKey, Value] = {tags.PidLidAppointmentStateFlags: 1, tags.PidLidNonSendableTo: "Eve"}
    found = one(object_of(meeting, recipients=rows))
    organizer = found.first("ORGANIZER")
    assert organizer is not None
    assert (organizer.value, organizer.parameter("CN")) == ("mailto:boss@example.org", "bos")
    assert [(line.value, dict(line.parameters)) for line in found.every("ATTENDEE")] == [
        ("mailto:ann@example.org", {"CN": ("ann",), "PARTSTAT": ("ACCEPTED",)}),
        ("mailto:bob@example.org", {"CN": ("bob",), "ROLE": ("OPT-PARTICIPANT",)}),
        (
            "mailto:room@example.org",
            {"CN": ("roo",), "ROLE": ("NON-PARTICIPANT",), "CUTYPE": ("RESOURCE",), "PARTSTAT": ("DECLINED",)},
        ),
        ("invalid:nomail", {"CN": ("Eve",)}),
    ]
    # Without asfMeeting there is no organizer ([MS-OXCICAL] 2.1.3.1.1.20.16).
    assert one(object_of({}, recipients=rows), notes=1).first("ORGANIZER") is None
    request = {**meeting, tags.PidTagMessageClass: "IPM.Schedule.Meeting.Request"}
    attendee = one(object_of(request, recipients=rows)).every("ATTENDEE")[1]
    assert (attendee.parameter("PARTSTAT"), attendee.parameter("RSVP")) == ("NEEDS-ACTION", "TRUE")


def test_delegate() -> None:
    properties: dict[PropertyKey, Value] = {
        tags.PidTagMessageClass: "IPM.Schedule.Meeting.Request",
        tags.PidTagSentRepresentingSmtpAddress: "boss@example.org",
        tags.PidTagSenderSmtpAddress: "del@example.org",
    }
    found = one(object_of(properties))
    organizer = found.first("ORGANIZER")
    assert organizer is not None
    assert organizer.parameter("SENT-BY") == "mailto:del@example.org"
    assert found.value("X-MS-OLK-SENDER") == "mailto:del@example.org"


def test_reminder() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.62: TRIGGER, ACTION:DISPLAY; of answers none."""
    reminder: dict[PropertyKey, Value] = {tags.PidLidReminderSet: True, tags.PidLidReminderDelta: 30}
    (alarm,) = one(object_of(reminder)).components
    assert [(line.name, line.value) for line in alarm.lines] == [
        ("TRIGGER", "-PT30M"),
        ("ACTION", "DISPLAY"),
        ("DESCRIPTION", "Reminder"),
    ]
    (alarm,) = one(object_of({**reminder, tags.PidLidReminderDelta: 0x5AE980E1})).components
    assert alarm.value("TRIGGER") == "-PT15M"


def test_attachments() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.1: files are written, as gromox does not."""
    by_value = AttachmentContent({tags.PidTagAttachMethod: 1, tags.PidTagAttachLongFilename: "a.txt"}, b"ABC")
    link = AttachmentContent({tags.PidTagAttachMethod: 7, tags.PidTagAttachLongPathname: "http://x.test/"})
    other = AttachmentContent({tags.PidTagAttachMethod: 6}, b"OLE")
    found = one(object_of({}, attachments=(by_value, link, other)), notes=1)
    first, second = found.every("ATTACH")
    assert (first.value, first.parameter("X-FILENAME"), first.parameter("VALUE")) == ("QUJD", "a.txt", "BINARY")
    assert second.value == "http://x.test/"


def test_example_of_the_specification() -> None:
    """[MS-OXOCAL] 4.1.1.2: Monday, Thursday, Friday, twelve times, one of them changed ([MS-OXCICAL] 2.1.3.2.2.2)."""
    properties: dict[PropertyKey, Value] = {tags.PidLidAppointmentRecur: bytes.fromhex(EXAMPLE)}
    master, exception = export(object_of(properties)).inner("VEVENT")
    assert master.value("RRULE") == "FREQ=WEEKLY;COUNT=12;BYDAY=MO,TH,FR;WKST=SU"
    start = master.first("DTSTART")
    assert start is not None
    # A series is in local time, even in UTC ([MS-OXCICAL] 2.1.3.1.1.20.10.1).
    assert (start.parameter("TZID"), start.value) == ("UTC", "20070326T100000")
    assert master.value("DTEND") == "20070326T103000"
    assert master.value("EXDATE") is None
    assert exception.value("RECURRENCE-ID") == "20070416T100000"
    assert exception.value("DTSTART") == "20070416T110000"
    assert exception.value("SUMMARY") == "Simple Recurrence with exceptions"
    assert exception.value("LOCATION") == "34/4141"
    (content,) = read_calendar(write_calendar(object_of(properties), now=NOW))
    again = recurrence_of(content)
    assert again.exceptions == decode_appointment_recurrence(bytes.fromhex(EXAMPLE)).exceptions
    assert content.properties[tags.PidLidAppointmentRecur] == bytes.fromhex(EXAMPLE)


def test_uid_of_exceptions() -> None:
    """Series and exceptions have one UID ([MS-OXCICAL] 2.1.3.1.1.20.26); the kind of it is 2 (2.1.3.1.1.20.33)."""
    identity = new_global_object_id(NOW, bytes(range(16)))
    content = object_of({tags.PidLidGlobalObjectId: identity.on(dt.date(2026, 1, 5)).encode()})
    found = one(content)
    assert found.value("UID") == identity.uid
    assert found.value("RECURRENCE-ID") == "20260105T090000Z"
    assert found.value("X-MICROSOFT-CDO-INSTTYPE") == "2"


def test_exceptions_without_embedded_messages() -> None:
    """What the structure alone says of a changed instance ([MS-OXOCAL] 2.2.1.44.2)."""
    lines = (f"DTSTART{BERLIN}20260302T100000", f"DTEND{BERLIN}20260302T110000", "SUMMARY:s", "LOCATION:l")
    changed = (f"RECURRENCE-ID{BERLIN}20260309T100000", f"DTSTART{BERLIN}20260310T120000", "SUMMARY:other")
    data = calendar(*event(*lines, "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;VALUE=DATE:20260316"), *event(*changed))
    (content,) = read_calendar(data)
    for source in (content, replace(content, attachments=())):
        master, exception = export(source).inner("VEVENT")
        assert master.value("EXDATE") == "20260316T100000"
        assert exception.value("RECURRENCE-ID") == "20260309T100000"
        assert exception.value("DTSTART") == "20260310T120000"
        assert exception.value("SUMMARY") == "other"
        assert exception.value("LOCATION") is None
        assert exception.value("X-MICROSOFT-CDO-INSTTYPE") == "3"
        assert master.value("X-MICROSOFT-CDO-INSTTYPE") == "1"


def test_another_calendar() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.8, 2.1.3.1.1.20.45: X-MICROSOFT-RRULE in the place of RRULE."""
    data = calendar(
        "DTSTART:20260302T100000Z",
        "X-MICROSOFT-RRULE:FREQ=MONTHLY;BYMONTHDAY=2",
        heading=("X-MICROSOFT-CALSCALE:Hijri",),
    )
    (content,) = read_calendar(data)
    found = export(content)
    assert found.value("X-MICROSOFT-CALSCALE") == "Hijri"
    (inner,) = found.inner("VEVENT")
    assert inner.value("X-MICROSOFT-RRULE") == "FREQ=MONTHLY;BYMONTHDAY=2"
    assert inner.value("RRULE") is None


@pytest.mark.parametrize(
    "properties",
    [
        {tags.PidLidAppointmentRecur: b"x"},
        {tags.PidLidGlobalObjectId: b"x"},
        {tags.PidLidAppointmentTimeZoneDefinitionStartDisplay: b"x"},
        {tags.PidLidAppointmentRecur: bytes.fromhex(EXAMPLE), tags.PidLidTimeZoneStruct: b"x"},
        {tags.PidTagRtfCompressed: b"x"},
    ],
)
def test_broken_structures(properties: dict[PropertyKey, Value]) -> None:
    receipt = Receipt()
    found = written(write_calendar(object_of(properties), now=NOW, receipt=receipt))
    assert found.inner("VEVENT")
    assert receipt.count


def test_others() -> None:
    """Tasks, journal entries, free/busy; what is nothing of these."""
    lines = (
        *event("SUMMARY:do", "DUE;VALUE=DATE:20260110", "STATUS:COMPLETED", "RRULE:FREQ=DAILY;COUNT=2", name="VTODO"),
        *event("SUMMARY:was", "DTSTART:20260110T120000Z", name="VJOURNAL"),
        *event("FREEBUSY:20260131T230000Z/PT2H", "DTSTART:20260101T000000Z", name="VFREEBUSY"),
    )
    found = written(write_calendar(read_calendar(calendar(*lines)), now=NOW))
    task, journal, times = found.components
    assert (task.name, task.value("UID"), task.value("DUE"), task.value("STATUS")) == (
        "VTODO",
        "one",
        "20260110",
        "COMPLETED",
    )
    assert task.value("RRULE") == "FREQ=DAILY;COUNT=2"
    assert (journal.name, journal.value("SUMMARY"), journal.value("DTSTART")) == ("VJOURNAL", "was", "20260110T120000Z")
    assert (times.name, times.value("FREEBUSY")) == ("VFREEBUSY", "20260131T230000Z/20260201T010000Z")
    with pytest.raises(ConversionError):
        write_calendar(MessageContent({tags.PidTagMessageClass: "IPM.Note"}))


def test_folding() -> None:
    found = one(object_of({tags.PidTagSubject: "ü" * 200, tags.PidTagBody: "x, " * 300}))
    assert unescape(found.value("SUMMARY") or "") == "ü" * 200


def test_many_removed_instances() -> None:
    """No EXDATE has more than 500 dates: libical leaves out the others ([MS-OXCICAL] 2.1.3.1.1.20.13)."""
    days = [dt.date(2026, 1, 5) + dt.timedelta(days=number) for number in range(1, 1202)]
    removed = "EXDATE:" + ",".join(f"{day:%Y%m%d}T090000Z" for day in days)
    content = read_one(*START, "RRULE:FREQ=DAILY;COUNT=2000", removed)
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert [len(line.value.split(",")) for line in inner.every("EXDATE")] == [500, 500, 201]
    (again,) = read_calendar(write_calendar(content, now=NOW))
    assert recurrence_of(again) == recurrence_of(content)
