"""Flags on the wire and in the store: names, bits, and their ready bytes ([RFC3501] 2.3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.imap.errors import no
from store.ids import MessageFlag
from store.keywords import MAX_KEYWORDS

_FLAGS: tuple[tuple[MessageFlag, bytes], ...] = (
    (MessageFlag.ANSWERED, b"\\Answered"),
    (MessageFlag.FLAGGED, b"\\Flagged"),
    (MessageFlag.DELETED, b"\\Deleted"),
    (MessageFlag.SEEN, b"\\Seen"),
    (MessageFlag.DRAFT, b"\\Draft"),
    (MessageFlag.FORWARDED, b"$Forwarded"),
    (MessageFlag.MDN_SENT, b"$MDNSent"),
)
_NAMES = tuple((int(flag), name) for flag, name in _FLAGS)  # as enumerations they take a microsecond to combine
_BITS = {name.decode().lower(): flag for flag, name in _FLAGS}

SEEN = int(MessageFlag.SEEN)
DELETED = int(MessageFlag.DELETED)
SHOWN = sum(int(flag) for flag, _ in _NAMES)
"""The bits of `MessageRow.flags` that IMAP shows."""

PERMANENT_FLAGS = b" ".join(name for _, name in _NAMES)


class FlagChange(NamedTuple):
    """Flags of a command, apart as the store takes them."""

    bits: int
    keywords: list[str]


def parse_flags(flags: Iterable[str]) -> FlagChange:
    """Sort the flags of STORE or APPEND into bits and keywords.

    \\Recent cannot be changed ([RFC3501] 2.3.2), and no other name with a backslash exists: Refusal NO [CANNOT].
    """
    bits = 0
    keywords: list[str] = []
    for flag in flags:
        bit = _BITS.get(flag.lower())
        if bit is not None:
            bits |= bit
        elif flag.startswith("\\"):
            raise no(b"There is no such system flag to set.", b"CANNOT")
        else:
            keywords.append(flag)
    return FlagChange(bits, keywords)


def flag_bit(name: str) -> int:
    """The bit of a system flag or of a keyword that the store keeps as a flag; 0 for any other keyword."""
    return int(_BITS.get(name.lower(), 0))


class _Plain(dict[int, bytes]):
    """Flags without keywords -> their names; made at the first use of a combination."""

    def __missing__(self, flags: int) -> bytes:
        text = self[flags] = b" ".join([name for flag, name in _NAMES if flags & flag])
        return text


_PLAIN = _Plain()


class FlagNames:
    """Flag lists as bytes, made once for each combination; belongs to one session, because keywords are a mailbox's."""

    __slots__ = ("_cache", "_keywords", "_known")

    def __init__(self) -> None:
        self._keywords: dict[int, bytes] = {}
        self._known = 0
        self._cache: dict[tuple[int, int, bool], bytes] = {}

    def knows(self, sets: Iterable[int]) -> bool:
        """Whether every bit of these keyword sets has a name here."""
        unknown = ~self._known
        return not any(bits & unknown for bits in set(sets))

    def learn(self, names: Mapping[int, str]) -> None:
        """Take over the mailbox's keywords: bit number -> name."""
        self._keywords = {bit: name.encode("ascii", "replace") for bit, name in sorted(names.items())}
        self._known = sum(1 << bit for bit in self._keywords)
        self._cache.clear()

    def all_names(self) -> bytes:
        """Every flag and keyword, separated by blanks."""
        return b" ".join([PERMANENT_FLAGS, *self._keywords.values()])

    def permanent(self, settable: int) -> bytes:
        """The flags that a user may change, of whom `settable` says which, separated by blanks ([RFC4314] 5.1.1)."""
        names = [name for flag, name in _NAMES if settable & flag]
        if settable & SEEN:  # the right that all flags but \\Deleted take
            names += self._keywords.values()
            names += [] if self.full else [b"\\*"]
        return b" ".join(names)

    @property
    def full(self) -> bool:
        """Whether the mailbox has as many keywords as it may."""
        return len(self._keywords) >= MAX_KEYWORDS

    def column(self, flags: Sequence[int], keywords: Sequence[int], recent: Sequence[range]) -> list[bytes]:
        """The names of many messages' flags; `recent` are the places of those that are \\Recent."""
        if any(keywords):
            text = self.text
            column = [text(bits, words, recent=False) for bits, words in zip(flags, keywords, strict=True)]
        else:
            column = list(map(_PLAIN.__getitem__, flags))
        for places in recent:
            for place in places:
                names = column[place]
                column[place] = b"\\Recent " + names if names else b"\\Recent"
        return column

    def text(self, flags: int, keywords: int, *, recent: bool) -> bytes:
        """The names of a message's flags, separated by blanks, without parentheses."""
        key = (flags & SHOWN, keywords, recent)
        text = self._cache.get(key)
        if text is None:
            if len(self._cache) > 4096:  # as many as keywords can combine to is too many to keep
                self._cache.clear()
            names = [b"\\Recent"] if recent else []
            names += [name for flag, name in _NAMES if flags & flag]
            names += [name for bit, name in self._keywords.items() if keywords >> bit & 1]
            text = self._cache[key] = b" ".join(names)
        return text
