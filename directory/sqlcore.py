"""What every part of the embedded directory stands on: its database, and answers remembered for a generation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, select

from directory.credentials import Hasher, VerifiedCache
from directory.database import Database
from directory.errors import DirectoryUnavailable, UnknownPrincipal
from directory.model import Principal, PrincipalKind
from directory.schema import credential, principal
from directory.sealing import KEY_FILE, Sealer

T = TypeVar("T")

CACHED = 20_000
"""Answers of one kind that a process remembers until the directory changes."""


class _Cache:
    """Answers that hold for one generation. Replaced as a whole, so that a slow reader cannot spoil the next one's."""

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.answers: dict[tuple[Any, ...], Any] = {}


class SqlCore:
    """The base of SqlDirectory and its parts."""

    def __init__(
        self, location: Path | str, *, hasher: Hasher | None, remember: float, recheck: float, key: Path | None
    ) -> None:
        self.hasher = hasher or Hasher()
        if key is None and isinstance(location, Path):
            key = location.parent / KEY_FILE
        self.sealer = Sealer(key)
        self._verified = VerifiedCache(remember)
        self._database = Database(location, recheck=recheck)
        self._cache = _Cache(-1)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def _answer(self, key: tuple[Any, ...], load: Callable[[], T], within: float = 0.0) -> T:
        if self._database.writing:  # not committed yet: nobody else may see it
            return load()
        generation = self._database.generation(within)
        cache = self._cache
        if cache.generation != generation:
            cache = self._cache = _Cache(generation)
        try:
            found: T = cache.answers[key]
        except KeyError:
            found = load()
            if len(cache.answers) >= CACHED:
                cache.answers.clear()
            cache.answers[key] = found
        return found

    def _entries(self, statement: Select[Any]) -> list[Principal]:
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(statement)]

    def _column(self, statement: Select[tuple[Any]]) -> list[Any]:
        with self._database.read() as connection:
            return list(connection.execute(statement).scalars())

    def _hash(self, principal_id: int) -> str | None:
        found = self._column(select(credential.c.hash).where(credential.c.principal_id == principal_id))
        return found[0] if found else None

    def _fresh(self, principal_id: int) -> Principal:
        found = self._entries(select(principal).where(principal.c.id == principal_id))
        if not found:
            raise UnknownPrincipal(f"there is no entry with the number {principal_id}")
        return found[0]


def _entry(row: Row[Any]) -> Principal:
    try:
        return Principal(
            id=row.id,
            guid=UUID(bytes=bytes(row.guid)),
            dn=row.dn,
            legacy_dn=row.legacy_dn,
            kind=PrincipalKind(row.kind),
            account=row.account,
            address=row.address,
            aliases=tuple(json.loads(row.aliases)),
            display_name=row.display_name,
            enabled=bool(row.enabled),
            hidden=bool(row.hidden),
            mailbox_id=row.mailbox_id,
            shard=row.shard,
            attributes={name: tuple(values) for name, values in json.loads(row.attributes).items()},
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise DirectoryUnavailable(f"entry {row.id} of the directory is damaged: {error}") from error
