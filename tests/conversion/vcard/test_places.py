"""Telephones, addresses of all kinds and dates of vCards ([MS-OXVCARD] 2.1.3.2.5, 2.1.3.3.1, 2.1.3.4.1)."""

from __future__ import annotations

import pytest

from store.mapi import tags
from store.mapi.entryid import OneOffEntryId, decode
from tests.support.vcards import noted, read

_DAY = 864_000_000_000


def test_telephones() -> None:
    """[MS-OXVCARD] 2.1.3.4.1, 2.1.3.9.5."""
    bag = read(
        "FN:x",
        "TEL;TYPE=home:h1",
        "TEL;TYPE=HOME,VOICE:h2",
        "TEL;TYPE=work:w1",
        "TEL;TYPE=work;TYPE=voice:w2",
        "TEL;TYPE=cell:c",
        "TEL;TYPE=pager:p",
        "TEL;TYPE=car:car",
        "TEL;TYPE=isdn:i",
        "TEL;TYPE=pref:1",
        "TEL:other",
        "TEL;TYPE=fax:f",
        "TEL;TYPE=home,fax:hf",
        "TEL;TYPE=fax,work:wf",
        *(f"X-MS-TEL;TYPE={kind}:{kind.lower()}" for kind in ("ASSISTANT", "CALLBACK", "COMPANY", "RADIO", "TTYTDD")),
    )
    assert {key: bag[key] for key in bag if isinstance(bag[key], str) and "Number" in _name(key)} == {
        tags.PidTagHomeTelephoneNumber: "h1",
        tags.PidTagHome2TelephoneNumber: "h2",
        tags.PidTagBusinessTelephoneNumber: "w1",
        tags.PidTagBusiness2TelephoneNumber: "w2",
        tags.PidTagMobileTelephoneNumber: "c",
        tags.PidTagPagerTelephoneNumber: "p",
        tags.PidTagCarTelephoneNumber: "car",
        tags.PidTagIsdnNumber: "i",
        tags.PidTagPrimaryTelephoneNumber: "1",
        tags.PidTagOtherTelephoneNumber: "other",
        tags.PidTagPrimaryFaxNumber: "f",
        tags.PidTagHomeFaxNumber: "hf",
        tags.PidTagBusinessFaxNumber: "wf",
        tags.PidTagAssistantTelephoneNumber: "assistant",
        tags.PidTagCallbackTelephoneNumber: "callback",
        tags.PidTagCompanyMainTelephoneNumber: "company",
        tags.PidTagRadioTelephoneNumber: "radio",
        tags.PidTagTelecommunicationsDeviceForDeafTelephoneNumber: "ttytdd",
    }


def _name(key: object) -> str:
    return next((name for name, value in vars(tags).items() if value == key), "")


def test_telephones_without_a_place() -> None:
    content, notes = noted("FN:x", *(f"TEL;TYPE=cell:{number}" for number in range(3)))
    assert content.properties[tags.PidTagMobileTelephoneNumber] == "0"
    assert content.properties[tags.PidTagOtherTelephoneNumber] == "1"
    assert notes == [
        "altered: TEL: the places of its kind were taken",
        "dropped: TEL: a contact has no more places for telephones",
    ]


def test_telephones_of_the_other_versions() -> None:
    old = read("FN:x", "TEL;WORK;VOICE:1", "TEL;FAX;HOME:2", "X-MS-TEL;VOICE;CALLBACK:3", version="2.1")
    new = read(
        "FN:x",
        'TEL;VALUE=uri;TYPE="work,voice":tel:1',
        "TEL;TYPE=home,fax:2",
        "TEL;TYPE=x-callback;VALUE=uri:tel:3",
        version="4.0",
    )
    for bag in (old, new):
        assert bag[tags.PidTagBusinessTelephoneNumber] == "1"
        assert bag[tags.PidTagHomeFaxNumber] == "2"
        assert bag[tags.PidTagCallbackTelephoneNumber] == "3"
    bag = read("FN:x", "TEL;VALUE=uri;TYPE=work:tel:+1-418-656-9254;ext=102", version="4.0")
    assert bag[tags.PidTagBusinessTelephoneNumber] == "+1-418-656-9254 x102"


