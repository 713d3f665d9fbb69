"""Making the full-text index of a mailbox: reading what is not in it, joining small segments, leaving out what is gone.

One process at a time works at an index; it holds a lock file. What it has done stays if it is stopped at any moment: a
segment is whole when it gets its name, and those that were joined go after the one that takes their place.

Memory: a segment is made of at most FULL messages or MANY_TERMS different terms, which takes some 40 MB while it is
made.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, repeat
from operator import iadd
from typing import Any, Final, NamedTuple
from zlib import crc32

from sqlalchemy import bindparam, func, select

from store import items
from store.engine import Row, Statement
from store.errors import NotFound
from store.findings import Finding
from store.schema import item
from store.searchdocuments import TextReader
from store.textindex import LOCK, MARK, NEXT_ID, Range, TextIndex, signature_of, uncovered
from store.textindexfile import (
    REGIONS,
    Damaged,
    Document,
    OpenSegment,
    Posting,
    Segment,
    numbers_of,
    octets_of,
    write,
)
from store.textindexterms import Terms

FULL: Final = 4096
"""Messages of a segment that is joined with no other."""
MANY_TERMS: Final = 150_000
_FEW_SEGMENTS: Final = 8
_READ: Final = 32
_WEEK: Final = 7 * 86_400.0
_BREATH: Final = 256
"""Terms joined between two pauses."""

Pause = Callable[[], None]
"""Called often while an index is made: may sleep, or raise to stop."""
Progress = Callable[[int, int], None]

_ROWS = Statement(
    select(item.c.item_id, item.c.raw, item.c.raw_id, item.c.parts)
    .where(item.c.mailbox_id == bindparam("m"), item.c.item_id.between(bindparam("low"), bindparam("high")))
    .order_by(item.c.item_id)
    .limit(_READ),
    "m",
    "low",
    "high",
)
_LIVING = Statement(
    select(item.c.item_id).where(
        item.c.mailbox_id == bindparam("m"), item.c.item_id.between(bindparam("low"), bindparam("high"))
    ),
    "m",
    "low",
    "high",
)
_COUNT = Statement(
    select(func.count()).where(
        item.c.mailbox_id == bindparam("m"), item.c.item_id.between(bindparam("low"), bindparam("high"))
    ),
    "m",
    "low",
    "high",
)


class Status(NamedTuple):
    """How far an index is."""

    messages: int
    """Items in the mailbox."""
    indexed: int
    """Of those, in the index."""
    gone: int
    """In the index, no more in the mailbox."""
    segments: int
    terms: int
    size: int
    """Octets on disk."""


def status(index: TextIndex, text: TextReader) -> Status:
    """Tell how far an index is. Raises Unavailable."""
    found = index.segments(signature_of(text.version))
    with index.shard.committed() as db:
        total, living = (
            _count(db, 1, (1 << 63) - 1),
            [_count(db, one.low, one.high) for one in found],
        )
    documents = sum(one.count for one in found)
    return Status(
        total,
        sum(living),
        documents - sum(living),
        len(found),
        sum(one.terms for one in found),
        sum(one.size for one in found),
    )


def check(index: TextIndex, *, repair: bool) -> list[Finding]:
    """Read an index whole and tell which of its parts are damaged; `repair` throws those away.

    That loses nothing but time: a search reads what is not indexed. Raises Unavailable.
    """
    found: list[Finding] = []
    for segment in index.segments():
        try:
            with contextlib.closing(segment.open()) as opened:
                for region in range(REGIONS):
                    deque(opened.postings(region), maxlen=0)
            continue
        except FileNotFoundError:  # joined with others meanwhile
            continue
        except (Damaged, OSError) as error:
            if repair:
                index.discard(segment, error if isinstance(error, Damaged) else Damaged(str(error)))
            text = f"a part of the full-text index cannot be used: {error}"
            remedy = "a repair throws it away; searches read these messages until the server has indexed them again"
            found.append(Finding("text-index", 0, text, remedy, repaired=repair))
    return found


def _count(db: Any, low: int, high: int) -> int:
    row = db.one(_COUNT, (db.mailbox_id, low, high))
    return int(row[0]) if row else 0


def update(
    index: TextIndex, text: TextReader, *, pause: Pause = lambda: None, progress: Progress | None = None
) -> bool:
    """Bring an index up to date; return whether it is, which it is not where another process is at it.

    `progress` is told of messages read, and how many are to be read. Raises Unavailable, and what `pause` raises.
    """
    try:
        index.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(index) as alone:
            if alone:
                _Builder(index, text, pause, progress).run()
            return alone
    except Damaged:  # it is thrown away by now, and made again when next asked
        return False
    except (FileNotFoundError, FileExistsError):  # the index was dropped, or its mailbox removed, meanwhile
        return False


@contextlib.contextmanager
def _locked(index: TextIndex) -> Iterator[bool]:
    with open(index.folder / LOCK, "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


class _Builder:
    """One update of an index."""

    def __init__(self, index: TextIndex, text: TextReader, pause: Pause, progress: Progress | None) -> None:
        self._index = index
        self._shard = index.shard
        self._text = text
        self._pause = pause
        self._progress = progress
        self._signature = signature_of(text.version)
        self._done = self._total = 0

    def run(self) -> None:
        """Remove what does not count, read what is missing, then join."""
        segments = self._sound()
        with self._shard.committed() as db:
            row = db.one(NEXT_ID, (db.mailbox_id,))
        if row is None:
            raise NotFound(f"there is no mailbox {self._shard.mailbox_id}")
        top = int(row[0]) - 1
        gaps = [(low, min(high, top)) for low, high in uncovered([(one.low, one.high) for one in segments])]
        if self._progress is not None:
            with self._shard.committed() as db:
                self._total = sum(_count(db, low, high) for low, high in gaps)
            self._progress(0, self._total)
        for low, high in gaps:
            self._fill(low, high)
        segments = self._join(self._index.segments(self._signature))
        for one in segments:
            self._sweep(one)

    def _sound(self) -> list[Segment]:
        """Give the segments that count, and remove all other files."""
        kept = [one for one in self._index.segments(self._signature) if self._index.still_true(one)]
        names = {one.path.name for one in kept} | {LOCK, MARK}
        for name in os.listdir(self._index.folder):
            if name not in names:
                with contextlib.suppress(OSError):
                    (self._index.folder / name).unlink()
        return kept

    # ------------------------------------------------------------------------------------------------------ reading

    def _fill(self, low: int, high: int) -> None:
        """Index the items of a range."""
        while low <= high:
            batch = _Batch()
            at: int | None = low
            while at is not None and not batch.full:
                at = self._read(batch, at, high)
            end = high if at is None else at - 1
            if batch.documents:
                self._write((low, end), batch.documents, batch.regions(self._pause))
            low = end + 1

    def _read(self, batch: _Batch, low: int, high: int) -> int | None:
        """Take in some items; return the number from which to go on, None at the end."""
        with self._shard.committed() as db:
            rows = db.all(_ROWS, (db.mailbox_id, low, high))
        for row in rows:
            self._pause()
            self._take(batch, row)
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, max(self._done, self._total))
            if batch.full:
                return int(row[0]) + 1
        return int(rows[-1][0]) + 1 if len(rows) == _READ else None

    def _take(self, batch: _Batch, row: Row) -> None:
        number, raw, raw_id, parts = row
        if raw is None and raw_id is not None:
            try:
                with self._shard.committed() as db:
                    raw = items.read_content(db, self._index.blobs, raw_id)
            except NotFound:  # gone since the row was read
                return
        data = bytes(raw or b"")
        header, body = Terms(), Terms()
        if raw is not None:
            pieces = self._text(data, bytes(parts or b"")).text(True)
            header.add(next(pieces, ""))
            for piece in pieces:
                body.add(piece)
                if body.full:
                    break
        batch.add(Document(number, crc32(data), raw is None or header.full or body.full), header, body)

    def _write(self, bounds: Range, documents: Sequence[Document], regions: Iterator[Iterator[Posting]]) -> None:
        path = self._index.folder / f"{bounds[0]}-{bounds[1]}.text"
        write(path, self._signature, bounds, documents, regions, durable=self._index.durable)

    # ------------------------------------------------------------------------------------------------------ joining

    def _join(self, segments: list[Segment]) -> list[Segment]:
        """Join the youngest segments when they are many, and then when they make a full one: each message twice."""
        small = _last(segments, FULL // 4)
        if len(small) >= _FEW_SEGMENTS:
            self._merge(small)
            segments = self._index.segments(self._signature)
        young = _last(segments, FULL)
        while sum(one.count for one in young) >= FULL:
            some = [young.pop(0)]
            while young and sum(one.count for one in [*some, young[0]]) <= FULL + FULL // 2:
                if sum(one.terms for one in [*some, young[0]]) > 2 * MANY_TERMS:
                    break
                some.append(young.pop(0))
            if len(some) > 1:
                self._merge(some)
        return self._index.segments(self._signature)

    def _sweep(self, segment: Segment) -> None:
        """Leave out of a segment what is gone: when it is a fourth, or the segment a week old."""
        with self._shard.committed() as db:
            gone = segment.count - _count(db, segment.low, segment.high)
        if gone and (gone * 4 >= segment.count or time.time() - segment.path.stat().st_mtime > _WEEK):
            self._merge([segment])

    def _merge(self, segments: list[Segment]) -> None:
        """Write one segment in the place of some neighbours, without the items that are gone.

        It will answer for all that lies between them, so there must be nothing: a segment may have been removed since.
        """
        for before, after in pairwise(segments):
            if after.low > before.high + 1:
                with self._shard.committed() as db:
                    if _count(db, before.high + 1, after.low - 1):
                        return
        bounds = segments[0].low, segments[-1].high
        living: list[set[int]] = []
        for one in segments:
            with self._shard.committed() as db:
                living.append({row[0] for row in db.all(_LIVING, (db.mailbox_id, one.low, one.high))})
        documents: list[Document] = []
        maps: list[array[int] | None] = []
        bases: list[int] = []
        for one, left in zip(segments, living, strict=True):
            bases.append(len(documents))
            all_live = left.issuperset(one.items)
            numbers = array("q", bytes(8 * one.count))
            for place in range(one.count):
                document = one.document(place)
                if document.item in left:
                    numbers[place] = len(documents)
                    documents.append(document)
                else:
                    numbers[place] = -1
            maps.append(None if all_live else numbers)
        with contextlib.ExitStack() as stack:
            opened = []
            for one in segments:
                opened.append(one.open())
                stack.callback(opened[-1].close)
            if documents:
                regions = (_joined(opened, region, bases, maps, self._pause) for region in range(REGIONS))
                self._write(bounds, documents, regions)
        replaced = f"{bounds[0]}-{bounds[1]}.text"
        for one in segments:
            if one.path.name != replaced or not documents:
                one.path.unlink(missing_ok=True)


def _last(segments: Sequence[Segment], count: int) -> list[Segment]:
    """Give the segments at the end with fewer messages than `count`, and not very many terms."""
    first = len(segments)
    while first and segments[first - 1].count < count and segments[first - 1].terms < MANY_TERMS:
        first -= 1
    return list(segments[first:])


def _joined(
    segments: Sequence[OpenSegment],
    region: int,
    bases: Sequence[int],
    maps: Sequence[array[int] | None],
    pause: Pause,
) -> Iterator[Posting]:
    """Give the terms of a region of some segments, renumbered: by a base alone, or by a map where some are gone."""
    merged: defaultdict[bytes, bytearray] = defaultdict(bytearray)
    find = merged.__getitem__
    for segment, base, numbers in zip(segments, bases, maps, strict=True):
        for terms, postings in segment.postings(region, base if numbers is None else 0):
            pause()
            if numbers is None:
                deque(map(iadd, map(find, terms), postings), maxlen=0)
                continue
            for term, places in zip(terms, postings, strict=True):
                left = octets_of([new for place in numbers_of(places) if (new := numbers[place]) >= 0])
                if left:
                    merged[term] += left
    yield from _in_order(merged, pause)


def _in_order(postings: dict[bytes, bytearray], pause: Pause) -> Iterator[Posting]:
    for count, term in enumerate(sorted(postings)):
        if not count % _BREATH:
            pause()
        yield term, postings[term]


class _Batch:
    """The documents of a segment in the making, and their terms."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self._regions: list[defaultdict[bytes, bytearray]] = [defaultdict(bytearray) for _ in range(REGIONS)]

    @property
    def full(self) -> bool:
        terms = sum([len(region) for region in self._regions])
        return len(self.documents) >= FULL or terms >= MANY_TERMS

    def add(self, document: Document, header: Terms, body: Terms) -> None:
        """Take in a document. Of one that must be read anyway the terms are not needed."""
        place = len(self.documents).to_bytes(2, "little")
        self.documents.append(document)
        if document.opaque:
            return
        fields = (header.words, header.windows, header.pairs, body.words, body.windows, body.pairs)
        for region, terms in zip(self._regions, fields, strict=True):
            # The most frequent step of all: each term's documents, found or new, get one more.
            deque(map(iadd, map(region.__getitem__, terms), repeat(place)), maxlen=0)

    def regions(self, pause: Pause) -> Iterator[Iterator[Posting]]:
        """Give the regions in order, each with its terms in order."""
        for region in self._regions:
            yield _in_order(region, pause)
