"""The NTLM exchange: its steps, its flags, and what it makes of a right response."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest

from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.ntlm import AskNtlm, NtlmExchange, NtlmProof, NtlmRefusal, NtlmSettings
from gateway.sasl.ntlmclient import NtlmClient
from gateway.sasl.ntlmmessages import (
    SIGNATURE,
    Av,
    Flag,
    filetime,
    read_challenge,
    read_pairs,
    write_client_challenge,
    write_negotiate,
    write_pairs,
)
from tests.gateway.sasl.ntlmsupport import ALICE, END_POINT, PASSWORD, PEER, SETTINGS, FakeDirectory, finish, sign_in

PROOF = NtlmProof(bytes(16), ALICE, "alice")


def failed(step: Step) -> FailureKind:
    assert isinstance(step, Failure), step
    return step.kind


def challenged(exchange: NtlmExchange, flags: int = Flag.UNICODE) -> Any:
    step = exchange.step(write_negotiate(flags))
    assert isinstance(step, Challenge)
    assert step.text == ""
    return read_challenge(step.data)


def old_authenticate(
    user: bytes, nt_response: bytes, *, domain: bytes = b"", lm_response: bytes = b"", flags: int | None = None
) -> bytes:
    """An AUTHENTICATE_MESSAGE in the form of Windows NT, which ends its header after Workstation or after flags."""
    header = 52 if flags is None else 64
    payload, fields = b"", b""
    for data in (lm_response, nt_response, domain, user, b""):
        fields += struct.pack("<HHI", len(data), len(data), header + len(payload))
        payload += data
    tail = b"" if flags is None else struct.pack("<HHII", 0, 0, 0, flags)
    return SIGNATURE + struct.pack("<I", 3) + fields + tail + payload


class TestSteps:
    """[MS-NLMP] 3.2.5.1, [MS-OXSMTP] 2.2.1."""

    def test_without_initial_response(self) -> None:
        exchange = NtlmExchange(SETTINGS, PEER)
        assert exchange.name == "NTLM"
        assert exchange.client_first
        assert exchange.step(None) == Challenge(b"", "ntlm supported")
        assert challenged(exchange)

    def test_with_initial_response(self) -> None:
        assert challenged(NtlmExchange(SETTINGS, PEER))

    @pytest.mark.parametrize("token", [b"", b"junk", SIGNATURE, write_negotiate(Flag.NTLM)])
    def test_junk_in_place_of_negotiate(self, token: bytes) -> None:
        exchange = NtlmExchange(SETTINGS, PEER)
        assert failed(exchange.step(token)) is FailureKind.UNREADABLE
        assert failed(exchange.step(write_negotiate(Flag.UNICODE))) is FailureKind.MALFORMED

    @pytest.mark.parametrize("token", [None, b"", b"junk", write_negotiate(Flag.UNICODE)])
    def test_junk_in_place_of_authenticate(self, token: bytes | None) -> None:
        exchange = NtlmExchange(SETTINGS, PEER)
        challenged(exchange)
        expected = FailureKind.MALFORMED if token is None else FailureKind.UNREADABLE
        assert failed(exchange.step(token)) is expected
        assert failed(exchange.step(token)) is FailureKind.MALFORMED

    def test_an_answer_that_nobody_asked_for(self) -> None:
        exchange = NtlmExchange(SETTINGS, PEER)
        assert failed(exchange.answer(PROOF)) is FailureKind.MALFORMED
        exchange = NtlmExchange(SETTINGS, PEER)
        challenged(exchange)
        assert failed(exchange.answer(PROOF)) is FailureKind.MALFORMED

    def test_a_second_answer(self) -> None:
        exchange = NtlmExchange(SETTINGS, PEER)
        challenged(exchange)
        assert isinstance(exchange.step(old_authenticate(b"alice", b"N" * 24, flags=Flag.OEM)), AskNtlm)
        assert failed(exchange.answer(None)) is FailureKind.CREDENTIALS
        assert failed(exchange.answer(PROOF)) is FailureKind.MALFORMED

    def test_answers(self) -> None:
        for answer, expected in (
            (None, Failure(FailureKind.CREDENTIALS, "wrong password or unknown user", "alice", "NTLMv1")),
            (NtlmRefusal("why"), Failure(FailureKind.CREDENTIALS, "why", "alice", "NTLMv1")),
            (PROOF, ProvedAttempt("NTLMv1", "alice", principal=ALICE)),
        ):
            exchange = NtlmExchange(SETTINGS, PEER)
            challenged(exchange)
            exchange.step(old_authenticate(b"alice", b"N" * 24, flags=Flag.OEM))
            assert exchange.answer(answer) == expected

    def test_challenges_differ(self) -> None:
        nonces = {challenged(NtlmExchange(SETTINGS, PEER)).server_challenge for _ in range(50)}
        assert len(nonces) == 50

    def test_no_secret_in_a_repr(self) -> None:
        exchange = NtlmExchange(SETTINGS, PEER)
        challenged(exchange)
        ask = exchange.step(old_authenticate(b"alice", b"N" * 24, lm_response=b"L" * 24, flags=Flag.OEM))
        assert "NNN" not in repr(ask)
        assert "LLL" not in repr(ask)
        assert "session_base_key" not in repr(PROOF)


class TestChallengeMessage:
    """[MS-NLMP] 3.2.5.1.1."""

    FIXED = Flag.REQUEST_TARGET | Flag.NTLM | Flag.ALWAYS_SIGN | Flag.TARGET_INFO | Flag.TARGET_TYPE_DOMAIN

    @pytest.mark.parametrize(
        ("asked", "answered"),
        [
            (Flag.UNICODE, Flag.UNICODE),
            (Flag.OEM, Flag.OEM),
            (Flag.UNICODE | Flag.OEM, Flag.UNICODE),
            (Flag.OEM | Flag.SIGN | Flag.SEAL, Flag.OEM | Flag.SIGN | Flag.SEAL),
            (Flag.OEM | Flag.LM_KEY, Flag.OEM),
            (
                Flag.OEM | Flag.LM_KEY | Flag.EXTENDED_SESSIONSECURITY,
                Flag.OEM | Flag.EXTENDED_SESSIONSECURITY,
            ),
            (
                Flag.UNICODE | Flag.KEY_EXCH | Flag.BITS_128 | Flag.BITS_56 | Flag.VERSION | Flag.IDENTIFY,
                Flag.UNICODE | Flag.KEY_EXCH | Flag.BITS_128 | Flag.BITS_56 | Flag.VERSION | Flag.IDENTIFY,
            ),
            (Flag.UNICODE | 0x40 | 0x400000 | Flag.ANONYMOUS | 0x1000 | 0x2000 | 0x100, Flag.UNICODE),
            (0xFFFFFFFF, 0xE2100000 | 0x80000 | 0x30 | Flag.UNICODE),
        ],
    )
    def test_flags(self, asked: int, answered: int) -> None:
        message = challenged(NtlmExchange(SETTINGS, PEER), asked)
        assert message.flags == answered | self.FIXED

    def test_names(self) -> None:
        settings = replace(SETTINGS, dns_tree="test")
        message = challenged(NtlmExchange(settings, PEER, clock=lambda: 1_700_000_000.25))
        assert message.target_name.decode("utf-16-le") == "EXAMPLE"
        pairs = read_pairs(message.target_info)
        assert pairs.pop(Av.TIMESTAMP) == filetime(1_700_000_000.25)
        assert {key: value.decode("utf-16-le") for key, value in pairs.items()} == {
            Av.NB_COMPUTER_NAME: "MAIL",
            Av.NB_DOMAIN_NAME: "EXAMPLE",
            Av.DNS_COMPUTER_NAME: "mail.example.test",
            Av.DNS_DOMAIN_NAME: "example.test",
            Av.DNS_TREE_NAME: "test",
        }
        assert message.target_info.endswith(bytes(4))

    def test_a_server_that_stands_alone(self) -> None:
        message = challenged(NtlmExchange(NtlmSettings("", "MAIL"), PEER), Flag.OEM)
        assert message.flags & Flag.TARGET_TYPE_SERVER
        assert not message.flags & Flag.TARGET_TYPE_DOMAIN
        assert message.target_name == b"MAIL"
        pairs = read_pairs(message.target_info)
        assert set(pairs) == {Av.NB_COMPUTER_NAME, Av.NB_DOMAIN_NAME, Av.TIMESTAMP}
        assert pairs[Av.NB_DOMAIN_NAME] == "MAIL".encode("utf-16-le")


class TestAuthenticateMessage:
    """[MS-NLMP] 3.2.5.1.2: what is asked about."""

    def ask(self, token: bytes, flags: int = Flag.OEM) -> Step:
        exchange = NtlmExchange(SETTINGS, PEER)
        challenged(exchange, flags)
        return exchange.step(token)

    def test_oem_by_the_flags_of_the_challenge(self) -> None:
        """The oldest form has no flags: those of the challenge hold."""
        step = self.ask(old_authenticate("jürgen".encode("cp1252"), b"N" * 24, domain=b"DOM"))
        assert isinstance(step, AskNtlm)
        assert (step.user, step.domain, step.login) == ("jürgen", "DOM", "DOM\\jürgen")
        step = self.ask(old_authenticate("jürgen".encode(), b"N" * 24))
        assert isinstance(step, AskNtlm)
        assert step.user == step.login == "jürgen"

    def test_no_flag_says_as_little_as_no_flags(self) -> None:
        """Jakarta Mail: flags 0, names in UTF-16."""
        step = self.ask(old_authenticate("jürgen".encode("utf-16-le"), b"N" * 24, flags=0), Flag.UNICODE)
        assert isinstance(step, AskNtlm)
        assert step.user == "jürgen"

    def test_unicode(self) -> None:
        step = self.ask(old_authenticate("jürgen".encode("utf-16-le"), b"N" * 24, flags=Flag.UNICODE))
        assert isinstance(step, AskNtlm)
        assert step.user == "jürgen"

    @pytest.mark.parametrize(
        ("lm_response", "flags", "variant", "challenge"),
        [
            (b"L" * 24, Flag.OEM, "NTLMv1", b""),
            (b"", Flag.OEM, "NTLMv1", b""),
            (b"C" * 8 + bytes(16), Flag.OEM, "NTLMv1", b""),
            (b"C" * 8 + bytes(16), Flag.OEM | Flag.EXTENDED_SESSIONSECURITY, "NTLM2-SESSION", b"C" * 8),
            (b"L" * 24, Flag.OEM | Flag.EXTENDED_SESSIONSECURITY, "NTLMv1", b""),
        ],
    )
    def test_variant(self, lm_response: bytes, flags: int, variant: str, challenge: bytes) -> None:
        step = self.ask(old_authenticate(b"alice", b"N" * 24, lm_response=lm_response, flags=flags))
        assert isinstance(step, AskNtlm)
        assert (step.variant, step.client_challenge) == (variant, challenge)

    @pytest.mark.parametrize("nt_response", [b"", b"N", b"N" * 23])
    def test_lm_alone(self, nt_response: bytes) -> None:
        step = self.ask(old_authenticate(b"alice", nt_response, domain=b"EXAMPLE", lm_response=b"L" * 24))
        assert step == Failure(FailureKind.CREDENTIALS, "LM response alone is refused", "EXAMPLE\\alice", "NTLMv1")

    @pytest.mark.parametrize(
        "token",
        [
            old_authenticate(b"alice", b"N" * 25),
            old_authenticate(b"alice", b"N" * 16 + b"\1\1" + bytes(25)),
            old_authenticate(b"alice", b"N" * 16 + b"\1\1" + bytes(26) + b"\x01\0\xff\0x"),
            old_authenticate(b"a\0b", b"N" * 24),
            old_authenticate(b"a" * 2049, b"N" * 24),
            old_authenticate(b"alice", b"N" * 24, domain=b"\0"),
            old_authenticate(b"abc", b"N" * 24, flags=Flag.UNICODE),
            old_authenticate(b"\0\xd8", b"N" * 24, flags=Flag.UNICODE),
            old_authenticate(b"alice", b"N" * 24, flags=Flag.OEM | Flag.KEY_EXCH | Flag.SIGN),
        ],
    )
    def test_malformed(self, token: bytes) -> None:
        """[MS-NLMP] 3.2.5.1.2: with KEY_EXCH there must be a session key."""
        assert failed(self.ask(token)) is FailureKind.UNREADABLE

    def test_key_exchange_without_signing_needs_no_key(self) -> None:
        """3.1.5.1.2: the client makes one for SIGN or SEAL only."""
        token = old_authenticate(b"alice", b"N" * 24, flags=Flag.OEM | Flag.KEY_EXCH)
        assert isinstance(self.ask(token), AskNtlm)

    def test_domains(self) -> None:
        step = self.ask(old_authenticate(b"alice", b"N" * 24, domain=b"dom"))
        assert isinstance(step, AskNtlm)
        assert step.domains == ("dom", "DOM", "", "EXAMPLE")
        assert replace(step, domain="").domains == ("", "EXAMPLE")
        assert replace(step, domain="EXAMPLE").domains == ("EXAMPLE", "")


class Odd(NtlmClient):
    """A client that calculates with another domain than it sends."""

    def __init__(self, sent: str, calculated: str) -> None:
        super().__init__("alice", PASSWORD, domain=calculated)
        self._sent = sent

    def _v2(self, *arguments: Any) -> tuple[bytes, bytes, bytes]:
        result = super()._v2(*arguments)
        self._domain = self._sent
        return result


@pytest.mark.parametrize(
    ("sent", "calculated"),
    [("example", "EXAMPLE"), ("example", ""), ("example", "example"), ("", "EXAMPLE"), ("example.test", "EXAMPLE")],
)
def test_domains_of_odd_clients(sent: str, calculated: str) -> None:
    """[MS-NLMP] 3.2.5.1.2: clients that leave the domain out of NTOWFv2, and others that write it otherwise there."""
    assert isinstance(sign_in(Odd(sent, calculated)), ProvedAttempt)


def test_domain_of_a_client_too_odd() -> None:
    assert failed(sign_in(Odd("EXAMPLE", "elsewhere"))) is FailureKind.CREDENTIALS


class TestClock:
    """[MS-NLMP] 3.2.5.1.2, MaxLifetime; 36 hours in Windows."""

    @pytest.mark.parametrize("skew", [-129_601, -129_590, 0, 129_590, 129_601])
    @pytest.mark.parametrize("max_skew", [129_600.0, 0.0])
    def test_window(self, skew: int, max_skew: float) -> None:
        now = [1_700_000_000.0]

        def jump(message: str, token: bytes) -> bytes:
            now[0] += skew if message == "authenticate" else 0  # the client echoes the time of the challenge
            return token

        client = NtlmClient("alice", PASSWORD)
        step = sign_in(client, settings=replace(SETTINGS, max_skew=max_skew), tamper=jump, clock=lambda: now[0])
        if max_skew and abs(skew) > max_skew:
            assert failed(step) is FailureKind.CREDENTIALS
            assert isinstance(step, Failure)
            assert "ntlm.max_skew" in step.text
        else:
            assert isinstance(step, ProvedAttempt)

    @pytest.mark.parametrize("moment", [bytes(8), b"\xff" * 8])
    def test_absurd_times(self, moment: bytes) -> None:
        blob = write_client_challenge(moment, b"12345678", write_pairs([]))
        exchange = NtlmExchange(SETTINGS, PEER)
        challenged(exchange, Flag.OEM)
        assert isinstance(exchange.step(old_authenticate(b"alice", bytes(16) + blob)), AskNtlm)
        assert failed(exchange.answer(PROOF)) is FailureKind.CREDENTIALS


@pytest.mark.parametrize("exchange_key", [True, False])
@pytest.mark.parametrize("variant", ["NTLM", "NTLMv1", "NTLM2-SESSION"])
def test_our_client(variant: Any, exchange_key: bool) -> None:
    client = NtlmClient(
        "alice",
        PASSWORD,
        domain="EXAMPLE",
        workstation="DESK",
        end_point=END_POINT,
        service="imap/mail.example.test",
        variant=variant,
        exchange_key=exchange_key,
    )
    step = sign_in(client, directory=FakeDirectory("NTLMv1", "NTLM2-SESSION"))
    assert step == ProvedAttempt(variant, "EXAMPLE\\alice", principal=ALICE)
    assert len(client.session_key) == 16


def test_a_longer_challenge_is_for_nobody() -> None:
    """The last message of one exchange, in another with the same client."""
    client = NtlmClient("alice", PASSWORD)
    one, other = NtlmExchange(SETTINGS, PEER), NtlmExchange(SETTINGS, PEER)
    first, second = one.step(client.negotiate()), other.step(client.negotiate())
    assert isinstance(first, Challenge)
    assert isinstance(second, Challenge)
    token = client.authenticate(second.data)
    assert failed(finish(one, token)) is FailureKind.CREDENTIALS
    assert isinstance(finish(other, token), ProvedAttempt)
