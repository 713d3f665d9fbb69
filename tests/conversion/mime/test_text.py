"""Text for searching ([RFC3501] 6.4.4), and HTML to text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.headers import fields, header_end
from conversion.mime.html import html_to_text, meta_charset
from conversion.mime.structure import pack, scan
from conversion.mime.text import MimeText, searchable_text
from conversion.mime.words import decode_unstructured

RAW = (
    (
        """Subject: =?iso-8859-1?Q?Gr=FC=DFe?=
From: "J. Doe" <jdoe@x.test>
Received: one
Received: two
Content-Type: multipart/mixed; boundary=b

preamble
--b
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

sch=F6ne gr=
=FC=DFe
--b
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+SGVsbG88Yj5Xb3JsZDwvYj48L3A+PHNjcmlwdD5ub3BlPC9zY3JpcHQ+JmF1bWw7
--b
Content-Type: image/png
Content-Transfer-Encoding: base64

c2VjcmV0
--b
Content-Type: message/rfc822

Subject: =?utf-8?Q?inn=C3=A9r?=

enclosed
--b--
"""
    )
    .replace("\n", "\r\n")
    .encode()
)


def test_searchable_text() -> None:
    """[RFC3501] 6.4.4: BODY searches the text of the body, decoded; not the octets of images."""
    text = "\n".join(searchable_text(RAW, scan(RAW)))
    for wanted in ("schöne grüße", "HelloWorld", "ä", "Subject: innér", "enclosed"):
        assert wanted in text
    for unwanted in ("nope", "secret", "<p>", "Grüße", "preamble"):
        assert unwanted not in text


def test_mime_text() -> None:
    """[RFC3501] 6.4.4: HEADER compares decoded values; TEXT searches header and body."""
    reader = MimeText(RAW)
    assert reader.header("subject") == ["Grüße"]
    assert reader.header("RECEIVED") == ["one", "two"]
    assert reader.header("X-None") == []
    assert "Grüße" in "\n".join(reader.text(True))
    assert "Grüße" not in "\n".join(reader.text(False))


_PIECES = (
    "zulu",
    "zu",
    "lu",
    "ZuLu",
    "<b>",
    "</b>",
    "<br>",
    "< ",
    "&shy;",
    "&#122;",
    "<!-- x -->",
    "<script>a</script>",
)
_LINES = (
    "=?utf-8?Q?zul?= =?utf-8?Q?u?=",
    "\r\n ",
    "=7A=75",
    "enVsdQ==",
    "\u212a\u017f",
    "zul=\r\nu",
    " ",
    "\x1b$B",
    "+AHo-ulu",
)
_text = st.lists(st.sampled_from(_PIECES + _LINES), max_size=6).map("".join)
_part = st.builds(
    lambda kind, charset, encoding, body: f"Content-Type: {kind}{charset}\r\n{encoding}\r\n{body}\r\n",
    st.sampled_from(("text/plain", "text/html", "image/png", "message/rfc822")),
    st.sampled_from(("", "; charset=utf-8", "; charset=us-ascii", "; charset=utf-7", "; charset=iso-2022-jp")),
    st.sampled_from(("", "Content-Transfer-Encoding: base64\r\n", "Content-Transfer-Encoding: quoted-printable\r\n")),
    _text,
)
_mail = st.builds(
    lambda subject, parts: (
        f"Subject: {subject}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + "".join(f"--b\r\n{part}" for part in parts)
        + "--b--\r\n"
        if len(parts) != 1
        else f"Subject: {subject}\r\n{parts[0]}"
    ),
    _text,
    st.lists(_part, max_size=3),
)


@given(_mail, st.sampled_from(("zulu", "z", "lu", "ss", "k", "subject:", "b", "a", "x", "<")), st.booleans())
def test_pieces_left_out_lack_the_word(mail: str, word: str, packed: bool) -> None:
    """[RFC3501] 6.4.4: what the octets say of a word is what the decoded text says."""
    raw = mail.encode()
    reader = MimeText(raw, pack(scan(raw)) if packed else b"")
    for headers in (False, True):
        plain = any(word in piece.casefold() for piece in MimeText(raw).text(headers))
        assert any(word in piece.casefold() for piece in reader.text(headers, word.encode())) == plain


_header = st.lists(
    st.sampled_from(("a", "Subject", ":", " ", "\t", "\r\n", "\n", "\r", "\0", "word", "=?", "=?utf-8?q?=41?=", "é"))
).map("".join)


@given(_header)
def test_a_plain_header_reads_as_value_by_value(header: str) -> None:
    """[RFC5322] 2.2.3, [RFC2047]: what is done to all of a header at once is what is done to each of its values."""
    raw = header.encode() + b"\r\n\r\nbody\r\n"
    wanted = "\n".join(
        f"{name.decode()}: {decode_unstructured(value)}" for name, value, _, _ in fields(raw, 0, header_end(raw))
    )
    assert next(MimeText(raw).text(True)) == wanted


def test_plain_pieces_are_not_decoded() -> None:
    """A message without encodings yields nothing to look through for a word that it lacks, and all that hold it."""
    raw = b"Subject: one\r\nContent-Type: text/html\r\n\r\n<p>two th<b>ree</b></p>\r\n"
    reader = MimeText(raw)
    assert list(reader.text(True, b"four")) == []
    assert list(reader.text(True, b"three")) == ["two three"]
    assert [piece[:8] for piece in reader.text(True, b"one")] == ["Subject:"]


def test_a_header_alone() -> None:
    reader = MimeText(b"Subject: x\r\nTo: a@b\r\n")
    assert reader.header("to") == ["a@b"]
    assert "".join(reader.text(False)) == ""


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b<p>c</p>d", "a\nb\nc\nd"),
        ("fo<b>o</b>bar", "foobar"),
        ("a \r\n  b", "a b"),
        ("&lt;x&gt; &amp;amp; &#228;&#xe4;&nbsp;.", "<x> &amp; ää\xa0."),
        ("a<!-- b -->c<style>d</style>e<SCRIPT x>f</SCRIPT >g", "aceg"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("a<script>b", "a"),
        ("a<!-- b", "a"),
        ("a<b", "a"),
        ("<td>1</td><td>2</td>", "1\n2"),
        ("&#99999999999999999999;x", "\ufffd;x"),
    ],
)
def test_html(html: str, text: str) -> None:
    assert html_to_text(html) == text


def test_meta_charset() -> None:
    assert meta_charset(b'<html><head><META http-equiv=x content="text/html; charset=koi8-r"></head>') == "koi8-r"
    assert meta_charset(b"<meta charset='utf-8'>") == "utf-8"
    assert meta_charset(b"<p>charset=utf-8") == ""


@pytest.mark.parametrize(
    "html", ["<" * 200_000, "<!--" * 50_000, "<script>" * 30_000, '<a "' * 50_000,
             "&#" + "9" * 200_000 + ";", "&" * 200_000,
             "<br>" * 50_000, " " * 200_000, "<br> " * 40_000, "&lt" * 60_000]
)  # fmt: skip
def test_html_made_to_be_slow(html: str) -> None:
    start = time.process_time()
    html_to_text(html)
    meta_charset(html.encode())
    assert time.process_time() - start < 5


@given(st.lists(st.sampled_from(["<", ">", "a", "script", "/", "!--", "-->", "&", ";", "lt", "#", "x1", " ", "\n",
                                  "br", '"',
                                  "\0"]),
                max_size=25).map("".join))  # fmt: skip
def test_any_html(html: str) -> None:
    assert isinstance(html_to_text(html), str)
