"""COPY, MOVE, EXPUNGE ([RFC3501] 6.4.3, 6.4.7, [RFC6851], [RFC4315])."""

from __future__ import annotations

import pytest

from store import mailbox as mailboxes
from store import pace
from store.errors import NotFound
from store.ids import MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from tests.store.conftest import World
from tests.support.storemail import deliver, fill

INBOX, ARCHIVE = SpecialFolder.INBOX, SpecialFolder.ARCHIVE
SEEN, FLAGGED, DELETED = MessageFlag.SEEN, MessageFlag.FLAGGED, MessageFlag.DELETED


def test_copy_keeps_flags_dates_and_item(mailbox: Mailbox) -> None:
    """[RFC3501] 6.4.7: flags and internal date are preserved; [RFC8474] 5.1: the same content has one EMAILID."""
    first = deliver(mailbox, INBOX, "a", flags=SEEN | FLAGGED, keywords=("Work",), internal_date=1000)
    deliver(mailbox, INBOX, "b", internal_date=2000)
    deliver(mailbox, ARCHIVE, "c")
    transfer = mailbox.copy(INBOX, [2, 1], ARCHIVE)
    assert transfer == (mailbox.folder(ARCHIVE).uidvalidity, [1, 2], [2, 3])
    rows = mailbox.rows(ARCHIVE)
    assert [row.uid for row in rows] == [1, 2, 3]
    assert (rows[1].flags, rows[1].keywords, rows[1].internal_date) == (first.flags, first.keywords, 1000)
    assert (rows[1].item_id, rows[1].size) == (first.item_id, first.size)
    assert rows[1].mid != first.mid
    assert rows[1].modseq == rows[1].save_modseq < rows[2].modseq == mailbox.folder(ARCHIVE).modseq
    assert len(mailbox.rows(INBOX)) == 2
    folder = mailbox.folder(ARCHIVE)
    assert (folder.total, folder.unread, folder.uidnext) == (3, 2, 4)
    assert folder.size == sum(row.size for row in rows)
    assert mailbox.raw(rows[1].item_id) == mailbox.raw(first.item_id)
    assert mailbox.properties(rows[1].mid) == mailbox.properties(first.mid)


def test_copy_into_the_same_folder(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 2)
    transfer = mailbox.copy(INBOX, [1, 2], INBOX)
    assert transfer.destination == [3, 4]
    assert mailbox.folder(INBOX).total == 4


def test_copied_messages_are_recent(mailbox: Mailbox) -> None:
    """[RFC3501] 6.4.7: the \\Recent flag is set in the copy."""
    fill(mailbox, INBOX, 1)
    mailbox.claim_recent(ARCHIVE)
    mailbox.copy(INBOX, [1], ARCHIVE)
    assert mailbox.claim_recent(ARCHIVE) == 1


def test_uids_that_are_gone_are_left_out(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 2)
    assert mailbox.copy(INBOX, [2, 9], ARCHIVE).source == [2]
    nothing = mailbox.move(INBOX, [8, 9], ARCHIVE)
    assert (nothing.source, nothing.destination) == ([], [])
    assert nothing.uidvalidity == mailbox.folder(ARCHIVE).uidvalidity


def test_a_missing_target_changes_nothing(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 2)
    used = mailbox.quota().used
    for call in (mailbox.copy, mailbox.move):
        with pytest.raises(NotFound):
            call(INBOX, [1, 2], 4711)
        with pytest.raises(NotFound):
            call(INBOX, [9], 4711)
    assert len(mailbox.rows(INBOX)) == 2
    assert mailbox.quota().used == used


def test_move(world: World) -> None:
    """[RFC6851] 3.3: the messages leave the source and have new UIDs in the target; MS-OXCFXICS_R1892: and new MIDs."""
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 4, flags=int(DELETED | SEEN))
    before = {row.uid: row for row in mailbox.rows(INBOX)}
    mark = mailbox.folder(INBOX).modseq
    world.hints.clear()
    transfer = mailbox.move(INBOX, [2, 3], ARCHIVE)
    assert transfer.source == [2, 3]
    assert transfer.destination == [1, 2]
    assert [row.uid for row in mailbox.rows(INBOX)] == [1, 4]
    rows = mailbox.rows(ARCHIVE)
    assert [row.item_id for row in rows] == [before[2].item_id, before[3].item_id]
    assert not {row.mid for row in rows} & {row.mid for row in before.values()}
    assert mailbox.vanished_since(INBOX, mark) == [range(2, 4)]
    assert {hint.folder_id for hint in world.hints} == {INBOX, ARCHIVE}
    source, target = mailbox.folder(INBOX), mailbox.folder(ARCHIVE)
    assert (source.total, source.deleted, target.total, target.deleted) == (2, 2, 2, 2)
    assert source.size + target.size == mailbox.quota().used
    assert mailbox.raw(rows[0].item_id)


