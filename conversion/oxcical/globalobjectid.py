"""GlobalObjectId: what all copies of a meeting, at whoever's, have in common, and the UID of iCalendar.

The octets ([MS-OXOCAL] 2.2.1.27): an array that marks the kind (16), the original date of an exception (year with the
high octet first, month, day; zeros where it is no exception), the time of creation (FILETIME), eight zeros, the length
of the data, the data. PidLidCleanGlobalObjectId is the same with a date of zeros ([MS-OXOCAL] 2.2.1.28). A UID that is
not such octets in hexadecimal is kept in the data ([MS-OXCICAL] 2.1.3.1.1.20.26).
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from dataclasses import dataclass, replace

from conversion.errors import ConversionError

BYTE_ARRAY_ID = bytes.fromhex("040000008200E00074C5B7101A82E008")
THIRD_PARTY = b"vCal-Uid\x01\0\0\0"
"""What the data begins with when the rest of it is a UID that others made."""

_HEADER = struct.Struct("<16s4sQ8sI")
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_CONTROL = re.compile(r"[\0-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class GlobalObjectId:
    """The fields of a GlobalObjectId."""

    data: bytes
    year: int = 0
    """Year, month and day: the original date of the instance that this is about; zeros for a whole series."""
    month: int = 0
    day: int = 0
    creation_time: int = 0
    """FILETIME."""
    reserved: bytes = bytes(8)
    rest: bytes = b""
    """Octets behind the data, where there were any."""

    def encode(self) -> bytes:
        """Give the octets."""
        date = struct.pack(">HBB", self.year, self.month, self.day)
        header = _HEADER.pack(BYTE_ARRAY_ID, date, self.creation_time, self.reserved, len(self.data))
        return header + self.data + self.rest

    def clean(self) -> GlobalObjectId:
        """Give the GlobalObjectId of the whole series ([MS-OXOCAL] 2.2.1.28)."""
        return replace(self, year=0, month=0, day=0)

    def on(self, date: dt.date) -> GlobalObjectId:
        """Give the GlobalObjectId of the instance that was first to be on `date`."""
        return replace(self, year=date.year, month=date.month, day=date.day)

    @property
    def date(self) -> dt.date | None:
        """The original date of the instance, or None for a series, a single object, or a date that is none."""
        try:
            return dt.date(self.year, self.month, self.day)
        except ValueError:
            return None

    @property
    def uid(self) -> str:
        """The UID of iCalendar, the same for a series and its exceptions ([MS-OXCICAL] 2.1.3.1.1.20.26)."""
        if self.data.startswith(THIRD_PARTY):
            try:
                text = self.data[len(THIRD_PARTY) :].removesuffix(b"\0").decode()
            except UnicodeDecodeError:
                text = ""
            if text and not _CONTROL.search(text):
                return text
        return self.clean().encode().hex().upper()


def decode_global_object_id(octets: bytes) -> GlobalObjectId:
    """Read a GlobalObjectId ([MS-OXOCAL] 2.2.1.27). ConversionError if it is not one, or is cut off."""
    if len(octets) < _HEADER.size or not octets.startswith(BYTE_ARRAY_ID):
        raise ConversionError("not a GlobalObjectId")
    _, date, creation_time, reserved, size = _HEADER.unpack_from(octets)
    data = octets[_HEADER.size : _HEADER.size + size]
    if len(data) < size:
        raise ConversionError("a GlobalObjectId that is cut off")
    year, month, day = struct.unpack(">HBB", date)
    return GlobalObjectId(data, year, month, day, creation_time, reserved, octets[_HEADER.size + size :])


def global_object_id(uid: str) -> GlobalObjectId:
    """Make the GlobalObjectId of a UID ([MS-OXCICAL] 2.1.3.1.1.20.26).

    A UID that is a GlobalObjectId in hexadecimal, whole and with the right length, gives its fields, the date
    included; any other becomes the data of a new one. `on` puts the date of a RECURRENCE-ID into it.
    """
    if _HEXADECIMAL.fullmatch(uid):
        try:
            found = decode_global_object_id(bytes.fromhex(uid))
        except ConversionError:
            pass
        else:
            if found.data and not found.rest:
                return found
    return GlobalObjectId(THIRD_PARTY + uid.encode("utf-8", "replace") + b"\0")


def new_global_object_id(creation_time: int, unique: bytes) -> GlobalObjectId:
    """Make the GlobalObjectId of a new object: when it is made (FILETIME), and 16 octets that nobody else has."""
    return GlobalObjectId(unique, creation_time=creation_time)
