"""Annotations: named values of a folder or of a whole mailbox, for everybody or for one user ([RFC5464] 3).

Names are in lower case, without `/private` or `/shared`: an annotation of a principal is private, one of nobody is
shared ([RFC5464] 3.1). They go with the folder: renamed with it, gone when it is deleted.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, select, update

from store.engine import Reader, Statement, Work, insert_statement
from store.errors import TooLarge
from store.schema import annotation

WHOLE_MAILBOX = 0
"""Stands for the mailbox itself where a folder is asked for."""
SHARED = b""
"""The principal of annotations that everybody sees."""
MAX_VALUE = 64 << 10
"""Octets of one value ([RFC5464] 4.3)."""
MAX_NAME = 255
"""Octets of one name."""
MAX_ENTRIES = 200
"""Annotations of one folder and one principal."""
MAX_TOGETHER = 16 << 20
"""Octets of all annotations of one principal in a mailbox, for they count for no quota."""
_ROW = 100
"""Octets that an annotation counts for beside its value."""

_c = annotation.c
_HERE = (_c.mailbox_id == bindparam("m"), _c.folder_id == bindparam("f"))
_MINE = (*_HERE, _c.principal == bindparam("p"))
_READ = Statement(select(_c.name, _c.value).where(*_MINE).order_by(_c.name), "m", "f", "p")
_NAMED = Statement(
    select(_c.folder_id, _c.value).where(
        _c.mailbox_id == bindparam("m"), _c.principal == bindparam("p"), _c.name == bindparam("n")
    ),
    "m",
    "p",
    "n",
)
_ADD = insert_statement(annotation, "mailbox_id", "folder_id", "principal", "name", "value")
_SET = Statement(update(annotation).where(*_MINE, _c.name == bindparam("n")).values(value=bindparam("v")), *"mfpnv")
_REMOVE = Statement(delete(annotation).where(*_MINE, _c.name == bindparam("n")), *"mfpn")
_TOGETHER = Statement(
    select(func.coalesce(func.sum(func.length(_c.value) + _ROW), 0)).where(
        _c.mailbox_id == bindparam("m"), _c.principal == bindparam("p")
    ),
    "m",
    "p",
)
_OF_ALL = Statement(select(_c.principal, _c.name, _c.value).where(*_HERE), "m", "f")
_FORGET = Statement(delete(annotation).where(*_HERE), "m", "f")


def read(db: Reader, folder_id: int, principal: bytes) -> dict[str, bytes]:
    """Read the annotations that a principal (SHARED: everybody) has on a folder, in the order of their names."""
    return {name: bytes(value) for name, value in db.all(_READ, (db.mailbox_id, folder_id, principal))}


def named(db: Reader, principal: bytes, name: str) -> dict[int, bytes]:
    """Read one annotation of all folders: by folder, its value."""
    return {folder_id: bytes(value) for folder_id, value in db.all(_NAMED, (db.mailbox_id, principal, name))}


def write(work: Work, folder_id: int, principal: bytes, name: str, value: bytes | None) -> None:
    """Set an annotation; None removes it. Raises TooLarge: name, value or their number is over the limits.

    `check` is for what they are together, once all are written.
    """
    key = (work.mailbox_id, folder_id, principal, name)
    if value is None:
        work.run(_REMOVE, key)
        return
    if len(value) > MAX_VALUE:
        raise TooLarge(f"{len(value)} octets; at most {MAX_VALUE} are kept")
    if len(name.encode()) > MAX_NAME:
        raise TooLarge(f"a name of {len(name)} characters; at most {MAX_NAME} octets are kept")
    if work.run(_SET, (*key, value)):
        return
    if len(read(work, folder_id, principal)) >= MAX_ENTRIES:
        raise TooLarge(f"at most {MAX_ENTRIES} annotations of a folder")
    work.run(_ADD, (*key, value))


def check(work: Work, principal: bytes) -> None:
    """Raise TooLarge where a principal has more annotations in the mailbox than it may."""
    (octets,) = work.one(_TOGETHER, (work.mailbox_id, principal)) or (0,)
    if octets > MAX_TOGETHER:
        raise TooLarge(f"{octets} octets of annotations; at most {MAX_TOGETHER} are kept")


def duplicate(work: Work, folder_id: int, target_id: int) -> None:
    """Give a folder the annotations of another ([RFC5464] 4.1: what RENAME of INBOX makes has them, too)."""
    rows = work.all(_OF_ALL, (work.mailbox_id, folder_id))
    work.many(_ADD, [(work.mailbox_id, target_id, bytes(who), name, bytes(value)) for who, name, value in rows])


def forget(work: Work, folder_id: int) -> None:
    """Remove the annotations of a folder that is being deleted."""
    work.run(_FORGET, (work.mailbox_id, folder_id))
