"""Body selection ([MS-OXCMAIL] 2.2.3.3, 2.2.3.3.2, 2.2.3.3.2.1)."""

from __future__ import annotations

from typing import Any

import pytest

from conversion.mime.rendition import render
from conversion.oxcmail.body import MAX_BODY
from conversion.oxcmail.reader import read_mime
from conversion.receipt import Receipt
from store.mapi import tags
from tests.support.mime_losses import there_and_back

TEXT = "Content-Type: text/plain\n\nplain"
HTML = "Content-Type: text/html\n\n<p>html"
PDF = "Content-Type: application/pdf; name=a.pdf\n\npdf"
PNG = "Content-Type: image/png\nContent-ID: <i>\n\npng"
ATTACHED = "Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n\nattached"


NAMED = TEXT.replace("plain\n", "plain; name=a.txt\n", 1)
INLINE = "Content-Type: image/png\nContent-Disposition: inline\n\npng"
ENRICHED = "Content-Type: text/enriched\n\n<bold>b</bold>"
BOLD = b'<html><head><meta charset="utf-8"></head><body><b>b</b></body></html>'


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
        # [MS-OXCMAIL] 2.2.3.3.2.1: a body of one part
        (TEXT, "plain", None, []),
        (HTML, None, b"<p>html", []),
        ("Content-Type: text\n\nplain", "plain", None, []),
        ("Content-Type: plain\n\nplain", "plain", None, []),
        (multi("mixed", "Content-Type: text\n\nplain", "Content-Type: gif\n\ngif"), "plain", None, ["gif/"]),
        ("Content-Type: x\nContent-Disposition: attachment\n\nplain", "", None, ["x/"]),
        (PDF, "", None, ["application/pdf"]),
        (multi("alternative", TEXT, HTML), None, b"<p>html", []),
        (multi("alternative", HTML, TEXT), None, b"<p>html", []),
        (multi("alternative", TEXT, PDF), "plain", None, ["application/pdf"]),
        (multi("mixed", TEXT, PDF), "plain", None, ["application/pdf"]),
        (multi("mixed", PDF, HTML), None, b"<p>html", ["application/pdf"]),
        # [MS-OXCMAIL] 2.2.3.3.2.2: what continues the body is joined to it
        (multi("mixed", TEXT, TEXT), "plain\r\nplain\r\n", None, []),
        (multi("mixed", TEXT, NAMED), "plain", None, ["text/plain"]),
        (multi("mixed", PDF, TEXT, PDF, TEXT), "plain\r\nplain\r\n", None, ["application/pdf", "application/pdf"]),
        (multi("mixed", TEXT, INLINE), "plain", None, ["image/png"]),
        (multi("mixed", HTML, TEXT), None, b"<p>html<div>plain</div>", []),
        (multi("mixed", multi("alternative", TEXT, HTML, boundary="c"), HTML), None, b"<p>html<div><p>html</div>", []),
        (multi("alternative", multi("mixed", TEXT, TEXT, boundary="c"), HTML), None, b"<p>html", []),
        (multi("alternative", TEXT, multi("mixed", HTML, HTML, boundary="c"), HTML), None, b"<p>html", []),
        (multi("alternative", multi("mixed", HTML, HTML, boundary="c"), TEXT), None, b"<p>html<div><p>html</div>", []),
        (multi("mixed", ATTACHED, TEXT), "plain", None, ["text/plain"]),
        (multi("mixed", multi("alternative", TEXT, HTML, boundary="c"), PDF), None, b"<p>html", ["application/pdf"]),
        (multi("related", HTML, PNG), None, b"<p>html", ["image/png"]),
        (multi("alternative", TEXT, multi("related", HTML, PNG, boundary="c")), None, b"<p>html", ["image/png"]),
        (multi("alternative", TEXT, multi("mixed", HTML, PDF, HTML, boundary="c")), None, b"<p>html<div><p>html</div>",
         ["application/pdf"]),
        (ENRICHED, None, BOLD, []),
        (multi("alternative", TEXT, ENRICHED), None, BOLD, []),
        (multi("alternative", HTML, ENRICHED), None, b"<p>html", []),
        (multi("alternative", ENRICHED, HTML), None, b"<p>html", []),
        (multi("related; start=\"<r>\"", PNG, "Content-Type: text/html\nContent-ID: <r>\n\nroot"), None, b"root",
         ["image/png"]),
        (multi("related", multi("alternative", TEXT, HTML, boundary="c"), PNG), None, b"<p>html", ["image/png"]),
        (multi("signed", TEXT, "Content-Type: application/pgp-signature\n\ns"), "plain", None, ["multipart/signed"]),
        (multi("encrypted", "Content-Type: application/pgp-encrypted\n\nv", TEXT), "", None,
         ["application/pgp-encrypted", "text/plain"]),
        (multi("unknown", TEXT, PDF), "plain", None, ["application/pdf"]),
        (multi("digest", "\nSubject: x\n\ny"), "", None, ["message/rfc822"]),
        # [RFC2045] 5.2: what has no parts can only be text
        ("Content-Type: multipart/mixed\n\nx", "x", None, []),
        ("Content-Type: multipart/mixed; boundary=b\n\nx\n--c\n\ny", "x\r\n--c\r\n\r\ny", None, []),
        ("Content-Type: multipart/alternative; boundary=b\n\nx", "x", None, []),
        ("Content-Type: multipart/related; boundary=b\n\nx", "x", None, []),
        ("Content-Type: multipart/mixed; boundary=b\n\n--b--\n", "", None, []),
        ("Content-Type: multipart/mixed; boundary=b\n\nx\n--b", "x\r\n", None, []),
        (multi("mixed", TEXT, "Content-Type: multipart/mixed\n\nx"), "plain", None, ["text/plain"]),
        (multi("related", HTML, "Content-Type: multipart/mixed\n\nx"), None, b"<p>html", ["text/plain"]),
        (multi("alternative", TEXT, "Content-Type: text/calendar\n\nBEGIN:X"), "plain", None, ["text/calendar"]),
        (multi("alternative", TEXT, "Content-Type: text/html\n\nold", HTML), None, b"<p>html", []),
        (
            multi("alternative", TEXT, "Content-Type: text/html\nContent-Language: de\n\nalt", HTML),
            None,
            b"<p>html",
            ["text/html"],
        ),
    ],
)  # fmt: skip
def test_which_part_is_the_body(text: str, plain: str | None, html: bytes | None, attachments: list[str]) -> None:
    """[MS-OXCMAIL] 2.2.3.3, 2.2.3.3.2: the first part that qualifies; all others are attachments."""
    assert read(text) == (plain, html, attachments)


