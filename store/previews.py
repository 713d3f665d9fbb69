"""Previews: the beginning of an item's text, made when it is first asked for and kept ([RFC8970] 3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, delete, select

from store.engine import Reader, Statement, Work, insert_statement, one_of
from store.schema import item, preview

_READ = Statement(
    select(preview.c.item_id, preview.c.text).where(
        preview.c.mailbox_id == bindparam("m"), one_of(preview.c.item_id, "items")
    ),
    "m",
    "items",
)
_ADD = insert_statement(preview, "mailbox_id", "item_id", "text")
_THERE = Statement(
    select(item.c.item_id).where(item.c.mailbox_id == bindparam("m"), one_of(item.c.item_id, "items")), "m", "items"
)
_FORGET = Statement(
    delete(preview).where(preview.c.mailbox_id == bindparam("m"), one_of(preview.c.item_id, "items")), "m", "items"
)


def read(db: Reader, item_ids: Sequence[int]) -> dict[int, str]:
    """Read the previews that are kept of items."""
    return dict(db.all(_READ, (db.mailbox_id, db.array(item_ids)))) if item_ids else {}


def keep(work: Work, made: Mapping[int, str]) -> None:
    """Keep previews of items that are there and have none. That is no change of a message: no change number."""
    chosen = work.array(list(made))
    known = {row[0] for row in work.all(_READ, (work.mailbox_id, chosen))}
    there = [row[0] for row in work.all(_THERE, (work.mailbox_id, chosen)) if row[0] not in known]
    work.many(_ADD, [(work.mailbox_id, item_id, made[item_id].replace("\0", "")) for item_id in there])


def forget(work: Work, item_ids: Sequence[int]) -> None:
    """Remove the previews of items that go."""
    work.run(_FORGET, (work.mailbox_id, work.array(item_ids)))
