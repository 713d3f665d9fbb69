"""The full-text index of a mailbox: says of most messages whether a text search holds, without reading them.

It is a folder of segments (store.textindexfile) beside the mailboxes. What it answers is never more than it knows: of
each message `yes`, `no` or `read it`, and the last also of all that is not in it yet. So a search finds the same with
an index, with half of one, and without. It can be removed at any time, and a damaged file is thrown away.

An item is written once and its number is never used again, so what is in a segment stays true. A mailbox that was put
back to an older state would break that: the first question to a segment compares its newest item with the mailbox's.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import sys
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import chain, compress
from pathlib import Path
from typing import Final, NamedTuple
from unicodedata import unidata_version
from zlib import crc32

from sqlalchemy import bindparam, func, select

from store import items
from store.blob import BlobStore
from store.engine import Shard, Statement
from store.errors import NotFound
from store.ids import MailboxRef
from store.index import FolderIndex
from store.mapi.collation import UNICODE_CASEMAP
from store.mapi.restriction import And, Comment, MimeHeader, MimeText, Not, Or, Restriction, walk
from store.schema import item, mailbox
from store.textindexfile import BODY_REGIONS, HEADER_REGIONS, Damaged, OpenSegment, Segment
from store.textindexterms import Clause, Question, question

log = logging.getLogger("oxgate.store")

LOCK: Final = "lock"
"""The file in the folder of an index that is locked by the process that works at it."""
MARK: Final = "searched"
"""The file in the folder of an index whose time of change is that of the last search of texts, within an hour."""
BATCH: Final = 512
"""Messages that are not indexed, from which it is worth while to index them."""
_NAME: Final = re.compile(r"(\d{1,19})-(\d{1,19})\.text")
_GUID: Final = re.compile("[0-9a-f]{32}")
_FIELD_NAME: Final = re.compile("[!-9;-~]+")
_TRIES: Final = 3
_MANY: Final = 10_000
_HOUR: Final = 3600.0
UNUSED: Final = 90 * 86_400.0

SEARCHED: Final = "searched"
ALWAYS: Final = "always"
NEVER: Final = "never"
"""Which mailboxes have an index: those that are searched, all, none."""

Ask = Callable[[], None]
Range = tuple[int, int]

# An item has the number of the placement that it was delivered as.
NEXT_ID = Statement(select(mailbox.c.next_id).where(mailbox.c.mailbox_id == bindparam("m")), "m")
_NEWEST = Statement(
    select(func.max(item.c.item_id)).where(
        item.c.mailbox_id == bindparam("m"), item.c.item_id.between(bindparam("low"), bindparam("high"))
    ),
    "m",
    "low",
    "high",
)


class TextIndexes:
    """The indexes of a store: where they are, and which of them have fallen behind. Safe for several threads.

    `policy` is SEARCHED, ALWAYS or NEVER; with SEARCHED an index that no search asked for `unused` seconds is to go.
    """

    def __init__(
        self, root: Path, *, policy: str = SEARCHED, unused: float = UNUSED, durable: bool, batch: int = BATCH
    ) -> None:
        self._root = root
        self._durable = durable
        self._always = policy == ALWAYS
        self._unused = unused
        self.enabled = policy != NEVER
        self.batch = batch
        self._lock = threading.Lock()
        self._arrived: dict[MailboxRef, int] = {}
        self._due: dict[MailboxRef, None] = {}

    def folder(self, ref: MailboxRef) -> Path:
        """Give the folder of a mailbox's index."""
        return self._root / ref.shard / "text" / ref.guid.hex[:2] / ref.guid.hex

    def of(self, ref: MailboxRef, shard: Shard, blobs: BlobStore) -> TextIndex:
        """Make the index of a mailbox."""
        return TextIndex(
            self.folder(ref), shard, blobs, durable=self._durable, batch=self.batch, ask=lambda: self.ask(ref)
        )

    def arrived(self, ref: MailboxRef, messages: int = 1) -> None:
        """Note that messages come in."""
        if not self.enabled:
            return
        with self._lock:
            count = self._arrived.get(ref, 0) + messages
            if count < self.batch:
                if len(self._arrived) >= _MANY:
                    self._arrived.pop(next(iter(self._arrived)))
                self._arrived[ref] = count
                return
            self._arrived.pop(ref, None)
            self._due[ref] = None

    def ask(self, ref: MailboxRef) -> None:
        """Note that a search had to read much that is not indexed."""
        with self._lock:
            self._due[ref] = None

    def take(self) -> MailboxRef | None:
        """Give a mailbox whose index has fallen behind, the one that waits longest; None if there is none."""
        with self._lock:
            ref = next(iter(self._due), None)
            if ref is not None:
                del self._due[ref]
            return ref

    def wanted(self, ref: MailboxRef) -> bool:
        """Whether a mailbox is to have an index: none has one whose texts nobody searches, unless all have."""
        return self._always or self._in_use(self.folder(ref))

    def _in_use(self, folder: Path) -> bool:
        try:
            return time.time() - (folder / MARK).stat().st_mtime < self._unused
        except OSError:
            return False

    def drop_unused(self, pause: Callable[[], None] = lambda: None) -> int:
        """Remove the indexes that nobody uses; return how many. `pause` may sleep, or raise to stop."""
        dropped = 0
        if self.enabled and not self._always:
            for folder in chain(self._root.glob("text/*/*"), self._root.glob("*/text/*/*")):  # and those of shards
                pause()
                if _GUID.fullmatch(folder.name) and not self._in_use(folder):
                    dropped += _empty(folder)
        return dropped

    def remove(self, ref: MailboxRef) -> None:
        """Remove the index of a mailbox that is removed."""
        shutil.rmtree(self.folder(ref), ignore_errors=True)

    def after_fork(self) -> None:
        """Forget what the parent noted: another of its threads may have held the lock."""
        self._lock = threading.Lock()
        self._arrived, self._due = {}, {}


