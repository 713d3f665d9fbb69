"""Sample mail, a meeting and contacts for the demo, as MIME messages with the MAPI properties that go with them."""

from __future__ import annotations

import datetime
import email.utils
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from typing import NamedTuple

from conversion.mime.rendition import render
from conversion.oxcmail.reader import read_mime
from store.mapi import tags
from store.mapi.message import MessageContent, MimeRendition
from store.mapi.types import PropertyKey, Value, filetime_from_unix

VCAL_UID = bytes.fromhex("040000008200E00074C5B7101A82E008") + bytes(20)


class Sample(NamedTuple):
    """A message that is ready for Mailbox.deliver."""

    content: MessageContent
    mime: MimeRendition
    date: int


class Person(NamedTuple):
    """Somebody that a contact describes."""

    given: str
    surname: str
    address: str
    phone: str
    company: str

    @property
    def name(self) -> str:
        """The display name."""
        return f"{self.given} {self.surname}"


def note(
    sender: str,
    to: Sequence[str],
    subject: str,
    text: str,
    *,
    date: int,
    html: str = "",
    attachment: tuple[str, str] | None = None,
    reply_to: str = "",
    ident: str = "",
) -> Sample:
    """Make an ordinary message. `attachment` is a file name and a text; `reply_to` the Message-ID that is answered."""
    message = _head(sender, to, subject, date, ident)
    if reply_to:
        message["In-Reply-To"] = message["References"] = reply_to
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html")
    if attachment:
        message.add_attachment(attachment[1].encode(), maintype="text", subtype="csv", filename=attachment[0])
    return _sample(message, date, {})


def meeting(
    organizer: tuple[str, str], attendees: Sequence[tuple[str, str]], subject: str, place: str, start: int, minutes: int
) -> Sample:
    """Make an appointment in the organizer's calendar ([MS-OXOCAL] 2.2.1).

    People are pairs of name and address; it begins at `start`, in Unix seconds.
    """
    now = int(datetime.datetime.now(datetime.UTC).timestamp())
    end = start + minutes * 60
    uid = f"meeting-{start}@{organizer[1].rpartition('@')[2]}"
    calendar = _calendar(organizer, attendees, subject, place, (start, end, now), uid)
    message = _head(email.utils.formataddr(organizer), [email.utils.formataddr(one) for one in attendees], subject, now)
    message.set_content(f"{subject}\n{place}\n")
    message.add_alternative(calendar, subtype="calendar", params={"method": "REQUEST"})
    began, ended = filetime_from_unix(start), filetime_from_unix(end)
    blob = b"vCal-Uid\x01\0\0\0" + uid.encode() + b"\0"
    identity = VCAL_UID + len(blob).to_bytes(4, "little") + blob
    return _sample(
        message,
        now,
        {
            tags.PidTagMessageClass: "IPM.Appointment",
            tags.PidTagStartDate: began,
            tags.PidTagEndDate: ended,
            tags.PidLidAppointmentStartWhole: began,
            tags.PidLidAppointmentEndWhole: ended,
            tags.PidLidCommonStart: began,
            tags.PidLidCommonEnd: ended,
            tags.PidLidAppointmentDuration: minutes,
            tags.PidLidAppointmentSubType: False,
            tags.PidLidAppointmentStateFlags: 1,  # asfMeeting ([MS-OXOCAL] 2.2.1.10)
            tags.PidLidResponseStatus: 1,  # respOrganized ([MS-OXOCAL] 2.2.1.11)
            tags.PidLidBusyStatus: 2,  # olBusy ([MS-OXOCAL] 2.2.1.2)
            tags.PidLidAppointmentSequence: 0,
            tags.PidLidLocation: place,
            tags.PidLidWhere: place,
            tags.PidLidToAttendeesString: "; ".join(name for name, _ in attendees),
            tags.PidLidAllAttendeesString: "; ".join(name for name, _ in (organizer, *attendees)),
            tags.PidLidGlobalObjectId: identity,
            tags.PidLidCleanGlobalObjectId: identity,
        },
    )


def contact(person: Person) -> Sample:
    """Make a Contact object ([MS-OXOCNTC] 2.2.1) with a vCard as its MIME form ([RFC6350] 3.1)."""
    now = int(datetime.datetime.now(datetime.UTC).timestamp())
    card = "\r\n".join(
        (
            "BEGIN:VCARD",
            "VERSION:4.0",
            f"FN:{person.name}",
            f"N:{person.surname};{person.given};;;",
            f"EMAIL;TYPE=work:{person.address}",
            f"TEL;TYPE=work:{person.phone}",
            f"ORG:{person.company}",
            "END:VCARD",
            "",
        )
    )
    message = _head("", [], person.name, now)
    message.set_content(card, subtype="vcard")
    return _sample(
        message,
        now,
        {
            tags.PidTagMessageClass: "IPM.Contact",
            tags.PidTagDisplayName: person.name,
            tags.PidTagGivenName: person.given,
            tags.PidTagSurname: person.surname,
            tags.PidTagCompanyName: person.company,
            tags.PidTagBusinessTelephoneNumber: person.phone,
            tags.PidLidFileUnder: f"{person.surname}, {person.given}",
            tags.PidLidEmail1DisplayName: f"{person.name} ({person.address})",
            tags.PidLidEmail1AddressType: "SMTP",
            tags.PidLidEmail1EmailAddress: person.address,
            tags.PidLidEmail1OriginalDisplayName: person.address,
        },
    )


def _head(sender: str, to: Sequence[str], subject: str, date: int, ident: str = "") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Date"] = email.utils.format_datetime(datetime.datetime.fromtimestamp(date, datetime.UTC))
    if sender:
        message["From"] = sender
    if to:
        message["To"] = ", ".join(to)
    message["Subject"] = subject
    message["Message-ID"] = ident or email.utils.make_msgid(domain="example.test")
    return message


def _sample(message: EmailMessage, date: int, properties: dict[PropertyKey, Value]) -> Sample:
    mime = render(message.as_bytes())
    content = read_mime(mime, received=date)
    merged = {**content.properties, **properties}
    return Sample(MessageContent(merged, content.recipients, content.attachments), mime, date)


def _calendar(
    organizer: tuple[str, str],
    attendees: Sequence[tuple[str, str]],
    subject: str,
    place: str,
    times: tuple[int, int, int],
    uid: str,
) -> str:
    """Write the iCalendar form of a meeting request ([RFC5545] 3.6.1, [RFC5546] 3.2.2)."""
    start, end, now = (
        datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y%m%dT%H%M%SZ") for moment in times
    )
    lines = [
        "BEGIN:VCALENDAR",
        "PRODID:-//oxgate//demo//EN",
        "VERSION:2.0",
        "METHOD:REQUEST",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{now}",
        f"DTSTART:{start}",
        f"DTEND:{end}",
        f"SUMMARY:{subject}",
        f"LOCATION:{place}",
        f"ORGANIZER;CN={organizer[0]}:mailto:{organizer[1]}",
        *(f"ATTENDEE;CN={name};RSVP=TRUE:mailto:{address}" for name, address in attendees),
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return "\r\n".join(lines)
