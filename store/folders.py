"""Folders: the tree, names and paths, creation, renaming and deletion ([MS-OXCFOLD], [RFC3501] 6.3).

A folder's path is its names below the IPM subtree; the Inbox is `("INBOX",)`. Names are unique among the children of a
folder without regard to case. A folder's UIDVALIDITY is taken from a counter of the mailbox that is never behind the
clock, is kept when the folder is renamed, and is new when a name is deleted and created again ([RFC3501] 2.3.1.1).
"""

from __future__ import annotations

import re
import time

from sqlalchemy import bindparam, case, delete, func, select, update

from store import accesskeys, entries, permissions
from store.changes import FolderRow
from store.engine import Reader, Row, Shard, Statement, Work, insert_statement
from store.errors import AccessDenied, AlreadyExists, Conflict, NotFound, TooLarge
from store.foldertree import KIND_GENERIC, KIND_NAME_ONLY, FolderTree, Node, Trees
from store.foldertree import name_key as name_key  # store.checks takes it from here, too
from store.ids import SpecialFolder
from store.mapi.types import filetime_from_unix
from store.schema import folder, folder_gone, mailbox

MAX_NAME = 255
MAX_DEPTH = 64
MAX_FOLDERS = 100_000

HOW_DELETED = 0

_IMPOSSIBLE = re.compile("[/\0\ud800-\udfff]")
"""What no name holds: the delimiter of paths, NUL, and lone surrogates."""

_c = folder.c
_HERE = (_c.mailbox_id == bindparam("m"), _c.folder_id == bindparam("f"))

_COUNTERS = (
    _c.folder_id,
    _c.uidvalidity,
    _c.uidnext,
    _c.modseq,
    _c.total,
    _c.unread,
    _c.size,
    _c.subfolders,
    _c.marked_deleted,
    _c.cn,
    _c.recent_uid,
)
_ONE = Statement(
    select(mailbox.c.hier_modseq, *_COUNTERS)
    .select_from(folder.join(mailbox, mailbox.c.mailbox_id == _c.mailbox_id))
    .where(*_HERE),
    "m",
    "f",
)
_ALL = Statement(select(*_COUNTERS).where(_c.mailbox_id == bindparam("m")), "m")
_HIERARCHY_CHANGED = Statement(
    update(mailbox).where(mailbox.c.mailbox_id == bindparam("m")).values(hier_modseq=bindparam("changed")),
    "m",
    "changed",
)
_UIDVALIDITY = Statement(
    update(mailbox)
    .where(mailbox.c.mailbox_id == bindparam("m"))
    .values(
        next_uidvalidity=case(
            (mailbox.c.next_uidvalidity < bindparam("now"), bindparam("now") + 1),
            else_=mailbox.c.next_uidvalidity + 1,
        )
    )
    .returning(mailbox.c.next_uidvalidity - 1),
    "m",
    "now",
)
COLUMNS = tuple(column.name for column in folder.columns)
ADD = insert_statement(folder, *COLUMNS)
_RENAME = Statement(
    update(folder)
    .where(*_HERE)
    .values(
        name=bindparam("new_name"),
        name_key=bindparam("new_key"),
        parent_id=bindparam("new_parent"),
        cn=bindparam("changed"),
        local_commit_time=bindparam("at"),
    ),
    "m",
    "f",
    "new_name",
    "new_key",
    "new_parent",
    "changed",
    "at",
)
_COUNT_CHILD = Statement(
    update(folder).where(*_HERE).values(subfolders=_c.subfolders + bindparam("by")), "m", "f", "by"
)
_REVIVE = Statement(
    update(folder)
    .where(*_HERE)
    .values(
        kind=KIND_GENERIC,
        cn=bindparam("changed"),
        modseq=bindparam("changed"),
        expunge_floor=bindparam("changed"),
        uidvalidity=bindparam("epoch"),
        uidnext=1,
        recent_uid=1,
        local_commit_time=bindparam("at"),
    ),
    "m",
    "f",
    "changed",
    "epoch",
    "at",
)
_NAME_ONLY = Statement(
    update(folder)
    .where(*_HERE)
    .values(
        kind=KIND_NAME_ONLY, cn=bindparam("changed"), modseq=bindparam("changed"), expunge_floor=bindparam("changed")
    ),
    "m",
    "f",
    "changed",
)
_DELETE = Statement(delete(folder).where(*_HERE), "m", "f")
_GONE = insert_statement(folder_gone, "mailbox_id", "cn", "folder_id", "parent_id", "how")
_RECENT = Statement(select(_c.recent_uid, _c.uidnext).where(*_HERE), "m", "f")
_CLAIM = Statement(update(folder).where(*_HERE).values(recent_uid=_c.uidnext), "m", "f")
_DEPTH = Statement(select(func.count()).select_from(folder).where(_c.mailbox_id == bindparam("m")), "m")


