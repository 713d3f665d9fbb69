"""Hints between workers and between hosts: what arrives, what is dropped, and that no peer can hurt."""

from __future__ import annotations

import errno
import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.changes import Touched
from store.notify import HintPipe, PostgresHints, decode, encode, merge
from tests.support.postgres import Server

_I8 = st.integers(-(1 << 63), (1 << 63) - 1)

_CHILD = """
import select, sys
from pathlib import Path
from store.changes import Touched
from store.notify import HintPipe
with HintPipe(Path(sys.argv[1]), "child") as hints:
    print("ready", flush=True)
    select.select([hints], [], [], 30)
    print(hints.receive(), flush=True)
    hints.publish(Touched(7, 8, 9))
    sys.stdin.readline()
"""


def _readable(hints: HintPipe, seconds: float = 30) -> bool:
    return bool(select.select([hints], [], [], seconds)[0])


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[HintPipe, HintPipe]]:
    with HintPipe(tmp_path, "one") as one, HintPipe(tmp_path, "two") as two:
        yield one, two


@given(st.lists(st.builds(Touched, _I8, _I8, _I8)), st.binary(max_size=23))
def test_encoding(hints: list[Touched], tail: bytes) -> None:
    assert decode(encode(hints) + tail) == hints


def test_merging_keeps_the_highest_of_each_folder() -> None:
    hints = [Touched(1, 5, 10), Touched(1, 6, 3), Touched(1, 5, 9), Touched(2, 5, 1), Touched(1, 6, 4)]
    assert merge(hints) == [Touched(1, 5, 10), Touched(1, 6, 4), Touched(2, 5, 1)]


def test_two_processes(tmp_path: Path) -> None:
    with HintPipe(tmp_path, "parent") as hints:
        command = [sys.executable, "-c", _CHILD, str(tmp_path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stdin is not None
            assert child.stdout.readline() == "ready\n"
            hints.publish(Touched(1, 2, 3), Touched(1, 2, 4))
            assert child.stdout.readline() == f"{[Touched(1, 2, 4)]}\n"
            assert _readable(hints)
            assert hints.receive() == [Touched(7, 8, 9)]
            child.stdin.close()
    assert list(tmp_path.iterdir()) == []


def test_not_to_itself(pair: tuple[HintPipe, HintPipe]) -> None:
    one, two = pair
    one.publish(Touched(1, 2, 3))
    assert two.receive() == [Touched(1, 2, 3)]
    assert one.receive() == two.receive() == []


def test_many_hints_at_once(pair: tuple[HintPipe, HintPipe]) -> None:
    one, two = pair
    hints = [Touched(1, folder, 5) for folder in range(200)]
    one.publish(*hints)
    assert two.receive() == hints


def test_a_burst_is_kept(pair: tuple[HintPipe, HintPipe]) -> None:
    """A group commit touches many mailboxes at once while the peer's loop is busy."""
    one, two = pair
    for mailbox in range(2_000):
        one.publish(Touched(mailbox, 5, 1))
    assert len(two.receive()) == 2_000


def test_a_peer_that_reads_nothing_loses_hints_and_blocks_nobody(pair: tuple[HintPipe, HintPipe]) -> None:
    one, two = pair
    batch = [Touched(1, folder, 1) for folder in range(64)]
    for _ in range(1_000):
        one.publish(*batch)
    assert two.receive()
    one.publish(Touched(1, 1, 9_999))
    assert two.receive() == [Touched(1, 1, 9_999)]


def test_the_file_of_a_dead_peer_is_removed(tmp_path: Path) -> None:
    stale = tmp_path / "dead.0000.hints"
    os.mkfifo(stale)
    (tmp_path / "other-file").write_text("no FIFO")
    (tmp_path / "plain.hints").write_text("no FIFO")
    with HintPipe(tmp_path, "one") as one, HintPipe(tmp_path, "two") as two:
        one.publish(Touched(1, 2, 3))
        assert two.receive() == [Touched(1, 2, 3)]
        assert not stale.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other-file", "plain.hints"]


def test_a_peer_dies_and_another_comes(tmp_path: Path) -> None:
    with HintPipe(tmp_path, "one") as one:
        killed = HintPipe(tmp_path, "two")
        one.publish(Touched(1, 2, 3))
        os.close(killed.fileno())  # as a kill -9 does: its file stays
        one.publish(Touched(1, 2, 4))
        with HintPipe(tmp_path, "three") as three:
            one.publish(Touched(1, 2, 5))
            assert three.receive() == [Touched(1, 2, 5)]
            assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("step", ["mkfifo", "open", "rename"])
def test_a_peer_publishes_while_another_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A FIFO that nobody reads yet is no dead peer's: it stays, and hears what is published from then on."""
    with HintPipe(tmp_path, "one") as one:
        real = getattr(os, step)
        published = 0

        def in_between(*arguments: Any, **options: Any) -> Any:
            nonlocal published
            made = real(*arguments, **options)
            if not published:
                published = 1
                one.publish(Touched(1, 5, 1))
            return made

        monkeypatch.setattr(os, step, in_between)
        with HintPipe(tmp_path, "two") as two:
            assert published
            two.receive()
            os.utime(tmp_path, ns=(1, 1))  # a clock too coarse to say that a file came costs hints for a second
            one.publish(Touched(1, 5, 2))
            assert two.receive() == [Touched(1, 5, 2)]
            assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["open", "rename"])
def test_a_start_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "too many open files")

    before = len(os.listdir("/proc/self/fd"))
    with monkeypatch.context() as patched:
        patched.setattr(os, step, fail)
        with pytest.raises(OSError, match="too many"):
            HintPipe(tmp_path, "one")
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before


