"""The parts of a search that read rows: properties, header fields, text, and the date in the Date: field.

Rows are read in chunks, each by one query, and are asked one predicate made once for the whole search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import Any, Final, cast

from sqlalchemy import bindparam, func, select

from store import items
from store.blob import BlobStore
from store.engine import Row, Shard, Statement, one_of
from store.errors import NotFound
from store.ids import MessageFlag
from store.index import FolderIndex
from store.mapi.bag import BagView, decode_attachments, decode_recipients
from store.mapi.matching import COMPARISONS, Bag, compile_predicate
from store.mapi.restriction import (
    PLACEMENT_TAGS,
    Bitmask,
    CompareProperties,
    Content,
    Exist,
    MimeHeader,
    MimeText,
    Property,
    Restriction,
    Size,
    SubObject,
    TagSentDate,
    UidIn,
    tags_of,
    walk,
)
from store.mapi.tags import PidTagHasAttachments, PidTagMessageFlags, PidTagMessageSize, PidTagMessageSizeExtended
from store.mapi.types import unix_from_filetime
from store.reading import MimeReader, read_items
from store.schema import content, item
from store.searchdocuments import Documents, Question, TextReader, day_of
from store.textindex import TextIndex, signature_of


class Source(IntEnum):
    """What a test has to read, cheapest first."""

    INDEX = 0
    SENT = 1
    BAG = 2
    COMMON = 3
    HEADER = 4
    TEXT = 5


COMMON_FIELDS: Final = frozenset(
    (
        *("bcc", "cc", "content-type", "date", "from", "in-reply-to", "list-id", "message-id"),
        *("references", "reply-to", "sender", "subject", "to"),
    )
)
"""Header fields, in lower case, answered from `item.common_header`.

Every such block ever written holds them: conversion.mime.rendition may collect more of them, never fewer.
"""

_CHUNK = 256
"""Headers read at a time: joined they are small enough for malloc to keep the memory (gateway.runtime.memory)."""
_TEXT_CHUNK = 64
_LARGE = 64 << 10
"""Octets above which messages that are not in their item's row are read one by one, for the sake of memory."""
_FEW = 32
"""Messages that are read as quickly as the index of their text is asked."""

Progress = Callable[[int, int], None]
"""Told how many messages were read, and how many are to be read in all: a number that grows if there is more to read.

Called in the thread of the search, after some dozens of messages at most. What it raises ends the search.
"""
_DAY = 86_400


def _pair(*columns: Any) -> tuple[Statement, Statement]:
    """A statement for items in a range of numbers, in their order, and one for a list of them, with their numbers."""
    owned = item.c.mailbox_id == bindparam("m")
    between = item.c.item_id.between(bindparam("low"), bindparam("high"))
    return (
        Statement(select(*columns).where(owned, between).order_by(item.c.item_id), "m", "low", "high"),
        Statement(select(item.c.item_id, *columns).where(owned, one_of(item.c.item_id, "items")), "m", "items"),
    )


_BAGS = _pair(item.c.props, item.c.recips, item.c.atts)
_PROPS = _pair(item.c.props)
_SENT = _pair(item.c.submit_time)
_COMMON = _pair(item.c.common_header)
_HEADERS = _pair(func.substr(item.c.raw, 1, item.c.header_length), item.c.raw_id, item.c.header_length)
_RAWS = _pair(
    func.coalesce(
        item.c.raw,
        select(content.c.data)
        .where(content.c.mailbox_id == bindparam("m"), content.c.content_id == item.c.raw_id, content.c.size <= _LARGE)
        .scalar_subquery(),
    ),
    item.c.raw_id,
    item.c.parts,
)
_STATEMENTS: Final = {Source.COMMON: _COMMON, Source.HEADER: _HEADERS, Source.TEXT: _RAWS}

_OVERLAID: Final = frozenset((PidTagMessageFlags, PidTagMessageSize, PidTagMessageSizeExtended))
"""Properties that come from the placement: the bag's own value is that of the delivery."""


