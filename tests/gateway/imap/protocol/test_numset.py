"""Sequence sets ([RFC3501] 9 `sequence-set`)."""

from __future__ import annotations

from array import array
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.imap.protocol.numset import (
    BadNumber,
    format_set,
    parse_set,
    resolve_uids,
    sequence_ranges,
)
from gateway.imap.protocol.types import STAR, SequenceSet
from tests.support.imap_encoder import write_set

limits = st.one_of(st.integers(1, 30), st.just(STAR))
sets = st.lists(st.tuples(limits, limits), min_size=1, max_size=8).map(lambda ranges: SequenceSet(tuple(ranges)))


def named(numbers: SequenceSet, largest: int) -> set[int]:
    """What a set names, straight from the definition: both ends included, in either order."""
    result: set[int] = set()
    for first, last in numbers.ranges:
        low, high = sorted((first or largest, last or largest))
        result.update(range(low, high + 1))
    return result


def test_the_examples_of_the_grammar() -> None:
    """[RFC3501] 9: with 15 messages 2,4:7,9,12:* is 2,4,5,6,7,9,12,13,14,15; with 7 *:4,5:7 is 4,5,6,7"""
    assert sequence_ranges(parse_set(b"2,4:7,9,12:*"), 15) == [(2, 2), (4, 7), (9, 9), (12, 15)]
    assert sequence_ranges(parse_set(b"*:4,5:7"), 10) == [(4, 10)]


def test_ranges_run_either_way() -> None:
    """[RFC3501] 9: 4:2 and 2:4 are equivalent"""
    assert sequence_ranges(parse_set(b"4:2"), 9) == sequence_ranges(parse_set(b"2:4"), 9) == [(2, 4)]


@pytest.mark.parametrize(
    "text", [b"", b"0", b"1:0", b"1,", b",1", b"1::2", b"1:2:3", b"a", b"-1", b"1 ,2", b"01", b"4294967296", b"**"]
)
def test_malformed_sets(text: bytes) -> None:
    with pytest.raises(BadNumber):
        parse_set(text)


def test_the_largest_number() -> None:
    assert parse_set(b"4294967295").ranges == ((4294967295, 4294967295),)


def test_a_number_beyond_the_mailbox_is_an_error() -> None:
    with pytest.raises(BadNumber):
        sequence_ranges(parse_set(b"1:4"), 3)
    with pytest.raises(BadNumber):
        sequence_ranges(parse_set(b"1"), 0)


def test_a_range_up_to_star_is_cut_to_the_mailbox() -> None:
    assert sequence_ranges(parse_set(b"1:*"), 0) == []
    assert sequence_ranges(parse_set(b"*"), 0) == []
    assert sequence_ranges(parse_set(b"7:*"), 3) == [(3, 3)]


def test_uids_up_to_star_always_name_the_last_message() -> None:
    """[RFC3501] 6.4.8: 559:* with 558 as the last UID names 558"""
    assert resolve_uids(parse_set(b"559:*"), [1, 3, 558]) == [(2, 3)]
    assert resolve_uids(parse_set(b"*"), [1, 3, 558]) == [(2, 3)]
    assert resolve_uids(parse_set(b"*:2"), [1, 3, 558]) == [(1, 3)]


def test_uids_that_are_not_there_name_nothing() -> None:
    """[RFC3501] 6.4.8: a non-existent unique identifier is ignored without any error"""
    assert resolve_uids(parse_set(b"2,4:557,600:700"), [1, 3, 558]) == []
    assert resolve_uids(parse_set(b"1:*"), []) == []


@given(sets, st.integers(1, 30))
def test_numbers_by_definition(numbers: SequenceSet, largest: int) -> None:
    wanted = named(numbers, largest)
    explicit = [number for pair in numbers.ranges if STAR not in pair for number in pair]
    if any(number > largest for number in explicit):
        with pytest.raises(BadNumber):
            sequence_ranges(numbers, largest)
        return
    ranges = sequence_ranges(numbers, largest)
    assert {number for first, last in ranges for number in range(first, last + 1)} == {
        number for number in wanted if number <= largest
    }
    flat = [bound for pair in ranges for bound in pair]
    assert flat == sorted(flat)
    assert all(after - before > 1 for (_, before), (after, _) in pairwise(ranges))


@given(sets, st.sets(st.integers(1, 40), min_size=1))
def test_uids_by_definition(numbers: SequenceSet, present: set[int]) -> None:
    uids = array("I", sorted(present))
    found = resolve_uids(numbers, uids)
    picked = [uid for start, stop in found for uid in uids[start:stop]]
    assert picked == sorted(named(numbers, max(present)) & present)


@given(sets)
def test_write_and_parse(numbers: SequenceSet) -> None:
    assert parse_set(write_set(numbers)) == numbers


@given(st.sets(st.integers(1, 200)))
def test_format_names_exactly_the_numbers(numbers: set[int]) -> None:
    text = format_set(sorted(numbers))
    if numbers:
        assert named(parse_set(text), 1) == numbers
        assert all(
            first != last or b":" not in write_set(SequenceSet(((first, last),)))
            for first, last in parse_set(text).ranges
        )
    else:
        assert text == b""


def test_format_joins_runs_and_keeps_order() -> None:
    """[RFC4315] 3: the two sets of COPYUID correspond position by position"""
    assert format_set([1, 2, 3, 7, 9, 10]) == b"1:3,7,9:10"
    assert format_set([9, 3, 4, 1]) == b"9,3:4,1"
    assert format_set([4, 5, 6]) == b"4:6"
    assert format_set([1, 3, 2, 4]) == b"1,3,2,4"
    assert format_set([1, 1, 3]) == b"1,1,3"


def test_a_hundred_thousand_numbers() -> None:
    numbers = parse_set(b",".join(b"%d" % number for number in range(1, 60_000, 2)))
    assert len(resolve_uids(numbers, range(1, 100_001))) == 30_000
    assert format_set(range(1, 100_001)) == b"1:100000"
