"""Address fields of the MIME writer ([MS-OXCMAIL] 2.1.3.1)."""

from __future__ import annotations

import re
from typing import NamedTuple

from conversion.mime.build import field, list_tokens, mailbox_tokens
from conversion.oxcmail.addressing import (
    READ_RECEIPT,
    RECEIVED_BY,
    RECEIVED_REPRESENTING,
    RECIPIENT,
    SENDER,
    SENT_REPRESENTING,
    AddressGroup,
)
from conversion.oxcmail.imcea import encapsulate
from conversion.oxcmail.writejob import Audience, Job, binary_of, number_of, text_of
from store.mapi import tags
from store.mapi.entryid import AddressBookEntryId, EntryIdError, OneOffEntryId, decode, decode_flat_entry_list
from store.mapi.message import MessageContent, RecipientType
from store.mapi.types import PropertyBag

_FIELDS = {RecipientType.TO: "To", RecipientType.CC: "Cc", RecipientType.BCC: "Bcc"}
_DELIVERY_REPORT = re.compile(r"REPORT(?:\.[A-Za-z][A-Za-z0-9]{0,99}){1,20}\.N?DR\Z", re.I)
_MEETING_OR_TASK = re.compile(r"IPM\.(?:Schedule\.Meeting|Appointment|Task|TaskRequest)(?:\.|\Z)", re.I)
_ORGANIZER = 2  # PidTagRecipientFlags ([MS-OXOCAL] 2.2.4.10.1)
_UNDISCLOSED = [b"undisclosed-recipients:;"]


class _Found(NamedTuple):
    """An address, and what it is of."""

    kind: str
    address: str


def is_meeting_or_task(properties: PropertyBag) -> bool:
    """Whether Bcc names resources and the like, which all are shown ([MS-OXCMAIL] 2.1.3.1.1.2)."""
    return _MEETING_OR_TASK.match(text_of(properties, tags.PidTagMessageClass)) is not None


def _of_entry(entry_id: bytes) -> tuple[_Found | None, str]:
    """Return the address in an EntryID and the display name beside it ([MS-OXCDATA] 2.2.5)."""
    try:
        entry = decode(entry_id) if entry_id else None
    except EntryIdError:
        return None, ""
    if isinstance(entry, OneOffEntryId):
        found = _Found(entry.address_type.upper(), entry.email_address) if entry.email_address else None
        return found, entry.display_name
    if isinstance(entry, AddressBookEntryId):
        return _Found("EX", entry.distinguished_name), ""
    return None, ""


def _in_smtp(found: _Found, job: Job, place: str) -> str | None:
    """Return an address as SMTP has it: itself, what the directory says, or encapsulated ([MS-OXCMAIL] 2.1.3.1.8)."""
    if found.kind == "SMTP":
        return found.address
    # Directory lookups are for addresses of the address book alone ([MS-OXCMAIL] 2.1.3.1.7).
    known = job.resolve(found.address) if found.kind == "EX" and job.resolve is not None else None
    if known:
        return known
    wrapped = encapsulate(found.kind, found.address, job.domain)
    if wrapped is not None:
        job.receipt.altered(place, f"the address is of type {found.kind}; it was put into an SMTP address")
    return wrapped


def mailbox_of(properties: PropertyBag, group: AddressGroup, job: Job, place: str) -> tuple[str, str] | None:
    """Return name and SMTP address of a participant, None where there is none.

    In this order ([MS-OXCMAIL] 2.1.3.1.1): the SMTP address, the address where its type is SMTP, what the EntryID
    holds, and an address of any other type.
    """
    name = text_of(properties, group.name)
    smtp = text_of(properties, group.smtp)
    if smtp:
        return name, smtp
    kind, address = text_of(properties, group.address_type).upper(), text_of(properties, group.email)
    stated = _Found(kind or ("SMTP" if "@" in address else "EX"), address) if address else None
    entry_id = binary_of(properties, group.entry_id)
    if not entry_id and group is RECIPIENT:
        entry_id = binary_of(properties, tags.PidTagRecipientEntryId)
    if stated is not None and stated.kind == "SMTP":
        return name, stated.address
    inside, entry_name = _of_entry(entry_id)
    found = inside if inside is not None and (stated is None or inside.kind == "SMTP") else stated
    written = _in_smtp(found, job, place) if found is not None else None
    return (name or entry_name, written) if written else None


def _written(properties: PropertyBag, group: AddressGroup, job: Job, place: str) -> list[bytes] | None:
    found = mailbox_of(properties, group, job, place)
    if found is None:
        return None
    tokens = mailbox_tokens(*found)
    if tokens is None:
        job.receipt.dropped(place, "its address cannot stand in a header")
    return tokens


def originator_fields(content: MessageContent, job: Job) -> list[bytes]:
    """Write From, and Sender where that is somebody else ([MS-OXCMAIL] 2.1.3.1.3, 2.1.3.1.4)."""
    properties = content.properties
    fields: list[bytes] = []
    author = _written(properties, SENT_REPRESENTING, job, "PidTagSentRepresenting")
    sender = _written(properties, SENDER, job, "PidTagSender")
    if author is not None or sender is not None:
        fields.append(field("From", author or sender or []))
    if author is None or sender is None:
        return fields
    if not _same(properties, author, sender):
        fields.append(field("Sender", sender))
    elif author != sender:
        job.receipt.altered("PidTagSender", "it is the author under another name or address, and so is not said apart")
    return fields


