"""STORE: changing the flags and keywords of many messages in a few statements ([RFC3501] 6.4.6, [RFC7162] 3.1.3).

Every message that really changes takes a change number of its own. How far the change reaches follows the table of
docs/decisions/0011: \\Seen moves `read_cn`, \\Deleted only `modseq`, all others `cn`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, case, update

from store import keywords, messages
from store.changelog import IN_FOLDER
from store.changes import FlagUpdate, MessageRow
from store.engine import Row, Statement, Work, one_of
from store.errors import NotFound
from store.ids import SYSTEM_FLAGS, MessageFlag
from store.index import FolderIndex
from store.schema import folder, message

_SEEN = int(MessageFlag.SEEN)
_DELETED = int(MessageFlag.DELETED)
_EVER_READ = int(MessageFlag.EVER_READ)
_CLIENT = int(SYSTEM_FLAGS)
_SYNCED = _CLIENT & ~(_SEEN | _DELETED)
_ALL_KEYWORDS = (1 << 63) - 1

_old, _kw = message.c.flags, message.c.kw
_new = _old.op("&")(bindparam("keep")).op("|")(bindparam("put"))
_new_kw = _kw.op("&")(bindparam("kw_keep")).op("|")(bindparam("kw_put"))
_number = message.c.uid + bindparam("offset")
_SYNC_CHANGED = (_old.op("&")(_SYNCED) != _new.op("&")(_SYNCED)) | (_kw != _new_kw)
_update = (
    update(message)
    .where(*IN_FOLDER)
    .values(
        flags=_new,
        kw=_new_kw,
        modseq=_number,
        cn=case((_SYNC_CHANGED, _number), else_=message.c.cn),
        read_cn=case((_old.op("&")(_SEEN) != _new.op("&")(_SEEN), _number), else_=message.c.read_cn),
    )
)
_VALUES = ("keep", "put", "kw_keep", "kw_put", "offset")
_UPDATE_LIST = Statement(_update.where(one_of(message.c.uid, "uids")), "m", "f", "uids", *_VALUES)
_UPDATE_RANGE = Statement(
    _update.where(message.c.uid.between(bindparam("low"), bindparam("high"))), "m", "f", "low", "high", *_VALUES
)
_FOLDER = Statement(
    update(folder)
    .where(folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f"))
    .values(
        unread=folder.c.unread + bindparam("unseen"),
        marked_deleted=folder.c.marked_deleted + bindparam("marked"),
        modseq=bindparam("last_cn"),
    ),
    "m",
    "f",
    "unseen",
    "marked",
    "last_cn",
)


def set_flags(
    work: Work,
    folder_id: int,
    uids: Sequence[int],
    *,
    add: int = 0,
    remove: int = 0,
    add_keywords: Iterable[str] = (),
    remove_keywords: Iterable[str] = (),
    replace: bool = False,
    unchanged_since: int | None = None,
    index: FolderIndex | None = None,
) -> FlagUpdate:
    """Change flags and keywords; with `replace`, `add` and `add_keywords` are all that is left of them.

    UIDs that are not there are left out. Those changed after `unchanged_since` are left alone and reported. `index`
    holds the folder as this unit of work sees it, and spares reading the rows. Raises TooLarge when the mailbox has no
    room for a new keyword.
    """
    put = int(add) & _CLIENT  # plain integers: the operators of IntFlag cost a microsecond each
    if replace:
        keep, kw_keep = ~_CLIENT, 0
    else:
        keep = ~(int(remove) & _CLIENT)
        kw_keep = _ALL_KEYWORDS & ~keywords.mask(work, remove_keywords)
    if put & _SEEN:
        put |= _EVER_READ
    rows = messages.raw_rows(work, folder_id, uids) if index is None else index.rows(uids)
    modified: list[int] = []
    if unchanged_since is not None:
        modified = [row[0] for row in rows if row[3] > unchanged_since]
        rows = [row for row in rows if row[3] <= unchanged_since]
    if not rows:
        return FlagUpdate([], modified, [])
    kw_put = keywords.register(work, add_keywords)
    changed = [
        row for row in rows if ((row[4] & keep | put) ^ row[4]) & _CLIENT or (row[5] & kw_keep | kw_put) != row[5]
    ]
    before = [row[3] for row in rows]
    if not changed:
        return FlagUpdate([MessageRow(*row) for row in rows], modified, before)
    taken = _write(work, folder_id, changed, (keep, put, kw_keep, kw_put))
    new = tuple.__new__  # what MessageRow(...) comes down to, at half its cost
    if len(changed) == len(rows):
        made = [
            new(MessageRow, (uid, mid, item_id, cn, flags & keep | put, kw & kw_keep | kw_put, date, size, saved))
            for cn, (uid, mid, item_id, _, flags, kw, date, size, saved) in zip(taken, rows, strict=True)
        ]
        return FlagUpdate(made, modified, before)
    numbers = dict(zip([row[0] for row in changed], taken, strict=True))
    made = [
        new(MessageRow, (uid, mid, item_id, numbers[uid], flags & keep | put, kw & kw_keep | kw_put, date, size, saved))
        if uid in numbers
        else new(MessageRow, (uid, mid, item_id, modseq, flags, kw, date, size, saved))
        for uid, mid, item_id, modseq, flags, kw, date, size, saved in rows
    ]
    return FlagUpdate(made, modified, before)


def _write(work: Work, folder_id: int, changed: list[Row], values: tuple[int, int, int, int]) -> Sequence[int]:
    """Update the rows; return the change number that each of them took.

    A change number is the UID plus an offset, so one statement numbers a whole run of messages. The numbers between
    are passed over, so UIDs that lie far apart are written in several runs.
    """
    m = work.mailbox_id
    runs = _runs([row[0] for row in changed])
    span = sum(run[-1] - run[0] + 1 for run in runs)
    first = work.allocate(cns=span).cn
    taken: list[int] = []
    for run in runs:
        low, high = run[0], run[-1]
        offset = first - low
        if high - low + 1 == len(run):
            work.run(_UPDATE_RANGE, (m, folder_id, low, high, *values, offset))
        else:
            work.run(_UPDATE_LIST, (m, folder_id, work.array(run), *values, offset))
        taken += map(offset.__add__, run)
        first += high - low + 1
    keep, put = values[:2]
    unseen = marked = 0
    if (~keep | put) & (_SEEN | _DELETED):
        for row in changed:
            old = row[4]
            now = old & keep | put
            unseen += (old & _SEEN) - (now & _SEEN)
            marked += (now & _DELETED) - (old & _DELETED)
    last = first - 1
    if not work.run(_FOLDER, (m, folder_id, unseen, marked // _DELETED, last)):
        raise NotFound(f"there is no folder {folder_id}")
    work.touch(folder_id, last)
    return taken


def _runs(uids: list[int]) -> list[list[int]]:
    """Split ascending UIDs where the gap is wide: numbers passed over cost nothing, statements do."""
    if uids[-1] - uids[0] <= 10_000 + len(uids):
        return [uids]
    runs = [[uids[0]]]
    for uid in uids[1:]:
        if uid - runs[-1][-1] > 10_000:
            runs.append([uid])
        else:
            runs[-1].append(uid)
    return runs
