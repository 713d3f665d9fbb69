"""VFREEBUSY and the free/busy message of a mailbox, both ways ([RFC5545] 3.6.4, [MS-OXOPFFB] 2.2.1).

The message has, for each kind of time, the months that have any (year times 16, plus month) and for each of these the
pairs of minutes since the beginning of the month, in UTC.
"""

from __future__ import annotations

import datetime as dt
import struct
from calendar import monthrange

from conversion.contentlines import Component, ContentLine
from conversion.oxcical.attendees import mailbox_of
from conversion.oxcical.event import Setting, made_uid
from conversion.oxcical.rrule import write_moment
from conversion.oxcical.texts import Properties, keep_rest, kept_lines, lines_of, take, time_line
from conversion.oxcical.times import EPOCH, MINUTE, read_duration
from conversion.oxcical.zones import read_time, time_of
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyTag

FREE_BUSY = "IPM.Microsoft.ScheduleData.FreeBusy"
MAX_PERIODS = 20_000
MAX_MONTHS = 600
Period = tuple[dt.datetime, dt.datetime]
"""Start and end, UTC without tzinfo."""
_KINDS: dict[str, tuple[PropertyTag, PropertyTag]] = {
    "BUSY": (tags.PidTagScheduleInfoMonthsBusy, tags.PidTagScheduleInfoFreeBusyBusy),
    "BUSY-TENTATIVE": (tags.PidTagScheduleInfoMonthsTentative, tags.PidTagScheduleInfoFreeBusyTentative),
    "BUSY-UNAVAILABLE": (tags.PidTagScheduleInfoMonthsAway, tags.PidTagScheduleInfoFreeBusyAway),
}
_MERGED = (tags.PidTagScheduleInfoMonthsMerged, tags.PidTagScheduleInfoFreeBusyMerged)


