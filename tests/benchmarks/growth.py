"""What commands cost as a mailbox grows: oxgate beside Dovecot on sdbox, as a table and a plot.

The mailboxes are filled behind the servers' backs, because over the wire it would take an hour: oxgate's through the
store, message by message, as a delivery writes them; Dovecot's by `doveadm import`, and beyond 10,000 by its COPY.
"""

from __future__ import annotations

import asyncio
import sys
import tomllib
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conversion.mime.rendition import render
from directory.sql import SqlDirectory
from gateway.services.reading import MailReader
from store.ids import MailboxRef, MessageFlag
from store.store import Store, StoreSettings
from tests.benchmarks import peers, plot, proctree
from tests.benchmarks.corpus import message
from tests.benchmarks.wire import connect, find
from tests.peers.server import DOMAIN, PeerServer

if TYPE_CHECKING:
    from tests.benchmarks.run import Bench

SIZES = (1_000, 10_000, 100_000, 240_000)
PEER_MOST = 100_000
"""Messages in the largest of Dovecot's mailboxes."""
IMPORTED = 10_000
FIRST_USER = 91
BOX = "Grow"
OCTETS = 1024
DISTINCT = 500
"""Messages that differ; the mailbox repeats them."""
GROUP = 1000
"""Messages that are written in one transaction."""

WORK = {
    "FETCH FLAGS": ("fetchflags",),
    "FETCH metadata": ("fetchmeta",),
    "SEARCH HEADER": ("search",),
    "SELECT": ("command", "--command", f"SELECT {BOX}"),
    "STATUS": ("command", "--box", "INBOX", "--command", f"STATUS {BOX} (MESSAGES UNSEEN UIDNEXT)"),
    "APPEND": ("append",),
}
HEAD = f"""
## As the mailbox grows

Server CPU of one command, in milliseconds, on mailboxes of {SIZES[0]:,} to {SIZES[-1]:,} messages of {OCTETS:,} octets
(Dovecot: sdbox, to {PEER_MOST:,}). FETCH and SEARCH answer for the whole mailbox; SELECT, STATUS and APPEND (4 KB) are
given again and again; *first SELECT* is that with nothing in memory, right after the server was started.

"""


def section(bench: Bench, picture: Path | None) -> str:
    """Fill, measure, draw into `picture`, and give the text."""
    assert bench.own.process is not None
    servers = ["oxgate"]
    fill_own(bench.own)
    bench.own.stop()
    bench.own.start()
    peer = bench.peers.get("sdbox")
    if peer is not None:
        servers.append("Dovecot")
        for number, size in enumerate(SIZES):
            if size <= PEER_MOST:
                fill_peer(peer, FIRST_USER + number, size)
    ports = {"oxgate": (bench.own.imap, bench.own.process.pid)}
    if peer is not None:
        ports["Dovecot"] = (peer.ports["imap"], peer.pid)
    cost: dict[str, dict[str, list[tuple[float, float]]]] = {work: {each: [] for each in servers} for work in WORK}
    lines = ["| messages | server | first SELECT | " + " | ".join(WORK) + " |", "|---" * (len(WORK) + 3) + "|"]
    for number, size in enumerate(SIZES):
        for server in servers if size <= PEER_MOST else ["oxgate"]:
            port, pid = ports[server]
            cells = [f"{size:,}", server, number_of(asyncio.run(first_select(port, pid, FIRST_USER + number)))]
            for work, (workload, *args) in WORK.items():
                print(f"growth: {work}, {size}, {server} ...", file=sys.stderr, flush=True)
                args = ["--box", BOX, "--first", str(FIRST_USER + number), *args]
                result = bench.load(workload, port, pid, *args)
                each = per_command(result)
                if each:
                    cost[work][server].append((size, each))
                cells.append(number_of(each))
            lines.append("| " + " | ".join(cells) + " |")
            print(lines[-1], file=sys.stderr, flush=True)
    text = HEAD + "\n".join(lines) + "\n"
    if picture is not None:
        picture.write_text(plot.panels("Cost of a command", "messages in the mailbox", "ms of CPU", cost))
        text += f"\n![Cost of a command over the size of the mailbox]({picture.name})\n"
    return text


def per_command(result: dict[str, Any] | None) -> float:
    """Milliseconds of server CPU for one command; 0 where there is no result."""
    if result is None:
        return 0.0
    return float(result["server_us_per_msg"] * result["msgs_s"] / result["ops_s"]) / 1000


def number_of(value: float) -> str:
    """Three figures."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}" if value else "-"


async def first_select(port: int, pid: int, user: int) -> float:
    """Milliseconds of server CPU for one SELECT, in a connection of its own."""
    c = await connect("127.0.0.1", port)
    await c.expect(find(b"* OK", b"\r\n"))
    await c.ok(f"LOGIN user{user} {peers.PASSWORD}")
    before = proctree.exact_cpu_s([pid])
    await c.ok(f"SELECT {BOX}")
    after = proctree.exact_cpu_s([pid])
    await c.ok("LOGOUT")
    c.t.close()
    return (after - before) * 1e3


def fill_own(server: PeerServer) -> None:
    """Write the mailboxes through the store, every third message unread."""
    data = server.data / tomllib.loads(server.config.read_text())["general"]["data"]
    directory = SqlDirectory(data / "directory.sqlite", domains=[DOMAIN])
    store = Store(StoreSettings(data, durable=False), reader=MailReader())
    renditions = [render(message(n, OCTETS)) for n in range(DISTINCT)]
    try:
        for number, size in enumerate(SIZES):
            print(f"growth: filling oxgate, {size} ...", file=sys.stderr, flush=True)
            owner = directory.by_address(f"user{FIRST_USER + number}@{DOMAIN}")
            assert owner is not None
            assert owner.mailbox_id is not None
            ref = MailboxRef(owner.mailbox_id, owner.guid, owner.shard)
            mailbox = store.open(ref)
            folder = mailbox.create_folder((BOX,)).id
            put = partial(mailbox.deliver, folder, None)
            pending = (
                partial(put, mime=renditions[n % DISTINCT], flags=MessageFlag.SEEN if n % 3 else 0) for n in range(size)
            )
            while group := list(islice(pending, GROUP)):
                store.group(ref, group)
    finally:
        store.close()
        directory.close()


def fill_peer(peer: peers.Peer, user: int, size: int) -> None:
    """Import into Dovecot, and double by COPY."""
    print(f"growth: filling Dovecot, {size} ...", file=sys.stderr, flush=True)
    first = min(size, IMPORTED)
    messages = (message(n % DISTINCT, OCTETS) for n in range(first))
    peers.fill(peer, user, BOX, messages, seen=lambda n: n % 3 > 0)
    asyncio.run(_double(peer.ports["imap"], user, first, size))


async def _double(port: int, user: int, have: int, size: int) -> None:
    c = await connect("127.0.0.1", port)
    await c.expect(find(b"* OK", b"\r\n"))
    await c.ok(f"LOGIN user{user} {peers.PASSWORD}")
    await c.ok(f"SELECT {BOX}")
    while have < size:
        step = min(have, size - have)
        await c.ok(f"COPY 1:{step} {BOX}")
        have += step
    await c.ok("LOGOUT")
    c.t.close()
