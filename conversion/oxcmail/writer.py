"""The MIME writer: a Message object becomes a message as MIME ([MS-OXCMAIL] 2.1, 2.1.3).

    receipt = Receipt()
    raw = b"".join(write_mime(content, resolve=directory_lookup, receipt=receipt, audience=Audience.TRANSPORT))

The structure follows from the best body, the message class and the attachments ([MS-OXCMAIL] 2.1.3.3, 2.1.3.2.1):

    body             inline  others  structure
    plain            -       no      text/plain
    plain            -       yes     mixed(text/plain, others)
    HTML, RTF        no      no      alternative(text/plain, text/html)
    HTML, RTF        yes     no      related(alternative(text/plain, text/html), inline)
    HTML, RTF        any     yes     mixed(one of the two above, others)

A calendar object or meeting message has text/calendar as the last form of the alternative. Reports, signed and
encrypted messages, and TNEF are made by the converters of `hooks`; where one is missing the message is written as
above, and the receipt says so. What a message came as is kept beside the object (docs/decisions/0009) and served as it
is, so that nothing is written from a skeleton ([MS-OXCMAIL] 2.1.3.5).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator

from conversion.mime.build import Entity, Leaf, Multipart, field, media_field, parameter_tokens
from conversion.oxcmail.hooks import HOOKS, CalendarPart, Hooks
from conversion.oxcmail.writeattachments import picture_leaf, split_inline, write_attachment
from conversion.oxcmail.writebody import Body, body_entity, calendar_leaf, write_body
from conversion.oxcmail.writeheaders import envelope_fields
from conversion.oxcmail.writejob import Audience, DirectoryLookup, Job, binary_of, text_of
from conversion.oxcmail.writenotes import note_unwritten
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import MessageContent

__all__ = ["ENCAPSULATION_DOMAIN", "Audience", "write_mime"]

ENCAPSULATION_DOMAIN = "encapsulated.invalid"
"""Nobody's domain ([RFC6761] 6.4), for addresses that SMTP has no form for, where the caller names no domain."""

_CALENDAR = re.compile(r"IPM\.(?:Appointment|Schedule\.Meeting)(?:\.|\Z)", re.I)
_SECURE = re.compile(r"IPM\.(?:Note|InfoPathForm\..{1,200})\.SMIME(?:\.MultipartSigned)?\Z", re.I | re.S)
_REPORT = re.compile(r"REPORT\.(?:.{1,200}\.)?(?:NDR|DR|IPNRN|IPNNRN)\Z", re.I | re.S)
# Classes that a note, or what Content-Class says of one, stands for.
_NOTE = re.compile(
    r"(?:|IPM|IPM\.Note(?:\.Microsoft\.(?:Fax|Missed|Conversation|Voicemail)\b.*|\.Custom\..*)?)\Z", re.I | re.S
)
_MIME_VERSION = field("MIME-Version", [b"1.0"])
_WINMAIL = "winmail.dat"


def write_mime(
    content: MessageContent,
    *,
    resolve: DirectoryLookup | None = None,
    receipt: Receipt | None = None,
    audience: Audience = Audience.TRANSPORT,
    raw: bytes = b"",
    domain: str = ENCAPSULATION_DOMAIN,
    now: int | None = None,
    token: str | None = None,
    rich: bool = False,
    hooks: Hooks = HOOKS,
) -> Iterator[bytes]:
    """Write a Message object as MIME, a portion at a time ([MS-OXCMAIL] 2.1). Never raises, whatever the object holds.

    `resolve` gives the SMTP address of an X500 DN. `raw` is the original that attachments are slices of. `domain` is
    the own one, in which addresses of other kinds are encapsulated. `now` is in Unix seconds, the clock's by default.
    `token` is what boundaries and a missing Message-ID are made of, at least 16 letters and digits that nobody who
    wrote into the message knows: at random by default, given where the same octets have to come out again. `rich` asks
    for TNEF, for recipients who are known to read it.
    """
    job = Job(
        resolve,
        audience,
        raw,
        domain,
        int(time.time()) if now is None else now,
        secrets.token_hex(12) if token is None else token,
        hooks,
        Receipt() if receipt is None else receipt,
    )
    return _message(content, job, rich=rich).write()


