"""The byte side of a connection: transport callbacks, the command loop, batched replies, timeouts, shutdown.

This replaces the parts of aiosmtpd's connection loop that cost most or answer in other words than Exchange: it reads
DATA by lines, sets a timer for each command, names Python classes in its replies, and sends each reply by itself.
Sessions, envelopes, the `smtp_*` methods and their HELP texts stay aiosmtpd's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Protocol, cast

from aiosmtpd.smtp import SMTP

from gateway.runtime.connections import Hosted, numbers
from gateway.smtp import replies
from gateway.smtp.profile import COMMAND_LIMIT, COMMAND_LIMITS, SmtpLimits
from gateway.smtp.reader import EndOfStream, Flooded, LineTooLong, OctetReader
from gateway.smtp.replies import Refused
from gateway.smtp.state import ClientSession, MailEnvelope

log = logging.getLogger("oxgate.smtp")

_FLUSH_AT = 32_768
LINGER = 1.0
"""Seconds that a connection which was ended waits for the peer to close."""
Method = Callable[[Any, str | None], Awaitable[None]]


class Registry(Protocol):
    """Who keeps count of connections: gateway.runtime.connections.Connections."""

    def enter(self, hosted: Hosted, host: str) -> bool:
        """Take a connection in; False when there are too many."""

    def leave(self, hosted: Hosted) -> None:
        """Note the end of a connection."""


class SmtpStream(SMTP):
    """One connection, without its commands."""

    session: ClientSession
    envelope: MailEnvelope

    methods: ClassVar[dict[str, Method]] = {}
    """Command -> coroutine, of the class; built once instead of for each connection."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.methods = {
            name.removeprefix("smtp_"): getattr(cls, name)
            for name in dir(cls)
            if name.startswith("smtp_") and getattr(cls, name) is not None
        }

    def __init__(self, loop: asyncio.AbstractEventLoop, registry: Registry, limits: SmtpLimits, hostname: str) -> None:
        # aiosmtpd's own __init__ inspects every method of every new connection, which costs 100 µs; what it sets and
        # this class uses is set here.
        self.loop = loop
        self.hostname = hostname
        self.limits = limits
        self.command_size_limits = dict(COMMAND_LIMITS)
        self.transport: asyncio.Transport | None = None
        self.session = ClientSession("")
        self.envelope = MailEnvelope()
        self.octets = OctetReader(loop)
        self.peer = ""
        self.number = next(numbers)
        """Of the connection, as in the log."""
        self.last_active = 0.0
        """Loop time of the last sign of life; the front end's one timer compares it."""
        self._registry = registry
        self._bulk = False
        self._closing = False
        self._deaf = False
        self._goodbye = False
        self._out: list[bytes] = []
        self._out_size = 0
        self._errors = 0
        self._writable: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # Transport callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the command loop, or turn the connection away."""
        self.transport = transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self.octets.attach(transport)
        self.last_active = self.loop.time()
        address = transport.get_extra_info("peername")
        self.peer = str(address[0]) if isinstance(address, tuple) else ""
        self.session.peer = self.peer
        self._learn_tls()
        if not self._registry.enter(self, self.peer):
            self.reply(replies.TOO_MANY_CONNECTIONS)
            self.flush()
            self._close()
            return
        self._task = self.loop.create_task(self._handle_client())

    def data_received(self, data: bytes) -> None:
        """Hand octets to the reader."""
        if self._deaf:
            return
        self.octets.feed(data)
        if self._bulk:
            self.last_active = self.loop.time()

    def eof_received(self) -> bool | None:
        """Let the commands that came before the end be answered; only TLS cannot stay half open."""
        self.octets.feed_eof()
        return self.session.ssl is None and not self._deaf

    def connection_lost(self, error: Exception | None) -> None:
        """End the command loop as soon as it wants to read or write; a delivery under way is finished."""
        self.transport = None
        self._closing = True
        self.octets.feed_eof()
        self.resume_writing()
        self._registry.leave(self)

    def pause_writing(self) -> None:
        """Note that the peer does not read its replies."""
        if self._writable is None:
            self._writable = self.loop.create_future()

    def resume_writing(self) -> None:
        """Go on writing."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def _set_rset_state(self) -> None:
        self.envelope = MailEnvelope()

    # Replies

    def reply(self, line: bytes) -> None:
        """Queue one reply line; it leaves with the others before the next wait ([RFC2920] 3.2)."""
        self._out.append(line)
        self._out_size += len(line)

    def flush(self) -> None:
        """Send the queued replies in one write."""
        if not self._out:
            return
        self._out.append(b"")
        data = b"\r\n".join(self._out)
        self._out.clear()
        self._out_size = 0
        if self.transport is not None:
            self.transport.write(data)

    async def push(self, status: Any) -> None:
        """Queue a reply, in aiosmtpd's words."""
        self.reply(status.encode() if isinstance(status, str) else status)

    async def settle(self) -> None:
        """Send the queued replies and wait while the peer does not take them."""
        self.flush()
        if self._writable is not None:
            await self._writable

    def refuse(self, line: bytes) -> None:
        """Queue a reply and count it when it is about the client's grammar or order ([MS-OXSMTP] 3.2: thresholds)."""
        self.reply(line)
        if line.startswith(b"50"):
            self._errors += 1
            if self._errors >= self.limits.max_errors:
                self.hang_up(replies.TOO_MANY_ERRORS)

    def hang_up(self, line: bytes | None = None) -> None:
        """Close after the queued replies and this one."""
        if line is not None:
            self.reply(line)
        self._closing = True

    # The loop

    async def _handle_client(self) -> None:
        try:
            self.reply(self._greeting())
            while not self._closing:
                line = self.octets.take_line()
                if line is None:
                    await self.settle()
                    line = await self._next_line()
                self.last_active = self.loop.time()
                if line is not None:
                    await self._execute(line)
                if self._out_size > _FLUSH_AT:
                    await self.settle()
        except (EndOfStream, ConnectionError):
            pass
        except Flooded:
            self.reply(replies.FLOODED)
        except Exception:
            log.exception("%s: connection loop failed", self.peer)
        finally:
            self.flush()
            self._close()

    def _close(self) -> None:
        """Close after the last reply has left.

        A socket that is closed over unread input sends a reset, which can overtake the last reply ([RFC9293] 3.6.1); so
        after an error only the sending half is closed, and input is thrown away for a moment.
        """
        transport = self.transport
        if transport is None:
            return
        if self._goodbye or self.octets.ended or self.session.ssl is not None or not transport.can_write_eof():
            transport.close()
            return
        self._deaf = True
        transport.resume_reading()
        try:
            transport.write_eof()
        except OSError:  # the peer was faster
            transport.abort()
            return
        self.loop.call_later(LINGER, transport.abort)

    async def _next_line(self) -> bytes | None:
        try:
            return await self.octets.line()
        except LineTooLong:
            self.refuse(replies.LINE_TOO_LONG)
            return None

    async def _execute(self, line: bytes) -> None:
        """Run one command; what is unknown is 500, private commands too ([RFC5321] 4.1.5, 4.2.4)."""
        verb, _, rest = line.partition(b" ")
        command = verb.upper().decode("latin-1")
        method = self.methods.get(command)
        try:
            if len(line) > self.command_size_limits.get(command, COMMAND_LIMIT):
                raise Refused(replies.AUTH_TOO_LONG if command == "AUTH" else replies.LINE_TOO_LONG)
            if method is None:
                raise Refused(replies.UNRECOGNIZED)
            await method(self, rest.strip().decode("utf-8", "surrogateescape") if rest else None)
        except Refused as refused:
            self.refuse(refused.reply)
        except (EndOfStream, Flooded, ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s: %s failed", self.peer, command)
            self.reply(replies.INTERNAL_ERROR)

    def _greeting(self) -> bytes:
        raise AssertionError("a connection has a greeting")

    # What the front end's timer and its end ask for

    @property
    def idle(self) -> bool:
        """Whether the connection waits for its peer, so that it may be ended without losing an answer."""
        return self.octets.waiting or self._writable is not None

    def overdue(self, now: float) -> bytes | None:
        """Say with which reply the connection is to end by the clock (of the loop), None for not yet."""
        return replies.TIMED_OUT if now - self.last_active >= self.limits.idle else None

    def end(self, line: bytes) -> None:
        """Close an idle connection with this reply now, a busy one after its command."""
        if self._deaf:
            return
        self._closing = True
        if self.idle and self.transport is not None:
            if self._writable is None:
                self.reply(line)
                self.flush()
                self._close()
            else:
                self.transport.abort()

    def abortConnection(self) -> None:
        """Drop the connection."""
        if self.transport is not None:
            self.transport.abort()

    def _learn_tls(self) -> None:
        transport = self.transport
        tls = transport.get_extra_info("ssl_object") if transport is not None else None
        self.tls_words = ""
        if tls is not None:
            cipher = tls.cipher()
            self.session.ssl = {"cipher": cipher}
            self.tls_words = f"{tls.version()} {cipher[0] if cipher else ''}".strip()
