"""The maildrop: the Inbox as it stood at sign-in, and what the client has marked ([RFC1939] 4, 5).

Exchange locks nothing: several sessions, POP3 or others, may use a mailbox at once, and so it is here (no `[IN-USE]`,
[RFC2449] 8.1.2 leaves it to the server). A message that another session removes meanwhile keeps its number and answers
`-ERR [SYS/TEMP]`; what this session has deleted leaves the mailbox at QUIT alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Maildrop:
    """A snapshot of parallel sequences, in message order, and the set of deleted positions."""

    uidvalidity: int
    uids: Sequence[int]
    sizes: Sequence[int]
    """Octets of each message, exact."""
    items: Sequence[int]
    """What the store calls the content of each."""
    deleted: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.uids)

    def position(self, number: int | None) -> int | None:
        """Turn a message number into a position; None when there is no such message or it is marked as deleted."""
        if number is None or not 1 <= number <= len(self.uids) or number - 1 in self.deleted:
            return None
        return number - 1

    def remaining(self) -> tuple[int, int]:
        """How many messages are not marked as deleted, and their octets together ([RFC1939] 5 STAT)."""
        if not self.deleted:
            return len(self.uids), sum(self.sizes)
        return len(self.uids) - len(self.deleted), sum(self.sizes) - sum(self.sizes[at] for at in self.deleted)

    def scan_listing(self) -> list[bytes]:
        """The lines of LIST ([RFC1939] 5)."""
        if not self.deleted:
            return [b"%d %d" % pair for pair in enumerate(self.sizes, 1)]
        return [b"%d %d" % (at + 1, size) for at, size in enumerate(self.sizes) if at not in self.deleted]

    def unique_ids(self) -> list[bytes]:
        """The lines of UIDL ([RFC1939] 7)."""
        validity = self.uidvalidity
        return [b"%d %d-%d" % (at + 1, validity, uid) for at, uid in enumerate(self.uids) if at not in self.deleted]

    def unique_id(self, at: int) -> bytes:
        """The unique-id of one message: UIDVALIDITY and UID, which never name another message ([RFC1939] 7 UIDL)."""
        return b"%d-%d" % (self.uidvalidity, self.uids[at])

    def doomed(self) -> list[int]:
        """The UIDs to remove in the UPDATE state, ascending ([RFC1939] 6)."""
        return sorted(self.uids[at] for at in self.deleted)
