"""Recurrence rules to and from recurrence patterns ([MS-OXCICAL] 2.1.3.2.2).

The templates of the specification, and every other rule that means the same as a pattern: quarterly lists of months,
a weekday with seven days of the month, each weekday of every month. What no pattern can say is answered with
`Unsupported`, never raised. A pattern puts an instance on the last day of a month that is too short, a rule leaves that
month out: where the series ends, such instances are removed from the pattern, else a note says so.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from dataclasses import dataclass, replace

from conversion.oxcical.occurrences import (
    LAST,
    Series,
    count_of,
    first_date_time,
    first_of_month,
    series,
)
from conversion.oxcical.recurrence import (
    DAY,
    EPOCH,
    NEVER,
    NTH_TYPES,
    EndType,
    PatternType,
    RecurFrequency,
    RecurrencePattern,
    datetime_of,
    midnight,
    minutes_of,
)
from conversion.oxcical.rrule import MAX_COUNT, MAX_INTERVAL, Rule, ToLocal

MOST_DAYS = 999
"""The greatest interval of days, and of weeks, months and years: 99."""
MOST_OTHERS = 99
_NEVER_COUNT = 10
_EVERY_DAY = 0x7F
_WEEKDAYS = 0x3E
_MOST_REMOVED = 100
"""Instances in months that are too short that are removed from a pattern: of a hundred years of months."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """Why there is no pattern for a rule, or no rule for a pattern."""

    reason: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """A rule as a pattern."""

    pattern: RecurrencePattern
    start_time_offset: int
    """Minutes from midnight: the start's, or what BYHOUR and BYMINUTE say."""
    notes: tuple[str, ...] = ()
    """What the pattern says otherwise than the rule."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a pattern says but for start and end."""

    frequency: RecurFrequency
    type: PatternType
    period: int
    days: int = 0
    n: int = 0
    """Of NTH, or the day of the month."""
    month: int | None = None
    """Months from 1601-01 to one that is valid, where it is not the start's."""
    skips: bool = False
    """Whether months that have no such day have no instance."""


class _NotSaid(Exception):
    """No pattern says this; the text is the reason."""


def to_pattern(rule: Rule, start: dt.datetime, *, to_local: ToLocal | None = None) -> Mapped | Unsupported:
    """Turn a rule into a pattern ([MS-OXCICAL] 2.1.3.2.2.1 to 2.1.3.2.2.5).

    `start` is the local time of DTSTART, without a zone; StartDate is the first day of the rule on or after it.
    `to_local` turns an UNTIL in UTC into local time.
    """
    try:
        time = _time(rule, start)
        shape = _shape(rule, start)
        pattern = _started(rule, shape, start, time)
        return _ended(rule, shape, pattern, time, rule.last_moment(to_local))
    except _NotSaid as reason:
        return Unsupported(str(reason))
    except ValueError:
        return Unsupported("a start before 1601 or too late")


def from_pattern(
    pattern: RecurrencePattern, start_time_offset: int = 0, *, all_day: bool = False
) -> Rule | Unsupported:
    """Turn a pattern into a rule with the same days ([MS-OXCICAL] 2.1.3.2.2), removed and changed instances included.

    UNTIL is a local time without zone (a date for all-day series): the caller knows the zone.
    """
    if pattern.is_hijri:
        return Unsupported("months of a calendar that is not the Gregorian")
    days = series(pattern)
    if days is None:
        return Unsupported("a pattern without a day")
    rule = _days_rule(pattern, days)
    if rule.interval > MAX_INTERVAL:
        return Unsupported("an interval of centuries")
    count = count_of(pattern, days)
    if count is None or count > MAX_COUNT:
        return rule
    if pattern.end_type == EndType.COUNT and count:
        return replace(rule, count=count)
    last = days.day(count - 1) if count else None
    end = datetime_of(midnight(pattern.end_date) if last is None else last * DAY)
    until = end.date() if all_day else end + dt.timedelta(minutes=start_time_offset % DAY)
    return replace(rule, until=until)


def _time(rule: Rule, start: dt.datetime) -> int:
    """Minutes from midnight of each instance."""
    if max(len(rule.by_hour), len(rule.by_minute), len(rule.by_second)) > 1:
        raise _NotSaid("several times of the day")
    hour = rule.by_hour[0] if rule.by_hour else start.hour
    return hour * 60 + (rule.by_minute[0] if rule.by_minute else start.minute)


