"""A whole server for a test: in the test's own loop, or as `oxgate serve` in processes of its own. Ports are free ones.

async with RunningServer(tmp_path) as server:
    reader, writer = await server.connect("imap")

with ServedProcess(tmp_path, workers=2) as server:
    imaplib.IMAP4("127.0.0.1", server.ports["imap"])
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from config.loader import load
from config.settings import Listener, Settings
from config.template import render
from directory.credentials import Hasher
from directory.model import GrantKind, Principal, PrincipalKind
from directory.signins import SignInStore
from directory.sql import SqlDirectory
from gateway.app import Application, build
from gateway.services.reading import MailReader
from store.ids import MailboxKind, MailboxRef
from store.spool import Spool
from store.store import Store, StoreSettings
from tests.support.certificates import trusting_nobody, write_certificate
from tests.support.prepared import lay_out

DOMAIN = "example.test"
PASSWORD = "password"
USERS = ("alice", "bob", "carol")
SHARED = "sales"
PATIENCE = 30.0

LISTENERS = tuple(
    Listener(name=name, protocol=protocol, host="127.0.0.1", port=0, tls=tls)
    for name, protocol, tls in (
        ("imap", "imap", "starttls"),
        ("imaps", "imap", "implicit"),
        ("pop3", "pop3", "starttls"),
        ("pop3s", "pop3", "implicit"),
        ("smtp", "smtp", "starttls"),
        ("submission", "submission", "starttls"),
        ("submissions", "submission", "implicit"),
        ("lmtp", "lmtp", "none"),
    )
)

CHEAP: dict[str, dict[str, Any]] = {
    "general": {"hostname": "mail.example.test", "domains": (DOMAIN,), "data": "data"},
    "tls": {"certificate": "cert.pem", "key": "key.pem"},
    "directory": {"argon2_memory": 8, "argon2_time": 1},
    "auth": {"plaintext_without_tls": "loopback", "tarpit": 0.0},
    "workers": {"count": 1, "grace": 2},
    "log": {"format": "json", "level": "info"},
}


def make_settings(folder: Path, sections: dict[str, dict[str, Any]], listeners: Sequence[Listener]) -> Settings:
    """Write `oxgate.toml` and a certificate into a folder; `sections` are laid over what tests usually want."""
    folder.mkdir(exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    write_certificate(folder)
    values = {name: dict(CHEAP.get(name, {})) | dict(sections.get(name, {})) for name in {**CHEAP, **sections}}
    (folder / "oxgate.toml").write_text(render(values, tuple(listeners)))
    return load(folder / "oxgate.toml", {})


def make_tenant(
    settings: Settings, users: Sequence[str] = USERS, nt_hashes: Sequence[str] = ()
) -> dict[str, MailboxRef]:
    """Make the users, and the shared mailbox `sales` that the first of them may open; give their mailboxes.

    Of those in `nt_hashes` the NT hash is kept: they may sign in by NTLM.
    """
    cost, databases = settings.directory, (settings.directory.url or settings.store.url, settings.store.url)
    words = (*databases, settings.general.domains, cost.argon2_memory, cost.argon2_time, tuple(users))
    folder, known = settings.general.data, frozenset(nt_hashes)
    return _make_tenant(folder, *words, known) if any(databases) else dict(lay_out(folder, _make_tenant, *words, known))


def _make_tenant(
    folder: Path,
    directory_url: str,
    store_url: str,
    domains: Sequence[str],
    memory: int,
    passes: int,
    users: Sequence[str],
    nt_hashes: Collection[str],
) -> dict[str, MailboxRef]:
    """Make it in the data folder of a server, or in the databases of the URLs that are not empty."""
    hasher = Hasher(memory=memory, passes=passes)
    directory = SqlDirectory(directory_url or folder / "directory.sqlite", domains=domains, hasher=hasher)
    store = Store(StoreSettings(root=folder, url=store_url or None), reader=MailReader())
    refs: dict[str, MailboxRef] = {}

    def add_mailbox(owner: Principal) -> None:
        assert owner.mailbox_id is not None
        refs[owner.account] = ref = MailboxRef(owner.mailbox_id, owner.guid, owner.shard)
        store.create(ref, MailboxKind(owner.kind), owner=owner.address)

    phc = hasher.hash(PASSWORD)
    if nt_hashes:
        directory.ensure_key()
    for name in users:
        if name in nt_hashes:
            add_mailbox(directory.add_user(f"{name}@{DOMAIN}", password=PASSWORD, nt_hash=True))
        else:
            add_mailbox(directory.add_user(f"{name}@{DOMAIN}", password_hash=phc))
    shared = directory.add(PrincipalKind.SHARED, f"{SHARED}@{DOMAIN}")
    add_mailbox(shared)
    first = directory.by_address(f"{users[0]}@{DOMAIN}")
    assert first is not None
    directory.grant(GrantKind.FULL_ACCESS, shared.id, first.id)
    store.close()
    directory.close()
    if not any((directory_url, store_url)):
        Spool(folder / "spool.sqlite").close()
        SignInStore(folder / "signins.sqlite").close()
    return refs


class RunningServer:
    """A server in the running loop. `sections` are settings by section, such as `{"imap": {"keepalive": 1}}`."""

    def __init__(
        self,
        folder: Path,
        *,
        users: Sequence[str] = USERS,
        listeners: Sequence[Listener] = LISTENERS,
        sections: dict[str, dict[str, Any]] | None = None,
        nt_hashes: Sequence[str] = (),
    ) -> None:
        self.folder = folder / "server"
        self.settings = make_settings(self.folder, sections or {}, listeners)
        self.refs = make_tenant(self.settings, users, nt_hashes)
        self.application: Application = build(self.settings)
        self.ports = self.application.ports

    async def __aenter__(self) -> RunningServer:
        await self.application.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.application.stop(0.5)

    async def connect(self, port: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a listener by its name; on a TLS port after the handshake."""
        return await connect(self.ports[port], tls=port in ("imaps", "pop3s", "submissions"))


