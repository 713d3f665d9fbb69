"""FETCH of PREVIEW, SAVEDATE, EMAILID and THREADID, and its window ([RFC8970], [RFC8514], [RFC8474], [RFC9394])."""

from __future__ import annotations

import re

import pytest

from gateway.imap.commands.batch import window
from gateway.imap.objectids import thread_id
from tests.gateway.imap.harness import REF, Client, Server
from tests.gateway.imap.street import Street

FIRST = b"Message-ID: <1@x>\r\nSubject: a\r\n\r\nHello from the first message\r\n"
REPLY = b"Message-ID: <2@x>\r\nReferences: <1@x>\r\n\r\nOn Monday A wrote:\r\n> Hello\r\n\r\nAnd back\r\n"


async def fetch(client: Client, items: str, number: int = 1) -> bytes:
    lines = await client.ok(f"FETCH {number} {items}")
    head = b"* %d FETCH (" % number
    return next(line for line in lines if line.startswith(head)).removeprefix(head)[:-1]


async def test_preview(server: Server) -> None:
    """[RFC8970] 3.1, 3.2, 4.1: made once, then at hand for LAZY, in other sessions too; FETCH of it sets no flag."""
    server.deliver(FIRST)
    server.deliver(REPLY)
    client, other = await server.client(), await server.client()
    words = (await client.ok("CAPABILITY"))[0].split()
    assert b"PREVIEW" in words
    assert b"PREVIEW=FUZZY" in words
    assert await fetch(client, "PREVIEW (LAZY)") == b"PREVIEW NIL"
    assert await fetch(client, "(PREVIEW UID)") == b'PREVIEW "Hello from the first message" UID 1'
    assert await fetch(other, "(PREVIEW (LAZY))") == b'PREVIEW "Hello from the first message"'
    assert await fetch(other, "(FLAGS PREVIEW (LAZY))", 2) == b"FLAGS () PREVIEW NIL"
    assert await fetch(other, "PREVIEW", 2) == b'PREVIEW "And back"'


async def test_preview_in_the_form_of_the_draft(server: Server) -> None:
    """As Dovecot 2.3 answers to `PREVIEW=FUZZY`."""
    server.deliver(FIRST)
    client = await server.client()
    assert await fetch(client, "PREVIEW (LAZY=FUZZY)") == b"PREVIEW (FUZZY NIL)"
    assert await fetch(client, "(PREVIEW (FUZZY))") == b'PREVIEW (FUZZY "Hello from the first message")'


async def test_preview_of_other_alphabets_and_of_none(server: Server) -> None:
    """[RFC8970] 3.2, 3.3: UTF-8, as a literal unless the client has enabled UTF-8; empty where there is no text."""
    server.deliver("Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße\r\n".encode())
    server.deliver(b"Content-Type: application/pdf\r\n\r\nx")
    server.deliver(b"Subject: x\r\n\r\n" + b"word " * 100_000)
    client = await server.client()
    assert await fetch(client, "PREVIEW") == b"PREVIEW {7}\r\nGr\xc3\xbc\xc3\x9fe"
    assert await fetch(client, "PREVIEW", 2) == b'PREVIEW ""'
    assert await fetch(client, "PREVIEW", 3) == b'PREVIEW "' + (b"word " * 40).strip() + b'"'


async def test_previews_go_with_their_messages(server: Server) -> None:
    """Kept by item: a copy has it at once, and fsck finds nothing left when all copies are gone."""
    server.deliver(FIRST)
    client = await server.client()
    await client.ok("FETCH 1 PREVIEW")
    await client.ok("COPY 1 Drafts")
    await client.ok("STORE 1 +FLAGS (\\Deleted)")
    await client.ok("EXPUNGE")
    await client.ok("SELECT Drafts")
    assert await fetch(client, "PREVIEW (LAZY)") == b'PREVIEW "Hello from the first message"'
    await client.ok("STORE 1 +FLAGS (\\Deleted)")
    await client.ok("EXPUNGE")
    assert server.store.fsck(REF) == []


