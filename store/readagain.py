"""ReadAgain: ready ENVELOPE and BODYSTRUCTURE bytes of runs of items, kept for who reads them again and again.

Items never change and their numbers are never given twice in a mailbox, so what is kept needs no invalidation. It is
kept by the run that was asked for, which is the same each time that a client walks through a folder; when the folder
has lost a message in front, the runs lie elsewhere, and are read and kept anew.

A process keeps at most MEMORY bytes, as counted here: the octets and what Python needs for each value, which is some
150 KB for 256 messages, 600 bytes a message. A run gets in when it is read for the second time while ONCE others are
read: so one walk through a large folder keeps nothing and drives nothing out, and neither do repeated walks through
a folder of more than ONCE runs. What nobody asked for in a while is given back (`rest`).
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from time import monotonic
from typing import NamedTuple
from uuid import UUID

MEMORY = 32 << 20
FEW = 64
"""Items below which a run is not kept: to read them takes 50 microseconds."""
ONCE = 256
"""Runs of which it is remembered that they were read once."""
_VALUE = 33 + 8
"""Bytes that Python takes for an object of bytes, beside its octets, and for naming it in a tuple."""
_RUN = 1024

Key = tuple[UUID, int, int]
"""The mailbox, the first item and the last."""


class Run(NamedTuple):
    """What is ready of some items."""

    items: array[int]
    envelopes: tuple[bytes, ...]
    structures: tuple[bytes, ...]

    @property
    def weight(self) -> int:
        """Bytes of memory that it takes."""
        octets = sum(map(len, self.envelopes)) + sum(map(len, self.structures))
        return _RUN + octets + len(self.items) * (2 * _VALUE + self.items.itemsize)


class _Kept:
    __slots__ = ("run", "used", "weight")

    def __init__(self, run: Run, weight: int, used: float) -> None:
        self.run = run
        self.weight = weight
        self.used = used


class ReadAgain:
    """The runs of a process, least recently used dropped first when they pass `memory` bytes. Safe for threads."""

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self.used = 0
        """Bytes taken."""
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._once: OrderedDict[Key, None] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, mailbox: UUID, items: array[int]) -> Run | None:
        """Give the run of just these items, if it is kept."""
        key = (mailbox, items[0], items[-1])
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.run.items != items:
                return None
            self._kept.move_to_end(key)
            kept.used = monotonic()
            return kept.run

    def offer(self, mailbox: UUID, run: Run) -> None:
        """Keep a run of neighbouring items that was just read, if that is worth its memory."""
        if len(run.items) < FEW:
            return
        key = (mailbox, run.items[0], run.items[-1])
        with self._lock:
            if key not in self._once:
                self._once[key] = None
                if len(self._once) > ONCE:
                    self._once.popitem(last=False)
                return
            del self._once[key]
            weight = run.weight
            if weight > self._memory // 8:
                return
            former = self._kept.pop(key, None)
            self.used += weight - (0 if former is None else former.weight)
            self._kept[key] = _Kept(run, weight, monotonic())
            while self.used > self._memory:
                self._let_go()

    def rest(self, seconds: float) -> None:
        """Let go of what nobody asked for in some seconds."""
        limit = monotonic() - seconds
        with self._lock:
            while self._kept and next(iter(self._kept.values())).used <= limit:
                self._let_go()

    def drop(self, mailbox: UUID) -> None:
        """Let go of what is in a mailbox."""
        with self._lock:
            for key in [key for key in self._kept if key[0] == mailbox]:
                self.used -= self._kept.pop(key).weight

    def clear(self) -> None:
        """Forget everything; also right after a fork, when another thread may have held the lock."""
        self._lock = threading.Lock()
        self._kept = OrderedDict()
        self._once = OrderedDict()
        self.used = 0

    def _let_go(self) -> None:
        self.used -= self._kept.popitem(last=False)[1].weight
