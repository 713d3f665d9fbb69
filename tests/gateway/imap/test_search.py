"""SEARCH and UID SEARCH."""

from __future__ import annotations

import datetime as dt

import pytest

from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server

REPORT = (
    b"From: Bob Archer <bob@example.test>\r\nTo: alice@example.test\r\nCc: carol@example.test\r\n"
    b"Subject: Quarterly report\r\nDate: Mon, 02 Nov 2026 23:30:00 -0500\r\n\r\nThe figures are attached.\r\n"
)
ENCODED = (
    b"From: dave@example.test\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from Dave\r\nX-Mark: blue\r\n"
    b"Date: Tue, 03 Nov 2026 10:00:00 +0000\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nS8O2bG4gaXN0IHNjaMO2bi4=\r\n"
)
LARGE = (
    b"From: bob@example.test\r\nBcc: erin@example.test\r\nSubject: no\r\n"
    b"Date: Sun, 1 Nov 2026 00:00:00 +0000\r\n\r\n" + b"x" * 5000 + b"\r\n"
)
FOUR = b"From: bob@example.test\r\nSubject: four\r\nDate: 1 Nov 2026 09:00 GMT\r\n\r\nlast words\r\n"


def seconds(day: int) -> int:
    return int(dt.datetime(2026, 11, day, 12, tzinfo=dt.UTC).timestamp())


@pytest.fixture
async def client(server: Server) -> Client:
    server.deliver(REPORT, flags=MessageFlag.SEEN | MessageFlag.ANSWERED, date=seconds(1))
    server.deliver(ENCODED, flags=MessageFlag.FLAGGED, keywords=["Work"], date=seconds(2))
    await server.client()  # takes \Recent of the first two
    server.deliver(LARGE, flags=MessageFlag.DELETED | MessageFlag.DRAFT | MessageFlag.SEEN, date=seconds(3))
    server.deliver(FOUR, flags=MessageFlag.FORWARDED, date=seconds(4))
    return await server.client()


CASES = {
    "ALL": [1, 2, 3, 4],
    "ANSWERED": [1],
    "UNANSWERED": [2, 3, 4],
    "DELETED": [3],
    "UNDELETED": [1, 2, 4],
    "DRAFT": [3],
    "UNDRAFT": [1, 2, 4],
    "FLAGGED": [2],
    "UNFLAGGED": [1, 3, 4],
    "SEEN": [1, 3],
    "UNSEEN": [2, 4],
    "KEYWORD work": [2],
    "UNKEYWORD Work": [1, 3, 4],
    "KEYWORD never-seen": [],
    "UNKEYWORD never-seen": [1, 2, 3, 4],
    "KEYWORD $Forwarded": [4],
    "RECENT": [3, 4],
    "NEW": [4],
    "OLD": [1, 2],
    "BEFORE 3-Nov-2026": [1, 2],
    "ON 3-Nov-2026": [3],
    'SINCE "3-Nov-2026"': [3, 4],
    "SENTBEFORE 3-Nov-2026": [1, 3, 4],
    "SENTON 2-Nov-2026": [1],
    "SENTSINCE 3-Nov-2026": [2],
    "FROM bob": [1, 3, 4],
    "FROM archer": [1],
    "TO ALICE": [1],
    "CC carol": [1],
    "BCC erin": [3],
    "SUBJECT report": [1],
    'SUBJECT "from dave"': [2],
    "HEADER X-Mark blue": [2],
    'HEADER X-Mark ""': [2],
    'HEADER Subject "no"': [3],
    "BODY figures": [1],
    "BODY report": [],
    "TEXT report": [1],
    "TEXT LAST": [4],
    "LARGER 5000": [3],
    "SMALLER 5000": [1, 2, 4],
    "2:3": [2, 3],
    "*": [4],
    "UID 3:*": [3, 4],
    "UID 77": [],
    "NOT SEEN": [2, 4],
    "OR SEEN FLAGGED": [1, 2, 3],
    "OR (FROM bob SEEN) NOT 1:3": [1, 3, 4],
    "1:2 UNSEEN": [2],
    "NOT (1 2)": [1, 2, 3, 4],
    "NOT 1:*": [],
}


@pytest.mark.parametrize("key", CASES)
async def test_keys(client: Client, key: str) -> None:
    """[RFC3501] 6.4.4: every key, with its meaning there."""
    expected = b" ".join([b"* SEARCH", *(b"%d" % number for number in CASES[key])])
    assert await client.ok("SEARCH " + key) == [expected]


async def test_charsets(client: Client) -> None:
    """[RFC3501] 6.4.4: US-ASCII and UTF-8; an unknown one gives NO [BADCHARSET] with the known ones."""
    text = "Grüße".encode()
    assert await client.ok(b"SEARCH CHARSET UTF-8 SUBJECT {%d+}\r\n%b" % (len(text), text)) == [b"* SEARCH 2"]
    text = "KÖLN".encode("latin-1")
    assert await client.ok(b"SEARCH CHARSET ISO-8859-1 BODY {%d+}\r\n%b" % (len(text), text)) == [b"* SEARCH 2"]
    assert await client.ok("SEARCH CHARSET US-ASCII SUBJECT four") == [b"* SEARCH 4"]
    (reply,) = await client("SEARCH CHARSET X-KLINGON SUBJECT x")
    assert reply.startswith(b"NO [BADCHARSET (")
    assert b"UTF-8" in reply


async def test_uid_search(client: Client, server: Server) -> None:
    """[RFC3501] 6.4.8: the numbers found are UIDs, message numbers in the keys stay message numbers."""
    await client.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    await client.ok("UID EXPUNGE 1")
    assert await client.ok("SEARCH ALL") == [b"* SEARCH 1 2 3"]
    assert await client.ok("UID SEARCH ALL") == [b"* SEARCH 2 3 4"]
    assert await client.ok("UID SEARCH 1") == [b"* SEARCH 2"]
    assert await client.ok("SEARCH UID 4") == [b"* SEARCH 3"]


async def test_what_the_session_does_not_know_is_not_found(client: Client, server: Server) -> None:
    """A message without a number here cannot be in the answer; one that is gone is not."""
    server.deliver()
    lines = await client.ok("SEARCH ALL")
    assert lines[0] == b"* SEARCH 1 2 3 4"
    assert b"* 5 EXISTS" in lines
    inbox = server.mailbox.folder(("INBOX",)).id
    server.mailbox.remove_messages(inbox, [2])
    lines = await client.ok("SEARCH ALL")
    assert lines == [b"* SEARCH 1 3 4 5"]


async def test_number_beyond_the_end(client: Client) -> None:
    assert (await client("SEARCH 9"))[-1].startswith(b"BAD")


async def test_empty_mailbox(server: Server) -> None:
    client = await server.client()
    assert await client.ok("SEARCH ALL") == [b"* SEARCH"]
    assert await client.ok("UID SEARCH UID 1:*") == [b"* SEARCH"]
