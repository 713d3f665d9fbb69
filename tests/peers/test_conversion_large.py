"""One message of 10 MB in each format: read in less than 2 s of CPU, in less than 64 MB beside its own size."""

from __future__ import annotations

import random
import tracemalloc
from base64 import b64encode, encodebytes
from collections.abc import Callable
from time import process_time
from typing import Final

import pytest

from conversion.formats import Format, Loaded, read, write
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent

LARGE: Final = 10 * 1024 * 1024
ROOM: Final = 64 * 1024 * 1024
"""Octets of memory that reading may take beyond those that it is given."""
SECONDS: Final = 2.0
"""CPU that it may take: the best of three, since others use the caches of the machine too."""
LINE: Final = "A line of text that is neither long nor short, and comes again and again."


def octets(size: int) -> bytes:
    return random.Random(1).randbytes(size)


def repeated(first: bytes, piece: bytes, last: bytes) -> bytes:
    return first + piece * ((LARGE - len(first) - len(last)) // len(piece)) + last


def folded(name: str, value: str) -> str:
    """A content line of iCalendar or vCard ([RFC5545] 3.1)."""
    line = name + value
    return "\r\n ".join(line[at : at + 70] for at in range(0, len(line), 70)) + "\r\n"


def mail(kind: str, body: bytes) -> bytes:
    return f"From: a@x.test\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n".encode() + body


def mail_with_a_file() -> bytes:
    text = f"{LINE}\r\n".encode() * 40_000
    data = encodebytes(octets((LARGE - len(text)) * 57 // 78)).replace(b"\n", b"\r\n")
    body = b"--b\r\nContent-Type: text/plain\r\n\r\n" + text
    body += b"--b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return mail("multipart/mixed; boundary=b", body + data + b"--b--\r\n")


def mail_of_parts() -> bytes:
    part = f"--b\r\nContent-Type: text/html; name=a.html\r\n\r\n<p>{LINE * 500}\r\n".encode()
    return repeated(mail("multipart/mixed; boundary=b", b""), part, b"--b--\r\n")


def mail_of_tnef() -> bytes:
    data = encodebytes(made(Format.TNEF, LARGE * 57 // 78)).replace(b"\n", b"\r\n")
    return mail("application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64", data)


def mail_of_events() -> bytes:
    event = f"BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260105T090000Z\r\nSUMMARY:{LINE[:60]}\r\nEND:VEVENT\r\n".encode()
    first = mail("text/calendar; method=REQUEST; charset=utf-8", b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
    return repeated(first, event, b"END:VCALENDAR\r\n")


def made(form: Format, size: int = LARGE) -> bytes:
    """A message with a text of 1 MB and a file, by our own writer."""
    text = f"{LINE}\r\n" * (2**20 // (len(LINE) + 2))
    file = AttachmentContent(
        {tags.PidTagAttachMethod: 1, tags.PidTagAttachLongFilename: "a.bin"}, octets(size - 2 * len(text) - 10_000)
    )
    properties = {tags.PidTagMessageClass: "IPM.Note", tags.PidTagSubject: "large", tags.PidTagBody: text}
    content = MessageContent(properties, (), (file,))
    return write(Loaded((content,)), content, form)


def rtf() -> bytes:
    first = rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0 Arial;}}"
    return repeated(first, rb"{\*\htmltag64 <p>}" + LINE.encode() + rb"\'e4{\*\htmltag72 </p>}", b"}")


def calendar(*lines: str) -> bytes:
    inner = "".join(("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260105T090000Z\r\n", *lines, "END:VEVENT\r\n"))
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{inner}END:VCALENDAR\r\n".encode()


def encoded() -> str:
    return b64encode(octets(LARGE * 53 // 74)).decode()


CASES: Final[dict[str, tuple[Format, Callable[[], bytes]]]] = {
    "eml, a file": (Format.EML, mail_with_a_file),
    "eml, a text": (Format.EML, lambda: repeated(mail("text/plain", b""), f"{LINE}\r\n".encode(), b"")),
    "eml, many parts": (Format.EML, mail_of_parts),
    "eml, winmail.dat": (Format.EML, mail_of_tnef),
    "eml, a calendar of 70,000 events": (Format.EML, mail_of_events),
    "msg": (Format.MSG, lambda: made(Format.MSG)),
    "tnef": (Format.TNEF, lambda: made(Format.TNEF)),
    "mapi": (Format.MAPI, lambda: made(Format.MAPI, LARGE * 7 // 8)),
    "rtf": (Format.RTF, rtf),
    "html": (Format.HTML, lambda: repeated(b"<html><body>", f"<p>{LINE} <b>x</b> &amp; y</p>".encode(), b"</html>")),
    "txt": (Format.TXT, lambda: repeated(b"", f"{LINE}\r\n".encode(), b"")),
    "ics, a file": (Format.ICS, lambda: calendar(folded("ATTACH;ENCODING=BASE64;VALUE=BINARY:", encoded()))),
    "ics, a text": (Format.ICS, lambda: calendar(folded("DESCRIPTION:", f"{LINE}\\n" * (LARGE * 70 // 74 // 75)))),
    "vcf, a picture": (
        Format.VCF,
        lambda: (
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:x\r\n%sEND:VCARD\r\n"
            % folded("PHOTO;ENCODING=b;TYPE=JPEG:", encoded()).encode()
        ),
    ),
}
"""What is large -> how it is read, and the octets."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", CASES)
def test_a_large_message_is_read_in_little_time_and_memory(name: str) -> None:
    form, make = CASES[name]
    data = make()
    assert 0.9 * LARGE < len(data) < 1.5 * LARGE
    took = []
    for _ in range(3):
        begin = process_time()
        loaded = read(data, form)
        took.append(process_time() - begin)
        assert len(loaded.contents) == 1
        del loaded
    tracemalloc.start()
    try:
        kept = read(data, form)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"{name}: {len(data) / 1e6:.1f} MB, {min(took):.3f} s CPU, {peak / 1e6:.1f} MB")
    assert kept.contents
    assert min(took) < SECONDS
    assert peak < len(data) + ROOM


@pytest.mark.timeout(120)
@pytest.mark.parametrize("target", [Format.EML, Format.MSG, Format.TNEF, Format.MAPI, Format.TXT], ids=str)
def test_a_large_message_is_written_in_little_time_and_memory(target: Format) -> None:
    loaded = read(mail_with_a_file(), Format.EML)
    took = []
    for _ in range(3):
        begin = process_time()
        written = write(loaded, loaded.contents[0], target)
        took.append(process_time() - begin)
    tracemalloc.start()
    try:
        assert len(write(loaded, loaded.contents[0], target)) == len(written)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    print(f"to {target.value}: {min(took):.3f} s CPU, {peak / 1e6:.1f} MB")
    assert min(took) < SECONDS
    assert peak < len(written) + ROOM


BODIES: Final = {
    (Format.HTML, Format.TXT): (b"<html><body>", f"<p>{LINE} <b>x</b> &amp; y</p>".encode(), b"</html>"),
    (Format.HTML, Format.RTF): (b"<html><body>", f"<p>{LINE} <b>x</b> &amp; y</p>".encode(), b"</html>"),
    (Format.TXT, Format.HTML): (b"", f"{LINE}\r\n".encode(), b""),
    (Format.TXT, Format.RTF): (b"", f"{LINE}\r\n".encode(), b""),
    (Format.RTF, Format.HTML): (rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}", LINE.encode() + rb" {\b x}\par", b"}"),
    (Format.RTF, Format.TXT): (rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}", LINE.encode() + rb" {\b x}\par", b"}"),
}
"""From one format of a body to another -> the beginning, what is repeated, and the end."""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("forms", BODIES, ids=lambda forms: f"{forms[0].value}-{forms[1].value}")
def test_a_body_costs_what_its_length_says(forms: tuple[Format, Format]) -> None:
    """Of 4 MB an octet costs no more than twice what it costs of 1 MB, and there is room for the rest."""
    first, piece, last = BODIES[forms]
    cost = {}
    for size in (2**20, 2**22):
        loaded = read(first + piece * (size // len(piece)) + last, forms[0])
        took = []
        for _ in range(2):
            begin = process_time()
            write(loaded, loaded.contents[0], forms[1])
            took.append(process_time() - begin)
        cost[size] = min(took) / size
    print({size: f"{each * 2**20:.2f} s/MB" for size, each in cost.items()})
    # Below 50 ms the ticks of the clock tell more than the work does.
    assert cost[2**22] < 2 * max(cost[2**20], 0.05 / 2**20)


MANY: Final = {
    Format.ICS: (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n",
        b"BEGIN:VEVENT\r\nUID:%d\r\nDTSTART:20260105T090000Z\r\nSUMMARY:An event\r\nEND:VEVENT\r\n",
        b"END:VCALENDAR\r\n",
    ),
    Format.VCF: (b"", b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:%d\r\nFN:Ann\r\nEMAIL:a@x.test\r\nEND:VCARD\r\n", b""),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("form", MANY, ids=lambda form: form.value)
def test_many_objects_cost_so_many_times_one(form: Format) -> None:
    """Of 8,000 objects each costs no more than twice what it costs of 2,000."""
    first, one, last = MANY[form]
    cost = {}
    for count in (2000, 8000):
        data = first + b"".join(one % number for number in range(count)) + last
        took = []
        for _ in range(2):
            begin = process_time()
            assert len(read(data, form).contents) == count
            took.append(process_time() - begin)
        cost[count] = min(took) / count
    print({count: f"{each * 1e6:.0f} us" for count, each in cost.items()})
    assert cost[8000] < 2 * cost[2000]
