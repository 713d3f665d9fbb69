"""The comparator of a session: how texts compare in SEARCH, SORT and THREAD ([RFC5255] 4.2; [RFC4790] 3.1, 3.2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from store.mapi.collation import COLLATIONS, UNICODE_CASEMAP

_DEFAULT = "default"
_WANTED = re.compile(r"[+-]?(?:\*|[A-Za-z]\*?)(?:[A-Za-z0-9;=.-]\*?)*", re.ASCII)
_LONGEST = 254


class BadComparator(ValueError):
    """A name that is no collation-order ([RFC4790] 3.3); the text is fit for the wire."""


@dataclass(frozen=True, slots=True)
class Comparator:
    """A collation, and the way in which it sorts."""

    name: str = UNICODE_CASEMAP
    """A name in store.mapi.collation."""
    descending: bool = False
    """It was asked for with `-` ([RFC4790] 3.3)."""

    @property
    def prepare(self) -> Callable[[str], str]:
        """Makes of a text what is compared."""
        return COLLATIONS[self.name]

    @property
    def selected(self) -> str:
        """As the client is told of it ([RFC4790] 3.3 `collation-selected`)."""
        return "-" + self.name if self.descending else self.name


DEFAULT = Comparator()
"""The default comparator, which [RFC5255] 4.4 asks for."""


def choose(wanted: Iterable[str]) -> tuple[Comparator | None, list[str]]:
    """Choose by what a client asks for, in the order of its preference ([RFC5255] 4.7).

    Gives the comparator, None if nothing is known by such a name, and all that match. Raises BadComparator.
    """
    chosen: Comparator | None = None
    matching: dict[str, None] = {}
    for each in wanted:
        found = _matching(each)
        matching.update(dict.fromkeys(found))
        if found and chosen is None:
            chosen = Comparator(found[0], each.startswith("-"))
    return chosen, [name for name in COLLATIONS if name in matching]


def _matching(wanted: str) -> list[str]:
    """The collations that a name with wildcards stands for, the widely useful first ([RFC4790] 3.2)."""
    if len(wanted) > _LONGEST or not _WANTED.fullmatch(wanted):
        raise BadComparator("Not the name of a comparator")
    name = wanted.lstrip("+-").lower()
    if name == _DEFAULT:
        return [DEFAULT.name]
    pattern = re.compile(".*".join(map(re.escape, name.split("*"))))
    return [each for each in COLLATIONS if pattern.fullmatch(each)]
