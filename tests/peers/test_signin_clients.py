"""Real clients sign in by every mechanism that they have, and what was recorded of it names that mechanism.

fetchmail, swaks and msmtp speak NTLMv1 alone: it is refused, with a line in the log that says why and what to do, and
taken where `oxgate devices allow` lets one account in from one network. [RFC4422] 3.1, 3.2, 3.6.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD
from tests.peers.signin import NETBIOS
from tests.peers.signinoffer import (
    PROTOCOLS,
    SOMEBODY,
    Offer,
    client_certificate,
    curl,
    mutt,
)


@pytest.mark.parametrize("initial", [False, True], ids=["no-ir", "ir"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "NTLM", "XOAUTH2", "OAUTHBEARER", "EXTERNAL"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_curl(offer: Offer, account: str, protocol: str, mechanism: str, initial: bool, tmp_path: Path) -> None:
    options = ["--sasl-ir"] if initial else []
    if mechanism in ("XOAUTH2", "OAUTHBEARER"):
        options += ["-u", f"{account}@{DOMAIN}:", "--oauth2-bearer", offer.token(account)]
    elif mechanism == "EXTERNAL":
        certificate, key = client_certificate(offer.server, tmp_path, f"{account}@{DOMAIN}")
        options += ["-u", f"{account}@{DOMAIN}:", "--cert", str(certificate), "--key", str(key)]
    else:
        options += ["-u", f"{account}:{PASSWORD}"]
    curl(offer, protocol, account, mechanism, *options)
    assert offer.signed_in(account) == mechanism


def test_curl_has_no_scram(offer: Offer) -> None:
    """Debian's curl is built without GNU SASL: were it there, SCRAM would have to be tried above."""
    need("curl")
    if "gsasl" in run("curl", "--version").lower():
        curl(offer, "imap", offer.account(), "SCRAM-SHA-256", "-u", f"{SOMEBODY}:{PASSWORD}")
    else:
        pytest.skip("this curl is built without GNU SASL")


# --- SMTP: swaks, msmtp


def swaks(offer: Offer, user: str, mechanism: str, *options: str, code: int = 0) -> str:
    need("swaks")
    address = f"{user}@{DOMAIN}"
    return run(
        *("swaks", "--server", f"localhost:{offer.server.submission}", "--tls", "--tls-verify"),
        *("--tls-ca-path", offer.server.ca, "--auth", mechanism, "-au", user, "-ap", PASSWORD),
        *("--from", address, "--to", address, *options),
        code=code,
    )


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_swaks(offer: Offer, account: str, mechanism: str) -> None:
    swaks(offer, account, mechanism)
    assert offer.signed_in(account) == mechanism


MSMTP = """
defaults
timeout 20
logfile {folder}/msmtp.log
account test
host localhost
port {port}
from {user}@{domain}
auth {mechanism}
user {user}
tls on
tls_starttls on
tls_trust_file {ca}
{more}
account default : test
"""


def msmtp(offer: Offer, folder: Path, user: str, mechanism: str, more: str = "", code: int = 0) -> str:
    need("msmtp")
    rc = folder / "rc"
    rc.write_text(
        MSMTP.format(
            folder=folder,
            port=offer.server.submission,
            user=user,
            domain=DOMAIN,
            mechanism=mechanism,
            ca=offer.server.ca,
            more=more or f"password {PASSWORD}",
        )
    )
    rc.chmod(0o600)
    to = f"{user}@{DOMAIN}"
    return run("msmtp", "-C", rc, to, stdin=f"Subject: m\n\nby {mechanism}\n", env={"HOME": str(folder)}, code=code)


