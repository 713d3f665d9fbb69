"""The change log of a folder: rows by modseq and the tombstones beside them (docs/decisions/0011, [RFC7162] 3.2, 5.3).

There is no journal. What changed since a change number is what the rows say now; what vanished is in `expunge`, which
is complete above `folder.expunge_floor`. Below it everything that is not there counts as vanished, which [RFC7162]
3.2.10.2 allows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain

from sqlalchemy import Integer, bindparam, delete, func, select, union_all, update

from store.changes import Change, FlagsChanged, MessageCreated, MessageDeleted, MessageRow
from store.engine import Reader, Statement, Work
from store.errors import NotFound
from store.schema import expunge, folder, message

_NO_MODSEQ = (1 << 63) - 1
"""Above all that are given."""

HOW_HARD = 0
HOW_MOVED = 1
HOW_REPLACED = 2

RETENTION = 90 * 86_400
"""Seconds that tombstones are kept when nothing else is asked."""

MESSAGE_COLUMNS = (
    message.c.uid,
    message.c.mid,
    message.c.item_id,
    message.c.modseq,
    message.c.flags,
    message.c.kw,
    message.c.idate,
    message.c.size,
    message.c.save_modseq,
)
"""The columns of a MessageRow, in its order."""

_FOLDER = (folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f"))
IN_FOLDER = (message.c.mailbox_id == bindparam("m"), message.c.folder_id == bindparam("f"), message.c.assoc == 0)
"""The normal messages of a folder."""
_GONE = (expunge.c.mailbox_id == bindparam("m"), expunge.c.folder_id == bindparam("f"))

STATE = Statement(
    select(folder.c.modseq, folder.c.uidvalidity, folder.c.uidnext, folder.c.expunge_floor).where(*_FOLDER), "m", "f"
)
_known = (
    select(message.c.uid)
    .where(*IN_FOLDER, message.c.save_modseq <= bindparam("since"))
    .order_by(message.c.uid.desc())
    .limit(1)
    .scalar_subquery()
)
# Created: save_modseq grows with the UID, so these are the last messages of the folder. Changed: the partial index.
CHANGED = Statement(
    union_all(
        select(*MESSAGE_COLUMNS).where(*IN_FOLDER, message.c.uid > func.coalesce(_known, 0)),
        select(*MESSAGE_COLUMNS).where(
            *IN_FOLDER,
            message.c.modseq > bindparam("since"),
            message.c.modseq != message.c.save_modseq,
            message.c.save_modseq <= bindparam("since"),
        ),
    ).order_by("uid"),
    "m",
    "f",
    "since",
)
"""The messages created or changed since a change number, as rows with MESSAGE_COLUMNS, ascending by UID."""
VANISHED = Statement(
    select(expunge.c.uid, expunge.c.modseq)
    .where(*_GONE, expunge.c.modseq > bindparam("since"), expunge.c.assoc == 0)
    .order_by(expunge.c.modseq),
    "m",
    "f",
    "since",
)
_CHANGED_UNTIL = Statement(
    union_all(
        select(*MESSAGE_COLUMNS).where(
            *IN_FOLDER, message.c.uid > func.coalesce(_known, 0), message.c.save_modseq <= bindparam("upto")
        ),
        select(*MESSAGE_COLUMNS).where(
            *IN_FOLDER,
            message.c.modseq.between(bindparam("since") + 1, bindparam("upto")),
            message.c.modseq != message.c.save_modseq,
            message.c.save_modseq <= bindparam("since"),
        ),
    ).order_by("uid"),
    "m",
    "f",
    "since",
    "upto",
)
_VANISHED_UNTIL = Statement(
    select(expunge.c.uid, expunge.c.modseq)
    .where(*_GONE, expunge.c.modseq.between(bindparam("since") + 1, bindparam("upto")), expunge.c.assoc == 0)
    .order_by(expunge.c.modseq),
    "m",
    "f",
    "since",
    "upto",
)
# Where a portion ends: numbers are passed over, since they count what happens in the whole mailbox.
_PORTION = [
    Statement(query.limit(1).offset(bindparam("before", type_=Integer)), "m", "f", "since", "before")
    for query in (
        select(expunge.c.modseq)
        .where(*_GONE, expunge.c.modseq > bindparam("since"), expunge.c.assoc == 0)
        .order_by(expunge.c.modseq),
        select(message.c.modseq)
        .where(*IN_FOLDER, message.c.modseq > bindparam("since"), message.c.modseq != message.c.save_modseq)
        .order_by(message.c.modseq),
        select(message.c.save_modseq)
        .where(*IN_FOLDER, message.c.uid > func.coalesce(_known, 0))
        .order_by(message.c.uid),
    )
]
_UIDS = Statement(select(message.c.uid).where(*IN_FOLDER).order_by(message.c.uid), "m", "f")
_first_young = (
    select(expunge.c.modseq)
    .where(*_GONE, expunge.c.ts >= bindparam("before"))
    .order_by(expunge.c.modseq)
    .limit(1)
    .scalar_subquery()
)
# It reads those that are to go and one more: a folder that is emptied in parts has very many young ones.
_PRUNE_TO = Statement(
    select(func.max(expunge.c.modseq)).where(*_GONE, expunge.c.modseq < func.coalesce(_first_young, _NO_MODSEQ)),
    "m",
    "f",
    "before",
)
_PRUNE = Statement(delete(expunge).where(*_GONE, expunge.c.modseq <= bindparam("upto")), "m", "f", "upto")
_RAISE_FLOOR = Statement(update(folder).where(*_FOLDER).values(expunge_floor=bindparam("upto")), "m", "f", "upto")
_FORGET = Statement(delete(expunge).where(*_GONE), "m", "f")


def state(db: Reader, folder_id: int) -> tuple[int, int, int, int]:
    """Read a folder's modseq, UIDVALIDITY, next UID and expunge floor. Raises NotFound."""
    row = db.one(STATE, (db.mailbox_id, folder_id))
    if row is None:
        raise NotFound(f"there is no folder {folder_id}")
    return row[0], row[1], row[2], row[3]


