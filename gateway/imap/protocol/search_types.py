"""Values of the SEARCH grammar: keys, as a tree, and the commands that search ([RFC3501] 6.4.4, [RFC5256] 5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum

from gateway.imap.protocol.fetch_types import FetchItem
from gateway.imap.protocol.types import MailboxName, SequenceSet


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
class AgeKey:
    """OLDER or YOUNGER: the internal date lies at least, or at most, so many seconds back ([RFC5032] 2)."""

    seconds: int
    older: bool


@dataclass(frozen=True, slots=True)
class SavedKey:
    """SAVEDBEFORE, SAVEDON, SAVEDSINCE: when the message came into this mailbox ([RFC8514] 4.3)."""

    relation: DateRelation
    date: dt.date


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """EMAILID, or THREADID when `thread`: the message, or its thread, has this identifier ([RFC8474] 6)."""

    identifier: str
    thread: bool


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
    | AgeKey
    | SavedKey
    | ObjectKey
    | EnvelopeKey
    | HeaderKey
    | TextKey
    | SizeKey
    | ModSeqKey
)


@dataclass(frozen=True, slots=True)
class Returns:
    """What RETURN asks of a search ([RFC4731] 3.1, [RFC5182] 2.1, [RFC5267] 4, [RFC9394] 3.1)."""

    minimum: bool = False
    maximum: bool = False
    all: bool = False
    count: bool = False
    partial: tuple[int, int] | None = None
    """First and last result wanted, counted from 1; or from the end, from -1, and then the one nearer to it first."""
    save: bool = False
    update: bool = False
    context: bool = False
    items: tuple[FetchItem, ...] = ()
    """What UPDATE asks to be told of new messages among the results ([RFC5465] 7)."""

    @property
    def answers(self) -> bool:
        """Whether an ESEARCH response is due: SAVE by itself gives none ([RFC5182] 2.1)."""
        asked = (self.minimum, self.maximum, self.all, self.count, self.partial, self.update)
        return not self.save or any(asked)


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
    returns: Returns | None = None
    """None without RETURN: the reply is a SEARCH response ([RFC3501] 7.2.5)."""


class SortKey(Enum):
    """What SORT can sort by ([RFC5256] 3 BASE.6.4.SORT, [RFC5957] 4)."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    DISPLAYFROM = "DISPLAYFROM"
    DISPLAYTO = "DISPLAYTO"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One sort criterion."""

    key: SortKey
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """SORT or UID SORT ([RFC5256] 3, [RFC5267] 3)."""

    program: tuple[Criterion, ...]
    search: Search

    @property
    def uid(self) -> bool:
        """Whether it is UID SORT."""
        return self.search.uid


class Algorithm(Enum):
    """How THREAD threads ([RFC5256] 3)."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"
    REFERENCES = "REFERENCES"


@dataclass(frozen=True, slots=True)
class Thread:
    """THREAD or UID THREAD ([RFC5256] 3)."""

    algorithm: Algorithm
    search: Search

    @property
    def uid(self) -> bool:
        """Whether it is UID THREAD."""
        return self.search.uid


@dataclass(frozen=True, slots=True)
class CancelUpdate:
    """CANCELUPDATE ([RFC5267] 4.3.5)."""

    tags: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Comparator:
    """COMPARATOR ([RFC5255] 4.7)."""

    wanted: tuple[str, ...]
    """In the order of preference, each perhaps with `*` and a sign ahead; none: which one is active."""


class SourceKind(Enum):
    """Which mailboxes are searched ([RFC7377] 2.2, [RFC5465] 6)."""

    SELECTED = "SELECTED"
    INBOXES = "INBOXES"
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    SUBTREE_ONE = "SUBTREE-ONE"
    MAILBOXES = "MAILBOXES"


@dataclass(frozen=True, slots=True)
class Source:
    """One source option of ESEARCH."""

    kind: SourceKind
    mailboxes: tuple[MailboxName, ...] = ()
    """Of SUBTREE, SUBTREE_ONE and MAILBOXES."""


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """ESEARCH ([RFC7377] 4)."""

    sources: tuple[Source, ...]
    search: Search
    """It has `uid` and `returns`."""

    @property
    def uid(self) -> bool:
        """It works as UID SEARCH does ([RFC7377] 2.1)."""
        return True
