"""Reports: delivery status and disposition notifications as REPORT objects ([MS-OXCMAIL] 2.2.3.7)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass, field

from conversion.mime.dates import read_filetime
from conversion.mime.parts import DEFAULT_LIMITS, HeaderLines, Part, read_fields
from conversion.mime.words import decode_unstructured
from conversion.oxcmail.addressing import (
    MAX_RECIPIENTS,
    RECEIVED_BY,
    RECEIVED_REPRESENTING,
    SENDER,
    SENT_REPRESENTING,
    Mailbox,
    Resolver,
    display_list,
    group_properties,
    mailboxes,
    recipient_row,
)
from conversion.oxcmail.body import place_of
from conversion.oxcmail.parts import Source
from conversion.oxcmail.reportfields import (
    ACTIONS,
    action_of,
    diagnosis,
    field_groups,
    has_recipient,
    name_of,
    status_of,
    typed_address,
)
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import RecipientRow, RecipientType
from store.mapi.types import PropertyBag, PropertyKey, Value

_STATUS_PARTS = frozenset(("delivery-status", "global-delivery-status"))
_DISPOSITION_PARTS = frozenset(("disposition-notification", "global-disposition-notification"))
_HEADER_PARTS = frozenset(
    (("text", "rfc822-headers"), ("text", "rfc822-header"), ("message", "global-headers"), ("message", "global"))
)
_STATUS_FIELDS = frozenset(
    (
        "reporting-mta", "arrival-date", "final-recipient", "original-recipient", "action", "status", "remote-mta",
        "diagnostic-code", "x-display-name", "x-supplementary-info",
    )
)  # fmt: skip
"""Fields that a property has."""
_DISPOSITION_FIELDS = frozenset(
    (
        "final-recipient", "original-recipient", "x-display-name", "disposition", "original-message-id",
        "x-msexch-correlation-key",
    )
)  # fmt: skip
_MAX_NOTED = 20
"""Names of fields that are noted."""
_MAX_SUBJECT = 255
_MAX_KEY = 1024
_MAX_HEADER = 131_072

# What is said of the original's sender, by what group_properties gives of a sender.
ORIGINAL_OF: dict[PropertyKey, PropertyKey] = {
    SENDER.name: tags.PidTagOriginalSenderName,
    SENDER.address_type: tags.PidTagOriginalSenderAddressType,
    SENDER.email: tags.PidTagOriginalSenderEmailAddress,
    SENDER.entry_id: tags.PidTagOriginalSenderEntryId,
    SENDER.search_key: tags.PidTagOriginalSenderSearchKey,
    SENT_REPRESENTING.name: tags.PidTagOriginalSentRepresentingName,
    SENT_REPRESENTING.address_type: tags.PidTagOriginalSentRepresentingAddressType,
    SENT_REPRESENTING.email: tags.PidTagOriginalSentRepresentingEmailAddress,
    SENT_REPRESENTING.entry_id: tags.PidTagOriginalSentRepresentingEntryId,
    SENT_REPRESENTING.search_key: tags.PidTagOriginalSentRepresentingSearchKey,
}


@dataclass(slots=True)
class Report:
    """What a report says."""

    properties: dict[PropertyKey, Value] = field(default_factory=dict)
    recipients: list[RecipientRow] | None = None
    """Whom it is about; None where that takes no place of the header's recipients."""
    part: Part | None = None
    """The part that all of this stands for, so that it is no attachment."""


def report_part(root: Part) -> Part | None:
    """Find the part with the fields of a report: the message itself, or one of its parts ([RFC6522] 3)."""
    for part in (root, *root.children):
        if part.type == "message" and part.subtype in _STATUS_PARTS | _DISPOSITION_PARTS:
            return part
    return None


def worst_action(groups: list[dict[str, str]]) -> str:
    """Give the worst action of a notification ([MS-OXCMAIL] 2.2.3.7.1, step 1); failed where none is named."""
    found = {action_of(group) for group in groups if has_recipient(group) or "action" in group}
    return next((action for action in ACTIONS if action in found), ACTIONS[0])


def read_report(
    source: Source,
    root: Part,
    header: PropertyBag,
    to: list[Mailbox],
    resolve: Resolver | None,
    receipt: Receipt | None = None,
) -> Report:
    """Read the parts of a report. `header` is what its header fields said, `to` whom it came to."""
    part = report_part(root)
    if part is None:
        return Report()
    original = _original_properties(source, root, resolve)
    groups = field_groups(source.decoded(part))
    report = _delivery(groups, to, resolve) if part.subtype in _STATUS_PARTS else _disposition(groups, header)
    sent = header.get(tags.PidTagClientSubmitTime)
    if sent is not None:
        report.properties[tags.PidTagReportTime] = sent
    report.properties = {**original, **report.properties}
    report.part = part if report.properties.keys() - original.keys() - {tags.PidTagReportTime} else None
    if receipt is not None and report.part is not None:
        _note_losses(groups, part, receipt)
    return report


