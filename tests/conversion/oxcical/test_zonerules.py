"""Zones made of rules, and the rules of zones ([MS-OXOCAL] 2.2.1.39, 2.2.1.41, 2.2.1.41.1)."""

from __future__ import annotations

import copy
import datetime as dt
import random
from zoneinfo import ZoneInfo

import pytest

from conversion.oxcical.timezones import (
    EFFECTIVE,
    RECUR_CURRENT,
    SystemTime,
    TimeZoneDefinition,
    TimeZoneRule,
    YearRule,
)
from conversion.oxcical.windowszones import ZONES
from conversion.oxcical.zonerules import (
    RuleZone,
    Sampler,
    definition_of,
    struct_of,
    year_rule,
    zone_of_definition,
    zone_of_series,
    zone_of_struct,
)

HOUR = dt.timedelta(hours=1)
EASTERN_OLD = YearRule(300, 0, -60, SystemTime(10, 0, 5, 2), SystemTime(4, 0, 1, 2))
EASTERN = YearRule(300, 0, -60, SystemTime(11, 0, 1, 2), SystemTime(3, 0, 2, 2))
SYDNEY = YearRule(-600, 0, -60, SystemTime(4, 0, 1, 3), SystemTime(10, 0, 1, 2))
NEW_YORK = RuleZone("Eastern Standard Time", [(2006, EASTERN_OLD), (2007, EASTERN)])


@pytest.mark.parametrize(
    ("local", "offset"),
    [
        (dt.datetime(2026, 1, 15, 12), -5),
        (dt.datetime(2026, 7, 15, 12), -4),
        # In 2006 daylight saving time began in April.
        (dt.datetime(2006, 3, 20), -5),
        (dt.datetime(2007, 3, 20), -4),
        (dt.datetime(1980, 4, 20), -4),
        # 2:00 to 3:00 is left out: told by the offset before, or with fold=1 by the one after.
        (dt.datetime(2026, 3, 8, 1, 59), -5),
        (dt.datetime(2026, 3, 8, 2, 30), -5),
        (dt.datetime(2026, 3, 8, 2, 30, fold=1), -4),
        (dt.datetime(2026, 3, 8, 3), -4),
        # 1:00 to 2:00 is there twice.
        (dt.datetime(2026, 11, 1, 1, 30), -4),
        (dt.datetime(2026, 11, 1, 1, 30, fold=1), -5),
        (dt.datetime(2026, 11, 1, 2), -5),
    ],
)
def test_offsets(local: dt.datetime, offset: int) -> None:
    assert local.replace(tzinfo=NEW_YORK).utcoffset() == offset * HOUR
    assert local.replace(tzinfo=ZoneInfo("America/New_York")).utcoffset() == offset * HOUR or local.year == 1980


def test_local_time_from_utc() -> None:
    for hour, local, fold in ((5, 1, 0), (6, 1, 1), (7, 2, 0)):
        found = dt.datetime(2026, 11, 1, hour, 30, tzinfo=dt.UTC).astimezone(NEW_YORK)
        assert (found.hour, found.fold) == (local, fold)
    assert dt.datetime(2026, 1, 1, tzinfo=dt.UTC).astimezone(RuleZone("", [(1601, SYDNEY)])).hour == 11


def test_a_zone_behaves_as_a_tzinfo() -> None:
    assert NEW_YORK.utcoffset(None) is None
    assert dt.time(12, tzinfo=NEW_YORK).utcoffset() is None
    assert dt.datetime(2026, 1, 1, tzinfo=NEW_YORK).tzname() == "Eastern Standard Time"
    assert copy.copy(dt.datetime(2026, 1, 1, tzinfo=NEW_YORK)).dst() is None
    assert repr(NEW_YORK) == "RuleZone('Eastern Standard Time')"
    for year in (1, 9999):
        assert dt.datetime(year, 6, 1, tzinfo=NEW_YORK).utcoffset() is not None
    assert dt.datetime.max.replace(tzinfo=dt.UTC).astimezone(NEW_YORK).year == 9999
    assert RuleZone("", []).rule(2026) == YearRule(0)


def test_a_year_that_begins_by_another_offset() -> None:
    """[MS-OXOCAL] 2.2.1.41.1: a rule holds from January 1 of its year to that of the next."""
    zone = RuleZone("", [(2010, YearRule(0)), (2011, YearRule(-180))])
    assert dt.datetime(2010, 12, 31, 23, 59, tzinfo=zone).utcoffset() == 0 * HOUR
    assert dt.datetime(2011, 1, 1, 3, tzinfo=zone).utcoffset() == 3 * HOUR
    assert dt.datetime(2011, 1, 1, 0, tzinfo=dt.UTC).astimezone(zone).hour == 3


