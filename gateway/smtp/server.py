"""The SMTP front end: listeners of three services, and one timer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from gateway.runtime.listeners import Listener
from gateway.smtp import replies
from gateway.smtp.lmtp import LmtpConnection
from gateway.smtp.profile import Profile, Service, SmtpLimits
from gateway.smtp.session import SmtpServices
from gateway.smtp.stream import SmtpStream, log
from gateway.smtp.transaction import SmtpConnection


class SmtpPort(NamedTuple):
    """A listener and what is spoken there."""

    listener: Listener
    service: Service


class SmtpFrontEnd:
    """All SMTP and LMTP ports of a worker. How many connections there may be, the listeners know."""

    def __init__(self, services: SmtpServices, ports: Sequence[SmtpPort], limits: SmtpLimits | None = None) -> None:
        self._services = services
        self._ports = ports
        self._limits = limits or SmtpLimits()
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen."""
        loop = asyncio.get_running_loop()
        for port in self._ports:
            await port.listener.serve_asyncio(partial(self.connect, loop, port))
        self._sweep()

    def connect(self, loop: asyncio.AbstractEventLoop, port: SmtpPort) -> SmtpConnection:
        """Make the protocol of one connection."""
        kind = LmtpConnection if port.service is Service.LMTP else SmtpConnection
        profile = Profile(port.service, port.listener.starttls, port.listener.name)
        return kind(loop, port.listener.connections, self._limits, self._services, profile)

    def _open(self) -> Iterator[SmtpStream]:
        for port in self._ports:
            for connection in list(port.listener.connections.active):
                if isinstance(connection, SmtpStream):
                    yield connection

    def _sweep(self) -> None:
        """End what has been idle too long, and what ought to have signed in by now, or anew.

        One timer for all: a timer each would cost more than the commands.
        """
        loop = asyncio.get_running_loop()
        now, limits = loop.time(), self._limits
        for connection in self._open():
            if connection.idle and (reply := connection.overdue(now)) is not None:
                log.info("%s: %s", connection.peer, reply.decode())
                connection.end(reply)
        self._timer = loop.call_later(min(15.0, limits.idle / 4, limits.before_logon / 4), self._sweep)

    async def stop(self, grace: float) -> None:
        """Stop listening, say 421 to the idle, let the others finish their command; cut the rest after `grace` s."""
        if self._timer is not None:
            self._timer.cancel()
        for port in self._ports:
            port.listener.stop_accepting()
        for connection in self._open():
            connection.end(replies.SHUTTING_DOWN)
        await asyncio.gather(*(port.listener.stop(grace) for port in self._ports))
