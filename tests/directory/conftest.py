"""One directory over every kind of database."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from directory.credentials import Hasher
from directory.sql import SqlDirectory
from tests.directory.upstreamhouse import House
from tests.support.prepared import lay_out

CHEAP = Hasher(memory=8, passes=1)
DOMAINS = ("example.test", "xn--bcher-kva.test")


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where there is nothing yet."""
    if request.param == "sqlite":
        yield tmp_path / "directory.sqlite"
        return
    with request.getfixturevalue("postgres_server").schema() as url:
        yield url


def make_empty(folder: Path) -> None:
    make_empty_at(folder / "directory.sqlite")


def make_empty_at(location: Path | str) -> None:
    SqlDirectory(location, domains=DOMAINS, hasher=CHEAP).close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where there is a directory without anybody in it."""
    if request.param == "sqlite":
        lay_out(tmp_path, make_empty)
        yield tmp_path / "directory.sqlite"
        return
    with request.getfixturevalue("postgres_server").prepared(make_empty_at) as url:
        yield url


@pytest.fixture
def reopen(place: Path | str) -> Iterator[Callable[[], SqlDirectory]]:
    """A way to open one and the same directory several times, as several processes do."""
    opened = []

    def build() -> SqlDirectory:
        made = SqlDirectory(place, domains=DOMAINS, hasher=CHEAP, recheck=0)
        opened.append(made)
        return made

    yield build
    for one in opened:
        one.close()


@pytest.fixture
def directory(reopen: Callable[[], SqlDirectory]) -> SqlDirectory:
    return reopen()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # no authority of the machine's: reading them all takes 25 ms
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    made = House(tmp_path)
    yield made
    made.close()
