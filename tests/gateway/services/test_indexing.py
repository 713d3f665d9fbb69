"""The indexer of a worker: what makes it work, how much it takes, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from conversion.mime.rendition import render
from conversion.mime.text import MimeText
from gateway.services import indexing
from gateway.services.indexing import SLICE_SECONDS, Indexing, Pace, Stopped
from gateway.services.reading import MailReader
from store.errors import Unavailable
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.mapi.restriction import MimeHeader
from store.mapi.restriction import MimeText as TextRestriction
from store.store import Store, StoreSettings
from store.textindex import MARK
from store.textindexbuild import Pause, status, update

MAIL = render(b"Subject: x\r\n\r\nneedle\r\n")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    settings = StoreSettings(root=tmp_path, durable=False, text_index="always", index_after=16)
    made = Store(settings, reader=MailReader())
    yield made
    made.close()


@pytest.fixture
def thrifty(tmp_path: Path) -> Iterator[Store]:
    """[search] index = "searched"."""
    made = Store(StoreSettings(root=tmp_path, durable=False, index_after=16, index_unused=1000), reader=MailReader())
    yield made
    made.close()


def mailbox(store: Store, number: int, messages: int = 16) -> MailboxRef:
    ref = MailboxRef(number, uuid4())
    store.create(ref, MailboxKind.PRIVATE)
    opened = store.open(ref)
    for _ in range(messages):
        opened.deliver(SpecialFolder.INBOX, None, mime=MAIL)
    return ref


async def finish(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def indexed(store: Store, ref: MailboxRef, count: int) -> None:
    async with asyncio.timeout(20):
        while status(store.text_index(ref), MimeText).indexed != count:
            await asyncio.sleep(0)


async def test_a_mailbox_is_indexed_once_enough_has_arrived(store: Store) -> None:
    """[search] index_after."""
    task = asyncio.create_task(Indexing(store, MimeText, share=1, rest=0).run())
    few, many = mailbox(store, 1, 15), mailbox(store, 2, 17)
    await indexed(store, many, 17)
    assert status(store.text_index(few), MimeText).indexed == 0
    store.open(few).deliver(SpecialFolder.INBOX, None, mime=MAIL)
    await indexed(store, few, 16)
    await finish(task)


async def test_a_mailbox_is_indexed_once_it_is_searched(thrifty: Store) -> None:
    """[search] index: from the first search that has to read many messages, and then after delivery."""
    quiet, searched = mailbox(thrifty, 1, 40), mailbox(thrifty, 2, 40)
    opened = thrifty.open(searched)
    task = asyncio.create_task(Indexing(thrifty, MimeText, share=1, rest=0).run())
    while thrifty.texts._due:
        await asyncio.sleep(0)
    assert opened.find(SpecialFolder.INBOX, MimeHeader("X-Rare", "x"), text=MimeText) == []
    while thrifty.texts._due:
        await asyncio.sleep(0)
    assert status(thrifty.text_index(searched), MimeText).indexed == 0
    assert len(opened.find(SpecialFolder.INBOX, TextRestriction("needle", True), text=MimeText)) == 40
    await indexed(thrifty, searched, 40)
    for ref in (searched, quiet):
        for _ in range(16):
            thrifty.open(ref).deliver(SpecialFolder.INBOX, None, mime=MAIL)
    await indexed(thrifty, searched, 56)
    await finish(task)
    assert status(thrifty.text_index(quiet), MimeText).indexed == 0


async def test_an_index_that_nobody_uses_is_dropped(thrifty: Store) -> None:
    """[search] index_unused: at the next update, or when all are looked through."""
    refs = [mailbox(thrifty, number, 40) for number in (1, 2, 3)]
    thrifty.texts._due.clear()
    for ref in refs:
        index = thrifty.text_index(ref)
        index.note_search()
        index.note_search()
        update(index, MimeText)
        assert status(index, MimeText).indexed == 40
    old = time.time() - 1001
    for ref in refs[:2]:
        os.utime(thrifty.texts.folder(ref) / MARK, (old, old))
    thrifty.texts.ask(refs[0])
    indexer = Indexing(thrifty, MimeText, share=1, rest=0)
    indexer._index(refs[0])
    assert [status(thrifty.text_index(ref), MimeText).indexed for ref in refs] == [0, 40, 40]
    task = asyncio.create_task(Indexing(thrifty, MimeText, share=1, rest=0).run())
    await indexed(thrifty, refs[1], 0)
    await finish(task)
    assert [status(thrifty.text_index(ref), MimeText).indexed for ref in refs] == [0, 0, 40]
    assert thrifty.texts.drop_unused() == 0


async def test_one_worker_looks_through_all_indexes(thrifty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others index what has arrived with them, or drop it when its turn comes."""
    looked = idle = 0
    take = thrifty.texts.take

    def drop_unused(pause: Pause) -> int:
        nonlocal looked
        looked += 1
        return 0

    def count() -> MailboxRef | None:
        nonlocal idle
        taken = take()
        idle += taken is None
        return taken

    monkeypatch.setattr(thrifty.texts, "drop_unused", drop_unused)
    monkeypatch.setattr(thrifty.texts, "take", count)
    for sweeps in (False, True):
        idle = 0
        task = asyncio.create_task(Indexing(thrifty, MimeText, share=1, rest=0, sweeps=sweeps).run())
        async with asyncio.timeout(20):
            while idle < 5:
                await asyncio.sleep(0)
        await finish(task)
        assert looked == int(sweeps)


