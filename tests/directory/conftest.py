"""One directory over every kind of database."""

from __future__ import annotations

import pytest

from directory.credentials import Hasher
from directory.sql import SqlDirectory

CHEAP = Hasher(memory=8, passes=1)
DOMAINS = ("example.test", "xn--bcher-kva.test")


@pytest.fixture(params=["sqlite"])
def reopen(request, tmp_path):
    """A way to open one and the same directory several times, as several processes do."""
    opened = []

    def build() -> SqlDirectory:
        made = SqlDirectory(tmp_path / "directory.sqlite", domains=DOMAINS, hasher=CHEAP, recheck=0)
        opened.append(made)
        return made

    yield build
    for one in opened:
        one.close()


@pytest.fixture
def directory(reopen):
    return reopen()
