"""The octets of a connection: input through framing, output gathered into few writes, DEFLATE between ([RFC4978])."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import cast

from twisted.internet.protocol import Protocol

from gateway.imap.protocol.deflate import Compression, DeflateError
from gateway.imap.protocol.framing import LIMITS_BEFORE_LOGIN, Event, Framing
from gateway.runtime.transport import Transport

log = logging.getLogger(__name__)

FLUSH_AT = 64 * 1024
"""Octets of output that are handed over before the input is used up."""


class OctetStream(Protocol, ABC):
    """The lower half of a connection: what it reads from and writes to."""

    __slots__ = (
        "_ahead",
        "_compression",
        "_flushing",
        "_framing",
        "_loop",
        "_out",
        "_size",
        "_stalled",
        "_unsent",
        "holds_loop",
    )

    def __init__(self) -> None:
        self._framing = Framing(LIMITS_BEFORE_LOGIN)
        self._ahead: Event | None = None
        """An event that was pulled before its turn."""
        self._compression: Compression | None = None
        self._out: list[bytes] = []
        self._size = 0
        self._flushing = False  # the loop will call _flush_later
        self.holds_loop = False
        """The loop has called, and has not been given its turn since: what is queued is flushed before it is."""
        self._unsent = 0  # as _stalls saw it
        self._stalled = 0.0  # since when that has been the same
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def wire(self) -> Transport:
        """The transport, under its own type."""
        return cast(Transport, self.transport)

    @abstractmethod
    def say_bye(self, reason: bytes) -> None:
        """End the connection now, between two responses."""

    # --- input

    def _feed(self, data: bytes) -> None:
        """Take octets as they arrived."""
        if self._compression is None:
            self._framing.feed(data)
        else:
            self._compression.feed(data)

    def _pull(self) -> Event | None:
        """The next event, or None if more input is needed; input that cannot be inflated ends the connection."""
        event = self._framing.pull()
        while event is None and self._compression is not None:
            try:
                data = self._compression.pull()
            except DeflateError as error:
                log.info("connection ends: %s", error)
                self.say_bye(str(error).encode("ascii"))
                return None
            if self._compression.over:
                self._compression = None
            if not data:
                break
            self._framing.feed(data)
            event = self._framing.pull()
        return event

    @property
    def _unread(self) -> int:
        """Octets that wait to be looked at: the measure for pausing the transport."""
        if self._compression is None:
            return self._framing.buffered
        return self._framing.buffered + self._compression.waiting

    @property
    def _nothing_waits(self) -> bool:
        """Whether nothing of a command has arrived."""
        return self._framing.idle and (self._compression is None or not self._compression.waiting)

    # --- output

    @property
    def unsent(self) -> int:
        """Octets that the client has not taken yet."""
        return self.wire.write_buffer_size()

    def _stalls(self, now: float, limit: float) -> bool:
        """Whether the client has taken nothing of the waiting output for too long."""
        unsent = self.wire.write_buffer_size()
        if not unsent or unsent != self._unsent:
            self._unsent = unsent
            self._stalled = now
        return bool(unsent) and now - self._stalled >= limit

    def send(self, data: bytes) -> None:
        """Queue octets for the client."""
        self._out.append(data)
        self._size += len(data)
        self._queued()

    def send_parts(self, parts: Sequence[bytes]) -> None:
        """Queue octets that lie in pieces."""
        self._out += parts
        self._size += sum(map(len, parts))
        self._queued()

    def _queued(self) -> None:
        """See to it that what is queued leaves: at once when it is much, else before the loop waits for anything."""
        if self._size >= FLUSH_AT:
            self.flush()
        elif not (self.holds_loop or self._flushing or self._loop is None):
            self._flushing = True
            self._loop.call_soon(self._flush_later)

    def _flush_later(self) -> None:
        self._flushing = False
        self.flush()

    def flush(self) -> None:
        """Hand what is queued to the transport."""
        out = self._out
        if out:
            data = out[0] if len(out) == 1 else b"".join(out)
            compression = self._compression
            self.wire.write(data if compression is None or compression.ending else compression.compress(data))
            self._out = []
            self._size = 0

    # --- layers

    def _begin_compression(self) -> None:
        """Compress from here on; what came uncompressed behind the command is dropped, as with STARTTLS."""
        self.flush()
        self._drop("COMPRESS")
        # A message of any size that is taken at all may be as dull as it likes.
        self._compression = Compression(self._framing.limits.append + (1 << 20))

    def _end_compression(self) -> None:
        """Go on uncompressed ([RFC8437] 4.1)."""
        self.flush()
        if self._compression is not None:
            self._compression.end()

    def _drop(self, command: str) -> None:
        """Drop what a client has sent behind a command that changes the layer ([RFC3501] 6.2.1, [RFC4978] 3)."""
        dropped = self._framing.discard()
        self._ahead = None
        if dropped:
            log.warning("%d octets were sent in the old layer behind %s; they are dropped", dropped, command)
