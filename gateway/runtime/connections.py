"""The open connections of a listener, and how many there may be."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Hashable
from typing import Protocol

numbers = itertools.count(1)
"""Numbers the connections of a process, for the log."""

LOOPBACK = ("127.", "::1", "::ffff:127.")


class Hosted(Hashable, Protocol):
    """What is counted here; gateway.runtime.transport.HostedTransport is one."""

    def abortConnection(self) -> None:
        """Close at once."""


class ConnectionLimits:
    """Counts the connections of a worker over all its ports.

    `total` and `per_host` are maxima, 0 for none. Loopback is exempt from `per_host`: behind it may stand a proxy, a
    webmail or an indexer that connects for many users.
    """

    __slots__ = ("_hosts", "_per_host", "_total", "count")

    def __init__(self, total: int = 0, per_host: int = 0) -> None:
        self._total = total
        self._per_host = per_host
        self._hosts: dict[str, int] = {}
        self.count = 0

    def enter(self, host: str) -> bool:
        """Count a connection from `host`; False, and not counted, when there are too many."""
        if self._total and self.count >= self._total:
            return False
        here = self._hosts.get(host, 0)
        if self._per_host and here >= self._per_host and not host.startswith(LOOPBACK):
            return False
        self._hosts[host] = here + 1
        self.count += 1
        return True

    def leave(self, host: str) -> None:
        """Count one less."""
        self.count -= 1
        here = self._hosts[host] - 1
        if here:
            self._hosts[host] = here
        else:
            del self._hosts[host]


class Connections:
    """The open connections of a listener; `refusal` is what one too many is told before it is closed."""

    __slots__ = ("_empty", "active", "limits", "refusal")

    def __init__(self, limits: ConnectionLimits | None = None, refusal: bytes = b"") -> None:
        self.active: dict[Hosted, str] = {}
        self.limits = limits or ConnectionLimits()
        self.refusal = refusal
        self._empty: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self.active)

    def enter(self, hosted: Hosted, host: str) -> bool:
        """Take a new connection in, unless there are too many."""
        if not self.limits.enter(host):
            return False
        self.active[hosted] = host
        return True

    def leave(self, hosted: Hosted) -> None:
        """Forget a connection that has ended."""
        host = self.active.pop(hosted, None)
        if host is not None:
            self.limits.leave(host)
            if not self.active and self._empty is not None and not self._empty.done():
                self._empty.set_result(None)

    async def drained(self, grace: float) -> None:
        """Wait up to `grace` seconds until none is left, then abort the rest and wait for their end."""
        for seconds in (grace, 1.0):
            if not self.active:
                return
            self._empty = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._empty], timeout=seconds)
            for hosted in list(self.active):
                hosted.abortConnection()
