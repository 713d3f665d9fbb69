"""The contract of DirectoryProvider and of its administration, over every kind of database."""

from __future__ import annotations

import stat
import time
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from directory import schema
from directory.errors import (
    DirectoryUnavailable,
    DuplicateAddress,
    InvalidEntry,
    ProviderError,
    UnknownPrincipal,
    WeakOrEmptyPassword,
)
from directory.grants import may_open, may_send_as, may_send_on_behalf
from directory.indexing import matching_values
from directory.model import GrantKind, PrincipalKind
from directory.query import (
    SPELLING,
    And,
    AtLeast,
    AtMost,
    Equal,
    Not,
    Or,
    Prefix,
    Present,
    Substring,
    attribute_key,
    matches,
)
from directory.recipients import expand
from directory.sql import SqlDirectory
from tests.support.examples import examples


def test_a_user_is_found_by_everything_that_names_it(directory):
    alice = directory.add_user("Alice@Example.test", display_name="Alice Archer", aliases=["a.archer@example.test"])
    assert alice.kind is PrincipalKind.USER
    assert alice.account == "Alice"
    assert alice.dn == "CN=Alice Archer,OU=People,DC=example,DC=test"
    assert alice.mailbox_id is not None
    for found in (
        directory.by_address("alice@example.TEST"),
        directory.by_address("A.Archer@example.test"),
        directory.by_account("ALICE"),
        directory.by_guid(alice.guid),
        directory.by_id(alice.id),
        directory.by_mailbox(alice.mailbox_id),
        directory.get("cn=alice archer, ou=people, dc=EXAMPLE, dc=test"),
    ):
        assert found == alice


def test_what_is_not_there_is_none(directory):
    assert directory.by_address("nobody@example.test") is None
    assert directory.by_address("") is None
    assert directory.by_address("alice") is None
    assert directory.by_account("") is None
    assert directory.by_guid(uuid.uuid4()) is None
    assert directory.get("CN=x") is None
    assert directory.get("") is None
    assert directory.members(99) == []
    with pytest.raises(UnknownPrincipal):
        directory.set_enabled(99, True)


@given(text=st.text(max_size=40))
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_text_breaks_a_lookup(directory, text):
    """Lookups get whatever a client sends: none of it may raise."""
    directory.by_address(text)
    directory.by_address(text + "@" + text)
    directory.by_account(text)
    directory.get(text)
    directory.search(Or((Equal("cn", text), Prefix("anr", text), Substring("mail", text, (text,), text))))


def test_international_addresses_have_one_form(directory):
    """[RFC5890] 2.3.2.1: the A-label and the U-label of a domain are the same domain."""
    made = directory.add_user("jos\u00e9@b\u00fccher.test")
    assert directory.by_address("JOSE\u0301@xn--bcher-kva.test") == made


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alice",
        "@example.test",
        "alice@",
        "a b@example.test",
        "a..b@example.test",
        "a\r\n@example.test",
        '"a"@example.test',
        "a" * 65 + "@example.test",
        "a@[127.0.0.1]",
        "a@b@example.test",
        "a@exam ple.test",
        "a\u0085@example.test",
    ],
)
def test_malformed_addresses_are_refused(directory, address):
    """[RFC5321] 4.1.2 and 4.5.3.1.1."""
    with pytest.raises(InvalidEntry):
        directory.add_user(address)


def test_foreign_domains_are_for_contacts_only(directory):
    with pytest.raises(InvalidEntry, match=r"general\.domains"):
        directory.add_user("alice@example.org")
    contact = directory.add(PrincipalKind.CONTACT, "bob@partner.test", display_name="Bob")
    assert contact.mailbox_id is None
    assert contact.account == ""
    assert directory.add_user("bob@example.test").account == "bob"


def test_an_address_belongs_to_one_entry(directory):
    directory.add_user("alice@example.test", aliases=["info@example.test"])
    for address in ("ALICE@example.test", "Info@example.test"):
        with pytest.raises(DuplicateAddress):
            directory.add(PrincipalKind.GROUP, address)
    with pytest.raises(DuplicateAddress, match="twice"):
        directory.add_user("carol@example.test", aliases=["Carol@example.test"])
    with pytest.raises(DuplicateAddress, match="belongs to alice"):
        directory.add_user("dave@example.test", aliases=["INFO@example.test"])
    assert directory.by_address("dave@example.test") is None


