"""Signs of life of commands that change many messages ([RFC9585] 4)."""

from __future__ import annotations

import re

import pytest

from gateway.imap import session
from gateway.imap.commands import progress
from store import mailbox, pace
from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server
from tests.gateway.imap.street import EDIT, Street

OTHER = '"Other Users/bob@example.test/Box"'


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every step took ten seconds, and two messages were many."""
    monkeypatch.setattr(progress, "INTERVAL", 0)
    monkeypatch.setattr(session, "MANY", 2)
    for name, value in (("FIRST", 2), ("LEAST", 2), ("MOST", 2)):
        monkeypatch.setattr(pace, name, value)
    monkeypatch.setattr(mailbox, "FIRST", 2)


def states(client: Client, lines: list[bytes]) -> list[str]:
    """What the lines say of how far the last command is; all of them come before its other responses."""
    found = [re.fullmatch(rb'\* OK \[INPROGRESS \("t%d" (.*)\)\] .*' % client.number, line) for line in lines]
    told = [match[1].decode() for match in found if match]
    assert all(found[: len(told)])
    return told


@pytest.mark.parametrize("command", ["MOVE 1:5 Archive", "UID MOVE 1:* Archive", "EXPUNGE", "UID EXPUNGE 1:*", "CLOSE"])
async def test_many_are_changed_in_parts(server: Server, command: str) -> None:
    for _ in range(5):
        server.deliver(flags=MessageFlag.DELETED)
    client = await server.client()
    assert states(client, await client.ok(command)) == ["2 5", "4 5", "NIL NIL"]
    assert server.mailbox.folder(("INBOX",)).total == 0


async def test_deleting_a_mailbox(server: Server) -> None:
    """Two of six messages go together with the name, and are not counted."""
    server.mailbox.create_folder(("Work",))
    for _ in range(6):
        server.deliver(folder="Work")
    client = await server.client(None)
    assert states(client, await client.ok("DELETE Work")) == ["2 4", "NIL NIL"]


async def test_inside_a_mailbox_copy_is_one_step(server: Server) -> None:
    """There is nothing to tell while a statement is carried out."""
    for _ in range(5):
        server.deliver()
    client = await server.client()
    assert states(client, await client.ok("COPY 1:* Archive")) == []


@pytest.mark.parametrize("command", ["COPY", "UID MOVE"])
async def test_into_anothers_mailbox(street: Street, command: str) -> None:
    """One by one: told after each."""
    street.share("bob", "Box", "alice", EDIT)
    client = await street.user("alice", "INBOX")
    for _ in range(3):
        await client.ok(b"APPEND INBOX {4+}\r\nA: b")
    assert states(client, await client.ok(f"{command} 1:3 {OTHER}")) == ["1 3", "2 3", "NIL NIL"]


async def test_nothing_is_told_before_its_time(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "INTERVAL", 10)
    for _ in range(5):
        server.deliver(flags=MessageFlag.DELETED)
    client = await server.client()
    assert states(client, await client.ok("EXPUNGE")) == []
