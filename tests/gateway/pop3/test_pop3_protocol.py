"""The sans-IO parts, and the error table."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.pop3.errors import LOGON_REPLIES, STORE_REPLIES, reply_for
from gateway.pop3.maildrop import Maildrop
from gateway.pop3.protocol import (
    RESPONSE_LIMIT,
    Framing,
    LineTooLong,
    Stuffer,
    TopCutter,
    message_number,
    parse,
    stuffed,
)
from gateway.pop3.texts import Voice
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


LINES = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"a", b"\r\n\r\n", b"\r\n."]), max_size=30).map(b"".join)


def cut(raw, sizes):
    """Pieces of these sizes, the rest in one."""
    out = []
    for size in sizes:
        out.append(raw[:size])
        raw = raw[size:]
    return [piece for piece in (*out, raw) if piece]


@settings(deadline=None)
@given(LINES, st.lists(st.integers(1, 6), max_size=20))
def test_stuffing_does_not_depend_on_the_pieces(raw, sizes):
    """[RFC1939] 3, against a plain implementation by lines."""
    stuffer = Stuffer()
    wire = b"".join(map(stuffer.feed, cut(raw, sizes))) + stuffer.finish()
    lines = raw.split(b"\r\n")
    if not lines[-1]:
        lines.pop()
    assert wire == b"".join([b"." * line.startswith(b".") + line + b"\r\n" for line in lines]) + b".\r\n"
    assert wire == stuffed(raw) + b".\r\n"


@settings(deadline=None)
@given(LINES, st.lists(st.integers(1, 6), max_size=20), st.integers(0, 5))
def test_top_against_a_plain_implementation(raw, sizes, lines):
    """[RFC1939] 7 TOP: the header, a blank line whatever the message, and that many lines of the body."""
    cutter = TopCutter(lines)
    pieces = cut(raw, sizes)
    found = b""
    while pieces and not cutter.done:
        found += cutter.feed(pieces.pop(0))
    found += cutter.finish()
    if raw.startswith(b"\r\n"):
        head, body = b"\r\n", raw[2:]
    elif b"\r\n\r\n" in raw:
        head, _, body = raw.partition(b"\r\n\r\n")
        head += b"\r\n\r\n"
    else:
        head, body = raw, b""
        head += b"\r\n" if raw.endswith(b"\r\n") or not raw else b"\r\n\r\n"
    assert found == head + b"".join(body.splitlines(keepends=True) and re.findall(rb"[^\n]*\n|[^\n]+", body)[:lines])


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(1, 5)), max_size=12),
    st.lists(st.one_of(st.integers(0, 13), st.none()), max_size=20),
)
def test_the_maildrop_against_a_plain_one(messages, commands):
    """[RFC1939] 5: marks, totals and listings; None is RSET."""
    sizes, items = [size for size, _ in messages], [item for _, item in messages]
    repeated = [at + 1 for at, item in enumerate(items) if item in items[:at]]
    drop = Maildrop(range(1, len(sizes) + 1), sizes, items, repeated)
    drop.name = b"7"
    marked = set()
    for number in commands:
        if number is None:
            drop.unmark_all()
            marked.clear()
            continue
        at = drop.position(number)
        assert at == (number - 1 if 1 <= number <= len(sizes) and number not in marked else None)
        if at is not None:
            drop.mark(at)
            marked.add(number)
    left = [number for number in range(1, len(sizes) + 1) if number not in marked]
    assert drop.remaining() == (len(left), sum(sizes[number - 1] for number in left))
    assert b"".join(drop.scan_listing()) == b"".join(b"%d %d\r\n" % (n, sizes[n - 1]) for n in left)
    named = [line.split() for line in b"".join(drop.unique_ids()).splitlines()]
    assert [int(number) for number, _ in named] == left
    assert [name for _, name in named] == [drop.unique_id(number - 1) for number in left]
    assert len({name for _, name in named}) == len(left)
    assert drop.doomed() == sorted(marked)


def test_unique_ids_name_the_content():
    """[RFC1939] 7 UIDL: one that came when its content was there has its UID behind it."""
    drop = Maildrop([3, 5, 9, 12], [1, 1, 1, 1], [8, 2, 8, 3], repeated=[9])
    drop.name = b"7"
    assert b"".join(drop.unique_ids()) == b"1 7.8\r\n2 7.2\r\n3 7.8.9\r\n4 7.3\r\n"
    most = Maildrop([2**32 - 1] * 2, [1, 1], [2**64 - 1] * 2, repeated=[2**32 - 1])
    most.name = b"x" * 12
    assert max(map(len, map(most.unique_id, (0, 1)))) == 44 <= 70


@pytest.mark.parametrize("leaf", leaves(StoreError))
def test_every_store_error_has_a_row(leaf):
    """[RFC2449] 8, [RFC3206] 4: with a response code; its own row, or that of the kind of error that it is."""
    assert any(kind in STORE_REPLIES for kind in leaf.__mro__)
    assert Voice().err(*reply_for(leaf("text"))).startswith(b"-ERR [SYS/")


def test_every_logon_refusal_has_a_row():
    assert set(LOGON_REPLIES) == set(RefusalKind)
