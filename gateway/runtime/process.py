"""The life of one serving process: start, serve until told to stop, drain.

`serve_until_stopped` is that life inside a loop; `run_worker` is the main function of a forked worker, `run_inprocess`
the same without any fork, for debugging and tests.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.runtime import loop as event_loop
from gateway.runtime.memory import tune_worker

log = logging.getLogger("oxgate.process")

WORKER_SIGNALS = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD})


class StartError(Exception):
    """The server cannot start; the text is for the administrator and says what to do."""


class FrontEnd(Protocol):
    """One protocol's ports in a worker."""

    async def start(self) -> None:
        """Listen."""

    async def stop(self, grace: float) -> None:
        """Take no more connections, say goodbye, cut what is left after `grace` seconds."""


class Service(Protocol):
    """What runs in a worker; gateway.app.Application is one."""

    async def start(self) -> None:
        """Begin to serve; returns when every port listens. Raises StartError."""

    async def stop(self, grace: float) -> None:
        """Take no more connections, let those that are open end within `grace` seconds, close everything."""

    def reload(self) -> None:
        """Read certificates again."""


@dataclass(frozen=True, slots=True)
class WorkerLink:
    """A worker's lines to its supervisor: a pipe for one report, and a pipe that ends when the supervisor does."""

    index: int
    report: int
    lifeline: int

    def ready(self) -> None:
        """Report that every port listens."""
        self._send({"event": "ready"})

    def failed(self, reason: str) -> None:
        """Report that this worker cannot start, and why."""
        self._send({"event": "failed", "reason": reason})

    def _send(self, message: dict[str, str]) -> None:
        os.write(self.report, json.dumps(message).encode() + b"\n")


async def serve_until_stopped(
    service: Service,
    *,
    grace: float,
    ready: Callable[[], None],
    lifeline: int | None = None,
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,),
) -> None:
    """Run a service until a stop signal comes, or the lifeline ends. SIGHUP reloads. Raises StartError."""
    running = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in stop_signals:
        running.add_signal_handler(number, stopped.set)
    running.add_signal_handler(signal.SIGHUP, _reload, service)
    if lifeline is not None:
        running.add_reader(lifeline, stopped.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WORKER_SIGNALS)
    try:
        await service.start()
        ready()
        await stopped.wait()
    finally:
        if lifeline is not None:
            running.remove_reader(lifeline)
        await service.stop(grace if stopped.is_set() else 0.0)
        for number in (*stop_signals, signal.SIGHUP):
            running.remove_signal_handler(number)


def _reload(service: Service) -> None:
    try:
        service.reload()
    except Exception as error:  # a bad new certificate must not end a server that runs
        log.error("reload failed, going on as before: %s", error)
    else:
        log.info("reloaded")


def run_worker(link: WorkerLink, build: Callable[[], Awaitable[Service]], *, grace: float) -> int:
    """Be a worker from the fork to the end; return the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    tune_worker()
    return _run(build, grace=grace, ready=link.ready, failed=link.failed, lifeline=link.lifeline)


def run_inprocess(
    build: Callable[[], Awaitable[Service]],
    *,
    grace: float,
    ready: Callable[[], None],
    failed: Callable[[str], None],
) -> int:
    """Serve in this very process; return the exit status."""
    return _run(
        build, grace=grace, ready=ready, failed=failed, stop_signals=(signal.SIGTERM, signal.SIGINT), lifeline=None
    )


def _run(
    build: Callable[[], Awaitable[Service]],
    *,
    grace: float,
    ready: Callable[[], None],
    failed: Callable[[str], None],
    lifeline: int | None,
    stop_signals: tuple[signal.Signals, ...] = (signal.SIGTERM,),
) -> int:
    async def main() -> None:
        service = await build()
        await serve_until_stopped(service, grace=grace, ready=ready, lifeline=lifeline, stop_signals=stop_signals)

    loop = event_loop.install()
    try:
        event_loop.run(loop, main())
    except StartError as error:
        failed(str(error))
        return 1
    except Exception as error:
        log.exception("worker ended by an error")
        failed(f"internal error: {error!r}; the log has the details")
        return 1
    return 0
