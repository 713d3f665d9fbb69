"""The octets of attachments, also of those that are slices of the MIME that they came in."""

from __future__ import annotations

from conversion.mime.transfer import decode_transfer
from store.mapi.message import AttachmentContent, MimeSlice


def read_slice(raw: bytes, piece: MimeSlice) -> bytes | None:
    """Decode a slice of a message; None where the message is not at hand."""
    end = piece.offset + piece.length
    return decode_transfer(raw[piece.offset : end], piece.encoding) if end <= len(raw) else None


def read_attachment_data(raw: bytes, attachment: AttachmentContent) -> bytes | None:
    """Give what an attachment holds by value, decoded; None for an embedded message and for what is not at hand."""
    data = attachment.data
    if isinstance(data, MimeSlice):
        return read_slice(raw, data)
    return data if isinstance(data, bytes) else None
