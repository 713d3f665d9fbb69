"""The tree of a mailbox's folders: names and paths, kept in memory as long as the hierarchy stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakValueDictionary

from sqlalchemy import bindparam, select

from store.engine import Reader, Row, Statement, Work
from store.errors import NotFound
from store.ids import SpecialFolder
from store.schema import folder, mailbox

KIND_ROOT = 0
KIND_GENERIC = 1
KIND_SEARCH = 2
KIND_NAME_ONLY = 3
"""Deleted while it had children: \\Noselect ([RFC3501] 6.3.4)."""


INBOX = "INBOX"

_c = folder.c
_TREE = Statement(
    select(_c.folder_id, _c.parent_id, _c.name, _c.name_key, _c.special, _c["class"], _c.kind).where(
        _c.mailbox_id == bindparam("m")
    ),
    "m",
)
_HIERARCHY = Statement(select(mailbox.c.hier_modseq).where(mailbox.c.mailbox_id == bindparam("m")), "m")


@dataclass(slots=True)
class Node:
    """One folder of the tree: what does not change with its messages."""

    id: int
    parent_id: int | None
    name: str
    special: SpecialFolder | None
    container_class: str
    kind: int
    path: tuple[str, ...] = ()


class FolderTree:
    """The folders of a mailbox as they stood at one `hier_modseq`; not changed once made."""

    def __init__(self, version: int, rows: list[Row]) -> None:
        self.version = version
        self.nodes: dict[int, Node] = {}
        self._children: dict[int, dict[str, Node]] = {}
        for folder_id, parent_id, name, key, special, container_class, kind in rows:
            node = Node(
                folder_id,
                parent_id,
                name,
                None if special is None else SpecialFolder(special),
                container_class or "",
                kind,
            )
            self.nodes[folder_id] = node
            if parent_id is not None:
                self._children.setdefault(parent_id, {})[key] = node
        self._set_paths()

    def is_of(self, version: int, rows: list[Row]) -> bool:
        """Whether these rows, at this `hier_modseq`, make just this tree."""
        return self.version == version and len(self.nodes) == len(rows) and all(map(self._has, rows))

    def _has(self, row: Row) -> bool:
        folder_id, parent_id, name, key, special, container_class, kind = row
        node = self.nodes.get(folder_id)
        if node is None or (parent_id is not None and self._children.get(parent_id, {}).get(key) is not node):
            return False
        return (parent_id, name, special, container_class or "", kind) == (
            node.parent_id,
            node.name,
            node.special,
            node.container_class,
            node.kind,
        )

    def _set_paths(self) -> None:
        pending: list[tuple[int, tuple[str, ...]]] = [(SpecialFolder.IPM_SUBTREE.value, ())]
        while pending:
            parent, prefix = pending.pop()
            for node in self._children.get(parent, {}).values():
                node.path = (INBOX,) if node.special is SpecialFolder.INBOX else (*prefix, node.name)
                pending.append((node.id, node.path))

    def find(self, path: tuple[str, ...]) -> Node | None:
        """Find a folder by its names below the IPM subtree, in any case."""
        node = self.nodes.get(SpecialFolder.IPM_SUBTREE)
        for name in path:
            if node is None:
                return None
            node = self.child(node.id, name)
        return node if path else None

    def child(self, parent: int, name: str) -> Node | None:
        """Find a child by name, in any case."""
        return self._children.get(parent, {}).get(name_key(name))

    def children(self, parent: int) -> list[Node]:
        """Give the folders right below one."""
        return list(self._children.get(parent, {}).values())

    def below(self, top: int) -> Iterator[Node]:
        """Give all folders below one."""
        pending = [top]
        while pending:
            for node in self.children(pending.pop()):
                yield node
                pending.append(node.id)


class Remembered(NamedTuple):
    """A folder as it was when the tree was at a version."""

    node: Node
    version: int


_ALIKE: WeakValueDictionary[int, FolderTree] = WeakValueDictionary()
"""The small trees that mailboxes have in memory, by a hash of what they are made of."""
_SMALL = 64
"""Folders of such a tree."""


def _tree(version: int, rows: list[Row]) -> FolderTree:
    """Make a tree, or take another mailbox's that is just the same: most users have the folders that all have."""
    if len(rows) > _SMALL:
        return FolderTree(version, rows)
    key = hash((version, frozenset(rows)))  # PostgreSQL gives them in any order
    tree = _ALIKE.get(key)
    if tree is None or not tree.is_of(version, rows):
        tree = _ALIKE[key] = FolderTree(version, rows)
    return tree


class Trees:
    """The tree of one mailbox, kept as long as its `hier_modseq` stands."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: FolderTree | None = None

    def remembered(self, path: tuple[str, ...]) -> Remembered | None:
        """Find a folder in the tree of a while ago without asking the database; None where that has none."""
        tree = self._kept
        node = None if tree is None else tree.find(path)
        return None if tree is None or node is None else Remembered(node, tree.version)

    def guess(self, db: Reader) -> FolderTree | None:
        """Give the tree of a while ago, for what is confirmed by its version; None if there is none for `db`."""
        return None if isinstance(db, Work) and 0 in db.touched else self._kept

    def get(self, db: Reader, version: int | None = None) -> FolderTree:
        """Give the tree as `db` sees it. A tree that a unit of work has changed is not kept: it may yet be undone."""
        if version is None:
            row = db.one(_HIERARCHY, (db.mailbox_id,))
            if row is None:
                raise NotFound(f"there is no mailbox {db.mailbox_id}")
            version = row[0]
        assert version is not None
        kept = self._kept
        changed = isinstance(db, Work) and 0 in db.touched
        if kept is not None and kept.version == version and not changed:
            return kept
        tree = _tree(version, db.all(_TREE, (db.mailbox_id,)))
        if not changed:
            self._kept = tree
        return tree


def name_key(name: str) -> str:
    """Give the form under which a name is unique among its siblings."""
    return name.casefold()
