"""The change log of a folder: rows by modseq and the tombstones beside them (docs/decisions/0011, [RFC7162] 3.2, 5.3).

There is no journal. What changed since a change number is what the rows say now; what vanished is in `expunge`, which
is complete above `folder.expunge_floor`. Below it everything that is not there counts as vanished, which [RFC7162]
3.2.10.2 allows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain

from sqlalchemy import bindparam, delete, func, select, union_all, update

from store.changes import Change, FlagsChanged, MessageCreated, MessageDeleted, MessageRow
from store.engine import Reader, Statement, Work
from store.errors import NotFound
from store.schema import expunge, folder, message

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
_UIDS = Statement(select(message.c.uid).where(*IN_FOLDER).order_by(message.c.uid), "m", "f")
_PRUNE_TO = Statement(
    select(func.max(expunge.c.modseq)).where(*_GONE, expunge.c.ts < bindparam("before")), "m", "f", "before"
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


def changes_since(db: Reader, folder_id: int, cn: int) -> tuple[int, list[Change]]:
    """Give the folder's modseq and what happened after change number `cn`: the vanished, then the others by UID.

    A message that came and went in between is reported as vanished only. `db` must see one state throughout.
    """
    modseq, _, uidnext, floor = state(db, folder_id)
    if modseq <= cn:
        return modseq, []
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
    """Forget the tombstones made before a moment (Unix seconds; RETENTION ago when none is given)."""
    moment = int(time.time() - RETENTION if before is None else before)
    row = work.one(_PRUNE_TO, (work.mailbox_id, folder_id, moment))
    if row is None or row[0] is None:
        return
    work.run(_PRUNE, (work.mailbox_id, folder_id, row[0]))
    work.run(_RAISE_FLOOR, (work.mailbox_id, folder_id, row[0]))


def forget(work: Work, folder_id: int) -> None:
    """Remove all tombstones of a folder that is going away, or that begins a new UIDVALIDITY."""
    work.run(_FORGET, (work.mailbox_id, folder_id))
