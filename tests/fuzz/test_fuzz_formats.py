"""Damaged .msg files, RTF, HTML, text/enriched, Macintosh files and uuencode: nothing but ConversionError."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest

from conversion.errors import ConversionError
from conversion.html.fromenriched import enriched_to_html
from conversion.html.fromplain import plain_to_html
from conversion.html.plain import html_to_plain
from conversion.html.sanitise import sanitise
from conversion.html.tokens import Start, tokens
from conversion.mac.applefile import read_applefile, write_appledouble_header
from conversion.mac.binhex import read_binhex
from conversion.mac.file import MacFile
from conversion.mac.macbinary import read_macbinary, write_macbinary
from conversion.mime.charset import decode_unlabelled
from conversion.mime.uuencode import MAX_GAIN, extract
from conversion.msg.compound import Storage, write_compound
from conversion.msg.reader import read_msg
from conversion.msg.writer import write_msg
from conversion.receipt import Receipt
from conversion.rtf.encapsulated import deencapsulate, encapsulate_html, encapsulate_text
from conversion.rtf.tohtml import rtf_to_html
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyName, PropertyTag, PropertyType
from tests.fuzz.damage import try_damaged
from tests.fuzz.test_fuzz_tnef import check_content
from tests.support.binhex import binhex
from tests.support.corpora import CORPORA

_LONGEST = 20_000
_RUNNING = frozenset(("script", "iframe", "object", "embed", "form", "input", "base", "link", "meta", "svg", "math"))
_HTML = (
    b"<!DOCTYPE html><html><head><title>T</title><style>p{a:b}</style></head><body bgcolor=#fff>"
    b"<h1>One &amp; two</h1><p class='x'>A <b>b <i>c</b></i> <a href=\"http://example.org/?a=b&c\">link</a>"
    b"<ul><li>1<li>2<ol><li>3</ol></ul><table><tr><td>a<td colspan=2>b<tr><th>c</table>"
    b"<blockquote type=cite><pre>x\n  y</pre></blockquote><img src=cid:1 alt='p&euro;'><script>alert(1)</script>"
    b"<!-- c --><a href='javascript:x'>j</a><div style='width:expression(x)'>&#x1F600;&#0;&#xD800;</div></body></html>"
)
_ENRICHED = (
    b"<bold>b <italic>i</italic></bold>\n\n<color><param>FFFF,0000,0000</param>red</color><<x"
    b"<paraindent><param>left,in</param>p</paraindent><nofill>a\nb</nofill><excerpt>q</excerpt><lang><param>de</param>"
)
_RTF = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fcharset204 A;}{\f1\fcharset128 B;}}"
    rb"{\colortbl;\red255\green0\blue0;}{\*\htmltag64 <p>}\htmlrtf {\b\htmlrtf0 a\htmlrtf }\htmlrtf0 \u8364?\'e4"
    rb"{\field{\*\fldinst HYPERLINK http://x}{\fldrslt y}}\trowd\cellx100 c\cell\row{\pict\pngblip 89504e47}"
    rb"\pard\qc\li720{\*\pn\pnlvlblt{\pntxtb \'b7}}{\pntext\tab}\bin3 abc\par}"
)
_MAC = MacFile("name.txt", b"TEXT", b"ttxt", b"data" * 9, b"resource", 0x100)
_UU = b"text\nbegin 644 a.txt\n#0V%T\n`\nend\nbegin 600 b c \n!80  \n \nend\nmore\nbegin 644 x\nnot a line of it\nend\n"


@cache
def _msg_seeds() -> tuple[bytes, ...]:
    name = PropertyName(tags.PSETID_Common, 0x8503, PropertyType.BOOLEAN)
    inner = MessageContent({tags.PidTagSubject: "in", PropertyTag.of(0x3A58, PropertyType.MULTIPLE_STRING): ("a", "b")})
    content = MessageContent(
        {tags.PidTagSubject: "Größe", tags.PidTagBody: "x" * 50, name: True, tags.PidTagSearchKey: b"k" * 30},
        (RecipientRow(RecipientType.TO, {tags.PidTagDisplayName: "Jo"}),),
        (
            AttachmentContent({tags.PidTagAttachLongFilename: "a"}, b"data"),
            AttachmentContent({}, inner),
            AttachmentContent({tags.PidTagAttachMethod: 6}, write_compound(Storage({"CONTENTS": b"x"}))),
        ),
    )
    return write_msg(content), write_msg(content, code_page=1252)


def msg_seeds() -> list[bytes]:
    """A file in Unicode and one that is not: samples of others are longer than a fuzzer's inputs."""
    return list(_msg_seeds())


