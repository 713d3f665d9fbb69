"""What a calendar says of itself ([MS-OXCICAL] 2.1.3.1.1.4 to 2.1.3.1.1.7, 2.1.3.1.1.10 to 2.1.3.1.1.18)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from conversion.contentlines import Component
from conversion.formats import Format, read, write_all
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar, read_calendar_file
from conversion.oxcical.published import Owner, Published, WorkingHours
from conversion.receipt import Receipt
from tests.conversion.oxcical.calendars import NOW, START, calendar, event, written

LINES = (
    "X-CALSTART;TZID=Europe/Berlin:20260101T000000",  # [MS-OXCICAL] 2.1.3.1.1.5, 2.1.3.1.1.5.1
    "X-CALEND;TZID=Europe/Berlin:20261231T000000",  # [MS-OXCICAL] 2.1.3.1.1.4, 2.1.3.1.1.4.1
    "X-CLIPSTART;TZID=Europe/Berlin:20260101T010000",  # [MS-OXCICAL] 2.1.3.1.1.7, 2.1.3.1.1.7.1
    "X-CLIPEND;TZID=Europe/Berlin:20260701T020000",  # [MS-OXCICAL] 2.1.3.1.1.6, 2.1.3.1.1.6.1
    "X-MS-OLK-FORCEINSPECTOROPEN:TRUE",
    "X-MS-WKHRDAYS:MO,TU,xx,MO",  # [MS-OXCICAL] 2.1.3.1.1.10
    "X-MS-WKHRSTART;TZID=Europe/Berlin:080000",  # [MS-OXCICAL] 2.1.3.1.1.12, 2.1.3.1.1.12.1
    "X-MS-WKHREND;TZID=Europe/Berlin:170000",  # [MS-OXCICAL] 2.1.3.1.1.11, 2.1.3.1.1.11.1
    "X-OWNER;CN=Elizabeth Andersen:mailto:elizabeth@contoso.test",  # [MS-OXCICAL] 2.1.3.1.1.13, 2.1.3.1.1.13.1
    "X-PRIMARY-CALENDAR:TRUE",  # [MS-OXCICAL] 2.1.3.1.1.14
    "X-PUBLISHED-TTL:PT90M",  # [MS-OXCICAL] 2.1.3.1.1.15
    "X-WR-CALDESC:All\\, of it",  # [MS-OXCICAL] 2.1.3.1.1.16
    "X-WR-CALNAME:Elizabeth's\\ncalendar",  # [MS-OXCICAL] 2.1.3.1.1.17
    "X-WR-RELCALID:{0000002E-1BB2-8F0F-1203-47B98FEEF211}",  # [MS-OXCICAL] 2.1.3.1.1.18
)
WHOLE = Published(
    name="Elizabeth'scalendar",
    description="All, of it",
    identifier="{0000002E-1BB2-8F0F-1203-47B98FEEF211}",
    primary=True,
    owner=Owner("elizabeth@contoso.test", "Elizabeth Andersen"),
    hours=WorkingHours((1, 2), dt.time(8), dt.time(17), "Europe/Berlin"),
    refresh=dt.timedelta(minutes=90),
    first=dt.datetime(2026, 1, 1),
    last=dt.datetime(2026, 7, 1),
)


def export(published: Published, *lines: str) -> Component:
    return written(write_calendar(read_calendar(calendar(*lines)), published=published, now=NOW))


def test_objects_are_the_same() -> None:
    """An importer ignores it all, with the TZID and CN of it, but for the name of the new folder."""
    receipt = Receipt()
    found = read_calendar_file(calendar(*START, heading=LINES), receipt=receipt)
    assert found.contents == read_calendar(calendar(*START))
    assert not receipt.count
    assert found.published == WHOLE
    assert not read_calendar_file(calendar(*START)).published


def test_primary() -> None:
    """Each line of the primary calendar of somebody; times of its working day have a zone that is declared.

    [MS-OXCICAL] 2.1.3.1.1.6, 2.1.3.1.1.7, 2.1.3.1.1.10 to 2.1.3.1.1.18.
    """
    found = export(WHOLE, *START)
    lines = {line.name: line for line in found.lines}
    assert {name: line.value for name, line in lines.items() if name.startswith("X-")} == {
        "X-CALSTART": "20260105T090000Z",
        "X-CALEND": "20260105T100000Z",
        "X-CLIPSTART": "20260101T000000Z",
        "X-CLIPEND": "20260701T000000Z",
        "X-PUBLISHED-TTL": "PT90M",
        "X-WR-CALNAME": "Elizabeth'scalendar",
        "X-WR-CALDESC": "All\\, of it",
        "X-WR-RELCALID": "{0000002E-1BB2-8F0F-1203-47B98FEEF211}",
        "X-PRIMARY-CALENDAR": "TRUE",
        "X-OWNER": "mailto:elizabeth@contoso.test",
        "X-MS-WKHRDAYS": "MO,TU",
        "X-MS-WKHRSTART": "080000",
        "X-MS-WKHREND": "170000",
    }
    assert lines["X-OWNER"].parameter("CN") == "Elizabeth Andersen"
    zones = [zone.value("TZID") for zone in found.inner("VTIMEZONE")]
    assert lines["X-MS-WKHRSTART"].parameter("TZID") in zones
    assert lines["X-MS-WKHREND"].parameter("TZID") in zones


def test_not_primary() -> None:
    """Of another calendar nothing is said of its owner; what nobody knows is not there.

    [MS-OXCICAL] 2.1.3.1.1.10 to 2.1.3.1.1.14.
    """
    found = export(replace(WHOLE, primary=False), *START)
    assert not {line.name for line in found.lines} & {
        *("X-PRIMARY-CALENDAR", "X-OWNER", "X-MS-WKHRDAYS", "X-MS-WKHRSTART", "X-MS-WKHREND")
    }
    assert not found.inner("VTIMEZONE")
    found = export(Published(), *START)
    assert {line.name for line in found.lines if line.name.startswith("X-")} == {"X-CALSTART", "X-CALEND"}
    alone = written(write_calendar(read_calendar(calendar(*START)), now=NOW))
    assert not [line for line in alone.lines if line.name.startswith("X-")]


@pytest.mark.parametrize(
    ("lines", "starts", "ends"),
    [
        (
            (
                *event(*START, "RRULE:FREQ=DAILY;COUNT=3"),
                *event(*START, "UID:b", "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20260108T090000Z"),
            ),
            ["20260105T090000Z"],
            ["20260107T100000Z"],
        ),
        (
            (
                *event(*START, "RRULE:FREQ=DAILY;COUNT=3"),
                *event("RECURRENCE-ID:20260107T090000Z", "DTSTART:20260109T090000Z", "DTEND:20260109T093000Z"),
            ),
            ["20260105T090000Z"],
            ["20260109T093000Z"],
        ),
        ((*event(*START, "RRULE:FREQ=DAILY"), *event(*START, "UID:b")), ["20260105T090000Z"], []),
        (
            (*event(*START), *event("DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260106", "UID:b")),
            ["20260105T090000Z", "20260105T000000"],
            ["20260105T100000Z", "20260106T000000"],
        ),
        (
            (*event(*START), *event("DTSTART;VALUE=DATE:20260101", "DTEND;VALUE=DATE:20260110", "UID:b")),
            ["20260101T000000"],
            ["20260110T000000"],
        ),
        (
            (*event(*START), *event("DTSTART;VALUE=DATE:20260107", "DTEND;VALUE=DATE:20260108", "UID:b")),
            ["20260105T090000Z"],
            ["20260108T000000"],
        ),
        (event("DUE:20260101T000000Z", name="VTODO"), [], []),
    ],
)
def test_span(lines: tuple[str, ...], starts: list[str], ends: list[str]) -> None:
    """From the first instance to the last ([MS-OXCICAL] 2.1.3.1.1.4, 2.1.3.1.1.5).

    Both the floating time and the other are said where it is not certain which is the first, or the last.
    """
    found = export(Published(), *lines)
    assert sorted(line.value for line in found.every("X-CALSTART")) == sorted(starts)
    assert sorted(line.value for line in found.every("X-CALEND")) == sorted(ends)


def test_name_and_description() -> None:
    """They are written of a calendar that has them ([MS-OXCICAL] 2.1.3.1.1.16, 2.1.3.1.1.17)."""
    found = export(Published(name="Work", description="x" * 255), *START)
    assert found.value("X-WR-CALNAME") == "Work"
    assert found.value("X-WR-CALDESC") == "x" * 255


def test_newer_names() -> None:
    """[RFC7986] 5.1, 5.2 and 5.7 have names of their own for it."""
    lines = ("NAME:a", "DESCRIPTION:b", "REFRESH-INTERVAL;VALUE=DURATION:P1D")
    receipt = Receipt()
    found = read_calendar_file(calendar(*START, heading=lines), receipt=receipt).published
    assert found == Published(name="a", description="b", refresh=dt.timedelta(days=1))
    assert not receipt.count


@pytest.mark.parametrize(
    "line",
    [
        "X-PUBLISHED-TTL:PT1S",
        "X-PUBLISHED-TTL:often",
        "X-CLIPSTART:20260101",
        "X-CLIPEND:never",
        "X-MS-WKHRSTART:8 o'clock",
        "X-MS-WKHRDAYS:XX",
        "X-OWNER:",
        "X-PRIMARY-CALENDAR:maybe",
    ],
)
def test_what_cannot_be_read(line: str) -> None:
    assert read_calendar_file(calendar(*START, heading=(line,))).published == Published()


def test_conversion() -> None:
    """`oxgate convert` keeps it in a calendar, and notes what another format loses."""
    for lines in (event(*START), (*event(*START), *event(*START, "UID:b"))):
        loaded = read(calendar(*lines, heading=("X-WR-CALNAME:Work",)), Format.ICS)
        (out,) = write_all(loaded, Format.ICS)
        assert written(out).value("X-WR-CALNAME") == "Work"
        receipt = Receipt()
        write_all(loaded, Format.MAPI, receipt=receipt)
        assert "its name and what else it says of itself" in str(next(iter(receipt)))
    assert read(calendar(*START), Format.ICS).calendar is None
