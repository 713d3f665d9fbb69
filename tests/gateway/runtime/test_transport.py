"""The contract of a transport, on uvloop's, on asyncio's and on Twisted's own."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost

from gateway.runtime.transport import Transport
from tests.gateway.runtime.hosting import Host, play
from tests.gateway.runtime.recorder import HalfClosing, Made, Recorder, kinds, native


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
