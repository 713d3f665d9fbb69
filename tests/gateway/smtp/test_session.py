"""Greeting, extensions, TLS, sign-in, limits and shutdown, over a socket."""

from __future__ import annotations

import asyncio
import base64
import logging
import smtplib
import socket

import pytest

from gateway.runtime.connections import ConnectionLimits
from gateway.smtp.profile import Service, SmtpLimits

from .support import FakeDelivery, client, make_certificate, serving


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


def b64(text):
    return base64.b64encode(text)


async def extensions(one, verb=b"EHLO c.test"):
    one.send(verb + b"\r\n")
    return [line[4:] for line in await one.reply()][1:]


async def test_extensions(contexts):
    """[RFC5321] 4.1.1.1: each keyword on its line."""
    server_tls, _ = contexts
    async with serving(starttls=server_tls) as server, client(server.port, hello=None) as one:
        assert await extensions(one) == [
            "SIZE 37748736",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "SMTPUTF8",
            "CHUNKING",
            "STARTTLS",
            "HELP",
        ]


async def test_ehlo_without_an_argument():
    """[MS-SMTPNTLM] 2.2.1.9: EHLO alone is accepted, HELO alone is not ([RFC5321] 4.1.1.1)."""
    async with serving() as server, client(server.port, hello=None) as one:
        assert (await one.say(b"HELO")).startswith("501")
        assert (await one.say(b"EHLO")).startswith("250")
        assert (await one.say(b"MAIL FROM:<a@b.test>")).startswith("250")


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (b"NOOP", "250 2.0.0"),
        (b"NOOP anything", "250 2.0.0"),
        (b"noop", "250 2.0.0"),
        (b"VRFY alice", "252 2.1.5"),
        (b"VRFY", "501"),
        (b"EXPN list", "502 5.5.1"),
        (b"HELP", "214 2.0.0 Commands: AUTH BDAT DATA EHLO HELO HELP MAIL NOOP QUIT RCPT RSET STARTTLS VRFY"),
        (b"HELP mail", "214 2.0.0 MAIL FROM:<reverse-path> [SP <mail-parameters>]"),
        (b"HELP nothing", "504"),
        (b"RSET x", "501"),
        (b"QUIT x", "501"),
        (b"TURN", "500 5.3.3 Unrecognized command"),
        (b"XEXCH50 1 2", "500 5.3.3"),
        (b"", "500 5.3.3"),
        (b"\xff\xfe", "500 5.3.3"),
        (b"STARTTLS", "502 5.5.1"),
        (b"NOOP " + b"x" * 2000, "500 5.5.2 Line too long"),
        (b"NOOP " + b"x" * 20_000, "500 5.5.2 Line too long"),
    ],
)
async def test_small_commands(command, reply):
    """[RFC5321] 4.1.1.6 to 4.1.1.10, 4.2.4, 4.5.3.1.4."""
    async with serving() as server, client(server.port) as one:
        assert (await one.say(command)).startswith(reply)
        assert (await one.say(b"NOOP")).startswith("250")


async def test_too_many_errors_end_the_connection():
    """[MS-OXSMTP] 3.2: a server may close a connection that passes its thresholds."""
    async with serving() as server, client(server.port) as one:
        one.send(b"FOO\r\n" * 50)
        text = await one.rest()
        assert text.count(b"500 5.3.3") == 5
        assert text.endswith(b"421 4.7.0 Too many errors on this connection, closing transmission channel\r\n")


async def test_unknown_recipients_are_no_protocol_errors():
    async with serving() as server, client(server.port) as one:
        await one.say(b"MAIL FROM:<a@b.test>")
        for _ in range(20):
            assert (await one.say(b"RCPT TO:<no@example.test>")).startswith("550")


# TLS


