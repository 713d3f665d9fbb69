"""Encoded words and parameters ([RFC2047], [RFC2231])."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.headers import parse_media
from conversion.mime.words import decode_parameter, decode_unstructured


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # [RFC2047] 8
        (b"=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>", "Keith Moore <moore@cs.utk.edu>"),
        (b"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"),
        (
            b"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n =?ISO-8859-2?Q?u_understand_it.?=",
            "If you can read this you understand it.",
        ),
        (b"(=?ISO-8859-1?Q?a?=)", "(a)"),
        (b"(=?ISO-8859-1?Q?a?= b)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)"),
        (b"(=?ISO-8859-1?Q?a_b?=)", "(a b)"),
        (b"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)"),
        # [RFC2231] 5: with a language
        (b"=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore"),
        # One character split over two words
        (b"=?utf-8?B?w6TD?= =?utf-8?Q?=B6?=", "äö"),
        # What [RFC2047] forbids and mail does
        (b"=?utf-8?Q?a b?=", "a b"),
        (b"=?utf-8?Q?why??=", "why?"),
        (b"x=?utf-8?Q?=C3=A4?=y", "xäy"),
        (b"=?utf-8?B?w6Q?=", "ä"),
        (b"=?utf-8?X?a?=", "=?utf-8?X?a?="),
        (b"=?utf-8?Q?a", "=?utf-8?Q?a"),
        ("ä =?utf-8?Q?=C3=A4?=".encode(), "ä ä"),
        (b"\xe4", "ä"),
        # Folds, controls
        (b" a\r\n\tb\0c ", "a b c"),
        (b"=?utf-8?Q?a=0D=0Ab?=", "a b"),
    ],
)
def test_header_text(value: bytes, text: str) -> None:
    """[RFC2047] 6.2, 8: the table of the RFC, and the ways of real mail."""
    assert decode_unstructured(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # [RFC2231] 3, 4, 4.1
        (b"a/b; x*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "This is ***fun***"),
        (b'a/b; x*0="ftp://"; x*1="cs.utk.edu/pub"', "ftp://cs.utk.edu/pub"),
        (b"a/b; x*1*=%C3%B6; x*0*=utf-8''%C3%A4", "äö"),
        (b"a/b; x*0*=utf-8''%C3%A4; x*1=\"50%25\"", "ä50%25"),
        (b"a/b; x*=%E4", "ä"),
        (b"a/b; x=plain; x*=utf-8''%C3%A4", "ä"),
        (b'a/b; x="=?utf-8?Q?=C3=A4?="', "ä"),
        ('a/b; x="ä"'.encode(), "ä"),
        (b"a/b; y=1", None),
        (b"a/b", None),
    ],
)
def test_parameters(value: bytes, text: str | None) -> None:
    """[RFC2231] 3, 4, 4.1."""
    assert decode_parameter(parse_media(value), "x") == text


@pytest.mark.parametrize(
    "value", [b"=?a?q?" * 40_000, b"=?a?q? " * 40_000, b"=?a?q?x?= " * 20_000, b"=?" * 100_000,
              b"?=" * 100_000, b"=?a?q?" + b"?" * 200_000]
)  # fmt: skip
def test_values_made_to_be_slow(value: bytes) -> None:
    start = time.process_time()
    decode_unstructured(value)
    assert time.process_time() - start < 5


@given(st.lists(st.sampled_from([b"=?", b"?=", b"?", b"utf-8", b"?Q?", b"?B?", b"=", b"w6Q", b" ", b"\r\n ", b"\xff",
                                  b"'"]),
                max_size=20).map(b"".join))  # fmt: skip
def test_any_value_is_one_line_of_text(value: bytes) -> None:
    text = decode_unstructured(value)
    assert not set(text) & set("\r\n\t\0")
    decode_parameter(parse_media(b"a/b; x*=" + value), "x")
