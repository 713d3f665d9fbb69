"""VTIMEZONE as values, its evaluation, and its making from rules ([RFC5545] 3.6.5, [MS-OXCICAL] 2.1.3.1.1.19).

A zone is a list of observances: standard or daylight saving time, from when on, and when again. `ObservanceZone` is
such a list as a `tzinfo`: every observance counts, with its RRULE and its RDATEs. `component_of` makes the list for
rules by year. The text of iCalendar is read and written elsewhere.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from conversion.oxcical.expansion import expand
from conversion.oxcical.occurrences import Series, count_of, series
from conversion.oxcical.recurrence import DAY, EPOCH
from conversion.oxcical.rrule import Rule
from conversion.oxcical.templates import Mapped, to_pattern
from conversion.oxcical.timezones import FIRST_YEAR, LAST_WEEK, SystemTime, YearRule
from conversion.oxcical.zonerules import Change, ChangingZone

MAX_OBSERVANCES = 500
MAX_DATES = 1_000
"""RDATEs of one observance."""
MAX_RULES = 4
"""RRULEs of one observance; only yearly ones count."""
MAX_EXPANDED = 16
"""RRULEs of a zone that no pattern says, which are expanded for a hundred years."""
MAX_OFFSET = dt.timedelta(hours=23, minutes=59, seconds=59)


@dataclass(frozen=True, slots=True)
class Observance:
    """STANDARD or DAYLIGHT ([RFC5545] 3.6.5)."""

    daylight: bool
    start: dt.datetime
    """DTSTART: by the clock before, without a zone."""
    offset_from: dt.timedelta
    """TZOFFSETFROM, east of UTC."""
    offset_to: dt.timedelta
    """TZOFFSETTO."""
    rules: tuple[Rule, ...] = ()
    dates: tuple[dt.datetime, ...] = ()
    """RDATE: by the clock before, without a zone."""
    name: str = ""
    """TZNAME."""


@dataclass(frozen=True, slots=True)
class ZoneComponent:
    """VTIMEZONE."""

    tzid: str
    observances: tuple[Observance, ...]


class _Onsets:
    """When one observance begins, again and again."""

    def __init__(self, observance: Observance, expandable: int) -> None:
        self.observance = observance
        self.expanded = 0
        dates = {observance.start, *observance.dates[:MAX_DATES]}
        self._series: list[tuple[Series, int | None, int]] = []
        for rule in [rule for rule in observance.rules if rule.frequency == "YEARLY"][:MAX_RULES]:
            mapped = to_pattern(rule, observance.start, to_local=self._to_local)
            days = series(mapped.pattern) if isinstance(mapped, Mapped) and not mapped.notes else None
            if isinstance(mapped, Mapped) and days is not None and not mapped.pattern.deleted_instance_dates:
                self._series.append((days, count_of(mapped.pattern, days), mapped.start_time_offset))
            elif self.expanded < expandable:
                self.expanded += 1
                dates.update(expand(rule, observance.start, to_local=self._to_local, years=100).starts)
        self._dates = sorted(dates)

    def _to_local(self, moment: dt.datetime) -> dt.datetime:
        return moment.replace(tzinfo=None) + self.observance.offset_from

    def between(self, first: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
        """The onsets from `first` to before `end`."""
        found = self._dates[bisect_left(self._dates, first) : bisect_left(self._dates, end)]
        for days, count, time in self._series:
            number = days.number((first - EPOCH).days - 1)
            while count is None or number < count:
                moment = _moment(days.day(number), time)
                if moment is None or moment >= end:
                    break
                if moment >= first:
                    found.append(moment)
                number += 1
        return found

    def before(self, end: dt.datetime) -> dt.datetime | None:
        """The last onset before `end`."""
        at = bisect_left(self._dates, end)
        found = self._dates[:at][-1:]
        for days, count, time in self._series:
            number = days.number((end - EPOCH).days + 1)
            number = number if count is None else min(number, count)
            while number and (moment := _moment(days.day(number - 1), time)) is not None:
                if moment < end:
                    found.append(moment)
                    break
                number -= 1
        return max(found, default=None)


def _moment(day: int | None, time: int) -> dt.datetime | None:
    if day is None or day * DAY + time >= (dt.datetime.max - EPOCH) // dt.timedelta(minutes=1):
        return None
    return EPOCH + dt.timedelta(days=day, minutes=time)


class ObservanceZone(ChangingZone):
    """A zone as its VTIMEZONE has it ([RFC5545] 3.6.5).

    Before all observances the offset is what the earliest begins from. At most MAX_OBSERVANCES of them count.
    ValueError if there is none.
    """

    def __init__(self, component: ZoneComponent) -> None:
        super().__init__(component.tzid)
        observances = [
            replace(one, offset_from=_bounded(one.offset_from), offset_to=_bounded(one.offset_to))
            for one in component.observances[:MAX_OBSERVANCES]
        ]
        if not observances:
            raise ValueError("a time zone without an observance")
        self._onsets: list[_Onsets] = []
        left = MAX_EXPANDED
        for one in observances:
            self._onsets.append(_Onsets(one, left))
            left -= self._onsets[-1].expanded
        self._first = min(observances, key=lambda one: one.start).offset_from

    def changes(self, year: int) -> tuple[dt.timedelta, list[Change]]:
        """Give the offset before, and in order the changes of the year before, this one and the next."""
        first, end = dt.datetime(year - 1, 1, 1), dt.datetime(year + 2, 1, 1)
        latest = [
            (moment, one.observance.offset_to) for one in self._onsets if (moment := one.before(first)) is not None
        ]
        offset = max(latest)[1] if latest else self._first
        onsets = [
            (moment - one.observance.offset_from, one.observance.offset_to)
            for one in self._onsets
            for moment in one.between(first, end)
        ]
        before, found = offset, []
        for instant, after in sorted(onsets):
            if after != offset:
                found.append(Change(instant, offset, after))
                offset = after
        return before, found


def _bounded(offset: dt.timedelta) -> dt.timedelta:
    return min(max(offset, -MAX_OFFSET), MAX_OFFSET)


def component_of(tzid: str, rules: Sequence[tuple[int, YearRule]]) -> ZoneComponent:
    """Make a VTIMEZONE of rules, each with the year from which it holds, in order ([MS-OXCICAL] 2.1.3.1.1.19).

    One rule gives one STANDARD, and one DAYLIGHT where it has both, from 1601 on and for ever; of several each ends
    where the next begins.
    """
    found: list[Observance] = []
    offset = None
    for number, (year, rule) in enumerate(rules):
        first = year if number else FIRST_YEAR
        last = rules[number + 1][0] - 1 if number + 1 < len(rules) else None
        made, offset = _observances(rule, first, last, offset)
        found += made
    return ZoneComponent(tzid, tuple(found))


def _observances(
    rule: YearRule, first: int, last: int | None, offset: dt.timedelta | None
) -> tuple[list[Observance], dt.timedelta]:
    """The observances of a rule from a year to another, and the offset that it ends with."""
    standard, daylight = rule.standard_offset, rule.daylight_offset
    # The last millisecond of a day is written as its last second: its weekday is the one that recurs.
    dates = [replace(date, milliseconds=0) for date in (rule.standard_date, rule.daylight_date)]
    starts = [date.moment(first) if rule.has_daylight else None for date in dates]
    begins = dt.datetime(first, 1, 1)
    if starts[0] is None or starts[1] is None or starts[0] == starts[1]:
        return [Observance(False, begins, standard if offset is None else offset, standard)], standard
    at_end = daylight if starts[0] < starts[1] else standard
    found: list[Observance] = []
    if offset is not None and offset != at_end and begins not in starts:
        found.append(Observance(at_end == daylight, begins, offset, at_end))
    for is_daylight, date, start in zip((False, True), dates, starts, strict=True):
        before, after = (standard, daylight) if is_daylight else (daylight, standard)
        until = None if last is None else date.moment(last)
        recurs = _recurrence(date, start or begins, None if until is None else (until - before).replace(tzinfo=dt.UTC))
        again = (recurs,) if last is None or last > first else ()
        found.append(Observance(is_daylight, start or begins, before, after, again))
    return found, at_end


def _recurrence(date: SystemTime, start: dt.datetime, until: dt.datetime | None) -> Rule:
    """The yearly rule of a date; `start` is the date in the first year."""
    if date.year:
        return Rule("YEARLY", until=until, by_month=(start.month,), by_month_day=(start.day,))
    which = -1 if date.day >= LAST_WEEK else max(date.day, 1)
    return Rule("YEARLY", until=until, by_day=((which, date.day_of_week % 7),), by_month=(date.month,))
