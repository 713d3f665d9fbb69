"""The connection: greeting, states, login, TLS, pipelining, limits, timers, shutdown."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from gateway.imap.environment import ImapSettings
from gateway.services.logon import RefusalKind
from store.errors import Unavailable
from tests.gateway.imap.harness import Server


async def test_greeting_and_capability(server: Server) -> None:
    """[RFC3501] 7.1.1, 6.1.1, [RFC7162] 3.1.1: IMAP4rev1, each extension that works, STARTTLS where it is offered."""
    client = server.connect()
    (greeting,) = client.take()
    assert greeting.startswith(b"* OK [CAPABILITY IMAP4rev1 ")
    (line,) = await client.ok("CAPABILITY")
    names = set(line.split()[2:])
    assert names >= {
        b"IMAP4rev1", b"LITERAL+", b"SASL-IR", b"IDLE", b"NAMESPACE", b"UIDPLUS", b"MOVE", b"ID", b"UNSELECT",
        b"CHILDREN", b"SPECIAL-USE", b"ENABLE", b"CONDSTORE", b"AUTH=PLAIN", b"AUTH=LOGIN",
    }  # fmt: skip
    assert b"STARTTLS" not in names
    assert b"LOGINDISABLED" not in names


async def test_without_tls_no_password_is_taken(server: Server) -> None:
    """[RFC3501] 6.2.3, 7.2.1: LOGINDISABLED, no plaintext mechanism, and a LOGIN all the same is refused."""
    server.plaintext = False
    server.tls = object()
    client = server.connect()
    client.take()
    (line,) = await client.ok("CAPABILITY")
    assert {b"STARTTLS", b"LOGINDISABLED"} <= set(line.split())
    assert b" AUTH=" not in line
    for command in ("LOGIN alice password", "AUTHENTICATE PLAIN AGFsaWNlAHBhc3N3b3Jk"):
        assert (await client(command))[-1].startswith(b"NO [PRIVACYREQUIRED]")
    assert server.logon.attempts == []


async def test_starttls_drops_what_was_sent_in_the_clear(server: Server) -> None:
    """[RFC3501] 6.2.1: nothing sent before TLS counts after it; capabilities are new; a second STARTTLS is BAD."""
    server.plaintext = False
    server.tls = object()
    client = server.connect()
    client.take()
    lines = await client.send(b"a STARTTLS\r\nb LOGIN alice password\r\n")
    assert lines == [b"a OK Begin TLS negotiation now."]
    assert client.transport.tls
    assert server.logon.attempts == []
    (line,) = await client.ok("CAPABILITY")
    assert b"AUTH=PLAIN" in line
    assert b"STARTTLS" not in line
    assert (await client("STARTTLS"))[-1].startswith(b"BAD")
    await client.ok("LOGIN alice password")


async def test_login(server: Server) -> None:
    """[RFC3501] 6.2.3; texts of [MS-OXIMAP4] 2.2.1."""
    client = server.connect()
    client.take()
    assert await client("LOGIN alice wrong") == [b"NO LOGIN failed."]
    (reply,) = await client('LOGIN "alice" {8+}\r\npassword')
    assert reply.startswith(b"OK [CAPABILITY IMAP4rev1 ")
    assert reply.endswith(b"] LOGIN completed.")
    assert (await client("LOGIN alice password"))[-1].startswith(b"BAD")


@pytest.mark.parametrize("kind", [RefusalKind.UNAVAILABLE, RefusalKind.TOO_MANY])
async def test_a_trouble_of_the_server_is_not_a_wrong_password(server: Server, kind: RefusalKind) -> None:
    """[RFC5530] 3, UNAVAILABLE; it does not count as a failed login."""
    server.logon.refusal = kind
    client = server.connect()
    client.take()
    for _ in range(4):
        assert (await client("LOGIN alice wrong"))[-1].startswith(b"NO [UNAVAILABLE]")


async def test_three_failed_logins_end_the_connection(server: Server) -> None:
    client = server.connect()
    client.take()
    for _ in range(2):
        assert await client("LOGIN alice wrong") == [b"NO LOGIN failed."]
    lines = await client.send(b"x LOGIN alice wrong\r\ny NOOP\r\n")
    assert lines[0] == b"x NO LOGIN failed."
    assert lines[1].startswith(b"* BYE ")
    assert len(lines) == 2
    assert client.transport.disconnecting


async def test_authenticate_plain_with_and_without_initial_response(server: Server) -> None:
    """[RFC3501] 6.2.2, [RFC4959] 3, [RFC4616] 2."""
    secret = base64.b64encode(b"\0alice\0password")
    client = server.connect()
    client.take()
    assert (await client(b"AUTHENTICATE PLAIN " + secret))[-1].endswith(b"AUTHENTICATE completed.")
    client = server.connect()
    client.take()
    assert await client.send(b"a AUTHENTICATE PLAIN\r\n") == [b"+ "]
    (line,) = await client.send(secret + b"\r\n")
    assert line.startswith(b"a OK [CAPABILITY ")


async def test_authenticate_login(server: Server) -> None:
    """[MS-XLOGIN] 2.2: the prompts are `Username:` and `Password:`."""
    client = server.connect()
    client.take()
    assert await client.send(b"a AUTHENTICATE LOGIN\r\n") == [b"+ VXNlcm5hbWU6"]
    assert await client.send(base64.b64encode(b"alice") + b"\r\n") == [b"+ UGFzc3dvcmQ6"]
    (line,) = await client.send(base64.b64encode(b"password") + b"\r\n")
    assert line.startswith(b"a OK ")


async def test_authenticate_that_fails(server: Server) -> None:
    """[MS-OXIMAP4] 2.2.1, 3.2.5, 3.2.5.1: the exact texts; bad base64 is BAD; afterwards commands are read again."""
    client = server.connect()
    client.take()
    bad = base64.b64encode(b"\0alice\0wrong")
    assert await client(b"AUTHENTICATE PLAIN " + bad) == [b"NO AUTHENTICATE failed."]
    assert await client.send(b"a AUTHENTICATE PLAIN\r\n") == [b"+ "]
    assert await client.send(b"* \r\n") == [b"a NO The AUTH protocol exchange was canceled by the client."]
    assert await client.send(b"b AUTHENTICATE PLAIN\r\n") == [b"+ "]
    (line,) = await client.send(b"b NOOP\r\n")
    assert line.startswith(b"b BAD")
    assert (await client("AUTHENTICATE X-NONE"))[-1].startswith(b"BAD")
    await client.ok("NOOP")


async def test_overlong_response_line(server: Server) -> None:
    """[RFC4954] 4: 12,288 octets at least; here 17,408, for access tokens of 12 KiB."""
    client = server.connect()
    client.take()
    await client.send(b"a AUTHENTICATE PLAIN\r\n")
    lines = await client.send(b"A" * 17_412 + b"\r\nb NOOP\r\n")
    assert lines[0].startswith(b"a BAD")
    assert lines[1].startswith(b"b OK")


async def test_states(server: Server) -> None:
    """[RFC3501] 3: a command of another state is BAD and changes nothing."""
    client = server.connect()
    client.take()
    for command in ("SELECT INBOX", 'LIST "" *', "IDLE", "FETCH 1 FLAGS", "ENABLE CONDSTORE"):
        assert (await client(command))[-1].startswith(b"BAD"), command
    await client.ok("LOGIN alice password")
    for command in ("FETCH 1 FLAGS", "CLOSE", "EXPUNGE", "CHECK", "UNSELECT", "STARTTLS"):
        assert (await client(command))[-1].startswith(b"BAD"), command
    await client.ok("SELECT INBOX")
    await client.ok("CHECK")
    await client.ok("UNSELECT")
    assert (await client("CHECK"))[-1].startswith(b"BAD")


async def test_a_select_that_fails_leaves_nothing_selected(server: Server) -> None:
    """[RFC3501] 6.3.1; [RFC7162] 3.2.11: [CLOSED] parts the old mailbox from the new one."""
    client = await server.client()
    lines = await client("SELECT Nowhere")
    assert lines[0].startswith(b"* OK [CLOSED]")
    assert lines[-1].startswith(b"NO [NONEXISTENT]")
    assert (await client("CHECK"))[-1].startswith(b"BAD")


async def test_logout(server: Server) -> None:
    """[RFC3501] 6.1.3: BYE, then the tagged OK, then the end; nothing behind it is read."""
    client = await server.client()
    lines = await client.send(b"a LOGOUT\r\nb NOOP\r\n")
    assert lines[0].startswith(b"* BYE")
    assert lines[1:] == [b"a OK LOGOUT completed."]
    assert client.transport.disconnecting
    assert not server.connections


async def test_id_and_enable_and_namespace(server: Server) -> None:
    """[RFC2971] 3.1, [RFC5161] 3, [RFC2342] 5."""
    client = await server.client(None)
    assert await client.ok("ID NIL") == [b'* ID ("name" "oxgate" "version" "1.0")']
    assert await client.ok('ID ("name" "x" "os" NIL)') == [b'* ID ("name" "oxgate" "version" "1.0")']
    assert await client.ok("ENABLE X-UNKNOWN CONDSTORE") == [b"* ENABLED CONDSTORE"]
    assert await client.ok("ENABLE X-UNKNOWN") == [b"* ENABLED"]
    assert await client.ok("NAMESPACE") == [b'* NAMESPACE (("" "/")) NIL NIL']


async def test_commands_run_in_order_however_they_arrive(server: Server) -> None:
    """[RFC3501] 5.5: pipelined commands are answered one after the other, even if cut at any octet."""
    client = server.connect()
    client.take()
    octets = b"a LOGIN alice password\r\nb SELECT INBOX\r\nc NOOP\r\nd FETCH 1:* FLAGS\r\n"
    octets += b"e APPEND x {3+}\r\nabc\r\nf LOGOUT\r\n"
    for n in range(len(octets)):
        client.connection.dataReceived(octets[n : n + 1])
    await client.settle()
    tags = [line[:1] for line in client.take() if not line.startswith(b"*")]
    assert tags == [b"a", b"b", b"c", b"d", b"e", b"f"]


async def test_synchronising_literal(server: Server) -> None:
    """[RFC3501] 4.3, 7.5: the client waits for `+`."""
    client = server.connect()
    client.take()
    (line,) = await client.send(b"a LOGIN {5}\r\n")
    assert line.startswith(b"+ ")
    (line,) = await client.send(b"alice {8}\r\n")
    assert line.startswith(b"+ ")
    (line,) = await client.send(b"password\r\n")
    assert line.startswith(b"a OK ")


async def test_limits_of_a_stranger(server: Server) -> None:
    """A literal or a line that no login needs is refused before login, and the connection goes on."""
    client = server.connect()
    client.take()
    assert (await client("LOGIN {100000}"))[-1].startswith(b"BAD")
    assert (await client(b"LOGIN " + b"x" * 70_000))[-1].startswith(b"BAD")
    assert (await client(b"LOGIN {100000+}\r\n" + b"x" * 100_000 + b" y"))[-1].startswith(b"BAD")
    await client.ok("NOOP")


async def test_ten_bad_commands_in_a_row_end_the_connection(server: Server) -> None:
    client = server.connect()
    client.take()
    for _ in range(9):
        assert (await client("NONSENSE"))[-1].startswith(b"BAD")
    await client.ok("NOOP")
    for _ in range(9):
        await client("NONSENSE")
    assert not client.transport.disconnecting
    lines = await client.send(b"x NONSENSE\r\n")
    assert lines[-1].startswith(b"* BYE")
    assert client.transport.disconnecting


async def test_a_bug_costs_one_command(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """[RFC5530] 3, SERVERBUG: the log has the traceback, the wire nothing of it, the connection goes on."""
    client = await server.client(None)

    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(server.mailbox), "folders", lambda self: broken())
    assert await client('LIST "" *') == [b"NO [SERVERBUG] Internal error."]
    assert "secret detail" in caplog.text
    await client.ok("NOOP")


async def test_store_errors_become_replies(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    client = await server.client(None)

    def locked(self: object, *args: object) -> None:
        raise Unavailable("database is locked")

    monkeypatch.setattr(type(server.mailbox), "folders", locked)
    assert (await client('LIST "" *'))[-1].startswith(b"NO [UNAVAILABLE]")


async def test_input_is_held_back_while_a_command_runs(server: Server) -> None:
    """A client that floods is not read further until its commands have been carried out."""
    client = await server.client()
    flood = b"".join(b"x%d NOOP\r\n" % n for n in range(40_000))
    client.connection.dataReceived(flood[:20])
    client.connection.dataReceived(flood[20:])
    assert not client.transport.reading
    await client.settle()
    assert client.transport.reading
    assert len(client.take()) == 40_000


async def test_login_timer_is_absolute(server: Server) -> None:
    """[MS-STANXIMAP] 2.2.10: 60 seconds to log in, whatever commands come."""
    client = server.connect()
    client.take()
    begun = asyncio.get_running_loop().time()
    await client.ok("NOOP")
    client.connection.check(begun + 59)
    assert not client.transport.disconnecting
    client.connection.check(begun + 61)
    assert client.take()[0].startswith(b"* BYE")
    assert client.transport.disconnecting


async def test_autologout(server: Server) -> None:
    """[RFC3501] 5.4: at least 30 minutes without a command."""
    client = await server.client()
    now = asyncio.get_running_loop().time()
    client.connection.check(now + 1799)
    assert not client.transport.disconnecting
    client.connection.check(now + 1801)
    assert client.take()[0].startswith(b"* BYE")
    assert client.transport.disconnecting


async def test_client_that_takes_nothing_is_cut(server: Server) -> None:
    client = await server.client()
    now = asyncio.get_running_loop().time()
    client.transport.unsent = 100_000
    client.connection.check(now)
    client.connection.check(now + 299)
    assert not client.transport.lost
    client.connection.check(now + 301)
    assert client.transport.lost


async def test_shutdown(server: Server) -> None:
    """[RFC3501] 7.1.5: BYE at once when idle; after the command's reply when busy."""
    idle, waiting, busy = await server.client(), await server.client(), await server.client()
    await waiting.send(b"i IDLE\r\n")
    asking = server.connect()
    asking.take()
    await asking.send(b"a AUTHENTICATE PLAIN\r\n")
    busy.connection.dataReceived(b"x SUBSCRIBE Busy\r\ny NOOP\r\n")  # it waits for the commit
    for connection in tuple(server.connections):
        connection.shut_down()
    for client in (idle, waiting, asking):
        assert client.take()[-1].startswith(b"* BYE")
        assert client.transport.disconnecting
    await busy.settle()
    lines = busy.take()
    assert lines[0] == b"x OK SUBSCRIBE completed."
    assert lines[1].startswith(b"* BYE")
    assert len(lines) == 2
    await asking.settle()
    assert not server.connections


