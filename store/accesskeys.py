"""Mailbox access keys: the secrets that make URLs good ([RFC4467] 2.2).

There is one for each folder and user that has ever given such a URL away; without it none of that user's URLs into the
folder is good.
"""

from __future__ import annotations

import secrets

from sqlalchemy import bindparam, delete, select

from store.engine import Reader, Statement, Work, insert_statement
from store.schema import access_key

KEY_OCTETS = 32
"""[RFC4467] 10 asks for 128 bits of entropy at least."""

_c = access_key.c
_USERS = (_c.mailbox_id == bindparam("m"), _c.principal == bindparam("p"))
_READ = Statement(select(_c.secret).where(*_USERS, _c.folder_id == bindparam("f")), "m", "p", "f")
_ADD = insert_statement(access_key, "mailbox_id", "folder_id", "principal", "secret")
_RESET = Statement(delete(access_key).where(*_USERS, _c.folder_id == bindparam("f")), "m", "p", "f")
_RESET_ALL = Statement(delete(access_key).where(*_USERS), "m", "p")
_FORGET = Statement(delete(access_key).where(_c.mailbox_id == bindparam("m"), _c.folder_id == bindparam("f")), "m", "f")


def read(db: Reader, folder_id: int, principal: bytes) -> bytes | None:
    """Read the key of a user (empty: the owner) for a folder."""
    row = db.one(_READ, (db.mailbox_id, principal, folder_id))
    return None if row is None else bytes(row[0])


def make(work: Work, folder_id: int, principal: bytes) -> bytes:
    """Give the key, which is made if there is none."""
    known = read(work, folder_id, principal)
    if known is not None:
        return known
    made = secrets.token_bytes(KEY_OCTETS)
    work.run(_ADD, (work.mailbox_id, folder_id, principal, made))
    return made


def reset(work: Work, folder_id: int | None, principal: bytes) -> None:
    """Forget the key for a folder, or with None those for all folders ([RFC4467] 7)."""
    if folder_id is None:
        work.run(_RESET_ALL, (work.mailbox_id, principal))
    else:
        work.run(_RESET, (work.mailbox_id, principal, folder_id))


def forget(work: Work, folder_id: int) -> None:
    """Forget all keys for a folder that goes."""
    work.run(_FORGET, (work.mailbox_id, folder_id))
