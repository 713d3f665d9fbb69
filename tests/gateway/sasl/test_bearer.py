"""XOAUTH2 and OAUTHBEARER: the messages, the error challenges, whatever octets come."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sasl.bearer import (
    BEARER_MECHANISMS,
    MAX_TOKEN,
    AskToken,
    OAuthBearerExchange,
    TokenAnswer,
    TokenRefusal,
    XOAuth2Exchange,
    read_authzid,
    read_saslname,
)
from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt, encode_challenge
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms

RFC_TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
CONFIGURATION = "https://example.com/.well-known/openid-configuration"


class TestOAuthBearer:
    def test_successful_exchange(self) -> None:
        """[RFC7628] 4.1."""
        exchange = OAuthBearerExchange()
        message = base64.b64decode(
            "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9MTQzAWF1dGg9QmVhcmVyI"
            "HZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
        )
        assert exchange.step(message) == AskToken("OAUTHBEARER", RFC_TOKEN, "user@example.com")
        step = exchange.answer(TokenAnswer("user@example.com", "user@example.com", 1e9))
        assert step == ProvedAttempt("OAUTHBEARER", "user@example.com", "user@example.com", until=1e9)
        assert exchange.ending is None

    def test_failed_exchange(self) -> None:
        """[RFC7628] 4.3: no token at all, the error tells what is wanted, `AQ==`, failure."""
        exchange = OAuthBearerExchange()
        message = b"n,a=user@example.com,\1host=server.example.com\1port=143\1auth=\1\1"
        assert exchange.step(message) == AskToken("OAUTHBEARER", "", "user@example.com")
        step = exchange.answer(TokenRefusal("invalid_token", "example_scope", CONFIGURATION, "no token"))
        assert isinstance(step, Challenge)
        assert encode_challenge(step) == (
            b"eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIiwic2NvcGUiOiJleGFtcGxlX3Njb3BlIiwib3BlbmlkLWNvbmZpZ3VyYXRpb24iOiJodHRw"
            b"czovL2V4YW1wbGUuY29tLy53ZWxsLWtub3duL29wZW5pZC1jb25maWd1cmF0aW9uIn0="
        )
        failure = Failure(FailureKind.CREDENTIALS, "no token", "user@example.com")
        assert exchange.ending == failure
        assert exchange.step(b"\1") == failure

    def test_without_initial_response(self) -> None:
        exchange = OAuthBearerExchange()
        assert exchange.step(None) == Challenge(b"")
        assert isinstance(exchange.step(b"n,,\1auth=Bearer t\1\1"), AskToken)

    @pytest.mark.parametrize(
        ("message", "authorization"),
        [
            (b"n,,\1auth=Bearer t\1\1", None),
            (b"y,,\1auth=bearer  t\1\1", None),
            (b"n,a=a=2Cb=3Dc,\1auth=BEARER t\1host=h\1\1", "a,b=c"),
            ("n,a=jörg,\1auth=Bearer t\1\1".encode(), "jörg"),
        ],
    )
    def test_headers(self, message: bytes, authorization: str | None) -> None:
        """[RFC5801] 4, [RFC7628] 3.1; the scheme in any case ([RFC7235] 2.1)."""
        assert OAuthBearerExchange().step(message) == AskToken("OAUTHBEARER", "t", authorization)

    @pytest.mark.parametrize(
        "message",
        [
            *(b"", b"\1", b"n,,", b"n,,\1", b"n,,\1\1", b"n,,\1auth=Bearer t", b"n,,\1auth=Bearer t\1"),
            *(b"p=tls-unique,,\1auth=Bearer t\1\1", b"F,n,,\1auth=Bearer t\1\1", b"n,a=,\1auth=Bearer t\1\1"),
            *(b"n,a=x=2c,\1auth=Bearer t\1\1", b"n,b=x,\1auth=Bearer t\1\1", b"n,a=\xff,\1auth=Bearer t\1\1"),
            *(
                b"n,,\1auth=Basic t\1\1",
                b"n,,\1auth=Bearer\1\1",
                b"n,,\1auth=Bearer a b\1\1",
                b"n,,\1auth=Bearer \0\1\1",
            ),
            *(b"n,,\1auth=Bearer t\1auth=Bearer u\1\1", b"n,,\1=x\1auth=Bearer t\1\1", b"n,,\1x\1auth=Bearer t\1\1"),
            *(b"n,x,y,\1auth=Bearer t\1\1", b"n,,x\1auth=Bearer t\1\1", b"n,,\1host=h\1\1"),
        ],
    )
    def test_malformed(self, message: bytes) -> None:
        step = OAuthBearerExchange().step(message)
        assert isinstance(step, Failure)
        assert step.kind is FailureKind.MALFORMED


class TestXOAuth2:
    def test_example(self) -> None:
        """Google's published example."""
        exchange = XOAuth2Exchange()
        assert exchange.step(None) == Challenge(b"")
        message = base64.b64decode(
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZ"
            "Mjl0Q2cBAQ=="
        )
        token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
        assert exchange.step(message) == AskToken("XOAUTH2", token, "someuser@example.com")
        step = exchange.answer(TokenAnswer("owner@example.com", "someuser@example.com"))
        assert step == ProvedAttempt("XOAUTH2", "owner@example.com", "someuser@example.com")

    @pytest.mark.parametrize(
        ("status", "told"), [("invalid_token", "401"), ("invalid_request", "400"), ("insufficient_scope", "401")]
    )
    @pytest.mark.parametrize("line", [b"", b"\1", b"anything", None])
    def test_refusal(self, status: str, told: str, line: bytes | None) -> None:
        """A challenge with JSON; then any line, and the failure, with the reason for the log only."""
        exchange = XOAuth2Exchange()
        exchange.step(b"user=u\1auth=Bearer t\1\1")
        step = exchange.answer(TokenRefusal(status, "s1 s2", CONFIGURATION, "expired long ago"))
        assert isinstance(step, Challenge)
        assert json.loads(step.data) == {"status": told, "schemes": "bearer", "scope": "s1 s2"}
        assert exchange.step(line) == Failure(FailureKind.CREDENTIALS, "expired long ago", "u")

    def test_the_owner_is_named_in_the_audit_where_he_is_known(self) -> None:
        exchange = XOAuth2Exchange()
        exchange.step(b"user=shared\1auth=Bearer t\1\1")
        exchange.answer(TokenRefusal(reason="r", login="owner"))
        assert exchange.ending == Failure(FailureKind.CREDENTIALS, "r", "owner")

    @pytest.mark.parametrize(
        "message",
        [
            *(b"", b"user=u", b"user=u\1\1", b"auth=Bearer t\1\1", b"user=u\1auth=Bearer t"),
            *(b"user=\xff\1auth=Bearer t\1\1", b"user=u\0\1auth=Bearer t\1\1"),
        ],
    )
    def test_malformed(self, message: bytes) -> None:
        step = XOAuth2Exchange().step(message)
        assert isinstance(step, Failure)
        assert step.kind is FailureKind.MALFORMED


