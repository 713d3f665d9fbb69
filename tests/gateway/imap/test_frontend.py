"""The front end on real sockets: listeners, TLS, STARTTLS, shutdown."""

from __future__ import annotations

import asyncio
import imaplib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.imap.frontend import ImapFrontEnd
from gateway.runtime.listeners import Endpoint, Listener, bind
from gateway.runtime.tls import TlsContexts
from tests.gateway.imap.harness import MAIL, Server
from tests.support.certificates import trusting_nobody, write_certificate


@pytest.fixture
async def front(server: Server, tmp_path: Path) -> AsyncIterator[ImapFrontEnd]:
    context = TlsContexts(*write_certificate(tmp_path)).context
    plain = bind(Endpoint("imap", "127.0.0.1", 0))
    secure = bind(Endpoint("imaps", "127.0.0.1", 0))
    listeners = [
        Listener(plain.endpoint, plain.sockets[0], starttls=context),
        Listener(secure.endpoint, secure.sockets[0], implicit=context),
    ]
    made = ImapFrontEnd(server.services, listeners)
    await made.start()
    yield made
    await made.stop(1.0)
    plain.close()
    secure.close()


def session(client: imaplib.IMAP4) -> bytes:
    """A whole visit; gives the message back."""
    client.login("alice", "password")
    assert client.select("INBOX")[1] == [b"1"]
    part = client.fetch("1", "(BODY.PEEK[])")[1][0]
    client.append("INBOX", "", "", MAIL)
    assert client.noop()[0] == "OK"
    client.close()
    client.logout()
    assert isinstance(part, tuple)
    return part[1]


def plain(port: int) -> bytes:
    return session(imaplib.IMAP4("127.0.0.1", port, timeout=20))


def upgraded(port: int) -> bytes:
    client = imaplib.IMAP4("127.0.0.1", port, timeout=20)
    assert "STARTTLS" in client.capabilities
    client.starttls(trusting_nobody())
    assert "STARTTLS" not in client.capabilities
    return session(client)


def implicit(port: int) -> bytes:
    client = imaplib.IMAP4_SSL("127.0.0.1", port, ssl_context=trusting_nobody(), timeout=20)
    assert "STARTTLS" not in client.capabilities
    return session(client)


@pytest.mark.parametrize(("visit", "number"), [(plain, 0), (upgraded, 0), (implicit, 1)])
async def test_a_visit(front: ImapFrontEnd, server: Server, visit: object, number: int) -> None:
    """[RFC3501] 6.2.1: the same session in the clear, after STARTTLS and on a TLS port."""
    server.deliver()
    assert callable(visit)
    assert await asyncio.to_thread(visit, front._listeners[number].port) == MAIL


async def test_shutdown_says_bye(front: ImapFrontEnd) -> None:
    """[RFC3501] 7.1.5."""
    reader, writer = await asyncio.open_connection("127.0.0.1", front._listeners[0].port)
    assert (await reader.readline()).startswith(b"* OK ")
    stopping = asyncio.create_task(front.stop(5.0))
    assert (await reader.readline()).startswith(b"* BYE ")
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    await stopping
    assert not front.connections


async def test_the_clock_looks_at_every_connection(front: ImapFrontEnd) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", front._listeners[0].port)
    await reader.readline()
    front.tick(asyncio.get_running_loop().time() + 61)
    assert (await reader.readline()).startswith(b"* BYE ")
    writer.close()
    await writer.wait_closed()
