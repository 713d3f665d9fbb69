"""Octets that a store may have to read back damaged, or that a peer made: no exception but the codec's own.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

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
from store.mapi.entryid import (
    AddressBookEntryId,
    EntryIdError,
    FolderEntryId,
    MessageEntryId,
    OneOffEntryId,
    decode,
    decode_flat_entry_list,
    encode_flat_entry_list,
)
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.tags import PidTagDisplayName, PidTagMessageFlags, PidTagSearchKey, PidTagSubject
from store.mapi.types import PropertyTag
from store.notify import decode as decode_hints

EXAMPLES = int(os.environ.get("OXGATE_FUZZ_EXAMPLES", "75"))

_ROW = RecipientRow(RecipientType.TO, {PidTagDisplayName: "Ann", PidTagSearchKey: b"SMTP:A@B\0"})
_INNER = MessageContent({PidTagSubject: "inner"}, (_ROW,), (AttachmentContent({}, MimeSlice(1, 2, "base64")),))
_BAG: dict[int, Any] = {
    PidTagSubject: "text",
    PidTagMessageFlags: 1,
    PidTagSearchKey: b"x" * 300,
    PropertyTag(0x8000101F): ("a", "b"),
    PropertyTag(0x80011003): (1, 2, 3),
    PropertyTag(0x80020048): UUID(int=5),
}
_SEEDS = (
    encode_bag(_BAG),
    encode_recipients([_ROW, _ROW]),
    encode_attachments([AttachmentContent({}, b"data"), AttachmentContent({}, _INNER)]),
    OneOffEntryId("Ann", "SMTP", "ann@example.test").encode(),
    AddressBookEntryId("/o=x/cn=y").encode(),
    FolderEntryId(UUID(int=1), UUID(int=2), 3).encode(),
    MessageEntryId(UUID(int=1), UUID(int=2), 3, UUID(int=2), 4).encode(),
    encode_flat_entry_list([b"one", b"three"]),
)


_WORDS = (b"\xff" * 4, bytes(4), b"\x00\x00\x00\x80", b"\x01\x00\x00\x00")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(_SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("cut", "insert", "set", "repeat"))):
            case "cut":
                del data[at : at + draw(st.integers(1, 20))]
            case "insert":
                data[at:at] = draw(st.binary(max_size=20))
            case "set":
                data[at : at + 4] = draw(st.sampled_from(_WORDS))
            case _:
                data += data[at : at + 50]
    return bytes(data)


_READERS: tuple[tuple[Callable[[bytes], object], type[Exception]], ...] = (
    (decode_bag, BagError),
    (lambda data: dict(BagView(data)), BagError),
    (lambda data: pick(data, PidTagSubject), BagError),
    (decode_recipients, BagError),
    (decode_attachments, BagError),
    (decode, EntryIdError),
    (decode_flat_entry_list, EntryIdError),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(damaged() | st.binary(max_size=200))
def test_damaged_octets(data: bytes) -> None:
    for read, error in _READERS:
        with suppress(error):
            read(data)
    decode_hints(data)


@settings(max_examples=EXAMPLES, deadline=None)
@given(damaged())
def test_what_decodes_encodes_to_the_same(data: bytes) -> None:
    with suppress(BagError):
        bag = decode_bag(data)
        assert decode_bag(encode_bag(bag)).keys() == bag.keys()
    with suppress(EntryIdError):
        entry = decode(data)
        with suppress(EntryIdError):  # an X500 DN may have come with octets that none can have
            assert decode(entry.encode()) == entry
