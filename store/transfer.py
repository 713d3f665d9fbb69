"""COPY, MOVE and removal of many messages in set statements ([RFC3501] 6.4.3, 6.4.7, [RFC6851]).

COPY adds placements of the same items; MOVE makes them anew in the target (a move inside a mailbox gives a new MID,
MS-OXCFXICS_R1892) and leaves tombstones; removal leaves tombstones and frees the items that no placement names.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from store import changelog, items, messages, quota
from store.blob import BlobStore
from store.changelog import HOW_HARD, HOW_MOVED, IN_FOLDER
from store.changes import Transfer
from store.engine import Reader, Row, Statement, Work, one_of
from store.errors import Conflict, NotFound
from store.ids import MessageFlag
from store.index import FolderIndex
from store.mapi.types import filetime_from_unix
from store.schema import expunge, folder, message

_SEEN = int(MessageFlag.SEEN)
_DELETED = int(MessageFlag.DELETED)
_PRUNE_EVERY = 1024

_rank = func.row_number().over(order_by=message.c.uid)
_CHOSEN = (*IN_FOLDER, one_of(message.c.uid, "uids"))


def _expression(name: str) -> Any:
    return bindparam(name)


_PLACE: dict[str, Any] = {
    "mailbox_id": message.c.mailbox_id,
    "folder_id": _expression("target"),
    "assoc": message.c.assoc,
    "uid": _rank + _expression("uid0"),
    "mid": _rank + _expression("mid0"),
    "item_id": message.c.item_id,
    "modseq": _rank + _expression("cn0"),
    "cn": _rank + _expression("cn0"),
    "read_cn": literal_column("0"),
    "flags": message.c.flags,
    "kw": message.c.kw,
    "idate": message.c.idate,
    "size": message.c.size,
    "mtime": message.c.mtime,
    "ctime": _expression("saved"),
    "mstatus": message.c.mstatus,
    "save_modseq": _rank + _expression("cn0"),
}
_COPY = Statement(
    insert(message).from_select(list(_PLACE), select(*_PLACE.values()).where(*_CHOSEN)),
    "m",
    "f",
    "uids",
    "target",
    "uid0",
    "mid0",
    "cn0",
    "saved",
)
_TOMB: dict[str, Any] = {
    "mailbox_id": message.c.mailbox_id,
    "folder_id": message.c.folder_id,
    "modseq": _rank + _expression("cn0"),
    "assoc": message.c.assoc,
    "uid": message.c.uid,
    "mid": message.c.mid,
    "how": _expression("how_gone"),
    "ts": _expression("at"),
}
_TOMBS = Statement(
    insert(expunge).from_select(list(_TOMB), select(*_TOMB.values()).where(*_CHOSEN)),
    "m",
    "f",
    "uids",
    "cn0",
    "how_gone",
    "at",
)
_MOVED: dict[str, Any] = {**_TOMB, "dst_folder": _expression("target"), "dst_mid": _rank + _expression("mid0")}
_TOMBS_MOVED = Statement(
    insert(expunge).from_select(list(_MOVED), select(*_MOVED.values()).where(*_CHOSEN)),
    "m",
    "f",
    "uids",
    "cn0",
    "how_gone",
    "at",
    "target",
    "mid0",
)
_DELETE = Statement(delete(message).where(*_CHOSEN), "m", "f", "uids")
_MARKED = Statement(
    select(message.c.uid).where(*IN_FOLDER, message.c.flags.op("&")(_DELETED) != 0).order_by(message.c.uid), "m", "f"
)
_UIDS = Statement(select(message.c.uid).where(*IN_FOLDER).order_by(message.c.uid), "m", "f")
_LEAVE = Statement(
    update(folder)
    .where(folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f"))
    .values(
        total=folder.c.total - bindparam("count"),
        unread=folder.c.unread - bindparam("unseen"),
        marked_deleted=folder.c.marked_deleted - bindparam("marked"),
        size=folder.c.size - bindparam("octets"),
        deleted_count=folder.c.deleted_count + bindparam("count"),
        modseq=bindparam("last_cn"),
        local_commit_time=bindparam("at"),
    )
    .returning(folder.c.deleted_count),
    "m",
    "f",
    "count",
    "unseen",
    "marked",
    "octets",
    "last_cn",
    "at",
)


class _Totals:
    """What a set of placements adds to the counters of a folder."""

    __slots__ = ("count", "marked", "octets", "unseen")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.count = len(rows)
        self.unseen = sum(1 for row in rows if not row[4] & _SEEN)
        self.marked = sum(1 for row in rows if row[4] & _DELETED)
        self.octets = sum(row[7] for row in rows)


def copy(
    work: Work,
    folder_id: int,
    uids: Sequence[int],
    target_id: int,
    *,
    whole: bool,
    index: FolderIndex | None = None,
) -> Transfer:
    """Add placements of messages to a folder, flags and dates kept ([RFC3501] 6.4.7).

    UIDs that are not there are left out, or with `whole` raise Conflict. `index` holds the folder as this unit of work
    sees it. Raises NotFound (either folder), QuotaExceeded, TooLarge.
    """
    done = _place(work, folder_id, uids, target_id, index, move=False)
    if whole and len(done.source) < len(set(uids)):
        raise Conflict(f"{len(set(uids)) - len(done.source)} of the messages to copy are gone")
    return done


def move(work: Work, folder_id: int, uids: Sequence[int], target_id: int, index: FolderIndex | None = None) -> Transfer:
    """Take messages to another folder, or to new UIDs in the same one ([RFC6851] 3.3).

    UIDs that are not there are left out. `index` holds the folder as this unit of work sees it. Raises NotFound (either
    folder), TooLarge.
    """
    return _place(work, folder_id, uids, target_id, index, move=True)


def _place(
    work: Work, folder_id: int, uids: Sequence[int], target_id: int, index: FolderIndex | None, *, move: bool
) -> Transfer:
    rows = messages.raw_rows(work, folder_id, uids) if index is None else index.rows(uids)
    totals = _Totals(rows)
    count = totals.count
    m = work.mailbox_id
    numbers = work.allocate(cns=count, ids=count, grow=0 if move else totals.octets)
    if not move:
        quota.check_receive(numbers)
    last = numbers.cn + count - 1
    if not count:
        return Transfer(changelog.state(work, target_id)[1], [], [])
    uid, uidvalidity, _ = messages.enter_folder(
        work,
        target_id,
        count=count,
        unseen=totals.unseen,
        marked=totals.marked,
        octets=totals.octets,
        last_cn=last,
    )
    source = [row[0] for row in rows]
    chosen = work.array(source)
    before = (numbers.id - 1, numbers.cn - 1)
    # When it was made here, not what it is a copy of ([RFC8514] 4.2); `mtime` and the internal date are kept.
    saved = filetime_from_unix(time.time())
    work.run(_COPY, (m, folder_id, chosen, target_id, uid - 1, *before, saved))
    work.touch(target_id, last)
    if move:
        work.run(
            _TOMBS_MOVED,
            (m, folder_id, chosen, numbers.cn - 1, HOW_MOVED, int(time.time()), target_id, numbers.id - 1),
        )
        work.run(_DELETE, (m, folder_id, chosen))
        _leave(work, folder_id, totals, last)
    return Transfer(uidvalidity, source, list(range(uid, uid + count)))


def _leave(work: Work, folder_id: int, totals: _Totals, last: int) -> None:
    at = filetime_from_unix(time.time())
    row = work.one(
        _LEAVE,
        (work.mailbox_id, folder_id, totals.count, totals.unseen, totals.marked, totals.octets, last, at),
    )
    if row is None:
        raise NotFound(f"there is no folder {folder_id}")
    work.touch(folder_id, last)
    if row[0] % _PRUNE_EVERY < totals.count:
        changelog.prune(work, folder_id)


def marked(db: Reader, folder_id: int) -> list[int]:
    """Give the UIDs marked \\Deleted."""
    return [row[0] for row in db.all(_MARKED, (db.mailbox_id, folder_id))]


def present(db: Reader, folder_id: int) -> list[int]:
    """Give all UIDs of a folder."""
    return [row[0] for row in db.all(_UIDS, (db.mailbox_id, folder_id))]


def remove(
    work: Work, blobs: BlobStore, folder_id: int, uids: Sequence[int], *, only_marked: bool = False
) -> list[int]:
    """Remove messages, and the content of those placed nowhere else; return the UIDs.

    Whatever their flags, or only those marked \\Deleted.
    """
    rows = messages.raw_rows(work, folder_id, uids)
    if only_marked:
        rows = [row for row in rows if row[4] & _DELETED]
    if not rows:
        return []
    totals = _Totals(rows)
    numbers = work.allocate(cns=totals.count, grow=-totals.octets)
    gone = [row[0] for row in rows]
    chosen = work.array(gone)
    m = work.mailbox_id
    work.run(_TOMBS, (m, folder_id, chosen, numbers.cn - 1, HOW_HARD, int(time.time())))
    work.run(_DELETE, (m, folder_id, chosen))
    _leave(work, folder_id, totals, numbers.cn + totals.count - 1)
    items.free(work, blobs, sorted({row[2] for row in rows}))
    return gone
