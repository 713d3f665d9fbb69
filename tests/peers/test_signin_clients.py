"""Real clients sign in by every mechanism that they have, and what was recorded of it names that mechanism.

fetchmail, swaks and msmtp speak NTLMv1 alone: it is refused, with a line in the log that says why and what to do, and
taken where `oxgate devices allow` lets one account in from one network. Tokens come from an issuer that the test runs
over HTTPS. [RFC4422] 3.1, 3.2, 3.6; [MS-OXIMAP4] 2.2.2.
"""

from __future__ import annotations

import base64
import datetime
import hmac
import json
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import scramp
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD
from tests.peers.signin import BY_SECRETS, NETBIOS, REFUSED, Mail, Once, SignInServer
from tests.support.issuer import EC, OTHER_RSA, RSA, Issuer, running_issuer

SHARED = "sales"
SOMEBODY, STRANGER = "sd109", "sd110"
"""Accounts that no test has for its own; the second may open no mailbox but its own."""
PROTOCOLS = ["imap", "pop3", "smtp"]

NO_OAUTHBEARER = "127.0.0.2"
"""Clients at this address may use XOAUTH2 and not OAUTHBEARER: curl takes the latter whenever it is on offer."""


@dataclass
class Offer:
    """The server, the issuer that it trusts, and where clients may keep files."""

    server: SignInServer
    issuer: Issuer
    seeded: float = 0.0

    def account(self) -> str:
        """An account of the test's own."""
        return self.server.account()

    def seed(self, user: str) -> None:
        """Put three messages into an account; that sign-in counts for nothing."""
        self.server.seed(user)
        self.seeded = time.time()

    def signed_in(self, user: str) -> str:
        """The mechanism by which an account signed in last, as the audit has it."""
        return self.server.last_of(user, "ok", since=self.seeded).mechanism

    def token(self, user: str, **changes: Any) -> str:
        """A good token of an account."""
        return self.issuer.token(**{"preferred_username": f"{user}@{DOMAIN}", **changes})


