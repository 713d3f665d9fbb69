"""Sign-in against an LDAP server: who is who, and what must never happen."""

from __future__ import annotations

import logging

import pytest

from directory.errors import DirectoryUnavailable
from directory.upstream import LINK, STATE
from tests.directory.upstreamhouse import House
from tests.support.ldapserver import person


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


def test_no_log_line_names_a_password(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.upstream.verify("alice", None, "hunter2-wrong")
    house.alice()
    house.server.garbage = True
    house.clock.now += 200
    house.upstream.verify("alice", None, "hunter2-wrong", known=house.directory.by_account("alice"))
    assert "hunter2" not in caplog.text
    assert "secret" not in caplog.text