@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256", "xoauth2", "oauthbearer", "external"])
def test_msmtp(offer: Offer, account: str, mechanism: str, tmp_path: Path) -> None:
    more = ""
    if mechanism in ("xoauth2", "oauthbearer"):
        (tmp_path / "token").write_text(offer.token(account) + "\n")
        more = f"passwordeval cat {tmp_path / 'token'}\nuser {account}@{DOMAIN}"
    elif mechanism == "external":
        certificate, key = client_certificate(offer.server, tmp_path, f"{account}@{DOMAIN}")
        more = f"tls_cert_file {certificate}\ntls_key_file {key}\nuser {account}@{DOMAIN}"
    msmtp(offer, tmp_path, account, mechanism, more)
    assert offer.signed_in(account) == mechanism.upper()


def test_msmtp_with_a_wrong_password(offer: Offer, account: str, tmp_path: Path) -> None:
    msmtp(offer, tmp_path, account, "scram-sha-256", "password wrong", code=77)
    assert offer.server.last_of(account, "refused").mechanism == "SCRAM-SHA-256"


# --- IMAP and POP3: mbsync, fetchmail, neomutt, mutt

MBSYNC = """
IMAPAccount t
Host localhost
Port {port}
User {user}
{secret}
SSLType STARTTLS
CertificateFile {ca}
SystemCertificates no
AuthMechs {mechanism}
Timeout 20
{more}

IMAPStore far
Account t

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns INBOX
Create Near
SyncState *
"""


def mbsync(offer: Offer, folder: Path, user: str, mechanism: str, more: str = "", code: int = 0) -> str:
    need("mbsync")
    (folder / "mail").mkdir(exist_ok=True)
    rc = folder / "rc"
    rc.write_text(
        MBSYNC.format(
            folder=folder,
            port=offer.server.imap,
            user=user,
            ca=offer.server.ca,
            mechanism=mechanism,
            secret=f"Pass {PASSWORD}",
            more=more,
        )
    )
    return run("mbsync", "-D", "-c", rc, "all", env={"HOME": str(folder)}, code=code)


@pytest.mark.parametrize(
    ("mechanism", "recorded"),
    [("PLAIN", "PLAIN"), ("LOGIN", "COMMAND"), ("SCRAM-SHA-256", "SCRAM-SHA-256"), ("EXTERNAL", "EXTERNAL")],
)
def test_mbsync(offer: Offer, account: str, mechanism: str, recorded: str, tmp_path: Path) -> None:
    """`LOGIN` is the command of IMAP to mbsync; the others come from Cyrus SASL."""
    more = ""
    if mechanism == "EXTERNAL":
        certificate, key = client_certificate(offer.server, tmp_path, f"{account}@{DOMAIN}")
        more = f"ClientCertificate {certificate}\nClientKey {key}"
    elif mechanism.startswith("SCRAM") and not any(Path("/usr/lib").glob("*/sasl2/libscram.so")):
        pytest.skip("libsasl2-modules, which has SCRAM, is not installed")
    offer.seed(account)
    mbsync(offer, tmp_path, account, mechanism, more)
    assert (
        len(list((tmp_path / "mail" / "INBOX").glob("*/*seed*"))) or len(list((tmp_path / "mail").rglob("*,U=*"))) == 3
    )
    assert offer.signed_in(account) == recorded


def fetchmail(offer: Offer, folder: Path, user: str, protocol: str, auth: str, more: str = "", code: int = 0) -> str:
    need("fetchmail")
    rc = folder / "rc"
    rc.write_text(
        f"""poll localhost service {getattr(offer.server, protocol)} protocol {protocol.upper()} auth {auth}
  user "{user}" password "{PASSWORD}"
  mda "/bin/sh -c 'cat > $(mktemp {folder}/in.XXXXXX)'"
  sslproto TLS1.2+ sslcertck sslcertfile {offer.server.ca} {more}
  keep
"""
    )
    rc.chmod(0o700)
    args: list[str | Path] = [
        "-v",
        "-f",
        rc,
        "-N",
        "--nosyslog",
        "--idfile",
        folder / "ids",
        "--pidfile",
        folder / "pid",
    ]
    return run("fetchmail", *args, env={"FETCHMAILHOME": str(folder), "HOME": str(folder)}, code=code)