def _message(content: MessageContent, job: Job, *, rich: bool = False) -> Entity:
    """Make the entity of one message, the outermost or an embedded one."""
    correlator = _correlator(content, job) if rich else b""
    entity = _tnef(content, correlator, job) if rich else None
    visible = bool(content.attachments)
    if entity is None:
        correlator = b""
        exported = _calendar(content, job)
        entity, visible = _structure(content, exported, job)
        note_unwritten(content, job, exported.says if exported is not None else {})
    entity.fields = [
        *envelope_fields(content, job, has_attachments=visible, correlator=correlator),
        _MIME_VERSION,
        *entity.fields,
    ]
    return entity


def _structure(content: MessageContent, exported: CalendarPart | None, job: Job) -> tuple[Entity, bool]:
    """Make what a message class stands for; tell too whether there are attachments that are not in the body."""
    name = text_of(content.properties, tags.PidTagMessageClass)
    if _SECURE.match(name):
        secure = job.hooks.smime(content, job) if job.hooks.smime is not None else None
        if secure is not None:
            return secure, False
        job.receipt.altered("PidTagMessageClass", f"{name} was written by its parts: a signature over them is broken")
    body = write_body(content, job)
    calendar = calendar_leaf(exported) if exported is not None else None
    inline, others = split_inline(content.attachments, body.source.encode("utf-8", "replace"))
    shown = [
        entity
        for number, item in inline
        if (entity := write_attachment(item, number, job, _message, inline=True)) is not None
    ]
    shown += [picture_leaf(picture.content_id, picture.media_type, picture.data) for picture in body.pictures]
    entity = body_entity(body, calendar, shown, job)
    attached = [part for number, item in others if (part := write_attachment(item, number, job, _message)) is not None]
    if _REPORT.match(name):
        report = job.hooks.report
        made = report(content, entity, attached, job) if report is not None else None
        if made is not None:
            return made, bool(attached)
    _note_class(name, body, calendar, job)
    if not attached:
        return entity, False
    return Multipart([], "mixed", job.boundary(), [entity, *attached]), True


def _note_class(name: str, body: Body, calendar: Leaf | None, job: Job) -> None:
    """Say in the receipt where the class of a message shows in nothing that was written ([MS-OXCMAIL] 2.1.3.2.1)."""
    if not _NOTE.match(name) and calendar is None and not _SECURE.match(name):
        job.receipt.altered("PidTagMessageClass", f"{name} has no form in MIME here; it was written as a note")


def _calendar(content: MessageContent, job: Job) -> CalendarPart | None:
    """Export the calendar part ([MS-OXCMAIL] 2.1.3.3.8)."""
    name = text_of(content.properties, tags.PidTagMessageClass)
    if not _CALENDAR.match(name):
        return None
    part = job.hooks.calendar(content, job.receipt) if job.hooks.calendar is not None else None
    if part is None:
        job.receipt.dropped("text/calendar", f"nothing could be exported of {name}")
    return part


def _correlator(content: MessageContent, job: Job) -> bytes:
    """Return what binds the TNEF part to its message ([MS-OXCMAIL] 2.1.3.2.26)."""
    kept = binary_of(content.properties, tags.PidTagTnefCorrelationKey).rstrip(b"\0")
    if kept and len(kept) <= 200 and kept.isascii() and kept.decode("ascii").isprintable() and b" " not in kept:
        return kept
    return f"<{job.token}@{job.domain}>".encode("ascii", "replace")


def _tnef(content: MessageContent, correlator: bytes, job: Job) -> Entity | None:
    """Make a message whose properties and attachments are in TNEF, beside its text ([MS-OXCMAIL] 2.1.3.3.2)."""
    data = job.hooks.tnef(content, job.raw, correlator, job.receipt) if job.hooks.tnef is not None else None
    if data is None:
        job.receipt.altered("winmail.dat", "TNEF was asked for and cannot be made; the message is pure MIME")
        return None
    body = write_body(content, job)
    plain = body.plain or body.html
    assert plain is not None
    named = [parameter_tokens("name", _WINMAIL)]
    fields = [
        media_field("Content-Type", "application/ms-tnef", named),
        media_field("Content-Disposition", "attachment", [parameter_tokens("filename", _WINMAIL)]),
    ]
    return Multipart([], "mixed", job.boundary(), [plain, Leaf(fields, data, "base64")])
