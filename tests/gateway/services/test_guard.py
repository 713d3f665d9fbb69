"""Who waits, who is refused, and who never is."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from gateway.runtime.sharedcounters import SharedCounters
from gateway.sasl.peer import PeerInfo
from gateway.services.guard import KNOWN_PATIENCE, Guard, GuardSettings
from gateway.services.logon import LogonRefused, RefusalKind

SETTINGS = GuardSettings(default_domain="example.test", netbios_domain="EXAMPLE", waiting=4, stranger_places=2)
HOME, CAFE, EVIL = "192.0.2.1", "198.51.100.7", "203.0.113.66"


class Clock:
    """Time that passes when somebody sleeps or says so."""

    def __init__(self) -> None:
        self.now = 10_000_000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


class Site:
    """A guard with its clock."""

    def __init__(self, settings: GuardSettings = SETTINGS, counters: SharedCounters | None = None) -> None:
        self.clock = Clock()
        self.guard = Guard(counters or SharedCounters.create(4096), settings, clock=self.clock, sleep=self.clock.sleep)

    async def passes(self, login: str, address: str) -> bool:
        """Whether a sign-in would be verified; `clock.slept` then has what it waited."""
        self.clock.slept.clear()
        try:
            await self.guard.before(login, peer(address))
        except LogonRefused as refused:
            return refused.kind is not RefusalKind.TOO_MANY
        return True

    def fail(self, login: str, address: str, times: int = 1) -> None:
        for _ in range(times):
            self.guard.failed(login, peer(address))


def peer(address: str) -> PeerInfo:
    return PeerInfo("imap", address, tls=True)


@pytest.fixture
def site() -> Site:
    return Site()


async def test_nothing_happens_at_first(site: Site) -> None:
    assert await site.passes("alice", HOME)
    site.fail("alice", HOME, 2)
    assert await site.passes("alice", HOME)
    assert site.clock.slept == []


async def test_a_pair_that_fails_is_refused_for_a_while(site: Site) -> None:
    site.fail("alice", EVIL, 9)
    assert await site.passes("alice", EVIL)
    site.fail("alice", EVIL)
    assert not await site.passes("alice", EVIL)
    assert site.clock.slept == [5.0]  # a refusal costs the usual wait, or it would be an invitation
    site.clock.now += SETTINGS.refusal - 1
    assert not await site.passes("alice", EVIL)
    site.clock.now += 2
    assert await site.passes("alice", EVIL)


async def test_a_pair_says_nothing_of_another(site: Site) -> None:
    site.fail("alice", EVIL, 30)
    assert await site.passes("bob", EVIL)
    assert await site.passes("alice", CAFE)


async def test_all_spellings_of_a_name_are_one(site: Site) -> None:
    spellings = ["alice", "ALICE@Example.Test", "EXAMPLE\\alice", "example/alice/sales", "alice@example.test/sales"]
    for login in [*spellings, *spellings]:
        site.fail(login, EVIL)
    for login in spellings:
        assert not await site.passes(login, EVIL)
    for login in ("alice@branch.test", "BRANCH\\alice", "alice2"):
        assert await site.passes(login, EVIL)


async def test_a_network_that_fails_over_accounts_is_refused(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "oxgate.guard"):
        for n in range(49):
            site.fail(f"user{n}", EVIL)
        assert await site.passes("bob", EVIL)
        site.fail("user49", EVIL)
        assert not await site.passes("bob", EVIL)
        site.fail("user50", EVIL)
    assert await site.passes("bob", HOME)
    assert [record.getMessage() for record in caplog.records] == [
        "every account is closed to strangers from 203.0.113.66 for 900 s"
    ]


async def test_without_a_name_only_the_network_counts(site: Site) -> None:
    """A token that cannot be read says nothing of who sent it."""
    site.fail("", EVIL, 49)
    assert await site.passes("", EVIL)
    assert await site.passes("alice", EVIL)
    site.guard.succeeded("", peer(EVIL))
    site.fail("", EVIL)
    assert not await site.passes("", EVIL)


async def test_ipv6_counts_by_64_and_mapped_ipv4_as_ipv4(site: Site) -> None:
    for n in range(10):
        site.fail("alice", f"2001:db8::{n:x}")
    assert not await site.passes("alice", "2001:db8::ffff")
    assert await site.passes("alice", "2001:db8:0:1::1")
    site.fail("alice", f"::ffff:{EVIL}", 10)
    assert not await site.passes("alice", EVIL)
    site.fail("bob", "fe80::1%eth0", 10)
    assert not await site.passes("bob", "fe80::2%eth1")
    assert await site.passes("alice", "no address at all")


async def test_trusted_networks_are_exempt() -> None:
    site = Site()
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.9"):
        site.fail("alice", address, 500)
        assert await site.passes("alice", address)
        assert site.guard.delay("alice", peer(address)) == 5.0
    site = Site(replace(SETTINGS, trusted=()))
    site.fail("alice", "127.0.0.1", 10)
    assert not await site.passes("alice", "127.0.0.1")


async def test_a_known_pair_is_not_touched_by_others(site: Site) -> None:
    """Ten thousand failures from elsewhere: the user at home neither waits nor is refused."""
    site.guard.succeeded("alice", peer(HOME))
    for n in range(10_000):
        site.fail("alice", f"203.0.{n % 200}.{n % 250}")
    assert await site.passes("alice", HOME)
    assert site.clock.slept == []
    assert site.guard.delay("alice", peer(HOME)) == 5.0


async def test_a_known_pair_passes_where_its_network_is_refused(site: Site) -> None:
    """Behind one address translation sit the user, who signs in, and somebody who guesses at others."""
    site.guard.succeeded("alice", peer(HOME))
    for n in range(60):
        site.fail(f"user{n}", HOME)
    assert not await site.passes("bob", HOME)
    assert await site.passes("alice", HOME)
    assert site.clock.slept == []


async def test_an_old_telephone_closes_nothing(site: Site) -> None:
    """A known pair's own failures count for itself only, and ten times as many are forgiven."""
    site.guard.succeeded("alice", peer(HOME))
    site.fail("alice", HOME, 10 * KNOWN_PATIENCE - 1)
    assert await site.passes("alice", HOME)
    assert await site.passes("bob", HOME)
    assert await site.passes("alice", CAFE)
    assert site.clock.slept == []
    site.fail("alice", HOME)
    assert not await site.passes("alice", HOME)
    assert await site.passes("alice", CAFE)


