"""Delivery and reading: rows, ready octets, MIME by slices, properties, quotas ([RFC3501] 6.3.11, 6.4.5)."""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import UUID

import pytest

from store.changes import Touched
from store.errors import NotFound, QuotaExceeded, TooLarge
from store.ids import MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.types import PropertyName, PropertyType
from store.quota import Quota
from tests.store.conftest import World
from tests.support.storemail import content, deliver, fill, rendition

INBOX = SpecialFolder.INBOX
INLINE, EXTERNAL = 8 << 10, 256 << 10
SIZES = [100, 4096, INLINE, INLINE + 1, 100_000, EXTERNAL, EXTERNAL + 1, 1_000_000]


def test_delivery_gives_the_row(world: World) -> None:
    mailbox = world.mailbox()
    before = int(time.time())
    row = deliver(mailbox, INBOX, flags=MessageFlag.FLAGGED)
    assert row.uid == 1
    assert row.modseq == row.save_modseq
    assert row.flags & MessageFlag.FLAGGED
    assert before <= row.internal_date <= time.time()
    assert row.size == len(rendition().raw)
    assert mailbox.rows(INBOX) == [row]
    folder = mailbox.folder(INBOX)
    assert (folder.total, folder.unread, folder.size) == (1, 1, row.size)
    assert (folder.uidnext, folder.modseq) == (2, row.modseq)
    assert world.hints[-1] == Touched(mailbox.ref.id, INBOX, row.modseq)


def test_uids_and_change_numbers_ascend_and_are_never_shared(mailbox: Mailbox) -> None:
    """[RFC3501] 2.3.1.1: UIDs strictly ascend; MS-OXCFXICS_R1897: each change has a change number of its own."""
    rows = [deliver(mailbox, folder) for folder in (INBOX, SpecialFolder.DRAFTS, INBOX, INBOX)]
    assert [row.uid for row in rows] == [1, 1, 2, 3]
    numbers = [row.modseq for row in rows]
    assert numbers == sorted(set(numbers))
    assert len({row.mid for row in rows}) == 4
    gone = mailbox.remove_messages(INBOX, [3])
    assert gone == [3]
    again = deliver(mailbox, INBOX)
    assert again.uid == 4
    assert again.mid not in {row.mid for row in rows}


def test_flags_keywords_and_date_are_taken(mailbox: Mailbox) -> None:
    """[RFC3501] 6.3.11: APPEND sets the flags and the internal date that it is given."""
    row = deliver(
        mailbox, INBOX, flags=MessageFlag.SEEN | MessageFlag.DELETED, keywords=("Work", "$Label1"), internal_date=86_400
    )
    assert row.internal_date == 86_400
    names = mailbox.keyword_names()
    assert {names[bit] for bit in names if row.keywords >> bit & 1} == {"Work", "$Label1"}
    folder = mailbox.folder(INBOX)
    assert (folder.total, folder.unread, folder.deleted) == (1, 0, 1)


def test_a_client_cannot_set_the_store_s_flags(mailbox: Mailbox) -> None:
    row = deliver(mailbox, INBOX, flags=MessageFlag.ASSOCIATED | MessageFlag.HAS_ATTACHMENT | MessageFlag.SUBMITTED)
    assert row.flags == 0


@pytest.mark.parametrize("size", SIZES)
def test_mime_comes_back_octet_for_octet(mailbox: Mailbox, size: int) -> None:
    """docs/decisions/0009, whatever the place of the content: in the row, in a content row, in a file."""
    mime = rendition("big", size=size)
    data = mime.raw[:-40] + bytes(range(40))
    mime = replace(mime, raw=data)
    row = mailbox.deliver(INBOX, content(), mime=mime)
    assert mailbox.raw(row.item_id) == data
    assert mailbox.raw(row.item_id, 10, 20) == data[10:30]
    assert mailbox.raw(row.item_id, len(data) - 5) == data[-5:]
    assert mailbox.raw(row.item_id, len(data) - 5, 100) == data[-5:]
    assert mailbox.raw(row.item_id, len(data) + 1, 10) == b""
    assert mailbox.raw(row.item_id, 0, 0) == b""
    assert list(mailbox.raw_many(INBOX, [row.uid])) == [(row.uid, row.item_id, data)]