def test_same_names_get_their_own_dn_and_account(directory):
    one = directory.add_user("a.smith@example.test", display_name="Smith, A + B")
    two = directory.add_user("a.smith@b\u00fccher.test", display_name="Smith, A + B")
    assert one.dn == r"CN=Smith\, A \+ B,OU=People,DC=example,DC=test"
    three = directory.add_user("other@example.test", display_name="Smith, A + B")
    assert len({one.dn, two.dn, three.dn}) == 3
    assert directory.get(three.dn) == three
    assert two.account == "a.smith@b\u00fccher.test"
    with pytest.raises(DuplicateAddress):
        directory.add_user("x@example.test", account="A.SMITH")


def test_every_kind_with_a_mailbox_has_its_own_number(directory):
    kinds = [kind for kind in PrincipalKind if kind.has_mailbox]
    made = [directory.add(kind, f"m{int(kind)}@example.test") for kind in kinds]
    assert len({one.mailbox_id for one in made}) == len(kinds) == 5
    assert directory.add(PrincipalKind.GROUP, "g@example.test").mailbox_id is None


def test_numbers_are_never_given_twice(directory):
    first = directory.add_user("a@example.test")
    directory.remove(first.id)
    second = directory.add_user("a@example.test")
    assert second.id > first.id
    assert second.mailbox_id > first.mailbox_id
    assert second.guid != first.guid


def test_passwords(directory):
    alice = directory.add_user("alice@example.test", password="correct horse")
    assert directory.verify_password(alice.id, "correct horse")
    assert directory.remembers_password(alice.id, "correct horse")
    assert not directory.verify_password(alice.id, "wrong")
    assert not directory.verify_password(alice.id, "")
    assert not directory.verify_password(12345, "correct horse")
    directory.set_password(alice.id, "p\u00e4ss w\u00f6rd")
    assert not directory.remembers_password(alice.id, "correct horse")
    assert not directory.verify_password(alice.id, "correct horse")
    assert directory.verify_password(alice.id, "pa\u0308ss\u00a0wo\u0308rd")
    for bad in ("", "x" * 1025):
        with pytest.raises(WeakOrEmptyPassword):
            directory.set_password(alice.id, bad)
    shared = directory.add(PrincipalKind.SHARED, "sales@example.test")
    with pytest.raises(InvalidEntry):
        directory.set_password(shared.id, "x")


def test_a_user_without_a_password_cannot_sign_in(directory):
    alice = directory.add_user("alice@example.test")
    assert not directory.verify_password(alice.id, "")
    assert not directory.verify_password(alice.id, "password")


def test_generation_grows_with_every_change_and_other_processes_see_it(directory, reopen):
    other = reopen()
    before = other.generation()
    assert other.by_address("alice@example.test") is None
    alice = directory.add_user("alice@example.test")
    assert directory.generation() > before
    assert other.generation() > before
    assert other.by_address("alice@example.test") == alice
    directory.set_enabled(alice.id, False)
    assert other.by_address("alice@example.test").enabled is False
    assert directory.by_account("alice").enabled is False


def test_an_answer_may_be_as_late_as_the_caller_says(directory, reopen):
    """`within` spares the question for the generation; nobody else gets such an answer, and the bound is kept."""
    other = reopen()
    alice, bob = (directory.add_user(f"{name}@example.test") for name in ("alice", "bob"))
    group = directory.add(PrincipalKind.GROUP, "group@example.test")
    directory.add_member(group.id, alice.id)
    assert other.by_address("alice@example.test") == alice
    assert other.members(group.id) == [alice]
    directory.set_enabled(alice.id, False)
    directory.add_member(group.id, bob.id)
    assert other.by_address("alice@example.test", within=3600) == alice
    assert other.members(group.id, within=3600) == [alice]
    assert expand(other, "group@example.test", within=3600).mailboxes == (alice,)
    time.sleep(0.002)
    assert other.by_address("alice@example.test", within=0.001).enabled is False
    assert len(other.members(group.id, within=3600)) == 2
    directory.set_enabled(alice.id, True)
    assert other.by_address("alice@example.test", within=3600).enabled is False
    assert other.by_address("alice@example.test").enabled is True
    other.set_enabled(alice.id, False)  # a process knows its own changes
    assert other.by_address("alice@example.test", within=3600).enabled is False


