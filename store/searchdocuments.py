"""Tests of header fields and text, of one document or of many at once ([RFC3501] 6.4.4, HEADER, BODY and TEXT).

A document is the octets of a header or of a message. Most documents say plainly in their octets whether they hold what
is asked, and are looked at many at a time; only the others are read and decoded, each by itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from email.utils import parsedate_tz
from itertools import accumulate
from typing import Any, Final, NamedTuple, Protocol

from store.mapi.collation import COLLATIONS, OCTET
from store.mapi.headerblock import raw_values
from store.mapi.restriction import And, Comment, MimeHeader, MimeText, Not, Or, Restriction, RestrictionError

_EPOCH = date(1970, 1, 1).toordinal()


class MessageText(Protocol):
    """One message, or one header, as text."""

    def header(self, name: str) -> list[str]:
        """Give the decoded values of the top-level header fields of that name, in order."""
        ...

    def addresses(self, name: str) -> list[str]:
        """Give the addresses in the header fields of that name, decoded, each as `name <local@domain>`."""
        ...

    def text(self, headers: bool, word: bytes = b"") -> Iterator[str]:
        """Give the decoded text of the body parts; with `headers` that of the headers first, in one piece.

        With a `word`, lower-case ASCII without blanks, pieces that certainly lack it in any case may be left out.
        """
        ...


class TextReader(Protocol):
    """Reads a message, or a header with the blank line that ends it."""

    version: str
    """Another one when the same message is read as another text than before: indexes are then made anew."""

    def sift(
        self, messages: Sequence[tuple[bytes, bytes]], word: bytes, needle: bytes | None, *, headers: bool
    ) -> list[bool | None]:
        """Tell of each message (octets, packed part table) whether its text holds a string; None where that is unclear.

        `word` is as MessageText.text takes it; `needle` is the whole string, lower-case ASCII, or None: then no message
        holds it for certain.
        """
        ...

    def __call__(self, raw: bytes, parts: bytes = b"") -> MessageText:
        """Give the text; `parts` is the message's packed part table, or nothing."""
        ...


Verdict = bool | None
"""Whether a test holds; None where the octets alone do not tell."""


class Documents(NamedTuple):
    """Some documents."""

    places: Sequence[int]
    """Of each its place among the candidates."""
    octets: Sequence[bytes]
    tables: Sequence[bytes]
    """Of whole messages the packed part tables; of headers nothing."""


class Question:
    """A restriction all of whose leaves ask for header fields, or all for text; asked of many documents at a time."""

    def __init__(self, node: Restriction, read: TextReader) -> None:
        self._read = read
        self._word = _word_of(node)
        self._verdicts = _verdicts_of(node, read)
        self._test = _document_test(node)

    def holds_of(self, documents: Documents) -> list[int]:
        """Give the places of the documents that it holds of, in their order."""
        places, octets, tables = documents
        if self._verdicts is not None:
            messages = list(zip(octets, tables, strict=True))
            return [
                place
                for place, message, verdict in zip(places, messages, self._verdicts(messages), strict=True)
                if verdict or (verdict is None and self._test(_Document(self._read, *message)))
            ]
        numbers = _doubtful(octets, self._word) if self._word else range(len(octets))
        read = self._read
        return [places[n] for n in numbers if self._test(_Document(read, octets[n], tables[n] if tables else b""))]


_Messages = Sequence[tuple[bytes, bytes]]
_Verdicts = Callable[[_Messages], list[Verdict]]


def _verdicts_of(node: Restriction, read: TextReader) -> _Verdicts | None:
    """Make the look at many documents at once; None where there is none."""
    match node:
        case MimeText():
            return _text_verdicts(node, read)
        case Not(part):
            inner = _verdicts_of(part, read)
            return None if inner is None else _negated(inner)
        case Comment(_, part) if part is not None:
            return _verdicts_of(part, read)
        case And(parts) | Or(parts):
            looks = [_verdicts_of(part, read) for part in parts]
            if not any(looks):
                return None
            return _joined([look or _unclear for look in looks], settling=isinstance(node, Or))
        case _:
            return None


def _unclear(messages: _Messages) -> list[Verdict]:
    return [None] * len(messages)


def _negated(inner: _Verdicts) -> _Verdicts:
    return lambda messages: [None if each is None else not each for each in inner(messages)]


def _joined(looks: list[_Verdicts], *, settling: bool) -> _Verdicts:
    """Join looks by And or Or: one that gives `settling` decides, and what is decided is not looked at again."""

    def verdicts(messages: _Messages) -> list[Verdict]:
        found: list[Verdict] = [not settling] * len(messages)
        for look in looks:
            left = [number for number, verdict in enumerate(found) if verdict is not settling]
            for number, verdict in zip(left, look([messages[number] for number in left]), strict=True):
                if verdict is not (not settling):
                    found[number] = verdict
        return found

    return verdicts


def _text_verdicts(node: MimeText, read: TextReader) -> _Verdicts | None:
    """Make the look for a string in texts. The octets of a plain text are in any case what is asked, or nothing is."""
    wanted = COLLATIONS[node.collation](node.value)
    word = _longest_word(wanted)
    if not word:
        return None
    needle = _plain(wanted, node.collation)
    headers = node.headers
    return lambda messages: read.sift(messages, word, needle, headers=headers)


