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
from datetime import date
from pathlib import Path
from typing import Any

from tests.benchmarks import conversions, growth, large, peers, textindex
from tests.benchmarks.corpus import message
from tests.benchmarks.rows import DOMAIN_ARGS, HASH_ROWS, ROWS, SIGN_ROWS, Row
from tests.benchmarks.signin import SignInServer
from tests.peers.server import PeerServer

ROOT = Path(__file__).parents[2]
HEAD = """# Benchmarks

oxgate beside its peers, on one machine, in one run: {machine}, Python {python}, {when}.
Each figure is the median of {repeat} runs of {seconds} s: server CPU in microseconds per unit (all processes of the
server, children too). *Ratio* is the figure in bold, the peer that the goal is about, over oxgate's; more than 1 means
that oxgate is cheaper. *To the best* is the same with the cheapest Dovecot of the row. Rates and latencies swing with
whatever else the machine does. `make bench` writes this page; the rows are in `tests/benchmarks/rows.py`.

Dovecot keeps its mail in sdbox or in Maildir (`mail_fsync = optimized`); *shared* is with shared login and reused imap
processes, its cheapest way to sign in. Where rows sign in, oxgate remembers the passwords, as it does after the first
time; *Signing in*, below, has the rest. Postfix queues with fsync and discards. oxgate runs {workers} workers on SQLite
with every commit synced before the reply.

"""
TABLE = """\
| work | unit | oxgate | sdbox | sdbox shared | maildir | maildir shared | Postfix | ratio | goal | to the best | \
p50 ms: own | of the peer | units/s: own | of the peer |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""
SIGN_TABLE = """\
| work | unit | peer | peer CPU | oxgate CPU | ratio | goal | peer p50 ms | own p50 ms | peer units/s | own units/s |
|---|---|---|---|---|---|---|---|---|---|---|
"""


SIGN_HEAD = """
## Signing in

A sign-in is the whole connection: over IMAP connect, AUTHENTICATE, SELECT of an empty Inbox, LOGOUT; over submission
connect, EHLO, AUTH, QUIT. Nothing runs over TLS, whose handshake would be the larger part. oxgate counts and records
each, as it does for clients from outside. *Remembered*: the password was right a while ago; *hashed*: nothing is
remembered, so that Argon2id (19 MiB, 2 passes) is part of the figure. Dovecot compares the password in clear.

