"""`make bench`: oxgate beside Dovecot and Postfix, in one run on one machine; writes docs/benchmarks.md.

The figure that counts is server CPU per unit (message, sign-in, connection), because it stays steady on a shared
machine; rates and latencies are printed beside it. Every figure is the median of the repeats.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks import peers
from tests.benchmarks.signin import SignInServer
from tests.peers.server import PeerServer

ROOT = Path(__file__).parents[2]
HEAD = """# Benchmarks

oxgate beside its peers, on one machine, in one run: {machine}, Python {python}, {when}.
Each figure is the median of {repeat} runs of {seconds} s. **CPU** is server CPU in microseconds per unit (all processes
of the server, children too); *ratio* is the peer's figure over oxgate's, so more than 1 means that oxgate is cheaper.
Rates and latencies swing with whatever else the machine does. `make bench` writes this page; the rows are in
`tests/benchmarks/run.py`.

Dovecot keeps sdbox mailboxes (`mail_fsync = optimized`), Postfix queues with fsync and discards. oxgate runs {workers}
workers on SQLite with every commit synced before the reply. The rows marked *shared* run Dovecot with shared login and
reused imap processes, its cheapest way to sign in.

"""
TABLE = """\
| work | unit | peer | peer CPU | oxgate CPU | ratio | goal | peer p50 ms | own p50 ms | peer units/s | own units/s |
|---|---|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One line of the table: a workload of imap_load and where it goes."""

    label: str
    unit: str
    workload: str
    port: str
    goal: str
    args: tuple[str, ...] = ()
    peer: str = "Dovecot"
    peer_port: str = ""
    peer_args: tuple[str, ...] = ()
    own_args: tuple[str, ...] = ()


DOMAIN_ARGS = ("--domain", "@example.test")
ROWS = [
    Row("FETCH 1:* metadata, 5,000", "message", "fetchmeta", "imap", "5×", ("--box", "Big")),
    Row("FETCH 1:* FLAGS, 5,000", "message", "fetchflags", "imap", "1×", ("--box", "Big")),
    Row("FETCH bodies, batch", "message", "fetchbatch", "imap", "1.5×", ("--box", "Big")),
    Row("FETCH bodies, pipelined", "message", "fetchpipe", "imap", "", ("--box", "Big")),
    Row("APPEND 4 KB, 1", "message", "append", "imap", "", ("--box", "App")),
    Row(
        "APPEND 4 KB, 20 users",
        "message",
        "append",
        "imap",
        "3×",
        ("--box", "App", "--users", "20", "--connections", "20"),
    ),
    Row("STORE ±FLAGS 1:*", "message", "store", "imap", "", ("--box", "Big")),
    Row("SEARCH HEADER Subject", "message", "search", "imap", "", ("--box", "Big")),
    Row("SEARCH UNSEEN", "message", "search", "imap", "", ("--box", "Big", "--query", "UNSEEN")),
    Row("SEARCH TEXT, no index", "message", "search", "imap", "5×", ("--box", "Big", "--query", "TEXT xyzzyplugh")),
    Row(
        "delivery 4 KB by LMTP, 1",
        "message",
        "lmtp",
        "lmtp",
        "",
        ("--users", "1"),
        own_args=DOMAIN_ARGS,
    ),
    Row(
        "delivery 4 KB by LMTP, 20 users",
        "message",
        "lmtp",
        "lmtp",
        "5×",
        ("--users", "20", "--connections", "20"),
        own_args=DOMAIN_ARGS,
    ),
    Row(
        "delivery 4 KB by SMTP, 20 users",
        "message",
        "smtp",
        "smtp",
        "5×",
        ("--users", "20", "--connections", "20"),
        peer="Postfix",
        peer_args=("--domain", "@discard.test"),
        own_args=DOMAIN_ARGS,
    ),
    Row(
        "login + select + logout, 1 (shared)",
        "sign-in",
        "login",
        "imap",
        "2×",
        ("--users", "1"),
        peer="Dovecot shared",
    ),
    Row(
        "login + select + logout, 20 (shared)",
        "sign-in",
        "login",
        "imap",
        "2×",
        ("--users", "20", "--connections", "20"),
        peer="Dovecot shared",
    ),
    Row("POP3 RETR all 1,000, pipelined", "message", "pop3", "pop3", "1.2×", ("--first", "50")),
    Row(
        "POP3 RETR all 1,000 (shared)",
        "message",
        "pop3",
        "pop3",
        "1.2×",
        ("--first", "50"),
        peer="Dovecot shared",
    ),
]
SIGN_HEAD = """
## Signing in