async def test_a_pair_is_forgotten(site: Site) -> None:
    site.guard.succeeded("alice", peer(HOME))
    site.clock.now += SETTINGS.known + 1
    site.fail("alice", HOME, 10)
    assert not await site.passes("alice", HOME)


async def test_pairs_are_remembered_from_the_ledger(site: Site) -> None:
    site.guard.remember("alice", HOME, SETTINGS.known - 100)
    site.guard.remember("bob", HOME, SETTINGS.known - 100)
    site.guard.succeeded("bob", peer(HOME))
    site.guard.remember("bob", HOME, SETTINGS.known - 100)  # does not make it older again
    site.fail("alice", HOME, 10)
    site.fail("bob", HOME, 10)
    assert await site.passes("alice", HOME)
    site.clock.now += 200
    site.fail("alice", HOME, 10)
    assert not await site.passes("alice", HOME)
    assert await site.passes("bob", HOME)


async def test_under_attack_strangers_wait_but_get_in(site: Site) -> None:
    """An account that 200 addresses guess at: a stranger waits up to the tarpit, and is verified."""
    for n in range(15):
        site.fail("alice", f"203.0.113.{n}")
    assert await site.passes("alice", CAFE)
    assert site.clock.slept == [2.5]
    for n in range(15, 200):
        site.fail("alice", f"203.0.113.{n}")
    assert await site.passes("alice", CAFE)
    assert site.clock.slept == [5.0]
    assert await site.passes("bob", CAFE)
    assert site.clock.slept == []


