"""Electronic addresses: EMAIL, instant messaging, faxes ([MS-OXVCARD] 2.1.3.4.2, 2.1.3.9.4, [MS-OXOCNTC] 2.2.1.2).

Each of them is a group of properties that stand together, and PidLidAddressBookProviderEmailList with
PidLidAddressBookProviderArrayType say which groups there are: without them Outlook's address book does not show them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from conversion.vcard import telephones
from conversion.vcard.card import Card, Found, one_line
from conversion.vcard.identity import display_name
from conversion.vcard.lines import Lines
from conversion.vcard.rows import text_of
from store.mapi import tags
from store.mapi.entryid import OneOffEntryId
from store.mapi.types import PropertyBag, PropertyKey, PropertyName


@dataclass(frozen=True, slots=True)
class Slot:
    """The properties of one electronic address."""

    address: PropertyName
    type: PropertyName
    original: PropertyName
    entry_id: PropertyName
    display: PropertyName | None = None
    number: PropertyKey | None = None
    """The property that has the number, of a fax."""


EMAILS = (
    Slot(tags.PidLidEmail1EmailAddress, tags.PidLidEmail1AddressType, tags.PidLidEmail1OriginalDisplayName,
         tags.PidLidEmail1OriginalEntryId, tags.PidLidEmail1DisplayName),
    Slot(tags.PidLidEmail2EmailAddress, tags.PidLidEmail2AddressType, tags.PidLidEmail2OriginalDisplayName,
         tags.PidLidEmail2OriginalEntryId, tags.PidLidEmail2DisplayName),
    Slot(tags.PidLidEmail3EmailAddress, tags.PidLidEmail3AddressType, tags.PidLidEmail3OriginalDisplayName,
         tags.PidLidEmail3OriginalEntryId, tags.PidLidEmail3DisplayName),
)  # fmt: skip
FAXES = (
    Slot(tags.PidLidFax1EmailAddress, tags.PidLidFax1AddressType, tags.PidLidFax1OriginalDisplayName,
         tags.PidLidFax1OriginalEntryId, number=telephones.WORK_FAX),
    Slot(tags.PidLidFax2EmailAddress, tags.PidLidFax2AddressType, tags.PidLidFax2OriginalDisplayName,
         tags.PidLidFax2OriginalEntryId, number=telephones.HOME_FAX),
    Slot(tags.PidLidFax3EmailAddress, tags.PidLidFax3AddressType, tags.PidLidFax3OriginalDisplayName,
         tags.PidLidFax3OriginalEntryId, number=telephones.OTHER_FAX),
)  # fmt: skip
_FIRST_FAX = 3  # in PidLidAddressBookProviderEmailList ([MS-OXOCNTC] 2.2.1.2.11)
_MESSENGERS = {
    "X-AIM": "aim", "X-ICQ": "icq", "X-JABBER": "xmpp", "X-GOOGLE-TALK": "xmpp", "X-GTALK": "xmpp", "X-MSN": "msnim",
    "X-YAHOO": "ymsgr", "X-SKYPE": "skype", "X-SKYPE-USERNAME": "skype", "X-GADUGADU": "gg", "X-QQ": "qq",
    "X-GROUPWISE": "groupwise", "X-SIP": "sip", "X-MATRIX": "matrix",
}  # fmt: skip
_IM = ("X-MS-IMADDRESS", "X-MS-RM-IMACCOUNT", "IMPP")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^ ]+\Z")
_PREFIX = re.compile(r"mailto:", re.I)

HANDLED: frozenset[PropertyKey] = frozenset(
    (
        *(key for slot in (*EMAILS, *FAXES)
          for key in (slot.address, slot.type, slot.original, slot.entry_id, slot.display) if key is not None),
        tags.PidLidAddressBookProviderEmailList,
        tags.PidLidAddressBookProviderArrayType,
        tags.PidLidInstantMessagingAddress,
    )
)  # fmt: skip
"""The properties that write_electronic looks at."""


def read_electronic(card: Card, found: Found) -> None:
    """Read EMAIL and instant messaging. Names and telephones are read before: their values are part of the groups."""
    addresses: list[tuple[str, str]] = []
    for entry in sorted(card.take("EMAIL"), key=lambda entry: entry.preference):
        address = one_line(entry.text())
        if _PREFIX.match(address):
            address = unquote(address[len("mailto:") :])
        card.label(entry)
        address = one_line(address)
        kind = "X400" if "x400" in entry.kinds else "SMTP"
        if not address or (address, kind) in addresses:
            continue
        if entry.kinds & {"tlx", "telex"}:
            if found.setdefault(tags.PidTagTelexNumber, address) != address:
                card.receipt.dropped("EMAIL", "a contact has one telex")
            continue
        if len(addresses) == len(EMAILS):
            card.receipt.dropped("EMAIL", "a contact has three of them")
            continue
        addresses.append((address, kind))
        if entry.kinds - {"internet", "x400"}:
            card.receipt.altered("EMAIL", "whose or what kind it is, is not kept")
    if addresses and not display_name(found):
        name = addresses[0][0]
        found |= {tags.PidTagDisplayName: name, tags.PidTagSubject: name, tags.PidTagNormalizedSubject: name}
        found |= {tags.PidLidFileUnder: name, tags.PidLidFileUnderId: 0x3001}
        card.receipt.guessed("FN", "it is missing; made of other properties")
    _put_groups(addresses, found)
    _read_messenger(card, found)


def shown_as(name: str, address: str) -> str:
    """Give PidLidEmail1DisplayName as Outlook makes it."""
    return f"{name} ({address})" if name and name != address else address


def _put_groups(addresses: list[tuple[str, str]], found: Found) -> None:
    """Put the groups of properties ([MS-OXOCNTC] 2.2.1.2) and the two that say which there are."""
    name = display_name(found)
    there: list[int] = []
    for number, ((address, kind), slot) in enumerate(zip(addresses, EMAILS, strict=False)):
        shown = shown_as(name, address)
        assert slot.display is not None
        found |= {slot.address: address, slot.type: kind, slot.display: shown, slot.original: address}
        found[slot.entry_id] = OneOffEntryId(shown, kind, address, rich_info=False).encode()
        there.append(number)
    for number, slot in enumerate(FAXES, _FIRST_FAX):
        assert slot.number is not None
        fax = text_of(found, slot.number)
        if fax:
            address = f"{name}@{fax}"  # [MS-OXOCNTC] 2.2.1.2.8
            found |= {slot.address: address, slot.type: "FAX", slot.original: name or fax}
            found[slot.entry_id] = OneOffEntryId(name, "FAX", address, rich_info=False).encode()
            there.append(number)
    if there:
        found[tags.PidLidAddressBookProviderEmailList] = tuple(there)
        found[tags.PidLidAddressBookProviderArrayType] = sum(1 << number for number in there)


def member_of(properties: PropertyBag) -> tuple[str, str] | None:
    """Give the name and the first address of a contact, by which a list has it as a member."""
    address = next(filter(None, (text_of(properties, slot.address) for slot in EMAILS)), "")
    return (display_name(properties) or address, address) if address else None


def _read_messenger(card: Card, found: Found) -> None:
    """Read the address of instant messaging, of which a contact has one ([MS-OXVCARD] 2.1.3.9.4)."""
    addresses: list[str] = []
    for entry in (*card.take(*_IM), *card.take(*_MESSENGERS)):
        text = one_line(entry.text())
        scheme = _MESSENGERS.get(entry.name)
        addresses.append(f"{scheme}:{text}" if scheme and ":" not in text else text)
        card.label(entry)
    different = list(dict.fromkeys(filter(None, addresses)))
    if different:
        found[tags.PidLidInstantMessagingAddress] = different[0]
    for _ in different[1:]:
        card.receipt.dropped("IMPP", "a contact has one of them")


def write_electronic(properties: PropertyBag, lines: Lines) -> None:
    """Write EMAIL, the first as the preferred one, and the address of instant messaging."""
    first, seen = True, set[str]()
    for number, slot in enumerate(EMAILS, 1):
        address = _smtp_address(properties, slot, lines)
        if not address:
            continue
        if (number == 1) is not first:
            lines.receipt.altered("EMAIL", "it moved to the place before")
        if address in seen:
            lines.receipt.dropped("EMAIL", "an address that is there already")
        seen.add(address)
        kind = "x400" if text_of(properties, slot.type).upper() == "X400" else "internet"
        lines.text("EMAIL", address, (kind,), preferred=first)
        first = False
    if text := one_line(text_of(properties, tags.PidLidInstantMessagingAddress)):
        if lines.version != "2.1" and _SCHEME.match(text):
            lines.uri("IMPP", text)  # [RFC4770] 1
        else:
            lines.text("X-MS-IMADDRESS", text)


def _smtp_address(properties: PropertyBag, slot: Slot, lines: Lines) -> str:
    """Give the address that others can write to; one inside of an organisation has it in another property."""
    address = one_line(text_of(properties, slot.address))
    kind = text_of(properties, slot.type).upper()
    if not address:
        return ""
    if kind not in ("", "SMTP", "X400"):
        original = one_line(text_of(properties, slot.original))
        if "@" not in original:
            lines.receipt.dropped("EMAIL", "an address that means nothing outside")
            return ""
        lines.receipt.altered("EMAIL", "the address of the outside for that of the directory")
        return original
    assert slot.display is not None
    shown = one_line(text_of(properties, slot.display))
    if shown not in ("", address, shown_as(display_name(properties), address)):
        lines.receipt.dropped("EMAIL", "the name that is shown for the address")
    return address