def test_size_of_a_token() -> None:
    """12 KiB are taken, one octet more is not."""
    assert isinstance(XOAuth2Exchange().step(b"user=u\1auth=Bearer " + b"t" * MAX_TOKEN + b"\1\1"), AskToken)
    assert isinstance(XOAuth2Exchange().step(b"user=u\1auth=Bearer " + b"t" * (MAX_TOKEN + 1) + b"\1\1"), Failure)


@pytest.mark.parametrize(("message", "login"), [(b"user=u\1auth=Bearer t\1\1", "u"), (b"user=\1auth=Bearer t\1\1", "")])
def test_who_asks(message: bytes, login: str) -> None:
    step = XOAuth2Exchange().step(message)
    assert isinstance(step, AskToken)
    assert step.login == login


def test_a_token_is_not_in_a_repr() -> None:
    assert "sesame" not in repr(XOAuth2Exchange().step(b"user=u\1auth=Bearer sesame\1\1"))


def test_offered_only_under_tls() -> None:
    mechanisms = Mechanisms(BEARER_MECHANISMS)
    assert mechanisms.offered(PeerInfo("imap", "192.0.2.1")) == []
    assert mechanisms.offered(PeerInfo("imap", "192.0.2.1", tls=True)) == ["OAUTHBEARER", "XOAUTH2"]


@pytest.mark.parametrize(("field", "name"), [(b"", ""), (b"a=x", "x"), (b"a=", None), (b"x", None)])
def test_authzid(field: bytes, name: str | None) -> None:
    assert read_authzid(field) == name


@given(st.text(min_size=1, max_size=60))
def test_saslname_inverse(name: str) -> None:
    """[RFC5802] 5.1."""
    data = name.replace("=", "=3D").replace(",", "=2C").encode("utf-8", "surrogatepass")
    assert read_saslname(data) == (None if "\0" in name else name)


PIECES = [
    b"n",
    b"y",
    b"p=x",
    b",",
    b"a=",
    b"\1",
    b"auth=",
    b"Bearer ",
    b"tok.en",
    b"user=",
    b"host=h",
    b"\0",
    b"\xff",
    b"=2C",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=12), st.booleans())
def test_no_octets_raise(pieces: list[bytes], x: bool) -> None:
    exchange = XOAuth2Exchange() if x else OAuthBearerExchange()
    step = exchange.step(b"".join(pieces))
    assert isinstance(step, (AskToken, Failure))
    if isinstance(step, AskToken):
        assert isinstance(exchange.answer(TokenRefusal()), Challenge)
        assert isinstance(exchange.step(b"".join(pieces)), Failure)
