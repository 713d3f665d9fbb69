"""One VEVENT as properties, people and times ([MS-OXCICAL] 2.1.3.1.1.20); series.py joins those of one UID."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field

from conversion.contentlines import Component, ContentLine, write_component
from conversion.oxcical.alarms import read_alarms
from conversion.oxcical.attendees import NOT_RESPONDED, People, attendee_strings, read_people
from conversion.oxcical.budget import Budget
from conversion.oxcical.files import read_files
from conversion.oxcical.globalobjectid import GlobalObjectId, global_object_id
from conversion.oxcical.meetingstate import APPOINTMENT, class_of, of_message, state_properties
from conversion.oxcical.texts import Lines, Properties, keep_rest, lines_of, read_texts, take
from conversion.oxcical.times import DAY, MINUTE, Moment, filetime, read_duration
from conversion.oxcical.zones import Zones, read_time
from conversion.oxcmail.addressing import Resolver
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow

_MOST_MINUTES = 0x7FFFFFFF
_MAX_UID = 8_192
_MIDNIGHT = dt.time()


@dataclass(frozen=True, slots=True)
class Setting:
    """What all components of a calendar share."""

    zones: Zones
    method: str
    """In upper case; empty for none."""
    calendar_type: int
    """CalendarType of X-MICROSOFT-CALSCALE."""
    resolve: Resolver | None
    user: frozenset[str]
    """The folded addresses of the one whose calendar it becomes."""
    receipt: Receipt
    budget: Budget


@dataclass(slots=True)
class Event:
    """A VEVENT that was read."""

    uid: str
    properties: Properties
    people: People
    notes: Receipt
    start: Moment | None = None
    end: Moment | None = None
    """There where `start` is, and not before it."""
    all_day: bool = False
    recurrence_id: Moment | None = None
    sequence: int = 0
    cancelled: bool = False
    message_class: str = APPOINTMENT
    files: list[AttachmentContent] = field(default_factory=list)
    rules: list[ContentLine] = field(default_factory=list)
    added: list[ContentLine] = field(default_factory=list)
    """RDATE."""
    removed: list[ContentLine] = field(default_factory=list)
    """EXDATE."""

    @property
    def identity(self) -> GlobalObjectId:
        """The GlobalObjectId, with the original date of an exception ([MS-OXCICAL] 2.1.3.1.1.20.26)."""
        found = global_object_id(self.uid)
        return found if self.recurrence_id is None else found.on(self.recurrence_id.local.date())

    @property
    def length(self) -> dt.timedelta:
        """How long it is, by the clock of its start's zone."""
        if self.start is None or self.end is None:
            return dt.timedelta()
        if self.all_day:
            return self.end.local - self.start.local
        return max(self.start.zone.to_local(self.end.utc) - self.start.local, dt.timedelta())


def read_event(component: Component, setting: Setting, notes: Receipt) -> Event:
    """Read a VEVENT. Nothing in it loses the event: what cannot be read is noted and left out."""
    lines = lines_of(component.lines)
    zones = setting.zones
    uid = _uid(lines, component, notes)
    cancelled = setting.method == "CANCEL" or (component.value("STATUS") or "").strip().upper() == "CANCELLED"
    times = _times(lines, zones, notes)
    original = _original(lines, setting, notes)
    recurrence_id = take(lines, "RECURRENCE-ID", notes)
    rules, added, removed = (_series_lines(lines, name, setting) for name in ("RRULE", "RDATE", "EXDATE"))
    if "EXRULE" in lines:
        notes.dropped("EXRULE", "rules that take instances away have no place in MAPI")
        del lines["EXRULE"]
    people = read_people(lines, setting.method, zones, setting.resolve, notes)
    properties = read_texts(lines, setting.method, zones, notes)
    event = Event(uid, properties, people, notes, *times, cancelled=cancelled)
    event.rules, event.added, event.removed = rules, added, removed
    _identify(event, recurrence_id, setting)
    sequence = properties.get(tags.PidLidAppointmentSequence)
    event.sequence = sequence if isinstance(sequence, int) else 0
    properties.update(
        read_alarms(component.inner("VALARM"), lines, event.start, event.end, zones, notes)
        if setting.method not in ("REPLY", "COUNTER", "CANCEL")
        else {tags.PidLidReminderSet: False}
    )
    for inner in component.components:
        if inner.name != "VALARM":
            notes.dropped(inner.name[:50], "a component that MAPI has no place for")
    event.files = read_files(lines, notes)
    resources = properties.get(tags.PidLidNonSendableBcc)
    own = people.properties.get(tags.PidLidNonSendableBcc)
    properties.update(people.properties)
    if resources and own:
        properties[tags.PidLidNonSendableBcc] = "; ".join((str(resources), str(own)))
    if resources:
        # As many values as there are names ([MS-OXOCAL] 2.2.1.24).
        count = str(properties[tags.PidLidNonSendableBcc]).count(";") + 1
        said = people.properties.get(tags.PidLidNonSendBccTrackStatus)
        answers = said if isinstance(said, tuple) else ()
        properties[tags.PidLidNonSendBccTrackStatus] = ((NOT_RESPONDED,) * count)[len(answers) :] + answers
    properties.update(attendee_strings(people.rows))
    event.message_class = class_of(setting.method, people, notes)
    keep_rest(lines, properties, notes)
    set_times(event, original if setting.method == "COUNTER" else None, counter=setting.method == "COUNTER")
    return event


