"""Workers are forked, replaced, reloaded and drained (docs/architecture.md, decision 2)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.certificates import common_name, trusting_nobody, write_certificate

ROOT = Path(__file__).parents[3]
PATIENCE = 20


class Supervised:
    """The small server of supervised.py."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.runtime.supervised", str(folder), mode],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        self.port = 0

    def read_until(self, text: str) -> str:
        assert self.process.stdout is not None
        seen = ""
        for line in self.process.stdout:
            seen += line
            if text in line:
                return line
        raise AssertionError(f"ended without {text!r}:\n{seen}")

    def rest(self) -> str:
        assert self.process.stdout is not None
        text = self.process.stdout.read()
        self.process.wait(PATIENCE)
        return text

    def visit(self) -> tuple[int, str]:
        """Connect; give the worker's process id and the name in its certificate."""
        with (
            socket.create_connection(("127.0.0.1", self.port), PATIENCE) as plain,
            trusting_nobody().wrap_socket(plain) as secure,
        ):
            pid = int(secure.makefile("rb").readline())
            return pid, common_name(secure)

    def everyone(self) -> set[int]:
        """Visit until both workers have answered; the kernel spreads connections by their addresses."""
        seen: set[int] = set()
        for _ in range(400):
            seen.add(self.visit()[0])
            if len(seen) == 2:
                return seen
        raise AssertionError(f"only {seen} answered")


@contextmanager
def supervised(folder: Path, mode: str = "good") -> Iterator[Supervised]:
    write_certificate(folder, "first")
    server = Supervised(folder, mode)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait(PATIENCE)
        assert server.process.stdout is not None
        server.process.stdout.close()


def test_workers_share_a_port_and_drain_at_sigterm(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        server.port = int(server.read_until("ready").split()[1])
        pids = server.everyone()
        assert server.process.pid not in pids
        server.process.send_signal(signal.SIGTERM)
        server.rest()
        assert server.process.returncode == 0
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), 1)


def test_a_dead_worker_is_replaced(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        server.port = int(server.read_until("ready").split()[1])
        first, second = sorted(server.everyone())
        os.kill(first, signal.SIGKILL)
        server.read_until("ended by signal 9, replacing it in 0.0 s")
        # Nobody is turned away meanwhile: the supervisor holds the sockets, connections wait for the new worker.
        now = server.everyone()
        assert first not in now
        assert second in now
        third = (now - {second}).pop()
        os.kill(third, signal.SIGKILL)
        assert "replacing it in" in server.read_until("ended by signal 9")
        assert server.everyone() - {second} != {third}
        server.process.send_signal(signal.SIGINT)
        server.rest()
        assert server.process.returncode == 0


def test_all_workers_die_at_once(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        server.port = int(server.read_until("ready").split()[1])
        before = server.everyone()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert not server.everyone() & before
        server.process.send_signal(signal.SIGTERM)
        server.rest()
        assert server.process.returncode == 0


def test_sighup_brings_the_new_certificate(tmp_path: Path) -> None:
    """Also of another key type, also in workers made later; a bad one changes nothing."""
    with supervised(tmp_path) as server:
        server.port = int(server.read_until("ready").split()[1])
        assert server.visit()[1] == "first"
        (tmp_path / "cert.pem").write_text("no certificate")
        server.process.send_signal(signal.SIGHUP)
        assert "going on as before" in server.read_until("reload failed")
        assert server.visit()[1] == "first"
        write_certificate(tmp_path, "second", "rsa")
        server.process.send_signal(signal.SIGHUP)
        server.read_until("INFO reloaded")
        server.read_until("INFO reloaded")
        pids = server.everyone()
        assert {server.visit()[1] for _ in range(20)} == {"second"}
        os.kill(min(pids), signal.SIGKILL)
        server.read_until("replacing it")
        server.everyone()
        assert {server.visit()[1] for _ in range(20)} == {"second"}
        server.process.send_signal(signal.SIGTERM)
        server.rest()
        assert server.process.returncode == 0


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("refuse", "cannot start: the database is gone. What to do: start it"),
        ("bug", "cannot start: internal error: ZeroDivisionError()"),
        ("die", "cannot start: worker 1 ended with status 7 before it was ready"),
    ],
)
def test_a_worker_that_cannot_start_stops_all(tmp_path: Path, mode: str, reason: str) -> None:
    with supervised(tmp_path, mode) as server:
        text = server.rest()
        assert reason in text
        assert "\nready" not in text
        assert server.process.returncode == 1


def test_workers_follow_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    """The lifeline: no orphan goes on serving."""
    with supervised(tmp_path) as server:
        server.port = int(server.read_until("ready").split()[1])
        server.everyone()
        server.process.kill()
        server.rest()  # ends when the last holder of the pipe, a worker, has gone
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), 1)


def test_a_connection_has_its_grace(tmp_path: Path) -> None:
    with supervised(tmp_path) as server:
        server.port = int(server.read_until("ready").split()[1])
        with (
            socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain,
            trusting_nobody().wrap_socket(plain, suppress_ragged_eofs=True) as secure,
        ):
            reader = secure.makefile("rb")
            reader.readline()
            server.process.send_signal(signal.SIGTERM)
            server.read_until("stopping, connections have 0.2 seconds")
            secure.sendall(b"still here\n")
            assert reader.readline() == b"still here\n"
            with suppress(ConnectionError):
                assert reader.readline() == b""
        server.rest()
        assert server.process.returncode == 0
