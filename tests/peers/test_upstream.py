"""Accounts that live in OpenLDAP or in Active Directory (Samba) sign in here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from directory.credentials import Hasher
from directory.errors import DirectoryUnavailable
from directory.model import Principal
from directory.sql import SqlDirectory
from directory.upstream import Upstream
from directory.upstreamsettings import UpstreamSettings
from tests.peers import samba as samba_peer
from tests.peers import slapd as slapd_peer
from tests.peers.samba import Samba
from tests.peers.slapd import Slapd
from tests.support.authority import Authority

HOLD_DOWN = 0.3


@dataclass
class Here:
    """A directory of this server, joined to a server there."""

    folder: Path
    settings: dict[str, Any]
    provisioned: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        hasher = Hasher(memory=8, passes=1)
        self.directory = SqlDirectory(self.folder / "directory.sqlite", domains=["example.test"], hasher=hasher)
        self.upstream = self.join()

    def join(self, **more: Any) -> Upstream:
        if hasattr(self, "upstream"):
            self.upstream.close()
        settings = UpstreamSettings(**{**self.settings, **more})
        self.upstream = Upstream(settings, self.directory, lambda one: self.provisioned.append(one.address))
        return self.upstream

    def find(self, login: str) -> Principal | None:
        """Find an account here as sign-in does."""
        return self.directory.by_address(login if "@" in login else f"{login}@example.test")

    def sign_in(self, login: str, password: str) -> Principal | None:
        """Sign in as LogonService does: who is linked, or unknown here, is asked about there."""
        domain, slash, user = login.rpartition("\\")
        return self.upstream.verify(user, domain if slash else None, password, known=self.find(user))

    def close(self) -> None:
        self.upstream.close()
        self.directory.close()


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    return tmp_path / "password"


@pytest.fixture
def by_slapd(tmp_path: Path, slapds: tuple[Slapd, Slapd], authority: Authority, password_file: Path) -> Iterator[Here]:
    password_file.write_text(slapd_peer.SERVICE_PASSWORD + "\n")
    settings = {
        "servers": [one.url for one in slapds],
        "base": slapd_peer.BASE,
        "bind_dn": slapd_peer.SERVICE,
        "filter": "(!(loginShell=/bin/false))",
    }
    made = Here(tmp_path, {**_common(authority, password_file), **settings})
    yield made
    made.close()


@pytest.fixture
def by_samba(tmp_path: Path, samba: Samba, authority: Authority, password_file: Path) -> Iterator[Here]:
    password_file.write_text(samba_peer.SERVICE_PASSWORD + "\n")
    settings = {
        "kind": "ad",
        "servers": [samba.url],
        "base": samba_peer.BASE,
        "bind_dn": samba_peer.SERVICE,
        "netbios_domain": samba_peer.NETBIOS,
        "dns_domain": samba_peer.DNS,
    }
    made = Here(tmp_path, {**_common(authority, password_file), **settings})
    yield made
    made.close()


def _common(authority: Authority, password_file: Path) -> dict[str, Any]:
    return {
        "ca": authority.file,
        "bind_password_file": password_file,
        "default_domain": "example.test",
        "hold_down": HOLD_DOWN,
        "cache": 0.0,
        "outage": 60.0,
    }


# slapd


@pytest.mark.parametrize("login", ["alice", "ALICE", "alice@example.test", "Alice.Archer@Example.test", ".\\alice"])
def test_slapd_name_forms(by_slapd: Here, login: str) -> None:
    for _ in range(2):  # by name, then by the link
        found = by_slapd.sign_in(login, Slapd.password("alice"))
        assert found is not None
        assert found.addresses == ("alice@example.test", "alice.archer@example.test")
        assert (found.account, found.display_name) == ("alice", "Alice Archer")
    assert by_slapd.provisioned == ["alice@example.test"] * 2
    assert by_slapd.sign_in(login, "wrong") is None


@pytest.mark.parametrize("servers", ["tls_url", "url"])
def test_slapd_over_tls(by_slapd: Here, slapds: tuple[Slapd, Slapd], tmp_path: Path, servers: str) -> None:
    by_slapd.join(servers=[getattr(slapds[0], servers)])
    assert by_slapd.sign_in("alice", Slapd.password("alice")) is not None
    other = tmp_path / "other"
    other.mkdir()
    by_slapd.join(servers=[getattr(slapds[0], servers)], ca=Authority(other).file)
    with pytest.raises(DirectoryUnavailable):
        by_slapd.sign_in("bob", Slapd.password("bob"))


def test_slapd_that_demands_tls(by_slapd: Here) -> None:
    by_slapd.join(starttls=False)
    with pytest.raises(DirectoryUnavailable):
        by_slapd.sign_in("alice", Slapd.password("alice"))


@pytest.mark.parametrize("password", ["", "wrong", "\u00ad", "alice p\u00e4ssword", "\0"])
def test_slapd_refuses(by_slapd: Here, password: str) -> None:
    for login in ("alice", "nobody", "alice*", "*", "mail", "alice@elsewhere.test", "CORP\\alice"):
        assert by_slapd.sign_in(login, password) is None
    assert by_slapd.directory.everyone() == []


def test_slapd_disabled_deleted_and_back(by_slapd: Here, slapds: tuple[Slapd, Slapd]) -> None:
    by_slapd.join(servers=[slapds[0].url])
    password = Slapd.password("bob")
    assert by_slapd.sign_in("bob", password) is not None
    slapds[0].modify("bob", loginShell="/bin/false")
    assert by_slapd.sign_in("bob", password) is None
    assert by_slapd.find("bob").enabled is False  # type: ignore[union-attr]  # it is there
    slapds[0].modify("bob", loginShell="/bin/sh")
    assert by_slapd.sign_in("bob", password) is not None
    assert by_slapd.find("bob").enabled is True  # type: ignore[union-attr]  # it is there
    slapds[0].delete("bob")
    assert by_slapd.sign_in("bob", password) is None
    assert by_slapd.find("bob").enabled is False  # type: ignore[union-attr]  # it is there


def test_slapd_new_password(by_slapd: Here, slapds: tuple[Slapd, Slapd]) -> None:
    by_slapd.join(servers=[slapds[0].url])
    assert by_slapd.sign_in("carol", Slapd.password("carol")) is not None
    slapds[0].modify("carol", userPassword="another one")
    assert by_slapd.sign_in("carol", Slapd.password("carol")) is None
    assert by_slapd.sign_in("carol", "another one") is not None


def test_slapd_failover_and_restart(by_slapd: Here, slapds: tuple[Slapd, Slapd]) -> None:
    one, two = slapds
    password = Slapd.password("alice")
    first = by_slapd.sign_in("alice", password)
    assert first is not None
    one.stop()
    assert by_slapd.sign_in("alice", password) == first
    assert by_slapd.sign_in("bob", Slapd.password("bob")) is not None  # nobody remembers bob: the second server said so
    two.stop()
    assert by_slapd.sign_in("alice", password) == first  # from memory
    assert by_slapd.sign_in("alice", "wrong") is None
    with pytest.raises(DirectoryUnavailable):
        by_slapd.sign_in("carol", Slapd.password("carol"))
    one.start()
    time.sleep(HOLD_DOWN + 0.1)
    assert by_slapd.sign_in("carol", Slapd.password("carol")) is not None
    one.modify("alice", userPassword="another one")
    assert by_slapd.sign_in("alice", password) is None
    one.stop()
    with pytest.raises(DirectoryUnavailable):
        by_slapd.sign_in("alice", password)  # the server had refused it: it is no longer remembered


# Samba


@pytest.mark.parametrize(
    "login",
    [
        "alice",
        "Alice",
        "CORP\\alice",
        "corp.example.test\\alice",
        "alice@corp.example.test",
        "alice@example.test",
        "alice.archer@example.test",
    ],
)
def test_samba_name_forms(by_samba: Here, login: str) -> None:
    for _ in range(2):
        found = by_samba.sign_in(login, Samba.password("alice"))
        assert found is not None
        assert found.addresses == ("alice@example.test", "alice.archer@example.test")
        assert (found.account, found.display_name) == ("alice", "Alice Archer")
    assert by_samba.sign_in(login, "wrong") is None


def test_samba_over_ldaps(by_samba: Here, samba: Samba) -> None:
    by_samba.join(servers=[samba.tls_url])
    assert by_samba.sign_in("alice", Samba.password("alice")) is not None


def test_samba_takes_no_password_without_tls(by_samba: Here) -> None:
    by_samba.join(starttls=False)
    with pytest.raises(DirectoryUnavailable):
        by_samba.sign_in("alice", Samba.password("alice"))


@pytest.mark.parametrize("password", ["", "wrong", "\u00ad", "\0"])
def test_samba_refuses(by_samba: Here, password: str) -> None:
    for login in ("alice", "nobody", "a*", "CORP\\nobody", "DC1$", "krbtgt", "OTHER\\alice"):
        assert by_samba.sign_in(login, password) is None
    assert by_samba.directory.everyone() == []


def test_samba_disabled_and_back(by_samba: Here, samba: Samba) -> None:
    password = Samba.password("bob")
    assert by_samba.sign_in("bob", password) is not None
    samba.tool("user", "disable", "bob")
    assert by_samba.sign_in("bob", password) is None
    assert by_samba.find("bob").enabled is False  # type: ignore[union-attr]  # it is there
    samba.tool("user", "enable", "bob")
    assert by_samba.sign_in("bob", password) is not None
    assert by_samba.find("bob").enabled is True  # type: ignore[union-attr]  # it is there


def test_samba_expired_and_to_be_changed(by_samba: Here, samba: Samba) -> None:
    password = Samba.password("carol")
    assert by_samba.sign_in("carol", password) is not None
    samba.modify("carol", accountExpires="132000000000000000")
    assert by_samba.sign_in("carol", password) is None
    assert by_samba.find("carol").enabled is False  # type: ignore[union-attr]  # it is there
    samba.modify("carol", accountExpires="0")
    assert by_samba.sign_in("carol", password) is not None
    samba.modify("carol", pwdLastSet="0")
    assert by_samba.sign_in("carol", password) is None
    assert by_samba.find("carol").enabled is True  # type: ignore[union-attr]  # it is there
    samba.modify("carol", pwdLastSet="-1")
    assert by_samba.sign_in("carol", password) is not None


def test_samba_new_password_then_deleted(by_samba: Here, samba: Samba) -> None:
    assert by_samba.sign_in("dave", Samba.password("dave")) is not None
    samba.tool("user", "setpassword", "dave", "--newpassword=another one")
    assert by_samba.sign_in("dave", "another one") is not None
    samba.tool("user", "delete", "dave")
    assert by_samba.sign_in("dave", "another one") is None
    assert by_samba.find("dave").enabled is False  # type: ignore[union-attr]  # it is there


def test_samba_restart_and_failover(by_samba: Here, samba: Samba) -> None:
    nowhere = f"ldap://{samba.address}:9"
    by_samba.join(servers=[nowhere, samba.tls_url])
    password = Samba.password("alice")
    first = by_samba.sign_in("alice", password)
    assert first is not None
    samba.stop()
    for login in ("alice", "alice@corp.example.test", "CORP\\alice"):
        assert by_samba.sign_in(login, password) == first
        assert by_samba.sign_in(login, "wrong") is None
    with pytest.raises(DirectoryUnavailable):
        by_samba.sign_in("bob", Samba.password("bob"))
    samba.start()
    time.sleep(HOLD_DOWN + 0.1)
    assert by_samba.sign_in("bob", Samba.password("bob")) is not None
    assert by_samba.sign_in("alice", "wrong") is None
    assert by_samba.sign_in("alice", password) == first
