"""What every source of directory data offers to the rest of the program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from directory.model import Grant, GrantKind, Principal
from directory.query import Query


class DirectoryProvider(Protocol):
    """Read access to a directory. Calls are synchronous, thread-safe, and short unless they say otherwise.

    A lookup that finds nothing returns None or an empty list; DirectoryUnavailable means that nobody knows.
    `within` allows an answer that was right so many seconds ago, which may spare asking whether the directory changed.
    """

    def get(self, dn: str) -> Principal | None:
        """Find an entry by its distinguished name."""

    def by_id(self, principal_id: int) -> Principal | None:
        """Find an entry by its number."""

    def by_guid(self, guid: UUID) -> Principal | None:
        """Find an entry by its objectGUID, which is also its mailbox's."""

    def by_mailbox(self, mailbox_id: int) -> Principal | None:
        """Find the owner of a mailbox."""

    def by_address(self, address: str, *, within: float = 0.0) -> Principal | None:
        """Find an entry of any kind by its primary address or an alias, without regard to case."""

    def by_account(self, name: str) -> Principal | None:
        """Find a sign-in name (no domain), without regard to case."""

    def search(
        self, query: Query, *, base: str | None = None, limit: int = 0, include_hidden: bool = False
    ) -> list[Principal]:
        """Find entries by a query, in the order of their display names.

        `base` is a DN that the entries lie below (or are). At most `limit` entries; 0 sets no limit. Entries hidden
        from address lists are left out unless asked for.
        """

    def verify_password(self, principal_id: int, password: str) -> bool:
        """Say whether this is the password. Slow on purpose (tens of milliseconds) unless it was verified lately."""

    def members(self, group_id: int, *, within: float = 0.0) -> list[Principal]:
        """List the direct members of a group; groups among them are not expanded."""

    def groups_of(self, principal_id: int) -> frozenset[int]:
        """Give the numbers of all groups that hold the entry, directly or through other groups."""

    def grants(self, owner_id: int) -> list[Grant]:
        """List the rights that others have on an owner's mailbox."""

    def is_granted(self, kind: GrantKind, owner_id: int, delegate_ids: Sequence[int]) -> bool:
        """Say whether any of the delegates (a user and its groups) was given the right."""

    def opened_by(self, delegate_ids: Sequence[int]) -> list[Principal]:
        """List the owners whose mailboxes these delegates may open (GrantKind.FULL_ACCESS)."""

    def domains(self) -> frozenset[str]:
        """List the accepted domains, lower case: an unknown local part there is an error, elsewhere it is relaying."""

    def generation(self) -> int:
        """Give a number that grows with every change of the directory."""
