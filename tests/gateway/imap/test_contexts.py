"""SEARCH and SORT RETURN (UPDATE): a client that applies what it is told has what a new search would find."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from typing import Any

import pytest

from gateway.imap import updates
from gateway.imap.commands import contexts, criteria, sort
from store import errors
from store.ids import MessageFlag
from store.mailbox import Mailbox
from tests.gateway.imap.harness import Client, Server

SUBJECTS = ("alpha", "Re: alpha", "beta", "Gamma", "delta", "")


def mail(subject: str) -> bytes:
    return f"Subject: {subject}\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nbody\r\n".encode()


def expanded(text: bytes) -> list[int]:
    """The numbers of a set in the order that it gives; ranges ascend ([RFC5267] 3.2)."""
    found: list[int] = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        assert not last or int(first) < int(last)
        found += range(int(first), int(last or first) + 1)
    return found


class Follower:
    """A client's idea of the results of one search, kept by what [RFC5267] 4.3.3 and 4.3.4 say."""

    def __init__(self, tag: bytes, command: str, results: Sequence[int]) -> None:
        self.tag = tag
        self.command = command
        self.results = list(results)

    @property
    def by_uid(self) -> bool:
        return self.command.startswith("UID")

    def hear(self, line: bytes) -> None:
        expunge = re.fullmatch(rb"\* (\d+) EXPUNGE", line)
        if expunge and not self.by_uid:
            number = int(expunge[1])
            assert number not in self.results, "told after the EXPUNGE"
            self.results = [each - (each > number) for each in self.results]
        if not line.startswith(b'* ESEARCH (TAG "%b")' % self.tag):
            return
        assert (b'") UID ' in line) is self.by_uid
        for word, pairs in re.findall(rb"(ADDTO|REMOVEFROM) \(([^)]*)\)", line):
            words = pairs.split(b" ")
            for position, text in zip(map(int, words[::2]), words[1::2], strict=True):
                self.move(word, position, expanded(text))

    def move(self, word: bytes, position: int, numbers: list[int]) -> None:
        at = position - 1
        if word == b"ADDTO":
            assert not set(numbers) & set(self.results)
            if position:
                assert at <= len(self.results)
                self.results[at:at] = numbers
            else:
                self.results = sorted([*self.results, *numbers])
        elif position:
            assert self.results[at : at + len(numbers)] == numbers
            del self.results[at : at + len(numbers)]
        else:
            assert set(numbers) <= set(self.results)
            self.results = [each for each in self.results if each not in numbers]


async def follow(client: Client, command: str, keys: str) -> Follower:
    """Begin to follow; `command` up to RETURN, `keys` from behind it."""
    (line,) = await client.ok(f"{command} RETURN (UPDATE ALL) {keys}")
    found = re.search(rb" ALL ([0-9:,]+)", line)
    return Follower(b"t%d" % client.number, f"{command} RETURN (ALL) {keys}", expanded(found[1]) if found else [])


async def check(client: Client, followers: list[Follower]) -> None:
    for line in await client.ok("NOOP"):
        for each in followers:
            each.hear(line)
    for each in followers:
        lines = await client.ok(each.command)
        found = re.search(rb" ALL ([0-9:,]+)", lines[0])
        assert each.results == (expanded(found[1]) if found else []), each.command
        for line in lines[1:]:
            for other in followers:
                other.hear(line)


SEARCHES = [
    ("SEARCH", "SEEN"),
    ("SEARCH", "ALL"),
    ("UID SEARCH", "OR FLAGGED SUBJECT alpha"),
    ("SEARCH", "UNSEEN BODY body"),
    ("SORT", "(SUBJECT REVERSE ARRIVAL) UTF-8 UNDELETED"),
    ("UID SORT", "(REVERSE SUBJECT DATE) UTF-8 SEEN"),
    ("SORT", "(REVERSE SIZE ARRIVAL REVERSE DISPLAYFROM) UTF-8 NOT FLAGGED"),
    ("UID SEARCH", "UID 4:* KEYWORD late"),
    ("SEARCH", "NOT UID 1:3,11:*"),
    ("UID SORT", "(SUBJECT) UTF-8 UID 5:* SAVEDSINCE 1-Jan-2020"),
    ("SEARCH", "OR UID 12:9 UID *"),
    ("SEARCH", "2:5 UNFLAGGED"),
]


