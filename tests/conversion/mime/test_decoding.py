"""Transfer encodings taken off piece by piece ([RFC2045] 6.7, 6.8)."""

from __future__ import annotations

import base64
import binascii
import quopri
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.mime.decoding import decode, decode_pieces, decoder
from conversion.mime.transfer import decode_transfer

ENCODINGS = ("base64", "quoted-printable", "x-uuencode", "7bit", "8bit", "binary")


def in_pieces(data: bytes, encoding: str, cuts: list[int]) -> bytes:
    made = decoder(encoding)
    assert made is not None
    pieces = []
    at = 0
    for cut in cuts:
        pieces.append(data[at : at + cut])
        at += cut
    pieces.append(data[at:])
    return b"".join(decode_pieces(pieces, made))


@given(st.binary(max_size=400), st.lists(st.integers(0, 50), max_size=20))
def test_base64_gives_back_what_was_encoded(data: bytes, cuts: list[int]) -> None:
    assert in_pieces(base64.encodebytes(data).replace(b"\n", b"\r\n"), "base64", cuts) == data


@given(st.binary(max_size=400), st.lists(st.integers(0, 50), max_size=20))
def test_quoted_printable_gives_back_what_was_encoded(data: bytes, cuts: list[int]) -> None:
    encoded = b"".join(
        b"=%02X" % octet if octet < 33 or octet > 126 or octet == 61 else bytes((octet,)) for octet in data
    )
    assert in_pieces(encoded, "quoted-printable", cuts) == data
    assert in_pieces(quopri.encodestring(data, quotetabs=True), "quoted-printable", cuts).replace(
        b"\r\n", b"\n"
    ) == data.replace(b"\r\n", b"\n")


@given(st.binary(max_size=400), st.lists(st.integers(0, 50), max_size=20), st.booleans())
def test_uuencode_gives_back_what_was_encoded(data: bytes, cuts: list[int], begins: bool) -> None:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    head = b"words before\nbegin 644 a.bin\n" if begins else b""
    assert in_pieces(head + b"".join(lines) + b"`\nend\nwords after\n", "x-uuencode", cuts) == data


@given(st.binary(max_size=200), st.sampled_from(ENCODINGS), st.lists(st.integers(0, 9), max_size=60))
def test_any_octets_give_the_same_however_they_are_cut(data: bytes, encoding: str, cuts: list[int]) -> None:
    assert in_pieces(data, encoding, cuts) == decode(data, encoding)


@given(st.binary(max_size=200))
def test_as_searching_decodes_it(data: bytes) -> None:
    assert decode(data, "base64") == decode_transfer(data, "base64")


def test_blanks_that_were_added_on_the_way_go() -> None:
    """[RFC2045] 6.7, rule 3"""
    assert decode(b"a \t\r\nb =\r\nc=20\r\nd  ", "quoted-printable") == b"a\r\nb c \r\nd"


def test_an_encoding_that_is_not_known() -> None:
    assert decoder("x-unprintable") is None
    assert decode(b"x", "x-unprintable") is None


@pytest.mark.parametrize("line", [b" " * 9000, b"=" * 9000, b"a" * 9000, b"=41" * 400, b"\t " * 5000])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_memory_is_bounded_whatever_the_lines_are(line: bytes, encoding: str) -> None:
    made = decoder(encoding)
    assert made is not None
    tracemalloc.start()
    try:
        for _ in range(100):
            made.feed(line)
        made.finish()
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
