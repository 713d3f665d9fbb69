"""Counters and connection counts in memory that processes share."""

from __future__ import annotations

import math
import os
import signal
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.runtime.sharedcounters import WINDOW, ConnectionGate, CounterTable, SharedCounters
from tests.support.examples import examples

LIFE = 900.0


def in_child(work: Callable[[], None]) -> int:
    """Fork a process that does the work; its number."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def test_counts_decay() -> None:
    table = CounterTable(64)
    assert table.value(7, LIFE, 1000.0) == 0.0
    assert table.age(7, 1000.0) == math.inf
    assert [table.add(7, LIFE, 1000.0) for _ in range(3)] == [1.0, 2.0, 3.0]
    assert table.value(7, LIFE, 1000.0) == 3.0
    assert table.age(7, 1030.0) == 30.0
    assert table.value(7, LIFE, 1000.0 + LIFE) == pytest.approx(3 / math.e)
    assert table.add(7, LIFE, 1000.0 + LIFE) == pytest.approx(1 + 3 / math.e, abs=1 / 32)  # kept in sixteenths
    assert table.value(7, LIFE, 1000.0 + 50 * LIFE) < 0.01


@pytest.mark.parametrize("first", range(1, 10))
def test_ten_across_a_second_are_ten(first: int) -> None:
    """Wherever the second changes: the tenth failure closes, for this account as for the next."""
    table = CounterTable(64)
    for _ in range(first):
        table.add(7, 900, 100.9)
    assert [table.add(7, 900, 101.0) for _ in range(first, 10)][-1] == 10


def test_a_clock_that_another_process_read_earlier_is_no_trouble() -> None:
    table = CounterTable(64)
    table.add(7, LIFE, 1000.0)
    assert table.add(7, LIFE, 998.0) == 2.0
    assert table.age(7, 990.0) == 0.0


def test_a_count_has_an_end() -> None:
    table = CounterTable(64)
    table.add(7, LIFE, 1.0, 1e9)
    assert table.value(7, LIFE, 1.0) == 65535.9375


def test_the_stalest_makes_room() -> None:
    """WINDOW keys of one place fit; the next takes the place of that which was touched longest ago."""
    table = CounterTable(1024)
    keys = [5 + (n + 1) * 1024 for n in range(WINDOW + 1)]
    for n, key in enumerate(keys[:WINDOW]):
        table.add(key, LIFE, 100.0 + n)
    table.add(keys[0], LIFE, 200.0)
    table.add(keys[WINDOW], LIFE, 201.0)
    assert [key for key in keys if not table.value(key, LIFE, 201.0)] == [keys[1]]


def test_a_word_of_another_key_counts_for_none() -> None:
    """What a race can leave behind: the tag of one key, the word of another."""
    table = CounterTable(1024)
    one, other = (1 << 60) + 5, (1 << 61) + 5
    table.add(one, LIFE, 1.0, 500.0)
    table._tags[5] = other
    assert table.value(other, LIFE, 1.0) == 0.0
    assert table.age(other, 1.0) == math.inf
    assert table.add(other, LIFE, 1.0) == 1.0


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 50)), max_size=200))
def test_like_a_dictionary(touches: list[tuple[int, int]]) -> None:
    """While there is room, a table says what exact arithmetic does, to a sixteenth a touch."""
    table = CounterTable(64)  # more than the keys, and neighbouring keys share windows
    exact: dict[int, tuple[float, float]] = {}
    now = 1000.0
    for key, seconds in touches:
        now += seconds
        count, then = exact.get(key, (0.0, now))
        exact[key] = (count * math.exp((then - now) / LIFE) + 1, now)
        table.add(key, LIFE, now)
    for key, (count, then) in exact.items():
        assert table.value(key, LIFE, now) == pytest.approx(
            count * math.exp((then - now) / LIFE), abs=len(touches) / 16
        )
        assert table.age(key, now) == now - then


def test_keys() -> None:
    counters = SharedCounters.create(64)
    assert counters.key("pair", "alice", "192.0.2.1") == counters.key("pair", "alice", "192.0.2.1")
    assert len({counters.key("a"), counters.key("b"), counters.key("a", ""), SharedCounters.create(64).key("a")}) == 4
    assert 0 < counters.key("account", "caf\u00e9\udc80") < 1 << 64


def test_two_processes_over_one_table() -> None:
    """Both count, on keys of their own and on one in common; own counts are exact, the common one at most too low."""
    table = CounterTable(1024)
    rounds = 3000

    def work(mine: int) -> Callable[[], None]:
        def run() -> None:
            for n in range(rounds):
                table.add(mine + n % 8 * 1024, LIFE, 50.0)
                table.add(99, LIFE, 50.0)

        return run

    for pid in [in_child(work(1_000_000)), in_child(work(2_000_011))]:
        assert os.waitpid(pid, 0)[1] == 0
    for mine in (1_000_000, 2_000_011):
        assert [table.value(mine + n * 1024, LIFE, 50.0) for n in range(8)] == [rounds / 8] * 8
    assert rounds <= table.value(99, LIFE, 50.0) <= 2 * rounds


def test_processes_that_fight_for_places() -> None:
    """Four processes, ten times more keys than places: nothing fails, and no count is above what was added."""
    table = CounterTable(64)

    def work(seed: int) -> Callable[[], None]:
        def run() -> None:
            for n in range(4000):
                key = (n * 2_654_435_761 + seed) % 640
                table.add((key + 1) << 44 | key, LIFE, float(n // 100))

        return run

    for pid in [in_child(work(seed)) for seed in range(4)]:
        assert os.waitpid(pid, 0)[1] == 0
    added = Counter((n * 2_654_435_761 + seed) % 640 for seed in range(4) for n in range(4000))
    for key in range(640):
        assert table.value((key + 1) << 44 | key, LIFE, 40.0) <= added[key]


def test_a_killed_process_leaves_its_counts() -> None:
    table = CounterTable(1024)
    reading, writing = os.pipe()

    def work() -> None:
        for _ in range(20):
            table.add(7, LIFE, 1.0)
            table.add(8, LIFE, 1.0)
        os.write(writing, b"x")
        while True:
            table.add(8, LIFE, 1.0)

    pid = in_child(work)
    os.read(reading, 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reading)
    os.close(writing)
    assert table.value(7, LIFE, 1.0) == 20.0
    assert table.add(8, LIFE, 1.0) >= 20.0


def test_connections_of_all_workers() -> None:
    gate = ConnectionGate.create(3)
    first, second = gate.door(0), gate.door(2)
    assert first.enter("192.0.2.1", 3)
    assert first.enter("192.0.2.1", 3)
    assert second.enter("192.0.2.1", 3)
    assert not first.enter("192.0.2.1", 3)
    assert not second.enter("192.0.2.1", 3)
    assert second.enter("192.0.2.2", 3)
    assert first.enter("192.0.2.1", 0)
    first.leave("192.0.2.1")
    first.leave("192.0.2.1")
    assert second.enter("192.0.2.1", 3)
    assert gate.count("192.0.2.1") == 3


def test_connections_of_a_killed_worker_are_forgotten() -> None:
    gate = ConnectionGate.create(2)
    door = gate.door(0)
    assert door.enter("192.0.2.1", 0)
    reading, writing = os.pipe()

    def work() -> None:
        mine = gate.door(1)
        for _ in range(5):
            mine.enter("192.0.2.1", 0)
        os.write(writing, b"x")
        signal.pause()

    pid = in_child(work)
    os.read(reading, 1)
    assert gate.count("192.0.2.1") == 6
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(reading)
    os.close(writing)
    gate.door(1)  # its successor's
    assert gate.count("192.0.2.1") == 1


@settings(max_examples=examples(50))
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 30)), max_size=100))
def test_connections_are_counted_exactly_as_long_as_they_are_few(entered: list[tuple[int, int]]) -> None:
    gate = ConnectionGate.create(2)
    doors = [gate.door(0), gate.door(1)]
    for worker, address in entered:
        assert doors[worker].enter(f"192.0.2.{address}", 0)
    for address, count in Counter(address for _, address in entered).items():
        assert gate.count(f"192.0.2.{address}") >= count
    for worker, address in entered:
        doors[worker].leave(f"192.0.2.{address}")
    assert all(gate.count(f"192.0.2.{address}") == 0 for address in range(31))
