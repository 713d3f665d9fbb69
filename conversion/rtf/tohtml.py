"""RTF that was RTF from the beginning, as HTML: what mail shows of it ([MSFT-RTF]).

    page = rtf_to_html(rtf)
    page.html                       # paragraphs, fonts, colours, links, lists, tables
    page.pictures                   # what <img src="cid:..."> names

It is approximate by nature: positions, columns, footnotes, fields other than links, and drawn objects are left out.
"""

from __future__ import annotations

from binascii import unhexlify
from dataclasses import dataclass, field
from html import escape
from operator import attrgetter

from conversion.receipt import Receipt
from conversion.rtf.walker import State, Walker

MAX_PICTURES = 200
MAX_PICTURE = 32 * 1024 * 1024
"""Octets of one picture."""
_MAX_CELLS = 100_000

_PICTURES = {b"pngblip": "image/png", b"jpegblip": "image/jpeg", b"emfblip": "image/emf", b"wmetafile": "image/wmf"}
_TOGGLES = {
    b"b": "bold", b"i": "italic", b"strike": "strike", b"v": "hidden", b"ul": "underline", b"uld": "underline",
    b"uldb": "underline", b"ulw": "underline", b"ulth": "underline", b"ulwave": "underline",
}  # fmt: skip
# The attribute, what it is without a number, and its bounds.
_NUMBERS = {
    b"li": ("indent", 0, 0, 20_000), b"fs": ("size", 24, 2, 400), b"cf": ("colour", 0, 0, 5_000),
    b"highlight": ("back", 0, 0, 5_000), b"cb": ("back", 0, 0, 5_000), b"chcbpat": ("back", 0, 0, 5_000),
}  # fmt: skip
_LEVELS = {b"super": "sup", b"sub": "sub", b"nosupersub": ""}
_TABLES = frozenset((b"trowd", b"intbl", b"cell", b"nestcell", b"row", b"nestrow"))
_ALIGN = {b"ql": "", b"qc": "center", b"qr": "right", b"qj": "justify"}
_LINK = 2_000
_MARKER = 100
"""Characters of a bullet or number."""
_MOST_PIECES = 20_000
"""Pieces, or runs, of a paragraph that are kept one by one."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the document: `<img src="cid:CONTENT_ID">`."""

    content_id: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """A document as HTML."""

    html: str
    pictures: tuple[Picture, ...]


def rtf_to_html(rtf: bytes, *, domain: str = "rtf.invalid", receipt: Receipt | None = None) -> Page:
    """Give the document as HTML; pictures get content identifiers in `domain`."""
    renderer = _Renderer(domain, receipt or Receipt())
    renderer.walk(rtf)
    return renderer.page()


@dataclass(slots=True)
class _State(State):
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    hidden: bool = False
    level: str = ""
    """`sup` or `sub`."""
    size: int = 24
    """Half points."""
    colour: int = 0
    back: int = 0
    align: str = ""
    indent: int = 0
    """Twips."""
    in_table: bool = False
    destination: bytes = b""
    link: str = ""


_LOOKS = attrgetter(*("level", "strike", "underline", "italic", "bold", "link", "font", "size", "colour", "back"))
"""What tells how text looks."""
_MAX_DRESSED = 1_000


@dataclass(slots=True)
class _Run:
    before: str
    html: list[str]
    after: str


