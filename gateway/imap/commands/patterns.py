"""Matching of mailbox names against the wildcards of LIST ([RFC3501] 6.3.8)."""

from __future__ import annotations

from gateway.imap.protocol.types import INBOX


class NamePattern:
    """A LIST pattern: `*` stands for any characters, `%` for any but the delimiter.

    Matching keeps the set of positions reached as the bits of one number, so that its cost is linear in the name for
    any number of wildcards; no pattern makes it backtrack.
    """

    __slots__ = ("_exact", "_literal", "_loops", "_loops_in_level", "_skips", "_width", "stops_above")

    def __init__(self, pattern: str) -> None:
        pieces: list[str] = []
        for character in pattern:
            # `**` is `*`; a `%` beside a `*` adds nothing.
            if character in "*%" and pieces and pieces[-1] in ("*", "%"):
                if character == "*":
                    pieces[-1] = "*"
            else:
                pieces.append(character)
        self._width = len(pieces)
        self._exact = None if "*" in pieces or "%" in pieces else pattern
        self._loops = sum(1 << i for i, piece in enumerate(pieces) if piece == "*")
        self._loops_in_level = self._loops | sum(1 << i for i, piece in enumerate(pieces) if piece == "%")
        self._literal: dict[str, int] = {}
        for i, piece in enumerate(pieces):
            if piece not in ("*", "%"):
                self._literal[piece] = self._literal.get(piece, 0) | 1 << i
        self._skips = self._loops_in_level
        self.stops_above = bool(pieces) and pieces[-1] == "%"
        """The pattern ends with `%`: levels above a match are of interest to LSUB ([RFC3501] 6.3.9)."""

    def matches(self, name: str) -> bool:
        """Whether the whole name matches; the first level INBOX compares without case ([RFC3501] 5.1)."""
        if self._exact is not None:
            return name == self._exact or (name == INBOX and self._exact.upper() == INBOX)
        return self._run(name) or (name == INBOX and self._run_folded(name))

    def reaches(self, prefix: str) -> bool:
        """Whether some name that begins so could match."""
        if self._exact is not None:
            return self._exact.startswith(prefix)
        return self._after(prefix) != 0

    def _closure(self, reached: int) -> int:
        # A wildcard may match nothing; two never stand side by side, so one step is enough.
        return reached | (reached & self._skips) << 1

    def _run(self, name: str) -> bool:
        return bool(self._after(name) >> self._width & 1)

    def _after(self, name: str) -> int:
        """The positions reached behind a name, or behind the beginning of one."""
        reached = self._closure(1)
        literal = self._literal
        for character in name:
            loops = self._loops if character == "/" else self._loops_in_level
            reached = self._closure((reached & loops) | (reached & literal.get(character, 0)) << 1)
            if not reached:
                return 0
        return reached

    def _run_folded(self, name: str) -> bool:
        reached = self._closure(1)
        for character in name:
            either = self._literal.get(character, 0) | self._literal.get(character.lower(), 0)
            reached = self._closure((reached & self._loops_in_level) | (reached & either) << 1)
        return bool(reached >> self._width & 1)
