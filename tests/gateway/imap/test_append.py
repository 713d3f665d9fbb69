"""APPEND of several messages, messages put together, and REPLACE ([RFC3502], [RFC4469], [RFC7889], [RFC8508])."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from gateway.imap.environment import ImapSettings
from gateway.imap.session import MANY
from store.engine import Parameters, Row, Statement
from store.sqlite import SqliteReader
from store.store import Store
from tests.gateway.imap.harness import REF, Client, Server

A = b"Subject: a\r\n\r\nbody of a\r\n"
B = b"Subject: b\r\n\r\nbody of b\r\n"


def literal(data: bytes) -> bytes:
    return b"{%d+}\r\n%b" % (len(data), data)


def text(data: bytes) -> bytes:
    return b"TEXT " + literal(data)


async def bodies(client: Client) -> list[bytes]:
    lines = await client.ok("UID FETCH 1:* BODY.PEEK[]")
    return [line.partition(b"}\r\n")[2][:-1] for line in lines if b"BODY[]" in line]


async def uidvalidity(client: Client, mailbox: str = "INBOX") -> int:
    (line,) = await client.ok(f"STATUS {mailbox} (UIDVALIDITY)")
    match = re.search(rb"UIDVALIDITY (\d+)", line)
    assert match is not None
    return int(match[1])


async def test_several_messages_in_one_command(server: Server) -> None:
    """[RFC3502] 6.3.11, [RFC4315] 3: their UIDs in the order of the messages; each has its own flags and date."""
    client = await server.client()
    assert b"MULTIAPPEND" in (await client.ok("CAPABILITY"))[0].split()
    lines = await client(
        b'APPEND INBOX (\\Seen) "17-Jul-1996 02:44:25 +0000" ' + literal(A) + b" (\\Flagged key) " + literal(B)
    )
    assert lines[-1].startswith(b"OK [APPENDUID %d 1:2] " % await uidvalidity(client))
    assert b"* 2 EXISTS" in lines
    assert b"* 2 RECENT" in lines
    found = (await client.ok("FETCH 1:2 (FLAGS INTERNALDATE)"))[-2:]
    assert found[0] == b'* 1 FETCH (FLAGS (\\Recent \\Seen) INTERNALDATE "17-Jul-1996 02:44:25 +0000")'
    assert b"(\\Recent \\Flagged key)" in found[1]
    assert await bodies(client) == [A, B]


async def test_where_folders_move_behind_its_back(server: Server) -> None:
    """[RFC3501] 6.3.11: another process renames, removes and makes folders; the name means what it means now."""
    client = await server.client(None)
    await client.ok("CREATE Here")
    other = Store(server.store.settings)
    mailbox = other.open(REF)

    async def append(name: str) -> bytes:
        return (await client(b"APPEND %b " % name.encode() + literal(A)))[-1]

    try:
        assert (await append("Here")).startswith(b"OK [APPENDUID")
        folder = mailbox.folder(("Here",))
        mailbox.rename_folder(folder.id, ("There",))
        assert (await append("Here")).startswith(b"NO [TRYCREATE]")
        assert (await append("There")).startswith(b"OK [APPENDUID %d 2] " % folder.uidvalidity)
        made = mailbox.create_folder(("Here",))
        assert (await append("Here")).startswith(b"OK [APPENDUID %d 1]" % made.uidvalidity)
        mailbox.delete_folder(made.id)
        assert (await append("Here")).startswith(b"NO [TRYCREATE]")
        assert (mailbox.folder(folder.id).total, mailbox.quota().used) == (2, 2 * len(A))
        mailbox.create_folder(("There", "below"))
        assert (await append("There")).startswith(b"OK [APPENDUID %d 3]" % folder.uidvalidity)
        mailbox.delete_folder(folder.id)  # its name stays for the folder below
        assert (await append("There")).startswith(b"NO [CANNOT]")
    finally:
        other.close()


async def test_nothing_is_looked_up_that_is_known(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second APPEND to a folder of one's own asks the database for nothing but what it writes."""
    client = await server.client("Drafts")
    await client.ok(b"APPEND Drafts " + literal(A))
    read = SqliteReader.one
    asked: list[str] = []

    def one(self: SqliteReader, statement: Statement, parameters: Parameters = ()) -> Row | None:
        asked.append(statement.sqlite.split()[0])
        return read(self, statement, parameters)

    monkeypatch.setattr(SqliteReader, "one", one)
    assert (await client(b"APPEND Drafts " + literal(A)))[:2] == [b"* 2 EXISTS", b"* 2 RECENT"]
    assert asked == ["UPDATE", "UPDATE"]


