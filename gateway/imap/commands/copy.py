"""COPY and MOVE, by number and by UID ([RFC3501] 6.4.7, [RFC6851], [RFC4315] 3)."""

from __future__ import annotations

from gateway.imap.errors import Reply, no, ok
from gateway.imap.protocol import writer
from gateway.imap.protocol.types import Copy, Move
from gateway.imap.session import Session
from store.changes import Transfer


async def copy(session: Session, args: Copy) -> Reply:
    """COPY: all or nothing, flags and internal date are kept ([RFC3501] 6.4.7)."""
    selected = session.folder_selected
    uids = session.uids_of(args.messages, uid=args.uid)
    target = await session.folder(args.mailbox, missing=b"TRYCREATE")
    if not uids:
        return ok(b"COPY completed; there was nothing to copy.")
    done = await session.write_many(len(uids), session.mailbox.copy, selected.folder_id, uids, target.id)
    return ok(b"COPY completed.", _copyuid(done, uids))


async def move(session: Session, args: Move) -> Reply:
    """MOVE: as COPY and EXPUNGE of just these in one step ([RFC6851] 3.1, 3.2, 3.3, 4.3).

    It needs no room in the mailbox ([RFC6851] 4.1).
    """
    selected = session.writable_folder()
    uids = session.uids_of(args.messages, uid=args.uid)
    target = await session.folder(args.mailbox, missing=b"TRYCREATE")
    if not uids:
        return ok(b"MOVE completed; there was nothing to move.")
    done = await session.write_many(len(uids), session.mailbox.move, selected.folder_id, uids, target.id)
    # [RFC6851] 4.3: the new UIDs are told before the EXPUNGE responses.
    session.send(writer.status(b"*", b"OK", "Moved UIDs.", _copyuid(done, uids)))
    await session.sync(expunge=True, forced=True)
    # [RFC7162] 3.2.7 asks for it after EXPUNGE; the same reason holds here.
    return ok(b"MOVE completed.", b"HIGHESTMODSEQ %d" % selected.watermark if session.condstore else b"")


def _copyuid(done: Transfer, uids: list[int]) -> bytes:
    """COPYUID; Refusal NO [EXPUNGEISSUED] when every message asked for had been expunged by someone else."""
    if not done.source:
        raise no(b"The messages have been expunged.", b"EXPUNGEISSUED")
    return writer.code_copyuid(done.uidvalidity, done.source, done.destination)
