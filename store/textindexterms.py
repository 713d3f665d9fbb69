"""The terms of the full-text index: what a text is cut into, and what a search string asks of terms.

Text is prepared first as i;unicode-casemap has it (store.mapi.collation), character by character. Then every character
is of one class, whatever stands beside it: of a word (a letter, a mark over it, a digit, an underscore), of a dense
script (those written without blanks between words: Chinese, Japanese, Thai, ...), or a separator. The text is a row of
runs, each of one class and as long as it can be:

    words       a run of a word of up to LONGEST octets, whole
    windows     a longer one as pieces of LONGEST octets; any WITHIN neighbouring octets of it stand in one of them
    pairs       a run of a dense script as its pairs of neighbours; a run of one character, as it is

Because the class of a character depends on nothing else, the same cuts are made in a string and wherever that string
stands in a text. So a run inside the string is a run of the text, one at its beginning is the end of a run, one at its
end the beginning, and a string that is one run is part of a run. Terms are octets of UTF-8, where one string contains
another just if its octets do.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from store.mapi.collation import unicode_casemap

LONGEST: Final = 40
_STRIDE: Final = 32
WITHIN: Final = LONGEST - _STRIDE + 1

MAX_TERMS: Final = 50_000
"""Terms of one field of a message beyond which it is not indexed, but searched whenever a search comes by."""
_SLICE: Final = 1 << 16
_MAX_PATTERNS: Final = 24

_DENSE: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
_MARKS: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u0670\u06d6-\u06ed\u0900-\u0dff\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u20d0-\u20ff\ufe20-\ufe2f"
)
_WORDS: Final = re.compile(f"[\\w{_MARKS}]+")
"""In text without dense scripts."""
_RUN: Final = re.compile(f"((?:[^\\W{_DENSE}]|[{_MARKS}])+)|[{_DENSE}]+")
_DENSE_RUN: Final = re.compile(f"[{_DENSE}]+")
_SEPARATOR: Final = re.compile(f"[^\\w{_MARKS}{_DENSE}]")
_FOLDED: Final = bytes(
    at if at > 127 else ord(chr(at).upper()) if chr(at).isalnum() or at == ord("_") else ord(" ") for at in range(256)
)
"""Octets of UTF-8: ASCII letters become capitals, as in i;unicode-casemap, ASCII separators become blanks."""
_SHAPE: Final = bytes(ord(" ") if at == ord(" ") else ord("x") for at in range(256))
_LONG: Final = b"x" * (LONGEST + 1)


class Terms:
    """The terms of one field of a message, collected piece by piece."""

    __slots__ = ("full", "pairs", "windows", "words")

    def __init__(self) -> None:
        self.words: set[bytes] = set()
        self.windows: set[bytes] = set()
        self.pairs: set[bytes] = set()
        self.full = False
        """There were more than MAX_TERMS: what is here is not all."""

    def add(self, text: str) -> None:
        """Take in a text that nothing found may reach over the end of.

        ASCII is prepared and cut as octets, and so is what stands between ASCII separators, once each: the preparation
        goes character by character and leaves those separators as they are.
        """
        plain = text.isascii()
        blank = text.encode("utf-8", "surrogatepass").translate(_FOLDED)
        start, size = 0, len(blank)
        while start < size and not self.full:
            end = blank.find(b" ", start + _SLICE) if size - start > _SLICE else -1
            end = size if end < 0 else end
            piece = blank[start:end]
            words = set(piece.split())
            if not plain:
                others = [word for word in words if not word.isascii()]
                words.difference_update(others)
                self._add_folded(unicode_casemap(b" ".join(others).decode("utf-8", "surrogatepass")))
            self._take(words, _LONG in piece.translate(_SHAPE))
            start = end

    def _add_folded(self, text: str) -> None:
        """Take in a prepared text."""
        start, size = 0, len(text)
        while start < size and not self.full:
            cut = _SEPARATOR.search(text, start + _SLICE) if size - start > _SLICE else None
            end = cut.start() if cut else size
            piece = text[start:end]
            dense = _DENSE_RUN.findall(piece)
            if dense:
                for run in dense:
                    self.pairs.update([pair.encode() for pair in _pairs(run)])
                piece = _DENSE_RUN.sub(" ", piece)
            self._take({word.encode() for word in set(_WORDS.findall(piece))}, True)
            start = end

    def _take(self, fresh: set[bytes], may_be_long: bool) -> None:
        if may_be_long:
            long = [word for word in fresh if len(word) > LONGEST]
            fresh.difference_update(long)
            for word in long:
                self.windows.update(windows(word))
        if self.words:
            self.words |= fresh
        else:
            self.words = fresh
        self.full = len(self.words) + len(self.windows) + len(self.pairs) > MAX_TERMS


def windows(run: bytes) -> list[bytes]:
    """Cut a run of more than LONGEST octets into its windows, the last one at its end."""
    last = len(run) - LONGEST
    return [run[start : start + LONGEST] for start in (*range(0, last, _STRIDE), last)]


def _pairs(run: str) -> list[str]:
    return [run] if len(run) == 1 else list(map(str.__add__, run, run[1:]))


class Clause(NamedTuple):
    """What one run of a search string asks of a field: a word, or all of some windows, or all of some pairs.

    A pattern is looked for in terms that each stand between line feeds, so it may name where a term begins or ends.
    """

    word: bytes = b""
    """Nothing: no word can hold the run."""
    windows: tuple[bytes, ...] = ()
    whole: bytes = b""
    """What a window that holds the whole run contains; nothing where none can."""
    pairs: tuple[bytes, ...] = ()


class Question(NamedTuple):
    """What a search string asks of a field: all of the clauses; none where every field may contain it."""

    clauses: tuple[Clause, ...]
    decides: bool
    """Whether a field contains the string if it has such a word, a window of the whole, or the pair."""


def question(value: str) -> Question:
    """Find what the terms of a field must be if the field contains a string."""
    prepared = unicode_casemap(value)
    clauses: list[Clause] = []
    patterns = 0
    size = len(prepared)
    decides = False
    for match in _RUN.finditer(prepared):
        begins, ends = match.start() > 0, match.end() < size
        clause = _word_clause(match[0].encode(), begins, ends) if match[1] else _dense_clause(match[0], begins, ends)
        decides = not begins and not ends and (bool(match[1]) or size <= 2)  # a pair
        clauses.append(clause)
        patterns += 1 + len(clause.windows) + len(clause.pairs)
        if patterns > _MAX_PATTERNS:  # the others are left to the reading of the text
            break
    return Question(tuple(clauses), decides)


def _word_clause(run: bytes, begins: bool, ends: bool) -> Clause:
    """`begins`: a run of the text begins with this one; `ends`: it ends with it."""
    before, after = b"\n" if begins else b"", b"\n" if ends else b""
    word = before + run + after if len(run) <= LONGEST else b""
    if begins and ends:
        return Clause(word, tuple(b"\n%b\n" % one for one in windows(run)[:_MAX_PATTERNS]) if not word else ())
    if begins:
        return Clause(word, (before + run[:LONGEST], *_parts(run[LONGEST:])))
    if ends:
        return Clause(word, (run[-LONGEST:] + after, *_parts(run[:-LONGEST])))
    return Clause(word, _parts(run), word)


def _parts(run: bytes) -> tuple[bytes, ...]:
    starts = range(0, len(run), WITHIN)[:_MAX_PATTERNS]
    return tuple(run[start : start + WITHIN] for start in starts)


def _dense_clause(run: str, begins: bool, ends: bool) -> Clause:
    if len(run) > 1:
        return Clause(pairs=tuple(b"\n%b\n" % pair.encode() for pair in _pairs(run)[:_MAX_PATTERNS]))
    return Clause(pairs=((b"\n" if begins else b"") + run.encode() + (b"\n" if ends else b""),))
