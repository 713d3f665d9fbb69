"""Other people's mailboxes, as far as a user may see into them: full access by the directory, rights by the folder.

    sharing = Sharing(directory, store)          # one a worker; every call is a short, blocking look-up
    guest = sharing.guest(logon)                 # one a session: who it is, groups included
    for owner in sharing.others(guest): ...      # mailboxes worth asking (docs/decisions/0016)
    mailbox = sharing.open(guest, owner)         # its rights are checked by the store at every call

What a user is granted and which groups it is in is asked anew after STALE seconds, also for a mailbox that is open
already; while the directory is away the last answer stands, and it is asked again as seldom.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Protocol
from uuid import UUID

from directory.errors import ProviderError
from directory.grants import may_administer, may_open
from directory.model import Principal, PrincipalKind
from directory.provider import DirectoryProvider
from directory.sharing import EVERYBODY
from gateway.services.logon import Logon
from store.ids import MailboxRef
from store.mailbox import Mailbox
from store.permissions import ANONYMOUS, DEFAULT, NONE, Rights
from store.store import Store

STALE = 5.0
"""Seconds after which a right that was taken away in the directory is gone at the latest."""


Change = Callable[[Rights], Rights | None]
"""Makes the new rights of a member of those it has; None removes the member."""


class SharingDirectory(DirectoryProvider, Protocol):
    """The part of the directory that this wants."""

    def shown_to(self, principal_ids: Iterable[int]) -> tuple[Principal, ...]:
        """List the owners of mailboxes of which these principals, or everybody, may see something."""

    def public_mailboxes(self) -> tuple[Principal, ...]:
        """List the public mailboxes."""

    def show(self, owner_id: int, principal_id: int) -> None:
        """Note that a principal is about to see something of a mailbox."""

    def set_shown(self, owner_id: int, read: Callable[[], frozenset[int]]) -> bool:
        """Bring the index of a mailbox to what `read` gives."""

    def server_entries(self) -> dict[str, bytes]:
        """Give the annotations of the server."""


def principal_of(entry: Principal) -> bytes:
    """Give the name of a user or group in the stores' permissions."""
    return entry.guid.bytes_le


def guid_of(principal: bytes) -> str:
    """Call a member of a folder's permissions by its GUID: that is all there is of one who has left the directory."""
    return str(UUID(bytes_le=principal)) if len(principal) == 16 else principal.hex()


def principal_of_guid(text: str) -> bytes | None:
    """Give the member that `guid_of` calls so; None: the text is no GUID."""
    try:
        return UUID(text).bytes_le
    except ValueError:
        return None


def ref_of(owner: Principal) -> MailboxRef:
    """Give the place of an owner's mailbox."""
    assert owner.mailbox_id is not None
    return MailboxRef(owner.mailbox_id, owner.guid, owner.shard)


class Guest:
    """Who a session is in other people's mailboxes; made by `Sharing.guest`."""

    __slots__ = ("_asked", "_directory", "groups", "home", "principals", "user")

    def __init__(self, directory: SharingDirectory, user: Principal, home: Principal) -> None:
        self.user = user
        self.home = home
        """The owner of the mailbox that was signed in to."""
        self._directory = directory
        self._asked = -1e9
        self.groups: frozenset[int] = frozenset()
        self.principals: tuple[bytes, ...] = (principal_of(user),)

    def refresh(self) -> None:
        """Ask for the groups again when the last answer is stale. ProviderError only the first time."""
        now = time.monotonic()
        if now - self._asked < STALE:
            return
        try:
            groups = self._directory.groups_of(self.user.id)
            found = [self._directory.by_id(group) for group in sorted(groups)]
        except ProviderError:
            if self._asked < 0:
                raise
            self._asked = time.monotonic()  # later than `now`: it may have taken long to find out
            return
        self._asked = now
        self.groups = groups
        enabled = [principal_of(group) for group in found if group is not None and group.enabled]
        self.principals = (principal_of(self.user), *enabled)


class _Visitor:
    """Says at every call of a store who opened a mailbox: the guest with its groups, or, by a grant, the owner."""

    __slots__ = ("_asked", "_directory", "_full", "_guest", "_owner")

    def __init__(self, directory: SharingDirectory, guest: Guest, owner: Principal) -> None:
        self._directory = directory
        self._guest = guest
        self._owner = owner
        self._asked = -1e9
        self._full = False

    def __call__(self) -> tuple[bytes, ...] | None:
        now = time.monotonic()
        if now - self._asked >= STALE:
            try:
                self._full = may_open(self._directory, self._guest.user, self._owner)
                self._guest.refresh()
                self._asked = now
            except ProviderError:
                if self._asked < 0:
                    raise
                self._asked = time.monotonic()
        return None if self._full else self._guest.principals


