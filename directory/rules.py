"""Sign-in rules: by what mechanism an account may sign in, from which network, and until when.

A rule is about one mechanism or variant of one, exactly: to allow NTLM is not to allow NTLMv1. What holds where no rule
is in force is for whoever asks.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from directory.errors import InvalidEntry
from directory.model import PrincipalKind
from directory.names import checked_text
from directory.networks import Network, parsed_address
from directory.schema import signin_rule
from directory.sqlcore import SqlCore

EVERYBODY = 0
"""The principal of a rule that holds for all accounts."""

# fmt: off
MECHANISMS = (
    "PLAIN", "LOGIN", "COMMAND", "NTLM", "NTLMv1", "NTLM2-SESSION", "XOAUTH2", "OAUTHBEARER",
    "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL", "GSSAPI", "GSS-SPNEGO",
)
# fmt: on
"""Mechanisms and variants that rules, audit and ledger know. COMMAND is IMAP LOGIN and POP3 USER and PASS."""

_SPELLING = {name.upper(): name for name in MECHANISMS}


@dataclass(frozen=True, slots=True)
class SignInRule:
    """One rule. Times are Unix seconds."""

    number: int
    """Never given twice."""
    principal_id: int
    """The account, or EVERYBODY."""
    mechanism: str
    """One of MECHANISMS."""
    network: str
    """A network such as `192.0.2.0/24`; empty: everywhere."""
    until: float | None
    """When it ends; None: never."""
    allow: bool
    note: str = ""
    """Why there is such a rule, for whoever reads the list."""
    created: float = 0.0


class RuleBook:
    """The rules of a directory, ordered so that the first that fits is the most specific.

    One account goes before everybody, a small network before a large one and before everywhere, and where two are
    alike the one that forbids before the one that allows.
    """

    def __init__(self, rules: Iterable[SignInRule]) -> None:
        self.rules = sorted(rules, key=lambda rule: rule.number)
        books: dict[str, list[tuple[tuple[Any, ...], SignInRule, Network | None]]] = {}
        for rule in self.rules:
            network = ipaddress.ip_network(rule.network) if rule.network else None
            rank = (
                rule.principal_id == EVERYBODY,
                -1 * (network.prefixlen if network is not None else -1),
                rule.allow,
                -rule.number,
            )
            books.setdefault(rule.mechanism, []).append((rank, rule, network))
        self._books: Mapping[str, list[tuple[SignInRule, Network | None]]] = {
            mechanism: [(rule, network) for _, rule, network in sorted(entries, key=lambda entry: entry[0])]
            for mechanism, entries in books.items()
        }

    def find(self, principal_id: int, mechanism: str, address: str, now: float) -> SignInRule | None:
        """Find the most specific rule in force for a sign-in."""
        book = self._books.get(mechanism)
        if book is None:
            return None
        client = parsed_address(address)
        for rule, network in book:
            if (
                rule.principal_id in (EVERYBODY, principal_id)
                and (rule.until is None or now < rule.until)
                and (network is None or (client is not None and client in network))
            ):
                return rule
        return None


class Rules(SqlCore):
    """The part of SqlDirectory that keeps sign-in rules."""

    def signin_rules(self) -> list[SignInRule]:
        """List all rules, those that have ended too, in the order in which they were made."""
        return list(self._rule_book().rules)

    def add_signin_rule(
        self,
        principal_id: int,
        mechanism: str,
        *,
        network: str = "",
        until: float | None = None,
        allow: bool,
        note: str = "",
    ) -> SignInRule:
        """Add a rule; one for the same account, mechanism and network gives way to it.

        Raises:
            UnknownPrincipal, InvalidEntry: no such entry, it is no user, or no such mechanism or network.
        """
        spelled = _SPELLING.get(mechanism.upper())
        if spelled is None:
            raise InvalidEntry(f"{mechanism[:40]} is no mechanism; rules are about one of {', '.join(MECHANISMS)}")
        network = checked_network(network)
        row: dict[str, Any] = {
            "principal_id": principal_id,
            "mechanism": spelled,
            "network": network,
            "until": None if until is None else int(until),
            "allow": int(allow),
            "note": checked_text(note, "a note", 256),
            "created": int(time.time()),
        }
        same = (
            signin_rule.c.principal_id == principal_id,
            signin_rule.c.mechanism == spelled,
            signin_rule.c.network == network,
        )
        with self._database.write() as connection:
            if principal_id != EVERYBODY and self._fresh(principal_id).kind is not PrincipalKind.USER:
                raise InvalidEntry(f"entry {principal_id} is no user; rules are for users or for everybody")
            connection.execute(signin_rule.delete().where(*same))
            row["number"] = self._database.counter(connection, "next_signin_rule")
            connection.execute(signin_rule.insert(), row)
        return SignInRule(**{**row, "allow": allow})

    def remove_signin_rule(self, number: int) -> bool:
        """Remove a rule; False: there was none of that number."""
        with self._database.write() as connection:
            return connection.execute(signin_rule.delete().where(signin_rule.c.number == number)).rowcount > 0

    def rule_for(
        self, principal_id: int, mechanism: str, address: str, now: float, *, within: float = 0.0
    ) -> SignInRule | None:
        """Find the most specific rule in force for a sign-in (RuleBook says which that is); None: there is none."""
        return self._rule_book(within).find(principal_id, mechanism, address, now)

    def _rule_book(self, within: float = 0.0) -> RuleBook:
        return self._answer(("rules",), self._read_rules, within)

    def _read_rules(self) -> RuleBook:
        with self._database.read() as connection:
            return RuleBook([_rule(row) for row in connection.execute(select(signin_rule))])


def checked_network(text: str) -> str:
    """Bring a network or a single address to its usual form; nothing, `*` and `everywhere` become the empty text.

    Raises:
        InvalidEntry: it is no network, or has bits set beyond its prefix.
    """
    text = text.strip()
    if text in ("", "*", "everywhere"):
        return ""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise InvalidEntry(f"{text[:60]} is no network such as 192.0.2.0/24 or 2001:db8::/32: {error}") from None


def _rule(row: Row[Any]) -> SignInRule:
    return SignInRule(
        number=row.number,
        principal_id=row.principal_id,
        mechanism=row.mechanism,
        network=row.network,
        until=row.until,
        allow=bool(row.allow),
        note=row.note,
        created=row.created,
    )
