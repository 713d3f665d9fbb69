"""Signs of life from a command that takes long ([RFC9585] 4)."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType

from gateway.imap.protocol import search_responses as responses
from gateway.imap.session import Session

INTERVAL = 10.0
"""Seconds between two of them."""


class Ticker:
    """Tells the client how far a command is, every ten seconds; to be handed to what works in a thread.

    A context manager: once it is left, nothing more is sent, for the command has its reply.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tag = session.tag
        self._loop = asyncio.get_running_loop()
        self._told = time.monotonic()
        self._over = False

    def __enter__(self) -> Ticker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True

    def __call__(self, done: int, goal: int) -> None:
        """Take note of how many messages of how many are done."""
        now = time.monotonic()
        if now - self._told >= INTERVAL:
            self._told = now
            self._loop.call_soon_threadsafe(self._tell, done, goal)

    def _tell(self, done: int, goal: int) -> None:
        if not self._over:
            self._session.send(responses.inprogress(self._tag, done, goal))
