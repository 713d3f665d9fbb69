"""Messages with parts of transfer encoding `binary`, made fit for every client ([RFC3516] 4.4, 6, [RFC2045] 6.2).

A client that knows BINARY may append octets that a plain literal cannot carry. Everybody else must be able to fetch
the message too, so such a part is kept in base64, and BINARY takes that off again.
"""

from __future__ import annotations

import re
from binascii import b2a_base64

from conversion.mime.parts import Part
from conversion.mime.structure import scan

_ENCODING = re.compile(
    rb"^(Content-Transfer-Encoding[ \t]*:)[^\r\n]*+(?>(?:\r?\n[ \t][^\r\n]*+)*)", re.IGNORECASE | re.MULTILINE
)
_BINARY = re.compile(rb"binary", re.IGNORECASE)
# NUL, a line end that is not CRLF, a line over 998 octets ([RFC2045] 2.8).
_NOT_LINES = re.compile(rb"\0|\r(?!\n)|(?<!\r)\n|[^\r\n]{999}")
_LINE = 57
"""Octets that make a line of 76 characters of base64."""


def without_binary(raw: bytes) -> bytes:
    """Give the message with `binary` parts in base64, or labelled 8bit where they are nothing else.

    Returns the same object where nothing is to do. Octets that are binary without saying so stay as they are.
    """
    if _BINARY.search(raw) is None:
        return raw
    edits: list[tuple[int, int, bytes]] = []
    for part in scan(raw).walk():
        if part.encoding == "binary":
            edits += _edits(raw, part)
    if not edits:
        return raw
    out = []
    at = 0
    for start, end, text in sorted(edits):
        out += [raw[at:start], text]
        at = end
    out.append(raw[at:])
    return b"".join(out)


def relabelled(header: bytes, encoding: bytes) -> bytes:
    """Give a header with another transfer encoding; one that names none stays as it is."""
    return _ENCODING.sub(lambda match: match[1] + b" " + encoding, header, count=1)


def _edits(raw: bytes, part: Part) -> list[tuple[int, int, bytes]]:
    """What to put where: (start, end, octets)."""
    label = _ENCODING.search(raw, part.header_start, part.body_start)
    if label is None:
        return []
    composite = part.is_multipart or part.message is not None
    body = b"" if composite else raw[part.body_start : part.body_end]
    if composite or _NOT_LINES.search(body) is None:
        return [(label.start(), label.end(), label[1] + b" 8bit")]
    lines = [b2a_base64(body[at : at + _LINE], newline=False) for at in range(0, len(body), _LINE)]
    # In a multipart the line end before the boundary belongs to that; a message by itself ends with a line end.
    text = b"\r\n".join(lines) + (b"\r\n" if part.body_end == len(raw) else b"")
    return [(label.start(), label.end(), label[1] + b" base64"), (part.body_start, part.body_end, text)]
