"""The contract of a transport, on uvloop's, on asyncio's and on Twisted's own."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import cast

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from gateway.runtime.connections import ConnectionLimits, Connections
from gateway.runtime.transport import Transport
from tests.gateway.runtime.hosting import KINDS, Host, play
from tests.support.certificates import trusting_nobody

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


@kinds
def test_echo_addresses_and_a_clean_end(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"one\ntwo\n")
        assert await reader.readline() == b"echo one\n"
        assert await reader.readline() == b"echo two\n"
        wire = made[0].wire
        assert wire.tls is False
        assert (wire.getPeer().host, wire.getPeer().port) == writer.get_extra_info("sockname")  # type: ignore[union-attr]
        assert wire.getHost().port == host.port  # type: ignore[union-attr]
        assert wire.disconnecting is False
        writer.write(b"QUIT\nthree\n")
        assert await reader.read() == b"bye\n"
        assert wire.disconnecting is True
        writer.close()
        assert (await made[0].ended).check(ConnectionDone)
        assert b"three" not in made[0].seen
        assert wire.getPeer().host == "127.0.0.1"  # type: ignore[union-attr]
        wire.write(b"to nobody")
        wire.loseConnection()
        with pytest.raises(ConnectionError):
            await wire.drain()

    class OneLine(Recorder):
        def dataReceived(self, data: bytes) -> None:
            for line in data.splitlines():
                if not self.wire.disconnecting:
                    self.line(line)

    made.kind = OneLine
    play(kind, tmp_path, made, scenario)


@kinds
def test_peer_goes_away(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"one\n")
        await reader.readline()
        writer.close()
        assert (await made[0].ended).check(ConnectionDone)
        assert len(host.connections) == 0

    play(kind, tmp_path, made, scenario)


@kinds
def test_abort(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"ABORT\n")
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        assert (await made[0].ended).check(ConnectionAborted, ConnectionDone, ConnectionLost)
        writer.close()

    play(kind, tmp_path, made, scenario)


@kinds
def test_half_close_ends_a_protocol_that_does_not_know_it(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"one\n")
        writer.write_eof()
        await reader.read()
        assert (await made[0].ended).check(ConnectionDone)
        assert made[0].seen == [b"one"]
        writer.close()

    play(kind, tmp_path, made, scenario)


@kinds
def test_half_close_lets_a_protocol_finish(kind: str, tmp_path: Path) -> None:
    made = Made(HalfClosing)

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"one\n")
        writer.write_eof()
        assert await reader.read() == b"echo one\nstill here\n"
        await made[0].ended
        writer.close()

    play(kind, tmp_path, made, scenario)


@kinds
@pytest.mark.parametrize("implicit", [False, True], ids=["plain", "tls"])
def test_a_slow_reader_holds_the_writer_back(kind: str, implicit: bool, tmp_path: Path) -> None:
    """`drain` waits, everything arrives in order, and memory stays bounded."""
    chunk = bytes(range(256)) * 400
    count = 200
    highest = 0

    class Sender(Recorder):
        def line(self, line: bytes) -> None:
            self.task = asyncio.get_running_loop().create_task(self.send())

        async def send(self) -> None:
            nonlocal highest
            for _ in range(count):
                self.wire.write(chunk)
                await self.wire.drain()
                highest = max(highest, self.wire.write_buffer_size())
            self.wire.loseConnection()

    made = Made(Sender)

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect(tls=implicit)
        writer.write(b"go\n")
        assert await reader.readexactly(1) == chunk[:1]
        assert not made[0].task.done()  # type: ignore[attr-defined]
        rest = await reader.read()
        while block := await reader.read():
            rest += block
        assert chunk[:1] + rest == chunk * count
        writer.close()
        await made[0].ended

    play(kind, tmp_path, made, scenario, implicit=implicit)
    assert highest < 2_000_000


@kinds
def test_drain_ends_when_the_peer_goes(kind: str, tmp_path: Path) -> None:
    class Sender(Recorder):
        def line(self, line: bytes) -> None:
            self.task = asyncio.get_running_loop().create_task(self.send())

        async def send(self) -> None:
            while True:
                self.wire.write(b"x" * 100_000)
                await self.wire.drain()

    made = Made(Sender)

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"go\n")
        await reader.readexactly(1)
        writer.transport.abort()
        await made[0].ended
        with pytest.raises(ConnectionError):
            await made[0].task  # type: ignore[attr-defined]

    play(kind, tmp_path, made, scenario)


@kinds
def test_push_producer(kind: str, tmp_path: Path) -> None:
    """Paused while the peer is slow; the connection ends once the producer has."""

    class Producer:
        def __init__(self, wire: Transport) -> None:
            self.wire = wire
            self.left = 100
            self.paused = False
            self.pauses = 0

        def pauseProducing(self) -> None:
            self.paused = True
            self.pauses += 1

        def resumeProducing(self) -> None:
            self.paused = False
            asyncio.get_running_loop().call_soon(self.go)

        def stopProducing(self) -> None:
            self.left = 0

        def go(self) -> None:
            while self.left and not self.paused:
                self.left -= 1
                self.wire.write(b"y" * 100_000)
            if not self.left:
                self.wire.unregisterProducer()

    class Producing(Recorder):
        def line(self, line: bytes) -> None:
            self.producer = Producer(self.wire)
            with pytest.raises(RuntimeError):
                self.wire.registerProducer(self.producer, False)
            self.wire.registerProducer(self.producer, True)
            self.wire.loseConnection()
            self.producer.resumeProducing()

    made = Made(Producing)

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"go\n")
        got = 0
        while block := await reader.read(65536):
            got += len(block)
        assert got == 100 * 100_000
        assert made[0].producer.pauses > 0  # type: ignore[attr-defined]
        writer.close()
        await made[0].ended

    play(kind, tmp_path, made, scenario)


@kinds
def test_reading_can_be_paused(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"one\n")
        await reader.readline()
        made[0].wire.pauseProducing()
        writer.write(b"two\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readline(), 0.05)
        assert made[0].seen == [b"one"]
        made[0].wire.resumeProducing()
        assert await reader.readline() == b"echo two\n"
        writer.close()
        await made[0].ended

    play(kind, tmp_path, made, scenario)


async def upgrade(host: Host, command: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await host.connect()
    writer.write(command)
    assert await reader.readline() == b"go ahead\n"
    await writer.start_tls(trusting_nobody())
    return reader, writer


@kinds
def test_start_tls(kind: str, tmp_path: Path) -> None:
    """[RFC3501] 6.2.1, [RFC3207] 4.2: what goes on after the handshake is encrypted, and starts afresh."""
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await upgrade(host, b"TLS\n")
        writer.write(b"one\n")
        assert await reader.readline() == b"echo one\n"
        assert made[0].wire.tls is True
        assert made[0].secured == 1
        if kind != "twisted":
            assert made[0].wire.get_extra_info("ssl_object") is not None
            with pytest.raises(RuntimeError):
                made[0].wire.startTLS(host.contexts.context)
        writer.close()
        await made[0].ended
        assert made[0].made == 1

    play(kind, tmp_path, made, scenario)


@kinds
def test_plaintext_injected_behind_starttls_is_dropped(kind: str, tmp_path: Path) -> None:
    """[RFC3207] 6, [RFC9051] 11.1: a command that was sent in clear is not carried out under TLS."""
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await upgrade(host, b"TLS\ninjected\n")
        writer.write(b"mine\n")
        assert await reader.readline() == b"echo mine\n"
        assert made[0].seen == [b"TLS", b"mine"]
        writer.close()
        await made[0].ended

    play(kind, tmp_path, made, scenario)


@kinds
def test_failed_handshake_ends_the_connection(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"TLS\n")
        await reader.readline()
        writer.write(b"this is no ClientHello\r\n" * 20)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        await made[0].ended
        assert made[0].secured == 0
        assert made[0].seen == [b"TLS"]
        writer.close()

    play(kind, tmp_path, made, scenario)


@kinds
def test_peer_leaves_in_the_handshake(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"TLS\n")
        await reader.readline()
        writer.close()
        await made[0].ended
        assert len(host.connections) == 0

    play(kind, tmp_path, made, scenario)


@kinds
def test_implicit_tls(kind: str, tmp_path: Path) -> None:
    """[RFC8314] 3: TLS from the first octet; the protocol hears of the connection after the handshake."""
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect(tls=True)
        writer.write(b"one\n")
        assert await reader.readline() == b"echo one\n"
        assert made[0].wire.tls is True
        assert made[0].wire.getPeer().host == "127.0.0.1"  # type: ignore[union-attr]
        writer.write(b"QUIT\n")
        assert await reader.read() == b"bye\n"
        writer.close()
        await made[0].ended
        assert made[0].wire.getPeer().host == "127.0.0.1"  # type: ignore[union-attr]
        assert len(host.connections) == 0

    play(kind, tmp_path, made, scenario, implicit=True)


@native
def test_the_last_reply_survives_unread_input(kind: str, tmp_path: Path) -> None:
    """[RFC9293] 3.6.1: closing over unread input would reset the connection and could lose the reply."""
    made = Made()

    class Refusing(Recorder):
        def dataReceived(self, data: bytes) -> None:
            self.wire.pauseProducing()
            self.wire.write(b"too long\n")
            self.wire.loseConnection()

    made.kind = Refusing

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        for _ in range(10):
            writer.write(b"z" * 50_000)
        assert await reader.read() == b"too long\n"
        writer.close()
        assert (await made[0].ended).check(ConnectionDone)

    play(kind, tmp_path, made, scenario)


@native
def test_limits(kind: str, tmp_path: Path) -> None:
    """One connection too many is told so, and its protocol never hears of it."""
    made = Made()
    connections = Connections(ConnectionLimits(total=1), b"too many\n")

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"one\n")
        await reader.readline()
        second, second_writer = await host.connect()
        assert await second.read() == b"too many\n"
        second_writer.close()
        assert len(connections) == 1
        writer.close()
        await made[0].ended
        third, third_writer = await host.connect()
        third_writer.write(b"one\n")
        assert await third.readline() == b"echo one\n"
        third_writer.close()
        await made[2].ended
        assert connections.limits.count == 0

    play(kind, tmp_path, made, scenario, connections=connections)


def test_limits_for_one_address_spare_loopback() -> None:
    limits = ConnectionLimits(total=5, per_host=1)
    assert [
        limits.enter(host) for host in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "127.0.0.1", "127.0.0.1", "::1")
    ] == [
        True,
        False,
        True,
        True,
        True,
        True,
    ]
    assert limits.enter("192.0.2.3") is False
    limits.leave("192.0.2.1")
    assert limits.enter("192.0.2.1") is True


@native
def test_drained_waits_and_then_cuts(kind: str, tmp_path: Path) -> None:
    made = Made()

    async def scenario(host: Host) -> None:
        await host.connections.drained(10)
        first = await host.connect()
        second = await host.connect()
        for reader, writer in (first, second):
            writer.write(b"one\n")
            await reader.readline()
        first[1].write(b"QUIT\n")
        waiting = asyncio.create_task(host.connections.drained(0.05))
        assert await first[0].read() == b"bye\n"
        first[1].close()
        await waiting
        assert len(host.connections) == 0
        assert (await made[1].ended).check(ConnectionAborted)
        second[1].close()

    play(kind, tmp_path, made, scenario)


@native
def test_idle_connection_is_small(kind: str, tmp_path: Path) -> None:
    """No instance dictionary, no future, no buffer while nothing happens."""
    made = Made()

    async def scenario(host: Host) -> None:
        reader, writer = await host.connect()
        writer.write(b"one\n")
        await reader.readline()
        (hosted,) = host.connections.active
        assert not hasattr(hosted, "__dict__")
        writer.close()
        await made[0].ended

    play(kind, tmp_path, made, scenario)