def test_names_and_addresses_change(directory, reopen):
    alice = directory.add_user("alice@example.test", display_name="Alice Archer", aliases=["a@example.test"])
    directory.add_user("bob@example.test")
    other = reopen()
    changed = directory.change(alice.id, address="smith@example.test", aliases=["alice@example.test"])
    assert changed.addresses == ("smith@example.test", "alice@example.test")
    assert changed.display_name == "Alice Archer"
    assert directory.change(alice.id, display_name="Alice Smith").addresses == changed.addresses
    for one in (directory, other):
        found = one.by_address("SMITH@example.test")
        assert (found.id, found.display_name, found.dn) == (alice.id, "Alice Smith", alice.dn)
        assert one.by_address("alice@example.test") == found
        assert one.by_address("a@example.test") is None
        assert one.search(Equal("mail", "smith@example.test")) == [found]
        assert one.search(Equal("cn", "Alice Archer")) == []
    for wrong, error in (
        ({"address": "bob@example.test"}, DuplicateAddress),
        ({"aliases": ["bob@example.test"]}, DuplicateAddress),
        ({"aliases": ["smith@example.test"]}, DuplicateAddress),
        ({"address": "smith@elsewhere.test"}, InvalidEntry),
        ({"address": "smith"}, InvalidEntry),
        ({"display_name": "a\0b"}, InvalidEntry),
    ):
        with pytest.raises(error):
            directory.change(alice.id, **wrong)
    assert directory.by_id(alice.id) == found
    with pytest.raises(UnknownPrincipal):
        directory.change(9999, display_name="x")


def test_a_batch_is_all_or_nothing(directory):
    before = directory.generation()

    def fail():
        with directory.batch():
            directory.add_user("a@example.test")
            assert directory.by_address("a@example.test") is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert directory.by_address("a@example.test") is None
    assert directory.generation() == before
    with directory.batch():
        directory.add_user("a@example.test")
        with pytest.raises(ProviderError):
            directory.add_user("A@example.test")
        directory.add_user("b@example.test")
    assert directory.by_address("b@example.test") is not None


def test_groups_expand_to_each_mailbox_once(directory):
    """[RFC5321] 3.9.2; nested groups and circles."""
    alice, bob, carol = (directory.add_user(f"{name}@example.test") for name in ("alice", "bob", "carol"))
    contact = directory.add(PrincipalKind.CONTACT, "x@partner.test")
    outer = directory.add(PrincipalKind.GROUP, "outer@example.test")
    inner = directory.add(PrincipalKind.GROUP, "inner@example.test")
    for group, one in ((outer, inner), (outer, alice), (inner, outer), (inner, bob), (inner, alice), (inner, contact)):
        assert directory.add_member(group.id, one.id)
    assert not directory.add_member(inner.id, bob.id)
    assert directory.add_member(inner.id, carol.id)
    directory.set_enabled(carol.id, False)
    found = expand(directory, "OUTER@example.test")
    assert [one.address for one in found.mailboxes] == ["alice@example.test", "bob@example.test"]
    assert found.contacts == (contact,)
    assert not found.unknown
    assert directory.groups_of(bob.id) == {inner.id, outer.id}
    assert expand(directory, "alice@example.test").mailboxes == (alice,)
    assert expand(directory, "nobody@example.test").unknown
    assert directory.remove_member(inner.id, bob.id)
    assert [one.address for one in expand(directory, "inner@example.test").mailboxes] == ["alice@example.test"]
    for group, one in ((outer, outer), (alice, bob)):
        with pytest.raises(InvalidEntry):
            directory.add_member(group.id, one.id)


