"""What a FETCH needs, and its messages a batch at a time."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from gateway.imap.commands import sections
from gateway.imap.protocol import writer
from gateway.imap.protocol.fetch_types import (
    BinarySection,
    BinarySize,
    BodySection,
    FetchAttribute,
    FetchItem,
    Preview,
)
from store.index import FolderIndex

FLAG_BATCH = 2000
"""Messages answered at a time when the index alone answers; some 100 KB."""
STATIC_BATCH = 256
"""Messages answered at a time from the stored ENVELOPE and BODYSTRUCTURE; 100 to 200 KB."""

_METADATA = (FetchAttribute.ENVELOPE, FetchAttribute.BODYSTRUCTURE)
_LOOKED_UP = (FetchAttribute.SAVEDATE, FetchAttribute.EMAILID, FetchAttribute.THREADID)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the items of one FETCH come from."""

    items: tuple[FetchItem, ...]
    template: bytes
    metadata: bool
    """ENVELOPE or BODYSTRUCTURE is asked for."""
    headers: bool
    """The stored common header lines answer something."""
    messages: bool
    """Something is answered from the message itself."""
    parts: bool
    """The part table is needed for it."""
    marks_seen: bool
    """\\Seen is set ([RFC3501] 6.4.5, BODY[] without PEEK)."""
    flags: bool
    """FLAGS is asked for."""
    modseq: bool
    """MODSEQ is asked for."""
    reads: tuple[bool, ...]
    """Of each item, whether it is answered from the message itself."""
    binary: bool
    """BINARY or BINARY.SIZE is asked for."""
    looked_up: tuple[FetchItem, ...]
    """What gateway.imap.commands.attributes answers."""

    @property
    def only_messages(self) -> bool:
        """Whether message and index answer everything."""
        return self.messages and not (self.parts or self.metadata or self.headers or self.looked_up)

    @property
    def batch(self) -> int:
        """Messages to answer at a time."""
        return STATIC_BATCH if self.metadata or self.headers or self.messages or self.looked_up else FLAG_BATCH


_known: dict[int, tuple[tuple[FetchItem, ...], Plan]] = {}
_KNOWN_MOST = 512


def plan(items: tuple[FetchItem, ...]) -> Plan:
    """Look at the items. Clients ask for the same few combinations again and again.

    The parser gives the same tuple for the same text, and to compare identities is cheaper than to hash the items.
    """
    known = _known.get(id(items))
    if known is not None and known[0] is items:
        return known[1]
    made = _plan(items)
    if len(_known) >= _KNOWN_MOST:
        _known.clear()
    _known[id(items)] = items, made
    return made


@lru_cache(maxsize=256)
def _plan(items: tuple[FetchItem, ...]) -> Plan:
    bodies = [item for item in items if isinstance(item, BodySection)]
    rare = [item for item in bodies if not sections.is_common(item)]
    binaries = [item for item in items if isinstance(item, (BinarySection, BinarySize))]
    structure = FetchAttribute.BODY in items
    return Plan(
        items=items,
        template=writer.fetch_template(items),
        metadata=any(item in _METADATA for item in items),
        headers=len(rare) < len(bodies),
        messages=bool(rare or binaries) or structure,
        parts=structure or bool(binaries) or any(map(sections.needs_parts, rare)),
        marks_seen=not all(item.peek for item in (*bodies, *binaries) if not isinstance(item, BinarySize)),
        flags=FetchAttribute.FLAGS in items,
        modseq=FetchAttribute.MODSEQ in items,
        reads=tuple(item in rare or item in binaries or item is FetchAttribute.BODY for item in items),
        binary=bool(binaries),
        looked_up=tuple(item for item in items if isinstance(item, Preview) or item in _LOOKED_UP),
    )


