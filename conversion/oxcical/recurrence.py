"""The recurrence of a calendar object as it is stored in PidLidAppointmentRecur ([MS-OXOCAL] 2.2.1.44).

A RecurrencePattern says on which days a series falls; an AppointmentRecurrencePattern has one, the times of day, and
what is different in the instances that were changed. Dates and times are minutes since midnight of 1601-01-01, local
time of the series' zone (`minutes_of`, `datetime_of`). What was read is written again octet by octet: reserved blocks,
older versions and what follows the structure are kept.
"""

from __future__ import annotations

import datetime as dt
import struct
from dataclasses import dataclass, replace
from enum import IntEnum, IntFlag

EPOCH = dt.datetime(1601, 1, 1)
DAY = 1440
"""Minutes."""
NEVER = 0x5AE980DF
"""EndDate of a series without end: 4500-12-31, 23:59."""
MAX_MINUTES = 0xFFFFFFFF
READER_VERSION = 0x3004
READER_VERSION_2 = 0x3006
WRITER_VERSION_2 = 0x3009
"""From this one on an ExtendedException begins with a ChangeHighlight ([MS-OXOCAL] 2.2.1.44.4)."""


class RecurFrequency(IntEnum):
    """How a series was said to recur."""

    DAILY = 0x200A
    WEEKLY = 0x200B
    MONTHLY = 0x200C
    YEARLY = 0x200D


class PatternType(IntEnum):
    """How the days of a series are found."""

    DAY = 0
    """Each so many days; nothing else is said ([MS-OXOCAL] 2.2.1.44.1.3)."""
    WEEK = 1
    MONTH = 2
    MONTH_NTH = 3
    MONTH_END = 4
    HJ_MONTH = 0xA
    """This and the next two: of the Hijri calendar."""
    HJ_MONTH_NTH = 0xB
    HJ_MONTH_END = 0xC


class EndType(IntEnum):
    """How a series ends."""

    DATE = 0x2021
    COUNT = 0x2022
    NEVER = 0x2023
    NEVER_TOO = 0xFFFFFFFF
    """Written instead of NEVER by some."""


class OverrideFlags(IntFlag):
    """What an ExceptionInfo says ([MS-OXOCAL] 2.2.1.44.2)."""

    SUBJECT = 0x0001
    MEETING_TYPE = 0x0002
    REMINDER_DELTA = 0x0004
    REMINDER = 0x0008
    LOCATION = 0x0010
    BUSY_STATUS = 0x0020
    ATTACHMENT = 0x0040
    SUB_TYPE = 0x0080
    APPOINTMENT_COLOR = 0x0100
    EXCEPTIONAL_BODY = 0x0200


KNOWN_FLAGS = 0x03FF
NTH_TYPES = (PatternType.MONTH_NTH, PatternType.HJ_MONTH_NTH)
DAY_TYPES = (PatternType.MONTH, PatternType.MONTH_END, PatternType.HJ_MONTH, PatternType.HJ_MONTH_END)

# CalendarType: those that count months and days as the Gregorian calendar does ([MS-OXOCAL] 2.2.1.44.1).
GREGORIAN = frozenset((0, 1, 2, 3, 4, 5, 7, 9, 0xA, 0xB, 0xC))