def test_grants_to_users_and_groups(directory):
    alice, bob = directory.add_user("alice@example.test"), directory.add_user("bob@example.test")
    sales = directory.add(PrincipalKind.SHARED, "sales@example.test")
    team = directory.add(PrincipalKind.GROUP, "team@example.test")
    contact = directory.add(PrincipalKind.CONTACT, "x@partner.test")
    assert may_open(directory, alice, alice)
    assert not may_open(directory, alice, sales)
    assert directory.grant(GrantKind.FULL_ACCESS, sales.id, alice.id)
    assert not directory.grant(GrantKind.FULL_ACCESS, sales.id, alice.id)
    assert may_open(directory, alice, sales)
    assert not may_send_as(directory, alice, sales)
    assert directory.opened_by((alice.id,)) == [sales]
    directory.add_member(team.id, bob.id)
    directory.grant(GrantKind.SEND_AS, sales.id, team.id)
    assert may_send_as(directory, bob, sales)
    assert may_send_on_behalf(directory, bob, sales)
    assert not may_open(directory, bob, sales)
    directory.grant(GrantKind.SEND_ON_BEHALF, alice.id, bob.id)
    assert may_send_on_behalf(directory, bob, alice)
    assert not may_send_as(directory, bob, alice)
    assert [(one.kind, one.delegate) for one in directory.grants(sales.id)] == [
        (GrantKind.FULL_ACCESS, alice),
        (GrantKind.SEND_AS, team),
    ]
    assert directory.revoke(GrantKind.FULL_ACCESS, sales.id, alice.id)
    assert not directory.revoke(GrantKind.FULL_ACCESS, sales.id, alice.id)
    assert not may_open(directory, alice, sales)
    directory.set_enabled(bob.id, False)
    assert not may_send_as(directory, directory.by_id(bob.id), sales)
    for owner, delegate in ((sales, contact), (contact, alice), (team, alice), (alice, alice)):
        with pytest.raises(InvalidEntry):
            directory.grant(GrantKind.FULL_ACCESS, owner.id, delegate.id)


def test_removal_leaves_nothing_behind(directory):
    alice, bob = directory.add_user("alice@example.test", password="x"), directory.add_user("bob@example.test")
    group = directory.add(PrincipalKind.GROUP, "g@example.test")
    directory.add_member(group.id, alice.id)
    directory.grant(GrantKind.FULL_ACCESS, bob.id, alice.id)
    assert directory.remove(alice.id) == alice
    assert directory.members(group.id) == []
    assert directory.grants(bob.id) == []
    assert directory.search(Present("cn")) == [bob, group]
    assert not directory.verify_password(alice.id, "x")
    with pytest.raises(UnknownPrincipal):
        directory.remove(alice.id)


def test_attributes(directory):
    alice = directory.add_user(
        "alice@example.test", attributes={"surname": ["Archer"], "Department": [" R&D "], "x-y": ["1"]}
    )
    assert alice.attributes == {"sn": ("Archer",), "department": ("R&D",), "x-y": ("1",)}
    directory.set_attributes(alice.id, {"DEPARTMENT": [], "title": ["Dr"], "sn": ["Smith"]})
    again = directory.by_id(alice.id)
    assert again.attributes == {"sn": ("Smith",), "title": ("Dr",), "x-y": ("1",)}
    assert directory.search(Equal("surname", "smith")) == [again]
    assert directory.search(Equal("sn", "Archer")) == []
    for name, value in (("mail", "x@y"), ("bad name", "x"), ("anr", "x"), ("title", "a\0b"), ("title", "\ud800")):
        with pytest.raises(InvalidEntry):
            directory.set_attributes(alice.id, {name: [value]})
    with pytest.raises(InvalidEntry):
        directory.add_user("b@example.test", display_name="a\r\nBcc: x")


