"""What the MIME writer asks other converters for, in one place ([MS-OXCMAIL] 2.1).

A hook that is None is one that there is no converter for: the writer then leaves out what it would have made, or writes
it in a plainer form, and says so in the receipt. `HOOKS` has those that there are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conversion.bestbody import BodyFormat, best_body
from conversion.errors import ConversionError
from conversion.html.plain import html_to_plain
from conversion.mime.build import Entity
from conversion.receipt import Receipt
from conversion.rtf.encapsulated import Form, deencapsulate, encapsulate_text
from conversion.rtf.lzfu import compress, decompress
from conversion.rtf.tohtml import rtf_to_html
from conversion.tnef.writer import write_tnef
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag

if TYPE_CHECKING:
    from conversion.oxcmail.writejob import Job


@dataclass(frozen=True, slots=True)
class InlinePicture:
    """A picture that HTML made of RTF shows as `<img src="cid:CONTENT_ID">`."""

    content_id: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class RtfBody:
    """What a body in RTF says: HTML where it has any formatting, else text."""

    html: str | None
    text: str | None
    pictures: tuple[InlinePicture, ...] = ()


@dataclass(frozen=True, slots=True)
class CalendarPart:
    """An iCalendar object for a text/calendar part."""

    data: str
    method: str
    """REQUEST, REPLY, …; empty for none."""
    says: PropertyBag = field(default_factory=dict)
    """The properties that whoever reads it has again."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """The converters."""

    html_to_text: Callable[[str], str] = html_to_plain
    """The text/plain beside an HTML body."""
    rtf: Callable[[bytes, Receipt], RtfBody | None] | None = None
    """Reads PidTagRtfCompressed ([MS-OXRTFCP], [MS-OXRTFEX]); None for what is no RTF."""
    picture: Callable[[bytes], tuple[str, bytes] | None] | None = None
    """Turns a Windows metafile into an image that browsers show: media type and octets."""
    calendar: Callable[[MessageContent, Receipt], CalendarPart | None] | None = None
    """Exports a calendar object or a meeting message ([MS-OXCICAL])."""
    contact: Callable[[MessageContent, Receipt], bytes] | None = None
    """Writes a contact as a vCard in UTF-8 ([MS-OXVCARD])."""
    report: Callable[[MessageContent, Entity, list[Entity], Job], Entity | None] | None = None
    """Makes the multipart/report of a REPORT object from its properties, its readable part and its attachments."""
    smime: Callable[[MessageContent, Job], Entity | None] | None = None
    """Gives the content of a signed or encrypted message octet for octet ([MS-OXOSMIME])."""
    tnef: Callable[[MessageContent, bytes, bytes, Receipt], bytes | None] | None = None
    """Encodes a message as TNEF ([MS-OXTNEF]); after it come the original that attachments are slices of, and the
    correlation key."""


def read_rtf(data: bytes, receipt: Receipt) -> RtfBody | None:
    """Read PidTagRtfCompressed: what was encapsulated in it as it was, other RTF as HTML that looks like it."""
    try:
        rtf = decompress(data, receipt=receipt)
    except ConversionError:
        return None
    inside = deencapsulate(rtf)
    if inside is not None:
        return RtfBody(inside.text, None) if inside.form is Form.HTML else RtfBody(None, inside.text)
    page = rtf_to_html(rtf, receipt=receipt)
    pictures = [InlinePicture(picture.content_id, picture.media_type, picture.data) for picture in page.pictures]
    return RtfBody(page.html, None, tuple(pictures))


def encode_tnef(content: MessageContent, raw: bytes, correlator: bytes, receipt: Receipt) -> bytes:
    """Encode a message as TNEF, with its best body alone; plain text has RTF beside it ([MS-OXCMAIL] 2.1.3.3.2)."""
    best = best_body(content.properties)
    kept = {BodyFormat.PLAIN: tags.PidTagBody, BodyFormat.RTF: tags.PidTagRtfCompressed}.get(best, tags.PidTagHtml)
    properties = dict(content.properties)
    text = properties.get(tags.PidTagBody)
    without = [tag for tag in (tags.PidTagBody, tags.PidTagRtfCompressed, tags.PidTagHtml) if tag != kept]
    if best is BodyFormat.PLAIN and isinstance(text, str):
        properties[tags.PidTagRtfCompressed] = compress(encapsulate_text(text))
        without.remove(tags.PidTagRtfCompressed)
    whole = MessageContent(properties, content.recipients, content.attachments)
    return write_tnef(whole, receipt=receipt, raw=raw, without=without, correlator=correlator)


def make_report(content: MessageContent, body: Entity, attached: list[Entity], job: Job) -> Entity | None:
    """Make the multipart/report of a REPORT object ([MS-OXCMAIL] 2.1.3.6)."""
    from conversion.oxcmail.writereports import write_report

    return write_report(content, body, attached, job)


def keep_smime(content: MessageContent, job: Job) -> Entity | None:
    """Write a signed or encrypted message as it came ([MS-OXOSMIME] 2.1.3)."""
    from conversion.oxcmail.smime import write_smime

    return write_smime(content, job)


def export_calendar(content: MessageContent, receipt: Receipt) -> CalendarPart | None:
    """Export a calendar object or a meeting message ([MS-OXCICAL] 2.1.3.1)."""
    from conversion.oxcical.imip import calendar_part, calendar_properties

    part = calendar_part(content, receipt=receipt)
    if part is None:
        return None
    again = calendar_properties(part[0])
    return CalendarPart(part[0].decode("utf-8", "replace"), part[1], again.properties if again is not None else {})


def export_contact(content: MessageContent, receipt: Receipt) -> bytes:
    """Write a contact as a vCard ([MS-OXCMAIL] 2.1.3.4.6)."""
    from conversion.vcard.writer import write_vcard

    return write_vcard(content, receipt=receipt)


HOOKS = Hooks(
    calendar=export_calendar,
    contact=export_contact,
    rtf=read_rtf,
    tnef=encode_tnef,
    report=make_report,
    smime=keep_smime,
)
