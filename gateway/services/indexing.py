"""Keeping the full-text indexes up to date, behind the work of a worker (docs/decisions/0015).

    indexing = Indexing(store, MimeText, share=0.25)
    task = loop.create_task(indexing.run())      # cancelled at the end: returns within milliseconds

A mailbox's turn comes when messages arrived here, or when a search had to read many that are not indexed. Then its
index is brought up to date if somebody uses it, and dropped if not; once a day one of the workers drops all that nobody
uses. One thread of the worker does it, a message at a time, and sleeps in between: it takes `share` of a processor at
most, less the more the worker has to do itself. A lower priority would not help, on the contrary: a thread that holds
the interpreter lock and is not let run holds up all others.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from store.errors import NotFound, StoreError
from store.ids import MailboxRef
from store.search import TextReader
from store.store import Store
from store.textindexbuild import update

log = logging.getLogger("oxgate.indexing")

REST_SECONDS: Final = 2.0
"""How long to wait when no mailbox is behind."""
SLICE_SECONDS: Final = 0.001
_LOOK_SECONDS: Final = 0.5
_DAY_SECONDS: Final = 86_400.0
_LEAST: Final = 0.02


class Stopped(Exception):
    """The worker is going down."""


class Pace:
    """What an update calls between its steps: sleeps so that its thread takes its share only; raises Stopped."""

    def __init__(
        self,
        share: float,
        *,
        own: Callable[[], float] = time.thread_time,
        process: Callable[[], float] = time.process_time,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        self._stop = threading.Event()
        self._share = self._now = share
        self._own, self._process, self._clock = own, process, clock
        self._wait = wait or self._stop.wait
        self._since = 0.0
        self._looked = (0.0, 0.0, 0.0)

    def begin(self) -> None:
        """Begin an update, in its thread."""
        self._since = self._own()
        self._looked = self._since, self._process(), self._clock()

    def stop(self) -> None:
        """Have the update end."""
        self._stop.set()

    def __call__(self) -> None:
        """Go on, or sleep first."""
        if self._stop.is_set():
            raise Stopped
        own = self._own()
        spent = own - self._since
        if spent < SLICE_SECONDS:
            return
        self._look(own)
        if self._now < 1:
            self._wait(spent * (1 - self._now) / self._now)
        self._since = self._own()

    def _look(self, own: float) -> None:
        """Give way to the worker: what it leaves free of a processor is shared, not all of one."""
        before, process_before, then = self._looked
        now = self._clock()
        if now - then < _LOOK_SECONDS:
            return
        process = self._process()
        busy = (process - process_before - (own - before)) / (now - then)
        self._now = max(_LEAST, self._share * (1 - busy)) if self._share < 1 else 1
        self._looked = own, process, now


class Indexing:
    """The indexer of one worker."""

    def __init__(
        self, store: Store, text: TextReader, *, share: float, rest: float = REST_SECONDS, sweeps: bool = True
    ) -> None:
        """`sweeps`: whether it looks through the indexes of all mailboxes; of several workers one is to do that."""
        self._store = store
        self._text = text
        self._rest = rest
        self._sweeps = sweeps
        self._pace = Pace(share)

    async def run(self) -> None:
        """Index what has fallen behind, until cancelled."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="index") as pool:
            swept = -_DAY_SECONDS
            try:
                while True:
                    ref = self._store.texts.take()
                    if ref is not None:
                        await loop.run_in_executor(pool, self._index, ref)
                    elif self._sweeps and loop.time() - swept >= _DAY_SECONDS:
                        swept = loop.time()
                        await loop.run_in_executor(pool, self._drop_unused)
                    else:
                        await asyncio.sleep(self._rest)
            finally:
                self._pace.stop()

    def _index(self, ref: MailboxRef) -> None:
        self._pace.begin()
        try:
            index = self._store.text_index(ref)
            if self._store.texts.wanted(ref):
                update(index, self._text, pause=self._pace)
            else:
                index.drop()
        except (NotFound, Stopped):
            return
        except (StoreError, OSError) as error:
            log.warning("mailbox %s: the text index is not up to date: %s", ref.id, error)
        except Exception:  # one mailbox must not keep the others from being indexed
            log.exception("mailbox %s: the text index cannot be made", ref.id)

    def _drop_unused(self) -> None:
        self._pace.begin()
        try:
            dropped = self._store.texts.drop_unused(self._pace)
        except Stopped:
            return
        except OSError as error:
            log.warning("the text indexes cannot be looked through: %s", error)
            return
        if dropped:
            log.info("%d text indexes that nobody uses are dropped", dropped)
