"""EntryIDs: the octets that name a recipient, a folder or a message ([MS-OXCDATA] 2.2).

`decode` tells the kinds apart by their provider UID. A folder or message counter (GLOBCNT) is an integer here and six
octets, most significant first, on the wire ([MS-OXCDATA] 2.2.1.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from store.mapi.storeentryid import (
    STORE_PROVIDER,
    EntryIdError,
    ForeignStoreEntryId,
    StoreEntryId,
    decode_store,
)

__all__ = [
    "AddressBookEntryId",
    "ContactContainerEntryId",
    "ContactEntryId",
    "EntryId",
    "EntryIdError",
    "EphemeralEntryId",
    "FolderEntryId",
    "ForeignStoreEntryId",
    "MemberEntryId",
    "MessageEntryId",
    "OneOffEntryId",
    "PersonalStoreEntryId",
    "StoreEntryId",
    "decode",
    "decode_entry_list",
    "decode_flat_entry_list",
    "encode_entry_list",
    "encode_flat_entry_list",
]

MAX_LENGTH = 1 << 20
"""Octets of one EntryID that `decode` looks at; of a FlatEntryList, four times that."""

ONE_OFF_PROVIDER = bytes.fromhex("812B1FA4BEA310199D6E00DD010F5402")
ADDRESS_BOOK_PROVIDER = bytes.fromhex("DCA740C8C042101AB4B908002B2FE182")
PUBLIC_STORE_PROVIDER = bytes.fromhex("1A447390AA6611CD9BC800AA002FC45A")

CONTACTS_PROVIDER = bytes.fromhex("FE42AA0A18C71A10E8850B651C240000")
MEMBER_PROVIDER = bytes.fromhex("C091ADD3519DCF11A4A900AA0047FAA4")

PRIVATE_FOLDER = 0x0001
PUBLIC_FOLDER = 0x0003
PRIVATE_MESSAGE = 0x0007
PUBLIC_MESSAGE = 0x0009

CONTACT = 4
CONTACT_LIST = 5
_CONTACT_CONTAINER = 3

_EPHEMERAL = 0x87
_PST_LENGTH = 24
_UNICODE = 0x8000
_NO_RICH_INFO = 0x0001
_FORMAT_MASK = 0x1E06


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
    charset: str = field(default="", compare=False)
    """The charset of the strings where they are 8-bit ones; says nothing of who the recipient is."""

    def encode(self) -> bytes:
        """Give the octets, strings in UTF-16LE, or in `charset` if they fit. EntryIdError if a field contains a NUL."""
        control = (self.format_bits & _FORMAT_MASK) | (0 if self.rich_info else _NO_RICH_INFO)
        joined = "".join(f"{text}\0" for text in (self.display_name, self.address_type, self.email_address))
        if joined.count("\0") > 3:
            raise EntryIdError("a NUL in a one-off EntryID")
        text = _in_charset(joined, self.charset) if self.charset else None
        if text is None:
            control |= _UNICODE
            text = joined.encode("utf-16-le", "surrogatepass")
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


@dataclass(frozen=True, slots=True)
class ContactEntryId:
    """An address in a Contact object, or a personal distribution list ([MS-OXCDATA] 2.2.5.3, 2.2.5.4)."""

    entry: bytes
    """EntryID of the message that is the contact or the list."""
    index: int = 0
    """Which of a contact's addresses: 0 to 2 e-mail, 3 to 5 fax; 0xFF of a list."""
    type: int = CONTACT
    """CONTACT or CONTACT_LIST."""
    rest: bytes = b""
    """Octets behind the EntryID: padding that means nothing."""

    def encode(self) -> bytes:
        """Give the octets."""
        fields = struct.pack("<IIII", 3, self.type & 0xFFFFFFFF, self.index & 0xFFFFFFFF, len(self.entry))
        return b"\0\0\0\0" + CONTACTS_PROVIDER + fields + self.entry + self.rest


@dataclass(frozen=True, slots=True)
class ContactContainerEntryId:
    """A contacts folder as a container of the address book. In no specification: what Outlook writes."""

    id: UUID
    entry: bytes
    """EntryID of the folder."""

    def encode(self) -> bytes:
        """Give the octets."""
        fields = struct.pack("<II", 3, _CONTACT_CONTAINER)
        return b"\0\0\0\0" + CONTACTS_PROVIDER + fields + self.id.bytes_le + self.entry


@dataclass(frozen=True, slots=True)
class MemberEntryId:
    """WrappedEntryId: a member of a personal distribution list ([MS-OXOCNTC] 2.2.2.2.4.1.1)."""

    type: int
    """The kind of the EntryID within (low four bits), which address of a contact (three bits), and one bit 0x80."""
    entry: bytes

    def encode(self) -> bytes:
        """Give the octets."""
        return b"\0\0\0\0" + MEMBER_PROVIDER + bytes((self.type & 0xFF,)) + self.entry


