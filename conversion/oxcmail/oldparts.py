"""Attachments of old kinds: files of a Macintosh, references by FTP, uuencode ([MS-OXCMAIL] 2.2.3.4.2 to 2.2.3.9)."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import quote

from conversion.errors import ConversionError
from conversion.mac.applefile import read_applefile, write_appledouble_header
from conversion.mac.binhex import read_binhex
from conversion.mac.macbinary import MACBINARY_ENCODING, write_macbinary
from conversion.mime.charset import decode_text
from conversion.mime.parts import Part
from conversion.mime.uuencode import UuFile, extract
from conversion.mime.words import decode_parameter
from conversion.oxcmail.attachments import clean_name, file_name, short_name
from conversion.oxcmail.parts import Source
from store.mapi import tags
from store.mapi.message import AttachmentContent
from store.mapi.types import PropertyKey, Value

_OCTETS = "application/octet-stream"
_SINGLE = bytes.fromhex("00051600")
_SITE = re.compile(r"[A-Za-z0-9.-]{1,255}\Z")
_BY_VALUE = 1
_NOT_RENDERED = -1


def _named(found: dict[PropertyKey, Value], name: str, data: bytes) -> AttachmentContent:
    """Make an attachment by value, with a name that is clean already."""
    found[tags.PidTagAttachMethod] = _BY_VALUE
    found[tags.PidTagAttachLongFilename] = name
    found[tags.PidTagAttachFilename] = short_name(name)
    found.setdefault(tags.PidTagDisplayName, name)
    stem, dot, extension = name.rpartition(".")
    if dot and stem:
        found[tags.PidTagAttachExtension] = dot + extension
    return AttachmentContent(found, data)


# --- Macintosh --------------------------------------------------------------------------------------------------------


def mac_attachment(source: Source, part: Part, found: dict[PropertyKey, Value]) -> AttachmentContent | None:
    """Make the attachment of a file with two forks: a MacBinary stream ([MS-OXCMAIL] 2.2.3.4.2).

    AppleSingle, AppleDouble or BinHex ([MS-OXCMAIL] 2.2.3.4.2.1, 2.2.3.4.2.2, 2.2.3.4.2.3). None for what cannot be
    read so. `found` has what the header of the part said.
    """
    kind = _OCTETS
    shown = part
    header = b""
    try:
        if part.is_multipart:
            first, second = part.children
            header = source.decoded(first)
            file = read_applefile(header, source.decoded(second))
            kind, shown = f"{second.type}/{second.subtype}", second
        elif part.subtype == "applefile":
            single = source.decoded(part)
            if not single.startswith(_SINGLE):
                # The header of AppleDouble without the other half: there is no file in it.
                return None
            file = read_applefile(single)
        else:
            file = read_binhex(source.decoded(part))
    except (ConversionError, ValueError):
        return None
    name = file_name(source, shown) or file_name(source, part) or clean_name(file.name) or "untitled"
    named = replace(file, name=file.name or name)
    found[tags.PidTagAttachMimeTag] = kind
    found[tags.PidTagAttachEncoding] = MACBINARY_ENCODING
    found[tags.PidTagAttachAdditionalInformation] = b":" + file.creator + b":" + file.type
    found[tags.PidNameAttachmentMacInfo] = header or write_appledouble_header(named)
    found[tags.PidNameAttachmentMacContentType] = kind
    if not found.get(tags.PidTagDisplayName):
        found.pop(tags.PidTagDisplayName, None)
    return _named(found, name, write_macbinary(named))


# --- External bodies --------------------------------------------------------------------------------------------------


def external_body(source: Source, part: Part, found: dict[PropertyKey, Value]) -> AttachmentContent | None:
    """Make a shortcut to a file that anybody may fetch by FTP ([MS-OXCMAIL] 2.2.3.5, [RFC2046] 5.2.3).

    None for all other ways of access: their parts stay as they are.
    """
    media = source.media(part)
    if (media.parameter(b"access-type") or b"").lower() != b"anon-ftp":
        return None
    site = decode_parameter(media, "site") or ""
    name = decode_parameter(media, "name") or ""
    if not _SITE.match(site) or not name:
        return None
    folder = (decode_parameter(media, "directory") or "").strip("/")
    mode = (media.parameter(b"mode") or b"").lower()
    path = quote(f"{folder}/{name}" if folder else name, safe="/~")
    kind = "a" if mode in (b"", b"ascii") else "i"
    data = f"[InternetShortcut]\r\nURL=ftp://{site}/{path};type={kind}\r\n".encode("ascii")
    if not found.get(tags.PidTagDisplayName):
        found.pop(tags.PidTagDisplayName, None)
    found[tags.PidTagAttachMimeTag] = _OCTETS
    return _named(found, (clean_name(name.rpartition("/")[2]) or "link")[:200] + ".url", data)


# --- uuencode ---------------------------------------------------------------------------------------------------------


def uuencoded(source: Source, part: Part) -> tuple[str, list[AttachmentContent]] | None:
    """Take the files out of the text of a message without MIME ([MS-OXCMAIL] 2.2.3.9, 2.2.3.9.1); None without any."""
    if any(name.lower() == b"mime-version" for _, name, _ in source.structure.header(source.raw, part)):
        return None
    text, files = extract(source.decoded(part))
    if not files:
        return None
    attachments = [_of_text(number, file) for number, file in enumerate(files, start=1)]
    return decode_text(text, part.charset), attachments


def _of_text(number: int, file: UuFile) -> AttachmentContent:
    name = clean_name(file.name) or f"ATT{number:05d}.bin"
    return _named({tags.PidTagRenderingPosition: _NOT_RENDERED, tags.PidTagAttachMimeTag: _OCTETS}, name, file.data)
