"""Reading the octets of PidLidAppointmentRecur ([MS-OXOCAL] 2.2.1.44) into the values of recurrence.py.

Every length is bounded by the octets that are left; the cost is linear.
"""

from __future__ import annotations

import struct

from conversion.errors import ConversionError
from conversion.oxcical.recurrence import (
    DAY_TYPES,
    KNOWN_FLAGS,
    NTH_TYPES,
    WRITER_VERSION_2,
    AppointmentRecurrencePattern,
    ExceptionInfo,
    ExtendedException,
    OverrideFlags,
    PatternType,
    RecurrencePattern,
)


def decode_recurrence_pattern(octets: bytes) -> tuple[RecurrencePattern, bytes]:
    """Read a RecurrencePattern; give it and the octets behind it. ConversionError if it is not one, or is cut off."""
    reader = _Reader(octets)
    pattern = _pattern(reader)
    return pattern, octets[reader.position :]


def decode_appointment_recurrence(octets: bytes) -> AppointmentRecurrencePattern:
    """Read the value of PidLidAppointmentRecur ([MS-OXOCAL] 2.2.1.44). ConversionError if it is not one, or is cut off.

    What cannot be read behind the ExceptionInfo structures is kept in `rest`.
    """
    reader = _Reader(octets)
    pattern = _pattern(reader)
    reader_version, writer_version, start, end, count = reader.unpack("<IIIIH")
    exceptions = tuple(_exception_info(reader) for _ in range(count))
    at = reader.position
    block_1: bytes | None
    try:
        block_1 = reader.block()
        extended = tuple(_extended(reader, info, writer_version) for info in exceptions)
        block_2 = reader.block()
    except ConversionError:
        reader.position, block_1, extended, block_2 = at, None, (), b""
    return AppointmentRecurrencePattern(
        pattern,
        start,
        end,
        exceptions,
        extended,
        reserved_block_1=block_1,
        reserved_block_2=block_2,
        reader_version_2=reader_version,
        writer_version_2=writer_version,
        rest=octets[reader.position :],
    )


class _Reader:
    """Takes fields off octets, from the left."""

    __slots__ = ("_octets", "position")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.position = 0

    def unpack(self, layout: str) -> tuple[int, ...]:
        """Take numbers. ConversionError if there are too few octets."""
        try:
            values = struct.unpack_from(layout, self._octets, self.position)
        except struct.error as error:
            raise ConversionError("a recurrence that is cut off") from error
        self.position += struct.calcsize(layout)
        return values

    def take(self, length: int) -> bytes:
        """Take octets."""
        if length > len(self._octets) - self.position:
            raise ConversionError("a recurrence that is cut off")
        self.position += length
        return self._octets[self.position - length : self.position]

    def block(self) -> bytes:
        """Take a length of 32 bits, and so many octets."""
        return self.take(self.unpack("<I")[0])

    def dates(self) -> tuple[int, ...]:
        """Take a count of 32 bits, and so many dates."""
        (count,) = self.unpack("<I")
        octets = self.take(4 * count)
        return struct.unpack(f"<{count}I", octets)

    def ansi(self) -> bytes:
        """Take a text of ExceptionInfo: its length and one, its length, the octets."""
        one_more, length = self.unpack("<HH")
        if one_more != length + 1:
            raise ConversionError("a text of an exception whose two lengths disagree")
        return self.take(length)

    def wide(self) -> str:
        """Take a text of ExtendedException: the count of its UTF-16 units, and these."""
        return self.take(2 * self.unpack("<H")[0]).decode("utf-16-le", "surrogatepass")


def _pattern(reader: _Reader) -> RecurrencePattern:
    reader_version, writer_version, frequency, kind, calendar, first, period, sliding = reader.unpack("<HHHHHIII")
    days = day = n = 0
    if kind == PatternType.WEEK:
        (days,) = reader.unpack("<I")
    elif kind in NTH_TYPES:
        days, n = reader.unpack("<II")
    elif kind in DAY_TYPES:
        (day,) = reader.unpack("<I")
    elif kind != PatternType.DAY:
        raise ConversionError(f"a recurrence of an unknown type, {kind:#06x}")
    end_type, count, first_dow = reader.unpack("<III")
    deleted, modified = reader.dates(), reader.dates()
    start_date, end_date = reader.unpack("<II")
    return RecurrencePattern(
        recur_frequency=frequency,
        pattern_type=kind,
        first_date_time=first,
        period=period,
        end_type=end_type,
        occurrence_count=count,
        start_date=start_date,
        end_date=end_date,
        days=days,
        day=day,
        n=n,
        first_dow=first_dow,
        deleted_instance_dates=deleted,
        modified_instance_dates=modified,
        calendar_type=calendar,
        sliding_flag=sliding,
        reader_version=reader_version,
        writer_version=writer_version,
    )


def _exception_info(reader: _Reader) -> ExceptionInfo:
    start, end, original, flags = reader.unpack("<IIIH")

    def number(flag: OverrideFlags) -> int | None:
        return reader.unpack("<I")[0] if flags & flag else None

    return ExceptionInfo(
        # The order of the fields is the order of the octets.
        start_date_time=start,
        end_date_time=end,
        original_start_date=original,
        subject=reader.ansi() if flags & OverrideFlags.SUBJECT else None,
        meeting_type=number(OverrideFlags.MEETING_TYPE),
        reminder_delta=number(OverrideFlags.REMINDER_DELTA),
        reminder_set=number(OverrideFlags.REMINDER),
        location=reader.ansi() if flags & OverrideFlags.LOCATION else None,
        busy_status=number(OverrideFlags.BUSY_STATUS),
        attachment=number(OverrideFlags.ATTACHMENT),
        sub_type=number(OverrideFlags.SUB_TYPE),
        appointment_color=number(OverrideFlags.APPOINTMENT_COLOR),
        exceptional_body=bool(flags & OverrideFlags.EXCEPTIONAL_BODY),
        other_flags=flags & ~KNOWN_FLAGS,
    )


def _extended(reader: _Reader, info: ExceptionInfo, writer_version: int) -> ExtendedException:
    highlight = reader.block() if writer_version >= WRITER_VERSION_2 else None
    block_1 = reader.block()
    if not info.has_text:
        return ExtendedException(highlight, block_1)
    start, end, original = reader.unpack("<III")
    subject = reader.wide() if info.subject is not None else None
    location = reader.wide() if info.location is not None else None
    return ExtendedException(highlight, block_1, start, end, original, subject, location, reader.block())