A sign-in is the whole connection: over IMAP connect, AUTHENTICATE, SELECT of an empty Inbox, LOGOUT; over submission
connect, EHLO, AUTH, QUIT. Nothing runs over TLS, whose handshake would be the larger part. oxgate counts and records
each, as it does for clients from outside. *Remembered*: the password was right a while ago; *hashed*: nothing is
remembered, so that Argon2id (19 MiB, 2 passes) is part of the figure. Dovecot compares the password in clear.

"""
BY = {
    "PLAIN, remembered": ("--mechanism", "PLAIN"),
    "PLAIN, app password": ("--mechanism", "PLAIN", "--secrets", "@DIR@/app.json"),
    "NTLMv2": ("--mechanism", "NTLM"),
    "SCRAM-SHA-256": ("--mechanism", "SCRAM-SHA-256"),
    "XOAUTH2": ("--mechanism", "XOAUTH2", "--secrets", "@DIR@/tokens.json"),
}
ONE, TWENTY = ("--users", "1"), ("--users", "20", "--connections", "20")
SIGN_ROWS = [
    Row(
        f"sign-in, {protocol.upper()}, {label}, {count[1]}",
        "sign-in",
        workload,
        port,
        "1 ms",
        count,
        peer="Dovecot shared" if protocol == "imap" and label == "PLAIN, remembered" else "",
        peer_args=("--mechanism", "PLAIN"),
        own_args=args,
    )
    for protocol, workload, port in (("imap", "sign", "imap"), ("smtp", "smtpsign", "submission"))
    for label, args in BY.items()
    for count in (ONE, TWENTY)
]
HASH_ROWS = [
    Row(
        f"sign-in, IMAP, PLAIN, hashed, {count[1]}",
        "sign-in",
        "sign",
        "imap",
        "",
        count,
        peer="",
        own_args=("--mechanism", "PLAIN"),
    )
    for count in (ONE, TWENTY)
]
SIGNING = 50
"""Clients that sign in at a time while the time of a NOOP is taken."""

IDLE = ("--connections", "1000", "--users", "100", "--rounds", "20")
# Dovecot cannot watch 1,000 mailboxes with the usual limit of 128 inotify instances, and would look every 30 s only.
IDLE_PEER = ("--connections", "100", "--users", "20", "--rounds", "20")


class Bench:
    """The servers of one run and the driver that loads them."""

    def __init__(self, folder: Path, seconds: float, repeat: int, workers: int) -> None:
        self.seconds, self.repeat = seconds, repeat
        self.own = PeerServer(folder / "oxgate", workers=workers, users=1)
        self.own.folder.mkdir()
        self.own.init()
        table = self.own.folder / "bench.csv"
        rows = [f"user{n}@example.test,User {n},{peers.PASSWORD}" for n in range(1, peers.USERS + 1)]
        table.write_text("address,display_name,password\n" + "\n".join(rows) + "\n")
        self.own.oxgate("user", "import", str(table))
        self.own.start()
        self.signing = SignInServer(folder / "signin", workers)
        self.peers: dict[str, peers.Peer] = {}
        if shutil.which("dovecot") and os.geteuid() == 0:
            self.peers["Dovecot"] = peers.dovecot(folder / "dovecot")
            self.peers["Dovecot shared"] = peers.dovecot(folder / "dovecot-shared", perf=True)
        if (shutil.which("postfix") or Path("/usr/sbin/postfix").exists()) and os.geteuid() == 0:
            (folder / "postfix").mkdir()
            self.peers["Postfix"] = peers.postfix(folder / "postfix")

    def stop(self) -> None:
        """Stop them all."""
        for peer in self.peers.values():
            peer.stop()
        self.own.stop()
        self.signing.close()

    def load(self, workload: str, port: int, pid: int, *args: str, repeat: int | None = None) -> dict[str, Any] | None:
        """One run of the driver; None (and its error on stderr) when it failed."""
        driver = self.start_load(workload, port, pid, "--repeat", str(repeat or self.repeat), *args)
        return finished(driver)

    def start_load(self, workload: str, port: int, pid: int, *args: str) -> subprocess.Popen[str]:
        """Start a run of the driver."""
        command = [sys.executable, "-m", "tests.benchmarks.imap_load", workload, "--port", str(port)]
        command += ["--server-pid", str(pid), "--seconds", str(self.seconds), *args]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)

    def own_load(self, workload: str, port: str, *args: str, server: PeerServer | None = None) -> dict[str, Any] | None:
        """The same against oxgate; `@DIR@` is the server's folder."""
        server = server or self.own
        assert server.process is not None
        args = tuple(each.replace("@DIR@", str(server.folder)) for each in args)
        return self.load(workload, getattr(server, port), server.process.pid, *args)

    def fill(self) -> None:
        """Mailbox Big with 5,000 messages for user 1, an Inbox of 1,000 for user 50, on every server."""
        for args in (("--box", "Big"), ("--first", "50", "--messages", "1000")):
            self.own_load("fill", "imap", *args)
            for name, peer in self.peers.items():
                if "imap" in peer.ports:
                    print(f"filling {name} {' '.join(args)}", file=sys.stderr)
                    self.load("fill", peer.ports["imap"], peer.pid, *args)

    def row(self, row: Row, server: PeerServer | None = None) -> str:
        """Measure one row, the peer first, and format it."""
        print(row.label, "...", file=sys.stderr, flush=True)
        peer = self.peers.get(row.peer)
        theirs = None
        if peer is not None:
            theirs = self.load(row.workload, peer.ports[row.peer_port or row.port], peer.pid, *row.args, *row.peer_args)
        ours = self.own_load(row.workload, row.port, *row.args, *row.own_args, server=server)

        def get(result: dict[str, Any] | None, key: str) -> float | None:
            return None if result is None else float(result[key])

        a, b = get(theirs, "server_us_per_msg"), get(ours, "server_us_per_msg")
        cells = [row.label, row.unit, row.peer, num(a), num(b), f"**{a / b:.1f}×**" if a and b else "-", row.goal]
        cells += [
            num(get(theirs, "p50_ms")),
            num(get(ours, "p50_ms")),
            num(get(theirs, "msgs_s")),
            num(get(ours, "msgs_s")),
        ]
        return "| " + " | ".join(cells) + " |"

    def sign_in(self) -> str:
        """What a sign-in costs by each mechanism, and what others notice of many."""
        lines = [SIGN_HEAD + TABLE.rstrip()]
        for remembering, rows in ((True, SIGN_ROWS), (False, HASH_ROWS)):
            self.signing.start(remembering=remembering)
            for row in rows:
                lines.append(self.row(row, self.signing))
                print(lines[-1], file=sys.stderr, flush=True)
            if not remembering:
                lines += self.noop()
            self.signing.stop()
        return "\n".join(lines) + "\n"

    def noop(self) -> list[str]:
        """NOOP on ten connections, with nothing else to do and while clients sign in by passwords that are hashed."""
        lines = [f"\nTime of a NOOP on ten other connections, while {SIGNING} clients sign in at a time, hashed:\n"]
        lines += ["| meanwhile | sign-ins/s | NOOPs | p50 ms | p99 ms | max ms |", "|---|---|---|---|---|---|"]
        print("noop ...", file=sys.stderr, flush=True)
        assert self.signing.process is not None
        port, pid = self.signing.imap, self.signing.process.pid
        by = ("--mechanism", "PLAIN", "--repeat", "1")
        ten = ("--first", "61", "--users", "10", "--connections", "10", "--delay", "2")
        many = ("--users", str(SIGNING), "--connections", str(SIGNING), "--seconds", str(self.seconds + 4))
        for label in ("nothing", f"{SIGNING} sign-ins"):
            results, rate = [], None
            for _ in range(self.repeat):
                meter = self.start_load("noop", port, pid, *by, *ten)
                assert meter.stderr is not None
                meter.stderr.readline()  # its connections are signed in
                load = None if label == "nothing" else self.start_load("sign", port, pid, *by, *many)
                results.append(finished(meter))
                done = finished(load) if load is not None else None
                rate = done and done["msgs_s"]
            good = [each for each in results if each is not None]
            figures = [statistics.median(r[key] for r in good) for key in ("noops", "p50_ms", "p99_ms", "max_ms")]
            lines.append(f"| {label} | {num(rate)} | " + " | ".join(map(num, figures)) + " |")
            print(lines[-1], file=sys.stderr, flush=True)
        return lines

    def idle(self) -> str:
        """Memory of idle connections and the time from delivery to notification."""
        lines = ["\n## Idle connections and notification\n"]
        lines.append("Connections in IDLE (oxgate: 1,000 of 100 users; Dovecot: 100 of 20), then deliveries by LMTP.")
        lines.append("Measured first, on servers just started: memory that other rows give back would blur it.\n")
        lines.append(
            "| server | processes | KB a connection | idle CPU, cores | notified | missed | p50 ms | p90 ms | max ms |"
        )
        lines.append("|---|---|---|---|---|---|---|---|---|")
        assert self.own.process is not None
        runs = [("oxgate", self.own.process.pid, self.own.imap, self.own.lmtp, (*IDLE, *DOMAIN_ARGS))]
        for name in ("Dovecot",):
            if name in self.peers:
                peer = self.peers[name]
                runs.insert(0, (name, peer.pid, peer.ports["imap"], peer.ports["lmtp"], IDLE_PEER))
        for name, pid, port, lmtp, more in runs:
            print(f"idle: {name} ...", file=sys.stderr, flush=True)
            r = self.load("idle", port, pid, "--deliver-port", str(lmtp), *more, repeat=1)
            if r is not None:
                keys = ("processes", "pss_per_conn_kb", "idle_cpu", "notified", "missed", "p50_ms", "p90_ms", "max_ms")
                lines.append(f"| {name} | " + " | ".join(num(r[k]) for k in keys) + " |")
        return "\n".join(lines) + "\n"


