"""Values of the SEARCH grammar: keys, as a tree, and the command ([RFC3501] 6.4.4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum

from gateway.imap.protocol.types import SequenceSet


@dataclass(frozen=True, slots=True)
class And:
    """Every key holds; no keys: always true."""

    keys: tuple[SearchKey, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two keys holds."""

    left: SearchKey
    right: SearchKey


@dataclass(frozen=True, slots=True)
class Not:
    """The key does not hold."""

    key: SearchKey


@dataclass(frozen=True, slots=True)
class All:
    """ALL: always true."""


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """Messages by sequence number."""

    messages: SequenceSet


@dataclass(frozen=True, slots=True)
class UidKey:
    """UID: messages by unique identifier."""

    messages: SequenceSet


@dataclass(frozen=True, slots=True)
class FlagKey:
    """ANSWERED, UNSEEN, KEYWORD and their like: a flag or keyword is set, or is not."""

    flag: str
    """`\\Answered`, `\\Deleted`, `\\Draft`, `\\Flagged`, `\\Seen`, or a keyword as sent."""
    present: bool


@dataclass(frozen=True, slots=True)
class RecentKey:
    """RECENT (present) or OLD (not present). NEW comes as And((RecentKey(True), FlagKey("\\\\Seen", False)))."""

    present: bool


class DateRelation(Enum):
    """How a date compares with the argument; the day counts, time and zone do not ([RFC3501] 6.4.4)."""

    BEFORE = "BEFORE"
    ON = "ON"
    SINCE = "SINCE"


@dataclass(frozen=True, slots=True)
class DateKey:
    """BEFORE, ON, SINCE (internal date) or, when `sent`, SENTBEFORE, SENTON, SENTSINCE (the Date: field)."""

    relation: DateRelation
    date: dt.date
    sent: bool


@dataclass(frozen=True, slots=True)
class EnvelopeKey:
    """FROM, TO, CC, BCC or SUBJECT contains the text."""

    field: str
    """`FROM`, `TO`, `CC`, `BCC` or `SUBJECT`."""
    value: str


@dataclass(frozen=True, slots=True)
class HeaderKey:
    """HEADER: the field contains the text; an empty text asks only that the field is there."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class TextKey:
    """BODY, or with `headers` TEXT: the decoded text contains the value."""

    value: str
    headers: bool


@dataclass(frozen=True, slots=True)
class SizeKey:
    """LARGER (more octets than `size`) or SMALLER."""

    size: int
    larger: bool


@dataclass(frozen=True, slots=True)
class ModSeqKey:
    """MODSEQ: changed at or after this mod-sequence ([RFC7162] 3.1.5)."""

    modseq: int
    entry_name: str | None = None
    """`/flags/\\\\Seen` and the like; a server with one mod-sequence a message takes it as the whole message's."""
    entry_type: str | None = None
    """`priv`, `shared` or `all`."""


SearchKey = (
    And
    | Or
    | Not
    | All
    | SequenceKey
    | UidKey
    | FlagKey
    | RecentKey
    | DateKey
    | EnvelopeKey
    | HeaderKey
    | TextKey
    | SizeKey
    | ModSeqKey
)


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH or UID SEARCH ([RFC3501] 6.4.4). Texts are decoded from the charset already."""

    key: SearchKey
    """The keys of the top level, joined: an And if there are several."""
    uid: bool = False
    charset: str | None = None
    """As sent; None if the command named none."""
    modseq: bool = False
    """A MODSEQ key stands somewhere: the reply carries the highest mod-sequence ([RFC7162] 3.1.5)."""
