"""swaks: SMTP plain, STARTTLS and implicit TLS, AUTH PLAIN and LOGIN, and LMTP."""

from __future__ import annotations

import pytest

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD, PeerServer


def send(server: PeerServer, *args: str, code: int = 0) -> str:
    """One swaks run."""
    return run("swaks", "--timeout", "20", *args, code=code)


def test_unauthenticated_local_delivery(server: PeerServer, user: str) -> None:
    need("swaks")
    other = server.account()
    to = f"{user}@{DOMAIN},{other}@{DOMAIN}"
    send(server, "--server", f"127.0.0.1:{server.smtp}", "--from", "a@elsewhere.test", "--to", to, "--h-Subject", "hi")
    for name in (user, other):
        assert [s for s, _ in server.state(name)["INBOX"]] == ["hi"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("mode", ["--tls", "--tlsc"])
def test_submission(server: PeerServer, user: str, mode: str, mechanism: str) -> None:
    need("swaks")
    port = server.submission if mode == "--tls" else server.submissions
    trust = ["--tls-verify", "--tls-ca-path", str(server.ca)]
    sign_in = ["--auth", mechanism, "-au", user, "-ap", PASSWORD]
    envelope = ["--from", f"{user}@{DOMAIN}", "--to", f"{user}@{DOMAIN}"]
    send(server, "--server", f"localhost:{port}", mode, *trust, *sign_in, *envelope, "--h-Subject", "signed in")
    assert [s for s, _ in server.state(user)["INBOX"]] == ["signed in"]


def test_wrong_password(server: PeerServer, user: str) -> None:
    need("swaks")
    sign_in = ["--auth", "PLAIN", "-au", user, "-ap", "wrong"]
    envelope = ["--from", f"{user}@{DOMAIN}", "--to", f"{user}@{DOMAIN}"]
    text = send(server, "--server", f"127.0.0.1:{server.submission}", *sign_in, *envelope, code=28)
    assert "535 5.7.3 Authentication unsuccessful" in text


def test_unknown_recipient_and_relay(server: PeerServer) -> None:
    need("swaks")
    base = ["--server", f"127.0.0.1:{server.smtp}", "--from", "a@elsewhere.test"]
    assert "550 5.1.1" in send(server, *base, "--to", f"no.one@{DOMAIN}", code=24)
    assert "550 5.7.54" in send(server, *base, "--to", "x@elsewhere.test", code=24)


def test_lmtp(server: PeerServer, user: str) -> None:
    need("swaks")
    base = ["--protocol", "LMTP", "--server", f"127.0.0.1:{server.lmtp}", "--from", "a@elsewhere.test"]
    send(server, *base, "--to", f"{user}@{DOMAIN}", "--h-Subject", "by lmtp")
    assert [s for s, _ in server.state(user)["INBOX"]] == ["by lmtp"]
