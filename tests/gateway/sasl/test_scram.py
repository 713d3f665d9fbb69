"""SCRAM-SHA-256 and -PLUS: the example of the specification, scramp as client, bindings, what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import stringprep
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scramp import ScramClient
from scramp.utils import ScramException
from scramp.utils import saslprep as reference_saslprep

from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt, Step
from gateway.sasl.peer import PeerInfo
from gateway.sasl.registry import Mechanisms
from gateway.sasl.saslprep import saslprep
from gateway.sasl.scram import AskScram, ScramExchange, ScramKeys, scram_mechanisms

CLEAR = PeerInfo("imap", "192.0.2.1")
TLS = PeerInfo("imap", "192.0.2.1", tls=True, end_point=b"E" * 32, unique=b"U" * 12)
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")


def keys(password: str, salt: bytes = SALT, principal: int = 7) -> ScramKeys:
    """[RFC5802] 3."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 4096)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    return ScramKeys(salt, 4096, stored, hmac.digest(salted, b"Server Key", "sha256"), principal)


PENCIL = keys("pencil")
NONCE = b"rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
FINAL = b"c=biws,r=" + NONCE + b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
"""The client-final-message of the example."""


def kind(step: Step) -> FailureKind:
    assert isinstance(step, Failure), step
    return step.kind


def challenge(step: Step) -> bytes:
    assert isinstance(step, Challenge), step
    return step.data


