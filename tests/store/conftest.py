"""Stores for the tests: every contract test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from store.changes import Touched
from store.ids import MailboxKind, MailboxRef
from store.mailbox import Mailbox
from store.store import Store, StoreSettings
from tests.store.textbox import Box, unread
from tests.support import postgres


@dataclass
class World:
    """A store, and what it published."""

    settings: StoreSettings
    store: Store
    hints: list[Touched] = field(default_factory=list)

    def new_ref(self) -> MailboxRef:
        return MailboxRef(next(_NUMBERS), uuid4())

    def mailbox(self, kind: MailboxKind = MailboxKind.PRIVATE) -> Mailbox:
        ref = self.new_ref()
        self.store.create(ref, kind)
        return self.store.open(ref)

    def other_process(self) -> Store:
        """A second store on the same data, with connections and caches of its own."""
        return Store(self.settings)


@pytest.fixture(scope="session")
def postgres_store(postgres_server: postgres.Server) -> Iterator[str]:
    """One schema for the mailboxes of all contract tests: they must not see each other."""
    with postgres_server.schema() as address:
        _SPARE[address] = spare = []
        yield address
        for connection in spare:
            connection.close()


_SPARE: dict[str | None, list[psycopg.Connection[Any]]] = {}
"""By the schema, a connection that the store of one test leaves to that of the next, beside which most cost little."""


def _lend(store: Store, url: str | None) -> None:
    if spare := _SPARE.get(url):
        pool = store._backend._pool  # type: ignore[attr-defined]
        pool._idle.append((spare.pop(), monotonic()))
        pool._count += 1


def _take_back(store: Store, url: str | None) -> None:
    spare = _SPARE.get(url)
    if spare is None or spare:
        return
    pool = store._backend._pool  # type: ignore[attr-defined]
    if pool._idle:
        spare.append(pool._idle.pop()[0])
        pool._count -= 1


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgres_store"))


_NUMBERS = count(1)


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(url: str | None = None, **settings: object) -> World:
        hints: list[Touched] = []
        full = StoreSettings(root=tmp_path, url=url, durable=False, **settings)  # type: ignore[arg-type]
        world = World(full, Store(full, publish=hints.append), hints)
        _lend(world.store, url)
        made.append(world)
        return world

    yield make
    for world in made:
        _take_back(world.store, world.settings.url)
        world.store.close()


@pytest.fixture
def world(url: str | None, make_world: Callable[..., World]) -> World:
    return make_world(url)


@pytest.fixture
def mailbox(world: World) -> Mailbox:
    return world.mailbox()


@pytest.fixture
def reading_world(make_world: Callable[..., World], url: str | None) -> World:
    """A store that fails where somebody wants properties to be read."""
    world = make_world(url)
    world.store._reader = unread
    return world


@pytest.fixture
def box(reading_world: World) -> Box:
    """A mailbox for a text index."""
    return Box(reading_world.mailbox())
