"""Signed and encrypted messages ([MS-OXOSMIME], [RFC8551]): objects with one attachment, whose octets nobody touches.

    clear-signed     IPM.Note.SMIME.MultipartSigned   Content-Type of the message, a blank line, and its body as it came
    signed, opaque   IPM.Note.SMIME                   the CMS structure, decoded from base64
    encrypted        IPM.Note.SMIME                   the same

What is signed in the clear is the body of the object too, so that it is found and shown; the signature is the client's
matter. PidNameContentType keeps Content-Type whole.
"""

from __future__ import annotations

import re

from conversion.mime.build import MAX_LINE, Entity, Leaf, Verbatim, media_field, parameter_tokens
from conversion.mime.charset import decode_unlabelled
from conversion.mime.headers import FIELD_LINES, normalise_newlines, parse_media, unfold
from conversion.mime.parts import Part
from conversion.mime.structure import octets_of
from conversion.oxcmail.attachments import clean_name, short_name
from conversion.oxcmail.body import Layout, body_properties
from conversion.oxcmail.parts import Source
from conversion.oxcmail.writejob import Job, binary_of, text_of
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice
from store.mapi.types import PropertyKey, Value

CLEAR_SIGNED = "IPM.Note.SMIME.MultipartSigned"
_CLEAR_NAME, _OPAQUE_NAME = "SMIME.txt", "smime.p7m"
_NATIVE_CLEAR_SIGNED = 4  # PidTagNativeBody ([MS-OXBBODY] 2.1.3.1)
_BY_VALUE = 1
_NOT_RENDERED = -1
_MAX_CONTENT_TYPE = 2048
_PKCS7 = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_CMS = bytes.fromhex("2A864886F70D0107")
"""The object identifier of all kinds of CMS content, without its last number ([RFC5652] 4)."""
_ATTRIBUTE = re.compile(rb"[A-Za-z0-9!#$&+.^_-]{1,60}\Z")
_KINDS = {2: "signed-data", 3: "enveloped-data", 9: "compressed-data"}


def read_smime(source: Source, root: Part, name: str, layout: Layout) -> MessageContent | None:
    """Give body properties and the attachment of a signed or encrypted message; None where it is not whole."""
    if name == CLEAR_SIGNED:
        return _clear_signed(source, root, layout) if len(root.children) >= 2 else None
    return _opaque(source, root)


def _field(source: Source, part: Part) -> bytes:
    """Give the lines of Content-Type as they stand."""
    for lines, name, _ in source.structure.header(source.raw, part):
        if name.lower() == b"content-type":
            return lines
    return b""


def _content_type(value: bytes) -> str:
    return decode_unlabelled(unfold(value[:_MAX_CONTENT_TYPE])).replace("\0", "")


def _attachment(mime_tag: str, name: str, data: bytes | MimeSlice) -> AttachmentContent:
    return AttachmentContent(
        {
            tags.PidTagAttachMethod: _BY_VALUE,
            tags.PidTagAttachMimeTag: mime_tag,
            tags.PidTagAttachLongFilename: name,
            tags.PidTagAttachFilename: short_name(name),
            tags.PidTagAttachExtension: name[name.rfind(".") :],
            tags.PidTagDisplayName: name,
            tags.PidTagRenderingPosition: _NOT_RENDERED,
        },
        data,
    )


def _clear_signed(source: Source, root: Part, layout: Layout) -> MessageContent:
    """Read a clear-signed message ([MS-OXOSMIME] 2.1.3.1): its Content-Type and its body, octet for octet."""
    lines = _field(source, root)
    start = root.body_start - 2 - len(lines)
    data: bytes | MimeSlice
    if source.sliced and start >= 0 and source.raw[start : root.body_start] == lines + b"\r\n":
        # Content-Type is the last field: no copy is needed.
        data = MimeSlice(start, root.body_end - start, "7bit")
    else:
        data = lines.rstrip(b"\r\n") + b"\r\n\r\n" + source.raw[root.body_start : root.body_end]
    found = body_properties(source, layout)
    found[tags.PidTagNativeBody] = _NATIVE_CLEAR_SIGNED
    found[tags.PidNameContentType] = _content_type(lines.partition(b":")[2])
    return MessageContent(found, (), (_attachment("multipart/signed", _CLEAR_NAME, data),))