class _Renderer(Walker):
    """Paragraphs are gathered as they come and written when they end."""

    state: _State

    def __init__(self, domain: str, receipt: Receipt) -> None:
        super().__init__()
        self._domain = domain
        self._receipt = receipt
        self._out: list[str] = []
        self._runs: list[_Run] = []
        self._dressed: dict[tuple[object, ...], tuple[str, str]] = {}
        self._list = ""  # the element of the list that is open
        self._marker = ""  # the bullet or number of the paragraph at hand
        self._row: list[str] | None = None
        self._cell: list[str] = []
        self._cells = 0
        self._in_rows = False
        self._instruction: list[str] = []
        self._hex: list[bytes] = []
        self._hex_length = 0
        self._picture_type = ""
        self._pictures: list[Picture] = []

    def first_state(self) -> State:
        return _State()

    # -- hooks

    def on_destination(self, name: bytes, *, starred: bool) -> bool:
        if name in (b"pntext", b"listtext", b"fldinst", b"pict", b"shppict"):
            if name == b"pict":
                self._hex, self._hex_length, self._picture_type = [], 0, ""
            elif name == b"fldinst":
                self._instruction = []
            self.state.destination = b"" if name == b"shppict" else name
            return True
        # Of an object what shows it is read: a picture, or text ([MSFT-RTF] Objects).
        return name in (b"fldrslt", b"field", b"rtlch", b"ltrch", b"shp", b"object", b"result")

    def on_table(self) -> None:
        self._dressed.clear()

    def on_close(self, old: State) -> None:
        assert isinstance(old, _State)
        if old.destination == self.state.destination:
            return
        if old.destination == b"pict":
            self._end_picture()
        elif old.destination == b"fldinst":
            self.state.link = _link("".join(self._instruction))

    def on_hex_text(self, data: bytes) -> bool:
        if self.state.destination != b"pict":
            return False
        if self._hex_length < 2 * MAX_PICTURE:
            self._hex.append(data)
            self._hex_length += len(data)
        return True

    def on_binary(self, data: bytes) -> None:
        if self.state.destination == b"pict" and len(data) <= MAX_PICTURE:
            self._hex = [data.hex().encode("ascii")]

    def on_text(self, text: str) -> None:
        state = self.state
        if state.destination == b"fldinst":
            if len(self._instruction) < 1_000:
                self._instruction.append(text)
        elif state.destination in (b"pntext", b"listtext"):
            if len(self._marker) < _MARKER:
                self._marker += text[:20]
        elif state.destination == b"pict" or state.hidden:
            return
        else:
            self._put(*self._dress(), _shown(text))

    def on_word(self, name: bytes, number: int | None) -> None:
        state = self.state
        if state.destination == b"pict":
            self._picture_type = _PICTURES.get(name, self._picture_type)
            return
        if state.destination:
            return
        if name in _TOGGLES:
            setattr(state, _TOGGLES[name], number != 0)
        elif name in _NUMBERS:
            attribute, default, least, most = _NUMBERS[name]
            setattr(state, attribute, max(least, min(default if number is None else number, most)))
        elif name in _LEVELS:
            state.level = _LEVELS[name] if number != 0 else ""
        elif name in _ALIGN:
            state.align = _ALIGN[name]
        elif name in _TABLES:
            self._table_word_of(name)
        else:
            self._flow_word(name)

    def _flow_word(self, name: bytes) -> None:
        """Take a word that ends something, or takes formatting back."""
        state = self.state
        if name in (b"par", b"sect"):
            self._end_paragraph()
        elif name in (b"line", b"lbr"):
            self._put("", "", "<br>")
        elif name == b"tab":
            self._put("", "", "&nbsp;&nbsp;&nbsp; ")
        elif name == b"pard":
            state.align, state.indent, state.in_table = "", 0, False
            self._marker = ""
        elif name == b"plain":
            self._plain()
        elif name == b"ulnone":
            state.underline = False

    def _plain(self) -> None:
        state = self.state
        state.bold = state.italic = state.underline = state.strike = state.hidden = False
        state.level, state.size, state.colour, state.back, state.font = "", 24, 0, 0, -1

    # -- text

    def _put(self, before: str, after: str, html: str) -> None:
        """Write a run of text between its tags; runs that look alike are one."""
        if self._runs and self._runs[-1].before == before:
            pieces = self._runs[-1].html
            pieces.append(html)
            if len(pieces) >= _MOST_PIECES:
                pieces[:] = ["".join(pieces)]
        else:
            if len(self._runs) >= _MOST_PIECES:
                self._runs = [_Run("", [self._take_runs()], "")]
            self._runs.append(_Run(before, [html], after))

    def _take_runs(self) -> str:
        html = "".join([run.before + "".join(run.html) + run.after for run in self._runs])
        self._runs = []
        return html

    def _dress(self) -> tuple[str, str]:
        """Give the tags before and behind text that looks as it does now."""
        looks = _LOOKS(self.state)
        found = self._dressed.get(looks)
        if found is None:
            if len(self._dressed) >= _MAX_DRESSED:
                self._dressed.clear()
            found = self._dressed[looks] = self._tags()
        return found

    def _tags(self) -> tuple[str, str]:
        state = self.state
        names = [
            name
            for wanted, name in (
                (state.level, state.level),
                (state.strike, "s"),
                (state.underline and not state.link, "u"),
                (state.italic, "i"),
                (state.bold, "b"),
            )
            if wanted
        ]
        before = "".join([f"<{name}>" for name in names])
        after = "".join([f"</{name}>" for name in reversed(names)])
        style = self._style()
        if style:
            before, after = f'<span style="{style}">{before}', f"{after}</span>"
        if state.link:
            before, after = f'<a href="{escape(state.link)}">{before}', f"{after}</a>"
        return before, after

    def _style(self) -> str:
        state = self.state
        found = []
        font = self.fonts.get(state.font)
        if font is not None and font.name:
            found.append(f"font-family:&#39;{escape(font.name.translate(_NO_QUOTES))}&#39;")
        if state.size != 24:
            found.append(f"font-size:{state.size / 2:g}pt")
        if colour := self._colour_of(state.colour):
            found.append(f"color:{colour}")
        if back := self._colour_of(state.back):
            found.append(f"background-color:{back}")
        return ";".join(found)

    def _colour_of(self, number: int) -> str:
        return self.colours[number] if 0 < number < len(self.colours) else ""

    # -- paragraphs, lists, tables

    def _end_paragraph(self) -> None:
        html = self._take_runs() or "&nbsp;"
        if self._row is not None and self.state.in_table:
            self._cell.append(html)
            return
        self._end_table()
        marker, self._marker = self._marker.strip(), ""
        wanted = "" if not marker else "ol" if marker[0].isalnum() else "ul"
        if wanted != self._list:
            if self._list:
                self._out.append(f"</{self._list}>\n")
            if wanted:
                self._out.append(f"<{wanted}>\n")
            self._list = wanted
        if wanted:
            self._out.append(f"<li>{html}</li>\n")
            return
        style = f"text-align:{self.state.align};" if self.state.align else ""
        if self.state.indent:
            style += f"margin-left:{self.state.indent / 20:g}pt;"
        self._out.append(f'<p style="margin:0;{style}">{html}</p>\n' if style else f'<p style="margin:0">{html}</p>\n')

    def _table_word_of(self, name: bytes) -> None:
        if name == b"trowd":
            if self._row is None:
                self._row = []
        elif name == b"intbl":
            self.state.in_table = True
            if self._row is None:
                self._row = []
        elif name in (b"cell", b"nestcell"):
            self._end_cell()
        elif self._row is not None:
            self._end_row()

    def _end_cell(self) -> None:
        if self._runs or not self._cell:
            self._cell.append(self._take_runs() or "&nbsp;")
        self._cells += 1
        if self._row is None:
            self._row = []
        if self._cells <= _MAX_CELLS:
            self._row.append("<br>".join(self._cell))
        elif self._cells == _MAX_CELLS + 1:
            self._receipt.dropped("tables", f"cells beyond {_MAX_CELLS}")
        self._cell = []

    def _end_row(self) -> None:
        row, self._row = self._row, None
        if not row:
            return
        if self._list:
            self._out.append(f"</{self._list}>\n")
            self._list = ""
        if not self._in_rows:
            self._in_rows = True
            self._out.append('<table border="1" style="border-collapse:collapse">\n')
        self._out.append("<tr>" + "".join([f"<td>{cell}</td>" for cell in row]) + "</tr>\n")

    def _end_table(self) -> None:
        if self._row is not None:
            self._end_row()
        if self._in_rows:
            self._in_rows = False
            self._out.append("</table>\n")

    # -- pictures

    def _end_picture(self) -> None:
        digits = b"".join(b"".join(self._hex).split())
        self._hex = []
        place = f"picture {len(self._pictures) + 1}"
        try:
            data = unhexlify(digits[: len(digits) & ~1])
        except ValueError:
            self._receipt.dropped(place, "its digits are none")
            return
        if not data or not self._picture_type:
            self._receipt.dropped(place, "it has no data of a known kind")
        elif len(self._pictures) >= MAX_PICTURES:
            self._receipt.dropped(place, f"there are more than {MAX_PICTURES}")
        else:
            name = f"picture{len(self._pictures) + 1}@{self._domain}"
            self._pictures.append(Picture(name, self._picture_type, data))
            self._put("", "", f'<img src="cid:{name}">')

    def page(self) -> Page:
        """Give the whole."""
        if self._runs:
            self._end_paragraph()
        if self._list:
            self._out.append(f"</{self._list}>\n")
            self._list = ""
        self._end_table()
        body = "".join(self._out)
        html = f'<html><head><meta charset="utf-8"></head><body>\n{body}</body></html>\n'
        return Page(html, tuple(self._pictures))


_NO_QUOTES = {ord("'"): None, ord('"'): None, ord(";"): None, ord("&"): None}


def _shown(text: str) -> str:
    """Text as HTML; blanks beside one another stay."""
    return escape(text, quote=False).replace("  ", "&nbsp; ").replace("\xa0", "&nbsp;")


def _link(instruction: str) -> str:
    """The address of a HYPERLINK field ([MSFT-RTF] Fields); empty for other fields and for what a page must not run."""
    words = instruction.strip()
    if words[:9].upper() != "HYPERLINK":
        return ""
    rest = words[9:].strip()
    local = rest[:2].lower() == "\\l"
    quoted = rest.split('"')
    url = quoted[1] if len(quoted) > 1 else rest.partition(" ")[0]
    url = url.strip()[:_LINK]
    if local:
        return "#" + url
    return url if url.partition(":")[0].lower() in ("http", "https", "ftp", "mailto", "tel", "file", "news") else ""
