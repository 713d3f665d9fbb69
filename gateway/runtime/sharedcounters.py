"""Counters that all workers share: fixed tables in anonymous memory, made by the supervisor before it forks.

    counters = SharedCounters.create(slots)       # before the fork
    key = counters.key("pair", account, network)
    counters.failures.add(key, life, now)         # the decayed count, with this one
    counters.failures.value(key, life, now)

There is no lock, so nobody waits and a worker that is killed leaves nothing locked. The price: when two workers touch
one counter in the same microsecond, one touch may be lost. Every number is one aligned word of eight octets, which is
written at once, and carries part of its key: a number that a race has put beside another's key is taken for none, so
a count may be a little low, but nobody gets the count of somebody else.

`now` is time.monotonic(), which is the same clock in all processes of a machine.
"""

from __future__ import annotations

import functools
import math
import mmap
import secrets
from dataclasses import dataclass
from hashlib import blake2b

WINDOW = 8
"""Places in which a key may stand; when all are taken the stalest makes room."""

# The word of a counter: 16 bits of its key, 20 bits of count in sixteenths, 28 bits of time in seconds (eight years).
_CHECK = 0xFFFF << 48
_UNIT = 16.0
_MOST = (1 << 20) - 1
_COUNT_AT = 28
_SECONDS = (1 << _COUNT_AT) - 1


class CounterTable:
    """Counters that decay: after `life` seconds a count is worth 1/e of what it was.

    Open addressing: a key stands in one of WINDOW neighbouring places. A counter is never taken out; it is written
    over when it is the stalest where a new one needs a place.
    """

    __slots__ = ("_tags", "_words", "slots")

    def __init__(self, slots: int) -> None:
        """Make room for `slots` counters, rounded up to a power of two."""
        self.slots = 1 << (max(slots, WINDOW) - 1).bit_length()
        places = self.slots + WINDOW
        memory = memoryview(mmap.mmap(-1, places * 16))
        self._tags = memory[: places * 8].cast("Q")
        self._words = memory[places * 8 :].cast("Q")

    def add(self, key: int, life: float, now: float, amount: float = 1.0) -> float:
        """Add to a counter, and give the decayed count with this, in sixteenths as it is kept.

        So ten within a few seconds are ten, whether or not the clock's second has changed between two of them: what
        decays in a second or two of a life of minutes is less than half a sixteenth.
        """
        place = key & (self.slots - 1)
        second = _second(now)
        tags = self._tags[place : place + WINDOW].tolist()
        count = amount
        if key in tags:
            place += tags.index(key)
            count += _decayed(self._words[place], key, life, second)
        else:
            seconds = [word & _SECONDS for word in self._words[place : place + WINDOW].tolist()]
            place += seconds.index(min(seconds))
            self._tags[place] = key
        units = min(round(count * _UNIT), _MOST)
        self._words[place] = (key & _CHECK) | units << _COUNT_AT | second
        return units / _UNIT

    def value(self, key: int, life: float, now: float) -> float:
        """Give the decayed count, 0.0 where there is none."""
        place = key & (self.slots - 1)
        tags = self._tags[place : place + WINDOW].tolist()
        if key not in tags:
            return 0.0
        return _decayed(self._words[place + tags.index(key)], key, life, _second(now))

    def age(self, key: int, now: float) -> float:
        """Give the seconds since the last `add`, infinity where there was none."""
        place = key & (self.slots - 1)
        tags = self._tags[place : place + WINDOW].tolist()
        if key not in tags:
            return math.inf
        word = self._words[place + tags.index(key)]
        if (word ^ key) & _CHECK:
            return math.inf
        return float(max(0, _second(now) - (word & _SECONDS)))


def _second(now: float) -> int:
    """Give the time of a counter; 0 is that of an empty place, staler than any other."""
    return min(max(0, int(now)) + 1, _SECONDS)


def _decayed(word: int, key: int, life: float, second: int) -> float:
    if (word ^ key) & _CHECK:
        return 0.0  # a race has put another key's word here
    count = (word >> _COUNT_AT & _MOST) / _UNIT
    passed = second - (word & _SECONDS)
    return count * math.exp(-passed / life) if passed > 0 else count


@dataclass(frozen=True, slots=True)
class SharedCounters:
    """What the guard counts.

    There are two tables, so that what any stranger can write into the one, by failing under ever new names, never
    pushes anything out of the other, which only those who have signed in can write.
    """

    failures: CounterTable
    known: CounterTable
    secret: bytes

    @classmethod
    def create(cls, slots: int) -> SharedCounters:
        """Make the tables, `slots` counters each."""
        return cls(CounterTable(slots), CounterTable(slots), secrets.token_bytes(16))

    def key(self, kind: str, *parts: str) -> int:
        """Make the key of a counter: nobody outside can choose names whose keys meet."""
        return _hash(self.secret, "\0".join((kind, *parts)))


@functools.lru_cache(maxsize=4096)  # the same clients come again and again
def _hash(secret: bytes, text: str) -> int:
    """Hash to 64 bits under a key; never 0, which is an empty place."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=secret).digest()) or 1


_WIDTH = 1 << 14
"""Cells in each of the two rows."""


class ConnectionGate:
    """Connections by client address, over all workers.

    Each worker has a column of its own that it alone writes, so no count is ever lost to a race; a worker that takes
    the place of a dead one begins with an empty column, so nothing leaks when one is killed. An address has one cell
    in each of two rows, and its count is the smaller sum over the columns: never too low, and with thousands of other
    addresses connected sometimes one or two too high.
    """

    __slots__ = ("_cells", "_secret", "workers")

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._secret = secrets.token_bytes(16)
        self._cells = memoryview(mmap.mmap(-1, 2 * _WIDTH * workers * 4)).cast("I")

    @classmethod
    def create(cls, workers: int) -> ConnectionGate:
        """Make the table, before the fork."""
        return cls(workers)

    def door(self, worker: int) -> Door:
        """Give a worker its column, empty. Called once, where the worker begins."""
        self.clear(worker)
        return Door(self, worker)

    def clear(self, worker: int) -> None:
        """Forget the connections of a worker that is dead."""
        for cell in range(worker, len(self._cells), self.workers):
            if self._cells[cell]:  # writing would make pages of memory out of nothing
                self._cells[cell] = 0

    def count(self, address: str) -> int:
        """Give the number of connections of an address."""
        first, second = self.places(address)
        cells, workers = self._cells, self.workers
        return min(sum(cells[first : first + workers]), sum(cells[second : second + workers]))

    def places(self, address: str) -> tuple[int, int]:
        """Give the first cells of the two runs, one cell for each worker, that count an address."""
        key = _hash(self._secret, address)
        return key % _WIDTH * self.workers, (_WIDTH + (key >> 32) % _WIDTH) * self.workers

    def change(self, address: str, worker: int, by: int) -> None:
        """Count in a worker's column."""
        for place in self.places(address):
            self._cells[place + worker] += by


class Door:
    """One worker's way into a ConnectionGate."""

    __slots__ = ("_gate", "_worker")

    def __init__(self, gate: ConnectionGate, worker: int) -> None:
        self._gate = gate
        self._worker = worker

    def enter(self, address: str, most: int) -> bool:
        """Count a connection; False, and not counted, where the address has `most` already (0: no limit)."""
        if most and self._gate.count(address) >= most:
            return False
        self._gate.change(address, self._worker, 1)
        return True

    def leave(self, address: str) -> None:
        """Count one less."""
        self._gate.change(address, self._worker, -1)