def _uid(lines: Lines, component: Component, notes: Receipt) -> str:
    line = take(lines, "UID", notes)
    uid = "" if line is None else line.value.strip()
    if len(uid) > _MAX_UID:
        notes.altered("UID", f"cut after {_MAX_UID} characters")
    if not uid:
        notes.guessed("UID", "made of what the event says")
        uid = made_uid(component)
    return uid[:_MAX_UID].replace("\0", "")


def made_uid(component: Component) -> str:
    """Make a UID of all that a component says: the same for the same."""
    return hashlib.sha256(write_component(component)).hexdigest()[:32]


def _series_lines(lines: Lines, name: str, setting: Setting) -> list[ContentLine]:
    """The lines of a series; of another calendar than the Gregorian, Microsoft's ([MS-OXCICAL] 2.1.3.1.1.20.45)."""
    found, other = lines.pop(name, []), lines.pop(f"X-MICROSOFT-{name}", [])
    chosen = other if other and (not found or setting.calendar_type not in (0, 1)) else found
    return [line for line in chosen if line.value.strip()]


def _times(lines: Lines, zones: Zones, notes: Receipt) -> tuple[Moment | None, Moment | None, bool]:
    """Start, end, and whether the event is of whole days.

    [MS-OXCICAL] 2.1.3.1.1.20.8, 2.1.3.1.1.20.8.1, 2.1.3.1.1.20.10. A DURATION counts where one of them is missing,
    and is not written ([MS-STANOICAL] 2.2.70).
    """
    lines_here = [take(lines, name, notes) for name in ("DTSTART", "DTEND")]
    start, end = (None if line is None else read_time(line, zones, notes) for line in lines_here)
    duration_line = take(lines, "DURATION", notes)
    duration = None
    if duration_line is not None:
        duration = read_duration(duration_line.value)
        if duration is None:
            notes.dropped("DURATION", "not a duration")
    said = _says_all_day(lines)
    if start is None and end is not None:
        # With a length and an end there is a start too ([MS-OXCICAL] 2.1.3.1.1.20.12).
        start = end if duration is None else end.shifted(-duration)
    if start is None:
        notes.guessed("DTSTART", "there is none that can be read: an event without a time")
        return None, None, False
    if end is None and duration is not None:
        end = start.shifted(duration)
    if end is None:
        end = start.shifted(DAY) if start.is_date else start
    if start.is_date != end.is_date:
        # One has a time of the day: the other has midnight.
        notes.altered("DTEND", "a date and a time are mixed")
        start, end = (Moment(one.local, start.zone if one.is_date else one.zone) for one in (start, end))
    floating = start.is_floating and end.is_floating
    at_midnight = start.local.time() == end.local.time() == _MIDNIGHT
    all_day = start.is_date or (at_midnight and end.local > start.local and (floating or said))
    if said and not all_day:
        notes.altered("X-MICROSOFT-CDO-ALLDAYEVENT", "the times are not at midnight")
    if start.is_floating and not all_day:
        notes.guessed("DTSTART", f"a time without a zone: {start.zone.tzid}")
    if all_day and not start.is_date:
        start, end = (Moment(one.local, start.zone, is_date=True) for one in (start, end))
    if end.utc < start.utc or (all_day and end.local <= start.local):
        if end.local != start.local:
            notes.altered("DTEND", "it is before the start")
        end = start.shifted(DAY) if all_day else start
    return start, end, all_day


def _says_all_day(lines: Lines) -> bool:
    """Whether Microsoft's properties say so ([MS-OXCICAL] 2.1.3.1.1.20.28, 2.1.3.1.1.20.41)."""
    names = ("X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT")
    return any(line.value.strip().upper() == "TRUE" for name in names for line in lines.pop(name, []))


