"""The instances of any recurrence rule ([RFC5545] 3.3.10), for those that no recurrence pattern can say.

A window from the start of the event bounds the work: rules that never come true, or come true each second, cost no
more than others.
"""

from __future__ import annotations

import datetime as dt
from calendar import isleap, monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from conversion.oxcical.rrule import Rule, ToLocal

MOST = 500
"""Instances of an expansion."""
_PERIODS = 20_000
"""Days, hours, minutes or seconds that are looked at."""
_YEARS = 20
_FORESEEN = 2045
_MOST_YEARS = 40
"""A rule is expanded for 20 years, and until 2045 if that is not more than 40: who reads it may do so years later."""
_YEARS_OF_HOURS = 2
"""Of a rule by the hour, the minute or the second."""
_SECONDS = {"HOURLY": 3600, "MINUTELY": 60, "SECONDLY": 1}
_ONE_DAY = dt.timedelta(days=1)
_ONE_HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Expansion:
    """The first instances of a rule."""

    starts: tuple[dt.datetime, ...]
    """Local times without a zone, in order."""
    complete: bool
    """Whether the rule has no more instances than these."""


def expand(
    rule: Rule, start: dt.datetime, *, to_local: ToLocal | None = None, years: int | None = None, most: int = MOST
) -> Expansion:
    """Give the instances of a rule from `start`, a local time without zone, on.

    At most `most` of them, of so many years (by default some that depend on the rule). An event's own start is not
    added where the rule does not give it.
    """
    span = years or _span(rule, start)
    end = start.replace(year=min(start.year + span, dt.MAXYEAR), day=min(start.day, 28))
    until = rule.last_moment(to_local)
    found: list[dt.datetime] = []
    for looked_at, period in enumerate(_periods(rule, start, end)):
        if looked_at >= _PERIODS:
            return Expansion(tuple(found), False)
        for moment in _chosen(period, rule.by_set_pos):
            if moment < start:
                continue
            if until is not None and moment > until:
                return Expansion(tuple(found), True)
            if len(found) >= most or moment >= end:
                return Expansion(tuple(found), False)
            found.append(moment)
            if len(found) == rule.count:
                return Expansion(tuple(found), True)
    return Expansion(tuple(found), until is not None and until < end)


def _span(rule: Rule, start: dt.datetime) -> int:
    """The years for which a rule is expanded."""
    if rule.frequency in _SECONDS:
        return _YEARS_OF_HOURS
    return min(max(_YEARS, _FORESEEN - start.year), _MOST_YEARS)


def _chosen(period: list[dt.datetime], positions: tuple[int, ...]) -> list[dt.datetime]:
    """The instances of one period that BYSETPOS takes."""
    if not positions:
        return period
    wanted = {position - 1 if position > 0 else len(period) + position for position in positions}
    return [moment for number, moment in enumerate(period) if number in wanted]


def _periods(rule: Rule, start: dt.datetime, end: dt.datetime) -> Iterator[list[dt.datetime]]:
    """The instances before BYSETPOS of each year, month, week, day, hour, minute or second, in order."""
    if rule.frequency in _SECONDS:
        yield from _short_periods(rule, start, end)
        return
    days = _Days(rule, start)
    times = list(
        product(
            rule.by_hour or (start.hour,),
            rule.by_minute or (start.minute,),
            [min(second, 59) for second in rule.by_second] or (start.second,),
        )
    )
    for candidates in _spans(rule, start.date(), end.date()):
        fitting = [day for day in candidates if days.has(day)]
        yield [dt.datetime(day.year, day.month, day.day, *time) for day in fitting for time in times]


