"""Zones that are made of rules, as `tzinfo`; and the rules of any zone, found by looking at it.

`RuleZone` tells local time by the YearRule of the year ([MS-OXOCAL] 2.2.1.41.1: a rule holds from January 1 of its year
to that of the next). Times that the clock leaves out, when it is put forward, are told by the offset before; of times
that it has twice, the first is meant (`fold=1`: the second), as [RFC5545] 3.3.5 has it and as `zoneinfo` does.
`year_rule` gives the YearRule of any `tzinfo` in a year.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass

from conversion.oxcical.timezones import (
    EFFECTIVE,
    FIRST_YEAR,
    LAST_WEEK,
    RECUR_CURRENT,
    SystemTime,
    TimeZoneDefinition,
    TimeZoneRule,
    TimeZoneStruct,
    YearRule,
    is_consistent,
)

_FIRST, _LAST = 3, dt.MAXYEAR - 2
"""Years in which changes are looked for; before and after the offset stays what it is then."""
_KEPT = 256
_STEP = dt.timedelta(days=9)
_ZERO = dt.timedelta()
_MINUTE = dt.timedelta(minutes=1)
_NEIGHBOURS = 6
"""Years on both sides that are looked at to tell the fourth from the last."""


@dataclass(frozen=True, slots=True)
class Change:
    """The clock is put forward or back."""

    instant: dt.datetime
    """UTC, without a zone."""
    before: dt.timedelta
    """East of UTC."""
    after: dt.timedelta

    @property
    def wall(self) -> dt.datetime:
        """What the clock shows then."""
        return self.instant + self.before


class ChangingZone(dt.tzinfo):
    """A zone that knows its changes year by year.

    What derives from it says this in `changes`.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._years: dict[int, tuple[dt.timedelta, list[Change]]] = {}

    def changes(self, year: int) -> tuple[dt.timedelta, list[Change]]:
        """Give the offset before, and in order the changes of the year before, this one and the next."""
        raise NotImplementedError  # abstract: tzinfo has a metaclass of its own

    def _near(self, year: int) -> tuple[dt.timedelta, list[Change]]:
        year = min(max(year, _FIRST), _LAST)
        found = self._years.get(year)
        if found is None:
            if len(self._years) >= _KEPT:
                self._years.clear()
            found = self._years[year] = self.changes(year)
        return found

    def utcoffset(self, moment: dt.datetime | None) -> dt.timedelta | None:
        """East of UTC at a local time."""
        if moment is None:
            return None
        local = moment.replace(tzinfo=None, fold=0)
        offset, changes = self._near(local.year)
        for change in changes:
            least, most = sorted((change.before, change.after))
            if local < change.instant + (least if moment.fold else most):
                break
            offset = change.after
        return offset

    def fromutc(self, moment: dt.datetime) -> dt.datetime:
        """Turn a time in UTC that carries this zone into local time."""
        instant = moment.replace(tzinfo=None)
        offset, changes = self._near(instant.year)
        fold = 0
        for change in changes:
            if instant < change.instant:
                break
            offset = change.after
            fold = int(instant < change.instant + change.before - change.after)
        return (moment + offset).replace(fold=fold)

    def dst(self, moment: dt.datetime | None) -> None:
        """It is not told which time of the year is the standard."""

    def tzname(self, moment: dt.datetime | None) -> str:
        """The name of the zone."""
        return self._name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"


class RuleZone(ChangingZone):
    """A zone with a rule for each year: the last one that is not for a later year, or the first."""

    def __init__(self, name: str, rules: Sequence[tuple[int, YearRule]]) -> None:
        super().__init__(name)
        self._rules = sorted(rules, key=lambda pair: pair[0]) or [(FIRST_YEAR, YearRule(0))]

    def rule(self, year: int) -> YearRule:
        """Give the rule of a year."""
        found = self._rules[0][1]
        for first, rule in self._rules:
            if first > year:
                break
            found = rule
        return found

    def changes(self, year: int) -> tuple[dt.timedelta, list[Change]]:
        """Give the offset before, and in order the changes of the year before, this one and the next."""
        first = offset = _last_offset(self.rule(year - 2), year - 2)
        found: list[Change] = []
        for one in (year - 1, year, year + 1):
            rule = self.rule(one)
            for wall, after in _of_year(rule, one):
                if after != offset:
                    found.append(Change(wall - offset, offset, after))
                    offset = after
        return first, found


