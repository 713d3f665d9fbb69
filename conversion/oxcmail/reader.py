"""The MIME reader: a message as MIME becomes a Message object ([MS-OXCMAIL] 2.2, 2.2.3).

One pass over the header lines fills properties by the table in `headers`; then the body is chosen and everything else
becomes attachments that stay slices of the original. Nothing raises, whatever the input: limits cut it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from conversion.mime.charset import decode_text
from conversion.mime.dates import read_filetime
from conversion.mime.headers import fields
from conversion.mime.parts import DEFAULT_LIMITS, HeaderLines, Part, Structure, unpack
from conversion.mime.structure import scan
from conversion.mime.words import decode_unstructured
from conversion.oxcmail.addressing import (
    MAX_RECIPIENTS,
    READ_RECEIPT,
    SENDER,
    SENT_REPRESENTING,
    Mailbox,
    Resolved,
    Resolver,
    display_list,
    group_properties,
    mailboxes,
    recipient_row,
    reply_properties,
)
from conversion.oxcmail.attachments import MAX_EMBEDDED, read_attachments
from conversion.oxcmail.body import MAX_BODY, Layout, body_properties, choose_body
from conversion.oxcmail.classes import NOTE, SECURE, class_of_content, message_class
from conversion.oxcmail.headers import BY_NAME, IMPORTANCE, PRIORITY, RESERVED_PREFIXES, HeaderRule
from conversion.oxcmail.losses import (
    LONG,
    note_again,
    note_fields,
    note_header,
    note_more,
    note_parts,
    note_recipients,
    note_rule,
    note_subject,
)
from conversion.oxcmail.parts import Source
from conversion.oxcmail.threads import MAX_SUBJECT, thread_properties
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeRendition, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, Value, filetime_from_unix

__all__ = ["CalendarOwner", "CalendarSettings", "Resolved", "Resolver", "read_mime"]

MAX_TRANSPORT_HEADERS = 131_072
"""Octets of the header kept as PidTagTransportMessageHeaders."""
MAX_KEYWORDS = 100
_MANY_PARTS = 20 * DEFAULT_LIMITS.parts
"""Octets that the table of that many parts has at least."""

# Headers that more than one property comes from; all others are rows of the table in `headers`.
_SPECIAL = frozenset(
    (
        b"from", b"sender", b"to", b"cc", b"bcc", b"reply-to", b"subject", b"thread-topic", b"thread-index",
        b"importance", b"priority", b"x-priority", b"x-msmail-priority", b"keywords", b"x-message-flag",
        b"disposition-notification-to", b"return-receipt-to", b"received",
    )
)  # fmt: skip
_DISPATCH: dict[bytes, HeaderRule | None] = {**BY_NAME, **dict.fromkeys(_SPECIAL)}
_MISSING = object()
_X_PRIORITY = {b"1": 2, b"2": 2, b"3": 1, b"4": 0, b"5": 0}
_RECIPIENT_FIELDS = (
    (b"to", RecipientType.TO, tags.PidTagDisplayTo),
    (b"cc", RecipientType.CC, tags.PidTagDisplayCc),
    (b"bcc", RecipientType.BCC, tags.PidTagDisplayBcc),
)
_OOF_AND_AUTO_REPLY = 0x30
_TNEF = frozenset(("ms-tnef", "vnd.ms-tnef"))


class CalendarSettings(NamedTuple):
    """What a calendar in mail does not say of the one whose mail it is."""

    addresses: tuple[str, ...] = ()
    """The addresses of the mailbox's owner."""
    zone: str | None = None
    """The time zone of times without one: UTC."""


CalendarOwner = Callable[[], CalendarSettings]
"""Tells whose mailbox a message goes to."""


