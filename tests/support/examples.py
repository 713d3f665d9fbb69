"""How many examples Hypothesis makes for a property.

Each run makes other ones, so that what one run for a commit does not find another will. A long run (`make fuzz`) makes
many at once: OXGATE_HYPOTHESIS says how many times as many.
"""

from __future__ import annotations

import os

EFFORT = float(os.environ.get("OXGATE_HYPOTHESIS", "1"))


def examples(number: int) -> int:
    """Give the examples for a property that has `number` of them in a run for a commit."""
    return round(number * EFFORT)