class Verdict(NamedTuple):
    """Candidates by what the index says of them: those that meet the restriction, and those that must be read."""

    found: list[int]
    doubtful: Sequence[int]


class TextIndex:
    """The index of one mailbox. Safe for several threads and processes."""

    def __init__(
        self,
        folder: Path,
        shard: Shard,
        blobs: BlobStore,
        *,
        durable: bool,
        batch: int = BATCH,
        ask: Ask = lambda: None,
    ) -> None:
        self.folder = folder
        self.shard = shard
        self.blobs = blobs
        self.durable = durable
        self.batch = batch
        self._ask = ask
        self._known: dict[tuple[str, int, int], Segment] = {}
        self._noted = 0.0

    def narrow(self, node: Restriction, index: FolderIndex, places: Sequence[int], signature: int) -> Verdict:
        """Judge candidates by a restriction whose leaves are all MimeText or MimeHeader. Raises Unavailable."""
        column = index.item_ids
        numbers = list(column[: len(places)]) if isinstance(places, range) else [column[place] for place in places]
        ordered = sorted(numbers)
        segments = self.segments(signature)
        indexed = bisect_right(ordered, segments[-1].high) if segments else 0
        many = len(ordered) - indexed >= self.batch
        if (many or (segments and time.time() - self._noted >= _HOUR)) and _asks_text(node):
            self.note_search()
        if many:
            self._ask()
        found: set[int] = set()
        doubtful: set[int] = set()
        covered: list[Range] = []
        for segment in segments:
            if len(_between(ordered, segment.low, segment.high)) < _worth(segment):
                continue
            bounds = self._bounds(node, segment)
            if bounds is not None:
                least, most = bounds
                found.update(compress(segment.items, segment.flags(least)))
                doubtful.update(compress(segment.items, segment.flags(most ^ (most & least))))
                covered.append((segment.low, segment.high))
        if not covered:
            return Verdict([], places)
        for low, high in uncovered(covered):
            doubtful.update(_between(ordered, low, high))
        found -= doubtful  # where segments should overlap
        return Verdict(
            [place for place, number in zip(places, numbers, strict=True) if number in found] if found else [],
            [place for place, number in zip(places, numbers, strict=True) if number in doubtful] if doubtful else [],
        )

    def note_search(self) -> None:
        """Note that the texts of the mailbox are searched: from now on it is to have an index."""
        self._noted = now = time.time()
        mark = self.folder / MARK
        with contextlib.suppress(OSError):  # a search finds the same without
            with contextlib.suppress(FileNotFoundError):
                if now - mark.stat().st_mtime < _HOUR:
                    return
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark.touch(mode=0o600)

    def _bounds(self, node: Restriction, segment: Segment) -> tuple[int, int] | None:
        """Ask a segment; None if it cannot be asked."""
        try:
            if not self.still_true(segment):
                return None
            with closing(segment.open()) as opened:
                return _bounds(node, opened)
        except (Damaged, OSError) as problem:
            self.discard(segment, problem)
            return None

    # ------------------------------------------------------------------------------------------------- the segments

    def segments(self, signature: int | None = None) -> list[Segment]:
        """Give the segments that count, ascending; of one signature only, if given."""
        for _ in range(_TRIES):
            loaded = self._load()
            if loaded is not None:
                return _outermost([one for one in loaded if signature is None or one.signature == signature])
        return []

    def _load(self) -> list[Segment] | None:
        """Read what is there; None if something went while it was read, because it was merged into another."""
        known: dict[tuple[str, int, int], Segment] = {}
        try:
            names = [name for name in os.listdir(self.folder) if _NAME.fullmatch(name)]
        except OSError:
            names = []
        for name in names:
            path = self.folder / name
            try:
                state = path.stat()
                key = (name, state.st_ino, state.st_mtime_ns)
                known[key] = self._known.get(key) or Segment(path)
            except FileNotFoundError:
                return None
            except Damaged:
                with contextlib.suppress(OSError):
                    path.unlink()
            except OSError as problem:
                log.warning("a part of a text index cannot be read: %s", problem)
        self._known = known
        return list(known.values())

    def discard(self, segment: Segment, problem: Exception) -> None:
        """Throw away a segment that cannot be read; one that was merged into another is gone already."""
        if isinstance(problem, Damaged):
            log.warning("a part of a text index is thrown away: %s", problem)
            with contextlib.suppress(OSError):
                segment.path.unlink()

    def still_true(self, segment: Segment) -> bool:
        """Whether a segment speaks of this mailbox as it is: not of one whose item numbers were given out twice."""
        if segment.trusted:
            return True
        with self.shard.committed() as db:
            row = db.one(NEXT_ID, (db.mailbox_id,))
            newest = db.one(_NEWEST, (db.mailbox_id, segment.low, segment.high))
        true = row is not None and row[0] > segment.high
        if true and newest is not None and newest[0] is not None:
            true = self._same(segment, int(newest[0]))
        segment.trusted = true
        if not true:
            self.discard(segment, Damaged("of another state of the mailbox"))
        return true

    def _same(self, segment: Segment, number: int) -> bool:
        try:
            place = segment.items.index(number)
        except ValueError:
            return False
        try:
            with self.shard.committed() as db:
                raw = items.raw(db, self.blobs, number)
        except NotFound:  # gone since its number was read
            return True
        return segment.document(place).checksum == crc32(raw or b"")

    def drop(self) -> None:
        """Remove what is in the index. Searches read the messages until it is made again."""
        _empty(self.folder)


