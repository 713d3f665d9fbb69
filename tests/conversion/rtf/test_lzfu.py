"""Compressed RTF ([MS-OXRTFCP]): the document's examples, another implementation, damage."""

from __future__ import annotations

import struct

import compressed_rtf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.errors import ConversionError
from conversion.receipt import Receipt
from conversion.rtf.lzfu import MAX_COMPRESSED, checksum, compress, decompress, store

SIMPLE = rb"{\rtf1\ansi\ansicpg1252\pard hello world}" + b"\r\n"
SIMPLE_COMPRESSED = bytes.fromhex(
    "2d000000 2b000000 4c5a4675 f1c5c7a7 03000a00 72637067 31323542 320af320 68656c09 00206277 05b06c64 7d0a800f a0"
)
CROSSING = rb"{\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
CROSSING_COMPRESSED = bytes.fromhex("1a000000 1c000000 4c5a4675 e2d44b51 41000420 5758595a 0d6e7d01 0eb0")
EXAMPLES = [
    (SIMPLE, SIMPLE_COMPRESSED),  # [MS-OXRTFCP] 3.1.1, 3.2.1
    (CROSSING, CROSSING_COMPRESSED),  # [MS-OXRTFCP] 3.1.2, 3.2.2
]

_WORDS = st.sampled_from(
    [rb"\par ", rb"\fs20", b"{", b"}", b" ", b"\r\n", b"Times", b"a", b"ab" * 20, bytes(range(256))]
)
rtfs = st.lists(_WORDS | st.binary(max_size=30), max_size=60).map(b"".join)


def framed(contents: bytes, raw: int, *, kind: bytes = b"LZFu", crc: int | None = None) -> bytes:
    sum_ = checksum(contents) if crc is None else crc
    return struct.pack("<II4sI", len(contents) + 12, raw, kind, sum_) + contents


def notes(data: bytes, **options: int) -> tuple[bytes, list[str]]:
    receipt = Receipt()
    rtf = decompress(data, receipt=receipt, **options)
    return rtf, [note.place for note in receipt]


@pytest.mark.parametrize(("rtf", "compressed"), EXAMPLES)
def test_examples(rtf: bytes, compressed: bytes) -> None:
    """Both ways; what the dictionary holds at first, and where writing begins ([MS-OXRTFCP] 2.1.2.1, 2.2.3.2)."""
    assert notes(compressed) == (rtf, [])
    assert compress(rtf) == compressed


def test_crc_of_the_example() -> None:
    """[MS-OXRTFCP] 2.1.3.2, 3.3.1."""
    assert checksum(SIMPLE_COMPRESSED[16:]) == 0xA7C7C5F1


def test_stored() -> None:
    """[MS-OXRTFCP] 2.1.3.1.1, 2.2.3.1, 2.3.3, 2.3.3.1: MELA, no CRC, RAWSIZE octets."""
    assert store(SIMPLE) == struct.pack("<II4sI", len(SIMPLE) + 12, len(SIMPLE), b"MELA", 0) + SIMPLE
    assert notes(store(SIMPLE) + b"\0\0") == (SIMPLE, [])
    long = b"{" + b"x" * MAX_COMPRESSED
    assert compress(long) == store(long)


def test_nothing() -> None:
    """An empty RTF has a NUL before its end ([MS-OXRTFCP] 2.3.3.2); RAWSIZE leaves it out."""
    assert compress(b"")[:12] == struct.pack("<II4s", 16, 0, b"LZFu")
    assert compress(b"")[16:] == bytes.fromhex("02 00 0d00")
    assert decompress(compress(b"")) == b""


@given(rtfs)
def test_round_trip(rtf: bytes) -> None:
    assert notes(compress(rtf)) == (rtf, [])


@given(rtfs.filter(bool))
def test_others_read_ours(rtf: bytes) -> None:
    assert compressed_rtf.decompress(compress(rtf)) == rtf


@pytest.mark.parametrize("rtf", [SIMPLE * 3, CROSSING, b"x", b"\r\n" * 40, bytes(range(256))])
def test_we_read_others(rtf: bytes) -> None:
    assert notes(compressed_rtf.compress(rtf)) == (rtf, [])
    assert notes(compressed_rtf.compress(rtf, compressed=False)) == (rtf, [])


def test_longest_matches() -> None:
    """[MS-OXRTFCP] 2.3.3.2.1: 17 octets at most, from a dictionary of 4,096 ([MS-OXRTFCP] 2.1.3.1.5)."""
    # The dictionary ends with an x (206), and a reference may reach into what it writes: 17, 17, 2, the end (207 + 36).
    assert compress(b"x" * 36)[16:] == bytes.fromhex("0f 0cef 0cef 0ce0 0f30")
    far = bytes(range(128, 256)) * 2
    rtf = (
        b"#abcdefgh#" + b"".join(bytes((n >> 4 & 15 | 0x80, n & 15 | 0x90)) for n in range(2040)) + b"#abcdefgh#" + far
    )
    assert decompress(compress(rtf)) == compressed_rtf.decompress(compress(rtf)) == rtf