def _spans(rule: Rule, start: dt.date, end: dt.date) -> Iterator[list[dt.date]]:
    """The days of each period of the rule, in order."""
    if rule.frequency == "YEARLY":
        for year in range(start.year, end.year + 1, rule.interval):
            months = rule.by_month or range(1, 13)
            yield [day for month in months for day in _days_from(dt.date(year, month, 1), monthrange(year, month)[1])]
    elif rule.frequency == "MONTHLY":
        first = start.year * 12 + start.month - 1
        for month in range(first, end.year * 12 + end.month, rule.interval):
            begins = dt.date(month // 12, month % 12 + 1, 1)
            yield _days_from(begins, monthrange(begins.year, begins.month)[1])
    else:
        weekly = rule.frequency == "WEEKLY"
        ordinal = start.toordinal()
        if weekly:
            ordinal -= (ordinal - rule.week_start) % 7
        length = 7 if weekly else 1
        for begins_at in range(max(ordinal, 1), end.toordinal() + 1, length * rule.interval):
            yield _days_from(dt.date.fromordinal(begins_at), length)


def _days_from(first: dt.date, length: int) -> list[dt.date]:
    ordinal = first.toordinal()
    last = min(ordinal + length, dt.date.max.toordinal() + 1)
    return [dt.date.fromordinal(number) for number in range(ordinal, last)]


def _short_periods(rule: Rule, start: dt.datetime, end: dt.datetime) -> Iterator[list[dt.datetime]]:
    """The same for rules by the hour, the minute or the second; a day that has none is passed over at once."""
    days = _Days(rule, start)
    unit = _SECONDS[rule.frequency]
    step = unit * rule.interval
    origin = start.replace(minute=start.minute if unit < 3600 else 0, second=start.second if unit == 1 else 0)
    day = dt.datetime(start.year, start.month, start.day)
    while day < end:
        if not days.has(day.date()):
            yield []
        else:
            moment = _tick(origin, day, step)
            while moment.date() == day.date() and moment < end:
                yield _within(rule, moment, start, unit)
                following = moment + dt.timedelta(seconds=step)
                if rule.by_hour and moment.hour not in rule.by_hour:
                    following = _tick(origin, moment.replace(minute=0, second=0) + _ONE_HOUR, step)
                moment = following
        if day.date() == dt.date.max:
            return
        day += _ONE_DAY


def _tick(origin: dt.datetime, least: dt.datetime, step: int) -> dt.datetime:
    """The first of the times `step` seconds apart, from `origin` on, that is not before `least`."""
    ticks = max(0, -((origin - least) // dt.timedelta(seconds=step)))
    return origin + dt.timedelta(seconds=ticks * step)


def _within(rule: Rule, moment: dt.datetime, start: dt.datetime, unit: int) -> list[dt.datetime]:
    """The instances in one hour, minute or second."""
    if rule.by_hour and moment.hour not in rule.by_hour:
        return []
    if unit < 3600 and rule.by_minute and moment.minute not in rule.by_minute:
        return []
    if unit == 1:
        return [moment] if not rule.by_second or moment.second in rule.by_second else []
    seconds = [min(second, 59) for second in rule.by_second] or [start.second]
    if unit == 60:
        return [moment.replace(second=second) for second in seconds]
    minutes = rule.by_minute or (start.minute,)
    return [moment.replace(minute=minute, second=second) for minute in minutes for second in seconds]


class _Days:
    """Tells which days a rule allows: BYMONTH, BYWEEKNO, BYYEARDAY, BYMONTHDAY, BYDAY, and what the start implies."""

    def __init__(self, rule: Rule, start: dt.datetime) -> None:
        self._rule = rule
        self._months = rule.by_month
        self._month_days = rule.by_month_day
        self._each = {day for which, day in rule.by_day if not which}
        self._nth = {(which, day) for which, day in rule.by_day if which}
        if rule.frequency not in ("YEARLY", "MONTHLY"):
            self._each |= {day for _, day in self._nth}
            self._nth = set()
        weekday = start.isoweekday() % 7
        if rule.frequency in ("YEARLY", "MONTHLY") and not (rule.by_day or rule.by_month_day or rule.by_year_day):
            if rule.by_week_no:
                self._each = {weekday}
            else:
                self._month_days = (start.day,)
                if rule.frequency == "YEARLY":
                    self._months = rule.by_month or (start.month,)
        elif rule.frequency == "WEEKLY" and not rule.by_day:
            self._each = {weekday}

    def has(self, day: dt.date) -> bool:
        """Whether instances may be on a day."""
        if self._months and day.month not in self._months:
            return False
        length = monthrange(day.year, day.month)[1]
        if self._month_days and not {day.day, day.day - length - 1} & set(self._month_days):
            return False
        if (self._each or self._nth) and not self._on_weekday(day, length):
            return False
        rule = self._rule
        if rule.by_year_day:
            number, days = day.timetuple().tm_yday, 366 if isleap(day.year) else 365
            if not {number, number - days - 1} & set(rule.by_year_day):
                return False
        return not rule.by_week_no or bool(_week_numbers(day, rule.week_start) & set(rule.by_week_no))

    def _on_weekday(self, day: dt.date, length: int) -> bool:
        weekday = day.isoweekday() % 7
        if weekday in self._each:
            return True
        if not self._nth:
            return False
        number = day.day
        if self._rule.frequency == "YEARLY" and not self._rule.by_month:
            number, length = day.timetuple().tm_yday, 366 if isleap(day.year) else 365
        return bool({((number - 1) // 7 + 1, weekday), (-((length - number) // 7 + 1), weekday)} & self._nth)


def _week_numbers(day: dt.date, week_start: int) -> set[int]:
    """The number of a day's week in its year, from the front and from the end.

    Week 1 is the first that has four days or more in the year: days of late December and early January may be in a
    week of the other year, and have its number.
    """
    ordinal = day.toordinal()
    year = day.year
    if ordinal < _first_week(year, week_start):
        year -= 1
    elif ordinal >= _first_week(year + 1, week_start):
        year += 1
    first = _first_week(year, week_start)
    weeks = max((_first_week(year + 1, week_start) - first) // 7, 1)
    number = (ordinal - first) // 7 + 1
    return {number, number - weeks - 1}


def _first_week(year: int, week_start: int) -> int:
    """The ordinal of the day on which week 1 of a year begins; years beyond 9999 begin then."""
    year = max(year, 1)
    ordinal = dt.date(year, 1, 1).toordinal() if year <= dt.MAXYEAR else dt.date.max.toordinal() + 1
    into = (ordinal - week_start) % 7
    return ordinal - into if into <= 3 else ordinal + 7 - into
