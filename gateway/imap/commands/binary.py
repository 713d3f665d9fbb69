"""BINARY: parts without their transfer encoding ([RFC3516] 3, 4.1 to 4.3).

Headers are no part of it: encoded words stay encoded ([RFC3516] 5).

A part of a message at hand is decoded at once. Of a long one the length, which the reply begins with, is counted in a
thread; then it is decoded again piece by piece while it is sent, so that no more than a piece is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conversion.mime.decoding import IDENTITIES, decode, decode_pieces, decoder
from conversion.mime.parts import Part, Structure, find_part
from gateway.imap.commands import sections
from gateway.imap.errors import Refusal, no
from gateway.imap.protocol.fetch_types import BinarySection, BinarySize
from store.errors import NotFound
from store.mailbox import Mailbox

PIECE = 128 * 1024
"""Octets of a long part that are read at a time."""

UNKNOWN = bytes(bytearray(b"NIL"))
"""Stands, by its identity, for a part whose encoding is not known: the command then ends with NO ([RFC3516] 4.3)."""
UNKNOWN_SIZE = bytes(bytearray(b"0"))
"""The same for BINARY.SIZE, which must be a number."""

_NO_PART = b"NIL"


def is_unknown(value: object) -> bool:
    """Whether a value stands for a part whose encoding is not known."""
    return value is UNKNOWN or value is UNKNOWN_SIZE


def refusal() -> Refusal:
    """How a command ends that asked for such a part ([RFC3516] 4.3)."""
    return no(b"The transfer encoding of a part is not known.", b"UNKNOWN-CTE")


def where(numbers: tuple[int, ...], structure: Structure) -> tuple[int, int, str] | None:
    """Where a part's body stands, and its encoding; without numbers the whole message, which has none.

    Multiparts and enclosed messages have none either, whatever their header says ([RFC2045] 6.4).
    """
    if not numbers:
        return 0, structure.root.body_end, ""
    part = find_part(structure, numbers)
    if part is None:
        return None
    return part.body_start, part.body_end, encoding_of(part)


def encoding_of(part: Part) -> str:
    """The transfer encoding that a part's body is in."""
    return "" if part.is_multipart or part.message is not None else part.encoding


def column(item: BinarySection | BinarySize, raws: Sequence[bytes], structures: Sequence[Structure]) -> list[bytes]:
    """The values of an item for many messages at hand."""
    return [value(item, raw, structure) for raw, structure in zip(raws, structures, strict=True)]


def value(item: BinarySection | BinarySize, raw: bytes, structure: Structure) -> bytes:
    """The item's value on the wire; UNKNOWN or UNKNOWN_SIZE where the encoding is not known."""
    found = where(item.numbers, structure)
    if isinstance(item, BinarySize):
        if found is None:
            return b"0"
        data = decode(raw[found[0] : found[1]], found[2])
        return UNKNOWN_SIZE if data is None else b"%d" % len(data)
    if found is None:
        return _NO_PART
    data = decode(raw[found[0] : found[1]], found[2])
    if data is None:
        return UNKNOWN
    start, end = sections.cut(0, len(data), item.partial)
    return string8(data[start:end])


def string8(data: bytes) -> bytes:
    """A literal, or a literal8 where NUL is in it; empty it is quoted ([RFC3516] 4.2, 7)."""
    if not data:
        return b'""'
    return b"%b{%d}\r\n%b" % (b"~" if b"\0" in data else b"", len(data), data)


@dataclass(frozen=True, slots=True)
class LongPart:
    """Some octets of a long part, decoded while they are sent."""

    item_id: int
    start: int
    end: int
    """Of the encoded part, in the message."""
    encoding: str
    first: int
    size: int
    """Of what is decoded: the first octet, and how many."""
    binary: bool
    """There is a NUL among them."""

    def head(self) -> bytes:
        """What announces it."""
        return b"%b{%d}\r\n" % (b"~" if self.binary else b"", self.size)

    def pieces(self, mailbox: Mailbox) -> Iterator[bytes]:
        """Decode it again, piece by piece. Raises NotFound, Unavailable."""
        return _window(_decoded(mailbox, self.item_id, self.start, self.end, self.encoding), self.first, self.size)


def measure(mailbox: Mailbox, item_id: int, item: BinarySection | BinarySize, structure: Structure) -> bytes | LongPart:
    """The value of an item of a long message, or what to send for it. Long work. Raises NotFound, Unavailable."""
    found = where(item.numbers, structure)
    if found is None:
        return b"0" if isinstance(item, BinarySize) else _NO_PART
    start, end, encoding = found
    if decoder(encoding) is None:
        return UNKNOWN_SIZE if isinstance(item, BinarySize) else UNKNOWN
    if isinstance(item, BinarySize):
        if encoding in IDENTITIES:
            return b"%d" % (end - start)
        return b"%d" % sum(map(len, _decoded(mailbox, item_id, start, end, encoding)))
    first, most = item.partial or (0, 1 << 62)
    if encoding in IDENTITIES:
        # The octets need not be read from the beginning.
        start, end = sections.cut(start, end, item.partial)
        first = 0
    size = 0
    binary = False
    short: list[bytes] = []
    for piece in _window(_decoded(mailbox, item_id, start, end, encoding), first, most):
        size += len(piece)
        binary = binary or b"\0" in piece
        if size <= PIECE:
            short.append(piece)
    if size <= PIECE:
        return string8(b"".join(short))
    return LongPart(item_id, start, end, encoding, first, size, binary)


def described(mailbox: Mailbox, item_id: int, start: int, end: int, encoding: str) -> tuple[int, bytes] | None:
    """How many octets a part has without its encoding, and which encoding would suit them; None for an unknown one."""
    if decoder(encoding) is None:
        return None
    size = 0
    ascii_, binary = True, False
    for piece in _decoded(mailbox, item_id, start, end, encoding):
        size += len(piece)
        ascii_ = ascii_ and piece.isascii()
        binary = binary or b"\0" in piece
    return size, b"binary" if binary else b"7bit" if ascii_ else b"8bit"


def _decoded(mailbox: Mailbox, item_id: int, start: int, end: int, encoding: str) -> Iterator[bytes]:
    made = decoder(encoding)
    assert made is not None
    return decode_pieces(_read(mailbox, item_id, start, end), made)


def _read(mailbox: Mailbox, item_id: int, start: int, end: int) -> Iterator[bytes]:
    while start < end:
        piece = mailbox.raw(item_id, start, min(PIECE, end - start))
        if not piece:
            raise NotFound("message is shorter than its part table says")
        yield piece
        start += len(piece)


def _window(pieces: Iterator[bytes], first: int, most: int) -> Iterator[bytes]:
    """Of what comes in pieces, `most` octets from `first` on; nothing for a piece before that."""
    for piece in pieces:
        if first >= len(piece):
            first -= len(piece)
            yield b""
            continue
        part = piece[first : first + most]
        first = 0
        most -= len(part)
        yield part
        if not most:
            return
