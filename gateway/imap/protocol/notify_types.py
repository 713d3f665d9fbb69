"""Values of NOTIFY ([RFC5465] 3.1, 5, 6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.imap.protocol.fetch_types import FetchItem
from gateway.imap.protocol.types import MailboxName


class Scope(Enum):
    """Which mailboxes a group of events is about ([RFC5465] 6)."""

    SELECTED = b"SELECTED"
    SELECTED_DELAYED = b"SELECTED-DELAYED"
    INBOXES = b"INBOXES"
    PERSONAL = b"PERSONAL"
    SUBSCRIBED = b"SUBSCRIBED"
    SUBTREE = b"SUBTREE"
    MAILBOXES = b"MAILBOXES"


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events of some mailboxes ([RFC5465] 8 `event-group`)."""

    scope: Scope
    events: tuple[str, ...]
    """Upper case, whether they exist or not; empty for NONE."""
    mailboxes: tuple[MailboxName, ...] = ()
    """Of SUBTREE and MAILBOXES."""
    items: tuple[FetchItem, ...] = ()
    """What to tell of new messages, in the selected mailbox only."""


@dataclass(frozen=True, slots=True)
class Notify:
    """NOTIFY ([RFC5465] 3.1)."""

    groups: tuple[EventGroup, ...]
    """Empty for NOTIFY NONE."""
    status: bool = False
