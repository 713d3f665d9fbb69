"""What of a header and of its message has no place in the properties is in the receipt ([MS-OXCMAIL] 2.2.3)."""

from __future__ import annotations

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writer import Audience
from conversion.receipt import Receipt
from tests.support.mime_writing import notes, written

HEAD = (
    "From: A <a@x.test>\nTo: B <b@x.test>\nSubject: s\nDate: Mon, 1 Jun 2020 10:00:00 +0200\nMessage-ID: <m@x.test>\n"
    "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nX-Mailer: m\nImportance: high\nKeywords: k\n"
    "Received: from a by b; Mon, 1 Jun 2020 10:00:00 +0000\nReceived: from c by a; Mon, 1 Jun 2020 09:59:00 +0000\n"
    "List-Id: <l.x.test>\nReferences: <r@x.test>\nX-Other: 1\nX-Other: 2\nDKIM-Signature: v=1\n"
)


def noted(header: str, body: str = "x") -> list[str]:
    receipt = Receipt()
    raw = f"{header}\n{body}".replace("\n", "\r\n").encode()
    read_mime(render(raw), received=0, receipt=receipt)
    return [str(note) for note in receipt]


@pytest.mark.parametrize(
    ("more", "notes"),
    [
        ("", []),
        # Said twice, lost once: nothing is missing.
        ("Subject: s\nDate: Mon, 1 Jun 2020 08:00:00 +0000\nReferences: <r@x.test>\n", []),
        ("Subject: other\nSubject: s\n", ["dropped: Subject: 1 more of this name: the first counts"]),
        ("From: b@x.test\n", ["dropped: From: 1 more of this name: the first counts"]),
        ("Date: Mon, 1 Jun 2020 08:00:01 +0000\n", ["dropped: Date: one more of this name: the first counts"]),
        ("List-Help: <a>\nX-List-Help: <b>\n", ["dropped: X-List-Help: one more of this name: the first counts"]),
        ("Reply-By: yesterday\n", ["dropped: Reply-By: it cannot be read"]),
        ("Reply-By: \n", []),
        ("X-Mailer: second\n", ["dropped: X-Mailer: one more of this name: the first counts"]),
        ("Comments: " + "c" * 2048 + "\n", []),
        ("Comments: " + "c" * 3000 + "\n", ["altered: Comments: it was cut after 2048 characters"]),
        ("In-Reply-To: " + "<i@x.test>\n " * 8000 + "\n", ["altered: In-Reply-To: it was cut after {} characters"]),
        ("X-MS-Exchange-Organization-SCL: 1\nX-MS-Exchange-Organization-SCL: 2\n", []),
        ("Disposition-Notification-To: a@x.test\nReturn-Receipt-To: a@x.test\n", []),
        (
            "Disposition-Notification-To: a@x.test, b@x.test\nReturn-Receipt-To: c@x.test\n",
            [
                "dropped: Disposition-Notification-To: addresses beyond the first",
                "dropped: Return-Receipt-To: its address: that of Disposition-Notification-To counts",
            ],
        ),
    ],
)
def test_fields_that_are_passed_over(more: str, notes: list[str]) -> None:
    """[MS-OXCMAIL] 2.2.3.2: a property holds one field, up to a length."""
    found = noted(HEAD + more)
    assert len(found) == len(notes)
    for said, wanted in zip(found, notes, strict=True):
        start, _, end = wanted.partition("{}")
        assert said.startswith(start)
        assert said.endswith(end)


def test_what_is_cut() -> None:
    long = HEAD.replace("Subject: s", "Subject: " + "abc " * 70)
    assert noted(long) == ["altered: Subject: it was cut: 255 of 279 characters are kept"]
    assert noted(HEAD.replace("Subject: s", "Subject: " + "a" * 255)) == []
    words = ",".join(f"k{number}" for number in range(103))
    assert noted(HEAD.replace("Keywords: k", f"Keywords: {words}")) == ["dropped: Keywords: 3 of 103 words"]
    authors = HEAD.replace("From: A <a@x.test>", "From: A <a@x.test>, b@x.test, c@x.test")
    assert noted(authors) == ["dropped: From: 2 more authors: an object has one"]
    assert noted(HEAD + "X-Long: " + "abc\n " * 30_000 + "\n") == [
        "altered: header: the text of all of it was cut after 131072 octets"
    ]
    assert noted(HEAD + "X:1\n" * 10_000) == ["dropped: header: fields beyond 10000"]


def test_parts_and_recipients_beyond_the_limits() -> None:
    parts = "Content-Type: multipart/mixed; boundary=b\n"
    head = HEAD.replace("Content-Type: text/plain; charset=utf-8\n", parts)
    assert noted(head, "--b\n\nx\n" + "--b\nContent-Type: a/b\n\n" * 10_000) == ["dropped: parts: those beyond 10000"]
    people = HEAD.replace("To: B <b@x.test>", "To: " + ",\n ".join(["a@b"] * 20_001))
    assert noted(people)[0] == "dropped: recipients: those beyond 20000"


def test_fields_that_are_not_written_again() -> None:
    """[MS-OXCMAIL] 2.1.3.2.27"""
    raw = HEAD.replace("\n", "\r\n").encode() + b"X-A: 1\r\n" * 510 + b"X-B: " + b"b " * 17_000 + b"\r\n\r\nx"
    receipt = Receipt()
    written(read_mime(render(raw), received=0), audience=Audience.OWNER, raw=raw, receipt=receipt)
    assert "dropped: header: 13 fields beyond 500 of a kind" in notes(receipt)
