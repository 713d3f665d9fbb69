"""Which property of a vCard is which property of a Contact object: the table for both directions ([MS-OXVCARD] 2.1.3).

What is a text, or a list of texts, needs no more than its row here. Telephones, addresses, electronic addresses, names
and dates have tables of their own beside the code that reads and writes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from conversion.vcard.card import Card, Entry, Found, many_lines, one_line
from conversion.vcard.lines import Lines
from store.mapi import tags
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, PropertyType

UID = PropertyName(tags.PS_PUBLIC_STRINGS, "urn:schemas:contacts:uid", PropertyType.STRING)
"""The UID of a card. No document names a property for it, and address books are synchronised by it."""


class Shape(Enum):
    """How a value is written."""

    LINE = "one line"
    TEXT = "lines"
    LIST = "a list that is one text in the property"
    EACH = "a list, of which each value is one of the property"


@dataclass(frozen=True, slots=True)
class Row:
    """One property on both sides."""

    name: str
    """As it is written."""
    key: PropertyKey
    shape: Shape = Shape.LINE
    aliases: tuple[str, ...] = ()
    """Other names that are read."""
    kind: str = ""
    """TYPE that is written."""


ROWS = (
    Row("NICKNAME", tags.PidTagNickname, Shape.LIST),  # [MS-OXVCARD] 2.1.3.2.3
    Row("TITLE", tags.PidTagTitle),  # [MS-OXVCARD] 2.1.3.6.1
    Row("ROLE", tags.PidTagProfession),  # [MS-OXVCARD] 2.1.3.6.2
    Row("CATEGORIES", tags.PidNameKeywords, Shape.EACH),  # [MS-OXVCARD] 2.1.3.7.1
    Row("NOTE", tags.PidTagBody, Shape.TEXT),  # [MS-OXVCARD] 2.1.3.7.2
    Row("UID", UID),  # [MS-OXVCARD] 2.1.3.7.7: there it is not kept
    # The extended ones ([MS-OXVCARD] 2.1.3.9).
    Row("FBURL", tags.PidLidFreeBusyLocation),
    Row("LANG", tags.PidTagLanguage),
    Row("X-MS-SPOUSE", tags.PidTagSpouseName, Shape.LINE, ("X-SPOUSE", "X-EVOLUTION-SPOUSE"), "N"),
    # [MS-OXVCARD] 2.1.3.9.8, 2.1.3.9.9
    Row("X-MS-MANAGER", tags.PidTagManagerName, Shape.LINE, ("X-MANAGER", "X-EVOLUTION-MANAGER"), "N"),
    Row("X-MS-ASSISTANT", tags.PidTagAssistant, Shape.LINE, ("X-ASSISTANT", "X-EVOLUTION-ASSISTANT"), "N"),
    Row("X-MS-CHILD", tags.PidTagChildrensNames, Shape.EACH, ("X-CHILD",)),
    Row("X-MS-INTERESTS", tags.PidTagHobbies, Shape.LIST, ("X-INTERESTS", "HOBBY", "INTEREST")),
    Row("X-PHONETIC-FIRST-NAME", tags.PidLidYomiFirstName),
    Row("X-PHONETIC-LAST-NAME", tags.PidLidYomiLastName),
    Row("X-PHONETIC-ORG", tags.PidLidYomiCompanyName),
)

USER_FIELDS = (
    ("custom1", tags.PidLidContactUserField1),
    ("custom2", tags.PidLidContactUserField2),
    ("custom3", tags.PidLidContactUserField3),
    ("custom4", tags.PidLidContactUserField4),
)
"""X-MS-TEXT, by its kind."""
_WEB_PAGES = (("home", tags.PidTagPersonalHomePage), ("work", tags.PidTagBusinessHomePage))
_RELATIONS: dict[str, PropertyKey] = {
    "spouse": tags.PidTagSpouseName,
    "partner": tags.PidTagSpouseName,
    "child": tags.PidTagChildrensNames,
    "son": tags.PidTagChildrensNames,
    "daughter": tags.PidTagChildrensNames,
    "manager": tags.PidTagManagerName,
    "assistant": tags.PidTagAssistant,
}
"""X-ABRELATEDNAMES by its label, RELATED by its kind ([RFC6350] 6.6.6)."""
_SENSITIVITIES = {"public": 0, "personal": 1, "x-personal": 1, "private": 2, "confidential": 3}  # [MS-OXCMSG] 2.2.1.13
_SENSITIVITY_NAMES = ("PUBLIC", "X-PERSONAL", "PRIVATE", "CONFIDENTIAL")
_PRIVATE = 2
_GENDERS = {"f": 1, "female": 1, "m": 2, "male": 2}  # PidTagGender ([MS-OXOCNTC] 2.2.1.10.18)
_GENDER_LETTERS = {1: "F", 2: "M"}


def text_of(properties: PropertyBag, key: PropertyKey) -> str:
    """Give a text, empty where there is none."""
    value = properties.get(key)
    return value if isinstance(value, str) else ""


def texts_of(properties: PropertyBag, key: PropertyKey) -> list[str]:
    """Give the texts of a multiple-valued property."""
    value = properties.get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, tuple) else []


def read_rows(card: Card, found: Found) -> None:
    """Read what a row says all of ([MS-OXVCARD] 2.1.3.2.3, 2.1.3.6.1, 2.1.3.6.2, 2.1.3.7.1, 2.1.3.7.2)."""
    for row in ROWS:
        _read_row(row, card, found)
    _read_user_fields(card, found)
    _read_web_pages(card, found)
    _read_relations(card, found)
    _read_class(card, found)
    _read_gender(card, found)


def _read_row(row: Row, card: Card, found: Found) -> None:
    names = (row.name, *row.aliases)
    if row.shape is Shape.LINE:
        entry = card.one(*names)
        if entry is not None and (text := one_line(entry.text())):
            found[row.key] = text
        return
    entries = card.take(*names)
    if row.shape is Shape.TEXT:
        texts = [text for entry in entries if (text := many_lines(entry.text())).strip()]
        if len(texts) > 1:
            card.receipt.altered(row.name, f"{len(texts)} of them are one text")
        if texts:
            found[row.key] = "\r\n\r\n".join(texts)
        return
    each = row.name == "X-MS-CHILD"
    values = [one_line(value) for entry in entries for value in ([entry.text()] if each else entry.values())]
    values = list(dict.fromkeys(value for value in values if value))
    if values:
        found[row.key] = ", ".join(values) if row.shape is Shape.LIST else tuple(values)


def _read_user_fields(card: Card, found: Found) -> None:
    """Read X-MS-TEXT into the four fields of the user's own; without a kind into the first that is free."""
    later: list[Entry] = []
    for entry in card.take("X-MS-TEXT"):
        key = next((key for kind, key in USER_FIELDS if kind in entry.kinds and key not in found), None)
        if key is None:
            later.append(entry)
        else:
            found[key] = one_line(entry.text())
    for entry in later:
        key = next((key for _, key in USER_FIELDS if key not in found), None)
        if key is None:
            card.receipt.dropped("X-MS-TEXT", "a contact has four of them")
        else:
            found[key] = one_line(entry.text())


