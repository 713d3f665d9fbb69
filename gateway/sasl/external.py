"""The EXTERNAL mechanism ([RFC4422] appendix A.1): TLS has verified the client's certificate, which says who it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.sasl.mechanism import MAX_NAME, Ask, Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanism


@dataclass(frozen=True, slots=True)
class AskCertificate(Ask):
    """Whose certificate is this? Answered by a login name, or None for nobody's."""

    certificate: bytes = field(repr=False)
    """DER."""
    authorization: str | None = None
    """The identity to act as; where the certificate has several names it may pick one."""

    @property
    def login(self) -> str:
        """Who tries, as far as the client has said."""
        return self.authorization or ""


class ExternalExchange:
    """One message, the identity to act as, mostly empty."""

    __slots__ = ("_authorization", "_certificate")
    name = "EXTERNAL"
    client_first = True

    def __init__(self, peer: PeerInfo) -> None:
        self._certificate = peer.certificate
        self._authorization: str | None = None

    def step(self, response: bytes | None) -> Step:
        """Ask for the message with an empty challenge, or read it ([RFC4422] appendix A.1)."""
        if response is None:
            return Challenge(b"")
        try:
            authorization = response.decode()
        except UnicodeDecodeError:
            return Failure(FailureKind.MALFORMED, "EXTERNAL is not UTF-8")
        if len(response) > MAX_NAME or "\0" in authorization:
            return Failure(FailureKind.MALFORMED, "EXTERNAL: not a name")
        if not self._certificate:
            return Failure(FailureKind.CREDENTIALS, "no client certificate", authorization)
        self._authorization = authorization or None
        return AskCertificate(self._certificate, self._authorization)

    def answer(self, answer: str | None) -> Step:
        """Take the name that the certificate stands for."""
        if answer is None:
            return Failure(FailureKind.CREDENTIALS, "nobody's certificate", self._authorization or "")
        return ProvedAttempt(self.name, answer, self._authorization)


EXTERNAL_MECHANISM = Mechanism(
    "EXTERNAL",
    ExternalExchange,
    shows_secret=False,  # and without TLS there is no certificate
    usable=lambda peer: peer.tls and bool(peer.certificate),
)
