"""Folder permissions: who may do what in a folder ([MS-OXCPERM]).

A folder has a list of members, each a principal with rights. Two members are always in it: Default, which holds for
every authenticated user that no other member stands for, and Anonymous. A user's own member decides alone; else the
rights of the groups that the user belongs to are added up; else Default decides. The owner of the mailbox and whoever
has full access to it (the directory knows) are not asked.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from enum import IntFlag
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, select, update

from store.engine import Reader, Statement, Work, insert_statement
from store.errors import AccessDenied, NotFound
from store.mapi.types import filetime_from_unix
from store.schema import folder, mailbox, permission


class Rights(IntFlag):
    """PidTagMemberRights ([MS-OXCPERM] 2.2.7)."""

    READ_ANY = 0x0001
    CREATE = 0x0002
    EDIT_OWNED = 0x0008
    DELETE_OWNED = 0x0010
    EDIT_ANY = 0x0020
    DELETE_ANY = 0x0040
    CREATE_SUBFOLDER = 0x0080
    FOLDER_OWNER = 0x0100
    FOLDER_CONTACT = 0x0200
    FOLDER_VISIBLE = 0x0400
    FREE_BUSY_SIMPLE = 0x0800
    FREE_BUSY_DETAILED = 0x1000


NONE: Final = Rights(0)
ALL: Final = Rights(0x1FFB)

DEFAULT: Final = b""
"""The principal of the member that stands for every authenticated user ([MS-OXCPERM] 2.2.4)."""
ANONYMOUS: Final = b"\0"
"""The principal of the member that stands for users who did not authenticate."""
DEFAULT_ID: Final = 0
ANONYMOUS_ID: Final = -1

_IMPLIED = (
    (Rights.EDIT_ANY, Rights.EDIT_OWNED),
    (Rights.DELETE_ANY, Rights.DELETE_OWNED),
    (Rights.FREE_BUSY_DETAILED, Rights.FREE_BUSY_SIMPLE),
)


class Member(NamedTuple):
    """One row of a folder's permissions list."""

    member_id: int
    """PidTagMemberId: 0 Default, -1 Anonymous."""
    principal: bytes
    rights: Rights


_HERE = (permission.c.mailbox_id == bindparam("m"), permission.c.folder_id == bindparam("f"))
_FOLDER = (folder.c.mailbox_id == bindparam("m"), folder.c.folder_id == bindparam("f"))
_ALL = Statement(
    select(permission.c.member_id, permission.c.principal, permission.c.rights)
    .where(*_HERE)
    .order_by(permission.c.member_id),
    "m",
    "f",
)
_SET = Statement(
    update(permission).where(*_HERE, permission.c.principal == bindparam("p")).values(rights=bindparam("r")),
    "m",
    "f",
    "p",
    "r",
)
_REMOVE = Statement(delete(permission).where(*_HERE, permission.c.principal == bindparam("p")), "m", "f", "p")
_REMOVE_ALL = Statement(delete(permission).where(*_HERE), "m", "f")
_ADD = insert_statement(permission, "mailbox_id", "folder_id", "member_id", "principal", "rights")
_CHANGED = Statement(
    update(folder).where(*_FOLDER).values(cn=bindparam("n"), local_commit_time=bindparam("at")), "m", "f", "n", "at"
)
_HIERARCHY = Statement(
    update(mailbox).where(mailbox.c.mailbox_id == bindparam("m")).values(hier_modseq=bindparam("n")), "m", "n"
)


def read(db: Reader, folder_id: int) -> list[Member]:
    """Read the members of a folder: Default and Anonymous first, whether stored or not, then the others."""
    rows = {member_id: (bytes(principal), Rights(bits)) for member_id, principal, bits in _rows(db, folder_id)}
    default = rows.pop(DEFAULT_ID, (DEFAULT, NONE))
    anonymous = rows.pop(ANONYMOUS_ID, (ANONYMOUS, NONE))
    fixed = [Member(DEFAULT_ID, *default), Member(ANONYMOUS_ID, *anonymous)]
    return fixed + [Member(member_id, *rest) for member_id, rest in sorted(rows.items())]


