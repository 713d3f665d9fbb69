"""Attachments: names, kinds, what is shown inline, embedded messages ([MS-OXCMAIL] 2.2.3.4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from conversion.mime.dates import read_filetime
from conversion.mime.headers import unfold
from conversion.mime.parts import Part
from conversion.mime.words import decode_parameter, decode_unstructured
from conversion.oxcmail.body import INLINE_IMAGES, Attached, Layout
from conversion.oxcmail.headers import read_bracketed, read_verbatim
from conversion.oxcmail.parts import Source
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyKey, Value

_BY_VALUE, _EMBEDDED = 1, 5  # PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9)
_RENDERED_IN_BODY = 4  # PidTagAttachFlags ([MS-OXCMSG] 2.2.2.18)
_NOT_RENDERED = -1  # PidTagRenderingPosition 0xFFFFFFFF ([MS-OXCMSG] 2.2.2.16)
MAX_NAME = 255
MAX_EMBEDDED = 7
"""Embedded messages inside one another; deeper ones stay attached files."""

# Those that are more than a file with a name ([MS-OXCMAIL] 2.2.3.4.2, [RFC2046] 5.2.3). A vCard is none of them: it
# stays the file that it came as, which loses nothing (docs/conversion.md, [MS-OXCMAIL] 2.2.3.4.4, 2.2.3.4.4.1).
_MAC = frozenset(("multipart/appledouble", "application/applefile", "application/mac-binhex40"))
_BINHEX = "mac-binhex40"
"""A transfer encoding that says the same as the media type ([MS-OXCMAIL] 2.2.3.4.1.3)."""
# TNEF that could be read is no attachment; what is left of it are octets.
_UNREADABLE = frozenset(("application/ms-tnef", "application/vnd.ms-tnef"))
_OCTETS = "application/octet-stream"
_EXTERNAL = "message/external-body"
_MESSAGES = frozenset(("message/rfc822", "message/global"))
_BARRED = re.compile(r"[\x00-\x1f\x7f<>:\"/\\|?*]")
_BARE_FILENAME, _BARE_NAME = (
    re.compile(rb"[; \t]%b[ \t]*+=[ \t]*+(?=[^\"();=? \t])" % name, re.I) for name in (b"filename", b"name")
)
_NEXT_PARAMETER = re.compile(rb"[ \t][A-Za-z0-9*_-]{1,60}=")
_CID = re.compile(rb"cid:([^\"'\s<>)]{1,300})", re.I)
_SHORT = re.compile(r"[^A-Z0-9!#$%&'()@^_`{}~-]")
EXTENSIONS = {
    "text/plain": ".txt",
    "text/html": ".htm",
    "text/calendar": ".ics",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "text/directory": ".vcf",
    "text/rfc822-headers": ".txt",
    "text/enriched": ".txt",
    "text/csv": ".csv",
    "text/xml": ".xml",
    "message/rfc822": ".eml",
    "message/global": ".eml",
    "message/delivery-status": ".txt",
    "message/disposition-notification": ".txt",
    "image/jpeg": ".jpg",
    "image/pjpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    "image/svg+xml": ".svg",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/msword": ".doc",
    "application/json": ".json",
    "application/pgp-signature": ".asc",
    "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-signature": ".p7s",
    "application/ms-tnef": ".dat",
}

Embed = Callable[[Source, Part], MessageContent | None]
"""Reads an enclosed message, None where it is nested too deep."""


def read_attachments(source: Source, layout: Layout, html: bytes | None, embed: Embed) -> list[AttachmentContent]:
    """Make the attachments of a message, in its order ([MS-OXCMAIL] 2.2.3.4). `html` is the decoded HTML body."""
    if not layout.attached:
        return []
    referred: frozenset[bytes] = frozenset()
    if html is not None and any(item.related or item.joined for item in layout.attached):
        referred = referred_identifiers(html)
    names = _Names()
    found = []
    for item in layout.attached:
        made = _attachment(source, item, referred, names, embed)
        if isinstance(made, AttachmentContent):
            found.append(made)
            continue
        found += [
            _by_value(source, child, *_described(source, child, Attached(child, False), referred), names)
            for child in made
        ]
    return found


def referred_identifiers(html: bytes) -> frozenset[bytes]:
    """Return the content identifiers that HTML refers to by `cid:` ([RFC2392] 2)."""
    return frozenset(unquote_to_bytes(match) for match in _CID.findall(html))


class _Names:
    """Numbers the attachments that came without a name: ATT00001 and so on ([MS-OXCMAIL] 2.2.3.4.1.1)."""

    def __init__(self) -> None:
        self.count = 0

    def next(self, mime_tag: str) -> str:
        self.count += 1
        return f"ATT{self.count:05d}{EXTENSIONS.get(mime_tag, '.bin')}"


def _attachment(
    source: Source, item: Attached, referred: frozenset[bytes], names: _Names, embed: Embed
) -> AttachmentContent | tuple[Part, ...]:
    """Make one attachment. The parts of a file that cannot be read as one come back, to be attached each."""
    part = item.part
    mime_tag = f"{part.type}/{part.subtype}"
    found, shown = _described(source, part, item, referred)
    embedded = embed(source, part) if mime_tag in _MESSAGES else None
    if embedded is not None:
        subject = embedded.properties.get(tags.PidTagSubject)
        found[tags.PidTagAttachMethod] = _EMBEDDED
        found[tags.PidTagDisplayName] = shown or (subject if isinstance(subject, str) else "")
        return AttachmentContent(found, embedded)
    if mime_tag in _MAC or mime_tag == _EXTERNAL or part.encoding == _BINHEX:
        from conversion.oxcmail.oldparts import external_body, mac_attachment

        bag = {**found, tags.PidTagDisplayName: shown}
        made = external_body(source, part, bag) if mime_tag == _EXTERNAL else mac_attachment(source, part, bag)
        if made is not None:
            return made
        if part.is_multipart:
            return part.children
    return _by_value(source, part, found, shown, names)


def _described(
    source: Source, part: Part, item: Attached, referred: frozenset[bytes]
) -> tuple[dict[PropertyKey, Value], str]:
    """Read the content fields of a part ([MS-OXCMAIL] 2.2.3.4.1.2, 2.2.3.4.1.4); give its description apart."""
    content = source.content(part)
    found: dict[PropertyKey, Value] = {
        tags.PidTagRenderingPosition: _NOT_RENDERED,
        tags.PidTagAttachMimeTag: f"{part.type}/{part.subtype}",
    }
    if found[tags.PidTagAttachMimeTag] in _UNREADABLE:
        found[tags.PidTagAttachMimeTag] = _OCTETS
    description = content.get(b"content-description")
    shown = decode_unstructured(description)[:MAX_NAME] if description is not None else ""
    identifier = content.get(b"content-id")
    if identifier is not None and (text := read_bracketed(identifier)):
        found[tags.PidTagAttachContentId] = text
    for header, tag in (
        (b"content-location", tags.PidTagAttachContentLocation),
        (b"content-base", tags.PidTagAttachContentBase),
    ):
        if header in content and (text := read_verbatim(content[header])):
            found[tag] = text
    _dates(source, part, found)
    _inline(source, item, referred, found)
    return found, shown


def _by_value(
    source: Source, part: Part, found: dict[PropertyKey, Value], shown: str, names: _Names
) -> AttachmentContent:
    """Make a file ([MS-OXCMAIL] 2.2.3.4.1, 2.2.3.4.1.3): its data stay a slice of the original."""
    found[tags.PidTagAttachMethod] = _BY_VALUE
    name = file_name(source, part) or names.next(f"{part.type}/{part.subtype}")
    stem, dot, extension = name.rpartition(".")
    found[tags.PidTagAttachLongFilename] = name
    found[tags.PidTagAttachFilename] = short_name(name)
    found[tags.PidTagDisplayName] = shown or name
    if dot and stem:
        found[tags.PidTagAttachExtension] = dot + extension
    if part.type == "text" and part.charset:
        found[tags.PidTagTextAttachmentCharset] = part.charset
    return AttachmentContent(found, source.data(part))


def _dates(source: Source, part: Part, found: dict[PropertyKey, Value]) -> None:
    """Take creation and modification date from the disposition ([RFC2183] 2.4, 2.5)."""
    disposition = source.disposition(part)
    if len(disposition.parameters) < 2:
        return
    for name, tag in (
        (b"creation-date", tags.PidTagCreationTime),
        (b"modification-date", tags.PidTagLastModificationTime),
    ):
        value = disposition.parameter(name)
        time = read_filetime(value) if value else None
        if time is not None:
            found[tag] = time


def _inline(source: Source, item: Attached, referred: frozenset[bytes], found: dict[PropertyKey, Value]) -> None:
    """Mark an image that the HTML body shows as hidden ([MS-OXCMAIL] 2.2.3.4.1.4.1)."""
    part = item.part
    if item.joined:
        from conversion.oxcmail.bodies import picture_identifier

        found[tags.PidTagAttachContentId] = picture_identifier(source, part)
        found[tags.PidTagAttachFlags] = _RENDERED_IN_BODY
        found[tags.PidTagAttachmentHidden] = True
    elif (
        item.related
        and part.type == "image"
        and part.subtype in INLINE_IMAGES
        and (source.identifier(part) in referred or tags.PidTagAttachContentLocation in found)
    ):
        found[tags.PidTagAttachFlags] = _RENDERED_IN_BODY
        found[tags.PidTagAttachmentHidden] = True


def file_name(source: Source, part: Part) -> str:
    """Return the file name of a part, cleaned, or nothing ([MS-OXCMAIL] 2.2.3.4.1.1).

    In this order: filename of Content-Disposition, name of Content-Type. A name with blanks or parentheses that should
    stand in quotes and does not is taken whole, as it was meant.
    """
    for field, media, name, bare in (
        (b"content-disposition", source.disposition(part), "filename", _BARE_FILENAME),
        (b"content-type", source.media(part), "name", _BARE_NAME),
    ):
        if media.parameters:
            text = decode_parameter(media, name)
            if text:
                value = source.content(part)[field]
                found = _bare(unfold(value), bare) if b'name="' not in value and b"name*" not in value else b""
                if clean := clean_name(decode_unstructured(found) if found else text):
                    return clean
    return ""


def _bare(value: bytes, start: re.Pattern[bytes]) -> bytes:
    """Give a name that lacks its quotes, up to the next parameter; nothing where it needs none.

    `my report (1).pdf size=3` gives `my report (1).pdf`. Behind a name with an extension parentheses are a comment
    ([RFC2045] 5.1).
    """
    head, quote, _ = value.partition(b'"')
    found = start.search(head)
    if found is None:
        return b""
    name, semicolon, _ = head[found.end() :].partition(b";")
    if quote and not semicolon:
        return b""
    following = _NEXT_PARAMETER.search(name)
    name = (name if following is None else name[: following.start()]).strip()
    comment = name.rfind(b"(") if name.endswith(b")") else -1
    if comment > 0 and name[comment - 1 : comment] in (b" ", b"\t") and b"." in name[:comment]:
        name = name[:comment].rstrip()
    return name if any(octet in name for octet in b" \t(") and b"=?" not in name else b""


def clean_name(name: str) -> str:
    """Replace the characters that a file name must not have, and cut it ([MS-OXCMAIL] 2.2.3.4.1.1)."""
    name = _BARRED.sub("_", name.strip()).strip(" .")
    if len(name) > MAX_NAME:
        stem, dot, extension = name.rpartition(".")
        if dot and len(extension) < 20:
            return stem[: MAX_NAME - len(extension) - 1] + dot + extension
        return name[:MAX_NAME]
    return name


def short_name(name: str) -> str:
    """Make an 8.3 name of a file name ([MS-OXCMSG] 2.2.2.11)."""
    stem, dot, extension = name.rpartition(".")
    if not dot:
        stem, extension = name, ""
    plain = _SHORT.sub("", stem.upper())
    end = _SHORT.sub("", extension.upper())[:3]
    if plain != stem.upper() or len(plain) > 8 or not plain:
        plain = (plain[:6] or "FILE") + "~1"
    return f"{plain}.{end}" if end else plain
