"""The one way in for all front ends: a SASL exchange, driven line by line to a Logon.

    signin = service.begin(mechanism, peer)         # ExchangeFailed: not offered here
    step = await signin.step(initial)               # the initial response, still in base64; None when there was none
    while isinstance(step, Challenge):
        write(prefix + encode_challenge(step))      # `+ ` in IMAP and POP3, `334 ` in SMTP
        step = await signin.step(await line())      # without CRLF
    logon = step

`step` raises ExchangeFailed for what is wrong with the exchange (base64, cancelled, too long), and LogonRefused as
`LogonService.authenticate` does. A name and a password outside of SASL (IMAP LOGIN, POP3 PASS) go to `password`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, NoReturn, Protocol, cast

from directory.errors import ProviderError
from directory.model import Principal
from gateway.sasl.mechanism import (
    MAX_NAME,
    MAX_PASSWORD,
    Ask,
    AskingExchange,
    Challenge,
    Failure,
    FailureKind,
    PasswordAttempt,
    ProvedAttempt,
    SaslExchange,
    SaslSyntaxError,
    decode_response,
    is_cancel,
    respond,
)
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms
from gateway.services.logon import Logon, LogonRefused, RefusalKind
from gateway.services.standing import Standing

__all__ = ["ExchangeFailed", "SignIn", "SignInService", "Verifier"]

Verifier = Callable[[Any, PeerInfo], Awaitable[Any]]
"""Answers one kind of Ask. Raises LogonRefused(UNAVAILABLE) when it cannot tell now."""


class Authenticator(Protocol):
    """services.logon.LogonService."""

    async def authenticate(self, attempt: PasswordAttempt | ProvedAttempt, peer: PeerInfo) -> Logon:
        """Sign in, or raise LogonRefused."""

    def admission(self, login: str, peer: PeerInfo) -> AbstractAsyncContextManager[None]:
        """Hold a place while a proof is looked at; entering it may raise LogonRefused(TOO_MANY)."""

    async def refuse(
        self,
        login: str,
        peer: PeerInfo,
        error: LogonRefused | ProviderError,
        *,
        mechanism: str,
        began: float | None = None,
    ) -> NoReturn:
        """Note a sign-in that failed before `authenticate`, as that does: audit, delay; then raise the refusal."""

    def named(self, logon: Logon, peer: PeerInfo, device: str) -> None:
        """Note what a client that has signed in calls itself."""

    async def account_of(self, login: str) -> Principal | None:
        """Find the account that a sign-in name means, whatever its state; None also while the directory is away."""


class ExchangeFailed(Exception):
    """The exchange came to nothing for a reason that is not about who it is."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure

    @property
    def kind(self) -> FailureKind:
        """What picks the reply."""
        return self.failure.kind


class SignInService:
    """Begins exchanges; one instance serves all front ends of a worker."""

    def __init__(
        self,
        logon: Authenticator,
        mechanisms: Mechanisms | None = None,
        verifiers: Mapping[type[Ask], Verifier] | None = None,
        standing: Standing | None = None,
    ) -> None:
        self._logon = logon
        self._standing = standing
        self._mechanisms = mechanisms or Mechanisms()
        self._verifiers = dict(verifiers or {})

    def offered(self, peer: PeerInfo) -> list[str]:
        """Mechanisms to advertise on this connection now."""
        return self._mechanisms.offered(peer)

    def takes_passwords(self, peer: PeerInfo) -> bool:
        """Whether IMAP LOGIN and POP3 USER and PASS work on this connection now: where PLAIN does."""
        return self._mechanisms.offers("PLAIN", peer)

    def begin(self, mechanism: str, peer: PeerInfo) -> SignIn:
        """Start an exchange. Raises ExchangeFailed: UNSUPPORTED, NEEDS_TLS."""
        exchange = self._mechanisms.create(mechanism, peer)
        if exchange is not None:
            return SignIn(exchange, self._logon, self._verifiers, peer)
        if not peer.tls and self._mechanisms.known(mechanism, peer):
            raise ExchangeFailed(Failure(FailureKind.NEEDS_TLS, "not without TLS"))
        raise ExchangeFailed(Failure(FailureKind.UNSUPPORTED, "no such mechanism"))

    async def password(self, login: str, password: str, peer: PeerInfo) -> Logon:
        """Sign in by name and password. Raises LogonRefused; ExchangeFailed (NEEDS_TLS) where that is not on offer."""
        if not self.takes_passwords(peer):
            if not peer.tls and self._mechanisms.known("PLAIN", peer):
                raise ExchangeFailed(Failure(FailureKind.NEEDS_TLS, "no passwords without TLS"))
            raise ExchangeFailed(Failure(FailureKind.UNSUPPORTED, "no passwords here"))
        if len(login) > MAX_NAME or len(password) > MAX_PASSWORD:
            refusal = LogonRefused(RefusalKind.BAD_CREDENTIALS, "name or password too long")
            await self._logon.refuse("", peer, refusal, mechanism="COMMAND")
        return await self._logon.authenticate(PasswordAttempt(login, password, mechanism="COMMAND"), peer)

    def entered(self, logon: Logon) -> None:
        """Note that a session begins with this sign-in; it is watched as long as the session holds it."""
        if self._standing is not None:
            self._standing.enter(logon)

    def has_ended(self, logon: Logon) -> bool:
        """Whether a session must end: its proof is good no longer, or the right to it has been taken away."""
        if logon.until is not None and time.time() >= logon.until:
            return True
        return self._standing is not None and self._standing.has_ended(logon)

    async def account_of(self, login: str) -> Principal | None:
        """Find the account that a sign-in name means, whatever its state; None also while the directory is away."""
        return await self._logon.account_of(login)

    def named(self, logon: Logon, peer: PeerInfo, device: str) -> None:
        """Note what a client that has signed in calls itself ([RFC2971] 3.1)."""
        self._logon.named(logon, peer, device)


