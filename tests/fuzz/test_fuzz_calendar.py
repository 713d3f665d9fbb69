"""Damaged calendar structures and rules: ConversionError, or octets that come back, and work within bounds.

[MS-OXOCAL] 2.2.1.27, 2.2.1.39, 2.2.1.41, 2.2.1.44.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from typing import Protocol

import pytest

from conversion.errors import ConversionError
from conversion.oxcical.expansion import expand
from conversion.oxcical.globalobjectid import decode_global_object_id, global_object_id
from conversion.oxcical.observances import Observance, ObservanceZone, ZoneComponent, component_of
from conversion.oxcical.occurrences import instances, last_date
from conversion.oxcical.recurrence import AppointmentRecurrencePattern
from conversion.oxcical.recurrenceblob import decode_appointment_recurrence, decode_recurrence_pattern
from conversion.oxcical.rrule import Rule, read_rule, write_rule
from conversion.oxcical.templates import Mapped, from_pattern, to_pattern
from conversion.oxcical.timezones import (
    TimeZoneDefinition,
    TimeZoneStruct,
    decode_time_zone_definition,
    decode_time_zone_struct,
)
from conversion.oxcical.zonenames import find_zone
from conversion.oxcical.zonerules import year_rule, zone_of_definition, zone_of_struct
from conversion.receipt import Receipt
from tests.fuzz.damage import ENDLESS, damage_with, try_damaged

START = dt.datetime(2026, 1, 31, 9, 30)
_ZONE = "2C01000000000000C4FFFFFF"
_DATES = "00000B0000000100020000000000000000000300000002000200000000000000"
_DAILY = (
    "043004300A2000000000A0050000E010000000000000212000000A0000000000000002000000A0C1DC0C80D2DC0C00000000207EDC0C"
    "0016DD0C0630000009300000E0010000FE01000000000000000000000000"
)
_MONTHLY = (
    "043004300C20030000000000000001000000000000001000000005000000232000000A000000000000000000000000000000207EDC0C"
    "DF80E95A0630000009300000E0010000FE01000000000000000000000000"
)
_WEEKLY = (
    "043004300B2001000000C0210000010000000000000032000000222000000C0000000000000001000000A096BC0C01000000A096BC0C"
    "8020BC0C20ADBC0C0630000009300000580200007602000001003499BC0C5299BC0CF898BC0C1100030002004162080007003334"
    "2F34313431000000000400000000000000000000003499BC0C5299BC0CF898BC0C020041006200070033003400"
    "2F0034003100340031000000000000000000"
)
_STRUCT = f"{_ZONE}0000{_DATES[:32]}0000{_DATES[32:]}"
_DEFINITION = f"02010E00020004005800200059003100010002013E000200D707{'00' * 14}{_ZONE}{_DATES}"
_MEETING = (
    "040000008200E00074C5B7101A82E00807D803195025D461E473C8010000000000000000100000002A5844B3A444F74A9C246C60886F116B"
)
BLOBS = [bytes.fromhex(text) for text in (_DAILY, _MONTHLY, _WEEKLY, _STRUCT, _DEFINITION, _MEETING)]
RULES = [
    b"FREQ=MONTHLY;INTERVAL=2;COUNT=9;BYDAY=-1FR,2MO;BYSETPOS=-1;WKST=SU",
    b"FREQ=YEARLY;UNTIL=20301231T235959Z;BYMONTH=2,8;BYMONTHDAY=29,30,31",
    b"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0",
    b"FREQ=SECONDLY;INTERVAL=7;BYWEEKNO=53;BYYEARDAY=-1;BYSECOND=60",
    b"(UTC+01:00) Amsterdam, Berlin, Bern /x/Europe/Berlin GMT Standard Time 1",
]
SEEDS = [*BLOBS, *RULES]
PIECES = [
    b"\0" * 4,
    b"\xff" * 4,
    b"\x01\0\0\0",
    b"\x24\x20",
    b";BYDAY=",
    b"1MO",
    b",",
    b"-1",
    b";BYMONTH=2",
    b"FREQ=YEARLY;",
]


class Structure(Protocol):
    """Whatever a decoder gives."""

    def encode(self) -> bytes:
        """Give the octets."""


DECODERS: tuple[Callable[[bytes], Structure], ...] = (
    decode_appointment_recurrence,
    decode_time_zone_struct,
    decode_time_zone_definition,
    decode_global_object_id,
)


def check(raw: bytes) -> object:
    """Read octets as everything that they might be, and as a rule; give what they were."""
    seen = []
    for decode in DECODERS:
        try:
            found = decode(raw)
        except ConversionError:
            continue
        assert found.encode() == raw
        seen.append(decode.__name__)
        use(found)
    try:
        pattern, rest = decode_recurrence_pattern(raw)
    except ConversionError:
        pass
    else:
        assert pattern.encode() + rest == raw
        seen.append(f"pattern {pattern.pattern_type} {last_date(pattern) is None}")
        rule = from_pattern(pattern, 540)
        seen.append(use_rule(rule) if isinstance(rule, Rule) else rule.reason)
    text = raw[:3000].decode("latin-1")
    uid = global_object_id(text).encode()
    assert decode_global_object_id(uid).encode() == uid
    seen.append(str(find_zone(text) is None))
    receipt = Receipt()
    read = read_rule(text, receipt=receipt)
    if read is not None:
        seen.append(use_rule(read))
    return tuple(seen)


def use(found: Structure) -> None:
    """Whatever is done with a structure once it is read."""
    if isinstance(found, AppointmentRecurrencePattern):
        assert len(instances(found, most=20)) <= 20
    elif isinstance(found, TimeZoneStruct):
        use_zone(zone_of_struct(found))
        component_of("x", [(1601, found.rule)])
    elif isinstance(found, TimeZoneDefinition):
        zone = zone_of_definition(found)
        if zone is not None:
            use_zone(zone)


def use_zone(zone: dt.tzinfo) -> None:
    """Tell some times by it."""
    for year in (1, 2026, 9999):
        local = dt.datetime(year, 6, 1, tzinfo=zone)
        assert local.utcoffset() is not None
    for day in (1, 100, 300):
        instant = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=day)
        assert instant.astimezone(zone).astimezone(dt.UTC) == instant
    year_rule(zone, 2026)


def use_rule(rule: Rule) -> str:
    """Write it, expand it, make a pattern of it, and an observance."""
    assert read_rule(write_rule(rule)) == rule
    assert len(expand(rule, START, most=50).starts) <= 50
    hour = dt.timedelta(hours=1)
    observance = Observance(True, START, hour, 2 * hour, (rule,))
    use_zone(ObservanceZone(ZoneComponent("x", (observance, Observance(False, START, hour, hour)))))
    found = to_pattern(rule, START)
    if not isinstance(found, Mapped):
        return found.reason
    assert decode_recurrence_pattern(found.pattern.encode()) == (found.pattern, b"")
    assert from_pattern(found.pattern)
    return f"{found.pattern.pattern_type} {found.notes}"


def test_whole_ones() -> None:
    kinds = ["appointment_recurrence"] * 3 + ["time_zone_struct", "time_zone_definition", "global_object_id"]
    for raw, kind in zip(BLOBS, kinds, strict=True):
        assert f"decode_{kind}" in str(check(raw))
    for raw in RULES:
        check(raw)


def test_damaged_ones() -> None:
    try_damaged(check, SEEDS, 150, seconds=3, change=damage_with(PIECES))


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_damaged_ones_for_long() -> None:
    seconds = float(os.environ.get("OXGATE_FUZZ_SECONDS", "300"))
    try_damaged(check, SEEDS, ENDLESS, seconds=seconds, change=damage_with(PIECES))
