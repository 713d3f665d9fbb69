"""VALARM and the reminder of a calendar object, both ways ([MS-OXCICAL] 2.1.3.1.1.20.62, [MS-OXORMDR] 2.2.1)."""

from __future__ import annotations

import datetime as dt

from conversion.contentlines import Component, ContentLine, split_values
from conversion.oxcical.texts import Lines, Properties
from conversion.oxcical.times import MINUTE, Moment, filetime, read_duration, write_duration
from conversion.oxcical.zones import Zones, time_of
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.types import PropertyBag

DEFAULT, DEFAULT_ALL_DAY = 15, 1080
"""Minutes, where a reminder does not say when ([MS-OXCICAL] 2.1.3.1.1.20.62)."""
_MOST = 0x7FFFFFFF
_CLIENT_DEFAULT = 0x5AE980E1
"""PidLidReminderDelta of who means the client's default ([MS-OXORMDR] 2.2.1.3)."""
_VCALENDAR = ("DALARM", "AALARM", "MALARM", "PALARM")


def read_alarms(
    alarms: list[Component], lines: Lines, start: Moment | None, end: Moment | None, zones: Zones, notes: Receipt
) -> Properties:
    """Give the reminder of an event or task: the first alarm that has a TRIGGER, whatever its ACTION.

    That an alarm comes again is not read, as in Exchange ([MS-STANXICAL] 2.2.87).
    `start` is what a TRIGGER counts from (of a task: when it is due). The alarms of vCalendar 1.0 count where there is
    no VALARM.
    """
    properties: Properties = {tags.PidLidReminderSet: False}
    delta: int | None = None
    usable = [alarm for alarm in alarms if alarm.first("TRIGGER") is not None]
    if len(alarms) > 1:
        notes.dropped("VALARM", f"{len(alarms) - 1} more than the one reminder that there may be")
    if usable:
        trigger = usable[0].first("TRIGGER")
        assert trigger is not None  # those without are not usable
        delta = _delta(trigger, start, end, zones, notes.within("VALARM"))
    elif alarms:
        notes.dropped("VALARM", "without a TRIGGER")
    for name in _VCALENDAR:
        for line in lines.pop(name, []):
            moment = time_of(split_values(line.value, ";")[0], line, zones)
            if delta is None and moment is not None and start is not None:
                delta = _minutes(start.utc - moment.utc)
    if delta is None:
        return properties
    properties[tags.PidLidReminderSet] = True
    properties[tags.PidLidReminderDelta] = delta
    if start is not None:
        properties[tags.PidLidReminderTime] = start.filetime
        properties[tags.PidLidReminderSignalTime] = signal_time(start.utc, delta)
    return properties


def signal_time(start: dt.datetime, delta: int) -> int:
    """Give the FILETIME so many minutes before a time in UTC."""
    try:
        return filetime(start - delta * MINUTE)
    except OverflowError:
        return 0


def _delta(trigger: ContentLine, start: Moment | None, end: Moment | None, zones: Zones, notes: Receipt) -> int:
    """Minutes before the start ([MS-OXCICAL] 2.1.3.1.1.20.62): a duration counts without its sign."""
    duration = read_duration(trigger.value)
    if duration is not None:
        if (trigger.parameter("RELATED") or "").upper() == "END" and start is not None and end is not None:
            duration -= end.utc - start.utc
            notes.altered("TRIGGER", "it counts from the start instead of the end")
            if duration > dt.timedelta():
                duration = dt.timedelta()
        if duration > dt.timedelta():
            notes.altered("TRIGGER", "a reminder after the start comes as long before it")
        if duration % MINUTE:
            notes.altered("TRIGGER", "seconds are left out")
        return _minutes(abs(duration))
    moment = time_of(trigger.value, trigger, zones)
    if moment is not None and start is not None:
        notes.altered("TRIGGER", "a time is minutes before the start")
        return _minutes(start.utc - moment.utc)
    all_day = start is not None and start.is_date
    notes.guessed("TRIGGER", "neither a duration nor a time")
    return DEFAULT_ALL_DAY if all_day else DEFAULT


def _minutes(duration: dt.timedelta) -> int:
    return min(max(duration // MINUTE, 0), _MOST)


def write_alarm(properties: PropertyBag) -> list[Component]:
    """Write the reminder ([MS-OXCICAL] 2.1.3.1.1.20.62): one that is shown, so many minutes before the start."""
    delta = properties.get(tags.PidLidReminderDelta)
    if properties.get(tags.PidLidReminderSet) is not True:
        return []
    if not isinstance(delta, int) or not 0 <= delta <= _MOST or delta == _CLIENT_DEFAULT:
        delta = DEFAULT_ALL_DAY if properties.get(tags.PidLidAppointmentSubType) is True else DEFAULT
    lines = [
        ContentLine("TRIGGER", write_duration(-delta * MINUTE)),
        ContentLine("ACTION", "DISPLAY"),
        ContentLine("DESCRIPTION", "Reminder"),
    ]
    return [Component("VALARM", lines)]
