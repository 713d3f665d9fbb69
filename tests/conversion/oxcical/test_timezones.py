"""Time zone structures ([MS-OXOCAL] 2.2.1.39, 2.2.1.41, 2.2.1.41.1, 2.2.1.42, 2.2.1.43)."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.errors import ConversionError
from conversion.oxcical.timezones import (
    SystemTime,
    TimeZoneDefinition,
    TimeZoneRule,
    TimeZoneStruct,
    YearRule,
    decode_time_zone_definition,
    decode_time_zone_struct,
    is_consistent,
)

PACIFIC = YearRule(480, 0, -60, SystemTime(11, 0, 1, 2), SystemTime(3, 0, 2, 2))


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        (SystemTime(11, 0, 1, 2), dt.datetime(2026, 11, 1, 2)),
        (SystemTime(3, 0, 2, 2), dt.datetime(2026, 3, 8, 2)),
        (SystemTime(10, 0, 5, 3), dt.datetime(2026, 10, 25, 3)),
        (SystemTime(2, 6, 5), dt.datetime(2026, 2, 28)),
        (SystemTime(10, 6, 3, 23, 59, 59, 999), dt.datetime(2026, 10, 18)),
        (SystemTime(3, 0, 21, 2, year=2001), dt.datetime(2026, 3, 21, 2)),
        (SystemTime(2, 0, 30, year=2001), dt.datetime(2026, 2, 28)),
        (SystemTime(), None),
        (SystemTime(13, 0, 1), None),
        (SystemTime(1, 0, 1, 24), None),
    ],
)
def test_dates_of_each_year(date: SystemTime, moment: dt.datetime | None) -> None:
    assert date.moment(2026) == moment


def test_the_layout_of_a_struct() -> None:
    octets = TimeZoneStruct(PACIFIC).encode()
    assert octets.hex() == (
        "e001000000000000c4ffffff000000000b00000001000200000000000000000000000300000002000200000000000000"
    )
    assert decode_time_zone_struct(octets).rule == PACIFIC


def test_the_layout_of_a_definition() -> None:
    made = TimeZoneDefinition("Pacific Standard Time", (TimeZoneRule(2007, PACIFIC, 2),))
    octets = made.encode()
    assert octets[:8].hex() == "0201300002001500"
    assert octets[8:50].decode("utf-16-le") == "Pacific Standard Time"
    assert octets[50:60].hex() == "010002013e000200d707"
    assert len(octets) == 52 + 66
    assert decode_time_zone_definition(octets) == made


def test_which_rule_is_effective() -> None:
    old, new = TimeZoneRule(2006, YearRule(480)), TimeZoneRule(2007, PACIFIC)
    marked = TimeZoneRule(2006, YearRule(480), 2)
    assert TimeZoneDefinition("x", (marked, new)).effective == marked
    assert TimeZoneDefinition("x", (old, new)).effective == new
    assert TimeZoneDefinition("x", ()).effective is None
    assert is_consistent(TimeZoneDefinition("x", (old, new)), TimeZoneStruct(PACIFIC))
    assert not is_consistent(TimeZoneDefinition("x", (marked, new)), TimeZoneStruct(PACIFIC))
    assert not is_consistent(TimeZoneDefinition("x", ()), TimeZoneStruct(PACIFIC))


def test_offsets_stay_below_a_day() -> None:
    assert YearRule(480).standard_offset == -dt.timedelta(hours=8)
    assert YearRule(1 << 30, 1 << 30).standard_offset == -dt.timedelta(minutes=1439)
    assert YearRule(-(1 << 31)).daylight_offset == dt.timedelta(minutes=1439)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        TimeZoneStruct(YearRule(1 << 31)).encode()
    with pytest.raises(ValueError, match="does not fit"):
        TimeZoneDefinition("x", (TimeZoneRule(1 << 16, PACIFIC),)).encode()


@given(st.binary(max_size=80), st.integers(0, 2), st.text(max_size=5))
def test_octets_come_back(octets: bytes, count: int, name: str) -> None:
    made = TimeZoneDefinition(name, (TimeZoneRule(2007, PACIFIC),) * count, header_size=count or None, rest=octets)
    for data in (octets, made.encode(), made.encode()[:-1], TimeZoneStruct(PACIFIC, 1, 2, octets).encode()):
        for decode in (decode_time_zone_struct, decode_time_zone_definition):
            try:
                found = decode(data)
            except ConversionError:
                continue
            assert found.encode() == data
