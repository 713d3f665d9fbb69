"""Calendars in mail, both ways ([RFC6047], [MS-OXCMAIL] 2.1.3.3.8, 2.2.3.3.2, [MS-OXCICAL] 2.1.3.1.1.1).

`calendar_properties` gives the object of a text/calendar part, and `merged` joins it with the mail around; both are for
the MIME reader. `calendar_part` gives the part of an object; that is for the MIME writer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from conversion.contentlines import read_components
from conversion.errors import ConversionError
from conversion.oxcical.attendees import ORGANIZER
from conversion.oxcical.exporter import write_calendar
from conversion.oxcical.files import EMBEDDED, DataOf, octets_of
from conversion.oxcical.importer import method_of_calendar, read_calendar
from conversion.oxcical.meetingstate import APPOINTMENT, CANCELED, KNOWN_METHODS, method_of, of_message
from conversion.oxcical.texts import split_meeting_subject
from conversion.oxcmail.addressing import Resolver
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow
from store.mapi.types import PropertyBag, PropertyKey, Value

_ANSWERS = ("ACCEPTED", "TENTATIVE", "DECLINED")
_NOTE = "IPM.Note"
# What the mail says is what counts, whatever the calendar says.
_OF_MAIL: tuple[PropertyKey, ...] = (
    tags.PidTagSubject,
    tags.PidTagSubjectPrefix,
    tags.PidTagNormalizedSubject,
    tags.PidTagConversationTopic,
    tags.PidTagMessageLocaleId,
    tags.PidTagCreationTime,
    tags.PidTagLastModificationTime,
)
_BODIES: tuple[PropertyKey, ...] = (
    tags.PidTagBody,
    tags.PidTagHtml,
    tags.PidTagRtfCompressed,
    tags.PidTagNativeBody,
    tags.PidTagInternetCodepage,
)


def calendar_properties(
    part: bytes,
    *,
    zone: str | dt.tzinfo | None = None,
    resolve: Resolver | None = None,
    user: Iterable[str] = (),
    receipt: Receipt | None = None,
) -> MessageContent | None:
    """Give the object of a text/calendar part, in UTF-8 as decoded from its transfer encoding.

    Several objects are attached to one that is a note. None, with a note why, for what mail cannot be about: methods
    that MAPI has not, answers that are none, tasks, no event at all. Such a part stays a file: Exchange knows no other
    methods either ([MS-STANXICAL] 2.2.97, 2.2.105).
    """
    notes = Receipt() if receipt is None else receipt
    calendars = [component for component in read_components(part) if component.name == "VCALENDAR"]
    method = method_of_calendar(calendars[0]) if calendars else ""
    if method not in KNOWN_METHODS:
        notes.dropped("METHOD", f"{method[:30]} has no form in MAPI: the calendar stays a file")
        return None
    if method == "REPLY":
        said = [
            (line.parameter("PARTSTAT") or "").upper()
            for event in calendars[0].inner("VEVENT")[:1]
            for line in event.every("ATTENDEE")
        ]
        if not said or said[0] not in _ANSWERS:
            notes.dropped("PARTSTAT", "an answer that MAPI has not: the calendar stays a file")
            return None
    try:
        found = read_calendar(part, zone=zone, resolve=resolve, user=user, receipt=notes)
    except ConversionError as error:
        notes.dropped("text/calendar", str(error))
        return None
    objects = [content for content in found if method_of(content.properties) is not None]
    if not objects or len(objects) < len(found):
        notes.dropped("text/calendar", "there is more than events in it: the calendar stays a file")
        return None
    return objects[0] if len(objects) == 1 else MessageContent({tags.PidTagMessageClass: _NOTE}, (), _attached(objects))


def _attached(objects: list[MessageContent]) -> tuple[AttachmentContent, ...]:
    return tuple(
        AttachmentContent(
            {
                tags.PidTagAttachMethod: EMBEDDED,
                tags.PidTagDisplayName: content.properties.get(tags.PidTagSubject) or "Untitled",
                tags.PidTagRenderingPosition: -1,
            },
            content,
        )
        for content in objects
    )


def merged(mail: MessageContent, calendar: MessageContent) -> MessageContent:
    """Join the object of a mail's calendar with the mail: who sent it, subject and body are the mail's.

    The recipients of a request are the attendees, and whoever else the mail is to; those of an answer are the mail's.
    """
    properties: dict[PropertyKey, Value] = {**calendar.properties, **mail.properties}
    name = calendar.properties[tags.PidTagMessageClass]
    properties[tags.PidTagMessageClass] = name
    for rating, usual in ((tags.PidTagImportance, 1), (tags.PidTagPriority, 0), (tags.PidTagSensitivity, 0)):
        if mail.properties.get(rating, usual) == usual and rating in calendar.properties:
            properties[rating] = calendar.properties[rating]
    for key in _OF_MAIL:
        if not mail.properties.get(key) and key in calendar.properties:
            properties[key] = calendar.properties[key]
    if not mail.properties.get(tags.PidTagBody) and not mail.properties.get(tags.PidTagHtml):
        properties.update({key: calendar.properties[key] for key in _BODIES if key in calendar.properties})
    if str(name) == CANCELED or _is_answer(str(name)):
        subject, topic = str(properties.get(tags.PidTagSubject, "")), properties.get(tags.PidTagNormalizedSubject)
        prefix, rest = split_meeting_subject(subject)
        properties[tags.PidTagSubjectPrefix], properties[tags.PidTagNormalizedSubject] = prefix, rest
        if properties.get(tags.PidTagConversationTopic) == topic:
            properties[tags.PidTagConversationTopic] = rest
    properties.update(of_message(str(name), properties))
    attachments = (*mail.attachments, *calendar.attachments)
    visible = [item for item in attachments if item.properties.get(tags.PidTagAttachmentHidden) is not True]
    properties[tags.PidTagHasAttachments] = bool(visible)
    return MessageContent(properties, _rows(mail, calendar, str(name)), attachments)


def _rows(mail: MessageContent, calendar: MessageContent, name: str) -> tuple[RecipientRow, ...]:
    known = {_key(row.properties): row for row in calendar.recipients}
    if not _is_answer(name):
        attending = {_key(row.properties) for row in calendar.recipients}
        return (*calendar.recipients, *(row for row in mail.recipients if _key(row.properties) not in attending))
    found: list[RecipientRow] = []
    for row in mail.recipients:
        other = known.get(_key(row.properties))
        flags = None if other is None else other.properties.get(tags.PidTagRecipientFlags)
        if isinstance(flags, int) and flags & ORGANIZER:
            row = RecipientRow(row.type, {**row.properties, tags.PidTagRecipientFlags: flags})
        found.append(row)
    return tuple(found)


def _is_answer(name: str) -> bool:
    return name.startswith("IPM.Schedule.Meeting.Resp.")


def _key(properties: PropertyBag) -> str:
    address = properties.get(tags.PidTagSmtpAddress) or properties.get(tags.PidTagEmailAddress) or ""
    return str(address).casefold()


def calendar_part(
    content: MessageContent,
    *,
    zone: str | dt.tzinfo | None = None,
    data_of: DataOf = octets_of,
    now: int | None = None,
    receipt: Receipt | None = None,
) -> tuple[bytes, str] | None:
    """Give the text/calendar part of an object, in UTF-8, and its METHOD; None for what is no calendar object.

    Files that are attached stay with the mail: they are not repeated in the part.
    """
    method = method_of(content.properties)
    if method is None:
        return None
    within = tuple(item for item in content.attachments if isinstance(item.data, MessageContent))
    kept = MessageContent(content.properties, content.recipients, within)
    return write_calendar(kept, zone=zone, data_of=data_of, now=now, receipt=receipt), method


def is_exception(attachment: AttachmentContent) -> bool:
    """Whether an attachment is a changed instance of a series, which mail says in its calendar ([MS-OXOCAL] 2.2.10)."""
    data = attachment.data
    return isinstance(data, MessageContent) and (
        tags.PidLidExceptionReplaceTime in data.properties
        and str(data.properties.get(tags.PidTagMessageClass, "")).casefold() != APPOINTMENT.casefold()
    )
