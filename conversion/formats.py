"""Every format that a Message object comes in or goes out as, behind one door: what `oxgate convert` offers.

    form = recognise("mail.eml", data)                      # Format.EML
    loaded = read(data, form, receipt=receipt)              # Message objects, and the MIME that they are slices of
    out = write(loaded, loaded.contents[0], Format.MSG, receipt=receipt)

The body formats (RTF, HTML, text) hold a body alone: read, they are a note with nothing but that; written, they are
the best body of a message, converted where it is of another kind ([MS-OXBBODY]).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from conversion.attachmentdata import read_attachment_data
from conversion.bestbody import BodyFormat, best_body
from conversion.codepages import decode_page
from conversion.errors import ConversionError
from conversion.html.fromplain import plain_to_html
from conversion.html.plain import html_to_plain
from conversion.mapijson import read_json, write_json
from conversion.mime.charset import decode_text, decode_unlabelled
from conversion.mime.html import meta_charset
from conversion.mime.rendition import normalise_newlines, render
from conversion.msg.compound import SIGNATURE as COMPOUND
from conversion.msg.reader import read_msg
from conversion.msg.writer import write_msg
from conversion.oxcmail.hooks import read_rtf
from conversion.oxcmail.reader import read_mime
from conversion.oxcmail.writer import Audience, write_mime
from conversion.receipt import Receipt
from conversion.rtf.encapsulated import encapsulate_html, encapsulate_text
from conversion.rtf.lzfu import compress, decompress
from conversion.tnef.reader import read_tnef
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyKey, Value

if TYPE_CHECKING:
    from conversion.oxcical.published import Published

_UTF_8 = 65001
_TNEF = b"\x78\x9f\x3e\x22"


class Format(Enum):
    """A format, by the word that names it on the command line, which is also how its files end."""

    EML = "eml"
    """A message as MIME ([RFC5322], [MS-OXCMAIL])."""
    MAPI = "mapi"
    """A Message object as JSON (conversion.mapijson)."""
    TNEF = "tnef"
    """winmail.dat ([MS-OXTNEF])."""
    MSG = "msg"
    """A message file of Outlook ([MS-OXMSG])."""
    ICS = "ics"
    """Calendar objects as iCalendar ([RFC5545], [MS-OXCICAL])."""
    VCF = "vcf"
    """Contacts as vCards ([RFC6350], [MS-OXVCARD])."""
    RTF = "rtf"
    """A body as Rich Text, or as the compressed form of it ([MS-OXRTFCP])."""
    HTML = "html"
    """A body as HTML."""
    TXT = "txt"
    """A body as text."""


ENDINGS = {
    ".eml": Format.EML, ".mapi": Format.MAPI, ".json": Format.MAPI, ".tnef": Format.TNEF, ".dat": Format.TNEF,
    ".msg": Format.MSG, ".oft": Format.MSG, ".rtf": Format.RTF, ".html": Format.HTML, ".htm": Format.HTML,
    ".txt": Format.TXT, ".ics": Format.ICS, ".ical": Format.ICS, ".vcs": Format.ICS, ".vcf": Format.VCF,
    ".vcard": Format.VCF,
}  # fmt: skip
"""Which format a file has by the end of its name."""
_BEGIN = re.compile(rb"BEGIN[ \t]*:[ \t]*(VCARD|VCALENDAR)", re.IGNORECASE)
_CONTACT = re.compile(r"IPM\.(?:Contact|DistList)(?:\.|\Z)", re.IGNORECASE)
_FIELD = re.compile(rb"[!-9;-~]{1,80}[ \t]*:")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds."""

    contents: tuple[MessageContent, ...]
    raw: bytes = b""
    """The MIME that attachments are slices of."""
    calendar: Published | None = None
    """What a calendar says of itself, if it does."""

    def octets(self, attachment: AttachmentContent) -> bytes | None:
        """Give what an attachment holds by value, decoded."""
        return read_attachment_data(self.raw, attachment)


