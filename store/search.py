"""Search: a restriction over the messages of one folder ([RFC3501] 6.4.4; [MS-OXCDATA] 2.12).

The candidates are positions in the folder's index. Each part of a restriction is asked of as few of them as can be, and
the cheap parts are asked first:

    INDEX    flags, keywords, UID, internal date, size, modseq     arrays in memory, no SQL
    SENT     the date in the Date: field                           one narrow query a chunk, the field where it is close
    BAG      other properties, recipients, attachments             the encoded bags, one query a chunk
    COMMON   header fields that clients search most                the common header block, one query a chunk
    HEADER   other header fields                                   the header off the original
    TEXT     BODY and TEXT                                         the whole original

Of HEADER and TEXT the full-text index, where there is one, answers for most messages, and the others are read.

A subtree whose leaves all need the same of these is one predicate over one row, so three SUBJECT tests read the headers
once. And narrows its candidates from part to part; Or asks later parts only of those that no earlier part took.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from typing import NamedTuple

from store import namedprops
from store.blob import BlobStore
from store.engine import Shard
from store.errors import TooLarge
from store.index import FolderIndex
from store.mapi.matching import COMPARISONS
from store.mapi.restriction import (
    And,
    Bitmask,
    Comment,
    CompareProperties,
    Content,
    Count,
    Exist,
    Not,
    Or,
    Property,
    Restriction,
    RestrictionError,
    Size,
    SubObject,
    TagInternalDate,
    TagMimeSize,
    TagModseq,
    TagPlacementFlags,
    TagPlacementKeywords,
    TagPlacementUid,
    UidIn,
    parts_of,
    tags_of,
    validate,
    walk,
)
from store.mapi.types import PropertyKey, PropertyName, PropertyTag
from store.reading import MimeReader
from store.searchdocuments import TextReader
from store.searchrows import Progress, Rows, Source, source_of
from store.textindex import TextIndex

__all__ = ["Progress", "TextReader", "find"]

Places = Sequence[int]
"""Candidates: positions in the index, ascending."""


def find(
    shard: Shard,
    blobs: BlobStore,
    index: FolderIndex,
    restriction: Restriction,
    *,
    uids: Sequence[int] | None = None,
    text: TextReader,
    reader: MimeReader | None = None,
    texts: TextIndex | None = None,
    progress: Progress | None = None,
) -> list[int]:
    """Return the UIDs of the messages that meet the restriction, ascending; of `uids` only, if given.

    `text` reads MIME (the gateway hands in conversion's), `reader` makes properties of it where none are yet, `texts`
    is the index of what `text` reads. `progress` is called between messages; what it raises ends the search. Raises
    TooLarge for a restriction over its limits and RestrictionError for one that makes no sense.
    """
    try:
        validate(restriction)
    except RestrictionError as error:
        raise TooLarge(str(error)) from error
    limit = None
    if isinstance(restriction, Count):
        limit, restriction = restriction.count, restriction.part
    rows = Rows(shard, blobs, index, text, reader, texts=texts, progress=progress)
    found = _Search(index, rows).narrow(_plan(_numbered(shard, restriction)), _candidates(index, uids))
    if rows.gone:
        found = [place for place in found if place not in rows.gone]
    numbers = index.uids
    return [numbers[place] for place in (found if limit is None else found[:limit])]


def _candidates(index: FolderIndex, uids: Sequence[int] | None) -> Places:
    if uids is None:
        return range(len(index))
    places = (index.position(uid) for uid in sorted(set(uids)))
    return [place for place in places if place >= 0]


# ----------------------------------------------------------------------------------------------------- named tags

_NEVER: Restriction = Or(())


def _numbered(shard: Shard, restriction: Restriction) -> Restriction:
    """Replace names by the mailbox's numbers; what asks for a name that the mailbox never met holds of no message."""
    names = {key for node, _ in walk(restriction) for key in tags_of(node) if isinstance(key, PropertyName)}
    if not names:
        return restriction
    with shard.read() as db:
        numbers = namedprops.find(db, names)
    tags = {name: PropertyTag.of(number, name.type) for name, number in numbers.items()}
    return _renamed(restriction, tags)


def _renamed(node: Restriction, tags: dict[PropertyName, PropertyTag]) -> Restriction:
    if any(isinstance(key, PropertyName) and key not in tags for key in tags_of(node)):
        return _NEVER

    def tag_of(key: PropertyKey) -> PropertyTag:
        return tags[key] if isinstance(key, PropertyName) else key

    match node:
        case And(parts):
            return And(tuple([_renamed(part, tags) for part in parts]))
        case Or(parts):
            return Or(tuple([_renamed(part, tags) for part in parts]))
        case Not(part):
            return Not(_renamed(part, tags))
        case SubObject(tag, part):
            return SubObject(tag, _renamed(part, tags))
        case Comment(values, part):
            return Comment(values, None if part is None else _renamed(part, tags))
        case Content(key, value, fuzzy, ignore_case):
            return Content(tag_of(key), value, fuzzy, ignore_case)
        case Property(relop, key, value):
            return Property(relop, tag_of(key), value)
        case CompareProperties(relop, key, other):
            return CompareProperties(relop, tag_of(key), tag_of(other))
        case Bitmask(key, mask, zero):
            return Bitmask(tag_of(key), mask, zero)
        case Size(relop, key, size):
            return Size(relop, tag_of(key), size)
        case Exist(key):
            return Exist(tag_of(key))
        case _:
            return node


# ------------------------------------------------------------------------------------------------------- the plan


class _Plan(NamedTuple):
    """A restriction with what it costs: its dearest source, and whether all its leaves need just that one."""

    node: Restriction
    source: Source
    uniform: bool
    parts: list[_Plan]


def _plan(node: Restriction) -> _Plan:
    source = source_of(node)
    if source is not None:
        return _Plan(node, source, True, [])
    parts = [_plan(part) for part in parts_of(node)]
    if isinstance(node, And | Or):
        parts = _grouped(type(node), parts)
        if len(parts) == 1 and len(node.parts) > 1:
            return parts[0]
    sources = {part.source for part in parts}
    dearest = max(sources, default=Source.INDEX)
    return _Plan(node, dearest, len(sources) <= 1 and all(part.uniform for part in parts), parts)


def _grouped(form: type[And] | type[Or], parts: list[_Plan]) -> list[_Plan]:
    """Order parts by cost and join those that read the same rows, so that the rows are read once."""
    ordered = sorted(parts, key=lambda part: (part.source, not part.uniform))
    grouped: list[_Plan] = []
    for (source, uniform), group in groupby(ordered, key=lambda part: (part.source, part.uniform)):
        members = list(group)
        if uniform and source >= Source.BAG and len(members) > 1:
            grouped.append(_Plan(form(tuple(member.node for member in members)), source, True, []))
        else:
            grouped += members
    return grouped


class _Search:
    """Narrows candidates by plans."""

    def __init__(self, index: FolderIndex, rows: Rows) -> None:
        self._index = index
        self._rows = rows

    def narrow(self, plan: _Plan, places: Places) -> Places:
        """Return those of the candidates that meet the plan."""
        if not places:
            return places
        if plan.uniform and plan.source >= Source.BAG:
            return self._rows.narrow(plan.source, plan.node, places)
        match plan.node:
            case And():
                for part in plan.parts:
                    places = self.narrow(part, places)
                return places
            case Or():
                return self._any(plan.parts, places)
            case Not():
                return _without(places, self.narrow(plan.parts[0], places))
            case Comment():
                return self.narrow(plan.parts[0], places) if plan.parts else places
            case Property() if plan.source is Source.SENT:
                return self._rows.sent(plan.node, places)
            case _:
                return self._indexed(plan.node, places)

    def _any(self, parts: list[_Plan], places: Places) -> Places:
        taken: list[Places] = []
        for part in parts:
            found = self.narrow(part, places)
            taken.append(found)
            places = _without(places, found)
        return sorted(chain.from_iterable(taken))

    def _indexed(self, node: Restriction, places: Places) -> Places:
        match node:
            case Bitmask(tag, mask, zero):
                return _masked(self._column(tag), mask, zero, places)
            case Property(relop, tag, value):
                column, compare = self._column(tag), COMPARISONS[relop]
                return [place for place in places if compare(column[place], value)]
            case UidIn(ranges):
                return _in_ranges(self._index, ranges, places)
            case _:
                raise RestrictionError(f"{type(node).__name__} cannot be asked of a placement")

    def _column(self, tag: PropertyKey) -> Sequence[int]:
        index = self._index
        columns: dict[PropertyKey, Sequence[int]] = {
            TagPlacementFlags: index.flags,
            TagPlacementKeywords: index.keywords,
            TagPlacementUid: index.uids,
            TagInternalDate: index.dates,
            TagMimeSize: index.sizes,
            TagModseq: index.modseqs,
        }
        return columns[tag]


def _masked(column: Sequence[int], mask: int, zero: bool, places: Places) -> Places:
    if isinstance(places, range):
        # All messages: to walk the array is half the cost of asking it place by place.
        values: Iterable[tuple[int, int]] = enumerate(column[: len(places)])
        if zero:
            return [place for place, value in values if not value & mask]
        return [place for place, value in values if value & mask]
    if zero:
        return [place for place in places if not column[place] & mask]
    return [place for place in places if column[place] & mask]


def _in_ranges(index: FolderIndex, ranges: tuple[tuple[int, int], ...], places: Places) -> Places:
    """Cut the candidates to UID ranges, by bisection: both are ascending."""
    uids = index.uids
    found: list[int] = []
    for first, last in ranges:
        low, high = bisect_left(uids, first), bisect_right(uids, last)
        found += places[bisect_left(places, low) : bisect_left(places, high)]
    return found


def _without(places: Places, gone: Places) -> Places:
    if not gone:
        return places
    if len(gone) == len(places):
        return []
    dropped = set(gone)
    return [place for place in places if place not in dropped]
