"""QRESYNC ([RFC7162] 3.2, 5.3): commands and responses, and a client that comes back to what others have changed."""

from __future__ import annotations

import random
import re
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.commands.resync import matched
from gateway.imap.flags import SHOWN
from gateway.imap.protocol.numset import common_runs, parse_set, runs_of, uid_runs
from gateway.imap.protocol.writer import vanished
from gateway.imap.view import FolderView
from gateway.runtime.worker import StoreRunner
from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server

NAMES = {MessageFlag.SEEN: "\\Seen", MessageFlag.FLAGGED: "\\Flagged", MessageFlag.DELETED: "\\Deleted"}


async def start(server: Server, count: int) -> tuple[Client, int, int]:
    """A client with QRESYNC enabled, the UIDVALIDITY, and the HIGHESTMODSEQ of an INBOX of some messages."""
    for _ in range(count):
        server.deliver()
    client = await server.client(None)
    assert await client.ok("ENABLE QRESYNC") == [b"* ENABLED QRESYNC"]
    row = server.mailbox.folder(("INBOX",))
    return client, row.uidvalidity, row.modseq


def inbox(server: Server) -> int:
    return server.mailbox.folder(("INBOX",)).id


def expunge(server: Server, *uids: int) -> None:
    server.mailbox.remove_messages(inbox(server), uids)


def resynced(lines: list[bytes]) -> list[bytes]:
    """What the QRESYNC parameter adds to the responses of SELECT."""
    return [line for line in lines if b"VANISHED" in line or b"FETCH" in line]


def unnumbered(lines: list[bytes]) -> list[bytes]:
    """Without the mod-sequences."""
    return [re.sub(rb" MODSEQ \(\d+\)", b"", line) for line in lines]


async def test_enable(server: Server) -> None:
    """[RFC7162] 3.2.3: with CONDSTORE in any order; it enables that, too; [RFC5161] 3.2: once."""
    client = await server.client(None)
    assert b"QRESYNC" in (await client("CAPABILITY"))[0].split()  # [RFC7162] 3.2.2
    assert await client.ok("ENABLE QRESYNC CONDSTORE") == [b"* ENABLED QRESYNC CONDSTORE"]
    assert await client.ok("ENABLE CONDSTORE QRESYNC") == [b"* ENABLED"]
    server.deliver()
    await client.ok("SELECT INBOX")
    (line,) = await client.ok(r"STORE 1 +FLAGS (\Seen)")
    assert re.fullmatch(rb"\* 1 FETCH \(FLAGS \(\\Recent \\Seen\) UID 1 MODSEQ \(\d+\)\)", line)  # [RFC7162] 3.2.4


async def test_not_enabled(server: Server) -> None:
    """[RFC7162] 3.2.3, 3.2.5, 3.2.6: BAD; what is selected stays so."""
    server.deliver()
    client = await server.client()
    assert (await client("SELECT INBOX (QRESYNC (1 1))"))[-1].startswith(b"BAD")
    assert (await client("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)"))[-1].startswith(b"BAD")
    await client.ok("FETCH 1 (UID)")


@pytest.mark.parametrize(
    "command",
    [
        "SELECT INBOX (QRESYNC)",
        "SELECT INBOX (QRESYNC (1))",
        "SELECT INBOX (QRESYNC (0 1))",
        "SELECT INBOX (QRESYNC (1 1 1:*))",
        "SELECT INBOX (QRESYNC (1 1 1:2 (1 *)))",
        "SELECT INBOX (QRESYNC (1 1 1:2 (1)))",
        "SELECT INBOX (QRESYNC (1 1) QRESYNC (1 1))",
        "SELECT INBOX (QRESYNC (1 9223372036854775808))",
        "FETCH 1 (FLAGS) (CHANGEDSINCE 1 VANISHED)",
        "UID FETCH 1 (FLAGS) (VANISHED)",
        "UID FETCH 1 (FLAGS) (VANISHED VANISHED)",
    ],
)
async def test_malformed(server: Server, command: str) -> None:
    """[RFC7162] 3.2.5, 3.2.6, 7"""
    client, _, _ = await start(server, 1)
    await client.ok("SELECT INBOX")
    assert (await client(command))[-1].startswith(b"BAD")


