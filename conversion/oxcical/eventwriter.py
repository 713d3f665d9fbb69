"""A calendar object as VEVENTs: itself, and the changed instances of a series ([MS-OXCICAL] 2.1.3.1.1.20)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

from conversion.bestbody import BodyFormat, best_body
from conversion.contentlines import Component, ContentLine, escape
from conversion.errors import ConversionError
from conversion.html.plain import html_to_plain
from conversion.mime.charset import charset_label, decode_text
from conversion.oxcical.alarms import write_alarm
from conversion.oxcical.attendees import write_people
from conversion.oxcical.budget import Repeats, brief, weight_of
from conversion.oxcical.clocks import Clock, Clocks
from conversion.oxcical.event import made_uid
from conversion.oxcical.files import DataOf, write_files
from conversion.oxcical.globalobjectid import GlobalObjectId, decode_global_object_id
from conversion.oxcical.importer import CALENDAR_TYPES
from conversion.oxcical.meetingstate import CANCELLED, MEETING, state_flags
from conversion.oxcical.occurrences import series
from conversion.oxcical.recurrence import (
    DAY,
    GREGORIAN,
    AppointmentRecurrencePattern,
    ExceptionInfo,
    ExtendedException,
    PatternType,
    RecurFrequency,
    RecurrencePattern,
    datetime_of,
    midnight,
)
from conversion.oxcical.recurrenceblob import decode_appointment_recurrence
from conversion.oxcical.rrule import Rule, write_rule
from conversion.oxcical.templates import Unsupported, from_pattern
from conversion.oxcical.texts import Properties, kept_lines, time_line, write_busy, write_texts
from conversion.oxcical.times import MINUTE, filetime, from_filetime
from conversion.receipt import Receipt
from conversion.rtf.lzfu import decompress
from conversion.rtf.tohtml import rtf_to_html
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyBag, PropertyKey

_DAY = dt.timedelta(days=1)
_HALF = dt.timedelta(hours=12)
_PLAIN_TYPES = {
    PatternType.HJ_MONTH: PatternType.MONTH,
    PatternType.HJ_MONTH_NTH: PatternType.MONTH_NTH,
    PatternType.HJ_MONTH_END: PatternType.MONTH_END,
}
_MOST_DATES = 500
"""Dates of one EXDATE: libical, and what is built on it, reads no more."""
_SINGLE, _MASTER, _INSTANCE, _EXCEPTION = range(4)
# What an exception does not have of its series.
_OWN = frozenset(
    (
        tags.PidLidAppointmentRecur,
        tags.PidLidExceptionReplaceTime,
        tags.PidTagMessageClass,
    )
)


@dataclass(slots=True)
class Written:
    """The VEVENTs of an object."""

    components: list[Component] = field(default_factory=list)
    scale: str | None = None
    """X-MICROSOFT-CALSCALE, where it is not the Gregorian calendar."""


@dataclass(frozen=True, slots=True)
class _Job:
    """What all VEVENTs of an object share."""

    method: str
    uid: str
    all_day: bool
    clocks: Clocks
    data_of: DataOf
    stamp: int
    repeats: Repeats
    notes: Receipt


def write_event(
    content: MessageContent,
    method: str,
    clocks: Clocks,
    data_of: DataOf,
    stamp: int,
    repeats: Repeats,
    notes: Receipt,
) -> Written:
    """Write an appointment, or a message about one; `repeats` is what all exceptions of the calendar share."""
    properties = content.properties
    identity = _identity(properties, notes)
    all_day = properties.get(tags.PidLidAppointmentSubType) is True
    job = _Job(method, "" if identity is None else identity.uid, all_day, clocks, data_of, stamp, repeats, notes)
    recurrence = _recurrence(properties, notes)
    if recurrence is not None:
        written = _write_series(content, recurrence, job)
    else:
        written = Written([_write_single(content, identity, job)])
    if identity is None:
        uid = made_uid(written.components[0])
        for component in written.components:
            component.lines.insert(0, ContentLine("UID", uid))
    return written


def _identity(properties: PropertyBag, notes: Receipt) -> GlobalObjectId | None:
    """The GlobalObjectId, and with it the UID ([MS-OXCICAL] 2.1.3.1.1.20.26)."""
    for key in (tags.PidLidGlobalObjectId, tags.PidLidCleanGlobalObjectId):
        octets = properties.get(key)
        if isinstance(octets, bytes):
            try:
                return decode_global_object_id(octets)
            except ConversionError:
                notes.dropped("PidLidGlobalObjectId", "it cannot be read: the UID is a new one")
    return None


def _recurrence(properties: PropertyBag, notes: Receipt) -> AppointmentRecurrencePattern | None:
    octets = properties.get(tags.PidLidAppointmentRecur)
    if not isinstance(octets, bytes) or properties.get(tags.PidLidRecurring) is False:
        return None
    try:
        found = decode_appointment_recurrence(octets)
    except ConversionError:
        notes.dropped("PidLidAppointmentRecur", "it cannot be read: only the first instance is written")
        return None
    if series(_gregorian(found.recurrence_pattern)) is None:
        notes.dropped("PidLidAppointmentRecur", "a pattern without a day: only the first instance is written")
        return None
    return found


def _gregorian(pattern: RecurrencePattern) -> RecurrencePattern:
    """The pattern as if its months were Gregorian: what X-MICROSOFT-RRULE says ([MS-OXCICAL] 2.1.3.1.1.20.45)."""
    try:
        kind = PatternType(pattern.pattern_type)
    except ValueError:
        return pattern
    return replace(pattern, calendar_type=0, pattern_type=_PLAIN_TYPES.get(kind, kind))


def _write_single(content: MessageContent, identity: GlobalObjectId | None, job: _Job) -> Component:
    """A VEVENT without a series; of a single instance with its RECURRENCE-ID ([MS-OXCICAL] 2.1.3.1.1.20.20)."""
    properties = content.properties
    lines = _single_times(properties, job)
    date = None if identity is None else identity.date
    if date is not None:
        clock = job.clocks.of_display(properties, tags.PidLidAppointmentTimeZoneDefinitionStartDisplay)
        moment = properties.get(tags.PidLidExceptionReplaceTime, properties.get(tags.PidLidAppointmentStartWhole))
        local = clock.zone.to_local(from_filetime(moment)) if isinstance(moment, int) else dt.datetime(date.year, 1, 1)
        local = dt.datetime.combine(date, local.time())
        lines.append(clock.line("RECURRENCE-ID", local, is_date=job.all_day))
    kind = _INSTANCE if date is not None else _SINGLE
    return _event(content, properties, lines, kind, job)


def _single_times(properties: PropertyBag, job: _Job) -> list[ContentLine]:
    """DTSTART and DTEND ([MS-OXCICAL] 2.1.3.1.1.20.8, 2.1.3.1.1.20.10); of a counter proposal what it proposes."""
    whole = (_time(properties, *_STARTS), _time(properties, *_ENDS))
    start, end = whole
    found: list[ContentLine] = []
    if job.method == "COUNTER":
        proposed = _time(properties, tags.PidLidAppointmentProposedStartWhole)
        if proposed is not None:
            start, end = proposed, _time(properties, tags.PidLidAppointmentProposedEndWhole)
            for name, moment in zip(("X-MS-OLK-ORIGINALSTART", "X-MS-OLK-ORIGINALEND"), whole, strict=True):
                found += time_line(name, None if moment is None else filetime(moment))
    if start is None:
        job.notes.dropped("DTSTART", "the object has no start")
        return found
    if end is None or end < start:
        minutes = properties.get(tags.PidLidAppointmentDuration)
        end = start + (minutes * MINUTE if isinstance(minutes, int) and 0 <= minutes < 1 << 24 else dt.timedelta())
    first = job.clocks.of_display(properties, tags.PidLidAppointmentTimeZoneDefinitionStartDisplay)
    if job.all_day:
        begins, ends = (_nearest_day(first.zone.to_local(moment), job) for moment in (start, end))
        ends = max(ends, begins + _DAY)
        return [first.line("DTSTART", begins, is_date=True), first.line("DTEND", ends, is_date=True), *found]
    last = job.clocks.of_display(properties, tags.PidLidAppointmentTimeZoneDefinitionEndDisplay)
    return [
        first.line("DTSTART", first.zone.to_local(start)),
        last.line("DTEND", last.zone.to_local(end)),
        *found,
    ]


_STARTS = (tags.PidLidAppointmentStartWhole, tags.PidLidCommonStart, tags.PidTagStartDate)
_ENDS = (tags.PidLidAppointmentEndWhole, tags.PidLidCommonEnd, tags.PidTagEndDate)


def _time(properties: PropertyBag, *keys: PropertyKey) -> dt.datetime | None:
    for key in keys:
        value = properties.get(key)
        if isinstance(value, int):
            return from_filetime(value)
    return None


def _nearest_day(local: dt.datetime, job: _Job) -> dt.datetime:
    """The midnight that is meant by a time of an all-day event, which another zone may have moved."""
    if local.time() != dt.time() and local.second == 0:
        job.notes.altered("DTSTART", "an all-day event is not at midnight of its zone: the nearest day")
    if local > dt.datetime.max - _DAY:
        return dt.datetime(local.year, local.month, local.day)
    return dt.datetime.combine((local + _HALF).date(), dt.time())


def _write_series(content: MessageContent, recurrence: AppointmentRecurrencePattern, job: _Job) -> Written:
    """The VEVENT of a series, and those of its exceptions ([MS-OXCICAL] 2.1.3.1.1.20.13, .19, .20)."""
    properties = content.properties
    clock = job.clocks.of_series(properties)
    pattern = _gregorian(recurrence.recurrence_pattern)
    days = series(pattern)
    first = None if days is None else days.day(0)
    offset = 0 if job.all_day else recurrence.start_time_offset
    start = datetime_of((first or 0) * DAY + offset)
    length = dt.timedelta(minutes=max(recurrence.end_time_offset - recurrence.start_time_offset, 0))
    if job.all_day:
        length = max(round(length / _DAY), 1) * _DAY
    lines = [
        clock.line("DTSTART", start, is_date=job.all_day),
        clock.line("DTEND", start + length, is_date=job.all_day),
    ]
    written = Written()
    rule = from_pattern(pattern, offset, all_day=job.all_day)
    hijri = recurrence.recurrence_pattern.is_hijri
    prefix = "X-MICROSOFT-" if hijri else ""
    if isinstance(rule, Unsupported):
        job.notes.dropped("PidLidAppointmentRecur", rule.reason)
    else:
        rule = replace(_in_utc(rule, clock), week_start=pattern.first_dow % 7)
        if pattern.recur_frequency == RecurFrequency.DAILY and rule.frequency == "WEEKLY" and rule.interval == 1:
            rule = replace(rule, frequency="DAILY")
        lines.append(ContentLine(f"{prefix}RRULE", write_rule(rule)))
        clock.until(datetime_of(pattern.end_date))
    if hijri or recurrence.recurrence_pattern.calendar_type not in GREGORIAN:
        written.scale = _scale(recurrence.recurrence_pattern)
    originals = {midnight(info.original_start_date) for info in recurrence.exceptions}
    removed = [day for day in recurrence.recurrence_pattern.deleted_instance_dates if day not in originals]
    if removed:
        each = [clock.line(f"{prefix}EXDATE", datetime_of(day + offset), is_date=job.all_day) for day in removed]
        for first in range(0, len(each), _MOST_DATES):
            values = ",".join(line.value for line in each[first : first + _MOST_DATES])
            lines.append(replace(each[0], value=values))
    written.components.append(_event(content, properties, lines, _MASTER, job))
    embedded = _embedded(content)
    weight, short, shortened = weight_of(replace(content, attachments=_files(content))), brief(content), 0
    for number, info in enumerate(recurrence.exceptions):
        extended = recurrence.extended_exceptions[number] if number < len(recurrence.extended_exceptions) else None
        whole = job.repeats.take(weight, number)
        shortened += not whole
        written.components.append(_write_exception(content if whole else short, info, extended, embedded, clock, job))
    if shortened:
        job.notes.dropped("PidLidAppointmentRecur", f"{shortened} exceptions have no long texts, files or attendees")
    return written


def _files(content: MessageContent) -> tuple[AttachmentContent, ...]:
    """The attachments but for the exceptions."""
    return tuple(item for item in content.attachments if not isinstance(item.data, MessageContent))


def _scale(pattern: RecurrencePattern) -> str:
    kind = 6 if pattern.pattern_type >= PatternType.HJ_MONTH else pattern.calendar_type
    return next((word.title() for word, number in CALENDAR_TYPES.items() if number == kind and word), "Gregorian")


def _in_utc(rule: Rule, clock: Clock) -> Rule:
    """The rule with its UNTIL in UTC, if it is a time ([RFC5545] 3.3.10)."""
    if not isinstance(rule.until, dt.datetime):
        return rule
    return replace(rule, until=clock.zone.to_utc(rule.until).replace(tzinfo=dt.UTC))


def _embedded(content: MessageContent) -> dict[int, MessageContent]:
    """The embedded messages of exceptions by what they replace, a FILETIME ([MS-OXOCAL] 2.2.10.1.6, 2.2.10.2.5)."""
    found: dict[int, MessageContent] = {}
    for item in content.attachments:
        if isinstance(item.data, MessageContent):
            keys = (
                item.data.properties.get(tags.PidLidExceptionReplaceTime),
                item.properties.get(tags.PidTagExceptionReplaceTime),
            )
            for key in keys:
                if isinstance(key, int):
                    found.setdefault(key, item.data)
                    break
    return found


def _write_exception(
    content: MessageContent,
    info: ExceptionInfo,
    extended: ExtendedException | None,
    embedded: dict[int, MessageContent],
    clock: Clock,
    job: _Job,
) -> Component:
    """A changed instance: the series, with what the structure and the embedded message say otherwise."""
    original = datetime_of(info.original_start_date)
    replaced = filetime(clock.zone.to_utc(original))
    own = embedded.get(replaced)
    properties: Properties = {
        key: value for key, value in content.properties.items() if key not in _OWN or key == tags.PidTagMessageClass
    }
    if own is not None:
        if info.exceptional_body:
            for key in (tags.PidTagBody, tags.PidTagHtml, tags.PidTagRtfCompressed, tags.PidTagNativeBody):
                properties.pop(key, None)
        properties.update({key: value for key, value in own.properties.items() if key not in _OWN})
    said = _overrides(info, extended)
    properties.update({key: value for key, value in said.items() if own is None or key not in own.properties})
    start, end = datetime_of(info.start_date_time), datetime_of(info.end_date_time)
    all_day = bool(info.sub_type) if info.sub_type is not None else job.all_day
    job = replace(job, all_day=all_day)
    if all_day:
        end = max(end, start + _DAY)
    lines = [
        clock.line("RECURRENCE-ID", original, is_date=content.properties.get(tags.PidLidAppointmentSubType) is True),
        clock.line("DTSTART", start, is_date=all_day),
        clock.line("DTEND", max(start, end), is_date=all_day),
    ]
    source = MessageContent(
        properties,
        own.recipients if own is not None and own.recipients else content.recipients,
        own.attachments if own is not None else content.attachments,
    )
    return _event(source, properties, lines, _EXCEPTION, job)


def _overrides(info: ExceptionInfo, extended: ExtendedException | None) -> Properties:
    """What the structure says of a changed instance ([MS-OXOCAL] 2.2.1.44.2, 2.2.1.44.4)."""
    subject = extended.subject if extended is not None and extended.subject is not None else None
    location = extended.location if extended is not None and extended.location is not None else None
    if subject is None and info.subject is not None:
        subject = info.subject.decode("cp1252", "replace")
    if location is None and info.location is not None:
        location = info.location.decode("cp1252", "replace")
    found: dict[PropertyKey, str | int | bool | None] = {
        tags.PidTagSubject: subject,
        tags.PidLidLocation: location,
        tags.PidLidAppointmentStateFlags: info.meeting_type,
        tags.PidLidReminderDelta: info.reminder_delta,
        tags.PidLidReminderSet: None if info.reminder_set is None else bool(info.reminder_set),
        tags.PidLidBusyStatus: info.busy_status,
    }
    return {key: value for key, value in found.items() if value is not None}


def _event(
    content: MessageContent, properties: PropertyBag, times: list[ContentLine], kind: int, job: _Job
) -> Component:
    """A VEVENT with everything that is not about its series."""
    flags = state_flags(properties)
    meeting = bool(flags & MEETING) or job.method != "PUBLISH"
    cancelled = job.method == "CANCEL" or bool(flags & CANCELLED)
    lines = [ContentLine("UID", job.uid)] if job.uid else []
    lines += [*times, *_stamps(properties, job), *_bodies(properties, job)]
    if meeting:
        lines += write_people(properties, content.recipients, job.method, job.notes)
    elif content.recipients:
        job.notes.dropped("recipients", "an appointment that is no meeting has no attendees")
    lines += write_texts(properties)
    lines += write_busy(properties, job.method, cancelled=cancelled)
    lines.append(ContentLine("X-MICROSOFT-CDO-INSTTYPE", str(kind)))
    lines += write_files(content.attachments, job.data_of, job.notes)
    known = {line.name for line in lines}
    lines += [line for line in kept_lines(properties) if line.name not in known or line.name in _REPEATED]
    alarms = [] if job.method in ("REPLY", "COUNTER", "CANCEL") else write_alarm(properties)
    return Component("VEVENT", lines, alarms)


_REPEATED = frozenset(("ATTACH", "COMMENT", "X-ALT-DESC", "CONTACT"))


def _stamps(properties: PropertyBag, job: _Job) -> list[ContentLine]:
    """DTSTAMP, always; CREATED and LAST-MODIFIED ([MS-OXCICAL] 2.1.3.1.1.20.9, 2.1.3.1.1.20.14)."""
    answer = job.method in ("REPLY", "COUNTER")
    change = tags.PidLidAttendeeCriticalChange if answer else tags.PidLidOwnerCriticalChange
    created, modified = (properties.get(key) for key in (tags.PidTagCreationTime, tags.PidTagLastModificationTime))
    stamps = [value for value in (properties.get(change), modified, created, job.stamp) if isinstance(value, int)]
    return [
        *time_line("DTSTAMP", stamps[0]),
        *time_line("CREATED", created),
        *time_line("LAST-MODIFIED", modified),
    ]


def _bodies(properties: PropertyBag, job: _Job) -> list[ContentLine]:
    """DESCRIPTION or COMMENT, and X-ALT-DESC ([MS-OXCICAL] 2.1.3.1.1.20.5, 2.1.3.1.1.20.11, 2.1.3.1.1.20.27)."""
    html = _html(properties, job.notes)
    body = properties.get(tags.PidTagBody)
    text = body if isinstance(body, str) else html_to_plain(html) if html else ""
    found: list[ContentLine] = []
    if text:
        found.append(ContentLine("COMMENT" if job.method in ("REPLY", "COUNTER") else "DESCRIPTION", escape(text)))
    if html:
        found.append(ContentLine("X-ALT-DESC", escape(html), (("FMTTYPE", ("text/html",)),)))
    return found


def _html(properties: PropertyBag, notes: Receipt) -> str | None:
    """The body as HTML, where that or RTF is what was written ([MS-OXOCAL] 2.2.1.38, 2.2.10.2.2)."""
    form = best_body(properties)
    html = properties.get(tags.PidTagHtml)
    if form == BodyFormat.RTF and not isinstance(html, bytes):
        packed = properties.get(tags.PidTagRtfCompressed)
        try:
            return rtf_to_html(decompress(packed), receipt=notes).html if isinstance(packed, bytes) else None
        except ConversionError:
            notes.dropped("PidTagRtfCompressed", "it cannot be read")
            return None
    if not isinstance(html, bytes):
        return None
    page = properties.get(tags.PidTagInternetCodepage)
    return decode_text(html, charset_label(page) if isinstance(page, int) else None)
