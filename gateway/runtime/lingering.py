"""The end of a plain connection: the last reply must arrive.

A socket that is closed over unread input sends a reset, which can destroy the last reply on its way ([RFC9293] 3.6.1);
so the sending half is closed first, and input is thrown away for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LINGER_SECONDS = 1.0
"""How long, and over how many octets of input, a connection that was ended waits for the peer to close."""
LINGER_OCTETS = 1024 * 1024
STALLED_SECONDS = 30
"""How long a connection that was ended waits for a peer that takes none of the last reply."""
TICK = LINGER_SECONDS / 4
"""Between two looks at the clock: how much later all that may come."""


class Lingering(asyncio.Protocol):
    """Takes the place of a connection's protocol and throws input away until the peer closes; then calls `ended`."""

    __slots__ = ("_clock", "_due", "_ended", "_octets", "_stalled", "_transport", "_unsent")

    def __init__(self, transport: asyncio.Transport, ended: Callable[[None], None]) -> None:
        self._ended = ended
        self._transport = transport
        self._octets = 0
        self._unsent = 0
        self._stalled = 0.0
        self._clock = _clock_of(asyncio.get_running_loop())
        self._due = self._clock.enter(self)

    def data_received(self, data: bytes) -> None:
        """Throw away, up to a bound."""
        self._octets += len(data)
        if self._octets > LINGER_OCTETS:
            self._transport.abort()

    def eof_received(self) -> bool:
        """The peer has closed; so does the transport."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the hosted protocol; how the peer went does not matter any more."""
        self._clock.leave(self)
        self._ended(None)

    def pause_writing(self) -> None:
        """Nothing more will be written."""

    def resume_writing(self) -> None:
        """Nothing more will be written."""

    def look(self, now: float) -> None:
        """Give up waiting, if it is time."""
        if now < self._due:
            return
        unsent = self._transport.get_write_buffer_size()
        self._stalled = self._stalled + LINGER_SECONDS if unsent == self._unsent else 0.0
        self._unsent = unsent
        if unsent and self._stalled < STALLED_SECONDS:  # a slow reader still gets its reply
            self._due = now + LINGER_SECONDS
        else:
            self._transport.abort()


class _Clock:
    """One timer for all that linger: nearly every client closes at once, and a timer each would cost more than that."""

    __slots__ = ("_lingering", "_ticking", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._lingering: set[Lingering] = set()
        self._ticking = False

    def enter(self, one: Lingering) -> float:
        """Begin to look after a connection; return when its time is over."""
        self._lingering.add(one)
        if not self._ticking:
            self._ticking = True
            self.loop.call_later(TICK, self._tick)
        return self.loop.time() + LINGER_SECONDS

    def leave(self, one: Lingering) -> None:
        """Forget a connection that has ended."""
        self._lingering.discard(one)

    def _tick(self) -> None:
        now = self.loop.time()
        for one in tuple(self._lingering):
            one.look(now)
        self._ticking = bool(self._lingering)
        if self._ticking:
            self.loop.call_later(TICK, self._tick)


_clock: _Clock | None = None


def _clock_of(loop: asyncio.AbstractEventLoop) -> _Clock:
    """The clock of the loop that runs; a process has one at a time."""
    global _clock
    if _clock is None or _clock.loop is not loop:
        _clock = _Clock(loop)
    return _clock
