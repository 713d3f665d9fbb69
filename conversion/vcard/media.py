"""What a card holds in octets: PHOTO, LOGO, SOUND, KEY ([MS-OXVCARD] 2.1.3.2.4, 2.1.3.6.3, 2.1.3.7.6, 2.1.3.8.2).

The photograph is an attachment with a flag ([MS-OXOCNTC] 2.2.1.8.3), certificates are properties. What is
elsewhere, at a URI, is not fetched.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from urllib.parse import unquote_to_bytes

from conversion.vcard.card import Card, Entry, Found
from conversion.vcard.lines import Lines
from conversion.vcard.rows import text_of
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent
from store.mapi.types import PropertyBag, PropertyKey, Value

MAX_KEYS = 100
"""Certificates of one card."""
PICTURE = "ContactPicture.jpg"
_LOGO, _SOUND = "Logo", "Sound"

_BY_VALUE = 1  # PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9)
_NOWHERE = -1  # PidTagRenderingPosition ([MS-OXCMSG] 2.2.2.16)
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "JPEG", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "PNG", "image/png"),
    (b"GIF8", "GIF", "image/gif"),
    (b"BM", "BMP", "image/bmp"),
    (b"RIFF", "WAVE", "audio/x-wav"),
    (b"OggS", "OGG", "audio/ogg"),
    (b"ID3", "MP3", "audio/mpeg"),
)
_EXTENSIONS = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp", "WAVE": ".wav", "OGG": ".ogg",
               "MP3": ".mp3"}  # fmt: skip
_SPACE = re.compile(r"\s+")
_DATA_URI = re.compile(r"\s*data:([^,]{0,200}?)\\?,", re.I)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=_-]")
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+\Z")
_CERTIFICATE_ENTRY = 3  # of the list that Outlook keeps in PidTagUserX509Certificate

HANDLED: frozenset[PropertyKey] = frozenset(
    (
        tags.PidLidHasPicture,
        tags.PidTagUserX509Certificate,
        tags.PidLidBusinessCardDisplayDefinition,
        tags.PidLidBusinessCardCardPicture,
    )
)
"""The properties that write_media looks at."""


def octets_in(entry: Entry) -> tuple[bytes, str] | None:
    """Give the octets of a value in base64 or in a data URI, and the media type if it is named; None for others."""
    value = entry.line.value
    match = _DATA_URI.match(value)
    if match is not None:
        head, rest = match[1].replace("\\", "").lower(), value[match.end() :]
        media = head.split(";", 1)[0] if "/" in head else ""
        data = _base64(rest) if "base64" in head else unquote_to_bytes(rest)
        return (data, media) if data else None
    encoding = (entry.line.parameter("ENCODING") or "").lower()
    if encoding not in ("b", "base64") and entry.value_type != "binary":
        return None
    data = _base64(value)
    return (data, (entry.line.parameter("MEDIATYPE") or "").lower()) if data else None


def _base64(text: str) -> bytes | None:
    text = _SPACE.sub("", text).replace("\\n", "").replace("\\", "")
    if _NOT_BASE64.search(text):
        return None
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(text) % 4 == 1:
        text = text[:-1]  # cut off: what is whole is read
    try:
        return b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _kind_of(data: bytes, entry: Entry | None = None) -> tuple[str, str]:
    """Tell JPEG, GIF, ... and the media type by what the octets begin with, else by what the line says."""
    for magic, kind, media in _MAGIC:
        if data.startswith(magic):
            return kind, media
    said = {kind.upper() for kind in entry.kinds} if entry is not None else set()
    for _, kind, media in _MAGIC:
        if kind in said:
            return kind, media
    return "", "application/octet-stream"


def read_media(card: Card, found: Found) -> list[AttachmentContent]:
    """Read pictures, sounds, keys and the design of the business card; give the attachments."""
    attachments: list[AttachmentContent] = []
    photos = _octets_of(card, "PHOTO")
    if photos:
        attachments.append(_photo(*photos[0]))
        found[tags.PidLidHasPicture] = True
    for _ in photos[1:]:
        card.receipt.dropped("PHOTO", "a contact has one of them")
    for name, stem in (("LOGO", _LOGO), ("SOUND", _SOUND)):
        for entry, data, media in _octets_of(card, name):
            kind, known = _kind_of(data, entry)
            file_name = stem + _EXTENSIONS.get(kind, "")
            attachments.append(_file(file_name, known if kind else media or known, data))
    _read_keys(card, found)
    _read_design(card, found)
    return attachments


def _octets_of(card: Card, name: str) -> list[tuple[Entry, bytes, str]]:
    result: list[tuple[Entry, bytes, str]] = []
    for entry in sorted(card.take(name), key=lambda entry: entry.preference):
        found = octets_in(entry)
        if found is None:
            card.receipt.dropped(name, "it is elsewhere, or unreadable")
        else:
            result.append((entry, *found))
    return result


def _file(name: str, media: str, data: bytes, more: dict[PropertyKey, Value] | None = None) -> AttachmentContent:
    dot = name.rfind(".")
    properties: dict[PropertyKey, Value] = {
        tags.PidTagAttachMethod: _BY_VALUE,
        tags.PidTagDisplayName: name,
        tags.PidTagAttachFilename: name,
        tags.PidTagAttachLongFilename: name,
        tags.PidTagAttachMimeTag: media,
        tags.PidTagAttachSize: len(data),
        tags.PidTagRenderingPosition: _NOWHERE,
    }
    if dot >= 0:
        properties[tags.PidTagAttachExtension] = name[dot:]
    return AttachmentContent(properties | (more or {}), data)


def _photo(entry: Entry, data: bytes, media: str) -> AttachmentContent:
    """Make the attachment of the contact's photograph ([MS-OXOCNTC] 2.2.1.8.3); its name is the same for all kinds."""
    kind, known = _kind_of(data, entry)
    return _file(PICTURE, known if kind else media or known, data, {tags.PidTagAttachmentContactPhoto: True})