def read_mime(
    rendition: MimeRendition,
    *,
    received: int | None = None,
    resolve: Resolver | None = None,
    trusted: bool = False,
    domains: frozenset[str] = frozenset(),
    calendars: CalendarOwner | None = None,
    receipt: Receipt | None = None,
    whole: bool = False,
) -> MessageContent:
    """Turn a message into a Message object ([MS-OXCMAIL] 2.2). Never raises.

    `received` is the time of delivery in Unix seconds; without it the newest Received field tells. `resolve` looks
    addresses of recipients up in the directory. `trusted` believes X-MS-Exchange-Organization-* headers, which only a
    peer of the own organisation may set, and looks up who it is from: what a stranger puts there is not shown as
    somebody of the own directory. `domains`, in lower case, are those whose encapsulated addresses are opened
    ([MS-OXCMAIL] 2.2.3.1.2). `calendars` is only asked where there is a calendar. Attachments are slices of
    `rendition.raw`. `receipt` is told what was passed over. With `whole` bodies are in the properties also where the
    original would give them to who keeps it: huge ones, and the text beside HTML.
    """
    source = Source(rendition.raw, _structure(rendition), whole=whole)
    reader = _Reader(source, source.structure.root, resolve, trusted, domains, receipt, calendars=calendars)
    content = reader.read(received)
    if receipt is not None:
        if len(rendition.parts) > _MANY_PARTS:
            note_parts(receipt, source.structure)
        if rendition.header_length > MAX_TRANSPORT_HEADERS:
            note_header(receipt, MAX_TRANSPORT_HEADERS)
    properties = dict(content.properties)
    properties[tags.PidTagTransportMessageHeaders] = transport_headers(rendition.raw, rendition.header_length)
    return MessageContent(properties, content.recipients, content.attachments)


def _structure(rendition: MimeRendition) -> Structure:
    try:
        return unpack(rendition.parts)
    except ValueError:
        return scan(rendition.raw)


def transport_headers(raw: bytes, length: int) -> str:
    """Return the header as text, without what the header firewall holds back ([MS-OXCMAIL] 2.2.3.2.28)."""
    header = raw[: min(length, MAX_TRANSPORT_HEADERS)]
    if b"x-ms-exchange-" in header.lower():
        kept: list[bytes] = []
        at = 0
        for name, _, start, end in fields(header):
            if name.lower().startswith(RESERVED_PREFIXES):
                kept.append(header[at:start])
                at = end
        header = b"".join([*kept, header[at:]])
    try:
        return header.decode("utf-8")
    except UnicodeDecodeError:
        return header.decode("latin-1")


