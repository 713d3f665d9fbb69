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
from functools import cache
from pathlib import Path

import icalendar
import pytest
from icalendar.timezone import tzp

from conversion.contentlines import read_components, unescape
from conversion.errors import ConversionError
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import NOW, starts_of
from tests.support.corpora import CORPORA

pytestmark = [pytest.mark.peers, pytest.mark.timeout(600)]

DIFFERENT = {
    "017.ics": "an end before the start: they swap both, we have no length",
    "019.ics": "a series in UTC, which they move into X-WR-TIMEZONE",
    "035.ics": "midnights that Microsoft's property makes whole days",
    "041.ics": "a TZID of a blank and a digit, which they take for UTC",
    "219.ics": "midnights in UTC, which they move into X-WR-TIMEZONE",
    "google_aus_holidays.ics": "the same calendar",
    "168.ics": "octets that are not quite UTF-8: we read such a line as Windows-1252",
    "1106817412.ics": "the same calendar",
    "issue_836_do_not_quote_tzid.ics": "a zone of Windows that icalendar has wrongly in October",
    "221.ics": "midnights that Microsoft's property makes whole days",
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


@cache
def converted(path: Path) -> tuple[bytes, bytes]:
    """What we write of a sample, and of its events alone; empty for what has none."""
    contents = read(path, Receipt())
    events = [content for content in contents if is_event(content)]
    return (
        write_calendar(contents, now=NOW) if contents else b"",
        write_calendar(events, now=NOW) if events else b"",
    )


def said(data: bytes) -> list[tuple[str, ...]]:
    """Summary, times and rule of each event, in order; a rule with its parts in the order of their names."""
    found = []
    for calendar in read_components(data, receipt=Receipt()):
        for event in calendar.inner("VEVENT"):
            line = event.first("RRULE")
            parts = sorted(map(in_order, line.value.upper().split(";"))) if line is not None else []
            # What stands for one is not written by everybody.
            rule = ";".join(part for part in parts if part not in ("INTERVAL=1", "WKST=MO"))
            names = ("DTSTART", "DTEND", "RECURRENCE-ID", "EXDATE")
            values = [",".join(line.value for line in event.every(name)) for name in names]
            # A TZID that is UTC may be written as a Z; blanks around a text may be left out.
            times = [value.replace("Z", "") for value in values]
            found.append((unescape(event.value("SUMMARY") or "").strip(), *times, rule))
    return found


def in_order(part: str) -> str:
    """A part of a rule, its values in order."""
    name, _, values = part.partition("=")
    return f"{name}={','.join(sorted(values.split(',')))}"


def test_all_convert() -> None:
    """What we write is read by icalendar without an error, and writes the same summaries, times and rules again."""
    for path in samples():
        data, _ = converted(path)
        if not data:
            continue
        (calendar,) = parsed(data)
        assert all(not part.errors for part in calendar.walk()), path.name
        assert said(calendar.to_ical(sorted=False)) == said(data), path.name
        for event in calendar.walk("VEVENT"):
            # They are more than text: what is a time is one, and a rule can be expanded.
            assert isinstance(event["DTSTART"].dt, dt.date) if "DTSTART" in event else True, path.name
            assert event["RRULE"]["FREQ"] if "RRULE" in event else True, path.name


def test_summaries_and_times() -> None:
    """icalendar reads the same summaries, starts and ends in a sample and in what we write, where nothing was noted."""
    warnings.simplefilter("ignore")
    compared = 0
    for path in samples():
        receipt = Receipt()
        contents = read(path, receipt)
        if not contents or receipt.count or path.name in DIFFERENT or not all(map(is_event, contents)):
            continue
        try:
            theirs = [part for one in parsed(path.read_bytes()) for part in one.walk("VEVENT")]
        except ValueError:
            # A library that refuses a sample tells nothing of it.
            continue
        # With names of IANA: what icalendar makes of a zone of Windows is of its own, on days when the clock changes.
        data = write_calendar(contents, iana=True, now=NOW)
        ours = [part for one in parsed(data) for part in one.walk("VEVENT")]
        assert sorted(map(told, ours)) == sorted(map(told, theirs)), path.name
        compared += len(ours)
    assert compared > 100, compared


def parsed(data: bytes) -> list[icalendar.Component]:
    tzp.use_default()  # a zone that one file declares would be that of all later files which name it
    return icalendar.Calendar.from_ical(data, multiple=True)


def told(event: icalendar.Component) -> tuple[str, str, str, str]:
    """Summary and times in UTC; a rule by its frequency alone, for it has several forms."""
    moments = [instant(event.get(name)) for name in ("DTSTART", "DTEND")]
    if not moments[1] and "DTEND" not in event and "DURATION" not in event:
        # An event without an end has none, or is of one day.
        start = event.get("DTSTART")
        whole = start is not None and not isinstance(start.dt, dt.datetime)
        moments[1] = str(start.dt + dt.timedelta(days=1)) if whole else moments[0]
    elif moments[1] == moments[0] and not isinstance(event["DTEND"].dt, dt.datetime):
        moments[1] = str(event["DTEND"].dt + dt.timedelta(days=1))
    elif not moments[1]:
        moments[1] = instant_of(event["DTSTART"].dt + event["DURATION"].dt)
    rule = "series" if "RRULE" in event else ""
    # A quotation mark needs no backslash, and may have one.
    summary = " ".join(str(event.get("SUMMARY", "")).replace('\\"', '"').split())
    return summary, moments[0], moments[1], rule


def instant(value: icalendar.vDDDTypes | None) -> str:
    return "" if value is None else instant_of(value.dt)


def instant_of(moment: dt.date) -> str:
    zoned = isinstance(moment, dt.datetime) and moment.tzinfo is not None
    return str(moment.astimezone(dt.UTC).replace(tzinfo=None) if isinstance(moment, dt.datetime) and zoned else moment)


def test_libical() -> None:
    """libical, by way of its C interface, finds no error in what we write, and the same summaries, times and rules."""
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
        _, data = converted(path)
        if data:
            component = library.icalparser_parse_string(data)
            assert component, path.name
            shown = library.icalcomponent_as_ical_string(component)
            errors = re.findall(rb"X-LIC-ERROR.*", shown.replace(b"\r\n ", b""))
            # Lines that we keep as they came may have names that are newer than the library.
            assert not [error for error in errors if b"Parse error in property name" not in error], path.name
            assert said(shown) == said(data), path.name
            library.icalcomponent_free(component)


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
    for calendar in parsed(data):
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
