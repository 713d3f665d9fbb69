"""Dates of the IMAP grammar ([RFC3501] 9 `date`, `date-time`)."""

from __future__ import annotations

import datetime as dt
import re

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), start=1
    )
}
_DATE = re.compile(rb"(\d{1,2})-([A-Za-z]{3})-(\d{4})")
_DATE_TIME = re.compile(rb"( \d|\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_EPOCH = dt.date(1970, 1, 1).toordinal()


def parse_date(text: bytes) -> dt.date | None:
    """`1-Feb-1994` as a day; None if it is malformed or there is no such day."""
    match = _DATE.fullmatch(text)
    return _day(match[1], match[2], match[3]) if match else None


def parse_date_time(text: bytes) -> int | None:
    """`17-Jul-1996 02:44:25 -0700`, without its quotes, in seconds since 1970-01-01 UTC; None if it is malformed."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    day = _day(match[1], match[2], match[3])
    hour, minute, second, zone_hours, zone_minutes = (int(match[group]) for group in (4, 5, 6, 8, 9))
    if day is None or hour > 23 or minute > 59 or second > 60 or zone_minutes > 59:
        return None
    zone = (zone_hours * 60 + zone_minutes) * 60
    local = ((day.toordinal() - _EPOCH) * 24 + hour) * 3600 + minute * 60 + second
    return local - zone if match[7] == b"+" else local + zone


def _day(day: bytes, month: bytes, year: bytes) -> dt.date | None:
    number = _MONTHS.get(month.lower())
    if number is None:
        return None
    try:
        return dt.date(int(year), number, int(day))
    except ValueError:
        return None
