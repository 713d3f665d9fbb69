"""GSSAPI and GSS-SPNEGO: the exchange, with contexts of the test's own (tests/peers has a real KDC)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sasl.kerberos import KerberosAcceptor, KerberosExchange, kerberos_mechanisms
from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms


class Context:
    """A context that is complete after some tokens; wrapping writes `wrapped:` in front."""

    def __init__(self, rounds: int = 1, initiator: str = "alice@EXAMPLE.TEST", last: bytes | None = b"AP-REP") -> None:
        self.initiator_name = initiator
        self.target_name = "imap/mail.example.test@EXAMPLE.TEST"
        self.complete = False
        self._rounds = rounds
        self._last = last

    def step(self, token: bytes) -> bytes | None:
        if token == b"bad":
            raise RuntimeError("Unspecified GSS failure\n  Minor: ticket expired")
        self._rounds -= 1
        self.complete = self._rounds <= 0
        return self._last if self.complete else b"more"

    def wrap(self, message: bytes, encrypt: bool) -> Any:
        assert encrypt is False
        return SimpleNamespace(message=b"wrapped:" + message)

    def unwrap(self, message: bytes) -> Any:
        if not message.startswith(b"wrapped:"):
            raise RuntimeError("token was malformed")
        return SimpleNamespace(message=message[8:])


class Acceptor(KerberosAcceptor):
    def __init__(self, context: Context, realms: Mapping[str, str] = {"EXAMPLE.TEST": "example.test"}) -> None:
        super().__init__(Path("/nowhere"), realms, default_domain="default.test")
        self._context = context

    def accept(self) -> Any:
        return self._context


def exchange(context: Context | None = None, *, spnego: bool = False) -> KerberosExchange:
    return KerberosExchange(Acceptor(context or Context()), spnego=spnego)


def kind(step: object) -> FailureKind:
    assert isinstance(step, Failure), step
    return step.kind


class TestGssapi:
    @pytest.mark.parametrize(
        ("authzid", "authorization"), [(b"", None), ("büro@example.test".encode(), "büro@example.test")]
    )
    def test_exchange(self, authzid: bytes, authorization: str | None) -> None:
        """[RFC4752] 3.2: token, empty response, the offer of no security layer, the choice of none."""
        under = exchange()
        assert under.client_first
        assert under.step(None) == Challenge(b"")
        assert under.step(b"AP-REQ") == Challenge(b"AP-REP")
        assert under.step(b"") == Challenge(b"wrapped:\x01\x00\x00\x00")
        step = under.step(b"wrapped:\x01\x00\x00\x00" + authzid)
        assert step == ProvedAttempt("GSSAPI", "alice@example.test", authorization)

    def test_without_a_last_token(self) -> None:
        """[RFC4752] 3.2: without mutual authentication the offer comes at once."""
        assert exchange(Context(last=None)).step(b"AP-REQ") == Challenge(b"wrapped:\x01\x00\x00\x00")

    def test_more_rounds(self) -> None:
        under = exchange(Context(rounds=3))
        assert [under.step(b"t") for _ in range(3)] == [Challenge(b"more"), Challenge(b"more"), Challenge(b"AP-REP")]

    def test_not_without_end(self) -> None:
        under = exchange(Context(rounds=100))
        steps = [under.step(b"t") for _ in range(9)]
        assert steps[:8] == [Challenge(b"more")] * 8
        assert kind(steps[8]) is FailureKind.MALFORMED

    @pytest.mark.parametrize(
        "choice",
        [
            b"",
            b"\1\0\0",
            b"\2\0\0\0",
            b"\4\0\xff\xff",
            b"\0\0\0\0",
            b"\3\0\0\0",
            b"\1\0\0\0a\0b",
            b"\1\0\0\0" + b"a" * 2000,
        ],
    )
    def test_choice_that_is_none(self, choice: bytes) -> None:
        under = exchange(Context(last=None))
        under.step(b"AP-REQ")
        assert kind(under.step(b"wrapped:" + choice)) is FailureKind.MALFORMED

    @pytest.mark.parametrize("choice", [b"", b"unwrapped", b"wrapped:\1\0\0\0\xff"])
    def test_choice_that_is_not_protected_or_no_text(self, choice: bytes) -> None:
        under = exchange(Context(last=None))
        under.step(b"AP-REQ")
        assert kind(under.step(choice)) is FailureKind.CREDENTIALS

    def test_size_without_a_layer_means_nothing(self) -> None:
        under = exchange(Context(last=None))
        under.step(b"AP-REQ")
        assert isinstance(under.step(b"wrapped:\x01\xff\xff\xff"), ProvedAttempt)

    def test_words_in_place_of_the_empty_response(self) -> None:
        under = exchange()
        under.step(b"AP-REQ")
        assert kind(under.step(b"x")) is FailureKind.MALFORMED

    def test_empty_token(self) -> None:
        assert kind(exchange().step(b"")) is FailureKind.MALFORMED

    def test_refused_token(self) -> None:
        step = exchange().step(b"bad")
        assert step == Failure(FailureKind.CREDENTIALS, "GSSAPI: Unspecified GSS failure Minor: ticket expired")


class TestSpnego:
    def test_exchange(self) -> None:
        """The last token of the server is a challenge for an empty response; there is no more to it."""
        under = exchange(Context(rounds=2), spnego=True)
        assert under.step(b"NegTokenInit") == Challenge(b"more")
        assert under.step(b"NegTokenResp") == Challenge(b"AP-REP")
        assert under.step(b"") == ProvedAttempt("GSS-SPNEGO", "alice@example.test")

    def test_without_a_last_token(self) -> None:
        step = exchange(Context(last=None), spnego=True).step(b"NegTokenInit")
        assert step == ProvedAttempt("GSS-SPNEGO", "alice@example.test")


@pytest.mark.parametrize(
    ("principal", "login", "without_realms"),
    [
        ("alice@EXAMPLE.TEST", "alice@example.test", "alice@default.test"),
        ("Alice@OTHER.TEST", "Alice@other.example", None),
        ("alice@EVIL.TEST", None, None),
        ("alice@example.test", None, None),
        ("alice/admin@EXAMPLE.TEST", None, None),
        ("imap/host@EXAMPLE.TEST", None, None),
        ("alice\\@x@EXAMPLE.TEST", None, None),
        ("EXAMPLE\\alice@EXAMPLE.TEST", None, None),
        ("alice", None, None),
        ("alice@", None, None),
        ("", None, None),
    ],
)
def test_who_it_is(principal: str, login: str | None, without_realms: str | None) -> None:
    context = Context(initiator=principal)
    realms = {"EXAMPLE.TEST": "example.test", "OTHER.TEST": "other.example"}
    assert Acceptor(context, realms).login(context) == login
    assert Acceptor(context, {}).login(context) == without_realms
    if login is None:
        step = KerberosExchange(Acceptor(context, realms), spnego=False).step(b"AP-REQ")
        assert kind(step) is FailureKind.CREDENTIALS


def test_check_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gssapi = SimpleNamespace(
        Credentials=lambda usage, store: (usage, store), SecurityContext=lambda creds, usage: creds
    )
    monkeypatch.setitem(__import__("sys").modules, "gssapi", gssapi)
    acceptor = KerberosAcceptor(tmp_path / "mail.keytab", {})
    with pytest.raises(ValueError, match=r"mail\.keytab: no such file"):
        acceptor.check()
    assert kind(KerberosExchange(acceptor, spnego=False).step(b"t")) is FailureKind.CREDENTIALS
    (tmp_path / "mail.keytab").touch()
    acceptor.check()
    assert acceptor.accept() == ("accept", {"keytab": f"FILE:{tmp_path / 'mail.keytab'}"})
    monkeypatch.setitem(__import__("sys").modules, "gssapi", None)
    with pytest.raises(ValueError, match=r"pip install 'oxgate\[kerberos\]'"):
        KerberosAcceptor(tmp_path / "mail.keytab", {}).check()


def test_offered() -> None:
    mechanisms = Mechanisms(kerberos_mechanisms(Acceptor(Context())))
    peer = PeerInfo("imap", "192.0.2.1")
    assert mechanisms.offered(peer) == ["GSS-SPNEGO", "GSSAPI"]
    for name in mechanisms.offered(peer):
        made = mechanisms.create(name, peer)
        assert made is not None
        assert made.name == name


@given(
    st.lists(
        st.sampled_from([b"", b"t", b"bad", b"wrapped:", b"wrapped:\1\0\0\0"]) | st.binary(max_size=9), max_size=6
    ),
    st.booleans(),
)
def test_no_octets_raise(messages: list[bytes], spnego: bool) -> None:
    under = exchange(Context(rounds=2), spnego=spnego)
    for message in messages:
        step = under.step(message)
        assert isinstance(step, (Challenge, Failure, ProvedAttempt))
        if not isinstance(step, Challenge):
            break
