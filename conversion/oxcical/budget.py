"""How much a file may make us work beyond what its length says.

A rule that no pattern says is expanded, and a rule of a few octets may name thousands of times a day: what all rules of
a file cost together is bounded. So is what the instances of a series say once more of it.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from conversion.oxcical.rrule import Rule
from store.mapi.message import MessageContent, MimeSlice
from store.mapi.types import PropertyKey

MAX_WORK = 2_000
"""What all expanded rules of a file may cost: each of it takes up to 10 ms."""
_OF_TIME, _LEAST, _OF_SHORT = 2, 4, 40
"""For a time of the day of a rule; for a rule; for one by the hour, the minute or the second."""
MAX_TIMES = 48
"""Times of the day of one rule."""
MAX_DAYS = 1_000_000
"""Days that are removed from all series of a file whose instances are said one by one: 4 octets each."""
MAX_COPIES = 5_000
"""Appointments of their own of all series of a file, for instances that their patterns cannot have."""
MAX_REPEATED = 4 << 20
"""Octets and characters of all series of a file that their instances may say again, beside FREE_REPEATS of each."""
FREE_REPEATS = 20
SHORT = 256
"""The length of values that are always said again."""
_OF_RECIPIENT = 100


class Budget:
    """What is left."""

    __slots__ = ("copies", "days", "left", "repeats")

    def __init__(self, work: int = MAX_WORK) -> None:
        self.left = work
        self.days = MAX_DAYS
        self.copies = MAX_COPIES
        self.repeats = Repeats()

    def take(self, cost: int) -> bool:
        """Take some of it; False when there is not so much."""
        if cost > self.left:
            return False
        self.left -= cost
        return True


class Repeats:
    """What the instances of series may still repeat: a body of 100 KB and 1,000 changed instances are not 100 MB."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_REPEATED) -> None:
        self.left = left

    def take(self, weight: int, number: int) -> bool:
        """Whether the instance of a number, from 0 in its series, may say again what weighs so much."""
        if number < FREE_REPEATS:
            return True
        if weight > self.left:
            return False
        self.left -= weight
        return True


def weight_of(content: MessageContent) -> int:
    """How much an object says, about: octets and characters."""
    files = sum(_length(item.data) for item in content.attachments)
    return sum(map(_length, content.properties.values())) + files + _OF_RECIPIENT * len(content.recipients)


def _length(value: object) -> int:
    if isinstance(value, MimeSlice):
        return value.length
    if isinstance(value, tuple):
        return sum(map(_length, value))
    return len(value) if isinstance(value, (str, bytes)) else 8


def brief(content: MessageContent, needed: Container[PropertyKey] = ()) -> MessageContent:
    """Give an object without what is long and not `needed`: no body, files or recipients."""
    properties = content.properties.items()
    return MessageContent({key: value for key, value in properties if key in needed or _length(value) <= SHORT})


def times_of_day(rule: Rule) -> int:
    """How many times of a day a rule names."""
    return max(len(rule.by_hour), 1) * max(len(rule.by_minute), 1) * max(len(rule.by_second), 1)


def cost_of(rule: Rule) -> int:
    """What the expansion of a rule costs: each hour, minute or second that is looked at is as dear as some times."""
    least = _OF_SHORT if rule.frequency in ("HOURLY", "MINUTELY", "SECONDLY") else _LEAST
    return max(_OF_TIME * times_of_day(rule), least)


def with_fewer_times(rule: Rule, most: int = MAX_TIMES) -> Rule:
    """Give a rule that names at most so many times of a day (24 or more): without those in between first."""
    if times_of_day(rule) > most:
        rule = replace(rule, by_second=rule.by_second[:1])
    if times_of_day(rule) > most:
        rule = replace(rule, by_minute=rule.by_minute[:1])
    return rule
