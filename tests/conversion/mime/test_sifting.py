"""What the octets of messages tell of a string is what their decoded text says ([RFC3501] 6.4.4, BODY and TEXT)."""

from __future__ import annotations

from base64 import b64encode
from quopri import encodestring

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conversion.mime.parts import pack
from conversion.mime.sifting import MAX_WORDS, sift
from conversion.mime.structure import scan
from conversion.mime.text import MimeText
from store.mapi.collation import COLLATIONS, OCTET

_WORDS = ("zulu", "ZuLu", "zu", "lu", "zu lu", "k", "\u212a", "\u017f", "\ufb01", "caf\u00e9", "\u65e5\u672c", "a", "1")
_MARKS = (" ", "\r\n", "\r\n ", "\n", "\t", "\0", "\r", "=", "?", "=?", "?=", "@", ":", "--", "\x1b$B", "+", "-", "&")
_ENCODED = ("=?utf-8?Q?zul?= =?utf-8?Q?u?=", "=?iso-2022-jp?B?GyRCRnwbKEI=?=", "=?x", "=7A=75", "zul=\r\nu", "enVsdQ==")
_TAGS = ("<b>", "</b>", "<br>", "<p zulu>", "<", "<!", "<!-- zu -->", "<script>zulu</script>", "<style>", "&#122;")
_text = st.lists(st.sampled_from(_WORDS * 2 + _MARKS + _ENCODED + _TAGS), max_size=8).map("".join)
_CHARSETS = ("", "us-ascii", "utf-8", "UTF-8", "iso-8859-1", "windows-1252", "iso-2022-jp", "utf-7", "utf-16", "x-none")


def _encoded(text: str, charset: str, encoding: str) -> bytes:
    """The text in a charset and a transfer encoding, as far as they can carry it."""
    try:
        data = text.encode(charset or "utf-8", "replace")
    except LookupError:
        data = text.encode()
    if encoding == "base64":
        return b64encode(data)
    return encodestring(data) if encoding == "quoted-printable" else data


def _leaf(kind: str, charset: str, encoding: str, text: str, raw: bool) -> bytes:
    head = f"Content-Type: {kind}" + (f"; charset={charset}" if charset else "")
    if encoding:
        head += f"\r\nContent-Transfer-Encoding: {encoding}"
    body = text.encode() if raw else _encoded(text, charset, encoding)
    return head.encode() + b"\r\n\r\n" + body + b"\r\n"


def _enclosing(subject: str, inner: bytes) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\nSubject: " + subject.encode() + b"\r\n" + inner


def _multipart(parts: list[bytes], boundary: int) -> bytes:
    mark = b"b%d" % boundary
    inside = b"".join(b"--" + mark + b"\r\n" + part for part in parts)
    return b"Content-Type: multipart/mixed; boundary=" + mark + b"\r\n\r\n" + inside + b"--" + mark + b"--\r\nzulu\r\n"