"""
COLUMNS = (*peers.DOVECOTS, "Postfix")
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
        self.own.environment["OXGATE_SEARCH__INDEX"] = "never"  # like with like: Dovecot has none
        self.own.init()
        table = self.own.folder / "bench.csv"
        rows = [f"user{n}@example.test,User {n},{peers.PASSWORD}" for n in range(1, peers.USERS + 1)]
        table.write_text("address,display_name,password\n" + "\n".join(rows) + "\n")
        self.own.oxgate("user", "import", str(table))
        self.own.start()
        self.signing = SignInServer(folder / "signin", workers)
        self.peers: dict[str, peers.Peer] = {}
        if shutil.which("dovecot") and os.geteuid() == 0:
            for name, how in peers.DOVECOTS.items():
                self.peers[name] = peers.dovecot(folder / name.replace(" ", "-"), **how)
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
        for user, box, count in ((1, "Big", 5000), (50, "INBOX", 1000)):
            args = ("--box", box, "--first", str(user), "--messages", str(count))
            self.own_load("fill", "imap", *args)
            for name, peer in self.peers.items():
                if name in peers.DOVECOTS:
                    print(f"filling {name} {' '.join(args)}", file=sys.stderr)
                    messages = (message(n, mixed=True) for n in range(count))
                    peers.fill(peer, user, box, messages, seen=lambda n: False)

    def measure(self, row: Row, server: PeerServer | None = None) -> dict[str, dict[str, Any] | None]:
        """Measure a row on every server that it is about, by the server's name."""
        print(row.label, "...", file=sys.stderr, flush=True)
        results = {}
        if row.workload == "login" and server is None:  # so that every worker has seen the passwords
            self.own_load(row.workload, row.port, *row.args, *row.own_args)
        for name, peer in self.peers.items():
            if row.port in peer.ports and (row.others or name == row.peer):
                results[name] = self.load(row.workload, peer.ports[row.port], peer.pid, *row.args, *row.peer_args)
        results["oxgate"] = self.own_load(row.workload, row.port, *row.args, *row.own_args, server=server)
        return results

    def row(self, row: Row) -> str:
        """A line of the large table."""
        results = self.measure(row)
        own, peer = results["oxgate"], results.get(row.peer)
        cost = {name: figure(result, "server_us_per_msg") for name, result in results.items()}
        cells = [row.label, row.unit, num(cost["oxgate"])]
        cells += [f"**{num(cost.get(name))}**" if name == row.peer else num(cost.get(name)) for name in COLUMNS]
        best = min((value for name, value in cost.items() if name in peers.DOVECOTS and value), default=None)
        cells += [ratio(cost.get(row.peer), cost["oxgate"]), row.goal, ratio(best, cost["oxgate"])]
        cells += [num(figure(result, key)) for key in ("p50_ms", "msgs_s") for result in (own, peer)]
        return "| " + " | ".join(cells) + " |"

    def sign_row(self, row: Row) -> str:
        """A line of the table about signing in."""
        results = self.measure(row, self.signing)
        both = results.get(row.peer), results["oxgate"]
        theirs, ours = (figure(each, "server_us_per_msg") for each in both)
        cells = [row.label, row.unit, row.peer and f"Dovecot {row.peer}", num(theirs), num(ours)]
        cells += [ratio(theirs, ours), row.goal]
        cells += [num(figure(each, key)) for key in ("p50_ms", "msgs_s") for each in both]
        return "| " + " | ".join(cells) + " |"

    def sign_in(self) -> str:
        """What a sign-in costs by each mechanism, and what others notice of many."""
        lines = [SIGN_HEAD + SIGN_TABLE.rstrip()]
        for remembering, rows in ((True, SIGN_ROWS), (False, HASH_ROWS)):
            self.signing.start(remembering=remembering)
            for row in rows:
                lines.append(self.sign_row(row))
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
        if "sdbox" in self.peers:
            peer = self.peers["sdbox"]
            runs.insert(0, ("Dovecot", peer.pid, peer.ports["imap"], peer.ports["lmtp"], IDLE_PEER))
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


def figure(result: dict[str, Any] | None, key: str) -> float | None:
    """One of the driver's figures, None where there is no result."""
    return None if result is None else float(result[key])


def ratio(theirs: float | None, ours: float | None) -> str:
    """How much cheaper we are."""
    return f"{theirs / ours:.1f}×" if theirs and ours else "-"


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
    parser.add_argument(
        "--only", default="", help="rows whose label holds this text; `sign`, `idle`, `growth`, `index`: a part"
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md", help="`-` for standard output")
    a = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="oxgate-bench-"))
    folder.chmod(0o755)
    bench = Bench(folder, a.seconds, a.repeat, a.workers)
    try:
        idle = bench.idle() if not a.only or "idle" in a.only else ""
        chosen = [row for row in ROWS if a.only.lower() in row.label.lower()]
        if any(row.box for row in chosen):
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
        if not a.only or "growth" in a.only:
            plot = a.output.with_name("benchmarks-growth.svg") if str(a.output) != "-" else None
            text += growth.section(bench, plot)
        if not a.only or "large" in a.only:
            text += large.measure(folder / "large", a.workers)
        if not a.only or "index" in a.only:
            text += textindex.section()
        if not a.only or "conversions" in a.only:
            text += conversions.section()
        if str(a.output) == "-":
            print(text)
        else:
            a.output.write_text(text)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
