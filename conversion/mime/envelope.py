"""ENVELOPE, as on the wire ([RFC3501] 7.4.2)."""

from __future__ import annotations

from conversion.mime.addresses import Address, parse_addresses
from conversion.mime.headers import unfold
from conversion.mime.imapstring import string, text
from conversion.mime.parts import HeaderLines, Part, Structure

_NAMES = frozenset(
    (b"date", b"subject", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"in-reply-to", b"message-id")
)
_ADDRESSES = frozenset((b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"))
_LENGTHS = frozenset(len(name) for name in _NAMES)

# What stands for a missing half of an address: NIL there would mean a group ([RFC3501] 7.4.2).
MISSING_LOCAL = b'"MISSING_MAILBOX"'
MISSING_DOMAIN = b'"MISSING_DOMAIN"'


def envelope(raw: bytes, structure: Structure, part: Part | None = None) -> bytes:
    """Write the ENVELOPE of the message, or of an enclosed message, from `(` to `)` ([RFC3501] 7.4.2).

    Encoded words stay encoded. Sender and Reply-To, absent or empty, default to From. Address fields that are
    repeated count as one list, of other repeated fields the last one counts.
    """
    return envelope_of(structure.header(raw, structure.root if part is None else part))


def envelope_of(lines: HeaderLines) -> bytes:
    """Write the ENVELOPE of a header."""
    found: dict[bytes, bytes] = {}
    for _, name, value in lines:
        if len(name) in _LENGTHS:
            name = name.lower()
            if name in _NAMES:
                if name in found and name in _ADDRESSES:
                    value = found[name] + b"," + value
                found[name] = value
    get = found.get
    sender = addresses(get(b"from"))
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _nstring(get(b"date")),
        _ntext(get(b"subject")),
        sender,
        sender if _is_blank(get(b"sender")) else addresses(found[b"sender"]),
        sender if _is_blank(get(b"reply-to")) else addresses(found[b"reply-to"]),
        addresses(get(b"to")),
        addresses(get(b"cc")),
        addresses(get(b"bcc")),
        _nstring(get(b"in-reply-to")),
        _nstring(get(b"message-id")),
    )


def _is_blank(value: bytes | None) -> bool:
    return value is None or not value.strip(b" \t\r\n,")


def _nstring(value: bytes | None) -> bytes:
    return b"NIL" if value is None else string(unfold(value))


def _ntext(value: bytes | None) -> bytes:
    return b"NIL" if value is None else text(unfold(value))


def addresses(value: bytes | None) -> bytes:
    """Write an address field as a parenthesised list of address structures, NIL if there is none ([RFC3501] 7.4.2)."""
    if value is None:
        return b"NIL"
    found = parse_addresses(value)
    if not found:
        return b"NIL"
    return b"(%b)" % b"".join([_address(entry) for entry in found])


def _address(entry: Address) -> bytes:
    name, route, local, domain, group = entry
    if group == "start":
        return b"(NIL NIL %b NIL)" % string(local or b"")
    if group == "end":
        return b"(NIL NIL NIL NIL)"
    return b"(%b %b %b %b)" % (
        b"NIL" if name is None else text(name),
        b"NIL" if route is None else string(route),
        MISSING_LOCAL if local is None else string(local),
        MISSING_DOMAIN if domain is None else string(domain),
    )
