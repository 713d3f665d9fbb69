"""POP3 over a socket and a real store."""

from __future__ import annotations

import asyncio
import base64
import poplib

import pytest

from gateway.pop3.session import Pop3Limits
from gateway.runtime.connections import ConnectionLimits
from tests.gateway.smtp.support import make_certificate

from .support import INBOX, SEED, client, put, serving

SIZES = [len(raw) for raw in SEED]


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


def b64(text):
    return base64.b64encode(text)


async def uids(server):
    return list(server.mailbox.index(INBOX).uids)


# Signing in


async def test_user_and_pass(tmp_path):
    """[RFC1939] 7: USER says +OK for any name, PASS decides; blanks belong to both ([MS-OXPOP3] 2.2.2)."""
    async with serving(tmp_path) as server, client(server.port) as one:
        assert await one.say(b"USER nobody") == b"+OK"
        assert await one.say(b"PASS x") == b"-ERR [AUTH] Logon failure: unknown user name or bad password."
        assert (await one.say(b"PASS secret word")).startswith(b"-ERR")
        assert await one.say(b"user alice b") == b"+OK"
        assert await one.say(b"pass secret word") == b"+OK User successfully logged on."
        assert (await one.say(b"USER alice")).startswith(b"-ERR Command is not valid in this state")
    attempt, peer = server.logon.attempts[-1]
    assert (attempt.login, attempt.password) == ("alice b", "secret word")
    assert (peer.protocol, peer.address, peer.tls) == ("pop3", "127.0.0.1", False)


@pytest.mark.parametrize(
    ("name", "reply"),
    [(b"away", b"-ERR [SYS/TEMP]"), (b"many", b"-ERR [SYS/TEMP]"), (b"disabled", b"-ERR [AUTH]")],
)
async def test_logon_refusals(tmp_path, name, reply):
    """[RFC3206] 4, 5: AUTH for wrong credentials, SYS/TEMP for what may pass."""
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.say(b"USER " + name)
        assert (await one.say(b"PASS x")).startswith(reply)


async def test_auth_plain(tmp_path):
    """[RFC5034] 4: with initial response, with a challenge, cancelled."""
    message = b64(b"\0alice\0secret word")
    async with serving(tmp_path) as server:
        async with client(server.port) as one:
            assert await one.say(b"AUTH PLAIN " + message) == b"+OK User successfully logged on."
        async with client(server.port) as one:
            assert await one.say(b"auth plain") == b"+ "
            assert await one.say(b"*") == b"-ERR The AUTH protocol exchange was canceled by the client"
            assert await one.say(b"AUTH PLAIN") == b"+ "
            assert (await one.say(b"!!")).startswith(b"-ERR")
            assert await one.say(b"AUTH PLAIN") == b"+ "
            assert await one.say(message) == b"+OK User successfully logged on."
            assert (await one.say(b"AUTH PLAIN")).startswith(b"-ERR Command is not valid")


async def test_auth_login_and_listing(tmp_path):
    """[MS-XLOGIN] 2.2.2 prompts; [MS-POP3] 2.2.1: a bare AUTH, even with a blank behind it, lists mechanisms."""
    async with serving(tmp_path) as server, client(server.port) as one:
        assert await one.ask(b"AUTH") == [b"PLAIN", b"LOGIN"]
        assert await one.ask(b"AUTH ") == [b"PLAIN", b"LOGIN"]
        assert (await one.say(b"AUTH CRAM-MD5")).startswith(b"-ERR")
        assert await one.say(b"AUTH LOGIN") == b"+ VXNlcm5hbWU6"
        assert await one.say(b64(b"alice")) == b"+ UGFzc3dvcmQ6"
        assert await one.say(b64(b"secret word")) == b"+OK User successfully logged on."


async def test_logon_failures_end_the_connection(tmp_path):
    async with serving(tmp_path) as server, client(server.port) as one:
        one.send(b"USER alice\r\nPASS x\r\n" * 10)
        assert (await one.rest()).count(b"-ERR [AUTH]") == 3


