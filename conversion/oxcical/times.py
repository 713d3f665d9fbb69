"""Times of iCalendar and of MAPI: dates, local times with a zone, durations, FILETIMEs ([RFC5545] 3.3.4 to 3.3.6).

Times in MAPI are UTC, without a zone beside them; a calendar object says its zones in properties of their own
([MS-OXOCAL] 2.2.1.39, 2.2.1.42, 2.2.1.43). `Zone` is what both need: the clock, and the names it goes by.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from zoneinfo import ZoneInfo

from conversion.oxcical.observances import ZoneComponent, component_of
from conversion.oxcical.timezones import YearRule
from conversion.oxcical.zonenames import find_zone
from conversion.oxcical.zonerules import Sampler, definition_of, struct_of

EPOCH = dt.datetime(1601, 1, 1)
LAST = dt.datetime(4500, 12, 31, 23, 59)
"""The last minute that a recurrence pattern can say."""
MINUTE = dt.timedelta(minutes=1)
DAY = dt.timedelta(days=1)
_TICK = dt.timedelta(microseconds=1)
_YEARS_BY_YEAR = 20
"""Years in which a declared zone is looked at year by year: that is dear."""
_FORESEEN = 2050
"""The last year for which rules are looked for, unless a series begins late: zones that are known are settled by it."""
_LAST_YEARS = 20
"""Those before that which count for a series without end."""
_SETTLED = 3
"""How many of them a rule must have."""
_RULES_FROM, _RULES_TO = 1970, 2200
_DURATION = re.compile(
    r"\s*([+-]?)P(?:(\d{1,6})W)?(?:(\d{1,7})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,9})M)?(?:(\d{1,10})S)?)?\s*", re.I
)


class Zone:
    """A time zone: how it tells the time, and its names."""

    __slots__ = ("_definitions", "_sampler", "key", "tz", "tzid")

    def __init__(self, tz: dt.tzinfo, tzid: str, key: str | None = None) -> None:
        self.tz = tz
        self.tzid = tzid
        """The name that the calendar has for it, or IANA's."""
        self.key = key or tzid
        """The name that goes into a definition: Windows', where it has the zone."""
        self._sampler = Sampler(tz)
        self._definitions: dict[tuple[int, int, bool], bytes] = {}

    @property
    def is_utc(self) -> bool:
        """Whether this is UTC itself."""
        return self.tz is dt.UTC

    def to_utc(self, local: dt.datetime) -> dt.datetime:
        """Turn a local time into UTC, both without tzinfo; what no calendar can say is brought to its edge."""
        if self.tz is dt.UTC:
            return local
        try:
            return local.replace(tzinfo=self.tz).astimezone(dt.UTC).replace(tzinfo=None)
        except (OverflowError, ValueError):
            return local

    def to_local(self, utc: dt.datetime) -> dt.datetime:
        """Turn a time in UTC into local time, both without tzinfo."""
        if self.tz is dt.UTC:
            return utc
        try:
            return utc.replace(tzinfo=dt.UTC).astimezone(self.tz).replace(tzinfo=None)
        except (OverflowError, ValueError):
            return utc

    def aware_to_local(self, moment: dt.datetime) -> dt.datetime:
        """Turn a time with tzinfo into local time without: what recurrence rules need for their UNTIL."""
        return self.to_local(moment.astimezone(dt.UTC).replace(tzinfo=None))

    def rules(self, first: int, last: int) -> list[tuple[int, YearRule]]:
        """Find the rules of some years; those too long ago or too far away are as the nearest that is looked at."""
        first = min(max(first, _RULES_FROM), _RULES_TO)
        last = min(max(last, first), max(first + _YEARS_BY_YEAR, _FORESEEN), _RULES_TO)
        if isinstance(self.tz, ZoneInfo):
            return self._sampler.rules(first, last)
        near = min(last, first + _YEARS_BY_YEAR)
        return self._sampler.rules(first, near) + self._sampler.later(near, last)

    def ruling_year(self, first: int, last: int) -> int:
        """Give a year whose rule tells the time of most of these years: the one to convert a series by.

        Where there is no end the last years count, and the first if the rules are others each year.
        """
        rules = self.rules(first, last)
        starts = [first, *(year for year, _ in rules[1:])]
        ends = [*starts[1:], min(last, max(first, _FORESEEN)) + 1]
        since = first if last <= _FORESEEN else max(first, _FORESEEN - _LAST_YEARS)
        lengths: Counter[YearRule] = Counter()
        for start, end, (_, rule) in zip(starts, ends, rules, strict=True):
            lengths[rule] += max(end - max(start, since), 0)
        most = max(lengths, key=lambda rule: lengths[rule])
        if last > _FORESEEN and lengths[most] < _SETTLED:
            return first
        return next(start for start, (_, rule) in zip(starts, rules, strict=True) if rule == most)

    def definition(self, first: int, last: int, *, recurring: bool) -> bytes:
        """Give a time zone definition for these years ([MS-OXOCAL] 2.2.1.41).

        Its effective rule is the first, and of a series that of the ruling year.
        """
        known = (first, last, recurring)
        found = self._definitions.get(known)
        if found is None:
            rules = self.rules(first, last)
            effective = self.ruling_year(first, last) if recurring else first
            found = definition_of(self.key[:255], rules, effective, recurring=recurring).encode()
            self._definitions[known] = found
        return found

    def struct(self, year: int) -> bytes:
        """Give PidLidTimeZoneStruct for a year ([MS-OXOCAL] 2.2.1.39)."""
        return struct_of(self.rules(year, year)[0][1]).encode()

    def component(self, name: str, first: int, last: int) -> ZoneComponent:
        """Make a VTIMEZONE for these years ([MS-OXCICAL] 2.1.3.1.1.19)."""
        return component_of(name, self.rules(first, last))