async def test_client_that_vanishes(server: Server) -> None:
    """A lost connection ends a SASL exchange, an IDLE and a FETCH quietly."""
    for octets in (
        b"a IDLE\r\n",
        b"a FETCH 1:* BODY[]\r\n",
        b"a SUBSCRIBE x\r\n",
        b"a APPEND x {10}\r\nabc",
    ):
        client = await server.client()
        client.connection.dataReceived(octets)
        client.transport.lose()
        await client.settle()
        assert client.connection._task is None
    client = server.connect()
    await client.send(b"a AUTHENTICATE PLAIN\r\n")
    client.transport.lose()
    await client.settle()
    assert not server.connections


async def test_id_hides_the_version(tmp_path: Path) -> None:
    """[RFC2971] 7: nothing that helps an attacker unless the administrator wants it."""
    server = Server(tmp_path, ImapSettings(version=""))
    client = await server.client(None)
    assert await client.ok("ID NIL") == [b'* ID ("name" "oxgate")']
    await server.close()


async def test_delegate_form_reaches_the_logon_service(server: Server) -> None:
    """[MS-OXIMAP4] 2.2.2, 3.2.5.2: the user name goes on as typed, an unquoted backslash too."""
    client = server.connect()
    client.take()
    await client(b"LOGIN EXAMPLE\\alice\\sales password")
    await client('LOGIN "alice@example.test/sales" password')
    assert [attempt.login for attempt in server.logon.attempts] == ["EXAMPLE\\alice\\sales", "alice@example.test/sales"]


