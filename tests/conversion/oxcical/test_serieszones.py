"""By which rules the times of a series are told, beside zoneinfo.

[MS-OXOCAL] 2.2.1.39, 2.2.1.41, [MS-OXCICAL] 2.1.3.1.1.19.
"""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from conversion.contentlines import read_components
from conversion.oxcical.budget import Budget
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.oxcical.observances import ObservanceZone
from conversion.oxcical.times import Zone
from conversion.oxcical.timezones import (
    EFFECTIVE,
    TimeZoneDefinition,
    TimeZoneRule,
    decode_time_zone_definition,
    decode_time_zone_struct,
    is_consistent,
)
from conversion.oxcical.zonerules import struct_of, year_rule, zone_of_definition, zone_of_series
from conversion.oxcical.zones import read_zone
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import calendar, event, read_one


def series(zone: str, start: str, rule: str) -> MessageContent:
    return read_one(f"DTSTART;TZID={zone}:{start}", "DURATION:PT1H", f"RRULE:{rule}")


def told(content: MessageContent) -> tuple[TimeZoneDefinition, dt.tzinfo]:
    """The definition, and the zone that converts the series by one rule."""
    octets = [
        content.properties[key] for key in (tags.PidLidAppointmentTimeZoneDefinitionRecur, tags.PidLidTimeZoneStruct)
    ]
    assert isinstance(octets[0], bytes)
    assert isinstance(octets[1], bytes)
    definition, structure = decode_time_zone_definition(octets[0]), decode_time_zone_struct(octets[1])
    assert is_consistent(definition, structure)
    found = zone_of_series(definition, structure)
    assert found is not None
    return definition, found


def same(one: dt.tzinfo, other: dt.tzinfo, first: int, last: int) -> None:
    """Noon of each fifth day of these years, from January 3."""
    local = dt.datetime(first, 1, 3, 12)
    while local.year <= last:
        assert local.replace(tzinfo=one).utcoffset() == local.replace(tzinfo=other).utcoffset(), local
        local += dt.timedelta(days=5)


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        ("America/New_York", "20050105T100000"),
        ("America/Mexico_City", "20190105T100000"),
        ("America/Mexico_City", "20010105T100000"),
        ("America/Sao_Paulo", "19980105T100000"),
        ("Europe/Istanbul", "20100105T100000"),
        ("Asia/Amman", "20100105T100000"),
        ("Europe/Moscow", "19950605T100000"),
        ("Europe/Berlin", "20200605T100000"),
    ],
)
def test_a_series_without_end_is_converted_by_the_rule_of_today(zone: str, start: str) -> None:
    definition, one_rule = told(series(zone, start, "FREQ=WEEKLY"))
    by_year = zone_of_definition(definition)
    assert by_year is not None
    same(one_rule, ZoneInfo(zone), 2025, 2040)
    same(by_year, ZoneInfo(zone), 2024, 2045)


@pytest.mark.parametrize(
    ("rule", "effective"),
    [
        ("FREQ=WEEKLY;COUNT=60", 2005),
        ("FREQ=WEEKLY;UNTIL=20071231T000000Z", 2005),
        ("FREQ=WEEKLY;UNTIL=20121231T000000Z", 2007),
    ],
)
def test_a_series_with_an_end_is_converted_by_the_rule_of_most_of_its_years(rule: str, effective: int) -> None:
    definition, _ = told(series("America/New_York", "20050105T100000", rule))
    assert definition.effective is not None
    assert definition.effective.rule == year_rule(ZoneInfo("America/New_York"), effective).rule


def test_rules_that_change_each_year() -> None:
    """In Morocco the clock goes back for Ramadan: the series has the rule of its first year, and those of the next."""
    definition, one_rule = told(series("Africa/Casablanca", "20260105T100000", "FREQ=WEEKLY"))
    same(one_rule, ZoneInfo("Africa/Casablanca"), 2026, 2026)
    by_year = zone_of_definition(definition)
    assert by_year is not None
    same(by_year, ZoneInfo("Africa/Casablanca"), 2026, 2028)


