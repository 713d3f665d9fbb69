"""Golden transcripts of all protocols against a whole server, each on a fresh one.

Directives:
    @protocol imap            names the port of every client; `@port2 smtp` that of client 2
    @mechanisms PLAIN NTLM    auth.mechanisms of the server
    @nthash alice             accounts whose NT hash is kept
    @personality exchange2016 imap.personality

Client lines may answer as a foreign NTLM client does, for Alice: `${negotiate}`, or `${negotiate_wrong}` with a wrong
password, then `${authenticate:challenge}`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.sasl.ntlmsupport import Pyspnego
from tests.support.server import PASSWORD, RunningServer
from tests.support.transcript import Connection, SocketConnection, load, run

FILES = [
    path
    for path in sorted((Path(__file__).parents[1] / "transcripts").glob("*.txt"))
    # Lower than settings may have it ([RFC9738] 3): tests/gateway/imap/test_transcripts.py runs these.
    if "\n@limit " not in path.read_text("utf-8")
]


class NtlmAnswers:
    """What a transcript's client lines say in an NTLM exchange, by pyspnego."""

    def __init__(self) -> None:
        self._client: Pyspnego | None = None

    def functions(self) -> Mapping[str, Callable[[str], str]]:
        """The functions by their names in a transcript."""
        return {
            "negotiate": lambda _: self._begin(PASSWORD),
            "negotiate_wrong": lambda _: self._begin("wrong"),
            "authenticate": self._authenticate,
        }

    def _begin(self, password: str) -> str:
        self._client = Pyspnego("EXAMPLE", "alice", password)
        return base64.b64encode(self._client.negotiate()).decode()

    def _authenticate(self, challenge: str) -> str:
        assert self._client is not None
        return base64.b64encode(self._client.authenticate(base64.b64decode(challenge))).decode()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_live(path: Path, tmp_path: Path) -> None:
    transcript = load(path)
    sections: dict[str, dict[str, Any]] = {}
    if "mechanisms" in transcript.directives:
        sections["auth"] = {"mechanisms": tuple(transcript.directives["mechanisms"].split())}
    if "personality" in transcript.directives:
        sections["imap"] = {"personality": transcript.directives["personality"]}
    nt_hashes = transcript.directives.get("nthash", "").split()
    async with RunningServer(tmp_path, sections=sections, nt_hashes=nt_hashes) as server:

        async def connect(number: int) -> Connection:
            name = transcript.directives.get(f"port{number}", transcript.directives["protocol"])
            return SocketConnection(*await server.connect(name))

        await run(transcript, connect, functions=NtlmAnswers().functions())