@dataclass(frozen=True, slots=True)
class EphemeralEntryId:
    """An object of the address book, for as long as a session with its server lasts ([MS-OXNSPI] 2.2.9.2)."""

    server: UUID
    minimal_id: int
    type: int = 0
    """Display type, as AddressBookEntryId's."""

    def encode(self) -> bytes:
        """Give the 32 octets."""
        fields = struct.pack("<III", 1, self.type & 0xFFFFFFFF, self.minimal_id & 0xFFFFFFFF)
        return bytes((_EPHEMERAL, 0, 0, 0)) + self.server.bytes_le + fields


@dataclass(frozen=True, slots=True)
class PersonalStoreEntryId:
    """A folder or a message of a personal store, that is a file of Outlook's ([MS-PST] 2.4.3.2)."""

    store: UUID
    """The record key of the file."""
    node: int

    def encode(self) -> bytes:
        """Give the 24 octets."""
        return b"\0\0\0\0" + self.store.bytes_le + struct.pack("<I", self.node & 0xFFFFFFFF)


EntryId = (
    OneOffEntryId
    | AddressBookEntryId
    | FolderEntryId
    | MessageEntryId
    | ContactEntryId
    | ContactContainerEntryId
    | MemberEntryId
    | EphemeralEntryId
    | PersonalStoreEntryId
    | StoreEntryId
    | ForeignStoreEntryId
)


def _in_charset(text: str, charset: str) -> bytes | None:
    try:
        return text.encode(charset)
    except (UnicodeError, LookupError):
        return None


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
    if provider == STORE_PROVIDER:
        return decode_store(data)
    if provider == CONTACTS_PROVIDER:
        return _contact(data)
    if provider == MEMBER_PROVIDER:
        if len(data) < 21:
            raise EntryIdError("a member's EntryID cut short")
        return MemberEntryId(data[20], data[21:])
    if len(data) == 46:
        return _folder(data)
    if len(data) == 70:
        return _message(data)
    if len(data) == 32 and data[0] == _EPHEMERAL:
        _, kind, node = struct.unpack_from("<III", data, 20)
        return EphemeralEntryId(UUID(bytes_le=provider), node, kind)
    if len(data) == _PST_LENGTH and data[:4] == bytes(4):
        return PersonalStoreEntryId(UUID(bytes_le=provider), int.from_bytes(data[20:], "little"))
    raise EntryIdError(f"an EntryID of the provider {provider.hex()}")


def _one_off(data: bytes, charset: str) -> OneOffEntryId:
    if len(data) < 24:
        raise EntryIdError("a one-off EntryID cut short")
    version, control = struct.unpack_from("<HH", data, 20)
    if version != 0:
        raise EntryIdError(f"a one-off EntryID of version {version}")
    fields = _unicode_fields(data[24:]) if control & _UNICODE else _octet_fields(data[24:], charset)
    name, kind, address = fields
    written = "" if control & _UNICODE else charset
    return OneOffEntryId(name, kind, address, not control & _NO_RICH_INFO, control & _FORMAT_MASK, written)


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


def _contact(data: bytes) -> ContactEntryId | ContactContainerEntryId:
    if len(data) < 36:
        raise EntryIdError("a contact's EntryID cut short")
    version, kind = struct.unpack_from("<II", data, 20)
    if version != 3:
        raise EntryIdError(f"a contact's EntryID of version {version}")
    if kind == _CONTACT_CONTAINER and len(data) >= 44:
        return ContactContainerEntryId(UUID(bytes_le=data[28:44]), data[44:])
    if kind not in (CONTACT, CONTACT_LIST):
        raise EntryIdError(f"a contact's EntryID of type {kind}")
    index, count = struct.unpack_from("<II", data, 28)
    if 36 + count > len(data):
        raise EntryIdError("a contact's EntryID cut short")
    return ContactEntryId(data[36 : 36 + count], index, kind, data[36 + count :])


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


def encode_entry_list(entries: Iterable[bytes]) -> bytes:
    """Pack EntryIDs as in a search folder's definition: lengths first ([MS-OXOSRCH] 2.2.1.2.8.1)."""
    kept = list(entries)
    sizes = b"".join(struct.pack("<II", len(entry), 0) for entry in kept)
    return struct.pack("<II", len(kept), 0) + sizes + b"".join(kept)


def decode_entry_list(data: bytes) -> list[bytes]:
    """Unpack the EntryIDs of a search folder's definition. EntryIdError if they run past the end.

    u32 count, u32 of no meaning; for each entry a u32 length and a u32 of no meaning; then the entries
    ([MS-OXOSRCH] 2.2.1.2.8.1).
    """
    if not 8 <= len(data) <= 4 * MAX_LENGTH:
        raise EntryIdError(f"an EntryList of {len(data)} octets")
    (count,) = struct.unpack_from("<I", data)
    at = 8 + 8 * count
    if at > len(data):
        raise EntryIdError("an EntryList cut short")
    entries: list[bytes] = []
    for (length,) in struct.iter_unpack("<I4x", data[8:at]):
        if at + length > len(data):
            raise EntryIdError("an EntryList cut short")
        entries.append(data[at : at + length])
        at += length
    return entries
