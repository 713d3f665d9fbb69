"""Ports: bound before the fork, served in each worker.

The supervisor calls `bind` once: one socket for each worker and address, all with SO_REUSEPORT, so that the kernel
spreads connections. It keeps them open: a connection that arrives while a worker is being replaced waits for the new
one. In a worker the composition root makes a Listener of them and hands it to the front end, which does

    start():      await listener.serve(lambda: ImapConnection(...), refusal=b"* BYE Too many connections\\r\\n")
                  # aiosmtpd: await listener.serve_asyncio(lambda: Smtp(...))
    stop(grace):  listener.stop_accepting(); say goodbye on its sessions; await listener.stop(grace)

`listener.starttls` is the context for startTLS where the port offers it, `listener.implicit` tells a TLS port (where a
hosted protocol finds `transport.tls` true from the start), `listener.port` is the port really bound.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from twisted.internet.protocol import Protocol

from gateway.runtime.connections import Connections
from gateway.runtime.transport import HANDSHAKE_SECONDS, TLS_SHUTDOWN_SECONDS, HostedTransport

BACKLOG = 1024


class BindError(Exception):
    """An address that cannot be listened on; the text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A port to listen on. `host` is an address or a name; empty means every address; port 0 takes a free one."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Binding:
    """A bound endpoint (its port is the real one), and the sockets of each worker."""

    endpoint: Endpoint
    sockets: tuple[tuple[socket.socket, ...], ...]

    def close(self, *, keep: int | None = None) -> None:
        """Close the sockets in this process, but for those of worker `keep`."""
        for worker, sockets in enumerate(self.sockets):
            if worker != keep:
                for each in sockets:
                    each.close()


def bind(endpoint: Endpoint, *, workers: int = 1) -> Binding:
    """Bind an endpoint for that many workers, without listening yet. Raises BindError."""
    opened: list[list[socket.socket]] = [[] for _ in range(workers)]
    port = endpoint.port
    try:
        for family, address in _addresses(endpoint):
            if port and workers > 1:
                # SO_REUSEPORT would let a second server of the same user share the port unnoticed.
                _open(family, address, port, shared=False).close()
            for sockets in opened:
                each = _open(family, address, port, shared=workers > 1)
                sockets.append(each)
                port = each.getsockname()[1]
    except OSError as error:
        for sockets in opened:
            for each in sockets:
                each.close()
        raise BindError(_explain(endpoint, error)) from error
    return Binding(replace(endpoint, port=port), tuple(tuple(sockets) for sockets in opened))


def _addresses(endpoint: Endpoint) -> list[tuple[socket.AddressFamily, str]]:
    if not endpoint.host:
        every = [(socket.AF_INET, "0.0.0.0")]  # noqa: S104 - an empty host means every address
        return [*every, (socket.AF_INET6, "::")] if _has_ipv6() else every
    found = socket.getaddrinfo(endpoint.host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    families = (socket.AF_INET, socket.AF_INET6) if _has_ipv6() else (socket.AF_INET,)
    usable = [(family, str(address[0])) for family, _, _, _, address in found if family in families]
    return list(dict.fromkeys(usable)) or [(socket.AF_INET, endpoint.host)]


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def _open(family: socket.AddressFamily, address: str, port: int, *, shared: bool) -> socket.socket:
    # asyncio's own loop sets TCP_NODELAY only on sockets that name their protocol.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((address, port))
        if not shared:
            sock.listen(BACKLOG)  # tells apart a port that another listens on; SO_REUSEADDR alone would not
    except OSError:
        sock.close()
        raise
    return sock


def _explain(endpoint: Endpoint, error: OSError) -> str:
    where = f"{endpoint.host or '*'}:{endpoint.port}"
    if error.errno == errno.EADDRINUSE:
        advice = "another program listens there. Stop it (`ss -ltnp` shows it), or give the listener another port"
    elif error.errno in (errno.EACCES, errno.EPERM):
        advice = (
            "this user may not listen on ports below 1024. Use a higher port (`oxgate init --unprivileged`), "
            "or grant the right: CAP_NET_BIND_SERVICE, for example AmbientCapabilities in the systemd unit"
        )
    elif error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        advice = "this machine has no such address. Correct the listener's host; empty means every address"
    elif error.errno == errno.EMFILE:
        advice = "too many open files. Raise the limit (`ulimit -n`, LimitNOFILE in the systemd unit)"
    else:
        advice = error.strerror or str(error)
    return f"listener {endpoint.name}: cannot listen on {where}: {advice}"


class Listener:
    """One port in one worker. The sockets are its own from now on: it closes them when it stops."""

    def __init__(
        self,
        endpoint: Endpoint,
        sockets: Sequence[socket.socket],
        *,
        implicit: ssl.SSLContext | None = None,
        starttls: ssl.SSLContext | None = None,
        connections: Connections | None = None,
    ) -> None:
        self.name = endpoint.name
        self.host = endpoint.host
        self.port = endpoint.port
        self.starttls = starttls
        self.connections = connections if connections is not None else Connections()
        self._context = implicit
        self._sockets = sockets
        self._servers: list[asyncio.Server] = []

    @property
    def implicit(self) -> bool:
        """Whether TLS begins with the first octet."""
        return self._context is not None

    async def serve(self, factory: Callable[[], Protocol], *, refusal: bytes = b"") -> None:
        """Accept connections for a hosted Twisted protocol; `refusal` is said to one too many."""
        self.connections.refusal = refusal
        await self.serve_asyncio(lambda: HostedTransport(factory(), self.connections))

    async def serve_asyncio(self, factory: Callable[[], asyncio.BaseProtocol]) -> None:
        """Accept connections for an asyncio protocol."""
        loop = asyncio.get_running_loop()
        for sock in self._sockets:
            server = await loop.create_server(
                factory,
                sock=sock.dup(),
                backlog=BACKLOG,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS if self.implicit else None,
                ssl_shutdown_timeout=TLS_SHUTDOWN_SECONDS if self.implicit else None,
            )
            self._servers.append(server)

    def stop_accepting(self) -> None:
        """Take no more connections; those that are open go on. New clients are refused, not left waiting."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        for sock in self._sockets:
            sock.close()

    async def stop(self, grace: float) -> None:
        """Wait up to `grace` seconds for the hosted connections to end by themselves, then cut them."""
        self.stop_accepting()
        await self.connections.drained(grace)
