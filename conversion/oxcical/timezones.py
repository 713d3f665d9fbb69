"""The time zone structures of calendar objects ([MS-OXOCAL] 2.2.1.39, 2.2.1.41).

A YearRule says how local time is told in a year: PidLidTimeZoneStruct holds one, a time zone definition (the three
PidLidAppointmentTimeZoneDefinition... properties) holds some, each from a year on. Biases are minutes that are added
to local time to get UTC: west is positive. What was read is written again octet by octet. zonerules.py evaluates them.
"""

from __future__ import annotations

import datetime as dt
import struct
from calendar import monthrange
from dataclasses import dataclass

from conversion.errors import ConversionError

MAX_BIAS = 1440
"""Minutes; a greater bias is taken as this much."""
RECUR_CURRENT = 0x0001
"""TZRule flag: the rule belongs to a recurring series."""
EFFECTIVE = 0x0002
"""TZRule flag: the rule by which times are converted."""
FIRST_YEAR = 1601
LAST_WEEK = 5
_SYSTEM_TIME = struct.Struct("<8H")
_STRUCT = struct.Struct("<iiiH16sH16s")
_RULE = struct.Struct("<BBHHH14siii16s16s")
_HEADER = struct.Struct("<BBHHH")


@dataclass(frozen=True, slots=True)
class SystemTime:
    """When standard or daylight saving time begins, by the clock before it; month 0 for never."""

    month: int = 0
    day_of_week: int = 0
    """0 for Sunday."""
    day: int = 0
    """Which of these days of the month, 5 for the last; with a year, the day of the month."""
    hour: int = 0
    minute: int = 0
    second: int = 0
    milliseconds: int = 0
    year: int = 0
    """0 for each year; else the date is absolute."""

    def encode(self) -> bytes:
        """Give the 16 octets of a SYSTEMTIME."""
        date = (self.year, self.month, self.day_of_week, self.day)
        return _SYSTEM_TIME.pack(*date, self.hour, self.minute, self.second, self.milliseconds)

    def moment(self, year: int) -> dt.datetime | None:
        """Give the local time in a year (1 to 9998), or None if there is none.

        An absolute date is taken for the same day of each year that its rule is for. The last millisecond of a day,
        which Windows writes for midnight, is that midnight.
        """
        if not 1 <= self.month <= 12 or self.hour > 23 or self.minute > 59 or self.second > 59:
            return None
        first, length = monthrange(year, self.month)
        if self.year:
            day = min(max(self.day, 1), length)
        else:
            day = 1 + (self.day_of_week - 1 - first) % 7 + 7 * (min(max(self.day, 1), LAST_WEEK) - 1)
            while day > length:
                day -= 7
        found = dt.datetime(year, self.month, day, self.hour, self.minute, self.second)
        return found + dt.timedelta(seconds=1) if self.milliseconds >= 500 else found


@dataclass(frozen=True, slots=True)
class YearRule:
    """How local time is told in a year."""

    bias: int
    """Minutes, west of UTC is positive."""
    standard_bias: int = 0
    """Minutes more in standard time."""
    daylight_bias: int = 0
    """Minutes more in daylight saving time: mostly -60."""
    standard_date: SystemTime = SystemTime()
    """When standard time begins."""
    daylight_date: SystemTime = SystemTime()

    @property
    def has_daylight(self) -> bool:
        """Whether there are two times of the year."""
        return bool(self.standard_date.month and self.daylight_date.month)

    @property
    def standard_offset(self) -> dt.timedelta:
        """East of UTC, in standard time."""
        return _offset(self.bias + self.standard_bias)

    @property
    def daylight_offset(self) -> dt.timedelta:
        """East of UTC, in daylight saving time."""
        return _offset(self.bias + self.daylight_bias)


def _offset(bias: int) -> dt.timedelta:
    # A tzinfo must stay below a day.
    return -dt.timedelta(minutes=min(max(bias, 1 - MAX_BIAS), MAX_BIAS - 1))


@dataclass(frozen=True, slots=True)
class TimeZoneStruct:
    """The value of PidLidTimeZoneStruct: the zone of a recurring series ([MS-OXOCAL] 2.2.1.39)."""

    rule: YearRule
    standard_year: int = 0
    """As the year of the rule's dates."""
    daylight_year: int = 0
    rest: bytes = b""
    """Octets behind the structure."""

    def encode(self) -> bytes:
        """Give the octets. ValueError if a bias does not fit."""
        first, second = self.rule.standard_date.encode(), self.rule.daylight_date.encode()
        years = (self.standard_year, first, self.daylight_year, second)
        return _pack(_STRUCT, *_biases(self.rule), *years) + self.rest


