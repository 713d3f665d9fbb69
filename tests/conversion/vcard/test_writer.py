"""Contact objects as vCards ([MS-OXVCARD] 2.1.3)."""

from __future__ import annotations

import pytest

from conversion.html.fromplain import plain_to_html
from conversion.receipt import Receipt
from conversion.rtf.encapsulated import encapsulate_html
from conversion.rtf.lzfu import compress
from conversion.vcard.writer import MAX_DEPTH, write_vcard, write_vcards
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, PropertyName, PropertyTag, Value

_DAY = 864_000_000_000
_JPEG = b"\xff\xd8\xff\xe0"


def contact(bag: dict[PropertyKey, Value], *attachments: AttachmentContent) -> MessageContent:
    """Make a contact."""
    return MessageContent({tags.PidTagMessageClass: "IPM.Contact", **bag}, attachments=attachments)


def written(bag: dict[PropertyKey, Value], version: str = "3.0") -> list[str]:
    """Write a contact of which nothing is lost; give the lines behind FN."""
    receipt = Receipt()
    data = write_vcard(contact({tags.PidTagDisplayName: "x", **bag}), version=version, receipt=receipt)
    assert list(receipt) == []
    lines = data.decode().replace("\r\n ", "").split("\r\n")
    return lines[lines.index("FN:x") + 1 : lines.index("END:VCARD")]


def test_example() -> None:
    """[MS-OXVCARD] 3.2, but for its slips: TYPE as the value of EMAIL, U.S. for USA, and ORG cut short."""
    receipt = Receipt()
    content = contact(
        {
            tags.PidLidEmail1EmailAddress: "dan.fennell@contoso.com",
            tags.PidLidEmail2EmailAddress: "dfennell@fabrikam.com",
            tags.PidTagAssistant: "Jeff Price",
            tags.PidTagAssistantTelephoneNumber: "+1-206-555-0188",
            tags.PidTagBusinessTelephoneNumber: "+1-206-555-0102",
            tags.PidTagCompanyMainTelephoneNumber: "+1-206-555-0100",
            tags.PidTagCompanyName: "Contoso, Ltd.",
            tags.PidTagCountry: "USA",
            tags.PidTagGivenName: "Dan",
            tags.PidTagHomeAddressCountry: "USA",
            tags.PidTagHomeAddressCity: "Boulder",
            tags.PidTagHomeAddressPostalCode: "33041",
            tags.PidTagHomeAddressStateOrProvince: "CO",
            tags.PidTagHomeAddressStreet: "345 Aspen Street",
            tags.PidTagLocality: "Boulder",
            tags.PidTagMobileTelephoneNumber: "+1-425-555-0199",
            tags.PidTagPostalCode: "33041",
            tags.PidTagStateOrProvince: "CO",
            tags.PidTagStreetAddress: "7890 Elm Street",
            tags.PidTagSurname: "Fennell",
            tags.PidLidPostalAddressId: 0,
        }
    )
    lines = write_vcard(content, receipt=receipt).decode().split("\r\n")
    assert sorted(lines[3:-2]) == sorted(
        [
            "FN:Dan Fennell",
            "N:Fennell;Dan;;;",
            "ORG:Contoso\\, Ltd.",
            "ADR;TYPE=work,pref:;;7890 Elm Street;Boulder;CO;33041;USA",
            "ADR;TYPE=home:;;345 Aspen Street;Boulder;CO;33041;USA",
            "EMAIL;TYPE=internet,pref:dan.fennell@contoso.com",
            "EMAIL;TYPE=internet:dfennell@fabrikam.com",
            "TEL;TYPE=work,pref:+1-206-555-0102",
            "TEL;TYPE=cell:+1-425-555-0199",
            "X-MS-TEL;TYPE=COMPANY:+1-206-555-0100",
            "X-MS-ASSISTANT;TYPE=N:Jeff Price",
            "X-MS-TEL;TYPE=ASSISTANT:+1-206-555-0188",
        ]
    )
    assert [str(note) for note in receipt] == [
        "guessed: PidTagStreetAddress: whose address it is was not said; taken as that of work"
    ]


def test_a_mailing_address_alone() -> None:
    """[MS-OXVCARD] 3.2: without an address of work it is that of work."""
    receipt = Receipt()
    content = contact({tags.PidTagDisplayName: "x", tags.PidTagStreetAddress: "7890 Elm Street"})
    assert b"ADR;TYPE=work,pref:;;7890 Elm Street;;;;\r\n" in write_vcard(content, receipt=receipt)
    assert receipt.count == 1


