"""`oxgate mailbox explain`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conversion.mime.rendition import render
from store.ids import SpecialFolder
from tests.gateway.test_cli_mail import Server, letter

REFRESH = (
    b"From: bob@example.test\r\nSubject: again\r\nContent-Type: text/calendar; method=REFRESH\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nMETHOD:REFRESH\r\nEND:VCALENDAR\r\n"
)
MEETING = (
    b"From: bob@example.test\r\nSubject: meeting\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\n"
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240105T100000\r\n"
    b"DTEND:20240105T110000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Alice's Inbox has a letter and two messages that were delivered as MIME alone; her Archive one by import."""
    made = Server(tmp_path_factory.mktemp("server") / "server")
    here = made.open()
    mailbox = here.store.open(here.ref(here.find("alice")))
    for raw in (letter(1), REFRESH, MEETING):
        mailbox.deliver(SpecialFolder.INBOX, None, mime=render(raw), internal_date=1_700_000_000)
    here.close()
    file = made.folder / "one.eml"
    file.write_bytes(MEETING)
    made("import", "alice", str(file), "--folder", "Archive")
    return made


def explain(server: Server, *words: str, code: int = 0) -> str:
    return server("mailbox", "explain", *words, code=code).output


def test_the_notes_of_one_message(server: Server) -> None:
    assert explain(server, "alice", "INBOX", "2") == (
        "KIND     PLACE           WHAT\n"
        "dropped  part 1, METHOD  REFRESH has no form in MAPI: the calendar stays a file\n"
    )
    assert explain(server, "alice", "INBOX", "1") == "Nothing was lost.\n"
    shown = json.loads(explain(server, "alice", "INBOX", "3", "--json"))
    assert (shown["uid"], shown["more"]) == (3, 0)
    assert shown["notes"] == [
        {
            "kind": "guessed",
            "place": "part 1, VEVENT 1, DTSTART",
            "what": "a time without a zone: UTC",
            "times": 1,
        }
    ]


def test_the_messages_that_have_notes(server: Server) -> None:
    """Read by a delivery or by an import; what nobody has asked for yet is read now."""
    assert explain(server, "alice", "INBOX") == (
        "FOLDER  UID  DATE              NOTES\nINBOX   2    2023-11-14 22:13  1\nINBOX   3    2023-11-14 22:13  1\n"
    )
    found = json.loads(explain(server, "alice", "--json"))
    assert [(one["folder"], one["uid"]) for one in found] == [("Archive", 1), ("INBOX", 2), ("INBOX", 3)]
    assert explain(server, "alice", "Sent Items") == "Nothing was lost of any message in Sent Items of alice.\n"


def test_what_is_not_there(server: Server) -> None:
    assert "there is no message with UID 9 in INBOX" in explain(server, "alice", "INBOX", "9", code=1)
    assert "there is no folder None" in explain(server, "alice", "None", code=1)
    assert "nobody has the address eve" in explain(server, "eve", code=1)
    explain(server, "alice", "INBOX", "0", code=2)


def test_messages_are_what_they_were(server: Server, tmp_path: Path) -> None:
    """The notes are in no MIME."""
    explain(server, "alice")
    out = tmp_path / "out.mbox"
    server("export", "alice", str(out), "--folder", "INBOX")
    assert b"no form in MAPI" not in out.read_bytes()
    assert [raw for raw, _, _ in server.folder_of("INBOX")][1:] == [REFRESH, MEETING]
