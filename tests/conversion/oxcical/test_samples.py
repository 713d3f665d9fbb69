"""A part of the samples beside the repository: all convert; tests/peers has the rest ([MS-OXCICAL] 2.1.3)."""

from __future__ import annotations

import pytest

from conversion.errors import ConversionError
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.receipt import Receipt
from tests.conversion.oxcical.calendars import NOW, written
from tests.support.corpora import CORPORA

EACH = 8
NONE = frozenset((b"BEGIN:VCALENDAR", b"BEGIN:VEVENT", b"BEGIN:VTODO", b"BEGIN:VJOURNAL", b"BEGIN:VFREEBUSY"))


def test_samples() -> None:
    files = sorted((CORPORA / "ical").rglob("*.ics"))[::EACH]
    if not files:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    for path in files:
        data = path.read_bytes()
        try:
            contents = read_calendar(data, zone="Europe/Berlin", receipt=Receipt())
        except ConversionError:
            assert not any(word in data.upper() for word in NONE), path.name
            continue
        for content in contents[:20]:
            written(write_calendar(content, zone="Europe/Berlin", now=NOW))
