"""kill -9 at any moment: what was acknowledged is there, nothing is half done, fsck is clean (docs/decisions/0007).

A child process works on a mailbox and says on a pipe what it is about to do and what it has done; it is killed while it
works. The mailbox must then hold what was said to be done; only the last thing begun may be there or not, as a whole.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
from collections.abc import Callable
from typing import Any

import pytest

from store.ids import MailboxRef, MessageFlag, SpecialFolder
from store.store import Store, StoreSettings
from tests.store.conftest import World
from tests.support.storemail import content, rendition

INBOX, ARCHIVE = SpecialFolder.INBOX, SpecialFolder.ARCHIVE
ROUNDS = int(os.environ.get("OXGATE_CRASH_ROUNDS", "200"))
SIZES = [100, 3_000, 20_000, 300_000]


def work(settings: StoreSettings, ref: MailboxRef, seed: int, say: Callable[[Any], None]) -> None:
    """Change the mailbox until killed; `say` what is begun before each commit, and what is done after it."""
    rng = random.Random(seed)
    store = Store(settings)
    mailbox = store.open(ref)
    number = 0
    while True:
        uids = list(mailbox.index(INBOX).uids)
        what = rng.choice(["deliver", "deliver", "group", "flag", "remove", "move", "copy"])
        chosen = sorted(rng.sample(uids, min(len(uids), rng.randint(1, 6))))
        if what in ("deliver", "group") or len(uids) < 3:
            count = rng.randint(2, 6) if what == "group" else 1
            size = rng.choice(SIZES)
            subjects = [f"{seed}.{number + place}" for place in range(count)]
            number += count
            say(["begin", "deliver", count])
            rows = store.group(
                ref,
                [
                    lambda one=one, size=size: mailbox.deliver(INBOX, content(one), mime=rendition(one, size=size))
                    for one in subjects
                ],
            )
            say(["done", "deliver", [[row.uid, row.size] for row in rows]])
        elif what == "flag":
            say(["begin", "flag", chosen])
            mailbox.set_flags(INBOX, chosen, add=MessageFlag.SEEN)
            say(["done", "flag", chosen])
        elif what == "copy":
            say(["begin", "copy", chosen])
            mailbox.copy(INBOX, chosen, ARCHIVE)
            say(["done", "copy", chosen])
        else:
            say(["begin", "leave", chosen])
            if what == "move":
                mailbox.move(INBOX, chosen, ARCHIVE)
            else:
                mailbox.remove_messages(INBOX, chosen)
            say(["done", "leave", chosen])


def run_and_kill(settings: StoreSettings, ref: MailboxRef, seed: int) -> list[Any]:
    """Run `work` in a child, kill it after some lines, and return all lines that it said."""
    rng = random.Random(-seed - 1)
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read_end)
            work(settings, ref, seed, lambda line: os.write(write_end, json.dumps(line).encode() + b"\n"))
        finally:
            os._exit(1)
    os.close(write_end)
    data = b""
    wanted = rng.randint(1, 60)
    while data.count(b"\n") < wanted:
        got = os.read(read_end, 65_536)
        assert got, "the child ended by itself"
        data += got
    select.select([], [], [], rng.random() * 0.003)  # into the middle of what it does now
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while got := os.read(read_end, 65_536):
        data += got
    os.close(read_end)
    return [json.loads(line) for line in data.splitlines()]


def check(world: World, ref: MailboxRef, live: dict[int, int], lines: list[Any]) -> dict[int, int]:
    """Compare the Inbox with what was said; return what it holds, UID to size."""
    seen: set[int] = set()
    begun: Any = None
    for line in lines:
        if line[0] == "begin":
            begun = line
            continue
        begun = None
        if line[1] == "deliver":
            live.update(dict(line[2]))
        elif line[1] == "leave":
            for uid in line[2]:
                del live[uid]
        elif line[1] == "flag":
            seen.update(line[2])
    store = Store(world.settings)
    mailbox = store.open(ref)
    rows = {row.uid: row for row in mailbox.rows(INBOX)}
    extra, missing = set(rows) - set(live), set(live) - set(rows)
    if begun is not None and begun[1] == "deliver":
        assert len(extra) in (0, begun[2])
        assert missing == set()
    elif begun is not None and begun[1] == "leave":
        assert missing in (set(), set(begun[2]))
        assert extra == set()
    else:
        assert (extra, missing) == (set(), set())
    for uid in seen & set(rows):
        assert rows[uid].flags & MessageFlag.SEEN
    for uid, _, raw in mailbox.raw_many(INBOX, sorted(rows)):
        assert len(raw) == rows[uid].size == live.get(uid, len(raw))
    findings = store.fsck(ref, thorough=True)
    assert [one for one in findings if one.code != "no-sync"] == []
    store.close()
    return {uid: row.size for uid, row in rows.items()}


def rounds(world: World, count: int, seed: int) -> None:
    mailbox = world.mailbox()
    world.store.close()
    live: dict[int, int] = {}
    for number in range(count):
        lines = run_and_kill(world.settings, mailbox.ref, seed + number)
        live = check(world, mailbox.ref, live, lines)


def test_a_killed_writer_loses_nothing(world: World) -> None:
    rounds(world, 4, 1)


@pytest.mark.crash
def test_many_killed_writers_lose_nothing(world: World) -> None:
    rounds(world, ROUNDS, 1000)
