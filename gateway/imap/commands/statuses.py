"""STATUS, by itself and for what LIST finds ([RFC3501] 6.3.10, [RFC5819] 2, [RFC8438] 3, [RFC8474] 4.3).

APPENDLIMIT is the same for every mailbox, whatever its rights and quota ([RFC7889] 3.1, 3.2, 3.3, 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.imap.errors import Reply, ok
from gateway.imap.flags import DELETED
from gateway.imap.names import mailbox_id
from gateway.imap.place import Place
from gateway.imap.protocol import writer
from gateway.imap.protocol.mailbox_types import Status, StatusItem
from gateway.imap.session import Session
from store.changes import FolderRow
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
    values: list[tuple[bytes, int | bytes]] = []
    for item in items:
        of_row = _OF_ROW.get(item)
        values.append((item.value, of_row(row) if of_row is not None else await _other(session, place, item)))
    return writer.status_line(name, values, utf8=session.utf8_names)


_OF_ROW: dict[StatusItem, Callable[[FolderRow], int]] = {
    StatusItem.MESSAGES: lambda row: row.total,
    StatusItem.UIDNEXT: lambda row: row.uidnext,
    StatusItem.UIDVALIDITY: lambda row: row.uidvalidity,
    StatusItem.UNSEEN: lambda row: row.unread,
    StatusItem.SIZE: lambda row: row.size,
    StatusItem.DELETED: lambda row: row.deleted,
}


async def _other(session: Session, place: Place, item: StatusItem) -> int | bytes:
    """An item that takes more than the folder's row."""
    mailbox, row = place
    match item:
        case StatusItem.HIGHESTMODSEQ:
            session.enable_condstore()
            return max(row.modseq, 1)
        case StatusItem.RECENT:
            return await session.count_recent(place)
        case StatusItem.DELETED_STORAGE:
            # Octets of the messages marked \Deleted ([RFC9208] 4.1.4).
            index = await session.read_index(mailbox, row.id) if row.deleted else None
            return 0 if index is None else index.octets(DELETED)
        case StatusItem.MAILBOXID:
            return b"(%b)" % mailbox_id(mailbox.ref, row)
        case _:
            assert item is StatusItem.APPENDLIMIT
            return session.services.settings.max_message