def test_the_rule_of_a_year() -> None:
    assert year_rule(ZoneInfo("America/New_York"), 2006).rule == EASTERN_OLD
    assert year_rule(ZoneInfo("America/New_York"), 2026).rule == EASTERN
    # The last Sunday of October 2026 is the fourth as well, the first of April 2028 is not.
    assert year_rule(ZoneInfo("Europe/Berlin"), 2026).rule.standard_date == SystemTime(10, 0, 5, 3)
    assert year_rule(ZoneInfo("Australia/Sydney"), 2028).rule == SYDNEY
    assert year_rule(ZoneInfo("Asia/Tokyo"), 2026).rule == YearRule(-540)
    assert year_rule(dt.UTC, 2026).rule == YearRule(0)
    # Ireland's winter time is the standard here, whatever its law says.
    assert year_rule(ZoneInfo("Europe/Dublin"), 2026).rule.bias == 0


def test_years_with_one_change_and_with_three() -> None:
    # Turkey stayed with summer time in 2016: standard time begins with the year.
    found = year_rule(ZoneInfo("Europe/Istanbul"), 2016)
    assert found.exact
    assert found.rule == YearRule(-120, 0, -60, SystemTime(1, 5, 1), SystemTime(3, 0, 5, 3))
    assert dt.datetime(2016, 12, 1, tzinfo=RuleZone("", [(2016, found.rule)])).utcoffset() == 3 * HOUR
    assert not year_rule(ZoneInfo("Africa/Cairo"), 2014).exact


def windows_zones() -> list[str]:
    return [zones.split()[0] for zones in ZONES.values()]


def test_the_rules_of_windows_zones_tell_the_time_as_zoneinfo() -> None:
    dice = random.Random(5)
    for key in windows_zones():
        zone = ZoneInfo(key)
        sampler = Sampler(zone)
        years = [2007, 2016, 2025, 2026, 2036]
        for year in years:
            found = sampler.rule(year)
            ruled = RuleZone(key, [(year, found.rule)])
            if not found.exact:
                assert key in ("Africa/Casablanca", "Africa/Cairo")
                continue
            moments = [dt.datetime(year, 1, 3) + dt.timedelta(minutes=dice.randrange(360 * 1440)) for _ in range(2)]
            for change in sampler.changes(year):
                moments += [change.wall + dt.timedelta(minutes=minutes) for minutes in (-61, -30, 0, 30, 61)]
            for moment in moments:
                for fold in (0, 1):
                    local = moment.replace(fold=fold)
                    ours, theirs = local.replace(tzinfo=ruled).utcoffset(), local.replace(tzinfo=zone).utcoffset()
                    assert ours == theirs or moment.month == 1, (key, local)
                instant = moment.replace(tzinfo=dt.UTC)
                assert instant.astimezone(ruled).replace(tzinfo=None) == instant.astimezone(zone).replace(tzinfo=None)


def test_equal_years_are_one_rule() -> None:
    assert Sampler(ZoneInfo("America/New_York")).rules(2005, 2030) == [(2005, EASTERN_OLD), (2007, EASTERN)]


def test_definitions_are_made() -> None:
    """[MS-OXOCAL] 2.2.1.41: both flags for a series, [MS-OXOCAL] 2.2.1.42, 2.2.1.43: one for a start or an end."""
    rules = [(2005, EASTERN_OLD), (2007, EASTERN)]
    for year, number in ((2004, 0), (2006, 0), (2007, 1), (2026, 1)):
        for recurring, flags in ((False, EFFECTIVE), (True, EFFECTIVE | RECUR_CURRENT)):
            made = definition_of("Eastern Standard Time", rules, year, recurring=recurring)
            assert [rule.flags for rule in made.rules] == [flags if one == number else 0 for one in (0, 1)]
            assert [rule.year for rule in made.rules] == [1601, 2007]
    assert definition_of("x", [], 2026, recurring=True).rules == ()


def test_the_zone_of_a_series() -> None:
    """[MS-OXOCAL] 2.2.1.41: the effective rule alone, and PidLidTimeZoneStruct where they disagree."""
    effective = TimeZoneRule(2006, EASTERN_OLD, EFFECTIVE)
    definition = TimeZoneDefinition("x", (effective, TimeZoneRule(2007, EASTERN)))
    march = dt.datetime(2026, 3, 20)

    def offset(zone: dt.tzinfo | None) -> float:
        assert zone is not None
        return (march.replace(tzinfo=zone).utcoffset() or HOUR) / HOUR

    assert offset(zone_of_series(definition, None)) == -5
    assert offset(zone_of_series(definition, struct_of(EASTERN_OLD))) == -5
    assert offset(zone_of_series(definition, struct_of(EASTERN))) == -4
    assert offset(zone_of_series(None, struct_of(EASTERN))) == -4
    assert offset(zone_of_struct(struct_of(EASTERN))) == -4
    assert offset(zone_of_definition(definition)) == -4
    assert zone_of_series(None, None) is None
    assert zone_of_series(TimeZoneDefinition("x", ()), None) is None
    assert zone_of_definition(TimeZoneDefinition("x", ())) is None