async def test_savedate(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC8514] 4.2: when the message came into this mailbox: COPY and MOVE begin anew, the internal date stays."""
    monkeypatch.setattr("time.time", lambda: 1_000_000_000.0)
    server.deliver(FIRST, date=0)
    client = await server.client()
    assert b"SAVEDATE" in (await client.ok("CAPABILITY"))[0].split()
    assert await fetch(client, "(SAVEDATE)") == b'SAVEDATE "09-Sep-2001 01:46:40 +0000"'.replace(b"09", b" 9", 1)
    monkeypatch.setattr("time.time", lambda: 1_000_086_400.0)
    await client.ok("COPY 1 Drafts")
    assert await fetch(client, "(SAVEDATE)") == b'SAVEDATE " 9-Sep-2001 01:46:40 +0000"'
    monkeypatch.setattr("time.time", lambda: 1_000_172_800.0)
    await client.ok("MOVE 1 Drafts")
    await client.ok("SELECT Drafts")
    date = b'INTERNALDATE " 1-Jan-1970 00:00:00 +0000"'
    assert await fetch(client, "(SAVEDATE INTERNALDATE)") == b'SAVEDATE "10-Sep-2001 01:46:40 +0000" ' + date
    assert await fetch(client, "(SAVEDATE INTERNALDATE)", 2) == b'SAVEDATE "11-Sep-2001 01:46:40 +0000" ' + date


async def test_object_identifiers(server: Server) -> None:
    """[RFC8474] 5.1, 5.2: the same for copies, another for other content; a thread is what answers one another."""
    server.deliver(FIRST)
    server.deliver(REPLY)
    server.deliver(FIRST)
    server.deliver(b"\r\nno fields")
    client = await server.client()
    assert b"OBJECTID" in (await client.ok("CAPABILITY"))[0].split()
    found = [await fetch(client, "(EMAILID THREADID)", number) for number in (1, 2, 3, 4)]
    form = re.compile(rb"EMAILID \(([A-Za-z0-9_-]{1,255})\) THREADID \(([A-Za-z0-9_-]{1,255})\)")
    emails, threads = zip(*[match.groups() for match in map(form.fullmatch, found) if match], strict=True)
    assert len(set(emails)) == 4
    assert threads[0] == threads[1] == threads[2] != threads[3]
    await client.ok("COPY 1 Drafts")
    await client.ok("MOVE 2 Drafts")
    await client.ok("SELECT Drafts")
    assert await fetch(client, "EMAILID") == b"EMAILID (" + emails[0] + b")"
    assert await fetch(client, "(THREADID EMAILID)", 2) == b"THREADID (%b) EMAILID (%b)" % (threads[1], emails[1])


def test_how_threads_are_named() -> None:
    """[RFC8474] 5.2"""
    header = b"References: <a@x>\r\n <b@x>\r\nIn-Reply-To: <c@x>\r\nMessage-ID: <d@x>\r\n"
    assert thread_id("1", header) == thread_id("2", b"message-id: <a@x>\r\n")
    assert thread_id("1", header) != thread_id("1", b"In-Reply-To: <c@x>\r\n")
    assert thread_id("1", b"") != thread_id("2", b"")


async def test_a_message_keeps_its_identifiers_in_another_mailbox(street: Street) -> None:
    """[RFC8474] 5.1: after COPY and MOVE, to another user's mailbox and back; SEARCH finds it by them ([RFC8474] 6)."""
    client = await street.client()
    for raw in (FIRST, b"\r\nno fields"):
        await client.ok(b"APPEND INBOX {%d+}\r\n%b" % (len(raw), raw))
    found = [await fetch(client, "(EMAILID THREADID)", number) for number in (1, 2)]
    there = "Other Users/sales@example.test/INBOX"
    await client.ok(f'COPY 1 "{there}"')
    await client.ok(f'MOVE 2 "{there}"')
    await client.ok(f'SELECT "{there}"')
    assert [await fetch(client, "(EMAILID THREADID)", number) for number in (1, 2)] == found
    for number, one in enumerate(found, 1):
        email, thread = (word.strip("()") for word in one.decode().split()[1::2])
        assert await client.ok(f"SEARCH EMAILID {email}") == [b"* SEARCH %d" % number]
        assert await client.ok(f"SEARCH THREADID {thread}") == [b"* SEARCH %d" % number]
    await client.ok("MOVE 2 INBOX")
    await client.ok("SELECT INBOX")
    assert await fetch(client, "(EMAILID THREADID)", 2) == found[1]
    assert await client.ok(f"SEARCH EMAILID {found[1].decode().split()[1].strip('()')}") == [b"* SEARCH 2"]


@pytest.mark.parametrize(
    ("partial", "expected"),
    [
        ((1, 2), [0, 1]),
        ((3, 4), [4, 5]),
        ((2, 3), [1, 4]),
        ((-1, -1), [9]),
        ((-1, -3), [5, 8, 9]),
        ((-7, -100), []),
        ((-6, -100), [0]),
        ((7, 9), []),
        ((6, 600), [9]),
    ],
)
def test_a_window_of_messages(partial: tuple[int, int], expected: list[int]) -> None:
    """[RFC9394] 3.3, 4"""
    ranges = [(0, 2), (4, 6), (8, 10)]
    assert [n for start, stop in window(ranges, partial) for n in range(start, stop)] == expected


async def test_partial_fetch(server: Server) -> None:
    """[RFC9394] 3.3, 3.4: counted among the messages that exist and, with CHANGEDSINCE, have changed."""
    for _ in range(6):
        server.deliver()
    client = await server.client()
    await client.ok("STORE 2 +FLAGS (\\Deleted)")
    await client.ok("EXPUNGE")

    async def uids(command: str) -> list[int]:
        return [int(uid) for line in await client.ok(command) for uid in re.findall(rb"UID (\d+)", line)]

    assert await uids("UID FETCH 1:* UID (PARTIAL 1:2)") == [1, 3]
    assert await uids("UID FETCH 1:* UID (PARTIAL -1:-2)") == [5, 6]
    assert await uids("UID FETCH 1,5,99 UID (PARTIAL -1:-1)") == [5]
    assert await uids("UID FETCH 1:* UID (PARTIAL 7:9)") == []
    await client.ok("UID STORE 4,6 +FLAGS (\\Flagged)")
    match = re.search(rb"MODSEQ \((\d+)\)", (await client.ok("UID FETCH 5 MODSEQ"))[-1])
    assert match is not None
    modseq = int(match[1])
    assert await uids(f"UID FETCH 1:* UID (PARTIAL 1:1 CHANGEDSINCE {modseq})") == [4]
    assert await uids(f"UID FETCH 1:* UID (CHANGEDSINCE {modseq} PARTIAL -1:-1)") == [6]
