"""The parts of a message as byte offsets, found in one pass ([RFC2045], [RFC2046] 5).

`scan` takes any octets whatsoever and never raises: what cannot be understood is text, what exceeds a limit is an
opaque leaf. Bodies are never walked by line: the scanner jumps from one line that begins with `--` to the next. Every
octet is looked at a bounded number of times, however the input is made, so the cost is linear.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from conversion.mime.headers import MAX_CACHED, MediaType, header_end, parse_media, parse_word
from conversion.mime.parts import (
    DEFAULT_LIMITS,
    HeaderLines,
    Limits,
    Part,
    Structure,
    find_part,
    pack,
    read_fields,
    section,
    unpack,
)

__all__ = ["DEFAULT_LIMITS", "Limits", "Part", "Structure", "find_part", "pack", "scan", "section", "unpack"]

_BLANK_LINE = re.compile(rb"\n\r?\n")
_CHARSET_NAME = re.compile(rb"[A-Za-z0-9_.:+()'-]{1,60}\Z")


class _Node:
    """A part while it is open."""

    __slots__ = (
        "body_start",
        "boundary",
        "charset",
        "children",
        "encoding",
        "header_start",
        "message",
        "newlines",
        "number",
        "parent",
        "subtype",
        "type",
    )

    parent: _Node | None
    number: str
    type: str
    subtype: str
    encoding: str
    charset: str
    boundary: bytes
    header_start: int
    body_start: int
    newlines: int
    children: list[Part]
    message: Part | None


def scan(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Structure:
    """Find the parts of a message. Any octets are accepted; the cost is linear ([RFC2046] 5.1)."""
    start = header_end(raw)
    fields = read_fields(raw, 0, start, limits)
    kind, subtype, encoding, charset, boundary = media = _classify(fields, False, limits)
    if kind != "message" and not boundary:
        # Most messages are a single part, which needs no stacks.
        lines = raw.count(b"\n", start) if kind == "text" else 0
        root = Part("", kind, subtype, encoding, charset, 0, start, len(raw), lines, (), None)
        return Structure(root, {0: fields})
    return _Scanner(raw, limits).run(start, fields, media)


_Media = tuple[str, str, str, str, bytes]
"""Type, subtype, encoding, charset and boundary of a part; the last two are empty where there is none."""


def _classify(lines: HeaderLines, in_digest: bool, limits: Limits) -> _Media:
    """Take what a part is from its header ([RFC2045] 5.2, 6.1, [RFC2046] 5.1.5)."""
    content_type: bytes | None = None
    encoding: bytes | None = None
    for _, name, value in lines:
        # The length decides first: it spares lower-casing every name of a long header.
        size = len(name)
        if size == 12:
            if content_type is None and name.lower() == b"content-type":
                content_type = value
        elif size == 25 and encoding is None and name.lower() == b"content-transfer-encoding":
            encoding = value
    word = "7bit" if encoding is None else _read_encoding(encoding)
    if content_type is None:
        return ("message", "rfc822", word, "", b"") if in_digest else ("text", "plain", word, "", b"")
    read = _read_media_cached if len(content_type) <= MAX_CACHED else _read_media
    kind, subtype, charset, boundary = read(content_type)
    if len(boundary) > limits.boundary:
        boundary = b""
    return kind, subtype, word, charset, boundary


def _read_media(value: bytes) -> tuple[str, str, str, bytes]:
    media = parse_media(value)
    kind = media.type.decode("latin-1").lower()
    subtype = media.subtype.decode("latin-1").lower() or ("" if kind else "plain")
    charset = boundary = b""
    if kind == "multipart":
        # Blanks at the end of a boundary do not count ([RFC2046] 5.1.1).
        boundary = octets_of(media, b"boundary").rstrip(b" \t\r\n")
        if b"\n" in boundary:
            boundary = b""
    elif kind == "text":
        charset = octets_of(media, b"charset")
        if not _CHARSET_NAME.match(charset):
            charset = b""
    return kind or "text", subtype, charset.decode("ascii"), boundary


def octets_of(media: MediaType, name: bytes) -> bytes:
    """Give a parameter's octets, also where only the form of [RFC2231] 4 is there: charset'language'percent-encoded."""
    value = media.parameter(name)
    if value is None and media.parameters and (value := media.parameter(name + b"*")) is not None:
        value = unquote_to_bytes(value.split(b"'", 2)[-1])
    return value or b""


