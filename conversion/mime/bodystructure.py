"""BODY and BODYSTRUCTURE, as on the wire ([RFC3501] 7.4.2)."""

from __future__ import annotations

import re
from functools import lru_cache

from conversion.mime.envelope import envelope_of
from conversion.mime.headers import MAX_CACHED, Parameters, parse_media, parse_word, strip_comments, unfold
from conversion.mime.imapstring import string
from conversion.mime.parts import Part, Structure
from conversion.mime.structure import scan
from conversion.mime.unbinary import relabelled

_US_ASCII = b'"charset" "us-ascii"'
# A multipart without a part cannot be written, so it gets an empty one ([RFC3501] 9, `body-type-mpart`).
_EMPTY_PART = b'("text" "plain" (' + _US_ASCII + b') NIL NIL "7bit" 0 0'
_NO_EXTENSION = b" NIL NIL NIL NIL"
_LANGUAGE = re.compile(rb"[ \t\r\n]*+([!#-'*+\-/0-9=?A-Z^-~]++)[ \t\r\n]*+(?:,|\Z)?")

_SLOT = {
    b"content-type": 0,
    b"content-transfer-encoding": 1,
    b"content-id": 2,
    b"content-description": 3,
    b"content-md5": 4,
    b"content-disposition": 5,
    b"content-language": 6,
    b"content-location": 7,
}
_LENGTHS = frozenset(len(name) for name in _SLOT)


def bodystructure(raw: bytes, structure: Structure, *, extended: bool = True) -> bytes:
    """Write BODYSTRUCTURE, or with `extended` False BODY, from `(` to `)` ([RFC3501] 7.4.2).

    Words are in the spelling of the message. Sizes count the octets as stored, line ends CRLF.
    """
    return _body(raw, structure, structure.root, extended)


def part_structure(raw: bytes, structure: Structure, part: Part) -> bytes:
    """Write what BODYSTRUCTURE says of one part ([RFC5524] 3.2)."""
    return _body(raw, structure, part, True)


def decoded_structure(header: bytes, size: int, encoding: bytes) -> bytes:
    """Write what BODYSTRUCTURE would say of a leaf without its transfer encoding ([RFC5524] 3.2).

    `size` octets are left, which are `encoding` as they stand. The lines of a text count as none, as Dovecot has it.
    """
    structure = scan(relabelled(header, encoding))
    root = structure.root
    return _body(b"", structure, root._replace(body_end=root.body_start + size, lines=0), True)


def _body(raw: bytes, structure: Structure, part: Part, extended: bool) -> bytes:
    slots: list[bytes | None] = [None] * 8
    for _, name, value in structure.header(raw, part):
        # The length decides first: it spares lower-casing every name of a long header.
        if len(name) in _LENGTHS and (slot := _SLOT.get(name.lower())) is not None and slots[slot] is None:
            slots[slot] = value
    if part.type == "multipart":
        return _multipart(raw, structure, part, slots, extended)
    if part.message is not None:
        head, _ = _media(slots[0] or b"")
        params = head[2]
        media = b'"message" "rfc822"'
        tail = b" %b %b %d" % (
            envelope_of(structure.header(raw, part.message)),
            _body(raw, structure, part.message, extended),
            part.lines,
        )
    else:
        media, params, is_text = _leaf_media(part, slots[0])
        tail = b" %d" % part.lines if is_text else b""
    encoding = slots[1]
    out = b"(%b %b %b %b %b %d%b" % (
        media,
        params,
        _plain(slots[2]),
        _plain(slots[3]),
        b'"7bit"' if encoding is None else _word(encoding),
        part.body_end - part.body_start,
        tail,
    )
    if not extended:
        return out + b")"
    if slots[4] is slots[5] is slots[6] is slots[7] is None:
        return out + _NO_EXTENSION + b")"
    return b"%b %b %b)" % (out, _plain(slots[4]), _extension(slots))


def _multipart(raw: bytes, structure: Structure, part: Part, slots: list[bytes | None], extended: bool) -> bytes:
    if part.children:
        inner = b"".join([_body(raw, structure, child, extended) for child in part.children])
    else:
        inner = _EMPTY_PART + (_NO_EXTENSION + b")" if extended else b")")
    head, _ = _media(slots[0] or b"")
    subtype = head[1] or b'"x-unknown"'
    if not extended:
        return b"(%b %b)" % (inner, subtype)
    return b"(%b %b %b %b)" % (inner, subtype, head[2], _extension(slots))


def _leaf_media(part: Part, content_type: bytes | None) -> tuple[bytes, bytes, bool]:
    """Return type and subtype, the parameter list, and whether the part is text (and so has a count of lines)."""
    if part.type == "application" and part.subtype == "octet-stream":
        # As scanned: an opaque leaf beyond a limit must not look like the multipart or message it was.
        if content_type is None:
            return b'"application" "octet-stream"', b"NIL", False
        (kind, subtype, params), lowered = _media(content_type)
        if lowered not in ("multipart", "message"):
            return b"%b %b" % (kind, subtype or b'"unknown"'), params, False
        return b'"application" "octet-stream"', b"NIL", False
    if content_type is None:
        return b'"text" "plain"', b"(" + _US_ASCII + b")", True
    (kind, subtype, params), lowered = _media(content_type)
    if lowered in ("", "text"):
        if params == b"NIL":
            params = b"(" + _US_ASCII + b")"
        elif part.charset == "" and b'"charset"' not in params.lower():
            params = params[:-1] + b" " + _US_ASCII + b")"
        return b"%b %b" % (kind or b'"text"', subtype or b'"plain"'), params, True
    return b"%b %b" % (kind, subtype or b'"unknown"'), params, False


def _media(value: bytes) -> tuple[tuple[bytes, bytes, bytes], str]:
    return _written_media_cached(value) if len(value) <= MAX_CACHED else _written_media(value)


def _written_media(value: bytes) -> tuple[tuple[bytes, bytes, bytes], str]:
    """Return type, subtype and parameter list as IMAP strings (empty where missing), and the type in lower case."""
    media = parse_media(value)
    return (
        (
            string(media.type) if media.type else b"",
            string(media.subtype) if media.subtype else b"",
            _parameters(media.parameters),
        ),
        media.type.decode("latin-1").lower(),
    )


_written_media_cached = lru_cache(maxsize=1024)(_written_media)


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join([b"%b %b" % (string(name), string(value)) for name, value in parameters])


def _plain(value: bytes | None) -> bytes:
    return b"NIL" if value is None else string(unfold(value))


def _word(value: bytes) -> bytes:
    word = parse_word(value)
    return string(word) if word else b'"7bit"'


def _extension(slots: list[bytes | None]) -> bytes:
    """Write disposition, language and location ([RFC3501] 7.4.2, body extension data)."""
    out = b"NIL"
    if slots[5] is not None:
        media = parse_media(slots[5])
        if media.type:
            out = b"(%b %b)" % (string(media.type), _parameters(media.parameters))
    return b"%b %b %b" % (out, _languages(slots[6]), _plain(slots[7]))


def _languages(value: bytes | None) -> bytes:
    """Write the tags of Content-Language as a list, NIL if there is none ([RFC3282] 2)."""
    if value is None:
        return b"NIL"
    value = strip_comments(value)
    tags: list[bytes] = []
    at = 0
    while len(tags) < 100 and (match := _LANGUAGE.match(value, at)):
        tags.append(string(match[1]))
        at = match.end()
    return b"(%b)" % b" ".join(tags) if tags else b"NIL"
