"""What conversions cost: in one process, CPU in microseconds, the median of many."""

from __future__ import annotations

import random
import statistics
from base64 import encodebytes
from collections.abc import Callable
from datetime import datetime, timedelta
from time import process_time_ns
from typing import NamedTuple

from conversion.html.plain import html_to_plain
from conversion.mime.rendition import render
from conversion.msg.reader import read_msg
from conversion.msg.writer import write_msg
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writer import write_mime
from conversion.rtf.encapsulated import deencapsulate, encapsulate_html
from conversion.rtf.lzfu import compress, decompress
from conversion.tnef.reader import read_tnef
from conversion.tnef.writer import write_tnef
from tests.benchmarks.corpus import message

ROUNDS = 31
PARAGRAPH = "<p>Some <b>words</b> in a <a href='https://x.test/'>row</a></p>\r\n"
HEAD = f"""
## Conversions

In one process, CPU in microseconds for one, the median of {ROUNDS} rounds. The small message is multipart/alternative;
the large one has its megabyte in an attachment in base64.

| work | unit | oxgate | goal |
|---|---|---|---|
"""


class Row(NamedTuple):
    """One conversion: what is done, how often a round does it, and the goal in microseconds."""

    label: str
    unit: str
    work: Callable[[], object]
    times: int
    goal: str


def section() -> str:
    """Measure all; the part of the page."""
    lines = [f"| {row.label} | {row.unit} | {_cost(row):.4g} | {row.goal} |" for row in rows()]
    return HEAD + "\n".join(lines) + "\n"


def _cost(row: Row) -> float:
    row.work()  # what is made once is made now
    took = []
    for _ in range(ROUNDS):
        begin = process_time_ns()
        for _ in range(row.times):
            row.work()
        took.append((process_time_ns() - begin) / row.times / 1000)
    return statistics.median(took)


def rows() -> list[Row]:
    """List the conversions."""
    small = message(7, size=2048, mixed=True)
    large = _with_attachment(1 << 20)
    small_mime, large_mime = render(small), render(large)
    content = read_mime(small_mime)
    html = f"<html><body>{PARAGRAPH * 200}</body></html>"
    rtf = encapsulate_html(html)
    packed, kilobytes = compress(rtf), len(rtf) / 1024
    tnef, msg = write_tnef(content, raw=small), write_msg(content, raw=small)
    series = _series(200, 20)
    appointments = read_calendar(series)
    return [
        Row(
            "MIME, scan with ENVELOPE and BODYSTRUCTURE",
            f"{len(small) / 1024:.1f} KB",
            lambda: render(small),
            200,
            "60",
        ),
        Row("MIME to a Message object", f"{len(small) / 1024:.1f} KB", lambda: read_mime(small_mime), 100, "250"),
        Row("MIME to a Message object", "1 MB attached", lambda: read_mime(large_mime), 10, "2,000"),
        Row("Message object to MIME", f"{len(small) / 1024:.1f} KB", lambda: b"".join(write_mime(content)), 30, ""),
        Row("TNEF to a Message object", "1", lambda: read_tnef(tnef), 50, ""),
        Row("Message object to TNEF", "1", lambda: write_tnef(content, raw=small), 50, ""),
        Row(".msg to a Message object", "1", lambda: read_msg(msg), 50, ""),
        Row("Message object to .msg", "1", lambda: write_msg(content, raw=small), 50, ""),
        Row(
            "compressed RTF to RTF",
            f"{kilobytes:.0f} KB",
            lambda: decompress(packed),
            10,
            f"{kilobytes / 20 * 1024:.0f}",
        ),
        Row(
            "iCalendar to a Message object", "200 instances, 20 exceptions", lambda: read_calendar(series), 5, "10,000"
        ),
        Row("Message object to iCalendar", "200 instances, 20 exceptions", lambda: write_calendar(appointments), 5, ""),
        Row("RTF to the HTML in it", f"{kilobytes:.0f} KB", lambda: deencapsulate(rtf), 3, ""),
        Row("HTML to text", f"{len(html) / 1024:.0f} KB", lambda: html_to_plain(html), 3, ""),
    ]


def _series(count: int, exceptions: int) -> bytes:
    """Make a daily meeting, every tenth instance of which is at another time and has another subject."""
    people = "ORGANIZER:mailto:boss@x.test\r\n" + "".join(
        f"ATTENDEE;CN=N{number};PARTSTAT=ACCEPTED:mailto:n{number}@x.test\r\n" for number in range(5)
    )
    zone = ";TZID=Europe/Berlin:"
    master = (
        f"BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20260101T000000Z\r\nDTSTART{zone}20260105T090000\r\n"
        f"DTEND{zone}20260105T100000\r\nSUMMARY:Daily\r\nRRULE:FREQ=DAILY;COUNT={count}\r\n{people}END:VEVENT\r\n"
    )
    events = [master]
    first = datetime(2026, 1, 5)
    for number in range(exceptions):
        day = first + timedelta(days=number * count // exceptions)
        events.append(
            f"BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20260101T000000Z\r\nRECURRENCE-ID{zone}{day:%Y%m%d}T090000\r\n"
            f"DTSTART{zone}{day:%Y%m%d}T110000\r\nDTEND{zone}{day:%Y%m%d}T120000\r\n"
            f"SUMMARY:Daily, later {number}\r\n{people}END:VEVENT\r\n"
        )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(events)}END:VCALENDAR\r\n".encode()


def _with_attachment(size: int) -> bytes:
    data = encodebytes(random.Random(1).randbytes(size)).replace(b"\n", b"\r\n")
    return (
        b"From: a@x.test\r\nTo: b@x.test\r\nSubject: large\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
        b"--b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=a.bin\r\n\r\n" + data + b"--b--\r\n"
    )