def _empty(folder: Path) -> bool:
    """Remove what is in the folder of an index; tell whether there was anything."""
    removed = False
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name != LOCK:  # it would be of no use to who holds it
                with contextlib.suppress(OSError):
                    (folder / name).unlink()
                    removed = True
    return removed


def _asks_text(node: Restriction) -> bool:
    """Whether a restriction asks for more than header fields, of which each is read quickly."""
    return any(isinstance(part, MimeText) for part, _ in walk(node))


def _worth(segment: Segment) -> int:
    """Give the number of messages that are read as quickly as a segment is asked."""
    return 8 + segment.terms // 4096


def _between(ordered: Sequence[int], low: int, high: int) -> Sequence[int]:
    return ordered[bisect_left(ordered, low) : bisect_right(ordered, high)]


def uncovered(ranges: Sequence[Range], first: int = 1) -> list[Range]:
    """Give what ranges, ascending, leave open; the last one has no end."""
    gaps: list[Range] = []
    for low, high in ranges:
        if low > first:
            gaps.append((first, low - 1))
        first = max(first, high + 1)
    gaps.append((first, (1 << 63) - 1))
    return gaps


def _outermost(segments: list[Segment]) -> list[Segment]:
    """Leave out segments that lie in another: they were merged into it and are about to be removed."""
    kept: list[Segment] = []
    for one in sorted(segments, key=lambda one: (one.low, -one.high)):
        if not kept or one.high > kept[-1].high:
            kept.append(one)
    return kept


