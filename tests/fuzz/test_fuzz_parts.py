"""Fuzzing of what the MIME reader hands to other converters: reports, S/MIME, TNEF, calendars, parts of old kinds."""

from __future__ import annotations

from base64 import encodebytes

import pytest

from conversion.attachmentdata import read_attachment_data
from conversion.mac.applefile import write_appledouble_header
from conversion.mac.file import MacFile
from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.oxcmail.journal import JournalRecipient, JournalReport, Role, read_journal, write_journal
from conversion.oxcmail.postmark import read_postmark
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.reportfields import field_groups, status_of, typed_address
from conversion.oxcmail.writer import Audience, write_mime
from conversion.receipt import Receipt
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from tests.fuzz.damage import ENDLESS, try_damaged
from tests.support.binhex import binhex

_HEAD = b"From: a@x\r\nTo: b@y\r\nSubject: s\r\nDate: Mon, 1 Jan 2024 12:00:00 +0000\r\nMIME-Version: 1.0\r\n"
_FILE = MacFile("n", b"TEXT", b"ttxt", b"data" * 20, b"resource" * 10)


def _leaf(kind: bytes, data: bytes) -> bytes:
    lines = encodebytes(data).replace(b"\n", b"\r\n")
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b" % (kind, lines)


def _multi(kind: bytes, *parts: bytes) -> bytes:
    inner = b"".join(b"--b\r\n%b\r\n" % part for part in parts)
    return b"%bContent-Type: multipart/%b; boundary=b\r\n\r\n%b--b--\r\n" % (_HEAD, kind, inner)


_TEXT = b"Content-Type: text/plain\r\n\r\ntext"
_ENCLOSED = b"Content-Type: message/rfc822\r\n\r\nFrom: a@x\r\nTo: b@y\r\nSubject: in\r\n\r\nbody"
_STREAM = write_tnef(
    MessageContent(
        {tags.PidTagMessageClass: "IPM.Task", tags.PidTagBody: "x", tags.PidLidTaskStatus: 1},
        (),
        (AttachmentContent({tags.PidTagAttachMethod: 1, tags.PidTagAttachLongFilename: "a"}, b"data"),),
    )
)
_CALENDAR = (
    b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20240105T100000Z\r\nDTEND:20240105T110000Z\r\n"
    b"RRULE:FREQ=WEEKLY;COUNT=3\r\nORGANIZER:mailto:a@x\r\nATTENDEE:mailto:b@y\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
_JOURNAL = JournalReport(
    "a@x", "s", "<1@x>", (JournalRecipient(Role.BCC, "b@y", expanded="l@y"),), b"Subject: s\r\n\r\nx"
)
SEEDS = [
    _multi(
        b"report; report-type=delivery-status", _TEXT,
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; m\r\n\r\n"
        b"Original-Recipient: utf-8; \\x{FC}@x\r\n"
        b"Final-Recipient: rfc822;\"a b\"@x\r\nAction: failed\r\nStatus: 5.7.54 (no)\r\nRemote-MTA: dns; r\r\n"
        b"Diagnostic-Code: smtp; 550 no\r\n\r\n"
        b"Final-Recipient: rfc822;c@x\r\nAction: delayed\r\nStatus: 4.4.7", _ENCLOSED,
    ),
    _multi(
        b"report; report-type=disposition-notification", _TEXT,
        b"Content-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;b@y\r\n"
        b"Original-Message-ID: <1@x>\r\n"
        b"Disposition: manual-action/MDN-sent-manually; deleted/error\r\nX-MSExch-Correlation-Key: AAEC",
        b"Content-Type: text/rfc822-headers\r\n\r\nFrom: a@x\r\nSubject: s",
    ),
    _multi(b"signed; protocol=\"application/pkcs7-signature\"", _TEXT, _leaf(b"application/pkcs7-signature", b"0\x80")),
    _HEAD + _leaf(b"application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", b"0\x80\x06\x09"),
    _multi(b"mixed", _TEXT, _leaf(b"application/ms-tnef; name=winmail.dat", _STREAM)),
    _HEAD + _leaf(b"application/ms-tnef", _STREAM),
    _multi(b"alternative", _TEXT, b"Content-Type: text/calendar; method=REQUEST\r\n\r\n" + _CALENDAR),
    _multi(
        b"mixed", _TEXT, b"Content-Type: image/png\r\nContent-Disposition: inline\r\n\r\npng",
        b"Content-Type: text/html\r\n\r\n<body><p>x</body>", b"Content-Type: text/enriched\r\n\r\n<bold>b</bold>",
    ),
    _multi(b"appledouble", _leaf(b"application/applefile", write_appledouble_header(_FILE)), _leaf(b"text/x", b"data")),
    _multi(b"mixed", _TEXT, b"Content-Type: application/mac-binhex40\r\n\r\n" + binhex(_FILE)),
    _multi(b"mixed", _TEXT, b"Content-Type: message/external-body; access-type=anon-ftp; site=x; name=n\r\n\r\n\r\n"),
    b"From: a@x\r\n\r\ntext\r\nbegin 644 a.bin\r\n#0V%T\r\n`\r\nend\r\nmore\r\n",
    b"Content-Type: text/plain; format=flowed; delsp=yes\r\n\r\n> a \r\n> b\r\n>> c \r\n-- \r\nsig\r\n",
    b"".join(write_journal(_JOURNAL, domain="x", to="j@x", now=0, token="t" * 16) or ()),
    b"X-CR-HashedPuzzle: " + b"AAAA " * 16 + b";1;YQA=;sosha1_v1;7;"
    b"{d04b23f4-b443-453a-abc6-3d08b5a9a334};YQA=;d;YQA=\r\n\r\n",
]  # fmt: skip


def check(raw: bytes) -> object:
    """Whatever arrives is read, written, and read again; nothing escapes, and no line end is alone."""
    raw = normalise_newlines(raw)
    content = read_mime(render(raw), receipt=Receipt())
    for attachment in content.attachments:
        read_attachment_data(raw, attachment)
    for audience in Audience:
        made = b"".join(write_mime(content, receipt=Receipt(), audience=audience, raw=raw, token="t" * 16))
        assert made.count(b"\r\n") == made.count(b"\n") == made.count(b"\r")
        header = b"\n" + made.partition(b"\r\n\r\n")[0].lower()
        assert b"\nx-ms-exchange-organization" not in header
        assert b"\nx-cr-" not in header or audience is Audience.OWNER
        read_mime(render(made))
    journal = read_journal(raw)
    if journal is not None:
        write_journal(journal, domain="x", to="j@x", now=0)
    read_postmark(raw.partition(b":")[2].decode("latin-1"))
    for group in field_groups(raw):
        status_of(group)
        typed_address(group.get("final-recipient", ""))
    return None


def test_seeds() -> None:
    for seed in SEEDS:
        check(seed)


def test_any_part() -> None:
    try_damaged(check, SEEDS, 120, seconds=5)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_any_part_for_long() -> None:
    try_damaged(check, SEEDS, ENDLESS, seconds=60)
