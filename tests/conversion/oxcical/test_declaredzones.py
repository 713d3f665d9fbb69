"""What a VTIMEZONE of a series becomes ([MS-OXCICAL] 2.1.3.1.1.19): the octets of PidLidTimeZoneStruct."""

from __future__ import annotations

import struct

from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import NOW, calendar, event, written

SERIES = ("DTSTART;TZID=Own:20260302T100000", "DTEND;TZID=Own:20260302T110000", "RRULE:FREQ=WEEKLY;COUNT=3")
STANDARD = ("DTSTART:16011104T023000", "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=11", "TZOFFSETFROM:-0400")
DAYLIGHT = ("DTSTART:16010311T014500", "RRULE:FREQ=YEARLY;BYDAY=2TU;BYMONTH=3", "TZOFFSETFROM:-0500")


def zone(*components: tuple[str, ...]) -> MessageContent:
    inner = [line for name, *lines in components for line in (f"BEGIN:{name}", *lines, f"END:{name}")]
    data = calendar("BEGIN:VTIMEZONE", "TZID:Own", *inner, "END:VTIMEZONE", *event(*SERIES))
    (content,) = read_calendar(data)
    return content


def fields(content: MessageContent) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The three biases, in minutes, and the two dates.

    A date: year, month, day of the week, which of them in the month, hour, minute, second, millisecond.
    """
    octets = content.properties[tags.PidLidTimeZoneStruct]
    assert isinstance(octets, bytes)
    return (
        struct.unpack_from("<3i", octets),
        struct.unpack_from("<8H", octets, 14),
        struct.unpack_from("<8H", octets, 32),
    )


def test_standard_and_daylight() -> None:
    """The times of DTSTART, the days of RRULE; the last of a month is the fifth.

    [MS-OXCICAL] 2.1.3.1.1.19.2.1, 2.1.3.1.1.19.2.2, 2.1.3.1.1.19.3.1, 2.1.3.1.1.19.3.2.
    """
    content = zone(
        ("STANDARD", *STANDARD, "TZOFFSETTO:-0500"),
        ("DAYLIGHT", *DAYLIGHT, "TZOFFSETTO:-0400"),
    )
    biases, standard, daylight = fields(content)
    assert biases == (300, 0, -60)
    assert standard == (0, 11, 0, 5, 2, 30, 0, 0)
    assert daylight == (0, 3, 2, 2, 1, 45, 0, 0)


def test_standard_alone() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.19.2, 2.1.3.1.1.19.3: without a DAYLIGHT both dates are zeros, whatever RRULE says."""
    biases, standard, daylight = fields(zone(("STANDARD", *STANDARD, "TZOFFSETTO:-0500")))
    assert biases[0] == 300
    assert standard == daylight == (0,) * 8


def test_its_name() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.19.1: the name of the zone, read and written."""
    content = zone(("STANDARD", *STANDARD, "TZOFFSETTO:-0500"), ("DAYLIGHT", *DAYLIGHT, "TZOFFSETTO:-0400"))
    assert content.properties[tags.PidLidTimeZoneDescription] == "Own"
    (found,) = written(write_calendar(content, now=NOW)).inner("VTIMEZONE")
    assert found.value("TZID") == "Own"
