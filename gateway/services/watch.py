"""Hints that a mailbox has changed, brought to the sessions that have it open.

A hint says where to look, never what is there: a session that is hinted reads the change log. So hints may be merged
(here: all those of one loop turn, by folder) and may be lost, which costs latency, never data.

    subscription = watch.subscribe(mailbox_id, session.hinted)   # called in the loop, once a turn and folder
    subscription.cancel()                                        # nothing of the session is kept after this

`publish` is `Store`'s hook: it serves the sessions of this worker and passes the hint on to the others. `notify` takes
a hint that came from elsewhere. Both may be called from any thread.

The other workers are told at once after a rest, and under load only every PAUSE_SECONDS, of all that changed meanwhile:
to send a hint, and above all to wake every other worker for it, costs more than to bring it to a session here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Protocol

from store.changes import Touched

log = logging.getLogger("oxgate.watch")

Callback = Callable[[Touched], None]

PAUSE_SECONDS = 0.01
"""How long hints to the other workers may wait for more of them: what a session elsewhere hears later under load."""


class Forward(Protocol):
    """Takes hints on to the other workers."""

    def __call__(self, *hints: Touched) -> None:
        """Send them; an OSError is a hint lost."""
        ...


class Subscription:
    """One session's interest in one mailbox."""

    __slots__ = ("_callback", "_mailbox_id", "_watch")

    def __init__(self, watch: Watch, mailbox_id: int, callback: Callback) -> None:
        self._watch = watch
        self._mailbox_id = mailbox_id
        self._callback: Callback | None = callback

    def cancel(self) -> None:
        """End it; a hint already under way is dropped. Twice is once."""
        if self._callback is not None:
            self._callback = None
            self._watch.forget(self, self._mailbox_id)

    def call(self, touched: Touched) -> None:
        """Hand a hint to the session, unless cancelled."""
        if self._callback is not None:
            self._callback(touched)


class Watch:
    """The subscriptions of one worker. Made inside its loop, and closed if `forward` is given."""

    def __init__(self, forward: Forward | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._forward = forward
        self._subscriptions: dict[int, list[Subscription]] = {}
        self._pending: dict[tuple[int, int], tuple[Touched, bool]] = {}
        self._leaving: dict[tuple[int, int], Touched] = {}
        self._left = 0.0
        """When hints were forwarded last, by the loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, mailbox_id: int, callback: Callback) -> Subscription:
        """Have `callback` called after changes in a mailbox, with the newest hint of each folder."""
        subscription = Subscription(self, mailbox_id, callback)
        self._subscriptions.setdefault(mailbox_id, []).append(subscription)
        return subscription

    def forget(self, subscription: Subscription, mailbox_id: int) -> None:
        """Serve Subscription.cancel."""
        there = self._subscriptions.get(mailbox_id)
        if there is None or subscription not in there:
            return
        there.remove(subscription)
        if not there:
            del self._subscriptions[mailbox_id]

    def publish(self, touched: Touched) -> None:
        """Take a hint of this worker's own store: for its sessions and for the other workers."""
        self._take(touched, True)

    def notify(self, touched: Touched) -> None:
        """Take a hint that came from another worker or host."""
        if threading.get_ident() != self._thread or touched.mailbox_id in self._subscriptions:
            self._take(touched, False)

    def missed(self) -> None:
        """Hints were lost: hint every mailbox that somebody has open. May be called from any thread."""
        if threading.get_ident() != self._thread:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self.missed)
            return
        for mailbox_id in self._subscriptions:
            self._take(Touched(mailbox_id, 0, 0), False)

    def close(self) -> None:
        """Forward at once what still waits for it."""
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
        self._leave()

    def _take(self, touched: Touched, own: bool) -> None:
        if threading.get_ident() != self._thread:
            try:
                self._loop.call_soon_threadsafe(self._take, touched, own)
            except RuntimeError:  # the loop is closed: nobody is left to be told
                log.debug("hint after the end of the loop")
            return
        if not self._pending:
            self._loop.call_soon(self._flush)
        key = (touched.mailbox_id, touched.folder_id)
        before = self._pending.get(key)
        if before is not None:
            own = own or before[1]
            if before[0].cn > touched.cn:
                touched = before[0]
        self._pending[key] = (touched, own)

    def _flush(self) -> None:
        pending, self._pending = self._pending, {}
        for key, (touched, own) in pending.items():
            for subscription in tuple(self._subscriptions.get(touched.mailbox_id, ())):
                try:
                    subscription.call(touched)
                except Exception:  # one session's bug must not keep the others from hearing
                    log.exception("a session failed on a hint")
            if own and self._forward is not None:
                before = self._leaving.get(key)
                if before is None or before.cn < touched.cn:
                    self._leaving[key] = touched
        if self._leaving and self._timer is None:
            wait = self._left + PAUSE_SECONDS - self._loop.time()
            if wait > 0:
                self._timer = self._loop.call_later(wait, self._leave)
            else:
                self._leave()

    def _leave(self) -> None:
        """Forward what waits for it."""
        leaving, self._leaving = self._leaving, {}
        self._timer = None
        if self._forward is None or not leaving:
            return
        self._left = self._loop.time()
        try:
            self._forward(*leaving.values())
        except OSError as error:
            log.debug("hints not forwarded: %s", error)