def _shape(rule: Rule, start: dt.datetime) -> _Shape:
    if rule.by_week_no or rule.by_year_day:
        raise _NotSaid("weeks or days of the year by number")
    if rule.frequency == "DAILY":
        return _daily(rule)
    if rule.frequency == "WEEKLY":
        return _weekly(rule, start)
    if rule.frequency in ("MONTHLY", "YEARLY"):
        return _monthly(rule, start)
    raise _NotSaid(f"FREQ={rule.frequency}")


def _bits(rule: Rule) -> int:
    return sum({1 << day for _, day in rule.by_day})


def _daily(rule: Rule) -> _Shape:
    if rule.by_month or rule.by_month_day or rule.by_set_pos:
        raise _NotSaid("days of some months only")
    days = _bits(rule) or _EVERY_DAY
    if days == _EVERY_DAY:
        if rule.interval > MOST_DAYS:
            raise _NotSaid(f"an interval above {MOST_DAYS} days")
        return _Shape(RecurFrequency.DAILY, PatternType.DAY, rule.interval * DAY)
    if rule.interval != 1:
        raise _NotSaid("every few days, but only some days of the week")
    return _each(days, RecurFrequency.DAILY if days == _WEEKDAYS else RecurFrequency.WEEKLY)


def _each(days: int, frequency: RecurFrequency = RecurFrequency.WEEKLY) -> _Shape:
    return _Shape(frequency, PatternType.WEEK, 1, days)


def _weekly(rule: Rule, start: dt.datetime) -> _Shape:
    if rule.by_month or rule.by_month_day or rule.by_set_pos:
        raise _NotSaid("weeks of some months only")
    if rule.interval > MOST_OTHERS:
        raise _NotSaid(f"an interval above {MOST_OTHERS} weeks")
    days = _bits(rule) or 1 << start.isoweekday() % 7
    return _Shape(RecurFrequency.WEEKLY, PatternType.WEEK, rule.interval, days)


def _monthly(rule: Rule, start: dt.datetime) -> _Shape:
    """Rules by the month and by the year: which months, then which of their days."""
    yearly = rule.frequency == "YEARLY"
    months = rule.by_month if len(rule.by_month) < 12 else ()
    plain_days = bool(rule.by_day) and not any(which for which, _ in rule.by_day)
    if not rule.by_month and not rule.by_month_day and plain_days and not rule.by_set_pos and rule.interval == 1:
        return _each(_bits(rule))
    if yearly and not rule.by_month and rule.by_day and not rule.by_month_day:
        return _of_year(rule, start)
    if yearly and not rule.by_month and not rule.by_month_day:
        months = (start.month,)
    every = len(months) == 0
    if len(months) > 1 or (every and yearly) or (months and not yearly):
        # Several months of each year, or one by the month: only if they are evenly spaced, and every year has them.
        spaced = {(later - month) % 12 for month, later in zip(months, (*months[1:], *months[:1]), strict=True)}
        if rule.interval != 1 or len(spaced) > 1:
            raise _NotSaid("months that are not evenly spaced")
        if yearly and rule.by_set_pos:
            raise _NotSaid("a position among several months")
        period = 12 // (len(months) or 12)
    else:
        period = rule.interval * (12 if yearly else 1)
    if rule.interval > MOST_OTHERS:
        raise _NotSaid(f"an interval above {MOST_OTHERS}")
    frequency = RecurFrequency.YEARLY if yearly and period == 12 else RecurFrequency.MONTHLY
    anchor = (start.year - 1601) * 12 + (months[0] if months else start.month) - 1
    month = months[0] if len(months) == 1 and period % 12 == 0 else None
    return replace(_day_of_month(rule, start, period, month), frequency=frequency, period=period, month=anchor)


def _of_year(rule: Rule, start: dt.datetime) -> _Shape:
    """A which of a year: the first four are in January, the last is in December."""
    if len(rule.by_day) == 1 and rule.by_day[0][0] and rule.by_set_pos in ((), (1,), (-1,)):
        which = rule.by_day[0][0]
    elif len(rule.by_set_pos) == 1 and not any(nth for nth, _ in rule.by_day):
        which = rule.by_set_pos[0]
    else:
        raise _NotSaid("several days of the week of a year")
    if which not in (-1, 1, 2, 3, 4) or rule.interval > MOST_OTHERS:
        raise _NotSaid("a day of the week by its number in the year")
    return _Shape(
        RecurFrequency.YEARLY if rule.interval == 1 else RecurFrequency.MONTHLY,
        PatternType.MONTH_NTH,
        12 * rule.interval,
        _bits(rule),
        LAST if which == -1 else which,
        month=(start.year - 1601) * 12 + (11 if which == -1 else 0),
    )


