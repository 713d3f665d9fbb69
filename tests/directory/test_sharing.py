"""The index of who sees something of whose mailbox, and the server's annotations (docs/decisions/0016)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from directory.model import GrantKind, PrincipalKind
from directory.sharing import EVERYBODY
from directory.sql import SqlDirectory


@pytest.fixture
def people(directory: SqlDirectory) -> dict[str, int]:
    made = {name: directory.add_user(f"{name}@example.test").id for name in ("alice", "bob", "carol")}
    made["news"] = directory.add(PrincipalKind.PUBLIC, "news@example.test").id
    made["team"] = directory.add(PrincipalKind.GROUP, "team@example.test").id
    return made


def test_who_is_shown_what(directory: SqlDirectory, people: dict[str, int]) -> None:
    """By themselves, by their groups, or with everybody; public mailboxes are a list of their own."""
    alice, bob, carol, team = people["alice"], people["bob"], people["carol"], people["team"]
    assert directory.set_shown(bob, lambda: [alice, team])
    assert not directory.set_shown(bob, lambda: {alice, team})
    directory.set_shown(carol, lambda: [EVERYBODY])
    directory.set_shown(people["news"], lambda: [EVERYBODY])
    names = [[one.account for one in directory.shown_to(ids)] for ids in ([alice], [bob], [999, team])]
    assert names == [["bob", "carol"], ["carol"], ["bob", "carol"]]
    assert [one.account for one in directory.public_mailboxes()] == ["news"]
    assert directory.set_shown(bob, tuple)
    assert [one.account for one in directory.shown_to([alice, team])] == ["carol"]


def test_shown_before_the_store_says_so(
    reopen: Callable[[], SqlDirectory], directory: SqlDirectory, people: dict[str, int]
) -> None:
    """`show` adds one; other processes see it."""
    directory.show(people["bob"], people["alice"])
    directory.show(people["bob"], people["alice"])
    assert reopen().shows(people["bob"]) == {people["alice"]}
    assert [one.account for one in reopen().shown_to([people["alice"]])] == ["bob"]


def test_what_was_committed_before_is_not_undone(directory: SqlDirectory, people: dict[str, int]) -> None:
    """The permissions are read again once nobody else writes."""
    answers = [[people["alice"]], [people["alice"], people["carol"]]]
    directory.set_shown(people["bob"], lambda: answers.pop(0))
    assert directory.shows(people["bob"]) == {people["alice"], people["carol"]}


def test_entries_that_go_leave_nothing(directory: SqlDirectory, people: dict[str, int]) -> None:
    directory.set_shown(people["bob"], lambda: [people["alice"], people["carol"]])
    directory.set_shown(people["carol"], lambda: [people["alice"]])
    directory.remove(people["carol"])
    assert directory.shows(people["bob"]) == {people["alice"]}
    assert directory.shows(people["carol"]) == frozenset()


def test_the_right_to_administer(directory: SqlDirectory, people: dict[str, int]) -> None:
    """It opens no mailbox, and full access does not include it."""
    from directory.grants import may_administer, may_open

    alice, bob = directory.by_id(people["alice"]), directory.by_id(people["bob"])
    assert alice is not None
    assert bob is not None
    directory.grant(GrantKind.FULL_ACCESS, bob.id, alice.id)
    assert not may_administer(directory, alice, bob)
    assert not may_administer(directory, bob, bob)
    directory.revoke(GrantKind.FULL_ACCESS, bob.id, alice.id)
    directory.grant(GrantKind.ADMINISTER, bob.id, alice.id)
    assert may_administer(directory, alice, bob)
    assert not may_open(directory, alice, bob)


def test_annotations_of_the_server(reopen: Callable[[], SqlDirectory], directory: SqlDirectory) -> None:
    """[RFC5464] 6.2.1."""
    other = reopen()
    assert other.server_entries() == {}
    directory.set_server_entry("/Comment", b"\0any")
    directory.set_server_entry("/admin", b"mailto:x@example.test")
    directory.set_server_entry("/comment", b"again")
    assert other.server_entries() == {"/admin": b"mailto:x@example.test", "/comment": b"again"}
    directory.set_server_entry("/comment", None)
    assert other.server_entries() == {"/admin": b"mailto:x@example.test"}
