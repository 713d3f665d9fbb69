"""The contract of a transport: TLS, from the beginning or begun by the client."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from tests.gateway.runtime.hosting import Host, play
from tests.gateway.runtime.recorder import Made, kinds
from tests.support.certificates import trusting_nobody


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
