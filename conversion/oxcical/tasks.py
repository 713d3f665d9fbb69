"""VTODO and tasks, VJOURNAL and journal entries, both ways ([MS-OXOTASK] 2.2.2, [MS-OXOJRNL] 2.2.1).

[MS-OXCICAL] has events only; what it says of them holds here where the properties are the same.
"""

from __future__ import annotations

from conversion.contentlines import Component, ContentLine, escape
from conversion.errors import ConversionError
from conversion.oxcical.alarms import read_alarms, write_alarm
from conversion.oxcical.event import Setting, content_files, made_uid
from conversion.oxcical.files import DataOf, read_files, write_files
from conversion.oxcical.recurrenceblob import decode_recurrence_pattern
from conversion.oxcical.rrule import read_rule, write_moment, write_rule
from conversion.oxcical.templates import Unsupported, from_pattern, to_pattern
from conversion.oxcical.texts import (
    KEPT_LINES,
    Lines,
    Properties,
    keep_rest,
    kept_lines,
    lines_of,
    read_texts,
    take,
    time_line,
    write_texts,
)
from conversion.oxcical.times import Moment, Zone, filetime, from_filetime, read_duration
from conversion.oxcical.zones import Zones, read_time
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyKey

TASK, JOURNAL = "IPM.Task", "IPM.Activity"
_STATUS = {"NEEDS-ACTION": 0, "IN-PROCESS": 1, "COMPLETED": 2, "CANCELLED": 4}
"""PidLidTaskStatus ([MS-OXOTASK] 2.2.2.2.2): 4 is deferred, the nearest to cancelled."""
_STATUS_WORDS = {0: "NEEDS-ACTION", 1: "IN-PROCESS", 2: "COMPLETED", 3: "NEEDS-ACTION", 4: "CANCELLED"}
_NOT_OF_TASKS = (
    tags.PidLidBusyStatus,
    tags.PidLidIntendedBusyStatus,
    tags.PidLidAttendeeCriticalChange,
    tags.PidLidOwnerCriticalChange,
    tags.PidLidAppointmentSequence,
)
_TASK_ICON, _TASK_EFFECTS = 0x500, 0x101
_JOURNAL_ICON = 0x601


def read_task(component: Component, setting: Setting, notes: Receipt) -> MessageContent:
    """Read a VTODO as a task ([RFC5545] 3.6.2, [MS-OXOTASK] 2.2.2.2)."""
    lines = lines_of(component.lines)
    zones = setting.zones
    status = _word(lines, notes)
    start, due = (_time(lines, name, zones, notes) for name in ("DTSTART", "DUE"))
    duration = take(lines, "DURATION", notes)
    if due is None and start is not None and duration is not None and (length := read_duration(duration.value)):
        due = start.shifted(length)
    completed = _time(lines, "COMPLETED", zones, notes)
    percent = _percent(lines, notes)
    owner = lines.get("ORGANIZER")
    rules = lines.pop("RRULE", [])
    properties = _texts(lines, setting, notes)
    properties.update(
        read_alarms(component.inner("VALARM"), lines, due or start, due, zones, notes),
    )
    if status is None:
        done = completed is not None or percent >= 1
        status = 2 if done else 1 if percent > 0 else 0
    properties.update(
        {
            tags.PidTagMessageClass: TASK,
            tags.PidLidTaskStatus: status,
            tags.PidLidPercentComplete: 1.0 if status == 2 else percent,
            tags.PidLidTaskComplete: status == 2,
            tags.PidLidTaskFRecurring: False,
            tags.PidTagIconIndex: _TASK_ICON,
            tags.PidLidSideEffects: _TASK_EFFECTS,
        }
    )
    if owner:
        properties[tags.PidLidTaskOwner] = owner[0].parameter("CN") or owner[0].value.partition(":")[2]
    if completed is not None:
        properties[tags.PidLidTaskDateCompleted] = _day(completed, zones.default)
    for moment, day, exact in (
        (start, tags.PidLidTaskStartDate, tags.PidLidCommonStart),
        (due, tags.PidLidTaskDueDate, tags.PidLidCommonEnd),
    ):
        if moment is not None:
            properties[day] = _day(moment, zones.default)
            properties[exact] = moment.filetime
    if rules:
        _recurrence(rules[0], start or due, properties, notes)
    return _content(lines, properties, notes)


