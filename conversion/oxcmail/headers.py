"""Header fields and the properties they become, as one table for reader and writer ([MS-OXCMAIL] 2.1.3.2, 2.2.3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from conversion.mime.charset import decode_unlabelled
from conversion.mime.dates import parse_date
from conversion.mime.headers import unfold
from conversion.mime.words import decode_unstructured
from store.mapi import tags
from store.mapi.types import PropertyKey, Value, filetime_from_unix

MAX_TEXT = 2048
"""Characters kept of a text header."""
MAX_REFERENCES = 65_536
"""Octets kept of References and its like."""

Reader = Callable[[bytes], Value | None]


class HeaderRule(NamedTuple):
    """One header field and its property. `read` turns the raw value into the property's value, or None."""

    header: str
    """The field name as it is written."""
    property: PropertyKey
    read: Reader
    trusted: bool = False
    """Believed only from a trusted peer: anyone else could set what these mean ([MS-OXCMAIL] 2.2.3.2)."""
    written: bool = True
    """Whether a writer uses this field for the property; the others are only read."""


def read_text(value: bytes) -> str | None:
    """Decode a field of free text, cut at MAX_TEXT characters."""
    return decode_unstructured(value[: 4 * MAX_TEXT])[:MAX_TEXT] or None


def read_verbatim(value: bytes) -> str | None:
    """Take a field as it stands, unfolded, cut at MAX_REFERENCES octets."""
    return decode_unlabelled(unfold(value[:MAX_REFERENCES])).replace("\0", "") or None


def read_bracketed(value: bytes) -> str | None:
    """Take a content identifier without its angle brackets ([MS-OXCMAIL] 2.2.3.2)."""
    text = decode_unlabelled(unfold(value[:MAX_TEXT])).replace("\0", "")
    return text.removeprefix("<").removesuffix(">") or None


def read_time(value: bytes) -> int | None:
    """Turn a date into a FILETIME."""
    date = parse_date(value)
    return None if date is None else filetime_from_unix(date.seconds)


_NUMBER = re.compile(rb"[ \t\r\n]*([+-]?\d{1,10})")


def read_number(value: bytes) -> int | None:
    """Read a signed 32-bit number at the beginning of the value."""
    match = _NUMBER.match(value)
    number = int(match[1]) if match else None
    return number if number is not None and -(1 << 31) <= number < 1 << 31 else None


def read_flag(value: bytes) -> bool | None:
    """Read a flag: true, yes or 1."""
    word = value.strip().lower()
    return True if word in (b"true", b"yes", b"1") else False if word in (b"false", b"no", b"0") else None


def one_of(words: dict[bytes, int]) -> Reader:
    """Make a reader for a field that holds one of some words, in any case."""

    def read(value: bytes) -> int | None:
        return words.get(value.strip().lower())

    return read


IMPORTANCE = {b"low": 0, b"normal": 1, b"high": 2}
PRIORITY = {b"non-urgent": 0, b"normal": 1, b"urgent": 2}
SENSITIVITY = {b"normal": 0, b"personal": 1, b"private": 2, b"company-confidential": 3}
_SENDER_ID = {
    b"neutral": 1,
    b"pass": 2,
    b"fail": 3,
    b"softfail": 4,
    b"none": 5,
    b"temperror": 0x80000006,
    b"permerror": 0x80000007,
}

_SUPPRESS = {b"dr": 1, b"ndr": 2, b"rn": 4, b"nrn": 8, b"oof": 0x10, b"autoreply": 0x20, b"none": 0, b"all": 0xFFFFFFFF}


def read_suppress(value: bytes) -> int | None:
    """Read X-Auto-Response-Suppress, a list of words ([MS-OXCMAIL] 2.2.3.2)."""
    found = [_SUPPRESS[word] for item in value[:500].split(b",") if (word := item.strip().lower()) in _SUPPRESS]
    if not found:
        return None
    bits = 0
    for bit in found:
        bits |= bit
    return bits - (1 << 32) if bits & 0x80000000 else bits


def _rule(header: str, key: PropertyKey, read: Reader, *, trusted: bool = False, written: bool = True) -> HeaderRule:
    return HeaderRule(header, key, read, trusted, written)


_ORGANIZATION = "X-MS-Exchange-Organization-"

