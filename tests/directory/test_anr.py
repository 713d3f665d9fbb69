"""Ambiguous name resolution ([MS-ADTS] 3.1.1.3.1.3.4)."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from directory.anr import Ambiguous, Resolved, Unresolved, anr_query, resolve
from directory.model import PrincipalKind
from directory.sql import SqlDirectory
from tests.directory.conftest import CHEAP, DOMAINS


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def directory(request, tmp_path_factory):
    """One for all tests here: they only read."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            location = tmp_path_factory.mktemp("anr") / "directory.sqlite"
        else:
            location = stack.enter_context(request.getfixturevalue("postgres_server").schema())
        made = SqlDirectory(location, domains=DOMAINS, hasher=CHEAP, recheck=0)
        stack.callback(made.close)
        yield made


@pytest.fixture(scope="module")
def people(directory):
    def add(address, first, last, **more):
        attributes = {"givenName": [first], "sn": [last]}
        return directory.add_user(address, display_name=f"{first} {last}", attributes=attributes, **more)

    return {
        "zoe": add("zkowalski@example.test", "Zoe", "Kowalski", aliases=["zoe@example.test"]),
        "smith": add("jsmith@example.test", "John", "Smith"),
        "smithson": add("js2@example.test", "John", "Smithson"),
        "hidden": directory.add(PrincipalKind.ROOM, "vault@example.test", display_name="Vault", hidden=True),
    }


@pytest.mark.parametrize(
    "text", ["zoe", "Zoe Kow", "kow zo", "KOWALSKI", "zkow", "zoe@", "=Zoe", "=smtp:ZOE@example.test"]
)
def test_one_is_meant(directory, people, text):
    """[MS-ADTS] 3.1.1.3.1.3.4: prefixes of every name, and first and last name in either order."""
    assert resolve(directory, text) == Resolved(people["zoe"])


@pytest.mark.parametrize(
    "text", ["", "  ", "=", "nobody", "=Zo", "oe", "smtp:none@example.test", "%", "Zoe X", "=CN=none"]
)
def test_nobody_is_meant(directory, people, text):
    assert resolve(directory, text) == Unresolved()


def test_several_may_be_meant(directory, people):
    assert resolve(directory, "john") == Ambiguous((people["smith"], people["smithson"]))
    assert resolve(directory, "john", limit=1) == Ambiguous((people["smith"],))


def test_the_exact_name_wins_over_the_longer_one(directory, people):
    assert resolve(directory, "John Smith") == Resolved(people["smith"])


def test_exact_names_of_all_sorts(directory, people):
    zoe = people["zoe"]
    for text in (zoe.legacy_dn, zoe.dn, zoe.address, zoe.account):
        assert resolve(directory, text) == Resolved(zoe)


def test_hidden_entries_answer_to_their_exact_address_only(directory, people):
    assert resolve(directory, "vau") == Unresolved()
    assert resolve(directory, "vault@example.test") == Resolved(people["hidden"])


def test_nothing_makes_no_query():
    assert anr_query("= ") is None
