"""RRULE, RDATE, EXDATE and the changed instances of one UID as a series.

[MS-OXCICAL] 2.1.3.1.1.20.13, 2.1.3.1.1.20.18 to 2.1.3.1.1.20.20.

What a pattern can say becomes one ([MS-OXCICAL] 2.1.3.2). Any other rule is expanded, and becomes the days of a daily
pattern without those that are not meant. An instance that fits into no pattern becomes an appointment of its own, so
that none is lost.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, field, replace
from itertools import pairwise

from conversion.oxcical.budget import Budget, cost_of, with_fewer_times
from conversion.oxcical.describe import describe
from conversion.oxcical.event import Event, Setting, as_utc, content_of, set_times
from conversion.oxcical.expansion import expand
from conversion.oxcical.files import EMBEDDED
from conversion.oxcical.meetingstate import APPOINTMENT, REQUEST
from conversion.oxcical.occurrences import Series, count_of, last_date, series
from conversion.oxcical.recurrence import (
    DAY,
    EPOCH,
    NEVER,
    AppointmentRecurrencePattern,
    EndType,
    ExceptionInfo,
    ExtendedException,
    PatternType,
    RecurFrequency,
    RecurrencePattern,
    datetime_of,
    exception,
    midnight,
    minutes_of,
)
from conversion.oxcical.rrule import Rule, read_rule
from conversion.oxcical.templates import MOST_DAYS, Mapped, to_pattern
from conversion.oxcical.texts import KEPT_LINES, Properties
from conversion.oxcical.times import MINUTE, Moment, filetime
from conversion.oxcical.zones import Zones, time_of
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyKey

MAX_EXCEPTIONS = 10_000
MAX_DATES = 20_000
"""EXDATEs and RDATEs of one event."""
_EXCEPTION_CLASS = "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"
_FOR_EVER = 0x0CB34557A3DD4000
"""PidLidClipEnd of a series without end: 4500-12-31, 23:59 ([MS-OXOCAL] 2.2.1.15)."""
_TYPES = {
    RecurFrequency.DAILY: 1,
    RecurFrequency.WEEKLY: 2,
    RecurFrequency.MONTHLY: 3,
    RecurFrequency.YEARLY: 4,
}
_HIJRI_TYPES = {
    PatternType.MONTH: PatternType.HJ_MONTH,
    PatternType.MONTH_NTH: PatternType.HJ_MONTH_NTH,
    PatternType.MONTH_END: PatternType.HJ_MONTH_END,
}
_HIJRI = 6
# What an exception says with a value of its own even if that is empty, for the series has one.
_EMPTY: dict[PropertyKey, str | tuple[str, ...]] = {
    tags.PidTagBody: "",
    tags.PidLidLocation: "",
    tags.PidNameKeywords: (),
    tags.PidLidContacts: (),
    tags.PidLidNonSendableBcc: "",
    KEPT_LINES: (),
}


@dataclass(slots=True)
class _Instances:
    """The days of a series while it is put together."""

    pattern: RecurrencePattern
    offset: int
    """Minutes from midnight."""
    days: Series | None
    deleted: set[int] = field(default_factory=set)
    """Days since 1601."""
    moved: list[tuple[int, int]] = field(default_factory=list)
    """The day, and where it was moved to: minutes."""
    others: list[dt.datetime] = field(default_factory=list)
    """Instances that the pattern cannot have."""

    def has(self, day: int) -> bool:
        """Whether the pattern has an instance on a day; of one that is not expanded nobody knows."""
        if self.days is None:
            return day * DAY >= self.pattern.start_date
        number = self.days.number(day)
        count = count_of(self.pattern, self.days)
        return self.days.day(number) == day and (count is None or number < count)


def read_series(master: Event, changed: list[Event], setting: Setting) -> list[MessageContent]:
    """Make the objects of one UID: the series with its exceptions, and what cannot be in it."""
    start = master.start
    if start is None or not (master.rules or master.added):
        return [content_of(master, setting), *(_alone(event, setting) for event in changed)]
    try:
        found = _instances(master, setting)
    except ValueError:
        master.notes.dropped("RRULE", "a series before 1601 or too late")
        found = None
    if found is None:
        return [content_of(master, setting), *(_alone(event, setting) for event in changed)]
    if found.pattern.start_date + found.offset != minutes_of(start.local):
        _move(master, datetime_of(found.pattern.start_date + found.offset))
    modified, attachments, alone = _exceptions(master, changed, found, setting)
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
    contents = [content_of(master, setting, recurring=True), *(_alone(event, setting) for event in alone)]
    said = {event.recurrence_id.local for event in alone if event.recurrence_id is not None}
    others = [moment for moment in found.others if moment not in said]
    return contents + [_copy(master, moment, setting) for moment in others]


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


def _instances(master: Event, setting: Setting) -> _Instances | None:
    """Find the days of the series, without those that were removed."""
    start, notes = master.start, master.notes
    assert start is not None
    if start.local.second:
        notes.altered("DTSTART", "a series has no seconds")
    rules: list[Rule] = []
    for line in master.rules:
        rule = read_rule(line.value, receipt=notes)
        if rule is not None:
            # Whole days have no times ([RFC5545] 3.3.10).
            rules.append(replace(rule, by_hour=(), by_minute=(), by_second=()) if master.all_day else rule)
    removed, added = _dates(master, setting.zones)
    mapped = to_pattern(rules[0], start.local, to_local=start.zone.aware_to_local) if len(rules) == 1 else None
    if isinstance(mapped, Mapped):
        for text in mapped.notes:
            notes.altered("RRULE", text)
        found = _Instances(*_calendar(mapped, setting), days=None)
        found.days = series(found.pattern)
        found.deleted = {day for day in removed if found.has(day)}
        extra = _fitted(found, sorted(added))
        if not extra:
            return found
        if not _is_short(rules[0], found):
            found.others = extra
            notes.altered("RDATE", f"{len(extra)} instances beside the rule are appointments of their own")
            return found
    elif mapped is not None:
        notes.altered("RRULE", f"{mapped.reason}: its instances are said one by one")
    return _one_by_one(master, rules, removed, added, setting.budget)


def _calendar(mapped: Mapped, setting: Setting) -> tuple[RecurrencePattern, int]:
    """The pattern in the calendar of X-MICROSOFT-CALSCALE ([MS-OXCICAL] 2.1.3.1.1.8, [MS-OXOCAL] 2.2.1.44.1)."""
    pattern = mapped.pattern
    if setting.calendar_type not in (0, 1):
        kind = pattern.pattern_type
        if setting.calendar_type == _HIJRI:
            kind = _HIJRI_TYPES.get(PatternType(kind), PatternType(kind))
        pattern = replace(pattern, calendar_type=setting.calendar_type, pattern_type=kind)
    return pattern, mapped.start_time_offset


def _dates(master: Event, zones: Zones) -> tuple[set[int], set[dt.datetime]]:
    """The days of EXDATE, and the local times of RDATE ([MS-OXCICAL] 2.1.3.1.1.20.13, 2.1.3.1.1.20.18)."""
    assert master.start is not None
    zone = master.start.zone
    found: dict[str, set[dt.datetime]] = {"EXDATE": set(), "RDATE": set()}
    count = 0
    for line in (*master.removed, *master.added):
        name = "EXDATE" if "EXDATE" in line.name else "RDATE"
        for text in line.value.split(","):
            count += 1
            if count > MAX_DATES:
                master.notes.dropped(name, f"those beyond {MAX_DATES}")
                break
            begins, slash, _ = text.partition("/")
            moment = time_of(begins, line, zones)
            if moment is None:
                if text.strip():
                    master.notes.dropped(name, "a value that is no date or time")
                continue
            if slash:
                master.notes.altered(name, "the instance is as long as the others")
            local = moment.local if moment.is_date or moment.is_floating else zone.to_local(moment.utc)
            if moment.is_date and name == "RDATE":
                local = dt.datetime.combine(local.date(), master.start.local.time())
            if local.year >= EPOCH.year:
                found[name].add(local)
    return {(local - EPOCH).days for local in found["EXDATE"]}, found["RDATE"]


def _fitted(found: _Instances, added: list[dt.datetime]) -> list[dt.datetime]:
    """Let additional instances be removed ones that were moved ([MS-OXCICAL] 2.1.3.1.1.20.18); give the others."""
    others: list[dt.datetime] = []
    used: set[int] = set()
    for local in added:
        day, minutes = (local - EPOCH).days, minutes_of(local)
        if found.has(day) and day not in found.deleted:
            if minutes != day * DAY + found.offset:
                others.append(local)
            continue
        candidates: list[int | None] = []
        if found.days is not None:
            number = found.days.number(day)
            candidates = [found.days.day(number), found.days.day(number - 1) if number else None]
        fitting = [one for one in candidates if one is not None and one in found.deleted and one not in used]
        if fitting:
            used.add(fitting[0])
            found.moved.append((fitting[0], minutes))
        else:
            others.append(local)
    return others


def _is_short(rule: Rule, found: _Instances) -> bool:
    """Whether a series ends, and has so few instances that they can be said one by one."""
    count = None if found.days is None else count_of(found.pattern, found.days)
    return count is not None and count <= 400 and rule.frequency in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")


def _one_by_one(
    master: Event, rules: list[Rule], removed: set[int], added: set[dt.datetime], budget: Budget
) -> _Instances | None:
    """Say instances as the days of a daily pattern, all others of which are removed."""
    start, notes = master.start, master.notes
    assert start is not None
    starts = set(added)
    for whole in rules:
        rule = with_fewer_times(whole)
        if rule is not whole:
            notes.altered("RRULE", "too many times of a day: some are left out")
        if not budget.take(cost_of(rule)):
            notes.dropped("RRULE", "too many rules that have to be expanded")
            starts.add(start.local)
            continue
        expansion = expand(rule, start.local, to_local=start.zone.aware_to_local)
        starts.update(expansion.starts)
        if not expansion.complete:
            notes.altered("RRULE", f"only its first {len(expansion.starts)} instances")
    if not rules:
        starts.add(start.local)
    each: dict[int, int] = {}
    others: list[dt.datetime] = []
    for local in sorted(starts):
        day = (local - EPOCH).days
        if day in removed or day < 0:
            continue
        if day in each:
            others.append(local)
        else:
            each[day] = minutes_of(local)
    if not each:
        notes.dropped("RRULE", "it has no instance")
        return None
    if others:
        notes.altered("RRULE", f"{len(others)} further instances of the same days are appointments of their own")
    days = sorted(each)
    step = math.gcd(*(later - day for day, later in pairwise(days))) or 1
    step = next(part for part in range(min(step, MOST_DAYS), 0, -1) if not step % part)
    offset = each[days[0]] % DAY
    count = (days[-1] - days[0]) // step + 1
    pattern = RecurrencePattern(
        recur_frequency=RecurFrequency.DAILY,
        pattern_type=PatternType.DAY,
        first_date_time=days[0] * DAY % (step * DAY),
        period=step * DAY,
        end_type=EndType.DATE,
        occurrence_count=count,
        start_date=days[0] * DAY,
        end_date=days[-1] * DAY,
    )
    found = _Instances(pattern, offset, series(pattern))
    found.deleted = set(range(days[0], days[-1], step)) - each.keys()
    found.moved = [(day, moment) for day, moment in each.items() if moment % DAY != offset]
    found.others = others
    return found


def _plain(original: int, moved: int, master: Event) -> tuple[ExceptionInfo, ExtendedException]:
    """An instance of which only the time is another."""
    length = master.length // MINUTE
    return exception(ExceptionInfo(moved, moved + length, original))


def _exceptions(
    master: Event, changed: list[Event], found: _Instances, setting: Setting
) -> tuple[list[tuple[ExceptionInfo, ExtendedException]], list[AttachmentContent], list[Event]]:
    """The changed instances, in the structure and as embedded messages ([MS-OXCICAL] 2.1.3.1.1.20.20)."""
    assert master.start is not None
    by_day: dict[int, Event] = {}
    alone: list[Event] = []
    moved = {minutes // DAY: day for day, minutes in found.moved}
    filled = set(moved.values())
    for event in changed:
        assert event.recurrence_id is not None  # those without are not changes
        original = event.recurrence_id
        local = original.local if original.is_date else master.start.zone.to_local(original.utc)
        day = (local - EPOCH).days
        day = day if found.has(day) else moved.get(day, day)
        if not found.has(day) or len(by_day) >= MAX_EXCEPTIONS:
            event.notes.altered("RECURRENCE-ID", "the series has no such instance: an appointment of its own")
            alone.append(event)
        elif day in found.deleted and day not in filled and event.sequence <= master.sequence:
            event.notes.dropped("RECURRENCE-ID", "the instance is removed by EXDATE")
        elif event.cancelled and event.message_class == APPOINTMENT:
            by_day.pop(day, None)
            found.deleted.add(day)
        elif day in by_day and by_day[day].sequence > event.sequence:
            event.notes.dropped("RECURRENCE-ID", "a newer change of the same instance is there")
        else:
            by_day[day] = event
    infos: list[tuple[ExceptionInfo, ExtendedException]] = []
    attachments: list[AttachmentContent] = []
    for day, event in sorted(by_day.items()):
        try:
            info = _exception_info(master, event, day * DAY + found.offset)
        except ValueError:
            event.notes.altered("DTSTART", "before 1601: an appointment of its own")
            alone.append(event)
            continue
        infos.append(info)
        attachments.append(_embedded(master, event, info[0], setting))
    return infos, attachments, alone


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
    found[tags.PidLidTimeZoneStruct] = zone.struct(first.year)
    found[tags.PidLidTimeZoneDescription] = zone.key[:255]
    found[tags.PidLidAppointmentTimeZoneDefinitionRecur] = zone.definition(first.year, ends.year, recurring=True)


def _copy(master: Event, local: dt.datetime, setting: Setting) -> MessageContent:
    """An appointment of its own for an instance that the pattern cannot have."""
    assert master.start is not None
    event = replace(master, properties=dict(master.properties), rules=[], added=[], removed=[])
    event.files = [item for item in master.files if not isinstance(item.data, MessageContent)]
    start = Moment(local, master.start.zone, master.start.is_date)
    event.start, event.end, event.recurrence_id = start, Moment(local + master.length, start.zone, start.is_date), start
    for key in _OF_SERIES:
        event.properties.pop(key, None)
    event.properties[tags.PidLidGlobalObjectId] = event.identity.encode()
    event.properties[tags.PidLidExceptionReplaceTime] = start.filetime
    set_times(event)
    return content_of(event, setting)


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
