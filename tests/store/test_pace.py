"""Many messages are changed in transactions of some milliseconds, with pauses between them."""

from __future__ import annotations

import pytest

from store import pace


@pytest.mark.parametrize(
    ("cost", "least", "most"), [(1e-6, 250, 4000), (1e-5, 400, 800), (1e-4, 100, 250), (1, 100, 250)]
)
def test_parts_last_some_milliseconds(cost: float, least: int, most: int) -> None:
    now = [0.0]
    pauses: list[float] = []
    sizes: list[int] = []
    seen: list[int] = []
    for part in pace.paced(range(20_000), clock=lambda: now[0], pause=pauses.append):
        sizes.append(len(part))
        seen += part
        now[0] += len(part) * cost
    assert seen == list(range(20_000))
    assert max(sizes) <= most
    assert min(sizes[4:-1]) >= least
    assert pauses == [pace.PAUSE] * (len(sizes) - 1)


def test_a_few_are_one_part() -> None:
    assert list(pace.paced([3, 4, 9], pause=pytest.fail)) == [[3, 4, 9]]
    assert list(pace.paced([])) == []


def test_how_far_it_is_is_told_after_each_part() -> None:
    told: list[tuple[int, int]] = []
    done = 0
    for part in pace.paced(range(1000), lambda *state: told.append(state), pause=lambda seconds: None):
        assert told == [] or told[-1] == (done, 1000)
        done += len(part)
    assert told[0] == (pace.FIRST, 1000)
    assert told[-1] == (1000, 1000)
