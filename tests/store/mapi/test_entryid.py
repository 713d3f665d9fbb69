"""EntryIDs: vectors from the specification and from the field, inverses, broken octets ([MS-OXCDATA] 2.2)."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.mapi.entryid import (
    CONTACT_LIST,
    AddressBookEntryId,
    ContactContainerEntryId,
    ContactEntryId,
    EntryId,
    EntryIdError,
    EphemeralEntryId,
    FolderEntryId,
    ForeignStoreEntryId,
    MemberEntryId,
    MessageEntryId,
    OneOffEntryId,
    PersonalStoreEntryId,
    StoreEntryId,
    decode,
    decode_entry_list,
    decode_flat_entry_list,
    encode_entry_list,
    encode_flat_entry_list,
)
from store.mapi.storeentryid import MAILBOX_TYPE, PRIVATE_STORE, PUBLIC_STORE, PUBLIC_TYPE, MailboxName, ServerNames

_TEXT = st.text(st.characters(exclude_characters="\0"), max_size=30)
_COUNTER = st.integers(0, (1 << 48) - 1)


def test_one_off_layout() -> None:
    """[MS-OXCDATA] 2.2.5.1: flags, provider UID, version, control word 0x8001, three UTF-16LE strings."""
    data = OneOffEntryId("A", "SMTP", "a@b").encode()
    assert data == bytes.fromhex(
        "00000000 812B1FA4BEA310199D6E00DD010F5402 0000 0180 41000000 53004D0054005000 0000 6100400062000000"
    )


def test_address_book_layout() -> None:
    """[MS-OXCDATA] 2.2.5.2: flags, provider UID, version 1, type, X500 DN."""
    data = AddressBookEntryId("/o=x", 1).encode()
    assert data == bytes.fromhex("00000000 DCA740C8C042101AB4B908002B2FE182 01000000 01000000 2F6F3D7800")


def test_folder_layout() -> None:
    """[MS-OXCDATA] 2.2.4.1: 46 octets, the counter most significant octet first."""
    provider, database = UUID(bytes_le=b"P" * 16), UUID(bytes_le=b"D" * 16)
    data = FolderEntryId(provider, database, 0x0102).encode()
    assert data == bytes(4) + b"P" * 16 + b"\x01\x00" + b"D" * 16 + b"\x00\x00\x00\x00\x01\x02" + b"\x00\x00"


def test_message_layout() -> None:
    """[MS-OXCDATA] 2.2.4.2: 70 octets."""
    provider, database = UUID(bytes_le=b"P" * 16), UUID(bytes_le=b"D" * 16)
    data = MessageEntryId(provider, database, 1, database, 2).encode()
    assert len(data) == 70
    assert data[20:22] == b"\x07\x00"
    assert (data[38:44], data[62:68]) == (b"\0\0\0\0\0\1", b"\0\0\0\0\0\2")


def test_contact_layout() -> None:
    """[MS-OXCDATA] 2.2.5.3, 2.2.5.4: version 3, type 4 or 5, which address, the size of the EntryID within."""
    head = "00000000 FE42AA0A18C71A10E8850B651C240000 03000000"
    assert ContactEntryId(b"\7\7", 2).encode() == bytes.fromhex(f"{head} 04000000 02000000 02000000 0707")
    listed = ContactEntryId(b"\7", 0xFF, CONTACT_LIST)
    assert listed.encode() == bytes.fromhex(f"{head} 05000000 FF000000 01000000 07")


def test_member_layout() -> None:
    """[MS-OXOCNTC] 2.2.2.2.4.1.1: one octet of type, then the EntryID."""
    data = MemberEntryId(0xC3, b"\7\7").encode()
    assert data == bytes.fromhex("00000000 C091ADD3519DCF11A4A900AA0047FAA4 C3 0707")


def test_ephemeral_layout() -> None:
    """[MS-OXNSPI] 2.2.9.2: 0x87, the server's GUID, 1, the display type, the minimal identifier."""
    data = EphemeralEntryId(UUID(bytes_le=b"S" * 16), 0xBB22, 1).encode()
    assert data == b"\x87\0\0\0" + b"S" * 16 + bytes.fromhex("01000000 01000000 22BB0000")


def test_store_layout() -> None:
    """[MS-OXCDATA] 2.2.4.3: version, flag, EMSMDB.DLL with four NULs, flags, provider, type, server, mailbox."""
    data = StoreEntryId(PRIVATE_STORE, MAILBOX_TYPE, "SRV", "/o=x").encode()
    head = "00000000 38A1BB1005E5101AA1BB08002B2A56C2 0000 454D534D44422E444C4C00000000 00000000"
    assert data == bytes.fromhex(f"{head} 1B55FA20AA6611CD9BC800AA002FC45A 0C000000 53525600 2F6F3D7800")
    data = StoreEntryId(PUBLIC_STORE, PUBLIC_TYPE, "SRV").encode()
    assert data == bytes.fromhex(f"{head} 1C830210AA6611CD9BC800AA002FC45A 06000000 53525600")