def test_telephones() -> None:
    """[MS-OXVCARD] 2.1.3.4.1, 2.1.3.9.5."""
    bag: dict[PropertyKey, Value] = {
        tags.PidTagPrimaryTelephoneNumber: "1",
        tags.PidTagCarTelephoneNumber: "2",
        tags.PidTagBusinessFaxNumber: "3",
        tags.PidTagRadioTelephoneNumber: "4",
    }
    assert written(bag) == ["TEL;TYPE=car:2", "TEL;TYPE=work,fax:3", "TEL;TYPE=pref:1", "X-MS-TEL;TYPE=RADIO:4"]
    assert written(bag, "2.1") == ["TEL;CAR:2", "TEL;WORK;FAX:3", "TEL;PREF:1", "X-MS-TEL;RADIO:4"]
    assert written(bag, "4.0") == [
        "TEL;TYPE=x-car:2", "TEL;TYPE=work,fax:3", "TEL;PREF=1:1", "X-MS-TEL;TYPE=radio:4"
    ]  # fmt: skip


def test_addresses() -> None:
    """[MS-OXVCARD] 2.1.3.3.1, 2.1.3.3.2."""
    bag: dict[PropertyKey, Value] = {
        tags.PidLidWorkAddressStreet: "1 Main; St\r\nFloor 2",
        tags.PidTagOfficeLocation: "7",
        tags.PidLidWorkAddress: "1 Main, Boulder",
        tags.PidLidWorkAddressCountryCode: "US",
        tags.PidLidPostalAddressId: 2,
    }
    assert written({tags.PidLidHomeAddress: "1\r\n2"}) == ["LABEL;TYPE=home:1\\n2"]
    assert written(bag) == [
        "item1.ADR;TYPE=work,pref:;7;1 Main\\; St\\nFloor 2;;;;",
        "item1.X-ABADR:us",
        "LABEL;TYPE=work,pref:1 Main\\, Boulder",
    ]
    assert written(bag, "4.0") == ['ADR;TYPE=work;PREF=1;LABEL="1 Main, Boulder";CC=US:;7;1 Main\\; St\\nFloor 2;;;;']
    assert written(bag, "2.1") == [
        "item1.ADR;WORK;PREF;ENCODING=QUOTED-PRINTABLE:;7;1 Main\\; St=0D=0AFloor 2;;;;",
        "item1.X-ABADR:us",
        "LABEL;WORK;PREF:1 Main, Boulder",
    ]


@pytest.mark.parametrize(
    ("version", "birthday", "anniversary"),
    [
        ("2.1", "BDAY:16010102", "X-MS-ANNIVERSARY:1604-01-01"),
        ("3.0", "BDAY:1601-01-02", "X-MS-ANNIVERSARY;X-APPLE-OMIT-YEAR=1604:1604-01-01"),
        ("4.0", "BDAY:16010102", "ANNIVERSARY:--0101"),
    ],
)
def test_dates(version: str, birthday: str, anniversary: str) -> None:
    """[MS-OXVCARD] 2.1.3.2.5, 2.1.3.7.4."""
    revision = "REV:1601-01-01T00:00:01Z" if version == "3.0" else "REV:16010101T000001Z"
    assert written(
        {
            tags.PidLidBirthdayLocal: _DAY,
            tags.PidTagBirthday: 0,
            tags.PidLidWeddingAnniversaryLocal: 1095 * _DAY,
            tags.PidTagLastModificationTime: 10_000_000,
        },
        version,
    ) == [birthday, anniversary, revision]


