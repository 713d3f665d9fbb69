"""A mailbox whose text index is made and asked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from conversion.mime.rendition import render
from conversion.mime.text import MimeText as Reader
from store.ids import MailboxRef, SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent, MimeRendition
from store.mapi.restriction import MimeText, Restriction
from store.textindex import TextIndex

INBOX = SpecialFolder.INBOX
MANY = 40


def unread(mime: MimeRendition, received: int | None, mailbox: MailboxRef) -> MessageContent:
    raise AssertionError("nobody asked for properties")


def mail_of(text: str, subject: str = "x", *, charset: str = "utf-8") -> bytes:
    head = f"Subject: {subject}\r\nX-Own: {subject} {len(text)}\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"
    return (head + text + "\r\n").encode(charset, "replace")


class Stopped(Exception):
    """What a test ends a search or an update with."""


class Box:
    """A mailbox whose text index is made and asked by hand."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox
        self.parts = self.mailbox._parts
        self.index: TextIndex = self.parts.text_index

    def add(self, *texts: str, subject: str = "x") -> None:
        for text in texts:
            self.mailbox.deliver(INBOX, None, mime=render(mail_of(text, subject)))

    def fill(self, count: int = MANY) -> None:
        """Add messages that say nothing: with few of them the index is not asked."""
        self.add(*(f"nothing {number}" for number in range(count)))

    def find(self, restriction: Restriction | str, *, read: list[int] | None = None) -> list[int]:
        """Search with the index; `read` takes the sizes of the messages that were read for it."""
        node = MimeText(restriction, True) if isinstance(restriction, str) else restriction
        return self.mailbox.find(INBOX, node, text=Reader if read is None else self.counting(read))

    @staticmethod
    def counting(read: list[int]) -> type[Reader]:
        class Counting(Reader):
            def __init__(self, raw: bytes, parts: bytes = b"") -> None:
                read.append(len(raw))
                super().__init__(raw, parts)

            @staticmethod
            def sift(
                messages: Sequence[tuple[bytes, bytes]], word: bytes, needle: bytes | None, *, headers: bool
            ) -> list[bool | None]:
                return [None] * len(messages)  # what is looked at counts as read

        return Counting

    def scan(self, restriction: Restriction) -> list[int]:
        self.parts.texts.enabled = False
        try:
            return self.mailbox.find(INBOX, restriction, text=Reader)
        finally:
            self.parts.texts.enabled = True

    def files(self) -> list[Path]:
        return sorted(self.index.folder.glob("*.text"))
