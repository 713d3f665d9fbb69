"""Sign-in rules: which one holds for an account, a mechanism, an address and a moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.errors import InvalidEntry, UnknownPrincipal
from directory.model import PrincipalKind
from directory.networks import parsed_address
from directory.rules import EVERYBODY, MECHANISMS, RuleBook, SignInRule, checked_network

NOW = 1_900_000_000.0


@pytest.fixture
def alice(directory):
    return directory.add_user("alice@example.test")


@pytest.fixture
def bob(directory):
    return directory.add_user("bob@example.test")


def test_no_rule_holds_where_there_is_none(directory, alice):
    assert directory.rule_for(alice.id, "NTLMv1", "192.0.2.1", NOW) is None
    assert directory.signin_rules() == []


def test_a_rule_is_for_one_account_mechanism_and_network_until_a_date(directory, reopen, alice, bob):
    other = reopen()
    assert other.signin_rules() == []
    made = directory.add_signin_rule(
        alice.id, "ntlmv1", network="192.0.2.0/24", until=NOW + 10, allow=True, note="scanner, replaced in March"
    )
    assert (made.mechanism, made.note, made.allow, made.until) == (
        "NTLMv1",
        "scanner, replaced in March",
        True,
        NOW + 10,
    )
    for one in (directory, other):
        assert one.signin_rules() == [made]
        assert one.rule_for(alice.id, "NTLMv1", "192.0.2.77", NOW) == made
        assert one.rule_for(alice.id, "NTLMv1", "::ffff:192.0.2.77", NOW) == made
        for principal, mechanism, address, now in (
            (bob.id, "NTLMv1", "192.0.2.77", NOW),
            (EVERYBODY, "NTLMv1", "192.0.2.77", NOW),
            (alice.id, "NTLM", "192.0.2.77", NOW),
            (alice.id, "NTLM2-SESSION", "192.0.2.77", NOW),
            (alice.id, "NTLMv1", "192.0.3.77", NOW),
            (alice.id, "NTLMv1", "2001:db8::1", NOW),
            (alice.id, "NTLMv1", "", NOW),
            (alice.id, "NTLMv1", "/run/socket", NOW),
            (alice.id, "NTLMv1", "192.0.2.77", NOW + 10),
        ):
            assert one.rule_for(principal, mechanism, address, now) is None
    assert directory.remove_signin_rule(made.number)
    assert not directory.remove_signin_rule(made.number)
    assert other.rule_for(alice.id, "NTLMv1", "192.0.2.77", NOW) is None


def test_the_most_specific_rule_holds(directory, alice, bob):
    def add(principal, network, allow, until=None):
        return directory.add_signin_rule(principal, "PLAIN", network=network, allow=allow, until=until)

    everybody = add(EVERYBODY, "", False)
    office = add(EVERYBODY, "192.0.2.0/24", True)
    own = add(alice.id, "", True)
    own_net = add(alice.id, "192.0.0.0/16", False)
    own_desk = add(alice.id, "192.0.2.7", True, until=NOW + 5)
    for principal, address, now, expected in (
        (bob.id, "198.51.100.1", NOW, everybody),
        (bob.id, "2001:db8::1", NOW, everybody),
        (bob.id, "", NOW, everybody),
        (bob.id, "192.0.2.7", NOW, office),
        (alice.id, "198.51.100.1", NOW, own),
        (alice.id, "2001:db8::1", NOW, own),
        (alice.id, "192.0.2.8", NOW, own_net),
        (alice.id, "192.0.2.7", NOW, own_desk),
        (alice.id, "192.0.2.7", NOW + 5, own_net),
    ):
        assert directory.rule_for(principal, "PLAIN", address, now) == expected
    assert directory.rule_for(alice.id, "LOGIN", "192.0.2.7", NOW) is None


def test_a_new_rule_takes_the_place_of_the_same_one(directory, alice):
    first = directory.add_signin_rule(alice.id, "NTLMv1", network="192.0.2.1", allow=True, until=NOW)
    other = directory.add_signin_rule(alice.id, "NTLMv1", network="192.0.2.2", allow=True)
    second = directory.add_signin_rule(alice.id, "NTLMv1", network="192.0.2.1/32", allow=False)
    assert second.number > other.number > first.number
    assert directory.signin_rules() == [other, second]


def test_rules_go_with_the_account(directory, alice):
    kept = directory.add_signin_rule(EVERYBODY, "NTLM", allow=False)
    directory.add_signin_rule(alice.id, "NTLM", allow=True)
    directory.remove(alice.id)
    assert directory.signin_rules() == [kept]


def test_what_is_wrong_with_a_rule_is_said(directory, alice):
    with pytest.raises(InvalidEntry, match="NTLMv1"):
        directory.add_signin_rule(alice.id, "NTLMv3", allow=True)
    for network in ("192.0.2.1/24", "192.0.2.0/33", "office", "192.0.2", "2001:db8::/129"):
        with pytest.raises(InvalidEntry, match="no network"):
            directory.add_signin_rule(alice.id, "NTLM", network=network, allow=True)
    with pytest.raises(InvalidEntry):
        directory.add_signin_rule(alice.id, "NTLM", note="a\nb", allow=True)
    with pytest.raises(UnknownPrincipal):
        directory.add_signin_rule(999, "NTLM", allow=True)
    group = directory.add(PrincipalKind.GROUP, "all@example.test")
    with pytest.raises(InvalidEntry, match="no user"):
        directory.add_signin_rule(group.id, "NTLM", allow=True)
    assert directory.signin_rules() == []


def test_networks_have_one_form():
    assert [checked_network(text) for text in ("", "*", " everywhere ")] == ["", "", ""]
    assert checked_network("192.0.2.1") == "192.0.2.1/32"
    assert checked_network("2001:DB8:0::/32") == "2001:db8::/32"


NETWORKS = ["", "0.0.0.0/0", "192.0.0.0/16", "192.0.2.0/24", "192.0.2.1/32", "::/0", "2001:db8::/32"]
RULES = st.lists(
    st.builds(
        SignInRule,
        number=st.integers(1, 99),
        principal_id=st.sampled_from([EVERYBODY, 1, 2]),
        mechanism=st.sampled_from(MECHANISMS[:2]),
        network=st.sampled_from(NETWORKS),
        until=st.sampled_from([None, 10.0, 20.0]),
        allow=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda rule: rule.number,
)


@given(
    rules=RULES, principal=st.sampled_from([1, 2, 3]), address=st.sampled_from(["192.0.2.1", "192.0.9.9", "::1", ""])
)
def test_no_other_rule_in_force_is_more_specific(rules, principal, address):
    book = RuleBook(rules)
    found = book.find(principal, "PLAIN", address, 10.0)
    client = parsed_address(address)

    def in_force(rule):
        network = RuleBook([rule]).find(principal, "PLAIN", address, 0.0)
        return network is not None and (rule.until is None or rule.until > 10.0)

    def width(rule):
        return int(rule.network.partition("/")[2]) if rule.network else -1

    candidates = [rule for rule in rules if in_force(rule)]
    if not candidates:
        assert found is None
        return
    assert found in candidates
    for rule in candidates:
        assert (found.principal_id != EVERYBODY, width(found), not found.allow) >= (
            rule.principal_id != EVERYBODY,
            width(rule),
            not rule.allow,
        )
    assert client is not None or found.network == ""