class SignIn:
    """One exchange of one connection, used once ([RFC4422] 3.2, 3.8)."""

    def __init__(
        self,
        exchange: SaslExchange,
        logon: Authenticator,
        verifiers: Mapping[type[Ask], Verifier],
        peer: PeerInfo,
    ) -> None:
        self.mechanism = exchange.name
        self._exchange = exchange
        self._service = logon
        self._verifiers = verifiers
        self._peer = peer
        self._logon: Logon | None = None
        self._refused: LogonRefused | None = None

    async def step(self, line: bytes | None) -> Challenge | Logon:
        """Take the client's line, still in base64; give the next challenge, or who signed in.

        Raises ExchangeFailed, LogonRefused; either ends the exchange.
        """
        began = time.monotonic()
        if self._refused is not None:
            raise self._refused
        if self._logon is not None:
            return self._finish(self._logon, line)
        step = respond(self._exchange, line)
        try:
            while isinstance(step, Ask):
                async with self._service.admission(getattr(step, "login", ""), self._peer):
                    answer = await self._verifiers[type(step)](step, self._peer)
                step = cast(AskingExchange, self._exchange).answer(answer)
        except (LogonRefused, ProviderError) as error:
            login = getattr(step, "login", "")
            await self._service.refuse(login, self._peer, error, mechanism=self.mechanism, began=began)
        if isinstance(step, Challenge):
            # A mechanism may tell its client of the failure, and is over then whatever comes next ([RFC7628] 3.2.3).
            # The client may hang up on hearing it: it is noted and delayed now.
            failure: Failure | None = getattr(self._exchange, "ending", None)
            if failure is not None:
                try:
                    await self._refuse(failure, began)
                except LogonRefused as refused:
                    self._refused = refused
            return step
        if isinstance(step, Failure):
            if step.kind is FailureKind.CREDENTIALS:
                await self._refuse(step, began)
            raise ExchangeFailed(step)
        logon = await self._service.authenticate(step, self._peer)
        if isinstance(step, ProvedAttempt) and step.last is not None:
            self._logon = logon
            return Challenge(step.last)
        return logon

    def _finish(self, logon: Logon, line: bytes | None) -> Logon:
        """Take the empty answer to the last challenge."""
        try:
            empty = line is not None and not decode_response(line)
        except SaslSyntaxError:
            empty = False
        if not empty:
            cancelled = line is not None and is_cancel(line)
            kind = FailureKind.CANCELLED if cancelled else FailureKind.MALFORMED
            raise ExchangeFailed(Failure(kind, "words after the end"))
        return logon

    async def _refuse(self, failure: Failure, began: float) -> NoReturn:
        refusal = LogonRefused(RefusalKind.BAD_CREDENTIALS, failure.text)
        mechanism = failure.mechanism or self.mechanism
        await self._service.refuse(failure.login, self._peer, refusal, mechanism=mechanism, began=began)