async def test_plaintext_policy(tmp_path, contexts):
    """[RFC2595] 2.3: no password without TLS; then neither USER nor SASL is a capability."""
    server_tls, client_tls = contexts
    async with serving(tmp_path, plaintext=False, starttls=server_tls) as server, client(server.port) as one:
        found = await one.ask(b"CAPA")
        assert b"STLS" in found
        assert b"USER" not in found
        assert not [line for line in found if line.startswith(b"SASL")]
        assert (await one.say(b"USER alice")).startswith(b"-ERR [SYS/PERM]")
        assert (await one.say(b"AUTH PLAIN")).startswith(b"-ERR [SYS/PERM]")
        assert (await one.say(b"STLS")).startswith(b"+OK")
        await one.start_tls(client_tls)
        found = await one.ask(b"CAPA")
        assert b"STLS" not in found
        assert {b"USER", b"SASL PLAIN LOGIN"} <= set(found)
        await one.log_on()
    assert server.logon.attempts[-1][1].tls


async def test_stls_drops_injected_commands(tmp_path, contexts, caplog):
    """[RFC2595] 4: what was known before TLS is forgotten, and nothing pipelined in clear is run."""
    server_tls, client_tls = contexts
    async with serving(tmp_path, starttls=server_tls) as server, client(server.port) as one:
        assert await one.say(b"USER alice") == b"+OK"
        one.send(b"STLS\r\nNOOP\r\nCAPA\r\n")
        assert (await one.line()).startswith(b"+OK")
        await one.start_tls(client_tls)
        assert (await one.say(b"PASS secret word")).startswith(b"-ERR Command is not valid")
        await one.log_on()
        assert (await one.say(b"STLS")).startswith(b"-ERR")
    assert "sent in clear behind STLS" in caplog.text


async def test_implicit_tls_and_poplib(tmp_path, contexts):
    """[RFC8314] 3.1."""
    server_tls, client_tls = contexts
    async with serving(tmp_path, implicit=server_tls, plaintext=False) as server:

        def run():
            pop = poplib.POP3_SSL("localhost", server.port, context=client_tls, timeout=5)
            pop.user("alice")
            pop.pass_("secret word")
            found = [b"\r\n".join(pop.retr(n)[1]) + b"\r\n" for n in (1, 2, 3)]
            pop.quit()
            return found

        assert await asyncio.to_thread(run) == list(SEED)


# Capabilities and grammar


async def test_capabilities(tmp_path):
    """[RFC2449] 5, 6: in both states; IMPLEMENTATION only after sign-in."""
    async with serving(tmp_path) as server, client(server.port) as one:
        always = {b"TOP", b"UIDL", b"USER", b"SASL PLAIN LOGIN", b"PIPELINING", b"RESP-CODES"}
        always |= {b"AUTH-RESP-CODE", b"EXPIRE NEVER", b"UTF8 USER", b"LANG"}
        assert set(await one.ask(b"CAPA")) == always
        await one.log_on()
        assert set(await one.ask(b"CAPA")) == always | {b"IMPLEMENTATION oxgate"}


@pytest.mark.parametrize(
    "command",
    [
        b"",
        b"FOO",
        b"\xff\xfe",
        b"APOP alice c4c9334bac560ecc979e58001b3e22fb",
        b"QUIT now",
        b"CAPA x",
        b"USER",
        b"PASS x",
        b"STAT",
        b"STLS",
        b"NOOP",
        b"USER " + b"x" * 2000,
        b"USER " + b"x" * 20_000,
        b"AUTH PLAIN a b",
    ],
)
async def test_what_is_refused_before_sign_in(tmp_path, command):
    """[RFC1939] 3: -ERR for what is unknown or out of state; APOP is not offered ([MS-STANXPOP3] 2.2.10)."""
    async with serving(tmp_path) as server, client(server.port) as one:
        assert (await one.say(command)).startswith(b"-ERR")
        assert (await one.say(b"QUIT")).startswith(b"+OK")


@pytest.mark.parametrize(
    "command",
    [
        b"RETR",
        b"RETR 0",
        b"RETR 4",
        b"RETR -1",
        b"RETR x",
        b"RETR 99999999999",
        b"RETR 1 2",
        b"LIST 4",
        b"UIDL 0",
        b"DELE 9",
        b"TOP 1",
        b"TOP 1 x",
        b"TOP 9 1",
        b"TOP 1 2 3",
        b"STAT x",
        b"NOOP x",
        b"RSET x",
    ],
)
async def test_what_is_refused_after_sign_in(tmp_path, command):
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.log_on()
        assert (await one.say(command)).startswith(b"-ERR")
        assert await one.say(b"NOOP") == b"+OK"


async def test_bad_commands_end_the_connection(tmp_path):
    async with serving(tmp_path) as server, client(server.port) as one:
        one.send(b"FOO\r\n" * 50)
        text = await one.rest()
        assert text.count(b"-ERR Protocol error") == 10
        assert text.endswith(b"-ERR [SYS/PERM] Too many bad commands\r\n")


