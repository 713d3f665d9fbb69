"""EntryIDs of message stores ([MS-OXCDATA] 2.2.4.3): a mailbox, the public folders, or a store of another provider.

They are wrapped: a header names the program that knows the rest. That of Exchange's own is read; behind the fields of
the specification newer clients write one more structure, with the names of the server or of the mailbox in full.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

STORE_PROVIDER = bytes.fromhex("38A1BB1005E5101AA1BB08002B2A56C2")
EXCHANGE_LIBRARY = "EMSMDB.DLL"
PRIVATE_STORE = UUID(bytes_le=bytes.fromhex("1B55FA20AA6611CD9BC800AA002FC45A"))
PUBLIC_STORE = UUID(bytes_le=bytes.fromhex("1C830210AA6611CD9BC800AA002FC45A"))

MAILBOX_TYPE = 0x0C
"""WrappedType of a mailbox ([MS-OXCDATA] 2.2.4.3)."""
PUBLIC_TYPE = 0x06

_NAME = 22
"""Where the name of the library stands."""
_SERVER_MAGIC = 0xF32135D8
_MAILBOX_MAGIC = 0xF43246E9
_SERVER_HEADER = struct.Struct("<5I")
_MAILBOX_HEADER = struct.Struct("<4I")


class EntryIdError(ValueError):
    """Octets that are no EntryID of a known kind, or fields that fit into none."""


@dataclass(frozen=True, slots=True)
class ServerNames:
    """The server's names, behind the other fields; its magic number is 0xF32135D8. In no specification."""

    distinguished_name: str | None
    domain_name: str | None
    size: int | None = None
    """The size that the structure says it has; None: the one that it has."""
    version: int = 1

    def encode(self) -> bytes:
        """Give the octets, without the two that end an EntryID of this kind."""
        name = _ascii(self.distinguished_name) if self.distinguished_name is not None else b""
        domain = _wide(self.domain_name) if self.domain_name is not None else b""
        at = _SERVER_HEADER.size
        offsets = (at if name else 0, at + len(name) if domain else 0)
        size = at + len(name) + len(domain) if self.size is None else self.size
        return _SERVER_HEADER.pack(_SERVER_MAGIC, size, self.version, *offsets) + name + domain


@dataclass(frozen=True, slots=True)
class MailboxName:
    """The mailbox's SMTP address, behind the other fields; its magic number is 0xF43246E9. In no specification."""

    smtp_address: str
    size: int | None = None
    """The size that the structure says it has; None: the one that it has."""
    version: int = 2

    def encode(self) -> bytes:
        """Give the octets, without the two that end an EntryID of this kind."""
        address = _wide(self.smtp_address)
        at = _MAILBOX_HEADER.size
        size = at + len(address) if self.size is None else self.size
        return _MAILBOX_HEADER.pack(_MAILBOX_MAGIC, size, self.version, at) + address


@dataclass(frozen=True, slots=True)
class StoreEntryId:
    """A mailbox or the public folders of an Exchange server ([MS-OXCDATA] 2.2.4.3)."""

    provider: UUID
    """PRIVATE_STORE or PUBLIC_STORE."""
    type: int
    """MAILBOX_TYPE, PUBLIC_TYPE, or other bits."""
    server: str
    """ServerShortname; of newer servers the mailbox's GUID with a domain."""
    mailbox: str | None = None
    """MailboxDN, the X500 DN of the mailbox; None of the public folders."""
    names: ServerNames | MailboxName | None = None
    rest: bytes = b""
    """Octets behind all of them."""

    def encode(self) -> bytes:
        """Give the octets. EntryIdError if a name is not ASCII or contains a NUL."""
        fields = struct.pack("<I16sI", 0, self.provider.bytes_le, self.type & 0xFFFFFFFF) + _ascii(self.server)
        if self.mailbox is not None:
            fields += _ascii(self.mailbox)
        if self.names is not None:
            fields += self.names.encode()
        return ForeignStoreEntryId(EXCHANGE_LIBRARY, fields + self.rest).encode()


@dataclass(frozen=True, slots=True)
class ForeignStoreEntryId:
    """A store of another provider than Exchange's, whose own EntryID is within."""

    dll_name: str
    entry: bytes

    def encode(self) -> bytes:
        """Give the octets. EntryIdError if the library's name is not ASCII or contains a NUL."""
        name = _ascii(self.dll_name)
        padding = b"\0" * (-(_NAME + len(name)) % 4)
        return b"\0\0\0\0" + STORE_PROVIDER + b"\0\0" + name + padding + self.entry


def _ascii(text: str) -> bytes:
    try:
        found = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise EntryIdError(f"a name that is not ASCII: {text!r}") from error
    if b"\0" in found:
        raise EntryIdError("a NUL in a name")
    return found + b"\0"


def _wide(text: str) -> bytes:
    if "\0" in text:
        raise EntryIdError("a NUL in a name")
    return (text + "\0").encode("utf-16-le", "surrogatepass")


def decode_store(data: bytes) -> StoreEntryId | ForeignStoreEntryId:
    """Read the EntryID of a store, whose provider UID has been seen to. EntryIdError if it is cut short."""
    library, at = _read_ascii(data, _NAME)
    at += -at % 4
    if library.upper() != EXCHANGE_LIBRARY:
        return ForeignStoreEntryId(library, data[at:])
    if at + 24 > len(data):
        raise EntryIdError("a store's EntryID cut short")
    _, provider, kind = struct.unpack_from("<I16sI", data, at)
    server, at = _read_ascii(data, at + 24)
    mailbox = None
    if at < len(data) and _magic(data, at) is None:
        mailbox, at = _read_ascii(data, at)
    names, at = _read_names(data, at)
    return StoreEntryId(UUID(bytes_le=provider), kind, server, mailbox, names, data[at:])


def _magic(data: bytes, at: int) -> int | None:
    found = int.from_bytes(data[at : at + 4], "little")
    return found if found in (_SERVER_MAGIC, _MAILBOX_MAGIC) else None


def _read_names(data: bytes, at: int) -> tuple[ServerNames | MailboxName | None, int]:
    """Read the structure behind the fields, where there is a whole one."""
    magic = _magic(data, at)
    if magic == _SERVER_MAGIC and at + _SERVER_HEADER.size <= len(data):
        _, size, version, name_at, domain_at = _SERVER_HEADER.unpack_from(data, at)
        end = at + _SERVER_HEADER.size
        name = domain = None
        if name_at:
            name, end = _read_ascii(data, end)
        if domain_at:
            domain, end = _read_wide(data, end)
        return ServerNames(name, domain, size, version), end
    if magic == _MAILBOX_MAGIC and at + _MAILBOX_HEADER.size <= len(data):
        _, size, version, _ = _MAILBOX_HEADER.unpack_from(data, at)
        address, end = _read_wide(data, at + _MAILBOX_HEADER.size)
        return MailboxName(address, size, version), end
    return None, at


def _read_ascii(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    if end < 0:
        raise EntryIdError("a store's EntryID cut short")
    return data[at:end].decode("ascii", "replace"), end + 1


def _read_wide(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0\0", at)
    while end >= 0 and (end - at) % 2:
        end = data.find(b"\0\0", end + 1)
    if end < 0:
        raise EntryIdError("a store's EntryID cut short")
    return data[at:end].decode("utf-16-le", "surrogatepass"), end + 2
