"""The compression layer of a connection: raw DEFLATE in both directions ([RFC4978] 3, 4). Sans-IO.

Input is inflated only as it is asked for, a portion at a time and never past a flush of the client's: what a client
sends behind UNAUTHENTICATE is not compressed any more ([RFC8437] 4.1), and a small input that expands to a large one
costs no more memory than a portion. Each write is flushed, so that nothing waits in the compressor.
"""

from __future__ import annotations

import zlib
from collections import deque

LEVEL = 3
WINDOW_BITS = 13
MEMORY_LEVEL = 6
"""64 KiB for each compressor, against 256 KiB of zlib's own choice; FETCH responses come out 5 % larger."""

PORTION = 65_536
"""Octets that are inflated at a time."""
MOST_EXPANSION = 100
"""Octets that one octet of input may expand to, over the whole connection and beside the allowance."""

_FLUSH = b"\x00\x00\xff\xff"
"""How a flush of the compressor ends ([RFC1951] 3.2.4: an empty stored block, byte-aligned)."""
_PIECE = 4096


class DeflateError(Exception):
    """The input is not DEFLATE, has ended, or expands too much; the text is fit for the wire."""


class Compression:
    """The state of both directions."""

    __slots__ = (
        "_allowance",
        "_at",
        "_before",
        "_chunk",
        "_chunks",
        "_deflater",
        "_given",
        "_in_chunks",
        "_inflater",
        "_taken",
        "ending",
    )

    def __init__(self, allowance: int) -> None:
        """`allowance`: octets that may come out however small they go in, such as one large message."""
        self._allowance = allowance
        self._deflater: zlib._Compress | None = None
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._chunks: deque[bytes] = deque()
        self._in_chunks = 0  # octets in _chunks
        self._chunk = b""
        self._at = 0  # how much of _chunk went into the inflater
        self._before = b""  # the last four octets that went into it
        self._taken = self._given = 0
        self.ending = False
        """Output is not compressed any more; input is up to the client's last flush."""

    # --- output

    def compress(self, data: bytes) -> bytes:
        """Compress what is written at a time, and flush."""
        deflater = self._deflater
        if deflater is None:
            deflater = self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS, MEMORY_LEVEL)
        return deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH)

    def rest(self) -> None:
        """Give the compressor's memory back; the next write begins without a dictionary, which the peer allows."""
        self._deflater = None

    # --- input

    @property
    def waiting(self) -> int:
        """Octets that came in and have not been inflated."""
        return len(self._chunk) - self._at + len(self._inflater.unconsumed_tail) + self._in_chunks

    def feed(self, data: bytes) -> None:
        """Take octets as they arrived. Does no work; pull does."""
        self._chunks.append(data)
        self._in_chunks += len(data)

    def pull(self) -> bytes:
        """Inflate some more; empty if more input is needed. Raises DeflateError.

        Once it is `over` it gives what came behind the compressed input, as it came.
        """
        while not self.over:
            piece = self._inflater.unconsumed_tail or self._next_piece()
            if not piece:
                return b""
            if self._inflater.eof:
                raise DeflateError("The compressed stream has ended.")
            try:
                data = self._inflater.decompress(piece, PORTION)
            except zlib.error as error:
                raise DeflateError("The input is not compressed by DEFLATE.") from error
            self._taken += len(piece) - len(self._inflater.unconsumed_tail)
            self._given += len(data)
            if self._given > self._allowance + MOST_EXPANSION * self._taken:
                raise DeflateError("The compressed input expands too much.")
            if data:
                return data
        rest = b"".join((self._inflater.unused_data, self._chunk[self._at :], *self._chunks))
        self._chunks.clear()
        self._in_chunks = 0
        self._chunk = b""
        self._at = 0
        return rest

    def end(self) -> None:
        """The layer ends: for the output now, for the input behind the flush under way ([RFC8437] 4.1)."""
        self.ending = True

    @property
    def over(self) -> bool:
        """Whether the layer has ended in both directions."""
        return self.ending and (self._inflater.eof or (self._before == _FLUSH and not self._inflater.unconsumed_tail))

    def _next_piece(self) -> bytes:
        """Cut the next piece off the input: at a flush, or where it would be too large."""
        if self._at >= len(self._chunk):
            if not self._chunks:
                return b""
            self._chunk = self._chunks.popleft()
            self._in_chunks -= len(self._chunk)
            self._at = 0
        start = self._at
        stop = min(start + _PIECE, len(self._chunk))
        # A flush may lie across two chunks.
        before = self._before[-3:]
        seam = (before + self._chunk[start : start + 3]).find(_FLUSH)
        if seam >= 0:
            stop = start + seam + len(_FLUSH) - len(before)
        else:
            flush = self._chunk.find(_FLUSH, start, stop)
            if flush >= 0:
                stop = flush + len(_FLUSH)
        piece = self._chunk[start:stop]
        self._before = (self._before + piece)[-4:]
        self._at = stop
        return piece