# The maildrop


async def test_listings(tmp_path):
    """[RFC1939] 5: STAT and LIST count exact octets; 7: UIDL."""
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.log_on()
        assert await one.say(b"STAT") == b"+OK 3 %d" % sum(SIZES)
        assert await one.ask(b"LIST") == [b"%d %d" % (n, size) for n, size in enumerate(SIZES, 1)]
        assert await one.say(b"LIST 2") == b"+OK 2 %d" % SIZES[1]
        listed = await one.ask(b"UIDL")
        assert [line.split()[0] for line in listed] == [b"1", b"2", b"3"]
        assert await one.say(b"UIDL 3") == b"+OK " + listed[2]
        assert all(len(line.split()[1]) <= 70 for line in listed)
    async with serving(tmp_path / "empty", seed=()) as server, client(server.port) as one:
        await one.log_on()
        assert await one.say(b"STAT") == b"+OK 0 0"
        assert await one.ask(b"LIST") == []
        assert await one.ask(b"UIDL") == []


async def test_unique_ids_stay(tmp_path):
    """[RFC1939] 7 UIDL, [MS-STANOPOP3] 2.2.14: the same in every session, never used again."""
    async with serving(tmp_path) as server:
        async with client(server.port) as one:
            await one.log_on()
            first = [line.split()[1] for line in await one.ask(b"UIDL")]
            await one.say(b"DELE 2")
            assert (await one.say(b"QUIT")).startswith(b"+OK")
        put(server.mailbox, SEED[1])
        async with client(server.port) as one:
            await one.log_on()
            second = [line.split()[1] for line in await one.ask(b"UIDL")]
    assert second[:2] == [first[0], first[2]]
    assert second[2] not in first


async def test_retr_doubles_dots(tmp_path):
    """[RFC1939] 3: byte-stuffing; a message that lacks its last CRLF gets one on the wire."""
    seed = (*SEED, b".begins with a dot\r\n\r\n.", b"Subject: no end\r\n\r\nx", b"")
    async with serving(tmp_path, seed=seed) as server, client(server.port) as one:
        await one.log_on()
        assert await one.say(b"RETR 2") == b"+OK %d octets" % SIZES[1]
        assert await one.lines() == [b"Subject: two", b"", b"..dot", b"...two", b"three", b"..", b"end"]
        assert await one.ask(b"RETR 4") == [b"..begins with a dot", b"", b".."]
        assert await one.ask(b"RETR 5") == [b"Subject: no end", b"", b"x"]
        assert await one.ask(b"RETR 6") == []


async def test_top(tmp_path):
    """[RFC1939] 7 TOP, [MS-STANOPOP3] 2.2.13: header, blank line, n lines; more than there are means all."""
    long = b"Subject: big\r\n\r\n" + b"".join(b"line %06d\r\n" % n for n in range(10_000))
    seed = (*SEED, long, b"Subject: no body\r\n", b"\r\nno header\r\n")
    async with serving(tmp_path, seed=seed) as server, client(server.port) as one:
        await one.log_on()
        assert await one.ask(b"TOP 3 0") == [b"Subject: three", b"X-Long: a", b" b", b""]
        assert await one.ask(b"TOP 3 2") == [b"Subject: three", b"X-Long: a", b" b", b"", b"l1", b"l2"]
        assert (await one.ask(b"TOP 3 99"))[-1] == b"l3"
        assert await one.ask(b"TOP 2 1") == [b"Subject: two", b"", b"..dot"]
        assert len(await one.ask(b"TOP 4 9000")) == 9002
        assert len(await one.ask(b"TOP 4 10")) == 12
        assert await one.ask(b"TOP 5 1") == [b"Subject: no body", b""]
        assert await one.ask(b"TOP 6 1") == [b"", b"no header"]


async def test_dele_and_rset(tmp_path):
    """[RFC1939] 5: a marked message is not there any more for this session; RSET brings it back."""
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.log_on()
        assert await one.say(b"DELE 2") == b"+OK"
        assert (await one.say(b"DELE 2")).startswith(b"-ERR")
        assert (await one.say(b"RETR 2")).startswith(b"-ERR")
        assert await one.say(b"STAT") == b"+OK 2 %d" % (SIZES[0] + SIZES[2])
        assert [line.split()[0] for line in await one.ask(b"LIST")] == [b"1", b"3"]
        assert [line.split()[0] for line in await one.ask(b"UIDL")] == [b"1", b"3"]
        assert (await one.say(b"RSET")).startswith(b"+OK")
        assert await one.say(b"STAT") == b"+OK 3 %d" % sum(SIZES)


