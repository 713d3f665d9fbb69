"""What the peer sent and nobody has read yet: command lines, dot-terminated data, counted chunks.

It stands where aiosmtpd has asyncio's StreamReader and reads a message line by line. One search for CRLF.CRLF over the
buffer makes DATA ten times cheaper, and it is also the whole defence against smuggling: nothing else ends a message.
"""

from __future__ import annotations

import asyncio

LINE_LIMIT = 20_480
"""Octets of a command line or a SASL response. It is over that of AUTH, so that the reply can say what was too long."""
_HIGH_WATER = 262_144


class EndOfStream(Exception):
    """The peer closed its side."""


class LineTooLong(Exception):
    """A line over the limit; it has been swallowed."""


class MessageTooLarge(Exception):
    """A message over the limit; it has been swallowed to its end."""


class Flooded(Exception):
    """The peer went on far beyond the limit: the connection is not worth keeping."""


class OctetReader:
    """A buffer with one waiting reader and back-pressure on the transport."""

    __slots__ = ("_buffer", "_eof", "_loop", "_paused", "_transport", "_waiter", "_wanted")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffer = bytearray()
        self._eof = False
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = _HIGH_WATER

    def attach(self, transport: asyncio.Transport) -> None:
        """Say which transport to hold back; again after STARTTLS."""
        self._transport = transport
        self._paused = False

    def feed(self, data: bytes) -> None:
        """Take octets from the transport."""
        self._buffer += data
        self._wake()
        if len(self._buffer) > self._wanted and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def feed_eof(self) -> None:
        """Note that no more will come."""
        self._eof = True
        self._wake()

    def discard(self) -> int:
        """Throw away what is buffered, as STARTTLS demands ([RFC3207] 4.2); return how much it was."""
        count = len(self._buffer)
        self._buffer.clear()
        return count

    def has_line(self) -> bool:
        """Tell whether the next command is here already, so that replies may wait for company ([RFC2920] 3.2)."""
        return b"\n" in self._buffer

    @property
    def ended(self) -> bool:
        """Whether the peer has closed its side."""
        return self._eof

    @property
    def waiting(self) -> bool:
        """Whether a reader waits for the peer."""
        return self._waiter is not None

    def take_line(self) -> bytes | None:
        """Return a line that is here already, without its line end; None when it has to be waited for."""
        at = self._buffer.find(b"\n")
        if at < 0 or at > LINE_LIMIT:
            return None
        line = bytes(self._buffer[:at])
        self._consume(at + 1)
        return line[:-1] if line.endswith(b"\r") else line

    async def line(self) -> bytes:
        """Return the next line without its line end. Raises EndOfStream, LineTooLong."""
        swallowed, search = False, 0
        while True:
            at = self._buffer.find(b"\n", search)
            if at >= 0:
                line = bytes(self._buffer[:at]) if at <= LINE_LIMIT else b""
                self._consume(at + 1)
                if swallowed or at > LINE_LIMIT:
                    raise LineTooLong
                return line[:-1] if line.endswith(b"\r") else line
            search = len(self._buffer)
            if search > LINE_LIMIT:
                swallowed = True
                self._consume(search)
                search = 0
            await self._more()

    async def message(self, limit: int) -> bytes:
        """Read up to CRLF.CRLF, which is taken away but for the first CRLF, and undo dot-stuffing ([RFC5321] 4.5.2).

        No other sequence ends it: a bare LF or CR beside the dot is data. Raises EndOfStream; MessageTooLarge after the
        end was seen; Flooded when the end does not come.
        """
        buffer = self._buffer
        while len(buffer) < 3:
            await self._more()
        if buffer.startswith(b".\r\n"):
            self._consume(3)
            return b""
        self._wanted = limit + _HIGH_WATER
        search = dropped = 0
        try:
            while True:
                at = buffer.find(b"\r\n.\r\n", search)
                if at >= 0:
                    break
                length = len(buffer)
                if length > limit + 5:
                    dropped += length - 4
                    del buffer[: length - 4]
                    length = 4
                if dropped > 4 * limit + _HIGH_WATER:
                    raise Flooded
                search = max(0, length - 4)
                await self._more()
            if dropped or at + 2 > limit:
                self._consume(at + 5)
                raise MessageTooLarge
            data = bytes(buffer[: at + 2])
            self._consume(at + 5)
        finally:
            self._wanted = _HIGH_WATER
        if data.startswith(b"."):
            data = data[1:]
        return data.replace(b"\r\n.", b"\r\n") if b"\r\n." in data else data

    async def exactly(self, count: int) -> bytes:
        """Read that many octets ([RFC3030] 2). Raises EndOfStream."""
        self._wanted = count + _HIGH_WATER
        try:
            while len(self._buffer) < count:
                await self._more()
        finally:
            self._wanted = _HIGH_WATER
        data = bytes(self._buffer[:count])
        self._consume(count)
        return data

    async def skip(self, count: int) -> None:
        """Swallow that many octets, keeping none. Raises EndOfStream."""
        while count > 0:
            here = min(count, len(self._buffer))
            self._consume(here)
            count -= here
            if count > 0:
                await self._more()

    def _consume(self, count: int) -> None:
        del self._buffer[:count]
        if self._paused and len(self._buffer) <= _HIGH_WATER // 2:
            self._resume()

    async def _more(self) -> None:
        if self._eof:
            raise EndOfStream
        if self._paused:
            self._resume()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _resume(self) -> None:
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
