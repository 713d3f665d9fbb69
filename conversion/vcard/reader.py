"""vCards as Contact objects and personal distribution lists ([MS-OXVCARD] 2.1.3).

    for content in read_vcards(data, receipt=receipt):
        ...

vCard 2.1, 3.0 and 4.0 are read, and what programs write that mixes them. A line that cannot be read is noted, and the
others are read. A file may have several cards.
"""

from __future__ import annotations

from collections.abc import Mapping

from conversion.contentlines import Component, read_components, unescape, write_component
from conversion.errors import ConversionError
from conversion.receipt import Receipt
from conversion.vcard.card import Card, Entry, Found
from conversion.vcard.dates import read_dates
from conversion.vcard.electronic import member_of, read_electronic
from conversion.vcard.identity import display_name, read_identity
from conversion.vcard.lists import Member, Resolver, bare_uid, is_list, read_list
from conversion.vcard.media import octets_in, read_media
from conversion.vcard.postal import read_addresses
from conversion.vcard.rows import UID, read_rows, text_of
from conversion.vcard.telephones import read_telephones
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyKey, Value

MAX_CARDS = 50_000
"""Cards of one file."""
MAX_DEPTH = 10
"""Cards of agents within one another; a deeper one is kept as a file."""

CONTACT, LIST = "IPM.Contact", "IPM.DistList"
_CONTACT_ICON, _LIST_ICON = 0x200, 0x202  # PidTagIconIndex ([MS-OXOCNTC] 2.2.1.10.20, 2.2.2.3.3)
_BY_VALUE, _EMBEDDED = 1, 5  # PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9)
# What is about the card and not about its person ([MS-OXVCARD] 2.1.3.7.3, 2.1.3.7.9).
_ABOUT_CARD = ("VERSION", "PRODID", "PROFILE", "NAME", "X-ABUID", "X-ABLABEL", "X-PRODID")

_Known = Mapping[str, Member]


def read_vcards(
    data: bytes, *, receipt: Receipt | None = None, resolve: Resolver | None = None
) -> list[MessageContent]:
    """Read all cards of a file, in order. `resolve` finds members of groups that are named by the UID of their card.

    Raises ConversionError if there is no card in it.
    """
    notes = receipt or Receipt()
    components = [component for component in read_components(data, receipt=notes) if component.name == "VCARD"]
    if not components:
        raise ConversionError("no vCard: there is no BEGIN:VCARD")
    if len(components) > MAX_CARDS:
        notes.dropped(f"card {MAX_CARDS + 1}", f"cards beyond {MAX_CARDS}")
    cards = components[:MAX_CARDS]
    places = [notes.within(f"card {number}") if len(cards) > 1 else notes for number in range(1, len(cards) + 1)]
    people: dict[str, Member] = {}
    contents: dict[int, MessageContent] = {}
    groups: list[tuple[int, Card]] = []
    for number, component in enumerate(cards):
        card = Card(component, places[number])
        if is_list(card):
            groups.append((number, card))
            continue
        content = _contact(card, 0)
        contents[number] = content
        member = member_of(content.properties)
        if (uid := text_of(content.properties, UID)) and member is not None:
            people.setdefault(bare_uid(uid), member)
    # Groups come last: they name cards that may stand behind them.
    for number, card in groups:
        contents[number] = _list(card, people, resolve)
    return [contents[number] for number in range(len(cards))]


def read_vcard(data: bytes, *, receipt: Receipt | None = None, resolve: Resolver | None = None) -> MessageContent:
    """Read the first card of a file; others are noted. Raises ConversionError if there is no card in it."""
    notes = receipt or Receipt()
    first, *others = read_vcards(data, receipt=notes, resolve=resolve)
    if others:
        notes.dropped("card 2", f"{len(others)} more cards")
    return first


def _contact(card: Card, depth: int) -> MessageContent:
    """Make a Contact object ([MS-OXVCARD] 2.1.3, [MS-OXOCNTC] 2.2.1)."""
    found: Found = {tags.PidTagMessageClass: CONTACT, tags.PidTagIconIndex: _CONTACT_ICON}
    agents = _agents(card, depth)
    read_rows(card, found)
    read_identity(card, found)
    read_telephones(card, found)
    read_dates(card, found)
    read_addresses(card, found)
    read_electronic(card, found)
    attachments = [*read_media(card, found), *agents]
    _finish(card)
    if attachments:
        found[tags.PidTagHasAttachments] = True
    return MessageContent(found, attachments=tuple(attachments))


def _list(card: Card, known: _Known, resolve: Resolver | None) -> MessageContent:
    """Make a personal distribution list ([MS-OXOCNTC] 2.2.2)."""
    found: Found = {tags.PidTagMessageClass: LIST, tags.PidTagIconIndex: _LIST_ICON}
    read_rows(card, found)
    read_identity(card, found)
    read_dates(card, found)
    read_list(card, found, known, resolve)
    _finish(card)
    return MessageContent(found)


def _finish(card: Card) -> None:
    """Note what nobody has taken.

    MAILER, TZ, GEO and SORT-STRING are of this kind ([MS-OXVCARD] 2.1.3.4.3, 2.1.3.5.1, 2.1.3.5.2, 2.1.3.7.5).
    """
    card.take(*_ABOUT_CARD)
    for name in card.rest():
        card.receipt.dropped(name[:50], "there is no property for it")


def _agents(card: Card, depth: int) -> list[AttachmentContent]:
    """Read AGENT, a card in a card: as a component ([vCard 2.1] 2.5.1), as text ([RFC2426] 3.5.4), in a data URI.

    vCard 4.0 has RELATED of the kind agent for it ([RFC6350] 6.6.6, A.2).
    """
    attachments = [_agent(component, card.receipt, depth) for component in card.component.inner("VCARD")]
    for entry in (*card.take("AGENT"), *card.take_kind("RELATED", "agent")):
        components = _cards_in(entry, card.receipt)
        if not components:
            card.receipt.dropped("AGENT", "it is elsewhere, or unreadable")
        attachments += [_agent(component, card.receipt, depth) for component in components]
    return attachments


def _cards_in(entry: Entry, receipt: Receipt) -> list[Component]:
    octets = octets_in(entry)
    if octets is not None:
        data = octets[0]
    else:
        text = entry.line.value
        # Folded, but with its lines left as they were: the escapes of the outer card are missing.
        data = (unescape(text) if "\n" not in text else text).encode("utf-8", "replace")
    return [
        component for component in read_components(data, receipt=receipt.within("AGENT")) if component.name == "VCARD"
    ]


def _agent(component: Component, receipt: Receipt, depth: int) -> AttachmentContent:
    properties: dict[PropertyKey, Value] = {tags.PidTagRenderingPosition: -1}
    if depth + 1 >= MAX_DEPTH:
        receipt.altered("AGENT", f"it is {depth + 1} deep, and is kept as a file")
        name = "Agent.vcf"
        properties |= {tags.PidTagAttachMethod: _BY_VALUE, tags.PidTagAttachLongFilename: name,
                       tags.PidTagDisplayName: name, tags.PidTagAttachMimeTag: "text/vcard"}  # fmt: skip
        return AttachmentContent(properties, write_component(component))
    content = _contact(Card(component, receipt.within("AGENT")), depth + 1)
    properties |= {tags.PidTagAttachMethod: _EMBEDDED, tags.PidTagDisplayName: display_name(content.properties)}
    return AttachmentContent(properties, content)
