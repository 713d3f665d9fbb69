"""The spool: durable rows, leases, octets kept once; on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.errors import NotFound, Unavailable
from store.spool import MAX_LEASED, Spool

_CHILD = """
import sys
from store.spool import Spool
spool = Spool(sys.argv[1])
if sys.argv[2] == "add":
    for number in range(100_000):
        spool.add("a@example.test", f"b{number}@example.test", b"x" * 5000, 100.0)
        print(number, flush=True)
else:
    print(len(spool.due(1000.0, 10, 60.0)), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield str(tmp_path / "spool.sqlite")
        return
    if request.param == "postgresql without tables":
        with request.getfixturevalue("postgres_server").schema() as url:
            yield url
        return
    with request.getfixturevalue("postgres_server").prepared(make_empty) as url:
        yield url


def make_empty(location: str) -> None:
    Spool(location).close()


@pytest.fixture
def spool(location: str) -> Iterator[Spool]:
    spool = Spool(location)
    yield spool
    spool.close()


def test_a_row_waits_until_it_is_due(spool: Spool) -> None:
    number = spool.add("a@example.test", "b@example.test", b"mail\r\n", 100.0)
    assert spool.due(99.9, 10, 60.0) == []
    (row,) = spool.due(100.0, 10, 60.0)
    assert (row.id, row.reverse_path, row.recipient, row.raw, row.attempts) == (
        number,
        "a@example.test",
        "b@example.test",
        b"mail\r\n",
        0,
    )


def test_a_lease_hides_a_row_until_it_runs_out(spool: Spool, location: str) -> None:
    spool.add("", "b@example.test", b"mail", 100.0)
    assert len(spool.due(100.0, 10, 60.0)) == 1
    other = Spool(location)
    assert other.due(159.0, 10, 60.0) == []
    assert len(other.due(160.0, 10, 60.0)) == 1
    other.close()


def test_done_and_retry(spool: Spool) -> None:
    first = spool.add("a", "b", b"one", 1.0)
    second = spool.add("a", "c", b"two", 2.0)
    assert [row.id for row in spool.due(5.0, 10, 60.0)] == [first, second]
    spool.done(first)
    spool.done(first)
    spool.retry(second, 50.0, "mailbox full \0 \ud800")
    spool.retry(first, 50.0, "gone")
    assert spool.due(49.0, 10, 60.0) == []
    (row,) = spool.due(50.0, 10, 60.0)
    assert (row.id, row.attempts) == (second, 1)
    (entry,) = spool.list()
    assert entry.error.startswith("mailbox full")
    assert (entry.recipient, entry.size, entry.due, entry.leased_until, entry.attempts) == ("c", 3, 50.0, 110.0, 1)


def test_octets_stand_once_and_go_with_the_last_row(spool: Spool) -> None:
    rows = [spool.add("a", f"{name}@example.test", b"same", 1.0) for name in "bcd"]
    for row in rows[:2]:
        spool.done(row)
    assert spool.read(rows[2]) == b"same"
    spool.done(rows[2])
    with pytest.raises(NotFound):
        spool.read(rows[2])
    assert spool.count() == 0
    again = spool.add("a", "b", b"same", 1.0)
    assert spool.read(again) == b"same"


def test_the_oldest_come_first_and_not_more_than_asked_for(spool: Spool) -> None:
    numbers = {due: spool.add("a", "b", b"x", due) for due in (30.0, 10.0, 20.0)}
    assert [row.id for row in spool.due(100.0, 2, 60.0)] == [numbers[10.0], numbers[20.0]]
    assert [row.id for row in spool.due(100.0, 2, 60.0)] == [numbers[30.0]]


def test_the_octets_handed_out_at_a_time_are_limited(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_LEASED == 64 << 20
    monkeypatch.setattr("store.spool.MAX_LEASED", 64 << 10)
    half = (64 << 10) // 2 + 1
    for letter in (b"a", b"b"):
        spool.add("a", "b", letter * half, 1.0)
    assert [row.raw[:1] for row in spool.due(5.0, 10, 60.0)] == [b"a"]
    assert [row.raw[:1] for row in spool.due(5.0, 10, 60.0)] == [b"b"]


def test_adding_while_the_last_row_of_the_same_octets_goes(spool: Spool, location: str) -> None:
    """No row is ever without its octets, however `add` and `done` fall together."""
    other = Spool(location)
    rows = [spool.add("a", "b", b"same", 1.0)]

    def finish() -> None:
        for _ in range(40):
            if rows:
                other.done(rows.pop(0))

    thread = threading.Thread(target=finish)
    thread.start()
    rows.extend(spool.add("a", "b", b"same", 1.0) for _ in range(40))
    thread.join()
    assert [row.raw for row in spool.due(5.0, 100, 60.0)] == [b"same"] * spool.count()
    other.close()


def test_workers_share_the_rows(location: str) -> None:
    spools = [Spool(location) for _ in range(4)]
    for number in range(40):
        spools[0].add("a", str(number), b"x", 1.0)
    taken: list[str] = []

    def work(spool: Spool) -> None:
        while rows := spool.due(5.0, 3, 60.0):
            taken.extend(row.recipient for row in rows)

    threads = [threading.Thread(target=work, args=(spool,)) for spool in spools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(number) for number in range(40)]
    for spool in spools:
        spool.close()


@pytest.mark.parametrize("location", ["sqlite", "postgresql without tables"], indirect=True)
def test_many_openers_at_once(location: str) -> None:
    made: list[Spool] = []
    threads = [threading.Thread(target=lambda: made.append(Spool(location))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    for spool in made:
        spool.close()


def test_killed_while_adding_nothing_that_returned_is_lost(location: str) -> None:
    command = [sys.executable, "-c", _CHILD, location, "add"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(10):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read()
    acknowledged = 10 + rest.count("\n")
    spool = Spool(location)
    rows = spool.due(1000.0, 1_000_000, 60.0)
    assert len(rows) in (acknowledged, acknowledged + 1)
    assert {row.recipient for row in rows} == {f"b{number}@example.test" for number in range(len(rows))}
    assert {row.raw for row in rows} == {b"x" * 5000}
    spool.close()


def test_killed_with_a_lease_the_rows_come_again(spool: Spool, location: str) -> None:
    spool.add("a", "b", b"x", 1.0)
    command = [sys.executable, "-c", _CHILD, location, "due"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "1\n"
        os.kill(child.pid, signal.SIGKILL)
    assert spool.due(1059.0, 10, 60.0) == []
    assert len(spool.due(1060.0, 10, 60.0)) == 1


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Spool(tmp_path / "missing" / "spool.sqlite")
    with pytest.raises(Unavailable):
        Spool(f"postgresql:///none?host={tmp_path}")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "spool.sqlite").write_bytes(b"no database at all" * 1000)
    with pytest.raises(Unavailable):
        Spool(tmp_path / "spool.sqlite")
