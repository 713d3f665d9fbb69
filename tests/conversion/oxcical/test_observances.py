"""VTIMEZONE as values ([RFC5545] 3.6.5, [MS-OXCICAL] 2.1.3.1.1.19)."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from conversion.oxcical.observances import Observance, ObservanceZone, ZoneComponent, component_of
from conversion.oxcical.rrule import Rule, read_rule, write_rule
from conversion.oxcical.timezones import SystemTime, YearRule
from conversion.oxcical.windowszones import ZONES
from conversion.oxcical.zonerules import RuleZone, Sampler, year_rule

HOUR = dt.timedelta(hours=1)
EASTERN = YearRule(300, 0, -60, SystemTime(11, 0, 1, 2), SystemTime(3, 0, 2, 2))


def rule(text: str) -> Rule:
    found = read_rule(text)
    assert found is not None
    return found


def observance(
    daylight: bool, start: str, before: float, after: float, *rules: str, dates: tuple[str, ...] = ()
) -> Observance:
    moments = tuple(dt.datetime.fromisoformat(date) for date in dates)
    return Observance(
        daylight, dt.datetime.fromisoformat(start), before * HOUR, after * HOUR, tuple(map(rule, rules)), moments
    )


# The example of [RFC5545] 3.6.5: New York from 1967 on.
NEW_YORK = ZoneComponent(
    "America/New_York",
    (
        observance(True, "1967-04-30T02:00", -5, -4, "FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19730429T070000Z"),
        observance(False, "1967-10-29T02:00", -4, -5, "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z"),
        observance(True, "1974-01-06T02:00", -5, -4, dates=("1975-02-23T02:00",)),
        observance(True, "1976-04-25T02:00", -5, -4, "FREQ=YEARLY;BYMONTH=4;BYDAY=-1SU;UNTIL=19860427T070000Z"),
        observance(True, "1987-04-05T02:00", -5, -4, "FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z"),
        observance(True, "2007-03-11T02:00", -5, -4, "FREQ=YEARLY;BYMONTH=3;BYDAY=2SU"),
        observance(False, "2007-11-04T02:00", -4, -5, "FREQ=YEARLY;BYMONTH=11;BYDAY=1SU"),
    ),
)


def test_the_rfcs_example_is_new_york() -> None:
    ours, theirs = ObservanceZone(NEW_YORK), ZoneInfo("America/New_York")
    moment = dt.datetime(1967, 5, 1)
    while moment.year < 2040:
        for fold in (0, 1):
            local = moment.replace(fold=fold)
            assert local.replace(tzinfo=ours).utcoffset() == local.replace(tzinfo=theirs).utcoffset(), local
        instant = moment.replace(tzinfo=dt.UTC)
        assert instant.astimezone(ours).replace(tzinfo=None) == instant.astimezone(theirs).replace(tzinfo=None)
        moment += dt.timedelta(days=4, hours=7)


@pytest.mark.parametrize("year", [1970, 1974, 1975, 1980, 2006, 2007, 2026])
def test_its_changes_are_those_of_new_york(year: int) -> None:
    assert Sampler(ObservanceZone(NEW_YORK)).changes(year) == Sampler(ZoneInfo("America/New_York")).changes(year)


def test_before_all_observances() -> None:
    zone = ObservanceZone(ZoneComponent("x", (observance(False, "2000-01-01T00:00", 2, 3),)))
    assert dt.datetime(1999, 12, 31, 23, 59, tzinfo=zone).utcoffset() == 2 * HOUR
    assert dt.datetime(2026, 1, 1, tzinfo=zone).utcoffset() == 3 * HOUR
    assert dt.datetime(1, 1, 1, tzinfo=zone).utcoffset() == 2 * HOUR
    assert dt.datetime(9999, 12, 31, tzinfo=zone).utcoffset() == 3 * HOUR


def test_rules_that_no_pattern_says() -> None:
    # Friday from the 23rd to the 29th, as Palestine had it.
    text = "FREQ=YEARLY;BYMONTH=3;BYDAY=FR;BYMONTHDAY=23,24,25,26,27,28,29"
    component = ZoneComponent(
        "x", (observance(True, "2016-03-25T01:00", 2, 3, text), observance(False, "2016-10-28T01:00", 3, 2))
    )
    zone = ObservanceZone(component)
    assert [change.wall.day for change in Sampler(zone).changes(2017)] == [24]
    # Nothing puts it back after 2016.
    assert Sampler(zone).changes(2018) == []
    assert dt.datetime(2028, 3, 24, 2, tzinfo=zone).utcoffset() == 3 * HOUR


def test_days_of_the_month_and_odd_rules() -> None:
    iran = ZoneComponent(
        "x",
        (
            observance(True, "2001-03-22T00:00", 3.5, 4.5, "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=22"),
            observance(False, "2001-09-22T00:00", 4.5, 3.5, "FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=22", "FREQ=SECONDLY"),
        ),
    )
    found = year_rule(ObservanceZone(iran), 2022)
    assert found.exact
    assert found.rule.daylight_date.moment(2022) == dt.datetime(2022, 3, 22)
    assert found.rule.bias == -210


def test_no_observance_is_no_zone() -> None:
    with pytest.raises(ValueError, match="without an observance"):
        ObservanceZone(ZoneComponent("x", ()))


def test_offsets_are_bounded() -> None:
    zone = ObservanceZone(ZoneComponent("x", (observance(False, "2000-01-01T00:00", -99, 99),)))
    assert dt.datetime(2026, 1, 1, tzinfo=zone).utcoffset() == dt.timedelta(hours=23, minutes=59, seconds=59)


def test_a_rule_as_a_component() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.19: one STANDARD and one DAYLIGHT, from 1601 on."""
    standard, daylight = component_of("Eastern Standard Time", [(1601, EASTERN)]).observances
    assert (standard.daylight, daylight.daylight) == (False, True)
    assert standard.start == dt.datetime(1601, 11, 4, 2)
    assert (standard.offset_from, standard.offset_to) == (-4 * HOUR, -5 * HOUR)
    assert write_rule(standard.rules[0]) == "FREQ=YEARLY;BYDAY=1SU;BYMONTH=11"
    assert write_rule(daylight.rules[0]) == "FREQ=YEARLY;BYDAY=2SU;BYMONTH=3"
    (only,) = component_of("Tokyo Standard Time", [(1601, YearRule(-540))]).observances
    assert (only.daylight, only.start, only.rules) == (False, dt.datetime(1601, 1, 1), ())
    assert only.offset_from == only.offset_to == 9 * HOUR


