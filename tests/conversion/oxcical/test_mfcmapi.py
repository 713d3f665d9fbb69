"""The octets and figures of MFCMAPI's own tests: recurrences, time zones, GlobalObjectIds ([MS-OXOCAL] 2.2.1.44)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from conversion.errors import ConversionError
from conversion.oxcical.globalobjectid import decode_global_object_id
from conversion.oxcical.occurrences import count_of, dates, first_date_time, instances, last_date, series
from conversion.oxcical.recurrence import (
    NTH_TYPES,
    AppointmentRecurrencePattern,
    EndType,
    ExceptionInfo,
    ExtendedException,
    PatternType,
    RecurrencePattern,
)
from conversion.oxcical.recurrenceblob import decode_appointment_recurrence, decode_recurrence_pattern
from conversion.oxcical.timezones import (
    SystemTime,
    YearRule,
    decode_time_zone_definition,
    decode_time_zone_struct,
)
from tests.support.corpora import CORPORA

FOLDER = CORPORA / "mapi-blobs" / "mfcmapi" / "UnitTest" / "SmartViewTestData"
NUMBER = re.compile(r"^\s*(?:\w+(?:\[\w+\])?\s*[:=] )?0x([0-9A-F]{1,8})\b(?!:)", re.M)
TEXT = re.compile(r'^\s*(?:WideChar)?(?:Subject|Location): "(.*)"$', re.M)


def cases(name: str) -> list[tuple[bytes, str]]:
    """The octets and the expected text of a structure's tests."""
    found = sorted((FOLDER / "In").glob(f"{name}-*.dat"))
    if not found:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    outs = [FOLDER / "Out" / path.name.replace("-", "-out-") for path in found]
    return [(bytes.fromhex(path.read_text("ascii")), figures(out)) for path, out in zip(found, outs, strict=True)]


def figures(path: Path) -> str:
    return path.read_text("utf-8-sig")


def numbers(text: str) -> list[int]:
    """Every figure that stands for a field, in order; what was left over is not one."""
    return [int(number, 16) for number in NUMBER.findall(text.partition("Unparsed data size")[0])]


def of_pattern(pattern: RecurrencePattern) -> list[int]:
    specific = []
    if pattern.pattern_type in (PatternType.WEEK, *NTH_TYPES):
        specific.append(pattern.days)
    if pattern.pattern_type in NTH_TYPES:
        specific.append(pattern.n)
    deleted, modified = pattern.deleted_instance_dates, pattern.modified_instance_dates
    return [
        *(pattern.reader_version, pattern.writer_version, pattern.recur_frequency, pattern.pattern_type),
        *(pattern.calendar_type, pattern.first_date_time, pattern.period, pattern.sliding_flag, *specific),
        *(pattern.end_type, pattern.occurrence_count, pattern.first_dow),
        *(len(deleted), *deleted, len(modified), *modified, pattern.start_date, pattern.end_date),
    ]


def of_exception(info: ExceptionInfo) -> list[int]:
    found = [info.start_date_time, info.end_date_time, info.original_start_date, info.override_flags]
    if info.subject is not None:
        found += [len(info.subject) + 1, len(info.subject)]
    found += [value for value in (info.meeting_type, info.reminder_delta, info.reminder_set) if value is not None]
    if info.location is not None:
        found += [len(info.location) + 1, len(info.location)]
    last = (info.busy_status, info.attachment, info.sub_type, info.appointment_color)
    return found + [value for value in last if value is not None]


def of_extended(info: ExceptionInfo, extended: ExtendedException) -> list[int]:
    found = []
    if extended.change_highlight is not None:
        found += [len(extended.change_highlight), int.from_bytes(extended.change_highlight[:4], "little")]
    found.append(len(extended.reserved_block_ee1))
    if info.has_text:
        found += [extended.start_date_time, extended.end_date_time, extended.original_start_date]
        found += [len(text) for text in (extended.subject, extended.location) if text is not None]
        found.append(len(extended.reserved_block_ee2))
    return found


def of_appointment(series: AppointmentRecurrencePattern) -> list[int]:
    found = of_pattern(series.recurrence_pattern)
    found += [series.reader_version_2, series.writer_version_2, series.start_time_offset, series.end_time_offset]
    found.append(len(series.exceptions))
    for info in series.exceptions:
        found += of_exception(info)
    found.append(len(series.reserved_block_1 or b""))
    for info, extended in zip(series.exceptions, series.extended_exceptions, strict=True):
        found += of_extended(info, extended)
    return [*found, len(series.reserved_block_2)]


