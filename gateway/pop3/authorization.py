"""What a client may say before it has signed in, and CAPA and LANG, which it may say at any time.

[RFC1939] 4, 7, [RFC2449] 5, [RFC5034] 4, [RFC2595] 4, [RFC6856] 2, 3.
"""

from __future__ import annotations

import unicodedata

from gateway.pop3 import protocol
from gateway.pop3.errors import LOGON_FAILED, LOGON_REPLIES, Reply
from gateway.pop3.protocol import CRLF, Command, LineTooLong
from gateway.pop3.session import Session, State
from gateway.pop3.texts import LISTING, Text, matching
from gateway.sasl.mechanism import Challenge, FailureKind, encode_challenge
from gateway.sasl.saslprep import saslprep
from gateway.services.logon import LogonRefused
from gateway.services.signin import ExchangeFailed

_NEEDS_TLS = (Text.NEEDS_TLS, b"SYS/PERM")
_ONLY_AUTH = (Text.ONLY_AUTH, b"SYS/PERM")


async def capa(session: Session, command: Command) -> None:
    """List the capabilities of this moment.

    [RFC2449] 5, 6.1 to 6.9, [RFC3206] 6, [RFC5034] 3, [RFC2595] 4, [RFC6856] 2, 2.2, 3.1.
    """
    options = session.options
    lines = [b"TOP", b"UIDL"]
    mechanisms = session.mechanisms()
    if mechanisms:
        lines.append(b"SASL " + " ".join(mechanisms).encode())
    takes_passwords = "PLAIN" in mechanisms
    if takes_passwords:
        lines.append(b"USER")
    if session.wire.offers_tls and session.state == State.AUTHORIZATION:
        lines.append(b"STLS")
    if options.personality.extensions:
        lines += [b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE"]
        lines += [b"UTF8 USER" if takes_passwords else b"UTF8", b"LANG"]
    if options.remove_retrieved:
        lines.append(b"EXPIRE 0")
    elif options.personality.extensions:
        lines.append(b"EXPIRE NEVER")
    if session.services.delay is not None:
        lines.append(b"LOGIN-DELAY %d" % session.services.delay.seconds)
    if options.implementation and options.personality.extensions and session.state == State.TRANSACTION:
        lines.append(b"IMPLEMENTATION oxgate")
    head = session.voice.ok(Text.CAPABILITIES) if options.personality.extensions else protocol.ok()
    await session.listing(head, [CRLF.join([*lines, b""])])


async def lang(session: Session, command: Command) -> None:
    """List the languages, or go over to one ([RFC6856] 3.1, 3.2)."""
    words = command.words()
    if not words:
        lines = [f"{tag} {name}\r\n".encode() for tag, name in LISTING.items()]
        await session.listing(session.voice.ok(Text.LANGUAGES), [b"".join(lines)])
        return
    tag = session.options.language if words == [b"*"] else matching(words[0]) if len(words) == 1 else None
    if tag is None:
        session.err(Reply(Text.NO_LANGUAGE))
        return
    session.voice = session.options.personality.voice(tag)
    session.wire.write(protocol.ok(tag.encode() + b" " + session.voice.texts[Text.LANGUAGE_CHANGED]))


async def utf8(session: Session, command: Command) -> None:
    """Turn UTF-8 on for the rest of the session ([RFC6856] 2.1)."""
    session.utf8 = True
    session.ok(Text.UTF8_ON)


async def user(session: Session, command: Command) -> None:
    """Take a name, which may have blanks; it is never said whether it exists ([RFC1939] 7, [MS-OXPOP3] 2.2.2).

    Without TLS there is no signing in, but where the policy allows it ([RFC2595] 2.2, 2.3).
    """
    if not session.services.signin.takes_passwords(session.wire.peer_info):
        session.refuse(*(_ONLY_AUTH if session.wire.tls else _NEEDS_TLS))
        return
    session.user = command.argument
    session.wire.write(protocol.ok())


async def password(session: Session, command: Command) -> None:
    """Sign in with the name of USER; blanks belong to the password ([RFC1939] 7 PASS)."""
    if session.user is None:
        session.refuse(Text.WRONG_STATE)
        return
    name = _name(session.user, strict=session.utf8)
    secret = _secret(command.argument, strict=session.utf8)
    session.user = None
    if name is None or secret is None:
        session.logon_failed(LOGON_FAILED)
        return
    try:
        logon = await session.services.signin.password(name, secret, session.wire.peer_info)
    except ExchangeFailed as failed:
        _exchange_failed(session, failed.kind)
    except LogonRefused as refused:
        session.logon_failed(LOGON_REPLIES[refused.kind])
    else:
        await session.enter(logon)


async def auth(session: Session, command: Command) -> None:
    """Sign in by SASL ([RFC5034] 4, [MS-OXPOP3] 2.2.1); a bare AUTH lists the mechanisms ([MS-OXPOP3] 1.7).

    The coroutine is the state machine of [MS-OXPOP3] 3.2.1, 3.2.1.1, 3.2.1.2: it is inside the exchange as long as
    it asks for lines ([MS-OXPOP3] 3.2.4, 3.2.5, 3.2.5.1, 3.2.5.2), and what a mechanism makes of a line is
    a challenge, a success or a failure ([MS-OXPOP3] 3.2.5.2.1, 3.2.5.2.2, 3.2.5.2.3, 3.2.5.2.4); `*` ends it
    ([MS-OXPOP3] 3.2.5.3).
    """
    words = command.words()
    if not words:
        await session.listing(protocol.ok(), ["\r\n".join([*session.mechanisms(), ""]).encode()])
        return
    if len(words) > 2:
        _exchange_failed(session, FailureKind.UNSUPPORTED)
        return
    wire = session.wire
    try:
        signin = session.services.signin.begin(words[0].decode("ascii", "replace"), wire.peer_info)
        step = await signin.step(words[1] if len(words) == 2 else None)
        while isinstance(step, Challenge):
            wire.write(protocol.challenge(encode_challenge(step)))
            step = await signin.step(await wire.next_line())
    except ExchangeFailed as failed:
        _exchange_failed(session, failed.kind)
    except LineTooLong:
        _exchange_failed(session, FailureKind.TOO_LONG)
    except LogonRefused as refused:
        session.logon_failed(LOGON_REPLIES[refused.kind])
    else:
        await session.enter(step)


async def stls(session: Session, command: Command) -> None:
    """Go over to TLS; what was pipelined behind the command is dropped ([RFC2595] 4).

    After UTF8 it is too late for it ([RFC6856] 2.1).
    """
    if not session.wire.offers_tls or session.utf8:
        session.refuse(Text.WRONG_STATE)
        return
    session.user = None
    session.ok(Text.BEGIN_TLS)
    session.wire.start_tls()


def _exchange_failed(session: Session, kind: FailureKind) -> None:
    match kind:
        case FailureKind.CANCELLED:
            session.err(Reply(Text.CANCELLED))
        case FailureKind.UNSUPPORTED:
            session.refuse(Text.UNKNOWN_MECHANISM)
        case FailureKind.NEEDS_TLS:
            session.refuse(*_NEEDS_TLS)
        case _:
            session.refuse(Text.BAD_RESPONSE)


def _name(octets: bytes, *, strict: bool) -> str | None:
    """Read a name; one that is not ASCII goes through SASLprep ([RFC6856] 2.2). None: it can be nobody's."""
    name = _decoded(octets, strict=strict)
    return name if name is None or name.isascii() else saslprep(name)


def _secret(octets: bytes, *, strict: bool) -> str | None:
    """Read a password. SASLprep judges it, and NFC, which is what it does to nearly all, makes its accents alike.

    The compatibility characters that SASLprep would replace stay, for passwords are hashed with them ([RFC6856] 2.2).
    """
    secret = _decoded(octets, strict=strict)
    if secret is None or secret.isascii():
        return secret
    return None if saslprep(secret) is None else unicodedata.normalize("NFC", secret)


def _decoded(octets: bytes, *, strict: bool) -> str | None:
    """Decode a name or password: UTF-8 ([RFC6856] 2.2), else, from older clients that never say UTF8, Latin-1."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return None if strict else octets.decode("latin-1")
