"""A front end on loopback with fakes behind it, and a raw client."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.runtime.connections import ConnectionLimits, Connections
from gateway.runtime.listeners import Endpoint, Listener, bind
from gateway.sasl.registry import Mechanisms
from gateway.services.logon import LogonRefused, RefusalKind
from gateway.services.outcomes import Outcome, Problem, Recipient, Refusal
from gateway.services.signin import SignInService
from gateway.smtp.profile import Profile, Service, SmtpLimits
from gateway.smtp.server import SmtpFrontEnd, SmtpPort
from gateway.smtp.session import SmtpServices
from gateway.smtp.transaction import SmtpConnection


def make_certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server context with a fresh certificate for localhost, and a client context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    server.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(pem)
    return server, client


@dataclass
class FakeDelivery:
    """Knows some addresses, keeps what it gets."""

    known: dict[str, Problem | None] = field(
        default_factory=lambda: {"alice@example.test": None, "bob@example.test": None, "grüße@example.test": None}
    )
    """Address -> what its delivery comes to."""
    refusals: dict[str, Refusal] = field(default_factory=dict)
    messages: list[SimpleNamespace] = field(default_factory=list)
    fails: Exception | None = None
    gate: asyncio.Event | None = None

    async def resolve(self, address: str, *, size: int = 0) -> Recipient:
        if address in self.refusals:
            return Recipient(address, (), self.refusals[address])
        if address.endswith("@example.test") or "@" not in address:
            return Recipient(address, (), None if address in self.known else Refusal.UNKNOWN)
        return Recipient(address, (), Refusal.RELAY)

    async def deliver(
        self,
        raw: bytes,
        *,
        reverse_path: str,
        recipients: Sequence[str | Recipient],
        received: bytes = b"",
        separately: bool = False,
    ) -> list[Outcome]:
        if self.gate is not None:
            await self.gate.wait()
        if self.fails is not None:
            raise self.fails
        names = [item if isinstance(item, str) else item.address for item in recipients]
        self.messages.append(
            SimpleNamespace(
                raw=raw, reverse_path=reverse_path, recipients=names, received=received, separately=separately
            )
        )
        return [Outcome(name, self.known[name]) for name in names]


class FakeLogon:
    """alice has the password `secret`; some names end in other ways."""

    def __init__(self) -> None:
        self.attempts: list[Any] = []
        self.until: float | None = None

    async def authenticate(self, attempt: Any, peer: Any) -> Any:
        self.attempts.append((attempt, peer))
        kinds = {"away": RefusalKind.UNAVAILABLE, "disabled": RefusalKind.DISABLED, "many": RefusalKind.TOO_MANY}
        if attempt.login in kinds:
            raise LogonRefused(kinds[attempt.login], "as told")
        if (attempt.login, attempt.password) != ("alice", "secret"):
            raise LogonRefused(RefusalKind.BAD_CREDENTIALS, "wrong")
        return SimpleNamespace(user=SimpleNamespace(address="alice@example.test"), until=self.until)

    async def refuse(
        self, login: str, peer: Any, error: Exception, *, mechanism: str, began: float | None = None
    ) -> NoReturn:
        raise error

    def admission(self, login: str, peer: Any) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def named(self, logon: Any, peer: Any, device: str) -> None:
        self.device = device


class FakeSenders:
    """alice may send as herself, as sales, and as nobody."""

    async def may_send(self, user: Any, reverse_path: str) -> bool:
        return reverse_path in ("", user.address, "sales@example.test")

    async def missing_fields(self, user: Any, raw: bytes) -> bytes | None:
        return None if b"From: boss@" in raw else b""


@dataclass
class Server:
    """A running front end."""

    front_end: SmtpFrontEnd
    port: int
    delivery: FakeDelivery
    logon: FakeLogon
    connections: Connections


@asynccontextmanager
async def serving(
    service: Service = Service.TRANSFER,
    *,
    limits: SmtpLimits | None = None,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    plaintext: bool = False,
    delivery: FakeDelivery | None = None,
    allowed: ConnectionLimits | None = None,
) -> AsyncIterator[Server]:
    delivery = delivery or FakeDelivery()
    logon = FakeLogon()
    signin = SignInService(logon, Mechanisms(in_clear=lambda address: plaintext))
    binding = bind(Endpoint("smtp", "127.0.0.1", 0))
    connections = Connections(allowed)
    listener = Listener(
        binding.endpoint, binding.sockets[0], implicit=implicit, starttls=starttls, connections=connections
    )
    services = SmtpServices(delivery, signin, FakeSenders(), "mx.example.test")
    front_end = SmtpFrontEnd(services, [SmtpPort(listener, service)], limits)
    await front_end.start()
    try:
        yield Server(front_end, listener.port, delivery, logon, connections)
    finally:
        await front_end.stop(1.0)
        binding.close()


def unconnected() -> SmtpConnection:
    """A connection whose commands a test runs itself."""
    signin = SignInService(FakeLogon(), Mechanisms(in_clear=lambda address: False))
    services = SmtpServices(FakeDelivery(), signin, FakeSenders(), "mx.example.test")
    profile = Profile(Service.TRANSFER, None, "test")
    return SmtpConnection(asyncio.get_running_loop(), Connections(None), SmtpLimits(), services, profile)


class Client:
    """A raw socket that speaks in whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self) -> list[str]:
        """Read one reply; its lines without the line ends, `[]` at the end of the stream."""
        lines: list[str] = []
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 5)
            if not line:
                return lines
            assert line.endswith(b"\r\n")
            lines.append(line[:-2].decode())
            if line[3:4] == b" ":
                return lines

    async def say(self, command: bytes) -> str:
        """Send one line, return the last line of its reply."""
        self.send(command + b"\r\n")
        return (await self.reply())[-1]

    async def codes(self, count: int) -> list[str]:
        """Read that many replies; their three digits."""
        return [(await self.reply())[-1][:3] for _ in range(count)]

    async def rest(self) -> bytes:
        """Everything up to the end of the stream."""
        return await asyncio.wait_for(self.reader.read(), 5)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        await self.writer.start_tls(context, server_hostname="localhost")


@asynccontextmanager
async def client(port: int, *, hello: bytes | None = b"EHLO client.test", tls: ssl.SSLContext | None = None) -> Any:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
    )
    one = Client(reader, writer)
    try:
        greeting = await one.reply()
        assert greeting[0].startswith("220 ")
        if hello is not None:
            assert (await one.say(hello)).startswith("250 ")
        yield one
    finally:
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
