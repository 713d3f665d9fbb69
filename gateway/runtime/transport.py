"""A Twisted `Protocol` on a native uvloop transport: 2.5 times cheaper for small commands, half the cost of TLS.

How a front end uses it. Its connection class is a `twisted.internet.protocol.Protocol` (or anything with
makeConnection, dataReceived(bytes) and connectionLost(Failure)); it writes no asyncio protocol of its own. It is hosted
by a Listener (gateway.runtime.listeners), or in a test by

    server = await loop.create_server(lambda: HostedTransport(MyProtocol()), "127.0.0.1", 0, ssl=context_or_None)

`self.transport` is then a Transport, whose methods are those below and nothing more of Twisted's:

- `write(bytes)`, `writeSequence(list)`: never block. Small writes of one loop turn leave together.
- `await drain()`: call it between chunks of a long reply (100 KB each); it waits while the peer reads too slowly and
  raises ConnectionError when the peer is gone, which ends the command. `write_buffer_size()` tells what is unsent.
- `registerProducer(producer, True)`: push producers only (pauseProducing, resumeProducing, stopProducing).
- `pauseProducing()`, `resumeProducing()`: stop and restart reading, for back-pressure on the client's input.
- `loseConnection()`: send what was written, then end; input is not delivered any more. `abortConnection()`: at once.
- `startTLS(context)`: call `write(b"... OK ...")` first, **drop the protocol's own buffered input** (what a client, or
  someone between, has sent behind STARTTLS in clear must not count as sent under TLS), then call this and return.
  Reading is paused, the handshake runs, and the protocol's method `tlsStarted()` is called if it has one. What is
  written meanwhile leaves under TLS. A failed handshake ends in connectionLost.
- `tls`: whether the connection is encrypted now. `get_extra_info(name)`: asyncio's, such as "ssl_object", "cipher".
- `getPeer()`, `getHost()`: Twisted addresses. The peer's stays known after the connection is lost.
- `disconnecting`: loseConnection was called. `id`: a number for the log, unique in the process.

A protocol with a method `readConnectionLost()` is told when the client has closed its sending half, and goes on writing
until it calls loseConnection; any other protocol is disconnected then. Timers are `loop.call_later`.
`gateway.runtime.fallback` offers the same on Twisted's own transports.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, Protocol, cast

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from gateway.runtime.connections import Connections, numbers
from gateway.runtime.lingering import Lingering

HIGH_WATER = 256 * 1024
"""Unsent octets over which producers pause and `drain` waits."""
LOW_WATER = 64 * 1024
COALESCE_LIMIT = 64 * 1024
"""Octets that may gather within a loop turn before they are handed on."""
HANDSHAKE_SECONDS = 20.0
TLS_SHUTDOWN_SECONDS = 2.0

Address = IPv4Address | IPv6Address | UNIXAddress

_DONE = Failure(ConnectionDone())  # type: ignore[no-untyped-call] # Twisted has no types for it
_ABORTED = Failure(ConnectionAborted())  # type: ignore[no-untyped-call] # as above


class PushProducer(Protocol):
    """What registerProducer takes."""

    def pauseProducing(self) -> None:
        """Write no more for now."""

    def resumeProducing(self) -> None:
        """Go on."""

    def stopProducing(self) -> None:
        """The connection is gone."""


class Transport(Protocol):
    """What a hosted protocol finds in `self.transport`; the module's text says how each is meant."""

    id: int
    tls: bool

    @property
    def disconnecting(self) -> bool:
        """Whether loseConnection was called."""

    def write(self, data: bytes) -> None:
        """Send."""

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send."""

    def loseConnection(self) -> None:
        """Send what was written, then close."""

    def abortConnection(self) -> None:
        """Close at once."""

    def getPeer(self) -> Address:
        """The client's address."""

    def getHost(self) -> Address:
        """The address that was connected to."""

    def startTLS(self, context: ssl.SSLContext) -> None:
        """Begin TLS as the server."""

    def registerProducer(self, producer: PushProducer, streaming: bool) -> None:
        """Let a push producer write."""

    def unregisterProducer(self) -> None:
        """The producer has finished."""

    def pauseProducing(self) -> None:
        """Stop reading."""

    def resumeProducing(self) -> None:
        """Read again."""

    def write_buffer_size(self) -> int:
        """Octets not yet taken by the kernel."""

    async def drain(self) -> None:
        """Wait for room; raises ConnectionError when the connection is gone."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Ask the underlying transport."""


