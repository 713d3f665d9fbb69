"""Generated rules beside python-dateutil: their instances, their patterns, and these as rules ([MS-OXCICAL] 2.1.3.2.2).

OXGATE_RULES: how many rules instead of 250 (tests/peers/test_recurrence_rules.py tries 5,000).
"""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from dataclasses import replace
from itertools import islice, takewhile

from dateutil.rrule import rrulestr

from conversion.oxcical.expansion import expand
from conversion.oxcical.occurrences import dates, first_date_time
from conversion.oxcical.recurrence import datetime_of, minutes_of
from conversion.oxcical.rrule import Rule, read_rule, write_rule
from conversion.oxcical.templates import Mapped, Unsupported, from_pattern, to_pattern
from tests.conversion.oxcical.generated import generate, generate_times

RULES = int(os.environ.get("OXGATE_RULES", "250"))
YEARS = 4
MOST = 60


def others(rule: Rule, start: dt.datetime, end: dt.datetime) -> list[dt.datetime]:
    """What dateutil makes of a rule before `end`, whose time of the day counts for an UNTIL that is a date."""
    text = write_rule(replace(rule, until=rule.last_moment()))
    found = rrulestr(text, dtstart=start)
    return list(islice(takewhile(lambda moment: moment < end, found.xafter(start, inc=True)), MOST))


def pattern_days(found: Mapped, end: dt.datetime) -> list[dt.datetime]:
    time = found.start_time_offset
    days = dates(found.pattern, before=minutes_of(end) - time, most=4 * MOST)
    return [datetime_of(day + time) for day in days]


def check(seed: int, *, empty: bool = True) -> str:
    """Compare one rule; give what became of it. `empty`: one without an instance too, for which dateutil takes long."""
    rule, start = generate(seed)
    note = f"seed {seed}: {write_rule(rule)} from {start}"
    assert read_rule(write_rule(rule)) == rule, note
    end = start.replace(year=start.year + YEARS, day=min(start.day, 28))
    ours = list(expand(rule, start, years=YEARS, most=MOST).starts)
    expected = others(rule, start, end) if ours or empty else []
    assert ours == expected, note
    found = to_pattern(rule, start)
    if isinstance(found, Unsupported):
        return "no pattern"
    removed = {datetime_of(day).date() for day in found.pattern.deleted_instance_dates}
    days = pattern_days(found, end)
    kept = [day for day in days if day.date() not in removed]
    if found.notes:
        assert set(expected) <= set(days), note
    else:
        assert kept[:MOST] == expected, note
    assert found.pattern.first_date_time == first_date_time(found.pattern), note
    back = from_pattern(found.pattern, found.start_time_offset)
    assert isinstance(back, Rule), note
    first = datetime_of(found.pattern.start_date + found.start_time_offset)
    assert others(back, first, end) == days[:MOST], note
    return "noted" if found.notes else "exact"


def test_generated_rules() -> None:
    became = Counter(check(seed, empty="OXGATE_RULES" in os.environ) for seed in range(RULES))
    # What is told is not what is left out: half of what is generated must be a pattern.
    assert became["exact"] > RULES * 0.4
    assert became["noted"] < RULES * 0.05


def test_generated_times_of_the_day() -> None:
    start = dt.datetime(2026, 1, 8, 9, 17, 5)
    given = 0
    for seed in range(RULES // 6):
        rule = generate_times(seed)
        ours = list(expand(rule, start, most=20).starts)
        try:
            other = rrulestr(write_rule(rule), dtstart=start)
        except ValueError:
            # It sees at once that there are none.
            assert ours == []
            continue
        # Of a rule that never comes true it would look for one until the year 9999.
        if ours:
            given += 1
            assert list(islice(other, len(ours))) == ours, write_rule(rule)
    assert given > RULES // 12
