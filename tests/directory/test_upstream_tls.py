"""Sign-in against an LDAP server by TLS, and settings that cannot work."""

from __future__ import annotations

import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from directory.errors import DirectoryUnavailable
from tests.directory.upstreamhouse import House
from tests.support.authority import Authority
from tests.support.ldapserver import LdapServer, person

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