@pytest.mark.parametrize(
    ("data", "rtf", "places"),
    [
        # COMPSIZE says less, nothing, or more than there is.
        (struct.pack("<I", 33) + SIMPLE_COMPRESSED[4:], SIMPLE, []),
        (struct.pack("<I", 0) + SIMPLE_COMPRESSED[4:], SIMPLE, ["COMPSIZE"]),
        (struct.pack("<I", 1 << 31) + SIMPLE_COMPRESSED[4:], SIMPLE, ["COMPSIZE"]),
        # Padding behind the contents, counted and not counted.
        (SIMPLE_COMPRESSED + b"\xff" * 9, SIMPLE, []),
        # A wrong CRC.
        (SIMPLE_COMPRESSED[:12] + b"\0\0\0\0" + SIMPLE_COMPRESSED[16:], SIMPLE, ["CRC"]),
        # RAWSIZE bounds what comes out, and tells that something is missing.
        (SIMPLE_COMPRESSED[:4] + struct.pack("<I", 5) + SIMPLE_COMPRESSED[8:], SIMPLE[:5], []),
        (SIMPLE_COMPRESSED[:4] + struct.pack("<I", 44) + SIMPLE_COMPRESSED[8:], SIMPLE, ["compressed RTF"]),
        # Cut short: within a token, and behind a control octet.
        (SIMPLE_COMPRESSED[:-4], SIMPLE[:-2], ["COMPSIZE", "CRC", "compressed RTF"]),
        (SIMPLE_COMPRESSED[:17], b"", ["COMPSIZE", "CRC", "compressed RTF"]),
        (SIMPLE_COMPRESSED[:16], b"", ["COMPSIZE", "CRC", "compressed RTF"]),
        # References to what was never written give spaces.
        (framed(bytes.fromhex("03 8003 0d20"), 5), b"     ", []),
    ],
)
def test_lenient(data: bytes, rtf: bytes, places: list[str]) -> None:
    """[MS-OXRTFCP] 2.2.3, 4.1: sizes that are lies, contents that are cut."""
    assert notes(data) == (rtf, places)


def test_limit() -> None:
    assert notes(compress(SIMPLE), limit=7) == (SIMPLE[:7], ["compressed RTF"])
    assert notes(framed(b"\0" * 9, 0xFFFFFFFF), limit=100) == (b"\0" * 8, ["compressed RTF", "compressed RTF"])
    assert notes(store(SIMPLE), limit=0)[0] == b""


@pytest.mark.parametrize(
    "data", [b"", SIMPLE_COMPRESSED[:15], framed(b"", 0, kind=b"LZFv"), framed(b"", 0, kind=b"\0" * 4)]
)
def test_refused(data: bytes) -> None:
    """[MS-OXRTFCP] 2.2.2.1: without a header, or of an unknown kind."""
    with pytest.raises(ConversionError):
        decompress(data)


@given(st.binary(max_size=80), st.integers(0, 1 << 32 - 1), st.sampled_from([b"LZFu", b"MELA"]))
def test_anything(contents: bytes, raw: int, kind: bytes) -> None:
    """[MS-OXRTFCP] 2.1.2.1, 2.2.3.2: as what the sections say, done token by token, has it."""
    rtf = decompress(framed(contents, raw, kind=kind), limit=1000)
    assert len(rtf) <= min(raw, 1000, 8 * len(contents) + 17)
    if kind == b"LZFu" and raw >= len(rtf) and contents != b"":
        assert slowly(contents)[: min(raw, 1000)] == rtf


def slowly(contents: bytes) -> bytes:
    """A ring, an octet at a time, as [MS-OXRTFCP] 2.1.2.1 and 2.2.3.2 word it."""
    start = compressed_rtf.compressed_rtf.INIT_DICT
    ring, write, out, at = bytearray(start.ljust(4096)), len(start), bytearray(), 0
    while at < len(contents):
        control, at = contents[at], at + 1
        for bit in range(8):
            token = contents[at : at + 1 + (control >> bit & 1)]
            at += len(token)
            if len(token) < 1 + (control >> bit & 1):
                return bytes(out)
            if len(token) == 1:
                ring[write] = token[0]
                out += token
                write = (write + 1) & 4095
                continue
            place, count = (token[0] << 8 | token[1]) >> 4, (token[1] & 15) + 2
            if place == write:
                return bytes(out)
            for _ in range(count):
                octet = ring[place]
                out.append(octet)
                ring[write] = octet
                place, write = (place + 1) & 4095, (write + 1) & 4095
    return bytes(out)
