"""The compression layer alone ([RFC4978] 3, 4): any split, bombs, the end of the layer."""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.imap.protocol.deflate import PORTION, Compression, DeflateError
from tests.support.examples import examples


def client(bits: int = 15) -> zlib._Compress:
    return zlib.compressobj(6, zlib.DEFLATED, -bits)


def flushed(compressor: zlib._Compress, data: bytes) -> bytes:
    return compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)


def drain(compression: Compression) -> bytes:
    found = []
    while data := compression.pull():
        assert len(data) <= PORTION
        found.append(data)
    return b"".join(found)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces; `places` are taken round its length."""
    marks = sorted({place % (len(data) + 1) for place in places})
    return [data[start:stop] for start, stop in zip([0, *marks], [*marks, len(data)], strict=True)]


writes = st.lists(st.binary(max_size=300) | st.sampled_from((b"", b"a NOOP\r\n" * 99, b"\x00\x00\xff\xff")), max_size=8)


@given(writes, st.lists(st.integers(0, 5000), max_size=12), st.integers(9, 15))
@settings(max_examples=examples(60), deadline=None)
def test_input_under_any_split(data: list[bytes], places: list[int], bits: int) -> None:
    """Whatever the client's window, its flushes and the way that its octets are cut."""
    compressor = client(bits)
    compression = Compression(1 << 20)
    found = b""
    for chunk in cut(b"".join(flushed(compressor, each) for each in data), places):
        compression.feed(chunk)
        found += drain(compression)
    assert found == b"".join(data)
    assert compression.waiting == 0


@given(writes, st.lists(st.booleans(), min_size=8, max_size=8))
@settings(max_examples=examples(40), deadline=None)
def test_output(data: list[bytes], rests: list[bool]) -> None:
    """Each write can be read at once; a compressor that was given up in between is not missed."""
    inflater = zlib.decompressobj(-15)
    compression = Compression(0)
    for each, rest in zip(data, rests, strict=False):
        assert inflater.decompress(compression.compress(each)) == each
        if rest:
            compression.rest()


@given(st.lists(st.integers(0, 500), max_size=6), st.booleans(), st.binary(max_size=50))
@settings(max_examples=examples(50), deadline=None)
def test_where_the_layer_ends(places: list[int], finishes: bool, behind: bytes) -> None:
    """[RFC8437] 4.1: what comes behind the flush of UNAUTHENTICATE is not compressed, if it comes at once or not."""
    compressor = client()
    first = flushed(compressor, b"a NOOP\r\n")
    last = compressor.compress(b"b UNAUTHENTICATE\r\n")
    last += compressor.flush(zlib.Z_FINISH if finishes else zlib.Z_SYNC_FLUSH)
    compression = Compression(1000)
    plain = b"c LOGIN alice password\r\n" + behind
    found = rest = b""
    for chunk in cut(first + last + plain, places):
        if compression.over:
            rest += chunk
            continue
        compression.feed(chunk)
        while data := compression.pull():
            if compression.over:
                rest += data
                break
            found += data
            if found.endswith(b"UNAUTHENTICATE\r\n"):
                compression.end()
    assert (found, rest) == (b"a NOOP\r\nb UNAUTHENTICATE\r\n", plain)


def test_a_bomb_costs_a_portion() -> None:
    """A small input that expands to a large one: a portion at a time, and only so much of it."""
    bomb = client().compress(b"\r\n" * (8 << 20))
    compression = Compression(1 << 20)
    compression.feed(bomb)
    with pytest.raises(DeflateError, match="expands too much"):
        drain(compression)
    assert compression._given <= (1 << 20) + 100 * len(bomb)


def test_one_large_message_may_be_dull() -> None:
    """The allowance is for that."""
    compression = Compression(4 << 20)
    compression.feed(flushed(client(), b"A" * (4 << 20)))
    assert len(drain(compression)) == 4 << 20


def test_empty_blocks_cost_little() -> None:
    """A flood of flushes that carry nothing is linear."""
    compression = Compression(0)
    started = time.process_time()
    for _ in range(5):
        compression.feed(b"\x00\x00\x00\xff\xff" * 10_000)
        assert compression.pull() == b""
    assert time.process_time() - started < 1


@pytest.mark.parametrize("data", [b"a NOOP\r\n", b"\xff" * 20, b"\x78\x9c" + zlib.compress(b"x")])
def test_garbage(data: bytes) -> None:
    compression = Compression(1000)
    compression.feed(data)
    with pytest.raises(DeflateError):
        drain(compression)


def test_nothing_follows_the_end() -> None:
    compressor = client()
    compression = Compression(1000)
    compression.feed(compressor.compress(b"a NOOP\r\n") + compressor.flush())
    assert drain(compression) == b"a NOOP\r\n"
    compression.feed(b"x")
    with pytest.raises(DeflateError, match="ended"):
        drain(compression)


def test_what_waits_is_known_without_counting() -> None:
    """It is asked for at every chunk, and a client may send octets one by one."""

    class Chunks(deque[bytes]):
        def __iter__(self) -> Iterator[bytes]:
            raise AssertionError("counted")

    compression = Compression(1000)
    compression._chunks = Chunks()
    data = flushed(client(), b"a NOOP\r\n" * 3)
    for at in range(len(data)):
        compression.feed(data[at : at + 1])
        assert compression.waiting == at + 1
    assert drain(compression) == b"a NOOP\r\n" * 3
    assert compression.waiting == 0
