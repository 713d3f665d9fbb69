"""Keys for SCRAM, real and made up; whose a certificate is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier
from hypothesis import given
from hypothesis import strategies as st

from directory.errors import DirectoryUnavailable
from directory.model import Principal
from directory.secrets import ScramSecret, scram_secret
from gateway.sasl.external import AskCertificate
from gateway.sasl.peer import PeerInfo
from gateway.sasl.scram import AskScram, ScramKeys
from gateway.services.logon import LogonPolicy, LogonRefused, RefusalKind
from gateway.services.names import LoginName
from gateway.services.proofs import UPN, CertificateVerifier, ScramVerifier, certificate_names

PEER = PeerInfo("imap", "192.0.2.1", tls=True)
POLICY = LogonPolicy("example.test", "EXAMPLE", ("example.test", "other.test"))
SECRET = scram_secret("pencil", b"s" * 16)
KEY = ec.generate_private_key(ec.SECP256R1())


class Account:
    """As much of a Principal as the verifiers look at."""

    def __init__(self, number: int) -> None:
        self.id = number


class Users:
    """alice (1) has keys, bob (2) has none yet."""

    away = False

    def find_user(self, name: LoginName) -> Principal | None:
        if self.away:
            raise DirectoryUnavailable("locked")
        number = {"alice": 1, "alice@example.test": 1, "bob@example.test": 2}.get(name.user.lower())
        return Account(number) if number else None  # type: ignore[return-value] - as much as is looked at

    def scram_secret(self, principal_id: int) -> ScramSecret | None:
        return SECRET if principal_id == 1 else None


def scram(users: Users | None = None, *, inline: bool = True, key: bytes = b"k" * 32) -> ScramVerifier:
    users = users or Users()
    return ScramVerifier(users, users.find_user, POLICY, decoy_key=key, inline=inline)


def keys(login: str, verifier: ScramVerifier | None = None) -> ScramKeys:
    return asyncio.run((verifier or scram())(AskScram(login), PEER))


class TestScram:
    @pytest.mark.parametrize("inline", [True, False])
    def test_account(self, inline: bool) -> None:
        expected = ScramKeys(SECRET.salt, SECRET.iterations, SECRET.stored_key, SECRET.server_key, 1)
        assert keys("alice", scram(inline=inline)) == expected
        assert keys("EXAMPLE/alice/sales", scram(inline=inline)) == expected

    @pytest.mark.parametrize("login", ["nobody", "bob@example.test", "", "x" * 1000, "\udc80"])
    def test_decoy(self, login: str) -> None:
        """Like real keys, the same in every worker and after a restart, and of nobody."""
        decoy = keys(login)
        assert decoy == keys(login)
        assert decoy.principal == 0
        assert (len(decoy.salt), decoy.iterations) == (len(SECRET.salt), SECRET.iterations)
        assert (len(decoy.stored_key), len(decoy.server_key)) == (32, 32)
        assert len({decoy.salt, decoy.stored_key[:16], decoy.server_key[:16]}) == 3

    def test_all_spellings_of_a_name_have_one_salt(self) -> None:
        """As those of an account have; other names, other domains and other servers have others."""
        spellings = ["nobody", "Nobody@EXAMPLE.test", "example\\nobody", "EXAMPLE/nobody/sales", "example.test/nobody"]
        assert len({keys(login).salt for login in spellings}) == 1
        # What an international domain is read as is the same domain ([RFC3490] 3.1); behind it nothing is.
        folded = ["nobody@example\u3002test", "nobody@ex\u00adample.test", "NOBODY@\uff45xample.test"]
        assert {keys(login).salt for login in folded} == {keys("nobody").salt}
        assert keys("example\u3002test\\nobody").salt != keys("nobody").salt
        others = [keys(login).salt for login in ("nobody", "nobody2", "nobody@other.test")]
        assert len({*others, keys("nobody", scram(key=b"l" * 32)).salt}) == 4

    def test_directory_away(self) -> None:
        users = Users()
        users.away = True
        with pytest.raises(LogonRefused) as caught:
            keys("alice", scram(users))
        assert caught.value.kind is RefusalKind.UNAVAILABLE

    def test_short_key(self) -> None:
        with pytest.raises(ValueError, match="too short"):
            scram(key=b"short")


def certificate(subject: tuple[str, ...] = (), alternative: tuple[x509.GeneralName, ...] = ()) -> bytes:
    """Make a client certificate, DER."""
    name = x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, each) for each in subject])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    if alternative:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def upn(name: str) -> x509.OtherName:
    data = name.encode()
    length = bytes([len(data)]) if len(data) < 128 else bytes([0x81, len(data)])
    return x509.OtherName(UPN, b"\x0c" + length + data)


async def owner(
    der: bytes, authorization: str | None = None, users: Users | None = None, inline: bool = True
) -> str | None:
    verifier = CertificateVerifier((users or Users()).find_user, inline=inline)
    return await verifier(AskCertificate(der, authorization), PEER)


class TestCertificate:
    def test_names_in_order(self) -> None:
        """[RFC5280] 4.2.1.6, [MS-WCCE] 2.2.2.7.7.4."""
        der = certificate(
            ("legacy@example.test", "a@example.test"),
            (upn("u@example.test"), x509.DNSName("example.test"), x509.RFC822Name("a@example.test")),
        )
        assert list(certificate_names(der)) == ["a@example.test", "u@example.test", "legacy@example.test"]

    @pytest.mark.parametrize(
        "der",
        [
            certificate(("alice@example.test",)),
            certificate((), (x509.RFC822Name("alice@example.test"),)),
            certificate((), (upn("alice@example.test"),)),
            certificate((), (x509.RFC822Name("stranger@example.test"), upn("Alice@Example.test"))),
        ],
    )
    @pytest.mark.parametrize("inline", [True, False])
    async def test_account(self, der: bytes, inline: bool) -> None:
        name = await owner(der, inline=inline)
        assert name is not None
        assert name.lower() == "alice@example.test"

    async def test_one_of_several(self) -> None:
        """The client may pick among the names that are vouched for; a mailbox is no name."""
        der = certificate((), (x509.RFC822Name("alice@example.test"), x509.RFC822Name("bob@example.test")))
        assert await owner(der) == "alice@example.test"
        assert await owner(der, "BOB@example.test") == "bob@example.test"
        assert await owner(der, "sales@example.test") == "alice@example.test"

    @pytest.mark.parametrize(
        "der",
        [
            *(b"", b"x", b"\x30\x03\x02\x01\x01"),
            certificate(),
            certificate(("mallory@evil.example",)),
            certificate(("alice",)),
            certificate(("example.test/alice",)),
            certificate(("EXAMPLE\\alice",)),
            certificate(("alice@example.test/x",)),
            certificate(("x@alice@example.test",)),
            certificate((), (x509.RFC822Name("alice"), x509.DNSName("alice@example.test"))),
            certificate((), (upn("alice@example.test\0.evil.example"),)),
            certificate((), (x509.OtherName(UPN, b"\x16\x12alice@example.test"),)),
            certificate((), (x509.OtherName(ObjectIdentifier("1.2.3"), b"\x0c\x12alice@example.test"),)),
        ],
    )
    async def test_nobody(self, der: bytes) -> None:
        """Only addresses: any other form would be read as a domain, an account or a mailbox of the owner's choice."""
        assert await owner(der) is None
        assert await owner(der, "alice@example.test") is None

    def test_long_upn(self) -> None:
        long = "a" * 180 + "@example.test"
        assert list(certificate_names(certificate((), (upn(long),)))) == [long]

    async def test_directory_away(self) -> None:
        users = Users()
        users.away = True
        with pytest.raises(LogonRefused) as caught:
            await owner(certificate(("alice@example.test",)), users=users)
        assert caught.value.kind is RefusalKind.UNAVAILABLE

    # The library warns of some damage, such as a serial number of zero; what matters here is that nothing is raised.
    @pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
    @given(st.binary(max_size=40), st.integers(0, 400), st.binary(min_size=1, max_size=3))
    def test_no_certificate_raises(self, value: bytes, place: int, change: bytes) -> None:
        for der in (value, CERTIFICATE[:place] + change + CERTIFICATE[place + len(change) :]):
            assert all("@" in name for name in certificate_names(der))


CERTIFICATE = certificate(("a@b.test",), (upn("c@d.test"), x509.RFC822Name("e@f.test")))
