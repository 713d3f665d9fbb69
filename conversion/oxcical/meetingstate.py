"""METHOD and the classes of meetings, and the properties that tell clients what to do ([MS-OXCICAL] 2.1.3.1.1.1).

What is set beyond what iCalendar says is what Outlook sets itself ([MS-OXOCAL] 2.2.1 to 2.2.7): items without it are
shown wrongly or not at all.

[MS-OXOCAL] 2.2.1.10 to 2.2.1.13, 2.2.1.35 to 2.2.1.37, 2.2.1.49, 2.2.2, 2.2.2.1, 2.2.2.2, 2.2.3, 2.2.4, 2.2.5.1;
[MS-OXOCAL] 2.2.5, 2.2.5.7, 2.2.6, 2.2.6.1, 2.2.6.5, 2.2.6.6, 2.2.7, 2.2.7.1, 2.2.8, 2.2.8.1, 2.2.8.4.
"""

from __future__ import annotations

from conversion.oxcical.attendees import NOT_RESPONDED, TRACKS, People
from conversion.oxcical.texts import Properties
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.types import PropertyBag, Value

APPOINTMENT = "IPM.Appointment"
REQUEST = "IPM.Schedule.Meeting.Request"
CANCELED = "IPM.Schedule.Meeting.Canceled"
_RESPONSE = "IPM.Schedule.Meeting.Resp."
_ANSWERS = {"ACCEPTED": "Pos", "TENTATIVE": "Tent", "DECLINED": "Neg"}
KNOWN_METHODS = frozenset(("", "PUBLISH", "REQUEST", "REPLY", "COUNTER", "CANCEL"))
MEETING, RECEIVED, CANCELLED = 1, 2, 4
"""PidLidAppointmentStateFlags ([MS-OXOCAL] 2.2.1.10)."""
_ORGANIZED = 1  # PidLidResponseStatus ([MS-OXOCAL] 2.2.1.11)
_FULL, _INITIAL = 0x10000, 1  # PidLidMeetingType ([MS-OXOCAL] 2.2.6.5)
# PidLidSideEffects ([MS-OXCMSG] 2.2.1.16).
_APPOINTMENT_EFFECTS, _MESSAGE_EFFECTS = 0x171, 0x1C61
_ICONS = {REQUEST: 0x404, CANCELED: 0x408, "Pos": 0x405, "Neg": 0x406, "Tent": 0x407}


def class_of(method: str, people: People, receipt: Receipt) -> str:
    """Give the message class of a METHOD, and of what the one ATTENDEE of an answer says.

    Of a file an unknown METHOD is taken as PUBLISH, as Outlook does it with ADD ([MS-STANOICAL] 2.2.99).
    """
    if method == "REQUEST":
        return REQUEST
    if method == "CANCEL":
        return CANCELED
    if method not in ("REPLY", "COUNTER"):
        if method not in KNOWN_METHODS:
            receipt.guessed("METHOD", f"{method[:30]} is taken as PUBLISH")
        return APPOINTMENT
    said = ((people.attendees[0].line.parameter("PARTSTAT") if people.attendees else "") or "").upper()
    if method == "COUNTER":
        return _RESPONSE + ("Neg" if said == "DECLINED" else "Tent")
    if said not in _ANSWERS:
        receipt.guessed("ATTENDEE, PARTSTAT", "no answer that MAPI has: taken as TENTATIVE")
    return _RESPONSE + _ANSWERS.get(said, "Tent")


def answer_is_known(people: People) -> bool:
    """Whether the one attendee of an answer says what an answer can be in MAPI."""
    return len(people.attendees) == 1 and (people.attendees[0].line.parameter("PARTSTAT") or "").upper() in _ANSWERS


