"""Header fields as bytes: finding, unfolding, selecting, and the values of MIME fields ([RFC5322] 2.2, [RFC2045] 5.1).

Everything here works on slices of the original and keeps the octets as they came. Decoding to text is in `words`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

# One field with its folded lines. The name is printable ASCII without colon; blanks before the colon are obsolete
# syntax ([RFC5322] 4.5.8). No alternation inside the repeats, so the cost is linear and low.
FIELD_LINES = re.compile(rb"^(([!-9;-~]++)[ \t]*+:([^\n]*+(?>(?:\n[ \t][^\n]*+)*))\n?)", re.M)
# Any logical line: a field, or a line that is none. Group 1 is the name, None where there is no colon.
_LOGICAL_LINE = re.compile(rb"^(?:([!-9;-~]++)[ \t]*+:)?[^\n]*+(?>(?:\n[ \t][^\n]*+)*)\n?", re.M)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_BLANK = re.compile(rb"\n\r?\n")

_BLANKS = b" \t\r\n"
# One octet is looked for by its number: for octets, `in` first tries them as a number and drops the exception.
_LF = ord("\n")
_OPENING = ord("(")
_BACKSLASH = ord("\\")
_STAR = ord("*")
_TOKEN = rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~\x80-\xff]"
_MEDIA_TYPE = re.compile(rb"[ \t\r\n]*+(" + _TOKEN + rb"*+)[ \t\r\n]*+(?:/[ \t\r\n]*+(" + _TOKEN + rb"*+))?")
# A blank may stand for a missing semicolon. The mark must touch the name, or a run of blanks would cost its square.
_PARAMETER = re.compile(
    rb"[; \t\r\n]([^ \t\r\n;=\"]++)[ \t\r\n]*+=[ \t\r\n]*+(?:\"((?>(?:[^\"\\]++|\\.)*))\"?|([^ \t\r\n;]*+))", re.S
)
_WORD = re.compile(rb"[ \t\r\n]*+(" + _TOKEN + rb"*+)")
_QUOTED_PAIR = re.compile(rb"\\(.)", re.S)
_SECTION = re.compile(rb"([^*]+)\*(?:(\d{1,4})(\*)?)?\Z")
_COMMENT_STEP = re.compile(rb"[()\"\\]")
MAX_CACHED = 160
"""Longer values are read each time, so that they fill no memory."""

Parameters = tuple[tuple[bytes, bytes], ...]


class Field(NamedTuple):
    """A header field: its name and raw value (folds included, no line end), and the offsets of its lines."""

    name: bytes
    value: bytes
    line_start: int
    line_end: int


class MediaType(NamedTuple):
    """A parsed Content-Type or Content-Disposition: the words as written, and the parameters.

    `subtype` is empty where it is missing. Parameter names are as written; values are unquoted, and the numbered
    pieces of [RFC2231] 3 are joined (the name then ends with `*` if a piece was percent-encoded).
    """

    type: bytes
    subtype: bytes
    parameters: Parameters

    def parameter(self, name: bytes) -> bytes | None:
        """Return the value of the first parameter with this lower-case name, or None."""
        for key, value in self.parameters:
            if key.lower() == name:
                return value
        return None


def fields(raw: bytes, start: int = 0, end: int | None = None) -> list[Field]:
    """List the header fields in `raw[start:end]`, in order; lines that are no field are passed over ([RFC5322] 2.2)."""
    stop = len(raw) if end is None else end
    return [Field(m[2], m[3].strip(_BLANKS), m.start(), m.end()) for m in FIELD_LINES.finditer(raw, start, stop)]


def header_end(raw: bytes, start: int = 0) -> int:
    """Return the offset after the blank line that ends the header beginning at `start`, or the end of `raw`."""
    if raw.startswith(b"\r\n", start):
        return start + 2
    if raw.startswith(b"\n", start):
        return start + 1
    found = _BLANK.search(raw, start)
    return found.end() if found else len(raw)


def unfold(value: bytes) -> bytes:
    """Join the folded lines of a raw field value and strip blanks at both ends ([RFC5322] 2.2.3)."""
    value = value.strip(_BLANKS)
    if _LF in value:
        return _FOLD.sub(b"", value)
    return value


def select_fields(header: bytes, names: frozenset[bytes], invert: bool) -> bytes:
    """Return the lines of the named fields as they stand, in order, then a blank line ([RFC3501] 6.4.5).

    `names` are upper case. With `invert` the lines of all other fields are returned (HEADER.FIELDS.NOT).
    """
    if invert:
        lines = []
        for match in _LOGICAL_LINE.finditer(header, 0, header_end(header)):
            name = match[1]
            line = match[0]
            if (name is None or name.upper() not in names) and line.strip(b"\r\n"):
                lines.append(line)
    else:
        found = FIELD_LINES.findall(header[: header_end(header)])
        lines = [line for line, name, _ in found if name.upper() in names]
    if lines and not lines[-1].endswith(b"\n"):
        lines.append(b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)


def strip_comments(value: bytes) -> bytes:
    """Replace the comments of a structured field value by blanks, quoted strings left alone ([RFC5322] 3.2.2).

    Linear; an unclosed comment reaches to the end of the value.
    """
    if _OPENING not in value:
        return value
    out: list[bytes] = []
    depth = kept = at = 0
    quoted = False
    while match := _COMMENT_STEP.search(value, at):
        mark, here = match[0], match.start()
        at = here + (2 if mark == b"\\" else 1)
        if mark == b'"' and depth == 0:
            quoted = not quoted
        elif mark == b"(" and not quoted:
            if depth == 0:
                out.append(value[kept:here])
            depth += 1
        elif mark == b")" and depth:
            depth -= 1
            kept = at
    if depth == 0:
        out.append(value[kept:])
    return b" ".join(out)


def _unquote(value: bytes) -> bytes:
    if _BACKSLASH in value:
        value = _QUOTED_PAIR.sub(rb"\1", value)
    if _LF in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value


def _join_sections(found: list[tuple[bytes, bytes]]) -> Parameters:
    """Join the numbered pieces of [RFC2231] 3; pieces with a gap in their numbers stay as they are."""
    plain: list[tuple[bytes, bytes]] = []
    groups: dict[bytes, list[tuple[int, bool, bytes, bytes]]] = {}
    for name, value in found:
        section = _SECTION.match(name)
        if section is None:
            plain.append((name, value))
        else:
            base, number, star = section.groups()
            extended = number is None or star is not None
            groups.setdefault(base.lower(), []).append((int(number or 0), extended, base, value))
    for _key, pieces in sorted(groups.items()):
        pieces.sort(key=lambda piece: piece[0])
        extended = any(piece[1] for piece in pieces)
        base = pieces[0][2]
        if [piece[0] for piece in pieces] != list(range(len(pieces))):
            plain += [(b"%s*%d%s" % (p[2], p[0], b"*" if p[1] else b""), p[3]) for p in pieces]
        elif not extended:
            plain.append((base, b"".join(piece[3] for piece in pieces)))
        else:
            # A plain piece among encoded ones means its octets literally, so its percent signs are encoded here.
            joined = b"".join(piece[3] if piece[1] else piece[3].replace(b"%", b"%25") for piece in pieces)
            plain.append((base + b"*", joined if pieces[0][1] else b"''" + joined))
    return tuple(plain)


def _parse_media(value: bytes) -> MediaType:
    value = strip_comments(value)
    head = _MEDIA_TYPE.match(value)
    assert head is not None  # every group may be empty
    found = [(m[1], _unquote(m[2]) if m[2] is not None else m[3]) for m in _PARAMETER.finditer(value, head.end())]
    for name, _ in found:
        if _STAR in name:
            return MediaType(head[1], head[2] or b"", _join_sections(found))
    return MediaType(head[1], head[2] or b"", tuple(found))


_parse_media_cached = lru_cache(maxsize=2048)(_parse_media)


def parse_media(value: bytes) -> MediaType:
    """Parse the raw value of Content-Type or Content-Disposition, never failing ([RFC2045] 5.1, [RFC2183] 2)."""
    return _parse_media_cached(value) if len(value) <= MAX_CACHED else _parse_media(value)


def _parse_word(value: bytes) -> bytes:
    match = _WORD.match(strip_comments(value))
    return match[1] if match else b""


_parse_word_cached = lru_cache(maxsize=256)(_parse_word)


def parse_word(value: bytes) -> bytes:
    """Return the first token of a field value such as Content-Transfer-Encoding, as written ([RFC2045] 6.1)."""
    return _parse_word_cached(value) if len(value) <= MAX_CACHED else _parse_word(value)


_LONE_LF = re.compile(rb"(?<!\r)\n")


def normalise_newlines(raw: bytes) -> bytes:
    """Turn every LF without a CR into CRLF; a CR alone stays ([RFC5322] 2.3, [RFC3501] 4.3).

    Returns the same object where nothing is to do.
    """
    if raw.count(b"\n") == raw.count(b"\r\n"):
        return raw
    return _LONE_LF.sub(b"\r\n", raw)
