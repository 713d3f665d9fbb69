"""The pool of ntlm_auth processes, with a script in its place; with the real one: tests/peers/test_winbind.py."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.sasl.ntlm import AskNtlm
from gateway.services.logon import LogonRefused, RefusalKind
from gateway.services.winbind import HelperFailed, Winbind, read_reply, write_request

HELPER = """
import base64, os, sys, time
assert sys.argv[-1] == "--helper-protocol=ntlm-server-1"
with open(sys.argv[1], "a") as started:
    print(os.getpid(), file=started)
fields = {}
for line in sys.stdin:
    line = line.rstrip("\\n")
    if line != ".":
        name, _, value = line.partition(": ")
        if name.endswith(":"):
            name, value = name[:-1], base64.b64decode(value).decode()
        fields[name] = value
        continue
    user, key = fields["Username"], fields["NT-Response"][:32]
    assert fields["Request-User-Session-Key"] == "Yes"
    with open(sys.argv[1] + ".requests", "a") as log:
        print(repr((user, fields["NT-Domain"], fields["LANMAN-Challenge"])), file=log)
    fields = {}
    if user == "wrong":
        print("Authenticated: No\\nAuthentication-Error: The password is not correct.\\n.\\n.", flush=True)
    elif user == "later dot":
        print("Authenticated: No\\nAuthentication-Error: The password is not correct.\\n.", flush=True)
        time.sleep(0.05)
        print(".", flush=True)
    elif user == "away":
        print("Authenticated: No\\nAuthentication-Error: Reading winbind reply failed!\\n.\\n.", flush=True)
    elif user == "guest":
        print("Authenticated: Yes\\n.", flush=True)
    elif user == "error":
        print("Error: Unknown request x\\n.\\nAuthenticated: Yes\\nUser-Session-Key: " + "00" * 16 + "\\n.", flush=True)
    elif user == "twice":
        print(("Authenticated: Yes\\nUser-Session-Key: " + key + "\\n.\\n") * 2, end="", flush=True)
    elif user == "endless":
        print("x" * 100000, flush=True)
    elif user == "die":
        sys.exit(1)
    elif user == "bytes":
        for octet in f"Authenticated: Yes\\nLANMAN-Session-Key: 0011\\nUser-Session-Key: {key.upper()}\\n.\\n":
            print(octet, end="", flush=True)
    else:
        if user == "slow":
            time.sleep(3)
        if user == "busy":
            time.sleep(0.2)
        print(f"Authenticated: Yes\\nUser-Session-Key: {key}\\n.", flush=True)
