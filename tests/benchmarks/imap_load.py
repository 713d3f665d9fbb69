#!/usr/bin/env python3
"""Neutral IMAP4 / POP3 / SMTP / LMTP load driver (asyncio, raw protocol bytes; stdlib, and our NTLM client).

    imap_load.py WORKLOAD --port 10143 --user 'user%d' --password pass [options]

Connection i logs in as user number first + i % users.  Bulk answers are not parsed: each chunk is
scanned once for the completion line and once for a marker that counts messages.  Prints one
JSON object: medians over --repeat runs, client and server CPU (in cores; --server-pid takes
in the whole process tree), server CPU per message (steadier than rates on a shared machine) and
server memory (sum of PSS).

workloads: fill (bring --box up to --messages), login (login+select+logout), sign (the same by
--mechanism, with each user's secret out of --secrets), smtpsign (EHLO, AUTH, QUIT), noop (time from
NOOP to its answer on each of --connections in turn, every --interval seconds; says `ready` --delay
seconds before it begins), fetchmeta, fetchflags, fetchpipe (one UID FETCH BODY.PEEK[] per message,
pipelined), fetchbatch, append, store, search, command (--command again and again), idle (memory and
notification latency), pop3 (LIST + RETR all), smtp, lmtp
"""

import argparse
import asyncio
import contextlib
import json
import os
import re
import resource
import statistics
import sys
import time
from pathlib import Path

from tests.benchmarks import proctree
from tests.benchmarks.corpus import message
from tests.benchmarks.exchanges import EXCHANGES, authenticate_imap, authenticate_smtp
from tests.benchmarks.wire import CRLF, DOT, connect, find, windowed

WORKLOADS = ["fill", "login", "fetchmeta", "fetchflags", "fetchpipe", "fetchbatch", "append"]
WORKLOADS += ["store", "search", "idle", "pop3", "smtp", "lmtp", "sign", "smtpsign", "noop", "command"]
CONNECTED = ("login", "pop3", "sign", "smtpsign")  # each unit is a connection of its own
META = "FLAGS UID ENVELOPE BODYSTRUCTURE INTERNALDATE RFC822.SIZE"


def who(a, i):
    return a.user % (a.first + i % a.users)


def exchange(a, i):
    user = who(a, i)
    return EXCHANGES[a.mechanism](user, a.by_user.get(user, a.password))


async def imap(a, i):
    c = await connect(a.host, a.port)
    await c.expect(find(b"* OK", b"\r\n"))
    if a.mechanism:
        await authenticate_imap(c, a.mechanism, exchange(a, i))
    else:
        await c.ok(f"LOGIN {who(a, i)} {a.password}")
    if a.workload in ("append", "fill") and i < a.users:
        await c.cmd(f"CREATE {a.box}")
    c.exists = int(re.search(rb"\* (\d+) EXISTS", await c.ok(f"SELECT {a.box}")).group(1))
    if a.workload == "fetchpipe":
        c.uids = re.search(rb"\* SEARCH ([\d ]+)", await c.ok("UID SEARCH ALL")).group(1).decode().split()
    return c


async def mta(a, port, proto):
    c = await connect(a.host, port, 1 << 16)
    c.tail = b""
    await c.reply()
    await c.reply(b"LHLO bench.test\r\n" if proto == "lmtp" else b"EHLO bench.test\r\n")
    return c


async def deliver(a, c, i, body):
    env = [b"MAIL FROM:<sender@example.test>\r\n", f"RCPT TO:<{who(a, i)}{a.domain}>\r\n".encode(), b"DATA\r\n"]
    for line in env if a.no_pipelining else [b"".join(env)]:
        await c.reply(line, 1 if a.no_pipelining else 3)
    await c.reply(body + b".\r\n")


def literal(a, body, flags=""):
    return f"APPEND {a.box}{flags} {{{len(body)}+}}\r\n", body


async def pop3(a, i):
    c = await connect(a.host, a.port)
    await c.expect(CRLF)
    await c.expect(CRLF, f"USER {who(a, i)}\r\n")
    await c.expect(CRLF, f"PASS {a.password}\r\n")
    n = int((await c.expect(CRLF, "STAT\r\n")).split()[1])
    await c.expect(DOT, "LIST\r\n")
    await windowed(lambda k: c.expect(DOT, f"RETR {k}\r\n"), range(1, n + 1), a.window)
    await c.expect(CRLF, "QUIT\r\n")
    c.t.close()
    a.closed_rx += c.rx
    return n


async def smtpsign(a, i):
    c = await mta(a, a.port, "smtp")
    await authenticate_smtp(c, a.mechanism, exchange(a, i))
    await c.reply(b"QUIT\r\n")
    c.t.close()
    return 1


