"""The change log: change numbers, UIDs, identifiers and tombstones (invariants 3, 4, 5, 6)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import BindParameter, ColumnElement, Table, bindparam, delete, exists, func, or_, select, update

from store import transfer
from store.changelog import HOW_REPLACED
from store.checks.folders import hierarchy_changed
from store.engine import Reader, Statement, Work
from store.findings import Fault, Finding, Subject, some
from store.schema import content, expunge, folder, folder_gone, item, mailbox, message, named_prop

_UID_SPACE = 1 << 32
_M: BindParameter[int] = bindparam("m")
_MESSAGES = message.c.mailbox_id == _M
_GONE = expunge.c.mailbox_id == _M


def _highest(table: Table, column: ColumnElement[int]) -> Statement:
    return Statement(select(func.max(column)).where(table.c.mailbox_id == _M), "m")


_COUNTERS = ("next_id", "next_cn", "next_item", "next_propid")
_READ = Statement(select(*(mailbox.c[name] for name in _COUNTERS)).where(mailbox.c.mailbox_id == _M), "m")
_RAISE = {
    name: Statement(update(mailbox).where(mailbox.c.mailbox_id == _M).values({name: bindparam("n")}), "m", "n")
    for name in _COUNTERS
}
_USED: dict[str, tuple[tuple[str, Statement], ...]] = {
    "next_id": (
        ("message", _highest(message, message.c.mid)),
        ("item", _highest(item, item.c.item_id)),
        ("folder", _highest(folder, folder.c.folder_id)),
        ("tombstone", _highest(expunge, expunge.c.mid)),
        ("deleted folder", _highest(folder_gone, folder_gone.c.folder_id)),
    ),
    "next_cn": (
        ("message", _highest(message, message.c.modseq)),
        ("message", _highest(message, message.c.cn)),
        ("message", _highest(message, message.c.read_cn)),
        ("folder", _highest(folder, folder.c.cn)),
        ("folder", _highest(folder, folder.c.modseq)),
        ("hierarchy", _highest(mailbox, mailbox.c.hier_modseq)),
        ("tombstone", _highest(expunge, expunge.c.modseq)),
        ("deleted folder", _highest(folder_gone, folder_gone.c.cn)),
    ),
    "next_item": (("content", _highest(content, content.c.content_id)),),
    "next_propid": (("named property", _highest(named_prop, named_prop.c.propid)),),
}


def identifiers(subject: Subject) -> Iterator[Fault]:
    """The mailbox's counters are past everything that they have handed out (3, 5)."""
    db = subject.db
    row = db.one(_READ, (db.mailbox_id,))
    if row is None:
        return
    for name, value in zip(_COUNTERS, row, strict=True):
        used = [(what, db.one(statement, (db.mailbox_id,))) for what, statement in _USED[name]]
        highest, what = max(((found[0] or 0), what) for what, found in used if found is not None)
        if highest < value:
            continue

        def lift(work: Work, name: str = name, highest: int = highest) -> None:
            work.run(_RAISE[name], (work.mailbox_id, highest + 1))

        yield Fault(
            Finding(
                "counter-behind",
                3 if name == "next_cn" else 5,
                f"the mailbox would hand out {name[5:]} {value} next, and a {what} has {highest} already",
                "A repair moves the counter past it.",
            ),
            lift,
        )


