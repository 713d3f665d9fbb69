"""COMPRESS ([RFC4978] 3) and UNAUTHENTICATE ([RFC8437] 3, 4.1)."""

from __future__ import annotations

import random
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.imap.connection import PAUSE_AT
from gateway.imap.environment import ImapSettings
from tests.gateway.imap.harness import Client, Server, split


class Zipped:
    """The client's side of a compressed connection."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflater = zlib.decompressobj(-15)

    def zip(self, data: bytes) -> bytes:
        return self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)

    def take(self) -> list[bytes]:
        output = bytes(self.client.transport.output)
        self.client.transport.output.clear()
        return split(self.inflater.decompress(output))

    async def send(self, data: bytes) -> list[bytes]:
        self.client.connection.dataReceived(self.zip(data))
        await self.client.settle()
        return self.take()


async def zipped(server: Server, select: str | None = "INBOX") -> Zipped:
    client = await server.client(select)
    assert await client("COMPRESS deflate") == [b"OK DEFLATE active."]
    return Zipped(client)


async def test_everything_is_compressed(server: Server) -> None:
    """[RFC4978] 3: from behind the reply on, both ways, and each write can be read at once."""
    for _ in range(200):
        server.deliver()
    peer = await zipped(server)
    lines = await peer.send(b"a FETCH 1:* (FLAGS ENVELOPE)\r\nb NOOP\r\n")
    assert len(lines) == 202
    assert lines[-1] == b"b OK NOOP completed."
    server.deliver()
    lines = await peer.send(b"c IDLE\r\n")
    assert lines == [b"+ idling", b"* 201 EXISTS", b"* 201 RECENT"]
    server.deliver()
    await peer.client.settle()
    assert peer.take()[0] == b"* 202 EXISTS"
    peer.client.connection.check(peer.client.connection._heard + 130)
    await peer.client.settle()
    assert peer.take() == [b"* OK Still here"]
    assert (await peer.send(b"DONE\r\n"))[-1] == b"c OK IDLE completed."


async def test_refusals(server: Server) -> None:
    """[RFC4978] 3: only after signing in, only DEFLATE, only once."""
    client = server.connect()
    assert b"COMPRESS=DEFLATE" in client.take()[0].split()
    assert (await client("COMPRESS DEFLATE"))[-1].startswith(b"BAD")
    await client.login()
    assert (await client("COMPRESS LZMA"))[-1].startswith(b"BAD")
    assert (await client("COMPRESS"))[-1].startswith(b"BAD")
    await client.ok("COMPRESS DEFLATE")
    peer = Zipped(client)
    assert (await peer.send(b"a COMPRESS DEFLATE\r\n"))[-1].startswith(b"a BAD [COMPRESSIONACTIVE]")
    assert await peer.send(b"b NOOP\r\n") == [b"b OK NOOP completed."]


async def test_what_came_uncompressed_is_dropped(server: Server) -> None:
    """[RFC4978] 3: a client waits for the reply; what somebody put behind the command is no command."""
    client = await server.client()
    lines = await client.send(b"a COMPRESS DEFLATE\r\nb DELETE Archive\r\n")
    assert lines == [b"a OK DEFLATE active."]
    assert await Zipped(client).send(b"c STATUS Archive (MESSAGES)\r\n") == [
        b"* STATUS Archive (MESSAGES 0)",
        b"c OK STATUS completed.",
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_cut_anywhere(server: Server, seed: int) -> None:
    """Commands, literals and lines arrive whole however the compressed octets are cut."""
    choose = random.Random(seed)
    peer = await zipped(server)
    message = b"Subject: \xc3\xbc\r\n\r\n" + bytes(choose.randrange(256) for _ in range(3000)).replace(b"\0", b"")
    octets = b""
    for number in range(5):
        octets += peer.zip(b"t%d APPEND INBOX {%d+}\r\n%b\r\n" % (number, len(message), message))
        octets += peer.zip(b"u%d IDLE\r\nDONE\r\n" % number)
    replies = []
    while octets:
        step = choose.choice((1, 2, 7, 100, 3000))
        peer.client.connection.dataReceived(octets[:step])
        octets = octets[step:]
        await peer.client.settle()
        replies += peer.take()
    tagged = [line.split()[0] for line in replies if line[:1] in b"tu" and b" OK" in line]
    assert tagged == [b"%c%d" % (kind, number) for number in range(5) for kind in b"tu"]
    assert len(server.mailbox.rows(server.mailbox.folder(("INBOX",)).id)) == 5


async def test_a_bomb_ends_the_connection(server: Server) -> None:
    """Memory is bounded whatever it expands to, and so is the work."""
    peer = await zipped(server)
    connection = peer.client.connection
    most = 0
    bomb = peer.zip(b"x" * (100 << 20))
    for start in range(0, len(bomb), 4096):
        if connection._closing:
            break
        connection.dataReceived(bomb[start : start + 4096])
        most = max(most, connection._unread)
        await peer.client.settle()
    assert connection._closing
    assert peer.take()[-1] == b"* BYE The compressed input expands too much."
    assert most < 2 * PAUSE_AT


async def test_garbage_ends_the_connection(server: Server) -> None:
    peer = await zipped(server)
    peer.client.connection.dataReceived(b"a NOOP\r\n")
    await peer.client.settle()
    assert peer.take() == [b"* BYE The input is not compressed by DEFLATE."]
    assert peer.client.transport.lost


async def test_an_idle_connection_keeps_no_compressor(server: Server) -> None:
    """Its memory is given back after some seconds, and the client notices nothing."""
    peer = await zipped(server)
    assert await peer.send(b"a NOOP\r\n") == [b"a OK NOOP completed."]
    connection = peer.client.connection
    assert connection._compression is not None
    assert connection._compression._deflater is not None
    connection.check(connection._heard + 11)
    assert connection._compression._deflater is None
    assert await peer.send(b"b NOOP\r\n") == [b"b OK NOOP completed."]


# --- UNAUTHENTICATE


async def test_unauthenticate(server: Server) -> None:
    """[RFC8437] 3, 4.1: nothing is left of the user, nor of what was agreed on; nothing is expunged."""
    row = server.deliver(flags=8)
    client = await server.client(None)
    assert b"UNAUTHENTICATE" in (await client("CAPABILITY"))[0].split()
    await client.ok("ENABLE QRESYNC UTF8=ACCEPT IMAP4rev2 UIDONLY")
    await client.ok("SELECT INBOX")
    session = client.connection.session
    assert await client("UNAUTHENTICATE") == [b"OK UNAUTHENTICATE completed."]
    assert session.selected is None
    assert session.logon is None
    assert not any((session.condstore, session.qresync, session.rev2, session.utf8, session.uidonly))
    for command in ("NOOP", "CAPABILITY"):
        await client.ok(command)
    for command in ("SELECT INBOX", 'LIST "" *', "UNAUTHENTICATE", "IDLE"):
        assert (await client(command))[-1].startswith(b"BAD")
    await client.ok("LOGIN alice password")
    lines = await client.ok("SELECT INBOX")
    assert b"* 0 RECENT" in lines or b"* 1 RECENT" in lines
    assert await client.ok("FETCH 1 (UID)") == [b"* 1 FETCH (UID %d)" % row.uid]


async def test_the_limits_of_a_stranger_are_back(server: Server) -> None:
    """Security: after UNAUTHENTICATE nobody is signed in: no large literals, and not for long."""
    client = await server.client()
    await client.ok("UNAUTHENTICATE")
    assert (await client.send(b"x LOGIN {5000}\r\n"))[-1].startswith(b"x BAD")
    connection = client.connection
    connection.check(connection._began + 61)
    assert client.take()[-1].startswith(b"* BYE Timed out waiting for login")


async def test_authenticate_right_behind(server: Server) -> None:
    """[RFC8437] 3: without waiting, and out of the compression, too ([RFC8437] 4.1)."""
    client = await server.client()
    lines = await client.send(b"a UNAUTHENTICATE\r\nb LOGIN alice password\r\nc SELECT INBOX\r\n")
    assert [line for line in lines if line[:2] in (b"a ", b"b ")][1].startswith(b"b OK")
    peer = await zipped(server)
    client = peer.client
    client.connection.dataReceived(peer.zip(b"a NOOP\r\nb UNAUTHENTICATE\r\n") + b"c LOGIN alice password\r\n")
    await client.settle()
    output = bytes(client.transport.output)
    client.transport.output.clear()
    compressed, _, plain = output.partition(b"c OK")
    assert split(peer.inflater.decompress(compressed)) == [b"a OK NOOP completed.", b"b OK UNAUTHENTICATE completed."]
    assert plain.startswith(b" [CAPABILITY ")
    await client.ok("COMPRESS DEFLATE")
    assert (await Zipped(client).send(b"d NOOP\r\n")) == [b"d OK NOOP completed."]


async def test_during_idle(server: Server) -> None:
    """A hint after it wakes nobody."""
    client = await server.client()
    await client.send(b"a IDLE\r\n")
    await client.send(b"DONE\r\nb UNAUTHENTICATE\r\n")
    server.deliver()
    await client.settle()
    assert client.take() == []


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path, ImapSettings(unauthenticate=False))
    yield made
    await made.close()


async def test_turned_off(strict: Server) -> None:
    """[RFC8437] 8: an administrator can."""
    client = await strict.client()
    assert b"UNAUTHENTICATE" not in (await client("CAPABILITY"))[0].split()
    assert (await client("UNAUTHENTICATE"))[-1].startswith(b"BAD")
    await client.ok("FETCH 1:* FLAGS")
