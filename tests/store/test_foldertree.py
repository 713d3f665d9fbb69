"""Trees of folders in memory: mailboxes whose folders are alike have one between them."""

from __future__ import annotations

import pytest

from store import foldertree
from store.foldertree import FolderTree
from store.mailbox import Mailbox
from tests.store.conftest import World

ROOT, SUBTREE = 1, 9
ROWS = [
    (ROOT, None, "Root", "root", 1, None, 0),
    (SUBTREE, ROOT, "Top", "top", 9, None, 1),
    (40, SUBTREE, "Plans", "plans", None, "IPF.Note", 1),
]


def tree_of(mailbox: Mailbox) -> FolderTree:
    mailbox.folder(("INBOX",))
    tree = mailbox._trees._kept
    assert tree is not None
    return tree


def test_new_mailboxes_have_one_tree_between_them(world: World) -> None:
    first, second = world.mailbox(), world.mailbox()
    assert tree_of(first) is tree_of(second)
    second.create_folder(("Plans",))
    assert tree_of(first) is not tree_of(second)
    assert [row.path for row in second.folders()] != [row.path for row in first.folders()]
    first.create_folder(("Plans",))
    assert tree_of(first) is tree_of(second)


@pytest.mark.parametrize(
    "other",
    [
        [(40, SUBTREE, "PLANS", "plans", None, "IPF.Note", 1)],
        [(40, SUBTREE, "Plans", "plans", None, "IPF.Task", 1)],
        [(40, SUBTREE, "Plans", "plans", None, None, 1)],
        [(40, SUBTREE, "Plans", "plans", None, "IPF.Note", foldertree.KIND_NAME_ONLY)],
        [(40, ROOT, "Plans", "plans", None, "IPF.Note", 1)],
        [(41, SUBTREE, "Plans", "plans", None, "IPF.Note", 1)],
        [(40, SUBTREE, "Plans", "plane", None, "IPF.Note", 1)],
        [ROWS[2], (41, SUBTREE, "More", "more", None, None, 1)],
        [],
    ],
)
def test_what_only_looks_alike_is_told_apart(other: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the hashes the same, the trees would not be."""
    monkeypatch.setattr(foldertree, "hash", lambda value: 1, raising=False)
    first = foldertree._tree(7, ROWS)
    rows = [*ROWS[:2], *other]
    assert foldertree._tree(7, list(ROWS)) is first
    second = foldertree._tree(7, rows)
    assert second is not first
    assert second.is_of(7, rows)
    assert not second.is_of(8, rows)
    assert not second.is_of(7, ROWS)


def test_the_order_of_the_rows_says_nothing() -> None:
    """A database may give them in any."""
    first = foldertree._tree(7, list(ROWS))
    assert foldertree._tree(7, ROWS[::-1]) is first


def test_a_large_tree_is_its_own() -> None:
    rows = [*ROWS, *((100 + n, SUBTREE, f"{n}", f"{n}", None, None, 1) for n in range(100))]
    assert foldertree._tree(7, rows) is not foldertree._tree(7, rows)