async def test_resync(server: Server) -> None:
    """[RFC7162] 3.2.5.1: after what SELECT always says, the vanished, then the flags that changed."""
    client, validity, modseq = await start(server, 6)
    server.mailbox.set_flags(inbox(server), [2, 5], add=MessageFlag.SEEN)
    expunge(server, 3, 4)
    server.deliver()
    lines = await client.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")
    assert unnumbered(resynced(lines)) == [
        b"* VANISHED (EARLIER) 3:4",
        b"* 2 FETCH (UID 2 FLAGS (\\Recent \\Seen))",
        b"* 3 FETCH (UID 5 FLAGS (\\Recent \\Seen))",
        b"* 5 FETCH (UID 7 FLAGS (\\Recent))",
    ]
    assert any(b"[HIGHESTMODSEQ" in line for line in lines[: lines.index(b"* VANISHED (EARLIER) 3:4")])
    # With the UIDs that the client knows, of these only.
    lines = await client.ok(f"EXAMINE INBOX (CONDSTORE QRESYNC ({validity} {modseq} 1:3,6:7))")
    assert lines[0].startswith(b"* OK [CLOSED]")  # [RFC7162] 3.2.11
    assert unnumbered(resynced(lines)) == [
        b"* VANISHED (EARLIER) 3",
        b"* 2 FETCH (UID 2 FLAGS (\\Seen))",
        b"* 5 FETCH (UID 7 FLAGS ())",
    ]


async def test_nothing_changed(server: Server) -> None:
    client, validity, modseq = await start(server, 3)
    assert resynced(await client.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq} 1:3))")) == []


async def test_another_uidvalidity(server: Server) -> None:
    """[RFC7162] 3.2.5: then the rest of the parameter is ignored."""
    client, validity, modseq = await start(server, 3)
    expunge(server, 1)
    lines = await client.ok(f"SELECT INBOX (QRESYNC ({validity + 1} {modseq} 1:3 (1:2 1:2)))")
    assert resynced(lines) == []


async def test_match_data(server: Server) -> None:
    """[RFC7162] 3.2.5.2: what the client shows to know is not told again, forgotten or not."""
    client, validity, modseq = await start(server, 9)
    expunge(server, 2, 4)
    first = server.mailbox.folder(("INBOX",)).modseq
    expunge(server, 8)
    server.mailbox.prune(inbox(server), before=time.time() + 10)
    assert resynced(await client.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))")) == [b"* VANISHED (EARLIER) 2,4,8"]
    # There are 1 3 5 6 7 9: the client knew of 2 and 4 when the connection broke.
    lines = await client.ok(f"SELECT INBOX (QRESYNC ({validity} {first} 1:9 (1,3,5,7 1,5,7,9)))")
    assert resynced(lines) == [b"* VANISHED (EARLIER) 8"]


async def test_fetch_vanished(server: Server) -> None:
    """[RFC7162] 3.2.6: of the set, before the FETCH responses; [RFC7162] 3.2.10.1."""
    client, _, modseq = await start(server, 6)
    await client.ok("SELECT INBOX")
    expunge(server, 2, 3, 6)
    await client.ok("NOOP")
    server.mailbox.set_flags(inbox(server), [5], add=MessageFlag.FLAGGED)
    lines = await client.ok(f"UID FETCH 3:* (FLAGS) (VANISHED CHANGEDSINCE {modseq})")
    assert unnumbered(lines)[:2] == [
        b"* VANISHED (EARLIER) 3,6",
        b"* 3 FETCH (UID 5 FLAGS (\\Recent \\Flagged))",
    ]


async def test_what_the_client_still_counts_is_not_earlier(server: Server) -> None:
    """[RFC7162] 3.2.10: the two forms are not mixed; 3.2.10.2: only what it has been told of by EXISTS."""
    client, _, modseq = await start(server, 3)
    await client.ok("SELECT INBOX")
    expunge(server, 2)
    row = server.deliver()
    expunge(server, row.uid)
    lines = await client.ok(f"UID FETCH 1:* (FLAGS) (CHANGEDSINCE {modseq} VANISHED)")
    assert lines == [b"* VANISHED (EARLIER) 4", b"* VANISHED 2"]


