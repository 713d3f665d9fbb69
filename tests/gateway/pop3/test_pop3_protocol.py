"""The sans-IO parts, and the error table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pop3.errors import LOGON_REPLIES, STORE_REPLIES, reply_for
from gateway.pop3.maildrop import Maildrop
from gateway.pop3.protocol import RESPONSE_LIMIT, Framing, LineTooLong, message_number, parse, stuffed, top
from gateway.services.logon import RefusalKind
from store.errors import StoreError
from tests.gateway.smtp.test_errors import leaves


def drain(framing):
    found = []
    while True:
        try:
            line = framing.line()
        except LineTooLong:
            found.append("too long")
            continue
        if line is None:
            return found
        found.append(line)


@settings(deadline=None)
@given(
    st.lists(st.binary(max_size=30).filter(lambda b: b"\n" not in b and b"\r" not in b), max_size=20),
    st.lists(st.integers(1, 40), max_size=50),
)
def test_lines_come_out_however_they_are_cut(lines, sizes):
    stream = b"".join(line + b"\r\n" for line in lines)
    framing, found = Framing(), []
    for size in [*sizes, len(stream)]:
        framing.feed(stream[:size])
        stream = stream[size:]
        found += drain(framing)
    assert found == lines


@pytest.mark.parametrize("piece", [1 << 20, 1000])
def test_a_long_line_is_dropped_and_reported_once(piece):
    stream = b"x" * (RESPONSE_LIMIT * 5) + b"\r\nNOOP\r\n"
    framing, found = Framing(), []
    for at in range(0, len(stream), piece):
        framing.feed(stream[at : at + piece])
        found += drain(framing)
        assert framing.buffered <= RESPONSE_LIMIT
    assert found == ["too long", b"NOOP"]


def test_parse_keeps_blanks_of_the_argument():
    """[RFC1939] 7 PASS: blanks belong to the password."""
    assert parse(b"pass  a b ") == ("PASS", b" a b ")
    assert parse(b"QUIT") == ("QUIT", b"")
    assert [message_number(word) for word in (b"12", b"", b"-1", b"1x", b"\xb2")] == [12, None, None, None, None]


@settings(deadline=None)
@given(st.lists(st.sampled_from([b".", b"..", b"a", b"", b".a", b"a.b"])))
def test_stuffing_can_be_undone(lines):
    """[RFC1939] 3."""
    raw = b"".join(line + b"\r\n" for line in lines)
    wire = (stuffed(raw) + b".\r\n").split(b"\r\n")
    assert wire[-2:] == [b".", b""]
    assert b"." not in wire[:-2]
    assert [line[1:] if line.startswith(b".") else line for line in wire[:-2]] == lines


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 5))
def test_top_always_has_the_blank_line(raw, header_end, lines):
    """[RFC1939] 7 TOP: the header is separated from the body."""
    cut = top(raw, min(header_end, len(raw)), lines)
    assert b"\r\n\r\n" in cut or cut.startswith(b"\r\n")


def test_maildrop_counts():
    drop = Maildrop(7, [3, 5, 9], [10, 20, 30], [1, 2, 3])
    assert drop.remaining() == (3, 60)
    drop.deleted.add(1)
    assert drop.remaining() == (2, 40)
    assert drop.position(2) is None
    assert drop.doomed() == [5]
    assert drop.unique_ids() == [b"1 7-3", b"3 7-9"]


@pytest.mark.parametrize("leaf", leaves(StoreError))
def test_every_store_error_has_a_row(leaf):
    """[RFC2449] 8, [RFC3206] 4: with a response code."""
    assert reply_for(leaf("text")) == STORE_REPLIES[leaf]
    assert STORE_REPLIES[leaf].startswith(b"-ERR [SYS/")


def test_every_logon_refusal_has_a_row():
    assert set(LOGON_REPLIES) == set(RefusalKind)
