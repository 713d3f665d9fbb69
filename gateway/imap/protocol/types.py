"""Values of the IMAP grammar: what the parser makes of a command, free of any wire syntax ([RFC3501] 9).

Text that the user sees (mailbox names, search strings, login names) is `str`; what is compared or echoed octet for
octet (tags, header field names, reply labels) is `bytes`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import Enum

STAR = 0
"""Stands for `*` in a SequenceSet: the largest number in use. No message has the number 0."""

INBOX = "INBOX"


@dataclass(frozen=True, slots=True)
class MailboxName:
    """A mailbox name or a LIST pattern, decoded from modified UTF-7 ([RFC3501] 5.1.3).

    INBOX, in any case, and as the first level of a longer name, is spelled `INBOX` here ([RFC3501] 5.1).
    """

    value: str
    raw: bytes = field(default=b"", compare=False)
    """The octets that the client sent."""

    @property
    def is_inbox(self) -> bool:
        """Whether this is the primary mailbox."""
        return self.value == INBOX


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A sequence set as sent: pairs (first, last), both included; a single number is a pair of equals.

    A pair may run backwards, pairs may overlap, and STAR may stand on either side. numset resolves it.
    """

    ranges: tuple[tuple[int, int], ...]


class FetchAttribute(Enum):
    """FETCH items without argument, by their name in the reply ([RFC3501] 6.4.5, [RFC7162] 3.1.4.2).

    They are the message attributes of [RFC3501] 2.3.1.1, 2.3.2, 2.3.3, 2.3.4, 2.3.5 and 2.3.6.
    """

    FLAGS = b"FLAGS"
    UID = b"UID"
    INTERNALDATE = b"INTERNALDATE"
    RFC822_SIZE = b"RFC822.SIZE"
    ENVELOPE = b"ENVELOPE"
    BODY = b"BODY"
    """BODYSTRUCTURE without extension data."""
    BODYSTRUCTURE = b"BODYSTRUCTURE"
    MODSEQ = b"MODSEQ"


class SectionKind(Enum):
    """What of a part is wanted ([RFC3501] 6.4.5)."""

    WHOLE = b""
    """`BODY[]`, or with part numbers the body of that part."""
    HEADER = b"HEADER"
    HEADER_FIELDS = b"HEADER.FIELDS"
    HEADER_FIELDS_NOT = b"HEADER.FIELDS.NOT"
    TEXT = b"TEXT"
    MIME = b"MIME"


@dataclass(frozen=True, slots=True)
class Section:
    """A section specification: part numbers, what of the part, and for HEADER_FIELDS(_NOT) the field names."""

    numbers: tuple[int, ...] = ()
    kind: SectionKind = SectionKind.WHOLE
    fields: tuple[bytes, ...] = ()
    """Upper case."""


@dataclass(frozen=True, slots=True)
class BodySection:
    """`BODY[...]`, `BODY.PEEK[...]`, `RFC822`, `RFC822.HEADER` or `RFC822.TEXT` ([RFC3501] 6.4.5)."""

    section: Section
    peek: bool
    """False: fetching it sets \\Seen."""
    partial: tuple[int, int] | None
    """(first octet, most octets) of `<0.2048>`."""
    label: bytes
    """The name of the item in the reply, such as `BODY[1.MIME]<0>` or `RFC822.HEADER` ([RFC3501] 7.4.2)."""


FetchItem = FetchAttribute | BodySection


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH or UID FETCH ([RFC3501] 6.4.5, 6.4.8).

    Macros are expanded, doubles removed. The items that a command implies are in `items`: UID for UID FETCH, MODSEQ for
    CHANGEDSINCE ([RFC7162] 3.1.4.1).
    """

    messages: SequenceSet
    items: tuple[FetchItem, ...]
    uid: bool = False
    changed_since: int | None = None


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


class StoreAction(Enum):
    """What STORE does with its flags."""

    REPLACE = b"FLAGS"
    ADD = b"+FLAGS"
    REMOVE = b"-FLAGS"


@dataclass(frozen=True, slots=True)
class Store:
    """STORE or UID STORE ([RFC3501] 6.4.6, [RFC7162] 3.1.3)."""

    messages: SequenceSet
    action: StoreAction
    flags: tuple[str, ...]
    """System flags in the RFC's spelling, keywords as sent, doubles removed."""
    silent: bool = False
    unchanged_since: int | None = None
    uid: bool = False


@dataclass(frozen=True, slots=True)
class Copy:
    """COPY or UID COPY ([RFC3501] 6.4.7)."""

    messages: SequenceSet
    mailbox: MailboxName
    uid: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """MOVE or UID MOVE ([RFC6851] 3.1, 3.2)."""

    messages: SequenceSet
    mailbox: MailboxName
    uid: bool = False