async def test_expunge_and_move(server: Server) -> None:
    """[RFC7162] 3.2.7, 3.2.9, 3.2.10: VANISHED in place of EXPUNGE, HIGHESTMODSEQ in the reply."""
    client, _, _ = await start(server, 8)
    other = await server.client()
    await client.ok("SELECT INBOX")
    await client.ok(r"STORE 2,4:5 +FLAGS.SILENT (\Deleted)")
    lines = await client("UID EXPUNGE 4")
    assert lines[0] == b"* VANISHED 4"
    assert re.match(rb"OK \[HIGHESTMODSEQ \d+\]", lines[-1])
    lines = await client("EXPUNGE")
    assert lines[0] == b"* VANISHED 2,5"
    assert re.match(rb"OK \[HIGHESTMODSEQ %d\]" % server.mailbox.folder(("INBOX",)).modseq, lines[-1])
    lines = await client("MOVE 1:2 Archive")
    assert lines[1] == b"* VANISHED 1,3"
    assert re.match(rb"OK \[HIGHESTMODSEQ \d+\]", lines[-1])
    assert [line for line in await other.ok("NOOP") if line.endswith(b"EXPUNGE")] == [
        b"* %d EXPUNGE" % number for number in (5, 4, 3, 2, 1)
    ]
    # [RFC7162] 3.2.8: CLOSE says neither what went nor how far the mailbox has come.
    await client.ok(r"STORE 1 +FLAGS.SILENT (\Deleted)")
    assert await client("CLOSE") == [b"OK CLOSE completed."]
    assert len(server.mailbox.rows(inbox(server))) == 2


async def test_nothing_is_lost_while_vanished_waits(server: Server) -> None:
    """[RFC7162] 3.2, 6: HIGHESTMODSEQ stays below the delayed expunge, and rises after it."""
    client, _, modseq = await start(server, 3)
    await client.ok("SELECT INBOX")
    expunge(server, 2)
    lines = await client.ok(r"STORE 1 +FLAGS.SILENT (\Seen)")
    assert lines[-1].startswith(b"* OK [HIGHESTMODSEQ %d]" % modseq)
    lines = await client.ok("FETCH 3 (MODSEQ)")
    assert lines[-1].startswith(b"* OK [HIGHESTMODSEQ %d]" % modseq)
    lines = await client.ok("NOOP")
    assert lines[0] == b"* VANISHED 2"
    assert lines[1].startswith(b"* OK [HIGHESTMODSEQ %d]" % server.mailbox.folder(("INBOX",)).modseq)
    assert await client.ok("NOOP") == []


async def test_idle(server: Server) -> None:
    """[RFC7162] 3.2.10: what others expunge is told by VANISHED."""
    client, _, _ = await start(server, 3)
    await client.ok("SELECT INBOX")
    await client.send(b"i IDLE\r\n")
    expunge(server, 1, 2)
    await client.settle()
    assert client.take() == [b"* VANISHED 1:2"]


async def test_long_runs_and_long_lines(server: Server) -> None:
    """[RFC7162] 4: no response is a line that is too long."""
    client, validity, modseq = await start(server, 1600)
    expunge(server, *range(1, 1600, 2))
    server.mailbox.prune(inbox(server), before=time.time() + 10)
    lines = resynced(await client.ok(f"SELECT INBOX (QRESYNC ({validity} {modseq}))"))
    assert len(lines) == 3
    assert max(map(len, lines)) < 8192
    told = [int(uid) for line in lines for uid in line.removeprefix(b"* VANISHED (EARLIER) ").split(b",")]
    assert told == list(range(1, 1600, 2))


# --- sets


uids = st.sets(st.integers(1, 40)).map(sorted)


@given(uids, uids)
def test_runs(some: list[int], others: list[int]) -> None:
    """[RFC7162] 3.2.5.1, 3.2.10: sets, not lists of numbers."""
    runs = runs_of(some)
    assert [uid for run in runs for uid in run] == some
    assert all(before.stop < after.start for before, after in pairwise(runs))
    both = common_runs(runs, runs_of(others))
    assert [uid for run in both for uid in run] == sorted(set(some) & set(others))
    for line in vanished(runs):
        assert uid_runs(parse_set(line.removeprefix(b"* VANISHED ").strip())) == runs


@given(uids.filter(bool), st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1))
def test_match_data_of_any_shape(present: list[int], pairs: list[tuple[int, int]]) -> None:
    """[RFC7162] 3.2.5.2: the largest pair that is so."""
    pairs = sorted(dict(pairs).items())
    numbers = parse_set(",".join(str(number) for number, _ in pairs).encode())
    named = parse_set(",".join(str(uid) for _, uid in pairs).encode())
    right = [uid for number, uid in pairs if number <= len(present) and present[number - 1] == uid]
    assert matched(FolderView(present), (numbers, named)) == max(right, default=0)


