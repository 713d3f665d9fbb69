"""Properties that are made from the MIME when they are first asked for (docs/decisions/0013)."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import bindparam, update

from store.engine import Statement
from store.errors import NotFound
from store.ids import MailboxRef, MessageFlag, SpecialFolder
from store.mailbox import Mailbox
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeRendition, MimeSlice, RecipientRow, RecipientType
from store.mapi.restriction import Bitmask, Content, Fuzzy, PidTagMessageRecipients, SubObject
from store.mapi.types import PropertyName, PropertyType, filetime_from_unix
from store.schema import item
from store.store import Store
from tests.store.conftest import World
from tests.support.storemail import content, deliver, rendition

INBOX = SpecialFolder.INBOX
SHOE_SIZE = PropertyName(tags.PS_INTERNET_HEADERS, "x-shoe-size", PropertyType.STRING)


class Reader:
    """A MIME reader that notes what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[MimeRendition, int | None]] = []
        self.mailboxes: list[MailboxRef] = []

    def __call__(self, mime: MimeRendition, received: int | None, mailbox: MailboxRef) -> MessageContent:
        self.calls.append((mime, received))
        self.mailboxes.append(mailbox)
        subject = mime.common_header.decode().removeprefix("Subject: ").strip()
        attachments = (
            (AttachmentContent({tags.PidTagDisplayName: "a.txt"}, MimeSlice(3, 4, "base64")),)
            if "attached" in subject
            else ()
        )
        return MessageContent(
            {
                tags.PidTagMessageClass: "IPM.Note",
                tags.PidTagSubject: subject,
                tags.PidTagMessageDeliveryTime: filetime_from_unix(received or 0),
                tags.PidTagHasAttachments: bool(attachments),
                SHOE_SIZE: "46",
            },
            (RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: f"To {subject}"}),),
            attachments,
        )


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def store(world: World, reader: Reader) -> Store:
    world.store.close()
    world.store = Store(world.settings, publish=world.hints.append, reader=reader)
    return world.store


@pytest.fixture
def mailbox(store: Store, world: World) -> Mailbox:
    return world.mailbox()


def put(mailbox: Mailbox, subject: str, *, size: int = 0, date: int = 1000) -> tuple[int, int]:
    row = mailbox.deliver(INBOX, None, mime=rendition(subject, size=size), internal_date=date)
    return row.uid, row.mid


def test_nothing_is_read_until_it_is_asked_for(mailbox: Mailbox, reader: Reader) -> None:
    uid, mid = put(mailbox, "one")
    mime = rendition("one")
    assert mailbox.metadata(INBOX, [uid]) == ((uid,), (mime.envelope,), (mime.bodystructure,))
    assert next(iter(mailbox.raw_many(INBOX, [uid])))[2] == mime.raw
    assert reader.calls == []
    assert mailbox.properties(mid, [tags.PidTagSubject]) == {tags.PidTagSubject: "one"}
    assert mailbox.properties(mid)[SHOE_SIZE] == "46"
    assert [row.properties for row in mailbox.content(mid).recipients] == [{tags.PidTagDisplayName: "To one"}]
    assert reader.calls == [(mime, 1000)]
    assert reader.mailboxes == [mailbox.ref]


@pytest.mark.parametrize("size", [100, 100_000, 300_000])
def test_the_reader_gets_the_whole_message(mailbox: Mailbox, reader: Reader, size: int) -> None:
    """Wherever its octets are kept: in the row, in a content row, in a file."""
    _, mid = put(mailbox, "big", size=size)
    mailbox.content(mid)
    assert reader.calls == [(rendition("big", size=size), 1000)]
    assert mailbox.raw(mid) == rendition("big", size=size).raw


def test_what_was_read_is_kept(mailbox: Mailbox, reader: Reader, world: World) -> None:
    _, mid = put(mailbox, "attached one", date=2000)
    first = mailbox.content(mid)
    other = world.other_process()
    assert other.open(mailbox.ref).content(mid) == first
    other.close()
    assert first.attachments[0].data == MimeSlice(3, 4, "base64")
    assert first.properties[tags.PidTagMessageDeliveryTime] == filetime_from_unix(2000)
    assert len(reader.calls) == 1


def test_reading_is_no_change_of_the_message(mailbox: Mailbox, world: World) -> None:
    """No change number, no hint, nothing for a client to be told of."""
    uid, mid = put(mailbox, "attached two")
    before, hints = mailbox.rows(INBOX)[0], list(world.hints)
    mailbox.content(mid)
    after = mailbox.rows(INBOX, [uid])[0]
    assert after == before._replace(flags=before.flags | MessageFlag.HAS_ATTACHMENT)
    assert mailbox.changes_since(INBOX, before.modseq)[1] == []
    assert world.hints == hints


