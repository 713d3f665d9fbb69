"""Dates of header fields ([RFC5322] 3.3, 4.3)."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from conversion.mime.headers import strip_comments
from store.mapi.types import filetime_from_unix

_EPOCH = date(1970, 1, 1).toordinal()
_MONTHS = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(" "), 1)  # noqa: SIM905  (a table)
}
_ZONES = {
    b"EST": -300,
    b"EDT": -240,
    b"CST": -360,
    b"CDT": -300,
    b"MST": -420,
    b"MDT": -360,
    b"PST": -480,
    b"PDT": -420,
}
# The form of [RFC5322] 3.3 as nearly all mail has it; what follows it counts for nothing.
_PLAIN = re.compile(
    rb"[ \t]*+(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) ([01]\d|2[0-3]):([0-5]\d):([0-5]\d) ([+-]\d{4})"
)
_DATE = re.compile(
    rb"[ \t\r\n]*+(?:[A-Za-z]{2,9}\.?[ \t\r\n]*+,?[ \t\r\n]*+)?"
    rb"(\d{1,2})[ \t\r\n-]++([A-Za-z]{3})[A-Za-z]{0,6}\.?,?[ \t\r\n-]++(\d{2,4})(?!\d)"
    rb"(?:[ \t\r\n,]++(\d{1,2})[ \t]*+[:.][ \t]*+(\d{1,2})(?:[ \t]*+[:.][ \t]*+(\d{1,2}))?(?:[.,]\d{1,9})?"
    rb"[ \t\r\n]*+((?:GMT|UTC?)?[+-]\d{1,2}:?\d{2}|[A-Za-z]{1,5})?)?"
)
_ASCTIME = re.compile(
    rb"[ \t]*+(?:[A-Za-z]{3},?[ \t]++)?([A-Za-z]{3})[a-z]{0,6}[ \t]++(\d{1,2}),?[ \t]++"
    rb"(\d{1,2}):(\d{2})(?::(\d{2}))?[ \t]++(?:([+-]\d{4}|[A-Za-z]{3,5})[ \t]++)?(\d{4})(?!\d)"
)


class MailDate(NamedTuple):
    """A point in time as a header shows it."""

    seconds: int
    """Seconds since 1970-01-01 UTC."""
    day: int
    """The calendar date as written, whatever its zone, in days since 1970-01-01: what SENTBEFORE and its like compare
    ([RFC3501] 6.4.4)."""
    zone: int
    """Minutes east of UTC, 0 for an unknown zone."""


def parse_date(value: bytes) -> MailDate | None:
    """Parse the raw value of a Date field, obsolete and asctime forms too; None where it is no date ([RFC5322] 4.3)."""
    match = _PLAIN.match(value, 0, 200)
    if match is None:
        value = strip_comments(value[:200])
        match = _DATE.match(value)
    if match is not None:
        day, month, year, hour, minute, second, zone = match.groups()
    else:
        match = _ASCTIME.match(value)
        if match is None:
            return None
        month, day, hour, minute, second, zone, year = match.groups()
    days = _days(day, month, year)
    if days is None:
        return None
    hours, minutes = int(hour or 0), int(minute or 0)
    if hours > 23 or minutes > 59:
        return None
    east = _zone(zone)
    seconds = hours * 3600 + minutes * 60 + min(int(second or 0), 59)
    return MailDate(days * 86400 + seconds - east * 60, days, east)


def read_filetime(value: bytes) -> int | None:
    """Parse the raw value of a Date field as a FILETIME; None where it is none, or before 1601, its beginning."""
    date = parse_date(value)
    filetime = -1 if date is None else filetime_from_unix(date.seconds)
    return filetime if filetime >= 0 else None


_DAY_NAMES = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")  # 1970-01-01 was a Thursday
_MONTH_NAMES = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def format_date(seconds: int) -> str | None:
    """Write seconds since 1970-01-01 UTC as a date of a header, in UTC ([RFC5322] 3.3); None outside 1601 to 9999."""
    days, rest = divmod(seconds, 86400)
    try:
        day = date.fromordinal(days + _EPOCH)
    except (ValueError, OverflowError):
        return None
    if day.year < 1601:
        return None
    hours, minutes = divmod(rest // 60, 60)
    clock = f"{hours:02d}:{minutes:02d}:{rest % 60:02d}"
    return f"{_DAY_NAMES[days % 7]}, {day.day} {_MONTH_NAMES[day.month]} {day.year} {clock} +0000"


@lru_cache(maxsize=64)
def _days(day_text: bytes, month: bytes, year_text: bytes) -> int | None:
    day, year, digits = int(day_text), int(year_text), len(year_text)
    # Two digits below 50 are of this century, other short years count from 1900 ([RFC5322] 4.3).
    if digits == 2 and year < 50:
        year += 2000
    elif digits < 4:
        year += 1900
    number = _MONTHS.get(month.decode("ascii").lower())
    if number is None:
        return None
    try:
        return date(year, number, day).toordinal() - _EPOCH
    except ValueError:
        return None


@lru_cache(maxsize=64)
def _zone(zone: bytes | None) -> int:
    if zone is None:
        return 0
    offset = zone.lstrip(b"GMTUC")  # as in GMT+0200, which some old programs write
    if offset[:1] in (b"+", b"-"):
        digits = offset[1:].replace(b":", b"").rjust(4, b"0")
        east = int(digits[:2]) * 60 + int(digits[2:])
        return -east if offset[:1] == b"-" else east
    # GMT, UT, the letters of the military and unknown words all count as UTC ([RFC5322] 4.3).
    return _ZONES.get(zone.upper(), 0)