class _Document:
    """A document, and the reader over it once one is needed."""

    __slots__ = ("_reader", "block", "parts", "read")

    def __init__(self, read: TextReader, block: bytes, parts: bytes) -> None:
        self.block = block
        self.read = read
        self.parts = parts
        self._reader: MessageText | None = None

    @property
    def reader(self) -> MessageText:
        if self._reader is None:
            block = self.block
            whole = self.parts or b"\r\n\r\n" in block
            self._reader = self.read(block if whole else block + b"\r\n", self.parts)
        return self._reader


_DocumentTest = Callable[[_Document], bool]


def _document_test(node: Restriction) -> _DocumentTest:
    match node:
        case And(parts):
            tests = [_document_test(part) for part in parts]
            return lambda document: all(test(document) for test in tests)
        case Or(parts):
            tests = [_document_test(part) for part in parts]
            return lambda document: any(test(document) for test in tests)
        case Not(part):
            inner = _document_test(part)
            return lambda document: not inner(document)
        case Comment(_, part) if part is not None:
            return _document_test(part)
        case MimeHeader():
            return _header_test(node)
        case MimeText():
            return _text_test(node)
        case _:
            raise RestrictionError(f"{type(node).__name__} is no question about text")


_SPREAD: Final = re.compile(rb"[(\\]|@\s|\s@|<[^>]*\s")
"""In a field of addresses one of which may not stand there in one piece: comments, quoting, blanks."""


_WORDS: Final = re.compile("[0-9A-Za-z]+")


def _plain(wanted: str, collation: str) -> bytes | None:
    """Give the octets, in lower case, that plain ASCII text holds in any case if it holds a prepared string.

    None where it may not hold it although it does: where case matters, and where the string is of other characters.
    Prepared, ASCII texts are capitals, but `ª` is compared as `a`, and so is found in no `A`.
    """
    if collation == OCTET or not wanted.isascii() or wanted != wanted.upper():
        return None
    return wanted.lower().encode("ascii")


def _header_test(node: MimeHeader) -> _DocumentTest:
    """Make the test that a header field contains a string.

    Most values are plain ASCII: those are compared as octets, unfolded, in lower case. A value with an encoded word or
    other octets is left to the reader, and so are `addresses` that may be spread over the field ([RFC3501] 6.4.4,
    HEADER, and FROM that asks for the envelope's field; [RFC2047]), and a test that heeds the case.
    """
    name, addresses, prepare = node.name, node.addresses, COLLATIONS[node.collation]
    field = name.lower().encode("utf-8", "surrogatepass")
    wanted = prepare(node.value)
    plain = _plain(wanted, node.collation)
    heeds_case = node.collation == OCTET

    def read(document: _Document) -> bool:
        reader = document.reader
        if any(wanted in prepare(value) for value in reader.header(name)):
            return True
        return addresses and any(wanted in prepare(value) for value in reader.addresses(name))

    def test(document: _Document) -> bool:
        hard = False
        for value in raw_values(document.block.lower(), field):
            if heeds_case or not value.isascii() or value.find(b"=?") >= 0:
                hard = True
            elif plain is not None and value.replace(b"\r\n", b"").find(plain) >= 0:
                return True
            elif addresses and _SPREAD.search(value):
                hard = True
        return hard and read(document)

    return test


def _word_of(node: Restriction) -> bytes:
    """Give what must be among the octets of a plain header if a field test is to hold; nothing where none is known."""
    if not isinstance(node, MimeHeader) or node.addresses:
        return b""
    wanted = COLLATIONS[node.collation](node.value)
    return wanted.lower().encode("ascii") if wanted.isascii() and not any(map(str.isspace, wanted)) else b""


def _doubtful(headers: Sequence[bytes], word: bytes) -> list[int]:
    """Leave out the headers that are plain ASCII and lack the word: all of them are searched in one go."""
    joined = b"\n".join(headers)
    kept: set[int] = set()
    if not joined.isascii():
        kept.update([number for number, header in enumerate(headers) if not header.isascii()])
    joined = joined.lower()
    starts: list[int] = []
    # To look for one octet first is much quicker: few headers have a question mark.
    for mark in (word, b"=?") if joined.find(b"?") >= 0 else (word,):
        at = joined.find(mark)
        while at >= 0:
            starts = starts or list(accumulate([len(header) + 1 for header in headers], initial=0))
            number = bisect_right(starts, at) - 1
            kept.add(number)
            at = joined.find(mark, starts[number + 1])
    return sorted(kept)


def _longest_word(wanted: str) -> bytes:
    """Give the longest run of ASCII letters and digits in a prepared string, in lower case."""
    return max(_WORDS.findall(wanted), key=len, default="").lower().encode("ascii")


def _text_test(node: MimeText) -> _DocumentTest:
    """Make the test that the text contains a string ([RFC3501] 6.4.4, BODY and TEXT).

    The reader can mostly see in the octets that a piece of the text lacks a word of the string, so it is told one.
    """
    headers, prepare = node.headers, COLLATIONS[node.collation]
    wanted = prepare(node.value)
    word = _longest_word(wanted)
    return lambda document: any(wanted in prepare(piece) for piece in document.reader.text(headers, word))


def day_of(block: bytes) -> int | None:
    """Read the day of the Date: field, as days since 1970-01-01; None if there is none that can be read."""
    value = next(raw_values(block.lower(), b"date"), None)
    if value is None:
        return None
    try:
        parsed: tuple[Any, ...] | None = parsedate_tz(value.decode("latin-1"))
        return None if parsed is None else date(*parsed[:3]).toordinal() - _EPOCH
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
