"""How many connections there may be, and their end, on every kind of transport."""

from __future__ import annotations

import asyncio
from pathlib import Path

from twisted.internet.error import ConnectionAborted

from gateway.runtime.connections import ConnectionLimits, Connections
from tests.gateway.runtime.hosting import Host, play
from tests.gateway.runtime.recorder import Made, native


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
