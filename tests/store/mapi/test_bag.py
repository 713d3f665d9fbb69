"""Property bags: inverses, layout, limits, and what broken octets do ([MS-OXCDATA] 2.11.1)."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store.mapi.bag import (
    BagError,
    BagView,
    decode_attachments,
    decode_bag,
    decode_recipients,
    encode_attachments,
    encode_bag,
    encode_recipients,
    pick,
)
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.types import PropertyName, PropertyTag, PropertyType
from tests.support.examples import examples

T = PropertyType


def _ints(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


_TEXT = st.text(max_size=40)
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    T.INTEGER16: _ints(16),
    T.INTEGER32: _ints(32),
    T.FLOATING32: st.floats(width=32, allow_nan=False),
    T.FLOATING64: st.floats(allow_nan=False),
    T.CURRENCY: _ints(64),
    T.FLOATING_TIME: st.floats(allow_nan=False),
    T.ERROR_CODE: _ints(32),
    T.BOOLEAN: st.booleans(),
    T.OBJECT: st.binary(max_size=40),
    T.INTEGER64: _ints(64),
    T.STRING8: _TEXT,
    T.STRING: st.text(st.characters(), max_size=300),
    T.TIME: _ints(64),
    T.GUID: st.uuids(),
    T.SERVER_ID: st.binary(max_size=40),
    T.RESTRICTION: st.binary(max_size=40),
    T.RULE_ACTION: st.binary(max_size=40),
    T.BINARY: st.binary(max_size=300),
}
_KINDS = dict(_SCALARS)
for _kind in T:
    if _kind & 0x1000:
        _KINDS[_kind] = st.lists(_SCALARS[_kind & ~0x1000], max_size=5).map(tuple)


@st.composite
def bags(draw: st.DrawFn) -> dict[PropertyTag, Any]:
    tags = draw(st.lists(st.tuples(st.integers(1, 0xFFFE), st.sampled_from(sorted(_KINDS))), max_size=12))
    return {PropertyTag.of(number, kind): draw(_KINDS[kind]) for number, kind in tags}


@given(bags())
def test_decode_is_the_inverse_of_encode(bag: dict[PropertyTag, Any]) -> None:
    data = encode_bag(bag)
    decoded = decode_bag(data)
    assert decoded == bag
    assert list(decoded) == sorted(bag)
    assert all(type(decoded[tag]) is type(bag[tag]) for tag in bag)
    view = BagView(data)
    assert dict(view) == bag
    assert {tag: pick(data, tag) for tag in bag} == bag


def test_keys_come_back_as_tags() -> None:
    (tag,) = decode_bag(encode_bag({0x0037001F: "x"}))
    assert isinstance(tag, PropertyTag)
    assert (tag.id, tag.type) == (0x0037, T.STRING)


def test_layout_is_the_documented_one() -> None:
    """The encoding is on disk for ever: its octets are pinned here."""
    data = encode_bag({0x0E070003: 1, 0x0037001F: "é", 0x0E060040: 0x0102030405060708, 0x0E1B000B: True})
    assert data == (
        bytes.fromhex("11 0400 1F003700 4000060E 0300070E 0B001B0E 02 08 04 01".replace(" ", ""))
        + "é".encode()
        + bytes.fromhex("0807060504030201 01000000 01")
    )


@pytest.mark.parametrize(("size", "width"), [(0, 1), (255, 1), (256, 2), (65535, 2), (65536, 4)])
def test_lengths_take_the_smallest_width(size: int, width: int) -> None:
    data = encode_bag({0x10000102: b"x" * size})
    assert len(data) == 3 + 4 + width + size
    assert pick(data, 0x10000102) == b"x" * size


def test_an_unsigned_integer_is_taken_and_comes_back_signed() -> None:
    """[MS-OXCDATA] 2.11.1: PtypInteger32 is signed; PidTagRenderingPosition 0xFFFFFFFF is its -1."""
    assert decode_bag(encode_bag({0x370B0003: 0xFFFFFFFF})) == {0x370B0003: -1}


def test_a_lone_surrogate_survives() -> None:
    bag = {0x0037001F: "a\ud800b", 0x8000101F: ("\udc80",)}
    assert decode_bag(encode_bag(bag)) == bag


def test_absent_property() -> None:
    data = encode_bag({0x0037001F: "x"})
    assert pick(data, 0x0037001E) is None
    assert 0x0037001E not in BagView(data)
    with pytest.raises(KeyError):
        BagView(data)[0x0037001E]


@pytest.mark.parametrize(
    "bag",
    [
        {0x0037001F: 5},
        {0x0037001F: b"x"},
        {0x00370102: "x"},
        {0x0E070003: 1 << 32},
        {0x0E070003: 1.5},
        {0x0E070003: "1"},
        {0x0E1B000B: 2},
        {0x8000101F: "one"},
        {0x80001003: 7},
        {0x00480048: "no uuid"},
        {0x00010001: 0},
        {0x00010000: 0},
        {0x0001FFFF: 0},
        {-1: 0},
        {1 << 32 | 3: 0},
        {PropertyName(UUID(int=0), "x", T.STRING): "x"},
        {PropertyName(UUID(int=0), "x", T.STRING): "x", 0x0037001F: "y"},
        {"subject": "x"},
    ],
)
def test_what_is_no_bag_is_refused(bag: dict[Any, Any]) -> None:
    with pytest.raises(BagError):
        encode_bag(bag)


def test_too_many_properties() -> None:
    with pytest.raises(BagError):
        encode_bag({(number << 16 | kind): 0 for number in range(0x8001) for kind in (T.INTEGER16, T.INTEGER32)})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x11",
        b"\x21\x00\x00",
        b"\x13\x01\x00" + struct.pack("<I", 0x0037001F) + b"\x00\x00\x00",
        b"\x11\xff\xff",
        b"\x11\x02\x00" + struct.pack("<II", 0x00380003, 0x00370003) + b"\x04\x04" + bytes(8),
        b"\x11\x02\x00" + struct.pack("<II", 0x00370003, 0x00370003) + b"\x04\x04" + bytes(8),
        b"\x11\x01\x00" + struct.pack("<I", 0x00370001) + b"\x00",
        b"\x11\x01\x00" + struct.pack("<I", 0x00370003) + b"\x03" + bytes(3),
        b"\x11\x01\x00" + struct.pack("<I", 0x0037001F) + b"\x01\xff",
        b"\x11\x00\x00x",
    ],
)
def test_what_is_no_encoded_bag_is_refused(data: bytes) -> None:
    with pytest.raises(BagError):
        decode_bag(data)


@settings(max_examples=examples(100))
@given(st.binary(max_size=200), st.data())
def test_any_octets_decode_or_raise_bag_error(noise: bytes, data: st.DataObject) -> None:
    whole = encode_bag(
        {0x0037001F: "text", 0x8001101F: ("a", "b"), 0x80021003: (1, 2), 0x00710102: b"x", 0x0E070003: 1}
    )
    at = data.draw(st.integers(0, len(whole)))
    for octets in (noise, b"\x11" + noise, whole[:at] + noise + whole[at:], whole[:at] + noise):
        for decode in (decode_bag, decode_recipients, decode_attachments, BagView, lambda d: dict(BagView(d))):
            with suppress(BagError):
                decode(octets)


def _rows(count: int = 3) -> tuple[RecipientRow, ...]:
    return tuple(
        RecipientRow(
            RecipientType(place % 4), {PropertyTag(0x3001001F): f"name {place}", PropertyTag(0x30000003): place}
        )
        for place in range(count)
    )


def test_recipients() -> None:
    rows = _rows(7)
    assert decode_recipients(encode_recipients(rows)) == rows
    assert decode_recipients(encode_recipients(())) == ()


def test_attachments_of_every_kind() -> None:
    name = PropertyTag(0x3707001F)
    inner = AttachmentContent({name: "inner.bin"}, b"\x00" * 300)
    attachments = (
        AttachmentContent({name: "none"}),
        AttachmentContent({name: "octets"}, b""),
        AttachmentContent({}, MimeSlice(1 << 33, 77, "base64")),
        AttachmentContent({name: "message"}, MessageContent({PropertyTag(0x0037001F): "in"}, _rows(), (inner,))),
    )
    assert decode_attachments(encode_attachments(attachments)) == attachments


def _nested(depth: int) -> tuple[AttachmentContent, ...]:
    attachments: tuple[AttachmentContent, ...] = ()
    for _ in range(depth):
        attachments = (AttachmentContent({}, MessageContent({}, (), attachments)),)
    return attachments


def test_depth_is_limited() -> None:
    deep = _nested(100)
    assert decode_attachments(encode_attachments(deep)) == deep
    with pytest.raises(BagError):
        encode_attachments(_nested(101))


def test_more_rows_announced_than_octets() -> None:
    with pytest.raises(BagError):
        decode_recipients(struct.pack("<BI", 1, 1_000_000))
    with pytest.raises(BagError):
        decode_attachments(struct.pack("<BI", 1, 0xFFFFFFFF))