async def test_messages_leave_at_quit_only(tmp_path):
    """[RFC1939] 6, [MS-STANOPOP3] 2.2.12: removed in UPDATE, which only QUIT enters."""
    async with serving(tmp_path) as server:
        async with client(server.port) as one:
            await one.log_on()
            await one.say(b"DELE 1")
            await one.say(b"DELE 3")
        await server.connections.drained(5)
        assert len(await uids(server)) == 3
        async with client(server.port) as one:
            await one.log_on()
            one.send(b"DELE 1\r\nDELE 3\r\nQUIT\r\n")
            assert (await one.rest()).count(b"+OK") == 3
        assert await uids(server) == [2]


async def test_a_timeout_deletes_nothing(tmp_path):
    """[RFC1939] 3: the autologout timer does not enter UPDATE."""
    async with serving(tmp_path, limits=Pop3Limits(idle=0.1)) as server, client(server.port) as one:
        await one.log_on()
        await one.say(b"DELE 1")
        assert (await one.rest()).startswith(b"-ERR [SYS/TEMP]")
        assert len(await uids(server)) == 3


async def test_the_time_before_sign_in_is_absolute(tmp_path):
    async with serving(tmp_path, limits=Pop3Limits(before_logon=0.1)) as server, client(server.port) as one:
        while (line := await one.say(b"CAPA")).startswith(b"+OK"):
            await one.lines()
        assert line.startswith(b"-ERR [SYS/TEMP]")


async def test_two_sessions(tmp_path):
    """No lock ([RFC2449] 8.1.2 leaves it open): what one removes is [SYS/TEMP] to the other, whose QUIT is fine."""
    async with serving(tmp_path) as server, client(server.port) as one, client(server.port) as two:
        await one.log_on()
        await two.log_on()
        await one.say(b"DELE 1")
        await one.say(b"DELE 2")
        assert (await one.say(b"QUIT")).startswith(b"+OK")
        assert (await two.say(b"RETR 1")).startswith(b"-ERR [SYS/TEMP]")
        assert (await two.say(b"TOP 1 0")).startswith(b"-ERR [SYS/TEMP]")
        assert await two.say(b"STAT") == b"+OK 3 %d" % sum(SIZES)
        assert await two.ask(b"RETR 3")
        for number in (1, 2, 3):
            assert await two.say(b"DELE %d" % number) == b"+OK"
        put(server.mailbox, SEED[0])
        assert (await two.say(b"QUIT")).startswith(b"+OK")
        assert await uids(server) == [4]


async def test_pipelining(tmp_path):
    """[RFC2449] 6.6: commands in one piece, replies in order, also right behind PASS."""
    async with serving(tmp_path) as server, client(server.port) as one:
        one.send(b"USER alice\r\nPASS secret word\r\nSTAT\r\n" + b"RETR 1\r\n" * 2000 + b"QUIT\r\n")
        text = await one.rest()
        assert text.count(b"\r\nfirst\r\n.\r\n") == 2000
        assert text.endswith(b"signing off.\r\n")


async def test_a_store_failure_at_quit(tmp_path):
    """[RFC1939] 6: -ERR when messages could not be removed, and the connection ends."""
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.log_on()
        await one.say(b"DELE 1")
        server.store.remove(server.mailbox.ref)
        one.send(b"QUIT\r\n")
        assert (await one.rest()).startswith(b"-ERR [SYS/TEMP]")


async def test_commands_before_a_half_close_are_answered(tmp_path):
    async with serving(tmp_path) as server, client(server.port) as one:
        await one.log_on()
        one.send(b"STAT\r\nDELE 1\r\n")
        one.writer.write_eof()
        assert (await one.rest()).count(b"+OK") == 2
        assert len(await uids(server)) == 3


async def test_connection_limit_and_shutdown(tmp_path):
    async with serving(tmp_path, allowed=ConnectionLimits(total=1)) as server, client(server.port) as one:
        await one.log_on()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert (await reader.read()).startswith(b"-ERR [SYS/TEMP]")
        writer.close()
        await one.say(b"DELE 1")
        stopping = asyncio.create_task(server.front_end.stop(5))
        assert (await one.rest()).startswith(b"-ERR [SYS/TEMP]")
        await stopping
        assert len(await uids(server)) == 3