_REUSED_UID = Statement(
    select(message.c.folder_id, message.c.uid)
    .distinct()
    .select_from(
        expunge.join(
            message,
            (message.c.mailbox_id == expunge.c.mailbox_id)
            & (message.c.folder_id == expunge.c.folder_id)
            & (message.c.assoc == expunge.c.assoc)
            & (message.c.uid == expunge.c.uid),
        )
    )
    .where(_GONE, expunge.c.assoc == 0)
    .order_by(message.c.folder_id, message.c.uid),
    "m",
)
_REUSED_MID = Statement(
    select(message.c.folder_id, message.c.uid)
    .distinct()
    .select_from(
        expunge.join(message, (message.c.mailbox_id == expunge.c.mailbox_id) & (message.c.mid == expunge.c.mid))
    )
    .where(_GONE, message.c.assoc == 0, expunge.c.how != HOW_REPLACED)
    .order_by(message.c.folder_id, message.c.uid),
    "m",
)
_REUSED_FOLDER = Statement(
    select(folder.c.folder_id).where(
        folder.c.mailbox_id == _M,
        exists().where(folder_gone.c.mailbox_id == _M, folder_gone.c.folder_id == folder.c.folder_id),
    ),
    "m",
)
_FORGET_GONE = Statement(
    delete(folder_gone).where(folder_gone.c.mailbox_id == _M, folder_gone.c.folder_id == bindparam("f")), "m", "f"
)
_TOUCH_FOLDER = Statement(
    update(folder).where(folder.c.mailbox_id == _M, folder.c.folder_id == bindparam("f")).values(cn=bindparam("n")),
    "m",
    "f",
    "n",
)


def reused(subject: Subject) -> Iterator[Fault]:
    """No UID and no identifier that vanished is in use again (4, 5)."""
    db = subject.db
    for code, invariant, what, statement in (
        ("uid-reused", 4, "UIDs", _REUSED_UID),
        ("mid-reused", 5, "message identifiers", _REUSED_MID),
    ):
        for number, group in groupby(db.all(statement, (db.mailbox_id,)), key=lambda row: row[0]):
            uids = [row[1] for row in group]

            def renew(work: Work, number: int = number, uids: list[int] = uids) -> None:
                transfer.move(work, number, uids, number)

            yield Fault(
                Finding(
                    code,
                    invariant,
                    f"messages in folder {number} have {what} of messages that vanished: UID {some(uids)}",
                    "A repair gives these messages new UIDs and identifiers.",
                ),
                renew,
            )
    for (number,) in db.all(_REUSED_FOLDER, (db.mailbox_id,)):

        def keep(work: Work, number: int = number) -> None:
            cn = work.allocate(cns=1).cn
            work.run(_FORGET_GONE, (work.mailbox_id, number))
            work.run(_TOUCH_FOLDER, (work.mailbox_id, number, cn))
            hierarchy_changed(work, cn)

        yield Fault(
            Finding(
                "folder-reused",
                5,
                f"folder {number} is there and is logged as deleted",
                "A repair keeps the folder and strikes the entry.",
            ),
            keep,
        )


_LAST_UID = Statement(
    select(folder.c.folder_id, folder.c.uidnext, folder.c.recent_uid, func.max(message.c.uid))
    .select_from(
        folder.outerjoin(
            message,
            (message.c.mailbox_id == folder.c.mailbox_id)
            & (message.c.folder_id == folder.c.folder_id)
            & (message.c.assoc == 0),
        )
    )
    .where(folder.c.mailbox_id == _M)
    .group_by(folder.c.folder_id, folder.c.uidnext, folder.c.recent_uid),
    "m",
)
_LAST_GONE = Statement(
    select(expunge.c.folder_id, func.max(expunge.c.uid))
    .where(_GONE, expunge.c.assoc == 0)
    .group_by(expunge.c.folder_id),
    "m",
)
_SET_UIDNEXT = Statement(
    update(folder)
    .where(folder.c.mailbox_id == _M, folder.c.folder_id == bindparam("f"))
    .values(uidnext=bindparam("n"), recent_uid=bindparam("r")),
    "m",
    "f",
    "n",
    "r",
)


