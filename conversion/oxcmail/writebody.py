"""The body of the MIME writer: the best body in its charset, text beside HTML ([MS-OXCMAIL] 2.1.3.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from conversion.bestbody import BodyFormat, best_body, is_exempt
from conversion.codepages import decode_page
from conversion.mime.build import (
    Entity,
    Leaf,
    Multipart,
    canonical_text,
    choose_encoding,
    media_field,
    parameter_tokens,
)
from conversion.mime.charset import charset_label, code_page, encode_text
from conversion.mime.html import meta_charset
from conversion.oxcmail.hooks import CalendarPart, InlinePicture, RtfBody
from conversion.oxcmail.writejob import Job, binary_of, number_of, text_of
from store.mapi import tags
from store.mapi.message import MessageContent
from store.mapi.types import PropertyBag

_UTF_8 = 65001
_SURROGATE = re.compile("[\ud800-\udfff]")
# PidTagInternetMailOverrideFormat ([MS-OXOMSG] 2.2.1.11): whether it prefers anything, and which bodies.
_PREFERS_MIME = 0x00060000
_TEXTS, _HTML_ALONE = 0x00180000, 0x00080000


@dataclass(slots=True)
class Body:
    """What a message says, in the forms that are written."""

    plain: Leaf | None = None
    html: Leaf | None = None
    source: str = ""
    """The HTML."""
    pictures: tuple[InlinePicture, ...] = ()
    """Pictures of the body that are no attachments: those of RTF."""


def write_body(content: MessageContent, job: Job) -> Body:
    """Choose and write the body ([MS-OXCMAIL] 2.1.3.3.3 to 2.1.3.3.7).

    Plain text stands alone; beside HTML, and beside what was made of RTF, stands a text made of it.
    """
    properties = content.properties
    form = BodyFormat.PLAIN if is_exempt(properties) else best_body(properties)
    body = _rich_text(properties, job) if form is BodyFormat.RTF else None
    if body is None:
        html = _html(properties, job) if form is not BodyFormat.PLAIN else None
        body = Body(html=html[0], source=html[1]) if html is not None else Body()
    if body.html is None and body.plain is None:
        _note_missing(properties, form, job)
        body.plain = _plain(properties, job)
    elif body.plain is None:
        _beside_html(properties, body, job)
    return _preferred(properties, body, job)


def _note_missing(properties: PropertyBag, form: BodyFormat, job: Job) -> None:
    native = number_of(properties, tags.PidTagNativeBody)
    wanted = {2: tags.PidTagRtfCompressed, 3: tags.PidTagHtml}.get(native or 0, tags.PidTagBody)
    if form is BodyFormat.CLEAR_SIGNED or (native in (1, 2, 3) and wanted not in properties):
        job.receipt.dropped("PidTagNativeBody", "the body that it speaks of is not in the object")


def _leaf(subtype: str, data: bytes, label: str) -> Leaf:
    fields = [media_field("Content-Type", f"text/{subtype}", [parameter_tokens("charset", label)])]
    return Leaf(fields, data, choose_encoding(data))


def _text_leaf(subtype: str, text: str, page: int) -> tuple[Leaf, str]:
    """Write text in a code page if it has all of it, else in UTF-8; give the charset too."""
    # A half of a surrogate pair is in no charset.
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    data, label = encode_text(canonical_text(whole), page)
    return _leaf(subtype, data, label), label


def _page(properties: PropertyBag) -> int:
    """Return the code page to write in, as far as it has all characters ([MS-OXCMAIL] 2.1.3.3.3)."""
    internet = number_of(properties, tags.PidTagInternetCodepage)
    return internet or number_of(properties, tags.PidTagMessageCodepage) or _UTF_8


def _note_page(label: str, properties: PropertyBag, job: Job) -> None:
    """Say where a charset stands for another code page than the object has."""
    page = number_of(properties, tags.PidTagInternetCodepage)
    if page is not None and page != code_page(label):
        job.receipt.altered("PidTagInternetCodepage", f"what was in code page {page} is in {label}")


def _plain(properties: PropertyBag, job: Job) -> Leaf:
    """Write the plain body ([MS-OXCMAIL] 2.1.3.3.3)."""
    text = text_of(properties, tags.PidTagBody)
    leaf, label = _text_leaf("plain", text, _page(properties))
    _note_page(label, properties, job)
    if canonical_text(text) != text:
        job.receipt.altered("PidTagBody", "line ends became CRLF")
    if _SURROGATE.search(text):
        job.receipt.altered("PidTagBody", "halves of surrogate pairs were replaced")
    return leaf


def _html(properties: PropertyBag, job: Job) -> tuple[Leaf, str] | None:
    """Write the HTML body: octets under the name of their code page, or in UTF-8 where MIME has no name for that."""
    data = binary_of(properties, tags.PidTagHtml)
    if tags.PidTagHtml not in properties:
        text = text_of(properties, tags.PidTagBodyHtml)
        if not text:
            return None
        leaf, label = _text_leaf("html", text, _page(properties))
        _note_page(label, properties, job)
        return leaf, text
    page = _page(properties)
    if tags.PidTagInternetCodepage not in properties:
        page = code_page(meta_charset(data)) if meta_charset(data) else page
    text = decode_page(data, page)
    found = charset_label(page)
    if found is None:
        job.receipt.altered("PidTagHtml", f"it was written in UTF-8, for no charset of MIME is code page {page}")
        data = text.encode("utf-8", "replace")
    label = found or "utf-8"
    _note_page(label, properties, job)
    return _leaf("html", data, label), text


def _beside_html(properties: PropertyBag, body: Body, job: Job) -> None:
    """Put a text beside HTML: the plain body if the object has it, else one made of the HTML."""
    if tags.PidTagBody in properties:
        body.plain = _plain(properties, job)
        return
    job.receipt.guessed("text/plain", "it was made of the HTML body")
    body.plain = _text_leaf("plain", job.hooks.html_to_text(body.source), _page(properties))[0]


def _rich_text(properties: PropertyBag, job: Job) -> Body | None:
    """Write a body in RTF as HTML and text, or as the text it was ([MS-OXCMAIL] 2.1.3.3.6).

    Without a converter for RTF the other bodies of the object are taken, None where it has them.
    """
    data = binary_of(properties, tags.PidTagRtfCompressed)
    found: RtfBody | None = None
    if job.hooks.rtf is not None:
        found = job.hooks.rtf(data, job.receipt)
    if found is None or (found.html is None and found.text is None):
        instead = tags.PidTagHtml in properties or tags.PidTagBodyHtml in properties or tags.PidTagBody in properties
        note = "the other body of the object was taken" if instead else "the object has no other body"
        job.receipt.dropped("PidTagRtfCompressed", f"it cannot be read; {note}")
        return None
    page = _page(properties)
    if found.html is None:
        return Body(plain=_text_leaf("plain", found.text or "", page)[0])
    html, _ = _text_leaf("html", found.html, _UTF_8)
    return Body(html=html, source=found.html, pictures=found.pictures)


def _preferred(properties: PropertyBag, body: Body, job: Job) -> Body:
    """Leave out the form that the sender asked to leave out ([MS-OXOMSG] 2.2.1.11)."""
    wish = number_of(properties, tags.PidTagInternetMailOverrideFormat) or 0
    if wish & _PREFERS_MIME != _PREFERS_MIME or body.html is None or body.plain is None:
        return body
    if wish & _TEXTS == _HTML_ALONE:
        body.plain = None
    elif wish & _TEXTS == 0:
        job.receipt.dropped("text/html", "PidTagInternetMailOverrideFormat asks for plain text")
        body.html, body.source, body.pictures = None, "", ()
    return body


def calendar_leaf(part: CalendarPart) -> Leaf:
    """Write a text/calendar part ([MS-OXCMAIL] 2.1.3.3.8.1 to 2.1.3.3.8.3)."""
    parameters = [parameter_tokens("charset", "utf-8")]
    if part.method:
        parameters.append(parameter_tokens("method", part.method))
    data = canonical_text(part.data).encode("utf-8", "replace")
    return Leaf([media_field("Content-Type", "text/calendar", parameters)], data, choose_encoding(data))


def body_entity(body: Body, calendar: Leaf | None, inline: list[Entity], job: Job) -> Entity:
    """Put the forms side by side, and around them what they show ([MS-OXCMAIL] 2.1.3.3.4, 2.1.3.3.5)."""
    forms: list[Entity] = [form for form in (body.plain, body.html, calendar) if form is not None]
    whole = forms[0] if len(forms) == 1 else Multipart([], "alternative", job.boundary(), forms)
    if not inline:
        return whole
    kind = "multipart/alternative" if len(forms) > 1 else "text/html"
    return Multipart([], "related", job.boundary(), [whole, *inline], (("type", kind),))
