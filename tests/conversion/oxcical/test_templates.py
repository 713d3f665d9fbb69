"""Rules to and from patterns ([MS-OXCICAL] 2.1.3.2.2, 2.1.3.2.2.1 to 2.1.3.2.2.5)."""

from __future__ import annotations

import datetime as dt
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from conversion.oxcical.occurrences import dates
from conversion.oxcical.recurrence import NEVER, EndType, PatternType, RecurrencePattern, datetime_of, minutes_of
from conversion.oxcical.rrule import read_rule, write_rule
from conversion.oxcical.templates import Mapped, Unsupported, from_pattern, to_pattern

START = dt.datetime(2026, 1, 8, 15, 30)
"""A Thursday."""


def mapped(text: str, start: dt.datetime = START) -> Mapped:
    rule = read_rule(text)
    assert rule is not None
    found = to_pattern(rule, start)
    assert isinstance(found, Mapped), found
    return found


def days(pattern: RecurrencePattern, count: int = 3) -> list[str]:
    removed = pattern.deleted_instance_dates
    found = (datetime_of(day).strftime("%Y-%m-%d") for day in dates(pattern) if day not in removed)
    return list(islice(found, count))


@pytest.mark.parametrize(
    ("text", "fields", "first"),
    [
        # Frequency, type, period, days, day, n: as the tables of the specification have them, for its own examples.
        # [MS-OXCICAL] 2.1.3.2.2.1
        ("FREQ=DAILY", (0x200A, 0, 1440, 0, 0, 0), ["2026-01-08", "2026-01-09"]),
        ("FREQ=DAILY;BYMINUTE=30;BYHOUR=15", (0x200A, 0, 1440, 0, 0, 0), ["2026-01-08"]),
        ("FREQ=DAILY;INTERVAL=3", (0x200A, 0, 4320, 0, 0, 0), ["2026-01-08", "2026-01-11"]),
        # [MS-OXCICAL] 2.1.3.2.2.2
        ("FREQ=WEEKLY;BYDAY=MO,TU", (0x200B, 1, 1, 6, 0, 0), ["2026-01-12", "2026-01-13"]),
        ("FREQ=WEEKLY;BYDAY=MO,TU;INTERVAL=2;COUNT=7", (0x200B, 1, 2, 6, 0, 0), ["2026-01-19", "2026-01-20"]),
        ("FREQ=WEEKLY;BYDAY=SU,MO;INTERVAL=2;WKST=MO", (0x200B, 1, 2, 3, 0, 0), ["2026-01-11", "2026-01-19"]),
        ("FREQ=WEEKLY;BYDAY=SU,MO;INTERVAL=2;WKST=SU", (0x200B, 1, 2, 3, 0, 0), ["2026-01-18", "2026-01-19"]),
        ("FREQ=WEEKLY", (0x200B, 1, 1, 0x10, 0, 0), ["2026-01-08", "2026-01-15"]),
        # [MS-OXCICAL] 2.1.3.2.2.5
        ("FREQ=YEARLY;BYMONTHDAY=-1;BYMONTH=9", (0x200D, 2, 12, 0, 31, 0), ["2026-09-30", "2027-09-30"]),
        ("FREQ=YEARLY;BYMONTHDAY=10;BYMONTH=1;BYMINUTE=30;BYHOUR=15", (0x200D, 2, 12, 0, 10, 0), ["2026-01-10"]),
        # An interval of years is one of months ([MS-OXOCAL] 2.2.1.44.1: a yearly Period is 12).
        (
            "FREQ=YEARLY;BYMONTHDAY=15;BYMONTH=3;INTERVAL=3;COUNT=7",
            (0x200C, 2, 36, 0, 15, 0),
            ["2026-03-15", "2029-03-15"],
        ),
        # [MS-OXCICAL] 2.1.3.2.2.3
        ("FREQ=MONTHLY;BYMONTHDAY=10", (0x200C, 2, 1, 0, 10, 0), ["2026-01-10", "2026-02-10"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", (0x200C, 2, 1, 0, 31, 0), ["2026-01-31", "2026-02-28"]),
        ("FREQ=MONTHLY", (0x200C, 2, 1, 0, 8, 0), ["2026-01-08", "2026-02-08"]),
        # [MS-OXCICAL] 2.1.3.2.2.4
        ("FREQ=MONTHLY;BYDAY=2TU", (0x200C, 3, 1, 4, 0, 2), ["2026-01-13", "2026-02-10"]),
        ("FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", (0x200C, 3, 1, 4, 0, 2), ["2026-01-13", "2026-02-10"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", (0x200C, 3, 1, 0x20, 0, 5), ["2026-01-30", "2026-02-27"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", (0x200C, 3, 1, 0x3E, 0, 5), ["2026-01-30", "2026-02-27"]),
        ("FREQ=YEARLY;BYDAY=4TH;BYMONTH=11", (0x200D, 3, 12, 0x10, 0, 4), ["2026-11-26", "2027-11-25"]),
        # What means the same.
        ("FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR", (0x200A, 1, 1, 0x3E, 0, 0), ["2026-01-08", "2026-01-09", "2026-01-12"]),
        ("FREQ=DAILY;BYDAY=MO,WE", (0x200B, 1, 1, 0xA, 0, 0), ["2026-01-12", "2026-01-14"]),
        ("FREQ=MONTHLY;BYDAY=MO,WE", (0x200B, 1, 1, 0xA, 0, 0), ["2026-01-12", "2026-01-14"]),
        ("FREQ=YEARLY;BYMONTH=1,4,7,10;BYDAY=1MO", (0x200C, 3, 3, 2, 0, 1), ["2026-04-06", "2026-07-06"]),
        ("FREQ=YEARLY;BYDAY=1MO", (0x200D, 3, 12, 2, 0, 1), ["2027-01-04", "2028-01-03"]),
        ("FREQ=YEARLY;BYDAY=-1FR", (0x200D, 3, 12, 0x20, 0, 5), ["2026-12-25", "2027-12-31"]),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=1,2,3,4,5,6,7", (0x200D, 3, 12, 4, 0, 1), ["2026-11-03"]),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=SU;BYMONTHDAY=25,26,27,28,29,30,31", (0x200D, 3, 12, 1, 0, 5), ["2026-10-25"]),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", (0x200C, 2, 1, 0, 30, 0), ["2026-01-30", "2026-02-28"]),
    ],
)
def test_rules_that_are_patterns(text: str, fields: tuple[int, ...], first: list[str]) -> None:
    found = mapped(text)
    pattern = found.pattern
    assert (pattern.recur_frequency, pattern.pattern_type, pattern.period) == fields[:3]
    assert (pattern.days, pattern.day, pattern.n) == fields[3:]
    assert days(pattern, len(first)) == first
    assert pattern.start_date == minutes_of(dt.datetime.fromisoformat(first[0]))
    assert found.start_time_offset == 15 * 60 + 30
    assert found.notes == ()


@pytest.mark.parametrize(
    ("text", "end", "count", "last"),
    [
        ("FREQ=DAILY", EndType.NEVER, 10, None),
        ("FREQ=DAILY;COUNT=30", EndType.COUNT, 30, "2026-02-06"),
        ("FREQ=DAILY;UNTIL=20260110", EndType.DATE, 3, "2026-01-10"),
        # An instance may start at the very end, and not after it.
        ("FREQ=DAILY;UNTIL=20260110T153000", EndType.DATE, 3, "2026-01-10"),
        ("FREQ=DAILY;UNTIL=20260110T152959", EndType.DATE, 2, "2026-01-09"),
        ("FREQ=WEEKLY;UNTIL=20260121", EndType.DATE, 2, "2026-01-15"),
        ("FREQ=YEARLY;COUNT=4000", EndType.NEVER, 10, None),
        ("FREQ=DAILY;UNTIL=99991231", EndType.NEVER, 10, None),
    ],
)
def test_ends(text: str, end: EndType, count: int, last: str | None) -> None:
    pattern = mapped(text).pattern
    assert (pattern.end_type, pattern.occurrence_count) == (end, count)
    assert pattern.end_date == (NEVER if last is None else minutes_of(dt.datetime.fromisoformat(last)))


def test_an_end_in_utc_is_told_in_the_zone_of_the_event() -> None:
    rule = read_rule("FREQ=DAILY;UNTIL=20260110T203000Z")
    assert rule is not None
    found = to_pattern(rule, START, to_local=lambda moment: moment.astimezone(ZoneInfo("America/New_York")))
    assert isinstance(found, Mapped)
    assert found.pattern.end_date == minutes_of(dt.date(2026, 1, 10))


def test_another_time_of_the_day() -> None:
    found = mapped("FREQ=DAILY;INTERVAL=2;BYHOUR=9;BYMINUTE=0")
    assert found.start_time_offset == 540
    # The event begins at 15:30: its day has no instance at 9:00, and the days are still counted from it.
    assert days(found.pattern, 2) == ["2026-01-10", "2026-01-12"]


@pytest.mark.parametrize(
    "text",
    [
        *("FREQ=HOURLY", "FREQ=MINUTELY;COUNT=5", "FREQ=SECONDLY", "FREQ=DAILY;BYHOUR=9,17", "FREQ=DAILY;BYMONTH=1"),
        *(
            "FREQ=DAILY;INTERVAL=2;BYDAY=MO",
            "FREQ=DAILY;INTERVAL=1000",
            "FREQ=WEEKLY;INTERVAL=100",
            "FREQ=WEEKLY;BYMONTH=1",
        ),
        *(
            "FREQ=MONTHLY;BYMONTHDAY=1,15",
            "FREQ=MONTHLY;BYMONTHDAY=-2",
            "FREQ=MONTHLY;BYDAY=5MO",
            "FREQ=MONTHLY;BYDAY=-2MO",
        ),
        *("FREQ=MONTHLY;BYDAY=1MO,3MO", "FREQ=MONTHLY;INTERVAL=2;BYDAY=MO", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"),
        *("FREQ=YEARLY;BYWEEKNO=20", "FREQ=YEARLY;BYYEARDAY=100", "FREQ=YEARLY;BYMONTH=1,2", "FREQ=YEARLY;BYDAY=20MO"),
        *("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;UNTIL=20260107", "FREQ=DAILY;UNTIL=15000101"),
        *("FREQ=YEARLY;INTERVAL=100", "FREQ=MONTHLY;INTERVAL=100", "FREQ=YEARLY;BYMONTH=1,7;BYDAY=MO;BYSETPOS=1"),
    ],
)
def test_rules_that_no_pattern_says_are_told(text: str) -> None:
    rule = read_rule(text)
    assert rule is not None
    found = to_pattern(rule, START)
    assert isinstance(found, Unsupported)
    assert found.reason


def test_starts_that_no_pattern_has_are_told() -> None:
    rule = read_rule("FREQ=DAILY")
    assert rule is not None
    assert isinstance(to_pattern(rule, dt.datetime(1600, 12, 31)), Unsupported)
    assert isinstance(to_pattern(rule, dt.datetime(9999, 12, 31)), Unsupported)


def test_months_that_are_too_short() -> None:
    """A pattern takes the last day of such a month ([MS-OXOCAL] 2.2.1.44.1.5), a rule leaves it out."""
    endless = mapped("FREQ=MONTHLY;BYMONTHDAY=31")
    assert endless.notes == ("months without a day 31 have an instance on their last day",)
    finite = mapped("FREQ=MONTHLY;BYMONTHDAY=31;COUNT=4")
    assert finite.notes == ()
    assert days(finite.pattern, 9) == ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"]
    assert finite.pattern.occurrence_count == 7
    until = mapped("FREQ=MONTHLY;BYMONTHDAY=30;UNTIL=20260301")
    assert days(until.pattern, 9) == ["2026-01-30"]
    assert (until.pattern.occurrence_count, until.pattern.deleted_instance_dates) == (1, ())
    assert mapped("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=31").notes == ()
    leap = mapped("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29")
    assert leap.pattern.start_date == minutes_of(dt.date(2028, 2, 29))
    assert leap.notes


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        # [MS-OXCICAL] 2.1.3.2.2.1
        ((0x200A, PatternType.DAY, 2880, 0, 0, 0), "FREQ=DAILY;INTERVAL=2"),
        ((0x200A, PatternType.WEEK, 1, 0x3E, 0, 0), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        # [MS-OXCICAL] 2.1.3.2.2.2
        ((0x200B, PatternType.WEEK, 2, 3, 0, 0), "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU;WKST=SU"),
        # [MS-OXCICAL] 2.1.3.2.2.3
        ((0x200C, PatternType.MONTH, 1, 0, 15, 0), "FREQ=MONTHLY;BYMONTHDAY=15"),
        ((0x200C, PatternType.MONTH, 1, 0, 30, 0), "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1"),
        ((0x200C, PatternType.MONTH, 1, 0, 31, 0), "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ((0x200C, PatternType.MONTH_END, 2, 0, 31, 0), "FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1"),
        # [MS-OXCICAL] 2.1.3.2.2.5
        ((0x200D, PatternType.MONTH, 12, 0, 31, 0), "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=1"),
        # [MS-OXCICAL] 2.1.3.2.2.4
        ((0x200C, PatternType.MONTH_NTH, 1, 2, 0, 5), "FREQ=MONTHLY;BYDAY=-1MO"),
        ((0x200C, PatternType.MONTH_NTH, 1, 0x41, 0, 1), "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1"),
        ((0x200C, PatternType.MONTH_NTH, 1, 0x7F, 0, 5), "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ((0x200D, PatternType.MONTH_NTH, 24, 2, 0, 3), "FREQ=YEARLY;INTERVAL=2;BYDAY=3MO;BYMONTH=1"),
    ],
)
def test_patterns_as_rules(pattern: tuple[int, PatternType, int, int, int, int], text: str) -> None:
    frequency, kind, period, bits, day, n = pattern
    start = minutes_of(dt.date(2026, 1, 1))
    made = RecurrencePattern(frequency, kind, 0, period, EndType.NEVER, 10, start, NEVER, days=bits, day=day, n=n)
    rule = from_pattern(made)
    assert not isinstance(rule, Unsupported)
    assert write_rule(rule) == text


def test_ends_of_patterns_as_rules() -> None:
    counted = from_pattern(mapped("FREQ=DAILY;COUNT=5").pattern, 930)
    assert not isinstance(counted, Unsupported)
    assert write_rule(counted) == "FREQ=DAILY;COUNT=5"
    dated = mapped("FREQ=DAILY;UNTIL=20260110")
    timed, whole = from_pattern(dated.pattern, 930), from_pattern(dated.pattern, all_day=True)
    assert not isinstance(timed, Unsupported)
    assert not isinstance(whole, Unsupported)
    assert timed.until == dt.datetime(2026, 1, 10, 15, 30)
    assert whole.until == dt.date(2026, 1, 10)


def test_hijri_patterns_have_no_rule() -> None:
    made = RecurrencePattern(0x200C, PatternType.HJ_MONTH, 0, 1, EndType.NEVER, 10, 0, NEVER, day=1)
    assert from_pattern(made) == Unsupported("months of a calendar that is not the Gregorian")
