"""The days of patterns and the instances of series ([MS-OXOCAL] 2.2.1.44.1.1, 2.2.1.44.1.2)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.oxcical.occurrences import MAX_INSTANCES, dates, first_date_time, instances, last_date, series
from conversion.oxcical.recurrence import (
    DAY,
    MAX_MINUTES,
    NEVER,
    AppointmentRecurrencePattern,
    EndType,
    ExceptionInfo,
    PatternType,
    RecurFrequency,
    RecurrencePattern,
    datetime_of,
    exception,
    minutes_of,
)


def pattern(kind: PatternType, period: int, start: dt.date, **fields: int) -> RecurrencePattern:
    """A pattern without end whose FirstDateTime fits its start."""
    made = RecurrencePattern(
        RecurFrequency.DAILY, kind, 0, period, EndType.NEVER, 10, minutes_of(start), NEVER, **fields
    )
    return replace(made, first_date_time=first_date_time(made))


def first(made: RecurrencePattern, count: int = 4) -> list[str]:
    return [datetime_of(day).strftime("%Y-%m-%d") for day in islice(dates(made), count)]


@pytest.mark.parametrize(
    ("made", "days"),
    [
        (pattern(PatternType.DAY, 3 * DAY, dt.date(2026, 1, 30)), ["2026-01-30", "2026-02-02", "2026-02-05"]),
        (pattern(PatternType.WEEK, 2, dt.date(2026, 1, 8), days=0x11), ["2026-01-08", "2026-01-18", "2026-01-22"]),
        # With weeks from Monday on, Sunday the 11th is still in the first week.
        (
            pattern(PatternType.WEEK, 2, dt.date(2026, 1, 8), days=0x11, first_dow=1),
            ["2026-01-08", "2026-01-11", "2026-01-22"],
        ),
        (pattern(PatternType.MONTH, 1, dt.date(2026, 1, 31), day=31), ["2026-01-31", "2026-02-28", "2026-03-31"]),
        (pattern(PatternType.MONTH_END, 1, dt.date(2024, 2, 1), day=31), ["2024-02-29", "2024-03-31", "2024-04-30"]),
        (pattern(PatternType.MONTH, 12, dt.date(2024, 2, 29), day=29), ["2024-02-29", "2025-02-28", "2026-02-28"]),
        (
            pattern(PatternType.MONTH_NTH, 1, dt.date(2026, 1, 1), days=2, n=5),
            ["2026-01-26", "2026-02-23", "2026-03-30"],
        ),
        (
            pattern(PatternType.MONTH_NTH, 3, dt.date(2026, 1, 20), days=0x3E, n=1),
            ["2026-04-01", "2026-07-01", "2026-10-01"],
        ),
        (
            pattern(PatternType.MONTH_NTH, 1, dt.date(2026, 1, 1), days=0x41, n=4),
            ["2026-01-11", "2026-02-14", "2026-03-14"],
        ),
        (
            pattern(PatternType.MONTH_NTH, 1, dt.date(2026, 1, 1), days=0x7F, n=2),
            ["2026-01-02", "2026-02-02", "2026-03-02"],
        ),
    ],
)
def test_days(made: RecurrencePattern, days: list[str]) -> None:
    assert first(made, 3) == days


def test_the_specifications_first_date_time() -> None:
    """[MS-OXOCAL] 4.1.1.3: 215,776,800 % 4320 = 1440. Weekly from Sunday on: six days, for 1601 began on a Monday."""
    assert pattern(PatternType.DAY, 4320, dt.date(2011, 4, 7)).first_date_time == 1440
    assert pattern(PatternType.WEEK, 1, dt.date(2007, 3, 26), days=2).first_date_time == 8640
    # Outlook's own for each Christmas.
    assert pattern(PatternType.MONTH, 12, dt.date(2018, 12, 25), day=25).first_date_time == 480960


def test_days_are_found_from_first_date_time() -> None:
    # The start is in a week, or month, that is not one of the series': the next that is comes first.
    weekly = pattern(PatternType.WEEK, 2, dt.date(2026, 1, 8), days=0x10)
    assert first(replace(weekly, start_date=weekly.start_date + 7 * DAY), 1) == ["2026-01-22"]
    monthly = pattern(PatternType.MONTH, 3, dt.date(2026, 1, 8), day=8)
    assert first(replace(monthly, start_date=minutes_of(dt.date(2026, 2, 1))), 1) == ["2026-04-08"]
    daily = pattern(PatternType.DAY, 5 * DAY, dt.date(2026, 1, 8))
    assert first(replace(daily, start_date=daily.start_date + DAY), 1) == ["2026-01-13"]


def test_hijri_patterns_are_passed_over() -> None:
    hijri = pattern(PatternType.HJ_MONTH, 1, dt.date(2026, 1, 1), day=1)
    lunar = pattern(PatternType.MONTH, 1, dt.date(2026, 1, 1), day=1, calendar_type=0xF)
    for made in (hijri, lunar):
        assert made.is_hijri
        assert series(made) is None
        assert last_date(made) is None
        changed = exception(ExceptionInfo(100, 160, 100))
        whole = AppointmentRecurrencePattern(made, 0, 60).with_instances([], [changed])
        assert [one.start for one in instances(whole)] == [100]
    assert series(pattern(PatternType.DAY, DAY, dt.date(2026, 1, 1), calendar_type=6)) is not None


def test_ends() -> None:
    daily = pattern(PatternType.DAY, DAY, dt.date(2026, 1, 1))
    by_count = replace(daily, end_type=EndType.COUNT, occurrence_count=3)
    assert [datetime_of(day).day for day in dates(by_count)] == [1, 2, 3]
    assert last_date(by_count) == minutes_of(dt.date(2026, 1, 3))
    by_date = replace(daily, end_type=EndType.DATE, end_date=minutes_of(dt.date(2026, 1, 4)))
    assert [datetime_of(day).day for day in dates(by_date)] == [1, 2, 3, 4]
    assert last_date(replace(daily, end_type=EndType.DATE, end_date=0)) is None
    assert last_date(replace(daily, end_type=EndType.NEVER_TOO)) is None


def test_a_window_of_a_series_far_away() -> None:
    weekly = pattern(PatternType.WEEK, 1, dt.date(1700, 1, 1), days=0x22)
    found = dates(weekly, after=minutes_of(dt.date(4000, 1, 1)), before=minutes_of(dt.date(4000, 1, 15)))
    assert [datetime_of(day).day for day in found] == [3, 7, 10, 14]


def test_nothing_is_without_bounds() -> None:
    daily = AppointmentRecurrencePattern(pattern(PatternType.DAY, DAY, dt.date(1601, 1, 1)), 600, 660)
    assert sum(1 for _ in dates(daily.recurrence_pattern)) == MAX_INSTANCES
    assert len(instances(daily, most=7)) == 7
    assert series(pattern(PatternType.WEEK, 1, dt.date(2026, 1, 1))) is None
    assert series(pattern(PatternType.MONTH_NTH, 1, dt.date(2026, 1, 1), n=1)) is None
    assert first(pattern(PatternType.DAY, 0, dt.date(2026, 1, 1)), 2) == ["2026-01-01", "2026-01-02"]


def test_instances_of_a_window_by_their_real_start() -> None:
    whole = AppointmentRecurrencePattern(pattern(PatternType.DAY, DAY, dt.date(2026, 1, 1)), 600, 660)
    start = minutes_of(dt.datetime(2026, 1, 3, 10))
    moved = exception(ExceptionInfo(start + 5 * DAY, start + 5 * DAY + 30, start))
    whole = whole.with_instances([minutes_of(dt.date(2026, 1, 4))], [moved])
    found = instances(whole, after=start, before=start + 6 * DAY)
    assert [datetime_of(one.start).day for one in found] == [5, 6, 7, 8, 8]
    assert [one.exception for one in found] == [None, None, None, 0, None]
    assert instances(whole, after=start + 1, before=start + 2 * DAY) == []


KINDS = st.sampled_from(PatternType)
NUMBERS = st.integers(0, MAX_MINUTES) | st.integers(0, 400)


@given(KINDS, NUMBERS, NUMBERS, NUMBERS, st.integers(0, 0xFF), NUMBERS, NUMBERS, st.integers(0, 30), NUMBERS)
def test_any_pattern_gives_days_in_order_and_numbers(
    kind: PatternType, first_at: int, period: int, start: int, days: int, day: int, n: int, dow: int, probe: int
) -> None:
    made = RecurrencePattern(
        0x200A, kind, first_at, period, EndType.NEVER, 10, start, NEVER, days=days, day=day, n=n, first_dow=dow
    )
    found = list(dates(made, most=5))
    assert found == sorted(set(found))
    assert all(start // DAY * DAY <= one <= MAX_MINUTES for one in found)
    known = series(made)
    if known is not None:
        for number, one in enumerate(found):
            assert known.number(one // DAY) == number
            assert known.day(number) == one // DAY
        number = known.number(probe // DAY)
        at = known.day(number)
        assert at is None or at >= probe // DAY
        before = known.day(number - 1) if number else None
        assert before is None or before < probe // DAY
