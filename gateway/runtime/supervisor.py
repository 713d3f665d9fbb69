"""The parent of the workers: forks them, replaces the dead, hands signals on.

It has no loop, no thread and no database connection, ever, so that it may fork at any time. What it does:

- fork N workers; when each has reported that it listens, call `on_ready`; when one cannot start, stop all and say why;
- replace a worker that dies, at once the first time, with growing pauses when it dies young;
- SIGTERM, SIGINT: let the workers drain, kill those that outlast their grace, return 0; a second one: kill now;
- SIGHUP: `reload` here (workers forked later inherit it), then in every worker.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.runtime.memory import freeze_before_fork
from gateway.runtime.process import WORKER_SIGNALS, WorkerLink

log = logging.getLogger("oxgate.supervisor")

YOUNG_SECONDS = 10.0
"""A worker that dies younger than this is replaced with a pause."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
KILL_MARGIN = 5.0
"""Seconds beyond the grace after which a draining worker is killed."""


@dataclass(slots=True)
class _Slot:
    """One place for a worker."""

    index: int
    pid: int = 0
    report: int = -1
    heard: bytes = b""
    ready: bool = False
    started: float = 0.0
    pause: float = 0.0
    due: float = field(default=0.0)
    """When to fork again, while pid is 0."""


class Supervisor:
    """Runs `worker(link)` in N forked processes; its return value is their exit status.

    `release` is called in a new worker with its index, to close what belongs to the others, and in the supervisor
    with None before the workers drain, to close the sockets it holds for them.
    """

    def __init__(
        self,
        worker: Callable[[WorkerLink], int],
        *,
        workers: int,
        grace: float,
        release: Callable[[int | None], None],
        reload: Callable[[], None],
        on_ready: Callable[[], None],
    ) -> None:
        self._worker = worker
        self._grace = grace
        self._release = release
        self._reload = reload
        self._on_ready = on_ready
        self._slots = [_Slot(index) for index in range(workers)]
        self._selector = selectors.DefaultSelector()
        self._lifeline = (-1, -1)
        self._wake: tuple[socket.socket, socket.socket] | None = None
        self._announced = False
        self._stopping = False
        self._deadline = 0.0
        self._reason = ""

    def run(self) -> int:
        """Supervise until told to stop: 0; or until a worker cannot start: 1, after logging why."""
        with self._signals():
            freeze_before_fork()
            for slot in self._slots:
                self._fork(slot)
            while not (self._stopping and all(slot.pid == 0 for slot in self._slots)):
                self._turn()
        if self._reason:
            log.critical("cannot start: %s", self._reason)
            return 1
        log.info("stopped")
        return 0

    # -- signals

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Turn the signals of this process into bytes on a socket that the selector watches."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        theirs.setblocking(False)
        self._wake = (ours, theirs)
        self._lifeline = os.pipe()
        self._selector.register(ours, selectors.EVENT_READ)
        before = {number: signal.signal(number, _noted) for number in sorted(WORKER_SIGNALS)}
        old_wakeup = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(old_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            for slot in self._slots:
                self._forget_report(slot)
            self._selector.close()
            ours.close()
            theirs.close()
            for end in self._lifeline:
                os.close(end)

    def _signalled(self, numbers: bytes) -> None:
        for number in numbers:
            if number in (signal.SIGTERM, signal.SIGINT):
                if self._stopping:
                    self._deadline = 0.0
                else:
                    log.info("stopping, connections have %g seconds", self._grace)
                    self._stop()
            elif number == signal.SIGHUP and not self._stopping:
                self._reload_all()
        self._reap()

    def _reload_all(self) -> None:
        try:
            self._reload()
        except Exception as error:  # a bad new certificate must not end a server that runs
            log.error("reload failed, going on as before: %s", error)
            return
        for slot in self._slots:
            if slot.pid:
                _kill(slot.pid, signal.SIGHUP)

    # -- one turn

    def _turn(self) -> None:
        now = time.monotonic()
        times = [slot.due - now for slot in self._slots if slot.pid == 0 and not self._stopping]
        if self._stopping:
            times.append(self._deadline - now)
        timeout = max(0.0, min(times)) if times else None
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, _Slot):
                if key.data.report == key.fd:  # else the worker was buried, or replaced, within this very turn
                    self._hear(key.data)
            else:
                assert self._wake is not None
                with contextlib.suppress(BlockingIOError):
                    self._signalled(self._wake[0].recv(4096))
        now = time.monotonic()
        if self._stopping:
            if now >= self._deadline:
                self._kill_all(signal.SIGKILL)
                self._deadline = now + KILL_MARGIN
            return
        for slot in self._slots:
            if slot.pid == 0 and slot.due <= now:
                self._fork(slot)

    def _hear(self, slot: _Slot) -> None:
        data = os.read(slot.report, 65536)
        if not data:
            self._forget_report(slot)
            return
        slot.heard += data
        while b"\n" in slot.heard:
            line, _, slot.heard = slot.heard.partition(b"\n")
            message = json.loads(line)
            if message["event"] == "ready":
                slot.ready = True
                slot.pause = 0.0 if not self._announced else slot.pause
                self._announce()
            else:
                self._failed(slot, message["reason"])

    def _announce(self) -> None:
        if not self._announced and all(slot.ready for slot in self._slots):
            self._announced = True
            self._on_ready()

    def _failed(self, slot: _Slot, reason: str) -> None:
        if self._announced:
            log.error("worker %d cannot start: %s", slot.index, reason)
        elif not self._reason:
            self._reason = reason
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        self._deadline = time.monotonic() + self._grace + KILL_MARGIN
        self._release(None)
        self._kill_all(signal.SIGTERM)

    def _kill_all(self, number: signal.Signals) -> None:
        for slot in self._slots:
            if slot.pid:
                _kill(slot.pid, number)

    # -- processes

    def _fork(self, slot: _Slot) -> None:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        # Blocked until the worker's loop has its handlers: a SIGTERM in between would be lost.
        old = signal.pthread_sigmask(signal.SIG_BLOCK, WORKER_SIGNALS)
        pid = os.fork()
        if pid == 0:
            self._become_worker(slot.index, reading, writing)
        signal.pthread_sigmask(signal.SIG_SETMASK, old)
        os.close(writing)
        slot.pid = pid
        slot.report = reading
        slot.heard = b""
        slot.ready = False
        slot.started = time.monotonic()
        self._selector.register(reading, selectors.EVENT_READ, slot)
        log.debug("worker %d is process %d", slot.index, pid)

    def _become_worker(self, index: int, reading: int, writing: int) -> None:
        """Never returns: the code above this frame is the supervisor's."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            self._selector.close()
            assert self._wake is not None
            for end in self._wake:
                end.close()
            for slot in self._slots:
                if slot.report >= 0 and slot.index != index:
                    os.close(slot.report)
            os.close(reading)
            os.close(self._lifeline[1])
            self._release(index)
            status = self._worker(WorkerLink(index, writing, self._lifeline[0]))
        except BaseException:
            log.exception("worker %d ended by an error", index)
        finally:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _forget_report(self, slot: _Slot) -> None:
        if slot.report >= 0:
            self._selector.unregister(slot.report)
            os.close(slot.report)
            slot.report = -1

    def _reap(self) -> None:
        for slot in self._slots:
            if not slot.pid:
                continue
            pid, status = os.waitpid(slot.pid, os.WNOHANG)
            if pid == 0:
                continue
            while slot.report >= 0:  # what it said last
                self._hear(slot)
            slot.pid = 0
            self._bury(slot, os.waitstatus_to_exitcode(status))

    def _bury(self, slot: _Slot, code: int) -> None:
        if self._stopping:
            return
        cause = f"by signal {-code}" if code < 0 else f"with status {code}"
        if not self._announced:
            self._failed(slot, f"worker {slot.index} ended {cause} before it was ready")
            return
        now = time.monotonic()
        if now - slot.started < YOUNG_SECONDS and slot.pause:
            slot.pause = min(slot.pause * 2, LONGEST_PAUSE)
            slot.due = now + slot.pause
        elif slot.ready:
            slot.pause = FIRST_PAUSE
            slot.due = now
        else:
            slot.pause = FIRST_PAUSE
            slot.due = now + FIRST_PAUSE
        log.error("worker %d ended %s, replacing it in %.1f s", slot.index, cause, slot.due - now)


def _noted(number: int, frame: object) -> None:
    """Let the wakeup descriptor do the work."""


def _kill(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
