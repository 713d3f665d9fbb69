"""Compressed RTF, the value of PidTagRtfCompressed ([MS-OXRTFCP]).

Sixteen octets of header, then control octets, each followed by eight tokens: a literal octet, or two octets that say
where in a dictionary of 4,096 octets the next 2 to 17 octets stand ([MS-OXRTFCP] 2.1.3.1.1). What was written last is
the dictionary, so here the output itself, with the dictionary's start before it, takes the place of a ring, and a token
is one slice of it. The documents' examples come out octet for octet ([MS-OXRTFCP] 3.1.1, 3.1.2, 3.2.1, 3.2.2, 3.3.1).

Sizes in the header may be lies ([MS-OXRTFCP] 4.1): nothing is allocated by them. An octet of input gives some eight of
output at most, so no input explodes; `limit` bounds the output all the same.
"""

from __future__ import annotations

import struct
import zlib

from conversion.errors import ConversionError
from conversion.receipt import Receipt

MAX_RAW = 64 << 20
"""Octets that `decompress` gives at most, unless told otherwise."""
MAX_COMPRESSED = 1 << 20
"""Octets of RTF up to which `compress` looks for repetitions: as few as 0.3 MB are done in a second."""

_HEADER = struct.Struct("<IIII")
_COMPRESSED = 0x75465A4C  # "LZFu"
_UNCOMPRESSED = 0x414C454D  # "MELA"
_SIZE_OF_REST = 12
"""What COMPSIZE counts besides the contents: the header without COMPSIZE itself."""

