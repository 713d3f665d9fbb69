"""Contacts and cards for properties of the vCard codec."""

from __future__ import annotations

from base64 import b64encode

from hypothesis import strategies as st

from conversion.contentlines import escape, write_line
from conversion.receipt import Receipt
from conversion.vcard.card import many_lines, one_line
from conversion.vcard.identity import NAME
from conversion.vcard.postal import HOME, OTHER, WORK
from conversion.vcard.reader import read_vcard
from conversion.vcard.rows import ROWS, USER_FIELDS, Shape
from conversion.vcard.telephones import HANDLED as TELEPHONES
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyBag, PropertyKey, Value


def card(*lines: str, version: str = "3.0") -> bytes:
    """Make a card."""
    return "\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""]).encode()


def read(*lines: str, version: str = "3.0") -> PropertyBag:
    """Read a card of which nothing is lost."""
    receipt = Receipt()
    content = read_vcard(card(*lines, version=version), receipt=receipt)
    assert list(receipt) == []
    return content.properties


def noted(*lines: str, version: str = "3.0") -> tuple[MessageContent, list[str]]:
    """Read a card; give the notes too."""
    receipt = Receipt()
    content = read_vcard(card(*lines, version=version), receipt=receipt)
    return content, [str(note) for note in receipt]


_LETTERS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
LINE = st.one_of(_LETTERS, st.text('ab ;,\\:=n"^é', min_size=1, max_size=90)).map(one_line).filter(bool)
TEXT = st.lists(LINE, min_size=1, max_size=3).map("\n".join).map(many_lines).map(str.strip).filter(bool)
_DAY = 864_000_000_000
_DAYS = st.integers(0, 150_000).map(lambda days: days * _DAY)
_ADDRESSES = st.text("abcdé.+", min_size=1, max_size=10).map(lambda local: f"{local}@example.org")
_MAILS = (
    (tags.PidLidEmail1EmailAddress, tags.PidLidEmail1AddressType),
    (tags.PidLidEmail2EmailAddress, tags.PidLidEmail2AddressType),
    (tags.PidLidEmail3EmailAddress, tags.PidLidEmail3AddressType),
)
_LINES: tuple[PropertyKey, ...] = (
    *NAME,
    *sorted(key for key in TELEPHONES if key.type == 0x1F),
    *(row.key for row in ROWS if row.shape in (Shape.LINE, Shape.LIST)),
    *(key for _, key in USER_FIELDS),
    *(key for place in (WORK, HOME, OTHER) for key in place.parts if key != place.street),
    tags.PidTagCompanyName,
    tags.PidTagDepartmentName,
    tags.PidTagOfficeLocation,
    tags.PidTagPersonalHomePage,
    tags.PidTagBusinessHomePage,
    tags.PidLidInstantMessagingAddress,
)
_TEXTS: tuple[PropertyKey, ...] = (
    tags.PidTagBody,
    *(key for place in (WORK, HOME, OTHER) for key in (place.street, place.whole)),
)


@st.composite
def contacts(draw: st.DrawFn) -> MessageContent:
    """Draw a contact as a client would make it, without what follows from the rest."""
    bag: dict[PropertyKey, Value] = {tags.PidTagMessageClass: "IPM.Contact", tags.PidTagDisplayName: draw(LINE)}
    for key in draw(st.sets(st.sampled_from(_LINES), max_size=12)):
        bag[key] = draw(LINE)
    for key in draw(st.sets(st.sampled_from(_TEXTS), max_size=3)):
        bag[key] = draw(TEXT)
    for keys in ((tags.PidTagBirthday, tags.PidLidBirthdayLocal),
                 (tags.PidTagWeddingAnniversary, tags.PidLidWeddingAnniversaryLocal)):  # fmt: skip
        if draw(st.booleans()):
            bag |= dict.fromkeys(keys, draw(_DAYS))
    for (key, kind), address in zip(_MAILS, draw(st.lists(_ADDRESSES, max_size=3)), strict=False):
        bag |= {key: address, kind: "SMTP"}
    if draw(st.booleans()):
        bag[tags.PidNameKeywords] = tuple(draw(st.lists(LINE, min_size=1, max_size=3, unique=True)))
    if draw(st.booleans()):
        bag[tags.PidTagChildrensNames] = tuple(draw(st.lists(LINE, min_size=1, max_size=3, unique=True)))
    if draw(st.booleans()):
        bag[tags.PidTagSensitivity] = draw(st.integers(0, 3))
    attachments = []
    if draw(st.booleans()):
        picture = b"\xff\xd8\xff" + draw(st.binary(max_size=80))
        attachments.append(AttachmentContent({tags.PidTagAttachmentContactPhoto: True}, picture))
    return MessageContent(bag, attachments=tuple(attachments))


@st.composite
def card_lines(draw: st.DrawFn) -> list[bytes]:
    """Draw the lines of a vCard 3.0 of a person, in the spelling of the writer."""
    fields = st.one_of(st.just(""), LINE)
    names = ";".join(escape(draw(fields)) for _ in range(5))
    found = [write_line("N", names), write_line("FN", escape(draw(LINE)))]
    texts = {"NICKNAME": (), "TITLE": (), "ROLE": (), "UID": (), "X-MS-SPOUSE": ("N",), "X-PHONETIC-LAST-NAME": ()}
    for name in sorted(draw(st.sets(st.sampled_from(sorted(texts))))):
        kinds = texts[name]
        found.append(write_line(name, escape(draw(LINE)), [("TYPE", kinds)] if kinds else ()))
    kinds_of_telephones = [("work", "pref"), ("home",), ("cell",), ("home", "fax"), ("pager",)]
    found += [
        write_line("TEL", escape(draw(LINE)), [("TYPE", kinds)])
        for kinds in draw(st.sets(st.sampled_from(kinds_of_telephones)))
    ]
    for number, address in enumerate(draw(st.lists(_ADDRESSES, max_size=3, unique=True))):
        found.append(write_line("EMAIL", address, [("TYPE", ("internet", "pref") if not number else ("internet",))]))
    for kind in draw(st.sets(st.sampled_from(["work", "home"]))):
        parts = ["", "", draw(LINE), *(draw(fields) for _ in range(4))]
        found.append(write_line("ADR", ";".join(map(escape, parts)), [("TYPE", kind)]))
    if draw(st.booleans()):
        picture = b64encode(b"\x89PNG\r\n\x1a\n" + draw(st.binary(max_size=40))).decode()
        found.append(write_line("PHOTO", picture, [("ENCODING", "b"), ("TYPE", "PNG")]))
    if draw(st.booleans()):
        found.append(
            write_line("BDAY", draw(st.dates().filter(lambda day: day.year >= 1601 and day.year != 1604)).isoformat())
        )
    return found
