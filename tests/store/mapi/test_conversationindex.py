"""Conversation indexes: layout, inverses, answers, broken octets ([MS-OXOMSG] 2.2.1.3)."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.mapi.conversationindex import (
    MAX_LEVELS,
    ConversationIndex,
    ConversationIndexError,
    ResponseLevel,
    begin,
    decode,
    reply,
)

_THREAD = UUID("d584e2fe-d857-4277-bab5-85fbd4bb2be9")
_START = 0x01CAE55B20E50000
_LEVELS = st.builds(ResponseLevel, st.integers(0, 1), st.integers(0, (1 << 31) - 1), st.integers(0, 15))
_INDEXES = st.builds(
    ConversationIndex,
    st.integers(0, (1 << 40) - 1).map(lambda low: (0x01 << 40 | low) << 16),
    st.uuids(),
    st.lists(_LEVELS, max_size=5).map(tuple),
)


def test_layout() -> None:
    """One reserved octet, five of the time, the GUID in big-endian order, five octets for each answer."""
    index = ConversationIndex(_START, _THREAD, (ResponseLevel(1, 0x11C47, 6),))
    assert index.encode() == bytes.fromhex("01 CAE55B20E5 D584E2FED8574277BAB585FBD4BB2BE9 80011C47 60")


@given(_INDEXES)
def test_inverse(index: ConversationIndex) -> None:
    assert decode(index.encode()) == index


@given(_INDEXES, st.integers(0, (1 << 64) - 1))
def test_an_answer_says_when_it_was_made(parent: ConversationIndex, now: int) -> None:
    answer = reply(parent, now, 3)
    assert answer.encode().startswith(parent.encode())
    level = answer.levels[-1]
    lost = 1 << (23 if level.delta_code else 18)
    if 0 <= now - parent.time < 1 << 54:
        assert now - lost < answer.time_of(level) <= now
    elif now < parent.time:
        assert answer.time_of(level) == parent.time


def test_the_delta_code_goes_by_the_difference() -> None:
    """15 high bits of zeros are code 0, which lasts for 1.7 years; behind that the steps are coarser."""
    first = begin(_START, _THREAD)
    assert reply(first, _START + (1 << 49) - 1, 0).levels == (ResponseLevel(0, (1 << 31) - 1),)
    assert reply(first, _START + (1 << 49), 0).levels == (ResponseLevel(1, 1 << 26),)
    assert reply(first, _START + (1 << 60), 0).levels == (ResponseLevel(1, (1 << 31) - 1),)


def test_a_thread_begins() -> None:
    index = begin(_START + 0xFFFF)
    assert (index.time, index.levels) == (_START, ())
    assert index.guid.version == 4
    assert len(index.encode()) == 22
    assert begin(_START).guid != index.guid


def test_a_thread_without_end_stays_within_bounds() -> None:
    index = ConversationIndex(_START, _THREAD, (ResponseLevel(0, 1),) * MAX_LEVELS)
    answer = reply(index, _START + (9 << 18), 0)
    assert len(answer.levels) == MAX_LEVELS
    assert answer.levels[-1] == ResponseLevel(0, 9)
    with pytest.raises(ConversationIndexError):
        decode(index.encode() + bytes(5))


@given(st.binary(max_size=60), st.booleans())
def test_any_octets_decode_and_come_back_or_are_refused(data: bytes, likely: bool) -> None:
    data = b"\x01" + data if likely else data
    with suppress(ConversationIndexError):
        assert decode(data).encode() == data


@pytest.mark.parametrize(
    "index",
    [
        ConversationIndex(0, _THREAD),
        ConversationIndex(-1, _THREAD),
        ConversationIndex(1 << 64, _THREAD),
        ConversationIndex(_START, _THREAD, (ResponseLevel(2, 0),)),
        ConversationIndex(_START, _THREAD, (ResponseLevel(0, 1 << 31),)),
        ConversationIndex(_START, _THREAD, (ResponseLevel(0, 0, 16),)),
        ConversationIndex(_START, _THREAD, (ResponseLevel(0, 0, 0, -1),)),
    ],
)
def test_fields_that_fit_into_none(index: ConversationIndex) -> None:
    with pytest.raises(ConversationIndexError):
        index.encode()