def noted(text: str) -> list[str]:
    receipt = Receipt()
    read_mime(render(text.replace("\n", "\r\n").encode()), received=0, receipt=receipt)
    return [str(note) for note in receipt]


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (
            "Content-Type: multipart/mixed\n\nx",
            ["guessed: part 1: multipart/mixed has no parts: it was read as plain text"],
        ),
        (multi("mixed", TEXT, PDF), []),
        (
            multi("encrypted", "Content-Type: application/pgp-encrypted\n\nVersion: 1", PDF),
            ["altered: part 1: multipart/encrypted has no form in MAPI: its parts are files"],
        ),
        (
            multi("mixed", multi("signed", TEXT, PDF, boundary="c"), TEXT),
            ["altered: part 1: what is signed is read by its parts: the signature holds no more"],
        ),
        (multi("signed", TEXT, PDF), []),
        (multi("alternative", TEXT, TEXT, HTML), []),
        (
            multi("alternative", TEXT, TEXT.replace("\n\nplain", "\n\nother"), HTML),
            ["dropped: part 1: part 2 says it again as text/plain"],
        ),
    ],
)
def test_what_is_noted(text: str, notes: list[str]) -> None:
    """What does not come out as it went in is in the receipt."""
    assert noted(text) == notes


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


@pytest.mark.parametrize("charset", ["big5-hkscs", "big5"])
def test_html_with_characters_that_its_code_page_lacks(charset: str) -> None:
    """Octets that are other characters in the code page, or none, become UTF-8."""
    text = "<p>\u5605 \u6f22"  # U+5605 is in the supplement of Hong Kong, and not in Windows' page 950
    raw = f"Content-Type: text/html; charset={charset}\r\n\r\n".encode() + text.encode("big5hkscs")
    got = read_mime(render(raw)).properties
    assert (got[tags.PidTagHtml], got[tags.PidTagInternetCodepage]) == (text.encode(), 65001)
    common = "<p>\u6f22".encode("big5hkscs")
    got = read_mime(render(f"Content-Type: text/html; charset={charset}\r\n\r\n".encode() + common)).properties
    assert (got[tags.PidTagHtml], got[tags.PidTagInternetCodepage]) == (common, 950)


