"""What messages are sorted and threaded by: keys made of the stored header lines, and kept for the next time.

The content of an item never changes, so neither does a key made of it: they are kept by item, whatever folder it is in.
The keys of one kind are read together, one query a chunk of those that are not known yet.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import bindparam, select

from store.engine import Reader, Statement, one_of
from store.ids import MailboxRef
from store.schema import item
from store.searchrows import Progress

Key = bytes | int | None
"""What is compared: octets, a number, or None where the header does not say."""
KeyMaker = Callable[[bytes], Key]
"""Makes a key of the common header lines of an item."""
CHUNK = 512
DEFAULT_MEMORY = 64 << 20
ENTRY = 160
"""Octets that an entry takes beside its own: the number of the item, the object, the place in the table."""

_CHOSEN = select(item.c.item_id, item.c.common_header).where(item.c.mailbox_id == bindparam("m"))
_BETWEEN = Statement(_CHOSEN.where(item.c.item_id.between(bindparam("low"), bindparam("high"))), "m", "low", "high")
_LISTED = Statement(_CHOSEN.where(one_of(item.c.item_id, "items")), "m", "items")


def headers(db: Reader, item_ids: Sequence[int]) -> list[tuple[int, bytes]]:
    """Read the common header lines of items with ascending numbers, by one query; those that are gone are left out."""
    if not item_ids:
        return []
    if item_ids[-1] - item_ids[0] < len(item_ids):
        rows = db.all(_BETWEEN, (db.mailbox_id, item_ids[0], item_ids[-1]))
    else:
        rows = db.all(_LISTED, (db.mailbox_id, db.array(item_ids)))
    return [(row[0], bytes(row[1] or b"")) for row in rows]


class HeaderSource(Protocol):
    """A mailbox, for what is read of it here."""

    ref: MailboxRef

    def item_headers(self, item_ids: Sequence[int]) -> list[tuple[int, bytes]]:
        """Read the common header lines of items with ascending numbers."""
        ...


class SortKeys:
    """The keys that a process has made, the least recently used kinds dropped first when they pass `memory` octets.

    Safe to be used by several threads: at worst two make the same key.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY) -> None:
        self._memory = memory
        self._tables: OrderedDict[tuple[MailboxRef, str], dict[int, Key]] = OrderedDict()
        self._weights: dict[tuple[MailboxRef, str], int] = {}
        self._lock = threading.Lock()

    def read(
        self,
        mailbox: HeaderSource,
        item_ids: Sequence[int],
        makers: Mapping[str, KeyMaker],
        progress: Progress | None = None,
    ) -> dict[str, Mapping[int, Any]]:
        """Give the keys of items, by the names of their kinds: a name always stands for the same maker.

        A table holds all of these items, but for those that are gone; it may hold others. Raises Unavailable.
        """
        tables = {name: self._table(mailbox.ref, name) for name in makers}
        missing = sorted({each for table in tables.values() for each in item_ids if each not in table})
        added = dict.fromkeys(tables, 0)
        for start in range(0, len(missing), CHUNK):
            for item_id, header in mailbox.item_headers(missing[start : start + CHUNK]):
                for name, table in tables.items():
                    key = makers[name](header)
                    table[item_id] = key
                    added[name] += ENTRY + (len(key) if isinstance(key, bytes) else 0)
            if progress is not None:
                progress(min(start + CHUNK, len(missing)), len(missing))
        if missing:
            self._weigh(mailbox.ref, tables, added)
        return dict(tables)

    def _table(self, ref: MailboxRef, name: str) -> dict[int, Key]:
        with self._lock:
            table = self._tables.setdefault((ref, name), {})
            self._tables.move_to_end((ref, name))
            return table

    def _weigh(self, ref: MailboxRef, tables: Mapping[str, dict[int, Key]], added: Mapping[str, int]) -> None:
        with self._lock:
            for name, table in tables.items():
                if self._tables.get((ref, name)) is table:  # else another thread has dropped it
                    self._weights[ref, name] = self._weights.get((ref, name), 0) + added[name]
            total = sum(self._weights.values())
            while total > self._memory and self._tables:
                oldest, _ = self._tables.popitem(last=False)
                total -= self._weights.pop(oldest, 0)
