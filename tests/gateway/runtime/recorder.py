"""A protocol that remembers what a transport does to it, and the kinds of transports that there are."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from gateway.runtime.transport import Transport
from tests.gateway.runtime.hosting import KINDS, Host

kinds = pytest.mark.parametrize("kind", KINDS)
native = pytest.mark.parametrize("kind", ["uvloop", "asyncio"])


class Recorder(Protocol):
    """Echoes lines, obeys a few, remembers the rest."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.buffer = b""
        self.seen: list[bytes] = []
        self.secured = 0
        self.ended: asyncio.Future[Failure] = asyncio.get_running_loop().create_future()
        self.made = 0

    @property
    def wire(self) -> Transport:
        return cast(Transport, self.transport)

    def connectionMade(self) -> None:
        self.made += 1

    def dataReceived(self, data: bytes) -> None:
        self.buffer += data
        while b"\n" in self.buffer:
            line, _, self.buffer = self.buffer.partition(b"\n")
            self.line(line.rstrip(b"\r"))

    def line(self, line: bytes) -> None:
        self.seen.append(line)
        if line == b"TLS":
            self.wire.write(b"go ahead\n")
            self.buffer = b""
            self.wire.startTLS(self.host.contexts.context)
        elif line == b"QUIT":
            self.wire.write(b"bye\n")
            self.wire.loseConnection()
            self.wire.write(b"after the end\n")
        elif line == b"ABORT":
            self.wire.abortConnection()
        else:
            self.wire.write(b"echo " + line + b"\n")

    def tlsStarted(self) -> None:
        self.secured += 1

    def connectionLost(self, reason: Failure | None = None) -> None:
        assert reason is not None
        assert not self.ended.done(), "connectionLost twice"
        self.ended.set_result(reason)


class HalfClosing(Recorder):
    """Goes on writing when the client has finished."""

    def readConnectionLost(self) -> None:
        self.wire.write(b"still here\n")
        self.wire.loseConnection()


class Made(list[Recorder]):
    """The protocols made for a scenario."""

    def __init__(self, kind: type[Recorder] = Recorder) -> None:
        super().__init__()
        self.kind = kind

    def __call__(self, host: Host) -> Recorder:
        self.append(self.kind(host))
        return self[-1]
