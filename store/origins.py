"""Names of items that stay when a message goes to another mailbox ([RFC8474] 5.1).

An item is named by its mailbox and its number, which needs no storing. One that came from another mailbox keeps the
name that it had there, in a row of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select

from store.engine import Reader, Statement, Work, insert_statement, one_of
from store.ids import MailboxRef
from store.schema import origin

_NAME = re.compile(r"([0-9a-f]{12})-([0-9a-f]{1,16})\Z")

_READ = Statement(
    select(origin.c.item_id, origin.c.name).where(
        origin.c.mailbox_id == bindparam("m"), one_of(origin.c.item_id, "items")
    ),
    "m",
    "items",
)
_FIND = Statement(
    select(origin.c.item_id).where(origin.c.mailbox_id == bindparam("m"), origin.c.name == bindparam("n")), "m", "n"
)
_ADD = insert_statement(origin, "mailbox_id", "item_id", "name")
_FORGET = Statement(
    delete(origin).where(origin.c.mailbox_id == bindparam("m"), one_of(origin.c.item_id, "items")), "m", "items"
)


def _mailbox(ref: MailboxRef) -> str:
    return ref.guid.hex[:12]


def name(ref: MailboxRef, item_id: int) -> str:
    """Give the name of an item that was born in a mailbox: letters, digits and a hyphen."""
    return f"{_mailbox(ref)}-{item_id:x}"


def born(ref: MailboxRef, text: str) -> int | None:
    """Give the number of the item that a name means, born in this mailbox; None for one that was not."""
    match = _NAME.match(text)
    if match is None or match[1] != _mailbox(ref):
        return None
    item_id = int(match[2], 16)
    return item_id if name(ref, item_id) == text else None


def read(db: Reader, item_ids: Sequence[int]) -> dict[int, str]:
    """Read the names of those items that came from another mailbox."""
    return dict(db.all(_READ, (db.mailbox_id, db.array(item_ids)))) if item_ids else {}


def find(db: Reader, ref: MailboxRef, text: str) -> set[int]:
    """Find the items that bear a name, be they there or not."""
    here = born(ref, text)
    found = {row[0] for row in db.all(_FIND, (db.mailbox_id, text))}
    return found if here is None or read(db, [here]) else found | {here}


def keep(work: Work, item_id: int, text: str) -> None:
    """Let an item that has just been written keep the name that it had."""
    work.run(_ADD, (work.mailbox_id, item_id, text))


def forget(work: Work, item_ids: Sequence[int]) -> None:
    """Forget the names of items that go."""
    work.run(_FORGET, (work.mailbox_id, work.array(item_ids)))
