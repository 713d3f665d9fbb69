"""The identifiers of messages and threads that OBJECTID shows ([RFC8474] 5.3, 8.1).

EMAILID is the name of the item (store.origins), so that copies share it, in another mailbox too, and every change of
content gives another; THREADID is made of the Message-ID with which the thread began. Neither ever changes.
"""

from __future__ import annotations

import re
from hashlib import sha256

_FIELD = re.compile(rb"^(References|In-Reply-To|Message-ID)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))", re.I | re.M)
_ID = re.compile(rb"<([^<>\s]{1,998})>")


def email_id(name: str) -> bytes:
    """The EMAILID of an item by its name ([RFC8474] 5.1)."""
    return b"M" + name.encode("ascii")


def thread_id(name: str, common_header: bytes) -> bytes:
    """The THREADID of a message, of its item's name and its header's common fields ([RFC8474] 5.2).

    The thread is named by what it began with: the first Message-ID in References, else in In-Reply-To, else the
    message's own. A message without any is a thread of its own.
    """
    found: dict[bytes, bytes] = {}
    for match in _FIELD.finditer(common_header):
        field = match[1].lower()
        first = None if field in found else _ID.search(match[2])
        if first is not None:
            found[field] = first[1]
    for field in (b"references", b"in-reply-to", b"message-id"):
        if field in found:
            return b"T" + sha256(found[field]).hexdigest()[:20].encode("ascii")
    return b"T" + name.encode("ascii")
