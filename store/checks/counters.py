"""Folder and mailbox counters equal a recount (invariant 2)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import BindParameter, and_, bindparam, case, func, select, update

from store.engine import Statement, Work
from store.findings import Fault, Finding, Subject, some
from store.ids import MessageFlag
from store.schema import folder, item, mailbox, message

_M: BindParameter[int] = bindparam("m")
_SEEN, _DELETED = int(MessageFlag.SEEN), int(MessageFlag.DELETED)
_NORMAL = message.c.assoc == 0

_NAMES = ("total", "unread", "marked_deleted", "size", "fai", "subfolders")
_KEPT = Statement(
    select(folder.c.folder_id, *(folder.c[name] for name in _NAMES))
    .where(folder.c.mailbox_id == _M)
    .order_by(folder.c.folder_id),
    "m",
)
_RECOUNT = Statement(
    select(
        message.c.folder_id,
        func.sum(case((_NORMAL, 1), else_=0)),
        func.sum(case((and_(_NORMAL, message.c.flags.op("&")(_SEEN) == 0), 1), else_=0)),
        func.sum(case((and_(_NORMAL, message.c.flags.op("&")(_DELETED) != 0), 1), else_=0)),
        func.sum(case((_NORMAL, message.c.size), else_=0)),
        func.sum(case((_NORMAL, 0), else_=1)),
    )
    .where(message.c.mailbox_id == _M)
    .group_by(message.c.folder_id),
    "m",
)
_CHILDREN = Statement(
    select(folder.c.parent_id, func.count())
    .where(folder.c.mailbox_id == _M, folder.c.parent_id.is_not(None))
    .group_by(folder.c.parent_id),
    "m",
)
_SET = Statement(
    update(folder)
    .where(folder.c.mailbox_id == _M, folder.c.folder_id == bindparam("f"))
    .values({name: bindparam(f"new_{name}") for name in _NAMES}),
    "m",
    "f",
    *(f"new_{name}" for name in _NAMES),
)
_SIZES = Statement(
    select(message.c.folder_id, message.c.uid, item.c.raw_len)
    .select_from(
        message.join(item, (item.c.mailbox_id == message.c.mailbox_id) & (item.c.item_id == message.c.item_id))
    )
    .where(message.c.mailbox_id == _M, _NORMAL, message.c.size != item.c.raw_len)
    .order_by(message.c.folder_id, message.c.uid),
    "m",
)
_SET_SIZE = Statement(
    update(message)
    .where(message.c.mailbox_id == _M, message.c.folder_id == bindparam("f"), _NORMAL, message.c.uid == bindparam("u"))
    .values(size=bindparam("n"), modseq=bindparam("c")),
    "m",
    "f",
    "u",
    "n",
    "c",
)
_SET_MODSEQ = Statement(
    update(folder).where(folder.c.mailbox_id == _M, folder.c.folder_id == bindparam("f")).values(modseq=bindparam("c")),
    "m",
    "f",
    "c",
)
_USED = Statement(select(func.sum(message.c.size)).where(message.c.mailbox_id == _M), "m")
_NOTED = Statement(select(mailbox.c.size).where(mailbox.c.mailbox_id == _M), "m")
_SET_USED = Statement(update(mailbox).where(mailbox.c.mailbox_id == _M).values(size=bindparam("n")), "m", "n")


def sizes(subject: Subject) -> Iterator[Fault]:
    """A placement's size is that of its MIME, octet for octet ([RFC3501] 2.3.4)."""
    rows = subject.db.all(_SIZES, (subject.db.mailbox_id,))

    def put_right(work: Work) -> None:
        first = work.allocate(cns=len(rows)).cn
        for cn, (number, uid, size) in enumerate(rows, first):
            work.run(_SET_SIZE, (work.mailbox_id, number, uid, size, cn))
            work.run(_SET_MODSEQ, (work.mailbox_id, number, cn))
            work.touch(number, cn)

    if rows:
        yield Fault(
            Finding(
                "message-size",
                2,
                f"the size noted for messages is not that of their MIME: UID {some([row[1] for row in rows])}",
                "A repair notes the right size, and gives the messages a new modseq.",
            ),
            put_right,
        )


def folders(subject: Subject) -> Iterator[Fault]:
    """The counters of each folder equal a recount (2)."""
    db = subject.db
    counted = {row[0]: tuple(map(int, row[1:])) for row in db.all(_RECOUNT, (db.mailbox_id,))}
    children: dict[int, int] = dict(db.all(_CHILDREN, (db.mailbox_id,)))
    for number, *kept in db.all(_KEPT, (db.mailbox_id,)):
        right = (*counted.get(number, (0, 0, 0, 0, 0)), children.get(number, 0))
        if tuple(kept) == right:
            continue
        wrong = [
            f"{name} is {old}, counted {new}" for name, old, new in zip(_NAMES, kept, right, strict=True) if old != new
        ]

        def put_right(work: Work, number: int = number, right: tuple[int, ...] = right) -> None:
            work.run(_SET, (work.mailbox_id, number, *right))

        yield Fault(
            Finding("folder-counters", 2, f"folder {number}: {'; '.join(wrong)}", "A repair notes the recount."),
            put_right,
        )


def mailbox_size(subject: Subject) -> Iterator[Fault]:
    """The size of the mailbox is the sum of its placements (2)."""
    db = subject.db
    used, noted = db.one(_USED, (db.mailbox_id,)), db.one(_NOTED, (db.mailbox_id,))
    if used is None or noted is None:
        return
    right = int(used[0] or 0)
    if right != noted[0]:
        yield Fault(
            Finding(
                "mailbox-size",
                2,
                f"the mailbox notes {noted[0]} octets, counted {right}",
                "A repair notes the recount.",
            ),
            lambda work: work.run(_SET_USED, (work.mailbox_id, right)),
        )
