"""Annotations of folders and mailboxes ([RFC5464] 3, 4.3)."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from store import entries
from store.entries import MAX_ENTRIES, MAX_VALUE
from store.errors import AccessDenied, TooLarge
from store.ids import SpecialFolder
from store.mailbox import Mailbox
from store.permissions import Rights
from tests.store.conftest import World

INBOX = SpecialFolder.INBOX
ANN, BEN = (UUID(int=number).bytes_le for number in (1, 2))


def test_private_and_shared_entries_are_apart(mailbox: Mailbox) -> None:
    """[RFC5464] 3.1."""
    mailbox.annotate(INBOX, [("/comment", b"ours")])
    mailbox.annotate(INBOX, [("/comment", b"mine"), ("/vendor/x", b"\0\xff")], private=ANN)
    mailbox.annotate(0, [("/comment", b"the whole")], private=ANN)
    assert mailbox.annotations(INBOX) == {"/comment": b"ours"}
    assert mailbox.annotations(INBOX, private=ANN) == {"/comment": b"mine", "/vendor/x": b"\0\xff"}
    assert mailbox.annotations(INBOX, private=BEN) == {}
    assert mailbox.annotations(0, private=ANN) == {"/comment": b"the whole"}
    assert mailbox.annotated("/comment", private=ANN) == {0: b"the whole", INBOX: b"mine"}


def test_all_entries_or_none(mailbox: Mailbox) -> None:
    """[RFC5464] 4.3: a change is made in full or not at all."""
    mailbox.annotate(INBOX, [("/a", b"1"), ("/b", b"")])
    with pytest.raises(TooLarge):
        mailbox.annotate(INBOX, [("/a", None), ("/c", b"x" * (MAX_VALUE + 1))])
    assert mailbox.annotations(INBOX) == {"/a": b"1", "/b": b""}
    mailbox.annotate(INBOX, [("/a", None), ("/b", b"2"), ("/none", None)])
    assert mailbox.annotations(INBOX) == {"/b": b"2"}


def test_limits(mailbox: Mailbox) -> None:
    mailbox.annotate(INBOX, [(f"/{number}", b"") for number in range(MAX_ENTRIES)])
    mailbox.annotate(INBOX, [("/0", b"again")])
    with pytest.raises(TooLarge):
        mailbox.annotate(INBOX, [("/more", b"")])
    mailbox.annotate(INBOX, [("/more", b"")], private=ANN)
    with pytest.raises(TooLarge):
        mailbox.annotate(INBOX, [("/" + "n" * 255, b"")], private=BEN)


def test_they_go_with_the_folder(world: World, mailbox: Mailbox) -> None:
    """[RFC5464] 3: kept by RENAME, gone with DELETE, and fsck removes what is left of folders that are gone."""
    made = mailbox.create_folder(("a", "b"))
    mailbox.annotate(made.id, [("/comment", b"x")])
    mailbox.annotate(0, [("/comment", b"whole")])
    mailbox.rename_folder(made.id, ("c",))
    assert mailbox.annotations(mailbox.folder(("c",)).id) == {"/comment": b"x"}
    mailbox.delete_folder(made.id)
    assert mailbox.annotations(made.id) == {}
    with world.store.shard(mailbox.ref).write() as work:
        entries.write(work, made.id, b"", "/comment", b"left over")
    (finding,) = world.store.fsck(mailbox.ref, repair=True)
    assert (finding.code, finding.repaired) == ("folder-leftovers", True)
    assert world.store.fsck(mailbox.ref) == []
    assert mailbox.annotations(0) == {"/comment": b"whole"}


def test_renaming_the_inbox_copies_them(mailbox: Mailbox) -> None:
    """[RFC5464] 4.1: INBOX keeps its annotations, and what is made of it has them, too."""
    mailbox.annotate(INBOX, [("/comment", b"x")])
    mailbox.annotate(INBOX, [("/comment", b"mine")], private=ANN)
    mailbox.rename_folder(INBOX, ("old",))
    made = mailbox.folder(("old",)).id
    for folder in (INBOX, made):
        assert mailbox.annotations(folder) == {"/comment": b"x"}
        assert mailbox.annotations(folder, private=ANN) == {"/comment": b"mine"}


def test_rights(world: World, mailbox: Mailbox) -> None:
    """[RFC5464] 3.3: who reads the folder has entries of its own there; shared ones take the right to edit."""
    guest = world.store.open(mailbox.ref, as_user=ANN)
    with pytest.raises(AccessDenied):
        guest.annotations(INBOX)
    mailbox.set_permission(INBOX, ANN, Rights.FOLDER_VISIBLE)
    with pytest.raises(AccessDenied):
        guest.annotations(INBOX)
    mailbox.set_permission(INBOX, ANN, Rights.FOLDER_VISIBLE | Rights.CREATE)
    assert guest.annotations(INBOX) == {}
    mailbox.set_permission(INBOX, ANN, Rights.FOLDER_VISIBLE | Rights.READ_ANY)
    guest.annotate(INBOX, [("/comment", b"x")], private=ANN)
    assert guest.annotations(INBOX, private=ANN) == {"/comment": b"x"}
    for folder in (INBOX, 0):
        with pytest.raises(AccessDenied):
            guest.annotate(folder, [("/comment", b"x")])
    mailbox.set_permission(INBOX, ANN, Rights.FOLDER_VISIBLE | Rights.READ_ANY | Rights.EDIT_ANY)
    guest.annotate(INBOX, [("/comment", b"for all")])
    assert mailbox.annotations(INBOX) == {"/comment": b"for all"}


def test_a_mailbox_of_the_first_schema_takes_annotations(make_world: object, tmp_path: Path) -> None:
    """The migration 0002 brings the table to a file that was written before it."""
    import sqlite3
    from contextlib import closing

    from store.ids import MailboxRef

    assert callable(make_world)
    world: World = make_world()
    ref = MailboxRef(7, UUID(int=7))
    path = world.settings.root / "mbx" / ref.guid.hex[:2] / f"{ref.guid.hex}.sqlite"
    path.parent.mkdir(parents=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((Path(__file__).parent / "data" / "mailbox-schema-1.sql").read_text())
        connection.execute("PRAGMA journal_mode = WAL")
    opened = world.store.open(ref)
    opened.annotate(INBOX, [("/comment", b"x")])
    assert opened.annotations(INBOX) == {"/comment": b"x"}


def test_what_a_user_may_keep_in_a_mailbox(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Annotations count for no quota, so they have a limit of their own: all of a user in a mailbox together."""
    monkeypatch.setattr(entries, "MAX_TOGETHER", 2500)
    folders = [mailbox.create_folder((name,)).id for name in "abc"]
    mailbox.annotate(folders[0], [("/x", b"x" * 900)])
    mailbox.annotate(folders[1], [("/x", b"x" * 900)])
    with pytest.raises(TooLarge):
        mailbox.annotate(folders[2], [("/x", b"x" * 900)])
    assert mailbox.annotations(folders[2]) == {}
    with pytest.raises(TooLarge):
        mailbox.annotate(folders[2], [(f"/{number}", b"") for number in range(10)])
    mailbox.annotate(folders[2], [("/x", b"x" * 900)], private=ANN)
    mailbox.annotate(folders[1], [("/x", b"x" * 100)])
    mailbox.annotate(folders[2], [("/x", b"x" * 900)])
