"""Values of the commands about access rights ([RFC4314] 3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.imap.protocol.types import MailboxName


class RightsChange(Enum):
    """What SETACL does with the rights that are there ([RFC4314] 3.1)."""

    REPLACE = b""
    ADD = b"+"
    REMOVE = b"-"


@dataclass(frozen=True, slots=True)
class Acl:
    """GETACL and MYRIGHTS: one mailbox ([RFC4314] 3.3, 3.5)."""

    mailbox: MailboxName


@dataclass(frozen=True, slots=True)
class Identified:
    """DELETEACL and LISTRIGHTS: a mailbox and an identifier ([RFC4314] 3.2, 3.4)."""

    mailbox: MailboxName
    identifier: str


@dataclass(frozen=True, slots=True)
class SetAcl:
    """SETACL ([RFC4314] 3.1)."""

    mailbox: MailboxName
    identifier: str
    change: RightsChange
    rights: str
    """Letters, as sent."""
