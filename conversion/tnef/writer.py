"""The TNEF writer: a Message object becomes a stream ([MS-OXTNEF] 2.2.3).

Property lists carry everything; besides them stand the attributes that readers without MAPI look at. Text goes into
the lists as Unicode and into the attributes in the stream's code page.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from typing import Final

from conversion.attachmentdata import read_slice
from conversion.receipt import Receipt
from conversion.tnef import attributes as tnef
from conversion.tnef.originators import RECEIVED_REPRESENTING, SENDER, SENT_REPRESENTING, Group, write_group
from conversion.tnef.properties import IID_IMessage, IID_IStorage, ObjectValue, PropertyWriter
from conversion.tnef.reader import BY_VALUE, EMBEDDED, MAC_BINARY, MAX_DEPTH, OLE, OLE_STORAGE
from conversion.tnef.transmittable import Part, carried
from conversion.tnef.values import (
    legacy_class,
    write_counted,
    write_date,
    write_key,
    write_priority,
    write_status,
    write_text,
    write_trp,
)
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientType
from store.mapi.types import PropertyBag, PropertyKey, PropertyTag, Value

_RENDERING = struct.Struct("<HihhI")
_FILE, _OLE_TYPE = 1, 2
_COMPOUND_FILE = bytes.fromhex("D0CF11E0A1B11AE1")
_STREAM_NAME: Final = "message.tnef"
_UNKNOWN_POSITION = -1
_OEM = struct.Struct("<II")
_LAST_NUMBER: Final = 0xFFFFFFFF


def write_tnef(
    content: MessageContent,
    *,
    receipt: Receipt | None = None,
    raw: bytes = b"",
    key: int = 1,
    page: int = 1252,
    recipients: bool = False,
    without: Collection[PropertyKey] = (),
    correlator: bytes = b"",
) -> bytes:
    """Turn a Message object into a TNEF stream ([MS-OXTNEF] 2.2.3).

    `raw`: the MIME message that attachments are slices of. `key`: any number, met in old readers only. `page`: the code
    page of 8-bit strings. `recipients`: whether attRecipTable is written, without blind copies; a stream in a MIME
    message leaves that to the header, one within it always has it. `without`: properties that the MIME message says
    itself, PidTagBody mostly. `correlator`: what the X-MS-TNEF-Correlator field of the MIME message says, for
    PidTagTnefCorrelationKey. Properties that do not travel (`transmittable`) are left out silently; what cannot be
    written, with a note.
    """
    writer = _Writer(Receipt() if receipt is None else receipt, raw, key, page)
    if correlator:
        properties = {**content.properties, tags.PidTagTnefCorrelationKey: correlator + b"\0"}
        content = MessageContent(properties, content.recipients, content.attachments)
    return b"".join(writer.message(content, Part.EMBEDDED if recipients else Part.MESSAGE, frozenset(without), 0))


class _Writer:
    """Writes one stream, and those within it."""

    def __init__(self, receipt: Receipt, raw: bytes, key: int, page: int) -> None:
        self._receipt = receipt
        self._raw = raw
        self._key = key
        self._page = page
        self._lists = PropertyWriter(page)

    def message(self, content: MessageContent, part: Part, without: frozenset[PropertyKey], depth: int) -> list[bytes]:
        """Give the pieces of a stream: attributes of the message, its list ([MS-OXTNEF] 2.2.3.14), attachments."""
        out = [tnef.stream_header(self._key)]
        properties = {name: value for name, value in content.properties.items() if name not in without}
        old = self._old_attributes(properties, part)
        self._recipients(content, part, old)
        listed = self._lists.write(carried(properties, part), self._receipt, "attMsgProps")
        for identifier, data in (*old, (tnef.attMsgProps, listed)):
            out += tnef.write_attribute(tnef.MESSAGE, identifier, data)
        for number, attachment in enumerate(content.attachments, start=1):
            inner = self._within(f"attachment {number}")
            for identifier, data in inner.attachment(attachment, depth):
                out += tnef.write_attribute(tnef.ATTACHMENT, identifier, data)
        return out

    def _within(self, place: str) -> _Writer:
        inner = _Writer(self._receipt.within(place), self._raw, self._key, self._page)
        inner._lists = self._lists
        return inner

    def _old_attributes(self, properties: Mapping[PropertyKey, Value], part: Part) -> list[tuple[int, bytes]]:
        """Write the attributes of the message besides its lists ([MS-OXTNEF] 2.1.3.3).

        The subject of a message within a message is only in its list ([MS-OXTNEF] 2.2.3.5), its sender in attFrom too
        ([MS-OXTNEF] 2.2.3.3).
        """
        out: list[tuple[int, bytes | None]] = [
            (tnef.attTnefVersion, tnef.VERSION.to_bytes(4, "little")),
            (tnef.attOemCodepage, _OEM.pack(self._page & _LAST_NUMBER, 0)),
        ]
        for identifier, tag in ((tnef.attMessageClass, _CLASS), (tnef.attOriginalMessageClass, _ORIGINAL)):
            name = properties.get(tag)
            if isinstance(name, str):
                out.append((identifier, write_text(legacy_class(name), self._page)))
        subject = properties.get(tags.PidTagSubject)
        if part is Part.EMBEDDED:
            who = write_group(SENDER, properties)
            out.append((tnef.attFrom, write_trp(who, self._page) if who else None))
            flags = properties.get(tags.PidTagMessageFlags)
            out.append((tnef.attMessageStatus, write_status(flags) if isinstance(flags, int) else None))
        elif isinstance(subject, str):
            out.append((tnef.attSubject, write_text(subject, self._page)))
        for identifier, tag in _DATES:
            when = properties.get(tag)
            out.append((identifier, write_date(when) if isinstance(when, int) else None))
        for identifier, tag in _KEYS:
            octets = properties.get(tag)
            out.append((identifier, write_key(octets) if isinstance(octets, bytes) and octets else None))
        importance = properties.get(tags.PidTagImportance)
        out.append((tnef.attPriority, write_priority(importance) if isinstance(importance, int) else None))
        out += self._meeting(properties)
        return [(identifier, data) for identifier, data in out if data is not None]

    def _meeting(self, properties: Mapping[PropertyKey, Value]) -> list[tuple[int, bytes | None]]:
        """Write what meetings had before there were properties ([MS-OXTNEF] 2.2.3.11 to 2.2.3.13)."""
        owner_id = properties.get(tags.PidTagOwnerAppointmentId)
        wanted = properties.get(tags.PidTagResponseRequested)
        out: list[tuple[int, bytes | None]] = []
        if isinstance(owner_id, int):
            out.append((tnef.attAidOwner, (owner_id & _LAST_NUMBER).to_bytes(4, "little")))
        if isinstance(wanted, bool):
            out.append((tnef.attRequestRes, int(wanted).to_bytes(2, "little")))
        kind = properties.get(_CLASS)
        if not isinstance(kind, str) or not kind.lower().startswith("ipm.schedule.meeting."):
            return out
        response = kind.lower().startswith("ipm.schedule.meeting.resp")
        out.append((tnef.attOwner, self._person(RECEIVED_REPRESENTING if response else SENT_REPRESENTING, properties)))
        out.append((tnef.attSentFor, self._person(SENT_REPRESENTING, properties)))
        delegate = properties.get(tags.PidTagReceivedRepresentingEntryId)
        out.append((tnef.attDelegate, delegate if isinstance(delegate, bytes) else None))
        return out

    def _person(self, group: Group, properties: PropertyBag) -> bytes | None:
        who = write_group(group, properties)
        return write_counted(who, self._page) if who else None

    def _recipients(self, content: MessageContent, part: Part, out: list[tuple[int, bytes]]) -> None:
        """Write attRecipTable ([MS-OXTNEF] 2.1.3.4): never with those who got a blind copy."""
        if part is not Part.EMBEDDED or not content.recipients:
            return
        rows = [row for row in content.recipients if row.type != RecipientType.BCC]
        lists = []
        for number, row in enumerate(rows, start=1):
            bag: dict[PropertyKey, Value] = {tags.PidTagRecipientType: int(row.type), **row.properties}
            lists.append(self._lists.write(carried(bag, Part.RECIPIENT), self._receipt, f"recipient {number}"))
        if len(rows) < len(content.recipients):
            self._receipt.dropped("recipients", f"{len(content.recipients) - len(rows)} who got a blind copy")
        out.append((tnef.attRecipTable, len(lists).to_bytes(4, "little") + b"".join(lists)))

    def attachment(self, attachment: AttachmentContent, depth: int) -> list[tuple[int, bytes]]:
        """Write one attachment: attAttachRendData first, attAttachment last ([MS-OXTNEF] 2.1.3, 2.2.3.10, 2.2.3.15)."""
        properties = dict(attachment.properties)
        data = self._data(attachment)
        objects: dict[PropertyTag, ObjectValue] = {}
        plain: bytes | None = None
        is_ole = properties.get(tags.PidTagAttachMethod) == OLE
        if isinstance(data, MessageContent) and depth >= MAX_DEPTH:
            self._receipt.altered("attAttachment", f"a message {depth + 1} deep is kept as the octets of its stream")
            data = b"".join(self.message(data, Part.EMBEDDED, frozenset(), 0))
            properties = {tags.PidTagAttachLongFilename: _STREAM_NAME, **properties}
            properties[tags.PidTagAttachMethod] = BY_VALUE
            is_ole = False
        if isinstance(data, MessageContent):
            stream = b"".join(self.message(data, Part.EMBEDDED, frozenset(), depth + 1))
            objects[tags.PidTagAttachDataObject] = ObjectValue(IID_IMessage, stream)
        elif is_ole and data is not None and data.startswith(_COMPOUND_FILE):
            objects[tags.PidTagAttachDataObject] = ObjectValue(IID_IStorage, data)
        else:
            plain = data
        out: list[tuple[int, bytes | None]] = [
            (tnef.attAttachRendData, _rendering(properties, is_ole)),
            (tnef.attAttachData, plain),
            (tnef.attAttachTitle, self._title(properties)),
        ]
        transport_name = properties.get(tags.PidTagAttachTransportName)
        if isinstance(transport_name, str):
            out.append((tnef.attAttachTransportFilename, write_text(transport_name, self._page)))
        listed = carried(properties, Part.ATTACHMENT)
        picture = listed.get(tags.PidTagAttachRendering)
        if isinstance(picture, bytes):
            del listed[tags.PidTagAttachRendering]
            out.append((tnef.attAttachMetaFile, picture))
        for identifier, tag in _ATTACHMENT_DATES:
            when = properties.get(tag)
            out.append((identifier, write_date(when) if isinstance(when, int) else None))
        if isinstance(data, MessageContent):
            listed[tags.PidTagAttachMethod] = EMBEDDED
        out.append((tnef.attAttachment, self._lists.write(listed, self._receipt, "attAttachment", objects)))
        return [(identifier, octets) for identifier, octets in out if octets is not None]

    def _data(self, attachment: AttachmentContent) -> bytes | MessageContent | None:
        data = attachment.data
        if not isinstance(data, MimeSlice):
            return data
        octets = read_slice(self._raw, data)
        if octets is None:
            self._receipt.dropped("attAttachData", "it is a slice of a message that is not at hand")
        return octets

    def _title(self, properties: PropertyBag) -> bytes | None:
        for tag in (tags.PidTagAttachLongFilename, tags.PidTagAttachFilename, tags.PidTagDisplayName):
            name = properties.get(tag)
            if isinstance(name, str) and name:
                return write_text(name, self._page)
        return None


def _rendering(properties: PropertyBag, is_ole: bool) -> bytes:
    """Write attAttachRendData ([MS-OXTNEF] 2.1.3.3.15); width and height are zero: nobody knows them."""
    position = properties.get(tags.PidTagRenderingPosition)
    place = position if isinstance(position, int) else _UNKNOWN_POSITION
    ole = is_ole or properties.get(tags.PidTagAttachTag) == OLE_STORAGE
    mac_binary = properties.get(tags.PidTagAttachEncoding) == MAC_BINARY
    place = (place & _LAST_NUMBER) - ((place & 0x80000000) << 1)
    return _RENDERING.pack(_OLE_TYPE if ole else _FILE, place, 0, 0, int(mac_binary))


_CLASS: Final = tags.PidTagMessageClass
_ORIGINAL: Final = tags.PidTagOriginalMessageClass
_DATES: Final = (
    (tnef.attDateSent, tags.PidTagClientSubmitTime),
    (tnef.attDateRecd, tags.PidTagMessageDeliveryTime),
    (tnef.attDateModified, tags.PidTagLastModificationTime),
    (tnef.attDateStart, tags.PidTagStartDate),
    (tnef.attDateEnd, tags.PidTagEndDate),
)
_KEYS: Final = (
    (tnef.attMessageID, tags.PidTagSearchKey),
    (tnef.attParentID, tags.PidTagParentKey),
    (tnef.attConversationID, tags.PidTagConversationKey),
)
_ATTACHMENT_DATES: Final = (
    (tnef.attAttachCreateDate, tags.PidTagCreationTime),
    (tnef.attAttachModifyDate, tags.PidTagLastModificationTime),
)
