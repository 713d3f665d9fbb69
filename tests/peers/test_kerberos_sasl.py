"""GSSAPI and GSS-SPNEGO against a real KDC, with MIT's library as the client."""

from __future__ import annotations

import shutil
import tempfile
import timeit
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sasl.kerberos import KerberosAcceptor, KerberosExchange
from gateway.sasl.mechanism import Challenge, Failure, FailureKind, ProvedAttempt, Step
from tests.peers.kdc import HOST, REALM, Kdc

gssapi: Any = pytest.importorskip("gssapi", reason="the extra `kerberos` is not installed")

SPNEGO = gssapi.OID.from_int_seq("1.3.6.1.5.5.2")
REALMS = {REALM: "example.test"}


@pytest.fixture(scope="module")
def kdc() -> Iterator[Kdc]:
    folder = Path(tempfile.mkdtemp(prefix="oxgate-kdc-"))
    try:
        kdc = Kdc(folder)
        try:
            kdc.start()
            yield kdc
        finally:
            kdc.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def alice(kdc: Kdc, monkeypatch: pytest.MonkeyPatch) -> None:
    use(kdc.kinit("alice"), monkeypatch)


def use(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client's library in this process find tickets; the acceptor takes nothing from there but the realm."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


class Client:
    """The client's side of both mechanisms ([RFC4752] 3.1)."""

    def __init__(self, service: str = "imap", *, spnego: bool = False, mutual: bool = True, authzid: str = "") -> None:
        flags = [gssapi.RequirementFlag.integrity, gssapi.RequirementFlag.out_of_sequence_detection]
        if mutual:
            flags.append(gssapi.RequirementFlag.mutual_authentication)
        self.context = gssapi.SecurityContext(
            name=gssapi.Name(f"{service}@{HOST}", gssapi.NameType.hostbased_service),
            mech=SPNEGO if spnego else gssapi.MechType.kerberos,
            flags=flags,
            usage="initiate",
        )
        self.spnego = spnego
        self.authzid = authzid
        self.offer = b""

    def answer(self, challenge: bytes | None) -> bytes:
        if not self.context.complete:
            return self.context.step(challenge or None) or b""
        if self.spnego or not challenge:
            return b""
        self.offer = self.context.unwrap(challenge).message
        return bytes(self.context.wrap(b"\1\0\0\0" + self.authzid.encode(), False).message)


def sign_in(client: Client, acceptor: KerberosAcceptor) -> Step:
    exchange = KerberosExchange(acceptor, spnego=client.spnego)
    step = exchange.step(client.answer(None))
    while isinstance(step, Challenge):
        step = exchange.step(client.answer(step.data))
    return step


@pytest.fixture
def acceptor(kdc: Kdc) -> KerberosAcceptor:
    acceptor = KerberosAcceptor(kdc.keytab, REALMS)
    acceptor.check()
    return acceptor


@pytest.mark.usefixtures("alice")
class TestSignIn:
    @pytest.mark.parametrize("service", ["imap", "pop", "smtp"])
    @pytest.mark.parametrize("mutual", [True, False])
    def test_gssapi(self, acceptor: KerberosAcceptor, service: str, mutual: bool) -> None:
        """One keytab serves all protocols; the only layer on offer is none ([RFC4752] 3.2, 3.3)."""
        client = Client(service, mutual=mutual)
        assert sign_in(client, acceptor) == ProvedAttempt("GSSAPI", "alice@example.test")
        assert client.offer == b"\1\0\0\0"

    def test_authorization_identity(self, acceptor: KerberosAcceptor) -> None:
        step = sign_in(Client(authzid="sales@example.test"), acceptor)
        assert step == ProvedAttempt("GSSAPI", "alice@example.test", "sales@example.test")

    def test_spnego(self, acceptor: KerberosAcceptor) -> None:
        assert sign_in(Client(spnego=True), acceptor) == ProvedAttempt("GSS-SPNEGO", "alice@example.test")

    def test_realm_of_the_keytab(self, kdc: Kdc) -> None:
        acceptor = KerberosAcceptor(kdc.keytab, {}, default_domain="mail.example")
        assert sign_in(Client(), acceptor) == ProvedAttempt("GSSAPI", "alice@mail.example")

    def test_realm_that_is_not_taken(self, kdc: Kdc) -> None:
        step = sign_in(Client(), KerberosAcceptor(kdc.keytab, {"OTHER.TEST": "example.test"}))
        assert isinstance(step, Failure)
        assert step.kind is FailureKind.CREDENTIALS
        assert f"alice@{REALM}" in step.text

    @pytest.mark.parametrize("spnego", [False, True])
    def test_replay(self, acceptor: KerberosAcceptor, spnego: bool) -> None:
        """The library remembers tokens ([RFC4120] 3.2.3)."""
        client = Client(spnego=spnego)
        token = client.answer(None)
        assert isinstance(KerberosExchange(acceptor, spnego=spnego).step(token), Challenge)
        step = KerberosExchange(acceptor, spnego=spnego).step(token)
        assert isinstance(step, Failure)
        assert step.kind is FailureKind.CREDENTIALS
        assert "replay" in step.text.lower()

    @pytest.mark.parametrize("place", range(1, 200, 13))
    def test_damaged_token(self, acceptor: KerberosAcceptor, place: int) -> None:
        """The end of a token is the authenticator, encrypted. Some of its beginning is not, and says nothing."""
        token = bytearray(Client().answer(None))
        token[-place] ^= 0x20
        step = KerberosExchange(acceptor, spnego=False).step(bytes(token))
        assert isinstance(step, Failure)
        assert step.kind is FailureKind.CREDENTIALS

    def test_key_that_is_not_ours(self, kdc: Kdc, tmp_path: Path, acceptor: KerberosAcceptor) -> None:
        """A ticket for another service of the realm."""
        if "HTTP/" not in kdc.admin("listprincs"):
            kdc.admin(f"addprinc -randkey HTTP/{HOST}")
        step = KerberosExchange(acceptor, spnego=False).step(Client("HTTP").answer(None))
        assert isinstance(step, Failure)
        assert step.kind is FailureKind.CREDENTIALS

    @pytest.mark.parametrize("token", [b"x", b"\x60\x82\xff\xff", b"NTLMSSP\0\1\0\0\0", b"\0" * 9000])
    @pytest.mark.parametrize("spnego", [False, True])
    def test_no_token_of_kerberos(self, acceptor: KerberosAcceptor, token: bytes, spnego: bool) -> None:
        step = KerberosExchange(acceptor, spnego=spnego).step(token)
        assert isinstance(step, Failure)

    def test_time(self, acceptor: KerberosAcceptor, capsys: pytest.CaptureFixture[str]) -> None:
        """Accepting must not hold up the loop: well under 10 ms with the replay cache's write to disk."""
        tokens = iter([Client().answer(None) for _ in range(20)])
        seconds = min(
            timeit.repeat(lambda: KerberosExchange(acceptor, spnego=False).step(next(tokens)), number=1, repeat=20)
        )
        with capsys.disabled():
            print(f"\nKerberos accept: {seconds * 1e6:.0f} us")
        assert seconds < 0.01


def test_admin_instance_is_no_mail_user(kdc: Kdc, acceptor: KerberosAcceptor, monkeypatch: pytest.MonkeyPatch) -> None:
    use(kdc.kinit("alice/admin"), monkeypatch)
    step = sign_in(Client(), acceptor)
    assert isinstance(step, Failure)
    assert step.kind is FailureKind.CREDENTIALS


def test_keytab_that_is_none(tmp_path: Path) -> None:
    keytab = tmp_path / "mail.keytab"
    keytab.write_bytes(b"not a keytab")
    with pytest.raises(ValueError, match=r"mail\.keytab"):
        KerberosAcceptor(keytab, REALMS).check()
