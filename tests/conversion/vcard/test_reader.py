"""vCards as Contact objects ([MS-OXVCARD] 2.1.3)."""

from __future__ import annotations

from base64 import b64encode

import pytest

from conversion.errors import ConversionError
from conversion.receipt import Receipt
from conversion.vcard.card import MAX_STRUCTURE
from conversion.vcard.reader import MAX_DEPTH, read_vcard, read_vcards
from conversion.vcard.rows import UID
from store.mapi import tags
from store.mapi.message import MessageContent
from tests.support.vcards import card, noted, read

_JPEG = b"\xff\xd8\xff\xe0 picture"


def test_names() -> None:
    """[MS-OXVCARD] 2.1.3.2.1, 2.1.3.2.2, 2.1.3.2.3, [MS-OXOCNTC] 2.2.1.1."""
    bag = read("FN:Dr. Dan K. Fennell\\, Jr.", "N:Fennell;Dan;K.;Dr.;Jr.", "NICKNAME:Danny,Dan\\,ny")
    assert bag[tags.PidTagMessageClass] == "IPM.Contact"
    assert bag[tags.PidTagIconIndex] == 0x200
    for key in (tags.PidTagDisplayName, tags.PidTagSubject, tags.PidTagNormalizedSubject, tags.PidLidFileUnder):
        assert bag[key] == "Dr. Dan K. Fennell, Jr."
    assert bag[tags.PidLidFileUnderId] == 0x3001
    assert bag[tags.PidTagSurname] == "Fennell"
    assert bag[tags.PidTagGivenName] == "Dan"
    assert bag[tags.PidTagMiddleName] == "K."
    assert bag[tags.PidTagDisplayNamePrefix] == "Dr."
    assert bag[tags.PidTagGeneration] == "Jr."
    assert bag[tags.PidTagNickname] == "Danny, Dan,ny"


def test_lists_in_a_name() -> None:
    bag = read("FN:x", "N:Stevenson;John;Philip,Paul;Dr.;Jr.,M.D.,A.C.P.")
    assert bag[tags.PidTagMiddleName] == "Philip Paul"
    assert bag[tags.PidTagGeneration] == "Jr., M.D., A.C.P."


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["N:Doe;John;Q.;Mr.;III"], "Mr. John Q. Doe III"),
        (["NICKNAME:Jo"], "Jo"),
        (["ORG:Contoso;Sales"], "Contoso"),
        (["EMAIL:jo@example.org"], "jo@example.org"),
        (["X-EVOLUTION-FILE-AS:Doe, Jo", "EMAIL:jo@example.org"], "Doe, Jo"),
    ],
)
def test_a_missing_name_is_made(lines: list[str], name: str) -> None:
    content, notes = noted(*lines)
    assert content.properties[tags.PidTagDisplayName] == name
    assert notes == ["guessed: FN: it is missing; made of other properties"]


def test_organisation() -> None:
    """[MS-OXVCARD] 2.1.3.6.1, 2.1.3.6.2, 2.1.3.6.5."""
    bag = read("FN:x", "ORG:ABC\\, Inc.;North American Division;Marketing", "TITLE:Director", "ROLE:Programmer")
    assert bag[tags.PidTagCompanyName] == "ABC, Inc."
    assert bag[tags.PidTagDepartmentName] == "North American Division; Marketing"
    assert bag[tags.PidTagTitle] == "Director"
    assert bag[tags.PidTagProfession] == "Programmer"


@pytest.mark.parametrize(("line", "version"), [("KIND:org", "4.0"), ("X-ABShowAs:COMPANY", "3.0")])
def test_a_company_is_filed_as_one(line: str, version: str) -> None:
    bag = read("FN:Contoso", "ORG:Contoso", line, version=version)
    assert (bag[tags.PidLidFileUnder], bag[tags.PidLidFileUnderId]) == ("Contoso", 0x3A16)


def test_categories() -> None:
    """[MS-OXVCARD] 2.1.3.7.1: of all lines, each once."""
    assert read("FN:x", "CATEGORIES:a,b\\,c", "CATEGORIES:a")[tags.PidNameKeywords] == ("a", "b,c")


