"""iCalendar to MAPI and back, and the other way: what the receipt does not list is kept ([MS-OXCICAL] 2.1.3)."""

from __future__ import annotations

import datetime as dt

import icalendar
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversion.contentlines import Component, ContentLine, escape, read_components, unescape, write_line
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.importer import read_calendar
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.conversion.oxcical.calendars import NOW, calendar, event, written
from tests.support.examples import examples

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=40)
ZONES = st.sampled_from(("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney"))
NAMES = st.sampled_from("abcdefgh")
STAMP = "DTSTAMP:20260101T000000Z"
DAYS = st.integers(0, 700).map(lambda days: dt.datetime(2026, 1, 1) + dt.timedelta(days=days))


@st.composite
def times(draw: st.DrawFn) -> tuple[list[str], str, dt.datetime, bool]:
    """DTSTART and DTEND; the prefix for further times, the start, and whether it is a date."""
    day = draw(DAYS)
    if draw(st.booleans()):
        end = day + dt.timedelta(days=draw(st.integers(1, 3)))
        return [f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DTEND;VALUE=DATE:{end:%Y%m%d}"], ";VALUE=DATE:", day, True
    start = day + dt.timedelta(minutes=draw(st.integers(8 * 60, 20 * 60)))
    end = start + dt.timedelta(minutes=draw(st.integers(0, 200)))
    zone = draw(ZONES)
    lines = [f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}", f"DTEND;TZID={zone}:{end:%Y%m%dT%H%M%S}"]
    return lines, f";TZID={zone}:", start, False


@st.composite
def rules(draw: st.DrawFn, start: dt.datetime) -> str:
    """A rule that begins with the start."""
    day = start.strftime("%a").upper()[:2]
    kind = draw(
        st.sampled_from(
            ("DAILY", f"WEEKLY;BYDAY={day}", f"MONTHLY;BYMONTHDAY={min(start.day, 28)}", "YEARLY")
            if start.day <= 28
            else ("DAILY", f"WEEKLY;BYDAY={day}")
        )
    )
    interval = draw(st.integers(1, 3))
    return f"FREQ={kind};INTERVAL={interval};COUNT={draw(st.integers(1, 12))}"


def one(name: str, text: str) -> str:
    return f"{name}:{escape(text)}"


@st.composite
def events(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, str]]]:
    """A calendar of one UID, and the lines of its first event that must come out again."""
    lines, prefix, start, _ = draw(times())
    texts = [("SUMMARY", draw(TEXT))]
    texts += [(name, draw(TEXT)) for name in ("LOCATION", "DESCRIPTION", "CONTACT") if draw(st.booleans())]
    words = [
        ("CLASS", draw(st.sampled_from(("PUBLIC", "PRIVATE", "CONFIDENTIAL")))),
        ("PRIORITY", draw(st.sampled_from("159"))),
        ("TRANSP", draw(st.sampled_from(("OPAQUE", "TRANSPARENT")))),
        ("SEQUENCE", str(draw(st.integers(0, 9)))),
        ("DTSTAMP", "20260101T000000Z"),
        ("URL", "http://x.test/" + draw(NAMES)),
    ]
    method = draw(st.sampled_from(("", "REQUEST", "CANCEL")))
    people: list[str] = []
    if method or draw(st.booleans()):
        people.append("ORGANIZER;CN=Boss:mailto:boss@example.org")
        for name in draw(st.lists(NAMES, unique=True, max_size=3)):
            said = draw(st.sampled_from(("NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE")))
            role = draw(st.sampled_from(("", ";ROLE=OPT-PARTICIPANT", ";CUTYPE=RESOURCE")))
            people.append(f"ATTENDEE;CN={name.upper()};PARTSTAT={said};RSVP=TRUE{role}:mailto:{name}@example.org")
    alarm = ("BEGIN:VALARM", f"TRIGGER:-PT{draw(st.integers(1, 90))}M", "END:VALARM") if draw(st.booleans()) else ()
    whole = [*lines, *(one(*text) for text in texts), *(f"{name}:{value}" for name, value in words), *people, *alarm]
    changes: list[str] = []
    if draw(st.booleans()):
        rule = draw(rules(start))
        whole.insert(2, f"RRULE:{rule}")
        if rule.startswith("FREQ=DAILY;INTERVAL=1;") and not rule.endswith("COUNT=1"):
            original = start + dt.timedelta(days=1)
            form = "%Y%m%d" if "DATE" in prefix else "%Y%m%dT%H%M%S"
            if draw(st.booleans()):
                whole.insert(3, f"EXDATE{prefix}{original:{form}}")
            else:
                changed = (f"RECURRENCE-ID{prefix}{original:{form}}", *lines_from(prefix, original, form))
                changes += event(*changed, one("SUMMARY", draw(TEXT)), *people)
    return calendar(*event(*whole), *changes, method=method), texts + words


