"""Text that people read out of HTML: paragraphs, quotes, lists, links, tables keep their look ([MS-OXCMAIL] 2.1.3.3).

    html_to_plain('<p>See <a href="https://x.test/a">this</a>:<ul><li>one<li>two</ul>')
    # See this <https://x.test/a>:
    #
    #   * one
    #   * two

Quotations have `> ` before each line, as mail has it; tables of short cells are set in columns, tables that only lay
out a page are read cell by cell. The cost is linear in the length of the HTML, whatever its tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from conversion.html.links import is_pixel, repeats, spoken_links
from conversion.html.page import Page, Room, Table
from conversion.html.styles import hides, is_close, keeps_blanks, outlook_is_close
from conversion.html.tokens import SILENT, End, Start, Text, tokens

MAX_DEPTH = 300
"""Open elements that are kept track of; deeper ones only give their text."""
MAX_INDENT = 20
"""Quotations, lists and tables within one another that show."""
MAX_CELLS = 20_000
"""Cells of a table that are kept to be set in columns; of a longer one so many at a time."""
_SLICE = 65_536
"""Characters of a text that are looked at together: so many lines or words are not kept one by one."""
_RULE = "-" * 40
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_SHOWN_URL = re.compile(r"(?:https?|ftp|mailto|tel|sip|news|file)(?=:)", re.I)
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u00ad\ufeff\u2060"))

_PARAGRAPHS = frozenset((
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote", "ul", "ol", "dl", "table", "figure", "fieldset", "hr",
))  # fmt: skip
"""Blocks with an empty line before and behind."""
_BLOCKS = _PARAGRAPHS | frozenset((
    "address", "article", "aside", "body", "caption", "center", "dd", "div", "dt", "figcaption", "footer", "form",
    "header", "html", "legend", "li", "main", "menu", "nav", "option", "optgroup", "section", "select", "tbody", "td",
    "tfoot", "th", "thead", "tr",
))  # fmt: skip
VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
))  # fmt: skip
"""Elements without content, which nothing ends."""
# An element that ends when one of these begins, within the nearest of the last group ([HTML] 13.1.2.4).
_CLOSES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "li": (frozenset(("li",)), frozenset(("ul", "ol", "menu"))),
    "dt": (frozenset(("dt", "dd")), frozenset(("dl",))),
    "dd": (frozenset(("dt", "dd")), frozenset(("dl",))),
    "tr": (frozenset(("tr", "td", "th")), frozenset(("table",))),
    "td": (frozenset(("td", "th")), frozenset(("table", "tr"))),
    "th": (frozenset(("td", "th")), frozenset(("table", "tr"))),
    "thead": (frozenset(("tr", "td", "th", "thead", "tbody", "tfoot")), frozenset(("table",))),
    "tbody": (frozenset(("tr", "td", "th", "thead", "tbody", "tfoot")), frozenset(("table",))),
    "tfoot": (frozenset(("tr", "td", "th", "thead", "tbody", "tfoot")), frozenset(("table",))),
    "option": (frozenset(("option",)), frozenset(("select",))),
    "a": (frozenset(("a",)), frozenset(("table", "td"))),
}
_P_ENDS = _BLOCKS - {"body", "html", "option", "optgroup", "select"}


def html_to_plain(html: str) -> str:
    """Give the text of a document, lines ending with `\\n`, none at the end."""
    renderer = _Renderer(html)
    for token in tokens(html):
        if isinstance(token, Text):
            renderer.text(token.text)
        elif isinstance(token, Start):
            renderer.start(token)
        else:
            renderer.end(token)
    return renderer.finish()


@dataclass(slots=True)
class _Element:
    name: str
    undo: Callable[[], None] | None = None
    gap: int = 0
    """Empty lines before and behind it."""


class _Renderer:
    """Elements as they open and close, and the page that they write on."""

    def __init__(self, html: str) -> None:
        self._html = html
        self._outlook = outlook_is_close(html)
        self._room = Room()
        self._written: list[str] = []
        self._page = Page(self._room, self._written)
        self._open: list[_Element] = []
        self._count: dict[str, int] = {}  # of open elements by name, so that most look-ups look at nothing
        self._hidden = 0
        self._verbatim = 0
        self._indents = 0
        self._lists: list[int | None] = []
        self._tables: list[Table] = []
        self._link: list[str] | None = None
        self._pictured = False  # whether there is a picture in the link
        self._spoken: frozenset[str] | None = None

    # -- tokens

    def text(self, text: str) -> None:
        """Write text."""
        if self._hidden:
            return
        if len(text) > _SLICE:
            text = text.replace("\r\n", "\n")
            for at in range(0, len(text), _SLICE):
                self.text(text[at : at + _SLICE])
            return
        if self._tables and self._tables[-1].cell is None and not text.strip():
            return
        text = text.translate(_INVISIBLE)
        if self._link is not None:
            self._link.append(text)
        if self._verbatim:
            self._page.verbatim(text.replace("\xa0", " "))
        elif "\xa0" not in text:
            self._page.words(text)
        else:
            if not text.strip():
                self._page.hold()
            self._page.words(text.replace("\xa0", " "))

    def start(self, token: Start) -> None:
        """Open an element."""
        name, attributes = token
        if name in SILENT:
            return
        if name in VOID:
            self._void(name, attributes)
            return
        closed = _CLOSES.get(name)
        if closed is not None:
            self._close_within(*closed)
        if name in _P_ENDS:
            self._close_within(frozenset(("p",)), _P_ENDS - {"p"})
        if len(self._open) >= MAX_DEPTH:
            if name in _BLOCKS:
                self._page.block(0)
            return
        style = attributes.get("style", "")
        if self._hidden or "hidden" in attributes or hides(style):
            self._hidden += 1
            self._push(_Element(name, self._show))
            return
        gap = self._gap_around(name, style, attributes.get("class", "")) if name in _BLOCKS else 0
        if name in _BLOCKS:
            self._page.block(gap)
        enter = getattr(self, f"_enter_{name}", None)
        self._push(_Element(name, None if enter is None else enter(attributes), gap))

    def end(self, token: End) -> None:
        """Close the nearest open element of the name; the end of one that was never opened is passed over."""
        name = token.name
        if name == "br":
            self._void("br", {})
            return
        if not self._count.get(name):
            return
        for i in range(len(self._open) - 1, -1, -1):
            opened = self._open[i].name
            if opened == name:
                self._close_from(i)
                return
            if opened in ("td", "th", "table") and name not in ("table", "tr", "tbody", "thead", "tfoot"):
                return  # what stands around a cell is not closed from inside

    def finish(self) -> str:
        """Close everything, and give the text."""
        self._close_from(0)
        self._written += self._page.close()
        return "\n".join(self._written).rstrip("\n")

    # -- elements

    def _gap_around(self, name: str, style: str, classes: str) -> int:
        """How many empty lines stand before and behind a block."""
        if name not in _PARAGRAPHS or (name in ("ul", "ol") and self._lists):
            return 0
        if name == "p" and (is_close(style) or (self._outlook and "msonormal" in classes.lower())):
            return 0
        return 1

    def _close_within(self, names: frozenset[str], bounds: frozenset[str]) -> None:
        """Close the outermost open element of `names` that is within the nearest of `bounds`."""
        if not any(self._count.get(name) for name in names):
            return
        found = -1
        for i in range(len(self._open) - 1, -1, -1):
            opened = self._open[i].name
            if opened in names:
                found = i
            elif opened in bounds:
                break
        if found >= 0:
            self._close_from(found)

    def _push(self, element: _Element) -> None:
        self._open.append(element)
        self._count[element.name] = self._count.get(element.name, 0) + 1

    def _close_from(self, at: int) -> None:
        while len(self._open) > at:
            element = self._open.pop()
            self._count[element.name] -= 1
            if element.undo is not None:
                element.undo()
            if element.name in _BLOCKS and not self._hidden:
                self._page.block(element.gap)

    def _void(self, name: str, attributes: dict[str, str]) -> None:
        if self._hidden:
            return
        if name == "br":
            self._page.break_line()
        elif name == "hr":
            self._close_within(frozenset(("p",)), _P_ENDS - {"p"})
            self._page.block(1)
            self._page.words(_RULE if self._room.take(len(_RULE)) else "-")
            self._page.block(1)
        elif name == "img" and not is_pixel(attributes):
            self._pictured = True
            shown = _BLANKS.sub(" ", attributes.get("alt", "")).strip()
            if shown:
                self.text(shown if shown[0] + shown[-1] == "[]" else f"[{shown}]")

    def _show(self) -> None:
        self._hidden -= 1

    def _enter_pre(self, attributes: dict[str, str]) -> Callable[[], None]:
        self._verbatim += 1

        def leave() -> None:
            self._verbatim -= 1

        return leave

    _enter_xmp = _enter_listing = _enter_pre

    def _enter_div(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        return self._enter_pre(attributes) if keeps_blanks(attributes.get("style", "")) else None

    _enter_p = _enter_div

    def _enter_blockquote(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        return self._indent("> ")

    def _indent(self, margin: str, marker: str = "") -> Callable[[], None] | None:
        if self._indents >= MAX_INDENT:
            return None
        self._indents += 1
        page = self._page
        page.indent(margin, marker)

        def leave() -> None:
            self._indents -= 1
            page.block(0)
            page.outdent()

        return leave

    def _enter_ul(self, attributes: dict[str, str]) -> Callable[[], None]:
        return self._enter_list(None)

    _enter_menu = _enter_ul

    def _enter_ol(self, attributes: dict[str, str]) -> Callable[[], None]:
        start = attributes.get("start", "").strip()
        return self._enter_list(int(start) if start.isdecimal() and len(start) < 9 else 1)

    def _enter_list(self, number: int | None) -> Callable[[], None]:
        self._lists.append(number)

        def leave() -> None:
            self._lists.pop()

        return leave

    def _enter_li(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return self._indent("    ", "* ")
        self._lists[-1] = number + 1
        marker = f"{number}. "
        return self._indent(" " * max(4, len(marker)), marker)

    def _enter_dd(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        return self._indent("    ")

    def _enter_a(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        url = attributes.get("href", "").strip()
        if not _SHOWN_URL.match(url) and not url.startswith("www."):
            return None
        shown: list[str] = []
        self._link, self._pictured = shown, False
        page, clean = self._page, "".join(url.split())

        def leave() -> None:
            self._link = None
            text = _BLANKS.sub(" ", "".join(shown)).strip()
            if text and not repeats(text, url):
                # The words may be in blocks that have ended, as those of buttons are.
                self._page.behind(f"<{clean}>") if self._page is page else self._page.words(f" <{clean}>")
            elif not text and self._pictured and not self._is_spoken(clean):
                self._page.words(f"<{clean}>")

        return leave

    def _is_spoken(self, url: str) -> bool:
        """Whether another link to the same place has words, so that a picture beside it need not name the place."""
        if self._spoken is None:
            self._spoken = spoken_links(self._html)
        return url in self._spoken

    def _enter_q(self, attributes: dict[str, str]) -> Callable[[], None]:
        self.text('"')
        return lambda: self.text('"')

    def _enter_table(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        if self._indents >= MAX_INDENT:
            return None
        self._indents += 1
        role, border = attributes.get("role", "").lower(), attributes.get("border", "0").strip()
        ruled = False if role in ("presentation", "none") else True if border not in ("0", "0px") else None
        table = Table(self._page, ruled)
        lists, self._lists = self._lists, []
        self._tables.append(table)

        def leave() -> None:
            self._indents -= 1
            table.end_cell()
            self._tables.pop()
            self._page, self._lists = table.outside, lists
            self._set(table)

        return leave

    def _enter_tr(self, attributes: dict[str, str]) -> None:
        if self._tables:
            table = self._tables[-1]
            self._make_room(table)
            table.rows.append([])
            table.cells += 1

    def _enter_td(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        if not self._tables:
            return None
        table = self._tables[-1]
        if not table.rows:
            table.rows.append([])
        table.end_cell()
        self._make_room(table)
        table.cell = self._page = Page(self._room)

        def leave() -> None:
            table.end_cell()
            self._page = table.outside

        return leave

    def _enter_th(self, attributes: dict[str, str]) -> Callable[[], None] | None:
        if self._tables and self._tables[-1].ruled is None:
            self._tables[-1].ruled = True
        return self._enter_td(attributes)

    def _make_room(self, table: Table) -> None:
        """Write the rows of a table that has many."""
        if table.cells < MAX_CELLS:
            return
        table.end_cell()
        self._page = table.outside
        self._set(table)
        table.rows, table.cells = [[]], 0

    def _set(self, table: Table) -> None:
        """Write a table that has ended, or a part of it."""
        lines = table.lines()
        if lines is not None:
            for line in lines:
                self._page.verbatim(line)
                self._page.block(0)
            return
        for row in table.rows:
            for cell in row:
                for line in cell:
                    self._page.verbatim(line) if line else self._page.block(1)
                    self._page.block(0)
