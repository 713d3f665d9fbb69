"""SORT and THREAD through a session: the keys against a naive model, results, what is kept, what is gone."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable

import pytest

from gateway.imap.commands import progress, sort, sorting
from store.ids import MessageFlag
from store.mailbox import Mailbox
from store.sortkeys import SortKeys
from tests.gateway.imap.harness import Client, Server

WORDS = ("alpha", "Beta", "grün", "GRUN", "été", "Étage", "zeta", "ﬁn", "Straße")
PREFIXES = ("", "", "Re: ", "[list] ", "Fwd: Re: ", "re [2]: ")
NAMES = ("bob", "Alice", "carol", "DAVE", "eve")


class Model:
    """A message with its sort keys, made by other means ([RFC5256] 3)."""

    def __init__(self, dice: random.Random, number: int) -> None:
        self.number = number
        self.subject = dice.choice(WORDS) if dice.random() < 0.9 else ""
        self.sender = dice.choice(NAMES)
        self.shown = dice.choice(("", dice.choice(WORDS)))
        self.to = dice.choice(NAMES) if dice.random() < 0.8 else ""
        self.arrival = 1_700_000_000 + dice.randrange(5) * 1000
        self.zone = dice.choice((-8, 0, 5))
        self.sent = self.arrival - dice.randrange(6) * 3600 if dice.random() < 0.8 else None
        self.body = "x" * dice.randrange(5)
        head = []
        if self.subject:
            encoded = "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in self.subject.encode()) + "?="
            head.append(f"Subject: {dice.choice(PREFIXES)}{encoded}")
        name = "=?utf-8?q?" + "".join(f"={octet:02X}" for octet in self.shown.encode()) + "?= " if self.shown else ""
        head.append(f"From: {name}<{self.sender}@example.test>, Other <aaa@example.test>")
        if self.to:
            head.append(f"To: {self.to}@example.test")
        if self.sent is not None:
            local = self.sent + self.zone * 3600
            days, clock = divmod(local, 86_400)
            date = __import__("datetime").date.fromordinal(days + 719_163)
            sign = "-" if self.zone < 0 else "+"
            head.append(
                f"Date: {date:%d %b %Y} {clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02} "
                f"{sign}{abs(self.zone):02}00"
            )
        self.raw = "\r\n".join([*head, "", self.body, ""]).encode()


def folded(text: str) -> bytes:
    """i;unicode-casemap of these words, whose titles are one character each but for what has none ([RFC5051] 2)."""
    titled = "".join(c if len(c.title()) > 1 else c.title() for c in text)
    return unicodedata.normalize("NFKD", titled).encode()


KEYS: dict[str, Callable[[Model], object]] = {
    "ARRIVAL": lambda m: m.arrival,
    "CC": lambda m: b"",
    "DATE": lambda m: m.arrival if m.sent is None else m.sent,
    "DISPLAYFROM": lambda m: folded(m.shown or f"{m.sender}@example.test"),
    "DISPLAYTO": lambda m: folded(f"{m.to}@example.test" if m.to else ""),
    "FROM": lambda m: folded(m.sender),
    "SIZE": lambda m: len(m.raw),
    "SUBJECT": lambda m: folded(m.subject),
    "TO": lambda m: folded(m.to),
}


async def filled(server: Server, count: int = 50) -> tuple[Client, list[Model]]:
    dice = random.Random(5256)
    models = [Model(dice, number) for number in range(1, count + 1)]
    for model in models:
        server.deliver(model.raw, date=model.arrival)
    return await server.client(), models


def line(word: str, numbers: list[int]) -> bytes:
    return " ".join(["*", word, *map(str, numbers)]).encode()


@pytest.mark.parametrize("piece", [8192, 7])
async def test_against_a_naive_model(server: Server, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    """[RFC5256] 3: priority, REVERSE, and the sequence number last; [RFC5957] 4, 7 and [RFC5255] 4.2: by casemap."""
    monkeypatch.setattr(sorting, "PIECE", piece)
    client, models = await filled(server)
    dice = random.Random(3)
    programs = [[(key, reverse)] for key in KEYS for reverse in (False, True)]
    programs += [[(dice.choice(list(KEYS)), dice.random() < 0.5) for _ in range(dice.randint(2, 4))] for _ in range(30)]
    for program in programs:
        expected = list(models)
        for key, reverse in reversed(program):
            expected.sort(key=KEYS[key], reverse=reverse)  # type: ignore[arg-type]  # keys of several types
        text = " ".join(("REVERSE " if reverse else "") + key for key, reverse in program)
        assert await client.ok(f"SORT ({text}) UTF-8 ALL") == [line("SORT", [m.number for m in expected])], text


async def test_results(server: Server) -> None:
    """[RFC5267] 3.1, 3.2, 3.3, 4.1: the options of ESEARCH, in the order of the sort; ranges ascend."""
    for subject in (b"c", b"a", b"b", b"d"):
        server.deliver(b"Subject: " + subject + b"\r\n\r\n")
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [4])
    server.deliver(b"Subject: bb\r\n\r\n", flags=MessageFlag.SEEN)
    client = await server.client()
    for options, expected in {
        "": b"ALL 2:4,1",
        "MIN": b"MIN 2",
        "MAX": b"MAX 1",
        "COUNT MIN MAX": b"MIN 2 MAX 1 COUNT 4",
        "PARTIAL 2:3": b"PARTIAL (2:3 3:4)",
        "PARTIAL -1:-2": b"PARTIAL (-1:-2 4,1)",
    }.items():
        (found,) = await client.ok(f"SORT RETURN ({options}) (SUBJECT) UTF-8 ALL")
        assert found == b'* ESEARCH (TAG "t%d") %b' % (client.number, expected)
    (found,) = await client.ok("UID SORT RETURN () (REVERSE SUBJECT) UTF-8 ALL")
    assert found.endswith(b" UID ALL 1,5,3,2")
    assert await client.ok("SORT RETURN (SAVE) (SUBJECT) UTF-8 UNSEEN") == []
    assert await client.ok("SEARCH $") == [b"* SEARCH 1 2 3"]
    assert await client.ok("SORT RETURN (SAVE) (SUBJECT) UTF-8 SEEN") == []
    assert await client.ok("UID SORT (DATE) UTF-8 $") == [b"* SORT 5"]


async def test_nothing_found(server: Server) -> None:
    """[RFC5256] 3: the responses are there, and empty."""
    client = await server.client()
    for word, arguments in (("SORT", "(SUBJECT)"), ("THREAD", "ORDEREDSUBJECT"), ("THREAD", "REFERENCES")):
        for uid in ("", "UID "):
            assert await client.ok(f"{uid}{word} {arguments} US-ASCII ALL") == [f"* {word}".encode()]
            assert (await client(f"{uid}{word} {arguments} X-NONE ALL"))[-1].startswith(b"NO [BADCHARSET")
    assert (await client("SORT (SUBJECT) UTF-8 9"))[-1].startswith(b"BAD")
    assert (await client.ok("SORT RETURN (COUNT) (SUBJECT) UTF-8 9"))[0].endswith(b" COUNT 0")


async def test_modseq(server: Server) -> None:
    """[RFC7162] 3.1.9, 3.1.10: with a MODSEQ key the reply has the highest; THREAD stays as it is."""
    for subject in (b"c", b"a"):
        server.deliver(b"Subject: " + subject + b"\r\n\r\n")
    client = await server.client()
    highest = max(server.mailbox.index(server.mailbox.folder(("INBOX",)).id).modseqs)
    assert (await client.ok("SORT (SUBJECT) UTF-8 MODSEQ 1"))[-1] == b"* SORT 2 1 (MODSEQ %d)" % highest
    assert await client.ok("SORT (SUBJECT) UTF-8 MODSEQ 99999") == [b"* SORT"]
    (found,) = await client.ok("SORT RETURN (ALL) (SUBJECT) UTF-8 MODSEQ 1")
    assert found.endswith(b" ALL 2,1 MODSEQ %d" % highest)
    assert await client.ok("THREAD REFERENCES UTF-8 MODSEQ 1") == [b"* THREAD (1)(2)"]


async def test_thread(server: Server) -> None:
    """[RFC5256] 3: by identifiers and subjects; UID THREAD gives UIDs; only what is searched for is threaded."""
    server.deliver(b"Message-ID: <0@x>\r\nSubject: other\r\n\r\n")
    server.mailbox.remove_messages(server.mailbox.folder(("INBOX",)).id, [1])
    for n, head in enumerate(
        (
            b'Message-ID: <"1"@x>\r\nSubject: one\r\n',
            b"Message-ID: <2@x>\r\nReferences: <1@x>\r\nSubject: Re: one\r\n",
            b"Message-ID: <3@x>\r\nIn-Reply-To: <1@x>\r\nSubject: two\r\n",
            b"Subject: =?utf-8?q?Re:_ONE?=\r\n",
            b"Subject: three\r\n",
        )
    ):
        server.deliver(head + b"Date: %d Nov 2026 10:00 +0000\r\n\r\n" % (n + 1))
    client = await server.client()
    assert await client.ok("THREAD REFERENCES UTF-8 ALL") == [b"* THREAD (1 (2)(3)(4))(5)"]
    assert await client.ok("UID THREAD REFERENCES UTF-8 ALL") == [b"* THREAD (2 (3)(4)(5))(6)"]
    assert await client.ok("THREAD REFERENCES UTF-8 2:3") == [b"* THREAD ((2)(3))"]
    assert await client.ok("THREAD ORDEREDSUBJECT UTF-8 ALL") == [b"* THREAD (1 (2)(4))(3)(5)"]
    assert await client.ok("UID THREAD ORDEREDSUBJECT UTF-8 3:*") == [b"* THREAD (4)(5)(6)"]


async def test_what_others_expunge(server: Server) -> None:
    """[RFC5256] 3: no EXPUNGE during SORT, which says that it is due; one may come with UID SORT."""
    for subject in (b"c", b"a", b"b"):
        server.deliver(b"Subject: " + subject + b"\r\n\r\n")
    client = await server.client()
    inbox = server.mailbox.folder(("INBOX",)).id
    server.mailbox.remove_messages(inbox, [2])
    lines = await client("SORT (SUBJECT) UTF-8 ALL")
    assert lines[0] == b"* SORT 3 1"
    assert lines[-1].startswith(b"OK [EXPUNGEISSUED]")
    assert (await client("THREAD ORDEREDSUBJECT UTF-8 ALL"))[0] == b"* THREAD (1)(3)"
    assert await client.ok("UID SORT (SUBJECT) UTF-8 ALL") == [b"* SORT 3 1", b"* 2 EXPUNGE"]
    assert await client.ok("SORT (SUBJECT) UTF-8 ALL") == [b"* SORT 2 1"]


async def test_gone_between_search_and_sort(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is expunged after it was found, by another, is left out."""
    client, _ = await filled(server, 4)
    inbox = server.mailbox.folder(("INBOX",)).id
    find = Mailbox.find

    def found(self: Mailbox, *args: object, **kwargs: object) -> list[int]:
        uids = find(self, *args, **kwargs)  # type: ignore[arg-type]  # as it was called
        server.mailbox.remove_messages(inbox, [2])
        return uids

    monkeypatch.setattr(Mailbox, "find", found)
    assert (await client("SORT (ARRIVAL) UTF-8 ALL"))[0].count(b" ") == 4
    headers = Mailbox.item_headers

    def read(self: Mailbox, item_ids: list[int]) -> list[tuple[int, bytes]]:
        return headers(self, item_ids)[1:]

    monkeypatch.setattr(Mailbox, "item_headers", read)
    assert (await client("SORT (CC) UTF-8 ALL"))[0].count(b" ") == 4
    assert (await client("THREAD REFERENCES UTF-8 ALL"))[0].startswith(b"* THREAD (")


