"""Address fields to property groups and recipient rows ([MS-OXCMAIL] 2.2.3.1, 2.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

from conversion.mime.addresses import Address, parse_addresses
from conversion.mime.charset import decode_unlabelled
from conversion.mime.words import decode_unstructured
from conversion.oxcmail.imcea import decapsulate
from store.mapi import tags
from store.mapi.entryid import AddressBookEntryId, OneOffEntryId, encode_flat_entry_list
from store.mapi.message import RecipientRow, RecipientType
from store.mapi.types import PropertyKey, PropertyTag, Value

MAX_RECIPIENTS = 20_000
_MAX_NAME = 512
_MAX_ADDRESS = 1024

_MAIL_USER, _DISTRIBUTION_LIST = 6, 8  # PidTagObjectType ([MS-OXCPRPT] 2.2.1.7)
_SENDABLE = 1  # PidTagRecipientFlags ([MS-OXOCAL] 2.2.4.10.1)


class Resolved(NamedTuple):
    """What the directory knows of an address."""

    display_name: str
    legacy_dn: str
    """The X500 DN that goes into the address book EntryID."""
    is_group: bool = False


Resolver = Callable[[str], Resolved | None]
"""Looks up an SMTP address; None for one that is in no directory."""


class Mailbox(NamedTuple):
    """One mailbox as text."""

    name: str
    address: str
    type: str = "SMTP"
    """PidTagAddressType; another one where an encapsulated address was opened ([MS-OXCMAIL] 2.2.3.1.2)."""


class AddressGroup(NamedTuple):
    """The six properties that name one participant ([MS-OXCMAIL] 2.6)."""

    name: PropertyTag
    address_type: PropertyTag
    email: PropertyTag
    entry_id: PropertyTag
    smtp: PropertyTag
    search_key: PropertyTag


SENDER = AddressGroup(
    tags.PidTagSenderName,
    tags.PidTagSenderAddressType,
    tags.PidTagSenderEmailAddress,
    tags.PidTagSenderEntryId,
    tags.PidTagSenderSmtpAddress,
    tags.PidTagSenderSearchKey,
)
SENT_REPRESENTING = AddressGroup(
    tags.PidTagSentRepresentingName,
    tags.PidTagSentRepresentingAddressType,
    tags.PidTagSentRepresentingEmailAddress,
    tags.PidTagSentRepresentingEntryId,
    tags.PidTagSentRepresentingSmtpAddress,
    tags.PidTagSentRepresentingSearchKey,
)
READ_RECEIPT = AddressGroup(
    tags.PidTagReadReceiptName,
    tags.PidTagReadReceiptAddressType,
    tags.PidTagReadReceiptEmailAddress,
    tags.PidTagReadReceiptEntryId,
    tags.PidTagReadReceiptSmtpAddress,
    tags.PidTagReadReceiptSearchKey,
)
RECEIVED_BY = AddressGroup(
    tags.PidTagReceivedByName,
    tags.PidTagReceivedByAddressType,
    tags.PidTagReceivedByEmailAddress,
    tags.PidTagReceivedByEntryId,
    tags.PidTagReceivedBySmtpAddress,
    tags.PidTagReceivedBySearchKey,
)
RECEIVED_REPRESENTING = AddressGroup(
    tags.PidTagReceivedRepresentingName,
    tags.PidTagReceivedRepresentingAddressType,
    tags.PidTagReceivedRepresentingEmailAddress,
    tags.PidTagReceivedRepresentingEntryId,
    tags.PidTagReceivedRepresentingSmtpAddress,
    tags.PidTagReceivedRepresentingSearchKey,
)
RECIPIENT = AddressGroup(
    tags.PidTagDisplayName,
    tags.PidTagAddressType,
    tags.PidTagEmailAddress,
    tags.PidTagEntryId,
    tags.PidTagSmtpAddress,
    tags.PidTagSearchKey,
)


def mailboxes(value: bytes, domains: frozenset[str] = frozenset()) -> list[Mailbox]:
    """Read an address field as text. Members of groups count, groups themselves do not ([MS-OXCMAIL] 2.2.3.1).

    Encapsulated addresses of `domains`, the own ones in lower case, are opened ([MS-OXCMAIL] 2.2.3.1.1).
    """
    found = [
        _mailbox(entry)
        for entry in parse_addresses(value)[:MAX_RECIPIENTS]
        if not entry.group and (entry.local or entry.domain)
    ]
    return [_opened(mailbox, domains) for mailbox in found] if domains else found


def _opened(mailbox: Mailbox, domains: frozenset[str]) -> Mailbox:
    inner = decapsulate(mailbox.address, domains)
    if inner is None:
        return mailbox
    kind, address = inner
    return Mailbox(address if mailbox.name == mailbox.address else mailbox.name, address, kind)


def _mailbox(entry: Address) -> Mailbox:
    local, domain = entry.local or b"", entry.domain or b""
    address = (local + b"@" + domain if domain else local)[:_MAX_ADDRESS]
    text = address.decode("ascii") if address.isascii() else decode_unlabelled(address)
    text = text.replace("\0", "")
    if not entry.name:
        return Mailbox(text, text)
    # The NUL ends a string in an EntryID, so none may be inside.
    return Mailbox(decode_unstructured(entry.name)[:_MAX_NAME] or text, text)


@lru_cache(maxsize=1024)
def _one_off(name: str, address: str, kind: str = "SMTP") -> tuple[bytes, bytes]:
    """Return the EntryID and the search key of an address ([MS-OXCDATA] 2.2.5.1, 2.2.5.2)."""
    key = f"{kind}:{address}".upper().encode("utf-8", "replace") + b"\0"
    if kind == "EX" and address.isascii():
        return AddressBookEntryId(address).encode(), key
    return OneOffEntryId(name, kind, address).encode(), key


def _identify(mailbox: Mailbox, resolve: Resolver | None) -> tuple[bytes, bytes, Resolved | None]:
    known = resolve(mailbox.address) if resolve is not None else None
    entry_id, key = _one_off(*mailbox)
    if known is not None:
        entry_id = AddressBookEntryId(known.legacy_dn, 1 if known.is_group else 0).encode()
    return entry_id, key, known


def group_properties(
    group: AddressGroup, mailbox: Mailbox, resolve: Resolver | None = None
) -> dict[PropertyKey, Value]:
    """Make the properties of one participant ([MS-OXCMAIL] 2.6)."""
    entry_id, key, _ = _identify(mailbox, resolve)
    found: dict[PropertyKey, Value] = {
        group.name: mailbox.name,
        group.address_type: mailbox.type,
        group.email: mailbox.address,
        group.entry_id: entry_id,
        group.smtp: mailbox.address,
        group.search_key: key,
    }
    if mailbox.type != "SMTP":
        del found[group.smtp]
    return found


def recipient_row(kind: RecipientType, mailbox: Mailbox, resolve: Resolver | None = None) -> RecipientRow:
    """Make the row of one recipient ([MS-OXCMAIL] 2.2.3.1, [MS-OXCMSG] 2.2.3)."""
    if resolve is None:
        return _plain_row(kind, mailbox)
    return _row(kind, mailbox, *_identify(mailbox, resolve))


@lru_cache(maxsize=1024)
def _plain_row(kind: RecipientType, mailbox: Mailbox) -> RecipientRow:
    # The same people write to one another all day. The bag is shared between messages: nobody may change it.
    return _row(kind, mailbox, *_identify(mailbox, None))


def _row(kind: RecipientType, mailbox: Mailbox, entry_id: bytes, key: bytes, known: Resolved | None) -> RecipientRow:
    is_group = known is not None and known.is_group
    found: dict[PropertyKey, Value] = {
        tags.PidTagRecipientType: int(kind),
        tags.PidTagResponsibility: True,
        tags.PidTagRecordKey: entry_id,
        tags.PidTagObjectType: _DISTRIBUTION_LIST if is_group else _MAIL_USER,
        tags.PidTagEntryId: entry_id,
        tags.PidTagDisplayName: mailbox.name,
        tags.PidTagAddressType: mailbox.type,
        tags.PidTagEmailAddress: mailbox.address,
        tags.PidTagSearchKey: key,
        tags.PidTagDisplayType: 1 if is_group else 0,
        tags.PidTagSmtpAddress: mailbox.address,
        tags.PidTagTransmittableDisplayName: mailbox.name,
        tags.PidTagRecipientEntryId: entry_id,
        tags.PidTagRecipientFlags: _SENDABLE,
    }
    if mailbox.type != "SMTP":
        del found[tags.PidTagSmtpAddress]
    return RecipientRow(kind, found)


def display_list(found: Iterable[Mailbox]) -> str:
    """Join names as PidTagDisplayTo and its like show them ([MS-OXOMSG] 2.2.1.9)."""
    return "; ".join([mailbox.name for mailbox in found])


def reply_properties(found: list[Mailbox]) -> dict[PropertyKey, Value]:
    """Make the properties of Reply-To ([MS-OXCMAIL] 2.2.3.1.6, [MS-OXOMSG] 2.2.1.43)."""
    return {
        tags.PidTagReplyRecipientEntries: encode_flat_entry_list([_one_off(*mailbox)[0] for mailbox in found]),
        tags.PidTagReplyRecipientNames: ";".join([mailbox.name.replace(";", "") for mailbox in found]),
    }
