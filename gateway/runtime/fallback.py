"""The same connections on Twisted's own transports, for a platform where uvloop's cannot be had.

Slower (docs/benchmarks.md), otherwise alike: the protocol that a front end wrote meets a transport with the interface
of gateway.runtime.transport, and the same tests run on both. A Listener uses the native transport; to use this one:

    factory = FallbackFactory(lambda: ImapConnection(...), options=contexts.twisted())
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

from twisted.internet.interfaces import (
    IAddress,
    IHalfCloseableProtocol,
    IHandshakeListener,
    ITransport,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from zope.interface import directlyProvides

from gateway.runtime.tls import TwistedContexts
from gateway.runtime.transport import Address, PushProducer

_ids = itertools.count(1_000_000_000)


class FallbackTransport:
    """A Transport over one of Twisted's."""

    def __init__(self, inner: Any, options: TwistedContexts | None, *, implicit: bool) -> None:
        self.id = next(_ids)
        self.tls = implicit
        self._inner = inner
        self._options = options
        self._producer: PushProducer | None = None
        self._paused = False
        self._unsent = 0
        self._lost = False
        self._closing = False
        self._waiters: list[asyncio.Future[None]] = []
        self._peer = cast(Address, self._inner.getPeer())
        self._host = cast(Address, self._inner.getHost())
        self._inner.registerProducer(_Flow(self), True)

    @property
    def disconnecting(self) -> bool:
        """Whether loseConnection was called."""
        return self._closing

    def write(self, data: bytes) -> None:
        """Send."""
        if not self._lost and (not self._closing or self._producer is not None):
            if self._paused:
                self._unsent += len(data)
            self._inner.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """Send what was written, then close."""
        if not self._closing:
            self._closing = True
            if self._producer is None:
                self._end()

    def abortConnection(self) -> None:
        """Close at once."""
        self._closing = True
        self._inner.abortConnection()

    def getPeer(self) -> Address:
        """The client's address."""
        return self._peer

    def getHost(self) -> Address:
        """The address that was connected to."""
        return self._host

    def startTLS(self, context: ssl.SSLContext) -> None:
        """Begin TLS as the server, with the certificate of the factory: Twisted's TLS takes no `ssl` context."""
        if self._options is None:
            raise RuntimeError("no certificate")
        self._inner.startTLS(self._options)

    def registerProducer(self, producer: PushProducer, streaming: bool) -> None:
        """Let a push producer write."""
        if not streaming:
            raise RuntimeError("only push producers: await drain() instead of pulling")
        if self._producer is not None:
            raise RuntimeError("a producer is registered already")
        if self._lost:
            producer.stopProducing()
            return
        self._producer = producer
        if self._paused:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """The producer has finished."""
        self._producer = None
        if self._closing:
            self._end()

    def pauseProducing(self) -> None:
        """Stop reading."""
        self._inner.pauseProducing()

    def resumeProducing(self) -> None:
        """Read again."""
        if not self._lost and not self._closing:
            self._inner.resumeProducing()

    def write_buffer_size(self) -> int:
        """Octets written since the buffer filled; Twisted does not tell more."""
        return self._unsent

    async def drain(self) -> None:
        """Wait for room; raises ConnectionError when the connection is gone."""
        if self._lost:
            raise ConnectionResetError("connection lost")
        if self._paused:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Answer "peername" and "sockname" alone."""
        address = {"peername": self._peer, "sockname": self._host}.get(name)
        return default if address is None else (address.host, address.port)  # type: ignore[union-attr] # TCP only

    def _end(self) -> None:
        self._inner.unregisterProducer()
        self._inner.loseConnection()

    def filled(self) -> None:
        """Serve _Flow: the peer reads too slowly."""
        self._paused = True
        if self._producer is not None:
            self._producer.pauseProducing()

    def emptied(self) -> None:
        """Serve _Flow: there is room again."""
        self._paused = False
        self._unsent = 0
        self._wake(None)
        if self._producer is not None:
            self._producer.resumeProducing()

    def _wake(self, error: Exception | None) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)

    def lost(self) -> None:
        """Serve the bridge: the connection has ended."""
        self._lost = True
        self._wake(ConnectionResetError("connection lost"))
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()


class _Flow:
    """What Twisted's transport takes for a push producer: it learns here when the buffer fills and empties."""

    def __init__(self, transport: FallbackTransport) -> None:
        self._transport = transport

    def pauseProducing(self) -> None:
        """The buffer is full."""
        self._transport.filled()

    def resumeProducing(self) -> None:
        """The buffer is empty."""
        self._transport.emptied()

    def stopProducing(self) -> None:
        """The connection is going; `lost` will tell."""


class _Bridge(Protocol):
    """Stands between Twisted's transport and the hosted protocol."""

    def __init__(self, hosted: Protocol, options: TwistedContexts | None, *, implicit: bool) -> None:
        self._hosted = hosted
        self._options = options
        self._implicit = implicit
        self._over: FallbackTransport | None = None
        provided = [IHandshakeListener]
        if hasattr(hosted, "readConnectionLost"):
            provided.append(IHalfCloseableProtocol)
        directlyProvides(self, *provided)

    def connectionMade(self) -> None:
        """Start the hosted protocol; under implicit TLS once the handshake is done."""
        self._over = FallbackTransport(self.transport, self._options, implicit=self._implicit)
        if not self._implicit:
            self._hosted.makeConnection(cast(ITransport, self._over))  # type: ignore[no-untyped-call] # untyped

    def dataReceived(self, data: bytes) -> None:
        """Hand input on."""
        if self._over is not None and not self._over.disconnecting:
            self._hosted.dataReceived(data)

    def handshakeCompleted(self) -> None:
        """TLS is there."""
        assert self._over is not None
        self._over.tls = True
        if self._implicit:
            self._hosted.makeConnection(cast(ITransport, self._over))  # type: ignore[no-untyped-call] # untyped
            return
        started = getattr(self._hosted, "tlsStarted", None)
        if started is not None:
            started()

    def readConnectionLost(self) -> None:
        """The client has closed its sending half."""
        self._hosted.readConnectionLost()  # type: ignore[attr-defined] # provided only where the hosted one has it

    def writeConnectionLost(self) -> None:
        """Part of IHalfCloseableProtocol; nobody closes this half."""

    def connectionLost(self, reason: Failure | None = None) -> None:
        """End the hosted protocol."""
        if self._over is not None:
            self._over.lost()
        if reason is not None and self._hosted.transport is not None:
            self._hosted.connectionLost(reason)


class FallbackFactory(Factory):
    """Makes hosted protocols on Twisted's transports. `implicit`: the port is a TLS port."""

    noisy = False

    def __init__(
        self, factory: Callable[[], Protocol], *, options: TwistedContexts | None = None, implicit: bool = False
    ) -> None:
        self._make = factory
        self._options = options
        self._implicit = implicit

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        """Make one connection's protocol."""
        return _Bridge(self._make(), self._options, implicit=self._implicit)
