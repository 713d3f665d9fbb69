"""The members of a list that has many: PidLidDistributionListStream ([MS-OXOCNTC] 2.2.2.2.4).

Where a list has one, its other properties of members are not looked at.
"""

from __future__ import annotations

import struct

from store.mapi.entryid import EntryIdError, OneOffEntryId, decode

_HEADER = struct.Struct("<HHIIIIII")
"""StreamVersion, Reserved, BuildVersion, DistListStreamFlags, how many members, the octets of all parts of a kind."""
_LENGTH = struct.Struct("<I")
_VERSION = 1
_PARTS = 3  # EntryID, one-off EntryID, and what is not used yet ([MS-OXOCNTC] 2.2.2.2.4.1)
_END = bytes(8)
_WRAPPED = bytes(4) + bytes.fromhex("c091add3519dcf11a4a900aa0047faa4")
_ONE_OFF = 0  # type of what is wrapped ([MS-OXOCNTC] 2.2.2.2.4.1.1)


def read_stream(data: bytes) -> list[tuple[bytes, bytes]] | None:
    """Give EntryID and one-off EntryID of each member, the second of them empty where there is none.

    None for what is no such stream; one that is cut short gives the members that are whole.
    """
    if len(data) < _HEADER.size or data[:2] != _VERSION.to_bytes(2, "little"):
        return None
    count = _HEADER.unpack_from(data)[4]
    at = _HEADER.size
    members: list[tuple[bytes, bytes]] = []
    while len(members) < count:
        parts: list[bytes] = []
        for _ in range(_PARTS):
            if at + _LENGTH.size > len(data):
                return members
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size + length
            if at > len(data):
                return members
            parts.append(data[at - length : at])
        members.append((parts[0], parts[1]))
    return members


def write_stream(members: list[bytes]) -> bytes:
    """Write members that are one-off EntryIDs, each the EntryID as well."""
    octets = sum(map(len, members))
    out = [_HEADER.pack(_VERSION, 0, 0, 0, len(members), octets, octets, 0)]
    for member in members:
        part = _LENGTH.pack(len(member)) + member
        out += (part, part, _LENGTH.pack(0))
    out.append(_END)
    return b"".join(out)


def one_off(entry_id: bytes) -> OneOffEntryId | None:
    """Decode a one-off EntryID, alone or wrapped ([MS-OXOCNTC] 2.2.2.2.4.1.1); None for every other."""
    start = len(_WRAPPED)
    if entry_id.startswith(_WRAPPED) and entry_id[start : start + 1] == bytes((_ONE_OFF,)):
        entry_id = entry_id[start + 1 :]
    try:
        found = decode(entry_id)
    except EntryIdError:
        return None
    return found if isinstance(found, OneOffEntryId) else None
