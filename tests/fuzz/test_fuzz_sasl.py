"""Whatever lines come in an exchange of tokens, SCRAM, certificates or Kerberos: a step, never an exception.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.sasl.bearer import BEARER_MECHANISMS, AskToken, TokenAnswer, TokenRefusal
from gateway.sasl.external import EXTERNAL_MECHANISM, AskCertificate
from gateway.sasl.kerberos import KerberosAcceptor, kerberos_mechanisms
from gateway.sasl.mechanism import Ask, Challenge, Failure, ProvedAttempt, Step, respond
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms
from gateway.sasl.scram import AskScram, ScramKeys, scram_mechanisms
from gateway.services.proofs import certificate_names

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "40"))
PEER = PeerInfo("imap", "192.0.2.1", tls=True, end_point=b"E" * 32, unique=b"U" * 12, certificate=b"DER")
MECHANISMS = Mechanisms(
    (
        *BEARER_MECHANISMS,
        *scram_mechanisms(),
        EXTERNAL_MECHANISM,
        *kerberos_mechanisms(KerberosAcceptor(Path("/nonexistent/mail.keytab"), {})),
    )
)
KEYS = ScramKeys(b"s" * 16, 4096, b"k" * 32, b"v" * 32, 1)

WORDS = [
    *(b"n", b"y", b"p=tls-unique", b"p=tls-server-end-point", b",", b"a=", b"n=user", b"r=nonce", b"r=nonceX", b"m=1"),
    *(b"c=biws", b"c=eSws", b"p=" + base64.b64encode(b"p" * 32), b"=2C", b"=3D", b"=", b"user=alice", b"auth=", b"\1"),
    *(b"Bearer ", b"bearer", b"a.b.c", b"host=h", b"\0", b"\xff", "\u0627".encode(), "\u00ad".encode(), b"\r\n"),
    *(b"\x60\x82", b"\x06\x09*\x86H\x86\xf7\x12\x01\x02\x02", b"\x01\x00", b"NTLMSSP\0", b"x" * 999),
]
messages = st.lists(st.sampled_from(WORDS) | st.binary(max_size=6), max_size=12).map(b"".join)
lines = (
    st.none()
    | messages.map(base64.b64encode)
    | st.sampled_from([b"", b"=", b"*", b"AA", b"===="])
    | st.binary(max_size=9)
)


def answer(ask: Ask, good: bool) -> object:
    if isinstance(ask, AskToken):
        return TokenAnswer("alice") if good else TokenRefusal()
    if isinstance(ask, AskScram):
        return KEYS
    assert isinstance(ask, AskCertificate)
    return "alice" if good else None


@settings(max_examples=EXAMPLES * 4, deadline=None)
@given(st.sampled_from(MECHANISMS.offered(PEER)), st.lists(lines, max_size=5), st.booleans())
def test_exchanges(name: str, given_lines: list[bytes | None], good: bool) -> None:
    exchange = MECHANISMS.create(name, PEER)
    assert exchange is not None
    for line in given_lines:
        step: Step = respond(exchange, line)
        if isinstance(step, Ask):
            step = exchange.answer(answer(step, good))  # type: ignore[attr-defined] - what asks takes answers
        if not isinstance(step, Challenge):
            assert isinstance(step, (Failure, ProvedAttempt))
            assert not isinstance(step, ProvedAttempt) or good
            break


@settings(max_examples=EXAMPLES * 4, deadline=None)
@given(st.binary(max_size=400))
def test_certificates(der: bytes) -> None:
    assert all(name.count("@") == 1 for name in certificate_names(der))
