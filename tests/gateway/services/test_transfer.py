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
from store.engine import Work
from store.errors import AccessDenied, Unavailable
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.mailbox import Mailbox
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

    async def move(self) -> None:
        uids = [row.uid for row in self.source.rows(INBOX)]
        await transfer.move(self.runner, self.store, self.source, INBOX, uids, self.target, INBOX)

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
    failing(monkeypatch, {SOURCE: (1, AccessDenied("no more")), TARGET: (1, Unavailable("disk full"))})
    with caplog.at_level(logging.WARNING), pytest.raises(AccessDenied, match="no more"):
        await pair.move()
    assert pair.subjects() == ("bcd", "acd")
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    assert "no more" in caplog.text
    assert "disk full" in caplog.text
