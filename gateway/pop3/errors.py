"""From what went wrong inside to a reply: the one table of this front end ([RFC2449] 8, [RFC3206] 4, 5)."""

from __future__ import annotations

from gateway.pop3.protocol import err
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

_LATER = err(b"The mailbox is not available at the moment, try again later", b"SYS/TEMP")

STORE_REPLIES: dict[type[StoreError], bytes] = {
    NotFound: err(b"Another session has removed that", b"SYS/TEMP"),
    AlreadyExists: _LATER,
    AccessDenied: err(b"Access to the mailbox is denied", b"SYS/PERM"),
    QuotaExceeded: err(b"The mailbox is full", b"SYS/PERM"),
    Conflict: _LATER,
    TooLarge: err(b"Over a limit of the server", b"SYS/PERM"),
    ReadOnly: err(b"The mailbox cannot be changed", b"SYS/PERM"),
    Unavailable: _LATER,
}
"""Every leaf of the store's errors."""

LOGON_FAILED = err(b"Logon failure: unknown user name or bad password.", b"AUTH")

LOGON_REPLIES: dict[RefusalKind, bytes] = {
    RefusalKind.BAD_CREDENTIALS: LOGON_FAILED,
    RefusalKind.DISABLED: LOGON_FAILED,
    RefusalKind.NOT_ALLOWED: LOGON_FAILED,
    RefusalKind.UNAVAILABLE: err(b"Sign-in is not available at the moment, try again later", b"SYS/TEMP"),
    RefusalKind.TOO_MANY: err(b"Too many attempts, try again later", b"SYS/TEMP"),
}
"""Why nobody was signed in; a name that exists is never told from one that does not."""


def reply_for(error: StoreError) -> bytes:
    """Give the reply for a store error."""
    for kind in type(error).__mro__:
        if kind in STORE_REPLIES:
            return STORE_REPLIES[kind]
    return _LATER
