"""EntryIDs: vectors from the specification and from the field, inverses, broken octets ([MS-OXCDATA] 2.2)."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

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

_CORPORA = Path(os.environ.get("OXGATE_CORPORA", Path(__file__).parents[4] / "shared/corpora"))
_VECTORS = _CORPORA / "mapi-blobs/mfcmapi/UnitTest/SmartViewTestData"

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
    st.binary(max_size=120), st.sampled_from(["812B1FA4BEA310199D6E00DD010F5402", "DCA740C8C042101AB4B908002B2FE182"])
)
def test_any_octets_decode_or_raise_entry_id_error(tail: bytes, provider: str) -> None:
    for data in (tail, bytes(4) + bytes.fromhex(provider) + tail):
        with suppress(EntryIdError):
            decode(data)
        with suppress(EntryIdError):
            decode_flat_entry_list(data)


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_flat_entry_list(entries: list[bytes]) -> None:
    """[MS-OXCDATA] 2.3.3: each entry padded to four octets."""
    data = encode_flat_entry_list(entries)
    assert len(data) % 4 == 0
    assert decode_flat_entry_list(data) == entries


def _text(path: Path) -> str:
    data = path.read_bytes()
    return data.decode("utf-16" if data[:2] == b"\xff\xfe" else "utf-8", "replace").replace("\r", "").replace("\0", "")


def _pairs() -> list[tuple[Path, Path]]:
    return [
        (path, _VECTORS / "Out" / path.name.replace("ENTRYID-", "ENTRYID-out-"))
        for path in sorted((_VECTORS / "In").glob("ENTRYID-*.dat"))
    ]


def _field(text: str, name: str) -> str:
    found = re.search(rf"{re.escape(name)} ?= ?([^\n]*)", text)
    return found[1].rstrip() if found else ""


@pytest.mark.skipif(not _VECTORS.is_dir(), reason="the corpora are not here (OXGATE_CORPORA)")
def test_entry_ids_from_the_field() -> None:
    """What another program decoded from the same octets, for the four kinds ([MS-OXCDATA] 2.2)."""
    seen = {"one": 0, "book": 0, "folder": 0, "message": 0}
    for source, expected in _pairs():
        data, text = bytes.fromhex(_text(source).replace("-", " ").strip()), _text(expected)
        head = "\n".join(text.split("\n")[:12])
        if "Unparsed" in text or "Wrapped" in text or "\n\t\tEntry ID" in text:
            continue
        if "One Off" in head:
            entry = decode(data)
            assert isinstance(entry, OneOffEntryId)
            assert entry.email_address.rstrip() == _field(text, "szEmailAddress")
            assert entry.address_type == _field(text, "szAddressType")
            seen["one"] += 1
        elif "Exchange Address Entry ID" in head and "muidEMSAB" in head:
            entry = decode(data)
            assert isinstance(entry, AddressBookEntryId)
            assert entry.distinguished_name == _field(text, "X500DN")
            assert entry.type == int(_field(text, "\tType").split()[0], 16)
            seen["book"] += 1
        elif "Exchange Folder Entry ID" in head:
            entry = decode(data)
            assert isinstance(entry, FolderEntryId)
            assert f"{{{entry.database}}}".upper() in text
            assert f"lpb: {entry.counter:012X}" in text
            assert entry.encode() == data
            seen["folder"] += 1
        elif "Exchange Message Entry ID" in head:
            entry = decode(data)
            assert isinstance(entry, MessageEntryId)
            assert f"lpb: {entry.message_counter:012X}" in text
            assert f"lpb: {entry.folder_counter:012X}" in text
            assert entry.encode() == data
            seen["message"] += 1
    assert all(seen.values()), seen