def _note_losses(groups: list[dict[str, str]], part: Part, receipt: Receipt) -> None:
    """Note the recipients and the fields that the object has no property for."""
    place = place_of(part)
    known = _DISPOSITION_FIELDS
    if part.subtype in _STATUS_PARTS:
        known = _STATUS_FIELDS
        worst = worst_action(groups)
        others = Counter(action_of(group) for group in groups if has_recipient(group) and action_of(group) != worst)
        for action, count in others.items():
            receipt.dropped(place, f"{count} of the recipients, with the action {action}: the report is {worst}")
        groups = [group for group in groups if not has_recipient(group) or action_of(group) == worst]
        if sum(map(has_recipient, groups)) > MAX_RECIPIENTS:
            receipt.dropped(place, f"recipients beyond {MAX_RECIPIENTS}")
    for name in sorted({name for group in groups for name in group} - known)[:_MAX_NOTED]:
        receipt.dropped(f"{place}, {name.title()}", "it has no property")
    for group in groups:
        final, original = (typed_address(group.get(f"{which}-recipient", "")) for which in ("final", "original"))
        if final is not None and original is not None and final.address.lower() != original.address.lower():
            which = "Original" if part.subtype in _STATUS_PARTS else "Final"
            receipt.altered(f"{place}, {which}-Recipient", "of two addresses one is kept, the other at most as a name")
            break


# --- Delivery status --------------------------------------------------------------------------------------------------


def _delivery(groups: list[dict[str, str]], to: list[Mailbox], resolve: Resolver | None) -> Report:
    """Read a delivery status notification ([MS-OXCMAIL] 2.2.3.7.1): recipients with the worst action alone."""
    report = Report()
    worst = worst_action(groups)
    about: list[Mailbox] = []
    rows: list[RecipientRow] = []
    for group in groups:
        if "reporting-mta" in group and (name := name_of(group["reporting-mta"])):
            report.properties.setdefault(tags.PidTagReportingMessageTransferAgent, name)
        arrived = read_filetime(group["arrival-date"].encode("utf-8", "replace")) if "arrival-date" in group else None
        if arrived is not None:
            report.properties.setdefault(tags.PidTagOriginalSubmitTime, arrived)
        if has_recipient(group) and action_of(group) == worst and len(rows) < MAX_RECIPIENTS:
            row = _recipient(group, resolve)
            if row is not None:
                about.append(row[0])
                rows.append(row[1])
    if not rows:
        return report
    report.recipients = rows
    report.properties[tags.PidTagDisplayTo] = display_list(about)
    report.properties[tags.PidTagDisplayCc] = report.properties[tags.PidTagDisplayBcc] = ""
    for receiver in to[:1]:
        # Whom it came to has no place among whom it is about; [MS-OXCMAIL] 2.1.3.1.1.1 looks for it here.
        report.properties.update(group_properties(RECEIVED_BY, receiver, resolve))
        report.properties.update(group_properties(RECEIVED_REPRESENTING, receiver, resolve))
    return report


def _recipient(group: dict[str, str], resolve: Resolver | None) -> tuple[Mailbox, RecipientRow] | None:
    """Make the row of a recipient ([MS-OXCMAIL] 2.2.3.7.1, step 3)."""
    final = typed_address(group.get("final-recipient", ""))
    original = typed_address(group.get("original-recipient", ""))
    address = final or original
    if address is None:
        return None
    name = _text(group, "x-display-name")[:_MAX_SUBJECT]
    mailbox = Mailbox(name or (original or address).address, address.address, address.type)
    row = recipient_row(RecipientType.TO, mailbox, resolve)
    status = status_of(group)
    code, reason = diagnosis(status)
    found: dict[PropertyKey, Value] = {
        **row.properties,
        tags.PidTagNonDeliveryReportStatusCode: status.code,
        tags.PidTagNonDeliveryReportDiagCode: code,
        tags.PidTagNonDeliveryReportReasonCode: reason,
    }
    remote = name_of(group.get("remote-mta", ""))
    if remote:
        found[tags.PidTagRemoteMessageTransferAgent] = remote
    info = _text(group, "x-supplementary-info")
    # A code that the number has no room for is read here in full.
    found[tags.PidTagSupplementaryInfo] = info or supplementary_info(
        remote, status.text, group.get("diagnostic-code", "")
    )
    return mailbox, RecipientRow(row.type, found)


