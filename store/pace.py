"""How many messages are changed at a time, where a command need not be one transaction.

While a transaction goes on, others who want to write to the mailbox wait. So it is to last some milliseconds: how many
messages that makes depends on the disk, on where they lie, and on what else the machine does, and is found by
measurement. After each there is a pause in which those who wait get their turn: a lock goes to who asks at the moment
it is free, and another process asks every millisecond (store.sqlite).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

FIRST = 250
LEAST, MOST = 100, 4000
TARGET = 0.008
"""Seconds that a transaction may take."""
PAUSE = 0.002
"""Seconds between two."""


def paced(
    uids: Sequence[int],
    progress: Callable[[int, int], None] | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Sequence[int]]:
    """Cut UIDs into parts; the caller does one part's transaction before it asks for the next.

    `progress` is told after each how many of how many are done.
    """
    size, start = FIRST, 0
    while start < len(uids):
        if start:
            pause(PAUSE)
        part = uids[start : start + size]
        began = clock()
        yield part
        seconds = clock() - began
        start += len(part)
        if progress is not None:
            progress(start, len(uids))
        if seconds > TARGET:
            size = max(size // 2, LEAST)
        elif 2 * seconds < TARGET:
            size = min(2 * size, MOST)
