"""The one query language of the directory, shaped after LDAP filters ([RFC4511] 4.5.1.7)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class And:
    """Every part is true; no parts at all is true ([RFC4526] 2)."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Some part is true; no parts at all is false ([RFC4526] 2)."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is false. What is undefined stays undefined ([RFC4511] 4.5.1.7)."""

    part: Query


@dataclass(frozen=True, slots=True)
class Present:
    """The entry has the attribute ([RFC4511] 4.5.1.7.5)."""

    attribute: str


@dataclass(frozen=True, slots=True)
class Equal:
    """Some value of the attribute equals this one, without regard to case ([RFC4511] 4.5.1.7.1)."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """Some value of the attribute begins with this one."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Substring:
    """Some value begins with `initial`, holds each of `any` in this order, and ends with `final`.

    [RFC4511] 4.5.1.7.2.
    """

    attribute: str
    initial: str = ""
    any: tuple[str, ...] = ()
    final: str = ""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Some value sorts at or after this one ([RFC4511] 4.5.1.7.3)."""

    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class AtMost:
    """Some value sorts at or before this one ([RFC4511] 4.5.1.7.4)."""

    attribute: str
    value: str


Query = And | Or | Not | Present | Equal | Prefix | Substring | AtLeast | AtMost

ALIASES: Mapping[str, str] = {
    "commonname": "cn",
    "countryname": "c",
    "display-name": "displayname",
    "fax": "facsimiletelephonenumber",
    "gn": "givenname",
    "hometelephonenumber": "homephone",
    "localityname": "l",
    "mobiletelephonenumber": "mobile",
    "organizationalunitname": "ou",
    "organizationname": "o",
    "pagertelephonenumber": "pager",
    "rfc822mailbox": "mail",
    "stateorprovincename": "st",
    "street": "streetaddress",
    "surname": "sn",
    "userid": "uid",
}
"""Other spellings of an attribute to the one that its values are kept under ([RFC4519] 2, [MS-OXLDAP] 2.2)."""

CORE_ATTRIBUTES = (
    "cn",
    "displayName",
    "mail",
    "proxyAddresses",
    "sAMAccountName",
    "mailNickname",
    "uid",
    "legacyExchangeDN",
    "objectGUID",
    "distinguishedName",
)
"""Attributes that follow from the fields of a Principal."""

KNOWN_ATTRIBUTES = (
    *CORE_ATTRIBUTES,
    "givenName",
    "sn",
    "initials",
    "title",
    "company",
    "department",
    "physicalDeliveryOfficeName",
    "telephoneNumber",
    "otherTelephone",
    "homePhone",
    "mobile",
    "pager",
    "facsimileTelephoneNumber",
    "streetAddress",
    "l",
    "st",
    "postalCode",
    "co",
    "c",
    "o",
    "ou",
    "postOfficeBox",
    "info",
    "description",
    "manager",
    "employeeNumber",
    "personalTitle",
    "businessCategory",
    "roomNumber",
    "labeledURI",
    *(f"extensionAttribute{n}" for n in range(1, 16)),
)
"""Attributes recognised whether or not any entry has them ([MS-OXLDAP] 2.2, [RFC4519] 2)."""

SPELLING: Mapping[str, str] = {name.lower(): name for name in KNOWN_ATTRIBUTES}
"""Lower-case attribute name to the usual spelling."""

_BLANKS = re.compile(r"\s+")


def attribute_key(name: str) -> str:
    """Give the lower-case name under which an attribute's values are kept: `surname` is `sn`."""
    key = name.lower()
    return ALIASES.get(key, key)


def value_key(value: str) -> str:
    """Prepare a value for comparison: compatibility forms and case folded, runs of blanks made one ([RFC4518] 2)."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    return _BLANKS.sub(" ", folded).strip()


def matches(query: Query, values: Mapping[str, Sequence[str]], recognised: Callable[[str], bool]) -> bool | None:
    """Evaluate a query over one entry; None is Undefined ([RFC4511] 4.5.1.7).

    `values` maps attribute keys to value keys (both prepared). `recognised` says of an attribute key whether the
    directory knows it; an assertion about any other is Undefined.
    """
    match query:
        case And(parts):
            results = [matches(part, values, recognised) for part in parts]
            return False if False in results else None if None in results else True
        case Or(parts):
            results = [matches(part, values, recognised) for part in parts]
            return True if True in results else None if None in results else False
        case Not(part):
            result = matches(part, values, recognised)
            return None if result is None else not result
    key = attribute_key(query.attribute)
    if not recognised(key):
        return None
    return any(_holds(query, value) for value in values.get(key, ()))


def _holds(query: Present | Equal | Prefix | Substring | AtLeast | AtMost, value: str) -> bool:
    match query:
        case Present():
            return True
        case Equal(_, wanted):
            return value == value_key(wanted)
        case Prefix(_, wanted):
            return value.startswith(value_key(wanted))
        case AtLeast(_, wanted):
            return value >= value_key(wanted)
        case AtMost(_, wanted):
            return value <= value_key(wanted)
        case Substring(_, initial, middle, final):
            return _contains(value, value_key(initial), [value_key(part) for part in middle], value_key(final))


def _contains(value: str, initial: str, middle: Sequence[str], final: str) -> bool:
    if not value.startswith(initial):
        return False
    at = len(initial)
    for part in middle:
        found = value.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(value) - len(final) >= at and value.endswith(final)
