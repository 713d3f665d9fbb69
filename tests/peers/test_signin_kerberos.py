"""Kerberos end to end: a KDC that the test starts, and clients with tickets instead of passwords.

curl signs in by GSSAPI on IMAP, POP3 and SMTP; it asks for no mutual authentication, and wants the offer of security
layers at once ([RFC4752] 3.1 to 3.3). msmtp does ask for it, so the KDC's answer to that goes first.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.peers.kdc import HOST, REALM, Kdc
from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD
from tests.peers.signin import BY_SECRETS, SignInServer

pytest.importorskip("gssapi", reason="the extra `kerberos` is not installed")

SHARED = "sales"


@dataclass
class Realm:
    """A KDC, and a server that takes its tickets: alice and bob of the realm are users, sales is a shared mailbox."""

    kdc: Kdc
    server: SignInServer

    def curl(
        self,
        protocol: str,
        user: str,
        *options: str,
        ticket: dict[str, str] | None = None,
        code: int | tuple[int, ...] = 0,
    ) -> str:
        """Sign in by `user`'s ticket, or by another's."""
        need("curl")
        if "GSS-API" not in run("curl", "--version"):
            pytest.skip("this curl is built without GSS-API")
        args = ["curl", "-sS", "-m", "20", "--ssl-reqd", "--cacert", str(self.server.ca)]
        args += ["--login-options", "AUTH=GSSAPI", *(options or ("-u", ":"))]
        env = self.kdc.kinit(user) if ticket is None else ticket
        if protocol == "smtp":
            address = f"{user}@{DOMAIN}"
            args += ["--mail-from", address, "--mail-rcpt", address, "-T", "-"]
            args.append(f"smtp://{HOST}:{self.server.submission}")
            return run(*args, stdin="Subject: by ticket\r\n\r\nx\r\n", env=env, code=code)
        args.append(f"{protocol}://{HOST}:{getattr(self.server, protocol)}/")
        return run(*args, env=env, code=code)


@pytest.fixture(scope="module")
def realm() -> Iterator[Realm]:
    folder = Path(tempfile.mkdtemp(prefix="oxgate-realm-"))
    (folder / "kdc").mkdir()
    try:
        kdc = Kdc(folder / "kdc")
        kdc.start()
        try:
            sections = {
                "auth": {"mechanisms": (*BY_SECRETS, "GSSAPI", "GSS-SPNEGO")},
                "kerberos": {"keytab": kdc.keytab, "realms": (f"{REALM}={DOMAIN}",)},
            }
            server = SignInServer(folder / "server", users=2, sections=sections)
            server.folder.mkdir()
            server.init()
            for user in ("alice", "bob"):
                server.oxgate("user", "add", f"{user}@{DOMAIN}", "--password-stdin", stdin=PASSWORD + "\n")
            server.oxgate("mailbox", "create", f"{SHARED}@{DOMAIN}", "--kind", "shared")
            server.oxgate("grant", "full-access", f"{SHARED}@{DOMAIN}", f"alice@{DOMAIN}")
            server.start()
            try:
                yield Realm(kdc, server)
            finally:
                server.stop()
        finally:
            kdc.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("initial", [False, True], ids=["no-ir", "ir"])
@pytest.mark.parametrize("user", ["alice", "bob"])
@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_curl(realm: Realm, protocol: str, user: str, initial: bool) -> None:
    began = len(realm.server.audited(user, "ok", "GSSAPI"))
    if initial and protocol != "imap":
        pytest.skip("curl 7.88 stumbles over its own context where a token is too long to be an initial response")
    realm.curl(protocol, user, "-u", ":", *(["--sasl-ir"] if initial else []))
    record = realm.server.last_of(user, "ok", "GSSAPI", more_than=began)
    assert (record.protocol, record.login) == (protocol, f"{user}@{DOMAIN}")


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_without_a_ticket(realm: Realm, protocol: str) -> None:
    """Nothing to show: curl gives up by itself, and the server has let nobody in."""
    cache = {**realm.kdc.environment, "KRB5CCNAME": f"FILE:{realm.kdc.folder / 'nothing'}"}
    realm.curl(protocol, "alice", ticket=cache, code=94)
    assert not realm.server.audited(outcome="refused", mechanism="GSSAPI")


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_a_ticket_of_nobody(realm: Realm, protocol: str) -> None:
    """A user of the realm who has no account here."""
    if "carol@" not in realm.kdc.admin("listprincs"):
        realm.kdc.admin("addprinc -pw carol-password carol")
    realm.curl(protocol, "alice", ticket=realm.kdc.kinit("carol"), code=67)
    assert realm.server.last_of("carol", "refused", "GSSAPI").reason


def test_a_disabled_account(realm: Realm) -> None:
    realm.server.oxgate("user", "disable", f"bob@{DOMAIN}")
    try:
        realm.curl("imap", "bob", code=67)
        assert realm.server.last_of("bob", "refused", "GSSAPI").reason == "account is disabled"
    finally:
        realm.server.oxgate("user", "enable", f"bob@{DOMAIN}")


MSMTP = """
defaults
timeout 20
account test
host {host}
port {port}
from {user}@{domain}
auth gssapi
user {user}
tls on
tls_starttls on
tls_trust_file {ca}
account default : test
"""


def test_msmtp(realm: Realm, tmp_path: Path) -> None:
    need("msmtp")
    rc = tmp_path / "rc"
    rc.write_text(
        MSMTP.format(host=HOST, port=realm.server.submission, user="alice", domain=DOMAIN, ca=realm.server.ca)
    )
    rc.chmod(0o600)
    began = len(realm.server.audited("alice", "ok", "GSSAPI"))
    env = {**realm.kdc.kinit("alice"), "HOME": str(tmp_path)}
    run("msmtp", "-C", rc, f"alice@{DOMAIN}", stdin="Subject: m\n\nby ticket\n", env=env)
    assert realm.server.last_of("alice", "ok", "GSSAPI", more_than=began).protocol == "smtp"


def test_the_shared_mailbox_by_ticket(realm: Realm) -> None:
    """curl's authorization identity (`--sasl-authzid`) names the mailbox: for who may open it, and for nobody else."""
    shared = ("-u", ":", "--sasl-authzid", f"{SHARED}@{DOMAIN}")
    realm.curl("imap", "alice", *shared)
    assert realm.server.last_of("alice", "ok", "GSSAPI").mailbox
    realm.curl("imap", "bob", *shared, code=67)