def test_note() -> None:
    """[MS-OXVCARD] 2.1.3.7.2."""
    assert read("FN:x", "NOTE:one\\ntwo")[tags.PidTagBody] == "one\r\ntwo"


def test_uid() -> None:
    """[MS-OXVCARD] 2.1.3.7.7: it is kept, though there it is not."""
    assert read("FN:x", "UID:urn:uuid:1")[UID] == "urn:uuid:1"


@pytest.mark.parametrize("version", ["2.1", "3.0", "4.0"])
def test_who_wrote_it_makes_no_difference(version: str) -> None:
    """[MS-OXVCARD] 2.1.3.7.3, 2.1.3.7.9: neither PRODID nor VERSION is a property of the contact."""
    assert read("PRODID:-//x", "FN:x", version=version) == read("FN:x", version=version)


def test_free_busy() -> None:
    """[MS-OXVCARD] 2.1.3.9."""
    assert read("FN:x", "FBURL:http://x/a,b")[tags.PidLidFreeBusyLocation] == "http://x/a,b"


def test_web_pages() -> None:
    """[MS-OXVCARD] 2.1.3.7.8."""
    bag = read("FN:x", "URL:http://b", "URL;TYPE=home:http://a")
    assert bag[tags.PidTagPersonalHomePage] == "http://a"
    assert bag[tags.PidTagBusinessHomePage] == bag[tags.PidLidHtml] == "http://b"
    _, notes = noted("FN:x", "URL:1", "URL:2", "URL:3")
    assert notes == ["dropped: URL: a contact has two of them"]


@pytest.mark.parametrize(("word", "value"), [("PUBLIC", 0), ("private", 2), ("CONFIDENTIAL", 3), ("X-PERSONAL", 1)])
def test_class(word: str, value: int) -> None:
    """[MS-OXVCARD] 2.1.3.8.1."""
    bag = read("FN:x", f"CLASS:{word}")
    assert bag[tags.PidTagSensitivity] == value
    assert bag[tags.PidLidPrivate] is (value == 2)


def test_an_unknown_class_is_not_public() -> None:
    content, notes = noted("FN:x", "CLASS:family")
    assert content.properties[tags.PidTagSensitivity] == 2
    assert len(notes) == 1


@pytest.mark.parametrize(
    "line",
    [
        f"PHOTO;ENCODING=b;TYPE=JPEG:{b64encode(_JPEG).decode()}",
        f"PHOTO;JPEG;ENCODING=BASE64:{b64encode(_JPEG).decode()}",
        f"PHOTO:data:image/jpeg;base64,{b64encode(_JPEG).decode()}",
        f"PHOTO:data:image/jpeg;base64\\,{b64encode(_JPEG).decode().rstrip('=')}",
    ],
)
def test_photo(line: str) -> None:
    """[MS-OXVCARD] 2.1.3.2.4, [MS-OXOCNTC] 2.2.1.8.3."""
    content = read_vcard(card("FN:x", line))
    (attachment,) = content.attachments
    assert attachment.data == _JPEG
    assert attachment.properties[tags.PidTagAttachmentContactPhoto] is True
    assert attachment.properties[tags.PidTagDisplayName] == "ContactPicture.jpg"
    assert attachment.properties[tags.PidTagAttachFilename] == "ContactPicture.jpg"
    assert attachment.properties[tags.PidTagAttachExtension] == ".jpg"
    assert attachment.properties[tags.PidTagAttachMimeTag] == "image/jpeg"
    assert content.properties[tags.PidLidHasPicture] is True
    assert content.properties[tags.PidTagHasAttachments] is True


