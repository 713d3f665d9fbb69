"""Values of GETMETADATA and SETMETADATA ([RFC5464] 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gateway.imap.protocol.types import MailboxName

INFINITY = -1
"""The depth that takes in everything below ([RFC5464] 4.2.2)."""


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """GETMETADATA ([RFC5464] 4.2). An empty mailbox name is the server."""

    mailbox: MailboxName
    entries: tuple[str, ...]
    """Names such as `/private/comment`, in lower case: they are the same in any ([RFC5464] 3.1)."""
    max_size: int | None = None
    """Longer values are left out ([RFC5464] 4.2.1)."""
    depth: int = 0
    """0, 1 or INFINITY: what lies below the entries ([RFC5464] 4.2.2)."""


class EntryValue(NamedTuple):
    """An entry that SETMETADATA sets."""

    name: str
    value: bytes | None
    """None removes it."""


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """SETMETADATA ([RFC5464] 4.3)."""

    mailbox: MailboxName
    entries: tuple[EntryValue, ...]
