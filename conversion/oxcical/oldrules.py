"""Recurrence rules of vCalendar 1.0 as those of iCalendar (versit, vCalendar 1.0, recurrence rule grammar).

    modern_rule("MP2 1+ SU 1- SU #10", start, notes) == "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU;COUNT=10"

A rule is a frequency with its interval, then what it modifies, then how often (`#0` is for ever) or until when:
`D2`, `W1 MO WE`, `MP1 2+ TU` (weekdays of a month by position), `MD1 15 LD` (days of a month), `YM1 6` (months of a
year), `YD1 100` (days of a year), `M5` (minutes). A rule by the month may follow one by months of the year.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from conversion.receipt import Receipt

MAX_WORDS = 500
_FREQUENCY = re.compile(r"(MP|MD|YM|YD|[DWM])(\d{1,6})")
_POSITION = re.compile(r"(\d{1,3})([+-])?")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)")
_COUNT = re.compile(r"#(\d{1,9})")
_END = re.compile(r"\d{8}(?:T\d{4,6}Z?)?")
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_NAMES = {
    "D": "DAILY",
    "W": "WEEKLY",
    "MP": "MONTHLY",
    "MD": "MONTHLY",
    "YM": "YEARLY",
    "YD": "YEARLY",
    "M": "MINUTELY",
}
_DAYS = {"MD": "BYMONTHDAY", "YM": "BYMONTH", "YD": "BYYEARDAY"}
_DEFAULT_COUNT = 2
"""How often a rule has an instance that does not say it."""


@dataclass(slots=True)
class _Old:
    """One frequency of a rule, with what modifies it."""

    kind: str
    interval: str
    positions: list[str] = field(default_factory=list)
    weekdays: list[str] = field(default_factory=list)
    """Of MP with its positions."""
    closed: bool = False
    """Whether weekdays have ended the positions: the next begins others, as in `1+ SU 1- SU`."""
    numbers: list[str] = field(default_factory=list)
    times: list[tuple[str, str]] = field(default_factory=list)
    """Hours and minutes."""
    count: str | None = None
    until: str | None = None


def modern_rule(text: str, start: dt.date | None, notes: Receipt, place: str = "RRULE") -> str | None:
    """Give a rule of vCalendar 1.0 as a RECUR of iCalendar; None for a text that begins as none does.

    `start` is the event's: the weekday of a rule by position that names none is its.
    """
    words = text.upper().replace(",", " ").split()
    if not words or _FREQUENCY.fullmatch(words[0]) is None:
        return None
    if len(words) > MAX_WORDS:
        notes.dropped(place, f"words beyond {MAX_WORDS}")
    rules: list[_Old] = []
    for word in words[:MAX_WORDS]:
        match = _FREQUENCY.fullmatch(word)
        if match is not None:
            rules.append(_Old(match[1], match[2]))
        elif not _took(rules[-1], word):
            notes.dropped(place, f"{word[:20]} in a rule of vCalendar 1.0")
    for rule in rules:
        if rule.kind == "MP" and not rule.weekdays and start is not None:
            which = rule.positions or [str((start.day - 1) // 7 + 1 if start.day <= 28 else -1)]
            rule.weekdays = [f"{position}{_WEEKDAYS[start.weekday()]}" for position in which]
    outer, *inner = rules
    if inner:
        _joined(outer, inner, notes, place)
    return _written(outer, notes, place)


def _took(rule: _Old, word: str) -> bool:
    """Take a word into a rule; tell whether it has a place there."""
    # `$` marks where the week of a rule ends: all instances of it are said anyway.
    word = word.rstrip("$")
    if (count := _COUNT.fullmatch(word)) is not None:
        rule.count = count[1].lstrip("0") or "0"
    elif _END.fullmatch(word):
        rule.until = word
    elif word in _WEEKDAYS and rule.kind in ("W", "MP"):
        rule.weekdays += [f"{position}{word}" for position in rule.positions] or [word]
        rule.closed = True
    elif word == "LD" and rule.kind == "MD":
        rule.numbers.append("-1")
    elif (time := _TIME.fullmatch(word)) is not None:
        rule.times.append((time[1], time[2]))
    elif (match := _POSITION.fullmatch(word)) is not None and (rule.kind == "MP" or rule.kind in _DAYS):
        number = f"{'-' if match[2] == '-' else ''}{int(match[1])}"
        if rule.kind != "MP":
            rule.numbers.append(number)
        else:
            rule.positions = [number] if rule.closed else [*rule.positions, number]
            rule.closed = False
    else:
        return False
    return True


def _joined(outer: _Old, inner: list[_Old], notes: Receipt, place: str) -> None:
    """Join `YM1 6 MP1 1+ MO`: the days of these months. Of other rules inside of rules only the outermost is left."""
    last = inner[0]
    if len(inner) > 1 or outer.kind != "YM" or last.kind not in ("MP", "MD") or last.interval != "1":
        notes.dropped(place, "a rule of vCalendar 1.0 within another")
        return
    if outer.count is None and outer.until is None:
        outer.count, outer.until = last.count, last.until
    elif outer.count not in (None, "0") and len(last.weekdays) + len(last.numbers) > 1:
        notes.guessed(place, "its number is taken as that of instances")
    outer.weekdays, outer.times = last.weekdays, outer.times + last.times
    if last.kind == "MD":
        outer.positions = last.numbers


def _written(rule: _Old, notes: Receipt, place: str) -> str:
    parts = [f"FREQ={_NAMES[rule.kind]}"]
    if rule.interval.lstrip("0") != "1":
        parts.append(f"INTERVAL={int(rule.interval)}")
    if rule.numbers:
        parts.append(f"{_DAYS[rule.kind]}={','.join(dict.fromkeys(rule.numbers))}")
    if rule.weekdays:
        parts.append(f"BYDAY={','.join(dict.fromkeys(rule.weekdays))}")
    elif rule.kind == "YM" and rule.positions:
        parts.append(f"BYMONTHDAY={','.join(dict.fromkeys(rule.positions))}")
    if rule.times:
        minutes = {minute for _, minute in rule.times}
        if len(minutes) > 1:
            notes.altered(place, "times of the day with different minutes: the first")
            rule.times = rule.times[:1]
        hours = ",".join(dict.fromkeys(str(int(hour)) for hour, _ in rule.times))
        parts.append(f"BYHOUR={hours};BYMINUTE={int(rule.times[0][1])}")
    count = rule.count
    if count is None and rule.until is None:
        notes.guessed(place, "neither a number nor an end: two instances, as vCalendar 1.0 has it")
        count = str(_DEFAULT_COUNT)
    if count is not None and count != "0":
        if rule.kind == "W" and len(rule.weekdays) > 1:
            notes.guessed(place, "its number is taken as that of instances, not of weeks")
        parts.append(f"COUNT={count}")
    if rule.until is not None:
        parts.append(f"UNTIL={rule.until}")
    return ";".join(parts)
