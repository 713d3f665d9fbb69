"""Addresses of other kinds inside SMTP addresses ([MS-OXCMAIL] 2.1.3.1.8, 2.2.3.1.2).

encapsulate("EX", "/o=Org/cn=Ann", "example.net")      # IMCEAEX-_o=Org_cn=Ann@example.net
"""

from __future__ import annotations

import re

_PLAIN = re.compile(rb"[A-Za-z0-9=-]")
_ENCAPSULATED = re.compile(r"IMCEA([A-Za-z0-9]{1,32})-([A-Za-z0-9=_+-]*)@([^@]+)\Z", re.I | re.A)
_ESCAPED = re.compile(rb"\+([0-9A-Fa-f]{2})")
_TYPE = re.compile(r"[A-Za-z0-9]{1,32}\Z")


def encapsulate(kind: str, address: str, domain: str) -> str | None:
    """Make an SMTP address of one of another kind ([MS-OXCMAIL] 2.1.3.1.8); None where the kind is no word.

    Letters, digits, `=` and `-` stay, `/` becomes `_`, all other octets of the UTF-8 become `+` and two digits.
    """
    if not _TYPE.match(kind) or not address:
        return None
    encoded = "".join(
        "_" if octet == 47 else chr(octet) if _PLAIN.match(bytes((octet,))) else f"+{octet:02X}"
        for octet in address.encode("utf-8", "replace")
    )
    return f"IMCEA{kind.upper()}-{encoded}@{domain}"


def decapsulate(address: str, domains: frozenset[str]) -> tuple[str, str] | None:
    """Open an encapsulated address of one of `domains`: its kind and the address, or None ([MS-OXCMAIL] 2.2.3.1.2)."""
    match = _ENCAPSULATED.match(address) if address[:5].upper() == "IMCEA" else None
    if match is None or match[3].lower() not in domains:
        return None
    octets = _ESCAPED.sub(lambda escape: bytes((int(escape[1], 16),)), match[2].replace("_", "/").encode("ascii"))
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    # A NUL ends a string in an EntryID.
    text = text.replace("\0", "")
    return (match[1].upper(), text) if text else None
