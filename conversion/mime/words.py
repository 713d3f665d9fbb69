"""Header text: encoded words and encoded parameters to str ([RFC2047], [RFC2231])."""

from __future__ import annotations

import binascii
import re
from urllib.parse import unquote_to_bytes

from conversion.mime.charset import decode_text, decode_unlabelled
from conversion.mime.headers import MediaType, unfold
from conversion.mime.transfer import decode_base64

# A word may hold blanks and some question marks, and be longer than 75 octets, although [RFC2047] 2 forbids all three:
# mail does it. The number of question marks is bounded to keep the cost linear.
_ENCODED_WORD = re.compile(rb"=\?([^?\s=]{1,80})\?([bBqQ])\?([^?]*+(?>(?:\?(?!=)[^?]*+){0,8}))\?=")
_UNWANTED = re.compile("[\r\n\t\0]+")


def decode_unstructured(value: bytes) -> str:
    """Decode a raw field value to text: unfolded, encoded words resolved, raw 8-bit octets guessed ([RFC2047] 6).

    CR, LF, TAB and NUL become blanks.
    """
    value = unfold(value)
    if value.find(b"=?") >= 0:
        text = _decode_words(value)
    elif value.isascii():
        text = value.decode("ascii")
    else:
        text = decode_unlabelled(value)
    return _UNWANTED.sub(" ", text) if not text.isprintable() else text


def _decode_words(value: bytes) -> str:
    out: list[str] = []
    pending: list[bytes] = []
    charset = b""
    at = 0
    for match in _ENCODED_WORD.finditer(value):
        between = value[at : match.start()]
        label = match[1].partition(b"*")[0].lower()  # a language may follow the charset ([RFC2231] 5)
        # Blanks between two words are not shown ([RFC2047] 6.2); a character may be split over words of one charset.
        if pending and (label != charset or between.strip(b" \t")):
            out.append(decode_text(b"".join(pending), charset.decode("latin-1")))
            pending = []
        if between.strip(b" \t") or (between and at == 0):
            out.append(decode_unlabelled(between))
        charset = label
        pending.append(_decode_word(match[2], match[3]))
        at = match.end()
    if pending:
        out.append(decode_text(b"".join(pending), charset.decode("latin-1")))
    out.append(decode_unlabelled(value[at:]))
    return "".join(out)


def _decode_word(encoding: bytes, text: bytes) -> bytes:
    if encoding in (b"b", b"B"):
        return decode_base64(text)
    return binascii.a2b_qp(text, header=True)


def decode_parameter(media: MediaType, name: str) -> str | None:
    """Return a parameter as text, or None where it is missing.

    First the form of [RFC2231] 4 (`name*`), else the plain one, in which encoded words are resolved although
    [RFC2047] 5 forbids them there: it is very common.
    """
    if not media.parameters:
        return None
    key = name.encode("ascii")
    value = media.parameter(key + b"*")
    if value is not None:
        return decode_extended(value)
    value = media.parameter(key)
    return None if value is None else decode_unstructured(value)


def decode_extended(value: bytes) -> str:
    """Decode `charset'language'percent-encoded` ([RFC2231] 4)."""
    pieces = value.split(b"'", 2)
    charset, text = (pieces[0].decode("latin-1"), pieces[2]) if len(pieces) == 3 else ("", value)
    return _UNWANTED.sub(" ", decode_text(unquote_to_bytes(text), charset))