def changes_since(db: Reader, folder_id: int, cn: int, *, most: int | None = None) -> tuple[int, list[Change]]:
    """Give the folder's modseq and what happened after change number `cn`: the vanished, then the others by UID.

    A message that came and went in between is reported as vanished only. With `most` it is the first changes, at most
    as many of each kind, and the change number up to which they reach; a message is as it is now, and is reported again
    when what changed it comes. `db` must see one state throughout.
    """
    modseq, _, uidnext, floor = state(db, folder_id)
    if modseq <= cn:
        return modseq, []
    if most is not None and floor <= cn < modseq - most:
        ends = [db.one(statement, (db.mailbox_id, folder_id, cn, most - 1)) for statement in _PORTION]
        reached = min([row[0] for row in ends if row is not None], default=modseq)
        if reached < modseq:
            return reached, _changes_until(db, folder_id, cn, reached)
    key = (db.mailbox_id, folder_id, cn)
    changes: list[Change] = []
    if cn >= floor:
        changes.extend(MessageDeleted(uid, gone) for uid, gone in db.all(VANISHED, key))
    else:
        changes.extend(MessageDeleted(uid, modseq) for run in _missing(db, folder_id, uidnext) for uid in run)
    for row in db.all(CHANGED, key):
        made = MessageRow(*row)
        changes.append(MessageCreated(made) if made.save_modseq > cn else FlagsChanged(made))
    return modseq, changes


def _changes_until(db: Reader, folder_id: int, cn: int, upto: int) -> list[Change]:
    key = (db.mailbox_id, folder_id, cn, upto)
    changes: list[Change] = [MessageDeleted(uid, gone) for uid, gone in db.all(_VANISHED_UNTIL, key)]
    for row in db.all(_CHANGED_UNTIL, key):
        made = MessageRow(*row)
        changes.append(MessageCreated(made) if made.save_modseq > cn else FlagsChanged(made))
    return changes


def vanished_since(db: Reader, folder_id: int, modseq: int) -> list[range]:
    """Give the UIDs that vanished after `modseq` as runs, ascending ([RFC7162] 3.2.10.2). `db` must see one state."""
    _, _, uidnext, floor = state(db, folder_id)
    if modseq < floor:
        return _missing(db, folder_id, uidnext)
    runs: list[range] = []
    for uid in sorted({uid for uid, _ in db.all(VANISHED, (db.mailbox_id, folder_id, modseq))}):
        if runs and runs[-1].stop == uid:
            runs[-1] = range(runs[-1].start, uid + 1)
        else:
            runs.append(range(uid, uid + 1))
    return runs


def _missing(db: Reader, folder_id: int, uidnext: int) -> list[range]:
    """The UIDs up to `uidnext` that are not there, as runs: they may be many more than the messages."""
    present: Iterable[int] = (uid for (uid,) in db.all(_UIDS, (db.mailbox_id, folder_id)))
    missing: list[range] = []
    expected = 1
    for uid in chain(present, (uidnext,)):
        if expected < uid:
            missing.append(range(expected, uid))
        expected = uid + 1
    return missing


def prune(work: Work, folder_id: int, *, before: float | None = None) -> None:
    """Forget the tombstones before the first made at a moment or since (Unix seconds; RETENTION ago unless given)."""
    moment = int(time.time() - RETENTION if before is None else before)
    row = work.one(_PRUNE_TO, (work.mailbox_id, folder_id, moment))
    if row is None or row[0] is None:
        return
    work.run(_PRUNE, (work.mailbox_id, folder_id, row[0]))
    work.run(_RAISE_FLOOR, (work.mailbox_id, folder_id, row[0]))


def forget(work: Work, folder_id: int) -> None:
    """Remove all tombstones of a folder that is going away, or that begins a new UIDVALIDITY."""
    work.run(_FORGET, (work.mailbox_id, folder_id))
