"""Sign-in against Active Directory."""

from __future__ import annotations

import pytest

from directory.upstream import LINK
from tests.directory.upstreamhouse import House
from tests.support.ldapserver import Account, person

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
