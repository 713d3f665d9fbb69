"""LANGUAGE ([RFC5255] 3) and the faces that the server can show."""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.imap import texts
from gateway.imap.environment import ImapSettings
from gateway.imap.personality import PERSONALITIES
from tests.gateway.imap.harness import Server

SOURCES = sorted((Path(texts.__file__).parent).rglob("*.py"))
_CALLS = {"ok": 0, "no": 0, "bad": 0, "Reply": 1, "say_bye": 0, "shut_down": 0, "give_up": 0}


def literals(node: ast.expr) -> Iterator[bytes]:
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)


def replies() -> set[bytes]:
    """Every text that a reply is given in the code."""
    found: set[bytes] = set()
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                place = _CALLS.get(getattr(node.func, "id", getattr(node.func, "attr", "")), 99)
                if len(node.args) > place:
                    found.update(literals(node.args[place]))
    return found


def test_every_reply_has_its_translations() -> None:
    """[RFC5255] 3.2: whoever writes a new text writes its row of gateway/imap/texts.py."""
    internal = {b"(IDLE goes on)"}
    for language, table in texts.TABLE.items():
        missing = {text for text in replies() - table.keys() - internal if not text.endswith(b" completed.")}
        assert missing == set(), language
        for text in table.values():
            assert b"[" not in text
            assert text.decode().isprintable()


async def test_languages(server: Server) -> None:
    """[RFC5255] 3.1 to 3.3: in any state; the list, the first that matches, the default; UTF-8."""
    client = server.connect()
    assert b"LANGUAGE" in client.take()[0].split()
    assert await client("LANGUAGE") == [b"* LANGUAGE (i-default en de es fr)", b"OK LANGUAGE completed."]
    assert await client("LANGUAGE xx pt-BR") == [b"NO Unsupported language."]
    assert await client("LANGUAGE xx DE-at fr") == [
        b"* LANGUAGE (de)",
        "OK LANGUAGE ist ausgeführt.".encode(),
    ]
    assert await client("LOGIN alice wrong") == [b"NO Die Anmeldung ist fehlgeschlagen."]
    await client.ok("LOGIN alice password")
    assert (await client("SELECT Nowhere"))[-1] == b"NO [NONEXISTENT] Den Ordner gibt es nicht."
    assert (await client("NOOP x"))[-1].startswith(b"BAD Das geht so nicht: ")
    assert (await client("LANGUAGE xx"))[-1] == b"NO Diese Sprache gibt es hier nicht."
    assert (await client('LANGUAGE "fr-CA"'))[-1] == "OK LANGUAGE est terminé.".encode()
    assert (await client("LANGUAGE default"))[:-1] == [b"* LANGUAGE (en)"]
    assert await client("NOOP") == [b"OK NOOP completed."]
    await client.ok("LANGUAGE es")
    assert (await client("NOOP"))[-1] == b"OK NOOP se ha completado."
    assert (await client("LANGUAGE i-default"))[-1] == b"OK LANGUAGE completed."
    await client.ok("LANGUAGE es")
    await client.ok("UNAUTHENTICATE")  # [RFC8437] 4.1
    assert await client("NOOP") == [b"OK NOOP completed."]
    await client.ok("LANGUAGE de")
    lines = await client("LOGOUT")
    assert lines == [b"* BYE oxgate meldet sich ab.", "OK LOGOUT ist ausgeführt.".encode()]


@pytest.mark.parametrize("arguments", ["123456789", "de_AT", "de--at", '"de fr"', "(de)"])
async def test_malformed(server: Server, arguments: str) -> None:
    """[RFC5255] 3.5"""
    client = server.connect()
    client.take()
    assert (await client(f"LANGUAGE {arguments}"))[-1].startswith(b"BAD")


# --- faces


@pytest.fixture(params=["exchange2013", "exchange2016", "exchange2019"])
async def exchange(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path, ImapSettings(personality=request.param))
    yield made
    await made.close()


async def test_exchange(exchange: Server) -> None:
    """[MS-OXIMAP4] 1.7: what Exchange lists, in its order; what it does not have is unknown."""
    name = exchange.services.settings.personality
    move = b" MOVE" if name != "exchange2013" else b""
    client = exchange.connect()
    assert client.take() == [b"* OK The Microsoft Exchange IMAP4 service is ready."]
    (line,) = await client.ok("CAPABILITY")
    assert line == (
        b"* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=LOGIN SASL-IR UIDPLUS%b ID UNSELECT CHILDREN IDLE NAMESPACE"
        b" LITERAL+" % move
    )
    assert (await client("LOGIN alice password"))[-1] == b"OK LOGIN completed."
    for command in ("ENABLE CONDSTORE", "COMPRESS DEFLATE", "NOTIFY NONE", "LANGUAGE", "UNAUTHENTICATE", "SORT (DATE)"):
        assert (await client(command))[-1].startswith(b"BAD"), command
    exchange.deliver()
    await client.ok("SELECT INBOX")
    for command in ("FETCH 1 FLAGS", "UID SEARCH ALL", "NAMESPACE", "ID NIL", "UID EXPUNGE 1", "UNSELECT"):
        await client.ok(command)
    await client.ok("SELECT INBOX")
    assert (await client("MOVE 1 Archive"))[-1].startswith(b"OK" if move else b"BAD")
    assert (await client("LOGOUT"))[0] == b"* BYE Microsoft Exchange Server IMAP4 server signing off."


def test_faces() -> None:
    """The names are those of the setting."""
    assert list(PERSONALITIES) == ["oxgate", "exchange2013", "exchange2016", "exchange2019"]
