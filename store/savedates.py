"""When messages came into their folder, to search by ([RFC8514] 3): `message.ctime`, which nothing changes."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from store.changelog import IN_FOLDER
from store.engine import Reader, Statement
from store.mapi.types import FILETIME_UNIX_EPOCH
from store.schema import message

_TICKS = 10_000_000
_SAVED = Statement(
    select(message.c.uid)
    .where(*IN_FOLDER, message.c.ctime >= bindparam("first"), message.c.ctime < bindparam("end"))
    .order_by(message.c.uid),
    "m",
    "f",
    "first",
    "end",
)


def saved_between(db: Reader, folder_id: int, first: int, end: int) -> list[int]:
    """Read the UIDs, ascending, of the messages saved from `first` up to `end`, not included, in Unix seconds."""
    since, before = (FILETIME_UNIX_EPOCH + moment * _TICKS for moment in (first, end))
    return [uid for (uid,) in db.all(_SAVED, (db.mailbox_id, folder_id, since, before))]
