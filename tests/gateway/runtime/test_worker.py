"""Group commit: one transaction a turn, in order, nobody spoils another's; threads when commits are slow."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest

from gateway.runtime.worker import CommitGauge, StoreRunner
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


async def test_slow_commits_move_to_a_thread_and_fast_ones_back(store: FakeStore) -> None:
    """A moving average over 1 ms; measured with a clock that the test owns."""
    now = 0.0
    cost = 0.005

    def clock() -> float:
        return now

    def group(ref: MailboxRef, operations: Sequence[Callable[[], Any]]) -> list[Any]:
        nonlocal now
        now += cost
        return store.group(ref, operations)

    runner = StoreRunner(inline=True, group=group, clock=clock)
    here = threading.get_ident()
    await runner.write(ALICE, lambda: None)
    assert store.threads == {here}
    await runner.write(ALICE, lambda: None)
    await runner.write(ALICE, lambda: None)
    assert runner.gauge.threaded
    store.threads.clear()
    await runner.write(ALICE, lambda: None)
    assert here not in store.threads
    cost = 0.0001
    now += 10  # the probe is due
    store.threads.clear()
    await runner.write(ALICE, lambda: None)
    assert store.threads == {here}
    assert not runner.gauge.threaded
    await runner.close()


def test_gauge_has_hysteresis() -> None:
    gauge = CommitGauge(slow=0.001, fast=0.0005, weight=0.5, probe=5.0)
    for _ in range(20):
        gauge.record(0.0009, 0.0, inline=True)
    assert not gauge.threaded
    gauge.record(0.01, 0.0, inline=True)
    assert gauge.threaded
    assert gauge.wants_thread(1.0)
    for _ in range(20):
        gauge.record(0.0007, 1.0, inline=False)
    assert gauge.threaded
    for _ in range(20):
        gauge.record(0.0001, 2.0, inline=False)
    assert not gauge.threaded


def test_a_slow_probe_keeps_the_thread() -> None:
    gauge = CommitGauge(probe=5.0)
    for _ in range(20):
        gauge.record(0.02, 0.0, inline=True)
    assert gauge.threaded
    assert not gauge.wants_thread(100.0)
    gauge.record(0.02, 100.0, inline=True)
    assert gauge.wants_thread(100.1)


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


async def test_close_finishes_what_is_queued(store: FakeStore) -> None:
    runner = StoreRunner(inline=False, group=store.group)
    task = asyncio.create_task(runner.write(ALICE, lambda: 7))
    await asyncio.sleep(0)
    await runner.close()
    assert await task == 7
    with pytest.raises(RuntimeError):
        await runner.write(ALICE, lambda: 8)