async def test_starttls(contexts):
    """[RFC3207] 4.2: TLS begins, and what was known of the client is forgotten."""
    server_tls, client_tls = contexts
    async with serving(starttls=server_tls) as server, client(server.port) as one:
        assert (await one.say(b"STARTTLS x")).startswith("501")
        assert (await one.say(b"STARTTLS")).startswith("220 2.0.0")
        await one.start_tls(client_tls)
        assert (await one.say(b"MAIL FROM:<a@b.test>")).startswith("503")
        lines = await extensions(one)
        assert "STARTTLS" not in lines
        assert "AUTH PLAIN LOGIN" in lines
        assert (await one.say(b"STARTTLS")).startswith("503")
        await one.say(b"MAIL FROM:<a@b.test>")
        await one.say(b"RCPT TO:<bob@example.test>")
        await one.say(b"DATA")
        assert (await one.say(b"x\r\n.")).startswith("250")
        assert b"with ESMTPS\r\n\t(TLSv1." in server.delivery.messages[0].received


async def test_starttls_drops_injected_commands(contexts, caplog):
    """[RFC3207] 6: what was sent in clear behind STARTTLS is no part of the TLS session."""
    server_tls, client_tls = contexts
    async with serving(starttls=server_tls) as server, client(server.port) as one:
        one.send(b"STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@other.test>\r\n")
        assert (await one.reply())[-1].startswith("220")
        await one.start_tls(client_tls)
        assert (await one.say(b"NOOP")).startswith("250")
        assert (await one.say(b"MAIL FROM:<a@b.test>")).startswith("503 5.5.2 Send hello")
    assert "sent in clear behind STARTTLS" in caplog.text


async def test_a_failed_handshake_ends_the_connection(contexts):
    server_tls, _ = contexts
    async with serving(starttls=server_tls) as server, client(server.port) as one:
        assert (await one.say(b"STARTTLS")).startswith("220")
        one.send(b"this is no ClientHello\r\n")
        await one.rest()
        await server.connections.drained(5)


async def test_implicit_tls(contexts):
    """[RFC8314] 3.3: TLS from the first octet, AUTH at once."""
    server_tls, client_tls = contexts
    async with (
        serving(Service.SUBMISSION, implicit=server_tls) as server,
        client(server.port, hello=None, tls=client_tls) as one,
    ):
        lines = await extensions(one)
        assert "AUTH PLAIN LOGIN" in lines
        assert "STARTTLS" not in lines
        assert (await one.say(b"AUTH PLAIN " + b64(b"\0alice\0secret"))).startswith("235 2.7.0")
        await one.say(b"MAIL FROM:<alice@example.test>")
        await one.say(b"RCPT TO:<bob@example.test>")
        await one.say(b"DATA")
        assert (await one.say(b"x\r\n.")).startswith("250")
        assert b"with ESMTPSA\r\n\t(TLSv1." in server.delivery.messages[0].received
        assert server.logon.attempts[0][1].tls


async def test_smtplib_signs_in_over_starttls(contexts):
    server_tls, client_tls = contexts
    async with serving(Service.SUBMISSION, starttls=server_tls) as server:

        def run():
            with smtplib.SMTP("localhost", server.port, timeout=5) as smtp:
                smtp.starttls(context=client_tls)
                smtp.login("alice", "secret")
                smtp.sendmail("alice@example.test", ["bob@example.test"], b"Subject: x\r\n\r\nb\r\n")

        await asyncio.to_thread(run)
    assert server.delivery.messages[0].recipients == ["bob@example.test"]


# Sign-in


