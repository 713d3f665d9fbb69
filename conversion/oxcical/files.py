"""ATTACH and the attachments of a calendar object, both ways.

[MS-OXCICAL] 2.1.3.1.1.20.1, 2.1.3.1.1.20.1.1 to 2.1.3.1.1.20.1.4.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from conversion.contentlines import ContentLine
from conversion.oxcical.texts import Lines
from conversion.oxcmail.attachments import clean_name, short_name
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent
from store.mapi.types import PropertyKey, Value

BY_VALUE, BY_REFERENCE, REFERENCE_ONLY, EMBEDDED, BY_WEB_REFERENCE = 1, 2, 4, 5, 7
"""PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9)."""
MAX_FILES = 1_000
_MAX_URI = 4096
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]+")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}")
_NAMES = ("X-FILENAME", "FILENAME", "X-APPLE-FILENAME", "X-ORACLE-FILENAME", "X-LABEL")

DataOf = Callable[[AttachmentContent], bytes | None]
"""Gives the octets of an attachment by value, decoded."""


def read_files(lines: Lines, notes: Receipt) -> list[AttachmentContent]:
    """Take the ATTACH lines: files within, and links. Links into the mail around (`cid:`) stay lines."""
    found: list[AttachmentContent] = []
    for line in lines.pop("ATTACH", []):
        if len(found) >= MAX_FILES:
            notes.dropped("ATTACH", f"those beyond {MAX_FILES}")
            break
        if _is_binary(line):
            found.append(_file(line, len(found) + 1, notes))
        elif line.value.strip().lower().startswith("cid:"):
            lines.setdefault("ATTACH", []).append(line)
        elif uri := line.value.strip():
            found.append(_link(line, uri, notes))
    return found


def _is_binary(line: ContentLine) -> bool:
    encoding = (line.parameter("ENCODING") or "").upper()
    return (line.parameter("VALUE") or "").upper() == "BINARY" or encoding in ("BASE64", "B")


def _file(line: ContentLine, number: int, notes: Receipt) -> AttachmentContent:
    text = _NOT_BASE64.sub("", line.value)
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        # One character too many: the octets before it are whole.
        data = base64.b64decode(text[: len(text) // 4 * 4])
        notes.altered("ATTACH", "base64 that is cut off")
    properties = _properties(BY_VALUE, _file_name(line) or f"ATT{number:05}")
    _media(line, properties)
    return AttachmentContent(properties, data)


def _link(line: ContentLine, uri: str, notes: Receipt) -> AttachmentContent:
    if len(uri) > _MAX_URI:
        notes.altered("ATTACH", f"cut after {_MAX_URI} characters")
    name = _file_name(line) or clean_name(uri.partition("?")[0].rstrip("/").rpartition("/")[2]) or "link"
    properties = _properties(BY_WEB_REFERENCE, name)
    properties[tags.PidTagAttachLongPathname] = uri[:_MAX_URI]
    properties[tags.PidTagAttachPathname] = uri[:255]
    _media(line, properties)
    return AttachmentContent(properties)


def _file_name(line: ContentLine) -> str:
    return next((clean_name(name) for key in _NAMES if (name := line.parameter(key))), "")


def _media(line: ContentLine, properties: dict[PropertyKey, Value]) -> None:
    """FMTTYPE ([MS-OXCICAL] 2.1.3.1.1.20.1.2)."""
    kind = line.parameter("FMTTYPE") or ""
    if _MEDIA_TYPE.fullmatch(kind):
        properties[tags.PidTagAttachMimeTag] = kind.lower()


def _properties(method: int, name: str) -> dict[PropertyKey, Value]:
    return {
        tags.PidTagAttachMethod: method,
        tags.PidTagAttachEncoding: b"",
        tags.PidTagAttachLongFilename: name,
        tags.PidTagAttachFilename: short_name(name),
        tags.PidTagDisplayName: name,
        tags.PidTagAttachExtension: f".{end}" if (end := name.rpartition(".")[2]) != name else "",
        tags.PidTagAttachFlags: 0,
        tags.PidTagAttachmentFlags: 0,
        tags.PidTagAttachmentHidden: False,
        tags.PidTagAttachmentLinkId: 0,
        tags.PidTagRenderingPosition: -1,
    }


def write_files(attachments: tuple[AttachmentContent, ...], data_of: DataOf, notes: Receipt) -> list[ContentLine]:
    """Write the attachments that a line can say; embedded messages are the caller's."""
    found: list[ContentLine] = []
    for number, item in enumerate(attachments, 1):
        method = item.properties.get(tags.PidTagAttachMethod, BY_VALUE)
        if method == EMBEDDED:
            continue
        kind = item.properties.get(tags.PidTagAttachMimeTag)
        parameters = [("FMTTYPE", (kind,))] if isinstance(kind, str) and _MEDIA_TYPE.fullmatch(kind) else []
        name = item.properties.get(tags.PidTagAttachLongFilename) or item.properties.get(tags.PidTagAttachFilename)
        named = [("X-FILENAME", (name,))] if isinstance(name, str) and name else []
        path = item.properties.get(tags.PidTagAttachLongPathname)
        if method in (BY_REFERENCE, REFERENCE_ONLY, BY_WEB_REFERENCE) and isinstance(path, str) and path:
            found.append(ContentLine("ATTACH", path, (*parameters, *named)))
            continue
        data = data_of(item) if method == BY_VALUE else None
        if data is None:
            notes.dropped(f"attachment {number}", "of a kind that iCalendar has no place for")
            continue
        binary = (("ENCODING", ("BASE64",)), ("VALUE", ("BINARY",)))
        found.append(ContentLine("ATTACH", base64.b64encode(data).decode(), (*parameters, *binary, *named)))
    return found


def octets_of(attachment: AttachmentContent) -> bytes | None:
    """Give the octets of an attachment that has them itself."""
    return attachment.data if isinstance(attachment.data, bytes) else None
