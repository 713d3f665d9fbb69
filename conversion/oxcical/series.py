"""RRULE, RDATE, EXDATE and the changed instances of one UID as a series.

[MS-OXCICAL] 2.1.3.1.1.20.13, 2.1.3.1.1.20.18 to 2.1.3.1.1.20.20.

What a pattern can say becomes one ([MS-OXCICAL] 2.1.3.2). Any other rule is expanded, and becomes the days of a daily
pattern without those that are not meant. An instance that fits into no pattern becomes an appointment of its own, so
that none is lost.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TypeVar

from conversion.oxcical.budget import brief, weight_of
from conversion.oxcical.describe import describe
from conversion.oxcical.event import Event, Setting, as_utc, content_of, set_times
from conversion.oxcical.files import EMBEDDED
from conversion.oxcical.meetingstate import APPOINTMENT, REQUEST
from conversion.oxcical.occurrences import last_date
from conversion.oxcical.recurrence import (
    DAY,
    EPOCH,
    NEVER,
    AppointmentRecurrencePattern,
    ExceptionInfo,
    ExtendedException,
    RecurFrequency,
    datetime_of,
    exception,
    midnight,
    minutes_of,
)
from conversion.oxcical.seriesdays import Instances, find_instances
from conversion.oxcical.texts import KEPT_LINES, Properties
from conversion.oxcical.times import MINUTE, Moment, filetime
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyKey

_Key = TypeVar("_Key", int, dt.datetime)
MAX_EXCEPTIONS = 10_000
_EXCEPTION_CLASS = "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"
_FOR_EVER = 0x0CB34557A3DD4000
"""PidLidClipEnd of a series without end: 4500-12-31, 23:59 ([MS-OXOCAL] 2.2.1.15)."""
_TYPES = {
    RecurFrequency.DAILY: 1,
    RecurFrequency.WEEKLY: 2,
    RecurFrequency.MONTHLY: 3,
    RecurFrequency.YEARLY: 4,
}
# What an exception says with a value of its own even if that is empty, for the series has one.
_EMPTY: dict[PropertyKey, str | tuple[str, ...]] = {
    tags.PidTagBody: "",
    tags.PidLidLocation: "",
    tags.PidNameKeywords: (),
    tags.PidLidContacts: (),
    tags.PidLidNonSendableBcc: "",
    KEPT_LINES: (),
}


def read_series(master: Event, changed: list[Event], setting: Setting) -> list[MessageContent]:
    """Make the objects of one UID: the series with its exceptions, and what cannot be in it."""
    start = master.start
    if start is None or not (master.rules or master.added):
        return [content_of(master, setting), *(_alone(event, setting) for event in changed)]
    try:
        found = find_instances(master, setting)
    except ValueError:
        master.notes.dropped("RRULE", "a series before 1601 or too late")
        found = None
    if found is None:
        return [content_of(master, setting), *(_alone(event, setting) for event in changed)]
    if found.pattern.start_date + found.offset != minutes_of(start.local):
        _move(master, datetime_of(found.pattern.start_date + found.offset))
    modified, attachments, changes = _exceptions(master, changed, found, setting)
    changed_days = {midnight(info.original_start_date) // DAY for info, _ in modified}
    modified += [
        _plain(day * DAY + found.offset, moment, master) for day, moment in found.moved if day not in changed_days
    ]
    length = master.length // MINUTE
    recurrence = AppointmentRecurrencePattern(found.pattern, found.offset, found.offset + length)
    removed = [day * DAY for day in found.deleted] + list(found.pattern.deleted_instance_dates)
    recurrence = recurrence.with_instances(removed, modified)
    _describe(master, recurrence)
    master.files += attachments
    if attachments and any(isinstance(item.data, MessageContent) and item.data.recipients for item in attachments):
        master.properties[tags.PidLidFExceptionalAttendees] = True
    contents = [content_of(master, setting, recurring=True), *(_alone(event, setting) for event in changes.alone)]
    return contents + _others(master, found, changes, setting)


def _alone(event: Event, setting: Setting) -> MessageContent:
    """An instance without its series: an object with the date in its GlobalObjectId ([MS-OXCICAL] 2.1.3.1.1.20.20)."""
    return content_of(event, setting)


def _move(event: Event, local: dt.datetime) -> None:
    """Let the series start with its first instance."""
    assert event.start is not None  # a series has one
    event.notes.altered("DTSTART", "the series starts with the first instance of its rule")
    length = event.length
    event.start = Moment(local, event.start.zone, event.start.is_date)
    event.end = Moment(local + length, event.start.zone, event.start.is_date)
    set_times(event)


def _plain(original: int, moved: int, master: Event) -> tuple[ExceptionInfo, ExtendedException]:
    """An instance of which only the time is another."""
    length = master.length // MINUTE
    return exception(ExceptionInfo(moved, moved + length, original))


@dataclass(slots=True)
class _Changes:
    """Which instance each of the changes of a series is about, the newest of each."""

    master: Event
    found: Instances
    by_day: dict[int, Event] = field(default_factory=dict)
    by_time: dict[dt.datetime, Event] = field(default_factory=dict)
    """Of the instances that are no part of the pattern."""
    alone: list[Event] = field(default_factory=list)
    """Those of no instance."""

    def place(self, changed: list[Event]) -> None:
        """Find the instances of all changes."""
        found = self.found
        at = {minutes: day for day, minutes in found.moved}
        days = {minutes // DAY: day for day, minutes in found.moved}
        filled = set(days.values())
        others = {(local - EPOCH) // MINUTE: local for local in found.others}
        gone: set[dt.datetime] = set()
        for event in changed:
            assert event.recurrence_id is not None  # those without are not changes
            minutes, whole = self._original(event.recurrence_id)
            day, minute = divmod(minutes, DAY)
            if not whole and minutes in at:
                self._place(event, at[minutes], filled=True)
            elif not whole and minutes in others and not (minute == found.offset and found.has(day)):
                self._newest(event, others[minutes], self.by_time)
                if others[minutes] not in self.by_time:
                    gone.add(others.pop(minutes))
            else:
                day = day if found.has(day) else days.get(day, day)
                if found.has(day) and not whole and minute != found.offset:
                    event.notes.guessed("RECURRENCE-ID", "no instance is at that time: the one of its day")
                self._place(event, day, filled=day in filled)
        found.others = [local for local in found.others if local not in gone]

    def _original(self, moment: Moment) -> tuple[int, bool]:
        """The minutes of a RECURRENCE-ID, and whether it says only a day."""
        assert self.master.start is not None  # a series has one
        local = moment.local
        if not (moment.is_date or moment.is_floating):
            local = self.master.start.zone.to_local(moment.utc)
        return (local - EPOCH) // MINUTE, moment.is_date or self.master.all_day

    def _place(self, event: Event, day: int, *, filled: bool) -> None:
        """Put a change to a day of the pattern; `filled`: RDATE has put an instance where EXDATE removed it."""
        if not self.found.has(day) or len(self.by_day) >= MAX_EXCEPTIONS:
            event.notes.altered("RECURRENCE-ID", "the series has no such instance: an appointment of its own")
            self.alone.append(event)
        elif day in self.found.deleted and not filled and event.sequence <= self.master.sequence:
            event.notes.dropped("RECURRENCE-ID", "the instance is removed by EXDATE")
        else:
            self._newest(event, day, self.by_day)
            if day not in self.by_day:
                self.found.deleted.add(day)

    def _newest(self, event: Event, key: _Key, events: dict[_Key, Event]) -> None:
        """Let the newest change of an instance be the one that counts: none is there if that is a cancellation."""
        older = events.get(key)
        if event.cancelled and event.message_class == APPOINTMENT:
            events.pop(key, None)
        elif older is not None and older.sequence > event.sequence:
            event.notes.dropped("RECURRENCE-ID", "a newer change of the same instance is there")
        else:
            events[key] = event
            if older is not None:
                older.notes.dropped("RECURRENCE-ID", "a newer change of the same instance is there")


def _exceptions(
    master: Event, changed: list[Event], found: Instances, setting: Setting
) -> tuple[list[tuple[ExceptionInfo, ExtendedException]], list[AttachmentContent], _Changes]:
    """The changed instances, in the structure and as embedded messages ([MS-OXCICAL] 2.1.3.1.1.20.20)."""
    changes = _Changes(master, found)
    changes.place(changed)
    infos: list[tuple[ExceptionInfo, ExtendedException]] = []
    attachments: list[AttachmentContent] = []
    for day, event in sorted(changes.by_day.items()):
        try:
            info = _exception_info(master, event, day * DAY + found.offset)
        except ValueError:
            event.notes.altered("DTSTART", "before 1601: an appointment of its own")
            changes.alone.append(event)
            continue
        infos.append(info)
        attachments.append(_embedded(master, event, info[0], setting))
    return infos, attachments, changes


def _exception_info(master: Event, event: Event, original: int) -> tuple[ExceptionInfo, ExtendedException]:
    """What is different in an instance ([MS-OXOCAL] 2.2.1.44.2)."""
    assert master.start is not None
    zone = master.start.zone
    if event.start is None or event.end is None:
        begins, ends = original, original + master.length // MINUTE
    else:
        local = event.start.local if event.start.is_date else zone.to_local(event.start.utc)
        begins = minutes_of(local)
        ends = begins + event.length // MINUTE
    own, series_own = event.properties, master.properties

    def other(key: PropertyKey) -> int | None:
        value = own.get(key)
        return int(value) if isinstance(value, int) and value != series_own.get(key) else None

    info = ExceptionInfo(
        begins,
        ends,
        original,
        reminder_delta=other(tags.PidLidReminderDelta),
        reminder_set=other(tags.PidLidReminderSet),
        busy_status=other(tags.PidLidBusyStatus),
        attachment=1 if event.files else None,
        sub_type=int(event.all_day) if event.all_day != master.all_day else None,
        exceptional_body=any(own.get(key) != series_own.get(key) for key in (tags.PidTagBody, tags.PidTagHtml)),
    )
    subject, location = own.get(tags.PidTagSubject), own.get(tags.PidLidLocation, "")
    return exception(
        info,
        subject=str(subject) if subject != series_own.get(tags.PidTagSubject) else None,
        location=str(location) if location != series_own.get(tags.PidLidLocation, "") else None,
    )


def _embedded(master: Event, event: Event, info: ExceptionInfo, setting: Setting) -> AttachmentContent:
    """The exception as an embedded message ([MS-OXOCAL] 2.2.6.10, 2.2.10, 2.2.10.1, 2.2.10.2).

    [MS-OXOCAL] 2.2.10.1.1 to 2.2.10.1.6, 2.2.10.2.1, 2.2.10.2.3 to 2.2.10.2.6.
    """
    assert master.start is not None
    begins, ends = (datetime_of(minutes) for minutes in (info.start_date_time, info.end_date_time))
    replaced = master.start.zone.to_utc(datetime_of(info.original_start_date))
    content = content_of(event, setting)
    properties: Properties = dict(content.properties)
    for key, empty in _EMPTY.items():
        if key in master.properties:
            properties.setdefault(key, empty)
    properties[tags.PidTagMessageClass] = _EXCEPTION_CLASS
    properties[tags.PidLidExceptionReplaceTime] = filetime(replaced)
    properties[tags.PidLidFExceptionalBody] = info.exceptional_body
    properties[tags.PidLidReminderSet] = event.properties.get(tags.PidLidReminderSet, False)
    wrapper: Properties = {
        tags.PidTagAttachMethod: EMBEDDED,
        tags.PidTagAttachEncoding: b"",
        tags.PidTagAttachFlags: 0,
        tags.PidTagAttachmentFlags: 2,
        tags.PidTagAttachmentHidden: True,
        tags.PidTagAttachmentLinkId: 0,
        tags.PidTagDisplayName: "Untitled",
        tags.PidTagExceptionStartTime: as_utc(begins),
        tags.PidTagExceptionEndTime: as_utc(ends),
        tags.PidTagExceptionReplaceTime: filetime(replaced),
        tags.PidTagRenderingPosition: -1,
    }
    return AttachmentContent(wrapper, MessageContent(properties, content.recipients, content.attachments))


def _describe(master: Event, recurrence: AppointmentRecurrencePattern) -> None:
    """The properties beside the structure ([MS-OXOCAL] 2.2.1.14, 2.2.1.15, 2.2.1.39 to 2.2.1.41, 2.2.1.45, 2.2.1.46).

    [MS-OXOCAL] 2.2.2.3, 2.2.6.11.
    """
    assert master.start is not None
    pattern, zone, found = recurrence.recurrence_pattern, master.start.zone, master.properties
    first = datetime_of(pattern.start_date)
    last = last_date(pattern)
    words = describe(recurrence, all_day=master.all_day)
    if words is not None:
        found[tags.PidLidRecurrencePattern] = words
    if master.message_class == REQUEST:
        found[tags.PidLidCalendarType] = pattern.calendar_type
    found[tags.PidLidAppointmentRecur] = recurrence.encode()
    found[tags.PidLidRecurrenceType] = _TYPES.get(RecurFrequency(pattern.recur_frequency), 0)
    found[tags.PidLidClipStart] = filetime(first)
    found[tags.PidLidClipEnd] = _FOR_EVER if last is None else filetime(datetime_of(last))
    ends = datetime_of(min(NEVER, pattern.end_date if last is None else last))
    found[tags.PidLidTimeZoneStruct] = zone.struct(zone.ruling_year(first.year, ends.year))
    found[tags.PidLidTimeZoneDescription] = zone.key[:255]
    found[tags.PidLidAppointmentTimeZoneDefinitionRecur] = zone.definition(first.year, ends.year, recurring=True)


def _others(master: Event, found: Instances, changes: _Changes, setting: Setting) -> list[MessageContent]:
    """The instances that the pattern cannot have, as appointments of their own.

    One on a day that has an instance already gets a UID of its own: the date alone tells instances of a UID apart
    ([MS-OXOCAL] 2.2.1.27).
    """
    contents: list[MessageContent] = []
    days = {event.recurrence_id.local.date() for event in changes.alone if event.recurrence_id is not None}
    shortened = 0
    chosen = found.others[: setting.budget.copies]
    setting.budget.copies -= len(chosen)
    if len(chosen) < len(found.others):
        master.notes.dropped("RRULE", f"{len(found.others) - len(chosen)} instances: too many for a file")
    for number, local in enumerate(chosen):
        event = changes.by_time.get(local) or _copy(master, local)
        if local.date() in days or found.has((local - EPOCH).days):
            event.uid = f"{event.uid}-{local:%Y%m%dT%H%M%S}"
            event.recurrence_id = None
            event.properties.pop(tags.PidLidExceptionReplaceTime, None)
            event.properties[tags.PidLidCleanGlobalObjectId] = event.identity.encode()
        days.add(local.date())
        event.properties[tags.PidLidGlobalObjectId] = event.identity.encode()
        content = content_of(event, setting)
        if local not in changes.by_time and not setting.budget.repeats.take(weight_of(content), number):
            content = brief(content, _NEEDED)
            shortened += 1
        contents.append(content)
    if shortened:
        master.notes.dropped("RRULE", f"{shortened} appointments of their own have no long texts, files or attendees")
    return contents


def _copy(master: Event, local: dt.datetime) -> Event:
    """An instance that the pattern cannot have, as an event of its own."""
    assert master.start is not None  # a series has one
    event = replace(master, properties=dict(master.properties), rules=[], added=[], removed=[])
    event.files = [item for item in master.files if not isinstance(item.data, MessageContent)]
    start = Moment(local, master.start.zone, master.start.is_date)
    event.start, event.end, event.recurrence_id = start, Moment(local + master.length, start.zone, start.is_date), start
    for key in _OF_SERIES:
        event.properties.pop(key, None)
    event.properties[tags.PidLidExceptionReplaceTime] = start.filetime
    set_times(event)
    return event


_NEEDED = frozenset(
    (
        tags.PidLidGlobalObjectId,
        tags.PidLidCleanGlobalObjectId,
        tags.PidLidAppointmentTimeZoneDefinitionStartDisplay,
        tags.PidLidAppointmentTimeZoneDefinitionEndDisplay,
    )
)
_OF_SERIES = (
    tags.PidLidAppointmentRecur,
    tags.PidLidRecurrencePattern,
    tags.PidLidCalendarType,
    tags.PidLidRecurrenceType,
    tags.PidLidTimeZoneStruct,
    tags.PidLidTimeZoneDescription,
    tags.PidLidAppointmentTimeZoneDefinitionRecur,
    tags.PidLidFExceptionalAttendees,
)