_leaves = st.builds(
    _leaf,
    st.sampled_from(("text/plain", "text/plain", "text/html", "text", "image/png", "message/rfc822", "/")),
    st.sampled_from(_CHARSETS),
    st.sampled_from(("", "", "7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "x-none")),
    _text,
    st.booleans(),
)
_parts = st.recursive(
    _leaves,
    lambda inner: (
        st.builds(_enclosing, _text, inner) | st.builds(_multipart, st.lists(inner, max_size=3), st.integers(0, 3))
    ),
    max_leaves=4,
)
_mails = st.builds(lambda subject, rest: b"Subject: " + subject.encode() + b"\r\n" + rest, _text, _parts) | st.binary(
    max_size=60
)
_needles = st.sampled_from((*_WORDS, "zulu zulu", "lu", "u", "u\r\nz", "ss", "fi", "subject", "b", "p zulu", "ulu:"))


def _slowly(raw: bytes, wanted: str, collation: str, headers: bool) -> bool:
    prepare = COLLATIONS[collation]
    return any(prepare(wanted) in prepare(piece) for piece in MimeText(raw).text(headers))


def _sifted(raw: bytes, wanted: str, collation: str, headers: bool, parts: bytes) -> bool | None:
    """Ask as store.searchdocuments does."""
    prepared = COLLATIONS[collation](wanted)
    runs = "".join(c if c.isascii() and c.isalnum() else " " for c in prepared).split()
    word = max(runs, key=len, default="").lower().encode()
    needle = prepared.lower().encode() if prepared.isascii() and collation != OCTET else None
    return sift([(raw, parts)], word, needle, headers=headers)[0]


@given(_mails, _needles, st.sampled_from(sorted(COLLATIONS)), st.booleans())
@example(b"Subject: x\r\n\r\nzu lu", "zu lu", "i;unicode-casemap", True)
@example(b"Subject: x\r\nzulu\r\n\r\nx", "zulu", "i;ascii-casemap", True)
@example(b"Subject: x\r\n\r\nZULU", "zulu", "i;octet", True)
@example(b"Content-Type: text/html\r\n\r\nzu<b>lu</b>", "zulu", "i;unicode-casemap", False)
@example(b"Content-Type: text/html\r\n\r\nzu<p zulu>lu<", "p zulu", "i;unicode-casemap", False)
def test_the_octets_tell_no_other_than_the_text(raw: bytes, wanted: str, collation: str, headers: bool) -> None:
    """Whatever encodes it: words of headers, soft line breaks, charsets in which ASCII octets are other characters."""
    verdict = _sifted(raw, wanted, collation, headers, pack(scan(raw)))
    if verdict is not None:
        assert verdict == _slowly(raw, wanted, collation, headers)


def _both(raw: str, wanted: str) -> list[bool | None]:
    """What is told of TEXT and of BODY."""
    data = raw.encode()
    return [_sifted(data, wanted, "i;unicode-casemap", headers, pack(scan(data))) for headers in (True, False)]


@pytest.mark.parametrize(
    ("raw", "wanted", "verdicts"),
    [
        ("Subject: a\r\n\r\nMany Words\r\n", "words", [True, True]),
        ("Subject: a\r\n\r\nMany Words\r\n", "y wor", [True, True]),
        ("Subject: a\r\n\r\nMany Words\r\n", "other words", [False, False]),
        ("Subject: a\r\n\r\nMany Words\r\n", "none", [False, False]),
        ("Subject: a\r\n\r\nMany Words\r\n", "\u00e4 words", [None, None]),
        ("Subject: words\r\n\r\nfew\r\n", "words", [None, False]),
        ("Subject: words\r\n\r\nWORDS\r\n", "words", [True, True]),
        ("Subject: =?utf-8?q?w=6Frds?=\r\n\r\nfew\r\n", "words", [None, False]),
        ("Subject: what?\r\n\r\nis =?\r\n", "words", [False, False]),
        ("Subject: ?\r\n\r\nfew w\u00f6rds\r\n", "words", [None, None]),
        ("Content-Transfer-Encoding: base64\r\n\r\nd29yZHM=\r\n", "words", [None, None]),
        ("Content-Type: text/plain; charset=utf-7\r\n\r\n+AHc-ords\r\n", "words", [None, None]),
        ("Content-Type: image/png\r\n\r\nwords\r\n", "words", [False, False]),
        ("Content-Type: text/html\r\n\r\n<p words>few</p>\r\n", "words", [False, False]),
        ("Content-Type: text/html\r\n\r\nwo<b>rds</b>\r\n", "words", [None, None]),
        ("Content-Type: text/html\r\n\r\n&#119;ords\r\n", "words", [None, None]),
        ("Content-Type: text/html\r\n\r\nwo<!-- > -->rds\r\n", "words", [None, None]),
        ("Content-Type: text/html\r\n\r\n<meta charset=utf-7>\r\n", "words", [None, None]),
    ],
)
def test_what_the_octets_tell(raw: str, wanted: str, verdicts: list[bool | None]) -> None:
    """Most messages need no decoding, whether they hold the string or not."""
    assert _both(raw, wanted) == verdicts


def test_each_part_tells_for_itself() -> None:
    """Where text is not encoded, whatever else is: a file, say."""
    file = "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nwords\u00e4\r\n"
    text = "Content-Type: text/plain\r\n\r\nmany words\r\n"
    coded = "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nd29yZHM=\r\n"
    inside = "Content-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?w=6Frds?=\r\n\r\nfew\r\n"

    def told(wanted: str, *parts: str) -> list[bool | None]:
        body = "".join(f"--b\r\n{part}" for part in parts)
        return _both(f"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}--b--\r\n", wanted)

    assert told("other", text, file) == [False, False]
    assert told("words", text, file) == [True, True]
    assert told("words", file) == [False, False]
    assert told("words", coded, text) == [True, True]
    assert told("other", text, coded) == [None, None]
    assert told("other", text, inside) == [None, None]
    assert told("words", inside, text) == [True, True]
    assert told("subject", text) == [None, False]


def test_what_cannot_be_told() -> None:
    """No word to look for, and part tables that are none, are cut short or are very long."""
    raw = b"Subject: x\r\n\r\nwords"
    parts = pack(scan(raw))
    assert sift([(raw, parts)], b"", b"@", headers=True) == [None]
    assert sift([(raw, parts)], b"a b", b"a b", headers=True) == [None]
    assert sift([(raw, b""), (raw, parts)], b"words", b"words", headers=True) == [None, True]
    for cut in range(len(parts)):
        assert sift([(raw, parts[:cut])], b"other", b"other", headers=True) in ([None], [False])
    many = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * MAX_WORDS + b"--b--"
    packed = pack(scan(many))
    assert sift([(many, packed)], b"other", b"other", headers=True) == [None]
    for cut in range(0, len(packed), 500):
        assert sift([(many, packed[:cut])], b"other", b"other", headers=True) == [None]