@pytest.mark.parametrize("hours", [-11, -5, 0, 8, 12])
def test_a_birthday_of_another_zone(hours: int) -> None:
    """Midnight somewhere is the day there, whatever day it is in Greenwich."""
    assert written({tags.PidTagBirthday: 10 * _DAY - hours * _DAY // 24}) == ["BDAY:1601-01-11"]


def test_texts() -> None:
    """Each in a line of its own, in all versions."""
    bag: dict[PropertyKey, Value] = {
        tags.PidTagNickname: "a,b",  # [MS-OXVCARD] 2.1.3.2.3
        tags.PidTagTitle: "t",  # [MS-OXVCARD] 2.1.3.6.1
        tags.PidTagProfession: "p",  # [MS-OXVCARD] 2.1.3.6.2
        tags.PidNameKeywords: ("a,b", "c"),  # [MS-OXVCARD] 2.1.3.7.1
        tags.PidTagBody: "one\r\ntwo",  # [MS-OXVCARD] 2.1.3.7.2
        tags.PidTagBusinessHomePage: "http://x/a,b;c",  # [MS-OXVCARD] 2.1.3.7.8
        tags.PidTagSensitivity: 3,  # [MS-OXVCARD] 2.1.3.8.1
    }
    assert written(bag) == [
        "NICKNAME:a\\,b", "TITLE:t", "ROLE:p", "CATEGORIES:a\\,b,c", "NOTE:one\\ntwo", "URL;TYPE=work:http://x/a,b;c",
        "CLASS:CONFIDENTIAL",
    ]  # fmt: skip
    assert written(bag, "4.0")[-1] == "X-CLASS:CONFIDENTIAL"
    assert written(bag, "2.1") == [
        "NICKNAME:a,b", "TITLE:t", "ROLE:p", "CATEGORIES:a\\,b", "CATEGORIES:c",
        "NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo", "URL;WORK:http://x/a,b\\;c", "CLASS:CONFIDENTIAL",
    ]  # fmt: skip


@pytest.mark.parametrize("version", ["2.1", "3.0", "4.0"])
def test_heading(version: str) -> None:
    """[MS-OXVCARD] 2.1.3.7.3, 2.1.3.7.9: VERSION comes first, and PRODID is there once; vCard 2.1 has none."""
    lines = write_vcard(contact({tags.PidTagDisplayName: "x"}), version=version).decode().split("\r\n")
    assert lines[:2] == ["BEGIN:VCARD", f"VERSION:{version}"]
    assert len([line for line in lines if line.startswith("PRODID:")]) == (version != "2.1")


def test_extended_properties() -> None:
    """[MS-OXVCARD] 2.1.3.9, 2.1.3.9.4, 2.1.3.9.8, 2.1.3.9.9."""
    bag: dict[PropertyKey, Value] = {
        tags.PidLidInstantMessagingAddress: "a@b",
        tags.PidTagManagerName: "Max",
        tags.PidTagChildrensNames: ("Tim", "Tom"),
        tags.PidLidContactUserField2: "two",
        tags.PidLidFreeBusyLocation: "http://x",
        tags.PidTagGender: 1,
    }
    assert written(bag) == [
        "X-MS-IMADDRESS:a@b", "FBURL:http://x", "X-MS-MANAGER;TYPE=N:Max", "X-MS-CHILD:Tim", "X-MS-CHILD:Tom",
        "X-MS-TEXT;TYPE=CUSTOM2:two", "X-GENDER:F",
    ]  # fmt: skip
    assert "X-MS-MANAGER;N:Max" in written(bag, "2.1")
    assert "GENDER:F" in written(bag, "4.0")
    assert written({tags.PidLidInstantMessagingAddress: "sip:a@b"}) == ["IMPP:sip:a@b"]


def test_lines_are_folded_and_charsets_named() -> None:
    text = "ü" * 60
    data = write_vcard(contact({tags.PidTagDisplayName: text}))
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    assert data.replace(b"\r\n ", b"").decode().count(text) == 1
    old = write_vcard(contact({tags.PidTagDisplayName: text}), version="2.1")
    assert old.isascii()
    assert b"FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=BC" in old
    assert all(len(line) <= 76 + len("FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:") for line in old.split(b"\r\n"))


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("2.1", b"PHOTO;ENCODING=BASE64;JPEG:\r\n /9j/4A==\r\n\r\n"),
        ("3.0", b"PHOTO;ENCODING=b;TYPE=JPEG:/9j/4A==\r\n"),
        ("4.0", b"PHOTO:data:image/jpeg;base64,/9j/4A==\r\n"),
    ],
)
def test_photo(version: str, line: bytes) -> None:
    """[MS-OXVCARD] 2.1.3.2.4."""
    photo = AttachmentContent({tags.PidTagAttachmentContactPhoto: True}, _JPEG)
    assert line in write_vcard(contact({tags.PidTagDisplayName: "x"}, photo), version=version)


def test_keys_logo_and_sound() -> None:
    """[MS-OXVCARD] 2.1.3.6.3, 2.1.3.7.6, 2.1.3.8.2: a certificate alone, or in the list that Outlook keeps."""
    listed = b"\x01\x00\x06\x00ab" + b"\x03\x00\x06\x00\x30\x00"
    content = contact(
        {tags.PidTagDisplayName: "x", tags.PidTagUserX509Certificate: (b"\x30\x01\x02", listed, b"\x02\x00\xff\xff")},
        AttachmentContent({tags.PidTagAttachLongFilename: "Logo.gif"}, b"GIF89a"),
        AttachmentContent({tags.PidTagAttachLongFilename: "name.wav"}, b"RIFF"),
        AttachmentContent({tags.PidTagAttachLongFilename: "letter.doc"}, b"doc"),
    )
    receipt = Receipt()
    lines = write_vcard(content, receipt=receipt).split(b"\r\n")
    assert [line for line in lines if b"ENCODING=b" in line] == [
        b"LOGO;ENCODING=b;TYPE=GIF:R0lGODlh",
        b"SOUND;ENCODING=b;TYPE=WAVE:UklGRg==",
        b"KEY;ENCODING=b;TYPE=X509:MAEC",
        b"KEY;ENCODING=b;TYPE=X509:MAA=",
    ]
    assert [str(note) for note in receipt] == [
        "dropped: KEY: no certificate in it",
        "dropped: attachment: a card has no place for files",
    ]


