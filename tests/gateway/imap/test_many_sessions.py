"""Several sessions change one folder at random; each client's picture, built from responses alone, stays right."""

from __future__ import annotations

import random
import re

import pytest

from tests.gateway.imap.harness import MAIL, Client, Server

FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "Work", "$Label1")


class Picture:
    """What a client knows of the folder, kept as [RFC3501] 5.2 and 7 tell it to."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.flags: list[set[str] | None] = []
        self.recent: set[int] = set()

    def read(self, lines: list[bytes]) -> None:
        for line in lines:
            if found := re.match(rb"\* (\d+) EXPUNGE", line):
                del self.flags[int(found[1]) - 1]
            elif found := re.match(rb"\* (\d+) EXISTS", line):
                count = int(found[1])
                assert count >= len(self.flags), "EXISTS never shrinks the mailbox ([RFC3501] 7.3.1)"
                self.flags += [None] * (count - len(self.flags))
            elif found := re.match(rb"\* (\d+) FETCH \(.*?FLAGS \(([^)]*)\)", line, re.S):
                self.flags[int(found[1]) - 1] = set(found[2].decode().split()) - {"\\Recent"}

    async def do(self, command: str) -> bytes:
        lines = await self.client(command)
        self.read(lines[:-1])
        return lines[-1]

    async def step(self, choose: random.Random) -> None:
        """One command at random."""
        count = len(self.flags)
        number = choose.randint(1, count) if count else 0
        flag = choose.choice(FLAGS)
        kind = choose.randrange(10)
        if kind == 0 or not count:
            await self.do(f"APPEND INBOX ({flag}) {{{len(MAIL)}+}}\r\n{MAIL.decode()}")
        elif kind < 4:
            sign = choose.choice("+-")
            silent = choose.random() < 0.5
            reply = await self.do(f"STORE {number} {sign}FLAGS{'.SILENT' if silent else ''} ({flag})")
            known = self.flags[number - 1] if number <= len(self.flags) else None
            if silent and reply.startswith(b"OK") and known is not None:
                known.add(flag) if sign == "+" else known.discard(flag)
        elif kind == 4:
            await self.do("EXPUNGE")
        elif kind == 5:
            await self.do(f"COPY {number} INBOX")
        elif kind == 6:
            await self.do(f"MOVE {number} INBOX")
        elif kind == 7:
            await self.do(f"FETCH {number}:* (UID FLAGS)")
        elif kind == 8:
            await self.do(f"FETCH {number} BODY[TEXT]")
        else:
            await self.do("NOOP")


@pytest.mark.parametrize("seed", range(4))
async def test_every_picture_is_right(server: Server, seed: int) -> None:
    """[RFC3501] 5.2, 5.5, 7.3.1, 7.4.1, 7.4.2."""
    choose = random.Random(seed)
    for _ in range(4):
        server.deliver()
    pictures = []
    for _ in range(3):
        client = await server.client(None)
        picture = Picture(client)
        picture.read(await client.ok("SELECT INBOX"))
        await picture.do("FETCH 1:* FLAGS")
        pictures.append(picture)
    for _ in range(150):
        await choose.choice(pictures).step(choose)
    truth = server.mailbox.index(server.mailbox.folder(("INBOX",)).id)
    for picture in pictures:
        assert (await picture.do("NOOP")).startswith(b"OK")
        assert len(picture.flags) == len(truth)
        before = list(picture.flags)
        lines = await picture.client.ok("FETCH 1:* (UID FLAGS)") if len(truth) else []
        fetched = [line for line in lines if b"FETCH" in line]
        assert [int(re.search(rb"UID (\d+)", line)[1]) for line in fetched] == list(truth.uids)  # type: ignore[index]
        picture.read(lines)
        for known, now in zip(before, picture.flags, strict=True):
            assert known is None or known == now
