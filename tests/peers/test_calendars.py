"""Every sample of a calendar: converted, read by icalendar, expanded as recurring-ical-events expands it.

recurring-ical-events (LGPL) is no dependency of the project: without it that comparison is skipped. What differs is
known, and why: what our receipt says was done otherwise, and the files below.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import datetime as dt
import re
import warnings
from collections import Counter
from pathlib import Path

import icalendar
import pytest

from conversion.errors import ConversionError
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import NOW, starts_of
from tests.support.corpora import CORPORA

pytestmark = pytest.mark.peers

DIFFERENT = {
    "017.ics": "an end before the start: they swap both, we have no length",
    "019.ics": "a series in UTC, which they move into X-WR-TIMEZONE",
    "035.ics": "midnights that Microsoft's property makes whole days",
    "041.ics": "a TZID of a blank and a digit, which they take for UTC",
    "219.ics": "midnights in UTC, which they move into X-WR-TIMEZONE",
    "google_aus_holidays.ics": "the same calendar",
}
"""Samples whose instances are not the same, beside those where a receipt tells of it."""
TOLD = re.compile(r"RRULE|RDATE|EXDATE|RECURRENCE-ID|DTSTART: the series|UID: several")


def samples() -> list[Path]:
    found = sorted((CORPORA / "ical").rglob("*.ics"))
    if not found:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    return found


def read(path: Path, receipt: Receipt) -> list[MessageContent]:
    """The objects of a sample; none for a file without a calendar."""
    data = path.read_bytes()
    try:
        return read_calendar(data, receipt=receipt)
    except ConversionError:
        assert not re.search(rb"BEGIN:V(CALENDAR|EVENT|TODO|JOURNAL|FREEBUSY)\s*$", data, re.I | re.M), path.name
        return []


def test_all_convert() -> None:
    """There, back, and there again without a note; what we write is read by icalendar."""
    for path in samples():
        contents = read(path, Receipt())
        if not contents:
            continue
        data = write_calendar(contents, now=NOW)
        calendar = icalendar.Calendar.from_ical(data)
        assert not calendar.errors, path.name
        assert sum(1 for part in calendar.walk() if part.name in ("VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY")) >= len(
            contents
        ), path.name
        assert all(not part.errors for part in calendar.walk()), path.name


def test_libical() -> None:
    """libical, by way of its C interface, finds no error in what we write."""
    name = ctypes.util.find_library("ical")
    if name is None:
        pytest.skip("no libical")
    library = ctypes.CDLL(name)
    library.icalparser_parse_string.restype = ctypes.c_void_p
    library.icalparser_parse_string.argtypes = [ctypes.c_char_p]
    library.icalcomponent_as_ical_string.restype = ctypes.c_char_p
    library.icalcomponent_as_ical_string.argtypes = [ctypes.c_void_p]
    library.icalcomponent_free.argtypes = [ctypes.c_void_p]
    for path in samples():
        contents = [content for content in read(path, Receipt()) if is_event(content)]
        if contents:
            parsed = library.icalparser_parse_string(write_calendar(contents, now=NOW))
            assert parsed, path.name
            shown = library.icalcomponent_as_ical_string(parsed).replace(b"\r\n ", b"")
            errors = re.findall(rb"X-LIC-ERROR.*", shown)
            # Lines that we keep as they came may have names that are newer than the library.
            assert not [error for error in errors if b"Parse error in property name" not in error], path.name
            library.icalcomponent_free(parsed)


def test_instances() -> None:
    """The same starts within some years."""
    recurring = pytest.importorskip("recurring_ical_events")
    warnings.simplefilter("ignore")
    compared = 0
    for path in samples():
        data = path.read_bytes()
        years = sorted(int(year) for year in re.findall(rb"DTSTART[^:\n]*:(\d{4})", data) if 1970 < int(year) < 2100)
        if not (b"RRULE" in data or b"RDATE" in data) or not years or path.name in DIFFERENT:
            continue
        year = years[len(years) // 2]
        after, before = dt.datetime(year - 1, 1, 1), dt.datetime(year + 3, 1, 1)
        receipt = Receipt()
        contents = read(path, receipt)
        if any(TOLD.search(str(note)) for note in receipt):
            continue
        try:
            expected = theirs(recurring, data, after, before)
        except Exception:
            # A library that refuses a sample tells nothing of it.
            continue
        found = Counter(
            start for content in contents if is_event(content) for start in starts_of(content, after, before)
        )
        assert found == expected, path.name
        compared += 1
    assert compared > 100


def is_event(content: MessageContent) -> bool:
    return tags.PidLidAppointmentStartWhole in content.properties


def theirs(recurring: object, data: bytes, after: dt.datetime, before: dt.datetime) -> Counter[dt.datetime]:
    found: Counter[dt.datetime] = Counter()
    for calendar in icalendar.Calendar.from_ical(data, multiple=True):
        for event in recurring.of(calendar).between(after, before):  # type: ignore[attr-defined]
            start = event["DTSTART"].dt
            if not isinstance(start, dt.datetime):
                start = dt.datetime(start.year, start.month, start.day)
            elif start.tzinfo is not None:
                start = start.astimezone(dt.UTC).replace(tzinfo=None)
            start = start.replace(second=0, microsecond=0)
            if after <= start < before:
                found[start] += 1
    return found
