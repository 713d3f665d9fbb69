"""curl: IMAP, POP3 and SMTP; plain, STARTTLS and implicit TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.peers.program import need, run
from tests.peers.server import DOMAIN, PASSWORD, PeerServer

MODES = ["plain", "starttls", "tls"]


def url(server: PeerServer, protocol: str, mode: str) -> tuple[list[str], str]:
    """curl's options and address for one protocol in one mode."""
    if mode == "plain":
        return [], f"{protocol}://127.0.0.1:{getattr(server, 'submission' if protocol == 'smtp' else protocol)}"
    ca = ["--cacert", str(server.ca)]
    if mode == "starttls":
        return [
            *ca,
            "--ssl-reqd",
        ], f"{protocol}://localhost:{getattr(server, 'submission' if protocol == 'smtp' else protocol)}"
    port = server.submissions if protocol == "smtp" else getattr(server, protocol + "s")
    return ca, f"{protocol}s://localhost:{port}"


@pytest.mark.parametrize("mode", MODES)
def test_imap(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("curl")
    raws = server.seed(user)
    options, base = url(server, "imap", mode)

    def curl(path: str, *more: str, code: int = 0) -> str:
        return run("curl", "-sS", "-m", "20", "-u", f"{user}:{PASSWORD}", *options, f"{base}/{path}", *more, code=code)

    assert "INBOX" in curl("")
    assert "MESSAGES 3 UNSEEN 3" in curl("INBOX", "-X", "STATUS INBOX (MESSAGES UNSEEN UIDNEXT)")
    uid = curl("INBOX", "-X", "UID SEARCH HEADER SUBJECT seed-1").split()[-1]
    out = tmp_path / "out"
    curl(f"INBOX;UID={uid}", "-o", str(out))
    assert out.read_bytes() == raws[0]
    assert "token-3" in curl("INBOX;MAILINDEX=3")
    assert "Subject: seed-1" in curl("INBOX;MAILINDEX=1;SECTION=HEADER")
    assert "\\Flagged" in curl("INBOX", "-X", f"UID STORE {uid} +FLAGS (\\Flagged)")
    curl("INBOX", "-X", f"UID COPY {uid} Archive")
    curl("INBOX", "-X", f"UID MOVE {uid} Trash")
    message = tmp_path / "m.eml"
    message.write_bytes(b"From: a@example.test\r\nSubject: put\r\n\r\nput by curl\r\n")
    curl("INBOX", "-T", str(message))
    for command in ("CREATE Work", "RENAME Work Work2", "DELETE Work2"):
        curl("", "-X", command)
    curl("INBOX;MAILINDEX=9", code=78)
    state = server.state(user)
    assert [s for s, _ in state["INBOX"]] == ["seed-2 Grüße", "seed-3 hello", "put"]
    assert [s for s, _ in state["Archive"]] == ["seed-1 hello"]
    assert "\\Flagged" in state["Trash"][0][1]
    assert "Work2" not in state


def test_imap_refuses_a_wrong_password(server: PeerServer, user: str) -> None:
    need("curl")
    run("curl", "-sS", "-m", "20", "-u", f"{user}:wrong", f"imap://127.0.0.1:{server.imap}/", code=67)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_mechanisms(server: PeerServer, user: str, protocol: str, mechanism: str) -> None:
    need("curl")
    options, base = url(server, protocol, "starttls")
    options += ["--login-options", f"AUTH={mechanism}", "-u", f"{user}:{PASSWORD}"]
    if protocol == "smtp":
        envelope = ["--mail-from", f"{user}@{DOMAIN}", "--mail-rcpt", f"{user}@{DOMAIN}", "-T", "-"]
        run("curl", "-sS", "-m", "20", *options, base, *envelope, stdin="Subject: m\r\n\r\nx\r\n")
    else:
        run("curl", "-sS", "-m", "20", *options, base + "/")
        run("curl", "-sS", "-m", "20", "--sasl-ir", *options, base + "/")


@pytest.mark.parametrize("mode", MODES)
def test_pop3(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("curl")
    raws = server.seed(user)
    options, base = url(server, "pop3", mode)

    def curl(path: str, *more: str) -> str:
        return run("curl", "-sS", "-m", "20", "-u", f"{user}:{PASSWORD}", *options, f"{base}/{path}", *more)

    assert [line.split() for line in curl("").splitlines()] == [[str(n + 1), str(len(r))] for n, r in enumerate(raws)]
    assert len({line.split()[1] for line in curl("", "-X", "UIDL").splitlines()}) == 3
    out = tmp_path / "out"
    curl("1", "-o", str(out))
    assert out.read_bytes() == raws[0]
    assert "token-1" not in curl("", "-X", "TOP 1 0")
    curl("1", "-X", "DELE", "-I")
    assert len(curl("").splitlines()) == 2


@pytest.mark.parametrize("mode", MODES)
def test_smtp(server: PeerServer, user: str, mode: str, tmp_path: Path) -> None:
    need("curl")
    other = server.account()
    options, base = url(server, "smtp", mode)
    message = tmp_path / "m.eml"
    message.write_bytes(f"From: {user}@{DOMAIN}\r\nTo: {other}@{DOMAIN}\r\nSubject: by curl\r\n\r\n.dot\r\n".encode())
    sender = ["--mail-from", f"{user}@{DOMAIN}", "-u", f"{user}:{PASSWORD}"]
    to = ["--mail-rcpt", f"{user}@{DOMAIN}", "--mail-rcpt", f"{other}@{DOMAIN}"]
    run("curl", "-sS", "-m", "20", *options, base, *sender, *to, "-T", str(message))
    for name in (user, other):
        assert [s for s, _ in server.state(name)["INBOX"]] == ["by curl"]
    run(
        "curl",
        "-sS",
        "-m",
        "20",
        *options,
        base,
        *sender,
        "--mail-rcpt",
        f"no.one@{DOMAIN}",
        "-T",
        str(message),
        code=55,
    )
