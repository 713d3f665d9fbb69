"""What is known of a message's parts: the tree, its packed form, and the sections IMAP names ([RFC3501] 6.4.5)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, NamedTuple

from conversion.mime.headers import FIELD_LINES


@dataclass(frozen=True, slots=True)
class Limits:
    """How much structure is looked for; beyond it the rest is a leaf of type application/octet-stream."""

    depth: int = 100
    """Multiparts and enclosed messages inside one another."""
    parts: int = 10_000
    """Parts of one message, of every kind; 65,535 at most, for `pack`."""
    header_bytes: int = 1 << 20
    """Octets of one header in which fields are looked for."""
    header_fields: int = 10_000
    """Fields of one header."""
    boundary: int = 998
    """Octets of a boundary ([RFC2046] 5.1.1 allows 70); 998 is the longest line ([RFC5322] 2.1.1)."""


DEFAULT_LIMITS = Limits()

HeaderLines = list[tuple[bytes, bytes, bytes]]
"""A header as (lines, name, raw value) of each field."""


class Part(NamedTuple):
    """One MIME part. Offsets count octets of the message; the header's blank line belongs to the header."""

    number: str
    """Part number as IMAP counts ([RFC3501] 6.4.5); `` for the message itself, `2.1` for the first part of part 2.
    The message enclosed in part 2 has the number `2` as well."""
    type: str
    """Lower case, `text` where the header names none."""
    subtype: str
    encoding: str
    """Content-Transfer-Encoding, lower case, `7bit` by default."""
    charset: str
    """Charset parameter as written, empty where it is missing or no plausible name."""
    header_start: int
    body_start: int
    body_end: int
    lines: int
    """Line feeds in the body of a text part or an enclosed message, 0 for others ([RFC3501] 7.4.2)."""
    children: tuple[Part, ...]
    """The parts of a multipart."""
    message: Part | None
    """The enclosed message of a message/rfc822 part."""

    @property
    def is_multipart(self) -> bool:
        """Whether the part is a multipart, even one in which no part was found."""
        return self.type == "multipart"


@dataclass(frozen=True, slots=True)
class Structure:
    """The tree of parts of one message, and the header fields the scan met, by the offset of their header."""

    root: Part
    headers: dict[int, HeaderLines] = field(default_factory=dict, compare=False, repr=False)

    def header(self, raw: bytes, part: Part) -> HeaderLines:
        """Return the header fields of a part, from the scan or, for an unpacked structure, read again from `raw`."""
        found = self.headers.get(part.header_start)
        if found is None:
            found = read_fields(raw, part.header_start, part.body_start, DEFAULT_LIMITS)
            self.headers[part.header_start] = found
        return found

    def walk(self) -> list[Part]:
        """List all parts in message order, an enclosed message after the part that holds it."""
        out: list[Part] = []
        todo = [self.root]
        while todo:
            part = todo.pop()
            out.append(part)
            todo.extend(reversed(part.children))
            if part.message is not None:
                todo.append(part.message)
        return out


def read_fields(raw: bytes, start: int, end: int, limits: Limits) -> HeaderLines:
    """List the fields of the header at `raw[start:end]`, within the limits."""
    block = raw[start : min(end, start + limits.header_bytes)]
    if len(block) <= limits.header_fields * 2:
        return FIELD_LINES.findall(block)
    return [(m[1], m[2], m[3]) for m in islice(FIELD_LINES.finditer(block), limits.header_fields)]


_VERSION = 1
_HEAD = struct.Struct("<BH")
_ROW = struct.Struct("<IIIIHB")
_SINGLE = struct.Struct("<BHIIIIHB")
"""Head and row of a message of one part."""
_ONE_PART = _HEAD.pack(_VERSION, 1)
_BODY_START = struct.Struct("<I")
_LEAF, _MULTIPART, _MESSAGE = 0, 1, 2
ENCLOSING = _MESSAGE
"""The kind of a row whose part holds a message; the next row is that message."""
PackedRow = tuple[int, int, int, int, int, int]
"""A row of a part table: header start, body start, body end, lines, number of children, kind."""


def pack(structure: Structure) -> bytes:
    """Encode the part table: a version, the number of parts, a row a part in message order, then their words.

    A row holds header start, body start, body end, lines, number of children and kind, little-endian.
    """
    part = structure.root
    if not part.children and part.message is None:
        return _SINGLE.pack(
            _VERSION, 1, part.header_start, part.body_start, part.body_end, part.lines, 0, _LEAF
        ) + f"{part.type}\t{part.subtype}\t{part.encoding}\t{part.charset}".encode("latin-1")
    parts = structure.walk()
    out = [_HEAD.pack(_VERSION, len(parts))]
    words = []
    for part in parts:
        kind = _MESSAGE if part.message is not None else _MULTIPART if part.children else _LEAF
        out.append(_ROW.pack(part.header_start, part.body_start, part.body_end, part.lines, len(part.children), kind))
        words.append(f"{part.type}\t{part.subtype}\t{part.encoding}\t{part.charset}")
    out.append("\n".join(words).encode("latin-1"))
    return b"".join(out)