_read_media_cached = lru_cache(maxsize=2048)(_read_media)


def _read_encoding(value: bytes) -> str:
    return parse_word(value).decode("latin-1").lower() or "7bit"


class _Scanner:
    """One pass over one message: a stack of open parts, a stack of boundaries, a position that only moves on."""

    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.raw = raw
        self.limits = limits
        self.headers: dict[int, HeaderLines] = {}
        self.multiparts: list[_Node] = []
        self.boundaries: tuple[bytes, ...] = ()
        self.blank = -1
        self.blank_end = -1
        self.depth = 0
        self.parts = 0
        self.messages = 0
        self.counted = 0
        self.newlines = 0

    def run(self, start: int, lines: HeaderLines, media: _Media) -> Structure:
        """Find the parts of a message whose own header, up to `start`, has been read."""
        raw = self.raw
        limits = self.limits
        node = self.add(None, 0, start, lines, media)
        while True:
            if self.depth < limits.depth:
                if node.type == "message" and node.subtype == "rfc822":
                    if self.parts >= limits.parts:
                        return self.finish(node)
                    self.enter_message(node)
                    node = self.open(node.body_start, node)
                    continue
                if node.boundary:
                    self.depth += 1
                    self.multiparts.append(node)
                    self.boundaries = (*self.boundaries, node.boundary)
            elif node.boundary or (node.type == "message" and node.subtype == "rfc822"):
                node.type, node.subtype, node.boundary = "application", "octet-stream", b""
            at = node.body_start
            while True:
                found = self.delimiter(at, len(raw)) if self.boundaries else None
                if found is None:
                    return self.finish(node)
                newline, level = found
                multipart = self.multiparts[level]
                self.close_until(node, multipart, newline)
                after = newline + 3 + len(multipart.boundary)
                next_line = raw.find(b"\n", after) + 1
                closing = raw.startswith(b"--", after)
                if closing or not next_line or self.parts >= limits.parts:
                    # After the last boundary only an outer one counts; the rest is the epilogue.
                    self.depth -= len(self.multiparts) - level
                    del self.multiparts[level:]
                    self.boundaries = self.boundaries[:level]
                    node = multipart
                    at = next_line or len(raw)
                    if not closing and next_line:
                        return self.finish(node)
                    continue
                if len(self.multiparts) > level + 1:
                    self.depth -= len(self.multiparts) - level - 1
                    del self.multiparts[level + 1 :]
                    self.boundaries = self.boundaries[: level + 1]
                node = self.open(next_line, multipart)
                break

    def open(self, at: int, parent: _Node) -> _Node:
        """Read the header that begins at `at`."""
        raw = self.raw
        blank, end = self.find_blank(at)
        if self.boundaries and (found := self.delimiter(at, blank)) is not None:
            # A boundary line inside the header: the header stops there.
            end = found[0] + 1
        lines = read_fields(raw, at, end, self.limits)
        in_digest = parent.type == "multipart" and parent.subtype == "digest"
        return self.add(parent, at, end, lines, _classify(lines, in_digest, self.limits))

    def add(self, parent: _Node | None, at: int, end: int, lines: HeaderLines, media: _Media) -> _Node:
        """Begin a part whose header, at `at`, has been read."""
        self.parts += 1
        self.headers[at] = lines
        node = _Node()
        node.parent = parent
        node.header_start = at
        node.body_start = end
        node.children = []
        node.message = None
        if parent is None:
            node.number = ""
        elif parent.boundary:
            node.number = (
                f"{parent.number}.{len(parent.children) + 1}" if parent.number else str(len(parent.children) + 1)
            )
        else:
            node.number = parent.number or "1"
        node.type, node.subtype, node.encoding, node.charset, node.boundary = media
        node.newlines = self.count_newlines(end) if self.messages else 0
        return node

    def find_blank(self, at: int) -> tuple[int, int]:
        """Return offset of the newline before the blank line at or after `at`, and the offset after the blank line."""
        raw = self.raw
        if raw.startswith(b"\r\n", at):
            return at - 1, at + 2
        if raw.startswith(b"\n", at):
            return at - 1, at + 1
        if self.blank < at:
            # Kept for the next header, so that headers without a blank line do not search the same octets again.
            found = _BLANK_LINE.search(raw, at)
            self.blank, self.blank_end = found.span() if found else (len(raw), len(raw))
        return self.blank, self.blank_end

    def delimiter(self, at: int, stop: int) -> tuple[int, int] | None:
        """Find the next boundary line from `at`: the offset of the newline before it and the level of its multipart.

        A line is a boundary line if it begins with the boundary ([RFC2046] 5.1.1); of several the longest wins, of
        equal ones the innermost.
        """
        raw = self.raw
        boundaries = self.boundaries
        start = at - 1 if at else 0
        if len(boundaries) == 1:
            newline = raw.find(b"\n--" + boundaries[0], start, stop + 3 + len(boundaries[0]))
            return (newline, 0) if newline >= 0 else None
        newline = raw.find(b"\n--", start, stop + 3)
        while newline >= 0:
            if raw.startswith(boundaries, newline + 3):
                best = -1
                for level, boundary in enumerate(boundaries):
                    if raw.startswith(boundary, newline + 3) and (best < 0 or len(boundary) >= len(boundaries[best])):
                        best = level
                return newline, best
            newline = raw.find(b"\n--", newline + 3, stop + 3)
        return None

    def before_newline(self, newline: int) -> int:
        """Return the end of what stands before a boundary line whose preceding line feed is at `newline`."""
        return newline - 1 if newline and self.raw[newline - 1] == 13 else newline

    def enter_message(self, node: _Node) -> None:
        """Begin counting lines with the outermost enclosed message; inside it every octet is counted once."""
        self.depth += 1
        if not self.messages:
            self.counted = node.body_start
            self.newlines = 0
            node.newlines = 0
        self.messages += 1

    def count_newlines(self, position: int) -> int:
        """Return the line feeds from the start of the outermost enclosed message to `position`, which only grows."""
        if position > self.counted:
            self.newlines += self.raw.count(b"\n", self.counted, position)
            self.counted = position
        return self.newlines

    def close_until(self, node: _Node, stop: _Node | None, newline: int) -> None:
        """Close the open parts from `node` up to, not including, `stop`, at the boundary line after `newline`."""
        end = len(self.raw) if newline < 0 else self.before_newline(newline)
        current: _Node | None = node
        while current is not None and current is not stop:
            # A message whose header is all there is keeps its blank line, though that belongs to the boundary line too:
            # what encloses it must not end before it does.
            end = body_end = max(end, current.body_start)
            is_message = current.type == "message" and current.subtype == "rfc822"
            lines = 0
            if self.messages:
                if is_message or current.type == "text":
                    lines = self.count_newlines(body_end) - current.newlines
            elif current.type == "text":
                lines = self.raw.count(b"\n", current.body_start, body_end)
            if current.message is not None:
                self.depth -= 1
                self.messages -= 1
            elif is_message:
                current.type, current.subtype, lines = "application", "octet-stream", 0
            part = Part(
                current.number,
                current.type,
                current.subtype,
                current.encoding,
                current.charset,
                current.header_start,
                current.body_start,
                body_end,
                lines,
                tuple(current.children),
                current.message,
            )
            parent = current.parent
            if parent is not None:
                if parent.boundary:
                    parent.children.append(part)
                else:
                    parent.message = part
            else:
                self.root = part
            current = parent

    def finish(self, node: _Node) -> Structure:
        self.close_until(node, None, -1)
        return Structure(self.root, self.headers)
