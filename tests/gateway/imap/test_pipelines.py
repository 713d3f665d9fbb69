"""Commands sent together: whatever the mix, message numbers mean to the server what they mean to the client.

[RFC3501] 5.5 and 7.4.1: a client may send commands by number one behind another, so nothing is renumbered while one of
them waits. The client here keeps its picture from responses alone; after every pipeline it is compared with the
session's view, after every NOOP with the store. OXGATE_MODEL_STEPS says how many pipelines a run has.
"""

from __future__ import annotations

import os
import random
import re

import pytest

from tests.gateway.imap.harness import MAIL, Client, Server
from tests.gateway.imap.modelcases import CASES

PIPELINES = int(os.environ.get("OXGATE_MODEL_STEPS", "300"))
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "Work")


class Pipeliner:
    """A client that sends several commands at once."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.uids: list[int] = []
        """By number; 0 where the client was not told."""
        self.tags = 0

    async def open(self) -> None:
        self.read(await self.client.ok("SELECT INBOX"), {})
        if self.uids:
            self.read(await self.client.ok("FETCH 1:* UID"), {})

    def read(self, lines: list[bytes], waiting: dict[bytes, str]) -> None:
        """Take responses; `waiting` are the commands without reply, by tag, in order."""
        for line in lines:
            if found := re.match(rb"\* (\d+) EXPUNGE", line):
                by_number = [command for command in waiting.values() if re.match("STORE|FETCH|SEARCH|COPY", command)]
                assert not by_number, "renumbered while commands by number wait"
                del self.uids[int(found[1]) - 1]
            elif found := re.match(rb"\* (\d+) EXISTS", line):
                assert int(found[1]) >= len(self.uids)
                self.uids += [0] * (int(found[1]) - len(self.uids))
            elif found := re.match(rb"\* (\d+) FETCH \(.*?UID (\d+)", line):
                at, uid = int(found[1]) - 1, int(found[2])
                assert self.uids[at] in (0, uid), "a number means another message"
                self.uids[at] = uid
            elif found := re.match(rb"(p\d+) (OK|NO|BAD)", line):
                command = waiting.pop(found[1])
                assert found[2] != b"BAD", (command, line)

    def command(self, choose: random.Random, *, numbers: bool) -> str:
        """One command; by number only with `numbers`."""
        known = [uid for uid in self.uids if uid]
        kind = choose.randrange(9)
        if kind == 0 or not known:
            return f"APPEND INBOX (\\Flagged) {{{len(MAIL)}+}}\r\n{MAIL.decode()}"
        uid, flag = choose.choice(known), choose.choice(FLAGS)
        number = choose.randint(1, len(self.uids))
        if kind == 1:
            return "EXPUNGE"
        if kind == 2:
            return f"UID EXPUNGE {uid}"
        if kind == 3:
            return "NOOP"
        if kind == 4:
            return f"MOVE {number} INBOX" if numbers and choose.random() < 0.5 else f"UID MOVE {uid} Archive"
        if kind in (5, 6) and numbers:
            return choose.choice((f"STORE {number} +FLAGS ({flag})", f"STORE {number}:* -FLAGS.SILENT ({flag})"))
        if kind == 7 and numbers:
            return choose.choice((f"FETCH {number}:* UID", f"SEARCH {number}:* UNSEEN", f"COPY {number} Archive"))
        return choose.choice((f"UID STORE {uid} +FLAGS ({flag})", f"UID FETCH {uid} (UID FLAGS)"))

    async def send(self, choose: random.Random) -> None:
        """Several commands at once; after one that renumbers by itself none by number, as [RFC3501] 5.5 asks."""
        commands: list[str] = []
        numbers = True
        for _ in range(choose.randint(1, 6)):
            commands.append(self.command(choose, numbers=numbers))
            if re.match("EXPUNGE|UID EXPUNGE|MOVE|UID MOVE", commands[-1]):
                numbers = False
        waiting = {}
        for command in commands:
            self.tags += 1
            waiting[b"p%d" % self.tags] = command
        data = b"".join(b"%b %b\r\n" % (tag, command.encode()) for tag, command in waiting.items())
        cut = choose.randint(0, len(data)) if choose.random() < 0.5 else len(data)
        if data[:cut].endswith(b"\r\n"):
            cut = len(data)  # else the server could not know that a command by number is on its way
        self.read(await self.client.send(data[:cut]), waiting)
        if cut < len(data):
            self.read(await self.client.send(data[cut:]), waiting)
        assert not waiting
        selected = self.client.connection.session.folder_selected
        assert [seen or uid for seen, uid in zip(self.uids, selected.view.uids, strict=True)] == list(
            selected.view.uids
        )

    async def settle(self) -> list[int]:
        """The UIDs, after everything has been told."""
        self.read(await self.client.ok("NOOP"), {})
        if self.uids:
            self.read(await self.client.ok("FETCH 1:* UID"), {})
        return self.uids


@pytest.mark.parametrize(("modelled", "seed"), CASES, indirect=["modelled"])
async def test_numbers_hold_in_every_mix(modelled: Server, seed: int) -> None:
    """[RFC3501] 5.5, 7.4.1, [RFC6851] 4.3, with three connections."""
    server, choose = modelled, random.Random(seed)
    if not any(row.path == ("Archive",) for row in server.mailbox.folders()):
        server.mailbox.create_folder(("Archive",))
    for _ in range(6):
        server.deliver()
    clients = [Pipeliner(await server.client(None)) for _ in range(3)]
    for each in clients:
        await each.open()
    inbox = server.mailbox.folder(("INBOX",)).id
    for _ in range(PIPELINES):
        one = choose.choice(clients)
        await one.send(choose)
        if choose.random() < 0.3:
            assert await one.settle() == list(server.mailbox.index(inbox).uids)
    for each in clients:
        assert await each.settle() == list(server.mailbox.index(inbox).uids)