def recognise(name: str, data: bytes) -> Format | None:
    """Tell a format by the octets, and where they could be several by the name; None where neither tells."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if data.startswith(COMPOUND):
        return Format.MSG
    if data.startswith(_TNEF):
        return Format.TNEF
    if start.startswith(b"{\\rtf") or data[8:12] in (b"LZFu", b"MELA"):
        return Format.RTF
    if begin := _BEGIN.match(start):
        return Format.VCF if begin[1].upper() == b"VCARD" else Format.ICS
    ending = ENDINGS.get(_ending(name))
    if ending in _TOLD_BY_OCTETS:
        ending = None  # it is called so, and is none
    if ending is not None:
        return ending
    if start.startswith(b"{"):
        return Format.MAPI
    if start[:1] == b"<":
        return Format.HTML
    return Format.EML if _FIELD.match(start) or start.startswith(b"From ") else None


_TOLD_BY_OCTETS = frozenset((Format.MSG, Format.TNEF, Format.RTF))


def _ending(name: str) -> str:
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def read(data: bytes, form: Format, *, receipt: Receipt | None = None) -> Loaded:
    """Read a file. Raises ConversionError for one that is not of the format."""
    return _READERS[form](data, receipt or Receipt())


def write(loaded: Loaded, content: MessageContent, form: Format, *, receipt: Receipt | None = None) -> bytes:
    """Write a message of those that were read. Raises ConversionError where it has no form there."""
    return _WRITERS[form](loaded, content, receipt or Receipt())


def write_all(loaded: Loaded, form: Format, *, receipt: Receipt | None = None) -> list[bytes]:
    """Write everything that was read: in one file where the format holds several, else a file each.

    Raises ConversionError where something has no form there.
    """
    notes = receipt or Receipt()
    if loaded.calendar is not None and form is not Format.ICS:
        notes.dropped("calendar", "its name and what else it says of itself")
    if len(loaded.contents) == 1:
        return [write(loaded, loaded.contents[0], form, receipt=notes)]
    if form is Format.ICS:
        from conversion.oxcical.exporter import write_calendar

        return [write_calendar(loaded.contents, data_of=loaded.octets, published=loaded.calendar, receipt=notes)]
    written = [
        write(loaded, content, form, receipt=notes.within(f"message {number}"))
        for number, content in enumerate(loaded.contents, 1)
    ]
    return [b"".join(written)] if form is Format.VCF else written


# ------------------------------------------------------------------------------------------------------- readers


def _read_eml(data: bytes, receipt: Receipt) -> Loaded:
    if not data.strip():
        raise ConversionError("the message is empty")
    raw = normalise_newlines(data)
    return Loaded((read_mime(render(raw), receipt=receipt, whole=True),), raw)


def _one(content: MessageContent) -> Loaded:
    return Loaded((content,))


def _read_rtf(data: bytes, receipt: Receipt) -> Loaded:
    packed = data if data[8:12] in (b"LZFu", b"MELA") else compress(data)
    decompress(packed, receipt=receipt)
    return _note({tags.PidTagRtfCompressed: packed, tags.PidTagRtfInSync: True}, BodyFormat.RTF)


def _read_html(data: bytes, receipt: Receipt) -> Loaded:
    html = decode_text(data, meta_charset(data) or None).removeprefix("\ufeff")
    return _note({tags.PidTagHtml: html.encode("utf-8"), tags.PidTagInternetCodepage: _UTF_8}, BodyFormat.HTML)


def _read_txt(data: bytes, receipt: Receipt) -> Loaded:
    text = decode_unlabelled(data).removeprefix("\ufeff")
    return _note({tags.PidTagBody: text.replace("\r\n", "\n").replace("\n", "\r\n")}, BodyFormat.PLAIN)


def _note(body: dict[PropertyKey, Value], native: BodyFormat) -> Loaded:
    return Loaded((MessageContent({tags.PidTagMessageClass: "IPM.Note", **body, tags.PidTagNativeBody: int(native)}),))


def _read_ics(data: bytes, receipt: Receipt) -> Loaded:
    from conversion.oxcical.importer import read_calendar_file

    found = read_calendar_file(data, receipt=receipt)
    return Loaded(tuple(found.contents), calendar=found.published or None)


def _read_vcf(data: bytes, receipt: Receipt) -> Loaded:
    from conversion.vcard.reader import read_vcards

    return Loaded(tuple(read_vcards(data, receipt=receipt)))


_READERS: dict[Format, Callable[[bytes, Receipt], Loaded]] = {
    Format.EML: _read_eml,
    Format.MAPI: lambda data, receipt: _one(read_json(data)),
    Format.TNEF: lambda data, receipt: _one(read_tnef(data, receipt=receipt)),
    Format.MSG: lambda data, receipt: _one(read_msg(data, receipt=receipt)),
    Format.ICS: _read_ics,
    Format.VCF: _read_vcf,
    Format.RTF: _read_rtf,
    Format.HTML: _read_html,
    Format.TXT: _read_txt,
}


# ------------------------------------------------------------------------------------------------------- writers


def _write_eml(loaded: Loaded, content: MessageContent, receipt: Receipt) -> bytes:
    return b"".join(write_mime(content, receipt=receipt, raw=loaded.raw, audience=Audience.OWNER))


def _write_tnef(loaded: Loaded, content: MessageContent, receipt: Receipt) -> bytes:
    """Write a stream that says who gets the message: no header around it does."""
    return write_tnef(content, raw=loaded.raw, receipt=receipt, recipients=True)


def _write_rtf(loaded: Loaded, content: MessageContent, receipt: Receipt) -> bytes:
    packed = content.properties.get(tags.PidTagRtfCompressed)
    if isinstance(packed, bytes) and best_body(content.properties) is BodyFormat.RTF:
        return decompress(packed, receipt=receipt)
    html, text = _body(content, receipt)
    return encapsulate_html(html) if html is not None else encapsulate_text(text or "")


def _write_html(loaded: Loaded, content: MessageContent, receipt: Receipt) -> bytes:
    html, text = _body(content, receipt)
    return (html if html is not None else plain_to_html(text or "")).encode("utf-8", "replace")


def _write_txt(loaded: Loaded, content: MessageContent, receipt: Receipt) -> bytes:
    plain = content.properties.get(tags.PidTagBody)
    html, text = _body(content, receipt)
    if html is not None:
        text = plain if isinstance(plain, str) and plain.strip() else html_to_plain(html)
    return (text or "").replace("\r\n", "\n").encode("utf-8", "replace")


def _write_ics(loaded: Loaded, content: MessageContent, receipt: Receipt) -> bytes:
    from conversion.oxcical.exporter import write_calendar

    published = loaded.calendar if len(loaded.contents) == 1 else None
    return write_calendar(content, data_of=loaded.octets, published=published, receipt=receipt)


def _write_vcf(loaded: Loaded, content: MessageContent, receipt: Receipt) -> bytes:
    from conversion.vcard.writer import write_vcard

    kind = content.properties.get(tags.PidTagMessageClass)
    name = kind if isinstance(kind, str) else "IPM.Note"
    if not _CONTACT.match(name):
        raise ConversionError(f"a message of the class {name} is no contact")
    return write_vcard(content, receipt=receipt)


def _body(content: MessageContent, receipt: Receipt) -> tuple[str | None, str | None]:
    """Give the best body: HTML, or text where there is none. Raises ConversionError where there is no body at all."""
    properties = content.properties
    best = best_body(properties)
    if best is BodyFormat.RTF:
        packed = properties.get(tags.PidTagRtfCompressed)
        found = read_rtf(packed, receipt) if isinstance(packed, bytes) else None
        if found is not None:
            return found.html, found.text
        receipt.dropped("PidTagRtfCompressed", "it cannot be read")
    html = properties.get(tags.PidTagHtml)
    if isinstance(html, bytes) and best is not BodyFormat.PLAIN:
        page = properties.get(tags.PidTagInternetCodepage)
        return decode_page(html, page if isinstance(page, int) else _UTF_8), None
    text = properties.get(tags.PidTagBody)
    if isinstance(text, str):
        return None, text
    raise ConversionError("the message has no body that can be shown")


_WRITERS: dict[Format, Callable[[Loaded, MessageContent, Receipt], bytes]] = {
    Format.EML: _write_eml,
    Format.MAPI: lambda loaded, content, receipt: write_json(content, raw=loaded.raw, receipt=receipt).encode(),
    Format.TNEF: _write_tnef,
    Format.MSG: lambda loaded, content, receipt: write_msg(content, raw=loaded.raw, receipt=receipt),
    Format.ICS: _write_ics,
    Format.VCF: _write_vcf,
    Format.RTF: _write_rtf,
    Format.HTML: _write_html,
    Format.TXT: _write_txt,
}
