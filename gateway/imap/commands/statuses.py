"""STATUS, by itself and for what LIST finds ([RFC3501] 6.3.10, [RFC5819] 2, [RFC8438] 3, [RFC8474] 4.3).

APPENDLIMIT is the same for every mailbox, whatever its rights and quota ([RFC7889] 3.1, 3.2, 3.3, 5).
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.imap.errors import Reply, ok
from gateway.imap.flags import DELETED
from gateway.imap.names import mailbox_id
from gateway.imap.place import Place
from gateway.imap.protocol import writer
from gateway.imap.protocol.mailbox_types import Status, StatusItem
from gateway.imap.session import Session
from store.permissions import Rights


async def status(session: Session, args: Status) -> Reply:
    """STATUS: fresh counts without selecting ([RFC3501] 6.3.10, [RFC7162] 3.1.7).

    It takes the right to read the mailbox ([RFC4314] 4).
    """
    place = await session.place(args.mailbox)
    session.send(await line(session, args.mailbox.value, place, args.items))
    return ok(b"STATUS completed.")


async def line(session: Session, name: str, place: Place, items: Sequence[StatusItem]) -> bytes:
    """The untagged STATUS of a mailbox. Raises AccessDenied."""
    mailbox, row = place
    if not mailbox.whole:
        await session.read(mailbox.demand, row.id, Rights.READ_ANY)
    values: dict[StatusItem, int | bytes] = {
        StatusItem.MESSAGES: row.total,
        StatusItem.UIDNEXT: row.uidnext,
        StatusItem.UIDVALIDITY: row.uidvalidity,
        StatusItem.UNSEEN: row.unread,
        StatusItem.HIGHESTMODSEQ: max(row.modseq, 1),
        StatusItem.SIZE: row.size,
        StatusItem.DELETED: row.deleted,
        StatusItem.APPENDLIMIT: session.services.settings.max_message,
    }
    if StatusItem.HIGHESTMODSEQ in items:
        session.enable_condstore()
    if StatusItem.RECENT in items:
        values[StatusItem.RECENT] = await session.count_recent(place)
    if StatusItem.DELETED_STORAGE in items:
        # Octets of the messages marked \Deleted ([RFC9208] 4.1.4).
        index = await session.read_index(mailbox, row.id) if row.deleted else None
        values[StatusItem.DELETED_STORAGE] = 0 if index is None else index.octets(DELETED)
    if StatusItem.MAILBOXID in items:
        values[StatusItem.MAILBOXID] = b"(%b)" % mailbox_id(place.mailbox.ref, row)
    return writer.status_line(name, [(item.value, values[item]) for item in items], utf8=session.utf8_names)