@dataclass(frozen=True, slots=True)
class RecurrencePattern:
    """On which days a series falls ([MS-OXOCAL] 2.2.1.44.1)."""

    recur_frequency: int
    pattern_type: int
    first_date_time: int
    """Minutes; what a day, a week or a month must be congruent with ([MS-OXOCAL] 2.2.1.44.1.1)."""
    period: int
    """Minutes of whole days for DAY, weeks for WEEK, else months."""
    end_type: int
    occurrence_count: int
    start_date: int
    """Midnight of the first instance."""
    end_date: int
    """Midnight of the last instance, or NEVER."""
    days: int = 0
    """For WEEK and the NTH types: Sunday 1, Monday 2, ... Saturday 0x40 ([MS-OXOCAL] 2.2.1.44.1.4)."""
    day: int = 0
    """For the other types of months: their day, or the last where it is too high ([MS-OXOCAL] 2.2.1.44.1.5)."""
    n: int = 0
    """For the NTH types: 1 to 4, 5 for the last of such days of a month ([MS-OXOCAL] 2.2.1.44.1.6)."""
    first_dow: int = 0
    """The day that weeks begin with, 0 for Sunday."""
    deleted_instance_dates: tuple[int, ...] = ()
    """Midnights of the instances that are not where the pattern puts them: the removed and the changed ones."""
    modified_instance_dates: tuple[int, ...] = ()
    """Midnights of the days on which changed instances are."""
    calendar_type: int = 0
    sliding_flag: int = 0
    reader_version: int = READER_VERSION
    writer_version: int = READER_VERSION

    @property
    def is_hijri(self) -> bool:
        """Whether months are of another calendar than the Gregorian."""
        if self.pattern_type in (PatternType.DAY, PatternType.WEEK):
            return False
        return self.pattern_type >= PatternType.HJ_MONTH or self.calendar_type not in GREGORIAN

    def encode(self) -> bytes:
        """Give the octets. ValueError if a field does not fit."""
        head = (self.reader_version, self.writer_version, self.recur_frequency, self.pattern_type, self.calendar_type)
        parts = [_pack("<HHHHHIII", *head, self.first_date_time, self.period, self.sliding_flag)]
        if self.pattern_type == PatternType.WEEK:
            parts.append(_pack("<I", self.days))
        elif self.pattern_type in NTH_TYPES:
            parts.append(_pack("<II", self.days, self.n))
        elif self.pattern_type in DAY_TYPES:
            parts.append(_pack("<I", self.day))
        parts.append(_pack("<III", self.end_type, self.occurrence_count, self.first_dow))
        parts += [_dates(self.deleted_instance_dates), _dates(self.modified_instance_dates)]
        parts.append(_pack("<II", self.start_date, self.end_date))
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class ExceptionInfo:
    """An instance that was changed; what is None is as in the series ([MS-OXOCAL] 2.2.1.44.2)."""

    start_date_time: int
    end_date_time: int
    original_start_date: int
    """Where the pattern put it, with the time of day."""
    subject: bytes | None = None
    """In the code page of whoever wrote it: ExtendedException has the text."""
    meeting_type: int | None = None
    """PidLidAppointmentStateFlags."""
    reminder_delta: int | None = None
    reminder_set: int | None = None
    location: bytes | None = None
    busy_status: int | None = None
    attachment: int | None = None
    """1 if the exception has attachments."""
    sub_type: int | None = None
    """PidLidAppointmentSubType: 1 for all day."""
    appointment_color: int | None = None
    exceptional_body: bool = False
    """Whether the exception has a body of its own."""
    other_flags: int = 0
    """Flags that are not known."""

    @property
    def override_flags(self) -> int:
        """OverrideFlags, by what is there."""
        fields = (
            *(self.subject, self.meeting_type, self.reminder_delta, self.reminder_set, self.location),
            *(self.busy_status, self.attachment, self.sub_type, self.appointment_color),
        )
        flags = sum(1 << bit for bit, value in enumerate(fields) if value is not None)
        if self.exceptional_body:
            flags |= OverrideFlags.EXCEPTIONAL_BODY
        return int(flags) | self.other_flags

    @property
    def has_text(self) -> bool:
        """Whether the ExtendedException has times and texts."""
        return self.subject is not None or self.location is not None

    def encode(self) -> bytes:
        """Give the octets. ValueError if a field does not fit."""
        times = (self.start_date_time, self.end_date_time, self.original_start_date)
        parts = [_pack("<IIIH", *times, self.override_flags), _ansi(self.subject)]
        parts += map(_optional, (self.meeting_type, self.reminder_delta, self.reminder_set))
        parts.append(_ansi(self.location))
        parts += map(_optional, (self.busy_status, self.attachment, self.sub_type, self.appointment_color))
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class ExtendedException:
    """What came later than ExceptionInfo: texts in Unicode ([MS-OXOCAL] 2.2.1.44.4)."""

    change_highlight: bytes | None = bytes(4)
    """PidLidChangeHighlight, four octets and what follows them ([MS-OXOCAL] 2.2.1.44.3); None in older versions."""
    reserved_block_ee1: bytes = b""
    start_date_time: int = 0
    """This and what follows is only there if the ExceptionInfo has a subject or a location."""
    end_date_time: int = 0
    original_start_date: int = 0
    subject: str | None = None
    location: str | None = None
    reserved_block_ee2: bytes = b""

    def encode(self, *, has_text: bool) -> bytes:
        """Give the octets. ValueError if a field does not fit."""
        parts = []
        if self.change_highlight is not None:
            parts.append(_block(self.change_highlight))
        parts.append(_block(self.reserved_block_ee1))
        if has_text:
            parts.append(_pack("<III", self.start_date_time, self.end_date_time, self.original_start_date))
            parts += [_wide(self.subject), _wide(self.location), _block(self.reserved_block_ee2)]
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class AppointmentRecurrencePattern:
    """A series: its days, its times of day, and its changed instances ([MS-OXOCAL] 2.2.1.44.5)."""

    recurrence_pattern: RecurrencePattern
    start_time_offset: int
    """Minutes from midnight to the start of an instance."""
    end_time_offset: int
    """Minutes from the midnight of the day on which an instance starts to its end: beyond 1440 if it is longer."""
    exceptions: tuple[ExceptionInfo, ...] = ()
    extended_exceptions: tuple[ExtendedException, ...] = ()
    """One for each of `exceptions`, in their order; none where `reserved_block_1` is None."""
    reserved_block_1: bytes | None = b""
    """None if nothing that could be read follows the ExceptionInfo structures."""
    reserved_block_2: bytes = b""
    reader_version_2: int = READER_VERSION_2
    writer_version_2: int = WRITER_VERSION_2
    rest: bytes = b""
    """Octets behind the structure."""

    def encode(self) -> bytes:
        """Give the octets. ValueError if a field does not fit."""
        numbers = (self.reader_version_2, self.writer_version_2, self.start_time_offset, self.end_time_offset)
        parts = [self.recurrence_pattern.encode(), _pack("<IIIIH", *numbers, len(self.exceptions))]
        parts += [exception.encode() for exception in self.exceptions]
        if self.reserved_block_1 is not None:
            parts.append(_block(self.reserved_block_1))
            for exception, extended in zip(self.exceptions, self.extended_exceptions, strict=True):
                parts.append(extended.encode(has_text=exception.has_text))
            parts.append(_block(self.reserved_block_2))
        return b"".join(parts) + self.rest

    def with_instances(
        self, deleted: list[int], modified: list[tuple[ExceptionInfo, ExtendedException]]
    ) -> AppointmentRecurrencePattern:
        """Give the same series with these removed and changed instances, in order, and no others.

        `deleted` are midnights. The first of several exceptions of the same original start is kept.
        """
        by_start: dict[int, tuple[ExceptionInfo, ExtendedException]] = {}
        for pair in modified:
            by_start.setdefault(pair[0].original_start_date, pair)
        pairs = sorted(by_start.values(), key=lambda pair: (pair[0].start_date_time, pair[0].original_start_date))
        originals = {midnight(info.original_start_date) for info, _ in pairs}
        pattern = replace(
            self.recurrence_pattern,
            deleted_instance_dates=tuple(sorted(originals.union(deleted))),
            modified_instance_dates=tuple(midnight(info.start_date_time) for info, _ in pairs),
        )
        return replace(
            self,
            recurrence_pattern=pattern,
            exceptions=tuple(info for info, _ in pairs),
            extended_exceptions=tuple(extended for _, extended in pairs),
            reserved_block_1=self.reserved_block_1 or b"",
        )


