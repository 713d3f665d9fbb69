"""NTLM with foreign clients, from the first octet to the end of the exchange."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.ntlm import NtlmExchange
from tests.gateway.sasl.ntlmsupport import (
    ALICE,
    CLEAR,
    CLIENTS,
    END_POINT,
    PASSWORD,
    PEER,
    SETTINGS,
    Client,
    FakeDirectory,
    Impacket,
    Pyspnego,
    Tampering,
    finish,
    ours,
    sign_in,
)

NAMES = [
    *(("EXAMPLE", "alice"), ("example", "Alice"), ("example.test", "ALICE")),
    *(("", "alice@example.test"), ("", "alice"), ("", "ALICE@Example.Test")),
]
clients = pytest.mark.parametrize("make", CLIENTS.values(), ids=CLIENTS)
names = pytest.mark.parametrize(("domain", "user"), NAMES)


def refused(step: Step) -> str:
    assert isinstance(step, Failure)
    assert step.kind is FailureKind.CREDENTIALS
    return step.text


def proved(step: Step) -> str:
    assert isinstance(step, ProvedAttempt), step
    assert step.principal == ALICE
    assert step.authorization is None
    return step.mechanism


@clients
@names
class TestNames:
    """[MS-NLMP] 3.2.5.1.2 with `DOM\\user`, UPN and bare name, in any case."""

    def test_good(self, make: Any, domain: str, user: str) -> None:
        step = sign_in(make(domain, user, PASSWORD, END_POINT))
        assert proved(step) == "NTLM"
        assert isinstance(step, ProvedAttempt)
        assert step.login == (f"{domain}\\{user}" if domain else user)

    def test_wrong_password(self, make: Any, domain: str, user: str) -> None:
        step = sign_in(make(domain, user, "wrong", END_POINT))
        assert refused(step) == "wrong password"
        assert isinstance(step, Failure)
        assert step.login.endswith(user)

    def test_unknown_user(self, make: Any, domain: str, user: str) -> None:
        assert refused(sign_in(make(domain, user.lower().replace("alice", "nobody"), PASSWORD))) == "unknown user"

    def test_another_domain(self, make: Any, domain: str, user: str) -> None:
        if domain:
            assert refused(sign_in(make("ELSEWHERE", user, PASSWORD))) == "unknown user"


@clients
def test_no_nt_hash(make: Any) -> None:
    assert "oxgate user nt-hash enable bob@example.test" in refused(sign_in(make("", "bob", PASSWORD)))


def old(name: str, variant: str, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD) -> Client:
    """A client that speaks an old variant."""
    if name == "pyspnego":
        monkeypatch.setenv("LM_COMPAT_LEVEL", "0" if variant == "NTLMv1" else "2")
        return Pyspnego("EXAMPLE", "alice", password)
    return CLIENTS[name]("EXAMPLE", "alice", password, variant=variant)  # type: ignore[operator, no-any-return]


@pytest.mark.parametrize("name", CLIENTS)
@pytest.mark.parametrize("variant", ["NTLMv1", "NTLM2-SESSION"])
class TestOldVariants:
    """[MS-NLMP] 3.3.1, for as long as a rule allows it."""

    def test_refused_without_a_rule(self, name: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
        other = "NTLM2-SESSION" if variant == "NTLMv1" else "NTLMv1"
        text = refused(sign_in(old(name, variant, monkeypatch), directory=FakeDirectory(other)))
        assert text.startswith(f"{variant} is refused")
        assert f"oxgate devices allow alice@example.test {variant} --network 192.0.2.1" in text

    def test_refused_whatever_the_password(self, name: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Or the refusal would tell who guesses that a guess was right."""
        good = sign_in(old(name, variant, monkeypatch))
        assert good == sign_in(old(name, variant, monkeypatch, "wrong"))

    def test_allowed_by_a_rule(self, name: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
        directory = FakeDirectory(variant)
        assert proved(sign_in(old(name, variant, monkeypatch), directory=directory)) == variant
        assert ("rule_for", variant, "192.0.2.1", 1_700_000_000.0) in directory.asked

    def test_wrong_password_with_a_rule(self, name: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
        step = sign_in(old(name, variant, monkeypatch, "wrong"), directory=FakeDirectory(variant))
        assert refused(step) == "wrong password"

    def test_require_wants_a_binding_that_they_cannot_have(
        self, name: str, variant: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings = replace(SETTINGS, channel_binding="require")
        step = sign_in(old(name, variant, monkeypatch), settings=settings, directory=FakeDirectory(variant))
        assert "ntlm.channel_binding requires" in refused(step)


class TestAnonymous:
    """[MS-NLMP] 3.2.5.1.2: neither name nor response. 5.1: not to be had."""

    def test_impacket(self) -> None:
        assert refused(sign_in(Impacket("", "", ""))) == "anonymous sign-in is refused"

    def test_a_response_without_a_name(self) -> None:
        assert refused(sign_in(ours("", "", ""))) == "anonymous sign-in is refused"

    def test_the_flag(self) -> None:
        """Bit 0x800 of NegotiateFlags ([MS-NLMP] 2.2.2.5)."""
        step = sign_in(ours("", "alice", PASSWORD), tamper=Tampering("authenticate", 61, 0x08))
        assert refused(step) == "anonymous sign-in is refused"


MIC_CLIENTS = {"pyspnego": Pyspnego, "ours": ours}


@pytest.mark.parametrize("make", MIC_CLIENTS.values(), ids=MIC_CLIENTS)
class TestMic:
    """[MS-NLMP] 3.1.5.1.2, 3.2.5.1.2: whoever changes one of the three messages is found out."""

    @pytest.mark.parametrize(
        "tampering",
        [
            Tampering("negotiate", 13, 0x20),  # a flag that the server ignores
            Tampering("negotiate", 15, 0x40),  # KEY_EXCH
            Tampering("challenge", 15, 0x80),  # capacity of the target name, which nobody reads
            Tampering("challenge", 50, 0x01),  # version
            Tampering("authenticate", 63, 0x80),  # 56
            Tampering("authenticate", 66, 0x01),  # version
            Tampering("authenticate", 72, 0x01),  # the MIC itself
            Tampering("authenticate", 87, 0x80),
            Tampering("authenticate", -1, 0x01),  # the session key
        ],
        ids=lambda tampering: f"{tampering.message}-{tampering.place}",
    )
    def test_tampered(self, make: Any, tampering: Tampering) -> None:
        assert "(MIC)" in refused(sign_in(make("EXAMPLE", "alice", PASSWORD), tamper=tampering))

    def test_taken_away(self, make: Any) -> None:
        """The flag that announces it is under the proof ([MS-NLMP] 2.2.2.1), so it cannot be left out."""

        def cut(message: str, token: bytes) -> bytes:
            if message != "authenticate":
                return token
            data = bytearray(token[:72] + token[88:])
            for place in range(16, 64, 8):
                offset = int.from_bytes(data[place : place + 4], "little")
                data[place : place + 4] = max(0, offset - 16).to_bytes(4, "little")
            return bytes(data)

        assert "(MIC)" in refused(sign_in(make("EXAMPLE", "alice", PASSWORD), tamper=cut))

    def test_a_change_to_the_proof(self, make: Any) -> None:
        """Clearing the flag that says that there is a MIC makes the response wrong."""
        flag = b"\x06\0\x04\0\x02\0\0\0"
        gone = b"\x06\0\x04\0\0\0\0\0"

        def clear(message: str, token: bytes) -> bytes:
            assert message != "authenticate" or flag in token
            return token.replace(flag, gone) if message == "authenticate" else token

        assert refused(sign_in(make("EXAMPLE", "alice", PASSWORD), tamper=clear)) == "wrong password"


@clients
class TestChannelBinding:
    """[MS-NLMP] 3.2.5.1.2 with the three policies; impacket leaves the pair out, the others send zeros."""

    @pytest.mark.parametrize("policy", ["none", "allow", "require"])
    def test_right(self, make: Any, policy: Any) -> None:
        settings = replace(SETTINGS, channel_binding=policy)
        assert proved(sign_in(make("EXAMPLE", "alice", PASSWORD, END_POINT), settings=settings)) == "NTLM"

    @pytest.mark.parametrize("policy", ["none", "allow", "require"])
    def test_missing(self, make: Any, policy: Any) -> None:
        step = sign_in(make("EXAMPLE", "alice", PASSWORD), settings=replace(SETTINGS, channel_binding=policy))
        if policy == "require":
            assert "no channel binding" in refused(step)
        else:
            assert proved(step) == "NTLM"

    @pytest.mark.parametrize("policy", ["none", "allow", "require"])
    def test_wrong(self, make: Any, policy: Any) -> None:
        client = make("EXAMPLE", "alice", PASSWORD, bytes(32))
        step = sign_in(client, settings=replace(SETTINGS, channel_binding=policy))
        if policy == "none":
            assert proved(step) == "NTLM"
        else:
            assert "another certificate" in refused(step)

    @pytest.mark.parametrize("policy", ["none", "allow", "require"])
    def test_bound_but_there_is_no_tls_here(self, make: Any, policy: Any) -> None:
        """A relay: the client speaks TLS to somebody who speaks plainly to us."""
        client = make("EXAMPLE", "alice", PASSWORD, END_POINT)
        step = sign_in(client, settings=replace(SETTINGS, channel_binding=policy), peer=CLEAR)
        if policy == "none":
            assert proved(step) == "NTLM"
        else:
            assert "TLS ends at somebody else" in refused(step)

    @pytest.mark.parametrize("policy", ["allow", "require"])
    def test_a_certificate_that_has_no_hash_of_its_own(self, make: Any, policy: Any) -> None:
        """[RFC5929] 4.1: undefined for signatures without a hash, such as Ed25519."""
        settings, peer = replace(SETTINGS, channel_binding=policy), replace(PEER, end_point=b"")
        step = sign_in(make("EXAMPLE", "alice", PASSWORD, END_POINT), settings=settings, peer=peer)
        if policy == "require":
            assert "[RFC5929] 4.1" in refused(step)
        else:
            assert proved(step) == "NTLM"


@clients
def test_replay(make: Any) -> None:
    """A message that was good once proves nothing about another challenge, nor a second time about its own."""
    client = make("EXAMPLE", "alice", PASSWORD, END_POINT)
    negotiate = client.negotiate()
    first = NtlmExchange(SETTINGS, PEER)
    challenge = first.step(negotiate)
    assert isinstance(challenge, Challenge)
    token = client.authenticate(challenge.data)
    assert proved(finish(first, token)) == "NTLM"
    again = finish(first, token)
    assert isinstance(again, Failure)
    assert again.kind is FailureKind.MALFORMED
    second = NtlmExchange(SETTINGS, PEER)
    second.step(negotiate)
    assert refused(finish(second, token)) == "wrong password"


def test_impacket_with_a_session_key() -> None:
    assert proved(sign_in(Impacket("EXAMPLE", "alice", PASSWORD, signing=True))) == "NTLM"
