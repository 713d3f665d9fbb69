"""The open connections of a listener, and how many there may be."""

from __future__ import annotations

import asyncio
import functools
import ipaddress
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


@functools.lru_cache(maxsize=1024)
def client_of(host: str) -> str:
    """Say what counts as one client: an IPv4 address, or the /64 of an IPv6 address, of which one has many."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address) or address.is_loopback:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(address) >> 64 << 64)}/64"


class Hosts(Protocol):
    """Who counts connections by address; gateway.runtime.sharedcounters.Door does, over all workers."""

    def enter(self, address: str, most: int) -> bool:
        """Count a connection; False, and not counted, where the address has `most` already (0: no limit)."""

    def leave(self, address: str) -> None:
        """Count one less."""


class OwnHosts:
    """Counts the connections of this process."""

    __slots__ = ("_hosts",)

    def __init__(self) -> None:
        self._hosts: dict[str, int] = {}

    def enter(self, address: str, most: int) -> bool:
        """Count a connection; False, and not counted, where the address has `most` already (0: no limit)."""
        here = self._hosts.get(address, 0)
        if most and here >= most:
            return False
        self._hosts[address] = here + 1
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        here = self._hosts[address] - 1
        if here:
            self._hosts[address] = here
        else:
            del self._hosts[address]


class ConnectionLimits:
    """Counts the connections of a worker over all its ports.

    `total` and `per_host` are maxima, 0 for none; `hosts` counts for `per_host`, maybe for all workers together.
    Loopback is exempt from `per_host`: behind it may stand a proxy, a webmail or an indexer that connects for many.
    """

    __slots__ = ("_hosts", "_per_host", "_total", "count")

    def __init__(self, total: int = 0, per_host: int = 0, hosts: Hosts | None = None) -> None:
        self._total = total
        self._per_host = per_host
        self._hosts: Hosts = hosts if hosts is not None else OwnHosts()
        self.count = 0

    def enter(self, host: str) -> bool:
        """Count a connection from `host`; False, and not counted, when there are too many."""
        if self._total and self.count >= self._total:
            return False
        host = client_of(host)
        if not self._hosts.enter(host, 0 if host.startswith(LOOPBACK) else self._per_host):
            return False
        self.count += 1
        return True

    def leave(self, host: str) -> None:
        """Count one less."""
        self.count -= 1
        self._hosts.leave(client_of(host))


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
