"""Messages written together, previews, access keys and save dates, on both databases.

[RFC3502] 6.3.11, [RFC8970] 3.2, [RFC4467] 2.2, [RFC8514] 4.2
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from store.changes import Touched
from store.errors import NotFound, QuotaExceeded, TooLarge
from store.ids import MailboxRef, MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from store.mapi.message import MessageContent, MimeRendition
from store.messages import Delivery
from store.store import Store
from tests.store.conftest import World
from tests.support.storemail import deliver, rendition

INBOX, DRAFTS = SpecialFolder.INBOX, SpecialFolder.DRAFTS
LARGE = 300_000


def read_nothing(mime: MimeRendition, delivered: int | None, mailbox: MailboxRef) -> MessageContent:
    return MessageContent({})


@pytest.fixture
def mailbox(world: World) -> Mailbox:
    """A mailbox of a store that takes messages without their properties."""
    ref = world.mailbox().ref
    store = Store(world.settings, publish=world.hints.append, reader=read_nothing)
    world.store.close()
    world.store = store
    return store.open(ref)


def several(*sizes: int) -> list[Delivery]:
    return [Delivery(rendition(f"m{number}", size=size)) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("unclaimed", [0, 2])
@pytest.mark.parametrize("count", [1, 3])
def test_claimed_as_they_come(mailbox: Mailbox, unclaimed: int, count: int) -> None:
    """[RFC3501] 2.3.2: with what is \\Recent already, in one transaction, and for one session only."""
    mailbox.deliver_all(INBOX, several(10))
    assert mailbox.claim_recent(INBOX) == 1
    for _ in range(unclaimed):
        assert mailbox.deliver_all(INBOX, several(10)).recent_from == 0
    assert mailbox.deliver_all(INBOX, several(*[10] * count), claim=True).recent_from == 2
    assert mailbox.recent_from(INBOX) == mailbox.folder(INBOX).uidnext == 2 + unclaimed + count


def test_next_to_what_is_known(mailbox: Mailbox) -> None:
    """Whether something else came into the folder between; what happens in other folders does not count."""
    arrived = mailbox.deliver_all(INBOX, several(10, 10))
    assert not arrived.next_to, "nothing was known"
    known = arrived.rows[-1].modseq
    arrived = mailbox.deliver_all(INBOX, several(10, 10), known=known)
    assert arrived.next_to
    assert not mailbox.deliver_all(INBOX, several(10), known=known).next_to
    known = mailbox.folder(INBOX).modseq
    mailbox.deliver_all(DRAFTS, several(10))
    assert mailbox.deliver_all(INBOX, several(10), known=known).next_to


def test_rows_in_order_and_one_hint(world: World, mailbox: Mailbox) -> None:
    made = [
        Delivery(rendition("a"), MessageFlag.SEEN, ("key",), 5),
        Delivery(rendition("b", size=LARGE)),
        Delivery(rendition("c")),
    ]
    world.hints.clear()
    rows = mailbox.deliver_all(INBOX, made).rows
    assert [row.uid for row in rows] == [1, 2, 3]
    assert rows == mailbox.rows(INBOX)
    assert [row.modseq for row in rows] == sorted({row.modseq for row in rows})
    assert (rows[0].flags & MessageFlag.SEEN, rows[0].internal_date) == (MessageFlag.SEEN, 5)
    assert [row.keywords for row in rows][1:] == [0, 0] != [rows[0].keywords, 0]
    assert [mailbox.raw(row.item_id) for row in rows] == [one.mime.raw for one in made]
    folder = mailbox.folder(INBOX)
    assert (folder.total, folder.unread, folder.size) == (3, 2, sum(row.size for row in rows))
    assert set(world.hints) == {Touched(mailbox.ref.id, INBOX, rows[-1].modseq)}


@pytest.mark.parametrize("error", [QuotaExceeded, TooLarge, NotFound])
def test_all_or_none(world: World, mailbox: Mailbox, error: type[Exception]) -> None:
    """Neither a message nor a file of content is left of those before the one that cannot be written."""
    gone = mailbox.create_folder(("gone",)).id
    mailbox.delete_folder(gone)
    if error is QuotaExceeded:
        mailbox.set_quota(receive=2 * LARGE)
    elif error is TooLarge:
        mailbox._parts.max_message = LARGE + 10
    with pytest.raises(error):
        mailbox.deliver_all(gone if error is NotFound else INBOX, several(LARGE, LARGE, LARGE + 20))
    assert mailbox.rows(INBOX) == []
    assert list(mailbox._blobs.keys()) == []
    assert mailbox.folder(INBOX).uidnext == 1
    assert world.store.fsck(mailbox.ref) == []


def test_inside_a_unit_of_work(world: World, mailbox: Mailbox) -> None:
    """REPLACE: what is removed makes room, and both happen or neither."""
    old = mailbox.deliver_all(INBOX, several(1000)).rows[0]
    mailbox.set_quota(receive=1200)

    def swap(size: int) -> Callable[[], int]:
        def run() -> int:
            assert mailbox.remove_messages(INBOX, [row.uid for row in mailbox.rows(INBOX)])
            return mailbox.deliver_all(INBOX, several(size)).rows[0].uid

        return run

    assert isinstance(world.store.group(mailbox.ref, [swap(5000)])[0], QuotaExceeded)
    assert mailbox.rows(INBOX) == [old]
    assert world.store.group(mailbox.ref, [swap(5000), swap(1100)])[1] == 2
    assert [row.uid for row in mailbox.rows(INBOX)] == [2]
    assert world.store.fsck(mailbox.ref) == []


def test_previews_are_kept_once_and_go_with_the_item(world: World, mailbox: Mailbox) -> None:
    first, second = mailbox.deliver_all(INBOX, several(10, 10)).rows
    modseq = mailbox.folder(INBOX).modseq
    mailbox.keep_previews({first.item_id: "één", second.item_id: "", 4711: "nobody's"})
    mailbox.keep_previews({first.item_id: "other"})
    mailbox.keep_previews({})
    assert mailbox.previews([first.item_id, second.item_id, 4711]) == {first.item_id: "één", second.item_id: ""}
    assert mailbox.folder(INBOX).modseq == modseq
    mailbox.copy(INBOX, [1], DRAFTS)
    mailbox.remove_messages(INBOX, [1, 2])
    assert mailbox.previews([first.item_id, second.item_id]) == {first.item_id: "één"}
    mailbox.remove_messages(DRAFTS, [1])
    assert mailbox.previews([first.item_id]) == {}
    assert world.store.fsck(mailbox.ref) == []


def test_access_keys_by_folder_and_user(world: World, mailbox: Mailbox) -> None:
    folder = mailbox.create_folder(("box",)).id
    mailbox.set_permission(folder, b"\1" * 16, 0x401)
    other = world.store.open(mailbox.ref, as_user=b"\1" * 16)
    assert mailbox.access_key(folder) is None
    key = mailbox.make_access_key(folder)
    assert len(key) == 32
    assert mailbox.make_access_key(folder) == mailbox.access_key(folder) == key
    keys = {key, mailbox.make_access_key(INBOX), other.make_access_key(folder)}
    assert len(keys) == 3
    mailbox.reset_access_keys(folder)
    assert (mailbox.access_key(folder), mailbox.access_key(INBOX) is None, other.access_key(folder) is None) == (
        None,
        False,
        False,
    )
    mailbox.reset_access_keys(None)
    assert mailbox.access_key(INBOX) is None
    mailbox.delete_folder(folder)
    assert world.store.fsck(mailbox.ref) == []


def test_save_dates(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for moment in (100.0, 200.0):
        monkeypatch.setattr("time.time", lambda moment=moment: 1_000_000_000 + moment)
        deliver(mailbox, INBOX, internal_date=7)
    monkeypatch.setattr("time.time", lambda: 1_000_000_300.5)
    mailbox.copy(INBOX, [1], DRAFTS)
    mailbox.move(INBOX, [2], DRAFTS)
    assert mailbox.save_dates(INBOX, [1, 2]) == [(1, 1_000_000_100)]
    assert mailbox.save_dates(DRAFTS, [1, 2]) == [(1, 1_000_000_300), (2, 1_000_000_300)]
    assert mailbox.save_dates(DRAFTS, []) == []
    assert [row.internal_date for row in mailbox.rows(DRAFTS)] == [7, 7]
