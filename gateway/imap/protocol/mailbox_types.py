"""Values of the commands about mailboxes: SELECT CREATE RENAME LIST STATUS and their like ([RFC3501] 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.imap.protocol.types import MailboxName, SequenceSet


@dataclass(frozen=True, slots=True)
class Resync:
    """What a client knows of a mailbox from an earlier session ([RFC7162] 3.2.5)."""

    uidvalidity: int
    modseq: int
    uids: SequenceSet | None = None
    """The UIDs that it knows; None: all that there could be ([RFC7162] 3.2.5.1)."""
    match: tuple[SequenceSet, SequenceSet] | None = None
    """Some message numbers and their UIDs, pair by pair ([RFC7162] 3.2.5.2)."""


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT or EXAMINE ([RFC3501] 6.3.1, 6.3.2)."""

    mailbox: MailboxName
    read_only: bool
    """EXAMINE."""
    condstore: bool = False
    """The CONDSTORE parameter was given ([RFC7162] 3.1.8)."""
    qresync: Resync | None = None
    """The QRESYNC parameter ([RFC7162] 3.2.5)."""


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
    """Selection and return options of LIST that stand alone ([RFC5258] 3.1, 3.2, [RFC6154] 2, [RFC8440] 3)."""

    SUBSCRIBED = b"SUBSCRIBED"
    REMOTE = b"REMOTE"
    RECURSIVEMATCH = b"RECURSIVEMATCH"
    SPECIAL_USE = b"SPECIAL-USE"
    CHILDREN = b"CHILDREN"
    MYRIGHTS = b"MYRIGHTS"


class StatusItem(Enum):
    """What STATUS can ask for ([RFC3501] 6.3.10, [RFC9051] 6.3.11)."""

    __hash__ = object.__hash__  # Enum's own takes as long as what is looked up by it

    MESSAGES = b"MESSAGES"
    RECENT = b"RECENT"
    UIDNEXT = b"UIDNEXT"
    UIDVALIDITY = b"UIDVALIDITY"
    UNSEEN = b"UNSEEN"
    HIGHESTMODSEQ = b"HIGHESTMODSEQ"
    """[RFC7162] 3.1.7."""
    SIZE = b"SIZE"
    """[RFC8438] 3."""
    DELETED = b"DELETED"
    """[RFC9208] 4.1.4, [RFC9051] 6.3.11."""
    DELETED_STORAGE = b"DELETED-STORAGE"
    """[RFC9208] 4.1.4."""
    APPENDLIMIT = b"APPENDLIMIT"
    """[RFC7889] 3."""
    MAILBOXID = b"MAILBOXID"
    """[RFC8474] 4.3."""


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
    extended: bool = False
    """The form with options or several patterns ([RFC5258] 3)."""
    status: tuple[StatusItem, ...] = ()
    """RETURN (STATUS (...)) ([RFC5819] 2)."""
    metadata: tuple[str, ...] = ()
    """RETURN (METADATA (...)): names of entries, in lower case ([RFC9590] 3)."""


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS ([RFC3501] 6.3.10)."""

    mailbox: MailboxName
    items: tuple[StatusItem, ...]
