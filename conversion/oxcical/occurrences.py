"""On which days a recurrence pattern falls, and when its instances are ([MS-OXOCAL] 2.2.1.44.1.2).

`Series` gives any day of a pattern at once, however far it is: nothing is stepped through. `instances` joins the days
with what was removed and changed. Patterns of the Hijri and of lunar calendars are not expanded: `series` gives None.
All times are minutes since 1601, local time of the series' zone.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass

from conversion.oxcical.recurrence import (
    DAY,
    MAX_MINUTES,
    NEVER,
    NTH_TYPES,
    AppointmentRecurrencePattern,
    EndType,
    PatternType,
    RecurrencePattern,
    datetime_of,
    midnight,
)

MAX_INSTANCES = 100_000
"""Instances that `instances` gives at most."""
_FIRST_ORDINAL = dt.date(1601, 1, 1).toordinal()
_LAST_DAY = MAX_MINUTES // DAY
LAST = 5
"""N of a pattern of the NTH types: the last such day of the month."""


@dataclass(frozen=True, slots=True)
class Series:
    """The days of a pattern without regard to its end, numbered from 0. Days are counted from 1601-01-01."""

    base: int
    """The day that the numbers count from: the first one (DAY), or the beginning of its week (WEEK)."""
    step: int
    """Days between (DAY), days between weeks (WEEK), months between (else)."""
    offsets: tuple[int, ...] = (0,)
    """Days of a week that are in the series, from its beginning (WEEK)."""
    skipped: int = 0
    """How many of `offsets` are before the first day (WEEK)."""
    month: int = -1
    """Months from 1601-01 to the first (months)."""
    days: int = 0
    """Days of the week (NTH types), Sunday 1 ... Saturday 0x40."""
    n: int = 0
    """The which of them; or, where `days` is 0, the day of the month."""

    def day(self, number: int) -> int | None:
        """Give the day of an instance, or None when it is beyond what 32 bits of minutes can say."""
        if self.month >= 0:
            month = self.month + number * self.step
            found = day_of_month(month, self.days, self.n) if month <= _LAST_MONTH else _LAST_DAY + 1
        else:
            weeks, index = divmod(number + self.skipped, len(self.offsets))
            found = self.base + weeks * self.step + self.offsets[index]
        return found if found <= _LAST_DAY else None

    def number(self, day: int) -> int:
        """Give the number of the first instance on `day` or after it."""
        if self.month >= 0:
            month = months_of(max(day, 0))
            number = max(0, -((self.month - month) // self.step))
            while number and (before := self.day(number - 1)) is not None and before >= day:
                number -= 1
            while (found := self.day(number)) is not None and found < day:
                number += 1
            return number
        weeks, rest = divmod(day - self.base, self.step)
        return max(0, weeks * len(self.offsets) + bisect_left(self.offsets, rest) - self.skipped)


def months_of(day: int) -> int:
    """Give the months from 1601-01 to the month of a day."""
    date = dt.date.fromordinal(_FIRST_ORDINAL + day)
    return (date.year - 1601) * 12 + date.month - 1


_LAST_MONTH = months_of(_LAST_DAY)


def first_of_month(month: int) -> int:
    """Give the day on which a month begins."""
    return dt.date(1601 + month // 12, month % 12 + 1, 1).toordinal() - _FIRST_ORDINAL


def day_of_month(month: int, days: int, n: int) -> int:
    """Give the day that is the n-th of `days` (bits) in a month, or with no `days` its n-th day or its last.

    A month has each day of the week four times at least, so that there always is one for n up to 4.
    """
    first = first_of_month(month)
    length = monthrange(1601 + month // 12, month % 12 + 1)[1]
    if not days:
        return first + min(max(n, 1), length) - 1
    # Day 0, 1601-01-01, was a Monday: bit 0 is Sunday.
    fitting = [day for day in range(first, first + length) if days >> (day + 1) % 7 & 1]
    return fitting[-1 if n >= LAST else max(n, 1) - 1]


def series(pattern: RecurrencePattern) -> Series | None:
    """Make the series of a pattern; None if it has no days, or is of a calendar that is not expanded.

    A period of 0 counts as 1. Days, weeks and months are those congruent with FirstDateTime ([MS-OXOCAL] 2.2.1.44.1.2).
    """
    start, first = pattern.start_date // DAY, pattern.first_date_time // DAY
    if pattern.is_hijri:
        return None
    if pattern.pattern_type == PatternType.DAY:
        step = max(pattern.period // DAY, 1)
        return Series(start + (first - start) % step, step)
    if pattern.pattern_type == PatternType.WEEK:
        return _weekly(pattern, start, first)
    step = min(max(pattern.period, 1), _LAST_MONTH)
    days, n = (pattern.days & 0x7F, pattern.n) if pattern.pattern_type in NTH_TYPES else (0, pattern.day)
    if pattern.pattern_type in NTH_TYPES and not days:
        return None
    if pattern.pattern_type == PatternType.MONTH_END:
        n = 31
    month = months_of(start)
    month += (months_of(first) - month) % step
    if month <= _LAST_MONTH and day_of_month(month, days, n) < start:
        month += step
    return Series(0, step, month=month, days=days, n=n)


def _weekly(pattern: RecurrencePattern, start: int, first: int) -> Series | None:
    begins = pattern.first_dow % 7
    offsets = tuple(offset for offset in range(7) if pattern.days >> (begins + offset) % 7 & 1)
    if not offsets:
        return None
    step = 7 * max(pattern.period, 1)
    week = week_of(start, begins)
    valid = week + (week_of(first, begins) - week) % step
    skipped = bisect_left(offsets, start - valid) if valid == week else 0
    return Series(valid, step, offsets, skipped)


def week_of(day: int, first_dow: int) -> int:
    """Give the day on which the week of a day begins; before 1601 it is negative."""
    return day - (day + 1 - first_dow) % 7


def first_date_time(pattern: RecurrencePattern) -> int:
    """Compute FirstDateTime from StartDate, Period and FirstDOW ([MS-OXOCAL] 2.2.1.44.1.1)."""
    start = pattern.start_date // DAY
    if pattern.pattern_type == PatternType.DAY:
        return pattern.start_date % max(pattern.period, DAY)
    if pattern.pattern_type == PatternType.WEEK:
        return (week_of(start, pattern.first_dow) % (7 * max(pattern.period, 1))) * DAY
    return first_of_month(months_of(start) % max(pattern.period, 1)) * DAY


def count_of(pattern: RecurrencePattern, days: Series) -> int | None:
    """Give the number of instances that the pattern has before any is removed, or None for a series without end."""
    if pattern.end_type == EndType.COUNT:
        return pattern.occurrence_count
    if pattern.end_type in (EndType.NEVER, EndType.NEVER_TOO) or pattern.end_date >= midnight(NEVER):
        return None
    return days.number(pattern.end_date // DAY + 1)


def dates(
    pattern: RecurrencePattern, *, after: int = 0, before: int = MAX_MINUTES, most: int = MAX_INSTANCES
) -> Iterator[int]:
    """Yield the midnights of the pattern's instances, removed and changed ones too, from `after` to before `before`.

    At most `most` of them; none for a pattern that is not expanded.
    """
    days = series(pattern)
    if days is None:
        return
    count = count_of(pattern, days)
    number = days.number(-(-after // DAY))
    stop = number + most if count is None else min(number + most, count)
    while number < stop and (day := days.day(number)) is not None and day * DAY < before:
        yield day * DAY
        number += 1


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of a series."""

    start: int
    end: int
    original_start: int
    """Where the pattern puts it."""
    exception: int | None = None
    """Its number among the exceptions of the series, if it was changed."""


