"""What messages about meetings say beside the meeting, and a recurrence in words.

[MS-OXOCAL] 2.2.1.46, 2.2.5, 2.2.7, 2.2.8.
"""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.oxcical.describe import describe
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.imip import calendar_properties, merged
from conversion.oxcical.importer import read_calendar
from conversion.oxcical.recurrence import AppointmentRecurrencePattern
from conversion.oxcical.templates import Mapped, to_pattern
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent, RecipientRow, RecipientType
from tests.conversion.oxcical.calendars import NOW, START, calendar, event, read_one, recurrence_of, written
from tests.conversion.oxcical.generated import generate

ORGANIZER = "ORGANIZER:mailto:boss@example.org"
ANN = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@example.org"
TRACKS = (tags.PidLidNonSendToTrackStatus, tags.PidLidNonSendCcTrackStatus, tags.PidLidNonSendBccTrackStatus)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY;COUNT=3", "every day"),
        ("FREQ=DAILY;INTERVAL=3", "every 3 days"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "every weekday"),
        ("FREQ=WEEKLY;BYDAY=MO", "every Monday"),
        ("FREQ=WEEKLY;BYDAY=SU,MO,WE", "every Monday, Wednesday and Sunday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE", "every 2 weeks on Monday and Wednesday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15", "day 15 of every month"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "the last day of every month"),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=2TU", "the second Tuesday of every 2 months"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "the last weekday of every month"),
        ("FREQ=MONTHLY;BYDAY=SU,SA;BYSETPOS=1", "the first weekend day of every month"),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=3", "the third Monday or Tuesday of every month"),
        ("FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=15", "every year on June 15"),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=6;BYMONTHDAY=15", "every 2 years on June 15"),
        ("FREQ=YEARLY;BYMONTH=6;BYDAY=1MO", "every year on the first Monday of June"),
    ],
)
def test_recurrence_in_words(rule: str, words: str) -> None:
    """[MS-OXOCAL] 2.2.1.46: a description of the recurrence."""
    (content,) = read_calendar(calendar(*START, f"RRULE:{rule}"))
    assert content.properties[tags.PidLidRecurrencePattern] == f"{words} from 09:00 to 10:00"
    (content,) = read_calendar(calendar("DTSTART;VALUE=DATE:20260105", f"RRULE:{rule}"))
    assert content.properties[tags.PidLidRecurrencePattern] == words


def test_no_words() -> None:
    """What is no series, or is of another calendar, is not described; nor is an appointment beside its series."""
    assert tags.PidLidRecurrencePattern not in read_one(*START).properties
    data = calendar(*START, "X-MICROSOFT-RRULE:FREQ=MONTHLY", heading=("X-MICROSOFT-CALSCALE:Hijri",))
    assert tags.PidLidRecurrencePattern not in read_calendar(data)[0].properties
    lines = (*START, "RRULE:FREQ=WEEKLY", "RDATE:20260107T090000Z")
    _, alone = read_calendar(calendar(*lines, method="REQUEST"))
    assert not {tags.PidLidRecurrencePattern, tags.PidLidCalendarType} & alone.properties.keys()


@given(st.integers(0, 10_000))
def test_any_pattern_in_words(seed: int) -> None:
    rule, start = generate(seed)
    found = to_pattern(rule, start)
    if isinstance(found, Mapped):
        offset = found.start_time_offset
        words = describe(AppointmentRecurrencePattern(found.pattern, offset, offset + 30))
        assert words is None or words.startswith(("every ", "day ", "the "))


def test_calendar_type() -> None:
    """[MS-OXOCAL] 2.2.6.11: that of the series, in a request for one only."""
    series = (*START, "RRULE:FREQ=MONTHLY", ORGANIZER)
    data = calendar(*series, method="REQUEST", heading=("X-MICROSOFT-CALSCALE:Hijri",))
    (content,) = read_calendar(data)
    assert content.properties[tags.PidLidCalendarType] == 6
    assert recurrence_of(content).recurrence_pattern.calendar_type == 6
    assert tags.PidLidCalendarType not in read_one(*START, ORGANIZER, method="REQUEST").properties
    assert tags.PidLidCalendarType not in read_one(*series).properties