class _Reader:
    """Reads one message, the outermost or an embedded one."""

    def __init__(
        self,
        source: Source,
        root: Part,
        resolve: Resolver | None,
        trusted: bool,
        domains: frozenset[str],
        receipt: Receipt | None = None,
        depth: int = 0,
        calendars: CalendarOwner | None = None,
    ) -> None:
        self.source = source
        self.root = root
        self.resolve = resolve
        self.trusted = trusted
        self.domains = domains
        self.receipt = receipt
        self.depth = depth
        self.calendars = calendars
        self.special: dict[bytes, list[bytes]] = {}
        self.properties: dict[PropertyKey, Value] = {}

    def read(self, received: int | None) -> MessageContent:
        properties = self.properties
        self.read_headers(self.source.structure.header(self.source.raw, self.root))
        self.priorities()
        self.flags()
        self.times(received)
        special = self.special
        properties.update(
            thread_properties(
                self.first(b"subject"),
                self.first(b"thread-topic"),
                self.first(b"thread-index"),
            )
        )
        if self.receipt is not None and len(str(properties[tags.PidTagSubject])) == MAX_SUBJECT:
            note_subject(self.receipt, _first(special.get(b"subject")))
        self.originators()
        recipients = self.recipients()
        name = message_class(self.source, self.root)
        layout = choose_body(self.source, self.root, self.receipt)
        if name.startswith("REPORT."):
            recipients = self.report(layout, recipients)
        stream = self.stream(layout) if layout.attached else None
        calendar = self.calendar(layout) if layout.calendar is not None and name == NOTE and stream is None else None
        attachments = self.secured(name, layout) if name.startswith(SECURE) else None
        if attachments is None:
            body = body_properties(self.source, layout, self.receipt)
            properties.update(body)
            html = body.get(tags.PidTagHtml)
            shown = html if isinstance(html, bytes) else None
            attachments = read_attachments(self.source, layout, shown, self.embedded)
            if layout.plain is self.root:
                attachments += self.uuencoded()
        content_class = properties.get(tags.PidNameContentClass)
        if isinstance(content_class, str):
            name = class_of_content(name, content_class, self.root)
            if name.startswith("IPM.InfoPathForm."):
                properties[tags.PidLidInfoPathFormName] = content_class
        properties[tags.PidTagMessageClass] = name
        content = MessageContent(properties, tuple(recipients), tuple(attachments))
        if stream is not None:
            from conversion.oxcmail.tnefpart import joined

            content = joined(content, stream, threaded=b"thread-index" in special)
        if calendar is not None:
            from conversion.oxcical.imip import merged

            content = merged(content, calendar)
        return _marked(content)

    def first(self, name: bytes) -> bytes | None:
        """Give the first field of a name that a message has once ([RFC5322] 3.6)."""
        values = self.special.get(name)
        if values is None:
            return None
        if len(values) > 1 and self.receipt is not None:
            note_more(self.receipt, name, values)
        return values[0]

    def read_headers(self, lines: HeaderLines) -> None:
        """Fill properties from the rows of the table; set the special fields aside ([MS-OXCMAIL] 2.2.3.2)."""
        properties = self.properties
        receipt = self.receipt
        if len(lines) >= DEFAULT_LIMITS.header_fields and receipt is not None:
            note_fields(receipt)
        for _, name, value in lines:
            key = name.lower()
            rule = _DISPATCH.get(key, _MISSING)
            if rule is _MISSING:
                continue
            if rule is None:
                self.special.setdefault(key, []).append(value)
                continue
            assert isinstance(rule, HeaderRule)
            if rule.trusted and not self.trusted:
                continue
            if rule.property in properties:
                if receipt is not None:
                    note_again(receipt, rule, value, properties[rule.property])
                continue
            result = rule.read(value)
            if result is not None:
                properties[rule.property] = result
            if receipt is not None and (result is None or len(value) > LONG):
                note_rule(receipt, rule, value, result)

    def priorities(self) -> None:
        """Set importance and sensitivity ([MS-OXCMAIL] 2.2.3.2.5): Importance wins, wherever it stands."""
        special = self.special
        properties = self.properties
        importance: int | None = None
        for name, words in (
            (b"importance", IMPORTANCE),
            (b"x-priority", None),
            (b"x-msmail-priority", IMPORTANCE),
            (b"priority", PRIORITY),
        ):
            value = self.first(name) if name in special else None
            if value is not None and importance is None:
                word = value.strip().lower()
                importance = _X_PRIORITY.get(word[:1]) if words is None else words.get(word)
        if importance is None:
            importance = 1
        properties[tags.PidTagImportance] = importance
        properties[tags.PidTagPriority] = importance - 1
        properties.setdefault(tags.PidTagSensitivity, 0)

    def flags(self) -> None:
        """Set keywords, follow-up flag, receipt requests and reply suppression ([MS-OXCMAIL] 2.2.3.1.7, 2.2.3.2.16)."""
        special = self.special
        properties = self.properties
        if b"keywords" in special:
            found = [
                word.strip()
                for value in special[b"keywords"]
                for word in decode_unstructured(value[:8192]).replace(";", ",").split(",")
            ]
            words = tuple(dict.fromkeys(word[:255] for word in found if word))
            if len(words) > MAX_KEYWORDS and self.receipt is not None:
                self.receipt.dropped("Keywords", f"{len(words) - MAX_KEYWORDS} of {len(words)} words")
            words = words[:MAX_KEYWORDS]
            if words:
                properties[tags.PidNameKeywords] = words
        flag = self.first(b"x-message-flag")
        if flag is not None:
            properties[tags.PidLidFlagRequest] = decode_unstructured(flag[:1024])[:255]
            properties[tags.PidTagFlagStatus] = 2
            properties[tags.PidTagToDoItemFlags] = 8
            properties[tags.PidLidTaskStatus] = 0
            properties[tags.PidLidTaskComplete] = False
        else:
            properties.pop(tags.PidTagReplyTime, None)
        receipt = self.first(b"disposition-notification-to")
        if receipt is not None:
            properties[tags.PidTagReadReceiptRequested] = True
            properties[tags.PidTagNonReceiptNotificationRequested] = True
        report = self.first(b"return-receipt-to")
        if report is not None:
            properties[tags.PidTagOriginatorDeliveryReportRequested] = True
        address = mailboxes(receipt or report or b"", self.domains)
        if address:
            if self.receipt is not None and len(address) > 1:
                self.receipt.dropped("Disposition-Notification-To", "addresses beyond the first")
            if self.receipt is not None and receipt and report and mailboxes(report, self.domains) != address:
                self.receipt.dropped("Return-Receipt-To", "its address: that of Disposition-Notification-To counts")
            properties.update(group_properties(READ_RECEIPT, address[0], self.resolve if self.trusted else None))
        if tags.PidTagAutoResponseSuppress not in properties and self.is_automatic():
            properties[tags.PidTagAutoResponseSuppress] = _OOF_AND_AUTO_REPLY

    def is_automatic(self) -> bool:
        """Whether a program or a list sent the message, so that no automatic reply may answer it ([RFC3834] 2)."""
        properties = self.properties
        precedence = properties.get(tags.internet_header("precedence"))
        submitted = properties.get(tags.internet_header("auto-submitted"))
        return (isinstance(precedence, str) and precedence.lower() in ("bulk", "list", "junk")) or (
            isinstance(submitted, str) and not submitted.lower().startswith("no")
        )

    def times(self, received: int | None) -> None:
        """Set delivery and submit time ([MS-OXCMAIL] 2.2.3.2): a message without a Date was sent when it came."""
        properties = self.properties
        delivered = None if received is None else filetime_from_unix(received)
        if delivered is None:
            for value in self.special.get(b"received", ())[:20]:
                delivered = read_filetime(value.rpartition(b";")[2])
                if delivered is not None:
                    break
        if delivered is not None:
            properties[tags.PidTagMessageDeliveryTime] = delivered
            properties.setdefault(tags.PidTagClientSubmitTime, delivered)

    def originators(self) -> None:
        """Fill the two originator groups; each stands in for the other ([MS-OXCMAIL] 2.2.3.1.3, 2.2.3.1.4)."""
        special = self.special
        author = mailboxes(self.first(b"from") or b"", self.domains)
        sender = mailboxes(self.first(b"sender") or b"", self.domains) or author
        if self.receipt is not None and len(author) > 1:
            self.receipt.dropped("From", f"{len(author) - 1} more authors: an object has one")
        author = author or sender
        if author:
            resolve = self.resolve if self.trusted else None
            self.properties.update(group_properties(SENT_REPRESENTING, author[0], resolve))
            self.properties.update(group_properties(SENDER, sender[0], resolve))
        if b"reply-to" in special:
            answers = mailboxes(b", ".join(special[b"reply-to"]), self.domains)
            if answers:
                self.properties.update(reply_properties(answers))

    def recipients(self) -> list[RecipientRow]:
        """Make the recipient rows, To before Cc before Bcc, each in its order ([MS-OXCMAIL] 2.2.3.1.5)."""
        rows: list[RecipientRow] = []
        for name, kind, display in _RECIPIENT_FIELDS:
            values = self.special.get(name)
            found: list[Mailbox] = []
            if values:
                # Several fields of one name count as one list, though [RFC5322] 3.6 allows one field.
                found = mailboxes(values[0] if len(values) == 1 else b", ".join(values), self.domains)
                found = found[: MAX_RECIPIENTS - len(rows)]
                rows += [recipient_row(kind, mailbox, self.resolve) for mailbox in found]
            self.properties[display] = display_list(found)
        if len(rows) == MAX_RECIPIENTS and self.receipt is not None:
            note_recipients(
                self.receipt, [self.special[name] for name, _, _ in _RECIPIENT_FIELDS if name in self.special]
            )
        return rows

    def stream(self, layout: Layout) -> MessageContent | None:
        """Read a TNEF stream among the attachments; the first is the message's ([MS-OXCMAIL] 2.2.3.4.1.2)."""
        for item in layout.attached:
            part = item.part
            if part.type == "application" and (
                part.subtype in _TNEF or (part.subtype == "octet-stream" and self.is_winmail(part))
            ):
                from conversion.oxcmail.tnefpart import take_tnef

                receipt = self.receipt or Receipt()
                found = take_tnef(self.source, self.root, layout, item, receipt, trusted=self.trusted)
                if found is not None:
                    return found
        return None

    def calendar(self, layout: Layout) -> MessageContent | None:
        """Read the calendar part, and take it out of the layout; None where it stays a file ([MS-OXCMAIL] 2.2.3.6)."""
        from conversion.oxcical.imip import calendar_properties

        part = layout.calendar
        if part is None or part.body_end - part.body_start > MAX_BODY:
            return None
        # A NUL is in no calendar ([RFC5545] 3.1), and would end the strings of a property.
        text = decode_text(self.source.decoded(part), part.charset).replace("\0", "").encode("utf-8", "replace")
        owner = CalendarSettings() if self.calendars is None else self.calendars()
        receipt = self.receipt.within(f"part {part.number or '1'}") if self.receipt is not None else None
        found = calendar_properties(text, zone=owner.zone, resolve=self.resolve, user=owner.addresses, receipt=receipt)
        if found is not None:
            layout.attached = [item for item in layout.attached if item.part is not part]
        return found

    def uuencoded(self) -> list[AttachmentContent]:
        """Take files out of the text of a message without MIME ([MS-OXCMAIL] 2.2.3.9.1)."""
        source, root = self.source, self.root
        if b"content-type" in source.content(root) or source.raw.find(b"begin", root.body_start, root.body_end) < 0:
            return []
        from conversion.oxcmail.oldparts import uuencoded

        found = uuencoded(source, root)
        if found is None:
            return []
        self.properties[tags.PidTagBody] = found[0]
        return found[1]

    def is_winmail(self, part: Part) -> bool:
        """Whether a part has the name that mailers without a type for TNEF give it."""
        content = self.source.content(part)
        return any(
            b"winmail.dat" in content.get(name, b"").lower() for name in (b"content-disposition", b"content-type")
        )

    def secured(self, name: str, layout: Layout) -> list[AttachmentContent] | None:
        """Keep what is signed or encrypted whole; None where it is neither, whatever it says ([MS-OXOSMIME] 2.1)."""
        from conversion.oxcmail.smime import read_smime

        found = read_smime(self.source, self.root, name, layout)
        if found is None:
            return None
        self.properties.update(found.properties)
        return list(found.attachments)

    def report(self, layout: Layout, recipients: list[RecipientRow]) -> list[RecipientRow]:
        """Take in what a report says; give its recipients, which are those it is about ([MS-OXCMAIL] 2.2.3.7)."""
        from conversion.oxcmail.reports import read_report

        to = mailboxes(_first(self.special.get(b"to")) or b"", self.domains)
        report = read_report(self.source, self.root, self.properties, to, self.resolve, self.receipt)
        self.properties.update(report.properties)
        layout.attached = [item for item in layout.attached if item.part is not report.part]
        return recipients if report.recipients is None else report.recipients

    def embedded(self, source: Source, part: Part) -> MessageContent | None:
        """Read an enclosed message as an embedded Message object ([MS-OXCMAIL] 2.2.3.4.3)."""
        if self.depth >= MAX_EMBEDDED or (part.message is None and part.subtype != "global"):
            return None
        if part.message is None or part.encoding in ("base64", "quoted-printable"):
            # Allowed for message/global alone ([RFC6532] 3.7), and met in others ([RFC2046] 5.2.1). The message inside
            # is not a slice of the original.
            raw = source.decoded(part)
            inner = Source(raw, scan(raw), sliced=False, whole=source.whole)
            source, root = inner, inner.structure.root
        else:
            root = part.message
        receipt = self.receipt.within(f"part {part.number or '1'}") if self.receipt is not None else None
        inside = _Reader(source, root, self.resolve, False, self.domains, receipt, self.depth + 1, self.calendars)
        return inside.read(None)


def _marked(content: MessageContent) -> MessageContent:
    """Say whether there are attachments to see; what only the body shows is none ([MS-OXCMSG] 2.2.1.2)."""
    properties = dict(content.properties)
    visible = any(not item.properties.get(tags.PidTagAttachmentHidden) for item in content.attachments)
    properties[tags.PidTagHasAttachments] = visible
    if content.attachments and not visible:
        properties[tags.PidLidSmartNoAttach] = True
    return MessageContent(properties, content.recipients, content.attachments)


def _first(values: list[bytes] | None) -> bytes | None:
    return values[0] if values else None
