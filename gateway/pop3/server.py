"""The POP3 front end: its listeners and its one timer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from gateway.pop3.connection import Pop3Connection
from gateway.pop3.errors import Reply
from gateway.pop3.session import Pop3Limits, Pop3Options, Pop3Services, State
from gateway.pop3.texts import Text
from gateway.runtime.listeners import Listener

log = logging.getLogger("oxgate.pop3")

_FULL = Reply(Text.TOO_MANY_CONNECTIONS, b"SYS/TEMP")
_STOPPING = Reply(Text.STOPPING, b"SYS/TEMP")
_EXPIRED = Reply(Text.EXPIRED, b"SYS/TEMP")
_TIMED_OUT = Reply(Text.TIMED_OUT, b"SYS/TEMP")


class Pop3FrontEnd:
    """All POP3 ports of a worker. How many connections there may be, the listeners know."""

    def __init__(
        self,
        services: Pop3Services,
        listeners: Sequence[Listener],
        limits: Pop3Limits | None = None,
        options: Pop3Options | None = None,
    ) -> None:
        self._services = services
        self._listeners = listeners
        self._limits = limits or Pop3Limits()
        self._options = options or Pop3Options()
        self._connections: set[Pop3Connection] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen."""
        refusal = self._options.personality.voice().err(*_FULL)
        for listener in self._listeners:
            await listener.serve(partial(self.connect, listener), refusal=refusal)
        self._sweep()

    def connect(self, listener: Listener) -> Pop3Connection:
        """Make the protocol of one connection."""
        return Pop3Connection(
            self._connections, self._services, self._limits, self._options, listener.starttls, listener.name
        )

    def _sweep(self) -> None:
        """End what has waited too long; nothing is deleted then ([RFC1939] 3). One timer serves all connections."""
        loop = asyncio.get_running_loop()
        now, limits = loop.time(), self._limits
        for connection in list(self._connections):
            if connection.session.state == State.AUTHORIZATION:
                late = now - connection.opened >= limits.before_logon
            else:
                late = now - connection.last_active >= limits.idle
            if late and not connection.busy:
                log.info("%s: timed out", connection.peer)
                connection.end(_TIMED_OUT)
            elif connection.session.has_expired:
                log.info("%s: the sign-in has expired", connection.peer)
                connection.end(_EXPIRED)
        self._timer = loop.call_later(min(10.0, limits.before_logon / 4, limits.idle / 4), self._sweep)

    async def stop(self, grace: float) -> None:
        """Stop listening, end the idle, let the others finish their command; cut what is left after `grace` seconds."""
        if self._timer is not None:
            self._timer.cancel()
        for listener in self._listeners:
            listener.stop_accepting()
        for connection in list(self._connections):
            connection.end(_STOPPING)
        await asyncio.gather(*(listener.stop(grace) for listener in self._listeners))
