"""Start the peers that are measured beside oxgate, in scratch folders on loopback: Dovecot and Postfix."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

CONF = Path(__file__).parent / "conf"
USERS = 100
PASSWORD = "pass"


def wait_for_port(port: int, seconds: float = 20) -> None:
    """Wait until something listens there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def free_port() -> int:
    """A port that nothing uses just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


DOVECOTS = {
    "sdbox": {"storage": "sdbox"},
    "sdbox shared": {"storage": "sdbox", "shared": True},
    "maildir": {"storage": "maildir"},
    "maildir shared": {"storage": "maildir", "shared": True},
}
"""Dovecot in both of its usual formats, configured as it comes and as it is cheapest to sign in to."""


@dataclass
class Peer:
    """A running peer: its root process and its ports."""

    name: str
    pid: int
    ports: dict[str, int]
    stop_command: list[str] = field(default_factory=list)
    config: Path = Path()

    def stop(self) -> None:
        """Stop it."""
        if self.stop_command:
            subprocess.run(self.stop_command, check=False, capture_output=True)
        else:
            os.kill(self.pid, signal.SIGTERM)


def dovecot(folder: Path, *, shared: bool = False, storage: str = "sdbox") -> Peer:
    """Dovecot on `sdbox` or `maildir`; `shared`: shared login processes and reused imap processes."""
    ports = {name: free_port() for name in ("imap", "pop3", "lmtp")}
    for name in ("run", "state", "log", "etc", "mail"):
        (folder / name).mkdir(parents=True)
    os.chown(folder / "mail", 5000, 5000)
    folder.chmod(0o755)
    text = (CONF / ("dovecot-perf.conf" if shared else "dovecot.conf")).read_text()
    text = re.sub(r"@DIR@/dovecot/(run|state|log)p?\b", str(folder) + r"/\1", text)
    text = text.replace("@DIR@/dovecot/etc", str(folder / "etc"))
    for name, old in (("imap", "1?0143|11143"), ("pop3", "10110|11110"), ("lmtp", "10024|11024")):
        text = re.sub(rf"port = (?:{old})\b", f"port = {ports[name]}", text)
    text += "\nmail_fsync = optimized\nservice stats {\n  client_limit = 20000\n}\n"
    config = folder / "dovecot.conf"
    config.write_text(text)
    rows = [
        f"user{n}:{PASSWORD}:5000:5000::{folder}/mail/user{n}::userdb_mail={storage}:~/{storage}"
        for n in range(1, USERS + 1)
    ]
    (folder / "etc" / "passwd").write_text("\n".join(rows) + "\n")
    process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stderr=(folder / "err").open("w"))
    for port in ports.values():
        wait_for_port(port)
    return Peer("Dovecot", process.pid, ports, config=config)


def fill(peer: Peer, user: int, box: str, messages: Iterable[bytes], *, seen: Callable[[int], bool]) -> None:
    """Put messages into a mailbox of Dovecot, without a sync of each: much faster than APPEND."""
    source = peer.config.parent / f"import-{user}-{box}"
    source.mkdir()
    with (source / box).open("wb") as file:
        for n, each in enumerate(messages):
            status = b"Status: RO\n" if seen(n) else b""
            file.write(b"From s@example.test Fri Mar  1 10:00:00 2024\n" + status)
            file.write(each.replace(b"\r\n", b"\n") + b"\n")
    inbox = source / "INBOX"
    inbox.touch()
    subprocess.run(["chown", "-R", "5000:5000", str(source)], check=True)
    command = ["doveadm", "-c", str(peer.config), "-o", "mail_fsync=never", "import", "-u", f"user{user}"]
    subprocess.run([*command, f"mbox:{source}:INBOX={inbox}", "", "ALL"], check=True, capture_output=True)
    shutil.rmtree(source)


def postfix(folder: Path) -> Peer:
    """Postfix that queues (with fsync) and then discards."""
    port = free_port()
    folder.chmod(0o755)
    for name in ("etc", "spool", "data"):
        (folder / "postfix" / name).mkdir(parents=True)
    (folder / "postfix").chmod(0o755)
    shutil.chown(folder / "postfix" / "data", "postfix")
    main = (CONF / "main.cf").read_text().replace("@DIR@", str(folder))
    (folder / "postfix" / "etc" / "main.cf").write_text(main)
    master = (CONF / "master.cf").read_text().replace("127.0.0.1:10025", f"127.0.0.1:{port}")
    (folder / "postfix" / "etc" / "master.cf").write_text(master)
    config = str(folder / "postfix" / "etc")
    subprocess.run(["postfix", "-c", config, "start"], check=True, capture_output=True)
    wait_for_port(port)
    pid = int((folder / "postfix" / "spool" / "pid" / "master.pid").read_text())
    return Peer("Postfix", pid, {"smtp": port}, ["postfix", "-c", config, "stop"])
