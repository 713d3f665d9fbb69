"""HTML and text in RTF: out of it, into it, and back."""

from __future__ import annotations

import os
import re
import time
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.rtf import encapsulated
from conversion.rtf.encapsulated import (
    Encapsulated,
    Form,
    deencapsulate,
    encapsulate_html,
    encapsulate_text,
    encapsulated_form,
)
from conversion.rtf.tohtml import rtf_to_html

HEAD = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0"
    rb"{\fonttbl{\f0\fswiss Arial;}{\f1\fcharset204 Times;}{\f2\fcharset128 X;}}"
)
CORPORA = Path(os.environ.get("OXGATE_CORPORA") or Path(__file__).parents[4] / "shared" / "corpora")


@pytest.mark.parametrize(
    ("rtf", "form"),
    [
        (rb"{\rtf1\ansi\fromhtml1 x}", Form.HTML),
        (rb"{\rtf1\ansi\ansicpg1252\fromtext \deff0 x}", Form.TEXT),
        (rb"{\rtf1\ansi\fromhtml x}", None),
        (rb"{\rtf1\ansi{\fonttbl}\fromhtml1 x}", None),
        (rb"{\rtf1 text \fromhtml1 x}", None),
        (rb"\rtf1\fromhtml1", None),
        (rb"{\urtf1\fromhtml1}", None),
        (b"", None),
    ],
)
def test_recognising(rtf, form):
    """[MS-OXRTFEX] 2.2.3.1: \\fromhtml1 or \\fromtext stands in the header, before the font table."""
    assert encapsulated_form(rtf) is form


@pytest.mark.parametrize(
    ("rtf", "html"),
    [
        # [MS-OXRTFEX] 2.2.3.2: tags, and what is not hidden
        (rb"{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 Text\htmlrtf\par}\htmlrtf0 {\*\htmltag72 </p>}", "<p>Text</p>"),
        # [MS-OXRTFEX] 2.1.3.1.4.1, 2.1.3.1.4.2: whatever the number of a tag says, its escapes are characters
        (rb"{\*\htmltag148 <FONT face=\'22symbol\'22>}", '<FONT face="symbol">'),
        (rb"{\*\htmltag241 <style>\par p \{a:b\}\tab x\\y\line </style>}", "<style>\r\np {a:b}\tx\\y\r\n</style>"),
        (rb"a\par b\line c\tab d", "a\r\nb\r\nc\td"),
        (
            rb"\lquote a\rquote  \ldblquote b\rdblquote\~\endash\emdash\bullet\_",
            "&lsquo;a&rsquo; &ldquo;b&rdquo;&nbsp;&ndash;&mdash;&bull;&shy;",
        ),
        (rb"{\*\mhtmltag84 <a href=x>}{\*\htmltag84 <a href=y>}", "<a href=y>"),
        (rb"{\*\unknown a{\b b}}{\pntext 1.\tab}{\*\pn\pnlvlblt}c", "c"),
        (rb"\'e4 {\f1 \'cf\'f0}{\f2 \'93\'fa\'96\'7b}\'e4", "\xe4 \u041f\u0440\u65e5\u672c\xe4"),
        (rb"{\f1 {\*\htmltag84 \'e4}\'e4}", "\xe4\u0434"),  # in tags the code page is the document's
        (rb"\u8364?\u-10179?\u-8704?\uc2\u228ab\uc0\u228 c", "\u20ac\U0001f600\xe4\xe4c"),
        # [MS-OXRTFEX] 2.1.3.1.3: what is hidden, and until when
        (rb"\htmlrtf hidden {\b too}\htmlrtf0 shown", "shown"),
        (rb"{\htmlrtf a}b", "b"),  # a group ends what began in it
        (rb"\htmlrtf1 a{b\htmlrtf0 C}d\htmlrtf0 E{F\htmlrtf g}H", "CEFH"),
        (b"line\r\nends\nmean nothing", "lineendsmean nothing"),
        (rb"stray \u", "stray "),
    ],
)
def test_taking_html_out(rtf, html):
    """[MS-OXRTFEX] 2.1.3.1.3 to 2.1.3.1.5, 2.1.3.1.4.1, 2.1.3.1.4.2, 2.2.3.2: tags, hidden text, characters."""
    assert deencapsulate(HEAD + rtf + b"}behind}") == Encapsulated(Form.HTML, html)