def _day_of_month(rule: Rule, start: dt.datetime, period: int, month: int | None) -> _Shape:
    """Which day of each valid month; `month` if that is always the same one."""
    kind = PatternType.MONTH
    month_days, by_day, positions = set(rule.by_month_day), rule.by_day, rule.by_set_pos
    if by_day and month_days:
        if len(by_day) == 1 and not by_day[0][0] and (n := _week(month_days, month)) and positions in ((), (1,), (-1,)):
            return _Shape(RecurFrequency.MONTHLY, PatternType.MONTH_NTH, period, _bits(rule), n)
        if _bits(rule) != _EVERY_DAY or any(which for which, _ in by_day):
            raise _NotSaid("days of the month that are days of the week as well")
        by_day = ()
    if by_day:
        return _weekday_of_month(rule, period)
    if not month_days:
        month_days = {start.day}
    if len(month_days) == 1 and positions in ((), (1,), (-1,)):
        (day,) = month_days
        if day < -1:
            raise _NotSaid("a day of the month counted from its end")
        return _Shape(RecurFrequency.MONTHLY, kind, period, n=31 if day == -1 else day, skips=day > 28)
    if positions == (-1,) and max(month_days) > 28 and month_days == set(range(28, max(month_days) + 1)):
        return _Shape(RecurFrequency.MONTHLY, kind, period, n=max(month_days))
    raise _NotSaid("several days of a month")


def _weekday_of_month(rule: Rule, period: int) -> _Shape:
    positions, days = rule.by_set_pos, _bits(rule)
    if len(rule.by_day) == 1 and rule.by_day[0][0] and positions in ((), (1,), (-1,)):
        which = rule.by_day[0][0]
    elif any(which for which, _ in rule.by_day) or len(positions) != 1:
        raise _NotSaid("several days of the week of a month")
    else:
        which = positions[0]
    if days == _EVERY_DAY and 5 <= which <= 31:
        return _Shape(RecurFrequency.MONTHLY, PatternType.MONTH, period, n=which, skips=which > 28)
    if which not in (-1, 1, 2, 3, 4):
        raise _NotSaid("a day of the week beyond the fourth of a month, or counted from its end")
    return _Shape(RecurFrequency.MONTHLY, PatternType.MONTH_NTH, period, days, LAST if which == -1 else which)


def _week(month_days: set[int], month: int | None) -> int:
    """The N of the NTH types that seven days of a month mean, or 0."""
    length = 0 if month in (None, 2) else monthrange(2001, month or 1)[1]
    if month_days == set(range(-7, 0)) or (length and month_days == set(range(length - 6, length + 1))):
        return LAST
    return next((n for n in (1, 2, 3, 4) if month_days == set(range(7 * n - 6, 7 * n + 1))), 0)


def _started(rule: Rule, shape: _Shape, start: dt.datetime, time: int) -> RecurrencePattern:
    """The pattern without an end, from its first instance on."""
    midnight_of_start = minutes_of(start.date())
    pattern = RecurrencePattern(
        recur_frequency=shape.frequency,
        pattern_type=shape.type,
        first_date_time=0,
        period=shape.period,
        end_type=EndType.NEVER,
        occurrence_count=_NEVER_COUNT,
        start_date=midnight_of_start,
        end_date=NEVER,
        days=shape.days,
        day=0 if shape.type in NTH_TYPES else shape.n,
        n=shape.n if shape.type in NTH_TYPES else 0,
        first_dow=rule.week_start,
    )
    phase = first_date_time(pattern) if shape.month is None else first_of_month(shape.month % shape.period) * DAY
    # With a time of the day before the start's, the start's day has no instance.
    first = midnight_of_start + (DAY if time < start.hour * 60 + start.minute else 0)
    days = series(replace(pattern, first_date_time=phase, start_date=first))
    number = None if days is None else _Skipped(shape, days).first()
    day = None if days is None or number is None else days.day(number)
    if day is None:
        raise _NotSaid("a day that no month has")
    pattern = replace(pattern, start_date=day * DAY)
    return replace(pattern, first_date_time=first_date_time(pattern))


