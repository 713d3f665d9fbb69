"""IDLE: the server speaks when something happens ([RFC2177])."""

from __future__ import annotations

from gateway.imap.errors import Reply, ok
from gateway.imap.protocol.types import NoArguments
from gateway.imap.session import Session

WAITING = Reply(b"OK", b"(IDLE goes on)")
"""Returned in place of a reply: the command goes on until the client's next line, which the connection hands to `end`.

Between, no coroutine waits: a hint wakes the connection, which pulls the changes.
"""


async def idle(session: Session, args: NoArguments) -> Reply:
    """IDLE: from now on a hint leads to untagged updates ([RFC2177] 3)."""
    session.begin_idle()
    session.send(b"+ idling\r\n")
    return WAITING


def end(session: Session, line: bytes) -> Reply:
    """The line that ends IDLE: DONE, and nothing else ([RFC2177] 3)."""
    session.end_idle()
    if line.strip().upper() == b"DONE":
        return ok(b"IDLE completed.")
    return Reply(b"BAD", b"Expected DONE.")
