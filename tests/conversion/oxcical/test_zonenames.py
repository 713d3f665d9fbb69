"""Windows' and IANA's names of zones, and TZIDs as calendars have them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from conversion.oxcical.windowszones import ZONES
from conversion.oxcical.zonenames import find_zone, iana_name, windows_name


def test_every_zone_of_windows_has_its_iana_zone_and_back() -> None:
    assert len(ZONES) > 140
    for name, zones in ZONES.items():
        first = zones.split()[0]
        assert iana_name(name) == first
        assert {windows_name(zone) for zone in zones.split()} == {name}
        assert isinstance(ZoneInfo(first), dt.tzinfo)


@pytest.mark.parametrize(
    ("tzid", "iana", "windows"),
    [
        ("Europe/Berlin", "Europe/Berlin", "W. Europe Standard Time"),
        ("europe/berlin", "Europe/Berlin", "W. Europe Standard Time"),
        ('"America/New_York"', "America/New_York", "Eastern Standard Time"),
        ("W. Europe Standard Time", "Europe/Berlin", "W. Europe Standard Time"),
        ("w. europe standard time", "Europe/Berlin", "W. Europe Standard Time"),
        ("GMT Standard Time 1", "Europe/London", "GMT Standard Time"),
        ("Central Standard Time (Mexico)", "America/Mexico_City", "Central Standard Time (Mexico)"),
        ("Mexico Standard Time 2", "America/Mazatlan", "Mountain Standard Time (Mexico)"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "Europe/Berlin", "W. Europe Standard Time"),
        ("/mozilla.org/20050126_1/America/Argentina/Tucuman", "America/Argentina/Tucuman", "Argentina Standard Time"),
        ("tzone://Microsoft/Utc", "Etc/UTC", "UTC"),
        ("UTC", "Etc/UTC", "UTC"),
        ("Z", "Etc/UTC", "UTC"),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam", "W. Europe Standard Time"),
        ("(GMT-03:00) Buenos Aires", "America/Argentina/Buenos_Aires", "Argentina Standard Time"),
        ("(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", "Asia/Kolkata", "India Standard Time"),
        ("(UTC-05:00) Eastern Time (US & Canada)", "America/New_York", "Eastern Standard Time"),
        ("(UTC-03:00) Brasília", "America/Sao_Paulo", "E. South America Standard Time"),
        ("Pacific Time (US & Canada), Tijuana", "America/Tijuana", "Pacific Standard Time (Mexico)"),
        ("Canberra, Melbourne, Sydney", "Australia/Canberra", "AUS Eastern Standard Time"),
        ("America/Los Angeles", "America/Los_Angeles", "Pacific Standard Time"),
        ("EST5EDT", "EST5EDT", "Eastern Standard Time"),
        ("Antarctica/Troll", "Antarctica/Troll", None),
        ("GMT+0300", "Etc/GMT-3", "E. Africa Standard Time"),
    ],
)
def test_zones_are_found(tzid: str, iana: str, windows: str | None) -> None:
    found = find_zone(tzid)
    assert found is not None
    assert (found.iana, found.windows) == (iana, windows)


@pytest.mark.parametrize(("tzid", "minutes"), [("+05:30", 330), ("UTC-2", -120), ("GMT+01.00", 60), ("-0345", -225)])
def test_offsets_are_zones(tzid: str, minutes: int) -> None:
    found = find_zone(tzid)
    assert found is not None
    assert found.zone.utcoffset(None) == dt.timedelta(minutes=minutes)


@pytest.mark.parametrize(
    "tzid",
    [
        *(
            "",
            " ",
            "Customized Time Zone",
            "tzone://Microsoft/Custom",
            "Mars/Olympus",
            "../../etc/passwd",
            "/etc/passwd",
        ),
        *(
            "Factory",
            "localtime",
            "(UTC+09:00) Berlin",
            "(UTC-06:00) Eastern Time (US & Canada)",
            "+99:00",
            "+1:99",
            "Berlin",
            "x" * 10_000,
            "\0",
            "Europe/Berlin\0",
        ),
    ],
)
def test_other_names_are_none(tzid: str) -> None:
    assert find_zone(tzid) is None