@pytest.mark.parametrize("method", ["REQUEST", "REPLY", "CANCEL", "COUNTER", ""])
def test_where(method: str) -> None:
    """[MS-OXOCAL] 2.2.5, 2.2.5.3: the location once more, in messages about a meeting."""
    content = read_one(*START, ORGANIZER, ANN, "LOCATION:here", method=method, notes=0)
    assert content.properties.get(tags.PidLidWhere) == ("here" if method else None)
    assert tags.PidLidWhere not in read_one(*START, ORGANIZER, ANN, method=method).properties


@pytest.mark.parametrize(("method", "status"), [("REQUEST", 5), ("CANCEL", 5), ("REPLY", 0), ("COUNTER", 0)])
def test_response_status(method: str, status: int) -> None:
    """[MS-OXOCAL] 2.2.1.11, 2.2.8.4: a request and a cancellation wait for an answer, an answer does not."""
    content = read_one(*START, ORGANIZER, ANN, method=method)
    assert content.properties[tags.PidLidResponseStatus] == status


def test_silent() -> None:
    """[MS-OXOCAL] 2.2.7, 2.2.7.7: whether somebody who answers says more; the body of the mail counts."""
    assert read_one(*START, ORGANIZER, ANN, method="REPLY").properties[tags.PidLidIsSilent] is True
    answer = read_one(*START, ORGANIZER, ANN, "COMMENT:late", method="REPLY")
    assert answer.properties[tags.PidLidIsSilent] is False
    assert tags.PidLidIsSilent not in read_one(*START, ORGANIZER, method="REQUEST").properties
    part = calendar_properties(calendar(*START, ORGANIZER, ANN, method="REPLY"))
    assert part is not None
    mail = MessageContent({tags.PidTagMessageClass: "IPM.Note", tags.PidTagBody: "See you"})
    assert merged(mail, part).properties[tags.PidLidIsSilent] is False


@pytest.mark.parametrize(
    ("subject", "prefix", "rest"),
    [
        ("Accepted: Lunch", "Accepted: ", "Lunch"),
        ("New Time Proposed: Lunch", "New Time Proposed: ", "Lunch"),
        ("Canceled: Accepted: Lunch", "Canceled: ", "Accepted: Lunch"),
        ("Re: Lunch", "Re: ", "Lunch"),
        ("Lunch: now", "", "Lunch: now"),
    ],
)
def test_prefixes(subject: str, prefix: str, rest: str) -> None:
    """[MS-OXOCAL] 2.2.7.2, 2.2.8, 2.2.8.2: what was answered is a prefix of the subject, in mail too."""
    for method in ("REPLY", "CANCEL"):
        data = calendar(*START, ORGANIZER, ANN, f"SUMMARY:{subject}", method=method)
        part = calendar_properties(data)
        assert part is not None
        mail = MessageContent(
            {
                tags.PidTagMessageClass: "IPM.Note",
                tags.PidTagSubject: subject,
                tags.PidTagNormalizedSubject: subject,
                tags.PidTagConversationTopic: subject,
            }
        )
        for content in (part, merged(mail, part)):
            found = content.properties
            assert found[tags.PidTagSubject] == subject
            assert found[tags.PidTagSubjectPrefix] == prefix
            assert found[tags.PidTagNormalizedSubject] == found[tags.PidTagConversationTopic] == rest
    plain = read_one(*START, f"SUMMARY:{subject}")
    if len(prefix) > 5:
        assert plain.properties[tags.PidTagSubjectPrefix] == ""


