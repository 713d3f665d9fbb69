"""What one client may cost the others: long work gives them the loop in between, or is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gateway.imap.commands import binary
from gateway.runtime.worker import StoreRunner
from tests.gateway.imap.harness import Server
from tests.gateway.imap.street import Street


async def test_long_patterns(server: Server) -> None:
    """No name is that long, so none is looked at."""
    client = await server.client(None)
    long = b"a%" * 5000
    assert (await client(b'LIST "" {%d+}\r\n%b' % (len(long), long)))[-1].startswith(b"NO [LIMIT]")
    assert (await client(b'LSUB {%d+}\r\n%b "*"' % (len(long), long)))[-1].startswith(b"NO [LIMIT]")
    assert await client.ok(b'LIST "" {1999+}\r\n%b' % (b"a%" * 1000)[:1999]) == []


async def test_many_patterns(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many names tried by many patterns are work for a thread."""
    client = await server.client(None)
    server.mailbox.create_folder(("xyz",))
    for number in range(50):
        server.mailbox.create_folder((f"{number}",))
    threads = []
    run = StoreRunner.run

    async def noted(self: StoreRunner, fn: Any, *args: Any, **kwargs: Any) -> Any:
        threads.append(fn.__name__)
        return await run(self, fn, *args, **kwargs)

    monkeypatch.setattr(StoreRunner, "run", noted)
    await client.ok('LIST "" *')
    assert threads == []
    patterns = " ".join(f'"x*{number}%y*z"' for number in range(99))
    assert len(await client.ok(f'LIST "" ({patterns} "*z")')) == 1
    assert threads == ["_listed_names"]


async def test_names_that_lead_nowhere(street: Street) -> None:
    """A look-up of each name, found or not, and the others have the loop in between."""
    client = await street.user("bob")
    names = " ".join(f'"Other Users/{number}@example.test/x"' for number in range(100))
    for command in (f"ESEARCH IN (mailboxes ({names})) ALL", f"NOTIFY SET (mailboxes ({names}) (MailboxName))"):
        before = client.transport.drains
        await client.ok(command)
        assert client.transport.drains >= before + 100


async def test_a_message_of_many_parts(server: Server) -> None:
    """Each part that is here is read, and the others have the loop in between."""
    client = await server.client()
    server.deliver()
    parts = " ".join(['URL "/INBOX/;UID=1/;SECTION=HEADER.FIELDS%20(Subject)"'] * 100)
    before = client.transport.drains
    await client.ok(f"APPEND INBOX CATENATE ({parts})")
    assert client.transport.drains >= before + 100


async def test_annotations_are_not_kept_to_be_compared(server: Server) -> None:
    """NOTIFY remembers of each annotation that it is there and whether it has changed, not what it says."""
    client = await server.client(None)
    await client.ok('SETMETADATA INBOX (/private/comment "long")')
    await client.ok("NOTIFY SET (personal (MailboxMetadataChange))")
    kept = client.connection.session.notify
    assert kept is not None
    assert kept.metadata["INBOX"].keys() == {"/private/comment"}
    assert b"long" not in kept.metadata["INBOX"].values()


async def test_a_window_far_into_a_long_part(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies before it is decoded by pieces, and once where what is wanted is short."""
    data = bytes(range(1, 241)) * 4000
    text = base64.encodebytes(data)
    server.deliver(b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n" + text)
    client = await server.client()
    decoded = []
    call = binary._decoded
    monkeypatch.setattr(binary, "_decoded", lambda *args: decoded.append(args) or call(*args))
    (line,) = await client.ok("FETCH 1 BINARY.PEEK[1]<900000.10>")
    assert line == b"* 1 FETCH (BINARY[1]<900000> {10}\r\n%b)" % data[900000:900010]
    assert len(decoded) == 1
    before = client.transport.drains
    (line,) = await client.ok("FETCH 1 BINARY.PEEK[1]<600000.300000>")
    assert line.endswith(data[600000:900000] + b")")
    assert client.transport.drains >= before + 8


LINES = b"".join(b"X%d: %s\r\n" % (number, b"z" * 90) for number in range(3000))


@pytest.mark.parametrize(
    "raw", [LINES + b"\r\nb", b"Subject: \xc3\xa9\r\n" + LINES + b"\r\nb", LINES[:200_000] + b"\r\nb"]
)
async def test_a_message_many_times_over(server: Server, raw: bytes) -> None:
    """What one FETCH asks for many times is not in memory many times: it leaves item by item."""
    server.deliver(raw)
    client = await server.client()
    items = [f"BODY.PEEK[]<{number}.99999999>" for number in range(30)]
    items += [f"BODY.PEEK[HEADER.FIELDS.NOT (X{number} Y)]" for number in range(3)]
    single = [(await client.ok(f"FETCH 1 {item}"))[0] for item in (*items[:2], *items[-2:])]
    client.transport.writes.clear()
    before = client.transport.drains
    (line,) = await client.ok(f"FETCH 1 (FLAGS {' '.join(items)})")
    assert client.transport.drains >= before + 30
    assert max(client.transport.writes) < 3 * len(raw)
    assert line.startswith(b"* 1 FETCH (FLAGS (\\Recent) BODY[]<0> {")
    for one in single:
        assert one.removeprefix(b"* 1 FETCH (").removesuffix(b")") in line
