"""EXPUNGE and UID EXPUNGE ([RFC3501] 6.4.3, [RFC4315] 2.1)."""

from __future__ import annotations

from gateway.imap.commands.messagelimit import Limit
from gateway.imap.commands.progress import Ticker
from gateway.imap.errors import Reply, ok
from gateway.imap.protocol.message_types import UidExpunge
from gateway.imap.protocol.types import NoArguments
from gateway.imap.session import Session


async def expunge(session: Session, args: NoArguments) -> Reply:
    """EXPUNGE: removes what is marked \\Deleted ([RFC3501] 6.4.3)."""
    return await _expunge(session, None)


async def uid_expunge(session: Session, args: UidExpunge) -> Reply:
    """UID EXPUNGE: removes what is marked \\Deleted and in the set ([RFC4315] 2.1).

    Unlike EXPUNGE it has a limit of messages, if any command has ([RFC9738] 3.1).
    """
    limit = Limit(session)
    marked = await session.marked(session.uids_of(args.messages, uid=True))
    return limit.conclude(await _expunge(session, limit.newest(marked)))


async def _expunge(session: Session, uids: list[int] | None) -> Reply:
    selected = session.writable_folder()
    with Ticker(session) as progress:
        gone = await session.expunge_marked(uids, progress=progress)
    await session.sync(expunge=True, forced=True)
    # [RFC7162] 3.2.7, 3.2.9: the client's cache is good up to here.
    code = b"HIGHESTMODSEQ %d" % selected.watermark if gone and session.condstore else b""
    return ok(b"EXPUNGE completed.", code)
