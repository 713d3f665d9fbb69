"""Whether those who are signed in still may be: accounts are disabled, grants and app passwords taken back meanwhile.

    standing.enter(logon)            # at sign-in; forgotten when nobody holds the Logon any more
    standing.has_ended(logon)        # what the front ends' timers ask: a look into a set
    await standing.watch()           # until cancelled

The directory is asked only after it has changed, off the loop where it is not local, and once for all sessions of a
user. A directory that is away ends nobody's session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol
from weakref import ref

from directory.apppasswords import AppPassword
from directory.errors import ProviderError
from directory.grants import may_open
from directory.provider import DirectoryProvider
from gateway.services.logon import Logon

log = logging.getLogger("oxgate.audit")

SECONDS = 5.0
"""Between two looks at the directory."""


class StandingDirectory(DirectoryProvider, Protocol):
    """The part of the directory that this wants."""

    def generation(self) -> int:
        """Give a number that every change raises."""

    def app_passwords(self, principal_id: int) -> list[AppPassword]:
        """List the app passwords of an account."""


class _Held(ref[Logon]):
    """A sign-in that somebody holds; each is one of its own, though two may be alike."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__


class _Key(NamedTuple):
    """What a session stands on."""

    user: int
    owner: int
    app_password: int


class Standing:
    """The live sign-ins of one worker."""

    def __init__(
        self,
        directory: StandingDirectory,
        run: Callable[[Callable[[], frozenset[_Key]]], Awaitable[frozenset[_Key]]] | None = None,
    ) -> None:
        """`run` calls in a thread; None: the directory is local, and its answers are short."""
        self._directory = directory
        self._run = run
        self._live: set[ref[Logon]] = set()
        self._ended: frozenset[_Key] = frozenset()
        self._seen: frozenset[_Key] = frozenset()
        self._generation = -1

    def enter(self, logon: Logon) -> None:
        """Watch over a sign-in for as long as somebody holds it."""
        self._live.add(_Held(logon, self._live.discard))

    def has_ended(self, logon: Logon) -> bool:
        """Whether the session must end, as of the last look."""
        return bool(self._ended) and _key(logon) in self._ended

    async def watch(self) -> None:
        """Look now and then, until cancelled."""
        while True:
            await asyncio.sleep(SECONDS)
            try:
                await self.look()
            except ProviderError as error:
                log.warning("who may stay signed in is not known: %s", error)

    async def look(self) -> None:
        """Ask the directory about everybody who is signed in. Raises ProviderError."""
        keys = frozenset(_key(logon) for held in tuple(self._live) if (logon := held()) is not None)
        if not keys:
            self._ended = self._seen = frozenset()
            return

        def find() -> frozenset[_Key]:
            return self._find(keys)

        ended = find() if self._run is None else await self._run(find)
        for key in ended - self._ended:
            user = self._directory.by_id(key.user) if self._run is None else None
            log.info("sessions of %s end: the right to them is gone", user.address if user else f"account {key.user}")
        self._ended = ended

    def _find(self, keys: frozenset[_Key]) -> frozenset[_Key]:
        generation = self._directory.generation()
        known = self._seen if generation == self._generation else frozenset()
        ended = (self._ended & known & keys) | {key for key in keys - known if not self._may_stay(key)}
        self._generation, self._seen = generation, keys
        return ended

    def _may_stay(self, key: _Key) -> bool:
        directory = self._directory
        user, owner = directory.by_id(key.user), directory.by_id(key.owner)
        if user is None or owner is None or not user.enabled or not may_open(directory, user, owner):
            return False
        return not key.app_password or any(one.number == key.app_password for one in directory.app_passwords(key.user))


def _key(logon: Logon) -> _Key:
    return _Key(logon.user.id, logon.owner.id, logon.app_password)
