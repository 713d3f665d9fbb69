"""Which instances a series has, and which of them a time means.

[RFC5545] 3.8.4.4, 3.8.5.1, [MS-OXCICAL] 2.1.3.1.1.20.18.
"""

from __future__ import annotations

import datetime as dt

import pytest

from conversion.oxcical.budget import FREE_REPEATS, MAX_REPEATED, SHORT
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.oxcical.recurrence import ExceptionInfo, exception
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import calendar, event, read_one, recurrence_of, starts_of

FROM, TO = dt.datetime(2026, 3, 1), dt.datetime(2026, 4, 1)
TWICE = ("DTSTART:20260302T090000Z", "DTEND:20260302T093000Z", "RRULE:FREQ=DAILY;BYHOUR=9,17;COUNT=6")
DAILY = ("DTSTART:20260302T090000Z", "DTEND:20260302T093000Z", "RRULE:FREQ=DAILY;COUNT=3")


def shown(found: list[MessageContent]) -> list[str]:
    starts = sorted(start for content in found for start in starts_of(content, FROM, TO))
    return [f"{start:%d-%H}" for start in starts]


def notes_of(receipt: Receipt, word: str) -> list[str]:
    return [str(note) for note in receipt if word in str(note)]


@pytest.mark.parametrize(
    ("lines", "expected", "notes"),
    [
        ((*TWICE, "EXDATE:20260303T170000Z"), "02-09 02-17 03-09 04-09 04-17", 0),
        ((*TWICE, "EXDATE:20260303T090000Z"), "02-09 02-17 03-17 04-09 04-17", 0),
        ((*TWICE, "EXDATE;VALUE=DATE:20260303"), "02-09 02-17 04-09 04-17", 0),
        # Neither time is meant.
        ((*TWICE, "EXDATE:20260303T120000Z"), "02-09 02-17 03-09 03-17 04-09 04-17", 1),
        # An added instance can be removed, and the one of the rule stays.
        ((*DAILY, "RDATE:20260303T170000Z", "EXDATE:20260303T170000Z"), "02-09 03-09 04-09", 0),
        ((*DAILY, "RDATE:20260303T090000Z", "EXDATE:20260303T090000Z"), "02-09 04-09", 0),
        # Moved within a day.
        ((*DAILY, "RDATE:20260303T170000Z", "EXDATE:20260303T090000Z"), "02-09 03-17 04-09", 0),
        # By the day alone.
        ((*DAILY, "EXDATE:20260303T170000Z"), "02-09 04-09", 1),
    ],
)
def test_exdate_means_a_time(lines: tuple[str, ...], expected: str, notes: int) -> None:
    receipt = Receipt()
    assert shown(read_calendar(calendar(*lines), receipt=receipt)) == expected.split()
    assert len(notes_of(receipt, "EXDATE")) == notes


def changed(lines: tuple[str, ...], *original: str) -> tuple[list[MessageContent], Receipt]:
    """A series with instances at noon of their days instead."""
    receipt = Receipt()
    each = [
        event(f"RECURRENCE-ID{one}", f"DTSTART:{one[-16:-7] if one[-1] == 'Z' else one[-15:-6]}120000Z", "SUMMARY:x")
        for one in original
    ]
    return read_calendar(calendar(*event(*lines), *(line for one in each for line in one)), receipt=receipt), receipt


def test_recurrence_id_means_a_time() -> None:
    found, _ = changed(TWICE, ":20260303T170000Z")
    assert shown(found) == ["02-09", "02-17", "03-09", "03-12", "04-09", "04-17"]
    found, _ = changed(TWICE, ":20260303T090000Z")
    assert shown(found) == ["02-09", "02-17", "03-12", "03-17", "04-09", "04-17"]
    added = (*DAILY, "RDATE:20260303T170000Z")
    found, _ = changed(added, ":20260303T170000Z", ":20260304T090000Z")
    assert shown(found) == ["02-09", "03-09", "03-12", "04-12"]
    found, receipt = changed(DAILY, ":20260303T170000Z")
    assert shown(found) == ["02-09", "03-12", "04-09"]
    assert len(notes_of(receipt, "RECURRENCE-ID")) == receipt.count == 1


def test_cancelled_instances_that_no_pattern_has() -> None:
    cancelled = event("RECURRENCE-ID:20260303T170000Z", "DTSTART:20260303T170000Z", "STATUS:CANCELLED")
    found = read_calendar(calendar(*event(*TWICE), *cancelled))
    assert shown(found) == ["02-09", "02-17", "03-09", "04-09", "04-17"]


def test_a_floating_recurrence_id_is_in_the_zone_of_the_series() -> None:
    """As a floating EXDATE is, whatever the zone of the change or of the owner."""
    tokyo = ("DTSTART;TZID=Asia/Tokyo:20260302T080000", "DTEND;TZID=Asia/Tokyo:20260302T083000")
    for start in ("DTSTART:20260303T033000Z", "DTSTART;TZID=Asia/Tokyo:20260303T123000", "SUMMARY:no time"):
        data = calendar(
            *event(*tokyo, "RRULE:FREQ=DAILY;COUNT=3"), *event("RECURRENCE-ID:20260303T080000", start, "LOCATION:l")
        )
        (content,) = read_calendar(data, zone="America/Los_Angeles")
        (info,) = recurrence_of(content).exceptions
        assert info.original_start_date % 1440 == 480
        assert info.original_start_date // 1440 == (dt.date(2026, 3, 3) - dt.date(1601, 1, 1)).days


