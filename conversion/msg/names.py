"""The table of named properties of a .msg file: `__nameid_version1.0` ([MS-OXMSG] 2.2.3)."""

from __future__ import annotations

import struct
from uuid import UUID
from zlib import crc32

from conversion.msg.compound import Storage
from conversion.receipt import Receipt
from store.mapi.tags import PS_MAPI, PS_PUBLIC_STRINGS
from store.mapi.types import PropertyName

STORAGE = "__nameid_version1.0"
FIRST = 0x8000
"""The identifier of the first named property."""
MAX_NAMES = 0x7FFF

_GUIDS, _ENTRIES, _STRINGS = "__substg1.0_00020102", "__substg1.0_00030102", "__substg1.0_00040102"
_ENTRY = struct.Struct("<IHH")
_KNOWN_SETS = {PS_MAPI: 1, PS_PUBLIC_STRINGS: 2}
_FIRST_SET = 3
_BUCKETS = 31

Name = tuple[UUID, int | str]
"""A property set, and a number or a string in it."""


def read_names(root: Storage, receipt: Receipt) -> dict[int, Name]:
    """Read the names by identifier ([MS-OXMSG] 2.2.3.1, 2.2.3.1.1 to 2.2.3.1.3)."""
    table = root.storage(STORAGE)
    if table is None:
        return {}
    guids, strings = table.stream(_GUIDS) or b"", table.stream(_STRINGS) or b""
    found: dict[int, Name] = {}
    entries = table.stream(_ENTRIES) or b""
    for number in range(min(len(entries) // _ENTRY.size, MAX_NAMES)):
        value, kind, index = _ENTRY.unpack_from(entries, number * _ENTRY.size)
        set_id = _set(kind >> 1, guids)
        key: int | str | None = _string(strings, value) if kind & 1 else value
        if set_id is None or key is None:
            receipt.dropped(f"named property {FIRST + index:#06x}", "its name cannot be read")
        else:
            found[FIRST + index] = (set_id, key)
    return found


def _set(number: int, guids: bytes) -> UUID | None:
    if number in (1, 2):
        return PS_MAPI if number == 1 else PS_PUBLIC_STRINGS
    start = 16 * (number - _FIRST_SET)
    if number < _FIRST_SET or start + 16 > len(guids):
        return None
    return UUID(bytes_le=guids[start : start + 16])


def _string(strings: bytes, offset: int) -> str | None:
    if offset + 4 > len(strings):
        return None
    length = int.from_bytes(strings[offset : offset + 4], "little")
    text = strings[offset + 4 : offset + 4 + length]
    return text.decode("utf-16-le", "replace") if len(text) == length and length else None


class NameWriter:
    """Gives identifiers to the names that a file uses, and writes the table."""

    def __init__(self) -> None:
        self._identifiers: dict[Name, int] = {}

    def identifier(self, name: PropertyName) -> int | None:
        """Give the identifier of a name, the same for the same; None where there are too many."""
        key: Name = (name.set, name.key)
        found = self._identifiers.get(key)
        if found is None and len(self._identifiers) < MAX_NAMES:
            found = self._identifiers[key] = FIRST + len(self._identifiers)
        return found

    def storage(self) -> Storage:
        """Write the table, with the buckets of the look-up ([MS-OXMSG] 2.2.3.2, 2.2.3.2.1 to 2.2.3.2.4)."""
        sets = dict(_KNOWN_SETS)
        entries, strings, guids = bytearray(), bytearray(), bytearray()
        buckets: dict[int, bytearray] = {}
        for index, (set_id, key) in enumerate(self._identifiers):
            if set_id not in sets:
                sets[set_id] = _FIRST_SET + len(sets) - len(_KNOWN_SETS)
                guids += set_id.bytes_le
            kind = sets[set_id] << 1
            if isinstance(key, str):
                text = key.encode("utf-16-le", "surrogatepass")
                value, kind, hashed = len(strings), kind | 1, _checksum(text)
                strings += struct.pack("<I", len(text)) + text + bytes(-len(text) % 4)
                bucket = (hashed ^ kind) % _BUCKETS
            else:
                value = hashed = key
                bucket = (key ^ kind) % _BUCKETS
            entries += _ENTRY.pack(value, kind, index)
            buckets.setdefault(bucket, bytearray()).extend(_ENTRY.pack(hashed, kind, index))
        storage = Storage({_GUIDS: bytes(guids), _ENTRIES: bytes(entries), _STRINGS: bytes(strings)})
        for bucket in sorted(buckets):
            storage.entries[f"__substg1.0_{0x1000 + bucket:04X}0102"] = bytes(buckets[bucket])
        return storage


def _checksum(text: bytes) -> int:
    """The checksum of a name as it is spelled, that of compressed RTF ([MS-OXMSG] 2.2.3.2.2, [MS-OXRTFCP] 2.1.2.2)."""
    return crc32(text, 0xFFFFFFFF) ^ 0xFFFFFFFF
