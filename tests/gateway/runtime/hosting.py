"""Hosts a protocol on each kind of transport and plays a scenario against it."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.main import installReactor
from twisted.internet.protocol import Protocol

from gateway.runtime.connections import Connections
from gateway.runtime.fallback import FallbackFactory
from gateway.runtime.loop import new_loop
from gateway.runtime.tls import TlsContexts
from gateway.runtime.transport import HostedTransport

KINDS = ["uvloop", "asyncio", "twisted"]
PATIENCE = 20.0


@cache
def _pair(name: str, kind: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def write_certificate(folder: Path, name: str = "localhost", kind: str = "ec") -> tuple[Path, Path]:
    """Write a self-signed certificate and its key; the same names each time, so that a second call exchanges them."""
    certificate, key = _pair(name, kind)
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate)
    paths[1].write_bytes(key)
    return paths


def trusting_nobody() -> ssl.SSLContext:
    """Make a client context that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Host:
    """A listening port of one kind, inside the running loop."""

    kind: str
    contexts: TlsContexts
    connections: Connections
    port: int = 0

    async def connect(self, *, tls: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = trusting_nobody() if tls else None
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=context, limit=2**24)


def play(
    kind: str,
    folder: Path,
    protocol: Callable[[Host], Protocol],
    scenario: Callable[[Host], Awaitable[None]],
    *,
    implicit: bool = False,
    connections: Connections | None = None,
) -> None:
    """Serve `protocol` and run `scenario`, on a loop of its own."""
    contexts = TlsContexts(*write_certificate(folder))
    loop = new_loop() if kind == "uvloop" else asyncio.new_event_loop()
    errors: list[str] = []
    loop.set_exception_handler(lambda loop, context: errors.append(str(context)))

    async def main() -> None:
        host = Host(kind, contexts, connections if connections is not None else Connections())
        if kind == "twisted":
            reactor = AsyncioSelectorReactor(loop)
            installReactor(reactor)
            try:
                factory = FallbackFactory(lambda: protocol(host), options=contexts.twisted(), implicit=implicit)
                port = (
                    reactor.listenSSL(0, factory, contexts.twisted(), interface="127.0.0.1")
                    if implicit
                    else reactor.listenTCP(0, factory, interface="127.0.0.1")
                )
                host.port = port.getHost().port
                await asyncio.wait_for(scenario(host), PATIENCE)
                port.stopListening()
                await asyncio.sleep(0)
            finally:
                del sys.modules["twisted.internet.reactor"]
            return
        server = await loop.create_server(
            lambda: HostedTransport(protocol(host), host.connections),
            "127.0.0.1",
            0,
            ssl=contexts.context if implicit else None,
        )
        host.port = server.sockets[0].getsockname()[1]
        try:
            await asyncio.wait_for(scenario(host), PATIENCE)
        finally:
            server.close()
            for hosted in list(host.connections.active):
                hosted.abortConnection()
            await asyncio.sleep(0)

    try:
        loop.run_until_complete(main())
        assert errors == []
    finally:
        loop.close()
