"""The parts of a search that read rows: properties, header fields, text, and the date in the Date: field.

Rows are read in chunks, each by one query, and are asked one predicate made once for the whole search.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from email.utils import parsedate_tz
from enum import IntEnum
from itertools import accumulate
from typing import Any, Final, Protocol, cast

from sqlalchemy import bindparam, func, select

from store import items
from store.blob import BlobStore
from store.engine import Row, Shard, Statement, one_of
from store.errors import NotFound
from store.ids import MessageFlag
from store.index import FolderIndex
from store.mapi.bag import BagView, decode_attachments, decode_recipients
from store.mapi.collation import COLLATIONS, OCTET
from store.mapi.headerblock import raw_values
from store.mapi.matching import COMPARISONS, Bag, compile_predicate
from store.mapi.restriction import (
    PLACEMENT_TAGS,
    And,
    Bitmask,
    Comment,
    CompareProperties,
    Content,
    Exist,
    MimeHeader,
    MimeText,
    Not,
    Or,
    Property,
    Restriction,
    RestrictionError,
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
from store.schema import item
from store.textindex import TextIndex, signature_of


class MessageText(Protocol):
    """One message, or one header, as text."""

    def header(self, name: str) -> list[str]:
        """Give the decoded values of the top-level header fields of that name, in order."""
        ...

    def addresses(self, name: str) -> list[str]:
        """Give the addresses in the header fields of that name, decoded, each as `name <local@domain>`."""
        ...

    def text(self, headers: bool, word: bytes = b"") -> Iterator[str]:
        """Give the decoded text of the body parts; with `headers` that of the headers first, in one piece.

        With a `word`, lower-case ASCII without blanks, pieces that certainly lack it in any case may be left out.
        """
        ...


class TextReader(Protocol):
    """Reads a message, or a header with the blank line that ends it."""

    version: str
    """Another one when the same message is read as another text than before: indexes are then made anew."""

    def lacks(self, raw: bytes, parts: bytes, word: bytes) -> bool:
        """Tell whether a message certainly lacks a word as MessageText.text takes it; False where that is not clear."""
        ...

    def __call__(self, raw: bytes, parts: bytes = b"") -> MessageText:
        """Give the text; `parts` is the message's packed part table, or nothing."""
        ...


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

_CHUNK = 512
_TEXT_CHUNK = 64
_FEW = 32
"""Messages that are read as quickly as the index of their text is asked."""

Progress = Callable[[int, int], None]
"""Told how many messages were read, and how many are to be read in all: a number that grows if there is more to read.

Called in the thread of the search, after some dozens of messages at most. What it raises ends the search.
"""
_DAY = 86_400
_EPOCH = date(1970, 1, 1).toordinal()


def _pair(*columns: Any) -> tuple[Statement, Statement]:
    """A statement for items in a range of numbers, and one for a list of them."""
    chosen = select(item.c.item_id, *columns).where(item.c.mailbox_id == bindparam("m"))
    between = item.c.item_id.between(bindparam("low"), bindparam("high"))
    return Statement(chosen.where(between), "m", "low", "high"), Statement(
        chosen.where(one_of(item.c.item_id, "items")), "m", "items"
    )


