"""`oxgate auth test` against a server that runs, and against ones that do not behave."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.loader import load
from config.settings import Listener, Settings
from gateway.cli.authtarget import find_target
from gateway.cli.certificates import make_certificates
from gateway.cli.root import oxgate
from tests.peers.kdc import HOST, REALM, Kdc
from tests.support.issuer import Issuer, running_issuer
from tests.support.server import LISTENERS, ServedProcess

SECRET = "correct horse / battery \\ stäple"
ALICE = "alice@example.test"
MECHANISMS = ("PLAIN", "LOGIN", "NTLM", "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "EXTERNAL")


@pytest.fixture(autouse=True)
def _no_authority_of_the_machine(monkeypatch):
    """The tests bring their own; reading all that the machine trusts takes 25 ms each time."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)


class Server:
    """A server with every mechanism but Kerberos, certificates of its own CA, and alice with an NT hash."""

    def __init__(self, folder: Path, issuer: Issuer, ca: Path) -> None:
        sections = {
            "tls": {"certificate": "tls/server.pem", "key": "tls/server.key", "client_ca": "tls/ca.pem"},
            "auth": {"mechanisms": MECHANISMS, "plaintext_without_tls": "never", "tarpit": 0.0, "max_failures": 100},
            "oauth": {"issuer": issuer.url, "audience": ("mail",), "ca": str(ca)},
            "protection": {"account_failures": 0, "address_failures": 0},
        }
        quiet = Listener(name="quiet", protocol="imap", host="127.0.0.1", port=0, mechanisms=("PLAIN",))
        self.process = ServedProcess(folder, workers=1, sections=sections, listeners=(*LISTENERS, quiet))
        self.folder = self.process.folder
        self.issuer = issuer
        (self.folder / "tls").mkdir()
        make_certificates(self.folder / "tls", "mail.example.test")
        self("user", "nt-hash", "enable", ALICE)
        self("user", "passwd", ALICE, "--password-stdin", stdin=SECRET)
        self("user", "disable", "carol@example.test")

    def __call__(self, *words: str, stdin: str = "", code: int | None = 0, **environment: str) -> Result:
        given = {"OXGATE_CONFIG": str(self.folder / "oxgate.toml"), **environment}
        result = CliRunner().invoke(oxgate, list(words), input=stdin + "\n", env=given)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert code is None or result.exit_code == code, result.output
        return result

    def test(
        self, who: str, mechanism: str, *words: str, at: str = "imap", secret: str = SECRET, code: int | None = 0
    ) -> str:
        """Run the command and give what it printed; the secret must not be in it."""
        protocol = {"submission": "smtp", "quiet": "imap", "smtp": "smtp"}.get(at, at.removesuffix("s"))
        protocol = "smtp" if at == "submissions" else protocol
        where = ["--protocol", protocol, "--listener", at, "--port", str(self.process.ports[at])]
        how = "--token-stdin" if mechanism in ("XOAUTH2", "OAUTHBEARER") else "--password-stdin"
        stdin = [] if mechanism in ("EXTERNAL", "GSSAPI") else [how]
        output = self(
            *("auth", "test", who, "--mechanism", mechanism, *where, *stdin, *words), stdin=secret, code=code
        ).output
        if stdin and len(secret) > 8:
            assert secret not in output
            assert base64.b64encode(secret.encode()).decode() not in output
        return output


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("authtest")
    with running_issuer(folder) as issuer:
        made = Server(folder, issuer, issuer.ca_file)
        with made.process:
            yield made


