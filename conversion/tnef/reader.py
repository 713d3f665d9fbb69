"""The TNEF reader: a stream becomes a Message object ([MS-OXTNEF] 2.3.3).

Old attributes and property lists say the same things twice; the lists are believed ([MS-OXTNEF] 2.1.3). The example
of [MS-OXTNEF] 3.1 is read as it is explained there. Whatever is
malformed is noted, and reading goes on; only octets that are no TNEF stream at all raise ConversionError. The cost is
linear, times the depth of messages within messages, which is bounded.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from conversion.errors import ConversionError
from conversion.receipt import Receipt
from conversion.tnef import attributes as tnef
from conversion.tnef.attributes import Attribute, read_attributes
from conversion.tnef.originators import RECEIVED_REPRESENTING, SENDER, SENT_REPRESENTING, Group, read_group
from conversion.tnef.properties import IID_IMessage, OleObject, PropertyList, PropertyReader
from conversion.tnef.values import (
    modern_class,
    read_counted,
    read_date,
    read_key,
    read_priority,
    read_status,
    read_text,
    read_trp,
)
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType
from store.mapi.types import PropertyKey, PropertyTag, Value

MAX_DEPTH: Final = 30
"""Messages within messages that are read; a deeper one stays the octets of its stream."""
MAX_ATTACHMENTS: Final = 10_000
MAX_RECIPIENTS: Final = 20_000

DEFAULT_PAGE: Final = 1252

BY_VALUE, EMBEDDED, OLE = 1, 5, 6  # PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9)
MAC_BINARY: Final = bytes.fromhex("2A864886F714030B01")
"""PidTagAttachEncoding of a file in MacBinary form ([MS-OXCMSG] 2.2.2)."""
OLE_STORAGE: Final = bytes.fromhex("2A864886F714030A030201")
"""PidTagAttachTag of an OLE object ([MS-OXCMSG] 2.2.2)."""
_TYPE_OLE = 2
_FLAG_MAC_BINARY = 1
_RENDERING = struct.Struct("<HihhI")
_OBJECT_ID = 0x3701  # PidTagAttachDataObject and PidTagAttachDataBinary


def read_tnef(data: bytes, *, receipt: Receipt | None = None) -> MessageContent:
    """Turn a TNEF stream into a Message object ([MS-OXTNEF] 2.3.3).

    Recipients come only from attRecipTable, which a stream in a MIME message need not have. OLE objects are octets.
    ConversionError if the octets are no TNEF stream; nothing else is raised, whatever they are.
    """
    return _read_stream(memoryview(data), Receipt() if receipt is None else receipt, 0)


def is_tnef(data: bytes | memoryview) -> bool:
    """Whether octets begin as a TNEF stream does."""
    return bytes(data[:4]) == tnef.SIGNATURE.to_bytes(4, "little")


class _Parts(NamedTuple):
    """What is gathered of a message before it is put together."""

    old: dict[PropertyKey, Value]
    """From attributes."""
    properties: dict[PropertyKey, Value]
    """From attMsgProps."""
    owners: dict[int, memoryview]
    """attOwner and attSentFor, which mean what the class says."""
    recipients: list[RecipientRow]
    attachments: list[_Attachment]


def _read_stream(stream: memoryview, receipt: Receipt, depth: int) -> MessageContent:
    frames = list(read_attributes(stream, receipt))
    page = _page(frames)
    parts = _Parts({}, {}, {}, [], [])
    for frame in frames:
        if frame.id == tnef.attAttachRendData:
            if len(parts.attachments) == MAX_ATTACHMENTS:
                receipt.dropped("attachments", f"those beyond {MAX_ATTACHMENTS}")
                break
            parts.attachments.append(_Attachment(len(parts.attachments) + 1, receipt))
            parts.attachments[-1].rendering(frame.data)
        elif frame.level == tnef.ATTACHMENT:
            if not parts.attachments:
                receipt.guessed(frame.name, "it stands before attAttachRendData; an attachment begins with it")
                parts.attachments.append(_Attachment(1, receipt))
            parts.attachments[-1].take(frame, page)
        else:
            _message_attribute(frame, page, parts, receipt)
    properties = _together(parts, page, receipt)
    return MessageContent(
        properties, tuple(parts.recipients), tuple([item.content(depth) for item in parts.attachments])
    )


def _page(frames: list[Attribute]) -> int:
    """Tell the code page of 8-bit strings ([MS-OXTNEF] 2.1.3.3.2, 2.3.3.2).

    attOemCodepage, else PidTagInternetCodepage of the list, else windows-1252.
    """
    for frame in frames:
        if frame.id == tnef.attOemCodepage and len(frame.data) >= 4:
            page = int.from_bytes(frame.data[:4], "little")
            if page:
                return page
    for frame in frames:
        if frame.id == tnef.attMsgProps:
            listed = PropertyReader(frame.data, DEFAULT_PAGE, Receipt(), frame.name).read().values
            page_of_list = listed.get(tags.PidTagInternetCodepage)
            if isinstance(page_of_list, int) and page_of_list > 0:
                return page_of_list
    return DEFAULT_PAGE


def _message_attribute(frame: Attribute, page: int, parts: _Parts, receipt: Receipt) -> None:
    """Take one attribute of the message ([MS-OXTNEF] 2.1.3.3, 2.1.3.3.9, 2.1.3.3.18, 2.1.3.3.21, 2.3.3.12)."""
    identifier, data = frame.id, frame.data
    if identifier == tnef.attMsgProps:
        listed = PropertyReader(data, page, receipt, frame.name).read()
        parts.properties.update(listed.values)
        _no_objects(listed, receipt, frame.name)
    elif identifier == tnef.attRecipTable:
        for row in PropertyReader(data, page, receipt, frame.name).rows(MAX_RECIPIENTS):
            _no_objects(row, receipt, frame.name)
            parts.recipients.append(_recipient(row.values, receipt, len(parts.recipients) + 1))
    elif identifier == tnef.attTnefVersion:
        if data != tnef.VERSION.to_bytes(4, "little"):
            receipt.guessed(frame.name, "an unknown version; read as the known one")
    elif identifier in (tnef.attOwner, tnef.attSentFor):
        parts.owners[identifier] = data
    elif identifier == tnef.attFrom:
        parts.old.update(read_group(SENDER, read_trp(data, page)))
    elif identifier in _PROPERTY_OF:
        key, read = _PROPERTY_OF[identifier]
        value = read(data, page)
        if value is None:
            receipt.dropped(frame.name, "it has no value that can be read")
        else:
            parts.old[key] = value
    elif identifier != tnef.attOemCodepage:
        receipt.dropped(frame.name, "it has no place in a message")


def _no_objects(listed: PropertyList, receipt: Receipt, place: str) -> None:
    for key in listed.objects:
        receipt.dropped(f"{place}, {key!r}", "an object that belongs to no attachment")


def _date(data: memoryview, page: int) -> int | None:
    return read_date(data)


def _class(data: memoryview, page: int) -> str:
    return modern_class(read_text(data, page))


def _number(data: memoryview, page: int) -> int | None:
    return int.from_bytes(data[:4], "little", signed=True) if len(data) >= 4 else None


def _flag(data: memoryview, page: int) -> bool | None:
    return any(data[:2]) if len(data) >= 2 else None


_PROPERTY_OF: dict[int, tuple[PropertyTag, Callable[[memoryview, int], Value | None]]] = {
    tnef.attSubject: (tags.PidTagSubject, read_text),
    tnef.attBody: (tags.PidTagBody, read_text),
    tnef.attMessageClass: (tags.PidTagMessageClass, _class),
    tnef.attOriginalMessageClass: (tags.PidTagOriginalMessageClass, _class),
    tnef.attDateSent: (tags.PidTagClientSubmitTime, _date),
    tnef.attDateRecd: (tags.PidTagMessageDeliveryTime, _date),
    tnef.attDateModified: (tags.PidTagLastModificationTime, _date),
    tnef.attDateStart: (tags.PidTagStartDate, _date),
    tnef.attDateEnd: (tags.PidTagEndDate, _date),
    tnef.attMessageStatus: (
        tags.PidTagMessageFlags,
        lambda data, page: read_status(data[0]) if data else None,
    ),
    tnef.attMessageID: (tags.PidTagSearchKey, read_key),
    tnef.attParentID: (tags.PidTagParentKey, read_key),
    tnef.attConversationID: (tags.PidTagConversationKey, read_key),
    tnef.attPriority: (tags.PidTagImportance, lambda data, page: read_priority(data)),
    tnef.attAidOwner: (tags.PidTagOwnerAppointmentId, _number),
    tnef.attRequestRes: (tags.PidTagResponseRequested, _flag),
    tnef.attDelegate: (tags.PidTagReceivedRepresentingEntryId, lambda data, page: bytes(data)),
}
_DATES = {key: name for name, (key, read) in _PROPERTY_OF.items() if read is _date}


def _together(parts: _Parts, page: int, receipt: Receipt) -> dict[PropertyKey, Value]:
    """Join attributes and list; the list wins ([MS-OXTNEF] 2.1.3).

    An address of an attribute counts as a whole: the list's name never stands with the attribute's address.
    """
    old = parts.old
    listed = parts.properties
    kind = listed.get(tags.PidTagMessageClass, old.get(tags.PidTagMessageClass, ""))
    for identifier, data in parts.owners.items():
        who = read_counted(data, page)
        if who is None:
            receipt.dropped(tnef.NAMES[identifier], "it holds no address")
        old.update(read_group(_group(identifier, str(kind)), who))
    for group in (SENDER, SENT_REPRESENTING, RECEIVED_REPRESENTING):
        if any(tag in listed for tag in group):
            for tag in group:
                old.pop(tag, None)
    for tag, identifier in _DATES.items():
        if tag in old and tag not in listed:
            receipt.guessed(tnef.NAMES[identifier], "it has no time zone; it was taken as UTC")
    return {**old, **listed}


def _group(identifier: int, message_class: str) -> Group:
    """Say whom attOwner and attSentFor name ([MS-OXTNEF] 2.3.3.10, 2.3.3.11): in a response, attOwner the organizer."""
    response = message_class.lower().startswith("ipm.schedule.meeting.resp")
    return RECEIVED_REPRESENTING if identifier == tnef.attOwner and response else SENT_REPRESENTING


def _recipient(properties: dict[PropertyKey, Value], receipt: Receipt, number: int) -> RecipientRow:
    """Make a recipient of a row of attRecipTable ([MS-OXTNEF] 2.1.3.4); flags in its type are not part of the type."""
    kind = properties.get(tags.PidTagRecipientType)
    try:
        return RecipientRow(RecipientType(int(kind) & 0x0F if isinstance(kind, int) else -1), properties)
    except ValueError:
        receipt.guessed(f"recipient {number}", "no known type; taken as To")
        return RecipientRow(RecipientType.TO, properties)


class _Attachment:
    """Gathers one attachment ([MS-OXTNEF] 2.1.3.3.15, 2.1.3.3.23)."""

    def __init__(self, number: int, receipt: Receipt) -> None:
        self._receipt = receipt.within(f"attachment {number}")
        self._old: dict[PropertyKey, Value] = {}
        self._properties: dict[PropertyKey, Value] = {}
        self._title = ""
        self._data: memoryview | None = None
        self._object: OleObject | None = None
        self._ole = False

    def rendering(self, data: memoryview) -> None:
        """Take attAttachRendData ([MS-OXTNEF] 2.3.3.9): the kind, the place in the text, whether it is MacBinary."""
        if len(data) < _RENDERING.size:
            self._receipt.guessed(tnef.NAMES[tnef.attAttachRendData], "it is cut short; taken as a file's")
            return
        kind, position, _, _, flags = _RENDERING.unpack_from(data)
        self._ole = kind == _TYPE_OLE
        self._old[tags.PidTagRenderingPosition] = position
        if self._ole:
            self._old[tags.PidTagAttachTag] = OLE_STORAGE
        if flags & _FLAG_MAC_BINARY:
            self._old[tags.PidTagAttachEncoding] = MAC_BINARY

    def take(self, frame: Attribute, page: int) -> None:
        """Take any other attribute."""
        identifier, data = frame.id, frame.data
        if identifier == tnef.attAttachData:
            self._data = data
        elif identifier == tnef.attAttachTitle:
            self._title = read_text(data, page)
        elif identifier == tnef.attAttachTransportFilename:
            self._old[tags.PidTagAttachTransportName] = read_text(data, page)
        elif identifier == tnef.attAttachMetaFile:
            self._old[tags.PidTagAttachRendering] = bytes(data)
        elif identifier in (tnef.attAttachCreateDate, tnef.attAttachModifyDate):
            created = identifier == tnef.attAttachCreateDate
            when = read_date(data)
            if when is not None:
                self._old[tags.PidTagCreationTime if created else tags.PidTagLastModificationTime] = when
            else:
                self._receipt.dropped(frame.name, "it is no date")
        elif identifier == tnef.attAttachment:
            self._list(PropertyReader(data, page, self._receipt, frame.name).read())
        else:
            self._receipt.dropped(frame.name, "it has no place in an attachment")

    def _list(self, listed: PropertyList) -> None:
        self._properties.update(listed.values)
        for key, item in listed.objects.items():
            if isinstance(key, PropertyTag) and key.id == _OBJECT_ID:
                self._object = item
            else:
                self._receipt.dropped(f"attAttachment, {key!r}", "an object that is not the attachment's")

    def content(self, depth: int) -> AttachmentContent:
        """Put it together. A message within a message is read, down to MAX_DEPTH."""
        properties = {**self._old, **self._properties}
        if self._title and not (tags.PidTagAttachLongFilename in properties or tags.PidTagAttachFilename in properties):
            properties[tags.PidTagAttachLongFilename] = self._title
        data: bytes | MessageContent | None = None
        binary = properties.pop(tags.PidTagAttachDataBinary, None)
        method = OLE if self._ole else BY_VALUE
        if self._object is not None:
            data = self._read_object(self._object, depth)
            method = OLE if self._object.interface != IID_IMessage else BY_VALUE
        elif isinstance(binary, bytes):
            data = binary
        elif self._data is not None:
            data = bytes(self._data)
        if isinstance(data, MessageContent):
            properties[tags.PidTagAttachMethod] = EMBEDDED
        elif properties.get(tags.PidTagAttachMethod, EMBEDDED) == EMBEDDED:
            properties[tags.PidTagAttachMethod] = method
        return AttachmentContent(properties, data)

    def _read_object(self, item: OleObject, depth: int) -> bytes | MessageContent:
        if item.interface != IID_IMessage:
            return bytes(item.data)
        if depth >= MAX_DEPTH:
            self._receipt.altered("attAttachment", f"a message {depth + 1} deep is kept as the octets of its stream")
            return bytes(item.data)
        try:
            return _read_stream(item.data, self._receipt, depth + 1)
        except ConversionError:
            self._receipt.altered("attAttachment", "a message that is no TNEF stream is kept as its octets")
            return bytes(item.data)