_BAGS = _pair(item.c.props, item.c.recips, item.c.atts)
_PROPS = _pair(item.c.props)
_SENT = _pair(item.c.submit_time)
_COMMON = _pair(item.c.common_header)
_HEADERS = _pair(func.substr(item.c.raw, 1, item.c.header_length), item.c.raw_id, item.c.header_length)
_RAWS = _pair(item.c.raw, item.c.raw_id, item.c.parts)

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

    def narrow(self, source: Source, node: Restriction, places: Sequence[int]) -> list[int]:
        """Return those of the candidates that meet a restriction all of whose leaves need `source`."""
        if source is Source.BAG:
            return self._by_bag(node, places)
        known: list[int] = []
        if self._texts is not None and source >= Source.HEADER and len(places) > _FEW:
            known, places = self._texts.narrow(node, self._index, places, signature_of(self._text.version))
        test = _document_test(node)
        word = _word_of(node) if source is Source.COMMON else b""
        found: list[int] = []
        for some in self._chunks(places, _CHUNK if source is Source.COMMON else _TEXT_CHUNK):
            blocks: Iterable[tuple[int, bytes, bytes]] = self._blocks(source, some)
            if word:
                blocks = _doubtful(list(blocks), word)
            found += [place for place, block, parts in blocks if test(_Document(block, self._text, parts))]
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
            rows = self._rows(statement, some)
            for place in some:
                row = rows.get(self._index.item_ids[place])
                if row is not None and predicate(_Stored(self._bag(row[1], place, overlaid), row)):
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

    def _rows(self, pair: tuple[Statement, Statement], places: Sequence[int]) -> dict[int, Row]:
        identifiers = self._index.item_ids
        wanted = {identifiers[place] for place in places}
        low, high = min(wanted, default=0), max(wanted, default=0)
        with self._shard.read() as db:
            if high - low < len(wanted):
                rows = db.all(pair[0], (db.mailbox_id, low, high))
            else:
                rows = db.all(pair[1], (db.mailbox_id, db.array(wanted)))
        return {row[0]: row for row in rows}

    def _blocks(self, source: Source, places: Sequence[int]) -> Iterator[tuple[int, bytes, bytes]]:
        """Give the octets that a text test reads: common header, header, or the whole message with its part table."""
        statement = {Source.COMMON: _COMMON, Source.HEADER: _HEADERS, Source.TEXT: _RAWS}[source]
        rows = self._rows(statement, places)
        identifiers = self._index.item_ids
        for place in places:
            row = rows.get(identifiers[place])
            if row is None:
                continue
            block = row[1]
            if block is None and len(row) > 2:
                block = self._large(row[2], row[3] if source is Source.HEADER else None)
            if block is not None:
                yield place, bytes(block), bytes(row[3] or b"") if source is Source.TEXT else b""

    def _large(self, raw_id: int | None, length: int | None) -> bytes | None:
        """Read from the content row what does not stand in the item's own."""
        if raw_id is None:
            return None
        try:
            with self._shard.read() as db:
                return items.read_content(db, self._blobs, raw_id, 0, length)
        except NotFound:  # gone since the item's row was read
            return None

    def sent(self, node: Property, places: Sequence[int]) -> list[int]:
        """Return the candidates whose Date: field compares as asked ([RFC3501] 6.4.4, SENTBEFORE, SENTON, SENTSINCE).

        The field's date is taken as it stands there, without its zone. PidTagClientSubmitTime is the same instant in
        UTC, so the two are a day apart at most, and the field is read only where that matters.
        """
        compare, wanted = COMPARISONS[node.relop], cast(int, node.value)
        dates = self._index.dates
        identifiers = self._index.item_ids
        found: list[int] = []
        for some in self._chunks(places, _CHUNK):
            rows = self._rows(_SENT, some)
            days: dict[int, int] = {}
            close: list[int] = []
            for place in some:
                row = rows.get(identifiers[place])
                if row is None:
                    continue
                submitted = row[1]
                days[place] = day = (dates[place] if submitted is None else int(unix_from_filetime(submitted))) // _DAY
                if submitted is None or abs(day - wanted) <= 1:
                    close.append(place)
            for place, block, _ in self._blocks(Source.COMMON, close):
                shown = _date(block)
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
        data = self._row[2]
        return [cast(Bag, one.properties) for one in decode_recipients(bytes(data))] if data else []

    def attachments(self) -> Sequence[Bag]:
        data = self._row[3]
        return [cast(Bag, one.properties) for one in decode_attachments(bytes(data))] if data else []


# ------------------------------------------------------------------------------------------- header fields and text


class _Document:
    """The octets of a header or a message, and the reader over them once one is needed."""

    __slots__ = ("_reader", "block", "parts", "read")

    def __init__(self, block: bytes, read: TextReader, parts: bytes = b"") -> None:
        self.block = block
        self.read = read
        self.parts = parts
        self._reader: MessageText | None = None

    @property
    def reader(self) -> MessageText:
        if self._reader is None:
            block = self.block
            whole = self.parts or b"\r\n\r\n" in block
            self._reader = self.read(block if whole else block + b"\r\n", self.parts)
        return self._reader


_DocumentTest = Callable[[_Document], bool]