def _ended(rule: Rule, shape: _Shape, pattern: RecurrencePattern, time: int, until: dt.datetime | None) -> Mapped:
    """The pattern with its end."""
    days = series(pattern)
    if days is None:
        raise _NotSaid("no day")
    skipped = _Skipped(shape, days)
    if until is None and rule.count is None:
        return Mapped(pattern, time, skipped.note())
    if until is None:
        count, kind = skipped.stretched(rule.count or 1), EndType.COUNT
    else:
        last = minutes_of(min(until, datetime_of(NEVER))) if until >= EPOCH else 0
        count, kind = days.number(last // DAY + (0 if last % DAY < time else 1)), EndType.DATE
        count = skipped.trimmed(count)
    if count < 1:
        raise _NotSaid("an UNTIL before the first instance")
    last_day = days.day(count - 1)
    if last_day is None or (last_day + days.step * (1 if days.month < 0 else 31)) * DAY >= midnight(NEVER):
        return Mapped(pattern, time, skipped.note())
    removed = skipped.days(count)
    pattern = replace(
        pattern,
        end_type=kind,
        occurrence_count=count,
        end_date=last_day * DAY,
        deleted_instance_dates=tuple(day * DAY for day in removed or ()),
    )
    return Mapped(pattern, time, () if removed is not None else skipped.note())


class _Skipped:
    """The months that are too short for the day of a rule: the rule has no instance there, the pattern has one."""

    def __init__(self, shape: _Shape, days: Series) -> None:
        self._day = shape.n if shape.skips else 0
        self._series = days

    def _has(self, number: int) -> bool:
        """Whether the rule has the instance too."""
        day = self._series.day(number)
        return day is None or dt.date.fromordinal(EPOCH.toordinal() + day).day == self._day

    def first(self) -> int | None:
        """The number of the pattern's first instance that is one of the rule's, or None if there is none for long."""
        if not self._day:
            return 0
        return next((number for number in range(MOST_OTHERS) if self._has(number)), None)

    def stretched(self, count: int) -> int:
        """How many instances of the pattern hold so many of the rule's."""
        if not self._day or count > 12 * _MOST_REMOVED:
            return count
        number = had = 0
        while had < count and number < 12 * _MOST_REMOVED:
            had += self._has(number)
            number += 1
        return number if had == count else count

    def trimmed(self, count: int) -> int:
        """So many of the pattern's instances, without those at the end that the rule has not."""
        while self._day and count and not self._has(count - 1):
            count -= 1
        return count

    def days(self, count: int) -> list[int] | None:
        """The days of the pattern that the rule has not, or None if they are too many to look for."""
        if not self._day:
            return []
        if count > 12 * _MOST_REMOVED:
            return None
        found = [self._series.day(number) for number in range(count) if not self._has(number)]
        return None if len(found) > _MOST_REMOVED else [day for day in found if day is not None]

    def note(self) -> tuple[str, ...]:
        """What is to be said of a series that goes on with them."""
        if not self._day or all(map(self._has, range(48))):
            return ()
        return (f"months without a day {self._day} have an instance on their last day",)


def _days_rule(pattern: RecurrencePattern, days: Series) -> Rule:
    """The rule of a pattern but for its end."""
    if pattern.pattern_type == PatternType.DAY:
        return Rule("DAILY", days.step)
    if pattern.pattern_type == PatternType.WEEK:
        by_day = tuple((0, (day + 1) % 7) for day in range(7) if pattern.days >> (day + 1) % 7 & 1)
        interval = days.step // 7
        return Rule("WEEKLY", interval, by_day=by_day, week_start=pattern.first_dow % 7 if interval > 1 else 1)
    yearly = days.step % 12 == 0
    month = days.month % 12 + 1
    rule = Rule("YEARLY", days.step // 12, by_month=(month,)) if yearly else Rule("MONTHLY", days.step)
    which = -1 if days.n >= LAST else max(days.n, 1)
    if days.days == _EVERY_DAY:
        return replace(rule, by_month_day=(which,))
    if days.days:
        weekdays = [(day + 1) % 7 for day in range(7) if days.days >> (day + 1) % 7 & 1]
        if len(weekdays) == 1:
            return replace(rule, by_day=((which, weekdays[0]),))
        return replace(rule, by_day=tuple((0, day) for day in weekdays), by_set_pos=(which,))
    day = max(days.n, 1)
    if yearly and month != 2:
        return replace(rule, by_month_day=(min(day, monthrange(2001, month)[1]),))
    if day > 30 or (yearly and day > 28):
        return replace(rule, by_month_day=(-1,))
    if day > 28:
        return replace(rule, by_month_day=tuple(range(28, day + 1)), by_set_pos=(-1,))
    return replace(rule, by_month_day=(day,))
