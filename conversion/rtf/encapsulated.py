"""HTML and plain text that were put into RTF, taken out again and put in ([MS-OXRTFEX]).

found = deencapsulate(rtf)             # Encapsulated(Form.HTML, "<html>..."), or None where nothing is inside
rtf = encapsulate_html(html)           # RTF that shows what the HTML says and from which it comes out unchanged
rtf = encapsulate_text(text)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from conversion.html.tokens import End, Start, pieces
from conversion.rtf.tokens import Kind, tokens
from conversion.rtf.walker import SYMBOLS, State, Walker

_HEADER_WORDS = 20
"""Control words of the header in which \\fromhtml or \\fromtext is looked for ([MS-OXRTFEX] 2.2.3.1)."""


class Form(Enum):
    """What was encapsulated."""

    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Encapsulated:
    """What an RTF document was made of; line ends are CRLF."""

    form: Form
    text: str


def encapsulated_form(rtf: bytes) -> Form | None:
    """Tell what is encapsulated, by the first control words ([MS-OXRTFEX] 2.2.3.1)."""
    for number, (kind, data, value) in enumerate(tokens(rtf[:4096])):
        if number == 0:
            if kind is not Kind.OPEN:
                return None
        elif kind is not Kind.WORD or number > _HEADER_WORDS or (number == 1 and data != b"rtf"):
            return None
        elif data == b"fromhtml" and value == 1:
            return Form.HTML
        elif data == b"fromtext":
            return Form.TEXT
    return None


def deencapsulate(rtf: bytes) -> Encapsulated | None:
    """Take out what was encapsulated ([MS-OXRTFEX] 2.2.3.2, 2.2.3.3); None for RTF that was RTF from the beginning."""
    form = encapsulated_form(rtf)
    if form is None:
        return None
    reader = _Reader(form)
    reader.walk(rtf)
    return Encapsulated(form, "".join(reader.out))


@dataclass(slots=True)
class _State(State):
    hidden: bool = False
    """\\htmlrtf: what stands here is for readers of RTF alone."""
    tag: bool = False
    """Within an HTMLTAG destination."""


# [MS-OXRTFEX] 2.2.3.2: outside of tags these are references.
_REFERENCES = {
    "\u2018": "&lsquo;", "\u2019": "&rsquo;", "\u201c": "&ldquo;", "\u201d": "&rdquo;", "\u2022": "&bull;",
    "\u2013": "&ndash;", "\u2014": "&mdash;", "\xa0": "&nbsp;", "\u2011": "&shy;", "\xad": "&shy;",
}  # fmt: skip
_BREAKS = {b"par": "\r\n", b"line": "\r\n", b"tab": "\t"}


class _Reader(Walker):
    """Reads the text outside of \\htmlrtf, and what is in \\htmltag ([MS-OXRTFEX] 2.1.3.1.4, 2.1.3.1.4.2)."""

    state: _State

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.out: list[str] = []
        self._html = form is Form.HTML

    def first_state(self) -> State:
        return _State()

    def decoding(self) -> str:
        return self.charset if self.state.tag else super().decoding()

    def on_destination(self, name: bytes, *, starred: bool) -> bool:
        if name == b"htmltag" and self._html:
            self.state.tag = True
            self.state.hidden = False
            return True
        if name in (b"pntext", b"listtext"):
            self.state.silent = True  # bullets and numbers, which the HTML's lists make
            return True
        return False

    def on_word(self, name: bytes, number: int | None) -> None:
        if name == b"htmlrtf" and self._html:
            self.state.hidden = number != 0
        elif name in _BREAKS:
            self.on_text(_BREAKS[name])

    def on_text(self, text: str) -> None:
        if not self.state.hidden:
            self.out.append(text)

    def _plain_word(self, name: bytes, number: int | None) -> None:
        symbol = SYMBOLS.get(name)
        if symbol is None:
            self.on_word(name, number)
        else:
            self._character(symbol)

    def _character(self, char: str) -> None:
        self.flush()
        if not self.state.silent:
            reference = self._html and not self.state.tag
            self.on_text(_REFERENCES.get(char, char) if reference else char)


# ------------------------------------------------------------------------------------------------------- writing

_HEADER = (
    b"{\\rtf1\\ansi\\ansicpg1252\\%b \\deff0{\\fonttbl\r\n{\\f0\\fswiss\\fcharset0 Arial;}\r\n"
    b"{\\f1\\fmodern\\fcharset0 Courier New;}}\r\n{\\colortbl\\red0\\green0\\blue0;\\red0\\green0\\blue255;}\r\n"
    b"\\uc1\\pard\\plain\\deftab360 \\f%d\\fs%d "
)

# [MS-OXRTFEX] 2.1.3.1.4.1, HTMLTagParameter: where a fragment stands, and of what kind it is; readers ignore it.
_IN_BODY, _IN_HEAD, _IN_HTML, _OUT_OF_HTML = 0, 1, 2, 3
_IN_PARAGRAPH, _CLOSE = 0x04, 0x08
_KINDS = {
    "html": 0x10, "head": 0x20, "body": 0x30, "p": 0x40, "br": 0x70, "pre": 0x80, "font": 0x90, "h1": 0xA0,
    "h2": 0xA0, "h3": 0xA0, "h4": 0xA0, "h5": 0xA0, "h6": 0xA0, "title": 0xB0, "plaintext": 0xC0, "div": 0x60,
}  # fmt: skip
_UNKNOWN = 0xF0
_TEXT = 0x50 | _IN_PARAGRAPH

# What a tag looks like in RTF: at its start and at its end.
_LOOKS = {
    "b": (b"\\b", b"\\b0"), "strong": (b"\\b", b"\\b0"), "i": (b"\\i", b"\\i0"), "em": (b"\\i", b"\\i0"),
    "u": (b"\\ul", b"\\ulnone"), "s": (b"\\strike", b"\\strike0"), "strike": (b"\\strike", b"\\strike0"),
    "sup": (b"\\super", b"\\nosupersub"), "sub": (b"\\sub", b"\\nosupersub"), "pre": (b"\\par\\f1", b"\\par\\f0"),
    "a": (b"\\ul\\cf1", b"\\ulnone\\cf0"), "br": (b"\\line", b""), "hr": (b"\\par", b""), "p": (b"\\par", b""),
    "li": (b"\\par\\bullet\\tab", b""), "td": (b"", b"\\tab"), "th": (b"\\b", b"\\b0\\tab"),
    "h1": (b"\\par\\b\\fs40", b"\\par\\b0\\fs24"), "h2": (b"\\par\\b\\fs32", b"\\par\\b0\\fs24"),
    "h3": (b"\\par\\b\\fs28", b"\\par\\b0\\fs24"), "h4": (b"\\par\\b", b"\\par\\b0"), "div": (b"\\par", b""),
    "tr": (b"\\par", b""), "ul": (b"", b"\\par"), "ol": (b"", b"\\par"), "table": (b"", b"\\par"),
    "blockquote": (b"\\par", b"\\par"),
}  # fmt: skip

_SPECIAL = re.compile(r"[\\{}\t\r\n]|[^\x20-\x7e]")
# What must stand in a tag: references, characters that begin markup, line ends.
_MARKED = re.compile(r"&#?\w{1,40};?|[<>&]|\r\n|[\r\n]")


def encapsulate_html(html: str) -> bytes:
    """Put HTML into RTF ([MS-OXRTFEX] 2.1.3, 2.2.2): every tag as it is, and beside it what RTF has for it."""
    out = [_HEADER % (b"fromhtml1", 0, 24), b"{\\*\\htmltag64}"]
    where = _OUT_OF_HTML
    for token, source in pieces(html):
        if isinstance(token, (Start, End)):
            where = _tag(out, token, source, where)
        elif token is None:
            out.append(_group((_UNKNOWN if where else _TEXT) | where, source))
        else:
            _run(out, source, where)
    out.append(b"}")
    return b"".join(out)


def encapsulate_text(text: str) -> bytes:
    """Put plain text into RTF ([MS-OXRTFEX] 2.1.2, 2.2.1)."""
    body = _escaped(text.replace("\r\n", "\n").replace("\r", "\n"), b"\\par\r\n")
    return _HEADER % (b"fromtext", 1, 20) + body + b"}"


def _tag(out: list[bytes], token: Start | End, source: str, where: int) -> int:
    """Write a tag, and say where what follows stands."""
    name, closes = token.name, isinstance(token, End)
    kind = _KINDS.get(name)
    look = _LOOKS.get(name, (b"", b""))[closes] if where == _IN_BODY else b""
    if kind is None:
        kind = _UNKNOWN if where or not look else _TEXT
    after = where
    if name == "html":
        where, after = _OUT_OF_HTML, _OUT_OF_HTML if closes else _IN_HTML
    elif name == "head":
        where, after = (_IN_HEAD, _IN_HTML) if closes else (_IN_HTML, _IN_HEAD)
    elif name == "body":
        where, after = _IN_HTML, _IN_HTML if closes else _IN_BODY
    elif where != _IN_HEAD:
        where = after = _IN_BODY  # there is no html and no body, as in most fragments
        look = _LOOKS.get(name, (b"", b""))[closes]
    out.append(_group(kind | where | (_CLOSE if closes else 0), source))
    if look:
        out += (b"\\htmlrtf ", look, b"\\htmlrtf0 ")
    return after


def _run(out: list[bytes], source: str, where: int) -> None:
    """Write text as it stands in the source, its references in tags, with what they mean beside them."""
    if where and not source.strip():
        out.append(_group(_UNKNOWN | where, source))
        return
    at = 0
    for match in _MARKED.finditer(source):
        out.append(_escaped(source[at : match.start()]))
        out.append(_group(_TEXT, match[0]))
        shown = _meaning(match[0])
        if shown:
            out += (b"\\htmlrtf ", _escaped(shown), b"\\htmlrtf0 ")
        at = match.end()
    out.append(_escaped(source[at:]))


def _meaning(source: str) -> str:
    from html import unescape

    return " " if source in ("\r\n", "\r", "\n") else unescape(source)


def _group(parameter: int, source: str) -> bytes:
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    return b"{\\*\\htmltag%d %b}" % (parameter, _escaped(text, b"\\par "))


def _escaped(text: str, newline: bytes = b"\\line ") -> bytes:
    """Write text in RTF: in ASCII, other characters by their UTF-16 units ([MSFT-RTF] Unicode RTF)."""

    def escape(match: re.Match[str]) -> str:
        char = match[0]
        if char in "\\{}":
            return "\\" + char
        if char == "\t":
            return "\\tab "
        if char in "\r\n":
            return newline.decode("ascii")
        units = char.encode("utf-16-le", "surrogatepass")
        return "".join(
            f"\\u{int.from_bytes(units[i : i + 2], 'little', signed=True)}?" for i in range(0, len(units), 2)
        )

    return _SPECIAL.sub(escape, text).encode("ascii")
