"""Sequence sets: parse, resolve against a mailbox, write ([RFC3501] 9 `sequence-set`)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from gateway.imap.protocol.types import STAR, SequenceSet

MAX_NUMBER = 0xFFFF_FFFF
"""Numbers are unsigned 32-bit and not zero."""

_SET = re.compile(rb"(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?(?:,(?:[1-9]\d{0,9}|\*)(?::(?:[1-9]\d{0,9}|\*))?)*")


class BadNumber(ValueError):
    """A message number beyond the end of the mailbox, or a malformed set; the text is fit for the wire."""


def parse_set(text: bytes) -> SequenceSet:
    """Parse a whole sequence set. Raises BadNumber."""
    if not _SET.fullmatch(text):
        raise BadNumber("Malformed sequence set")
    ranges: list[tuple[int, int]] = []
    for item in text.split(b","):
        first, colon, last = item.partition(b":")
        low = STAR if first == b"*" else int(first)
        high = low if not colon else STAR if last == b"*" else int(last)
        if low > MAX_NUMBER or high > MAX_NUMBER:
            raise BadNumber("Number over 4294967295")
        ranges.append((low, high))
    return SequenceSet(tuple(ranges))


def resolve_uids(numbers: SequenceSet, uids: Sequence[int]) -> list[tuple[int, int]]:
    """Index ranges (start, stop) of `uids` that the set of UIDs names: ascending, disjoint, not empty.

    `uids` ascends; `*` is its last one, so that `559:*` names at least that one ([RFC3501] 6.4.8); UIDs that are not
    there are passed over in silence. O(ranges · log n).
    """
    if not uids:
        return []
    last = uids[-1]
    found: list[tuple[int, int]] = []
    for first, second in numbers.ranges:
        low, high = first or last, second or last
        if low > high:
            low, high = high, low
        start = bisect_left(uids, low)
        stop = bisect_right(uids, high, start)
        if start < stop:
            found.append((start, stop))
    return _merge(found)


def sequence_ranges(numbers: SequenceSet, largest: int) -> list[tuple[int, int]]:
    """The message numbers that a set names in a mailbox of `largest` messages: ranges (first, last), both included.

    They ascend and are disjoint; `*` is `largest`. Raises BadNumber for a number beyond it, which a client must not
    name ([RFC3501] 9 `seq-number`). Quirk: a range with `*` on one side is cut to the mailbox, so that `1:*` in an
    empty mailbox names nothing instead of failing.
    """
    found: list[tuple[int, int]] = []
    for first, second in numbers.ranges:
        low, high = first or largest, second or largest
        if low > high:
            low, high = high, low
        if high > largest:
            if first and second:
                raise BadNumber(f"No message {high}: the mailbox has {largest}")
            high = largest
            low = min(low, high)
        if high:
            found.append((max(low, 1) - 1, high))
    return [(start + 1, stop) for start, stop in _merge(found)]


def _merge(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort ranges and join those that overlap or touch."""
    if len(ranges) < 2:
        return ranges
    ranges.sort()
    merged: list[tuple[int, int]] = []
    start, stop = ranges[0]
    for next_start, next_stop in ranges:
        if next_start > stop:
            merged.append((start, stop))
            start, stop = next_start, next_stop
        elif next_stop > stop:
            stop = next_stop
    merged.append((start, stop))
    return merged


def format_set(numbers: Iterable[int]) -> bytes:
    """Write numbers in their order with rising runs joined, `1:3,7`; of ascending numbers this is the shortest set.

    The two sides of COPYUID keep their order this way ([RFC4315] 3). No numbers: empty.
    """
    if isinstance(numbers, list) and len(numbers) > 1:
        low, high = numbers[0], numbers[-1]
        if high - low == len(numbers) - 1 and numbers == list(range(low, high + 1)):
            return _range(low, high)  # many messages are one run mostly: thirty times as quick
    result: list[bytes] = []
    first = last = -1
    for number in numbers:
        if number == last + 1 and last >= 0:
            last = number
            continue
        if last >= 0:
            result.append(_range(first, last))
        first = last = number
    if last >= 0:
        result.append(_range(first, last))
    return b",".join(result)


def uid_runs(numbers: SequenceSet) -> list[range]:
    """The UIDs that a set names in a mailbox of which nothing is known, `*` being the largest there can be.

    They ascend and are disjoint. For what is no longer there ([RFC7162] 3.2.5.1, 3.2.6).
    """
    found: list[tuple[int, int]] = []
    for first, second in numbers.ranges:
        low, high = sorted((first or MAX_NUMBER, second or MAX_NUMBER))
        found.append((low, high + 1))
    return [range(start, stop) for start, stop in _merge(found)]


def runs_of(numbers: Iterable[int]) -> list[range]:
    """Ascending numbers as runs."""
    found: list[range] = []
    start = stop = -1
    for number in numbers:
        if number == stop:
            stop += 1
            continue
        if stop >= 0:
            found.append(range(start, stop))
        start, stop = number, number + 1
    if stop >= 0:
        found.append(range(start, stop))
    return found


def common_runs(some: Sequence[range], others: Sequence[range]) -> list[range]:
    """What is in both of two lists of ascending, disjoint runs."""
    found: list[range] = []
    i = j = 0
    while i < len(some) and j < len(others):
        start, stop = max(some[i].start, others[j].start), min(some[i].stop, others[j].stop)
        if start < stop:
            found.append(range(start, stop))
        if some[i].stop < others[j].stop:
            i += 1
        else:
            j += 1
    return found


def _range(first: int, last: int) -> bytes:
    return b"%d:%d" % (first, last) if last > first else b"%d" % first