def test_instances_of_a_day_have_identities_of_their_own() -> None:
    """What is written and read again is the same: a UID and a date tell one instance ([MS-OXOCAL] 2.2.1.27)."""
    lines = ("DTSTART:20260302T100000Z", "DTEND:20260302T103000Z", "RRULE:FREQ=HOURLY;INTERVAL=6;COUNT=8")
    found = read_calendar(calendar(*lines))
    identities = [content.properties[tags.PidLidGlobalObjectId] for content in found]
    assert len(set(identities)) == len(found) == 6
    again = read_calendar(write_calendar(found), receipt=Receipt())
    assert [content.properties[tags.PidLidGlobalObjectId] for content in again] == identities
    assert shown(again) == shown(found) == ["02-10", "02-16", "02-22", "03-04", "03-10", "03-16", "03-22", "04-04"]
    # And the same calendar gives the same identities when it comes once more.
    assert [content.properties[tags.PidLidGlobalObjectId] for content in read_calendar(calendar(*lines))] == identities


def test_of_equal_changes_the_later_counts() -> None:
    lines = [event("RECURRENCE-ID:20260303T090000Z", f"DTSTART:20260303T{hour}0000Z") for hour in (18, 19)]
    receipt = Receipt()
    (content,) = read_calendar(calendar(*event(*DAILY), *lines[0], *lines[1]), receipt=receipt)
    assert shown([content]) == ["02-09", "03-19", "04-09"]
    assert len(notes_of(receipt, "newer change")) == 1


def test_instances_that_are_centuries_apart() -> None:
    """A RDATE of another year does not make a series of all the days between."""
    far = ("DTSTART:16010102T000000Z", "RDATE:16010103T000000Z,16010105T000000Z,44981231T000000Z")
    receipt = Receipt()
    series, other = read_calendar(calendar(*far), receipt=receipt)
    assert len(recurrence_of(series).recurrence_pattern.deleted_instance_dates) == 1
    assert tags.PidLidAppointmentRecur not in other.properties
    assert receipt.count == 1
    # The most that are near each other are the series, wherever it starts.
    dates = "RDATE:20260303T090000Z,20260304T090000Z"
    found = read_calendar(calendar("DTSTART:17000101T090000Z", "DTEND:17000101T093000Z", dates))
    assert shown(found) == ["03-09", "04-09"]
    assert len(found) == 2


def test_the_days_of_all_series_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what does not fit becomes appointments of their own, of which there are not more than some either."""
    monkeypatch.setattr("conversion.oxcical.budget.MAX_DAYS", 2_000)
    monkeypatch.setattr("conversion.oxcical.budget.MAX_COPIES", 20)
    one = ("DTSTART:20260302T090000Z", "RRULE:FREQ=MONTHLY;BYMONTHDAY=2,15;COUNT=48")
    receipt = Receipt()
    found = read_calendar(
        calendar(*[line for number in range(9) for line in event(f"UID:{number}", *one)]), receipt=receipt
    )
    series = [recurrence_of(content) for content in found if tags.PidLidAppointmentRecur in content.properties]
    assert 1_400 < sum(len(one.recurrence_pattern.deleted_instance_dates) for one in series) <= 2_000
    assert len(found) == len(series) + 20 == 29
    assert len(notes_of(receipt, "too many for a file")) > 1


def test_appointments_of_their_own_do_not_multiply_a_body() -> None:
    receipt = Receipt()
    data = calendar("DTSTART:20260302T000000Z", "RRULE:FREQ=HOURLY", "DESCRIPTION:" + "d" * 100_000)
    found = read_calendar(data, receipt=receipt)
    bodies = sum(len(str(content.properties.get(tags.PidTagBody, ""))) for content in found)
    assert bodies < MAX_REPEATED + (FREE_REPEATS + 2) * 100_000
    assert len(notes_of(receipt, "no long texts")) == 1
    assert all(tags.PidLidAppointmentTimeZoneDefinitionStartDisplay in content.properties for content in found)


def test_exceptions_do_not_multiply_a_body() -> None:
    """Neither 1,000 RDATEs at other times of the day, nor 1,000 exceptions of a structure."""
    first = dt.datetime(2026, 3, 2)
    moments = [first + dt.timedelta(days=day, minutes=1 + day % 1400) for day in range(1, 500)]
    dates = ",".join(f"{moment:%Y%m%dT%H%M%SZ}" for moment in moments)
    head = ("DTSTART:20260302T000000Z", "DTEND:20260302T000100Z")
    content = read_one(*head, "DESCRIPTION:" + "d" * 50_000, f"RDATE:{dates}")
    assert len(recurrence_of(content).exceptions) == 499
    receipt = Receipt()
    data = write_calendar(content, receipt=receipt)
    assert len(data) < MAX_REPEATED + (FREE_REPEATS + 2) * 50_000 + 499 * 1_000
    assert [str(note) for note in receipt if "no long texts" in str(note)]
    (again,) = read_calendar(data)
    assert starts_of(again, FROM, TO) == starts_of(content, FROM, TO)


def test_a_few_exceptions_say_all_of_their_series() -> None:
    """Others take a VEVENT for all that there is of an instance ([RFC5545] 3.8.4.4)."""
    content = read_one("DTSTART:20260302T000000Z", "RRULE:FREQ=DAILY;COUNT=40", "DESCRIPTION:" + "d" * SHORT * 2)
    recurrence = recurrence_of(content)
    days = range(recurrence.recurrence_pattern.start_date, recurrence.recurrence_pattern.end_date, 1440)
    moved = recurrence.with_instances([], [exception(ExceptionInfo(day + 5, day + 6, day)) for day in days])
    receipt = Receipt()
    properties = {**content.properties, tags.PidLidAppointmentRecur: moved.encode()}
    data = write_calendar(MessageContent(properties), receipt=receipt)
    assert data.count(b"DESCRIPTION") == 40
    assert not receipt.count
