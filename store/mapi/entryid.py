"""EntryIDs: the octets that name a recipient, a folder or a message ([MS-OXCDATA] 2.2).

`decode` tells the kinds apart by their provider UID. A folder or message counter (GLOBCNT) is an integer here and six
octets, most significant first, on the wire ([MS-OXCDATA] 2.2.1.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

MAX_LENGTH = 1 << 20
"""Octets of one EntryID that `decode` looks at; of a FlatEntryList, four times that."""

ONE_OFF_PROVIDER = bytes.fromhex("812B1FA4BEA310199D6E00DD010F5402")
ADDRESS_BOOK_PROVIDER = bytes.fromhex("DCA740C8C042101AB4B908002B2FE182")
PUBLIC_STORE_PROVIDER = bytes.fromhex("1A447390AA6611CD9BC800AA002FC45A")

PRIVATE_FOLDER = 0x0001
PUBLIC_FOLDER = 0x0003
PRIVATE_MESSAGE = 0x0007
PUBLIC_MESSAGE = 0x0009

_UNICODE = 0x8000
_NO_RICH_INFO = 0x0001
_FORMAT_MASK = 0x1E06


class EntryIdError(ValueError):
    """Octets that are no EntryID of a known kind, or fields that fit into none."""


@dataclass(frozen=True, slots=True)
class OneOffEntryId:
    """A recipient that is in no directory ([MS-OXCDATA] 2.2.5.1)."""

    display_name: str
    address_type: str
    email_address: str
    rich_info: bool = False
    """Whether the recipient may be sent TNEF."""
    format_bits: int = 0
    """The MAE, Format and M bits (mask 0x1E06 of the control word): what format to send. Kept as they came."""

    def encode(self) -> bytes:
        """Give the octets, strings in UTF-16LE. EntryIdError if a field contains a NUL."""
        control = _UNICODE | (self.format_bits & _FORMAT_MASK) | (0 if self.rich_info else _NO_RICH_INFO)
        fields = (self.display_name, self.address_type, self.email_address)
        if any("\0" in field for field in fields):
            raise EntryIdError("a NUL in a one-off EntryID")
        text = b"".join((field + "\0").encode("utf-16-le", "surrogatepass") for field in fields)
        return b"\0\0\0\0" + ONE_OFF_PROVIDER + struct.pack("<HH", 0, control) + text


@dataclass(frozen=True, slots=True)
class AddressBookEntryId:
    """An object of the address book ([MS-OXCDATA] 2.2.5.2)."""

    distinguished_name: str
    """The X500 DN (legacyExchangeDN)."""
    type: int = 0
    """0 mail user, 1 distribution list, 6 remote mail user, 0x100 container, …"""

    def encode(self) -> bytes:
        """Give the octets. EntryIdError if the DN is not ASCII or contains a NUL."""
        try:
            name = self.distinguished_name.encode("ascii")
        except UnicodeEncodeError as error:
            raise EntryIdError(f"an X500 DN that is not ASCII: {self.distinguished_name!r}") from error
        if b"\0" in name:
            raise EntryIdError("a NUL in an X500 DN")
        return b"\0\0\0\0" + ADDRESS_BOOK_PROVIDER + struct.pack("<II", 1, self.type & 0xFFFFFFFF) + name + b"\0"


@dataclass(frozen=True, slots=True)
class FolderEntryId:
    """A folder ([MS-OXCDATA] 2.2.4.1)."""

    provider: UUID
    """PidTagMailboxGuid's value of a private mailbox, or the public store's provider UID."""
    database: UUID
    """The REPLGUID of the folder's identifier."""
    counter: int
    type: int = PRIVATE_FOLDER

    def encode(self) -> bytes:
        """Give the 46 octets."""
        return (
            b"\0\0\0\0"
            + self.provider.bytes_le
            + struct.pack("<H", self.type)
            + self.database.bytes_le
            + _counter(self.counter)
            + b"\0\0"
        )


@dataclass(frozen=True, slots=True)
class MessageEntryId:
    """A message, named together with its folder ([MS-OXCDATA] 2.2.4.2)."""

    provider: UUID
    folder_database: UUID
    folder_counter: int
    message_database: UUID
    message_counter: int
    type: int = PRIVATE_MESSAGE

    def encode(self) -> bytes:
        """Give the 70 octets."""
        return (
            b"\0\0\0\0"
            + self.provider.bytes_le
            + struct.pack("<H", self.type)
            + self.folder_database.bytes_le
            + _counter(self.folder_counter)
            + b"\0\0"
            + self.message_database.bytes_le
            + _counter(self.message_counter)
            + b"\0\0"
        )


