"""Against guessing: who must wait with a sign-in, and who is refused for a while (docs/decisions/0014).

    async with guard.admission(login, peer):      # may wait; raises LogonRefused(TOO_MANY)
        ...                                       # hash the password, ask the verifier
    guard.succeeded(login, peer)
    guard.failed(login, peer); await asyncio.sleep(guard.delay(login, peer))

What is counted is failures, decaying, by pair (account and client network), by account, and by client network; a
network is one IPv4 address or the /64 of an IPv6 address. What follows from it:

- A pair that failed too often is refused for a while. That touches no other network of the account.
- A network that failed too often, over accounts, is refused for a while.
- An account that failed too often from anywhere is under attack: pairs that are strangers to it wait before they are
  verified, and share a few places at a time. They are not refused, so a right user at a new address gets in.
- A pair that has signed in within the last weeks is known, and none of this touches it: it waits for nothing, shares no
  place, and only failures of its own, ten times as many, close it. So nobody can lock out a user from elsewhere.

All of it goes by the name as the client writes it, brought to one spelling, before anybody knows whether there is such
an account: waiting, refusal and lock-out are the same for names that do not exist.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import math
import random
import time
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple

from directory.networks import Networks
from gateway.runtime.connections import client_of
from gateway.runtime.sharedcounters import SharedCounters
from gateway.sasl.peer import PeerInfo
from gateway.services.logon import LogonRefused, RefusalKind
from gateway.services.names import one_spelling, parse_login

log = logging.getLogger("oxgate.guard")

KNOWN_PATIENCE = 10
"""A known pair may fail that many times as often as a stranger: an old telephone tries an old password all day."""

FREE = 2
"""Failures that anybody may have before the tarpit grows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """What the guard goes by."""

    default_domain: str = ""
    """Completes a bare name, lower case; with `netbios_domain` it makes one name of the spellings of a login."""
    netbios_domain: str = ""
    """The short domain name, in any case."""
    tarpit: float = 5.0
    """Seconds before the first failures and any refusal are answered; doubled with every two failures more."""
    max_tarpit: float = 30.0
    """Seconds beyond which the tarpit does not grow."""
    window: float = 900.0
    """Seconds after which a count is worth 1/e of what it was."""
    account_failures: int = 10
    """Failures of a stranger by which the pair is refused, and failures of all strangers by which an account is under
    attack. 0: neither."""
    address_failures: int = 50
    """Failures by which a network is refused. 0: never."""
    refusal: float = 900.0
    """Seconds for which a pair or a network is refused."""
    known: float = 30 * 86_400.0
    """Seconds for which a pair is known after a sign-in."""
    account_places: int = 2
    """Strangers that are verified at a time, in one worker, for an account under attack."""
    stranger_places: int = 64
    """Strangers that are verified at a time, in one worker, over all accounts: what is left is for those known."""
    waiting: int = 256
    """Strangers that may wait for such a place; of more, one is picked at random and refused."""
    trusted: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Networks that are neither counted nor refused, such as the webmail's, which signs in for everybody."""


class _Keys(NamedTuple):
    """The counters that a sign-in concerns."""

    pair: int
    account: int
    network: int


