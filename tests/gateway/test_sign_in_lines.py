"""Signing in on the wires of IMAP, POP3 and SMTP alike: cancelling, limits, bad lines, failures, TLS, the end."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType

import pytest

from directory.signins import REFUSED, SignInStore, Wanted
from gateway.sasl.mechanism import MAX_LINE
from gateway.services import standing
from tests.support.certificates import trusting_nobody
from tests.support.server import PASSWORD, RunningServer

GOOD = base64.b64encode(f"\0alice\0{PASSWORD}".encode())
WRONG = base64.b64encode(b"\0alice\0wrong")
PROTOCOLS = ("imap", "pop3", "submission")

CANCELLED = {
    "imap": b"a NO The AUTH protocol exchange was canceled by the client.",
    "pop3": b"-ERR The AUTH protocol exchange was canceled by the client",
    "submission": b"501 5.7.0 Authentication cancelled",
}
MALFORMED = {
    "imap": b"a BAD AUTHENTICATE failed: malformed response.",
    "pop3": b"-ERR Protocol error. Invalid authentication response",
    "submission": b"501 5.5.2 Cannot decode response",
}
TOO_LONG = MALFORMED | {"submission": b"500 5.5.6 Authentication exchange line is too long"}
FAILED = {
    "imap": b"a NO AUTHENTICATE failed.",
    "pop3": b"-ERR [AUTH] Logon failure: unknown user name or bad password.",
    "submission": b"535 5.7.3 Authentication unsuccessful",
}
UNKNOWN = {
    "imap": b"a BAD Unsupported authentication mechanism.",
    "pop3": b"-ERR Unrecognized authentication type",
    "submission": b"504 5.7.4 Unrecognized authentication type",
}
EXPIRED = {
    "imap": b"* BYE The sign-in has expired; sign in again.",
    "pop3": b"-ERR [SYS/TEMP] The sign-in has expired; sign in again",
    "submission": b"421 4.7.0 The sign-in has expired, closing transmission channel",
}


class Line:
    """One client, greeted."""

    def __init__(self, server: RunningServer, protocol: str) -> None:
        self.server = server
        self.protocol = protocol

    async def __aenter__(self) -> Line:
        self.reader, self.writer = await self.server.connect(self.protocol)
        await self.line()
        if self.protocol == "submission":
            await self.hello()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()

    async def line(self) -> bytes:
        return (await asyncio.wait_for(self.reader.readline(), 10)).removesuffix(b"\r\n")

    async def say(self, line: bytes) -> bytes:
        self.writer.write(line + b"\r\n")
        return await self.line()

    async def hello(self) -> list[bytes]:
        lines = [await self.say(b"EHLO client.test")]
        while lines[-1][3:4] == b"-":
            lines.append(await self.line())
        return lines

    async def auth(self, words: bytes) -> bytes:
        return await self.say((b"a AUTHENTICATE " if self.protocol == "imap" else b"AUTH ") + words)

    async def works(self) -> None:
        """The connection takes commands."""
        line = {"imap": b"z NOOP", "pop3": b"AUTH", "submission": b"NOOP"}[self.protocol]
        assert (await self.say(line)).startswith((b"z OK", b"+OK", b"250"))
        while self.protocol == "pop3" and await self.line() != b".":
            pass

    def is_in(self, reply: bytes) -> bool:
        return reply.startswith((b"a OK ", b"+OK ", b"235 2.7.0 "))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RunningServer]:
    sections = {"auth": {"plaintext_without_tls": "loopback", "tarpit": 0.0, "max_failures": 3}}
    async with RunningServer(tmp_path, sections=sections) as running:
        yield running


@pytest.fixture(params=PROTOCOLS)
async def line(server: RunningServer, request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    async with Line(server, request.param) as one:
        yield one


@pytest.mark.parametrize("star", [b"*", b"* ", b"*\t "])
async def test_a_client_cancels(line: Line, star: bytes) -> None:
    """[MS-OXIMAP4] 2.2.1 (`*` may be followed by a blank there), [MS-OXPOP3] 2.2.1, [RFC4954] 4."""
    for _ in range(5):  # it is no failed sign-in
        assert (await line.auth(b"PLAIN")).startswith((b"+ ", b"334 "))
        assert await line.say(star) == CANCELLED[line.protocol]
        assert (await line.auth(b"LOGIN")).startswith((b"+ ", b"334 "))
        assert (await line.say(base64.b64encode(b"alice"))).startswith((b"+ ", b"334 "))
        assert await line.say(star) == CANCELLED[line.protocol]
    assert line.is_in(await line.auth(b"PLAIN " + GOOD))


@pytest.mark.parametrize("bad", [b"not base64!", b"AAA", b"AA==AA==", b"====", b" AAAA", b"A A A A", b"\xff\xfe"])
async def test_a_response_that_is_not_base64(line: Line, bad: bytes) -> None:
    """[RFC4954] 4, [RFC5034] 4: strictly base64; [RFC3501] 6.2.2: BAD."""
    assert (await line.auth(b"PLAIN")).startswith((b"+ ", b"334 "))
    assert await line.say(bad) == MALFORMED[line.protocol]
    await line.works()
    assert line.is_in(await line.auth(b"PLAIN " + GOOD))


async def test_a_command_inside_an_exchange_is_a_response(line: Line) -> None:
    """[MS-OXIMAP4] 3.2.5.1, [RFC4954] 4: a message that is not expected ends the exchange, and is not carried out."""
    assert (await line.auth(b"PLAIN")).startswith((b"+ ", b"334 "))
    assert await line.say(b"QUIT") == MALFORMED[line.protocol]
    await line.works()


async def test_lines_up_to_the_limit_are_taken(line: Line) -> None:
    """[RFC4954] 4, [RFC5034] 4: 12,288 octets at least; and so much that an access token of 12 KiB fits."""
    for size in (12_288, MAX_LINE):
        message = base64.b64encode(b"x" * (size // 4 * 3))
        assert len(message) == size
        assert (await line.auth(b"PLAIN")).startswith((b"+ ", b"334 "))
        assert await line.say(message) == MALFORMED[line.protocol]  # long enough to be read: it has no NULs
        assert await line.auth(b"PLAIN " + message) == MALFORMED[line.protocol]
    await line.works()


@pytest.mark.parametrize("size", [MAX_LINE + 4, 40_000, 200_000])
async def test_longer_lines_are_swallowed(line: Line, size: int) -> None:
    """[RFC4954] 4: 500 5.5.6; the rest of the line is no command."""
    assert (await line.auth(b"PLAIN")).startswith((b"+ ", b"334 "))
    assert await line.say(b"A" * size) == TOO_LONG[line.protocol]
    await line.works()
    assert line.is_in(await line.auth(b"PLAIN " + GOOD))


async def test_an_unknown_mechanism(line: Line) -> None:
    """[MS-OXIMAP4] 2.2.1, [RFC4954] 4; one that is not enabled is as unknown as one that nobody has."""
    for name in (b"CRAM-MD5", b"NTLM", b"XOAUTH2", b"GSSAPI", b"EXTERNAL", b"scram-sha-1"):
        assert await line.auth(name) == UNKNOWN[line.protocol]
    assert line.is_in(await line.auth(b"plain " + GOOD))


async def test_three_failures_end_the_connection(line: Line) -> None:
    for _ in range(3):
        assert await line.auth(b"PLAIN " + WRONG) == FAILED[line.protocol]
    if line.protocol == "imap":
        assert await line.line() == b"* BYE Too many failed logins."
    assert await line.reader.read() == b""


async def test_a_sign_in_of_two_steps(line: Line) -> None:
    """[MS-XLOGIN] 2.2.2: the prompts, and the name on the command."""
    assert (await line.auth(b"LOGIN")).removeprefix(b"334 ").removeprefix(b"+ ") == b"VXNlcm5hbWU6"
    assert (await line.say(base64.b64encode(b"alice"))).endswith(b" UGFzc3dvcmQ6")
    assert line.is_in(await line.say(base64.b64encode(PASSWORD.encode())))


@pytest.mark.parametrize(
    "form", ["EXAMPLE/alice/sales", "alice@example.test/sales@example.test", "EXAMPLE\\alice\\sales"]
)
async def test_a_delegate_signs_in(line: Line, form: str, caplog: pytest.LogCaptureFixture) -> None:
    """[MS-OXIMAP4] 2.2.2, [MS-OXPOP3] 2.2.2: in every form and by every way; one line of audit with both."""
    caplog.set_level(logging.INFO, "oxgate.audit")
    await line.auth(b"LOGIN")
    await line.say(base64.b64encode(form.encode()))
    assert line.is_in(await line.say(base64.b64encode(PASSWORD.encode())))
    (record,) = [each for each in caplog.records if each.name == "oxgate.audit"]
    assert "user=alice@example.test mailbox=sales@example.test" in record.getMessage()


async def test_a_delegate_by_authorization_identity(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    """[RFC4616] 2: the authzid is the mailbox to open."""
    caplog.set_level(logging.INFO, "oxgate.audit")
    message = f"sales@example.test\0alice\0{PASSWORD}".encode()
    assert line.is_in(await line.auth(b"PLAIN " + base64.b64encode(message)))
    assert "authorization=sales@example.test user=alice@example.test mailbox=sales" in caplog.text


@pytest.mark.parametrize(
    "command", [b"a LOGIN EXAMPLE\\alice\\sales password", b'a LOGIN "alice@example.test/sales" password']
)
async def test_a_delegate_by_login(server: RunningServer, command: bytes) -> None:
    """[MS-OXIMAP4] 2.2.2: the userid of LOGIN names both."""
    async with Line(server, "imap") as line:
        assert line.is_in(await line.say(command))


async def test_a_delegate_by_user_and_pass(server: RunningServer) -> None:
    """[MS-OXPOP3] 2.2.2: the name of USER names both, and USER says nothing of whether there are such."""
    async with Line(server, "pop3") as line:
        assert await line.say(b"USER EXAMPLE/nobody/nothing") == b"+OK"
        assert await line.say(b"PASS x") == FAILED["pop3"]
        assert await line.say(b"USER EXAMPLE/alice/sales@example.test") == b"+OK"
        assert line.is_in(await line.say(b"PASS " + PASSWORD.encode()))


async def test_who_may_not_open_it_hears_what_a_wrong_password_hears(line: Line) -> None:
    """[MS-OXIMAP4] 3.2.5.2: nothing is disclosed."""
    for message in (f"sales\0bob\0{PASSWORD}", f"nobody\0bob\0{PASSWORD}"):
        assert await line.auth(b"PLAIN " + base64.b64encode(message.encode())) == FAILED[line.protocol]


async def test_starttls_forgets_what_was_said_before(line: Line) -> None:
    """[RFC3207] 4.2, [RFC2595] 4, [RFC3501] 6.2.1: names, sign-ins under way, what was pipelined."""
    command = {"imap": b"s STARTTLS", "pop3": b"STLS", "submission": b"STARTTLS"}[line.protocol]
    injected = {"imap": b"i NOOP", "pop3": b"CAPA", "submission": b"NOOP"}[line.protocol]
    if line.protocol == "pop3":
        await line.say(b"USER alice")
    line.writer.write(command + b"\r\n" + injected + b"\r\n")
    assert (await line.line()).startswith((b"s OK", b"+OK", b"220"))
    await line.writer.start_tls(trusting_nobody(), server_hostname="localhost")
    if line.protocol == "pop3":
        assert (await line.say(b"PASS " + PASSWORD.encode())).startswith(b"-ERR Command is not valid")
    if line.protocol == "submission":
        assert (await line.auth(b"PLAIN " + GOOD)).startswith(b"503 5.5.2")
        assert b"250-AUTH PLAIN LOGIN SCRAM-SHA-256-PLUS SCRAM-SHA-256" in await line.hello()
    assert line.is_in(await line.auth(b"PLAIN " + GOOD))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_session_ends_with_what_it_was_signed_in_by(tmp_path: Path, protocol: str) -> None:
    """An app password that expires takes its sessions along; as does a token."""
    sections = {"auth": {"plaintext_without_tls": "loopback", "tarpit": 0.0, "timeout": 2}}  # the clocks tick faster
    async with RunningServer(tmp_path, sections=sections) as server:
        alice = server.application.directory.by_address("alice@example.test")
        assert alice is not None
        expires = time.time() + 2
        _, secret = server.application.directory.add_app_password(alice.id, "phone", expires=expires)
        async with Line(server, protocol) as line:
            assert line.is_in(await line.auth(b"PLAIN " + base64.b64encode(f"\0alice\0{secret}".encode())))
            await line.works() if protocol != "pop3" else await line.say(b"NOOP")
            assert await line.line() == EXPIRED[protocol]
            assert time.time() >= int(expires)
            assert await line.reader.read() == b""


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_session_ends_when_its_account_is_disabled(
    tmp_path: Path, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who shuts a stolen account wants its sessions gone too; those of others stay."""
    monkeypatch.setattr(standing, "SECONDS", 0.1)
    sections = {"auth": {"plaintext_without_tls": "loopback", "tarpit": 0.0, "timeout": 2}}  # the clocks tick faster
    async with RunningServer(tmp_path, sections=sections) as server:
        directory = server.application.directory
        alice = directory.by_address("alice@example.test")
        assert alice is not None
        _, secret = directory.add_app_password(alice.id, "phone")
        async with Line(server, protocol) as line, Line(server, protocol) as other:
            assert other.is_in(await other.auth(b"PLAIN " + base64.b64encode(b"\0bob\0password")))
            assert line.is_in(await line.auth(b"PLAIN " + base64.b64encode(f"\0alice\0{secret}".encode())))
            directory.set_enabled(alice.id, False)
            assert await line.line() == EXPIRED[protocol]
            assert await line.reader.read() == b""
            await other.works() if protocol != "pop3" else await other.say(b"NOOP")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_time_before_sign_in_is_absolute(tmp_path: Path, protocol: str) -> None:
    """[MS-STANXIMAP] 2.2.10: commands do not restart it, nor does an exchange that goes on and on."""
    sections = {"auth": {"plaintext_without_tls": "loopback", "tarpit": 0.0, "timeout": 1}}
    async with RunningServer(tmp_path, sections=sections) as server, Line(server, protocol) as line:
        began = time.monotonic()
        reply = b""
        while not reply.startswith((b"* BYE", b"-ERR", b"421")):
            reply = await line.auth(b"PLAIN")
            assert reply
            if reply.startswith((b"+ ", b"334 ")):
                await asyncio.sleep(0.2)
                line.writer.write(b"*\r\n")
                reply = await line.line()
                if reply == CANCELLED[protocol]:
                    reply = b""
        assert 0.9 < time.monotonic() - began < 8


