"""COPY, MOVE and removal of many messages in set statements ([RFC3501] 6.4.3, 6.4.7, [RFC6851]).

COPY adds placements of the same items; MOVE makes them anew in the target (a move inside a mailbox gives a new MID,
MS-OXCFXICS_R1892) and leaves tombstones; removal leaves tombstones and frees the items that no placement names.

A placement that comes into the Inbox while another of its item is there is marked for its life (MessageFlag.REPEATED),
so that each of them has a name of its own in POP3 that no other's end changes ([RFC1939] 7 UIDL).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, bindparam, delete, exists, func, insert, literal_column, select, update
from sqlalchemy.sql.expression import ClauseElement

from store import changelog, items, messages, placements, quota
from store.blob import BlobStore
from store.changelog import HOW_HARD, HOW_MOVED, IN_FOLDER
from store.changes import Columns, Transfer
from store.engine import Reader, Statement, Work, one_of
from store.errors import Conflict, NotFound
from store.ids import MessageFlag, SpecialFolder
from store.index import FolderIndex
from store.mapi.types import filetime_from_unix
from store.schema import expunge, folder, message

_SEEN = int(MessageFlag.SEEN)
_DELETED = int(MessageFlag.DELETED)
_REPEATED = int(MessageFlag.REPEATED)
_PRUNE_EVERY = 1024

_rank = func.row_number().over(order_by=message.c.uid)
_BY_LIST = (*IN_FOLDER, one_of(message.c.uid, "uids"))
_BY_RANGE = (*IN_FOLDER, message.c.uid.between(bindparam("low"), bindparam("high")))


def _expression(name: str) -> Any:
    return bindparam(name)


class _Pair(NamedTuple):
    """A statement about the messages of a list of UIDs, and the same about those of a range."""

    by_list: Statement
    by_range: Statement


def _pair(make: Callable[[tuple[ColumnElement[bool], ...]], ClauseElement], *names: str) -> _Pair:
    """Make both of what is made of a condition; the parameters that choose the messages come last."""
    return _Pair(
        Statement(make(_BY_LIST), "m", "f", *names, "uids"), Statement(make(_BY_RANGE), "m", "f", *names, "low", "high")
    )


def _inserting(table: Table, values: dict[str, Any], *names: str) -> _Pair:
    return _pair(
        lambda chosen: insert(table).from_select(list(values), select(*values.values()).where(*chosen)), *names
    )


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
    "flags": message.c.flags.op("&")(~_REPEATED),
    "kw": message.c.kw,
    "idate": message.c.idate,
    "size": message.c.size,
    "mtime": message.c.mtime,
    "ctime": _expression("saved"),
    "mstatus": message.c.mstatus,
    "save_modseq": _rank + _expression("cn0"),
}
_COPY = _inserting(message, _PLACE, "target", "uid0", "mid0", "cn0", "saved")
_other = message.alias("other")
_BEFORE = (
    _other.c.mailbox_id == message.c.mailbox_id,
    _other.c.folder_id == message.c.folder_id,
    _other.c.assoc == 0,
    _other.c.uid < message.c.uid,
)
_REPEAT = Statement(
    update(message)
    .where(
        *IN_FOLDER,
        message.c.uid.between(bindparam("low"), bindparam("high")),
        # Two questions, for each has an index: the one that was delivered, and those that are copies (store.schema).
        exists().where(*_BEFORE, _other.c.mid == message.c.item_id)
        | exists().where(*_BEFORE, _other.c.item_id == message.c.item_id, _other.c.mid != _other.c.item_id),
    )
    .values(flags=message.c.flags.op("|")(_REPEATED)),
    "m",
    "f",
    "low",
    "high",
)
"""Mark those of new placements whose item the folder had before."""
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
_TOMBS = _inserting(expunge, _TOMB, "cn0", "how_gone", "at")
_MOVED: dict[str, Any] = {**_TOMB, "dst_folder": _expression("target"), "dst_mid": _rank + _expression("mid0")}
_TOMBS_MOVED = _inserting(expunge, _MOVED, "cn0", "how_gone", "at", "target", "mid0")
_DELETE = _pair(lambda chosen: delete(message).where(*chosen))
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
    """What a set of placements, given as the columns of a MessageRow, adds to the counters of a folder."""

    __slots__ = ("count", "marked", "octets", "unseen")

    def __init__(self, columns: Columns) -> None:
        self.count = len(columns[0])
        self.unseen = self.marked = 0
        for flags, count in Counter(columns[4]).items():
            self.unseen += count if not flags & _SEEN else 0
            self.marked += count if flags & _DELETED else 0
        self.octets = sum(columns[7])


class _Chosen:
    """The messages that statements are about: a range where their UIDs, ascending, leave none out."""

    __slots__ = ("_key", "_last", "_work")

    def __init__(self, work: Work, folder_id: int, uids: Sequence[int]) -> None:
        self._work = work
        self._key = (work.mailbox_id, folder_id)
        low, high = uids[0], uids[-1]
        self._last: tuple[Any, ...] = (low, high) if high - low + 1 == len(uids) else (work.array(uids),)

    def run(self, pair: _Pair, *parameters: int) -> None:
        """Run a statement about them."""
        statement = pair.by_range if len(self._last) == 2 else pair.by_list
        self._work.run(statement, (*self._key, *parameters, *self._last))


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
    columns = placements.read(work, folder_id, uids, index)
    totals = _Totals(columns)
    count = totals.count
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
    source = list(columns[0])
    chosen = _Chosen(work, folder_id, source)
    # When it was made here, not what it is a copy of ([RFC8514] 4.2); `mtime` and the internal date are kept.
    saved = filetime_from_unix(time.time())
    chosen.run(_COPY, target_id, uid - 1, numbers.id - 1, numbers.cn - 1, saved)
    work.touch(target_id, last)
    if move:
        chosen.run(_TOMBS_MOVED, numbers.cn - 1, HOW_MOVED, int(time.time()), target_id, numbers.id - 1)
        chosen.run(_DELETE)
        _leave(work, folder_id, totals, last)
    if target_id == SpecialFolder.INBOX:
        work.run(_REPEAT, (work.mailbox_id, target_id, uid, uid + count - 1))
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
    columns = placements.read(work, folder_id, uids)
    if only_marked:
        columns = placements.marked(columns, [flags & _DELETED for flags in columns[4]])
    if not columns[0]:
        return []
    totals = _Totals(columns)
    numbers = work.allocate(cns=totals.count, grow=-totals.octets)
    gone = list(columns[0])
    chosen = _Chosen(work, folder_id, gone)
    chosen.run(_TOMBS, numbers.cn - 1, HOW_HARD, int(time.time()))
    chosen.run(_DELETE)
    _leave(work, folder_id, totals, numbers.cn + totals.count - 1)
    items.free(work, blobs, sorted(set(columns[2])))
    return gone
