"""NTLM against an Active Directory domain (Samba): our acceptor and challenge, winbind's answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any, Protocol

import pytest
import spnego
from spnego.channel_bindings import GssChannelBindings

from gateway.sasl.mechanism import Challenge, Failure, ProvedAttempt, Step
from gateway.sasl.ntlm import AskNtlm, NtlmExchange, NtlmProof, NtlmSettings, Variant
from gateway.sasl.ntlmclient import NtlmClient
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import LogonRefused, RefusalKind
from gateway.services.winbind import Winbind
from tests.peers.samba import DNS, NETBIOS, Samba

END_POINT = hashlib.sha256(b"a certificate").digest()
PEER = PeerInfo("imap", "127.0.0.1", tls=True, end_point=END_POINT)


class Client(Protocol):
    def negotiate(self) -> bytes: ...

    def authenticate(self, token: bytes) -> bytes: ...


class Spnego:
    """pyspnego as the client: nothing of it is ours."""

    def __init__(self, user: str, password: str, domain: str = "", end_point: bytes = b"") -> None:
        bound = GssChannelBindings(application_data=b"tls-server-end-point:" + end_point) if end_point else None
        name = f"{domain}\\{user}" if domain else user
        self._context = spnego.client(
            name, password, "host.example.test", service="imap", protocol="ntlm", channel_bindings=bound
        )

    def negotiate(self) -> bytes:
        return self._context.step() or b""

    def authenticate(self, token: bytes) -> bytes:
        return self._context.step(token) or b""


@pytest.fixture
async def winbind(samba: Samba) -> AsyncIterator[Winbind]:
    made = Winbind(samba.ntlm_auth, 2)
    yield made
    await made.close()


async def sign_in(winbind: Winbind, client: Client, *, spoil: bool = False, **settings: Any) -> Step:
    """Run an exchange as services.signin and services.ntlm do, with winbind for the verifier."""
    exchange = NtlmExchange(NtlmSettings(NETBIOS, "MAIL", "example.test", "mail.example.test", **settings), PEER)
    challenge = exchange.step(client.negotiate())
    assert isinstance(challenge, Challenge)
    token = bytearray(client.authenticate(challenge.data))
    if spoil:
        token[72] ^= 1  # the first octet of the MIC
    ask = exchange.step(bytes(token))
    assert isinstance(ask, AskNtlm)
    key = await winbind.verify(ask)
    return exchange.answer(NtlmProof(key, 7, ask.login) if key is not None else None)


NAMES = [
    ("alice", NETBIOS),
    ("ALICE", "corp"),
    ("alice", ""),
    ("alice", DNS),
    (f"alice@{DNS}", ""),
]


@pytest.mark.parametrize("kind", [NtlmClient, Spnego])
@pytest.mark.parametrize(("user", "domain"), NAMES)
async def test_name_forms(winbind: Winbind, kind: Any, user: str, domain: str) -> None:
    """Message integrity and channel binding are verified by us with winbind's key."""
    client = kind(user, Samba.password("alice"), domain=domain, end_point=END_POINT)
    result = await sign_in(winbind, client, channel_binding="require")
    assert isinstance(result, ProvedAttempt), result
    assert (result.mechanism, result.principal) == ("NTLM", 7)
    assert isinstance(await sign_in(winbind, kind(user, "wrong", domain=domain)), Failure)


@pytest.mark.parametrize("variant", ["NTLM", "NTLM2-SESSION", "NTLMv1"])
async def test_variants(winbind: Winbind, variant: Variant) -> None:
    client = NtlmClient("alice", Samba.password("alice"), domain=NETBIOS, variant=variant)
    result = await sign_in(winbind, client)
    assert isinstance(result, ProvedAttempt), result
    assert result.mechanism == variant
    client = NtlmClient("alice", "wrong", domain=NETBIOS, variant=variant)
    assert isinstance(await sign_in(winbind, client), Failure)


@pytest.mark.parametrize("kind", [NtlmClient, Spnego])
async def test_what_was_tampered_with(winbind: Winbind, kind: Any) -> None:
    password = Samba.password("alice")
    spoiled = await sign_in(winbind, kind("alice", password, domain=NETBIOS), spoil=True)
    assert isinstance(spoiled, Failure)
    other = kind("alice", password, domain=NETBIOS, end_point=hashlib.sha256(b"another").digest())
    assert isinstance(await sign_in(winbind, other, channel_binding="allow"), Failure)
    unbound = kind("alice", password, domain=NETBIOS)
    assert isinstance(await sign_in(winbind, unbound, channel_binding="require"), Failure)


@pytest.mark.parametrize("user", ["nobody", "älice", "a b", "alice\n.\nUsername: bob", "*", "x" * 300])
async def test_unknown_and_odd_names(winbind: Winbind, user: str) -> None:
    assert isinstance(await sign_in(winbind, NtlmClient(user, "x", domain=NETBIOS)), Failure)
    good = NtlmClient("alice", Samba.password("alice"), domain=NETBIOS)
    assert isinstance(await sign_in(winbind, good), ProvedAttempt)


async def test_a_disabled_user(winbind: Winbind, samba: Samba) -> None:
    samba.tool("user", "disable", "bob")
    try:
        client = NtlmClient("bob", Samba.password("bob"), domain=NETBIOS)
        assert isinstance(await sign_in(winbind, client), Failure)
    finally:
        samba.tool("user", "enable", "bob")
    client = NtlmClient("bob", Samba.password("bob"), domain=NETBIOS)
    assert isinstance(await sign_in(winbind, client), ProvedAttempt)


async def test_many_at_a_time(winbind: Winbind) -> None:
    """Right and wrong, mixed over two helpers: everybody gets his own answer."""

    async def one(number: int) -> bool:
        user, right = ("alice", "bob")[number % 2], number % 3 > 0
        password = Samba.password(user if right else "somebody else")
        result = await sign_in(winbind, NtlmClient(user, password, domain=NETBIOS))
        return isinstance(result, ProvedAttempt if right else Failure)

    assert all(await asyncio.gather(*(one(number) for number in range(48))))


async def test_a_domain_that_is_away_and_comes_back(winbind: Winbind, samba: Samba) -> None:
    password = Samba.password("alice")
    assert isinstance(await sign_in(winbind, NtlmClient("alice", password, domain=NETBIOS)), ProvedAttempt)
    samba.stop()
    for _ in range(3):
        with pytest.raises(LogonRefused) as refused:
            await sign_in(winbind, NtlmClient("alice", password, domain=NETBIOS))
        assert refused.value.kind is RefusalKind.UNAVAILABLE
    samba.start()
    assert isinstance(await sign_in(winbind, NtlmClient("alice", password, domain=NETBIOS)), ProvedAttempt)