@pytest.fixture(scope="module")
def offer() -> Iterator[Offer]:
    """A server that offers everything; `sd1` has full access to the shared mailbox."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-clients-"))
    (folder / "issuer").mkdir()
    with running_issuer(folder / "issuer") as issuer:
        sections: dict[str, dict[str, Any]] = {
            "auth": {"mechanisms": (*BY_SECRETS, "XOAUTH2", "OAUTHBEARER", "EXTERNAL")},
            "oauth": {"issuer": issuer.url, "ca": issuer.ca_file, "audience": ("mail",)},
            "tls": {"client_ca": folder / "data" / "tls" / "ca.pem"},
        }
        server = SignInServer(folder, sections=sections, users=110, networks={NO_OAUTHBEARER: ("PLAIN", "XOAUTH2")})
        server.init()
        server.oxgate("mailbox", "create", f"{SHARED}@{DOMAIN}", "--kind", "shared")
        server.start()
        yield Offer(server, issuer)
        server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def account(offer: Offer) -> str:
    return offer.account()


# --- curl


def curl(offer: Offer, protocol: str, user: str, mechanism: str, *options: str, code: int | tuple[int, ...] = 0) -> str:
    """One curl by STARTTLS; SMTP sends a message to the same account."""
    need("curl")
    server, args = offer.server, ["curl", "-sS", "-m", "20", "--ssl-reqd", "--cacert", str(offer.server.ca)]
    args += ["--login-options", f"AUTH={mechanism}", *options]
    if mechanism == "XOAUTH2":
        args += ["--interface", NO_OAUTHBEARER]
    if protocol == "smtp":
        address = f"{user.partition('@')[0]}@{DOMAIN}"
        args += ["--mail-from", address, "--mail-rcpt", address, "-T", "-", f"smtp://localhost:{server.submission}"]
        return run(*args, stdin="Subject: by curl\r\n\r\nx\r\n", code=code)
    args.append(f"{protocol}://localhost:{getattr(server, protocol)}/")
    return run(*args, code=code)


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


# --- tokens


def key_confusion(offer: Offer, user: str) -> str:
    """A token signed by HS256 with the issuer's public key for a secret."""
    claims = offer.issuer.claims(preferred_username=f"{user}@{DOMAIN}")
    parts = ({"alg": "HS256", "kid": "rsa", "typ": "JWT"}, claims)
    signed = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    digest = hmac.digest(RSA.as_pem(private=False), signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def unsigned(offer: Offer, user: str) -> str:
    """A token with `alg: none` ([RFC7519] 6)."""
    claims = offer.issuer.claims(preferred_username=f"{user}@{DOMAIN}")
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


BAD_TOKENS: dict[str, tuple[Callable[[Offer, str], str], str]] = {
    "expired": (lambda offer, user: offer.token(user, exp=int(time.time()) - 3600), "expired"),
    "not valid yet": (lambda offer, user: offer.token(user, nbf=int(time.time()) + 3600), "not valid for another"),
    "another audience": (lambda offer, user: offer.token(user, aud="calendar"), "another audience"),
    "another issuer": (lambda offer, user: offer.token(user, iss="https://evil.example"), "another issuer"),
    "issuer in capitals": (lambda offer, user: offer.token(user, iss=offer.issuer.url.upper()), "another issuer"),
    "names nobody": (lambda offer, user: offer.token(user, preferred_username=None), "names no account"),
    "wrong signature": (lambda offer, user: offer.token(user, key=OTHER_RSA), "wrong signature"),
    "alg none": (unsigned, "algorithm 'none' is not allowed"),
    "key confusion": (key_confusion, "algorithm 'HS256' is not allowed"),
    "somebody else's": (lambda offer, user: offer.token(STRANGER), "no full access"),
    "no token at all": (lambda offer, user: "nonsense", "not a signed JSON Web Token"),
}


@pytest.mark.parametrize("bad", BAD_TOKENS)
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bad_tokens(offer: Offer, protocol: str, mechanism: str, bad: str) -> None:
    """curl is refused; the reason is in the audit, and not in the reply.

    [RFC7519] 4.1.1, 4.1.3, 4.1.4, 4.1.5, 4.3, 6, 7.2, 7.3, 8; [RFC7628] 3, 3.1.1, 3.2, 3.2.1.
    """
    make, reason = BAD_TOKENS[bad]
    account, began = SOMEBODY, time.time()
    token = make(offer, account)
    said = curl(
        *(offer, protocol, account, mechanism, "-v", "-u", f"{account}@{DOMAIN}:", "--oauth2-bearer", token), code=67
    )
    assert reason not in said
    if mechanism == "OAUTHBEARER":
        assert REFUSED[protocol].removeprefix("a ") in said
    else:  # curl hangs up at the error challenge, and never sees the refusal; others do
        with Mail(offer.server, {"imap": "imaps", "pop3": "pop3s", "smtp": "submissions"}[protocol]) as mail:
            reply = mail.authenticate("XOAUTH2", Once(f"user={account}@{DOMAIN}\1auth=Bearer {token}\1\1".encode()))
            assert reply.startswith(REFUSED[protocol])
    end = time.monotonic() + 5
    while not any(
        one.at >= began and one.protocol == protocol and reason in one.reason
        for one in offer.server.audited(outcome="refused", mechanism=mechanism)
    ):
        assert time.monotonic() < end, offer.server.audited()[-3:]
        time.sleep(0.1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_hanging_up_leaves_a_trace(offer: Offer, account: str, protocol: str) -> None:
    """curl hangs up at the error challenge of XOAUTH2: refused it was all the same."""
    token, began = offer.token(account, exp=1), time.time()
    curl(offer, protocol, account, "XOAUTH2", "-u", f"{account}@{DOMAIN}:", "--oauth2-bearer", token, code=67)
    assert "expired" in offer.server.last_of(account, "refused", "XOAUTH2", since=began).reason


@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
@pytest.mark.parametrize("end", [b"\1", b"", b"anything"], ids=["kvsep", "empty", "dummy"])
def test_the_error_challenge(offer: Offer, account: str, protocol: str, end: bytes) -> None:
    """[RFC7628] 3.2.2, 3.2.3, 4.3: JSON, then a line of the client, whatever it is, then the refusal."""
    token = offer.token(account, exp=1)
    exchange = Once(f"n,a={account}@{DOMAIN},\1auth=Bearer {token}\1\1".encode(), end)
    with Mail(offer.server, protocol) as mail:
        reply = mail.authenticate("OAUTHBEARER", exchange)
        assert reply.startswith(REFUSED[mail.protocol])
        (challenge,) = exchange.challenges
        assert json.loads(challenge) == {
            "status": "invalid_token",
            "openid-configuration": f"{offer.issuer.url}/.well-known/openid-configuration",
        }
        assert not mail.is_signed_in(reply, account)


@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
def test_a_long_token(offer: Offer, account: str, protocol: str) -> None:
    """Tokens with many groups: 12 KiB."""
    token = offer.token(account, groups=["x" * 8_700])
    assert 11_500 < len(token) <= 12_288
    exchange = Once(f"user={account}@{DOMAIN}\1auth=Bearer {token}\1\1".encode())
    with Mail(offer.server, protocol) as mail:
        assert mail.is_signed_in(mail.authenticate("XOAUTH2", exchange, initial=protocol != "pop3s"), account)


# --- SCRAM, by scramp: no client here has the variant with channel binding


@dataclass
class Scram:
    """The client's side of SCRAM; it also checks that the server knows the password."""

    client: scramp.ScramClient
    salt: bytes = b""
    done: bool = False

    def first(self) -> bytes:
        return self.client.get_client_first().encode()  # type: ignore[no-any-return]

    def answer(self, challenge: bytes) -> bytes:
        if not challenge.startswith(b"v="):
            self.salt = challenge.partition(b",s=")[2].partition(b",")[0]
            self.client.set_server_first(challenge.decode())
            return self.client.get_client_final().encode()  # type: ignore[no-any-return]
        self.client.set_server_final(challenge.decode())
        self.done = True
        return b""


@pytest.mark.parametrize("initial", [False, True], ids=["no-ir", "ir"])
@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
class TestScram:
    """[RFC5802] 2.2, 4, 5, 6, 6.1; [RFC7677] 3, 4; [RFC5929] 4.1."""

    @pytest.mark.parametrize("bound", [False, True], ids=["unbound", "bound"])
    def test_good(self, offer: Offer, protocol: str, bound: bool, initial: bool) -> None:
        name = "SCRAM-SHA-256-PLUS" if bound else "SCRAM-SHA-256"
        began = time.time()
        with Mail(offer.server, protocol) as mail:
            assert name in mail.capabilities.replace("\n", " ").replace("=", " ").split()
            binding = ("tls-server-end-point", mail.end_point) if bound else None
            exchange = Scram(scramp.ScramClient([name], SOMEBODY, PASSWORD, channel_binding=binding))
            reply = mail.authenticate(name, exchange, initial=initial)
            assert mail.is_signed_in(reply, SOMEBODY)
            assert exchange.done
        assert offer.server.last_of(SOMEBODY, "ok", since=began).mechanism == name

    @pytest.mark.parametrize("wrong", ["password", "user", "binding"])
    def test_wrong(self, offer: Offer, protocol: str, wrong: str, initial: bool) -> None:
        """Whoever does not exist gets a salt like anybody else, the same each time."""
        user = "nobody" if wrong == "user" else SOMEBODY
        password = "wrong" if wrong == "password" else PASSWORD
        name = "SCRAM-SHA-256-PLUS" if wrong == "binding" else "SCRAM-SHA-256"
        binding = ("tls-server-end-point", bytes(32)) if wrong == "binding" else None
        salts = set()
        for _ in range(2):
            with Mail(offer.server, protocol) as mail:
                exchange = Scram(scramp.ScramClient([name], user, password, channel_binding=binding))
                reply = mail.authenticate(name, exchange, initial=initial)
                assert reply.startswith(REFUSED[mail.protocol])
                assert not mail.is_signed_in(reply, user)
                salts.add(exchange.salt)
        assert len(salts) == 1


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


MUTT = """
set imap_user="{user}"
set imap_pass="{password}"
{oauth}
set folder="imap://localhost:{imap}/"
set spoolfile="+INBOX"
set imap_authenticators="{mechanism}"
set ssl_starttls=yes
set ssl_force_tls=yes
set certificate_file="{ca}"
set smtp_url="smtp://{smtp_user}@localhost:{smtp}/"
set smtp_pass="{password}"
set smtp_authenticators="{mechanism}"
set from="{user}@{domain}"
set use_from=yes
set envelope_from=yes
set hostname="client.{domain}"
set record=""
set wait_key=no
set quit=yes
set delete=no
set move=no
set net_inc=0
set sleep_time=0
set timeout=3
set imap_check_subscribed=no
set crypt_use_gpgme=no
"""


def mutt(
    offer: Offer, folder: Path, program: str, login: str, user: str, mechanism: str, *, patience: int = 30
) -> None:
    """Read the message with `token-1` in its text, and write it to a file."""
    need(program, "script")
    rc, plan = folder / "rc", folder / "plan"
    # neomutt takes a token of 768 octets in base64 at most: a short signature, and no claim that need not be there.
    token = offer.token(user, key=EC, header={"alg": "ES256", "typ": None}, scope=None, sub=None, nbf=None, iat=None)
    (folder / "token").write_text(token + "\n")
    oauth = f'set imap_oauth_refresh_command="cat {folder}/token"' if "oauth" in mechanism else ""
    rc.write_text(
        MUTT.format(
            oauth=oauth,
            user=login,
            smtp_user=login.replace("@", "%40").replace("/", "%2F"),
            password=PASSWORD,
            imap=offer.server.imap,
            smtp=offer.server.submission,
            mechanism=mechanism,
            ca=offer.server.ca,
            domain=DOMAIN,
        )
    )
    plan.write_text(f'push "<limit>=b token-1<enter><pipe-message>cat > {folder}/read.txt<enter><quit>"\n')
    command = f"{program} -n -F {shlex.quote(str(rc))} -e 'source {plan}'"
    env = {"HOME": str(folder), "TERM": "xterm"}
    run("timeout", str(patience), "script", "-qec", command, folder / "typescript", env=env, timeout=60, code=(0, 124))


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


# --- delegates


@pytest.fixture(scope="module")
def delegate(offer: Offer) -> str:
    """An account with full access to the shared mailbox, which holds three messages."""
    user = offer.account()
    offer.server.oxgate("grant", "full-access", f"{SHARED}@{DOMAIN}", f"{user}@{DOMAIN}")
    offer.seed(f"{user}@{DOMAIN}/{SHARED}")
    return user


FORMS: dict[str, Callable[[str], str]] = {
    "domain, alias, alias": lambda user: f"{NETBIOS}/{user}/{SHARED}",
    "domain, alias, UPN": lambda user: f"{NETBIOS}/{user}/{SHARED}@{DOMAIN}",
    "UPN, alias": lambda user: f"{user}@{DOMAIN}/{SHARED}",
    "UPN, UPN": lambda user: f"{user}@{DOMAIN}/{SHARED}@{DOMAIN}",
    "backslashes": lambda user: f"{NETBIOS}\\{user}\\{SHARED}",
}


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("protocol", ["imap", "pop3"])
def test_curl_opens_a_shared_mailbox(offer: Offer, delegate: str, protocol: str, form: str, mechanism: str) -> None:
    """[MS-OXIMAP4] 2.2.2, [MS-OXPOP3] 2.2.2: the four forms, and the one with backslashes that people write."""
    login = FORMS[form](delegate)
    more = ["-X", "STATUS INBOX (MESSAGES)"] if protocol == "imap" else []
    said = curl(offer, protocol, delegate, mechanism, "-u", f"{login}:{PASSWORD}", *more)
    assert "MESSAGES 3" in said if protocol == "imap" else len(said.splitlines()) == 3
    stranger = FORMS[form](STRANGER)
    curl(offer, protocol, STRANGER, mechanism, "-u", f"{stranger}:{PASSWORD}", code=67)


def test_a_shared_mailbox_by_token(offer: Offer, delegate: str) -> None:
    """XOAUTH2's `user` names the mailbox, the token who opens it."""
    said = curl(
        *(offer, "imap", delegate, "XOAUTH2", "-u", f"{SHARED}@{DOMAIN}:", "--oauth2-bearer", offer.token(delegate)),
        *("-X", "STATUS INBOX (MESSAGES)"),
    )
    assert "MESSAGES 3" in said
    assert offer.server.last_of(delegate, "ok", "XOAUTH2").mailbox == f"{SHARED}@{DOMAIN}"


@pytest.mark.parametrize("program", ["neomutt", "mutt"])
def test_mutt_opens_a_shared_mailbox(offer: Offer, delegate: str, program: str, tmp_path: Path) -> None:
    mutt(offer, tmp_path, program, f"{delegate}@{DOMAIN}/{SHARED}", delegate, "login")
    assert (tmp_path / "read.txt").read_text().count("token-1") == 1


# --- certificates


def client_certificate(
    server: SignInServer, folder: Path, address: str, *, authority: Path | None = None
) -> tuple[Path, Path]:
    """Issue a client's certificate for an address by the authority that `oxgate init` made."""
    tls = authority or server.ca.parent
    ca = x509.load_pem_x509_certificate((tls / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((tls / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A client")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    paths = folder / "client.pem", folder / "client.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].touch(mode=0o600)
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


@pytest.mark.parametrize("protocol", ["imaps", "pop3s", "submissions"])
class TestExternal:
    """[RFC4422] appendix A.1: who shows a certificate of tls.client_ca is whose address is in it."""

    def test_good(self, offer: Offer, account: str, protocol: str, tmp_path: Path) -> None:
        certificate = client_certificate(offer.server, tmp_path, f"{account}@{DOMAIN}")
        for initial in (False, True):
            with Mail(offer.server, protocol, certificate) as mail:
                assert "EXTERNAL" in mail.capabilities
                assert mail.is_signed_in(mail.authenticate("EXTERNAL", Once(b""), initial=initial), account)

    def test_another_mailbox(self, offer: Offer, account: str, delegate: str, protocol: str, tmp_path: Path) -> None:
        """The authorization identity ([RFC4422] 3.4.1): the shared mailbox for its delegate, for nobody else."""
        wanted = f"{SHARED}@{DOMAIN}".encode()
        for user, good in ((delegate, True), (account, False)):
            certificate = client_certificate(offer.server, tmp_path, f"{user}@{DOMAIN}")
            with Mail(offer.server, protocol, certificate) as mail:
                reply = mail.authenticate("EXTERNAL", Once(wanted))
                assert reply.startswith(REFUSED[mail.protocol]) is not good

    def test_nobody(self, offer: Offer, protocol: str, tmp_path: Path) -> None:
        certificate = client_certificate(offer.server, tmp_path, f"nobody@{DOMAIN}")
        with Mail(offer.server, protocol, certificate) as mail:
            assert mail.authenticate("EXTERNAL", Once(b"")).startswith(REFUSED[mail.protocol])

    def test_without_one(self, offer: Offer, protocol: str) -> None:
        """It is not on offer then."""
        with Mail(offer.server, protocol) as mail:
            assert "EXTERNAL" not in mail.capabilities
            assert not mail.is_signed_in(mail.authenticate("EXTERNAL", Once(b"")), SOMEBODY)
