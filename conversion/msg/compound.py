"""Compound files: storages and streams in one file, as in a file system ([MS-CFB]).

    root = read_compound(data)                       # Storage: name -> bytes-like stream or Storage
    root.stream("__substg1.0_0037001F")              # its octets, None where there is none
    data = write_compound(root)

Reading is bounded by the file: a chain of sectors that is longer than the file has sectors, or that crosses itself,
ends where it does so, and all streams together are no longer than the file, because a sector is of one stream.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from conversion.errors import ConversionError
from conversion.receipt import Receipt

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
MAX_ENTRIES = 200_000
"""Storages and streams of one file."""
MAX_DEPTH = 200
"""Storages within one another."""
MAX_SIZE = 1 << 31
"""Octets of a file that is written: the bound of version 3 ([MS-CFB] 2.6.3)."""

_FREE, _END, _FAT, _DIFAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_LAST = 0xFFFFFFFA  # the highest number of a sector ([MS-CFB] 2.1)
_NOBODY = 0xFFFFFFFF
_HEADER = struct.Struct("<8s16sHHHHH6xIIIIIIIII")
_ENTRY = struct.Struct("<64sHBBIII16sIQQIQ")
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_SECTOR, _MINI = 512, 64
_CUTOFF = 4096
"""Octets from which a stream has sectors of its own; shorter ones share the mini stream ([MS-CFB] 2.2)."""
_IN_HEADER = 109
_NIL = UUID(int=0)


@dataclass(slots=True)
class Storage:
    """A storage: what it holds by name, in the order of the file."""

    entries: dict[str, bytes | Storage] = field(default_factory=dict)
    clsid: UUID = _NIL

    def stream(self, name: str) -> bytes | None:
        """Give the octets of a stream, None where there is none of the name; the case of names means nothing."""
        found = self._find(name)
        return found if isinstance(found, bytes) else None

    def storage(self, name: str) -> Storage | None:
        """Give a storage by its name."""
        found = self._find(name)
        return found if isinstance(found, Storage) else None

    def storages(self, prefix: str) -> Iterator[tuple[str, Storage]]:
        """Give the storages whose names begin with `prefix`, in the order of their names."""
        for name in sorted(self.entries):
            entry = self.entries[name]
            if isinstance(entry, Storage) and name.lower().startswith(prefix.lower()):
                yield name, entry

    def _find(self, name: str) -> bytes | Storage | None:
        found = self.entries.get(name)
        if found is None:
            lower = name.lower()
            found = next((entry for other, entry in self.entries.items() if other.lower() == lower), None)
        return found


class _Entry(NamedTuple):
    """An entry of the directory ([MS-CFB] 2.6.1)."""

    name: bytes
    length: int
    kind: int
    colour: int
    left: int
    right: int
    child: int
    clsid: bytes
    state: int
    created: int
    modified: int
    start: int
    size: int


# ------------------------------------------------------------------------------------------------------- reading


def read_compound(data: bytes, *, receipt: Receipt | None = None) -> Storage:
    """Read a file. Raises ConversionError where it is none, or where nothing in it can be found."""
    return _Reader(data, receipt or Receipt()).read()


class _Reader:
    def __init__(self, data: bytes, receipt: Receipt) -> None:
        if len(data) < _SECTOR or not data.startswith(SIGNATURE):
            raise ConversionError("this is no compound file: its first octets are others")
        (order, shift, mini_shift), table = struct.unpack_from("<HHH", data, 28), struct.unpack_from("<9I", data, 40)
        _, _, first_directory, _, cutoff, first_mini, _, first_difat, _ = table
        if order != 0xFFFE or not 7 <= shift <= 16 or not 2 <= mini_shift < shift:
            raise ConversionError("this is no compound file: its header makes no sense")
        self._data = data
        self._receipt = receipt
        self._size = 1 << shift
        self._mini_size = 1 << mini_shift
        self._cutoff = cutoff
        self._sectors = -(-len(data) // self._size)
        self._fat = self._read_fat(first_difat)
        self._directory = self._chain(first_directory, None)
        self._mini_fat = self._numbers(self._chain(first_mini, None)) if first_mini <= _LAST else array("I")
        self._mini_stream = b""
        self._seen: set[int] = set()
        self._left = len(data)  # octets that streams may still have: none shares its sectors ([MS-CFB] 2.3)

    def read(self) -> Storage:
        root = self._entry(0)
        if root is None or root.kind != _ROOT:
            raise ConversionError("the compound file has no root storage")
        self._mini_stream = self._chain(root.start, root.size)
        return self._storage(root, 0)

    # -- sectors

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._size  # the header takes the place of one
        return self._data[start : start + self._size]

    def _numbers(self, octets: bytes) -> array[int]:
        numbers = array("I")
        numbers.frombytes(octets[: len(octets) & ~3])
        if struct.pack("=H", 1) != b"\x01\x00":
            numbers.byteswap()
        return numbers

    def _read_fat(self, first_difat: int) -> array[int]:
        """Read the table of chains, whose own sectors are listed in the header and in a chain ([MS-CFB] 2.3, 2.5)."""
        places = list(struct.unpack_from(f"<{_IN_HEADER}I", self._data, 76))
        number, seen = first_difat, set[int]()
        while number <= _LAST and number not in seen and len(seen) < self._sectors:
            seen.add(number)
            numbers = self._numbers(self._sector(number))
            if len(numbers) == 0:
                break
            places += numbers[:-1]
            number = numbers[-1]
        used = [place for place in places if place <= _LAST and place < self._sectors]
        return self._numbers(b"".join([self._sector(place) for place in dict.fromkeys(used)]))

    def _chain(self, first: int, length: int | None) -> bytes:
        """Read a chain of sectors, cut at `length`."""
        pieces: list[bytes] = []
        number, fat = first, self._fat
        most = self._sectors if length is None else min(self._sectors, -(-length // self._size))
        while number <= _LAST and len(pieces) < most:
            pieces.append(self._sector(number))
            number = fat[number] if number < len(fat) else _END
        octets = b"".join(pieces)
        return octets if length is None else octets[:length]

    def _mini_chain(self, first: int, length: int) -> bytes:
        pieces: list[bytes] = []
        number, size, fat = first, self._mini_size, self._mini_fat
        most = min(-(-length // size), len(fat))
        while number <= _LAST and len(pieces) < most:
            pieces.append(self._mini_stream[number * size : (number + 1) * size])
            number = fat[number] if number < len(fat) else _END
        return b"".join(pieces)[:length]

    # -- the directory

    def _entry(self, number: int) -> _Entry | None:
        start = number * _ENTRY.size
        if start + _ENTRY.size > len(self._directory):
            return None
        return _Entry._make(_ENTRY.unpack_from(self._directory, start))

    def _storage(self, entry: _Entry, depth: int) -> Storage:
        storage = Storage(clsid=UUID(bytes_le=entry.clsid))
        if depth >= MAX_DEPTH:
            self._receipt.dropped("compound file", f"storages deeper than {MAX_DEPTH}")
            return storage
        # The siblings are a tree by name; its order is not needed, and it may be damaged.
        waiting = [entry.child]
        while waiting:
            number = waiting.pop()
            if number == _NOBODY or number in self._seen:
                continue
            self._seen.add(number)
            child = self._entry(number)
            if child is None:
                self._receipt.dropped("compound file", f"entry {number} of its directory is missing")
                continue
            waiting += (child.right, child.left)
            if len(self._seen) > MAX_ENTRIES:
                self._receipt.dropped("compound file", f"entries beyond {MAX_ENTRIES}")
                break
            name = _name(child)
            if child.kind == _STREAM:
                storage.entries.setdefault(name, self._stream(name, child))
            elif child.kind == _STORAGE:
                storage.entries.setdefault(name, self._storage(child, depth + 1))
        return storage

    def _stream(self, name: str, entry: _Entry) -> bytes:
        length = entry.size & 0xFFFFFFFF if self._size == _SECTOR else entry.size
        read = self._mini_chain if length < self._cutoff else self._chain
        octets = read(entry.start, min(length, self._left))
        self._left -= len(octets)
        if len(octets) < length:
            self._receipt.dropped(f"stream {name}", f"{length - len(octets)} octets that are not in the file")
        return octets


def _name(entry: _Entry) -> str:
    length = max(0, min(entry.length, 64) - 2)
    text = entry.name[:length].decode("utf-16-le", "replace")
    return text.partition("\0")[0]


# ------------------------------------------------------------------------------------------------------- writing


def write_compound(root: Storage) -> bytes:
    """Write a file of version 3 ([MS-CFB] 2.2). Raises ConversionError for one that would be too large."""
    return _Writer().write(root)


@dataclass(slots=True)
class _Node:
    name: str
    kind: int
    clsid: UUID
    data: bytes = b""
    children: list[int] = field(default_factory=list)
    left: int = _NOBODY
    right: int = _NOBODY
    child: int = _NOBODY
    start: int = _END
    size: int = 0


class _Writer:
    def __init__(self) -> None:
        self._nodes: list[_Node] = []
        self._sectors: list[bytes] = []
        self._count = 0
        self._fat: list[int] = []
        self._mini: list[bytes] = []
        self._mini_fat: list[int] = []

    def write(self, root: Storage) -> bytes:
        self._add("Root Entry", _ROOT, root, 0)
        for node in self._nodes:
            if node.kind == _STREAM and node.data:
                node.size = len(node.data)
                node.start = self._put_mini(node.data) if node.size < _CUTOFF else self._put(node.data)
        mini = b"".join(self._mini)
        self._nodes[0].size = len(mini)
        self._nodes[0].start = self._put(mini)
        mini_fat_count = -(-len(self._mini_fat) * 4 // _SECTOR)
        first_mini_fat = self._put(_table(self._mini_fat))
        first_directory = self._put(self._directory())
        fat_places, difat = self._put_fat()
        if (self._count + 1) * _SECTOR > MAX_SIZE:
            raise ConversionError("the file would be larger than a compound file of version 3 may be")
        header = _HEADER.pack(
            SIGNATURE, bytes(16), 0x3E, 3, 0xFFFE, 9, 6, 0, len(fat_places), first_directory, 0, _CUTOFF,
            first_mini_fat if self._mini_fat else _END, mini_fat_count, difat[0] if difat else _END, len(difat),
        )  # fmt: skip
        listed = fat_places[:_IN_HEADER]
        header += struct.pack(f"<{_IN_HEADER}I", *listed, *[_FREE] * (_IN_HEADER - len(listed)))
        return b"".join([header, *self._sectors])

    def _add(self, name: str, kind: int, entry: bytes | Storage, depth: int) -> int:
        number = len(self._nodes)
        if number >= MAX_ENTRIES or depth > MAX_DEPTH:
            raise ConversionError("the compound file would have too many entries, or too deep ones")
        if not name or len(name.encode("utf-16-le", "surrogatepass")) > 62:
            raise ConversionError(f"a compound file can have no entry of the name {name!r}")
        if isinstance(entry, Storage):
            node = _Node(name, kind, entry.clsid)
            self._nodes.append(node)
            node.children = [
                self._add(child, _STORAGE if isinstance(value, Storage) else _STREAM, value, depth + 1)
                for child, value in sorted(entry.entries.items(), key=lambda item: _order(item[0]))
            ]
            node.child = self._tree(node.children)
        else:
            self._nodes.append(_Node(name, kind, _NIL, bytes(entry)))
        return number

    def _tree(self, numbers: list[int]) -> int:
        """Make a balanced tree of siblings; all are black, which the rules allow ([MS-CFB] 2.6.4)."""
        if not numbers:
            return _NOBODY
        middle = len(numbers) // 2
        node = self._nodes[numbers[middle]]
        node.left = self._tree(numbers[:middle])
        node.right = self._tree(numbers[middle + 1 :])
        return numbers[middle]

    def _put(self, data: bytes) -> int:
        """Write data into sectors of its own; give the first."""
        if not data:
            return _END
        first = self._count
        count = -(-len(data) // _SECTOR)
        self._sectors.append(data + bytes(count * _SECTOR - len(data)))
        self._fat += range(first + 1, first + count)
        self._fat.append(_END)
        self._count += count
        return first

    def _put_mini(self, data: bytes) -> int:
        first = len(self._mini_fat)
        count = -(-len(data) // _MINI)
        self._mini.append(data + bytes(count * _MINI - len(data)))
        self._mini_fat += range(first + 1, first + count)
        self._mini_fat.append(_END)
        return first

    def _directory(self) -> bytes:
        entries = [
            _ENTRY.pack(
                node.name.encode("utf-16-le", "surrogatepass"),
                len(node.name.encode("utf-16-le", "surrogatepass")) + 2,
                node.kind, 1, node.left, node.right, node.child, node.clsid.bytes_le, 0, 0, 0,
                0 if node.kind == _STORAGE else node.start,
                node.size,
            )
            for node in self._nodes
        ]  # fmt: skip
        empty = _ENTRY.pack(b"", 0, 0, 0, _NOBODY, _NOBODY, _NOBODY, bytes(16), 0, 0, 0, 0, 0)
        entries += [empty] * (-len(entries) % (_SECTOR // _ENTRY.size))
        return b"".join(entries)

    def _put_fat(self) -> tuple[list[int], list[int]]:
        """Write the table of chains, its own sectors included; give their numbers and those of what lists them."""
        per = _SECTOR // 4
        count = listing = 0
        while True:  # more sectors of the table may need one more sector of the table
            needed = -(-(self._count + count + listing) // per)
            lists = max(0, -(-(needed - _IN_HEADER) // (per - 1)))
            if (needed, lists) == (count, listing):
                break
            count, listing = needed, lists
        places = list(range(self._count, self._count + count))
        difat = list(range(self._count + count, self._count + count + listing))
        self._fat += [_FAT] * count + [_DIFAT] * listing
        self._sectors.append(_table(self._fat))
        rest = places[_IN_HEADER:]
        for number in range(listing):
            part = rest[number * (per - 1) : (number + 1) * (per - 1)]
            part += [_FREE] * (per - 1 - len(part))
            part.append(difat[number + 1] if number + 1 < listing else _END)
            self._sectors.append(struct.pack(f"<{per}I", *part))
        self._count += count + listing
        return places, difat


def _table(numbers: list[int]) -> bytes:
    filled = numbers + [_FREE] * (-len(numbers) % (_SECTOR // 4))
    return struct.pack(f"<{len(filled)}I", *filled)


def _order(name: str) -> tuple[int, str]:
    """How siblings are ordered: shorter names first, then by their upper-case letters ([MS-CFB] 2.6.4)."""
    return len(name.encode("utf-16-le", "surrogatepass")), name.upper()