def test_a_huge_body_is_left_to_the_original() -> None:
    raw = b"Subject: x\r\n\r\n" + b"x" * (MAX_BODY + 1)
    got = read_mime(render(raw)).properties
    assert tags.PidTagBody not in got
    assert got[tags.PidTagNativeBody] == 1
    # Not where nobody keeps that.
    assert len(str(read_mime(render(raw), whole=True).properties[tags.PidTagBody])) == MAX_BODY + 1


def test_text_beside_html_is_left_to_the_original() -> None:
    raw = multi("alternative", TEXT, HTML).replace("\n", "\r\n").encode()
    assert tags.PidTagBody not in read_mime(render(raw)).properties
    got = read_mime(render(raw), whole=True).properties
    assert (got[tags.PidTagBody], got[tags.PidTagHtml], got[tags.PidTagNativeBody]) == ("plain", b"<p>html", 3)


def test_a_body_with_pictures_between_its_texts() -> None:
    """[MS-OXCMAIL] 2.2.3.3.2.2, 2.2.3.4.1.4.1: text, picture, text become HTML that shows the picture."""
    raw = multi("mixed", TEXT, INLINE, HTML, PDF).replace("\n", "\r\n").encode()
    content = read_mime(render(raw), received=0)
    html = content.properties[tags.PidTagHtml]
    assert isinstance(html, bytes)
    picture, pdf = content.attachments
    identifier = str(picture.properties[tags.PidTagAttachContentId])
    assert b"plain" in html.partition(b"<img")[0]
    assert f'<div><img src="cid:{identifier}"></div><div><p>html</div>'.encode() in html
    assert picture.properties[tags.PidTagAttachmentHidden] is True
    assert picture.properties[tags.PidTagAttachFlags] == 4
    assert tags.PidTagAttachmentHidden not in pdf.properties
    with_id = raw.replace(b"inline\r\n", b"inline\r\nContent-ID: <p1@x>\r\n")
    (picture, _) = read_mime(render(with_id)).attachments
    assert picture.properties[tags.PidTagAttachContentId] == "p1@x"
    assert there_and_back(raw) == []


@pytest.mark.parametrize(
    ("parameters", "text", "body"),
    [
        ("format=flowed", "a \nb\nc\n", "a b\r\nc\r\n"),
        ("format=flowed", "> a \n> b\n c\n", "> a b\r\nc\r\n"),
        ("Format=Flowed; DelSp=Yes", "a \nb\n", "ab\r\n"),
        ("format=fixed", "a \nb\n", "a \r\nb\r\n"),
        ("x=flowed", "a \nb\n", "a \r\nb\r\n"),
    ],
)
def test_flowed_text(parameters: str, text: str, body: str) -> None:
    """[RFC3676] 4: lines that were broken for the way are whole in the object."""
    raw = f"Content-Type: text/plain; {parameters}\n\n{text}".replace("\n", "\r\n").encode()
    assert read_mime(render(raw)).properties[tags.PidTagBody] == body


def test_richtext() -> None:
    """[RFC1341] 7.1.3"""
    html = read("Content-Type: text/richtext\n\n<bold>b</bold><nl>c")[1]
    assert b"<b>b</b><br>\nc" in html
