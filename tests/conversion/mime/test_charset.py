"""Charset labels and decoding that never fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.charset import code_page, codec_name, decode_text


@pytest.mark.parametrize(
    ("data", "charset", "text"),
    [
        ("ä€".encode(), "UTF-8", "ä€"),
        (b"\xe4\x80", "iso-8859-1", "ä€"),  # labelled Latin-1, written as windows-1252
        (b"\xe4", "us-ascii", "ä"),
        ("ä".encode(), "us-ascii", "ä"),
        (b"\xe4", None, "ä"),
        ("ä".encode(), None, "ä"),
        (b"\xe4", "x-unknown", "ä"),
        (b"\xe4", "no such charset", "ä"),
        (b"\x81\x8d", "windows-1252", "\x81\x8d"),
        (b"\xa4", "iso-8859-15", "€"),
        (b"\xa4", '"ISO_8859-15"', "€"),
        ("漢".encode("gb18030"), "GB2312", "漢"),
        ("한".encode("cp949"), "ks_c_5601-1987", "한"),
        ("①".encode("cp932"), "Shift_JIS", "①"),
        ("漢字".encode("big5"), "Big5", "漢字"),
        ("漢字".encode("iso2022_jp"), "ISO-2022-JP", "漢字"),
        (b"\x1b$B-!\x1b(Bx", "iso-2022-jp", "①x"),  # row 13, which Windows adds to JIS X 0208
        (b"\xad\xa1\xa4\xa2\xfc\xfa", "euc-jp", "①あⅹ"),  # the same row in EUC-JP, and IBM's
        (b"\xa4\xa2\xff\xa4\xa2\xa1", "euc-jp", "あ\ufffdあ\ufffd"),
        (b"\xc4\xe3\x80 5\x80", "gb2312", "你€ 5€"),  # code page 936
        (b"\xc4\xe3\xff\xc4\xe3", "gbk", "你\ufffd你"),
        (b"\x1b(I1\x1b(B", "iso-2022-jp", "ｱ"),
        (b"+AOQ-", "unicode-1-1-utf-7", "ä"),
        (b"+2AA-", "utf-7", "\ufffd"),
        ("Привет".encode("koi8-r"), "koi8-r", "Привет"),
        ("Привет".encode("cp1251"), "windows-1251", "Привет"),
        ("ä".encode("utf-16"), "utf-16", "ä"),
    ],
)
def test_labels_of_mail(data: bytes, charset: str | None, text: str) -> None:
    assert decode_text(data, charset) == text


def test_the_last_character_is_not_lost() -> None:
    """Stateful decoders must be flushed at the end: two characters that other programs are known to drop."""
    for charset in ("windows-1258", "utf-8", "windows-1252"):
        text = "œí" if charset != "windows-1258" else "œ"
        assert decode_text(text.encode(charset), charset) == text


@pytest.mark.parametrize("name", ["base64", "rot13", "hex", "zlib", "idna", "punycode", "undefined", "mbcs"])
def test_codecs_that_are_no_charset(name: str) -> None:
    assert codec_name(name) is None
    assert decode_text(b"abc", name) == "abc"


def test_code_pages() -> None:
    """Numbers of Windows code pages, as PidTagInternetCodepage holds them."""
    pages = {"utf-8": 65001, "windows-1252": 1252, "iso-8859-2": 28592, "iso-2022-jp": 50220, "gb2312": 54936,
             "koi8-r": 20866, "us-ascii": 20127, "": 65001, "x-nothing": 65001}  # fmt: skip
    assert {name: code_page(name) for name in pages} == pages


@given(st.binary(max_size=60), st.one_of(st.none(), st.text(max_size=20), st.sampled_from([
    "utf-8", "utf-16", "utf-32", "utf-7", "iso-2022-jp", "iso-2022-kr", "hz-gb-2312", "big5", "gb2312", "shift_jis",
    "euc-jp", "euc-kr", "windows-1252", "windows-1255", "windows-874", "ibm037", "us-ascii", "johab", "cp65001",
    "tactis"])))  # fmt: skip
def test_nothing_raises(data: bytes, charset: str | None) -> None:
    # No half of a surrogate pair either: the store could not write it.
    decode_text(data, charset).encode("utf-8")
