"""PLAIN, LOGIN and the line rules of SASL."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sasl.login import LoginExchange, decode_text
from gateway.sasl.mechanism import (
    MAX_LINE,
    Challenge,
    Failure,
    FailureKind,
    PasswordAttempt,
    SaslExchange,
    SaslSyntaxError,
    SaslTooLong,
    decode_response,
    encode_challenge,
    is_cancel,
    respond,
)
from gateway.sasl.peer import PeerInfo
from gateway.sasl.plain import PlainExchange, read_message
from gateway.sasl.registry import PASSWORD_MECHANISMS, Mechanisms


def kind(step: object) -> FailureKind:
    assert isinstance(step, Failure)
    return step.kind


TLS = PeerInfo("imap", "192.0.2.1", True)
CLEAR = PeerInfo("imap", "192.0.2.2")


class TestPlain:
    def test_examples_of_the_specification(self) -> None:
        """[RFC4616] 4: Tim, then Kurt who acts as Ursel."""
        assert read_message(b"\0tim\0tanstaaftanstaaf") == PasswordAttempt("tim", "tanstaaftanstaaf", None)
        assert read_message(b"Ursel\0Kurt\0xipj3plmq") == PasswordAttempt("Kurt", "xipj3plmq", "Ursel")

    def test_without_initial_response_an_empty_challenge(self) -> None:
        """[RFC4616] 2 is client-first, so the server's first word is empty ([RFC4422] 5)."""
        exchange = PlainExchange()
        assert exchange.client_first
        assert exchange.step(None) == Challenge(b"")
        assert exchange.step(b"\0u\0p") == PasswordAttempt("u", "p", None)

    @pytest.mark.parametrize("message", [b"", b"u", b"u\0p", b"\0u\0p\0", b"\0u\0p\0x", b"\0\xff\0p", b"\0u\0\xc3"])
    def test_malformed(self, message: bytes) -> None:
        """[RFC4616] 2: three fields, UTF-8, no NUL inside."""
        assert kind(read_message(message)) is FailureKind.MALFORMED

    @pytest.mark.parametrize("message", [b"\0\0p", b"\0u\0", b"\0\0"])
    def test_empty_name_or_password_is_refused_like_a_wrong_one(self, message: bytes) -> None:
        """[RFC4616] 2: authcid and passwd are 1*SAFE."""
        assert kind(read_message(message)) is FailureKind.CREDENTIALS

    def test_limits(self) -> None:
        """[RFC4616] 2: 255 characters are to be borne; without end they are not."""
        name = "é" * 255
        assert read_message(f"{name}\0{name}\0{name}".encode()) == PasswordAttempt(name, name, name)
        assert kind(read_message(b"\0u\0" + b"p" * 5000)) is FailureKind.MALFORMED
        assert kind(read_message(b"a" * 5000 + b"\0u\0p")) is FailureKind.MALFORMED

    @given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50), st.text(max_size=50))
    def test_inverse(self, login: str, password: str, authorization: str) -> None:
        if "\0" in login + password + authorization:
            return
        message = "\0".join((authorization, login, password)).encode()
        assert read_message(message) == PasswordAttempt(login, password, authorization or None)


class TestLogin:
    def test_exact_prompts(self) -> None:
        """[MS-XLOGIN] 2.2.2: the clients compare the two tokens."""
        exchange = LoginExchange()
        step = exchange.step(None)
        assert isinstance(step, Challenge)
        assert encode_challenge(step) == b"VXNlcm5hbWU6"
        step = exchange.step(b"Charlie")
        assert isinstance(step, Challenge)
        assert encode_challenge(step) == b"UGFzc3dvcmQ6"
        assert exchange.step(b"password") == PasswordAttempt("Charlie", "password", mechanism="LOGIN")

    def test_name_with_the_command_skips_the_first_prompt(self) -> None:
        """[MS-XLOGIN] 2.2.2."""
        exchange = LoginExchange()
        assert exchange.step(b"Charlie") == Challenge(b"Password:")
        assert exchange.step(b"password") == PasswordAttempt("Charlie", "password", mechanism="LOGIN")

    @pytest.mark.parametrize(("name", "password"), [(b"", b"p"), (b"u", b""), (b"", b"")])
    def test_empty_name_or_password(self, name: bytes, password: bytes) -> None:
        """[MS-XLOGIN] 3.2.5: answered as a failed logon, after both prompts."""
        exchange = LoginExchange()
        exchange.step(None)
        assert exchange.step(name) == Challenge(b"Password:")
        assert kind(exchange.step(password)) is FailureKind.CREDENTIALS

    def test_limits_and_nul(self) -> None:
        assert kind(LoginExchange().step(b"u" * 5000)) is FailureKind.MALFORMED
        for name, password in ((b"u", b"p" * 5000), (b"u\0", b"p"), (b"u", b"p\0")):
            exchange = LoginExchange()
            exchange.step(name)
            assert kind(exchange.step(password)) is FailureKind.MALFORMED

    @pytest.mark.parametrize(("data", "text"), [("jö".encode(), "jö"), (b"j\xf6\x80", "jö€"), (b"\x81", "\x81")])
    def test_charset_falls_back(self, data: bytes, text: str) -> None:
        assert decode_text(data) == text


