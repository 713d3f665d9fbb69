"""The properties of a calendar component that are one property in MAPI too, both ways.

[MS-OXCICAL] 2.1.3.1.1.20.3 to 2.1.3.1.1.20.7, 2.1.3.1.1.20.9, 2.1.3.1.1.20.14, 2.1.3.1.1.20.15, 2.1.3.1.1.20.17;
[MS-OXCICAL] 2.1.3.1.1.20.21 to 2.1.3.1.1.20.25, 2.1.3.1.1.20.27, 2.1.3.1.1.20.29 to 2.1.3.1.1.20.58.
[MS-OXOCAL] 2.2.1.1, 2.2.1.2, 2.2.1.4, 2.2.1.8, 2.2.1.26, 2.2.1.29, 2.2.1.34, 2.2.1.48, 2.2.1.51, 2.2.5.2, 2.2.6.4;
[MS-OXOCAL] 2.2.1.56.1 to 2.2.1.56.9, 2.2.4.1 to 2.2.4.4, 2.2.4.8.

`read_texts` takes the lines of a component by name and gives properties; what MAPI has no place for is kept as it is
written in KEPT_LINES, so that it comes out again. `write_texts` gives the lines.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from enum import Enum, auto
from typing import NamedTuple

from conversion.contentlines import ContentLine, escape, read_lines, split_values, unescape, write_line
from conversion.oxcical.rrule import write_moment
from conversion.oxcical.times import from_filetime
from conversion.oxcical.zones import Zones, read_time
from conversion.oxcmail.locales import locale_of, tag_of
from conversion.oxcmail.threads import split_subject
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, PropertyType, Value

Lines = dict[str, list[ContentLine]]
"""The lines of a component by name; what is used is taken out."""
Properties = dict[PropertyKey, Value]

KEPT_LINES = PropertyName(tags.PS_PUBLIC_STRINGS, "urn:oxgate:icalendar:lines", PropertyType.MULTIPLE_STRING)
"""Lines of the component that have no other place, unfolded."""
MAX_TEXT = 255
"""Characters of a subject, a place, a keyword."""
MAX_KEYWORDS = 100
MAX_KEPT = 200
MAX_KEPT_LENGTH = 32_768
"""Characters of all kept lines."""
FREE, TENTATIVE, BUSY, OUT_OF_OFFICE, ELSEWHERE = range(5)
"""PidLidBusyStatus ([MS-OXOCAL] 2.2.1.2)."""
BUSY_WORDS = {
    "FREE": FREE,
    "TENTATIVE": TENTATIVE,
    "BUSY": BUSY,
    "OOF": OUT_OF_OFFICE,
    "WORKINGELSEWHERE": ELSEWHERE,
}
_SENSITIVITY = {
    "PUBLIC": 0,
    "PERSONAL": 1,
    "X-PERSONAL": 1,
    "PRIVATE": 2,
    "CONFIDENTIAL": 3,
}
_CLASSES = ("PUBLIC", "X-PERSONAL", "PRIVATE", "CONFIDENTIAL")
_PRIORITIES = ("9", "5", "1")
_ANSWERED = re.compile(r"(?:Accepted|Tentative|Declined|New Time Proposed|Cancel(?:l)?ed): ", re.IGNORECASE)
_BLANKS = re.compile(r"[\r\n\t]+")
_IN_A_LANGUAGE = ("SUMMARY", "LOCATION", "COMMENT", "DESCRIPTION")
_UTF_8 = 65001
_NATIVE_PLAIN, _NATIVE_HTML = 1, 3  # PidTagNativeBody ([MS-OXCMSG] 2.2.1.58.2)


class Kind(Enum):
    """How a value is written."""

    TEXT = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    NOT = auto()
    """A boolean that says the opposite."""
    TIME = auto()


class Row(NamedTuple):
    """A property of iCalendar that is one of MAPI."""

    property: PropertyKey
    kind: Kind


ROWS: dict[str, Row] = {
    "SEQUENCE": Row(tags.PidLidAppointmentSequence, Kind.INTEGER),
    "X-MICROSOFT-CDO-APPT-SEQUENCE": Row(tags.PidLidAppointmentSequence, Kind.INTEGER),
    "X-MICROSOFT-CDO-ATTENDEE-CRITICAL-CHANGE": Row(tags.PidLidAttendeeCriticalChange, Kind.TIME),
    "X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE": Row(tags.PidLidOwnerCriticalChange, Kind.TIME),
    "X-MICROSOFT-CDO-OWNERAPPTID": Row(tags.PidTagOwnerAppointmentId, Kind.INTEGER),
    "X-MICROSOFT-CDO-REPLYTIME": Row(tags.PidLidAppointmentReplyTime, Kind.TIME),
    "X-MICROSOFT-DISALLOW-COUNTER": Row(tags.PidLidAppointmentNotAllowPropose, Kind.BOOLEAN),
    "X-MICROSOFT-DONOTFORWARDMEETING": Row(tags.PidNameDoNotForward, Kind.BOOLEAN),
    "X-MICROSOFT-ISDRAFT": Row(tags.PidLidFInvited, Kind.NOT),
    "X-MS-OLK-ALLOWEXTERNCHECK": Row(tags.PidLidAllowExternalCheck, Kind.BOOLEAN),
    "X-MS-OLK-APPTLASTSEQUENCE": Row(tags.PidLidAppointmentLastSequence, Kind.INTEGER),
    "X-MS-OLK-APPTSEQTIME": Row(tags.PidLidAppointmentSequenceTime, Kind.TIME),
    "X-MS-OLK-AUTOFILLLOCATION": Row(tags.PidLidAutoFillLocation, Kind.BOOLEAN),
    "X-MS-OLK-AUTOSTARTCHECK": Row(tags.PidLidAutoStartCheck, Kind.BOOLEAN),
    "X-MS-OLK-COLLABORATEDOC": Row(tags.PidLidCollaborateDoc, Kind.TEXT),
    "X-MS-OLK-CONFCHECK": Row(tags.PidLidConferencingCheck, Kind.BOOLEAN),
    "X-MS-OLK-CONFTYPE": Row(tags.PidLidConferencingType, Kind.INTEGER),
    "X-MS-OLK-DIRECTORY": Row(tags.PidLidDirectory, Kind.TEXT),
    "X-MS-OLK-MWSURL": Row(tags.PidLidMeetingWorkspaceUrl, Kind.TEXT),
    "X-MS-OLK-NETSHOWURL": Row(tags.PidLidNetShowUrl, Kind.TEXT),
    "X-MS-OLK-ONLINEPASSWORD": Row(tags.PidLidOnlinePassword, Kind.TEXT),
    "X-MS-OLK-ORGALIAS": Row(tags.PidLidOrganizerAlias, Kind.TEXT),
}
"""Later rows win over earlier ones of the same property ([MS-OXCICAL] 2.1.3.1.1.20.29 to 2.1.3.1.1.20.58)."""

# Written by other rows, or by other lines; or meant for the one who wrote them.
_NOT_WRITTEN = frozenset(
    ("SEQUENCE", "X-MICROSOFT-CDO-ATTENDEE-CRITICAL-CHANGE", "X-MICROSOFT-CDO-OWNER-CRITICAL-CHANGE")
)
_NOT_KEPT = frozenset(
    (
        *("DTSTAMP", "CREATED", "LAST-MODIFIED", "X-MICROSOFT-CDO-INSTTYPE", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT"),
        *("X-MICROSOFT-CDO-ALLDAYEVENT", "X-ENTOURAGE_UUID", "X-MICROSOFT-CDO-RECURRENCE-ID"),
    )
)


def lines_of(lines: list[ContentLine]) -> Lines:
    """Sort lines by name."""
    found: Lines = {}
    for line in lines:
        found.setdefault(line.name, []).append(line)
    return found


def take(lines: Lines, name: str, notes: Receipt) -> ContentLine | None:
    """Take the line of a property that is there once: the first, with a note for the others."""
    found = lines.pop(name, None)
    if found is None:
        return None
    if len(found) > 1:
        notes.dropped(name, f"{len(found) - 1} more than the one that there may be")
    return found[0]


def read_texts(lines: Lines, method: str, zones: Zones, notes: Receipt) -> Properties:
    """Take what is one property in MAPI out of the lines, and give the properties."""
    found: Properties = {}
    _subject(lines, method, found, notes)
    _body(lines, method, found, notes)
    _location(lines, found, notes)
    _keywords(lines, found, notes)
    _ratings(lines, found, notes)
    _busy(lines, method, found, notes)
    _stamps(lines, method, zones, found, notes)
    for name, row in ROWS.items():
        if name in lines and (line := take(lines, name, notes)) is not None:
            value = _value(line, row.kind, zones, notes)
            if value is not None:
                found[row.property] = value
    found.setdefault(tags.PidLidAppointmentSequence, 0)
    if "CONTACT" in lines:
        texts = [_single(unescape(line.value)) for line in lines.pop("CONTACT")]
        found[tags.PidLidContacts] = tuple(text[:MAX_TEXT] for text in texts if text)[:MAX_KEYWORDS]
    if "RESOURCES" in lines:
        names = [name.strip() for line in lines.pop("RESOURCES") for name in split_values(line.value)]
        found[tags.PidLidNonSendableBcc] = "; ".join(name.replace(";", ",") for name in names if name)
    if "GEO" in lines and (line := take(lines, "GEO", notes)) is not None:
        _position(line, found, notes)
    return found


def keep_rest(lines: Lines, found: Properties, notes: Receipt) -> None:
    """Keep the lines that nobody has taken."""
    kept: list[str] = []
    length = 0
    for name, those in lines.items():
        if name in _NOT_KEPT:
            continue
        for line in those:
            if not line.value.strip():
                continue
            text = write_line(line.name, line.value, line.parameters, line.group)
            text = text.replace(b"\r\n ", b"").removesuffix(b"\r\n")
            length += len(text)
            if length > MAX_KEPT_LENGTH or len(kept) >= MAX_KEPT:
                notes.dropped(name[:50], "too much of what MAPI has no place for")
                length -= len(text)
            else:
                kept.append(text.decode())
    if kept:
        found[KEPT_LINES] = tuple(kept)


def kept_lines(properties: PropertyBag) -> list[ContentLine]:
    """Give the lines that were kept."""
    texts = properties.get(KEPT_LINES)
    if not isinstance(texts, tuple):
        return []
    octets = "\r\n".join(_single(text) for text in texts if isinstance(text, str)).encode("utf-8", "replace")
    return [line for line in read_lines(octets) if line.name not in ("BEGIN", "END")]


def _single(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _cut(text: str, name: str, notes: Receipt) -> str:
    if len(text) > MAX_TEXT:
        notes.altered(name, f"cut after {MAX_TEXT} characters")
    return text[:MAX_TEXT]


def split_meeting_subject(subject: str) -> tuple[str, str]:
    """Split the subject of an answer or a cancellation ([MS-OXOCAL] 2.2.7.2, 2.2.8.2): what was said is its prefix."""
    match = _ANSWERED.match(subject)
    return (match[0], subject[match.end() :]) if match is not None else split_subject(subject)


def _subject(lines: Lines, method: str, found: Properties, notes: Receipt) -> None:
    """SUMMARY ([MS-OXCICAL] 2.1.3.1.1.20.24)."""
    language = _language(lines)
    line = take(lines, "SUMMARY", notes)
    subject = "" if line is None else _cut(_BLANKS.sub(" ", unescape(line.value)), "SUMMARY", notes)
    answered = method in ("REPLY", "COUNTER", "CANCEL")
    prefix, rest = split_meeting_subject(subject) if answered else split_subject(subject)
    found[tags.PidTagSubject] = subject
    found[tags.PidTagSubjectPrefix] = prefix
    found[tags.PidTagNormalizedSubject] = rest
    found[tags.PidTagConversationTopic] = rest
    locale = locale_of(language) if language else None
    if locale is not None:
        found[tags.PidTagMessageLocaleId] = locale
    elif language:
        notes.dropped("LANGUAGE", "not a language that Windows numbers")


def _language(lines: Lines) -> str | None:
    """The first LANGUAGE of these, as Exchange takes it ([MS-STANXICAL] 2.2.56).

    [MS-OXCICAL] 2.1.3.1.1.20.11.1, 2.1.3.1.1.20.24.1: each may have one; SUMMARY's alone is written.
    """
    named = (line.parameter("LANGUAGE") for name in _IN_A_LANGUAGE for line in lines.get(name, [])[:1])
    return next(filter(None, named), None)


def _body(lines: Lines, method: str, found: Properties, notes: Receipt) -> None:
    """DESCRIPTION, COMMENT, X-ALT-DESC ([MS-OXCICAL] 2.1.3.1.1.20.5, 2.1.3.1.1.20.11, 2.1.3.1.1.20.27).

    What an attendee says in an answer is in COMMENT.
    """
    name = "COMMENT" if method in ("REPLY", "COUNTER") and "COMMENT" in lines else "DESCRIPTION"
    texts = [unescape(line.value) for line in lines.pop(name, [])]
    if len(texts) > 1 and name == "DESCRIPTION":
        notes.altered(name, "several of them are joined")
    if texts:
        found[tags.PidTagBody] = "\n".join(texts).replace("\r\n", "\n").replace("\n", "\r\n")
        found[tags.PidTagNativeBody] = _NATIVE_PLAIN
    for line in lines.pop("X-ALT-DESC", []):
        if (line.parameter("FMTTYPE") or "").lower() == "text/html" and tags.PidTagHtml not in found:
            html = unescape(line.value)
            found[tags.PidTagHtml] = html.encode("utf-8", "replace")
            found[tags.PidTagInternetCodepage] = _UTF_8
            found[tags.PidTagNativeBody] = _NATIVE_HTML
        else:
            lines.setdefault("X-ALT-DESC", []).append(line)


def _location(lines: Lines, found: Properties, notes: Receipt) -> None:
    """LOCATION ([MS-OXCICAL] 2.1.3.1.1.20.15)."""
    line = take(lines, "LOCATION", notes)
    if line is None:
        return
    found[tags.PidLidLocation] = _cut(_single(unescape(line.value)), "LOCATION", notes)
    if address := line.parameter("ALTREP"):
        found[tags.PidNameCalendarLocationUrl] = address[:2048]


def _keywords(lines: Lines, found: Properties, notes: Receipt) -> None:
    """CATEGORIES ([MS-OXCICAL] 2.1.3.1.1.20.3): all values of all lines; written as one ([MS-STANOICAL] 2.2.55)."""
    if "CATEGORIES" not in lines:
        return
    words = [_single(word) for line in lines.pop("CATEGORIES") for word in split_values(line.value)]
    kept = tuple(dict.fromkeys(_cut(word, "CATEGORIES", notes) for word in words if word))
    if len(kept) > MAX_KEYWORDS:
        notes.dropped("CATEGORIES", f"those beyond {MAX_KEYWORDS}")
    if kept:
        found[tags.PidNameKeywords] = kept[:MAX_KEYWORDS]


def _ratings(lines: Lines, found: Properties, notes: Receipt) -> None:
    """CLASS, PRIORITY and the words for these ([MS-OXCICAL] 2.1.3.1.1.20.4, .17, .32, .43)."""
    line = take(lines, "CLASS", notes)
    word = "PUBLIC" if line is None else line.value.strip().upper()
    if word not in _SENSITIVITY:
        notes.guessed("CLASS", "an unknown word is taken as PRIVATE")
        word = "PRIVATE"
    found[tags.PidTagSensitivity] = _SENSITIVITY[word]
    found[tags.PidLidPrivate] = _SENSITIVITY[word] == 2
    importance = None
    priority = take(lines, "PRIORITY", notes)
    if priority is not None:
        text = priority.value.strip()
        if text.isascii() and text.isdigit() and 0 <= int(text[:9]) <= 9:
            importance = {0: 1}.get(int(text[:9]), 2 if int(text) < 5 else 1 if int(text) == 5 else 0)
            if text not in ("0", *_PRIORITIES):
                notes.altered("PRIORITY", "of the numbers 1 to 9 MAPI has three")
        else:
            notes.dropped("PRIORITY", "not a number from 0 to 9")
    for name in ("X-MICROSOFT-MSNCALENDAR-IMPORTANCE", "X-MICROSOFT-CDO-IMPORTANCE"):
        if name in lines and (other := take(lines, name, notes)) is not None:
            value = other.value.strip()
            if value in ("0", "1", "2"):
                importance = int(value)
            else:
                notes.dropped(name, "not 0, 1 or 2")
    found[tags.PidTagImportance] = 1 if importance is None else importance
    found[tags.PidTagPriority] = (1 if importance is None else importance) - 1


def _busy(lines: Lines, method: str, found: Properties, notes: Receipt) -> None:
    """The five ways to say whether somebody is busy ([MS-OXCICAL] 2.1.3.1.1.20.23, .25, .31, .34, .42, .44)."""
    transparent, status = (take(lines, name, notes) for name in ("TRANSP", "STATUS"))
    busy = _busy_word(lines, "BUSYSTATUS", notes)
    intended = _busy_word(lines, "INTENDEDSTATUS", notes)
    if busy is None and transparent is not None:
        busy = {"TRANSPARENT": FREE, "OPAQUE": BUSY}.get(transparent.value.strip().upper().partition("-")[0])
        if busy is None:
            notes.dropped("TRANSP", "an unknown word")
    word = "" if status is None else status.value.strip().upper()
    if busy is None:
        busy = {"TENTATIVE": TENTATIVE, "CONFIRMED": BUSY}.get(word)
    elif word == "TENTATIVE" and busy != TENTATIVE:
        notes.altered("STATUS", "TENTATIVE; another property says otherwise")
    if word and word not in ("TENTATIVE", "CONFIRMED", "CANCELLED"):
        notes.dropped("STATUS", "an unknown word")
    if method == "REQUEST":
        # What the organizer means; until it is answered, the time is tentative ([MS-OXCICAL] 2.1.3.1.1.20.31).
        found[tags.PidLidIntendedBusyStatus] = next((one for one in (intended, busy) if one is not None), BUSY)
        found[tags.PidLidBusyStatus] = TENTATIVE if busy is None else busy
        return
    if intended is not None:
        found[tags.PidLidIntendedBusyStatus] = intended
    found[tags.PidLidBusyStatus] = FREE if method == "CANCEL" and busy is None else BUSY if busy is None else busy


def _busy_word(lines: Lines, what: str, notes: Receipt) -> int | None:
    value = None
    for name in (f"X-MICROSOFT-MSNCALENDAR-{what}", f"X-MICROSOFT-CDO-{what}"):
        if name in lines and (line := take(lines, name, notes)) is not None:
            found = BUSY_WORDS.get(line.value.strip().upper())
            if found is None:
                notes.dropped(name, "an unknown word")
            else:
                value = found
    return value


def _stamps(lines: Lines, method: str, zones: Zones, found: Properties, notes: Receipt) -> None:
    """DTSTAMP, CREATED and LAST-MODIFIED ([MS-OXCICAL] 2.1.3.1.1.20.7, 2.1.3.1.1.20.9, 2.1.3.1.1.20.14)."""
    change = tags.PidLidAttendeeCriticalChange if method in ("REPLY", "COUNTER") else tags.PidLidOwnerCriticalChange
    for name, key in (
        ("DTSTAMP", change),
        ("CREATED", tags.PidTagCreationTime),
        ("LAST-MODIFIED", tags.PidTagLastModificationTime),
    ):
        line = take(lines, name, notes)
        if line is not None and (moment := read_time(line, zones, notes)) is not None:
            found[key] = moment.filetime


def _position(line: ContentLine, found: Properties, notes: Receipt) -> None:
    """GEO ([RFC5545] 3.8.1.6)."""
    pieces = line.value.replace(",", ";").split(";")
    try:
        latitude, longitude = (float(piece[:40]) for piece in pieces)
    except ValueError:
        notes.dropped("GEO", "not two numbers")
        return
    if math.isfinite(latitude) and math.isfinite(longitude):
        found[tags.PidNameCalendarGeoLatitude] = latitude
        found[tags.PidNameCalendarGeoLongitude] = longitude


def _value(line: ContentLine, kind: Kind, zones: Zones, notes: Receipt) -> Value | None:
    text = line.value.strip()
    if kind is Kind.TEXT:
        return _single(unescape(text))[:2048]
    if kind is Kind.TIME:
        moment = read_time(line, zones, notes)
        return None if moment is None else moment.filetime
    if kind is Kind.INTEGER:
        if re.fullmatch(r"[+-]?[0-9]{1,10}", text) and -(1 << 31) <= int(text) < 1 << 31:
            return int(text)
        notes.dropped(line.name, "not a number of 32 bits")
        return None
    if text.upper() not in ("TRUE", "FALSE", "1", "0"):
        notes.dropped(line.name, "not TRUE or FALSE")
        return None
    return (text.upper() in ("TRUE", "1")) != (kind is Kind.NOT)


def write_texts(properties: PropertyBag) -> list[ContentLine]:
    """Write what is one property in MAPI."""
    found: list[ContentLine] = []
    subject = properties.get(tags.PidTagSubject)
    if isinstance(subject, str) and subject:
        locale = properties.get(tags.PidTagMessageLocaleId)
        language = tag_of(locale) if isinstance(locale, int) else None
        found.append(ContentLine("SUMMARY", escape(subject), (("LANGUAGE", (language,)),) if language else ()))
    location = properties.get(tags.PidLidLocation)
    if isinstance(location, str) and location:
        address = properties.get(tags.PidNameCalendarLocationUrl)
        altrep = (("ALTREP", (address,)),) if isinstance(address, str) and address else ()
        found.append(ContentLine("LOCATION", escape(location), altrep))
    for key, name in ((tags.PidNameKeywords, "CATEGORIES"), (tags.PidLidContacts, "CONTACT")):
        words = properties.get(key)
        texts = [escape(word) for word in words if isinstance(word, str) and word] if isinstance(words, tuple) else []
        if texts and name == "CATEGORIES":
            found.append(ContentLine(name, ",".join(texts)))
        else:
            found += [ContentLine(name, text) for text in texts]
    resources = properties.get(tags.PidLidNonSendableBcc)
    if isinstance(resources, str) and (names := [name.strip() for name in resources.split(";") if name.strip()]):
        found.append(ContentLine("RESOURCES", ",".join(map(escape, names))))
    sensitivity = properties.get(tags.PidTagSensitivity)
    if isinstance(sensitivity, int):
        found.append(ContentLine("CLASS", _CLASSES[sensitivity] if 0 <= sensitivity <= 3 else "PRIVATE"))
    importance = properties.get(tags.PidTagImportance)
    if isinstance(importance, int) and 0 <= importance <= 2:
        found.append(ContentLine("PRIORITY", _PRIORITIES[importance]))
        found.append(ContentLine("X-MICROSOFT-CDO-IMPORTANCE", str(importance)))
    latitude, longitude = (
        properties.get(key) for key in (tags.PidNameCalendarGeoLatitude, tags.PidNameCalendarGeoLongitude)
    )
    if isinstance(latitude, float) and isinstance(longitude, float) and math.isfinite(latitude + longitude):
        found.append(ContentLine("GEO", f"{latitude!r};{longitude!r}"))
    found += _written_rows(properties)
    return found


def _written_rows(properties: PropertyBag) -> list[ContentLine]:
    sequence = properties.get(tags.PidLidAppointmentSequence)
    found = [ContentLine("SEQUENCE", str(sequence if isinstance(sequence, int) and sequence > 0 else 0))]
    for name, row in ROWS.items():
        value = properties.get(row.property)
        if name in _NOT_WRITTEN or value is None:
            continue
        text = _WRITERS[row.kind](value)
        if text is not None:
            found.append(ContentLine(name, text))
    return found


def write_busy(properties: PropertyBag, method: str, *, cancelled: bool) -> list[ContentLine]:
    """Write how busy somebody is ([MS-OXCICAL] 2.1.3.1.1.20.23, 2.1.3.1.1.20.25, 2.1.3.1.1.20.31, .34).

    A request is tentative only if the organizer means that.
    """
    words = {value: word for word, value in BUSY_WORDS.items()}
    busy = properties.get(tags.PidLidBusyStatus)
    meant = properties.get(tags.PidLidIntendedBusyStatus, busy) if method == "REQUEST" else busy
    status = "CANCELLED" if cancelled else "TENTATIVE" if meant == TENTATIVE else "CONFIRMED"
    found = [ContentLine("STATUS", status)]
    if isinstance(busy, int):
        found.append(ContentLine("TRANSP", "TRANSPARENT" if busy in (FREE, ELSEWHERE) else "OPAQUE"))
        found.append(ContentLine("X-MICROSOFT-CDO-BUSYSTATUS", words.get(busy, "BUSY")))
    intended = properties.get(tags.PidLidIntendedBusyStatus)
    if isinstance(intended, int) and intended in words:
        found.append(ContentLine("X-MICROSOFT-CDO-INTENDEDSTATUS", words[intended]))
    return found


def time_line(name: str, value: Value | None) -> list[ContentLine]:
    """Write a FILETIME in UTC; nothing for what is none."""
    text = _time_text(value)
    return [] if text is None else [ContentLine(name, text)]


def _time_text(value: Value | None) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return write_moment(from_filetime(value).replace(microsecond=0)) + "Z"


def _integer_text(value: Value | None) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _boolean_text(value: Value | None) -> str | None:
    return str(value).upper() if isinstance(value, bool) else None


_WRITERS: dict[Kind, Callable[[Value | None], str | None]] = {
    Kind.TEXT: lambda value: escape(value) if isinstance(value, str) else None,
    Kind.INTEGER: _integer_text,
    Kind.BOOLEAN: _boolean_text,
    Kind.NOT: lambda value: str(not value).upper() if isinstance(value, bool) else None,
    Kind.TIME: _time_text,
}
