"""A server that offers every mechanism, with an issuer that it trusts, and what several tests sign in with."""

from __future__ import annotations

import datetime
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD
from tests.peers.signin import BY_SECRETS, SignInServer
from tests.support.issuer import EC, Issuer, running_issuer

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


@contextmanager
def running_offer() -> Iterator[Offer]:
    """A server that offers everything, and the shared mailbox `sales`."""
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