def test_taking_text_out():
    """[MS-OXRTFEX] 2.2.3.3: the text of the controls; markup is none."""
    rtf = rb"{\rtf1\ansi\fromtext{\fonttbl{\f0 A;}}\f0 a <b> & \{c\}\par\tab d\lquote{\*\x y}\par}"
    assert deencapsulate(rtf) == Encapsulated(Form.TEXT, "a <b> & {c}\r\n\td\u2018\r\n")


def test_rtf_that_was_nothing_else():
    assert deencapsulate(rb"{\rtf1\ansi text}") is None


HTML = (
    "<html>\r\n<head><title>T {1}</title><style>p{a:b}</style></head>\r\n<body>\r\n"
    '<p class="x\\y">One &amp; <b>tw\xf6</b><br>'
    "\r\n\u65e5\U0001f600&nbsp;<!-- c --><pre>a\r\n\tb</pre></p></body></html>"
)


def test_html_comes_out_as_it_went_in():
    """[MS-OXRTFEX] 2.1.3, 2.1.3.1.2, 2.1.3.2"""
    rtf = encapsulate_html(HTML)
    assert rtf.isascii()
    assert rtf.startswith(b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 ")
    assert b"{\\*\\htmltag64}" in rtf
    assert rtf.count(b"{") - rtf.count(b"\\{") == rtf.count(b"}") - rtf.count(b"\\}")
    assert deencapsulate(rtf) == Encapsulated(Form.HTML, HTML)


def test_what_stands_for_html_in_rtf():
    """[MS-OXRTFEX] 2.1.3.1.4, 2.1.3.1.4.1: tags and references as they are, their look beside them, in ASCII."""
    rtf = encapsulate_html('<html><body><b>a{\xe9\U0001f600</b>\r\n&nbsp;<p title="x\ty">')
    assert rtf.partition(b"\\fs24 ")[2] == (
        rb"{\*\htmltag64}{\*\htmltag19 <html>}{\*\htmltag50 <body>}{\*\htmltag84 <b>}\htmlrtf \b\htmlrtf0 "
        rb"a\{\u233?\u-10179?\u-8704?{\*\htmltag92 </b>}\htmlrtf \b0\htmlrtf0 "
        rb"{\*\htmltag84 \par }\htmlrtf  \htmlrtf0 {\*\htmltag84 &nbsp;}\htmlrtf \u160?\htmlrtf0 "
        rb'{\*\htmltag64 <p title="x\tab y">}\htmlrtf \par\htmlrtf0 }'
    )
    assert encapsulate_text("a\\\tb\n\xfc\r\n").partition(b"\\fs20 ")[2] == b"a\\\\\\tab b\\par\r\n\\u252?\\par\r\n}"


def test_a_reader_of_rtf_sees_what_the_html_says():
    """[MS-OXRTFEX] 2.1.3.2: text and its look stand outside of the tags."""
    html = rtf_to_html(encapsulate_html(HTML)).html
    text = re.sub("<[^>]*>|\\s", "", html.replace("&nbsp;", " "))
    assert text == "One&amp;tw\xf6\u65e5\U0001f600ab"
    assert "<b>tw\xf6</b>" in html


PIECES = st.sampled_from(
    (
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<br>",
        "<pre>",
        "</pre>",
        "<!-- x -->",
        "<body>",
        "<head>",
        "</head>",
        "&amp;",
        "&",
        "<",
        ">",
        "\\",
        "{",
        "}",
    )
) | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0"), max_size=8)


@given(st.lists(PIECES, max_size=20).map("".join))
def test_any_html_comes_out_as_it_went_in(html):
    """But for its line ends, which are CRLF ([MS-OXRTFEX] 1.3)."""
    assert deencapsulate(encapsulate_html(html)) == Encapsulated(Form.HTML, html.replace("\n", "\r\n"))


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\0")))
def test_any_text_comes_out_as_it_went_in(text):
    """[MS-OXRTFEX] 2.1.3, 2.1.3.1.1"""
    assert deencapsulate(encapsulate_text(text)) == Encapsulated(Form.TEXT, text.replace("\n", "\r\n"))


@given(
    st.lists(
        st.sampled_from(
            [
                b"{",
                b"}",
                b"\\*",
                b"\\htmltag1 ",
                b"\\htmlrtf ",
                b"\\u55296 ",
                b"\\'e",
                b"\\bin3 ",
                b"\\f9",
                b"x",
                b"\\fonttbl",
                b"\\uc9 ",
            ]
        )
    )
)
def test_anything_is_read(pieces):
    deencapsulate(HEAD + b"".join(pieces))
    rtf_to_html(b"{\\rtf1" + b"".join(pieces))


@pytest.mark.parametrize(
    "piece", [b"{", b"\\u1", b"{\\b x}", b"\\'e4", b"\\cell", b"{\\fonttbl{\\f1 a;}}", b"\\bin9", b"\\par"]
)
def test_no_piece_costs_more_than_its_length(piece):
    start = time.process_time()
    rtf_to_html(b"{\\rtf1" + piece * 20_000)
    assert time.process_time() - start < 5  # with quadratic work it would be minutes


@pytest.mark.parametrize("piece", ["<br>", "a\n", "1<", "<b>&amp;</b> \U0001f600\\", "\n"])
def test_much_html_does_not_become_much_more_rtf(piece, monkeypatch):
    """[MS-OXRTFEX] 2.1.3.2: behind so many groups one holds many tags, and readers of RTF see the text alone."""
    monkeypatch.setattr(encapsulated, "MAX_GROUPS", 100)
    html = "<body>" + piece * 2_000
    rtf = encapsulate_html(html)
    assert len(rtf) < 20_000 + 8 * len(html.encode())
    assert deencapsulate(rtf) == Encapsulated(Form.HTML, html.replace("\n", "\r\n"))
    shown = text_of(rtf_to_html(rtf).html)
    assert shown == re.sub(r"\s+", "", unescape(re.sub("<[^>]*>", "", html) if "1<" not in html else html[6:]))


def test_long_texts_and_tags(monkeypatch):
    """They are escaped in slices; a CRLF at the seam stays one."""
    monkeypatch.setattr(encapsulated, "_SLICE", 8)
    html = "<!-- xx\r\n{" + "\U0001f600" * 20 + " --><p>" + "\xe9" * 20 + "&amp;"
    assert deencapsulate(encapsulate_html(html)) == Encapsulated(Form.HTML, html)
    text = "1234567\r\n" + "\U0001f600" * 9
    assert deencapsulate(encapsulate_text(text)) == Encapsulated(Form.TEXT, text)


SAMPLES = CORPORA / "rtf" / "rtf-to-html" / "src" / "test" / "resources" / "test-messages"


here = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the corpora are not here (OXGATE_CORPORA names their folder)")
OUTLOOK = sorted(SAMPLES.glob("output/outlook/*.html"))
NATIVE = sorted(path for name in ("classic", "swing") for path in SAMPLES.glob(f"output/{name}/*.html"))


def rtf_of(expected: Path) -> bytes:
    stem = expected.stem.removesuffix("-test")
    (path,) = [path for path in SAMPLES.glob("input/*.rtf") if path.stem.removesuffix("-test") == stem]
    return path.read_bytes()


@here
def test_every_expected_output_is_compared():
    assert (len(OUTLOOK), len(NATIVE)) == (10, 10)
    assert {*OUTLOOK, *NATIVE} == {path for path in SAMPLES.glob("output/**/*") if path.is_file()}
    assert len(list(SAMPLES.glob("input/*"))) == len(OUTLOOK)


@here
@pytest.mark.parametrize("expected", OUTLOOK, ids=lambda path: path.stem)
def test_samples(expected):
    """What another reader took out of messages of Outlook: the same but for blanks."""
    found = deencapsulate(rtf_of(expected))
    assert found is not None
    html = expected.read_text("utf-8")
    if found.form is Form.TEXT:
        html = html.partition(">")[2].partition(">")[2].partition(">")[2].partition("</div></body></html>")[0]
    assert re.sub(r"\s+", "", found.text) == re.sub(r"\s+", "", html)


def text_of(html: str) -> str:
    """What a page says: no head, no tags, no blanks."""
    for kind in (r"<(head|style|title)\b.*?</\1>", r"<!--.*?-->", r"<[^>]*>"):
        html = re.sub(kind, "", html, flags=re.S | re.I)
    return re.sub(r"\s+", "", unescape(html))


@here
@pytest.mark.parametrize("expected", NATIVE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_samples_as_rtf(expected):
    """What two readers made of the same messages' RTF itself, without the tags within: the same text but for blanks."""
    assert text_of(rtf_to_html(rtf_of(expected)).html) == text_of(expected.read_text("utf-8"))
