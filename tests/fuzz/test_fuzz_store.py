"""Octets that a store may have to read back damaged, or that a peer made: no exception but the codec's own.

`make fuzz` runs it long (OXGATE_FUZZ_EXAMPLES).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from store.mapi import restriction as r
from store.mapi import restrictionwire as wire
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
from store.mapi.conversationindex import ConversationIndexError, begin, reply
from store.mapi.conversationindex import decode as decode_index
from store.mapi.entryid import (
    AddressBookEntryId,
    ContactEntryId,
    EntryIdError,
    FolderEntryId,
    MemberEntryId,
    MessageEntryId,
    OneOffEntryId,
    StoreEntryId,
    decode,
    decode_entry_list,
    decode_flat_entry_list,
    encode_entry_list,
    encode_flat_entry_list,
)
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow, RecipientType
from store.mapi.restriction import RestrictionError
from store.mapi.storeentryid import PRIVATE_STORE, MailboxName, ServerNames
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
LAYOUTS = (wire.ROP, wire.RULE, wire.EXTENDED_RULE, wire.SEARCH_FOLDER)
_RESTRICTION = r.And(
    (
        r.Or((r.Content(PidTagSubject, "x"), r.Not(r.Exist(PidTagSearchKey)))),
        r.SubObject(r.PidTagMessageRecipients, r.Property(r.RelOp.EQUAL, PidTagSearchKey, b"key")),
        r.Comment(((PropertyTag(0x8000101F), ("a", "b")),), r.Count(3, r.Bitmask(PidTagMessageFlags, 1, zero=True))),
        r.CompareProperties(r.RelOp.LESS, PidTagSubject, PidTagDisplayName),
        r.Size(r.RelOp.GREATER, PidTagSubject, 9),
    )
)
_CONDITION = wire.RuleCondition((wire.NamedProperty(0x8000, UUID(int=7), "Keywords"),), _RESTRICTION)
_SEEDS = (
    encode_bag(_BAG),
    encode_recipients([_ROW, _ROW]),
    encode_attachments([AttachmentContent({}, b"data"), AttachmentContent({}, _INNER)]),
    OneOffEntryId("Ann", "SMTP", "ann@example.test").encode(),
    AddressBookEntryId("/o=x/cn=y").encode(),
    FolderEntryId(UUID(int=1), UUID(int=2), 3).encode(),
    MessageEntryId(UUID(int=1), UUID(int=2), 3, UUID(int=2), 4).encode(),
    encode_flat_entry_list([b"one", b"three"]),
    encode_entry_list([b"one", b"three"]),
    ContactEntryId(b"inner").encode(),
    MemberEntryId(0xC3, b"inner").encode(),
    StoreEntryId(PRIVATE_STORE, 12, "SRV", "/o=x", ServerNames("/o=y", "host")).encode(),
    StoreEntryId(PRIVATE_STORE, 12, "SRV", "/o=x", MailboxName("a@b")).encode(),
    reply(begin(1 << 56, UUID(int=9)), 1 << 57, 3).encode(),
    *[wire.encode(_RESTRICTION, layout) for layout in LAYOUTS],
    *[wire.encode_rule_condition(_CONDITION, layout) for layout in LAYOUTS],
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


def seeds() -> list[bytes]:
    """Octets of every kind that is read here."""
    return list(_SEEDS)


def check(data: bytes) -> object:
    """Read octets as everything that they might be; give what they were."""
    seen = []
    for number, (read, error) in enumerate(_READERS):
        with suppress(error):
            read(data)
            seen.append(number)
    come_back(data)
    return tuple(seen)


_READERS: tuple[tuple[Callable[[bytes], object], type[Exception]], ...] = (
    (decode_bag, BagError),
    (lambda data: dict(BagView(data)), BagError),
    (lambda data: pick(data, PidTagSubject), BagError),
    (decode_recipients, BagError),
    (decode_attachments, BagError),
    (decode, EntryIdError),
    (decode_flat_entry_list, EntryIdError),
    (decode_entry_list, EntryIdError),
    (decode_index, ConversationIndexError),
    *[(partial(wire.decode, layout=layout), RestrictionError) for layout in LAYOUTS],
    *[(partial(wire.decode_rule_condition, layout=layout), RestrictionError) for layout in LAYOUTS],
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(damaged() | st.binary(max_size=200))
def test_damaged_octets(data: bytes) -> None:
    check(data)
    decode_hints(data)


@settings(max_examples=EXAMPLES, deadline=None)
@given(damaged())
def test_what_decodes_encodes_to_the_same(data: bytes) -> None:
    come_back(data)


def come_back(data: bytes) -> None:
    with suppress(BagError):
        bag = decode_bag(data)
        assert decode_bag(encode_bag(bag)).keys() == bag.keys()
    with suppress(EntryIdError):
        entry = decode(data)
        with suppress(EntryIdError):  # an X500 DN may have come with octets that none can have
            assert decode(entry.encode()) == entry
    for layout in LAYOUTS:
        with suppress(RestrictionError):
            restriction = wire.decode(data, layout)
            again = wire.decode(wire.encode(restriction, layout), layout)
            assert repr(again) == repr(restriction)  # a NaN is not equal to itself
