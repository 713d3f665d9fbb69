"""Files of the Macintosh: AppleSingle, AppleDouble, BinHex, MacBinary."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.errors import ConversionError
from conversion.mac.applefile import read_applefile, write_appledouble_header
from conversion.mac.binhex import MAX_SIZE, read_binhex
from conversion.mac.file import MacFile
from conversion.mac.macbinary import read_macbinary, write_macbinary
from conversion.receipt import Receipt
from tests.support.binhex import LETTERS, binhex

NAMES = st.text(st.sampled_from("abcÄé .-_"), min_size=1, max_size=40)
FILES = st.builds(
    MacFile,
    NAMES,
    st.binary(min_size=4, max_size=4),
    st.binary(min_size=4, max_size=4),
    st.binary(max_size=300),
    st.binary(max_size=300),
    st.integers(0, 0xFFFF),
)
FILE = MacFile("Bericht ä.txt", b"TEXT", b"ttxt", b"data fork\x90\x90\x90" + b"a" * 50, b"resource", 0x2100)


@given(FILES)
def test_binhex(file):
    """[RFC1741] A"""
    receipt = Receipt()
    assert read_binhex(binhex(file), receipt=receipt) == file
    assert receipt.count == 0


def test_binhex_with_runs():
    """[RFC1741] A: 0x90 and a count repeat what stands before, which may be 0x90 itself."""
    plain = MacFile("n", b"TYPE", b"CREA", b"", b"")
    text = binhex(MacFile("n", b"TYPE", b"CREA", b"q" * 9, b""))
    assert read_binhex(text).data == b"q" * 9
    assert read_binhex(binhex(plain)) == plain


def test_binhex_that_is_damaged():
    receipt = Receipt()
    assert read_binhex(binhex(FILE, spoil=True), receipt=receipt) == FILE
    assert [note.place for note in receipt] == ["BinHex, header", "BinHex, data fork", "BinHex, resource fork"]
    receipt = Receipt()
    cut = read_binhex(binhex(FILE)[:-40], receipt=receipt)
    assert FILE.data.startswith(cut.data)
    assert "dropped: BinHex: the file is cut short" in map(str, receipt)


@pytest.mark.parametrize("text", [b"", b"no colon", b"\n:", b"\n::", b"\n:!!!!:", b":" + b"z" * 90 + b":"])
def test_what_is_no_binhex(text):
    with pytest.raises(ConversionError):
        read_binhex(text)


def test_binhex_is_no_bomb():
    """A run is four characters for 255 octets."""
    bits = "".join(f"{octet:08b}" for octet in b"x\x90\xff" * (MAX_SIZE // 250))[: 6 * (MAX_SIZE // 60)]
    text = bytes(LETTERS[int(bits[at : at + 6], 2)] for at in range(0, len(bits) - 5, 6))
    with pytest.raises(ConversionError, match="larger"):
        read_binhex(b":" + text + b":")


def test_binhex_of_runs_alone():
    """What becomes much longer than it is stays a text; a file with some runs is read."""
    assert read_binhex(binhex(MacFile("x", b"TEXT", b"ttxt", b"a" * 900, b"", 0))).data == b"a" * 900
    bits = "".join(f"{octet:08b}" for octet in b"x\x90\xff" * 400)
    text = b":" + bytes([LETTERS[int(bits[i : i + 6], 2)] for i in range(0, len(bits), 6)]) + b":"
    with pytest.raises(ConversionError, match="larger"):
        read_binhex(text)


@given(FILES)
def test_macbinary_comes_back(file):
    stream = write_macbinary(file)
    assert len(stream) % 128 == 0
    placed = replace(file, place=b"\0\1\2\3\xff\xfe")
    assert read_macbinary(write_macbinary(placed)) == placed
    assert read_macbinary(stream) == file


@pytest.mark.parametrize("stream", [b"", b"\0" * 128, b"x" * 500, b"\0\x04" + b"x" * 200])
def test_what_is_no_macbinary(stream):
    with pytest.raises(ConversionError):
        read_macbinary(stream)


def test_macbinary_that_claims_more_than_there_is():
    """Without its data fork it is none; a resource fork that is cut is read as far as it goes."""
    stream = write_macbinary(FILE)
    with pytest.raises(ConversionError):
        read_macbinary(stream[:180])
    assert len(FILE.data) <= 128
    assert read_macbinary(stream[: 256 + 5]) == replace(FILE, resource=FILE.resource[:5])


def test_macbinary_with_a_second_header():
    """Version II may have one between header and data fork; before, these octets are whatever they are."""
    stream = bytearray(write_macbinary(FILE))
    stream[128:128] = bytes(128)
    stream[120:122] = b"\0\x05"
    assert read_macbinary(bytes(stream)) == FILE
    stream = bytearray(write_macbinary(FILE))
    stream[120:124] = b"\0\x05\0\0"
    assert read_macbinary(bytes(stream)) == FILE


@given(FILES)
def test_appledouble_comes_back(file):
    """[RFC1740] B: the header apart from the data fork."""
    placed = replace(file, place=b"\0\1\2\3\xff\xfe")
    assert read_applefile(write_appledouble_header(placed), file.data) == placed
    assert len(write_appledouble_header(replace(file, type=b"", creator=b"too long", place=b"odd"))) == len(
        write_appledouble_header(file)
    )


def test_applesingle():
    """[RFC1740] A: the data fork is an entry, too; entries that lie outside are passed over."""
    header = struct.pack(">II16xH", 0x00051600, 0x00020000, 3)
    header += struct.pack(">III", 1, 62, 4) + struct.pack(">III", 2, 66, 99) + struct.pack(">III", 3, 66, 1)
    assert read_applefile(header + b"dataN") == MacFile("N", bytes(4), bytes(4), b"data", b"")


@pytest.mark.parametrize("header", [b"", b"x" * 100, b"\0\x05\x16\x00"])
def test_what_is_no_applefile(header):
    with pytest.raises(ConversionError):
        read_applefile(header)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b":", bytes.fromhex("00051600"), bytes.fromhex("00051607"), b"\0\1x"]),
)
def test_anything_is_read_or_refused(rest, begin):
    for read in (read_binhex, read_macbinary, read_applefile):
        try:
            read(begin + rest)
        except ConversionError:
            continue
