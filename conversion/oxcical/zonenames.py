"""Names of time zones: Windows' to and from IANA's, and the zone that a TZID names without saying what it is.

Calendars name a zone by its IANA name, alone or behind a vendor's path, by Windows' name (with a number behind it, as
Exchange writes the second of a kind), by what Windows shows, or by an offset.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo

from conversion.oxcical.windowszones import ZONES

MAX_NAME = 255
"""Characters of a TZID that is looked at."""

# Names that Windows had once, and what took their place.
_FORMER = {
    "Armenian Standard Time": "Caucasus Standard Time",
    "Kamchatka Standard Time": "Russia Time Zone 11",
    "Mexico Standard Time": "Central Standard Time (Mexico)",
    "Mexico Standard Time 2": "Mountain Standard Time (Mexico)",
    "Mid-Atlantic Standard Time": "UTC-02",
}
# IANA names that CLDR has no row for, or no more.
_ALSO = {
    "CST6CDT": "Central Standard Time",
    "EST5EDT": "Eastern Standard Time",
    "MST7MDT": "Mountain Standard Time",
    "PST8PDT": "Pacific Standard Time",
    "US/East-Indiana": "US Eastern Standard Time",
    "Europe/Uzhgorod": "FLE Standard Time",
    "Europe/Zaporozhye": "FLE Standard Time",
    "GMT": "UTC",
}
# What Windows shows for zones that have no city in it.
_SHOWN_AS = {
    "alaska": "Alaskan Standard Time",
    "arizona": "US Mountain Standard Time",
    "atlantic time (canada)": "Atlantic Standard Time",
    "brasilia": "E. South America Standard Time",
    "central america": "Central America Standard Time",
    "central time (us & canada)": "Central Standard Time",
    "eastern time (us & canada)": "Eastern Standard Time",
    "hawaii": "Hawaiian Standard Time",
    "indiana (east)": "US Eastern Standard Time",
    "mountain time (us & canada)": "Mountain Standard Time",
    "newfoundland": "Newfoundland Standard Time",
    "pacific time (us & canada)": "Pacific Standard Time",
    "saskatchewan": "Canada Central Standard Time",
    "west central africa": "W. Central Africa Standard Time",
}
_WINDOWS = {iana: name for name, zones in ZONES.items() for iana in zones.split()} | _ALSO
_WINDOWS_FOLDED = {name.casefold(): name for name in ZONES} | {old.casefold(): new for old, new in _FORMER.items()}

_VENDOR = "tzone://microsoft/"
_COUNTER = re.compile(r" \d{1,3}$")
_OFFSET = re.compile(r"(?:UTC|GMT|Z)?\s*([+-])(\d{1,2})(?:[:.]?(\d\d))?")
_SHOWN = re.compile(r"(?:\((UTC|GMT)\s*(?:([+-]\d{1,2})[:.]?(\d\d))?\))?\s*(.*)")
_UTC_NAMES = ("utc", "z", "etc/utc", "coordinated universal time", "(utc) coordinated universal time")


@dataclass(frozen=True, slots=True)
class KnownZone:
    """A zone that is known by its name."""

    zone: dt.tzinfo
    iana: str
    """Empty for a mere offset that has no name."""
    windows: str | None
    """None where Windows has no such zone."""


def windows_name(iana: str) -> str | None:
    """Give Windows' name of an IANA zone, however its letters are written."""
    return _WINDOWS.get(_iana_folded().get(iana.casefold(), iana))


def iana_name(windows: str) -> str | None:
    """Give the IANA name that stands for a zone of Windows, which may be a former one or end with a number."""
    name = _WINDOWS_FOLDED.get(windows.casefold()) or _WINDOWS_FOLDED.get(_COUNTER.sub("", windows).casefold())
    return None if name is None else ZONES[name].split()[0]


@lru_cache(maxsize=1024)
def find_zone(tzid: str) -> KnownZone | None:
    """Find the zone that a TZID names, or None: then only a VTIMEZONE can say what it is."""
    name = tzid[:MAX_NAME].strip().strip("\"'").strip()
    if name.casefold().startswith(_VENDOR):
        name = name[len(_VENDOR) :]
    if name.casefold() in _UTC_NAMES:
        return KnownZone(dt.UTC, "Etc/UTC", "UTC")
    folded = name.casefold()
    iana = _iana_folded().get(folded) or _iana_folded().get(folded.replace(" ", "_")) or iana_name(name)
    iana = iana or _behind_path(name) or _as_shown(name)
    if iana is not None:
        return KnownZone(ZoneInfo(iana), iana, _WINDOWS.get(iana))
    return _by_offset(name)


@cache
def _iana_folded() -> dict[str, str]:
    """The IANA names by their folded spelling."""
    names = resources.files("tzdata").joinpath("zones").read_text("ascii").split()
    return {name.casefold(): name for name in names if name not in ("Factory", "localtime")}


def _behind_path(name: str) -> str | None:
    """The IANA name that a path ends with: `/freeassociation.sourceforge.net/Tzfile/Europe/Berlin`."""
    parts = name.casefold().split("/")
    # The longest have three parts; one part alone is too little to go by.
    return next((found for n in (3, 2) if len(parts) > n and (found := _iana_folded().get("/".join(parts[-n:])))), None)


@cache
def _cities() -> dict[str, list[str]]:
    """The IANA names by the folded name of their city."""
    found: dict[str, list[str]] = {}
    for name in sorted(_WINDOWS):
        if "/" in name and not name.startswith("Etc/"):
            found.setdefault(name.rpartition("/")[2].replace("_", " ").casefold(), []).append(name)
    return found


def _as_shown(name: str) -> str | None:
    """The zone of `(UTC+01:00) Amsterdam, Berlin`: of the first city whose offset in winter or summer is the one shown.

    Without an offset, only a list of cities counts.
    """
    match = _SHOWN.fullmatch(name)
    if match is None:
        return None
    shown = "".join(letter for letter in normalize("NFD", match[4].casefold()) if not combining(letter)).strip()
    found = [ZONES[zone].split()[0] for zone in [_SHOWN_AS.get(shown.partition(";")[0])] if zone]
    cities = shown.split(",")
    if match[1] or len(cities) > 1:
        found += [zone for city in cities for zone in _cities().get(city.strip(), ())]
    if not match[1]:
        return next(iter(found), None)
    sign = -1 if (match[2] or "").startswith("-") else 1
    offset = dt.timedelta(hours=abs(int(match[2] or 0)), minutes=int(match[3] or 0)) * sign
    return next((zone for zone in found if offset in _offsets(zone)), None)


@lru_cache(maxsize=256)
def _offsets(iana: str) -> tuple[dt.timedelta | None, ...]:
    """East of UTC in winter and in summer."""
    zone = ZoneInfo(iana)
    return tuple(dt.datetime(2026, month, 1, tzinfo=zone).utcoffset() for month in (1, 7))


def _by_offset(name: str) -> KnownZone | None:
    match = _OFFSET.fullmatch(name.upper())
    if match is None or int(match[2]) > 23 or int(match[3] or 0) > 59:
        return None
    offset = dt.timedelta(hours=int(match[2]), minutes=int(match[3] or 0)) * (-1 if match[1] == "-" else 1)
    whole = not int(match[3] or 0) and -12 <= int(match[2]) <= 14
    # The signs of these names are the other way round.
    iana = _iana_folded().get(f"etc/gmt{'-' if offset > dt.timedelta() else '+'}{int(match[2])}", "") if whole else ""
    return KnownZone(dt.timezone(offset), iana, _WINDOWS.get(iana))
