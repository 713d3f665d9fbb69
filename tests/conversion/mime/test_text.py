"""Text for searching ([RFC3501] 6.4.4), and HTML to text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.html import html_to_text, meta_charset
from conversion.mime.structure import scan
from conversion.mime.text import MimeText, searchable_text

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
