"""Placements and items belong together (invariant 7): neither is there without the other, nor without a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import bindparam, exists, func, select

from store import folders, keywords, messages, transfer
from store.checks.folders import hierarchy_changed
from store.engine import Statement, Work, insert_statement
from store.findings import Fault, Finding, Subject, some
from store.folders import ADD, COLUMNS, new_folder
from store.foldertree import name_key
from store.ids import MessageFlag, SpecialFolder
from store.mapi.types import filetime_from_unix, unix_from_filetime
from store.schema import folder, item, keyword, message

RECOVERED = "Recovered Messages"

_HERE = message.c.mailbox_id == bindparam("m")
_FOLDERLESS = Statement(
    select(message.c.folder_id, func.count(), func.max(message.c.uid), func.max(message.c.modseq))
    .where(
        _HERE,
        ~exists().where(folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == message.c.folder_id),
    )
    .group_by(message.c.folder_id)
    .order_by(message.c.folder_id),
    "m",
)
_ITEMLESS = Statement(
    select(message.c.folder_id, message.c.uid)
    .where(
        _HERE,
        message.c.assoc == 0,
        ~exists().where(item.c.mailbox_id == bindparam("m"), item.c.item_id == message.c.item_id),
    )
    .order_by(message.c.folder_id, message.c.uid),
    "m",
)
_UNPLACED = Statement(
    select(item.c.item_id, item.c.raw_len, item.c.delivery_time, item.c.has_attach)
    .where(
        item.c.mailbox_id == bindparam("m"),
        ~exists().where(_HERE, message.c.item_id == item.c.item_id),
    )
    .order_by(item.c.item_id),
    "m",
)
_CHILD = Statement(
    select(folder.c.folder_id).where(
        folder.c.mailbox_id == bindparam("m"), folder.c.parent_id == bindparam("p"), folder.c.name_key == bindparam("k")
    ),
    "m",
    "p",
    "k",
)
_NAMES = Statement(
    select(folder.c.name_key).where(folder.c.mailbox_id == bindparam("m"), folder.c.parent_id == bindparam("p")),
    "m",
    "p",
)
_PLACE = insert_statement(message, *messages.PLACEMENT_COLUMNS)
_KEYWORDS = Statement(select(message.c.kw).distinct().where(_HERE, message.c.kw != 0), "m")
_ADD_KEYWORD = insert_statement(keyword, "mailbox_id", "bit", "name", "name_key")


def folderless(subject: Subject) -> Iterator[Fault]:
    """Look for placements in folders that are not there."""
    for number, count, last, modseq in subject.db.all(_FOLDERLESS, (subject.db.mailbox_id,)):

        def revive(work: Work, number: int = number, last: int = last, modseq: int = modseq) -> None:
            cn = work.allocate(cns=1).cn
            parent = int(SpecialFolder.IPM_SUBTREE)
            taken = {row[0] for row in work.all(_NAMES, (work.mailbox_id, parent))}
            name = f"Recovered Folder {number}"
            while name_key(name) in taken:
                name += " (again)"
            values = new_folder(work.mailbox_id, number, parent, name, "IPF.Note", cn=cn, uidvalidity=int(time.time()))
            # What vanished before is not known: nothing below the floor is vouched for.
            floor = max(cn, modseq)
            values |= {"uidnext": last + 1, "modseq": floor, "expunge_floor": floor, "recent_uid": last + 1}
            work.run(ADD, tuple(values[column] for column in COLUMNS))
            hierarchy_changed(work, cn)

        yield Fault(
            Finding(
                "placement-without-folder",
                7,
                f"{count} messages are in folder {number}, which is not there",
                "A repair makes a folder for them at the top of the mailbox.",
            ),
            revive,
        )


def itemless(subject: Subject) -> Iterator[Fault]:
    """Look for placements whose item is gone: a client sees a message that cannot be read."""
    rows = subject.db.all(_ITEMLESS, (subject.db.mailbox_id,))
    for number, group in groupby(rows, key=lambda row: row[0]):
        uids = [row[1] for row in group]

        def remove(work: Work, number: int = number, uids: list[int] = uids) -> None:
            transfer.remove(work, subject.blobs, number, uids)

        yield Fault(
            Finding(
                "placement-without-item",
                7,
                f"folder {number} lists messages whose content is gone: UID {some(uids)}",
                "Restore the mailbox from a backup to have them again; a repair takes them off the list.",
                lossy=True,
            ),
            remove,
        )


def unplaced(subject: Subject) -> Iterator[Fault]:
    """Look for items that no folder shows."""
    rows = subject.db.all(_UNPLACED, (subject.db.mailbox_id,))
    if not rows:
        return

    def place(work: Work) -> None:
        target = recovery_folder(work)
        for item_id, size, delivered, has_attach in rows:
            place_item(work, target, item_id, size, delivered, bool(has_attach))

    yield Fault(
        Finding(
            "item-without-placement",
            7,
            f"no folder shows these items: {some([row[0] for row in rows])}",
            f"A repair shows them in the folder “{RECOVERED}”.",
        ),
        place,
    )


def recovery_folder(work: Work) -> int:
    """Find or make the folder at the top of the mailbox in which recovered messages are shown."""
    parent = int(SpecialFolder.IPM_SUBTREE)
    row = work.one(_CHILD, (work.mailbox_id, parent, name_key(RECOVERED)))
    return int(row[0]) if row is not None else folders.add(work, parent, RECOVERED, "IPF.Note")


def place_item(work: Work, target: int, item_id: int, size: int, delivered: int | None, has_attach: bool) -> None:
    """Show an item in a folder, unread, dated by its delivery."""
    now = time.time()
    numbers = work.allocate(cns=1, ids=1, grow=size)
    cn = numbers.cn
    uid, *_ = messages.enter_folder(work, target, count=1, unseen=1, marked=0, octets=size, last_cn=cn)
    date = int(now if delivered is None else unix_from_filetime(delivered))
    flags = int(MessageFlag.HAS_ATTACHMENT) if has_attach else 0
    stamp = filetime_from_unix(now)
    work.run(
        _PLACE,
        (work.mailbox_id, target, 0, uid, numbers.id, item_id, cn, cn, 0, flags, 0, date, size, stamp, stamp, 0, cn),
    )
    work.touch(target, cn)


def unknown_keywords(subject: Subject) -> Iterator[Fault]:
    """Look for keyword bits that no name stands for."""
    db = subject.db
    known = keywords.names(db)
    used = 0
    for (bits,) in db.all(_KEYWORDS, (db.mailbox_id,)):
        used |= bits
    unknown = [bit for bit in range(63) if used >> bit & 1 and bit not in known]
    if not unknown:
        return

    def register(work: Work) -> None:
        for bit in unknown:
            name = f"Keyword{bit}"
            work.run(_ADD_KEYWORD, (work.mailbox_id, bit, name, name.casefold()))

    yield Fault(
        Finding(
            "keyword-unknown",
            0,
            f"messages bear keywords that have no name: bit {some(unknown)}",
            "A repair names them Keyword and their number.",
        ),
        register,
    )
