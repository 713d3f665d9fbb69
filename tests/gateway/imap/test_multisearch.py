"""ESEARCH ([RFC7377]): many mailboxes, one response each."""

from __future__ import annotations

import re

import pytest

from gateway.imap.commands import multisearch
from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server

TREE = ("Work", "Work/A", "Work/A/Deep", "Work/B", "Home")


@pytest.fixture
async def client(server: Server) -> Client:
    """One unseen message in each folder of the tree, a seen one in each; the inbox has two of each."""
    client = await server.client(None)
    for name in TREE:
        await client.ok(f"CREATE {name}")
    for name in (*TREE, "INBOX", "INBOX"):
        server.deliver(folder=name, flags=MessageFlag.SEEN)
        server.deliver(folder=name)
    return client


async def found(client: Client, command: str) -> dict[str, str]:
    """What the responses say, by mailbox."""
    results = {}
    for line in await client.ok(command):
        match = re.fullmatch(rb'\* ESEARCH \(TAG "t(\d+)" MAILBOX (\S+) UIDVALIDITY (\d+)\) UID (.*)', line)
        assert match, line
        assert int(match[1]) == client.number
        results[match[2].decode()] = match[4].decode()
    return results


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ("mailboxes Work", ["Work"]),
        ("mailboxes (Work Home Nowhere work)", ["Work", "Home"]),
        ("subtree Work", ["Work", "Work/A", "Work/A/Deep", "Work/B"]),
        ("subtree-one Work", ["Work", "Work/A", "Work/B"]),
        ("subtree-one Work mailboxes Home", ["Work", "Work/A", "Work/B", "Home"]),
        ("inboxes", ["INBOX"]),
        ("personal", ["INBOX", *TREE]),
        ("subscribed", ["Home"]),
    ],
)
async def test_sources(client: Client, sources: str, names: list[str]) -> None:
    """[RFC7377] 2.2: which mailboxes; each once, and only those with a match."""
    await client.ok("SUBSCRIBE Home")
    await client.ok("SUBSCRIBE Gone")
    expected = {name: "ALL 2,4" if name == "INBOX" else "ALL 2" for name in names}
    assert await found(client, f"ESEARCH IN ({sources}) UNSEEN") == expected
    assert await found(client, f"ESEARCH IN ({sources}) DELETED") == {}


async def test_results(client: Client) -> None:
    """[RFC7377] 2.1: result options apply to each mailbox; nothing is told of one without a match."""
    assert await found(client, "ESEARCH IN (mailboxes (INBOX Home)) RETURN (MIN COUNT) CHARSET UTF-8 SEEN") == {
        "INBOX": "MIN 1 COUNT 2",
        "Home": "MIN 1 COUNT 1",
    }
    assert await found(client, "ESEARCH IN (personal) RETURN (COUNT) UID 3:4") == {"INBOX": "COUNT 2"}
    assert await found(client, "ESEARCH IN (mailboxes (INBOX Home)) RETURN (PARTIAL -1:-1) ALL") == {
        "INBOX": "PARTIAL (-1:-1 4)",
        "Home": "PARTIAL (-1:-1 2)",
    }
    shown = await found(client, "ESEARCH IN (mailboxes Home) RETURN (ALL) MODSEQ 1")
    assert re.fullmatch(r"ALL 1:2 MODSEQ \d+", shown["Home"])
    assert await found(client, "ESEARCH IN (mailboxes INBOX) 3:1000") == {"INBOX": "ALL 3:4"}


async def test_selected(client: Client, server: Server) -> None:
    """[RFC7377] 2, 2.2: without a source, or by name; SAVE and UPDATE are about the selected mailbox alone."""
    for command in ("ESEARCH ALL", "ESEARCH IN (selected) ALL", "ESEARCH IN (personal) RETURN (UPDATE) ALL"):
        assert (await client(command))[-1].startswith(b"BAD")
    await client.ok("SELECT Home")
    assert await found(client, "ESEARCH UNSEEN") == {"Home": "ALL 2"}
    assert await found(client, "ESEARCH IN (mailboxes Work selected) UNSEEN") == {"Work": "ALL 2", "Home": "ALL 2"}
    assert await client.ok("ESEARCH RETURN (SAVE) UNSEEN") == []
    assert await client.ok("SEARCH $") == [b"* SEARCH 2"]
    assert (await client("ESEARCH IN (mailboxes Home) RETURN (SAVE) SEEN"))[-1].startswith(b"BAD")
    assert (await client("ESEARCH IN (selected mailboxes Work) RETURN (SAVE) SEEN"))[-1].startswith(b"BAD")
    assert await client.ok("SEARCH $") == [b"* SEARCH 2"]
    assert await found(client, "ESEARCH IN (personal) RETURN (UPDATE COUNT) FLAGGED") == {}
    tag = client.number
    (line,) = await client.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")
    assert re.fullmatch(rb'\* ESEARCH \(TAG "t%d" MAILBOX Home UIDVALIDITY \d+\) UID ADDTO \(0 1\)' % tag, line)
    assert (await client.ok("FETCH 1 (UID)")) == [b"* 1 FETCH (UID 1)"]


async def test_limit(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC7377] 2.4."""
    monkeypatch.setattr(multisearch, "MAX_FOLDERS", 3)
    assert (await client("ESEARCH IN (personal) ALL"))[-1].startswith(b"NO [LIMIT]")
    for text in (
        "IN () ALL",
        "IN (selected-delayed) ALL",
        "IN (mailboxes) ALL",
        "IN (personal (x)) ALL",
        "IN (subtree ()) ALL",
    ):
        assert (await client(f"ESEARCH {text}"))[-1].startswith(b"BAD"), text