def source_of(node: Restriction) -> Source | None:
    """Tell what a leaf has to read; None for a form that is made of others."""
    match node:
        case Property(_, tag, _) | Bitmask(tag, _, _) if tag in PLACEMENT_TAGS:
            return Source.INDEX
        case UidIn():
            return Source.INDEX
        case Property(_, tag, _) if tag == TagSentDate:
            return Source.SENT
        case Content() | Property() | CompareProperties() | Bitmask() | Size() | Exist() | SubObject():
            return Source.BAG
        case MimeHeader(name, _):
            return Source.COMMON if name.lower() in COMMON_FIELDS else Source.HEADER
        case MimeText():
            return Source.TEXT
        case _:
            return None


class Rows:
    """Reads the rows of candidates and keeps those that meet a predicate."""

    def __init__(
        self,
        shard: Shard,
        blobs: BlobStore,
        index: FolderIndex,
        text: TextReader,
        reader: MimeReader | None,
        *,
        texts: TextIndex | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._shard = shard
        self._blobs = blobs
        self._index = index
        self._text = text
        self._reader = reader
        self._texts = texts
        self._progress = progress
        self._done = self._total = 0
        self.gone: set[int] = set()
        """Candidates that were expunged meanwhile: what was said of them, or of NOT of that, is worth nothing."""

    def narrow(self, source: Source, node: Restriction, places: Sequence[int]) -> list[int]:
        """Return those of the candidates that meet a restriction all of whose leaves need `source`."""
        if source is Source.BAG:
            return self._by_bag(node, places)
        known: list[int] = []
        if self._texts is not None and source >= Source.HEADER and len(places) > _FEW:
            known, places = self._texts.narrow(node, self._index, places, signature_of(self._text.version))
        question = Question(node, self._text)
        found: list[int] = []
        for some in self._chunks(places, _CHUNK if source is Source.COMMON else _TEXT_CHUNK):
            found += question.holds_of(self._documents(source, some))
        return sorted(found + known) if known else found

    def _chunks(self, places: Sequence[int], size: int) -> Iterator[Sequence[int]]:
        """Cut the candidates to chunks, and tell how far they are."""
        progress = self._progress
        self._total += len(places)
        for start in range(0, len(places), size):
            yield places[start : start + size]
            self._done += min(size, len(places) - start)
            if progress is not None:
                progress(self._done, self._total)

    def _by_bag(self, node: Restriction, places: Sequence[int]) -> list[int]:
        predicate = compile_predicate(node)
        overlaid = any(tag in _OVERLAID for part, _ in walk(node) for tag in tags_of(part))
        whole = any(isinstance(part, SubObject) for part, _ in walk(node))
        statement = _BAGS if whole else _PROPS
        found: list[int] = []
        for some in self._chunks(places, _TEXT_CHUNK):
            read_items(self._shard, self._blobs, self._reader, (self._index.item_ids[place] for place in some))
            for place, row in zip(some, self._rows(statement, some), strict=True):
                if row is not None and predicate(_Stored(self._bag(row[0], place, overlaid), row)):
                    found.append(place)
        return found

    def _bag(self, props: bytes, place: int, overlaid: bool) -> Bag:
        stored = BagView(bytes(props))
        if not overlaid:
            return cast(Bag, stored)
        size = self._index.sizes[place]
        flags = self._index.flags[place] & 0xFFFF
        if stored.get(PidTagHasAttachments):  # the placement learns of it when the item is read, the index later
            flags |= MessageFlag.HAS_ATTACHMENT
        return {**stored, PidTagMessageFlags: flags, PidTagMessageSize: size, PidTagMessageSizeExtended: size}

    def _rows(self, pair: tuple[Statement, Statement], places: Sequence[int]) -> list[Row | None]:
        """Read columns of the items of candidates, in their order; None for one that is gone, which is noted."""
        if isinstance(places, range):
            identifiers: Sequence[int] = self._index.item_ids[places.start : places.stop]
        else:
            identifiers = [self._index.item_ids[place] for place in places]
        if not identifiers:
            return []
        low, high = identifiers[0], identifiers[-1]
        with self._shard.read() as db:
            if high - low == len(identifiers) - 1 and list(identifiers) == list(range(low, high + 1)):
                rows = db.all(pair[0], (db.mailbox_id, low, high))
                if len(rows) == len(identifiers):
                    return cast("list[Row | None]", rows)
            rows = db.all(pair[1], (db.mailbox_id, db.array(set(identifiers))))
        by_item = {row[0]: row[1:] for row in rows}
        self.gone.update(place for place, each in zip(places, identifiers, strict=True) if each not in by_item)
        return [by_item.get(each) for each in identifiers]

    def _documents(self, source: Source, places: Sequence[int]) -> Documents:
        """Give the octets that a text test reads: common header, header, or the whole message with its part table."""
        rows = self._rows(_STATEMENTS[source], places)
        whole = source is Source.TEXT
        if source is Source.COMMON and None not in rows:
            octets = [row[0] for row in cast("list[Row]", rows)]
            if None not in octets:
                return Documents(places, octets, ())
        found: list[int] = []
        octets, tables = [], []
        for place, row in zip(places, rows, strict=True):
            if row is None:
                continue
            block = row[0]
            if block is None and len(row) > 1:
                block = self._large(row[1], None if whole else row[2], place)
            if block is not None:
                found.append(place)
                octets.append(block)
                if whole:
                    tables.append(row[2] or b"")
        return Documents(found, octets, tables)

    def _large(self, raw_id: int | None, length: int | None, place: int) -> bytes | None:
        """Read from the content row what does not stand in the item's own."""
        if raw_id is None:
            return None
        try:
            with self._shard.read() as db:
                return items.read_content(db, self._blobs, raw_id, 0, length)
        except NotFound:  # gone since the item's row was read
            self.gone.add(place)
            return None

    def sent(self, node: Property, places: Sequence[int]) -> list[int]:
        """Return the candidates whose Date: field compares as asked ([RFC3501] 6.4.4, SENTBEFORE, SENTON, SENTSINCE).

        The field's date is taken as it stands there, without its zone. PidTagClientSubmitTime is the same instant in
        UTC, so the two are a day apart at most, and the field is read only where that matters.
        """
        compare, wanted = COMPARISONS[node.relop], cast(int, node.value)
        dates = self._index.dates
        found: list[int] = []
        for some in self._chunks(places, _CHUNK):
            days: dict[int, int] = {}
            close: list[int] = []
            for place, row in zip(some, self._rows(_SENT, some), strict=True):
                if row is None:
                    continue
                submitted = row[0]
                days[place] = day = (dates[place] if submitted is None else int(unix_from_filetime(submitted))) // _DAY
                if submitted is None or abs(day - wanted) <= 1:
                    close.append(place)
            documents = self._documents(Source.COMMON, close)
            for place, block in zip(documents.places, documents.octets, strict=True):
                shown = day_of(block)
                if shown is not None:
                    days[place] = shown
            found += [place for place, day in days.items() if compare(day, wanted)]
        return found


class _Stored:
    """A stored message as the subject of a predicate; recipients and attachments are decoded when asked for."""

    __slots__ = ("_row", "bag")

    def __init__(self, bag: Bag, row: Row) -> None:
        self.bag = bag
        self._row = row

    def recipients(self) -> Sequence[Bag]:
        data = self._row[1]
        return [cast(Bag, one.properties) for one in decode_recipients(bytes(data))] if data else []

    def attachments(self) -> Sequence[Bag]:
        data = self._row[2]
        return [cast(Bag, one.properties) for one in decode_attachments(bytes(data))] if data else []