def test_email_groups() -> None:
    """[MS-OXVCARD] 2.1.3.4.2, [MS-OXOCNTC] 2.2.1.2: groups are whole, and the two lists of them agree."""
    content, notes = noted(
        "FN:Jo Doe",
        "EMAIL;TYPE=internet:b@example.org",
        "EMAIL;TYPE=internet,pref:a@example.org",
        "EMAIL:c@example.org",
        "EMAIL:d@example.org",
        "TEL;TYPE=work,fax:+1",
        "TEL;TYPE=fax:+2",
    )
    bag = content.properties
    assert [bag[slot] for slot in (
        tags.PidLidEmail1EmailAddress, tags.PidLidEmail2EmailAddress, tags.PidLidEmail3EmailAddress
    )] == ["a@example.org", "b@example.org", "c@example.org"]  # fmt: skip
    assert bag[tags.PidLidEmail1AddressType] == "SMTP"
    assert bag[tags.PidLidEmail1DisplayName] == "Jo Doe (a@example.org)"
    assert bag[tags.PidLidEmail1OriginalDisplayName] == "a@example.org"
    entry_id = decode(bag[tags.PidLidEmail1OriginalEntryId])  # type: ignore[arg-type]
    assert entry_id == OneOffEntryId("Jo Doe (a@example.org)", "SMTP", "a@example.org")
    assert (bag[tags.PidLidFax1AddressType], bag[tags.PidLidFax1EmailAddress]) == ("FAX", "Jo Doe@+1")
    assert bag[tags.PidLidFax3EmailAddress] == "Jo Doe@+2"
    assert bag[tags.PidLidAddressBookProviderEmailList] == (0, 1, 2, 3, 5)
    assert bag[tags.PidLidAddressBookProviderArrayType] == 0b101111
    assert notes == ["dropped: EMAIL: a contact has three of them"]


def test_addresses() -> None:
    """[MS-OXVCARD] 2.1.3.3.1, 2.1.3.3.2, [MS-OXOCNTC] 2.2.1.3."""
    bag = read(
        "FN:x",
        "ADR;TYPE=work,pref:Box 1;Office 7;1 Main St\\nFloor 2;Boulder;CO;33041;U.S.",
        "LABEL;TYPE=work:One Main Street\\nBoulder",
        "ADR;TYPE=home:;;345 Aspen Street;Boulder;CO;33041;U.S.",
        "ADR;TYPE=postal:;;3;;;;",
    )
    assert bag[tags.PidLidWorkAddressPostOfficeBox] == "Box 1"
    assert bag[tags.PidTagOfficeLocation] == "Office 7"
    assert bag[tags.PidLidWorkAddressStreet] == "1 Main St\r\nFloor 2"
    assert bag[tags.PidLidWorkAddressCity] == bag[tags.PidTagLocality] == "Boulder"
    assert bag[tags.PidLidWorkAddressState] == bag[tags.PidTagStateOrProvince] == "CO"
    assert bag[tags.PidLidWorkAddressPostalCode] == bag[tags.PidTagPostalCode] == "33041"
    assert bag[tags.PidLidWorkAddressCountry] == bag[tags.PidTagCountry] == "U.S."
    assert bag[tags.PidLidWorkAddress] == bag[tags.PidTagPostalAddress] == "One Main Street\r\nBoulder"
    assert bag[tags.PidLidPostalAddressId] == 2
    assert bag[tags.PidLidHomeAddress] == "345 Aspen Street\r\nBoulder, CO 33041\r\nU.S."
    assert bag[tags.PidTagHomeAddressStreet] == "345 Aspen Street"
    assert bag[tags.PidTagOtherAddressStreet] == bag[tags.PidLidOtherAddress] == "3"


@pytest.mark.parametrize(
    ("value", "street", "city", "country"),
    [
        (";;street;city;;;country", "street", "city", "country"),
        (";;street;city", "street", "city", None),
        (";;;city;;;country", None, "city", "country"),
        (";;a,b;city;;;country", "a, b", "city", "country"),
        (";;a\\;b;city;;;country", "a;b", "city", "country"),
        (";;;;;;country", None, None, "country"),
    ],
)
def test_parts_of_an_address_keep_their_place(value: str, street: str, city: str, country: str | None) -> None:
    """Parts that are empty or missing do not move the others, as they once did in gromox."""
    bag = read("FN:x", f"ADR;TYPE=home:{value}")
    assert bag.get(tags.PidTagHomeAddressStreet) == street
    assert bag.get(tags.PidTagHomeAddressCity) == city
    assert bag.get(tags.PidTagHomeAddressCountry) == country
    assert tags.PidTagHomeAddressPostOfficeBox not in bag


