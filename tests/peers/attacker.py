"""Who attacks: connections from an address of one's choice, and the server that is attacked.

The server hashes cheaply and has a tarpit of 20 ms, so that ten thousand guesses fit into seconds; 127.0.0.1 is
trusted, the attackers come from 127.0.1.x, right users from 127.0.2.x (known there) and 127.0.3.x (never seen there).
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.server import PASSWORD, PeerServer


def serve(folder: Path, users: int, workers: int, settings: dict[str, str]) -> PeerServer:
    """Make and start a server of our own settings, which hold from the first password on."""
    server = PeerServer(folder, workers=workers, users=users)
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        server.init()
        server.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    return server


@pytest.fixture(scope="module")
def attacked() -> Iterator[PeerServer]:
    """A server under attack: see above."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-attacks-"))
    server = serve(
        folder,
        users=100,
        workers=2,
        settings={
            "OXGATE_DIRECTORY__ARGON2_MEMORY": "8",
            "OXGATE_DIRECTORY__ARGON2_TIME": "1",
            "OXGATE_AUTH__TARPIT": "0.02",
            "OXGATE_PROTECTION__MAX_TARPIT": "0.02",
            "OXGATE_AUTH__MAX_FAILURES": "1000",
            "OXGATE_AUTH__CACHE": "0",
            "OXGATE_SMTP__MAX_ERRORS": "1000",
            "OXGATE_PROTECTION__TRUSTED": "127.0.0.1",
            "OXGATE_PROTECTION__ADDRESS_FAILURES": "30",
            "OXGATE_LOG__LEVEL": "error",
            "OXGATE_AUTH__MECHANISMS": "PLAIN,LOGIN,NTLM,XOAUTH2",
            "OXGATE_OAUTH__ISSUER": "https://127.0.0.1:9/",
            "OXGATE_OAUTH__AUDIENCE": "oxgate",
        },
    )
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


class Line:
    """A connection of one protocol, in the clear or under TLS, from an address of our choice."""

    def __init__(self, server: PeerServer, protocol: str, source: str = "127.0.0.1") -> None:
        port = {"imap": server.imap, "pop3": server.pop3, "smtp": server.submission}[protocol]
        self.protocol = protocol
        OPEN.append(self)
        self.socket = socket.create_connection(("127.0.0.1", port), 20, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.read()
        if protocol == "smtp":
            self.ask(b"EHLO attacker.test")

    def read(self) -> bytes:
        """One reply: of SMTP its last line, of IMAP the tagged or continuation line."""
        while True:
            line = self.file.readline()
            assert line, f"{self.protocol}: connection closed"
            if self.protocol == "smtp" and line[3:4] == b"-":
                continue
            if self.protocol == "imap" and line.startswith(b"* ") and not line.startswith((b"* OK", b"* PRE")):
                continue
            return line.rstrip(b"\r\n")

    def ask(self, text: bytes) -> bytes:
        """Send a line, read the reply; IMAP commands get the tag `a`."""
        self.socket.sendall(text + b"\r\n")
        return self.read()

    def command(self, text: bytes) -> bytes:
        """Send a command, tagged where the protocol wants it."""
        return self.ask(b"a " + text if self.protocol == "imap" else text)

    def auth(self, mechanism: bytes) -> bytes:
        """Begin an exchange."""
        return self.command((b"AUTHENTICATE " if self.protocol == "imap" else b"AUTH ") + mechanism)

    def sign_in(self, user: str, password: str) -> bytes:
        """Sign in by PLAIN, in two steps, which all protocols have; the last reply, without its tag."""
        assert self.auth(b"PLAIN")[:1] in {b"+", b"3"}
        return self.ask(base64.b64encode(f"\0{user}\0{password}".encode())).removeprefix(b"a ")

    def is_in(self, reply: bytes) -> bool:
        """Whether a reply says that somebody has signed in."""
        return reply.removeprefix(b"a ").startswith((b"OK", b"+OK", b"235"))

    def close(self) -> None:
        self.file.close()
        self.socket.close()


OPEN: list[Line] = []
"""Every Line of the test."""


@pytest.fixture(autouse=True)
def hung_up() -> Iterator[None]:
    """Close the connections that a test has opened, however it ends."""
    yield
    while OPEN:
        OPEN.pop().close()


def signs_in(server: PeerServer, user: str, source: str, password: str = PASSWORD, protocol: str = "imap") -> bool:
    line = Line(server, protocol, source)
    done = line.is_in(line.sign_in(user, password))
    line.close()
    return done


PROTOCOLS = pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
STARTTLS = {"imap": b"s STARTTLS", "pop3": b"STLS", "smtp": b"STARTTLS"}
LATER = (b"NO [UNAVAILABLE]", b"-ERR [SYS/TEMP]", b"454 4.7.0")
"""How a refusal for a while begins."""


class Chat:
    """Line's asynchronous sister, for hundreds at a time."""

    def __init__(self, protocol: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.protocol = protocol
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, server: PeerServer, protocol: str, source: str) -> Chat:
        port = {"imap": server.imap, "pop3": server.pop3, "smtp": server.submission}[protocol]
        chat = cls(protocol, *await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0)))
        await chat.reader.readline()
        if protocol == "smtp":
            await chat.ask(b"EHLO attacker.test")
        return chat

    async def ask(self, text: bytes) -> bytes:
        self.writer.write(text + b"\r\n")
        while True:
            line = await self.reader.readline()
            assert line, f"{self.protocol}: connection closed"
            if (self.protocol == "smtp" and line[3:4] == b"-") or line.startswith(b"* "):
                continue
            return line.rstrip(b"\r\n").removeprefix(b"a ")

    async def sign_in(self, user: str, password: str) -> bytes:
        plain = base64.b64encode(f"\0{user}\0{password}".encode())
        return await self.ask((b"a AUTHENTICATE PLAIN " if self.protocol == "imap" else b"AUTH PLAIN ") + plain)

    def is_in(self, reply: bytes) -> bool:
        return reply.startswith((b"OK", b"+OK", b"235"))

    def close(self) -> None:
        self.writer.close()
