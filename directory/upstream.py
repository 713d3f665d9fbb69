"""An LDAP server or an Active Directory that knows the passwords; its users get their account here when they sign in.

    upstream = Upstream(settings, directory, provision)
    principal = upstream.verify("alice", None, password)      # None: wrong; DirectoryUnavailable: nobody knows

An account here is linked to one there by its GUID, kept in the attribute `upstreamGUID`. Only linked accounts and names
that are unknown here are verified upstream: an account of this directory is never taken over by somebody who has its
name there. What is disabled or gone there is disabled here at the next look, and enabled again when it comes back.

A lookup finds the one entry that a name means; then a bind with the entry's DN shows whether the password is right
([RFC4513] 5.1.3). A password that was right need not be shown again for `cache` seconds, and while no server answers it
is good for `outage` seconds more.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable
from uuid import UUID

from ldap3.core.exceptions import LDAPInvalidFilterError
from ldap3.operation.search import parse_filter

from directory.errors import DirectoryUnavailable, DuplicateAddress, InvalidEntry
from directory.ldapservers import LdapEntry, LdapServers, Link, ServerTrouble
from directory.model import Principal, PrincipalKind
from directory.names import address_key, checked_address
from directory.query import Equal
from directory.remembered import Memory
from directory.sql import SqlDirectory
from directory.upstreamsettings import KINDS, PRINCIPAL_NAME, UpstreamSettings

log = logging.getLogger("oxgate.upstream")

LINK = "upstreamGUID"
"""The attribute of an account here that holds the GUID of its entry there."""
STATE = "upstreamState"
"""Why an account was disabled because of its entry there; absent when it was not."""

MAX_NAME = 256
"""Characters of a name that is looked for."""

MAX_FOUND = 8
"""Entries that are looked at for the one that is meant."""

ACCOUNT_DISABLED = 0x2
NEVER_EXPIRES = 0x10000
"""Bits of userAccountControl ([MS-ADTS] 2.2.16)."""
FOREVER = (0, 0x7FFF_FFFF_FFFF_FFFF)
"""Values of accountExpires that mean never ([MS-ADA1] 2.2)."""
FILETIME_EPOCH = 11_644_473_600
"""Seconds from 1601 to 1970."""

_COPIED = ("givenName", "sn", "title", "department", "company", "telephoneNumber", "mobile", PRINCIPAL_NAME)
"""Attributes that an account here takes over from its entry."""


class Upstream:
    """Verifies upstream, and keeps the linked accounts here in step. One a worker; safe to use from many threads."""

    def __init__(
        self,
        settings: UpstreamSettings,
        directory: SqlDirectory,
        provision: Callable[[Principal], None],
        *,
        memory: Memory | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up; nothing is asked yet.

        Args:
            settings: where and how.
            directory: where the accounts of this server are.
            provision: makes the mailbox of an account unless it is there; called after each check of a password.
            memory: one that was made before the workers were forked, so that all of them remember.
            clock: for tests.

        Raises:
            DirectoryUnavailable: the CA file cannot be read.
            ValueError: a URL, the kind or the filter is malformed.
        """
        if settings.kind not in KINDS:
            raise ValueError(f"{settings.kind} is no kind of directory; write ad or ldap")
        usual = KINDS[settings.kind]
        self._settings = settings
        self._directory = directory
        self._provision = provision
        self._memory = memory if memory is not None else Memory(clock=clock)
        self._servers = LdapServers(settings, clock)
        self._login = settings.login or usual.login
        self._account = settings.account or usual.account
        self._guid = settings.guid or usual.guid
        self._address = settings.address or usual.address
        self._display_name = (settings.display_name,) if settings.display_name else usual.display_name
        self._accounts = _joined(usual.accounts, settings.filter)
        self._wanted = list(
            dict.fromkeys(
                (self._guid, self._account, *self._login, *self._address, *self._display_name, *_COPIED)
                + (("userAccountControl", "accountExpires", "pwdLastSet") if settings.kind == "ad" else ())
            )
        )

    def owns(self, principal: Principal) -> bool:
        """Say whether an account is linked to an entry upstream."""
        return LINK in principal.attributes

    def remembers(self, principal: Principal, password: str) -> bool:
        """Say whether `verify` would say yes at once, so that the caller need not leave its loop."""
        return self.owns(principal) and self._memory.knows(principal.id, password, self._settings.cache)

    def verify(
        self, user: str, domain: str | None, password: str, *, known: Principal | None = None
    ) -> Principal | None:
        """Say whose name and password these are; None: nobody's, or nobody's who may sign in.

        Makes or updates the account here, and its mailbox. `known` is the account here that the name means; without it
        the name is looked for upstream, in the forms of [MS-OXIMAP4] 2.2.2.

        Raises:
            DirectoryUnavailable: no server answers, and nothing about the account is remembered.
        """
        try:
            secret = password.encode()
        except UnicodeEncodeError:
            return None
        if not secret or b"\0" in secret:  # never an unauthenticated bind, nor what some server might take for one
            return None
        if known is not None and not self.owns(known):
            return None
        query = self._query_of_name(user, domain) if known is None else self._query_of(known)
        if not query:
            return None
        remembered = known or self.find(user, domain)
        if remembered is not None and self.remembers(remembered, password):
            return remembered
        try:
            return self._verify(query, user, known, password, secret)
        except DirectoryUnavailable:
            seconds = self._settings.cache + self._settings.outage
            if remembered is None or not self._memory.has(remembered.id, seconds):
                raise
            good = self._memory.knows(remembered.id, password, seconds)
            log.info("%s is judged from memory: no server answers", remembered.address)
            return remembered if good else None

    def find(self, user: str, domain: str | None) -> Principal | None:
        """Find the linked account that a name means, as far as this directory knows; asks nobody."""
        forms, accounts = self._forms(user, domain)
        for name in accounts:
            found = self._directory.by_account(name)
            if found is not None and self.owns(found):
                return found
        for form in forms:
            found = self._directory.by_address(form) if "@" in form else None
            named = [found] if found is not None else self._directory.search(Equal(PRINCIPAL_NAME, form), limit=2)
            if len(named) == 1 and self.owns(named[0]):
                return named[0]
        return None

    def introduce(self, user: str, domain: str | None) -> Principal | None:
        """Make or update the account of somebody whose name another proof has shown: NTLM, a ticket, a token.

        None: there is no such account upstream, it may not sign in, or its name is in use here.

        Raises:
            DirectoryUnavailable: no server answers.
        """
        query = self._query_of_name(user, domain)
        if not query:
            return None
        entry = self._servers.ask(lambda link: self._find(link, query, None, user))
        linked = None if entry is None else self._linked(self._guid_of(entry))
        state = self._state(entry)
        if entry is None or state:
            if linked is not None:
                self._disable(linked, state)
            return None
        found = self._admit(entry, linked)
        if found is not None:
            self._memory.note(found.id)
        return found

    def is_fresh(self, principal: Principal) -> bool:
        """Say whether `current` would have nothing to ask: the account is not linked, or was looked at lately."""
        return not self.owns(principal) or self._memory.noted(principal.id, self._settings.cache)

    def current(self, principal: Principal) -> Principal:
        """Give an account as it stands after a look upstream, for sign-ins that do not go through `verify`.

        Looks at most every `cache` seconds. While no server answers, the account is what it was.
        """
        query = "" if self.is_fresh(principal) else self._query_of(principal)
        if not query:
            return principal
        try:
            entry = self._servers.ask(lambda link: self._find(link, query, principal))
        except DirectoryUnavailable:
            return principal
        state = self._state(entry)
        if entry is None or state:
            self._disable(principal, state)
        else:
            self._update(principal, entry)
        self._memory.note(principal.id)
        return self._directory.by_id(principal.id) or principal

    def close(self) -> None:
        """Hang up."""
        self._servers.close()

    # Asking

    def _verify(self, query: str, user: str, known: Principal | None, password: str, secret: bytes) -> Principal | None:
        def work(link: Link) -> tuple[LdapEntry | None, str, bool, str]:
            entry = self._find(link, query, known, user)
            state = self._state(entry) or self._must_change(entry)
            usable = entry is not None and not state
            # Whoever cannot sign in is refused after the same steps: nobody learns from the time which names exist.
            dn = entry.dn if entry is not None and usable else f"CN={secrets.token_hex(8)},{self._settings.base}"
            right, reason = link.bind(dn, secret)
            return entry, state, usable and right, reason

        entry, state, right, reason = self._servers.ask(work)
        linked = known if entry is None else self._linked(self._guid_of(entry))
        if right and entry is not None:
            admitted = self._admit(entry, linked)
            if admitted is not None:
                self._memory.remember(admitted.id, password)
            return admitted
        if linked is not None:
            if self._state(entry) or _AD_DISABLED.intersection(_ad_code(reason)):
                self._disable(linked, state or reason)
            elif state or self._memory.knows(linked.id, password, self._settings.cache + self._settings.outage):
                self._memory.forget(linked.id)  # it was changed there
        log.info("%s: refused: %s", entry.dn if entry is not None else "no account of that name", state or reason)
        return None

    def _find(self, link: Link, query: str, known: Principal | None, user: str = "") -> LdapEntry | None:
        """Find the one entry; several are as good as none, unless one alone bears the name `user` as it was typed."""
        found = link.find(self._settings.base, query, self._wanted, MAX_FOUND)
        if len(found) > 1:
            exact = [one for one in found if self._bears(one, user)]
            if len(exact) == 1 and len(found) < MAX_FOUND:
                return exact[0]
            log.warning("%s: found more than once, among them %s", query, " and ".join(one.dn for one in found[:2]))
            return None
        if not found and known is not None and not link.holds(self._settings.base):
            # Everybody would look deleted.
            raise ServerTrouble(f"{self._settings.base} cannot be read")
        return found[0] if found else None

    def _bears(self, entry: LdapEntry, user: str) -> bool:
        """Say whether this is the entry's short name or, with `@`, one of its other names, without regard to case."""
        names = self._login if "@" in user else (self._account,)
        held = (text.casefold().removeprefix("smtp:") for name in names for text in entry.text(name))
        return user.casefold() in held

    def _query_of(self, principal: Principal) -> str:
        """Write the filter for the entry that an account is linked to."""
        try:
            guid = UUID(principal.attributes[LINK][0])
        except ValueError:
            return ""
        value = _escaped(guid.bytes_le) if self._settings.kind == "ad" else _escaped(str(guid).encode())
        return f"(&{self._accounts}({self._guid}={value}))"

    def _query_of_name(self, user: str, domain: str | None) -> str:
        """Write the filter for a name as typed; empty: it cannot be anybody's."""
        forms, accounts = self._forms(user, domain)
        terms = [f"({self._account}={_value(name)})" for name in accounts]
        for attribute in self._login:
            prefix = "smtp:" if attribute.lower() == "proxyaddresses" else ""
            terms += [f"({attribute}={_value(prefix + form)})" for form in forms]
        unique = list(dict.fromkeys(terms))
        return f"(&{self._accounts}(|{''.join(unique)}))" if unique else ""

    def _forms(self, user: str, domain: str | None) -> tuple[list[str], list[str]]:
        """Give what a typed name may stand for: names to compare with all login attributes, and short names."""
        settings = self._settings
        if not user or len(user) > MAX_NAME or user != user.strip() or not user.isprintable():
            return [], []
        if "@" in user:
            local, _, at = user.rpartition("@")
            return [user], [local] if local and at.lower() == settings.dns_domain.lower() else []
        if domain is None:
            return [user, *([f"{user}@{settings.default_domain}"] if settings.default_domain else [])], [user]
        domain = domain.lower()
        if domain in ("", ".", settings.netbios_domain.lower()):
            return [], [user]
        if domain == settings.dns_domain.lower():
            return [f"{user}@{domain}"], [user]
        return ([f"{user}@{domain}"], []) if domain in self._directory.domains() else ([], [])

    def _state(self, entry: LdapEntry | None) -> str:
        """Say why an entry may not sign in; empty: it may."""
        if entry is None:
            return "no such account, or not one that may sign in"
        if self._settings.kind != "ad":
            return ""
        control = _number(entry, "userAccountControl", 0)
        expires = _number(entry, "accountExpires", 0)
        if control & ACCOUNT_DISABLED:
            return "disabled"
        if expires not in FOREVER and expires / 10_000_000 - FILETIME_EPOCH < time.time():
            return "expired"
        return ""

    def _must_change(self, entry: LdapEntry | None) -> str:
        """Say whether a password must be changed before it is good again; the account as such is well."""
        if entry is None or self._settings.kind != "ad" or _number(entry, "pwdLastSet", 1):
            return ""
        return "" if _number(entry, "userAccountControl", 0) & NEVER_EXPIRES else "the password must be changed first"

    # Keeping in step

    def _admit(self, entry: LdapEntry, linked: Principal | None) -> Principal | None:
        """Make or update the account of somebody who has shown who it is."""
        if linked is None:
            linked = self._create(entry)
        else:
            self._update(linked, entry)
        current = self._directory.by_id(linked.id) if linked is not None else None
        if current is None:
            return None
        self._provision(current)
        return current

    def _create(self, entry: LdapEntry) -> Principal | None:
        guid = self._guid_of(entry)
        addresses = self._addresses(entry)
        if not guid or not addresses:
            lacks = f"no {self._guid} that can be read" if not guid else "no address in a domain of this server"
            log.error("%s: this is who signed in, but it has %s", entry.dn, lacks)
            return None
        names = entry.text(self._account)
        aliases = [alias for alias in addresses[1:] if self._directory.by_address(alias) is None]
        for account in dict.fromkeys((names[0] if names else "", "")):  # not every name there can be one here
            try:
                made = self._directory.add(
                    PrincipalKind.USER,
                    addresses[0],
                    display_name=self._name(entry),
                    aliases=aliases,
                    account=account,
                    attributes={**self._copied(entry), LINK: (guid,)},
                )
            except DuplicateAddress as error:
                other = self._linked(guid)  # another worker was quicker
                if other is None:
                    log.error("%s: this is who signed in, but its name is in use here: %s", entry.dn, error)
                return other
            except InvalidEntry as error:
                log.warning("%s: %s", entry.dn, error)
            else:
                log.info("%s: account %s made", entry.dn, made.address)
                return made
        return None

    def _update(self, principal: Principal, entry: LdapEntry) -> None:
        """Bring an account up to date. Aliases are only added: some may have been given here."""
        directory = self._directory
        addresses = [
            address
            for address in self._addresses(entry)
            if (owner := directory.by_address(address)) is None or owner.id == principal.id
        ]
        primary = addresses[0] if addresses else principal.address
        if address_key(primary) == address_key(principal.address):
            primary = principal.address
        known = {address_key(address) for address in (primary, *principal.aliases)}
        added = [one for one in (principal.address, *addresses) if address_key(one) not in known]
        aliases = [alias for alias in principal.aliases if address_key(alias) != address_key(primary)] + added
        name = self._name(entry) or principal.display_name
        copied = self._copied(entry)
        changed = {key: value for key, value in copied.items() if principal.attributes.get(key, ()) != value}
        enable = not principal.enabled and STATE in principal.attributes
        moved = primary != principal.address or tuple(aliases) != principal.aliases
        if not (changed or enable or moved or name != principal.display_name):
            return
        try:
            with directory.batch():
                if enable:
                    directory.set_enabled(principal.id, True)
                    changed[STATE] = ()
                if changed:
                    directory.set_attributes(principal.id, changed)
                if moved:
                    directory.change(principal.id, address=primary, aliases=aliases)
                if name != principal.display_name:
                    directory.change(principal.id, display_name=name)
        except (DuplicateAddress, InvalidEntry) as error:
            log.warning("%s: not brought up to date: %s", principal.address, error)
            return
        log.info("%s: brought up to date%s", principal.address, ", enabled again" if enable else "")

    def _disable(self, principal: Principal, reason: str) -> None:
        """Disable an account because of its entry, unless somebody here has done so."""
        self._memory.forget(principal.id)
        if principal.enabled:
            log.warning("%s: disabled, as upstream: %s", principal.address, reason)
            with self._directory.batch():
                self._directory.set_enabled(principal.id, False)
                self._directory.set_attributes(principal.id, {STATE: (reason[:200],)})

    def _linked(self, guid: str) -> Principal | None:
        found = self._directory.search(Equal(LINK, guid), limit=2, include_hidden=True) if guid else []
        return found[0] if len(found) == 1 else None

    # Reading an entry

    def _guid_of(self, entry: LdapEntry) -> str:
        value = next(iter(entry.values.get(self._guid.lower(), ())), b"")
        try:
            return str(UUID(bytes_le=value) if self._settings.kind == "ad" else UUID(value.decode("ascii")))
        except ValueError:
            return ""

    def _name(self, entry: LdapEntry) -> str:
        return next((text for name in self._display_name for text in _clean(entry, name)), "")[:256]

    def _addresses(self, entry: LdapEntry) -> list[str]:
        """List the addresses in domains of this server, the primary one first."""
        given: list[str] = []
        for name in self._address:
            values = entry.text(name)
            if name.lower() == "proxyaddresses":  # `SMTP:` marks the primary one ([MS-OXOABK] 2.2.3.23)
                values = [value[5:] for value in sorted(values) if value[:5].lower() == "smtp:"]
            given += values
        found = self._accepted(given)
        if not found and self._settings.default_domain:
            names = [f"{name}@{self._settings.default_domain}" for name in entry.text(self._account)]
            found = self._accepted(entry.text(PRINCIPAL_NAME) + names)[:1]
        return found

    def _accepted(self, addresses: list[str]) -> list[str]:
        found: dict[str, str] = {}
        for address in addresses:
            key = address_key(address)
            if key is not None and key.rpartition("@")[2] in self._directory.domains():
                with contextlib.suppress(InvalidEntry):
                    found.setdefault(key, checked_address(address))
        return list(found.values())

    def _copied(self, entry: LdapEntry) -> dict[str, tuple[str, ...]]:
        return {name: values for name in _COPIED if (values := tuple(_clean(entry, name)))}


