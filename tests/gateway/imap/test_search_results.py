"""SEARCH RETURN: what is told of the results, `$`, PARTIAL, the mod-sequence; and searches by age."""

from __future__ import annotations

import re
import time

import pytest

from gateway.imap.commands import criteria
from store import errors
from store.ids import MessageFlag
from store.mailbox import Mailbox
from tests.gateway.imap.harness import Client, Server


@pytest.fixture
async def client(server: Server) -> Client:
    """Six messages with UIDs 2 to 7; seen are numbers 2, 3 and 5."""
    server.deliver()
    for number in range(1, 7):
        server.deliver(flags=MessageFlag.SEEN if number in (2, 3, 5) else 0)
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [1])
    return await server.client()


async def esearch(client: Client, command: str | bytes) -> bytes:
    """The return data of the one ESEARCH response."""
    (line,) = await client.ok(command)
    head = b'* ESEARCH (TAG "t%d")' % client.number
    assert line.startswith(head)
    return line[len(head) :]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("SEARCH RETURN (MIN COUNT) SEEN", " MIN 2 COUNT 3"),
        ("SEARCH RETURN () SEEN", " ALL 2:3,5"),
        ("SEARCH RETURN (ALL MAX) SEEN", " MAX 5 ALL 2:3,5"),
        ("UID SEARCH RETURN (MIN MAX) 1:5 SEEN", " UID MIN 3 MAX 6"),
        ("UID SEARCH RETURN () SEEN", " UID ALL 3:4,6"),
        ("SEARCH RETURN (MIN MAX ALL) DELETED", ""),
        ("SEARCH RETURN (COUNT MIN) DELETED", " COUNT 0"),
        ("UID SEARCH RETURN (ALL) DELETED", " UID"),
        ("SEARCH RETURN (COUNT) 1000", " COUNT 0"),
        ("SEARCH RETURN (ALL) 5:1000", " ALL 5:6"),
        ("SEARCH RETURN (ALL) NOT 7:8", " ALL 1:6"),
        ("SEARCH RETURN (PARTIAL 1:2) SEEN", " PARTIAL (1:2 2:3)"),
        ("SEARCH RETURN (PARTIAL 3:2) SEEN", " PARTIAL (2:3 3,5)"),
        ("SEARCH RETURN (PARTIAL 3:9) SEEN", " PARTIAL (3:9 5)"),
        ("SEARCH RETURN (PARTIAL 4:9) SEEN", " PARTIAL (4:9 NIL)"),
        ("SEARCH RETURN (PARTIAL -1:-2) SEEN", " PARTIAL (-1:-2 3,5)"),
        ("SEARCH RETURN (PARTIAL -9:-2) SEEN", " PARTIAL (-2:-9 2:3)"),
        ("SEARCH RETURN (PARTIAL -3:-4) SEEN", " PARTIAL (-3:-4 2)"),
        ("UID SEARCH RETURN (PARTIAL -4:-5 MIN) SEEN", " UID MIN 3 PARTIAL (-4:-5 NIL)"),
        ("UID SEARCH RETURN (PARTIAL 1:1 COUNT) SEEN", " UID COUNT 3 PARTIAL (1:1 3)"),
    ],
)
async def test_return(client: Client, command: str, expected: str) -> None:
    """[RFC4731] 3.1, [RFC9394] 3.1; a number beyond the end finds nothing here, as with other servers."""
    assert await esearch(client, command) == expected.encode()