def test_search_is_limited_ordered_and_bounded_by_a_base(directory):
    for name in ("Zo\u00eb", "alice", "\u00c5sa", "Bob"):
        directory.add_user(f"u{ord(name[0])}@example.test", display_name=name)
    room = directory.add(PrincipalKind.ROOM, "room@example.test", display_name="Room", hidden=True)
    everyone = Present("cn")
    assert [one.display_name for one in directory.search(everyone)] == ["alice", "\u00c5sa", "Bob", "Zo\u00eb"]
    assert len(directory.search(everyone, limit=2)) == 2
    assert directory.search(everyone, base="OU=Resources,DC=example,DC=test", include_hidden=True) == [room]
    assert directory.search(everyone, base="DC=mple,DC=test", include_hidden=True) == []
    assert directory.search(everyone, base=room.dn, include_hidden=True) == [room]


def test_undefined_is_not_false(directory):
    """[RFC4511] 4.5.1.7: the negation of what is undefined is undefined."""
    alice = directory.add_user("alice@example.test")
    assert directory.search(Not(Equal("nonsense", "x"))) == []
    assert directory.search(Not(Equal("title", "x"))) == [alice]
    assert directory.search(Or((Equal("nonsense", "x"), Equal("cn", "ALICE")))) == [alice]
    assert directory.search(And(())) == [alice]
    assert directory.search(Or(())) == []


WORDS = st.text(alphabet="aAb%_\\* \u00e9\u0301", max_size=4)
NAMES = st.sampled_from(["cn", "sn", "surname", "title", "nonsense"])
LEAVES = st.one_of(
    st.builds(Present, NAMES),
    *(st.builds(kind, NAMES, WORDS) for kind in (Equal, Prefix, AtLeast, AtMost)),
    st.builds(Substring, NAMES, WORDS, st.tuples(WORDS), WORDS),
)
QUERIES = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.builds(Not, part),
        *(st.builds(kind, st.lists(part, max_size=3).map(tuple)) for kind in (And, Or)),
    ),
    max_leaves=6,
)


@given(queries=st.lists(QUERIES, min_size=1, max_size=20))
@settings(max_examples=examples(15), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_database_answers_as_the_plain_evaluation_does(directory, queries):
    if not directory.everyone():
        values = ["a", "A b", "a%b", "\u00e9", "e\u0301 a", "b_\\", "*"]
        for number, value in enumerate(values):
            extra = {"sn": [value, "a"]} if number % 2 else {"title": [value]}
            directory.add_user(f"u{number}@example.test", display_name=value, attributes=extra)
    everyone = directory.everyone()

    def recognised(key: str) -> bool:
        return key in SPELLING

    assert attribute_key("surname") == "sn"
    for query in queries:
        expected = [one for one in everyone if matches(query, matching_values(one), recognised)]
        assert directory.search(query) == expected, query


def test_too_large_queries_are_refused(directory):
    query = Present("cn")
    for _ in range(60):
        query = Not(query)
    with pytest.raises(ValueError, match="levels"):
        directory.search(query)
    with pytest.raises(ValueError, match="parts"):
        directory.search(Or((Present("cn"),) * 2000))


def test_older_schemas_are_upgraded_and_newer_ones_refused(directory, reopen, monkeypatch):
    alice = directory.add_user("alice@example.test")
    version = schema.VERSION
    monkeypatch.setattr(schema, "VERSION", version + 1)
    monkeypatch.setattr(schema, "STEPS", {version + 1: ["CREATE TABLE extra (id {integer} PRIMARY KEY)"]})
    assert reopen().by_address("alice@example.test") == alice
    assert reopen().by_address("alice@example.test") == alice
    monkeypatch.setattr(schema, "VERSION", version)
    with pytest.raises(DirectoryUnavailable, match="newer"):
        reopen()


def test_the_file_belongs_to_its_owner_alone(tmp_path):
    SqlDirectory(tmp_path / "directory.sqlite", domains=[]).close()
    assert stat.S_IMODE((tmp_path / "directory.sqlite").stat().st_mode) == 0o600


def test_the_folder_must_be_there_and_writable(tmp_path):
    with pytest.raises(DirectoryUnavailable, match="no folder"):
        SqlDirectory(tmp_path / "none" / "directory.sqlite", domains=[])
    (tmp_path / "directory.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(DirectoryUnavailable):
        SqlDirectory(tmp_path / "directory.sqlite", domains=[])
