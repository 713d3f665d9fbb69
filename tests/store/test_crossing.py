"""Messages that cross from one mailbox to another (store.crossing)."""

from __future__ import annotations

import pytest

from store.errors import AccessDenied, Conflict, NotFound, QuotaExceeded
from store.ids import MailboxRef, MessageFlag, SpecialFolder
from store.mapi import tags
from store.mapi.message import MessageContent
from store.permissions import Rights
from tests.store.conftest import World
from tests.support.storemail import deliver, rendition

INBOX = SpecialFolder.INBOX


def _sound(world: World, ref: MailboxRef) -> bool:
    # What a thorough check says of a PostgreSQL server of tests is that it does not sync.
    return world.store.fsck(ref, thorough=world.store.inline) == []


def test_everything_of_a_message_goes_along(world: World) -> None:
    """MIME, what was computed of it, properties, flags, keywords and dates."""
    source, target = world.mailbox(), world.mailbox()
    target.set_flags(INBOX, [deliver(target, INBOX).uid], add_keywords=["other", "work"])
    small = deliver(source, INBOX, "small", keywords=("work", "play"), internal_date=1_000_000)
    large = deliver(source, INBOX, "large", size=400_000, flags=MessageFlag.FLAGGED)
    bag = {tags.PidTagSubject: "kept", tags.PidTagImportance: 2}
    source.deliver(INBOX, MessageContent(bag), mime=rendition("with properties"))
    done = target.copy_from(source, INBOX, [1, 2, 3], INBOX, whole=True)
    assert (done.source, done.destination) == ([1, 2, 3], [2, 3, 4])
    assert done.uidvalidity == target.folder(INBOX).uidvalidity
    first, second, third = target.rows(INBOX, [2, 3, 4])
    names = target.keyword_names()
    assert {names[bit] for bit in names if first.keywords >> bit & 1} == {"work", "play"}
    assert (first.internal_date, first.size) == (1_000_000, small.size)
    assert (second.flags & MessageFlag.FLAGGED, second.size) == (MessageFlag.FLAGGED, large.size)
    shown = [
        [(row.envelope, row.bodystructure, row.common_header, row.size) for row in box.statics(INBOX, uids)]
        for box, uids in ((source, [1, 2, 3]), (target, [2, 3, 4]))
    ]
    assert shown[0] == shown[1]
    assert target.properties(third.mid, bag) == bag
    assert [raw for _, _, raw in target.raw_many(INBOX, [2, 3, 4])] == [
        raw for _, _, raw in source.raw_many(INBOX, [1, 2, 3])
    ]
    assert _sound(world, target.ref)
    assert _sound(world, source.ref)


def test_all_or_none(world: World) -> None:
    source, target = world.mailbox(), world.mailbox()
    for _ in range(3):
        deliver(source, INBOX, size=300_000)
    with pytest.raises(Conflict):
        target.copy_from(source, INBOX, [1, 9], INBOX, whole=True)
    target.set_quota(receive=700_000)
    with pytest.raises(QuotaExceeded):
        target.copy_from(source, INBOX, [1, 2, 3], INBOX)
    with pytest.raises(NotFound):
        target.copy_from(source, INBOX, [1], 12345)
    assert target.folder(INBOX).total == 0
    assert target.copy_from(source, INBOX, [1, 9], INBOX).source == [1]
    assert target.copy_from(source, INBOX, [9], INBOX).source == []
    assert _sound(world, target.ref)


def test_rights_at_both_ends(world: World) -> None:
    """[RFC4314] 4: `r` at the source, `i` at the target; flags as the target allows."""
    source, target = world.mailbox(), world.mailbox()
    deliver(source, INBOX, flags=MessageFlag.FLAGGED, keywords=("work",))
    reader = world.store.open(source.ref, as_user=b"bob")
    writer = world.store.open(target.ref, as_user=b"bob")
    with pytest.raises(AccessDenied):
        target.copy_from(reader, INBOX, [1], INBOX)
    with pytest.raises(AccessDenied):
        writer.copy_from(source, INBOX, [1], INBOX)
    source.set_permission(INBOX, b"bob", Rights.FOLDER_VISIBLE | Rights.READ_ANY)
    target.set_permission(INBOX, b"bob", Rights.FOLDER_VISIBLE | Rights.CREATE)
    writer.copy_from(reader, INBOX, [1], INBOX)
    (row,) = target.rows(INBOX)
    assert (row.flags & MessageFlag.FLAGGED, row.keywords) == (0, 0)
