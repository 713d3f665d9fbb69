"""Postal addresses: ADR and LABEL ([MS-OXVCARD] 2.1.3.3.1, 2.1.3.3.2, [MS-OXOCNTC] 2.2.1.3).

A contact has an address of work, one of home and another one, each in parts and as a whole; one of them is where mail
goes (PidLidPostalAddressId), and its parts stand once more in the properties of the mailing address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from conversion.contentlines import unescape
from conversion.vcard.card import Card, Entry, Found, joined, many_lines, one_line
from conversion.vcard.lines import Lines
from conversion.vcard.rows import text_of
from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey

_COUNTRY_CODE = re.compile(r"[A-Za-z]{2}\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """The properties of one address."""

    kind: str
    """TYPE; empty for the other address."""
    number: int
    """PidLidPostalAddressId where mail goes there ([MS-OXOCNTC] 2.2.1.3.9)."""
    box: PropertyKey
    street: PropertyKey
    city: PropertyKey
    region: PropertyKey
    code: PropertyKey
    country: PropertyKey
    whole: PropertyKey
    country_code: PropertyKey

    @property
    def parts(self) -> tuple[PropertyKey, ...]:
        """The parts of ADR in their order, without the extended address."""
        return (self.box, self.street, self.city, self.region, self.code, self.country)


WORK = Place(
    "work", 2, tags.PidLidWorkAddressPostOfficeBox, tags.PidLidWorkAddressStreet, tags.PidLidWorkAddressCity,
    tags.PidLidWorkAddressState, tags.PidLidWorkAddressPostalCode, tags.PidLidWorkAddressCountry,
    tags.PidLidWorkAddress, tags.PidLidWorkAddressCountryCode,
)  # fmt: skip
HOME = Place(
    "home", 1, tags.PidTagHomeAddressPostOfficeBox, tags.PidTagHomeAddressStreet, tags.PidTagHomeAddressCity,
    tags.PidTagHomeAddressStateOrProvince, tags.PidTagHomeAddressPostalCode, tags.PidTagHomeAddressCountry,
    tags.PidLidHomeAddress, tags.PidLidHomeAddressCountryCode,
)  # fmt: skip
OTHER = Place(
    "", 3, tags.PidTagOtherAddressPostOfficeBox, tags.PidTagOtherAddressStreet, tags.PidTagOtherAddressCity,
    tags.PidTagOtherAddressStateOrProvince, tags.PidTagOtherAddressPostalCode, tags.PidTagOtherAddressCountry,
    tags.PidLidOtherAddress, tags.PidLidOtherAddressCountryCode,
)  # fmt: skip
MAILING = Place(
    "", 0, tags.PidTagPostOfficeBox, tags.PidTagStreetAddress, tags.PidTagLocality, tags.PidTagStateOrProvince,
    tags.PidTagPostalCode, tags.PidTagCountry, tags.PidTagPostalAddress, tags.PidLidAddressCountryCode,
)  # fmt: skip
_PLACES = (WORK, HOME, OTHER)
_OUTLOOK_MAILING = "X-MS-OL-DEFAULT-POSTAL-ADDRESS"
_EXTENDED = 1  # the place of the extended address in ADR ([RFC2426] 3.2.1)
_PARTS = 7

HANDLED: frozenset[PropertyKey] = frozenset(
    (
        *(key for place in (*_PLACES, MAILING) for key in (*place.parts, place.whole, place.country_code)),
        tags.PidTagOfficeLocation,
        tags.PidLidPostalAddressId,
    )
)
"""The properties that write_addresses looks at."""


def read_addresses(card: Card, found: Found) -> None:
    """Read all addresses, their labels, and where mail goes."""
    entries = card.take("ADR")
    mailing = _outlook_mailing(card)
    taken: dict[Place, Entry] = {}
    for entry in entries:
        place = _place(entry, taken)
        if place is None:
            card.receipt.dropped("ADR", "a contact has no more places for addresses")
            continue
        label = card.label(entry)
        if label not in ("", "home", "work", "other"):
            card.receipt.dropped("ADR", "the label of the user's own")
        taken[place] = entry
        _read_parts(card, entry, place, found)
        if label := entry.line.parameter("LABEL") or "":
            found[place.whole] = many_lines(unescape(label)).strip()
        if entry.is_preferred and mailing is None:
            mailing = place.number
    _read_labels(card, found)
    for place in _PLACES:
        if place.whole not in found and (whole := compose(place, found)):
            found[place.whole] = whole
        if place.number == mailing and place.whole in found:
            found[tags.PidLidPostalAddressId] = mailing
            pairs = zip((*place.parts, place.whole, place.country_code),
                        (*MAILING.parts, MAILING.whole, MAILING.country_code), strict=True)  # fmt: skip
            found.update({copy: found[key] for key, copy in pairs if key in found})


def _outlook_mailing(card: Card) -> int | None:
    """Read what Outlook calls the address where mail goes."""
    entry = card.one(_OUTLOOK_MAILING)
    text = entry.text().strip() if entry is not None else ""
    return int(text) if text in ("1", "2", "3") else None


def _place(entry: Entry, taken: dict[Place, Entry]) -> Place | None:
    wanted = [place for place in (WORK, HOME) if place.kind in entry.kinds] or [OTHER]
    free = [place for place in (*wanted, OTHER) if place not in taken]
    return free[0] if free else None


def _read_parts(card: Card, entry: Entry, place: Place, found: Found) -> None:
    """Read the parts by their number: a part that is empty or missing moves no other."""
    components = entry.components()
    if any(value.strip() for values in components[_PARTS:] for value in values):
        card.receipt.dropped("ADR", "parts beyond the seventh")  # [RFC9554] 2.1 says there again what is in the street
    texts = [joined(values) for values in components[:_PARTS]]
    texts += [""] * (_PARTS - len(texts))
    extended = texts.pop(_EXTENDED)
    for key, text in zip(place.parts, texts, strict=True):
        text = many_lines(text).strip() if key == place.street else one_line(text)
        if text:
            found[key] = text
    if extended := many_lines(extended).strip():
        if place is WORK and tags.PidTagOfficeLocation not in found:
            found[tags.PidTagOfficeLocation] = one_line(extended)
        else:
            found[place.street] = "\r\n".join(filter(None, (extended, text_of(found, place.street))))
            card.receipt.altered("ADR", "the extended address is in the street")
    inside = card.in_group(entry, "X-ABADR")
    code = (entry.line.parameter("CC") or (one_line(inside.text()) if inside is not None else "")).strip()
    if _COUNTRY_CODE.match(code):
        found[place.country_code] = code.upper()
    elif code:
        card.receipt.dropped("X-ABADR", "no country code")


def _read_labels(card: Card, found: Found) -> None:
    """Read LABEL, which has the kinds of its ADR; where none of that kind is, it is an address of its own."""
    labelled: set[Place] = set()
    for entry in card.take("LABEL"):
        place = next((place for place in (WORK, HOME) if place.kind in entry.kinds), OTHER)
        text = many_lines(entry.text()).strip()
        if place in labelled:
            card.receipt.dropped("LABEL", "there is one of its kind already")
        elif text:
            labelled.add(place)
            found[place.whole] = text


def compose(place: Place, properties: PropertyBag) -> str:
    """Write an address as Outlook does: street, town with region and code, country; a line each."""
    box, street, city, region, code, country = (text_of(properties, key).strip() for key in place.parts)
    town = ", ".join(filter(None, (city, region)))
    town = " ".join(filter(None, (town, code)))
    return "\r\n".join(filter(None, (box, street, town, country)))


def write_addresses(properties: PropertyBag, lines: Lines) -> None:
    """Write ADR for each address, and its label where it says something else than the parts."""
    mailing = properties.get(tags.PidLidPostalAddressId)
    office = one_line(text_of(properties, tags.PidTagOfficeLocation))
    written = [
        place
        for place in _PLACES
        if _write_place(place, office if place is WORK else "", properties, lines, preferred=mailing == place.number)
    ]
    if any(place.number == mailing for place in written):
        return
    # Nothing says whose address the mailing address is; as in [MS-OXVCARD] 3.2 it is that of work, if there is none.
    if not any(text_of(properties, key) for key in (*MAILING.parts, MAILING.whole)):
        return
    if WORK in written:
        lines.receipt.dropped("PidTagStreetAddress", "the mailing address: the contact does not say whose it is")
    else:
        _write_place(MAILING, "", properties, lines, preferred=True, kind="work")
        lines.receipt.guessed("PidTagStreetAddress", "whose address it is was not said; taken as that of work")


def _write_place(
    place: Place, extended: str, properties: PropertyBag, lines: Lines, *, preferred: bool, kind: str = ""
) -> bool:
    parts = [many_lines(text_of(properties, key)).strip() for key in place.parts]
    whole = many_lines(text_of(properties, place.whole)).strip()
    code = text_of(properties, place.country_code)
    if not (any(parts) or extended or whole):
        if code:
            lines.receipt.dropped("country code", "there is no address")
        return False
    label = whole if whole != compose(place, properties) else ""
    kinds = tuple(filter(None, (kind or place.kind,)))
    group = ""
    parameters: list[tuple[str, str]] = []
    if label and lines.version == "4.0":
        parameters.append(("LABEL", label.replace("\\", "\\\\")))
    if _COUNTRY_CODE.match(code):
        if lines.version == "4.0":
            parameters.append(("CC", code))  # [RFC8605] 3.1
        else:
            group = lines.new_group()
    elif code:
        lines.receipt.dropped("country code", "it is none of two letters")
    if any(parts) or extended or lines.version == "4.0" or group:
        box, *rest = parts
        lines.fields("ADR", [box, extended, *rest], kinds, preferred=preferred, parameters=parameters, group=group)
        if group:
            lines.text("X-ABADR", code.lower(), group=group)
    if label and lines.version != "4.0":
        lines.text("LABEL", label, kinds, preferred=preferred)
    return True
