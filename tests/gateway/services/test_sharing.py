"""Who may see into others' mailboxes, and how often the directory is asked for it (gateway.services.sharing)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from directory.credentials import Hasher
from directory.errors import DirectoryUnavailable
from directory.model import GrantKind, Principal
from directory.sql import SqlDirectory
from gateway.services import sharing
from gateway.services.logon import Logon
from gateway.services.sharing import STALE, Guest, Sharing, principal_of, ref_of


class Interrupted(SqlDirectory):
    """A directory that can be away, and counts how often it was asked for rights or groups."""

    away = False
    asked = 0

    def is_granted(self, kind: GrantKind, owner_id: int, delegate_ids: Sequence[int]) -> bool:
        self._count()
        return super().is_granted(kind, owner_id, delegate_ids)

    def groups_of(self, principal_id: int) -> frozenset[int]:
        self._count()
        return super().groups_of(principal_id)

    def _count(self) -> None:
        self.asked += 1
        if self.away:
            raise DirectoryUnavailable("away")


class OpenedAs:
    """In place of a store: gives back by whom a mailbox is opened."""

    def open(self, ref, *, as_user):
        return as_user


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Interrupted]:
    made = Interrupted(tmp_path / "directory.sqlite", domains=["example.test"], hasher=Hasher(memory=8, passes=1))
    yield made
    made.close()


@pytest.fixture
def alice(directory: Interrupted) -> Principal:
    return directory.add_user("alice@example.test")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock."""
    at = [100.0]
    monkeypatch.setattr(sharing, "time", SimpleNamespace(monotonic=lambda: at[0]))
    return at


def guest_of(directory: Interrupted, user: Principal) -> tuple[Sharing, Guest]:
    made = Sharing(directory, OpenedAs())
    return made, made.guest(Logon(user, user, ref_of(user)))


def test_groups_stand_while_the_directory_is_away(directory: Interrupted, alice: Principal, now: list[float]) -> None:
    """It is asked again once the answer is stale, not at every call."""
    _, guest = guest_of(directory, alice)
    directory.away = True
    for _ in "12":
        with pytest.raises(DirectoryUnavailable):
            guest.refresh()
    directory.away = False
    guest.refresh()
    directory.away, directory.asked = True, 0
    for seconds, asked in ((0, 0), (STALE, 1), (1, 1), (1, 1), (STALE, 2)):
        now[0] += seconds
        guest.refresh()
        assert (guest.principals, directory.asked) == ((principal_of(alice),), asked)


def test_rights_stand_while_the_directory_is_away(directory: Interrupted, alice: Principal, now: list[float]) -> None:
    """Every call of a store asks who it is that calls: the directory must not have to answer each of them."""
    owner = directory.add_user("bob@example.test")
    directory.grant(GrantKind.FULL_ACCESS, owner.id, alice.id)
    made, guest = guest_of(directory, alice)
    visitor = made.open(guest, owner)
    directory.away = True
    for _ in "12":
        with pytest.raises(DirectoryUnavailable):
            visitor()
    directory.away = False
    assert visitor() is None
    directory.revoke(GrantKind.FULL_ACCESS, owner.id, alice.id)
    directory.away, directory.asked = True, 0
    for seconds, asked in ((0, 0), (STALE, 1), (1, 1), (1, 1), (STALE, 2)):
        now[0] += seconds
        assert (visitor(), directory.asked) == (None, asked)
    directory.away = False
    now[0] += STALE
    assert visitor() == (principal_of(alice),)


def test_an_answer_that_is_long_in_failing_counts_from_its_end(
    directory: Interrupted, alice: Principal, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, guest = guest_of(directory, alice)
    guest.refresh()

    def slow(principal_id: int) -> frozenset[int]:
        now[0] += 2 * STALE
        directory.asked += 1
        raise DirectoryUnavailable("no answer")

    monkeypatch.setattr(directory, "groups_of", slow)
    now[0] += STALE
    directory.asked = 0
    guest.refresh()
    guest.refresh()
    assert directory.asked == 1
