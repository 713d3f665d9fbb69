"""Inputs that broke something once (tests/fuzz/long.py kept them) break nothing now."""

from __future__ import annotations

import pytest

from tests.fuzz.long import FINDS, HANG, TARGETS, deadline

KEPT = sorted(path for path in FINDS.glob("*/*") if path.is_file())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_find(path) -> None:
    make, _ = TARGETS[path.parent.name]
    with deadline(HANG):
        make()(path.read_bytes())
