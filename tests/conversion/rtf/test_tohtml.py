"""RTF that was RTF from the beginning, as HTML."""

from __future__ import annotations

import pytest

from conversion.receipt import Receipt
from conversion.rtf import tohtml
from conversion.rtf.tohtml import Picture, rtf_to_html

HEAD = rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}{\f1\fcharset204\fprq2{\*\panose 02}Times;}}{\colortbl;\red255\green0\blue0;}"


def body(rtf):
    html = rtf_to_html(HEAD + rtf + b"}").html
    return html.partition("<body>\n")[2].removesuffix("</body></html>\n")


def span(style, text):
    return f'<span style="{style}">{text}</span>'


def paragraph(html):
    return f'<p style="margin:0">{html}</p>\n'


@pytest.mark.parametrize(
    ("rtf", "html"),
    [
        (rb"one\par two", "one"),
        (rb"\b bold\b0  plain", "<b>bold</b> plain"),
        (rb"{\b\i both} plain", "<i><b>both</b></i> plain"),
        (rb"\b a\plain b", "<b>a</b>b"),
        (rb"{\ul u}{\strike s}\super 2\nosupersub x{\sub 3}", "<u>u</u><s>s</s><sup>2</sup>x<sub>3</sub>"),
        (rb"{\cf1 red}{\fs20 small}", span("color:#ff0000", "red") + span("font-size:10pt", "small")),
        (rb"{\highlight1\cf1 both}", span("color:#ff0000;background-color:#ff0000", "both")),
        (rb"{\f1 \'cf\'f0}", span("font-family:&#39;Times&#39;", "\u041f\u0440")),
        (rb"a{\v hidden}b", "ab"),
        (rb"a\line b\tab c  d\~e", "a<br>b&nbsp;&nbsp;&nbsp; c&nbsp; d&nbsp;e"),
        (rb"1 < 2 & \'80\u8364?", "1 &lt; 2 &amp; \u20ac\u20ac"),
        (
            rb'{\field{\*\fldinst HYPERLINK "https://x.test/?a&b"}{\fldrslt{\ul text}}} on',
            '<a href="https://x.test/?a&amp;b">text</a> on',
        ),
        (rb'{\field{\*\fldinst HYPERLINK \\l "mark"}{\fldrslt text}}', '<a href="#mark">text</a>'),
        (rb'{\field{\*\fldinst HYPERLINK "javascript:x()"}{\fldrslt text}}', "text"),
        (rb"{\field{\*\fldinst PAGE}{\fldrslt 7}}", "7"),
        (rb"{\header no}{\footnote no}{\info{\title no}}yes{\*\generator no;}", "yes"),
    ],
)
def test_text(rtf, html):
    assert body(rtf).startswith(paragraph(html))


def test_paragraphs():
    assert body(rb"\pard\qc a\par b\par\pard\li720 c\par\pard\par") == (
        '<p style="margin:0;text-align:center;">a</p>\n<p style="margin:0;text-align:center;">b</p>\n'
        '<p style="margin:0;margin-left:36pt;">c</p>\n<p style="margin:0">&nbsp;</p>\n'
    )


def test_lists():
    rtf = rb"{\listtext\'95\tab}a\par{\listtext\'95\tab}b\par{\pntext 1.\tab}c\par\pard d"
    assert body(rtf) == "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<ol>\n<li>c</li>\n</ol>\n" + paragraph("d")


def test_tables():
    row = rb"\trowd\cellx100\cellx200\pard\intbl a\par b\cell c\cell\row"
    assert body(row + row + rb"\pard after") == (
        '<table border="1" style="border-collapse:collapse">\n'
        + "<tr><td>a<br>b</td><td>c</td></tr>\n" * 2
        + "</table>\n"
        + paragraph("after")
    )


def test_pictures():
    receipt = Receipt()
    rtf = b"a{\\*\\shppict{\\pict\\pngblip\\picw1 8950\r\n4e47}}"
    rtf += rb"{\nonshppict{\pict\wmetafile8 00}}{\pict\jpegblip\bin2 }}}{\pict\dibitmap 00}{\pict\pngblip 0x}"
    page = rtf_to_html(HEAD + rtf + b"}", domain="x.test", receipt=receipt)
    assert page.pictures == (
        Picture("picture1@x.test", "image/png", b"\x89PNG"),
        Picture("picture2@x.test", "image/jpeg", b"}}"),
    )
    assert '<img src="cid:picture1@x.test"><img src="cid:picture2@x.test">' in page.html
    assert [note.place for note in receipt] == ["picture 3", "picture 3"]


def test_objects():
    """[MSFT-RTF] Objects: of an object its result is shown, whatever program made it; its data are not."""
    receipt = Receipt()
    rtf = (
        rb"a{\object\objemb\objw100{\*\objclass Excel.Sheet.8}{\*\objdata 0105d0cf}"
        rb"{\result{\*\shppict{\pict\pngblip 89504e47}}{\nonshppict{\pict\wmetafile8 00}}}}b"
        rb"{\object\objlink{\objdata ff}{\objclass x}{\result {\b text}}}{\object\objattph  }c"
    )
    page = rtf_to_html(HEAD + rtf + b"}", domain="x.test", receipt=receipt)
    assert page.pictures == (Picture("picture1@x.test", "image/png", b"\x89PNG"),)
    assert 'a<img src="cid:picture1@x.test">b<b>text</b>' in page.html
    assert "0105" not in page.html
    assert ">x<" not in page.html
    assert list(receipt) == []


def test_fonts_and_colours_may_be_told_later():
    rtf = rb"\f5\cf3 one{\fonttbl{\f5 Courier;}}two{\colortbl;\red0\green0\blue255;}three"
    two = span("font-family:&#39;Courier&#39;", "two")
    three = span("font-family:&#39;Courier&#39;;color:#0000ff", "three")
    assert body(rtf) == paragraph("one" + two + three)


def test_a_long_bullet():
    """Of what stands for a bullet or a number so much is kept as one may be long."""
    html = rtf_to_html(b"{\\rtf1{\\pntext " + b"\\u65?" * 500 + b"}x\\par}").html
    assert len(html) < 1_000
    assert "x" in html


def test_long_paragraphs(monkeypatch):
    """Runs and pieces are joined while they come; what is written is the same."""
    rtf = b"{\\rtf1 " + b"a\\u65?\\b b\\u66?\\b0  " * 50 + b"\\par c}"
    whole = rtf_to_html(rtf).html
    monkeypatch.setattr(tohtml, "_MOST_PIECES", 3)
    assert rtf_to_html(rtf).html == whole
