"""Body selection ([MS-OXCMAIL] 2.2.3.3.2)."""

from __future__ import annotations

from typing import Any

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.body import MAX_BODY
from conversion.oxcmail.reader import read_mime
from store.mapi import tags

TEXT = "Content-Type: text/plain\n\nplain"
HTML = "Content-Type: text/html\n\n<p>html"
PDF = "Content-Type: application/pdf; name=a.pdf\n\npdf"
PNG = "Content-Type: image/png\nContent-ID: <i>\n\npng"
ATTACHED = "Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\nattached"


def multi(subtype: str, *parts: str, boundary: str = "b") -> str:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{subtype}; boundary={boundary}\n\n{inner}--{boundary}--"


def read(text: str) -> tuple[Any, Any, list[Any]]:
    content = read_mime(render(text.replace("\n", "\r\n").encode()), received=0)
    got = content.properties
    mime_tags = [item.properties[tags.PidTagAttachMimeTag] for item in content.attachments]
    return got.get(tags.PidTagBody), got.get(tags.PidTagHtml), mime_tags


@pytest.mark.parametrize(
    ("text", "plain", "html", "attachments"),
    [
        (TEXT, "plain", None, []),
        (HTML, None, b"<p>html", []),
        (PDF, "", None, ["application/pdf"]),
        (multi("alternative", TEXT, HTML), None, b"<p>html", []),
        (multi("alternative", HTML, TEXT), None, b"<p>html", []),
        (multi("alternative", TEXT, PDF), "plain", None, ["application/pdf"]),
        (multi("mixed", TEXT, PDF), "plain", None, ["application/pdf"]),
        (multi("mixed", PDF, HTML), None, b"<p>html", ["application/pdf"]),
        (multi("mixed", TEXT, TEXT), "plain", None, ["text/plain"]),
        (multi("mixed", ATTACHED, TEXT), "plain", None, ["text/plain"]),
        (multi("mixed", multi("alternative", TEXT, HTML, boundary="c"), PDF), None, b"<p>html", ["application/pdf"]),
        (multi("related", HTML, PNG), None, b"<p>html", ["image/png"]),
        (multi("alternative", TEXT, multi("related", HTML, PNG, boundary="c")), None, b"<p>html", ["image/png"]),
        (multi("alternative", TEXT, multi("mixed", HTML, PDF, HTML, boundary="c")), None, b"<p>html",
         ["application/pdf", "text/html"]),
        (multi("related; start=\"<r>\"", PNG, "Content-Type: text/html\nContent-ID: <r>\n\nroot"), None, b"root",
         ["image/png"]),
        (multi("related", multi("alternative", TEXT, HTML, boundary="c"), PNG), None, b"<p>html", ["image/png"]),
        (multi("signed", TEXT, "Content-Type: application/pgp-signature\n\ns"), "plain", None,
         ["application/pgp-signature"]),
        (multi("encrypted", "Content-Type: application/pgp-encrypted\n\nv", TEXT), "", None,
         ["application/pgp-encrypted", "text/plain"]),
        (multi("unknown", TEXT, PDF), "plain", None, ["application/pdf"]),
        (multi("digest", "\nSubject: x\n\ny"), "", None, ["message/rfc822"]),
        ("Content-Type: multipart/mixed\n\nx", "", None, []),
        (multi("alternative", TEXT, "Content-Type: text/calendar\n\nBEGIN:X"), "plain", None, ["text/calendar"]),
        (multi("alternative", TEXT, "Content-Type: text/html\n\nold", HTML), None, b"<p>html", []),
    ],
)  # fmt: skip
def test_which_part_is_the_body(text: str, plain: str | None, html: bytes | None, attachments: list[str]) -> None:
    """[MS-OXCMAIL] 2.2.3.3.2: the first part that qualifies; all others are attachments."""
    assert read(text) == (plain, html, attachments)


def test_encodings_and_charsets() -> None:
    content = read_mime(
        render(
            b"Content-Type: text/plain; charset=iso-8859-1\r\n"
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=E4=\r\nb"
        )
    )
    assert content.properties[tags.PidTagBody] == "äb"
    assert content.properties[tags.PidTagInternetCodepage] == 1252


def test_html_keeps_its_octets_and_names_their_code_page() -> None:
    """[MS-OXCMSG] 2.2.1.58.6: PidTagHtml is binary; PidTagInternetCodepage says in which code page."""
    got = read_mime(render(b"Content-Type: text/html; charset=koi8-r\r\n\r\n\xd0")).properties
    assert (got[tags.PidTagHtml], got[tags.PidTagInternetCodepage], got[tags.PidTagNativeBody]) == (b"\xd0", 20866, 3)
    got = read_mime(render(b"Content-Type: text/html\r\n\r\n<meta charset=windows-1251>\xef")).properties
    assert got[tags.PidTagInternetCodepage] == 1251
    got = read_mime(render(b"Content-Type: text/html; charset=x-none\r\n\r\n\xe4")).properties
    assert (got[tags.PidTagHtml], got[tags.PidTagInternetCodepage]) == ("ä".encode(), 65001)


def test_a_huge_body_is_left_to_the_original() -> None:
    got = read_mime(render(b"Subject: x\r\n\r\n" + b"x" * (MAX_BODY + 1))).properties
    assert tags.PidTagBody not in got
    assert got[tags.PidTagNativeBody] == 1
