"""HTML out of text: what a text looks like stays, quotations and links become what they are ([MS-OXCMAIL] 2.2.3.3).

plain_to_html("> old\nnew https://x.test/")
# <html>...<body><blockquote type="cite">old</blockquote>new <a href="https://x.test/">https://x.test/</a></body></html>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape
from io import StringIO

MAX_QUOTED = 20
"""Quotations within one another that show; deeper ones stand in the deepest."""
MAX_QUOTATIONS = 100_000
"""Quotations of a text, each within another counted; of those behind them the marks stay."""
MAX_BLANKS = 1_000_000
"""Blanks of a text that keep their width; runs behind them are one blank."""
_URL = re.compile(r"\b(?:https?://|ftp://|mailto:)[^\s<>\"]{1,2000}", re.IGNORECASE)
_NOT_AT_END = re.compile(r"[.,;:!?'*_]+\Z")
_QUOTED = re.compile(r"((?:> ?){1,100})")
_RUN_OF_BLANKS = re.compile(r"  +|\t")
_TAB = 8


def plain_to_html(text: str, *, flowed: bool = False, del_sp: bool = False) -> str:
    """Give a document that shows a text; `flowed` and `del_sp` as format=flowed and delsp=yes say ([RFC3676] 4)."""
    lines = _lines(text.replace("\r\n", "\n").replace("\r", "\n"))
    quoted = unflowed(lines, del_sp=del_sp) if flowed else map(_unquoted, lines)
    page = StringIO()
    page.write('<html><head><meta charset="utf-8"></head><body>')
    _Body(page).write(quoted)
    page.write("</body></html>")
    return page.getvalue()


def _lines(text: str) -> Iterator[str]:
    at = 0
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1
    yield text[at:]


def unflowed(lines: Iterable[str], *, del_sp: bool = False) -> Iterator[tuple[int, str]]:
    """Join lines that were broken for transport: the depth of quotation and the text of each ([RFC3676] 4.1 to 4.5)."""
    depth = -1
    parts: list[str] = []
    for line in lines:
        level, text = _flowed_level(line)
        if parts and level != depth:
            yield depth, "".join(parts)  # a change of depth ends a paragraph, whatever its last line says
            parts = []
        depth = level
        soft = text.endswith(" ") and text != "-- "
        if text == "-- " and parts:
            yield depth, "".join(parts)
            parts = []
        parts.append(text[:-1] if soft and del_sp else text)
        if not soft:
            yield depth, "".join(parts)
            parts = []
    if parts:
        yield depth, "".join(parts)


def _flowed_level(line: str) -> tuple[int, str]:
    """Depth of quotation, and the line without its marks and without a space stuffed before it ([RFC3676] 4.4, 4.5)."""
    rest = line.lstrip(">")
    return len(line) - len(rest), rest.removeprefix(" ")


def _unquoted(line: str) -> tuple[int, str]:
    match = _QUOTED.match(line)
    if match is None:
        return 0, line
    return match[1].count(">"), line[match.end() :]


class _Body:
    """The body of a page, and what short marks may still become."""

    def __init__(self, page: StringIO) -> None:
        self._page = page
        self._quotations = MAX_QUOTATIONS
        self._blanks = MAX_BLANKS

    def write(self, lines: Iterable[tuple[int, str]]) -> None:
        """Write lines, each with the depth of its quotation."""
        depth, begun, write = 0, False, self._page.write
        for wanted, line in lines:
            level = min(wanted, MAX_QUOTED)
            marks = ""
            if level > depth:
                self._quotations -= level - depth
                if self._quotations < 0:
                    level, marks = depth, "&gt;" * (level - depth) + " "
            if level != depth:
                write('<blockquote type="cite">' * (level - depth) or "</blockquote>" * (depth - level))
                depth = level
            elif begun:
                write("<br>\n")
            begun = True
            write(marks + self._line(line))
        write("</blockquote>" * depth)

    def _line(self, line: str) -> str:
        out: list[str] = []
        at = 0
        for match in _URL.finditer(line):
            url = _trimmed(match[0])
            out += (self._shown(line[at : match.start()]), f'<a href="{escape(url)}">{escape(url)}</a>')
            at = match.start() + len(url)
        out.append(self._shown(line[at:]))
        html = "".join(out)
        return "&nbsp;" + html[1:] if html.startswith(" ") else html

    def _shown(self, text: str) -> str:
        """Text as HTML; runs of blanks stay as wide as they are."""
        return _RUN_OF_BLANKS.sub(self._run, escape(text, quote=False))

    def _run(self, match: re.Match[str]) -> str:
        width = _TAB if match[0] == "\t" else len(match[0])
        self._blanks -= width
        if self._blanks < 0:
            return " "
        return "&nbsp;" * (width - 1) + (" " if width > 1 else "&nbsp;")


def _trimmed(url: str) -> str:
    """An address without the punctuation of the sentence that it stands in."""
    url = _NOT_AT_END.sub("", url)
    if url.endswith(")") and url.count("(") < url.count(")"):
        url = _NOT_AT_END.sub("", url[:-1])
    return url
