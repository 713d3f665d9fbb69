"""Envelope fields of the MIME writer ([MS-OXCMAIL] 2.1.3.2)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

from conversion.mime.build import encoded_words, field, is_field_name, kept_tokens, text_tokens
from conversion.mime.dates import format_date, read_filetime
from conversion.mime.headers import fields as header_fields
from conversion.mime.headers import unfold
from conversion.oxcmail.classes import content_class_for
from conversion.oxcmail.headers import BY_NAME, RESERVED_PREFIXES, TABLE, HeaderRule, write_time
from conversion.oxcmail.writeaddresses import originator_fields, receipt_fields, recipient_fields, reply_to_field
from conversion.oxcmail.writejob import Audience, Job, binary_of, number_of, property_name, text_of
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import FILETIME_UNIX_EPOCH, PropertyBag, PropertyName, Value

MAX_GENERIC = 500
"""Fields written from PS_INTERNET_HEADERS, and from the transport header, each."""
_MAX_VALUE = 32_768
"""Characters of such a field."""

# What other properties make, what belongs to transport or structure, and what covers octets that are no more.
_NOT_GENERIC = frozenset(
    b"from sender to cc bcc reply-to subject date message-id mime-version return-path received thread-topic "
    b"thread-index importance priority x-priority x-msmail-priority keywords x-message-flag "
    b"disposition-notification-to return-receipt-to x-ms-has-attach x-ms-tnef-correlator dkim-signature "
    b"domainkey-signature arc-seal arc-message-signature arc-authentication-results x-google-dkim-signature".split()
)
# Names that begin so are never written: those of [MS-OXCMAIL] 2.1.3.2.4, and those that servers really use.
_RESERVED = (*RESERVED_PREFIXES, b"x-microsoft-exchange-organization", b"x-microsoft-exchange-forest")
_CLASSIFIED = frozenset(
    (
        tags.PidLidClassification,
        tags.PidLidClassificationDescription,
        tags.PidLidClassificationGuid,
        tags.PidLidClassificationKeep,
    )
)
# Rows with a property of their own; those of fields that have none are written with all others that have none.
_ROWS = frozenset(
    rule.property
    for rule in TABLE
    if not isinstance(rule.property, PropertyName) or rule.property != tags.internet_header(str(rule.property.key))
)
# Written by a function of their own.
_OWN = frozenset((tags.PidTagClientSubmitTime, tags.PidTagInternetMessageId, tags.PidTagReplyTime))
_IMPORTANCE = {0: (b"Low", b"5"), 2: (b"High", b"1")}
_BASE64_PIECE = 60
_KEYWORD_ENDS = re.compile("[,;]")


def envelope_fields(
    content: MessageContent, job: Job, *, has_attachments: bool, correlator: bytes = b""
) -> list[bytes]:
    """Write all fields of a message but those of its MIME structure, in the order in which people read them.

    X-MS-Has-Attach is there where the message has an attachment that is not in its body ([MS-OXCMAIL] 2.1.3.2.19).
    """
    properties = content.properties
    out = [
        *originator_fields(content, job),
        *recipient_fields(content, job),
        *reply_to_field(properties, job),
        *_subject_fields(properties, job),
        *_date_field(properties, job),
        *_message_id_field(properties, job),
        *receipt_fields(properties, job),
        *_importance_fields(properties),
        *_flag_fields(properties, job),
        *_keywords_field(properties, job),
        *_table_fields(properties, job),
    ]
    if tags.PidNameContentClass not in properties:
        derived = content_class_for(text_of(properties, tags.PidTagMessageClass))
        out += [field("Content-Class", [derived.encode("ascii", "replace")])] if derived else []
    if has_attachments:
        out.append(field("X-MS-Has-Attach", [b"yes"]))
    if correlator:
        out.append(field("X-MS-TNEF-Correlator", [correlator]))
    written = {line.partition(b":")[0].lower() for line in out}
    out += _generic_fields(properties, written, job)
    trace: list[bytes] = []
    others: list[bytes] = []
    if job.audience is Audience.OWNER and not job.depth:
        trace, others = _transport_fields(text_of(properties, tags.PidTagTransportMessageHeaders), written, job)
    delivered = properties.get(tags.PidTagMessageDeliveryTime)
    if delivered is not None and _delivery_of(trace) != delivered:
        job.receipt.dropped("PidTagMessageDeliveryTime", "only the trace of a delivery says it")
    return [*trace, *out, *others]


def subject_of(properties: PropertyBag) -> str:
    """Return the subject: itself, or the prefix and the rest ([MS-OXCMAIL] 2.1.3.2.8, [MS-OXCMSG] 2.2.1.9)."""
    subject = text_of(properties, tags.PidTagSubject)
    if subject:
        return subject
    return text_of(properties, tags.PidTagSubjectPrefix) + text_of(properties, tags.PidTagNormalizedSubject)


def _subject_fields(properties: PropertyBag, job: Job) -> list[bytes]:
    """Write Subject, Thread-Topic and Thread-Index ([MS-OXCMAIL] 2.1.3.2.8 to 2.1.3.2.10)."""
    out: list[bytes] = []
    for name, tag, text in (
        ("Subject", tags.PidTagSubject, subject_of(properties)),
        ("Thread-Topic", tags.PidTagConversationTopic, text_of(properties, tags.PidTagConversationTopic)),
    ):
        if text:
            if not text.isprintable() and any(char < " " or char == "\x7f" for char in text):
                job.receipt.altered(property_name(tag), "controls became blanks")
            out.append(field(name, _any_text(text)))
    index = binary_of(properties, tags.PidTagConversationIndex)
    if index:
        written = b64encode(index)
        pieces = [written[at : at + _BASE64_PIECE] for at in range(0, len(written), _BASE64_PIECE)]
        out.append(field("Thread-Index", pieces))
    return out


def _any_text(text: str) -> list[bytes]:
    """Write text that may be nothing but blanks, which only encoded words show."""
    return text_tokens(text) if text.strip() else encoded_words(text)


def _date_field(properties: PropertyBag, job: Job) -> list[bytes]:
    """Write Date: when it was sent, or of what was never sent, when it was changed, or now ([MS-OXCMAIL] 2.1.3.2.7)."""
    sent = properties.get(tags.PidTagClientSubmitTime)
    tokens = write_time(sent) if sent is not None else None
    if tokens is not None:
        return [field("Date", tokens)]
    if sent is not None:
        job.receipt.dropped("PidTagClientSubmitTime", "it is no time that a header can have")
    if job.depth:
        # What an embedded message does not say stays unsaid: a date from here would be another every time.
        return []
    for tag in (tags.PidTagLastModificationTime, tags.PidTagCreationTime):
        value = properties.get(tag)
        tokens = write_time(value) if value is not None and job.audience is Audience.OWNER else None
        if tokens is not None:
            break
    else:
        tokens = (format_date(job.now) or "").encode("ascii").split()
    job.receipt.guessed("PidTagClientSubmitTime", "the message was never sent; another time is its Date")
    return [field("Date", tokens)] if tokens else []


def _message_id_field(properties: PropertyBag, job: Job) -> list[bytes]:
    """Write Message-ID ([MS-OXCMAIL] 2.1.3.2.11); what is sent gets one if it has none."""
    value = properties.get(tags.PidTagInternetMessageId)
    out = _row(BY_NAME[b"message-id"], value, job) if value is not None else []
    if not out and job.audience is Audience.TRANSPORT and not job.depth:
        job.receipt.guessed("PidTagInternetMessageId", "the message had none that could be written; it was given one")
        out = [field("Message-ID", [f"<{job.token}@{job.domain}>".encode("ascii", "replace")])]
    return out


def _importance_fields(properties: PropertyBag) -> list[bytes]:
    """Write Importance and X-Priority ([MS-OXCMAIL] 2.1.3.2.5); what is normal is not said."""
    importance = number_of(properties, tags.PidTagImportance)
    if importance is None:
        priority = number_of(properties, tags.PidTagPriority)
        importance = priority + 1 if priority is not None else None
    words = _IMPORTANCE.get(1 if importance is None else importance)
    return [field("Importance", [words[0]]), field("X-Priority", [words[1]])] if words else []


def _flag_fields(properties: PropertyBag, job: Job) -> list[bytes]:
    """Write X-Message-Flag, and Reply-By, which there is only beside it ([MS-OXCMAIL] 2.1.3.2.25, 2.1.3.2.28)."""
    request = text_of(properties, tags.PidLidFlagRequest)
    reply = properties.get(tags.PidTagReplyTime)
    if not request.strip():
        if reply is not None:
            job.receipt.dropped("PidTagReplyTime", "a time to answer by needs a flag")
        return []
    if number_of(properties, tags.PidTagFlagStatus) == 1:
        job.receipt.altered("PidTagFlagStatus", "X-Message-Flag does not say that a flag is done with")
    out = [field("X-Message-Flag", text_tokens(request))]
    return out if reply is None else [*out, *_row(BY_NAME[b"reply-by"], reply, job)]


def _keywords_field(properties: PropertyBag, job: Job) -> list[bytes]:
    """Write Keywords ([MS-OXCMAIL] 2.1.3.2.13), each in words of its own, so that commas stay between them."""
    value = properties.get(tags.PidNameKeywords)
    if not isinstance(value, tuple):
        return []
    tokens: list[bytes] = []
    for word in value:
        if not isinstance(word, str) or not word.strip():
            continue
        if _KEYWORD_ENDS.search(word) or word != word.strip() or not word.isprintable():
            job.receipt.altered("PidNameKeywords", "a category with a comma or the like is read as several")
        if tokens:
            tokens[-1] += b","
        tokens += text_tokens(word.strip())
    return [field("Keywords", tokens)] if tokens else []


def _table_fields(properties: PropertyBag, job: Job) -> Iterator[bytes]:
    """Write the rows of the table that reader and writer share ([MS-OXCMAIL] 2.1.3.2)."""
    classified = properties.get(tags.PidLidClassified) is True
    for rule in TABLE:
        key = rule.property
        value = properties.get(key)
        if value is None or key not in _ROWS or key in _OWN or not rule.written:
            continue
        if rule.trusted:
            job.receipt.dropped(property_name(key), "what the organisation says to itself does not leave it")
        elif key in _CLASSIFIED and not classified:
            # The others are said only of what is classified ([MS-OXCMAIL] 2.1.3.2.17).
            job.receipt.dropped(property_name(key), "the message is not marked as classified")
        else:
            yield from _row(rule, value, job)


def _row(rule: HeaderRule, value: Value, job: Job) -> list[bytes]:
    """Write one row; the receipt says where the reader would not find the same in it."""
    tokens = rule.write(value)
    if tokens is None:
        # Zero, false and nothing are what is meant where a field is missing.
        if value:
            job.receipt.dropped(property_name(rule.property), "it has no value that a header can have")
        return []
    found = rule.read(b" ".join(tokens))
    if isinstance(value, int) and isinstance(found, int) and rule.write is write_time:
        # Headers have whole seconds.
        found += (value - FILETIME_UNIX_EPOCH) % 10_000_000
    if found != value:
        job.receipt.altered(property_name(rule.property), f"not all of it can be said by {rule.header}")
    return [field(rule.header, tokens)]


def _generic_fields(properties: PropertyBag, written: set[bytes], job: Job) -> list[bytes]:
    """Write the fields that have no property of their own, from PS_INTERNET_HEADERS ([MS-OXCMAIL] 2.1.3.2.4)."""
    out: list[bytes] = []
    for key, value in properties.items():
        if not isinstance(key, PropertyName) or key.set != tags.PS_INTERNET_HEADERS or not isinstance(key.key, str):
            continue
        lower = key.key.lower().encode("utf-8", "replace")
        if key in _ROWS or key == tags.PidNameContentType:
            continue
        if lower in written:
            job.receipt.dropped(property_name(key), "another property has that field")
            continue
        if not _may_be_written(key.key, lower) or not isinstance(value, str) or len(out) >= MAX_GENERIC:
            job.receipt.dropped(property_name(key), "it cannot be a header field of this message")
            continue
        if value.strip():
            out.append(_generic(key.key, lower, value, property_name(key), job))
            written.add(lower)
    return out


def _may_be_written(name: str, lower: bytes) -> bool:
    return is_field_name(name) and lower not in _NOT_GENERIC and not lower.startswith((b"content-", *_RESERVED))


def _generic(name: str, lower: bytes, value: str, place: str, job: Job) -> bytes:
    rule = BY_NAME.get(lower)
    shown = rule.header if rule is not None else _capitals(name)
    if len(value) > _MAX_VALUE or not value.isprintable():
        job.receipt.altered(place, "controls became blanks, or it was cut")
    return field(shown, text_tokens(value[:_MAX_VALUE].strip()))


def _capitals(name: str) -> str:
    """Give a name in the way that header fields are spelled: in a mailbox it is in lower case."""
    return "-".join([word[:1].upper() + word[1:] for word in name.split("-")]) if name.islower() else name


def _delivery_of(trace: list[bytes]) -> int | None:
    """Return the time that the newest Received says, as the reader takes it ([MS-OXCMAIL] 2.2.3.2)."""
    for line in trace:
        if line[:9].lower() == b"received:":
            time = read_filetime(line.rpartition(b";")[2])
            if time is not None:
                return time
    return None


def _transport_fields(header: str, written: set[bytes], job: Job) -> tuple[list[bytes], list[bytes]]:
    """Write what the message came with and no property holds: its trace, and other fields ([MS-OXCMAIL] 2.1.3.2.27).

    Only for its owner: who sends a message on starts a new trace, and shows nobody the old one.
    """
    trace: list[bytes] = []
    others: list[bytes] = []
    dropped: set[str] = set()
    left_out = 0
    for name, value, _, _ in header_fields(header.encode("utf-8", "replace")):
        lower = name.lower()
        shown = name.decode("latin-1")
        if lower in (b"received", b"return-path"):
            kept = trace
        elif lower in written or lower in BY_NAME or lower.startswith(b"content-"):
            continue
        elif _may_be_written(shown, lower):
            kept = others
        else:
            if lower in _NOT_GENERIC and lower.endswith((b"-signature", b"arc-seal", b"-results")):
                dropped.add(shown)
            continue
        text = unfold(value).decode("utf-8", "replace")
        if text and len(kept) >= MAX_GENERIC:
            left_out += 1
        elif text:
            if len(text) > _MAX_VALUE:
                job.receipt.altered(shown, f"it was cut: {_MAX_VALUE} of {len(text)} characters are kept")
            kept.append(field(shown, kept_tokens(text[:_MAX_VALUE])))
    if left_out:
        job.receipt.dropped("header", f"{left_out} fields beyond {MAX_GENERIC} of a kind")
    for shown in sorted(dropped):
        job.receipt.dropped(shown, "a signature over the octets that the message had")
    return trace, others
