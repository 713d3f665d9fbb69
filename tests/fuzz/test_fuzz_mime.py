"""Damaged and grown messages: nothing raises, offsets stay nested, the output stays within the grammar ([RFC3501] 9)."""

from __future__ import annotations

import os
import random
import time

import pytest

from conversion.mime.bodystructure import bodystructure
from conversion.mime.envelope import envelope
from conversion.mime.headers import normalise_newlines
from conversion.mime.rendition import render
from conversion.mime.structure import scan
from conversion.mime.text import MimeText
from conversion.oxcmail.reader import read_attachment_data, read_mime
from tests.support.imap_grammar import read_body, read_envelope

SEEDS = [
    b"From: \"A B\" <a@b>, G: c@d, e@f;\r\nSubject: =?utf-8?B?w6Q=?= x\r\nDate: Mon, 1 Jan 2024 00:00:00 +0100\r\n"
    b"Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\npre\r\n--b b\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=A4=\r\nx\r\n--b b\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: in\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c\r\nContent-Type: text/html\r\n"
    b"\r\n<p>&amp;<img src=\"cid:1\">\r\n--c--\r\n\r\n--b b\r\nContent-Type: image/png; name*0*=utf-8''%C3; name*1*=%A4\r\n"
    b"Content-ID: <1>\r\nContent-Disposition: inline; filename=\"x.png\"\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
    b"--b b--\r\nepilogue\r\n",
    b"Received: x; Mon, 1 Jan 2024 00:00:00 GMT\r\nTo: (a(b)c) <@r,@s:l@d>, \"q\\\"\"@x\r\nThread-Index: AdkBAgMEAAECAw==\r\n"
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=r\r\n\r\n--r\r\n\r\nt\r\n--r\r\n"
    b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n\r\n--r\r\nContent-Type: multipart/digest; boundary=rr"
    b"\r\n\r\n--rr\r\n\r\nSubject: d\r\n\r\n--rr--\r\n--r--\r\n",
]  # fmt: skip
TOKENS = [b"\r\n", b"\r\n\r\n", b"--b b", b"--b b--", b"--c\r\n", b"--r\r\n", b'"', b"\\", b"(", b")", b"<", b">", b",", b";", b":",
          b"@", b"=?", b"?=", b"\0", b"\xff", b"\r", b"\n", b"=", b"%", b"*", b"Content-Type: message/rfc822\r\n\r\n",
          b"Content-Type: multipart/mixed; boundary=c\r\n\r\n", b"boundary=", b"\x1b$B", b" " * 50, b"(" * 50]  # fmt: skip


def damage(raw: bytes, rng: random.Random) -> bytes:
    """Cut, repeat, flip and insert here and there."""
    data = bytearray(raw)
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.randint(0, 40))
        match rng.randrange(5):
            case 0:
                del data[at:end]
            case 1:
                data[at:at] = rng.choice(TOKENS) * rng.choice((1, 1, 1, 20))
            case 2:
                data[at:at] = data[at:end] * rng.choice((1, 2, 30))
            case 3 if at < len(data):
                data[at] = rng.randrange(256)
            case _:
                to = rng.randrange(len(data) + 1)
                data[to:to] = data[at:end]
    return bytes(data[:20_000])


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


def run(seed: int, seconds: float, rounds: int) -> None:
    rng = random.Random(seed)
    stop = time.monotonic() + seconds
    for _ in range(rounds):
        raw = damage(rng.choice(SEEDS), rng)
        try:
            check(raw)
            check(normalise_newlines(raw))
        except Exception as error:
            error.add_note(f"input: {raw!r}")
            raise
        if time.monotonic() > stop:
            break


def test_damaged_messages() -> None:
    run(random.randrange(1 << 32), 5, 600)


@pytest.mark.fuzz
@pytest.mark.timeout(0)
def test_damaged_messages_for_long() -> None:
    run(random.randrange(1 << 32), float(os.environ.get("OXGATE_FUZZ_SECONDS", "300")), 1 << 60)
