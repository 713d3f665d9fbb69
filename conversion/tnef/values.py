"""Values of the attributes that are older than properties: dates, addresses, classes, flags ([MS-OXTNEF] 2.1.3.3)."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from typing import NamedTuple

from conversion.codepages import decode_page, encode_page

_DATE = struct.Struct("<7H")
_TRP = struct.Struct("<4H")
_U16 = struct.Struct("<H")
_ONE_OFF = 4  # trpidOneOff: the address is in the structure itself
_SECOND = 10_000_000
_FILETIME_EPOCH = datetime(1601, 1, 1)


class Originator(NamedTuple):
    """A name and an address, as attFrom, attOwner and attSentFor hold them."""

    name: str
    type: str
    """Address type: SMTP, EX, ..."""
    address: str


def read_text(data: memoryview, page: int) -> str:
    """Read an 8-bit string up to its NUL."""
    return decode_page(bytes(data), page).partition("\0")[0]


def write_text(text: str, page: int) -> bytes:
    """Write an 8-bit string with its NUL; what the code page lacks becomes `?`."""
    return encode_page(text.partition("\0")[0], page) + b"\0"


def read_date(data: memoryview) -> int | None:
    """Read a date and time record as a FILETIME ([MS-OXTNEF] 2.1.3.3.4); None for what is no date.

    Year, month, day, hour, minute, second and day of the week, which is not looked at. The record has no time zone: it
    is taken as UTC.
    """
    if len(data) < _DATE.size - 2:
        return None
    year, month, day, hour, minute, second = struct.unpack_from("<6H", data)
    try:
        when = datetime(year, month, day, hour, minute, min(second, 59))
    except ValueError:
        return None
    seconds = (when - _FILETIME_EPOCH) // timedelta(seconds=1)
    return seconds * _SECOND if seconds >= 0 else None


def write_date(filetime: int) -> bytes | None:
    """Write a FILETIME as a date and time record, in UTC; None for what no record can say."""
    try:
        when = _FILETIME_EPOCH + timedelta(seconds=filetime // _SECOND)
    except (OverflowError, TypeError):
        return None
    weekday = when.isoweekday() % 7
    return _DATE.pack(when.year, when.month, when.day, when.hour, when.minute, when.second, weekday)


def read_trp(data: memoryview, page: int) -> Originator | None:
    """Read attFrom, a triple of lengths, name and address ([MS-OXTNEF] 2.1.3.3.3); None for another kind of triple."""
    if len(data) < _TRP.size:
        return None
    kind, _, name, address = _TRP.unpack_from(data)
    if kind != _ONE_OFF:
        return None
    middle = _TRP.size + name
    return _originator(read_text(data[_TRP.size : middle], page), read_text(data[middle : middle + address], page))


def write_trp(who: Originator, page: int) -> bytes | None:
    """Write attFrom: the triple, and one of zeros that ends the list. None for what is longer than its lengths say."""
    name, address = write_text(who.name, page), write_text(f"{who.type}:{who.address}", page)
    size = 2 * _TRP.size + len(name) + len(address)
    if size > 0xFFFF:
        return None
    return _TRP.pack(_ONE_OFF, size, len(name), len(address)) + name + address + bytes(_TRP.size)


def read_counted(data: memoryview, page: int) -> Originator | None:
    """Read attOwner or attSentFor: two strings behind their lengths ([MS-OXTNEF] 2.1.3.3.16, 2.1.3.3.17)."""
    strings = []
    at = 0
    for _ in range(2):
        if at + _U16.size > len(data):
            return None
        (length,) = _U16.unpack_from(data, at)
        at += _U16.size
        strings.append(read_text(data[at : at + length], page))
        at += length
    return _originator(*strings)


def write_counted(who: Originator, page: int) -> bytes | None:
    """Write attOwner or attSentFor; None for what is longer than its lengths say."""
    strings = write_text(who.name, page), write_text(f"{who.type}:{who.address}", page)
    if max(map(len, strings)) > 0xFFFF:
        return None
    return b"".join([_U16.pack(len(string)) + string for string in strings])


def _originator(name: str, address: str) -> Originator | None:
    kind, colon, rest = address.partition(":")
    if not colon:
        kind, rest = ("SMTP" if "@" in address else ""), address
    return Originator(name or rest, kind.upper(), rest) if name or rest else None


# Classes of Microsoft Mail and what they are now ([MS-OXTNEF] 2.3.3.4).
_CLASSES = {
    "IPM.Microsoft Mail.Note": "IPM.Note",
    "IPM.Microsoft Mail.Read Receipt": "Report.IPM.Note.IPNRN",
    "IPM.Microsoft Mail.Non-Delivery": "Report.IPM.Note.NDR",
    "IPM.Microsoft Schedule.MtgRespP": "IPM.Schedule.Meeting.Resp.Pos",
    "IPM.Microsoft Schedule.MtgRespN": "IPM.Schedule.Meeting.Resp.Neg",
    "IPM.Microsoft Schedule.MtgRespA": "IPM.Schedule.Meeting.Resp.Tent",
    "IPM.Microsoft Schedule.MtgReq": "IPM.Schedule.Meeting.Request",
    "IPM.Microsoft Schedule.MtgCncl": "IPM.Schedule.Meeting.Canceled",
}
_MODERN = {old.lower(): new for old, new in _CLASSES.items()}
_LEGACY = {new.lower(): old for old, new in _CLASSES.items()} | {"ipm": "IPM.Microsoft Mail.Note"}
_PREFIX = "microsoft mail v3.0 "


def modern_class(name: str) -> str:
    """Turn the class of an attribute into that of a message ([MS-OXTNEF] 2.3.3.4); one that is not old stays."""
    bare = name[len(_PREFIX) :] if name.lower().startswith(_PREFIX) else name
    return _MODERN.get(bare.lower(), bare)


def legacy_class(name: str) -> str:
    """Turn the class of a message into that of an attribute ([MS-OXTNEF] 2.1.3.3.5)."""
    return _LEGACY.get(name.lower(), name)


# attMessageStatus: bit of the attribute, bit of PidTagMessageFlags.
_STATUS = ((0x20, 0x01), (0x04, 0x04), (0x02, 0x08), (0x80, 0x10))
_MODIFIED, _UNMODIFIED = 0x01, 0x02


def read_status(status: int) -> int:
    """Turn the octet of attMessageStatus into PidTagMessageFlags."""
    flags = sum([flag for bit, flag in _STATUS if status & bit])
    return flags if status & _MODIFIED else flags | _UNMODIFIED


def write_status(flags: int) -> bytes:
    """Turn PidTagMessageFlags into the octet of attMessageStatus."""
    status = sum([bit for bit, flag in _STATUS if flags & flag])
    return bytes((status if flags & _UNMODIFIED else status | _MODIFIED,))


_IMPORTANCE = {1: 2, 2: 1, 3: 0}  # high, normal, low: the order is turned round


def read_priority(data: memoryview) -> int | None:
    """Turn attPriority into PidTagImportance; None for what is no priority."""
    return _IMPORTANCE.get(_U16.unpack_from(data)[0]) if len(data) >= _U16.size else None


def write_priority(importance: int) -> bytes:
    """Turn PidTagImportance into attPriority; an unknown one is normal."""
    return _U16.pack(3 - importance if importance in (0, 1, 2) else 2)


def read_key(data: memoryview, page: int) -> bytes | None:
    """Read a key that is written in hexadecimal digits: attMessageID, attParentID, attConversationID."""
    digits = read_text(data, page)
    try:
        return bytes.fromhex(digits) or None
    except ValueError:
        return None


def write_key(key: bytes) -> bytes:
    """Write a key in hexadecimal digits."""
    return key.hex().upper().encode("ascii") + b"\0"
