"""What a calendar that is published says of itself, both ways.

[MS-OXCICAL] 2.1.3.1.1.4 to 2.1.3.1.1.7, 2.1.3.1.1.10 to 2.1.3.1.1.18.
Their parameters: [MS-OXCICAL] 2.1.3.1.1.4.1, 2.1.3.1.1.5.1, 2.1.3.1.1.6.1, 2.1.3.1.1.7.1, 2.1.3.1.1.11.1;
[MS-OXCICAL] 2.1.3.1.1.12.1 and 2.1.3.1.1.13.1.

No object has a place for it: objects are the same with and without. `read_published` gives it beside them, and
`write_published` writes it again.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from conversion.contentlines import Component, ContentLine, escape, unescape
from conversion.errors import ConversionError
from conversion.oxcical.clocks import Clocks
from conversion.oxcical.meetingstate import method_of
from conversion.oxcical.occurrences import count_of, series
from conversion.oxcical.recurrence import DAY, datetime_of
from conversion.oxcical.recurrenceblob import decode_appointment_recurrence
from conversion.oxcical.rrule import WEEKDAYS, read_moment, write_moment
from conversion.oxcical.times import MINUTE, UTC, from_filetime, known_zone, read_duration, write_duration
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag

MAX_TEXT = 255
"""Characters of a name, a description."""
_NEWER = {"X-WR-CALNAME": "NAME", "X-WR-CALDESC": "DESCRIPTION", "X-PUBLISHED-TTL": "REFRESH-INTERVAL"}
"""What [RFC7986] 5.1, 5.2 and 5.7 have for them."""
_BREAKS = re.compile(r"[\r\n]+")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)([0-5]\d)Z?")
_MOST_DAYS = dt.timedelta(days=366)
_FARTHEST = dt.timedelta(hours=14)
"""How far the clock of a place is from UTC at most."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose primary calendar it is."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """When the owner works: days by their number (0 is Sunday), and times of the day in a zone."""

    days: tuple[int, ...] = ()
    start: dt.time | None = None
    end: dt.time | None = None
    zone: str = ""
    """IANA's name or Windows'; empty for UTC."""


@dataclass(frozen=True, slots=True)
class Published:
    """A calendar as a whole."""

    name: str = ""
    description: str = ""
    identifier: str = ""
    """X-WR-RELCALID."""
    primary: bool = False
    owner: Owner | None = None
    """Of a primary calendar."""
    hours: WorkingHours | None = None
    """Of a primary calendar."""
    refresh: dt.timedelta | None = None
    """How often it is published."""
    first: dt.datetime | None = None
    """The begin of the range that was chosen to be exported, in UTC."""
    last: dt.datetime | None = None
    """The end of it, in UTC."""

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return self != Published()


def read_published(calendar: Component) -> Published:
    """Read what a calendar says of itself; what cannot be read is as if it were not there."""
    value = {line.name: line for line in reversed(calendar.lines)}
    owner = value.get("X-OWNER")
    first, last = (_utc(value.get(name)) for name in ("X-CLIPSTART", "X-CLIPEND"))
    for name, newer in _NEWER.items():
        if name not in value and newer in value:
            value[name] = value[newer]
    refresh = read_duration(_text(value, "X-PUBLISHED-TTL"))
    return Published(
        name=_short(unescape(_text(value, "X-WR-CALNAME"))),
        description=unescape(_text(value, "X-WR-CALDESC"))[:MAX_TEXT],
        identifier=_text(value, "X-WR-RELCALID")[:MAX_TEXT],
        primary=_text(value, "X-PRIMARY-CALENDAR").strip().upper() == "TRUE",
        owner=None if owner is None else _owner(owner),
        hours=_hours(value),
        refresh=refresh if refresh is not None and MINUTE <= refresh <= _MOST_DAYS else None,
        first=first,
        last=last,
    )


def _text(value: dict[str, ContentLine], name: str) -> str:
    line = value.get(name)
    return "" if line is None else line.value


def _short(text: str) -> str:
    return _BREAKS.sub("", text)[:MAX_TEXT]


def _owner(line: ContentLine) -> Owner | None:
    scheme, colon, rest = line.value.strip().partition(":")
    address = rest if colon and scheme.lower() == "mailto" else line.value.strip()
    return Owner(address[:1024], (line.parameter("CN") or "")[:MAX_TEXT]) if address else None


def _utc(line: ContentLine | None) -> dt.datetime | None:
    """A DATE-TIME in UTC, or with a TZID that is known by its name."""
    moment = None if line is None else read_moment(line.value)
    if line is None or not isinstance(moment, dt.datetime):
        return None
    zone = known_zone(line.parameter("TZID") or "UTC")
    local = moment.replace(tzinfo=None)
    return local if moment.tzinfo is not None or zone is None else zone.to_utc(local)


def _hours(value: dict[str, ContentLine]) -> WorkingHours | None:
    words = [word.strip().upper() for word in _text(value, "X-MS-WKHRDAYS").split(",")[:100]]
    days = tuple(dict.fromkeys(WEEKDAYS.index(word) for word in words if word in WEEKDAYS))
    start, end = (_time(_text(value, name)) for name in ("X-MS-WKHRSTART", "X-MS-WKHREND"))
    if not days and start is None and end is None:
        return None
    line = value.get("X-MS-WKHRSTART") or value.get("X-MS-WKHREND")
    zone = "" if line is None else (line.parameter("TZID") or "")
    return WorkingHours(days, start, end, zone if known_zone(zone) is not None else "")


