"""HTML and plain text that were put into RTF, taken out again and put in ([MS-OXRTFEX]).

found = deencapsulate(rtf)             # Encapsulated(Form.HTML, "<html>..."), or None where nothing is inside
rtf = encapsulate_html(html)           # RTF that shows what the HTML says and from which it comes out unchanged
rtf = encapsulate_text(text)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from html import unescape
from io import BytesIO

from conversion.html.tokens import End, Start, Text, pieces, resolved
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
    """Reads text outside of \\htmlrtf, and what is in \\htmltag ([MS-OXRTFEX] 2.1.3.1.3, 2.1.3.1.4, 2.1.3.1.4.2).

    \\mhtmltag is passed over as any destination that is not known is ([MS-OXRTFEX] 2.1.3.1.5).
    """

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
    "b": ("\\b", "\\b0"), "strong": ("\\b", "\\b0"), "i": ("\\i", "\\i0"), "em": ("\\i", "\\i0"),
    "u": ("\\ul", "\\ulnone"), "s": ("\\strike", "\\strike0"), "strike": ("\\strike", "\\strike0"),
    "sup": ("\\super", "\\nosupersub"), "sub": ("\\sub", "\\nosupersub"), "pre": ("\\par\\f1", "\\par\\f0"),
    "a": ("\\ul\\cf1", "\\ulnone\\cf0"), "br": ("\\line", ""), "hr": ("\\par", ""), "p": ("\\par", ""),
    "li": ("\\par\\bullet\\tab", ""), "td": ("", "\\tab"), "th": ("\\b", "\\b0\\tab"),
    "h1": ("\\par\\b\\fs40", "\\par\\b0\\fs24"), "h2": ("\\par\\b\\fs32", "\\par\\b0\\fs24"),
    "h3": ("\\par\\b\\fs28", "\\par\\b0\\fs24"), "h4": ("\\par\\b", "\\par\\b0"), "div": ("\\par", ""),
    "tr": ("\\par", ""), "ul": ("", "\\par"), "ol": ("", "\\par"), "table": ("", "\\par"),
    "blockquote": ("\\par", "\\par"),
}  # fmt: skip
_NO_LOOK = ("", "")

MAX_GROUPS = 400_000
"""Tags, references and line ends that have a group of their own, of 40 octets or so."""
_SLICE = 65_536
"""Characters that are escaped at once: what they become is up to nine times as long."""
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_SPECIAL = re.compile(r"[\\{}\x00-\x1f\x7f-\U0010ffff]+")
# What must stand in a tag: references, characters that begin markup, line ends.
_MARKED = re.compile(r"(&#?\w{1,40};?|[<>&]|\r\n|[\r\n])")


class _Escapes(dict[str, str]):
    """What RTF has for a character or several, in ASCII ([MSFT-RTF] Unicode RTF): made when it is first asked for."""

    _MOST = 10_000
    """Characters that are kept; there are a million."""

    def __init__(self, newline: str) -> None:
        super().__init__({"\\": "\\\\", "{": "\\{", "}": "\\}", "\t": "\\tab ", "\r": newline, "\n": newline})

    def __missing__(self, char: str) -> str:
        if len(char) > 1:
            return "".join(map(self.__getitem__, char))
        units = char.encode("utf-16-le", "surrogatepass")
        escape = "".join(
            [f"\\u{int.from_bytes(units[i : i + 2], 'little', signed=True)}?" for i in range(0, len(units), 2)]
        )
        if len(self) < self._MOST:
            self[char] = escape
        return escape


_IN_TEXT, _IN_TAG, _IN_PLAIN = _Escapes("\\line "), _Escapes("\\par "), _Escapes("\\par\r\n")


def encapsulate_html(html: str) -> bytes:
    """Put HTML into RTF ([MS-OXRTFEX] 2.1.3, 2.1.3.1.2, 2.1.3.2): every tag as it is, and beside it what RTF has.

    Of a document with more than MAX_GROUPS tags the rest is in groups of many tags, with its text alone beside them:
    it comes out unchanged too, but readers of RTF see it without its look.
    """
    out = _Output(_HEADER % (b"fromhtml1", 0, 24))
    out.append("{\\*\\htmltag64}")
    where = _OUT_OF_HTML
    rest: _Rest | None = None
    for token, source in pieces(html):
        if rest is not None:
            rest.take(token, source)
        elif token is None:
            out.group((_UNKNOWN if where else _TEXT) | where, source)
        elif isinstance(token, Text):
            _run(out, source, where)
        else:
            where = _tag(out, token, source, where)
        if rest is None and out.groups > MAX_GROUPS:
            rest = _Rest(out, where)
    if rest is not None:
        rest.write()
    out.append("}")
    return out.octets()


def encapsulate_text(text: str) -> bytes:
    """Put plain text into RTF ([MS-OXRTFEX] 2.1.3, 2.1.3.1.1)."""
    out = _Output(_HEADER % (b"fromtext", 1, 20))
    out.escaped(text.replace("\r\n", "\n"), _IN_PLAIN)
    out.append("}")
    return out.octets()


class _Output:
    """RTF as it is written: pieces, of which there are many, become octets now and then."""

    __slots__ = ("_octets", "_pieces", "groups")

    _MOST = 4_096
    """Pieces that are gathered."""

    def __init__(self, header: bytes) -> None:
        self._octets = BytesIO()
        self._octets.write(header)
        self._pieces: list[str] = []
        self.groups = 0
        """HTMLTAG groups that were written."""

    def append(self, rtf: str) -> None:
        """Write RTF."""
        self._pieces.append(rtf)
        if len(self._pieces) >= self._MOST:
            self._flush()

    def escaped(self, text: str, escapes: _Escapes) -> None:
        """Write text, of whatever length, whose line ends are LF."""
        if len(text) <= _SLICE:
            self.append(_escaped(text, escapes))
            return
        for at in range(0, len(text), _SLICE):
            self._pieces.append(_escaped(text[at : at + _SLICE], escapes))
            self._flush()

    def group(self, parameter: int, source: str) -> None:
        """Write an HTMLTAG group."""
        self.groups += 1
        if len(source) <= _SLICE:
            self.append(_group(parameter, source))
            return
        self.append(f"{{\\*\\htmltag{parameter} ")
        self.escaped(source.replace("\r\n", "\n"), _IN_TAG)
        self.append("}")

    def octets(self) -> bytes:
        """Give all that was written."""
        self._flush()
        return self._octets.getvalue()

    def _flush(self) -> None:
        self._octets.write("".join(self._pieces).encode("ascii"))
        self._pieces.clear()


class _Rest:
    """What stands behind MAX_GROUPS groups: much of it in each further group, and behind that its text."""

    __slots__ = ("_length", "_out", "_source", "_text", "_where")

    def __init__(self, out: _Output, where: int) -> None:
        self._out = out
        self._where = where
        self._source: list[str] = []
        self._text: list[str] = []
        self._length = 0

    def take(self, token: Start | End | Text | None, source: str) -> None:
        """Take a piece of the document."""
        self._source.append(source)
        self._length += len(source)
        if isinstance(token, Text):
            self._text.append(token.text)
        elif token is not None and token.name in _LOOKS:
            self._text.append(" ")  # words in two cells are two
        if self._length >= _SLICE:
            self.write()

    def write(self) -> None:
        """Write what was taken."""
        if self._source:
            self._out.group(_UNKNOWN | self._where, "".join(self._source))
        text = _BLANKS.sub(" ", "".join(self._text))
        if text and self._where != _IN_HEAD:
            self._out.append("\\htmlrtf ")
            self._out.escaped(text, _IN_TEXT)
            self._out.append("\\htmlrtf0 ")
        self._source, self._text, self._length = [], [], 0


def _tag(out: _Output, token: Start | End, source: str, where: int) -> int:
    """Write a tag, and say where what follows stands."""
    name, closes = token.name, isinstance(token, End)
    kind = _KINDS.get(name)
    look = _LOOKS.get(name, _NO_LOOK)[closes] if where == _IN_BODY else ""
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
        look = _LOOKS.get(name, _NO_LOOK)[closes]
    out.group(kind | where | (_CLOSE if closes else 0), source)
    if look:
        out.append(f"\\htmlrtf {look}\\htmlrtf0 ")
    return after


def _run(out: _Output, source: str, where: int) -> None:
    """Write text as it stands in the source, its references in tags, with what they mean beside them."""
    if where and not source.strip():
        out.group(_UNKNOWN | where, source)
        return
    at = 0
    for match in _MARKED.finditer(source):
        if match.start() > at:
            out.escaped(source[at : match.start()], _IN_TEXT)
        at = match.end()
        out.append(_marked(match[0]))
        out.groups += 1
        if out.groups > MAX_GROUPS:
            rest = _Rest(out, where)
            behind = source[at:].replace("\r\n", "\n")
            for start in range(0, len(behind), _SLICE):
                piece = behind[start : start + _SLICE]
                rest.take(Text(resolved(piece)), piece)
            rest.write()
            return
    if at < len(source):
        out.escaped(source[at:], _IN_TEXT)


@lru_cache(1_000)
def _marked(source: str) -> str:
    """Write a reference, a bracket or a line end of a text: in a tag, and what it means beside it."""
    tag = _group(_TEXT, source)
    shown = " " if source in ("\r\n", "\r", "\n") else unescape(source)
    return f"{tag}\\htmlrtf {_escaped(shown, _IN_TEXT)}\\htmlrtf0 " if shown else tag


def _group(parameter: int, source: str) -> str:
    text = source.replace("\r\n", "\n")
    return f"{{\\*\\htmltag{parameter} {_escaped(text, _IN_TAG)}}}"


def _escaped(text: str, escapes: _Escapes) -> str:
    """Write text in RTF, in ASCII."""
    return _SPECIAL.sub(lambda match: escapes[match[0]], text)
