"""Mail as it comes over LMTP and SMTP: whatever it is, it comes back by IMAP octet for octet, and can be read."""

from __future__ import annotations

import asyncio
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from conversion.mime.rendition import render
from conversion.mime.text import MimeText
from conversion.oxcmail.journal import JournalRecipient, JournalReport, Role, read_journal, write_journal
from conversion.oxcmail.postmark import read_postmark
from gateway.services.reading import MailReader
from gateway.services.receipts import NOTES, notes_of
from store.ids import MailboxKind, MailboxRef, SpecialFolder
from store.mailbox import Mailbox
from store.mapi import tags
from store.mapi.entryid import AddressBookEntryId, decode
from store.mapi.message import MessageContent
from store.mapi.restriction import Exist
from store.mapi.types import filetime_from_unix
from store.store import Store, StoreSettings
from tests.conversion.oxcmail.test_stamps import IDENTIFIER, puzzle
from tests.conversion.oxcmail.test_tnefpart import legacy, stream
from tests.support.hostile import MESSAGES
from tests.support.server import PASSWORD, RunningServer
from tests.support.tnef import UUID

INBOX = SpecialFolder.INBOX
_LITERAL = re.compile(rb"BODY\[\] \{(\d+)\}")


async def send(server: RunningServer, port: str, *messages: bytes) -> None:
    """Deliver messages to alice, each as one chunk ([RFC3030] 2)."""
    reader, writer = await server.connect(port)

    async def answer() -> bytes:
        while (line := await asyncio.wait_for(reader.readline(), 60))[3:4] == b"-":
            pass
        return line

    assert (await answer()).startswith(b"220 ")
    writer.write(b"LHLO x\r\n" if port == "lmtp" else b"EHLO x\r\n")
    assert (await answer()).startswith(b"250 ")
    for raw in messages:
        writer.write(b"MAIL FROM:<s@other.test>\r\n")
        assert (await answer()).startswith(b"250 ")
        writer.write(b"RCPT TO:<alice@example.test>\r\n")
        assert (await answer()).startswith(b"250 ")
        writer.write(b"BDAT %d LAST\r\n" % len(raw) + raw)
        assert (await answer()).startswith(b"250 "), raw[:80]
    writer.write(b"QUIT\r\n")
    await answer()
    writer.close()


async def fetch(server: RunningServer) -> list[bytes]:
    """Read all that is in alice's Inbox, by IMAP."""
    reader, writer = await server.connect("imap")
    await reader.readline()
    writer.write(b"a LOGIN alice@example.test %b\r\nb SELECT INBOX\r\nc FETCH 1:* BODY.PEEK[]\r\n" % PASSWORD.encode())
    found: list[bytes] = []
    while not (line := await asyncio.wait_for(reader.readline(), 60)).startswith(b"c "):
        literal = _LITERAL.search(line)
        if literal is not None:
            found.append(await reader.readexactly(int(literal[1])))
    assert line.startswith(b"c OK")
    writer.write(b"d LOGOUT\r\n")
    await reader.read()
    writer.close()
    return found


def read_all(mailbox: Mailbox) -> list[MessageContent]:
    """Have every message read, by a search as by name, and give them."""
    mailbox.find(INBOX, Exist(NOTES), text=MimeText)
    return [mailbox.content(row.mid) for row in mailbox.rows(INBOX)]


def check_hostile(contents: list[MessageContent]) -> None:
    """Every message was read, and none of them wrote its own receipt."""
    assert len(contents) == len(MESSAGES)
    for name, content in zip(MESSAGES, contents, strict=True):
        places = [kept.note.place for kept in notes_of(content.properties).kept]
        assert "message" not in places, name
        assert "forged" not in places, name
        assert content.properties[tags.PidTagMessageClass], name