def test_agents_have_an_end() -> None:
    """[MS-OXVCARD] 2.1.3.6.4."""
    content = contact({tags.PidTagDisplayName: "last"})
    for number in range(40):
        content = contact({tags.PidTagDisplayName: str(number)}, AttachmentContent({}, content))
    receipt = Receipt()
    data = write_vcard(content, receipt=receipt)
    assert data.replace(b"\r\n ", b"").count(b"BEGIN:VCARD") == MAX_DEPTH
    assert receipt.count == 1
    note = MessageContent({tags.PidTagMessageClass: "IPM.Note"})
    write_vcard(contact({tags.PidTagDisplayName: "x"}, AttachmentContent({}, note)), receipt=receipt)
    assert receipt.count == 2


@pytest.mark.parametrize(
    "bag",
    [
        {tags.PidTagBodyHtml: "<p>Hello <b>there</b>"},
        {tags.PidTagHtml: b"<p>Hello <b>there</b>"},
        {tags.PidTagRtfCompressed: compress(encapsulate_html(plain_to_html("Hello there")))},
    ],
)
def test_notes_with_formatting(bag: dict[PropertyKey, Value]) -> None:
    receipt = Receipt()
    data = write_vcard(contact({tags.PidTagDisplayName: "x", **bag}), receipt=receipt)
    assert b"NOTE:Hello there" in data
    assert [note.place for note in receipt] == ["NOTE"]


def test_addresses_of_a_directory() -> None:
    receipt = Receipt()
    bag: dict[PropertyKey, Value] = {
        tags.PidTagDisplayName: "x",
        tags.PidLidEmail1EmailAddress: "/o=x/cn=y",
        tags.PidLidEmail1AddressType: "EX",
        tags.PidLidEmail1OriginalDisplayName: "y@example.org",
        tags.PidLidEmail2EmailAddress: "/o=x/cn=z",
        tags.PidLidEmail2AddressType: "EX",
        tags.PidLidEmail3EmailAddress: "g=z;s=z",
        tags.PidLidEmail3AddressType: "X400",
        tags.PidLidEmail3DisplayName: "Zoe",
    }
    lines = write_vcard(contact(bag), receipt=receipt).split(b"\r\n")
    assert [line for line in lines if line.startswith(b"EMAIL")] == [
        b"EMAIL;TYPE=internet,pref:y@example.org",
        b"EMAIL;TYPE=x400:g=z\\;s=z",
    ]
    assert [note.kind.value for note in receipt] == ["altered", "dropped", "dropped"]


def test_what_a_card_has_no_line_for() -> None:
    receipt = Receipt()
    bag: dict[PropertyKey, Value] = {
        tags.PidTagDisplayName: "x",
        tags.PidTagAccount: "account",
        tags.PidLidBilling: "billing",
        PropertyTag(0x3AFF001F): "a",
        PropertyName(tags.PSETID_Address, 0x8FFF, 3): 1,
        tags.PidTagCustomerId: "",
        tags.PidLidSideEffects: 1,
        tags.PidTagSearchKey: b"key",
    }
    content = MessageContent(bag, (RecipientRow(RecipientType.TO, {}),))
    write_vcard(content, receipt=receipt)
    assert [note.place for note in receipt] == [
        "recipient",
        "PidTagAccount",
        "PidLidBilling",
        "0x3aff001f",
        "{00062004-0000-0000-c000-000000000046} 0x8fff",
    ]


def test_several() -> None:
    receipt = Receipt()
    data = write_vcards(
        [contact({tags.PidTagDisplayName: name, tags.PidTagAccount: "a"}) for name in "ab"], receipt=receipt
    )
    assert data.count(b"BEGIN:VCARD\r\nVERSION:3.0\r\n") == data.count(b"END:VCARD\r\n") == 2
    assert [note.place for note in receipt] == ["card 1, PidTagAccount", "card 2, PidTagAccount"]


def test_versions() -> None:
    with pytest.raises(ValueError, match=r"5\.0"):
        write_vcard(contact({}), version="5.0")
    receipt = Receipt()
    assert b"FN:\r\n" in write_vcard(contact({}), receipt=receipt)
    assert receipt.count == 1