def _recurrence(line: ContentLine, start: Moment | None, properties: Properties, notes: Receipt) -> None:
    """The recurrence of a task ([MS-OXOTASK] 2.2.2.2.15): a pattern alone."""
    rule = read_rule(line.value, receipt=notes)
    if rule is None or start is None:
        notes.dropped("RRULE", "a task without a day, or a rule without a frequency")
        return
    mapped = to_pattern(rule, start.local, to_local=start.zone.aware_to_local)
    if isinstance(mapped, Unsupported):
        notes.dropped("RRULE", mapped.reason)
        return
    for text in mapped.notes:
        notes.altered("RRULE", text)
    properties[tags.PidLidTaskRecurrence] = mapped.pattern.encode()
    properties[tags.PidLidTaskFRecurring] = True


def read_journal(component: Component, setting: Setting, notes: Receipt) -> MessageContent:
    """Read a VJOURNAL as a journal entry ([RFC5545] 3.6.3, [MS-OXOJRNL] 2.2.1)."""
    lines = lines_of(component.lines)
    zones = setting.zones
    start = _time(lines, "DTSTART", zones, notes)
    texts = lines.get("DESCRIPTION", [])
    if len(texts) > 1:
        # A journal may have several, one after the other ([RFC5545] 3.6.3).
        joined = "\\n".join(line.value for line in texts)
        lines["DESCRIPTION"] = [ContentLine("DESCRIPTION", joined)]
    properties = _texts(lines, setting, notes)
    properties.update(
        {
            tags.PidTagMessageClass: JOURNAL,
            tags.PidLidLogType: "Journal",
            tags.PidLidLogTypeDesc: "Journal",
            tags.PidLidLogDuration: 0,
            tags.PidTagIconIndex: _JOURNAL_ICON,
        }
    )
    if start is not None:
        for key in (tags.PidLidLogStart, tags.PidLidLogEnd, tags.PidLidCommonStart, tags.PidLidCommonEnd):
            properties[key] = start.filetime
    for inner in component.components:
        notes.dropped(inner.name[:50], "a component that MAPI has no place for")
    return _content(lines, properties, notes)


def _texts(lines: Lines, setting: Setting, notes: Receipt) -> Properties:
    stamp = lines.pop("DTSTAMP", None)
    sequence = lines.pop("SEQUENCE", None)
    transparent = lines.pop("TRANSP", None)
    properties = read_texts(lines, "PUBLISH", setting.zones, notes)
    for key in _NOT_OF_TASKS:
        properties.pop(key, None)
    for name, those in (("SEQUENCE", sequence), ("TRANSP", transparent)):
        if those:
            lines[name] = those
    if stamp and tags.PidTagLastModificationTime not in properties:
        moment = read_time(stamp[0], setting.zones, notes)
        if moment is not None:
            properties[tags.PidTagLastModificationTime] = moment.filetime
    return properties


def _content(lines: Lines, properties: Properties, notes: Receipt) -> MessageContent:
    files = read_files(lines, notes)
    keep_rest(lines, properties, notes)
    return content_files(properties, (), files)


def _time(lines: Lines, name: str, zones: Zones, notes: Receipt) -> Moment | None:
    line = take(lines, name, notes)
    return None if line is None else read_time(line, zones, notes)


def _word(lines: Lines, notes: Receipt) -> int | None:
    line = take(lines, "STATUS", notes)
    if line is None:
        return None
    found = _STATUS.get(line.value.strip().upper())
    if found is None:
        notes.dropped("STATUS", "an unknown word")
    return found


def _percent(lines: Lines, notes: Receipt) -> float:
    line = take(lines, "PERCENT-COMPLETE", notes)
    if line is None:
        return 0.0
    text = line.value.strip()
    if not (text.isascii() and text.isdigit()) or int(text[:9]) > 100:
        notes.dropped("PERCENT-COMPLETE", "not a number from 0 to 100")
        return 0.0
    return int(text) / 100


def _day(moment: Moment, zone: Zone) -> int:
    """The midnight of the owner's day, as if it were UTC ([MS-OXOTASK] 2.2.2.2.4, 2.2.2.2.5)."""
    local = moment.local if moment.is_date else zone.to_local(moment.utc)
    return filetime(local.replace(hour=0, minute=0, second=0))


