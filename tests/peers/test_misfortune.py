"""A running server meets bad input and bad luck: clear answers, nothing acknowledged lost, the process stays.

Full and read-only disks are small tmpfs mounts, so those tests need root.
"""

from __future__ import annotations

import imaplib
import os
import shutil
import smtplib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.server import BASE_PORTS, DOMAIN, PASSWORD, PeerServer

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")


class Line:
    """A raw connection that reads lines."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.file = self.socket.makefile("rb")
        self.greeting = self.file.readline()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, data: bytes, until: bytes) -> bytes:
        """Send and read lines up to one that begins with `until`."""
        self.send(data)
        seen = b""
        while True:
            line = self.file.readline()
            assert line, f"connection closed after {seen[-300:]!r}"
            seen += line
            if line.startswith(until):
                return seen

    def close(self) -> None:
        self.file.close()
        self.socket.close()


def message(subject: str, size: int = 200) -> bytes:
    body = (b"x" * 70 + b"\r\n") * (size // 72 + 1)
    return f"From: a@{DOMAIN}\r\nTo: b@{DOMAIN}\r\nSubject: {subject}\r\n\r\n".encode() + body


def subjects(server: PeerServer, user: str) -> list[str]:
    return [s for s, _ in server.state(user)["INBOX"]]


def test_imap_bad_input(server: PeerServer, user: str) -> None:
    """Oversize lines and literals, bad UTF-7, wild grammar: one clear BAD or NO each, and the connection goes on."""
    line = Line(server.imap)
    assert b"a OK" in line.ask(f"a LOGIN {user} {PASSWORD}\r\n".encode(), b"a ")
    assert line.ask(b"b SEARCH " + b"X" * 200_000 + b"\r\n", b"").startswith((b"b BAD", b"* BAD"))
    assert b"c NO" in line.ask(b"c APPEND INBOX {999999999999}\r\n", b"c ")
    assert line.ask(b"d SELECT {99999999}\r\n", b"d ")[:4] in {b"d BA", b"d NO"}
    assert line.ask(b'e CREATE "&bad"\r\n', b"e ")[:4] in {b"e BA", b"e NO"}
    assert b"f BAD" in line.ask(b"f \x00\xff\xfe\r\n", b"")
    assert b"g BAD" in line.ask(b"g FETCH 1 (((((\r\n", b"g ")
    deep = b"(" * 20_000 + b"ALL" + b")" * 20_000
    assert b"i BAD" in line.ask(b"i SELECT INBOX\r\nh SEARCH " + deep + b"\r\ni FOO\r\n", b"i BAD")
    assert b"z OK" in line.ask(b"z NOOP\r\n", b"z ")
    line.close()


def test_imap_unterminated_literal_is_dropped_with_the_connection(server: PeerServer, user: str) -> None:
    line = Line(server.imap)
    line.ask(f"a LOGIN {user} {PASSWORD}\r\n".encode(), b"a ")
    line.send(b"b APPEND INBOX {100+}\r\nonly this")
    line.close()
    assert subjects(server, user) == []


def test_ten_thousand_nested_parts(server: PeerServer, user: str) -> None:
    head = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(10_000))
    raw = b"Subject: deep\r\nMIME-Version: 1.0\r\n" + head.encode() + b"\r\nend\r\n"
    with smtplib.SMTP("127.0.0.1", server.smtp, timeout=60) as client:
        client.sendmail("a@elsewhere.test", [f"{user}@{DOMAIN}"], raw)
    client2 = server.imap_login(user)
    client2.select("INBOX")
    assert client2.fetch("1", "(ENVELOPE BODYSTRUCTURE)")[0] == "OK"
    part = client2.fetch("1", "(BODY.PEEK[])")[1][0]
    assert isinstance(part, tuple)
    assert part[1].endswith(raw)
    client2.logout()


def test_smtp_oversize_line_and_message(server: PeerServer, user: str) -> None:
    line = Line(server.smtp)
    line.ask(b"EHLO x\r\n", b"250 ")
    assert line.ask(b"MAIL FROM:<" + b"a" * 100_000 + b"@x>\r\n", b"5")[:1] == b"5"
    assert line.ask(b"NOOP\r\n", b"2")
    assert line.ask(b"MAIL FROM:<a@x.test> SIZE=99999999999\r\n", b"552")
    assert line.ask(b"RSET\r\n", b"250")
    line.close()
    assert subjects(server, user) == []


def test_pop3_bad_input(server: PeerServer, user: str) -> None:
    line = Line(server.pop3)
    assert line.ask(b"XYZZY\r\n", b"-ERR")
    assert line.ask(b"A" * 20_000 + b"\r\n", b"-ERR")
    assert line.ask(f"USER {user}\r\n".encode(), b"+OK")
    assert line.ask(f"PASS {PASSWORD}\r\n".encode(), b"+OK")
    assert line.ask(b"RETR 99999999999999999999\r\n", b"-ERR")
    assert line.ask(b"NOOP\r\n", b"+OK")
    line.close()


def test_a_locked_mailbox_is_a_temporary_failure(server: PeerServer, user: str) -> None:
    """Another process holds the mailbox's write lock: mail is accepted durably or refused for a time, reads go on."""
    server.seed(user, 1)
    client = server.imap_login(user)
    client.select("INBOX")
    holders = []
    for path in server.data.glob("**/mbx/*/*.sqlite"):
        with sqlite3.connect(path) as look:
            if look.execute("SELECT count(*) FROM message").fetchone()[0] == 1:
                holders.append(path)
        look.close()
    held = []
    for path in holders:
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        held.append(db)
    try:
        answer = client.append("INBOX", "", "", message("while locked"))
        assert answer[0] == "NO", answer
        assert b"UNAVAILABLE" in answer[1][0]
        assert client.fetch("1", "(FLAGS)")[0] == "OK"
        with smtplib.SMTP("127.0.0.1", server.smtp, timeout=60) as smtp:
            smtp.sendmail("a@elsewhere.test", [f"{user}@{DOMAIN}"], message("spooled"))
            code, accepted = 250, True
    except smtplib.SMTPResponseException as error:
        code, accepted = error.smtp_code, False
    finally:
        for db in held:
            db.execute("ROLLBACK")
            db.close()
    assert client.append("INBOX", "", "", message("after"))[0] == "OK"
    client.logout()
    assert code == 250 or 400 <= code < 500
    if accepted:
        watch = server.imap_login(user)
        watch.select("INBOX")
        for _ in range(300):
            if watch.search(None, "SUBJECT", "spooled")[1][0]:
                break
            time.sleep(0.1)
        else:
            raise AssertionError("the accepted message did not arrive")
        watch.logout()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A tmpfs of 12 MB."""
    folder = Path(tempfile.mkdtemp(prefix="oxgate-small-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    shutil.rmtree(folder, ignore_errors=True)


@needs_root
def test_a_full_disk(small_disk: Path) -> None:
    """A full disk is answered `452` and `NO`; what was acknowledged is there; after room is made, mail flows again."""
    server = PeerServer(small_disk, workers=1, users=2)
    server.init()
    server.start()
    try:
        ballast = small_disk / "ballast"
        acknowledged: list[str] = []
        codes: list[int] = []
        ballast.write_bytes(b"\0" * 4_000_000)
        with smtplib.SMTP("127.0.0.1", server.smtp, timeout=60) as smtp:
            for n in range(400):
                try:
                    smtp.sendmail("a@elsewhere.test", [f"sd1@{DOMAIN}"], message(f"n{n}", 60_000))
                    acknowledged.append(f"n{n}")
                except smtplib.SMTPResponseException as error:
                    codes.append(error.smtp_code)
                    if len(codes) == 3:
                        break
            assert len(codes) == 3, "the disk never filled"
            assert all(400 <= code < 500 for code in codes), codes
        client = imaplib.IMAP4("127.0.0.1", server.imap, timeout=30)
        client.login("sd1", PASSWORD)
        assert client.select("INBOX")[0] == "OK"
        answer = client.append("INBOX", "", "", message("no room", 600_000))
        assert answer[0] == "NO", answer
        client.logout()
        ballast.unlink()
        with smtplib.SMTP("127.0.0.1", server.smtp, timeout=60) as smtp:
            smtp.sendmail("a@elsewhere.test", [f"sd1@{DOMAIN}"], message("room again"))
        assert [s for s in subjects(server, "sd1") if s in {*acknowledged, "room again"}] == [
            *acknowledged,
            "room again",
        ]
        assert "no room" not in subjects(server, "sd1")
        server.oxgate("fsck")
    finally:
        server.stop()


def refused(server: PeerServer) -> str:
    """Run `serve` where it cannot start; its complaint."""
    env = {**os.environ, "OXGATE_CONFIG": str(server.config)}
    command = [sys.executable, "-m", "gateway", "serve"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=env, check=False)
    assert done.returncode not in (0, None)
    text = done.stdout + done.stderr
    assert "Traceback" not in text, text
    return text


def test_a_port_in_use(server: PeerServer) -> None:
    text = refused(server)
    assert any(str(port + server.offset) in text for port in BASE_PORTS.values()), text
    assert "another program listens there" in text


def test_a_bad_setting(tmp_path: Path) -> None:
    server = PeerServer(tmp_path, users=1)
    server.oxgate("init", str(server.data), "--domain", DOMAIN, "--unprivileged")
    text = server.config.read_text()
    server.config.write_text("[storr]\nx = 1\n\n" + text + "\n[smtp2]\ny = 2\n")
    complaint = refused(server)
    assert "storr" in complaint
    assert "smtp2" in complaint


@needs_root
def test_a_data_folder_that_cannot_be_written(small_disk: Path) -> None:
    server = PeerServer(small_disk, workers=1, users=1)
    server.init()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    complaint = refused(server)
    assert str(server.data) in complaint
