"""Recurrence rules of iCalendar: their text and their value ([RFC5545] 3.3.10).

`read_rule` takes what it can: one bad part never loses the rule, and is noted. templates.py turns a rule into a
recurrence pattern and back, expansion.py gives the instances of any rule.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from conversion.receipt import Receipt

FREQUENCIES = ("SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
"""By their number: 0 is Sunday, as in the structures of MAPI."""
MAX_TEXT = 10_000
"""Characters of a rule."""
MAX_VALUES = 400
"""Values of one part: there are 366 days of a year."""
MAX_INTERVAL = 100_000
MAX_COUNT = 1_000_000

_BY_DAY = re.compile(r"([+-]?\d{1,2})?\s*(SU|MO|TU|WE|TH|FR|SA)")
_NUMBER = re.compile(r"[+-]?\d{1,6}")
_MOMENT = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)(?:T?(\d\d):?(\d\d):?(\d\d)?(Z)?)?")

# Part -> field, least, most; whether negative values count from the end.
_LISTS = {
    "BYSECOND": ("by_second", 0, 60, False),
    "BYMINUTE": ("by_minute", 0, 59, False),
    "BYHOUR": ("by_hour", 0, 23, False),
    "BYMONTHDAY": ("by_month_day", 1, 31, True),
    "BYYEARDAY": ("by_year_day", 1, 366, True),
    "BYWEEKNO": ("by_week_no", 1, 53, True),
    "BYMONTH": ("by_month", 1, 12, False),
    "BYSETPOS": ("by_set_pos", 1, 366, True),
}

ToLocal = Callable[[dt.datetime], dt.datetime]
"""Turns a time in UTC (with its zone) into the local time of the event (without one)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A recurrence rule; lists are in order and without doubles, empty where the part is absent."""

    frequency: str
    """One of FREQUENCIES."""
    interval: int = 1
    count: int | None = None
    until: dt.date | None = None
    """A date; a local time without zone; or a time in UTC."""
    by_second: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_hour: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    """(which of the month or year, 0 for each; weekday, 0 for Sunday)."""
    by_month_day: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_month: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()
    week_start: int = 1
    """The day that weeks begin with: 0 for Sunday, 1 (Monday) where nothing is said."""

    def last_moment(self, to_local: ToLocal | None = None) -> dt.datetime | None:
        """Give UNTIL as the last local time at which an instance may start; without `to_local` UTC is taken as local.

        A date means all of that day.
        """
        if self.until is None:
            return None
        if not isinstance(self.until, dt.datetime):
            return dt.datetime(self.until.year, self.until.month, self.until.day, 23, 59, 59)
        if self.until.tzinfo is None or to_local is None:
            return self.until.replace(tzinfo=None)
        try:
            return to_local(self.until).replace(tzinfo=None)
        except (OverflowError, ValueError):
            return self.until.replace(tzinfo=None)


def read_rule(text: str, *, receipt: Receipt | None = None, place: str = "RRULE") -> Rule | None:
    """Read the value of an RRULE ([RFC5545] 3.3.10).

    None, with a note, if it has no frequency that is known, or is of another calendar ([RFC7529] 4.1).
    Parameters of the line say nothing ([MS-STANOICAL] 2.2.87).
    """
    notes = Receipt() if receipt is None else receipt
    parts: dict[str, str] = {}
    for part in text[:MAX_TEXT].upper().split(";"):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in parts:
            notes.dropped(place, f"a second {name[:20]}")
        elif name:
            parts[name] = value
    frequency = parts.pop("FREQ", "")
    if frequency not in FREQUENCIES:
        notes.dropped(place, "a rule without a known FREQ")
        return None
    if (scale := parts.pop("RSCALE", "GREGORIAN")) != "GREGORIAN":
        notes.dropped(place, f"a rule of the calendar {scale[:20]}")
        return None
    fields: dict[str, tuple[int, ...]] = {}
    for name, (field, least, most, signed) in _LISTS.items():
        if name in parts:
            fields[field] = _numbers(parts.pop(name), least, most, signed, notes, f"{place}, {name}")
    by_day = _by_day(parts.pop("BYDAY", ""), notes, f"{place}, BYDAY")
    interval = _positive(parts, "INTERVAL", MAX_INTERVAL, notes, place) or 1
    count = _positive(parts, "COUNT", MAX_COUNT, notes, place)
    until = _until(parts.pop("UNTIL", ""), notes, f"{place}, UNTIL")
    if count and until:
        notes.dropped(f"{place}, UNTIL", "the rule has a COUNT")
        until = None
    week_start = parts.pop("WKST", "MO")
    if week_start not in WEEKDAYS:
        notes.altered(f"{place}, WKST", "not a day of the week: MO")
        week_start = "MO"
    for name in parts:
        notes.dropped(place, f"the unknown part {name[:20]}")
    return Rule(
        frequency,
        interval,
        count,
        until,
        by_day=by_day,
        week_start=WEEKDAYS.index(week_start),
        **fields,
    )


def write_rule(rule: Rule) -> str:
    """Write a rule as the value of an RRULE ([RFC5545] 3.3.10)."""
    parts = [f"FREQ={rule.frequency}"]
    if rule.interval != 1:
        parts.append(f"INTERVAL={rule.interval}")
    if rule.count is not None:
        parts.append(f"COUNT={rule.count}")
    if rule.until is not None:
        parts.append(f"UNTIL={write_moment(rule.until)}")
    if rule.by_day:
        parts.append("BYDAY=" + ",".join(f"{which or ''}{WEEKDAYS[day]}" for which, day in rule.by_day))
    for name, (field, *_) in _LISTS.items():
        if values := getattr(rule, field):
            parts.append(f"{name}=" + ",".join(map(str, values)))
    if rule.week_start != 1:
        parts.append(f"WKST={WEEKDAYS[rule.week_start]}")
    return ";".join(parts)


def write_moment(moment: dt.date) -> str:
    """Write a DATE or a DATE-TIME, this with a Z where it has a zone ([RFC5545] 3.3.4, 3.3.5)."""
    date = f"{moment.year:04}{moment.month:02}{moment.day:02}"
    if not isinstance(moment, dt.datetime):
        return date
    zone = "" if moment.tzinfo is None else "Z"
    return f"{date}T{moment.hour:02}{moment.minute:02}{moment.second:02}{zone}"


def read_moment(text: str) -> dt.date | None:
    """Read a DATE or a DATE-TIME (in UTC with a Z), with hyphens and colons or without; None if it is neither."""
    match = _MOMENT.fullmatch(text.strip().upper())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[group] or 0) for group in range(1, 7))
    try:
        if match[4] is None:
            return dt.date(year, month, day)
        zone = dt.UTC if match[7] else None
        return dt.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except ValueError:
        return None


def _numbers(text: str, least: int, most: int, signed: bool, notes: Receipt, place: str) -> tuple[int, ...]:
    found: set[int] = set()
    pieces = [piece.strip() for piece in text.split(",")]
    for piece in pieces[:MAX_VALUES]:
        value = int(piece) if _NUMBER.fullmatch(piece) else most + 1
        if least <= value <= most or (signed and least <= -value <= most):
            found.add(value)
        else:
            notes.dropped(place, "a value that it cannot have")
    if len(pieces) > MAX_VALUES:
        notes.dropped(place, f"values beyond the first {MAX_VALUES}")
    return tuple(sorted(found))


def _by_day(text: str, notes: Receipt, place: str) -> tuple[tuple[int, int], ...]:
    found: set[tuple[int, int]] = set()
    pieces = text.split(",") if text else []
    for piece in pieces[:MAX_VALUES]:
        match = _BY_DAY.fullmatch(piece.strip())
        if match is None or abs(int(match[1] or 0)) > 53:
            notes.dropped(place, "a value that is no day of the week")
        else:
            if match[1] and not int(match[1]):
                notes.guessed(place, "the day numbered 0 is every such day")  # [RFC5545] 3.3.10 begins with 1
            found.add((int(match[1] or 0), WEEKDAYS.index(match[2])))
    return tuple(sorted(found, key=lambda value: (value[0], (value[1] - 1) % 7)))


def _positive(parts: dict[str, str], name: str, most: int, notes: Receipt, place: str) -> int | None:
    text = parts.pop(name, None)
    if text is None:
        return None
    if re.fullmatch(r"\+?\d{1,9}", text) and 1 <= int(text) <= most:
        return int(text)
    notes.dropped(f"{place}, {name}", f"not a number from 1 to {most}")
    return None


def _until(text: str, notes: Receipt, place: str) -> dt.date | None:
    if not text:
        return None
    found = read_moment(text)
    if found is None:
        notes.dropped(place, "not a date or a time: the series has no end")
    return found
