"""What the models run on: databases and seeds.

OXGATE_MODEL_STEPS, which makes the runs long, adds PostgreSQL; OXGATE_MODEL_SEEDS says how many runs each database has,
OXGATE_MODEL_FIRST the seed of the first.
"""

from __future__ import annotations

import os

_FIRST = int(os.environ.get("OXGATE_MODEL_FIRST", "0"))
_SEEDS = int(os.environ.get("OXGATE_MODEL_SEEDS", "2"))
_DATABASES = ("sqlite", "postgresql") if "OXGATE_MODEL_STEPS" in os.environ else ("sqlite",)
CASES = [(database, seed) for database in _DATABASES for seed in range(_FIRST, _FIRST + _SEEDS)]