class Guard:
    """One worker's door-keeper; what it counts is in memory that all workers share."""

    def __init__(
        self,
        counters: SharedCounters,
        settings: GuardSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._failures = counters.failures
        self._known = counters.known
        self._key = counters.key
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._trusted = Networks(settings.trusted)
        self._network = functools.lru_cache(maxsize=4096)(self._network_of)
        self._strangers = _Places(settings.stranger_places, settings.waiting)
        self._attacked: dict[int, _Places] = {}

    # -- before

    def admission(self, login: str, peer: PeerInfo) -> AbstractAsyncContextManager[None]:
        """Let a sign-in be verified inside, perhaps after waiting. Entering it may raise LogonRefused (TOO_MANY).

        A refusal comes after the usual wait; it is no failure, and is not to be counted or delayed as one.
        """
        keys = self._keys(login, peer)
        if keys is None:
            return _OPEN
        now = self._clock()
        if self._is_known(keys.pair, now) and not self._is_refused(keys.pair, now):
            return _OPEN  # the rule: who signs in again waits for nothing and holds nothing
        return self._admission(keys)

    @contextlib.asynccontextmanager
    async def _admission(self, keys: _Keys) -> AsyncIterator[None]:
        refusal = self._refusal(keys)
        if refusal is None:
            wait = self._stranger_wait(keys)
            if wait:
                await self._sleep(wait)
            async with contextlib.AsyncExitStack() as places:
                if wait is not None:
                    await places.enter_async_context(self._places_of(keys.account))
                if not self._is_known(keys.pair, self._clock()):
                    await places.enter_async_context(self._strangers.one())
                    refusal = self._refusal(keys)  # those before it in the queue may have been his as well
                if refusal is None:
                    yield
                    return
        await self._sleep(self._settings.tarpit)
        raise LogonRefused(RefusalKind.TOO_MANY, refusal)

    async def before(self, login: str, peer: PeerInfo) -> None:
        """Wait, or refuse, as `admission` does, for what costs so little that it needs no place."""
        async with self.admission(login, peer):
            pass

    # -- after

    def failed(self, login: str, peer: PeerInfo) -> None:
        """Count a wrong password or proof, whatever was wrong with it."""
        keys = self._keys(login, peer)
        if keys is None:
            return
        settings, now = self._settings, self._clock()
        known = False
        if login:  # else it is not known yet who it is, as with a token that cannot be read
            most = settings.account_failures
            known = self._is_known(keys.pair, now)
            pair = self._failures.add(keys.pair, settings.window, now)
            if most and pair >= (most * KNOWN_PATIENCE if known else most) and self._close(keys.pair, now):
                log.warning("%s is closed to %s for %g s", ascii(login[:256]), peer.address, settings.refusal)
        if known:  # his own old telephone closes neither the account nor the office to others
            return
        if login:
            account = self._failures.add(keys.account, settings.window, now)
            if most and account - 1 < most <= account:
                log.warning("%s is under attack: strangers have to wait for it", ascii(login[:256]))
        network = self._failures.add(keys.network, settings.window, now)
        if settings.address_failures and network >= settings.address_failures and self._close(keys.network, now):
            log.warning("every account is closed to strangers from %s for %g s", peer.address, settings.refusal)

    def succeeded(self, login: str, peer: PeerInfo) -> None:
        """Remember that this account signs in from this network.

        Its failures stay counted, or somebody who shares the network with the user could guess without end.
        """
        self.remember(login, peer.address, 0.0)

    def remember(self, login: str, address: str, seconds_ago: float) -> None:
        """Make a pair known that signed in a while ago: the tables are empty after a start, the ledger is not.

        What was before the machine started counts as then.
        """
        network = self._network(address)
        if network is None or not login:
            return
        key, now = self._pair(login, network), self._clock()
        if self._known.age(key, now) > seconds_ago:
            self._known.add(key, self._settings.known, now - seconds_ago)

    def delay(self, login: str, peer: PeerInfo) -> float:
        """Give the seconds to wait before a failure is answered, the failure counted already."""
        settings = self._settings
        keys = self._keys(login, peer)
        if keys is None:
            return settings.tarpit
        now = self._clock()
        count = self._failures.value(keys.pair, settings.window, now)
        if not self._is_known(keys.pair, now):
            count = max(count, self._failures.value(keys.network, settings.window, now) / 4)
        # The exponent has a bound of its own, for the count has none.
        return min(settings.tarpit * math.exp2(min(max(0.0, (count - FREE) / 2), 16.0)), settings.max_tarpit)

    # -- what the counters say

    def _refusal(self, keys: _Keys) -> str | None:
        """Say why a sign-in is refused, if it is."""
        now = self._clock()
        if self._is_refused(keys.pair, now):
            return "too many failures of this account from this network"
        if self._is_refused(keys.network, now) and not self._is_known(keys.pair, now):
            return "too many failures from this network"
        return None

    def _is_known(self, pair: int, now: float) -> bool:
        return self._known.age(pair, now) < self._settings.known

    def _is_refused(self, key: int, now: float) -> bool:
        return self._failures.age(~key & _ALL, now) < self._settings.refusal

    def _close(self, key: int, now: float) -> bool:
        """Refuse a pair or a network from now on; say whether that is new.

        The mark is a counter of its own, under the inverted key, so that refusal does not end as soon as the count
        has decayed a little.
        """
        new = not self._is_refused(key, now)
        self._failures.add(~key & _ALL, self._settings.window, now)
        return new

    def _stranger_wait(self, keys: _Keys) -> float | None:
        """Give the seconds a stranger waits for an account under attack; None: it is not, or this is no stranger."""
        most, now = self._settings.account_failures, self._clock()
        count = self._failures.value(keys.account, self._settings.window, now)
        if not most or count < most or self._is_known(keys.pair, now):
            return None
        return self._settings.tarpit * min(1.0, (count - most) / most)

    @contextlib.asynccontextmanager
    async def _places_of(self, account: int) -> AsyncIterator[None]:
        places = self._attacked.get(account)
        if places is None:
            places = self._attacked[account] = _Places(self._settings.account_places, self._settings.waiting)
        try:
            async with places.one():
                yield
        finally:
            if places.idle:
                self._attacked.pop(account, None)

    # -- who

    def _keys(self, login: str, peer: PeerInfo) -> _Keys | None:
        """Give the counters that a sign-in concerns, None where its network is trusted."""
        network = self._network(peer.address)
        if network is None:
            return None
        account = self._account(login)
        return _Keys(self._key("pair", account, network), self._key("account", account), self._key("network", network))

    def _pair(self, login: str, network: str) -> int:
        return self._key("pair", self._account(login), network)

    def _account(self, login: str) -> str:
        """Bring a login name to one spelling: any that could mean the same account, by its form alone.

        Active Directory finds accounts without regard to accents: it is safe to count two as one, but not one as many.
        """
        account = one_spelling(parse_login(login), self._settings.default_domain, self._settings.netbios_domain)
        if account.isascii():
            return account
        plain = [char for char in unicodedata.normalize("NFKD", account) if not unicodedata.combining(char)]
        return "".join(plain).casefold()

    def _network_of(self, address: str) -> str | None:
        """Give what an address counts as, None where it is trusted."""
        return None if address in self._trusted else client_of(address)


_ALL = (1 << 64) - 1
_OPEN = contextlib.nullcontext()


class _Places:
    """Some places to be verified at a time, and those who wait for one, first come, first served.

    When more wait than may, the next to leave is picked at random: however many an attacker sends, each attempt has
    the same chance, while a queue that turns newcomers away would belong to him.
    """

    __slots__ = ("_free", "_places", "_queue", "_waiting")

    def __init__(self, places: int, waiting: int) -> None:
        self._places = self._free = places
        self._waiting = waiting
        self._queue: list[asyncio.Future[None]] = []

    @property
    def idle(self) -> bool:
        """Whether nobody is inside or waits."""
        return self._free == self._places

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Hold a place. Raises LogonRefused."""
        if self._free:
            self._free -= 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        if len(self._queue) > self._waiting:
            unlucky = self._queue.pop(random.randrange(len(self._queue)))  # noqa: S311 - chance, not secrecy
            if not unlucky.done():  # else it was cancelled in this very turn, and leaves by itself
                unlucky.set_exception(LogonRefused(RefusalKind.TOO_MANY, "too many sign-ins of strangers at a time"))
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._queue:
                self._queue.remove(turn)
            elif not turn.cancelled() and turn.exception() is None:  # it was given the place in this very turn
                self._hand_on()
            raise

    def _hand_on(self) -> None:
        """Give a place to who waits longest."""
        while self._queue:
            turn = self._queue.pop(0)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