async def test_auth_login_prompts():
    """[MS-XLOGIN] 2.2.2: `Username:` and `Password:` exactly, in base64."""
    async with serving(plaintext=True) as server, client(server.port) as one:
        assert await one.say(b"AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert await one.say(b64(b"alice")) == "334 UGFzc3dvcmQ6"
        assert await one.say(b64(b"secret")) == "235 2.7.0 Authentication successful"
        assert (await one.say(b"AUTH LOGIN")).startswith("503 5.5.1")
        assert "AUTH" not in " ".join(await extensions(one))


async def test_auth_login_with_the_name_on_the_command():
    """[MS-XLOGIN] 2.2.2: the first prompt is left out."""
    async with serving(plaintext=True) as server, client(server.port) as one:
        assert await one.say(b"auth login " + b64(b"alice")) == "334 UGFzc3dvcmQ6"
        assert await one.say(b64(b"wrong")) == "535 5.7.3 Authentication unsuccessful"


async def test_auth_plain_with_and_without_initial_response():
    """[RFC4954] 4: `334 ` with nothing behind it, `=` for an empty response."""
    async with serving(plaintext=True) as server, client(server.port) as one:
        assert await one.say(b"AUTH PLAIN") == "334 "
        assert await one.say(b64(b"\0alice\0secret")) == "235 2.7.0 Authentication successful"
    async with serving(plaintext=True) as server, client(server.port) as one:
        assert (await one.say(b"AUTH PLAIN =")).startswith("501 5.5.2")


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"AUTH"], "501 5.5.4"),
        ([b"AUTH PLAIN a b"], "501 5.5.4"),
        ([b"AUTH CRAM-MD5"], "504 5.7.4 Unrecognized authentication type"),
        ([b"AUTH LOGIN", b"*"], "501 5.7.0"),
        ([b"AUTH LOGIN", b"* "], "501 5.7.0"),
        ([b"AUTH LOGIN", b"!!!"], "501 5.5.2"),
        ([b"AUTH PLAIN", b64(b"no fields")], "501 5.5.2"),
        ([b"AUTH LOGIN", b64(b"alice"), b""], "535 5.7.3"),
        ([b"AUTH LOGIN", b"A" * 17_412], "500 5.5.6"),
        ([b"AUTH LOGIN", b"A" * 30_000], "500 5.5.6"),
        ([b"AUTH PLAIN " + b"A" * 17_500], "500 5.5.6"),
        ([b"AUTH PLAIN " + b64(b"\0away\0x")], "454 4.7.0"),
        ([b"AUTH PLAIN " + b64(b"\0many\0x")], "454 4.7.0"),
        ([b"AUTH PLAIN " + b64(b"\0disabled\0x")], "535 5.7.3"),
    ],
)
async def test_auth_failures(lines, reply):
    """[RFC4954] 4, 6 and the texts of [MS-SMTPNTLM] 2.2.1.4."""
    async with serving(plaintext=True) as server, client(server.port) as one:
        for line in lines[:-1]:
            assert (await one.say(line)).startswith("334")
        assert (await one.say(lines[-1])).startswith(reply)
        assert (await one.say(b"NOOP")).startswith("250")


async def test_a_command_pipelined_into_the_exchange_is_a_response():
    """[RFC4954] 4: between challenge and response there are no commands."""
    async with serving(plaintext=True) as server, client(server.port) as one:
        one.send(b"AUTH LOGIN\r\nNOOP x\r\nNOOP\r\n")
        assert await one.codes(3) == ["334", "501", "250"]


async def test_auth_needs_tls(contexts):
    """[RFC4954] 4: 538 where the password would be seen."""
    server_tls, _ = contexts
    async with serving(Service.SUBMISSION, starttls=server_tls) as server, client(server.port, hello=None) as one:
        assert not [line for line in await extensions(one) if line.startswith("AUTH")]
        assert (await one.say(b"AUTH PLAIN " + b64(b"\0alice\0secret"))).startswith("538 5.7.11")
        assert (await one.say(b"MAIL FROM:<alice@example.test>")).startswith("530 5.7.0 Must issue a STARTTLS")
    assert not server.logon.attempts


async def test_auth_in_a_transaction():
    """[RFC4954] 4: not during a mail transaction."""
    async with serving(plaintext=True) as server, client(server.port) as one:
        await one.say(b"MAIL FROM:<a@b.test>")
        assert (await one.say(b"AUTH LOGIN")).startswith("503 5.5.1")


async def test_no_auth_in_lmtp_or_after_helo():
    async with serving(Service.LMTP, plaintext=True) as server, client(server.port, hello=b"LHLO x") as one:
        assert (await one.say(b"AUTH LOGIN")).startswith("503")
    async with serving(plaintext=True) as server, client(server.port, hello=b"HELO x") as one:
        assert (await one.say(b"AUTH LOGIN")).startswith("503")