def test_a_copy_is_read_with_its_original(mailbox: Mailbox, reader: Reader) -> None:
    uid, mid = put(mailbox, "attached three")
    copied = mailbox.copy(INBOX, [uid], SpecialFolder.DRAFTS)
    copy = mailbox.rows(SpecialFolder.DRAFTS, copied.destination)[0]
    assert mailbox.properties(copy.mid)[tags.PidTagSubject] == "attached three"
    assert mailbox.rows(SpecialFolder.DRAFTS)[0].flags & MessageFlag.HAS_ATTACHMENT
    assert mailbox.rows(INBOX)[0].flags & MessageFlag.HAS_ATTACHMENT
    assert mailbox.properties(mid)[tags.PidTagSubject] == "attached three"
    assert len(reader.calls) == 1


def test_a_search_by_properties_reads_first(mailbox: Mailbox, reader: Reader) -> None:
    uids = [put(mailbox, name)[0] for name in ("red", "green", "attached red", "blue")]
    deliver(mailbox, INBOX, "red too")
    mailbox.index(INBOX)

    def find(restriction: object) -> list[int]:
        return mailbox.find(INBOX, restriction, text=no_text)  # type: ignore[arg-type]

    assert find(Content(tags.PidTagSubject, "red", Fuzzy.SUBSTRING)) == [uids[0], uids[2], uids[3] + 1]
    assert len(reader.calls) == 4
    has_attachment = Bitmask(tags.PidTagMessageFlags, int(MessageFlag.HAS_ATTACHMENT), zero=False)
    assert find(has_attachment) == [uids[2]]
    to_green = SubObject(PidTagMessageRecipients, Content(tags.PidTagDisplayName, "green", Fuzzy.SUBSTRING))
    assert find(to_green) == [uids[1]]
    assert len(reader.calls) == 4


def no_text(raw: bytes, parts: bytes = b"") -> object:
    raise AssertionError("no text is asked for")


def test_many_messages_are_read_in_chunks(mailbox: Mailbox, store: Store, reader: Reader) -> None:
    store.group(mailbox.ref, [partial(put, mailbox, f"m{n}") for n in range(150)])
    found = mailbox.find(INBOX, Content(tags.PidTagSubject, "m14", Fuzzy.PREFIX), text=no_text)  # type: ignore[arg-type]
    assert found == [15, *range(141, 151)]
    assert len(reader.calls) == 150


def test_an_expunged_message_cannot_be_read(mailbox: Mailbox, reader: Reader) -> None:
    uid, mid = put(mailbox, "gone")
    mailbox.remove_messages(INBOX, [uid])
    with pytest.raises(NotFound):
        mailbox.content(mid)
    assert reader.calls == []


def test_a_store_without_a_reader_refuses_at_delivery(world: World) -> None:
    mailbox = world.mailbox()
    with pytest.raises(ValueError, match="without a MIME reader"):
        mailbox.deliver(INBOX, None, mime=rendition())
    assert mailbox.rows(INBOX) == []


def test_the_check_is_content_with_both_kinds(mailbox: Mailbox, store: Store) -> None:
    _, mid = put(mailbox, "read")
    put(mailbox, "not read", size=300_000)
    mailbox.deliver(INBOX, content("brought"), mime=rendition())
    mailbox.content(mid)
    findings = [one for one in store.fsck(mailbox.ref, thorough=True) if one.code != "no-sync"]
    assert findings == [], "only the tests' PostgreSQL syncs nothing"


def test_a_reader_that_fails_leaves_the_message_for_later(world: World, mailbox: Mailbox) -> None:
    _, mid = put(mailbox, "late")

    def fail(mime: MimeRendition, received: int | None, mailbox: MailboxRef) -> MessageContent:
        raise MemoryError

    broken = Store(world.settings, reader=fail)
    with pytest.raises(MemoryError):
        broken.open(mailbox.ref).content(mid)
    broken.close()
    assert mailbox.properties(mid)[tags.PidTagSubject] == "late"


def test_a_repair_has_damaged_properties_read_again(mailbox: Mailbox, store: Store, reader: Reader) -> None:
    """Their MIME is whole, so nothing is lost."""
    _, mid = put(mailbox, "attached damaged")
    before = mailbox.content(mid)
    with store.shard(mailbox.ref).write() as work:
        work.run(_DAMAGE, (work.mailbox_id, b"\xff\xff\xff"))
    found = [one for one in store.fsck(mailbox.ref, thorough=True, repair=True) if one.code != "no-sync"]
    assert [(one.code, one.repaired, one.lossy) for one in found] == [("properties-damaged", True, False)]
    assert mailbox.content(mid) == before
    assert len(reader.calls) == 2
    assert [one for one in store.fsck(mailbox.ref, thorough=True) if one.code != "no-sync"] == []


_DAMAGE = Statement(
    update(item).where(item.c.mailbox_id == bindparam("m")).values(props=bindparam("octets")), "m", "octets"
)
