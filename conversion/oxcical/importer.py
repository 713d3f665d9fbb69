"""iCalendar to calendar objects ([MS-OXCICAL] 2.1.3, 2.1.3.1, 2.1.3.1.1, 2.1.3.1.1.20).

    contents = read_calendar(data, zone="Europe/Berlin", receipt=receipt)

Each VEVENT without a RECURRENCE-ID is an object, with its changed instances in it; a VTODO is a task, a VJOURNAL a
journal entry, a VFREEBUSY a free/busy message. Whatever is wrong with a line, a rule or a zone is noted, and the object
is made of the rest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from conversion.contentlines import Component, read_components
from conversion.errors import ConversionError
from conversion.oxcical.budget import Budget
from conversion.oxcical.event import Event, Setting, read_event
from conversion.oxcical.freebusy import read_free_busy
from conversion.oxcical.published import Published, read_published
from conversion.oxcical.series import read_series
from conversion.oxcical.tasks import read_journal, read_task
from conversion.oxcical.times import UTC, Zone, known_zone
from conversion.oxcical.vcalendar import is_old, modernised
from conversion.oxcical.zones import Zones
from conversion.oxcmail.addressing import Resolver
from conversion.receipt import Receipt
from store.mapi.message import MessageContent

MAX_OBJECTS = 50_000
"""Objects of one file."""
CALENDAR_TYPES = {
    "": 0,
    "GREGORIAN": 1,
    "GREGORIAN_US": 2,
    "JAPAN": 3,
    "TAIWAN": 4,
    "KOREAN TANGUN": 5,
    "KOREA": 5,
    "HIJRI": 6,
    "THAI": 7,
    "HEBREW": 8,
    "GREGORIANMEFRENCH": 9,
    "GREGORIANARABIC": 10,
    "GREGORIANXLITENGLISH": 11,
    "GREGORIANXLITFRENCH": 12,
    "LUNARJAPANESE": 14,
    "JAPANESELUNAR": 14,
    "CHINESELUNAR": 15,
    "SAKAERA": 16,
    "LUNARETOCHN": 17,
    "LUNARETOKOR": 18,
    "LUNARROKUYOU": 19,
    "KOREANLUNAR": 20,
    "UMALQURA": 23,
}
"""CalendarType by the word of X-MICROSOFT-CALSCALE ([MS-OXCICAL] 2.1.3.1.1.8, [MS-OXOCAL] 2.2.1.44.1)."""
_SOME_TIME = dt.datetime(2000, 1, 1)
# What a calendar says of itself, and not of what is in it ([MS-OXCICAL] 2.1.3.1.1).
_OF_CALENDAR = frozenset(
    (
        *("PRODID", "VERSION", "METHOD", "CALSCALE", "X-MICROSOFT-CALSCALE", "X-WR-TIMEZONE", "TZ", "DAYLIGHT"),
        *("X-CALSTART", "X-CALEND", "X-CLIPSTART", "X-CLIPEND", "X-MS-OLK-FORCEINSPECTOROPEN", "X-MS-WKHRDAYS"),
        *("X-MS-WKHRSTART", "X-MS-WKHREND", "X-OWNER", "X-PRIMARY-CALENDAR", "X-PUBLISHED-TTL", "X-WR-CALDESC"),
        *("NAME", "DESCRIPTION", "REFRESH-INTERVAL", "X-WR-CALNAME", "X-WR-RELCALID"),
        *("X-MS-OLK-WKHRDAYS", "X-MS-OLK-WKHRSTART", "X-MS-OLK-WKHREND"),
    )
)


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """What a file holds."""

    contents: list[MessageContent]
    published: Published
    """What the first of its calendars says of itself that says anything."""


def read_calendar(
    data: bytes,
    *,
    zone: str | dt.tzinfo | None = None,
    resolve: Resolver | None = None,
    user: Iterable[str] = (),
    receipt: Receipt | None = None,
) -> list[MessageContent]:
    """Turn iCalendar into objects ([MS-OXCICAL] 2.1.3.1). ConversionError if there is no calendar in the octets.

    `zone` is that of the one whose calendar it becomes (UTC where nobody knows): times without a zone and whole days
    are in it. `resolve` looks addresses up in the directory; `user` are the addresses of the calendar's owner.
    """
    return read_calendar_file(data, zone=zone, resolve=resolve, user=user, receipt=receipt).contents


def read_calendar_file(
    data: bytes,
    *,
    zone: str | dt.tzinfo | None = None,
    resolve: Resolver | None = None,
    user: Iterable[str] = (),
    receipt: Receipt | None = None,
) -> CalendarFile:
    """Do the same, and tell what the calendar says of itself ([MS-OXCICAL] 2.1.3.1.1)."""
    notes = Receipt() if receipt is None else receipt
    calendars = _calendars(read_components(data, receipt=notes))
    if not calendars:
        raise ConversionError("not an iCalendar object: there is no BEGIN:VCALENDAR")
    default = zone_named(zone, notes)
    addresses = frozenset(address.casefold() for address in user)
    budget = Budget()
    found: list[MessageContent] = []
    for number, calendar in enumerate(calendars, 1):
        place = notes if len(calendars) == 1 else notes.within(f"VCALENDAR {number}")
        if is_old(calendar):
            calendar = modernised(calendar, place)
        found += _objects(calendar, _setting(calendar, default, resolve, addresses, budget, place), place)
        if len(found) > MAX_OBJECTS:
            notes.dropped(f"VCALENDAR {number}", f"objects beyond {MAX_OBJECTS}")
            break
    said = next((one for one in map(read_published, calendars) if one), Published())
    return CalendarFile(found[:MAX_OBJECTS], said)


def _calendars(components: list[Component]) -> list[Component]:
    """The calendars; what stands outside of them, as if one were around it."""
    calendars: list[Component] = []
    for component in components:
        if component.name == "VCALENDAR":
            calendars.append(component)
        elif not _is_object(component) and any(map(_is_object, component.components)):
            # Something around objects that says it is no calendar.
            calendars.append(Component("VCALENDAR", component.lines, component.components))
    bare = [component for component in components if _is_object(component)]
    if bare:
        zones = [component for component in components if component.name == "VTIMEZONE"]
        calendars.append(Component("VCALENDAR", [], [*zones, *bare]))
    return calendars


def _is_object(component: Component) -> bool:
    return component.name == "VEVENT" or component.name in _READERS


def zone_named(zone: str | dt.tzinfo | None, notes: Receipt) -> Zone:
    """Give the zone that a caller means: its name, or a tzinfo; UTC where nothing is said."""
    if isinstance(zone, dt.tzinfo):
        name = getattr(zone, "key", None) or str(zone)
        return known_zone(str(name)) or Zone(zone, str(name))
    if zone is None:
        return UTC
    found = known_zone(zone)
    if found is None:
        notes.guessed(f"zone {zone[:60]}", "unknown: UTC")
    return found or UTC


def method_of_calendar(calendar: Component) -> str:
    """Give the METHOD of a calendar in upper case ([MS-OXCICAL] 2.1.3.1.1.1)."""
    return (calendar.value("METHOD") or "").strip().upper()


def _setting(
    calendar: Component,
    default: Zone,
    resolve: Resolver | None,
    user: frozenset[str],
    budget: Budget,
    notes: Receipt,
) -> Setting:
    for line in calendar.lines:
        if line.name not in _OF_CALENDAR:
            notes.dropped(line.name[:50], "a property of the calendar that no object has a place for")
    declared = calendar.value("X-WR-TIMEZONE") or calendar.value("TZ")
    own = known_zone(declared.strip()) if declared else None
    default = own or default
    scale = (calendar.value("X-MICROSOFT-CALSCALE") or "").strip().upper()
    if scale not in CALENDAR_TYPES:
        notes.guessed("X-MICROSOFT-CALSCALE", "an unknown word is taken as GREGORIAN")
    other = (calendar.value("CALSCALE") or "GREGORIAN").strip().upper()
    if other != "GREGORIAN":
        notes.guessed("CALSCALE", f"{other[:30]} is taken as GREGORIAN")
    zones = Zones(calendar.inner("VTIMEZONE"), default, notes, budget)
    if declared and own is None and zones.declares(declared.strip()):
        zones.default = zones.find(declared.strip(), _SOME_TIME)
    return Setting(zones, method_of_calendar(calendar), CALENDAR_TYPES.get(scale, 0), resolve, user, notes, budget)


_READERS = {"VTODO": read_task, "VJOURNAL": read_journal, "VFREEBUSY": read_free_busy}


def _objects(calendar: Component, setting: Setting, notes: Receipt) -> list[MessageContent]:
    """The objects of one calendar, in its order; a series stands where the first of its events is."""
    by_uid: dict[str, list[Event]] = {}
    order: list[str | MessageContent] = []
    counts: dict[str, int] = {}
    for component in calendar.components:
        name = component.name
        counts[name] = counts.get(name, 0) + 1
        place = notes.within(f"{name[:30]} {counts[name]}")
        if name == "VEVENT":
            event = read_event(component, setting, place)
            if event.uid not in by_uid:
                order.append(event.uid)
            by_uid.setdefault(event.uid, []).append(event)
        elif name in _READERS:
            order.append(_READERS[name](component, setting, place))
        elif name != "VTIMEZONE":
            notes.dropped(f"{name[:30]} {counts[name]}", "a component that MAPI has no place for")
    found: list[MessageContent] = []
    for item in order:
        found += [item] if isinstance(item, MessageContent) else _joined(by_uid[item], setting)
    return found


def _joined(events: list[Event], setting: Setting) -> list[MessageContent]:
    """The objects of one UID ([MS-OXCICAL] 2.1.3.1.1.20.20): the changes belong to the series."""
    masters = [event for event in events if event.recurrence_id is None]
    changed = [event for event in events if event.recurrence_id is not None]
    for event in changed:
        if event.rules or event.added:
            event.notes.dropped("RRULE", "a changed instance has no instances of its own")
            event.rules, event.added = [], []
    if not masters:
        return [content for event in changed for content in read_series(event, [], setting)]
    masters.sort(key=lambda event: bool(event.rules or event.added), reverse=True)
    for event in masters[1:]:
        event.notes.guessed("UID", "several events have it: each is an object")
    return read_series(masters[0], changed, setting) + [
        content for event in masters[1:] for content in read_series(event, [], setting)
    ]
