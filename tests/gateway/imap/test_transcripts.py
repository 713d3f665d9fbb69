"""Golden transcripts of IMAP, each on a fresh server in memory.

`@users` names more than alice, `@personality` whose face the server shows, `@limit` how many messages one command may
touch.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from gateway.imap.environment import ImapSettings
from tests.gateway.imap.harness import Client, Server
from tests.gateway.imap.street import Street
from tests.support.transcript import TIMEOUT, Connection, load, run

FILES = sorted((Path(__file__).parents[2] / "transcripts").glob("imap_*.txt"))


class MemoryConnection:
    """The harness's client as a transcript's connection."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def send(self, data: bytes) -> None:
        self.client.connection.dataReceived(data)

    async def receive(self) -> bytes:
        transport = self.client.transport
        deadline = time.monotonic() + TIMEOUT
        while not transport.output and not transport.lost and time.monotonic() < deadline:
            await asyncio.sleep(0.001 if deadline - time.monotonic() < TIMEOUT - 0.05 else 0)
        if not transport.output and not transport.lost:
            raise TimeoutError
        return await self.pending()

    async def pending(self) -> bytes:
        output = bytes(self.client.transport.output)
        self.client.transport.output.clear()
        return output

    async def close(self) -> None:
        self.client.transport.lose()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_in_memory(path: Path, tmp_path: Path) -> None:
    transcript = load(path)
    settings = ImapSettings(
        version="1.0",
        personality=transcript.directives.get("personality", "oxgate"),
        message_limit=int(transcript.directives.get("limit", "0")),
    )
    server = Street(tmp_path, settings) if "users" in transcript.directives else Server(tmp_path, settings)

    async def connect(number: int) -> Connection:
        return MemoryConnection(server.connect())

    try:
        await run(transcript, connect)
    finally:
        await server.close()
