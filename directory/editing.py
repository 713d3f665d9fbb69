"""Changes of the embedded directory: each function works inside a transaction of its caller."""

from __future__ import annotations

import dataclasses
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, or_, select

from directory.database import Database
from directory.errors import DuplicateAddress, InvalidEntry
from directory.indexing import sort_key, values_of
from directory.model import GrantKind, Principal, PrincipalKind
from directory.names import account_key, address_key, checked_address, checked_text, dn_key, make_dn
from directory.query import CORE_ATTRIBUTES, SPELLING, attribute_key
from directory.schema import (
    app_password,
    credential,
    grant_row,
    member,
    principal,
    proxy_address,
    secret,
    shown_mailbox,
    signin_rule,
    value_index,
)

LEGACY_DN = "/o=oxgate/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn={}"
"""legacyExchangeDN of a new entry ([MS-OXOABK] 2.2.1.1), unique by its GUID."""
MAX_VALUES = 1000
"""Values of one attribute."""

_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_ACCOUNT = re.compile(r'[^\s"/\\\[\]:;|=,+*?<>\x00-\x1f\x7f]{1,254}')
_CORE = frozenset(name.lower() for name in CORE_ATTRIBUTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What is asked for; `insert` checks it."""

    kind: PrincipalKind
    address: str
    display_name: str
    aliases: tuple[str, ...]
    account: str
    attributes: Mapping[str, tuple[str, ...]]
    enabled: bool
    hidden: bool
    shard: str


def insert(database: Database, connection: Connection, new: NewEntry, domains: frozenset[str]) -> int:
    """Add an entry and everything it is found by; give its number.

    Raises:
        InvalidEntry: a malformed address, name or attribute, or a domain that is not accepted here.
        DuplicateAddress: an address or the account name is taken.
    """
    address = checked_address(new.address)
    aliases = tuple(dict.fromkeys(checked_address(alias) for alias in new.aliases))
    keys = _free_keys(connection, (address, *aliases))
    domain = keys[0].rpartition("@")[2]
    if new.kind is not PrincipalKind.CONTACT:
        _check_domain(keys[0], domains)
    name = checked_text(new.display_name, "a display name", 256) or address.rpartition("@")[0]
    attributes = _checked_attributes(new.attributes)
    account = _account(connection, new, address)
    guid = uuid.uuid4()
    dn = _free_dn(connection, new.kind, name, account or address, domain)
    number = database.counter(connection, "next_principal")
    now = int(time.time())
    entry = Principal(
        id=number,
        guid=guid,
        dn=dn,
        legacy_dn=LEGACY_DN.format(guid.hex),
        kind=new.kind,
        account=account,
        address=address,
        aliases=aliases,
        display_name=name,
        enabled=new.enabled,
        hidden=new.hidden,
        mailbox_id=database.counter(connection, "next_mailbox") if new.kind.has_mailbox else None,
        shard=new.shard,
        attributes=attributes,
    )
    row: dict[str, Any] = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    row.update(
        guid=guid.bytes,
        dn_key=dn_key(dn),
        kind=int(new.kind),
        account_key=account_key(account),
        aliases=json.dumps(aliases, ensure_ascii=False),
        sort_key=sort_key(name),
        enabled=int(new.enabled),
        hidden=int(new.hidden),
        attributes=json.dumps(attributes, ensure_ascii=False),
        created=now,
        changed=now,
    )
    connection.execute(principal.insert(), row)
    connection.execute(proxy_address.insert(), [{"address_key": key, "principal_id": number} for key in keys])
    _index_rows(connection, entry)
    return number


def index(connection: Connection, entry: Principal) -> None:
    """Write anew what an entry is found by."""
    connection.execute(value_index.delete().where(value_index.c.principal_id == entry.id))
    _index_rows(connection, entry)


def _index_rows(connection: Connection, entry: Principal) -> None:
    rows = [
        {"attribute": attribute, "value": value, "principal_id": entry.id}
        for attribute, values in values_of(entry).items()
        for value in values
    ]
    connection.execute(value_index.insert(), rows)


def update(connection: Connection, principal_id: int, **values: Any) -> None:
    """Set columns of an entry, and the time of its change."""
    connection.execute(
        principal.update().where(principal.c.id == principal_id).values(changed=int(time.time()), **values)
    )


def change(
    connection: Connection,
    entry: Principal,
    display_name: str | None,
    address: str | None,
    aliases: tuple[str, ...] | None,
    domains: frozenset[str],
) -> None:
    """Set what an entry is called and its addresses; None: as it is.

    Raises:
        InvalidEntry: a malformed address or name, or a domain that is not accepted here.
        DuplicateAddress: an address is taken.
    """
    if display_name is not None:
        name = checked_text(display_name, "a display name", 256) or entry.display_name
        update(connection, entry.id, display_name=name, sort_key=sort_key(name))
    if address is None and aliases is None:
        return
    primary = entry.address if address is None else checked_address(address)
    others = entry.aliases if aliases is None else tuple(dict.fromkeys(checked_address(alias) for alias in aliases))
    connection.execute(proxy_address.delete().where(proxy_address.c.principal_id == entry.id))
    keys = _free_keys(connection, (primary, *others))
    if entry.kind is not PrincipalKind.CONTACT:
        _check_domain(keys[0], domains)
    connection.execute(proxy_address.insert(), [{"address_key": key, "principal_id": entry.id} for key in keys])
    update(connection, entry.id, address=primary, aliases=json.dumps(others, ensure_ascii=False))


def set_attributes(connection: Connection, entry: Principal, given: Mapping[str, tuple[str, ...]]) -> None:
    """Set attributes; one with no values is removed.

    Raises:
        InvalidEntry: a malformed name or value, or an attribute that follows from other fields.
    """
    checked = _checked_attributes(given)
    removed = {attribute_key(name) for name, values in given.items() if not values}
    kept = {name: values for name, values in entry.attributes.items() if attribute_key(name) not in removed}
    merged = {**{name: values for name, values in kept.items() if name not in checked}, **checked}
    update(connection, entry.id, attributes=json.dumps(merged, ensure_ascii=False))


def set_hash(connection: Connection, entry: Principal, phc: str) -> None:
    """Set a user's password hash, and empty what was made from the old password.

    Raises:
        InvalidEntry: the entry is no user: nobody signs in as a shared mailbox or a group.
    """
    if entry.kind is not PrincipalKind.USER:
        raise InvalidEntry(f"{entry.address} is no user; only users have passwords (`oxgate grant` opens it to a user)")
    connection.execute(credential.delete().where(credential.c.principal_id == entry.id))
    connection.execute(credential.insert(), {"principal_id": entry.id, "hash": phc, "changed": int(time.time())})
    forget_secrets(connection, entry.id)


def forget_secrets(connection: Connection, principal_id: int) -> None:
    """Empty the sealed secrets of an account: they stay wanted, but the password they belong to is no more."""
    emptied = secret.update().where(secret.c.principal_id == principal_id)
    connection.execute(emptied.values(sealed=None, changed=int(time.time())))


def delete(connection: Connection, principal_id: int) -> None:
    """Remove an entry and every row that names it."""
    for table, column in (
        (principal, principal.c.id),
        (proxy_address, proxy_address.c.principal_id),
        (value_index, value_index.c.principal_id),
        (credential, credential.c.principal_id),
        (secret, secret.c.principal_id),
        (app_password, app_password.c.principal_id),
        (signin_rule, signin_rule.c.principal_id),
    ):
        connection.execute(table.delete().where(column == principal_id))
    connection.execute(
        shown_mailbox.delete().where(
            or_(shown_mailbox.c.owner_id == principal_id, shown_mailbox.c.principal_id == principal_id)
        )
    )
    connection.execute(
        member.delete().where(or_(member.c.group_id == principal_id, member.c.member_id == principal_id))
    )
    connection.execute(
        grant_row.delete().where(or_(grant_row.c.owner_id == principal_id, grant_row.c.delegate_id == principal_id))
    )


def add_member(connection: Connection, group: Principal, entry: Principal) -> bool:
    """Put an entry into a group, at the end; False: it was there.

    Raises:
        InvalidEntry: not a group, or the group itself.
    """
    if group.kind is not PrincipalKind.GROUP:
        raise InvalidEntry(f"{group.address} is no group; `oxgate group list` shows the groups")
    if group.id == entry.id:
        raise InvalidEntry(f"{group.address} cannot be a member of itself")
    known = select(member.c.member_id).where(member.c.group_id == group.id, member.c.member_id == entry.id)
    if connection.execute(known).first() is not None:
        return False
    last = connection.execute(select(func.max(member.c.position)).where(member.c.group_id == group.id)).scalar()
    row = {"group_id": group.id, "member_id": entry.id, "position": (last or 0) + 1}
    connection.execute(member.insert(), row)
    return True


def grant(connection: Connection, kind: GrantKind, owner: Principal, delegate: Principal) -> bool:
    """Give a right; False: the delegate had it.

    Raises:
        InvalidEntry: the owner has no mailbox (for sending, groups may own too), or the delegate is no user or group.
    """
    owns = owner.kind.has_mailbox or (owner.kind is PrincipalKind.GROUP and kind is not GrantKind.FULL_ACCESS)
    if not owns:
        raise InvalidEntry(f"{owner.address} has no mailbox to give rights on")
    if delegate.kind not in (PrincipalKind.USER, PrincipalKind.GROUP):
        raise InvalidEntry(f"{delegate.address} is neither a user nor a group; nobody signs in as it")
    if owner.id == delegate.id:
        raise InvalidEntry(f"{owner.address} has every right on its own mailbox already")
    row = {"kind": int(kind), "owner_id": owner.id, "delegate_id": delegate.id}
    known = select(grant_row.c.kind).where(*(grant_row.c[name] == value for name, value in row.items()))
    if connection.execute(known).first() is not None:
        return False
    connection.execute(grant_row.insert(), row)
    return True


def _check_domain(key: str, domains: frozenset[str]) -> None:
    domain = key.rpartition("@")[2]
    if domain not in domains:
        raise InvalidEntry(
            f"{domain} is not one of this server's domains ({', '.join(sorted(domains))}); add it to general.domains"
        )


def _free_keys(connection: Connection, addresses: tuple[str, ...]) -> list[str]:
    keys = [address_key(address) or "" for address in addresses]
    if len(set(keys)) < len(keys):
        raise DuplicateAddress(f"an address of {addresses[0]} is given twice")
    taken = (
        select(proxy_address.c.address_key, principal.c.address)
        .join(principal, principal.c.id == proxy_address.c.principal_id)
        .where(proxy_address.c.address_key.in_(keys))
    )
    first = connection.execute(taken).first()
    if first is not None:
        raise DuplicateAddress(f"{first[0]} belongs to {first[1]} already")
    return keys


def _account(connection: Connection, new: NewEntry, address: str) -> str:
    if new.kind is PrincipalKind.CONTACT and not new.account:
        return ""  # nobody signs in as a contact, and it must not take a name from a user
    if new.account and not _ACCOUNT.fullmatch(new.account):
        raise InvalidEntry(f'"{new.account[:80]}" is no account name; use letters, digits, dots and dashes')
    for name in (new.account,) if new.account else (address.rpartition("@")[0], address):
        taken = select(principal.c.address).where(principal.c.account_key == account_key(name))
        owner = connection.execute(taken).scalar()
        if owner is None:
            return name
    raise DuplicateAddress(f"the account name {name} belongs to {owner} already; give another one")


def _free_dn(connection: Connection, kind: PrincipalKind, name: str, distinction: str, domain: str) -> str:
    for common_name in (name, f"{name} ({distinction})", f"{name} ({uuid.uuid4().hex[:12]})"):
        dn = make_dn(kind, common_name, domain)
        if connection.execute(select(principal.c.id).where(principal.c.dn_key == dn_key(dn))).first() is None:
            return dn
    raise DuplicateAddress(f"the name {name} is taken too often")


def _checked_attributes(given: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    checked: dict[str, tuple[str, ...]] = {}
    for name, values in given.items():
        key = attribute_key(name)
        if not _ATTRIBUTE.fullmatch(name) or key == "anr":
            raise InvalidEntry(f'"{name[:80]}" is no attribute name; use LDAP names such as givenName or department')
        if key in _CORE:
            raise InvalidEntry(f"{name} follows from the entry's address, account and display name; leave it out")
        kept = tuple(
            text for text in (checked_text(value, f"a value of {name}", 65_536, lines=True) for value in values) if text
        )
        if len(kept) > MAX_VALUES:
            raise InvalidEntry(f"{name} has more than {MAX_VALUES} values")
        if kept:
            checked[SPELLING.get(key, name if key == name.lower() else key)] = kept
    return checked
