"""Groups of people and personal distribution lists ([RFC6350] 6.6.5, [MS-OXOCNTC] 2.2.2)."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversion.receipt import Receipt
from conversion.vcard.lists import MAX_OCTETS
from conversion.vcard.memberstream import read_stream
from conversion.vcard.reader import read_vcard, read_vcards
from conversion.vcard.writer import write_vcard
from store.mapi import tags
from store.mapi.entryid import AddressBookEntryId, OneOffEntryId
from store.mapi.message import MessageContent

_GROUP = b"""BEGIN:VCARD
VERSION:4.0
KIND:group
FN:The Doe family
MEMBER:urn:uuid:03A0E51F-d1aa-4385-8a53-e29025acd8af
MEMBER;X-CN="Doe, Jim":mailto:jim%2Bdoe@example.org?subject=x
MEMBER:urn:uuid:00000000-0000-0000-0000-000000000000
END:VCARD
BEGIN:VCARD
VERSION:4.0
FN:John Doe
EMAIL:john@example.org
UID:urn:uuid:03a0e51f-d1aa-4385-8a53-e29025acd8af
END:VCARD
"""
_JOHN = OneOffEntryId("John Doe", "SMTP", "john@example.org").encode()
_JIM = OneOffEntryId("Doe, Jim", "SMTP", "jim+doe@example.org").encode()


def test_group() -> None:
    receipt = Receipt()
    group, john = read_vcards(_GROUP, receipt=receipt)
    bag = group.properties
    assert john.properties[tags.PidTagDisplayName] == "John Doe"
    assert bag[tags.PidTagMessageClass] == "IPM.DistList"
    assert bag[tags.PidTagIconIndex] == 0x202
    assert bag[tags.PidLidDistributionListName] == bag[tags.PidTagDisplayName] == "The Doe family"
    assert bag[tags.PidLidDistributionListMembers] == (_JOHN, _JIM)
    assert bag[tags.PidLidDistributionListOneOffMembers] == (_JOHN, _JIM)
    assert bag[tags.PidLidDistributionListChecksum] % 2**32 == zlib.crc32(_JOHN + _JIM)  # type: ignore[operator]
    assert [str(note) for note in receipt] == ["dropped: card 1, MEMBER: nothing is known of an address"]


def test_members_known_elsewhere() -> None:
    (group, _) = read_vcards(_GROUP, resolve=lambda uid: ("Zero", "zero@example.org") if uid.endswith("0000") else None)
    members = group.properties[tags.PidLidDistributionListMembers]
    assert members == (_JOHN, _JIM, OneOffEntryId("Zero", "SMTP", "zero@example.org").encode())


def test_a_list_of_many() -> None:
    """[MS-OXOCNTC] 2.2.2.2.4, 2.2.2.2.4.1: what the lists have no room for is in the stream, with all others."""
    names = [f"{number:040}@example.org" for number in range(200)]
    lines = "".join(f"MEMBER:mailto:{name}\r\n" for name in names)
    receipt = Receipt()
    group = read_vcard(
        f"BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:x\r\n{lines}END:VCARD".encode(), receipt=receipt
    )
    members = group.properties[tags.PidLidDistributionListMembers]
    assert isinstance(members, tuple)
    assert MAX_OCTETS - 500 < sum(map(len, members)) < MAX_OCTETS  # type: ignore[arg-type]
    one_offs = [OneOffEntryId(name, "SMTP", name).encode() for name in names]
    assert group.properties[tags.PidLidDistributionListStream] == (
        struct.pack("<HHIIIIII", 1, 0, 0, 0, 200, sum(map(len, one_offs)), sum(map(len, one_offs)), 0)
        + b"".join([struct.pack("<I", len(one)) + one for one in one_offs for one in (one, one, b"")])
        + bytes(8)
    )
    for version in ("3.0", "4.0"):
        data = write_vcard(group, version=version, receipt=receipt)
        assert data.replace(b"\r\n ", b"").count(b"@example.org") == 200
        assert read_vcard(data) == group
    assert receipt.count == 0


def test_members_of_a_stream() -> None:
    """[MS-OXOCNTC] 2.2.2.2.4.1.1: one-off EntryIDs, bare and wrapped; others by what stands beside them."""
    wrapped = bytes(4) + bytes.fromhex("c091add3519dcf11a4a900aa0047faa4") + b"\0" + _JIM
    contact = wrapped[:20] + b"\xc3" + bytes(70)
    members = [
        (_JOHN, b""),
        (wrapped, b""),
        (contact, OneOffEntryId("Kim", "SMTP", "kim@x.test").encode()),
        (contact, b""),
    ]
    stream = struct.pack("<HHIIIIII", 1, 0, 14, 0, len(members), 0, 0, 0) + b"".join(
        struct.pack("<I", len(one)) + one for pair in members for one in (*pair, b"")
    )
    content = MessageContent(
        {
            tags.PidTagMessageClass: "IPM.DistList",
            tags.PidTagDisplayName: "List",
            tags.PidLidDistributionListMembers: (OneOffEntryId("Old", "SMTP", "old@x.test").encode(),),
            tags.PidLidDistributionListStream: stream,
        }
    )
    receipt = Receipt()
    lines = write_vcard(content, version="4.0", receipt=receipt).splitlines()
    assert [line.rpartition(b":")[2] for line in lines if line.startswith(b"MEMBER")] == [
        b"john@example.org", b"jim+doe@example.org", b"kim@x.test",
    ]  # fmt: skip
    assert [str(note) for note in receipt] == ["dropped: MEMBER: nothing is known of an address"]
    # One that is cut short gives what is whole of it; of one that is none the other lists are taken.
    assert read_stream(stream[:-100]) == members[:3]
    assert read_stream(stream[:20]) is None
    broken = MessageContent({**content.properties, tags.PidLidDistributionListStream: b"\2" + stream[1:]})
    assert b"old@x.test" in write_vcard(broken, version="4.0", receipt=receipt)
    assert "it cannot be read" in str(list(receipt)[-1])


@given(st.binary(max_size=60), st.integers(0, 5))
def test_any_stream(data: bytes, count: int) -> None:
    found = read_stream(struct.pack("<HHIIIIII", 1, 0, 0, 0, count, 0, 0, 0) + data)
    assert found is not None
    assert len(found) <= count
    assert 12 * len(found) + sum(len(one) for pair in found for one in pair) <= len(data)


@pytest.mark.parametrize("version", ["2.1", "3.0", "4.0"])
def test_there_and_back(version: str) -> None:
    group, _ = read_vcards(_GROUP)
    again = read_vcard(write_vcard(group, version=version))
    if version == "2.1":  # it has no place for the name of a member
        assert again.properties[tags.PidTagMessageClass] == "IPM.DistList"
        assert len(again.properties[tags.PidLidDistributionListMembers]) == 2  # type: ignore[arg-type]
    else:
        assert again == group


def test_writing() -> None:
    content = MessageContent(
        {
            tags.PidTagMessageClass: "IPM.DistList",
            tags.PidTagDisplayName: "List",
            tags.PidLidDistributionListMembers: (_JOHN, AddressBookEntryId("/o=x").encode(), b"?"),
        }
    )
    receipt = Receipt()
    assert write_vcard(content, version="4.0", receipt=receipt).splitlines()[2:-1] == [
        b"PRODID:-//oxgate//oxgate//EN",
        b"FN:List",
        b"KIND:group",
        b"MEMBER;X-CN=John Doe:mailto:john@example.org",
    ]
    assert [str(note) for note in receipt] == ["dropped: MEMBER: nothing is known of an address"] * 2
    assert b"X-ADDRESSBOOKSERVER-KIND:group\r\nX-ADDRESSBOOKSERVER-MEMBER;X-CN=John Doe:mailto:j" in write_vcard(
        content
    )
