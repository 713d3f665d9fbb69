"""Groups of people: KIND:group with its MEMBERs, and personal distribution lists ([RFC6350] 6.6.5, [MS-OXOCNTC] 2.2.2).

vCard 3.0 has no groups; there they are written as Apple's address book does, which is read as well.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate, zip_longest
from urllib.parse import quote, unquote

from conversion.vcard.card import Card, Found, one_line
from conversion.vcard.identity import display_name
from conversion.vcard.lines import Lines
from conversion.vcard.memberstream import one_off, read_stream, write_stream
from store.mapi import tags
from store.mapi.entryid import OneOffEntryId
from store.mapi.types import PropertyBag, PropertyKey

MAX_OCTETS = 15_000
"""Octets that the members of a list may have ([MS-OXOCNTC] 2.2.2.2.1)."""

Member = tuple[str, str]
"""Name and SMTP address."""
Resolver = Callable[[str], Member | None]
"""Finds a member that a card names by the UID of its own card."""

_SENT = re.compile(r"mailto:", re.I)
_NAMED = re.compile(r"urn:uuid:", re.I)
_KIND, _MEMBER = "X-ADDRESSBOOKSERVER-KIND", "X-ADDRESSBOOKSERVER-MEMBER"

HANDLED: frozenset[PropertyKey] = frozenset(
    (
        tags.PidLidDistributionListName,
        tags.PidLidDistributionListMembers,
        tags.PidLidDistributionListOneOffMembers,
        tags.PidLidDistributionListChecksum,
        tags.PidLidDistributionListStream,
    )
)
"""The properties that write_list looks at."""


def is_list(card: Card) -> bool:
    """Whether a card is of a group."""
    lines = card.component.lines
    return any(line.name in ("KIND", _KIND) and line.value.strip().lower() == "group" for line in lines)


def bare_uid(uid: str) -> str:
    """Give a UID as it is compared: without `urn:uuid:`, in lower case."""
    uid = uid.strip()
    return (uid[len("urn:uuid:") :] if _NAMED.match(uid) else uid).lower()


def read_list(card: Card, found: Found, known: Mapping[str, Member], resolve: Resolver | None) -> None:
    """Read the members; `known` are those whose cards are in the same file, by their UID."""
    card.take(_KIND)
    one_offs: dict[bytes, None] = {}  # in the order of the card, each once
    for entry in card.take("MEMBER", _MEMBER):
        member = _member(entry.text().strip(), entry.line.parameter("X-CN") or "", known, resolve)
        if member is None:
            card.receipt.dropped("MEMBER", "nothing is known of an address")
        else:
            one_offs[OneOffEntryId(member[0], "SMTP", member[1]).encode()] = None
    members = list(one_offs)
    listed = members[: _that_fit(members)]
    name = display_name(found)
    found[tags.PidLidDistributionListName] = name
    found[tags.PidLidDistributionListMembers] = tuple(listed)
    found[tags.PidLidDistributionListOneOffMembers] = tuple(listed)
    found[tags.PidLidDistributionListChecksum] = checksum(listed)
    if len(listed) < len(members):
        found[tags.PidLidDistributionListStream] = write_stream(members)


def _that_fit(members: list[bytes]) -> int:
    """How many members the lists have room for; all are in the stream if they have not ([MS-OXOCNTC] 2.2.2.2.4)."""
    return sum(1 for octets in accumulate(map(len, members)) if octets < MAX_OCTETS)


def checksum(members: list[bytes]) -> int:
    """Compute PidLidDistributionListChecksum, the CRC of all members ([MS-OXOCNTC] 2.2.2.2.3), as a signed number."""
    value = zlib.crc32(b"".join(members))
    return value - (1 << 32) if value >> 31 else value


def _member(uri: str, name: str, known: Mapping[str, Member], resolve: Resolver | None) -> Member | None:
    if _SENT.match(uri):
        address = one_line(unquote(uri[len("mailto:") :].partition("?")[0]))
        return (one_line(name) or address, address) if address else None
    member = known.get(bare_uid(uri))
    return resolve(uri) if member is None and resolve is not None else member


def write_list(properties: PropertyBag, lines: Lines) -> None:
    """Write KIND and the members of a personal distribution list."""
    modern = lines.version == "4.0"
    lines.text("KIND" if modern else _KIND, "group")
    for candidates in _members_of(properties, lines):
        member = next(filter(None, map(_decoded, candidates)), None)
        if member is None:
            lines.receipt.dropped("MEMBER", "nothing is known of an address")
            continue
        name, address = member
        parameters = [("X-CN", name)] if name and name != address else []
        if parameters and lines.version == "2.1":
            lines.receipt.dropped("MEMBER", "the name")
            parameters = []
        lines.uri("MEMBER" if modern else _MEMBER, f"mailto:{quote(address, safe='@!$&*+-./=^_`{|}~')}",
                  parameters=parameters)  # fmt: skip


def _members_of(properties: PropertyBag, lines: Lines) -> Iterator[tuple[bytes, ...]]:
    """Give what may tell the address of each member, the best first: the stream alone where there is one."""
    data = properties.get(tags.PidLidDistributionListStream)
    stream = read_stream(data) if isinstance(data, bytes) else None
    if stream:
        yield from ((alone, entry_id) for entry_id, alone in stream)
        return
    if data is not None:
        lines.receipt.guessed("PidLidDistributionListStream", "it cannot be read: members are those of the other lists")
    one_offs = properties.get(tags.PidLidDistributionListOneOffMembers)
    members = properties.get(tags.PidLidDistributionListMembers)
    lists = [values if isinstance(values, tuple) else () for values in (one_offs, members)]
    for pair in zip_longest(*lists, fillvalue=b""):
        yield tuple([value for value in pair if isinstance(value, bytes)])


def _decoded(value: bytes) -> Member | None:
    entry_id = one_off(value)
    if entry_id is None or entry_id.address_type.upper() != "SMTP":
        return None
    address = one_line(entry_id.email_address)
    return (one_line(entry_id.display_name), address) if address else None
