"""Hosts a protocol on each kind of transport and plays a scenario against it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from twisted.internet.asyncioreactor import AsyncioSelectorReactor
from twisted.internet.main import installReactor
from twisted.internet.protocol import Protocol

from gateway.runtime.connections import Connections
from gateway.runtime.fallback import FallbackFactory
from gateway.runtime.loop import new_loop
from gateway.runtime.tls import TlsContexts
from gateway.runtime.transport import HostedTransport
from tests.support.certificates import trusting_nobody, write_certificate

KINDS = ["uvloop", "asyncio", "twisted"]
PATIENCE = 20.0


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
