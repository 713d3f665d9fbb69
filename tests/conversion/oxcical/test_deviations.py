"""Where Exchange and Outlook deviate from the RFCs, as their statements of standards support have it.

[MS-STANXICAL] and [MS-STANOICAL]: what they tolerate is tolerated here, and what they cannot read is not written.
"""

from __future__ import annotations

import pytest

from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.imip import calendar_properties
from conversion.oxcical.importer import read_calendar
from conversion.receipt import Receipt
from store.mapi import tags
from tests.conversion.oxcical.calendars import NOW, START, calendar, event, read_one, recurrence_of, utc, written

ORGANIZER = "ORGANIZER:mailto:boss@example.org"
WHOLE = tags.PidLidAppointmentStartWhole


def test_addresses() -> None:
    """[MS-STANXICAL] 2.2.28: they are written as mailto URIs, however they came."""
    content = read_one(*START, "ORGANIZER:boss@example.org", "ATTENDEE:MAILTO:ann@example.org")
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert inner.value("ORGANIZER") == "mailto:boss@example.org"
    assert inner.value("ATTENDEE") == "mailto:ann@example.org"


@pytest.mark.parametrize(
    ("lines", "locale"),
    [
        (("SUMMARY;LANGUAGE=de-DE:x", "LOCATION;LANGUAGE=fr-FR:y"), 0x407),
        (("SUMMARY:x", "LOCATION;LANGUAGE=fr-FR:y", "DESCRIPTION;LANGUAGE=de:z"), 0x40C),
        (("DESCRIPTION;LANGUAGE=de-DE:z",), 0x407),
        (("COMMENT;LANGUAGE=fr-FR:c", "DESCRIPTION;LANGUAGE=de:z"), 0x40C),
        (("SUMMARY:x", "CONTACT;LANGUAGE=de:z"), None),
    ],
)
def test_language(lines: tuple[str, ...], locale: int | None) -> None:
    """[MS-STANXICAL] 2.2.56: the first that SUMMARY, LOCATION, COMMENT or DESCRIPTION has.

    [MS-OXCICAL] 2.1.3.1.1.20.11.1, 2.1.3.1.1.20.24.1: a language becomes its number.
    """
    assert read_one(*START, *lines).properties.get(tags.PidTagMessageLocaleId) == locale


def test_one_description() -> None:
    """[MS-STANXICAL] 2.2.56: one is written; several are joined."""
    content = read_one(*START, "DESCRIPTION:one", "DESCRIPTION:two", notes=1)
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert [line.value for line in inner.every("DESCRIPTION")] == ["one\\ntwo"]


@pytest.mark.parametrize("line", ["", "TZOFFSETTO:1 hour", "TZOFFSETTO;X-A=b:+01", "TZOFFSETTO:+01:00"])
def test_offset_to(line: str) -> None:
    """[MS-STANXICAL] 2.2.74, [MS-STANOICAL] 2.2.76: one that is missing or malformed never loses the event."""
    zone = (
        *("BEGIN:VTIMEZONE", "TZID:Own", "BEGIN:STANDARD", "DTSTART:16010101T000000", "TZOFFSETFROM:+0100"),
        *((line,) if line else ()),
        *("END:STANDARD", "END:VTIMEZONE"),
    )
    (content,) = read_calendar(calendar(*zone, *event("DTSTART;TZID=Own:20260105T100000")))
    assert utc(content.properties, WHOLE).hour == 9


def test_repeat() -> None:
    """[MS-STANXICAL] 2.2.87: that an alarm comes again is not read, and not written."""
    alarm = ("BEGIN:VALARM", "TRIGGER:-PT10M", "REPEAT:4", "DURATION:PT5M", "END:VALARM")
    content = read_one(*event(*START, *alarm))
    assert content.properties[tags.PidLidReminderDelta] == 10
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    (written_alarm,) = inner.inner("VALARM")
    assert written_alarm.value("TRIGGER") == "-PT10M"
    assert written_alarm.value("REPEAT") is None


@pytest.mark.parametrize("method", ["ADD", "REFRESH", "DECLINECOUNTER", "X-OTHER"])
def test_methods(method: str) -> None:
    """[MS-STANXICAL] 2.2.97, 2.2.105, [MS-STANOICAL] 2.2.99: in mail they stay a file, in a file they are published."""
    data = calendar(*START, ORGANIZER, method=method)
    assert calendar_properties(data) is None
    receipt = Receipt()
    (content,) = read_calendar(data, receipt=receipt)
    assert content.properties[tags.PidTagMessageClass] == "IPM.Appointment"
    assert "taken as PUBLISH" in str(next(iter(receipt)))


def test_directory_entry() -> None:
    """[MS-STANOICAL] 2.2.11: DIR is passed over, with a note, and not written."""
    content = read_one(*START, 'ATTENDEE;DIR="ldap://x.test/";CN=Ann:mailto:ann@example.org', ORGANIZER, notes=1)
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert [line.parameter("DIR") for line in inner.every("ATTENDEE")] == [None]


def test_categories() -> None:
    """[MS-STANOICAL] 2.2.55: parameters say nothing; one CATEGORIES is written."""
    content = read_one(*START, "CATEGORIES;LANGUAGE=de;X-A=b:one,two", "CATEGORIES:three")
    assert content.properties[tags.PidNameKeywords] == ("one", "two", "three")
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert [(line.value, line.parameters) for line in inner.every("CATEGORIES")] == [("one,two,three", ())]


@pytest.mark.parametrize("lines", [("DTSTART:20260105T090000Z",), ("DTEND:20260105T103000Z",)])
def test_duration(lines: tuple[str, ...]) -> None:
    """[MS-STANOICAL] 2.2.70: it stands for the time that is missing, and is never written."""
    content = read_one(*lines, "DURATION;X-A=b:PT90M")
    assert utc(content.properties, WHOLE).hour == 9
    assert content.properties[tags.PidLidAppointmentDuration] == 90
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert inner.value("DURATION") is None
    assert inner.value("DTEND") == "20260105T103000Z"


def test_rules() -> None:
    """[MS-STANOICAL] 2.2.87: parameters of a rule say nothing; an instance by RDATE is as long as the others."""
    content = read_one(*START, "RRULE;X-A=b:FREQ=DAILY;COUNT=3")
    assert recurrence_of(content).recurrence_pattern.occurrence_count == 3
    receipt = Receipt()
    lines = (*START, "RRULE:FREQ=DAILY;COUNT=2", "RDATE;VALUE=PERIOD:20260110T090000Z/PT5H")
    contents = read_calendar(calendar(*lines), receipt=receipt)
    assert all(content.properties[tags.PidLidAppointmentDuration] == 60 for content in contents)
    assert "as long as the others" in " ".join(map(str, receipt))
