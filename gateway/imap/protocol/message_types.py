"""Values of the commands that write messages: APPEND STORE COPY MOVE UID EXPUNGE ([RFC3501] 6.3.11, 6.4)."""

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
class Append:
    """APPEND ([RFC3501] 6.3.11)."""

    mailbox: MailboxName
    flags: tuple[str, ...]
    date: int | None
    """Internal date in seconds since 1970-01-01 UTC; None: now."""
    message: bytes = field(repr=False)
