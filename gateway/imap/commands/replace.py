"""REPLACE and UID REPLACE: a new message takes the place of one of the selected mailbox ([RFC8508])."""

from __future__ import annotations

from gateway.imap.commands.append import appenduid, prepare
from gateway.imap.errors import Refusal, Reply, no, ok
from gateway.imap.place import Place
from gateway.imap.protocol import writer
from gateway.imap.protocol.message_types import Replace
from gateway.imap.protocol.types import SequenceSet
from gateway.imap.session import Session
from gateway.services import transfer
from store.changes import MessageRow, Transfer
from store.errors import StoreError
from store.messages import Delivery


async def replace(session: Session, args: Replace) -> Reply:
    """APPEND, and the removal of the old message, in one step: both or neither ([RFC8508] 3.2 to 3.4).

    Flags and date are those that the command names, not the old message's. It takes the right to remove here and to
    add there ([RFC8508] 4.1), and everything that APPEND can do ([RFC8508] 4.2); the old message goes as by UID
    EXPUNGE, and the new one is another ([RFC8508] 4.5, 4.6). Raises Refusal NO [TRYCREATE], [READ-ONLY],
    [EXPUNGEISSUED] or [NONEXISTENT] where the old message is not there any more, and what APPEND raises.
    """
    selected = session.writable_folder()
    uids = session.uids_of(SequenceSet(((args.target, args.target),)), uid=args.uid)
    if not uids:
        raise _gone(args)
    place = await session.place(args.mailbox, missing=b"TRYCREATE")
    deliveries = await prepare(session, [args.message])
    if place.mailbox.ref == session.mailbox.ref:
        row = await _swap(session, uids, place, deliveries[0])
    else:
        row = await _swap_between(session, uids, place, deliveries[0])
    if row is None:
        raise _gone(args)
    if selected.is_at(place):
        selected.note_made([row.uid])
    # [RFC8508] 4.3: the new UID is told before the EXPUNGE response.
    session.send(
        writer.status(b"*", b"OK", "Replacement message is ready.", appenduid(place.row.uidvalidity, [row.uid]))
    )
    await session.sync(expunge=True, forced=True)
    return ok(b"REPLACE completed.", b"HIGHESTMODSEQ %d" % selected.watermark if session.condstore else b"")


def _gone(args: Replace) -> Refusal:
    return no(b"The message to replace is not there.", b"NONEXISTENT" if args.uid else b"EXPUNGEISSUED")


async def _swap(session: Session, uids: list[int], place: Place, delivery: Delivery) -> MessageRow | None:
    """Replace within one mailbox: one unit of work. None where the old message is gone."""
    source, folder_id = session.mailbox, session.folder_selected.folder_id

    def swap() -> MessageRow | None:
        # What the old message leaves free counts for the new one.
        if not source.remove_messages(folder_id, uids):
            return None
        return place.mailbox.deliver_all(place.row.id, [delivery]).rows[0]

    return await session.write(source, swap)


async def _swap_between(session: Session, uids: list[int], place: Place, delivery: Delivery) -> MessageRow | None:
    """Replace by a message in another mailbox. None where the old message is gone.

    The two have no transaction in common: the new message is taken back where the old one cannot be removed, as the
    owner, for who may add to a mailbox need not be allowed to remove from it.
    """
    source, folder_id, store = session.mailbox, session.folder_selected.folder_id, session.services.store
    target, target_id = place.mailbox, place.row.id
    arrived = await session.write(target, target.deliver_all, target_id, [delivery])
    row = arrived.rows[0]
    try:
        if await session.write(source, source.remove_messages, folder_id, uids):
            return row
    except StoreError:
        made = Transfer(arrived.uidvalidity, uids, [row.uid])
        await session.services.runner.run(transfer.take_back, store, source.ref, folder_id, target.ref, target_id, made)
        raise
    owned = await session.read(store.open, target.ref)
    await session.write(owned, owned.remove_messages, target_id, [row.uid])
    return None
