"""Folders: names, paths, special folders, creation, renaming, deletion ([RFC3501] 6.3, [MS-OXCFOLD])."""

from __future__ import annotations

import time

import pytest

from store.changes import Touched
from store.errors import AccessDenied, AlreadyExists, Conflict, NotFound, TooLarge
from store.ids import MailboxKind, SpecialFolder
from store.mailbox import Mailbox
from tests.store.conftest import World
from tests.support.storemail import deliver, fill

INBOX = SpecialFolder.INBOX


def paths(mailbox: Mailbox) -> list[tuple[str, ...]]:
    return [row.path for row in mailbox.folders()]


def test_a_mailbox_is_born_with_the_special_folders(mailbox: Mailbox) -> None:
    """[MS-OXOSFLD] 2.2.1: the Inbox and its siblings, under their display names and fixed identifiers."""
    rows = {row.path: row for row in mailbox.folders()}
    expected = {
        ("INBOX",): (SpecialFolder.INBOX, "IPF.Note"),
        ("Sent Items",): (SpecialFolder.SENT_ITEMS, "IPF.Note"),
        ("Deleted Items",): (SpecialFolder.DELETED_ITEMS, "IPF.Note"),
        ("Drafts",): (SpecialFolder.DRAFTS, "IPF.Note"),
        ("Junk E-mail",): (SpecialFolder.JUNK_EMAIL, "IPF.Note"),
        ("Archive",): (SpecialFolder.ARCHIVE, "IPF.Note"),
        ("Outbox",): (SpecialFolder.OUTBOX, "IPF.Note"),
        ("Calendar",): (SpecialFolder.CALENDAR, "IPF.Appointment"),
        ("Contacts",): (SpecialFolder.CONTACTS, "IPF.Contact"),
        ("Tasks",): (SpecialFolder.TASKS, "IPF.Task"),
        ("Notes",): (SpecialFolder.NOTES, "IPF.StickyNote"),
        ("Journal",): (SpecialFolder.JOURNAL, "IPF.Journal"),
    }
    for path, (special, container_class) in expected.items():
        row = rows[path]
        assert (row.id, row.special, row.container_class) == (int(special), special, container_class)
        assert (row.total, row.unread, row.uidnext, row.selectable) == (0, 0, 1, True)
        assert row.uidvalidity > 0
    assert rows["Sync Issues",].subfolders == 3
    assert ("Sync Issues", "Conflicts") in rows
    assert not any("Views" in path[-1] or "Recoverable" in path[-1] for path in rows), "folders beside the IPM subtree"


def test_folders_come_in_path_order(mailbox: Mailbox) -> None:
    mailbox.create_folder(("B", "a"))
    mailbox.create_folder(("B.",))
    listed = paths(mailbox)
    assert listed == sorted(listed)


def test_a_public_mailbox_has_few_folders(world: World) -> None:
    """[MS-OXCSTOR] 2.2.1.1.3: a public store has a root and an IPM subtree; its Inbox takes the mail sent to it."""
    mailbox = world.mailbox(MailboxKind.PUBLIC)
    assert paths(mailbox) == [("INBOX",)]
    assert mailbox.create_folder(("News",)).path == ("News",)


@pytest.mark.parametrize("name", ["INBOX", "inbox", "Inbox", "iNbOx"])
def test_inbox_is_known_in_any_case(mailbox: Mailbox, name: str) -> None:
    """[RFC3501] 5.1: INBOX is case-insensitive."""
    assert mailbox.folder((name,)).id == INBOX
    assert mailbox.folder(SpecialFolder.INBOX).path == ("INBOX",)
    with pytest.raises(AlreadyExists):
        mailbox.create_folder((name,))