def texts(series: AppointmentRecurrencePattern) -> list[str]:
    found = [text.decode("cp1252") for info in series.exceptions for text in (info.subject, info.location) if text]
    return found + [text for one in series.extended_exceptions for text in (one.subject, one.location) if text]


def test_appointment_recurrence_patterns() -> None:
    for octets, expected in cases("APPOINTMENTRECURRENCEPATTERN"):
        found = decode_appointment_recurrence(octets)
        assert of_appointment(found) == numbers(expected)
        assert texts(found) == [text for text in TEXT.findall(expected) if text]
        assert len(found.rest) == (316 if "Unparsed" in expected else 0)
        assert found.encode() == octets


def test_recurrence_patterns() -> None:
    for octets, expected in cases("RECURRENCEPATTERN"):
        found, rest = decode_recurrence_pattern(octets)
        assert of_pattern(found) == numbers(expected)
        assert found.encode() + rest == octets


def test_outlooks_figures_are_those_of_the_rules() -> None:
    # FirstDateTime, OccurrenceCount and the deleted dates are Outlook's ([MS-OXOCAL] 2.2.1.44.1.1).
    for octets, _ in cases("APPOINTMENTRECURRENCEPATTERN") + cases("RECURRENCEPATTERN"):
        pattern, _ = decode_recurrence_pattern(octets)
        days = series(pattern)
        assert days is not None
        assert first_date_time(pattern) == pattern.first_date_time
        assert set(pattern.deleted_instance_dates) <= set(dates(pattern, before=pattern.start_date + 3_000_000))
        if pattern.end_type == EndType.NEVER:
            assert count_of(pattern, days) is None
            assert last_date(pattern) is None
        else:
            assert count_of(pattern, days) == pattern.occurrence_count
            assert (last_date(pattern) or 0) <= pattern.end_date


def test_exceptions_take_the_place_of_instances() -> None:
    (octets, _), *_ = cases("APPOINTMENTRECURRENCEPATTERN")
    found = instances(decode_appointment_recurrence(octets))
    # 18 by the pattern, four of them removed or changed, one of these changed.
    assert len(found) == 15
    assert [one.exception for one in found if one.exception is not None] == [0]


def of_date(date: SystemTime) -> list[int]:
    fields = (date.year, date.month, date.day_of_week, date.day, date.hour, date.minute, date.second)
    return [*fields, date.milliseconds]


def of_biases(rule: YearRule) -> list[int]:
    return [bias & 0xFFFFFFFF for bias in (rule.bias, rule.standard_bias, rule.daylight_bias)]


def test_time_zones() -> None:
    for octets, expected in cases("TIMEZONE"):
        found = decode_time_zone_struct(octets)
        rule = found.rule
        dates_of_it = [
            found.standard_year,
            *of_date(rule.standard_date),
            found.daylight_year,
            *of_date(rule.daylight_date),
        ]
        assert of_biases(rule) + dates_of_it == numbers(expected)
        assert found.encode() == octets


def test_time_zone_definitions() -> None:
    for octets, expected in cases("TIMEZONEDEFINITION"):
        found = decode_time_zone_definition(octets)
        size = 6 + 2 * len(found.key_name)
        ours = [found.major_version, found.minor_version, size, found.reserved, len(found.key_name), len(found.rules)]
        for one in found.rules:
            ours += [one.major_version, one.minor_version, one.reserved, one.flags, one.year, *of_biases(one.rule)]
            ours += of_date(one.rule.standard_date) + of_date(one.rule.daylight_date)
        assert ours == numbers(expected)
        assert f"szKeyName = {found.key_name}\n" in expected
        left = re.findall(r"X\s+cb: 14 lpb: (\w+)", expected)
        assert [one.x.hex().upper() for one in found.rules] == left
        assert found.encode() == octets


def test_global_object_ids() -> None:
    for octets, expected in cases("GLOBALOBJECTID"):
        found = decode_global_object_id(octets)
        high, low = found.creation_time >> 32, found.creation_time & 0xFFFFFFFF
        assert f"Creation Time = 0x{high:08X}:0x{low:08X}" in expected
        assert f"Year: 0x{found.year:04X}" in expected
        assert f"Month: 0x{found.month:02X}" in expected
        assert f"Day: 0x{found.day:02X}" in expected
        assert f"lpb: {found.data.hex().upper()}" in expected
        assert found.encode() == octets


@pytest.mark.parametrize(
    "decode",
    [decode_appointment_recurrence, decode_time_zone_struct, decode_time_zone_definition, decode_global_object_id],
)
def test_each_is_only_its_own_kind(decode: Callable[[bytes], object]) -> None:
    for octets in (b"", b"\x04", b"\xff" * 20):
        with pytest.raises(ConversionError):
            decode(octets)
