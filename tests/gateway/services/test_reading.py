"""What the store's reader knows of the directory, and the receipts that it keeps (docs/decisions/0013)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.mime.rendition import render
from conversion.oxcmail.writer import Audience
from conversion.receipt import Note, NoteKind, Receipt
from conversion.tnef.transmittable import Part, believed, carried
from directory.errors import DirectoryUnavailable
from directory.sql import SqlDirectory
from gateway.services import reading
from gateway.services.reading import MailReader
from gateway.services.receipts import MAX_OCTETS, NOTES, Kept, notes_of, with_notes
from store.ids import MailboxRef
from store.mapi import tags
from store.mapi.bag import decode_bag, encode_bag
from store.mapi.entryid import AddressBookEntryId, OneOffEntryId, decode
from store.mapi.message import MessageContent
from store.mapi.types import filetime_from_unix
from tests.gateway.services.test_delivery import furnish, open_directory
from tests.support.examples import examples
from tests.support.mime_writing import written
from tests.support.prepared import lay_out

NOBODY = MailboxRef(99, UUID(int=1))
PLAIN = b"From: Bob <bob@example.test>\r\nTo: alias@example.test, inner@example.test, x@other.test\r\n\r\ntext\r\n"
INVITED = (
    b"From: s@other.test\r\nContent-Type: text/calendar; method=PUBLISH\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240105T100000\r\n"
    b"DTEND:20240105T110000\r\nORGANIZER:mailto:alias@example.test\r\nATTENDEE:mailto:s@other.test\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture
def directory(tmp_path: Path) -> SqlDirectory:
    lay_out(tmp_path, furnish)
    return open_directory(tmp_path)


class Away:
    """A directory that cannot be asked, and how often somebody tried."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        def fail(*words: Any, **more: Any) -> Any:
            self.asked += 1
            raise DirectoryUnavailable("down")

        return fail


def alice(directory: SqlDirectory) -> MailboxRef:
    found = directory.by_address("alice@example.test")
    assert found is not None
    assert found.mailbox_id is not None
    return MailboxRef(found.mailbox_id, found.guid)


def test_recipients_are_those_of_the_directory(directory: SqlDirectory) -> None:
    """[MS-OXCMAIL] 2.2.3.1.1: an alias too; whom a stranger's message says it is from stays a stranger."""
    content = MailReader(directory)(render(PLAIN), 0, NOBODY)
    found = [decode(bytes(row.properties[tags.PidTagEntryId])) for row in content.recipients]  # type: ignore[arg-type]
    person, group = (directory.by_address(f"{name}@example.test") for name in ("alice", "inner"))
    assert person is not None
    assert group is not None
    assert found[:2] == [AddressBookEntryId(person.legacy_dn, 0), AddressBookEntryId(group.legacy_dn, 1)]
    assert isinstance(found[2], OneOffEntryId)
    sender = content.properties[tags.PidTagSenderEntryId]
    assert isinstance(sender, bytes)
    assert isinstance(decode(sender), OneOffEntryId)
    assert NOTES not in content.properties


def test_whose_calendar_it_is(directory: SqlDirectory) -> None:
    """A meeting of the mailbox's own owner, under whichever address, and one that was received."""
    reader = MailReader(directory, zone="Europe/Berlin")
    for mailbox, flags in ((alice(directory), 1), (MailboxRef(alice(directory).id + 1, UUID(int=2)), 3), (NOBODY, 1)):
        got = reader(render(INVITED), 0, mailbox).properties
        assert got[tags.PidLidAppointmentStateFlags] == flags
        assert got[tags.PidLidAppointmentStartWhole] == filetime_from_unix(1704445200)


def test_without_a_directory() -> None:
    """It is asked once a message, and that it was not there is noted."""
    away = Away()
    content = MailReader(away)(render(PLAIN), 0, NOBODY)  # type: ignore[arg-type]
    assert away.asked == 1
    assert [kept.note.place for kept in notes_of(content.properties).kept] == ["addresses"]
    assert len(content.recipients) == 3
    assert MailReader()(render(PLAIN), 0, NOBODY).properties[tags.PidTagBody] == "text\r\n"


def test_a_fault_of_the_conversion(monkeypatch: pytest.MonkeyPatch) -> None:
    """One message must not keep a search of the others from its end; it is noted, and its MIME is there."""

    def fail(*words: Any, **more: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "read_mime", fail)
    got = MailReader()(render(PLAIN), 7, NOBODY).properties
    assert got[tags.PidTagMessageClass] == "IPM.Note"
    assert got[tags.PidTagMessageDeliveryTime] == filetime_from_unix(7)
    assert "ZeroDivisionError" in notes_of(got).kept[0].note.what


def test_what_a_message_says_of_its_own_receipt() -> None:
    forged = MessageContent({tags.PidTagSubject: "x", NOTES: ("dropped\ta\tb\t1",)})
    assert with_notes(forged, Receipt()) == MessageContent({tags.PidTagSubject: "x"})


def test_receipts_do_not_travel() -> None:
    """[MS-OXPROPS] 1.3.3: neither out of the store in a TNEF stream nor into it in a stranger's."""
    for bag in (carried({NOTES: ("x",)}, Part.MESSAGE), believed({NOTES: ("x",)}, Part.MESSAGE)):
        assert bag == {}
    content = MessageContent(
        {tags.PidTagMessageClass: "IPM.Note", tags.PidTagBody: "text", NOTES: ("secret\tx\ty\t1",)}
    )
    for audience in Audience:
        for rich in (False, True):
            assert b"secret" not in written(content, audience=audience, rich=rich)


def test_notes_are_kept_in_order_and_once() -> None:
    receipt = Receipt()
    receipt.dropped("part 1", "a\x1b[2Jb\nc")
    receipt.guessed("part 2", "charset")
    receipt.within("part 3").altered("Subject", "é")
    receipt.guessed("part 2", "charset")
    bag = with_notes(MessageContent({}), receipt).properties
    assert notes_of(decode_bag(encode_bag(bag))) == (  # type: ignore[arg-type]
        (
            Kept(Note(NoteKind.DROPPED, "part 1", "a?[2Jb?c"), 1),
            Kept(Note(NoteKind.GUESSED, "part 2", "charset"), 2),
            Kept(Note(NoteKind.ALTERED, "part 3, Subject", "é"), 1),
        ),
        0,
    )
    assert notes_of({}) == ((), 0)


@settings(max_examples=examples(30))
@given(st.lists(st.tuples(st.text(), st.text()), max_size=40), st.integers(min_value=0, max_value=2000))
def test_any_receipt_is_bounded(said: list[tuple[str, str]], again: int) -> None:
    """All that was noted is counted, whatever was noted and however much."""
    receipt = Receipt()
    for place, what in said:
        receipt.dropped(place, what)
    for number in range(again):
        receipt.guessed(f"part {number}", "x" * 100)
    bag = with_notes(MessageContent({}), receipt).properties
    kept, more = notes_of(bag)
    assert sum(one.times for one in kept) + more == receipt.count
    assert sum(len(text.encode()) for text in bag.get(NOTES, ())) <= MAX_OCTETS  # type: ignore[union-attr]
    encode_bag(bag)  # type: ignore[arg-type]