@given(uids.filter(bool), st.integers(1, 40), st.integers(1, 40), st.integers(0, 40))
def test_match_data_by_ranges(present: list[int], number: int, uid: int, more: int) -> None:
    sets = parse_set(b"%d:%d" % (number, number + more)), parse_set(b"%d:%d" % (uid, uid + more))
    pairs = zip(range(number, number + more + 1), range(uid, uid + more + 1), strict=True)
    right = [u for n, u in pairs if n <= len(present) and present[n - 1] == u]
    assert matched(FolderView(present), sets) == max(right, default=0)


def test_huge_sets_cost_nothing() -> None:
    """Four thousand million pairs are one range."""
    whole = parse_set(b"1:4294967295")
    started = time.process_time()
    assert matched(FolderView(range(1, 1001)), (whole, whole)) == 1000
    assert common_runs([range(1, 1 << 32)], uid_runs(whole)) == [range(1, 1 << 32)]
    assert time.process_time() - started < 0.5


# --- a client that comes back


class Cache:
    """What a client keeps of a mailbox, by the rules of [RFC7162] 6."""

    def __init__(self) -> None:
        self.flags: dict[int, frozenset[str]] = {}
        self.highest = 0
        self.validity = 0
        self.order: list[int] = []
        """UIDs by message number, 0 where it was not told; of this session."""
        self.introducing = False
        """What comes is the answer to a FETCH of all that is new."""
        self._modseqs = 0
        self._said = 0

    async def introduce(self, client: Client) -> None:
        self.introducing = True
        self.read(await client(f"UID FETCH {max(self.flags, default=0) + 1}:* (FLAGS MODSEQ)"))
        self.introducing = False

    def begin(self) -> None:
        self.order = []
        self._modseqs = self._said = 0

    def read(self, lines: list[bytes]) -> None:
        for line in lines:
            if found := re.match(rb"\* (\d+) EXISTS", line):
                self.order += [0] * (int(found[1]) - len(self.order))
            elif found := re.match(rb"\* VANISHED (\(EARLIER\) )?(\S+)", line):
                gone = {uid for run in uid_runs(parse_set(found[2])) for uid in run}
                for uid in gone:
                    self.flags.pop(uid, None)
                if not found[1]:
                    for uid in gone:
                        self._leave(uid)
                else:
                    assert not gone & set(self.order), line
            elif found := re.match(rb"\* (\d+) FETCH \((.*)\)", line):
                self._fetched(int(found[1]), found[2])
            elif found := re.match(rb"\* OK \[UIDVALIDITY (\d+)\]", line):
                self.validity = int(found[1])
            elif re.match(rb"[a-z]\d+ (OK|NO)|OK|NO", line):
                self._tagged(line)
            if found := re.match(rb"\S+ (?:OK )?\[HIGHESTMODSEQ (\d+)\]", line):
                self._said = int(found[1])
                if not line.startswith(b"*"):
                    self._tagged(line)

    def _leave(self, uid: int) -> None:
        """One message less ([RFC7162] 3.2.10.2); of one that it was not told of the client knows only about where."""
        if uid not in self.order:
            below = max((place for place, known in enumerate(self.order, 1) if 0 < known < uid), default=0)
            del self.order[self.order.index(0, below)]
        else:
            self.order.remove(uid)

    def _fetched(self, number: int, items: bytes) -> None:
        uid = re.search(rb"UID (\d+)", items)
        assert uid is not None, "[RFC7162] 3.2.4"
        assert self.order[number - 1] in (0, int(uid[1]))
        self.order[number - 1] = int(uid[1])
        # Flags of a message that the client has not asked for yet say nothing of those before it.
        fresh = self.introducing and int(uid[1]) > max(self.flags, default=0)
        if flags := re.search(rb"FLAGS \(([^)]*)\)", items):
            if fresh or int(uid[1]) in self.flags:
                self.flags[int(uid[1])] = frozenset(flags[1].decode().split()) - {"\\Recent"}
        elif int(uid[1]) in self.flags:  # of the client's own +FLAGS.SILENT
            self.flags[int(uid[1])] |= {"\\Flagged"}
        if modseq := re.search(rb"MODSEQ \((\d+)\)", items):
            self._modseqs = max(self._modseqs, int(modseq[1]))

    def _tagged(self, line: bytes) -> None:
        """[RFC7162] 6: what was said counts, else the highest seen."""
        self.highest = self._said or max(self.highest, self._modseqs)
        self._said = self._modseqs = 0


def truth(server: Server) -> dict[int, frozenset[str]]:
    return {
        row.uid: frozenset(name for flag, name in NAMES.items() if row.flags & SHOWN & flag)
        for row in server.mailbox.rows(inbox(server))
    }


