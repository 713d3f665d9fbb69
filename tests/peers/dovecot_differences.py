"""Why oxgate and Dovecot show a message differently: each known reason is a heading of docs/quirks.md."""

from __future__ import annotations

import re
from typing import Any

from conversion.mime.headers import parse_media, strip_comments, unfold
from conversion.mime.structure import Structure, scan

_ATOM = rb"[!#$%&'*+\-/0-9=?A-Z^_`a-z{|}~\x80-\xff]++"
_QUOTED = rb'"(?>(?:[^"\\]++|\\.)*)"'
_BLANK = rb"[ \t]*"
_WORD = rb"(?:" + _ATOM + rb"|" + _QUOTED + rb")"
_DOTTED = _ATOM + rb"(?:\." + _ATOM + rb")*"
_SPEC = rb"(?:" + _DOTTED + rb"|" + _QUOTED + rb")@(?:" + _DOTTED + rb"|\[[^\[\]]*\])"
_NAME = _WORD + rb"(?:" + _BLANK + rb"(?:" + _WORD + rb"|\.))*"
_MAILBOX = rb"(?:(?:" + _NAME + rb")?" + _BLANK + rb"<" + _SPEC + rb">|" + _SPEC + rb")"
_MAILBOXES = _MAILBOX + rb"(?:" + _BLANK + rb"," + _BLANK + _MAILBOX + rb")*"
_GROUP = _NAME + _BLANK + rb":" + _BLANK + rb"(?:" + _MAILBOXES + rb")?" + _BLANK + rb";"
_ADDRESS = rb"(?:" + _GROUP + rb"|" + _MAILBOX + rb")"
_ADDRESSES = re.compile(_ADDRESS + rb"(?:" + _BLANK + rb"," + _BLANK + _ADDRESS + rb")*", re.S)
_TOKEN = rb"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]++"
_PARAMETERS = rb"(?:" + _BLANK + rb";" + _BLANK + _TOKEN + rb"=(?:" + _TOKEN + rb"|" + _QUOTED + rb"))*" + _BLANK
_MEDIA = re.compile(_TOKEN + rb"/" + _TOKEN + _PARAMETERS, re.S)
_DISPOSITION = re.compile(_TOKEN + _PARAMETERS, re.S)
_ENCODING = re.compile(_TOKEN)

CARRIAGE_RETURNS = "Carriage returns alone"
BLANKS = "Blanks around a value in ENVELOPE"
ADDRESSES = "Address fields outside the grammar"
CLOSING = "A boundary line right after a closing one"
ENCODING = "Content-Transfer-Encoding outside the grammar"
CASE = "The spelling of 7bit"
CONTENT = "Content-Type and Content-Disposition outside the grammar"
BOUNDARIES = "Boundaries outside the grammar"
CHARSET = "A charset in the form of RFC 2231"

_ADDRESS_FIELDS = frozenset((b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc"))


def explain(raw: bytes, kind: str, mine: Any, theirs: Any) -> str | None:
    """Name the reason of one difference, None if there is no known one."""
    structure = scan(raw)
    item = kind.partition(".")[2]
    if item in ("size", "lines", "SIZE") and (b"\r\r\n" in raw or raw.endswith(b"\r")):
        return CARRIAGE_RETURNS
    if kind.startswith("ENVELOPE."):
        if isinstance(mine, bytes) and isinstance(theirs, bytes) and mine == theirs.strip(b" \t"):
            return BLANKS
        return None if _all(structure, _ADDRESS_FIELDS, _ADDRESSES) else ADDRESSES
    if item == "encoding":
        if mine.lower() == theirs:
            return CASE
        return None if _all(structure, {b"content-transfer-encoding"}, _ENCODING) else ENCODING
    if item == "params" and theirs == [*mine, (b"charset", b"us-ascii")] and b"charset*" in dict(mine):
        return CHARSET
    if item in ("size", "lines") and re.search(rb"--[ \t]*\r?\n--", raw):
        return CLOSING
    if not _all(structure, {b"content-type"}, _MEDIA) or not _all(structure, {b"content-disposition"}, _DISPOSITION):
        return CONTENT
    return None if _boundaries_are_valid(structure) else BOUNDARIES


def _all(structure: Structure, names: Any, grammar: re.Pattern[bytes]) -> bool:
    """Whether every such field, of whatever header, is of a grammar without obsolete forms."""
    return all(
        grammar.fullmatch(strip_comments(unfold(value)).strip())
        for lines in structure.headers.values()
        for _, name, value in lines
        if name.lower() in names
    )


def _boundaries_are_valid(structure: Structure) -> bool:
    """[RFC2046] 5.1.1: 1 to 70 characters, no blank at the end; none may be the beginning of a boundary inside it."""
    found = [
        parse_media(value).parameter(b"boundary") or b""
        for lines in structure.headers.values()
        for _, name, value in lines
        if name.lower() == b"content-type" and parse_media(value).type.lower() == b"multipart"
    ]
    if any(not 1 <= len(one) <= 70 or one.endswith(b" ") for one in found):
        return False
    return not any(one != other and other.startswith(one) for one in found for other in found)
