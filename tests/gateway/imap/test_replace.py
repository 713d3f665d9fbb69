"""REPLACE by a message in another's mailbox, when its second half fails ([RFC8508] 3.4)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from store.errors import NotFound, Unavailable
from store.ids import MailboxRef
from store.mailbox import Mailbox
from store.permissions import Rights
from tests.gateway.imap.street import SEE, Street
from tests.support.storemail import deliver

REPLACE = b'REPLACE 1 "Other Users/bob@example.test/In" {13+}\r\nSubject: x\r\n\r\n'
"""Of somebody who may add to bob's folder, and not remove from it."""


@pytest.fixture
def boxes(street: Street) -> tuple[Mailbox, Mailbox]:
    """alice's mailbox with a message, and bob's with a folder for her."""
    street.share("bob", "In", "alice", SEE | Rights.CREATE)
    alice, bob = street.box("alice"), street.box("bob")
    deliver(alice, 5)
    return alice, bob


async def test_a_message_gone_meanwhile_leaves_no_copy(street: Street, boxes: tuple[Mailbox, Mailbox]) -> None:
    alice, bob = boxes
    client = await street.user("alice", "INBOX")
    alice.remove_messages(5, [1])
    assert (await client(REPLACE))[-1].startswith(b"NO [EXPUNGEISSUED]")
    assert bob.folder(("In",)).total == 0


async def test_a_removal_that_fails_leaves_no_copy(
    street: Street, boxes: tuple[Mailbox, Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = boxes
    client = await street.user("alice", "INBOX")
    _fail(monkeypatch, alice)
    assert (await client(REPLACE))[-1].startswith(b"NO [UNAVAILABLE]")
    assert (alice.folder(5).total, bob.folder(("In",)).total) == (1, 0)


async def test_a_removal_whose_answer_is_lost_keeps_the_new_message(
    street: Street, boxes: tuple[Mailbox, Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is in one of both places, whatever is not known."""
    alice, bob = boxes
    client = await street.user("alice", "INBOX")
    write = street.services.runner.write

    async def lose(ref: MailboxRef, fn: Callable[[], Any]) -> Any:
        result = await write(ref, fn)
        if ref == alice.ref:
            raise Unavailable("no answer to COMMIT")
        return result

    monkeypatch.setattr(street.services.runner, "write", lose)
    assert (await client(REPLACE))[-1].startswith(b"NO [UNAVAILABLE]")
    assert (alice.folder(5).total, bob.folder(("In",)).total) == (0, 1)


async def test_a_copy_that_cannot_be_taken_back(
    street: Street,
    boxes: tuple[Mailbox, Mailbox],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It stays, and the log tells; the reply is that of the first failure."""
    alice, bob = boxes
    client = await street.user("alice", "INBOX")
    _fail(monkeypatch, alice, bob)
    with caplog.at_level(logging.ERROR):
        assert (await client(REPLACE))[-1].startswith(b"NO [UNAVAILABLE]")
    assert (alice.folder(5).total, bob.folder(("In",)).total) == (1, 1)
    assert "keeps" in caplog.text


def _fail(monkeypatch: pytest.MonkeyPatch, first: Mailbox, second: Mailbox | None = None) -> None:
    """Let removing fail: in the first mailbox with Unavailable, in the second with NotFound."""
    real = Mailbox.remove_messages

    def remove(self: Mailbox, folder_id: int, uids: list[int]) -> list[int]:
        if second is not None and self.ref == second.ref:
            raise NotFound("no such folder")
        if self.ref == first.ref:
            raise Unavailable("disk full")
        return real(self, folder_id, uids)

    monkeypatch.setattr(Mailbox, "remove_messages", remove)
