"""5,000 generated recurrence rules beside python-dateutil (OXGATE_RULES: another number)."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.conversion.oxcical.test_generated import check

pytestmark = pytest.mark.peers

RULES = int(os.environ.get("OXGATE_RULES", "5000"))


@pytest.mark.timeout(0)
def test_generated_rules() -> None:
    became = Counter(check(seed) for seed in range(RULES))
    print(f"{RULES} rules: {dict(became)}")
    assert became["exact"] > RULES * 0.4
