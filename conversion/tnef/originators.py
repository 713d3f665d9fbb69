"""Who sent, and for whom: groups of properties that attFrom, attOwner and attSentFor stand for ([MS-OXTNEF] 2.1.3.1.1).

Where the document says PidTagSentRepresenting_XXX it means the name, the address type, the address and the EntryID of
one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from conversion.tnef.values import Originator
from store.mapi import tags
from store.mapi.entryid import AddressBookEntryId, EntryIdError, OneOffEntryId, decode
from store.mapi.types import PropertyBag, PropertyKey, PropertyTag, Value


class Group(NamedTuple):
    """The properties of one person."""

    name: PropertyTag
    type: PropertyTag
    address: PropertyTag
    entry_id: PropertyTag


SENDER: Final = Group(
    tags.PidTagSenderName, tags.PidTagSenderAddressType, tags.PidTagSenderEmailAddress, tags.PidTagSenderEntryId
)
SENT_REPRESENTING: Final = Group(
    tags.PidTagSentRepresentingName,
    tags.PidTagSentRepresentingAddressType,
    tags.PidTagSentRepresentingEmailAddress,
    tags.PidTagSentRepresentingEntryId,
)
RECEIVED_REPRESENTING: Final = Group(
    tags.PidTagReceivedRepresentingName,
    tags.PidTagReceivedRepresentingAddressType,
    tags.PidTagReceivedRepresentingEmailAddress,
    tags.PidTagReceivedRepresentingEntryId,
)


def read_group(group: Group, who: Originator | None) -> dict[PropertyKey, Value]:
    """Give the properties of a person: nothing for none ([MS-OXTNEF] 2.3.3.11)."""
    if who is None:
        return {}
    entry_id = OneOffEntryId(who.name, who.type, who.address).encode()
    return {group.name: who.name, group.type: who.type, group.address: who.address, group.entry_id: entry_id}


def write_group(group: Group, properties: PropertyBag) -> Originator | None:
    """Find a person in properties ([MS-OXTNEF] 2.2.3.3, 2.2.3.11, 2.2.3.12): by name and address, else the EntryID."""
    name, kind, address = (_text(properties, tag) for tag in (group.name, group.type, group.address))
    if kind and address:
        return Originator(name or address, kind, address)
    entry_id = properties.get(group.entry_id)
    if isinstance(entry_id, bytes):
        try:
            entry = decode(entry_id)
        except EntryIdError:
            return None
        if isinstance(entry, OneOffEntryId):
            return Originator(name or entry.display_name, entry.address_type, entry.email_address)
        if isinstance(entry, AddressBookEntryId):
            return Originator(name or entry.distinguished_name, "EX", entry.distinguished_name)
    return None


def _text(properties: Mapping[PropertyKey, Value], tag: PropertyTag) -> str:
    value = properties.get(tag)
    return value if isinstance(value, str) else ""
