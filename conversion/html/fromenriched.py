"""HTML out of text/enriched ([RFC1896], [MS-OXCETF]) and of its forerunner text/richtext ([RFC1341] 7.1.3).

enriched_to_html("<bold>Now</bold> is the time\\n\\nfor <<all>")
# <html>...<body><b>Now</b> is the time<br>\\nfor &lt;all&gt;</body></html>
"""

from __future__ import annotations

import re
from html import escape
from io import StringIO

MAX_DEPTH = 200
"""Commands within one another that show."""
_MAX_PARAM = 256

_TOKEN = re.compile(r"<<|<(/?)([A-Za-z0-9-]{1,60})>|(\n+)|([^<\n]+)|<")
_COLOUR = re.compile(r"(?:[a-z]{3,20}|[0-9a-f]{4},[0-9a-f]{4},[0-9a-f]{4})\Z", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,35}\Z")
_FONT = re.compile(r"[\w .,-]{1,100}\Z")

# Commands without parameters: what stands before and behind ([MS-OXCETF] 2.1.3.1).
_PLAIN = {
    "bold": ("<b>", "</b>"), "italic": ("<i>", "</i>"), "underline": ("<u>", "</u>"), "fixed": ("<tt>", "</tt>"),
    "smaller": ('<font size="-1">', "</font>"), "bigger": ('<font size="+1">', "</font>"),
    "center": ('<div align="center">', "</div>"), "flushleft": ('<div align="left">', "</div>"),
    "flushright": ('<div align="right">', "</div>"), "flushboth": ('<div align="justify">', "</div>"),
    "indent": ("<blockquote>", "</blockquote>"), "indentright": ("<blockquote>", "</blockquote>"),
    "excerpt": ('<blockquote type="cite">', "</blockquote>"), "verbatim": ("<pre>", "</pre>"),
    # richtext has some of its own
    "subscript": ("<sub>", "</sub>"), "superscript": ("<sup>", "</sup>"), "heading": ("<h3>", "</h3>"),
    "signature": ("<pre>", "</pre>"), "outdent": ("", ""), "outdentright": ("", ""), "samepage": ("", ""),
}  # fmt: skip
_SILENT = frozenset(("comment", "footing", "no-op"))
_VERBATIM = frozenset(("verbatim", "nofill", "signature"))


def enriched_to_html(text: str, *, richtext: bool = False) -> str:
    """Give a document; `richtext` reads the older format, in which no line end means anything.

    Commands that are not known are passed over and their text is kept; ends without a beginning are passed over
    ([MS-OXCETF] 2.1.3.1, 2.1.3.2).
    """
    converter = _Converter(richtext)
    for match in _TOKEN.finditer(text.replace("\r\n", "\n").replace("\r", "\n")):
        converter.take(match)
    return f'<html><head><meta charset="utf-8"></head><body>{converter.finish()}</body></html>'


class _Converter:
    def __init__(self, richtext: bool) -> None:
        self._richtext = richtext
        self._out = StringIO()
        self._open: list[tuple[str, str]] = []  # commands, and what ends each in HTML
        self._verbatim = 0
        self._silent = 0
        self._parameter: list[str] | None = None
        self._waiting = ""  # the command whose parameter comes next

    def take(self, match: re.Match[str]) -> None:
        slash, name, lines, words = match.groups()
        if name is not None:
            self._command(name.lower(), closes=bool(slash))
        elif lines is not None:
            self._lines(len(lines))
        else:
            self._text(words if words is not None else "<")

    def finish(self) -> str:
        while self._open:
            self._end_last()
        return self._out.getvalue()

    def _text(self, text: str) -> None:
        if self._parameter is not None:
            if sum(map(len, self._parameter)) < _MAX_PARAM:
                self._parameter.append(text)
        elif not self._silent:
            self._begin_without_parameter()
            self._out.write(escape(text, quote=False))

    def _lines(self, count: int) -> None:
        """Line ends: one is a blank, of several all but one count ([RFC1896]); all of them where text is as it is."""
        if self._parameter is not None or self._silent:
            return
        self._begin_without_parameter()
        if self._verbatim:
            self._out.write("\n" * count)
        elif count == 1 or self._richtext:
            self._out.write("\n")
        else:
            self._out.write("<br>\n" * (count - 1))

    def _command(self, name: str, *, closes: bool) -> None:
        if name == "param":
            self._param(closes)
            return
        if self._parameter is not None:
            return
        if self._richtext and not closes and name in ("nl", "lt", "np"):
            self._out.write("&lt;" if name == "lt" else "<br>\n")
            return
        self._begin_without_parameter()
        if closes:
            self._close(name)
        elif len(self._open) < MAX_DEPTH:
            if name in ("color", "fontfamily", "lang", "paraindent"):
                self._waiting = name
            else:
                self._begin(
                    name, *_PLAIN.get(name, ("<p>", "</p>") if self._richtext and name == "paragraph" else ("", ""))
                )

    def _param(self, closes: bool) -> None:
        if not closes:
            self._parameter = []
            return
        value = "".join(self._parameter or ()).strip()
        self._parameter = None
        name, self._waiting = self._waiting, ""
        if name:
            self._begin(name, *_with_parameter(name, value))

    def _begin_without_parameter(self) -> None:
        """Begin a command that wanted a parameter and has none."""
        if self._waiting:
            name, self._waiting = self._waiting, ""
            self._begin(name, "", "")

    def _begin(self, name: str, before: str, after: str) -> None:
        if not self._silent:
            self._out.write(before)
        self._open.append((name, after))
        self._verbatim += name in _VERBATIM
        self._silent += name in _SILENT

    def _close(self, name: str) -> None:
        if not any(name == opened for opened, _ in self._open):
            return
        while self._end_last() != name:
            pass  # what was begun within ends with it

    def _end_last(self) -> str:
        name, after = self._open.pop()
        self._verbatim -= name in _VERBATIM
        self._silent -= name in _SILENT
        if not self._silent:
            self._out.write(after)
        return name


def _with_parameter(name: str, value: str) -> tuple[str, str]:
    """Tags for a command with its parameter; what is no value of it gives none ([MS-OXCETF] 2.1.3.1)."""
    if name == "color" and _COLOUR.match(value):
        colour = "#" + "".join([part[:2] for part in value.split(",")]) if "," in value else value
        return f'<font color="{colour}">', "</font>"
    if name == "fontfamily" and _FONT.match(value):
        return f'<font face="{escape(value)}">', "</font>"
    if name == "lang" and _LANGUAGE.match(value):
        return f'<span lang="{value}">', "</span>"
    if name == "paraindent":
        count = min(sum(word.strip().lower() in ("left", "right", "in", "out") for word in value.split(",")), 20)
        return "<blockquote>" * count, "</blockquote>" * count
    return "", ""
