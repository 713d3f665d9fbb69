"""The octets of PidLidAppointmentRecur ([MS-OXOCAL] 2.2.1.44, 2.2.1.44.1, 2.2.1.44.2, 2.2.1.44.5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.errors import ConversionError
from conversion.oxcical.occurrences import first_date_time, instances, local_times
from conversion.oxcical.recurrence import (
    NEVER,
    AppointmentRecurrencePattern,
    EndType,
    ExceptionInfo,
    ExtendedException,
    OverrideFlags,
    PatternType,
    RecurFrequency,
    RecurrencePattern,
    datetime_of,
    exception,
    minutes_of,
)
from conversion.oxcical.recurrenceblob import decode_appointment_recurrence, decode_recurrence_pattern

WEEKLY = bytes.fromhex(
    "043004300B2001000000C0210000010000000000000032000000222000000C0000000000000001000000A096BC0C01000000A096BC0C"
    "8020BC0C20ADBC0C0630000009300000580200007602000001003499BC0C5299BC0CF898BC0C11002200210053696D706C652052656375"
    "7272656E6365207769746820657863657074696F6E730800070033342F34313431000000000400000000000000000000003499BC0C5299"
    "BC0CF898BC0C2100530069006D0070006C006500200052006500630075007200720065006E00630065002000770069007400680020006500"
    "7800630065007000740069006F006E0073000700330034002F0034003100340031000000000000000000"
)
DAILY = bytes.fromhex(
    "043004300A2000000000A0050000E010000000000000212000000A0000000000000002000000A0C1DC0C80D2DC0C00000000207EDC0C"
    "0016DD0C0630000009300000E0010000FE01000000000000000000000000"
)


def at(*fields: int) -> int:
    return minutes_of(dt.datetime(*fields))  # type: ignore[arg-type]


def test_a_weekly_series_with_an_exception() -> None:
    """[MS-OXOCAL] 4.1.1.2: Monday, Thursday and Friday from 10:00, twelve times; one of them later and elsewhere."""
    made = AppointmentRecurrencePattern(
        RecurrencePattern(
            RecurFrequency.WEEKLY,
            PatternType.WEEK,
            8640,
            1,
            EndType.COUNT,
            12,
            at(2007, 3, 26),
            at(2007, 4, 20),
            days=0x32,
        ),
        600,
        630,
    )
    changed = ExceptionInfo(at(2007, 4, 16, 11), at(2007, 4, 16, 11, 30), at(2007, 4, 16, 10))
    texts = exception(changed, subject="Simple Recurrence with exceptions", location="34/4141")
    made = made.with_instances([], [texts])
    assert decode_appointment_recurrence(WEEKLY) == made
    assert made.encode() == WEEKLY
    assert made.exceptions[0].override_flags == OverrideFlags.SUBJECT | OverrideFlags.LOCATION
    starts = [local_times(one)[0] for one in instances(made)]
    assert len(starts) == 12
    assert dt.datetime(2007, 4, 16, 11) in starts
    assert dt.datetime(2007, 4, 16, 10) not in starts


def test_a_daily_series_with_removed_instances() -> None:
    """[MS-OXOCAL] 4.1.1.3: every three days from April 7 to May 4, 2011; the 19th and the 22nd are not."""
    found = decode_appointment_recurrence(DAILY)
    pattern = found.recurrence_pattern
    assert first_date_time(pattern) == pattern.first_date_time == 1440
    assert [datetime_of(day) for day in pattern.deleted_instance_dates] == [
        dt.datetime(2011, 4, 19),
        dt.datetime(2011, 4, 22),
    ]
    starts = [local_times(one)[0] for one in instances(found)]
    assert starts == [
        *(dt.datetime(2011, 4, day, 8) for day in (7, 10, 13, 16, 25, 28)),
        *(dt.datetime(2011, 5, day, 8) for day in (1, 4)),
    ]
    assert found.encode() == DAILY


def test_older_versions_have_no_change_highlight() -> None:
    """[MS-OXOCAL] 2.2.1.44.4: it is there from WriterVersion2 0x3009 on; [MS-OXOCAL] 2.2.1.44.3 is its form."""
    new = decode_appointment_recurrence(WEEKLY)
    old = replace(
        new,
        writer_version_2=0x3008,
        extended_exceptions=tuple(replace(one, change_highlight=None) for one in new.extended_exceptions),
    )
    octets = old.encode()
    assert len(octets) == len(WEEKLY) - 8
    assert decode_appointment_recurrence(octets) == old


def test_a_damaged_end_does_not_lose_the_series() -> None:
    for length in range(len(WEEKLY)):
        octets = WEEKLY[:length]
        try:
            found = decode_appointment_recurrence(octets)
        except ConversionError:
            assert length < WEEKLY.index(b"34/4141") + 7
        else:
            assert found.recurrence_pattern == decode_recurrence_pattern(WEEKLY)[0]
            assert found.exceptions[0].location == b"34/4141"
            assert found.reserved_block_1 is None
            assert found.encode() == octets


def test_lengths_that_disagree_are_no_text() -> None:
    with pytest.raises(ConversionError):
        decode_appointment_recurrence(WEEKLY.replace(b"\x22\x00\x21\x00", b"\x22\x00\x22\x00", 1))


def test_unknown_types_are_none() -> None:
    with pytest.raises(ConversionError):
        decode_recurrence_pattern(DAILY[:6] + b"\x05\x00" + DAILY[8:])


@pytest.mark.parametrize(
    ("kind", "octets"),
    [
        (PatternType.DAY, 0),
        (PatternType.WEEK, 4),
        (PatternType.MONTH, 4),
        (PatternType.MONTH_NTH, 8),
        (PatternType.MONTH_END, 4),
        (PatternType.HJ_MONTH, 4),
        (PatternType.HJ_MONTH_NTH, 8),
        (PatternType.HJ_MONTH_END, 4),
    ],
)
def test_each_type_has_its_fields(kind: PatternType, octets: int) -> None:
    """[MS-OXOCAL] 2.2.1.44.1.3 to 2.2.1.44.1.6."""
    pattern = RecurrencePattern(RecurFrequency.MONTHLY, kind, 0, 1, EndType.NEVER, 10, 0, NEVER, days=0x7F, day=9, n=2)
    assert len(pattern.encode()) == 50 + octets
    assert len(decode_recurrence_pattern(pattern.encode() + b"rest")[1]) == 4


def test_what_does_not_fit_is_refused() -> None:
    pattern = decode_appointment_recurrence(DAILY).recurrence_pattern
    for wrong in (replace(pattern, period=1 << 32), replace(pattern, deleted_instance_dates=(-1,))):
        with pytest.raises(ValueError, match="does not fit"):
            wrong.encode()


def test_texts_of_exceptions_are_cut_and_coded() -> None:
    info = ExceptionInfo(0, 30, 0, busy_status=0)
    whole, extended = exception(info, subject="x" * 300, location="ä語\U0001f600")
    assert whole.subject == b"x" * 255
    assert whole.location == b"\xe4??"
    assert (extended.subject, extended.location) == ("x" * 255, "ä語\U0001f600")
    assert exception(info) == (info, ExtendedException())


def test_instances_are_sorted_and_single() -> None:
    made = decode_appointment_recurrence(DAILY)
    infos = [
        exception(ExceptionInfo(start, start + 30, original)) for start, original in ((9000, 2880), (60, 4320), (1, 60))
    ]
    again = exception(ExceptionInfo(77, 78, 60))
    found = made.with_instances([14400, 0, 14400], [*infos, again])
    assert [info.start_date_time for info in found.exceptions] == [1, 60, 9000]
    assert found.recurrence_pattern.deleted_instance_dates == (0, 2880, 4320, 14400)
    assert found.recurrence_pattern.modified_instance_dates == (0, 0, 8640)
    assert decode_appointment_recurrence(found.encode()) == found


def test_minutes() -> None:
    assert minutes_of(dt.date(1601, 1, 2)) == 1440
    assert datetime_of(NEVER) == dt.datetime(4500, 12, 31, 23, 59)
    for moment in (dt.date(1600, 12, 31), dt.datetime(9800, 1, 1)):
        with pytest.raises(ValueError, match="years of a recurrence"):
            minutes_of(moment)


U32 = st.integers(0, 0xFFFFFFFF)
MAYBE = st.none() | U32
TEXT = st.none() | st.text(max_size=20)


@st.composite
def series(draw: st.DrawFn) -> AppointmentRecurrencePattern:
    kind = draw(st.sampled_from(PatternType))
    weekly, nth = kind == PatternType.WEEK, kind in (PatternType.MONTH_NTH, PatternType.HJ_MONTH_NTH)
    pattern = RecurrencePattern(
        draw(st.integers(0, 0xFFFF)),
        kind,
        *(draw(U32) for _ in range(6)),
        days=draw(U32) if weekly or nth else 0,
        day=draw(U32) if not (weekly or nth or kind == PatternType.DAY) else 0,
        n=draw(U32) if nth else 0,
        first_dow=draw(U32),
        deleted_instance_dates=tuple(draw(st.lists(U32, max_size=4))),
        modified_instance_dates=tuple(draw(st.lists(U32, max_size=4))),
        calendar_type=draw(st.integers(0, 0xFFFF)),
        sliding_flag=draw(U32),
        reader_version=draw(st.integers(0, 0xFFFF)),
        writer_version=draw(st.integers(0, 0xFFFF)),
    )
    version = draw(st.sampled_from((0x3008, 0x3009, 0x300A)))
    infos, extended = [], []
    for _ in range(draw(st.integers(0, 3))):
        subject, location = draw(TEXT), draw(TEXT)
        info = ExceptionInfo(
            *(draw(U32) for _ in range(3)),
            None if subject is None else subject.encode(),
            *(draw(MAYBE) for _ in range(3)),
            None if location is None else location.encode(),
            *(draw(MAYBE) for _ in range(4)),
            exceptional_body=draw(st.booleans()),
            other_flags=draw(st.sampled_from((0, 0x400, 0x8000))),
        )
        infos.append(info)
        times = [draw(U32) if info.has_text else 0 for _ in range(3)]
        extended.append(
            ExtendedException(
                draw(st.binary(max_size=9)) if version >= 0x3009 else None,
                draw(st.binary(max_size=3)),
                *times,
                subject,
                location,
                draw(st.binary(max_size=3)) if info.has_text else b"",
            )
        )
    return AppointmentRecurrencePattern(
        pattern,
        draw(U32),
        draw(U32),
        tuple(infos),
        tuple(extended),
        draw(st.binary(max_size=5)),
        draw(st.binary(max_size=5)),
        writer_version_2=version,
        rest=draw(st.binary(max_size=5)),
    )


@given(series())
def test_values_come_back(made: AppointmentRecurrencePattern) -> None:
    assert decode_appointment_recurrence(made.encode()) == made
