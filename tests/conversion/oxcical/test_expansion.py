"""The instances of any rule ([RFC5545] 3.3.10 and the examples of 3.8.5.3)."""

from __future__ import annotations

import datetime as dt

import pytest

from conversion.oxcical.expansion import MOST, expand
from conversion.oxcical.rrule import Rule, read_rule

START = dt.datetime(1997, 9, 2, 9)
"""Of the examples: a Tuesday."""


def rule(text: str) -> Rule:
    found = read_rule(text)
    assert found is not None
    return found


def shown(text: str, start: dt.datetime = START, count: int = 6) -> str:
    return " ".join(moment.strftime("%y%m%d") for moment in expand(rule(text), start).starts[:count])


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("FREQ=DAILY;COUNT=10", "970902 970903 970904 970905 970906 970907"),
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "970902 970912 970922 971002 971012"),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU", "970902 970916 970930 971014 971028 971111"),
        ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "970902 970904 970909 970911 970916 970918"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "970902 970904 970916 970918 970930 971002"),
        ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "970905 971003 971107 971205 980102 980206"),
        ("FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "970907 970928 971102 971130 980104 980125"),
        ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "970922 971020 971117 971222 980119 980216"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "970928 971029 971128 971229 980129 980226"),
        ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "970902 970915 971002 971015 971102 971115"),
        ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "970930 971001 971031 971101 971130 971201"),
        ("FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "970910 970911 970912 970913 970914 970915"),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "970902 970909 970916 970923 970930 971104"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "980213 980313 981113 990813 001013 010413"),
        ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "970913 971011 971108 971213 980110 980207"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "970904 971007 971106"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "970929 971030 971127 971230 980129 980226"),
        ("FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "980602 980702 990602 990702 000602 000702"),
        ("FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "000101 000409 000718 030101 030410 030719"),
        ("FREQ=YEARLY;BYDAY=20MO", "980518 990517 000515 010514 020520 030519"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "980511 990517 000515 010514 020513 030512"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "980305 980312 980319 980326 990304 990311"),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "971104 011106 051108 091103 131105 171107",
        ),
        # A start implies the day of the week where only a week is given.
        ("FREQ=YEARLY;BYWEEKNO=20", "980512 990518 000516 010515 020514 030513"),
    ],
)
def test_the_rfcs_examples(text: str, days: str) -> None:
    assert shown(text) == days


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000", "0209:00 0212:00 0215:00"),
        ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", "0209:00 0209:15 0209:30 0209:45 0210:00 0210:15"),
        ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", "0209:00 0210:30 0212:00 0213:30"),
        ("FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20;COUNT=5", "0209:00 0209:20 0210:00 0210:20 0309:00"),
        ("FREQ=HOURLY;BYMINUTE=0,30;BYDAY=WE;BYHOUR=8,9;COUNT=4", "0308:00 0308:30 0309:00 0309:30"),
        ("FREQ=HOURLY;BYMINUTE=0,20,40;BYSETPOS=-1;COUNT=2", "0209:40 0210:40"),
        ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,16;COUNT=7", "0209:00 0209:20 0209:40 0216:00 0216:20 0216:40 0309:00"),
        ("FREQ=MINUTELY;INTERVAL=7;BYHOUR=23;COUNT=3", "0223:00 0223:07 0223:14"),
        ("FREQ=SECONDLY;INTERVAL=1800;COUNT=3", "0209:00 0209:30 0210:00"),
        ("FREQ=SECONDLY;BYSECOND=0;BYMINUTE=5;COUNT=2", "0209:05 0210:05"),
    ],
)
def test_times(text: str, times: str) -> None:
    assert " ".join(moment.strftime("%d%H:%M") for moment in expand(rule(text), START).starts) == times


def test_weeks_of_other_years_have_their_number() -> None:
    # Week 1 of 2025 begins on Monday, December 30, 2024.
    assert shown("FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO", dt.datetime(2024, 1, 2), 3) == "241230 251229 270104"
    assert shown("FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU", dt.datetime(2024, 6, 1), 2) == "241229 251228"


def test_whether_there_are_more() -> None:
    assert expand(rule("FREQ=DAILY;COUNT=3"), START).complete
    assert expand(rule("FREQ=DAILY;UNTIL=19970910"), START).complete
    assert not expand(rule("FREQ=DAILY"), START).complete
    assert not expand(rule("FREQ=DAILY;UNTIL=20100101"), START).complete
    assert len(expand(rule("FREQ=DAILY"), START).starts) == MOST
    assert len(expand(rule("FREQ=DAILY"), START, most=7).starts) == 7


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;INTERVAL=7;BYHOUR=3;BYMINUTE=5;BYSECOND=1,2",
        "FREQ=MINUTELY;BYHOUR=25",
        "FREQ=DAILY;INTERVAL=100000",
    ],
)
def test_work_is_bounded(text: str) -> None:
    assert len(expand(rule(text), START).starts) <= MOST


def test_the_ends_of_time() -> None:
    late = dt.datetime(9999, 12, 31, 23, 59)
    for text in ("FREQ=HOURLY", "FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY;BYWEEKNO=53"):
        assert len(expand(rule(text), late).starts) <= 1
        assert expand(rule(text), dt.datetime(1, 1, 1)).starts


@pytest.mark.parametrize(
    ("text", "start", "last"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=-2", dt.datetime(2020, 1, 30), dt.datetime(2044, 12, 30)),
        ("FREQ=MONTHLY;BYDAY=5MO", dt.datetime(2020, 3, 30), dt.datetime(2045, 1, 30)),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", dt.datetime(2005, 1, 30), dt.datetime(2044, 12, 30)),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", dt.datetime(2008, 5, 12), dt.datetime(2044, 5, 16)),
        ("FREQ=WEEKLY;BYMONTH=6;BYDAY=MO", dt.datetime(2020, 6, 1), dt.datetime(2044, 6, 27)),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", dt.datetime(2040, 1, 30), dt.datetime(2059, 12, 30)),
    ],
)
def test_rules_without_end_go_on_for_decades(text: str, start: dt.datetime, last: dt.datetime) -> None:
    """A series of years ago is not over, and one of now lasts."""
    assert expand(rule(text), start).starts[-1] == last
