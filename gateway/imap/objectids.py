"""The identifiers of messages and threads that OBJECTID shows ([RFC8474] 5.3, 8.1).

EMAILID is the item, so that copies share it and every change of content gives another; THREADID is made of the
Message-ID with which the thread began. Neither ever changes, and neither needs to be stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256

from store.ids import MailboxRef

_FIELD = re.compile(rb"^(References|In-Reply-To|Message-ID)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))", re.I | re.M)
_ID = re.compile(rb"<([^<>\s]{1,998})>")
_EMAIL_ID = re.compile(rb"M([0-9a-f]{12})-([0-9a-f]{1,16})\Z")


def _mailbox(ref: MailboxRef) -> bytes:
    return ref.guid.hex[:12].encode("ascii")


def email_id(ref: MailboxRef, item_id: int) -> bytes:
    """The EMAILID of an item of a mailbox ([RFC8474] 5.1)."""
    return b"M%b-%x" % (_mailbox(ref), item_id)


def email_ids(ref: MailboxRef, item_ids: Iterable[int]) -> list[bytes]:
    """The same for many."""
    head = b"M%b-%%x" % _mailbox(ref)
    return [head % item_id for item_id in item_ids]


def item_of(ref: MailboxRef, identifier: bytes) -> int | None:
    """The item that an EMAILID means; None for one that is not of this mailbox."""
    match = _EMAIL_ID.match(identifier)
    if match is None or match[1] != _mailbox(ref):
        return None
    item_id = int(match[2], 16)
    return item_id if email_id(ref, item_id) == identifier else None


def thread_id(ref: MailboxRef, item_id: int, common_header: bytes) -> bytes:
    """The THREADID of a message, of its header's common fields ([RFC8474] 5.2).

    The thread is named by what it began with: the first Message-ID in References, else in In-Reply-To, else the
    message's own. A message without any is a thread of its own.
    """
    found: dict[bytes, bytes] = {}
    for match in _FIELD.finditer(common_header):
        name = match[1].lower()
        first = None if name in found else _ID.search(match[2])
        if first is not None:
            found[name] = first[1]
    for name in (b"references", b"in-reply-to", b"message-id"):
        if name in found:
            return b"T" + sha256(found[name]).hexdigest()[:20].encode("ascii")
    return b"T" + email_id(ref, item_id)[1:]