def finished(driver: subprocess.Popen[str]) -> dict[str, Any] | None:
    """Wait for a driver's result; None (and its error on stderr) when it failed."""
    out, error = driver.communicate()
    if driver.returncode != 0:
        print(f"{driver.args} failed:\n{error[-2000:]}", file=sys.stderr)
        return None
    result: dict[str, Any] = json.loads(out)
    return result


def num(value: float | None) -> str:
    """Three figures."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """Run the suite."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one run")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each row")
    parser.add_argument("--workers", type=int, default=2, help="oxgate's worker processes")
    parser.add_argument("--only", default="", help="rows whose label holds this text; `sign`: signing in; `idle`")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="`-` for standard output")
    a = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="oxgate-bench-"))
    folder.chmod(0o755)
    bench = Bench(folder, a.seconds, a.repeat, a.workers)
    try:
        idle = bench.idle() if not a.only or "idle" in a.only else ""
        chosen = [row for row in ROWS if a.only.lower() in row.label.lower()]
        if chosen:
            bench.fill()
        machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
        text = HEAD.format(
            machine=machine,
            python=platform.python_version(),
            when=date.today().isoformat(),
            repeat=a.repeat,
            seconds=a.seconds,
            workers=a.workers,
        )
        text += TABLE if chosen else ""
        for row in chosen:
            line = bench.row(row)
            print(line, file=sys.stderr, flush=True)
            text += line + "\n"
        if not a.only or "sign" in a.only:
            text += bench.sign_in()
        text += idle
        if str(a.output) == "-":
            print(text)
        else:
            a.output.write_text(text)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
