"""IMAP URLs of any octets: a value or BadUrl, and what was read can be written and read again."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.imap.protocol.urls import BadUrl, parse, write

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "75"))

PIECES = (
    b"imap: // / ; host user@ :143 [::1] ;AUTH=* INBOX %20 %C3%A4 %FF %00 ;UIDVALIDITY=1 /;UID=1 ;UID=2 /;SECTION=1.2 "
    b"/;SECTION=HEADER.FIELDS%20(A) ;section=text /;PARTIAL=0.5 /;PARTIAL=7 ;EXPIRE=2006-12-12T00:00:00Z ?x # "
    b";EXPIRE=9999-12-31T23:59:59-23:59 ;EXPIRE=0001-01-01T00:00:00%2B23:59 ;URLAUTH=authuser ;URLAUTH=user+ "
    b";URLAUTH=submit+a :internal:00ff :"
).split()


def check(octets: bytes) -> None:
    try:
        found = parse(octets)
    except BadUrl:
        return
    octets = write(found)
    again = parse(octets) if octets else found
    assert write(again) == octets


@given(st.binary(max_size=80))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_octets(octets: bytes) -> None:
    check(octets)


@given(st.lists(st.sampled_from(PIECES), max_size=12))
@settings(max_examples=EXAMPLES * 3, deadline=None)
def test_any_pieces(pieces: list[bytes]) -> None:
    check(b"".join(pieces))
