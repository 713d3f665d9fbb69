"""Journal reports ([MS-XJRNL])."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversion.mime.rendition import render
from conversion.oxcmail.journal import JournalRecipient, JournalReport, Role, is_journal, read_journal, write_journal
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.support.examples import examples
from tests.support.mime_writing import headers, parsed, shape

ORIGINAL = b"From: ann@example.net\r\nTo: bob@example.org\r\nSubject: hi\r\n\r\nunchanged  \r\n"
REPORT = JournalReport(
    "ann@example.net",
    "Grüße",
    "<1@example.net>",
    (
        JournalRecipient(Role.TO, "bob@example.org"),
        JournalRecipient(Role.CC, "cat@example.org", expanded="list@example.org"),
        JournalRecipient(Role.BCC, "dan@example.org", forwarded="eve@example.org"),
        JournalRecipient(Role.UNKNOWN, "fay@example.org"),
    ),
    ORIGINAL,
    "boss@example.net",
    "archive",
)


def written(report: JournalReport) -> bytes:
    made = write_journal(report, domain="example.net", to="journal@example.net", now=0, token="0123456789abcdef")
    assert made is not None
    return b"".join(made)


def test_a_report_is_written() -> None:
    """[MS-XJRNL] 2.2, 2.2.1: the record, and the message unmodified; Bcc is named."""
    raw = written(REPORT)
    assert shape(raw) == "mixed(text/plain, message(text/plain))"
    assert headers(raw)[0] == "From: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.net>"
    assert "X-MS-Journal-Report:" in headers(raw)
    record = parsed(raw).get_payload(0)
    assert record.get_content().replace("\r\n", "\n") == (
        "Sender: ann@example.net\nOn-Behalf-Of: boss@example.net\nSubject: Grüße\nMessage-Id: <1@example.net>\n"
        "Label: archive\nTo: bob@example.org\nCc: cat@example.org, Expanded: list@example.org\n"
        "Bcc: dan@example.org, Forwarded: eve@example.org\nRecipient: fay@example.org\n"
    )
    assert b"\r\n\r\n" + ORIGINAL + b"\r\n--" in raw


def test_there_and_back() -> None:
    assert read_journal(written(REPORT)) == REPORT
    bare = JournalReport("a@x", "", "", (), ORIGINAL.replace(b"hi", "ü".encode()))
    assert read_journal(written(bare)) == bare


def test_a_journal_report_is_recorded_once() -> None:
    """[MS-XJRNL] 2.2: a report of a report would have no end."""
    raw = written(REPORT)
    assert is_journal(raw)
    assert write_journal(replace(REPORT, original=raw), domain="x", to="j@x", now=0) is None


def test_a_value_cannot_add_a_line() -> None:
    report = replace(REPORT, subject="x\r\nBcc: evil@x")
    found = read_journal(written(report))
    assert found is not None
    assert found.recipients == REPORT.recipients
    assert found.subject == "x Bcc: evil@x"


@pytest.mark.parametrize(
    "change",
    [
        (b"X-MS-Journal-Report:\r\n", b""),
        (b"multipart/mixed", b"multipart/related"),
        (b"message/rfc822", b"text/x"),
        (b"text/plain; charset=utf-8", b"text/html; charset=utf-8"),
        (b"Sender:", b"Sent by"),
    ],
)
def test_what_is_no_report(change: tuple[bytes, bytes]) -> None:
    raw = written(replace(REPORT, subject="plain"))
    assert change[0] in raw
    assert read_journal(raw.replace(*change, 1)) is None


def test_a_report_of_a_stranger_is_mail() -> None:
    """A header that anybody can write changes nothing: a note with a message inside."""
    content = read_mime(render(written(REPORT)), received=0)
    assert content.properties[tags.PidTagMessageClass] == "IPM.Note"
    (attachment,) = content.attachments
    assert isinstance(attachment.data, MessageContent)


@given(st.binary(max_size=300))
@settings(max_examples=examples(40))
def test_any_record(data: bytes) -> None:
    raw = (
        b"X-MS-Journal-Report:\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: text/plain\r\n\r\n" + data + b"\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\n--b--\r\n"
    )  # fmt: skip
    read_journal(raw)