async def test_all_messages_or_none(server: Server) -> None:
    """[RFC3502] 6.3.11: if one cannot be appended none is; an empty one gives the command up."""
    client = await server.client()
    server.mailbox.set_quota(receive=len(A) + len(B) // 2)
    assert (await client(b"APPEND INBOX " + literal(A) + b" " + literal(B)))[-1].startswith(b"NO [OVERQUOTA]")
    server.mailbox.set_quota()
    assert (await client(b"APPEND INBOX " + literal(A) + b" {0+}\r\n"))[-1].startswith(b"NO APPEND is given up")
    assert (await client(b"APPEND INBOX " + literal(A) + b" (\\Nonsense) " + literal(B)))[-1].startswith(b"BAD")
    assert (await client(b"APPEND missing " + literal(A) + b" " + literal(B)))[-1].startswith(b"NO [TRYCREATE]")
    assert (await client.ok("STATUS INBOX (MESSAGES UIDNEXT)"))[0].endswith(b"(MESSAGES 0 UIDNEXT 1)")


async def test_many_messages_are_written_in_a_thread(server: Server) -> None:
    """[RFC3502] 6.3.11"""
    client = await server.client()
    count = MANY + 5
    lines = await client(b"APPEND INBOX" + b"".join(b" " + literal(b"Subject: %d\r\n\r\n" % n) for n in range(count)))
    assert lines[-1].startswith(b"OK [APPENDUID %d 1:%d] " % (await uidvalidity(client), count))
    assert await bodies(client) == [b"Subject: %d\r\n\r\n" % n for n in range(count)]


async def test_limits_of_messages(tmp_path: Path) -> None:
    """[RFC7889] 2, [RFC3502] 6.3.11, [RFC4469] 4.2: the limit is told; over it nothing is taken."""
    server = Server(tmp_path, ImapSettings(max_message=100))
    client = await server.client()
    assert b"APPENDLIMIT=100" in (await client.ok("CAPABILITY"))[0].split()
    fits = b"x" * 100
    assert (await client(b"APPEND INBOX " + literal(fits)))[-1].startswith(b"OK")
    assert (await client(b"APPEND INBOX {101}"))[-1].startswith(b"NO [TOOBIG]")
    assert (await client(b"APPEND INBOX " + literal(A) + b" {101}"))[-1].startswith(b"NO [TOOBIG]")
    three = b" ".join([literal(fits)] * 3)
    assert (await client(b"APPEND INBOX " + three))[-1].startswith(b"NO [TOOBIG]")
    assert (await client(b"REPLACE 1 INBOX {101}"))[-1].startswith(b"NO [TOOBIG]")
    for parts in (text(b"x" * 60) + b" " + text(b"x" * 60), b'URL "/INBOX/;UID=1" ' + text(b"x")):
        assert (await client(b"APPEND INBOX CATENATE (" + parts + b")"))[-1].startswith(b"NO [TOOBIG]")
    assert len(await bodies(client)) == 1
    await server.close()


@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_literals_in_pieces(server: Server, step: int) -> None:
    """However the octets arrive, and whichever literals wait for leave ([RFC7888] 4)."""
    client = await server.client()
    octets = b"a APPEND INBOX " + literal(A) + b" {%d}\r\n" % len(B) + B
    octets += b" CATENATE (URL {14+}\r\n/INBOX/;UID=99 " + text(A) + b")\r\n"
    lines: list[bytes] = []
    for start in range(0, len(octets), step):
        lines += await client.send(octets[start : start + step])
    assert lines.count(b"+ Ready for additional command text.") == 1
    assert lines[-1].startswith(b"a NO [BADURL /INBOX/;UID=99]")


async def test_a_message_put_together(server: Server) -> None:
    """[RFC4469] 3, [RFC5092] 6, 7.1, 7.2: texts and parts of what is there, named by absolute and relative URLs."""
    raw = b"Subject: old\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    raw += b"--b\r\n\r\none\r\n--b\r\nX: y\r\n\r\ntwo\r\n--b--\r\n"
    server.deliver(raw)
    client = await server.client()
    validity = await uidvalidity(client)
    expected = []
    for url, part in (
        (b"/INBOX/;UID=1", raw),
        (b"/INBOX;UIDVALIDITY=%d/;UID=1/;SECTION=2" % validity, b"two"),
        (b"/inbox/;uid=1/;section=2.mime", b"X: y\r\n\r\n"),
        (b"imap://alice@localhost/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)", b"Subject: old\r\n\r\n"),
        (b"imap://localhost:143/INBOX/;UID=1/;SECTION=1/;PARTIAL=1", b"ne"),
        (b";UID=1/;SECTION=1/;PARTIAL=0.2", b"on"),
        (b"/INBOX/;UID=1/;PARTIAL=5000.1", b""),
    ):
        lines = await client(b"APPEND INBOX (\\Draft) CATENATE (%b URL %b %b)" % (text(A), literal(url), text(B)))
        assert lines[-1].startswith(b"OK [APPENDUID "), (url, lines)
        expected.append(A + part + B)
    assert (await bodies(client))[1:] == expected


async def test_urls_that_lead_nowhere(server: Server) -> None:
    """[RFC4469] 4.1, 5: NO [BADURL] with the URL, whatever else the message has; nothing is appended."""
    server.deliver(A)
    client = await server.client()
    for url in (
        b"/INBOX/;UID=2",
        b"/INBOX;UIDVALIDITY=1/;UID=1",
        b"/Missing/;UID=1",
        b"/INBOX/;UID=1/;SECTION=2",
        b"/INBOX/;UID=1/;SECTION=NONSENSE",
        b"/INBOX",
        b"http://localhost/",
        b"imap://bob@localhost/INBOX/;UID=1",
        b"INBOX",
        b"%%%",
    ):
        lines = await client(b"APPEND INBOX CATENATE (%b URL %b)" % (text(A), literal(url)))
        assert lines[-1].startswith(b"NO [BADURL " + url + b"] "), (url, lines)
    lines = await client(b'APPEND INBOX CATENATE (URL "/INB]OX \\"x/;UID=1")')
    assert lines[-1].startswith(b'NO [BADURL /INB%5DOX%20"x/;UID=1] ')
    lines = await client(b"APPEND INBOX " + literal(A) + b' CATENATE (URL "/INBOX/;UID=9")')
    assert lines[-1].startswith(b"NO [BADURL /INBOX/;UID=9]")
    assert len(await bodies(client)) == 1


async def test_urls_relative_to_the_selected_mailbox_need_one(server: Server) -> None:
    """[RFC4469] 3"""
    server.deliver(A)
    client = await server.client(None)
    assert (await client(b'APPEND INBOX CATENATE (URL ";UID=1")'))[-1].startswith(b"NO [BADURL ;UID=1]")
    await client.ok("SELECT INBOX")
    assert (await client(b'APPEND INBOX CATENATE (URL ";UID=1")'))[-1].startswith(b"OK")


async def test_urls_of_another_server(tmp_path: Path) -> None:
    """[RFC5092] 4: only this server's own messages are taken."""
    server = Server(tmp_path, ImapSettings(hosts=frozenset({"mail.example.test"})))
    server.deliver(A)
    client = await server.client()
    for host, status in ((b"MAIL.example.test", b"OK"), (b"other.example.test", b"NO [BADURL ")):
        lines = await client(b'APPEND INBOX CATENATE (URL "imap://%b/INBOX/;UID=1")' % host)
        assert lines[-1].startswith(status)
    await server.close()


async def test_the_parts_of_a_message_make_the_message(server: Server) -> None:
    """[RFC4469] 3: CATENATE of the pieces of a message, cut anywhere, gives its octets."""
    choose = random.Random(4469)
    client = await server.client()
    for number in range(1, 31):
        raw = b"Subject: x\r\n\r\n" + bytes(choose.choices(b"ab\xe9 ", k=choose.randrange(200)))
        server.deliver(raw)
        cuts = sorted(choose.choices(range(len(raw) + 1), k=choose.randrange(1, 8)))
        parts = []
        for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            if start == end or choose.random() < 0.5:
                parts.append(text(raw[start:end]))
            else:
                parts.append(b'URL "/INBOX/;UID=%d/;PARTIAL=%d.%d"' % (2 * number - 1, start, end - start))
        lines = await client(b"APPEND INBOX CATENATE (" + b" ".join(parts) + b")")
        assert lines[-1].startswith(b"OK"), lines
        assert (await bodies(client))[-2:] == [raw, raw]


async def test_replace(server: Server) -> None:
    """[RFC8508] 3.2, 3.3: the new UID is told, then the old message goes; flags are those of the command."""
    for _ in range(3):
        server.deliver(A, keywords=["old"])
    client = await server.client()
    assert b"REPLACE" in (await client.ok("CAPABILITY"))[0].split()
    lines = await client(b"REPLACE 2 INBOX (\\Draft) " + literal(B))
    validity = await uidvalidity(client)
    assert lines[:2] == [b"* OK [APPENDUID %d 4] Replacement message is ready." % validity, b"* 2 EXPUNGE"]
    assert b"* 3 EXISTS" in lines
    assert lines[-1] == b"OK REPLACE completed."
    assert (await client.ok("FETCH 3 (UID FLAGS)")) == [b"* 3 FETCH (UID 4 FLAGS (\\Recent \\Draft))"]
    lines = await client(b"UID REPLACE 1 Drafts CATENATE (URL ;UID=1/;SECTION=TEXT)")
    assert lines[0].startswith(b"* OK [APPENDUID ")
    assert lines[1] == b"* 1 EXPUNGE"
    await client.ok("SELECT Drafts")
    assert await bodies(client) == [b"body of a\r\n"]


async def test_replace_that_fails_changes_nothing(server: Server) -> None:
    """[RFC8508] 3.4"""
    server.deliver(A)
    client = await server.client()
    other = await server.client()
    assert (await client(b"REPLACE 2 INBOX " + literal(B)))[-1].startswith(b"BAD")
    assert (await client(b"UID REPLACE 9 INBOX " + literal(B)))[-1].startswith(b"NO [NONEXISTENT]")
    assert (await client(b"REPLACE 1 Missing " + literal(B)))[-1].startswith(b"NO [TRYCREATE]")
    assert (await client(b"REPLACE 1 INBOX {0+}\r\n"))[-1].startswith(b"NO")
    server.mailbox.set_quota(receive=len(A) + 1)
    assert (await client(b"REPLACE 1 INBOX " + literal(B * 9)))[-1].startswith(b"NO [OVERQUOTA]")
    assert await bodies(client) == [A]
    # What goes makes room for what comes.
    assert (await client(b"REPLACE 1 INBOX " + literal(B)))[-1].startswith(b"OK")
    assert await bodies(client) == [B]
    await other.ok("EXAMINE INBOX")
    assert (await other(b"REPLACE 1 INBOX " + literal(B)))[-1].startswith(b"NO [READ-ONLY]")


async def test_replace_of_what_another_has_expunged(server: Server) -> None:
    """[RFC8508] 3.4: NO, and no new message."""
    server.deliver(A)
    client, other = await server.client(), await server.client()
    await other.ok("STORE 1 +FLAGS (\\Deleted)")
    await other.ok("EXPUNGE")
    assert (await client(b"REPLACE 1 INBOX " + literal(B)))[-1].startswith(b"NO [EXPUNGEISSUED]")
    assert await bodies(client) == []
