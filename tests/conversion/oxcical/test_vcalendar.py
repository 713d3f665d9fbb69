"""vCalendar 1.0: rules in the old grammar, daylight time, people, lists (versit, vCalendar 1.0).

The rules are those that the specification gives as examples, with what it says they mean.
"""

from __future__ import annotations

import datetime as dt
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.oxcical.importer import read_calendar
from conversion.oxcical.oldrules import MAX_WORDS, modern_rule
from conversion.oxcical.rrule import read_rule
from conversion.oxcmail.addressing import RECIPIENT
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent, RecipientType
from tests.conversion.oxcical.calendars import calendar, event, recurrence_of, starts_of, utc

START = dt.date(1994, 6, 7)
"""The first Tuesday of its month."""


def old(*lines: str, heading: tuple[str, ...] = ()) -> bytes:
    return calendar(*lines, heading=heading).replace(b"VERSION:2.0", b"VERSION:1.0")


def read(*lines: str, heading: tuple[str, ...] = (), notes: int = 0) -> MessageContent:
    receipt = Receipt()
    (content,) = read_calendar(old(*lines, heading=heading), receipt=receipt)
    assert receipt.count == notes, [str(note) for note in receipt]
    return content


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("D1 #10", "FREQ=DAILY;COUNT=10"),
        ("D1 19941224T000000Z", "FREQ=DAILY;UNTIL=19941224T000000Z"),
        ("D2 #0", "FREQ=DAILY;INTERVAL=2"),
        ("D10 #5", "FREQ=DAILY;INTERVAL=10;COUNT=5"),
        ("D1 0800 1400 #4", "FREQ=DAILY;BYHOUR=8,14;BYMINUTE=0;COUNT=4"),
        ("W1 #10", "FREQ=WEEKLY;COUNT=10"),
        ("W2 #0", "FREQ=WEEKLY;INTERVAL=2"),
        ("W2 MO WE FR 19941224T000000", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;UNTIL=19941224T000000"),
        ("w1 tu$ #3", "FREQ=WEEKLY;BYDAY=TU;COUNT=3"),
        ("MP1 1+ FR #10", "FREQ=MONTHLY;BYDAY=1FR;COUNT=10"),
        ("MP1 1+ FR 19941224T000000", "FREQ=MONTHLY;BYDAY=1FR;UNTIL=19941224T000000"),
        ("MP2 1+ SU 1- SU #10", "FREQ=MONTHLY;INTERVAL=2;BYDAY=1SU,-1SU;COUNT=10"),
        ("MP6 2+ MO TU WE TH FR #10", "FREQ=MONTHLY;INTERVAL=6;BYDAY=2MO,2TU,2WE,2TH,2FR;COUNT=10"),
        ("MP1 1+ 3+ MO TU 1- FR #0", "FREQ=MONTHLY;BYDAY=1MO,3MO,1TU,3TU,-1FR"),
        ("MP1 2- MO #6", "FREQ=MONTHLY;BYDAY=-2MO;COUNT=6"),
        ("MP1 #0", "FREQ=MONTHLY;BYDAY=1TU"),
        ("MP1 3+ #0", "FREQ=MONTHLY;BYDAY=3TU"),
        ("MD1 3- #0", "FREQ=MONTHLY;BYMONTHDAY=-3"),
        ("MD1 2 15 #10", "FREQ=MONTHLY;BYMONTHDAY=2,15;COUNT=10"),
        ("MD1 1 LD #10", "FREQ=MONTHLY;BYMONTHDAY=1,-1;COUNT=10"),
        ("MD18 10 11 12 13 14 15 #10", "FREQ=MONTHLY;INTERVAL=18;BYMONTHDAY=10,11,12,13,14,15;COUNT=10"),
        ("MD1 #0", "FREQ=MONTHLY"),
        ("YM1 6 7 #10", "FREQ=YEARLY;BYMONTH=6,7;COUNT=10"),
        ("YM2 1 2 3 #10", "FREQ=YEARLY;INTERVAL=2;BYMONTH=1,2,3;COUNT=10"),
        ("YM1 #0", "FREQ=YEARLY"),
        ("YD3 1 100 200 #10", "FREQ=YEARLY;INTERVAL=3;BYYEARDAY=1,100,200;COUNT=10"),
        ("YM1 6 #10 MP1 1+ MO", "FREQ=YEARLY;BYMONTH=6;BYDAY=1MO;COUNT=10"),
        ("YM1 6 MD1 15 #0", "FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=15"),
        ("M5 #12", "FREQ=MINUTELY;INTERVAL=5;COUNT=12"),
    ],
)
def test_rules(text: str, rule: str) -> None:
    receipt = Receipt()
    assert modern_rule(text, START, receipt) == rule
    assert read_rule(rule, receipt=receipt) is not None
    assert not receipt.count, [str(note) for note in receipt]