_NAME = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=20)
_SIZE = st.integers(1, (1 << 32) - 1)
_NAMES = st.none() | st.builds(ServerNames, _NAME, _TEXT, _SIZE) | st.builds(MailboxName, _TEXT, _SIZE)


@given(
    st.one_of(
        st.builds(ContactEntryId, st.binary(max_size=20), _SIZE, st.sampled_from((4, 5)), st.binary(max_size=3)),
        st.builds(ContactContainerEntryId, st.uuids(), st.binary(max_size=20)),
        st.builds(MemberEntryId, st.integers(0, 255), st.binary(max_size=20)),
        st.builds(EphemeralEntryId, st.uuids(), _SIZE, _SIZE),
        st.builds(PersonalStoreEntryId, st.uuids(), _SIZE),
        st.builds(StoreEntryId, st.uuids(), _SIZE, _NAME, _NAME, _NAMES, st.just(b"\0\0")),
        st.builds(ForeignStoreEntryId, _NAME.filter(lambda name: name.upper() != "EMSMDB.DLL"), st.binary(max_size=20)),
    )
)
def test_inverse_of_the_other_kinds(entry: EntryId) -> None:
    assert decode(entry.encode()) == entry


def test_sizes_of_the_names_behind_a_store_are_those_that_they_have() -> None:
    names = ServerNames("/o=x", "h")
    assert names.encode()[4:20] == bytes.fromhex("1D000000 01000000 14000000 19000000")
    assert ServerNames("/o=x", "h", 0).encode()[4:8] == bytes(4)
    assert MailboxName("a@b", 0).encode()[4:8] == bytes(4)
    assert MailboxName("a@b").encode()[4:16] == bytes.fromhex("18000000 02000000 10000000")


@given(_TEXT, _TEXT, _TEXT, st.booleans())
def test_one_off_inverse(name: str, kind: str, address: str, rich: bool) -> None:
    entry = OneOffEntryId(name, kind, address, rich)
    assert decode(entry.encode()) == entry


@given(st.uuids(), st.uuids(), _COUNTER, st.uuids(), _COUNTER)
def test_store_object_inverse(provider: UUID, folder: UUID, first: int, message: UUID, second: int) -> None:
    for entry in (FolderEntryId(provider, folder, first), MessageEntryId(provider, folder, first, message, second)):
        assert decode(entry.encode()) == entry


def test_one_off_in_octets() -> None:
    data = OneOffEntryId("", "", "").encode()[:22] + b"\x01\x00" + "Müller\0SMTP\0m@x\0".encode("cp1252")
    assert decode(data) == OneOffEntryId("Müller", "SMTP", "m@x")
    assert decode(data).encode() == data
    beyond = OneOffEntryId("Ж", "SMTP", "m@x", charset="cp1252")
    assert beyond.encode() == OneOffEntryId("Ж", "SMTP", "m@x").encode()


@pytest.mark.parametrize(
    "data", [b"", b"\x11\x22\x33", bytes(20), bytes(45), OneOffEntryId("a", "b", "c").encode()[:26], bytes(71)]
)
def test_what_is_no_entry_id(data: bytes) -> None:
    with pytest.raises(EntryIdError):
        decode(data)


def test_fields_that_fit_into_none() -> None:
    for entry in (
        OneOffEntryId("a\0b", "SMTP", "x"),
        AddressBookEntryId("/cn=é"),
        AddressBookEntryId("a\0b"),
        FolderEntryId(UUID(int=0), UUID(int=0), 1 << 48),
    ):
        with pytest.raises(EntryIdError):
            entry.encode()


@given(
    st.binary(max_size=120),
    st.sampled_from(
        [
            "812B1FA4BEA310199D6E00DD010F5402",
            "DCA740C8C042101AB4B908002B2FE182",
            "38A1BB1005E5101AA1BB08002B2A56C20000454D534D44422E444C4C00000000",
            "FE42AA0A18C71A10E8850B651C24000003000000",
            "C091ADD3519DCF11A4A900AA0047FAA4",
        ]
    ),
)
def test_any_octets_decode_or_raise_entry_id_error(tail: bytes, provider: str) -> None:
    for data in (tail, bytes(4) + bytes.fromhex(provider) + tail):
        with suppress(EntryIdError):
            decode(data)
        with suppress(EntryIdError):
            decode_flat_entry_list(data)
        with suppress(EntryIdError):
            decode_entry_list(data)


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_entry_list(entries: list[bytes]) -> None:
    """[MS-OXOSRCH] 2.2.1.2.8.1: the lengths first, the entries behind them without padding."""
    data = encode_entry_list(entries)
    assert len(data) == 8 + 8 * len(entries) + sum(map(len, entries))
    assert decode_entry_list(data) == entries


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_flat_entry_list(entries: list[bytes]) -> None:
    """[MS-OXCDATA] 2.3.3: each entry padded to four octets."""
    data = encode_flat_entry_list(entries)
    assert len(data) % 4 == 0
    assert decode_flat_entry_list(data) == entries
