"""The message corpora beside the repository, where they are present."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

CORPORA = Path(os.environ.get("OXGATE_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
_SUFFIXES = (".eml", ".msg", ".txt")


def message_files() -> list[Path]:
    """List the message files of `mime` and `dsn`, in order; skip the test where there are none."""
    found = sorted(path for name in ("mime", "dsn") for path in (CORPORA / name).rglob("*") if path.suffix in _SUFFIXES)
    if not found:
        pytest.skip(f"no corpora in {CORPORA} (set OXGATE_CORPORA)")
    return found


def messages() -> Iterator[tuple[str, bytes]]:
    """Yield the name and the octets of every message of the corpora."""
    for path in message_files():
        yield str(path.relative_to(CORPORA)), path.read_bytes()