@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_fetchmail(offer: Offer, account: str, protocol: str, tmp_path: Path) -> None:
    offer.seed(account)
    fetchmail(offer, tmp_path, account, protocol, "password")
    assert len(list(tmp_path.glob("in.*"))) == 3
    assert offer.signed_in(account) == "COMMAND"


@pytest.mark.parametrize("program", ["neomutt", "mutt"])
@pytest.mark.parametrize("mechanism", ["plain", "login", "scram-sha-256", "xoauth2", "oauthbearer"])
def test_mutt(offer: Offer, account: str, program: str, mechanism: str, tmp_path: Path) -> None:
    if program == "neomutt" and mechanism == "scram-sha-256":
        pytest.skip("this neomutt takes no mechanism of GNU SASL by its name")
    offer.seed(account)
    login = f"{account}@{DOMAIN}" if mechanism in ("xoauth2", "oauthbearer") else account
    mutt(offer, tmp_path, program, login, account, mechanism)
    assert (tmp_path / "read.txt").read_text().count("token-1") == 1
    assert offer.signed_in(account) == mechanism.upper()


# --- NTLMv1: what knows nothing better


def by_ntlmv1(offer: Offer, client: str, user: str, folder: Path, *, good: bool) -> None:
    """Sign in with a client that speaks NTLMv1; its exit code must say whether it was let in."""
    if client == "swaks":
        need("swaks")
        if "AUTH NTLM not available" in run("swaks", "--support", code=(0, 1)):
            pytest.skip("libauthen-ntlm-perl is not installed")
        swaks(offer, user, "NTLM", "--auth-extra", f"DOMAIN={NETBIOS}", code=0 if good else 28)
    elif client == "msmtp":
        msmtp(offer, folder, user, "ntlm", f"password {PASSWORD}\nntlmdomain {NETBIOS}", code=0 if good else 77)
    elif client == "mutt":
        mutt(offer, folder, "mutt", user, user, "ntlm", patience=30 if good else 4)  # refused, it waits at a prompt
        assert (folder / "read.txt").exists() is good
    elif client == "mbsync":
        if not any(Path("/usr/lib").glob("*/sasl2/libntlm.so")):
            pytest.skip("libsasl2-modules, which has NTLM, is not installed")
        mbsync(offer, folder, user, "NTLM", code=0 if good else 1)
    else:
        fetchmail(offer, folder, user, client.removeprefix("fetchmail-"), "ntlm", code=0 if good else 3)


@pytest.mark.parametrize("client", ["swaks", "msmtp", "fetchmail-imap", "fetchmail-pop3", "mutt", "mbsync"])
def test_ntlmv1(offer: Offer, account: str, client: str, tmp_path: Path) -> None:
    """Refused by default; the command in the log lets the device in, and ends by its date."""
    offer.seed(account)
    by_ntlmv1(offer, client, account, tmp_path, good=False)
    record = offer.server.last_of(account, "refused")
    assert record.mechanism == "NTLMv1"
    assert "make the client use NTLMv2 or a password over TLS" in record.reason
    assert offer.server.logged(f"oxgate devices allow {account}@{DOMAIN} NTLMv1")
    listed = offer.server.oxgate("devices", "--user", f"{account}@{DOMAIN}")
    assert "refused: no rule allows it" in listed
    offer.server.oxgate(
        *("devices", "allow", f"{account}@{DOMAIN}", "NTLMv1", "--network", "127.0.0.1", "--until", "30d"),
        *("--note", f"{client}, until it is replaced"),
    )
    by_ntlmv1(offer, client, account, tmp_path, good=True)
    assert offer.server.last_of(account, "ok", "NTLMv1").address == "127.0.0.1"
    listed = offer.server.oxgate("devices", "--user", f"{account}@{DOMAIN}")
    assert "allowed until" in listed
