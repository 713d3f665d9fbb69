"""Hints between workers and between hosts: what arrives, what is dropped, and that no peer can hurt."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.changes import Touched
from store.notify import HintPipe, decode, encode, merge

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
