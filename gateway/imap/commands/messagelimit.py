"""How many messages one command may touch, where the administrator has set a limit ([RFC9738] 3).

A command that names more is carried out for the newest, and says which was the last of them; COPY, APPEND, SORT and
THREAD, which are worth nothing by halves, are refused ([RFC9738] 3.1, 3.3). EXPUNGE, CLOSE and STATUS know no limit.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from gateway.imap.environment import ImapSettings
from gateway.imap.errors import Refusal, Reply, no
from gateway.imap.session import Session
from gateway.imap.view import FolderView
from store.mapi import restriction as r

_TOO_MANY = b"That is too many messages for one command; name fewer."
_NEWEST = b"Only the last messages were processed, as many as one command may; name the others again."


def capabilities(settings: ImapSettings) -> str:
    """`MESSAGELIMIT=n`, where there is a limit ([RFC9738] 3)."""
    return f"MESSAGELIMIT={settings.message_limit}" if settings.message_limit else ""


class Limit:
    """The limit for one command, and how far it has come."""

    __slots__ = ("_session", "last", "most")

    def __init__(self, session: Session) -> None:
        self._session = session
        self.most = session.services.settings.message_limit
        """Messages; 0 for no limit."""
        self.last = 0
        """The lowest UID that is processed; 0: there were not too many."""

    def is_over(self, count: int) -> bool:
        """Whether so many messages are too many."""
        return 0 < self.most < count

    def newest(self, uids: list[int]) -> list[int]:
        """Those of some messages, by ascending UIDs, that the command is carried out for ([RFC9738] 3.1)."""
        if not self.is_over(len(uids)):
            return uids
        kept = uids[-self.most :]
        self.last = kept[0]
        return kept

    def refuse(self, uids: Sequence[int]) -> None:
        """Raise Refusal NO [MESSAGELIMIT] for more than may be; it names the last that might ([RFC9738] 3.1, COPY)."""
        if self.is_over(len(uids)):
            raise self.refusal(uids[-self.most])

    def refusal(self, last: int = 0) -> Refusal:
        """The refusal of a command that is not carried out at all; `last` is 0 where it is not known ([RFC9738] 5)."""
        return no(_TOO_MANY, self._code(last))

    def tell(self) -> None:
        """Say it in an untagged NO, where the tagged reply has another code ([RFC9738] 3.1)."""
        if self.last:
            self._session.send(Reply(b"NO", _NEWEST, self._code(self.last)).line(b"*"))

    def conclude(self, reply: Reply) -> Reply:
        """The end of a command that was carried out: with the code, if there were too many ([RFC9738] 3.1)."""
        if not self.last:
            return reply
        if reply.code:
            self.tell()
            return reply
        return reply._replace(text=_NEWEST, code=self._code(self.last))

    def _code(self, last: int) -> bytes:
        return b"MESSAGELIMIT %d %d" % (self.most, last) if last else b"MESSAGELIMIT %d" % self.most


def searched(view: FolderView, wanted: r.Restriction) -> list[int]:
    """The UIDs, ascending, of the messages that a search looks at: those that all its sets name ([RFC9738] 3.1)."""
    uids: Sequence[int] = view.uids
    for part in wanted.parts if isinstance(wanted, r.And) else (wanted,):
        if isinstance(part, r.UidIn):
            named: list[int] = []
            for low, high in part.ranges:
                named += uids[bisect_left(uids, low) : bisect_right(uids, high)]
            uids = named
    return list(uids)
