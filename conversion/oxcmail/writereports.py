"""REPORT objects as multipart/report ([MS-OXCMAIL] 2.1.3.6, [RFC3464], [RFC8098], [RFC6522])."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence

from conversion.mime.build import MAX_TOKEN, Enclosed, Entity, Leaf, Multipart, addr_spec, field, text_tokens
from conversion.mime.dates import format_date
from conversion.oxcmail.addressing import (
    RECEIVED_BY,
    RECEIVED_REPRESENTING,
    RECIPIENT,
    SENDER,
    SENT_REPRESENTING,
    AddressGroup,
)
from conversion.oxcmail.headers import VERBATIM
from conversion.oxcmail.reportfields import Status, diagnosis, status_for, status_in, status_of_code
from conversion.oxcmail.reports import ORIGINAL_OF
from conversion.oxcmail.writeaddresses import mailbox_of
from conversion.oxcmail.writejob import Audience, Job, binary_of, number_of, property_name, text_of
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import FILETIME_UNIX_EPOCH, PropertyBag, PropertyKey

# The action for all recipients by the end of the class ([MS-OXCMAIL] 2.1.3.6.1.1), and the kind of status beside it.
_ACTIONS = (
    (".delayed.dr", "delayed", 4),
    (".relayed.dr", "relayed", 2),
    (".expanded.dr", "expanded", 2),
    (".ndr", "failed", 5),
    (".dr", "delivered", 2),
)
_MODE = re.compile(r"(?:manual|automatic)-action/MDN-sent-(?:manually|automatically)\Z", re.I)
_DISPOSITION = re.compile(r"(displayed|dispatched|processed|deleted|denied|failed)((?:/[A-Za-z-]{1,40}){0,3})\Z", re.I)
_UNREAD = ("deleted", "denied", "failed")
_DIAGNOSTIC = re.compile(r"<[^#]{0,1024}#[0-9.]{5,9} ([A-Za-z][A-Za-z0-9-]{0,40};.{1,3000})>\Z")
_MAX_TEXT = 3000

# What is written here of a message and of a recipient.
MESSAGE: frozenset[PropertyKey] = frozenset(
    (
        *RECEIVED_BY, *RECEIVED_REPRESENTING,
        tags.PidTagReportingMessageTransferAgent, tags.PidTagReportTime, tags.PidTagReportText,
        tags.PidTagReportDisposition, tags.PidTagReportDispositionMode, tags.PidTagParentKey, tags.PidTagReceiptTime,
        tags.PidTagOriginalDeliveryTime, tags.PidTagOriginalSubject, tags.PidTagOriginalSubmitTime,
        tags.PidTagOriginalDisplayTo, tags.PidTagOriginalDisplayCc, tags.PidTagOriginalMessageId,
        tags.PidTagOriginalSenderName, tags.PidTagOriginalSenderAddressType, tags.PidTagOriginalSenderEmailAddress,
        tags.PidTagOriginalSenderEntryId, tags.PidTagOriginalSenderSearchKey,
        tags.PidTagOriginalSentRepresentingName, tags.PidTagOriginalSentRepresentingAddressType,
        tags.PidTagOriginalSentRepresentingEmailAddress, tags.PidTagOriginalSentRepresentingEntryId,
        tags.PidTagOriginalSentRepresentingSearchKey,
    )
)  # fmt: skip
RECIPIENTS: frozenset[PropertyKey] = frozenset(
    (
        tags.PidTagNonDeliveryReportStatusCode,
        tags.PidTagNonDeliveryReportDiagCode,
        tags.PidTagNonDeliveryReportReasonCode,
        tags.PidTagRemoteMessageTransferAgent,
        tags.PidTagSupplementaryInfo,
    )
)
_ORIGINAL_SENDER = AddressGroup(
    tags.PidTagOriginalSentRepresentingName,
    tags.PidTagOriginalSentRepresentingAddressType,
    tags.PidTagOriginalSentRepresentingEmailAddress,
    tags.PidTagOriginalSentRepresentingEntryId,
    tags.PidTagOriginalSentRepresentingEmailAddress,
    tags.PidTagOriginalSentRepresentingSearchKey,
)


def write_report(content: MessageContent, body: Entity, attached: list[Entity], job: Job) -> Entity | None:
    """Make the multipart/report of a REPORT object: what people read, what programs read, and the original.

    `body` is the first of these, `attached` the attachments. None for a delivery report about nobody.
    """
    name = text_of(content.properties, tags.PidTagMessageClass).lower()
    about_delivery = not name.endswith((".ipnrn", ".ipnnrn"))
    kind = "delivery-status" if about_delivery else "disposition-notification"
    rest = list(attached)
    part = _taken(rest, (b"message/" + kind.encode("ascii"), b"message/global-" + kind.encode("ascii")))
    if part is None or any(RECIPIENTS & row.properties.keys() for row in content.recipients):
        rest = list(attached)
        part = _delivery(content, name, job) if about_delivery else _disposition(content.properties, name, job)
    if part is None:
        return None
    original = _taken(rest, (b"message/rfc822", b"text/rfc822-headers", b"message/global"))
    if original is not None:
        _note_differences(content, job)
    original = original or _headers(content.properties, job)
    children = [body, part, *([original] if original is not None else []), *rest]
    fields = []
    if job.audience is Audience.TRANSPORT and tags.internet_header("auto-submitted") not in content.properties:
        # Nothing shall answer an answer ([RFC3834] 5, [RFC8098] 2.1).
        fields.append(field("Auto-Submitted", [b"auto-replied"]))
    return Multipart(fields, "report", job.boundary(), children, (("report-type", kind),))


def _taken(entities: list[Entity], kinds: Sequence[bytes]) -> Entity | None:
    """Take the first entity of these types out of a list."""
    for entity in entities:
        lines = b"".join(entity.fields).lower()
        if isinstance(entity, Enclosed) and b"message/rfc822" in kinds:
            break
        if any(b"content-type: " + kind in lines for kind in kinds):
            break
    else:
        return None
    entities.remove(entity)
    return entity


def _text(name: str, text: str, place: str, job: Job) -> bytes:
    """Write a field of free text; the receipt says where it is cut. `place` is what the text is of."""
    if len(text) > _MAX_TEXT:
        job.receipt.altered(place, f"it was cut to {_MAX_TEXT} characters")
    return field(name, text_tokens(text[:_MAX_TEXT].strip()))


# --- Delivery status --------------------------------------------------------------------------------------------------


def _delivery(content: MessageContent, name: str, job: Job) -> Leaf | None:
    """Write message/delivery-status ([MS-OXCMAIL] 2.1.3.6.1): a group for the message, one for each recipient."""
    properties = content.properties
    agent = text_of(properties, tags.PidTagReportingMessageTransferAgent) or job.domain
    head = [_text("Reporting-MTA", f"dns; {agent}", "PidTagReportingMessageTransferAgent", job)]
    arrived = number_of(properties, tags.PidTagOriginalSubmitTime)
    date = format_date((arrived - FILETIME_UNIX_EPOCH) // 10_000_000) if arrived is not None else None
    if date is not None:
        head.append(field("Arrival-Date", date.encode("ascii").split(b" ")))
    action, kind = next((action, kind) for end, action, kind in _ACTIONS if name.endswith(end))
    groups = [head]
    for number, row in enumerate(content.recipients, start=1):
        group = _recipient(row.properties, f"recipient {number}", action, kind, job)
        if group:
            groups.append(group)
    if len(groups) == 1:
        return None
    data = b"\r\n".join([b"".join(group) for group in groups])
    return Leaf([field("Content-Type", [b"message/delivery-status"])], data, "7bit")


def _recipient(properties: PropertyBag, place: str, action: str, kind: int, job: Job) -> list[bytes]:
    """Write the group of one recipient ([MS-OXCMAIL] 2.1.3.6.1)."""
    found = mailbox_of(properties, RECIPIENT, job, place)
    final = _typed(found[1]) if found is not None else None
    if found is None or final is None:
        job.receipt.dropped(place, "it has no address that a report could name")
        return []
    status, complete = _status(properties, kind)
    if not complete:
        job.receipt.altered(f"{place}, PidTagNonDeliveryReportDiagCode", "no status says this code and its reason")
    out = [
        field("Final-Recipient", [final]),
        field("Action", [action.encode("ascii")]),
        field("Status", [status.text.encode("ascii")]),
    ]
    remote = text_of(properties, tags.PidTagRemoteMessageTransferAgent)
    if remote.strip():
        out.append(_text("Remote-MTA", f"dns; {remote}", f"{place}, PidTagRemoteMessageTransferAgent", job))
    info = text_of(properties, tags.PidTagSupplementaryInfo)
    diagnostic = _DIAGNOSTIC.match(info)
    if diagnostic is not None:
        out.append(_text("Diagnostic-Code", diagnostic[1], f"{place}, PidTagSupplementaryInfo", job))
    if info.strip():
        out.append(_text("X-Supplementary-Info", info, f"{place}, PidTagSupplementaryInfo", job))
    if found[0].strip() and found[0] != found[1]:
        out.append(_text("X-Display-Name", found[0], f"{place}, PidTagDisplayName", job))
    return out


def _status(properties: PropertyBag, kind: int) -> tuple[Status, bool]:
    """Choose the status of a recipient ([MS-OXCMAIL] 2.1.3.6.1.2), and say whether the codes can be had from it again.

    The stored status is better than the two codes, each of which stands for many; the text says it in full where a
    number of it has several digits.
    """
    code = number_of(properties, tags.PidTagNonDeliveryReportStatusCode)
    diagnostic = number_of(properties, tags.PidTagNonDeliveryReportDiagCode)
    reason = number_of(properties, tags.PidTagNonDeliveryReportReasonCode)
    if diagnostic is not None and diagnostic >= 1 << 31:
        diagnostic -= 1 << 32
    stated = status_of_code(code)
    said = status_in(text_of(properties, tags.PidTagSupplementaryInfo))
    if stated is not None and said is not None and said.code == stated.code:
        stated = said
    found = stated or status_for(diagnostic, reason)
    if found is None or (stated is None and kind == 2):
        found = Status(kind, 0, 0)
    elif stated is None and kind == 4:
        found = found._replace(kind=4)
    again = diagnosis(found)
    return found, (diagnostic is None or again[0] == diagnostic) and (reason is None or again[1] == reason)


def _typed(address: str) -> bytes | None:
    """Write an address with its type ([RFC3464] 2.1.2, [RFC6533] 3); None for one that no line has room for."""
    if not address.isprintable():
        return None
    if address.isascii():
        written = b"rfc822;" + (addr_spec(address) or address.encode("ascii"))
    else:
        escaped = "".join(char if char.isascii() else f"\\x{{{ord(char):X}}}" for char in address)
        written = b"utf-8;" + escaped.encode("ascii")
    return written if len(written) <= MAX_TOKEN else None


# --- Disposition ------------------------------------------------------------------------------------------------------


def _disposition(properties: PropertyBag, name: str, job: Job) -> Leaf:
    """Write message/disposition-notification ([MS-OXCMAIL] 2.1.3.6.2)."""
    reader = mailbox_of(properties, SENDER, job, "PidTagSender")
    reader = reader or mailbox_of(properties, SENT_REPRESENTING, job, "PidTagSentRepresenting")
    final = _typed(reader[1]) if reader is not None else None
    if reader is not None and final is None:
        job.receipt.dropped("PidTagSender", "its address cannot stand in a report")
    out = [
        field("Final-Recipient", [final or b"rfc822;"]),
        field("Disposition", _disposition_tokens(properties, unread=name.endswith(".ipnnrn"))),
    ]
    key = binary_of(properties, tags.PidTagParentKey)
    if key:
        encoded = b64encode(key)
        out.append(field("X-MSExch-Correlation-Key", [encoded[at : at + 60] for at in range(0, len(encoded), 60)]))
    identifier = VERBATIM.write(text_of(properties, tags.PidTagOriginalMessageId))
    if identifier is not None:
        out.append(field("Original-Message-ID", identifier))
    shown = text_of(properties, tags.PidTagOriginalDisplayTo) or (reader[0] if reader is not None else "")
    if shown.strip() and (reader is None or shown != reader[1]):
        out.append(_text("X-Display-Name", shown, "PidTagOriginalDisplayTo", job))
    return Leaf([field("Content-Type", [b"message/disposition-notification"])], b"".join(out), "7bit")


def _disposition_tokens(properties: PropertyBag, *, unread: bool) -> list[bytes]:
    """Write Disposition: by the class ([MS-OXCMAIL] 2.1.3.6.2.1), or as it came where that agrees with the class."""
    mode = text_of(properties, tags.PidTagReportDispositionMode)
    kind = _DISPOSITION.match(text_of(properties, tags.PidTagReportDisposition))
    said = kind[0] if kind is not None and (kind[1].lower() in _UNREAD) == unread else ""
    return [
        (mode if _MODE.match(mode) else "manual-action/MDN-sent-automatically").encode("ascii") + b";",
        (said or ("deleted" if unread else "displayed")).encode("ascii"),
    ]


# --- The original -----------------------------------------------------------------------------------------------------


def _note_differences(content: MessageContent, job: Job) -> None:
    """Say what the report tells of its original in other words than the original itself, which are those that stay."""
    inner = next((item.data.properties for item in content.attachments if isinstance(item.data, MessageContent)), None)
    if inner is None:
        return
    for own, tag in (*ORIGINAL_OF.items(), (tags.PidTagDisplayTo, tags.PidTagOriginalDisplayTo)):
        if tag in content.properties and content.properties[tag] != inner.get(own):
            job.receipt.altered(property_name(tag), "the original says it otherwise")


def _headers(properties: PropertyBag, job: Job) -> Leaf | None:
    """Write what is known of an original that is not enclosed, as its header ([RFC6522] 4)."""
    subject = text_of(properties, tags.PidTagOriginalSubject)
    if not subject.strip():
        return None
    out: list[bytes] = []
    author = mailbox_of(properties, _ORIGINAL_SENDER, job, "PidTagOriginalSentRepresenting")
    spec = addr_spec(author[1]) if author is not None else None
    if spec is not None and spec.isascii():
        out.append(field("From", [b"<" + spec + b">"]))
    out.append(_text("Subject", subject, "PidTagOriginalSubject", job))
    identifier = VERBATIM.write(text_of(properties, tags.PidTagOriginalMessageId))
    if identifier is not None:
        out.append(field("Message-ID", identifier))
    sent = number_of(properties, tags.PidTagOriginalSubmitTime)
    date = format_date((sent - FILETIME_UNIX_EPOCH) // 10_000_000) if sent is not None else None
    if date is not None:
        out.append(field("Date", date.encode("ascii").split(b" ")))
    for tag in _LOST:
        if properties.get(tag):
            job.receipt.dropped(property_name(tag), "the original is not enclosed")
    return Leaf([field("Content-Type", [b"text/rfc822-headers"])], b"".join(out), "7bit")


_LOST = (
    tags.PidTagOriginalDisplayTo,
    tags.PidTagOriginalDisplayCc,
    tags.PidTagOriginalSenderName,
    tags.PidTagOriginalSenderEmailAddress,
    tags.PidTagOriginalSentRepresentingName,
)
