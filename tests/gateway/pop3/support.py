"""A POP3 front end on loopback over a real store, and a raw client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn
from uuid import UUID

from conversion.mime.rendition import render
from gateway.pop3.server import Pop3FrontEnd
from gateway.pop3.session import Pop3Limits, Pop3Options, Pop3Services
from gateway.runtime.connections import ConnectionLimits, Connections
from gateway.runtime.listeners import Endpoint, Listener, bind
from gateway.runtime.worker import StoreRunner
from gateway.sasl.registry import Mechanisms
from gateway.services.logon import LogonRefused, RefusalKind
from gateway.services.reading import MailReader
from gateway.services.signin import SignInService
from store.errors import AlreadyExists
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent
from store.store import Store, StoreSettings

REF = MailboxRef(1, UUID(int=1))
INBOX = int(SpecialFolder.INBOX)
SEED = (
    b"Subject: one\r\n\r\nfirst\r\n",
    b"Subject: two\r\n\r\n.dot\r\n..two\r\nthree\r\n.\r\nend\r\n",
    b"Subject: three\r\nX-Long: a\r\n b\r\n\r\nl1\r\nl2\r\nl3\r\n",
)


def put(mailbox: Mailbox, raw: bytes) -> int:
    """Deliver octets into the Inbox; the UID."""
    return mailbox.deliver(INBOX, MessageContent({}), mime=render(raw)).uid


class FakeLogon:
    """`alice` and `alice b` have the password `secret word`; some names end in other ways."""

    def __init__(self, ref: MailboxRef = REF) -> None:
        self.ref = ref
        self.attempts: list[Any] = []
        self.until: float | None = None

    async def authenticate(self, attempt: Any, peer: Any) -> Any:
        self.attempts.append((attempt, peer))
        kinds = {"away": RefusalKind.UNAVAILABLE, "disabled": RefusalKind.DISABLED, "many": RefusalKind.TOO_MANY}
        if attempt.login in kinds:
            raise LogonRefused(kinds[attempt.login], "as told")
        if attempt.login not in ("alice", "alice b") or attempt.password != "secret word":
            raise LogonRefused(RefusalKind.BAD_CREDENTIALS, "wrong")
        return SimpleNamespace(ref=self.ref, until=self.until, user=SimpleNamespace(id=1))

    async def refuse(
        self, login: str, peer: Any, error: Exception, *, mechanism: str, began: float | None = None
    ) -> NoReturn:
        raise error

    def admission(self, login: str, peer: Any) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def named(self, logon: Any, peer: Any, device: str) -> None:
        self.device = device


@dataclass
class Server:
    """A running front end."""

    front_end: Pop3FrontEnd
    port: int
    mailbox: Mailbox
    logon: FakeLogon
    connections: Connections
    store: Store
    services: Any


@asynccontextmanager
async def serving(
    root: Path,
    *,
    limits: Pop3Limits | None = None,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    plaintext: bool = True,
    seed: tuple[bytes, ...] = SEED,
    allowed: ConnectionLimits | None = None,
    options: Pop3Options | None = None,
    url: str | None = None,
    ref: MailboxRef = REF,
    **more: Any,
) -> AsyncIterator[Server]:
    store = Store(StoreSettings(root, url=url, durable=False), reader=MailReader())
    with suppress(AlreadyExists):
        store.create(ref, MailboxKind.PRIVATE)
    mailbox = store.open(ref)
    for raw in seed:
        put(mailbox, raw)
    runner = StoreRunner(inline=store.inline, group=store.group)
    logon = FakeLogon(ref)
    signin = SignInService(logon, Mechanisms(in_clear=lambda address: plaintext))
    binding = bind(Endpoint("pop3", "127.0.0.1", 0))
    connections = Connections(allowed)
    listener = Listener(
        binding.endpoint, binding.sockets[0], implicit=implicit, starttls=starttls, connections=connections
    )
    services = Pop3Services(signin, store.open, runner, **more)
    front_end = Pop3FrontEnd(services, [listener], limits, options)
    await front_end.start()
    try:
        yield Server(front_end, listener.port, mailbox, logon, connections, store, services)
    finally:
        await front_end.stop(1.0)
        binding.close()
        await runner.close()
        store.close()


class Client:
    """A raw socket that speaks in whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def line(self) -> bytes:
        """Read one line, without its CRLF; empty at the end of the stream."""
        line = await asyncio.wait_for(self.reader.readline(), 5)
        assert not line or line.endswith(b"\r\n")
        return line[:-2]

    async def say(self, command: bytes) -> bytes:
        self.send(command + b"\r\n")
        return await self.line()

    async def lines(self) -> list[bytes]:
        """The lines of a multi-line reply, dots not undone."""
        found = []
        while (line := await self.line()) != b".":
            found.append(line)
        return found

    async def ask(self, command: bytes) -> list[bytes]:
        """A command with a multi-line reply."""
        assert (await self.say(command)).startswith(b"+OK")
        return await self.lines()

    async def log_on(self) -> None:
        assert await self.say(b"USER alice") == b"+OK"
        assert (await self.say(b"PASS secret word")).startswith(b"+OK")

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 5)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        await self.writer.start_tls(context, server_hostname="localhost")


@asynccontextmanager
async def client(port: int, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None
    )
    one = Client(reader, writer)
    try:
        assert (await one.line()).startswith(b"+OK ")
        yield one
    finally:
        writer.close()
        with suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
