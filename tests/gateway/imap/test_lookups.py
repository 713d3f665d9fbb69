"""SAVEDBEFORE, SAVEDON, SAVEDSINCE, EMAILID, THREADID ([RFC8514] 4.3, [RFC8474] 6)."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from gateway.imap.commands import lookups
from store import messages
from tests.gateway.imap.harness import Client, Server


def at(day: int, hour: int = 12, minute: int = 0, second: int = 0) -> float:
    return dt.datetime(2026, 11, day, hour, minute, second, tzinfo=dt.UTC).timestamp()


async def test_save_dates(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC8514] 3, 4.2, 4.3: the day in UTC on which it came here, not its internal date; a copy has its own."""
    for moment in (at(1, 0), at(2, 23, 59, 59), at(3, 0), at(5)):
        monkeypatch.setattr(messages.time, "time", lambda moment=moment: moment)
        server.deliver(date=0)
    client = await server.client()
    cases = {
        "SAVEDON 2-Nov-2026": "2",
        "SAVEDON 4-Nov-2026": "",
        "SAVEDBEFORE 1-Nov-2026": "",
        "SAVEDBEFORE 3-Nov-2026": "1 2",
        "SAVEDSINCE 3-Nov-2026": "3 4",
        "NOT SAVEDSINCE 3-Nov-2026": "1 2",
        "OR SAVEDON 1-Nov-2026 (SAVEDSINCE 2-Nov-2026 4)": "1 4",
        "SAVEDATESUPPORTED": "1 2 3 4",
        "ON 1-Jan-1970": "1 2 3 4",
    }
    for limit in (2000, 0):
        monkeypatch.setattr(lookups, "INLINE_MESSAGES", limit)
        for key, found in cases.items():
            assert await client.ok("SEARCH " + key) == [f"* SEARCH {found}".rstrip().encode()], key
    monkeypatch.setattr(messages.time, "time", lambda: at(9))
    await client.ok("COPY 1 Drafts")
    await client.ok("EXAMINE Drafts")
    assert await client.ok("SEARCH SAVEDON 1-Nov-2026") == [b"* SEARCH"]
    assert (await client.ok("SEARCH SAVEDSINCE 2-Nov-2026")) == [b"* SEARCH 1"]


async def identifiers(client: Client) -> tuple[list[str], list[str]]:
    """EMAILID and THREADID of every message."""
    lines = b"\n".join(await client.ok("FETCH 1:* (EMAILID THREADID)"))
    return (
        [found.decode() for found in re.findall(rb"EMAILID \(([^)]+)\)", lines)],
        [found.decode() for found in re.findall(rb"THREADID \(([^)]+)\)", lines)],
    )


async def test_identifiers(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC8474] 6: exactly the messages for which FETCH shows the identifier, copies too."""
    for head in (
        b"Message-ID: <1@x>\r\n",
        b"Message-ID: <2@x>\r\nReferences: <1@x>\r\n",
        b"Subject: alone\r\n",
        b"Subject: alone\r\n",
        b"Message-ID: <3@x>\r\n",
    ):
        server.deliver(head + b"\r\nx\r\n")
    client = await server.client()
    await client.ok("COPY 1,3 INBOX")
    await client.ok("NOOP")
    emails, threads = await identifiers(client)
    assert len(emails) == len(threads) == 7
    for limit in (2000, 0):
        monkeypatch.setattr(lookups, "INLINE_MESSAGES", limit)
        for key, shown in (("EMAILID", emails), ("THREADID", threads)):
            for each in {*shown, "M0", "T0", "X", "T" + emails[0][1:], "M" + "0" * 12 + "-1"}:
                found = [str(number) for number, other in enumerate(shown, 1) if other == each]
                assert await client.ok(f"SEARCH {key} {each}") == [" ".join(["* SEARCH", *found]).encode()], each
    assert threads[0] == threads[1] == threads[5]
    assert threads[2] == threads[6] != threads[3]
    assert await client.ok(f"UID SORT (REVERSE ARRIVAL) UTF-8 NOT EMAILID {emails[0]} THREADID {threads[0]}") == [
        b"* SORT 2"
    ]


async def test_kept_up_to_date(server: Server) -> None:
    """[RFC5267] 4.3: what comes later is looked up as well."""
    server.deliver(b"Message-ID: <1@x>\r\n\r\n")
    client = await server.client()
    _, threads = await identifiers(client)
    await client.ok(f"SEARCH RETURN (UPDATE) THREADID {threads[0]} SAVEDSINCE 1-Jan-2020")
    server.deliver(b"Message-ID: <2@x>\r\nIn-Reply-To: <1@x>\r\n\r\n")
    server.deliver(b"Message-ID: <3@x>\r\n\r\n")
    assert (await client.ok("NOOP"))[-1] == b'* ESEARCH (TAG "t4") ADDTO (0 2)'


async def test_partial_both_ways(server: Server) -> None:
    """[RFC9394] 3.3, 3.4: the modifier of UID FETCH cuts as the search option does."""
    for _ in range(6):
        server.deliver()
    client = await server.client()
    assert b" PARTIAL" in (await client.ok("CAPABILITY"))[0]
    for text in ("-1:-2", "1:2", "5:9", "-9:-6", "7:9"):
        found = (await client.ok(f"UID SEARCH RETURN (PARTIAL {text}) 1:*"))[0]
        fetched = await client.ok(f"UID FETCH 1:* (UID) (PARTIAL {text})")
        uids = [int(line.split(b"UID ")[1].rstrip(b")")) for line in fetched]
        shown = found.rsplit(b" ", 1)[1].rstrip(b")")
        first, _, last = shown.partition(b":")
        assert uids == ([] if shown == b"NIL" else list(range(int(first), int(last or first) + 1))), text