async def test_keys_are_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The header is read once; a thread sorts many messages, with the same result."""
    client, _ = await filled(server)
    before = await client.ok("SORT (SUBJECT REVERSE DATE) UTF-8 ALL")
    threads = await client.ok("THREAD REFERENCES UTF-8 ALL")

    def read(self: Mailbox, item_ids: list[int]) -> list[tuple[int, bytes]]:
        raise AssertionError("known already")

    with monkeypatch.context() as patch:
        patch.setattr(Mailbox, "item_headers", read)
        assert await client.ok("SORT (SUBJECT REVERSE DATE) UTF-8 ALL") == before
    monkeypatch.setattr(sort, "INLINE_KEYS", 10)
    assert await client.ok("SORT (SUBJECT REVERSE DATE) UTF-8 ALL") == before
    assert await client.ok("THREAD REFERENCES UTF-8 ALL") == threads


def test_keys_pass_no_limit(server: Server) -> None:
    """The tables that were not used for longest go; one that is too large by itself is not kept at all."""
    made: list[bytes] = []

    def maker(header: bytes) -> bytes:
        made.append(header)
        return header[:100]

    for number in range(4):
        server.deliver(b"Subject: %d\r\n\r\n" % number)
    index = server.mailbox.index(server.mailbox.folder(("INBOX",)).id)
    items = list(index.item_ids)
    keys = SortKeys(memory=2000)
    for name in ("a", "b", "c", "c"):
        table = keys.read(server.mailbox, items, {name: maker})[name]
        assert [table[item] for item in items] == [b"Subject: %d\r\n" % n for n in range(4)]
    assert len(made) == 12
    keys.read(server.mailbox, items, {"c": maker})
    assert len(made) == 12
    keys.read(server.mailbox, items, {"a": maker})
    assert len(made) == 16
    small = SortKeys(memory=10)
    told: list[tuple[int, int]] = []
    for _ in range(2):
        assert len(small.read(server.mailbox, items, {"a": maker}, lambda *state: told.append(state))["a"]) == 4
    assert len(made) == 24
    assert told == [(4, 4), (4, 4)]


async def test_signs_of_life(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC9585] 4, 5: every ten seconds how far it is, with the tag; nothing once the command is over."""
    monkeypatch.setattr(progress, "INTERVAL", 0)
    monkeypatch.setattr(sort, "INLINE_KEYS", 10)
    client, _ = await filled(server)
    lines = await client.ok("SORT (SUBJECT) UTF-8 ALL")
    told = [entry for entry in lines if b"INPROGRESS" in entry]
    assert all(entry.startswith(b'* OK [INPROGRESS ("t%d" ' % client.number) for entry in told)
    session = client.connection.session
    session.tag = b"a]b"
    ticker = progress.Ticker(session)
    with ticker:
        ticker(454, 1000)
        await client.settle()
        assert client.take() == [b"* OK [INPROGRESS (NIL 454 1000)] Still at it."]
        ticker(1000, 1000)
        await client.settle()
        assert client.take() == [b"* OK [INPROGRESS (NIL NIL NIL)] Still at it."]
        ticker(5, 9)
    await client.settle()
    assert client.take() == []
    monkeypatch.setattr(progress, "INTERVAL", 1e6)
    with progress.Ticker(session) as quiet:
        quiet(1, 2)
        await client.settle()
        assert client.take() == []
