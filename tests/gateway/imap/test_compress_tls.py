"""COMPRESS under TLS, octet by octet over a real socket ([RFC4978] 3): the layers lie in the right order."""

from __future__ import annotations

import asyncio
import random
import zlib
from pathlib import Path

import pytest

from tests.support.certificates import trusting_nobody
from tests.support.server import RunningServer

SYNC = b"\x00\x00\xff\xff"
"""What a sync flush ends with: an empty stored block ([RFC1951] 3.2.4)."""


class Zipped:
    """The client's side: what it writes and reads goes through DEFLATE, and then through TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.inflater = zlib.decompressobj(-15)
        self.plain = b""
        self.raw = b""

    async def send(self, *pieces: bytes) -> None:
        """Send pieces; each is flushed, and its octets go one half after the other."""
        for piece in pieces:
            data = self.deflater.compress(piece) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
            for half in (data[: len(data) // 2], data[len(data) // 2 :]):
                self.writer.write(half)
                await self.writer.drain()

    async def until(self, end: bytes) -> bytes:
        """What the server says up to an end."""
        while end not in self.plain:
            data = await self.reader.read(65536)
            assert data, "the server has hung up"
            self.raw += data
            self.plain += self.inflater.decompress(data)
        said, _, self.plain = self.plain.partition(end)
        return said + end


@pytest.mark.parametrize("port", ["imaps", "imap"])
async def test_compress_under_tls(tmp_path: Path, port: str) -> None:
    """TLS from the first octet, and by STARTTLS; a synchronizing literal, a large message, IDLE, and the end."""
    noise = random.Random(4).randbytes(30_000).hex()  # 60 kB in 30
    message = "Subject: x\r\n\r\n" + "".join(noise[at : at + 70] + "\r\n" for at in range(0, len(noise), 70))
    async with RunningServer(tmp_path) as server:
        reader, writer = await server.connect(port)
        await reader.readline()
        if port == "imap":
            writer.write(b"s STARTTLS\r\n")
            assert (await reader.readline()).startswith(b"s OK")
            await writer.start_tls(trusting_nobody())
        assert writer.get_extra_info("ssl_object") is not None
        writer.write(b"a LOGIN alice password\r\nb COMPRESS DEFLATE\r\n")
        assert (await reader.readline()).startswith(b"a OK")
        assert await reader.readline() == b"b OK DEFLATE active.\r\n"
        peer = Zipped(reader, writer)

        await peer.send(b"c APPEND INBOX {%d}\r\n" % len(message))
        assert (await peer.until(b"\r\n")).startswith(b"+ ")
        assert peer.raw.endswith(SYNC)  # the client can read all of it without waiting for more
        await peer.send(message[:1000].encode(), message[1000:].encode() + b"\r\n")
        assert (await peer.until(b"\r\n")).startswith(b"c OK [APPENDUID ")
        await peer.send(b"d SELECT INBOX\r\n")
        assert b"* 1 EXISTS\r\n" in await peer.until(b"d OK [READ-WRITE] SELECT completed.\r\n")

        peer.raw = b""
        await peer.send(b"e UID FETCH 1 (BODY.PEEK[])\r\n")
        said = await peer.until(b"e OK FETCH completed.\r\n")
        assert b"BODY[] {%d}\r\n%b)\r\n" % (len(message), message.encode()) in said
        assert len(peer.raw) < 0.6 * len(said)
        assert b"FETCH" not in peer.raw

        await peer.send(b"f IDLE\r\n")
        assert (await peer.until(b"\r\n")).startswith(b"+ ")
        other_reader, other = await server.connect("imaps")
        other.write(b"a LOGIN alice password\r\nb APPEND INBOX {4+}\r\nA: b\r\n")
        assert b"* 2 EXISTS\r\n" in await peer.until(b"EXISTS\r\n")
        other.close()
        del other_reader
        await peer.send(b"DONE\r\n", b"g LOGOUT\r\n")
        assert b"* BYE " in await peer.until(b"g OK LOGOUT completed.\r\n")
        rest = await reader.read()
        assert peer.plain + peer.inflater.decompress(rest) == b""
        assert peer.inflater.unused_data == b""
        writer.close()
