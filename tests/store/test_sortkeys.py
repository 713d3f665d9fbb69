"""Header lines by item, and messages by their save dates, on both databases."""

from __future__ import annotations

import time

import pytest

from conversion.mime.rendition import render
from store import messages
from store.ids import SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent
from store.sortkeys import SortKeys


def deliver(mailbox: Mailbox, subject: str) -> int:
    mime = render(f"Subject: {subject}\r\nX-Other: x\r\n\r\nbody\r\n".encode())
    return mailbox.deliver(SpecialFolder.INBOX, MessageContent({}), mime=mime).item_id


def test_headers_of_items(mailbox: Mailbox) -> None:
    """Neighbours and others, in chunks; what is not there is left out."""
    items = [deliver(mailbox, str(number)) for number in range(5)]
    lines = [(item, f"Subject: {number}\r\n".encode()) for number, item in enumerate(items)]
    assert mailbox.item_headers([]) == []
    assert sorted(mailbox.item_headers(items)) == lines
    assert sorted(mailbox.item_headers([items[0], items[3], items[4] + 7])) == [lines[0], lines[3]]
    keys = SortKeys()
    table = keys.read(mailbox, [*items, items[4] + 7], {"whole": lambda header: header})["whole"]
    assert dict(table) == dict(lines)


def test_save_dates(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC8514] 3: from a second up to another, not included."""
    now = int(time.time())
    for moment in (now - 10, now, now + 10):
        monkeypatch.setattr(messages.time, "time", lambda moment=moment: moment + 0.25)
        deliver(mailbox, "x")
    inbox = SpecialFolder.INBOX
    assert mailbox.saved_between(inbox, now, now + 10) == [2]
    assert mailbox.saved_between(inbox, now - 10, now + 11) == [1, 2, 3]
    assert mailbox.saved_between(inbox, -(1 << 36), now) == [1]
    assert mailbox.saved_between(inbox, now + 11, 1 << 36) == []
