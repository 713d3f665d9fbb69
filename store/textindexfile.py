"""A segment of the full-text index: one file that is written once, and never changed.

It answers for the items of a mailbox with numbers in a range (`low` to `high`). Those that were there are its
documents, numbered from 0 in their order. Layout, integers little-endian:

    header      magic, signature, range, counts, lengths and checksums of the sections
    postings    blocks of up to 64 terms: count (1 octet), for each its kind and length (2 octets), their documents
    terms       six regions: words, windows and pairs of headers, of bodies; each sorted, a line feed around every term
    directory   of each block the place of its first term, the offset and the checksum
    documents   item numbers (8 octets), checksums of the MIME (4), and whether it must be read whatever is asked (1)

A file is whole before it gets its name; a checksum that does not fit raises Damaged, and the index is made again.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, compress, islice, pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple
from zlib import crc32

HEADER_REGIONS: Final = (0, 1, 2)
BODY_REGIONS: Final = (3, 4, 5)
REGIONS: Final = 6
MAX_DOCUMENTS: Final = 1 << 14
"""So that the longest posting, a bit a document, fits in the two octets that say its length."""
_MAX_MATCHES: Final = 4096

_MAGIC: Final = b"oxtext1\n"
_HEADER: Final = struct.Struct("<8sIQQII6I6I4Q4I")
_CRC: Final = struct.Struct("<I")
_BLOCK: Final = 64
_KIND_BITS: Final = 0x8000
_BINARY: Final = bytes.maketrans(b"01", b"\0\1")


class Damaged(Exception):
    """The file is no segment, or not all of it."""


class Document(NamedTuple):
    """An item: its number, the checksum of its MIME, and whether its text must be read whatever is asked."""

    item: int
    checksum: int
    opaque: bool


Posting = tuple[bytes, bytes | bytearray]
"""A term and the documents that have it, ascending, in two octets each, little-endian."""


def write(
    path: Path,
    signature: int,
    bounds: tuple[int, int],
    documents: Sequence[Document],
    regions: Iterable[Iterable[Posting]],
    *,
    durable: bool,
) -> None:
    """Write a segment; the terms of each region come sorted, in octets. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    try:
        with open(temporary, "wb") as file:
            file.write(bytes(_HEADER.size + _CRC.size))
            writer = _Writer(file, len(documents))
            for postings in regions:
                writer.region(postings)
            sections = [
                bytes(writer.terms),
                writer.directory(),
                b"".join(
                    (
                        _octets(array("Q", [one.item for one in documents])),
                        _octets(array("I", [one.checksum for one in documents])),
                        bytes(one.opaque for one in documents),
                    )
                ),
            ]
            for section in sections:
                file.write(section)
            header = _HEADER.pack(
                _MAGIC,
                signature,
                *bounds,
                len(documents),
                len(writer.places),
                *writer.lengths,
                *writer.counts,
                writer.size,
                *map(len, sections),
                0,
                *map(crc32, sections),
            )
            file.seek(0)
            file.write(header + _CRC.pack(crc32(header)))
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.rename(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


class _Writer:
    def __init__(self, file: BinaryIO, documents: int) -> None:
        self._file = file
        self._bitmap = (documents + 7) // 8
        self.terms = bytearray()
        self.lengths: list[int] = []
        self.counts: list[int] = []
        self.places = array("I")
        self._offsets = array("Q")
        self._sums = array("I")
        self.size = 0

    def region(self, postings: Iterable[Posting]) -> None:
        began, count = len(self.terms), 0
        self.terms += b"\n"
        source = iter(postings)
        limit = 2 * ((self._bitmap + 1) // 2)
        while block := list(islice(source, _BLOCK)):
            self.places.append(len(self.terms))
            self.terms += b"\n".join([term for term, _ in block])
            self.terms += b"\n"
            encoded = [
                documents if len(documents) < limit else _bits(numbers_of(documents), self._bitmap)
                for _, documents in block
            ]
            heads = [
                len(octets) if len(documents) < limit else len(octets) | _KIND_BITS
                for octets, (_, documents) in zip(encoded, block, strict=True)
            ]
            self._block(array("H", heads), b"".join(encoded))
            count += len(block)
        self.lengths.append(len(self.terms) - began)
        self.counts.append(count)

    def _block(self, heads: array[int], data: bytes) -> None:
        block = b"".join((bytes((len(heads),)), _octets(heads), data))
        self._file.write(block)
        self._offsets.append(self.size)
        self._sums.append(crc32(block))
        self.size += len(block)

    def directory(self) -> bytes:
        return b"".join(map(_octets, (self.places, self._offsets, self._sums)))


def _octets(numbers: array[int]) -> bytes:
    if sys.byteorder != "little":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(kind: str, data: bytes | bytearray) -> array[int]:
    numbers = array(kind)
    numbers.frombytes(data)
    if sys.byteorder != "little":
        numbers.byteswap()
    return numbers


def numbers_of(documents: bytes | bytearray) -> array[int]:
    """Give the documents of a posting as numbers."""
    return _numbers("H", documents)


def octets_of(documents: Iterable[int]) -> bytes:
    """Make a posting of numbers."""
    return _octets(array("H", documents))


def _shifted(documents: bytes, base: int) -> bytes:
    """Add a number to each document: as one sum, for none becomes so large that it carries over."""
    size = len(documents)
    ones = int.from_bytes(b"\1\0" * (size // 2), "little")
    return (int.from_bytes(documents, "little") + base * ones).to_bytes(size, "little")


def _bits(documents: Iterable[int], size: int) -> bytes:
    flags = bytearray(b"0" * (size * 8))
    one = ord("1")
    for document in documents:
        flags[document] = one
    return int(flags[::-1], 2).to_bytes(size, "little")


def _flags(bits: int, size: int) -> bytes:
    """Spread bits over octets of 0 and 1."""
    return format(bits, "b").encode()[::-1].translate(_BINARY).ljust(size, b"\0")[:size]


class Segment:
    """A segment that can be asked. Holds no file open between questions; safe for several threads.

    A set of documents is an integer, an octet for each: 1 or 0. Raises Damaged or OSError.
    """

    __slots__ = (
        "_checksums",
        "_counts",
        "_offsets",
        "_places",
        "_postings_size",
        "_spans",
        "_sums",
        "_terms",
        "_terms_at",
        "_terms_checked",
        "_terms_sum",
        "all",
        "count",
        "high",
        "identity",
        "items",
        "low",
        "opaque",
        "path",
        "signature",
        "size",
        "terms",
        "trusted",
    )

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trusted = False
        """Whether it was compared with the mailbox."""
        with open(path, "rb") as file:
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size or _CRC.pack(crc32(header)) != file.read(_CRC.size):
                raise Damaged(f"{path}: the header is damaged")
            fields: tuple[Any, ...] = _HEADER.unpack(header)
            magic, blocks, rest = fields[0], int(fields[5]), fields[6:]
            self.signature, self.low, self.high, self.count = map(int, fields[1:5])
            if magic != _MAGIC or self.count > MAX_DOCUMENTS:
                raise Damaged(f"{path}: not a segment")
            lengths, self._counts = rest[:REGIONS], rest[REGIONS : 2 * REGIONS]
            self._postings_size, terms, directory, documents = rest[2 * REGIONS : 2 * REGIONS + 4]
            _, self._terms_sum, directory_sum, documents_sum = rest[2 * REGIONS + 4 :]
            self._terms_at = _HEADER.size + _CRC.size + self._postings_size
            self._terms = terms
            self._terms_checked = False
            self.size = self._terms_at + terms + directory + documents
            state = os.fstat(file.fileno())
            self.identity = state.st_ino, state.st_mtime_ns
            if state.st_size != self.size:
                raise Damaged(f"{path}: the file is cut off")
            file.seek(self._terms_at + terms)
            sections = file.read(directory), file.read(documents)
        if tuple(map(crc32, sections)) != (directory_sum, documents_sum):
            raise Damaged(f"{path}: the directory is damaged")
        self._places = _numbers("I", sections[0][: 4 * blocks])
        self._offsets = _numbers("Q", sections[0][4 * blocks : 12 * blocks])
        self._sums = _numbers("I", sections[0][12 * blocks :])
        count = self.count
        self.items = _numbers("Q", sections[1][: 8 * count])
        self._checksums = _numbers("I", sections[1][8 * count : 12 * count])
        self.opaque = int.from_bytes(sections[1][12 * count :], "little")
        self.all = int.from_bytes(b"\1" * count, "little")
        self.terms: int = sum(self._counts)
        self._spans: list[tuple[int, int]] = []
        at = 0
        for length in lengths:
            self._spans.append((at, at + length))
            at += length

    def document(self, place: int) -> Document:
        """Give the document at a place."""
        opaque = bool(self.opaque >> (8 * place) & 1)
        return Document(self.items[place], self._checksums[place], opaque)

    def flags(self, documents: int) -> bytes:
        """Give a set of documents as octets of 0 and 1."""
        return documents.to_bytes(self.count, "little")

    def open(self) -> OpenSegment:
        """Open the file for some questions; to be closed. Raises Damaged, OSError."""
        return OpenSegment(self)

    def check_terms(self, terms: bytes) -> None:
        """Compare the terms with their checksum, once. Raises Damaged."""
        if not self._terms_checked:
            if crc32(terms) != self._terms_sum:
                raise Damaged(f"{self.path}: the terms are damaged")
            self._terms_checked = True


class OpenSegment:
    """A segment's file, open; its terms in memory while it is."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._file = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)
        self._blocks: dict[int, tuple[array[int], bytes]] = {}
        try:
            state = os.fstat(self._file)
            if (state.st_ino, state.st_mtime_ns) != segment.identity:
                raise FileNotFoundError(f"{segment.path}: another one is in its place")
            self._terms = os.pread(self._file, segment._terms, segment._terms_at)
            segment.check_terms(self._terms)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def find(self, region: int, pattern: bytes) -> tuple[int, bool]:
        """Give the documents with a term of a region that contains a pattern, and whether that is all of them."""
        segment, terms = self.segment, self._terms
        start, stop = segment._spans[region]
        at = terms.find(pattern, start, stop)
        if at < 0:
            return 0, True
        shift = 1 if pattern.startswith(b"\n") else 0  # so that the place is in the term itself
        places: list[int] = []
        while at >= 0 and len(places) < _MAX_MATCHES:
            places.append(at + shift)
            end = terms.find(b"\n", at + shift, stop)
            at = terms.find(pattern, end, stop)
        return self._union(places), at < 0

    def _union(self, places: list[int]) -> int:
        starts, terms = self.segment._places, self._terms
        count = self.segment.count
        bits = 0
        numbers: set[int] = set()
        for place in places:
            number = bisect_right(starts, place) - 1
            kind, data = self._posting(number, terms.count(b"\n", starts[number], place))
            if kind:
                bits |= int.from_bytes(data, "little")
                if bits.bit_count() == count:
                    return self.segment.all
            else:
                numbers.update(_numbers("H", data))
        flags = bytearray(_flags(bits, count))
        try:
            for document in numbers:
                flags[document] = 1
        except IndexError as error:
            raise Damaged(f"{self.segment.path}: a document that is not there") from error
        return int.from_bytes(flags, "little")

    def _posting(self, number: int, place: int) -> tuple[int, bytes]:
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = self._block(number)
        heads, data = block
        if place >= len(heads):
            raise Damaged(f"{self.segment.path}: a block is too short")
        head = heads[place]
        start = sum([one & ~_KIND_BITS for one in heads[:place]])
        return head & _KIND_BITS, data[start : start + (head & ~_KIND_BITS)]

    def _block(self, number: int) -> tuple[array[int], bytes]:
        segment = self.segment
        offsets = segment._offsets
        start = offsets[number]
        stop = offsets[number + 1] if number + 1 < len(offsets) else segment._postings_size
        block = os.pread(self._file, stop - start, _HEADER.size + _CRC.size + start)
        if crc32(block) != segment._sums[number]:
            raise Damaged(f"{segment.path}: the postings are damaged")
        heads = 1 + 2 * block[0]
        return _numbers("H", block[1:heads]), block[heads:]

    def postings(self, region: int, base: int = 0) -> Iterator[tuple[list[bytes], list[bytes]]]:
        """Give the terms of a region with their documents, in order, some dozens at a time.

        `base` is added to the number of each document. Raises Damaged.
        """
        segment = self.segment
        start, stop = segment._spans[region]
        number = bisect_right(segment._places, start)
        terms = self._terms[start + 1 : stop].split(b"\n")[:-1]
        for at in range(0, segment._counts[region], _BLOCK):
            heads, data = self._block(number)
            number += 1
            some = terms[at : at + _BLOCK]
            if len(some) != len(heads):
                raise Damaged(f"{segment.path}: terms without postings")
            yield some, self._documents(heads, data, base)

    def _documents(self, heads: array[int], data: bytes, base: int) -> list[bytes]:
        """Cut a block to the documents of its terms."""
        count = self.segment.count
        if max(heads) < _KIND_BITS:
            ends = list(accumulate(heads, initial=0))
            if base:
                data = _shifted(data, base)
            return [data[start:end] for start, end in pairwise(ends)]
        found: list[bytes] = []
        at = 0
        for head in heads:
            size = head & ~_KIND_BITS
            posting = data[at : at + size]
            at += size
            if head & _KIND_BITS:
                flags = _flags(int.from_bytes(posting, "little"), count)
                posting = octets_of(compress(range(base, base + count), flags))
            elif base:
                posting = _shifted(posting, base)
            found.append(posting)
        return found