def test_logo_sound_and_keys() -> None:
    """[MS-OXVCARD] 2.1.3.6.3, 2.1.3.7.6, 2.1.3.8.2: keys that are no certificates are left out."""
    certificate = b"0\x03\x02\x01\x05"
    pem = b"-----BEGIN CERTIFICATE-----\n%b\n-----END CERTIFICATE-----\n" % b64encode(certificate + b"!")
    content, notes = noted(
        "FN:x",
        "LOGO;ENCODING=b:" + b64encode(b"\x89PNG\r\n\x1a\n").decode(),
        "SOUND;ENCODING=b;TYPE=WAVE:" + b64encode(b"noise").decode(),
        "KEY;TYPE=X509;ENCODING=b:" + b64encode(certificate).decode(),
        "KEY;ENCODING=b:" + b64encode(pem).decode(),
        "KEY;TYPE=PGP;ENCODING=b:" + b64encode(b"pgp").decode(),
        "PHOTO;VALUE=uri:http://example.org/picture",
    )
    assert [(one.properties[tags.PidTagAttachLongFilename], one.data) for one in content.attachments] == [
        ("Logo.png", b"\x89PNG\r\n\x1a\n"),
        ("Sound.wav", b"noise"),
    ]
    assert content.properties[tags.PidTagUserX509Certificate] == (certificate, certificate + b"!")
    assert notes == [
        "dropped: PHOTO: it is elsewhere, or unreadable",
        "dropped: KEY: no certificate of X.509, or elsewhere",
    ]


@pytest.mark.parametrize(
    "data",
    [
        card("FN:x", "AGENT:BEGIN:VCARD\\nFN:Susan Thomas\\nTEL\\;TYPE=home:1\\nEND:VCARD\\n"),
        card("FN:x", "AGENT:", "BEGIN:VCARD", "FN:Susan Thomas", "TEL;HOME:1", "END:VCARD", version="2.1"),
        card(
            "FN:x",
            "RELATED;TYPE=agent:data:text/vcard;base64,"
            + b64encode(card("FN:Susan Thomas", "TEL;TYPE=home:1")).decode(),
            version="4.0",
        ),
    ],
)
def test_agent(data: bytes) -> None:
    """[MS-OXVCARD] 2.1.3.6.4."""
    receipt = Receipt()
    (attachment,) = read_vcard(data, receipt=receipt).attachments
    assert list(receipt) == []
    assert attachment.properties[tags.PidTagAttachMethod] == 5
    assert isinstance(attachment.data, MessageContent)
    assert attachment.data.properties[tags.PidTagDisplayName] == "Susan Thomas"
    assert attachment.data.properties[tags.PidTagHomeTelephoneNumber] == "1"


def test_agents_have_an_end() -> None:
    data = b"BEGIN:VCARD\r\nFN:x\r\nAGENT:\r\n" * 15 + b"END:VCARD\r\n" * 15
    content: MessageContent | bytes = read_vcard(data)
    for _ in range(MAX_DEPTH - 1):
        assert isinstance(content, MessageContent)
        content = content.attachments[0].data  # type: ignore[assignment]
    assert isinstance(content, MessageContent)
    assert isinstance(content.attachments[0].data, bytes)


