"""HTML out of text/enriched and text/richtext."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.html.fromenriched import MAX_DEPTH, enriched_to_html


def body(text, **options):
    return enriched_to_html(text, **options).partition("<body>")[2].removesuffix("</body></html>")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<bold>Now</bold> is <italic>the</italic> time", "<b>Now</b> is <i>the</i> time"),
        ("<underline>u</underline><fixed>f</fixed>", "<u>u</u><tt>f</tt>"),
        ("<smaller>s</smaller><bigger>b</bigger>", '<font size="-1">s</font><font size="+1">b</font>'),
        ("a & b <<tag> > c", "a &amp; b &lt;tag&gt; &gt; c"),
        ("one\r\ntwo\r\n\r\nthree\r\n\r\n\r\nfour", "one\ntwo<br>\nthree<br>\n<br>\nfour"),
        ("<nofill>a\nb\n\nc</nofill>\nd", "a\nb\n\nc\nd"),
        ("<verbatim>a <b> \n b</verbatim>", "<pre>a  \n b</pre>"),
        ("<center>x</center>", '<div align="center">x</div>'),
        ("<excerpt>said</excerpt>", '<blockquote type="cite">said</blockquote>'),
        ("<paraindent><param>left,in</param>x</paraindent>", "<blockquote><blockquote>x</blockquote></blockquote>"),
        ("<color><param>red</param>x</color>", '<font color="red">x</font>'),
        ("<color><param>FFFF,0000,8080</param>x</color>", '<font color="#FF0080">x</font>'),
        ('<color><param>" onclick=x</param>x</color>', "x"),
        ("<fontfamily><param>Times New Roman</param>x</fontfamily>", '<font face="Times New Roman">x</font>'),
        ("<lang><param>de-AT</param>x</lang>", '<span lang="de-AT">x</span>'),
        ("<color>no parameter</color>", "no parameter"),
        ("<Bold>case</BOLD>", "<b>case</b>"),
        ("<x-unknown>text</x-unknown> </italic> end", "text  end"),
        ("<bold>never <italic>closed", "<b>never <i>closed</i></b>"),
        ("<bold>a<italic>b</bold>c", "<b>a<i>b</i></b>c"),
        ("<param>lost</param>kept", "kept"),
        ("a < b", "a &lt; b"),
    ],
)
def test_enriched(text, html):
    """[MS-OXCETF] 2.1.3.1, 2.1.3.2, [RFC1896]: commands, parameters, line ends."""
    assert body(text) == html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("one\ntwo<nl>three", "one\ntwo<br>\nthree"),
        ("a <lt>b>", "a &lt;b&gt;"),
        ("<comment>no <bold>no</bold></comment>yes", "yes"),
        ("<paragraph>p</paragraph><heading>h</heading>", "<p>p</p><h3>h</h3>"),
    ],
)
def test_richtext(text, html):
    """[RFC1341] 7.1.3"""
    assert body(text, richtext=True) == html


def test_depth_has_an_end():
    assert body("<bold>" * 5_000 + "x").count("<b>") == MAX_DEPTH


@given(
    st.lists(
        st.sampled_from(["<", "<<", "<bold>", "</bold>", "<param>", "</param>", "<color>", "\n", "x", "<comment>"])
    )
)
def test_anything_is_read(pieces):
    html = enriched_to_html("".join(pieces))
    assert html.count("<b>") == html.count("</b>")
