"""HTML as a stream of tags and texts: tolerant, in linear time, without a tree.

    for token in tokens(html):
        ...                       # Text("a < b") | Start("a", {"href": "https://x.test/"}) | End("a")

What a browser would show is what matters here, not whether tags are nested well: that is left to who reads the stream.
Comments, declarations and the contents of elements that show nothing (script, style ...) are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

MAX_ATTRIBUTES = 100
"""Attributes read of one tag."""
MAX_VALUE = 8_192
"""Characters of an attribute's value that are kept."""

_OPEN = re.compile(r"<(?:(!--)|([!?])|(/?)([a-zA-Z][^\s/>]{0,31}))")
_NAME = re.compile(r"[\s/]*+([^\s/>=][^\s/>=]*+)?\s*+(=)?\s*+")
_BARE = re.compile(r"[^\s>]*+")
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,};?")
SILENT = frozenset(("script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math", "xml"))
"""Elements whose content is not shown, or not as text."""
_SILENT_END = {name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in SILENT}


class Text(NamedTuple):
    """Text with its references resolved; blanks and line ends are as in the source."""

    text: str


class Start(NamedTuple):
    """A start tag: its name in lower case, and its attributes, names in lower case."""

    name: str
    attributes: dict[str, str]


class End(NamedTuple):
    """An end tag: its name in lower case."""

    name: str


Token = Text | Start | End


def tokens(html: str) -> Iterator[Token]:
    """Read HTML as tags and texts."""
    return (token for token, _ in _Reader(html).read() if token is not None)


def pieces(html: str) -> Iterator[tuple[Token | None, str]]:
    """Read HTML piece by piece: what each is, None for what shows nothing, and its source; together they are all of it.

    The text of a piece of text is not looked at further than its source.
    """
    return _Reader(html).read()


class _Reader:
    """The place in the source, and which quotes are known to come no more, so that nothing is looked for twice."""

    __slots__ = ("_at", "_ended", "_html")

    def __init__(self, html: str) -> None:
        self._html = html
        self._at = 0
        self._ended: set[str] = set()

    def read(self) -> Iterator[tuple[Token | None, str]]:
        html = self._html
        text_from = 0
        while (match := _OPEN.search(html, self._at)) is not None:
            start = match.start()
            if start > text_from:
                source = html[text_from:start]
                yield Text(resolved(source)), source
            self._at = match.end()
            comment, declaration, slash, name = match.groups()
            if comment or declaration:
                self._pass("-->" if comment else ">")
                yield None, html[start : self._at]
            else:
                name = name.lower()
                attributes = self._attributes()
                yield End(name) if slash else Start(name, attributes), html[start : self._at]
                if name in _SILENT_END and not slash:
                    start, stop = self._at, self._silent_end(name)
                    self._at = len(html) if stop is None else stop
                    if self._at > start:
                        yield None, html[start : self._at]
            text_from = self._at
        if text_from < len(html):
            yield Text(resolved(html[text_from:])), html[text_from:]

    def _silent_end(self, name: str) -> int | None:
        if name in self._ended:
            return None
        match = _SILENT_END[name].search(self._html, self._at)
        if match is None:
            self._ended.add(name)
            return None
        return match.start()

    def _pass(self, mark: str) -> None:
        stop = self._find(mark, self._at)
        self._at = len(self._html) if stop < 0 else stop + len(mark)

    def _find(self, mark: str, at: int) -> int:
        """Find a mark; one that is known to come no more is not looked for again."""
        if mark in self._ended:
            return -1
        found = self._html.find(mark, at)
        if found < 0:
            self._ended.add(mark)
        return found

    def _attributes(self) -> dict[str, str]:
        """Read the attributes of a tag, and go behind its end."""
        html = self._html
        found: dict[str, str] = {}
        while self._at < len(html):
            match = _NAME.match(html, self._at)
            assert match is not None  # it matches nothing, too
            name, equals = match[1], match[2]
            self._at = match.end()
            value = ""
            if equals:
                value = self._value()
            elif html.startswith(">", self._at):
                self._at += 1
                if name and len(found) < MAX_ATTRIBUTES:
                    found.setdefault(name.lower()[:64], "")
                break
            elif name is None:
                self._at += 1  # a character that begins no name
            if name and len(found) < MAX_ATTRIBUTES:
                found.setdefault(name.lower()[:64], value)
        return found

    def _value(self) -> str:
        html, at = self._html, self._at
        quote = html[at : at + 1]
        if quote in ('"', "'") and (stop := self._find(quote, at + 1)) >= 0:
            self._at = stop + 1
            return resolved(html[at + 1 : min(stop, at + 1 + MAX_VALUE)])
        match = _BARE.match(html, at)
        assert match is not None
        self._at = match.end()
        return resolved(match[0][:MAX_VALUE])


def resolved(text: str) -> str:
    """Resolve character references; one of absurd length, which would cost much, is a replacement character."""
    return unescape(_LONG_REFERENCE.sub("\ufffd", text)) if "&" in text else text