class HostedTransport(asyncio.Protocol):
    """One connection: to asyncio a protocol, to the hosted protocol a Transport."""

    __slots__ = (
        "_aborted",
        "_closing",
        "_coalesce",
        "_connections",
        "_eof",
        "_host",
        "_loop",
        "_paused",
        "_peer",
        "_pending",
        "_pending_size",
        "_producer",
        "_protocol",
        "_transport",
        "_upgrade",
        "_waiters",
        "data_received",
        "id",
        "tls",
    )

    def __init__(self, protocol: TwistedProtocol, connections: Connections | None = None) -> None:
        self.id = next(numbers)
        self.tls = False
        # uvloop keeps the bound method: the hosted protocol is called without a frame in between.
        self.data_received = protocol.dataReceived  # type: ignore[method-assign] # a slot stands for the method
        self._protocol: TwistedProtocol | None = protocol
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pending: list[bytes] | None = None
        self._pending_size = 0
        self._coalesce = False
        self._closing = False
        self._eof = False
        self._aborted = False
        self._paused = False
        self._producer: PushProducer | None = None
        self._waiters: list[asyncio.Future[None]] | None = None
        self._upgrade: asyncio.Task[None] | None = None
        self._peer: Address | tuple[Any, ...] | str | None = None
        self._host: Address | None = None

    # -- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket (after the handshake, on an implicit TLS port) and start the hosted protocol."""
        native = cast(asyncio.Transport, transport)
        self._transport = native
        self._loop = asyncio.get_running_loop()
        self.tls = native.get_extra_info("sslcontext") is not None
        # uvloop gathers plain writes by itself; TLS would make a record, and asyncio a system call, of each.
        self._coalesce = self.tls or not type(native).__module__.startswith("uvloop")
        native.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        # Asked for now, because a TLS transport forgets it when the connection is lost.
        self._peer = native.get_extra_info("peername")
        if self._connections is not None:
            host = str(self._peer[0]) if isinstance(self._peer, tuple) else ""
            if not self._connections.enter(self, host):
                self._refuse(self._connections.refusal)
                return
        assert self._protocol is not None
        self._protocol.makeConnection(cast(ITransport, self))  # type: ignore[no-untyped-call] # as above

    def eof_received(self) -> bool:
        """Tell a protocol that knows half-closed connections; disconnect any other."""
        half_close = getattr(self._protocol, "readConnectionLost", None)
        if half_close is None or self.tls or self._closing:
            return False
        self._eof = True
        half_close()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the hosted protocol and let go of everything."""
        protocol, self._protocol = self._protocol, None
        if protocol is None:
            return
        self._transport = None
        self._pending = None
        self._pending_size = 0
        self.data_received = _discard  # type: ignore[method-assign] # breaks the cycle with the protocol
        if self._connections is not None:
            self._connections.leave(self)
        if self._upgrade is not None:
            self._upgrade.cancel()
            self._upgrade = None
        self._wake(ConnectionResetError("connection lost"))
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        if self._aborted:
            reason = _ABORTED
        elif exc is None:
            reason = _DONE
        else:
            reason = Failure(ConnectionLost(str(exc)))  # type: ignore[no-untyped-call] # as above
        protocol.connectionLost(reason)

    def pause_writing(self) -> None:
        """The peer reads too slowly."""
        self._paused = True
        if self._producer is not None:
            self._producer.pauseProducing()

    def resume_writing(self) -> None:
        """There is room again."""
        self._paused = False
        self._wake(None)
        if self._producer is not None:
            self._producer.resumeProducing()

    # -- the hosted protocol's side

    @property
    def disconnecting(self) -> bool:
        """Whether loseConnection was called."""
        return self._closing

    def write(self, data: bytes) -> None:
        """Send; dropped silently when the connection is closing or gone, as Twisted does."""
        transport = self._transport
        if transport is None or (self._closing and self._producer is None):
            return
        if not self._coalesce:
            transport.write(data)
            return
        if self._pending is None:
            self._pending = []
            assert self._loop is not None
            self._loop.call_soon(self._flush)
        self._pending.append(data)
        self._pending_size += len(data)
        if self._pending_size >= COALESCE_LIMIT:
            self._flush()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Send all, as one write."""
        self.write(b"".join(data))

    def write_buffer_size(self) -> int:
        """Octets not yet taken by the kernel."""
        if self._transport is None:
            return 0
        return self._pending_size + self._transport.get_write_buffer_size()

    async def drain(self) -> None:
        """Wait while more than HIGH_WATER is unsent; ConnectionError when the connection is gone."""
        if self._transport is None:
            raise ConnectionResetError("connection lost")
        if self._pending_size:
            self._flush()
        if not self._paused:
            return
        assert self._loop is not None
        waiter = self._loop.create_future()
        if self._waiters is None:
            self._waiters = []
        self._waiters.append(waiter)
        await waiter

    def loseConnection(self) -> None:
        """Send what was written, then close; with a producer registered, when that one has finished."""
        if self._closing:
            return
        self._closing = True
        if self._producer is None and self._upgrade is None:
            self._finish()

    def abortConnection(self) -> None:
        """Close at once, unsent data is lost."""
        if self._transport is not None:
            self._closing = self._aborted = True
            self._transport.abort()

    def registerProducer(self, producer: PushProducer, streaming: bool) -> None:
        """Let a push producer write; RuntimeError for a pull producer or a second one."""
        if not streaming:
            raise RuntimeError("only push producers: await drain() instead of pulling")
        if self._producer is not None:
            raise RuntimeError("a producer is registered already")
        if self._transport is None:
            producer.stopProducing()
            return
        self._producer = producer
        if self._paused:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """The producer has finished."""
        self._producer = None
        if self._closing and self._upgrade is None:
            self._finish()

    def pauseProducing(self) -> None:
        """Stop reading from the client."""
        if self._transport is not None and not self._closing:
            self._transport.pause_reading()

    def resumeProducing(self) -> None:
        """Read from the client again."""
        if self._transport is not None and not self._closing and self._upgrade is None:
            self._transport.resume_reading()

    def getPeer(self) -> Address:
        """The client's address."""
        if self._peer is None or isinstance(self._peer, tuple | str):
            self._peer = _address(self._peer)
        return self._peer

    def getHost(self) -> Address:
        """The address that was connected to."""
        if self._host is None:
            self._host = _address(self.get_extra_info("sockname"))
        return self._host

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Ask the underlying transport: "ssl_object", "cipher", "socket", "peername" and so on."""
        return default if self._transport is None else self._transport.get_extra_info(name, default)

    def startTLS(self, context: ssl.SSLContext) -> None:
        """Begin TLS as the server; see the module's text. RuntimeError when it has begun already."""
        if self.tls or self._upgrade is not None:
            raise RuntimeError("TLS has begun already")
        if self._transport is None or self._closing:
            return
        assert self._loop is not None
        self._flush()
        self._transport.pause_reading()
        self._coalesce = True
        self._upgrade = self._loop.create_task(self._start_tls(context))

    # -- inside

    def _refuse(self, refusal: bytes) -> None:
        """End a connection that the limits do not admit, before its protocol has heard of it."""
        assert self._transport is not None
        self._protocol = None
        self.data_received = _discard  # type: ignore[method-assign] # a slot stands for the method
        self._transport.write(refusal)
        self._transport.close()
        self._transport = None

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        assert self._loop is not None
        assert self._transport is not None
        plain = self._transport
        try:
            secure = await self._loop.start_tls(
                plain,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS,
            )
        except Exception as error:  # every failure of a handshake ends the connection, whatever its class
            plain.abort()
            self._upgrade = None
            self.connection_lost(error)
            return
        self._upgrade = None
        if self._protocol is None or secure is None:
            plain.abort()
            self.connection_lost(None)
            return
        secure.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        self._transport = secure
        self.tls = True
        self._flush()
        if self._closing:
            self._finish()
            return
        started = getattr(self._protocol, "tlsStarted", None)
        if started is not None:
            started()

    def _flush(self) -> None:
        pending = self._pending
        if pending is None or self._upgrade is not None:
            return
        self._pending = None
        self._pending_size = 0
        if self._transport is not None:
            self._transport.write(pending[0] if len(pending) == 1 else b"".join(pending))

    def _finish(self) -> None:
        """Close after the last octet has left."""
        self._flush()
        transport = self._transport
        if transport is None:
            return
        if self.tls or self._eof or not transport.can_write_eof():
            transport.close()
            return
        transport.set_protocol(Lingering(transport, self.connection_lost))
        try:
            transport.resume_reading()
            transport.write_eof()
        except (OSError, RuntimeError):  # the peer is gone already; connection_lost is on its way
            transport.abort()

    def _wake(self, error: Exception | None) -> None:
        waiters, self._waiters = self._waiters, None
        for waiter in waiters or ():
            if waiter.done():
                continue
            if error is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(error)


def _discard(data: bytes) -> None:
    """Take the place of dataReceived after the end."""


def _address(name: Any) -> Address:
    if isinstance(name, tuple):
        if len(name) == 2:
            return IPv4Address("TCP", name[0], name[1])
        return IPv6Address("TCP", *name)
    return UNIXAddress(name or None)
