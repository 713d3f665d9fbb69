"""Recurrence rules made by chance, the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random

from conversion.oxcical.rrule import Rule

MONTHS = ((1,), (2,), (3,), (6,), (11,), (12,), (1, 7), (3, 6, 9, 12), (1, 4), (2, 3, 5), tuple(range(1, 13)))
MONTH_DAYS = (
    *((1,), (2,), (13,), (28,), (29,), (30,), (31,), (-1,), (-2,), (1, 15), (28, 29, 30), (28, 29, 30, 31)),
    *(tuple(range(8, 15)), tuple(range(22, 29)), tuple(range(25, 32)), tuple(range(-7, 0))),
)
POSITIONS = ((1,), (2,), (3,), (4,), (-1,), (-1,), (5,), (-2,), (-1, 1))


def generate(seed: int) -> tuple[Rule, dt.datetime]:
    """Make a rule and the local start of its event."""
    dice = random.Random(seed)
    start = dt.datetime(dice.randint(1995, 2035), 1, 1) + dt.timedelta(
        days=dice.randrange(366), minutes=dice.randrange(1440)
    )
    frequency = dice.choice(("DAILY", "WEEKLY", "MONTHLY", "YEARLY", "MONTHLY", "YEARLY"))
    fields: dict[str, object] = {"interval": dice.choice((1, 1, 1, 2, 3, 5, 12))}
    if dice.random() < 0.7:
        fields["by_day"] = _by_day(dice, frequency)
    if frequency in ("MONTHLY", "YEARLY"):
        if dice.random() < 0.5:
            fields["by_month_day"] = dice.choice(MONTH_DAYS)
            if dice.random() < 0.6:
                fields.pop("by_day", None)
        if dice.random() < (0.8 if frequency == "YEARLY" else 0.2):
            fields["by_month"] = dice.choice(MONTHS)
        if (fields.get("by_day") or fields.get("by_month_day")) and dice.random() < 0.4:
            fields["by_set_pos"] = dice.choice(POSITIONS)
    fields["week_start"] = dice.choice((0, 1, 1, 6))
    end = dice.random()
    if end < 0.4:
        fields["count"] = dice.randint(1, 40)
    elif end < 0.8:
        until = start + dt.timedelta(days=dice.randrange(1, 4000), minutes=dice.choice((0, -1, 1, 300)))
        fields["until"] = until.date() if dice.random() < 0.3 else until
    if dice.random() < 0.1:
        fields["by_hour"] = (dice.randrange(24),)
    if dice.random() < 0.1:
        fields["by_minute"] = (dice.randrange(60),)
    return Rule(frequency, **fields), start  # type: ignore[arg-type]


def generate_times(seed: int) -> Rule:
    """Make a rule by the hour, the minute or the second."""
    dice = random.Random(seed)
    frequency, interval = dice.choice(("HOURLY", "MINUTELY", "SECONDLY")), dice.choice((1, 2, 7, 45, 90, 1000))
    hours = tuple(sorted(dice.sample(range(24), 3))) if dice.random() < 0.5 else ()
    minutes = tuple(sorted(dice.sample(range(60), 3))) if dice.random() < 0.3 else ()
    days = ((0, 1), (0, 3)) if dice.random() < 0.3 else ()
    last = (-1,) if (hours or minutes or days) and dice.random() < 0.2 else ()
    return Rule(frequency, interval, by_hour=hours, by_minute=minutes, by_day=days, by_set_pos=last)


def _by_day(dice: random.Random, frequency: str) -> tuple[tuple[int, int], ...]:
    kind = dice.randrange(5)
    if kind == 0:
        return tuple((0, day) for day in (1, 2, 3, 4, 5))
    if kind == 1 and frequency in ("MONTHLY", "YEARLY"):
        return ((dice.choice((1, 2, 3, 4, 5, -1, -2)), dice.randrange(7)),)
    if kind == 2:
        return tuple((0, day) for day in (1, 2, 3, 4, 5, 6, 0))
    days = sorted(dice.sample(range(7), dice.randint(1, 4)), key=lambda day: (day - 1) % 7)
    return tuple((0, day) for day in days)
