"""HTML out of text, and text that was broken for transport joined again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.html import fromplain
from conversion.html.fromplain import MAX_QUOTED, plain_to_html, unflowed
from conversion.html.plain import html_to_plain


def body(text, **options):
    html = plain_to_html(text, **options)
    return html.partition("<body>")[2].removesuffix("</body></html>")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("one\ntwo\r\nthree", "one<br>\ntwo<br>\nthree"),
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("a  b   c\n d\te", "a&nbsp; b&nbsp;&nbsp; c<br>\n&nbsp;d&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp;&nbsp; e"),
        ("> old\nnew", '<blockquote type="cite">old</blockquote>new'),
        ("> > a\n>b\nc", '<blockquote type="cite"><blockquote type="cite">a</blockquote>b</blockquote>c'),
        ("> only", '<blockquote type="cite">only</blockquote>'),
        (
            "see http://x.test/a(b)?c=1&d (https://y.t/).",
            'see <a href="http://x.test/a(b)?c=1&amp;d">http://x.test/a(b)?c=1&amp;d</a> (<a href="https://y.t/">https://y.t/</a>).',
        ),
        ("<mailto:a@x.test>", '&lt;<a href="mailto:a@x.test">mailto:a@x.test</a>&gt;'),
        ('http://x.test/"onclick=y', '<a href="http://x.test/">http://x.test/</a>"onclick=y'),
        ("javascript:x()", "javascript:x()"),
    ],
)
def test_html(text, html):
    assert body(text) == html


def test_quotations_have_an_end():
    assert body(">" * 99 + "x").count("<blockquote") == MAX_QUOTED


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["one ", "two"], [(0, "one two")]),
        (["one", "two"], [(0, "one"), (0, "two")]),
        ([" stuffed", " >no quote", " From me"], [(0, "stuffed"), (0, ">no quote"), (0, "From me")]),
        (["> a ", "> b", ">> c ", "d"], [(1, "a b"), (2, "c "), (0, "d")]),
        (["text ", "-- ", "name"], [(0, "text "), (0, "-- "), (0, "name")]),
        (["open "], [(0, "open ")]),
        ([""], [(0, "")]),
    ],
)
def test_flowed_lines_are_joined(lines, joined):
    """[RFC3676] 4.1 to 4.5: soft breaks, stuffing, quotations, signatures."""
    assert list(unflowed(lines)) == joined


def test_flowed_with_delsp():
    """[RFC3676] 4.1: the space before a soft break goes too."""
    assert list(unflowed(["日本 ", "語"], del_sp=True)) == [(0, "日本語")]


LINES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp", "Zs"), exclude_characters=">"))


@given(st.lists(LINES, max_size=8))
def test_a_text_comes_back(lines):
    text = "\n".join(lines)
    assert html_to_plain(plain_to_html(text)) == text.rstrip("\n")


@pytest.mark.parametrize("piece", ["\t", "a\t", "\n>>>>>>>>>>>>>>>>>>>>\n", "> a\n\n", " "])
def test_short_marks_make_no_long_page(piece, monkeypatch):
    """Blanks and quotations without end: a text has so many."""
    monkeypatch.setattr(fromplain, "MAX_BLANKS", 100)
    monkeypatch.setattr(fromplain, "MAX_QUOTATIONS", 100)
    text = piece * 1_000
    assert len(plain_to_html(text)) < 7 * len(text) + 6_000


def test_what_is_behind_the_bounds(monkeypatch):
    monkeypatch.setattr(fromplain, "MAX_BLANKS", 3)
    monkeypatch.setattr(fromplain, "MAX_QUOTATIONS", 1)
    html = plain_to_html("a  b   c\n> d\ne\n> f")
    assert html[html.index("<body>") + 6 : -14] == ('a&nbsp; b c<blockquote type="cite">d</blockquote>e<br>\n&gt; f')