def _read_keys(card: Card, found: Found) -> None:
    """Read X.509 certificates of KEY; other keys have no property ([MS-OXVCARD] 2.1.3.8.2)."""
    certificates: list[bytes] = []
    for entry in card.take("KEY"):
        octets = octets_in(entry)
        data = _certificate(octets[0]) if octets is not None else None
        if data is None or len(certificates) >= MAX_KEYS:
            card.receipt.dropped("KEY", "no certificate of X.509, or elsewhere")
        elif data not in certificates:
            certificates.append(data)
    if certificates:
        found[tags.PidTagUserX509Certificate] = tuple(certificates)


def _certificate(data: bytes) -> bytes | None:
    """Give the DER of a certificate, which is a SEQUENCE; undo PEM."""
    if data.lstrip().startswith(b"-----BEGIN CERTIFICATE-----"):
        body = data.split(b"-----", 3)[2]
        return _base64(body.decode("latin-1"))
    return data if data.startswith(b"\x30") else None


def _read_design(card: Card, found: Found) -> None:
    """Read the electronic business card ([MS-OXOCNTC] 2.2.1.7); its picture means nothing without the design."""
    design = card.one("X-MS-OL-DESIGN")
    if design is not None:
        octets = octets_in(design)
        if octets is None:
            card.receipt.dropped("X-MS-OL-DESIGN", "the design in XML: Outlook shows its own")
        else:
            found[tags.PidLidBusinessCardDisplayDefinition] = octets[0]
    picture = card.one("X-MS-CARDPICTURE")
    if picture is not None:
        octets = octets_in(picture)
        if octets is None or tags.PidLidBusinessCardDisplayDefinition not in found:
            card.receipt.dropped("X-MS-CARDPICTURE", "there is no design that shows it")
        else:
            found[tags.PidLidBusinessCardCardPicture] = octets[0]


def write_media(content: MessageContent, lines: Lines) -> list[AttachmentContent]:
    """Write pictures, sounds, keys and the design; give the attachments that are none of them."""
    others: list[AttachmentContent] = []
    has_photo = False
    for attachment in content.attachments:
        data = attachment.data
        properties = attachment.properties
        if not isinstance(data, bytes) or not data:
            others.append(attachment)
        elif properties.get(tags.PidTagAttachmentContactPhoto) is True:
            if has_photo:
                lines.receipt.dropped("PHOTO", "a contact has one of them")
            else:
                _write_octets("PHOTO", data, properties, lines)
            has_photo = True
        elif (name := _line_of(properties, data)) is not None:
            _write_octets(name, data, properties, lines)
        else:
            others.append(attachment)
    keys = content.properties.get(tags.PidTagUserX509Certificate)
    for key in keys if isinstance(keys, tuple) else ():
        certificate = _certificate_in(key) if isinstance(key, bytes) else None
        if certificate is None:
            lines.receipt.dropped("KEY", "no certificate in it")
        else:
            lines.binary("KEY", certificate, "X509", "application/pkix-cert")
    for name, tag in (
        ("X-MS-OL-DESIGN", tags.PidLidBusinessCardDisplayDefinition),
        ("X-MS-CARDPICTURE", tags.PidLidBusinessCardCardPicture),
    ):
        value = content.properties.get(tag)
        if isinstance(value, bytes) and value:
            lines.binary(name, value, "", _kind_of(value)[1])
    return others


def _line_of(properties: PropertyBag, data: bytes) -> str | None:
    """Tell a logo and a sound by the name of the file: a card has no place for other attachments."""
    name = (
        text_of(properties, tags.PidTagAttachLongFilename) or text_of(properties, tags.PidTagAttachFilename)
    ).lower()
    media = _kind_of(data)[1]
    stem = name.rpartition(".")[0] or name
    if stem == _LOGO.lower():
        return "LOGO"
    return "SOUND" if stem == _SOUND.lower() or media.startswith("audio/") else None


def _write_octets(name: str, data: bytes, properties: PropertyBag, lines: Lines) -> None:
    kind, media = _kind_of(data)
    if not kind:
        media = text_of(properties, tags.PidTagAttachMimeTag).lower() or media
        kind = next((known for _, known, named in _MAGIC if named == media), "")
    if not _MEDIA_TYPE.match(media):
        media = "application/octet-stream"
    lines.binary(name, data, kind, media)


def _certificate_in(value: bytes) -> bytes | None:
    """Find the certificate in a value of PidTagUserX509Certificate: DER, or a list of type, length and data."""
    if value.startswith(b"\x30"):
        return value
    at = 0
    while at + 4 <= len(value):
        kind = int.from_bytes(value[at : at + 2], "little")
        length = int.from_bytes(value[at + 2 : at + 4], "little")
        if length < 4 or at + length > len(value):
            return None
        if kind == _CERTIFICATE_ENTRY:
            return value[at + 4 : at + length] if length > 4 else None
        at += length
    return None
