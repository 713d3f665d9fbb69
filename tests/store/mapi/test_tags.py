"""The vocabulary: spot values from the specification, and that its tables hold together ([MS-OXPROPS] 2)."""

from __future__ import annotations

from uuid import UUID

import pytest

from store.mapi import tags
from store.mapi.types import PropertyName, PropertyTag, PropertyType

_TAGS = {name: value for name, value in vars(tags).items() if isinstance(value, PropertyTag)}
_NAMES = {name: value for name, value in vars(tags).items() if isinstance(value, PropertyName)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PidTagSubject", 0x0037001F),
        ("PidTagMessageClass", 0x001A001F),
        ("PidTagClientSubmitTime", 0x00390040),
        ("PidTagMessageDeliveryTime", 0x0E060040),
        ("PidTagSenderName", 0x0C1A001F),
        ("PidTagSentRepresentingSmtpAddress", 0x5D02001F),
        ("PidTagReplyRecipientEntries", 0x004F0102),
        ("PidTagRecipientType", 0x0C150003),
        ("PidTagMessageFlags", 0x0E070003),
        ("PidTagInternetMessageId", 0x1035001F),
        ("PidTagBody", 0x1000001F),
        ("PidTagHtml", 0x10130102),
        ("PidTagBodyHtml", 0x1013001F),
        ("PidTagRtfCompressed", 0x10090102),
        ("PidTagAttachDataBinary", 0x37010102),
        ("PidTagAttachDataObject", 0x3701000D),
        ("PidTagAttachMethod", 0x37050003),
        ("PidTagDisplayName", 0x3001001F),
        ("PidTagEntryId", 0x0FFF0102),
        ("PidTagSearchKey", 0x300B0102),
        ("PidTagConversationId", 0x30130102),
        ("PidTagChangeKey", 0x65E20102),
        ("PidTagPredecessorChangeList", 0x65E30102),
        ("PidTagMemberRights", 0x66730003),
        ("PidTagMimeSkeleton", 0x64F00102),
    ],
)
def test_tags(name: str, value: int) -> None:
    assert _TAGS[name] == value


@pytest.mark.parametrize(
    ("name", "set_", "key", "type_"),
    [
        ("PidLidFlagRequest", tags.PSETID_Common, 0x8530, PropertyType.STRING),
        ("PidLidAppointmentRecur", tags.PSETID_Appointment, 0x8216, PropertyType.BINARY),
        ("PidLidGlobalObjectId", tags.PSETID_Meeting, 0x0003, PropertyType.BINARY),
        ("PidLidTaskStatus", tags.PSETID_Task, 0x8101, PropertyType.INTEGER32),
        ("PidLidEmail1EmailAddress", tags.PSETID_Address, 0x8083, PropertyType.STRING),
        ("PidNameKeywords", tags.PS_PUBLIC_STRINGS, "Keywords", PropertyType.MULTIPLE_STRING),
        ("PidNameContentClass", tags.PS_INTERNET_HEADERS, "Content-Class", PropertyType.STRING),
    ],
)
def test_names(name: str, set_: UUID, key: int | str, type_: PropertyType) -> None:
    assert _NAMES[name] == (set_, key, type_)


def test_tags_are_numbers_of_known_types_once_each() -> None:
    known = {int(kind) for kind in PropertyType}
    assert all(tag.type in known and 0 < tag.id < 0x10000 for tag in _TAGS.values())
    assert len(set(_TAGS.values())) == len(_TAGS)
    assert list(_TAGS.values()) == sorted(_TAGS.values())


def test_every_name_is_well_known_once() -> None:
    assert set(_NAMES.values()) <= set(tags.WELL_KNOWN_NAMES)
    keys = [(name.set, name.key.lower() if isinstance(name.key, str) else name.key) for name in tags.WELL_KNOWN_NAMES]
    assert len(set(keys)) == len(keys)


def test_header_property_names_ignore_case() -> None:
    assert tags.internet_header("X-Mailer") == tags.internet_header("x-mailer")
    assert tags.internet_header("X-Mailer") in tags.WELL_KNOWN_NAMES