def _document_test(node: Restriction) -> _DocumentTest:
    match node:
        case And(parts):
            tests = [_document_test(part) for part in parts]
            return lambda document: all(test(document) for test in tests)
        case Or(parts):
            tests = [_document_test(part) for part in parts]
            return lambda document: any(test(document) for test in tests)
        case Not(part):
            inner = _document_test(part)
            return lambda document: not inner(document)
        case Comment(_, part) if part is not None:
            return _document_test(part)
        case MimeHeader():
            return _header_test(node)
        case MimeText():
            return _text_test(node)
        case _:
            raise RestrictionError(f"{type(node).__name__} is no question about text")


_SPREAD: Final = re.compile(rb"[(\\]|@\s|\s@|<[^>]*\s")
"""In a field of addresses one of which may not stand there in one piece: comments, quoting, blanks."""


_WORDS: Final = re.compile("[0-9A-Za-z]+")


def _header_test(node: MimeHeader) -> _DocumentTest:
    """Make the test that a header field contains a string.

    Most values are plain ASCII: those are compared as octets, unfolded, in lower case. A value with an encoded word or
    other octets is left to the reader, and so are `addresses` that may be spread over the field ([RFC3501] 6.4.4,
    HEADER, and FROM that asks for the envelope's field; [RFC2047]), and a test that heeds the case.
    """
    name, addresses, prepare = node.name, node.addresses, COLLATIONS[node.collation]
    field = name.lower().encode("utf-8", "surrogatepass")
    wanted = prepare(node.value)
    plain = wanted.lower().encode("ascii") if wanted.isascii() else None
    heeds_case = node.collation == OCTET

    def read(document: _Document) -> bool:
        reader = document.reader
        if any(wanted in prepare(value) for value in reader.header(name)):
            return True
        return addresses and any(wanted in prepare(value) for value in reader.addresses(name))

    def test(document: _Document) -> bool:
        hard = False
        for value in raw_values(document.block.lower(), field):
            if heeds_case or not value.isascii() or b"=?" in value:
                hard = True
            elif plain is not None and plain in value.replace(b"\r\n", b""):
                return True
            elif addresses and _SPREAD.search(value):
                hard = True
        return hard and read(document)

    return test


def _word_of(node: Restriction) -> bytes:
    """Give what must be among the octets of a plain header if a field test is to hold; nothing where none is known."""
    if not isinstance(node, MimeHeader) or node.addresses:
        return b""
    wanted = COLLATIONS[node.collation](node.value)
    return wanted.lower().encode("ascii") if wanted.isascii() and not any(map(str.isspace, wanted)) else b""


def _doubtful(blocks: list[tuple[int, bytes, bytes]], word: bytes) -> list[tuple[int, bytes, bytes]]:
    """Leave out the headers that are plain ASCII and lack the word: all of them are searched in one go."""
    joined = b"\n".join([block for _, block, _ in blocks]).lower()
    starts = list(accumulate([len(block) + 1 for _, block, _ in blocks], initial=0))
    kept: set[int] = set()
    for mark in (word, b"=?"):
        at = joined.find(mark)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            kept.add(number)
            at = joined.find(mark, starts[number + 1])
    if not joined.isascii():
        kept.update([number for number, (_, block, _) in enumerate(blocks) if not block.isascii()])
    return [blocks[number] for number in sorted(kept)]


def _text_test(node: MimeText) -> _DocumentTest:
    """Make the test that the text contains a string ([RFC3501] 6.4.4, BODY and TEXT).

    The reader can mostly see in the octets that a message, or a piece of its text, lacks a word of the string, so it is
    asked for that.
    """
    headers, prepare = node.headers, COLLATIONS[node.collation]
    wanted = prepare(node.value)
    word = max(_WORDS.findall(wanted), key=len, default="").lower().encode("ascii")

    def test(document: _Document) -> bool:
        if word and document.read.lacks(document.block, document.parts, word):
            return False
        return any(wanted in prepare(piece) for piece in document.reader.text(headers, word))

    return test


def _date(block: bytes) -> int | None:
    """Read the day of the Date: field, as days since 1970-01-01; None if there is none that can be read."""
    value = next(raw_values(block.lower(), b"date"), None)
    if value is None:
        return None
    try:
        parsed: tuple[Any, ...] | None = parsedate_tz(value.decode("latin-1"))
        return None if parsed is None else date(*parsed[:3]).toordinal() - _EPOCH
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