def test_equal_content_is_kept_once(world: World) -> None:
    mailbox = world.mailbox()
    for size in (50_000, 300_000):
        first = deliver(mailbox, INBOX, "same", size=size)
        second = deliver(mailbox, INBOX, "same", size=size)
        assert first.item_id != second.item_id
        blobs = mailbox._parts.blobs
        assert len(list(blobs.keys())) == (1 if size == 300_000 else 0)
        mailbox.remove_messages(INBOX, [first.uid])
        assert len(mailbox.raw(second.item_id)) == size
        mailbox.remove_messages(INBOX, [second.uid])
        assert list(blobs.keys()) == []


def test_statics_are_the_octets_that_came(mailbox: Mailbox) -> None:
    uids = [deliver(mailbox, INBOX, f"s{number}").uid for number in range(5)]
    rows = list(mailbox.statics(INBOX, [uids[3], uids[0], 77, uids[0]]))
    assert [row.uid for row in rows] == [uids[0], uids[3]]
    mime = rendition("s3")
    assert rows[1].envelope == mime.envelope
    assert rows[1].bodystructure == mime.bodystructure
    assert rows[1].common_header == mime.common_header
    assert rows[1].size == len(mime.raw)
    assert mailbox.parts(rows[1].item_id) == mime.parts
    assert list(mailbox.statics(INBOX, [])) == []
    assert list(zip(*mailbox.metadata(INBOX, [1, 4]), strict=True)) == [
        (row.uid, row.envelope, row.bodystructure) for row in rows
    ]
    assert mailbox.common_headers(INBOX, [4, 1]) == [(row.uid, row.common_header) for row in rows]
    assert mailbox.metadata(INBOX, []) == ((), (), ())
    assert mailbox.common_headers(INBOX, []) == []
    assert list(mailbox.raw_with_parts(INBOX, [4])) == [(4, rows[1].item_id, mime.raw, mime.parts)]


def test_many_messages_come_in_chunks_in_order(world: World) -> None:
    mailbox = world.mailbox()
    made = world.store.group(mailbox.ref, [lambda n=n: deliver(mailbox, INBOX, f"m{n}") for n in range(1100)])
    assert all(not isinstance(row, Exception) for row in made)
    mailbox.remove_messages(INBOX, [7, 600])
    wanted = [uid for uid in range(1, 1101) if uid not in (7, 600)]
    assert [row.uid for row in mailbox.statics(INBOX, range(1, 1101))] == wanted
    assert [uid for uid, _, _ in mailbox.raw_many(INBOX, wanted[::-1])] == wanted
    odd = list(range(1, 1101, 5))
    assert [row.uid for row in mailbox.statics(INBOX, odd)] == odd
    assert [row.uid for row in mailbox.rows(INBOX, odd)] == odd


def test_what_is_not_there(mailbox: Mailbox) -> None:
    for call in (
        lambda: mailbox.raw(12_345),
        lambda: mailbox.parts(12_345),
        lambda: mailbox.content(12_345),
        lambda: mailbox.properties(12_345),
        lambda: mailbox.index(12_345),
        lambda: mailbox.folder(12_345),
        lambda: mailbox.claim_recent(12_345),
        lambda: mailbox.changes_since(12_345, 0),
        lambda: deliver(mailbox, 12_345),
    ):
        with pytest.raises(NotFound):
            call()
    assert mailbox.rows(INBOX, [1, 2]) == []
    assert mailbox.folder(INBOX).total == 0