async def test_long_commands_share_a_slice_of_the_loop(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for little waits for one slice of time, not for one of each that has much to do."""
    monkeypatch.setattr("gateway.imap.connection.SLICE", 1000.0)
    connection = (await server.client()).connection
    loop, users = asyncio.get_running_loop(), server.services.loop_users
    for waiting, lets in ((0, False), (3, True)):
        users.waiting = waiting
        connection._turn = loop.time() - 400
        others: list[int] = []
        loop.call_soon(lambda others=others: others.append(users.waiting))
        await connection.drain()
        assert others == ([waiting + 1] if lets else [])
        assert users.waiting == waiting


async def test_a_shutdown_between_commands(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """[RFC3501] 7.1.5: BYE, also when it comes while the client is waited for behind the last command."""
    client = await server.client()
    monkeypatch.setattr("gateway.imap.connection.SLICE", -1.0)
    gate = asyncio.get_running_loop().create_future()
    drain = client.transport.drain

    async def slow() -> None:
        if not gate.done():
            await gate
        await drain()

    monkeypatch.setattr(client.transport, "drain", slow)
    client.connection.dataReceived(b"a NOOP\r\n")
    await asyncio.sleep(0)
    client.connection.shut_down()
    assert client.take() == [b"a OK NOOP completed."]
    gate.set_result(None)
    await client.settle()
    assert client.take() == [b"* BYE Server is shutting down."]
    assert client.transport.lost
