"""An IMAP server in memory: real store, real connection, a transport that is a list of bytes."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from directory.model import Principal, PrincipalKind
from gateway.imap.connection import ImapConnection
from gateway.imap.environment import ImapServices, ImapSettings
from gateway.runtime.worker import StoreRunner
from gateway.sasl.mechanism import PasswordAttempt, ProvedAttempt
from gateway.sasl.registry import Mechanisms
from gateway.services.logon import Logon, LogonRefused, PeerInfo, RefusalKind
from gateway.services.reading import MailReader
from gateway.services.signin import SignInService
from gateway.services.watch import Watch
from store.changes import MessageRow
from store.ids import MailboxKind, MailboxRef
from store.mailbox import Mailbox
from store.mapi.message import MessageContent
from store.store import Store, StoreSettings

REF = MailboxRef(1, uuid.UUID(int=1))
ALICE = Principal(
    1,
    REF.guid,
    "CN=alice",
    "/o=x/cn=alice",
    PrincipalKind.USER,
    "alice",
    "alice@example.test",
    (),
    "Alice",
    True,
    False,
    1,
    "",
)
MAIL = (
    b"From: bob@example.test\r\nTo: alice@example.test\r\nSubject: hello\r\n"
    b"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nbody\r\n"
)


class FakeLogon:
    """One account, alice with `password`; `slow` and `refusal` change how it answers."""

    def __init__(self) -> None:
        self.attempts: list[PasswordAttempt] = []
        self.until: float | None = None
        self.device = ""
        self.refusal = RefusalKind.BAD_CREDENTIALS

    async def authenticate(self, attempt: PasswordAttempt | ProvedAttempt, peer: PeerInfo) -> Logon:
        assert isinstance(attempt, PasswordAttempt)
        self.attempts.append(attempt)
        await asyncio.sleep(0)
        if attempt.login != "alice" or attempt.password != "password":
            raise LogonRefused(self.refusal, "no")
        return Logon(ALICE, ALICE, REF, until=self.until)

    async def refuse(
        self, login: str, peer: PeerInfo, error: Exception, *, mechanism: str, began: float | None = None
    ) -> NoReturn:
        raise error

    def admission(self, login: str, peer: PeerInfo) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def named(self, logon: Any, peer: PeerInfo, device: str) -> None:
        self.device = device

    async def account_of(self, login: str) -> Principal | None:
        return ALICE if login == "alice" else None


class FakeTransport:
    """What gateway.runtime.transport.Transport promises, without a socket."""

    def __init__(self, protocol: ImapConnection) -> None:
        self.id = 1
        self.tls = False
        self.protocol = protocol
        self.output = bytearray()
        self.writes: list[int] = []
        self.disconnecting = False
        self.lost = False
        self.reading = True
        self.unsent = 0
        self.drains = 0

    def write(self, data: bytes) -> None:
        if not self.lost and not self.disconnecting:
            self.output += data
            self.writes.append(len(data))

    def writeSequence(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def write_buffer_size(self) -> int:
        return self.unsent

    async def drain(self) -> None:
        self.drains += 1
        if self.lost:
            raise ConnectionResetError("connection lost")

    def pauseProducing(self) -> None:
        self.reading = False

    def resumeProducing(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str, default: object = None) -> object:
        return default

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "127.0.0.1", 1)

    def loseConnection(self) -> None:
        self.disconnecting = True
        self.lose()

    def abortConnection(self) -> None:
        self.disconnecting = True
        self.lose()

    def startTLS(self, context: object) -> None:
        self.tls = True

    def lose(self) -> None:
        if not self.lost:
            self.lost = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


_LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")


def split(output: bytes) -> list[bytes]:
    """Responses, without their line end; a literal belongs to its response."""
    found = []
    start = at = 0
    while at < len(output):
        end = output.index(b"\r\n", at) + 2
        literal = _LITERAL.search(output[start:end])
        if literal:
            at = end + int(literal[1])
            continue
        found.append(output[start : end - 2])
        start = at = end
    return found


class Client:
    """A client's side of one connection."""

    def __init__(self, connection: ImapConnection) -> None:
        self.connection = connection
        self.transport = FakeTransport(connection)
        self.number = 0
        connection.makeConnection(self.transport)  # type: ignore[arg-type]

    async def settle(self) -> None:
        """Until the connection has nothing to do."""
        for _ in range(3):
            await asyncio.sleep(0)
        while (task := self.connection._task) is not None and self.connection._waiter is None:
            await asyncio.wait({task}, timeout=0.01)

    def take(self) -> list[bytes]:
        """What has been sent since the last look."""
        output = bytes(self.transport.output)
        self.transport.output.clear()
        return split(output)

    async def send(self, data: bytes) -> list[bytes]:
        """Send octets as they are; they arrive in a turn of the loop of their own."""
        await asyncio.sleep(0)
        self.connection.dataReceived(data)
        await self.settle()
        return self.take()

    async def __call__(self, command: str | bytes) -> list[bytes]:
        """Send one command under a new tag and give its responses; the last is the tagged one, without its tag."""
        self.number += 1
        tag = b"t%d" % self.number
        line = command.encode() if isinstance(command, str) else command
        lines = await self.send(tag + b" " + line + b"\r\n")
        assert lines, "no response"
        assert lines[-1].startswith(tag + b" "), lines
        return [*lines[:-1], lines[-1][len(tag) + 1 :]]

    async def ok(self, command: str | bytes) -> list[bytes]:
        """As call, and the reply must be OK; gives the untagged responses."""
        lines = await self(command)
        assert lines[-1].startswith(b"OK"), lines
        return lines[:-1]

    async def login(self) -> Client:
        self.take()
        await self.ok("LOGIN alice password")
        return self


class Server:
    """Store, services and clients of one test."""

    def __init__(self, root: Path, settings: ImapSettings | None = None, url: str | None = None) -> None:
        self.watch = Watch()
        self.store = Store(StoreSettings(root, url=url, durable=False), reader=MailReader(), publish=self.watch.publish)
        self.store.create(REF, MailboxKind.PRIVATE)
        self.runner = StoreRunner(inline=self.store.inline, group=self.store.group, attempt=self.store.attempt)
        self.logon = FakeLogon()
        self.plaintext = True
        self.services = ImapServices(
            self.runner,
            self.store,
            SignInService(self.logon, Mechanisms(in_clear=lambda address: self.plaintext)),
            self.watch,
            settings=settings or ImapSettings(version="1.0"),
            account_of=self.logon.account_of,
        )
        self.connections: set[ImapConnection] = set()
        self.tls: object | None = None

    @property
    def mailbox(self) -> Mailbox:
        return self.store.open(REF)

    def connect(self) -> Client:
        return Client(ImapConnection(self.services, self.connections, self.tls))  # type: ignore[arg-type]

    async def client(self, select: str | None = "INBOX") -> Client:
        """A client that has logged in, and selected a mailbox unless None."""
        client = await self.connect().login()
        if select is not None:
            await client.ok(f"SELECT {select}")
        return client

    def deliver(
        self,
        raw: bytes = MAIL,
        folder: str = "INBOX",
        flags: int = 0,
        keywords: Iterable[str] = (),
        date: int | None = None,
    ) -> MessageRow:
        mailbox = self.mailbox
        row = mailbox.folder(tuple(folder.split("/")))
        return mailbox.deliver(
            row.id,
            MessageContent({}),
            mime=render(normalise_newlines(raw)),
            flags=flags,
            keywords=keywords,
            internal_date=int(time.time()) if date is None else date,
        )

    async def close(self) -> None:
        await self.runner.close()
        self.store.close()


Factory = Callable[[], Server]
