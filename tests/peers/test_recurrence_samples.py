"""Every recurrence rule and every time zone of the calendar corpora, beside python-dateutil and zoneinfo."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, takewhile

import pytest
from dateutil.rrule import rrulestr

from conversion.contentlines import Component, read_components
from conversion.oxcical.expansion import expand
from conversion.oxcical.observances import Observance, ObservanceZone, ZoneComponent
from conversion.oxcical.occurrences import dates
from conversion.oxcical.recurrence import datetime_of, minutes_of
from conversion.oxcical.rrule import read_moment, read_rule, write_rule
from conversion.oxcical.templates import Mapped, to_pattern
from conversion.oxcical.zonenames import find_zone
from conversion.oxcical.zonerules import year_rule
from conversion.receipt import Receipt
from tests.support.corpora import CORPORA

pytestmark = pytest.mark.peers
MOST = 50
YEAR = 2019


def components() -> Iterator[Component]:
    """Every component of every sample, with those inside it."""
    files = sorted((CORPORA / "ical").rglob("*.ics"))
    if not files:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    for path in files:
        waiting = list(read_components(path.read_bytes(), receipt=Receipt()))
        while waiting:
            component = waiting.pop()
            waiting += component.components
            yield component


def rules() -> list[tuple[str, dt.datetime]]:
    """Each RRULE with the start of its event."""
    found = set()
    for component in components():
        start = read_moment(component.value("DTSTART") or "")
        if start is not None:
            local = start if isinstance(start, dt.datetime) else dt.datetime(start.year, start.month, start.day)
            found |= {(line.value, local.replace(tzinfo=None)) for line in component.every("RRULE")}
    return sorted(found)


def offset(text: str) -> dt.timedelta:
    """A UTC-OFFSET."""
    digits = text.strip().lstrip("+-").ljust(6, "0")
    size = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:4]), seconds=int(digits[4:6]))
    return -size if text.strip().startswith("-") else size


def zone_of(component: Component) -> ZoneComponent | None:
    """A VTIMEZONE whose observances are whole."""
    found = []
    for inner in component.components:
        start = read_moment(inner.value("DTSTART") or "")
        before, after = inner.value("TZOFFSETFROM"), inner.value("TZOFFSETTO")
        if not isinstance(start, dt.datetime) or not before or not after:
            return None
        rules = tuple(rule for line in inner.every("RRULE") if (rule := read_rule(line.value)) is not None)
        moments = [read_moment(text) for line in inner.every("RDATE") for text in line.value.split(",")]
        dates = tuple(moment.replace(tzinfo=None) for moment in moments if isinstance(moment, dt.datetime))
        start = start.replace(tzinfo=None)
        found.append(Observance(inner.name == "DAYLIGHT", start, offset(before), offset(after), rules, dates))
    return ZoneComponent((component.value("TZID") or "").strip(), tuple(found)) if found else None


def test_rules() -> None:
    tried = 0
    for text, start in rules():
        rule = read_rule(text)
        if rule is None:
            continue
        years = 60 if rule.frequency in ("YEARLY", "MONTHLY") else 2
        end = start.replace(year=start.year + years, day=min(start.day, 28))
        other = rrulestr(write_rule(replace(rule, until=rule.last_moment())), dtstart=start)
        expected = list(islice(takewhile(lambda moment, end=end: moment < end, other), MOST))
        assert list(expand(rule, start, years=years, most=MOST).starts) == expected, (text, start)
        found = to_pattern(rule, start)
        if isinstance(found, Mapped) and not found.notes:
            time, removed = found.start_time_offset, found.pattern.deleted_instance_dates
            days = dates(found.pattern, before=minutes_of(end) - time)
            kept = islice((datetime_of(day + time) for day in days if day not in removed), MOST)
            assert list(kept) == [moment.replace(second=0) for moment in expected], (text, start)
        tried += 1
    assert tried > 1000


def test_zones() -> None:
    told = same = 0
    for component in components():
        if component.name != "VTIMEZONE" or (read := zone_of(component)) is None:
            continue
        zone = ObservanceZone(read)
        assert year_rule(zone, YEAR).exact, read.tzid
        known = find_zone(read.tzid)
        # Only those that go on for ever are to be what their name says.
        if known is None or not any(one.rules and one.rules[0].until is None for one in read.observances):
            continue
        times = [dt.datetime(YEAR, 1, 1, 12) + dt.timedelta(days=day) for day in range(0, 365, 10)]
        told += 1
        same += all(zone.utcoffset(time) == known.zone.utcoffset(time.replace(tzinfo=known.zone)) for time in times)
    # The others say what was the law once: in the United States, before 2007.
    assert told > 60
    assert same > told * 0.7
    print(f"{told} zones that are known by their name, {same} of them the same in {YEAR}")
