"""`oxgate demo` as a user starts it: a process of its own, ready in seconds, gone without a trace."""

from __future__ import annotations

import imaplib
import os
import random
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

from gateway.cli.demo import check_ports
from gateway.cli.init import DEMO_PORTS, unprivileged_listeners

PATIENCE = 30.0


def free_offset() -> int:
    """Find an offset at which every port of the demo is free, below those that systems give to clients."""
    for _ in range(100):
        offset = random.randrange(5000, 30000)
        try:
            check_ports(unprivileged_listeners(offset))
        except click.ClickException:
            continue
        return offset
    pytest.fail("no free range of ports")


def start(*words: str, home: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OXGATE_")}
    environment |= {"TMPDIR": str(home), "HOME": str(home)}
    environment |= {"OXGATE_DIRECTORY__ARGON2_MEMORY": "8", "OXGATE_DIRECTORY__ARGON2_TIME": "1"}
    command = [sys.executable, "-m", "gateway", "demo", *words]
    errors = (home / "errors").open("w")
    with errors:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)


def read_until_ready(process: subprocess.Popen[str], home: Path) -> str:
    """Give what it printed, `ready` included; the wait has an end."""
    assert process.stdout is not None
    deadline, printed = time.monotonic() + PATIENCE, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not printed.endswith(b"\nready\n"):
            assert selector.select(deadline - time.monotonic()), f"not ready: {printed!r}"
            piece = os.read(process.stdout.fileno(), 65536)
            assert piece, (home / "errors").read_text()
            printed += piece
    return printed.decode()


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def offset() -> int:
    return free_offset()


def test_the_demo_starts_answers_and_leaves_nothing(home, offset):
    process = start("--workers", "1", "--port-offset", str(offset), home=home)
    try:
        printed = read_until_ready(process, home)
        folder = Path(printed.partition("data in ")[2].partition("\n")[0])
        assert folder.parent == home
        for name, port in DEMO_PORTS.items():
            assert str(port + offset) in printed, name
        for word in ("alice@example.test", "swaks", "curl", "mutt", "openssl", "Thunderbird"):
            assert word in printed
        trust = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
        with imaplib.IMAP4_SSL("localhost", DEMO_PORTS["imaps"] + offset, ssl_context=trust) as client:
            client.login("alice", "password")
            assert client.select("INBOX") == ("OK", [b"3"])
            assert client.status('"Sent Items"', "(MESSAGES)")[1] == [b'"Sent Items" (MESSAGES 1)']
        with imaplib.IMAP4("127.0.0.1", DEMO_PORTS["imap"] + offset) as client:
            client.login("alice@example.test/sales", "password")
            assert client.select("INBOX") == ("OK", [b"1"])
    finally:
        code = stop(process)
    assert code == 0
    assert not folder.exists()


def test_its_state_is_kept_where_it_is_told_to(home, offset):
    data = home / "kept"
    for expected in (b"3", b"4"):
        process = start("--workers", "1", "--data", str(data), "--port-offset", str(offset), home=home)
        try:
            read_until_ready(process, home)
            with imaplib.IMAP4("127.0.0.1", DEMO_PORTS["imap"] + offset) as client:
                client.login("alice", "password")
                assert client.select("INBOX") == ("OK", [expected])
                client.append("INBOX", None, None, b"Subject: one more\r\n\r\n")
        finally:
            assert stop(process) == 0
    assert (data / "oxgate.toml").exists()


def test_a_port_in_use_is_named_with_the_way_out(home, offset):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", DEMO_PORTS["pop3"] + offset))
        taken.listen()
        process = start("--port-offset", str(offset), home=home)
        assert process.wait(PATIENCE) == 1
        assert process.stdout is not None
        process.stdout.close()
    message = (home / "errors").read_text()
    assert str(DEMO_PORTS["pop3"] + offset) in message
    assert "--port-offset" in message
    assert str(DEMO_PORTS["imap"] + offset) not in message


def test_ports_beyond_the_range_are_refused():
    with pytest.raises(click.ClickException, match="65535"):
        check_ports(unprivileged_listeners(65000))