class TestLines:
    def test_equals_sign_is_the_empty_response(self) -> None:
        """[RFC4954] 4, [RFC4959] 3."""
        assert decode_response(b"=") == b""
        assert decode_response(b"") == b""

    @pytest.mark.parametrize("line", [b"*", b"* ", b"*\t"])
    def test_cancel(self, line: bytes) -> None:
        """[RFC4954] 4, [RFC3501] 6.2.2."""
        assert is_cancel(line)
        assert kind(respond(PlainExchange(), line)) is FailureKind.CANCELLED

    @pytest.mark.parametrize("line", [b"dGlt!", b"dGl t", b"dGl", b"=dGl", b"dGlt====", b"**", b"\xff", b"dGlt\0"])
    def test_strict_base64(self, line: bytes) -> None:
        """[RFC4648] 3.3."""
        with pytest.raises(SaslSyntaxError):
            decode_response(line)
        assert kind(respond(PlainExchange(), line)) is FailureKind.MALFORMED

    def test_length_limit(self) -> None:
        """[RFC4954] 4: 12,288 octets."""
        assert len(decode_response(b"A" * MAX_LINE)) == MAX_LINE // 4 * 3
        with pytest.raises(SaslTooLong):
            decode_response(b"A" * (MAX_LINE + 4))
        assert kind(respond(LoginExchange(), b"A" * (MAX_LINE + 4))) is FailureKind.TOO_LONG

    def test_long_challenge_is_one_line(self) -> None:
        assert b"\n" not in encode_challenge(Challenge(b"x" * 5000))

    @given(st.binary(max_size=300))
    def test_inverse(self, data: bytes) -> None:
        assert decode_response(base64.b64encode(data)) == data
        assert decode_response(encode_challenge(Challenge(data))) == data

    @given(st.lists(st.binary(max_size=80), max_size=4), st.sampled_from([each.name for each in PASSWORD_MECHANISMS]))
    def test_any_input_gives_a_step(self, lines: list[bytes], name: str) -> None:
        """Fuzz: no exception leaves an exchange."""
        exchange = Mechanisms().create(name, TLS)
        assert exchange is not None
        for line in lines:
            step = respond(exchange, line)
            assert isinstance(step, Challenge | PasswordAttempt | Failure)
            if not isinstance(step, Challenge):
                break


class TestRegistry:
    def test_names_in_any_case(self) -> None:
        """[RFC4422] 3.1 names are upper case; clients are not."""
        exchange: SaslExchange | None = Mechanisms().create("plain", TLS)
        assert exchange is not None
        assert exchange.name == "PLAIN"
        assert Mechanisms().create("NOSUCH", TLS) is None

    def test_password_mechanisms_need_tls(self) -> None:
        """[RFC4616] 4."""
        assert Mechanisms().offered(TLS) == ["PLAIN", "LOGIN"]
        assert Mechanisms(in_clear=lambda address: address == CLEAR.address).offered(CLEAR) == ["PLAIN", "LOGIN"]
        assert Mechanisms().offered(CLEAR) == []
        assert Mechanisms().create("PLAIN", CLEAR) is None
        assert Mechanisms().known("plain", CLEAR)

    def test_a_mechanism_may_be_off_somewhere(self) -> None:
        mechanisms = Mechanisms(allowed=lambda name, peer: name != "LOGIN" or peer.listener == "old")
        assert mechanisms.offered(TLS) == ["PLAIN"]
        assert mechanisms.offered(PeerInfo("smtp", "192.0.2.1", True, listener="old")) == ["PLAIN", "LOGIN"]
        assert not mechanisms.known("LOGIN", TLS)

    def test_password_stays_out_of_repr(self) -> None:
        assert "tanstaaf" not in repr(read_message(b"\0tim\0tanstaaf"))


def test_the_offer_is_remembered_by_what_it_hangs_on() -> None:
    """Another address, listener or TLS has another offer, another connection the same; a caller may change its own."""
    asked: list[str] = []

    def allowed(name: str, peer: PeerInfo) -> bool:
        asked.append(name)
        return peer.listener != "closed"

    known = Mechanisms(allowed=allowed, in_clear=lambda address: address == "127.0.0.1")
    near, far = PeerInfo("imap", "127.0.0.1"), PeerInfo("imap", "192.0.2.1")
    first = known.offered(near)
    assert "PLAIN" in first
    count = len(asked)
    first.clear()
    assert "PLAIN" in known.offered(PeerInfo("imap", "127.0.0.1", connection=7, device="phone"))
    assert len(asked) == count
    assert "PLAIN" not in known.offered(far)
    assert "PLAIN" in known.offered(PeerInfo("imap", "192.0.2.1", tls=True))
    assert known.offered(PeerInfo("imap", "127.0.0.1", listener="closed")) == []
