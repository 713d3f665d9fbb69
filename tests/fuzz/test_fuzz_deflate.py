"""Whatever comes in on a compressed connection: octets, or DeflateError, within the bounds ([RFC4978] 3)."""

from __future__ import annotations

import os
import random
import zlib
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.imap.protocol.deflate import MOST_EXPANSION, PORTION, Compression, DeflateError

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "100"))


@given(
    st.lists(st.sampled_from((b"t NOOP\r\n", b"x" * 5000, b"\x00\x00\xff\xff", b"{9}\r\n")), max_size=6),
    st.binary(max_size=60),
    st.integers(0, 2**32),
)
@settings(max_examples=EXAMPLES, deadline=None)
def test_broken_streams(words: list[bytes], noise: bytes, seed: int) -> None:
    choose = random.Random(seed)
    deflater = zlib.compressobj(choose.randint(0, 9), zlib.DEFLATED, -choose.randint(9, 15))
    octets = bytearray()
    for word in words:
        octets += deflater.compress(word) + deflater.flush(choose.choice((zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)))
    for octet in noise:
        at = choose.randrange(len(octets) + 1)
        octets[at : at + choose.randint(0, 1)] = bytes((octet,))
    compression = Compression(10_000)
    given = position = 0
    ends = choose.random() < 0.3
    with suppress(DeflateError):
        while position < len(octets):
            step = choose.choice((1, 3, 50, 5000))
            compression.feed(bytes(octets[position : position + step]))
            position += step
            while data := compression.pull():
                assert len(data) <= max(PORTION, len(octets))
                given += len(data)
                if compression.over:
                    return
                if ends and choose.random() < 0.2:
                    compression.end()
    assert given <= 10_000 + (MOST_EXPANSION + 1) * len(octets) + PORTION
