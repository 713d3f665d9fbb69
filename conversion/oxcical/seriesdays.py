"""On which days a series is: RRULE, RDATE and EXDATE as a pattern, and what no pattern has.

[MS-OXCICAL] 2.1.3.1.1.20.13, 2.1.3.1.1.20.18, 2.1.3.1.1.20.19. EXDATE and RECURRENCE-ID mean the instance at that
time ([RFC5545] 3.8.4.4, 3.8.5.1). Where none is at that time the one of that day is meant, with a note: a pattern has
one instance a day.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

from conversion.oxcical.budget import Budget, cost_of, with_fewer_times
from conversion.oxcical.event import Event, Setting
from conversion.oxcical.expansion import expand
from conversion.oxcical.occurrences import Series, count_of, series
from conversion.oxcical.recurrence import (
    DAY,
    EPOCH,
    EndType,
    PatternType,
    RecurFrequency,
    RecurrencePattern,
    minutes_of,
)
from conversion.oxcical.rrule import Rule, read_rule
from conversion.oxcical.templates import MOST_DAYS, Mapped, to_pattern
from conversion.oxcical.times import MINUTE
from conversion.oxcical.zones import Zones, time_of
from conversion.receipt import Receipt

MAX_DATES = 20_000
"""EXDATEs and RDATEs of one event."""
MAX_SPAN = 20_000
"""Days from the first to the last instance of a series whose instances are said one by one: 54 years."""
_HIJRI_TYPES = {
    PatternType.MONTH: PatternType.HJ_MONTH,
    PatternType.MONTH_NTH: PatternType.HJ_MONTH_NTH,
    PatternType.MONTH_END: PatternType.HJ_MONTH_END,
}
_HIJRI = 6


@dataclass(slots=True)
class Instances:
    """The days of a series while it is put together."""

    pattern: RecurrencePattern
    offset: int
    """Minutes from midnight."""
    days: Series | None
    deleted: set[int] = field(default_factory=set)
    """Days since 1601."""
    moved: list[tuple[int, int]] = field(default_factory=list)
    """The day, and where it was moved to: minutes."""
    others: list[dt.datetime] = field(default_factory=list)
    """Instances that the pattern cannot have, in order."""

    def has(self, day: int) -> bool:
        """Whether the pattern has an instance on a day; of one that is not expanded nobody knows."""
        if self.days is None:
            return day * DAY >= self.pattern.start_date
        number = self.days.number(day)
        count = count_of(self.pattern, self.days)
        return self.days.day(number) == day and (count is None or number < count)


@dataclass(slots=True)
class _Removed:
    """What EXDATE says."""

    days: set[int] = field(default_factory=set)
    """Since 1601: those of DATE values, and all of a series of whole days."""
    moments: set[int] = field(default_factory=set)
    """Minutes since 1601."""


def find_instances(master: Event, setting: Setting) -> Instances | None:
    """Find the days of the series, without those that were removed. ValueError beyond the years of a pattern."""
    start, notes = master.start, master.notes
    assert start is not None  # a series has one
    if start.local.second:
        notes.altered("DTSTART", "a series has no seconds")
    rules: list[Rule] = []
    for line in master.rules:
        rule = read_rule(line.value, receipt=notes)
        if rule is not None:
            # Whole days have no times ([RFC5545] 3.3.10).
            rules.append(replace(rule, by_hour=(), by_minute=(), by_second=()) if master.all_day else rule)
    removed, added = _dates(master, setting.zones)
    mapped = to_pattern(rules[0], start.local, to_local=start.zone.aware_to_local) if len(rules) == 1 else None
    if isinstance(mapped, Mapped):
        for text in mapped.notes:
            notes.altered("RRULE", text)
        found = Instances(*_calendar(mapped, setting), days=None)
        found.days = series(found.pattern)
        left = sorted(one for one in added if _minute(one) not in removed.moments)
        inexact = _remove(found, removed, {_minute(one) for one in added})
        extra = _fitted(found, left)
        if not extra or not _is_short(rules[0], found):
            found.others = extra
            if extra:
                notes.altered("RDATE", f"{len(extra)} instances beside the rule are appointments of their own")
            _note_inexact(inexact, notes)
            return found
    elif mapped is not None:
        notes.altered("RRULE", f"{mapped.reason}: its instances are said one by one")
    return _one_by_one(master, rules, removed, added, setting.budget)


def _minute(local: dt.datetime) -> int:
    return (local - EPOCH) // MINUTE


def _remove(found: Instances, removed: _Removed, added: set[int]) -> int:
    """Remove instances from a pattern; give how many of them were at another time of the day than was said."""
    found.deleted = {day for day in removed.days if found.has(day)}
    inexact = 0
    for moment in removed.moments:
        day, minute = divmod(moment, DAY)
        if found.has(day) and (minute == found.offset or moment not in added):
            found.deleted.add(day)
            inexact += minute != found.offset
    return inexact


def _note_inexact(count: int, notes: Receipt) -> None:
    if count:
        notes.guessed("EXDATE", f"{count} at no time of an instance: those of their days are removed")


def _calendar(mapped: Mapped, setting: Setting) -> tuple[RecurrencePattern, int]:
    """The pattern in the calendar of X-MICROSOFT-CALSCALE ([MS-OXCICAL] 2.1.3.1.1.8, [MS-OXOCAL] 2.2.1.44.1)."""
    pattern = mapped.pattern
    if setting.calendar_type not in (0, 1):
        kind = pattern.pattern_type
        if setting.calendar_type == _HIJRI:
            kind = _HIJRI_TYPES.get(PatternType(kind), PatternType(kind))
        pattern = replace(pattern, calendar_type=setting.calendar_type, pattern_type=kind)
    return pattern, mapped.start_time_offset


def _dates(master: Event, zones: Zones) -> tuple[_Removed, set[dt.datetime]]:
    """What EXDATE says, and the local times of RDATE ([MS-OXCICAL] 2.1.3.1.1.20.13, 2.1.3.1.1.20.18)."""
    assert master.start is not None  # a series has one
    zone = master.start.zone
    removed, added = _Removed(), set[dt.datetime]()
    count = 0
    for line in (*master.removed, *master.added):
        name = "EXDATE" if "EXDATE" in line.name else "RDATE"
        for text in line.value.split(","):
            count += 1
            if count > MAX_DATES:
                master.notes.dropped(name, f"those beyond {MAX_DATES}")
                break
            begins, slash, _ = text.partition("/")
            moment = time_of(begins, line, zones)
            if moment is None:
                if text.strip():
                    master.notes.dropped(name, "a value that is no date or time")
                continue
            if slash:
                master.notes.altered(name, "the instance is as long as the others")
            local = moment.local if moment.is_date or moment.is_floating else zone.to_local(moment.utc)
            if moment.is_date and name == "RDATE":
                local = dt.datetime.combine(local.date(), master.start.local.time())
            if local.year < EPOCH.year:
                continue
            if name == "RDATE":
                added.add(local)
            elif moment.is_date or master.all_day:
                removed.days.add((local - EPOCH).days)
            else:
                removed.moments.add(_minute(local))
    return removed, added


def _fitted(found: Instances, added: list[dt.datetime]) -> list[dt.datetime]:
    """Let additional instances be removed ones that were moved ([MS-OXCICAL] 2.1.3.1.1.20.18); give the others."""
    others: list[dt.datetime] = []
    used: set[int] = set()
    for local in added:
        day, minutes = (local - EPOCH).days, minutes_of(local)
        if found.has(day) and day not in found.deleted:
            if minutes != day * DAY + found.offset:
                others.append(local)
            continue
        candidates: list[int | None] = []
        if found.days is not None:
            number = found.days.number(day)
            candidates = [found.days.day(number), found.days.day(number - 1) if number else None]
        fitting = [one for one in candidates if one is not None and one in found.deleted and one not in used]
        if fitting:
            used.add(fitting[0])
            found.moved.append((fitting[0], minutes))
        else:
            others.append(local)
    return others


def _is_short(rule: Rule, found: Instances) -> bool:
    """Whether a series ends, and has so few instances that they can be said one by one."""
    count = None if found.days is None else count_of(found.pattern, found.days)
    return count is not None and count <= 400 and rule.frequency in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")


def _one_by_one(
    master: Event, rules: list[Rule], removed: _Removed, added: set[dt.datetime], budget: Budget
) -> Instances | None:
    """Say instances as the days of a daily pattern, all others of which are removed."""
    notes = master.notes
    by_day = _by_day(_expanded(master, rules, added, budget), removed, notes)
    if not by_day:
        notes.dropped("RRULE", "it has no instance")
        return None
    further = sum(len(moments) - 1 for moments in by_day.values())
    if further:
        notes.altered("RRULE", f"{further} further instances of the same days are appointments of their own")
    days = _nearest(sorted(by_day), min(MAX_SPAN, budget.days))
    if len(days) < len(by_day):
        notes.altered("RDATE", f"{len(by_day) - len(days)} instances too far away are appointments of their own")
    each = {day: minutes_of(by_day[day].pop(0)) for day in days}
    step = math.gcd(*(later - day for day, later in pairwise(days))) or 1
    step = next(part for part in range(min(step, MOST_DAYS), 0, -1) if not step % part)
    offset = each[days[0]] % DAY
    pattern = RecurrencePattern(
        recur_frequency=RecurFrequency.DAILY,
        pattern_type=PatternType.DAY,
        first_date_time=days[0] * DAY % (step * DAY),
        period=step * DAY,
        end_type=EndType.DATE,
        occurrence_count=(days[-1] - days[0]) // step + 1,
        start_date=days[0] * DAY,
        end_date=days[-1] * DAY,
    )
    found = Instances(pattern, offset, series(pattern))
    found.deleted = set(range(days[0], days[-1], step)) - each.keys()
    budget.days -= len(found.deleted)
    found.moved = [(day, moment) for day, moment in each.items() if moment % DAY != offset]
    found.others = sorted(local for moments in by_day.values() for local in moments)
    return found


def _expanded(master: Event, rules: list[Rule], added: set[dt.datetime], budget: Budget) -> set[dt.datetime]:
    """The local times of all instances that rules and RDATE give."""
    start, notes = master.start, master.notes
    assert start is not None  # a series has one
    starts = set(added)
    for whole in rules:
        rule = with_fewer_times(whole)
        if rule is not whole:
            notes.altered("RRULE", "too many times of a day: some are left out")
        if not budget.take(cost_of(rule)):
            notes.dropped("RRULE", "too many rules that have to be expanded")
            starts.add(start.local)
            continue
        expansion = expand(rule, start.local, to_local=start.zone.aware_to_local)
        starts.update(expansion.starts)
        if not expansion.complete:
            notes.altered("RRULE", f"only its first {len(expansion.starts)} instances")
    if not rules:
        starts.add(start.local)
    return starts


def _by_day(starts: set[dt.datetime], removed: _Removed, notes: Receipt) -> dict[int, list[dt.datetime]]:
    """The times of each day since 1601, without those that were removed."""
    found: dict[int, list[dt.datetime]] = {}
    exact: set[int] = set()
    for local in sorted(starts):
        day, minute = (local - EPOCH).days, _minute(local)
        if minute in removed.moments:
            exact.add(minute)
        elif day >= 0 and day not in removed.days:
            found.setdefault(day, []).append(local)
    inexact = 0
    for moment in removed.moments - exact:
        moments = found.get(moment // DAY, ())
        if len(moments) == 1:
            del found[moment // DAY]
            inexact += 1
        elif moments:
            notes.dropped("EXDATE", "at none of the times that its day has")
    _note_inexact(inexact, notes)
    return found


def _nearest(days: list[int], span: int) -> list[int]:
    """Give the most of some days, in order, that are within a span: what lies between them is removed one by one."""
    best, first = (0, 0), 0
    for last, day in enumerate(days):
        while day - days[first] > span:
            first += 1
        best = max(best, (last + 1 - first, -first))
    return days[-best[1] : -best[1] + best[0]]
