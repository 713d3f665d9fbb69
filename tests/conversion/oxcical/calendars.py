"""Short ways to write calendars in tests, and to look at what came out."""

from __future__ import annotations

import datetime as dt

from conversion.contentlines import Component, read_components
from conversion.oxcical.clocks import Clocks
from conversion.oxcical.importer import read_calendar
from conversion.oxcical.occurrences import instances
from conversion.oxcical.recurrence import AppointmentRecurrencePattern, datetime_of, minutes_of
from conversion.oxcical.recurrenceblob import decode_appointment_recurrence
from conversion.oxcical.times import UTC, from_filetime
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyKey

START = ("DTSTART:20260105T090000Z", "DTEND:20260105T100000Z")
NOW = 134_116_992_000_000_000
"""2026-01-01, midnight UTC."""


def calendar(*lines: str, method: str = "", heading: tuple[str, ...] = ()) -> bytes:
    """An iCalendar object; BEGIN:VEVENT is put around lines that begin no component."""
    inner = lines if any(line.startswith("BEGIN:") for line in lines[:1]) else event(*lines)
    said = [f"METHOD:{method}"] if method else []
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *said, *heading, *inner, "END:VCALENDAR", "")).encode()


def event(*lines: str, name: str = "VEVENT") -> tuple[str, ...]:
    """A component, with a UID unless it has one."""
    uid = () if any(line.startswith("UID") for line in lines) else ("UID:one",)
    return (f"BEGIN:{name}", *uid, *lines, f"END:{name}")


def read_one(*lines: str, method: str = "", notes: int = 0, **options: object) -> MessageContent:
    """Read a calendar of one object; so many notes are expected."""
    receipt = Receipt()
    (content,) = read_calendar(calendar(*lines, method=method), receipt=receipt, **options)  # type: ignore[arg-type]
    assert receipt.count == notes, [str(note) for note in receipt]
    return content


def utc(properties: PropertyBag, key: PropertyKey) -> dt.datetime:
    """A FILETIME as a time in UTC."""
    value = properties[key]
    assert isinstance(value, int)
    return from_filetime(value)


def recurrence_of(content: MessageContent) -> AppointmentRecurrencePattern:
    """The structure of a series."""
    octets = content.properties[tags.PidLidAppointmentRecur]
    assert isinstance(octets, bytes)
    return decode_appointment_recurrence(octets)


def starts_of(content: MessageContent, after: dt.datetime, before: dt.datetime) -> list[dt.datetime]:
    """The starts in UTC of what an object stands for, local ones for whole days."""
    properties = content.properties
    clocks = Clocks(UTC, iana=False, receipt=Receipt())
    whole = properties.get(tags.PidLidAppointmentSubType) is True
    if tags.PidLidAppointmentRecur not in properties:
        start = utc(properties, tags.PidLidAppointmentStartWhole).replace(second=0, microsecond=0)
        clock = clocks.of_display(properties, tags.PidLidAppointmentTimeZoneDefinitionStartDisplay)
        start = clock.zone.to_local(start) if whole else start
        return [start] if after <= start < before else []
    zone = clocks.of_series(properties).zone
    margin = dt.timedelta(days=2)
    found = instances(recurrence_of(content), after=minutes_of(after - margin), before=minutes_of(before + margin))
    starts = [datetime_of(one.start) if whole else zone.to_utc(datetime_of(one.start)) for one in found]
    return sorted(start for start in starts if after <= start < before)


def written(data: bytes) -> Component:
    """What was written, as components; one calendar without a fault."""
    receipt = Receipt()
    (found,) = read_components(data, receipt=receipt)
    assert not receipt.count
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    return found