async def test_the_tarpit_grows(site: Site) -> None:
    seen = []
    for _ in range(9):
        site.fail("alice", EVIL)
        seen.append(round(site.guard.delay("alice", peer(EVIL)), 1))
    assert seen == [5.0, 5.0, 7.1, 10.0, 14.1, 20.0, 28.3, 30.0, 30.0]
    assert site.guard.delay("bob", peer(EVIL)) < 10.0
    assert site.guard.delay("alice", peer(CAFE)) == 5.0


async def test_the_tarpit_grows_with_the_network() -> None:
    site = Site()
    for n in range(40):
        site.fail(f"user{n}", EVIL)
    assert site.guard.delay("user99", peer(EVIL)) == 30.0
    assert Site(replace(SETTINGS, tarpit=0.0)).guard.delay("alice", peer(EVIL)) == 0.0


@pytest.mark.parametrize("settings", [replace(SETTINGS, account_failures=0), replace(SETTINGS, address_failures=0)])
async def test_zero_is_never(settings: GuardSettings) -> None:
    site = Site(settings)
    for n in range(300):
        site.fail("alice" if settings.account_failures == 0 else f"user{n}", f"203.0.113.{n % 9}")
    assert await site.passes("alice", "203.0.113.1")
    assert site.clock.slept == []


# -- places


async def enter(site: Site, login: str, address: str, leave: asyncio.Event) -> None:
    async with site.guard.admission(login, peer(address)):
        await leave.wait()


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_strangers_share_places_and_known_users_do_not(site: Site) -> None:
    """Two places, four may wait; of more one is refused, and none of it concerns who is known."""
    site.guard.succeeded("alice", peer(HOME))
    leave = asyncio.Event()
    strangers = [asyncio.create_task(enter(site, f"user{n}", EVIL, leave)) for n in range(7)]
    await turns()
    refused = [task for task in strangers if task.done()]
    assert len(refused) == 1
    with pytest.raises(LogonRefused, match="strangers"):
        await refused[0]
    async with asyncio.timeout(5), site.guard.admission("alice", peer(HOME)):
        pass
    leave.set()
    await asyncio.wait(strangers)
    assert sum(task.exception() is None for task in strangers) == 6
    assert await site.passes("bob", CAFE)


async def test_an_account_under_attack_does_not_take_the_places_of_others() -> None:
    site = Site(replace(SETTINGS, stranger_places=3, waiting=8))
    for n in range(20):
        site.fail("alice", f"203.0.113.{n}")
    leave = asyncio.Event()
    attack = [asyncio.create_task(enter(site, "alice", f"203.0.113.{n}", leave)) for n in range(100, 108)]
    await turns()
    async with asyncio.timeout(5), site.guard.admission("bob", peer(CAFE)):
        pass
    leave.set()
    await asyncio.gather(*attack)
    assert site.guard._attacked == {}


async def test_guesses_sent_at_once_are_counted_before_the_next_are_verified() -> None:
    """A hundred connections that all ask before the first answer: places bound the guesses, not the connections."""
    site = Site(replace(SETTINGS, waiting=200))
    verified = 0

    async def guess() -> None:
        nonlocal verified
        with contextlib.suppress(LogonRefused):
            async with site.guard.admission("alice", peer(EVIL)):
                verified += 1
                await asyncio.sleep(0)
                site.fail("alice", EVIL)

    await asyncio.gather(*(guess() for _ in range(100)))
    assert 10 <= verified <= 10 + SETTINGS.stranger_places


async def test_whoever_gives_up_leaves_no_place_taken(site: Site) -> None:
    """Cancelled while waiting, in the turn in which the place is given, and while inside."""
    for _ in range(3):
        leave = asyncio.Event()
        tasks = [asyncio.create_task(enter(site, f"user{n}", CAFE, leave)) for n in range(5)]
        await turns()
        tasks[3].cancel()
        leave.set()
        tasks[4].cancel()
        tasks[0].cancel()
        await asyncio.wait(tasks)
        leave.clear()
    two = [asyncio.create_task(enter(site, f"user{n}", CAFE, leave)) for n in range(2)]
    await turns()
    third = asyncio.create_task(enter(site, "third", CAFE, leave))
    await turns()
    two[0].cancel()
    third.cancel()  # it may hold the place already
    await turns()
    fourth = asyncio.create_task(enter(site, "fourth", CAFE, leave))
    await turns()
    leave.set()
    async with asyncio.timeout(5):
        await asyncio.gather(two[1], fourth)
    assert site.guard._strangers.idle


