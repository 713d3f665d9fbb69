"""Dates of a card: birthday, anniversary, revision ([MS-OXVCARD] 2.1.3.2.5, 2.1.3.7.4, [MS-OXOCNTC] 2.2.1.5).

A day is midnight UTC in the properties, in the one of local time and in the other alike: a card names no time zone. A
day without a year ([RFC6350] 4.3.1) is kept under the year 1604, as address books of Apple and of Exchange do.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from conversion.vcard.card import Card, Entry, Found
from conversion.vcard.lines import Lines
from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, PropertyTag

NO_YEAR = 1604
"""The year of a day that has none."""

_FIRST = date(1601, 1, 1)
_DAY = 864_000_000_000
_SECOND = 10_000_000
_FULL = re.compile(r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|(\d\d)(\d\d))(?:([T ].*)|Z)?\Z", re.S)
_WITHOUT_YEAR = re.compile(r"--(\d\d)-?(\d\d)(?:([T ].*))?\Z", re.S)
_MOMENT = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)(?:[T ](\d\d)(?::?(\d\d))?(?::?(\d\d))?(?:[.,](\d+))?\s*(Z|[+-]\d\d(?::?\d\d)?)?)?\Z", re.I
)
_ANNIVERSARIES = ("ANNIVERSARY", "X-MS-ANNIVERSARY", "X-ANNIVERSARY", "X-EVOLUTION-ANNIVERSARY")
BIRTHDAY: tuple[PropertyTag, PropertyName] = (tags.PidTagBirthday, tags.PidLidBirthdayLocal)
ANNIVERSARY: tuple[PropertyTag, PropertyName] = (tags.PidTagWeddingAnniversary, tags.PidLidWeddingAnniversaryLocal)
HANDLED: frozenset[PropertyKey] = frozenset((*BIRTHDAY, *ANNIVERSARY, tags.PidTagLastModificationTime))
"""The properties that write_dates looks at."""


def read_dates(card: Card, found: Found) -> None:
    """Read BDAY, ANNIVERSARY in all its names, and REV."""
    _read_day(card, card.one("BDAY"), BIRTHDAY, found)
    _read_day(card, card.one(*_ANNIVERSARIES), ANNIVERSARY, found)
    for entry in card.take("X-ABDATE"):
        if card.label(entry) != "anniversary":
            card.receipt.dropped("X-ABDATE", "a contact has no place for this date")
        elif ANNIVERSARY[0] not in found:
            _read_day(card, entry, ANNIVERSARY, found)
    revision = card.one("REV")
    if revision is not None:
        moment = read_moment(revision.text().strip())
        if moment is None:
            card.receipt.dropped("REV", "no date and time")
        else:
            found[tags.PidTagLastModificationTime] = moment


def _read_day(card: Card, entry: Entry | None, keys: tuple[PropertyTag, PropertyName], found: Found) -> None:
    if entry is None:
        return
    text = entry.text().strip()
    full, short = _FULL.match(text), _WITHOUT_YEAR.match(text)
    if full is not None:
        year, month, day = int(full[1]), int(full[2] or full[4]), int(full[3] or full[5])
        if entry.line.parameter("X-APPLE-OMIT-YEAR") == full[1]:
            year = NO_YEAR
    elif short is not None:
        year, month, day = NO_YEAR, int(short[1]), int(short[2])
    else:
        card.receipt.dropped(entry.name, "no day with its month")
        return
    try:
        when = date(year, month, day)
    except ValueError:
        card.receipt.dropped(entry.name, "there is no such day")
        return
    if when < _FIRST:
        card.receipt.dropped(entry.name, "a day before the year 1601")
        return
    time = full[6] if full is not None else short[3] if short is not None else None
    if time and time.strip("T 0:.Zz"):
        card.receipt.altered(entry.name, "the time of the day is not kept")
    for key in keys:
        found[key] = (when - _FIRST).days * _DAY


def read_moment(text: str) -> int | None:
    """Read a date, with or without a time, as a FILETIME; a time without a zone is taken as UTC."""
    match = _MOMENT.match(text)
    if match is None:
        return None
    hour, minute, second = (int(match[at] or 0) for at in (4, 5, 6))
    try:
        moment = datetime(int(match[1]), int(match[2]), int(match[3]), hour, minute, min(second, 59), tzinfo=UTC)
        zone = match[8] or "Z"
        if zone not in "Zz":
            digits = zone[1:].replace(":", "")
            offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
            moment = moment - offset if zone[0] == "+" else moment + offset
    except (ValueError, OverflowError):
        return None
    if moment.date() < _FIRST:
        return None
    ticks = (moment - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10
    return ticks + int(((match[7] or "") + "0000000")[:7])


def write_dates(properties: PropertyBag, lines: Lines) -> None:
    """Write BDAY, the anniversary and REV."""
    _write_day(properties, BIRTHDAY, "BDAY", lines)
    _write_day(properties, ANNIVERSARY, "ANNIVERSARY" if lines.version == "4.0" else "X-MS-ANNIVERSARY", lines)
    revision = properties.get(tags.PidTagLastModificationTime)
    if isinstance(revision, int) and (written := write_moment(revision, extended=lines.version == "3.0")):
        lines.uri("REV", written)


def _write_day(properties: PropertyBag, keys: tuple[PropertyTag, PropertyName], name: str, lines: Lines) -> None:
    value = properties.get(keys[1])
    if not isinstance(value, int):
        value = properties.get(keys[0])
    if not isinstance(value, int):
        return
    try:
        # Without a property of local time it is midnight somewhere: the nearest midnight UTC is the day's.
        when = _FIRST + timedelta(days=(value + _DAY // 2) // _DAY)
    except OverflowError:
        when = date.min
    if when < _FIRST:
        lines.receipt.dropped(name, "no date of the calendar")
        return
    if when.year != NO_YEAR:
        lines.uri(name, when.strftime("%Y-%m-%d") if lines.version == "3.0" else f"{when:%Y%m%d}")
    elif lines.version == "4.0":
        lines.uri(name, f"--{when:%m%d}")
    else:
        parameters = [("X-APPLE-OMIT-YEAR", str(NO_YEAR))] if lines.version == "3.0" else []
        lines.uri(name, when.isoformat(), parameters=parameters)


def write_moment(filetime: int, *, extended: bool) -> str:
    """Write a FILETIME in UTC, to the second; empty for one beyond the calendar."""
    try:
        moment = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(seconds=max(filetime, 0) // _SECOND)
    except OverflowError:
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if extended else moment.strftime("%Y%m%dT%H%M%SZ")