def uids(subject: Subject) -> Iterator[Fault]:
    """Every UID that is or was in a folder is below its next one, and that fits 32 bits (4; [RFC3501] 2.3.1.1)."""
    db = subject.db
    gone: dict[int, int] = dict(db.all(_LAST_GONE, (db.mailbox_id,)))
    for number, uidnext, recent, last in db.all(_LAST_UID, (db.mailbox_id,)):
        highest = max(last or 0, gone.get(number, 0))
        if highest >= uidnext or recent > max(uidnext, highest + 1):
            right = max(uidnext, highest + 1)

            def lift(work: Work, number: int = number, right: int = right, recent: int = recent) -> None:
                work.run(_SET_UIDNEXT, (work.mailbox_id, number, right, min(recent, right)))

            yield Fault(
                Finding(
                    "uidnext-behind",
                    4,
                    f"folder {number} would give UID {uidnext} next, and it has had {highest} (recent from {recent})",
                    "A repair moves the folder's counter past it.",
                ),
                lift,
            )
        if max(uidnext, highest + 1) > _UID_SPACE:
            yield Fault(
                Finding(
                    "uid-overflow",
                    4,
                    f"folder {number} has used up its UIDs",
                    "Move its messages to a new folder.",
                )
            )


_SHARED = Statement(
    select(message.c.cn).where(_MESSAGES).group_by(message.c.cn).having(func.count() > 1).order_by(message.c.cn), "m"
)
_WITH_CN = Statement(
    select(message.c.folder_id, message.c.assoc, message.c.uid)
    .where(_MESSAGES, message.c.cn == bindparam("c"))
    .order_by(message.c.folder_id, message.c.assoc, message.c.uid),
    "m",
    "c",
)
_PLACE = (
    _MESSAGES,
    message.c.folder_id == bindparam("f"),
    message.c.assoc == bindparam("a"),
    message.c.uid == bindparam("u"),
)
_RENUMBER = Statement(
    update(message).where(*_PLACE).values(cn=bindparam("n"), modseq=bindparam("n")), "m", "f", "a", "u", "n"
)
_RAISE_MODSEQ = Statement(
    update(folder)
    .where(folder.c.mailbox_id == _M, folder.c.folder_id == bindparam("f"), folder.c.modseq < bindparam("n"))
    .values(modseq=bindparam("n")),
    "m",
    "f",
    "n",
)


def shared_change_numbers(subject: Subject) -> Iterator[Fault]:
    """No two messages have the same change number (5; [MS-OXCFXICS] 3.1.5.3)."""
    db = subject.db
    shared = [row[0] for row in db.all(_SHARED, (db.mailbox_id,))]
    if not shared:
        return

    def renumber(work: Work) -> None:
        for cn in shared:
            for number, assoc, uid in work.all(_WITH_CN, (work.mailbox_id, cn))[1:]:
                fresh = work.allocate(cns=1).cn
                work.run(_RENUMBER, (work.mailbox_id, number, assoc, uid, fresh))
                work.run(_RAISE_MODSEQ, (work.mailbox_id, number, fresh))
                work.touch(number, fresh)

    yield Fault(
        Finding(
            "cn-shared",
            5,
            f"several messages have the same change number: {some(shared)}",
            "A repair gives all but one of each a new change number.",
        ),
        renumber,
    )


_LOW = Statement(
    select(message.c.folder_id, message.c.assoc, message.c.uid)
    .where(
        _MESSAGES,
        or_(
            message.c.modseq < message.c.cn,
            message.c.modseq < message.c.read_cn,
            message.c.modseq < message.c.save_modseq,
        ),
    )
    .order_by(message.c.folder_id, message.c.uid),
    "m",
)
_SET_MODSEQ = Statement(update(message).where(*_PLACE).values(modseq=bindparam("n")), "m", "f", "a", "u", "n")
_FOLDERS = Statement(
    select(folder.c.folder_id, folder.c.modseq, folder.c.expunge_floor).where(folder.c.mailbox_id == _M), "m"
)
_TOP = Statement(
    select(message.c.folder_id, func.max(message.c.modseq)).where(_MESSAGES).group_by(message.c.folder_id), "m"
)
_TOP_GONE = Statement(
    select(expunge.c.folder_id, func.max(expunge.c.modseq)).where(_GONE).group_by(expunge.c.folder_id), "m"
)