class ServedProcess:
    """`oxgate serve` as an administrator runs it."""

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        users: Sequence[str] = USERS,
        listeners: Sequence[Listener] = LISTENERS,
        sections: dict[str, dict[str, Any]] | None = None,
        make: bool = True,
    ) -> None:
        self.folder = folder / "server"
        self.settings = make_settings(self.folder, sections or {}, listeners)
        self.settings = dataclasses.replace(
            self.settings, workers=dataclasses.replace(self.settings.workers, count=workers)
        )
        self.refs = make_tenant(self.settings, users) if make else {}
        self.ports: dict[str, int] = {}
        self.lines: list[str] = []
        self._workers = workers
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and read its log until `ready`; RuntimeError with the log when it ends instead."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", str(self.folder / "oxgate.toml")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OXGATE_WORKERS__COUNT": str(self._workers), "PYTHONUNBUFFERED": "1"},
            cwd=self.folder,
        )
        self._reader.start()
        self.wait_for("ready")
        for line in self.lines:
            if line.startswith("{") and " listens on " in line:
                words = json.loads(line)["message"].split()
                self.ports[words[0]] = int(words[-1])

    def wait_for(self, text: str, *, since: int = 0) -> str:
        """Wait for a line of the log, of those from number `since` on, that contains `text`; return it."""
        seen = since
        with self._news:
            while True:
                for line in self.lines[seen:]:
                    seen += 1
                    if text in line:
                        return line
                if self._ended:
                    assert self.process is not None
                    status = self.process.wait(PATIENCE)
                    raise RuntimeError(f"ended with status {status}:\n" + "\n".join(self.lines))
                if not self._news.wait(PATIENCE):
                    raise TimeoutError("\n".join(self.lines))

    def _read(self) -> None:
        """Take the log as it comes: a server whose log nobody reads comes to a stop."""
        assert self.process is not None
        assert self.process.stdout is not None
        with self.process.stdout as stream:
            for line in stream:
                with self._news:
                    self.lines.append(line.decode().rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor."""
        assert self.process is not None
        self.process.send_signal(number)

    def workers(self) -> list[int]:
        """List the process ids of the workers, from the kernel."""
        assert self.process is not None
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def stop(self) -> int:
        """Stop it with SIGTERM, read the rest of its log, return the exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        self._reader.join(PATIENCE)
        return self.process.wait(PATIENCE)

    def __enter__(self) -> ServedProcess:
        try:
            self.start()
        except BaseException:
            self._kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()
        if error is not None:
            print("\n".join(self.lines))  # pytest shows it with the failure

    def _kill(self) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join(PATIENCE)

    async def connect(self, port: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a listener by its name; on a TLS port after the handshake."""
        return await connect(self.ports[port], tls=port in ("imaps", "pop3s", "submissions"))


async def connect(port: int, *, tls: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a port on loopback; any certificate will do."""
    context: ssl.SSLContext | None = trusting_nobody() if tls else None
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=2**24)