def _opaque(source: Source, root: Part) -> MessageContent:
    """Read an opaque-signed or encrypted message ([MS-OXOSMIME] 2.1.3.2): no body, the CMS structure as a file."""
    lines = _field(source, root)
    found: dict[PropertyKey, Value] = {tags.PidNameContentType: _content_type(lines.partition(b":")[2])}
    mime_tag = f"{root.type}/{root.subtype}"
    return MessageContent(found, (), (_attachment(mime_tag, _OPAQUE_NAME, source.data(root)),))


# --- Written ----------------------------------------------------------------------------------------------------------


def write_smime(content: MessageContent, job: Job) -> Entity | None:
    """Write a signed or encrypted message out of its only attachment ([MS-OXOSMIME] 2.1.3); None where it has none."""
    if len(content.attachments) != 1:
        return None
    data = job.data(content.attachments[0])
    if not data:
        return None
    if text_of(content.properties, tags.PidTagMessageClass).lower().endswith(".multipartsigned"):
        return _write_clear(content, data, job)
    return _write_opaque(content, data)


def _write_clear(content: MessageContent, data: bytes, job: Job) -> Entity | None:
    """Write what was signed and the signature beside it ([MS-OXOSMIME] 2.1.3.1.2.2, 2.1.3.1.2.3).

    Line ends are canonical already, or become so. A line that is too long for mail stays: it came so, and any other
    would break the signature.
    """
    data = normalise_newlines(data)
    header, blank, body = data.partition(b"\r\n\r\n")
    fields = [
        lines.rstrip(b"\r\n") + b"\r\n"
        for lines, name, _ in FIELD_LINES.findall(header + b"\r\n")
        if name.lower() in (b"content-type", b"content-transfer-encoding")
    ]
    if not blank or not any(line[:13].lower() == b"content-type:" for line in fields):
        # The body alone: its Content-Type is kept beside it.
        said = parse_media(text_of(content.properties, tags.PidNameContentType).encode("utf-8", "replace"))
        fields, body = [_media(said.type + b"/" + said.subtype, said.parameters)], data
    media = parse_media(b"".join(fields).partition(b":")[2])
    boundary = octets_of(media, b"boundary")
    if (media.type + b"/" + media.subtype).lower() != b"multipart/signed" or not boundary:
        return None
    head = b"".join(fields)
    if b"--" + boundary not in body or not _is_sound(head) or not _is_sound(body):
        return None
    if max(map(len, head.split(b"\r\n"))) > MAX_LINE or not head.isascii():
        return None
    if max(map(len, body.split(b"\r\n"))) > MAX_LINE:
        job.receipt.guessed("multipart/signed", f"a line has more than {MAX_LINE} octets; it stays, as it is signed")
    return Verbatim(fields, body)


def _is_sound(octets: bytes) -> bool:
    return b"\0" not in octets and octets.count(b"\r") == octets.count(b"\r\n") == octets.count(b"\n")


def _media(value: bytes, parameters: tuple[tuple[bytes, bytes], ...]) -> bytes:
    tokens = [parameter_tokens(key.decode("latin-1"), text.decode("utf-8", "replace")) for key, text in parameters]
    return media_field("Content-Type", value.decode("ascii", "replace"), tokens)


def _write_opaque(content: MessageContent, data: bytes) -> Entity | None:
    """Write a CMS structure ([MS-OXOSMIME] 2.1.3.2.2.2, 2.1.3.2.2.3).

    Its Content-Type is the one that it came with, or one that says what it is.
    """
    item = content.attachments[0]
    if data[:1] != b"\x30" or binary_of(item.properties, tags.PidTagAttachEncoding):
        return None
    said = parse_media(text_of(content.properties, tags.PidNameContentType).encode("utf-8", "replace"))
    kind = (said.type + b"/" + said.subtype).decode("latin-1").lower()
    name = clean_name(text_of(item.properties, tags.PidTagAttachLongFilename)) or _OPAQUE_NAME
    if kind in (*_PKCS7, "application/octet-stream") and all(_ATTRIBUTE.match(key) for key, _ in said.parameters):
        field = _media(kind.encode("ascii"), said.parameters)
    else:
        at = data.find(_CMS, 0, 64)
        what = _KINDS.get(data[at + len(_CMS)]) if 0 <= at < len(data) - len(_CMS) else None
        parameters = [parameter_tokens("smime-type", what)] if what else []
        field = media_field("Content-Type", _PKCS7[0], [*parameters, parameter_tokens("name", name)])
    disposition = media_field("Content-Disposition", "attachment", [parameter_tokens("filename", name)])
    return Leaf([field, disposition], data, "base64")