def _original(lines: Lines, setting: Setting, notes: Receipt) -> tuple[Moment, Moment] | None:
    """What a counter proposal wants to replace ([MS-OXCICAL] 2.1.3.1.1.20.59, 2.1.3.1.1.20.60)."""
    found = [take(lines, f"X-MS-OLK-ORIGINAL{which}", notes) for which in ("START", "END")]
    start, end = (None if line is None else read_time(line, setting.zones, notes) for line in found)
    return (start, end) if start is not None and end is not None else None


def _identify(event: Event, line: ContentLine | None, setting: Setting) -> None:
    """RECURRENCE-ID and the GlobalObjectId ([MS-OXCICAL] 2.1.3.1.1.20.20, 2.1.3.1.1.20.26)."""
    moment = None if line is None else read_time(line, setting.zones, event.notes)
    if line is not None and moment is not None:
        if (line.parameter("RANGE") or "").upper() == "THISANDFUTURE":
            event.notes.altered("RECURRENCE-ID", "THISANDFUTURE: only this instance is changed")
        if event.start is not None and not moment.is_date:
            # What is not said in the zone of the event is brought there.
            zone = event.start.zone
            local = moment.local if moment.is_floating else zone.to_local(moment.utc)
            moment = Moment(local, zone, is_floating=moment.is_floating)
        event.recurrence_id = moment
        event.properties[tags.PidLidExceptionReplaceTime] = moment.filetime
    identity = event.identity
    event.properties[tags.PidLidGlobalObjectId] = identity.encode()
    event.properties[tags.PidLidCleanGlobalObjectId] = identity.clean().encode()


def set_times(event: Event, original: tuple[Moment, Moment] | None = None, *, counter: bool = False) -> None:
    """Write the times of an event into its properties.

    [MS-OXOCAL] 2.2.1.5 to 2.2.1.7, 2.2.1.9, 2.2.1.14, 2.2.1.15, 2.2.1.30 to 2.2.1.33, 2.2.1.42, 2.2.1.43;
    [MS-OXOCAL] 2.2.4.7, 2.2.7.3 to 2.2.7.6.
    """
    start, end, found = event.start, event.end, event.properties
    if start is None or end is None:
        return
    if counter:
        found[tags.PidLidAppointmentCounterProposal] = True
        found[tags.PidLidAppointmentProposedStartWhole] = start.filetime
        found[tags.PidLidAppointmentProposedEndWhole] = end.filetime
        found[tags.PidLidAppointmentProposedDuration] = _minutes(end.utc - start.utc)
        start, end = original or (start, end)
    found[tags.PidLidAppointmentStartWhole] = found[tags.PidLidCommonStart] = start.filetime
    found[tags.PidLidAppointmentEndWhole] = found[tags.PidLidCommonEnd] = end.filetime
    found[tags.PidTagStartDate], found[tags.PidTagEndDate] = start.filetime, end.filetime
    found[tags.PidLidClipStart], found[tags.PidLidClipEnd] = start.filetime, end.filetime
    found[tags.PidLidAppointmentDuration] = _minutes(end.utc - start.utc)
    found[tags.PidLidAppointmentSubType] = event.all_day
    for key, moment in (
        (tags.PidLidAppointmentTimeZoneDefinitionStartDisplay, start),
        (tags.PidLidAppointmentTimeZoneDefinitionEndDisplay, end),
    ):
        year = moment.local.year
        found[key] = moment.zone.definition(year, year, recurring=False)


def _minutes(length: dt.timedelta) -> int:
    return min(max(length // MINUTE, 0), _MOST_MINUTES)


def content_of(event: Event, setting: Setting, *, recurring: bool = False) -> MessageContent:
    """Make the object of an event; of a series its recurrence is in the properties already."""
    properties = dict(event.properties)
    exception = event.recurrence_id is not None
    properties.update(
        state_properties(
            event.message_class,
            event.people,
            cancelled=event.cancelled,
            recurring=recurring,
            exception=exception,
            sequence=event.sequence,
            user=setting.user,
        )
    )
    properties.update(of_message(event.message_class, properties))
    return content_files(properties, tuple(event.people.rows), event.files)


def content_files(
    properties: Properties, rows: tuple[RecipientRow, ...], files: list[AttachmentContent]
) -> MessageContent:
    """Make an object with its attachments, and say in its properties whether it shows any ([MS-OXCMSG] 2.2.1.2)."""
    visible = [item for item in files if item.properties.get(tags.PidTagAttachmentHidden) is not True]
    properties[tags.PidTagHasAttachments] = bool(visible)
    if files and not visible:
        properties[tags.PidLidSmartNoAttach] = True
    return MessageContent(properties, rows, tuple(files))


def as_utc(local: dt.datetime) -> int:
    """Give the FILETIME of a local time as if it were UTC, as some properties have it ([MS-OXOCAL] 2.2.10.1.4)."""
    return filetime(local)
