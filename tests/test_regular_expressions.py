"""Python 3.11 before 3.11.5 loses its place in a possessive repeat of a group; an atomic group works everywhere."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
POSSESSIVE_GROUP = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+")


def test_no_group_is_repeated_possessively() -> None:
    found = []
    for package in ("config", "conversion", "directory", "gateway", "store"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                if POSSESSIVE_GROUP.search(line):
                    found.append(f"{path.relative_to(ROOT)}:{number}: write (?>(?:...)*) for {line.strip()}")
    assert not found, "\n".join(found)