def _read_web_pages(card: Card, found: Found) -> None:
    """Read URL: of home, of work, else the first that is free ([MS-OXVCARD] 2.1.3.7.8)."""
    later: list[Entry] = []
    for entry in sorted(card.take("URL"), key=lambda entry: entry.preference):
        card.label(entry)
        key = next((key for kind, key in _WEB_PAGES if kind in entry.kinds and key not in found), None)
        if key is None:
            later.append(entry)
        else:
            found[key] = one_line(entry.text())
    for entry in later:
        key = next((key for _, key in _WEB_PAGES if key not in found), None)
        if key is None:
            card.receipt.dropped("URL", "a contact has two of them")
        else:
            found[key] = one_line(entry.text())
            if entry.kinds & {"home", "work"}:
                card.receipt.altered("URL", "the place of its kind was taken")
    if tags.PidTagBusinessHomePage in found:
        found[tags.PidLidHtml] = found[tags.PidTagBusinessHomePage]


def _read_relations(card: Card, found: Found) -> None:
    for entry in card.take("X-ABRELATEDNAMES", "RELATED"):
        key = next((key for kind, key in _RELATIONS.items() if kind in entry.kinds), None)
        is_text = entry.name != "RELATED" or entry.value_type == "text"
        text = one_line(entry.text())
        card.label(entry)
        if key is None or not is_text:
            card.receipt.dropped(entry.name, "a contact has no place for this relation")
        elif key == tags.PidTagChildrensNames:
            before = texts_of(found, key)
            if text not in before:
                found[key] = (*before, text)
        elif found.setdefault(key, text) != text:
            card.receipt.dropped(entry.name, "the property has one value")


