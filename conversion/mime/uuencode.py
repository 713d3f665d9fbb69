"""Files that were put into the text of a message by uuencode, before there was MIME ([MS-OXCMAIL] 2.2.3.9.1).

text, files = extract(body)        # the text without the files; UuFile("photo.jpg", data), in order
"""

from __future__ import annotations

import re
from binascii import Error, a2b_uu
from typing import NamedTuple

MAX_FILES = 200
"""Files taken out of one text; more stay where they are."""
MAX_GAIN = 1 << 18
"""Octets that a file may be longer than its lines: blanks at their ends get lost on the way."""

_BEGIN = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255}+)\r?$", re.MULTILINE)
_END = re.compile(rb"^end[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_MAX_LINE = 65
"""Characters of a line: its length and 60, with some that careless encoders add."""


class UuFile(NamedTuple):
    """A file that stood in the text."""

    name: str
    data: bytes


def extract(body: bytes) -> tuple[bytes, list[UuFile]]:
    """Take the files out of a text.

    What only looks like a file, having lines that are none of it, stays as it is. The cost is linear.
    """
    if b"begin" not in body:
        return body, []
    out: list[bytes] = []
    files: list[UuFile] = []
    at = 0
    while len(files) < MAX_FILES and (begin := _BEGIN.search(body, at)) is not None:
        end = _END.search(body, begin.end())
        if end is None:
            break
        # Of several beginnings before one end the last is the file's.
        while (later := _BEGIN.search(body, begin.end(), end.start())) is not None:
            begin = later
        data = _decoded(body[begin.end() : end.start()])
        if data is None:
            out.append(body[at : end.end()])
        else:
            out.append(body[at : begin.start()])
            files.append(UuFile(_name(begin[1].rstrip(b" \t")), data))
        at = end.end()
    out.append(body[at:])
    return b"".join(out), files


def _decoded(lines: bytes) -> bytes | None:
    """Decode the lines between `begin` and `end`; None where one of them cannot be a line of a file."""
    out = []
    room = len(lines) + MAX_GAIN
    for line in lines.split(b"\n"):
        line = line.rstrip(b"\r")
        if not line:
            continue
        if len(line) > _MAX_LINE or not 0x20 <= line[0] <= 0x60:
            return None
        length = (line[0] - 0x20) & 0x3F
        if not length:
            continue
        room -= length
        if room < 0:
            return None
        needed = -(-length // 3) * 4
        try:
            # Blanks at the end get lost on the way, and some encoders write one character too many.
            out.append(a2b_uu(line[: needed + 1].ljust(needed + 1)))
        except Error:
            return None
    return b"".join(out)


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
