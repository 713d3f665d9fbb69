"""Cutting the octets into commands: literals, limits, resynchronisation, modes."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.protocol.framing import (
    LIMITS,
    LIMITS_BEFORE_LOGIN,
    BadFrame,
    Event,
    Frame,
    Framing,
    Limits,
    LiteralWanted,
    RawLine,
)

SMALL = Limits(line=60, command=200, literal=50, append=500, literals=3)


def events(octets: bytes, limits: Limits = SMALL, *, step: int = 0) -> list[Event]:
    framing = Framing(limits)
    found: list[Event] = []
    step = step or len(octets) or 1
    for start in range(0, len(octets), step):
        framing.feed(octets[start : start + step])
        while (event := framing.pull()) is not None:
            found.append(event)
    return found


def test_a_command_without_literals_is_one_line() -> None:
    """[RFC3501] 2.2.1"""
    assert events(b"a1 NOOP\r\na2 CHECK\r\n") == [Frame((b"a1 NOOP",)), Frame((b"a2 CHECK",))]


def test_a_bare_lf_ends_a_line() -> None:
    assert events(b"a1 NOOP\na2 LOGIN {1+}\nx y\n") == [Frame((b"a1 NOOP",)), Frame((b"a2 LOGIN {1+}", b"x", b" y"))]


def test_a_synchronising_literal_asks_for_leave() -> None:
    """[RFC3501] 4.3, 7.5: the LOGIN example with two literals of 11 and 7 octets"""
    framing = Framing(SMALL)
    framing.feed(b"A001 LOGIN {11}\r\n")
    assert framing.pull() == LiteralWanted()
    assert framing.pull() is None
    framing.feed(b"FRED FOOBAR {7}\r\n")
    assert framing.pull() == LiteralWanted()
    framing.feed(b"fat man\r\n")
    assert framing.pull() == Frame((b"A001 LOGIN {11}", b"FRED FOOBAR", b" {7}", b"fat man", b""))
    assert framing.idle


def test_a_non_synchronising_literal_needs_no_leave() -> None:
    """[RFC7888] 3"""
    assert events(b"A001 LOGIN {11+}\r\nFRED FOOBAR {7+}\r\nfat man\r\n") == [
        Frame((b"A001 LOGIN {11+}", b"FRED FOOBAR", b" {7+}", b"fat man", b""))
    ]


def test_a_literal_may_hold_line_ends_and_what_looks_like_a_command() -> None:
    """[RFC3501] 4.3.1: any octets"""
    assert events(b"a APPEND x {12+}\r\nb LOGOUT\r\n{9}\r\n")[0] == Frame(
        (b"a APPEND x {12+}", b"b LOGOUT\r\n{9", b"}")
    )


def test_an_empty_literal() -> None:
    assert events(b"a LOGIN {0+}\r\n {0+}\r\n\r\n", step=1) == [Frame((b"a LOGIN {0+}", b"", b" {0+}", b"", b""))]


def test_empty_lines_between_commands_are_passed_over() -> None:
    assert events(b"\r\na NOOP\r\n\r\n\n") == [Frame((b"a NOOP",))]


def test_only_the_message_of_an_append_may_be_large() -> None:
    """[RFC3501] 6.3.11"""
    framing = Framing(SMALL)
    framing.feed(b"a APPEND inbox (\\Seen) {400}\r\n")
    assert framing.pull() == LiteralWanted()
    framing.feed(b"x" * 400 + b"\r\nb append {5+}\r\ninbox {400}\r\n")
    assert framing.pull() == Frame((b"a APPEND inbox (\\Seen) {400}", b"x" * 400, b""))
    assert framing.pull() == LiteralWanted()


def test_the_mailbox_name_of_an_append_may_not() -> None:
    assert events(b"a APPEND {400}\r\n") == [
        BadFrame(b"a", b"BAD", b"", "Literal of 400 octets is over the limit of 50"),
    ]


def test_a_message_over_the_limit_is_refused_before_it_is_sent() -> None:
    """[RFC3501] 7.5: the client that is answered with its tag sends no literal"""
    found = events(b"a APPEND inbox {501}\r\nb NOOP\r\n")
    assert found == [
        BadFrame(b"a", b"NO", b"TOOBIG", "Message of 501 octets is over the limit of 500"),
        Frame((b"b NOOP",)),
    ]


@pytest.mark.parametrize("step", [0, 1, 7])
def test_a_message_that_comes_unasked_is_swallowed(step: int) -> None:
    """[RFC7888] 4: exactly the announced octets, and the rest of the command"""
    found = events(b"a APPEND inbox {501+}\r\n" + b"z NOOP\r\n" * 62 + b"12345\r\nb NOOP\r\n", step=step)
    assert found == [
        BadFrame(b"a", b"NO", b"TOOBIG", "Message of 501 octets is over the limit of 500"),
        Frame((b"b NOOP",)),
    ]


@pytest.mark.parametrize("step", [0, 1, 5])
def test_a_literal_over_the_limit_is_swallowed_with_all_that_follows_in_its_command(step: int) -> None:
    found = events(b"a LOGIN {51+}\r\n" + b"x" * 51 + b" {3+}\r\n\r\n\n y\r\nb NOOP\r\n", step=step)
    assert found == [
        BadFrame(b"a", b"BAD", b"", "Literal of 51 octets is over the limit of 50"),
        Frame((b"b NOOP",)),
    ]


def test_after_a_swallowed_literal_a_synchronising_one_ends_the_command() -> None:
    found = events(b"a LOGIN {51+}\r\n" + b"x" * 51 + b" {3}\r\nb NOOP\r\n")
    assert [type(event) for event in found] == [BadFrame, Frame]


def test_huge_announcements_are_numbers_all_the_same() -> None:
    found = events(b"a LOGIN {99999999999999999999}\r\nb NOOP\r\n")
    assert [type(event) for event in found] == [BadFrame, Frame]
    framing = Framing(SMALL)
    framing.feed(b"a LOGIN {99999999999999999999+}\r\n")
    for _ in range(100):
        framing.feed(b"x" * 1000)
        assert framing.pull() is None
    assert framing.buffered == 0


@pytest.mark.parametrize("step", [0, 1, 13])
def test_an_overlong_line_gives_one_bad(step: int) -> None:
    found = events(b"a NOOP " + b"x" * 500 + b"\r\nb NOOP\r\n", step=step)
    assert found == [BadFrame(b"a", b"BAD", b"", "Line is over the limit of 60 octets"), Frame((b"b NOOP",))]


@pytest.mark.parametrize("step", [0, 1, 13])
def test_an_overlong_line_may_announce_a_literal(step: int) -> None:
    found = events(b"a LOGIN " + b"x" * 500 + b" {9+}\r\nc LOGOUT\n\r\nb NOOP\r\n", step=step)
    assert found == [BadFrame(b"a", b"BAD", b"", "Line is over the limit of 60 octets"), Frame((b"b NOOP",))]


def test_the_limit_itself_is_allowed() -> None:
    line = b"a NOOP " + b"x" * 53
    for step in (0, 1):
        assert events(line + b"\r\n", step=step) == [Frame((line,))]
        assert events(line + b"\n", step=step) == [Frame((line,))]
        assert isinstance(events(line + b"x\r\n", step=step)[0], BadFrame)


def test_an_overlong_line_without_a_tag() -> None:
    found = events(b"x" * 500 + b"\r\n")
    assert isinstance(found[0], BadFrame)
    assert found[0].tag == b"*"


def test_an_overlong_line_after_a_literal_keeps_the_tag() -> None:
    found = events(b"a LOGIN {1+}\r\nx" + b"y" * 61 + b"\r\n")
    assert isinstance(found[0], BadFrame)
    assert found[0].tag == b"a"


def test_too_many_literals_and_too_long_a_command() -> None:
    many = events(b"a SEARCH" + b" {1+}\r\nx" * 4 + b"\r\nb NOOP\r\n")
    assert many == [BadFrame(b"a", b"BAD", b"", "More than 3 literals"), Frame((b"b NOOP",))]
    long = events(b"a SEARCH" + b" {50+}\r\n%b" % (b"x" * 50) * 4 + b"\r\nb NOOP\r\n", replace(SMALL, literals=10))
    assert long == [BadFrame(b"a", b"BAD", b"", "Command too long"), Frame((b"b NOOP",))]


def test_a_raw_line_may_be_pipelined() -> None:
    """[RFC3501] 6.2.2: the line after the challenge is no command, whenever it has come"""
    framing = Framing()
    framing.feed(b"a AUTHENTICATE PLAIN\r\nAGEAYg==\r\nb NOOP\r\n")
    assert framing.pull() == Frame((b"a AUTHENTICATE PLAIN",))
    framing.expect_line()
    assert framing.pull() == RawLine(b"AGEAYg==")
    assert framing.pull() == Frame((b"b NOOP",))


@pytest.mark.parametrize("size", [17_408, 17_409])
@pytest.mark.parametrize("step", [0, 1000])
def test_a_raw_line_has_its_own_limit(size: int, step: int) -> None:
    framing = Framing(replace(LIMITS, line=100))
    framing.expect_line()
    octets = b"A" * size + b"\r\nDONE\r\n"
    found = []
    for start in range(0, len(octets), step or len(octets)):
        framing.feed(octets[start : start + (step or len(octets))])
        while (event := framing.pull()) is not None:
            found.append(event)
    assert found[0] == (RawLine(b"A" * size) if size <= 17_408 else RawLine(b"", overlong=True))
    assert found[1:] == [Frame((b"DONE",))]


def test_a_raw_line_is_never_a_literal() -> None:
    framing = Framing()
    framing.expect_line()
    framing.feed(b"x {5+}\r\na NOOP\r\n")
    assert framing.pull() == RawLine(b"x {5+}")
    assert framing.pull() == Frame((b"a NOOP",))


def test_discard_forgets_what_was_sent_in_the_clear() -> None:
    """[RFC3501] 6.2.1, 11.1: nothing behind STARTTLS is a command"""
    framing = Framing()
    framing.feed(b"a STARTTLS\r\nb NOOP\r\nc LOG")
    assert framing.pull() == Frame((b"a STARTTLS",))
    framing.feed(b"OUT\r\n")
    assert framing.discard() == 18
    assert framing.pull() is None
    framing.feed(b"d NOOP\r\n")
    assert framing.pull() == Frame((b"d NOOP",))


def test_limits_may_change_between_two_commands() -> None:
    framing = Framing(SMALL)
    framing.feed(b"a LOGIN b c\r\nd FETCH " + b"1," * 100 + b"1 FLAGS\r\n")
    framing.pull()
    framing.limits = LIMITS
    assert isinstance(framing.pull(), Frame)


def test_before_login_nothing_large_is_taken() -> None:
    found = events(b"a APPEND inbox {4097}\r\n" + b"b LOGIN {4096}\r\n", LIMITS_BEFORE_LOGIN)
    assert [type(event) for event in found] == [BadFrame, LiteralWanted]


@given(
    st.lists(st.sampled_from([b"a", b" ", b"{", b"}", b"3", b"+", b"\r\n", b"\n", b"{3+}\r\n", b"{99+}\r\n", b"\r"])),
    st.data(),
)
def test_any_split_gives_the_same_events(pieces: list[bytes], data: st.DataObject) -> None:
    octets = b"".join(pieces)
    whole = events(octets)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(octets)), max_size=8)))
    framing = Framing(SMALL)
    found = []
    for start, stop in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        framing.feed(octets[start:stop])
        while (event := framing.pull()) is not None:
            found.append(event)
    assert found == whole


def test_single_octets_cost_no_more_than_linear_time() -> None:
    def cost(size: int) -> float:
        framing = Framing(LIMITS)
        octets = b"a FETCH " + b"1" * size
        start = time.process_time()
        for octet in octets:
            framing.feed(bytes((octet,)))
            framing.pull()
        return time.process_time() - start

    cost(2000)
    small = min(cost(5_000) for _ in range(3))
    assert min(cost(50_000) for _ in range(3)) < 10 * small * 4


def test_small_pieces_take_no_more_memory_than_their_octets() -> None:
    framing = Framing(LIMITS)
    framing.feed(b"a APPEND x {4000000+}\r\n")
    framing.pull()
    tracemalloc.start()
    for _ in range(100_000):
        framing.feed(bytes(3))
        framing.pull()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 1_000_000


def test_octets_that_wait_are_counted_without_being_looked_at() -> None:
    framing = Framing(LIMITS)
    start = time.process_time()
    for number in range(100_000):
        framing.feed(b"x")
        assert framing.buffered == number + 1
    assert time.process_time() - start < 2
    framing.pull()
    assert framing.buffered == 0


def test_a_literal_in_one_piece_is_not_copied_again() -> None:
    framing = Framing(LIMITS)
    framing.feed(b"a APPEND x {1000000+}\r\n")
    framing.pull()
    message = bytes(1_000_000)
    framing.feed(message)
    framing.feed(b"\r\n")
    frame = framing.pull()
    assert isinstance(frame, Frame)
    assert frame.parts[1] is message