async def test_auth_on_a_port_without_a_duty_to_sign_in_is_timed_too(tmp_path: Path) -> None:
    sections = {"auth": {"plaintext_without_tls": "loopback", "timeout": 1}}
    async with RunningServer(tmp_path, sections=sections) as server, Line(server, "smtp") as line:
        await line.hello()
        assert await line.auth(b"PLAIN") == b"334 "
        assert await line.line() == b"421 4.4.1 Connection timed out"


async def test_every_attempt_is_recorded(server: RunningServer) -> None:
    for protocol in PROTOCOLS:
        async with Line(server, protocol) as line:
            assert await line.auth(b"PLAIN " + WRONG) == FAILED[protocol]
            assert line.is_in(await line.auth(b"PLAIN " + GOOD))
            if protocol == "imap":
                assert (await line.say(b'i ID ("name" "Some Mail" "version" "1.5")')).startswith(b"* ID")
    await server.application.stop(0.1)
    store = SignInStore(server.settings.signins_location)
    records = [record for _, record in store.records(Wanted(limit=100))]
    records.sort(key=lambda one: (one.protocol, one.outcome))
    devices = {one.protocol: one for one in store.devices()}
    store.close()
    assert [(one.protocol, one.outcome, one.user, one.mechanism) for one in records] == [
        (protocol, outcome, "alice@example.test", "PLAIN")
        for protocol in ("imap", "pop3", "smtp")
        for outcome in ("ok", REFUSED)
    ]
    assert all(one.connection for one in records)
    assert [one.device for one in records if one.protocol == "smtp"] == ["client.test"] * 2
    assert devices["imap"].device == "Some Mail 1.5"
