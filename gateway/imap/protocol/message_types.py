"""Values of the commands that write messages: APPEND REPLACE STORE COPY MOVE UID EXPUNGE ([RFC3501] 6.3.11, 6.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gateway.imap.protocol.types import MailboxName, SequenceSet


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
class UrlPart:
    """A part of a message that is put together: what an IMAP URL names ([RFC4469] 3)."""

    url: bytes
    """As the client sent it."""


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message of APPEND or REPLACE, with its options ([RFC3501] 6.3.11, [RFC4466] 2.7)."""

    flags: tuple[str, ...]
    date: int | None
    """Internal date in seconds since 1970-01-01 UTC; None: now."""
    parts: tuple[bytes | UrlPart, ...] = field(repr=False)
    """One text, or with CATENATE the texts and URLs that make the message ([RFC4469] 3)."""
    catenate: bool = False
    """It came with CATENATE."""
    binary: bool = False
    """A text came as literal8, which may hold NUL ([RFC3516] 4.4)."""
    utf8: bool = False
    """A text came within UTF8 (...) ([RFC6855] 4)."""


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND ([RFC3501] 6.3.11, [RFC3502] 6.3.11)."""

    mailbox: MailboxName
    messages: tuple[NewMessage, ...]
    """At least one."""


@dataclass(frozen=True, slots=True)
class Replace:
    """REPLACE or UID REPLACE ([RFC8508] 3.2, 3.3)."""

    target: int
    """The number or UID of the message that goes; STAR for `*`."""
    mailbox: MailboxName
    message: NewMessage
    uid: bool = False