async def step(a, i, c):
    """One unit of the workload; returns the number of messages handled."""
    w = a.workload
    if w == "fill":
        await windowed(lambda n: c.cmd(*literal(a, message(n, a.size, True))), range(c.exists, a.messages), 16)
        return max(0, a.messages - c.exists)
    if w in ("login", "sign"):
        c = await imap(a, i)
        await c.ok("LOGOUT")
        c.t.close()
        return 1
    if w == "fetchmeta":
        return await c.bulk(f"FETCH 1:* ({META})", b" BODYSTRUCTURE (")
    if w == "fetchflags":
        return await c.bulk("UID FETCH 1:* (FLAGS)", b" FETCH (")
    if w == "fetchbatch":
        return await c.bulk("UID FETCH 1:* BODY.PEEK[]", b" BODY[] {")
    if w == "fetchpipe":
        c.marker, c.hits, c.capture = b" BODY[] {", 0, None
        await windowed(lambda u: c.cmd(f"UID FETCH {u} BODY.PEEK[]"), c.uids, a.window)
        return c.hits
    if w == "append":
        await c.ok(*literal(a, a.payload, " (\\Seen)"))
        return 1
    if w == "store":
        c.sign = "-" if getattr(c, "sign", "-") == "+" else "+"
        await c.bulk(f"STORE 1:* {c.sign}FLAGS{'.SILENT' if a.silent else ''} (\\Flagged)", None)
        return c.exists
    if w == "search":
        c.found = (await c.ok(f"UID SEARCH {a.query}")).split(b"\r\n")[0].count(b" ") - 1
        a.found = c.found
        return c.exists
    if w == "command":
        await c.ok(a.command)
        return 1
    if w == "pop3":
        return await pop3(a, i)
    if w == "smtpsign":
        return await smtpsign(a, i)
    await deliver(a, c, i, a.payload)  # smtp, lmtp
    return 1


async def worker(a, i, go, st):
    w = a.workload
    c = None if w in CONNECTED else await (mta(a, a.port, w) if w in ("smtp", "lmtp") else imap(a, i))
    st["ready"] += 1
    await go.wait()
    rx0 = c.rx if c else 0
    while True:
        t = time.perf_counter()
        n = await step(a, i, c)
        st["msgs"] += n
        st["last"] = time.perf_counter()
        st["lat"].append(st["last"] - t)
        if st["last"] >= st["t0"] + a.seconds or w == "fill":
            break
    if c:
        a.closed_rx += c.rx - rx0
    return c