def test_move_within_the_folder_gives_new_uids(mailbox: Mailbox) -> None:
    fill(mailbox, INBOX, 3)
    assert mailbox.move(INBOX, [1, 3], INBOX).destination == [4, 5]
    assert [row.uid for row in mailbox.rows(INBOX)] == [2, 4, 5]
    assert mailbox.folder(INBOX).total == 3


def test_expunge_takes_what_is_marked(mailbox: Mailbox) -> None:
    """[RFC3501] 6.4.3, and [RFC4315] 2.1: UID EXPUNGE takes only those of its UIDs that are marked."""
    fill(mailbox, INBOX, 6)
    mailbox.set_flags(INBOX, [2, 4, 5], add=DELETED)
    assert mailbox.expunge(INBOX, [1, 2, 3, 99]) == [2]
    assert mailbox.expunge(INBOX) == [4, 5]
    assert mailbox.expunge(INBOX) == []
    assert [row.uid for row in mailbox.rows(INBOX)] == [1, 3, 6]
    folder = mailbox.folder(INBOX)
    assert (folder.total, folder.unread, folder.deleted) == (3, 3, 0)
    assert folder.size == sum(row.size for row in mailbox.rows(INBOX))


def test_removal_needs_no_mark(mailbox: Mailbox) -> None:
    """[RFC1939] 6: QUIT removes what was marked in the session, whatever IMAP's flags say."""
    fill(mailbox, INBOX, 3)
    assert mailbox.remove_messages(INBOX, [3, 1, 1, 77]) == [1, 3]
    assert [row.uid for row in mailbox.rows(INBOX)] == [2]


def test_content_goes_with_the_last_placement(mailbox: Mailbox) -> None:
    row = deliver(mailbox, INBOX, size=300_000)
    mailbox.copy(INBOX, [1], ARCHIVE)
    mailbox.move(ARCHIVE, [1], SpecialFolder.DRAFTS)
    mailbox.remove_messages(INBOX, [1])
    assert len(mailbox.raw(row.item_id)) == 300_000
    assert len(list(mailbox._parts.blobs.keys())) == 1
    assert mailbox.remove_messages(SpecialFolder.DRAFTS, [1]) == [1]
    with pytest.raises(NotFound):
        mailbox.raw(row.item_id)
    assert list(mailbox._parts.blobs.keys()) == []
    assert mailbox.quota().used == 0


def test_a_moved_message_keeps_its_content_until_it_is_removed(mailbox: Mailbox) -> None:
    """The item of a moved message is found through its new placement, although their numbers differ."""
    row = deliver(mailbox, INBOX)
    mailbox.move(INBOX, [1], ARCHIVE)
    other = deliver(mailbox, INBOX)
    mailbox.remove_messages(INBOX, [other.uid])
    assert mailbox.raw(row.item_id)
    mailbox.copy(ARCHIVE, [1], INBOX)
    mailbox.remove_messages(ARCHIVE, [1])
    assert mailbox.raw(row.item_id)


def test_more_messages_than_one_transaction_removes(world: World) -> None:
    mailbox = world.mailbox()
    world.store.group(
        mailbox.ref, [lambda n=n: deliver(mailbox, INBOX, f"{n}", flags=int(DELETED)) for n in range(2100)]
    )
    assert mailbox.expunge(INBOX) == list(range(1, 2101))
    assert (mailbox.folder(INBOX).total, mailbox.quota().used) == (0, 0)


def test_many_are_moved_and_removed_in_several_transactions(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC6851] 3.3: each message is moved or is not; others get their turn in between. In a group it is one."""
    monkeypatch.setattr(pace, "FIRST", 10)
    monkeypatch.setattr(pace, "LEAST", 10)
    monkeypatch.setattr(pace, "MOST", 10)
    monkeypatch.setattr(mailboxes, "FIRST", 10)
    mailbox = world.mailbox()
    fill(mailbox, INBOX, 35)
    mailbox.index(INBOX)
    world.hints.clear()
    done = mailbox.move(INBOX, range(1, 36), ARCHIVE)
    assert (done.source, done.destination) == (list(range(1, 36)), list(range(1, 36)))
    assert done.uidvalidity == mailbox.folder(ARCHIVE).uidvalidity
    assert [hint.folder_id for hint in world.hints] == [ARCHIVE, INBOX] * 4
    (done,) = world.store.group(mailbox.ref, [lambda: mailbox.move(ARCHIVE, range(1, 36), INBOX)])
    assert len(world.hints) == 10, "one transaction"
    world.hints.clear()
    mailbox.set_flags(INBOX, range(36, 60), add=MessageFlag.DELETED)
    assert mailbox.expunge(INBOX, range(40, 90)) == list(range(40, 60))
    assert len(world.hints) == 1 + 2, "five parts, of which three hold none that is marked"
    made = mailbox.create_folder(("Many",)).id
    mailbox.move(INBOX, [row.uid for row in mailbox.rows(INBOX)], made)
    mailbox.delete_folder(made)
    assert mailbox.folder(INBOX).total == 0
    assert mailbox.quota().used == 0
    with pytest.raises(NotFound):
        mailbox.folder(made)
    assert world.store.fsck(mailbox.ref) == []
