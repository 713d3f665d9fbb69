"""Values of the commands about quotas ([RFC9208] 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from gateway.imap.protocol.types import MailboxName


class Resource(NamedTuple):
    """A limit that SETQUOTA sets."""

    name: str
    """Upper case, such as `STORAGE`."""
    limit: int
    """In the units of the resource: STORAGE counts 1024 octets ([RFC9208] 5.1)."""


@dataclass(frozen=True, slots=True)
class GetQuota:
    """GETQUOTA: the root of a quota ([RFC9208] 4.1.1)."""

    root: str


@dataclass(frozen=True, slots=True)
class GetQuotaRoot:
    """GETQUOTAROOT: a mailbox ([RFC9208] 4.1.2)."""

    mailbox: MailboxName


@dataclass(frozen=True, slots=True)
class SetQuota:
    """SETQUOTA ([RFC9208] 4.1.3). Limits that are not named are lifted."""

    root: str
    limits: tuple[Resource, ...]