def _of_year(rule: YearRule, year: int) -> list[tuple[dt.datetime, dt.timedelta]]:
    """What holds from January 1 on, and when the clock shows what before it changes."""
    begins = dt.datetime(year, 1, 1)
    standard = rule.standard_date.moment(year) if rule.has_daylight else None
    daylight = rule.daylight_date.moment(year) if rule.has_daylight else None
    if standard is None or daylight is None or standard == daylight:
        return [(begins, rule.standard_offset)]
    changes = sorted(((standard, rule.standard_offset), (daylight, rule.daylight_offset)))
    if changes[0][0] == begins:
        return changes
    # Until the first change it is what it is after the second.
    return [(begins, changes[1][1]), *changes]


def _last_offset(rule: YearRule, year: int) -> dt.timedelta:
    return _of_year(rule, year)[-1][1]


def zone_of_struct(structure: TimeZoneStruct, name: str = "") -> RuleZone:
    """Give the zone of PidLidTimeZoneStruct."""
    return RuleZone(name, [(FIRST_YEAR, structure.rule)])


def zone_of_definition(definition: TimeZoneDefinition) -> RuleZone | None:
    """Give the zone of a definition with the rule of each year, or None if it has no rule."""
    if not definition.rules:
        return None
    return RuleZone(definition.key_name, [(rule.year, rule.rule) for rule in definition.rules])


def zone_of_series(definition: TimeZoneDefinition | None, structure: TimeZoneStruct | None) -> RuleZone | None:
    """Give the zone by which a series is converted: one rule for all years ([MS-OXOCAL] 2.2.1.41).

    That is the definition's effective rule; where PidLidTimeZoneStruct says otherwise, its.
    """
    effective = None if definition is None else definition.effective
    if definition is None or effective is None or (structure is not None and not is_consistent(definition, structure)):
        name = "" if definition is None else definition.key_name
        return None if structure is None else zone_of_struct(structure, name)
    return RuleZone(definition.key_name, [(FIRST_YEAR, effective.rule)])


@dataclass(frozen=True, slots=True)
class Sampled:
    """The rule of a zone in a year."""

    rule: YearRule
    exact: bool
    """Whether the rule tells each time of the year as the zone does: years with three changes and more have no rule."""


def year_rule(zone: dt.tzinfo, year: int) -> Sampled:
    """Find the rule by which a zone tells the time in a year (1601 to 9990)."""
    return Sampler(zone).rule(year)


