"""The text of recurrence rules ([RFC5545] 3.3.10)."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.oxcical.rrule import MAX_VALUES, Rule, read_moment, read_rule, write_moment, write_rule
from conversion.receipt import Receipt

UTC = dt.UTC


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("FREQ=DAILY", Rule("DAILY")),
        ("freq=weekly; byday = mo, we ;wkst=su", Rule("WEEKLY", by_day=((0, 1), (0, 3)), week_start=0)),
        ("FREQ=MONTHLY;BYDAY=-1FR,+2MO", Rule("MONTHLY", by_day=((-1, 5), (2, 1)))),
        ("FREQ=YEARLY;BYMONTH=3,1;BYMONTHDAY=-1", Rule("YEARLY", by_month=(1, 3), by_month_day=(-1,))),
        ("FREQ=DAILY;UNTIL=20260131", Rule("DAILY", until=dt.date(2026, 1, 31))),
        ("FREQ=DAILY;UNTIL=20260131T120000Z", Rule("DAILY", until=dt.datetime(2026, 1, 31, 12, tzinfo=UTC))),
        ("FREQ=DAILY;UNTIL=2026-01-31T12:00:00", Rule("DAILY", until=dt.datetime(2026, 1, 31, 12))),
        ("FREQ=DAILY;;COUNT=5;", Rule("DAILY", count=5)),
    ],
)
def test_rules_are_read(text: str, rule: Rule) -> None:
    receipt = Receipt()
    assert read_rule(text, receipt=receipt) == rule
    assert list(receipt) == []


@pytest.mark.parametrize(
    ("text", "rule", "note"),
    [
        ("FREQ=DAILY;X-THING=1", Rule("DAILY"), "the unknown part X-THING"),
        ("FREQ=DAILY;FREQ=WEEKLY", Rule("DAILY"), "a second FREQ"),
        ("FREQ=DAILY;INTERVAL=0", Rule("DAILY"), "not a number from 1"),
        ("FREQ=DAILY;COUNT=-5", Rule("DAILY"), "not a number from 1"),
        ("FREQ=DAILY;COUNT=5;UNTIL=20260101", Rule("DAILY", count=5), "the rule has a COUNT"),
        ("FREQ=DAILY;UNTIL=20261301", Rule("DAILY"), "the series has no end"),
        ("FREQ=WEEKLY;BYDAY=MO,XX,99TU", Rule("WEEKLY", by_day=((0, 1),)), "no day of the week"),
        ("FREQ=YEARLY;BYMONTH=0,4,13,x", Rule("YEARLY", by_month=(4,)), "a value that it cannot have"),
        ("FREQ=YEARLY;BYMONTHDAY=0,-31,32", Rule("YEARLY", by_month_day=(-31,)), "a value that it cannot have"),
        ("FREQ=DAILY;WKST=XX", Rule("DAILY"), "not a day of the week"),
    ],
)
def test_a_bad_part_never_loses_the_rule(text: str, rule: Rule, note: str) -> None:
    receipt = Receipt()
    assert read_rule(text, receipt=receipt, place="VEVENT 1, RRULE") == rule
    assert any(note in str(one) and "VEVENT 1, RRULE" in str(one) for one in receipt)


@pytest.mark.parametrize("text", ["", "COUNT=5", "FREQ=", "FREQ=FORTNIGHTLY", "FREQ", "=;=;=", "\0"])
def test_what_has_no_frequency_is_no_rule(text: str) -> None:
    receipt = Receipt()
    assert read_rule(text, receipt=receipt) is None
    assert [str(note) for note in receipt][-1] == "dropped: RRULE: a rule without a known FREQ"


def test_rules_of_other_calendars_are_not_taken_for_gregorian_ones() -> None:
    receipt = Receipt()
    assert read_rule("RSCALE=CHINESE;FREQ=YEARLY", receipt=receipt) is None
    assert [str(note) for note in receipt] == ["dropped: RRULE: a rule of the calendar CHINESE"]
    assert read_rule("RSCALE=GREGORIAN;FREQ=YEARLY") == Rule("YEARLY")


def test_long_lists_are_cut() -> None:
    receipt = Receipt()
    found = read_rule("FREQ=YEARLY;BYYEARDAY=" + ",".join(["7"] * 1000), receipt=receipt)
    assert found == Rule("YEARLY", by_year_day=(7,))
    assert [note.what for note in receipt] == [f"values beyond the first {MAX_VALUES}"]


def test_rules_are_written() -> None:
    rule = Rule("MONTHLY", 2, None, dt.datetime(2026, 1, 31, 12, tzinfo=UTC), by_day=((-1, 5), (0, 0)), week_start=0)
    assert write_rule(rule) == "FREQ=MONTHLY;INTERVAL=2;UNTIL=20260131T120000Z;BYDAY=-1FR,SU;WKST=SU"
    assert (
        write_rule(Rule("YEARLY", count=3, by_month=(1,), by_set_pos=(-1,)))
        == "FREQ=YEARLY;COUNT=3;BYMONTH=1;BYSETPOS=-1"
    )


def test_the_end_in_local_time() -> None:
    def berlin(moment: dt.datetime) -> dt.datetime:
        return moment + dt.timedelta(hours=1)

    assert Rule("DAILY").last_moment(berlin) is None
    assert Rule("DAILY", until=dt.date(2026, 1, 31)).last_moment(berlin) == dt.datetime(2026, 1, 31, 23, 59, 59)
    assert Rule("DAILY", until=dt.datetime(2026, 1, 31, 12)).last_moment(berlin) == dt.datetime(2026, 1, 31, 12)
    utc = dt.datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    assert Rule("DAILY", until=utc).last_moment(berlin) == dt.datetime(2026, 2, 1, 0, 30)
    late = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert Rule("DAILY", until=late).last_moment(berlin) == late.replace(tzinfo=None)


@given(st.text(max_size=60) | st.text("FREQ=DAILYWKUNTCO;,20Z-+BYMSETP", max_size=60))
def test_any_text(text: str) -> None:
    for prefix in ("", "FREQ=MONTHLY;"):
        rule = read_rule(prefix + text)
        if rule is not None:
            assert read_rule(write_rule(rule)) == rule


@given(st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)), st.booleans())
def test_moments_come_back(moment: dt.datetime, utc: bool) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC if utc else None)
    assert read_moment(write_moment(moment)) == moment
    assert read_moment(write_moment(moment.date())) == moment.date()
