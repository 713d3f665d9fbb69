"""Addresses, account names and distinguished names: what is accepted, and the keys under which they are found."""

from __future__ import annotations

import re
import unicodedata

from directory.errors import InvalidEntry
from directory.model import PrincipalKind

MAX_LOCAL = 64
MAX_ADDRESS = 254
"""Octets of a local part and of a whole address ([RFC5321] 4.5.3.1.1, 4.5.3.1.3)."""
LONGEST_SOUGHT = 4 * MAX_ADDRESS
"""Characters of a name that is looked for. No longer one is anybody's, taken apart into marks as it may be; and to
bring it to its normal form would take time by the square of its length, while strangers choose what is looked for."""

CONTAINERS = {
    PrincipalKind.USER: "People",
    PrincipalKind.SHARED: "People",
    PrincipalKind.ROOM: "Resources",
    PrincipalKind.EQUIPMENT: "Resources",
    PrincipalKind.PUBLIC: "Public Folders",
    PrincipalKind.GROUP: "Groups",
    PrincipalKind.CONTACT: "Contacts",
}
"""The OU below the domain that holds entries of a kind."""

_LOCAL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+)*"
)
_DOMAIN = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_DN_SPECIAL = re.compile(r'([,+"\\<>;=])')
_DN_ESCAPE = re.compile(r"\\([0-9a-fA-F]{2}|.)")


def address_key(address: str) -> str | None:
    """Give the form under which an address is looked up, or None for text that can be nobody's address.

    Both sides are compared without regard to case: Exchange keeps no two mailboxes that differ in case alone, and a
    domain is so by [RFC5321] 2.3.5. An international domain is brought to its ASCII form ([RFC5890] 2.3.2.1).
    """
    if len(address) > LONGEST_SOUGHT:
        return None
    if address.isascii():
        return address.lower() if "\0" not in address and "@" in address else None
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii") if not domain.isascii() else domain
        key = unicodedata.normalize("NFC", local).casefold() + "@" + domain.lower()
        key.encode("utf-8")  # a lone surrogate cannot be stored, hence it names nobody
    except (UnicodeError, ValueError):
        return None
    return key if local and "\0" not in key else None


def account_key(name: str) -> str | None:
    """Give the form under which an account name is looked up, or None for text that can be nobody's."""
    if len(name) > LONGEST_SOUGHT:
        return None
    if name.isascii():
        return name.lower() if name and "\0" not in name else None
    key = unicodedata.normalize("NFC", name).casefold()
    try:
        key.encode("utf-8")
    except UnicodeError:
        return None
    return None if "\0" in key else key


def checked_address(address: str) -> str:
    """Return an address fit to be stored.

    Raises:
        InvalidEntry: it is no plain `local@domain` of [RFC5321] 4.1.2 and [RFC6531] 3.3; quoted local parts and address
            literals are refused.
    """
    address = address.strip()
    local = address.rpartition("@")[0]
    key = address_key(address) or ""
    good = _LOCAL.fullmatch(local) and local.isprintable() and _DOMAIN.fullmatch(key.rpartition("@")[2])
    if not good or len(local.encode()) > MAX_LOCAL or len(address.encode()) > MAX_ADDRESS:
        raise InvalidEntry(f'"{_shown(address)}" is no address; write it like alice@example.com')
    return address


def checked_text(value: str, what: str, longest: int = 1024, *, lines: bool = False) -> str:
    """Return a name or attribute value fit to be stored, blanks at its ends removed; `lines`: it may have several.

    Raises:
        InvalidEntry: it is too long or holds control characters.
    """
    value = value.strip()
    allowed = "\n\r\t" if lines else ""
    bad = any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in value)
    if bad or len(value) > longest:
        raise InvalidEntry(f"{what} must be up to {longest} characters without control characters")
    return value


def make_dn(kind: PrincipalKind, common_name: str, domain: str) -> str:
    """Make a distinguished name ([RFC4514] 2): `CN=name,OU=container,DC=...`."""
    suffix = ",".join(f"DC={label}" for label in domain.lower().split("."))
    return f"CN={_escaped(common_name)},OU={CONTAINERS[kind]},{suffix}"


def dn_key(dn: str) -> str:
    """Give the form under which a DN is looked up: case and outer blanks do not count ([RFC4517] 4.2.15)."""
    parts = re.split(r"(?<!\\),", dn)
    plain = []
    for part in parts:
        kind, _, value = part.partition("=")
        plain.append(f"{kind.strip().lower()}={_escaped(_unescaped(value.strip())).casefold()}")
    return ",".join(plain)


def _escaped(value: str) -> str:
    text = _DN_SPECIAL.sub(r"\\\1", value)
    if text.startswith(("#", " ")):
        text = "\\" + text
    return text[:-1] + "\\ " if text.endswith(" ") and not text.endswith("\\ ") else text


def _unescaped(value: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if len(match[1]) == 2 else match[1]

    return _DN_ESCAPE.sub(plain, value)


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:80])
