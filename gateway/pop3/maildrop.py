"""The maildrop: the Inbox as it stood at sign-in, and what the client has marked ([RFC1939] 4, 5, 7).

A message that another session removes meanwhile keeps its number and answers `-ERR [SYS/TEMP]`; what this session has
deleted leaves the mailbox at QUIT alone.

A maildrop may hold hundreds of thousands of messages: listings come in pieces, and marks take an octet a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import not_ as _not

LINES = 1000
"""Lines of a listing made at a time."""


class Maildrop:
    """A snapshot of parallel sequences, in message order, and the marks."""

    __slots__ = ("_deleted", "_marked", "_marked_octets", "_octets", "_repeated", "items", "name", "sizes", "uids")

    def __init__(
        self,
        uids: Sequence[int] = (),
        sizes: Sequence[int] = (),
        items: Sequence[int] = (),
        repeated: Iterable[int] = (),
    ) -> None:
        """`sizes` are exact octets, `items` what the store calls the content of each message.

        `repeated` are the UIDs of those that came when their content was there already (MessageFlag.REPEATED).
        """
        self.name = b""
        """What every unique-id begins with: it names the mailbox for its life. To be set before they are asked for."""
        self.uids = uids
        self.sizes = sizes
        self.items = items
        self._octets = -1
        self._deleted: bytearray | None = None
        self._marked = 0
        self._marked_octets = 0
        self._repeated = frozenset(repeated)

    def position(self, number: int | None) -> int | None:
        """Turn a message number into a position; None when there is no such message or it is marked as deleted."""
        if number is None or not 1 <= number <= len(self.uids):
            return None
        return None if self._deleted is not None and self._deleted[number - 1] else number - 1

    def mark(self, at: int) -> None:
        """Mark a message that is not marked ([RFC1939] 5 DELE)."""
        if self._deleted is None:
            self._deleted = bytearray(len(self.uids))
        self._deleted[at] = 1
        self._marked += 1
        self._marked_octets += self.sizes[at]

    def unmark_all(self) -> None:
        """Unmark all ([RFC1939] 5 RSET)."""
        self._deleted = None
        self._marked = self._marked_octets = 0

    def remaining(self) -> tuple[int, int]:
        """How many messages are not marked as deleted, and their octets together ([RFC1939] 5 STAT)."""
        if self._octets < 0:
            self._octets = sum(self.sizes)
        return len(self.uids) - self._marked, self._octets - self._marked_octets

    def scan_listing(self) -> Iterator[bytes]:
        """The lines of LIST, many in a piece ([RFC1939] 5)."""
        for start in range(0, len(self.uids), LINES):
            rows = enumerate(self.sizes[start : start + LINES], start + 1)
            if self._deleted is None:
                yield b"".join([b"%d %d\r\n" % row for row in rows])
            else:
                unmarked = map(_not, self._deleted[start : start + LINES])
                yield b"".join([b"%d %d\r\n" % row for row in compress(rows, unmarked)])

    def unique_ids(self) -> Iterator[bytes]:
        """The lines of UIDL, many in a piece ([RFC1939] 7)."""
        repeated, deleted = self._repeated, self._deleted
        line = b"%%d %b.%%d\r\n" % self.name
        for start in range(0, len(self.uids), LINES):
            rows: Iterable[tuple[int, int]] = enumerate(self.items[start : start + LINES], start + 1)
            if deleted is not None:
                rows = compress(rows, map(_not, deleted[start : start + LINES]))
            if repeated:
                yield b"".join([b"%d %b\r\n" % (number, self.unique_id(number - 1)) for number, _ in rows])
            else:
                yield b"".join([line % row for row in rows])

    def unique_id(self, at: int) -> bytes:
        """The unique-id of one message ([RFC1939] 7 UIDL): at most 44 of the 70 octets.

        It names the mailbox and the content, whose number the mailbox never gives again; so it stays over restarts,
        over a backup that is put back, and when the message goes to another folder and comes back. Where one content
        is there twice, by COPY, the first has that name and those that came later bear their UID as well, for good.
        """
        if self.uids[at] in self._repeated:
            return b"%b.%d.%d" % (self.name, self.items[at], self.uids[at])
        return b"%b.%d" % (self.name, self.items[at])

    def doomed(self) -> list[int]:
        """The UIDs to remove in the UPDATE state, ascending ([RFC1939] 6)."""
        if self._deleted is None:
            return []
        return [uid for uid, marked in zip(self.uids, self._deleted, strict=True) if marked]
