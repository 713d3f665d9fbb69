"""What keeps workers small and their pauses short (docs/benchmarks.md has the figures).

The supervisor imports everything and calls `freeze_before_fork`: the collector then never touches, and so never
unshares, the pages that the workers have in common with it. Each worker calls `tune_worker`, and `give_back` when it
has closed many mailboxes.
"""

from __future__ import annotations

import ctypes
import gc
import sys

GC_THRESHOLDS = (50_000, 20, 100)
"""Pauses of 1 ms instead of 120 ms with 300,000 live objects."""

# mallopt(3): parameter, value. Every TLS connection holds a buffer of 256 KiB of which it touches a page or two: above
# the mmap threshold the rest is never backed by memory (26 KiB a connection, not 50). Malloc by itself
# raises the threshold.
_M_TRIM_THRESHOLD = (-1, 256 * 1024 * 1024)
_M_MMAP_THRESHOLD = (-3, 128 * 1024)
_M_ARENA_MAX = (-8, 2)


def freeze_before_fork() -> None:
    """Collect once, then put everything alive out of the collector's sight."""
    gc.collect()
    gc.freeze()


def tune_worker() -> None:
    """Set the collector's thresholds, and keep malloc from handing pages back and fetching them again."""
    gc.set_threshold(*GC_THRESHOLDS)
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # not glibc
        return
    for parameter, value in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX):
        mallopt(parameter, value)


def give_back() -> None:
    """Hand free pages back to the system: worth its milliseconds only after much was closed."""
    if not sys.platform.startswith("linux"):
        return
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # not glibc
        return
    trim(0)
