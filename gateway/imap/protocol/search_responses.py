"""Builds the responses of the commands that search ([RFC4466] 2.6.2, [RFC4731], [RFC5256] 4, [RFC5267] 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from gateway.imap.protocol.numset import format_set
from gateway.imap.protocol.search_types import Returns
from gateway.imap.protocol.writer import quoted

T = TypeVar("T")


def esearch(tag: bytes, returns: Returns, numbers: Sequence[int], *, uid: bool, modseq: int | None = None) -> bytes:
    """`* ESEARCH (TAG "tag") UID MIN 2 COUNT 3 ...`, for results in their order ([RFC4731] 3.1, [RFC5267] 3.1).

    What asks for a message is left out where there is none ([RFC4731] 3.1). PARTIAL shows its range
    ([RFC9394] 3.1), and NIL where there is nothing in it.
    """
    items: list[bytes] = []
    if numbers:
        if returns.minimum:
            items.append(b"MIN %d" % numbers[0])
        if returns.maximum:
            items.append(b"MAX %d" % numbers[-1])
        if returns.all:
            items.append(b"ALL " + format_set(numbers))
    if returns.count:
        items.append(b"COUNT %d" % len(numbers))
    if returns.partial is not None:
        some = format_set(part(numbers, returns.partial)) or b"NIL"
        items.append(b"PARTIAL (%d:%d %b)" % (*returns.partial, some))
    if modseq is not None:
        items.append(b"MODSEQ %d" % modseq)
    return esearch_line(tag, items, uid=uid)


def esearch_line(tag: bytes, items: Sequence[bytes], *, uid: bool) -> bytes:
    """An ESEARCH response with its search correlator and ready return data ([RFC4466] 2.6.2)."""
    return b" ".join((b"* ESEARCH (TAG %b)" % quoted(tag), *([b"UID"] if uid else []), *items)) + b"\r\n"


def part(results: Sequence[T], bounds: tuple[int, int]) -> Sequence[T]:
    """The results that a PARTIAL range names, in their order ([RFC9394] 3.1).

    The range is counted from 1, or from -1 at the end.
    """
    first, last = bounds
    if first > 0:
        return results[first - 1 : last]
    return results[max(len(results) + last, 0) : max(len(results) + first + 1, 0)]