def _read_class(card: Card, found: Found) -> None:
    """Read CLASS ([MS-OXVCARD] 2.1.3.8.1)."""
    entry = card.one("CLASS", "X-CLASS")
    if entry is None:
        return
    sensitivity = _SENSITIVITIES.get(entry.text().strip().lower())
    if sensitivity is None:
        # [RFC2426] 3.7.1 knows three; what somebody wanted to restrict otherwise is not to be public.
        sensitivity = _PRIVATE
        card.receipt.guessed(entry.name, "no known class; taken as PRIVATE")
    found[tags.PidTagSensitivity] = sensitivity
    found[tags.PidLidPrivate] = sensitivity == _PRIVATE


def _read_gender(card: Card, found: Found) -> None:
    entry = card.one("GENDER", "X-GENDER", "X-WAB-GENDER")
    if entry is None:
        return
    text = entry.components()[0][0].strip().lower()
    gender = {"1": 1, "2": 2}.get(text) if entry.name == "X-WAB-GENDER" else _GENDERS.get(text)
    if gender is None or len(entry.components()) > 1:
        card.receipt.dropped(entry.name, "what a contact has no value for")
    if gender is not None:
        found[tags.PidTagGender] = gender


def write_rows(properties: PropertyBag, lines: Lines) -> None:
    """Write what a row says all of ([MS-OXVCARD] 2.1.3.2.3, 2.1.3.6.1, 2.1.3.6.2, 2.1.3.7.1, 2.1.3.7.2)."""
    for row in ROWS:
        kinds = (row.kind,) if row.kind else ()
        if row.shape is not Shape.EACH:
            if text_of(properties, row.key).strip():
                lines.text(row.name, text_of(properties, row.key), kinds)
        elif row.name == "X-MS-CHILD":
            for text in texts_of(properties, row.key):
                lines.text(row.name, text)
        elif values := [value for value in texts_of(properties, row.key) if value.strip()]:
            lines.list(row.name, values)
    for kind, field in USER_FIELDS:
        if text := text_of(properties, field):
            lines.text("X-MS-TEXT", text, (kind.upper(),))
    work = text_of(properties, tags.PidTagBusinessHomePage) or text_of(properties, tags.PidLidHtml)
    for kind, text in (("work", work), ("home", text_of(properties, tags.PidTagPersonalHomePage))):
        if one_line(text):
            lines.uri("URL", one_line(text), (kind,))
    _write_codes(properties, lines)


def _write_codes(properties: PropertyBag, lines: Lines) -> None:
    sensitivity = properties.get(tags.PidTagSensitivity)
    if sensitivity is None and properties.get(tags.PidLidPrivate) is True:
        sensitivity = _PRIVATE
    if isinstance(sensitivity, int) and 0 <= sensitivity < len(_SENSITIVITY_NAMES):
        # vCard 4.0 has no CLASS any more ([RFC6350] A.2).
        lines.text("X-CLASS" if lines.version == "4.0" else "CLASS", _SENSITIVITY_NAMES[sensitivity])
    gender = properties.get(tags.PidTagGender)
    letter = _GENDER_LETTERS.get(gender) if isinstance(gender, int) else None
    if letter is not None:
        lines.text("GENDER" if lines.version == "4.0" else "X-GENDER", letter)


HANDLED: frozenset[PropertyKey] = frozenset(
    (
        *(row.key for row in ROWS),
        *(key for _, key in USER_FIELDS),
        *(key for _, key in _WEB_PAGES),
        tags.PidLidHtml,
        tags.PidTagSensitivity,
        tags.PidLidPrivate,
        tags.PidTagGender,
    )
)
"""The properties that write_rows looks at."""