def test_properties_come_back(mailbox: Mailbox) -> None:
    named = PropertyName(UUID(int=7), "colour", PropertyType.STRING)
    lid = PropertyName(UUID(int=7), 0x8501, PropertyType.INTEGER32)
    bag = {tags.PidTagSubject: "Grüße", tags.PidTagMessageFlags: 4, named: "blau", lid: 11}
    nested = MessageContent({tags.PidTagSubject: "inner", named: "rot"}, (), ())
    large = b"z" * 9000
    huge = b"y" * 300_000
    given = MessageContent(
        bag,
        (RecipientRow(RecipientType.CC, {tags.PidTagDisplayName: "Cy", named: "grün"}),),
        (
            AttachmentContent({tags.PidTagDisplayName: "a.txt"}, b"small"),
            AttachmentContent({tags.PidTagDisplayName: "b.bin"}, large),
            AttachmentContent({tags.PidTagDisplayName: "c.eml"}, nested),
            AttachmentContent({tags.PidTagDisplayName: "d.txt"}, MimeSlice(10, 20, "base64")),
            AttachmentContent({tags.PidTagDisplayName: "e.bin"}, huge),
        ),
    )
    row = mailbox.deliver(INBOX, given, mime=rendition())
    assert row.flags & MessageFlag.HAS_ATTACHMENT
    read = mailbox.content(row.mid)
    assert dict(read.properties) == bag
    assert [(one.type, dict(one.properties)) for one in read.recipients] == [
        (one.type, dict(one.properties)) for one in given.recipients
    ]
    assert [one.data for one in read.attachments if not isinstance(one.data, MessageContent)] == [
        b"small",
        large,
        MimeSlice(10, 20, "base64"),
        huge,
    ]
    inner = read.attachments[2].data
    assert isinstance(inner, MessageContent)
    assert dict(inner.properties) == dict(nested.properties)
    assert mailbox.properties(row.mid) == bag
    assert mailbox.properties(row.mid, [named, tags.PidTagBody]) == {named: "blau"}
    mailbox.remove_messages(INBOX, [row.uid])
    assert list(mailbox._parts.blobs.keys()) == []


def test_text_that_no_column_can_hold(mailbox: Mailbox) -> None:
    bag = {tags.PidTagNormalizedSubject: "a\0b\ud800", tags.PidTagMessageClass: "IPM\0"}
    row = mailbox.deliver(INBOX, MessageContent({tags.PidTagSubject: "x", **bag}), mime=rendition())
    assert mailbox.properties(row.mid, [tags.PidTagSubject]) == {tags.PidTagSubject: "x"}


def test_a_message_over_the_limit_is_refused(make_world: object, url: str | None) -> None:
    world: World = make_world(url, max_message=5000)  # type: ignore[operator]
    mailbox = world.mailbox()
    deliver(mailbox, INBOX, size=5000)
    with pytest.raises(TooLarge):
        deliver(mailbox, INBOX, size=5001)
    assert mailbox.folder(INBOX).total == 1


def test_quota_counts_every_placement(mailbox: Mailbox) -> None:
    """[MS-OXCSTOR] 2.2.2.1: prohibit-receive refuses what would pass it; flags and removal still work."""
    assert mailbox.quota() == Quota(0, None, None, None)
    mailbox.set_quota(warn=1000, send=2000, receive=3000)
    for number in range(3):
        deliver(mailbox, INBOX, f"{number}", size=1000)
    assert mailbox.quota() == Quota(3000, 1000, 2000, 3000)
    with pytest.raises(QuotaExceeded):
        deliver(mailbox, INBOX, "one too many", size=1000)
    with pytest.raises(QuotaExceeded):
        mailbox.copy(INBOX, [1], SpecialFolder.ARCHIVE)
    assert mailbox.quota().used == 3000
    assert mailbox.folder(INBOX).total == 3
    assert mailbox.folder(SpecialFolder.ARCHIVE).total == 0
    mailbox.move(INBOX, [1], SpecialFolder.ARCHIVE)
    assert mailbox.quota().used == 3000
    mailbox.remove_messages(INBOX, [2])
    assert mailbox.quota().used == 2000
    deliver(mailbox, INBOX, "fits", size=1000)
    mailbox.set_quota()
    deliver(mailbox, INBOX, "no limit", size=9000)


