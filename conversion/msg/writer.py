"""The writer of .msg files ([MS-OXMSG])."""

from __future__ import annotations

import struct
from uuid import UUID

from conversion.attachmentdata import read_slice
from conversion.errors import ConversionError
from conversion.msg.compound import SIGNATURE, Storage, read_compound, write_compound
from conversion.msg.names import STORAGE as NAMES
from conversion.msg.names import NameWriter
from conversion.msg.properties import PropertyWriter
from conversion.msg.reader import EMBEDDED_HEADER, MAX_DEPTH, OBJECT, TOP_HEADER
from conversion.receipt import Receipt
from store.mapi import tags
from store.mapi.message import AttachmentContent, MessageContent, MimeSlice, RecipientRow
from store.mapi.types import PropertyKey, Value

_CLSID = UUID("00020D0B-0000-0000-C000-000000000046")
"""The class of the root storage, by which Windows opens the file in Outlook ([MS-OXMSG] 2.2)."""
_UNICODE_OK = 0x00040000  # STORE_UNICODE_OK of PidTagStoreSupportMask ([MS-OXMSG] 2.1.1.1)
_MOST_ROWS = 2_048
"""Recipients, or attachments, that a file may have ([MS-OXMSG] 2.2.1, 2.2.2)."""
_FILE_NAME = "message.msg"
_BY_VALUE, _EMBEDDED, _OLE = 1, 5, 6
_MESSAGE, _STORAGE = 1, 4  # the reserved word of an object's row ([MS-OXMSG] 2.4.2.2)


def write_msg(
    content: MessageContent, *, raw: bytes = b"", code_page: int | None = None, receipt: Receipt | None = None
) -> bytes:
    """Write a file.

    `raw` is the MIME of which attachments may be slices. With a `code_page` the strings are in that, for programs that
    know no Unicode. Raises ConversionError for a message that no file can hold.
    """
    writer = _Writer(raw, code_page, receipt or Receipt())
    root = Storage(clsid=_CLSID)
    writer.message(root, content, TOP_HEADER, 0)
    root.entries[NAMES] = writer.names.storage()
    return write_compound(root)


class _Writer:
    def __init__(self, raw: bytes, code_page: int | None, receipt: Receipt) -> None:
        self._raw = raw
        self._page = code_page
        self._receipt = receipt
        self.names = NameWriter()

    def message(self, storage: Storage, content: MessageContent, header: int, depth: int) -> None:
        """Write a message into a storage ([MS-OXMSG] 2.2)."""
        properties: dict[PropertyKey, Value] = dict(content.properties)
        mask = properties.get(tags.PidTagStoreSupportMask)
        mask = mask if isinstance(mask, int) else 0
        properties[tags.PidTagStoreSupportMask] = mask | _UNICODE_OK if self._page is None else mask & ~_UNICODE_OK
        if self._page is not None:
            properties[tags.PidTagMessageCodepage] = self._page
        counts = len(content.recipients), len(content.attachments)
        head = struct.pack("<8xIIII", *counts, *counts).ljust(header, b"\0")
        self._properties(storage, head, properties)
        for what, count in zip(("recipients", "attachments"), counts, strict=True):
            if count > _MOST_ROWS:  # nothing is left out that some reader may read
                self._receipt.altered(what, f"{count} of them: other programs read no more than {_MOST_ROWS}")
        for number, row in enumerate(content.recipients):
            self._recipient(storage, number, row)
        for number, attachment in enumerate(content.attachments):
            self._attachment(storage, number, attachment, depth)

    def _properties(
        self, storage: Storage, head: bytes, properties: dict[PropertyKey, Value], objects: dict[int, int] | None = None
    ) -> None:
        PropertyWriter(self.names, self._page, self._receipt).write(storage, head, properties, objects=objects or {})

    def _recipient(self, storage: Storage, number: int, row: RecipientRow) -> None:
        inner = Storage()
        properties = {tags.PidTagRecipientType: int(row.type), tags.PidTagRowid: number, **row.properties}
        self._properties(inner, bytes(8), properties)
        storage.entries[f"__recip_version1.0_#{number:08X}"] = inner

    def _attachment(self, storage: Storage, number: int, attachment: AttachmentContent, depth: int) -> None:
        inner = Storage()
        properties: dict[PropertyKey, Value] = {tags.PidTagAttachMethod: _BY_VALUE, **attachment.properties}
        properties[tags.PidTagAttachNumber] = number
        objects: dict[int, int] = {}
        data = self._data(attachment, number)
        if isinstance(data, MessageContent) and depth + 1 >= MAX_DEPTH:
            data = self._as_file(data, number, depth)
            properties[tags.PidTagAttachMethod] = _BY_VALUE
            properties.setdefault(tags.PidTagAttachLongFilename, _FILE_NAME)
        if isinstance(data, MessageContent):
            message = Storage()
            self.message(message, data, EMBEDDED_HEADER, depth + 1)
            inner.entries[OBJECT] = message
            objects[tags.PidTagAttachDataObject] = _MESSAGE
            properties[tags.PidTagAttachMethod] = _EMBEDDED
        elif data is not None and properties[tags.PidTagAttachMethod] == _OLE:
            objects[tags.PidTagAttachDataObject] = self._object(inner, data)
        elif data is not None:
            properties[tags.PidTagAttachDataBinary] = data
        self._properties(inner, bytes(8), properties, objects)
        storage.entries[f"__attach_version1.0_#{number:08X}"] = inner

    def _as_file(self, content: MessageContent, number: int, depth: int) -> bytes:
        """Write a message that is deeper than readers go as a file of its own."""
        place = f"attachment {number}"
        self._receipt.altered(place, f"a message {depth + 1} deep is kept as a file")
        return write_msg(content, raw=self._raw, code_page=self._page, receipt=self._receipt.within(place))

    def _object(self, storage: Storage, data: bytes) -> int:
        """Write an OLE object: a compound file as the storage that it is, anything else as a stream."""
        if data.startswith(SIGNATURE):
            try:
                storage.entries[OBJECT] = read_compound(data)
            except ConversionError:
                pass
            else:
                return _STORAGE
        storage.entries[OBJECT] = data
        return _MESSAGE

    def _data(self, attachment: AttachmentContent, number: int) -> bytes | MessageContent | None:
        data = attachment.data
        if not isinstance(data, MimeSlice):
            return data
        octets = read_slice(self._raw, data)
        if octets is None:
            self._receipt.dropped(f"attachment {number}", "it is a slice of a message that is not at hand")
        return octets