def test_topic_of_the_mail() -> None:
    """A topic that the mail says itself stays."""
    part = calendar_properties(calendar(*START, ORGANIZER, ANN, method="REPLY"))
    assert part is not None
    mail = MessageContent({tags.PidTagSubject: "Accepted: x", tags.PidTagConversationTopic: "other"})
    assert merged(mail, part).properties[tags.PidTagConversationTopic] == "other"


def test_answers_of_who_has_no_address() -> None:
    """[MS-OXOCAL] 2.2.1.22 to 2.2.1.24: as many values as names, both ways."""
    lines = (
        "ATTENDEE;CN=Ann;PARTSTAT=ACCEPTED:invalid:nomail",
        "ATTENDEE;CN=Bob:invalid:nomail",
        "ATTENDEE;CN=Cid;ROLE=OPT-PARTICIPANT;PARTSTAT=DECLINED:invalid:nomail",
        "ATTENDEE;CN=Room;CUTYPE=RESOURCE;PARTSTAT=TENTATIVE:invalid:nomail",
        "RESOURCES:Easel,Chair",
    )
    content = read_one(*START, ORGANIZER, *lines)
    assert [content.properties[key] for key in TRACKS] == [(3, 5), (4,), (5, 5, 2)]
    assert content.properties[tags.PidLidNonSendableBcc] == "Easel; Chair; Room"
    (inner,) = written(write_calendar(content, now=NOW)).inner("VEVENT")
    said = [
        (line.parameter("CN"), line.parameter("PARTSTAT"))
        for line in inner.every("ATTENDEE")
        if line.value == "invalid:nomail"
    ]
    assert said == [("Ann", "ACCEPTED"), ("Bob", None), ("Cid", "DECLINED")]
    wrong = MessageContent({**content.properties, TRACKS[0]: (3,)}, content.recipients)
    (inner,) = written(write_calendar(wrong, now=NOW)).inner("VEVENT")
    assert [line.parameter("PARTSTAT") for line in inner.every("ATTENDEE")] == [None, None, "DECLINED"]
    assert not set(TRACKS) & read_one(*START, ORGANIZER, ANN).properties.keys()


def test_proposals_are_lost() -> None:
    """[MS-OXOCAL] 2.2.4.10.4: what an attendee proposed has no place in the organizer's calendar, and is noted."""
    content = read_one(*START, ORGANIZER, ANN)
    organizer, ann = content.recipients
    row = RecipientRow(RecipientType.TO, {**ann.properties, tags.PidTagRecipientProposed: True})
    receipt = Receipt()
    write_calendar(MessageContent(content.properties, (organizer, row)), now=NOW, receipt=receipt)
    assert "another time was proposed" in str(next(iter(receipt)))


def test_bodies_of_exceptions() -> None:
    """[MS-OXOCAL] 2.2.1.38, 2.2.10.2.2: the best body of the series, and that of a changed instance."""
    html = "X-ALT-DESC;FMTTYPE=text/html:<p>one</p>"
    data = calendar(
        *event(*START, "RRULE:FREQ=DAILY;COUNT=3", html),
        *event("RECURRENCE-ID:20260106T090000Z", "DTSTART:20260106T110000Z", "DESCRIPTION:two"),
    )
    (content,) = read_calendar(data)
    assert content.properties[tags.PidTagNativeBody] == 3
    (embedded,) = [item.data for item in content.attachments if isinstance(item.data, MessageContent)]
    assert embedded.properties[tags.PidTagNativeBody] == 1
    assert embedded.properties[tags.PidTagBody] == "two"
    master, changed = written(write_calendar(content, now=NOW)).inner("VEVENT")
    assert master.value("X-ALT-DESC") == "<p>one</p>"
    assert changed.value("X-ALT-DESC") is None
    assert changed.value("DESCRIPTION") == "two"
    assert dt.datetime.strptime(changed.value("DTSTART") or "", "%Y%m%dT%H%M%S").hour == 11
