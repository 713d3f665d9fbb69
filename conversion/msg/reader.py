"""The reader of .msg and .oft files ([MS-OXMSG])."""

from __future__ import annotations

from collections.abc import Mapping

from conversion.errors import ConversionError
from conversion.msg.compound import Storage, read_compound, write_compound
from conversion.msg.names import Name, read_names
from conversion.msg.properties import STREAM, read_code_page, read_properties
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, RecipientRow, RecipientType

MAX_DEPTH = 30
"""Messages within messages that are read; a deeper one is kept as a file."""
MAX_ROWS = 100_000
"""Recipients, or attachments, of one message."""

# Octets before the rows ([MS-OXMSG] 2.4.1.1 to 2.4.1.3): of the message, of one within, of recipients, attachments.
TOP_HEADER, EMBEDDED_HEADER, ROW_HEADER = 32, 24, 8
_EMBEDDED, _OLE = 5, 6  # PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9)
OBJECT = "__substg1.0_3701000D"
_CODE_PAGES = (tags.PidTagMessageCodepage, tags.PidTagInternetCodepage)


def read_msg(data: bytes, *, receipt: Receipt | None = None) -> MessageContent:
    """Read a file, in Unicode or not ([MS-OXMSG] 2.2, 2.3). Raises ConversionError for what is no message file."""
    receipt = receipt or Receipt()
    root = read_compound(data, receipt=receipt)
    if root.stream(STREAM) is None:
        raise ConversionError("the compound file is no message: it has no stream of properties")
    return _Reader(read_names(root, receipt)).message(root, TOP_HEADER, 0, 0, receipt)


class _Reader:
    def __init__(self, names: Mapping[int, Name]) -> None:
        self._names = names

    def message(self, storage: Storage, header: int, page: int, depth: int, receipt: Receipt) -> MessageContent:
        """Read a message; without a code page of its own it has that of the message around it."""
        page = read_code_page(storage, header, _CODE_PAGES) or page
        properties = read_properties(storage, header, page, self._names, receipt)
        subject = properties.get(tags.PidTagSubject)
        if isinstance(subject, str) and subject.startswith("\x01"):
            properties[tags.PidTagSubject] = subject[2:]  # old programs say there how long the prefix is
        recipients = [
            self._recipient(found, page, receipt.within(f"recipient {number}"))
            for number, found in _numbered(storage, "__recip_version1.0_#", receipt)
        ]
        attachments = [
            self._attachment(found, page, depth, receipt.within(f"attachment {number}"))
            for number, found in _numbered(storage, "__attach_version1.0_#", receipt)
        ]
        return MessageContent(properties, tuple(recipients), tuple(attachments))

    def _recipient(self, storage: Storage, page: int, receipt: Receipt) -> RecipientRow:
        """Read a recipient ([MS-OXMSG] 2.2.1)."""
        properties = read_properties(storage, ROW_HEADER, page, self._names, receipt)
        kind = properties.get(tags.PidTagRecipientType)
        try:
            return RecipientRow(RecipientType(kind & 0x0F if isinstance(kind, int) else -1), properties)
        except ValueError:
            receipt.guessed("PidTagRecipientType", "no known type; taken as To")
            return RecipientRow(RecipientType.TO, properties)

    def _attachment(self, storage: Storage, page: int, depth: int, receipt: Receipt) -> AttachmentContent:
        """Read an attachment: octets, a message, an object of a program ([MS-OXMSG] 2.2.2, 2.2.2.1, 2.2.2.2)."""
        properties = read_properties(storage, ROW_HEADER, page, self._names, receipt)
        found = properties.pop(tags.PidTagAttachDataBinary, None)
        data: bytes | MessageContent | None = found if isinstance(found, bytes) else None
        inner = storage.storage(OBJECT)
        if inner is None:
            stream = storage.stream(OBJECT)
            return AttachmentContent(properties, data if stream is None else stream)
        if properties.get(tags.PidTagAttachMethod) == _OLE or inner.stream(STREAM) is None:
            return AttachmentContent(properties, _as_file(inner, receipt))
        properties[tags.PidTagAttachMethod] = _EMBEDDED
        if depth + 1 >= MAX_DEPTH:
            receipt.altered("message", f"it is {depth + 1} deep, and is kept as a file without named properties")
            return AttachmentContent(properties, _as_file(inner, receipt))
        return AttachmentContent(
            properties, self.message(inner, EMBEDDED_HEADER, page, depth + 1, receipt.within("message"))
        )


def _numbered(storage: Storage, prefix: str, receipt: Receipt) -> list[tuple[int, Storage]]:
    found = list(storage.storages(prefix))
    if len(found) > MAX_ROWS:
        receipt.dropped(prefix.strip("_#"), f"those beyond {MAX_ROWS}")
    return [(number, inner) for number, (_, inner) in enumerate(found[:MAX_ROWS])]


def _as_file(storage: Storage, receipt: Receipt) -> bytes | None:
    """Keep a storage, such as an OLE object's, as a compound file of its own."""
    try:
        return write_compound(storage)
    except ConversionError as error:
        receipt.dropped("the object", str(error))
        return None