def glance(data: bytes) -> tuple[int, bytes]:
    """Give what can be had of a part table at once: the number of parts, and their words.

    Those are lines of type, subtype, encoding and charset, with tabs between; there are fewer, or none, if the table is
    cut short. Raises ValueError for anything else.
    """
    if data.startswith(_ONE_PART):
        return 1, data[_SINGLE.size :]
    if len(data) < _SINGLE.size or data[0] != _VERSION:
        raise ValueError("no part table")
    count = data[1] | data[2] << 8
    return count, data[_HEAD.size + count * _ROW.size :]


def body_start(data: bytes) -> int:
    """Give where the body of the message begins, of a part table that `glance` took."""
    start: int = _BODY_START.unpack_from(data, _HEAD.size + 4)[0]
    return start


def packed_rows(data: bytes, count: int) -> list[PackedRow]:
    """Give the rows of a part table for which `glance` gave that number of parts."""
    if count == 1:
        return [_ROW.unpack_from(data, _HEAD.size)]
    return list(_ROW.iter_unpack(data[_HEAD.size : _HEAD.size + count * _ROW.size]))


def unpack(data: bytes) -> Structure:
    """Decode a part table made by `pack`. Raises ValueError for anything else."""
    try:
        version, count = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise ValueError(f"part table of version {version}")
        end = _HEAD.size + count * _ROW.size
        words = data[end:].decode("latin-1").split("\n")
        if count == 1:
            header_start, body_start, body_end, lines, _, _ = _ROW.unpack_from(data, _HEAD.size)
            kind, subtype, encoding, charset = words[0].split("\t")
            return Structure(
                Part("", kind, subtype, encoding, charset, header_start, body_start, body_end, lines, (), None)
            )
        rows = list(_ROW.iter_unpack(data[_HEAD.size : end]))
        if len(words) != count or count == 0:
            raise ValueError("part table cut short")
        return Structure(_Unpacker(rows, words).part("", False))
    except (struct.error, IndexError) as error:
        raise ValueError("no part table") from error


class _Unpacker:
    """Builds the tree from rows in message order."""

    def __init__(self, rows: list[tuple[int, ...]], words: list[str]) -> None:
        self.rows = rows
        self.words = words
        self.at = 0

    def part(self, number: str, enclosed: bool) -> Part:
        header_start, body_start, body_end, lines, count, row_kind = self.rows[self.at]
        kind, subtype, encoding, charset = self.words[self.at].split("\t")
        self.at += 1
        prefix = f"{number}." if number else ""
        children = tuple([self.part(f"{prefix}{index}", False) for index in range(1, count + 1)])
        # A message enclosed in the message itself is reached as part 1.
        message = self.part(number or "1", True) if row_kind == _MESSAGE else None
        return Part(
            number, kind, subtype, encoding, charset, header_start, body_start, body_end, lines, children, message
        )


SectionText = Literal["", "HEADER", "TEXT", "MIME"]


def find_part(structure: Structure, numbers: tuple[int, ...]) -> Part | None:
    """Return the part that IMAP calls by these numbers, or None ([RFC3501] 6.4.5).

    Part 1 of a message that is no multipart is that message's own body: then the Part of the message is returned.
    """
    part = structure.root
    whole = True
    for number in numbers:
        if part.message is not None and not whole:
            part = part.message
            whole = True
        if part.children:
            if not 1 <= number <= len(part.children):
                return None
            part = part.children[number - 1]
        elif number != 1 or not whole or part.is_multipart:
            return None
        whole = False
    return part


def section(structure: Structure, numbers: tuple[int, ...], what: SectionText = "") -> tuple[int, int] | None:
    """Return where a section stands in the message, as (start, end), or None where there is none ([RFC3501] 6.4.5).

    Without numbers `HEADER` and `TEXT` speak of the message itself and `` of all of it. With numbers `HEADER` and
    `TEXT` speak of the message enclosed in that part, `MIME` of the part's own header, `` of its body.
    """
    if not numbers:
        root = structure.root
        if what == "HEADER":
            return root.header_start, root.body_start
        if what == "TEXT":
            return root.body_start, root.body_end
        return None if what == "MIME" else (root.header_start, root.body_end)
    part = find_part(structure, numbers)
    if part is None:
        return None
    if what == "":
        return part.body_start, part.body_end
    if what == "MIME":
        return part.header_start, part.body_start
    if part.message is None or (part is structure.root and len(numbers) > 1):
        return None
    message = part.message
    if what == "HEADER":
        return message.header_start, message.body_start
    return message.body_start, message.body_end
