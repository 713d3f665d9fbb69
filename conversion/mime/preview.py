"""The beginning of a message's text, for a list of messages ([RFC8970] 3.3).

Taken is the first body that a reader would see: plain text before HTML, no attachment. Quoted text and the lines that
lead to it are left out as long as something else is there. Only the beginning of a body is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from conversion.mime.charset import decode_text
from conversion.mime.decoding import decode
from conversion.mime.headers import parse_word
from conversion.mime.html import html_to_text, meta_charset
from conversion.mime.parts import DEFAULT_LIMITS, Part, Structure, read_fields

LENGTH = 200
"""Characters of a preview ([RFC8970] 3.3 allows up to 256)."""
PLAIN_READ = 16 << 10
"""Octets of plain text that are looked at, still encoded."""
HTML_READ = 128 << 10
"""Octets of HTML that are looked at: style sheets may come first."""
MAX_PARTS = 50
"""Parts that are looked at for a text."""

Read = Callable[[int, int], bytes]
"""Gives the octets of the message from one offset up to another."""

# Characters that show nothing, with which senders of newsletters fill up previews, and controls.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u3164\ufeff\uffa0\ufff0-\uffff]+"
)
_BLANKS = re.compile(r"\s+")
_QUOTE = re.compile(r"[ \t]*+>")
_LONGEST_ATTRIBUTION = 400
_WROTE = "wrote|schrieb|écrit|escribió|scritto|schreef|skrev|escreveu"
_DASHED = "Original Message|Forwarded message|Ursprüngliche Nachricht"
_ATTRIBUTION = re.compile(
    rf"[ \t]*+(?:(?:On|Am|Le|El|Il|Op|Den|Em)\b.{{0,300}}(?:{_WROTE})\s?:?"
    rf"|.{{1,300}}(?:wrote|writes):|-{{2,}}+[ \t]?(?:{_DASHED})[ \t]?-{{2,}}+|_{{10,}}+)[ \t]*+\Z",
    re.IGNORECASE,
)
_QUOTED_HEADER = re.compile(
    r"[ \t]*+\*?(?:From|Sent|Date|To|Cc|Subject|Reply-To|Importance|Von|Gesendet|An|Betreff)\*?:", re.IGNORECASE
)
_HEAD = re.compile(r"<body\b[^>]*+>", re.IGNORECASE)
_HTML_QUOTE = re.compile(r"<blockquote\b", re.IGNORECASE)
_TEXTS = ("plain", "html")


def preview(structure: Structure, read: Read) -> str:
    """Give up to LENGTH characters of text, blanks collapsed; empty where there is no text. Never raises for input."""
    for part in _candidates(structure):
        text = _text(part, read)
        if text:
            return text
    return ""


def _candidates(structure: Structure) -> Iterator[Part]:
    """Text parts in the order in which they are to be tried: of alternatives plain text first."""
    todo = [structure.root]
    looked_at = 0
    while todo and looked_at < MAX_PARTS:
        part = todo.pop()
        looked_at += 1
        if part.children:
            children = list(part.children)
            if part.subtype == "alternative":
                children.sort(key=_rank)
            todo.extend(reversed(children))
        elif part.type in ("text", "") and part.subtype in ("", *_TEXTS):
            yield part


def _rank(part: Part) -> int:
    """Plain text, then what may hold some, then HTML."""
    if part.type == "text":
        return 0 if part.subtype == "plain" else 2
    return 1 if part.children else 3


def _text(part: Part, read: Read) -> str:
    is_html = part.subtype == "html"
    if part.header_start and _is_attachment(part, read):
        return ""
    data = decode(
        read(part.body_start, min(part.body_end, part.body_start + (HTML_READ if is_html else PLAIN_READ))),
        part.encoding,
    )
    if not data:
        return ""
    if is_html:
        return _of_html(decode_text(data, part.charset or meta_charset(data)))
    return _of_lines(decode_text(data, part.charset).splitlines())


def _is_attachment(part: Part, read: Read) -> bool:
    header = read(part.header_start, min(part.body_start, part.header_start + PLAIN_READ))
    for _, name, value in read_fields(header, 0, len(header), DEFAULT_LIMITS):
        if name.lower() == b"content-disposition":
            return parse_word(value).lower() == b"attachment"
    return False


def _of_html(html: str) -> str:
    body = _HEAD.search(html)
    if body is not None:
        html = html[body.end() :]
    quote = _HTML_QUOTE.search(html)
    if quote is not None:
        before = _of_lines(html_to_text(html[: quote.start()]).splitlines())
        if before:
            return before
    return _of_lines(html_to_text(html).splitlines())


def _of_lines(lines: list[str]) -> str:
    """Join the lines that are the writer's own; where there are none, those that are quoted."""
    own: list[str] = []
    length = 0
    in_header = False
    for number, line in enumerate(lines):
        if _QUOTE.match(line) or not line.strip():
            continue
        if len(line) <= _LONGEST_ATTRIBUTION and _ATTRIBUTION.match(line) and (own or number < len(lines) - 1):
            in_header = True
            continue
        if in_header and _QUOTED_HEADER.match(line):
            continue
        in_header = False
        own.append(line)
        length += len(line)
        if length > 4 * LENGTH:
            break
    return _shorten(" ".join(own)) or _shorten(" ".join(line.lstrip("> \t") for line in lines[:50]))


def _shorten(text: str) -> str:
    """Collapse the blanks and cut; a character that spans two code points may lose the second."""
    text = _BLANKS.sub(" ", _INVISIBLE.sub("", text[: 20 * LENGTH])).strip()
    return text[:LENGTH].rstrip()