async def test_chance_may_pick_who_has_just_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A waiter that is cancelled and pushed out in the same turn: the newcomer waits on, and no place is lost."""
    site = Site(replace(SETTINGS, waiting=1, stranger_places=1))
    places = site.guard._strangers
    leave, got_in = asyncio.Event(), list[str]()

    async def hold(name: str) -> None:
        async with places.one():
            got_in.append(name)
            await leave.wait()

    first = asyncio.create_task(hold("first"))
    await turns()
    second = asyncio.create_task(hold("second"))
    await turns()
    monkeypatch.setattr(random, "randrange", lambda count: 0)

    async def third() -> None:
        second.cancel()
        await hold("third")

    newcomer = asyncio.create_task(third())
    await turns()
    leave.set()
    async with asyncio.timeout(5):
        await asyncio.gather(first, newcomer)
    assert second.cancelled()
    assert got_in == ["first", "third"]
    assert places.idle


# -- properties

LOGINS = st.sampled_from(["alice", "bob", "nobody", "EXAMPLE\\carol", "x@y"])
ADDRESSES = st.sampled_from([HOME, CAFE, EVIL, "2001:db8::1"])
EVENTS = st.lists(
    st.tuples(st.sampled_from(["failed", "failed", "failed", "succeeded", "wait"]), LOGINS, ADDRESSES), max_size=120
)


@runs(deadline=None)
@given(EVENTS)
def test_nobody_can_lock_out_a_known_pair(events: list[tuple[str, str, str]]) -> None:
    """Whatever others do, anywhere, in any order: who has signed in here passes at once."""
    site = Site()
    site.guard.succeeded("alice", peer(HOME))
    asyncio.run(play(site, [event for event in events if event[1:] != ("alice", HOME)]))
    assert asyncio.run(site.passes("alice", HOME))
    assert site.clock.slept == []


@runs(deadline=None)
@given(EVENTS)
def test_failures_elsewhere_never_refuse_a_stranger(events: list[tuple[str, str, str]]) -> None:
    """A right user at an address from which nobody failed may have to wait, up to the tarpit; he is verified."""
    site = Site()
    asyncio.run(play(site, [event for event in events if event[2] != CAFE]))
    assert asyncio.run(site.passes("alice", CAFE))
    assert sum(site.clock.slept) <= SETTINGS.tarpit


async def play(site: Site, events: list[tuple[str, str, str]]) -> None:
    actions: dict[str, Callable[[str, PeerInfo], None]] = {
        "failed": site.guard.failed,
        "succeeded": site.guard.succeeded,
        "wait": lambda login, peer: setattr(site.clock, "now", site.clock.now + 60),
    }
    for action, login, address in events:
        for _ in range(7 if action == "failed" else 1):
            actions[action](login, peer(address))


# -- processes


def test_two_workers_count_together() -> None:
    """Two forked processes fail five times each: the pair is refused in both, and here."""
    counters = SharedCounters.create(4096)
    children = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            guard = Guard(counters, SETTINGS)
            for _ in range(5):
                guard.failed("alice", peer(EVIL))
                time.sleep(0.002)
            os._exit(0)
        children.append(pid)
    for pid in children:
        assert os.waitpid(pid, 0)[1] == 0
    # A touch that met another in the same microsecond may be lost: one more failure makes up for it.
    guard = Guard(counters, replace(SETTINGS, tarpit=0.0))
    guard.failed("alice", peer(EVIL))
    with pytest.raises(LogonRefused):
        asyncio.run(guard.before("alice", peer(EVIL)))
    asyncio.run(guard.before("alice", peer(CAFE)))
