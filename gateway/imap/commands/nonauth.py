"""Commands before login: STARTTLS LOGIN AUTHENTICATE ([RFC3501] 6.2, [RFC4959], [MS-OXIMAP4] 3.2.5)."""

from __future__ import annotations

from gateway.imap.errors import Refusal, Reply, bad, no, ok
from gateway.imap.protocol.types import Authenticate, Login, NoArguments
from gateway.imap.session import Session
from gateway.sasl import registry
from gateway.sasl.mechanism import Challenge, Failure, FailureKind, PasswordAttempt, encode_challenge, respond
from gateway.services.logon import LogonRefused, RefusalKind
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
    _need_private_line(session)
    await _enter(session, PasswordAttempt(args.user, args.password), b"LOGIN failed.")
    return ok(b"LOGIN completed.", b"CAPABILITY " + session.capabilities())


async def authenticate(session: Session, args: Authenticate) -> Reply:
    """AUTHENTICATE, with or without an initial response ([RFC3501] 6.2.2, [RFC4959] 3, [MS-OXIMAP4] 3.2.5.1).

    The coroutine is the state machine of [MS-OXIMAP4] 3.2.1: it is inside the exchange as long as it asks for lines.
    """
    exchange = registry.create(args.mechanism)
    if exchange is None:
        # [MS-OXIMAP4] 2.2.1 and [RFC3501] 6.2.2: BAD for a mechanism that is not supported.
        raise bad(b"Unsupported authentication mechanism.")
    if args.mechanism not in session.mechanisms():
        _need_private_line(session)
    step = respond(exchange, args.initial_response)
    while isinstance(step, Challenge):
        line = await session.wire.ask(encode_challenge(step))
        too_long = Failure(FailureKind.TOO_LONG, "response line too long")
        step = too_long if line is None else respond(exchange, line)
    if isinstance(step, Failure):
        raise _failed(step)
    await _enter(session, step, b"AUTHENTICATE failed.")
    return ok(b"AUTHENTICATE completed.", b"CAPABILITY " + session.capabilities())


def _failed(failure: Failure) -> Refusal:
    if failure.kind is FailureKind.CANCELLED:
        # [RFC3501] 6.2.2 has BAD here; the exact reply of [MS-OXIMAP4] 2.2.1 is a NO.
        return no(_CANCELLED)
    if failure.kind is FailureKind.CREDENTIALS:
        return no(b"AUTHENTICATE failed.")
    return bad(b"AUTHENTICATE failed: malformed response.")


def _need_private_line(session: Session) -> None:
    """Refuse a password in the clear where policy wants TLS ([RFC3501] 6.2.3, 11.2, [RFC5530] 3)."""
    if not session.mechanisms():
        raise no(b"Start TLS first; passwords are not taken in the clear.", b"PRIVACYREQUIRED")


async def _enter(session: Session, attempt: PasswordAttempt, failed: bytes) -> None:
    """Check the password and open the mailbox; whatever is wrong with the account gives the same reply."""
    try:
        logon = await session.services.logon.authenticate(attempt, session.wire.peer)
    except LogonRefused as refused:
        if refused.kind in (RefusalKind.UNAVAILABLE, RefusalKind.TOO_MANY):
            raise no(b"Sign-in is not possible just now; try again later.", b"UNAVAILABLE") from refused
        session.note_failed_logon()
        raise no(failed) from refused
    try:
        await session.enter(logon)
    except StoreError as error:
        raise no(b"The mailbox cannot be opened.", b"UNAVAILABLE") from error