def _text(group: dict[str, str], name: str) -> str:
    """Read a field of text, in which there may be encoded words ([RFC3464] 2.1)."""
    value = group.get(name, "")
    return decode_unstructured(value.encode("utf-8", "replace")).strip() if value else ""


def supplementary_info(remote: str, status: str, diagnostic: str) -> str:
    """Write PidTagSupplementaryInfo, `<mx.example.net #5.1.1 smtp; 550 no>` ([MS-OXCMAIL] 2.2.3.7.1.2)."""
    return f"<{remote}{' ' if remote else ''}#{status}{' ' if diagnostic else ''}{diagnostic}>"


# --- Disposition ------------------------------------------------------------------------------------------------------


def _disposition(groups: list[dict[str, str]], header: PropertyBag) -> Report:
    """Read a disposition notification ([MS-OXCMAIL] 2.2.3.7.2, [RFC8098] 3.2)."""
    fields: dict[str, str] = {}
    for group in groups:
        fields = {**group, **fields}
    found: dict[PropertyKey, Value] = {}
    address = typed_address(fields.get("original-recipient", "")) or typed_address(fields.get("final-recipient", ""))
    shown = _text(fields, "x-display-name")
    if address is not None:
        found[tags.PidTagOriginalDisplayTo] = shown or address.address
    disposition = fields.get("disposition", "")
    if disposition:
        mode, semicolon, kind = disposition.partition(";")
        found[tags.PidTagReportText] = disposition
        if semicolon:
            found[tags.PidTagReportDisposition] = kind.strip()
            found[tags.PidTagReportDispositionMode] = mode.strip()
    identifier = fields.get("original-message-id", "")
    if identifier:
        found[tags.PidTagOriginalMessageId] = identifier
        if tags.PidTagInternetReferences not in header:
            found[tags.PidTagInternetReferences] = identifier
    key = _binary(fields.get("x-msexch-correlation-key", ""))
    if key:
        found[tags.PidTagParentKey] = key
    sent = header.get(tags.PidTagClientSubmitTime)
    if sent is not None and found:
        found[tags.PidTagReceiptTime] = found[tags.PidTagOriginalDeliveryTime] = sent
    return Report(found)


def _binary(text: str) -> bytes:
    try:
        return b64decode(text.replace(" ", ""), validate=True)[:_MAX_KEY]
    except (binascii.Error, ValueError):
        return b""


# --- The original -----------------------------------------------------------------------------------------------------


def _original_properties(source: Source, root: Part, resolve: Resolver | None) -> dict[PropertyKey, Value]:
    """Take what the report encloses of the original, whole or its header ([RFC6522] 3): the PidTagOriginal group."""
    lines: HeaderLines = []
    for part in root.children:
        if part.message is not None and part.encoding not in ("base64", "quoted-printable"):
            lines = source.structure.header(source.raw, part.message)
        elif part.message is not None or (part.type, part.subtype) in _HEADER_PARTS:
            text = source.decoded(part)[:_MAX_HEADER]
            lines = read_fields(text, 0, len(text.partition(b"\r\n\r\n")[0]) + 2, DEFAULT_LIMITS)
        if lines:
            break
    first: dict[bytes, bytes] = {}
    lists: dict[bytes, list[bytes]] = {b"to": [], b"cc": []}
    for _, name, value in lines:
        key = name.lower()
        first.setdefault(key, value)
        if key in lists:
            lists[key].append(value)
    found: dict[PropertyKey, Value] = {}
    if b"subject" in first:
        found[tags.PidTagOriginalSubject] = decode_unstructured(first[b"subject"])[:_MAX_SUBJECT]
    identifier = first.get(b"message-id", b"").strip()[:_MAX_KEY]
    if identifier:
        found[tags.PidTagOriginalMessageId] = identifier.decode("utf-8", "replace").replace("\0", "")
    sent = read_filetime(first[b"date"]) if b"date" in first else None
    if sent is not None:
        found[tags.PidTagOriginalSubmitTime] = sent
    for name, tag in ((b"to", tags.PidTagOriginalDisplayTo), (b"cc", tags.PidTagOriginalDisplayCc)):
        if lists[name]:
            found[tag] = display_list(mailboxes(b", ".join(lists[name])))
    author = mailboxes(first.get(b"from", b""))[:1]
    sender = mailboxes(first.get(b"sender", b""))[:1]
    if not sender or (author and sender[0].address.lower() == author[0].address.lower()):
        sender = author
    for group, people in ((SENT_REPRESENTING, author), (SENDER, sender)):
        for person in people:
            said = group_properties(group, person, resolve)
            found.update({ORIGINAL_OF[key]: value for key, value in said.items() if key in ORIGINAL_OF})
    return found
