"""From an address to the mailboxes that get the mail."""

from __future__ import annotations

from dataclasses import dataclass

from directory.model import Principal, PrincipalKind
from directory.provider import DirectoryProvider

MAX_MEMBERS = 100_000
"""Entries that one expansion visits at most; beyond, the group is refused rather than half delivered."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What an address stands for."""

    principal: Principal | None
    """The entry that has the address; None: nobody has it."""
    mailboxes: tuple[Principal, ...] = ()
    """Every mailbox that gets the mail, each once, in the order of first mention; disabled members left out."""
    contacts: tuple[Principal, ...] = ()
    """Outside addresses among the members of a group, or the contact itself."""
    too_many: bool = False
    """The group is larger than MAX_MEMBERS; nothing is listed."""

    @property
    def unknown(self) -> bool:
        """Nobody has the address."""
        return self.principal is None


def expand(provider: DirectoryProvider, address: str, *, within: float = 0.0) -> Expansion:
    """Find who gets the mail for an address; groups to any depth, circles are harmless ([RFC5321] 3.9.2).

    `within` is what DirectoryProvider says of it.
    """
    principal = provider.by_address(address, within=within)
    if principal is None:
        return Expansion(None)
    if principal.kind.has_mailbox:
        return Expansion(principal, (principal,))
    if principal.kind is PrincipalKind.CONTACT:
        return Expansion(principal, (), (principal,))
    mailboxes: list[Principal] = []
    contacts: list[Principal] = []
    seen = {principal.id}
    queue = [principal] if principal.enabled else []
    for group in queue:  # grows while it is walked: breadth first, so that order is that of first mention
        for member in provider.members(group.id, within=within):
            if member.id in seen or not member.enabled:
                continue
            seen.add(member.id)
            if len(seen) > MAX_MEMBERS:
                return Expansion(principal, too_many=True)
            if member.kind is PrincipalKind.GROUP:
                queue.append(member)
            elif member.kind is PrincipalKind.CONTACT:
                contacts.append(member)
            else:
                mailboxes.append(member)
    return Expansion(principal, tuple(mailboxes), tuple(contacts))