@pytest.mark.parametrize(
    ("options", "answer", "saved"),
    [
        ("SAVE", None, "2:3,5"),
        ("SAVE MIN", " MIN 2", "2"),
        ("MAX SAVE", " MAX 5", "5"),
        ("MAX SAVE MIN", " MIN 2 MAX 5", "2,5"),
        ("MAX SAVE MIN COUNT", " MIN 2 MAX 5 COUNT 3", "2:3,5"),
        ("ALL SAVE MIN", " MIN 2 ALL 2:3,5", "2:3,5"),
        ("SAVE COUNT", " COUNT 3", "2:3,5"),
        ("SAVE PARTIAL 1:2", " PARTIAL (1:2 2:3)", "2:3"),
        ("SAVE PARTIAL 2:2 MIN", " MIN 2 PARTIAL (2:2 3)", "2:3"),
        ("SAVE PARTIAL 1:1 MAX", " MAX 5 PARTIAL (1:1 2)", "2,5"),
        ("SAVE PARTIAL 2:2 MIN MAX", " MIN 2 MAX 5 PARTIAL (2:2 3)", "2:3,5"),
        ("SAVE PARTIAL 2:2 MIN COUNT", " MIN 2 COUNT 3 PARTIAL (2:2 3)", "2:3,5"),
        ("SAVE PARTIAL 9:9", " PARTIAL (9:9 NIL)", ""),
    ],
)
async def test_what_is_saved(client: Client, options: str, answer: str | None, saved: str) -> None:
    """[RFC5182] 2.4 and [RFC9394] 3.2: the two tables."""
    if answer is None:
        assert await client.ok(f"SEARCH RETURN ({options}) SEEN") == []
    else:
        assert await esearch(client, f"SEARCH RETURN ({options}) SEEN") == answer.encode()
    assert await esearch(client, "SEARCH RETURN () $") == (f" ALL {saved}" if saved else "").encode()


async def test_saved_in_commands(client: Client, server: Server) -> None:
    """[RFC5182] 2.1, 2.2: `$` stands for messages, whatever the command calls them by."""
    await client.ok("UID SEARCH RETURN (SAVE) SEEN")
    assert await client.ok("FETCH $ (UID)") == [b"* 2 FETCH (UID 3)", b"* 3 FETCH (UID 4)", b"* 5 FETCH (UID 6)"]
    assert await client.ok("UID SEARCH UID $ 3:6") == [b"* SEARCH 4 6"]
    assert await client.ok("SEARCH OR $ 1") == [b"* SEARCH 1 2 3 5"]
    assert await client.ok("SEARCH NOT $") == [b"* SEARCH 1 4 6"]
    await client.ok("SEARCH SEEN")
    await client.ok("SEARCH RETURN (COUNT) UNSEEN")
    assert (await client("SEARCH RETURN (SAVE) NOSUCH"))[-1].startswith(b"BAD")
    assert await client.ok("UID STORE $ +FLAGS.SILENT (\\Deleted)") == []
    assert await client.ok("COPY $ Drafts") == []
    assert await client.ok("UID EXPUNGE $") == [b"* 5 EXPUNGE", b"* 3 EXPUNGE", b"* 2 EXPUNGE"]
    # What is expunged leaves the list, and an empty list is a valid set that names nothing.
    assert await client.ok("FETCH $ (UID)") == []
    assert await client.ok("UID MOVE $ Drafts") == []
    assert await client.ok("SEARCH $") == [b"* SEARCH"]


async def test_saved_keeps_the_messages_when_numbers_change(client: Client, server: Server) -> None:
    """[RFC5182] 2.1: the list follows expunges; a new SELECT empties it."""
    await client.ok("SEARCH RETURN (SAVE) 3:5")
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [2, 5])
    assert await client.ok("NOOP") == [b"* 4 EXPUNGE", b"* 1 EXPUNGE"]
    assert await client.ok("FETCH $ (UID)") == [b"* 2 FETCH (UID 4)", b"* 3 FETCH (UID 6)"]
    await client.ok("SELECT INBOX")
    assert await client.ok("FETCH $ (UID)") == []