def test_publishing_from_many_threads(pair: tuple[HintPipe, HintPipe]) -> None:
    one, two = pair
    threads = [threading.Thread(target=one.publish, args=(Touched(1, folder, folder),)) for folder in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(two.receive()) == [Touched(1, folder, folder) for folder in range(16)]


def test_only_the_owner_may_enter(tmp_path: Path) -> None:
    with HintPipe(tmp_path / "run", "one"):
        assert (tmp_path / "run").stat().st_mode & 0o077 == 0


def test_the_directory_vanishes(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    with HintPipe(directory, "one") as one:
        for path in directory.iterdir():
            path.unlink()
        os.rmdir(directory)
        one.publish(Touched(1, 2, 3))


# ------------------------------------------------------------------------------------------------ between hosts


class _Heard:
    """Collects the hints of one mailbox: the channel is the whole database's."""

    def __init__(self, mailbox_id: int) -> None:
        self._mailbox_id = mailbox_id
        self._new = threading.Condition()
        self.hints: list[Touched] = []

    def __call__(self, hints: list[Touched]) -> None:
        with self._new:
            self.hints += [hint for hint in hints if hint.mailbox_id == self._mailbox_id]
            self._new.notify_all()

    def wait_for(self, *hints: Touched) -> None:
        with self._new:
            assert self._new.wait_for(lambda: set(hints) <= set(self.hints), 30), self.hints


@pytest.fixture
def database(postgres_server: Server) -> Iterator[str]:
    with postgres_server.schema() as url:
        yield url


@pytest.fixture
def hosts(database: str) -> Iterator[tuple[PostgresHints, _Heard, PostgresHints, _Heard]]:
    heard = _Heard(100), _Heard(100)
    one, two = (PostgresHints(database, each) for each in heard)
    for host in (one, two):
        host.start()
        assert host.wait_listening(30)
    yield one, heard[0], two, heard[1]
    for host in (one, two):
        host.close()


def test_between_two_hosts(hosts: tuple[PostgresHints, _Heard, PostgresHints, _Heard]) -> None:
    one, heard_one, two, heard_two = hosts
    one.publish(Touched(100, 5, 1))
    heard_two.wait_for(Touched(100, 5, 1))
    two.publish(Touched(100, 6, 2), Touched(100, 7, 3))
    heard_one.wait_for(Touched(100, 6, 2), Touched(100, 7, 3))
    assert Touched(100, 5, 1) not in heard_one.hints


def test_more_hints_than_one_notification_holds(hosts: tuple[PostgresHints, _Heard, PostgresHints, _Heard]) -> None:
    one, _, _, heard = hosts
    hints = [Touched(100, folder, 1) for folder in range(500)]
    one.publish(*hints)
    heard.wait_for(*hints)


def test_what_others_say_on_the_channel_is_ignored(
    database: str, hosts: tuple[PostgresHints, _Heard, PostgresHints, _Heard]
) -> None:
    one, _, _, heard = hosts
    with psycopg.connect(database, autocommit=True) as connection:
        for payload in ("", "nonsense", "x:zz", "x:" + "00" * 23, ":"):
            connection.execute("SELECT pg_notify('oxgate_hints', %s)", (payload,))
    one.publish(Touched(100, 5, 1))
    heard.wait_for(Touched(100, 5, 1))
    assert heard.hints == [Touched(100, 5, 1)]


def test_a_lost_connection_is_made_again(database: str) -> None:
    again = threading.Event()
    heard = _Heard(101)
    listener = PostgresHints(database, heard, reconnected=again.set)
    sender = PostgresHints(database, _Heard(101))
    try:
        listener.start()
        assert listener.wait_listening(30)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
                "AND query LIKE 'LISTEN %' AND pid <> pg_backend_pid()"
            )
        assert again.wait(30)
        sender.start()
        sender.publish(Touched(101, 5, 1))
        heard.wait_for(Touched(101, 5, 1))
    finally:
        listener.close()
        sender.close()


def test_a_database_that_is_away_raises_nothing(tmp_path: Path) -> None:
    hints = PostgresHints(f"postgresql:///none?host={tmp_path}", _Heard(1))
    hints.start()
    hints.publish(Touched(1, 2, 3))
    assert not hints.wait_listening(0.05)
    hints.close()
