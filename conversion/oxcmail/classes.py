"""The message class that the MIME structure stands for ([MS-OXCMAIL] 2.1.3.2.1, [MS-OXOSMIME] 2.1)."""

from __future__ import annotations

import re

from conversion.mime.parts import Part
from conversion.mime.words import decode_parameter
from conversion.oxcmail.parts import Source

NOTE = "IPM.Note"
SECURE = f"{NOTE}.SMIME"
"""How the classes of signed and encrypted messages begin ([MS-OXOSMIME] 2.1)."""
# Content classes and the message classes they stand for ([MS-OXCMAIL] 2.1.3.2.2, 2.2.3.2.15).
_CONTENT_CLASSES = {
    "fax": "IPM.Note.Microsoft.Fax",
    "fax-ca": "IPM.Note.Microsoft.Fax.CA",
    "missedcall": "IPM.Note.Microsoft.Missed.Voice",
    "voice-uc": "IPM.Note.Microsoft.Conversation.Voice",
    "voice-ca": "IPM.Note.Microsoft.Voicemail.UM.CA",
    "voice": "IPM.Note.Microsoft.Voicemail.UM",
}
_BY_CLASS = {name.lower(): content for content, name in _CONTENT_CLASSES.items()}
_CUSTOM = "urn:content-class:custom."
_CUSTOM_CLASS = f"{NOTE}.Custom."
_CLASS_NAME = re.compile(r"[A-Za-z0-9_.{}-]{1,200}\Z")
_INFOPATH = re.compile(r"InfoPathForm\.((?:\{?[0-9A-Fa-f-]{32,36}\}?\.)?[A-Za-z0-9_-]{1,100})\Z", re.I)
_INFOPATH_CLASS = "IPM.InfoPathForm."
_DISPOSITION = re.compile(rb"^disposition[ \t]*:[^;\r\n]{0,200};[ \t\r\n]*([a-z]{1,20})", re.I | re.M)
# The classes of delivery reports by their worst action ([MS-OXCMAIL] 2.2.3.7.1.1).
DELIVERY_CLASSES = {
    "failed": "REPORT.IPM.Note.NDR",
    "delayed": "REPORT.IPM.Note.Delayed.DR",
    "relayed": "REPORT.IPM.Note.Relayed.DR",
    "expanded": "REPORT.IPM.Note.Expanded.DR",
    "delivered": "REPORT.IPM.Note.DR",
}
_UNREAD = frozenset((b"deleted", b"denied", b"failed"))
_MAX_REPORT = 65_536


def message_class(source: Source, root: Part) -> str:
    """Return the class of a message ([MS-OXCMAIL] 2.1.3.2.1): a note, S/MIME, or a report."""
    if root.type == "application":
        return _application_class(source, root)
    if root.is_multipart and root.subtype == "signed":
        # Whatever made the signature: each signs octets that must stay as they are ([RFC1847] 2.1, [RFC3156] 5).
        return f"{NOTE}.SMIME.MultipartSigned"
    if root.subtype == "report" or root.type == "message":
        return _report_class(source, root)
    if root.is_multipart and any(child.subtype == "delivery-status" for child in root.children):
        # Some servers send such a report as multipart/mixed.
        return _report_class(source, root, strict=True)
    return NOTE


def content_class_for(name: str) -> str:
    """Return the Content-Class that tells of a message class, empty for none ([MS-OXCMAIL] 2.1.3.2.2)."""
    if name[: len(_CUSTOM_CLASS)].lower() == _CUSTOM_CLASS.lower():
        rest = name[len(_CUSTOM_CLASS) :]
        return _CUSTOM + rest if _CLASS_NAME.match(rest) else ""
    return _BY_CLASS.get(name.lower(), "")


def infopath_form(content_class: str) -> str:
    """Return what names the form in the Content-Class of InfoPath, empty for all others ([MS-OXCMAIL] 2.2.3.2.15)."""
    match = _INFOPATH.match(content_class)
    return match[1] if match else ""


def class_of_content(name: str, content_class: str, root: Part) -> str:
    """Return the message class that a Content-Class makes of a note ([MS-OXCMAIL] 2.2.3.2.15).

    What comes from telephones counts only where the message has the parts for it: a page ([MS-OXCMAIL] 2.2.3.2.15.1),
    or a sound ([MS-OXCMAIL] 2.2.3.2.15.2).
    """
    lower = content_class.lower()
    form = infopath_form(content_class)
    if form and (name == NOTE or name.startswith(SECURE)):
        # A form that is signed or encrypted stays one ([MS-OXCMAIL] 2.1.3.2.1).
        return f"{_INFOPATH_CLASS}{form.rpartition('.')[2]}{name.removeprefix(NOTE)}"
    if name != NOTE:
        return name
    if lower.startswith(_CUSTOM):
        rest = content_class[len(_CUSTOM) :]
        return _CUSTOM_CLASS + rest if _CLASS_NAME.match(rest) else name
    found = _CONTENT_CLASSES.get(lower)
    if found is None or lower == "missedcall":
        return found or name
    wanted = ("image", "tiff") if lower.startswith("fax") else ("audio", "")
    has_it = any(child.type == wanted[0] and child.subtype.startswith(wanted[1]) for child in root.children)
    return found if has_it else name


def _application_class(source: Source, root: Part) -> str:
    if root.subtype in ("pkcs7-mime", "x-pkcs7-mime"):
        return f"{NOTE}.SMIME"
    if root.subtype == "octet-stream":
        for media, name in ((source.disposition(root), "filename"), (source.media(root), "name")):
            text = decode_parameter(media, name)
            if text and text.lower().endswith((".p7m", ".p7z", ".p7s")):
                return f"{NOTE}.SMIME"
    return NOTE


def _report_class(source: Source, root: Part, *, strict: bool = False) -> str:
    """Return the class of a report by the part that says what it is about, whatever `report-type` says.

    What does not call itself a report has to name a recipient, and must not have the part as an attached file.
    """
    from conversion.oxcmail.reportfields import field_groups, has_recipient
    from conversion.oxcmail.reports import report_part, worst_action

    part = report_part(root)
    if part is None:
        return NOTE
    if part.subtype.endswith("disposition-notification"):
        return _receipt_class(source, part)
    groups = field_groups(source.decoded(part))
    if strict and (source.is_attachment(part) or not any(has_recipient(group) for group in groups)):
        return NOTE
    return DELIVERY_CLASSES[worst_action(groups)]


def _receipt_class(source: Source, part: Part) -> str:
    match = _DISPOSITION.search(source.decoded(part)[:_MAX_REPORT])
    if match is None:
        return NOTE
    return "REPORT.IPM.Note.IPNNRN" if match[1].lower() in _UNREAD else "REPORT.IPM.Note.IPNRN"
