"""A small server under the supervisor, run by test_supervisor.py in a process of its own, with FOLDER and MODE."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from twisted.internet.protocol import Protocol

from gateway.runtime.listeners import Endpoint, Listener, bind
from gateway.runtime.process import StartError, WorkerLink, run_worker
from gateway.runtime.supervisor import Supervisor
from gateway.runtime.tls import TlsContexts


class Who(Protocol):
    """Says the number of its process, then echoes."""

    def connectionMade(self) -> None:
        self.transport.write(b"%d\n" % os.getpid())  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr]


class Small:
    """A service with one port."""

    def __init__(self, listener: Listener, mode: str, index: int, contexts: TlsContexts) -> None:
        self.listener = listener
        self.mode = mode
        self.index = index
        self.contexts = contexts

    async def start(self) -> None:
        if self.mode == "refuse" and self.index == 1:
            raise StartError("the database is gone. What to do: start it")
        if self.mode == "bug" and self.index == 1:
            raise ZeroDivisionError
        if self.mode == "die" and self.index == 1:
            os._exit(7)
        await self.listener.serve(Who)

    async def stop(self, grace: float) -> None:
        await self.listener.stop(grace)

    def reload(self) -> None:
        self.contexts.reload()


def main() -> int:
    folder, mode = Path(sys.argv[1]), sys.argv[2]
    logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(levelname)s %(message)s")
    contexts = TlsContexts(folder / "cert.pem", folder / "key.pem")
    workers = 2
    binding = bind(Endpoint("who", "127.0.0.1", 0), workers=workers)

    def worker(link: WorkerLink) -> int:
        async def build() -> Small:
            listener = Listener(binding.endpoint, binding.sockets[link.index], implicit=contexts.context)
            return Small(listener, mode, link.index, contexts)

        return run_worker(link, build, grace=0.2)

    return Supervisor(
        worker,
        workers=workers,
        grace=0.2,
        release=lambda index: binding.close(keep=index),
        reload=contexts.reload,
        on_ready=lambda: print(f"ready {binding.endpoint.port}", flush=True),
    ).run()


if __name__ == "__main__":
    sys.exit(main())
