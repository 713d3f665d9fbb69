"""Messages in UTF-8: as they are after ENABLE, as surrogates before ([RFC6855] 3, 4, 7, 8, [RFC6858])."""

from __future__ import annotations

import re

import pytest

from gateway.imap.commands import bodies
from tests.gateway.imap.harness import Client, Server
from tests.support.imap_grammar import read_body, read_envelope

RAW = (
    "From: Jürgen <jürgen@exämple.test>\r\nTo: alice@example.test\r\nSubject: Grüße\r\n"
    "Message-ID: <1@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\nschön\r\n--b\r\n"
    'Content-Type: application/x; name="Übersicht.txt"\r\n\r\ndata\r\n--b\r\n'
    "Content-Type: message/rfc822\r\n\r\nSubject: älter\r\n\r\ninnen ä\r\n--b--\r\n"
).encode()
ITEMS = (
    "BODY.PEEK[]",
    "BODY.PEEK[HEADER]",
    "BODY.PEEK[HEADER.FIELDS (Subject)]",
    "BODY.PEEK[HEADER.FIELDS (From X-None)]",
    "BODY.PEEK[2.MIME]",
    "BODY.PEEK[3.HEADER]",
    "BODY.PEEK[3]",
    "RFC822.HEADER",
)


async def value(client: Client, item: str, number: int = 1) -> bytes:
    (line,) = await client.ok(f"FETCH {number} ({item})")
    match = re.fullmatch(rb"\* \d+ FETCH \(\S+(?: \([^)]*\)\])? (?:\{\d+\}\r\n)?(.*)\)", line, re.S)
    assert match is not None, line
    return match[1]


async def international(server: Server) -> Client:
    client = await server.client(None)
    await client.ok("ENABLE UTF8=ACCEPT")
    await client.ok("SELECT INBOX")
    return client


async def test_an_old_client_gets_headers_in_ascii(server: Server) -> None:
    """[RFC6855] 7, 8: whichever way it asks; bodies keep their octets."""
    server.deliver(RAW)
    client = await server.client()
    for item in ITEMS:
        found = await value(client, item)
        header = found.partition(b"\r\n\r\n")[0]
        assert header.isascii(), item
    assert b"=?utf-8?B?" in await value(client, "BODY.PEEK[HEADER.FIELDS (Subject)]")
    assert await value(client, "BODY.PEEK[1]") == "schön".encode()
    assert await value(client, "BODY.PEEK[2]") == b"data"
    assert (await value(client, "BINARY.PEEK[1]")) == "schön".encode()
    envelope = read_envelope(await value(client, "ENVELOPE"))
    assert all(part.isascii() for part in (envelope["subject"], *envelope["from"][0]) if part)
    for item in ("BODYSTRUCTURE", "BODY"):
        body = read_body(await value(client, item), extended=item == "BODYSTRUCTURE")
        assert body["children"][2]["envelope"]["subject"].isascii()
        assert body["children"][2]["size"] == len(await value(client, "BODY.PEEK[3]"))
    assert int(await value(client, "RFC822.SIZE")) == len(RAW)  # [RFC6858] 3


@pytest.mark.parametrize(
    "raw",
    [
        RAW.replace("jürgen@exämple.test".encode(), b"j@x.test"),
        b"From: J\xfcrgen <j@x.test>\r\nTo: \xe4@x.test\r\nSubject: Gr\xfc\xdfe\r\n\r\nk\xf6rper\r\n",
        "From: Müller\r\nTo: 日本＜a＞ <a@x.test>\r\nX: é@é.test\r\n\r\n".encode(),
    ],
    ids=["names in UTF-8", "Latin-1", "no address"],
)
async def test_other_octets_in_headers_are_sent_as_they_came(server: Server, raw: bytes) -> None:
    """What is not internationalised is not touched: signatures cover it, and its size is what RFC822.SIZE says."""
    server.deliver(raw)
    client, other = await server.client(), await international(server)
    items = ("BODY.PEEK[]", "RFC822.HEADER", "BODY.PEEK[HEADER.FIELDS (From Subject)]", "BODY.PEEK[HEADER.FIELDS (X)]")
    for item in (*items, "RFC822.SIZE", "BODYSTRUCTURE", "ENVELOPE"):
        assert (await client(f"FETCH 1 {item}"))[-1] == b"OK FETCH completed.", item
        assert await client.ok(f"FETCH 1 {item}") == await other.ok(f"FETCH 1 {item}")
    assert await value(client, "BODY.PEEK[]") == raw
    assert int(await value(client, "RFC822.SIZE")) == len(raw)


