"""Damaged calendars: nothing but ConversionError, values that fit, what is read can be written and read again."""

from __future__ import annotations

from conversion.contentlines import read_components
from conversion.errors import ConversionError
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.imip import calendar_properties, merged
from conversion.oxcical.importer import read_calendar
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import NOW, START, calendar, event
from tests.fuzz.damage import try_damaged
from tests.fuzz.test_fuzz_tnef import check_content
from tests.support.corpora import CORPORA
from tests.support.examples import examples

_LONGEST = 20_000
_BERLIN = ";TZID=Europe/Berlin:"
_ZONE = (
    *("BEGIN:VTIMEZONE", "TZID:Own", "BEGIN:STANDARD", "DTSTART:19701025T030000", "TZOFFSETFROM:+0200"),
    *("TZOFFSETTO:+0100", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", "END:STANDARD", "BEGIN:DAYLIGHT"),
    *("DTSTART:19700329T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", "RDATE:19800101T000000", "END:DAYLIGHT"),
    "END:VTIMEZONE",
)
_PEOPLE = (
    'ORGANIZER;CN="Boss; x";SENT-BY="mailto:d@e.f":mailto:boss@example.org',
    "ATTENDEE;PARTSTAT=ACCEPTED;RSVP=TRUE;ROLE=OPT-PARTICIPANT;X-MS-OLK-RESPTIME=20260101T000000Z:mailto:a@b.c",
)
_EVENT = (
    f"DTSTART{_BERLIN}20260302T100000",
    "DTEND;TZID=Own:20260302T110000",
    "RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=MO,TU;BYSETPOS=-1;COUNT=20;WKST=SU",
    f"EXDATE{_BERLIN}20260331T100000",
    "RDATE;VALUE=PERIOD:20260401T100000Z/PT1H",
    *_PEOPLE,
    "SUMMARY;LANGUAGE=de:x\\, y",
    "DESCRIPTION:a\\nb",
    "X-ALT-DESC;FMTTYPE=text/html:<p>x</p>",
    "LOCATION:here",
    "CATEGORIES:a,b",
    "GEO:1.5;2.5",
    "SEQUENCE:3",
    "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
    "ATTACH;VALUE=BINARY;ENCODING=BASE64;X-FILENAME=a.txt:QUJD",
    *("BEGIN:VALARM", "TRIGGER;RELATED=END:-PT15M", "END:VALARM"),
)
SEEDS = [
    calendar(*_ZONE, *event(*_EVENT), method="REQUEST"),
    calendar(
        *event(*START, "RRULE:FREQ=DAILY;COUNT=9", *_PEOPLE),
        *event("RECURRENCE-ID:20260107T090000Z", "DTSTART;VALUE=DATE:20260108", *_PEOPLE, "SUMMARY:other"),
    ),
    calendar(*START, *_PEOPLE, "X-MS-OLK-ORIGINALSTART:20260101T000000Z", method="COUNTER"),
    calendar(*event("DUE:20260101", "RRULE:FREQ=YEARLY", "PERCENT-COMPLETE:5", name="VTODO")),
    calendar(*event("FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260131T230000Z/PT2H,20260110T000000Z/P400D", name="VFREEBUSY")),
    calendar("DTSTART:20260302T100000", "X-MICROSOFT-RRULE:FREQ=MONTHLY", heading=("X-MICROSOFT-CALSCALE:Hijri",)),
    calendar("DTSTART:20260302T100000", "RRULE:FREQ=HOURLY;BYHOUR=1,2;BYDAY=MO", heading=("X-WR-TIMEZONE:Asia/Tokyo",)),
    (
        b"BEGIN:VCALENDAR\nVERSION:1.0\nTZ:+01\nBEGIN:VEVENT\nDTSTART:19980415T083000\nSUMMARY;QUOTED-PRINTABLE:a=\n"
        b"b=3D\nDALARM:19980415T080000;PT5M;2;x\nRRULE:W1 MO TU #10\nEND:VEVENT\nEND:VCALENDAR\n"
    ),
    (
        b"BEGIN:VCALENDAR\nVERSION:1.0\nTZ:-05\nDAYLIGHT:TRUE;-04;19960407T025959;19961027T010000;EST;EDT\n"
        b"BEGIN:VEVENT\nDTSTART:19960605T100000\nATTENDEE;ROLE=OWNER;STATUS=SENT:A <a@b.c>\nTRANSP:1\n"
        b"RRULE:YM1 6 #5 MP1 1+ SU 1- MO\nEXDATE:19960605T100000;19970601T100000\nEND:VEVENT\nEND:VCALENDAR\n"
    ),
]


def seeds() -> list[bytes]:
    """The seeds, and the samples that are short enough."""
    samples = sorted((CORPORA / "ical").rglob("*.ics"))
    return SEEDS + [data for path in samples if len(data := path.read_bytes()) <= _LONGEST]


def check(data: bytes) -> object:
    """Try one input: as a calendar both ways, and as the part of a mail."""
    receipt = Receipt()
    read_components(data, receipt=receipt)
    part = calendar_properties(data, zone="Europe/Berlin")
    if part is not None:
        merged(MessageContent({tags.PidTagMessageClass: "IPM.Note"}), part)
    try:
        contents = read_calendar(data, zone="Europe/Berlin", user=["a@b.c"], receipt=receipt)
    except ConversionError:
        return None
    for content in contents:
        check_content(content)
    if contents:
        again = read_calendar(write_calendar(contents, now=NOW, receipt=receipt), zone="Europe/Berlin")
        assert len(again) >= min(len(contents), 1)
    return tuple(sorted({str(note).partition(": ")[2].partition(",")[2][:30] for note in receipt}))[:4]


def test_damaged_calendars() -> None:
    try_damaged(check, SEEDS, examples(40))