_AD_DISABLED = frozenset({"533", "701", "525"})
"""Active Directory's codes in a failed bind: disabled, expired, gone."""


def _ad_code(reason: str) -> tuple[str, ...]:
    """Find the code in Active Directory's words, such as `80090308: LdapErr: ..., data 533, v1db1`."""
    _, data, rest = reason.partition("data ")
    return (rest.split(",")[0].strip(),) if data else ()


def _joined(accounts: str, extra: str) -> str:
    """Join the filters that an account must match. Raises ValueError."""
    if not extra:
        return accounts
    extra = extra if extra.startswith("(") else f"({extra})"
    try:
        parse_filter(extra, None, False, True, None, False)
    except LDAPInvalidFilterError as error:
        raise ValueError(f"{extra} is no LDAP filter: {error}") from error
    return f"(&{accounts}{extra})"


def _value(text: str) -> str:
    return _escaped(text.encode("utf-8", "replace"))


def _escaped(value: bytes) -> str:
    r"""Write a value for a filter: everything but letters and digits as `\xx` ([RFC4515] 3)."""
    return "".join(chr(octet) if octet < 128 and chr(octet).isalnum() else f"\\{octet:02x}" for octet in value)


def _clean(entry: LdapEntry, attribute: str) -> list[str]:
    """Give the values of an attribute that an account here can take over."""
    return [text for value in entry.text(attribute) if (text := value.strip()) and text.isprintable()][:100]


def _number(entry: LdapEntry, attribute: str, default: int) -> int:
    try:
        return int(entry.text(attribute)[0])
    except (IndexError, ValueError):
        return default