def test_create_makes_the_superiors(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.3: the server creates superior hierarchical names."""
    made = mailbox.create_folder(("Projects", "2026", "Plan"))
    assert made.path == ("Projects", "2026", "Plan")
    assert mailbox.folder(("projects",)).subfolders == 1
    assert mailbox.folder(("Projects", "2026")).container_class == "IPF.Note"
    with pytest.raises(NotFound):
        mailbox.create_folder(("Other", "Deep"), parents=False)


def test_a_child_of_the_inbox(mailbox: Mailbox) -> None:
    made = mailbox.create_folder(("inbox", "Lists"))
    assert made.path == ("INBOX", "Lists")
    assert made.parent_id == INBOX


def test_names_differ_in_more_than_case(mailbox: Mailbox) -> None:
    """[MS-OXCFOLD] 2.2.1.2.1: a name is unique among its siblings, without regard to case."""
    mailbox.create_folder(("Straße",))
    for name in ("straße", "STRASSE"):
        with pytest.raises(AlreadyExists):
            mailbox.create_folder((name,))
    assert mailbox.folder(("STRASSE",)).name == "Straße"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ((), Conflict),
        (("a/b",), Conflict),
        (("",), Conflict),
        (("x\0",), Conflict),
        (("x\ud800",), Conflict),
        (("n" * 256,), TooLarge),
        (("d",) * 65, TooLarge),
    ],
)
def test_paths_have_limits(mailbox: Mailbox, path: tuple[str, ...], error: type[Exception]) -> None:
    before = paths(mailbox)
    with pytest.raises(error):
        mailbox.create_folder(path)
    assert paths(mailbox) == before


def test_the_limits_themselves_are_allowed(mailbox: Mailbox) -> None:
    assert mailbox.create_folder(("n" * 255,)).name == "n" * 255
    assert len(mailbox.create_folder(("d",) * 64).path) == 64


def test_rename_keeps_uidvalidity_and_children(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.5: inferior names are renamed too, missing superiors are created; [RFC3501] 2.3.1.1."""
    made = mailbox.create_folder(("A", "B"))
    deliver(mailbox, made.id)
    before = mailbox.folder(made.id)
    mailbox.rename_folder(mailbox.folder(("A",)).id, ("X", "Y"))
    after = mailbox.folder(("X", "Y", "B"))
    assert after.id == made.id
    assert (after.uidvalidity, after.uidnext, after.total) == (before.uidvalidity, before.uidnext, 1)
    assert mailbox.folder(("X",)).subfolders == 1
    with pytest.raises(NotFound):
        mailbox.folder(("A",))


def test_rename_may_change_case_only(mailbox: Mailbox) -> None:
    made = mailbox.create_folder(("report",))
    mailbox.rename_folder(made.id, ("Report",))
    assert mailbox.folder(made.id).path == ("Report",)


def test_rename_refuses(mailbox: Mailbox) -> None:
    a = mailbox.create_folder(("A",))
    mailbox.create_folder(("B",))
    with pytest.raises(AlreadyExists):
        mailbox.rename_folder(a.id, ("b",))
    with pytest.raises(Conflict):
        mailbox.rename_folder(a.id, ("A", "Inside", "Itself"))
    with pytest.raises(AccessDenied):
        mailbox.rename_folder(SpecialFolder.SENT_ITEMS, ("Sent",))
    with pytest.raises(AccessDenied):
        mailbox.rename_folder(SpecialFolder.ROOT, ("Root",))
    with pytest.raises(NotFound):
        mailbox.rename_folder(99_999, ("C",))
    deep = mailbox.create_folder(("A", *("d",) * 63))
    with pytest.raises(TooLarge):
        mailbox.rename_folder(a.id, ("B", "A"))
    assert mailbox.folder(deep.id).path[0] == "A"


def test_renaming_inbox_moves_its_messages(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.5: renaming INBOX moves its messages to a new mailbox and leaves INBOX empty; inferiors stay."""
    child = mailbox.create_folder(("INBOX", "Child"))
    fill(mailbox, INBOX, 3)
    before = mailbox.folder(INBOX)
    mailbox.rename_folder(INBOX, ("Old mail",))
    assert mailbox.folder(("Old mail",)).total == 3
    after = mailbox.folder(INBOX)
    assert (after.total, after.unread, after.size) == (0, 0, 0)
    assert (after.uidvalidity, after.uidnext) == (before.uidvalidity, before.uidnext)
    assert mailbox.folder(child.id).path == ("INBOX", "Child")
    with pytest.raises(AlreadyExists):
        mailbox.rename_folder(INBOX, ("Old mail",))


def test_delete_and_create_gives_a_new_uidvalidity(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.4: a name deleted and created again must not confuse its UIDs with the old ones."""
    first = mailbox.create_folder(("Temp",))
    deliver(mailbox, first.id)
    mailbox.delete_folder(first.id)
    with pytest.raises(NotFound):
        mailbox.folder(first.id)
    second = mailbox.create_folder(("Temp",))
    assert second.uidvalidity > first.uidvalidity
    assert second.id != first.id
    assert (second.total, second.uidnext) == (0, 1)


def test_uidvalidity_is_not_behind_the_clock(mailbox: Mailbox) -> None:
    now = int(time.time())
    values = [mailbox.create_folder((name,)).uidvalidity for name in "abc"]
    assert values[0] >= now
    assert values == sorted(set(values))


def test_deleting_a_folder_with_children_leaves_its_name(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.4: the messages go, the name stays as \\Noselect; deleting that again is an error."""
    child = mailbox.create_folder(("Top", "Child"))
    top = mailbox.folder(("Top",))
    fill(mailbox, top.id, 2)
    mailbox.delete_folder(top.id)
    left = mailbox.folder(("Top",))
    assert (left.selectable, left.total, left.size) == (False, 0, 0)
    assert mailbox.folder(child.id).path == ("Top", "Child")
    with pytest.raises(Conflict):
        mailbox.delete_folder(top.id)
    with pytest.raises(NotFound):
        deliver(mailbox, top.id)
    with pytest.raises(NotFound):
        mailbox.copy(SpecialFolder.INBOX, [deliver(mailbox, INBOX).uid], top.id)
    revived = mailbox.create_folder(("Top",))
    assert (revived.selectable, revived.total, revived.uidnext) == (True, 0, 1)
    assert revived.uidvalidity > top.uidvalidity
    assert deliver(mailbox, revived.id).uid == 1
    mailbox.delete_folder(child.id)
    mailbox.delete_folder(revived.id)
    with pytest.raises(NotFound):
        mailbox.folder(("Top",))


def test_special_folders_stay(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.4: it is an error to delete INBOX; the other special folders are refused as well."""
    for special in (INBOX, SpecialFolder.DRAFTS, SpecialFolder.CALENDAR, SpecialFolder.IPM_SUBTREE):
        with pytest.raises(AccessDenied):
            mailbox.delete_folder(special)


def test_every_change_of_the_hierarchy_is_published(world: World) -> None:
    mailbox = world.mailbox()
    world.hints.clear()
    made = mailbox.create_folder(("A",))
    mailbox.rename_folder(made.id, ("B",))
    mailbox.delete_folder(made.id)
    hierarchy = [hint for hint in world.hints if hint.folder_id == 0]
    assert len(hierarchy) == 3
    assert hierarchy == sorted(hierarchy, key=lambda hint: hint.cn)
    assert all(isinstance(hint, Touched) and hint.mailbox_id == mailbox.ref.id for hint in world.hints)


def test_another_process_sees_the_change(world: World) -> None:
    mailbox = world.mailbox()
    other = world.other_process()
    try:
        theirs = other.open(mailbox.ref)
        assert ("A",) not in paths(theirs)
        made = mailbox.create_folder(("A",))
        assert theirs.folder(("A",)).id == made.id
        theirs.rename_folder(made.id, ("Z",))
        assert mailbox.folder(made.id).path == ("Z",)
        theirs.delete_folder(made.id)
        with pytest.raises(NotFound):
            mailbox.folder(("Z",))
    finally:
        other.close()


def test_subscriptions(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.6: subscribing to a name does not need a mailbox of that name, and outlives it."""
    mailbox.subscribe("INBOX")
    mailbox.subscribe("Gone/Away")
    mailbox.subscribe("INBOX")
    assert mailbox.subscriptions() == ["Gone/Away", "INBOX"]
    mailbox.unsubscribe("INBOX")
    mailbox.unsubscribe("never there")
    assert mailbox.subscriptions() == ["Gone/Away"]
    with pytest.raises(TooLarge):
        mailbox.subscribe("x" * 2001)


def test_subscriptions_belong_to_the_user(world: World) -> None:
    mailbox = world.mailbox()
    guest = world.store.open(mailbox.ref, as_user=b"bob")
    mailbox.subscribe("mine")
    guest.subscribe("theirs")
    assert mailbox.subscriptions() == ["mine"]
    assert guest.subscriptions() == ["theirs"]