def read_free_busy(component: Component, setting: Setting, notes: Receipt) -> MessageContent:
    """Read a VFREEBUSY as a free/busy message ([MS-OXOPFFB] 2.2.1.2)."""
    lines = lines_of(component.lines)
    periods: dict[str, list[Period]] = {kind: [] for kind in _KINDS}
    count = 0
    for line in lines.pop("FREEBUSY", []):
        kind = (line.parameter("FBTYPE") or "BUSY").upper()
        if kind == "FREE":
            continue
        if kind not in periods:
            notes.altered("FREEBUSY", "an unknown FBTYPE is BUSY")
            kind = "BUSY"
        for text in line.value.split(","):
            count += 1
            period = _period(text, line, setting) if count <= MAX_PERIODS else None
            if period is None:
                notes.dropped("FREEBUSY", "a period that cannot be read, or too many")
            else:
                periods[kind].append(period)
    properties: Properties = {tags.PidTagMessageClass: FREE_BUSY, tags.PidTagSubject: "Free/busy"}
    everything = [period for those in periods.values() for period in those]
    for kind, (months, blocks) in (*_KINDS.items(), ("", _MERGED)):
        found = _months(periods[kind] if kind else everything, notes)
        if found:
            properties[months] = tuple(found)
            properties[blocks] = tuple(found.values())
    bounds = [take(lines, name, notes) for name in ("DTSTART", "DTEND")]
    for key, bound in zip((tags.PidTagFreeBusyPublishStart, tags.PidTagFreeBusyPublishEnd), bounds, strict=True):
        moment = None if bound is None else read_time(bound, setting.zones, notes)
        if moment is not None and moment.utc > EPOCH:
            properties[key] = min((moment.utc - EPOCH) // MINUTE, 0x7FFFFFFF)
    stamp = take(lines, "DTSTAMP", notes)
    if stamp is not None and (moment := read_time(stamp, setting.zones, notes)) is not None:
        properties[tags.PidTagLastModificationTime] = moment.filetime
    whose = lines.get("ORGANIZER") or lines.get("ATTENDEE")
    if whose:
        properties[tags.PidTagFreeBusyMessageEmailAddress] = mailbox_of(whose[0]).address
    keep_rest(lines, properties, notes)
    return MessageContent(properties)


def _period(text: str, line: ContentLine, setting: Setting) -> Period | None:
    """Read a PERIOD: start and end, or start and length ([RFC5545] 3.3.9)."""
    begins, _, ends = text.partition("/")
    start = time_of(begins, line, setting.zones)
    if start is None:
        return None
    end = time_of(ends, line, setting.zones)
    length = read_duration(ends) if end is None else None
    last = end.utc if end is not None else start.shifted(length).utc if length is not None else None
    return None if last is None or last <= start.utc or start.utc <= EPOCH else (start.utc, last)


def _months(periods: list[Period], notes: Receipt) -> dict[int, bytes]:
    """The pairs of minutes of each month; periods that meet are one."""
    merged: list[list[dt.datetime]] = []
    for start, end in sorted(periods):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    found: dict[int, list[int]] = {}
    for start, end in merged:
        at = start
        while at < end:
            begins = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            if len(found) >= MAX_MONTHS or begins.year >= dt.MAXYEAR:
                notes.dropped("FREEBUSY", f"what is beyond {MAX_MONTHS} months")
                return {month: _packed(pairs) for month, pairs in found.items()}
            after = begins + dt.timedelta(days=monthrange(begins.year, begins.month)[1])
            pairs = found.setdefault(begins.year * 16 + begins.month, [])
            pairs += [(at - begins) // MINUTE, -((begins - min(end, after)) // MINUTE)]
            at = after
    return {month: _packed(pairs) for month, pairs in found.items()}


def _packed(pairs: list[int]) -> bytes:
    return struct.pack(f"<{len(pairs)}H", *(min(minute, 0xFFFF) for minute in pairs))


def write_free_busy(content: MessageContent, stamp: int, notes: Receipt) -> Component:
    """Write a free/busy message as a VFREEBUSY ([RFC5545] 3.6.4)."""
    properties = content.properties
    lines = time_line("DTSTAMP", properties.get(tags.PidTagLastModificationTime, stamp))
    for name, key in (("DTSTART", tags.PidTagFreeBusyPublishStart), ("DTEND", tags.PidTagFreeBusyPublishEnd)):
        minutes = properties.get(key)
        if isinstance(minutes, int) and minutes > 0:
            lines.append(ContentLine(name, write_moment(EPOCH + minutes * MINUTE) + "Z"))
    for kind, keys in _KINDS.items():
        for start, end in _read_months(properties, keys, notes):
            value = f"{write_moment(start)}Z/{write_moment(end)}Z"
            lines.append(ContentLine("FREEBUSY", value, (("FBTYPE", (kind,)),)))
    kept = kept_lines(properties)
    address = properties.get(tags.PidTagFreeBusyMessageEmailAddress)
    if isinstance(address, str) and address and not any(line.name == "ORGANIZER" for line in kept):
        lines.append(ContentLine("ORGANIZER", f"mailto:{address}"))
    written = Component("VFREEBUSY", lines + kept)
    if written.first("UID") is None:
        written.lines.insert(0, ContentLine("UID", made_uid(written)))
    return written


def _read_months(properties: PropertyBag, keys: tuple[PropertyTag, PropertyTag], notes: Receipt) -> list[Period]:
    months, blocks = (properties.get(key) for key in keys)
    if not isinstance(months, tuple) or not isinstance(blocks, tuple):
        return []
    found: list[Period] = []
    for month, block in zip(months, blocks, strict=False):
        if not isinstance(month, int) or not isinstance(block, bytes) or not 1 <= month % 16 <= 12 or month < 16:
            notes.dropped("free/busy", "a month that is none")
            continue
        if month // 16 >= dt.MAXYEAR:
            continue
        begins = dt.datetime(month // 16, month % 16, 1)
        minutes = struct.unpack(f"<{len(block) // 4 * 2}H", block[: len(block) // 4 * 4])
        for start, end in zip(minutes[::2], minutes[1::2], strict=True):
            if start < end:
                found.append((begins + start * MINUTE, begins + end * MINUTE))
    joined: list[Period] = []
    for start_at, end_at in sorted(found):
        if joined and joined[-1][1] == start_at:
            joined[-1] = (joined[-1][0], end_at)
        else:
            joined.append((start_at, end_at))
    return joined
