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


class Lingering(asyncio.Protocol):
    """Takes the place of a connection's protocol and throws input away until the peer closes; then calls `ended`."""

    __slots__ = ("_ended", "_octets", "_stalled", "_timer", "_transport", "_unsent")

    def __init__(self, transport: asyncio.Transport, ended: Callable[[None], None]) -> None:
        self._ended = ended
        self._transport = transport
        self._octets = 0
        self._unsent = 0
        self._stalled = 0.0
        self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._expired)

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
        self._timer.cancel()
        self._ended(None)

    def pause_writing(self) -> None:
        """Nothing more will be written."""

    def resume_writing(self) -> None:
        """Nothing more will be written."""

    def _expired(self) -> None:
        unsent = self._transport.get_write_buffer_size()
        self._stalled = self._stalled + LINGER_SECONDS if unsent == self._unsent else 0.0
        self._unsent = unsent
        if unsent and self._stalled < STALLED_SECONDS:  # a slow reader still gets its reply
            self._timer = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._expired)
        else:
            self._transport.abort()