class TestExample:
    """[RFC7677] 3: user, pencil."""

    def exchange(self) -> ScramExchange:
        return ScramExchange(CLEAR, plus=False, nonce=lambda: "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")

    def test_whole(self) -> None:
        exchange = self.exchange()
        assert exchange.client_first
        assert exchange.step(None) == Challenge(b"")
        assert exchange.step(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == AskScram("user")
        first = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        assert challenge(exchange.answer(PENCIL)) == first
        last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
        assert exchange.step(FINAL) == ProvedAttempt("SCRAM-SHA-256", "user", None, 7, last=last)

    @pytest.mark.parametrize(
        "final",
        [
            # a proof that is wrong in one bit; another nonce; another gs2 header
            FINAL.replace(b"VQ=", b"VU="),
            FINAL.replace(NONCE, NONCE[:20]),
            FINAL.replace(b"biws", b"eSws"),
            FINAL.replace(b"biws", b""),
        ],
    )
    def test_wrong(self, final: bytes) -> None:
        exchange = self.exchange()
        exchange.step(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        exchange.answer(PENCIL)
        step = exchange.step(final)
        assert kind(step) is FailureKind.CREDENTIALS
        assert isinstance(step, Failure)
        assert step.login == "user"

    def test_the_right_proof_of_nobody(self) -> None:
        """Whoever got hold of a decoy would not sign in either."""
        exchange = self.exchange()
        exchange.step(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        exchange.answer(keys("pencil", principal=0))
        assert kind(exchange.step(FINAL)) is FailureKind.CREDENTIALS

    @pytest.mark.parametrize(
        "final", [b"", b"c=biws", b"c=biws,r=x", b"c=biws,r=x,p=AAAA", b"c=?,r=x,p=AAAA", b"p=AAAA", b"\xff"]
    )
    def test_malformed_final(self, final: bytes) -> None:
        exchange = self.exchange()
        exchange.step(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
        exchange.answer(PENCIL)
        assert kind(exchange.step(final)) is FailureKind.MALFORMED


@pytest.mark.parametrize(
    "message",
    [
        *(b"", b"n", b"n,,", b"n,,n=user", b"n,,n=,r=x", b"n,,n=user,r=", b"n,,r=x,n=user", b"x,,n=user,r=x"),
        *(b"n,,m=ext,n=user,r=x", b"n,a=,n=user,r=x", b"n,x=y,n=user,r=x", b"n,,n=us=er,r=x", b"n,,n=user,r=a\x7f"),
        *(b"n,,n=\xff,r=x", b"n,,n=a\0b,r=x", b"n,,n=\xc2\xad,r=x", b"n,,n=a\x07,r=x", b"p=tls-unique,,n=u,r=x"),
        b"n" * 5000,
    ],
)  # fmt: skip
def test_malformed_first(message: bytes) -> None:
    """[RFC5802] 7; U+00AD alone is an empty name ([RFC4013] 2.1)."""
    assert kind(ScramExchange(TLS, plus=False).step(message)) is FailureKind.MALFORMED


@pytest.mark.parametrize(
    ("message", "login", "authorization"),
    [
        (b"n,a=shared=2Cone,n=us=3Der,r=x", "us=er", "shared,one"),
        (b"n,,n=user,r=x,ext=1", "user", None),
        ("n,a=jörg,n=I\u00adX\u2168,r=x".encode(), "IXIX", "jörg"),
        (b"n,,n=EXAMPLE/bob/sales,r=x", "EXAMPLE/bob/sales", None),
    ],
)
def test_names(message: bytes, login: str, authorization: str | None) -> None:
    """[RFC5802] 5.1: saslname, SASLprep; the authzid as it is."""
    exchange = ScramExchange(CLEAR, plus=False, nonce=lambda: "y")
    assert exchange.step(message) == AskScram(login)
    first = challenge(exchange.answer(PENCIL))
    bare = message.split(b",", 2)[2]
    unproved = b"c=" + base64.b64encode(message[: message.index(bare)]) + b",r=xy"
    auth_message = b",".join((bare, first, unproved))
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", SALT, 4096)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(PENCIL.stored_key, auth_message, "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    step = exchange.step(unproved + b",p=" + base64.b64encode(proof))
    assert isinstance(step, ProvedAttempt)
    assert replace(step, last=None) == ProvedAttempt("SCRAM-SHA-256", login, authorization, 7)


class TestScramp:
    """A client that others wrote."""

    def sign_in(self, exchange: ScramExchange, client: ScramClient, known: ScramKeys) -> Step:
        assert exchange.step(client.get_client_first().encode()) == AskScram("user")
        client.set_server_first(challenge(exchange.answer(known)).decode())
        step = exchange.step(client.get_client_final().encode())
        if isinstance(step, ProvedAttempt):
            assert step.last is not None
            client.set_server_final(step.last.decode())  # raises where the server does not know the keys
            return replace(step, last=None)
        return step

    def test_password(self) -> None:
        client = ScramClient(["SCRAM-SHA-256"], "user", "pencil")
        step = self.sign_in(ScramExchange(CLEAR, plus=False), client, PENCIL)
        assert step == ProvedAttempt("SCRAM-SHA-256", "user", None, 7)

    def test_wrong_password(self) -> None:
        client = ScramClient(["SCRAM-SHA-256"], "user", "Pencil")
        assert kind(self.sign_in(ScramExchange(CLEAR, plus=False), client, PENCIL)) is FailureKind.CREDENTIALS

    @pytest.mark.parametrize(
        ("binding", "right"),
        [
            (("tls-server-end-point", b"E" * 32), True),
            (("tls-unique", b"U" * 12), True),
            (("tls-server-end-point", b"M" * 32), False),
            (("tls-unique", b"E" * 32), False),
        ],
    )
    def test_plus(self, binding: tuple[str, bytes], right: bool) -> None:
        """[RFC5802] 6, [RFC5929] 3, 4: what ends here must be what the client sees."""
        client = ScramClient(["SCRAM-SHA-256-PLUS"], "user", "pencil", channel_binding=binding)
        step = self.sign_in(ScramExchange(TLS, plus=True), client, PENCIL)
        if right:
            assert step == ProvedAttempt("SCRAM-SHA-256-PLUS", "user", None, 7)
        else:
            assert kind(step) is FailureKind.CREDENTIALS


class TestBinding:
    def test_downgrade(self) -> None:
        """[RFC5802] 6: `y` says that no -PLUS was on offer; it was, so somebody has taken it out."""
        assert kind(ScramExchange(TLS, plus=False).step(b"y,,n=user,r=x")) is FailureKind.CREDENTIALS
        assert ScramExchange(CLEAR, plus=False).step(b"y,,n=user,r=x") == AskScram("user")
        assert ScramExchange(TLS, plus=False, plus_offered=False).step(b"y,,n=user,r=x") == AskScram("user")
        assert ScramExchange(TLS, plus=False).step(b"n,,n=user,r=x") == AskScram("user")

    @pytest.mark.parametrize("flag", [b"n", b"y", b"p=tls-exporter", b"p=x"])
    def test_plus_needs_a_binding_that_there_is(self, flag: bytes) -> None:
        assert kind(ScramExchange(TLS, plus=True).step(flag + b",,n=user,r=x")) is FailureKind.MALFORMED

    def test_tls_unique_only_where_tls_has_it(self) -> None:
        """[RFC5929] 3.1 is not for TLS 1.3: no client may bind to nothing."""
        peer = PeerInfo("imap", "192.0.2.1", tls=True, end_point=b"E" * 32)
        assert kind(ScramExchange(peer, plus=True).step(b"p=tls-unique,,n=user,r=x")) is FailureKind.MALFORMED

    def test_offers(self) -> None:
        mechanisms = Mechanisms(scram_mechanisms())
        assert mechanisms.offered(CLEAR) == []
        assert mechanisms.offered(PeerInfo("imap", "192.0.2.1", tls=True)) == ["SCRAM-SHA-256"]
        assert mechanisms.offered(TLS) == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
        for name in mechanisms.offered(TLS):
            exchange = mechanisms.create(name, TLS)
            assert exchange is not None
            assert exchange.name == name
            assert kind(exchange.step(b"y,,n=user,r=x")) in (FailureKind.CREDENTIALS, FailureKind.MALFORMED)


class TestSaslprep:
    @pytest.mark.parametrize(
        ("text", "prepared"),
        [
            *(("I\u00adX", "IX"), ("user", "user"), ("USER", "USER"), ("\u00aa", "a"), ("\u2168", "IX")),
            *(("\u0007", None), ("\u0627\u0031", None), ("", ""), ("a\u00a0b", "a b"), ("\u0627b", None)),
        ],
    )
    def test_examples(self, text: str, prepared: str | None) -> None:
        """[RFC4013] 3."""
        assert saslprep(text) == prepared

    @given(st.text(max_size=20))
    def test_as_scramp_does(self, text: str) -> None:
        try:
            expected: str | None = reference_saslprep(text)
        except ScramException:
            expected = None
        if not any(map(stringprep.in_table_a1, unicodedata.ucd_3_2_0.normalize("NFKC", text))):  # it lets none pass
            assert saslprep(text) == expected


PIECES = [
    b"n",
    b"y",
    b"p=tls-unique",
    b",",
    b"a=",
    b"n=user",
    b"r=x",
    b"s=",
    b"c=biws",
    b"p=AAAA",
    b"=2C",
    b"\0",
    b"\xff",
]


@given(st.lists(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=9), max_size=4), st.booleans())
def test_no_octets_raise(messages: list[list[bytes]], plus: bool) -> None:
    exchange = ScramExchange(TLS, plus=plus)
    for message in messages:
        step = exchange.step(b"".join(message))
        if isinstance(step, AskScram):
            step = exchange.answer(PENCIL)
        assert isinstance(step, (Challenge, Failure))
