"""A new epoch for a mailbox that was restored from a backup (invariant 9).

Since the backup the mailbox handed out numbers that clients and other servers remember and that it now knows nothing
of. So it leaps ahead of them: identifiers and change numbers by far more than it can have used, and every folder gets a
new UIDVALIDITY, which makes IMAP clients load it again ([RFC3501] 2.3.1.1).
"""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import BindParameter, bindparam, delete, select, update

from store.engine import Shard, Statement
from store.schema import expunge, folder, mailbox

LEAP: Final = 1 << 24

_M: BindParameter[int] = bindparam("m")
_LEAP = Statement(
    update(mailbox)
    .where(mailbox.c.mailbox_id == _M)
    .values(
        next_cn=mailbox.c.next_cn + LEAP,
        next_id=mailbox.c.next_id + LEAP,
        next_item=mailbox.c.next_item + LEAP,
        hier_modseq=mailbox.c.next_cn + (LEAP - 1),
    )
    .returning(mailbox.c.next_cn, mailbox.c.next_uidvalidity),
    "m",
)
_NEXT = Statement(update(mailbox).where(mailbox.c.mailbox_id == _M).values(next_uidvalidity=bindparam("n")), "m", "n")
_FOLDERS = Statement(select(folder.c.folder_id).where(folder.c.mailbox_id == _M).order_by(folder.c.folder_id), "m")
_RENEW = Statement(
    update(folder)
    .where(folder.c.mailbox_id == _M, folder.c.folder_id == bindparam("f"))
    .values(uidvalidity=bindparam("v"), cn=bindparam("n"), modseq=bindparam("n"), expunge_floor=bindparam("n")),
    "m",
    "f",
    "v",
    "n",
)
_FORGET = Statement(delete(expunge).where(expunge.c.mailbox_id == _M), "m")


def bump(shard: Shard) -> None:
    """Begin a new epoch. To be called once after a mailbox was restored, before anyone opens it. Raises Unavailable."""
    with shard.write() as work:
        row = work.one(_LEAP, (work.mailbox_id,))
        assert row is not None, "the unit of work looked the mailbox up"
        cn, uidvalidity = row[0] - 1, max(int(time.time()), row[1])
        numbers = [one[0] for one in work.all(_FOLDERS, (work.mailbox_id,))]
        work.run(_NEXT, (work.mailbox_id, uidvalidity + len(numbers)))
        work.many(_RENEW, [(work.mailbox_id, number, uidvalidity + place, cn) for place, number in enumerate(numbers)])
        work.run(_FORGET, (work.mailbox_id,))
        for number in (0, *numbers):
            work.touch(number, cn)
