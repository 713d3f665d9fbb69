"""The objects of the directory: values, never live rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID


class PrincipalKind(IntEnum):
    """What an entry is. Values 0 to 4 own a mailbox, and equal store.ids.MailboxKind."""

    USER = 0
    SHARED = 1
    ROOM = 2
    EQUIPMENT = 3
    PUBLIC = 4
    GROUP = 5
    CONTACT = 6

    @property
    def has_mailbox(self) -> bool:
        """Whether entries of this kind own a mailbox."""
        return self <= PrincipalKind.PUBLIC


class GrantKind(IntEnum):
    """What a delegate may do with the owner's mailbox; held in the directory, not in the store."""

    FULL_ACCESS = 0
    SEND_AS = 1
    SEND_ON_BEHALF = 2
    ADMINISTER = 3
    """Set how much the mailbox may hold."""


NO_ATTRIBUTES: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Principal:
    """One entry of the directory as it stood when it was read."""

    id: int
    """Small, positive and never reused; the MId of the address book is 0x10 above it ([MS-OXNSPI] 2.2.9.1)."""
    guid: UUID
    """objectGUID, and the GUID of the mailbox where there is one."""
    dn: str
    """distinguishedName, such as `CN=Alice Archer,OU=People,DC=example,DC=test`."""
    legacy_dn: str
    """legacyExchangeDN ([MS-OXLDAP] 2.2.3.2)."""
    kind: PrincipalKind
    account: str
    """The short sign-in name (sAMAccountName, mailNickname); unique without regard to case."""
    address: str
    """The primary SMTP address as it was given; empty never."""
    aliases: tuple[str, ...]
    """The other SMTP addresses."""
    display_name: str
    enabled: bool
    """False: no sign-in, and mail for it is refused."""
    hidden: bool
    """Hidden from address lists; still resolvable by its exact address."""
    mailbox_id: int | None
    """The number of the mailbox, or None where the kind has none."""
    shard: str
    """The shard that holds the mailbox; empty: the default one."""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_ATTRIBUTES, hash=False)
    """The other attributes by their LDAP name, such as `givenName` or `department`."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every SMTP address, the primary one first."""
        return (self.address, *self.aliases)


class Grant(NamedTuple):
    """A right that one principal gave another."""

    kind: GrantKind
    owner: Principal
    delegate: Principal
    """A user, or a group whose members all have the right."""
