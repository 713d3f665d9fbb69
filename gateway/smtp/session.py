"""Greeting, TLS, sign-in and the small commands ([RFC5321] 3.1, 3.2, 3.8, [RFC3207] 2, [RFC4954] 3)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from aiosmtpd.smtp import syntax

from directory.model import Principal
from gateway.runtime.tls import tls_facts
from gateway.sasl.mechanism import Challenge, FailureKind, encode_challenge
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import LogonRefused
from gateway.services.outcomes import Outcome, Recipient
from gateway.services.signin import ExchangeFailed, SignInService
from gateway.smtp import replies
from gateway.smtp.errors import LOGON_REPLIES
from gateway.smtp.profile import Profile, SmtpLimits
from gateway.smtp.reader import LineTooLong
from gateway.smtp.replies import Refused
from gateway.smtp.state import ClientSession
from gateway.smtp.stream import Registry, SmtpStream, log


class Deliverer(Protocol):
    """services.delivery.DeliveryService."""

    async def resolve(self, address: str, *, size: int = 0) -> Recipient:
        """Find the mailboxes behind an address."""

    async def deliver(
        self,
        raw: bytes,
        *,
        reverse_path: str,
        recipients: Sequence[str | Recipient],
        received: bytes = b"",
        separately: bool = False,
    ) -> list[Outcome]:
        """Deliver a message; one outcome a recipient."""


class SenderPolicy(Protocol):
    """services.submission.SubmissionPolicy."""

    async def may_send(self, user: Principal, reverse_path: str) -> bool:
        """Say whether a signed-in user may use the reverse-path."""

    async def missing_fields(self, user: Principal, raw: bytes) -> bytes | None:
        """Say what must be put before a user's message; None: this user may not send it."""


@dataclass(frozen=True, slots=True)
class SmtpServices:
    """What the SMTP front end needs of the rest."""

    delivery: Deliverer
    signin: SignInService
    senders: SenderPolicy
    hostname: str
    """The name in the greeting."""


_FAILURE_REPLIES = {
    FailureKind.MALFORMED: replies.AUTH_UNDECODABLE,
    FailureKind.UNREADABLE: replies.AUTH_UNDECODABLE,
    FailureKind.TOO_LONG: replies.AUTH_TOO_LONG,
    FailureKind.UNSUPPORTED: replies.AUTH_UNKNOWN,
    FailureKind.NEEDS_TLS: replies.AUTH_NEEDS_TLS,
}


