"""NTLM against a domain: Samba's `ntlm_auth --helper-protocol=ntlm-server-1`, kept running, asked one at a time each.

The challenge stays ours, and the domain controller gives the session key, so that message integrity and channel binding
are judged here as for local accounts. The machine must be joined to the domain, and the server in the group that may
open winbind's privileged pipe (winbindd_priv).

A request is lines `Name: value`, or `Name:: base64`, ended by `.`; so is a reply. ntlm_auth ends the reply to a wrong
response with a second `.`. A helper whose replies could fall out of step with the requests, after a time-out or an
error in its protocol, is replaced: one user's yes must never answer for another.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from gateway.sasl.ntlm import AskNtlm
from gateway.services.logon import LogonRefused, RefusalKind

log = logging.getLogger("oxgate.winbind")

MAX_REPLY = 65_536
"""Octets of a reply; a helper that says more is not ntlm_auth."""

AWAY = (
    "winbind",
    "logon server",
    "domain controller",
    "trust",
    "transport",
    "pipe",
    "network",
    "rpc",
    "timed out",
    "timeout",
    "time-out",
    "can't access domain",
    "access denied",
    "nt_status_unsuccessful",
)
"""Words in ntlm_auth's reasons that are about the domain and the way there, not about the account."""


class HelperFailed(Exception):
    """A helper cannot be asked, or gave no answer."""


