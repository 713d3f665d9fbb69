"""Header fields and the properties they become, as one table for reader and writer ([MS-OXCMAIL] 2.1.3.2, 2.2.3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from conversion.mime.build import MAX_TOKEN, text_tokens
from conversion.mime.charset import decode_unlabelled
from conversion.mime.dates import format_date, read_filetime
from conversion.mime.headers import unfold
from conversion.mime.words import decode_unstructured
from conversion.oxcmail.locales import locale_of, tag_of
from store.mapi import tags
from store.mapi.types import FILETIME_UNIX_EPOCH, PropertyKey, Value

MAX_TEXT = 2048
"""Characters kept of a text header."""
MAX_REFERENCES = 65_536
"""Octets kept of References and its like."""

Reader = Callable[[bytes], Value | None]
Writer = Callable[[Value], list[bytes] | None]


class Form(NamedTuple):
    """The form of a field's value: how it is read, and how it is written."""

    read: Reader
    """Turns a raw value into the property's value, or None."""
    write: Writer
    """Turns the property's value into the tokens of a field (conversion.mime.build), or None where there is no field
    for it."""


class HeaderRule(NamedTuple):
    """One header field and its property."""

    header: str
    """The field name as it is written."""
    property: PropertyKey
    read: Reader
    write: Writer
    trusted: bool = False
    """Believed only from a trusted peer: anyone else could set what these mean ([MS-OXCMAIL] 2.2.3.2). Never written:
    nobody beyond the organisation is told what its own fields say."""
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
    return read_filetime(value)


_UNPRINTABLE = re.compile("[\x00-\x20\x7f]+")
_NO_IDENTIFIER = re.compile("[\x00-\x20\x7f<>\ud800-\udfff]")
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


def read_locale(value: bytes) -> int | None:
    """Read the first language of Content-Language as a locale identifier ([MS-OXCMAIL] 2.2.3.2)."""
    return locale_of(value[:200].partition(b",")[0].strip().decode("latin-1"))


def write_text(value: Value) -> list[bytes] | None:
    """Write free text, in encoded words where it needs them ([MS-OXCMAIL] 2.1.3.2)."""
    return text_tokens(value) if isinstance(value, str) and value.strip() else None


def write_verbatim(value: Value) -> list[bytes] | None:
    """Write identifiers and addresses of the web as they stand; what fits no line is left out."""
    if not isinstance(value, str):
        return None
    if not value.isascii():
        return write_text(value)
    words = _UNPRINTABLE.sub(" ", value).split()
    return [word.encode("ascii") for word in words if len(word) <= MAX_TOKEN] or None


def write_bracketed(value: Value) -> list[bytes] | None:
    """Write a content identifier between its angle brackets ([MS-OXCMAIL] 2.1.3.2.29)."""
    if not isinstance(value, str) or len(value) > MAX_TOKEN // 2:
        return None
    inner = _NO_IDENTIFIER.sub("", value)
    return [b"<" + inner.encode("utf-8") + b">"] if inner else None