def write_task(content: MessageContent, data_of: DataOf, zone: Zone, stamp: int, notes: Receipt) -> Component:
    """Write a task as a VTODO ([RFC5545] 3.6.2); a time that is midnight in `zone` is a date."""
    properties = content.properties
    lines = _heading(properties, stamp)
    for name, exact, day in (
        ("DTSTART", tags.PidLidCommonStart, tags.PidLidTaskStartDate),
        ("DUE", tags.PidLidCommonEnd, tags.PidLidTaskDueDate),
    ):
        lines += _day_line(name, properties, exact, day, zone)
    status = properties.get(tags.PidLidTaskStatus)
    if isinstance(status, int):
        lines.append(ContentLine("STATUS", _STATUS_WORDS.get(status, "NEEDS-ACTION")))
        if status == 3:
            notes.altered("PidLidTaskStatus", "waiting for somebody is NEEDS-ACTION")
    percent = properties.get(tags.PidLidPercentComplete)
    if isinstance(percent, float) and 0 <= percent <= 1:
        lines.append(ContentLine("PERCENT-COMPLETE", str(round(percent * 100))))
    lines += time_line("COMPLETED", properties.get(tags.PidLidTaskDateCompleted))
    recurrence = properties.get(tags.PidLidTaskRecurrence)
    if properties.get(tags.PidLidTaskFRecurring) is True and isinstance(recurrence, bytes):
        lines += _rule_line(recurrence, notes)
    written = _component("VTODO", content, lines, data_of, notes)
    written.components += write_alarm(properties)
    return written


def _rule_line(recurrence: bytes, notes: Receipt) -> list[ContentLine]:
    try:
        pattern, _ = decode_recurrence_pattern(recurrence)
    except ConversionError:
        notes.dropped("PidLidTaskRecurrence", "it cannot be read")
        return []
    rule = from_pattern(pattern, all_day=True)
    if isinstance(rule, Unsupported):
        notes.dropped("PidLidTaskRecurrence", rule.reason)
        return []
    return [ContentLine("RRULE", write_rule(rule))]


def _day_line(
    name: str, properties: PropertyBag, exact: PropertyKey, day: PropertyKey, zone: Zone
) -> list[ContentLine]:
    """A day, or the time in UTC where there is one that is not the midnight of the day."""
    value, moment = properties.get(day), properties.get(exact)
    at_midnight = isinstance(moment, int) and filetime(zone.to_local(from_filetime(moment))) == value
    if isinstance(value, int) and (not isinstance(moment, int) or at_midnight):
        return [ContentLine(name, write_moment(from_filetime(value).date()), (("VALUE", ("DATE",)),))]
    return time_line(name, moment)


def write_journal(content: MessageContent, data_of: DataOf, stamp: int, notes: Receipt) -> Component:
    """Write a journal entry as a VJOURNAL ([RFC5545] 3.6.3)."""
    properties = content.properties
    lines = _heading(properties, stamp)
    lines += time_line("DTSTART", properties.get(tags.PidLidLogStart, properties.get(tags.PidLidCommonStart)))
    duration = properties.get(tags.PidLidLogDuration)
    if isinstance(duration, int) and duration:
        notes.dropped("PidLidLogDuration", "a VJOURNAL has no length")
    return _component("VJOURNAL", content, lines, data_of, notes)


def _heading(properties: PropertyBag, stamp: int) -> list[ContentLine]:
    lines = time_line("DTSTAMP", properties.get(tags.PidTagLastModificationTime, stamp)) + time_line(
        "CREATED", properties.get(tags.PidTagCreationTime)
    )
    body = properties.get(tags.PidTagBody)
    if isinstance(body, str) and body:
        lines.append(ContentLine("DESCRIPTION", escape(body)))
    return lines


def _component(
    name: str, content: MessageContent, lines: list[ContentLine], data_of: DataOf, notes: Receipt
) -> Component:
    properties = content.properties
    kept = kept_lines(properties) if KEPT_LINES in properties else []
    texts = [line for line in write_texts(properties) if line.name != "SEQUENCE"]
    written = Component(name, [*lines, *texts, *write_files(content.attachments, data_of, notes), *kept])
    if written.first("UID") is None:
        key = properties.get(tags.PidTagSearchKey)
        unique = key.hex() if isinstance(key, bytes) and key else made_uid(written)
        written.lines.insert(0, ContentLine("UID", unique))
    return written
