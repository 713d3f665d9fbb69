"""The one seam between the loop and the synchronous store: inline where that is cheapest, in a thread where it blocks.

How a front end uses its StoreRunner (`runner`), built once a worker by gateway.app:

    folder = await runner.read(mailbox.folder, "INBOX")          # short read: no thread hop when the store is local
    uids = await runner.run(mailbox.find, folder.id, query)      # long work: always a thread, the loop goes on
    row = await runner.write(ref, lambda: mailbox.deliver(...))  # a change: joins the group commit of that mailbox

`write` returns after the commit: a reply that promises durability may leave then, not before. What the operation
raised is raised at the caller, and spoils no other operation of the group. Operations on one mailbox run in the order
of their calls. An operation given to `write` or `run` is completed although the awaiting task is cancelled; its
result is dropped. `write` waits when too much is queued, so a flood slows its senders and not the memory.

Measured: a thread hop costs 50 µs of CPU and, with many threads at work, several times that for the interpreter lock; a
short SQLite read costs 4 µs; a commit waits 0.15 ms for a fast disk and 10 ms for a slow one. Hence the switch by
measurement in CommitGauge: on a fast disk the commits of a turn run inline, one mailbox after the other. The loop never
waits for a mailbox that another thread or process is changing: that commit goes to a thread, which does.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

TURN_SECONDS = 0.005
"""How long inline commits of different mailboxes may go on before the loop gets its turn."""

Operation = Callable[[], Any]
_MOST = 5
"""Slow commits of the last eight that a fast disk may have."""


class MailboxKey(Protocol):
    """What names a mailbox here; store.ids.MailboxRef does."""

    @property
    def id(self) -> Hashable:
        """The number that tells mailboxes apart."""
        ...


GroupCommit = Callable[[Any, Sequence[Operation]], Sequence[Any]]
"""`Store.group`: all operations in one transaction; each result is a value, or the exception of that operation."""

Attempt = Callable[[Any, Sequence[Operation]], Sequence[Any] | None]
"""`Store.attempt`: as GroupCommit, or None when another is changing the mailbox just now."""


class BusyClock:
    """How long the thread that made it has been working or ready to work: its time but for what it waited for.

    The time in the run queue is Linux's (`schedstat`); where that cannot be read it counts as waiting.
    """

    __slots__ = ("_file",)

    def __init__(self) -> None:
        try:
            self._file = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def __call__(self) -> float:
        """Give seconds; only differences mean something."""
        worked = time.thread_time()
        if self._file < 0:
            return worked
        try:
            return worked + int(os.pread(self._file, 80, 0).split()[1]) * 1e-9
        except (OSError, ValueError, IndexError):
            return worked


class CommitGauge:
    """Says whether commits belong in a thread: they do when the disk is slow, whatever else the machine does.

    What counts is the time that a commit waits for the disk, which excludes the time that it works and the time that
    it is ready but other processes run: on a busy machine that is ten times longer than a sync. Commits move to a
    thread when most of the last eight waited longer than `slow` seconds. There they cannot be judged, for the thread
    waits for the interpreter lock as well; so one is tried inline after `probe` seconds, and when it waited less than
    `fast` all come back. Each probe that fails doubles the time to the next, up to `longest`.
    """

    __slots__ = ("_fast", "_history", "_longest", "_next_probe", "_pause", "_probe", "slow", "threaded")

    def __init__(self, *, slow: float = 0.003, fast: float = 0.0015, probe: float = 1.0, longest: float = 30.0) -> None:
        self.slow = slow
        self._fast = fast
        self._probe = probe
        self._longest = longest
        self._pause = probe
        self._next_probe = 0.0
        self._history = 0
        """One bit for each of the last eight commits: it waited too long."""
        self.threaded = False

    def wants_thread(self, now: float) -> bool:
        """Decide for the next commit; `now` is a monotonic clock in seconds."""
        if self.threaded and now >= self._next_probe:
            self._next_probe = now + self._pause
            return False
        return self.threaded

    def record(self, waited: float, now: float) -> None:
        """Take in how many seconds an inline commit waited."""
        if self.threaded:
            if waited < self._fast:
                self.threaded = False
                self._history = 0
                self._pause = self._probe
            else:
                self._pause = min(2 * self._pause, self._longest)
                self._next_probe = now + self._pause
            return
        self._history = (self._history << 1 | (waited > self.slow)) & 0xFF
        if self._history.bit_count() > _MOST:
            self.threaded = True
            self._next_probe = now + self._pause


class _Queue:
    """The operations that wait for one mailbox."""

    __slots__ = ("busy", "futures", "key", "operations")

    def __init__(self, key: MailboxKey) -> None:
        self.key = key
        self.operations: list[Operation] = []
        self.futures: list[asyncio.Future[Any]] = []
        self.busy = False


class StoreRunner:
    """Runs store calls for the coroutines of one worker. Build it inside the running loop; `close` it at the end.

    `inline` is `Store.inline`; `group` is `Store.group` and `attempt` is `Store.attempt`, without which the loop itself
    waits for others; `busy` is what BusyClock is. `threads` bounds the pool, `queue_limit` the operations that wait for
    a commit in the whole worker, `batch_limit` those of one transaction.
    """

    def __init__(
        self,
        *,
        inline: bool,
        group: GroupCommit,
        attempt: Attempt | None = None,
        threads: int = 8,
        queue_limit: int = 4096,
        batch_limit: int = 256,
        gauge: CommitGauge | None = None,
        clock: Callable[[], float] = time.monotonic,
        busy: Callable[[], float] | None = None,
    ) -> None:
        self.inline = inline
        self.gauge = gauge or CommitGauge()
        self._group = group
        self._attempt = attempt or group
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._clock = clock
        self._busy = busy or BusyClock()
        self._close_look = False
        self._queues: dict[Hashable, _Queue] = {}
        self._ready: list[_Queue] = []
        self._queued = 0
        self._blocked: deque[asyncio.Future[None]] = deque()
        self._closing = False

    async def read(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a short read: at once when the store is local, else in a thread."""
        if self.inline:
            return fn(*args, **kwargs)
        return await self.run(fn, *args, **kwargs)

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something long in a thread."""
        call = self._loop.run_in_executor(self._pool, lambda: fn(*args, **kwargs))
        return await asyncio.shield(call)

    async def write(self, ref: MailboxKey, fn: Callable[[], T]) -> T:
        """Let `fn` change the mailbox within the next group commit; return its result after the commit."""
        if self._closing:
            raise RuntimeError("StoreRunner is closed")
        while self._queued >= self._queue_limit:
            space = self._loop.create_future()
            self._blocked.append(space)
            await space
        future: asyncio.Future[Any] = self._loop.create_future()
        queue = self._queues.get(ref.id)
        if queue is None:
            queue = self._queues[ref.id] = _Queue(ref)
        if not queue.operations and not queue.busy:
            if not self._ready:
                self._loop.call_soon(self._drain)
            self._ready.append(queue)
        queue.operations.append(fn)
        queue.futures.append(future)
        self._queued += 1
        result: T = await future
        return result

    @property
    def queued(self) -> int:
        """Operations that wait for their commit, or are in it."""
        return self._queued

    async def close(self) -> None:
        """Finish what is queued, then let the threads go. Later writes are refused."""
        while self._queued:
            waiting = [future for queue in self._queues.values() for future in queue.futures if not future.done()]
            if waiting:
                await asyncio.wait(waiting)
            else:
                await asyncio.sleep(0)
        self._closing = True
        await asyncio.to_thread(self._pool.shutdown)

    def _drain(self) -> None:
        """Commit what this turn of the loop has queued, mailbox by mailbox."""
        ready, self._ready = self._ready, []
        now = started = self._clock()
        for place, queue in enumerate(ready):
            if now - started > TURN_SECONDS:
                # Others want the loop too; what was ready first stays first.
                self._ready[:0] = ready[place:]
                if len(self._ready) == len(ready) - place:
                    self._loop.call_soon(self._drain)
                return
            now = self._start(queue, now)

    def _start(self, queue: _Queue, now: float) -> float:
        """Commit what waits for a mailbox, or have a thread do it; return the time after that."""
        queue.busy = True
        operations, queue.operations = queue.operations, []
        if len(operations) > self._batch_limit:
            queue.operations = operations[self._batch_limit :]
            del operations[self._batch_limit :]
        if self.inline and not self.gauge.wants_thread(now):
            results, now = self._measured(now, queue.key, operations)
            if results is not None:
                self._finish(queue, results)
                return now
        call = self._loop.run_in_executor(self._pool, self._commit, queue.key, operations, self._group)

        def finish(done: asyncio.Future[Sequence[Any] | None]) -> None:
            committed = done.result()
            assert committed is not None, "only an attempt gives way to others"
            self._finish(queue, committed)

        call.add_done_callback(finish)
        return now

    def _measured(
        self, started: float, key: MailboxKey, operations: Sequence[Operation]
    ) -> tuple[Sequence[Any] | None, float]:
        """Commit inline, unless another has the mailbox, and tell the gauge.

        What the time was spent on is only asked for when the last took long.
        """
        gauge = self.gauge
        close = self._close_look or gauge.threaded
        worked = self._busy() if close else 0.0
        results = self._commit(key, operations, self._attempt)
        ended = self._clock()
        if results is None:
            return None, ended
        seconds = ended - started
        self._close_look = seconds > gauge.slow
        if close:
            gauge.record(seconds - (self._busy() - worked), ended)
        elif seconds <= gauge.slow:
            gauge.record(seconds, ended)
        return results, ended

    @staticmethod
    def _commit(key: MailboxKey, operations: Sequence[Operation], group: Attempt) -> Sequence[Any] | None:
        try:
            results = group(key, operations)
        except Exception as error:  # the commit itself failed: every operation of the group has
            return [error] * len(operations)
        if results is not None and len(results) != len(operations):
            return [RuntimeError("group commit lost a result")] * len(operations)
        return results

    def _finish(self, queue: _Queue, results: Sequence[Any]) -> None:
        """Answer those who have waited longest for this mailbox: one result each."""
        count = len(results)
        for future, result in zip(queue.futures, results, strict=False):  # others may wait for the next commit
            if future.done():  # its task was cancelled
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
        del queue.futures[:count]
        self._queued -= count
        queue.busy = False
        if queue.operations:
            if not self._ready:
                self._loop.call_soon(self._drain)
            self._ready.append(queue)
        else:
            self._queues.pop(queue.key.id, None)
        room = self._queue_limit - self._queued
        while self._blocked and room > 0:
            space = self._blocked.popleft()
            if not space.done():
                space.set_result(None)
                room -= 1