def signature_of(version: str) -> int:
    """Make the number that tells segments apart that were made by other rules: of reading, of folding, of cutting."""
    return crc32(f"{version} {unidata_version} {sys.version_info[:2]}".encode())


# ------------------------------------------------------------------------------------------------------- questions


def _bounds(node: Restriction, segment: OpenSegment) -> tuple[int, int]:
    """Give the documents that meet a restriction for sure, and those that may."""
    everything = segment.segment.all
    match node:
        case And(parts):
            least, most = everything, everything
            for part in parts:
                low, high = _bounds(part, segment)
                least, most = least & low, most & high
            return least, most
        case Or(parts):
            least = most = 0
            for part in parts:
                low, high = _bounds(part, segment)
                least, most = least | low, most | high
            return least, most
        case Not(part):
            low, high = _bounds(part, segment)
            return everything ^ high, everything ^ low
        case Comment(_, part) if part is not None:
            return _bounds(part, segment)
        case MimeText(value, headers, collation):
            # What another collation finds this one finds, too, but not the other way round.
            least, most = _text(question(value), segment, headers=headers)
            return least if collation == UNICODE_CASEMAP else 0, most
        case MimeHeader(name, value, addresses) if not addresses and _FIELD_NAME.fullmatch(name):
            # The value of a field is a piece of the header's text, and its name is another.
            _, named = _text(question(name), segment, headers=True, body=False)
            _, most = _text(question(value), segment, headers=True, body=False)
            return 0, named & most
        case _:
            return 0, everything


def _text(wanted: Question, segment: OpenSegment, *, headers: bool, body: bool = True) -> tuple[int, int]:
    if not wanted.clauses:
        return 0, segment.segment.all
    opaque = segment.segment.opaque
    least = most = 0
    for regions, asked in ((HEADER_REGIONS, headers), (BODY_REGIONS, body)):
        if asked:
            low, high = _field(wanted, segment, regions)
            least, most = least | low, most | high
    least &= segment.segment.all ^ opaque
    return least, most | opaque


def _field(wanted: Question, segment: OpenSegment, regions: tuple[int, int, int]) -> tuple[int, int]:
    least, most = segment.segment.all, segment.segment.all
    for clause in wanted.clauses:
        low, high = _clause(clause, segment, regions)
        least, most = least & low, most & high
        if not most:
            break
    return least if wanted.decides else 0, most


def _clause(clause: Clause, segment: OpenSegment, regions: tuple[int, int, int]) -> tuple[int, int]:
    words, windows, pairs = regions
    everything = segment.segment.all
    least = most = 0
    if clause.word:
        least, complete = segment.find(words, clause.word)
        most = least if complete else everything
    if clause.windows:
        high = _all_of(segment, windows, clause.windows)
        most |= high
        if clause.whole and high:
            least |= segment.find(windows, clause.whole)[0]
    if len(clause.pairs) == 1:
        least, complete = segment.find(pairs, clause.pairs[0])
        most = least if complete else everything
    elif clause.pairs:
        most = _all_of(segment, pairs, clause.pairs)
    return least, most


def _all_of(segment: OpenSegment, region: int, patterns: Sequence[bytes]) -> int:
    documents = segment.segment.all
    for pattern in patterns:
        found, complete = segment.find(region, pattern)
        if complete:
            documents &= found
        if not documents:
            break
    return documents
