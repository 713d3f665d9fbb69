"""Sessions whose right is taken away while they last."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from directory.credentials import Hasher
from directory.errors import DirectoryUnavailable
from directory.model import GrantKind, Principal
from directory.sql import SqlDirectory
from gateway.services.logon import Logon
from gateway.services.standing import Standing
from store.ids import MailboxRef


class Directory(SqlDirectory):
    """Counts the questions; may be away."""

    asked = 0
    away = False

    def generation(self) -> int:
        if self.away:
            raise DirectoryUnavailable("away")
        return super().generation()

    def by_id(self, principal_id: int) -> Principal | None:
        self.asked += 1
        return super().by_id(principal_id)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    made = Directory(tmp_path / "directory.sqlite", domains=("example.test",), hasher=Hasher(memory=8, passes=1))
    made.add_user("alice@example.test", password="one")
    made.add_user("bob@example.test", password="two")
    yield made
    made.close()


def logon(directory: Directory, user: str, owner: str = "", app_password: int = 0) -> Logon:
    one = directory.by_address(f"{user}@example.test")
    other = directory.by_address(f"{owner or user}@example.test")
    assert one is not None
    assert other is not None
    return Logon(one, other, MailboxRef(other.id, other.guid), app_password=app_password)


async def test_a_disabled_account_ends_its_sessions_only(directory: Directory) -> None:
    standing = Standing(directory)
    alice, again, bob = logon(directory, "alice"), logon(directory, "alice"), logon(directory, "bob")
    for one in (alice, again, bob):
        standing.enter(one)
    await standing.look()
    assert not any(map(standing.has_ended, (alice, again, bob)))
    directory.set_enabled(alice.user.id, False)
    await standing.look()
    assert [standing.has_ended(one) for one in (alice, again, bob)] == [True, True, False]
    directory.set_enabled(alice.user.id, True)
    await standing.look()
    assert not standing.has_ended(alice)
    directory.remove(alice.user.id)
    await standing.look()
    assert standing.has_ended(alice)


async def test_a_grant_taken_back(directory: Directory) -> None:
    """[MS-OXIMAP4] 2.2.2: only the delegate's session in the other's mailbox ends."""
    alice, own, other = (logon(directory, *names) for names in (("alice",), ("bob",), ("bob", "alice")))
    directory.grant(GrantKind.FULL_ACCESS, alice.user.id, own.user.id)
    standing = Standing(directory)
    for one in (alice, own, other):
        standing.enter(one)
    await standing.look()
    assert not standing.has_ended(other)
    directory.revoke(GrantKind.FULL_ACCESS, alice.user.id, own.user.id)
    await standing.look()
    assert [standing.has_ended(one) for one in (alice, own, other)] == [False, False, True]


async def test_an_app_password_taken_back(directory: Directory) -> None:
    found = logon(directory, "alice")
    first, _ = directory.add_app_password(found.user.id, "phone")
    second, _ = directory.add_app_password(found.user.id, "printer")
    phone, printer = (logon(directory, "alice", app_password=one.number) for one in (first, second))
    standing = Standing(directory)
    for one in (found, phone, printer):
        standing.enter(one)
    directory.revoke_app_password(found.user.id, first.number)
    await standing.look()
    assert [standing.has_ended(one) for one in (found, phone, printer)] == [False, True, False]


async def test_the_directory_is_asked_when_something_changed(directory: Directory) -> None:
    standing = Standing(directory)
    alice = logon(directory, "alice")
    standing.enter(alice)
    await standing.look()
    directory.asked = 0
    await standing.look()
    assert directory.asked == 0
    bob = logon(directory, "bob")  # admitted before the change that the next look has seen already
    directory.set_enabled(bob.user.id, False)
    await standing.look()
    standing.enter(bob)
    await standing.look()
    assert standing.has_ended(bob)
    assert not standing.has_ended(alice)


async def test_a_session_that_is_over_is_forgotten(directory: Directory) -> None:
    standing = Standing(directory)
    standing.enter(logon(directory, "alice"))
    gc.collect()
    directory.set_enabled(logon(directory, "bob").user.id, False)
    directory.asked = 0
    await standing.look()
    assert directory.asked == 0


async def test_a_directory_that_is_away_ends_nothing(directory: Directory) -> None:
    standing = Standing(directory)
    alice = logon(directory, "alice")
    standing.enter(alice)
    directory.set_enabled(alice.user.id, False)
    directory.away = True
    with pytest.raises(DirectoryUnavailable):
        await standing.look()
    assert not standing.has_ended(alice)
    directory.away = False
    await standing.look()
    assert standing.has_ended(alice)