async def test_a_refused_search_saves_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC5182] 2.1: NO to a search with SAVE empties the list, NO to one without leaves it."""
    await client.ok("SEARCH RETURN (SAVE) SEEN")
    assert (await client("SEARCH RETURN (ALL) CHARSET X-NONE ALL"))[-1].startswith(b"NO [BADCHARSET")
    assert await client.ok("SEARCH $") == [b"* SEARCH 2 3 5"]
    assert (await client("SEARCH RETURN (SAVE) CHARSET X-NONE ALL"))[-1].startswith(b"NO [BADCHARSET")
    assert await client.ok("SEARCH $") == [b"* SEARCH"]
    await client.ok("SEARCH RETURN (SAVE) SEEN")

    def fail(*_: object, **__: object) -> None:
        raise errors.Unavailable("disk")

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "find", fail)
        assert (await client("SEARCH RETURN (ALL) ALL"))[-1].startswith(b"NO")
        assert (await client("SEARCH RETURN (SAVE) ALL"))[-1].startswith(b"NO")
    assert await client.ok("SEARCH $") == [b"* SEARCH"]


async def test_pipelined(client: Client) -> None:
    """[RFC5182] 2.3: the second of two commands uses what the first has saved."""
    lines = await client.send(b"a SEARCH RETURN (SAVE) SEEN\r\nb STORE $ +FLAGS.SILENT (x)\r\nc SEARCH KEYWORD x\r\n")
    assert [line for line in lines if line.startswith(b"* SEARCH")] == [b"* SEARCH 2 3 5"]


@pytest.mark.parametrize(
    ("options", "last"),
    [("MIN", 2), ("MAX", 5), ("MIN MAX", 5), ("MIN COUNT", 3), ("ALL", 3), ("PARTIAL 1:1", 2), ("PARTIAL 1:2", 3)],
)
async def test_modseq(client: Client, options: str, last: int) -> None:
    """[RFC4731] 3.2, [RFC7162] 3.1.10: the highest of the messages that are returned."""
    await client.ok("STORE 2,5 +FLAGS.SILENT (x)")
    await client.ok("STORE 3 +FLAGS.SILENT (x)")
    modseqs = {}
    for line in await client.ok("FETCH 1:* (MODSEQ)"):
        if match := re.fullmatch(rb"\* (\d+) FETCH \(MODSEQ \((\d+)\).*\)", line):
            modseqs[int(match[1])] = int(match[2])
    found = await esearch(client, f"SEARCH RETURN ({options}) MODSEQ 1 SEEN")
    assert found.endswith(b" MODSEQ %d" % modseqs[last])
    assert b"MODSEQ" not in await esearch(client, f"SEARCH RETURN ({options}) MODSEQ 1 DELETED")


async def test_rev2_always_gets_esearch(client: Client) -> None:
    """[RFC9051] 6.4.4, 7.3.4: once IMAP4rev2 is enabled there is no SEARCH response."""
    client.connection.session.rev2 = True
    assert await esearch(client, "SEARCH SEEN") == b" ALL 2:3,5"
    assert await esearch(client, "UID SEARCH DELETED") == b" UID"


async def test_uidonly_has_no_numbers(client: Client) -> None:
    """[RFC9586] 3: a message number in a key is refused, `$` is none."""
    await client.ok("UID SEARCH RETURN (SAVE) SEEN")
    client.connection.session.uidonly = True
    (reply,) = await client("UID SEARCH RETURN (ALL) 1")
    assert reply.startswith(b"BAD [UIDREQUIRED]")
    assert await esearch(client, "UID SEARCH RETURN (ALL) $") == b" UID ALL 3:4,6"


async def test_ages(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC5032] 2: by the internal date, to the second, the target time itself on both sides."""
    now = int(time.time())
    monkeypatch.setattr(criteria.time, "time", lambda: now + 0.9)
    for age in (1, 100, 259_200):
        server.deliver(date=now - age)
    client = await server.client()
    for key, found in {
        "YOUNGER 1": "1",
        "YOUNGER 99": "1",
        "YOUNGER 100": "1 2",
        "OLDER 100": "2 3",
        "OLDER 101": "3",
        "OLDER 259201": "",
        "OLDER 4294967295": "",
        "YOUNGER 4294967295": "1 2 3",
    }.items():
        assert await client.ok("SEARCH " + key) == [f"* SEARCH {found}".rstrip().encode()]
