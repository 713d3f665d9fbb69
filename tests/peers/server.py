"""A server for real clients: `oxgate init` and `oxgate serve` in a process of their own, on free loopback ports."""

from __future__ import annotations

import email
import email.header
import imaplib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

DOMAIN = "example.test"
PASSWORD = "pass"
BASE_PORTS = {
    "lmtp": 1024,
    "smtp": 1025,
    "pop3": 1110,
    "imap": 1143,
    "submissions": 1465,
    "submission": 1587,
    "imaps": 1993,
    "pop3s": 1995,
}


def free_offset() -> int:
    """An offset at which all the unprivileged ports are free just now."""
    start = 10_000 + os.getpid() % 10_000
    for offset in (start + 2_003 * k for k in range(12)):
        try:
            for port in BASE_PORTS.values():
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return offset
    raise RuntimeError("no free run of ports on loopback")


@dataclass
class PeerServer:
    """A running server; one account a test, named sd1, sd2 and so on, password `pass`."""

    folder: Path
    workers: int = 2
    offset: int = field(default_factory=free_offset)
    users: int = 200
    environment: dict[str, str] = field(default_factory=dict)
    """Settings beside those of the file, for the server itself."""

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.config = self.data / "oxgate.toml"
        self.process: subprocess.Popen[str] | None = None
        self.log: deque[str] = deque(maxlen=400)
        self._next = 0

    def __getattr__(self, name: str) -> int:
        if name in BASE_PORTS:
            return BASE_PORTS[name] + self.offset
        raise AttributeError(name)

    @property
    def ca(self) -> Path:
        """The self-signed certificate authority that `oxgate init` made."""
        return next(self.data.glob("**/ca.pem"))

    def oxgate(self, *args: str, stdin: str | None = None) -> str:
        """Run the command line on this server's settings; its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "gateway", *args],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**os.environ, "OXGATE_CONFIG": str(self.config)},
        )
        assert done.returncode == 0, f"oxgate {' '.join(args)}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def init(self) -> None:
        """Make the tenant: settings on our ports, and the accounts."""
        self.oxgate("init", str(self.data), "--domain", DOMAIN, "--unprivileged")
        text = self.config.read_text()
        for port in BASE_PORTS.values():
            text = re.sub(rf"\b{port}\b", str(port + self.offset), text)
        self.config.write_text(text)
        rows = [f"sd{n}@{DOMAIN},Seed {n},{PASSWORD}" for n in range(1, self.users + 1)]
        table = self.folder / "users.csv"
        table.write_text("address,display_name,password\n" + "\n".join(rows) + "\n")
        self.oxgate("user", "import", str(table))

    def start(self) -> None:
        """Start it and wait until it says `ready`."""
        env = {**os.environ, "OXGATE_CONFIG": str(self.config), "PYTHONUNBUFFERED": "1"}
        env["OXGATE_WORKERS__COUNT"] = str(self.workers)
        env |= self.environment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
        )
        ready = threading.Event()

        def read() -> None:
            assert self.process is not None
            assert self.process.stdout is not None
            for line in self.process.stdout:
                self.log.append(line)
                if "ready" in line:
                    ready.set()
            ready.set()

        self._reader = threading.Thread(target=read, daemon=True)
        self._reader.start()
        if not ready.wait(30) or self.process.poll() is not None:
            raise RuntimeError("the server did not get ready:\n" + "".join(self.log))

    def stop(self) -> None:
        """Stop it as an administrator would; it must end cleanly."""
        assert self.process is not None
        self.process.terminate()
        code = self.process.wait(30)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert code == 0, f"exit {code}\n" + "".join(self.log)

    def account(self) -> str:
        """A user name that no other test uses."""
        self._next += 1
        assert self._next <= self.users
        return f"sd{self._next}"

    def imap_login(self, user: str) -> imaplib.IMAP4:
        """A neutral client, signed in."""
        client = imaplib.IMAP4("127.0.0.1", self.imap, timeout=20)
        client.login(user, PASSWORD)
        return client

    def seed(self, user: str, count: int = 3) -> list[bytes]:
        """Put `count` messages into the Inbox: seed-1 plain, seed-2 with a UTF-8 subject, seed-3 with an attachment."""
        client = self.imap_login(user)
        for name in ("Archive", "Sent", "Trash", "Drafts"):
            client.create(name)
            client.subscribe(name)
        raws = []
        for n in range(1, count + 1):
            message = EmailMessage()
            message["From"] = f"Sender {n} <s{n}@{DOMAIN}>"
            message["To"] = f"{user}@{DOMAIN}"
            message["Subject"] = f"seed-{n} " + ("Grüße" if n == 2 else "hello")
            message["Date"] = f"Mon, 02 Nov 2026 10:{n % 60:02d}:00 +0000"
            message["Message-ID"] = f"<seed-{n}.{user}@{DOMAIN}>"
            message.set_content(f"body token-{n}\n")
            if n == 3:
                message.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="t.csv")
            raws.append(message.as_bytes().replace(b"\n", b"\r\n"))
            kind, data = client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), raws[-1])
            assert kind == "OK", data
        client.logout()
        return raws

    def state(self, user: str) -> dict[str, list[tuple[str, frozenset[str]]]]:
        """Every folder with (subject, flags) of its messages, as a neutral client sees them."""
        client = self.imap_login(user)
        seen: dict[str, list[tuple[str, frozenset[str]]]] = {}
        for line in client.list()[1]:
            assert isinstance(line, bytes)
            if b"\\Noselect" in line:
                continue
            name = line.decode().rsplit(' "/" ', 1)[1]
            kind, data = client.select(name, readonly=True)
            assert kind == "OK", (name, data)
            rows = []
            if data[0] != b"0":
                for part in client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]:
                    if isinstance(part, tuple):
                        flags = re.search(rb"FLAGS \(([^)]*)\)", part[0])
                        raw = email.message_from_bytes(part[1])["subject"] or ""
                        subject = str(email.header.make_header(email.header.decode_header(raw)))
                        rows.append((subject, frozenset(flags[1].decode().split()) if flags else frozenset()))
            seen[name.strip('"')] = rows
        client.logout()
        return seen
