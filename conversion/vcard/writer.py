"""Contact objects and personal distribution lists as vCards ([MS-OXVCARD] 2.1.3).

    write_vcard(content, version="4.0", receipt=receipt)

vCard 3.0 is what mail programs read best, 4.0 is for address books that ask for it, 2.1 for devices that know no other.
"""

from __future__ import annotations

from collections.abc import Iterable

from conversion.codepages import decode_page
from conversion.errors import ConversionError
from conversion.html.plain import html_to_plain
from conversion.receipt import Receipt
from conversion.rtf.encapsulated import Form, deencapsulate
from conversion.rtf.lzfu import decompress
from conversion.rtf.tohtml import rtf_to_html
from conversion.vcard import dates, electronic, identity, lists, media, postal, rows, telephones
from conversion.vcard.lines import VERSIONS, Lines
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyBag, PropertyKey, PropertyName, Value

DEFAULT_VERSION = "3.0"
MAX_DEPTH = 4
"""Agents within one another; each level of vCard 3.0 doubles the escapes of those within it."""
PRODUCT = "-//oxgate//oxgate//EN"

_HANDLED = (
    rows.HANDLED | identity.HANDLED | telephones.HANDLED | dates.HANDLED | postal.HANDLED | electronic.HANDLED
    | media.HANDLED | lists.HANDLED
)  # fmt: skip
# What is derived from other properties, or is about the item and not about the person.
_SILENT: frozenset[PropertyKey] = frozenset(
    (
        tags.PidTagTransmittableDisplayName,
        tags.PidTagSendRichInfo,
        tags.PidTagSendInternetEncoding,
        tags.PidTagOriginalEntryId,
        tags.PidLidSideEffects,
        tags.PidLidContactItemData,
        tags.PidLidFileUnderList,
        tags.PidLidContactCharacterSet,
        tags.PidLidAutoLog,
        tags.PidLidCurrentVersion,
        tags.PidLidCurrentVersionName,
        tags.PidLidSmartNoAttach,
        tags.PidLidUseTnef,
        tags.PidLidTaskMode,
        tags.PidLidAgingDontAgeMe,
        tags.PidLidValidFlagStringProof,
        tags.PidLidInternetAccountName,
        tags.PidLidInternetAccountStamp,
        tags.PidLidBirthdayEventEntryId,
        tags.PidLidAnniversaryEventEntryId,
    )
)
_PEOPLE = range(0x3A00, 0x3B00)
"""Identifiers of properties that say something of a person ([MS-OXPROPS] 1.3.3)."""
_NAMES: dict[object, str] = {
    value: name for name, value in vars(tags).items() if isinstance(value, (int, PropertyName)) and name[:3] == "Pid"
}


def write_vcard(content: MessageContent, *, version: str = DEFAULT_VERSION, receipt: Receipt | None = None) -> bytes:
    """Write a contact, or a list if its class says so. ValueError for another version than 2.1, 3.0 and 4.0."""
    if version not in VERSIONS:
        raise ValueError(f"no version of vCard: {version!r}")
    return _write(content, version, receipt or Receipt(), 0)


def write_vcards(
    contents: Iterable[MessageContent], *, version: str = DEFAULT_VERSION, receipt: Receipt | None = None
) -> bytes:
    """Write several into one file."""
    notes = receipt or Receipt()
    return b"".join(
        write_vcard(content, version=version, receipt=notes.within(f"card {number}"))
        for number, content in enumerate(contents, 1)
    )


def _write(content: MessageContent, version: str, receipt: Receipt, depth: int) -> bytes:
    properties = {**content.properties}
    note = _note(properties, receipt)
    if note:
        properties[tags.PidTagBody] = note
    lines = Lines(version, receipt)
    if version != "2.1":
        lines.text("PRODID", PRODUCT)  # [MS-OXVCARD] 2.1.3.7.3
    identity.write_identity(properties, lines)
    if rows.text_of(properties, tags.PidTagMessageClass).lower().startswith("ipm.distlist"):
        lists.write_list(properties, lines)
    telephones.write_telephones(properties, lines)
    electronic.write_electronic(properties, lines)
    postal.write_addresses(properties, lines)
    dates.write_dates(properties, lines)
    rows.write_rows(properties, lines)
    for attachment in media.write_media(content, lines):
        _write_agent(attachment, version, lines, depth)
    for _ in content.recipients:
        receipt.dropped("recipient", "a card has none")
    _note_rest(properties, receipt)
    return lines.octets()


def _note(properties: PropertyBag, receipt: Receipt) -> str:
    """Give the notes as plain text, made of the body in another format if there is no plain one."""
    if tags.PidTagBody in properties:
        return rows.text_of(properties, tags.PidTagBody)
    html = rows.text_of(properties, tags.PidTagBodyHtml)
    data, compressed = properties.get(tags.PidTagHtml), properties.get(tags.PidTagRtfCompressed)
    if isinstance(data, bytes):
        page = properties.get(tags.PidTagInternetCodepage)
        html = decode_page(data, page if isinstance(page, int) else 65001)
    elif not html and isinstance(compressed, bytes):
        try:
            rtf = decompress(compressed, receipt=receipt)
        except ConversionError:
            receipt.dropped("PidTagRtfCompressed", "unreadable")
            return ""
        inside = deencapsulate(rtf)
        if inside is not None and inside.form is not Form.HTML:
            return inside.text
        html = inside.text if inside is not None else rtf_to_html(rtf, receipt=receipt).html
    if not html:
        return ""
    receipt.altered("NOTE", "plain text, without its formatting")
    return html_to_plain(html)


def _write_agent(attachment: AttachmentContent, version: str, lines: Lines, depth: int) -> None:
    """Write a contact within the contact as AGENT ([MS-OXVCARD] 2.1.3.6.4); other attachments have no place."""
    inner = attachment.data
    if not isinstance(inner, MessageContent):
        lines.receipt.dropped("attachment", "a card has no place for files")
    elif not rows.text_of(inner.properties, tags.PidTagMessageClass).lower().startswith("ipm.contact"):
        lines.receipt.dropped("attachment", "a message that is no contact")
    elif depth + 1 >= MAX_DEPTH:
        lines.receipt.dropped("AGENT", f"it is {depth + 1} deep")
    else:
        lines.card(_write(inner, version, lines.receipt.within("AGENT"), depth + 1))


def _note_rest(properties: PropertyBag, receipt: Receipt) -> None:
    """Note the properties that say something of the person and are in no line."""
    for key, value in properties.items():
        if key in _HANDLED or key in _SILENT or _says_nothing(value):
            continue
        if isinstance(key, PropertyName) or key.id in _PEOPLE:
            receipt.dropped(_NAMES.get(key) or _shown(key), "a card has no line for it")


def _shown(key: PropertyKey) -> str:
    """Show a property that has no name in the specification."""
    if isinstance(key, PropertyName):
        return f"{{{key.set}}} {key.key if isinstance(key.key, str) else hex(key.key)}"
    return f"{key:#010x}"


def _says_nothing(value: Value) -> bool:
    return not value or value == 0 or (isinstance(value, str) and not value.strip())
