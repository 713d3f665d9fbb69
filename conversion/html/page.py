"""The page that text out of HTML is written on: lines with margins, and tables in columns."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from itertools import zip_longest

_COLUMNS = 100
"""Characters that a table may be wide to be set in columns."""
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")


MAX_DECORATION = 8_000_000
"""Characters of margins, rules and columns that a document gets: a short tag may make a long line of nothing else."""
_MOST_LINES = 4_096
"""Lines that are kept one by one where nobody asks for them."""


class Room:
    """What is left of MAX_DECORATION."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_DECORATION

    def take(self, length: int) -> bool:
        """Take so many characters; False where they are not there."""
        self._left -= length
        return self._left >= 0


class Page:
    """Lines as they are written: blanks run together, empty lines between paragraphs, marks before lines."""

    __slots__ = ("_begun", "_empty", "_gap", "_held", "_line", "_margins", "_marker", "_space", "_written", "lines",
                 "room")  # fmt: skip

    def __init__(self, room: Room, written: list[str] | None = None) -> None:
        """Share `room` with the other pages of the document; finished lines are joined into `written` now and then."""
        self.lines: list[str] = []
        self.room = room
        self._written = written
        self._line: list[str] = []
        self._space = False
        self._gap = 0
        self._held = False  # whether something that shows nothing keeps the line open
        self._empty = 0  # such lines since the last words
        self._begun = False  # whether there is something on the page, or within the last margin
        self._margins: list[str] = []
        self._marker = ""

    def words(self, text: str) -> None:
        """Write text in which blanks mean nothing but that words are apart."""
        if not text:
            return
        text = _BLANKS.sub(" ", text)
        if text[0] == " ":
            self._space = True
            text = text[1:]
        if not text:
            return
        self._open()
        if self._space and self._line:
            self._line.append(" ")
        self._space = text[-1] == " "
        self._line.append(text[:-1] if self._space else text)

    def hold(self) -> None:
        """Keep a line, though nothing that is seen is written on it."""
        self._held = True

    def verbatim(self, text: str) -> None:
        """Write text in which blanks and line ends are as they are to be."""
        first, *others = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._put(first)
        for line in others:
            self.break_line()
            self._put(line)

    def _put(self, text: str) -> None:
        if text:
            self._open()
            self._line.append(text)

    def break_line(self) -> None:
        """End the line, even where it is empty."""
        self._open()
        self._flush()

    def behind(self, text: str) -> None:
        """Write text behind the last words, be the line of these open or not."""
        if self._line or not self.lines or not self.lines[-1].strip(" >"):
            self.words(f" {text}")
        else:
            self.lines[-1] += f" {text}"

    def block(self, gap: int) -> None:
        """Begin a line where one is open, with `gap` empty lines before what comes next."""
        if self._line:
            self._flush()
        elif self._held:
            self._empty += 1
        self._held = self._space = False
        self._gap = max(self._gap, gap, self._empty)

    def indent(self, margin: str, marker: str = "") -> None:
        """Put a margin before all lines from here on; the first has `marker` at its end."""
        if self.lines and not self._line:
            self._open()  # what keeps it apart from the lines before it stands outside
        self._begun = False
        self._margins.append(margin)
        if marker:
            self._marker = marker

    def outdent(self) -> None:
        """Take the last margin away."""
        self._margins.pop()
        self._marker = ""
        self._begun = bool(self.lines)

    def _open(self) -> None:
        """Begin a line: the empty ones before it first."""
        if self._gap and self._begun and not self._line:
            self.lines += [self._prefix().rstrip()] * self._gap
        self._begun = True
        self._gap = self._empty = 0

    def _prefix(self) -> str:
        prefix = "".join(self._margins)
        return prefix if self.room.take(len(prefix)) else ""

    def _flush(self) -> None:
        text = "".join(self._line).rstrip()
        prefix = self._prefix()
        if text and self._marker:
            prefix = prefix[: -len(self._marker)] + self._marker
            self._marker = ""
        self.lines.append((prefix + text).rstrip())
        self._line.clear()
        self._held = self._space = False
        if self._written is not None and len(self.lines) >= _MOST_LINES:
            last = self.lines.pop()  # more may be written behind it
            self._written.append("\n".join(self.lines))
            self.lines = [last]

    def close(self) -> list[str]:
        """Give the lines, without empty ones at the end."""
        if self._line:
            self._flush()
        while self.lines and not self.lines[-1]:
            self.lines.pop()
        return self.lines


@dataclass(slots=True)
class Table:
    """A table that is being read: rows of cells, a cell being the lines of its page."""

    outside: Page
    ruled: bool | None = None
    """Whether it says that it holds data, by lines around its cells or by headings; False: that it does not."""
    rows: list[list[list[str]]] = field(default_factory=list)
    cell: Page | None = None
    cells: int = 0
    """Cells, and rows, that are kept."""

    def end_cell(self) -> None:
        """Take what was written into a cell."""
        if self.cell is not None:
            self.rows[-1].append(self.cell.close())
            self.cells += 1
            self.cell = None

    def lines(self) -> list[str] | None:
        """The table in columns; None where it is none of data, but lays out a page."""
        rows = [row for row in self.rows if any(row)]
        count = max(map(len, rows), default=0)
        short = all(len(cell) <= 1 for row in rows for cell in row)
        if len(rows) < 2 or count < 2 or self.ruled is False or not (short or self.ruled):
            return None
        widths = [0] * count
        for row in rows:
            for i, cell in enumerate(row):
                widths[i] = max(widths[i], max(map(_width, cell), default=0))
        width, height = sum(widths) + 2 * count, sum(max(map(len, row), default=0) for row in rows)
        if width <= _COLUMNS and self.outside.room.take(width * height):
            return [
                "  ".join([text + " " * (width - _width(text)) for text, width in zip(line, widths, strict=False)])
                for row in rows
                for line in zip_longest(*row, fillvalue="")
            ]
        return [" | ".join(map(" ".join, row)) for row in rows] if short and self.ruled else None


def _width(text: str) -> int:
    """The columns that a text takes in a fixed font: East Asian characters take two ([UAX11])."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
