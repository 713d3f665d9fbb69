"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS ([RFC5802], [RFC7677]): both sides prove that they know, and neither shows it.

    C: n,,n=user,r=NONCE            gs2-header n=name r=nonce           -> AskScram: what keys has this user?
    S: r=NONCENONCE,s=SALT,i=COUNT
    C: c=biws,r=NONCENONCE,p=PROOF  c=gs2-header and channel binding    -> ProvedAttempt
    S: v=SIGNATURE                  to whoever may sign in, for an empty response

A name that nobody has gets a salt as well (services.proofs), always the same one, and fails like a wrong password.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.sasl.bearer import read_authzid, read_saslname
from gateway.sasl.mechanism import Ask, Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanism
from gateway.sasl.saslprep import saslprep

MAX_MESSAGE = 4096
"""Octets of one message of the client; two names and a nonce fit well."""

_FIRST = re.compile(rb"(?P<flag>n|y|p=(?P<binding>[A-Za-z0-9.-]+)),(?P<authzid>[^,]*),(?P<bare>.*)", re.DOTALL)
"""[RFC5802] 7, client-first-message."""

_BARE = re.compile(rb"n=(?P<name>[^,]*),r=(?P<nonce>[!-+\--~]+)(?:,.*)?", re.DOTALL)
"""client-first-message-bare. `m=` in front would be an extension that must be understood ([RFC5802] 5.1)."""

_FINAL = re.compile(rb"(?P<unproved>c=(?P<channel>[^,]*),r=(?P<nonce>[^,]*)(?:,.*)?),p=(?P<proof>[^,]*)", re.DOTALL)
"""client-final-message."""


@dataclass(frozen=True, slots=True)
class AskScram(Ask):
    """What are the keys of this user? Answered by ScramKeys."""

    login: str


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What is kept in place of a password ([RFC5802] 3), of a real user or of nobody."""

    salt: bytes = field(repr=False)
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)
    principal: int = 0
    """The number of the account; 0: nobody, no proof will do."""


class ScramExchange:
    """One exchange. `plus`: of the -PLUS mechanism; `plus_offered`: the client was told that there is one."""

    client_first = True

    def __init__(
        self,
        peer: PeerInfo,
        *,
        plus: bool,
        plus_offered: bool | None = None,
        nonce: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self.name = "SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256"
        self._peer = peer
        self._plus = plus
        self._plus_offered = bool(peer.end_point) if plus_offered is None else plus_offered
        self._make_nonce = nonce
        self._next: Callable[[bytes], Step] = self._client_first
        self._login = ""
        self._authorization: str | None = None
        self._channel = b""
        self._nonce = b""
        self._bare = b""
        self._server_first = b""
        self._keys: ScramKeys | None = None

    def step(self, response: bytes | None) -> Step:
        """Take the client's next message."""
        if response is None:
            return Challenge(b"")
        if len(response) > MAX_MESSAGE:
            return self._malformed("too long")
        return self._next(response)

    def answer(self, answer: ScramKeys) -> Step:
        """Take the user's keys and send the server-first-message."""
        self._keys = answer
        self._server_first = b"r=%s,s=%s,i=%d" % (self._nonce, _base64(answer.salt), answer.iterations)
        self._next = self._client_final
        return Challenge(self._server_first)

    def _client_first(self, message: bytes) -> Step:
        """Read the client-first-message ([RFC5802] 5, 7)."""
        first = _FIRST.fullmatch(message)
        bare = _BARE.fullmatch(first["bare"]) if first is not None else None
        if first is None or bare is None:
            return self._malformed("client-first-message")
        name, authzid = read_saslname(bare["name"]), read_authzid(first["authzid"])
        login = saslprep(name) if name is not None else None
        if not login or authzid is None:
            return self._malformed("name")
        self._login, self._authorization = login, authzid or None
        failure = self._bind(first["flag"], first["binding"], message[: first.start("bare")])
        if failure is not None:
            return failure
        self._bare = first["bare"]
        self._nonce = bare["nonce"] + self._make_nonce().encode()
        return AskScram(login)

    def _bind(self, flag: bytes, binding: bytes | None, header: bytes) -> Failure | None:
        """Work out what `c=` must say ([RFC5802] 6, 6.1)."""
        if binding is None:
            if self._plus:
                return self._malformed("no channel binding")
            if flag == b"y" and self._plus_offered:
                return self._refused("client was not offered -PLUS: somebody took it out on the way")
            self._channel = header
            return None
        # Each binding exists only where TLS gives it: `tls-unique` up to TLS 1.2, nothing without TLS ([RFC5929]).
        data = {b"tls-server-end-point": self._peer.end_point, b"tls-unique": self._peer.unique}.get(binding)
        if not self._plus or not data:
            return self._malformed("channel binding that is not on offer")
        self._channel = header + data
        return None

    def _client_final(self, message: bytes) -> Step:
        """Verify the proof, and prove the same to the client ([RFC5802] 3)."""
        keys = self._keys
        final = _FINAL.fullmatch(message)
        if final is None or keys is None:
            return self._malformed("client-final-message")
        channel, proof = _decode(final["channel"]), _decode(final["proof"])
        if channel is None or proof is None or len(proof) != hashlib.sha256().digest_size:
            return self._malformed("client-final-message")
        if final["nonce"] != self._nonce:
            return self._refused("not the nonce")
        if not hmac.compare_digest(channel, self._channel):
            return self._refused("channel binding does not match: another TLS connection ends here")
        signed = b",".join((self._bare, self._server_first, final["unproved"]))
        signature = hmac.digest(keys.stored_key, signed, "sha256")
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        right = hmac.compare_digest(hashlib.sha256(client_key).digest(), keys.stored_key)
        if not right or not keys.principal:
            return self._refused(
                "wrong password, or no such user; or an app password or no keys yet: by PLAIN it would go"
            )
        # The signature says that the password is right. Whoever may not sign in does not hear it.
        last = b"v=" + _base64(hmac.digest(keys.server_key, signed, "sha256"))
        return ProvedAttempt(self.name, self._login, self._authorization, keys.principal, last=last)

    def _malformed(self, what: str) -> Failure:
        return Failure(FailureKind.MALFORMED, f"{self.name}: {what}", self._login)

    def _refused(self, reason: str) -> Failure:
        return Failure(FailureKind.CREDENTIALS, reason, self._login)


def scram_mechanisms(
    plus_offered: Callable[[PeerInfo], bool] = lambda peer: bool(peer.end_point),
) -> tuple[Mechanism, ...]:
    """Both mechanisms ([RFC5802] 4), the stronger first. `plus_offered` says whether a connection is offered -PLUS.

    Only under TLS: whoever listens to an exchange can try passwords against it at leisure ([RFC5802] 9).
    """
    return (
        Mechanism(
            "SCRAM-SHA-256-PLUS",
            lambda peer: ScramExchange(peer, plus=True),
            usable=lambda peer: bool(peer.end_point),
        ),
        Mechanism("SCRAM-SHA-256", lambda peer: ScramExchange(peer, plus=False, plus_offered=plus_offered(peer))),
    )


def _base64(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False)


def _decode(data: bytes) -> bytes | None:
    """Decode base64, strictly."""
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error:
        return None
