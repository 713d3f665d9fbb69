"""The embedded directory provider, on SQLite or PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select

from directory import editing
from directory.apppasswords import AppPasswords
from directory.credentials import Hasher
from directory.model import Grant, GrantKind, Principal, PrincipalKind
from directory.names import account_key, address_key, dn_key
from directory.query import SPELLING, Query
from directory.rules import Rules
from directory.schema import grant_row, member, principal, proxy_address, value_index
from directory.secrets import PreparedPassword, Secrets
from directory.sharing import Sharing
from directory.sqlquery import condition


class SqlDirectory(Secrets, AppPasswords, Rules, Sharing):
    """DirectoryProvider with administration. One for a process, made after the fork; safe to use from many threads.

    Every changing method is a transaction of its own, or part of the `batch` around it.
    """

    def __init__(
        self,
        location: Path | str,
        *,
        domains: Iterable[str],
        hasher: Hasher | None = None,
        remember: float = 300,
        recheck: float = 0.5,
        key: Path | None = None,
    ) -> None:
        """Open the directory, and create or upgrade its tables where needed.

        Args:
            location: the path of a SQLite file in an existing folder, or a PostgreSQL URL.
            domains: the accepted domains.
            hasher: Argon2id with its cost.
            remember: seconds for which a verified password need not be verified again.
            recheck: seconds after which another process's change is seen at the latest on PostgreSQL (SQLite: at once).
            key: the key file that secrets are sealed under; None: sealing.KEY_FILE beside a SQLite file.

        Raises:
            DirectoryUnavailable: it cannot be opened.
        """
        super().__init__(location, hasher=hasher, remember=remember, recheck=recheck, key=key)
        self._domains = frozenset(name.lower() for name in domains)

    # Reading: DirectoryProvider

    def get(self, dn: str) -> Principal | None:
        """Find an entry by its distinguished name."""
        key = dn_key(dn)
        return self._one("dn", key, lambda: principal.c.dn_key == key) if "\0" not in key else None

    def by_id(self, principal_id: int) -> Principal | None:
        """Find an entry by its number."""
        return self._one("id", principal_id, lambda: principal.c.id == principal_id)

    def by_guid(self, guid: UUID) -> Principal | None:
        """Find an entry by its objectGUID."""
        return self._one("guid", guid, lambda: principal.c.guid == guid.bytes)

    def by_mailbox(self, mailbox_id: int) -> Principal | None:
        """Find the owner of a mailbox."""
        return self._one("mailbox", mailbox_id, lambda: principal.c.mailbox_id == mailbox_id)

    def by_address(self, address: str, *, within: float = 0.0) -> Principal | None:
        """Find an entry by its primary address or an alias."""
        key = address_key(address)
        if key is None:
            return None
        return self._one("address", key, lambda: principal.c.id == _owner_of(key), within)

    def by_account(self, name: str) -> Principal | None:
        """Find a sign-in name."""
        key = account_key(name)
        return self._one("account", key, lambda: principal.c.account_key == key) if key else None

    def search(
        self, query: Query, *, base: str | None = None, limit: int = 0, include_hidden: bool = False
    ) -> list[Principal]:
        """Find entries by a query, in the order of address lists."""
        statement = select(principal).where(condition(query, self._recognises)).order_by(*_ORDER)
        if not include_hidden:
            statement = statement.where(principal.c.hidden == 0)
        if base:
            key = dn_key(base)
            if "\0" in key:
                return []
            below = principal.c.dn_key.endswith("," + key, autoescape=True)
            statement = statement.where(or_(principal.c.dn_key == key, below))
        return self._entries(statement.limit(limit) if limit else statement)

    def everyone(self, kinds: Sequence[PrincipalKind] = ()) -> list[Principal]:
        """List all entries of some kinds (none given: of all), hidden ones too, in the order of address lists."""
        statement = select(principal).order_by(*_ORDER)
        return self._entries(statement.where(principal.c.kind.in_(kinds)) if kinds else statement)

    def verify_password(self, principal_id: int, password: str) -> bool:
        """Say whether this is the password; an unknown number takes as long as a wrong password."""
        phc = self._answer(("credential", principal_id), lambda: self._hash(principal_id))
        if phc is not None and self._verified.knows(principal_id, phc, password):
            return True
        good = self.hasher.verify(phc, password)
        if good and phc is not None:
            self._verified.remember(principal_id, phc, password)
        return good

    def remembers_password(self, principal_id: int, password: str, *, within: float = 0.0) -> bool:
        """Say whether `verify_password` would say yes at once, so that the caller need not leave its loop."""
        phc = self._answer(("credential", principal_id), lambda: self._hash(principal_id), within)
        return phc is not None and self._verified.knows(principal_id, phc, password)

    def members(self, group_id: int, *, within: float = 0.0) -> list[Principal]:
        """List the direct members of a group, in the order in which they were added."""
        return list(self._answer(("members", group_id), lambda: self._entries(_members_of(group_id)), within))

    def groups_of(self, principal_id: int) -> frozenset[int]:
        """Give the numbers of all groups that hold the entry, directly or through other groups."""
        return self._answer(("groups", principal_id), lambda: frozenset(self._column(_groups_above(principal_id))))

    def grants(self, owner_id: int) -> list[Grant]:
        """List the rights that others have on an owner's mailbox."""
        statement = select(grant_row).where(grant_row.c.owner_id == owner_id).order_by(*grant_row.primary_key.columns)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        found = []
        for row in rows:
            owner, delegate = self.by_id(row.owner_id), self.by_id(row.delegate_id)
            if owner is not None and delegate is not None:
                found.append(Grant(GrantKind(row.kind), owner, delegate))
        return found

    def is_granted(self, kind: GrantKind, owner_id: int, delegate_ids: Sequence[int]) -> bool:
        """Say whether any of the delegates was given the right."""
        holders = self._answer(
            ("grant", kind, owner_id), lambda: frozenset(self._column(_delegates_of(kind, owner_id)))
        )
        return not holders.isdisjoint(delegate_ids)

    def opened_by(self, delegate_ids: Sequence[int]) -> list[Principal]:
        """List the owners whose mailboxes these delegates may open."""
        owners = select(grant_row.c.owner_id).where(
            grant_row.c.delegate_id.in_(delegate_ids), grant_row.c.kind == GrantKind.FULL_ACCESS
        )
        return self._entries(select(principal).where(principal.c.id.in_(owners)).order_by(*_ORDER))

    def domains(self) -> frozenset[str]:
        """List the accepted domains, lower case."""
        return self._domains

    def generation(self) -> int:
        """Give a number that grows with every change of the directory."""
        return self._database.generation()

    # Administration

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Make the changes of the block one transaction; all or, when the block raises, none."""
        with self._database.write():
            yield

    def add_user(
        self,
        address: str,
        *,
        password: str | PreparedPassword | None = None,
        password_hash: str | None = None,
        display_name: str = "",
        aliases: Iterable[str] = (),
        account: str = "",
        attributes: Mapping[str, Iterable[str]] | None = None,
        enabled: bool = True,
        nt_hash: bool = False,
    ) -> Principal:
        """Add a user with a mailbox; without a password it cannot sign in.

        Inside a `batch` the password should come prepared (`prepare_password`): hashing is slow. `nt_hash` opts it in
        to an NT hash.

        Raises:
            InvalidEntry, DuplicateAddress, WeakOrEmptyPassword: as `add` and `set_password` say.
            SecretsUnavailable: as `enable_nt_hash` says.
        """
        if password_hash is not None:
            password = PreparedPassword(password_hash)
        elif isinstance(password, str):
            password = self.prepare_password(password)
        with self._database.write():
            made = self.add(
                PrincipalKind.USER,
                address,
                display_name=display_name,
                aliases=aliases,
                account=account,
                attributes=attributes,
                enabled=enabled,
            )
            if nt_hash:
                self.enable_nt_hash(made.id)
            if password is not None:
                self.set_password(made.id, password)
        return made

    def add(
        self,
        kind: PrincipalKind,
        address: str,
        *,
        display_name: str = "",
        aliases: Iterable[str] = (),
        account: str = "",
        attributes: Mapping[str, Iterable[str]] | None = None,
        enabled: bool = True,
        hidden: bool = False,
        shard: str = "",
    ) -> Principal:
        """Add an entry of any kind; kinds with a mailbox get a mailbox number, but the store makes the mailbox.

        Raises:
            InvalidEntry: a malformed address, name or attribute, or a domain that is not accepted here.
            DuplicateAddress: an address or the account name is taken.
        """
        entry = editing.NewEntry(
            kind=kind,
            address=address,
            display_name=display_name,
            aliases=tuple(aliases),
            account=account,
            attributes={name: tuple(values) for name, values in (attributes or {}).items()},
            enabled=enabled,
            hidden=hidden,
            shard=shard,
        )
        with self._database.write() as connection:
            number = editing.insert(self._database, connection, entry, self._domains)
            return self._fresh(number)

    def set_enabled(self, principal_id: int, enabled: bool) -> None:
        """Allow or forbid an entry to sign in and to get mail.

        Raises:
            UnknownPrincipal: no such entry.
        """
        with self._database.write() as connection:
            self._fresh(principal_id)
            editing.update(connection, principal_id, enabled=int(enabled))

    def change(
        self,
        principal_id: int,
        *,
        display_name: str | None = None,
        address: str | None = None,
        aliases: Iterable[str] | None = None,
    ) -> Principal:
        """Give an entry another display name, primary address or set of aliases (None: as it is); its DN stays.

        Raises:
            UnknownPrincipal, InvalidEntry, DuplicateAddress: as `add` says.
        """
        with self._database.write() as connection:
            entry = self._fresh(principal_id)
            given = None if aliases is None else tuple(aliases)
            editing.change(connection, entry, display_name, address, given, self._domains)
            editing.index(connection, self._fresh(principal_id))
            return self._fresh(principal_id)

    def set_attributes(self, principal_id: int, attributes: Mapping[str, Iterable[str]]) -> None:
        """Set attributes of an entry; one with no values is removed, others stay.

        Raises:
            UnknownPrincipal, InvalidEntry: no such entry, or a malformed name or value.
        """
        given = {name: tuple(values) for name, values in attributes.items()}
        with self._database.write() as connection:
            editing.set_attributes(connection, self._fresh(principal_id), given)
            editing.index(connection, self._fresh(principal_id))

    def remove(self, principal_id: int) -> Principal:
        """Remove an entry with its addresses, memberships and grants; give what it was. The store keeps its mailbox.

        Raises:
            UnknownPrincipal: no such entry.
        """
        with self._database.write() as connection:
            entry = self._fresh(principal_id)
            editing.delete(connection, principal_id)
        return entry

    def add_member(self, group_id: int, member_id: int) -> bool:
        """Put an entry into a group; False: it was there.

        Raises:
            UnknownPrincipal, InvalidEntry: no such entry, or the first is no group, or it is the group itself.
        """
        with self._database.write() as connection:
            return editing.add_member(connection, self._fresh(group_id), self._fresh(member_id))

    def remove_member(self, group_id: int, member_id: int) -> bool:
        """Take an entry out of a group; False: it was not there."""
        with self._database.write() as connection:
            gone = member.delete().where(member.c.group_id == group_id, member.c.member_id == member_id)
            return connection.execute(gone).rowcount > 0

    def grant(self, kind: GrantKind, owner_id: int, delegate_id: int) -> bool:
        """Give a right on a mailbox to a user or a group; False: it had it.

        Raises:
            UnknownPrincipal, InvalidEntry: no such entry, or one that cannot own or use a mailbox.
        """
        with self._database.write() as connection:
            return editing.grant(connection, kind, self._fresh(owner_id), self._fresh(delegate_id))

    def revoke(self, kind: GrantKind, owner_id: int, delegate_id: int) -> bool:
        """Take a right back; False: there was none."""
        row = (grant_row.c.kind == kind, grant_row.c.owner_id == owner_id, grant_row.c.delegate_id == delegate_id)
        with self._database.write() as connection:
            return connection.execute(grant_row.delete().where(*row)).rowcount > 0

    # Inside

    def _one(
        self, what: str, key: Any, where: Callable[[], ColumnElement[bool]], within: float = 0.0
    ) -> Principal | None:
        return self._answer(
            (what, key), lambda: next(iter(self._entries(select(principal).where(where()))), None), within
        )

    def _recognises(self, attribute: str) -> bool:
        used = self._answer(
            ("attributes",), lambda: frozenset(self._column(select(value_index.c.attribute).distinct()))
        )
        return attribute in SPELLING or attribute in used


_ORDER = (principal.c.sort_key, principal.c.id)


def _owner_of(key: str) -> Any:
    return select(proxy_address.c.principal_id).where(proxy_address.c.address_key == key).scalar_subquery()


def _members_of(group_id: int) -> Select[Any]:
    join = principal.join(member, member.c.member_id == principal.c.id)
    return select(principal).select_from(join).where(member.c.group_id == group_id).order_by(member.c.position)


def _groups_above(principal_id: int) -> Select[Any]:
    held = select(member.c.group_id).where(member.c.member_id == principal_id).cte("held", recursive=True)
    above = held.union(select(member.c.group_id).join(held, member.c.member_id == held.c.group_id))
    return select(above.c.group_id)


def _delegates_of(kind: GrantKind, owner_id: int) -> Select[Any]:
    return select(grant_row.c.delegate_id).where(grant_row.c.owner_id == owner_id, grant_row.c.kind == kind)
