"""Dates ([RFC5322] 3.3, 4.3)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.dates import parse_date, read_filetime


def seconds(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]  # year to second


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", seconds(1997, 11, 21, 15, 55, 6)),  # [RFC5322] A.1.1
        (b"Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n      -0330 (Newfoundland Time)",
         seconds(1969, 2, 14, 3, 2)),  # [RFC5322] A.5
        (b"21 Nov 97 09:55:06 GMT", seconds(1997, 11, 21, 9, 55, 6)),  # [RFC5322] A.6.2
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", seconds(1997, 11, 21, 15, 55, 6)),  # [RFC5322] A.6.3
        (b"Mon, 1 Jan 24 00:00 EST", seconds(2024, 1, 1, 5)),
        (b"1 Jan 2024 00:00:00 PDT", seconds(2024, 1, 1, 7)),
        (b"1 Jan 2024 00:00:00 Z", seconds(2024, 1, 1)),
        (b"1 Jan 2024 00:00:00 -0000", seconds(2024, 1, 1)),
        (b"1 Jan 2024 00:00:00", seconds(2024, 1, 1)),
        (b"1 Jan 2024 23:59:60 +0000", seconds(2024, 1, 1, 23, 59, 59)),
        (b"Mon Jan  1 12:30:00 2024", seconds(2024, 1, 1, 12, 30)),
        (b"Mon Jan  1 12:30:00 +0100 2024", seconds(2024, 1, 1, 11, 30)),
        (b"Mon, 01-Jan-2024 12:30:00 GMT", seconds(2024, 1, 1, 12, 30)),
        (b"Monday, 1 January 2024 12.30.00 +09:30", seconds(2024, 1, 1, 3)),
        (b"1 Jan 2024 00:00:00 +0830", seconds(2023, 12, 31, 15, 30)),
        (b"31 Feb 2024 00:00:00 +0000", None),
        (b"1 Foo 2024 00:00:00 +0000", None),
        (b" Mon, 1 Jan 2024 10:00:00 -0800 (PST)\r", seconds(2024, 1, 1, 18)),
        (b"Mon, 1 Jan (a) 2024 10:00:00 -0800", seconds(2024, 1, 1, 18)),
        (b"Mon, 1 Jan 0097 10:00:00 +0000", seconds(97, 1, 1, 10)),
        (b"Mon, 1 Jan 2024 10:00:00 +9999", seconds(2024, 1, 1, 10) - 99 * 3600 - 99 * 60),
        (b"1 Jan 2024 24:00:00 +0000", None),
        (b"1 Jan 2024 00:60:00 +0000", None),
        (b"1 Jan 0000 00:00:00 +0000", None),
        (b"yesterday", None),
        (b"", None),
    ],
)  # fmt: skip
def test_dates(value: bytes, expected: int | None) -> None:
    """[RFC5322] 3.3, with the obsolete forms of 4.3."""
    found = parse_date(value)
    assert (found.seconds if found else None) == expected


def test_the_day_is_the_one_written() -> None:
    """[RFC3501] 6.4.4: SENTBEFORE and its like disregard time and zone."""
    found = parse_date(b"Mon, 1 Jan 2024 00:30:00 +0900")
    assert found is not None
    assert found.day == (date(2024, 1, 1) - date(1970, 1, 1)).days
    assert found.zone == 540


@pytest.mark.parametrize(
    ("value", "filetime"),
    [
        (b"Sat, 1 Jan 1600 00:00:00 +0000", None),
        (b"Sat Jan 1 00:00:00 1600", None),
        (b"Mon, 1 Jan 1601 00:00:00 +0000", 0),
        (b"Mon, 1 Jan 1601 00:00:01 +0000", 10_000_000),
        (b"Mon, 1 Jan 1601 00:00:00 +0100", None),
        (b"1 Jan 99999 00:00:00 +0000", None),
        (b"tomorrow", None),
    ],
)
def test_filetimes(value: bytes, filetime: int | None) -> None:
    """They count from 1601 ([MS-DTYP] 2.3.3); and four of five digits are no year."""
    assert read_filetime(value) == filetime


@pytest.mark.parametrize(("zone", "east"), [(b"GMT+0200", 120), (b"UTC-05:30", -330), (b"GMT", 0), (b"UT", 0)])
def test_offsets_behind_the_name_of_utc(zone: bytes, east: int) -> None:
    found = parse_date(b"1 Jan 2024 12:00:00 " + zone)
    assert found is not None
    assert found.zone == east


@given(st.datetimes(datetime(1901, 1, 1), datetime(9000, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_what_is_written_is_read(moment: datetime, zone: int) -> None:
    """[RFC5322] 3.3"""
    moment = moment.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=zone)))
    found = parse_date(format_datetime(moment).encode())
    assert found is not None
    assert found.seconds == int(moment.timestamp())
    assert found.zone == zone


@given(st.lists(st.sampled_from([b"Mon", b",", b" ", b"1", b"31", b"Jan", b"2024", b":", b"00", b"+", b"-",
                                  b"0000", b"(", b"99"]),
                max_size=16).map(b"".join))  # fmt: skip
def test_any_value_is_taken(value: bytes) -> None:
    parse_date(value)