@pytest.mark.parametrize(
    ("text", "rule", "note"),
    [
        ("D1", "FREQ=DAILY;COUNT=2", "neither a number nor an end"),
        ("W1 TU TH #5", "FREQ=WEEKLY;BYDAY=TU,TH;COUNT=5", "not of weeks"),
        ("D1 SU #1", "FREQ=DAILY;COUNT=1", "SU in a rule"),
        ("W1 MO #0 M5 #3", "FREQ=WEEKLY;BYDAY=MO", "within another"),
        ("D1 0800 1430 #4", "FREQ=DAILY;BYHOUR=8;BYMINUTE=0;COUNT=4", "different minutes"),
        ("YM1 1 6 #5 MP1 1+ MO 1- FR", "FREQ=YEARLY;BYMONTH=1,6;BYDAY=1MO,-1FR;COUNT=5", "that of instances"),
    ],
)
def test_rules_that_are_guessed(text: str, rule: str, note: str) -> None:
    receipt = Receipt()
    assert modern_rule(text, START, receipt) == rule
    (said,) = receipt
    assert note in str(said)


def test_rules_of_icalendar() -> None:
    """They are not of the old grammar; a rule that is endless ends."""
    for text in ("FREQ=DAILY", "", "X1", "D", "#5"):
        assert modern_rule(text, START, Receipt()) is None
    receipt = Receipt()
    assert modern_rule("W1 " + "MO " * 2 * MAX_WORDS + "#0", None, receipt) == "FREQ=WEEKLY;BYDAY=MO;COUNT=2"
    assert "words beyond" in str(next(iter(receipt)))


@given(st.text("DWMPYL#+-$ 0123456789SUMOTEHFRA", max_size=60), st.dates())
def test_any_rule(text: str, start: dt.date) -> None:
    """Whatever becomes a rule can be read as one."""
    rule = modern_rule(text, start, Receipt())
    assert rule is None or read_rule(rule) is not None


def test_series() -> None:
    """The instances of `MP2 1+ SU 1- SU #10`, the first of which is the first Sunday of its month."""
    content = read(
        "DTSTART:19940605T100000Z", "DTEND:19940605T110000Z", "RRULE:MP2 1+ SU #4", "EXDATE:19940807T100000Z"
    )
    found = starts_of(content, dt.datetime(1994, 1, 1), dt.datetime(1996, 1, 1))
    assert found == [dt.datetime(1994, 6, 5, 10), dt.datetime(1994, 10, 2, 10), dt.datetime(1994, 12, 4, 10)]
    assert len(recurrence_of(content).recurrence_pattern.deleted_instance_dates) == 1


def test_lists() -> None:
    """Dates, categories and resources are parted by semicolons."""
    content = read(
        *("DTSTART:19940605T100000Z", "DTEND:19940605T110000Z", "RRULE:D1 #5"),
        *("EXDATE:19940606T100000Z;19940607T100000Z", "CATEGORIES:BUSINESS;HUMAN\\;RESOURCES", "RESOURCES:EASEL;VCR"),
    )
    assert len(starts_of(content, dt.datetime(1994, 1, 1), dt.datetime(1996, 1, 1))) == 3
    assert content.properties[tags.PidNameKeywords] == ("BUSINESS", "HUMAN;RESOURCES")
    assert content.properties[tags.PidLidNonSendableBcc] == "EASEL; VCR"


@pytest.mark.parametrize(("offset", "notes"), [("-04", 0), ("-06", 1)])
def test_daylight(offset: str, notes: int) -> None:
    """TZ and DAYLIGHT: the clock of the calendar. An example of the specification has the offset wrongly."""
    heading = ("TZ:-05", f"DAYLIGHT:TRUE;{offset};19960407T025959;19961027T010000;EST;EDT")
    for text, hour in (("19960115T090000", 14), ("19960715T090000", 13), ("19961215T090000", 14)):
        content = read(f"DTSTART:{text}", f"DTEND:{text}", heading=heading, notes=notes + 1)
        assert utc(content.properties, tags.PidLidAppointmentStartWhole).hour == hour


