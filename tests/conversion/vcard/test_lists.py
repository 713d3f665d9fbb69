"""Groups of people and personal distribution lists ([RFC6350] 6.6.5, [MS-OXOCNTC] 2.2.2)."""

from __future__ import annotations

import zlib

import pytest

from conversion.receipt import Receipt
from conversion.vcard.lists import MAX_OCTETS
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


def test_a_list_has_room_for_so_many() -> None:
    lines = "".join(f"MEMBER:mailto:{number:040}@example.org\r\n" for number in range(200))
    receipt = Receipt()
    group = read_vcard(
        f"BEGIN:VCARD\r\nVERSION:4.0\r\nKIND:group\r\nFN:x\r\n{lines}END:VCARD".encode(), receipt=receipt
    )
    members = group.properties[tags.PidLidDistributionListMembers]
    assert isinstance(members, tuple)
    assert MAX_OCTETS - 500 < sum(map(len, members)) < MAX_OCTETS  # type: ignore[arg-type]
    assert f"{200 - len(members)} of them" in str(next(iter(receipt)))


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