@dataclass(frozen=True, slots=True)
class TimeZoneRule:
    """The rule from a year on ([MS-OXOCAL] 2.2.1.41.1)."""

    year: int
    rule: YearRule
    flags: int = 0
    """RECUR_CURRENT, EFFECTIVE."""
    x: bytes = bytes(14)
    major_version: int = 2
    minor_version: int = 1
    reserved: int = 0x3E

    def encode(self) -> bytes:
        """Give the 66 octets. ValueError if a field does not fit."""
        rule = self.rule
        head = (self.major_version, self.minor_version, self.reserved, self.flags, self.year, self.x)
        return _pack(_RULE, *head, *_biases(rule), rule.standard_date.encode(), rule.daylight_date.encode())


@dataclass(frozen=True, slots=True)
class TimeZoneDefinition:
    """A zone and its rules ([MS-OXOCAL] 2.2.1.41).

    PidLidAppointmentTimeZoneDefinitionStartDisplay and -EndDisplay have the same form ([MS-OXOCAL] 2.2.1.42, 2.2.1.43).
    """

    key_name: str
    """The name that Windows has for the zone."""
    rules: tuple[TimeZoneRule, ...]
    major_version: int = 2
    minor_version: int = 1
    reserved: int = 2
    header_size: int | None = None
    """cbHeader, where it is not what it should be."""
    rest: bytes = b""
    """Octets behind the structure."""

    @property
    def effective(self) -> TimeZoneRule | None:
        """The rule by which times are converted: the marked one, else the last."""
        marked = [rule for rule in self.rules if rule.flags & EFFECTIVE]
        return next(iter(marked or self.rules[-1:]), None)

    def encode(self) -> bytes:
        """Give the octets. ValueError if a field does not fit."""
        name = self.key_name.encode("utf-16-le", "surrogatepass")
        size = 6 + len(name) if self.header_size is None else self.header_size
        head = _pack(_HEADER, self.major_version, self.minor_version, size, self.reserved, len(name) // 2)
        count = _pack(struct.Struct("<H"), len(self.rules))
        return b"".join((head, name, count, *(rule.encode() for rule in self.rules), self.rest))


def decode_time_zone_struct(octets: bytes) -> TimeZoneStruct:
    """Read PidLidTimeZoneStruct ([MS-OXOCAL] 2.2.1.39). ConversionError if it is cut off."""
    if len(octets) < _STRUCT.size:
        raise ConversionError("a time zone that is cut off")
    bias, standard, daylight, standard_year, first, daylight_year, second = _STRUCT.unpack_from(octets)
    rule = YearRule(bias, standard, daylight, _system_time(first), _system_time(second))
    return TimeZoneStruct(rule, standard_year, daylight_year, octets[_STRUCT.size :])


def decode_time_zone_definition(octets: bytes) -> TimeZoneDefinition:
    """Read a time zone definition ([MS-OXOCAL] 2.2.1.41). ConversionError if it is cut off."""
    if len(octets) < _HEADER.size:
        raise ConversionError("a time zone definition that is cut off")
    major, minor, size, reserved, length = _HEADER.unpack_from(octets)
    at = _HEADER.size + 2 * length
    count = int.from_bytes(octets[at : at + 2], "little")
    end = at + 2 + count * _RULE.size
    if end > len(octets):
        raise ConversionError("a time zone definition that is cut off")
    name = octets[_HEADER.size : at].decode("utf-16-le", "surrogatepass")
    rules = tuple(_rule(octets, start) for start in range(at + 2, end, _RULE.size))
    header_size = None if size == 6 + 2 * length else size
    return TimeZoneDefinition(name, rules, major, minor, reserved, header_size, octets[end:])


def is_consistent(definition: TimeZoneDefinition, structure: TimeZoneStruct) -> bool:
    """Whether a definition says what PidLidTimeZoneStruct says, which decides if it does not ([MS-OXOCAL] 2.2.1.41)."""
    effective = definition.effective
    return effective is not None and effective.rule == structure.rule


def _rule(octets: bytes, start: int) -> TimeZoneRule:
    major, minor, reserved, flags, year, x, bias, standard, daylight, first, second = _RULE.unpack_from(octets, start)
    rule = YearRule(bias, standard, daylight, _system_time(first), _system_time(second))
    return TimeZoneRule(year, rule, flags, x, major, minor, reserved)


def _system_time(octets: bytes) -> SystemTime:
    year, month, day_of_week, day, hour, minute, second, milliseconds = _SYSTEM_TIME.unpack(octets)
    return SystemTime(month, day_of_week, day, hour, minute, second, milliseconds, year)


def _biases(rule: YearRule) -> tuple[int, int, int]:
    return rule.bias, rule.standard_bias, rule.daylight_bias


def _pack(layout: struct.Struct, *values: int | bytes) -> bytes:
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise ValueError(f"a field of a time zone does not fit: {error}") from error