async def test_logon_failures_end_the_connection():
    async with serving(plaintext=True) as server, client(server.port) as one:
        one.send(b"AUTH PLAIN " + b64(b"\0alice\0wrong") + b"\r\n")
        assert await one.codes(1) == ["535"]
        one.send((b"AUTH PLAIN " + b64(b"\0alice\0wrong") + b"\r\n") * 5)
        assert (await one.rest()).count(b"535 5.7.3") == 2


async def test_submission_policy():
    """[RFC6409] 4.3, 6.1: sign in first, then only with one's own addresses."""
    async with serving(Service.SUBMISSION, plaintext=True) as server, client(server.port) as one:
        assert await one.say(b"MAIL FROM:<alice@example.test>") == (
            "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM"
        )
        await one.say(b"AUTH PLAIN " + b64(b"\0alice\0secret"))
        assert await one.say(b"MAIL FROM:<bob@example.test>") == (
            "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
        )
        for sender in (b"alice@example.test", b"sales@example.test", b""):
            assert (await one.say(b"MAIL FROM:<%b>" % sender)).startswith("250")
            assert (await one.say(b"RCPT TO:<x@other.test>")).startswith("550 5.7.54")
            await one.say(b"RSET")


async def test_passwords_are_not_logged(caplog):
    caplog.set_level(logging.DEBUG)
    async with serving(plaintext=True) as server, client(server.port) as one:
        await one.say(b"AUTH PLAIN " + b64(b"\0alice\0secret"))
        await one.say(b"AUTH PLAIN " + b64(b"\0alice\0wrong-secret"))
    assert "secret" not in caplog.text
    assert b64(b"\0alice\0secret").decode() not in caplog.text


# Limits, timers, shutdown


async def test_connection_limit():
    """[MS-OXSMTP] 3.2: 421 for one too many; a place is free again after its end."""
    async with serving(allowed=ConnectionLimits(total=1)) as server:
        async with client(server.port):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            assert (await reader.read()).startswith(b"421 4.3.2")
            writer.close()
        await server.connections.drained(5)
        async with client(server.port):
            pass


async def test_idle_connections_are_ended():
    """[RFC5321] 4.5.3.2.7: 421 on a timeout."""
    async with serving(limits=SmtpLimits(idle=0.05)) as server, client(server.port) as one:
        assert await one.rest() == b"421 4.4.1 Connection timed out\r\n"


async def test_a_slow_message_is_no_idle_connection():
    async with serving() as server, client(server.port) as one:
        await one.say(b"MAIL FROM:<a@b.test>")
        await one.say(b"RCPT TO:<bob@example.test>")
        await one.say(b"DATA")
        (connection,) = server.connections.active
        connection.last_active = 0.0
        one.send(b"line\r\n")
        while connection.last_active == 0.0:
            await asyncio.sleep(0)
        assert (await one.say(b".")).startswith("250")


async def test_shutdown_lets_a_delivery_finish():
    """A message whose dot was read gets its answer, an idle connection 421."""
    delivery = FakeDelivery(gate=asyncio.Event())
    async with serving(delivery=delivery) as server, client(server.port) as busy, client(server.port) as idle:
        await busy.say(b"MAIL FROM:<a@b.test>")
        await busy.say(b"RCPT TO:<bob@example.test>")
        await busy.say(b"DATA")
        busy.send(b"x\r\n.\r\n")
        while not any(not c.idle for c in server.connections.active):
            await asyncio.sleep(0)
        stopping = asyncio.create_task(server.front_end.stop(5))
        assert (await idle.rest()).startswith(b"421 4.3.2")
        delivery.gate.set()
        assert (await busy.reply())[0].startswith("250")
        assert await busy.rest() == b""
        await stopping


async def test_a_peer_that_reads_nothing_is_not_buffered_for():
    """Replies wait in the socket, not in memory: reading stops with writing."""
    async with serving() as server:
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(0.3)
            sent = 0
            loop = asyncio.get_running_loop()
            try:
                while sent < 80_000_000:
                    sent += await loop.run_in_executor(None, sock.send, b"NOOP\r\n" * 50_000)
            except TimeoutError:
                pass
            assert sent < 80_000_000
