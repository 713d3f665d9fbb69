"""Ambiguous name resolution: one text, looked up in every attribute that names somebody ([MS-ADTS] 3.1.1.3.1.3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from directory.model import Principal
from directory.provider import DirectoryProvider
from directory.query import And, Equal, Or, Prefix, Query, value_key


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Nobody is meant ([MS-OXNSPI] 2.2.9.1, MID_UNRESOLVED)."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several may be meant (MID_AMBIGUOUS), in the order of address lists, up to the limit that was asked for."""

    candidates: tuple[Principal, ...]


@dataclass(frozen=True, slots=True)
class Resolved:
    """Exactly one is meant (MID_RESOLVED)."""

    principal: Principal


Resolution = Unresolved | Ambiguous | Resolved


def anr_query(text: str) -> Query | None:
    """Give the query that `(anr=text)` stands for; None: it can match nobody.

    A leading `=` asks for equality instead of a prefix. A text with a blank is also taken as first and last name, in
    either order, split at the first blank ([MS-ADTS] 3.1.1.3.1.3.4).
    """
    exact = text.startswith("=")
    value = value_key(text.removeprefix("="))
    if not value:
        return None
    compare = Equal if exact else Prefix
    one, blank, other = value.partition(" ")
    whole = compare("anr", value)
    if not blank:
        return whole
    names = (
        And((compare("givenName", one), compare("sn", other))),
        And((compare("givenName", other), compare("sn", one))),
    )
    return Or((whole, *names))


def resolve(provider: DirectoryProvider, text: str, *, limit: int = 100) -> Resolution:
    """Find who is meant: by exact address, DN or account, then by exact display name, then by the beginnings of names.

    The first of these that finds anybody decides. `limit` bounds the candidates of an ambiguous text.
    """
    name = text.strip()
    if name.lower().startswith(("=smtp:", "smtp:")):
        found = provider.by_address(name.partition(":")[2])
        return Resolved(found) if found else Unresolved()
    if not name:
        return Unresolved()
    exact = _exactly(provider, name.removeprefix("="))
    if exact is not None:
        return Resolved(exact)
    anr = anr_query(name)
    for query in (Equal("displayName", name.removeprefix("=")), anr):
        candidates = provider.search(query, limit=max(limit, 2)) if query is not None else []
        if len(candidates) == 1:
            return Resolved(candidates[0])
        if candidates:
            return Ambiguous(tuple(candidates[:limit]))
    return Unresolved()


def _exactly(provider: DirectoryProvider, name: str) -> Principal | None:
    found = provider.by_address(name) or provider.by_account(name)
    if found is None and "=" in name:
        dns = provider.search(Equal("legacyExchangeDN", name), limit=1, include_hidden=True)
        found = dns[0] if dns else provider.get(name)
    return found