def minutes_of(moment: dt.datetime | dt.date) -> int:
    """Turn a local date or time into minutes since 1601. ValueError for what is before 1601 or beyond 32 bits."""
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day)
    minutes = int((moment.replace(tzinfo=None) - EPOCH).total_seconds() // 60)
    if not 0 <= minutes <= MAX_MINUTES:
        raise ValueError(f"{moment.year} is not in the years of a recurrence pattern")
    return minutes


def datetime_of(minutes: int) -> dt.datetime:
    """Turn minutes since 1601 (32 bits) into a local time without a zone."""
    return EPOCH + dt.timedelta(minutes=minutes)


def midnight(minutes: int) -> int:
    """Give the beginning of the day."""
    return minutes - minutes % DAY


def exception(
    info: ExceptionInfo, *, subject: str | None = None, location: str | None = None, code_page: str = "cp1252"
) -> tuple[ExceptionInfo, ExtendedException]:
    """Make the two structures of a changed instance from one without texts, and its texts ([MS-OXOCAL] 2.2.1.44.4).

    A text is cut at 255 characters; what `code_page` has no character for is a question mark in the ExceptionInfo.
    """
    texts = [None if text is None else text[:255] for text in (subject, location)]
    octets = [None if text is None else text.encode(code_page, "replace") for text in texts]
    whole = replace(info, subject=octets[0], location=octets[1])
    extended = ExtendedException()
    if whole.has_text:
        extended = ExtendedException(
            start_date_time=info.start_date_time,
            end_date_time=info.end_date_time,
            original_start_date=info.original_start_date,
            subject=texts[0],
            location=texts[1],
        )
    return whole, extended


def _pack(layout: str, *values: int) -> bytes:
    try:
        return struct.pack(layout, *values)
    except struct.error as error:
        raise ValueError(f"a field of a recurrence does not fit: {error}") from error


def _dates(dates: tuple[int, ...]) -> bytes:
    return _pack(f"<{len(dates) + 1}I", len(dates), *dates)


def _block(octets: bytes) -> bytes:
    return _pack("<I", len(octets)) + octets


def _optional(value: int | None) -> bytes:
    return b"" if value is None else _pack("<I", value)


def _ansi(text: bytes | None) -> bytes:
    return b"" if text is None else _pack("<HH", len(text) + 1, len(text)) + text


def _wide(text: str | None) -> bytes:
    octets = b"" if text is None else text.encode("utf-16-le", "surrogatepass")
    return b"" if text is None else _pack("<H", len(octets) // 2) + octets