class Sampler:
    """Looks at a zone year by year, and remembers what it saw."""

    def __init__(self, zone: dt.tzinfo) -> None:
        self._zone = zone
        self._changes: dict[int, list[Change]] = {}

    def rule(self, year: int) -> Sampled:
        """Find the rule of a year. A change at its very beginning is one of rules, and of none of them."""
        changes = [change for change in self.changes(year) if change.wall != dt.datetime(year, 1, 1)]
        if not changes:
            return Sampled(YearRule(_bias(self._offset(dt.datetime(year, 7, 1)))), True)
        forward = next((change for change in changes if change.after > change.before), None)
        back = next((change for change in reversed(changes) if change.after < change.before), None)
        one = forward or back
        assert one is not None  # a change goes one way or the other
        standard, daylight = sorted((one.before, one.after))
        begins = SystemTime(month=1, day_of_week=_weekday(dt.datetime(year, 1, 1)), day=1)
        rule = YearRule(
            _bias(standard),
            0,
            _bias(daylight) - _bias(standard),
            self._date(back) if back else begins,
            self._date(forward) if forward else begins,
        )
        exact = len(changes) <= 2 and self._agrees(rule, year, changes)
        return Sampled(rule, exact)

    def rules(self, first: int, last: int) -> list[tuple[int, YearRule]]:
        """Find the rules of some years, each with the year from which it holds; equal ones in a row are one."""
        found: list[tuple[int, YearRule]] = []
        for year in range(first, last + 1):
            rule = self.rule(year).rule
            if not found or found[-1][1] != rule:
                found.append((year, rule))
        return found

    def later(self, first: int, last: int) -> list[tuple[int, YearRule]]:
        """Find the rules of the years after `first` without looking at each: none that is between two equal ones."""
        before, after = self.rule(first).rule, self.rule(last).rule
        if before == after:
            return []
        if last - first <= 1:
            return [(last, after)]
        middle = (first + last) // 2
        return self.later(first, middle) + self.later(middle, last)

    def changes(self, year: int) -> list[Change]:
        """Find the changes whose local date is in a year."""
        if year not in self._changes:
            self._changes[year] = self._look(year)
        return self._changes[year]

    def _look(self, year: int) -> list[Change]:
        found: list[Change] = []
        at = dt.datetime(year, 1, 1) - 2 * _STEP
        end = dt.datetime(year + 1, 1, 1) + _STEP
        offset = self._offset(at)
        while at < end:
            following = at + _STEP
            after = self._offset(following)
            if after != offset:
                instant = self._instant(at, following)
                change = Change(instant, offset, self._offset(instant))
                if change.wall.year == year:
                    found.append(change)
                after = change.after
                following = instant
            at, offset = following, after
        return found

    def _instant(self, least: dt.datetime, most: dt.datetime) -> dt.datetime:
        """The first second at which the offset is another than at `least`."""
        offset = self._offset(least)
        low, high = 0, int((most - least).total_seconds())
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(least + dt.timedelta(seconds=middle)) == offset:
                low = middle
            else:
                high = middle
        return least + dt.timedelta(seconds=high)

    def _offset(self, instant: dt.datetime) -> dt.timedelta:
        offset = instant.replace(tzinfo=dt.UTC).astimezone(self._zone).utcoffset()
        return offset or _ZERO

    def _date(self, change: Change) -> SystemTime:
        """A change as a date of each year."""
        wall = change.wall
        return SystemTime(wall.month, _weekday(wall), self._which(change), wall.hour, wall.minute, wall.second)

    def _which(self, change: Change) -> int:
        wall = change.wall
        which = (wall.day - 1) // 7 + 1
        if which < LAST_WEEK - 1 or not _is_last(wall):
            return which
        # The fourth and the last here: the years around tell which is meant.
        for distance in range(1, _NEIGHBOURS + 1):
            for year in (wall.year + distance, wall.year - distance):
                for other in self.changes(year):
                    day = other.wall
                    alike = (day.month, _weekday(day), other.after > other.before)
                    if alike == (wall.month, _weekday(wall), change.after > change.before):
                        if not _is_last(day):
                            return which
                        if (day.day - 1) // 7 + 1 == LAST_WEEK:
                            return LAST_WEEK
        return LAST_WEEK

    def _agrees(self, rule: YearRule, year: int, changes: list[Change]) -> bool:
        """Whether the rule has the changes, to the minute."""
        walls = {wall for wall, _ in _of_year(rule, year)} | {dt.datetime(year, 1, 1)}
        offsets = {rule.standard_offset, rule.daylight_offset}
        return all(change.wall in walls and {change.before, change.after} == offsets for change in changes)


def _bias(offset: dt.timedelta) -> int:
    """Minutes, west is positive; seconds, which zones had long ago, are rounded."""
    return -round(offset / _MINUTE)


def _weekday(moment: dt.datetime) -> int:
    return moment.isoweekday() % 7


def _is_last(moment: dt.datetime) -> bool:
    return moment.day + 7 > monthrange(moment.year, moment.month)[1]


def definition_of(
    key_name: str, rules: Sequence[tuple[int, YearRule]], year: int, *, recurring: bool
) -> TimeZoneDefinition:
    """Make a definition of rules in order; the one of `year` is the effective one ([MS-OXOCAL] 2.2.1.41, 2.2.1.42).

    `recurring`: for PidLidAppointmentTimeZoneDefinitionRecur. The first rule holds from 1601 on.
    """
    current = max((number for number, (first, _) in enumerate(rules) if first <= year), default=0)
    flags = EFFECTIVE | (RECUR_CURRENT if recurring else 0)
    return TimeZoneDefinition(
        key_name,
        tuple(
            TimeZoneRule(first if number else FIRST_YEAR, rule, flags if number == current else 0)
            for number, (first, rule) in enumerate(rules)
        ),
    )


def struct_of(rule: YearRule) -> TimeZoneStruct:
    """Make PidLidTimeZoneStruct of a rule ([MS-OXOCAL] 2.2.1.39)."""
    return TimeZoneStruct(rule, rule.standard_date.year, rule.daylight_date.year)