@dataclass(frozen=True, slots=True)
class UidExpunge:
    """UID EXPUNGE ([RFC4315] 2.1)."""

    messages: SequenceSet


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND ([RFC3501] 6.3.11)."""

    mailbox: MailboxName
    flags: tuple[str, ...]
    date: int | None
    """Internal date in seconds since 1970-01-01 UTC; None: now."""
    message: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT or EXAMINE ([RFC3501] 6.3.1, 6.3.2)."""

    mailbox: MailboxName
    read_only: bool
    """EXAMINE."""
    condstore: bool = False
    """The CONDSTORE parameter was given ([RFC7162] 3.1.8)."""


@dataclass(frozen=True, slots=True)
class OneMailbox:
    """DELETE, SUBSCRIBE, UNSUBSCRIBE: one mailbox name ([RFC3501] 6.3.4, 6.3.6, 6.3.7)."""

    mailbox: MailboxName


@dataclass(frozen=True, slots=True)
class Create:
    """CREATE ([RFC3501] 6.3.3), with the special uses of [RFC6154] 3."""

    mailbox: MailboxName
    """A trailing hierarchy separator is kept; it declares that children will follow."""
    special_use: tuple[str, ...] = ()
    """`\\\\Sent` and the like, as sent."""


@dataclass(frozen=True, slots=True)
class Rename:
    """RENAME ([RFC3501] 6.3.5)."""

    source: MailboxName
    target: MailboxName


class ListOption(Enum):
    """Selection and return options of LIST that SPECIAL-USE needs ([RFC6154] 2, [RFC5258] 3.1, 3.2)."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"
    CHILDREN = b"CHILDREN"


@dataclass(frozen=True, slots=True)
class List:
    """LIST or LSUB ([RFC3501] 6.3.8, 6.3.9)."""

    reference: MailboxName
    patterns: tuple[MailboxName, ...]
    """One, or several in the extended form; none where those sent can match nothing ([RFC3501] 5.1.3)."""
    subscribed_only: bool = False
    """LSUB."""
    select: frozenset[ListOption] = frozenset()
    returns: frozenset[ListOption] = frozenset()


class StatusItem(Enum):
    """The counts that STATUS can ask for ([RFC3501] 6.3.10, [RFC7162] 3.1.7)."""

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS ([RFC3501] 6.3.10)."""

    mailbox: MailboxName
    items: tuple[StatusItem, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """LOGIN ([RFC3501] 6.2.3)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE ([RFC3501] 6.2.2, [RFC4959] 3)."""

    mechanism: str
    """Upper case."""
    initial_response: bytes | None = field(default=None, repr=False)
    """Still base64; `=` stands for an empty one; None if there is none."""


@dataclass(frozen=True, slots=True)
class Id:
    """ID ([RFC2971] 3.1)."""

    parameters: tuple[tuple[str, str | None], ...] | None
    """None for NIL."""


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE ([RFC5161] 3.1)."""

    capabilities: tuple[str, ...]
    """Upper case."""


@dataclass(frozen=True, slots=True)
class NoArguments:
    """CAPABILITY NOOP LOGOUT STARTTLS CHECK CLOSE EXPUNGE UNSELECT IDLE NAMESPACE."""


NO_ARGUMENTS = NoArguments()

Arguments = (
    NoArguments
    | Login
    | Authenticate
    | Id
    | Enable
    | Select
    | OneMailbox
    | Create
    | Rename
    | List
    | Status
    | Append
    | Fetch
    | Search
    | Store
    | Copy
    | Move
    | UidExpunge
)


@dataclass(frozen=True, slots=True)
class Command:
    """One parsed command."""

    tag: bytes
    name: str
    """Upper case. The UID forms of FETCH, SEARCH, STORE, COPY, MOVE have the plain name and `uid=True` in `args`;
    `UID EXPUNGE` has its own."""
    args: Arguments


class BadCommand(Exception):
    """A command that breaks the grammar or a limit: answer `tag BAD text` ([RFC3501] 7.1.3).

    The tag is `*` where none could be read. The text is fit for the wire.
    """

    def __init__(self, tag: bytes, text: str) -> None:
        super().__init__(text)
        self.tag = tag
        self.text = text


class BadMailboxName(BadCommand):
    """A well-formed string that no mailbox can have as its name ([RFC3501] 5.1.3): answer `tag NO [CANNOT] text`."""


class UnsupportedCharset(BadCommand):
    """SEARCH in a charset that is not known: answer `tag NO [BADCHARSET (charsets)] text` ([RFC3501] 6.4.4, 7.1)."""

    def __init__(self, tag: bytes, text: str, charsets: tuple[str, ...]) -> None:
        super().__init__(tag, text)
        self.charsets = charsets