def write_time(value: Value) -> list[bytes] | None:
    """Write a FILETIME as a date in UTC."""
    text = format_date((value - FILETIME_UNIX_EPOCH) // 10_000_000) if isinstance(value, int) else None
    return text.encode("ascii").split(b" ") if text is not None else None


def write_number(value: Value) -> list[bytes] | None:
    """Write a number."""
    return [b"%d" % value] if isinstance(value, int) else None


def write_flag(value: Value) -> list[bytes] | None:
    """Write a flag."""
    return None if not isinstance(value, bool) else [b"true" if value else b"false"]


def write_locale(value: Value) -> list[bytes] | None:
    """Write a locale identifier as a language tag ([MS-OXCMAIL] 2.1.3.2.16)."""
    tag = tag_of(value) if isinstance(value, int) else None
    return [tag.encode("ascii")] if tag else None


def one_of(words: dict[bytes, int]) -> Form:
    """Make the form of a field that holds one of some words, in any case. What 0 stands for is not written."""
    inverse = {number: word.title() for word, number in words.items() if number}

    def read(value: bytes) -> int | None:
        return words.get(value.strip().lower())

    def write(value: Value) -> list[bytes] | None:
        word = inverse.get(value) if isinstance(value, int) else None
        return [word] if word is not None else None

    return Form(read, write)


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

_SUPPRESS_WORDS = ((1, b"DR"), (2, b"NDR"), (4, b"RN"), (8, b"NRN"), (0x10, b"OOF"), (0x20, b"AutoReply"))
_ALL_OR_NONE = {0: b"None", 0xFFFFFFFF: b"All"}
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


def write_suppress(value: Value) -> list[bytes] | None:
    """Write X-Auto-Response-Suppress: None, All, or the words of the bits ([MS-OXCMAIL] 2.1.3.2.20)."""
    if not isinstance(value, int):
        return None
    bits = value & 0xFFFFFFFF
    if bits in _ALL_OR_NONE:
        return [_ALL_OR_NONE[bits]]
    found = [shown for bit, shown in _SUPPRESS_WORDS if bits & bit]
    return [word + b"," for word in found[:-1]] + found[-1:] or None


TEXT = Form(read_text, write_text)
VERBATIM = Form(read_verbatim, write_verbatim)
BRACKETED = Form(read_bracketed, write_bracketed)
TIME = Form(read_time, write_time)
NUMBER = Form(read_number, write_number)
FLAG = Form(read_flag, write_flag)
LOCALE = Form(read_locale, write_locale)
SUPPRESS = Form(read_suppress, write_suppress)


def _rule(header: str, key: PropertyKey, form: Form, *, trusted: bool = False, written: bool = True) -> HeaderRule:
    return HeaderRule(header, key, form.read, form.write, trusted, written)


_ORGANIZATION = "X-MS-Exchange-Organization-"

# What the writer makes of them, telephones, sensitivity, references, the message answered, lists, languages, payload,
# name and place of the body, Xref: [MS-OXCMAIL] 2.1.3.2.3, 2.1.3.2.6, 2.1.3.2.12, 2.1.3.2.14, 2.1.3.2.15, 2.1.3.2.16,
# [MS-OXCMAIL] 2.1.3.2.18, 2.1.3.2.29 to 2.1.3.2.31.
# What the reader makes of them: [MS-OXCMAIL] 2.2.3.2.1 to 2.2.3.2.4 (identifier, time, references, sensitivity),
# [MS-OXCMAIL] 2.2.3.2.9 to 2.2.3.2.14 (the message answered, times, languages, suppression of answers),
# [MS-OXCMAIL] 2.2.3.2.17 to 2.2.3.2.29 (lists, payload, what the organisation says, classification, telephones, the
# body's name and place, Xref, and fields without a property of their own); [MS-OXCSPAM] 2.2.1.3 (confidence levels).
TABLE: tuple[HeaderRule, ...] = (
    _rule("Message-ID", tags.PidTagInternetMessageId, VERBATIM),
    _rule("References", tags.PidTagInternetReferences, VERBATIM),
    _rule("In-Reply-To", tags.PidTagInReplyToId, VERBATIM),
    _rule("Date", tags.PidTagClientSubmitTime, TIME),
    _rule("Sensitivity", tags.PidTagSensitivity, one_of(SENSITIVITY)),
    _rule("Reply-By", tags.PidTagReplyTime, TIME),
    _rule("Expires", tags.PidTagExpiryTime, TIME),
    _rule("Expiry-Date", tags.PidTagExpiryTime, TIME, written=False),
    _rule("Content-Language", tags.PidTagMessageLocaleId, LOCALE),
    _rule("Accept-Language", tags.PidNameAcceptLanguage, TEXT),
    _rule("X-Accept-Language", tags.PidNameAcceptLanguage, TEXT, written=False),
    _rule("List-Help", tags.PidTagListHelp, VERBATIM),
    _rule("X-List-Help", tags.PidTagListHelp, VERBATIM, written=False),
    _rule("List-Subscribe", tags.PidTagListSubscribe, VERBATIM),
    _rule("X-List-Subscribe", tags.PidTagListSubscribe, VERBATIM, written=False),
    _rule("List-Unsubscribe", tags.PidTagListUnsubscribe, VERBATIM),
    _rule("X-List-Unsubscribe", tags.PidTagListUnsubscribe, VERBATIM, written=False),
    _rule("Content-Class", tags.PidNameContentClass, TEXT),
    _rule("Content-ID", tags.PidTagBodyContentId, BRACKETED),
    _rule("Content-Location", tags.PidTagBodyContentLocation, VERBATIM),
    _rule("Content-Base", tags.PidNameContentBase, VERBATIM),
    _rule("X-Auto-Response-Suppress", tags.PidTagAutoResponseSuppress, SUPPRESS),
    _rule("X-Payload-Class", tags.PidTagAttachPayloadClass, TEXT),
    _rule("X-Microsoft-Classified", tags.PidLidClassified, FLAG),
    _rule("X-Microsoft-Classification", tags.PidLidClassification, TEXT),
    _rule("X-Microsoft-ClassDesc", tags.PidLidClassificationDescription, TEXT),
    _rule("X-Microsoft-ClassID", tags.PidLidClassificationGuid, TEXT),
    _rule("X-Microsoft-ClassKeep", tags.PidLidClassificationKeep, FLAG),
    _rule("X-CallingTelephoneNumber", tags.PidTagSenderTelephoneNumber, TEXT),
    _rule("X-VoiceMessageDuration", tags.PidTagVoiceMessageDuration, NUMBER),
    _rule("X-VoiceMessageSenderName", tags.PidTagVoiceMessageSenderName, TEXT),
    _rule("X-FaxNumberOfPages", tags.PidTagFaxNumberOfPages, NUMBER),
    _rule("X-AttachmentOrder", tags.PidTagVoiceMessageAttachmentOrder, TEXT),
    _rule("X-CallID", tags.PidTagCallId, TEXT),
    _rule(_ORGANIZATION + "AutoForwarded", tags.PidTagAutoForwarded, FLAG, trusted=True),
    _rule(_ORGANIZATION + "SCL", tags.PidTagContentFilterSpamConfidenceLevel, NUMBER, trusted=True),
    _rule(_ORGANIZATION + "PCL", tags.PidTagContentFilterPhishingConfidenceLevel, NUMBER, trusted=True),
    _rule(_ORGANIZATION + "SenderIdResult", tags.PidTagSenderIdStatus, one_of(_SENDER_ID), trusted=True),
    _rule(_ORGANIZATION + "PRD", tags.PidTagPurportedSenderDomain, TEXT, trusted=True),
    # Fields without a property of their own that programs ask for. Others stay in the transport headers: each new
    # name would spend one of the mailbox's named properties, and a sender must not be able to.
    *(
        _rule(name, tags.internet_header(name), TEXT)
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
    _rule("Xref", tags.PidNameCrossReference, TEXT),
)

BY_NAME: dict[bytes, HeaderRule] = {rule.header.lower().encode("ascii"): rule for rule in TABLE}

# Headers that a sender outside must not set, and that never leave ([MS-OXCMAIL] 2.2.3.2.28).
RESERVED_PREFIXES = (b"x-ms-exchange-organization-", b"x-ms-exchange-forest-", b"x-ms-exchange-crosstenant-")
