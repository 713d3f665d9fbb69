"""Postmarks of Outlook: whether what a message's puzzle names is the message ([MS-OXPSVAL] 2.2).

A postmark is proof of work that a sender did for these recipients. It is read and compared here; the hash, a cousin of
SHA-1 that nothing else uses, is not computed, so that a postmark that agrees is no proof. None is ever made.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass

SOLUTIONS = 16
_MAX_VALUE = 65_536
_WORD = re.compile(r"[A-Za-z0-9+/]{4,8}\Z")
_IDENTIFIER = re.compile(r"\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}\Z")


@dataclass(frozen=True, slots=True)
class Postmark:
    """What X-CR-HashedPuzzle says."""

    solutions: tuple[str, ...]
    recipients: tuple[str, ...]
    """Those of To and Cc, in lower case."""
    algorithm: str
    difficulty: int
    identifier: str
    sender: str
    date: str
    subject: str


def read_postmark(value: str) -> Postmark | None:
    """Read the value of X-CR-HashedPuzzle ([MS-OXPSVAL] 2.2.1, 3.1); None for what is none."""
    # Folds may stand anywhere in it; only between solutions does a blank mean something.
    pieces = value[:_MAX_VALUE].split(";")
    if len(pieces) != 9:
        return None
    solutions = tuple(pieces[0].split())
    count, recipients, algorithm, difficulty, identifier, sender, date, subject = (
        piece.strip() for piece in pieces[1:]
    )
    if len(solutions) != SOLUTIONS or not all(_WORD.match(word) for word in solutions):
        return None
    names, author, title = _text(recipients), _text(sender), _text(subject)
    if names is None or author is None or title is None or not _IDENTIFIER.match(identifier):
        return None
    listed = tuple(name.strip().lower() for name in names.split(";") if name.strip())
    if not (count.isascii() and count.isdigit() and difficulty.isascii() and difficulty.isdigit()):
        return None
    if len(count) > 6 or len(difficulty) > 3 or int(count) != len(listed):
        return None
    return Postmark(solutions, listed, algorithm.lower(), int(difficulty), identifier, author, date, title)


def _text(encoded: str) -> str | None:
    try:
        return b64decode("".join(encoded.split()), validate=True).decode("utf-16-le")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


def agrees(postmark: Postmark, *, identifier: str, recipients: frozenset[str], sender: str, subject: str) -> bool:
    """Whether a postmark was made for this message ([MS-OXPSVAL] 2.2.2).

    `identifier` is the value of X-CR-PuzzleID, `recipients` the SMTP addresses of To and Cc.
    """
    return (
        postmark.identifier.lower() == identifier.strip().lower()
        and frozenset(postmark.recipients) == frozenset(address.lower() for address in recipients)
        and postmark.sender.lower() == sender.lower()
        and postmark.subject == subject
    )
