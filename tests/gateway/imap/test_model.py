"""The server beside a naive model of a mailbox: random commands from three connections give what the model says.

The model is [RFC3501] and [RFC2180] in their plainest form: folders are dictionaries, a session is the list of UIDs
that its client counts. After every command the client's picture, built from responses alone, is compared with it.
OXGATE_MODEL_STEPS says how many commands a run has.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.gateway.imap.harness import MAIL, Client, Server
from tests.gateway.imap.modelcases import CASES

STEPS = int(os.environ.get("OXGATE_MODEL_STEPS", "600"))
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "Work", "$Label1")
FOLDERS = ("INBOX", "Archive")


@dataclass
class Folder:
    """A mailbox as the model keeps it."""

    uidnext: int = 1
    messages: dict[int, set[str]] = field(default_factory=dict)

    def add(self, flags: set[str]) -> int:
        uid = self.uidnext
        self.uidnext += 1
        self.messages[uid] = set(flags)
        return uid


def compact(numbers: list[int]) -> str:
    return ",".join(map(str, numbers))


def expand(text: bytes) -> list[int]:
    """The numbers of a set such as `1:3,5`."""
    found: list[int] = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        found += range(int(first), int(last or first) + 1)
    return found


class Side:
    """One connection: the client's picture, and the model's idea of it."""

    def __init__(self, client: Client, folders: dict[str, Folder]) -> None:
        self.client = client
        self.folders = folders
        self.name = ""
        self.read_only = False
        self.view: list[int] = []
        self.picture: list[tuple[int, set[str] | None]] = []
        """What the client knows: UID (0: not told) and flags (None: not told)."""

    @property
    def folder(self) -> Folder:
        return self.folders[self.name]

    # --- the client's side

    def read(self, lines: list[bytes]) -> None:
        """Keep the picture as [RFC3501] 7.3.1, 7.4.1 and 7.4.2 tell it to."""
        for line in lines:
            if found := re.match(rb"\* (\d+) EXPUNGE", line):
                del self.picture[int(found[1]) - 1]
            elif found := re.match(rb"\* (\d+) EXISTS", line):
                assert int(found[1]) >= len(self.picture)
                self.picture += [(0, None)] * (int(found[1]) - len(self.picture))
            elif found := re.match(rb"\* (\d+) FETCH \((.*)\)", line, re.S):
                at = int(found[1]) - 1
                uid, flags = self.picture[at]
                if told := re.search(rb"UID (\d+)", found[2]):
                    assert uid in (0, int(told[1]))
                    uid = int(told[1])
                if said := re.search(rb"FLAGS \(([^)]*)\)", found[2]):
                    flags = set(said[1].decode().split()) - {"\\Recent"}
                self.picture[at] = uid, flags

    async def do(self, command: str, *, expunge: bool) -> tuple[list[bytes], bytes]:
        """Carry out one command, and hold the picture against the model; `expunge`: it may renumber."""
        lines = await self.client(command)
        self.read(lines[:-1])
        if self.name:
            self._look(expunge=expunge)
            assert len(self.picture) == len(self.view), command
            for uid, (seen, flags) in zip(self.view, self.picture, strict=True):
                assert seen in (0, uid), command
                if uid in self.folder.messages and flags is not None:
                    assert flags == self.folder.messages[uid], (command, uid)
        return lines[:-1], lines[-1]

    def _look(self, *, expunge: bool) -> None:
        """What a session knows after a command: everything, but what has gone may have to keep its number."""
        there = self.folder.messages
        last = self.view[-1] if self.view else 0
        if expunge:
            self.view = [uid for uid in self.view if uid in there]
        self.view += [uid for uid in there if uid > last]

    # --- the commands

    def some(self, choose: random.Random) -> tuple[bool, str, list[int]]:
        """Messages at random: whether by UID, the set, the UIDs that it names in this session."""
        picked = sorted(choose.sample(range(len(self.view)), choose.randint(1, min(4, len(self.view)))))
        uids = [self.view[place] for place in picked]
        if choose.random() < 0.5:
            return True, compact(uids), uids
        return False, compact([place + 1 for place in picked]), uids

    async def select(self, choose: random.Random) -> None:
        self.name, self.picture, self.view = "", [], []
        name = choose.choice(FOLDERS)
        self.read_only = choose.random() < 0.15
        lines = await self.client.ok(f"{'EXAMINE' if self.read_only else 'SELECT'} {name}")
        self.read(lines)
        self.name = name
        self.view = list(self.folder.messages)
        assert len(self.picture) == len(self.view)
        assert any(f"[UIDNEXT {self.folder.uidnext}]".encode() in line for line in lines)
        unseen = [n for n, flags in enumerate(self.folder.messages.values(), 1) if "\\Seen" not in flags]
        assert any(b"[UNSEEN" in line for line in lines) == bool(unseen)
        if unseen:
            assert any(b"[UNSEEN %d]" % unseen[0] in line for line in lines)

    async def append(self, choose: random.Random) -> None:
        flags = set(choose.sample(FLAGS, choose.randint(0, 2)))
        name = choose.choice(FOLDERS)
        uid = self.folders[name].add(flags)
        _, reply = await self.do(f"APPEND {name} ({' '.join(flags)}) {{{len(MAIL)}+}}\r\n{MAIL.decode()}", expunge=True)
        assert re.match(rb"OK \[APPENDUID \d+ %d\]" % uid, reply)

    async def store(self, choose: random.Random) -> None:
        by_uid, numbers, uids = self.some(choose)
        sign, silent = choose.choice(("+", "-", "")), choose.random() < 0.4
        flags = set(choose.sample(FLAGS, choose.randint(1, 2)))
        there = [uid for uid in uids if uid in self.folder.messages]
        known: dict[int, set[str] | None] = {}
        if not self.read_only:
            for uid in there:
                now = self.folder.messages[uid]
                now |= flags if sign == "+" else set()
                now -= flags if sign == "-" else set()
                if not sign:
                    now.clear()
                    now |= flags
                # The client does by itself what it asked for in silence.
                place = self.view.index(uid)
                before = self.picture[place][1]
                if silent and before is not None:
                    known[place] = before | flags if sign == "+" else before - flags if sign == "-" else set(flags)
                    self.picture[place] = self.picture[place][0], known[place]
        word = "UID STORE" if by_uid else "STORE"
        lines, reply = await self.do(
            f"{word} {numbers} {sign}FLAGS{'.SILENT' if silent else ''} ({' '.join(flags)})", expunge=by_uid
        )
        if self.read_only:
            assert reply.startswith(b"NO [READ-ONLY]")
        elif len(there) == len(uids) or by_uid:
            assert reply.startswith(b"OK")
        else:  # [RFC2180] 4.2, [RFC5530] 3
            assert reply.startswith(b"OK [EXPUNGEISSUED]")
        if not silent and not self.read_only:
            assert sum(b" FETCH " in line for line in lines) >= len(there)

    async def fetch(self, choose: random.Random) -> None:
        by_uid, numbers, uids = self.some(choose)
        item = choose.choice(("FLAGS", "(UID FLAGS)", "BODY[TEXT]", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"))
        view = list(self.view)
        there = [uid for uid in uids if uid in self.folder.messages]
        if item == "BODY[TEXT]" and not self.read_only:
            for uid in there:
                self.folder.messages[uid].add("\\Seen")
        lines, reply = await self.do(f"{'UID FETCH' if by_uid else 'FETCH'} {numbers} {item}", expunge=by_uid)
        answered = {
            int(line.split()[1]) for line in lines if b" FETCH " in line and item.strip("(")[:3].encode() in line
        }
        assert answered >= {view.index(uid) + 1 for uid in there}
        assert reply.startswith(b"OK" if by_uid or len(there) == len(uids) else b"NO [EXPUNGEISSUED]")

    async def search(self, choose: random.Random) -> None:
        flag = choose.choice(("SEEN", "FLAGGED", "DELETED", "ANSWERED", "KEYWORD Work"))
        without = choose.random() < 0.5
        by_uid = choose.random() < 0.5
        name = flag.split()[-1] if " " in flag else "\\" + flag.capitalize()
        within, among = "", self.view
        if self.view and choose.random() < 0.5:
            set_by_uid, numbers, among = self.some(choose)
            within = f"{'UID ' if set_by_uid else ''}{numbers} "
        there = self.folder.messages
        found = [uid for uid in among if uid in there and (name in there[uid]) is not without]
        wanted = found if by_uid else [self.view.index(uid) + 1 for uid in found]
        lines, reply = await self.do(
            f"{'UID SEARCH' if by_uid else 'SEARCH'} {within}{'NOT ' if without else ''}{flag}", expunge=by_uid
        )
        assert reply.startswith(b"OK")
        (line,) = [line for line in lines if line.startswith(b"* SEARCH")]
        assert [int(number) for number in line.split()[2:]] == wanted

    async def copy(self, choose: random.Random) -> None:
        by_uid, numbers, uids = self.some(choose)
        target = choose.choice(FOLDERS)
        there = [uid for uid in uids if uid in self.folder.messages]
        whole = len(there) == len(uids)
        made = []
        if there and (whole or by_uid):
            made = [self.folders[target].add(self.folder.messages[uid]) for uid in there]
        _, reply = await self.do(f"{'UID COPY' if by_uid else 'COPY'} {numbers} {target}", expunge=by_uid)
        if not whole and not by_uid:
            assert reply.startswith(b"NO [EXPUNGEISSUED]")
        elif made:
            found = re.match(rb"OK \[COPYUID \d+ ([\d,:]+) ([\d,:]+)\]", reply)
            assert found
            assert (expand(found[1]), expand(found[2])) == (there, made)
        else:
            assert reply.startswith(b"OK ")

    async def move(self, choose: random.Random) -> None:
        by_uid, numbers, uids = self.some(choose)
        target = choose.choice(FOLDERS)
        there = [uid for uid in uids if uid in self.folder.messages]
        made = []
        if not self.read_only:
            for uid in there:
                flags = self.folder.messages.pop(uid)
                made.append(self.folders[target].add(flags))
        word = "UID MOVE" if by_uid else "MOVE"
        lines, reply = await self.do(f"{word} {numbers} {target}", expunge=by_uid or bool(made))
        if self.read_only:
            assert reply.startswith(b"NO [READ-ONLY]")
        elif made:
            assert reply.startswith(b"OK")
            (found,) = [m for line in lines if (m := re.match(rb"\* OK \[COPYUID \d+ ([\d,:]+) ([\d,:]+)\]", line))]
            assert (expand(found[1]), expand(found[2])) == (there, made)
        else:
            assert reply.startswith(b"OK" if by_uid else b"NO [EXPUNGEISSUED]")

    async def expunge(self, choose: random.Random) -> None:
        within: set[int] | None = None
        command = "EXPUNGE"
        if self.view and choose.random() < 0.5:
            within = set(choose.sample(self.view, choose.randint(1, min(4, len(self.view)))))
            command = f"UID EXPUNGE {compact(sorted(within))}"
        if not self.read_only:
            there = self.folder.messages
            for uid in [uid for uid in there if "\\Deleted" in there[uid] and (within is None or uid in within)]:
                del there[uid]
        _, reply = await self.do(command, expunge=True)
        assert reply.startswith(b"NO [READ-ONLY]" if self.read_only else b"OK")

    async def close(self, choose: random.Random) -> None:
        """CLOSE expunges in silence, UNSELECT does not ([RFC3501] 6.4.2, [RFC3691] 2)."""
        command = choose.choice(("CLOSE", "UNSELECT"))
        there = self.folder.messages
        if command == "CLOSE" and not self.read_only:
            for uid in [uid for uid in there if "\\Deleted" in there[uid]]:
                del there[uid]
        self.name, self.view, self.picture = "", [], []
        await self.client.ok(command)

    async def status(self, choose: random.Random) -> None:
        name = choose.choice(FOLDERS)
        folder = self.folders[name]
        lines, _ = await self.do(f"STATUS {name} (MESSAGES UIDNEXT UNSEEN)", expunge=True)
        unseen = sum("\\Seen" not in flags for flags in folder.messages.values())
        told = f"(MESSAGES {len(folder.messages)} UIDNEXT {folder.uidnext} UNSEEN {unseen})".encode()
        assert any(line.startswith(b"* STATUS") and told in line for line in lines), (lines, told)

    async def noop(self, choose: random.Random) -> None:
        await self.do("NOOP", expunge=True)

    async def step(self, choose: random.Random) -> None:
        """One command at random."""
        if not self.name:
            await choose.choice((self.select, self.select, self.append, self.status))(choose)
            return
        anytime: list[Callable[[random.Random], object]] = [self.noop, self.append, self.append, self.expunge]
        anytime += [self.status, self.search]
        if choose.random() < 0.06:
            anytime = [self.close, self.select]
        elif self.view:
            anytime += [self.store, self.store, self.store, self.fetch, self.fetch, self.copy, self.move]
        await choose.choice(anytime)(choose)  # type: ignore[misc] # the methods differ in nothing but their names


@pytest.mark.parametrize(("modelled", "seed"), CASES, indirect=["modelled"])
async def test_server_agrees_with_the_model(modelled: Server, seed: int) -> None:
    """[RFC3501] 5.2, 6.3, 6.4, 7.3.1, 7.4.1, 7.4.2, [RFC4315] 3, [RFC6851] 3, [RFC2180] 4."""
    server, choose = modelled, random.Random(seed)
    if not any(row.path == ("Archive",) for row in server.mailbox.folders()):
        server.mailbox.create_folder(("Archive",))
    folders = {name: Folder() for name in FOLDERS}
    sides = [Side(await server.client(None), folders) for _ in range(3)]
    for _ in range(STEPS):
        await choose.choice(sides).step(choose)
    for name, folder in folders.items():
        index = server.mailbox.index(server.mailbox.folder((name,)).id)
        assert list(index.uids) == list(folder.messages)
