"""Commands about signing in: STARTTLS LOGIN AUTHENTICATE UNAUTHENTICATE.

[RFC3501] 6.2, [RFC4959], [RFC8437], [MS-OXIMAP4] 3.2.5.
"""

from __future__ import annotations

from urllib.parse import quote

from gateway.imap.environment import ImapSettings
from gateway.imap.errors import Refusal, Reply, bad, no, ok
from gateway.imap.protocol.types import Authenticate, Login, NoArguments
from gateway.imap.session import Session
from gateway.sasl.mechanism import Challenge, FailureKind, encode_challenge
from gateway.services.logon import Logon, LogonRefused, RefusalKind
from gateway.services.signin import ExchangeFailed
from store.errors import StoreError

_CANCELLED = b"The AUTH protocol exchange was canceled by the client."
"""The exact text of [MS-OXIMAP4] 2.2.1."""


async def starttls(session: Session, args: NoArguments) -> Reply:
    """STARTTLS: TLS begins behind the reply; what came in the clear behind the command is dropped ([RFC3501] 6.2.1)."""
    if session.wire.tls:
        raise bad(b"TLS is active already.")
    if not session.wire.can_start_tls:
        raise bad(b"TLS is not available.")
    session.wire.start_tls_after_reply()
    return ok(b"Begin TLS negotiation now.")


async def login(session: Session, args: Login) -> Reply:
    """LOGIN; the user name may name another's mailbox ([RFC3501] 6.2.3, [MS-OXIMAP4] 2.2.2, 3.2.5.2)."""
    try:
        logon = await session.services.signin.password(args.user, args.password, session.wire.peer)
    except ExchangeFailed as failed:
        if failed.kind is FailureKind.UNSUPPORTED:
            raise no(b"LOGIN is disabled; use AUTHENTICATE.") from failed  # LOGINDISABLED, [RFC3501] 6.2.3
        raise _failed(failed.kind) from failed
    except LogonRefused as refused:
        raise _refused(session, refused, b"LOGIN failed.") from refused
    await _enter(session, logon)
    return ok(b"LOGIN completed.", session.welcome())


async def unauthenticate(session: Session, args: NoArguments) -> Reply:
    """UNAUTHENTICATE: as if the connection had just begun, but for TLS and for what ID said ([RFC8437] 3, 4.1).

    An administrator can turn it off ([RFC8437] 8). There is no NO, so that a client may send AUTHENTICATE right behind.
    """
    if not session.services.settings.unauthenticate:
        raise bad(b"Unknown command.")
    session.sign_off()
    return ok(b"UNAUTHENTICATE completed.")


async def authenticate(session: Session, args: Authenticate) -> Reply:
    """AUTHENTICATE, with or without an initial response ([RFC3501] 6.2.2, [RFC4959] 3, [MS-OXIMAP4] 3.2.5.1).

    The coroutine is the state machine of [MS-OXIMAP4] 3.2.1, 3.2.1.1, 3.2.1.2, 3.2.5.1.1: it is inside the exchange as
    long as it asks for lines, and what a mechanism makes of a line is a challenge, a success or a failure
    ([MS-OXIMAP4] 3.2.5.1.2, 3.2.5.1.2.1, 3.2.5.1.2.2, 3.2.5.1.2.3, 3.2.5.1.2.4); `*` ends it ([MS-OXIMAP4] 3.2.5.1.3).
    """
    try:
        signin = session.services.signin.begin(args.mechanism, session.wire.peer)
        step = await signin.step(args.initial_response)
        while isinstance(step, Challenge):
            line = await session.wire.ask(encode_challenge(step))
            if line is None:
                raise _failed(FailureKind.TOO_LONG)
            step = await signin.step(line)
    except ExchangeFailed as failed:
        if failed.kind is FailureKind.UNREADABLE:
            session.note_failed_logon()
        raise _failed(failed.kind) from failed
    except LogonRefused as refused:
        raise _refused(session, refused, b"AUTHENTICATE failed.") from refused
    await _enter(session, step)
    return ok(b"AUTHENTICATE completed.", session.welcome())


def _failed(kind: FailureKind) -> Refusal:
    match kind:
        case FailureKind.CANCELLED:
            # [RFC3501] 6.2.2 has BAD here; the exact reply of [MS-OXIMAP4] 2.2.1 is a NO.
            return no(_CANCELLED)
        case FailureKind.UNSUPPORTED:
            # [MS-OXIMAP4] 2.2.1 and [RFC3501] 6.2.2: BAD for a mechanism that is not supported.
            return bad(b"Unsupported authentication mechanism.")
        case FailureKind.UNREADABLE:
            return no(b"AUTHENTICATE failed.")
        case FailureKind.NEEDS_TLS:
            # A password in the clear where policy wants TLS ([RFC3501] 6.2.3, 11.2, [RFC5530] 3).
            return no(b"Start TLS first; passwords are not taken in the clear.", b"PRIVACYREQUIRED")
        case _:
            return bad(b"AUTHENTICATE failed: malformed response.")


def _refused(session: Session, refused: LogonRefused, failed: bytes) -> Refusal:
    """Answer a refusal; whatever is wrong with the account gives the same reply."""
    if refused.kind in (RefusalKind.UNAVAILABLE, RefusalKind.TOO_MANY):
        return no(b"Sign-in is not possible just now; try again later.", b"UNAVAILABLE")
    session.note_failed_logon()
    return no(failed)


def referring(settings: ImapSettings) -> str:
    """What LOGIN brings: LOGIN-REFERRALS where mailboxes are served elsewhere, too ([RFC2221] 3)."""
    return "LOGIN-REFERRALS" if settings.referrals else ""


async def _enter(session: Session, logon: Logon) -> None:
    """Open the mailbox, or tell where it is served: NO [REFERRAL url] ([RFC2221] 4.1, 5)."""
    host = session.services.settings.referral(logon.ref.shard)
    if host is not None:
        # The name that was signed in with may mean another's mailbox; there it has to be said again.
        user = logon.user.address if logon.user.id == logon.owner.id else f"{logon.user.address}/{logon.owner.account}"
        url = f"imap://{quote(user, safe='')};AUTH=*@{host}/"
        raise no(b"The mailbox is on another server.", b"REFERRAL " + url.encode("ascii"))
    try:
        await session.enter(logon)
    except StoreError as error:
        raise no(b"The mailbox cannot be opened.", b"UNAVAILABLE") from error
