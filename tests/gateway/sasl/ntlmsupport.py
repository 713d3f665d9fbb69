"""A directory of two accounts, and NTLM clients that are not ours: pyspnego and impacket."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import spnego
from impacket import ntlm as impacket_ntlm
from spnego.channel_bindings import GssChannelBindings

from gateway.sasl.channelbinding import END_POINT_PREFIX, end_point_digest
from gateway.sasl.mechanism import Ask, Challenge, Step
from gateway.sasl.ntlm import AskNtlm, NtlmExchange, NtlmSettings
from gateway.sasl.ntlmclient import NtlmClient
from gateway.sasl.ntlmcrypto import nt_hash
from gateway.sasl.ntlmmessages import Flag
from gateway.sasl.peer import PeerInfo
from gateway.services.names import LoginName
from gateway.services.ntlm import LocalNtlmVerifier

PASSWORD = "Gr\u00fcn 7 horses"
ALICE, BOB, DORA = 7, 8, 9
SETTINGS = NtlmSettings("EXAMPLE", "MAIL", "example.test", "mail.example.test")
END_POINT = bytes(range(32))
PEER = PeerInfo("imap", "192.0.2.1", True, end_point=END_POINT)
CLEAR = PeerInfo("imap", "192.0.2.1")

TICK = 1_700_000_000.0


class FakeDirectory:
    """Alice has an NT hash, Bob a password alone, Dora nothing; variants in `allowed` may be used by Alice."""

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed
        self.asked: list[tuple[Any, ...]] = []

    def nt_hash(self, principal_id: int) -> bytes | None:
        self.asked.append(("nt_hash",))
        return known_hash(PASSWORD) if principal_id == ALICE else None

    def has_password(self, principal_id: int) -> bool:
        return principal_id in (ALICE, BOB)

    def rule_for(self, principal_id: int, mechanism: str, address: str, now: float) -> Any:
        self.asked.append(("rule_for", mechanism, address, now))
        if principal_id != ALICE or mechanism not in self.allowed:
            return None
        return SimpleNamespace(allow=True)

    def find_user(self, name: LoginName) -> Any:
        accounts = {"alice": ALICE, "bob": BOB, "dora": DORA}
        user, _, at = name.user.lower().partition("@")
        domain = at or (name.domain or "").lower()
        if domain not in ("", "example", "example.test") or user not in accounts:
            return None
        return SimpleNamespace(id=accounts[user], account=user, address=f"{user}@example.test")


known_hash = functools.lru_cache(nt_hash)


class Client(Protocol):
    def negotiate(self) -> bytes: ...

    def authenticate(self, token: bytes) -> bytes: ...


class Pyspnego:
    """pyspnego: UNICODE, MIC, service name. Old variants by LM_COMPAT_LEVEL in the environment, set by the test."""

    def __init__(self, domain: str, user: str, password: str, end_point: bytes = b"") -> None:
        bindings = GssChannelBindings(application_data=END_POINT_PREFIX + end_point) if end_point else None
        self._context = spnego.client(
            f"{domain}\\{user}" if domain else user,
            password,
            hostname="mail.example.test",
            service="imap",
            protocol="ntlm",
            channel_bindings=bindings,
            options=spnego.NegotiateOptions.use_ntlm,
        )

    def negotiate(self) -> bytes:
        token = self._context.step()
        assert token is not None
        return token

    def authenticate(self, token: bytes) -> bytes:
        answer = self._context.step(token)
        assert answer is not None
        return answer


class Impacket:
    """impacket: no MIC, and a response without the four octets at its end."""

    def __init__(
        self,
        domain: str,
        user: str,
        password: str,
        end_point: bytes = b"",
        *,
        variant: str = "NTLM",
        signing: bool = False,
    ) -> None:
        self._name = (user, password, domain)
        self._bindings = end_point_digest(end_point) if end_point else b""
        self._v2 = variant == "NTLM"
        self._first = impacket_ntlm.getNTLMSSPType1("HOST", "", signing, self._v2)
        if variant == "NTLMv1":
            self._first["flags"] &= ~Flag.EXTENDED_SESSIONSECURITY

    def negotiate(self) -> bytes:
        return self._first.getData()

    def authenticate(self, token: bytes) -> bytes:
        answer, _ = impacket_ntlm.getNTLMSSPType3(
            self._first, token, *self._name, use_ntlmv2=self._v2, channel_binding_value=self._bindings
        )
        return answer.getData()


def ours(domain: str, user: str, password: str, end_point: bytes = b"", **options: Any) -> NtlmClient:
    return NtlmClient(user, password, domain=domain, end_point=end_point, **options)


CLIENTS = {"pyspnego": Pyspnego, "impacket": Impacket, "ours": ours}


@dataclass
class Tampering:
    """Flips bits of a message after the client has sent it."""

    message: str
    place: int
    bits: int = 1

    def __call__(self, message: str, token: bytes) -> bytes:
        if message != self.message:
            return token
        data = bytearray(token)
        data[self.place] ^= self.bits
        return bytes(data)


def untouched(message: str, token: bytes) -> bytes:
    return token


def sign_in(
    client: Client,
    *,
    settings: NtlmSettings = SETTINGS,
    peer: PeerInfo = PEER,
    directory: FakeDirectory | None = None,
    tamper: Any = untouched,
    **options: Any,
) -> Step:
    """Drive a client through an exchange, without an initial response, up to its end."""
    exchange = NtlmExchange(settings, peer, **options)
    assert exchange.step(None) == Challenge(b"", "ntlm supported")
    challenge = exchange.step(tamper("negotiate", client.negotiate()))
    assert isinstance(challenge, Challenge)
    token = client.authenticate(tamper("challenge", challenge.data))
    return finish(exchange, tamper("authenticate", token), peer=peer, directory=directory)


def finish(
    exchange: NtlmExchange, token: bytes, *, peer: PeerInfo = PEER, directory: FakeDirectory | None = None
) -> Step:
    """Hand in the last message, and let the verifier answer."""
    step = exchange.step(token)
    if isinstance(step, Ask):
        assert isinstance(step, AskNtlm)
        directory = directory or FakeDirectory()
        verifier = LocalNtlmVerifier(directory, directory.find_user, clock=lambda: TICK)
        step = exchange.answer(asyncio.run(verifier(step, peer)))
    return step
