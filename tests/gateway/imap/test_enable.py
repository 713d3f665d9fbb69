"""ENABLE ([RFC5161] 3.1, 3.2) and what IMAP4rev2 changes in the session ([RFC9051] appendix E).

The tests of IMAP4rev1 hold for what both have in common, and tests/transcripts/imap_rev2.txt goes through it again:

[RFC9051] 2.2.1, 2.3.1.1, 2.3.1.2, 2.3.2, 2.3.3, 2.3.4, 2.3.5, 2.3.6, 3.1, 3.2, 3.3, 3.4, 4.1, 4.1.1, 4.2, 4.3,
[RFC9051] 4.3.1, 4.4, 4.5, 5.1.1, 5.1.2, 5.1.2.1, 5.1.2.2, 5.2, 5.3, 5.4, 5.5, 6.1.1, 6.1.2, 6.1.3, 6.2.1,
[RFC9051] 6.2.2, 6.2.3, 6.3.1, 6.3.1.1, 6.3.2, 6.3.3, 6.3.4, 6.3.5, 6.3.6, 6.3.7, 6.3.8, 6.3.9, 6.3.9.1,
[RFC9051] 6.3.9.2, 6.3.9.3, 6.3.9.4, 6.3.9.5, 6.3.9.6, 6.3.9.7, 6.3.10, 6.3.11, 6.3.12, 6.3.13, 6.4.1, 6.4.2,
[RFC9051] 6.4.3, 6.4.4, 6.4.4.1, 6.4.4.2, 6.4.4.3, 6.4.5, 6.4.5.1, 6.4.6, 6.4.7, 6.4.8, 6.4.9, 7.1.1, 7.1.2,
[RFC9051] 7.1.3, 7.1.5, 7.2.1, 7.2.2, 7.3.1, 7.3.2, 7.3.3, 7.3.4, 7.3.5, 7.4.1, 7.5.1, 7.5.2, 7.6, 9, 11.2,
[RFC9051] 11.4, 11.5, appendix A, appendix A.1, appendix B, appendix D, appendix E.
"""

from __future__ import annotations

import re

from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server


async def rev2(server: Server) -> Client:
    client = await server.client(None)
    assert await client.ok("ENABLE IMAP4rev2") == [b"* ENABLED IMAP4rev2"]
    return client


async def test_several_at_once(server: Server) -> None:
    """[RFC5161] 3.1: what is unknown is passed over; 3.2: only what is new is named, each once."""
    client = await server.client(None)
    lines = await client.ok("ENABLE qresync X-NO-SUCH UTF8=ACCEPT qresync CONDSTORE")
    assert lines == [b"* ENABLED QRESYNC UTF8=ACCEPT CONDSTORE"]
    assert await client.ok("ENABLE IMAP4REV2 UTF8=ACCEPT") == [b"* ENABLED IMAP4rev2"]
    assert await client.ok("ENABLE IMAP4rev2") == [b"* ENABLED"]


async def test_states(server: Server) -> None:
    """[RFC5161] 3.1, [RFC9051] 6.3.1: only after signing in, and only while no mailbox is selected."""
    client = server.connect()
    client.take()
    assert (await client("ENABLE CONDSTORE"))[-1].startswith(b"BAD")
    await client.ok("LOGIN alice password")
    await client.ok("SELECT INBOX")
    assert (await client("ENABLE CONDSTORE"))[-1].startswith(b"BAD")
    await client.ok("UNSELECT")
    await client.ok("ENABLE CONDSTORE")


async def test_select(server: Server) -> None:
    """[RFC9051] 6.3.2, 6.3.3, appendix E 9 to 12: a LIST response; no RECENT, no UNSEEN; CLOSED."""
    server.mailbox.create_folder(("Entwürfe",))
    server.deliver()
    client = await rev2(server)
    lines = await client.ok("SELECT inbox")
    assert b'* LIST () "/" INBOX' in lines
    assert b"* 1 EXISTS" in lines
    assert not any(b"RECENT" in line or b"UNSEEN" in line for line in lines)
    lines = await client.ok('EXAMINE "Entwürfe"')
    assert lines[0].startswith(b"* OK [CLOSED]")
    assert '* LIST () "/" "Entwürfe"'.encode() in lines


async def test_no_recent(server: Server) -> None:
    """[RFC9051] appendix E 12: \\Recent is gone; it is left to the sessions that have it."""
    server.deliver()
    client = await rev2(server)
    await client.ok("SELECT INBOX")
    assert await client.ok("FETCH 1 (FLAGS)") == [b"* 1 FETCH (FLAGS ())"]
    server.deliver()
    assert await client.ok("NOOP") == [b"* 2 EXISTS"]
    assert await client.ok("FETCH 2 (FLAGS)") == [b"* 2 FETCH (FLAGS ())"]
    body = b"Subject: x\r\n\r\n"
    assert await client.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(body), body)) == [b"* 3 EXISTS"]
    assert await client.ok("FETCH 3 (FLAGS)") == [b"* 3 FETCH (FLAGS ())"]
    other = await server.client(None)
    assert b"* 3 RECENT" in await other.ok("SELECT INBOX")


async def test_updates_carry_the_uid(server: Server) -> None:
    """[RFC9051] 7.5.2, appendix E: of every FETCH response that was not asked for."""
    for _ in range(3):
        server.deliver()
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [1])
    client = await rev2(server)
    await client.ok("SELECT INBOX")
    server.mailbox.set_flags(server.mailbox.folder(("INBOX",)).id, [3], add=MessageFlag.SEEN)
    assert await client.ok("NOOP") == [b"* 2 FETCH (FLAGS (\\Seen) UID 3)"]
    assert await client.ok(r"STORE 1 +FLAGS (\Flagged)") == [b"* 1 FETCH (FLAGS (\\Flagged) UID 2)"]
    (line,) = await client.ok("FETCH 1 BODY[TEXT]<0.1>")
    assert b" UID 2 " in line
    assert await client.ok("FETCH 1 (FLAGS)") == [b"* 1 FETCH (FLAGS (\\Flagged \\Seen))"]


async def test_names_in_utf8(server: Server) -> None:
    """[RFC9051] 5.1, appendix E 16; [RFC6855] 3: in quoted strings, both ways; & is a character like any other."""
    for word in ("IMAP4rev2", "UTF8=ACCEPT"):
        client = await server.client(None)
        await client.ok(f"ENABLE {word}")
        await client.ok(f'CREATE "Größe &- {word}"')
        assert server.mailbox.folder((f"Größe &- {word}",))
        assert (await client(b'SELECT "Gr\xff"'))[-1].startswith(b"NO [CANNOT]")
        old = await server.client(None)
        await old.ok(f'SELECT "Gr&APYA3w-e &-- {word}"')


async def test_move_tells_copyuid(server: Server) -> None:
    """[RFC9051] appendix E 7, 8: COPYUID of both forms of MOVE; TRYCREATE."""
    for _ in range(2):
        server.deliver()
    client = await rev2(server)
    await client.ok("SELECT INBOX")
    for command in ("MOVE 1", "UID MOVE 2"):
        lines = await client.ok(f"{command} Archive")
        assert re.match(rb"\* OK \[COPYUID \d+ \d \d\]", lines[0])
    server.deliver()
    await client.ok("NOOP")
    for command in ("MOVE 1", "UID COPY 3"):
        assert (await client(f"{command} Nowhere"))[-1].startswith(b"NO [TRYCREATE]")
