"""What stands at the head of a calendar, and removed instances of other calendars ([MS-OXCICAL] 2.1.3.1.1)."""

from __future__ import annotations

from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from tests.conversion.oxcical.calendars import NOW, START, calendar, read_one, recurrence_of, written


def test_who_wrote_it() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.2: PRODID is written, once; whoever wrote what is read makes no difference."""
    content = read_one(*START)
    values = [line.value for line in written(write_calendar(content, now=NOW)).lines if line.name == "PRODID"]
    assert len(values) == 1
    assert values[0]
    (other,) = read_calendar(calendar(*START, heading=("PRODID:-//Somebody//EN",)))
    assert other.properties == content.properties


def test_removed_instances_of_another_calendar() -> None:
    """[MS-OXCICAL] 2.1.3.1.1.20.39: X-MICROSOFT-EXDATE removes from a series of X-MICROSOFT-RRULE, and is written."""
    lines = ("DTSTART:20260302T100000Z", "X-MICROSOFT-RRULE:FREQ=MONTHLY;BYMONTHDAY=2")
    removed = "X-MICROSOFT-EXDATE:20260309T100000Z"
    (content,) = read_calendar(calendar(*lines, removed, heading=("X-MICROSOFT-CALSCALE:Hijri",)))
    assert len(recurrence_of(content).recurrence_pattern.deleted_instance_dates) == 1
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert (inner.value("X-MICROSOFT-EXDATE") or "").startswith("20260309T100000")
    assert inner.value("EXDATE") is None