def test_several_rules_as_a_component() -> None:
    old = YearRule(300, 0, -60, SystemTime(10, 0, 5, 2), SystemTime(4, 0, 1, 2))
    made = component_of("x", [(2005, old), (2007, EASTERN)])
    assert [write_rule(one.rules[0]) for one in made.observances] == [
        "FREQ=YEARLY;UNTIL=20061029T060000Z;BYDAY=-1SU;BYMONTH=10",
        "FREQ=YEARLY;UNTIL=20060402T070000Z;BYDAY=1SU;BYMONTH=4",
        "FREQ=YEARLY;BYDAY=1SU;BYMONTH=11",
        "FREQ=YEARLY;BYDAY=2SU;BYMONTH=3",
    ]


def test_the_last_second_of_a_day() -> None:
    rule_of_year = YearRule(180, 0, -60, SystemTime(2, 6, 3, 23, 59, 59, 999), SystemTime(10, 6, 3, 23, 59, 59, 999))
    standard, _ = component_of("x", [(1601, rule_of_year)]).observances
    assert standard.start == dt.datetime(1601, 2, 17, 23, 59, 59)
    assert write_rule(standard.rules[0]) == "FREQ=YEARLY;BYDAY=3SA;BYMONTH=2"


@pytest.mark.parametrize("years", [(2026, 2026), (2005, 2027)])
def test_components_of_windows_zones_tell_the_time_of_their_rules(years: tuple[int, int]) -> None:
    for name, zones in list(ZONES.items())[:: 1 if years[0] == 2026 else 5]:
        rules = Sampler(ZoneInfo(zones.split()[0])).rules(*years)
        component = component_of(name, [(1601, rules[0][1]), *rules[1:]])
        ours, ruled = ObservanceZone(component), RuleZone(name, rules)
        if years[0] == years[1]:
            assert year_rule(ours, 2026).rule == rules[0][1], name
        for year in range(years[0], years[1] + 1, 3):
            for day in range(3, 365, 13):
                local = dt.datetime(year, 1, 1, 1, 30) + dt.timedelta(days=day)
                assert local.replace(tzinfo=ours).utcoffset() == local.replace(tzinfo=ruled).utcoffset(), (name, local)