def lines_from(prefix: str, start: dt.datetime, form: str) -> tuple[str, str]:
    end = start + (dt.timedelta(days=1) if form == "%Y%m%d" else dt.timedelta(hours=1))
    return f"DTSTART{prefix}{start:{form}}", f"DTEND{prefix}{end:{form}}"


QUICK = settings(max_examples=examples(30), suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(events())
def test_there_and_back(sample: tuple[bytes, list[tuple[str, str]]]) -> None:
    """What the calendar said is said again, what it means is the same, icalendar reads it ([MS-OXCICAL] 2.1.3.1)."""
    data, expected = sample
    receipt = Receipt()
    (content,) = read_calendar(data, zone="Europe/Berlin", receipt=receipt)
    out = write_calendar(content, zone="Europe/Berlin", now=NOW, receipt=receipt)
    assert not receipt.count, [str(note) for note in receipt]
    found = written(out)
    (before,) = read_components(data)
    assert found.value("METHOD") == (before.value("METHOD") or "PUBLISH")
    first, source = found.inner("VEVENT")[0], before.inner("VEVENT")[0]
    for name, text in expected:
        assert unescape(first.value(name) or "") == text, name
    assert len(found.inner("VEVENT")) == len(before.inner("VEVENT"))
    assert people(first) == people(source)
    alarms = [] if before.value("METHOD") == "CANCEL" else [alarm.value("TRIGGER") for alarm in source.inner("VALARM")]
    assert [alarm.value("TRIGGER") for alarm in first.inner("VALARM")] == alarms
    theirs = icalendar.Calendar.from_ical(out).walk("VEVENT")
    original = icalendar.Calendar.from_ical(data).walk("VEVENT")
    for mine, other in zip(theirs, original, strict=True):
        for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
            assert instant(mine.get(name)) == instant(other.get(name)), name
        assert str(mine["SUMMARY"]) == str(other["SUMMARY"])


def instant(value: icalendar.vDDDTypes | None) -> dt.date | None:
    if value is None:
        return None
    moment = value.dt
    return moment.astimezone(dt.UTC) if isinstance(moment, dt.datetime) else moment


def people(component: Component) -> list[tuple[str, str, str | None, str | None]]:
    return sorted(
        (line.value, line.parameter("CN") or "", line.parameter("PARTSTAT"), line.parameter("CUTYPE"))
        for line in component.lines
        if line.name in ("ORGANIZER", "ATTENDEE")
    )


@QUICK
@given(events())
def test_objects_there_and_back(sample: tuple[bytes, list[tuple[str, str]]]) -> None:
    """An object is the same after it was a calendar: each property, recipient, attachment and exception."""
    (content,) = read_calendar(sample[0], zone="Europe/Berlin")
    receipt = Receipt()
    out = write_calendar(content, zone="Europe/Berlin", now=NOW, receipt=receipt)
    (again,) = read_calendar(out, zone="Europe/Berlin", receipt=receipt)
    assert not receipt.count
    same(content, again)


@st.composite
def others(draw: st.DrawFn) -> bytes:
    """A task, a journal entry, or the answer to a meeting."""
    day = draw(DAYS)
    texts = [one("SUMMARY", draw(TEXT)), f"CLASS:{draw(st.sampled_from(('PUBLIC', 'PRIVATE')))}"]
    texts += [one(name, draw(TEXT)) for name in ("DESCRIPTION", "CATEGORIES") if draw(st.booleans())]
    kind = draw(st.sampled_from(("VTODO", "VJOURNAL", "REPLY", "COUNTER")))
    if kind == "VTODO":
        times = [f"DTSTART;VALUE=DATE:{day:%Y%m%d}", f"DUE;VALUE=DATE:{day:%Y%m%d}"]
        status = draw(st.sampled_from(("NEEDS-ACTION", "IN-PROCESS", "COMPLETED")))
        rule = ["RRULE:FREQ=DAILY;COUNT=5"] if draw(st.booleans()) else []
        return calendar(*event(*times, STAMP, *texts, *rule, f"STATUS:{status}", name="VTODO"))
    start = f"DTSTART:{day:%Y%m%d}T100000Z"
    if kind == "VJOURNAL":
        return calendar(*event(start, STAMP, *texts, name="VJOURNAL"))
    texts = [text.replace("DESCRIPTION", "COMMENT") for text in texts if not text.startswith("CATEGORIES")]
    said = draw(
        st.sampled_from(("DECLINED", "TENTATIVE") if kind == "COUNTER" else ("ACCEPTED", "DECLINED", "TENTATIVE"))
    )
    people = ("ORGANIZER:mailto:boss@example.org", f"ATTENDEE;PARTSTAT={said}:mailto:ann@example.org")
    moved = [f"X-MS-OLK-ORIGINAL{which}:20260101T100000Z" for which in ("START", "END") if kind == "COUNTER"]
    return calendar(start, f"DTEND:{day:%Y%m%d}T110000Z", STAMP, *texts, *people, *moved, method=kind)


@QUICK
@given(others())
def test_other_objects_there_and_back(data: bytes) -> None:
    """Tasks, journal entries, answers and counter proposals are the same after they were a calendar again."""
    receipt = Receipt()
    (content,) = read_calendar(data, zone="Europe/Berlin", receipt=receipt)
    out = write_calendar(content, zone="Europe/Berlin", now=NOW, receipt=receipt)
    (again,) = read_calendar(out, zone="Europe/Berlin", receipt=receipt)
    assert not receipt.count, [str(note) for note in receipt]
    same(content, again)


# Who has none of these has an empty one, too.
EMPTY = (tags.PidTagBody, tags.PidLidLocation, tags.PidTagNativeBody, tags.PidLidContacts, tags.PidLidNonSendableBcc)


def same(one: MessageContent, other: MessageContent) -> None:
    for key in one.properties.keys() | other.properties.keys():
        if key in EMPTY and not one.properties.get(key):
            continue
        if key in (tags.PidLidOwnerCriticalChange, tags.PidTagNativeBody):
            continue
        if other.properties.get(key) is None and one.properties.get(key) in ("", ()):
            continue
        assert one.properties.get(key) == other.properties.get(key), repr(key)
    assert one.recipients == other.recipients
    assert len(one.attachments) == len(other.attachments)
    for first, second in zip(one.attachments, other.attachments, strict=True):
        if isinstance(first.data, MessageContent) and isinstance(second.data, MessageContent):
            assert first.properties == second.properties
            same(first.data, second.data)
        else:
            assert first == second


@QUICK
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                (
                    "DTSTART",
                    "RRULE",
                    "EXDATE",
                    "RDATE",
                    "DURATION",
                    "TRIGGER",
                    "ATTENDEE",
                    "X",
                    "RECURRENCE-ID",
                    "SUMMARY",
                    "BEGIN",
                    "END",
                    "TZID",
                    "GEO",
                    "CATEGORIES",
                    "ATTACH",
                )
            ),
            st.text(max_size=30),
        ),
        max_size=12,
    )
)
def test_nothing_is_raised(lines: list[tuple[str, str]]) -> None:
    """Whatever the values are."""
    made = b"".join(write_line(name, value) for name, value in lines).decode()
    data = calendar("DTSTART:20260101T000000Z").replace(b"END:VEVENT", made.encode() + b"END:VEVENT", 1)
    write_calendar([*read_calendar(data), *read_calendar(calendar("DTSTART:20260101T000000Z"))], now=NOW)


def test_lines_that_are_kept() -> None:
    """What MAPI has no place for comes out as it came in."""
    lines = ("URL:http://x.test/", "CONFERENCE;VALUE=URI;FEATURE=VIDEO:https://x.test/", 'X-A;B="c;d":e\\,f')
    (content,) = read_calendar(calendar("DTSTART:20260101T000000Z", *lines))
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert ContentLine("X-A", "e\\,f", (("B", ("c;d",)),)) in inner.lines
    assert inner.value("URL") == "http://x.test/"
    assert inner.value("CONFERENCE") == "https://x.test/"
