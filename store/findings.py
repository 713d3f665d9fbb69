"""What a check of a mailbox finds, and how it is mended: the words that store.fsck and its checks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from store.blob import BlobStore
from store.engine import Reader, Work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a mailbox."""

    code: str
    """Names the kind of fault, such as `folder-counters`."""
    invariant: int
    """Which of the ten invariants of the store it breaks (docs/architecture.md); 0 for the tables' own consistency."""
    text: str
    """What is wrong, in a sentence, with the numbers of the rows."""
    remedy: str
    """What to do about it, or what a repair does."""
    repaired: bool = False
    lossy: bool = False
    """Content is missing that no repair can bring back: a backup is needed."""


Mend = Callable[[Work], object]


class Fault(NamedTuple):
    """A finding and its cure; None where there is none but a backup."""

    finding: Finding
    mend: Mend | None = None


class Subject(NamedTuple):
    """What a check looks at."""

    db: Reader
    blobs: BlobStore
    thorough: bool
    """Also read all content, verify its digests and decode all properties."""


Check = Callable[[Subject], Iterator[Fault]]


def some(numbers: list[int], most: int = 5) -> str:
    """Spell the first of some numbers, for a text."""
    shown = ", ".join(map(str, numbers[:most]))
    return f"{shown}, … ({len(numbers)} in all)" if len(numbers) > most else shown
