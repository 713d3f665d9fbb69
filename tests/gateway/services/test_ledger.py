"""The queue before the record of sign-ins: what it takes, what it gives up, and what it never does."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import timeit
from collections.abc import Callable, Iterator

import pytest

from directory.errors import DirectoryUnavailable
from directory.signins import LOST, OK, DeviceKey, Retention, SignIn, SignInStore
from gateway.services.ledger import SignInLog

PATIENCE = 10.0
DEVICE = DeviceKey("alice@example.test", "192.0.2.7", "imap", "PLAIN", True)


def signin(number: int = 0, **others) -> SignIn:
    one = SignIn(1000.0 + number, OK, "", "alice", "alice@example.test", "", "imap", "PLAIN", "192.0.2.7", tls=True)
    return one._replace(**others)


class Memory:
    """A store in memory that can be away or broken."""

    def __init__(self) -> None:
        self.batches: list[list[SignIn]] = []
        self.names: dict[DeviceKey, str] = {}
        self.threads: set[int] = set()
        self.problem: Exception | None = None
        self.closed = False
        self.pruned: list[Retention] = []
        self.tries = 0

    def write(self, signins, names=None) -> None:
        self.tries += 1
        self.threads.add(threading.get_ident())
        if self.problem is not None:
            raise self.problem
        self.batches.append(list(signins))
        self.names |= names or {}

    def prune(self, retention, now) -> int:
        self.pruned.append(retention)
        return 0

    def close(self) -> None:
        self.closed = True

    @property
    def written(self) -> list[SignIn]:
        return [one for batch in self.batches for one in batch]


@contextlib.contextmanager
def running(memory: Memory, **options) -> Iterator[SignInLog]:
    ledger = SignInLog("memory", open_store=lambda location: memory, **{"interval": 0.01, **options})
    ledger.start()
    try:
        yield ledger
    finally:
        ledger.stop()


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_records_are_written_in_another_thread():
    memory = Memory()
    with running(memory) as ledger:
        ledger.record(signin(1))
        wait(lambda: len(memory.written) == 1)
        ledger.record(signin(2))
        wait(lambda: len(memory.written) == 2)
    assert memory.threads.isdisjoint({threading.get_ident()})
    assert memory.closed


def test_many_records_go_in_few_batches():
    memory = Memory()
    with running(memory, interval=0.2) as ledger:
        for number in range(5000):
            ledger.record(signin(number))
    assert memory.written == [signin(number) for number in range(5000)]
    assert len(memory.batches) <= 3


def test_a_stop_writes_what_is_queued():
    memory = Memory()
    with running(memory, interval=60) as ledger:
        ledger.record(signin(1))
        wait(lambda: bool(memory.written))
        ledger.record(signin(2))
        begun = time.monotonic()
    assert memory.written == [signin(1), signin(2)]
    assert time.monotonic() - begun < 5


def test_what_overflows_is_counted_and_the_count_is_recorded(caplog):
    memory = Memory()
    ledger = SignInLog("memory", open_store=lambda location: memory, capacity=10)
    for number in range(25):
        ledger.record(signin(number))
    ledger.start()
    ledger.stop()
    *kept, lost = memory.written
    assert kept == [signin(number) for number in range(10)]
    assert (lost.outcome, lost.reason) == (LOST, "15 records were lost")
    assert "15 sign-ins were not recorded" in caplog.text


def test_names_cost_no_records():
    """Else whoever has an account could hide what is going on: by thousands of IMAP IDs."""
    memory = Memory()
    with running(memory, capacity=10, interval=PATIENCE) as ledger:
        for number in range(100):
            ledger.named(DEVICE, f"client {number}")
        for number in range(5):
            ledger.record(signin(number))
    assert [one.outcome for one in memory.written] == [OK] * 5


def test_a_database_that_is_away_costs_nothing_while_there_is_room(caplog):
    memory = Memory()
    memory.problem = DirectoryUnavailable("disk full")
    with running(memory, capacity=10) as ledger:
        for number in range(10):
            ledger.record(signin(number))
        wait(lambda: memory.tries >= 3)
        assert [line.message for line in caplog.records if line.levelno == logging.ERROR] == [
            "sign-ins are not recorded at the moment: disk full"
        ]
        memory.problem = None
        wait(lambda: len(memory.written) == 10)
    assert memory.written == [signin(number) for number in range(10)]


def test_a_database_that_is_away_for_long_costs_records_and_they_are_counted():
    memory = Memory()
    memory.problem = DirectoryUnavailable("disk full")
    with running(memory, capacity=10) as ledger:
        for number in range(50):
            ledger.record(signin(number))
            time.sleep(0.002)
        memory.problem = None
        wait(lambda: any(one.outcome == LOST for one in memory.written))
        wait(lambda: len(ledger._queue) == 0)
    lost = sum(int(one.reason.split()[0]) for one in memory.written if one.outcome == LOST)
    assert len([one for one in memory.written if one.outcome == OK]) + lost == 50


def test_a_database_that_cannot_be_opened_is_tried_again(tmp_path):
    memory, tries = Memory(), []

    def open_store(location):
        tries.append(location)
        if len(tries) < 3:
            raise DirectoryUnavailable("no such folder")
        return memory

    ledger = SignInLog("memory", open_store=open_store, interval=0.01)
    ledger.start()
    ledger.record(signin())
    wait(lambda: memory.written == [signin()])
    ledger.stop()


def test_a_defect_ends_neither_the_thread_nor_the_record(caplog):
    memory = Memory()
    memory.problem = TypeError("a defect")
    with running(memory) as ledger:
        ledger.record(signin(1))
        wait(lambda: memory.tries == 1)
        memory.problem = None
        ledger.record(signin(2))
        wait(lambda: signin(2) in memory.written)
    assert "1 records were lost" in {one.reason for one in memory.written}
    assert "could not be recorded" in caplog.text


def test_names_and_pruning_reach_the_store():
    memory = Memory()
    with running(memory, retention=Retention(days=3)) as ledger:
        ledger.named(DEVICE, "Thunderbird")
        wait(lambda: memory.names == {DEVICE: "Thunderbird"})
        ledger.record(signin())
        wait(lambda: bool(memory.written))
    assert memory.pruned == [Retention(days=3)]


def test_the_real_store(tmp_path):
    ledger = SignInLog(tmp_path / "signins.sqlite", interval=0.01)
    ledger.start()
    fresh = signin(at=time.time())
    ledger.record(fresh)
    ledger.stop()
    store = SignInStore(tmp_path / "signins.sqlite")
    assert [one for _, one in store.records()] == [fresh]
    store.close()


def test_a_stop_does_not_wait_for_ever(monkeypatch, caplog):
    monkeypatch.setattr("gateway.services.ledger.STOP_SECONDS", 0.1)
    memory, free = Memory(), threading.Event()
    monkeypatch.setattr(memory, "write", lambda *_: free.wait(PATIENCE))
    with running(memory) as ledger:
        ledger.record(signin())
        time.sleep(0.05)
    assert "does not answer" in caplog.text
    free.set()


def test_stopping_without_a_start_is_harmless():
    SignInLog("memory").stop()


@pytest.mark.parametrize("full", [False, True])
def test_to_record_costs_little(full):
    """Under 20 microseconds with the making of the record; measured as the best of many, with the thread waiting."""
    memory = Memory()
    with running(memory, interval=60, capacity=100 if full else 1_000_000) as ledger:

        def one() -> None:
            ledger.record(
                SignIn(time.time(), OK, "", "alice", "a@example.test", "", "imap", "PLAIN", "192.0.2.7", tls=True)
            )

        one()
        assert min(timeit.repeat(one, number=1000, repeat=20)) / 1000 < 20e-6
