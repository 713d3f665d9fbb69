"""What a delivery says of recipients and messages, for front ends to put into words."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from directory.model import Principal
from store.errors import StoreError


class Refusal(Enum):
    """Why a recipient or a message is not taken, where no store error says it. Front ends have the wire texts."""

    UNKNOWN = auto()
    """Nobody has the address in an accepted domain."""
    RELAY = auto()
    """The domain is not ours, or the address is a contact outside."""
    DISABLED = auto()
    """The entry is disabled."""
    FULL = auto()
    """The mailbox is over its quota."""
    EMPTY_GROUP = auto()
    """A group without any mailbox."""
    TOO_MANY_MEMBERS = auto()
    """A group over the limit of directory.recipients."""
    MAIL_LOOP = auto()
    """Too many Received fields ([RFC5321] 6.3)."""
    HEADER_TOO_LARGE = auto()
    """The header is over the limit."""
    TOO_LARGE = auto()
    """The message is over the limit."""
    TEMPORARY = auto()
    """Come again later; nothing was kept."""


Problem = Refusal | StoreError


class Recipient(NamedTuple):
    """What an address came to."""

    address: str
    mailboxes: tuple[Principal, ...] = ()
    """Each once; empty when refused."""
    refusal: Refusal | None = None


class Outcome(NamedTuple):
    """What became of one recipient of a message."""

    recipient: str
    problem: Problem | None = None

    @property
    def ok(self) -> bool:
        """Whether the responsibility for this recipient was taken."""
        return self.problem is None
