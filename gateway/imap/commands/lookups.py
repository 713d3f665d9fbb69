"""Search keys that are answered by a look-up of their own, and become UIDs: save dates and identifiers.

[RFC8514] 4.3 and [RFC8474] 6.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import partial

from gateway.imap import objectids
from gateway.imap.protocol import search_types as st
from gateway.imap.protocol import types as t
from gateway.imap.protocol.numset import runs_of
from gateway.imap.selected import Selected
from gateway.imap.session import Session
from store.index import FolderIndex
from store.mailbox import Mailbox
from store.sortkeys import SortKeys

INLINE_MESSAGES = 2000
"""Messages of a folder up to which this is done without a thread."""

_DAY = 86_400
_EPOCH = dt.date(1970, 1, 1).toordinal()
_FIRST, _LAST = -(1 << 36), 1 << 36
"""Seconds, before and after any date."""
_NO_NAME = "0"


async def looked_up(session: Session, folder: Selected, key: st.SearchKey) -> st.SearchKey:
    """Put UIDs in the place of the keys that are looked up; the others stay."""
    match key:
        case st.And(keys):
            return st.And(tuple([await looked_up(session, folder, each) for each in keys]))
        case st.Or(left, right):
            return st.Or(await looked_up(session, folder, left), await looked_up(session, folder, right))
        case st.Not(inner):
            return st.Not(await looked_up(session, folder, inner))
        case st.SavedKey():
            return _uid_key(await _saved(session, folder, key))
        case st.ObjectKey():
            return _uid_key(await _identified(session, folder, key))
        case _:
            return key


async def _saved(session: Session, folder: Selected, key: st.SavedKey) -> list[int]:
    """Whole days in UTC, as FETCH shows the save date ([RFC8514] 4.2, 4.3)."""
    day = (key.date.toordinal() - _EPOCH) * _DAY
    first = _FIRST if key.relation is st.DateRelation.BEFORE else day
    end = {st.DateRelation.BEFORE: day, st.DateRelation.ON: day + _DAY, st.DateRelation.SINCE: _LAST}[key.relation]
    call = session.read if len(folder.view) <= INLINE_MESSAGES else session.services.runner.run
    return await call(folder.mailbox.saved_between, folder.folder_id, first, end)


async def _identified(session: Session, folder: Selected, key: st.ObjectKey) -> list[int]:
    """The messages that are the item, or are in the thread, of that identifier ([RFC8474] 6)."""
    index = await session.read(folder.mailbox.index, folder.folder_id)
    identifier = key.identifier.encode("ascii")
    if not key.thread:
        if identifier[:1] != b"M":
            return []
        return _of_items(index, await session.read(folder.mailbox.named, key.identifier[1:]))
    call = session.read if len(index) <= INLINE_MESSAGES else session.services.runner.run
    return await call(_in_thread, session.services.sort_keys, folder.mailbox, index, identifier)


def _in_thread(keys: SortKeys, mailbox: Mailbox, index: FolderIndex, identifier: bytes) -> list[int]:
    """Compare the thread of every message; one without any Message-ID is a thread by itself, named by its item."""
    alone = objectids.thread_id(_NO_NAME, b"")
    maker = partial(objectids.thread_id, _NO_NAME)
    threads = keys.read(mailbox, index.item_ids, {"THREADID": maker})["THREADID"]
    wanted = {item for item in index.item_ids if threads.get(item) == identifier != alone}
    if identifier[:1] == b"T":
        by_itself = mailbox.named(identifier[1:].decode("ascii"))
        wanted |= {item for item in by_itself if threads.get(item) == alone}
    return _of_items(index, wanted)


def _of_items(index: FolderIndex, items: set[int]) -> list[int]:
    if not items:
        return []
    return [uid for uid, item in zip(index.uids, index.item_ids, strict=False) if item in items]


def _uid_key(uids: Iterable[int]) -> st.SearchKey:
    """A key for these messages alone."""
    ranges = tuple((run.start, run.stop - 1) for run in runs_of(uids))
    return st.UidKey(t.SequenceSet(ranges)) if ranges else st.Not(st.All())