async def test_hostile_messages(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of what is converted on first use can keep a message from coming in, nor others from being found."""
    async with RunningServer(tmp_path) as server:
        await send(server, "lmtp", *MESSAGES.values())
        got = await fetch(server)
        for name, raw in zip(MESSAGES, got, strict=True):
            # A literal holds no NUL ([RFC3501] 4.3.1); the store does.
            assert raw.endswith(MESSAGES[name].replace(b"\0", b"\x80")), name
        mailbox = server.application.store.open(server.refs["alice"])
        check_hostile(read_all(mailbox))
        for (_, _, raw), sent in zip(mailbox.raw_many(INBOX, range(1, len(got) + 1)), MESSAGES.values(), strict=True):
            assert raw.endswith(sent)
        assert await fetch(server) == got
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_hostile_messages_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    """Its text columns take no NUL and no half of a surrogate pair."""
    store = Store(StoreSettings(tmp_path, url=postgres_database, durable=False), reader=MailReader())
    ref = MailboxRef(1, UUID(int=1))
    store.create(ref, MailboxKind.PRIVATE)
    mailbox = store.open(ref)
    for raw in MESSAGES.values():
        mailbox.deliver(INBOX, None, mime=render(raw))
    check_hostile(read_all(mailbox))
    assert [raw for _, _, raw in mailbox.raw_many(INBOX, range(1, len(MESSAGES) + 1))] == list(MESSAGES.values())
    store.close()


FORGED: Any = {
    tags.PidTagContentFilterSpamConfidenceLevel: -1,
    tags.PidTagContentFilterPhishingConfidenceLevel: 8,
    tags.PidTagSenderIdStatus: 2,
    tags.PidTagPurportedSenderDomain: "example.test",
    tags.PidNamePhishingStamp: 0x12345678,
    tags.PidTagReceivedByName: "somebody",
    tags.internet_header("X-MS-Exchange-Organization-AuthAs"): "Internal",
}
FIELDS = (
    b"From: bob@example.test\r\nTo: alice@example.test\r\nMIME-Version: 1.0\r\n"
    b"X-MS-Exchange-Organization-SCL: -1\r\nX-MS-Exchange-Organization-PCL: 8\r\n"
    b"X-MS-Exchange-Organization-SenderIdResult: Pass\r\nX-MS-Exchange-Organization-PRD: example.test\r\n"
    b"X-MS-Exchange-Organization-AutoForwarded: true\r\nX-MS-Exchange-Organization-AuthAs: Internal\r\n"
)


@pytest.mark.parametrize("port", ["lmtp", "smtp"])
async def test_what_strangers_say_of_the_organisation(tmp_path: Path, port: str) -> None:
    """[MS-OXCSPAM] 2.2.1.3, [MS-OXPHISH] 2.2.1, [MS-OXCMAIL] 2.2.3.2.28: it is no property, be it in winmail.dat too.

    The message itself stays as it came.
    """
    sent = (FIELDS + b"Subject: x\r\n\r\ntext\r\n", legacy(stream(FORGED), FIELDS))
    async with RunningServer(tmp_path) as server:
        await send(server, port, *sent)
        got = await fetch(server)
        assert [raw.endswith(one) for raw, one in zip(got, sent, strict=True)] == [True, True]
        for content in read_all(server.application.store.open(server.refs["alice"])):
            assert not {*FORGED, tags.PidTagAutoForwarded} & content.properties.keys()
            assert "X-MS-Exchange" not in str(content.properties[tags.PidTagTransportMessageHeaders])


INVITED = (
    b"From: s@other.test\r\nTo: bob@example.test\r\nContent-Type: text/calendar; method=PUBLISH\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240105T100000\r\n"
    b"DTEND:20240105T110000\r\nORGANIZER:mailto:bob@example.test\r\nATTENDEE:mailto:s@other.test\r\n"
    b"END:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def test_what_the_server_knows_of_a_message(tmp_path: Path) -> None:
    """Its time zone, whose mailbox it is in, who is in its directory; of a message by APPEND as of a delivered one."""
    async with RunningServer(tmp_path, sections={"general": {"time_zone": "Europe/Berlin"}}) as server:
        await send(server, "lmtp", INVITED)
        for user in (b"alice", b"bob"):
            reader, writer = await server.connect("imap")
            await reader.readline()
            writer.write(b"a LOGIN %b@example.test %b\r\n" % (user, PASSWORD.encode()))
            writer.write(b"b APPEND INBOX {%d+}\r\n%b\r\nc LOGOUT\r\n" % (len(INVITED), INVITED))
            assert b"b OK [APPENDUID " in await asyncio.wait_for(reader.read(), 60)
            writer.close()
        contents = [
            content
            for name in ("alice", "bob")
            for content in read_all(server.application.store.open(server.refs[name]))
        ]
    start, flags = tags.PidLidAppointmentStartWhole, tags.PidLidAppointmentStateFlags
    assert {content.properties[start] for content in contents} == {filetime_from_unix(1704445200)}  # 09:00 UTC
    assert [content.properties[flags] for content in contents] == [3, 3, 1]  # received twice, organised once
    for content in contents:
        (note,) = (kept.note for kept in notes_of(content.properties).kept)
        assert (note.place, note.what) == ("part 1, VEVENT 1, DTSTART", "a time without a zone: Europe/Berlin")
        known = [decode(bytes(row.properties[tags.PidTagEntryId])) for row in content.recipients]  # type: ignore[arg-type]
        assert any(isinstance(one, AddressBookEntryId) for one in known)


async def test_journals_and_postmarks(tmp_path: Path) -> None:
    """[MS-XJRNL] 2.2, [MS-OXPSVAL] 2.2.1: they are mail like other mail, and can be read from what was delivered."""
    original = b"From: a@x.test\r\nSubject: original\r\n\r\ntext\r\n"
    said = JournalReport("a@x.test", "original", "<1@x.test>", (JournalRecipient(Role.BCC, "hidden@y.test"),), original)
    report = write_journal(said, domain="x.test", to="alice@example.test", now=0)
    assert report is not None
    folded = puzzle().replace(";", ";\r\n ")
    stamped = f"From: b@x.test\r\nX-CR-PuzzleID: {IDENTIFIER}\r\nX-CR-HashedPuzzle: {folded}\r\n\r\ntext\r\n".encode()
    async with RunningServer(tmp_path) as server:
        await send(server, "lmtp", b"".join(report), stamped)
        journal, _ = await fetch(server)
        assert read_journal(journal) == said
        kept, postmark = read_all(server.application.store.open(server.refs["alice"]))
    assert kept.properties[tags.PidTagMessageClass] == "IPM.Note"
    (inner,) = (item.data for item in kept.attachments)
    assert isinstance(inner, MessageContent)
    assert inner.properties[tags.PidTagSubject] == "original"
    header = str(postmark.properties[tags.PidTagTransportMessageHeaders])
    value = re.search(r"X-CR-HashedPuzzle: (.*)\r\n\r\n", header, re.DOTALL)
    assert value is not None
    assert read_postmark(value[1]) == read_postmark(puzzle())
