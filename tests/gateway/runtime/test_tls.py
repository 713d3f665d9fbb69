"""What the server knows of a TLS connection: channel bindings and the client's certificate."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from gateway.runtime.tls import NO_TLS, TlsContexts, TlsError, TlsFacts, end_point_binding, tls_facts
from tests.support.certificates import trusting_nobody, write_certificate


async def shake_hands(contexts: TlsContexts, client: ssl.SSLContext) -> tuple[TlsFacts, bytes, bytes]:
    """Connect once; give the server's facts, and the client's tls-unique and view of the server's certificate."""
    loop = asyncio.get_running_loop()
    seen: asyncio.Future[TlsFacts] = loop.create_future()

    class Server(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            seen.set_result(tls_facts(transport.get_extra_info("ssl_object")))
            transport.close()

    server = await loop.create_server(Server, "127.0.0.1", 0, ssl=contexts.context)
    try:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname="localhost")
        tls = writer.get_extra_info("ssl_object")
        unique, shown = tls.get_channel_binding("tls-unique"), tls.getpeercert(binary_form=True)
        facts = await asyncio.wait_for(seen, 5)
        await reader.read()
        writer.close()
        await writer.wait_closed()
    finally:
        server.close()
        await server.wait_closed()
    return facts, unique, shown


async def test_the_end_point_is_the_certificate_of_this_handshake_also_after_a_reload(tmp_path: Path) -> None:
    """[RFC5929] 4.1: the hash of the certificate that the client has seen."""
    contexts = TlsContexts(*write_certificate(tmp_path))
    facts, _, first = await shake_hands(contexts, trusting_nobody())
    assert facts.end_point == hashlib.sha256(first).digest()
    write_certificate(tmp_path, "renewed", "rsa")
    contexts.reload()
    facts, _, second = await shake_hands(contexts, trusting_nobody())
    assert second != first
    assert facts.end_point == hashlib.sha256(second).digest()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_unique_is_there_up_to_tls_1_2(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """[RFC9266] 3: with TLS 1.3 tls-unique is undefined."""
    client = trusting_nobody()
    client.maximum_version = version
    facts, unique, _ = await shake_hands(TlsContexts(*write_certificate(tmp_path)), client)
    assert facts.unique == (unique if version is ssl.TLSVersion.TLSv1_2 else b"")
    assert facts.certificate == b""


async def test_a_client_shows_its_certificate_or_none(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    contexts = TlsContexts(certificate, key, client_ca=certificate)
    facts, _, _ = await shake_hands(contexts, trusting_nobody())
    assert facts.certificate == b""
    client = trusting_nobody()
    client.load_cert_chain(certificate, key)
    facts, _, _ = await shake_hands(contexts, client)
    assert facts.certificate == ssl.PEM_cert_to_DER_cert(certificate.read_text())


async def test_a_certificate_of_another_ca_ends_the_handshake(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    certificate, key = write_certificate(tmp_path)
    client = trusting_nobody()
    client.maximum_version = ssl.TLSVersion.TLSv1_2  # there the client hears of it within its own handshake
    client.load_cert_chain(*write_certificate(tmp_path / "theirs", "stranger"))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await shake_hands(TlsContexts(certificate, key, client_ca=certificate), client)


def test_a_client_ca_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    with pytest.raises(TlsError, match=r"tls\.client_ca: cannot read .*absent\.pem"):
        TlsContexts(certificate, key, client_ca=tmp_path / "absent.pem")
    with pytest.raises(TlsError, match=r"tls\.client_ca: .* holds no CA"):
        TlsContexts(certificate, key, client_ca=key)


def test_without_tls_nothing_is_known() -> None:
    assert tls_facts(None) == NO_TLS == TlsFacts(b"", b"", b"")


@pytest.mark.parametrize(("algorithm", "name"), [(hashes.SHA256(), "sha256"), (hashes.SHA512(), "sha512")])
def test_the_hash_is_that_of_the_signature(algorithm: hashes.SHA256 | hashes.SHA512, name: str) -> None:
    """[RFC5929] 4.1: the hash function of the certificate's signatureAlgorithm."""
    certificate = make(ec.generate_private_key(ec.SECP256R1()), algorithm)
    der = certificate.public_bytes(serialization.Encoding.DER)
    assert end_point_binding(certificate) == hashlib.new(name, der).digest()


def test_md5_and_sha1_become_sha256(monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC5929] 4.1: SHA-256 stands for the two."""

    class Old:
        signature_hash_algorithm = hashes.SHA1()  # OpenSSL makes no such certificate any more

        def fingerprint(self, algorithm: hashes.HashAlgorithm) -> bytes:
            return algorithm.name.encode()

    assert end_point_binding(Old()) == b"sha256"  # type: ignore[arg-type]


def test_a_signature_without_a_hash_has_no_binding() -> None:
    assert end_point_binding(make(ed25519.Ed25519PrivateKey.generate(), None)) == b""


def make(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey,
    algorithm: hashes.SHA256 | hashes.SHA512 | None,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, algorithm)
    )