def state_properties(
    message_class: str,
    people: People,
    *,
    cancelled: bool,
    recurring: bool,
    exception: bool,
    sequence: int,
    user: frozenset[str],
) -> Properties:
    """Give the properties of a meeting's state ([MS-OXOCAL] 2.2.1.10, 2.2.1.11, 2.2.6.5).

    `user`: the addresses, folded, of the one whose calendar it is; empty where nobody is known.
    """
    found: Properties = {
        tags.PidTagMessageClass: message_class,
        tags.PidLidRecurring: recurring,
        tags.PidLidIsRecurring: recurring or exception,
        tags.PidLidIsException: exception,
    }
    if message_class == APPOINTMENT:
        found.update(_appointment(people, cancelled=cancelled, recurring=recurring, user=user))
    else:
        found[tags.PidLidSideEffects] = _MESSAGE_EFFECTS
        found[tags.PidTagIconIndex] = _ICONS.get(message_class) or _ICONS[message_class.rpartition(".")[2]]
        found[tags.PidTagProcessed] = False
    if message_class == REQUEST:
        found[tags.PidLidAppointmentStateFlags] = MEETING | RECEIVED
        found[tags.PidLidResponseStatus] = NOT_RESPONDED
        found[tags.PidLidMeetingType] = _FULL if sequence > 0 else _INITIAL
        found[tags.PidLidAppointmentMessageClass] = APPOINTMENT
    elif message_class == CANCELED:
        found[tags.PidLidAppointmentStateFlags] = MEETING | RECEIVED | CANCELLED
        found[tags.PidLidResponseStatus] = NOT_RESPONDED
    elif message_class != APPOINTMENT:
        found[tags.PidLidResponseStatus] = 0
    wanted = [one.line.parameter("RSVP") for one in people.attendees]
    if any(wanted) or message_class == REQUEST:
        asked = any((word or "").upper() in ("TRUE", "YES") for word in wanted)
        found[tags.PidTagResponseRequested] = asked
        found[tags.PidTagReplyRequested] = asked
    return found


def of_message(message_class: str, properties: PropertyBag) -> Properties:
    """Give what a message about a meeting says a second time ([MS-OXOCAL] 2.2.5.3, 2.2.7.7); nothing for others."""
    if not message_class.startswith("IPM.Schedule.Meeting."):
        return {}
    found: Properties = {}
    location = properties.get(tags.PidLidLocation)
    if isinstance(location, str):
        found[tags.PidLidWhere] = location
    if message_class.startswith(_RESPONSE):
        bodies = (properties.get(key) for key in (tags.PidTagBody, tags.PidTagHtml, tags.PidTagRtfCompressed))
        found[tags.PidLidIsSilent] = not any(isinstance(body, str | bytes) and body.strip() for body in bodies)
    return found


def _appointment(people: People, *, cancelled: bool, recurring: bool, user: frozenset[str]) -> Properties:
    flags, status = 0, 0
    if people.organizer is not None or people.attendees:
        flags = MEETING
        organizer = people.organizer.mailbox.address.casefold() if people.organizer is not None else ""
        status = _ORGANIZED
        if user and organizer and organizer not in user:
            flags |= RECEIVED
            own = [one.line for one in people.attendees if one.mailbox.address.casefold() in user]
            status = TRACKS.get((own[0].parameter("PARTSTAT") or "").upper(), NOT_RESPONDED) if own else NOT_RESPONDED
    if cancelled:
        flags |= CANCELLED
    return {
        tags.PidLidAppointmentStateFlags: flags,
        tags.PidLidResponseStatus: status,
        tags.PidLidSideEffects: _APPOINTMENT_EFFECTS,
        tags.PidTagIconIndex: 0x400 + (1 if recurring else 0) + (2 if flags & MEETING else 0),
    }


def method_of(properties: PropertyBag) -> str | None:
    """Give the METHOD of an object ([MS-OXCICAL] 2.1.3.1.1.1), or None for a class that is no calendar object."""
    name = str(properties.get(tags.PidTagMessageClass, "")).casefold()
    if _is(name, APPOINTMENT):
        return "PUBLISH"
    if _is(name, REQUEST):
        return "REQUEST"
    if _is(name, CANCELED):
        return "CANCEL"
    if any(_is(name, _RESPONSE + end) for end in _ANSWERS.values()):
        return "COUNTER" if properties.get(tags.PidLidAppointmentCounterProposal) is True else "REPLY"
    return None


def _is(name: str, base: str) -> bool:
    return name == base.casefold() or name.startswith(base.casefold() + ".")


def state_flags(properties: PropertyBag) -> int:
    """Give PidLidAppointmentStateFlags, 0 where it is not set."""
    flags: Value | None = properties.get(tags.PidLidAppointmentStateFlags)
    return flags if isinstance(flags, int) else 0
