"""Subject prefix, conversation topic, index and identifier ([MS-OXCMSG] 2.2.1.9, [MS-OXOMSG] 2.2.1.2)."""

from __future__ import annotations

import hashlib
import re

from conversion.mime.transfer import decode_base64
from conversion.mime.words import decode_unstructured
from store.mapi import tags
from store.mapi.types import PropertyKey, Value

MAX_SUBJECT = 255
"""Characters of a subject and of a conversation topic."""

_PREFIX = re.compile(r"[^\d\s:]{1,3}: ")
_BLANKS = re.compile(r"\s+")


def split_subject(subject: str) -> tuple[str, str]:
    """Split a subject into prefix and normalized subject ([MS-OXCMSG] 2.2.1.9, 2.2.1.10).

    The prefix is one to three characters, none a digit or blank, then a colon and a blank; one level only.
    """
    match = _PREFIX.match(subject)
    return (match[0], subject[match.end() :]) if match else ("", subject)


def read_subject(value: bytes) -> str:
    """Decode a Subject field: unfolded, runs of blanks kept, controls as blanks, at most MAX_SUBJECT characters."""
    return decode_unstructured(value[: 16 * MAX_SUBJECT])[:MAX_SUBJECT]


def is_valid_index(index: bytes) -> bool:
    """Whether octets are a conversation index: 22 octets that begin with 1, then blocks of 5 ([MS-OXOMSG] 2.2.1.3)."""
    return len(index) >= 22 and index[0] == 1 and (len(index) - 22) % 5 == 0


def conversation_id(topic: str, index: bytes | None) -> bytes:
    """Compute PidTagConversationId, 16 octets ([MS-OXOMSG] 2.2.1.2).

    With a valid index its GUID, else the MD5 of the topic in upper case, UTF-16LE.
    """
    if index is not None and is_valid_index(index):
        return index[6:22]
    folded = topic[:MAX_SUBJECT].upper().encode("utf-16-le", "surrogatepass")
    return hashlib.md5(folded, usedforsecurity=False).digest()


def thread_properties(
    subject: bytes | None, thread_topic: bytes | None, thread_index: bytes | None
) -> dict[PropertyKey, Value]:
    """Make what Subject, Thread-Topic and Thread-Index say ([MS-OXCMAIL] 2.2.3.2.6 to 2.2.3.2.8, 2.2.3.2.6.1)."""
    text = "" if subject is None else read_subject(subject)
    prefix, normalized = split_subject(text)
    topic = normalized
    if thread_topic is not None:
        topic = decode_unstructured(thread_topic[: 16 * MAX_SUBJECT])[:MAX_SUBJECT] or normalized
    found: dict[PropertyKey, Value] = {
        tags.PidTagSubject: text,
        tags.PidTagSubjectPrefix: prefix,
        tags.PidTagNormalizedSubject: normalized,
        tags.PidTagConversationTopic: topic,
    }
    index = decode_base64(thread_index[:8192]) if thread_index is not None else None
    if index:
        found[tags.PidTagConversationIndex] = index
        found[tags.PidTagConversationIndexTracking] = is_valid_index(index)
    found[tags.PidTagConversationId] = conversation_id(topic, index)
    return found
