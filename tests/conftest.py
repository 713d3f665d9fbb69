"""Fixtures for all tests, what Hypothesis asks of them, and what keeps them cheap."""

import gc

from hypothesis import HealthCheck, settings

from gateway.runtime.memory import GC_THRESHOLDS
from tests.support.examples import examples
from tests.support.postgres import postgres_database, postgres_server
from tests.support.statements import keep_compiled

__all__ = ["postgres_database", "postgres_server"]

keep_compiled()  # before the modules that make engines are imported

# Hypothesis measures these by the clock on the wall: on a machine that is busy they fail whatever the code does.
settings.register_profile(
    "oxgate", deadline=None, max_examples=examples(50), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("oxgate")


gc.set_threshold(*GC_THRESHOLDS)  # as seldom as in a worker; what collecting the tests makes is nearly all kept


def pytest_collection_finish() -> None:
    """Put what collecting made out of the garbage collector's sight."""
    gc.freeze()
