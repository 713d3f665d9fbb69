"""Sign-in against LDAP servers: failover, memory, and many at a time."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from directory.errors import DirectoryUnavailable, ProviderError
from directory.model import Principal
from directory.remembered import Memory
from directory.sql import SqlDirectory
from directory.upstream import Upstream
from tests.directory.upstreamhouse import SERVICE, House
from tests.support.ldapserver import LdapServer, person


def test_remembered_for_a_while_then_through_an_outage(house: House) -> None:
    found = house.alice()
    asked = len(house.server.binds)
    assert house.upstream.remembers(found, "secret")
    assert not house.upstream.remembers(found, "wrong")
    assert house.upstream.verify("alice", None, "secret", known=found) == found
    assert len(house.server.binds) == asked
    house.server.stop()
    for name in ("alice", "alice@example.test"):
        house.clock.now += 200
        assert not house.upstream.remembers(found, "secret")
        assert house.upstream.verify(name, None, "secret") == found
        assert house.upstream.verify(name, None, "secret", known=found) == found
        assert house.upstream.verify(name, None, "wrong", known=found) is None
    with pytest.raises(ProviderError):
        house.upstream.verify("bob", None, "secret")
    house.clock.now += 1000  # over cache + outage
    with pytest.raises(ProviderError):
        house.upstream.verify("alice", None, "secret", known=found)
    house.server.start()
    house.clock.now += 20
    assert house.upstream.verify("alice", None, "secret", known=found) == found


def test_a_password_that_became_wrong_is_forgotten(house: House) -> None:
    found = house.alice()
    house.clock.now += 200
    assert house.upstream.verify("alice", None, "guess", known=found) is None
    house.server.stop()
    assert house.upstream.verify("alice", None, "secret", known=found) == found  # a guess costs nobody his memory
    house.server.start()
    house.clock.now += 20
    house.server.accounts[0].password = b"new"
    assert house.upstream.verify("alice", None, "secret", known=found) is None
    house.server.stop()
    with pytest.raises(DirectoryUnavailable):
        house.upstream.verify("alice", None, "secret", known=found)
    house.server.start()


def test_a_new_password_replaces_the_old_one(house: House) -> None:
    found = house.alice()
    house.server.accounts[0].password = b"new"
    assert house.upstream.verify("alice", None, "new", known=found) == found
    assert house.upstream.verify("alice", None, "secret", known=found) is None


def test_workers_share_what_they_remember(house: House) -> None:
    memory = Memory(64)
    memory.note(1)
    child = os.fork()
    if not child:
        memory.remember(7, "secret")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert memory.knows(7, "secret", 10)
    assert not memory.knows(7, "secret", 0)
    assert not memory.knows(7, "Secret", 10)
    assert not memory.knows(7 + 64, "secret", 10)  # the same slot
    memory.remember(7 + 64, "other")
    assert not memory.has(7, 10)
    memory.forget(7)  # is not there any more
    assert memory.knows(7 + 64, "other", 10)
    memory.forget(7 + 64)
    assert not memory.has(7 + 64, 10)


def test_other_sign_ins_are_looked_after(house: House) -> None:
    found = house.alice()
    assert house.upstream.is_fresh(found)
    house.clock.now += 200
    assert not house.upstream.is_fresh(found)
    assert house.upstream.current(found) == found
    searches = len(house.server.searches)
    assert house.upstream.is_fresh(found)
    assert house.upstream.current(found) == found
    assert len(house.server.searches) == searches
    house.clock.now += 200
    house.server.stop()
    assert house.upstream.current(found) == found  # nobody knows better
    house.server.start()
    house.clock.now += 20
    del house.server.accounts[0]
    assert not house.upstream.current(found).enabled
    own = house.directory.add_user("bob@example.test")
    assert house.upstream.is_fresh(own)
    assert house.upstream.current(own) == own


# Servers


def test_failover_and_hold_down(house: House) -> None:
    house.second = LdapServer([person(1, "alice", "secret")]).start()
    house.join(servers=(house.server.url, house.second.url), cache=0)
    house.alice()
    assert house.second.connections == 0
    house.server.stop()
    house.alice()
    assert house.second.connections > 0
    house.server.start()
    before = house.server.connections
    house.alice()  # held down: not asked though it is back
    assert house.server.connections == before
    house.clock.now += 10
    binds = len(house.second.binds)
    house.alice()
    assert house.server.connections > before
    assert len(house.second.binds) == binds


def test_a_server_that_says_nothing_is_left(house: House) -> None:
    house.second = LdapServer([person(1, "alice", "secret")]).start()
    house.join(servers=(house.server.url, house.second.url))
    house.server.silent = True
    start = time.monotonic()
    house.alice()
    assert 0.9 < time.monotonic() - start < 3


@pytest.mark.parametrize(
    "trouble",
    [
        {"search_result": 51},
        {"search_result": 10},
        {"search_result": 1},
        {"garbage": True},
        {"bind_result": (51, "busy")},
        {"bind_result": (10, "elsewhere")},
        {"bind_result": (8, "TLS wanted")},
        {"hang_up_after": 1},
    ],
)
def test_a_server_in_trouble_is_left(house: House, trouble: dict[str, Any]) -> None:
    house.second = LdapServer([person(1, "alice", "secret")]).start()
    house.join(servers=(house.server.url, house.second.url), bind_dn="", timeout=1)
    for name, value in trouble.items():
        setattr(house.server, name, value)
    if "hang_up_after" in trouble:
        # A connection for each answer is served: the search and the bind have one each.
        house.alice()
        return
    house.alice()
    assert house.second.binds
    house.second.stop()
    with pytest.raises(DirectoryUnavailable):
        house.upstream.verify("bob", None, "secret")
    house.second.start()


@pytest.mark.parametrize("code", [49, 32, 48, 50, 53])
def test_refusals_are_the_accounts(house: House, code: int) -> None:
    house.server.bind_result = (code, "no")
    assert house.upstream.verify("alice", None, "secret") is None


def test_idle_connections_that_the_server_closed_are_replaced(house: House) -> None:
    house.join(cache=0)
    found = house.alice()
    for _ in range(3):
        house.server.hang_up()
        assert house.upstream.verify("alice", None, "secret", known=found) == found
    connections = house.server.connections
    house.alice()
    assert house.server.connections == connections  # kept


def test_referrals_are_not_followed(house: House) -> None:
    house.server.references = True
    house.alice()


def test_the_service_account(house: House, caplog: pytest.LogCaptureFixture) -> None:
    file = house.folder / "password"
    settings = {"bind_dn": SERVICE.dn, "bind_password_file": file, "hold_down": 0}
    house.join(**settings)
    for text in (None, "", "\n", "wrong"):
        if text is not None:
            file.write_text(text)
        with pytest.raises(DirectoryUnavailable):
            house.upstream.verify("alice", None, "secret")
    assert "cannot sign in: invalidCredentials" in caplog.text
    assert "wrong" not in caplog.text.replace("(wrong)", "")
    file.write_text("service password\n")
    house.server.binds.clear()
    house.alice()
    assert [told.dn for told in house.server.binds] == [SERVICE.dn, house.server.accounts[0].dn]


def test_nobody_is_made_to_wait_for_ever(house: House) -> None:
    house.join(connections=1, cache=0)
    house.server.silent = True
    with ThreadPoolExecutor(4) as pool:
        start = time.monotonic()
        asked = [pool.submit(house.upstream.verify, "alice", None, "secret") for _ in range(4)]
        for each in asked:
            with pytest.raises(DirectoryUnavailable):
                each.result()
        assert time.monotonic() - start < 5


def test_many_threads_and_few_connections(house: House) -> None:
    house.join(connections=3, cache=0, timeout=10)
    found = house.alice()
    for number in range(2, 12):
        house.server.accounts.append(person(number, f"user{number}", f"secret{number}"))

    def sign_in(turn: int) -> bool:
        number = 2 + turn % 10
        right = turn % 3 > 0
        result = house.upstream.verify(f"user{number}", None, f"secret{number}" if right else f"secret{number + 1}")
        return (result is not None and result.account == f"user{number}") if right else result is None

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(sign_in, range(90)))
    assert house.server.connections <= 3 * 2
    assert len(house.directory.everyone()) == 11
    assert found is not None


def test_two_workers_make_one_account(house: House) -> None:
    other = SqlDirectory(house.folder / "directory.sqlite", domains=["example.test"])
    second = Upstream(house.settings(), other, lambda principal: None)
    gate = threading.Barrier(2)

    def sign_in(upstream: Upstream) -> Principal | None:
        gate.wait()
        return upstream.verify("alice", None, "secret")

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(sign_in, (house.upstream, second))
    assert one is not None
    assert two is not None
    assert one.id == two.id
    second.close()
    other.close()