"""


class Pool:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.script = folder / "helper.py"
        self.script.write_text(textwrap.dedent(HELPER))
        self.started = folder / "started"
        self.winbind = self.make()

    def make(self, **more: Any) -> Winbind:
        arguments = [str(self.script), str(self.started)]
        self.winbind = Winbind(sys.executable, **{"processes": 2, "arguments": arguments, "timeout": 2.0, **more})
        return self.winbind

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in self.started.read_text().split()] if self.started.exists() else []

    async def ask(self, user: str, first: int = 1, domain: str = "CORP") -> bytes | None:
        return await self.winbind.verify(ask(user, first, domain))


def ask(user: str, first: int = 1, domain: str = "CORP", **more: Any) -> AskNtlm:
    given: dict[str, Any] = {
        "server_challenge": b"\x01" * 8,
        "nt_response": bytes([first]) * 60,
        "lm_response": b"",
        "variant": "NTLM",
        "client_challenge": b"\x02" * 8,
    }
    return AskNtlm(user, domain, "WORKSTATION", **{**given, **more})


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    made = Pool(tmp_path)
    yield made
    await made.winbind.close()


async def test_one_helper_serves_one_after_another(pool: Pool) -> None:
    for first in range(5):
        assert await pool.ask("alice", first) == bytes([first]) * 16
        assert await pool.ask("wrong") is None
        assert await pool.ask("later dot") is None
        assert await pool.ask("bytes", first) == bytes([first]) * 16
    assert len(pool.pids) == 1


async def test_answers_go_to_whom_they_belong(pool: Pool) -> None:
    users = ["busy", "wrong", "later dot", "alice", "bytes"]
    many = [pool.ask(users[n % 5], n) for n in range(60)]
    answers = await asyncio.gather(*many)
    for n, answer in enumerate(answers):
        assert answer == (None if n % 5 in (1, 2) else bytes([n]) * 16)
    assert len(pool.pids) == 2


async def test_odd_names_stay_one_line(pool: Pool) -> None:
    names = ["ali ce", "älice", " alice", ":alice", "alice\nUsername: root", "a\r\n.\n", "alice ", "名前", "a\\b"]
    for name in names:
        assert await pool.ask(name, 7, domain=name) == b"\7" * 16
    log = (pool.folder / "started.requests").read_text().splitlines()
    assert log == [repr((name, name, "01" * 8)) for name in names]
    assert len(pool.pids) == 1


async def test_what_cannot_be_right_is_not_asked(pool: Pool) -> None:
    names = (ask(""), ask("a\0b"), ask("a", domain="\0"))
    for wrong in (*names, ask("a", nt_response=b""), ask("a", server_challenge=b"")):
        assert await pool.winbind.verify(wrong) is None
    assert pool.pids == []


async def test_without_a_domain(pool: Pool) -> None:
    assert await pool.ask("alice@corp.test", 3, domain="") == b"\3" * 16
    assert "('alice@corp.test', '', '0101010101010101')" in (pool.folder / "started.requests").read_text()


def test_ntlm2_session_is_asked_like_ntlmv1() -> None:
    """[MS-NLMP] 3.3.1: the response is over the hash of both challenges."""
    request = write_request(ask("alice", variant="NTLM2-SESSION", nt_response=b"\3" * 24))
    assert request is not None
    both = hashlib.md5(b"\1" * 8 + b"\2" * 8).hexdigest()[:16]
    assert f"LANMAN-Challenge: {both}\n".encode() in request
    assert b"LANMAN-Response" not in request


@pytest.mark.parametrize("user", ["error", "endless", "die", "slow", "away"])
async def test_a_helper_that_cannot_answer(pool: Pool, user: str) -> None:
    pool.make(timeout=1.0)
    with pytest.raises(LogonRefused) as refused:
        await pool.ask(user)
    assert refused.value.kind is RefusalKind.UNAVAILABLE
    before = len(pool.pids)
    assert await pool.ask("alice", 9) == b"\x09" * 16  # by another helper
    assert len(pool.pids) == before + (user != "away")  # it is winbindd that is away
    if user != "away":
        await _gone(pool.pids[0])


async def test_a_helper_that_says_too_much_is_replaced(pool: Pool) -> None:
    assert await pool.ask("twice", 1) == b"\1" * 16
    await asyncio.sleep(0.05)
    assert await pool.ask("wrong") is None
    assert len(pool.pids) == 2


async def test_a_helper_that_died_is_replaced(pool: Pool) -> None:
    assert await pool.ask("alice") is not None
    os.kill(pool.pids[0], signal.SIGKILL)
    assert await pool.ask("alice", 5) == b"\5" * 16  # whether its end was noticed or not
    os.kill(pool.pids[1], signal.SIGKILL)
    await _gone(pool.pids[1])
    assert await pool.ask("alice", 6) == b"\6" * 16
    assert len(pool.pids) == 3


async def test_a_guest_is_nobody(pool: Pool) -> None:
    """Samba's `map to guest` says yes to anybody, without a session key."""
    assert await pool.ask("guest") is None


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    now = [0.0]
    winbind = Winbind(tmp_path / "none", pause=5, clock=lambda: now[0])
    for text in ("cannot be started", "a moment ago"):
        with pytest.raises(LogonRefused, match=text) as refused:
            await winbind.verify(ask("alice"))
        assert refused.value.kind is RefusalKind.UNAVAILABLE
    now[0] = 5
    with pytest.raises(LogonRefused, match="cannot be started"):
        await winbind.verify(ask("alice"))
    await winbind.close()


async def test_the_queue_is_bounded(pool: Pool) -> None:
    pool.make(processes=1, waiting=3)
    answers = await asyncio.gather(*(pool.ask("busy", n) for n in range(8)), return_exceptions=True)
    refused = [one for one in answers if isinstance(one, LogonRefused)]
    assert [one.kind for one in refused] == [RefusalKind.TOO_MANY] * len(refused)
    assert 3 <= len(refused) <= 5
    served = [one for one in answers if not isinstance(one, LogonRefused)]
    assert served == [bytes([n]) * 16 for n in range(len(served))]


async def test_a_client_that_leaves_takes_its_helper_along(pool: Pool) -> None:
    """The answer to a request that was given up must not be read as the next one's."""
    pool.make(processes=1)
    leaving = asyncio.create_task(pool.ask("busy", 1))
    await asyncio.sleep(0.15)
    leaving.cancel()
    assert await pool.ask("alice", 2) == b"\2" * 16
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_close_ends_the_helpers(pool: Pool) -> None:
    await asyncio.gather(pool.ask("busy"), pool.ask("busy"))
    slow = asyncio.create_task(pool.ask("slow"))
    await asyncio.sleep(0.1)
    start = time.monotonic()
    await pool.winbind.close()
    with pytest.raises(LogonRefused):
        await slow
    assert time.monotonic() - start < 2
    for pid in pool.pids:
        await _gone(pid)


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"authenticated": "Maybe"},
        {"authenticated": "Yes", "user-session-key": "xyz"},
        {"authenticated": "No", "authentication-error": "No logon servers are there"},
    ],
)
def test_replies_that_say_nothing(reply: dict[str, str]) -> None:
    with pytest.raises(HelperFailed):
        read_reply(reply, "alice")


async def _gone(pid: int) -> None:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{pid} still runs")
