"""Series, their exceptions and what no pattern can say.

[MS-OXCICAL] 2.1.3.1.1.20.13, 2.1.3.1.1.20.18 to 2.1.3.1.1.20.20, 2.1.3.2, 2.1.3.2.2.
"""

from __future__ import annotations

import datetime as dt

import pytest
from dateutil.rrule import rrulestr

from conversion.contentlines import read_components
from conversion.oxcical.budget import MAX_TIMES, Budget, cost_of, times_of_day, with_fewer_times
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.globalobjectid import decode_global_object_id
from conversion.oxcical.importer import read_calendar
from conversion.oxcical.recurrence import datetime_of
from conversion.oxcical.rrule import read_rule
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import calendar, event, read_one, recurrence_of, starts_of, utc

BERLIN = ";TZID=Europe/Berlin:"
WEEKLY = (f"DTSTART{BERLIN}20260302T100000", f"DTEND{BERLIN}20260302T110000", "SUMMARY:s", "LOCATION:l")
FROM, TO = dt.datetime(2026, 1, 1), dt.datetime(2028, 1, 1)


def starts(*contents: MessageContent) -> list[dt.datetime]:
    return sorted(start for content in contents for start in starts_of(content, FROM, TO))


def test_series() -> None:
    """RRULE: the structure and what stands beside it ([MS-OXOCAL] 2.2.1.12 to 2.2.1.15, 2.2.1.39 to 2.2.1.41).

    [MS-OXCICAL] 2.1.3.1.1.20.19, 2.1.3.2.
    """
    content = read_one(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=5")
    found = content.properties
    assert starts(content) == [dt.datetime(2026, 3, day, 9) for day in (2, 9, 16, 23)] + [dt.datetime(2026, 3, 30, 8)]
    recurrence = recurrence_of(content)
    assert (recurrence.start_time_offset, recurrence.end_time_offset) == (600, 660)
    assert found[tags.PidLidRecurring] is True
    assert found[tags.PidLidRecurrenceType] == 2
    assert found[tags.PidTagIconIndex] == 0x401
    assert found[tags.PidLidTimeZoneDescription] == "W. Europe Standard Time"
    assert len(bytes(found[tags.PidLidTimeZoneStruct])) == 48  # type: ignore[arg-type]
    assert utc(found, tags.PidLidClipStart) == dt.datetime(2026, 3, 2)
    assert utc(found, tags.PidLidClipEnd) == dt.datetime(2026, 3, 30)
    never = read_one(*WEEKLY, "RRULE:FREQ=WEEKLY").properties
    assert never[tags.PidLidClipEnd] == 0x0CB34557A3DD4000


def test_exdates() -> None:
    """All lines, lists, dates, other zones and floating times ([MS-OXCICAL] 2.1.3.1.1.20.13)."""
    lines = (
        f"EXDATE{BERLIN}20260309T100000,20260316T100000",
        "EXDATE:20260323T090000Z",
        "EXDATE;VALUE=DATE:20260330",
        "EXDATE:20260406T100000",
        "EXDATE:20260407T100000",
    )
    content = read_one(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=7", *lines)
    assert starts(content) == [dt.datetime(2026, 3, 2, 9), dt.datetime(2026, 4, 13, 8)]


def exceptions(*lines: tuple[str, ...], extra: tuple[str, ...] = (), notes: int = 0) -> list[MessageContent]:
    receipt = Receipt()
    data = calendar(
        *event(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=5", *extra), *(one for each in lines for one in event(*each))
    )
    found = read_calendar(data, receipt=receipt)
    assert receipt.count == notes, [str(note) for note in receipt]
    return found


def test_exception() -> None:
    """In the structure and as an embedded message ([MS-OXCICAL] 2.1.3.1.1.20.20, [MS-OXOCAL] 2.2.10)."""
    (content,) = exceptions(
        (
            f"RECURRENCE-ID{BERLIN}20260309T100000",
            f"DTSTART{BERLIN}20260310T120000",
            f"DTEND{BERLIN}20260310T123000",
            "SUMMARY:ü",
            "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
            "DESCRIPTION:other",
            "BEGIN:VALARM",
            "TRIGGER:-PT5M",
            "END:VALARM",
        )
    )
    recurrence = recurrence_of(content)
    (info,) = recurrence.exceptions
    (extended,) = recurrence.extended_exceptions
    assert datetime_of(info.start_date_time) == dt.datetime(2026, 3, 10, 12)
    assert datetime_of(info.end_date_time) == dt.datetime(2026, 3, 10, 12, 30)
    assert datetime_of(info.original_start_date) == dt.datetime(2026, 3, 9, 10)
    assert (info.subject, extended.subject) == ("ü".encode("cp1252"), "ü")
    assert (info.location, extended.location) == (b"", "")
    assert (info.busy_status, info.reminder_set, info.reminder_delta) == (0, 1, 5)
    assert info.exceptional_body
    pattern = recurrence.recurrence_pattern
    assert [datetime_of(day) for day in pattern.deleted_instance_dates] == [dt.datetime(2026, 3, 9)]
    assert [datetime_of(day) for day in pattern.modified_instance_dates] == [dt.datetime(2026, 3, 10)]
    (attachment,) = content.attachments
    wrapper, inner = attachment.properties, attachment.data
    assert isinstance(inner, MessageContent)
    assert wrapper[tags.PidTagAttachMethod] == 5
    assert wrapper[tags.PidTagAttachmentFlags] == 2
    assert wrapper[tags.PidTagAttachmentHidden] is True
    assert utc(wrapper, tags.PidTagExceptionStartTime) == dt.datetime(2026, 3, 10, 12)
    assert utc(wrapper, tags.PidTagExceptionEndTime) == dt.datetime(2026, 3, 10, 12, 30)
    assert utc(wrapper, tags.PidTagExceptionReplaceTime) == dt.datetime(2026, 3, 9, 9)
    assert inner.properties[tags.PidTagMessageClass] == "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"
    assert utc(inner.properties, tags.PidLidExceptionReplaceTime) == dt.datetime(2026, 3, 9, 9)
    assert utc(inner.properties, tags.PidLidAppointmentStartWhole) == dt.datetime(2026, 3, 10, 11)
    assert inner.properties[tags.PidLidLocation] == ""
    assert content.properties[tags.PidTagHasAttachments] is False


@pytest.mark.parametrize("original", [f"{BERLIN}20260309T100000", ":20260309T090000Z", ";VALUE=DATE:20260309"])
def test_original_in_other_forms(original: str) -> None:
    """RECURRENCE-ID in UTC, as a date, in another zone."""
    (content,) = exceptions((f"RECURRENCE-ID{original}", f"DTSTART{BERLIN}20260310T120000"))
    assert len(recurrence_of(content).exceptions) == 1


def test_cancelled_instance() -> None:
    lines = (f"RECURRENCE-ID{BERLIN}20260309T100000", f"DTSTART{BERLIN}20260309T100000", "STATUS:CANCELLED")
    (content,) = exceptions(lines)
    assert len(starts(content)) == 4
    assert not content.attachments


def test_instances_that_are_none() -> None:
    """An exception of no instance is an appointment of its own; one that EXDATE removed counts if it is newer."""
    alone = (f"RECURRENCE-ID{BERLIN}20260311T100000", f"DTSTART{BERLIN}20260311T100000")
    series, other = exceptions(alone, notes=1)
    assert len(starts(series, other)) == 6
    octets = other.properties[tags.PidLidGlobalObjectId]
    assert isinstance(octets, bytes)
    assert decode_global_object_id(octets).date == dt.date(2026, 3, 11)
    removed = (f"EXDATE{BERLIN}20260309T100000",)
    moved = (f"RECURRENCE-ID{BERLIN}20260309T100000", f"DTSTART{BERLIN}20260310T100000")
    (content,) = exceptions(moved, extra=removed, notes=1)
    assert len(starts(content)) == 4
    (content,) = exceptions((*moved, "SEQUENCE:1"), extra=removed)
    assert len(starts(content)) == 5


def test_the_newest_change_wins() -> None:
    first = (f"RECURRENCE-ID{BERLIN}20260309T100000", f"DTSTART{BERLIN}20260310T100000", "SEQUENCE:2", "SUMMARY:new")
    second = (f"RECURRENCE-ID{BERLIN}20260309T100000", f"DTSTART{BERLIN}20260311T100000", "SEQUENCE:1", "SUMMARY:old")
    (content,) = exceptions(first, second, notes=1)
    (info,) = recurrence_of(content).exceptions
    assert info.subject == b"new"


def test_rdate_for_exdate() -> None:
    """An additional instance is a removed one that was moved ([MS-OXCICAL] 2.1.3.1.1.20.18)."""
    lines = (f"EXDATE{BERLIN}20260309T100000", f"RDATE{BERLIN}20260310T140000")
    content = read_one(*WEEKLY, "RRULE:FREQ=WEEKLY", *lines)
    assert starts(content)[:3] == [
        dt.datetime(2026, 3, 2, 9),
        dt.datetime(2026, 3, 10, 13),
        dt.datetime(2026, 3, 16, 9),
    ]
    (info,) = recurrence_of(content).exceptions
    assert datetime_of(info.original_start_date) == dt.datetime(2026, 3, 9, 10)


def test_rdate_without_exdate() -> None:
    """More instances than the pattern has: one by one, or beside a series that does not end."""
    rdates = f"RDATE{BERLIN}20260304T100000,20260306T120000"
    content = read_one(*WEEKLY, "RRULE:FREQ=WEEKLY;COUNT=2", rdates)
    expected = [dt.datetime(2026, 3, 2, 9), dt.datetime(2026, 3, 4, 9), dt.datetime(2026, 3, 6, 11)]
    assert starts(content) == [*expected, dt.datetime(2026, 3, 9, 9)]
    receipt = Receipt()
    found = read_calendar(calendar(*WEEKLY, "RRULE:FREQ=WEEKLY", rdates), receipt=receipt)
    assert len(found) == 3
    assert starts(*found)[:4] == [*expected, dt.datetime(2026, 3, 9, 9)]
    assert receipt.count == 1
    only = read_one(*WEEKLY, rdates)
    assert starts(only) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MONTHLY;BYMONTHDAY=2,15;COUNT=8",
        "FREQ=MONTHLY;BYDAY=1MO,3WE;UNTIL=20261231T235959Z",
        "FREQ=YEARLY;BYWEEKNO=10,20;BYDAY=MO;COUNT=4",
        "FREQ=YEARLY;BYYEARDAY=61,100;COUNT=4",
        "FREQ=DAILY;INTERVAL=3;BYDAY=MO,TU;COUNT=6",
        "FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=2,13;COUNT=3",
    ],
)
def test_rules_that_no_pattern_says(rule: str) -> None:
    """Such a rule loses no event, as it does in gromox: its instances are said one by one."""
    content = read_one(*WEEKLY, f"RRULE:{rule}", notes=1)
    local = rrulestr(rule.replace("Z", ""), dtstart=dt.datetime(2026, 3, 2, 10))
    expected = [start for start in local if start < TO]
    assert [start.date() for start in starts(content)] == [start.date() for start in expected]
    assert all(start.hour in (8, 9) for start in starts(content))


def test_several_times_of_a_day() -> None:
    receipt = Receipt()
    data = calendar(*WEEKLY, "RRULE:FREQ=DAILY;BYHOUR=10,14;COUNT=4")
    found = read_calendar(data, receipt=receipt)
    assert starts(*found) == [dt.datetime(2026, 3, day, hour) for day in (2, 3) for hour in (9, 13)]


def test_start_outside_of_the_rule() -> None:
    """The series starts with the first instance, as Outlook has it ([MS-OXCICAL] 2.1.3.2.2)."""
    content = read_one(*WEEKLY, "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=2", notes=1)
    assert starts(content) == [dt.datetime(2026, 3, 4, 9), dt.datetime(2026, 3, 11, 9)]
    assert utc(content.properties, tags.PidLidAppointmentStartWhole) == dt.datetime(2026, 3, 4, 9)


def test_another_calendar() -> None:
    """X-MICROSOFT-CALSCALE and X-MICROSOFT-RRULE ([MS-OXCICAL] 2.1.3.1.1.8, 2.1.3.1.1.20.45)."""
    data = calendar(*WEEKLY, "X-MICROSOFT-RRULE:FREQ=MONTHLY;BYMONTHDAY=2", heading=("X-MICROSOFT-CALSCALE:Hijri",))
    (content,) = read_calendar(data)
    pattern = recurrence_of(content).recurrence_pattern
    assert (pattern.pattern_type, pattern.calendar_type) == (0xA, 6)


def test_many_exceptions() -> None:
    """More than the 1,024 at which gromox stops."""
    first = dt.datetime(2026, 3, 2, 10)
    lines = list(event(*WEEKLY, "RRULE:FREQ=DAILY;COUNT=1200"))
    for number in range(1100):
        day = (first + dt.timedelta(days=number)).strftime("%Y%m%d")
        lines += event(f"RECURRENCE-ID{BERLIN}{day}T100000", f"DTSTART{BERLIN}{day}T120000", "SUMMARY:s", "LOCATION:l")
    (content,) = read_calendar(calendar(*lines))
    assert len(recurrence_of(content).exceptions) == len(content.attachments) == 1100


def test_same_uid_twice() -> None:
    found = read_calendar(calendar(*event(*WEEKLY), *event(*WEEKLY, "RRULE:FREQ=DAILY;COUNT=2")))
    assert [len(starts(content)) for content in found] == [2, 1]


def test_before_the_calendar() -> None:
    """Years that neither FILETIME nor a pattern can say."""
    receipt = Receipt()
    for year in ("0001", "1500", "9999"):
        lines = (f"DTSTART:{year}0301T100000Z", "RRULE:FREQ=YEARLY", "EXDATE:00010101T000000Z", "RDATE:00010101")
        assert read_calendar(calendar(*lines), receipt=receipt)


HOURS, MINUTES = (",".join(map(str, range(most))) for most in (24, 60))


@pytest.mark.parametrize(
    "rule",
    [
        f"FREQ=YEARLY;BYDAY=MO,TU;BYHOUR={HOURS};BYMINUTE={MINUTES};BYSECOND={MINUTES};BYSETPOS=366",
        f"FREQ=HOURLY;BYMINUTE={MINUTES};BYSECOND={MINUTES};BYSETPOS=300",
    ],
)
def test_rules_that_cost_much(rule: str) -> None:
    """A short rule with 86,400 times a day: the event stays, and the work of all such rules of a file is bounded."""
    read = read_rule(rule)
    assert read is not None
    assert times_of_day(with_fewer_times(read)) <= MAX_TIMES
    assert not Budget(19).take(cost_of(with_fewer_times(read)))
    found = read_calendar(calendar(*WEEKLY, f"RRULE:{rule}"))
    assert {content.properties[tags.PidTagSubject] for content in found} == {"s"}


def test_exceptions_have_the_uid_of_the_series() -> None:
    """And a weekday of a month of the year keeps its month ([MS-OXCICAL] 2.1.3.2.2)."""
    lines = (
        *event(*WEEKLY, "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=1MO;COUNT=3"),
        *event(f"RECURRENCE-ID{BERLIN}20270301T100000", f"DTSTART{BERLIN}20270302T100000"),
    )
    (content,) = read_calendar(calendar(*lines))
    master, exception = read_components(write_calendar(content))[0].inner("VEVENT")
    assert master.value("UID") == exception.value("UID") == "one"
    assert master.value("RRULE") == "FREQ=YEARLY;COUNT=3;BYDAY=1MO;BYMONTH=3"
