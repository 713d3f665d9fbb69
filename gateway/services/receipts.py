"""Receipts of the conversions of delivered mail, kept with the message for the operator.

What reading a message's MIME dropped, altered or guessed (conversion.receipt) becomes one property of the message, in a
range that belongs to the store alone: it goes into no MIME and no TNEF, nor is it taken from one ([MS-OXPROPS] 1.3.3).
A message without notes has no such property.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from conversion.receipt import Note, NoteKind, Receipt
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag, PropertyTag

NOTES: Final = PropertyTag(0x67E0101F)
"""The notes: kind, place, what and how many times, with tabs between; the last may be `more`, and a number."""
MAX_OCTETS = 4096
"""Octets in UTF-8 of all the strings of one message."""
_MORE = "more"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Kept(NamedTuple):
    """A note, and how many times it stood in the receipt."""

    note: Note
    times: int


class Notes(NamedTuple):
    """What is kept of a receipt."""

    kept: tuple[Kept, ...]
    more: int
    """Notes for which there was no room."""


def with_notes(content: MessageContent, receipt: Receipt) -> MessageContent:
    """Put a receipt into a message; one that is empty changes nothing, but for what a message said of itself."""
    if not receipt.count:
        if NOTES not in content.properties:
            return content
        properties = {key: value for key, value in content.properties.items() if key != NOTES}
    else:
        properties = {**content.properties, NOTES: _encode(receipt)}
    return MessageContent(properties, content.recipients, content.attachments)


def _encode(receipt: Receipt) -> tuple[str, ...]:
    """Give the strings: equal notes once, in the order in which they were first made, cut at MAX_OCTETS."""
    counts: dict[str, int] = {}
    for note in receipt:
        line = "\t".join((note.kind.value, _clean(note.place), _clean(note.what)))
        counts[line] = counts.get(line, 0) + 1
    found: list[str] = []
    room = MAX_OCTETS - 32
    shown = 0
    for line, times in counts.items():
        text = f"{line}\t{times}"
        room -= len(text.encode())
        if room < 0:
            break
        found.append(text)
        shown += times
    if shown < receipt.count:
        found.append(f"{_MORE}\t{receipt.count - shown}")
    return tuple(found)


def _clean(text: str) -> str:
    """Make a piece of a note that breaks no line and no terminal: names in it come from strangers."""
    return _UNPRINTABLE.sub("?", text)


def notes_of(properties: PropertyBag) -> Notes:
    """Give the notes of a message."""
    values = properties.get(NOTES)
    kept: list[Kept] = []
    more = 0
    for text in values if isinstance(values, tuple) else ():
        match str(text).split("\t"):
            case [kind, place, what, times]:
                kept.append(Kept(Note(NoteKind(kind), place, what), int(times)))
            case [_, number]:
                more = int(number)
    return Notes(tuple(kept), more)