def modseqs(subject: Subject) -> Iterator[Fault]:
    """A message's modseq covers its change numbers, a folder's covers its messages and tombstones (3)."""
    db = subject.db
    low = db.all(_LOW, (db.mailbox_id,))
    if low:

        def raise_messages(work: Work) -> None:
            fresh = work.allocate(cns=len(low)).cn
            for cn, (number, assoc, uid) in enumerate(low, fresh):
                work.run(_SET_MODSEQ, (work.mailbox_id, number, assoc, uid, cn))
                work.run(_RAISE_MODSEQ, (work.mailbox_id, number, cn))
                work.touch(number, cn)

        yield Fault(
            Finding(
                "modseq-low",
                3,
                f"messages have a modseq below their change number: UID {some([row[2] for row in low])}",
                "A repair gives them a new modseq, so that clients see them again.",
            ),
            raise_messages,
        )
    tops: dict[int, int] = dict(db.all(_TOP, (db.mailbox_id,)))
    for number, top in db.all(_TOP_GONE, (db.mailbox_id,)):
        tops[number] = max(top, tops.get(number, 0))
    for number, modseq, floor in db.all(_FOLDERS, (db.mailbox_id,)):
        right = max(tops.get(number, 0), floor)
        if right <= modseq:
            continue

        def raise_folder(work: Work, number: int = number, right: int = right) -> None:
            work.run(_RAISE_MODSEQ, (work.mailbox_id, number, right))

        yield Fault(
            Finding(
                "folder-modseq-behind",
                3,
                f"folder {number} has modseq {modseq}, and {right} is in it",
                "A repair raises it.",
            ),
            raise_folder,
        )


_UIDNEXTS = Statement(
    select(folder.c.folder_id, folder.c.uidnext, folder.c.modseq).where(
        folder.c.mailbox_id == _M, folder.c.expunge_floor == 0
    ),
    "m",
)
_LIVE = Statement(
    select(message.c.uid).where(_MESSAGES, message.c.folder_id == bindparam("f"), message.c.assoc == 0), "m", "f"
)
_DEAD = Statement(
    select(expunge.c.uid).where(_GONE, expunge.c.folder_id == bindparam("f"), expunge.c.assoc == 0), "m", "f"
)
_RAISE_FLOOR = Statement(
    update(folder)
    .where(folder.c.mailbox_id == _M, folder.c.folder_id == bindparam("f"))
    .values(expunge_floor=bindparam("n"), modseq=bindparam("n")),
    "m",
    "f",
    "n",
)


def tombstones(subject: Subject) -> Iterator[Fault]:
    """Every UID of a folder whose log was never pruned is a message or has a tombstone (6; [RFC7162] 3.2.10.2)."""
    db = subject.db
    for number, uidnext, _ in db.all(_UIDNEXTS, (db.mailbox_id,)):
        lacking = _lacking(db, number, uidnext)
        if not lacking:
            continue

        def raise_floor(work: Work, number: int = number) -> None:
            cn = work.allocate(cns=1).cn
            work.run(_RAISE_FLOOR, (work.mailbox_id, number, cn))
            work.touch(number, cn)

        yield Fault(
            Finding(
                "tombstone-missing",
                6,
                f"messages vanished from folder {number} without a trace: UID {some(lacking)}",
                "A repair raises the folder's floor: clients that ask what vanished are told all that is not there.",
            ),
            raise_floor,
        )


def _lacking(db: Reader, number: int, uidnext: int) -> list[int]:
    key = (db.mailbox_id, number)
    known = {row[0] for row in db.all(_LIVE, key)} | {row[0] for row in db.all(_DEAD, key)}
    if len(known) >= uidnext - 1:
        return []
    return [uid for uid in range(1, min(uidnext, len(known) + 10_000)) if uid not in known]
