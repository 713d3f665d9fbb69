"""Subscriptions: the names a user wants listed, whether there is a folder or not ([RFC3501] 6.3.6, 6.3.9)."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select

from store.engine import Reader, Statement, Work, insert_statement
from store.errors import TooLarge
from store.schema import subscription

MAX_PATH = 2_000
"""Octets of one name; PostgreSQL cannot index much more."""
MAX_SUBSCRIPTIONS = 10_000

_MINE = (subscription.c.mailbox_id == bindparam("m"), subscription.c.principal == bindparam("p"))
_READ = Statement(select(subscription.c.folder_path).where(*_MINE).order_by(subscription.c.folder_path), "m", "p")
_ADD = insert_statement(subscription, "mailbox_id", "principal", "folder_path")
_REMOVE = Statement(
    delete(subscription).where(*_MINE, subscription.c.folder_path == bindparam("path")), "m", "p", "path"
)


def read(db: Reader, principal: bytes) -> list[str]:
    """Read the names of a principal (empty: the owner), in order."""
    return sorted(row[0] for row in db.all(_READ, (db.mailbox_id, principal)))


def add(work: Work, principal: bytes, path: str) -> None:
    """Add a name; a second time it changes nothing. Raises TooLarge."""
    known = read(work, principal)
    if path in known:
        return
    if len(known) >= MAX_SUBSCRIPTIONS or len(path.encode()) > MAX_PATH:
        raise TooLarge(f"at most {MAX_SUBSCRIPTIONS} subscriptions of {MAX_PATH} octets")
    work.run(_ADD, (work.mailbox_id, principal, path))


def remove(work: Work, principal: bytes, path: str) -> None:
    """Remove a name, if it is there."""
    work.run(_REMOVE, (work.mailbox_id, principal, path))
