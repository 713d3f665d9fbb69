"""How much a file may make us work beyond what its length says.

A rule that no pattern says is expanded, and a rule of a few octets may name thousands of times a day: what all rules of
a file cost together is bounded.
"""

from __future__ import annotations

from dataclasses import replace

from conversion.oxcical.rrule import Rule

MAX_WORK = 1_000
"""Times of the day of all expanded rules of a file; one takes up to 10 ms."""
_OF_SHORT = 20
MAX_TIMES = 48
"""Times of the day of one rule."""


class Budget:
    """What is left."""

    __slots__ = ("left",)

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work

    def take(self, cost: int) -> bool:
        """Take some of it; False when there is not so much."""
        if cost > self.left:
            return False
        self.left -= cost
        return True


def times_of_day(rule: Rule) -> int:
    """How many times of a day a rule names."""
    return max(len(rule.by_hour), 1) * max(len(rule.by_minute), 1) * max(len(rule.by_second), 1)


def cost_of(rule: Rule) -> int:
    """What the expansion of a rule costs: each hour, minute or second that is looked at is as dear as some times."""
    return max(times_of_day(rule), _OF_SHORT if rule.frequency in ("HOURLY", "MINUTELY", "SECONDLY") else 1)


def with_fewer_times(rule: Rule, most: int = MAX_TIMES) -> Rule:
    """Give a rule that names at most so many times of a day (24 or more): without those in between first."""
    if times_of_day(rule) > most:
        rule = replace(rule, by_second=rule.by_second[:1])
    if times_of_day(rule) > most:
        rule = replace(rule, by_minute=rule.by_minute[:1])
    return rule
