"""ENVELOPE, as on the wire ([RFC3501] 7.4.2)."""

from __future__ import annotations

from conversion.mime.addresses import MAX_ADDRESSES, SIMPLE_MAILBOX, Address, read_addresses
from conversion.mime.headers import unfold
from conversion.mime.imapstring import string, text
from conversion.mime.parts import HeaderLines, Part, Structure

_SLOTS = {
    b"date": 0,
    b"subject": 1,
    b"from": 2,
    b"sender": 3,
    b"reply-to": 4,
    b"to": 5,
    b"cc": 6,
    b"bcc": 7,
    b"in-reply-to": 8,
    b"message-id": 9,
}
_LENGTHS = frozenset(len(name) for name in _SLOTS)

_TAB = ord("\t")

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
    slots: list[bytes | None] = [None] * 10
    repeated: dict[int, list[bytes]] = {}
    for _, name, value in lines:
        # The length decides first: it spares lower-casing every name of a long header.
        if len(name) in _LENGTHS and (slot := _SLOTS.get(name.lower())) is not None:
            earlier = slots[slot]
            if earlier is not None and 2 <= slot <= 7:
                repeated.setdefault(slot, [earlier]).append(value)
            slots[slot] = value
    for slot, values in repeated.items():
        slots[slot] = b",".join(values)
    date, subject, author, sender, reply_to, to, cc, bcc, in_reply_to, message_id = slots
    authors = addresses(author)
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        _nstring(date),
        b"NIL" if subject is None else text(unfold(subject)),
        authors,
        authors if _is_blank(sender) else addresses(sender),
        authors if _is_blank(reply_to) else addresses(reply_to),
        addresses(to),
        b"NIL" if cc is None else addresses(cc),
        b"NIL" if bcc is None else addresses(bcc),
        b"NIL" if in_reply_to is None else _nstring(in_reply_to),
        _nstring(message_id),
    )


def _is_blank(value: bytes | None) -> bool:
    return value is None or not value.strip(b" \t\r\n,")


def _nstring(value: bytes | None) -> bytes:
    return b"NIL" if value is None else string(unfold(value))


def addresses(value: bytes | None) -> bytes:
    """Write an address field as a parenthesised list of address structures, NIL if there is none ([RFC3501] 7.4.2)."""
    if value is None:
        return b"NIL"
    value = unfold(value)
    written: list[bytes] = []
    at = _write_plain(value, written) if value.isascii() else 0
    if at < len(value):
        written += [_address(entry) for entry in read_addresses(value, at, MAX_ADDRESSES - len(written))]
    return b"(%b)" % b"".join(written) if written else b"NIL"


def _write_plain(value: bytes, written: list[bytes]) -> int:
    """Write the mailboxes in front of a list in ASCII that need neither tokens nor escapes; return where they end."""
    at = 0
    if _TAB in value or value.find(b"  ") >= 0:
        return at
    end = len(value)
    while at < end and len(written) < MAX_ADDRESSES:
        match = SIMPLE_MAILBOX.match(value, at)
        if match is None:
            break
        at = match.end()
        quoted, words, local, domain, bare_local, bare_domain = match.groups()
        if bare_local is not None:
            written.append(b'(NIL NIL "%b" "%b")' % (bare_local, bare_domain))
        elif name := quoted or words:
            written.append(b'("%b" NIL "%b" "%b")' % (name.rstrip(b" ") if words else name, local, domain))
        else:
            written.append(b'(NIL NIL "%b" "%b")' % (local, domain))
    return at


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