def others(server: Server, choose: random.Random) -> None:
    """Something that others do."""
    there = [row.uid for row in server.mailbox.rows(inbox(server))]
    what = choose.random()
    if what < 0.3 or len(there) < 3:
        server.deliver()
    elif what < 0.6:
        picked = choose.sample(there, choose.randint(1, 3))
        flag = choose.choice(list(NAMES))
        server.mailbox.set_flags(inbox(server), picked, **{choose.choice(("add", "remove")): flag})
    elif what < 0.95:
        expunge(server, *choose.sample(there, choose.randint(1, 2)))
    else:
        server.mailbox.prune(inbox(server), before=time.time() + 10)


async def work(client: Client, cache: Cache, choose: random.Random) -> None:
    """One command, or two in a row so that what is expunged has to wait; the connection may break in the replies."""
    if choose.random() < 0.3:
        await cache.introduce(client)
        return
    numbers = range(1, len(cache.order) + 1)
    if not numbers:
        commands = ["NOOP"]
    else:
        one = choose.choice(numbers)
        commands = choose.choices(
            [
                "NOOP",
                f"FETCH {one} (UID FLAGS)",
                f"STORE {one} +FLAGS.SILENT (\\Flagged)",
                f"STORE {one} -FLAGS (\\Flagged)",
                f"STORE {one} +FLAGS (\\Deleted)",
                "EXPUNGE",
                f"FETCH {one} (UID MODSEQ FLAGS)",
            ],
            k=choose.randint(1, 2),
        )
    octets = b"".join(b"p%d %b\r\n" % (n, command.encode()) for n, command in enumerate(commands))
    lines = await client.send(octets)
    if choose.random() < 0.2:
        lines = lines[: choose.randint(0, len(lines))]
        client.transport.lose()
    cache.read(lines)


@pytest.mark.parametrize("seed", range(4))
async def test_a_client_that_comes_back_has_the_mailbox(server: Server, seed: int) -> None:
    """[RFC7162] 3.2.5, 3.2.10, 6: however the connection breaks, the cache is the mailbox after the next SELECT."""
    choose = random.Random(seed)
    for _ in range(8):
        server.deliver()
    cache = Cache()
    for _ in range(12):
        client = await server.client(None)
        await client.ok("ENABLE QRESYNC")
        cache.begin()
        if not cache.validity:
            cache.read(await client("SELECT INBOX"))
        else:
            known = f" 1:{max(cache.flags)}" if cache.flags and choose.random() < 0.5 else ""
            cache.read(await client(f"SELECT INBOX (QRESYNC ({cache.validity} {cache.highest}{known}))"))
        await cache.introduce(client)
        assert cache.flags == truth(server)
        assert len(cache.order) == len(cache.flags)
        assert all(told in (0, uid) for told, uid in zip(cache.order, sorted(cache.flags), strict=True))
        cache.order = sorted(cache.flags)
        for _ in range(choose.randint(1, 10)):
            if choose.random() < 0.7:
                others(server, choose)
            if client.transport.lost:
                break
            await work(client, cache, choose)
        if not client.transport.lost:
            client.transport.lose()
        for _ in range(choose.randint(0, 4)):
            others(server, choose)


async def test_what_comes_while_the_folder_is_opened(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """No number above EXISTS is told before the EXISTS that tells of the message ([RFC3501] 7.3.1, 7.4.2).

    Where reads of the store wait, others deliver meanwhile, and the index that all sessions share grows.
    """
    client, uidvalidity, _ = await start(server, 3)
    other = await server.client()
    read = StoreRunner.read
    waited: list[int] = []

    async def slow(runner: StoreRunner, fn: Any, *args: Any, **kwargs: Any) -> Any:
        if fn.__name__ == "keyword_names" and not waited:
            waited.append(1)
            server.mailbox.set_flags(inbox(server), [1, 2, 3], add=MessageFlag.SEEN)
            server.deliver()
            await other.ok("FETCH 1:* UID")
        return await read(runner, fn, *args, **kwargs)

    monkeypatch.setattr(StoreRunner, "read", slow)
    lines = await client.ok(f"SELECT INBOX (QRESYNC ({uidvalidity} 1))")
    assert waited
    assert b"* 3 EXISTS" in lines
    assert [line for line in lines if b"UNSEEN" in line] == []
    assert [int(line.split()[1]) for line in lines if b"FETCH" in line] == [1, 2, 3]
    assert b"* 4 EXISTS" in await client.ok("NOOP")
