"""COMPARATOR and what the active comparator does ([RFC5255] 4)."""

from __future__ import annotations

import pytest

from gateway.imap.collation import DEFAULT, BadComparator, choose
from tests.gateway.imap.harness import Client, Server

ALL = ["i;unicode-casemap", "i;ascii-casemap", "i;octet"]


@pytest.mark.parametrize(
    ("wanted", "name", "descending", "matching"),
    [
        (["i;octet"], "i;octet", False, ["i;octet"]),
        (["I;Octet"], "i;octet", False, ["i;octet"]),
        (["default"], "i;unicode-casemap", False, ["i;unicode-casemap"]),
        (["cz;*", "i;ascii-casemap"], "i;ascii-casemap", False, ["i;ascii-casemap"]),
        (["i;octet", "*"], "i;octet", False, ALL),
        (["*"], "i;unicode-casemap", False, ALL),
        (["i;*-casemap"], "i;unicode-casemap", False, ALL[:2]),
        (["-i;octet"], "i;octet", True, ["i;octet"]),
        (["+i;octet"], "i;octet", False, ["i;octet"]),
        (["i*t"], "i;octet", False, ["i;octet"]),
    ],
)
def test_choice(wanted: list[str], name: str, descending: bool, matching: list[str]) -> None:
    """[RFC5255] 4.7, [RFC4790] 3.1 to 3.3: the first argument that matches wins, and its widest match."""
    chosen, found = choose(wanted)
    assert chosen is not None
    assert (chosen.name, chosen.descending, found) == (name, descending, matching)


def test_no_choice() -> None:
    assert choose(["i;basic", "cz*", "x"]) == (None, [])
    for wanted in ("", "**", "i;*x**y", "é", "i octet", "--i;octet", "1*", "a" * 255):
        with pytest.raises(BadComparator):
            choose([wanted])


def mail(subject: str) -> bytes:
    return f"Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{subject}\r\n".encode()


@pytest.fixture
async def client(server: Server) -> Client:
    for subject in ("Grün", "GRUN", "grün", "zebra", "Äpfel"):
        server.deliver(mail(subject))
    return await server.client()


async def test_command(server: Server) -> None:
    """[RFC5255] 4.7, 4.8, 4.9; the default is i;unicode-casemap ([RFC5255] 4.4)."""
    client = await server.client(None)
    assert b"I18NLEVEL=2" in (await client.ok("CAPABILITY"))[0]
    assert await client.ok("COMPARATOR") == [b"* COMPARATOR i;unicode-casemap"]
    assert await client.ok('COMPARATOR "cz;*" i;octet') == [b"* COMPARATOR i;octet"]
    assert await client.ok("COMPARATOR") == [b"* COMPARATOR i;octet"]
    assert (await client("COMPARATOR i;basic"))[-1].startswith(b"NO [BADCOMPARATOR] ")
    assert (await client('COMPARATOR ""'))[-1].startswith(b"BAD")
    await client.ok("SELECT INBOX")
    assert await client.ok("COMPARATOR") == [b"* COMPARATOR i;octet"]
    assert await client.ok('COMPARATOR "i;*-casemap"') == [
        b"* COMPARATOR i;unicode-casemap (i;unicode-casemap i;ascii-casemap)"
    ]
    assert await client.ok("COMPARATOR -i;octet") == [b"* COMPARATOR -i;octet"]
    assert await client.ok("COMPARATOR default") == [b"* COMPARATOR i;unicode-casemap"]
    assert client.connection.session.comparator == DEFAULT
    client = server.connect()
    client.take()
    assert (await client("COMPARATOR"))[-1].startswith(b"BAD")


@pytest.mark.parametrize(
    ("comparator", "key", "found"),
    [
        ("default", 'SUBJECT "GRÜN"', "1 3"),
        ("default", 'SUBJECT "gru"', "1 2 3"),
        ("default", 'BODY "äp"', "5"),
        ("i;ascii-casemap", 'SUBJECT "GRüN"', "1 3"),
        ("i;ascii-casemap", 'SUBJECT "GRÜN"', ""),
        ("i;ascii-casemap", 'SUBJECT "gru"', "2"),
        ("i;octet", 'SUBJECT "Grün"', "1"),
        ("i;octet", 'SUBJECT "grun"', ""),
        ("i;octet", 'HEADER Subject "GRUN"', "2"),
        ("i;octet", 'BODY "GRUN"', "2"),
        ("i;octet", 'TEXT "zebra"', "4"),
        ("i;octet", 'TEXT "Zebra"', ""),
    ],
)
async def test_search(client: Client, comparator: str, key: str, found: str) -> None:
    """[RFC5255] 4.2, 4.6: substrings by the active comparator, after decoding."""
    await client.ok(f"COMPARATOR {comparator}")
    assert await client.ok(f"SEARCH CHARSET UTF-8 {key}") == [f"* SEARCH {found}".rstrip().encode()]


@pytest.mark.parametrize(
    ("comparator", "order", "threads"),
    [
        ("default", "5 2 1 3 4", "(1 3)(2)(4)(5)"),
        ("i;ascii-casemap", "2 1 3 4 5", "(1 3)(2)(4)(5)"),
        ("i;octet", "2 1 3 4 5", "(1)(2)(3)(4)(5)"),
        ("-i;octet", "5 4 3 1 2", "(1)(2)(3)(4)(5)"),
    ],
)
async def test_sort_and_thread(client: Client, comparator: str, order: str, threads: str) -> None:
    """[RFC5255] 4.2: SORT keys, and the subjects of both ways to thread; [RFC4790] 3.3: `-` sorts the other way."""
    await client.ok(f"COMPARATOR {comparator}")
    assert await client.ok("SORT (SUBJECT) UTF-8 ALL") == [f"* SORT {order}".encode()]
    assert await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == [f"* THREAD {threads}".encode()]
    both = threads.replace("(1 3)", "((1)(3))")
    assert await client.ok("THREAD REFERENCES UTF-8 ALL") == [f"* THREAD {both}".encode()]


async def test_a_context_keeps_its_comparator(client: Client, server: Server) -> None:
    """What is kept up to date goes on by the comparator of its time."""
    await client.ok("COMPARATOR i;octet")
    await client.ok("SEARCH RETURN (UPDATE) SUBJECT Ant")
    await client.ok("COMPARATOR default")
    for subject in ("Ant", "ant"):
        server.deliver(mail(subject))
    assert (await client.ok("NOOP"))[-1] == b'* ESEARCH (TAG "t4") ADDTO (0 6)'
