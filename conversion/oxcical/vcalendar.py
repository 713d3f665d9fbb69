"""vCalendar 1.0 as iCalendar: what is written otherwise there, said in the newer way (versit, vCalendar 1.0, 1996).

`modernised` gives a calendar whose lines mean in iCalendar what they meant: rules in the old grammar, the offset and
the daylight time of the calendar, people, lists at semicolons. What is iCalendar already, as many files that call
themselves 1.0 are, stays as it is. QUOTED-PRINTABLE is undone before (contentlines.py), alarms are read by alarms.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from conversion.contentlines import Component, ContentLine
from conversion.oxcical.oldrules import modern_rule
from conversion.oxcical.rrule import read_moment
from conversion.receipt import Receipt

MAX_DAYLIGHT = 100
"""DAYLIGHT lines of a calendar."""
_OFFSET = re.compile(r"([+-]?)(\d{1,2}):?(\d\d)?")
_UNESCAPED_SEMICOLON = re.compile(r"(?<!\\);")
_ADDRESS = re.compile(r"([^<>]{0,500})<([^<>\s]{1,1000}@[^<>\s]{1,1000})>\s*")
_ANSWERS = {
    "ACCEPTED": "ACCEPTED",
    "CONFIRMED": "ACCEPTED",
    "NEEDS ACTION": "NEEDS-ACTION",
    "NEEDS-ACTION": "NEEDS-ACTION",
    "SENT": "NEEDS-ACTION",
    "TENTATIVE": "TENTATIVE",
    "DECLINED": "DECLINED",
    "COMPLETED": "COMPLETED",
    "DELEGATED": "DELEGATED",
}
_ROLES = {"REQUEST": "OPT-PARTICIPANT", "FYI": "NON-PARTICIPANT"}
"""ROLE by EXPECT: what is asked of somebody; otherwise he is to come."""
_STATUS = {"NEEDS ACTION": "NEEDS-ACTION", "ACCEPTED": "CONFIRMED", "SENT": "CONFIRMED", "DECLINED": "CANCELLED"}
_TRANSPARENCY = {"0": "OPAQUE", "1": "TRANSPARENT"}
_HOUR = 60


def is_old(calendar: Component) -> bool:
    """Whether a calendar says that it is vCalendar 1.0."""
    return (calendar.value("VERSION") or "").strip().startswith("1.")


def modernised(calendar: Component, notes: Receipt) -> Component:
    """Give a vCalendar 1.0 as iCalendar."""
    found = Component(calendar.name, list(calendar.lines), [_modern(inner, notes) for inner in calendar.components])
    zone = _zone(calendar, notes)
    if zone is not None:
        found.components.insert(0, zone)
        found.lines = [line for line in found.lines if line.name not in ("TZ", "DAYLIGHT")]
        found.lines.append(ContentLine("X-WR-TIMEZONE", zone.value("TZID") or ""))
    return found


def _modern(component: Component, notes: Receipt) -> Component:
    if component.name not in ("VEVENT", "VTODO"):
        return component
    lines: list[ContentLine] = []
    start = read_moment(component.value("DTSTART") or "")
    for line in component.lines:
        change = _CHANGES.get(line.name)
        if change is not None:
            lines.append(change(line))
        elif line.name in ("RRULE", "EXRULE"):
            text = modern_rule(line.value, start, notes.within(component.name), line.name)
            lines.append(replace(line, value=text) if text is not None else line)
        else:
            lines.append(line)
    return Component(component.name, lines, component.components)


def _list(line: ContentLine) -> ContentLine:
    """Values of a list are parted by semicolons."""
    return replace(line, value=_UNESCAPED_SEMICOLON.sub(",", line.value))


def _word(words: dict[str, str]) -> Callable[[ContentLine], ContentLine]:
    return lambda line: replace(line, value=words.get(line.value.strip().upper(), line.value))


def _attendee(line: ContentLine) -> ContentLine:
    """Somebody as `Name <address>`, with ROLE, STATUS, RSVP and EXPECT."""
    said = {name: values[0].upper() for name, values in line.parameters if values}
    parameters = [
        (name, values) for name, values in line.parameters if name not in ("ROLE", "STATUS", "RSVP", "EXPECT")
    ]
    match = _ADDRESS.fullmatch(line.value)
    if match is not None and match[1].strip() and line.parameter("CN") is None:
        parameters.append(("CN", (match[1].strip().strip('"'),)))
    value = line.value if match is None else f"mailto:{match[2]}"
    role = said.get("ROLE", "")
    if role in ("OWNER", "ORGANIZER"):
        return ContentLine("ORGANIZER", value, tuple(parameters), line.group)
    # What is of iCalendar already stays.
    known = role if role.endswith("-PARTICIPANT") or role == "CHAIR" else _ROLES.get(said.get("EXPECT", ""))
    if known is not None:
        parameters.append(("ROLE", (known,)))
    if "STATUS" in said:
        parameters.append(("PARTSTAT", (_ANSWERS.get(said["STATUS"], said["STATUS"]),)))
    if "RSVP" in said:
        parameters.append(("RSVP", ("TRUE" if said["RSVP"] in ("YES", "TRUE") else "FALSE",)))
    return ContentLine("ATTENDEE", value, tuple(parameters), line.group)


_CHANGES: dict[str, Callable[[ContentLine], ContentLine]] = {
    "ATTENDEE": _attendee,
    "CATEGORIES": _list,
    "RESOURCES": _list,
    "EXDATE": _list,
    "RDATE": _list,
    "TRANSP": _word(_TRANSPARENCY),
    "STATUS": _word(_STATUS),
    "DCREATED": lambda line: replace(line, name="CREATED"),
}


def _zone(calendar: Component, notes: Receipt) -> Component | None:
    """TZ and the DAYLIGHT lines as a VTIMEZONE; None where TZ alone says it, or nothing does.

    A DAYLIGHT says whether there is daylight time, its offset, when it begins and ends, and both names. It holds for
    that once: of other years nothing is said.
    """
    standard = _offset(calendar.value("TZ") or "")
    lines = [line for line in calendar.every("DAYLIGHT")[:MAX_DAYLIGHT] if line.value.strip().upper() != "FALSE"]
    if standard is None or not lines:
        return None
    inner: list[Component] = []
    names = ""
    for line in lines:
        flag, offset, begins, ends, *said = [piece.strip() for piece in (line.value + ";;;;").split(";")]
        daylight = _offset(offset)
        first, last = read_moment(begins), read_moment(ends)
        if flag.upper() != "TRUE" or first is None or last is None or daylight is None:
            notes.dropped("DAYLIGHT", "not its flag, offset, begin and end")
            continue
        if not standard < daylight <= standard + 2 * _HOUR:
            notes.guessed("DAYLIGHT", "an offset that is not later than that of TZ: an hour later")
            daylight = standard + _HOUR
        inner.append(_observance("DAYLIGHT", begins, standard, daylight))
        inner.append(_observance("STANDARD", ends, daylight, standard))
        names = names or "/".join(name for name in said[:2] if name)
    if not inner:
        return None
    inner.insert(0, _observance("STANDARD", "16010101T000000", standard, standard))
    return Component("VTIMEZONE", [ContentLine("TZID", (names or "vCalendar TZ")[:100])], inner)


def _observance(name: str, start: str, before: int, after: int) -> Component:
    lines = [
        ContentLine("DTSTART", start),
        ContentLine("TZOFFSETFROM", _written(before)),
        ContentLine("TZOFFSETTO", _written(after)),
    ]
    return Component(name, lines)


def _offset(text: str) -> int | None:
    """Minutes east of UTC: `-05`, `+0530`, `-05:00`."""
    match = _OFFSET.fullmatch(text.strip())
    if match is None:
        return None
    minutes = int(match[2]) * _HOUR + int(match[3] or 0)
    return -minutes if match[1] == "-" else minutes


def _written(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // _HOUR:02}{abs(minutes) % _HOUR:02}"
