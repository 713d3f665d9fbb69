from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.imap.harness import Server
from tests.gateway.imap.street import Street


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def modelled(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server on the database that the parameter names."""
    url = request.getfixturevalue("postgres_database") if request.param == "postgresql" else None
    made = Server(tmp_path, url=url)
    yield made
    await made.close()


@pytest.fixture
async def street(tmp_path: Path) -> AsyncIterator[Street]:
    made = Street(tmp_path)
    yield made
    await made.close()