async def run_load(a):
    go, st = asyncio.Event(), {"ready": 0, "msgs": 0, "last": 0.0, "t0": 0.0, "lat": []}
    a.closed_rx = 0
    tasks = [asyncio.create_task(worker(a, i, go, st)) for i in range(a.connections)]
    while st["ready"] < a.connections and not any(t.done() for t in tasks):
        await asyncio.sleep(0.01)
    s0, c0, st["t0"] = proctree.cpu_s(a.server_pid), time.process_time(), time.perf_counter()
    go.set()
    conns = await asyncio.gather(*tasks)
    wall, first, lat = st["last"] - st["t0"], st["lat"][0], sorted(st["lat"])
    cpu, cli = proctree.cpu_s(a.server_pid) - s0, time.process_time() - c0
    for c in conns:  # closed only now: a server process that has just ended is missed by cpu_s
        c and c.t.close()
    out = {
        "ops_s": len(lat) / wall,
        "msgs_s": st["msgs"] / wall,
        "rx_mb_s": a.closed_rx / 1e6 / wall,
        "wall_s": wall,
        "p50_ms": lat[len(lat) // 2] * 1e3,
        "p99_ms": lat[int(len(lat) * 0.99)] * 1e3,
        "first_ms": first * 1e3,
        "client_cpu": cli / wall,
        "server_cpu": cpu / wall,
        "server_us_per_msg": cpu * 1e6 / max(1, st["msgs"]),
        "load": os.getloadavg()[0],
    }
    return dict(out, found=a.found) if a.workload == "search" else out


async def run_noop(a):
    """NOOP on N connections in turn, while somebody else loads the server."""
    conns, lat = [await imap(a, i) for i in range(a.connections)], []
    print("ready", file=sys.stderr, flush=True)
    # The meter must not wait for a core itself.
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    await asyncio.sleep(a.delay)
    end, k = time.perf_counter() + a.seconds, 0
    while time.perf_counter() < end:
        t = time.perf_counter()
        await conns[k % len(conns)].ok("NOOP")
        lat.append(time.perf_counter() - t)
        k += 1
        await asyncio.sleep(a.interval)
    lat.sort()
    for c in conns:
        c.t.close()
    p50, p99 = (lat[int(len(lat) * f)] * 1e3 for f in (0.5, 0.99))
    return {"noops": len(lat), "p50_ms": p50, "p99_ms": p99, "max_ms": lat[-1] * 1e3}


async def run_idle(a):
    """N idle connections: memory; then time from the delivery's OK to EXISTS at each of its listeners."""
    before, conns = proctree.pss_kb(a.server_pid), []
    for k in range(0, a.connections, 20):
        conns += await asyncio.gather(*(imap(a, i) for i in range(k, min(k + 20, a.connections))))
    for c in conns:
        c.cmd("IDLE")
    await asyncio.sleep(4)
    s0 = proctree.cpu_s(a.server_pid)
    await asyncio.sleep(5)
    idle_cpu, after = (proctree.cpu_s(a.server_pid) - s0) / 5, proctree.pss_kb(a.server_pid)
    lat, whole, missed = [], [], 0
    for rnd in range(a.rounds):
        u = rnd % a.users
        m = await (mta(a, a.deliver_port, a.deliver_proto) if a.deliver_port else imap(a, u))
        for c in conns[u :: a.users]:
            c.tail, c.watch = b"\n", asyncio.get_running_loop().create_future()
        t = time.perf_counter()
        await (deliver(a, m, u, a.payload) if a.deliver_port else m.ok(*literal(a, a.payload)))
        accepted = time.perf_counter()
        done, pending = await asyncio.wait([c.watch for c in conns[u :: a.users]], timeout=a.timeout)
        missed += len(pending)
        lat += [f.result() - accepted for f in done]
        whole.append(max([f.result() for f in done], default=t) - t)
        m.t.close()
        await asyncio.sleep(0.3)
    lat.sort()
    for c in conns:
        c.expected.clear()
        c.t.close()

    def q(f):
        return lat[min(len(lat) - 1, int(len(lat) * f))] * 1e3 if lat else -1

    return {
        "pss_before_mb": before[0] / 1024,
        "pss_idle_mb": after[0] / 1024,
        "processes": after[2],
        "idle_cpu": idle_cpu,
        "pss_per_conn_kb": (after[0] - before[0]) / len(conns),
        "notified": len(lat),
        "missed": missed,
        "p50_ms": q(0.5),
        "p90_ms": q(0.9),
        "max_ms": q(1),
        "sent_to_last_ms": statistics.median(whole) * 1e3,
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument(
        "workload",
        choices=WORKLOADS,
    )
    for name, default in {
        "host": "127.0.0.1",
        "port": 143,
        "user": "user%d",
        "password": "pass",
        "users": 1,
        "first": 1,
        "connections": 1,
        "seconds": 10.0,
        "repeat": 3,
        "box": "INBOX",
        "messages": 5000,
        "size": 4096,
        "window": 16,
        "query": "HEADER Subject zulu",
        "command": "NOOP",
        "domain": "",
        "rounds": 20,
        "timeout": 40.0,
        "deliver_port": 0,
        "deliver_proto": "lmtp",
        "mechanism": "",
        "secrets": "",
        "interval": 0.005,
        "delay": 0.0,
    }.items():
        p.add_argument("--" + name.replace("_", "-"), type=type(default), default=default)
    p.add_argument("--no-pipelining", action="store_true", help="SMTP/LMTP: one envelope command at a time")
    p.add_argument("--silent", action="store_true", help="store: FLAGS.SILENT")
    p.add_argument(
        "--server-pid", type=int, action="append", default=[], help="root pid of the server under test (repeatable)"
    )
    a = p.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    a.payload, a.found = message(1, a.size), 0
    a.by_user = json.loads(Path(a.secrets).read_text()) if a.secrets else {}
    run = {"idle": run_idle, "noop": run_noop}.get(a.workload, run_load)
    runs = [asyncio.run(run(a)) for _ in range(1 if a.workload in ("idle", "fill") else a.repeat)]
    med = {k: round(statistics.median(r[k] for r in runs), 3) for k in runs[0]}
    if len(runs) > 1:
        med["msgs_s_range"] = [round(f(r["msgs_s"] for r in runs), 1) for f in (min, max)]
    print(
        json.dumps(
            dict(
                workload=a.workload,
                connections=a.connections,
                runs=len(runs),
                **med,
                pss_mb=round(proctree.pss_kb(a.server_pid)[0] / 1024, 1),
            )
        )
    )


if __name__ == "__main__":
    main()
