"""What every reader of RTF does: groups, destinations, fonts with their code pages, characters ([MSFT-RTF]).

A reader subclasses Walker and is given text as `str`, and the control words that the walker does not know itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any, Self

from conversion.mime.charset import decode_text
from conversion.rtf.tokens import Kind, tokens

MAX_DEPTH = 500
"""Groups within one another whose formatting is kept apart."""
MAX_FONTS = 5_000

DEFAULT_CHARSET = "cp1252"
# \fcharsetN ([MSFT-RTF] Font Table). Symbol fonts (2) keep their octets: the text goes with the font's name.
_FONT_CHARSETS = {
    0: "cp1252", 2: "cp1252", 77: "mac-roman", 78: "cp932", 79: "cp949", 80: "cp936", 81: "cp950", 128: "cp932",
    129: "cp949", 130: "cp1361", 134: "cp936", 136: "cp950", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 254: "cp437",
    255: "cp437",
}  # fmt: skip
SYMBOLS = {
    b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"bullet": "\u2022",
    b"endash": "\u2013", b"emdash": "\u2014", b"emspace": "\u2003", b"enspace": "\u2002", b"qmspace": "\u2005",
    b"zwj": "\u200d", b"zwnj": "\u200c", b"ltrmark": "\u200e", b"rtlmark": "\u200f",
}  # fmt: skip
"""Control words that are characters."""
_CHARACTERS = {b"~": "\xa0", b"_": "\u2011", b"-": "\xad", b"{": "{", b"}": "}", b"\\": "\\"}
_SILENT = frozenset(
    (
        b"fonttbl", b"colortbl", b"stylesheet", b"info", b"listtable", b"listoverridetable", b"revtbl", b"rsidtbl",
        b"filetbl", b"header", b"headerf", b"headerl", b"headerr", b"footer", b"footerf", b"footerl", b"footerr",
        b"footnote", b"ftnsep", b"ftnsepc", b"aftnsep", b"xe", b"tc", b"object", b"nonshppict", b"private",
        b"objdata", b"objclass", b"objname", b"objalias", b"objsect", b"themedata", b"colorschememapping",
        b"latentstyles", b"datastore", b"xmlnstbl", b"mmathPr", b"pntxta", b"pntxtb",
    )
)  # fmt: skip
"""Destinations whose text is no text of the document."""


@dataclass(slots=True)
class Font:
    """An entry of the font table."""

    name: str = ""
    charset: str = ""
    """The label of its charset; empty where it does not say."""


@dataclass(slots=True)
class State:
    """What holds within a group. Readers with more of it subclass this; a group begins with a copy."""

    silent: bool = False
    font: int = -1
    skip: int = 1
    """Characters that stand in for each \\u ([MSFT-RTF] Unicode RTF, \\uc)."""

    def branch(self) -> Self:
        """Give what a group within begins with."""
        return type(self)(*_values(type(self))(self))


_VALUES: dict[type, Callable[[State], tuple[Any, ...]]] = {}


def _values(kind: type[State]) -> Callable[[State], tuple[Any, ...]]:
    """Give what takes all attributes of a state at once: the module copy takes ten times as long."""
    found = _VALUES.get(kind)
    if found is None:
        found = _VALUES[kind] = attrgetter(*[field.name for field in fields(kind)])
    return found


class Walker:
    """Walks through a document; the hooks are called in its order."""

    def __init__(self) -> None:
        self.state = self.first_state()
        self.charset = DEFAULT_CHARSET
        self.fonts: dict[int, Font] = {}
        self.default_font = 0
        self.colours: list[str] = []
        self._groups: list[State] = []
        self._overflow = 0
        self._octets = bytearray()
        self._high = 0
        self._to_skip = 0
        self._starred = False
        self._table = b""  # the header table that is being read, and at which depth
        self._table_depth = 0
        self._table_font: Font | None = None
        self._colour: list[int] = []

    # -- hooks

    def first_state(self) -> State:
        """Give the state outside all groups."""
        return State()

    def on_text(self, text: str) -> None:
        """Take text of the document."""

    def on_word(self, name: bytes, number: int | None) -> None:
        """Take a control word that is not about characters."""

    def on_destination(self, name: bytes, *, starred: bool) -> bool:
        """Take the first control word of a group that may be a destination; True: it is known, and read."""
        return False

    def on_table(self) -> None:
        """Fonts or colours are going to be told."""

    def on_binary(self, data: bytes) -> None:
        """Take binary data."""

    def on_hex_text(self, data: bytes) -> bool:
        """Take text as it is written, where it is no text but data; True: it was."""
        return False

    def on_close(self, old: State) -> None:
        """The group of `old` has ended; the state is that of the group around it."""

    def decoding(self) -> str:
        """Give the label of the charset of the text at hand."""
        font = self.fonts.get(self.state.font if self.state.font >= 0 else self.default_font)
        return font.charset if font is not None and font.charset else self.charset

    # -- walking

    def walk(self, rtf: bytes) -> None:
        """Read a document."""
        first = False
        for kind, data, number in tokens(rtf):
            if kind is Kind.TEXT:
                self._text(data)
            elif kind is Kind.WORD:
                if not self._skipped():
                    self._word(data, number, first=first)
            elif kind is Kind.HEX:
                if not self._skipped():
                    self._octets.append(number or 0)
            elif kind is Kind.SYMBOL:
                if data == b"*" and first:
                    self._starred = True
                    continue
                if not self._skipped():
                    self._symbol(data)
            elif kind is Kind.BINARY:
                if not self._skipped() and not self.state.silent:
                    self.flush()
                    self.on_binary(data)
            elif kind is Kind.OPEN:
                self._open()
            else:
                self._close()
                if not self._groups:
                    break  # what stands behind the document is none of it
            first = kind is Kind.OPEN
            self._starred = False
        self.flush()

    def _skipped(self) -> bool:
        """Whether this stands in for a character that \\u has given already."""
        if self._to_skip:
            self._to_skip -= 1
            return True
        return False

    def _open(self) -> None:
        self.flush()
        self._to_skip = 0
        if len(self._groups) >= MAX_DEPTH:
            self._overflow += 1
            return
        self._groups.append(self.state)
        self.state = self.state.branch()

    def _close(self) -> None:
        self.flush()
        self._to_skip = 0
        if self._overflow:
            self._overflow -= 1
            return
        if not self._groups:
            return
        old, self.state = self.state, self._groups.pop()
        if self._table and len(self._groups) < self._table_depth:
            self._table = b""
        self.on_close(old)

    def _text(self, data: bytes) -> None:
        if self._to_skip:
            skipped = min(self._to_skip, len(data))
            self._to_skip -= skipped
            data = data[skipped:]
        if not data or (not self.state.silent and self.on_hex_text(data)):
            return
        self._octets += data

    def _symbol(self, data: bytes) -> None:
        if data in (b"\r", b"\n"):
            self._word(b"par", None, first=False)
            return
        char = _CHARACTERS.get(data)
        if char is not None:
            self._character(char)

    def _character(self, char: str) -> None:
        self.flush()
        if not self.state.silent:
            self.on_text(char)

    def flush(self) -> None:
        """Hand on the text that has gathered: octets are put together first, for one character may be several."""
        if not self._octets:
            return
        data = bytes(self._octets)
        self._octets.clear()
        self._high = 0
        if self._table:
            self._table_text(data)
        elif not self.state.silent:
            self.on_text(decode_text(data, self.decoding()))

    def _word(self, name: bytes, number: int | None, *, first: bool) -> None:
        if name == b"u" and number is not None:
            self._unicode(number & 0xFFFF)
            return
        self.flush()
        if name == b"uc":
            self.state.skip = max(0, min(number or 0, 100))
        elif self._table and self._table_word(name, number):
            return
        elif name == b"f" and number is not None:
            self.state.font = number
            self.on_word(name, number)
        elif name == b"ansicpg":
            if number:
                self.charset = f"cp{number}"
        elif name == b"mac":
            self.charset = "mac-roman"
        elif name == b"deff":
            self.default_font = number or 0
        elif name in (b"fonttbl", b"colortbl"):
            self.state.silent = True
            self._table, self._table_depth = name, len(self._groups)
            self.on_table()
        elif self.state.silent or ((first or self._starred) and self.on_destination(name, starred=self._starred)):
            return
        elif self._starred or name in _SILENT:
            self.state.silent = True
        else:
            self._plain_word(name, number)

    def _plain_word(self, name: bytes, number: int | None) -> None:
        symbol = SYMBOLS.get(name)
        if symbol is not None:
            self.on_text(symbol)
        else:
            self.on_word(name, number)

    def _unicode(self, unit: int) -> None:
        self._to_skip = self.state.skip
        if 0xD800 <= unit < 0xDC00:
            self._octets_out()
            self._high = unit
            return
        high, self._high = self._high, 0
        if 0xDC00 <= unit < 0xE000:
            unit = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) if high else 0xFFFD
        self._octets_out()
        if not self.state.silent and not self._table:
            self.on_text(chr(unit))

    def _octets_out(self) -> None:
        high = self._high
        self.flush()
        self._high = high

    # -- the tables of the header

    def _table_word(self, name: bytes, number: int | None) -> bool:
        if self._table == b"colortbl":
            if name in (b"red", b"green", b"blue") and len(self._colour) < 3:
                self._colour.append(max(0, min(number or 0, 255)))
            return True
        if name == b"f" and number is not None and len(self.fonts) < MAX_FONTS:
            self._table_font = self.fonts.setdefault(number, Font())
        elif self._table_font is not None and name == b"fcharset" and number is not None:
            self._table_font.charset = _FONT_CHARSETS.get(number, "")
        elif self._table_font is not None and name == b"cpg" and number:
            self._table_font.charset = f"cp{number}"
        elif self._starred:
            self.state.silent = True
        return True

    def _table_text(self, data: bytes) -> None:
        if self._table == b"colortbl":
            for _ in range(min(data.count(b";"), 5_000 - len(self.colours))):
                rgb = self._colour
                self.colours.append("#{:02x}{:02x}{:02x}".format(*rgb) if len(rgb) == 3 else "")
                self._colour = []
        elif self._table_font is not None and not self._table_font.name and len(self._groups) <= self._table_depth + 1:
            name = decode_text(data, self._table_font.charset or self.charset)
            self._table_font.name = name.partition(";")[0].strip()[:100]
