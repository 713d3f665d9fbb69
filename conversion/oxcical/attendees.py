"""Organizers and attendees, both ways ([MS-OXCICAL] 2.1.3.1.1.20.2, 2.1.3.1.1.20.16, 2.1.3.1.1.20.61).

[MS-OXOCAL] 2.2.1.16 to 2.2.1.24, 2.2.2.5, 2.2.4.10, 2.2.4.10.1 to 2.2.4.10.3, 2.2.4.10.7.
Their parameters: [MS-OXCICAL] 2.1.3.1.1.20.2.1 to 2.1.3.1.1.20.2.6, 2.1.3.1.1.20.16.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from conversion.contentlines import ContentLine
from conversion.oxcical.texts import Lines, Properties, take, time_line
from conversion.oxcical.zones import Zones, time_of
from conversion.oxcmail.addressing import (
    MAX_RECIPIENTS,
    RECIPIENT,
    SENDER,
    SENT_REPRESENTING,
    AddressGroup,
    Mailbox,
    Resolver,
    group_properties,
    recipient_row,
)
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import RecipientRow, RecipientType
from store.mapi.types import PropertyBag, Value

SENDABLE, ORGANIZER = 1, 2
"""PidTagRecipientFlags ([MS-OXOCAL] 2.2.4.10.1)."""
_LIST = 8  # PidTagObjectType
# PidTagRecipientTrackStatus ([MS-OXOCAL] 2.2.4.10.2).
TRACKS = {"NEEDS-ACTION": 5, "TENTATIVE": 2, "ACCEPTED": 3, "DECLINED": 4}
PARTSTATS = {2: "TENTATIVE", 3: "ACCEPTED", 4: "DECLINED", 5: "NEEDS-ACTION"}
_TYPES = {
    "CHAIR": RecipientType.TO,
    "REQ-PARTICIPANT": RecipientType.TO,
    "OPT-PARTICIPANT": RecipientType.CC,
    "NON-PARTICIPANT": RecipientType.CC,
}
_KNOWN = frozenset(
    ("CN", "ROLE", "CUTYPE", "PARTSTAT", "RSVP", "X-MS-OLK-RESPTIME", "SENT-BY", "EMAIL", "SCHEDULE-STATUS")
)
_MAX_NAME = 512
_NO_MAIL = "invalid:nomail"
_NON_SENDABLE = {
    RecipientType.TO: (tags.PidLidNonSendableTo, tags.PidLidNonSendToTrackStatus),
    RecipientType.CC: (tags.PidLidNonSendableCc, tags.PidLidNonSendCcTrackStatus),
    RecipientType.BCC: (tags.PidLidNonSendableBcc, tags.PidLidNonSendBccTrackStatus),
}
NOT_RESPONDED = 5
"""PidLidResponseStatus, and what somebody is tracked as, before an answer ([MS-OXOCAL] 2.2.1.11)."""


class Attendee(NamedTuple):
    """A line that names somebody."""

    mailbox: Mailbox
    line: ContentLine


@dataclass(slots=True)
class People:
    """Who takes part."""

    organizer: Attendee | None = None
    attendees: list[Attendee] = field(default_factory=list)
    rows: list[RecipientRow] = field(default_factory=list)
    properties: Properties = field(default_factory=dict)
    """Who it is from, and what the lists say."""


def read_people(lines: Lines, method: str, zones: Zones, resolve: Resolver | None, notes: Receipt) -> People:
    """Take ORGANIZER, ATTENDEE and X-MS-OLK-SENDER out of the lines.

    The organizer is who a meeting is from, or the only attendee who an answer is from; the one who sent it for him is
    in SENT-BY or X-MS-OLK-SENDER.
    """
    people = People()
    organizer = take(lines, "ORGANIZER", notes)
    if organizer is not None:
        people.organizer = Attendee(mailbox_of(organizer), organizer)
    named = lines.pop("ATTENDEE", [])
    if len(named) > MAX_RECIPIENTS:
        notes.dropped("ATTENDEE", f"those beyond {MAX_RECIPIENTS}")
    people.attendees = [Attendee(mailbox_of(line), line) for line in named[:MAX_RECIPIENTS]]
    _rows(people, zones, resolve, notes)
    _originators(people, method, lines, resolve, notes)
    return people


def mailbox_of(line: ContentLine) -> Mailbox:
    """Read a calendar user address ([RFC5545] 3.3.3): a mailto, or the EMAIL beside an address of another kind.

    What Exchange writes is a mailto ([MS-STANXICAL] 2.2.28); its DIR is passed over ([MS-STANOICAL] 2.2.11).
    """
    text = line.value.strip().strip("<>").strip()
    name = " ".join((line.parameter("CN") or "").split()).replace("\0", "")[:_MAX_NAME]
    email = (line.parameter("EMAIL") or "").strip()
    return _mailbox(text, name, email)


def _mailbox(text: str, name: str, email: str = "") -> Mailbox:
    scheme, colon, rest = text.partition(":")
    if colon and scheme.strip().lower() == "mailto":
        address = unquote(rest.partition("?")[0]) if "%" in rest else rest.partition("?")[0]
    elif "@" in text and not (colon and scheme.isalpha() and "@" not in scheme):
        address = text
    elif "@" in email:
        address = email
    else:
        return Mailbox(name or text[:_MAX_NAME], text[:1024].replace("\0", ""), "URI")
    address = "".join(address.split()).replace("\0", "")[:1024]
    return Mailbox(name or address, address) if address else Mailbox(name or text[:_MAX_NAME], text[:1024], "URI")


def _rows(people: People, zones: Zones, resolve: Resolver | None, notes: Receipt) -> None:
    """Make the recipient rows ([MS-OXCICAL] 2.1.3.1.1.20.2, 2.1.3.1.1.20.16)."""
    lists: dict[RecipientType, list[tuple[str, int]]] = {}
    other: set[str] = set()
    organizer_address = people.organizer.mailbox.address.casefold() if people.organizer else None
    seen: set[tuple[RecipientType, str]] = set()
    organizer: Properties | None = None
    if people.organizer is not None:
        row = recipient_row(RecipientType.TO, people.organizer.mailbox, resolve)
        organizer = dict(row.properties)
        organizer[tags.PidTagRecipientFlags] = SENDABLE | ORGANIZER
        organizer[tags.PidTagRecipientDisplayName] = row.properties[tags.PidTagDisplayName]
        people.rows.append(RecipientRow(RecipientType.TO, organizer))
    for mailbox, line in people.attendees:
        other.update(name for name, _ in line.parameters if name not in _KNOWN)
        kind = _kind(line, notes)
        if line.value.strip().lower() == _NO_MAIL:
            track = TRACKS.get((line.parameter("PARTSTAT") or "").upper(), NOT_RESPONDED)
            lists.setdefault(kind, []).append((mailbox.name.replace(";", ","), track))
            continue
        said = _said(line, zones, notes)
        if organizer is not None and mailbox.address.casefold() == organizer_address:
            # The organizer takes part as well: one row, which has what he said.
            organizer.update(said)
            organizer.setdefault(tags.PidTagRecipientTrackStatus, 0)
            continue
        if (kind, mailbox.address.casefold()) in seen and mailbox.type == "SMTP":
            notes.dropped("ATTENDEE", "named twice")
            continue
        seen.add((kind, mailbox.address.casefold()))
        row = recipient_row(kind, mailbox, resolve)
        if said or (line.parameter("CUTYPE") or "").upper() == "GROUP":
            properties = {**row.properties, **said}
            if (line.parameter("CUTYPE") or "").upper() == "GROUP":
                properties[tags.PidTagObjectType] = _LIST
                properties[tags.PidTagDisplayType] = 1
            row = RecipientRow(kind, properties)
        people.rows.append(row)
    for name in sorted(other):
        notes.dropped(f"ATTENDEE, {name[:50]}", "MAPI has no place for it")
    for kind, each in lists.items():
        names, tracks = _NON_SENDABLE[kind]
        people.properties[names] = "; ".join(name for name, _ in each)
        people.properties[tracks] = tuple(track for _, track in each)


def _kind(line: ContentLine, notes: Receipt) -> RecipientType:
    """To, Cc or Bcc, by ROLE and CUTYPE ([MS-OXCICAL] 2.1.3.1.1.20.2.2, 2.1.3.1.1.20.2.4)."""
    what = (line.parameter("CUTYPE") or "").upper()
    if what in ("RESOURCE", "ROOM"):
        if what == "ROOM":
            notes.altered("ATTENDEE, CUTYPE", "a room is a resource")
        return RecipientType.BCC
    role = (line.parameter("ROLE") or "REQ-PARTICIPANT").upper()
    if role in ("CHAIR", "NON-PARTICIPANT"):
        notes.altered("ATTENDEE, ROLE", "chairs are required, listeners optional")
    return _TYPES.get(role, RecipientType.TO)


def _said(line: ContentLine, zones: Zones, notes: Receipt) -> Properties:
    """What somebody answered, and when ([MS-OXCICAL] 2.1.3.1.1.20.2.3, 2.1.3.1.1.20.2.6)."""
    found: Properties = {}
    word = line.parameter("PARTSTAT")
    if word is not None:
        track = TRACKS.get(word.upper())
        if track is None:
            notes.altered("ATTENDEE, PARTSTAT", "a word that MAPI has no value for")
        else:
            found[tags.PidTagRecipientTrackStatus] = track
    when = line.parameter("X-MS-OLK-RESPTIME")
    if when and (moment := time_of(when, line, zones)) is not None:
        found[tags.PidTagRecipientTrackStatusTime] = moment.filetime
    return found


def _originators(people: People, method: str, lines: Lines, resolve: Resolver | None, notes: Receipt) -> None:
    """Who it is from, and who sent it ([MS-OXCICAL] 2.1.3.1.1.20.16, 2.1.3.1.1.20.61)."""
    olk = take(lines, "X-MS-OLK-SENDER", notes)
    author = people.organizer
    if method in ("REPLY", "COUNTER") and people.attendees:
        author = people.attendees[0]
        if len(people.attendees) > 1:
            notes.guessed("ATTENDEE", "of several in an answer the first is who answers")
    if author is None:
        return
    sender = author.mailbox
    sent_by = author.line.parameter("SENT-BY")
    if olk is not None:
        sender = mailbox_of(olk)
    elif sent_by:
        sender = _mailbox(sent_by, "")
    found = people.properties
    found.update(group_properties(SENT_REPRESENTING, author.mailbox, resolve))
    found.update(group_properties(SENDER, sender, resolve))


def write_people(
    properties: PropertyBag, rows: tuple[RecipientRow, ...], method: str, notes: Receipt
) -> list[ContentLine]:
    """Write ORGANIZER, ATTENDEE and X-MS-OLK-SENDER for a meeting."""
    if method in ("REPLY", "COUNTER"):
        return _write_answer(properties, rows, method, notes)
    found: list[ContentLine] = []
    organizer = next((row for row in rows if _flags(row) & ORGANIZER), None)
    bag, group = (organizer.properties, RECIPIENT) if organizer is not None else (properties, SENT_REPRESENTING)
    address = _address(bag, group)
    author = _address(properties, SENT_REPRESENTING)
    if address is None and author is not None:
        bag, group, address = properties, SENT_REPRESENTING, author
    if address is None:
        notes.dropped("ORGANIZER", "nobody is said to be it")
    else:
        sender = _address(properties, SENDER)
        other = sender is not None and author is not None and sender[1].casefold() != author[1].casefold()
        sent_by = (("SENT-BY", (sender[1],)),) if sender is not None and other else ()
        found.append(ContentLine("ORGANIZER", address[1], (*_named(address), *sent_by)))
        if sender is not None and other:
            found.append(ContentLine("X-MS-OLK-SENDER", sender[1]))
    for row in rows:
        if _flags(row) & ORGANIZER and (row is not organizer or tags.PidTagRecipientTrackStatus not in row.properties):
            continue
        line = _attendee(row, properties, method, notes)
        if line is not None:
            found.append(line)
    found += _non_sendable(properties)
    return found


def _write_answer(
    properties: PropertyBag, rows: tuple[RecipientRow, ...], method: str, notes: Receipt
) -> list[ContentLine]:
    """An answer is to the organizer, from the one attendee ([MS-OXCICAL] 2.1.3.1.1.20.2, 2.1.3.1.1.20.16)."""
    found: list[ContentLine] = []
    organizer = next((row for row in rows if _flags(row) & ORGANIZER), None) or next(
        (row for row in rows if row.type == RecipientType.TO), None
    )
    address = None if organizer is None else _address(organizer.properties, RECIPIENT)
    if address is not None:
        found.append(ContentLine("ORGANIZER", address[1], _named(address)))
    author, sender = (_address(properties, group) for group in (SENT_REPRESENTING, SENDER))
    author = author or sender
    if author is None:
        notes.dropped("ATTENDEE", "nobody is said to answer")
        return found
    said = partstat_of_class(properties.get(tags.PidTagMessageClass))
    parameters = [*_named(author), ("PARTSTAT", (said,))]
    if sender is not None and sender[1].casefold() != author[1].casefold():
        parameters.append(("SENT-BY", (sender[1],)))
        found.append(ContentLine("X-MS-OLK-SENDER", sender[1]))
    found.append(ContentLine("ATTENDEE", author[1], tuple(parameters)))
    return found


def partstat_of_class(message_class: Value | None) -> str:
    """Give the PARTSTAT that the class of an answer says."""
    end = str(message_class).upper().rpartition(".")[2]
    return {"POS": "ACCEPTED", "NEG": "DECLINED"}.get(end, "TENTATIVE")


def _flags(row: RecipientRow) -> int:
    flags = row.properties.get(tags.PidTagRecipientFlags)
    return flags if isinstance(flags, int) else 0


def _address(bag: PropertyBag, group: AddressGroup) -> tuple[str, str] | None:
    """Name and address: SMTP, or what else there is."""
    address = bag.get(group.smtp) or bag.get(group.email)
    if not isinstance(address, str) or not address:
        return None
    name = bag.get(group.name)
    # What is no address of mail is a URI already, or was meant to be one ([RFC5545] 3.3.3).
    uri = address if bag.get(group.address_type) == "URI" else f"mailto:{address}"
    return name if isinstance(name, str) and name else address, uri


def _named(address: tuple[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    name, uri = address
    return (("CN", (name,)),) if uri not in (name, f"mailto:{name}") else ()


def _attendee(row: RecipientRow, properties: PropertyBag, method: str, notes: Receipt) -> ContentLine | None:
    bag = row.properties
    address = _address(bag, RECIPIENT)
    if address is None:
        notes.dropped("ATTENDEE", "a recipient without an address")
        return None
    parameters = list(_named(address))
    kind = bag.get(tags.PidTagRecipientType, int(row.type))
    kind = kind & 3 if isinstance(kind, int) else int(row.type)
    if kind == RecipientType.CC:
        parameters.append(("ROLE", ("OPT-PARTICIPANT",)))
    elif kind == RecipientType.BCC:
        parameters += [("ROLE", ("NON-PARTICIPANT",)), ("CUTYPE", ("RESOURCE",))]
    if bag.get(tags.PidTagObjectType) == _LIST and kind != RecipientType.BCC:
        parameters.append(("CUTYPE", ("GROUP",)))
    track = bag.get(tags.PidTagRecipientTrackStatus)
    word = PARTSTATS.get(track) if isinstance(track, int) else None
    if method == "REQUEST" and word is None:
        word = "NEEDS-ACTION"
    if word is not None:
        parameters.append(("PARTSTAT", (word,)))
    if method == "REQUEST" or tags.PidTagResponseRequested in properties:
        wanted = properties.get(tags.PidTagResponseRequested, True) is not False
        parameters.append(("RSVP", (str(wanted).upper(),)))
    if bag.get(tags.PidTagRecipientProposed) is True:
        notes.dropped("ATTENDEE", "that another time was proposed")
    when = time_line("X", bag.get(tags.PidTagRecipientTrackStatusTime))
    if when:
        parameters.append(("X-MS-OLK-RESPTIME", (when[0].value,)))
    return ContentLine("ATTENDEE", address[1], tuple(parameters))


def _non_sendable(properties: PropertyBag) -> list[ContentLine]:
    """Attendees who have no address ([MS-OXCICAL] 2.1.3.1.1.20.2)."""
    found: list[ContentLine] = []
    for kind, role in ((RecipientType.TO, ()), (RecipientType.CC, (("ROLE", ("OPT-PARTICIPANT",)),))):
        names, tracks = (properties.get(key) for key in _NON_SENDABLE[kind])
        each = [name.strip() for name in names.split(";")] if isinstance(names, str) else []
        each = [name for name in each if name]
        answers = (
            list(tracks) if isinstance(tracks, tuple) and len(tracks) == len(each) else [NOT_RESPONDED] * len(each)
        )
        for name, answer in zip(each, answers, strict=True):
            word = PARTSTATS.get(answer) if isinstance(answer, int) and answer != NOT_RESPONDED else None
            said = (("PARTSTAT", (word,)),) if word is not None else ()
            found.append(ContentLine("ATTENDEE", _NO_MAIL, (("CN", (name,)), *role, *said)))
    return found


def attendee_strings(rows: list[RecipientRow]) -> Properties:
    """Give the properties that list the attendees by name ([MS-OXOCAL] 2.2.1.16 to 2.2.1.18)."""
    names: dict[RecipientType, list[str]] = {}
    for row in rows:
        if not _flags(row) & ORGANIZER:
            names.setdefault(row.type, []).append(str(row.properties.get(tags.PidTagDisplayName, "")))
    everybody = [name for those in names.values() for name in those]
    return {
        tags.PidLidAllAttendeesString: "; ".join(everybody),
        tags.PidLidToAttendeesString: "; ".join(names.get(RecipientType.TO, [])),
        tags.PidLidCcAttendeesString: "; ".join(names.get(RecipientType.CC, [])),
    }