TABLE: tuple[HeaderRule, ...] = (
    _rule("Message-ID", tags.PidTagInternetMessageId, read_verbatim),
    _rule("References", tags.PidTagInternetReferences, read_verbatim),
    _rule("In-Reply-To", tags.PidTagInReplyToId, read_verbatim),
    _rule("Date", tags.PidTagClientSubmitTime, read_time),
    _rule("Sensitivity", tags.PidTagSensitivity, one_of(SENSITIVITY)),
    _rule("Reply-By", tags.PidTagReplyTime, read_time),
    _rule("Expires", tags.PidTagExpiryTime, read_time),
    _rule("Expiry-Date", tags.PidTagExpiryTime, read_time, written=False),
    _rule("Accept-Language", tags.PidNameAcceptLanguage, read_text),
    _rule("X-Accept-Language", tags.PidNameAcceptLanguage, read_text, written=False),
    _rule("List-Help", tags.PidTagListHelp, read_verbatim),
    _rule("X-List-Help", tags.PidTagListHelp, read_verbatim, written=False),
    _rule("List-Subscribe", tags.PidTagListSubscribe, read_verbatim),
    _rule("X-List-Subscribe", tags.PidTagListSubscribe, read_verbatim, written=False),
    _rule("List-Unsubscribe", tags.PidTagListUnsubscribe, read_verbatim),
    _rule("X-List-Unsubscribe", tags.PidTagListUnsubscribe, read_verbatim, written=False),
    _rule("Content-Class", tags.PidNameContentClass, read_text),
    _rule("Content-ID", tags.PidTagBodyContentId, read_bracketed),
    _rule("Content-Location", tags.PidTagBodyContentLocation, read_verbatim),
    _rule("Content-Base", tags.PidNameContentBase, read_verbatim),
    _rule("X-Auto-Response-Suppress", tags.PidTagAutoResponseSuppress, read_suppress),
    _rule("X-Payload-Class", tags.PidTagAttachPayloadClass, read_text),
    _rule("X-Microsoft-Classified", tags.PidLidClassified, read_flag),
    _rule("X-Microsoft-Classification", tags.PidLidClassification, read_text),
    _rule("X-Microsoft-ClassDesc", tags.PidLidClassificationDescription, read_text),
    _rule("X-Microsoft-ClassID", tags.PidLidClassificationGuid, read_text),
    _rule("X-Microsoft-ClassKeep", tags.PidLidClassificationKeep, read_flag),
    _rule("X-CallingTelephoneNumber", tags.PidTagSenderTelephoneNumber, read_text),
    _rule("X-VoiceMessageDuration", tags.PidTagVoiceMessageDuration, read_number),
    _rule("X-VoiceMessageSenderName", tags.PidTagVoiceMessageSenderName, read_text),
    _rule("X-FaxNumberOfPages", tags.PidTagFaxNumberOfPages, read_number),
    _rule("X-AttachmentOrder", tags.PidTagVoiceMessageAttachmentOrder, read_text),
    _rule("X-CallID", tags.PidTagCallId, read_text),
    _rule(_ORGANIZATION + "AutoForwarded", tags.PidTagAutoForwarded, read_flag, trusted=True),
    _rule(_ORGANIZATION + "SCL", tags.PidTagContentFilterSpamConfidenceLevel, read_number, trusted=True),
    _rule(_ORGANIZATION + "SenderIdResult", tags.PidTagSenderIdStatus, one_of(_SENDER_ID), trusted=True),
    _rule(_ORGANIZATION + "PRD", tags.PidTagPurportedSenderDomain, read_text, trusted=True),
    # Fields without a property of their own that programs ask for. Others stay in the transport headers: each new
    # name would spend one of the mailbox's named properties, and a sender must not be able to.
    *(
        _rule(name, tags.internet_header(name), read_text)
        for name in (
            "X-Mailer",
            "User-Agent",
            "X-Unsent",
            "Newsgroups",
            "Organization",
            "Comments",
            "List-Id",
            "List-Post",
            "Precedence",
            "Auto-Submitted",
            "X-Loop",
            "Errors-To",
        )
    ),
    _rule("Xref", tags.PidNameCrossReference, read_text),
)

BY_NAME: dict[bytes, HeaderRule] = {rule.header.lower().encode("ascii"): rule for rule in TABLE}

# Headers that a sender outside must not set, and that never leave ([MS-OXCMAIL] 2.2.3.2.28).
RESERVED_PREFIXES = (b"x-ms-exchange-organization-", b"x-ms-exchange-forest-", b"x-ms-exchange-crosstenant-")
