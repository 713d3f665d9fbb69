"""CPU time and memory of a process tree, read from /proc (no psutil needed).

tree(pids)     -> every live pid at or below the given roots
cpu_s(pids)    -> user+system seconds of the tree, reaped children included
exact_cpu_s(pids) -> the same of living threads, exact
pss_kb(pids)   -> (sum of Pss, sum of private memory, number of processes) in KiB

As a script: python3 proctree.py PID [PID...]  prints those figures.
"""

import contextlib
import os
import sys

HZ = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()


def tree(roots):
    """All live pids at or below roots (root pids that have died are dropped)."""
    kids = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                kids.setdefault(int(_stat(name)[1]), []).append(int(name))
    out, todo = set(), [int(p) for p in roots]
    while todo:
        pid = todo.pop()
        if pid not in out and os.path.exists(f"/proc/{pid}"):
            out.add(pid)
            todo.extend(kids.get(pid, ()))
    return sorted(out)


def cpu_s(roots):
    ticks = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError, IndexError):
            ticks += sum(int(x) for x in _stat(pid)[11:15])  # utime stime cutime cstime
    return ticks / HZ


def exact_cpu_s(roots):
    """CPU seconds of the living threads of the tree, to the nanosecond (Linux's schedstat): for one short thing."""
    total = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError, IndexError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
                    total += int(f.read().split()[0])
    return total / 1e9


def pss_kb(roots):
    pss = priv = n = 0
    for pid in tree(roots):
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                for line in f:
                    key, _, rest = line.partition(":")
                    if key == "Pss":
                        pss += int(rest.split()[0])
                    elif key in ("Private_Clean", "Private_Dirty"):
                        priv += int(rest.split()[0])
            n += 1
        except (OSError, IndexError):
            pass
    return pss, priv, n


if __name__ == "__main__":
    pss, priv, n = pss_kb(sys.argv[1:])
    print(f"processes={n} pss_kb={pss} private_kb={priv} cpu_s={cpu_s(sys.argv[1:]):.2f}")
