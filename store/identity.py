"""What names a mailbox for its life, besides the directory: its replica GUID.

It is drawn when the mailbox is made, stays when a backup is put back (store.epoch leaps over the numbers that were
given since), and a mailbox made anew under the same name has another.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from store.engine import Reader, Statement
from store.errors import NotFound
from store.schema import mailbox

_READ = Statement(select(mailbox.c.replguid).where(mailbox.c.mailbox_id == bindparam("m")), "m")


def replica_guid(db: Reader) -> bytes:
    """Read the 16 octets. Raises NotFound."""
    row = db.one(_READ, (db.mailbox_id,))
    if row is None:
        raise NotFound(f"there is no mailbox {db.mailbox_id}")
    return bytes(row[0])
