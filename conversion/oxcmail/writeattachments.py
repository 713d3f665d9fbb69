"""Attachments of the MIME writer ([MS-OXCMAIL] 2.1.3.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote, unquote_to_bytes

from conversion.errors import ConversionError
from conversion.mac.applefile import write_appledouble_header
from conversion.mac.macbinary import MACBINARY_ENCODING, read_macbinary
from conversion.mime.build import (
    Enclosed,
    Entity,
    Leaf,
    Multipart,
    choose_encoding,
    clean,
    field,
    is_media_type,
    is_token,
    media_field,
    parameter_tokens,
    text_tokens,
    word_parameter_tokens,
)
from conversion.mime.dates import format_date
from conversion.oxcmail.attachments import EXTENSIONS, clean_name, referred_identifiers
from conversion.oxcmail.body import INLINE_IMAGES
from conversion.oxcmail.headers import BRACKETED, VERBATIM, Form
from conversion.oxcmail.writejob import Job, binary_of, number_of, property_name, text_of
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import FILETIME_UNIX_EPOCH, PropertyBag, PropertyTag

# PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9).
_NONE, _BY_VALUE, _EMBEDDED, _OLE = 0, 1, 5, 6
_BY_REFERENCE = frozenset((2, 3, 4, 7))
_RENDERED_IN_BODY = 4  # PidTagAttachFlags ([MS-OXCMSG] 2.2.2.18)
MAX_EMBEDDED = 30
"""Embedded messages inside one another that are written."""
_OCTETS = "application/octet-stream"
# By value these would be read as something else than a file ([MS-OXCMAIL] 2.1.3.4.2.2, [RFC2046] 5.2).
_NOT_BY_VALUE = frozenset(("application/applefile", "application/mac-binhex40"))
_MESSAGE_BY_VALUE = frozenset(
    ("message/delivery-status", "message/disposition-notification", "message/feedback-report")
)
_TYPES = {extension: kind for kind, extension in reversed(EXTENSIONS.items())} | {
    ".htm": "text/html", ".html": "text/html", ".txt": "text/plain", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
    ".webp": "image/webp", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".mp4": "video/mp4", ".gz": "application/gzip",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xls": "application/vnd.ms-excel",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".ppt": "application/vnd.ms-powerpoint", ".rtf": "application/rtf", ".md": "text/markdown",
}  # fmt: skip
# Exceptions of a recurring item, which its calendar part holds ([MS-OXOCAL] 2.2.10.1).
_EXCEPTION = re.compile(r"IPM\.OLE\.CLASS\.\{00061055-", re.I)
_CONTACT = re.compile(r"IPM\.Contact(?:\.|\Z)", re.I)
_LINK = re.compile(r"(?:https?|ftp|file)://", re.I)

WriteMessage = Callable[[MessageContent, Job], Entity]


def is_inline(properties: PropertyBag, html: bytes, referred: frozenset[bytes]) -> bool:
    """Whether an attachment is shown in the body: marked so, named, and referred to ([MS-OXCMAIL] 2.1.3.4.1.2)."""
    if not (number_of(properties, tags.PidTagAttachFlags) or 0) & _RENDERED_IN_BODY:
        return False
    identifier = text_of(properties, tags.PidTagAttachContentId)
    if identifier and identifier.encode("utf-8", "replace") in referred:
        return True
    location = text_of(properties, tags.PidTagAttachContentLocation)
    return bool(location) and location.encode("utf-8", "replace") in html


def split_inline(
    attachments: tuple[AttachmentContent, ...], html: bytes
) -> tuple[list[tuple[int, AttachmentContent]], list[tuple[int, AttachmentContent]]]:
    """Part the attachments shown in an HTML body from the others, each with its number ([MS-OXCMAIL] 2.1.3.4.1)."""
    referred = referred_identifiers(html) if html and attachments else frozenset()
    inline: list[tuple[int, AttachmentContent]] = []
    others: list[tuple[int, AttachmentContent]] = []
    for number, item in enumerate(attachments, start=1):
        (inline if html and is_inline(item.properties, html, referred) else others).append((number, item))
    return inline, others


def write_attachment(
    item: AttachmentContent, number: int, job: Job, write: WriteMessage, *, inline: bool = False
) -> Entity | None:
    """Write one attachment by its method; None for one that is left out, which the receipt says.

    `write` makes the entity of an embedded message.
    """
    place = f"attachment {number}"
    method = number_of(item.properties, tags.PidTagAttachMethod)
    if isinstance(item.data, MessageContent):
        return _embedded(item, item.data, place, job, write)
    if method in _BY_REFERENCE and job.data(item) is None:
        return _reference(item, place, job)
    if method == _OLE:
        return _ole(item, place, job, inline=inline)
    data = job.data(item)
    if data is None:
        job.receipt.dropped(place, "it has no content")
        return None
    if method not in (_BY_VALUE, *_BY_REFERENCE):
        job.receipt.guessed(f"{place}, PidTagAttachMethod", "it has content, so it was taken as a file")
    if binary_of(item.properties, tags.PidTagAttachEncoding) == MACBINARY_ENCODING:
        double = _apple_double(item, data, place, job)
        if double is not None:
            return double
    return _file(item.properties, data, place, job, inline=inline)


# --- Files ------------------------------------------------------------------------------------------------------------


def _name(properties: PropertyBag, place: str, job: Job) -> str:
    """Return the name of a file ([MS-OXCMAIL] 2.1.3.4.2.1): the long one, the short one, or one that says nothing."""
    given = text_of(properties, tags.PidTagAttachLongFilename) or text_of(properties, tags.PidTagAttachFilename)
    name = clean_name(given)
    if not name:
        kind = text_of(properties, tags.PidTagAttachMimeTag).lower()
        job.receipt.guessed(f"{place}, PidTagAttachLongFilename", "it has no name")
        return "attachment" + EXTENSIONS.get(kind, text_of(properties, tags.PidTagAttachExtension)[:20] or ".bin")
    if name != given:
        job.receipt.altered(f"{place}, PidTagAttachLongFilename", "a name of a file cannot be so")
    return name


def _media_type(properties: PropertyBag, name: str, data: bytes, place: str, job: Job) -> str:
    """Return the media type of a file ([MS-OXCMAIL] 2.1.3.4.2.2): its own, or that of its extension."""
    given = text_of(properties, tags.PidTagAttachMimeTag)
    kind = given.lower()
    if not kind:
        return _TYPES.get("." + name.rpartition(".")[2].lower(), _OCTETS)
    allowed = is_media_type(given) and kind not in _NOT_BY_VALUE and not kind.startswith("multipart/")
    if kind.startswith("message/"):
        # A message/* part has to be in 7bit.
        allowed = kind in _MESSAGE_BY_VALUE and choose_encoding(data) == "7bit"
    if allowed:
        return given
    job.receipt.altered(f"{place}, PidTagAttachMimeTag", f"a file is sent as {_OCTETS} instead")
    return _OCTETS


def _disposition(properties: PropertyBag, name: str, size: int | None, *, inline: bool) -> bytes:
    """Write Content-Disposition with name, size and dates ([MS-OXCMAIL] 2.1.3.4.2.2, [RFC2183] 2)."""
    parameters = [parameter_tokens("filename", name)] if name else []
    if size is not None:
        parameters.append(parameter_tokens("size", str(size)))
    for key, tag in (
        ("creation-date", tags.PidTagCreationTime),
        ("modification-date", tags.PidTagLastModificationTime),
    ):
        value = number_of(properties, tag)
        date = format_date((value - FILETIME_UNIX_EPOCH) // 10_000_000) if value is not None else None
        if date is not None:
            parameters.append([f'{key}="{date}"'.encode("ascii")])
    return media_field("Content-Disposition", "inline" if inline else "attachment", parameters)


def _identity_fields(properties: PropertyBag, place: str, job: Job) -> list[bytes]:
    """Write Content-ID, Content-Location and Content-Base ([MS-OXCMAIL] 2.1.3.4.2.3)."""
    out: list[bytes] = []
    rows: tuple[tuple[str, PropertyTag, Form], ...] = (
        ("Content-ID", tags.PidTagAttachContentId, BRACKETED),
        ("Content-Location", tags.PidTagAttachContentLocation, VERBATIM),
        ("Content-Base", tags.PidTagAttachContentBase, VERBATIM),
    )
    for name, tag, form in rows:
        value = text_of(properties, tag)
        tokens = form.write(value) if value else None
        if tokens is not None:
            out.append(field(name, tokens))
        if value and (tokens is None or form.read(b" ".join(tokens)) != value):
            job.receipt.altered(f"{place}, {property_name(tag)}", "not all of it can stand in a header")
    return out


def _description(properties: PropertyBag, instead: str) -> list[bytes]:
    """Write Content-Description where it says more than the name does ([MS-OXCMAIL] 2.1.3.4.2.2)."""
    shown = text_of(properties, tags.PidTagDisplayName)
    return [field("Content-Description", text_tokens(shown))] if shown.strip() and shown != instead else []


def _file(properties: PropertyBag, data: bytes, place: str, job: Job, *, inline: bool) -> Leaf:
    """Write a file, in base64 if it is no text ([MS-OXCMAIL] 2.1.3.4.2, 2.1.3.4.2.4)."""
    name = _name(properties, place, job)
    kind = _media_type(properties, name, data, place, job)
    parameters = [word_parameter_tokens("name", name)]
    charset = text_of(properties, tags.PidTagTextAttachmentCharset)
    is_text = kind.lower().startswith("text/")
    if is_text and charset and len(charset) <= 60 and is_token(charset):
        parameters.append(parameter_tokens("charset", charset))
    elif charset:
        job.receipt.dropped(f"{place}, PidTagTextAttachmentCharset", "it is no charset, or the file no text")
    fields = [
        media_field("Content-Type", kind, parameters),
        *_description(properties, name),
        _disposition(properties, name, len(data), inline=inline),
        *_identity_fields(properties, place, job),
    ]
    _note_place(properties, kind, place, job, inline=inline)
    readable = is_text or kind.lower().startswith("message/")
    return Leaf(fields, data, choose_encoding(data) if readable else "base64")


def _note_place(properties: PropertyBag, kind: str, place: str, job: Job, *, inline: bool) -> None:
    """Say where a reader will not see by what was written that an attachment is shown in the body."""
    family, _, subtype = kind.lower().partition("/")
    seen = inline and family == "image" and subtype in INLINE_IMAGES
    for tag in (tags.PidTagAttachFlags, tags.PidTagAttachmentHidden):
        if properties.get(tag) and not (seen and properties[tag] in (_RENDERED_IN_BODY, True)):
            why = "readers take no such type for one" if inline else "no body refers to it"
            job.receipt.altered(f"{place}, {property_name(tag)}", f"it is not marked as shown in the body: {why}")


def _apple_double(item: AttachmentContent, data: bytes, place: str, job: Job) -> Entity | None:
    """Write a file of a Macintosh with both its forks ([MS-OXCMAIL] 2.1.3.4.3, [RFC1740])."""
    properties = item.properties
    try:
        found = read_macbinary(data)
    except ConversionError:
        job.receipt.altered(f"{place}, PidTagAttachEncoding", "its content is no MacBinary; it was sent as it is")
        return None
    name = _name(properties, place, job)
    header = binary_of(properties, tags.PidNameAttachmentMacInfo) or write_appledouble_header(found)
    kind = text_of(properties, tags.PidNameAttachmentMacContentType)
    kind = kind if is_media_type(kind) and not kind.lower().startswith(("multipart/", "message/")) else _OCTETS
    named = [word_parameter_tokens("name", name)]
    forks: list[Entity] = [
        Leaf([media_field("Content-Type", "application/applefile", named)], header, "base64"),
        Leaf(
            [media_field("Content-Type", kind, named), _disposition(properties, name, len(found.data), inline=False)],
            found.data,
            "base64",
        ),
    ]
    fields = [*_description(properties, name), *_identity_fields(properties, place, job)]
    return Multipart(fields, "appledouble", job.boundary(), forks)


# --- Other methods ----------------------------------------------------------------------------------------------------


def _embedded(
    item: AttachmentContent, message: MessageContent, place: str, job: Job, write: WriteMessage
) -> Entity | None:
    """Write an embedded message ([MS-OXCMAIL] 2.1.3.4.5)."""
    kind = text_of(message.properties, tags.PidTagMessageClass)
    if _EXCEPTION.match(kind):
        if job.hooks.calendar is None:
            job.receipt.dropped(place, "an exception of a recurring item, which only a calendar part can say")
        return None
    if _CONTACT.match(kind) and job.hooks.contact is not None:
        return _card(item, message, job.hooks.contact(message, job.receipt.within(place)), place, job)
    if job.depth >= MAX_EMBEDDED:
        job.receipt.dropped(place, f"messages are more than {MAX_EMBEDDED} deep inside one another")
        return None
    inner = job.within(place)
    entity = write(message, inner)
    if entity.has_8bit:
        job.receipt.altered(place, "an address of it is beyond ASCII: it is a message of 8 bits")
    subject = text_of(message.properties, tags.PidTagSubject)
    fields = [
        *_description(item.properties, subject),
        _disposition(item.properties, "", None, inline=False),
        *_identity_fields(item.properties, place, job),
    ]
    return Enclosed(fields, entity)


def _card(item: AttachmentContent, message: MessageContent, card: bytes, place: str, job: Job) -> Leaf:
    """Write a contact as a vCard, which is a file ([MS-OXCMAIL] 2.1.3.4.6)."""
    job.receipt.altered(place, "a contact; it was written as a vCard")
    person = message.properties
    shown = clean_name(text_of(person, tags.PidTagDisplayName) or text_of(person, tags.PidTagSubject)) or "contact"
    name = shown[:200] + EXTENSIONS["text/directory"]
    parameters = [
        parameter_tokens("profile", "vCard"),
        parameter_tokens("charset", "utf-8"),
        word_parameter_tokens("name", name),
    ]
    fields = [
        media_field("Content-Type", "text/directory", parameters),
        *_description(item.properties, shown),
        _disposition(item.properties, name, len(card), inline=False),
        *_identity_fields(item.properties, place, job),
    ]
    return Leaf(fields, card, "quoted-printable")


def _reference(item: AttachmentContent, place: str, job: Job) -> Entity | None:
    """Write what is elsewhere as a shortcut to it: a file that opens there ([MS-OXCMAIL] 2.1.3.4)."""
    properties = item.properties
    path = text_of(properties, tags.PidTagAttachLongPathname) or text_of(properties, tags.PidTagAttachPathname)
    path = clean(path).strip()
    if path.startswith("\\\\"):
        path = "file:" + quote(path.replace("\\", "/"), safe="/$")
    if not _LINK.match(path) or len(path) > 2000:
        job.receipt.dropped(place, "it is a reference to a place that the reader cannot reach")
        return None
    job.receipt.altered(place, "a reference; a shortcut to it was written")
    given = text_of(properties, tags.PidTagAttachLongFilename) or text_of(properties, tags.PidTagAttachFilename)
    name = (clean_name(given) or "link")[:200] + ".url"
    data = f"[InternetShortcut]\r\nURL={path}\r\n".encode("utf-8", "replace")
    fields = [
        media_field("Content-Type", _OCTETS, [word_parameter_tokens("name", name)]),
        _disposition(properties, name, len(data), inline=False),
    ]
    return Leaf(fields, data, "base64")


def _ole(item: AttachmentContent, place: str, job: Job, *, inline: bool) -> Entity | None:
    """Write an OLE object: as the picture that shows it, or as its storage ([MS-OXCMAIL] 2.1.3.4.4, 2.1.3.4.1.1)."""
    properties = item.properties
    drawn = binary_of(properties, tags.PidTagAttachRendering)
    picture = job.hooks.picture(drawn) if drawn and job.hooks.picture is not None else None
    if picture is not None:
        kind, data = picture
        job.receipt.altered(place, "an OLE object; the picture that shows it was written")
        bag = {
            **properties,
            tags.PidTagAttachMimeTag: kind,
            tags.PidTagAttachLongFilename: "ole" + EXTENSIONS.get(kind, ""),
        }
        return _file(bag, data, place, job, inline=inline)
    storage = job.data(item)
    if storage is None:
        job.receipt.dropped(place, "an OLE object without content")
        return None
    job.receipt.altered(place, "an OLE object; its storage was written as a file")
    return _file({**properties, tags.PidTagAttachMimeTag: _OCTETS}, storage, place, job, inline=False)


def picture_leaf(content_id: str, media_type: str, data: bytes) -> Leaf:
    """Write a picture of an RTF body ([MS-OXCMAIL] 2.1.3.3.7)."""
    name = clean_name(unquote_to_bytes(content_id).partition(b"@")[0].decode("ascii", "replace")) or "picture"
    name += EXTENSIONS.get(media_type, "")
    tokens = BRACKETED.write(content_id)
    fields = [
        media_field(
            "Content-Type", media_type if is_media_type(media_type) else _OCTETS, [parameter_tokens("name", name)]
        ),
        _disposition({}, name, len(data), inline=True),
    ]
    return Leaf([*fields, field("Content-ID", tokens)] if tokens is not None else fields, data, "base64")
