"""From what went wrong inside to a reply: the one table of this front end."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.services.logon import RefusalKind
from gateway.services.outcomes import Outcome, Problem, Refusal
from gateway.smtp import replies
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

STORE_REPLIES: dict[type[StoreError], bytes] = {
    NotFound: b"450 4.2.1 Mailbox is not available at the moment",
    AlreadyExists: replies.INTERNAL_ERROR,
    AccessDenied: b"550 5.7.1 Delivery to this mailbox is not permitted",
    QuotaExceeded: b"552 5.2.2 Mailbox full",
    Conflict: replies.INTERNAL_ERROR,
    TooLarge: replies.MESSAGE_TOO_LARGE,
    ReadOnly: b"450 4.2.1 Mailbox does not take messages at the moment",
    Unavailable: replies.INTERNAL_ERROR,
}
"""Every leaf of the store's errors ([RFC3463] 3)."""

REFUSAL_REPLIES: dict[Refusal, bytes] = {
    Refusal.UNKNOWN: b"550 5.1.1 User unknown",
    Refusal.RELAY: b"550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
    Refusal.DISABLED: b"550 5.2.1 Mailbox disabled",
    Refusal.FULL: b"552 5.2.2 Mailbox full",
    Refusal.EMPTY_GROUP: b"550 5.2.4 Group has no members",
    Refusal.TOO_MANY_MEMBERS: b"550 5.2.4 Group has too many members",
    Refusal.MAIL_LOOP: b"554 5.4.6 Hop count exceeded - possible mail loop",
    Refusal.HEADER_TOO_LARGE: replies.HEADER_TOO_LARGE,
    Refusal.TOO_LARGE: replies.MESSAGE_TOO_LARGE,
    Refusal.TEMPORARY: replies.INTERNAL_ERROR,
}
"""Every reason that the delivery service gives itself."""

LOGON_REPLIES: dict[RefusalKind, bytes] = {
    RefusalKind.BAD_CREDENTIALS: replies.AUTH_FAILED,
    RefusalKind.DISABLED: replies.AUTH_FAILED,
    RefusalKind.NOT_ALLOWED: replies.AUTH_FAILED,
    RefusalKind.UNAVAILABLE: replies.AUTH_TEMPORARY,
    RefusalKind.TOO_MANY: replies.AUTH_TEMPORARY,
}
"""Why nobody was signed in ([RFC4954] 6); a name that exists is never told from one that does not."""


def reply_for(problem: Problem) -> bytes:
    """Give the reply for one recipient's problem."""
    if isinstance(problem, Refusal):
        return REFUSAL_REPLIES[problem]
    for kind in type(problem).__mro__:
        if kind in STORE_REPLIES:
            return STORE_REPLIES[kind]
    return replies.INTERNAL_ERROR


def reply_for_all(outcomes: Sequence[Outcome], delivered: bytes) -> bytes:
    """Give the one reply that SMTP has for all recipients together ([RFC5321] 4.2.5).

    A temporary problem wins, since the sender then comes again for all of them; copies are better than losses.
    """
    answers = [reply_for(outcome.problem) for outcome in outcomes if outcome.problem is not None]
    if not answers:
        return delivered
    return next((answer for answer in answers if answer.startswith(b"4")), answers[0])