def test_extended_properties() -> None:
    """[MS-OXVCARD] 2.1.3.9, 2.1.3.9.4, 2.1.3.9.8, 2.1.3.9.9."""
    bag = read(
        "FN:x", "X-MS-IMADDRESS:im@example.org", "X-MS-SPOUSE;N:Sam", "X-MS-MANAGER;TYPE=N:Max", "X-ASSISTANT:Ann",
        "X-MS-CHILD:Tim", "X-MS-CHILD:Tom", "X-MS-INTERESTS:chess", "X-MS-TEXT;CUSTOM2:two", "X-MS-TEXT:one",
        "X-PHONETIC-FIRST-NAME:first", "X-PHONETIC-LAST-NAME:last", "X-MS-OL-DESIGN;ENCODING=b:AQI=",
        "X-MS-CARDPICTURE;ENCODING=b:AwQ=", "X-WAB-GENDER:2",
    )  # fmt: skip
    assert bag[tags.PidLidInstantMessagingAddress] == "im@example.org"
    assert bag[tags.PidTagSpouseName] == "Sam"
    assert bag[tags.PidTagManagerName] == "Max"
    assert bag[tags.PidTagAssistant] == "Ann"
    assert bag[tags.PidTagChildrensNames] == ("Tim", "Tom")
    assert bag[tags.PidTagHobbies] == "chess"
    assert bag[tags.PidLidContactUserField1] == "one"
    assert bag[tags.PidLidContactUserField2] == "two"
    assert bag[tags.PidLidYomiFirstName] == "first"
    assert bag[tags.PidLidYomiLastName] == "last"
    assert bag[tags.PidLidBusinessCardDisplayDefinition] == b"\x01\x02"
    assert bag[tags.PidLidBusinessCardCardPicture] == b"\x03\x04"
    assert bag[tags.PidTagGender] == 2


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["IMPP:xmpp:alice@example.org"], "xmpp:alice@example.org"),
        (["X-JABBER:alice@example.org"], "xmpp:alice@example.org"),
        (["X-AIM:a", "X-MS-IMADDRESS:b"], "b"),
    ],
)
def test_messengers(lines: list[str], address: str) -> None:
    assert read_vcard(card("FN:x", *lines)).properties[tags.PidLidInstantMessagingAddress] == address


def test_relations_of_the_newer_books() -> None:
    bag = read(
        "FN:x",
        "i.X-ABRELATEDNAMES:Sam",
        "i.X-ABLabel:_$!<Spouse>!$_",
        "RELATED;TYPE=child;VALUE=text:Tim",
        version="4.0",
    )
    assert bag[tags.PidTagSpouseName] == "Sam"
    assert bag[tags.PidTagChildrensNames] == ("Tim",)


def test_what_has_no_place_is_noted() -> None:
    """[MS-OXVCARD] 2.1.3.4.3, 2.1.3.5.1, 2.1.3.5.2, 2.1.3.7.5: no property for these."""
    _, notes = noted("FN:x", "MAILER:a", "TZ:-0500", "GEO:1;2", "SORT-STRING:s", "X-OWN:1", "X-EMPTY:", "not a line")
    assert notes == ["dropped: line 10: not a content line"] + [
        f"dropped: {name}: there is no property for it" for name in ("MAILER", "TZ", "GEO", "SORT-STRING", "X-OWN")
    ]


def test_backslashes_of_the_old_version() -> None:
    bag = read("FN:a\\;b", "NOTE:C:\\new\\table", version="2.1")
    assert bag[tags.PidTagDisplayName] == "a;b"
    assert bag[tags.PidTagBody] == "C:\\new\\table"


def test_categories_of_the_old_version() -> None:
    """It knows no lists, but what writes categories at all writes them as one."""
    bag = read("FN:x", "CATEGORIES:a,b\\,c", "NICKNAME:d,e", version="2.1")
    assert bag[tags.PidNameKeywords] == ("a", "b,c")
    assert bag[tags.PidTagNickname] == "d,e"


def test_several_cards() -> None:
    receipt = Receipt()
    data = card("FN:a", "X-A:1") + card("FN:b", "X-B:1")
    assert [one.properties[tags.PidTagDisplayName] for one in read_vcards(data, receipt=receipt)] == ["a", "b"]
    assert [note.place for note in receipt] == ["card 1, X-A", "card 2, X-B"]
    assert read_vcard(data, receipt=receipt).properties[tags.PidTagDisplayName] == "a"
    assert str(list(receipt)[-1]) == "dropped: card 2: 1 more cards"


@pytest.mark.parametrize("data", [b"", b"hello", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"])
def test_no_card(data: bytes) -> None:
    with pytest.raises(ConversionError):
        read_vcards(data)


@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_a_structure_has_an_end(version: str) -> None:
    content, notes = noted("FN:x", "N:" + "a;" * MAX_STRUCTURE, version=version)
    assert content.properties[tags.PidTagSurname] == "a"
    assert notes == [
        f"altered: N: what is beyond {MAX_STRUCTURE} characters is left out",
        "dropped: N: components beyond the fifth",
    ]