def written_zone(data: bytes) -> dt.tzinfo:
    (component,) = read_components(data)[0].inner("VTIMEZONE")
    found = read_zone(component, Receipt(), Budget())
    assert found is not None
    return ObservanceZone(found)


@pytest.mark.parametrize(
    ("zone", "start", "rule", "first", "last"),
    [
        ("America/Mexico_City", "20220915T100000", "FREQ=WEEKLY", 2022, 2045),
        ("America/Mexico_City", "20010105T100000", "FREQ=WEEKLY", 2002, 2045),
        ("America/New_York", "20050105T100000", "FREQ=WEEKLY", 2005, 2045),
        ("Asia/Amman", "20220601T100000", "FREQ=WEEKLY", 2022, 2045),
        # The day that Samoa left out, which the rule of a year tells two days late, and the half hour of 2015 to 2018.
        ("Pacific/Apia", "20111228T090000", "FREQ=DAILY;COUNT=9", 2012, 2012),
        ("Asia/Pyongyang", "20150101T090000", "FREQ=MONTHLY;COUNT=60", 2016, 2017),
    ],
)
def test_a_series_is_written_with_the_rules_of_its_years(
    zone: str, start: str, rule: str, first: int, last: int
) -> None:
    data = write_calendar(series(zone, start, rule))
    same(written_zone(data), ZoneInfo(zone), first, last)


def test_a_zone_that_nobody_knows_is_written_with_the_rules_of_its_years() -> None:
    """Of a definition with several rules, as its effective one is not for all years."""
    data = write_calendar(series("America/New_York", "20050105T100000", "FREQ=WEEKLY")).replace(
        b"Eastern Standard Time", b"Somewhere"
    )
    (content,) = read_calendar(data)
    definition, one_rule = told(content)
    assert definition.key_name == "Somewhere"
    same(one_rule, ZoneInfo("America/New_York"), 2024, 2030)
    same(written_zone(write_calendar(content)), ZoneInfo("America/New_York"), 2005, 2030)


def test_an_effective_rule_that_the_definition_has_for_no_year_of_the_series() -> None:
    """Then it alone counts ([MS-OXOCAL] 2.2.1.41), and so does PidLidTimeZoneStruct where they disagree."""
    old, new = (year_rule(ZoneInfo("America/New_York"), year).rule for year in (2006, 2007))
    content = read_one("DTSTART:20260305T100000Z", "RRULE:FREQ=WEEKLY")
    definition = TimeZoneDefinition("Somewhere", (TimeZoneRule(1601, old, EFFECTIVE), TimeZoneRule(2007, new)))
    for structure in (struct_of(old), None):
        properties = {
            **content.properties,
            tags.PidLidAppointmentTimeZoneDefinitionRecur: definition.encode(),
            tags.PidLidTimeZoneStruct: None if structure is None else structure.encode(),
        }
        kept = {key: value for key, value in properties.items() if value is not None}
        zone = written_zone(write_calendar(MessageContent(kept)))
        # The old rule has no daylight saving time in March.
        assert dt.datetime(2026, 3, 20, 10, tzinfo=zone).utcoffset() == dt.timedelta(hours=-5)


def test_a_declared_zone_that_changes_late() -> None:
    """Its rules are found without a look at each year."""
    zone = (
        *("BEGIN:VTIMEZONE", "TZID:Somewhere"),
        *("BEGIN:STANDARD", "DTSTART:19900101T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0100", "END:STANDARD"),
        *("BEGIN:STANDARD", "DTSTART:20330101T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "END:STANDARD"),
        "END:VTIMEZONE",
    )
    lines = ("DTSTART;TZID=Somewhere:20000105T100000", "RRULE:FREQ=WEEKLY")
    (content,) = read_calendar(calendar(*zone, *event(*lines)))
    definition, _ = told(content)
    by_year = zone_of_definition(definition)
    assert by_year is not None
    assert dt.datetime(2032, 7, 1, tzinfo=by_year).utcoffset() == dt.timedelta(hours=1)
    assert dt.datetime(2033, 7, 1, tzinfo=by_year).utcoffset() == dt.timedelta(hours=2)
    assert Zone(ZoneInfo("Asia/Tokyo"), "Asia/Tokyo").ruling_year(2026, 4500) == 2026
