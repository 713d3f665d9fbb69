"""BINARY ([RFC3516]): FETCH without the transfer encoding, APPEND of any octets."""

from __future__ import annotations

import base64
import random

import pytest

from gateway.imap.commands import bodies
from tests.gateway.imap.harness import Client, Server

HEAD = b"From: bob@example.test\r\nMIME-Version: 1.0\r\n"


def encoded(data: bytes, encoding: bytes = b"base64") -> bytes:
    return HEAD + b"Content-Type: application/x\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n" + data


async def fetch(client: Client, items: str) -> bytes:
    lines = await client.ok(f"FETCH 1 ({items})")
    return next(line for line in lines if line.startswith(b"* 1 FETCH")).removeprefix(b"* 1 FETCH ")


async def test_a_part_without_its_encoding(server: Server) -> None:
    """[RFC3516] 4.1, 4.2: BINARY decodes, PARTIAL counts decoded octets, BINARY.SIZE is the size of that."""
    server.deliver(encoded(base64.encodebytes(b"hello world")))
    client = await server.client()
    assert b"BINARY" in (await client.ok("CAPABILITY"))[0].split()
    assert await fetch(client, "BINARY.SIZE[1] BINARY.PEEK[1]") == b"(BINARY.SIZE[1] 11 BINARY[1] {11}\r\nhello world)"
    assert await fetch(client, "BINARY.PEEK[1]<6.100>") == b"(BINARY[1]<6> {5}\r\nworld)"
    assert await fetch(client, "BINARY.PEEK[1]<50.1>") == b'(BINARY[1]<50> "")'
    assert await fetch(client, "BINARY.PEEK[2] BINARY.SIZE[2]") == b"(BINARY[2] NIL BINARY.SIZE[2] 0)"
    assert b"\\Seen" not in await fetch(client, "FLAGS")
    await client.ok("FETCH 1 BINARY.SIZE[1]")
    assert b"\\Seen" not in await fetch(client, "FLAGS")
    assert await fetch(client, "BINARY[1]<0.1>") == b"(BINARY[1]<0> {1}\r\nh FLAGS (\\Recent \\Seen))"


async def test_nul_takes_a_literal8(server: Server) -> None:
    """[RFC3516] 7 `literal8`"""
    server.deliver(encoded(base64.encodebytes(b"a\0b")))
    client = await server.client()
    assert await fetch(client, "BINARY.PEEK[1]") == b"(BINARY[1] ~{3}\r\na\0b)"
    assert await fetch(client, "BINARY.PEEK[1]<2.1>") == b"(BINARY[1]<2> {1}\r\nb)"


async def test_an_encoding_that_is_not_known(server: Server) -> None:
    """[RFC3516] 4.3: NO [UNKNOWN-CTE]; what else was asked for is answered."""
    server.deliver(encoded(b"x", b"x-unprintable"))
    server.deliver(encoded(b"x" * 300_000, b"x-unprintable"))
    client = await server.client()
    for number in (b"1", b"2"):
        lines = await client(b"FETCH %b (UID BINARY.PEEK[1] BINARY.SIZE[1])" % number)
        assert lines[0] == b"* %b FETCH (UID %b BINARY[1] NIL BINARY.SIZE[1] 0)" % (number, number)
        assert lines[-1].startswith(b"NO [UNKNOWN-CTE]")


async def test_multiparts_and_whole_messages_have_no_encoding(server: Server) -> None:
    """[RFC3516] 4.2: the encoding that is taken off is that of the section asked for."""
    inner = b"Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n"
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + inner + b"\r\n--b--\r\n"
    server.deliver(raw)
    client = await server.client()
    assert await fetch(client, "BINARY.PEEK[]") == b"(BINARY[] {%d}\r\n%b)" % (len(raw), raw)
    assert await fetch(client, "BINARY.SIZE[] BINARY.PEEK[1]") == b"(BINARY.SIZE[] %d BINARY[1] {1}\r\na)" % len(raw)


