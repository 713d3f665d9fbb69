"""Golden transcripts of all protocols against a whole server, each on a fresh one.

Directives: `@protocol imap` names the port of every client, `@port2 smtp` that of client 2.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.server import RunningServer
from tests.support.transcript import Connection, SocketConnection, load, run

FILES = sorted((Path(__file__).parents[1] / "transcripts").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_live(path: Path, tmp_path: Path) -> None:
    transcript = load(path)
    async with RunningServer(tmp_path) as server:

        async def connect(number: int) -> Connection:
            name = transcript.directives.get(f"port{number}", transcript.directives["protocol"])
            return SocketConnection(*await server.connect(name))

        await run(transcript, connect)
