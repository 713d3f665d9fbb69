"""Folder permissions: who may do what in a folder ([MS-OXCPERM]).

A folder has a list of members, each a principal with rights. Two members are always in it: Default, which holds for
every authenticated user that no other member stands for, and Anonymous. A user's own member decides alone; else the
rights of the groups that the user belongs to are added up; else Default decides. The owner of the mailbox and whoever
has full access to it (the directory knows) are not asked.

The store does not know who created a message. EDIT_OWNED and DELETE_OWNED are kept, for they are on the wire, but give
nobody anything: no message counts as one's own ([MS-OXCPERM] 2.2.7).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntFlag
from functools import lru_cache
from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, select, update

from store.engine import Reader, Statement, Work, insert_statement
from store.errors import AccessDenied, NotFound
from store.ids import SYSTEM_FLAGS, MessageFlag
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

Principals = bytes | Sequence[bytes]
"""A user, or a user followed by the groups it belongs to."""
Who = Principals | Callable[[], Principals | None] | None
"""Whoever opens a mailbox: None is the owner with all rights. A function says it anew whenever rights are asked for."""

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
    """PidTagMemberId: 0 Default, -1 Anonymous ([MS-OXCPERM] 2.2.5)."""
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
_EVERYWHERE = Statement(
    select(permission.c.folder_id, permission.c.principal, permission.c.rights).where(
        permission.c.mailbox_id == bindparam("m")
    ),
    "m",
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


def rights(db: Reader, folder_id: int, principals: Principals) -> Rights:
    """Give the rights of a user in a folder ([MS-OXCPERM] 3.2.5.1).

    `principals` is the user, or the user followed by the groups it belongs to; ANONYMOUS for one who did not
    authenticate. A folder that is not there gives no rights.
    """
    return _decide({bytes(principal): bits for _, principal, bits in _rows(db, folder_id)}, principals)


def everywhere(db: Reader, principals: Principals) -> Mapping[int, Rights]:
    """Give the rights of a user in every folder of the mailbox, by folder; in those that are missing it has none."""
    members: defaultdict[int, dict[bytes, int]] = defaultdict(dict)
    for folder_id, principal, bits in db.all(_EVERYWHERE, (db.mailbox_id,)):
        members[folder_id][bytes(principal)] = bits
    held = {folder_id: _decide(known, principals) for folder_id, known in members.items()}
    return defaultdict(lambda: NONE, held)


def shown_to(db: Reader) -> set[bytes]:
    """Give the principals that see some folder of the mailbox; DEFAULT among them stands for everybody."""
    rows = db.all(_EVERYWHERE, (db.mailbox_id,))
    return {bytes(principal) for _, principal, bits in rows if bits & Rights.FOLDER_VISIBLE} - {ANONYMOUS}


def _decide(known: Mapping[bytes, int], principals: Principals) -> Rights:
    """The user's own member alone; else the groups' rights together; else Default ([MS-OXCPERM] 3.2.5.1)."""
    who = [principals] if isinstance(principals, bytes) else principals
    if not who or who[0] == ANONYMOUS:
        return Rights(known.get(ANONYMOUS, 0))
    if who[0] in known:
        return Rights(known[who[0]])
    groups = [known[group] for group in who[1:] if group in known]
    if groups:
        together = 0
        for one in groups:
            together |= one
        return Rights(together)
    return Rights(known.get(DEFAULT, 0))


def require(db: Reader, folder_id: int, principals: Principals | None, needed: Rights) -> None:
    """Raise AccessDenied unless a user has all of some rights in a folder. None is the owner, who has them."""
    if principals is None:
        return
    missing = needed & ~rights(db, folder_id, principals)
    if missing:
        raise AccessDenied(f"folder {folder_id}: {missing!r} is missing")


class FlagChange(NamedTuple):
    """A change of flags as Mailbox.set_flags takes it."""

    add: int = 0
    remove: int = 0
    add_keywords: tuple[str, ...] = ()
    remove_keywords: tuple[str, ...] = ()
    replace: bool = False


@lru_cache(maxsize=1024)
def allowed_flags(held: Rights) -> int:
    """Give the flags that a user with these rights may change: \\Deleted by one right, all others by another.

    \\Seen is one state for all who read the folder, so it takes the right to edit like any other flag.
    """
    bits = int(SYSTEM_FLAGS & ~MessageFlag.DELETED) if held & Rights.EDIT_ANY else 0
    return bits | (int(MessageFlag.DELETED) if held & Rights.DELETE_ANY else 0)


def allowed_change(held: Rights, change: FlagChange, keywords: Iterable[str]) -> FlagChange:
    """Leave of a change what the rights allow ([RFC4314] 4): the others' flags stay as they are.

    `keywords` are all that the mailbox knows. Raises AccessDenied when nothing is left of the change.
    """
    bits = allowed_flags(held)
    edit = bool(held & Rights.EDIT_ANY)
    if edit and bits & MessageFlag.DELETED:
        return change
    wanted = change.add | change.remove
    named = change.add_keywords or change.remove_keywords
    if not bits or not (change.replace or wanted & bits or (edit and named)):
        raise AccessDenied(f"{held!r} allows no part of this change of flags")
    add = change.add & bits
    remove = change.remove & bits
    if not edit:
        return FlagChange(add, bits & ~add if change.replace else remove)
    if not change.replace:
        return change._replace(add=add, remove=remove)
    kept = {name.lower() for name in change.add_keywords}
    others = tuple(name for name in keywords if name.lower() not in kept)
    return FlagChange(add, bits & ~add, change.add_keywords, others)


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
