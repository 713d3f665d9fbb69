"""Every file of the corpora, from its format into every other: something comes out, or a ConversionError."""

from __future__ import annotations

import resource
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from conversion.errors import ConversionError
from conversion.formats import Format, read, recognise, write_all
from conversion.receipt import Receipt
from tests.fuzz.long import deadline
from tests.support.corpora import CORPORA

FOLDERS: Final = {"mime": 868, "dsn": 557, "tnef": 85, "msg": 42, "rtf": 30, "ical": 723, "vcard": 153}
"""Folder -> its files."""
SLOW: Final = 30
"""Seconds by the clock that one file may take into all formats; the largest has 1.1 MB, so what takes more hangs."""
GROWTH: Final = 256
"""MB that the process may grow by over a folder."""
REFUSED: Final = {
    "trees of others, not of ours": {"*.json"},
    "compound files that are documents": {"*.doc"},
    "parts of a calendar without a calendar around them": {
        *(f"calcard/resources/ical/{number:03}.ics" for number in (49, 50, 66, 67, 68, 92, 141, 142, 143, 144)),
        *("alarms/example.ics", "availabilities/rfc_7953_1.ics", "availabilities/rfc_7953_2.ics"),
        *("fuzz_testcase_0_char_in_component_name.ics", "fuzz_testcase_invalid_month.ics"),
        "fuzz_testcase_vtimezone_lone_cr.ics",
    },
}
"""Why -> the files that are refused, by the ends of their paths."""
UNRECOGNISED: Final = {
    *(".jpg", ".png", ".pdf", ".mp3", ".ini", ".src", ".list", ".xml", ".bind9", ".pub", ".ntx", ".md", ".dat", ""),
    *(".1", ".2", ".3", ".out", ".msg"),
}
"""The ends of names of files that neither their octets nor their names say a format of."""

here = pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not here (OXGATE_CORPORA names their folder)")


def files(folder: str) -> list[Path]:
    found = sorted(path for path in (CORPORA / folder).rglob("*") if path.is_file())
    assert len(found) == FOLDERS[folder]
    return found


def grown(before: int) -> int:
    """MB that the process has grown by."""
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


@here
@pytest.mark.timeout(0)  # each file has a deadline of its own
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_converts_or_is_refused(folder: str) -> None:
    """Nothing but a ConversionError leaves a converter, and what one has written another reads."""
    done: Counter[Format] = Counter()
    at_start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in files(folder):
        data = path.read_bytes()
        form = recognise(path.name, data)
        if form is None:
            assert path.suffix in UNRECOGNISED, path
            form = Format.EML if path.suffix == ".msg" else None  # headers that are damaged from the first line on
        if form is None:
            continue
        try:
            with deadline(SLOW):
                done[form] += convert(data, form, path)
        except Exception as error:
            error.add_note(f"file: {path}")
            raise
    assert done.total() > 10
    assert grown(at_start) < GROWTH


def convert(data: bytes, form: Format, path: Path) -> bool:
    """Convert into everything and read that; give whether the file was taken at all."""
    refused = any(path.match(end) for ends in REFUSED.values() for end in ends)
    try:
        loaded = read(data, form, receipt=Receipt())
    except ConversionError:
        assert refused
        return False
    assert not refused
    for target in Format:
        try:
            written = write_all(loaded, target, receipt=Receipt())
        except ConversionError:
            # What has no form there: calendars of mail, contacts of appointments, bodies of what has none.
            assert target not in (Format.EML, Format.MSG, Format.TNEF, Format.MAPI)
            continue
        if loaded.contents and target not in (Format.HTML, Format.TXT):
            assert read(written[0], target).contents
    return True


@here
@pytest.mark.timeout(0)  # each file has a deadline of its own
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_of_another_format_is_refused_or_read(folder: str) -> None:
    """By every reader, as if somebody had called the file so."""
    at_start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path in files(folder):
        data = path.read_bytes()[:100_000]
        for form in Format:
            try:
                with deadline(SLOW):
                    read(data, form, receipt=Receipt())
            except ConversionError:
                pass
            except Exception as error:
                error.add_note(f"file: {path}, as {form.value}")
                raise
    assert grown(at_start) < GROWTH