async def test_the_client_is_told_what_was_downgraded(server: Server) -> None:
    """[RFC6858] 3: by UID, and only where what was asked for is not the original's."""
    server.deliver()
    server.deliver(RAW)
    server.deliver("Subject: plain\r\n\r\nkörper\r\n".encode())
    client, other = await server.client(), await international(server)
    for item in ("BODY.PEEK[]", "ENVELOPE", "BODYSTRUCTURE", "BODY", "BODY.PEEK[HEADER.FIELDS (Subject)]"):
        assert (await client(f"FETCH 1:* {item}"))[-1] == b"OK [DOWNGRADED 2] FETCH completed.", item
        assert (await other(f"FETCH 1:* {item}"))[-1] == b"OK FETCH completed."
        assert (await client(f"FETCH 3 {item}"))[-1] == b"OK FETCH completed."
    assert (await client("FETCH 2 (FLAGS UID)"))[-1] == b"OK FETCH completed."
    assert (await client("FETCH 2 BODY.PEEK[]"))[-1] == b"OK [DOWNGRADED 2] FETCH completed."


async def test_a_client_that_enables_utf8_gets_what_is_kept(server: Server) -> None:
    """[RFC6855] 3"""
    server.deliver(RAW)
    client = await international(server)
    assert await value(client, "BODY.PEEK[]") == RAW
    assert "Subject: Grüße".encode() in await value(client, "BODY.PEEK[HEADER]")
    assert "Subject: Grüße".encode() in await value(client, "BODY.PEEK[HEADER.FIELDS (Subject)]")
    envelope = read_envelope(await value(client, "ENVELOPE"))
    assert envelope["subject"] == "Grüße".encode()
    assert "älter".encode() in await value(client, "BODYSTRUCTURE")


async def test_partial_fetch_of_a_surrogate(server: Server) -> None:
    """The windows of a surrogate make the surrogate."""
    server.deliver(RAW)
    client = await server.client()
    whole = await value(client, "BODY.PEEK[]")
    found = b"".join([await value(client, f"BODY.PEEK[]<{at}.100>") for at in range(0, len(whole), 100)])
    assert found == whole


@pytest.mark.parametrize("subject", ["Grüße", "plain"])
async def test_a_long_message(server: Server, subject: str) -> None:
    """[RFC6855] 8: also of one that is otherwise sent by pieces."""
    raw = f"From: jürgen@exämple.test\r\nSubject: {subject}\r\n\r\n".encode() + "ä line\r\n".encode() * 60_000
    assert len(raw) > bodies.LARGE
    server.deliver(raw)
    client, other = await server.client(), await international(server)
    found = await value(client, "BODY.PEEK[]")
    assert found.partition(b"\r\n\r\n")[0].isascii()
    assert found.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
    assert await value(other, "BODY.PEEK[]") == raw


async def test_append_in_utf8(server: Server) -> None:
    """[RFC6855] 4: within UTF8 (...), alone and as a part of CATENATE."""
    client = await international(server)
    lines = await client(b"APPEND INBOX UTF8 (~{%d+}\r\n%b)" % (len(RAW), RAW))
    assert lines[-1].startswith(b"OK [APPENDUID ")
    assert await value(client, "BODY.PEEK[]") == RAW
    text = "Subject: ö\r\n\r\n".encode()
    octets = b"APPEND INBOX CATENATE (UTF8 (~{%d+}\r\n%b) URL /INBOX/;UID=1/;SECTION=2)" % (len(text), text)
    assert (await client(octets))[-1].startswith(b"OK [APPENDUID ")
    assert await value(client, "BODY.PEEK[]", 2) == text + b"data"


async def test_append_of_eight_bit_headers_without_enable(server: Server) -> None:
    """Quirk: [RFC6855] 4 would have it refused, but mail that is moved from elsewhere looks so; see docs/quirks.md."""
    client = await server.client()
    assert (await client(b"APPEND INBOX {%d+}\r\n%b" % (len(RAW), RAW)))[-1].startswith(b"OK [APPENDUID ")
    assert await value(await international(server), "BODY.PEEK[]") == RAW


async def test_preview_in_a_quoted_string(server: Server) -> None:
    """[RFC6855] 3: quoted strings may hold UTF-8 once it is enabled."""
    server.deliver(RAW)
    client = await international(server)
    assert await client.ok("FETCH 1 PREVIEW") == ['* 1 FETCH (PREVIEW "schön")'.encode()]