def _time(text: str) -> dt.time | None:
    match = _TIME.fullmatch(text.strip())
    return None if match is None else dt.time(int(match[1]), int(match[2]), int(match[3]))


def write_published(
    published: Published, contents: Sequence[MessageContent], clocks: Clocks, day: dt.date
) -> list[ContentLine]:
    """Write the lines of a calendar that is exported on a day; zones that are named are noted in `clocks`."""
    found = _span(contents, clocks)
    if published.first is not None:
        found.append(ContentLine("X-CLIPSTART", write_moment(published.first) + "Z"))
    if published.last is not None:
        found.append(ContentLine("X-CLIPEND", write_moment(published.last) + "Z"))
    if published.refresh is not None:
        found.append(ContentLine("X-PUBLISHED-TTL", write_duration(published.refresh)))
    for name, text in (
        ("X-WR-CALNAME", published.name),
        ("X-WR-CALDESC", published.description[:MAX_TEXT]),
        ("X-WR-RELCALID", published.identifier),
    ):
        if text:
            found.append(ContentLine(name, escape(text)))
    return found + (_primary(published, clocks, day) if published.primary else [])


def _primary(published: Published, clocks: Clocks, day: dt.date) -> list[ContentLine]:
    """What only the primary calendar of somebody says ([MS-OXCICAL] 2.1.3.1.1.10 to 2.1.3.1.1.14)."""
    found = [ContentLine("X-PRIMARY-CALENDAR", "TRUE")]
    if published.owner is not None:
        name = published.owner.name
        named = (("CN", (name,)),) if name else ()
        found.append(ContentLine("X-OWNER", f"mailto:{published.owner.address}", named))
    hours = published.hours
    if hours is None:
        return found
    if hours.days:
        found.append(ContentLine("X-MS-WKHRDAYS", ",".join(WEEKDAYS[day % 7] for day in hours.days)))
    zone = known_zone(hours.zone) if hours.zone else None
    for name, time in (("X-MS-WKHRSTART", hours.start), ("X-MS-WKHREND", hours.end)):
        if time is not None:
            line = clocks.of_zone(zone or UTC).line(name, dt.datetime.combine(day, time))
            found.append(replace(line, value=line.value.partition("T")[2]))
    return found


def _span(contents: Iterable[MessageContent], clocks: Clocks) -> list[ContentLine]:
    """X-CALSTART and X-CALEND ([MS-OXCICAL] 2.1.3.1.1.4, 2.1.3.1.1.5).

    Whole days are floating: where it is not certain which comes first, both are said. A calendar that goes on for ever
    has no end.
    """
    starts: dict[bool, list[dt.datetime]] = {True: [], False: []}
    ends: dict[bool, list[dt.datetime]] = {True: [], False: []}
    endless = False
    for content in contents:
        properties = content.properties
        start, end = (properties.get(key) for key in (tags.PidLidAppointmentStartWhole, tags.PidLidAppointmentEndWhole))
        if method_of(properties) is None or not isinstance(start, int) or not isinstance(end, int):
            continue
        whole = properties.get(tags.PidLidAppointmentSubType) is True
        zone = clocks.of_display(properties, tags.PidLidAppointmentTimeZoneDefinitionStartDisplay).zone
        moments = [from_filetime(value) for value in (start, end)]
        first, last = map(zone.to_local, moments) if whole else moments
        final = _last(properties, clocks, whole=whole)
        endless = endless or (final is None and tags.PidLidAppointmentRecur in properties)
        starts[whole].append(first)
        ends[whole].append(max(final or last, last))
    found: list[ContentLine] = []
    if any(starts.values()):
        found += _both("X-CALSTART", {whole: min(each) for whole, each in starts.items() if each}, 1)
    if any(ends.values()) and not endless:
        found += _both("X-CALEND", {whole: max(each) for whole, each in ends.items() if each}, -1)
    return found


def _last(properties: PropertyBag, clocks: Clocks, *, whole: bool) -> dt.datetime | None:
    """The end of the last instance of a series; None for what is no series, or goes on for ever.

    An instance on the last day that was moved elsewhere counts where it is: its day is among those removed.
    """
    octets = properties.get(tags.PidLidAppointmentRecur)
    if not isinstance(octets, bytes):
        return None
    try:
        recurrence = decode_appointment_recurrence(octets)
    except ConversionError:
        return None
    pattern = recurrence.recurrence_pattern
    days = series(pattern)
    count = 0 if days is None else count_of(pattern, days)
    if days is None or count is None:
        return None
    gone = set(pattern.deleted_instance_dates)
    each = (days.day(number) for number in range(count - 1, -1, -1))
    day = next((one for one in each if one is not None and one * DAY not in gone), None)
    minutes = [one.end_date_time for one in recurrence.exceptions]
    minutes += [] if day is None else [day * DAY + recurrence.end_time_offset]
    if not minutes:
        return None
    local = datetime_of(max(minutes))
    return local if whole else clocks.of_series(properties).zone.to_utc(local)


def _both(name: str, moments: dict[bool, dt.datetime], sign: int) -> list[ContentLine]:
    """A moment in UTC and a floating one: the first of them (the last, with -1), or both where that is not certain."""
    if len(moments) == 2 and abs(moments[True] - moments[False]) > _FARTHEST:
        floating_counts = (moments[True] - moments[False]) * sign < dt.timedelta()
        moments = {floating_counts: moments[floating_counts]}
    return [
        ContentLine(name, write_moment(moment.replace(microsecond=0)) + ("" if floating else "Z"))
        for floating, moment in sorted(moments.items())
    ]