def _rows(db: Reader, folder_id: int) -> list[tuple[int, bytes, int]]:
    return [(row[0], row[1], row[2]) for row in db.all(_ALL, (db.mailbox_id, folder_id))]


def rights(db: Reader, folder_id: int, principals: bytes | Sequence[bytes]) -> Rights:
    """Give the rights of a user in a folder ([MS-OXCPERM] 3.2.5.1).

    `principals` is the user, or the user followed by the groups it belongs to; ANONYMOUS for one who did not
    authenticate. A folder that is not there gives no rights.
    """
    who = [principals] if isinstance(principals, bytes) else list(principals)
    known = {bytes(principal): Rights(bits) for _, principal, bits in _rows(db, folder_id)}
    if not who or who[0] == ANONYMOUS:
        return known.get(ANONYMOUS, NONE)
    if who[0] in known:
        return known[who[0]]
    groups = [known[group] for group in who[1:] if group in known]
    if groups:
        together = NONE
        for one in groups:
            together |= one
        return together
    return known.get(DEFAULT, NONE)


def require(db: Reader, folder_id: int, principals: bytes | Sequence[bytes] | None, needed: Rights) -> None:
    """Raise AccessDenied unless a user has all of some rights in a folder. None is the owner, who has them."""
    if principals is None:
        return
    missing = needed & ~rights(db, folder_id, principals)
    if missing:
        raise AccessDenied(f"folder {folder_id}: {missing!r} is missing")


def may(held: Rights, any_right: Rights, owned_right: Rights, *, own: bool) -> bool:
    """Tell whether one of a pair of rights (EDIT_ANY and EDIT_OWNED, …) allows a step on a message, own or not."""
    return bool(held & any_right) or (own and bool(held & owned_right))


def normalised(bits: int) -> Rights:
    """Add what rights imply ([MS-OXCPERM] 2.2.7). ValueError for bits that mean nothing (MS-OXCPERM_R1093)."""
    unknown = bits & ~int(ALL)
    if unknown:
        raise ValueError(f"{unknown:#x} are no member rights")
    full = Rights(bits)
    for right, implied in _IMPLIED:
        if full & right:
            full |= implied
    return full


def change(work: Work, folder_id: int, principal: bytes, bits: int | None) -> None:
    """Set the rights of a member, added if it is new; None removes it ([MS-OXCPERM] 2.2.2, RopModifyPermissions).

    Default and Anonymous stay: without rights when removed. Raises NotFound without such a folder, ValueError for bits
    that mean nothing.
    """
    wanted = NONE if bits is None else normalised(bits)
    allotted = work.allocate(cns=1, ids=1)
    now = filetime_from_unix(time.time())
    if not work.run(_CHANGED, (work.mailbox_id, folder_id, allotted.cn, now)):
        raise NotFound(f"there is no folder {folder_id}")
    key = (work.mailbox_id, folder_id, principal)
    if bits is None:
        work.run(_REMOVE, key)
    elif not work.run(_SET, (*key, int(wanted))):
        fixed = {DEFAULT: DEFAULT_ID, ANONYMOUS: ANONYMOUS_ID}
        member_id = fixed.get(principal, allotted.id)
        work.run(_ADD, (work.mailbox_id, folder_id, member_id, principal, int(wanted)))
    work.run(_HIERARCHY, (work.mailbox_id, allotted.cn))
    work.touch(0, allotted.cn)


def inherit(work: Work, parent_id: int, folder_id: int) -> None:
    """Give a new folder the members of its parent."""
    rows = _rows(work, parent_id)
    work.many(_ADD, [(work.mailbox_id, folder_id, *row) for row in rows])


def forget(work: Work, folder_id: int) -> None:
    """Remove the members of a folder that is being deleted."""
    work.run(_REMOVE_ALL, (work.mailbox_id, folder_id))
