"""Group commit: one transaction a turn, in order, nobody spoils another's; threads when commits are slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from gateway.runtime.worker import BusyClock, CommitGauge, StoreRunner
from store.errors import QuotaExceeded, Unavailable
from store.ids import MailboxRef

ALICE = MailboxRef(1, UUID(int=1))
BOB = MailboxRef(2, UUID(int=2))


class FakeStore:
    """Runs groups like Store.group, and keeps a record of them."""

    def __init__(self) -> None:
        self.groups: list[tuple[int, int]] = []
        self.threads: set[int] = set()
        self.failure: Exception | None = None
        self.gate: threading.Event | None = None

    def group(self, ref: MailboxRef, operations: Sequence[Callable[[], Any]]) -> list[Any]:
        self.groups.append((ref.id, len(operations)))
        self.threads.add(threading.get_ident())
        if self.gate is not None:
            assert self.gate.wait(20)
        if self.failure is not None:
            raise self.failure
        results: list[Any] = []
        for operation in operations:
            try:
                results.append(operation())
            except Exception as error:
                results.append(error)
        return results


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


def refuse() -> None:
    raise QuotaExceeded("full")


async def test_operations_of_one_turn_share_a_commit(store: FakeStore) -> None:
    """docs/architecture.md, decision 7."""
    runner = StoreRunner(inline=True, group=store.group)
    done: list[int] = []

    def put(number: int) -> int:
        done.append(number)
        return number * 10

    results = await asyncio.gather(*(runner.write(ALICE, lambda n=n: put(n)) for n in range(5)))  # type: ignore[misc]
    assert results == [0, 10, 20, 30, 40]
    assert done == [0, 1, 2, 3, 4]
    assert store.groups == [(1, 5)]
    await asyncio.gather(runner.write(ALICE, lambda: 1), runner.write(BOB, lambda: 2), runner.write(ALICE, lambda: 3))
    assert store.groups[1:] == [(1, 2), (2, 1)]
    assert runner.queued == 0
    await runner.close()


async def test_a_failure_is_its_own(store: FakeStore) -> None:
    runner = StoreRunner(inline=True, group=store.group)
    results = await asyncio.gather(
        runner.write(ALICE, lambda: "a"),
        runner.write(ALICE, refuse),
        runner.write(ALICE, lambda: "c"),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == ("a", "c")
    assert isinstance(results[1], QuotaExceeded)
    await runner.close()


async def test_a_failed_commit_fails_every_operation(store: FakeStore) -> None:
    store.failure = Unavailable("disk full")
    runner = StoreRunner(inline=True, group=store.group)
    results = await asyncio.gather(*(runner.write(ALICE, lambda: 1) for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    store.failure = None
    assert await runner.write(ALICE, lambda: 1) == 1
    await runner.close()


@pytest.mark.parametrize("inline", [True, False])
async def test_cancelled_caller_does_not_undo_its_operation(store: FakeStore, inline: bool) -> None:
    runner = StoreRunner(inline=inline, group=store.group)
    done: list[int] = []
    task = asyncio.create_task(runner.write(ALICE, lambda: done.append(1)))
    await asyncio.sleep(0)
    task.cancel()
    assert await runner.write(ALICE, lambda: 2) == 2
    assert done == [1]
    with pytest.raises(asyncio.CancelledError):
        await task
    await runner.close()


async def test_cancelled_run_is_completed(store: FakeStore) -> None:
    runner = StoreRunner(inline=True, group=store.group)
    gate, done = threading.Event(), threading.Event()

    def work() -> None:
        assert gate.wait(20)
        done.set()

    task = asyncio.create_task(runner.run(work))
    await asyncio.sleep(0)
    task.cancel()
    gate.set()
    await runner.close()
    assert done.is_set()


async def test_remote_store_never_blocks_the_loop(store: FakeStore) -> None:
    """PostgreSQL: what is queued while one commit is under way goes out with the next."""
    here = threading.get_ident()
    runner = StoreRunner(inline=False, group=store.group)
    store.gate = threading.Event()
    first = asyncio.create_task(runner.write(ALICE, lambda: 0))
    while not store.groups:
        await asyncio.sleep(0)
    rest = [asyncio.create_task(runner.write(ALICE, lambda n=n: n)) for n in range(1, 4)]  # type: ignore[misc]
    await asyncio.sleep(0)
    assert store.groups == [(1, 1)]
    store.gate.set()
    assert await asyncio.gather(first, *rest) == [0, 1, 2, 3]
    assert store.groups == [(1, 1), (1, 3)]
    assert here not in store.threads
    assert await runner.read(threading.get_ident) != here
    await runner.close()


async def test_reads_of_a_local_store_stay_in_the_loop(store: FakeStore) -> None:
    runner = StoreRunner(inline=True, group=store.group)
    assert await runner.read(threading.get_ident) == threading.get_ident()
    assert await runner.run(threading.get_ident) != threading.get_ident()
    with pytest.raises(QuotaExceeded):
        await runner.read(refuse)
    with pytest.raises(QuotaExceeded):
        await runner.run(refuse)
    await runner.close()


class Machine:
    """A clock, the share of it that the thread works or is ready to, and commits that take some of both."""

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.now = self.busy = 0.0
        self.waits = self.works = 0.0
        """Seconds that a commit waits and works."""

    def group(self, ref: MailboxRef, operations: Sequence[Callable[[], Any]]) -> list[Any]:
        self.now += self.waits + self.works
        self.busy += self.works
        return self.store.group(ref, operations)

    def runner(self) -> StoreRunner:
        return StoreRunner(inline=True, group=self.group, clock=lambda: self.now, busy=lambda: self.busy)


async def test_slow_commits_move_to_a_thread_and_fast_ones_back(store: FakeStore) -> None:
    """A disk of 5 ms; measured with clocks that the test owns."""
    machine = Machine(store)
    machine.waits = 0.005
    runner = machine.runner()
    here = threading.get_ident()
    await runner.write(ALICE, lambda: None)
    assert store.threads == {here}
    for _ in range(8):
        await runner.write(ALICE, lambda: None)
    assert runner.gauge.threaded
    store.threads.clear()
    await runner.write(ALICE, lambda: None)
    assert here not in store.threads
    machine.waits = 0.0001
    machine.now += 10  # the probe is due
    store.threads.clear()
    await runner.write(ALICE, lambda: None)
    assert store.threads == {here}
    assert not runner.gauge.threaded
    await runner.close()


async def test_a_busy_machine_does_not_move_commits(store: FakeStore) -> None:
    """Time in the run queue is no fault of the disk, and a thread would get no more of the processor."""
    machine = Machine(store)
    machine.works, machine.waits = 0.02, 0.0003
    runner = machine.runner()
    for _ in range(40):
        await runner.write(ALICE, lambda: None)
    assert not runner.gauge.threaded
    assert store.threads == {threading.get_ident()}
    await runner.close()


async def test_fast_disk_commits_of_a_turn_run_in_the_loop(store: FakeStore) -> None:
    runner = StoreRunner(inline=True, group=store.group)
    refs = [MailboxRef(number, UUID(int=number)) for number in range(20)]
    await asyncio.gather(*(runner.write(ref, lambda: None) for ref in refs))
    assert store.groups == [(number, 1) for number in range(20)]
    assert store.threads == {threading.get_ident()}
    await runner.close()


def test_gauge_has_hysteresis() -> None:
    gauge = CommitGauge(slow=0.002, fast=0.001, probe=1.0)
    for number in range(40):
        gauge.record(0.05 if number % 2 else 0.0001, 0.0)  # half of them slow: others use the disk as well
    assert not gauge.threaded
    for _ in range(8):
        if not gauge.threaded:
            gauge.record(0.003, 0.0)
    assert gauge.threaded
    assert gauge.wants_thread(0.5)
    assert not gauge.wants_thread(1.0)
    gauge.record(0.0015, 1.0)
    assert gauge.threaded
    assert gauge.wants_thread(2.9), "a probe that failed doubles the time to the next"
    assert not gauge.wants_thread(3.0)
    gauge.record(0.0009, 3.0)
    assert not gauge.threaded


def test_a_slow_disk_is_probed_rarely() -> None:
    gauge = CommitGauge()
    for _ in range(6):
        gauge.record(0.02, 0.0)
    assert gauge.threaded
    probes = 0
    for second in range(1, 601):
        if not gauge.wants_thread(float(second)):
            probes += 1
            gauge.record(0.02, float(second))
    assert gauge.threaded
    assert probes < 30


def test_the_busy_clock_counts_work() -> None:
    clock = BusyClock()
    before = clock()
    sum(range(100_000))
    assert clock() > before


async def test_the_queue_is_bounded(store: FakeStore) -> None:
    """A flood waits in its own coroutines; everything is done in the end."""
    runner = StoreRunner(inline=False, group=store.group, queue_limit=4, batch_limit=2)
    store.gate = threading.Event()
    tasks = [asyncio.create_task(runner.write(ALICE, lambda n=n: n)) for n in range(12)]  # type: ignore[misc]
    while not store.groups:
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    assert runner.queued == 4
    store.gate.set()
    assert sorted(await asyncio.gather(*tasks)) == list(range(12))
    assert all(count <= 2 for _, count in store.groups)
    await runner.close()


async def test_many_mailboxes_do_not_hold_the_loop() -> None:
    """Inline commits give way after some milliseconds; all are done, in order."""
    now = 0.0
    order: list[int] = []

    def clock() -> float:
        return now

    def group(ref: MailboxRef, operations: Sequence[Callable[[], Any]]) -> list[Any]:
        nonlocal now
        now += 0.002
        order.append(ref.id)
        return [operation() for operation in operations]

    runner = StoreRunner(inline=True, group=group, clock=clock)
    refs = [MailboxRef(number, UUID(int=number)) for number in range(12)]
    tasks = [asyncio.create_task(runner.write(ref, lambda: None)) for ref in refs]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(order) < 12
    await asyncio.gather(*tasks)
    assert order == list(range(12))
    await runner.close()


async def test_close_finishes_what_is_queued(store: FakeStore) -> None:
    runner = StoreRunner(inline=False, group=store.group)
    task = asyncio.create_task(runner.write(ALICE, lambda: 7))
    await asyncio.sleep(0)
    await runner.close()
    assert await task == 7
    with pytest.raises(RuntimeError):
        await runner.write(ALICE, lambda: 8)


async def test_the_loop_does_not_wait_for_a_mailbox_that_another_changes(store: FakeStore) -> None:
    """Such a commit goes to a thread, and what comes for the mailbox meanwhile waits behind it, in order."""
    taken = True
    store.gate = threading.Event()

    def attempt(ref: MailboxRef, operations: Sequence[Callable[[], Any]]) -> list[Any] | None:
        return None if taken else store.group(ref, operations)

    runner = StoreRunner(inline=True, group=store.group, attempt=attempt)
    order: list[int] = []
    first = asyncio.create_task(runner.write(ALICE, lambda: order.append(1)))
    while not store.groups:
        await asyncio.sleep(0)
    taken = False
    second = asyncio.create_task(runner.write(ALICE, lambda: order.append(2)))
    await asyncio.sleep(0)
    assert order == []
    store.gate.set()
    await asyncio.gather(first, second)
    assert order == [1, 2]
    assert len(store.threads) == 2, "the first in a thread, the second in the loop"
    await runner.close()
