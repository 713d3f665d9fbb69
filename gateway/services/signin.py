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
from gateway.sasl.mechanism import (
    Ask,
    AskingExchange,
    Challenge,
    Failure,
    FailureKind,
    PasswordAttempt,
    ProvedAttempt,
    SaslExchange,
    Step,
    respond,
)
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms
from gateway.services.logon import Logon, LogonRefused, RefusalKind

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
    ) -> None:
        self._logon = logon
        self._mechanisms = mechanisms or Mechanisms()
        self._verifiers = dict(verifiers or {})

    def offered(self, peer: PeerInfo) -> list[str]:
        """Mechanisms to advertise on this connection now."""
        return self._mechanisms.offered(peer)

    def takes_passwords(self, peer: PeerInfo) -> bool:
        """Whether IMAP LOGIN and POP3 USER and PASS work on this connection now: where PLAIN does."""
        return "PLAIN" in self._mechanisms.offered(peer)

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
        return await self._logon.authenticate(PasswordAttempt(login, password, mechanism="COMMAND"), peer)

    def named(self, logon: Logon, peer: PeerInfo, device: str) -> None:
        """Note what a client that has signed in calls itself ([RFC2971] 3.1)."""
        self._logon.named(logon, peer, device)


class SignIn:
    """One exchange of one connection, used once."""

    def __init__(
        self,
        exchange: SaslExchange,
        logon: Authenticator,
        verifiers: Mapping[type[Ask], Verifier],
        peer: PeerInfo,
    ) -> None:
        self.mechanism = exchange.name
        self._exchange = exchange
        self._logon = logon
        self._verifiers = verifiers
        self._peer = peer

    async def step(self, line: bytes | None) -> Challenge | Logon:
        """Take the client's line, still in base64; give the next challenge, or who signed in.

        Raises ExchangeFailed, LogonRefused; either ends the exchange.
        """
        began = time.monotonic()
        # A mechanism that has told its client of the failure is over whatever comes next ([RFC7628] 3.2.3).
        step: Step | None = getattr(self._exchange, "ending", None)
        if step is None:
            step = respond(self._exchange, line)
        try:
            while isinstance(step, Ask):
                async with self._logon.admission(getattr(step, "login", ""), self._peer):
                    answer = await self._verifiers[type(step)](step, self._peer)
                step = cast(AskingExchange, self._exchange).answer(answer)
        except (LogonRefused, ProviderError) as error:
            login = getattr(step, "login", "")
            await self._logon.refuse(login, self._peer, error, mechanism=self.mechanism, began=began)
        if isinstance(step, Challenge):
            return step
        if isinstance(step, Failure):
            if step.kind is FailureKind.CREDENTIALS:
                refusal = LogonRefused(RefusalKind.BAD_CREDENTIALS, step.text)
                mechanism = step.mechanism or self.mechanism
                await self._logon.refuse(step.login, self._peer, refusal, mechanism=mechanism, began=began)
            raise ExchangeFailed(step)
        return await self._logon.authenticate(step, self._peer)