def check_path(path: tuple[str, ...]) -> None:
    """Raise TooLarge for a path over the limits, Conflict for a name that cannot be."""
    if not path:
        raise Conflict("the root cannot be named")
    if len(path) > MAX_DEPTH:
        raise TooLarge(f"folders nest at most {MAX_DEPTH} deep")
    for name in path:
        if not name or _IMPOSSIBLE.search(name):
            raise Conflict(f"{name!r} cannot be the name of a folder")
        if len(name) > MAX_NAME:
            raise TooLarge(f"a folder's name has at most {MAX_NAME} characters")


def _row(node: Node, counters: Row) -> FolderRow:
    about = (node.id, node.parent_id, node.name, node.path, node.special, node.container_class)
    return FolderRow._make((*about, *counters[1:], node.kind != KIND_NAME_ONLY))


def rows(shard: Shard, trees: Trees) -> list[FolderRow]:
    """Read the folders of the IPM subtree, in the order of their paths."""
    with shard.snapshot() as db:
        nodes = trees.get(db).nodes
        made = [_row(nodes[row[0]], row) for row in db.all(_ALL, (db.mailbox_id,)) if nodes[row[0]].path]
    made.sort(key=lambda row: row.path)
    return made


def read(shard: Shard, trees: Trees, wanted: int | tuple[str, ...]) -> FolderRow:
    """Read one folder by its FID counter or by its path. Raises NotFound."""
    with shard.read() as db:
        if isinstance(wanted, tuple):
            known = trees.guess(db)
            node = None if known is None else known.find(wanted)
            if known is not None and node is not None:
                row = db.one(_ONE, (db.mailbox_id, node.id))
                if row is not None and row[0] == known.version:  # the rule: folders are seldom renamed
                    return _row(node, row[1:])
            node = trees.get(db).find(wanted)
            if node is None:
                raise NotFound(f"there is no folder {'/'.join(wanted)!r}")
            folder_id = node.id
        else:
            folder_id = int(wanted)
        row = db.one(_ONE, (db.mailbox_id, folder_id))
        if row is None:
            raise NotFound(f"there is no folder {folder_id}")
        found = trees.get(db, row[0]).nodes.get(folder_id)
        if found is None:
            raise NotFound(f"there is no folder {folder_id}")
        return _row(found, row[1:])


def create(work: Work, trees: Trees, path: tuple[str, ...], container_class: str, *, parents: bool) -> int:
    """Create a folder and return its identifier; with `parents`, the ones above it too ([RFC3501] 6.3.3).

    A name left standing by `remove` becomes a folder again. Raises AlreadyExists, NotFound (a superior is missing and
    `parents` is false), TooLarge, Conflict.
    """
    check_path(path)
    tree = trees.get(work)
    above = tree.nodes[SpecialFolder.IPM_SUBTREE]
    depth = 0
    for name in path:
        node = tree.child(above.id, name)
        if node is None:
            break
        above = node
        depth += 1
    if depth == len(path):
        if above.kind != KIND_NAME_ONLY:
            raise AlreadyExists(f"the folder {'/'.join(path)!r} is there already")
        _revive(work, above.id)
        return above.id
    if depth < len(path) - 1 and not parents:
        raise NotFound(f"there is no folder {'/'.join(path[: depth + 1])!r}")
    if len(tree.nodes) + len(path) - depth > MAX_FOLDERS:
        raise TooLarge(f"a mailbox has at most {MAX_FOLDERS} folders")
    parent = above.id
    for name in path[depth:]:
        parent = add(work, parent, name, container_class)
    return parent


def nearest(db: Reader, trees: Trees, path: tuple[str, ...]) -> int:
    """Give the lowest folder on a path that is there; the IPM subtree when none is."""
    tree = trees.get(db)
    found = tree.nodes[SpecialFolder.IPM_SUBTREE]
    for name in path:
        node = tree.child(found.id, name)
        if node is None:
            break
        found = node
    return found.id


def add(work: Work, parent: int, name: str, container_class: str) -> int:
    """Add a folder below `parent`; return its identifier."""
    numbers = work.allocate(cns=1, ids=1)
    values = new_folder(
        work.mailbox_id, numbers.id, parent, name, container_class, cn=numbers.cn, uidvalidity=_next_uidvalidity(work)
    )
    work.run(ADD, tuple(values[column] for column in COLUMNS))
    work.run(_COUNT_CHILD, (work.mailbox_id, parent, 1))
    permissions.inherit(work, parent, numbers.id)
    _changed(work, numbers.cn)
    return numbers.id


def new_folder(
    mailbox_id: int,
    folder_id: int,
    parent: int | None,
    name: str,
    container_class: str,
    *,
    cn: int,
    uidvalidity: int,
    kind: int = KIND_GENERIC,
    special: int | None = None,
    subfolders: int = 0,
) -> dict[str, int | str | bytes | None]:
    """Give the row of an empty folder, by column."""
    values: dict[str, int | str | bytes | None] = dict.fromkeys(COLUMNS)
    values.update(
        dict.fromkeys(("total", "unread", "fai", "marked_deleted", "size", "deleted_count", "expunge_floor"), 0)
    )
    values.update(
        {
            "mailbox_id": mailbox_id,
            "folder_id": folder_id,
            "parent_id": parent,
            "kind": kind,
            "special": special,
            "name": name,
            "name_key": name_key(name),
            "class": container_class or None,
            "cn": cn,
            "local_commit_time": _now(),
            "modseq": cn,
            "uidvalidity": uidvalidity,
            "uidnext": 1,
            "fainext": 1,
            "subfolders": subfolders,
            "recent_uid": 1,
        }
    )
    return values


