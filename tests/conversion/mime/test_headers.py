"""Header fields ([RFC5322] 2.2, [RFC2045] 5.1, [RFC2231] 3)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.headers import (
    fields,
    header_end,
    normalise_newlines,
    parse_media,
    parse_word,
    select_fields,
    strip_comments,
    unfold,
)

HEADER = (
    b"Received: from a\r\n\tby b; date\r\nSUBJECT : one\r\n  two\r\nx-A:1\r\njunk line\r\nFrom: a@b\r\nx-a:  2 \r\n\r\n"
)


def test_fields_with_folds() -> None:
    """[RFC5322] 2.2.3: a line that begins with a blank continues; [RFC5322] 4.5.8: blanks before the colon."""
    found = fields(HEADER + b"Not: header\r\n", 0, len(HEADER))
    assert [(field.name, field.value) for field in found] == [
        (b"Received", b"from a\r\n\tby b; date"),
        (b"SUBJECT", b"one\r\n  two"),
        (b"x-A", b"1"),
        (b"From", b"a@b"),
        (b"x-a", b"2"),
    ]
    assert HEADER[found[1].line_start : found[1].line_end] == b"SUBJECT : one\r\n  two\r\n"


def test_unfolding_takes_the_line_ends_only() -> None:
    """[RFC5322] 2.2.3: unfolding removes CRLF directly before a blank, and nothing else."""
    assert unfold(b" a\r\n  b\r\n\tc\r\n") == b"a  b\tc"


@pytest.mark.parametrize(
    ("raw", "end"),
    [
        (b"a: b\r\n\r\nbody", 8),
        (b"a: b\n\nbody", 6),
        (b"a: b\n\r\nbody", 7),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"a: b\r\n", 6),
        (b"", 0),
    ],
)
def test_where_a_header_ends(raw: bytes, end: int) -> None:
    assert header_end(raw) == end


def test_selected_fields() -> None:
    """[RFC3501] 6.4.5: matching is case-insensitive but otherwise exact, and the blank line is always there."""
    names = frozenset((b"SUBJECT", b"X-A"))
    assert select_fields(HEADER, names, False) == b"SUBJECT : one\r\n  two\r\nx-A:1\r\nx-a:  2 \r\n\r\n"
    assert select_fields(HEADER, frozenset((b"X",)), False) == b"\r\n"
    assert select_fields(HEADER, names, True) == b"Received: from a\r\n\tby b; date\r\njunk line\r\nFrom: a@b\r\n\r\n"
    assert select_fields(b"a: b", frozenset((b"A",)), False) == b"a: b\r\n\r\n"
    assert select_fields(b"a: b\r\n\r\na: body\r\n", frozenset((b"A",)), False) == b"a: b\r\n\r\n"


def test_selected_and_not_selected_make_the_header() -> None:
    names = frozenset((b"RECEIVED", b"FROM"))
    chosen = select_fields(HEADER, names, False)
    others = select_fields(HEADER, names, True)
    assert len(chosen) + len(others) == len(HEADER) + 2


def test_comments_are_blanks() -> None:
    """[RFC5322] 3.2.2: comments nest; parentheses in quoted strings are none; a backslash quotes."""
    assert strip_comments(b'a (b (c) \\) d) e "(f)" g').split() == [b"a", b"e", b'"(f)"', b"g"]
    assert strip_comments(b"a (b") == b"a "
    assert strip_comments(b"a) b") == b"a) b"


def test_media_type() -> None:
    """[RFC2045] 5.1: type/subtype and parameters, quoted or not, with folds and comments."""
    media = parse_media(b' Text/PLAIN (c) ;\r\n charset="iso-8859-1" ; Name="a \\"b\\".txt";x=y/z')
    assert (media.type, media.subtype) == (b"Text", b"PLAIN")
    assert media.parameters == ((b"charset", b"iso-8859-1"), (b"Name", b'a "b".txt'), (b"x", b"y/z"))
    assert media.parameter(b"name") == b'a "b".txt'
    assert media.parameter(b"none") is None


def test_numbered_parameters_are_joined() -> None:
    """[RFC2231] 3, 4.1: the example of the RFC; pieces may come in any order."""
    media = parse_media(
        b"application/x-stuff; title*1*=%2a%2a%2afun%2a%2a%2a%20; title*0*=us-ascii'en'This%20is%20even%20more%20;"
        b' title*2="isn\'t it!"; a*0=b; a*1=c'
    )
    assert media.parameter(b"title*") == b"us-ascii'en'This%20is%20even%20more%20%2a%2a%2afun%2a%2a%2a%20isn't it!"
    assert media.parameter(b"a") == b"bc"


def test_numbered_parameters_with_a_gap_stay_apart() -> None:
    media = parse_media(b"a/b; x*0=1; x*2=3")
    assert media.parameters == ((b"x*0", b"1"), (b"x*2", b"3"))


@pytest.mark.parametrize(
    ("value", "word"),
    [(b" Base64 ", b"Base64"), (b"(x) 7bit (y)", b"7bit"), (b"quoted-printable;", b"quoted-printable"), (b"", b"")],
)
def test_a_word(value: bytes, word: bytes) -> None:
    """[RFC2045] 6.1: one token, comments allowed; what follows is passed over."""
    assert parse_word(value) == word


def test_newlines() -> None:
    """A line feed alone becomes CRLF, a carriage return alone stays."""
    assert normalise_newlines(b"a\nb\r\nc\rd\n\n\r\r\n") == b"a\r\nb\r\nc\rd\r\n\r\n\r\r\n"
    raw = b"a\r\nb\r\n"
    assert normalise_newlines(raw) is raw


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a"]), max_size=30).map(b"".join))
def test_newlines_once_are_newlines_for_ever(raw: bytes) -> None:
    once = normalise_newlines(raw)
    assert normalise_newlines(once) is once
    assert once.replace(b"\r\n", b"\n") == raw.replace(b"\r\n", b"\n")
    assert once.count(b"\n") == once.count(b"\r\n") == raw.count(b"\n")


@given(st.binary(max_size=100))
def test_any_value_is_taken(value: bytes) -> None:
    parse_media(value)
    parse_word(value)
    unfold(value)
    fields(value)
    strip_comments(value)
    select_fields(value, frozenset((b"A",)), True)


@pytest.mark.parametrize(
    "value",
    [b'"' * 200_000, b"(" * 200_000, b"()" * 100_000, b"\\" * 200_000, b"; a" * 70_000, b" " * 200_000 + b"x",
     b";" * 200_000, b"; a=" * 50_000, b'; a="\\' * 40_000, b"a*0=;" * 40_000, b"; x*0=a" * 20_000],
)  # fmt: skip
def test_values_made_to_be_slow(value: bytes) -> None:
    start = time.process_time()
    parse_media(b"a/b" + value)
    parse_word(value)
    assert time.process_time() - start < 5