class Batch:
    """Some messages: their numbers, their UIDs, and where they stand in the index."""

    __slots__ = ("complete", "numbers", "places", "uids")

    def __init__(self, numbers: Sequence[int], uids: Sequence[int], places: range | list[int], complete: bool) -> None:
        self.numbers = numbers
        self.uids = uids
        self.places = places
        """A range where they are neighbours, which is the rule."""
        self.complete = complete
        """No message that was asked for is missing in the index."""

    def column(self, values: array[int]) -> Sequence[int]:
        """The values of these messages out of a column of the index."""
        places = self.places
        if isinstance(places, range):
            return values[places.start : places.stop]
        return [values[place] for place in places]

    def only(self, uids: Set[int]) -> Batch:
        """The messages with these UIDs."""
        return self._keep([i for i, uid in enumerate(self.uids) if uid in uids])

    def part(self, start: int, stop: int) -> Batch:
        """The messages from `start` to before `stop`, counted in this batch."""
        return self._keep(range(start, stop))

    def changed_since(self, index: FolderIndex, modseq: int) -> Batch:
        """The messages that changed after a mod-sequence ([RFC7162] 3.1.4.1)."""
        return self._keep([i for i, value in enumerate(self.column(index.modseqs)) if value > modseq])

    def _keep(self, wanted: Sequence[int]) -> Batch:
        numbers, uids, places = self.numbers, self.uids, self.places
        if isinstance(wanted, range):
            part = slice(wanted.start, wanted.stop)
            return Batch(numbers[part], uids[part], places[part], self.complete)
        return Batch(
            [numbers[i] for i in wanted], [uids[i] for i in wanted], [places[i] for i in wanted], self.complete
        )


def window(ranges: list[tuple[int, int]], partial: tuple[int, int]) -> list[tuple[int, int]]:
    """Of index ranges (start, stop) the messages that PARTIAL names, negative numbers from the end ([RFC9394] 3.3)."""
    count = sum(stop - start for start, stop in ranges)
    low, high = sorted(number - 1 if number > 0 else count + number for number in partial)
    found = []
    for start, stop in ranges:
        begin, end = start + max(low, 0), min(stop, start + high + 1)
        if begin < end:
            found.append((begin, end))
        low -= stop - start
        high -= stop - start
    return found


def changed(view: array[int], ranges: list[tuple[int, int]], index: FolderIndex, modseq: int) -> list[tuple[int, int]]:
    """Of index ranges the messages that changed after a mod-sequence, as single ones ([RFC9394] 3.4)."""
    numbers = align(view, ranges, index).changed_since(index, modseq).numbers
    return [(number - 1, number) for number in numbers]


def slices(ranges: list[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    """Cut index ranges (start, stop) into groups of at most `size` messages."""
    group: list[tuple[int, int]] = []
    room = size
    for first, stop in ranges:
        start = first
        while start < stop:
            step = min(room, stop - start)
            group.append((start, start + step))
            start += step
            room -= step
            if not room:
                yield group
                group = []
                room = size
    if group:
        yield group


def align(view: array[int], ranges: list[tuple[int, int]], index: FolderIndex) -> Batch:
    """Find the messages of a session's view in the index, which may lack some and know new ones."""
    if len(ranges) == 1:
        start, stop = ranges[0]
        uids: Sequence[int] = view[start:stop]
        place = index.position(uids[0])
        if place >= 0 and index.uids[place : place + len(uids)] == uids:
            return Batch(range(start + 1, stop + 1), uids, range(place, place + len(uids)), True)
    numbers: list[int] = []
    for start, stop in ranges:
        numbers += range(start + 1, stop + 1)
    if len(index.uids) == len(view) and index.uids == view:
        return Batch(numbers, [view[n - 1] for n in numbers], [n - 1 for n in numbers], True)
    position = index.position
    found = [(n, view[n - 1], place) for n in numbers if (place := position(view[n - 1])) >= 0]
    return Batch([f[0] for f in found], [f[1] for f in found], [f[2] for f in found], len(found) == len(numbers))
