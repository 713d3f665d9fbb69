"""Text out of HTML: what a reader sees of paragraphs, quotations, lists, links and tables."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.html import page, plain
from conversion.html.plain import MAX_INDENT, html_to_plain


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain & simple", "plain & simple"),
        ("a < b and c > d &amp;lt; <3", "a < b and c > d &lt; <3"),
        ("one\r\n  two\tthree", "one two three"),
        ("<b>bo</b>ld <i> words </i> here", "bold words here"),
        ("<p>one<p>two</p><div>three</div><div>four</div>five", "one\n\ntwo\n\nthree\nfour\nfive"),
        ("a<br>b<br><br>c<br/>", "a\nb\n\nc"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<title>no</title><style>no</style><script>if (a<b) no</script><p>yes<!-- no -->", "yes"),
        ("Hello&nbsp;World &#8364; &#x20AC; &#99999999999;", "Hello World € € \ufffd"),
        ("in\u200bvisi\xadble", "invisible"),
        ("<h1>Title</h1>Text<h2>Next</h2>", "Title\n\nText\n\nNext"),
        ("before<hr>after", f"before\n\n{'-' * 40}\n\nafter"),
        ("<pre>  x\n\n   y\r\nz</pre>end", "  x\n\n   y\nz\n\nend"),
        ('<div style="color:red; white-space: pre-wrap">a\n  b</div><p style=white-space:normal>c\nd', "a\n  b\n\nc d"),
        ('<span style="color:red; display: none">hidden<b>too</b></span>shown', "shown"),
        ("<div hidden><p>x</div>shown", "shown"),
        ("<q>said</q>", '"said"'),
        ('<img src="x"><img alt=" A  logo "> <img alt="[B]">', "[A logo] [B]"),
        ('a<img src="https://x.test/open?id=1" width="1" height=1 alt="open">b', "ab"),
        (
            '<img style="border:0; width: 1px !important" alt="x"><img style="width:10px" alt=y><img width=100 alt=z>',
            "[y][z]",
        ),
        ("unfinished <b>tag <a href='x", "unfinished tag"),
        ("</div></p>stray</b> ends", "stray ends"),
    ],
)
def test_text(html, text):
    assert html_to_plain(html) == text


OUTLOOK = "<style>p.MsoNormal, li.MsoNormal {margin:0in; margin-bottom:.0001pt;}</style>"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # A line that holds a blank that does not break is an empty line, however many empty lines stand there already.
        ("<div>a</div><div>&nbsp;</div><div>b</div>", "a\n\nb"),
        ("<div>a</div><div>&nbsp;</div><div><span>&nbsp; </span></div><div>b</div>", "a\n\n\nb"),
        ("<p>a</p><p>&nbsp;</p><p>b</p>", "a\n\nb"),
        ("<div>a<br>&nbsp;</div><div>b</div>", "a\n\nb"),
        ("<div>a</div><div>&nbsp;b&nbsp;</div>", "a\nb"),
        ("<div>&nbsp;</div>a<div>&nbsp;</div>", "a"),
        # Paragraphs with nothing between them are lines.
        ('<p style="margin:0">a</p><p style="margin:0">b</p><p style="margin:0">&nbsp;</p><p style="margin:0">c',
         "a\nb\n\nc"),
        ('<p style="MARGIN: 0cm 0cm .0001pt">a<p style="margin-top:0px;margin-bottom:0 !important">b', "a\nb"),
        ('<p style="margin:0 0 10pt">a<p style="margin-bottom:0">b<p style="margin:10px 0">c', "a\n\nb\n\nc"),
        (OUTLOOK + "<p class='MsoNormal x'>a<p class=MsoNormal>b", "a\nb"),
        (OUTLOOK + "<p class=MsoNormal>a<p class=MsoNormal><o:p>&nbsp;</o:p><p class=MsoNormal>b<p class=x>c<p>d",
         "a\n\nb\n\nc\n\nd"),
        ("<style>p.MsoNormal {margin:0in; margin-bottom:8.0pt;}</style><p class=MsoNormal>a<p class=MsoNormal>b",
         "a\n\nb"),
    ],
)  # fmt: skip
def test_lines(html, text):
    assert html_to_plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Re:<blockquote>one<p>two</blockquote>end", "Re:\n\n> one\n>\n> two\n\nend"),
        ("x<blockquote><blockquote>a</blockquote>b</blockquote>", "x\n\n> > a\n>\n> b"),
        ("<blockquote>a<pre> b\n c</pre></blockquote>", "> a\n>\n>  b\n>  c"),
        ("<blockquote></blockquote>x", "x"),
        ("<blockquote>a<ul><li>b<br>c</ul></blockquote>", "> a\n>\n>   * b\n>     c"),
    ],
)
def test_quotations(html, text):
    assert html_to_plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<ul><li>one<li>two</ul>", "  * one\n  * two"),
        ("a<ol><li>one</li><li>two</li></ol>b", "a\n\n 1. one\n 2. two\n\nb"),
        ('<ol start="9"><li>nine<li>ten</ol>', " 9. nine\n10. ten"),
        ("<ul><li>a<ul><li>b<li>c</ul><li>d</ul>", "  * a\n      * b\n      * c\n  * d"),
        ("<ul><li><p>a</p><p>b</p></li></ul>", "  * a\n\n    b"),
        ("<li>alone", "  * alone"),
        ("<dl><dt>term<dd>meaning<dt>other<dd>thing</dl>", "term\n    meaning\nother\n    thing"),
    ],
)
def test_lists(html, text):
    assert html_to_plain(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('<a href="https://x.test/a?b=1&amp;c=2">here</a>.', "here <https://x.test/a?b=1&c=2>."),
        ('<a href="https://www.x.test/">x.test</a>', "x.test"),
        ('<a href="http://x.test">HTTP://X.test/</a>', "HTTP://X.test/"),
        ('<a href="mailto:a@x.test">a@x.test</a>, <a href=mailto:b@x.test>Bob</a>', "a@x.test, Bob <mailto:b@x.test>"),
        (
            '<a href="#top">up</a> <a href="javascript:x()">run</a> <a name=x>mark</a> <a href=page.html>p</a>',
            "up run mark p",
        ),
        ('<a href="https://x.test/"><img src=y alt="Logo"></a>', "[Logo] <https://x.test/>"),
        ('<a href="https://x.test/"><img src=y></a>', "<https://x.test/>"),
        ('<a href="https://x.test/ a\nb">one <b>two</b></a> three', "one two <https://x.test/ab> three"),
        ('<a href="https://x.test/">a<a href="https://y.test/">b</a>', "a <https://x.test/>b <https://y.test/>"),
        # An address that the words have already, but no other that only looks like it.
        ('<a href="mailto:a@x.test">Ann (a@x.test)</a>', "Ann (a@x.test)"),
        ('<a href="https://x.test/">see https://x.test.</a>', "see https://x.test."),
        ('<a href="https://evil.test/">x.test</a>', "x.test <https://evil.test/>"),
        ('<a href="https://x.test/">x.test.evil</a>', "x.test.evil <https://x.test/>"),
        # Links that show nothing, and pictures beside words that lead to the same place.
        ('a<a href="https://x.test/"></a> b<a href="https://x.test/"> </a>', "a b"),
        ('<a href="https://x.test/p"><img src="https://x.test/o" width=1></a>x', "x"),
        ('<a href="https://x.test/a"><img src=y></a> <a href="https://x.test/a">More</a>', "More <https://x.test/a>"),
        (
            '<a href="https://x.test/a"><img src=y></a> <a href="https://x.test/b">More</a>',
            "<https://x.test/a> More <https://x.test/b>",
        ),
        # Words in blocks that end before the link does.
        ('<a href="https://x.test/">one<br></a>two', "one <https://x.test/>\ntwo"),
        ('<a href="https://x.test/"><div>Button</div></a><p>two', "Button <https://x.test/>\n\ntwo"),
        ('<a href="https://x.test/"><table><tr><td>Button</table></a>two', "Button <https://x.test/>\n\ntwo"),
        ('<blockquote><a href="https://x.test/"><div>B</div></a></blockquote>', "> B <https://x.test/>"),
    ],
)
def test_links(html, text):
    assert html_to_plain(html) == text


def test_a_table_of_short_cells_stands_in_columns():
    html = "<table><tr><th>Name<th>Sum<tr><td>Alpha</td><td>1</td></tr><tr><td>日本<td>22</table>after"
    assert html_to_plain(html) == "Name   Sum\nAlpha  1\n日本   22\n\nafter"


def test_a_table_that_lays_out_is_read_cell_by_cell():
    html = "<table><tr><td><p>one<p>two</td><td><div>right</div></td></tr><tr><td>foot</table>"
    assert html_to_plain(html) == "one\n\ntwo\nright\nfoot"


def rows(cells, attributes=""):
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in cells)
    return f"<table {attributes}>{lines}</table>"


def test_a_ruled_table_keeps_cells_of_several_lines_in_their_columns():
    cells = [("Day", "What"), ("Mon", "one<br>two"), ("Tue", "<p>three")]
    assert html_to_plain(rows(cells, "border=1")) == "Day  What\nMon  one\n     two\nTue  three"
    assert html_to_plain(rows(cells)) == "Day\nWhat\nMon\none\ntwo\nTue\nthree"


def test_a_ruled_table_that_is_too_wide_keeps_its_rows():
    cells = [("Part", "What", "Price"), ("1", "x" * 95, "2.00")]
    assert html_to_plain(rows(cells, 'border="1"')) == f"Part | What | Price\n1 | {'x' * 95} | 2.00"
    assert html_to_plain(rows(cells).replace("td", "th", 6)) == f"Part | What | Price\n1 | {'x' * 95} | 2.00"
    assert html_to_plain(rows(cells)) == f"Part\nWhat\nPrice\n1\n{'x' * 95}\n2.00"


def test_a_table_that_says_that_it_lays_out():
    assert html_to_plain(rows([("a", "b"), ("c", "d")], "role=presentation")) == "a\nb\nc\nd"


def test_rows_of_very_different_lengths_cost_what_they_are_long():
    html = "<table><tr>" + "<td>a" * 20_000 + "<tr><td>b" * 20_000
    start = time.process_time()
    html_to_plain(html)
    assert time.process_time() - start < 5  # with quadratic work it would be minutes


def test_tables_within_tables():
    inner = "<table><tr><td>a<td>b<tr><td>c<td>d</table>"
    html = f"<blockquote><table><tr><td><ul><li>x</ul>{inner}</td></tr></table></blockquote>"
    assert html_to_plain(html) == ">   * x\n>\n> a  b\n> c  d"


def test_deep_nesting_only_stops_showing():
    html = "<blockquote>" * 500 + "x"
    assert html_to_plain(html) == "> " * MAX_INDENT + "x"


PIECES = st.sampled_from((
    "<p>", "</p>", "<b>", "<table>", "<tr>", "<td>", "</td>", "</table>", "<ul>", "<li>", "</ul>", "<blockquote>",
    "</blockquote>", "<a href='http://x'>", "</a>", "<pre>", "</pre>", "<br>", "<hr>", "&amp;", "&#x;", "<", ">", "'",
    '"', "<!--", "-->", "<script>", "</script>", "<div style='display:none'>", "</div>", "<dl>", "<dd>", "word",
))  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=60).map(" ".join))
def test_anything_gives_lines(html):
    """No exception, and no line that ends with a blank or holds a control that the text did not."""
    text = html_to_plain(html)
    assert text == text.rstrip("\n")
    assert not text or text.split("\n")[-1]
    assert "\r" not in text


@pytest.mark.parametrize(
    "piece", ["<div>", "<table><tr><td>", "<a href='", "<script>", "<!--", "<p ", "<li>", "<b>", "<div>x</p>", "<br>"]
)
def test_no_tags_cost_more_than_their_length(piece):
    html = piece * 20_000
    start = time.process_time()
    html_to_plain(html)
    assert time.process_time() - start < 5  # with quadratic work it would be minutes


@given(st.lists(PIECES | st.text(max_size=5), max_size=60).map(" ".join))
def test_lines_that_were_set_aside_are_the_same(html):
    """Of a long text the lines behind are joined while it is read."""
    whole = html_to_plain(html)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "_MOST_LINES", 2)
        patch.setattr(plain, "_SLICE", 3)
        assert html_to_plain(html) == whole


@pytest.mark.parametrize(
    "piece", ["<hr>", "<br>x", "<table><tr><td>" + "y" * 80 + "<td>x", "<tr><td>x<td>y", "<p>", "<ul><li>x"]
)
def test_short_tags_make_no_long_text(piece, monkeypatch):
    """Margins, rules and columns that nobody reads to the end have one."""
    monkeypatch.setattr(page, "MAX_DECORATION", 1_000)
    html = "<blockquote>" * 20 + piece * 1_000
    assert len(html_to_plain(html)) < 2 * len(html) + 2_000


def test_a_long_table(monkeypatch):
    """It is set a part at a time; nothing of it is lost."""
    monkeypatch.setattr(plain, "MAX_CELLS", 9)
    rows = "".join([f"<tr><td>{i}<td>{'x' * (i // 10)}.</tr>" for i in range(30)])
    text = html_to_plain(f"<p>a<table border=1>{rows}</table><p>b")
    assert text.replace("\n\n", "\n").split("\n")[:3] == ["a", "0  .", "1  ."]
    assert text.split() == ["a", *(word for i in range(30) for word in (str(i), "x" * (i // 10) + ".")), "b"]
    assert html_to_plain("<table><tr>" + "<td>x" * 40).split() == ["x"] * 40