def rename(work: Work, trees: Trees, folder_id: int, path: tuple[str, ...]) -> None:
    """Give a folder a new path, its children with it; missing superiors are created ([RFC3501] 6.3.5).

    Raises NotFound, AlreadyExists, AccessDenied (a special folder), Conflict (into itself), TooLarge.
    """
    check_path(path)
    tree = trees.get(work)
    node = _movable(tree, folder_id)
    inside = {below.id for below in tree.below(folder_id)}
    deepest = max((len(tree.nodes[one].path) for one in inside), default=len(node.path))
    if len(path) + deepest - len(node.path) > MAX_DEPTH:
        raise TooLarge(f"folders nest at most {MAX_DEPTH} deep")
    there = tree.find(path)
    if there is not None and there.id != folder_id:
        raise AlreadyExists(f"the folder {'/'.join(path)!r} is there already")
    if len(path) > 1:
        above = tree.find(path[:-1])
        if any(
            one is not None and one.id == folder_id for one in map(tree.find, (path[:n] for n in range(1, len(path))))
        ):
            raise Conflict("a folder cannot be moved into itself")
        parent = above.id if above is not None else create(work, trees, path[:-1], node.container_class, parents=True)
    else:
        parent = SpecialFolder.IPM_SUBTREE.value
    numbers = work.allocate(cns=1)
    m = work.mailbox_id
    work.run(_RENAME, (m, folder_id, path[-1], name_key(path[-1]), parent, numbers.cn, _now()))
    if parent != node.parent_id:
        work.run(_COUNT_CHILD, (m, node.parent_id, -1))
        work.run(_COUNT_CHILD, (m, parent, 1))
    _changed(work, numbers.cn)


def remove(work: Work, trees: Trees, folder_id: int) -> None:
    """Delete a folder whose messages are gone already; one with children leaves its name ([RFC3501] 6.3.4).

    Raises NotFound, AccessDenied (a special folder), Conflict (only its name is there, and it has children).
    """
    tree = trees.get(work)
    node = _movable(tree, folder_id)
    numbers = work.allocate(cns=1)
    m = work.mailbox_id
    entries.forget(work, folder_id)
    accesskeys.forget(work, folder_id)
    if tree.children(folder_id):
        if node.kind == KIND_NAME_ONLY:
            raise Conflict("only the name is left, and there are folders below it")
        work.run(_NAME_ONLY, (m, folder_id, numbers.cn))
    else:
        work.run(_DELETE, (m, folder_id))
        work.run(_GONE, (m, numbers.cn, folder_id, node.parent_id, HOW_DELETED))
        work.run(_COUNT_CHILD, (m, node.parent_id, -1))
        permissions.forget(work, folder_id)
    work.touch(folder_id, numbers.cn)
    _changed(work, numbers.cn)


def check_removable(db: Reader, trees: Trees, folder_id: int) -> None:
    """Raise what `remove` would raise, before anything is done."""
    tree = trees.get(db)
    if _movable(tree, folder_id).kind == KIND_NAME_ONLY and tree.children(folder_id):
        raise Conflict("only the name is left, and there are folders below it")


def recent(db: Reader, folder_id: int) -> tuple[int, int]:
    """Read the UID from which messages are \\Recent, and the next UID. Raises NotFound."""
    row = db.one(_RECENT, (db.mailbox_id, folder_id))
    if row is None:
        raise NotFound(f"there is no folder {folder_id}")
    return row[0], row[1]


def claim_recent(shard: Shard, folder_id: int) -> int:
    """Take the \\Recent messages for one session: return the UID they begin from ([RFC3501] 2.3.2). Raises NotFound."""
    if not shard.inside():
        with shard.read() as db:
            first, following = recent(db, folder_id)
        if first == following:
            return first
    with shard.write() as work:
        first, following = recent(work, folder_id)
        if first != following:
            work.run(_CLAIM, (work.mailbox_id, folder_id))
    return first


def _movable(tree: FolderTree, folder_id: int) -> Node:
    node = tree.nodes.get(folder_id)
    if node is None:
        raise NotFound(f"there is no folder {folder_id}")
    if node.special is not None or not node.path:
        raise AccessDenied(f"{node.name!r} is a special folder")
    return node


def _revive(work: Work, folder_id: int) -> None:
    numbers = work.allocate(cns=1)
    work.run(_REVIVE, (work.mailbox_id, folder_id, numbers.cn, _next_uidvalidity(work), _now()))
    _changed(work, numbers.cn)


def _next_uidvalidity(work: Work) -> int:
    row = work.one(_UIDVALIDITY, (work.mailbox_id, int(time.time())))
    assert row is not None
    return int(row[0])


def _changed(work: Work, cn: int) -> None:
    work.run(_HIERARCHY_CHANGED, (work.mailbox_id, cn))
    work.touch(0, cn)


def _now() -> int:
    return filetime_from_unix(time.time())