_DICTIONARY = 4096
_MASK = _DICTIONARY - 1
_LONGEST = 17
_INITIAL = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""What the dictionary holds at first ([MS-OXRTFCP] 2.1.2.1); writing goes on behind it."""
_START = b" " * (_DICTIONARY - len(_INITIAL)) + _INITIAL
"""The dictionary unrolled: its place `p` is the octet `(p - len(_INITIAL)) % 4096` of this."""
_WRITE = len(_INITIAL)


def _run(control: int) -> tuple[struct.Struct, int]:
    """Lay out the eight tokens behind a control octet: references are numbers, adjoining literals one string."""
    form, literals = ">", 0
    for bit in range(8):
        if control >> bit & 1:
            form += (f"{literals}s" if literals else "") + "H"
            literals = 0
        else:
            literals += 1
    layout = struct.Struct(form + (f"{literals}s" if literals else ""))
    return layout, layout.size


_RUNS = [(layout.unpack_from, size) for layout, size in map(_run, range(256))]
_LONGEST_RUN = 16


def checksum(contents: bytes) -> int:
    """Compute the CRC of compressed contents: CRC-32 from zero, without the last inversion ([MS-OXRTFCP] 2.1.3.2)."""
    return zlib.crc32(contents, 0xFFFFFFFF) ^ 0xFFFFFFFF


def decompress(data: bytes, *, limit: int = MAX_RAW, receipt: Receipt | None = None) -> bytes:
    """Turn the value of PidTagRtfCompressed into RTF ([MS-OXRTFCP] 2.2.3).

    Gives what RAWSIZE says at most, and `limit` octets at most. Wrong sizes, a wrong CRC and contents cut short are
    noted and what there is comes out: writers get them wrong, and the text is worth more. ConversionError where there
    is no header, or COMPTYPE is neither of the two ([MS-OXRTFCP] 2.2.2.1).
    """
    receipt = Receipt() if receipt is None else receipt
    if len(data) < _HEADER.size:
        raise ConversionError(f"compressed RTF of {len(data)} octets")
    size, raw, kind, crc = _HEADER.unpack_from(data)
    if kind not in (_COMPRESSED, _UNCOMPRESSED):
        raise ConversionError(f"RTF compressed in the way {kind:#010x}")
    if raw > limit:
        receipt.dropped("compressed RTF", f"what is beyond {limit} octets")
        raw = limit
    # The contents end where they say so, or at RAWSIZE: with a wrong COMPSIZE they can be read all the same.
    contents = data[_HEADER.size :]
    counted = contents[: max(0, size - _SIZE_OF_REST)]
    if size - _SIZE_OF_REST not in range(len(contents) + 1):
        receipt.guessed("COMPSIZE", f"it says {size}, there are {len(data) - 4}; all were read")
    if kind == _UNCOMPRESSED:  # [MS-OXRTFCP] 2.2.3.1
        rtf = contents[:raw]
    else:
        if checksum(counted) != crc and checksum(contents) != crc:
            receipt.guessed("CRC", "it is wrong; the contents were read nevertheless")
        rtf = _expand(contents, raw)
    if len(rtf) < raw:
        receipt.altered("compressed RTF", f"{raw} octets are announced, {len(rtf)} came")
    return rtf


def _expand(contents: bytes, raw: int) -> bytes:
    """Follow the tokens up to the one that says the end ([MS-OXRTFCP] 2.2.3.2), or to `raw` octets."""
    length = len(contents)
    # The last run may have fewer tokens than eight; what is made of these zeros is cut off below.
    contents += bytes(_LONGEST_RUN)
    runs = _RUNS
    out = bytearray(_START)
    written = _DICTIONARY
    last = _DICTIONARY + raw
    at = 0
    while at < length and written < last:
        unpack, size = runs[contents[at]]
        at += 1
        if at + size > length:
            _expand_last(contents[at - 1 : length], out)
            break
        for token in unpack(contents, at):
            if token.__class__ is bytes:
                out += token
                written += len(token)
                continue
            source = written - ((written + _WRITE - (token >> 4)) & _MASK)
            if source == written:  # a reference to where writing goes on is the end ([MS-OXRTFCP] 2.1.3.1.5)
                return bytes(out[_DICTIONARY:last])
            count = (token & 15) + 2
            if source + count <= written:
                out += out[source : source + count]
            else:  # the reference reaches into what it writes: a pattern, repeated
                pattern = out[source:]
                out += (pattern * (count // len(pattern) + 1))[:count]
            written += count
        at += size
    return bytes(out[_DICTIONARY:last])


def _expand_last(run: bytes, out: bytearray) -> None:
    """Follow a run that has fewer than eight tokens: the last one, or one cut off."""
    control = run[0]
    at = 1
    while at < len(run):
        if not control & 1:
            out.append(run[at])
            at += 1
        elif at + 2 > len(run):
            return
        else:
            token = run[at] << 8 | run[at + 1]
            at += 2
            distance = (len(out) + _WRITE - (token >> 4)) & _MASK
            if not distance:
                return
            count = (token & 15) + 2
            pattern = out[len(out) - distance :][:count]
            out += (pattern * (count // len(pattern) + 1))[:count]
        control >>= 1


def compress(rtf: bytes) -> bytes:
    """Turn RTF into the value of PidTagRtfCompressed ([MS-OXRTFCP] 2.3.3).

    Of equally long repetitions the one that stands first in the dictionary is taken, as in the document's examples.
    More than MAX_COMPRESSED octets are stored as they are, which every reader takes.
    """
    return store(rtf) if len(rtf) > MAX_COMPRESSED else _frame(_contract(rtf), len(rtf))


def store(rtf: bytes) -> bytes:
    """Give RTF the header of PidTagRtfCompressed without compressing it ([MS-OXRTFCP] 2.3.3.1)."""
    return _HEADER.pack(len(rtf) + _SIZE_OF_REST, len(rtf), _UNCOMPRESSED, 0) + rtf


def _frame(contents: bytes, raw: int) -> bytes:
    return _HEADER.pack(len(contents) + _SIZE_OF_REST, raw, _COMPRESSED, checksum(contents)) + contents


def _contract(rtf: bytes) -> bytes:
    """Write the tokens of an RTF ([MS-OXRTFCP] 2.3.3.2)."""
    # An empty input has one NUL before its end, which RAWSIZE leaves out ([MS-OXRTFCP] 2.3.3.2).
    data = _START + (rtf or b"\0")
    end = len(data)
    out: list[bytes] = []
    tokens: list[bytes] = []
    control, bit = 0, 1
    at = _DICTIONARY
    while at < end:
        place, count = _longest_match(data, at, min(_LONGEST, end - at))
        if count:
            tokens.append(((((place + _WRITE) & _MASK) << 4) | (count - 2)).to_bytes(2, "big"))
            control |= bit
            at += count
        else:
            tokens.append(data[at : at + 1])
            at += 1
        bit <<= 1
        if bit == 0x100:
            out += (bytes((control,)), *tokens)
            tokens = []
            control, bit = 0, 1
    tokens.append((((at + _WRITE) & _MASK) << 4).to_bytes(2, "big"))
    out += (bytes((control | bit,)), *tokens)
    return b"".join(out)


def _longest_match(data: bytes, at: int, most: int) -> tuple[int, int]:
    """Find the longest repetition of what stands at `at` ([MS-OXRTFCP] 2.3.3.2.1): where and how long; 0 for none.

    The search goes once through the dictionary, always for one octet more than was found so far.
    """
    if most < 2:
        return 0, 0
    find = data.find
    count = 2
    found = place = find(data[at : at + 2], at - _MASK, at + 1)
    while place >= 0:
        found = place
        while count < most and data[place + count] == data[at + count]:
            count += 1
        if count == most:
            break
        count += 1
        place = find(data[at : at + count], place + 1, at + count - 1)
        if place < 0:
            count -= 1
    return (found, count) if found >= 0 else (0, 0)
