"""STORE: changing the flags and keywords of many messages in a few statements ([RFC3501] 6.4.6, [RFC7162] 3.1.3).

Every message that really changes takes a change number of its own. How far the change reaches follows the table of
docs/decisions/0011: \\Seen moves `read_cn`, \\Deleted only `modseq`, all others `cn`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cache
from itertools import compress
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, bindparam, case, update

from store import keywords, placements
from store.changelog import IN_FOLDER
from store.changes import Columns, FlagUpdate
from store.engine import Statement, Work, one_of
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
_SYNC_CHANGED = _old.op("&")(_SYNCED) != _new.op("&")(_SYNCED)
_SEEN_CHANGED = _old.op("&")(_SEEN) != _new.op("&")(_SEEN)


class _Reach(IntEnum):
    """For which of some rows, all of which change, a change number moves."""

    NONE = 0
    ALL = 1
    SOME = 2
    """That depends on the row."""


@cache
def _update(cn: _Reach, read_cn: _Reach, *, words: bool, listed: bool) -> Statement:
    """Make the statement for rows all of which change; with `words` their keywords, too.

    What moves for all of them or for none is not asked of each row: that takes a quarter off.
    """
    values: dict[str, Any] = {"flags": _new, "modseq": _number}
    synced: ColumnElement[bool] = _SYNC_CHANGED
    if words:
        values["kw"] = _new_kw
        synced |= _kw != _new_kw
    for column, reach, moves in (("cn", cn, synced), ("read_cn", read_cn, _SEEN_CHANGED)):
        if reach is not _Reach.NONE:
            old = message.c[column]
            values[column] = _number if reach is _Reach.ALL else case((moves, _number), else_=old)
    chosen = one_of(message.c.uid, "uids") if listed else message.c.uid.between(bindparam("low"), bindparam("high"))
    names = ("m", "f", *(("uids",) if listed else ("low", "high")), "offset", "keep", "put")
    return Statement(
        update(message).where(*IN_FOLDER, chosen).values(values), *names, *(("kw_keep", "kw_put") if words else ())
    )


class _Change(NamedTuple):
    """What becomes of flags and of keywords: what is kept of them, and what is put to that."""

    keep: int
    put: int
    kw_keep: int
    kw_put: int

    @property
    def words(self) -> bool:
        """Whether keywords may change."""
        return self.kw_put != 0 or self.kw_keep != _ALL_KEYWORDS

    def statement(self, *, listed: bool) -> tuple[Statement, tuple[int, ...]]:
        """Give the statement that does it to rows all of which it changes, and its last parameters."""
        touched = (~self.keep | self.put) & _CLIENT
        words = self.words
        cn = read_cn = _Reach.NONE
        if touched & _SYNCED or words:
            cn = _Reach.SOME if touched & (_SEEN | _DELETED) else _Reach.ALL
        if touched & _SEEN:
            read_cn = _Reach.SOME if words or touched != _SEEN else _Reach.ALL
        return _update(cn, read_cn, words=words, listed=listed), self if words else self[:2]


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
    columns = placements.read(work, folder_id, uids, index)
    modified: list[int] = []
    if unchanged_since is not None:
        since = unchanged_since
        modified = [uid for uid, modseq in zip(columns[0], columns[3], strict=True) if modseq > since]
        if modified:
            columns = placements.marked(columns, [modseq <= since for modseq in columns[3]])
    before = columns[3]
    if not columns[0]:
        return FlagUpdate(columns, modified, before)
    change = _Change(keep, put, kw_keep, keywords.register(work, add_keywords))
    after, taken = _apply(work, folder_id, columns, change)
    return FlagUpdate(after, modified, before, taken)


def _apply(work: Work, folder_id: int, columns: Columns, change: _Change) -> tuple[Columns, range]:
    """Write the rows that change; return them all as they are then, and the change numbers set aside for it.

    Many messages have few combinations of flags, so what becomes of flags is worked out for each of those.
    """
    keep, put, kw_keep, kw_put = change
    uids, mids, items, modseqs, flags, words, *rest = columns
    becomes = {bits: bits & keep | put for bits in set(flags)}
    changing = {bits for bits, new in becomes.items() if (new ^ bits) & _CLIENT}
    new_words: Sequence[int] = [bits & kw_keep | kw_put for bits in words] if change.words else words
    new_flags: Sequence[int] = list(map(becomes.__getitem__, flags))
    marks: list[bool] | None = None  # of the rows that change; None for all
    if len(changing) < len(becomes):
        marks = [bits in changing or old != new for bits, old, new in zip(flags, words, new_words, strict=True)]
        if not any(marks):
            return columns, range(0)
        if all(marks):
            marks = None
    if marks is None:
        numbers, taken = _write(work, folder_id, uids, flags, change)
        return (uids, mids, items, numbers, new_flags, new_words, *rest), taken
    numbers, taken = _write(work, folder_id, list(compress(uids, marks)), list(compress(flags, marks)), change)
    fresh = iter(numbers)
    numbers = [next(fresh) if mark else modseq for mark, modseq in zip(marks, modseqs, strict=True)]
    new_flags = [new if mark else old for mark, old, new in zip(marks, flags, new_flags, strict=True)]
    return (uids, mids, items, numbers, new_flags, new_words, *rest), taken


def _write(
    work: Work, folder_id: int, uids: Sequence[int], flags: Sequence[int], change: _Change
) -> tuple[Sequence[int], range]:
    """Update the rows of messages, all of which change, from `flags`.

    Returns the number that each of them took, and all that were set aside.

    A change number is the UID plus an offset, so one statement numbers a whole run of messages. The numbers between
    are passed over, so UIDs that lie far apart are written in several runs.
    """
    m = work.mailbox_id
    runs = _runs(uids)
    span = sum(run[-1] - run[0] + 1 for run in runs)
    first = work.allocate(cns=span).cn
    taken = range(first, first + span)
    numbers: list[int] = []
    for run in runs:
        low, high = run[0], run[-1]
        offset = first - low
        listed = high - low + 1 > len(run)
        statement, parameters = change.statement(listed=listed)
        chosen = (work.array(run),) if listed else (low, high)
        work.run(statement, (m, folder_id, *chosen, offset, *parameters))
        numbers += map(offset.__add__, run)
        first += high - low + 1
    unseen = marked = 0
    if (~change.keep | change.put) & (_SEEN | _DELETED):
        for old, count in Counter(flags).items():
            now = old & change.keep | change.put
            unseen += count * ((old & _SEEN) - (now & _SEEN))
            marked += count * ((now & _DELETED) - (old & _DELETED))
    last = taken[-1]
    if not work.run(_FOLDER, (m, folder_id, unseen, marked // _DELETED, last)):
        raise NotFound(f"there is no folder {folder_id}")
    work.touch(folder_id, last)
    return numbers, taken


def _runs(uids: Sequence[int]) -> list[Sequence[int]]:
    """Split ascending UIDs where the gap is wide: numbers passed over cost nothing, statements do."""
    if uids[-1] - uids[0] <= 10_000 + len(uids):
        return [uids]
    runs = [[uids[0]]]
    for uid in uids[1:]:
        if uid - runs[-1][-1] > 10_000:
            runs.append([uid])
        else:
            runs[-1].append(uid)
    return list(runs)
