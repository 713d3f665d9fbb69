"""IDLE: pushes, its end, keep-alive."""

from __future__ import annotations

import asyncio

import pytest

from store.ids import MessageFlag
from tests.gateway.imap.harness import Client, Server


async def idling(server: Server) -> Client:
    client = await server.client()
    assert await client.send(b"i IDLE\r\n") == [b"+ idling"]
    return client


async def test_changes_are_pushed_at_once(server: Server) -> None:
    """[RFC2177] 3: EXISTS, FETCH and EXPUNGE come while the client waits."""
    client = await idling(server)
    server.deliver()
    await client.settle()
    assert client.take() == [b"* 1 EXISTS", b"* 1 RECENT"]
    inbox = server.mailbox.folder(("INBOX",)).id
    server.mailbox.set_flags(inbox, [1], add=MessageFlag.SEEN | MessageFlag.DELETED)
    await client.settle()
    assert client.take() == [rb"* 1 FETCH (FLAGS (\Recent \Deleted \Seen))"]
    server.mailbox.expunge(inbox)
    await client.settle()
    assert client.take() == [b"* 1 EXPUNGE"]
    assert await client.send(b"done\r\n") == [b"i OK IDLE completed."]


async def test_anything_but_done_is_bad(server: Server) -> None:
    """[RFC2177] 3: the client sends nothing but DONE."""
    client = await idling(server)
    assert await client.send(b"x NOOP\r\n") == [b"i BAD Expected DONE."]
    await client.ok("NOOP")


async def test_done_may_be_pipelined(server: Server) -> None:
    client = await server.client()
    lines = await client.send(b"i IDLE\r\nDONE\r\nn NOOP\r\n")
    assert lines == [b"+ idling", b"i OK IDLE completed.", b"n OK NOOP completed."]


async def test_idle_without_a_mailbox(server: Server) -> None:
    """[RFC2177] 3: valid in the authenticated state, too."""
    client = await server.client(None)
    assert await client.send(b"i IDLE\r\n") == [b"+ idling"]
    server.deliver()
    await client.settle()
    assert client.take() == []
    assert await client.send(b"DONE\r\n") == [b"i OK IDLE completed."]


async def test_no_coroutine_waits(server: Server) -> None:
    """An idle connection costs a few objects and no task."""
    client = await idling(server)
    assert client.connection._task is None
    server.deliver()
    await client.settle()
    assert client.connection._task is None


async def test_nothing_is_watched_after_idle(server: Server) -> None:
    client = await idling(server)
    await client.send(b"DONE\r\n")
    assert server.watch._subscriptions == {}
    gone = await idling(server)
    gone.transport.lose()
    assert server.watch._subscriptions == {}


async def test_keepalive_looks_for_lost_hints(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """`* OK Still here` every two minutes; what a lost hint did not tell comes with it; the end after 30 minutes."""
    client = await idling(server)
    monkeypatch.setattr(server.watch, "_take", lambda *args: None)
    server.deliver()
    now = asyncio.get_running_loop().time()
    client.connection.check(now + 119)
    assert client.take() == []
    client.connection.check(now + 121)
    await client.settle()
    assert client.take() == [b"* OK Still here", b"* 1 EXISTS", b"* 1 RECENT"]
    client.connection.check(now + 1900)
    assert client.take()[0].startswith(b"* BYE")


async def test_folder_that_goes_away(server: Server) -> None:
    server.mailbox.create_folder(("x",))
    client = await server.client("x")
    await client.send(b"i IDLE\r\n")
    server.mailbox.delete_folder(server.mailbox.folder(("x",)).id)
    await client.settle()
    assert client.take()[-1].startswith(b"* BYE")
    assert client.transport.disconnecting


async def test_ten_changes_are_one_pull(server: Server) -> None:
    """Hints are merged: what is told is right whatever was merged."""
    client = await idling(server)
    for _ in range(10):
        server.deliver()
    await client.settle()
    assert client.take() == [b"* 10 EXISTS", b"* 10 RECENT"]