@pytest.mark.parametrize("at", ["imap", "imaps", "pop3", "pop3s", "submission", "submissions"])
@pytest.mark.parametrize(
    "mechanism",
    ["PLAIN", "LOGIN", "COMMAND", "NTLM", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"],
)
def test_a_password_signs_in_by_every_mechanism_at_every_listener(server, at, mechanism):
    if mechanism == "COMMAND" and at.startswith("submission"):
        pytest.skip("SMTP has no such command")
    output = server.test(ALICE, mechanism, at=at)
    assert output.splitlines()[-1] == f"OK: {ALICE} can sign in by {mechanism} over TLS."
    assert "TLSv1.3" in output
    assert "<hidden>" in output
    assert "not good" not in output


@pytest.mark.parametrize("at", ["imap", "pop3", "submission"])
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_signs_in(server, at, mechanism):
    output = server.test(ALICE, mechanism, at=at, secret=server.issuer.token())
    assert f"the name {ALICE} and the token <hidden>" in output
    assert "OK:" in output


@pytest.mark.parametrize("at", ["imap", "submission"])
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_that_is_refused_is_explained(server, at, mechanism):
    output = server.test(ALICE, mechanism, at=at, secret=server.issuer.token(aud="other"), code=1)
    assert "The token is refused: status" in output
    assert "FAILED: the server refused it:" in output
    assert "[oauth] must fit the token" in output


@pytest.mark.parametrize(
    ("mechanism", "who"), [("NTLM", "EXAMPLE\\alice"), ("PLAIN", "alice"), ("LOGIN", "example.test/alice")]
)
def test_other_forms_of_the_name(server, mechanism, who):
    assert "OK:" in server.test(who, mechanism)


@pytest.mark.parametrize("at", ["imap", "pop3", "submission"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "COMMAND", "SCRAM-SHA-256"])
def test_anothers_mailbox(server, at, mechanism):
    if mechanism == "COMMAND" and at == "submission":
        pytest.skip("SMTP has no such command")
    assert "Signed in, mailbox sales." in server.test(ALICE, mechanism, "--mailbox", "sales", at=at)


def test_anothers_mailbox_by_token(server):
    token = server.issuer.token()
    for mechanism in ("XOAUTH2", "OAUTHBEARER"):
        assert "OK:" in server.test(ALICE, mechanism, "--mailbox", "sales@example.test", secret=token)


def test_what_ntlm_says_is_told_in_words(server):
    output = server.test("EXAMPLE\\alice", "NTLM")
    assert "An NTLM challenge: domain EXAMPLE, host MAIL, DNS name mail.example.test." in output
    assert "domain EXAMPLE, user alice, the NTLMv2 response <hidden>, bound to this TLS connection" in output


@pytest.mark.parametrize("at", ["imap", "pop3", "submission"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "NTLM", "SCRAM-SHA-256"])
def test_a_wrong_password(server, at, mechanism):
    output = server.test(ALICE, mechanism, at=at, secret="not the password", code=1)
    assert "FAILED: the server refused it: " in output
    assert "wrong password" in output
    assert "The password is not the account's own" in output
    assert "The password is right" not in output


def test_nobody_of_that_name(server):
    output = server.test("ghost@example.test", "PLAIN", code=1)
    assert "unknown user" in output
    assert "Nobody has the name ghost@example.test" in output


def test_an_account_that_is_disabled(server):
    output = server.test("carol@example.test", "PLAIN", secret="password", code=1)
    assert "`oxgate user enable carol@example.test`" in output
    assert "The password is right." in output


def test_a_mailbox_that_must_be_granted_and_one_that_is_none(server):
    output = server.test("bob@example.test", "PLAIN", "--mailbox", "sales", secret="password", code=1)
    assert "`oxgate grant full-access sales@example.test bob@example.test`" in output
    assert "Nobody has the mailbox attic" in server.test(ALICE, "PLAIN", "--mailbox", "attic", code=1)
    assert "--mailbox sales@example.test" in server.test("sales", "PLAIN", secret="password", code=1)


def test_ntlm_without_a_hash(server):
    output = server.test("bob@example.test", "NTLM", secret="password", code=1)
    assert "`oxgate user nt-hash enable bob@example.test`" in output


@pytest.mark.parametrize("variant", ["NTLMv1", "NTLM2-SESSION"])
def test_old_ntlm_waits_for_a_rule(server, variant):
    output = server.test(ALICE, variant, at="submission", code=1)
    assert f"the {variant} response <hidden>" in output
    assert f"`oxgate devices allow {ALICE} {variant} --network" in output
    assert f"{ALICE}" in server("devices", "list", "--user", ALICE).stdout
    server("devices", "allow", ALICE, variant, "--network", "127.0.0.1", "--until", "2d")
    try:
        assert "OK:" in server.test(ALICE, variant, at="submission")
    finally:
        server("devices", "remove", server("devices", "rules").stdout.splitlines()[-1].split()[0])


def test_a_rule_that_denies(server):
    server("devices", "deny", ALICE, "LOGIN")
    try:
        output = server.test(ALICE, "LOGIN", code=1)
        assert "denies LOGIN: `oxgate devices rules`" in output
    finally:
        server("devices", "remove", server("devices", "rules").stdout.splitlines()[-1].split()[0])


def test_a_client_certificate(server, tmp_path):
    good = client_certificate(server.folder / "tls", tmp_path, ALICE)
    for at in ("imap", "pop3s", "submission"):
        output = server.test(ALICE, "EXTERNAL", "--certificate", good[0], "--key", good[1], at=at)
        assert "the certificate says who it is" in output
    other = client_certificate(server.folder / "tls", tmp_path, "ghost@example.test")
    output = server.test(ALICE, "EXTERNAL", "--certificate", other[0], "--key", other[1], code=1)
    assert "nobody's certificate" in output


def test_a_kerberos_ticket(tmp_path, monkeypatch):
    pytest.importorskip("gssapi", reason="the extra `kerberos` is not installed")
    folder = Path(tempfile.mkdtemp(prefix="oxgate-kdc-"))  # a short path, as the KDC's sockets want it
    kdc = Kdc(folder)
    try:
        kdc.start()
        for name, value in kdc.kinit("alice").items():
            monkeypatch.setenv(name, value)
        sections = {
            "general": {"hostname": HOST},
            "auth": {"mechanisms": ("GSSAPI", "GSS-SPNEGO"), "tarpit": 0.0},
            "kerberos": {"keytab": str(kdc.keytab), "realms": (f"{REALM}=example.test",)},
        }
        with ServedProcess(tmp_path, workers=1, sections=sections) as server:
            for mechanism, at in (("GSSAPI", "imap"), ("GSSAPI", "submission"), ("GSS-SPNEGO", "pop3")):
                protocol = "smtp" if at == "submission" else at
                where = ["--protocol", protocol, "--listener", at, "--port", str(server.ports[at])]
                config = str(server.folder / "oxgate.toml")
                run = CliRunner().invoke
                result = run(oxgate, ["auth", "test", ALICE, "-m", mechanism, *where, "--config", config])
                assert result.exit_code == 0, result.output
                assert f"a ticket for {'pop' if at == 'pop3' else protocol}@{HOST}" in result.output
            monkeypatch.setenv("KRB5CCNAME", str(tmp_path / "none"))
            result = run(oxgate, ["auth", "test", ALICE, "-m", "GSSAPI", *where, "--config", config])
            assert result.exit_code == 1
            assert "does `klist` show a ticket?" in result.output
    finally:
        kdc.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_mechanism_that_is_not_offered_is_explained(server):
    assert "is offered under TLS only" in server.test(ALICE, "PLAIN", "--tls", "none", code=1)
    assert "is offered under TLS only" in server.test(ALICE, "COMMAND", "--tls", "none", at="pop3", code=1)
    assert "list of mechanisms of its own, without LOGIN" in server.test(ALICE, "LOGIN", at="quiet", code=1)
    pytest.importorskip("gssapi")
    assert "auth.mechanisms does not name GSSAPI" in server.test(ALICE, "GSSAPI", code=1)


def test_ntlm_needs_no_tls_and_says_so(server):
    output = server.test(ALICE, "NTLM", "--tls", "none")
    assert output.splitlines()[-1] == f"OK: {ALICE} can sign in by NTLM, without TLS."
    assert "not bound to a TLS connection" in output


def test_what_was_tried_is_on_record(server):
    begun = time.time()
    server.test(ALICE, "PLAIN", at="submission")
    while not (found := [one for one in json.loads(server("audit", "--json").stdout) if one["at"] >= begun]):
        assert time.time() < begun + 20
        time.sleep(0.1)
    (one,) = found
    assert (one["account"], one["protocol"], one["mechanism"], one["tls"]) == (ALICE, "smtp", "PLAIN", True)
    assert one["device"] == "oxgate-auth-test"


def test_another_name_than_the_certificates_is_refused_before_the_secret(server, monkeypatch):
    """Only the very certificate of the settings does without a good name."""
    strange = server.folder / "strange"
    strange.mkdir(exist_ok=True)
    if not (strange / "server.pem").exists():
        make_certificates(strange, "other.example")
    port = str(server.process.ports["imap"])
    words = ["auth", "test", ALICE, "-m", "PLAIN", "--host", "127.0.0.2", "--port", port, "--password-stdin"]
    monkeypatch.setattr(socket, "create_connection", connecting_to_loopback(socket.create_connection))
    output = server(*words, stdin=SECRET).output
    assert "not good for 127.0.0.2" in output
    assert "It is the one that tls.certificate names" in output
    environment = {
        "OXGATE_TLS__CERTIFICATE": str(strange / "server.pem"),
        "OXGATE_TLS__KEY": str(strange / "server.key"),
    }
    output = server(*words, stdin=SECRET, code=1, **environment).output
    assert "no secret was sent" in output
    assert not [line for line in output.splitlines() if "-> " in line and "AUTHENTICATE" in line]


def test_tls_where_there_is_none(server):
    assert "TLS failed" in server.test(ALICE, "PLAIN", "--tls", "implicit", code=1)


# -- servers that do not behave


@contextlib.contextmanager
def scripted(*replies: bytes) -> Iterator[int]:
    """A server that says these things, one for each line that it hears, and then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listening.accept()
                with connection, connection.makefile("rb") as lines:
                    for reply in replies:
                        connection.sendall(reply)
                        lines.readline()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.close()
        thread.join(10)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Settings:
    folder = tmp_path_factory.mktemp("alone") / "s"
    result = CliRunner().invoke(oxgate, ["init", str(folder), "--domain", "example.test", "--unprivileged"])
    assert result.exit_code == 0
    return load(folder / "oxgate.toml", {})


@pytest.mark.parametrize(
    ("protocol", "mechanism", "replies", "text"),
    [
        ("imap", "PLAIN", [b"* BYE too busy\r\n"], "no IMAP server"),
        ("pop3", "PLAIN", [b"-ERR no\r\n"], "no POP3 server"),
        ("smtp", "PLAIN", [b"554 no\r\n"], "no SMTP server"),
        ("smtp", "PLAIN", [b"220 hi\r\n", b"500 what\r\n"], "does not know EHLO"),
        ("imap", "PLAIN", [b"* OK hi\r\n"], "closed the connection"),
        ("imap", "PLAIN", [b"* OK hi\r\n", b"x" * 70_000], "too long"),
        (
            "pop3",
            "LOGIN",
            [b"+OK\r\n", b"+OK\r\nSASL LOGIN\r\n.\r\n", b"+ VXNlciBOYW1lAA==\r\n", b"-ERR\r\n"],
            "prompt",
        ),
        ("pop3", "LOGIN", [b"+OK\r\n", b"+OK\r\nSASL LOGIN\r\n.\r\n", b"+ not base64\r\n", b"-ERR\r\n"], "prompt"),
        (
            "pop3",
            "NTLM",
            [b"+OK\r\n", b"+OK\r\nSASL NTLM\r\n.\r\n", b"+ \r\n", b"+ QUJD\r\n", b"-ERR\r\n"],
            "NTLM message",
        ),
        (
            "smtp",
            "SCRAM-SHA-256",
            [b"220 hi\r\n", b"250-me\r\n250 AUTH SCRAM-SHA-256\r\n", b"334 cj14\r\n", b"501 bad\r\n"],
            "SCRAM message does not fit",
        ),
        (
            "smtp",
            "PLAIN",
            [b"220 hi\r\n", b"250-me\r\n250 AUTH PLAIN\r\n", b"334 QUJD\r\n", b"501\r\n"],
            "more than PLAIN",
        ),
        (
            "imap",
            "XOAUTH2",
            [b"* OK\r\n", b"* CAPABILITY AUTH=XOAUTH2\r\nt1 OK\r\n", b"+ \r\n", b"+ e30=\r\n"],
            "closed",
        ),
        (
            "imap",
            "PLAIN",
            [b"* OK\r\n", b"* CAPABILITY AUTH=PLAIN\r\nt1 OK\r\n", b"t2 NO [UNAVAILABLE] no\r\n"],
            "cannot tell now",
        ),
    ],
)
def test_what_a_server_gets_wrong_is_told(alone, protocol, mechanism, replies, text):
    how = "--token-stdin" if mechanism == "XOAUTH2" else "--password-stdin"
    with scripted(*replies) as port:
        words = ["--host", "127.0.0.1", "--port", str(port), "--protocol", protocol, "--tls", "none", how]
        config = str(alone.general.data.parent / "oxgate.toml")
        result = CliRunner().invoke(
            oxgate, ["auth", "test", ALICE, "-m", mechanism, *words, "--config", config], input=f"{SECRET}\n"
        )
    assert result.exit_code == 1, result.output
    assert text in result.output
    assert "FAILED" in result.output
    assert SECRET not in result.output


def test_nobody_answers(alone):
    config = str(alone.general.data.parent / "oxgate.toml")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    words = ["auth", "test", ALICE, "-m", "PLAIN", "--port", port, "--password-stdin", "--config", config]
    result = CliRunner().invoke(oxgate, words, input="x\n")
    assert result.exit_code == 1
    assert "`oxgate serve` starts it" in result.output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["-m", "COMMAND", "--protocol", "smtp", "--password-stdin"], "SMTP has no sign-in but AUTH"),
        (["-m", "NTLM", "--mailbox", "sales", "--password-stdin"], "no place for another's mailbox"),
        (["-m", "EXTERNAL"], "--certificate FILE"),
        (["-m", "XOAUTH2", "--password-stdin"], "--token-stdin"),
        (["-m", "PLAIN", "--token-stdin"], "--password-stdin"),
        (["-m", "PLAIN", "--token-stdin", "--password-stdin"], "--password-stdin"),
        (["-m", "PLAIN"], "no terminal"),
        (["-m", "CRAM-MD5"], "CRAM-MD5"),
        (
            ["-m", "PLAIN", "--listener", "imaps", "--protocol", "pop3", "--password-stdin"],
            "no listener imaps for pop3",
        ),
    ],
)
def test_what_cannot_be_tried_is_told(alone, words, text):
    config = str(alone.general.data.parent / "oxgate.toml")
    result = CliRunner().invoke(oxgate, ["auth", "test", ALICE, *words, "--config", config], input="x\n")
    assert result.exit_code in (1, 2)
    assert text in " ".join(result.output.split())


def test_an_empty_password_is_none(alone):
    config = str(alone.general.data.parent / "oxgate.toml")
    words = ["auth", "test", ALICE, "-m", "PLAIN", "--password-stdin", "--config", config]
    result = CliRunner().invoke(oxgate, words, input="\n")
    assert result.exit_code == 2
    assert "is empty" in result.output


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("imap", "", None, "", None), ("127.0.0.1", 1143, "auto", "mail.example.test")),
        (("imap", "", None, "", "implicit"), ("127.0.0.1", 1993, "implicit", "mail.example.test")),
        (("imap", "", None, "", "none"), ("127.0.0.1", 1143, "none", "mail.example.test")),
        (("smtp", "", None, "", None), ("127.0.0.1", 1587, "auto", "mail.example.test")),
        (("smtp", "", None, "smtp", None), ("127.0.0.1", 1025, "auto", "mail.example.test")),
        (("pop3", "", None, "pop3s", None), ("127.0.0.1", 1995, "implicit", "mail.example.test")),
        (("pop3", "mail.test", 110, "", None), ("mail.test", 110, "auto", "mail.test")),
        (("pop3", "mail.test", 995, "", None), ("mail.test", 995, "implicit", "mail.test")),
        (("imap", "mail.test", None, "", None), ("mail.test", 1143, "auto", "mail.test")),
        (("imap", "", 2143, "", "starttls"), ("127.0.0.1", 2143, "starttls", "mail.example.test")),
    ],
)
def test_where_to_connect_comes_from_the_settings(alone, given, expected):
    target = find_target(alone, *given)
    assert (target.host, target.port, target.tls, target.name) == expected


def connecting_to_loopback(connect):
    return lambda address, *rest: connect(("127.0.0.1", address[1]), *rest)


def client_certificate(authority: Path, folder: Path, address: str) -> tuple[str, str]:
    """Issue a client certificate for an address by an installation's own CA."""
    ca = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Client")]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.RFC822Name(address)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    paths = folder / f"{address}.pem", folder / f"{address}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(key.private_bytes(*form))
    return str(paths[0]), str(paths[1])