def test_addresses_of_the_other_versions() -> None:
    bag = read("FN:x", 'ADR;TYPE=work;PREF=1;CC=us;LABEL="1 Main, St^nBoulder":;;1;;;;', version="4.0")
    assert bag[tags.PidLidWorkAddress] == "1 Main, St\r\nBoulder"
    assert bag[tags.PidLidWorkAddressCountryCode] == bag[tags.PidLidAddressCountryCode] == "US"
    bag = read(
        "FN:x",
        "ADR;HOME;ENCODING=QUOTED-PRINTABLE:;;Hauptstra=DFe=0D=0A2;City, Ltd.;;;",
        "X-MS-OL-DEFAULT-POSTAL-ADDRESS:1",
        version="2.1",
    )
    assert bag[tags.PidTagHomeAddressStreet] == "Hauptstraße\r\n2"
    assert bag[tags.PidTagHomeAddressCity] == bag[tags.PidTagLocality] == "City, Ltd."
    bag = read("FN:x", "item1.ADR;TYPE=home:;;1;;;;", "item1.X-ABADR:de")
    assert bag[tags.PidTagHomeAddressStreet] == "1"
    assert bag[tags.PidLidHomeAddressCountryCode] == "DE"


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("BDAY:1601-01-02", 1),
        ("BDAY:16010102", 1),
        ("BDAY;VALUE=date:1601-1-2", 1),
        ("BDAY:1601-01-02T00:00:00Z", 1),
        ("BDAY:--0101", 1095),
        ("BDAY:--01-01", 1095),
        ("BDAY;X-APPLE-OMIT-YEAR=1702:1702-01-01", 1095),
        ("BDAY:1604-12-31", 1460),
        ("BDAY:--0229", 1154),
    ],
)
def test_birthday(line: str, days: int) -> None:
    """[MS-OXVCARD] 2.1.3.2.5: a day without a year is one of the leap year 1604."""
    bag = read("FN:x", line)
    assert bag[tags.PidTagBirthday] == bag[tags.PidLidBirthdayLocal] == days * _DAY


@pytest.mark.parametrize(
    "value", ["circa 1800", "1996", "1996-04", "---12", "206-12-15", "70-7-14", "1999-02-30", "1500-01-01"]
)
def test_no_birthday(value: str) -> None:
    content, notes = noted("FN:x", f"BDAY:{value}")
    assert tags.PidTagBirthday not in content.properties
    assert len(notes) == 1


def test_time_of_a_birthday_is_noted() -> None:
    content, notes = noted("FN:x", "BDAY:1601-01-02T23:10:00-06:00")
    assert content.properties[tags.PidTagBirthday] == _DAY
    assert notes == ["altered: BDAY: the time of the day is not kept"]


@pytest.mark.parametrize(
    "lines",
    [
        ["X-MS-ANNIVERSARY:16010102"],
        ["ANNIVERSARY:16010102"],
        ["i.X-ABDATE:1601-01-02", "i.X-ABLabel:_$!<Anniversary>!$_"],
    ],
)
def test_anniversary(lines: list[str]) -> None:
    bag = read("FN:x", *lines)
    assert bag[tags.PidTagWeddingAnniversary] == bag[tags.PidLidWeddingAnniversaryLocal] == _DAY


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1601-01-02T00:00:01Z", 86_401),
        ("16010102T000001Z", 86_401),
        ("16010102T010001+0100", 86_401),
        ("1601-01-02", 86_400),
        ("16010102T000001.5Z", 86_401.5),
    ],
)
def test_revision(value: str, seconds: float) -> None:
    """[MS-OXVCARD] 2.1.3.7.4."""
    assert read("FN:x", f"REV:{value}")[tags.PidTagLastModificationTime] == int(seconds * 10_000_000)
