"""MOVE from one mailbox to another, when its second half fails (gateway.services.transfer)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from gateway.runtime.worker import StoreRunner
from gateway.services import transfer
from store import pace
from store import transfer as removing
from store.blob import BlobStore
from store.changes import Transfer
from store.engine import Work
from store.errors import AccessDenied, QuotaExceeded, Unavailable
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.mailbox import Mailbox
from store.search import Progress
from store.store import Store, StoreSettings
from tests.support.storemail import deliver

INBOX = int(SpecialFolder.INBOX)
SOURCE, TARGET = 1, 2


class Pair:
    """A mailbox with the messages `a` to `d`, and an empty one."""

    def __init__(self, root: Path) -> None:
        self.store = Store(StoreSettings(root, durable=False))
        self.runner = StoreRunner(inline=True, group=self.store.group)
        self.source, self.target = self._make(SOURCE), self._make(TARGET)
        for subject in "abcd":
            deliver(self.source, INBOX, subject)

    def _make(self, number: int) -> Mailbox:
        ref = MailboxRef(number, uuid4())
        self.store.create(ref, MailboxKind.PRIVATE)
        return self.store.open(ref)

    async def move(self, progress: Progress | None = None) -> Transfer:
        uids = [row.uid for row in self.source.rows(INBOX)]
        return await transfer.move(
            self.runner, self.store, self.source, INBOX, uids, self.target, INBOX, progress=progress
        )

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Note, each time that something is removed from the one, what the other has got."""
        real = Mailbox.remove_messages
        seen: list[str] = []

        def remove(mailbox: Mailbox, folder_id: int, uids: list[int]) -> list[int]:
            if mailbox.ref == self.source.ref:
                seen.append(self.subjects()[1])
                assert not self.target._shard.inside(), "others may write there"
            return real(mailbox, folder_id, uids)

        monkeypatch.setattr(Mailbox, "remove_messages", remove)
        return seen

    def subjects(self) -> tuple[str, str]:
        """What is in the one, and in the other."""
        here, there = (
            "".join(
                sorted(chr(line[-3]) for _, line in box.common_headers(INBOX, [row.uid for row in box.rows(INBOX)]))
            )
            for box in (self.source, self.target)
        )
        return here, there


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    made = Pair(tmp_path)
    yield made
    await made.runner.close()
    made.store.close()


def failing(monkeypatch: pytest.MonkeyPatch, failures: dict[int, tuple[int, Exception]]) -> None:
    """Let removing fail, by mailbox, from some call on; each call is one transaction, of one message."""
    monkeypatch.setattr(pace, "FIRST", 1)
    monkeypatch.setattr(pace, "MOST", 1)
    monkeypatch.setattr(pace, "LEAST", 1)
    real = removing.remove
    calls = {SOURCE: 0, TARGET: 0}

    def remove(
        work: Work, blobs: BlobStore, folder_id: int, uids: list[int], *, only_marked: bool = False
    ) -> list[int]:
        calls[work.mailbox_id] += 1
        after, error = failures.get(work.mailbox_id, (99, Unavailable("never")))
        if calls[work.mailbox_id] > after:
            raise error
        return real(work, blobs, folder_id, uids, only_marked=only_marked)

    monkeypatch.setattr(removing, "remove", remove)


async def test_all_moves(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, {})
    await pair.move()
    assert pair.subjects() == ("", "abcd")


async def test_many_move_in_parts(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """docs/decisions/0007: the target is not locked for all of them, and few are in both places at a time."""
    failing(monkeypatch, {})
    seen, told = pair.watch(monkeypatch), list[tuple[int, int]]()
    done = await pair.move(lambda *numbers: told.append(numbers))
    assert seen == ["a", "ab", "abc", "abcd"]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (done.source, done.destination) == ([1, 2, 3, 4], [1, 2, 3, 4])
    assert done.uidvalidity == pair.target.folder(INBOX).uidvalidity


async def test_large_messages_move_in_smaller_parts(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """How long the target is locked depends on their octets as well: two and two, or one that is too large alone."""
    monkeypatch.setattr(transfer, "PART_OCTETS", 2 * pair.source.rows(INBOX)[0].size)
    seen = pair.watch(monkeypatch)
    await pair.move()
    assert seen == ["ab", "abcd"]
    monkeypatch.setattr(transfer, "PART_OCTETS", 1)
    pair.source, pair.target = pair.target, pair.source
    del seen[:]
    await pair.move()
    assert seen == ["a", "ab", "abc", "abcd"]


async def test_a_move_that_does_not_fit_moves_nothing(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in parts either: the room for all is asked for before the first."""
    failing(monkeypatch, {})
    pair.target.set_quota(receive=3 * pair.source.rows(INBOX)[0].size)
    with pytest.raises(QuotaExceeded):
        await pair.move()
    assert pair.subjects() == ("abcd", "")


async def test_a_move_of_nothing(pair: Pair) -> None:
    done = await transfer.move(pair.runner, pair.store, pair.source, INBOX, [77], pair.target, INBOX)
    assert (done.source, done.destination) == ([], [])
    assert done.uidvalidity == pair.target.folder(INBOX).uidvalidity


@pytest.mark.parametrize(("removed", "left"), [(0, ("abcd", "")), (1, ("bcd", "a")), (3, ("d", "abc"))])
async def test_what_was_removed_already_keeps_its_copy(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, removed: int, left: tuple[str, str]
) -> None:
    """[RFC6851] 3.3: many are removed in several transactions, and a message is never in neither place."""
    failing(monkeypatch, {SOURCE: (removed, Unavailable("disk full"))})
    with pytest.raises(Unavailable, match="disk full"):
        await pair.move()
    assert pair.subjects() == left


async def test_copies_that_cannot_be_taken_back(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They stay, both causes are in the log, and the reply is that of the first."""
    failing(monkeypatch, {SOURCE: (1, AccessDenied("no more")), TARGET: (0, Unavailable("disk full"))})
    with caplog.at_level(logging.WARNING), pytest.raises(AccessDenied, match="no more"):
        await pair.move()
    assert pair.subjects() == ("bcd", "ab"), "only of the part that was under way"
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "no more" in caplog.text
    assert "disk full" in caplog.text