UTC = Zone(dt.UTC, "UTC", "UTC")


@lru_cache(maxsize=256)
def known_zone(tzid: str) -> Zone | None:
    """Find the zone that a name means: IANA's, Windows', or what others write."""
    found = find_zone(tzid)
    if found is None:
        return None
    if found.zone is dt.UTC:
        return UTC
    return Zone(found.zone, found.iana or tzid, found.windows or found.iana or tzid)


@dataclass(frozen=True, slots=True)
class Moment:
    """A DATE or a DATE-TIME ([RFC5545] 3.3.4, 3.3.5)."""

    local: dt.datetime
    """Without tzinfo; midnight for a DATE."""
    zone: Zone
    is_date: bool = False
    is_floating: bool = False
    """Whether the text had no zone: `zone` is then the one that was guessed."""
    utc: dt.datetime = field(init=False)
    """The same in UTC, without tzinfo."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "utc", self.zone.to_utc(self.local))

    @property
    def filetime(self) -> int:
        """The FILETIME."""
        return filetime(self.utc)

    def shifted(self, by: dt.timedelta) -> Moment:
        """Give the time so much later: days are days of the calendar, less is exact ([RFC5545] 3.3.6)."""
        try:
            if by % DAY == dt.timedelta():
                return Moment(self.local + by, self.zone, self.is_date, self.is_floating)
            return Moment(self.zone.to_local(self.utc + by), self.zone, self.is_date, self.is_floating)
        except OverflowError:
            return self


def filetime(utc: dt.datetime) -> int:
    """Turn a time in UTC without tzinfo into a FILETIME; before 1601 it is 0."""
    return max((utc - EPOCH) // _TICK * 10, 0)


def from_filetime(value: int) -> dt.datetime:
    """Turn a FILETIME into a time in UTC without tzinfo; beyond the calendar it is the last minute of it."""
    try:
        return EPOCH + dt.timedelta(microseconds=value // 10)
    except OverflowError:
        return EPOCH if value < 0 else LAST


def read_duration(text: str) -> dt.timedelta | None:
    """Read a DURATION ([RFC5545] 3.3.6), or give None; `P` and `PT`, which Exchange writes, are of no length."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    weeks, days, hours, minutes, seconds = (int(match[group] or 0) for group in range(2, 7))
    try:
        found = dt.timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        return None
    return -found if match[1] == "-" else found


def write_duration(duration: dt.timedelta) -> str:
    """Write a DURATION ([RFC5545] 3.3.6) of whole minutes."""
    minutes = abs(duration) // MINUTE
    sign = "-" if duration < dt.timedelta() else ""
    if minutes and not minutes % 1440:
        return f"{sign}P{minutes // 1440}D"
    return f"{sign}PT{minutes}M"