def _same(properties: PropertyBag, author: list[bytes], sender: list[bytes]) -> bool:
    if author[-1].lower() == sender[-1].lower():
        return True
    entry_id = binary_of(properties, SENDER.entry_id)
    return bool(entry_id) and entry_id == binary_of(properties, SENT_REPRESENTING.entry_id)


def recipient_fields(content: MessageContent, job: Job) -> list[bytes]:
    """Write To, Cc and, for whom it is, Bcc ([MS-OXCMAIL] 2.1.3.1.1)."""
    properties = content.properties
    if _DELIVERY_REPORT.match(text_of(properties, tags.PidTagMessageClass)):
        # Whom a report came to, not whom it is about ([MS-OXCMAIL] 2.1.3.1.1.1).
        to = _written(properties, RECEIVED_REPRESENTING, job, "PidTagReceivedRepresenting")
        to = to or _written(properties, RECEIVED_BY, job, "PidTagReceivedBy")
        if to is not None or job.depth:
            return [field("To", to)] if to is not None else []
    is_meeting = job.hooks.calendar is not None and is_meeting_or_task(properties) and len(content.recipients) > 1
    lists: dict[RecipientType, list[list[bytes]]] = {kind: [] for kind in _FIELDS}
    for number, row in enumerate(content.recipients, start=1):
        place = f"recipient {number}"
        kind = row.properties.get(tags.PidTagRecipientType, row.type)
        if not isinstance(kind, int) or kind not in (1, 2, 3):
            # Rows of a message sent again carry flags above the type ([MS-OXOMSG] 2.2.3.1); 0 is the originator.
            if kind:
                job.receipt.dropped(place, "a recipient only of the sending again, or of an unknown type")
            continue
        tokens = _written(row.properties, RECIPIENT, job, place)
        if is_meeting and (number_of(row.properties, tags.PidTagRecipientFlags) or 0) & _ORGANIZER:
            # The calendar names who invited; the message does not go to them ([MS-OXOCAL] 2.2.4.10.1).
            continue
        if tokens is not None:
            lists[RecipientType(kind)].append(tokens)
        elif mailbox_of(row.properties, RECIPIENT, job, place) is None:
            job.receipt.dropped(place, "it has no address")
    hidden = lists[RecipientType.BCC]
    if hidden and job.audience is Audience.TRANSPORT and not is_meeting_or_task(properties):
        # Not noted: whom it goes to is the envelope's matter, and nobody else's.
        lists[RecipientType.BCC] = []
    fields = [field(_FIELDS[kind], list_tokens(members)) for kind, members in lists.items() if members]
    if not fields and hidden:
        return [field("To", _UNDISCLOSED)]
    return fields


def reply_to_field(properties: PropertyBag, job: Job) -> list[bytes]:
    """Write Reply-To ([MS-OXCMAIL] 2.1.3.1.2). The names count only where there are as many as entries."""
    entries = binary_of(properties, tags.PidTagReplyRecipientEntries)
    if not entries:
        return []
    try:
        found = decode_flat_entry_list(entries)
    except EntryIdError:
        job.receipt.dropped("PidTagReplyRecipientEntries", "it is malformed")
        return []
    names = text_of(properties, tags.PidTagReplyRecipientNames).split(";")
    members: list[list[bytes]] = []
    for number, entry_id in enumerate(found):
        place = f"PidTagReplyRecipientEntries {number + 1}"
        inside, name = _of_entry(entry_id)
        address = _in_smtp(inside, job, place) if inside is not None else None
        # A semicolon inside a name has no place in the list of names; the entry has the name whole.
        shown = names[number].strip() if len(names) == len(found) else ""
        tokens = mailbox_tokens(name if name.replace(";", "") == shown else shown or name, address or "")
        if tokens is None:
            job.receipt.dropped(place, "it holds no address that can be written")
        else:
            members.append(tokens)
    return [field("Reply-To", list_tokens(members))] if members else []


def receipt_fields(properties: PropertyBag, job: Job) -> list[bytes]:
    """Write who wants to hear of delivery and of reading ([MS-OXCMAIL] 2.1.3.1.5, 2.1.3.1.6)."""
    fields: list[bytes] = []
    for tag, name in (
        (tags.PidTagOriginatorDeliveryReportRequested, "Return-Receipt-To"),
        (tags.PidTagReadReceiptRequested, "Disposition-Notification-To"),
    ):
        if properties.get(tag) is not True:
            continue
        for group in (READ_RECEIPT, SENDER, SENT_REPRESENTING):
            tokens = _written(properties, group, job, name)
            if tokens is not None:
                fields.append(field(name, tokens))
                break
        else:
            job.receipt.dropped(name, "nobody is named whom it could go to")
    return fields
