"""A running server whose users live in Active Directory (Samba): over IMAP, POP3 and SMTP, by password and by NTLM."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.sasl.ntlmsupport import Pyspnego
from tests.peers.samba import BASE, DNS, NETBIOS, SERVICE, SERVICE_PASSWORD, Samba
from tests.peers.signin import BY_SECRETS, Mail, Once, SignInServer
from tests.support.authority import Authority

CACHE = 2
PORTS = ("imaps", "pop3s", "submissions")


@pytest.fixture(scope="module")
def joined(samba_domain: Samba, authority: Authority) -> Iterator[SignInServer]:
    """Two workers; all of them know what one has verified."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-joined-"))
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(SERVICE_PASSWORD + "\n")
    upstream = {
        "servers": (samba_domain.url,),
        "kind": "ad",
        "ca": authority.file,
        "base": BASE,
        "bind_dn": SERVICE,
        "bind_password_file": password,
        "netbios_domain": NETBIOS,
        "dns_domain": DNS,
        "cache": CACHE,
        "hold_down": 1,
    }
    ntlm = {"winbind": str(samba_domain.ntlm_auth)}
    sections = {"upstream": upstream, "ntlm": ntlm, "auth": {"mechanisms": BY_SECRETS, "tarpit": 0.1}}
    server = SignInServer(folder, users=2, sections=sections)
    server.init()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


class Ntlm:
    """A client's NTLM messages, as signin.Mail wants them."""

    def __init__(self, client: Pyspnego) -> None:
        self._client = client

    def first(self) -> bytes:
        return self._client.negotiate()

    def answer(self, challenge: bytes) -> bytes:
        return self._client.authenticate(challenge)


def plain(server: SignInServer, port: str, login: str, password: str) -> str:
    """Sign in by PLAIN; give what the server says, when it and the mailbox agree."""
    with Mail(server, port) as mail:
        reply = mail.authenticate("PLAIN", Once(f"\0{login}\0{password}".encode()), initial=True)
        account = login.rpartition("\\")[2].partition("@")[0].lower()
        return "yes" if mail.is_signed_in(reply, account) else reply


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("login", ["alice", "ALICE@example.test", f"{NETBIOS}\\alice", f"alice@{DNS}"])
def test_by_password(joined: SignInServer, samba: Samba, port: str, login: str) -> None:
    assert plain(joined, port, login, Samba.password("alice")) == "yes"
    assert plain(joined, port, login, "wrong") != "yes"


@pytest.mark.parametrize("port", PORTS)
def test_accounts_of_this_server_go_on(joined: SignInServer, samba: Samba, port: str) -> None:
    assert plain(joined, port, "sd1", "pass") == "yes"
    assert plain(joined, port, "sd1", "wrong") != "yes"


def ntlm(server: SignInServer, port: str, user: str, domain: str, password: str, account: str) -> bool:
    """Sign in by NTLM, bound to the TLS connection; say whether the server let us in."""
    with Mail(server, port) as mail:
        client = Pyspnego(domain, user, password, mail.end_point)
        return mail.is_signed_in(mail.authenticate("NTLM", Ntlm(client)), account)


@pytest.mark.parametrize(("user", "domain"), [("bob", NETBIOS), ("bob", ""), (f"bob@{DNS}", ""), ("BOB", DNS)])
@pytest.mark.parametrize("port", PORTS)
def test_by_ntlm(joined: SignInServer, samba: Samba, port: str, user: str, domain: str) -> None:
    """Also as the first sign-in of all, which makes the account."""
    assert ntlm(joined, port, user, domain, Samba.password("bob"), "bob"), joined.logged("bob")[-3:]
    assert not ntlm(joined, port, user, domain, "wrong", "bob")


def test_a_namesake_is_not_taken_over(joined: SignInServer, samba: Samba) -> None:
    """sd2 has a password here; somebody of that name there does not get into the mailbox by hers."""
    samba.tool("user", "create", "sd2", "Passw0rd.there", "--mail-address=sd2@example.test")
    assert plain(joined, "imaps", "sd2", "pass") == "yes"
    for login in ("sd2", f"{NETBIOS}\\sd2", f"sd2@{DNS}", "sd2@example.test"):
        assert plain(joined, "imaps", login, "Passw0rd.there") != "yes"
    for user, domain in (("sd2", NETBIOS), ("sd2", ""), (f"sd2@{DNS}", "")):
        assert not ntlm(joined, "imaps", user, domain, "Passw0rd.there", "sd2")


def test_through_a_restart_of_the_domain(joined: SignInServer, samba: Samba) -> None:
    password = Samba.password("alice")
    assert plain(joined, "imaps", "alice", password) == "yes"
    samba.stop()
    time.sleep(CACHE + 0.1)
    for _ in range(8):  # whichever worker it is
        assert plain(joined, "imaps", "alice", password) == "yes"
    assert plain(joined, "imaps", "alice", "wrong") == "a NO AUTHENTICATE failed."
    assert "UNAVAILABLE" in plain(joined, "imaps", "carol", Samba.password("carol"))
    samba.start()
    time.sleep(1.1)
    assert plain(joined, "imaps", "carol", Samba.password("carol")) == "yes"
    assert plain(joined, "imaps", "alice", password) == "yes"


def test_disabled_there_is_refused_here(joined: SignInServer, samba: Samba) -> None:
    password = Samba.password("carol")
    assert plain(joined, "imaps", "carol", password) == "yes"
    samba.tool("user", "disable", "carol")
    try:
        time.sleep(CACHE + 0.1)
        assert plain(joined, "imaps", "carol", password) != "yes"
        assert not ntlm(joined, "submissions", "carol", NETBIOS, password, "carol")
    finally:
        samba.tool("user", "enable", "carol")
    assert plain(joined, "imaps", "carol", password) == "yes"
