"""Names and organisation: FN, N, ORG ([MS-OXVCARD] 2.1.3.2.1, 2.1.3.2.2, 2.1.3.6.5), and what is derived from them.

Outlook shows a contact under PidLidFileUnder, lists it by PidTagSubject, and wants both to agree with the names, else
it makes them anew ([MS-OXOCNTC] 2.2.1.1).
"""

from __future__ import annotations

from conversion.vcard.card import Card, Found, joined, one_line
from conversion.vcard.lines import Lines
from conversion.vcard.rows import text_of
from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey, PropertyTag

NAME: tuple[PropertyTag, ...] = (
    tags.PidTagSurname,
    tags.PidTagGivenName,
    tags.PidTagMiddleName,
    tags.PidTagDisplayNamePrefix,
    tags.PidTagGeneration,
)
"""The components of N, in order."""
# PidLidFileUnderId ([MS-OXOCNTC] 2.2.1.1.12).
_BY_DISPLAY_NAME, _BY_COMPANY, _BY_HAND = 0x3001, 0x3A16, -1
_KINDS = frozenset(("", "individual", "org", "group"))
_BETWEEN_UNITS = "; "

HANDLED: frozenset[PropertyKey] = frozenset(
    (
        *NAME,
        tags.PidTagDisplayName,
        tags.PidTagSubject,
        tags.PidTagNormalizedSubject,
        tags.PidTagCompanyName,
        tags.PidTagDepartmentName,
        tags.PidLidFileUnder,
        tags.PidLidFileUnderId,
    )
)
"""The properties that write_identity looks at."""


def read_identity(card: Card, found: Found) -> None:
    """Read FN, N, ORG and how the contact is filed; a missing FN is made of what there is."""
    _read_name(card, found)
    _read_organisation(card, found)
    kind = card.one("KIND")
    word = kind.text().strip().lower() if kind is not None else ""
    if word not in _KINDS:
        card.receipt.altered("KIND", "it is a contact like those of people")
    shown = card.one("X-ABSHOWAS")
    is_company = word == "org" or (shown is not None and shown.text().strip().upper() == "COMPANY")
    formatted = card.one("FN")
    name = one_line(formatted.text()) if formatted is not None else ""
    if is_company and name:
        found.setdefault(tags.PidTagCompanyName, name)
    filed = card.one("X-EVOLUTION-FILE-AS", "X-FILE-AS")
    under = one_line(filed.text()) if filed is not None else ""
    if not name:
        name = _made_of(found) or under
        if name:
            card.receipt.guessed("FN", "it is missing; made of other properties")
    if name:
        found[tags.PidTagDisplayName] = name
        found[tags.PidTagSubject] = name
        found[tags.PidTagNormalizedSubject] = name
    company = text_of(found, tags.PidTagCompanyName)
    if under and under != name:
        found[tags.PidLidFileUnder], found[tags.PidLidFileUnderId] = under, _BY_HAND
    elif is_company and company:
        found[tags.PidLidFileUnder], found[tags.PidLidFileUnderId] = company, _BY_COMPANY
    elif name:
        found[tags.PidLidFileUnder], found[tags.PidLidFileUnderId] = name, _BY_DISPLAY_NAME


def _read_name(card: Card, found: Found) -> None:
    """Read N ([MS-OXVCARD] 2.1.3.2.2); given names and titles that are lists become one text."""
    entry = card.one("N")
    if entry is None:
        return
    components = entry.components()
    for key, values in zip(NAME, components, strict=False):
        by = ", " if key == tags.PidTagGeneration else " "
        text = one_line(joined(values, by))
        if text:
            found[key] = text
    # [RFC9554] 2.2 has two more components, which say again what the five have said.
    if any(value.strip() for values in components[len(NAME) :] for value in values):
        card.receipt.dropped("N", "components beyond the fifth")


def _read_organisation(card: Card, found: Found) -> None:
    """Read ORG: the company, and its units as the department ([MS-OXVCARD] 2.1.3.6.5)."""
    entry = card.one("ORG")
    if entry is None:
        return
    card.label(entry)
    company, *units = (one_line(joined(values)) for values in entry.components())
    if company:
        found[tags.PidTagCompanyName] = company
    department = _BETWEEN_UNITS.join(filter(None, units))
    if department:
        found[tags.PidTagDepartmentName] = department


def _made_of(found: Found) -> str:
    """Make a display name of the names, else of the nickname or the company."""
    order = (NAME[3], NAME[1], NAME[2], NAME[0], NAME[4])
    name = " ".join(filter(None, (text_of(found, key) for key in order)))
    return name or text_of(found, tags.PidTagNickname) or text_of(found, tags.PidTagCompanyName)


def display_name(properties: PropertyBag) -> str:
    """Give the name under which a contact is shown: PidTagDisplayName, else what comes nearest."""
    for key in (tags.PidTagDisplayName, tags.PidTagSubject, tags.PidTagNormalizedSubject):
        if text := one_line(text_of(properties, key)):
            return text
    for text in (_made_of(dict(properties)), text_of(properties, tags.PidLidFileUnder)):
        if text := one_line(text):
            return text
    return one_line(text_of(properties, tags.PidLidEmail1EmailAddress))


def write_identity(properties: PropertyBag, lines: Lines) -> None:
    """Write N, FN, ORG and how the contact is filed."""
    name = display_name(properties)
    names = [one_line(text_of(properties, key)) for key in NAME]
    if any(names) or lines.version != "4.0":  # [RFC2426] 3.1.2 wants N, [RFC6350] 6.2.2 does not
        lines.fields("N", names)
    lines.text("FN", name)
    if not name:
        lines.receipt.altered("FN", "the contact has no name at all")
    company = one_line(text_of(properties, tags.PidTagCompanyName))
    department = one_line(text_of(properties, tags.PidTagDepartmentName))
    if company or department:
        lines.fields("ORG", [company, *_units(department)])
    under = one_line(text_of(properties, tags.PidLidFileUnder))
    rule = properties.get(tags.PidLidFileUnderId)
    if under and rule == _BY_COMPANY and under == company:
        lines.text("KIND", "org") if lines.version == "4.0" else lines.text("X-ABShowAs", "COMPANY")
    elif under and under != name:
        lines.text("X-EVOLUTION-FILE-AS", under)
        if rule != _BY_HAND:
            lines.receipt.altered("PidLidFileUnderId", "the rule is not kept, but what it made")


def _units(department: str) -> list[str]:
    units = department.split(_BETWEEN_UNITS)
    is_same = all(unit == unit.strip() and unit for unit in units)
    return units if is_same else [department] if department else []
