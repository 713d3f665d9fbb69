"""NTLM end to end: three foreign clients, four ways in, three forms of the name, and everything that may go wrong.

    curl        NTLMv2 without MIC and without channel binding; one process a sign-in, over STARTTLS
    pyspnego    NTLMv2 with MIC and with channel binding; NTLMv1 by LM_COMPAT_LEVEL
    impacket    NTLMv2 without MIC, with channel binding; NTLMv1

[MS-OXIMAP4] 2.2.1, 3.2.5.1; [MS-OXPOP3] 2.2.1, 3.2.5; [MS-SMTPNTLM] 2.2.1; [RFC5929] 4.1;
[MS-NLMP] 1.7, 2.2.1, 2.2.2.3, 2.2.2.4, 2.2.2.6, 2.2.2.8, 2.2.2.10, 3.2.1.1, 3.2.1.2, 3.2.5.1.1, 3.2.5.1.2;
[MS-NLMP] 3.3.1, 3.3.2, 3.4.5.1, 5.1, 6.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.sasl.ntlmsupport import Client, Impacket, Pyspnego
from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD
from tests.peers.signin import NETBIOS, REFUSED, Mail, SignInServer

OLD = "sd2"
"""Signs in by NTLMv1 by leave of a rule."""

WAYS = ["imap", "imap-ir", "pop3", "smtp"]
NAMES: dict[str, Callable[[str], tuple[str, str]]] = {
    "domain": lambda account: (NETBIOS, account),
    "upn": lambda account: ("", f"{account}@{DOMAIN}"),
    "bare": lambda account: ("", account),
}
"""Domain and user as a client puts them into its message."""

ways = pytest.mark.parametrize("way", WAYS)
names = pytest.mark.parametrize("name", NAMES)
clients = pytest.mark.parametrize("client", ["curl", "pyspnego", "impacket"])


def _server(sections: dict[str, dict[str, Any]]) -> Iterator[SignInServer]:
    folder = Path(tempfile.mkdtemp(prefix="oxgate-ntlm-"))
    server = SignInServer(folder, sections=sections)
    server.init()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def ntlm_server() -> Iterator[SignInServer]:
    """NTLM as it comes: channel bindings are looked at when there are some; sd2 may use NTLMv1 from this machine."""
    for server in _server({}):
        server.oxgate(
            "devices",
            "allow",
            f"{OLD}@{DOMAIN}",
            "NTLMv1",
            "--network",
            "127.0.0.1",
            "--until",
            "30d",
            "--note",
            "test",
        )
        yield server


@pytest.fixture(scope="module")
def strict_server() -> Iterator[SignInServer]:
    """A server with ntlm.channel_binding = "require"."""
    yield from _server({"ntlm": {"channel_binding": "require"}})


@dataclass
class Ntlm:
    """An NTLM client in an exchange; `flip` changes a bit of its last message."""

    client: Client
    flip: int | None = None

    def first(self) -> bytes:
        return self.client.negotiate()

    def answer(self, challenge: bytes) -> bytes:
        token = bytearray(self.client.authenticate(challenge))
        if self.flip is not None:
            token[self.flip] ^= 1
        return bytes(token)


def port_of(way: str) -> str:
    return {"imap": "imaps", "imap-ir": "imaps", "pop3": "pop3s", "smtp": "submissions"}[way]


def sign_in(
    server: SignInServer,
    way: str,
    client: str,
    domain: str,
    user: str,
    password: str = PASSWORD,
    *,
    bound: bool = False,
    wrongly: bool = False,
    old: bool = False,
    flip: int | None = None,
) -> bool:
    """Sign in with a client; whether it worked, and then the mailbox is open. A refusal has the words that it must.

    `bound`: with a channel binding, `wrongly`: with that of another server.
    """
    if client == "curl":
        return _curl(server, way, domain, user, password)
    with Mail(server, port_of(way)) as mail:
        assert "NTLM" in mail.capabilities
        end_point = bytes(32) if wrongly else mail.end_point if bound else b""
        if client == "pyspnego":
            made: Client = Pyspnego(domain, user, password, end_point)
        else:
            made = Impacket(domain, user, password, end_point, variant="NTLMv1" if old else "NTLM")
        reply = mail.authenticate("NTLM", Ntlm(made, flip), initial=way == "imap-ir")
        if mail.is_signed_in(reply, user.partition("@")[0]):
            return True
        assert reply.startswith(REFUSED[mail.protocol])
        return False


def _curl(server: SignInServer, way: str, domain: str, user: str, password: str) -> bool:
    need("curl")
    name = f"{domain}\\{user}" if domain else user
    args = ["curl", "-sS", "-m", "20", "--cacert", str(server.ca), "--ssl-reqd", "--login-options", "AUTH=NTLM"]
    args += ["-u", f"{name}:{password}"]
    if way == "imap-ir":
        args.append("--sasl-ir")
    if way == "smtp":
        sender = f"{user.partition('@')[0]}@{DOMAIN}"
        args += ["--mail-from", sender, "--mail-rcpt", f"sd1@{DOMAIN}", "-T", "-"]
        args.append(f"smtp://localhost:{server.submission}")
    elif way == "pop3":
        args.append(f"pop3://localhost:{server.pop3}/")
    else:
        args += [f"imap://localhost:{server.imap}/", "-X", "STATUS INBOX (MESSAGES)"]
    out = run(*args, stdin="Subject: by NTLM\r\n\r\nx\r\n" if way == "smtp" else None, code=(0, 67))
    signed_in = "* STATUS" in out if way.startswith("imap") else "curl: (67)" not in out
    assert signed_in or "curl: (67)" in out, out
    return signed_in


@clients
@ways
@names
class TestMatrix:
    """Every client by every way with every form of the name."""

    def test_good(self, ntlm_server: SignInServer, client: str, way: str, name: str) -> None:
        assert sign_in(ntlm_server, way, client, *NAMES[name]("sd1"))

    def test_good_and_bound(self, ntlm_server: SignInServer, client: str, way: str, name: str) -> None:
        if client == "curl":
            pytest.skip("curl has no channel binding for mail protocols")
        assert sign_in(ntlm_server, way, client, *NAMES[name]("sd1"), bound=True)

    def test_wrong_password(self, ntlm_server: SignInServer, client: str, way: str, name: str) -> None:
        assert not sign_in(ntlm_server, way, client, *NAMES[name]("sd1"), password="wrong")

    def test_unknown_user(self, ntlm_server: SignInServer, client: str, way: str, name: str) -> None:
        assert not sign_in(ntlm_server, way, client, *NAMES[name]("nobody"))

    def test_without_an_nt_hash(self, ntlm_server: SignInServer, client: str, way: str, name: str) -> None:
        assert not sign_in(ntlm_server, way, client, *NAMES[name]("plain"))

    def test_v1_without_a_rule(
        self, ntlm_server: SignInServer, client: str, way: str, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _only_v1(client, monkeypatch)
        assert not sign_in(ntlm_server, way, client, *NAMES[name]("sd1"), old=True)

    def test_v1_by_leave_of_a_rule(
        self, ntlm_server: SignInServer, client: str, way: str, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _only_v1(client, monkeypatch)
        assert sign_in(ntlm_server, way, client, *NAMES[name](OLD), old=True)
        assert not sign_in(ntlm_server, way, client, *NAMES[name](OLD), password="wrong", old=True)

    def test_tampered_mic(self, ntlm_server: SignInServer, client: str, way: str, name: str) -> None:
        if client != "pyspnego":
            pytest.skip(f"{client} sends no MIC")
        assert not sign_in(ntlm_server, way, client, *NAMES[name]("sd1"), flip=72)

    def test_wrong_binding(self, ntlm_server: SignInServer, client: str, way: str, name: str) -> None:
        if client == "curl":
            pytest.skip("curl has no channel binding for mail protocols")
        assert not sign_in(ntlm_server, way, client, *NAMES[name]("sd1"), bound=True, wrongly=True)

    def test_required_binding(self, strict_server: SignInServer, client: str, way: str, name: str) -> None:
        if client == "curl":
            pytest.skip("curl has no channel binding for mail protocols")
        assert sign_in(strict_server, way, client, *NAMES[name]("sd1"), bound=True)

    def test_required_binding_wrong(self, strict_server: SignInServer, client: str, way: str, name: str) -> None:
        if client == "curl":
            pytest.skip("curl has no channel binding for mail protocols")
        assert not sign_in(strict_server, way, client, *NAMES[name]("sd1"), bound=True, wrongly=True)

    def test_required_binding_missing(self, strict_server: SignInServer, client: str, way: str, name: str) -> None:
        assert not sign_in(strict_server, way, client, *NAMES[name]("sd1"))


def _only_v1(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if client == "curl":
        pytest.skip("curl speaks NTLMv2 alone, even to a challenge without target info")
    monkeypatch.setenv("LM_COMPAT_LEVEL", "0")


@clients
@ways
def test_anonymous(ntlm_server: SignInServer, client: str, way: str) -> None:
    """[MS-NLMP] 3.2.5.1.2: neither name nor response; there is no form of a name that is none."""
    if client == "pyspnego":
        pytest.skip("pyspnego does not sign in as nobody")
    assert not sign_in(ntlm_server, way, client, "", "", "")


@pytest.mark.parametrize("client", ["pyspnego", "impacket"])
@ways
def test_binding_to_nothing_without_tls(ntlm_server: SignInServer, client: str, way: str) -> None:
    """NTLM is on offer without TLS, since it shows no password; a binding to some other TLS connection is refused."""
    port = {"imap": "imap", "imap-ir": "imap", "pop3": "pop3", "smtp": "submission"}[way]
    make = Pyspnego if client == "pyspnego" else Impacket
    for end_point, good in ((b"", True), (bytes(32), False)):
        with Mail(ntlm_server, port) as mail:
            exchange = Ntlm(make(NETBIOS, "sd1", PASSWORD, end_point))
            reply = mail.authenticate("NTLM", exchange, initial=way == "imap-ir")
            assert mail.is_signed_in(reply, "sd1") is good


def test_the_log_says_what_to_do(ntlm_server: SignInServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """NTLMv1 is refused with a line that says why, and the command in it lets the device in."""
    monkeypatch.setenv("LM_COMPAT_LEVEL", "0")
    assert not sign_in(ntlm_server, "smtp", "pyspnego", NETBIOS, "sd3")
    record = ntlm_server.last_of("sd3", "refused")
    assert (record.mechanism, record.protocol, record.tls) == ("NTLMv1", "smtp", True)
    assert record.reason in ntlm_server.oxgate("audit", "--user", f"sd3@{DOMAIN}", "--outcome", "refused")
    command = record.reason.partition("oxgate ")[2]
    assert command.startswith(f"devices allow sd3@{DOMAIN} NTLMv1 --network 127.0.0.1 --until ")
    assert ntlm_server.logged("NTLMv1 is refused")
    ntlm_server.oxgate(*command.split()[:-1], "30d")
    assert sign_in(ntlm_server, "smtp", "pyspnego", NETBIOS, "sd3")
    listed = ntlm_server.oxgate("devices", "list", "--user", f"sd3@{DOMAIN}")
    assert "NTLMv1" in listed
    assert "127.0.0.1" in listed


def test_a_client_that_does_not_choose(ntlm_server: SignInServer) -> None:
    """curl takes NTLM before PLAIN when both are on offer."""
    need("curl")
    run(
        *("curl", "-sS", "-m", "20", "--cacert", ntlm_server.ca, "--ssl-reqd", "-u", f"sd4:{PASSWORD}"),
        f"imap://localhost:{ntlm_server.imap}/",
    )
    assert ntlm_server.last_of("sd4").mechanism == "NTLM"
