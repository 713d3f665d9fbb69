"""Modified UTF-7 ([RFC3501] 5.1.3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.protocol.utf7 import Utf7Error, decode, encode

KNOWN = [
    ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # the example of the section
    ("Entwürfe", b"Entw&APw-rfe"),
    ("a&b", b"a&-b"),
    ("&", b"&-"),
    ("Répertoire", b"R&AOk-pertoire"),
    ("\U0001f4e7", b"&2D3c5w-"),
    ("tab\there", b"tab&AAk-here"),
    ("ÿ&é", b"&AP8-&-&AOk-"),
    ("", b""),
]


@pytest.mark.parametrize(("name", "wire"), KNOWN)
def test_known_names(name: str, wire: bytes) -> None:
    assert encode(name) == wire
    assert decode(wire) == name


@pytest.mark.parametrize(
    "wire",
    [
        b"&Jjo!",  # the section's example of a bad shift
        b"&U,BTFw-&ZeVnLIqe-",  # the section's example of a superfluous shift
        b"&",
        b"a&",
        b"&AOk",
        b"&AOk/",
        b"&AGE-",  # a printable character in a shift
        b"&AOl-",  # bits after the last character are not zero
        b"&2D0-",  # half a surrogate pair
        b"&3OfYPQ-",  # surrogates the wrong way round
        b"&A-",
        b"&AOkA-",
        b"&AO k-",
        b"\xc3\xa9",
        b"a\x00b",
        b"\x7f",
        b"tab\t",
        b"&AOk=-",
    ],
)
def test_bad_sequences(wire: bytes) -> None:
    with pytest.raises(Utf7Error):
        decode(wire)


names = st.text(st.characters(codec="utf-8"))


@given(names)
def test_what_is_encoded_decodes_to_itself(name: str) -> None:
    assert decode(encode(name)) == name
    assert all(0x20 <= octet <= 0x7E for octet in encode(name))


@given(st.one_of(st.binary(), st.from_regex(rb"(&[A-Za-z0-9,+]{0,6}-|[a-z&-]){0,6}", fullmatch=True)))
def test_a_name_has_one_spelling(wire: bytes) -> None:
    try:
        name = decode(wire)
    except Utf7Error:
        return
    assert encode(name) == wire


@given(st.text())
def test_names_that_are_not_unicode_are_written_all_the_same(name: str) -> None:
    decode(encode(name))