def test_a_search_renews_the_mark_once_an_hour(thrifty: Store) -> None:
    ref = mailbox(thrifty, 1, 40)
    index, mark = thrifty.text_index(ref), thrifty.texts.folder(ref) / MARK
    opened = thrifty.open(ref)

    def age(seconds: float) -> None:
        os.utime(mark, (time.time() - seconds,) * 2)

    def search() -> float:
        opened.find(SpecialFolder.INBOX, TextRestriction("needle", True), text=MimeText)
        return time.time() - mark.stat().st_mtime

    search()
    update(index, MimeText)
    age(3000)
    index._noted = 0
    assert search() > 2999, "not an hour old"
    age(4000)
    assert search() > 3999, "looked at within the hour"
    index._noted = 0
    assert search() < 1000
    mark.unlink()
    index._noted = 0
    assert search() < 1000, "an index of before there were marks"


async def test_one_mailbox_that_fails_keeps_no_other_waiting(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, faulty, gone = mailbox(store, 1), mailbox(store, 2), mailbox(store, 3)
    sound = mailbox(store, 4)
    store.remove(gone)
    real = indexing.update

    def update(index: object, text: object, *, pause: Pause) -> bool:
        if index is store.text_index(broken):
            raise Unavailable("the disk is full")
        if index is store.text_index(faulty):
            raise ValueError("a bug")
        return real(index, text, pause=pause)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(indexing, "update", update)
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(Indexing(store, MimeText, share=1, rest=0).run())
        await indexed(store, sound, 16)
    await finish(task)
    assert [(record.levelname, record.message) for record in caplog.records] == [
        ("WARNING", "mailbox 1: the text index is not up to date: the disk is full"),
        ("ERROR", "mailbox 2: the text index cannot be made"),
    ]


async def test_it_stops_in_the_middle_of_a_mailbox(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = mailbox(store, 1)
    under_way = threading.Event()

    def update(index: object, text: object, *, pause: Pause) -> bool:
        under_way.set()
        while True:  # a mailbox without an end
            pause()

    monkeypatch.setattr(indexing, "update", update)
    task = asyncio.create_task(Indexing(store, MimeText, share=0.5, rest=0).run())
    await asyncio.to_thread(under_way.wait, 20)
    async with asyncio.timeout(20):
        await finish(task)
    assert status(store.text_index(ref), MimeText).indexed == 0


class Clocks:
    """A processor on which nothing runs but what the test says."""

    def __init__(self, share: float) -> None:
        self.own = self.process = self.now = 0.0
        self.slept: list[float] = []
        self.pace = Pace(
            share, own=lambda: self.own, process=lambda: self.process, clock=lambda: self.now, wait=self.wait
        )
        self.pace.begin()

    def wait(self, seconds: float) -> bool:
        self.slept.append(seconds)
        self.now += seconds
        return False

    def work(self, seconds: float, others: float = 0) -> None:
        self.own += seconds
        self.process += seconds + others
        self.now += seconds


def test_the_pace_keeps_to_its_share() -> None:
    clocks = Clocks(0.25)
    clocks.work(SLICE_SECONDS / 2)
    clocks.pace()
    assert clocks.slept == []
    for _ in range(100):
        clocks.work(0.002)
        clocks.pace()
    assert clocks.own / clocks.now == pytest.approx(0.25, rel=0.01)


def test_the_pace_gives_way_to_the_worker() -> None:
    clocks = Clocks(0.25)
    clocks.work(0.6, others=0.3)
    clocks.pace()
    assert clocks.slept[-1] == pytest.approx(0.6 * 7)  # half of a processor is left: an eighth is the share
    clocks.now += 1
    clocks.work(0.01, others=50)
    clocks.pace()
    assert clocks.slept[-1] == pytest.approx(0.01 * 49)
    clocks.now += 1
    clocks.work(0.01)
    clocks.pace()
    assert clocks.slept[-1] == pytest.approx(0.03)


def test_all_of_a_processor_is_no_pause() -> None:
    clocks = Clocks(1)
    clocks.work(1, others=1)
    clocks.pace()
    assert clocks.slept == []
    clocks.pace.stop()
    with pytest.raises(Stopped):
        clocks.pace()