@pytest.mark.parametrize("seed", range(4))
async def test_updates_make_what_a_new_search_finds(server: Server, seed: int) -> None:
    """[RFC5267] 4.3.2, 4.3.3, 4.3.4: several changes at once, by others and by the session; expunges held back."""
    dice = random.Random(seed)
    for number in range(8):
        server.deliver(mail(dice.choice(SUBJECTS)), date=1_700_000_000 + number % 3)
    client, other = await server.client(), await server.client()
    followers = [await follow(client, *search) for search in SEARCHES if "2:5" not in search[1]]
    fixed = await follow(client, *SEARCHES[-1])
    for _ in range(12):
        for _ in range(dice.randint(1, 4)):
            who = dice.choice((client, other))
            count = len(who.connection.session.folder_selected.view)
            kind = dice.random()
            number = dice.randint(1, max(count, 1))
            lines: list[bytes] = []
            if kind < 0.3 or not count:
                server.deliver(mail(dice.choice(SUBJECTS)), date=1_700_000_000 + dice.randrange(3))
            elif kind < 0.7:
                sign = dice.choice("+-")
                flag = dice.choice((r"\Seen", r"\Flagged", r"\Deleted", "late"))
                lines = await who(f"STORE {number}:* {sign}FLAGS.SILENT ({flag})")
            elif kind < 0.8:
                lines = await who(f"STORE {number} +FLAGS.SILENT (\\Deleted)")
                for line in lines if who is client else ():
                    for each in (*followers, fixed):
                        each.hear(line)
                lines = await who("EXPUNGE")
            else:
                lines = await who(dice.choice(("NOOP", f"FETCH {number} FLAGS", "SEARCH ALL")))
            for line in lines if who is client else ():
                for each in (*followers, fixed):
                    each.hear(line)
        # Held back, the expunges of others leave their numbers, but the results lose them at once.
        for line in [*await client("FETCH 1:* FLAGS"), *await client.ok("NOOP")]:
            for each in (*followers, fixed):
                each.hear(line)
        await check(client, followers)
    assert fixed.results == sorted(fixed.results)


async def test_numbers_are_those_of_the_command(server: Server) -> None:
    """[RFC5267] 4.3: message numbers, and `$`, mean the messages that they meant when the command came."""
    for _ in range(4):
        server.deliver()
    client = await server.client()
    await client.ok("SEARCH RETURN (SAVE) 3")
    await client.ok("UID SEARCH RETURN (UPDATE) 2:3 SEEN")
    await client.ok("UID SEARCH RETURN (UPDATE) OR $ UID $ SEEN")
    await client.ok("UID SEARCH RETURN (UPDATE) NOT 9 SEEN")
    await client.ok("SEARCH RETURN (SAVE) 4")
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [1])
    await client.ok("NOOP")
    assert await client.ok("UID STORE 2:4 +FLAGS.SILENT (\\Seen)") == [
        b'* ESEARCH (TAG "t4") UID ADDTO (0 2:3)',
        b'* ESEARCH (TAG "t5") UID ADDTO (0 3)',
        b'* ESEARCH (TAG "t6") UID ADDTO (0 2:4)',
    ]


async def test_expunge_is_told_before_and_arrival_after(server: Server) -> None:
    """[RFC5267] 4.3.3, 4.3.4, and in IDLE as well."""
    for subject in ("b", "d", "c"):
        server.deliver(mail(subject))
    client = await server.client()
    await client.ok("SORT RETURN (UPDATE) (SUBJECT) UTF-8 ALL")
    inbox = server.mailbox.folder(("INBOX",)).id
    assert await client.send(b"i IDLE\r\n") == [b"+ idling"]
    server.mailbox.remove_messages(inbox, [2, 3])
    server.deliver(mail("a"))
    server.deliver(mail("bb"))
    await client.settle()
    assert client.take() == [
        b'* ESEARCH (TAG "t3") REMOVEFROM (2 3,2)',
        b"* 3 EXPUNGE",
        b"* 2 EXPUNGE",
        b"* 3 EXISTS",
        b"* 3 RECENT",
        b'* ESEARCH (TAG "t3") ADDTO (1 2 3 3)',
    ]
    await client.send(b"DONE\r\n")