def rtf_seeds() -> list[bytes]:
    """RTF of all kinds, and the samples that are short enough."""
    samples = sorted((CORPORA / "rtf").rglob("*.rtf"))
    found = [_RTF, encapsulate_html(_HTML.decode()), encapsulate_text("a\r\n\tb {}\\")]
    return found + [data for path in samples if len(data := path.read_bytes()) <= _LONGEST]


def html_seeds() -> list[bytes]:
    """HTML and text/enriched, and the samples of HTML that are short enough."""
    samples = sorted((CORPORA / "rtf").rglob("*.html"))
    return [_HTML, _ENRICHED] + [data for path in samples if len(data := path.read_bytes()) <= _LONGEST]


def mac_seeds() -> list[bytes]:
    """A file in each of the containers."""
    double = write_appledouble_header(_MAC)
    return [binhex(_MAC), write_macbinary(_MAC), double, b"\0\x05\x16\0" + double[4:]]


def uuencode_seeds() -> list[bytes]:
    """Texts with files in them."""
    return [_UU, b"begin 644 x\n" + b"M" + b"0" * 60 + b"\n`\nend\n"]


def check_msg(data: bytes) -> object:
    """Read; what was read is written, and read as the same once more."""
    receipt = Receipt()
    try:
        content = read_msg(data, receipt=receipt)
    except ConversionError as error:
        return str(error)[:30]
    check_content(content)
    again = read_msg(write_msg(content))
    assert repr(read_msg(write_msg(again))) == repr(again)  # a float may be no number
    return tuple(sorted({str(note).partition(":")[2][:30] for note in receipt}))[:4]


def check_rtf(data: bytes) -> object:
    """Take out what is encapsulated; show it as HTML."""
    receipt = Receipt()
    inside = deencapsulate(data)
    page = rtf_to_html(data, receipt=receipt)
    assert len(page.html) <= 100 * len(data) + 10_000
    sanitise(page.html)
    if inside is not None:
        inside.text.encode("utf-16-le", "surrogatepass")
    return inside is None or inside.form, tuple(sorted({str(note)[:30] for note in receipt}))[:4]


def check_html(data: bytes) -> object:
    """Every way between HTML, text and RTF; what is made safe has nothing that runs, in a second look neither."""
    text = decode_unlabelled(data)
    plain = html_to_plain(text)
    safe = sanitise(text)
    for token in (*tokens(safe), *tokens(sanitise(safe))):
        if isinstance(token, Start):
            assert token.name not in _RUNNING
            assert not any(name.startswith("on") for name in token.attributes)
            assert not re.match(r"(?i)[\s\x00-\x20]*javascript[\s\x00-\x20]*:", token.attributes.get("href", ""))
    html_to_plain(plain_to_html(plain))
    for richtext in (False, True):
        html = enriched_to_html(text, richtext=richtext)
        assert "<script" not in html.lower()
        html_to_plain(html)
    whole = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    inside = deencapsulate(encapsulate_html(whole))
    assert inside is not None
    assert inside.text == whole.replace("\n", "\r\n")
    return tuple(sorted(set(re.findall(r"</?[a-z0-9]+", safe))))[:12]


def check_mac(data: bytes) -> object:
    """Each of the readers; what one read is written and read again."""
    seen: list[str] = []
    readers: tuple[Callable[[bytes], MacFile], ...] = (read_binhex, read_macbinary, read_applefile)
    for reader in readers:
        try:
            file = reader(data)
        except ConversionError as error:
            seen.append(str(error)[:20])
            continue
        assert len(file.data) + len(file.resource) <= 200 * len(data) + 1000
        seen.append(reader.__name__)
        again = read_macbinary(write_macbinary(file))
        assert (again.data, again.resource, again.type) == (file.data, file.resource, file.type)
        assert read_applefile(write_appledouble_header(file), file.data).resource == file.resource
    return tuple(seen)


def check_uuencode(data: bytes) -> object:
    """What is left and what was taken out are together hardly longer than what was there."""
    text, files = extract(data)
    assert len(text) <= len(data)
    assert sum(len(file.data) for file in files) <= len(data) + len(files) * MAX_GAIN
    return len(files), len(text) == len(data)


FORMATS: dict[str, tuple[Callable[[bytes], object], Callable[[], list[bytes]]]] = {
    "msg": (check_msg, msg_seeds),
    "rtf": (check_rtf, rtf_seeds),
    "html": (check_html, html_seeds),
    "mac": (check_mac, mac_seeds),
    "uuencode": (check_uuencode, uuencode_seeds),
}


@pytest.mark.parametrize("name", FORMATS)
def test_damaged(name: str) -> None:
    check, seeds = FORMATS[name]
    pool = seeds()[:3]
    try_damaged(check, pool, 40)