@pytest.mark.parametrize(
    "lines", [("DAYLIGHT:FALSE",), ("DAYLIGHT:TRUE;x;y;z",), ("DAYLIGHT:TRUE;-04;19960407T025959",), ()]
)
def test_no_daylight(lines: tuple[str, ...]) -> None:
    receipt = Receipt()
    data = old("DTSTART:19960715T090000", heading=("TZ:-05", *lines))
    (content,) = read_calendar(data, receipt=receipt)
    assert utc(content.properties, tags.PidLidAppointmentStartWhole).hour == 14


def test_people() -> None:
    """ROLE, STATUS, RSVP and EXPECT, and a name before the address."""
    content = read(
        "DTSTART:19960715T090000Z",
        "ATTENDEE;ROLE=OWNER;STATUS=CONFIRMED:John Smith <jsmith@host1.com>",
        "ATTENDEE;STATUS=NEEDS ACTION;RSVP=YES;EXPECT=REQUEST:Ann <ann@host1.com>",
        "ATTENDEE;STATUS=DECLINED:bob@host1.com",
    )
    owner, *others = content.recipients
    assert owner.properties[RECIPIENT.smtp] == "jsmith@host1.com"
    assert owner.properties[tags.PidTagDisplayName] == "John Smith"
    assert owner.properties[tags.PidTagRecipientFlags] == 3
    assert {(row.type, row.properties[tags.PidTagRecipientTrackStatus]) for row in others} == {
        (RecipientType.TO, 4),
        (RecipientType.CC, 5),
    }
    assert content.properties[tags.PidTagResponseRequested] is True


def test_words() -> None:
    """TRANSP in numbers, STATUS with a blank, DCREATED; a to-do with its rule."""
    content = read("DTSTART:19960715T090000Z", "TRANSP:1", "DCREATED:19960401T000000Z")
    assert content.properties[tags.PidLidBusyStatus] == 0
    assert utc(content.properties, tags.PidTagCreationTime) == dt.datetime(1996, 4, 1)
    task = read(
        *event("DUE:19960415T235959Z", "STATUS:NEEDS ACTION", "RRULE:YM1 4 #0", "PRIORITY:1", name="VTODO"), notes=0
    )
    assert task.properties[tags.PidLidTaskStatus] == 0
    assert task.properties[tags.PidLidTaskFRecurring] is True


def test_values() -> None:
    """QUOTED-PRINTABLE over several lines, BASE64, and an alarm with a sound."""
    data = (
        b"BEGIN:VCALENDAR\nVERSION:1.0\nBEGIN:VEVENT\nDTSTART:19960401T033000Z\nDTEND:19960401T043000Z\n"
        b"DESCRIPTION;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:Gr=FC=DFe=0D=0A=\nzwei\n"
        b"ATTACH;ENCODING=BASE64;VALUE=INLINE:\n " + b64encode(b"data") + b"\n\n"
        b"AALARM;TYPE=WAVE;VALUE=URL:19960401T031500Z;;;file:///mmedia/taps.wav\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    (content,) = read_calendar(data)
    assert content.properties[tags.PidTagBody] == "Grüße\r\nzwei"
    assert content.properties[tags.PidLidReminderDelta] == 15
    assert content.attachments[0].data == b"data"


def test_what_is_newer_stays() -> None:
    """A file that calls itself 1.0 and is iCalendar."""
    content = read(
        *("DTSTART;TZID=America/Los_Angeles:20040630T193000", "RRULE:FREQ=DAILY;COUNT=3", "CATEGORIES:A,B"),
        *("ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:a@b.test", "TRANSP:OPAQUE"),
    )
    assert content.properties[tags.PidNameKeywords] == ("A", "B")
    assert content.recipients[0].type is RecipientType.CC
    assert content.recipients[0].properties[tags.PidTagRecipientTrackStatus] == 3
    assert len(starts_of(content, dt.datetime(2004, 1, 1), dt.datetime(2005, 1, 1))) == 3
