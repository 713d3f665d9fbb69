"""COPY and MOVE, by number and by UID ([RFC3501] 6.4.7, [RFC6851], [RFC4315] 3)."""

from __future__ import annotations

from gateway.imap.commands.messagelimit import Limit
from gateway.imap.commands.progress import Ticker
from gateway.imap.errors import Refusal, Reply, no, ok
from gateway.imap.place import Place
from gateway.imap.protocol import writer
from gateway.imap.protocol.message_types import Copy, Move
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from gateway.services import transfer
from store.changes import Transfer
from store.errors import Conflict

_NOTHING_TO_COPY = b"COPY completed; there was nothing to copy."
_NOTHING_TO_MOVE = b"MOVE completed; there was nothing to move."


async def copy(session: Session, args: Copy) -> Reply:
    """COPY: all or nothing, flags and internal date are kept ([RFC3501] 6.4.7).

    NO [EXPUNGEISSUED] if someone else has expunged one of the messages; by UID those are ignored ([RFC3501] 6.4.8).
    Inside a mailbox it is a few statements for all messages, and there is nothing to say of how far they are; into
    another's mailbox the messages go one by one ([RFC9585] 4).
    """
    selected = session.folder_selected
    uids = session.uids_of(args.messages, uid=args.uid)
    Limit(session).refuse(uids)
    target = await session.place(args.mailbox, missing=b"TRYCREATE")
    if not uids:
        return ok(_NOTHING_TO_COPY)
    try:
        if target.mailbox.ref != session.mailbox.ref:
            with Ticker(session) as progress:
                done = await session.services.runner.run(
                    target.mailbox.copy_from,
                    session.mailbox,
                    selected.folder_id,
                    uids,
                    target.row.id,
                    whole=not args.uid,
                    progress=progress,
                )
        else:
            done = await session.write_many(
                session.mailbox,
                len(uids),
                session.mailbox.copy,
                selected.folder_id,
                uids,
                target.row.id,
                whole=not args.uid,
            )
    except Conflict as error:
        raise _expunged() from error
    _note_made(selected, target, done)
    return ok(b"COPY completed.", _copyuid(done)) if done.source else ok(_NOTHING_TO_COPY)


async def move(session: Session, args: Move) -> Reply:
    """MOVE: as COPY and EXPUNGE of just these in one step ([RFC6851] 3.1, 3.2, 3.3, 4.3).

    It needs no room in the mailbox ([RFC6851] 4.1). What someone else has expunged is passed over; where nothing is
    left the reply is NO [EXPUNGEISSUED], by UID it is OK ([RFC3501] 6.4.8). It takes the rights of COPY there and of
    EXPUNGE here ([RFC6851] 4.2), and tells of it by VANISHED to who has enabled QRESYNC ([RFC6851] 4.4).
    """
    selected = session.writable_folder()
    limit = Limit(session)
    uids = limit.newest(session.uids_of(args.messages, uid=args.uid))
    target = await session.place(args.mailbox, missing=b"TRYCREATE")
    if not uids:
        return ok(_NOTHING_TO_MOVE)
    mailbox, folder_id, services = session.mailbox, selected.folder_id, session.services
    with Ticker(session) as progress:
        if target.mailbox.ref != mailbox.ref:
            done = await transfer.move(
                services.runner,
                services.store,
                mailbox,
                folder_id,
                uids,
                target.mailbox,
                target.row.id,
                progress=progress,
            )
        else:
            done = await session.write_many(
                mailbox, len(uids), mailbox.move, folder_id, uids, target.row.id, progress=progress
            )
    _note_made(selected, target, done)
    if not done.source:
        if args.uid:
            return limit.conclude(ok(_NOTHING_TO_MOVE))
        limit.tell()
        raise _expunged()
    # [RFC6851] 4.3: the new UIDs are told before the EXPUNGE responses.
    session.send(writer.status(b"*", b"OK", "Moved UIDs.", _copyuid(done)))
    await session.sync(expunge=True, forced=True)
    # [RFC7162] 3.2.7 asks for it after EXPUNGE; the same reason holds here.
    code = b"HIGHESTMODSEQ %d" % selected.watermark if session.condstore else b""
    return limit.conclude(ok(b"MOVE completed.", code))


def _note_made(selected: Selected, target: Place, done: Transfer) -> None:
    """What the session has put into its own folder it is not asked about ([RFC5465] 5.2)."""
    if selected.is_at(target):
        selected.note_made(done.destination)


def _expunged() -> Refusal:
    return no(b"Some of the messages have been expunged.", b"EXPUNGEISSUED")


def _copyuid(done: Transfer) -> bytes:
    return writer.code_copyuid(done.uidvalidity, done.source, done.destination)