async def test_an_expunge_that_is_held_back(server: Server) -> None:
    """[RFC5267] 4.3.4, appendix A.3: the results lose the message at once, its number stays until it may go."""
    for _ in range(3):
        server.deliver()
    client = await server.client()
    await client.ok("SEARCH RETURN (UPDATE) ALL")
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [1])
    assert (await client.ok("STORE 3 +FLAGS.SILENT (x)"))[-1] == b'* ESEARCH (TAG "t3") REMOVEFROM (0 1)'
    assert await client.ok("NOOP") == [b"* 1 EXPUNGE"]


async def test_tags_and_cancelling(server: Server) -> None:
    """[RFC5267] 4.3, 4.3.5: a tag is for one context; nothing more is told of what is cancelled, or left behind."""
    server.deliver()
    client = await server.client()
    assert (await client.send(b"A SEARCH RETURN (UPDATE COUNT) SEEN\r\n"))[0] == b'* ESEARCH (TAG "A") COUNT 0'
    assert (await client.send(b"B UID SEARCH RETURN (UPDATE) SEEN\r\n"))[0] == b'* ESEARCH (TAG "B") UID'
    for command in (b"SEARCH RETURN (UPDATE) ALL", b"SORT RETURN (UPDATE MIN) (DATE) UTF-8 ALL"):
        assert (await client.send(b"A " + command + b"\r\n"))[0].startswith(b"A BAD")
    assert (await client.send(b"A SEARCH RETURN (COUNT) SEEN\r\n"))[0] == b'* ESEARCH (TAG "A") COUNT 0'
    assert len(await client.ok("STORE 1 +FLAGS.SILENT (\\Seen)")) == 2
    assert (await client('CANCELUPDATE "A" "C"'))[-1].startswith(b"BAD")
    await client.ok('CANCELUPDATE "A"')
    assert (await client('CANCELUPDATE "A"'))[-1].startswith(b"BAD")
    assert await client.ok("STORE 1 -FLAGS.SILENT (\\Seen)") == [b'* ESEARCH (TAG "B") UID REMOVEFROM (0 1)']
    await client.ok("SELECT INBOX")
    assert await client.ok("STORE 1 +FLAGS.SILENT (\\Seen)") == []
    assert (await client('CANCELUPDATE "B"'))[-1].startswith(b"BAD")
    await client.ok("UNSELECT")
    assert (await client('CANCELUPDATE "B"'))[-1].startswith(b"BAD")


async def test_limits(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC5267] 4.3.1: NO [NOUPDATE] beside the answer; a SEARCH may still be followed where a SORT may not."""
    for _ in range(3):
        server.deliver()
    client = await server.client()
    monkeypatch.setattr(contexts, "MAX_SORTED", 5)
    monkeypatch.setattr(contexts, "MAX_CONTEXTS", 3)
    sort = "UID SORT RETURN (UPDATE COUNT) (SUBJECT) UTF-8 ALL"
    assert await client.ok(sort) == [b'* ESEARCH (TAG "t3") UID COUNT 3']
    refused = await client.ok(sort)
    assert refused[0] == b'* ESEARCH (TAG "t4") UID COUNT 3'
    assert refused[1].startswith(b'* NO [NOUPDATE "t4"] ')
    assert len(await client.ok("SEARCH RETURN (UPDATE COUNT) ALL")) == 1
    assert len(await client.ok("SEARCH RETURN (UPDATE COUNT) ALL")) == 1
    assert (await client.ok("SEARCH RETURN (UPDATE COUNT) ALL"))[1].startswith(b'* NO [NOUPDATE "t7"] ')
    await client.ok('CANCELUPDATE "t5"')
    assert len(await client.ok("SEARCH RETURN (UPDATE COUNT) ALL")) == 1


async def test_context_is_a_hint(server: Server) -> None:
    """[RFC5267] 4.2."""
    server.deliver()
    client = await server.client()
    assert await client.ok("SEARCH RETURN (CONTEXT COUNT) ALL") == [b'* ESEARCH (TAG "t3") COUNT 1']
    assert await client.ok("SEARCH RETURN (CONTEXT) ALL") == [b'* ESEARCH (TAG "t4") ALL 1']


async def test_age(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC5032] 2: what grows old leaves the results at the next change of the folder, and `*` moves on."""
    now = int(time.time())
    server.deliver(date=now - 50)
    server.deliver(date=now)
    client = await server.client()
    await client.ok("SEARCH RETURN (UPDATE) NOT (NOT YOUNGER 100)")
    await client.ok("SEARCH RETURN (UPDATE) OR UID * SUBJECT nowhere")
    monkeypatch.setattr(criteria.time, "time", lambda: now + 60)
    assert await client.ok("NOOP") == []
    server.deliver(date=now)
    assert [line for line in await client.ok("NOOP") if b"ESEARCH" in line] == [
        b'* ESEARCH (TAG "t3") REMOVEFROM (0 1)',
        b'* ESEARCH (TAG "t4") REMOVEFROM (0 2)',
        b'* ESEARCH (TAG "t3") ADDTO (0 3)',
        b'* ESEARCH (TAG "t4") ADDTO (0 3)',
    ]


