"""From what went wrong inside to a reply: the one table of this front end ([RFC2449] 8, [RFC3206] 4, 5)."""

from __future__ import annotations

from typing import NamedTuple

from gateway.pop3.texts import Text
from gateway.services.logon import RefusalKind
from store.errors import (
    AccessDenied,
    AlreadyExists,
    Conflict,
    NotFound,
    QuotaExceeded,
    ReadOnly,
    StoreError,
    TooLarge,
    Unavailable,
)


class Reply(NamedTuple):
    """A negative reply: what it says, and its response code."""

    text: Text
    code: bytes = b""


_LATER = Reply(Text.LATER, b"SYS/TEMP")

STORE_REPLIES: dict[type[StoreError], Reply] = {
    NotFound: Reply(Text.REMOVED, b"SYS/TEMP"),
    AlreadyExists: _LATER,
    AccessDenied: Reply(Text.DENIED, b"SYS/PERM"),
    QuotaExceeded: Reply(Text.FULL, b"SYS/PERM"),
    Conflict: _LATER,
    TooLarge: Reply(Text.OVER_LIMIT, b"SYS/PERM"),
    ReadOnly: Reply(Text.READ_ONLY, b"SYS/PERM"),
    Unavailable: _LATER,
}
"""Every leaf of the store's errors."""

LOGON_FAILED = Reply(Text.LOGON_FAILED, b"AUTH")

LOGON_REPLIES: dict[RefusalKind, Reply] = {
    RefusalKind.BAD_CREDENTIALS: LOGON_FAILED,
    RefusalKind.DISABLED: LOGON_FAILED,
    RefusalKind.NOT_ALLOWED: LOGON_FAILED,
    RefusalKind.UNAVAILABLE: Reply(Text.SIGN_IN_AWAY, b"SYS/TEMP"),
    RefusalKind.TOO_MANY: Reply(Text.TOO_MANY_ATTEMPTS, b"SYS/TEMP"),
}
"""Why nobody was signed in; a name that exists is never told from one that does not."""


def reply_for(error: StoreError) -> Reply:
    """Give the reply for a store error."""
    for kind in type(error).__mro__:
        if kind in STORE_REPLIES:
            return STORE_REPLIES[kind]
    return _LATER
