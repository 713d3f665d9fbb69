"""Sign-in against an LDAP server: who is who, failover, memory, and what must never happen."""

from __future__ import annotations

import logging
import os
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from directory.credentials import Hasher
from directory.errors import DirectoryUnavailable, ProviderError
from directory.model import Principal
from directory.remembered import Memory
from directory.sql import SqlDirectory
from directory.upstream import LINK, STATE, Upstream
from directory.upstreamsettings import UpstreamSettings
from tests.support.authority import Authority
from tests.support.ldapserver import Account, LdapServer, person
from tests.support.prepared import lay_out

BASE = "dc=example,dc=test"
SERVICE = Account(f"cn=service,{BASE}", {}, b"service password")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def open_directory(folder: Path) -> SqlDirectory:
    return SqlDirectory(folder / "directory.sqlite", domains=["example.test"], hasher=Hasher(memory=8, passes=1))


def make_empty(folder: Path) -> None:
    open_directory(folder).close()


class House:
    """A directory, an upstream server and what joins them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.provisioned: list[str] = []
        self.server = LdapServer([person(1, "alice", "secret"), SERVICE]).start()
        self.second: LdapServer | None = None
        lay_out(folder, make_empty)
        self.directory = open_directory(folder)
        self.upstream = self.join()

    def settings(self, **more: Any) -> UpstreamSettings:
        given: dict[str, Any] = {
            "servers": (self.server.url,),
            "starttls": False,
            "base": BASE,
            "timeout": 1,
            "cache": 100,
            "outage": 1000,
            "hold_down": 10,
            "default_domain": "example.test",
        }
        return UpstreamSettings(**{**given, **more})

    def join(self, memory: Memory | None = None, **more: Any) -> Upstream:
        def provision(principal: Principal) -> None:
            self.provisioned.append(principal.address)

        previous = getattr(self, "upstream", None)
        if previous is not None:
            previous.close()
        self.upstream = Upstream(self.settings(**more), self.directory, provision, memory=memory, clock=self.clock)
        return self.upstream

    def alice(self) -> Principal:
        found = self.upstream.verify("alice", None, "secret")
        assert found is not None
        return found

    def close(self) -> None:
        self.upstream.close()
        self.server.stop()
        if self.second is not None:
            self.second.stop()
        self.directory.close()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)  # no authority of the machine's: reading them all takes 25 ms
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    made = House(tmp_path)
    yield made
    made.close()


def test_the_first_sign_in_makes_the_account(house: House) -> None:
    house.server.accounts[0].attributes |= {"displayName": [b"Alice Archer"], "givenName": [b"Alice"]}
    found = house.upstream.verify("alice", None, "secret")
    assert found is not None
    assert (found.address, found.account, found.display_name) == ("alice@example.test", "alice", "Alice Archer")
    assert found.attributes["givenName"] == ("Alice",)
    assert found.attributes[LINK] == ("00000000-0000-4000-8000-000000000001",)
    assert house.upstream.owns(found)
    assert house.provisioned == ["alice@example.test"]
    assert not house.directory.verify_password(found.id, "secret")


def test_a_second_sign_in_changes_nothing(house: House) -> None:
    first = house.alice()
    house.clock.now += 200
    generation = house.directory.generation()
    assert house.upstream.verify("alice", None, "secret", known=first) == first
    assert house.directory.generation() == generation
    assert house.server.searches[-1].endswith("(entryUUID=00000000-0000-4000-8000-000000000001))")


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.test", "Alice@Example.Test"])
def test_name_forms(house: House, name: str) -> None:
    found = house.upstream.verify(name, None, "secret")
    assert found is not None
    assert found.address == "alice@example.test"


def test_names_with_a_domain(house: House) -> None:
    house.join(netbios_domain="CORP", dns_domain="corp.test")
    for user, domain in (("alice", "corp"), ("alice", "CORP.test"), ("alice", ""), ("alice", "example.test")):
        assert house.upstream.verify(user, domain, "secret") is not None, domain
    assert house.upstream.verify("alice@corp.test", None, "secret") is not None
    assert house.upstream.verify("alice", "elsewhere", "secret") is None
    assert house.upstream.verify("alice@elsewhere.test", None, "secret") is None


def test_wrong_passwords_and_unknown_names_take_the_same_steps(house: House) -> None:
    for name in ("alice", "nobody"):
        house.server.searches.clear()
        house.server.binds.clear()
        assert house.upstream.verify(name, None, "wrong") is None
        assert (len(house.server.searches), len(house.server.binds)) == (1, 1)
    assert house.directory.everyone() == []
    assert house.provisioned == []


@pytest.mark.parametrize("password", ["", "\0", "\0secret", "secret\0", "\udc80"])
def test_no_password_is_never_tried(house: House, password: str) -> None:
    """[RFC4513] 5.1.2: an empty password is an unauthenticated bind, and it succeeds."""
    known = house.alice()
    house.server.binds.clear()
    assert house.upstream.verify("alice", None, password) is None
    assert house.upstream.verify("alice", None, password, known=known) is None
    assert house.server.binds == []


@pytest.mark.parametrize("password", ["\u00ad", "\u200b", " ", "\u00a0", "pässwörd €", "x" * 1000])
def test_passwords_arrive_octet_by_octet(house: House, password: str) -> None:
    """A soft hyphen would become the empty password by SASLprep ([RFC4013] 2.1)."""
    assert house.upstream.verify("alice", None, password) is None
    assert house.server.binds[-1].password == password.encode()
    house.server.accounts[0].password = password.encode()
    assert house.upstream.verify("alice", None, password) is not None


@pytest.mark.parametrize(
    "name",
    ["*", "a*", "alice)(uid=*", "*)(objectClass=*", "\\2a", "alice\0", "(", ")", "\\", "ali*ce", "é*", "", " alice"],
)
def test_names_are_escaped(house: House, name: str) -> None:
    assert house.upstream.verify(name, None, "secret") is None
    for told in house.server.searches:
        assert told.startswith("(&(objectClass=person)(|(uid=")
    assert house.directory.everyone() == []


def test_an_odd_name_is_found_by_its_exact_value(house: House) -> None:
    house.server.accounts.append(person(2, "b*(b)\\", "secret", mail="bob@example.test"))
    assert house.upstream.verify("b*(b)\\", None, "secret") is not None
    assert house.upstream.verify("b*", None, "secret") is None


def test_two_entries_are_none(house: House, caplog: pytest.LogCaptureFixture) -> None:
    house.server.accounts.append(person(2, "alice", "other", mail="alice2@example.test"))
    for password in ("secret", "other"):
        assert house.upstream.verify("alice", None, password) is None
    assert "found more than once" in caplog.text
    assert house.directory.everyone() == []


def test_the_name_as_typed_goes_before_what_it_may_stand_for(house: House) -> None:
    """Who may write his own mail attribute cannot shut others out by it."""
    house.server.accounts.append(person(2, "mallory", "other", mail="alice@example.test"))
    house.server.accounts[0].attributes["mail"] = [b"a.archer@example.test"]
    found = house.upstream.verify("Alice", None, "secret")
    assert found is not None
    assert found.address == "a.archer@example.test"
    assert house.upstream.verify("alice", None, "other") is None
    found = house.upstream.verify("alice@example.test", None, "other")
    assert found is not None
    assert found.account == "mallory"
    house.server.accounts += [person(n, f"x{n}", "other", mail="alice@example.test") for n in range(3, 10)]
    house.clock.now += 200
    assert house.upstream.verify("alice", None, "secret") is None  # too many to tell


def test_who_was_proved_otherwise_is_introduced(house: House) -> None:
    house.join(netbios_domain="CORP")
    assert house.upstream.find("alice", "CORP") is None
    assert house.upstream.introduce("nobody", "CORP") is None
    assert house.upstream.introduce("alice", "ELSEWHERE") is None
    assert house.upstream.introduce("", None) is None
    found = house.upstream.introduce("alice", "CORP")
    assert found is not None
    assert house.provisioned == ["alice@example.test"]
    assert house.server.binds == []
    assert house.upstream.find("Alice", "corp") == found
    assert house.upstream.find("alice@example.test", None) == found
    assert house.upstream.find("alice", "ELSEWHERE") is None
    assert not house.upstream.remembers(found, "secret")
    house.directory.add_user("bob@example.test", password="here")
    house.server.accounts.append(person(2, "bob", "there"))
    assert house.upstream.introduce("bob", None) is None
    assert house.upstream.find("bob", None) is None
    house.server.stop()
    with pytest.raises(DirectoryUnavailable):
        house.upstream.introduce("alice", "CORP")
    house.server.start()


def test_an_account_of_this_directory_is_never_taken_over(house: House, caplog: pytest.LogCaptureFixture) -> None:
    own = house.directory.add_user("alice@example.test", password="here")
    assert house.upstream.verify("alice", None, "secret", known=own) is None
    assert house.server.binds == []
    # by a name that is unknown here, yet is the same person's there
    house.server.accounts[0].attributes["uid"] = [b"al"]
    assert house.upstream.verify("al", None, "secret") is None
    assert "its name is in use here: alice@example.test belongs to" in caplog.text
    assert house.directory.by_address("alice@example.test") == own
    assert house.directory.verify_password(own.id, "here")
    assert house.provisioned == []


def test_an_alias_in_use_is_left_out(house: House) -> None:
    house.directory.add_user("sales@example.test")
    house.server.accounts[0].attributes["mail"] = [b"alice@example.test", b"sales@example.test", b"a@example.test"]
    found = house.alice()
    assert found.addresses == ("alice@example.test", "a@example.test")


def test_addresses_elsewhere_do_not_count(house: House) -> None:
    house.server.accounts[0].attributes["mail"] = [b"alice@gmail.test", b"not an address", b"\xff"]
    assert house.alice().addresses == ("alice@example.test",)  # the default domain's
    house.server.accounts.append(person(2, "bob", "secret", mail="bob@gmail.test"))
    house.join(default_domain="")
    assert house.upstream.verify("bob", None, "secret") is None
    assert house.directory.by_account("bob") is None


def test_changes_upstream_arrive_with_the_next_check(house: House) -> None:
    found = house.alice()
    house.directory.change(found.id, aliases=["extra@example.test"])
    house.clock.now += 200
    house.server.accounts[0].attributes |= {"mail": [b"smith@example.test"], "displayName": [b"Alice Smith"]}
    changed = house.upstream.verify("alice", None, "secret", known=house.directory.by_id(found.id))
    assert changed is not None
    assert changed.id == found.id
    assert changed.display_name == "Alice Smith"
    assert changed.addresses == ("smith@example.test", "extra@example.test", "alice@example.test")


def test_values_that_cannot_be_kept_do_no_harm(house: House) -> None:
    house.server.accounts[0].attributes |= {
        "displayName": [b"A\x07lice"], "title": [b"x" * 2000], "sn": [b"\xff"], "telephoneNumber": [b" 1 "]
    }  # fmt: skip
    found = house.alice()
    assert found.display_name == "Alice"  # cn
    assert found.attributes["telephoneNumber"] == ("1",)


def test_disabled_by_the_filter(house: House) -> None:
    house.join(filter="(!(loginShell=/bin/false))")
    found = house.alice()
    house.server.accounts[0].attributes["loginShell"] = [b"/bin/false"]
    assert house.upstream.verify("alice", None, "secret", known=found) == found  # remembered
    house.clock.now += 200
    assert house.upstream.verify("alice", None, "secret", known=found) is None
    gone = house.directory.by_id(found.id)
    assert gone is not None
    assert not gone.enabled
    assert STATE in gone.attributes
    # and back
    del house.server.accounts[0].attributes["loginShell"]
    back = house.upstream.verify("alice", None, "secret", known=gone)
    assert back is not None
    assert back.enabled
    assert STATE not in back.attributes


def test_a_filter_may_be_attribute_and_value(house: House) -> None:
    house.join(filter="employeeType=active")
    assert house.upstream.verify("alice", None, "secret") is None
    house.server.accounts[0].attributes["employeeType"] = [b"active"]
    assert house.upstream.verify("alice", None, "secret") is not None


def test_what_was_disabled_here_stays_so(house: House) -> None:
    found = house.alice()
    house.directory.set_enabled(found.id, False)
    house.clock.now += 200
    again = house.upstream.verify("alice", None, "secret", known=found)
    assert again is not None
    assert not again.enabled


def test_deleted_upstream(house: House) -> None:
    found = house.alice()
    del house.server.accounts[0]
    house.clock.now += 200
    assert house.upstream.verify("alice", None, "secret", known=found) is None
    assert not house.directory.by_id(found.id).enabled  # type: ignore[union-attr]  # it is there
    house.server.stop()
    with pytest.raises(DirectoryUnavailable):
        house.upstream.verify("alice", None, "secret", known=found)  # not from memory either
    house.server.start()


def test_a_base_that_cannot_be_read_deletes_nobody(house: House) -> None:
    found = house.alice()
    house.clock.now += 200
    house.server.accounts, house.server.see_base = [], False
    assert house.upstream.verify("alice", None, "secret", known=found) == found  # as in an outage
    house.clock.now += 2000
    with pytest.raises(DirectoryUnavailable):
        house.upstream.verify("alice", None, "secret", known=found)
    assert house.directory.by_id(found.id) == found


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


# TLS


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def _context(authority: Authority, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue(*names))
    return context


@pytest.mark.parametrize("ldaps", [False, True])
def test_tls(house: House, authority: Authority, ldaps: bool) -> None:
    house.second = LdapServer([person(1, "alice", "secret")], context=_context(authority, "127.0.0.1"), ldaps=ldaps)
    house.second.start()
    house.join(servers=(house.second.url,), starttls=True, ca=authority.file, cache=0)
    for _ in range(2):
        house.alice()
        house.second.hang_up()
    assert all(told.tls for told in house.second.binds)


@pytest.mark.parametrize("ldaps", [False, True])
@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_certificates_are_verified(house: House, authority: Authority, tmp_path: Path, ldaps: bool, wrong: str) -> None:
    name = "127.0.0.1" if wrong == "authority" else "127.0.0.2"
    house.second = LdapServer([person(1, "alice", "secret")], context=_context(authority, name), ldaps=ldaps).start()
    folder = tmp_path / "other"
    folder.mkdir()
    ca = Authority(folder).file if wrong == "authority" else authority.file
    house.join(servers=(house.second.url,), starttls=True, ca=ca)
    with pytest.raises(DirectoryUnavailable):
        house.alice()
    assert house.second.binds == []
    assert house.second.searches == []


def test_without_starttls_nothing_is_said(house: House) -> None:
    """A server, or somebody in between, that refuses StartTLS does not get to see a password."""
    house.join(starttls=True)
    with pytest.raises(DirectoryUnavailable):
        house.alice()
    assert house.server.binds == []
    assert house.server.searches == []


@pytest.mark.parametrize("ldaps", [False, True])
def test_a_silent_server_does_not_stop_tls(house: House, ldaps: bool) -> None:
    house.server.silent = True
    url = house.server.url.replace("ldap:", "ldaps:") if ldaps else house.server.url
    house.join(servers=(url,), starttls=True)
    start = time.monotonic()
    with pytest.raises(DirectoryUnavailable):
        house.alice()
    assert time.monotonic() - start < 4


# Settings


@pytest.mark.parametrize(
    "wrong",
    [{"servers": ("http://x",)}, {"servers": ("dc1",)}, {"kind": "nis"}, {"filter": "(("}, {"filter": "(a=b"}],
)
def test_settings_that_make_no_sense(house: House, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"no (URL|kind|LDAP filter)|write it like"):
        house.join(**wrong)


def test_a_ca_that_is_not_there(house: House) -> None:
    with pytest.raises(DirectoryUnavailable):
        house.join(ca=house.folder / "none.pem")


# Active Directory


AD = {"kind": "ad", "netbios_domain": "CORP", "dns_domain": "corp.test"}


def _ad_user(**more: str) -> Account:
    made = person(1, "alice", "secret", mail="a.archer@example.test")
    del made.attributes["uid"], made.attributes["entryUUID"]
    made.attributes |= {
        "objectClass": [b"user"],
        "objectCategory": [b"person"],
        "objectGUID": [bytes.fromhex("33221100554477668899aabbccddeeff")],
        "sAMAccountName": [b"alice"],
        "userPrincipalName": [b"alice@corp.test"],
        "userAccountControl": [b"512"],
        "accountExpires": [b"9223372036854775807"],
        "proxyAddresses": [b"smtp:al@example.test", b"SMTP:a.archer@example.test", b"X500:/o=x"],
    }
    made.attributes |= {name: [value.encode()] for name, value in more.items()}
    return made


def test_active_directory_names(house: House) -> None:
    house.server.accounts[0] = _ad_user()
    house.join(**AD)
    for user, domain in (
        ("alice", None),
        ("alice", "CORP"),
        ("alice@corp.test", None),
        ("al@example.test", None),
        ("A.Archer@example.test", None),
    ):
        found = house.upstream.verify(user, domain, "secret")
        assert found is not None, user
    assert found.attributes[LINK] == ("00112233-4455-6677-8899-aabbccddeeff",)
    assert found.addresses == ("a.archer@example.test", "al@example.test")
    assert found.account == "alice"
    house.clock.now += 200
    assert house.upstream.verify("alice", None, "secret", known=found) == found
    house.server.stop()
    house.clock.now += 200
    assert house.upstream.verify("alice@corp.test", None, "secret") == found  # by its UPN, from memory
    house.server.start()


@pytest.mark.parametrize(
    ("state", "may"),
    [
        ({"userAccountControl": "514"}, False),
        ({"userAccountControl": "66048"}, True),
        ({"accountExpires": "0"}, True),
        ({"accountExpires": "132000000000000000"}, False),
        ({"accountExpires": "300000000000000000"}, True),
        ({"pwdLastSet": "0"}, False),
        ({"pwdLastSet": "0", "userAccountControl": "66048"}, True),
        ({"pwdLastSet": "132000000000000000"}, True),
    ],
)
def test_active_directory_states(house: House, state: dict[str, str], may: bool) -> None:
    house.server.accounts[0] = _ad_user(**state)
    house.join(**AD)
    assert (house.upstream.verify("alice", None, "secret") is not None) is may
    if not may:
        assert house.server.binds[-1].dn != house.server.accounts[0].dn


def test_a_password_that_must_be_changed_disables_nobody(house: House) -> None:
    house.server.accounts[0] = _ad_user()
    house.join(**AD)
    found = house.upstream.verify("alice", None, "secret")
    assert found is not None
    house.server.accounts[0] = _ad_user(pwdLastSet="0")
    house.clock.now += 200
    assert house.upstream.verify("alice", None, "secret", known=found) is None
    assert house.directory.by_id(found.id) == found
    assert house.upstream.current(found) == found


@pytest.mark.parametrize(("code", "enabled"), [("533", False), ("701", False), ("52e", True), ("775", True)])
def test_active_directory_says_why(house: House, code: str, enabled: bool) -> None:
    house.server.accounts[0] = _ad_user()
    house.join(**AD)
    found = house.upstream.verify("alice", None, "secret")
    assert found is not None
    house.clock.now += 200
    house.server.bind_result = (
        49,
        f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}, v1db1",
    )
    assert house.upstream.verify("alice", None, "secret", known=found) is None
    current = house.directory.by_id(found.id)
    assert current is not None
    assert current.enabled is enabled


def test_no_log_line_names_a_password(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.upstream.verify("alice", None, "hunter2-wrong")
    house.alice()
    house.server.garbage = True
    house.clock.now += 200
    house.upstream.verify("alice", None, "hunter2-wrong", known=house.directory.by_account("alice"))
    assert "hunter2" not in caplog.text
    assert "secret" not in caplog.text
