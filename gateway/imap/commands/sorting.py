"""The order of messages by sort criteria ([RFC5256] 3, BASE.6.4.SORT; [RFC5957] 4).

Dates and sizes are in the folder's index; the rest is made of the stored header lines once, and kept
(store.sortkeys). Many messages are sorted in a thread, and in pieces, for one call that sorts them all would stop the
whole process for as long as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from conversion.mime import sortfields
from gateway.imap.collation import Comparator
from gateway.imap.protocol.search_types import Criterion, SortKey
from store.index import FolderIndex
from store.mailbox import Mailbox
from store.searchrows import Progress
from store.sortkeys import Key, KeyMaker, SortKeys

PIECE = 8192
"""Messages sorted by one call: some milliseconds."""

_INVERTED = bytes(255 - octet for octet in range(256))
_DATE = "DATE"

Column = Sequence[Any]
"""What messages compare by for one criterion: a number or octets each."""


class Sorter:
    """Sorts messages of a folder by a program."""

    def __init__(self, mailbox: Mailbox, keys: SortKeys, program: Sequence[Criterion], comparator: Comparator) -> None:
        self._mailbox = mailbox
        self._keys = keys
        self._program = program
        self._comparator = comparator

    def order(self, index: FolderIndex, places: Sequence[int], progress: Progress | None = None) -> list[int]:
        """Give the order of some messages: numbers into `places`, which are ascending places in the index.

        What is equal stays in mailbox order. The last criterion is sorted by first: each sort leaves alone the order
        of what is equal to it.
        """
        columns = self._columns(index, places, progress)
        order = list(range(len(places)))
        for criterion, column in reversed(list(zip(self._program, columns, strict=True))):
            sort_stable(order, column, reverse=self._descends(criterion))
        return order

    def ranks(self, index: FolderIndex, places: Sequence[int]) -> list[tuple[Any, ...]]:
        """Give what each message compares by as a whole, ascending whatever the program, the UID last."""
        columns = [
            _descending(column) if self._descends(criterion) else column
            for criterion, column in zip(self._program, self._columns(index, places, None), strict=True)
        ]
        return list(zip(*columns, [index.uids[place] for place in places], strict=True))

    def _descends(self, criterion: Criterion) -> bool:
        """Whether it sorts the other way: by REVERSE, or for texts by the comparator ([RFC4790] 3.3)."""
        return criterion.reverse != (self._comparator.descending and criterion.key in _TEXTS)

    def _columns(self, index: FolderIndex, places: Sequence[int], progress: Progress | None) -> list[Column]:
        items = [index.item_ids[place] for place in places]
        makers: dict[str, KeyMaker] = {}
        for criterion in self._program:
            if criterion.key is SortKey.DATE:
                makers[_DATE] = sortfields.sent_date
            elif criterion.key in _TEXTS:
                makers[text_kind(criterion.key, self._comparator)] = text_maker(criterion.key, self._comparator)
        tables = self._keys.read(self._mailbox, items, makers, progress)
        columns: list[Column] = []
        for criterion in self._program:
            match criterion.key:
                case SortKey.ARRIVAL:
                    columns.append([index.dates[place] for place in places])
                case SortKey.SIZE:
                    columns.append([index.sizes[place] for place in places])
                case SortKey.DATE:
                    columns.append(sent_dates(tables[_DATE], index, places))
                case key:
                    table = tables[text_kind(key, self._comparator)]
                    columns.append([table.get(item_id, b"") for item_id in items])
        return columns


def sent_dates(table: Any, index: FolderIndex, places: Sequence[int]) -> list[int]:
    """The sent date of each message, its internal date where the header has none ([RFC5256] 2.2)."""
    items, dates = index.item_ids, index.dates
    return [dates[place] if (sent := table.get(items[place])) is None else sent for place in places]


def sort_stable(order: list[int], column: Column, *, reverse: bool = False) -> None:
    """Sort places of a column by what stands there; what is equal keeps its order, also with `reverse`.

    In pieces first: then the whole is runs already, and sorting it is only a merge.
    """
    key: Callable[[int], Any] = column.__getitem__
    if len(order) > PIECE:
        for start in range(0, len(order), PIECE):
            order[start : start + PIECE] = sorted(order[start : start + PIECE], key=key, reverse=reverse)
    order.sort(key=key, reverse=reverse)


def _descending(column: Column) -> Column:
    """Make of each key one that sorts the other way; octets hold no NUL, so that none is the beginning of another."""
    return [-key if isinstance(key, int) else key.translate(_INVERTED) + b"\xff" for key in column]


def _subject(header: bytes) -> str:
    return sortfields.subject(header).text


_TEXTS: dict[SortKey, Callable[[bytes], str]] = {
    SortKey.CC: partial(sortfields.address, field=b"cc"),
    SortKey.DISPLAYFROM: partial(sortfields.display, field=b"from"),
    SortKey.DISPLAYTO: partial(sortfields.display, field=b"to"),
    SortKey.FROM: partial(sortfields.address, field=b"from"),
    SortKey.SUBJECT: _subject,
    SortKey.TO: partial(sortfields.address, field=b"to"),
}
"""The criteria that compare texts, which the comparator applies to ([RFC5255] 4.2, [RFC5957] 7)."""


def text_kind(key: SortKey, comparator: Comparator) -> str:
    """The name of the kind of keys that stands for a text by a comparator."""
    return f"{key.value} {comparator.name}"


def text_maker(key: SortKey, comparator: Comparator) -> KeyMaker:
    """Makes these keys: the decoded text ([RFC5255] 4.6), prepared, in octets."""
    text, prepare = _TEXTS[key], comparator.prepare

    def make(header: bytes) -> Key:
        return prepare(text(header)).encode("utf-8", "surrogatepass")

    return make