class SmtpSession(SmtpStream):
    """A connection up to the mail transaction."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        registry: Registry,
        limits: SmtpLimits,
        services: SmtpServices,
        profile: Profile,
    ) -> None:
        self.services = services
        self.profile = profile
        self._logon_failures = 0
        self._known: PeerInfo | None = None
        self._opened = loop.time()
        self._asked_at: float | None = None
        super().__init__(loop, registry, limits, services.hostname)

    def _greeting(self) -> bytes:
        """Name host and program, no version ([RFC5321] 3.1, 7.5)."""
        return f"220 {self.hostname} {self.profile.greeting} oxgate ready".encode()

    def check_hello(self) -> None:
        """Refuse when there was no EHLO, HELO or LHLO yet ([RFC5321] 4.1.4)."""
        if self.session.host_name is None:
            raise Refused(replies.HELLO_FIRST)

    async def check_sender(self, reverse_path: str) -> None:
        """Refuse a sender who is not signed in where that is needed, or who may not use the reverse-path.

        A submission port asks for STARTTLS first where it must ([RFC3207] 4.3).
        """
        logon = self.session.auth_data
        if logon is not None:
            if self._has_expired():
                self.hang_up()
                raise Refused(replies.SIGN_IN_EXPIRED)
            if not await self.services.senders.may_send(logon.user, reverse_path):
                raise Refused(replies.SEND_AS_DENIED)
        elif self.profile.must_sign_in:
            raise Refused(replies.AUTH_REQUIRED if self._mechanisms() else replies.STARTTLS_FIRST)

    # Hello

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname: str | None) -> None:
        """List the extensions ([RFC5321] 4.1.1.1); the argument may be missing ([MS-SMTPNTLM] 2.2.1.9)."""
        self._hello(hostname, extended=True)
        lines = [f"{self.hostname} Hello [{self.peer}]", *self.extensions()]
        for line in lines[:-1]:
            self.reply(f"250-{line}".encode())
        self.reply(f"250 {lines[-1]}".encode())

    @syntax("HELO hostname")
    async def smtp_HELO(self, hostname: str | None) -> None:
        """Begin without extensions ([RFC5321] 4.1.1.1)."""
        if not hostname:
            raise Refused(replies.SYNTAX)
        self._hello(hostname, extended=False)
        self.reply(f"250 {self.hostname} Hello [{self.peer}]".encode())

    def _hello(self, hostname: str | None, *, extended: bool) -> None:
        self._set_rset_state()
        self.session.host_name = hostname or ""
        self.session.extended_smtp = extended

    def extensions(self) -> list[str]:
        """The EHLO keywords of this moment.

        [RFC1870] 3, [RFC2920] 3, [RFC2034] 3, [RFC6152] 2, [RFC6531] 3.2, 3.7.1, [RFC3030] 2, [RFC3207] 3,
        [RFC4954] 3, [MS-XLOGIN] 2.2.1.
        """
        lines = [
            f"SIZE {self.limits.max_message}",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "SMTPUTF8",
            "CHUNKING",
        ]
        if self.profile.starttls is not None and self.session.ssl is None:
            lines.append("STARTTLS")
        mechanisms = self._mechanisms()
        if mechanisms:
            lines.append("AUTH " + " ".join(mechanisms))
        return [*lines, "HELP"]

    # TLS

    @syntax("STARTTLS")
    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Go over to TLS; what was pipelined behind the command is dropped ([RFC3207] 4, 4.1, 4.2, 6)."""
        if arg:
            raise Refused(replies.SYNTAX)
        if self.session.ssl is not None:
            raise Refused(replies.TLS_ALREADY)
        context = self.profile.starttls
        if context is None:
            raise Refused(replies.TLS_NOT_AVAILABLE)
        dropped = self.octets.discard()
        if dropped:
            log.warning("%s: dropped %d octets sent in clear behind STARTTLS", self.peer, dropped)
        self.reply(replies.READY_FOR_TLS)
        self.flush()
        await self._start_tls(context)

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        plain = self.transport
        if plain is None:
            return
        try:
            secure = await self.loop.start_tls(
                plain,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=self.limits.handshake,
            )
        except (OSError, TimeoutError) as error:  # SSLError and ConnectionError are OSErrors
            log.info("%s: TLS handshake failed: %s", self.peer, error)
            plain.abort()
            self.connection_lost(None)
            return
        if secure is None or self.transport is None:
            plain.abort()
            return
        self.transport = secure
        self.octets.attach(secure)
        self._set_rset_state()
        self.session = ClientSession(self.peer)
        self._known = None
        self._learn_tls()

    # Sign-in

    def _mechanisms(self) -> list[str]:
        if not self.profile.offers_auth or self.session.authenticated:
            return []
        return self.services.signin.offered(self._peer_info())

    @syntax("AUTH mechanism [initial-response]")
    async def smtp_AUTH(self, arg: str | None) -> None:
        """Sign in, once ([RFC4422] 3.8, [RFC4954] 4, [MS-XLOGIN] 2.2, 2.2.2, [MS-OXSMTP] 2.2.1)."""
        self.check_hello()
        if not self.profile.offers_auth or not self.session.extended_smtp:
            raise Refused(replies.AUTH_NOT_OFFERED)
        if self.session.authenticated:
            raise Refused(replies.AUTH_AGAIN)
        if self.envelope.mail_from is not None:
            raise Refused(replies.AUTH_IN_TRANSACTION)
        words = (arg or "").split()
        if len(words) not in (1, 2):
            raise Refused(replies.SYNTAX)
        try:
            signin = self.services.signin.begin(words[0], self._peer_info())
            initial = words[1].encode("utf-8", "surrogateescape") if len(words) == 2 else None
            step = await signin.step(initial)
            self._asked_at = self.loop.time()
            while isinstance(step, Challenge):
                self.reply(b"334 " + (step.text.encode() or encode_challenge(step)))
                await self.settle()
                line = await self.octets.line()
                self.last_active = self.loop.time()
                step = await signin.step(line)
        except LineTooLong:
            raise Refused(replies.AUTH_TOO_LONG) from None
        except ExchangeFailed as failed:
            if failed.kind is not FailureKind.CANCELLED:
                raise Refused(_FAILURE_REPLIES[failed.kind]) from None
            self.reply(replies.AUTH_CANCELLED)  # which is no error of the client's
            return
        except LogonRefused as refused:
            self._count_failure()
            raise Refused(LOGON_REPLIES[refused.kind]) from None
        finally:
            self._asked_at = None
        self.session.authenticated = True
        self.session.auth_data = step
        self.services.signin.entered(step)
        self.reply(replies.AUTHENTICATED)

    def overdue(self, now: float) -> bytes | None:
        """Say with which reply the connection is to end by the clock.

        Commands do not restart the time for signing in ([MS-OXSMTP] 3.2: thresholds). A sign-in that runs out lets a
        message under way be finished.
        """
        logon = self.session.auth_data
        since = self._opened if logon is None and self.profile.must_sign_in else self._asked_at
        if since is not None and now - since >= self.limits.before_logon:
            return replies.TIMED_OUT
        if self.envelope.mail_from is None and self._has_expired():
            return replies.SIGN_IN_EXPIRED
        return super().overdue(now)

    def _has_expired(self) -> bool:
        """Whether what the user signed in by is good no longer, such as a token, or the right to it is gone."""
        logon = self.session.auth_data
        return logon is not None and self.services.signin.has_ended(logon)

    def _peer_info(self) -> PeerInfo:
        if self._known is None or self._known.device != (self.session.host_name or ""):
            tls = self.session.ssl is not None
            facts = tls_facts(self.transport.get_extra_info("ssl_object") if self.transport is not None else None)
            name = self.session.host_name or ""
            self._known = PeerInfo("smtp", self.peer, tls, self.number, self.profile.listener, *facts, device=name)
        return self._known

    def _count_failure(self) -> None:
        """End the connection after too many ([MS-OXSMTP] 3.2: thresholds)."""
        self._logon_failures += 1
        if self._logon_failures >= self.limits.max_logon_failures:
            self.hang_up()

    # The rest

    @syntax("NOOP [ignored]")
    async def smtp_NOOP(self, arg: str | None) -> None:
        """Do nothing ([RFC5321] 4.1.1.9)."""
        self.reply(replies.OK)

    @syntax("QUIT")
    async def smtp_QUIT(self, arg: str | None) -> None:
        """Say goodbye ([RFC5321] 4.1.1.10)."""
        if arg:
            raise Refused(replies.SYNTAX)
        self.reply(replies.BYE)
        self._goodbye = True
        self._closing = True

    @syntax("VRFY address")
    async def smtp_VRFY(self, arg: str | None) -> None:
        """Neither confirm nor deny ([RFC5321] 4.1.1.6, 3.5.3, 7.3); any parameter is taken ([RFC6531] 3.7.4.2)."""
        if not arg:
            raise Refused(replies.SYNTAX)
        self.reply(replies.CANNOT_VERIFY)

    async def smtp_EXPN(self, arg: str | None) -> None:
        """List no members ([RFC5321] 4.1.1.7, 7.3)."""
        raise Refused(replies.NOT_IMPLEMENTED)

    @syntax("HELP [command]")
    async def smtp_HELP(self, arg: str | None) -> None:
        """List the commands, or the syntax of one ([RFC5321] 4.1.1.8)."""
        texts = {name: _help_text(method) for name, method in self.methods.items()}
        if arg:
            text = texts.get(arg.upper())
            if not text:
                raise Refused(replies.NO_HELP)
            self.reply(f"214 2.0.0 {text}".encode())
            return
        self.reply(f"214 2.0.0 Commands: {' '.join(sorted(name for name, text in texts.items() if text))}".encode())


def _help_text(method: object) -> str:
    text = getattr(method, "__smtp_syntax__", "")
    return text + (getattr(method, "__smtp_syntax_extended__", None) or "")
