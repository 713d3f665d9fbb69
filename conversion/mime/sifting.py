"""Looking for a string in the octets of messages, so that few of them need decoding ([RFC3501] 6.4.4, BODY, TEXT).

Where a text part has no transfer encoding and nothing but ASCII in it, its octets are its text, and a header without
encoded words says what its octets say. To look at the octets of a message costs as much as to copy them a few times.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from conversion.mime.parts import ENCLOSING, PackedRow, body_start, glance, packed_rows

MAX_PART = 16 << 20
"""Octets of one text part that are decoded for a search."""
MAX_WORDS = 1000
"""Octets of words of a part table that are worth to be remembered."""

_DECODED = frozenset(("base64", "quoted-printable", "x-uuencode", "uuencode", "x-uue", "uue"))
"""Encodings that `decode_transfer` decodes."""
_ASCII_CHARSETS = ("us-ascii", "utf-8", "iso-8859-", "windows-125")
"""How charsets begin, in which ASCII octets are ASCII characters."""
_NOT_JUST_TAGS = (b"<!--", b"<script", b"<style")
_TAG = re.compile(rb"<(?!!--|script|style)[a-z/!?][^>]*+>")

_SKIPPED, _PLAIN, _HTML, _UNLABELLED_HTML, CODED = range(5)
"""What a part is to a search: no text; its octets; those but for tags, also where they may name a charset; else."""
_ONE_PLAIN = bytes((_PLAIN,))


def kind_of(type_: str, subtype: str, encoding: str, charset: str, *, root: bool) -> int:
    """Tell what a part is to a search, provided that its octets are ASCII."""
    if type_ != "text" and not (root and type_ == ""):
        return _SKIPPED
    if encoding in _DECODED or (charset != "" and not charset.lower().startswith(_ASCII_CHARSETS)):
        return CODED
    if subtype == "html":
        return _HTML if charset else _UNLABELLED_HTML
    return _PLAIN


def body_may_hold(body: bytes, kind: int, word: bytes) -> bool:
    """Whether ASCII octets of a text part, in lower case, must be decoded to know that a word is not in it.

    HTML is those octets but for its tags: leaving these out joins what they stood between, and `html_to_text` joins no
    more than that where there are no references, comments and scripts.
    """
    if kind in (CODED, _PLAIN):
        return kind == CODED or body.find(word) >= 0
    if body.find(b"&") >= 0 or (kind == _UNLABELLED_HTML and body.find(b"charset") >= 0):
        return True
    text = _TAG.sub(b"", body)
    return text.find(word) >= 0 or (text.find(b"<") >= 0 and any(text.find(each) >= 0 for each in _NOT_JUST_TAGS))


@lru_cache(maxsize=512)
def _kinds(words: bytes) -> bytes:
    """What each part is to a search, by the words of a part table. Raises ValueError for what is none."""
    kinds = bytearray()
    for line in words.decode("latin-1").split("\n"):
        type_, subtype, encoding, charset = line.split("\t")
        kinds.append(kind_of(type_, subtype, encoding, charset, root=not kinds))
    return bytes(kinds)


def _has_encoded_word(text: bytes, end: int) -> bool:
    """Whether there may be one before `end` ([RFC2047] 2). To look for one octet first is much quicker."""
    at = text.find(b"?", 0, end)
    return at >= 0 and text.find(b"=?", at - 1 if at else 0, end) >= 0


def sift(
    messages: Sequence[tuple[bytes, bytes]], word: bytes, needle: bytes | None, *, headers: bool
) -> list[bool | None]:
    """Tell of each message whether its text (with `headers` the header, too) holds a string in any case.

    A message is its octets and its packed part table. `needle` is the string in lower case, None if it is not ASCII or
    its case matters, `word` the longest run of ASCII letters and digits in it. None: that has to be decoded.
    """
    if not word.isalnum():
        return [None] * len(messages)  # what the decoder puts in or takes out is neither letters nor digits
    verdicts: list[bool | None] = []
    for raw, parts in messages:
        try:
            count, words = glance(parts)
            kinds = _kinds(words) if len(words) <= MAX_WORDS else b""
            if len(kinds) != count:
                raise ValueError("part table cut short, or very long")
        except ValueError:
            verdicts.append(None)
            continue
        if headers and kinds == _ONE_PLAIN and raw.isascii() and len(raw) <= MAX_PART:
            # Most messages: all octets at once.
            text = raw.lower()
            at = text.find(word)
            body = body_start(parts)
            if at >= 0 and needle is not None and text.find(needle, body) >= 0:
                verdicts.append(True)
            elif (at < 0 or (at >= body and needle is not None)) and not _has_encoded_word(text, body):
                verdicts.append(False)
            else:
                verdicts.append(None)
        else:
            verdicts.append(_sift_parts(raw, packed_rows(parts, count), kinds, word, needle, headers=headers))
    return verdicts


def _sift_parts(
    raw: bytes, rows: Sequence[PackedRow], kinds: bytes, word: bytes, needle: bytes | None, *, headers: bool
) -> bool | None:
    """Look at a message part by part. A word in a header may stand between fields, one in HTML in a tag."""
    verdict: bool | None = False
    read_header = headers
    for (start, body, end, _, _, kind_of_row), kind in zip(rows, kinds, strict=True):
        if read_header and verdict is False:
            header = raw[start:body].lower()
            if not header.isascii() or header.find(word) >= 0 or _has_encoded_word(header, len(header)):
                verdict = None
        read_header = kind_of_row == ENCLOSING
        if read_header or kind == _SKIPPED:
            continue
        if kind == _PLAIN:
            text = raw[body : min(end, body + MAX_PART)].lower()
            if not text.isascii() or (needle is None and text.find(word) >= 0):
                verdict = None
            elif needle is not None and text.find(needle) >= 0:
                return True
        elif verdict is False:
            text = raw[body:end]
            if kind == CODED or not text.isascii() or body_may_hold(text.lower(), kind, word):
                verdict = None
    return verdict