class Sharing:
    """The shared mailboxes of a worker. Its calls block: where directory and store are not local, use a thread."""

    def __init__(self, directory: SharingDirectory, store: Store) -> None:
        self._directory = directory
        self._store = store

    def guest(self, logon: Logon) -> Guest:
        """Say who a session is in others' mailboxes."""
        return Guest(self._directory, logon.user, logon.owner)

    def others(self, guest: Guest) -> list[Principal]:
        """List the owners of mailboxes that the guest may see something of, by address. Raises ProviderError."""
        guest.refresh()
        ids = (guest.user.id, *guest.groups)
        found = {one.id: one for one in self._directory.shown_to(ids)}
        found.update((one.id, one) for one in self._directory.opened_by(ids))
        if guest.user.id != guest.home.id:
            found[guest.user.id] = guest.user
        found.pop(guest.home.id, None)
        usable = (one for one in found.values() if _is_other(one))
        return sorted(usable, key=lambda one: one.address.lower())

    def public(self) -> list[Principal]:
        """List the public mailboxes, by address. Raises ProviderError."""
        return [one for one in self._directory.public_mailboxes() if _is_usable(one)]

    def find(self, guest: Guest, address: str, *, public: bool) -> Principal | None:
        """Find the owner of another mailbox, or of a public one, by its primary address. Raises ProviderError."""
        found = self._directory.by_address(address)
        if found is None or found.address.lower() != address.lower() or found.id == guest.home.id:
            return None
        fits = found.kind is PrincipalKind.PUBLIC and _is_usable(found) if public else _is_other(found)
        return found if fits else None

    def open(self, guest: Guest, owner: Principal) -> Mailbox:
        """Open another's mailbox as the guest; what it sees there is the store's business. Raises NotFound."""
        return self._store.open(ref_of(owner), as_user=_Visitor(self._directory, guest, owner))

    def owner_of(self, mailbox: Mailbox) -> Principal | None:
        """Find whose mailbox it is. Raises ProviderError."""
        return self._directory.by_mailbox(mailbox.ref.id)

    def may_administer(self, guest: Guest, owner: Principal) -> bool:
        """Say whether the guest may set the limits of a mailbox. Raises ProviderError."""
        return may_administer(self._directory, guest.user, owner)

    def by_address(self, address: str) -> Principal | None:
        """Find a user or a group by its address. Raises ProviderError."""
        return self._directory.by_address(address)

    def by_principal(self, principal: bytes) -> Principal | None:
        """Find whom a member of a folder's permissions stands for. Raises ProviderError."""
        return entry_of(self._directory, principal)

    def server_entries(self) -> dict[str, bytes]:
        """Give the annotations of the server. Raises ProviderError."""
        return self._directory.server_entries()

    def administered(self, owner: Principal) -> Mailbox:
        """Open a mailbox to set its limits; the caller knows that the user may. Raises NotFound."""
        return self._store.open(ref_of(owner))

    def change_permission(self, mailbox: Mailbox, folder_id: int, principal: bytes, change: Change) -> None:
        """Change the rights of a member of a folder, and keep the index of who sees what.

        `change` makes new rights of those that are there; None removes the member. Raises what
        Mailbox.change_permission does, and ProviderError.
        """
        owner = self._directory.by_mailbox(mailbox.ref.id)
        held = next((one.rights for one in mailbox.permissions(folder_id) if one.principal == principal), NONE)
        wanted = change(held)
        if owner is not None and wanted is not None and wanted & Rights.FOLDER_VISIBLE:
            number = _number(self._directory, principal)
            if number is not None:
                self._directory.show(owner.id, number)
        mailbox.change_permission(folder_id, principal, change)
        if owner is not None:
            self.bring_index_up_to_date(mailbox, owner)

    def bring_index_up_to_date(self, mailbox: Mailbox, owner: Principal) -> bool:
        """Let the index say of a mailbox what its permissions say; False: it did already. Raises ProviderError."""

        def read() -> frozenset[int]:
            numbers = (_number(self._directory, principal) for principal in mailbox.shown_to())
            return frozenset(number for number in numbers if number is not None)

        return self._directory.set_shown(owner.id, read)


def entry_of(directory: DirectoryProvider, principal: bytes) -> Principal | None:
    """Find whom a member of a folder's permissions stands for; None for Default, Anonymous and those that are gone."""
    return directory.by_guid(UUID(bytes_le=principal)) if len(principal) == 16 else None


def _number(directory: DirectoryProvider, principal: bytes) -> int | None:
    if principal == DEFAULT:
        return EVERYBODY
    found = None if principal == ANONYMOUS else entry_of(directory, principal)
    return None if found is None else found.id


def _is_usable(owner: Principal) -> bool:
    """Whether the mailbox can be named: its address is one level of a mailbox name."""
    return owner.mailbox_id is not None and "/" not in owner.address


def _is_other(owner: Principal) -> bool:
    return owner.kind is not PrincipalKind.PUBLIC and _is_usable(owner)
