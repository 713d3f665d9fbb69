"""A folder of many messages: what its commands cost, and what others notice meanwhile (`--only large`)."""

from __future__ import annotations

import imaplib
import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID

from conversion.mime.rendition import render
from store.ids import MailboxRef, MessageFlag, SpecialFolder
from store.store import Store, StoreSettings
from tests.benchmarks import proctree
from tests.benchmarks.corpus import message
from tests.peers.server import PASSWORD, PeerServer

MESSAGES, MANY = 240_000, 50_000
OTHERS = 5
"""Users other than the owner of the large folder, sd1."""
HEAD = """
## A folder of 240,000 messages

One session works on the Inbox of a mailbox. Others send NOOP every few milliseconds: six connections with the same
folder selected, six of the same user with another, and twelve of other users. With the same folder selected a NOOP
tells of each change in it, and its time is what that takes. *Memory* is by how much that of the workers, mapped
files aside, had grown at the end of the command.

| command | seconds | CPU s | same folder, NOOP max ms | another folder | other users | memory, MB |
|---|---|---|---|---|---|---|
"""
COMMANDS = (
    "FETCH 1:* (FLAGS)",
    "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
    "UID SEARCH UNSEEN",
    f"STORE 1:{MANY} +FLAGS.SILENT (\\Flagged)",
    f"COPY 1:{MANY} Archive",
    f"MOVE 1:{MANY} Archive",
    f"STORE 1:{MANY} +FLAGS.SILENT (\\Deleted)",
    "EXPUNGE",
)


class _Client:
    """A connection that reads answers without keeping them."""

    def __init__(self, port: int, user: str, box: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.recv(4096)
        self.send(f"LOGIN {user} {PASSWORD}")
        if box:
            self.send(f"SELECT {box}")

    def send(self, text: str) -> float:
        """Send a command and wait for its answer; return the seconds."""
        began = time.perf_counter()
        self.socket.sendall(f"x {text}\r\n".encode())
        tail = b"\n"
        while (found := re.search(rb"\nx (OK|NO|BAD)[^\n]*\n", tail)) is None:
            tail = tail[-300:] + self.socket.recv(1 << 16)
        assert found[1] == b"OK", found[0]
        return time.perf_counter() - began


def _fill(server: PeerServer) -> None:
    """Give sd1's Inbox its messages, by the store itself: over IMAP it would take minutes."""
    with imaplib.IMAP4("127.0.0.1", server.imap) as client:
        client.login("sd1", PASSWORD)
        client.create("Archive")
        client.append("INBOX", "", "", message(0, 700))
    inbox = int(SpecialFolder.INBOX)
    for path in server.data.glob("**/mbx/*/*.sqlite"):
        with closing(sqlite3.connect(path)) as database:
            number, guid, total = database.execute(
                "SELECT mailbox_id, guid, total FROM mailbox JOIN folder USING (mailbox_id) WHERE folder_id = ?",
                (inbox,),
            ).fetchone()
        if total:
            break
    ref = MailboxRef(number, UUID(bytes_le=guid), "")
    store = Store(StoreSettings(root=path.parents[2], durable=False), reader=lambda raw: None)  # type: ignore[arg-type, return-value]  # nothing is read
    mailbox = store.open(ref)
    texts = [render(message(n, 700)) for n in range(300)]

    def deliver(n: int) -> None:
        flags = int(MessageFlag.SEEN) if n % 10 else 0
        mailbox.deliver(inbox, None, mime=texts[n % 300], flags=flags, internal_date=1_700_000_000 + n)

    for start in range(1, MESSAGES, 1000):
        store.group(ref, [lambda n=n: deliver(n) for n in range(start, min(start + 1000, MESSAGES))])  # type: ignore[misc]  # mypy cannot infer a default
    mailbox.claim_recent(inbox)
    store.close()


def _memory_mb(pid: int) -> float:
    """Memory of the processes that is not of a file: what they map of the mailbox the kernel gives and takes."""
    total = 0
    for each in proctree.tree([pid]):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                total += int(line.split()[1])
    return total / 1024


def _meter(server: PeerServer, pid: int, user: int, box: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.benchmarks.imap_load", "noop", "--port", str(server.imap)]
    command += ["--server-pid", str(pid), "--user", "sd%d", "--first", str(user), "--users", str(1 if box else OTHERS)]
    command += ["--connections", "6" if box else "12", "--box", box or "INBOX", "--repeat", "1", "--interval", "0.002"]
    meter = subprocess.Popen(
        [*command, "--seconds", str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert meter.stderr is not None
    meter.stderr.readline()  # its connections are signed in
    return meter


def _row(server: PeerServer, pid: int, client: _Client, command: str) -> str:
    """Carry out a command while others ask, then look at what they noticed."""
    seconds = 8.0 if "EXPUNGE" in command or "MOVE" in command else 4.0
    meters = [_meter(server, pid, *who, seconds) for who in ((1, "INBOX"), (1, "Drafts"), (2, ""))]
    before, cpu = _memory_mb(pid), proctree.cpu_s([pid])
    took = client.send(command)
    spent, memory = proctree.cpu_s([pid]) - cpu, _memory_mb(pid) - before
    worst = [json.loads(meter.communicate()[0])["max_ms"] for meter in meters]
    cells = [command, f"{took:.2f}", f"{spent:.2f}", *(f"{each:.0f}" for each in worst), f"{memory:.0f}"]
    return "| " + " | ".join(cells) + " |"


def _unread(server: PeerServer, pid: int) -> str:
    """What a client costs that asks for everything and reads nothing."""
    client = _Client(server.imap, "sd1", "INBOX")
    time.sleep(1)
    before = _memory_mb(pid)
    client.socket.sendall(b"y FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE)\r\n")
    most = 0.0
    for _ in range(20):
        time.sleep(0.1)
        most = max(most, _memory_mb(pid) - before)
    client.socket.close()
    return f"\nA client that asks for ENVELOPE and BODYSTRUCTURE of all and reads nothing: {most:.1f} MB.\n"


def measure(folder: Path, workers: int) -> str:
    """Run it all on a server of its own; return the section of the page."""
    folder.mkdir()
    server = PeerServer(folder, workers=workers, users=OTHERS + 1)
    server.init()
    server.start()
    print("large folder ...", file=sys.stderr, flush=True)
    try:
        _fill(server)
        lines = []
        for name in ("SELECT, nothing in memory or in a snapshot", "SELECT, nothing in memory"):
            server.stop()
            server.start()
            assert server.process is not None
            pid = server.process.pid
            client = _Client(server.imap, "sd1", "")
            cpu = proctree.cpu_s([pid])
            cold = client.send("SELECT INBOX")
            lines.append(f"| {name} | {cold:.2f} | {proctree.cpu_s([pid]) - cpu:.2f} | | | | |")
        for command in COMMANDS:
            lines.append(_row(server, pid, client, command))
            print(lines[-1], file=sys.stderr, flush=True)
        return HEAD + "\n".join(lines) + "\n" + _unread(server, pid)
    finally:
        server.stop()
