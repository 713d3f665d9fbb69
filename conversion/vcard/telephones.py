"""Telephones: TEL and X-MS-TEL ([MS-OXVCARD] 2.1.3.4.1, 2.1.3.9.5).

A card may have any number of them, of several kinds at once; a contact has one or two of each kind. What finds no place
of its kind goes where a telephone of no kind would, and only what finds none at all is left out.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from conversion.vcard.card import Card, Entry, Found, one_line
from conversion.vcard.lines import Lines
from conversion.vcard.rows import text_of
from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey, PropertyTag

HOME_FAX, WORK_FAX, OTHER_FAX = tags.PidTagHomeFaxNumber, tags.PidTagBusinessFaxNumber, tags.PidTagPrimaryFaxNumber

_FAXES = (("home", HOME_FAX), ("work", WORK_FAX))
# In the order in which kinds of the same line are tried: what a thing is comes before where it stands.
_KINDS: tuple[tuple[frozenset[str], tuple[PropertyTag, ...]], ...] = (
    (frozenset(("pager", "beeper")), (tags.PidTagPagerTelephoneNumber,)),
    (frozenset(("textphone", "ttytdd", "ttytdd-phone", "ttyttd", "tty", "tty-tdd")),
     (tags.PidTagTelecommunicationsDeviceForDeafTelephoneNumber,)),
    (frozenset(("telex", "tlx")), (tags.PidTagTelexNumber,)),
    (frozenset(("cell", "mobile", "mobil", "iphone", "pcs")), (tags.PidTagMobileTelephoneNumber,)),
    (frozenset(("car",)), (tags.PidTagCarTelephoneNumber,)),
    (frozenset(("isdn",)), (tags.PidTagIsdnNumber,)),
    (frozenset(("assistant", "assistantphone")), (tags.PidTagAssistantTelephoneNumber,)),
    (frozenset(("callback",)), (tags.PidTagCallbackTelephoneNumber,)),
    (frozenset(("company", "main")), (tags.PidTagCompanyMainTelephoneNumber,)),
    (frozenset(("radio",)), (tags.PidTagRadioTelephoneNumber,)),
    (frozenset(("work",)), (tags.PidTagBusinessTelephoneNumber, tags.PidTagBusiness2TelephoneNumber)),
    (frozenset(("home",)), (tags.PidTagHomeTelephoneNumber, tags.PidTagHome2TelephoneNumber)),
)  # fmt: skip
_OTHER = tags.PidTagOtherTelephoneNumber
_PRIMARY = tags.PidTagPrimaryTelephoneNumber
# What says nothing of where it belongs: the first goes to the other telephone ([MS-OXVCARD] 2.1.3.4.1).
_PLAIN = frozenset(("voice", "msg", "video", "bbs", "modem", "text", "other", "internet", ""))

_TELEPHONES: tuple[tuple[PropertyTag, tuple[str, ...]], ...] = (
    (tags.PidTagBusinessTelephoneNumber, ("work",)),
    (tags.PidTagBusiness2TelephoneNumber, ("work",)),
    (tags.PidTagHomeTelephoneNumber, ("home",)),
    (tags.PidTagHome2TelephoneNumber, ("home",)),
    (tags.PidTagMobileTelephoneNumber, ("cell",)),
    (tags.PidTagOtherTelephoneNumber, ("voice",)),
    (tags.PidTagCarTelephoneNumber, ("car",)),
    (tags.PidTagPagerTelephoneNumber, ("pager",)),
    (tags.PidTagIsdnNumber, ("isdn",)),
    (WORK_FAX, ("work", "fax")),
    (HOME_FAX, ("home", "fax")),
    (OTHER_FAX, ("fax",)),
)
_EXTENDED: tuple[tuple[PropertyTag, str], ...] = (
    (tags.PidTagAssistantTelephoneNumber, "ASSISTANT"),
    (tags.PidTagCallbackTelephoneNumber, "CALLBACK"),
    (tags.PidTagCompanyMainTelephoneNumber, "COMPANY"),
    (tags.PidTagRadioTelephoneNumber, "RADIO"),
    (tags.PidTagTelecommunicationsDeviceForDeafTelephoneNumber, "TTYTDD"),
    (tags.PidTagTelexNumber, "TELEX"),
)
"""X-MS-TEL by its type ([MS-OXVCARD] 2.1.3.9.5); TELEX is ours, for there is none."""
_SECOND = {
    tags.PidTagBusiness2TelephoneNumber: tags.PidTagBusinessTelephoneNumber,
    tags.PidTagHome2TelephoneNumber: tags.PidTagHomeTelephoneNumber,
}
_KEPT_PREFERRED = frozenset((_PRIMARY, tags.PidTagBusinessTelephoneNumber))
"""Those that are written as preferred."""
_EXTENSION = re.compile(r";ext=([0-9A-Za-z.-]+)", re.I)

HANDLED: frozenset[PropertyKey] = frozenset(
    (*(key for key, _ in _TELEPHONES), *(key for key, _ in _EXTENDED), _PRIMARY,
     tags.PidTagBusiness2TelephoneNumbers, tags.PidTagHome2TelephoneNumbers)
)  # fmt: skip
"""The properties that write_telephones looks at."""


def read_telephones(card: Card, found: Found) -> None:
    """Read all telephones, those that are preferred first; the order of the others is kept."""
    entries = sorted(card.take("TEL", "X-MS-TEL"), key=lambda entry: entry.preference)
    late: list[tuple[Entry, str]] = []
    for entry in entries:
        label = card.label(entry)
        number = _number(entry)
        if not number:
            continue
        if label and label not in ("home", "work", "mobile", "main", "iphone", "other", "pager", "assistantphone"):
            card.receipt.dropped(entry.name, "the label of the user's own")
        places = _places(entry)
        if not any(_put(found, key, number) for key in places):
            late.append((entry, number))
        elif entry.is_preferred and _KEPT_PREFERRED.isdisjoint(places):
            card.receipt.altered(entry.name, "that it is preferred is not kept")
    for entry, number in late:
        if _put(found, _OTHER, number):
            if entry.kinds - _PLAIN:
                card.receipt.altered(entry.name, "the places of its kind were taken")
        else:
            card.receipt.dropped(entry.name, "a contact has no more places for telephones")


def _put(found: Found, key: PropertyTag, number: str) -> bool:
    return found.setdefault(key, number) == number


def _places(entry: Entry) -> list[PropertyTag]:
    """Name the properties that an entry may go to, the best first."""
    kinds = entry.kinds
    if "fax" in kinds or any("fax" in kind for kind in kinds):
        return [key for kind, key in _FAXES if any(kind in word for word in kinds)] or [OTHER_FAX]
    places = [key for words, keys in _KINDS if words & kinds for key in keys]
    if not places and entry.is_preferred:
        places.append(_PRIMARY)
    return places


def _number(entry: Entry) -> str:
    """Give the number; of a tel: URI without the scheme, its extension behind ([RFC3966] 3)."""
    text = one_line(entry.text())
    if text[:4].lower() != "tel:":
        return text
    text = text[4:]
    match = _EXTENSION.search(text)
    if match is not None:
        text = f"{text[: match.start()]}{text[match.end() :]} x{match[1]}"
    return one_line(unquote(text))


def write_telephones(properties: PropertyBag, lines: Lines) -> None:
    """Write TEL and X-MS-TEL; the business telephone is the preferred one of its kind ([MS-OXVCARD] 3.2)."""
    for key, kinds in _TELEPHONES:
        number = one_line(text_of(properties, key)) or _second_of_many(properties, key)
        if not number:
            continue
        first = _SECOND.get(key)
        if first is not None and (one_line(text_of(properties, first)) or number) == number:
            lines.receipt.altered("TEL", "a second telephone is the first, and stands alone")
        lines.text("TEL", number, kinds, preferred=key == tags.PidTagBusinessTelephoneNumber)
    if number := one_line(text_of(properties, _PRIMARY)):
        lines.text("TEL", number, preferred=True)
    for key, kind in _EXTENDED:
        if number := one_line(text_of(properties, key)):
            lines.text("X-MS-TEL", number, (kind,))


def _second_of_many(properties: PropertyBag, key: PropertyTag) -> str:
    """Give the second telephone where it is the first of a list."""
    many = {
        tags.PidTagBusiness2TelephoneNumber: tags.PidTagBusiness2TelephoneNumbers,
        tags.PidTagHome2TelephoneNumber: tags.PidTagHome2TelephoneNumbers,
    }.get(key)
    value = properties.get(many) if many is not None else None
    return one_line(value[0]) if isinstance(value, tuple) and value and isinstance(value[0], str) else ""
