"""How a command ends, and the one table from store errors to IMAP replies ([RFC3501] 7.1, [RFC5530] 3)."""

from __future__ import annotations

from typing import NamedTuple

from store import errors as store_errors


class Reply(NamedTuple):
    """The end of a command without its tag: `OK [CODE] text` ([RFC3501] 7.1)."""

    status: bytes
    """`OK`, `NO` or `BAD`."""
    text: bytes
    code: bytes = b""
    """A response code without its brackets; empty for none."""

    def line(self, tag: bytes) -> bytes:
        """The whole line, with its CRLF."""
        if self.code:
            return b"%b %b [%b] %b\r\n" % (tag, self.status, self.code, self.text)
        return b"%b %b %b\r\n" % (tag, self.status, self.text)


class Refusal(Exception):
    """A command ends with NO or BAD; what was changed before stays changed."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text.decode("ascii", "replace"))
        self.reply = reply


def ok(text: bytes, code: bytes = b"") -> Reply:
    """A tagged OK."""
    return Reply(b"OK", text, code)


def no(text: bytes, code: bytes = b"") -> Refusal:
    """A refusal to raise: the command is well formed and cannot be done."""
    return Refusal(Reply(b"NO", text, code))


def bad(text: bytes, code: bytes = b"") -> Refusal:
    """A refusal to raise: the command is wrong in itself or in this state."""
    return Refusal(Reply(b"BAD", text, code))


STORE_REPLIES: dict[type[store_errors.StoreError], Reply] = {
    store_errors.NotFound: Reply(b"NO", b"No such mailbox or message.", b"NONEXISTENT"),
    store_errors.AlreadyExists: Reply(b"NO", b"Mailbox already exists.", b"ALREADYEXISTS"),
    store_errors.AccessDenied: Reply(b"NO", b"You lack the right to do that.", b"NOPERM"),
    store_errors.QuotaExceeded: Reply(b"NO", b"The mailbox is full.", b"OVERQUOTA"),
    store_errors.Conflict: Reply(b"NO", b"Something else changed it at the same time; try again.", b"INUSE"),
    store_errors.TooLarge: Reply(b"NO", b"That is over a limit of this server.", b"LIMIT"),
    store_errors.ReadOnly: Reply(b"NO", b"That mailbox cannot be changed so.", b"CANNOT"),
    store_errors.Unavailable: Reply(b"NO", b"The mailbox is not available just now; try again later.", b"UNAVAILABLE"),
}
"""Every leaf of the StoreError tree; a test holds the two against each other."""

SERVER_BUG = Reply(b"NO", b"Internal error.", b"SERVERBUG")
"""Anything unexpected: the log has the traceback, the wire has this ([RFC5530] 3)."""


def reply_for(error: store_errors.StoreError) -> Reply:
    """The reply to a store error; a subclass that has no row takes its base's."""
    for kind in type(error).__mro__:
        reply = STORE_REPLIES.get(kind)
        if reply is not None:
            return reply
    return SERVER_BUG