def test_recent_is_given_once(mailbox: Mailbox) -> None:
    """[RFC3501] 2.3.2: only one session is told that a message is \\Recent; EXAMINE and STATUS take nothing."""
    assert mailbox.claim_recent(INBOX) == 1
    fill(mailbox, INBOX, 2)
    modseq = mailbox.folder(INBOX).modseq
    assert mailbox.recent_from(INBOX) == 1
    assert mailbox.recent_from(INBOX) == 1
    assert mailbox.claim_recent(INBOX) == 1
    assert mailbox.claim_recent(INBOX) == 3
    assert mailbox.recent_from(INBOX) == 3
    deliver(mailbox, INBOX)
    assert mailbox.claim_recent(INBOX) == 3
    assert mailbox.folder(INBOX).modseq == modseq + 1, "claiming changes no message"


def test_claiming_publishes_nothing(world: World) -> None:
    mailbox = world.mailbox()
    deliver(mailbox, INBOX)
    world.hints.clear()
    mailbox.claim_recent(INBOX)
    assert world.hints == []


def test_a_guest_needs_rights(world: World) -> None:
    """[MS-OXCPERM] 2.2.7: each right opens what it names and nothing else."""
    from store.errors import AccessDenied
    from store.permissions import Rights

    mailbox = world.mailbox()
    uid = deliver(mailbox, INBOX).uid
    guest = world.store.open(mailbox.ref, as_user=b"bob")
    with pytest.raises(NotFound):
        guest.folder(INBOX)
    assert guest.folders() == []
    for call in (
        lambda: guest.index(INBOX),
        lambda: guest.rows(INBOX),
        lambda: guest.statics(INBOX, [uid]),
        lambda: guest.raw_many(INBOX, [uid]),
        lambda: deliver(guest, INBOX),
        lambda: guest.set_flags(INBOX, [uid], add=MessageFlag.SEEN),
        lambda: guest.copy(INBOX, [uid], SpecialFolder.ARCHIVE),
        lambda: guest.expunge(INBOX),
        lambda: guest.remove_messages(INBOX, [uid]),
        lambda: guest.create_folder(("INBOX", "x")),
        lambda: guest.set_quota(),
        lambda: guest.permissions(INBOX),
    ):
        with pytest.raises(AccessDenied):
            call()
    mailbox.set_permission(INBOX, b"bob", Rights.FOLDER_VISIBLE | Rights.READ_ANY)
    assert [row.path for row in guest.folders()] == [("INBOX",)]
    assert len(guest.index(INBOX)) == 1
    with pytest.raises(AccessDenied):
        guest.set_flags(INBOX, [uid], add=MessageFlag.FLAGGED)
    mailbox.set_permission(INBOX, b"bob", Rights.READ_ANY | Rights.EDIT_ANY | Rights.CREATE | Rights.DELETE_ANY)
    assert guest.set_flags(INBOX, [uid], add=MessageFlag.DELETED).rows[0].flags & MessageFlag.DELETED
    assert deliver(guest, INBOX).uid == uid + 1
    assert guest.expunge(INBOX) == [uid]
    assert mailbox.rights(INBOX) & Rights.FOLDER_OWNER


def test_metadata_by_items_is_that_by_uids(mailbox: Mailbox) -> None:
    """Items that lie side by side are read in a row; gaps, copies and messages that have gone change no answer."""
    for folder in (INBOX, INBOX, INBOX, SpecialFolder.DRAFTS, INBOX):
        deliver(mailbox, folder, f"s{folder}")
    mailbox.copy(INBOX, [3, 1], INBOX)
    uids = list(mailbox.index(INBOX).uids)
    assert len(uids) == 6
    for chosen in (uids, uids[:3], uids[1:4], uids[2:], uids[4:], uids[5:]):
        items = [mailbox.index(INBOX).item_ids[uids.index(uid)] for uid in chosen]
        by_items, by_uids = mailbox.metadata(INBOX, chosen, items), mailbox.metadata(INBOX, chosen)
        assert list(by_items[0]) == list(by_uids[0])
        assert by_items[1:] == by_uids[1:]
    before = mailbox.index(INBOX)
    mailbox.remove_messages(INBOX, [2])
    assert list(mailbox.metadata(INBOX, before.uids[:3], before.item_ids[:3])[0]) == [1, 3]
