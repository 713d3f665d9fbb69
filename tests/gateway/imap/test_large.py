"""Commands on many messages: others have the loop in time, and nothing of a large folder is held for a session."""

from __future__ import annotations

import asyncio

import pytest

from gateway.imap import connection
from tests.gateway.imap.harness import Server


async def test_others_have_the_loop_during_a_long_answer(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes everything at once does not keep a long FETCH from letting others in."""
    monkeypatch.setattr(connection, "SLICE", -1.0)
    server.deliver()
    inbox = server.mailbox.folder(("INBOX",)).id
    for _ in range(10):
        server.mailbox.copy(inbox, server.mailbox.index(inbox).uids, inbox)
    large, other = await server.client(), await server.client()
    done: list[str] = []

    async def command(client: object, text: str) -> None:
        await client.ok(text)  # type: ignore[attr-defined]  # a Client
        done.append(text)

    await asyncio.gather(command(large, "FETCH 1:* (FLAGS ENVELOPE)"), command(other, "NOOP"))
    assert done == ["NOOP", "FETCH 1:* (FLAGS ENVELOPE)"]
