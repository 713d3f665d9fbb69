"""The time zones of an iCalendar object: what its TZIDs mean ([MS-OXCICAL] 2.1.3.1.1.19, [RFC5545] 3.6.5).

In this order: a zone that is known by its name, if the VTIMEZONE of that name agrees with it for the times that are
asked for; the VTIMEZONE; the zone for times without one. No TZID ever loses an event.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

from conversion.contentlines import Component, ContentLine
from conversion.oxcical.budget import Budget
from conversion.oxcical.observances import MAX_OBSERVANCES, Observance, ObservanceZone, ZoneComponent
from conversion.oxcical.rrule import Rule, read_moment, read_rule, write_moment, write_rule
from conversion.oxcical.templates import Mapped, to_pattern
from conversion.oxcical.times import EPOCH, UTC, Moment, Zone, known_zone
from conversion.receipt import Receipt

_OFFSET = re.compile(r"\s*([+-]?)(\d{1,2}):?(\d\d)?:?(\d\d)?\s*")
_RECENT = 1970
_SNAPSHOT = dt.timedelta(days=366)
"""After the last change of a zone without a rule, nothing is said any more."""
_EXPANDED = 40
"""What a rule of a zone costs that is expanded for a hundred years."""
_DAYS_COMPARED = (0, 120, 240)


class Zones:
    """Finds the zones of one calendar."""

    def __init__(self, components: list[Component], default: Zone, receipt: Receipt, budget: Budget) -> None:
        self._components: dict[str, Component] = {}
        for component in components:
            tzid = (component.value("TZID") or "").strip()
            self._components.setdefault(tzid, component)
        self.default = default
        """For times that say no zone."""
        self._receipt = receipt
        self._budget = budget
        self._found: dict[str, Zone] = {}

    def declares(self, tzid: str) -> bool:
        """Whether there is a VTIMEZONE of a name."""
        return tzid in self._components

    def find(self, tzid: str, local: dt.datetime) -> Zone:
        """Find the zone of a TZID, for a local time: the first that asks decides where two sources disagree."""
        found = self._found.get(tzid)
        if found is None:
            found = self._found[tzid] = self._look(tzid, local)
        return found

    def _look(self, tzid: str, local: dt.datetime) -> Zone:
        name = tzid.strip()
        component = self._components.get(name)
        known = known_zone(name)
        declared = None if component is None else self._declared(component, name)
        if declared is None:
            if known is None:
                location = None if component is None else component.value("X-LIC-LOCATION")
                known = known_zone(location) if location else None
                said = "unknown and not declared: " + (known or self.default).tzid
                self._receipt.guessed(f"TZID {name[:60]}", said)
            return known or self.default
        if known is not None and (agree(known, declared, local) or self._says_nothing(name, known, local)):
            return known
        return declared

    def _says_nothing(self, name: str, known: Zone, local: dt.datetime) -> bool:
        """Whether a VTIMEZONE of an IANA name is silent about a time.

        It begins later, as the example of [RFC5545] 4 does, or ended before 1970, or has the changes of some year long
        ago and no rule.
        """
        read = read_zone(self._components[name], Receipt(), self._budget)
        if read is None or known.tzid.casefold() != name.casefold():
            return False
        starts = [one.start for one in read.observances]
        if local < min(starts):
            return True
        if any(one.rules or one.start.year <= EPOCH.year for one in read.observances):
            return False
        last = max([*starts, *(date for one in read.observances for date in one.dates)])
        daylight = any(one.daylight for one in read.observances)
        return last.year < _RECENT or (daylight and local - last > _SNAPSHOT)

    def _declared(self, component: Component, name: str) -> Zone | None:
        notes = self._receipt.within(f"VTIMEZONE {name[:60]}")
        read = read_zone(component, notes, self._budget)
        if read is None:
            return None
        known = known_zone(name)
        return Zone(ObservanceZone(read), name, None if known is None else known.key)


def agree(one: Zone, other: Zone, local: dt.datetime) -> bool:
    """Whether two zones tell the same around a time."""
    for days in _DAYS_COMPARED:
        try:
            moment = local + dt.timedelta(days=days)
        except OverflowError:
            return True
        if one.to_utc(moment) != other.to_utc(moment):
            return False
    return True


def read_zone(component: Component, notes: Receipt, budget: Budget) -> ZoneComponent | None:
    """Read a VTIMEZONE ([MS-OXCICAL] 2.1.3.1.1.19.1 to 2.1.3.1.1.19.3); None, with a note, if it says nothing.

    Its parts: [MS-OXCICAL] 2.1.3.1.1.19.2.1, 2.1.3.1.1.19.2.2, 2.1.3.1.1.19.3.1, 2.1.3.1.1.19.3.2.
    """
    found: list[Observance] = []
    for inner in component.components[:MAX_OBSERVANCES]:
        if inner.name not in ("STANDARD", "DAYLIGHT"):
            notes.dropped(inner.name[:50], "not a part of a time zone")
            continue
        before, after = (_offset(inner.value(name)) for name in ("TZOFFSETFROM", "TZOFFSETTO"))
        # Outlook makes do with one of them, Exchange does not ([MS-STANOICAL] 2.2.76, [MS-STANXICAL] 2.2.74).
        before, after = (after if before is None else before), (before if after is None else after)
        if before is None or after is None:
            notes.dropped(inner.name, "no offset that can be read")
            continue
        start = read_moment(inner.value("DTSTART") or "")
        if start is None:
            notes.guessed(f"{inner.name}, DTSTART", "not a time: from 1601 on")
            start = dt.datetime(1601, 1, 1)
        rules = [_yearly(line, _naive(start), notes.within(inner.name), budget) for line in inner.every("RRULE")[:4]]
        dates = [read_moment(text) for line in inner.every("RDATE") for text in line.value.split(",")]
        found.append(
            Observance(
                inner.name == "DAYLIGHT",
                _naive(start),
                before,
                after,
                tuple(rule for rule in rules if rule is not None),
                tuple(_naive(date) for date in dates if date is not None),
                (inner.value("TZNAME") or "")[:100],
            )
        )
    if not found or not budget.take(len(found) // 5):
        notes.dropped("VTIMEZONE", "without a rule that can be read, or too many rules in all")
        return None
    return ZoneComponent((component.value("TZID") or "").strip(), tuple(found))


def _yearly(line: ContentLine, start: dt.datetime, notes: Receipt, budget: Budget) -> Rule | None:
    """The rule of an observance, with one time of the day; those that no pattern says are few."""
    rule = read_rule(line.value, receipt=notes)
    if rule is None:
        return None
    rule = replace(rule, by_hour=rule.by_hour[:1], by_minute=rule.by_minute[:1], by_second=rule.by_second[:1])
    if not isinstance(to_pattern(rule, start), Mapped) and not budget.take(_EXPANDED):
        notes.dropped("RRULE", "too many rules that have to be expanded")
        return None
    return rule


def write_zone(zone: ZoneComponent) -> Component:
    """Write a VTIMEZONE ([MS-OXCICAL] 2.1.3.1.1.19)."""
    written = Component("VTIMEZONE", [ContentLine("TZID", zone.tzid)])
    for one in zone.observances:
        lines = [
            ContentLine("DTSTART", write_moment(one.start)),
            ContentLine("TZOFFSETFROM", _written(one.offset_from)),
            ContentLine("TZOFFSETTO", _written(one.offset_to)),
        ]
        lines += [ContentLine("RRULE", write_rule(rule)) for rule in one.rules]
        lines += [ContentLine("RDATE", write_moment(date)) for date in one.dates]
        written.components.append(Component("DAYLIGHT" if one.daylight else "STANDARD", lines))
    return written


def read_time(line: ContentLine, zones: Zones, notes: Receipt) -> Moment | None:
    """Read the DATE or DATE-TIME of a line; None, with a note, if it is neither ([RFC5545] 3.3.4, 3.3.5)."""
    found = time_of(line.value, line, zones)
    if found is None:
        notes.dropped(line.name, "not a date or a time")
    return found


def time_of(text: str, line: ContentLine, zones: Zones) -> Moment | None:
    """Read one DATE or DATE-TIME with the parameters of its line."""
    value = read_moment(text)
    if value is None:
        return None
    local = _naive(value)
    said = (line.parameter("VALUE") or "").upper() == "DATE" and local.time() == dt.time()
    is_date = said or not isinstance(value, dt.datetime)
    if is_date:
        return Moment(local.replace(hour=0, minute=0, second=0), zones.default, is_date=True)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return Moment(local, UTC)
    tzid = line.parameter("TZID")
    if tzid:
        return Moment(local, zones.find(tzid, local))
    return Moment(local, zones.default, is_floating=True)


def _naive(moment: dt.date) -> dt.datetime:
    if isinstance(moment, dt.datetime):
        return moment.replace(tzinfo=None)
    return dt.datetime(moment.year, moment.month, moment.day)


def _offset(text: str | None) -> dt.timedelta | None:
    """Read a UTC-OFFSET ([RFC5545] 3.3.14), east of UTC: `-0800`, `-08:00`, `+013000`."""
    match = _OFFSET.fullmatch(text or "")
    if match is None:
        return None
    offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3] or 0), seconds=int(match[4] or 0))
    return -offset if match[1] == "-" else offset


def _written(offset: dt.timedelta) -> str:
    seconds = round(abs(offset).total_seconds())
    sign = "-" if offset < dt.timedelta() else "+"
    text = f"{sign}{seconds // 3600:02}{seconds // 60 % 60:02}"
    return f"{text}{seconds % 60:02}" if seconds % 60 else text
