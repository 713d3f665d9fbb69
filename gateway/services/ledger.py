"""The record of sign-ins, as a server writes it: queued on the loop, written by a thread.

    ledger = SignInLog(location)
    ledger.start()
    ledger.record(SignIn(time.time(), OK, "", login, user, mailbox, "imap", "PLAIN", address, tls=True))
    ledger.stop()                # writes what is queued

`record` waits for nothing and raises nothing: a database that is away costs records, never a sign-in. What is queued
meanwhile is bounded; the number of those that were given up is written down when the database is back.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from directory.errors import ProviderError
from directory.signins import LOST, DeviceKey, Retention, SignIn, SignInStore

__all__ = ["DeviceKey", "Retention", "SignIn", "SignInLog"]

log = logging.getLogger("oxgate.ledger")

CAPACITY = 20_000
"""Records that may wait: some ten megabytes."""
INTERVAL = 1.0
"""Seconds between two writes."""
PRUNE_SECONDS = 3600.0
STOP_SECONDS = 5.0
"""How long a stop waits for the last write."""


class Store(Protocol):
    """directory.signins.SignInStore."""

    def write(self, signins: Sequence[SignIn], names: Mapping[DeviceKey, str] | None = None) -> None:
        """Add records."""

    def prune(self, retention: Retention, now: float) -> int:
        """Delete what is old."""

    def close(self) -> None:
        """Let go of the database."""


class SignInLog:
    """Takes the sign-ins of one worker. Made after the fork; `record` and `named` are for the loop's thread."""

    def __init__(
        self,
        location: Path | str,
        *,
        retention: Retention = Retention(),  # noqa: B008 - a Retention cannot change
        capacity: int = CAPACITY,
        interval: float = INTERVAL,
        open_store: Callable[[Path | str], Store] = SignInStore,
    ) -> None:
        self._location = location
        self._retention = retention
        self._capacity = capacity
        self._interval = interval
        self._open = open_store
        self._store: Store | None = None
        self._queue: deque[SignIn | tuple[DeviceKey, str]] = deque()
        self._overflowed = 0
        """Records that found no room; only the loop counts here, and only the thread in the next two."""
        self._given_up = 0
        self._told = 0
        self._away = False
        self._prune_at = 0.0
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that writes."""
        self._thread = threading.Thread(target=self._run, name="signins", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, and end; at most some seconds, when the database does not answer."""
        self._stopping.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)
            if self._thread.is_alive():
                log.warning("the last sign-ins were not recorded: the database does not answer")

    def record(self, signin: SignIn) -> None:
        """Queue a record."""
        self._put(signin)

    def named(self, device: DeviceKey, name: str) -> None:
        """Note what a client that has signed in calls itself, where it says so only afterwards (IMAP ID).

        A name costs no record: a client may give itself as many as it likes, and half of the room is kept from them.
        """
        if len(self._queue) < self._capacity // 2:
            self._put((device, name))

    def _put(self, entry: SignIn | tuple[DeviceKey, str]) -> None:
        if len(self._queue) >= self._capacity:
            self._overflowed += 1
            return
        self._queue.append(entry)
        if not self._news.is_set():
            self._news.set()

    # -- in the thread

    def _run(self) -> None:
        while not self._stopping.is_set():
            # Pruning needs no news; without sign-ins the thread wakes for it alone.
            self._news.wait(PRUNE_SECONDS)
            self._news.clear()
            self._write()
            self._prune()
            self._stopping.wait(self._interval)
        self._write()
        if self._store is not None:
            with contextlib.suppress(ProviderError):
                self._store.close()

    def _write(self) -> None:
        """Write the queue as it is now; put it back when that fails."""
        entries = [self._queue.popleft() for _ in range(len(self._queue))]
        lost = self._overflowed + self._given_up - self._told
        if not entries and not lost:
            return
        signins = [one for one in entries if isinstance(one, SignIn)]
        names = dict(one for one in entries if not isinstance(one, SignIn))
        if lost:
            signins.append(_lost(lost))
        try:
            if self._store is None:
                self._store = self._open(self._location)
            self._store.write(signins, names)
        except ProviderError as error:
            self._put_back(entries)
            if not self._away:
                log.error("sign-ins are not recorded at the moment: %s", error)
            self._away = True
        except Exception:
            # A defect must end neither the thread nor the record; the batch that it choked on is given up.
            log.exception("%d sign-ins could not be recorded", len(signins))
            self._given_up += len(entries)
        else:
            self._told += lost
            if lost:
                log.warning("%d sign-ins were not recorded: they came faster than they could be written", lost)
            self._away = False

    def _put_back(self, entries: list[SignIn | tuple[DeviceKey, str]]) -> None:
        room = max(self._capacity - len(self._queue), 0)
        kept = entries[:room]
        self._queue.extendleft(reversed(kept))
        self._given_up += len(entries) - len(kept)
        self._news.set()

    def _prune(self) -> None:
        now = time.monotonic()
        if self._store is None or now < self._prune_at:
            return
        self._prune_at = now + PRUNE_SECONDS
        try:
            self._store.prune(self._retention, time.time())
        except ProviderError as error:
            log.warning("old records of sign-ins stay for now: %s", error)


def _lost(number: int) -> SignIn:
    return SignIn(time.time(), LOST, f"{number} records were lost", "", "", "", "", "", "", tls=False)
