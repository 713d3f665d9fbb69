"""Damaged messages: nothing raises, offsets stay nested, the output stays within the grammar ([RFC3501] 9)."""

from __future__ import annotations

import os

import pytest

from conversion.attachmentdata import read_attachment_data
from conversion.mime.bodystructure import bodystructure
from conversion.mime.envelope import envelope
from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.mime.structure import scan
from conversion.mime.text import MimeText
from conversion.oxcmail.reader import read_mime
from tests.fuzz.damage import ENDLESS, try_damaged
from tests.support.imap_grammar import read_body, read_envelope

_SEEDS = (
    """From: "A B" <a@b>, G: c@d, e@f;
Subject: =?utf-8?B?w6Q=?= x
Date: Mon, 1 Jan 2024 00:00:00 +0100
Content-Type: multipart/mixed; boundary="b b"

pre
--b b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

=C3=A4=
x
--b b
Content-Type: message/rfc822

Subject: in
Content-Type: multipart/alternative; boundary=c

--c

x
--c
Content-Type: text/html

<p>&amp;<img src="cid:1">
--c--

--b b
Content-Type: image/png; name*0*=utf-8''%C3; name*1*=%A4
Content-ID: <1>
Content-Disposition: inline; filename="x.png"
Content-Transfer-Encoding: base64

AAAA
--b b--
epilogue
""",
    """Received: x; Mon, 1 Jan 2024 00:00:00 GMT
To: (a(b)c) <@r,@s:l@d>, "q\\""@x
Thread-Index: AdkBAgMEAAECAw==
Content-Type: multipart/report; report-type=delivery-status; boundary=r

--r

t
--r
Content-Type: message/delivery-status

Action: failed

--r
Content-Type: multipart/digest; boundary=rr

--rr

Subject: d

--rr--
--r--
""",
)
SEEDS = [seed.replace("\n", "\r\n").encode() for seed in _SEEDS]


def check(raw: bytes) -> None:
    structure = scan(raw)
    for part in structure.walk():
        assert 0 <= part.header_start <= part.body_start <= part.body_end <= len(raw)
    read_envelope(envelope(raw, structure))
    for extended in (True, False):
        read_body(bodystructure(raw, structure, extended=extended), extended=extended)
    for attachment in read_mime(render(raw)).attachments:
        read_attachment_data(raw, attachment)
    list(MimeText(raw).text(True))


def check_both(raw: bytes) -> None:
    """Check it as it is and with the line ends of the wire."""
    check(raw)
    check(normalise_newlines(raw))


def test_damaged_messages() -> None:
    try_damaged(check_both, SEEDS, 600, seconds=5)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_damaged_messages_for_long() -> None:
    seconds = float(os.environ.get("OXGATE_FUZZ_SECONDS", "300"))
    try_damaged(check_both, SEEDS, ENDLESS, seconds=seconds)
