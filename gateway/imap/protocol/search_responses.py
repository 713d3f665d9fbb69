"""Builds the responses of the commands that search ([RFC4466] 2.6.2, [RFC4731], [RFC5256] 4, [RFC5267] 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from gateway.imap.protocol.numset import format_set
from gateway.imap.protocol.search_types import Returns
from gateway.imap.protocol.writer import astring, quoted

T = TypeVar("T")


def esearch(tag: bytes, returns: Returns, numbers: Sequence[int], *, uid: bool, modseq: int | None = None) -> bytes:
    """`* ESEARCH (TAG "tag") UID MIN 2 COUNT 3 ...`, for results in their order ([RFC4731] 3.1, [RFC5267] 3.1).

    Ranges ascend, whatever the order ([RFC5267] 3.2, 3.3).

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
    """An ESEARCH response with its search correlator and ready return data ([RFC4466] 2.6.2, [RFC9051] 7.3.4)."""
    return b" ".join((b"* ESEARCH (TAG %b)" % quoted(tag), *([b"UID"] if uid else []), *items)) + b"\r\n"


def correlators(name: bytes, uidvalidity: int) -> bytes:
    """` MAILBOX name UIDVALIDITY n`, `name` ready for the wire ([RFC7377] 4 `one-correlator`)."""
    return b" MAILBOX %b UIDVALIDITY %d" % (name, uidvalidity)


def found_in(tag: bytes, place: bytes, returns: Returns, uids: Sequence[int], modseq: int | None = None) -> bytes:
    """`* ESEARCH (TAG "tag" MAILBOX name UIDVALIDITY n) UID ...`; `place` are correlators ([RFC7377] 2.1)."""
    return _placed(esearch(tag, returns, uids, uid=True, modseq=modseq), tag, place)


def _placed(line: bytes, tag: bytes, place: bytes) -> bytes:
    """Put further correlators behind the tag of an ESEARCH response."""
    head = len(b"* ESEARCH (TAG " + quoted(tag))
    return line[:head] + place + line[head:]


def sort(numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """`* SORT 2 84 882`, with `(MODSEQ n)` where it was asked for ([RFC5256] 4, [RFC7162] 3.1.9)."""
    found = " ".join(["* SORT", *map(str, numbers)])
    return (found if modseq is None else f"{found} (MODSEQ {modseq})").encode("ascii") + b"\r\n"


def thread(roots: Sequence[int], children: Mapping[int, Sequence[int]], numbers: Sequence[int]) -> bytes:
    """`* THREAD (2)(3 6 (4 23)(44 7 96))` ([RFC5256] 4, 5 `thread-data`).

    `roots` and `children` hold places in `numbers`; a place beyond them is a parent that is not there. A single child
    follows its parent, several stand in parentheses each.
    """
    texts = list(map(str, numbers))
    known = len(texts)
    out: list[str] = []
    waiting: list[int] = list(reversed(roots))
    end = -1  # stands for the closing parenthesis of a thread that has split
    while waiting:
        node = waiting.pop()
        if node == end:
            out.append(")")
            continue
        out.append("(")
        blank = ""
        below = children.get(node, ())
        while node < known:
            out.append(texts[node])
            below = children.get(node, ())
            if len(below) != 1:
                blank = " "
                break
            node = below[0]
            out.append(" ")
        if below:
            out.append(blank)
            waiting.append(end)
            waiting += below[::-1]
        else:
            out.append(")")
    return b"* THREAD%b\r\n" % ("".join([" ", *out]).encode("ascii") if out else b"")


def update(
    tag: bytes, word: bytes, pairs: Sequence[tuple[int, Sequence[int]]], *, uid: bool, place: bytes = b""
) -> bytes:
    """`* ESEARCH (TAG "tag") UID ADDTO (1 2731:2733)`, or REMOVEFROM ([RFC5267] 4.3.2, 5 `ret-data-addto`)."""
    moved = b" ".join([b"%d %b" % (position, format_set(numbers)) for position, numbers in pairs])
    return _placed(esearch_line(tag, [b"%b (%b)" % (word, moved)], uid=uid), tag, place)


def noupdate(tag: bytes) -> bytes:
    """`* NO [NOUPDATE "tag"]`: the results of that command are not kept up to date ([RFC5267] 4.3.1)."""
    return b"* NO [NOUPDATE %b] Too many searches to keep up to date.\r\n" % quoted(tag)


def comparator(active: str, matching: Sequence[str]) -> bytes:
    """`* COMPARATOR i;octet`, with all that match if they are several ([RFC5255] 4.8, 4.10 `comparator-data`)."""
    names = [astring(name.encode("ascii")) for name in (active, *(matching if len(matching) > 1 else ()))]
    return b"* COMPARATOR %b%b\r\n" % (names[0], b" (%b)" % b" ".join(names[1:]) if names[1:] else b"")


def inprogress(tag: bytes, done: int, goal: int) -> bytes:
    """`* OK [INPROGRESS ("tag" done goal)]`: how many messages of how many are looked at ([RFC9585] 4, 5).

    The tag is NIL where it holds `]`, and the state where there is no number that may be told.
    """
    name = b"NIL" if b"]" in tag else quoted(tag)
    state = b"%d %d" % (done, goal) if 0 <= done < goal else b"NIL NIL"
    return b"* OK [INPROGRESS (%b %b)] Still at it.\r\n" % (name, state)


def part(results: Sequence[T], bounds: tuple[int, int]) -> Sequence[T]:
    """The results that a PARTIAL range names, in their order ([RFC9394] 3.1).

    The range is counted from 1, or from -1 at the end. The modifier of UID FETCH counts so, too ([RFC9394] 3.3).
    """
    first, last = bounds
    if first > 0:
        return results[first - 1 : last]
    return results[max(len(results) + last, 0) : max(len(results) + first + 1, 0)]