@pytest.mark.parametrize("encoding", ["base64", "8bit", "quoted-printable"])
async def test_a_long_part_by_pieces(server: Server, encoding: str) -> None:
    """The same octets as from a short one, and no more than a piece in memory at a time."""
    data = b"".join(b"%d line\r\n" % number for number in range(60_000))
    body = base64.encodebytes(data).replace(b"\n", b"\r\n") if encoding == "base64" else data
    server.deliver(encoded(body, encoding.encode()))
    client = await server.client()
    assert len(body) > 2 * bodies.LARGE
    found = await fetch(client, "BINARY.SIZE[1] BINARY.PEEK[1] UID")
    assert found == b"(BINARY.SIZE[1] %d BINARY[1] {%d}\r\n%b UID 1)" % (len(data), len(data), data)
    for first, most in ((0, 10), (400_000, 300_000), (len(data) - 3, 10), (len(data), 1)):
        part = data[first : first + most]
        value = b"{%d}\r\n%b" % (len(part), part) if part else b'""'
        assert await fetch(client, f"BINARY.PEEK[1]<{first}.{most}>") == b"(BINARY[1]<%d> %b)" % (first, value)


async def test_a_long_part_with_nul(server: Server) -> None:
    data = bytes(range(256)) * 2000
    server.deliver(encoded(base64.encodebytes(data)))
    client = await server.client()
    assert await fetch(client, "BINARY.PEEK[1]") == b"(BINARY[1] ~{%d}\r\n%b)" % (len(data), data)


async def test_append_of_any_octets(server: Server) -> None:
    """[RFC3516] 4.4: a literal8 may hold NUL; a client without BINARY reads the part as well, in base64."""
    client = await server.client()
    raw = encoded(b"\0 -\xe9\r\n\r\n", b"binary")
    lines = await client(b"APPEND INBOX ~{%d+}\r\n%b" % (len(raw), raw))
    assert lines[-1].startswith(b"OK [APPENDUID ")
    assert (
        await fetch(client, "BINARY.PEEK[1] BINARY.SIZE[1]") == b"(BINARY[1] ~{8}\r\n\0 -\xe9\r\n\r\n BINARY.SIZE[1] 8)"
    )
    body = await fetch(client, "BODY.PEEK[]")
    assert b"\0" not in body
    assert b"Content-Transfer-Encoding: base64\r\n" in body
    assert b"ACAt6Q0KDQo=" in body


async def test_append_waits_for_leave_to_send_a_literal8(server: Server) -> None:
    """[RFC3516] 7, [RFC7888] 6"""
    client = await server.client()
    assert await client.send(b"a APPEND INBOX ~{3}\r\n") == [b"+ Ready for additional command text."]
    assert (await client.send(b"a\0b\r\n"))[-1].startswith(b"a OK [APPENDUID ")
    assert (await client(b"APPEND INBOX ~{99999999999}"))[-1].startswith(b"NO [TOOBIG]")


async def test_what_was_encoded_comes_back(server: Server) -> None:
    """BINARY of what was encoded is what it was, whatever octets, and so is any window of it."""
    choose = random.Random(3516)
    client = await server.client()
    for number in range(1, 41):
        data = choose.randbytes(choose.randrange(300))
        raw = encoded(data, b"binary") if number % 2 else encoded(base64.encodebytes(data))
        assert (await client(b"APPEND INBOX ~{%d+}\r\n%b" % (len(raw), raw)))[-1].startswith(b"OK")
        first, most = choose.randrange(310), choose.randrange(1, 310)
        part = data[first : first + most]
        value = b"%b{%d}\r\n%b" % (b"~" if b"\0" in part else b"", len(part), part) if part else b'""'
        lines = await client.ok(f"FETCH {number} (BINARY.PEEK[1]<{first}.{most}> BINARY.SIZE[1])")
        assert b"* %d FETCH (BINARY[1]<%d> %b BINARY.SIZE[1] %d)" % (number, first, value, len(data)) in lines
