"""Receipts: what a conversion could not keep, and where.

    receipt = Receipt()
    content = read_tnef(data, receipt=receipt)
    for note in receipt:
        print(note)                    # dropped: attachment 2, attAttachMetaFile: a metafile has no place in MIME

A converter takes `receipt` as a keyword and writes into it; without one the notes go nowhere. It notes three kinds of
things: what it left *out*, what it wrote *differently* from what was there, and what it had to *guess*. What has no
other form in the target, and is not missed by anybody (folding, order of headers, a transfer encoding), is not noted.
Only an input that gives nothing at all raises ConversionError.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

MAX_NOTES = 1_000
"""Notes kept of one conversion; more are only counted, for a hostile file could cause millions."""
_MAX_TEXT = 500


class NoteKind(Enum):
    """What happened to a piece of the input."""

    DROPPED = "dropped"
    """It is not in the output."""
    ALTERED = "altered"
    """It is there with another value or form."""
    GUESSED = "guessed"
    """The input did not say what is needed, or said it wrongly; the likeliest was taken."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that a conversion did not carry over as it was."""

    kind: NoteKind
    place: str
    """Where in the input: `part 1.2, Content-Type`, `VEVENT 3, RRULE`, `attachment 2, PidTagAttachRendering`."""
    what: str
    """What was done, and why, in a few words; no content of the message beyond names and codes."""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.place}: {self.what}"


class Receipt:
    """The notes of one conversion, in the order of the input."""

    __slots__ = ("_notes", "_prefix", "_root", "more")

    def __init__(self) -> None:
        self._notes: list[Note] = []
        self._prefix = ""
        self._root: Receipt = self
        self.more = 0
        """Notes beyond MAX_NOTES, which were not kept."""

    def within(self, place: str) -> Receipt:
        """Give a view that puts `place` before each place: for an embedded message, an attachment, a component."""
        inner = Receipt()
        inner._notes = self._notes
        inner._prefix = f"{self._prefix}{place}, "
        inner._root = self._root
        return inner

    def dropped(self, place: str, why: str) -> None:
        """Note that something was left out."""
        self._add(NoteKind.DROPPED, place, why)

    def altered(self, place: str, how: str) -> None:
        """Note that something was written differently."""
        self._add(NoteKind.ALTERED, place, how)

    def guessed(self, place: str, what: str) -> None:
        """Note that something had to be guessed."""
        self._add(NoteKind.GUESSED, place, what)

    def _add(self, kind: NoteKind, place: str, what: str) -> None:
        if len(self._notes) >= MAX_NOTES:
            self._root.more += 1
            return
        self._notes.append(Note(kind, (self._prefix + place)[:_MAX_TEXT], what[:_MAX_TEXT]))

    def __iter__(self) -> Iterator[Note]:
        return iter(self._notes)

    @property
    def count(self) -> int:
        """How many things were noted, those that were not kept too. There is no len(): a receipt is never false."""
        return len(self._notes) + self._root.more
