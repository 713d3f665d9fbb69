"""STORE: changing the flags and keywords of many messages in a few statements ([RFC3501] 6.4.6, [RFC7162] 3.1.3).

Every message that really changes takes a change number of its own. How far the change reaches follows the table of
docs/decisions/0011: \\Seen moves `read_cn`, \\Deleted only `modseq`, all others `cn`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import compress

from sqlalchemy import bindparam, case, update

from store import keywords, messages
from store.changelog import IN_FOLDER
from store.changes import FlagUpdate, MessageRow
from store.engine import Row, Statement, Work, one_of
from store.errors import NotFound
from store.ids import SYSTEM_FLAGS, MessageFlag
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
_UPDATE = Statement(
    update(message)
    .where(*IN_FOLDER, one_of(message.c.uid, "uids"))
    .values(
        flags=_new,
        kw=_new_kw,
        modseq=_number,
        cn=case((_SYNC_CHANGED, _number), else_=message.c.cn),
        read_cn=case((_old.op("&")(_SEEN) != _new.op("&")(_SEEN), _number), else_=message.c.read_cn),
    ),
    "m",
    "f",
    "uids",
    "keep",
    "put",
    "kw_keep",
    "kw_put",
    "offset",
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
) -> FlagUpdate:
    """Change flags and keywords; with `replace`, `add` and `add_keywords` are all that is left of them.

    UIDs that are not there are left out. Those changed after `unchanged_since` are left alone and reported. Raises
    TooLarge when the mailbox has no room for a new keyword.
    """
    kw_put = keywords.register(work, add_keywords)
    put = add & _CLIENT
    if replace:
        keep, kw_keep = ~_CLIENT, 0
    else:
        keep = ~(remove & _CLIENT)
        kw_keep = _ALL_KEYWORDS & ~keywords.mask(work, remove_keywords)
    if put & _SEEN:
        put |= _EVER_READ
    rows = messages.raw_rows(work, folder_id, uids)
    modified: list[int] = []
    if unchanged_since is not None:
        modified = [row[0] for row in rows if row[3] > unchanged_since]
        rows = [row for row in rows if row[3] <= unchanged_since]
    differs = [((row[4] & keep | put) ^ row[4]) & _CLIENT != 0 or (row[5] & kw_keep | kw_put) != row[5] for row in rows]
    changed = list(compress(rows, differs))
    if not changed:
        return FlagUpdate([MessageRow(*row) for row in rows], modified)
    offsets = _write(work, folder_id, changed, keep, put, kw_keep, kw_put)
    made: list[MessageRow] = []
    for row, different in zip(rows, differs, strict=True):
        uid, mid, item_id, modseq, flags, kw, date, size, saved = row
        if different:
            modseq, flags, kw = offsets[uid], flags & keep | put, kw & kw_keep | kw_put
        made.append(MessageRow(uid, mid, item_id, modseq, flags, kw, date, size, saved))
    return FlagUpdate(made, modified)


def _write(
    work: Work, folder_id: int, changed: list[Row], keep: int, put: int, kw_keep: int, kw_put: int
) -> dict[int, int]:
    """Update the rows; return the change number that each UID took.

    A change number is the UID plus an offset, so one statement numbers a whole run of messages. The numbers between
    are passed over, so UIDs that lie far apart are written in several runs.
    """
    runs = _runs([row[0] for row in changed])
    span = sum(run[-1] - run[0] + 1 for run in runs)
    first = work.allocate(cns=span).cn
    taken: dict[int, int] = {}
    for run in runs:
        offset = first - run[0]
        work.run(_UPDATE, (work.mailbox_id, folder_id, work.array(run), keep, put, kw_keep, kw_put, offset))
        for uid in run:
            taken[uid] = uid + offset
        first += run[-1] - run[0] + 1
    before = sum(1 for row in changed if not row[4] & _SEEN)
    after = sum(1 for row in changed if not (row[4] & keep | put) & _SEEN)
    marked_before = sum(1 for row in changed if row[4] & _DELETED)
    marked_after = sum(1 for row in changed if (row[4] & keep | put) & _DELETED)
    last = first - 1
    if not work.run(_FOLDER, (work.mailbox_id, folder_id, after - before, marked_after - marked_before, last)):
        raise NotFound(f"there is no folder {folder_id}")
    work.touch(folder_id, last)
    return taken


def _runs(uids: list[int]) -> list[list[int]]:
    """Split ascending UIDs where the gap is wide: numbers passed over cost nothing, statements do."""
    runs = [[uids[0]]]
    for uid in uids[1:]:
        if uid - runs[-1][-1] > 10_000:
            runs.append([uid])
        else:
            runs[-1].append(uid)
    return runs