def instances(
    recurrence: AppointmentRecurrencePattern,
    *,
    after: int = 0,
    before: int = MAX_MINUTES,
    most: int = MAX_INSTANCES,
) -> list[Instance]:
    """Give the instances whose start is from `after` to before `before`, in the order of their starts, at most `most`.

    Changed instances are where they were moved to. Of a pattern that is not expanded only these are given.
    """
    pattern = recurrence.recurrence_pattern
    start, length = recurrence.start_time_offset, recurrence.end_time_offset - recurrence.start_time_offset
    gone = set(pattern.deleted_instance_dates)
    gone.update(midnight(info.original_start_date) for info in recurrence.exceptions)
    found = [
        Instance(info.start_date_time, info.end_date_time, info.original_start_date, number)
        for number, info in enumerate(recurrence.exceptions)
        if after <= info.start_date_time < before
    ]
    wanted = most + len(gone)
    days = dates(pattern, after=max(0, midnight(after - start)), before=before - start, most=wanted)
    starts = (day + start for day in days if day not in gone and day + start >= after)
    found.extend(Instance(moment, moment + length, moment) for moment in starts)
    found.sort(key=lambda instance: (instance.start, instance.original_start))
    return found[:most]


def last_date(pattern: RecurrencePattern) -> int | None:
    """Give the midnight of the last instance that the pattern has, or None: no end, no instance, not expanded."""
    days = series(pattern)
    count = None if days is None else count_of(pattern, days)
    if days is None or not count:
        return None
    day = days.day(count - 1)
    return None if day is None else day * DAY


def local_times(instance: Instance) -> tuple[dt.datetime, dt.datetime]:
    """Give start and end of an instance as local times without a zone."""
    return datetime_of(instance.start), datetime_of(instance.end)
