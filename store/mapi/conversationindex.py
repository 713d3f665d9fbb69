"""Conversation indexes: the place of a message in its thread ([MS-OXOMSG] 2.2.1.3).

PidTagConversationIndex and the header field Thread-Index hold the same octets: a header of 22 (one reserved octet and
five octets of time, then a GUID) and five for every answer on the way from the thread's first message. The reserved
octet is 1, which is what a FILETIME begins with from 1829 to 2057: senders write the six highest octets of the FILETIME
and readers take them together, as is done here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

HEADER_LENGTH = 22
LEVEL_LENGTH = 5
MAX_LEVELS = 1_600
"""Response levels that `decode` reads and that `reply` makes."""

_RESERVED = 1
_TIME_BITS = 48
_DROPPED_BITS = 16
_DELTA_BITS = 31
_SHIFTS = (18, 23)
"""Low bits of a time difference that are left out, by delta code."""


class ConversationIndexError(ValueError):
    """Octets that are no conversation index, or fields that fit into none."""


@dataclass(frozen=True, slots=True)
class ResponseLevel:
    """One answer: when it was made, counted from the header's time."""

    delta_code: int
    """0: the difference lacks its 18 lowest bits and its 15 highest are zero; 1: it lacks 23, 10 are zero."""
    time_delta: int
    """The 31 bits that are kept of the difference."""
    random: int = 0
    """Four bits that tell answers of the same moment apart."""
    level: int = 0
    """Four bits that are always zero."""

    @property
    def difference(self) -> int:
        """Steps of 100 ns since the header's time, rounded down to the bits that are kept."""
        return self.time_delta << _SHIFTS[self.delta_code & 1]

    def encode(self) -> bytes:
        """Give the five octets. ConversationIndexError if a field does not fit."""
        widths = ((self.delta_code, 1), (self.time_delta, _DELTA_BITS), (self.random, 4), (self.level, 4))
        if any(value < 0 or value >> bits for value, bits in widths):
            raise ConversationIndexError(f"a response level whose fields do not fit: {self!r}")
        first = self.delta_code << _DELTA_BITS | self.time_delta
        return first.to_bytes(4, "big") + bytes((self.random << 4 | self.level,))


@dataclass(frozen=True, slots=True)
class ConversationIndex:
    """The fields of a conversation index."""

    time: int
    """FILETIME of the thread's first message, without its 16 lowest bits."""
    guid: UUID
    """The thread; its octets are PidTagConversationId."""
    levels: tuple[ResponseLevel, ...] = ()

    def encode(self) -> bytes:
        """Give the octets. ConversationIndexError if a field does not fit or the time does not begin with 1."""
        if self.time < 0 or self.time >> _DROPPED_BITS >> (_TIME_BITS - 8) != _RESERVED:
            raise ConversationIndexError(f"a time that no conversation index can say: {self.time}")
        time = (self.time >> _DROPPED_BITS).to_bytes(_TIME_BITS // 8, "big")
        return time + self.guid.bytes + b"".join(level.encode() for level in self.levels)

    def time_of(self, level: ResponseLevel) -> int:
        """Give the FILETIME at which an answer was made."""
        return self.time + level.difference


def decode(data: bytes) -> ConversationIndex:
    """Read a conversation index. ConversationIndexError on anything else, and beyond MAX_LEVELS answers."""
    count, left_over = divmod(len(data) - HEADER_LENGTH, LEVEL_LENGTH)
    if not 0 <= count <= MAX_LEVELS or left_over or data[0] != _RESERVED:
        raise ConversationIndexError(f"{len(data)} octets that are no conversation index")
    time = int.from_bytes(data[:6], "big") << _DROPPED_BITS
    levels = tuple(_level(data, at) for at in range(HEADER_LENGTH, len(data), LEVEL_LENGTH))
    return ConversationIndex(time, UUID(bytes=bytes(data[6:HEADER_LENGTH])), levels)


def _level(data: bytes, at: int) -> ResponseLevel:
    first = int.from_bytes(data[at : at + 4], "big")
    last = data[at + 4]
    return ResponseLevel(first >> _DELTA_BITS, first & (1 << _DELTA_BITS) - 1, last >> 4, last & 15)


def begin(now: int, guid: UUID | None = None) -> ConversationIndex:
    """Make the index of a thread's first message, at the FILETIME `now`."""
    return ConversationIndex(now >> _DROPPED_BITS << _DROPPED_BITS, uuid4() if guid is None else guid)


def reply(parent: ConversationIndex, now: int, random: int | None = None) -> ConversationIndex:
    """Make the index of an answer or a forwarded copy, at the FILETIME `now`.

    A clock behind the thread's first message counts as none gone by, and a time too far off as the farthest there is.
    An answer to one that has MAX_LEVELS levels takes the place of its last.
    """
    difference = max(now - parent.time, 0)
    code = 0 if difference >> (_SHIFTS[0] + _DELTA_BITS) == 0 else 1
    delta = min(difference >> _SHIFTS[code], (1 << _DELTA_BITS) - 1)
    level = ResponseLevel(code, delta, secrets.randbelow(16) if random is None else random & 15)
    return replace(parent, levels=(*parent.levels[: MAX_LEVELS - 1], level))
