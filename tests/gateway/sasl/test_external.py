"""EXTERNAL: an empty message or an identity, and a certificate that TLS has verified."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sasl.external import EXTERNAL_MECHANISM, AskCertificate, ExternalExchange
from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms

PEER = PeerInfo("imap", "192.0.2.1", tls=True, certificate=b"DER")


@pytest.mark.parametrize(("message", "authorization"), [(b"", None), (b"fred@example.com", "fred@example.com")])
def test_examples(message: bytes, authorization: str | None) -> None:
    """[RFC4422] A.4: with and without an authorization identity, with and without an initial response."""
    exchange = ExternalExchange(PEER)
    assert exchange.step(None) == Challenge(b"")
    assert exchange.step(message) == AskCertificate(b"DER", authorization)
    assert exchange.answer("alice@example.com") == ProvedAttempt("EXTERNAL", "alice@example.com", authorization)


def test_nobody() -> None:
    exchange = ExternalExchange(PEER)
    exchange.step(b"bob")
    assert exchange.answer(None) == Failure(FailureKind.CREDENTIALS, "nobody's certificate", "bob")


def test_without_a_certificate() -> None:
    step = ExternalExchange(PeerInfo("imap", "192.0.2.1", tls=True)).step(b"")
    assert isinstance(step, Failure)
    assert step.kind is FailureKind.CREDENTIALS


@pytest.mark.parametrize("message", [b"\xff", b"a\0b", b"a" * 1025])
def test_malformed(message: bytes) -> None:
    step = ExternalExchange(PEER).step(message)
    assert isinstance(step, Failure)
    assert step.kind is FailureKind.MALFORMED


def test_offered_to_those_with_a_certificate() -> None:
    mechanisms = Mechanisms((EXTERNAL_MECHANISM,))
    assert mechanisms.offered(PEER) == ["EXTERNAL"]
    assert mechanisms.offered(PeerInfo("imap", "192.0.2.1", tls=True)) == []
    assert mechanisms.offered(PeerInfo("imap", "192.0.2.1")) == []
    assert isinstance(mechanisms.create("external", PEER), ExternalExchange)


@given(st.binary(max_size=100))
def test_no_octets_raise(message: bytes) -> None:
    assert isinstance(ExternalExchange(PEER).step(message), (AskCertificate, Failure))
