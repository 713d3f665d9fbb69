"""The IMAP front end of one worker: its listeners, its connections, and their one clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.imap.connection import ImapConnection
from gateway.imap.environment import ImapServices
from gateway.runtime.listeners import Listener

TICK = 5.0
"""Seconds between two looks at the clock; every timeout may come this much late."""


class ImapFrontEnd:
    """Serves IMAP on some listeners; `start` and `stop` are called once, inside the loop."""

    def __init__(self, services: ImapServices, listeners: Sequence[Listener]) -> None:
        self._services = services
        self._listeners = listeners
        self.connections: set[ImapConnection] = set()
        self._clock: asyncio.TimerHandle | None = None

    def connection(self, listener: Listener | None = None) -> ImapConnection:
        """Make the protocol for a new connection; without a listener it offers no STARTTLS."""
        context = None if listener is None or listener.implicit else listener.starttls
        name = listener.name if listener is not None else ""
        return ImapConnection(self._services, self.connections, context, name)

    async def start(self) -> None:
        """Accept connections."""
        self._schedule()
        for listener in self._listeners:
            await listener.serve(
                lambda listener=listener: self.connection(listener),  # type: ignore[misc] # mypy cannot infer a default
                refusal=b"* BYE [UNAVAILABLE] Too many connections.\r\n",
            )

    async def stop(self, grace: float) -> None:
        """Accept no more; say BYE, to a busy session after its command; cut what is left after `grace` seconds."""
        for listener in self._listeners:
            listener.stop_accepting()
        for connection in tuple(self.connections):
            connection.shut_down()
        await asyncio.gather(*(listener.stop(grace) for listener in self._listeners))
        if self._clock is not None:
            self._clock.cancel()

    def tick(self, now: float) -> None:
        """Let every connection look at the clock."""
        for connection in tuple(self.connections):
            connection.check(now)

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._clock = loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        self.tick(asyncio.get_running_loop().time())
        self._schedule()