EntryId = OneOffEntryId | AddressBookEntryId | FolderEntryId | MessageEntryId


def _counter(value: int) -> bytes:
    try:
        return value.to_bytes(6, "big")
    except OverflowError as error:
        raise EntryIdError(f"a counter that does not fit six octets: {value}") from error


def decode(data: bytes, *, charset: str = "cp1252") -> EntryId:
    """Read an EntryID. `charset` is for the strings of a one-off that is not Unicode. EntryIdError on anything else."""
    if not 20 <= len(data) <= MAX_LENGTH:
        raise EntryIdError(f"an EntryID of {len(data)} octets")
    provider = data[4:20]
    if provider == ONE_OFF_PROVIDER:
        return _one_off(data, charset)
    if provider == ADDRESS_BOOK_PROVIDER:
        return _address_book(data)
    if len(data) == 46:
        return _folder(data)
    if len(data) == 70:
        return _message(data)
    raise EntryIdError(f"an EntryID of the provider {provider.hex()}")


def _one_off(data: bytes, charset: str) -> OneOffEntryId:
    if len(data) < 24:
        raise EntryIdError("a one-off EntryID cut short")
    version, control = struct.unpack_from("<HH", data, 20)
    if version != 0:
        raise EntryIdError(f"a one-off EntryID of version {version}")
    fields = _unicode_fields(data[24:]) if control & _UNICODE else _octet_fields(data[24:], charset)
    name, kind, address = fields
    return OneOffEntryId(name, kind, address, not control & _NO_RICH_INFO, control & _FORMAT_MASK)


def _unicode_fields(data: bytes) -> list[str]:
    # The terminator of the last string is missing in EntryIDs of some writers.
    text = data[: len(data) & ~1].decode("utf-16-le", "surrogatepass")
    return _three(text.split("\0", 3))


def _octet_fields(data: bytes, charset: str) -> list[str]:
    return _three([field.decode(charset, "replace") for field in data.split(b"\0", 3)])


def _three(fields: list[str]) -> list[str]:
    if len(fields) < 3:
        raise EntryIdError("a one-off EntryID with fewer than three strings")
    return fields[:3]


def _address_book(data: bytes) -> AddressBookEntryId:
    if len(data) < 28:
        raise EntryIdError("an address book EntryID cut short")
    version, kind = struct.unpack_from("<II", data, 20)
    if version != 1:
        raise EntryIdError(f"an address book EntryID of version {version}")
    return AddressBookEntryId(data[28:].split(b"\0", 1)[0].decode("ascii", "replace"), kind)


def _folder(data: bytes) -> FolderEntryId:
    (kind,) = struct.unpack_from("<H", data, 20)
    return FolderEntryId(
        UUID(bytes_le=data[4:20]), UUID(bytes_le=data[22:38]), int.from_bytes(data[38:44], "big"), kind
    )


def _message(data: bytes) -> MessageEntryId:
    (kind,) = struct.unpack_from("<H", data, 20)
    return MessageEntryId(
        UUID(bytes_le=data[4:20]),
        UUID(bytes_le=data[22:38]),
        int.from_bytes(data[38:44], "big"),
        UUID(bytes_le=data[46:62]),
        int.from_bytes(data[62:68], "big"),
        kind,
    )


def encode_flat_entry_list(entries: Iterable[bytes]) -> bytes:
    """Pack EntryIDs into the value of PidTagReplyRecipientEntries ([MS-OXCDATA] 2.3.3).

    u32 count, u32 octets that follow; each entry a u32 length, the EntryID, and zeros up to a multiple of four.
    """
    parts = [struct.pack("<I", len(entry)) + entry + b"\0" * (-len(entry) % 4) for entry in entries]
    body = b"".join(parts)
    return struct.pack("<II", len(parts), len(body)) + body


def decode_flat_entry_list(data: bytes) -> list[bytes]:
    """Unpack the EntryIDs of a FlatEntryList ([MS-OXCDATA] 2.3.3). EntryIdError if they run past the end."""
    if not 8 <= len(data) <= 4 * MAX_LENGTH:
        raise EntryIdError(f"a FlatEntryList of {len(data)} octets")
    count, size = struct.unpack_from("<II", data)
    end = min(len(data), 8 + size)
    entries: list[bytes] = []
    at = 8
    for _ in range(count):
        if at + 4 > end:
            raise EntryIdError("a FlatEntryList cut short")
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if at + length > end:
            raise EntryIdError("a FlatEntryList cut short")
        entries.append(data[at : at + length])
        at += length + -length % 4
    return entries
