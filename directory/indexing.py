"""Which values an entry is found by."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

from directory.model import Principal
from directory.query import attribute_key, value_key

ANR = "anr"
"""The pseudo attribute that holds every word of the ANR set ([MS-ADTS] 3.1.1.3.1.3.4)."""

ANR_ATTRIBUTES = (
    "displayname",
    "givenname",
    "sn",
    "cn",
    "physicaldeliveryofficename",
    "samaccountname",
    "mailnickname",
)
MAX_INDEXED = 512
"""Characters of a value that are indexed; more would not fit into an index row everywhere."""


def values_of(entry: Principal) -> dict[str, set[str]]:
    """Give the prepared values of an entry by attribute key, with the ANR words under `anr`.

    The ANR set is that of [MS-ADTS] 3.1.1.3.1.3.4 with mail and the local parts of all addresses added, and each word
    of the display name.
    """
    found: dict[str, set[str]] = {}
    for name, value in _pairs(entry):
        prepared = value_key(value)[:MAX_INDEXED]
        if prepared:
            found.setdefault(attribute_key(name), set()).add(prepared)
    words = {word for name in ANR_ATTRIBUTES for word in found.get(name, ())}
    words.update(value_key(entry.display_name)[:MAX_INDEXED].split(" "))
    for address in entry.addresses:
        words.add(value_key(address))
        words.add(value_key(address.rpartition("@")[0]))
    found[ANR] = {word for word in words if word}
    return found


def _pairs(entry: Principal) -> Iterator[tuple[str, str]]:
    yield "cn", entry.display_name
    yield "displayName", entry.display_name
    yield "mail", entry.address
    yield "proxyAddresses", "SMTP:" + entry.address
    for alias in entry.aliases:
        yield "proxyAddresses", "smtp:" + alias
    for name in ("sAMAccountName", "mailNickname", "uid"):
        yield name, entry.account
    yield "legacyExchangeDN", entry.legacy_dn
    yield "distinguishedName", entry.dn
    yield "objectGUID", str(entry.guid)
    for name, values in entry.attributes.items():
        for value in values:
            yield name, value


def sort_key(name: str) -> str:
    """Give the key that address lists are sorted by: case and accents do not count ([MS-OXNSPI] 2.2.10)."""
    plain = unicodedata.normalize("NFKD", name)
    return value_key("".join(char for char in plain if unicodedata.category(char) != "Mn"))


def matching_values(entry: Principal) -> Mapping[str, tuple[str, ...]]:
    """Give `values_of` in the form that query.matches takes."""
    return {name: tuple(values) for name, values in values_of(entry).items()}