class Winbind:
    """A pool of ntlm_auth processes; `verify` is the fallback of services.ntlm.LocalNtlmVerifier."""

    def __init__(
        self,
        path: str | Path,
        processes: int = 4,
        *,
        arguments: Sequence[str] = (),
        timeout: float = 10.0,
        waiting: int = 64,
        pause: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up; helpers start when they are needed.

        Args:
            path: ntlm_auth, usually /usr/bin/ntlm_auth.
            processes: how many run at most; each answers one request at a time.
            arguments: more arguments, such as `--configfile=...`.
            timeout: seconds to wait for an answer.
            waiting: requests that may wait for a helper; more are refused at once.
            pause: seconds in which no helper is started after one could not be.
            clock: for tests.
        """
        self._command = (str(path), *arguments, "--helper-protocol=ntlm-server-1")
        self._timeout = timeout
        self._room = asyncio.Semaphore(processes)
        self._waiting = 0
        self._most_waiting = waiting
        self._pause = pause
        self._clock = clock
        self._not_before = 0.0
        self._closed = False
        self._idle: list[_Helper] = []
        self._busy: set[_Helper] = set()

    async def verify(self, ask: AskNtlm) -> bytes | None:
        """Give the session base key when the response is right, None when it is wrong.

        Raises:
            LogonRefused: UNAVAILABLE, the helpers cannot answer; TOO_MANY, too many requests wait for one.
        """
        request = write_request(ask)
        if request is None:
            return None
        if self._waiting >= self._most_waiting:
            raise LogonRefused(RefusalKind.TOO_MANY, "too many requests wait for ntlm_auth")
        self._waiting += 1
        try:
            await self._room.acquire()
        finally:
            self._waiting -= 1
        try:
            return read_reply(await self._ask(request), ask.login)
        except HelperFailed as error:
            log.error("ntlm_auth: %s", error)
            raise LogonRefused(RefusalKind.UNAVAILABLE, f"ntlm_auth: {error}") from error
        finally:
            self._room.release()

    async def close(self) -> None:
        """End the helpers; who still waits for one is refused."""
        self._closed = True
        helpers = [*self._idle, *self._busy]
        self._idle.clear()
        for helper in helpers:
            helper.kill()
        await asyncio.gather(*(helper.ended.wait() for helper in helpers))

    async def _ask(self, request: bytes) -> dict[str, str]:
        """Ask a helper that runs; should it have died meanwhile, a new one."""
        while self._idle:
            helper = self._idle.pop()
            if helper.in_step:
                try:
                    return await self._ask_one(helper, request)
                except _Died:
                    break
            helper.kill()
        return await self._ask_one(await self._start(), request)

    async def _ask_one(self, helper: _Helper, request: bytes) -> dict[str, str]:
        self._busy.add(helper)
        try:
            reply = await asyncio.wait_for(helper.ask(request), self._timeout)
            if any(name == "error" for name in reply):
                raise HelperFailed(reply["error"])
        except TimeoutError as error:
            helper.kill()
            raise HelperFailed(f"no answer in {self._timeout:g} s") from error
        except BaseException:
            helper.kill()
            raise
        finally:
            self._busy.discard(helper)
        self._idle.append(helper)
        return reply

    async def _start(self) -> _Helper:
        if self._closed:
            raise HelperFailed("the server is stopping")
        if self._clock() < self._not_before:
            raise HelperFailed("could not be started a moment ago")
        try:
            _, helper = await asyncio.get_running_loop().subprocess_exec(
                _Helper, *self._command, stderr=asyncio.subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            self._not_before = self._clock() + self._pause
            raise HelperFailed(f"{self._command[0]} cannot be started: {error}") from error
        return helper


class _Died(HelperFailed):
    """The helper ended before it answered."""


class _Helper(asyncio.SubprocessProtocol):
    """One process. `ask` is called again only when it has returned."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None
        self._received = bytearray()
        self._reply: asyncio.Future[dict[str, str]] | None = None

    @property
    def in_step(self) -> bool:
        """Whether it runs, and has said nothing since its last reply but the odd `.` of a wrong response."""
        return not self.ended.is_set() and bytes(self._received).replace(b".\n", b"") in (b"", b".")

    async def ask(self, request: bytes) -> dict[str, str]:
        """Send a request; give the fields of the reply by their names in lower case. Raises HelperFailed."""
        pipe = cast("asyncio.WriteTransport | None", self._transport and self._transport.get_pipe_transport(0))
        if self.ended.is_set() or pipe is None or pipe.is_closing():
            raise _Died("it has ended")
        self._reply = asyncio.get_running_loop().create_future()
        pipe.write(request)
        return await self._reply

    def kill(self) -> None:
        """End it at once; whoever waits for it is told."""
        if self._transport is not None:
            self._transport.close()
        self._fail("it was ended")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the process."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Take what it says, up to a whole reply."""
        self._received += data
        if self._reply is None or self._reply.done():
            return
        while self._received.startswith(b".\n"):  # of the reply before
            del self._received[:2]
        end = self._received.find(b"\n.\n")
        if end >= 0:
            lines = bytes(self._received[:end]).decode("utf-8", "replace").split("\n")
            del self._received[: end + 3]
            pairs = (line.partition(":") for line in lines)
            self._reply.set_result({name.strip().lower(): value.strip() for name, _, value in pairs})
        elif len(self._received) > MAX_REPLY:
            self._reply.set_exception(HelperFailed("its reply has no end"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Tell whoever waits that no answer will come."""
        self._fail("it ended without an answer")

    def process_exited(self) -> None:
        """Note that it is over."""
        self.ended.set()
        self.kill()

    def _fail(self, text: str) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(_Died(text))


def write_request(ask: AskNtlm) -> bytes | None:
    """Write a request; None: what the client sent cannot be right, and would upset ntlm_auth."""
    if not ask.user or "\0" in ask.user + ask.domain or len(ask.server_challenge) != 8 or len(ask.nt_response) < 24:
        return None
    challenge = ask.server_challenge
    fields = [_text("Username", ask.user), _text("NT-Domain", ask.domain)]
    if ask.variant == "NTLM2-SESSION":  # the domain controller gets what it takes for NTLMv1 ([MS-NLMP] 3.3.1)
        challenge = hashlib.md5(challenge + ask.client_challenge, usedforsecurity=False).digest()[:8]
    fields += [f"LANMAN-Challenge: {challenge.hex()}", f"NT-Response: {ask.nt_response.hex()}"]
    fields += ["Request-User-Session-Key: Yes", "."]
    return "".join(f"{field}\n" for field in fields).encode()


def read_reply(reply: dict[str, str], login: str) -> bytes | None:
    """Read the session base key out of a reply; None: the response was wrong. Raises HelperFailed."""
    if reply.get("authenticated") == "Yes":
        try:
            key = binascii.a2b_hex(reply.get("user-session-key", ""))
        except binascii.Error as error:
            raise HelperFailed("its session key is not hexadecimal") from error
        if len(key) != 16:  # a guest has none
            log.warning("%s: winbind says yes, but gives no session key; refused", ascii(login))
            return None
        return key
    reason = reply.get("authentication-error", "")
    if reply.get("authenticated") != "No" or any(word in reason.lower() for word in AWAY):
        raise HelperFailed(reason or "its reply says neither yes nor no")
    log.info("%s: winbind says no: %s", ascii(login), reason)
    return None


def _text(name: str, value: str) -> str:
    """Write a field with a text that the client chose: in base64 unless it is plain, so that it stays one line."""
    if value.isascii() and value.isprintable() and value == value.strip() and not value.startswith(":"):
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode('utf-8', 'replace')).decode('ascii')}"