async def test_a_failure_loses_nothing(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the question cannot be asked nothing is told; the next time everything is."""
    server.deliver()
    client = await server.client()
    await client.ok("SEARCH RETURN (UPDATE) ALL")

    def fail(*_: object, **__: object) -> None:
        raise errors.Unavailable("disk")

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "find", fail)
        server.deliver(flags=MessageFlag.SEEN)
        assert await client.ok("NOOP") == []
    assert await client.ok("NOOP") == [b"* 2 EXISTS", b"* 2 RECENT", b'* ESEARCH (TAG "t3") ADDTO (0 2)']


async def test_gone_while_the_sort_was_made(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was among the results that were told is told to leave them."""
    for subject in ("b", "a", "c"):
        server.deliver(mail(subject))
    client = await server.client()
    answer = sort.answer

    async def slowly(*args: Any) -> None:
        await answer(*args)
        server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [2])

    monkeypatch.setattr(sort, "answer", slowly)
    lines = await client.ok("SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 ALL")
    assert lines == [b'* ESEARCH (TAG "t3") ALL 2,1,3', b'* ESEARCH (TAG "t3") REMOVEFROM (1 2)']
    assert await client.ok("NOOP") == [b"* 2 EXPUNGE"]


async def test_many_changes_ask_of_all_messages_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many portions the changes come in, what moves with time looks at the rest of the view with the last."""
    monkeypatch.setattr(updates, "PORTION", 2)
    now = int(time.time())
    for age in (50, *(0,) * 19):
        server.deliver(date=now - age)
    client, other = await server.client(), await server.client()
    for _ in range(3):
        await client.ok("SEARCH RETURN (UPDATE COUNT) YOUNGER 100")
    await client.ok("SEARCH RETURN (UPDATE COUNT) UNSEEN")
    await other.ok("STORE 2:20 +FLAGS.SILENT (\\Seen)")
    asked: list[int] = []
    evaluate = contexts.evaluate

    async def counted(*args: Any, uids: Sequence[int]) -> Sequence[int]:
        asked.append(len(uids))
        return await evaluate(*args, uids=uids)

    monkeypatch.setattr(contexts, "evaluate", counted)
    monkeypatch.setattr(criteria.time, "time", lambda: now + 60)
    drains = client.transport.drains
    lines = await client.ok("NOOP")
    assert sorted(asked) == [1, *(2,) * (len(asked) - 4), *(20,) * 3]
    assert sum(asked) == 4 * 19 - 3 + 3 * 20
    assert client.transport.drains - drains >= len(asked)
    assert [line for line in lines if b'(TAG "t3")' in line] == [b'* ESEARCH (TAG "t3") REMOVEFROM (0 1)']
    assert sum(b'(TAG "t6") REMOVEFROM' in line for line in lines) == 10
