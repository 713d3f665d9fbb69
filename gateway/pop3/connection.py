"""One POP3 connection: takes lines, lets the session answer them in order, writes in few pieces ([RFC2449] 6.6).

A task runs only while there is something to do: an idle connection holds a few objects and no coroutine.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import cast

from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure

from gateway.pop3.commands import execute
from gateway.pop3.errors import Reply
from gateway.pop3.protocol import Framing, LineTooLong
from gateway.pop3.session import CutShort, Disconnected, Pop3Limits, Pop3Options, Pop3Services, Session
from gateway.pop3.texts import Text
from gateway.runtime.tls import tls_facts
from gateway.runtime.transport import Transport
from gateway.sasl.peer import PeerInfo

log = logging.getLogger("oxgate.pop3")

_FLUSH_AT = 100_000
_PAUSE_AT = 65_536
_TURN = 200
"""Commands of one client that are run before others get their turn."""


class Pop3Connection(TwistedProtocol):
    """A Twisted protocol on gateway.runtime.transport; to its session the Wire."""

    def __init__(
        self,
        registry: set[Pop3Connection],
        services: Pop3Services,
        limits: Pop3Limits,
        options: Pop3Options,
        starttls: ssl.SSLContext | None,
        listener: str = "",
    ) -> None:
        self.peer = ""
        self.opened = 0.0
        """Loop time of the beginning, for the absolute limit before sign-in."""
        self.last_active = 0.0
        """Loop time of the last command, for the limit after sign-in."""
        self.session = Session(self, services, limits, options)
        self._registry = registry
        self._starttls = starttls
        self._listener = listener
        self._peer_info: PeerInfo | None = None
        self._framing = Framing()
        self._out: list[bytes] = []
        self._out_size = 0
        self._paused = False
        self._closing = False
        self._eof = False
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def peer_info(self) -> PeerInfo:
        """Who is at the other end, and what protects the line."""
        if self._peer_info is None or self._peer_info.tls is not self.tls:
            facts = tls_facts(self._transport.get_extra_info("ssl_object") if self.tls else None)
            self._peer_info = PeerInfo("pop3", self.peer, self.tls, self._transport.id, self._listener, *facts)
        return self._peer_info

    # Twisted's callbacks

    def connectionMade(self) -> None:
        """Greet."""
        self._transport = cast(Transport, self.transport)
        self._loop = asyncio.get_running_loop()
        self.opened = self.last_active = self._loop.time()
        self.peer = str(getattr(self._transport.getPeer(), "host", ""))
        self._registry.add(self)
        self.session.greet()
        self.flush()

    def dataReceived(self, data: bytes) -> None:
        """Take octets and see that somebody works on them."""
        if self._closing:
            return
        self._framing.feed(data)
        if self._waiter is not None:
            self._wake()
        elif self._task is None:
            self._task = self._loop.create_task(self._work())
        if not self._paused and self._framing.buffered > _PAUSE_AT:
            self._paused = True
            self._transport.pauseProducing()

    def readConnectionLost(self) -> None:
        """Note that the client has sent all it will; what is here is answered, then the connection ends."""
        self._eof = True
        if self._waiter is not None:
            self._wake()
        elif self._task is None:
            self._transport.loseConnection()

    def tlsStarted(self) -> None:
        """Begin anew under TLS ([RFC2595] 4)."""
        self.last_active = self._loop.time()

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override] # Twisted's has a default, never used
        """End the session; nothing is deleted without QUIT ([RFC1939] 6)."""
        self._closing = self._eof = True
        self._wake()
        self._registry.discard(self)
        if self._task is None:
            self.session.close()

    # The work

    async def _work(self) -> None:
        count = 0
        try:
            while not self._closing:
                line = self._take_line()
                if line is None:
                    break
                self.last_active = self._loop.time()
                await execute(self.session, line)
                count += 1
                if count == _TURN:
                    count = 0
                    await self.settle()
                elif self._out_size > _FLUSH_AT:
                    self.flush()
                    await self._transport.drain()
        except CutShort as error:
            log.warning("%s: %s", self.peer, error)
            self._closing = True
        except (Disconnected, ConnectionError):
            self._closing = True
        except Exception:
            log.exception("%s: connection failed", self.peer)
            self._closing = True
        finally:
            self._task = None
            self.flush()
            if self._closing or self._eof:
                self._closing = True
                self.session.close()
                self._transport.loseConnection()

    def _take_line(self) -> bytes | None:
        while True:
            try:
                line = self._framing.line()
            except LineTooLong:
                self.session.refuse(Text.TOO_LONG)
                if self._closing:
                    return None
                continue
            if line is None:
                self._resume()
            return line

    def _resume(self) -> None:
        """Read again: what was there is used up."""
        if self._paused:
            self._paused = False
            self._transport.resumeProducing()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What the session asks for

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self._transport.tls

    @property
    def offers_tls(self) -> bool:
        """Whether STLS is possible now."""
        return self._starttls is not None and not self._transport.tls

    def write(self, data: bytes) -> None:
        """Queue octets; they leave when the session waits, or when many have gathered."""
        self._out.append(data)
        self._out_size += len(data)

    def flush(self) -> None:
        """Hand what is queued to the transport."""
        if self._out:
            self._transport.write(self._out[0] if len(self._out) == 1 else b"".join(self._out))
            self._out.clear()
            self._out_size = 0

    async def settle(self) -> None:
        """Flush, wait while the peer does not read, and let others work. Raises ConnectionError."""
        self.flush()
        await self._transport.drain()
        await asyncio.sleep(0)

    async def next_line(self) -> bytes:
        """Flush, and wait for a line that is no command. Raises Disconnected, LineTooLong."""
        self.flush()
        await self._transport.drain()
        while True:
            line = self._framing.line()
            if line is not None:
                self.last_active = self._loop.time()
                return line
            if self._eof or self._closing:
                raise Disconnected
            self._resume()
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def start_tls(self) -> None:
        """Drop what was pipelined in clear, flush, and shake hands ([RFC2595] 4)."""
        assert self._starttls is not None
        dropped = self._framing.discard()
        if dropped:
            log.warning("%s: dropped %d octets sent in clear behind STLS", self.peer, dropped)
        self.flush()
        self._transport.startTLS(self._starttls)

    def hang_up(self) -> None:
        """Close after the queued replies."""
        self._closing = True

    # What the front end asks for

    @property
    def busy(self) -> bool:
        """Whether a command runs, other than a sign-in that waits for its client."""
        return self._task is not None and self._waiter is None

    def end(self, reply: Reply) -> None:
        """Close with this reply: an idle connection now, a busy one after its command. Nothing is deleted."""
        self._closing = True
        if self.busy:
            return
        self._wake()
        self.session.err(reply)
        self.flush()
        self._transport.loseConnection()
