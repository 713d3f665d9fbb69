"""What messages are sorted and threaded by, read from a header ([RFC5256] 2, 3; [RFC5957] 3).

A header is any block of whole fields, such as the common lines that are stored. As in ENVELOPE the last of several
fields of a name counts, and several fields of addresses are one list. Nothing here raises, whatever the header holds.
"""

from __future__ import annotations

import re

from conversion.mime.addresses import Address, read_addresses
from conversion.mime.basesubject import BaseSubject, base_subject
from conversion.mime.dates import parse_date
from conversion.mime.headers import unfold
from conversion.mime.words import decode_unstructured
from store.mapi.headerblock import raw_values

MAX_REFERENCES = 1000
"""Message identifiers that are read of one References: the last ones, which are the nearest."""

_MISSING_LOCAL = b"MISSING_MAILBOX"
_MISSING_DOMAIN = b"MISSING_DOMAIN"
# `<local@domain>`, the local part perhaps quoted. What may not stand in an atom ends the attempt at once.
_MESSAGE_ID = re.compile(
    rb"<[ \t]*+(?:\"((?>(?:[^\"\\]++|\\.)*))\"[ \t]*+|([^<>@\"()\[\]]++))@"
    rb"([^<>\"()\[\]]++|[ \t]*+\[[^<>\"()\[\]]*+\][ \t]*+)>",
    re.S,
)
_PAIR = re.compile(rb"\\(.)", re.S)
_BLANKS = re.compile(rb"[ \t\r\n]+")


def sent_date(header: bytes) -> int | None:
    """Seconds since 1970-01-01 UTC of the Date: field; None where there is none that can be read ([RFC5256] 2.2)."""
    value = _last(header, b"date")
    parsed = None if value is None else parse_date(value)
    return None if parsed is None else parsed.seconds


def subject(header: bytes) -> BaseSubject:
    """The base subject, and whether the message is a reply or forwarded ([RFC5256] 2.1, 3)."""
    value = _last(header, b"subject")
    return BaseSubject("", False) if value is None else base_subject(decode_unstructured(value))


def address(header: bytes, field: bytes) -> str:
    """The addr-mailbox of the first address of a field, as ENVELOPE has it; empty if there is none ([RFC5256] 3)."""
    first = _first_address(header, field)
    return "" if first is None else decode_unstructured(first.local or _MISSING_LOCAL)


def display(header: bytes, field: bytes) -> str:
    """What shows for the first address of a field: its name, or else the address itself ([RFC5957] 3)."""
    first = _first_address(header, field)
    if first is None:
        return ""
    name = "" if first.name is None else decode_unstructured(first.name)
    if name:
        return name
    local = first.local or _MISSING_LOCAL
    return decode_unstructured(local if first.group else local + b"@" + (first.domain or _MISSING_DOMAIN))


def message_ids(header: bytes) -> tuple[bytes | None, list[bytes]]:
    """The message's own identifier, if it has a valid one, and its references, oldest first ([RFC5256] 3, REFERENCES).

    The references are those in References, else the first in In-Reply-To.
    """
    own = _last(header, b"message-id")
    references = _last(header, b"references")
    found = [] if references is None else [_identifier(match) for match in _MESSAGE_ID.finditer(references)]
    if not found:
        parent = _last(header, b"in-reply-to")
        match = None if parent is None else _MESSAGE_ID.search(parent)
        found = [] if match is None else [_identifier(match)]
    match = None if own is None else _MESSAGE_ID.search(own)
    return None if match is None else _identifier(match), found[-MAX_REFERENCES:]


def _identifier(match: re.Match[bytes]) -> bytes:
    """An identifier without its quoting and blanks, so that its forms are equal ([RFC5256] 3)."""
    quoted, plain, domain = match.groups()
    local = plain if quoted is None else _PAIR.sub(rb"\1", quoted)
    return _BLANKS.sub(b"", local + b"@" + domain)


def _first_address(header: bytes, field: bytes) -> Address | None:
    for value in raw_values(header, field):
        for entry in read_addresses(unfold(value), 0, 1):
            return entry
    return None


def _last(header: bytes, field: bytes) -> bytes | None:
    values = list(raw_values(header, field))
    return values[-1] if values else None
