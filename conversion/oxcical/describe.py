"""A recurrence in words, as PidLidRecurrencePattern has it ([MS-OXOCAL] 2.2.1.46): in English, with 24 hours.

describe(recurrence) == "every 2 weeks on Monday and Wednesday from 09:00 to 10:00"
"""

from __future__ import annotations

from conversion.oxcical.occurrences import series
from conversion.oxcical.recurrence import GREGORIAN, AppointmentRecurrencePattern
from conversion.oxcical.rrule import Rule
from conversion.oxcical.templates import Unsupported, from_pattern

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_WHICH = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
_WEEKDAYS, _WEEKEND = frozenset(range(1, 6)), frozenset((0, 6))
_DAY = 1440


def describe(recurrence: AppointmentRecurrencePattern, *, all_day: bool = False) -> str | None:
    """Say when the instances of a series are; None for a calendar that is not the Gregorian."""
    pattern = recurrence.recurrence_pattern
    if pattern.is_hijri or pattern.calendar_type not in GREGORIAN or series(pattern) is None:
        return None
    rule = from_pattern(pattern, recurrence.start_time_offset)
    if isinstance(rule, Unsupported):
        return None
    times = ""
    if not all_day:
        times = f" from {_clock(recurrence.start_time_offset)} to {_clock(recurrence.end_time_offset)}"
    return _days(rule) + times


def _clock(minutes: int) -> str:
    return f"{minutes % _DAY // 60:02}:{minutes % 60:02}"


def _days(rule: Rule) -> str:
    unit = _UNITS[rule.frequency]
    every = f"every {unit}" if rule.interval == 1 else f"every {rule.interval} {unit}s"
    named = {day for _, day in rule.by_day}
    if rule.frequency == "DAILY":
        return every
    if rule.frequency == "WEEKLY":
        if rule.interval > 1:
            return f"{every} on {_listed(named)}"
        return "every weekday" if named == _WEEKDAYS else "every day" if len(named) == 7 else f"every {_listed(named)}"
    day = _day_of_month(rule, named)
    if rule.frequency == "MONTHLY":
        return f"{day} of {every}"
    month = _MONTHS[rule.by_month[0] - 1]
    if rule.by_day or rule.by_month_day == (-1,):
        found = f"{day} of {month}"
        return f"every year on {found}" if rule.interval == 1 else f"{every} on {found}"
    return f"{every} on {month} {day.removeprefix('day ')}"


def _day_of_month(rule: Rule, named: set[int]) -> str:
    if not rule.by_day:
        # Of `28, 29, 30, 31` with position -1 the last is meant: the day, or the last of a shorter month.
        day = max(rule.by_month_day) if rule.by_month_day != (-1,) else -1
        return "the last day" if day == -1 else f"day {day}"
    which = _WHICH.get(rule.by_set_pos[0] if rule.by_set_pos else rule.by_day[0][0], "last")
    if named == _WEEKDAYS:
        return f"the {which} weekday"
    return f"the {which} weekend day" if named == _WEEKEND else f"the {which} {_listed(named, 'or')}"


def _listed(days: set[int], joint: str = "and") -> str:
    """Days of the week from Monday on."""
    *first, last = [_DAYS[day] for day in sorted(days, key=lambda day: (day - 1) % 7)]
    return f"{', '.join(first)} {joint} {last}" if first else last
